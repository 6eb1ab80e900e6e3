package dispute_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
)

// monday is one; the tests take place around it.
var monday = time.Date(2026, 11, 16, 3, 0, 0, 0, time.UTC)

func at(days int) time.Time { return monday.AddDate(0, 0, days) }

func act(by string, days int) dispute.Act {
	return dispute.Act{By: by, At: at(days), Reason: "karena"}
}

// reach returns a case in the state.
func reach(t testing.TB, k dispute.Kind, s dispute.State) dispute.Case {
	t.Helper()
	c := dispute.Open("id", dispute.Number(2026, 7), k, monday)
	step := func(next dispute.Case, err error) {
		if err != nil {
			t.Fatal(err)
		}
		c = next
	}
	if s == dispute.Received {
		return c
	}
	step(c.Examine(act("ani", 0)))
	if s == dispute.Examined {
		return c
	}
	c.AssistedAt = at(0)
	if s == dispute.Escalated {
		step(c.Move(dispute.Escalated, act("ani", 0), dispute.DefaultRules()))
		return c
	}
	step(c.Move(dispute.Answered, act("ani", 0), dispute.DefaultRules()))
	if s == dispute.Answered {
		return c
	}
	step(c.Propose(dispute.Upheld, act("ani", 0)))
	step(c.Approve(act("budi", 0)))
	return c
}

// TestMoves tries every move from every state.
func TestMoves(t *testing.T) {
	want := map[dispute.State][]dispute.State{
		dispute.Received:  {}, // examined by Examine, or by Move once there are findings
		dispute.Examined:  {dispute.Escalated, dispute.Answered},
		dispute.Escalated: {dispute.Examined, dispute.Answered},
		dispute.Answered:  {dispute.Examined},
		dispute.Closed:    {},
	}
	for _, from := range dispute.States {
		for _, to := range dispute.States {
			c := reach(t, dispute.Authenticity, from)
			c.AssistedAt = at(0)
			next, err := c.Move(to, act("ani", 1), dispute.DefaultRules())
			may := slices.Contains(want[from], to)
			if (err == nil) != may {
				t.Errorf("%s to %s: got %v, want allowed %t", from, to, err, may)
			}
			if err != nil && next.State != from {
				t.Errorf("%s to %s: refused and yet %s", from, to, next.State)
			}
			if err == nil && (next.State != to || !next.Since.Equal(at(1))) {
				t.Errorf("%s to %s: got %s since %v", from, to, next.State, next.Since)
			}
		}
	}
}

