package gateway

import "time"

// Scope confines a transaction to the rows of one organisation, whose
// identifier it is. Every row names its organisation; a transaction neither
// sees nor writes rows of another one, and on PostgreSQL the database itself
// sees to that. The empty scope sees nothing.
type Scope string

// AllOrganisations is the scope of what belongs to none: authentication,
// before the organisation is known, the log, public pages, housekeeping.
const AllOrganisations Scope = "*"

// Role is what an application may be used for, or a member of staff may do.
type Role string

// Roles. None includes another: an operator cannot sign, nor read what was
// signed.
const (
	RoleApplication  Role = "application"
	RoleInvestigator Role = "investigator"
	RoleAuditor      Role = "auditor"
	RoleOperator     Role = "operator"
	// RoleSupervisor is for members of staff alone: who closes cases.
	RoleSupervisor Role = "supervisor"
)

// applicationRoles are the roles that applications can have.
var applicationRoles = []Role{RoleApplication, RoleInvestigator, RoleAuditor, RoleOperator}

// Application is a program that uses the gateway.
type Application struct {
	ID           string // UUIDv7
	Organisation string
	Name         string // unique within the organisation
	Role         Role
	RequireMTLS  bool // refuse key and Basic unless a client certificate comes with them
	Policy       Policy
	CreatedAt    time.Time
	ExpiresAt    time.Time // zero: never
	RevokedAt    time.Time // zero: not revoked
	// Version counts the changes; UpdateApplication wants the one it replaces.
	Version int64
}

// Policy is what an application may ask for. The zero value allows nothing.
type Policy struct {
	Signers       []string `json:"signers,omitempty"`       // identifiers; "*" for every signer of the organisation
	Levels        []string `json:"levels,omitempty"`        // "B-B" … "B-LTA"
	MaxPages      int      `json:"maxPages,omitempty"`      // 0: no limit
	MaxBytes      int64    `json:"maxBytes,omitempty"`      // 0: the gateway's
	RatePerMinute int      `json:"ratePerMinute,omitempty"` // 0: the gateway's
	AllDocuments  bool     `json:"allDocuments,omitempty"`  // may mark as replaced or withdrawn what other applications of the office have registered
	FilledForms   bool     `json:"filledForms,omitempty"`   // may have documents signed whose fields were filled in after an earlier signature
	Fallback      bool     `json:"fallback,omitempty"`      // may accept a lower level, said in the answer, when a TSA or OCSP is down
}

// CredentialKind says how an application proves itself.
type CredentialKind string

// Kinds of credentials.
const (
	CredentialKey   CredentialKind = "key"
	CredentialBasic CredentialKind = "basic"
	CredentialMTLS  CredentialKind = "mtls"
)

// Credential is one way for an application to prove itself. An application may
// have several of a kind, so that a key can be changed without a pause.
type Credential struct {
	ID           string // UUIDv7
	Organisation string
	Application  string
	Kind         CredentialKind
	// Lookup finds the credential and is no secret: the public prefix of an API
	// key, the user name, the SHA-256 of the client certificate's
	// SubjectPublicKeyInfo in hexadecimal. Unique per kind.
	Lookup string
	// Hash is SHA-256 of the secret, which has 256 random bits; zero for mTLS.
	Hash      [32]byte
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	RevokedAt time.Time // zero: not revoked
}

// SignerKind tells a person from a body.
type SignerKind string

// Kinds of signers.
const (
	SignerPersonal SignerKind = "personal"
	SignerSeal     SignerKind = "seal"
)

// SignerStatus is whether a signer may sign.
type SignerStatus string

// A locked signer can be unlocked, a revoked one cannot.
const (
	SignerActive  SignerStatus = "active"
	SignerLocked  SignerStatus = "locked"
	SignerRevoked SignerStatus = "revoked"
)

