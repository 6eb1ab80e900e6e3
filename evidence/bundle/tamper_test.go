package bundle_test

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/bundle"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
)

// guard is the statement that fails when a file is not what it was, although the
// list of digests was made anew. README and script are not evidence: only the list
// covers them.
func guard(name string) string {
	dir, base := filepath.Split(name)
	switch {
	case name == "log/origin.txt" || name == "log/checkpoint.note":
		return "checkpoint"
	case name == "log/keys.txt":
		return "" // the keys come from the caller
	case name == "log/timestamp.tst" || name == "log/tsa.pem":
		return "log-time"
	case name == "log/earlier.note" || name == "log/consistency.txt":
		return "consistency"
	case strings.HasPrefix(dir, "entries/") && base == "receipt.note":
		return "receipt-" + dir[8:len(dir)-1]
	case strings.HasPrefix(dir, "entries/"):
		return "entry-" + dir[8:len(dir)-1]
	case strings.HasPrefix(name, "document/timestamp-"):
		return "document-time"
	case strings.HasPrefix(base, "timestamp-"):
		return "signature-time"
	case name == "signature/cms.der":
		return "artefacts" // the middle is a timestamp, which the signature does not cover
	case name == "signature/signer.pem":
		return "certificate"
	case dir == "signature/":
		return "signature"
	case dir == "report/":
		return "report"
	case dir == "document/":
		return "document"
	}
	return ""
}

// flip returns data with one bit changed, at a place that counts: in a token near
// the end, where its signature is and not one of the certificates that came along;
// else in the middle, not in the white space between lines of base64.
func flip(name string, data []byte) []byte {
	out := bytes.Clone(data)
	i := len(out) / 2
	if strings.HasSuffix(name, ".tst") {
		i = len(out) - 8
	}
	for i < len(out)-1 && (out[i] == '\n' || out[i] == '=') {
		i++
	}
	out[i] ^= 1
	return out
}

// TestFlippedByte changes one byte in each file. With the old list of digests
// the statement "files" names the file; with a new one the statement that rests
// on the file fails, in Verify and in the script alike.
func TestFlippedByte(t *testing.T) {
	path := tools(t)
	w, in := complete(t)
	good := unzip(t, write(t, in))
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte(strings.Join(w.keys, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range good.names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := flip(name, good.data[name])
			old := good.with(name, bad)
			if name != "SHA256SUMS" {
				old = old.with("SHA256SUMS", good.data["SHA256SUMS"])
			}
			r := verify(t, old.zip(t), w.options())
			if r.Verdict != bundle.Fails || !slices.Contains(r.Failed(), "files") {
				t.Errorf("old digests: %s, failed %v", r.Verdict, r.Failed())
			}
			if name != "SHA256SUMS" && !strings.Contains(r.Statements[0].Text, name) {
				t.Errorf("old digests: %q does not name the file", r.Statements[0].Text)
			}
			if slices.Contains([]string{"README.txt", "SHA256SUMS", "entries/1/record.json", "document/document.pdf"}, name) {
				status, states, out := script(t, path, old.unpack(t), nil, "-k", keys, "-t", w.anchor)
				if status != 1 || states["files"] != "fails" {
					t.Errorf("old digests: verify.sh exits %d, failed %v\n%s", status, failed(states), out)
				}
			}
			want := guard(name)
			if want == "" {
				return
			}
			anew := good.with(name, bad)
			r = verify(t, anew.zip(t), w.options())
			if r.Verdict != bundle.Fails || !slices.Contains(r.Failed(), want) {
				t.Errorf("new digests: %s, failed %v, want %s among them", r.Verdict, r.Failed(), want)
			}
			status, states, out := script(t, path, anew.unpack(t), nil, "-k", keys, "-t", w.anchor)
			if status != 1 || states[want] != "fails" {
				t.Errorf("new digests: verify.sh exits %d, failed %v, want %s among them\n%s", status, failed(states), want, out)
			}
		})
	}
}

