package tsp

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/absah-id/absah/cms"
	"golang.org/x/crypto/cryptobyte"
	cb "golang.org/x/crypto/cryptobyte/asn1"
)

// AuthorityConfig is what a time-stamp authority is made of. Certificate, Key
// and Policy are needed.
type AuthorityConfig struct {
	// Certificate has timeStamping as its only, critical extended key usage.
	// Chain goes into tokens with it when certReq asks.
	Certificate *x509.Certificate
	Chain       []*x509.Certificate

	// Key signs the attributes of the token. Algorithm is as in
	// cms.SignOptions.
	Key       crypto.MessageSigner
	Algorithm cms.Algorithm

	// Policy is that of tokens whose request names none; Policies are others
	// that may be asked for.
	Policy   asn1.ObjectIdentifier
	Policies []asn1.ObjectIdentifier

	// Hashes are the imprints accepted; nil means SHA-256, SHA-384 and SHA-512.
	Hashes []crypto.Hash

	// Accuracy is stated in every token, to the microsecond, at most a day;
	// 0 leaves it out.
	Accuracy time.Duration

	// Ordering says that tokens of this authority can be ordered by genTime
	// whatever their accuracy. The caller then vouches that it never goes back.
	Ordering bool

	// Name puts the certificate's subject into the tsa field.
	Name bool

	// Serial returns a serial number never used before, positive and of at
	// most 160 bits; nil means 127 random bits.
	Serial func() (*big.Int, error)
}

// Authority answers time-stamp requests (RFC 3161 §2.4). It keeps no state: the
// moment comes with each request.
type Authority struct {
	cfg  AuthorityConfig
	name []byte // GeneralName
}

// NewAuthority checks the whole configuration. It signs nothing.
func NewAuthority(cfg AuthorityConfig) (*Authority, error) {
	if cfg.Certificate == nil || cfg.Key == nil {
		return nil, errors.New("tsp: an authority needs a certificate and a key")
	}
	if !timestampingOnly(cfg.Certificate) {
		return nil, breach(RuleExtendedKeyUsage, "timeStamping must be the only extended key usage, and critical")
	}
	if len(cfg.Policy) < 2 {
		return nil, errors.New("tsp: an authority needs a policy")
	}
	if cfg.Accuracy < 0 || cfg.Accuracy > 24*time.Hour || cfg.Accuracy%time.Microsecond != 0 {
		return nil, fmt.Errorf("tsp: accuracy %v", cfg.Accuracy)
	}
	if cfg.Hashes == nil {
		cfg.Hashes = []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}
	}
	for _, h := range cfg.Hashes {
		if cms.OIDForHash(h) == nil {
			return nil, fmt.Errorf("tsp: hash %v has no identifier", h)
		}
	}
	if cfg.Serial == nil {
		cfg.Serial = randomSerial
	}
	o := cms.SignOptions{Certificate: cfg.Certificate, Chain: cfg.Chain, Algorithm: cfg.Algorithm}
	if _, err := o.Size(0); err != nil {
		return nil, err
	}
	a := &Authority{cfg: cfg}
	if cfg.Name {
		var b cryptobyte.Builder
		b.AddASN1(cb.Tag(4).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(cfg.Certificate.RawSubject) })
		a.name = b.BytesOrPanic()
	}
	return a, nil
}

func randomSerial() (*big.Int, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return nil, err
	}
	b[0] = b[0]&0x7f | 0x40 // positive, and always of the same length
	return new(big.Int).SetBytes(b[:]), nil
}

