package fault_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/store"
)

// whole are counts that are 0 in a database in which nothing is by half,
// whatever is under way.
var whole = map[string]string{
	"entries without an operation":      `SELECT count(*) FROM entries WHERE operation NOT IN (SELECT id FROM operations)`,
	"operations that are not on record": `SELECT count(*) FROM operations WHERE id NOT IN (SELECT operation FROM entries WHERE phase IN ('intent', 'event'))`,
	"ended without an outcome": `SELECT count(*) FROM operations o WHERE o.status <> 'pending'
		AND NOT EXISTS (SELECT 1 FROM entries e WHERE e.operation = o.id AND e.phase IN ('outcome', 'event'))`,
	"pending with an outcome": `SELECT count(*) FROM operations o WHERE o.status = 'pending'
		AND EXISTS (SELECT 1 FROM entries e WHERE e.operation = o.id AND e.phase = 'outcome')`,
	"outcomes without an intent":                 `SELECT count(*) FROM entries WHERE phase = 'outcome' AND operation NOT IN (SELECT operation FROM entries WHERE phase = 'intent')`,
	"entries that neither wait nor have a place": `SELECT count(*) FROM entries WHERE (id IN (SELECT entry FROM pending)) = (id IN (SELECT entry FROM leaves))`,
	"open intents that are not":                  `SELECT count(*) FROM operations WHERE (status = 'pending') <> (id IN (SELECT operation FROM open_intents))`,
	"answers kept without a success":             `SELECT count(*) FROM idempotency i JOIN operations o ON o.id = i.operation WHERE (i.tail IS NOT NULL) <> (o.status = 'ok')`,
	"two roots for a size":                       `SELECT count(*) FROM (SELECT size FROM checkpoints GROUP BY size HAVING count(DISTINCT root) > 1) AS t`,
	"checkpoints above the head":                 `SELECT count(*) FROM checkpoints WHERE size > (SELECT size FROM log_head)`,
	"artefacts that are not what they are":       `SELECT count(*) FROM artefacts WHERE size <> length(data)`,
}

// checkWhole looks for halves.
func (w *world) checkWhole(when string) {
	w.t.Helper()
	for what, query := range whole {
		if n := w.number(query); n != 0 {
			w.t.Errorf("seed %d, %s: %d %s", *seed, when, n, what)
		}
	}
}