// TestRevocationData: without its OCSP responses no path is known to have been
// good, and a response of which one byte was changed is as good as none.
func TestRevocationData(t *testing.T) {
	path := tools(t)
	w, in := complete(t)
	keys := keyFile(t, w.keys...)
	want := []string{"document-time", "log-time", "revocation", "signature-time"}
	for _, change := range []string{"none", "flipped"} {
		c := unzip(t, write(t, in))
		for _, name := range slices.Clone(c.names) {
			if strings.HasPrefix(name, "revocation/") && change == "none" {
				c = c.with(name, nil)
			} else if strings.HasPrefix(name, "revocation/") {
				// the signed part begins after a few headers and ends in the
				// middle: the responder's certificate follows
				b := bytes.Clone(c.data[name])
				b[bytes.Index(b, []byte("Z"))-1] ^= 1 // the seconds of producedAt
				c = c.with(name, b)
			}
		}
		r := verify(t, c.zip(t), w.options())
		var got []string
		for _, s := range r.Statements {
			if s.State == bundle.Unproven {
				got = append(got, s.ID)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) || r.Verdict != bundle.Unproven {
			t.Errorf("%s: %s, unproven %v, want %v", change, r.Verdict, got, want)
		}
		status, states, out := script(t, path, c.unpack(t), nil, "-k", keys, "-t", w.anchor)
		compare(t, r, states, out)
		if status != 2 {
			t.Errorf("%s: verify.sh exits %d", change, status)
		}
	}
}

// TestRevoked: a bundle whose own revocation data say that the signer's
// certificate was revoked before the signature fails; revoked afterwards it holds.
func TestRevoked(t *testing.T) {
	path := tools(t)
	w, in := complete(t)
	keys := keyFile(t, w.keys...)
	signed := in.Evidence
	cert, issuer := signerOf(t, in), w.lab.Issuing()
	for _, tt := range []struct {
		name string
		at   time.Time
		ocsp bool
		want bundle.State
	}{
		{"before, by OCSP", time.Now().Add(-time.Hour), true, bundle.Fails},
		{"before, by CRL", time.Now().Add(-time.Hour), false, bundle.Fails},
		{"after, by OCSP", time.Now().Add(time.Minute), true, bundle.Holds},
		{"after, by CRL", time.Now().Add(time.Minute), false, bundle.Holds},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := w.lab.Revoke(cert, tt.at, pki.KeyCompromise); err != nil {
				t.Fatal(err)
			}
			source, err := fetch.New(fetch.Config{Allow: []string{w.lab.Addr()}})
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close()
			in := in
			in.Evidence = pki.Evidence{Certificates: signed.Certificates}
			for _, der := range signed.OCSPs { // all but those on the signer
				if o, err := pki.ParseOCSP(der); err != nil || !o.Covers(cert, issuer) {
					in.Evidence.OCSPs = append(in.Evidence.OCSPs, der)
				}
			}
			var der []byte
			if tt.ocsp {
				der, err = source.OCSP(t.Context(), cert, issuer, time.Time{})
				in.Evidence.OCSPs = append(in.Evidence.OCSPs, der)
			} else {
				der, err = source.CRL(t.Context(), cert, issuer, time.Time{})
				in.Evidence.CRLs = append(slices.Clone(signed.CRLs), der)
			}
			if err != nil {
				t.Fatal(err)
			}
			b := write(t, in)
			t.Parallel() // what is revoked is so for all
			r := verify(t, b, w.options())
			if r.Verdict != tt.want {
				t.Errorf("got %s, failed %v", r.Verdict, r.Failed())
			}
			_, states, out := script(t, path, unzip(t, b).unpack(t), nil, "-k", keys, "-t", w.anchor)
			compare(t, r, states, out)
		})
	}
}

