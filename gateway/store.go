package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/absah-id/absah/evidence"
)

// Errors that a Store returns, possibly wrapped. Any other error means that the
// database did not do its work: nothing may be released.
var (
	// ErrNotFound: there is no such row in the scope.
	ErrNotFound = errors.New("gateway: not found")
	// ErrExists: an identifier or a name is taken.
	ErrExists = errors.New("gateway: exists already")
	// ErrChanged: the row is no longer what the caller had read.
	ErrChanged = errors.New("gateway: changed by somebody else")
	// ErrIdempotencyConflict: the key was used for another request.
	ErrIdempotencyConflict = errors.New("gateway: idempotency key used for another request")
	// ErrActivation: the authorisation is expired, revoked, of another
	// application or signer, does not name the document, or was used for it.
	ErrActivation = errors.New("gateway: not authorised by this activation")
	// ErrClosed: the operation has ended; whoever ends it now must release
	// nothing.
	ErrClosed = errors.New("gateway: operation has ended already")
	// ErrLocked: too many wrong passphrases.
	ErrLocked = errors.New("gateway: locked after too many attempts")
	// ErrTooSoon: the next try must wait, until Attempts.NotBefore or, when
	// that has passed, until the tries under way have ended.
	ErrTooSoon = errors.New("gateway: too soon after the last attempt")
	// ErrSamePerson: who proposed a change cannot approve it.
	ErrSamePerson = errors.New("gateway: proposed by the same person")
	// ErrForged: a row that says what somebody may do was not written by a gateway.
	ErrForged = errors.New("gateway: a row was not written by a gateway")
	// ErrHeld: the artefact is held for a case.
	ErrHeld = errors.New("gateway: held for a case")
	// ErrUnknownCommit: the connection broke while committing. The transaction
	// is in the database whole or not at all, and nobody can say which.
	ErrUnknownCommit = errors.New("gateway: nobody knows whether it was committed")
)

// Store is the database as the use cases see it. It may be used by several
// goroutines, and the same database by several processes, at once.
type Store interface {
	// Update runs fn in a transaction and returns once its writes are durable.
	// When fn returns an error or panics nothing is written and that is what
	// the caller gets. fn may run again from the start when transactions
	// collide, so it has no effect but through tx; it must be short and wait
	// for nothing else, since on SQLite all writers wait for it. A done ctx
	// keeps fn from beginning, and does not abandon a commit under way.
	Update(ctx context.Context, scope Scope, fn func(tx Tx) error) error
	// View runs fn over one state of the database.
	View(ctx context.Context, scope Scope, fn func(r Reader) error) error
}

// Reader reads in a transaction. It must not be kept after it.
type Reader interface {
	ApplicationReader
	SignerReader
	OperationReader
	EvidenceReader
	DocumentReader
	StatusReader
	CaseReader
	OversightReader
	StaffReader
	LogReader
}

// Tx reads and writes in a transaction. It must not be kept after it.
type Tx interface {
	Reader
	evidence.Appender
	evidence.Artefacts
	ApplicationWriter
	SignerWriter
	KeyWriter
	OperationWriter
	AttemptWriter
	DocumentWriter
	StatusWriter
	CaseWriter
	OversightWriter
	RetentionWriter
	StaffWriter
	LogWriter
}

// ApplicationReader finds who asks.
type ApplicationReader interface {
	// Credential returns a credential and its application, revoked and expired
	// ones too: refusing them is the caller's.
	Credential(ctx context.Context, kind CredentialKind, lookup string) (Credential, Application, error)
	Credentials(ctx context.Context, application string) ([]Credential, error)
	Application(ctx context.Context, id string) (Application, error)
	ApplicationByName(ctx context.Context, name string) (Application, error)
	// Applications returns them by identifier.
	Applications(ctx context.Context, p Page) ([]Application, error)
}

// ApplicationWriter administers applications.
type ApplicationWriter interface {
	AddApplication(ctx context.Context, a Application) error
	// UpdateApplication replaces role, policy, RequireMTLS and times, or
	// returns ErrChanged when a.Version is not the stored one.
	UpdateApplication(ctx context.Context, a Application) error
	AddCredential(ctx context.Context, c Credential) error
	RevokeCredential(ctx context.Context, id string, at time.Time) error
}

