package storetest

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
)

var caseTests = map[string]func(*testing.T, *store.DB){
	"as written":        caseAsWritten,
	"numbers":           caseNumbers,
	"numbers at once":   caseNumbersAtOnce,
	"kept from some":    casesHidden,
	"by deadline":       casesByDue,
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
	next := func(organisation string, year int) (n int) {
		update(t, db, gateway.Scope(organisation), func(ctx context.Context, tx gateway.Tx) (err error) {
			n, err = tx.NextCase(ctx, organisation, year)
			return err
		})
		return n
	}
	if a, b, c, d := next(Org, 2026), next(Org, 2026), next(Other, 2026), next(Org, 2027); a != 1 || b != 2 || c != 1 || d != 1 {
		t.Errorf("got %d, %d, %d and %d", a, b, c, d)
	}
	failed := errors.New("not written after all")
	refused(t, db, Org, failed, func(ctx context.Context, tx gateway.Tx) error {
		_, err := tx.NextCase(ctx, Org, 2026)
		return errors.Join(failed, err)
	})
	if n := next(Org, 2026); n != 3 {
		t.Errorf("after one that was not written: got %d, want 3", n)
	}
	if err := db.Update(t.Context(), Other, func(tx gateway.Tx) error { _, err := tx.NextCase(t.Context(), Org, 2026); return err }); err == nil {
		t.Error("an organisation takes a number of another one")
	}
	addCase(t, db, caseRow(Org, 7, Start))
	refused(t, db, Org, gateway.ErrExists, func(ctx context.Context, tx gateway.Tx) error { return tx.AddCase(ctx, caseRow(Org, 7, Start)) })
	taken := caseRow(Org, 8, Start)
	taken.Code = Sum("taken")
	addCase(t, db, taken)
	again := caseRow(Org, 9, Start)
	again.Code = taken.Code
	refused(t, db, Org, gateway.ErrExists, func(ctx context.Context, tx gateway.Tx) error { return tx.AddCase(ctx, again) })
}

// caseNumbersAtOnce: many that come at once get a number each, without a gap.
func caseNumbersAtOnce(t *testing.T, db *store.DB) {
	const n = 40
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			err := db.Update(t.Context(), Org, func(tx gateway.Tx) error {
				serial, err := tx.NextCase(t.Context(), Org, 2026)
				if err != nil {
					return err
				}
				return tx.AddCase(t.Context(), caseRow(Org, serial, Start))
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	rows := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.CaseRow, error) {
		return r.Cases(ctx, gateway.CaseQuery{})
	})
	var got []int
	for _, c := range rows {
		got = append(got, c.Serial)
	}
	slices.Sort(got)
	if len(got) != n || got[0] != 1 || got[n-1] != n {
		t.Errorf("got the numbers %v", got)
	}
}

// casesHidden: what is kept from somebody is kept before pages are cut, with the
// records of what was done with it.
func casesHidden(t *testing.T, db *store.DB) {
	var ids []string
	acts := map[string]string{} // operation by case; "" stands for another one
	for i, kind := range []dispute.Kind{dispute.Repudiation, dispute.Conduct, dispute.Conduct, dispute.KeyLoss} {
		at := Start.Add(time.Duration(i) * time.Second)
		c := caseRow(Org, i+1, at)
		c.Kind = kind
		addCase(t, db, c)
		ids = append(ids, c.ID)
	}
	for i, id := range append([]string{""}, ids...) {
		b := Begin(Org, Start.Add(time.Duration(i)*time.Second))
		b.Operation.Kind, b.Operation.Case = "case.note", id
		begin(t, db, b)
		acts[id] = b.Operation.ID
	}
	for _, who := range []string{"budi", "budi", "cici"} {
		update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.Recuse(ctx, Org, ids[1], who, Start) })
	}
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.Recuse(ctx, Org, ids[3], "budi", Start) })
	refusedOther := db.Update(t.Context(), Other, func(tx gateway.Tx) error { return tx.Recuse(t.Context(), Org, ids[0], "budi", Start) })
	if refusedOther == nil {
		t.Error("an organisation keeps staff out of a case of another one")
	}
	update(t, db, Other, func(ctx context.Context, tx gateway.Tx) error { return tx.Readmit(ctx, ids[1], "budi") })
	see := func(name string, s gateway.CaseSight, want ...string) {
		t.Helper()
		var got, found []string
		for after := ""; ; {
			page := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.CaseRow, error) {
				return r.Cases(ctx, gateway.CaseQuery{Sight: s, Page: gateway.Page{After: after, Limit: 1}})
			})
			if len(page) == 0 {
				break
			}
			after = page[0].ID
			got = append(got, after)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s sees %v, want %v", name, got, want)
		}
		operations := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.Operation, error) {
			return r.Operations(ctx, gateway.OperationQuery{Sight: s})
		})
		for _, o := range operations {
			found = append(found, o.Case)
		}
		slices.Sort(found)
		if !slices.Equal(found, append([]string{""}, want...)) {
			t.Errorf("%s finds records of %q, want those of %q", name, found, want)
		}
		for _, id := range ids {
			hidden := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (bool, error) { return r.CaseHidden(ctx, id, s) })
			if hidden == slices.Contains(want, id) {
				t.Errorf("%s: case %s is hidden: %t", name, id, hidden)
			}
		}
	}
	see("everybody", gateway.CaseSight{}, ids...)
	see("an investigator", gateway.CaseSight{NoConduct: true, Staff: "ani"}, ids[0], ids[3])
	see("who is recused", gateway.CaseSight{Staff: "budi"}, ids[0], ids[2])
	see("both", gateway.CaseSight{NoConduct: true, Staff: "budi"}, ids[0])
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.Readmit(ctx, ids[1], "budi") })
	see("who was let in again", gateway.CaseSight{Staff: "budi"}, ids[0], ids[1], ids[2])
	recused := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]string, error) { return r.CaseRecusals(ctx, ids[1]) })
	if !slices.Equal(recused, []string{"cici"}) {
		t.Errorf("recused: %v", recused)
	}
	if o := operation(t, db, acts[ids[0]]); o.Case != ids[0] {
		t.Errorf("the operation is about %q", o.Case)
	}
}

// casesByDue: the most overdue come first, however many newer ones there are.
func casesByDue(t *testing.T, db *store.DB) {
	add := func(serial int, opened, due time.Time, state dispute.State) string {
		c := caseRow(Org, serial, opened)
		c.Due, c.State = due, state
		addCase(t, db, c)
		return c.ID
	}
	late := add(1, Start, Start.Add(time.Hour), dispute.Received)
	add(2, Start, time.Time{}, dispute.Received)
	add(3, Start, Start, dispute.Closed)
	next := add(4, Start.Add(time.Minute), Start.Add(2*time.Hour), dispute.Examined)
	for i := range 5 {
		add(10+i, Start.Add(time.Hour), Start.Add(48*time.Hour), dispute.Received)
	}
	rows := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.CaseRow, error) {
		return r.Cases(ctx, gateway.CaseQuery{Open: true, ByDue: true, Page: gateway.Page{Limit: 2}})
	})
	if len(rows) != 2 || rows[0].ID != late || rows[1].ID != next {
		t.Errorf("got %+v", rows)
	}
	err := db.View(t.Context(), Org, func(r gateway.Reader) error {
		_, err := r.Cases(t.Context(), gateway.CaseQuery{ByDue: true, Page: gateway.Page{After: late}})
		return err
	})
	if err == nil {
		t.Error("there is a page after")
	}
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
