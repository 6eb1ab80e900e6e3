package bundle_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/bundle"
	"github.com/absah-id/absah/evidence/evidencetest"
)

// A bundle of an operation without a signature, verified by somebody who knows the
// log's key and nothing else.
func Example() {
	ctx := context.Background()
	store := new(evidencetest.Store)
	log, err := evidence.New(evidence.Config{Store: store, Origin: "log.contoh.example", Signer: logKey(1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	entry, _, err := log.NewEntry(evidence.Record{
		Organisation: "Kabupaten Contoh", Operation: operation, Phase: evidence.PhaseEvent, Kind: "signer.lock",
		Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Result: evidence.Result{Status: evidence.StatusOK},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := store.Append(ctx, entry); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := log.Integrate(ctx); err != nil {
		fmt.Println(err)
		return
	}
	proofs, err := log.Prove(ctx, operation)
	if err != nil {
		fmt.Println(err)
		return
	}
	logVKey, receiptVKey := log.Keys()
	var zip bytes.Buffer
	err = bundle.Write(&zip, bundle.Input{Origin: log.Origin(), Keys: []string{logVKey, receiptVKey}, Proofs: proofs})
	if err != nil {
		fmt.Println(err)
		return
	}

	report, err := bundle.Verify(bytes.NewReader(zip.Bytes()), int64(zip.Len()), bundle.Options{LogKeys: []string{logVKey, receiptVKey}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Verdict)
	for _, s := range report.Statements {
		fmt.Println(s.State, s.ID)
	}
	// Output:
	// unproven
	// holds files
	// holds log-key
	// holds checkpoint
	// holds entry-1
	// holds receipt-1
	// holds operation
	// unproven log-time
}
