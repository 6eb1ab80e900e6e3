package main

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"testing"

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
