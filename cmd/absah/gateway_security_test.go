package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
)

// securityTests are those of docs/SECURITY-TESTS.md that share one gateway, in
// this order: each leaves it as it was, and the last ones look at what all of
// them have left behind.
var securityTests = []struct {
	id  string
	run func(t *testing.T, f *office)
}{
	{"S01", testImpersonation},
	{"S02", testStolenKeys},
	{"S04", testReplay},
	{"S05", testOtherDocument},
	{"S06", testActiveContent},
	{"S07", testBlindSigning},
	{"S09", testKeyConfusion},
	{"S13", testRoles},
	{"S18", testTenants},
	{"S19", testDenialOfService},
	{"S20", testRegisteredDocument},
	{"S23", testOracles},
	{"S27", testForeignSigner},
	{"S28", testSwappedDocument},
	{"A-1", testUploads},
	{"A-2", testServerSideRequests},
	{"A-3", testFraming},
	{"A-4", testHeaders},
	{"A-5", testConsole},
	{"A-6", testFieldsOfAuthorisation},
	{"A-8", testRateLimit},
	{"S03", testPassphraseGuessing},
	{"S08", testPINStaysSecret},
	{"S26", testNothingIsKept},
}

func TestGateway(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{})
	pid := f.process.Process.Pid
	for _, s := range securityTests {
		t.Run(s.id, func(t *testing.T) { s.run(t, f) })
	}
	if t.Failed() {
		f.tellErrors(t)
	}
	if f.process == nil || f.process.Process.Pid != pid {
		t.Error("the gateway was restarted")
	}
	for _, bad := range []string{"panic", "goroutine "} {
		if strings.Contains(f.log(), bad) {
			t.Errorf("the log has %q:\n%s", bad, f.log())
		}
	}
	f.stop()
}

// denied counts the refused accesses on record.
func (f *office) denied(t testing.TB) (n int) {
	t.Helper()
	if err := f.sqlite(t).QueryRow(`SELECT count(*) FROM operations WHERE kind = 'access.denied'`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func testImpersonation(t *testing.T, f *office) {
	key := f.keys["e-office"]
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	for _, test := range []struct {
		name   string
		header map[string]string
		record bool // known in part: who tried is on record
	}{
		{"nobody", nil, false},
		{"forged identity of a proxy", map[string]string{"X-Forwarded-For": "10.0.0.1", "X-Client-Cert": "MII", "X-Forwarded-User": "e-office", "X-SSL-Client-Verify": "SUCCESS"}, false},
		{"unknown key", map[string]string{"Authorization": "Bearer absah_AAAAAAAAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"}, true},
		{"wrong secret", map[string]string{"Authorization": "Bearer " + key[:len(key)-1] + "!"}, true},
		{"no key at all", map[string]string{"Authorization": "Bearer x"}, true},
		{"unknown user", map[string]string{"Authorization": basic("e-office", key)}, true},
		{"unknown scheme", map[string]string{"Authorization": "Digest " + key}, true},
		{"key as a cookie", map[string]string{"Cookie": "Authorization=Bearer " + key}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := f.denied(t)
			f.still(t, func() {
				p := f.send(t, "", "/v1/seal", letter(), bySeal, test.header).problem(t, http.StatusUnauthorized, "unauthenticated")
				if p.Operation != "" || strings.Contains(p.Detail, "key") {
					t.Errorf("the answer tells too much: %+v", p)
				}
			})
			want := 0
			if test.record {
				want = 1
			}
			if n := f.denied(t) - before; n != want {
				t.Errorf("%d records of refused access, want %d", n, want)
			}
		})
	}
	t.Run("addresses of strangers are not believed", func(t *testing.T) {
		a := f.send(t, "e-office", "/v1/seal", letter(), bySeal, map[string]string{"X-Forwarded-For": "203.0.113.7", "X-Real-Ip": "203.0.113.7", "Forwarded": "for=203.0.113.7"}).ok(t, 200)
		b := f.do(t, call{as: "e-office", path: "/v1/operations/" + a.header.Get("Absah-Operation")}).ok(t, 200)
		if bytes.Contains(b.body, []byte("203.0.113.7")) || !bytes.Contains(b.body, []byte(`"address":"127.0.0.1"`)) {
			t.Errorf("the record has another address: %s", b.body)
		}
	})
	t.Run("two identities", func(t *testing.T) {
		f.still(t, func() {
			req, err := http.NewRequest(http.MethodGet, f.url+"/v1/signers", nil)
			f.must(err)
			req.Header.Add("Authorization", "Bearer "+f.keys["e-office"])
			req.Header.Add("Authorization", basic("x", "y"))
			resp, err := f.http.Do(req)
			f.must(err)
			resp.Body.Close()
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("got %d, want 401", resp.StatusCode)
			}
		})
	})
	t.Run("before the body", func(t *testing.T) { testRefusedBeforeBody(t, f) })
}

