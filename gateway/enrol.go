package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/pki"
)

// Local is the caller behind the commands that the operator of the machine
// gives: they are on record like all others.
func Local(organisation, user string) Caller {
	return Caller{
		Application:    Application{Organisation: organisation, Role: RoleOperator},
		Authentication: "local", User: user,
	}
}

// KeyMaker makes signers' keys in the HSM.
type KeyMaker interface {
	// Generate makes a key of that algorithm, sealed under the passphrase, and
	// a DER PKCS #10 request for it.
	Generate(ctx context.Context, signerID, algorithm string, passphrase []byte, subject pkix.RDNSequence) (sealed, publicKey, request []byte, err error)
}

// Enrolment is a new signer.
type Enrolment struct {
	Name, Office string
	NIK          string // sixteen digits
	Subject      pkix.RDNSequence
	Algorithm    string // as hsm.ParseAlgorithm reads it
	Passphrase   []byte
}

const (
	minPassphrase = 10 // characters; length beats rules (NIST SP 800-63B §5.1.1)
	nikLength     = 16
)

// checkPassphrase refuses what is guessed first.
func checkPassphrase(p []byte, personal ...string) error {
	text := strings.ToLower(string(p))
	switch {
	case !utf8.Valid(p) || utf8.RuneCount(p) < minPassphrase:
		return errorf(CodeInvalid, "The passphrase must have at least %d characters.", minPassphrase)
	case len(p) > 1024:
		return errorf(CodeInvalid, "The passphrase must have at most 1024 bytes.")
	case strings.Count(text, text[:1]) == len(text):
		return errorf(CodeInvalid, "The passphrase is one character over and over.")
	}
	for _, word := range personal {
		if word = strings.ToLower(word); len(word) >= 4 && strings.Contains(text, word) {
			return errorf(CodeInvalid, "The passphrase contains the signer's own name or number.")
		}
	}
	return nil
}

// Enrol makes a signer with a key, and the request with which the PSrE issues
// the certificate. Until [Gateway.InstallCertificate] the signer cannot sign.
// Somebody whose signer was revoked is enrolled anew, under another identifier.
func (g *Gateway) Enrol(ctx context.Context, c Caller, maker KeyMaker, e Enrolment) (s Signer, request []byte, err error) {
	if err := g.allow(ctx, c, "signer.enrol", RoleOperator); err != nil {
		return s, nil, err
	}
	switch {
	case len(e.NIK) != nikLength || strings.Trim(e.NIK, "0123456789") != "":
		return s, nil, errorf(CodeInvalid, "A NIK has sixteen digits.")
	case strings.TrimSpace(e.Name) == "" || utf8.RuneCountInString(e.Name) > 200 || utf8.RuneCountInString(e.Office) > 200:
		return s, nil, errorf(CodeInvalid, "name must have 1 to 200 characters, office at most 200.")
	}
	if err := checkPassphrase(e.Passphrase, append(strings.Fields(e.Name), e.NIK)...); err != nil {
		return s, nil, err
	}
	org := c.Application.Organisation
	s = Signer{
		ID: newID(), Organisation: org, Kind: SignerPersonal, Name: e.Name, Office: e.Office,
		Status: SignerActive, CreatedAt: g.cfg.Clock().UTC(),
	}
	s.NIKSealed = g.niks.seal([]byte(e.NIK), s.ID)
	if s.NIKHash, err = g.nikHash(ctx, org, e.NIK); err != nil {
		return s, nil, err
	}
	key, request, err := g.makeKey(ctx, maker, s, e)
	if err != nil {
		return s, nil, err
	}
	record := keyRecord("signer.enrol", s.ID, key)
	record.Detail[DetailSigner] = s.Digest()
	err = g.recordWith(ctx, c, record, func(tx Tx) error {
		if err := tx.AddSigner(ctx, s); err != nil {
			return err
		}
		return tx.AddKey(ctx, key)
	})
	return s, request, err
}

// maxEnrolments is how often one NIK can be enrolled; nobody loses that many keys.
const maxEnrolments = 100

