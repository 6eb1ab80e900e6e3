package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/hsm/hsmtest"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/store/storetest"
)

// promptly is within what time the gateway answers while something hangs: all that it
// waits for ends after a few seconds, and the rest is for a busy machine.
const promptly = 15 * time.Second

// faultTests break what the gateway rests on, one after the other, and mend it.
var faultTests = []struct {
	id  string
	run func(t *testing.T, f *office)
}{
	{"S10", testFlippedSignature},
	{"S11", testNoRecord},
	{"S15", testNoTimestamps},
	{"S16", testRogueTimestamps},
	{"S17", testDrift},
	{"S22", testChains},
	{"S24", testLostHSM},
	{"departed", testDepartedClient},
	{"stamp", testStamp},
	{"batch", testBatch},
	{"batch together", testBatchTogether},
	{"batch abandoned", testBatchAbandoned},
	{"revocation", testCertificates},
	{"described", testDescribed},
	{"strict", testStrict},
}

func TestGatewayFaults(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{slowFor: 3 * time.Second, tsa: true})
	pid := f.process.Process.Pid
	for _, s := range faultTests {
		t.Run(s.id, func(t *testing.T) {
			s.run(t, f)
			f.seal(t, "e-office", letter(), bySeal).ok(t, http.StatusOK) // and all is well again
		})
	}
	if f.process == nil || f.process.Process.Pid != pid {
		t.Error("the gateway was restarted")
	}
	if t.Failed() {
		f.tellErrors(t)
	}
	f.stop()
	f.consistent(t)
}

// tellErrors repeats what the gateway's log says of errors.
func (f *office) tellErrors(t testing.TB) {
	for line := range strings.Lines(f.log()) {
		if strings.Contains(line, `"level":"ERROR"`) && !strings.Contains(line, `"msg":"request failed"`) {
			t.Log(line)
		}
	}
}

// consistent holds what every fault must leave intact: each released document
// has its outcome, no signature is without an intent, and the tree recomputes.
func (f *office) consistent(t testing.TB) {
	t.Helper()
	if f.process != nil {
		f.stop()
	}
	f.act(func(s *gatewayService) {
		logKey, receiptKey := s.log.Keys()
		f.write("log-keys", logKey+"\n"+receiptKey+"\n")
	})
	if status, said := f.run("evidence", "audit", "--database", "sqlite:"+f.path("absah.db"), "--log-key", f.path("log-keys")); status != 0 {
		t.Errorf("evidence audit: %d %s", status, said)
	}
}

const mechanismRSA = 0x40 // CKM_SHA256_RSA_PKCS

func testFlippedSignature(t *testing.T, f *office) {
	f.shim.NextBy(1, hsmtest.FlippedBit, mechanismRSA)
	p := f.seal(t, "e-office", letter(), bySeal).problem(t, http.StatusInternalServerError, "signature-key-mismatch")
	if found := f.operations(t, "kind=seal&status=failed&limit=1"); len(found) != 1 || found[0]["id"] != p.Operation || found[0]["code"] != p.Code || found[0]["outputSHA256"] != nil {
		t.Errorf("on record is %v", found)
	}
}

