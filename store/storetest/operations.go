package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
)

var operationTests = map[string]func(*testing.T, *store.DB){
	"from intent to outcome":       intentToOutcome,
	"an operation ends once":       endsOnce,
	"an intent or nothing":         intentOrNothing,
	"searches":                     searches,
	"pages":                        pages,
	"counts by day":                countsByDay,
	"dangling operations":          danglingOperations,
	"events":                       events,
	"entries of another operation": foreignEntries,
}

func operation(t testing.TB, db *store.DB, id string) gateway.Operation {
	t.Helper()
	return view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.Operation, error) { return r.Operation(ctx, id) })
}

func intentToOutcome(t *testing.T, db *store.DB) {
	b := Begin(Org, Start)
	b.Operation.Document, b.Operation.Batch, b.Operation.User = "", "batch-1", "op-staff"
	if prior := begin(t, db, b); prior != nil {
		t.Errorf("got %+v, want nothing prior", prior)
	}
	if got := operation(t, db, b.Operation.ID); !reflect.DeepEqual(got, b.Operation) {
		t.Errorf("got  %+v\nwant %+v", got, b.Operation)
	}
	f := Finish(b)
	f.Artefacts = []evidence.Blob{{Organisation: Org, Kind: "cms", Data: []byte("cms")}, {Kind: "crl", Data: []byte("crl")}}
	finish(t, db, Org, f)
	want := b.Operation
	want.Status, want.Level, want.Certificate, want.OutputSHA256, want.FinishedAt = f.Status, f.Level, f.Certificate, f.OutputSHA256, f.At
	if got := operation(t, db, b.Operation.ID); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	entries, err := db.EntriesOf(t.Context(), b.Operation.ID)
	if err != nil || !reflect.DeepEqual(entries, []evidence.Entry{b.Intent, f.Outcome}) {
		t.Errorf("got %+v, %v", entries, err)
	}
	if _, ok, err := db.Artefact(t.Context(), Sum("cms")); err != nil || !ok {
		t.Errorf("artefact: %v, %v", ok, err)
	}
}

func endsOnce(t *testing.T, db *store.DB) {
	const n = 16
	b := Begin(Org, Start)
	begin(t, db, b)
	var won atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			err := db.Update(t.Context(), Org, func(tx gateway.Tx) error { return tx.FinishOperation(t.Context(), Finish(b)) })
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, gateway.ErrClosed) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d ended it, want 1", won.Load())
	}
	refused(t, db, Org, gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error {
		f := Finish(b)
		f.Operation = "nothing"
		return tx.FinishOperation(ctx, f)
	})
}

func intentOrNothing(t *testing.T, db *store.DB) {
	b := Begin(Org, Start)
	if err := db.Append(t.Context(), b.Intent); err != nil {
		t.Fatal(err)
	}
	b.Reservation = &gateway.Reservation{Application: "e-office", Key: "k", RequestSHA256: Sum("r"), ExpiresAt: Start.Add(time.Hour)}
	refused(t, db, Org, evidence.ErrDuplicate, func(ctx context.Context, tx gateway.Tx) error {
		_, err := tx.BeginOperation(ctx, b)
		return err
	})
	if got := count(t, db); got != 0 {
		t.Errorf("got %d operations, want none", got)
	}
	prior := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (*gateway.Prior, error) {
		return r.Prior(ctx, *b.Reservation, Start)
	})
	if prior != nil {
		t.Errorf("the key stands for %+v", prior)
	}
}

