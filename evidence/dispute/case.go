package dispute

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is what a complaint is about.
type Kind string

// The kinds of complaints.
const (
	Authentication Kind = "authentication" // is the signer who it says?
	Authenticity   Kind = "authenticity"   // is the document genuine?
	Repudiation    Kind = "repudiation"    // "I never signed this"
	KeyLoss        Kind = "key-loss"       // key or passphrase lost, leaked or stolen
	Conduct        Kind = "conduct"        // of the staff of the registration authority
)

// Kinds are all kinds in the order in which forms offer them.
var Kinds = []Kind{Authenticity, Authentication, Repudiation, KeyLoss, Conduct}

// Valid reports whether k is one of Kinds.
func (k Kind) Valid() bool { return slices.Contains(Kinds, k) }

// State is how far a case has come.
type State string

// The states, in their usual order.
const (
	Received  State = "received"
	Examined  State = "examined"
	Escalated State = "escalated" // to the PSrE, which was asked for assistance
	Answered  State = "answered"  // the complainant has been answered
	Closed    State = "closed"
)

// States are all states in their order.
var States = []State{Received, Examined, Escalated, Answered, Closed}

// moves are the states that may follow. From Answered the way back to
// Examined is that of a complainant who objects.
var moves = map[State][]State{
	Received:  {Examined},
	Examined:  {Escalated, Answered},
	Escalated: {Examined, Answered},
	Answered:  {Examined, Closed},
}

// Next returns the states that may follow s.
func (s State) Next() []State { return slices.Clone(moves[s]) }

// Outcome is what a case came to.
type Outcome string

// The outcomes.
const (
	Upheld    Outcome = "upheld"    // the complainant was right
	Rejected  Outcome = "rejected"  // the complainant was not
	Undecided Outcome = "undecided" // the evidence does not decide
	Withdrawn Outcome = "withdrawn" // by the complainant
)

// Outcomes are all outcomes.
var Outcomes = []Outcome{Upheld, Rejected, Undecided, Withdrawn}

// Case is a complaint as its rules see it. The zero value is none: [Open] makes
// one.
type Case struct {
	ID     string // UUIDv7
	Number string // as people say it: see [Number]
	Kind   Kind
	State  State
	// OpenedAt is when it was received, Since when it got its state.
	OpenedAt, Since time.Time
	// LossAt is when the loss was noticed, by the complainant's word; zero when
	// the case is about none, or it was not said.
	LossAt time.Time
	// FindingsAt is when findings were made last; zero: never.
	FindingsAt time.Time
	// AssistedAt and ReportedAt are when the PSrE was asked for assistance, and
	// when the incident was reported; zero: not yet.
	AssistedAt, ReportedAt time.Time
	// AnsweredAt is when the complainant was answered last; zero: not yet.
	AnsweredAt time.Time
	// Closing waits for a second person; nil when nobody proposed it.
	Closing *Closing
	// Outcome and ClosedBy are set when the case is closed.
	Outcome  Outcome
	ClosedBy string
}

// Closing is the proposal to close a case.
type Closing struct {
	Outcome Outcome
	Reason  string
	By      string // identifier of the person
	At      time.Time
}

// Errors of moves, wrapped in a *MoveError.
var (
	// ErrNoSuchMove: the state cannot follow.
	ErrNoSuchMove = errors.New("the state cannot follow")
	// ErrNoFindings: the case has not been examined.
	ErrNoFindings = errors.New("nothing has been examined yet")
	// ErrNoReason: the move needs a reason, the answer a text.
	ErrNoReason = errors.New("a reason is needed")
	// ErrNotAsked: the PSrE has not been asked for assistance.
	ErrNotAsked = errors.New("the PSrE has not been asked")
	// ErrSamePerson: who proposed the closing cannot approve it.
	ErrSamePerson = errors.New("a second person must approve")
	// ErrNoClosing: nobody has proposed to close the case.
	ErrNoClosing = errors.New("nobody has proposed to close it")
	// ErrBackwards: the moment is before the last one of the case.
	ErrBackwards = errors.New("the moment is before the last one on record")
)

