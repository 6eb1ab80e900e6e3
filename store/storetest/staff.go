package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
)

var staffTests = map[string]func(*testing.T, *store.DB){
	"members":         staffMembers,
	"sessions":        staffSessions,
	"verdict counts":  verdictCounts,
	"other offices'":  staffOfOthers,
	"purged sessions": purgedSessions,
}

// Member makes a member of staff of Org.
func Member(username string) gateway.Staff {
	return gateway.Staff{
		ID: ID(Start), Organisation: Org, Username: username, Name: "Petugas Contoh", Role: gateway.RoleInvestigator, Password: "$argon2id$…",
		TOTP: []byte("sealed"), Status: gateway.StaffActive, CreatedAt: Start, Version: 1,
	}
}

func staffMembers(t *testing.T, db *store.DB) {
	m := Member("siti")
	add := func(m gateway.Staff) error {
		return db.Update(t.Context(), Org, func(tx gateway.Tx) error { return tx.AddStaff(t.Context(), m) })
	}
	if err := add(m); err != nil {
		t.Fatal(err)
	}
	if err := add(Member("siti")); !errors.Is(err, gateway.ErrExists) {
		t.Errorf("the same user name: got %v, want ErrExists", err)
	}
	change := func(m gateway.Staff) error {
		return db.Update(t.Context(), Org, func(tx gateway.Tx) error { return tx.UpdateStaff(t.Context(), m) })
	}
	old := m
	m.Failures, m.NotBefore, m.LastStep, m.Status, m.Password = 3, Start.Add(time.Minute), 58_000_000, gateway.StaffLocked, "$argon2id$other"
	if err := change(m); err != nil {
		t.Fatal(err)
	}
	if err := change(old); !errors.Is(err, gateway.ErrChanged) {
		t.Errorf("from an old reading: got %v, want ErrChanged", err)
	}
	m.Version++
	for name, read := range map[string]func(ctx context.Context, r gateway.Reader) (gateway.Staff, error){
		"by id":   func(ctx context.Context, r gateway.Reader) (gateway.Staff, error) { return r.Staff(ctx, m.ID) },
		"by name": func(ctx context.Context, r gateway.Reader) (gateway.Staff, error) { return r.StaffByName(ctx, "siti") },
		"listed": func(ctx context.Context, r gateway.Reader) (gateway.Staff, error) {
			all, err := r.AllStaff(ctx, gateway.Page{})
			if err != nil || len(all) != 1 {
				return gateway.Staff{}, errors.Join(err, errors.New("not one"))
			}
			return all[0], nil
		},
	} {
		if got := view(t, db, Org, read); !reflect.DeepEqual(got, m) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, m)
		}
	}
	for _, name := range noNames {
		err := db.View(t.Context(), Org, func(r gateway.Reader) error { _, err := r.StaffByName(t.Context(), name); return err })
		if !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("%q: got %v, want ErrNotFound", name, err)
		}
	}
}

// noNames are what a stranger may send as a name, and no database holds as text.
var noNames = []string{"siti\x00", "siti\xff", "\x00"}

// session is one of a member's that has just begun.
func session(m gateway.Staff, token string) gateway.Session {
	return gateway.Session{ID: Sum(token), Organisation: m.Organisation, Staff: m.ID, CreatedAt: Start, SeenAt: Start}
}

func staffSessions(t *testing.T, db *store.DB) {
	m := Member("siti")
	first, second := session(m, "first"), session(m, "second")
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(tx.AddStaff(ctx, m), tx.AddSession(ctx, first), tx.AddSession(ctx, second))
	})
	at := Start.Add(time.Minute)
	update(t, db, gateway.AllOrganisations, func(ctx context.Context, tx gateway.Tx) error { return tx.TouchSession(ctx, first.ID, at) })
	first.SeenAt = at
	read := func(id [32]byte) (s gateway.Session) {
		t.Helper()
		return view(t, db, gateway.AllOrganisations, func(ctx context.Context, r gateway.Reader) (gateway.Session, error) {
			s, whose, err := r.Session(ctx, id)
			if err == nil && !reflect.DeepEqual(whose, m) {
				t.Errorf("the session is of %+v, want %+v", whose, m)
			}
			return s, err
		})
	}
	if got := read(first.ID); got != first {
		t.Errorf("got %+v, want %+v", got, first)
	}
	for _, end := range []time.Time{at, at.Add(time.Minute)} {
		update(t, db, gateway.AllOrganisations, func(ctx context.Context, tx gateway.Tx) error { return tx.EndSession(ctx, first.ID, end) })
	}
	if got := read(first.ID).EndedAt; !got.Equal(at) {
		t.Errorf("ended twice: got %v, want the first end %v", got, at)
	}
	err := db.Update(t.Context(), gateway.AllOrganisations, func(tx gateway.Tx) error { return tx.TouchSession(t.Context(), first.ID, at) })
	if !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("use after the end: got %v, want ErrNotFound", err)
	}
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.EndSessions(ctx, m.ID, at.Add(time.Hour)) })
	if got := read(second.ID).EndedAt; !got.Equal(at.Add(time.Hour)) {
		t.Errorf("all ended: got %v", got)
	}
	if got := read(first.ID).EndedAt; !got.Equal(at) {
		t.Errorf("all ended: the first end became %v", got)
	}
}

