package storetest

import (
	"errors"
	"reflect"
	"testing"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
)

// publishedLists: what was signed, timestamped and cosigned is listed once, what came
// late too, and a list does not ask for another one.
func publishedLists(t *testing.T, db *store.DB) {
	unlisted := func() (all []evidence.Published) {
		err := db.View(t.Context(), Org, func(r gateway.Reader) (err error) {
			all, err = r.Unlisted(t.Context(), 100)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	add := func(operation string, list []evidence.Published) error {
		return db.Update(t.Context(), Org, func(tx gateway.Tx) error { return tx.ListPublished(t.Context(), operation, list) })
	}
	grow := func(operation string) int64 {
		if err := db.Append(t.Context(), Entry(Org, operation, evidence.PhaseEvent, Start)); err != nil {
			t.Fatal(err)
		}
		if _, err := Sequence(t.Context(), db, 10); err != nil {
			t.Fatal(err)
		}
		head, err := db.Head(t.Context())
		if err == nil {
			err = db.SaveCheckpoint(t.Context(), evidence.Checkpoint{Head: head, Note: []byte("note"), Time: Start})
		}
		if err != nil {
			t.Fatal(err)
		}
		return head.Size
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := unlisted(); len(got) != 0 {
		t.Errorf("an empty log: %v", got)
	}
	one := grow("op-1")
	grow("op-2")
	must(db.Annotate(t.Context(), 2, evidence.Annotation{Token: []byte("token"), Material: [][32]byte{{1}}, Cosignatures: []string{"line\n"}}))
	material := make([]byte, 32)
	material[0] = 1
	want := []evidence.Published{
		evidence.NotePublished(one, []byte("note")), evidence.NotePublished(2, []byte("note")),
		evidence.TokenPublished(2, []byte("token"), material), evidence.CosignaturePublished(2, "line\n"),
	}
	first := unlisted()
	if !reflect.DeepEqual(first, want) {
		t.Fatalf("got %v, want %v", first, want)
	}
	must(add("list", first))
	if err := add("other", first[:1]); !errors.Is(err, gateway.ErrChanged) {
		t.Errorf("listed twice: got %v, want ErrChanged", err)
	}
	if got := unlisted(); len(got) != 0 {
		t.Errorf("all is listed, and asked for is %v", got)
	}
	grow("list") // its own checkpoint, and what is said of that, asks for no other
	must(db.Annotate(t.Context(), 3, evidence.Annotation{Token: []byte("token")}))
	if got := unlisted(); len(got) != 0 {
		t.Errorf("a list asks for another one: %v", got)
	}
	must(db.Annotate(t.Context(), 1, evidence.Annotation{Token: []byte("late")}))
	if got := unlisted(); len(got) != 3 || got[1] != evidence.TokenPublished(1, []byte("late"), nil) {
		t.Errorf("a late timestamp: %v", got)
	}
}
