package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/pki/lab"
)

// TestGatewayAbuse plays what attackers found, each by the threat it belongs
// to, in the order in which they were mended.
func TestGatewayAbuse(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{yaml: "spool: {upload: 1MiB, total: 16MiB}"})
	for _, s := range []struct {
		name string
		run  func(*testing.T, *office)
	}{
		{"S19 held uploads", testHeldUploads},
		{"S28 forged version", testForgedVersion},
		{"S28 forged registration", testForgedRegistration},
		{"A-6 levels of augmenting", testAugmentPolicy},
		{"S18 status of documents", testForeignStatus},
		{"S15 readiness", testReadiness},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, f) })
	}
	if t.Failed() {
		f.tellErrors(t)
	}
	f.stop()
}

// testHeldUploads has strangers, and one application, upload all but the last
// byte of more than the spool holds: those with credentials go on sealing.
func testHeldUploads(t *testing.T, f *office) {
	for _, who := range []struct{ name, path, credentials string }{
		{"a stranger", "/v1/verify", ""},
		{"an application", "/v1/seal", "Authorization: Bearer " + f.keys["second"] + "\r\n"},
	} {
		t.Run(who.name, func(t *testing.T) {
			for range 20 {
				conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
				f.must(err)
				defer conn.Close()
				_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Type: application/pdf\r\nContent-Length: %d\r\n\r\n", who.path, who.credentials, 1<<20)
				f.must(err)
				_, _ = conn.Write(make([]byte, 1<<20-1)) // refused, once there is no more room for it
			}
			for range 5 {
				f.seal(t, "e-office", letter(), bySeal).ok(t, 200)
			}
		})
	}
}

// register registers a letter and returns its public id.
func (f *office) register(t testing.TB, as string) (id string) {
	t.Helper()
	a := f.post(t, as, "/v1/documents", fields{"nomor": "800/12", "tanggal": "2026-11-21", "pages": 1}).ok(t, 201)
	id, _ = a.json(t)["id"].(string)
	return id
}

// compare uploads a file to the page of a registered document and returns the
// page.
func (f *office) compare(t testing.TB, id string, doc []byte) string {
	t.Helper()
	kind, body := upload(t, doc)
	a := f.do(t, call{method: http.MethodPost, path: "/d/" + id, kind: kind, body: body, header: map[string]string{"Accept": "text/html"}})
	return string(a.ok(t, 200).body)
}

// upload is a form with one document.
func upload(t testing.TB, doc []byte) (kind string, body io.Reader) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("document", "surat.pdf")
	if err == nil {
		_, err = part.Write(doc)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), &b
}

// testForgedVersion writes rows as whoever has the database can: the page says
// that a file is the registered letter only when the evidence does.
func testForgedVersion(t *testing.T, f *office) {
	id := f.register(t, "e-office")
	sealed := f.seal(t, "e-office", letter(), bySeal.with(fields{"document": id})).ok(t, 200)
	if page := f.compare(t, id, sealed.body); !strings.Contains(page, "BERKAS YANG SAMA") {
		t.Fatalf("the genuine one: %s", page)
	}
	db := f.sqlite(t)
	other := f.seal(t, "e-office", letter(), bySeal).ok(t, 200)
	for _, forged := range []struct {
		name, operation string
		doc             []byte
	}{
		{"an unsigned file", sealed.header.Get("Absah-Operation"), letter()},
		{"what another operation released", other.header.Get("Absah-Operation"), other.body},
		{"no operation", "01890000-0000-7000-8000-000000000000", letter()},
	} {
		sum := sha256.Sum256(forged.doc)
		_, err := db.Exec(`INSERT INTO document_versions (organisation, document, sha256, size, operation, created_at) SELECT organisation, public_id, ?, ?, ?, changed_at FROM documents WHERE public_id = ?`, sum[:], len(forged.doc), forged.operation, id)
		if err != nil {
			t.Fatal(err)
		}
		if page := f.compare(t, id, forged.doc); !strings.Contains(page, "BUKAN DOKUMEN INI") || strings.Contains(page, "BERKAS YANG SAMA") {
			t.Errorf("%s: %s", forged.name, page)
		}
		if page := f.compare(t, id, sealed.body); !strings.Contains(page, "BERKAS YANG SAMA") {
			t.Errorf("%s: the genuine one is not the latest any more: %s", forged.name, page)
		}
	}
	if !strings.Contains(f.log(), "never released") {
		t.Error("the log does not say it")
	}
}

