package gateway

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/verifier"
)

// Notary makes entries of the log; evidence.Log is one.
type Notary interface {
	// NewEntry makes the entry of a record and, but for an intent, its
	// receipt. It writes nothing.
	NewEntry(r evidence.Record) (evidence.Entry, evidence.Receipt, error)
	// Receipt returns the receipt that an entry carries.
	Receipt(e evidence.Entry) (evidence.Receipt, bool)
	// Vouched is nil for an entry that the log stands for: nobody else wrote it.
	Vouched(e evidence.Entry) error
	// Ready is nil while the log keeps its promises.
	Ready(ctx context.Context) error
	// Health tells people how the log stands.
	Health(ctx context.Context) (evidence.Health, error)
	// Covering returns the first checkpoints that cover the entry at index,
	// without and with a timestamp.
	Covering(ctx context.Context, index int64) (signed, stamped evidence.Checkpoint, err error)
	// Prove returns the proofs, which hold, that all entries of an operation are in
	// the tree of one signed checkpoint; evidence.ErrNotIntegrated while one waits.
	Prove(ctx context.Context, operation string) ([]evidence.Proof, error)
}

// PersonalKey is a signer's key while it is open.
type PersonalKey interface {
	signer.Key
	// Close forgets the key. It is called once.
	Close() error
}

// Keys is the HSM. Errors wrap ErrPassphrase, ErrKeyUnavailable or
// ErrKeyUnknownOutcome where they are meant; a key's own errors do too. Keys
// stop working when ctx is done.
type Keys interface {
	// Resident returns the key with that label on the token.
	Resident(ctx context.Context, label string) (signer.Key, error)
	// Open opens a sealed key with its passphrase.
	Open(ctx context.Context, signerID string, sealed, passphrase []byte) (PersonalKey, error)
	// Authorize seals the key again under token, which OpenAuthorized wants
	// with the same binding.
	Authorize(ctx context.Context, signerID string, sealed, passphrase, token, binding []byte) ([]byte, error)
	OpenAuthorized(ctx context.Context, signerID string, sealed, token, binding []byte) (PersonalKey, error)
}

// Config is what a Gateway works with. Organisation, Node, Secret, Store, Notary,
// Keys, Signer and Verifier are needed.
type Config struct {
	// Organisation is the office whose gateway this is: records of callers that
	// nobody knows are its own.
	Organisation string
	// Node names this process in the records.
	Node string
	// Secret hides the NIK and the tails that answer repeated requests. It
	// comes from the HSM and is on no disk.
	Secret [32]byte

	Store    Store
	Notary   Notary
	Keys     Keys
	Signer   *signer.Signer
	Verifier *verifier.Verifier
	// Anchors and Source judge certificates before they are used.
	Anchors *pki.Anchors
	Source  pki.Source

	// Limits of reading documents; zero fields mean the defaults.
	Limits pdf.Limits
	// Attempts bounds the guessing of passphrases; zero fields mean
	// DefaultAttempts.
	Attempts AttemptPolicy
	// Alarm is how many wrong passphrases in the window alert the operators;
	// zero means DefaultAlarm.
	Alarm int
	// Judgement is how long one verification may take, fetching included; zero
	// means DefaultJudgement.
	Judgement time.Duration
	// Lifetime of an activation at most; zero means DefaultLifetime.
	Lifetime time.Duration
	// Tail is how long an idempotency key holds; zero means DefaultTail.
	Tail time.Duration
	// Rate is the requests a minute of an application whose policy says
	// nothing; zero means DefaultRate.
	Rate int

	// Cases is what complaints need.
	Cases CaseConfig

	// Clock is the present; nil means time.Now.
	Clock func() time.Time
	// Log gets what operators must know; nil means none.
	Log *slog.Logger
}

// Defaults of Config.
const (
	DefaultAlarm     = 50
	DefaultJudgement = 30 * time.Second
	DefaultLifetime  = time.Hour
	DefaultTail      = 24 * time.Hour
	DefaultRate      = 600
)

// DefaultAttempts locks after five wrong passphrases in a row.
var DefaultAttempts = AttemptPolicy{
	Limit: 5, BaseDelay: time.Second, MaxDelay: 30 * time.Second, ReservedFor: time.Minute, Window: time.Hour,
}

// closing is how long the end of an operation may take to be written when its
// caller is gone: the record matters more than the caller.
const closing = 10 * time.Second

// Gateway is the use cases. It may be used by several goroutines at once.
type Gateway struct {
	cfg      Config
	tails    sealer
	niks     sealer
	cases    sealer
	totps    sealer
	nikKey   [32]byte
	asking   [32]byte // hides what was searched for and is nothing on record
	sessions [32]byte // vouches for sessions
	clock    *clock
	promise  promise
	limiters limiters
	callers  callerCache
	parsed   certificateCache
	seals    sealKeys
	kept     keptStatus
	// enrolments are the digests of signers that a record vouches for, for good;
	// endings are when a signer was revoked, by the record of that.
	enrolments, endings sync.Map

	denials *rate.Limiter // of records about refused access
	hashing chan struct{} // holds one for each password being hashed

	strangers *rate.Limiter // of what they leave with complaints, in KiB
}

