package main

import (
	"html"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestGatewayTimestampOnly: a letter that nobody has signed, and that anybody can
// have stamped by an authority that is trusted, is not called valid.
func TestGatewayTimestampOnly(t *testing.T) {
	f := newOffice(t, officeOptions{yaml: casesConfig})
	ani := f.staffDesk(t, "ani", "investigator")
	stamped := f.send(t, "e-office", "/v1/timestamp", letter(), nil, nil).ok(t, http.StatusOK).body
	kind, body := upload(t, stamped)
	page := html.UnescapeString(string(f.do(t, call{method: http.MethodPost, path: "/", kind: kind, body: body}).ok(t, http.StatusOK).body))
	kind, body = upload(t, stamped)
	name := f.path("laporan.pdf")
	f.must(os.WriteFile(name, f.do(t, call{method: http.MethodPost, path: "/report", kind: kind, body: body}).ok(t, http.StatusOK).body, 0o600))
	paper := pdfText(t, name)
	text := string(f.send(t, "", "/v1/verify", stamped, nil, map[string]string{"Accept": "text/plain"}).ok(t, http.StatusOK).body)
	for where, said := range map[string]string{"page": strings.Join(strings.Fields(page), ""), "paper": paper, "text": strings.Join(strings.Fields(text), "")} {
		if !strings.Contains(said, "tidakmemuattandatanganelektronik,hanyastempelwaktu") || strings.Contains(said, "Semuatandatangansah") {
			t.Errorf("%s: %.1500s", where, said)
		}
	}
	if !strings.Contains(page, "<title>TIDAK BERTANDA TANGAN ELEKTRONIK") || !strings.Contains(page, `class="verdict unsigned"`) {
		t.Error("the page does not call it unsigned")
	}
	id, _ := f.complain(t, ani, map[string]string{"kind": "authenticity", "text": "x", "contact": "x"}, stamped)
	ani.says(t, id, "Verifikasi tidak menemukan tanda tangan elektronik di dalam berkas sengketa")
}