func testNoRecord(t *testing.T, f *office) {
	db := f.sqlite(t)
	for _, test := range []struct{ name, deny, allow string }{
		{"evidence denied", `CREATE TRIGGER deny BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'denied'); END`, `DROP TRIGGER deny`},
		{"operations denied", `CREATE TRIGGER deny BEFORE INSERT ON operations BEGIN SELECT RAISE(ABORT, 'denied'); END`, `DROP TRIGGER deny`},
		{"no place left", `PRAGMA user_version`, ``},
	} {
		if test.allow == "" {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			_, err := db.Exec(test.deny)
			f.must(err)
			defer func() {
				_, err := db.Exec(test.allow)
				f.must(err)
			}()
			f.still(t, func() {
				for _, a := range []answer{
					f.seal(t, "e-office", letter(), bySeal), f.sign(t, "e-office", letter(), f.by("bupati")),
					f.send(t, "e-office", "/v1/timestamp", letter(), fields{}, nil),
					f.post(t, "e-office", "/v1/documents", fields{"nomor": "1", "tanggal": "2026-01-02", "pages": 1}),
				} {
					a.problem(t, http.StatusServiceUnavailable, "record-unavailable")
					if a.header.Get("Retry-After") == "" {
						t.Error("no Retry-After")
					}
				}
			})
		})
	}
	t.Run("the outcome denied", func(t *testing.T) {
		_, err := db.Exec(`CREATE TRIGGER deny BEFORE INSERT ON entries WHEN NEW.phase = 'outcome' BEGIN SELECT RAISE(ABORT, 'denied'); END`)
		f.must(err)
		a := f.seal(t, "e-office", letter(), bySeal)
		_, err = db.Exec(`DROP TRIGGER deny`)
		f.must(err)
		p := a.problem(t, http.StatusServiceUnavailable, "record-unavailable")
		f.act(func(s *gatewayService) {
			n, err := s.gateway.Reconcile(t.Context(), 0)
			f.must(err)
			if n != 1 {
				t.Errorf("%d operations closed, want 1", n)
			}
		})
		o := f.do(t, call{as: "e-office", path: "/v1/operations/" + p.Operation}).ok(t, 200).json(t)
		if o["status"] != "unknown" || len(o["entries"].([]any)) != 2 {
			t.Errorf("the operation is %v with %d entries", o["status"], len(o["entries"].([]any)))
		}
	})
	t.Run("verification goes on", func(t *testing.T) {
		_, err := db.Exec(`CREATE TRIGGER deny BEFORE INSERT ON tallies BEGIN SELECT RAISE(ABORT, 'denied'); END`)
		f.must(err)
		a := f.do(t, call{method: http.MethodPost, path: "/v1/verify", kind: "application/pdf", body: bytes.NewReader(letter())})
		_, err = db.Exec(`DROP TRIGGER deny`)
		f.must(err)
		a.problem(t, http.StatusServiceUnavailable, "record-unavailable") // what is not counted is not answered
	})
}

func testNoTimestamps(t *testing.T, f *office) {
	defer f.lab.SetFault(lab.TSA, lab.None)
	for _, fault := range []lab.Fault{lab.Down, lab.Slow, lab.HTTPError, lab.Reject} {
		t.Run(fault.String(), func(t *testing.T) {
			f.lab.SetFault(lab.TSA, fault)
			a := f.seal(t, "e-office", letter(), bySeal.with(fields{"level": "B-T"}))
			a.problem(t, http.StatusServiceUnavailable, "timestamp-unavailable")
			if a.header.Get("Retry-After") == "" || a.took > promptly {
				t.Errorf("Retry-After %q after %v", a.header.Get("Retry-After"), a.took)
			}
		})
	}
	lower := f.seal(t, "e-office", letter(), bySeal.with(fields{"level": "B-LTA", "fallback": true})).ok(t, http.StatusOK)
	if lower.header.Get("Absah-Level") == "B-LTA" || lower.header.Get("Absah-Shortfall") == "" {
		t.Errorf("a lower level is not said: %v", lower.header)
	}
	if text := lower.header.Get("Absah-Shortfall"); strings.Contains(text, "127.0.0.1") {
		t.Errorf("the shortfall tells of the inside: %q", text)
	}
	due := func() bool {
		a := f.do(t, call{as: "e-office", path: "/v1/renewals"}).ok(t, http.StatusOK)
		return bytes.Contains(a.body, []byte(hexSum(lower.body)))
	}
	if !due() {
		t.Error("what is owed is not among the renewals")
	}
	f.lab.SetFault(lab.TSA, lab.None)
	raised := f.send(t, "e-office", "/v1/augment", lower.body, fields{"level": "B-LTA"}, nil).ok(t, http.StatusOK)
	if raised.header.Get("Absah-Level") != "B-LTA" || due() {
		t.Errorf("level %s, still due: %v", raised.header.Get("Absah-Level"), due())
	}
	if v := f.verify(t, raised.body); v["verdict"] != "TOTAL-PASSED" {
		t.Errorf("the verdict is %v", v["verdict"])
	}
	t.Run("the same answer again", func(t *testing.T) {
		f.lab.SetFault(lab.TSA, lab.Down)
		doc, key := letter(), map[string]string{"Idempotency-Key": "lebih rendah"}
		request := bySeal.with(fields{"level": "B-T", "fallback": true})
		first := f.send(t, "e-office", "/v1/seal", doc, request, key).ok(t, http.StatusOK)
		again := f.send(t, "e-office", "/v1/seal", doc, request, key).ok(t, http.StatusOK)
		if got, want := again.header.Get("Absah-Shortfall"), first.header.Get("Absah-Shortfall"); got != want || want == "" {
			t.Errorf("shortfall: got %q, want %q", got, want)
		}
	})
}

