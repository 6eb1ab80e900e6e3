package evidence

import (
	"context"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxRecord is the longest record in bytes that an Entry may hold. The longest
// that the gateway writes is under 8 KiB; what is longer belongs into an
// artefact.
const MaxRecord = 64 << 10

// Errors that a Store returns, possibly wrapped.
var (
	// ErrConflict says that another node was first: the head is not what the
	// caller believed, or a checkpoint of that size with another root exists.
	ErrConflict = errors.New("evidence: the log was changed by another node")
	// ErrDuplicate says that the operation already has an entry of that phase:
	// each operation has at most one intent and one outcome. Whoever gets it
	// for an outcome has lost against who closed the operation as unknown and must release nothing.
	ErrDuplicate = errors.New("evidence: the operation already has such an entry")
	// ErrNoHash says that a stored hash is missing, which only tampering can
	// bring about.
	ErrNoHash = errors.New("evidence: a stored hash is missing")
)

// Phase is what an entry says about its operation.
type Phase string

// An operation has at most one intent and one outcome; events are free.
const (
	PhaseIntent  Phase = "intent"
	PhaseOutcome Phase = "outcome"
	PhaseEvent   Phase = "event"
)

// Entry is one row of the log: a record, its salt, and what a database needs to
// find it. Everything but Index is written once and never changed. Times are
// UTC with a precision of one millisecond.
type Entry struct {
	// Salt keeps Leaf from telling the record to those who can guess it.
	Salt [32]byte
	// Record is the canonical JSON of a Record, at most MaxRecord bytes.
	Record []byte
	// Leaf is SHA-256(Salt || Record): the data of the leaf in the tree.
	Leaf [32]byte
	// Receipt is what signs the entry's receipt: key id and signature, 68
	// bytes, and when others share the signature the SHA-256 of each of them. Of
	// an intent, which its outcome vouches for, it is a MAC of 32 bytes, or nil.
	Receipt []byte

	// Organisation, Operation, Phase, Kind and Time are those of the record.
	Organisation string
	Operation    string
	Phase        Phase
	Kind         string
	Time         time.Time
	// Promise is the time by which the entry is to be in the tree.
	Promise time.Time
	// Index is the entry's place in the tree, -1 until it has been sequenced.
	Index int64
}

// Pending is an entry that has no place in the tree yet.
type Pending struct {
	Row  int64 // the Store's own name of the row
	Leaf [32]byte
}

// Head is the state of the tree. The head of an empty log is the zero value.
type Head struct {
	Size int64
	Root tlog.Hash
}

// Checkpoint is a head that the log has signed (C2SP tlog-checkpoint), with
// what was learnt about it later.
type Checkpoint struct {
	Head
	// Note is the checkpoint as the log signed it: a signed note with one or
	// more signatures of the log's own keys.
	Note []byte
	// Time is when it was signed, by the gateway's clock.
	Time time.Time
	Annotation
}

// Annotation is what other parties have said about a checkpoint. It is added
// after the checkpoint was saved; nil fields say nothing.
type Annotation struct {
	// Token is a DER TimeStampToken (RFC 3161) whose imprint is
	// SHA-256(Note): nil until the authority has answered.
	Token []byte
	// Material names the artefacts (SHA-256) with which Token can be verified
	// later: certificates, OCSP responses, CRLs.
	Material [][32]byte
	// Cosignatures are signature lines of witnesses (C2SP tlog-cosignature),
	// each with its newline, to be put after Note's own.
	Cosignatures []string
}

// Blob is an artefact: bytes kept beside the records, which name it by its
// SHA-256. It can be erased unless it is held for a case.
type Blob struct {
	Organisation string // "" for what belongs to none, such as CRLs
	Kind         string // as in Artefact.Kind
	Data         []byte
}

// Appender writes entries. In the transaction of an operation it is that
// transaction; a Store is one too, with a transaction of its own.
type Appender interface {
	// Append writes a new entry, whose Index is ignored. It returns
	// ErrDuplicate for a second intent or outcome of the same operation.
	Append(ctx context.Context, e Entry) error
}

// Artefacts keeps bytes beside the records, in a transaction or in one of its
// own, as Appender does.
type Artefacts interface {
	// PutArtefact keeps all of blobs, or fails. Keeping the same bytes again is
	// no error and does not change the first copy.
	PutArtefact(ctx context.Context, blobs ...Blob) error
	// Artefact returns the bytes of that SHA-256, and false when they were
	// never kept or have been erased.
	Artefact(ctx context.Context, sha256 [32]byte) (Blob, bool, error)
}

// Sequence is what gives entries their places.
type Sequence interface {
	// Head returns the state of the tree.
	Head(ctx context.Context) (Head, error)
	// Pending returns at most max entries without a place, oldest row first.
	Pending(ctx context.Context, max int) ([]Pending, error)
	// Waiting returns the entries in the given rows of Pending, those that are
	// there.
	Waiting(ctx context.Context, rows []int64) (map[int64]Entry, error)
	// Sealed tells whether an intent with a place carries a Receipt.
	Sealed(ctx context.Context) (bool, error)
	// OldestPending returns the earliest Promise among entries without a place,
	// and false when there is none.
	OldestPending(ctx context.Context) (time.Time, bool, error)
	// Overdue returns at most max entries without a place whose Promise is before
	// the given time, oldest row first. It believes no list of those that wait, as
	// OldestPending may, but looks through all entries: only audits ask.
	Overdue(ctx context.Context, before time.Time, max int) ([]Entry, error)
	// Integrate gives rows the places from old.Size on, in their order, adds
	// hashes behind the tlog.StoredHashCount(old.Size) stored ones, and makes
	// head the head; all of it or nothing. It returns ErrConflict unless
	// the head is still old and none of the rows has a place.
	// len(rows) is head.Size - old.Size and at least 1.
	Integrate(ctx context.Context, old Head, rows []int64, hashes []tlog.Hash, head Head) error
}

// Tree reads what is in the log.
type Tree interface {
	// Hashes returns the stored hashes at the given indexes (see
	// tlog.StoredHashIndex), in the order asked for; ErrNoHash when one is
	// missing.
	Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error)
	// Entries returns the entries with from <= Index < from+n, by index. What
	// is missing is left out: a gap is for the caller to see.
	Entries(ctx context.Context, from, n int64) ([]Entry, error)
	// EntriesOf returns the entries of an operation, those with a place first,
	// by index; then the others in order of their rows.
	EntriesOf(ctx context.Context, operation string) ([]Entry, error)
}

// Checkpoints keeps the heads that were signed: one per size, for ever.
type Checkpoints interface {
	// SaveCheckpoint keeps c, its annotation left out. When there is one of the
	// same size and root the first stays and the answer is nil; ErrConflict
	// when its root differs.
	SaveCheckpoint(ctx context.Context, c Checkpoint) error
	// LatestCheckpoint returns the checkpoint of the largest size, and false
	// when there is none.
	LatestCheckpoint(ctx context.Context) (Checkpoint, bool, error)
	// CheckpointFor returns the checkpoint of the smallest size that is at
	// least size, among all or among those with a Token; false when there is
	// none.
	CheckpointFor(ctx context.Context, size int64, stamped bool) (Checkpoint, bool, error)
	// Annotate adds to the checkpoint of that size: a Token and Material only
	// when it has no Token yet, and the Cosignatures that it does not have. It
	// returns an error when there is no such checkpoint.
	Annotate(ctx context.Context, size int64, a Annotation) error
}

// Store is the database as the log sees it. It may be used by several
// goroutines, and the same database by several processes, at once.
type Store interface {
	Appender
	Artefacts
	Sequence
	Tree
	Checkpoints
}
