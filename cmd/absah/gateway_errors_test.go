package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/absah-id/absah/hsm/hsmtest"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/lab"
)

// provocation makes a gateway answer with an error.
type provocation struct {
	code   string
	status int
	retry  bool // with Retry-After
	make   func(t *testing.T, f *office) answer
}

// provocations are in an order in which each finds what it needs.
func provocations() []provocation {
	return []provocation{
		{"unauthenticated", 401, false, func(t *testing.T, f *office) answer { return f.do(t, call{path: "/v1/signers"}) }},
		{"forbidden", 403, false, func(t *testing.T, f *office) answer { return f.seal(t, "op-1", letter(), bySeal) }},
		{"not-found", 404, false, func(t *testing.T, f *office) answer {
			return f.sign(t, "e-office", letter(), f.by("bupati").with(fields{"signer": "x"}))
		}},
		{"method-not-allowed", 405, false, func(t *testing.T, f *office) answer { return f.do(t, call{method: "PUT", path: "/v1/sign"}) }},
		{"unsupported-media-type", 415, false, func(t *testing.T, f *office) answer {
			return f.do(t, call{as: "e-office", method: "POST", path: "/v1/sign", kind: "text/plain", body: strings.NewReader("x")})
		}},
		{"invalid-request", 400, false, func(t *testing.T, f *office) answer { return f.sign(t, "e-office", letter(), bySeal) }},
		{"too-large", 413, false, func(t *testing.T, f *office) answer { return f.seal(t, "e-office", make([]byte, 1<<20+1), bySeal) }},
		{"busy", 503, true, provokeBusy},
		{"rate-limited", 429, true, func(t *testing.T, f *office) answer {
			for range 10 {
				if a := f.do(t, call{as: "rated", path: "/v1/signers"}); a.status != http.StatusOK {
					return a
				}
			}
			return answer{}
		}},
		{"idempotency-conflict", 409, false, func(t *testing.T, f *office) answer {
			key := map[string]string{"Idempotency-Key": "k"}
			f.send(t, "e-office", "/v1/seal", letter(), bySeal, key).ok(t, http.StatusOK)
			return f.send(t, "e-office", "/v1/seal", letter(), bySeal, key)
		}},
		{"changed", 409, false, func(t *testing.T, f *office) answer {
			id := f.post(t, "e-office", "/v1/documents", fields{"nomor": "1", "tanggal": "2026-01-02", "pages": 1}).ok(t, 201).json(t)["id"].(string)
			return f.do(t, call{as: "e-office", method: "PATCH", path: "/v1/documents/" + id, kind: "application/json", body: strings.NewReader(`{"status":"withdrawn","reason":"x"}`)})
		}},
		{"no-certificate", 422, false, func(t *testing.T, f *office) answer { return f.sign(t, "e-office", letter(), f.by("camat")) }},
		{"document-unreadable", 422, false, func(t *testing.T, f *office) answer { return f.seal(t, "e-office", []byte("surat"), bySeal) }},
		{"document-password", 422, false, func(t *testing.T, f *office) answer { return f.seal(t, "e-office", sample(t, "aes-256.pdf"), bySeal) }},
		{"too-many-pages", 422, false, func(t *testing.T, f *office) answer { return f.seal(t, "one-page", sample(t, "pages-200.pdf"), bySeal) }},
		{"document-refused", 422, false, func(t *testing.T, f *office) answer {
			return f.seal(t, "e-office", sample(t, "../attacks/a01-launch.pdf"), bySeal)
		}},
		{"page-missing", 422, false, func(t *testing.T, f *office) answer {
			return f.seal(t, "e-office", letter(), bySeal.with(fields{"visible": fields{"page": 99, "x": 1, "y": 1, "width": 100, "height": 50}}))
		}},
		{"not-activated", 403, false, func(t *testing.T, f *office) answer {
			return f.sign(t, "e-office", letter(), fields{"signer": f.signers["bupati"].id, "activation": "AAAA", "level": "B-B"})
		}},
		{"passphrase", 403, false, func(t *testing.T, f *office) answer {
			return f.sign(t, "e-office", letter(), f.by("sekda").with(fields{"passphrase": "bukan yang benar"}))
		}},
		{"passphrase-wait", 429, true, func(t *testing.T, f *office) answer { return f.sign(t, "e-office", letter(), f.by("sekda")) }},
		{"signer-locked", 423, false, func(t *testing.T, f *office) answer {
			if status, said := f.run("signer", "lock", f.config, f.signers["sekda"].id, "--reason", "cuti"); status != 0 {
				t.Fatal(said)
			}
			return f.sign(t, "e-office", letter(), f.by("sekda"))
		}},
		{"certificate-on-hold", 422, false, func(t *testing.T, f *office) answer {
			f.must(f.lab.Revoke(f.signers["lurah"].cert, time.Now().Add(-time.Minute), pki.CertificateHold))
			return f.sign(t, "e-office", letter(), f.by("lurah"))
		}},
		{"certificate-revoked", 422, false, func(t *testing.T, f *office) answer {
			f.must(f.lab.Revoke(f.signers["asing"].cert, time.Now().Add(-time.Minute), pki.KeyCompromise))
			return f.sign(t, "foreign", letter(), f.by("asing"))
		}},
		{"timestamp-unavailable", 503, true, func(t *testing.T, f *office) answer {
			f.lab.SetFault(lab.TSA, lab.Down)
			defer f.lab.SetFault(lab.TSA, lab.None)
			return f.seal(t, "e-office", letter(), bySeal.with(fields{"level": "B-T"}))
		}},
		{"revocation-unavailable", 503, true, func(t *testing.T, f *office) answer {
			f.lab.SetFault(lab.OCSP, lab.Down)
			f.lab.SetFault(lab.CRL, lab.Down)
			defer f.lab.SetFault(lab.OCSP, lab.None)
			defer f.lab.SetFault(lab.CRL, lab.None)
			return f.sign(t, "e-office", letter(), f.by("bupati"))
		}},
		{"record-unavailable", 503, true, func(t *testing.T, f *office) answer {
			db := f.sqlite(t)
			_, err := db.Exec(`CREATE TRIGGER deny BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'denied'); END`)
			f.must(err)
			a := f.seal(t, "e-office", letter(), bySeal)
			_, err = db.Exec(`DROP TRIGGER deny`)
			f.must(err)
			return a
		}},
		{"in-progress", 409, true, provokeInProgress},
		{"signature-key-mismatch", 500, false, func(t *testing.T, f *office) answer {
			f.shim.NextBy(1, hsmtest.FlippedBit, mechanismRSA)
			return f.seal(t, "e-office", letter(), bySeal)
		}},
		{"outcome-unknown", 500, false, func(t *testing.T, f *office) answer {
			f.shim.NextBy(1, hsmtest.Abort, mechanismRSA)
			return f.seal(t, "e-office", letter(), bySeal)
		}},
		{"hsm-unavailable", 503, true, func(t *testing.T, f *office) answer {
			tokens := f.token.Dir
			f.must(os.Rename(tokens, tokens+".away"))
			defer func() { f.must(os.Rename(tokens+".away", tokens)) }()
			for _, pid := range childrenOf(t, f.process.Process.Pid) {
				p, err := os.FindProcess(pid)
				f.must(err)
				f.must(p.Kill())
			}
			return f.seal(t, "e-office", letter(), bySeal)
		}},
	}
}