func testRogueTimestamps(t *testing.T, f *office) {
	defer f.lab.SetFault(lab.TSA, lab.None)
	for _, fault := range []lab.Fault{lab.Stale, lab.Future, lab.WrongNonce, lab.WrongImprint, lab.WrongEKU, lab.BadSignature, lab.WrongResponder, lab.Garbage, lab.Oversize, lab.Redirect} {
		t.Run(fault.String(), func(t *testing.T) {
			f.lab.SetFault(lab.TSA, fault)
			a := f.seal(t, "e-office", letter(), bySeal.with(fields{"level": "B-T"}))
			if a.status == http.StatusOK {
				t.Fatal("released")
			}
			if a.status != http.StatusServiceUnavailable && a.status != http.StatusUnprocessableEntity {
				t.Errorf("got %d: %s", a.status, a.body)
			}
		})
	}
}

// testDrift: an authority whose time is far from ours stops signing, and the
// other way round.
func testDrift(t *testing.T, f *office) {
	defer f.lab.SetFault(lab.TSA, lab.None)
	for _, fault := range []lab.Fault{lab.Stale, lab.Future} {
		f.lab.SetFault(lab.TSA, fault)
		if a := f.seal(t, "e-office", letter(), bySeal.with(fields{"level": "B-T"})); a.status != http.StatusServiceUnavailable {
			t.Errorf("%v: got %d %s", fault, a.status, a.body)
		}
	}
}

// testChains signs at every level: the room for each is computed, not guessed.
func testChains(t *testing.T, f *office) {
	for _, level := range []string{"B-B", "B-T", "B-LT", "B-LTA"} {
		a := f.seal(t, "e-office", letter(), bySeal.with(fields{"level": level})).ok(t, http.StatusOK)
		if v := f.verify(t, a.body); v["verdict"] != "TOTAL-PASSED" {
			t.Errorf("%s: %v", level, v["verdict"])
		}
	}
}

func testLostHSM(t *testing.T, f *office) {
	var (
		wg      sync.WaitGroup
		ok, bad atomic.Int64
		mu      sync.Mutex
		outputs = map[string]map[string]bool{} // of a key
	)
	ctx, stop := context.WithCancel(t.Context())
	for i := range 6 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				key, doc := fmt.Sprintf("hsm-%d-%d", i, n), letter()
				for range 5 {
					a, err := f.trySend("e-office", "/v1/seal", doc, bySeal, map[string]string{"Idempotency-Key": key})
					if err != nil {
						t.Errorf("no answer: %v", err)
						return
					}
					if a.took > promptly {
						t.Errorf("an answer after %v", a.took)
					}
					if a.status == http.StatusOK {
						ok.Add(1)
						mu.Lock()
						if outputs[key] == nil {
							outputs[key] = map[string]bool{}
						}
						outputs[key][hexSum(a.body)] = true
						mu.Unlock()
						break
					}
					bad.Add(1)
					if a.status != http.StatusServiceUnavailable && a.status != http.StatusInternalServerError && a.status != http.StatusConflict {
						t.Errorf("got %d %s", a.status, a.body)
					}
				}
			}
		})
	}
	for range 3 {
		<-time.After(300 * time.Millisecond)
		for _, pid := range childrenOf(t, f.process.Process.Pid) {
			f.must(syscall.Kill(pid, syscall.SIGKILL))
		}
	}
	eventually(t, 30*time.Second, "the gateway seals again without a restart", func() bool {
		return f.seal(t, "e-office", letter(), bySeal).status == http.StatusOK
	})
	stop()
	wg.Wait()
	for key, all := range outputs {
		if len(all) != 1 {
			t.Errorf("%d documents under the key %s", len(all), key)
		}
	}
	t.Logf("%d released, %d refused", ok.Load(), bad.Load())
	t.Run("hanging", func(t *testing.T) {
		f.shim.NextBy(1, hsmtest.Hang, mechanismRSA)
		a := f.seal(t, "e-office", letter(), bySeal)
		if a.status != http.StatusServiceUnavailable && a.status != http.StatusInternalServerError || a.took > promptly {
			t.Errorf("got %d after %v: %s", a.status, a.took, a.body)
		}
		eventually(t, 30*time.Second, "the gateway seals again", func() bool {
			return f.seal(t, "e-office", letter(), bySeal).status == http.StatusOK
		})
	})
}

