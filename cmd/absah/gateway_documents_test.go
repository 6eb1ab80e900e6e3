package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pki/lab"
)

// activation asks for one.
func (f *office) activate(t testing.TB, as, name string, more fields, docs ...[]byte) (token string) {
	t.Helper()
	request := fields{"signer": f.signers[name].id, "passphrase": canaryPassphrase, "level": "B-B"}.with(more)
	var sums []string
	for _, d := range docs {
		sums = append(sums, hexSum(d))
	}
	request["documents"] = sums
	a := f.post(t, as, "/v1/activations", request).ok(t, http.StatusCreated)
	return a.json(t)["token"].(string)
}

func testOtherDocument(t *testing.T, f *office) {
	bupati := f.signers["bupati"].id
	under := func(token string) fields { return fields{"signer": bupati, "activation": token, "level": "B-B"} }
	doc := letter()
	token := f.activate(t, "e-office", "bupati", fields{"reason": "Naskah dinas"}, doc)
	request := under(token).with(fields{"reason": "Naskah dinas"})
	f.still(t, func() {
		for name, try := range map[string]func() answer{
			"other bytes":   func() answer { return f.sign(t, "e-office", letter(), request) },
			"another level": func() answer { return f.sign(t, "e-office", doc, request.with(fields{"level": "B-T"})) },
			"another signer": func() answer {
				return f.sign(t, "e-office", doc, request.with(fields{"signer": f.signers["sekda"].id}))
			},
			"another application": func() answer { return f.sign(t, "second", doc, request) },
			"another reason":      func() answer { return f.sign(t, "e-office", doc, request.with(fields{"reason": "Setuju"})) },
			"an appearance": func() answer {
				return f.sign(t, "e-office", doc, request.with(fields{"visible": fields{"page": 1, "x": 10, "y": 10, "width": 100, "height": 50}}))
			},
			"certification":   func() answer { return f.sign(t, "e-office", doc, request.with(fields{"certify": 2})) },
			"a lower level":   func() answer { return f.sign(t, "e-office", doc, request.with(fields{"fallback": true})) },
			"no token at all": func() answer { return f.sign(t, "e-office", doc, request.with(fields{"activation": "AAAA"})) },
		} {
			t.Run(name, func(t *testing.T) { try().problem(t, http.StatusForbidden, "not-activated") })
		}
	})
	f.sign(t, "e-office", doc, request).ok(t, http.StatusOK)
	f.still(t, func() {
		f.sign(t, "e-office", doc, request).problem(t, http.StatusForbidden, "not-activated")
	})
	t.Run("revoked and expired", func(t *testing.T) {
		doc := letter()
		revoked, short := f.activate(t, "e-office", "bupati", nil, doc), f.activate(t, "e-office", "bupati", fields{"seconds": 1}, doc)
		f.post(t, "second", "/v1/activations/revoke", fields{"token": revoked}).problem(t, http.StatusForbidden, "not-activated")
		f.post(t, "e-office", "/v1/activations/revoke", fields{"token": revoked}).ok(t, http.StatusNoContent)
		f.still(t, func() {
			f.sign(t, "e-office", doc, under(revoked)).problem(t, http.StatusForbidden, "not-activated")
			<-time.After(1100 * time.Millisecond)
			f.sign(t, "e-office", doc, under(short)).problem(t, http.StatusForbidden, "not-activated")
		})
	})
	t.Run("swapped a thousand times", func(t *testing.T) { testSwappedBytes(t, f, under) })
}

