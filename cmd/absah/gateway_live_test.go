package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/lab"
)

// certificateNow asks the issuer of a certificate from its page in the console:
// what it says now, not what was remembered, with source and time, on record.
func certificateNow(t *testing.T, f *office) {
	iwan := f.staffDesk(t, "iwan", "auditor")
	cert := f.signers["sekda"].cert
	sum := sha256.Sum256(cert.Raw)
	path := "/op/certificate/" + hex.EncodeToString(sum[:])
	states := regexp.MustCompile(`<h3>(OCSP|Daftar pencabutan \(CRL\))</h3><span class="badge">([^<]*)</span>`)
	ask := func(want string) string {
		t.Helper()
		page := html.UnescapeString(string(iwan.post(t, path, hidden(iwan.get(t, path).ok(t, http.StatusOK).body)).ok(t, http.StatusOK).body))
		for _, m := range states.FindAllStringSubmatch(page, -1) {
			if m[2] != want {
				t.Errorf("%s says %q, want %q", m[1], m[2], want)
			}
		}
		if n := len(states.FindAllString(page, -1)); n != 2 {
			t.Errorf("%d answers, want 2", n)
		}
		return page
	}
	if page := string(iwan.get(t, path).body); states.MatchString(page) {
		t.Error("the issuer was asked without being told to")
	}
	page := ask("berlaku")
	for _, want := range append([]string{"Ditanyakan ", "Keadaan per", f.lab.Responder().Subject.CommonName}, cert.OCSPServer[0], cert.CRLDistributionPoints[0]) {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	f.must(f.lab.Revoke(cert, time.Now().Add(-time.Minute), pki.KeyCompromise))
	if page := ask("dicabut"); !strings.Contains(page, "Dicabut pada") {
		t.Error("the page does not say since when")
	}
	for _, s := range []lab.Service{lab.OCSP, lab.CRL} {
		f.lab.SetFault(s, lab.Down)
		defer f.lab.SetFault(s, lab.None)
	}
	ask("tidak ada jawaban yang dapat dipakai")
	form := url.Values{"csrf": {"salah"}}
	if a := iwan.post(t, path, form); a.status != http.StatusForbidden {
		t.Errorf("a forged form: got %d", a.status)
	}
	var kept []string
	for _, o := range f.operations(t, "kind=certificate.status") {
		a := f.do(t, call{as: "auditor", path: "/v1/operations/" + fmt.Sprint(o["id"])}).ok(t, http.StatusOK)
		text := string(a.body)
		kept = append(kept, fmt.Sprint(strings.Count(text, `"ocsp-address"`), strings.Contains(text, `good`), strings.Contains(text, `revoked`), strings.Contains(text, `unknown`)))
	}
	if got := fmt.Sprint(kept); got != "[1 false false true 1 false true false 1 true false false]" {
		t.Errorf("on record, the latest first: %s", got)
	}
}