// testDepartedClient hangs up at every moment of a request: every intent gets
// its outcome.
func testDepartedClient(t *testing.T, f *office) {
	request, err := json.Marshal(bySeal.with(fields{"level": "B-T"}))
	f.must(err)
	kind, filled, err := form(letter(), request)
	f.must(err)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+3*i)*time.Millisecond)
			defer cancel()
			_, _ = f.try(call{ctx: ctx, as: "e-office", method: http.MethodPost, path: "/v1/seal", kind: kind, body: bytes.NewReader(filled.Bytes())})
		})
	}
	wg.Wait()
	eventually(t, 30*time.Second, "every operation has ended", func() bool {
		return len(f.operations(t, "status=pending")) == 0
	})
}

// testStamp: what the gateway's own authority signs is asked for by those who
// have proved themselves, and is on record.
func testStamp(t *testing.T, f *office) {
	sum := sha256.Sum256(letter())
	query, err := (&tsp.Request{Hash: crypto.SHA256, Digest: sum[:], Certificates: true}).Marshal()
	f.must(err)
	ask := func(as, kind string, query []byte) answer {
		return f.do(t, call{as: as, method: http.MethodPost, path: "/tsa", kind: kind, body: bytes.NewReader(query)})
	}
	const kind = "application/timestamp-query"
	f.still(t, func() {
		ask("", kind, query).problem(t, http.StatusUnauthorized, "unauthenticated")
		ask("op-1", kind, query).problem(t, http.StatusForbidden, "forbidden")
		ask("e-office", "text/plain", query).problem(t, http.StatusUnsupportedMediaType, "unsupported-media-type")
		ask("e-office", kind, make([]byte, 1<<20)).problem(t, http.StatusRequestEntityTooLarge, "too-large")
		if a := ask("e-office", kind, []byte("bukan DER")).ok(t, http.StatusOK); a.header.Get("Content-Type") != "application/timestamp-reply" {
			t.Errorf("a rejection of type %q", a.header.Get("Content-Type"))
		}
	})
	a := ask("e-office", kind, query).ok(t, http.StatusOK)
	reply, err := tsp.ParseResponse(a.body)
	f.must(err)
	if reply.Token == nil {
		t.Fatalf("no token: %+v", reply)
	}
	found := f.operations(t, "kind=stamp&status=ok&digest="+hex.EncodeToString(sum[:]))
	if len(found) != 1 || found[0]["id"] != a.header.Get("Absah-Operation") {
		t.Errorf("on record is %v, want %s", found, a.header.Get("Absah-Operation"))
	}
	db := f.sqlite(t)
	_, err = db.Exec(`CREATE TRIGGER deny BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'denied'); END`)
	f.must(err)
	f.still(t, func() { ask("e-office", kind, query).problem(t, http.StatusServiceUnavailable, "record-unavailable") })
	_, err = db.Exec(`DROP TRIGGER deny`)
	f.must(err)
}