// MoveError says why a case cannot go on in this way.
type MoveError struct {
	From, To State
	Err      error
}

func (e *MoveError) Error() string {
	return fmt.Sprintf("dispute: %s to %s: %v", e.From, e.To, e.Err)
}

func (e *MoveError) Unwrap() error { return e.Err }

// Open makes a case that was received at the moment. It panics for a kind that
// is none, which is the caller's to check.
func Open(id, number string, k Kind, at time.Time) Case {
	if !k.Valid() {
		panic("dispute: unknown kind " + string(k))
	}
	return Case{ID: id, Number: number, Kind: k, State: Received, OpenedAt: at, Since: at}
}

// Number is how people name a case: the serial number within a year.
func Number(year, serial int) string { return fmt.Sprintf("PGD-%04d-%04d", year, serial) }

// Act is who does something with a case, when and why.
type Act struct {
	By string // identifier of the person; "" is nobody
	At time.Time
	// Reason is the answer's text where the case is answered.
	Reason string
}

// Examine notes that findings were made. A case that was received is thereby
// examined. It returns a *MoveError for a closed case.
func (c Case) Examine(a Act) (Case, error) {
	if c.State == Closed {
		return c, &MoveError{c.State, Examined, ErrNoSuchMove}
	}
	if a.At.Before(c.Since) {
		return c, &MoveError{c.State, Examined, ErrBackwards}
	}
	c.FindingsAt = a.At
	if c.State == Received {
		c.State, c.Since = Examined, a.At
	}
	return c, nil
}

// Move brings the case into another state but Closed, for which see
// [Case.Propose] and [Case.Approve]. It returns a *MoveError. Whatever moves on
// makes a proposal to close void.
func (c Case) Move(to State, a Act, r Rules) (Case, error) {
	fail := func(err error) (Case, error) { return c, &MoveError{c.State, to, err} }
	switch {
	case to == Closed || !slices.Contains(moves[c.State], to):
		return fail(ErrNoSuchMove)
	case a.By == "" || strings.TrimSpace(a.Reason) == "":
		return fail(ErrNoReason)
	case a.At.Before(c.Since):
		return fail(ErrBackwards)
	case c.FindingsAt.IsZero():
		return fail(ErrNoFindings)
	case to == Escalated && c.AssistedAt.Before(c.OpenedAt):
		return fail(ErrNotAsked)
	case to == Answered && c.AssistedAt.Before(c.OpenedAt) && slices.Contains(r.MustEscalate, c.Kind):
		return fail(ErrNotAsked)
	}
	c.State, c.Since, c.Closing = to, a.At, nil
	if to == Answered {
		c.AnsweredAt = a.At
	}
	return c, nil
}

// Propose says that the case can be closed. It returns a *MoveError unless the
// case is answered, or its complaint withdrawn. A later proposal replaces an
// earlier one.
func (c Case) Propose(o Outcome, a Act) (Case, error) {
	fail := func(err error) (Case, error) { return c, &MoveError{c.State, Closed, err} }
	switch {
	case !slices.Contains(Outcomes, o) || c.State == Closed || c.State != Answered && o != Withdrawn:
		return fail(ErrNoSuchMove)
	case a.By == "" || strings.TrimSpace(a.Reason) == "":
		return fail(ErrNoReason)
	case a.At.Before(c.Since):
		return fail(ErrBackwards)
	}
	c.Closing = &Closing{Outcome: o, Reason: a.Reason, By: a.By, At: a.At}
	return c, nil
}

// Approve closes the case as another person proposed it. It returns a
// *MoveError.
func (c Case) Approve(a Act) (Case, error) {
	fail := func(err error) (Case, error) { return c, &MoveError{c.State, Closed, err} }
	switch {
	case c.State == Closed:
		return fail(ErrNoSuchMove)
	case c.Closing == nil:
		return fail(ErrNoClosing)
	case a.By == "" || a.By == c.Closing.By:
		return fail(ErrSamePerson)
	case a.At.Before(c.Closing.At):
		return fail(ErrBackwards)
	}
	c.State, c.Since, c.Outcome, c.ClosedBy = Closed, a.At, c.Closing.Outcome, a.By
	return c, nil
}