// Respond answers a TimeStampReq with a DER TimeStampResp dated at, to the
// second. A bad request is answered too, by a rejection, with a nil error. The
// error is about the authority itself, its key or its serial numbers; the
// answer is then a rejection that says systemFailure, or timeNotAvailable when
// at lies outside the certificate's validity.
func (a *Authority) Respond(request []byte, at time.Time) ([]byte, error) {
	req, err := ParseRequest(request)
	if err != nil {
		return marshalRejection(BadDataFormat, "the request cannot be read")
	}
	if f, text := a.refuse(req); text != "" {
		return marshalRejection(f, text)
	}
	if c := a.cfg.Certificate; at.Before(c.NotBefore) || at.After(c.NotAfter) {
		return rejectWith(TimeNotAvailable, breach(RuleTimeOfCertificate, "the authority's certificate is not valid at %v", at.UTC().Format(time.RFC3339)))
	}
	token, err := a.issue(req, at)
	if err != nil {
		return rejectWith(SystemFailure, err)
	}
	return marshalGranted(token)
}

// rejectWith returns a rejection together with its cause, which stays inside.
func rejectWith(f Failure, cause error) ([]byte, error) {
	resp, err := marshalRejection(f, "the authority cannot answer")
	return resp, errors.Join(cause, err)
}

// refuse returns why req gets no token; no text when it does.
func (a *Authority) refuse(req *Request) (f Failure, text string) {
	switch {
	case !slices.Contains(a.cfg.Hashes, req.Hash):
		return BadAlgorithm, "the hash algorithm is not accepted"
	case len(req.Digest) != req.Hash.Size():
		return BadDataFormat, "the imprint does not have the length of its hash"
	case req.Policy != nil && !req.Policy.Equal(a.cfg.Policy) && !slices.ContainsFunc(a.cfg.Policies, req.Policy.Equal):
		return UnacceptedPolicy, "the policy is not accepted"
	case len(req.Extensions) > 0:
		return UnacceptedExtension, "no extension is accepted"
	}
	return 0, ""
}

// issue returns a token for a request that refuse lets pass.
func (a *Authority) issue(req *Request, at time.Time) ([]byte, error) {
	serial, err := a.cfg.Serial()
	if err != nil {
		return nil, fmt.Errorf("tsp: serial number: %w", err)
	}
	if serial == nil || serial.Sign() <= 0 || serial.BitLen() > 160 {
		return nil, errors.New("tsp: serial number is not positive or too long")
	}
	info, err := a.info(req, serial, at)
	if err != nil {
		return nil, err
	}
	return cms.Sign(cms.SignOptions{
		ContentType:    cms.OIDTSTInfo,
		Content:        info,
		Certificate:    a.cfg.Certificate,
		Chain:          a.cfg.Chain,
		NoCertificates: !req.Certificates,
		Algorithm:      a.cfg.Algorithm,
		Key:            a.cfg.Key,
	})
}

// info returns the DER TSTInfo.
func (a *Authority) info(req *Request, serial *big.Int, at time.Time) ([]byte, error) {
	policy := req.Policy
	if policy == nil {
		policy = a.cfg.Policy
	}
	var b cryptobyte.Builder
	b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1ObjectIdentifier(policy)
		addImprint(b, req.Hash, req.Digest)
		b.AddASN1BigInt(serial)
		b.AddASN1GeneralizedTime(at.UTC().Truncate(time.Second))
		addAccuracy(b, a.cfg.Accuracy)
		if a.cfg.Ordering {
			b.AddASN1Boolean(true)
		}
		if req.Nonce != nil {
			b.AddASN1BigInt(req.Nonce)
		}
		if a.name != nil {
			b.AddASN1(cb.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(a.name) })
		}
	})
	return b.Bytes()
}

// addAccuracy writes Accuracy with only its members that are not zero.
func addAccuracy(b *cryptobyte.Builder, d time.Duration) {
	if d == 0 {
		return
	}
	b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) {
		if s := d / time.Second; s > 0 {
			b.AddASN1Int64(int64(s))
		}
		if ms := d % time.Second / time.Millisecond; ms > 0 {
			b.AddASN1Int64WithTag(int64(ms), cb.Tag(0).ContextSpecific())
		}
		if us := d % time.Millisecond / time.Microsecond; us > 0 {
			b.AddASN1Int64WithTag(int64(us), cb.Tag(1).ContextSpecific())
		}
	})
}
