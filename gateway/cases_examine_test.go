package gateway_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store/storetest"
	"github.com/absah-id/absah/testdata"
)

// findings are the findings of the first examination of a file.
func (w *world) findings(ani gateway.Caller, file []byte) *dispute.Findings {
	w.tb.Helper()
	ref, _ := w.complain(ani, file)
	v, err := w.Case(w.tb.Context(), ani, ref.ID)
	if err != nil {
		w.tb.Fatal(err)
	}
	return v.Findings
}

func codes(f *dispute.Findings) (list []string) {
	for _, s := range f.Statements {
		list = append(list, s.Code)
	}
	return append(list, f.Conclusion.Code)
}

// TestReleaseIsFound: however often a file was looked at since, and whatever was
// appended to it, what released it is found.
func TestReleaseIsFound(t *testing.T) {
	w := newWorld(t)
	ani := w.at("ani", gateway.RoleInvestigator)
	w.released(testdata.Letter)
	for range 45 { // each is on record with the digest of the file
		w.wait(time.Minute)
		f := w.findings(ani, testdata.Letter)
		if !slices.Contains(codes(f), "file.identical") || len(f.Operations) != 1 {
			t.Fatalf("got %v about %v", codes(f), f.Operations)
		}
	}
	for _, tail := range []string{"\n", "\r\n", "% x\n"} {
		w.wait(time.Minute)
		if f := w.findings(ani, append(bytes.Clone(testdata.Letter), tail...)); slices.Contains(codes(f), "file.identical") || slices.Contains(codes(f), "file.unknown") {
			t.Errorf("%q: got %v", tail, codes(f))
		}
	}
}

// TestNobodysRecords: rows of the database that the log does not vouch for, and
// records that do not say that the gateway made the file, release nothing.
func TestNobodysRecords(t *testing.T) {
	w := newWorld(t)
	ani := w.at("ani", gateway.RoleInvestigator)
	sum := sha256.Sum256(testdata.Letter)
	put := func(kind string, vouched bool) {
		t.Helper()
		id, at := uuid.Must(uuid.NewV7()).String(), w.clock()
		record := evidence.Record{
			Organisation: organisation, Operation: id, Phase: evidence.PhaseEvent, Kind: kind, Time: at, Node: "node-1",
			Actor:   evidence.Actor{Application: "e-office", Role: "application", Authentication: "key", Address: "127.0.0.1"},
			Subject: evidence.Subject{OutputSHA256: hex.EncodeToString(sum[:]), OutputSize: int64(len(testdata.Letter))},
			Result:  evidence.Result{Status: evidence.StatusOK},
		}
		entry, _, err := w.cfg.Notary.NewEntry(record)
		if err != nil {
			t.Fatal(err)
		}
		if !vouched {
			entry.Receipt = nil
		}
		err = w.db.Update(t.Context(), organisation, func(tx gateway.Tx) error {
			o := storetest.Begin(organisation, at).Operation
			o.ID, o.Kind, o.Status, o.OutputSHA256, o.FinishedAt = id, kind, gateway.OperationOK, sum, at
			return tx.RecordEvent(t.Context(), o, entry)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	put("seal", false)
	put("case.download", true)
	if f := w.findings(ani, testdata.Letter); len(f.Operations) > 0 || !slices.Contains(codes(f), "file.unknown") {
		t.Errorf("got %v about %v", codes(f), f.Operations)
	}
	w.wait(time.Minute)
	put("seal", true)
	if f := w.findings(ani, testdata.Letter); len(f.Operations) != 1 || !slices.Contains(codes(f), "file.identical") {
		t.Errorf("got %v about %v", codes(f), f.Operations)
	}
}

// TestTooManyReleases: what is not looked at is said.
func TestTooManyReleases(t *testing.T) {
	w := newWorld(t)
	ani := w.at("ani", gateway.RoleInvestigator)
	for range 50 {
		w.released(testdata.Letter)
	}
	f := w.findings(ani, testdata.Letter)
	if got := codes(f); !slices.Contains(got, "log.more") || len(f.Operations) != 40 {
		t.Errorf("got %v about %d operations", got, len(f.Operations))
	}
}