// testRefusedBeforeBody sends the head of a request whose body never comes:
// strangers are answered at once, and nothing is spooled for them.
func testRefusedBeforeBody(t *testing.T, f *office) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	f.must(err)
	defer conn.Close()
	f.must(conn.SetDeadline(time.Now().Add(promptly)))
	_, err = io.WriteString(conn, "POST /v1/sign HTTP/1.1\r\nHost: x\r\nContent-Type: application/pdf\r\nContent-Length: 20000000\r\n\r\n")
	f.must(err)
	b := make([]byte, 12)
	if _, err := io.ReadFull(conn, b); err != nil || string(b) != "HTTP/1.1 401" {
		t.Errorf("got %q, %v, want 401 at once", b, err)
	}
}

// processes returns the gateway and its children.
func (f *office) processes(t testing.TB) []int {
	t.Helper()
	pid := f.process.Process.Pid
	return append([]int{pid}, childrenOf(t, pid)...)
}

func childrenOf(t testing.TB, pid int) (children []int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tasks {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(b)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			children = append(children, child)
		}
	}
	return children
}

func testStolenKeys(t *testing.T, f *office) {
	keys := map[string]string{}
	for name, key := range f.keys {
		_, secret, _ := strings.Cut(strings.TrimPrefix(key, "absah_"), "_")
		keys["the key of "+name] = secret
	}
	f.nowhere(t, keys)
	t.Run("a stolen hash", func(t *testing.T) {
		c := f.credentials["e-office"]
		for _, hash := range []string{hex.EncodeToString(c.Hash[:]), base64.RawURLEncoding.EncodeToString(c.Hash[:]), string(c.Hash[:16])} {
			header := map[string]string{"Authorization": "Bearer absah_" + c.Lookup + "_" + hash}
			if strings.ContainsFunc(hash, func(r rune) bool { return r < ' ' || r > '~' }) {
				continue
			}
			f.send(t, "", "/v1/seal", letter(), bySeal, header).problem(t, http.StatusUnauthorized, "unauthenticated")
		}
	})
	t.Run("revoked", func(t *testing.T) {
		if status, said := f.run("application", "add", f.config, "leaver", "--signer", "segel", "--key-file", f.path("leaver.key")); status != 0 {
			t.Fatal(said)
		}
		f.keys["leaver"] = strings.TrimSpace(f.read("leaver.key"))
		f.must(os.Remove(f.path("leaver.key")))
		f.seal(t, "leaver", letter(), bySeal).ok(t, http.StatusOK)
		var credential string
		f.act(func(s *gatewayService) {
			f.must(s.db.View(t.Context(), officeA, func(r gateway.Reader) error {
				a, err := r.ApplicationByName(t.Context(), "leaver")
				f.must(err)
				all, err := r.Credentials(t.Context(), a.ID)
				credential = all[0].ID
				return err
			}))
		})
		if status, said := f.run("application", "revoke-credential", f.config, credential); status != 0 {
			t.Fatal(said)
		}
		revoked := time.Now()
		eventually(t, 30*time.Second, "a revoked key is refused", func() bool {
			return f.seal(t, "leaver", letter(), bySeal).status == http.StatusUnauthorized
		})
		t.Logf("revoked after %v", time.Since(revoked).Round(time.Millisecond))
	})
}

// eventually asks until something is so.
func eventually(t testing.TB, within time.Duration, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
		<-tick.C
	}
}

