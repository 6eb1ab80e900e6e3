package web_test

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier"
)

func registered() *gateway.PublicDocument {
	return &gateway.PublicDocument{
		Document: gateway.Document{
			PublicID: "contoh1", Nomor: "500.12.6/147/2026", Perihal: "Undangan <b>rapat</b>\u202e", Tanggal: "2026-01-02", Pages: 3,
			Status: gateway.DocumentValid, ChangedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		},
		Signings: []gateway.PublicSigning{
			{Name: "Bupati Contoh", Office: "Bupati", Issuer: "CA Contoh", Level: "B-LTA", At: time.Date(2026, 1, 2, 17, 30, 0, 0, time.UTC)},
			{Name: "Pemerintah Kabupaten Contoh", Seal: true, At: time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC), RevokedAt: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)},
		},
	}
}

func TestDocumentStates(t *testing.T) {
	for _, c := range []struct {
		status gateway.DocumentStatus
		state  string
		words  []string
	}{
		{gateway.DocumentValid, "registered", []string{
			"BERLAKU", "Cocokkan dengan kertas", "500.12.6/147/2026", "Undangan &lt;b&gt;rapat&lt;/b&gt;‹U&#43;202E›", "2 Januari 2026", "<dd>3</dd>",
			"Bupati Contoh", "3 Januari 2026 pukul 00.30.00 WIB", "3 Januari 2026 pukul 02.30.00 WIT", "tidak dipakai lagi sejak", "dibuat sebelum itu", "Segel",
		}},
		{gateway.DocumentReplaced, "open", []string{"SUDAH DIGANTI", `href="/d/contoh2"`, "Salah tanggal"}},
		{gateway.DocumentWithdrawn, "failed", []string{"DICABUT", "Sejak: ", "Salah tanggal"}},
		{gateway.DocumentReserved, "unsigned", []string{"BELUM DITANDATANGANI"}},
	} {
		t.Run(string(c.status), func(t *testing.T) {
			s, d := newSite(t, nil), registered()
			d.Status, d.Reason = c.status, "Salah tanggal"
			if c.status == gateway.DocumentReplaced {
				d.ReplacedBy = "contoh2"
			}
			s.documents[d.PublicID] = d
			resp, body := s.get(t, "/d/contoh1")
			checkPage(t, resp, body)
			if got := state(body); got != c.state {
				t.Errorf("state: got %q, want %q", got, c.state)
			}
			for _, want := range c.words {
				if !strings.Contains(body, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			// Whether a signature is in force is for no row of ours to say.
			if strings.Contains(body, "tetap berlaku") {
				t.Error("the page calls a signature valid that nobody has verified")
			}
			// A QR code can be copied: it must not look like a verdict.
			if strings.Contains(body, "verdict passed") {
				t.Error("the page looks like a verdict that passed")
			}
		})
	}
}

func TestConfidentialDocument(t *testing.T) {
	s := newSite(t, nil)
	s.documents["rahasia1"] = &gateway.PublicDocument{Document: gateway.Document{PublicID: "rahasia1", Confidential: true, Status: gateway.DocumentValid}}
	resp, body := s.get(t, "/d/rahasia1")
	checkPage(t, resp, body)
	for _, no := range []string{"Cocokkan dengan kertas", "Nomor", "Perihal", "Penanda tangan", "Jumlah halaman"} {
		if strings.Contains(body, no) {
			t.Errorf("the page has %q", no)
		}
	}
	if !strings.Contains(body, "BERLAKU") || !strings.Contains(body, "bersifat rahasia") {
		t.Error("the page does not say its status, or that it is confidential")
	}
}

// TestUnknownDocument: whoever tries identifiers learns nothing.
func TestUnknownDocument(t *testing.T) {
	s := newSite(t, nil)
	_, first := s.get(t, "/d/aaaa")
	for _, id := range []string{"bbbbbbbbbbbbbbbbbbbbbbbbbb", strings.Repeat("c", 500), "%3Cscript%3E"} {
		resp, body := s.get(t, "/d/"+id)
		if checkPage(t, resp, body); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", id, resp.StatusCode)
		}
		there := func(id string) string { return `href="/d/` + id + `?lang=en"` }
		if len(id) < 100 && !strings.HasPrefix(id, "%") && strings.ReplaceAll(body, there(id), there("aaaa")) != first {
			t.Errorf("%s: the page differs from that of another unknown one", id)
		}
	}
}

// TestS28Comparison: a genuine letter under the QR code of another one differs.
func TestS28Comparison(t *testing.T) {
	const size = 1000 // of the registered document
	signature := func(end int64, changes string) []*verifier.Signature {
		return []*verifier.Signature{{
			Kind: verifier.KindSignature, End: end, Conclusion: verifier.Conclusion{Indication: verifier.Passed}, Changes: verifier.Changes{Level: changes},
		}}
	}
	within, behind, changed := signature(size, "LTA"), signature(size+1, "NONE"), signature(size, "OTHER")
	for _, c := range []struct {
		name  string
		match gateway.Match
		r     verifier.Report
		state string
		word  string
	}{
		{"same", gateway.MatchLatest, verifier.Report{Verdict: verifier.TotalPassed}, "passed", "BERKAS YANG SAMA"},
		{"same, of strangers", gateway.MatchLatest, verifier.Report{Verdict: verifier.VerdictUndetermined}, "open", "BERKAS YANG SAMA"},
		{"same, broken", gateway.MatchLatest, verifier.Report{Verdict: verifier.TotalFailed}, "failed", "TANDA TANGAN TIDAK BERLAKU"},
		{"same, unsigned", gateway.MatchLatest, verifier.Report{Verdict: verifier.NoSignature}, "failed", "TANDA TANGAN TIDAK BERLAKU"},
		{"earlier", gateway.MatchEarlier, verifier.Report{Verdict: verifier.TotalPassed}, "open", "VERSI SEBELUMNYA"},
		{"more signatures", gateway.MatchExtended, verifier.Report{Verdict: verifier.TotalPassed, Signatures: behind}, "passed", "DITAMBAH TANDA TANGAN"},
		{"fields filled in", gateway.MatchExtended, verifier.Report{Verdict: verifier.TotalPassed, Signatures: signature(size, "FORM")}, "open", "DENGAN TAMBAHAN"},
		{"longer, and signed twice", gateway.MatchExtended, verifier.Report{Verdict: verifier.TotalPassed, Signatures: append(signature(size-1, "FORM"), signature(size, "NONE")...)},
			"passed", "DENGAN TAMBAHAN"},
		{"more of strangers", gateway.MatchExtended, verifier.Report{Verdict: verifier.VerdictUndetermined, Signatures: behind}, "open", "DITAMBAH TANDA TANGAN"},
		{"an empty line more", gateway.MatchExtended, verifier.Report{Verdict: verifier.TotalPassed, Signatures: within}, "passed", "DOKUMEN INI, DENGAN TAMBAHAN"},
		{"data more, of strangers", gateway.MatchExtended, verifier.Report{Verdict: verifier.VerdictUndetermined, Signatures: within}, "open", "DOKUMEN INI, DENGAN TAMBAHAN"},
		{"altered", gateway.MatchExtended, verifier.Report{Verdict: verifier.TotalFailed}, "failed", "DIUBAH SETELAH TERDAFTAR"},
		{"annotated", gateway.MatchExtended, verifier.Report{Verdict: verifier.TotalPassed, Signatures: changed}, "failed", "DIUBAH SETELAH TERDAFTAR"},
		{"another, genuine", gateway.MatchNone, verifier.Report{Verdict: verifier.TotalPassed}, "failed", "BUKAN DOKUMEN INI"},
		{"no kind", "", verifier.Report{Verdict: verifier.TotalPassed}, "failed", "BUKAN DOKUMEN INI"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, nil)
			d := registered()
			d.Versions = []gateway.DocumentVersion{{Size: 1}, {Size: size}}
			s.documents["contoh1"], s.match, s.fixed = d, c.match, &c.r
			resp, body := s.post(t, "/d/contoh1", file("x.pdf", letter()))
			checkPage(t, resp, body)
			if got := state(body); got != c.state {
				t.Errorf("state: got %q, want %q", got, c.state)
			}
			if !strings.Contains(body, c.word) {
				t.Errorf("the page lacks %q", c.word)
			}
			if strings.Contains(body, "tidak ada tanda tangan di dalamnya yang berlaku") {
				t.Error("the page says of all signatures what may hold for one")
			}
			if n := strings.Count(body, `name="zone"`); n != 3 {
				t.Errorf("got %d choices of a zone, want 3", n)
			}
		})
	}
}