func keyFile(t *testing.T, keys ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(name, []byte(strings.Join(keys, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// signerOf returns the certificate that signed a bundle's CMS.
func signerOf(t *testing.T, in bundle.Input) *x509.Certificate {
	t.Helper()
	sd, err := cms.Parse(in.CMS)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := sd.Signer(sd.SignerInfos[0])
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// TestMissingFile leaves one file out, and makes the list of digests anew.
func TestMissingFile(t *testing.T) {
	w, in := complete(t)
	good := unzip(t, write(t, in))
	for _, name := range good.names {
		t.Run(name, func(t *testing.T) {
			b := good.with(name, nil).zip(t)
			r, err := bundle.Verify(bytes.NewReader(b), int64(len(b)), w.options())
			var unreadable *bundle.UnreadableError
			switch {
			case errors.As(err, &unreadable):
			case err != nil:
				t.Fatal(err)
			case strings.HasPrefix(name, "revocation/"): // there may be others that say the same
			case name == "README.txt" || name == "verify.sh" || name == "report/report.json" || name == "document/document.pdf":
				if r.Verdict != bundle.Holds {
					t.Errorf("failed %v", r.Failed())
				} // a statement less, that nothing says should be made
			case strings.HasSuffix(name, "receipt.note"):
				if r.Verdict != bundle.Unproven {
					t.Errorf("got %s, failed %v", r.Verdict, r.Failed())
				}
			case r.Verdict != bundle.Fails:
				t.Errorf("got %s", r.Verdict)
			}
		})
	}
}

// TestStrangers: everything is well made, by others than those whom the caller
// trusts.
func TestStrangers(t *testing.T) {
	path := tools(t)
	w, in := complete(t)
	b := write(t, in)
	dir := unzip(t, b).unpack(t)
	other, err := lab.Start(lab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	stranger, err := evidence.VerifierKey(origin, logKey(9).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	strangers := filepath.Join(t.TempDir(), "strangers.pem")
	if err := os.WriteFile(strangers, other.TrustPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	keys := keyFile(t, w.keys...)
	for name, tt := range map[string]struct {
		change func(*bundle.Options)
		failed []string
		args   []string // of the script; nil when it has no such case
	}{
		"log key": {func(o *bundle.Options) { o.LogKeys = []string{stranger} }, []string{"log-key", "checkpoint", "entry-1", "entry-2", "consistency"}, []string{"-k", keyFile(t, stranger), "-t", w.anchor}},
		"anchors": {func(o *bundle.Options) { o.Anchors = other.Anchors() }, []string{"certificate"}, []string{"-k", keys, "-t", strangers, "-s", w.anchor}},
		"TSAs":    {func(o *bundle.Options) { o.TSAs = other.Anchors() }, []string{"log-time", "signature-time", "document-time"}, []string{"-k", keys, "-t", w.anchor, "-s", strangers}},
		"nobody":  {func(o *bundle.Options) { o.Anchors = pki.NewAnchors() }, []string{"certificate"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := w.options()
			tt.change(&o)
			r := verify(t, b, o)
			if !slices.Equal(r.Failed(), tt.failed) {
				t.Errorf("failed %v, want %v", r.Failed(), tt.failed)
			}
			if tt.args != nil {
				_, states, out := script(t, path, dir, nil, tt.args...)
				compare(t, r, states, out)
			}
		})
	}
}

// TestSuccessor: whoever knows only the log's first key accepts the one that it
// named as its successor, and not one that nobody named.
func TestSuccessor(t *testing.T) {
	path := tools(t)
	w, in := complete(t)
	in.CMS, in.Timestamps, in.Document, in.Report, in.Evidence = nil, nil, nil, nil, pki.Evidence{} // the log alone
	in.Proofs[0].Checkpoint.Token = nil
	statement := func(from, to byte) []byte {
		next, err := evidence.VerifierKey(origin, logKey(to).Public().(ed25519.PublicKey))
		if err != nil {
			t.Fatal(err)
		}
		msg, err := evidence.KeyStatement(origin, logKey(from), next)
		if err != nil {
			t.Fatal(err)
		}
		return msg
	}
	first, err := evidence.VerifierKey(origin, logKey(7).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	keys := keyFile(t, first)
	o := w.options()
	o.LogKeys = []string{first}
	elsewhere, err := evidence.VerifierKey("other.example/log", logKey(1).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	ofAnother, err := evidence.KeyStatement("other.example/log", logKey(7), elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	flipped := statement(7, 1)
	flipped[len(flipped)-10] ^= 1
	renamed := bytes.Replace(statement(7, 8), []byte(vkeyOf(t, 8)), []byte(vkeyOf(t, 1)), 1)
	// Key ids have four bytes: an attacker can make a key with the id of
	// another's.
	id, err := hex.DecodeString(strings.Split(first, "+")[1])
	if err != nil {
		t.Fatal(err)
	}
	text, line, _ := bytes.Cut(statement(9, 1), []byte("\n\n"))
	sig, err := base64.StdEncoding.DecodeString(strings.Fields(string(line))[2])
	if err != nil {
		t.Fatal(err)
	}
	sameID := fmt.Appendf(nil, "%s\n\n— %s %s\n", text, origin, base64.StdEncoding.EncodeToString(append(id, sig[4:]...)))
	for name, tt := range map[string]struct {
		statements [][]byte
		want       bundle.State
	}{
		"one step":                  {[][]byte{statement(7, 1)}, bundle.Holds},
		"two steps":                 {[][]byte{statement(7, 8), statement(8, 1)}, bundle.Holds},
		"a forgery among them":      {[][]byte{statement(9, 7), statement(7, 8), statement(9, 8), statement(8, 1)}, bundle.Holds},
		"none":                      {nil, bundle.Fails},
		"a step short":              {[][]byte{statement(7, 8)}, bundle.Fails},
		"by another":                {[][]byte{statement(9, 1)}, bundle.Fails},
		"by a successor of another": {[][]byte{statement(9, 8), statement(8, 1)}, bundle.Fails},
		"by itself":                 {[][]byte{statement(1, 1)}, bundle.Fails},
		"the wrong way round":       {[][]byte{statement(1, 7)}, bundle.Fails},
		"of another log":            {[][]byte{ofAnother}, bundle.Fails},
		"with a changed signature":  {[][]byte{flipped}, bundle.Fails},
		"with a changed successor":  {[][]byte{renamed}, bundle.Fails},
		"by a key with the same id": {[][]byte{sameID}, bundle.Fails},
		"a checkpoint in its place": {[][]byte{in.Proofs[0].Checkpoint.Note}, bundle.Fails},
		"no note":                   {[][]byte{[]byte("absah/log-key/1\n")}, bundle.Fails},
		"the signature left out":    {[][]byte{append(text, '\n')}, bundle.Fails},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := in
			in.Successors = tt.statements
			b := write(t, in)
			r := verify(t, b, o)
			if got := stateOf(r, "log-key"); got != tt.want {
				t.Errorf("got %s, failed %v", got, r.Failed())
			}
			_, states, out := script(t, path, unzip(t, b).unpack(t), nil, "-k", keys, "-t", w.anchor)
			compare(t, r, states, out)
		})
	}
}

func vkeyOf(t *testing.T, n byte) string {
	t.Helper()
	key, err := evidence.VerifierKey(origin, logKey(n).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestHostileZip: what is not a bundle is refused before anything is believed.
func TestHostileZip(t *testing.T) {
	w, in := complete(t)
	good := unzip(t, write(t, in))
	raw := func(change func(*zip.Writer)) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, n := range good.names {
			f, err := z.CreateHeader(&zip.FileHeader{Name: n, Method: zip.Store})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write(good.data[n]); err != nil {
				t.Fatal(err)
			}
		}
		change(z)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	extra := func(h zip.FileHeader) []byte {
		return raw(func(z *zip.Writer) {
			f, err := z.CreateHeader(&h)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write([]byte("x")); err != nil && !strings.HasSuffix(h.Name, "/") {
				t.Fatal(err)
			}
		})
	}
	whole := raw(func(*zip.Writer) {})
	corrupt := bytes.Clone(whole)
	i := bytes.Index(corrupt, good.data["entries/1/record.json"])
	corrupt[i] ^= 1
	for name, b := range map[string][]byte{
		"empty":        nil,
		"no zip":       []byte("%PDF-1.7"),
		"empty zip":    []byte("PK\x05\x06" + strings.Repeat("\x00", 18)),
		"cut off":      whole[:len(whole)/2],
		"traversal":    extra(zip.FileHeader{Name: "../verify.sh"}),
		"absolute":     extra(zip.FileHeader{Name: "/etc/passwd"}),
		"backslash":    extra(zip.FileHeader{Name: `log\keys.txt`}),
		"unknown name": extra(zip.FileHeader{Name: "log/extra.txt"}),
		"folder":       extra(zip.FileHeader{Name: "log/"}),
		"newline":      extra(zip.FileHeader{Name: "report/report.txt\n"}),
		"twice":        extra(zip.FileHeader{Name: "log/keys.txt"}),
		"compressed":   extra(zip.FileHeader{Name: "report/report.txt", Method: zip.Deflate}),
		"CRC":          corrupt,
		"too many": raw(func(z *zip.Writer) {
			for n := range 2000 {
				if _, err := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("revocation/%d.crl", n)}); err != nil {
					t.Fatal(err)
				}
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bundle.Verify(bytes.NewReader(b), int64(len(b)), w.options())
			var unreadable *bundle.UnreadableError
			if !errors.As(err, &unreadable) {
				t.Errorf("got %v, want an UnreadableError", err)
			}
		})
	}
}

// FuzzVerify puts arbitrary bytes in the place of one file after another, or of
// the zip itself.
func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	w.other(f, 0, 3)
	in := w.sign(f, testkey.P256(f), signer.T, false)
	in.Document = nil
	c := unzip(f, write(f, in))
	for i, name := range c.names {
		f.Add(uint8(i), c.data[name][:min(len(c.data[name]), 2048)])
	}
	f.Add(uint8(255), []byte("PK\x05\x06"+strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, i uint8, data []byte) {
		b := data
		if int(i) < len(c.names) {
			b = c.with(c.names[i], data).zip(t)
		}
		r, err := bundle.Verify(bytes.NewReader(b), int64(len(b)), w.options())
		if err != nil && !errors.As(err, new(*bundle.UnreadableError)) {
			t.Error(err)
		}
		if err == nil && r.Verdict == bundle.Holds && r.Operation != operation {
			t.Errorf("a bundle of another operation holds: %s", r.Operation)
		}
	})
}