func searches(t *testing.T, db *store.DB) {
	sign, seal, refusal := Begin(Org, Start), Begin(Org, Start.Add(time.Hour)), Begin(Org, Start.Add(2*time.Hour))
	seal.Operation.Kind, seal.Operation.Application, seal.Operation.Signer, seal.Operation.Document = "seal", "srikandi", "seal", "public-id"
	seal.Operation.InputSHA256 = Sum("output of " + sign.Operation.ID)
	refusal.Operation.Batch = "batch-1"
	for _, b := range []gateway.Begin{sign, seal, refusal, Begin(Other, Start)} {
		begin(t, db, b)
	}
	done := Finish(sign)
	done.Artefacts = []evidence.Blob{{Organisation: Org, Kind: "timestamp", Data: []byte("token")}, {Organisation: Org, Kind: "cms", Data: []byte("a signature")}}
	finish(t, db, Org, done)
	f := Finish(refusal)
	f.Status, f.Code, f.OutputSHA256, f.Certificate = gateway.OperationRefused, "certificate-revoked", [32]byte{}, Sum("other certificate")
	finish(t, db, Org, f)

	s, e, r := sign.Operation.ID, seal.Operation.ID, refusal.Operation.ID
	for name, test := range map[string]struct {
		q    gateway.OperationQuery
		want []string
	}{
		"everything":         {gateway.OperationQuery{}, []string{r, e, s}},
		"by input or output": {gateway.OperationQuery{Digest: Sum("output of " + s)}, []string{e, s}},
		"by input":           {gateway.OperationQuery{Digest: Sum("input of " + s)}, []string{s}},
		"by output":          {gateway.OperationQuery{Output: Sum("output of " + s)}, []string{s}},
		"by signature":       {gateway.OperationQuery{CMS: Sum("a signature")}, []string{s}},
		"by no signature":    {gateway.OperationQuery{CMS: Sum("token")}, nil},
		"by kind":            {gateway.OperationQuery{Kind: "seal"}, []string{e}},
		"by status":          {gateway.OperationQuery{Status: gateway.OperationRefused}, []string{r}},
		"by application":     {gateway.OperationQuery{Application: "srikandi"}, []string{e}},
		"by signer":          {gateway.OperationQuery{Signer: "bupati"}, []string{r, s}},
		"by certificate":     {gateway.OperationQuery{Certificate: Sum("certificate")}, []string{s}},
		"by document":        {gateway.OperationQuery{Document: "public-id"}, []string{e}},
		"by batch":           {gateway.OperationQuery{Batch: "batch-1"}, []string{r}},
		"from":               {gateway.OperationQuery{From: Start.Add(time.Hour)}, []string{r, e}},
		"to":                 {gateway.OperationQuery{To: Start.Add(time.Hour)}, []string{s}},
		"several":            {gateway.OperationQuery{Kind: "sign", Signer: "bupati", From: Start, To: Start.Add(time.Hour)}, []string{s}},
		"nothing":            {gateway.OperationQuery{Kind: "' OR 1=1 --"}, nil},
		"behind":             {gateway.OperationQuery{Page: gateway.Page{After: r}}, []string{e, s}},
		"at most one":        {gateway.OperationQuery{Page: gateway.Page{Limit: 1}}, []string{r}},
	} {
		got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (ids []string, err error) {
			all, err := r.Operations(ctx, test.q)
			for _, o := range all {
				ids = append(ids, o.ID)
			}
			return ids, err
		})
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
	err := db.View(t.Context(), Org, func(r gateway.Reader) error {
		_, err := r.Operations(t.Context(), gateway.OperationQuery{Page: gateway.Page{Limit: 1001}})
		return err
	})
	if err == nil {
		t.Error("a page of 1001 was not refused")
	}
}

func pages(t *testing.T, db *store.DB) {
	want := map[string]bool{}
	for i := range 25 {
		b := Begin(Org, Start.Add(time.Duration(i)*time.Second))
		begin(t, db, b)
		want[b.Operation.ID] = true
	}
	after := ""
	for n := 0; ; n++ {
		page := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.Operation, error) {
			return r.Operations(ctx, gateway.OperationQuery{Page: gateway.Page{After: after, Limit: 10}})
		})
		for _, o := range page {
			if !want[o.ID] {
				t.Errorf("page %d: %s comes twice", n, o.ID)
			}
			delete(want, o.ID)
		}
		if len(page) < 10 {
			break
		}
		after = page[9].ID
	}
	if len(want) > 0 {
		t.Errorf("%d are on no page", len(want))
	}
}