// SignerReader finds signers, their keys and certificates.
type SignerReader interface {
	Signer(ctx context.Context, id string) (Signer, error)
	SignerByNIK(ctx context.Context, hash []byte) (Signer, error)
	// Signers returns them by identifier.
	Signers(ctx context.Context, p Page) ([]Signer, error)
	// SignerWithKeys is Signer and Keys in one question to the database.
	SignerWithKeys(ctx context.Context, id string) (Signer, []Key, error)
	// Keys returns the keys of a signer with their certificates, oldest first.
	Keys(ctx context.Context, signer string) ([]Key, error)
	Certificate(ctx context.Context, sha256 [32]byte) (Certificate, error)
	// Expiring returns the certificates that end before the moment and are not
	// revoked locally, soonest first; After is the last one's SHA-256 in
	// hexadecimal.
	Expiring(ctx context.Context, before time.Time, p Page) ([]Certificate, error)
}

// SignerWriter administers signers.
type SignerWriter interface {
	AddSigner(ctx context.Context, s Signer) error
	// SetSignerStatus returns ErrChanged unless the status is from.
	SetSignerStatus(ctx context.Context, id string, from, to SignerStatus) error
}

// KeyWriter administers keys and certificates.
type KeyWriter interface {
	AddKey(ctx context.Context, k Key) error
	AddCertificate(ctx context.Context, c Certificate) error
	// RevokeCertificate makes the gateway stop using it. The first revocation
	// stays.
	RevokeCertificate(ctx context.Context, sha256 [32]byte, at time.Time, reason string) error
	AddActivation(ctx context.Context, a Activation) error
	// RevokeActivation also erases the sealed key.
	RevokeActivation(ctx context.Context, id string, at time.Time) error
}

// OperationReader finds operations and what they rest on.
type OperationReader interface {
	Operation(ctx context.Context, id string) (Operation, error)
	Operations(ctx context.Context, q OperationQuery) ([]Operation, error)
	// CountOperations counts those that began in [from, to), by days of a zone
	// that is east of UTC by offset.
	CountOperations(ctx context.Context, from, to time.Time, offset time.Duration) ([]OperationCount, error)
	// Dangling returns pending operations that began before the moment, oldest
	// first: for the reconciler.
	Dangling(ctx context.Context, before time.Time, limit int) ([]Operation, error)
	// Prior returns what r.Key stands for at the moment, nil when it is free;
	// ErrIdempotencyConflict when it is in use for another request.
	Prior(ctx context.Context, r Reservation, at time.Time) (*Prior, error)
	Activation(ctx context.Context, tokenHash [32]byte) (Activation, error)
}

// EvidenceReader finds what is on record of an operation. The log itself is
// read through evidence.Store.
type EvidenceReader interface {
	// EntriesOf and Artefact are those of evidence.Tree and evidence.Artefacts,
	// within the scope.
	EntriesOf(ctx context.Context, operation string) ([]evidence.Entry, error)
	Artefact(ctx context.Context, sha256 [32]byte) (evidence.Blob, bool, error)
}

// Begin is the start of an operation: all of it is written, or nothing.
type Begin struct {
	Operation Operation      // Status is OperationPending
	Intent    evidence.Entry // committed before any key is used
	// Reservation is nil when the request has no idempotency key.
	Reservation *Reservation
	// Activation is the identifier of the activation to use, for the document
	// Operation.InputSHA256; "" for none.
	Activation string
}

// Finish is the end of an operation: all of it is written, or nothing.
type Finish struct {
	Operation    string
	Status       OperationStatus // not OperationPending
	Code         string
	Level        string
	Certificate  [32]byte // zero: keep what Begin said
	OutputSHA256 [32]byte
	At           time.Time
	Outcome      evidence.Entry
	// Artefacts are kept beside the outcome.
	Artefacts []evidence.Blob
	// Tail answers the same request again; nil: nothing does.
	Tail []byte
	// FreeKey lets the idempotency key be used again. Only for failures before
	// a signature can have been made.
	FreeKey bool
	// ReturnUse gives the activation's use back, under the same condition.
	ReturnUse bool
	// Version is the registered document's new state; nil: none. The document
	// is the operation's; a reserved one becomes valid.
	Version *DocumentVersion
	// Renewal says when the released signature must be renewed; nil: never.
	// A renewal that was due for the operation's input is done by it.
	Renewal *Renewal
	// StatusOwed says that a signature was released, and nobody could say
	// whether its certificate is revoked. That is looked for later.
	StatusOwed bool
}