// Signer is whoever signatures are made for.
type Signer struct {
	ID           string // UUIDv7
	Organisation string
	Kind         SignerKind
	Name         string
	Office       string
	// NIKHash is the keyed hash by which the signer is found, unique within the
	// organisation; nil for a seal. Whoever is enrolled anew after a revocation has
	// another one. NIKSealed is the NIK, encrypted.
	NIKHash   []byte
	NIKSealed []byte
	Status    SignerStatus
	CreatedAt time.Time
}

// Key is a key of a signer, with its certificates over time.
type Key struct {
	ID           [32]byte // SHA-256 of the SubjectPublicKeyInfo
	Organisation string
	Signer       string
	Algorithm    string
	// Sealed is a personal key as hsm.Vault sealed it; nil for a resident key,
	// which Label names in the token.
	Sealed       []byte
	Label        string
	CreatedAt    time.Time
	Certificates []Certificate // oldest first; ignored when a key is added
}

// Certificate is a certificate of a Key.
type Certificate struct {
	SHA256       [32]byte // of DER
	Organisation string
	Key          [32]byte
	DER          []byte
	Chain        [][]byte // DER, from the issuer to below the root
	NotBefore    time.Time
	NotAfter     time.Time
	// RevokedLocallyAt is when the gateway stopped using it, whatever its
	// issuer says; zero: it did not.
	RevokedLocallyAt time.Time
	RevokedReason    string
}

// OperationStatus is how an operation ended.
type OperationStatus string

// An operation begins pending and ends once.
const (
	OperationPending OperationStatus = "pending"
	OperationOK      OperationStatus = "ok"
	OperationRefused OperationStatus = "refused"
	OperationFailed  OperationStatus = "failed"
	OperationUnknown OperationStatus = "unknown" // perhaps signed, certainly not released
)

// Operation is the row by which an operation is found. What happened is in the
// evidence; this can be rebuilt from it.
type Operation struct {
	ID           string // UUIDv7
	Organisation string
	Kind         string // as in the record: sign, seal, verify, signer.lock …
	Status       OperationStatus
	Code         string // stable error code; "" when ok
	Application  string
	User         string // OP staff or local operator; "" for an application's own
	Node         string
	Signer       string
	Certificate  [32]byte // zero: none
	Level        string   // reached
	Document     string   // public id; "" when not registered
	Case         string   // complaint that it is about; "" for none
	Activation   string
	Batch        string
	StartedAt    time.Time
	FinishedAt   time.Time // zero while pending
	InputSHA256  [32]byte  // zero: none
	OutputSHA256 [32]byte  // zero: nothing was released
}

// OperationQuery asks for operations; zero fields do not restrict. Answers come
// newest first.
type OperationQuery struct {
	Digest      [32]byte // of input or output
	Output      [32]byte // digest of what was released
	CMS         [32]byte // digest of the signature that was made
	Kind        string
	Status      OperationStatus
	Application string
	Signer      string
	Certificate [32]byte
	Document    string
	Batch       string
	From, To    time.Time // From <= StartedAt < To
	Sight       CaseSight
	Page
}

// Page asks for a part of a list. After is the identifier that the page before
// ended with, "" for the first. Limit 0 means 100; more than 1,000 is refused.
type Page struct {
	After string
	Limit int
}

// OperationCount is a cell of the overview: operations of one day, kind, status
// and code.
type OperationCount struct {
	Day    time.Time // its beginning in the zone asked for
	Kind   string
	Status OperationStatus
	Code   string
	N      int64
}

// VerdictCount is a cell of the overview: verifications of one day with one
// verdict.
type VerdictCount struct {
	Day     time.Time // its beginning in the zone asked for
	Verdict string
	N       int64
}

// Reservation is an idempotency key in use.
type Reservation struct {
	Application   string
	Key           string
	RequestSHA256 [32]byte // of everything that makes the request what it is
	ExpiresAt     time.Time
}

// Prior is what a reserved key already stands for.
type Prior struct {
	Operation Operation
	// Tail is what the first answer appended to the input, encrypted; nil while
	// the operation is pending and when nothing was released.
	Tail []byte
}