// testForgedRegistration changes what the database says of registered letters, as
// would fit a forged paper with a copied QR code: the page says what is on record.
func testForgedRegistration(t *testing.T, f *office) {
	page := func(id string, status int) string {
		return string(f.do(t, call{path: "/d/" + id, header: map[string]string{"Accept": "text/html"}}).ok(t, status).body)
	}
	db := f.sqlite(t)
	change := func(set, id string) {
		if _, err := db.Exec(`UPDATE documents SET `+set+` WHERE public_id = ?`, id); err != nil {
			t.Fatal(err)
		}
	}
	valid, withdrawn, secret := f.register(t, "e-office"), f.register(t, "e-office"), f.post(t, "e-office", "/v1/documents", fields{
		"nomor": "RHS/7", "perihal": "rahasia benar", "tanggal": "2026-11-21", "pages": 1, "confidential": true}).ok(t, 201).json(t)["id"].(string)
	for _, id := range []string{valid, withdrawn, secret} {
		f.seal(t, "e-office", letter(), bySeal.with(fields{"document": id})).ok(t, 200)
	}
	f.patch(t, "e-office", withdrawn, fields{"status": "withdrawn", "reason": "salah cetak"}).ok(t, 200)
	untouched, gone := page(valid, 200), page(withdrawn, 200)
	personal := f.register(t, "e-office")
	f.sign(t, "e-office", letter(), f.by("bupati").with(fields{"document": personal})).ok(t, 200)
	if !strings.Contains(page(personal, 200), `<p class="office">Kantor Contoh</p>`) {
		t.Error("a letter does not name the office of who signed it")
	}

	change("nomor = '900/99', perihal = 'Hibah', tanggal = '2020-02-02', pages = 9", valid)
	change("status = 'valid', reason = ''", withdrawn)
	change("confidential = FALSE", secret)
	if _, err := db.Exec(`UPDATE signers SET name = 'Bupati Palsu', office = 'Gubernur Palsu' WHERE kind = 'seal' OR id = ?`, f.signers["bupati"].id); err != nil {
		t.Fatal(err)
	}
	if got := page(personal, 200); strings.Contains(got, "Palsu") {
		t.Error("whose letter it is is what the database says")
	}
	if got := page(valid, 200); got != untouched {
		t.Error("a letter is what the database says")
	}
	if got := page(withdrawn, 200); got != gone || !strings.Contains(got, "DICABUT") || !strings.Contains(got, "salah cetak") {
		t.Error("a withdrawn letter is in force again")
	}
	change("status = 'withdrawn', reason = 'salah cetak', changed_at = changed_at - 86400000000", withdrawn)
	if page(withdrawn, 200) != gone {
		t.Error("a letter was withdrawn a day earlier by the database")
	}
	if got := page(secret, 200); strings.Contains(got, "RHS/7") || strings.Contains(got, "rahasia benar") {
		t.Error("a confidential letter is shown")
	}
	change("status = 'withdrawn', reason = 'x'", valid)
	if got := page(valid, 200); got != untouched {
		t.Error("a letter is withdrawn by the database")
	}
	const nobodys = "33333333333333333333333333"
	if _, err := db.Exec(`INSERT INTO documents SELECT '`+nobodys+`', organisation, application, nomor, perihal, tanggal, pages, confidential, status, replaced_by, reason, created_at, changed_at
		FROM documents WHERE public_id = ?`, valid); err != nil {
		t.Fatal(err)
	}
	page(nobodys, 404)
	for _, alarm := range []string{"is not in the database as it is on record", "a document that no record registers", "a signer is not in the database as enrolled"} {
		if !strings.Contains(f.log(), alarm) {
			t.Errorf("the log does not say %q", alarm)
		}
	}
}

// testAugmentPolicy: what an application may not sign with it may not reach by
// augmenting what it has signed, or what others have.
func testAugmentPolicy(t *testing.T, f *office) {
	sealed := f.seal(t, "narrow", letter(), bySeal).ok(t, 200)
	f.send(t, "narrow", "/v1/augment", sealed.body, fields{"level": "B-LTA"}, nil).problem(t, 403, "forbidden")
	f.send(t, "narrow", "/v1/augment", sealed.body, nil, nil).problem(t, 403, "forbidden")
	f.send(t, "narrow", "/v1/timestamp", letter(), nil, nil).problem(t, 403, "forbidden")
	f.send(t, "clerk", "/v1/timestamp", letter(), nil, nil).problem(t, 403, "forbidden")
	f.send(t, "e-office", "/v1/augment", sealed.body, fields{"level": "B-T"}, nil).ok(t, 200)

	f.act(func(s *gatewayService) {
		f.addApplication(t.Context(), s, gateway.NewApplication(officeA, "leaflets", gateway.RoleApplication, gateway.Policy{
			Signers: []string{"segel"}, Levels: []string{"B-B", "B-T"}, MaxPages: 1,
		}, time.Now().UTC()))
	})
	pages := sample(t, "pages-200.pdf")
	f.send(t, "leaflets", "/v1/timestamp", pages, nil, nil).problem(t, 422, "too-many-pages")
	f.send(t, "leaflets", "/v1/augment", pages, fields{"level": "B-T"}, nil).problem(t, 422, "too-many-pages")
	f.send(t, "leaflets", "/v1/timestamp", letter(), nil, nil).ok(t, 200)
}