func TestMovesAreRefused(t *testing.T) {
	strict := dispute.DefaultRules()
	strict.MustEscalate = []dispute.Kind{dispute.Repudiation}
	for _, test := range []struct {
		name  string
		kind  dispute.Kind
		from  dispute.State
		to    dispute.State
		act   dispute.Act
		asked bool
		want  error
	}{
		{"nobody", dispute.Authenticity, dispute.Examined, dispute.Answered, dispute.Act{At: at(1), Reason: "x"}, true, dispute.ErrNoReason},
		{"with words that nobody sees", dispute.Authenticity, dispute.Examined, dispute.Answered, dispute.Act{By: "ani", At: at(1), Reason: "\u200b"}, true, dispute.ErrNoReason},
		{"without words", dispute.Authenticity, dispute.Examined, dispute.Answered, dispute.Act{By: "ani", At: at(1), Reason: " \n"}, true, dispute.ErrNoReason},
		{"before it was examined", dispute.Authenticity, dispute.Received, dispute.Answered, act("ani", 1), true, dispute.ErrNoSuchMove},
		{"the clock went back", dispute.Authenticity, dispute.Examined, dispute.Answered, act("ani", -1), true, dispute.ErrBackwards},
		{"escalated without a letter", dispute.Authenticity, dispute.Examined, dispute.Escalated, act("ani", 1), false, dispute.ErrNotAsked},
		{"answered although the region must ask", dispute.Repudiation, dispute.Examined, dispute.Answered, act("ani", 1), false, dispute.ErrNotAsked},
		{"answered where the region may ask", dispute.Authenticity, dispute.Examined, dispute.Answered, act("ani", 1), false, nil},
		{"closed by a move", dispute.Authenticity, dispute.Answered, dispute.Closed, act("ani", 1), true, dispute.ErrNoSuchMove},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := reach(t, test.kind, test.from)
			if test.asked {
				c.AssistedAt = at(0)
			}
			_, err := c.Move(test.to, test.act, strict)
			var move *dispute.MoveError
			if !errors.Is(err, test.want) || err != nil && !errors.As(err, &move) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestClosingNeedsTwo(t *testing.T) {
	answered := reach(t, dispute.Authenticity, dispute.Answered)
	proposed, err := answered.Propose(dispute.Rejected, act("ani", 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		do   func() (dispute.Case, error)
		want error
	}{
		{"approved without a proposal", func() (dispute.Case, error) { return answered.Approve(act("budi", 1)) }, dispute.ErrNoClosing},
		{"by the same person", func() (dispute.Case, error) { return proposed.Approve(act("ani", 2)) }, dispute.ErrSamePerson},
		{"by nobody", func() (dispute.Case, error) { return proposed.Approve(act("", 2)) }, dispute.ErrSamePerson},
		{"before it was proposed", func() (dispute.Case, error) { return proposed.Approve(act("budi", 0)) }, dispute.ErrBackwards},
		{"proposed before the answer", func() (dispute.Case, error) {
			return reach(t, dispute.Authenticity, dispute.Examined).Propose(dispute.Upheld, act("ani", 1))
		}, dispute.ErrNoSuchMove},
		{"proposed without a reason", func() (dispute.Case, error) {
			return answered.Propose(dispute.Upheld, dispute.Act{By: "ani", At: at(1)})
		}, dispute.ErrNoReason},
		{"proposed with an outcome that is none", func() (dispute.Case, error) { return answered.Propose("perhaps", act("ani", 1)) }, dispute.ErrNoSuchMove},
		{"withdrawn before anything was done", func() (dispute.Case, error) {
			return reach(t, dispute.Authenticity, dispute.Received).Propose(dispute.Withdrawn, act("ani", 1))
		}, nil},
		{"by a second person", func() (dispute.Case, error) { return proposed.Approve(act("budi", 2)) }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := test.do(); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
	closed, err := proposed.Approve(act("budi", 2))
	if err != nil || closed.State != dispute.Closed || closed.Outcome != dispute.Rejected || closed.ClosedBy != "budi" {
		t.Errorf("got %+v, %v", closed, err)
	}
	reopened, err := proposed.Move(dispute.Examined, act("ani", 2), dispute.DefaultRules())
	if err != nil || reopened.Closing != nil {
		t.Errorf("an objection leaves the proposal: %+v, %v", reopened.Closing, err)
	}
	looked, err := proposed.Examine(act("ani", 2))
	if err != nil || looked.Closing != nil {
		t.Errorf("another examination leaves the proposal: %+v, %v", looked.Closing, err)
	}
	other, void := proposed.Supplied()
	if !void || other.Closing != nil || proposed.Closing == nil {
		t.Errorf("another file leaves the proposal: %t, %+v", void, other.Closing)
	}
	// Nothing is decided of a file that nobody has looked at.
	if _, err := other.Propose(dispute.Upheld, act("ani", 3)); !errors.Is(err, dispute.ErrNoFindings) {
		t.Errorf("closing is proposed by findings of another file: %v", err)
	}
	if _, err := other.Propose(dispute.Withdrawn, act("ani", 3)); err != nil {
		t.Errorf("the complainant withdraws: %v", err)
	}
	back, err := other.Move(dispute.Examined, act("ani", 3), dispute.DefaultRules())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := back.Move(dispute.Answered, act("ani", 3), dispute.DefaultRules()); !errors.Is(err, dispute.ErrNoFindings) {
		t.Errorf("answered by findings of another file: %v", err)
	}
	if back, err = back.Examine(act("ani", 3)); err != nil {
		t.Fatal(err)
	}
	if _, err := back.Move(dispute.Answered, act("ani", 3), dispute.DefaultRules()); err != nil {
		t.Errorf("answered after the examination: %v", err)
	}
	if _, void := answered.Reconsider(); void {
		t.Error("there was nothing to make void")
	}
	for name, do := range map[string]func() (dispute.Case, error){
		"examined": func() (dispute.Case, error) { return closed.Examine(act("ani", 3)) },
		"proposed": func() (dispute.Case, error) { return closed.Propose(dispute.Upheld, act("ani", 3)) },
		"approved": func() (dispute.Case, error) { return closed.Approve(act("cici", 3)) },
	} {
		if _, err := do(); !errors.Is(err, dispute.ErrNoSuchMove) {
			t.Errorf("a closed case can be %s: %v", name, err)
		}
	}
}

func TestBlank(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, " \n\t\u00a0": true, "\u200b": true, "\u200b\u2060\ufeff": true, "\u3164": true, "\u2800": true, "\u202e": true, "\u0301": true, "\xff": true,
		"x": false, "\u200bx": false, "?": false, "是": false, "👍": false, "5": false,
	} {
		if got := dispute.Blank(text); got != want {
			t.Errorf("%q: got %t", text, got)
		}
	}
}

func ExampleCase_Approve() {
	c := dispute.Open("0190-…", dispute.Number(2026, 1), dispute.Repudiation, monday)
	c, _ = c.Examine(dispute.Act{By: "ani", At: at(1)})
	c, _ = c.Move(dispute.Answered, dispute.Act{By: "ani", At: at(2), Reason: "Surat ini …"}, dispute.DefaultRules())
	c, _ = c.Propose(dispute.Rejected, dispute.Act{By: "ani", At: at(3), Reason: "terbukti asli"})
	_, err := c.Approve(dispute.Act{By: "ani", At: at(3)})
	fmt.Println(err)
	c, err = c.Approve(dispute.Act{By: "budi", At: at(3)})
	fmt.Println(c.Number, c.State, c.Outcome, err)
	// Output:
	// dispute: answered to closed: a second person must approve
	// PGD-2026-0001 closed rejected <nil>
}
