package main

import (
	"bytes"
	"html"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestGatewayRetired: a letter that its office has withdrawn or replaced is told
// from one that is in force wherever its signatures are judged, whatever was cut
// off it or put behind it, and nobody learns of it who does not hold it.
func TestGatewayRetired(t *testing.T) {
	f := newOffice(t, officeOptions{yaml: casesConfig})
	register := func(more fields) string {
		return f.post(t, "e-office", "/v1/documents", fields{"nomor": "800/31/2026", "perihal": "Izin", "tanggal": "2026-11-20", "pages": 1}.with(more)).
			ok(t, http.StatusCreated).json(t)["id"].(string)
	}
	signed := func(doc []byte, id string) []byte {
		return f.sign(t, "e-office", doc, f.by("sekda").with(fields{"level": "B-LTA", "document": id})).ok(t, http.StatusOK).body
	}
	mark := func(id, status, by string) {
		change := fields{"status": status, "reason": "salah cetak"}
		if by != "" {
			change["replacedBy"] = by
		}
		f.do(t, call{as: "e-office", method: http.MethodPatch, path: "/v1/documents/" + id, kind: "application/json", body: jsonReader(t, change)}).ok(t, http.StatusOK)
	}
	withdrawn, replaced, secret, valid := register(nil), register(nil), register(fields{"nomor": "RHS/1/2026", "perihal": "sangat rahasia", "confidential": true}), register(nil)
	one, two, three, four := signed(letter(), withdrawn), signed(letter(), replaced), signed(letter(), secret), signed(letter(), valid)
	// The letter that replaces the second is that one, signed once more.
	next := register(nil)
	five := signed(two, next)
	mark(withdrawn, "withdrawn", "")
	mark(replaced, "replaced", next)
	mark(secret, "withdrawn", "")
	unregistered := f.sign(t, "e-office", letter(), f.by("sekda").with(fields{"level": "B-LTA"})).ok(t, http.StatusOK).body

	const gone, other = "SURAT INI SUDAH DICABUT", "SURAT INI SUDAH DIGANTI"
	for _, c := range []struct {
		name, verdict string
		file          []byte
		id, word      string // "" when nothing is told
	}{
		{"withdrawn", "TOTAL-PASSED", one, withdrawn, gone},
		{"withdrawn, and longer", "TOTAL-PASSED", append(bytes.Clone(one), '\n'), withdrawn, gone},
		{"withdrawn, without what followed the signature", "TOTAL-PASSED", signedAlone(t, one), withdrawn, gone},
		{"withdrawn, without the timestamp", "TOTAL-PASSED", unstamped(t, signedAlone(t, one)), withdrawn, gone},
		{"withdrawn, and sealed since", "TOTAL-PASSED", f.seal(t, "e-office", one, bySeal).ok(t, http.StatusOK).body, withdrawn, gone},
		{"withdrawn, and changed", "TOTAL-FAILED", append(bytes.Clone(one), f.forgedTail(t, one)...), withdrawn, gone},
		{"replaced", "TOTAL-PASSED", two, replaced, other},
		{"what replaces it", "TOTAL-PASSED", five, "", ""},
		{"confidential", "TOTAL-PASSED", three, secret, gone},
		{"in force", "TOTAL-PASSED", four, "", ""},
		{"not registered", "TOTAL-PASSED", unregistered, "", ""},
		{"not signed", "NO_SIGNATURE", letter(), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			verdict := f.send(t, "", "/v1/verify", c.file, nil, nil).ok(t, http.StatusOK).json(t)
			if verdict["verdict"] != c.verdict {
				t.Errorf("verdict: got %v, want %s", verdict["verdict"], c.verdict)
			}
			told, _ := verdict["registrations"].([]any)
			kind, body := upload(t, c.file)
			page := html.UnescapeString(string(f.do(t, call{method: http.MethodPost, path: "/", kind: kind, body: body}).ok(t, http.StatusOK).body))
			kind, body = upload(t, c.file)
			name := f.path("laporan.pdf")
			f.must(os.WriteFile(name, f.do(t, call{method: http.MethodPost, path: "/report", kind: kind, body: body}).ok(t, http.StatusOK).body, 0o600))
			paper := pdfText(t, name)
			text := string(f.send(t, "", "/v1/verify", c.file, nil, map[string]string{"Accept": "text/plain"}).ok(t, http.StatusOK).body)
			if c.id == "" {
				if len(told) > 0 || strings.Contains(page+text, "SURAT INI") || strings.Contains(paper, "SURATINI") {
					t.Errorf("it is told of: %v", told)
				}
				return
			}
			if len(told) != 1 || told[0].(map[string]any)["id"] != c.id || !strings.HasSuffix(told[0].(map[string]any)["address"].(string), "/d/"+c.id) {
				t.Errorf("registrations: got %v, want %s", told, c.id)
			}
			head, _, _ := strings.Cut(page, "<dl>") // beside the verdict, before all details
			for _, want := range []string{c.word, `href="/d/` + c.id + `"`} {
				if !strings.Contains(head, want) {
					t.Errorf("the page does not say %q beside the verdict", want)
				}
			}
			if !strings.Contains(paper, strings.ReplaceAll(c.word, " ", "")) || !strings.Contains(text, c.word) {
				t.Errorf("the report does not say %q", c.word)
			}
			if strings.Contains(page+paper+text, "salah cetak") || strings.Contains(page+text, "RHS/1/2026") {
				t.Error("more is told than what has become of it")
			}
		})
	}
}
