package storetest

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
)

var caseTests = map[string]func(*testing.T, *store.DB){
	"as written":        caseAsWritten,
	"numbers":           caseNumbers,
	"compare and set":   caseCompareAndSet,
	"searched":          casesSearched,
	"history and files": caseHistory,
	"erased once":       caseErased,
	"counted":           casesCounted,
}

func caseRow(organisation string, serial int, at time.Time) gateway.CaseRow {
	id := ID(at)
	return gateway.CaseRow{
		ID: id, Organisation: organisation, Year: 2026, Serial: serial, Code: Sum("code of " + id), Kind: dispute.Repudiation, State: dispute.Received,
		OpenedAt: at, Due: at.Add(time.Hour), FileSHA256: Sum("file"), Document: "abc", Sealed: []byte("sealed"),
	}
}

func addCase(t *testing.T, db *store.DB, c gateway.CaseRow) {
	t.Helper()
	update(t, db, gateway.Scope(c.Organisation), func(ctx context.Context, tx gateway.Tx) error { return tx.AddCase(ctx, c) })
}

func caseAsWritten(t *testing.T, db *store.DB) {
	full, bare := caseRow(Org, 1, Start), caseRow(Org, 2, Start)
	bare.Due, bare.FileSHA256, bare.Document = time.Time{}, [32]byte{}, ""
	for _, c := range []gateway.CaseRow{full, bare} {
		addCase(t, db, c)
		c.Version = 1
		got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.CaseRow, error) { return r.Case(ctx, c.ID) })
		if !reflect.DeepEqual(got, c) {
			t.Errorf("got  %+v\nwant %+v", got, c)
		}
		got = view(t, db, gateway.AllOrganisations, func(ctx context.Context, r gateway.Reader) (gateway.CaseRow, error) { return r.CaseByCode(ctx, c.Code) })
		if got.ID != c.ID {
			t.Errorf("by its code: got %q", got.ID)
		}
	}
	for scope, find := range map[gateway.Scope]func(ctx context.Context, r gateway.Reader) error{
		Other: func(ctx context.Context, r gateway.Reader) error { _, err := r.Case(ctx, full.ID); return err },
		Org: func(ctx context.Context, r gateway.Reader) error {
			_, err := r.CaseByCode(ctx, Sum("no code"))
			return err
		},
	} {
		err := db.View(t.Context(), scope, func(r gateway.Reader) error { return find(t.Context(), r) })
		if !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("in %s: got %v", scope, err)
		}
	}
	if err := db.Update(t.Context(), Other, func(tx gateway.Tx) error { return tx.AddCase(t.Context(), caseRow(Org, 9, Start)) }); err == nil {
		t.Error("an organisation writes a case of another one")
	}
}

func caseNumbers(t *testing.T, db *store.DB) {
	last := func(scope gateway.Scope, year int) int {
		return view(t, db, scope, func(ctx context.Context, r gateway.Reader) (int, error) { return r.LastCase(ctx, year) })
	}
	addCase(t, db, caseRow(Org, 7, Start))
	addCase(t, db, caseRow(Other, 3, Start))
	if a, b, c := last(Org, 2026), last(Other, 2026), last(Org, 2025); a != 7 || b != 3 || c != 0 {
		t.Errorf("got %d, %d and %d", a, b, c)
	}
	refused(t, db, Org, gateway.ErrExists, func(ctx context.Context, tx gateway.Tx) error { return tx.AddCase(ctx, caseRow(Org, 7, Start)) })
	taken := caseRow(Org, 8, Start)
	taken.Code = Sum("taken")
	addCase(t, db, taken)
	again := caseRow(Org, 9, Start)
	again.Code = taken.Code
	refused(t, db, Org, gateway.ErrExists, func(ctx context.Context, tx gateway.Tx) error { return tx.AddCase(ctx, again) })
}