func verdictCounts(t *testing.T, db *store.DB) {
	zone := 7 * time.Hour
	late := time.Date(2026, 11, 21, 17, 0, 0, 0, time.UTC) // the next day in WIB
	update(t, db, gateway.AllOrganisations, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(
			tx.AddVerdicts(ctx, Org, "o1", Start, map[string]int64{"TOTAL-PASSED": 3, "TOTAL-FAILED": 1}),
			tx.AddVerdicts(ctx, Org, "o2", Start.Add(time.Hour), map[string]int64{"TOTAL-PASSED": 2}),
			tx.AddVerdicts(ctx, Org, "o3", late, map[string]int64{"TOTAL-PASSED": 1}),
			tx.AddVerdicts(ctx, Other, "o4", Start, map[string]int64{"TOTAL-PASSED": 100}))
	})
	got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.VerdictCount, error) {
		return r.CountVerdicts(ctx, Start, late.Add(time.Second), zone)
	})
	day := time.Date(2026, 11, 20, 17, 0, 0, 0, time.UTC)
	want := []gateway.VerdictCount{{Day: day, Verdict: "TOTAL-FAILED", N: 1}, {Day: day, Verdict: "TOTAL-PASSED", N: 5}, {Day: day.Add(24 * time.Hour), Verdict: "TOTAL-PASSED", N: 1}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	again := db.Update(t.Context(), Org, func(tx gateway.Tx) error {
		return tx.AddVerdicts(t.Context(), Org, "o1", Start, map[string]int64{"TOTAL-PASSED": 1})
	})
	if !errors.Is(again, gateway.ErrExists) {
		t.Errorf("an operation counted twice: got %v, want ErrExists", again)
	}
}

// staffOfOthers: staff and sessions of another office are out of sight.
func staffOfOthers(t *testing.T, db *store.DB) {
	m := Member("siti")
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(tx.AddStaff(ctx, m), tx.AddSession(ctx, session(m, "token")))
	})
	for name, act := range map[string]func(tx gateway.Tx) error{
		"member":      func(tx gateway.Tx) error { _, err := tx.Staff(t.Context(), m.ID); return err },
		"by name":     func(tx gateway.Tx) error { _, err := tx.StaffByName(t.Context(), "siti"); return err },
		"session":     func(tx gateway.Tx) error { _, _, err := tx.Session(t.Context(), Sum("token")); return err },
		"change":      func(tx gateway.Tx) error { return tx.UpdateStaff(t.Context(), m) },
		"use":         func(tx gateway.Tx) error { return tx.TouchSession(t.Context(), Sum("token"), Start) },
		"end":         func(tx gateway.Tx) error { return tx.EndSession(t.Context(), Sum("token"), Start) },
		"add":         func(tx gateway.Tx) error { return tx.AddStaff(t.Context(), Member("budi")) },
		"add session": func(tx gateway.Tx) error { return tx.AddSession(t.Context(), session(m, "other")) },
		"verdicts": func(tx gateway.Tx) error {
			return tx.AddVerdicts(t.Context(), Org, "o1", Start, map[string]int64{"TOTAL-PASSED": 1})
		},
	} {
		if err := db.Update(t.Context(), Other, act); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	if err := db.Update(t.Context(), Other, func(tx gateway.Tx) error { return tx.EndSessions(t.Context(), m.ID, Start) }); err != nil {
		t.Error(err)
	}
	still := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.Session, error) {
		s, _, err := r.Session(ctx, Sum("token"))
		return s, err
	})
	if !still.EndedAt.IsZero() {
		t.Error("another office ended the session")
	}
}

func purgedSessions(t *testing.T, db *store.DB) {
	m := Member("siti")
	late := session(m, "late")
	late.CreatedAt = Start.Add(time.Hour)
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(tx.AddStaff(ctx, m), tx.AddSession(ctx, session(m, "a")), tx.AddSession(ctx, session(m, "b")), tx.AddSession(ctx, late))
	})
	var counts []int
	for range 3 {
		update(t, db, gateway.AllOrganisations, func(ctx context.Context, tx gateway.Tx) error {
			n, err := tx.PurgeSessions(ctx, Start.Add(time.Minute), 1)
			counts = append(counts, n)
			return err
		})
	}
	if !reflect.DeepEqual(counts, []int{1, 1, 0}) {
		t.Errorf("got %v, want one at a time and the late one kept", counts)
	}
}
