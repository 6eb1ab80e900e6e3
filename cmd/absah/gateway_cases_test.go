package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/store/storetest"
	"github.com/absah-id/absah/testdata"
)

// casesConfig is an office with rules, letters and a log that is timestamped at
// once.
const casesConfig = stampedOften + `
verification: {report_seal: segel}
cases: {holidays: ["2026-12-25"], loss: 10, letterhead: ["PEMERINTAH KABUPATEN CONTOH", "Dinas Komunikasi dan Informatika"], place: Contoh, signatory: Kepala Dinas, recipients: [{name: Bupati Contoh}, {name: Gubernur Provinsi Contoh}, {name: Kepala BSSN}], supervisors: [{name: Bupati Contoh}]}`

// desk is a member of staff who has signed in to the console.
type desk struct {
	f              *office
	secret, cookie string
}

// staffDesk makes a member of staff and signs in.
func (f *office) staffDesk(t testing.TB, username, role string) *desk {
	t.Helper()
	file := f.path(username + ".secrets")
	if status, said := f.run("staff", "add", f.config, username, "--name", "Petugas "+username, "--role", role, "--secrets-file", file); status != 0 {
		t.Fatal(said)
	}
	d := &desk{f: f}
	known := map[string]string{}
	for line := range strings.Lines(readFile(t, file)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		known[name] = value
	}
	d.secret = known["secret"]
	a := d.post(t, "/op/sign-in", url.Values{"username": {username}, "password": {known["password"]}, "code": {d.code(t, 0)}}).ok(t, http.StatusSeeOther)
	d.cookie, _, _ = strings.Cut(a.header.Get("Set-Cookie"), ";")
	return d
}

// code is a one-time password, so many steps ahead.
func (d *desk) code(t testing.TB, ahead int) string {
	t.Helper()
	code, err := gateway.OneTimeCode(d.secret, time.Now().Add(time.Duration(ahead)*30*time.Second))
	d.f.must(err)
	return code
}

func (d *desk) header() map[string]string {
	return map[string]string{"Cookie": d.cookie, "Sec-Fetch-Site": "same-origin"}
}

// still is a client that follows no redirect.
func (f *office) still302() *http.Client {
	c := *f.http
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

func (d *desk) get(t testing.TB, path string) answer {
	t.Helper()
	return d.f.do(t, call{path: path, header: d.header(), client: d.f.still302()})
}

func (d *desk) post(t testing.TB, path string, form url.Values) answer {
	t.Helper()
	return d.f.do(t, call{method: http.MethodPost, path: path, header: d.header(), client: d.f.still302(),
		kind: "application/x-www-form-urlencoded", body: strings.NewReader(form.Encode())})
}

var hiddenField = regexp.MustCompile(`name="(csrf|version)" value="([^"]*)"`)

// hidden are the hidden fields of a page.
func hidden(page []byte) url.Values {
	v := url.Values{}
	for _, m := range hiddenField.FindAllSubmatch(page, -1) {
		v.Set(string(m[1]), html.UnescapeString(string(m[2])))
	}
	return v
}

// act does something on the page of a case, and wants it done.
func (d *desk) act(t testing.TB, id, act string, fields map[string]string) {
	t.Helper()
	if a := d.tryAct(t, id, act, fields); a.status != http.StatusSeeOther {
		t.Fatalf("%s: got %d: %s", act, a.status, faultOf(a.body))
	}
}

func (d *desk) tryAct(t testing.TB, id, act string, fields map[string]string) answer {
	t.Helper()
	form := hidden(d.get(t, "/op/cases/"+id).ok(t, http.StatusOK).body)
	form.Set("act", act)
	for name, value := range fields {
		form.Set(name, value)
	}
	return d.post(t, "/op/cases/"+id, form)
}

// faultOf is what a page says is wrong.
func faultOf(page []byte) string {
	if m := regexp.MustCompile(`role="alert"[^>]*>(.{0,600})`).FindSubmatch(page); m != nil {
		return string(m[1])
	}
	return fmt.Sprintf("%.400s", page)
}

// complain sends the public form as a browser without script does, and returns
// the case's identifier, as staff find it, and the complainant's address.
func (f *office) complain(t testing.TB, d *desk, fields map[string]string, file []byte) (id, address string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		f.must(w.WriteField(name, value))
	}
	part, err := w.CreateFormFile("document", "surat sengketa.pdf")
	f.must(err)
	_, err = part.Write(file)
	f.must(err)
	f.must(w.Close())
	a := f.do(t, call{method: http.MethodPost, path: "/pengaduan", kind: w.FormDataContentType(), body: &b}).ok(t, http.StatusOK)
	number := regexp.MustCompile(`PGD-\d{4}-\d{4}`).Find(a.body)
	m := regexp.MustCompile(`href="(/pengaduan/[^"]+)"`).FindSubmatch(a.body)
	if number == nil || m == nil {
		t.Fatalf("no receipt: %s", a.body)
	}
	list := d.get(t, "/op/cases").ok(t, http.StatusOK)
	line := regexp.MustCompile(`href="/op/cases/([0-9a-f-]{36})">` + string(number)).FindSubmatch(list.body)
	if line == nil {
		t.Fatalf("%s is not in the list", number)
	}
	return string(line[1]), html.UnescapeString(string(m[1]))
}