// nikHash returns the keyed hash under which somebody is enrolled: that of the
// first enrolment that is not there yet. Who was revoked is enrolled anew, as
// another signer, since what is revoked stays so; who was not is refused, which
// spares the HSM a key.
func (g *Gateway) nikHash(ctx context.Context, organisation, nik string) (hash []byte, err error) {
	err = g.view(ctx, Scope(organisation), func(r Reader) error {
		for before := range maxEnrolments {
			hash = g.nikLookup(organisation, nik, before)
			other, err := r.SignerByNIK(ctx, hash)
			switch {
			case errors.Is(err, ErrNotFound):
				return nil
			case err != nil:
				return err
			case other.Status != SignerRevoked:
				return errorf(CodeExists, "The NIK belongs to the signer %s already; renew instead.", other.ID)
			}
		}
		return errorf(CodeExists, "The NIK was enrolled and revoked %d times; nobody is enrolled more often.", maxEnrolments)
	})
	return hash, err
}

func (g *Gateway) makeKey(ctx context.Context, maker KeyMaker, s Signer, e Enrolment) (Key, []byte, error) {
	sealed, public, request, err := maker.Generate(ctx, s.ID, e.Algorithm, e.Passphrase, e.Subject)
	if err != nil {
		return Key{}, nil, fromSigner(err)
	}
	return Key{
		ID: sha256.Sum256(public), Organisation: s.Organisation, Signer: s.ID, Algorithm: e.Algorithm,
		Sealed: sealed, CreatedAt: g.cfg.Clock().UTC(),
	}, request, nil
}

func keyRecord(kind, signerID string, key Key) evidence.Record {
	return evidence.Record{
		Kind: kind, Signer: evidence.Signer{ID: signerID, Key: hex.EncodeToString(key.ID[:])},
		Result: evidence.Result{Status: evidence.StatusOK}, Detail: map[string]string{"algorithm": key.Algorithm},
	}
}

// Renew makes another key for a signer, as after a forgotten passphrase or
// before a certificate ends. The old one stays usable until its certificate
// ends or is revoked.
func (g *Gateway) Renew(ctx context.Context, c Caller, maker KeyMaker, signerID string, e Enrolment) (request []byte, err error) {
	if err := g.allow(ctx, c, "signer.renew", RoleOperator); err != nil {
		return nil, err
	}
	s, _, err := g.SignerOf(ctx, c, signerID)
	if err != nil {
		return nil, err
	}
	switch {
	case s.Kind != SignerPersonal:
		return nil, errorf(CodeInvalid, "A seal's key is made on the token: absah key generate, then key csr.")
	case s.Status == SignerRevoked:
		return nil, errorf(CodeInvalid, "The signer is revoked for good: enrol the person anew, as another signer.")
	}
	if err := checkPassphrase(e.Passphrase, strings.Fields(s.Name)...); err != nil {
		return nil, err
	}
	key, request, err := g.makeKey(ctx, maker, *s, e)
	if err != nil {
		return nil, err
	}
	err = g.recordWith(ctx, c, keyRecord("signer.renew", s.ID, key), func(tx Tx) error { return tx.AddKey(ctx, key) })
	return request, err
}

// InstallCertificate gives one of a signer's keys its certificate, issuer
// first in chain. The certificate must be for the key, be good for signing
// now, lead to an anchor, and name the signer.
func (g *Gateway) InstallCertificate(ctx context.Context, c Caller, signerID string, leaf *x509.Certificate, chain []*x509.Certificate) error {
	if err := g.allow(ctx, c, "signer.certificate", RoleOperator); err != nil {
		return err
	}
	s, keys, err := g.SignerOf(ctx, c, signerID)
	if err != nil {
		return err
	}
	id := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	at, err := g.clock.present()
	if err != nil {
		return err
	}
	_, pathErr := pki.Chain(leaf, chain, g.cfg.Anchors, at, pki.Signing)
	switch {
	case !slices.ContainsFunc(keys, func(k Key) bool { return k.ID == id }):
		return errorf(CodeInvalid, "The certificate is for another key than this signer has.")
	case at.Before(leaf.NotBefore) || at.After(leaf.NotAfter):
		return errorf(CodeInvalid, "The certificate is valid from %v to %v.", leaf.NotBefore, leaf.NotAfter)
	case pathErr != nil:
		return &Error{Code: CodeInvalid, Text: "The certificate does not lead to a trusted root: " + pathErr.Error() + ".", Err: pathErr}
	case s.Kind == SignerPersonal && !names(leaf, s.Name):
		return errorf(CodeInvalid, "The certificate is for %q, the signer is %q.", leaf.Subject.CommonName, s.Name)
	}
	cert := certificateRow(s.Organisation, id, leaf, chain)
	return g.recordWith(ctx, c, evidence.Record{
		Kind:      "signer.certificate",
		Signer:    evidence.Signer{ID: s.ID, CertificateSHA256: hex.EncodeToString(cert.SHA256[:]), Key: hex.EncodeToString(id[:])},
		Result:    evidence.Result{Status: evidence.StatusOK},
		Artefacts: []evidence.Artefact{artefactOf(evidence.Blob{Kind: evidence.ArtefactCertificate, Data: leaf.Raw})},
	}, func(tx Tx) error {
		if err := tx.PutArtefact(ctx, evidence.Blob{Kind: evidence.ArtefactCertificate, Data: leaf.Raw}); err != nil {
			return err
		}
		return tx.AddCertificate(ctx, cert)
	})
}

