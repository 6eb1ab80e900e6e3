package evidence_test

import (
	"context"
	"fmt"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/evidencetest"
)

// An operation is recorded in the database's own transaction; later the entry is
// proven to be in the log.
func Example() {
	ctx := context.Background()
	store := new(evidencetest.Store)
	log, err := evidence.New(evidence.Config{Store: store, Origin: "log.contoh.example", Signer: key(1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	entry, receipt, err := log.NewEntry(evidence.Record{
		Organisation: "Kabupaten Contoh", Operation: "0193f2a4-7c1e-7d3a-9b5c-6f1e2d3c4b5a",
		Phase: evidence.PhaseOutcome, Kind: "sign", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Result: evidence.Result{Status: evidence.StatusOK, Level: "B-LTA"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := store.Append(ctx, entry); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("promised by", receipt.Promise.Format(time.RFC3339))

	if _, err := log.Integrate(ctx); err != nil { // Run does this
		fmt.Println(err)
		return
	}
	proofs, err := log.Prove(ctx, entry.Operation)
	if err != nil {
		fmt.Println(err)
		return
	}
	vkey, _ := log.Keys()
	index, head, err := evidence.VerifyProof(proofs[0].Marshal(), entry.Leaf, log.Origin(), []string{vkey})
	fmt.Println("entry", index, "of", head.Size, err)
	// Output:
	// promised by 2026-01-02T03:05:05Z
	// entry 0 of 1 <nil>
}