// New checks cfg and reads the time floor from the database.
func New(ctx context.Context, cfg Config) (*Gateway, error) {
	if cfg.Store == nil || cfg.Notary == nil || cfg.Keys == nil || cfg.Signer == nil || cfg.Verifier == nil {
		return nil, errors.New("gateway: Config lacks a part")
	}
	if cfg.Organisation == "" || cfg.Node == "" || cfg.Secret == [32]byte{} {
		return nil, errors.New("gateway: Config lacks Organisation, Node or Secret")
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Attempts = cfg.Attempts.withDefaults()
	setDefault(&cfg.Alarm, DefaultAlarm)
	setDefault(&cfg.Judgement, DefaultJudgement)
	setDefault(&cfg.Lifetime, DefaultLifetime)
	setDefault(&cfg.Tail, DefaultTail)
	setDefault(&cfg.Rate, DefaultRate)
	if cfg.Cases.Rules.Answer == 0 {
		cfg.Cases.Rules = dispute.DefaultRules()
	}
	if err := cfg.Cases.Rules.Check(); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}

	g := &Gateway{
		cfg: cfg, limiters: limiters{byID: map[string]*limiter{}}, callers: callerCache{byKey: map[[32]byte]cachedCaller{}},
		denials: rate.NewLimiter(1, 60), hashing: make(chan struct{}, hashing),
	}
	for _, k := range []struct {
		purpose string
		use     func([32]byte) error
	}{
		{"absah/tail/1", g.tails.init},
		{"absah/nik/1", g.niks.init},
		{"absah/case/1", g.cases.init},
		{"absah/totp/1", g.totps.init},
		{"absah/nik-lookup/1", func(key [32]byte) error { g.nikKey = key; return nil }},
		{"absah/asking/1", func(key [32]byte) error { g.asking = key; return nil }},
		{"absah/sessions/1", func(key [32]byte) error { g.sessions = key; return nil }},
	} {
		key, err := hkdf.Key(sha256.New, cfg.Secret[:], nil, k.purpose, 32)
		if err == nil {
			err = k.use([32]byte(key))
		}
		if err != nil {
			return nil, fmt.Errorf("gateway: %s: %w", k.purpose, err)
		}
	}
	g.strangers = rate.NewLimiter(rate.Limit(strangersDaily)/(24*60*60), strangersAtOnce)
	g.clock = &clock{now: cfg.Clock}
	return g, g.clock.load(ctx, cfg.Store)
}

func setDefault[T int | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

func (p AttemptPolicy) withDefaults() AttemptPolicy {
	setDefault(&p.Limit, DefaultAttempts.Limit)
	setDefault(&p.BaseDelay, DefaultAttempts.BaseDelay)
	setDefault(&p.MaxDelay, DefaultAttempts.MaxDelay)
	setDefault(&p.ReservedFor, DefaultAttempts.ReservedFor)
	setDefault(&p.Window, DefaultAttempts.Window)
	return p
}

// Upload is a document that a caller sent.
type Upload struct {
	io.ReaderAt
	Size   int64 // bytes
	SHA256 [32]byte
	// Digest is a SHA-256 state that has been given all of it; it is not
	// changed.
	Digest hash.Hash
}

func (u Upload) input(limits pdf.Limits, password []byte) signer.Input {
	return signer.Input{Reader: u.ReaderAt, Size: u.Size, Password: password, Limits: limits, Digest: u.Digest}
}

// newID returns a UUIDv7: identifiers that sort by time.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// skew is how far the clock may be behind the latest moment on record.
const skew = 5 * time.Second

// clock is the present, held against the latest moment that is on record: a
// clock that went back would date signatures before the revocation of their
// certificates.
type clock struct {
	now func() time.Time

	mu    sync.Mutex
	floor time.Time // the latest moment seen
	saved time.Time // the floor that is in the database
}

// floorEvery is how often the floor is written at most.
const floorEvery = 10 * time.Second

func (c *clock) load(ctx context.Context, s Store) error {
	return s.View(ctx, AllOrganisations, func(r Reader) error {
		floor, err := r.TimeFloor(ctx)
		c.floor, c.saved = floor, floor
		return err
	})
}

// present returns the present, cut to milliseconds as records have it, or an
// error when the clock is behind what is on record.
func (c *clock) present() (time.Time, error) {
	now := c.now().UTC().Truncate(time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.floor.Add(-skew)) {
		return now, &Error{Code: CodeClock, Text: "The clock of the gateway is wrong.", Retry: retryService,
			Err: fmt.Errorf("%v is before %v, which is on record", now, c.floor)}
	}
	if now.After(c.floor) {
		c.floor = now
	}
	return now, nil
}

// latest returns the latest moment seen.
func (c *clock) latest() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.floor
}

// save raises the floor in the database, now and then, in a transaction that
// is being written anyway.
func (c *clock) save(ctx context.Context, tx OversightWriter) error {
	c.mu.Lock()
	floor, due := c.floor, c.floor.Sub(c.saved) >= floorEvery
	if due {
		c.saved = floor
	}
	c.mu.Unlock()
	if !due {
		return nil
	}
	return tx.RaiseTimeFloor(ctx, floor)
}