// names tells whether a certificate's common name is the signer's, titles and
// punctuation aside.
func names(leaf *x509.Certificate, name string) bool {
	words := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return strings.ContainsRune(" .,-'", r) })
	}
	have := words(leaf.Subject.CommonName)
	for _, w := range words(name) {
		if !slices.Contains(have, w) {
			return false
		}
	}
	return len(have) > 0
}

func certificateRow(organisation string, key [32]byte, leaf *x509.Certificate, chain []*x509.Certificate) Certificate {
	row := Certificate{
		SHA256: sha256.Sum256(leaf.Raw), Organisation: organisation, Key: key, DER: leaf.Raw,
		NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter,
	}
	for _, issuer := range chain {
		if bytes.Equal(issuer.RawSubject, issuer.RawIssuer) {
			break // a root is the reader's to have
		}
		row.Chain = append(row.Chain, issuer.Raw)
	}
	return row
}

// SealSpec is a seal as the configuration names it.
type SealSpec struct {
	ID, Name, Label string
	Leaf            *x509.Certificate
	Chain           []*x509.Certificate
}

// sealKeys are the labels of the keys that seals have on the token, as the
// configuration says. What the database says lends no such key to anybody: whoever
// is lent one signs without a passphrase. It may be used by several goroutines.
type sealKeys struct{ labels sync.Map }

// sealKey names a seal and its key, by SHA-256 of the SubjectPublicKeyInfo.
type sealKey struct {
	id  string
	key [32]byte
}

func (s *sealKeys) put(id string, key [32]byte, label string) {
	s.labels.Store(sealKey{id, key}, label)
}

// label returns false for a key that this gateway was not given for the seal.
func (s *sealKeys) label(id string, key [32]byte) (label string, ok bool) {
	v, ok := s.labels.Load(sealKey{id, key})
	label, _ = v.(string)
	return label, ok
}

// EnsureSeal makes the signer behind a seal, or gives it its present
// certificate, when the database lacks it. From then on this gateway signs with the
// seal's key, and with no other for it.
func (g *Gateway) EnsureSeal(ctx context.Context, c Caller, spec SealSpec) error {
	if err := g.ensureSeal(ctx, c, spec); err != nil {
		return err
	}
	g.seals.put(spec.ID, sha256.Sum256(spec.Leaf.RawSubjectPublicKeyInfo), spec.Label)
	return nil
}

