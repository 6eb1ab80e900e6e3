package signer

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/signer/appearance"
)

// Level is a baseline level of EN 319 142-1 §6. Each contains those before it.
type Level int

// The levels. The zero Level is B.
const (
	B   Level = iota // the signature alone
	T                // a trusted time of existence
	LT               // evidence with which certificates can be judged later
	LTA              // a document timestamp that protects the evidence
)

// String returns the name used in commands and reports: "B-LT".
func (l Level) String() string {
	if l < B || l > LTA {
		return fmt.Sprintf("Level(%d)", int(l))
	}
	return [...]string{"B-B", "B-T", "B-LT", "B-LTA"}[l]
}

// ParseLevel reads what [Level.String] writes, in any case.
func ParseLevel(s string) (Level, error) {
	for l := B; l <= LTA; l++ {
		if strings.EqualFold(s, l.String()) {
			return l, nil
		}
	}
	return B, fmt.Errorf("%q is not a level: B-B, B-T, B-LT or B-LTA", s)
}

// Key signs messages that it hashes itself; hsm.Key is one.
type Key = crypto.MessageSigner

// Visible describes what a signature shows; see package appearance.
type Visible = appearance.Visible

// Pages of [Visible] that are not a number.
const (
	FirstPage = appearance.FirstPage
	LastPage  = appearance.LastPage
)

// Timestamper asks timestamp authorities; tsp.Client is one.
type Timestamper interface {
	// Timestamp returns a TimeStampToken (RFC 3161 §2.4.2) over digest, which
	// is h.Size() bytes. Once ctx is done it returns promptly with an error.
	Timestamp(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error)
}

// Defaults of [Config].
const (
	DefaultTokenSize = 16 << 10
	DefaultMaxDrift  = 10 * time.Minute
)

// Config is what a Signer works with. The zero value makes B-B only.
type Config struct {
	// Timestamper is needed for all levels above B.
	Timestamper Timestamper

	// Source is needed for LT and LTA. At every level it is asked, where
	// Anchors are configured too, about the signer's certificate before the
	// key is used; a certificate found good is not asked about again for a
	// minute.
	Source pki.Source

	// Anchors of signers' and TSAAnchors of timestamp authorities'
	// certificates. TSAAnchors nil means Anchors. Levels LT and LTA need
	// them. Where they are there, a signer without a path to Anchors is
	// refused at every level, and so is an authority from T on.
	Anchors, TSAAnchors *pki.Anchors

	// TokenSize is the room reserved for one timestamp token, in bytes; zero
	// means DefaultTokenSize. Usual tokens with their chain have 3 to 8 KiB.
	// It takes twice that in the document. A larger token is an error
	// (*pades.PlaceholderError): what is signed cannot be moved any more.
	TokenSize int

	// MaxDrift is how far a token's time may be from the moment of the
	// request; zero means DefaultMaxDrift. Beyond it one of the two clocks is
	// wrong, and nothing is made.
	MaxDrift time.Duration
}

// Signer signs and augments. See the package comment about concurrency.
type Signer struct {
	cfg    Config
	recent recent
	drafts drafts
}

// New checks cfg. It contacts nobody.
func New(cfg Config) (*Signer, error) {
	if cfg.TokenSize == 0 {
		cfg.TokenSize = DefaultTokenSize
	}
	if cfg.MaxDrift == 0 {
		cfg.MaxDrift = DefaultMaxDrift
	}
	if cfg.TokenSize < 0 || cfg.TokenSize > cms.MaxPlainSize {
		return nil, fmt.Errorf("signer: TokenSize %d is not between 1 and %d", cfg.TokenSize, cms.MaxPlainSize)
	}
	if cfg.MaxDrift < 0 {
		return nil, errors.New("signer: MaxDrift is negative")
	}
	if cfg.TSAAnchors == nil {
		cfg.TSAAnchors = cfg.Anchors
	}
	return &Signer{cfg: cfg}, nil
}

// able reports what the configuration lacks for a level.
func (s *Signer) able(l Level) error {
	if l >= T && s.cfg.Timestamper == nil {
		return fmt.Errorf("signer: %v needs a timestamp authority, and none is configured", l)
	}
	return s.ableToProve(l)
}

// ableToProve is able without the timestamp authority.
func (s *Signer) ableToProve(l Level) error {
	switch {
	case l < B || l > LTA:
		return fmt.Errorf("signer: no such level: %v", l)
	case l >= LT && s.cfg.Source == nil:
		return fmt.Errorf("signer: %v needs a source of revocation data, and none is configured", l)
	case l >= LT && (s.cfg.Anchors.Len() == 0 || s.cfg.TSAAnchors.Len() == 0):
		return fmt.Errorf("signer: %v needs trust anchors, and none are configured", l)
	}
	return nil
}