// says wants texts on the page of a case.
func (d *desk) says(t testing.TB, id string, want ...string) string {
	t.Helper()
	page := html.UnescapeString(string(d.get(t, "/op/cases/"+id).ok(t, http.StatusOK).body))
	for _, text := range want {
		if !strings.Contains(page, text) {
			t.Errorf("the case does not say %q", text)
		}
	}
	return page
}

// caseFile fetches the case file and returns its parts by name.
func (d *desk) caseFile(t testing.TB, id string) map[string][]byte {
	t.Helper()
	var a answer
	eventually(t, 30*time.Second, "there is a case file", func() bool {
		a = d.get(t, "/op/cases/"+id+"/zip")
		return a.status == http.StatusOK
	})
	r, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body)))
	d.f.must(err)
	parts := map[string][]byte{}
	for _, f := range r.File {
		in, err := f.Open()
		d.f.must(err)
		parts[f.Name], err = io.ReadAll(in)
		d.f.must(err)
	}
	for line := range strings.Lines(string(parts["SHA256SUMS"])) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if got := sha256.Sum256(parts[name]); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s has another digest than SHA256SUMS", name)
		}
	}
	return parts
}

// settles holds a case file to what docs/DRILL.md promises: its paper is sealed
// and names every file, its bundles are believed by the program and by the
// script with OpenSSL.
func (f *office) settles(t testing.TB, keys string, parts map[string][]byte, document string, bundles int) {
	t.Helper()
	name := f.path("berkas-kasus.pdf")
	f.must(os.WriteFile(name, parts["berkas-kasus.pdf"], 0o600))
	if status, said := f.run("verify", "--offline", "--trust", f.path("trust.pem"), name); status != 0 {
		t.Errorf("the paper of the case file: status %d\n%s", status, said)
	}
	text := pdfText(t, name)
	n := 0
	for part, data := range parts {
		if part == "berkas-kasus.pdf" || part == "SHA256SUMS" {
			continue
		}
		sum := sha256.Sum256(data)
		if !strings.Contains(text, hex.EncodeToString(sum[:])) {
			t.Errorf("the paper does not name %s", part)
		}
		if strings.HasPrefix(part, "bukti/") {
			n++
			file := f.path(filepath.Base(part))
			f.must(os.WriteFile(file, data, 0o600))
			f.verifies(t, file, keys, document, 0)
		}
	}
	if n != bundles {
		t.Errorf("got %d bundles, want %d", n, bundles)
	}
	if dir := os.Getenv("ABSAH_TEST_OUT"); dir != "" {
		f.must(os.MkdirAll(filepath.Join(dir, t.Name()), 0o755))
		for part, data := range parts {
			f.must(os.WriteFile(filepath.Join(dir, t.Name(), filepath.Base(part)), data, 0o600))
		}
	}
}

