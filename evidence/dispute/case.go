package dispute

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
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
	// FindingsAt, AssistedAt, ReportedAt and AnsweredAt are when findings were
	// made, the PSrE was asked for assistance, the incident was reported and the
	// complainant was answered, each for the first time; zero: not yet. Deadlines
	// are held to them: whoever does it again rewrites no deadline that was kept
	// or missed.
	FindingsAt, AssistedAt, ReportedAt, AnsweredAt time.Time
	// Latest is when the same was done last.
	Latest Latest
	// StandsSince is when the answer was given from which on the closing is due;
	// zero: none was, or the complainant has objected to it in time.
	StandsSince time.Time
	// Objections are the times when an answer did not end the matter, oldest
	// first.
	Objections []Objection
	// Unexamined: a file was added since that findings are to be made of. What
	// was found of others decides nothing then.
	Unexamined bool `json:",omitempty"`
	// Closing waits for a second person; nil when nobody proposed it.
	Closing *Closing
	// Outcome and ClosedBy are set when the case is closed.
	Outcome  Outcome
	ClosedBy string
}

// Latest is when things were done last; zero: never, or in a case from before
// this was kept, when they were done first.
type Latest struct {
	Findings, Assistance, Report, Answer time.Time
}

// Objection is that a case went back from its answer to be examined again.
type Objection struct {
	At         time.Time
	AnsweredAt time.Time // zero: not yet
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
	// ErrNoFindings: the case has not been examined, or not since a file was added.
	ErrNoFindings = errors.New("nothing has been examined yet, or not what was added since")
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
// examined, and a proposal to close is void: it was made of other findings. It
// returns a *MoveError for a closed case.
func (c Case) Examine(a Act) (Case, error) {
	if c.State == Closed {
		return c, &MoveError{c.State, Examined, ErrNoSuchMove}
	}
	if a.At.Before(c.Since) {
		return c, &MoveError{c.State, Examined, ErrBackwards}
	}
	c.Latest.Findings, c.Closing, c.Unexamined = a.At, nil, false
	first(&c.FindingsAt, a.At)
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
	case a.By == "" || Blank(a.Reason):
		return fail(ErrNoReason)
	case a.At.Before(c.Since):
		return fail(ErrBackwards)
	case c.FindingsAt.IsZero(), c.Unexamined && to != Examined:
		return fail(ErrNoFindings)
	case to == Escalated && c.AssistedAt.Before(c.OpenedAt):
		return fail(ErrNotAsked)
	case to == Answered && c.AssistedAt.Before(c.OpenedAt) && slices.Contains(r.MustEscalate, c.Kind):
		return fail(ErrNotAsked)
	}
	switch {
	case c.State == Answered:
		c = c.objected(a.At, r)
	case to == Answered:
		c = c.answered(a.At)
	}
	c.State, c.Since, c.Closing = to, a.At, nil
	return c, nil
}

// first sets a moment that has not been set.
func first(t *time.Time, at time.Time) {
	if t.IsZero() {
		*t = at
	}
}

// answered notes an answer, also to the objections that had none.
func (c Case) answered(at time.Time) Case {
	c.Latest.Answer = at
	first(&c.AnsweredAt, at)
	first(&c.StandsSince, at)
	c.Objections = slices.Clone(c.Objections)
	for i := range c.Objections {
		first(&c.Objections[i].AnsweredAt, at)
	}
	return c
}

// objected notes that an answer did not end the matter. Its closing is due no
// more, unless it was overdue already: that stays.
func (c Case) objected(at time.Time, r Rules) Case {
	c.StandsSince = c.stands()
	if at.Before(r.Calendar.After(c.StandsSince, r.Close)) {
		c.StandsSince = time.Time{}
	}
	c.Objections = append(slices.Clone(c.Objections), Objection{At: at})
	return c
}

// stands is StandsSince, also of a case from before that was kept.
func (c Case) stands() time.Time {
	if c.StandsSince.IsZero() && len(c.Objections) == 0 {
		return c.AnsweredAt
	}
	return c.StandsSince
}

// Wrote notes that a letter was written.
func (c Case) Wrote(k LetterKind, at time.Time) Case {
	if k == LetterAssistance {
		c.Latest.Assistance = at
		first(&c.AssistedAt, at)
		return c
	}
	c.Latest.Report = at
	first(&c.ReportedAt, at)
	return c
}

// Supplied notes that there is another file to be examined. It reports whether
// that made a proposal to close void.
func (c Case) Supplied() (Case, bool) {
	c.Unexamined = !c.FindingsAt.IsZero()
	return c.Reconsider()
}

// Reconsider makes a proposal to close void. It reports whether there was one.
func (c Case) Reconsider() (Case, bool) {
	void := c.Closing != nil
	c.Closing = nil
	return c, void
}

// Blank reports whether a text has nothing to read: white space, and characters
// that show nothing.
func Blank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		shown := unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsPunct(r) || unicode.IsSymbol(r)
		const braille = '\u2800' // the pattern without a dot
		return shown && r != braille && r != unicode.ReplacementChar && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
	})
}

// Propose says that the case can be closed. It returns a *MoveError unless the
// case is answered, or its complaint withdrawn. A later proposal replaces an
// earlier one.
func (c Case) Propose(o Outcome, a Act) (Case, error) {
	fail := func(err error) (Case, error) { return c, &MoveError{c.State, Closed, err} }
	switch {
	case !slices.Contains(Outcomes, o) || c.State == Closed || c.State != Answered && o != Withdrawn:
		return fail(ErrNoSuchMove)
	case a.By == "" || Blank(a.Reason):
		return fail(ErrNoReason)
	case a.At.Before(c.Since):
		return fail(ErrBackwards)
	case c.Unexamined && o != Withdrawn:
		return fail(ErrNoFindings)
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