func (g *Gateway) ensureSeal(ctx context.Context, c Caller, spec SealSpec) error {
	org := Scope(c.Application.Organisation)
	id := sha256.Sum256(spec.Leaf.RawSubjectPublicKeyInfo)
	cert := certificateRow(string(org), id, spec.Leaf, spec.Chain)
	var (
		known bool
		keys  []Key
	)
	err := g.view(ctx, org, func(r Reader) error {
		s, err := r.Signer(ctx, spec.ID)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err == nil && s.Kind != SignerSeal {
			return errorf(CodeExists, "%q is a person's identifier.", spec.ID)
		}
		if known = true; err == nil {
			keys, err = r.Keys(ctx, spec.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	at := slices.IndexFunc(keys, func(k Key) bool { return k.ID == id })
	if at >= 0 && slices.ContainsFunc(keys[at].Certificates, func(c Certificate) bool { return c.SHA256 == cert.SHA256 }) {
		return nil
	}
	now := g.cfg.Clock().UTC()
	seal := Signer{ID: spec.ID, Organisation: string(org), Kind: SignerSeal, Name: spec.Name, Status: SignerActive, CreatedAt: now}
	r := evidence.Record{
		Kind:   "signer.seal",
		Signer: evidence.Signer{ID: spec.ID, CertificateSHA256: hex.EncodeToString(cert.SHA256[:]), Key: hex.EncodeToString(id[:])},
		Result: evidence.Result{Status: evidence.StatusOK},
	}
	if !known {
		r.Detail = map[string]string{DetailSigner: seal.Digest()}
	}
	return g.recordWith(ctx, c, r, func(tx Tx) error {
		if !known {
			if err := tx.AddSigner(ctx, seal); err != nil {
				return err
			}
		}
		if at < 0 {
			key := Key{ID: id, Organisation: string(org), Signer: spec.ID, Algorithm: spec.Leaf.PublicKeyAlgorithm.String(), Label: spec.Label, CreatedAt: now}
			if err := tx.AddKey(ctx, key); err != nil {
				return err
			}
		}
		return tx.AddCertificate(ctx, cert)
	})
}

// SignerOf returns a signer with its keys.
func (g *Gateway) SignerOf(ctx context.Context, c Caller, id string) (*Signer, []Key, error) {
	var (
		s    Signer
		keys []Key
	)
	err := g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		if s, err = r.Signer(ctx, id); err != nil {
			return err
		}
		keys, err = r.Keys(ctx, id)
		return err
	})
	return &s, keys, err
}

// Signers lists signers by identifier.
func (g *Gateway) Signers(ctx context.Context, c Caller, p Page) (all []Signer, err error) {
	if err := g.allow(ctx, c, "signer.list", RoleApplication, RoleOperator, RoleInvestigator, RoleAuditor); err != nil {
		return nil, err
	}
	policy := c.Application.Policy
	if c.Application.Role == RoleApplication && !slices.Contains(policy.Signers, "*") {
		return g.signersNamed(ctx, c, policy.Signers, p)
	}
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		all, err = r.Signers(ctx, p)
		return err
	})
	return all, err
}

// signersNamed lists those of some signers that there are.
func (g *Gateway) signersNamed(ctx context.Context, c Caller, ids []string, p Page) (all []Signer, err error) {
	setDefault(&p.Limit, 100)
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) error {
		all = nil
		for _, id := range slices.Sorted(slices.Values(ids)) {
			if id <= p.After || len(all) == p.Limit {
				continue
			}
			s, err := r.Signer(ctx, id)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			all = append(all, s)
		}
		return nil
	})
	return all, err
}

// MaskedNIK returns a signer's NIK with all but the last four digits hidden;
// "" for a seal.
func (g *Gateway) MaskedNIK(s Signer) (string, error) {
	if s.NIKSealed == nil {
		return "", nil
	}
	nik, err := g.niks.open(s.NIKSealed, s.ID)
	if err != nil {
		return "", err
	}
	return strings.Repeat("*", nikLength-4) + string(nik[nikLength-4:]), nil
}

// SetSignerStatus locks, unlocks or revokes a signer at the gateway. Unlocking
// also forgets wrong passphrases. A revoked signer stays revoked.
func (g *Gateway) SetSignerStatus(ctx context.Context, c Caller, id string, to SignerStatus, reason string) error {
	act := map[SignerStatus]string{SignerActive: "signer.unlock", SignerLocked: "signer.lock", SignerRevoked: "signer.revoke"}[to]
	if act == "" || strings.TrimSpace(reason) == "" {
		return errorf(CodeInvalid, "A status and a reason are needed.")
	}
	if err := g.allow(ctx, c, act, RoleOperator); err != nil {
		return err
	}
	s, keys, err := g.SignerOf(ctx, c, id)
	if err != nil {
		return err
	}
	if s.Status == SignerRevoked {
		return errorf(CodeChanged, "The signer is revoked for good. The person can be enrolled anew, as another signer.")
	}
	return g.recordWith(ctx, c, evidence.Record{
		Kind: act, Signer: evidence.Signer{ID: id}, Result: evidence.Result{Status: evidence.StatusOK},
		Detail: map[string]string{"from": string(s.Status), "reason": clip(reason, 1024)},
	}, func(tx Tx) error {
		if s.Status != to {
			if err := tx.SetSignerStatus(ctx, id, s.Status, to); err != nil {
				return err
			}
		}
		switch to {
		case SignerActive:
			return tx.ClearAttempts(ctx, id, "")
		case SignerRevoked:
			return revokeCertificates(ctx, tx, keys, g.cfg.Clock().UTC(), reason)
		}
		return nil
	})
}

func revokeCertificates(ctx context.Context, tx Tx, keys []Key, at time.Time, reason string) error {
	for _, k := range keys {
		for _, cert := range k.Certificates {
			if err := tx.RevokeCertificate(ctx, cert.SHA256, at, reason); err != nil {
				return err
			}
		}
	}
	return nil
}
