package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
	"github.com/absah-id/absah/store/storetest"
)

// childRole makes this test binary play one of several processes.
const childRole = "ABSAH_STORE_CHILD"

// child works on the database until it is killed or has nothing to do. It
// prints what was acknowledged to it.
func child(role, url string) int {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{URL: url})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer db.Close()
	switch role {
	case "writer":
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() { write(ctx, db) })
		}
		wg.Wait()
	case "sequencer":
		err = sequence(ctx, db)
	case "guesser":
		err = guess(ctx, db)
	case "failing":
		err = fail(ctx, db)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// write begins and ends operations for ever.
func write(ctx context.Context, db *store.DB) {
	for {
		b := storetest.Begin(storetest.Org, time.Now().UTC())
		b.Reservation = &gateway.Reservation{Application: "e-office", Key: b.Operation.ID, ExpiresAt: b.Operation.StartedAt.Add(time.Hour)}
		for _, step := range []struct {
			name string
			fn   func(gateway.Tx) error
		}{
			{"begun", func(tx gateway.Tx) error { _, err := tx.BeginOperation(ctx, b); return err }},
			{"ended", func(tx gateway.Tx) error { return tx.FinishOperation(ctx, storetest.Finish(b)) }},
		} {
			if err := db.Update(ctx, storetest.Org, step.fn); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return
			}
			fmt.Println(step.name, b.Operation.ID)
		}
	}
}

// sequence gives places until nothing is pending.
func sequence(ctx context.Context, db *store.DB) error {
	for {
		n, err := storetest.Sequence(ctx, db, 3)
		switch {
		case errors.Is(err, evidence.ErrConflict):
			fmt.Println("lost")
		case err != nil || n == 0:
			return err
		default:
			fmt.Println("won", n)
		}
	}
}

// guess tries wrong passphrases until it is locked out.
func guess(ctx context.Context, db *store.DB) error {
	p := gateway.AttemptPolicy{Limit: 10, ReservedFor: time.Minute, Window: time.Hour}
	for {
		err := db.Update(ctx, storetest.Org, func(tx gateway.Tx) error {
			_, err := tx.BeginAttempt(ctx, "bupati", "e-office", storetest.Start, p)
			return err
		})
		switch {
		case errors.Is(err, gateway.ErrLocked):
			return nil
		case errors.Is(err, gateway.ErrTooSoon):
			continue
		case err != nil:
			return err
		}
		fmt.Println("tried")
		if err := db.Update(ctx, storetest.Org, func(tx gateway.Tx) error {
			_, err := tx.EndAttempt(ctx, "bupati", "e-office", false, storetest.Start, p)
			return err
		}); err != nil {
			return err
		}
	}
}

// start runs a child and returns its output.
func start(t *testing.T, role, url string) (*exec.Cmd, io.Reader) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, url)
	cmd.Env = append(os.Environ(), childRole+"="+role)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// engines are both kinds of databases.
var engines = []storetest.Engine{storetest.SQLite, storetest.Postgres}