// testCertificates: revoked, then such as nobody knows of. What was good is
// believed for a minute, so each case has a signer who has not signed yet.
func testCertificates(t *testing.T, f *office) {
	defer f.lab.SetFault(lab.OCSP, lab.None)
	defer f.lab.SetFault(lab.CRL, lab.None)
	status := func(name string) answer {
		return f.do(t, call{as: "e-office", path: "/v1/certificates/" + hexSum(f.signers[name].cert.Raw) + "/status"}).ok(t, http.StatusOK)
	}
	f.must(f.lab.Revoke(f.signers["lurah"].cert, time.Now().Add(-time.Minute), 1))
	f.still(t, func() {
		for _, level := range []string{"B-B", "B-LTA"} {
			f.sign(t, "e-office", letter(), f.by("lurah").with(fields{"level": level, "fallback": true})).problem(t, http.StatusUnprocessableEntity, "certificate-revoked")
		}
	})
	if got := status("lurah").json(t)["state"]; got != "revoked" {
		t.Errorf("the state is %v", got)
	}
	f.lab.SetFault(lab.OCSP, lab.Down)
	f.lab.SetFault(lab.CRL, lab.Down)
	f.still(t, func() {
		a := f.sign(t, "e-office", letter(), f.by("sekda"))
		a.problem(t, http.StatusServiceUnavailable, "revocation-unavailable")
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
	if a := status("sekda"); bytes.Contains(a.body, []byte("127.0.0.1")) || a.json(t)["state"] != "unknown" {
		t.Errorf("the status tells of the inside: %s", a.body)
	}
}

// testKilled kills the gateway between intent and outcome.
func testKilled(t *testing.T, f *office) {
	f.start()
	f.shim.Delay(2 * time.Second)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = f.trySend("e-office", "/v1/seal", letter(), bySeal, nil)
	}()
	db := f.sqlite(t)
	eventually(t, 30*time.Second, "the intent is on record", func() bool {
		var n int
		f.must(db.QueryRow(`SELECT count(*) FROM open_intents`).Scan(&n))
		return n == 1
	})
	f.kill()
	<-done
	f.shim.Clear()
	f.start()
	pending := f.operations(t, "status=pending")
	if len(pending) != 1 {
		t.Fatalf("%d pending operations, want 1", len(pending))
	}
	f.act(func(s *gatewayService) {
		n, err := s.gateway.Reconcile(t.Context(), 0)
		f.must(err)
		if n != 1 {
			t.Errorf("%d dangling intents closed, want 1", n)
		}
	})
	o := f.do(t, call{as: "auditor", path: "/v1/operations/" + pending[0]["id"].(string)}).ok(t, 200).json(t)
	if o["status"] != "unknown" || o["outputSHA256"] != nil {
		t.Errorf("the operation is %v", o)
	}
	f.stop()
	f.consistent(t)
}

// TestGatewayPostgreSQL holds two gateways on one database and one token to
// what one alone does.
func TestGatewayPostgreSQL(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{database: storetest.Postgres.Fresh(t).URL})
	second := f.secondNode()
	second.start()
	at := func(i int) *office {
		if i%2 == 0 {
			return f
		}
		return second
	}
	t.Run("S04", func(t *testing.T) {
		before, doc := f.documents(), letter()
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				a := at(i).send(t, "e-office", "/v1/seal", doc, bySeal, map[string]string{"Idempotency-Key": "dua simpul"})
				if a.status != http.StatusOK {
					a.problem(t, http.StatusConflict, "in-progress")
				}
			})
		}
		wg.Wait()
		if n := f.documents() - before; n != 1 {
			t.Errorf("%d signatures, want 1", n)
		}
	})
	t.Run("S20", func(t *testing.T) { testRegistered(t, f, second) })
	t.Run("S03", func(t *testing.T) {
		wrong := f.by("sekda").with(fields{"passphrase": "bukan frasa yang benar"})
		var (
			wg    sync.WaitGroup
			tried atomic.Int64
		)
		for i := range 12 {
			wg.Go(func() {
				if a := at(i).sign(t, "e-office", letter(), wrong); a.status == http.StatusForbidden {
					tried.Add(1)
				}
			})
		}
		wg.Wait()
		if n := tried.Load(); n > 3 || n == 0 {
			t.Errorf("%d tries at once, want at most 3", n)
		}
	})
	t.Run("S18", func(t *testing.T) {
		operation := f.seal(t, "e-office", letter(), bySeal).ok(t, 200).header.Get("Absah-Operation")
		second.do(t, call{as: "foreign", path: "/v1/operations/" + operation}).problem(t, http.StatusNotFound, "not-found")
		second.do(t, call{as: "e-office", path: "/v1/operations/" + operation}).ok(t, http.StatusOK)
	})
	t.Run("S23", func(t *testing.T) { testOracles(t, f) })
	t.Run("one is killed", func(t *testing.T) {
		f.kill()
		second.seal(t, "e-office", letter(), bySeal).ok(t, http.StatusOK)
		second.do(t, call{path: "/readyz"}).ok(t, http.StatusOK)
	})
	second.stop()
}