func testReplay(t *testing.T, f *office) {
	doc, key := letter(), map[string]string{"Idempotency-Key": "surat-1"}
	first := f.send(t, "e-office", "/v1/seal", doc, bySeal, key).ok(t, http.StatusOK)
	f.still(t, func() {
		again := f.send(t, "e-office", "/v1/seal", doc, bySeal, key).ok(t, http.StatusOK)
		if !bytes.Equal(first.body, again.body) {
			t.Error("the answers differ")
		}
		for _, name := range []string{"Absah-Operation", "Absah-Receipt", "Absah-Level", "Absah-Sha256"} {
			if first.header.Get(name) != again.header.Get(name) {
				t.Errorf("%s: got %q, want %q", name, again.header.Get(name), first.header.Get(name))
			}
		}
		if first.header.Get("Absah-Repeated") != "" || again.header.Get("Absah-Repeated") != "true" {
			t.Error("Absah-Repeated does not tell them apart")
		}
		for name, other := range map[string]func() answer{
			"another document": func() answer { return f.send(t, "e-office", "/v1/seal", letter(), bySeal, key) },
			"another reason":   func() answer { return f.send(t, "e-office", "/v1/seal", doc, bySeal.with(fields{"reason": "x"}), key) },
			"another signer":   func() answer { return f.send(t, "e-office", "/v1/sign", doc, f.by("bupati"), key) },
		} {
			t.Run(name, func(t *testing.T) { other().problem(t, http.StatusConflict, "idempotency-conflict") })
		}
	})
	t.Run("of another application", func(t *testing.T) { // keys are its own
		f.send(t, "narrow", "/v1/seal", doc, bySeal, key).ok(t, http.StatusOK)
	})
	t.Run("at once", func(t *testing.T) {
		before, doc, request := f.documents(), letter(), f.by("bupati")
		var (
			wg     sync.WaitGroup
			mu     sync.Mutex
			bodies = map[string]int{}
		)
		for range 20 {
			wg.Go(func() {
				a := f.send(t, "e-office", "/v1/sign", doc, request, map[string]string{"Idempotency-Key": "surat-2"})
				mu.Lock()
				defer mu.Unlock()
				if a.status == http.StatusOK {
					bodies[hexSum(a.body)]++
				} else if p := a.problem(t, http.StatusConflict, "in-progress"); a.header.Get("Retry-After") == "" || p.Operation == "" {
					t.Errorf("no Retry-After or operation: %+v", p)
				}
			})
		}
		wg.Wait()
		if n := f.documents() - before; n != 1 || len(bodies) != 1 {
			t.Errorf("%d signatures and %d documents, want 1 and 1", n, len(bodies))
		}
	})
	t.Run("a failure before the key is used frees it", func(t *testing.T) {
		doc, key := letter(), map[string]string{"Idempotency-Key": "surat-3"}
		f.send(t, "e-office", "/v1/sign", doc, f.by("camat"), key).problem(t, http.StatusUnprocessableEntity, "no-certificate")
		f.send(t, "e-office", "/v1/seal", doc, bySeal, key).ok(t, http.StatusOK)
	})
}

func testBlindSigning(t *testing.T, f *office) {
	digest := fields{"digest": strings.Repeat("ab", 32), "hash": "SHA-256", "signer": "segel"}
	raw := bytes.Repeat([]byte{0x31, 0x30}, 200) // as signed attributes begin
	f.still(t, func() {
		for _, path := range []string{
			"/v1/sign", "/v1/seal", "/v1/timestamp", "/v1/augment", "/v1/batches", "/v1/activations",
			"/v1/sign/hash", "/v1/digest", "/v1/raw", "/csc/v2/signatures/signHash", "/v1/signers",
		} {
			for _, a := range []answer{
				f.post(t, "e-office", path, digest),
				f.do(t, call{as: "e-office", method: http.MethodPost, path: path, kind: "application/octet-stream", body: bytes.NewReader(raw)}),
				f.do(t, call{as: "e-office", method: http.MethodPost, path: path, kind: "application/pdf", body: bytes.NewReader(raw)}),
			} {
				if a.status < 400 || a.status >= 500 {
					t.Errorf("%s: got %d %.200s, want a refusal", path, a.status, a.body)
				}
			}
		}
		f.seal(t, "e-office", raw, bySeal).problem(t, http.StatusUnprocessableEntity, "document-unreadable")
	})
}

func testKeyConfusion(t *testing.T, f *office) {
	// A label, swapped by somebody who writes to the database, names no key.
	db := f.sqlite(t)
	_, err := db.Exec(`UPDATE signer_keys SET label = 'absah-health' WHERE signer = 'segel'`)
	f.must(err)
	f.seal(t, "e-office", letter(), bySeal).ok(t, http.StatusOK)
	_, err = db.Exec(`UPDATE signer_keys SET label = 'seal' WHERE signer = 'segel'`)
	f.must(err)
	// Another's certificate does not go with the seal's key.
	const of = `signer_key IN (SELECT id FROM signer_keys WHERE signer = ?)`
	var own, other []byte
	f.must(db.QueryRow(`SELECT der FROM certificates WHERE `+of, "segel").Scan(&own))
	f.must(db.QueryRow(`SELECT der FROM certificates WHERE `+of, f.by("sekda")["signer"]).Scan(&other))
	put := func(der []byte) {
		_, err := db.Exec(`UPDATE certificates SET der = ? WHERE `+of, der, "segel")
		f.must(err)
	}
	put(other)
	defer put(own)
	a := f.seal(t, "e-office", letter(), bySeal)
	if p := a.problem(t, http.StatusInternalServerError, "signature-key-mismatch"); p.Operation == "" {
		t.Error("not on record")
	}
	if found := f.operations(t, "kind=seal&status=failed&limit=1"); len(found) == 0 || found[0]["code"] != "signature-key-mismatch" {
		t.Errorf("on record is %v", found)
	}
}

