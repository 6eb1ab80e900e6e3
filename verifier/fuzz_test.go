package verifier_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/verifier"
)

// FuzzVerify: any bytes give a verdict that can be written, never a panic or
// an error, and only files that begin with what the world's key did sign
// may pass.
func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	w.smallTokens(f)
	original, form := testfile.ByName(f, "v20-objstm").Bytes(f), testfile.ByName(f, "form-lock").Bytes(f)
	genuine := w.sign(f, original, signer.LTA)
	signedBytesKept := func(b []byte) bool {
		return bytes.HasPrefix(b, original) || bytes.HasPrefix(b, form)
	}
	f.Add(genuine)
	f.Add(w.sign(f, genuine, signer.B))
	f.Add(w.sign(f, form, signer.T))
	for _, b := range testfile.BrokenInputs(f) {
		f.Add(b.Bytes(f))
	}
	v, err := verifier.New(w.offline())
	if err != nil {
		f.Fatal(err)
	}
	at := w.now()
	f.Fuzz(func(t *testing.T, b []byte) {
		began := time.Now()
		r, err := v.Verify(context.Background(), verifier.Input{Reader: bytes.NewReader(b), Size: int64(len(b))}, at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d > 10*time.Second {
			t.Errorf("took %v", d)
		}
		if r.Verdict == verifier.TotalPassed && !signedBytesKept(b) {
			t.Errorf("a file passes whose first %d bytes nobody signed", r.Signatures[0].End)
		}
	})
}