// OperationWriter keeps the one order: intent, signature, outcome, release.
type OperationWriter interface {
	// BeginOperation writes the intent, the operation's row, the reservation of
	// its idempotency key and the use of its activation. When the key stands
	// for the same request already it writes nothing and returns that. It
	// returns ErrIdempotencyConflict and ErrActivation.
	BeginOperation(ctx context.Context, b Begin) (*Prior, error)
	// FinishOperation writes the outcome and what follows from it. It returns
	// ErrClosed when the operation has ended, by the reconciler for example.
	FinishOperation(ctx context.Context, f Finish) error
	// RecordEvent writes an operation that is over as it begins: an
	// administrative act, a refusal, a reading by OP.
	RecordEvent(ctx context.Context, o Operation, event evidence.Entry) error
}

// AttemptWriter counts wrong passphrases. An attempt is reserved before the
// passphrase is tried, so that many at once are no more than many in a row.
type AttemptWriter interface {
	// BeginAttempt reserves one; the caller must end it. ErrLocked, or
	// ErrTooSoon with the state that says how long.
	BeginAttempt(ctx context.Context, signer, application string, at time.Time, p AttemptPolicy) (Attempts, error)
	// EndAttempt counts a wrong passphrase or, with correct, forgets those
	// before. The state tells whether that locked.
	EndAttempt(ctx context.Context, signer, application string, correct bool, at time.Time, p AttemptPolicy) (Attempts, error)
	// AbandonAttempt takes a reservation back: the passphrase was not tried.
	AbandonAttempt(ctx context.Context, signer, application string) error
	// ClearAttempts unlocks; application "" stands for all.
	ClearAttempts(ctx context.Context, signer, application string) error
}

// OwedStatus is an operation that released a signature when nobody could say
// whether its certificate was revoked.
type OwedStatus struct {
	Operation    string
	Organisation string
	Certificate  [32]byte
	Since        time.Time
}

// StatusReader finds what is owed of the status of certificates.
type StatusReader interface {
	// OwedStatuses returns what has been owed since after the moment, oldest
	// first.
	OwedStatuses(ctx context.Context, after time.Time, limit int) ([]OwedStatus, error)
	// StatusGivenBy returns the event by which the status of the operation's
	// certificate was learnt later, "" while it is owed. It returns ErrNotFound
	// when none ever was.
	StatusGivenBy(ctx context.Context, operation string) (event string, err error)
}

// StatusWriter notes that the status of a certificate was learnt.
type StatusWriter interface {
	// GiveStatus ends what has been owed of a certificate until the moment. It
	// returns ErrChanged when nothing was: another node was first.
	GiveStatus(ctx context.Context, certificate [32]byte, until time.Time, event string) error
}

// DocumentReader finds registered documents.
type DocumentReader interface {
	Document(ctx context.Context, publicID string) (Document, error)
	// DocumentsBySHA256 returns the documents of which a version has the
	// digest.
	DocumentsBySHA256(ctx context.Context, sha256 [32]byte) ([]Document, error)
	// Renewals returns what is due before the moment, soonest first; After is
	// the last one's operation.
	Renewals(ctx context.Context, before time.Time, p Page) ([]Renewal, error)
}

// DocumentWriter registers documents.
type DocumentWriter interface {
	// ReserveDocument registers one without versions.
	ReserveDocument(ctx context.Context, d Document) error
	// SetDocumentStatus takes status, ReplacedBy, Reason and ChangedAt from d.
	// It returns ErrChanged unless the status is from, ErrNotFound also when
	// ReplacedBy is no document of the scope.
	SetDocumentStatus(ctx context.Context, d Document, from DocumentStatus) error
}

// LogReader finds what the log has published and no record lists.
type LogReader interface {
	// Unlisted returns at most max checkpoints, timestamps and cosignatures that no
	// list names; none when all of them are of a checkpoint that adds nothing but the
	// last list to the one before.
	Unlisted(ctx context.Context, max int) ([]evidence.Published, error)
}

// LogWriter notes what is listed.
type LogWriter interface {
	// ListPublished says that the event of an operation lists them. It returns
	// ErrChanged when one of them is listed already: another node was first.
	ListPublished(ctx context.Context, operation string, all []evidence.Published) error
}