// TestFirstPage: the registered first page is shown to whoever has the registered
// document, and to nobody else; what is shown is the registered part.
func TestFirstPage(t *testing.T) {
	size := len(letter())
	for _, c := range []struct {
		name         string
		match        gateway.Match
		confidential bool
		version      int64 // size of the registered one
		want         string
	}{
		{"same", gateway.MatchLatest, false, int64(size), strconv.Itoa(size)},
		{"earlier", gateway.MatchEarlier, false, int64(size) + 9, strconv.Itoa(size)},
		{"extended", gateway.MatchExtended, false, int64(size) - 9, strconv.Itoa(size - 9)},
		{"another", gateway.MatchNone, false, int64(size), ""},
		{"confidential", gateway.MatchLatest, true, int64(size), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, nil)
			d := registered()
			d.Confidential, d.Versions = c.confidential, []gateway.DocumentVersion{{Size: 1}, {Size: c.version}}
			s.documents["contoh1"], s.match, s.fixed = d, c.match, &verifier.Report{Verdict: verifier.TotalPassed}
			resp, body := s.get(t, "/d/contoh1")
			checkPage(t, resp, body)
			if strings.Contains(body, "data-first") {
				t.Error("a first page is shown to whoever has no file")
			}
			if got := strings.Contains(body, "dapat ditiru pada kertas palsu"); got == c.confidential {
				t.Errorf("the page says why it shows none: got %v", got)
			}
			resp, body = s.post(t, "/d/contoh1", file("x.pdf", letter()))
			checkPage(t, resp, body)
			got := ""
			if m := regexp.MustCompile(`data-first data-most="1" data-end="([0-9]+)"`).FindStringSubmatch(body); m != nil {
				got = m[1]
			}
			if got != c.want {
				t.Errorf("registered bytes: got %q, want %q", got, c.want)
			}
		})
	}
}

