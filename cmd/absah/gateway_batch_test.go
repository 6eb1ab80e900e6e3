package main

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/api"
)

// batchPart is one part of the answer to a batch.
type batchPart struct {
	header map[string][]string
	body   []byte
}

// batch sends documents with one request and reads the answer's parts.
func (f *office) batch(t testing.TB, as string, request fields, key string, docs ...[]byte) (all []batchPart) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, d := range docs {
		p, err := w.CreateFormField("document")
		f.must(err)
		_, err = p.Write(d)
		f.must(err)
	}
	p, err := w.CreateFormField("request")
	f.must(err)
	f.must(json.NewEncoder(p).Encode(request))
	f.must(w.Close())
	header := map[string]string{}
	if key != "" {
		header["Idempotency-Key"] = key
	}
	a := f.do(t, call{as: as, method: http.MethodPost, path: "/v1/batches", kind: w.FormDataContentType(), body: &b, header: header}).ok(t, http.StatusOK)
	_, params, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	f.must(err)
	r := multipart.NewReader(bytes.NewReader(a.body), params["boundary"])
	for {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return all
		}
		f.must(err)
		body, err := io.ReadAll(part)
		f.must(err)
		all = append(all, batchPart{part.Header, body})
	}
}

// testBatch signs several documents under one activation. What must not be
// signed among them does not hold up the others.
func testBatch(t *testing.T, f *office) {
	good, hostile, stranger, last := letter(), sample(t, "../attacks/a01-launch.pdf"), letter(), letter()
	token := f.activate(t, "e-office", "bupati", nil, good, hostile, last)
	request := fields{"signer": f.signers["bupati"].id, "activation": token, "level": "B-B"}
	before := f.documents()
	parts := f.batch(t, "e-office", request, "setumpuk", good, hostile, stranger, last)
	if n := f.documents() - before; n != 2 || len(parts) != 4 {
		t.Fatalf("%d signatures in %d parts, want 2 in 4", n, len(parts))
	}
	for i, code := range []string{"", "document-refused", "not-activated", ""} {
		p := parts[i]
		if code == "" {
			if !bytes.HasPrefix(p.body, [][]byte{good, nil, nil, last}[i]) || p.header["Absah-Receipt"] == nil || p.header["Absah-Operation"] == nil {
				t.Errorf("part %d is not the signed document: %v", i, p.header)
			}
			continue
		}
		var said api.Problem
		if err := json.Unmarshal(p.body, &said); err != nil || said.Code != code || said.Request == "" || said.Status < 400 {
			t.Errorf("part %d: %s %v, want %s", i, p.body, err, code)
		}
	}
	again := f.batch(t, "e-office", request, "setumpuk", good, hostile, stranger, last)
	if n := f.documents() - before; n != 2 || !bytes.Equal(again[0].body, parts[0].body) || !bytes.Equal(again[3].body, parts[3].body) {
		t.Errorf("the same batch again: %d signatures", n)
	}
	first := f.operations(t, "kind=sign&status=ok&digest="+hexSum(good))
	if len(first) != 1 || first[0]["batch"] == nil || len(f.operations(t, "status=ok&batch="+first[0]["batch"].(string))) != 2 {
		t.Errorf("the batch is not found: %v", first)
	}
	f.still(t, func() {
		f.send(t, "e-office", "/v1/batches", letter(), f.by("bupati"), nil).problem(t, http.StatusBadRequest, "invalid-request")
	})
	if sealed := f.batch(t, "e-office", bySeal, "", letter(), letter()); len(sealed) != 2 || sealed[1].header["Absah-Operation"] == nil {
		t.Errorf("a sealed batch: %d parts", len(sealed))
	}
}

// testBatchTogether has many documents sealed at once: each part is of the document
// at its place, each is signed once, and documents that depend on one another are
// worked on in their order.
func testBatchTogether(t *testing.T, f *office) {
	var docs [][]byte
	for range 24 {
		docs = append(docs, letter())
	}
	before := f.documents()
	operations := map[string]bool{}
	for i, p := range f.batch(t, "e-office", bySeal, "", docs...) {
		operation := http.Header(p.header).Get("Absah-Operation")
		if !bytes.HasPrefix(p.body, docs[i]) || len(p.body) == len(docs[i]) || operation == "" || operations[operation] {
			t.Errorf("part %d is not the sealed document of its place: %v", i, p.header)
		}
		operations[operation] = true
	}
	if n := f.documents() - before; n != len(docs) || len(operations) != len(docs) {
		t.Errorf("%d signatures in %d parts, want %d in both", n, len(operations), len(docs))
	}

	twice := letter()
	token := f.activate(t, "e-office", "bupati", nil, twice, docs[0], docs[1])
	request := fields{"signer": f.signers["bupati"].id, "activation": token, "level": "B-B"}
	var said []string
	for _, p := range f.batch(t, "e-office", request, "", docs[0], twice, twice, docs[1], twice) {
		var problem api.Problem
		if http.Header(p.header).Get("Absah-Operation") == "" {
			f.must(json.Unmarshal(p.body, &problem))
		}
		said = append(said, problem.Code)
	}
	if got, want := strings.Join(said, ","), ",,not-activated,,not-activated"; got != want {
		t.Errorf("a document three times: %s, want %s", got, want)
	}
}

// testBatchAbandoned has a client go away in the middle: what has begun ends and
// is on record, and no more begins.
func testBatchAbandoned(t *testing.T, f *office) {
	const all = 60
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for range all {
		p, err := w.CreateFormField("document")
		f.must(err)
		_, err = p.Write(letter())
		f.must(err)
	}
	p, err := w.CreateFormField("request")
	f.must(err)
	f.must(json.NewEncoder(p).Encode(bySeal))
	f.must(w.Close())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.url+"/v1/batches", &b)
	f.must(err)
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Authorization", "Bearer "+f.keys["second"])
	resp, err := f.http.Do(req)
	f.must(err)
	_, err = io.ReadFull(resp.Body, make([]byte, 100)) // the first part has begun
	f.must(err)
	f.must(resp.Body.Close())
	id := resp.Header.Get("Absah-Request")
	eventually(t, 30*time.Second, "what has begun has ended", func() bool {
		begun := f.operations(t, "batch="+id)
		return len(begun) > 0 && len(f.operations(t, "status=pending&batch="+id)) == 0
	})
	done := len(f.operations(t, "batch="+id))
	f.seal(t, "second", letter(), bySeal).ok(t, http.StatusOK) // its share is free
	if again := len(f.operations(t, "batch="+id)); again != done || done >= all {
		t.Errorf("%d and then %d documents of %d were worked on although nobody waited", done, again, all)
	}
}