// Activation is a signer's authorisation of named documents for a short time.
type Activation struct {
	ID           string   // UUIDv7
	TokenHash    [32]byte // SHA-256 of the token, which is not stored
	Organisation string
	Application  string
	Signer       string
	Key          [32]byte
	Level        string
	Binding      []byte // what hsm.Vault bound the sealed key to
	Sealed       []byte // the key under the token; nil once erased
	CreatedAt    time.Time
	ExpiresAt    time.Time
	RevokedAt    time.Time // zero: not revoked
	Documents    []ActivationDocument
}

// ActivationDocument is one authorised document.
type ActivationDocument struct {
	SHA256 [32]byte
	// Operation has used the authorisation; "" when it is unused.
	Operation string
}

// DocumentStatus is what a reader of the paper must know.
type DocumentStatus string

// States of a registered document. A reserved one has no signature yet.
const (
	DocumentReserved  DocumentStatus = "reserved"
	DocumentValid     DocumentStatus = "valid"
	DocumentReplaced  DocumentStatus = "replaced"
	DocumentWithdrawn DocumentStatus = "withdrawn"
)

// Document is a registered document: what the QR on paper leads to.
type Document struct {
	PublicID     string // 128 random bits, in the form the gateway chose
	Organisation string
	Application  string
	Nomor        string
	Perihal      string
	Tanggal      string // as on the letter: YYYY-MM-DD
	Pages        int
	Confidential bool
	Status       DocumentStatus
	ReplacedBy   string // public id, when replaced
	Reason       string // of the last change of status
	CreatedAt    time.Time
	ChangedAt    time.Time
	Versions     []DocumentVersion // oldest first
}

// DocumentVersion is one signed state of a document.
type DocumentVersion struct {
	SHA256    [32]byte
	Size      int64
	Operation string
	CreatedAt time.Time
}

// Renewal is a released signature whose archive timestamp must be renewed.
type Renewal struct {
	Operation    string // that released it; its identifier
	Organisation string
	Document     string // public id, or ""
	SHA256       [32]byte
	Due          time.Time
	DoneBy       string // operation that renewed it; "" while due
}

// AttemptPolicy bounds the guessing of passphrases.
type AttemptPolicy struct {
	Limit     int           // wrong ones until signer and application are locked
	BaseDelay time.Duration // after the first wrong one, doubled by each
	MaxDelay  time.Duration
	// ReservedFor is how long an attempt that never ended counts against Limit.
	// One that takes half as long is given up: none outlives its reservation, and
	// so no more are under way than Limit allows.
	ReservedFor time.Duration
	// Window is the time over which Attempts.Recent counts.
	Window time.Duration
}

// Delay is how long to wait after so many wrong ones in a row.
func (p AttemptPolicy) Delay(failures int) time.Duration {
	d := p.BaseDelay
	for range failures - 1 {
		if d >= p.MaxDelay {
			break
		}
		d *= 2
	}
	return min(d, p.MaxDelay)
}

// Attempts is the state of guessing for a signer and an application.
type Attempts struct {
	Failures  int       // in a row
	NotBefore time.Time // earliest next try; zero: at once
	LockedAt  time.Time // zero: not locked
	// Recent counts wrong passphrases of the whole organisation in the policy's
	// window: for the alert.
	Recent int
}

// ProposalStatus is how far a proposal has come.
type ProposalStatus string

// States of a proposal.
const (
	ProposalPending  ProposalStatus = "pending"
	ProposalApproved ProposalStatus = "approved"
	ProposalRejected ProposalStatus = "rejected"
)

// Proposal is a change that needs a second person.
type Proposal struct {
	ID           string // UUIDv7
	Organisation string
	Kind         string // trust.anchor, application.role, application.policy …
	Payload      []byte // JSON: the change itself
	Status       ProposalStatus
	ProposedBy   string
	ProposedAt   time.Time
	ExpiresAt    time.Time
	DecidedBy    string
	DecidedAt    time.Time
	Reason       string
}

// Tally counts anonymous verifications of one file with one verdict.
type Tally struct {
	SHA256  [32]byte
	Verdict string
	N       int64
}
