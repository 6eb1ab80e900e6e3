package evidence

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Errors of a Log, returned wrapped with what was found.
var (
	// ErrRollback says that the database is older than what was published:
	// restored from a backup, or failed over to a server that lagged. Nothing
	// may be signed with it.
	ErrRollback = errors.New("evidence: the log is older than its last checkpoint")
	// ErrTampered says that stored hashes contradict the head or a checkpoint.
	ErrTampered = errors.New("evidence: the tree was changed")
	// ErrNoFloor says that the log has entries and this node no floor: whether the
	// database is the present one, only somebody who knows can tell (SetFloor).
	ErrNoFloor = errors.New("evidence: the log has entries and its floor file is missing")
	// ErrForged says that an entry waits for its place that no node of this log has
	// written. It gets none; nothing is signed until it is gone.
	ErrForged = errors.New("evidence: an entry was not written by a gateway")
	// ErrBehind says that an entry is past the time promised for it.
	ErrBehind = errors.New("evidence: entries wait longer than promised")
	// ErrNotIntegrated says that an entry is not under a checkpoint yet: ask
	// again before its promise has run out.
	ErrNotIntegrated = errors.New("evidence: not in the tree yet")
	// ErrUnknownOperation says that the log has no entry of that operation.
	ErrUnknownOperation = errors.New("evidence: no such operation")
)

// Timestamper asks a timestamp authority, best one that is not the gateway's
// own.
type Timestamper interface {
	// Timestamp returns a token over the SHA-256 given, already verified, with
	// what is needed to verify it later. It returns ctx.Err() once ctx is done.
	Timestamp(ctx context.Context, digest [32]byte) (Stamp, error)
}

// Stamp is an RFC 3161 token with its validation data.
type Stamp struct {
	Token []byte // DER TimeStampToken
	// Material is the authority's chain and its revocation data, each with a
	// Kind of ArtefactCertificate, ArtefactOCSP or ArtefactCRL.
	Material []Blob
}

// Config is what a Log needs. Store, Origin and Signer must be set.
type Config struct {
	Store Store
	// Origin names the log (C2SP tlog-checkpoint): the address under which its
	// tiles are served, without scheme and without a slash at the end.
	Origin string
	// Signer is the log's Ed25519 key; a crypto.MessageSigner serves too.
	Signer crypto.Signer
	// Receipts is the Ed25519 key for receipts; nil means Signer.
	Receipts crypto.Signer
	// Intents is a secret that the nodes of one log share; with it intents, which
	// have no receipt, carry a MAC, so that nobody else can write one. Empty
	// leaves them without.
	Intents []byte
	// PastKeys are vkeys, of log and receipts, that were in use before; also under
	// another origin, which the log had before (see docs/OPERATION.md, "A log of a
	// new name"): checkpoints under it are history, and nothing is signed with it.
	PastKeys []string
	// Timestamper stamps checkpoints; nil leaves them without.
	Timestamper Timestamper
	// Token, if not nil, tells whether a stored token is one that an authority gave over
	// digest: nil, or what does not hold. Proofs are under a checkpoint of which it does.
	Token func(token []byte, digest [32]byte) error
	// StampEvery is the least time between two stamps. The newest checkpoint
	// gets the next; 0 stamps as fast as the authority answers.
	StampEvery time.Duration
	// Witnesses cosign checkpoints; none is as good as any number.
	Witnesses []Witness
	// HTTPClient reaches the witnesses; nil means http.DefaultClient. Each
	// request has a deadline of ten seconds of its own.
	HTTPClient *http.Client
	// Floor is the file that holds the last checkpoint outside the database; ""
	// keeps none, and then only witnesses notice a restored database.
	Floor string
	// MergeDelay is promised in receipts: the time from a record to its place in
	// the tree. 0 means one minute, and MaxPromise is the most.
	MergeDelay time.Duration
	// Interval is the time between two steps of Run; 0 means one second.
	Interval time.Duration
	// Batch is the most entries that one step integrates; 0 means 4096.
	Batch int
	// Clock tells the time; nil means time.Now.
	Clock func() time.Time
	// Logger gets what Run cannot return; nil discards it.
	Logger *slog.Logger
}

// Log is the evidence log of one gateway. It may be used by several goroutines,
// and several processes may run one over the same database.
type Log struct {
	cfg      Config
	key      *noteKey
	receipts *noteKey
	signer   *receiptSigner
	logKeys  []string // every vkey that checkpoints may be signed with
	names    []logName

	// step is held for a whole step of the sequencer: steps of one process
	// would only conflict with each other.
	step    sync.Mutex
	checked int64 // guarded by step: of so many entries this process knows who wrote them
	sealed  bool  // guarded by step: the tree has an intent with a MAC, and takes none without any more

	mu        sync.Mutex
	last      Head              // guarded by mu: the last head this process knows to be signed
	broken    error             // guarded by mu: ErrRollback or ErrTampered, once seen
	witnessed map[string]int64  // guarded by mu: the size each witness (vkey) saw last
	made      map[[32]byte]bool // guarded by mu: leaves that this process made and has not seen in the tree
	refused   error             // guarded by mu: why an entry that waits gets no place; nil when all do
}