func caseCompareAndSet(t *testing.T, db *store.DB) {
	c := caseRow(Org, 1, Start)
	addCase(t, db, c)
	c.Version, c.State, c.Due, c.FileSHA256, c.Document, c.Sealed = 1, dispute.Closed, time.Time{}, Sum("another"), "def", []byte("more")
	c.ClosedAt, c.ErasedAt = Start.Add(time.Hour), Start.Add(2*time.Hour)
	set := func(ctx context.Context, tx gateway.Tx) error { return tx.UpdateCase(ctx, c) }
	refused(t, db, Other, gateway.ErrChanged, set)
	update(t, db, Org, set)
	refused(t, db, Org, gateway.ErrChanged, set)
	c.Version = 2
	got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.CaseRow, error) { return r.Case(ctx, c.ID) })
	if !reflect.DeepEqual(got, c) {
		t.Errorf("got  %+v\nwant %+v", got, c)
	}
}

func casesSearched(t *testing.T, db *store.DB) {
	var ids []string
	for i, state := range []dispute.State{dispute.Received, dispute.Examined, dispute.Closed} {
		c := caseRow(Org, i+1, Start.Add(time.Duration(i)*time.Second))
		if c.State = state; i == 1 {
			c.Kind = dispute.KeyLoss
		}
		addCase(t, db, c)
		ids = append(ids, c.ID)
	}
	addCase(t, db, caseRow(Other, 1, Start))
	for _, test := range []struct {
		name string
		q    gateway.CaseQuery
		want []string
	}{
		{"all", gateway.CaseQuery{}, []string{ids[2], ids[1], ids[0]}},
		{"open", gateway.CaseQuery{Open: true}, []string{ids[1], ids[0]}},
		{"by state", gateway.CaseQuery{State: dispute.Closed}, []string{ids[2]}},
		{"by kind", gateway.CaseQuery{Kind: dispute.KeyLoss}, []string{ids[1]}},
		{"the next page", gateway.CaseQuery{Page: gateway.Page{After: ids[2], Limit: 1}}, []string{ids[1]}},
	} {
		var got []string
		for _, c := range view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.CaseRow, error) { return r.Cases(ctx, test.q) }) {
			got = append(got, c.ID)
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func caseHistory(t *testing.T, db *store.DB) {
	c := caseRow(Org, 1, Start)
	addCase(t, db, c)
	first := gateway.CaseEventRow{ID: ID(Start), Organisation: Org, Case: c.ID, At: Start, Sealed: []byte("1")}
	second := gateway.CaseEventRow{ID: ID(Start), Organisation: Org, Case: c.ID, At: Start.Add(time.Second), Sealed: []byte("2")}
	file := gateway.CaseFileRow{
		ID: ID(Start), Organisation: Org, Case: c.ID, Kind: gateway.CaseDisputed, SHA256: Sum("file"), Size: 4, At: Start,
		Name: []byte("name"), Data: bytes.Repeat([]byte("x"), 3<<20),
	}
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(tx.AddCaseEvent(ctx, second), tx.AddCaseEvent(ctx, first), tx.AddCaseFile(ctx, file))
	})
	events := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.CaseEventRow, error) {
		return r.CaseEvents(ctx, c.ID)
	})
	if !reflect.DeepEqual(events, []gateway.CaseEventRow{first, second}) {
		t.Errorf("got %+v", events)
	}
	if got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.CaseFileRow, error) {
		return r.CaseFile(ctx, file.ID)
	}); !reflect.DeepEqual(got, file) {
		t.Errorf("got %d bytes of %q", len(got.Data), got.ID)
	}
	listed := file
	listed.Data = nil
	files := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.CaseFileRow, error) {
		return r.CaseFiles(ctx, c.ID)
	})
	if !reflect.DeepEqual(files, []gateway.CaseFileRow{listed}) {
		t.Errorf("got %+v", files)
	}
	strangers := view(t, db, Other, func(ctx context.Context, r gateway.Reader) ([]gateway.CaseFileRow, error) {
		return r.CaseFiles(ctx, c.ID)
	})
	if len(strangers) != 0 {
		t.Errorf("another organisation sees %d files", len(strangers))
	}
	refused(t, db, Org, gateway.ErrExists, func(ctx context.Context, tx gateway.Tx) error { return tx.AddCaseEvent(ctx, first) })
}