// unprovoked are codes that no client gets to see, or no test can bring about.
var unprovoked = map[string]string{
	"exists":   "names are given by the operator's commands alone",
	"canceled": "the client is gone",
	"deadline": "the deadlines outlast what a test waits for",
	"internal": "a defect; the shape is that of all others",
	"clock":    "TestGatewayStart/S17",
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	return []byte(readFile(t, filepath.Join(testfile.Root(t), "testdata", "pdf", name)))
}

// provokeBusy fills the spool with uploads that do not end. One that is still
// on its way may be the one that is refused, so there are as many as it takes.
func provokeBusy(t *testing.T, f *office) answer {
	var a answer
	eventually(t, 30*time.Second, "the spool is full", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
		f.must(err)
		t.Cleanup(func() { conn.Close() })
		_, err = fmt.Fprintf(conn, "POST /v1/seal HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/pdf\r\nContent-Length: 1048576\r\n\r\n", f.keys["e-office"])
		f.must(err)
		_, err = conn.Write(make([]byte, 1<<20-1))
		f.must(err)
		a = f.seal(t, "e-office", bytes.Repeat([]byte(" "), 900<<10), bySeal)
		return a.status == http.StatusServiceUnavailable
	})
	return a
}

// provokeInProgress sends a request while the same one is being worked on.
func provokeInProgress(t *testing.T, f *office) answer {
	f.shim.Delay(time.Second)
	defer f.shim.Clear()
	doc, key := letter(), map[string]string{"Idempotency-Key": "lambat"}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { _, _ = f.trySend("e-office", "/v1/seal", doc, bySeal, key) })
	db := f.sqlite(t)
	eventually(t, 30*time.Second, "the first one has begun", func() (begun bool) {
		f.must(db.QueryRow(`SELECT count(*) > 0 FROM idempotency WHERE idem_key = 'lambat'`).Scan(&begun))
		return begun
	})
	return f.send(t, "e-office", "/v1/seal", doc, bySeal, key)
}