// testSwappedBytes races documents that were not approved against those that
// were: each of these is signed once, none of the others is.
func testSwappedBytes(t *testing.T, f *office, under func(string) fields) {
	const swaps, approved, workers = 1000, 10, 8
	var docs [][]byte
	for range approved {
		docs = append(docs, letter())
	}
	var (
		request      = under(f.activate(t, "e-office", "bupati", nil, docs...))
		before       = f.documents()
		next, signed atomic.Int64
		wg           sync.WaitGroup
	)
	for range workers {
		wg.Go(func() {
			for n := next.Add(1); n <= swaps; n = next.Add(1) {
				if doc := docs[n%approved]; n%20 < 2 { // the same one from several workers
					if a := f.sign(t, "e-office", doc, request); a.status == http.StatusOK {
						signed.Add(1)
					} else {
						a.problem(t, http.StatusForbidden, "not-activated")
					}
				}
				f.sign(t, "e-office", letter(), request).problem(t, http.StatusForbidden, "not-activated")
			}
		})
	}
	wg.Wait()
	if n := f.documents() - before; int64(n) != signed.Load() || n > approved || n == 0 {
		t.Errorf("%d signatures, %d released, %d approved", n, signed.Load(), approved)
	}
}

func testActiveContent(t *testing.T, f *office) {
	t.Run("shadows", func(t *testing.T) { testShadows(t, f) })
	root := testfile.Root(t)
	for _, name := range []string{"a01-launch.pdf", "a01-script-name.pdf", "a01-submit.pdf", "c5-javascript-before.pdf",
		"x17-embedded-pdf.pdf", // whose header stands in the first KiB, where some readers look for the file's
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := os.ReadFile(filepath.Join(root, "testdata", "attacks", name))
			f.must(err)
			f.still(t, func() {
				a := f.seal(t, "e-office", doc, bySeal)
				p := a.problem(t, http.StatusUnprocessableEntity, "document-refused")
				if len(p.Findings) == 0 || p.Findings[0].Code == "" || p.Findings[0].Text == "" {
					t.Errorf("no findings: %s", a.body)
				}
			})
		})
	}
	t.Run("an attachment is not active", func(t *testing.T) {
		doc := attach(t, letter(), "lampiran.txt")
		if a := f.seal(t, "e-office", doc, bySeal).ok(t, http.StatusOK); !bytes.HasPrefix(a.body, doc) || len(a.body) == len(doc) {
			t.Errorf("released are %d bytes, want the %d of the letter and a seal", len(a.body), len(doc))
		}
	})
}