func testTenants(t *testing.T, f *office) {
	doc := letter()
	a := f.sign(t, "e-office", doc, f.by("bupati")).ok(t, http.StatusOK)
	operation := a.header.Get("Absah-Operation")
	token := f.activate(t, "e-office", "bupati", nil, doc)
	document := f.post(t, "e-office", "/v1/documents", fields{"nomor": "1/2026", "tanggal": "2026-01-02", "pages": 1}).ok(t, http.StatusCreated).json(t)["id"].(string)
	unknown := "0193f2a4-7c1e-7d3a-9b5c-000000000000"
	certificate := hexSum(f.signers["bupati"].cert.Raw)
	f.still(t, func() {
		for _, test := range []struct{ name, own, none string }{
			{"operation", "/v1/operations/" + operation, "/v1/operations/" + unknown},
			{"evidence", "/v1/operations/" + operation + "/evidence", "/v1/operations/" + unknown + "/evidence"},
			{"document", "/v1/documents/" + document, "/v1/documents/" + strings.Repeat("a", len(document))},
			{"certificate", "/v1/certificates/" + certificate + "/status", "/v1/certificates/" + strings.Repeat("0", 64) + "/status"},
		} {
			t.Run(test.name, func(t *testing.T) {
				same(t, f.do(t, call{as: "foreign", path: test.own}), f.do(t, call{as: "foreign", path: test.none}), http.StatusNotFound, "not-found")
				f.alike(t, func() { f.do(t, call{as: "foreign", path: test.own}) }, func() { f.do(t, call{as: "foreign", path: test.none}) })
			})
		}
		t.Run("signer", func(t *testing.T) {
			own, none := f.by("bupati"), f.by("bupati").with(fields{"signer": unknown})
			same(t, f.sign(t, "foreign", doc, own), f.sign(t, "foreign", doc, none), http.StatusNotFound, "not-found")
			f.alike(t, func() { f.sign(t, "foreign", doc, own) }, func() { f.sign(t, "foreign", doc, none) })
		})
		t.Run("activation", func(t *testing.T) {
			request := fields{"signer": f.signers["asing"].id, "activation": token, "level": "B-B"}
			f.sign(t, "foreign", doc, request).problem(t, http.StatusForbidden, "not-activated")
		})
		t.Run("document status", func(t *testing.T) {
			j := strings.NewReader(`{"status":"withdrawn","reason":"x"}`)
			f.do(t, call{as: "foreign", method: http.MethodPatch, path: "/v1/documents/" + document, kind: "application/json", body: j}).problem(t, http.StatusNotFound, "not-found")
		})
		t.Run("lists", func(t *testing.T) {
			for _, path := range []string{"/v1/operations", "/v1/operations?digest=" + hexSum(doc), "/v1/signers", "/v1/renewals?before=2099-01-01T00:00:00Z"} {
				a := f.do(t, call{as: "foreign", path: path}).ok(t, http.StatusOK)
				for _, secret := range []string{operation, f.signers["bupati"].id, hexSum(doc), "segel"} {
					if bytes.Contains(a.body, []byte(secret)) {
						t.Errorf("%s shows %s", path, secret)
					}
				}
			}
		})
	})
}

// same asserts that two answers differ in the request's number only.
func same(t testing.TB, a, b answer, status int, code string) {
	t.Helper()
	p, q := a.problem(t, status, code), b.problem(t, status, code)
	p.Request, q.Request = "", ""
	if fmt.Sprint(p) != fmt.Sprint(q) || len(a.body) != len(b.body) {
		t.Errorf("the answers differ: %+v, %+v", p, q)
	}
}

// alike asserts that two requests take the same time within noise. They take
// turns, so that what else the machine does concerns both.
func (f *office) alike(t testing.TB, a, b func()) {
	t.Helper()
	const rounds = 30
	measure := func() (time.Duration, time.Duration) {
		var x, y []time.Duration
		for range rounds {
			began := time.Now()
			a()
			middle := time.Now()
			b()
			x, y = append(x, middle.Sub(began)), append(y, time.Since(middle))
		}
		slices.Sort(x)
		slices.Sort(y)
		return x[rounds/4], y[rounds/4] // the lower quartile: load only adds
	}
	var x, y time.Duration
	for range 4 {
		x, y = measure()
		if x < 2*y && y < 2*x {
			return
		}
	}
	t.Errorf("one takes %v, the other %v", x, y)
}

func testRateLimit(t *testing.T, f *office) {
	var last answer
	for range 10 {
		if last = f.do(t, call{as: "rated", path: "/v1/signers"}); last.status != http.StatusOK {
			break
		}
	}
	last.problem(t, http.StatusTooManyRequests, "rate-limited")
	if n, err := strconv.Atoi(last.header.Get("Retry-After")); err != nil || n < 1 || n > 60 {
		t.Errorf("Retry-After: %q", last.header.Get("Retry-After"))
	}
	f.do(t, call{as: "e-office", path: "/v1/signers"}).ok(t, http.StatusOK) // others are not concerned
}