// OversightReader serves who watches over the gateway.
type OversightReader interface {
	// Attempts returns the state of guessing.
	Attempts(ctx context.Context, signer, application string, at time.Time, p AttemptPolicy) (Attempts, error)
	Proposal(ctx context.Context, id string) (Proposal, error)
	// Proposals returns the newest first; status "" stands for all.
	Proposals(ctx context.Context, status ProposalStatus, p Page) ([]Proposal, error)
	// TimeFloor returns the latest moment that is on record: no clock that is
	// behind it is right. Zero when nothing is.
	TimeFloor(ctx context.Context) (time.Time, error)
	// CountVerdicts counts verifications in [from, to), by days of a zone that
	// is east of UTC by offset.
	CountVerdicts(ctx context.Context, from, to time.Time, offset time.Duration) ([]VerdictCount, error)
	// CountCases counts complaints; over is the moment of CaseCount.Over, zero
	// when none ever is.
	CountCases(ctx context.Context, over time.Time) (CaseCount, error)
}

// OversightWriter writes what watching over the gateway needs.
type OversightWriter interface {
	Propose(ctx context.Context, p Proposal) error
	// Decide approves or rejects a pending proposal. It returns ErrSamePerson
	// when by proposed it and status approves, ErrChanged when it is not
	// pending, has expired, or was proposed after at: then a clock is wrong.
	Decide(ctx context.Context, id, by string, status ProposalStatus, at time.Time, reason string) error
	// AddTally counts anonymous verifications until they are recorded.
	AddTally(ctx context.Context, t []Tally) error
	// TakeTally returns at most max counts, and forgets them: the caller
	// records them in the same transaction.
	TakeTally(ctx context.Context, max int) ([]Tally, error)
	// RaiseTimeFloor is called now and then. An earlier moment changes nothing.
	RaiseTimeFloor(ctx context.Context, at time.Time) error
	// AddVerdicts notes how often an operation came to which verdict.
	AddVerdicts(ctx context.Context, organisation, operation string, at time.Time, n map[string]int64) error
}

// StaffReader finds members of OP staff.
type StaffReader interface {
	Staff(ctx context.Context, id string) (Staff, error)
	StaffByName(ctx context.Context, username string) (Staff, error)
	// AllStaff returns them by identifier.
	AllStaff(ctx context.Context, p Page) ([]Staff, error)
	// Session returns a session and whose it is, ended ones too: refusing them
	// is the caller's.
	Session(ctx context.Context, id [32]byte) (Session, Staff, error)
}

// StaffWriter administers members of OP staff and their sessions.
type StaffWriter interface {
	AddStaff(ctx context.Context, s Staff) error
	// UpdateStaff replaces all but identifier, organisation, user name and
	// CreatedAt, or returns ErrChanged when s.Version is not the stored one.
	UpdateStaff(ctx context.Context, s Staff) error
	AddSession(ctx context.Context, s Session) error
	// TouchSession notes a use. It returns ErrNotFound when it has ended.
	TouchSession(ctx context.Context, id [32]byte, at time.Time) error
	// EndSession keeps the first end.
	EndSession(ctx context.Context, id [32]byte, at time.Time) error
	// EndSessions ends all of a member's.
	EndSessions(ctx context.Context, staff string, at time.Time) error
	// PurgeSessions forgets at most limit sessions that began before the
	// moment, and returns how many.
	PurgeSessions(ctx context.Context, before time.Time, limit int) (int, error)
}

// RetentionWriter erases what need not be kept, and keeps what is held.
type RetentionWriter interface {
	// Hold keeps artefacts from being erased, for a reason such as the number
	// of a case. An artefact may be held for several.
	Hold(ctx context.Context, reason string, sha256 [][32]byte, at time.Time) error
	ReleaseHold(ctx context.Context, reason string) error
	// EraseArtefact erases the bytes; digest, kind and size stay. It returns
	// ErrHeld, and ErrNotFound when there is none or it has been erased.
	EraseArtefact(ctx context.Context, sha256 [32]byte, at time.Time) error
	// Purge forgets idempotency keys and erases the sealed keys of activations
	// that expired before the moment, at most limit of each. It returns how
	// many.
	Purge(ctx context.Context, before time.Time, limit int) (int, error)
}