// raw opens a database behind the store's back, as its administrator.
func raw(t *testing.T, o store.Options) *sql.DB {
	t.Helper()
	driver, address := "pgx", o.URL
	if path, ok := strings.CutPrefix(o.URL, "sqlite:"); ok {
		driver, address = "sqlite3", "file:"+path+"?_busy_timeout=10000"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// number returns the one number that a query gives.
func number(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// TestKilledWhileWriting kills a process that writes with 16 goroutines, again
// and again: what was acknowledged is there, and nothing is there by half.
func TestKilledWhileWriting(t *testing.T) {
	for _, e := range engines {
		t.Run(e.Name, func(t *testing.T) {
			o := e.Fresh(t)
			acknowledged := map[string]string{}
			for kill := range 5 {
				cmd, out := start(t, "writer", o.URL)
				lines := bufio.NewScanner(out)
				for n := 0; lines.Scan(); n++ {
					if what, id, ok := strings.Cut(lines.Text(), " "); ok {
						acknowledged[id] = what
					}
					if n == 40+kill*61 {
						if err := cmd.Process.Kill(); err != nil {
							t.Fatal(err)
						}
					}
				}
				if err := cmd.Wait(); err == nil {
					t.Fatal("the child ended by itself")
				}
				checkWhole(t, storetest.OpenWith(t, o), raw(t, o), acknowledged)
			}
			t.Logf("%d operations acknowledged over 5 kills", len(acknowledged))
		})
	}
}

// checkWhole compares the database with what was acknowledged.
func checkWhole(t *testing.T, db *store.DB, admin *sql.DB, acknowledged map[string]string) {
	t.Helper()
	err := db.View(t.Context(), storetest.Org, func(r gateway.Reader) error {
		for id, what := range acknowledged {
			o, err := r.Operation(t.Context(), id)
			if err != nil || what == "ended" && o.Status != gateway.OperationOK {
				t.Errorf("%s was acknowledged as %s and is %q, %v", id, what, o.Status, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for name, query := range map[string]string{
		"entries without an operation":   `SELECT count(*) FROM entries WHERE operation NOT IN (SELECT id FROM operations)`,
		"operations without an intent":   `SELECT count(*) FROM operations WHERE id NOT IN (SELECT operation FROM entries WHERE phase = 'intent')`,
		"operations without a key":       `SELECT count(*) FROM operations WHERE id NOT IN (SELECT operation FROM idempotency)`,
		"ended without an outcome":       `SELECT count(*) FROM operations WHERE (status <> 'pending') <> (id IN (SELECT operation FROM entries WHERE phase = 'outcome'))`,
		"entries that wait for no place": `SELECT count(*) FROM entries WHERE (id IN (SELECT entry FROM pending)) = (id IN (SELECT entry FROM leaves))`,
		"open intents that are not":      `SELECT count(*) FROM operations WHERE (status = 'pending') <> (id IN (SELECT operation FROM open_intents))`,
	} {
		if n := number(t, admin, query); n != 0 {
			t.Errorf("%d %s", n, name)
		}
	}
}

// TestTwoProcesses lets two processes sequence, and guess, on one database.
func TestTwoProcesses(t *testing.T) {
	for _, e := range engines {
		t.Run(e.Name, func(t *testing.T) {
			o := e.Fresh(t)
			db := storetest.OpenWith(t, o)
			const n = 120
			for range n {
				if err := db.Append(t.Context(), storetest.Entry(storetest.Org, storetest.ID(storetest.Start), evidence.PhaseEvent, storetest.Start)); err != nil {
					t.Fatal(err)
				}
			}
			sequenced := map[string]int{}
			for _, line := range both(t, "sequencer", o.URL) {
				var k int
				if _, err := fmt.Sscanf(line, "won %d", &k); err == nil {
					sequenced["won"] += k
				} else {
					sequenced[line]++
				}
			}
			head, err := db.Head(t.Context())
			if err != nil || head.Size != n || sequenced["won"] != n {
				t.Errorf("head %+v, %v; sequenced %v, want %d", head, err, sequenced, n)
			}
			admin := raw(t, o)
			if got := number(t, admin, `SELECT count(*) FROM leaves l JOIN entries e ON e.id = l.entry`); got != n {
				t.Errorf("%d leaves, want %d", got, n)
			}
			if tried := len(both(t, "guesser", o.URL)); tried != 10 {
				t.Errorf("%d passphrases were tried, want 10", tried)
			}
		})
	}
}

// both runs two children and returns the lines that they printed.
func both(t *testing.T, role, url string) (all []string) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 2 {
		cmd, out := start(t, role, url)
		wg.Go(func() {
			lines := bufio.NewScanner(out)
			for lines.Scan() {
				mu.Lock()
				all = append(all, lines.Text())
				mu.Unlock()
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("%s: %v", role, err)
			}
		})
	}
	wg.Wait()
	return all
}
