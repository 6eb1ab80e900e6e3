package evidence_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/evidencetest"
)

// TestForgedMarks: who writes to the database puts a timestamp of his own, and lines
// that are no cosignatures or false ones, beside checkpoints before the authority and
// the witness have answered. Proofs are under the next checkpoint whose timestamp is
// one, and carry none of the lines; the audit names them.
func TestForgedMarks(t *testing.T) {
	store := new(evidencetest.Store)
	_, c1 := newWitness(t, 11)
	forged := []byte("palsu")
	l := newLog(t, store, func(c *evidence.Config) {
		c.Witnesses, c.Timestamper = []evidence.Witness{c1}, new(stamper)
		c.Token = func(token []byte, digest [32]byte) error {
			if !bytes.Equal(token, digest[:]) { // as stamper gives it
				return errors.New("not over the checkpoint")
			}
			return nil
		}
	})
	add(t, l, store, 0, 3)
	integrate(t, l)
	mark := func(size int64, a evidence.Annotation) {
		t.Helper()
		if err := store.Annotate(t.Context(), size, a); err != nil {
			t.Fatal(err)
		}
	}
	mark(3, evidence.Annotation{Token: forged, Cosignatures: []string{"palsu\n", "— witness11.example AAAAAAAA\n", "— a AAAAAAAA\n\npalsu\n"}})
	logKey, _ := l.Keys()
	prove := func() evidence.Proof {
		t.Helper()
		proofs, err := l.Prove(t.Context(), operation(0))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := evidence.VerifyProof(proofs[0].Marshal(), proofs[0].Entry.Leaf, origin, []string{logKey}); err != nil {
			t.Errorf("a proof with forged lines: %v", err)
		}
		return proofs[0]
	}
	prove()
	add(t, l, store, 3, 2)
	integrate(t, l)
	if err := errors.Join(l.Cosign(t.Context()), l.Stamp(t.Context())); err != nil {
		t.Fatal(err)
	}
	if p := prove(); p.Checkpoint.Size != 5 || bytes.Equal(p.Checkpoint.Token, forged) || len(p.Checkpoint.Cosignatures) != 1 {
		t.Errorf("proven under the checkpoint of %d with %q and %q", p.Checkpoint.Size, p.Checkpoint.Token, p.Checkpoint.Cosignatures)
	}
	f, err := evidence.Audit(t.Context(), evidence.AuditConfig{Store: store, Origin: origin, Keys: l.AllKeys()})
	if err != nil || f.Rule != evidence.RuleListed {
		t.Errorf("audit: %+v, %v", f, err)
	}
}

// TestForgedCheckpoint: who writes to the database has a checkpoint of his own lead to
// records of his own. Nothing is proven by one that the log has not signed.
func TestForgedCheckpoint(t *testing.T) {
	store := new(evidencetest.Store)
	l := newLog(t, store)
	add(t, l, store, 0, 3)
	integrate(t, l)
	if _, err := l.Prove(t.Context(), operation(0)); err != nil {
		t.Fatal(err)
	}
	genuine := store.Rows.Checkpoints[3]
	for name, note := range map[string][]byte{
		"no note":         []byte("palsu\n"),
		"another's root":  bytes.Replace(genuine.Note, []byte(genuine.Root.String()), []byte(evidence.Head{}.Root.String()), 1),
		"no signature":    genuine.Note[:bytes.Index(genuine.Note, []byte("\n\n"))+2],
		"another's size":  bytes.Replace(genuine.Note, []byte("\n3\n"), []byte("\n4\n"), 1),
		"nothing at all":  nil,
		"a genuine other": genuine.Note,
	} {
		c := genuine
		c.Note = note
		if name == "a genuine other" { // of another tree than the row says
			c.Root[0] ^= 1
		}
		store.Rows.Checkpoints[3] = c
		if _, err := l.Prove(t.Context(), operation(0)); !errors.Is(err, evidence.ErrTampered) {
			t.Errorf("%s: got %v, want ErrTampered", name, err)
		}
	}
}