// New returns a log over cfg.Store. It touches neither database nor files; call
// Check before the first entry.
func New(cfg Config) (*Log, error) {
	if cfg.Store == nil || cfg.Signer == nil {
		return nil, errors.New("evidence: a log needs a store and a key")
	}
	if !isKeyName(cfg.Origin) || strings.HasPrefix(cfg.Origin, "absah/") || len(cfg.Origin) > 255 {
		return nil, fmt.Errorf("evidence: %q cannot be the origin of a log", cfg.Origin)
	}
	if cfg.Receipts == nil {
		cfg.Receipts = cfg.Signer
	}
	defaults(&cfg)
	if cfg.MergeDelay > MaxPromise {
		return nil, fmt.Errorf("evidence: a promise of %v, at most %v", cfg.MergeDelay, MaxPromise)
	}
	l := &Log{cfg: cfg, witnessed: map[string]int64{}}
	var err error
	if l.key, err = newNoteKey(cfg.Origin, cfg.Signer); err != nil {
		return nil, err
	}
	if l.receipts, err = newNoteKey(ReceiptName(cfg.Origin), cfg.Receipts); err != nil {
		return nil, err
	}
	l.signer = &receiptSigner{origin: cfg.Origin, key: l.receipts}
	l.logKeys = []string{l.key.vkey}
	for _, vkey := range cfg.PastKeys {
		v, err := note.NewVerifier(vkey)
		switch {
		case err != nil:
			return nil, fmt.Errorf("evidence: past key %q: %w", vkey, err)
		case vkey == l.key.vkey || vkey == l.receipts.vkey: // the same key twice would be ambiguous
		case v.Name() == cfg.Origin:
			l.logKeys = append(l.logKeys, vkey)
		}
	}
	if l.names, err = logNames(cfg.Origin, l.AllKeys()); err != nil {
		return nil, err
	}
	for _, w := range cfg.Witnesses {
		if _, err := newCosigner(w.VKey); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func defaults(cfg *Config) {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&cfg.MergeDelay, time.Minute)
	set(&cfg.Interval, time.Second)
	if cfg.Batch <= 0 {
		cfg.Batch = 4096
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = http.DefaultClient
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
}

// Origin returns the log's name.
func (l *Log) Origin() string { return l.cfg.Origin }

// Keys returns the vkeys with which checkpoints and receipts are signed now.
func (l *Log) Keys() (logVKey, receiptVKey string) { return l.key.vkey, l.receipts.vkey }

// AllKeys returns the vkeys of log and receipts, those in use now first: what
// bundles name, and what is to be published where a forger cannot reach it.
func (l *Log) AllKeys() []string {
	keys := []string{l.key.vkey, l.receipts.vkey}
	for _, vkey := range l.cfg.PastKeys {
		if !slices.Contains(keys, vkey) {
			keys = append(keys, vkey)
		}
	}
	return keys
}

// NewEntry makes the entry of a record and, for outcomes and events, its
// receipt. The entry is to be appended in the operation's transaction; the
// receipt may leave the gateway only after that has been committed.
func (l *Log) NewEntry(r Record) (Entry, Receipt, error) {
	e, err := NewEntry(r, rand.Reader, l.cfg.MergeDelay)
	if err != nil {
		return e, Receipt{}, err
	}
	if e.Phase == PhaseIntent {
		if len(l.cfg.Intents) > 0 {
			e.Receipt = intentMAC(l.cfg.Intents, l.cfg.Origin, &e)
		}
		l.remember(&e)
		l.signer.expect(&e)
		return e, Receipt{}, nil
	}
	if err = l.signer.sign(&e); err != nil {
		return Entry{}, Receipt{}, err
	}
	l.remember(&e)
	receipt, _ := ReceiptOf(l.cfg.Origin, e)
	return e, receipt, nil
}

// Receipt returns the receipt of an entry that NewEntry made, read back from the
// store; false for an intent.
func (l *Log) Receipt(e Entry) (Receipt, bool) { return ReceiptOf(receiptOrigin(l.names, &e), e) }

// Vouched tells whether an entry that was read back from the store is of a piece
// and carries a receipt that a key of this log has signed or, an intent, the MAC
// of one of its nodes: nil, or what does not hold. Whoever writes to the database
// can insert a row, but cannot sign for it. An intent of the time before there
// were MACs is vouched for by its place in the tree.
func (l *Log) Vouched(e Entry) error {
	err := l.written(&e)
	if errors.Is(err, errNoMAC) && e.Index >= 0 {
		return nil
	}
	return err
}

// Ready tells whether operations may go on: nil, or ErrForged while an entry
// waits that no gateway wrote, ErrBehind when an entry is past its promise, or
// ErrRollback or ErrTampered when this process has seen that before, or the
// store's error.
func (l *Log) Ready(ctx context.Context) error {
	if err := l.isBroken(); err != nil {
		return err
	}
	if err := l.isRefused(); err != nil {
		return err
	}
	promise, waiting, err := l.cfg.Store.OldestPending(ctx)
	if err != nil {
		return err
	}
	if late := l.cfg.Clock().Sub(promise); waiting && late > 0 {
		return fmt.Errorf("%w: by %v", ErrBehind, late.Round(time.Second))
	}
	return nil
}

func (l *Log) isBroken() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

// breakOn remembers err for Ready when it says that the log must not go on.
func (l *Log) breakOn(err error) error {
	if errors.Is(err, ErrNoHash) {
		err = fmt.Errorf("%w: %w", ErrTampered, err)
	}
	if errors.Is(err, ErrRollback) || errors.Is(err, ErrTampered) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.broken = err
	}
	return err
}

// hashes makes the store a tlog.HashReader.
func (l *Log) hashes(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		if len(indexes) == 0 {
			return nil, nil
		}
		return l.cfg.Store.Hashes(ctx, indexes)
	})
}