// patch sets the status of a registered document.
func (f *office) patch(t testing.TB, as, id string, change fields) answer {
	t.Helper()
	return f.do(t, call{as: as, method: http.MethodPatch, path: "/v1/documents/" + id, kind: "application/json", body: jsonReader(t, change)})
}

// testForeignStatus: the key of one application withdraws no letters of another,
// unless its policy says that it is the office's archive.
func testForeignStatus(t *testing.T, f *office) {
	f.act(func(s *gatewayService) {
		f.addApplication(t.Context(), s, gateway.NewApplication(officeA, "archive", gateway.RoleApplication, gateway.Policy{AllDocuments: true}, time.Now().UTC()))
	})
	id := f.register(t, "e-office")
	f.seal(t, "e-office", letter(), bySeal.with(fields{"document": id})).ok(t, 200)
	withdraw := fields{"status": "withdrawn", "reason": "salah cetak"}
	denied := f.denied(t)
	f.patch(t, "second", id, withdraw).problem(t, 403, "forbidden")
	if n := f.denied(t) - denied; n != 1 {
		t.Errorf("denials on record: got %d, want 1", n)
	}
	if status := f.do(t, call{as: "second", method: http.MethodGet, path: "/v1/documents/" + id}).ok(t, 200).json(t)["status"]; status != "valid" {
		t.Errorf("status: got %v", status)
	}
	f.patch(t, "foreign", id, withdraw).problem(t, 404, "not-found")
	f.patch(t, "e-office", id, withdraw).ok(t, 200)
	f.patch(t, "archive", id, fields{"status": "valid", "reason": "keliru"}).ok(t, 200)
}

// testReadiness: each part is named, and the authority's failing takes no node
// away. The gauges say the same, with nobody's name in them.
func testReadiness(t *testing.T, f *office) {
	components := func(status int) map[string]any {
		parts, _ := f.do(t, call{path: "/readyz"}).ok(t, status).json(t)["components"].(map[string]any)
		return parts
	}
	gauge := func(name string) string {
		resp, err := f.http.Get("http://" + f.admin + "/metrics")
		f.must(err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		f.must(err)
		for line := range strings.Lines(string(b)) {
			if value, ok := strings.CutPrefix(line, name+" "); ok {
				return strings.TrimSpace(value)
			}
		}
		return ""
	}
	stamped := bySeal.with(fields{"level": "B-T"})
	f.seal(t, "e-office", letter(), stamped).ok(t, 200)
	eventually(t, 30*time.Second, "all is well", func() bool {
		parts := components(200)
		return len(parts) == 5 && parts["clock"] == "ok" && parts["log"] == "ok" && parts["database"] == "ok" && parts["hsm"] == "ok" && parts["timestamps"] == "ok"
	})
	for _, name := range []string{
		`absah_component_up{component="timestamps"}`, `absah_component_up{component="hsm"}`, "absah_hsm_signed_age_seconds", "absah_timestamp_age_seconds",
		"absah_clock_offset_seconds", "absah_log_entries", "absah_log_lag_seconds", "absah_log_checkpoint_age_seconds", "absah_spool_used_bytes", "absah_open_intents",
	} {
		if _, err := strconv.ParseFloat(gauge(name), 64); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.lab.SetFault(lab.TSA, lab.Down)
	defer f.lab.SetFault(lab.TSA, lab.None)
	f.seal(t, "e-office", letter(), stamped).problem(t, 503, "timestamp-unavailable")
	eventually(t, 30*time.Second, "timestamps fail, and the gateway is ready", func() bool {
		return components(200)["timestamps"] == "failing" && gauge(`absah_component_up{component="timestamps"}`) == "0"
	})
	if status, said := f.run("ready", f.config); status != 0 || !strings.Contains(said, "ready\ntimestamps: ") {
		t.Errorf("absah ready: got %d, %q", status, said)
	}
}