func (w *world) number(query string, args ...any) (n int) {
	w.t.Helper()
	if err := w.admin.QueryRowContext(w.t.Context(), query, args...).Scan(&n); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// checkReleased looks up the documents that clients have received since the last
// call: each has its outcome, which says the same as document and receipt.
func (w *world) checkReleased(l *ledger) {
	w.t.Helper()
	l.mu.Lock()
	fresh := l.fresh
	l.fresh = nil
	l.mu.Unlock()
	for _, d := range fresh {
		var (
			status               string
			output, record, leaf []byte
		)
		err := w.admin.QueryRowContext(w.t.Context(), `SELECT o.status, o.output_sha256, e.record, e.leaf FROM operations o
			JOIN entries e ON e.operation = o.id AND e.phase = 'outcome' WHERE o.id = $1`, d.operation).Scan(&status, &output, &record, &leaf)
		if err != nil {
			l.wrongf("%s was released and has no outcome: %v", d.operation, err)
			continue
		}
		r, err := evidence.ParseRecord(record)
		if err != nil || status != "ok" || string(output) != string(d.output[:]) || r.Result.Status != evidence.StatusOK ||
			r.Subject.OutputSHA256 != hex.EncodeToString(d.output[:]) || r.Subject.InputSHA256 != hex.EncodeToString(d.input[:]) || r.Signer.ID != d.seal {
			l.wrongf("%s was released, and on record is: %s %s %v", d.operation, status, record, err)
		}
		receipt, err := evidence.VerifyReceipt(d.receipt, w.keys)
		if err != nil || receipt.Operation != d.operation || string(receipt.Leaf[:]) != string(leaf) {
			l.wrongf("%s: the receipt is not of its outcome: %v", d.operation, err)
		}
	}
}

// checkProofs proves that the outcomes of documents are in the tree.
func (w *world) checkProofs(documents []*document) {
	t := w.t
	t.Helper()
	ctx := t.Context()
	db, err := store.Open(ctx, store.Options{URL: w.database, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, nobody, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	log, err := evidence.New(evidence.Config{Store: db, Origin: origin, Signer: nobody, PastKeys: w.keys})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		if err := w.prove(ctx, log, d); err != "" {
			t.Errorf("seed %d: %s: %s", *seed, d.operation, err)
		}
	}
}

// prove returns what is wrong with the proof of a document's outcome.
func (w *world) prove(ctx context.Context, log *evidence.Log, d *document) string {
	receipt, err := evidence.VerifyReceipt(d.receipt, w.keys)
	if err != nil {
		return err.Error()
	}
	proofs, err := log.Prove(ctx, d.operation)
	if err != nil {
		return err.Error()
	}
	if len(proofs) != 2 {
		return "it has not just an intent and an outcome"
	}
	for _, p := range proofs {
		if _, _, err := evidence.VerifyProof(p.Marshal(), p.Entry.Leaf, origin, w.keys); err != nil {
			return err.Error()
		}
		if p.Entry.Phase == evidence.PhaseOutcome && p.Entry.Leaf != receipt.Leaf {
			return "the tree has another outcome than the receipt"
		}
	}
	return ""
}

// intent is a row of the log that allows a signature.
type intent struct {
	operation string
	at        time.Time // cut to milliseconds
	input     [32]byte
	signed    bool
}

// checkSignatures holds the spy's log against the intents. Each client seals one
// letter after the other with a seal of its own, so the signatures of a seal
// and its intents take turns: every signature follows an intent that no other
// has taken. And no letter with an idempotency key is signed twice.
func (w *world) checkSignatures(l *ledger) (signatures int) {
	t := w.t
	t.Helper()
	intents := w.intents()
	signed := map[[32]byte]int{}
	for _, s := range w.shim.Log() {
		if !slices.Contains(w.seals, s.Label) {
			continue // receipts, checkpoints, personal keys
		}
		signatures++
		found := allowing(intents[s.Label], s.Time)
		if found == nil {
			t.Errorf("seed %d: a signature by %s at %v without an intent of its own", *seed, s.Label, s.Time)
			continue
		}
		found.signed = true
		signed[found.input]++
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for input, n := range signed {
		r := l.requests[input]
		if r == nil {
			t.Errorf("seed %d: %x was signed, and nobody asked for it", *seed, input)
		} else if r.key != "" && n > 1 || n > r.sends {
			t.Errorf("seed %d: %x (key %q) was sent %d times and signed %d times", *seed, input, r.key, r.sends, n)
		}
	}
	return signatures
}

// allowing finds the intent that a signature at that moment belongs to: the last
// one before it. Times of intents are cut to milliseconds. When that one has
// been taken it is the one before: a worker outlives its gateway by a moment, in
// which another node may have begun for the same client.
func allowing(of []*intent, at time.Time) *intent {
	const moment = 100 * time.Millisecond
	for i := len(of) - 1; i >= 0; i-- {
		if of[i].at.After(at) {
			continue
		}
		// The next one, if it has begun, has done so within the moment.
		if i+1 < len(of) && of[i+1].at.Before(at.Add(-moment)) {
			return nil
		}
		if !of[i].signed {
			return of[i]
		}
	}
	return nil
}

// intents are those of seals, oldest first.
func (w *world) intents() map[string][]*intent {
	t := w.t
	t.Helper()
	rows, err := w.admin.QueryContext(t.Context(), `SELECT operation, record FROM entries WHERE phase = 'intent' AND kind = 'seal' ORDER BY operation`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string][]*intent{}
	for rows.Next() {
		var (
			i      intent
			record []byte
		)
		if err := rows.Scan(&i.operation, &record); err != nil {
			t.Fatal(err)
		}
		r, err := evidence.ParseRecord(record)
		if err != nil {
			t.Fatal(err)
		}
		i.at = r.Time
		if _, err := hex.Decode(i.input[:], []byte(r.Subject.InputSHA256)); err != nil {
			t.Fatal(err)
		}
		all[r.Signer.ID] = append(all[r.Signer.ID], &i)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// checkFiles looks for files that a kill has left.
func (n *node) checkFiles() {
	t := n.w.t
	t.Helper()
	for dir, allowed := range map[string][]string{
		filepath.Dir(n.floor): {"floor", "floor.lock"},
		n.spool:               nil,
		filepath.Dir(strings.TrimPrefix(n.w.database, "sqlite:")): {"absah.db", "absah.db-wal", "absah.db-shm", "absah.db.migrate", "absah.db.turn"},
	} {
		if strings.HasPrefix(dir, "postgres") {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !slices.Contains(allowed, e.Name()) {
				t.Errorf("%s is left in %s", e.Name(), filepath.Base(dir))
			}
		}
	}
	text, err := os.ReadFile(n.floor)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.VerifyCheckpoint(text, origin, n.w.keys); err != nil {
		t.Errorf("the floor is no checkpoint: %v", err)
	}
}

// settled waits until nothing is open and nothing waits for its place.
func (w *world) settled() {
	w.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		open := w.number(`SELECT count(*) FROM open_intents`)
		pending := w.number(`SELECT count(*) FROM pending`)
		published := w.number(`SELECT count(*) FROM checkpoints WHERE size = (SELECT size FROM log_head)`)
		if open == 0 && pending == 0 && published == 1 {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("seed %d: %d intents stay open, %d entries wait, %d checkpoints of the head", *seed, open, pending, published)
		}
	}
}