func TestGatewayErrors(t *testing.T) {
	t.Parallel()
	f := prepareOffice(t, officeOptions{yaml: "spool: {upload: 1MiB, total: 2MiB}"})
	if status, said := f.run("application", "add", f.config, "one-page", "--signer", "segel", "--level", "B-B", "--max-pages", "1", "--key-file", f.path("key")); status != 0 {
		t.Fatal(said)
	}
	f.keys["one-page"] = strings.TrimSpace(f.read("key"))
	f.start()
	for _, p := range provocations() {
		t.Run(p.code, func(t *testing.T) {
			a := p.make(t, f)
			a.problem(t, p.status, p.code)
			n, err := strconv.Atoi(a.header.Get("Retry-After"))
			if p.retry && (err != nil || n < 1 || n > 3600) || !p.retry && a.header.Get("Retry-After") != "" {
				t.Errorf("Retry-After: %q", a.header.Get("Retry-After"))
			}
			for _, inside := range []string{"sqlite", "pkcs11", "CKR_", "127.0.0.1", f.dir, ".go"} {
				if bytes.Contains(a.body, []byte(inside)) {
					t.Errorf("the answer has %q: %s", inside, a.body)
				}
			}
		})
	}
	eventually(t, 30*time.Second, "the gateway seals again", func() bool {
		return f.seal(t, "e-office", letter(), bySeal).status == http.StatusOK
	})
	f.stop()
	for name, o := range f.signers {
		if o.cert != nil && strings.Contains(f.log(), strconv.Quote(`"` + o.cert.Subject.CommonName + `"`)[1:]) {
			t.Errorf("the log names %s, %s", name, o.cert.Subject.CommonName)
		}
	}
}

// TestErrorsAreDocumented compares docs/ERRORS.md with the codes in the
// source, the statuses with those provoked, and both with the table above.
func TestErrorsAreDocumented(t *testing.T) {
	root := testfile.Root(t)
	documented := map[string]int{}
	row := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([0-9]{3}) \\|")
	for _, m := range row.FindAllStringSubmatch(readFile(t, filepath.Join(root, "docs", "ERRORS.md")), -1) {
		documented[m[1]], _ = strconv.Atoi(m[2])
	}
	provoked := map[string]int{}
	for _, p := range provocations() {
		provoked[p.code] = p.status
	}
	codes := append(constants(t, filepath.Join(root, "gateway", "errors.go"), "Code"), constants(t, filepath.Join(root, "api", "problem.go"), "code")...)
	if len(codes) < 30 {
		t.Fatalf("found %d codes", len(codes))
	}
	for _, code := range codes {
		status, ok := documented[code]
		if !ok {
			t.Errorf("%s is not in docs/ERRORS.md", code)
		}
		delete(documented, code)
		switch got, ok := provoked[code]; {
		case ok && got != status:
			t.Errorf("%s: documented with %d, provoked with %d", code, status, got)
		case !ok && unprovoked[code] == "":
			t.Errorf("%s is provoked by no test", code)
		}
	}
	for code := range documented {
		t.Errorf("%s is in docs/ERRORS.md and nowhere else", code)
	}
}

// constants returns the values of a file's string constants whose names begin
// so.
func constants(t testing.TB, file, prefix string) (values []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, prefix) {
			return true
		}
		if lit, ok := spec.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
			value, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
		return true
	})
	slices.Sort(values)
	return values
}
