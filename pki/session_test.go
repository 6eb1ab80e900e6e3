package pki_test

import (
	"bytes"
	"crypto/x509"
	"sync"
	"testing"
	"time"

	"github.com/absah-id/absah/pki"
)

// TestMemoryChangesNothing: what is remembered of one certificate says nothing
// of another of the same name, number or key.
func TestMemoryChangesNothing(t *testing.T) {
	memory := pki.NewMemory(100)
	root, impostor := issue(t, "Root", nil, ca), issue(t, "Root", nil, ca)
	leaf := issue(t, "Signer", root)
	altered := *leaf.cert
	altered.RawTBSCertificate = bytes.Clone(altered.RawTBSCertificate)
	altered.RawTBSCertificate[20] ^= 1
	resigned := *leaf.cert
	resigned.Signature = bytes.Clone(resigned.Signature)
	resigned.Signature[len(resigned.Signature)-1] ^= 1
	for range 2 { // the second time with a memory of the first
		for _, c := range []struct {
			name    string
			leaf    *x509.Certificate
			anchors *pki.Anchors
			want    pki.Rule
		}{
			{"good", leaf.cert, pki.NewAnchors(root.cert), ""},
			{"another root of the name", leaf.cert, pki.NewAnchors(impostor.cert), pki.RuleSignature},
			{"other content", &altered, pki.NewAnchors(root.cert), pki.RuleSignature},
			{"other value", &resigned, pki.NewAnchors(root.cert), pki.RuleSignature},
		} {
			o := pki.PathOptions{At: now, Purpose: pki.Signing, Session: pki.NewSession(memory, 100)}
			if _, err := pki.BuildPath(c.leaf, nil, c.anchors, o); pki.RuleOf(err) != c.want {
				t.Errorf("%s: got %v, want %q", c.name, err, c.want)
			}
		}
	}
}

// TestSessionBudget: without budget a question is refused, and the session says
// so; what is remembered costs nothing.
func TestSessionBudget(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	sub := issue(t, "Sub", root, ca)
	leaf := issue(t, "Signer", sub)
	memory, anchors := pki.NewMemory(1), pki.NewAnchors(root.cert)
	ask := func(s *pki.Session) error {
		_, err := pki.BuildPath(leaf.cert, []*x509.Certificate{sub.cert}, anchors, pki.PathOptions{At: now, Purpose: pki.Signing, Session: s})
		return err
	}
	poor := pki.NewSession(memory, 1)
	if err := ask(poor); pki.RuleOf(err) != pki.RuleBudget || !poor.Exhausted() {
		t.Errorf("got %v, exhausted %v", err, poor.Exhausted())
	}
	rich := pki.NewSession(memory, 100)
	if err := ask(rich); err != nil || rich.Exhausted() {
		t.Errorf("got %v, exhausted %v", err, rich.Exhausted())
	}
	if again := pki.NewSession(memory, 0); ask(again) != nil || again.Exhausted() {
		t.Error("what is remembered was paid for again")
	}
	var none *pki.Session
	if none.Exhausted() {
		t.Error("no session is exhausted")
	}
}

func TestMemoryIsShared(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	memory, anchors := pki.NewMemory(2), pki.NewAnchors(root.cert)
	var wg sync.WaitGroup
	for range 4 {
		leaf := issue(t, "Signer", root)
		wg.Go(func() {
			for range 20 {
				s := pki.NewSession(memory, 100)
				if _, err := pki.BuildPath(leaf.cert, nil, anchors, pki.PathOptions{At: now, Session: s}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestSunset(t *testing.T) {
	root, other := issue(t, "Root", nil, ca), issue(t, "Other", nil, ca)
	text := "Subject: CN=Root\nSunset: 2027-01-31\n" + string(encodePEM(root.cert)) + "# none here\n" + string(encodePEM(other.cert))
	a, err := pki.ParseAnchors([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	if got := a.Sunset(root.cert); !got.Equal(end) {
		t.Errorf("got %v, want %v", got, end)
	}
	if got := a.Sunset(other.cert); !got.IsZero() || a.Len() != 2 {
		t.Errorf("got %v of %d", got, a.Len())
	}
	sooner := pki.NewAnchors(root.cert).WithSunset(root.cert, end.AddDate(-1, 0, 0))
	for _, j := range []*pki.Anchors{pki.JoinAnchors(a, sooner, nil), pki.JoinAnchors(sooner, a)} {
		if got := j.Sunset(root.cert); !got.Equal(end.AddDate(-1, 0, 0)) || j.Len() != 2 {
			t.Errorf("joined: got %v of %d", got, j.Len())
		}
	}
	if got := a.WithSunset(root.cert, time.Time{}).Sunset(root.cert); !got.IsZero() {
		t.Errorf("lifted: got %v", got)
	}
	for _, bad := range []string{"Sunset: soon", "sunset: 2027-01-31", "Sunset 2027-01-31", "Sunset: 2027-02-30"} {
		if _, err := pki.ParseAnchors([]byte(bad + "\n" + string(encodePEM(root.cert)))); pki.RuleOf(err) != "malformed" {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}