// TestRetired: what has become of a registered letter stands beside the verdict,
// in the words of both languages, and in the title, which screen readers say first.
// That the file is the document makes no green mark where that is withdrawn.
func TestRetired(t *testing.T) {
	s, d := newSite(t, nil), registered()
	s.fixed = &verifier.Report{Verdict: verifier.TotalPassed, Policy: "gov"}
	s.retired = []gateway.Retired{
		{ID: "contoh1", Status: gateway.DocumentWithdrawn, Since: time.Date(2026, 1, 2, 17, 30, 0, 0, time.UTC)},
		{ID: "contoh2", Status: gateway.DocumentReplaced, Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
	}
	for lang, words := range map[string][]string{
		"":         {"<title>SAH; SURAT INI SUDAH DICABUT", "SURAT INI SUDAH DIGANTI", "3 Januari 2026 pukul 00.30.00 WIB", "3 Januari 2026 pukul 02.30.00 WIT", `href="/d/contoh1"`, `href="/d/contoh2"`},
		"?lang=en": {"<title>VALID; THIS LETTER HAS BEEN WITHDRAWN", "THIS LETTER HAS BEEN REPLACED", `href="/d/contoh1?lang=en"`},
	} {
		resp, body := s.post(t, "/"+lang, file("surat.pdf", letter()))
		checkPage(t, resp, body)
		for _, want := range words {
			if !strings.Contains(body, want) {
				t.Errorf("%q: the page lacks %q", lang, want)
			}
		}
	}
	d.Status, s.match = gateway.DocumentWithdrawn, gateway.MatchLatest
	s.documents[d.PublicID] = d
	resp, body := s.post(t, "/d/contoh1", file("surat.pdf", letter()))
	checkPage(t, resp, body)
	if got := state(body); got != "open" {
		t.Errorf("the file of a document that was withdrawn: got %q", got)
	}
	if strings.Contains(body, "SURAT INI SUDAH DICABUT") || !strings.Contains(body, "SURAT INI SUDAH DIGANTI") {
		t.Error("the page says twice that the document was withdrawn, or not that another one that the file is was replaced")
	}
}
