package bundle_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
)

// TestOldLists: roots issue a revocation list now and then, and what was current at
// the moment speaks for an authority, however old. Of the signer itself only what
// is a day old at most does.
func TestOldLists(t *testing.T) {
	path := tools(t)
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name      string
		lifetime  time.Duration // of lists that are forty days old
		authority bool          // that they are about
		want      string
	}{
		{"the authority's, current", 90 * day, true, "holds"},
		{"the authority's, followed by another", 30 * day, true, "unproven"},
		{"the signer's, current", 90 * day, false, "unproven"},
	} {
		dir := t.TempDir()
		past := time.Now().Add(-40 * day)
		old, err := lab.Start(lab.Config{Dir: dir, Clock: func() time.Time { return past }, CRLLifetime: tt.lifetime})
		if err != nil {
			t.Fatal(err)
		}
		leaf, chain, err := old.Issue(testkey.P256(t).Public(), pkix.Name{CommonName: "Contoh"}, lab.IssueOptions{})
		if err != nil {
			t.Fatal(err)
		}
		about := leaf
		if tt.authority {
			about = chain[0]
		}
		list := get(t, about.CRLDistributionPoints[0])
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}

		w := newWorldOf(t, lab.Config{Dir: dir})
		in := w.sign(t, testkey.P256(t), signer.B, false)
		issuer := w.lab.Root()
		if !tt.authority {
			about, issuer = in.Evidence.Certificates[0], chain[0]
		}
		in.Evidence = without(in.Evidence, about, issuer)
		in.Evidence.CRLs = append(in.Evidence.CRLs, list)
		b := write(t, in)
		got := ""
		for _, s := range verify(t, b, w.options()).Statements {
			if s.ID == "revocation" {
				got = string(s.State)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		_, _, out := script(t, path, unzip(t, b).unpack(t), nil, "-t", w.anchor)
		if !slices.ContainsFunc(strings.Split(out, "\n"), func(line string) bool {
			return strings.HasPrefix(line, tt.want) && strings.Contains(line, "revocation:")
		}) {
			t.Errorf("%s: the script does not say %s:\n%s", tt.name, tt.want, out)
		}
	}
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return b
}

// without leaves out what speaks of one certificate.
func without(e pki.Evidence, cert, issuer *x509.Certificate) pki.Evidence {
	e.OCSPs = slices.DeleteFunc(e.OCSPs, func(der []byte) bool {
		_, err := pki.CheckOCSP(der, cert, issuer, time.Now(), pki.CheckOptions{})
		return err == nil
	})
	e.CRLs = slices.DeleteFunc(e.CRLs, func(der []byte) bool {
		_, err := pki.CheckCRL(der, cert, issuer, time.Now(), pki.CheckOptions{})
		return err == nil
	})
	return e
}