func countsByDay(t *testing.T, db *store.DB) {
	midnight := time.Date(2026, 11, 21, 17, 0, 0, 0, time.UTC) // in WIB
	for _, at := range []time.Duration{-time.Second, 0, time.Hour} {
		b := Begin(Org, midnight.Add(at))
		begin(t, db, b)
		f := Finish(b)
		if at == time.Hour {
			f.Status, f.Code = gateway.OperationFailed, "tsa-down"
		}
		finish(t, db, Org, f)
	}
	got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.OperationCount, error) {
		return r.CountOperations(ctx, midnight.Add(-24*time.Hour), midnight.Add(24*time.Hour), 7*time.Hour)
	})
	want := []gateway.OperationCount{
		{Day: midnight.Add(-24 * time.Hour), Kind: "sign", Status: gateway.OperationOK, N: 1},
		{Day: midnight, Kind: "sign", Status: gateway.OperationFailed, Code: "tsa-down", N: 1},
		{Day: midnight, Kind: "sign", Status: gateway.OperationOK, N: 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func danglingOperations(t *testing.T, db *store.DB) {
	var ids []string
	for i := range 4 {
		b := Begin(Org, Start.Add(time.Duration(i)*time.Minute))
		begin(t, db, b)
		ids = append(ids, b.Operation.ID)
		if i == 1 {
			finish(t, db, Org, Finish(b))
		}
	}
	got := view(t, db, gateway.AllOrganisations, func(ctx context.Context, r gateway.Reader) (found []string, err error) {
		all, err := r.Dangling(ctx, Start.Add(3*time.Minute), 10)
		for _, o := range all {
			found = append(found, o.ID)
		}
		return found, err
	})
	if want := []string{ids[0], ids[2]}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func events(t *testing.T, db *store.DB) {
	o := gateway.Operation{ID: ID(Start), Organisation: Org, Kind: "signer.lock", Status: gateway.OperationOK, User: "operator", Signer: "bupati",
		StartedAt: Start, FinishedAt: Start}
	e := Entry(Org, o.ID, evidence.PhaseEvent, Start)
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.RecordEvent(ctx, o, e) })
	if got := operation(t, db, o.ID); !reflect.DeepEqual(got, o) {
		t.Errorf("got %+v, want %+v", got, o)
	}
	refused(t, db, Org, gateway.ErrExists, func(ctx context.Context, tx gateway.Tx) error { return tx.RecordEvent(ctx, o, e) })
}

func foreignEntries(t *testing.T, db *store.DB) {
	b := Begin(Org, Start)
	for name, change := range map[string]func(*evidence.Entry){
		"operation":    func(e *evidence.Entry) { e.Operation = "another" },
		"organisation": func(e *evidence.Entry) { e.Organisation = Other },
		"phase":        func(e *evidence.Entry) { e.Phase = evidence.PhaseOutcome },
	} {
		wrong := b
		change(&wrong.Intent)
		err := db.Update(t.Context(), gateway.AllOrganisations, func(tx gateway.Tx) error {
			_, err := tx.BeginOperation(t.Context(), wrong)
			return err
		})
		if err == nil {
			t.Errorf("an intent of another %s was taken", name)
		}
	}
}

var idempotencyTests = map[string]func(*testing.T, *store.DB){
	"same key, same request":  sameRequest,
	"same key, other request": otherRequest,
	"an expired key is free":  expiredKey,
	"a freed key is free":     freedKey,
	"many at once":            idempotencyRace,
	"purge":                   purge,
}

func reserved(at time.Time, request string) gateway.Begin {
	b := Begin(Org, at)
	b.Reservation = &gateway.Reservation{Application: "e-office", Key: "key-1", RequestSHA256: Sum(request), ExpiresAt: at.Add(24 * time.Hour)}
	return b
}

func sameRequest(t *testing.T, db *store.DB) {
	first, second := reserved(Start, "r"), reserved(Start.Add(time.Minute), "r")
	begin(t, db, first)
	if prior := begin(t, db, second); prior == nil || prior.Operation.ID != first.Operation.ID || prior.Operation.Status != gateway.OperationPending || prior.Tail != nil {
		t.Errorf("while pending: got %+v", prior)
	}
	f := Finish(first)
	f.Tail = []byte("sealed tail")
	finish(t, db, Org, f)
	if prior := begin(t, db, second); prior == nil || prior.Operation.Status != gateway.OperationOK || string(prior.Tail) != "sealed tail" {
		t.Errorf("afterwards: got %+v", prior)
	}
	if got := count(t, db); got != 1 {
		t.Errorf("got %d operations, want 1", got)
	}
	if e, err := db.EntriesOf(t.Context(), second.Operation.ID); err != nil || len(e) != 0 {
		t.Errorf("the second has %d entries, %v", len(e), err)
	}
}

func otherRequest(t *testing.T, db *store.DB) {
	begin(t, db, reserved(Start, "r"))
	refused(t, db, Org, gateway.ErrIdempotencyConflict, func(ctx context.Context, tx gateway.Tx) error {
		_, err := tx.BeginOperation(ctx, reserved(Start, "other"))
		return err
	})
	err := db.View(t.Context(), Org, func(r gateway.Reader) error {
		_, err := r.Prior(t.Context(), *reserved(Start, "other").Reservation, Start)
		return err
	})
	if !errors.Is(err, gateway.ErrIdempotencyConflict) {
		t.Errorf("prior: got %v, want ErrIdempotencyConflict", err)
	}
	another := reserved(Start, "other")
	another.Reservation.Application = "srikandi"
	if prior := begin(t, db, another); prior != nil {
		t.Errorf("another application's key: got %+v", prior)
	}
}

func expiredKey(t *testing.T, db *store.DB) {
	begin(t, db, reserved(Start, "r"))
	late := reserved(Start.Add(24*time.Hour), "other")
	if prior := begin(t, db, late); prior != nil {
		t.Errorf("got %+v, want nothing", prior)
	}
	if prior := begin(t, db, late); prior == nil || prior.Operation.ID != late.Operation.ID {
		t.Errorf("got %+v, want the second operation", prior)
	}
}

func freedKey(t *testing.T, db *store.DB) {
	b := reserved(Start, "r")
	begin(t, db, b)
	f := Finish(b)
	f.Status, f.Code, f.OutputSHA256, f.FreeKey = gateway.OperationFailed, "tsa-down", [32]byte{}, true
	finish(t, db, Org, f)
	if prior := begin(t, db, reserved(Start.Add(time.Minute), "other")); prior != nil {
		t.Errorf("got %+v, want nothing", prior)
	}
}

func idempotencyRace(t *testing.T, db *store.DB) {
	const n = 32
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			b := reserved(Start.Add(time.Duration(i)*time.Millisecond), "r")
			var prior *gateway.Prior
			err := db.Update(t.Context(), Org, func(tx gateway.Tx) (err error) {
				prior, err = tx.BeginOperation(t.Context(), b)
				return err
			})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if prior == nil {
				seen["own"]++
				seen[b.Operation.ID]++
			} else {
				seen[prior.Operation.ID]++
			}
		})
	}
	wg.Wait()
	if seen["own"] != 1 || len(seen) != 2 {
		t.Errorf("%d began and %d operations were named, want one", seen["own"], len(seen)-1)
	}
	if got := count(t, db); got != 1 {
		t.Errorf("got %d operations, want 1", got)
	}
}

func purge(t *testing.T, db *store.DB) {
	done, pending := reserved(Start, "r"), reserved(Start, "r")
	pending.Reservation.Key = "key-2"
	begin(t, db, done)
	begin(t, db, pending)
	finish(t, db, Org, Finish(done))
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		for _, want := range []int{1, 0} {
			n, err := tx.Purge(ctx, Start.Add(25*time.Hour), 10)
			if err != nil || n != want {
				return fmt.Errorf("purged %d, want %d: %w", n, want, err)
			}
		}
		return nil
	})
}
