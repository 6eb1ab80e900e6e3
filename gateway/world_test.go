package gateway_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/store"
	"github.com/absah-id/absah/store/storetest"
	"github.com/absah-id/absah/verifier"
)

const organisation = "kabupaten-contoh"

// world is a gateway on a real database, whose clock the test turns.
type world struct {
	*gateway.Gateway
	tb  testing.TB
	db  *store.DB
	cfg gateway.Config

	mu  sync.Mutex
	now time.Time // guarded by mu
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// wait lets time pass.
func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// noKeys is an HSM that has nothing.
type noKeys struct{ gateway.Keys }

func (noKeys) Resident(context.Context, string) (signer.Key, error) {
	return nil, gateway.ErrKeyUnavailable
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	return newWorldWith(tb, nil)
}

// newWorldWith makes one whose configuration change has a say in.
func newWorldWith(tb testing.TB, change func(*gateway.Config)) *world {
	tb.Helper()
	w := &world{tb: tb, db: storetest.Open(tb, storetest.SQLite), now: time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)}
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	key := func() ed25519.PrivateKey {
		_, k, err := ed25519.GenerateKey(nil)
		must(err)
		return k
	}
	log, err := evidence.New(evidence.Config{
		Store: w.db, Origin: "kabupaten-contoh.example/log", Signer: key(), Receipts: key(),
		Floor: tb.TempDir() + "/floor", Clock: w.clock,
	})
	must(err)
	s, err := signer.New(signer.Config{})
	must(err)
	v, err := verifier.New(verifier.Config{})
	must(err)
	c := gateway.Config{
		Organisation: organisation, Node: "node-1", Secret: [32]byte{1}, Store: w.db, Notary: log, Keys: noKeys{}, Signer: s, Verifier: v, Clock: w.clock,
	}
	if change != nil {
		change(&c)
	}
	w.cfg = c
	w.Gateway, err = gateway.New(tb.Context(), c)
	must(err)
	return w
}

func operator() gateway.Caller { return gateway.Local(organisation, "operator") }

// codeOf is the code of an error of the gateway; "" for nil.
func codeOf(tb testing.TB, err error) gateway.Code {
	tb.Helper()
	var e *gateway.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &e):
		tb.Fatalf("%v is no error of the gateway", err)
	}
	return e.Code
}

// events are the records of a kind, oldest first.
func (w *world) events(kind string) []evidence.Record {
	w.tb.Helper()
	return w.eventsOf(organisation, kind)
}

// eventsOf are those of one organisation.
func (w *world) eventsOf(scope gateway.Scope, kind string) (all []evidence.Record) {
	w.tb.Helper()
	err := w.db.View(w.tb.Context(), scope, func(r gateway.Reader) error {
		found, err := r.Operations(w.tb.Context(), gateway.OperationQuery{Kind: kind})
		if err != nil {
			return err
		}
		for _, o := range found {
			entries, err := r.EntriesOf(w.tb.Context(), o.ID)
			if err != nil {
				return err
			}
			record, err := evidence.ParseRecord(entries[0].Record)
			if err != nil {
				return err
			}
			all = append(all, record)
		}
		return nil
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

// put writes an event and its row, as change has made them.
func (w *world) put(r evidence.Record, change func(e *evidence.Entry, o *gateway.Operation)) (id string) {
	w.tb.Helper()
	ctx, at := w.tb.Context(), w.clock()
	r.Organisation, r.Operation, r.Phase, r.Time, r.Node = organisation, uuid.Must(uuid.NewV7()).String(), evidence.PhaseEvent, at, "node-1"
	r.Actor = evidence.Actor{Application: "e-office", Role: "application", Authentication: "key", Address: "127.0.0.1"}
	entry, _, err := w.cfg.Notary.NewEntry(r)
	w.must(err)
	out, err := hex.DecodeString(r.Subject.OutputSHA256)
	w.must(err)
	o := gateway.Operation{
		ID: r.Operation, Organisation: organisation, Kind: r.Kind, Status: gateway.OperationStatus(r.Result.Status), Code: r.Result.Code, Application: "e-office",
		Node: "node-1", Signer: r.Signer.ID, Document: r.Subject.Document, StartedAt: at, FinishedAt: at,
	}
	copy(o.OutputSHA256[:], out)
	if change != nil {
		change(&entry, &o)
	}
	w.must(w.db.Update(ctx, organisation, func(tx gateway.Tx) error { return tx.RecordEvent(ctx, o, entry) }))
	return r.Operation
}

// sealed is the record of a seal that released a file.
func sealed(file []byte) evidence.Record {
	sum := sha256.Sum256(file)
	return evidence.Record{
		Kind: "seal", Result: evidence.Result{Status: evidence.StatusOK},
		Subject: evidence.Subject{OutputSHA256: hex.EncodeToString(sum[:]), OutputSize: int64(len(file))},
	}
}