// pdfText is the text of a PDF without white space.
func pdfText(t testing.TB, name string) string {
	t.Helper()
	out, err := exec.Command(testfile.Tool(t, "pdftotext"), "-layout", name, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(out)), "")
}

// TestGatewayDrills plays the three drills of docs/DRILL.md from the public form
// to the bundle that settles them, on each kind of database.
func TestGatewayDrills(t *testing.T) {
	for _, e := range []storetest.Engine{{Name: "SQLite"}, storetest.Postgres} {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			o := officeOptions{yaml: casesConfig}
			if e.Fresh != nil {
				o.database = e.Fresh(t).URL
			}
			playDrills(t, newOffice(t, o), o.database, databaseFolder(t, e))
		})
	}
}

// playDrills plays them on an office whose database has that address, "" for a
// file of its own, and whose server keeps its files in that folder.
func playDrills(t *testing.T, f *office, address, folder string) {
	keys := f.printKeys(t, "keys")
	ani := f.staffDesk(t, "ani", "investigator")
	var code string // by which a complainant follows the case
	t.Run("a signer denies a signature", func(t *testing.T) { code = drillDenied(t, f, ani, f.staffDesk(t, "budi", "supervisor"), keys) })
	t.Run("a forged letter with a valid QR", func(t *testing.T) { drillForged(t, f, ani, f.staffDesk(t, "cici", "supervisor"), keys) })
	t.Run("a stolen passphrase", func(t *testing.T) { drillStolen(t, f, ani, f.staffDesk(t, "dedi", "supervisor"), keys) })
	t.Run("who may not", func(t *testing.T) { caseRefusals(t, f, ani) })
	t.Run("supervision", func(t *testing.T) { caseSupervision(t, f, ani) })
	t.Run("evidence is held", func(t *testing.T) { caseHold(t, f, f.rows(t, address)) })
	t.Run("the issuer is asked now", func(t *testing.T) { certificateNow(t, f) })
	t.Run("nothing in the clear", func(t *testing.T) { noComplainants(t, f, folder, code) })
}

// What complainants say of themselves: it must turn up nowhere.
const (
	canaryName    = "Kenari Pengadu"
	canaryContact = "kenari-4815@pengadu.example"
	canaryStory   = "kenari-cerita-58213"
)

var complainant = map[string]string{"name": canaryName, "contact": canaryContact, "nik": canaryNIK}