// closedCase adds a case that was closed at the moment.
func closedCase(t *testing.T, db *store.DB, serial int, at time.Time) gateway.CaseRow {
	t.Helper()
	c := caseRow(Org, serial, at)
	c.State, c.ClosedAt = dispute.Closed, at
	addCase(t, db, c)
	c.Version = 1
	return c
}

func caseErased(t *testing.T, db *store.DB) {
	c, later := closedCase(t, db, 1, Start), Start.Add(time.Hour)
	event := gateway.CaseEventRow{ID: ID(Start), Organisation: Org, Case: c.ID, At: Start, Sealed: []byte("words")}
	file := gateway.CaseFileRow{
		ID: ID(Start), Organisation: Org, Case: c.ID, Kind: gateway.CaseAttachment, SHA256: Sum("file"), Size: 4, At: Start, Name: []byte("name"), Data: []byte("data"),
	}
	letter := file
	letter.ID, letter.Kind = ID(Start.Add(time.Millisecond)), gateway.CaseLetterPaper
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(tx.AddCaseEvent(ctx, event), tx.AddCaseFile(ctx, file), tx.AddCaseFile(ctx, letter))
	})
	erase := func(ctx context.Context, tx gateway.Tx) error {
		return tx.EraseCaseEvent(ctx, event.ID, []byte("-"), later)
	}
	eraseFiles := func(want int) func(ctx context.Context, tx gateway.Tx) error {
		return func(ctx context.Context, tx gateway.Tx) error {
			n, err := tx.EraseCaseFiles(ctx, c.ID, later)
			if n != want {
				t.Errorf("erased %d files, want %d", n, want)
			}
			return err
		}
	}
	refused(t, db, Other, gateway.ErrChanged, erase)
	update(t, db, Other, eraseFiles(0))
	update(t, db, Org, erase)
	refused(t, db, Org, gateway.ErrChanged, erase)
	update(t, db, Org, eraseFiles(1))
	update(t, db, Org, eraseFiles(0))
	events := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.CaseEventRow, error) {
		return r.CaseEvents(ctx, c.ID)
	})
	if event.Sealed = []byte("-"); !reflect.DeepEqual(events, []gateway.CaseEventRow{event}) {
		t.Errorf("the history: got %+v", events)
	}
	for _, want := range []struct {
		gateway.CaseFileRow
		name, data string
	}{{file, "", ""}, {letter, "name", "data"}} {
		got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.CaseFileRow, error) {
			return r.CaseFile(ctx, want.ID)
		})
		if string(got.Name) != want.name || string(got.Data) != want.data || got.ErasedAt.IsZero() != (want.name != "") || got.SHA256 != want.SHA256 || got.Size != want.Size {
			t.Errorf("%s: got %+v", want.Kind, got)
		}
	}
}

func casesCounted(t *testing.T, db *store.DB) {
	addCase(t, db, caseRow(Org, 1, Start))
	old := closedCase(t, db, 2, Start)
	closedCase(t, db, 3, Start.Add(48*time.Hour))
	gone := closedCase(t, db, 4, Start)
	gone.ErasedAt = Start.Add(time.Hour)
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.UpdateCase(ctx, gone) })
	addCase(t, db, caseRow(Other, 1, Start))
	over := Start.Add(24 * time.Hour)
	got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.CaseCount, error) { return r.CountCases(ctx, over) })
	if want := (gateway.CaseCount{Open: 1, Kept: 2, Over: 1, Erased: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	got = view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.CaseCount, error) {
		return r.CountCases(ctx, time.Time{})
	})
	if got.Over != 0 {
		t.Errorf("nothing ever ends: got %+v", got)
	}
	rows := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.CaseRow, error) {
		return r.Cases(ctx, gateway.CaseQuery{Over: over})
	})
	if len(rows) != 1 || rows[0].ID != old.ID {
		t.Errorf("to be erased: got %+v", rows)
	}
}
