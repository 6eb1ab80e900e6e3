package gateway

import (
	"context"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
)

// CaseRow is a complaint as the database has it: what it is found by, and the
// rest sealed.
type CaseRow struct {
	ID           string // UUIDv7
	Organisation string
	// Year and Serial are its number, unique within the organisation.
	Year, Serial int
	// Code is the SHA-256 of the secret by which the complainant follows it.
	Code     [32]byte
	Kind     dispute.Kind
	State    dispute.State
	OpenedAt time.Time
	Due      time.Time // the next deadline; zero: nothing is due
	// FileSHA256 is the disputed file's, zero when there is none; Document the
	// public id that its QR code leads to, "" when none was named.
	FileSHA256 [32]byte
	Document   string
	// Sealed is everything else, encrypted: see caseBody.
	Sealed []byte
	// ClosedAt is when it was closed, ErasedAt when what people gave and said
	// was erased; zero: it was not.
	ClosedAt, ErasedAt time.Time
	// Version counts the changes; UpdateCase wants the one it replaces.
	Version int64
}

// CaseEventRow is one line of a case's history. It is changed once at most: when
// its words are erased.
type CaseEventRow struct {
	ID           string // UUIDv7
	Organisation string
	Case         string
	At           time.Time
	Sealed       []byte
}

// CaseFileKind says what a file is to a case.
type CaseFileKind string

// The kinds of files.
const (
	CaseDisputed    CaseFileKind = "disputed"   // what the complaint is about
	CaseOriginal    CaseFileKind = "original"   // what it should be like
	CaseAttachment  CaseFileKind = "attachment" // anything else
	CaseLetterPaper CaseFileKind = "letter"     // that the office has written
)

// CaseFileRow is a file of a case. It is changed once at most: when it is erased.
type CaseFileRow struct {
	ID           string // UUIDv7
	Organisation string
	Case         string
	Kind         CaseFileKind
	SHA256       [32]byte
	Size         int64 // bytes
	At           time.Time
	Name         []byte // sealed; empty when it was erased
	// Data is sealed too; nil in lists, and when it was erased.
	Data     []byte
	ErasedAt time.Time // zero: it was not
}

// CaseSight is what is kept from somebody of cases, and of the records of what was
// done with them. The zero value keeps nothing.
type CaseSight struct {
	NoConduct bool   // no complaints about staff
	Staff     string // none from which this member of staff is recused; "" for nobody
}

// CaseQuery asks for cases; zero fields do not restrict. Answers come newest
// first.
type CaseQuery struct {
	Sight CaseSight
	// ByDue has those whose next deadline ends first come first, and leaves out
	// those that have none. Page.After does not go with it.
	ByDue bool
	State dispute.State
	Kind  dispute.Kind
	Open  bool // not closed
	// Over asks for those that were closed before the moment and are not erased;
	// zero does not restrict.
	Over time.Time
	Page
}

// CaseReader finds complaints.
type CaseReader interface {
	Case(ctx context.Context, id string) (CaseRow, error)
	CaseByCode(ctx context.Context, code [32]byte) (CaseRow, error)
	Cases(ctx context.Context, q CaseQuery) ([]CaseRow, error)
	// CaseHidden reports whether a case is kept from somebody. One that is not
	// there is not.
	CaseHidden(ctx context.Context, id string, s CaseSight) (bool, error)
	// CaseRecusals returns who keeps out of a case, by identifier.
	CaseRecusals(ctx context.Context, id string) ([]string, error)
	// CaseEvents returns the history, oldest first.
	CaseEvents(ctx context.Context, id string) ([]CaseEventRow, error)
	// CaseFiles returns the files without their data, oldest first.
	CaseFiles(ctx context.Context, id string) ([]CaseFileRow, error)
	CaseFile(ctx context.Context, id string) (CaseFileRow, error)
}

// CaseCount is how many cases there are, by what is kept of them.
type CaseCount struct {
	Open   int64 // not closed
	Kept   int64 // closed, not erased
	Over   int64 // of Kept: closed before the moment that was asked for
	Erased int64
}

// CaseWriter keeps complaints. The words and files of a case are erased in their
// time; its row and what it has on record stay.
type CaseWriter interface {
	// NextCase takes the next serial number of a year, beginning with 1. Others who
	// want one wait until this transaction ends; one that is rolled back leaves no
	// gap.
	NextCase(ctx context.Context, organisation string, year int) (int, error)
	// Recuse keeps a member of staff out of a case, Readmit lets one in again. Doing
	// it twice changes nothing.
	Recuse(ctx context.Context, organisation, id, staff string, at time.Time) error
	Readmit(ctx context.Context, id, staff string) error
	// AddCase returns ErrExists when identifier, code or number is taken.
	AddCase(ctx context.Context, c CaseRow) error
	// UpdateCase replaces State, Due, FileSHA256, Document, Sealed, ClosedAt and
	// ErasedAt, or returns ErrChanged when c.Version is not the stored one.
	UpdateCase(ctx context.Context, c CaseRow) error
	AddCaseEvent(ctx context.Context, e CaseEventRow) error
	AddCaseFile(ctx context.Context, f CaseFileRow) error
	// EraseCaseEvent puts sealed in the place of what a line of the history said.
	// It returns ErrChanged when that was done before.
	EraseCaseEvent(ctx context.Context, id string, sealed []byte, at time.Time) error
	// EraseCaseFiles erases names and contents of a case's files but letters, and
	// returns how many that were; digest, kind and size stay.
	EraseCaseFiles(ctx context.Context, id string, at time.Time) (int, error)
}