func withFields(more map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range []map[string]string{complainant, more} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// closeCase answers, proposes and has a second person close.
func closeCase(t testing.TB, id, answer, outcome string, ani, supervisor *desk) {
	t.Helper()
	ani.act(t, id, "move", map[string]string{"to": "answered", "reason": answer})
	ani.act(t, id, "propose", map[string]string{"outcome": outcome, "reason": "bukti lengkap"})
	if a := ani.tryAct(t, id, "close", map[string]string{"code": ani.code(t, 1)}); a.status != http.StatusForbidden {
		t.Errorf("an investigator closes: %d", a.status)
	}
	if a := supervisor.tryAct(t, id, "close", map[string]string{"code": "000000"}); a.status != http.StatusUnprocessableEntity {
		t.Errorf("closed with a wrong code: %d", a.status)
	}
	eventually(t, 30*time.Second, "the next try is allowed", func() bool {
		return supervisor.tryAct(t, id, "close", map[string]string{"code": supervisor.code(t, 1)}).status == http.StatusSeeOther
	})
}

func drillDenied(t *testing.T, f *office, ani, budi *desk, keys string) (code string) {
	request := f.by("bupati").with(fields{"level": "B-LTA"})
	a := f.sign(t, "e-office", letter(), request).ok(t, http.StatusOK)
	f.write("denied.pdf", string(a.body))
	id, address := f.complain(t, ani, withFields(map[string]string{"kind": "repudiation", "text": canaryStory + ": saya tidak menandatangani surat ini."}), a.body)
	if page := ani.says(t, id, "Diterima", "K•••••", "@pengadu.example"); strings.Contains(page, canaryContact) || strings.Contains(page, canaryNIK) || strings.Contains(page, canaryName) {
		t.Error("the page shows who complained")
	}
	ani.act(t, id, "examine", nil)
	ani.says(t, id, "Diperiksa", "sama, bita demi bita", "atas nama bupati", "berlaku dan tidak dicabut", "menurut jawaban OCSP", "atas permintaan aplikasi e-office",
		"dari alamat 127.0.0.1", "dibuka dengan frasa sandi bupati yang benar", "Dokumen ini ditandatangani lewat gateway", "ditahan dari penghapusan", a.header.Get("Absah-Operation"))
	if a := ani.tryAct(t, id, "move", map[string]string{"to": "escalated", "reason": "perlu"}); a.status != http.StatusUnprocessableEntity || !strings.Contains(string(a.body), "PSrE belum") {
		t.Errorf("escalated without a letter: %d %s", a.status, faultOf(a.body))
	}
	ani.act(t, id, "letter", map[string]string{"letter": "assistance", "number": "800/7/2026", "text": "Kapan sertifikat ini diterbitkan, dan kepada siapa?"})
	ani.act(t, id, "letter", map[string]string{"letter": "incident", "number": "800/8/2026", "text": "Diperiksa bersama PSrE."})
	ani.act(t, id, "move", map[string]string{"to": "escalated", "reason": "diminta bantuan teknis"})
	ani.act(t, id, "note", map[string]string{"text": "PSrE menjawab lewat surat."})
	if a := ani.post(t, "/op/cases/"+id, hidden(ani.get(t, "/op/cases/"+id).body)); a.status != http.StatusUnprocessableEntity {
		t.Errorf("an act without a name: %d", a.status)
	}
	stale := hidden(ani.get(t, "/op/cases/"+id).body)
	ani.act(t, id, "note", map[string]string{"text": "dua"})
	stale.Set("act", "note")
	stale.Set("text", "tiga")
	if a := ani.post(t, "/op/cases/"+id, stale); a.status != http.StatusUnprocessableEntity || !strings.Contains(string(a.body), "diubah orang lain") {
		t.Errorf("a stale page changes the case: %d", a.status)
	}
	if shown := ani.post(t, "/op/cases/"+id, withAct(hidden(ani.get(t, "/op/cases/"+id).body), "contact")); !strings.Contains(string(shown.body), canaryContact) {
		t.Error("the contact is not shown on request")
	}
	closeCase(t, id, "Surat ini ditandatangani dengan kunci dan frasa sandi Saudara.", "rejected", ani, budi)
	page := string(f.do(t, call{path: address}).ok(t, http.StatusOK).body)
	if !strings.Contains(page, "Surat ini ditandatangani dengan kunci") || !strings.Contains(page, "Pengaduan tidak terbukti") || strings.Contains(page, canaryContact) {
		t.Errorf("the complainant reads %.600s", page)
	}
	if a := ani.tryAct(t, id, "note", map[string]string{"text": "x"}); a.status == http.StatusInternalServerError {
		t.Errorf("a note to a closed case: %d", a.status)
	}
	parts := budi.caseFile(t, id)
	for name, data := range parts {
		if strings.Contains(name, "-letter-") {
			f.write("surat.pdf", string(data))
			if status, said := f.run("verify", "--offline", "--trust", f.path("trust.pem"), f.path("surat.pdf")); status != 0 {
				t.Errorf("%s: status %d\n%s", name, status, said)
			}
			if text := pdfText(t, f.path("surat.pdf")); strings.Contains(text, "Kenari") || !strings.Contains(text, "PEMERINTAHKABUPATENCONTOH") {
				t.Errorf("%s says %.300s", name, text)
			}
		}
	}
	f.settles(t, keys, parts, f.path("denied.pdf"), 1)
	f.caseRecords(t, id, "case.open", "case.read", "case.examine", "case.letter", "case.move", "case.note", "case.contact", "case.propose", "case.close", "case.follow", "case.file")
	return strings.TrimPrefix(address, "/pengaduan/")
}

func withAct(v url.Values, act string) url.Values {
	v.Set("act", act)
	return v
}

// caseRecords wants operations of each kind on record, which name the case and
// nobody's secret.
func (f *office) caseRecords(t testing.TB, id string, kinds ...string) {
	t.Helper()
	var found []string
	for _, o := range f.operations(t, "limit=1000") {
		found = append(found, fmt.Sprint(o["kind"]))
	}
	for _, k := range kinds {
		if !slices.Contains(found, k) {
			t.Errorf("%s is not on record", k)
		}
	}
}

// forge draws another text on the first page of the letter, as a file of one
// revision more.
func (f *office) forge(t testing.TB) []byte {
	t.Helper()
	return append(bytes.Clone(testdata.Letter), f.forgedTail(t, testdata.Letter)...)
}

// forgedTail is a revision that does so to a file.
func (f *office) forgedTail(t testing.TB, base []byte) []byte {
	t.Helper()
	doc, err := pdf.Open(bytes.NewReader(base), int64(len(base)), pdf.Options{})
	f.must(err)
	u := doc.Latest().NewUpdate()
	ref, page, err := doc.Latest().Page(0)
	f.must(err)
	page = pdf.Clone(page).(pdf.Dict)
	page["Contents"] = u.Add(pdf.NewStream(pdf.Dict{}, []byte("0 0 m 100 100 l S")))
	u.Set(ref, page)
	tail, err := u.Finish()
	f.must(err)
	return tail
}

// supply adds a file to a case as its original.
func (d *desk) supply(t testing.TB, id string, file []byte) {
	t.Helper()
	form := hidden(d.get(t, "/op/cases/"+id).body)
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, field := range [][2]string{{"csrf", form.Get("csrf")}, {"version", form.Get("version")}, {"act", "attach"}, {"as", "original"}} {
		d.f.must(w.WriteField(field[0], field[1]))
	}
	part, err := w.CreateFormFile("document", "asli.pdf")
	d.f.must(err)
	_, err = part.Write(file)
	d.f.must(err)
	d.f.must(w.Close())
	d.f.do(t, call{method: http.MethodPost, path: "/op/cases/" + id, header: d.header(), kind: w.FormDataContentType(), body: &b, client: d.f.still302()}).ok(t, http.StatusSeeOther)
}

func drillForged(t *testing.T, f *office, ani, cici *desk, keys string) {
	doc := f.post(t, "e-office", "/v1/documents", fields{"nomor": "800/12/2026", "perihal": "Izin", "tanggal": "2026-11-20", "pages": 1}).ok(t, http.StatusCreated).json(t)["id"].(string)
	genuine := f.sign(t, "e-office", letter(), f.by("sekda").with(fields{"level": "B-LTA", "document": doc})).ok(t, http.StatusOK)
	f.write("genuine.pdf", string(genuine.body))
	forged := f.forge(t)
	id, address := f.complain(t, ani, withFields(map[string]string{
		"kind": "authenticity", "text": "Apakah surat izin ini asli?", "document-id": "https://sah.contohkab.example/d/" + doc,
	}), forged)
	ani.act(t, id, "examine", nil)
	ani.says(t, id, "kode QR itu disalin", "Kode yang diberikan pengadu mengarah ke dokumen terdaftar nomor 800/12/2026", "Kode QR yang disalin tidak membuat surat menjadi asli", genuine.header.Get("Absah-Operation"))
	ani.supply(t, id, genuine.body)
	ani.act(t, id, "examine", nil)
	ani.says(t, id, "adalah yang dilepas gateway dalam operasi "+genuine.header.Get("Absah-Operation"), "Data yang menggambar isi halaman tidak tertulis sama dengan berkas yang diserahkan sebagai dokumen asli: halaman 1.")
	closeCase(t, id, "Surat yang Saudara terima palsu; kode QR-nya disalin dari surat lain.", "upheld", ani, cici)
	if page := string(f.do(t, call{path: address}).ok(t, http.StatusOK).body); !strings.Contains(page, "palsu") {
		t.Errorf("the complainant reads %.300s", page)
	}
	parts := cici.caseFile(t, id)
	f.settles(t, keys, parts, f.path("genuine.pdf"), 1)
	f.write("forged.pdf", string(forged))
	for name := range parts {
		if strings.HasPrefix(name, "bukti/") {
			f.verifies(t, f.path(filepath.Base(name)), keys, f.path("forged.pdf"), 1)
		}
	}
}

func drillStolen(t *testing.T, f *office, ani, dedi *desk, keys string) {
	// Her certificate is older than the loss, unlike those of the others here.
	f.act(func(s *gatewayService) {
		f.enrol(t.Context(), s, officeA, "lurah kedua", canaryNIK[:14]+"77", true, lab.IssueOptions{NotBefore: time.Now().Add(-time.Hour)})
	})
	const lurah = "lurah kedua"
	lost := time.Now().Add(-3 * time.Minute).In(time.FixedZone("WIB", 7*60*60))
	f.sign(t, "e-office", letter(), f.by(lurah).with(fields{"passphrase": "salah-salah-salah"}))
	var a answer
	eventually(t, 30*time.Second, "the thief may try again", func() bool {
		a = f.sign(t, "e-office", letter(), f.by(lurah).with(fields{"level": "B-LTA"}))
		return a.status == http.StatusOK
	})
	f.write("stolen.pdf", string(a.body))
	id, _ := f.complain(t, ani, withFields(map[string]string{
		"kind": "key-loss", "text": "Frasa sandi saya dicuri, dan surat ini bukan dari saya.", "loss": lost.Format("2006-01-02T15:04"),
	}), a.body)
	if status, said := f.run("signer", "revoke-local", "--reason", "frasa sandi dicuri", f.config, f.signers[lurah].id); status != 0 {
		t.Logf("revoke-local: %d %s", status, said)
	}
	ani.act(t, id, "examine", nil)
	ani.says(t, id, "sesudah saat kunci hilang menurut pengadu", "pemakaian oleh orang lain mungkin terjadi", "salah 1 kali dalam 24 jam", "Insiden dilaporkan")
	ani.act(t, id, "letter", map[string]string{"letter": "incident", "number": "800/9/2026", "text": "Sertifikat dikunci; pencabutan diminta kepada PSrE."})
	ani.act(t, id, "letter", map[string]string{"letter": "assistance", "number": "800/10/2026", "text": "Mohon sertifikat dicabut."})
	ani.act(t, id, "move", map[string]string{"to": "escalated", "reason": "pencabutan"})
	closeCase(t, id, "Sertifikat telah dicabut.", "upheld", ani, dedi)
	f.settles(t, keys, dedi.caseFile(t, id), f.path("stolen.pdf"), 1)
	page := dedi.says(t, id, "Cabut penahanan bukti")
	if !strings.Contains(page, "Pengaduan terbukti") {
		t.Error("the outcome is not shown")
	}
}

// caseRefusals tries what forms and roles forbid.
func caseRefusals(t *testing.T, f *office, ani *desk) {
	auditor := f.staffDesk(t, "eka", "auditor")
	id, _ := f.complain(t, ani, withFields(map[string]string{"kind": "repudiation", "text": "x"}), letter())
	form := hidden(ani.get(t, "/op/cases/"+id).body)
	t.Run("an auditor reads", func(t *testing.T) {
		auditor.says(t, id, "Diterima")
		if a := auditor.tryAct(t, id, "note", map[string]string{"text": "x"}); a.status != http.StatusForbidden {
			t.Errorf("and writes: %d", a.status)
		}
		if page := auditor.get(t, "/op/cases/new"); page.status != http.StatusForbidden {
			t.Errorf("and files: %d", page.status)
		}
	})
	for name, a := range map[string]answer{
		"nobody":          f.do(t, call{path: "/op/cases/" + id, client: f.still302()}),
		"nobody's form":   f.do(t, call{method: http.MethodPost, path: "/op/cases/" + id, client: f.still302(), kind: "application/x-www-form-urlencoded", body: strings.NewReader("act=examine")}),
		"an application":  f.do(t, call{as: "auditor", path: "/op/cases/" + id, client: f.still302()}),
		"the case's file": f.do(t, call{path: "/op/cases/" + id + "/zip", client: f.still302()}),
	} {
		if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/op/sign-in") {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	forged := withAct(url.Values{"version": {form.Get("version")}}, "examine")
	if a := ani.post(t, "/op/cases/"+id, forged); a.status != http.StatusForbidden {
		t.Errorf("without the token: %d", a.status)
	}
	foreign := call{method: http.MethodPost, path: "/op/cases/" + id, header: map[string]string{"Cookie": ani.cookie, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
		kind: "application/x-www-form-urlencoded", body: strings.NewReader(withAct(form, "examine").Encode()), client: f.still302()}
	if a := f.do(t, foreign); a.status != http.StatusForbidden {
		t.Errorf("sent by another site: %d", a.status)
	}
	t.Run("complaints about staff", func(t *testing.T) {
		fifi := f.staffDesk(t, "fifi", "supervisor")
		conduct, _ := f.complain(t, fifi, withFields(map[string]string{"kind": "conduct", "text": "Petugas meminta imbalan."}), letter())
		if a := ani.get(t, "/op/cases/"+conduct); a.status != http.StatusForbidden {
			t.Errorf("an investigator reads it: %d", a.status)
		}
		if list := ani.get(t, "/op/cases?kind=conduct"); strings.Contains(string(list.body), conduct) {
			t.Error("an investigator sees it in the list")
		}
		fifi.says(t, conduct, "Perilaku petugas")
	})
	for name, fields := range map[string]map[string]string{
		"no kind": {"text": "x", "contact": "x"}, "no contact": {"kind": "conduct", "text": "x"}, "no text": {"kind": "conduct", "contact": "x"},
		"a NIK of letters": {"kind": "conduct", "text": "x", "contact": "x", "nik": "123456789012345x"},
		"a loss to come":   {"kind": "key-loss", "text": "x", "contact": "x", "loss": "2099-01-01T00:00"},
		"no moment":        {"kind": "key-loss", "text": "x", "contact": "x", "loss": "kemarin"},
		"too long":         {"kind": "conduct", "text": strings.Repeat("x", 8001), "contact": "x"},
	} {
		v := url.Values{}
		for k, value := range fields {
			v.Set(k, value)
		}
		a := f.do(t, call{method: http.MethodPost, path: "/pengaduan", kind: "application/x-www-form-urlencoded", body: strings.NewReader(v.Encode())})
		if a.status != http.StatusBadRequest || !strings.Contains(string(a.body), `role="alert"`) {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	for _, code := range []string{"x", strings.Repeat("A", 22), strings.Repeat("A", 5000)} {
		if a := f.do(t, call{path: "/pengaduan/" + code}); a.status != http.StatusNotFound {
			t.Errorf("a code of %d characters: %d", len(code), a.status)
		}
	}
}

// caseSupervision has the report on supervision made for this year, and refuses
// others.
func caseSupervision(t *testing.T, f *office, ani *desk) {
	hani := f.staffDesk(t, "hani", "auditor")
	ask := func(d *desk, year, period string) answer {
		form := hidden(d.get(t, "/op/supervision").body)
		form.Set("year", year)
		form.Set("period", period)
		return d.post(t, "/op/supervision", form)
	}
	this := time.Now().In(time.FixedZone("WIB", 7*60*60)).Format("2006")
	a := ask(hani, this, "year").ok(t, http.StatusOK)
	f.write("pengawasan.pdf", string(a.body))
	if status, said := f.run("verify", "--offline", "--trust", f.path("trust.pem"), f.path("pengawasan.pdf")); status != 0 {
		t.Errorf("the report: status %d\n%s", status, said)
	}
	if dir := os.Getenv("ABSAH_TEST_OUT"); dir != "" {
		f.must(os.MkdirAll(dir, 0o755))
		f.must(os.WriteFile(filepath.Join(dir, "pengawasan.pdf"), a.body, 0o600))
	}
	text := pdfText(t, f.path("pengawasan.pdf"))
	for _, want := range []string{"Laporanpengawasan", "PGD-" + this + "-0001", "Tandatanganelektronik3", "Frasasandisalah1", "Yth.BupatiContoh", "termasukinsiden:3"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if strings.Contains(text, "enari") {
		t.Error("the report tells of a complainant")
	}
	for _, wrong := range [][2]string{{"2099", "year"}, {"x", "1"}, {this, "3"}} {
		if a := ask(hani, wrong[0], wrong[1]); a.status != http.StatusBadRequest {
			t.Errorf("%v: %d", wrong, a.status)
		}
	}
	if a := ani.get(t, "/op/supervision"); a.status != http.StatusForbidden {
		t.Errorf("an investigator: %d", a.status)
	}
}

// caseHold: the artefacts of the cases that are closed are still held, but
// those of none are not.
func caseHold(t *testing.T, f *office, db *sql.DB) {
	var held, kept int
	f.must(db.QueryRow(`SELECT count(DISTINCT sha256) FROM holds WHERE reason LIKE 'case %'`).Scan(&held))
	f.must(db.QueryRow(`SELECT count(*) FROM artefacts WHERE data IS NOT NULL`).Scan(&kept))
	if held < 10 || held >= kept {
		t.Errorf("%d of %d artefacts are held", held, kept)
	}
	gina := f.staffDesk(t, "gina", "supervisor")
	list := gina.get(t, "/op/cases?all=1").ok(t, http.StatusOK)
	id := string(regexp.MustCompile(`href="/op/cases/([0-9a-f-]{36})">PGD-\d{4}-0001`).FindSubmatch(list.body)[1])
	gina.act(t, id, "release", map[string]string{"reason": "masa simpan berakhir", "code": gina.code(t, 1)})
	gina.says(t, id, "tidak ditahan", "Penahanan bukti dicabut")
	var left int
	f.must(db.QueryRow(`SELECT count(DISTINCT sha256) FROM holds WHERE reason LIKE 'case %'`).Scan(&left))
	if left >= held {
		t.Errorf("%d artefacts are held after the hold of a case was lifted, %d before", left, held)
	}
}

// rows opens the database of an office as whoever administers it can; address
// is "" for SQLite.
func (f *office) rows(t testing.TB, address string) *sql.DB {
	t.Helper()
	if address == "" {
		return f.sqlite(t)
	}
	db, err := sql.Open("pgx", address)
	f.must(err)
	t.Cleanup(func() { db.Close() })
	return db
}

// noComplainants looks for people in the database, also where its server keeps
// its files, in the log of the program and the records.
func noComplainants(t *testing.T, f *office, folder, code string) {
	f.stop()
	f.act(func(s *gatewayService) { // an incident of caseRefusals waits to be reported
		if n, err := s.gateway.RemindCases(t.Context()); err != nil || n != 1 {
			t.Errorf("reminded of %d cases, %v", n, err)
		}
	})
	canaries := []string{code, canaryName, canaryContact, canaryNIK, canaryStory, "surat sengketa"}
	if folder != "" {
		t.Run("the server's files", func(t *testing.T) {
			if _, err := os.ReadDir(folder); err != nil {
				testfile.Lacking(t, "the right to read "+folder, "of the server's user, or root")
			}
			for _, canary := range canaries {
				f.clearIn(t, folder, []byte(canary))
			}
		})
	}
	for _, canary := range canaries {
		err := filepath.WalkDir(f.dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if base := filepath.Base(path); !strings.HasPrefix(base, "absah.db") && base != "log" {
				return nil
			}
			b, err := os.ReadFile(path)
			if bytes.Contains(b, []byte(canary)) {
				t.Errorf("%s is in %s", canary, filepath.Base(path))
			}
			return err
		})
		f.must(err)
	}
}