// attach adds a revision with an embedded file (ISO 32000-2 §7.11.4).
func attach(t *testing.T, doc []byte, name string) []byte {
	t.Helper()
	d, err := pdf.Open(bytes.NewReader(doc), int64(len(doc)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	u := d.Latest().NewUpdate()
	file := u.Add(pdf.NewStream(pdf.Dict{"Type": pdf.Name("EmbeddedFile")}, []byte("Lampiran\n")))
	spec := u.Add(pdf.Dict{"Type": pdf.Name("Filespec"), "F": pdf.String(name), "UF": pdf.String(name), "EF": pdf.Dict{"F": file}})
	catalog, err := d.Latest().Catalog()
	if err != nil {
		t.Fatal(err)
	}
	root := pdf.Clone(catalog).(pdf.Dict)
	root["Names"] = pdf.Dict{"EmbeddedFiles": pdf.Dict{"Names": pdf.Array{pdf.String(name), spec}}}
	u.Set(d.Latest().Root(), root)
	tail, err := u.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(doc), tail...)
}

func testRegisteredDocument(t *testing.T, f *office) {
	testRegistered(t, f)
}

// testRegistered signs one registered document from fifty clients at once, on
// all nodes.
func testRegistered(t *testing.T, nodes ...*office) {
	t.Helper()
	f := nodes[0]
	document := f.post(t, "e-office", "/v1/documents", fields{"nomor": "2/2026", "tanggal": "2026-01-02", "pages": 1}).ok(t, http.StatusCreated).json(t)["id"].(string)
	var (
		mu     sync.Mutex
		latest = letter()
		chain  = [][]byte{latest}
		wg     sync.WaitGroup
	)
	for i := range 50 {
		wg.Go(func() {
			for range 4 {
				mu.Lock()
				doc := latest
				mu.Unlock()
				a := nodes[i%len(nodes)].seal(t, "e-office", doc, bySeal.with(fields{"document": document}))
				if a.status == http.StatusOK {
					mu.Lock()
					defer mu.Unlock()
					latest, chain = a.body, append(chain, a.body)
					return
				}
				p := a.problem(t, http.StatusConflict, map[bool]string{true: "changed", false: "in-progress"}[strings.Contains(string(a.body), `"changed"`)])
				if p.Code == "in-progress" && a.header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
			}
		})
	}
	wg.Wait()
	slices.SortFunc(chain, func(a, b []byte) int { return len(a) - len(b) })
	for i := 1; i < len(chain); i++ {
		if !bytes.HasPrefix(chain[i], chain[i-1]) {
			t.Errorf("version %d is not version %d with something added", i, i-1)
		}
	}
	versions := f.do(t, call{as: "e-office", path: "/v1/documents/" + document}).ok(t, 200).json(t)["versions"].([]any)
	if len(versions) != len(chain)-1 || len(versions) == 0 {
		t.Fatalf("%d versions on record, %d released", len(versions), len(chain)-1)
	}
	a := f.verify(t, chain[len(chain)-1])
	if a["verdict"] != "TOTAL-PASSED" || len(a["signatures"].([]any)) != len(versions) {
		t.Errorf("the last version: %v with %d signatures, want %d", a["verdict"], len(a["signatures"].([]any)), len(versions))
	}
	f.seal(t, "e-office", chain[0], bySeal.with(fields{"document": document})).problem(t, http.StatusConflict, "changed")
	t.Logf("%d of 50 in series", len(versions))
}

// verify asks for a verdict as anybody may.
func (f *office) verify(t testing.TB, doc []byte) map[string]any {
	t.Helper()
	return f.do(t, call{method: http.MethodPost, path: "/v1/verify", kind: "application/pdf", body: bytes.NewReader(doc)}).ok(t, http.StatusOK).json(t)
}

func testForeignSigner(t *testing.T, f *office) {
	other, err := lab.Start(lab.Config{})
	f.must(err)
	defer other.Close()
	doc := f.signedElsewhere(t, other)
	before := other.Requests(lab.OCSP) + other.Requests(lab.CRL) + other.Requests(lab.AIA)
	v := f.verify(t, doc)
	s := v["signatures"].([]any)[0].(map[string]any)
	if v["verdict"] != "INDETERMINATE" || s["subIndication"] != "NO_CERTIFICATE_CHAIN_FOUND" {
		t.Errorf("got %v %v, want INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND", v["verdict"], s["subIndication"])
	}
	if who := s["signer"].(map[string]any); who["issuer"] == "" || who["commonName"] != "bupati" {
		t.Errorf("the signer is shown as %v", who)
	}
	if n := other.Requests(lab.OCSP) + other.Requests(lab.CRL) + other.Requests(lab.AIA) - before; n != 0 {
		t.Errorf("%d requests to addresses that a stranger's certificate names, want 0", n)
	}
}

func testSwappedDocument(t *testing.T, f *office) {
	document := f.post(t, "e-office", "/v1/documents", fields{"nomor": "3/2026", "tanggal": "2026-01-02", "pages": 1}).ok(t, http.StatusCreated).json(t)
	a := f.seal(t, "e-office", letter(), bySeal.with(fields{"document": document["id"], "visible": fields{"page": 1, "x": 341, "y": 133, "width": 190, "height": 56}})).ok(t, http.StatusOK)
	other := f.seal(t, "e-office", letter(), bySeal).ok(t, http.StatusOK)
	found := f.do(t, call{as: "e-office", path: "/v1/documents/" + document["id"].(string)}).ok(t, http.StatusOK)
	if !bytes.Contains(found.body, []byte(hexSum(a.body))) || bytes.Contains(found.body, []byte(hexSum(other.body))) {
		t.Error("the register does not tell the registered document from another authentic one")
	}
}
