package signer_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/hsm/hsmtest"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/signer"
)

func TestMain(m *testing.M) { hsmtest.Main(m) }

// TestFaultyModule: what a module that flips a bit, fails or vanishes returns
// never becomes a document, and one document is one C_Sign.
func TestFaultyModule(t *testing.T) {
	tok, shim := hsmtest.NewShim(t)
	key := hsmtest.Generate(t, tok.Start(t), "segel", hsm.RSA2048)
	w := newWorld(t)
	req := w.request(signer.B)
	req.Key = key
	req.Certificate, req.Chain = w.issue(t, key.Public(), labDefaults)
	check(t, w.sign(t, letter(t), req), "")
	if n := shim.Signatures(); n != 1 {
		t.Errorf("%d signatures by the module for one document", n)
	}
	for _, fault := range []hsmtest.Fault{hsmtest.FlippedBit, hsmtest.DeviceError, hsmtest.Abort} {
		shim.Next(1, fault)
		res, err := w.signer.Sign(context.Background(), input(letter(t), ""), req)
		if err == nil || res != nil {
			t.Errorf("%s: got %v, %v", fault, res, err)
		}
		if bad := errors.Is(err, cms.ErrBadSignature); bad != (fault == hsmtest.FlippedBit) {
			t.Errorf("%s: %v", fault, err)
		}
		shim.Clear()
	}
}

// BenchmarkInFlight signs 10 KB at B-B with 8 in flight and a key in
// SoftHSM; "ratio" is its rate over that of the key alone with 8 in flight,
// the two taking turns.
func BenchmarkInFlight(b *testing.B) {
	key := hsmtest.Generate(b, hsmtest.New(b).Start(b), "segel", hsm.RSA2048)
	w := newWorld(b)
	req := w.request(signer.B)
	req.Key = key
	req.Certificate, req.Chain = w.issue(b, key.Public(), labDefaults)
	in := padded(testfile.ByName(b, "form").Bytes(b), 8<<10)
	sign := func() error {
		_, err := w.signer.Sign(context.Background(), input(in, ""), req)
		return err
	}
	message := bytes.Repeat([]byte{1}, 190)
	alone := func() error {
		_, err := key.SignMessage(nil, message, crypto.SHA256)
		return err
	}
	var spent [2]time.Duration
	const turn = 400
	n := 0
	for b.Loop() {
		for i, do := range []func() error{alone, sign} {
			start := time.Now()
			inFlight(b, turn, do)
			spent[i] += time.Since(start)
		}
		n += turn
	}
	b.ReportMetric(float64(n)/spent[0].Seconds(), "key/s")
	b.ReportMetric(float64(n)/spent[1].Seconds(), "documents/s")
	b.ReportMetric(spent[0].Seconds()/spent[1].Seconds(), "ratio")
}

// inFlight calls do n times, eight at a time.
func inFlight(tb testing.TB, n int64, do func() error) {
	var left atomic.Int64
	left.Store(n)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := do(); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
