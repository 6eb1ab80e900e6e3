package signer

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/signer/appearance"
)

// Input is a PDF document.
type Input struct {
	Reader   io.ReaderAt
	Size     int64 // bytes
	Password []byte
	Limits   pdf.Limits // zero fields mean the defaults
	// Document is what pdf.Open made of the fields above, for callers that have
	// opened it already; nil means that it is opened here.
	Document *pdf.Document

	// Digest is a SHA-256 state that has been given all Size bytes, from
	// someone who hashed them on their way in. It is trusted, since checking
	// it would take the reading it saves; it is not changed. It must be able
	// to be cloned (hash.Cloner, as crypto/sha256 is) or marshalled. nil means
	// that the input is read and hashed here. Keys that sign with a longer
	// hash make one reading necessary all the same.
	Digest hash.Hash
}

// Request says what signature to make. Key, Certificate and At are needed.
type Request struct {
	Key         Key
	Certificate *x509.Certificate
	Chain       []*x509.Certificate // between Certificate and anchor; embedded with it
	PSS         bool                // RSASSA-PSS with an RSA key

	Level Level
	// Fallback accepts a lower level when a service outside fails; Result
	// says so. A certificate that is revoked is never accepted.
	Fallback bool

	At time.Time // the present: claimed as signing time, and judges the certificate

	Field       string // empty field to fill, or name of a new one; "" = "Signature<n>"
	Reason      string
	Location    string
	Name        string // as the dictionary's /Name; readers go by the certificate
	ContactInfo string
	Certify     int             // DocMDP P = 1..3; 0 = approval signature
	Lock        *pades.FieldMDP // fields locked by this signature; nil = none
	// Visible is what the signature shows; nil = nothing. In an empty field
	// that exists, page and rectangle are the field's own.
	Visible *Visible
}

// Result is a finished piece of work. The output document is the input
// followed by Tail.
type Result struct {
	Tail  []byte // empty when nothing had to be added
	Level Level  // reached
	// Shortfall is what a service outside failed to give, with Fallback: why
	// Level is lower than asked for, or why at B-B and B-T nobody could say
	// whether the certificate is revoked. nil when nothing is missing.
	Shortfall error
	// Warnings are sentences about what hindered nothing and should be known
	// all the same, each after a code and a colon: at B-B and B-T that the
	// OCSP responder does not know the certificate (CodeStatusUnknown), which
	// a revocation list calls good. nil when there is nothing.
	Warnings []string

	Field string // of the signature, or of the document timestamp when only that was made
	// CMS is the signature as it is embedded, with its timestamp; nil when
	// none was made.
	CMS []byte
	// Time is the earliest trusted time of the signature made, from its
	// timestamp; zero at B-B, where nobody vouches for any.
	Time time.Time
	// Before and After are the SHA-256 digests of input and output.
	Before, After [32]byte
	// Tokens are the timestamp tokens obtained, in order of time.
	Tokens [][]byte
	// Evidence is what went into the document security store, or was found
	// there and relied upon.
	Evidence pki.Evidence
	// Status is the evidence by which the signer's certificate was found good
	// before the key was used, at most a minute earlier, at every level; the
	// document does not hold it. It has OCSP responses, CRLs and the
	// certificates of responders, and is empty where nobody was asked or nobody
	// had an answer. It is shared with other results, and not to be changed.
	Status pki.Evidence
}

// plan is a request that passed all checks that need neither document nor
// network.
type plan struct {
	Request
	draft *cms.Draft
	hash  crypto.Hash
}

// check applies the rules of the certificate. claimed is the signing time to
// be stated in the CMS; zero leaves it out.
func (s *Signer) check(req Request, claimed time.Time) (*plan, error) {
	switch {
	case req.Key == nil || req.Certificate == nil:
		return nil, errors.New("signer: no key or no certificate to sign with")
	case req.At.IsZero():
		return nil, errors.New("signer: the moment of signing is not set")
	}
	if err := s.able(req.Level); err != nil {
		return nil, err
	}
	if err := req.CheckTexts(); err != nil {
		return nil, err
	}
	public, err := cms.PublicKey(req.Certificate)
	if err != nil {
		return nil, &RefusedError{Code: CodeAlgorithm, Reason: "The certificate's key is of an unknown kind.", Err: err}
	}
	alg, err := cms.ForKey(public, req.PSS)
	if err != nil {
		return nil, &RefusedError{Code: CodeAlgorithm, Reason: err.Error(), Err: err}
	}
	if alg.Scheme() == cms.SchemeEd25519 {
		return nil, refuse(CodeAlgorithm, "Ed25519 is not accepted for document signatures.")
	}
	if err := checkCertificate(req.Certificate, req.At); err != nil {
		return nil, err
	}
	draft, err := s.draft(cms.SignOptions{
		Certificate: req.Certificate, Chain: req.Chain, Algorithm: alg, Hash: alg.Hash(), Key: req.Key, SigningTime: claimed,
	})
	switch {
	case errors.Is(err, cms.ErrKeyMismatch):
		return nil, refuse(CodeKeyMismatch, "The key does not belong to the certificate of %q.", req.Certificate.Subject.CommonName)
	case err != nil:
		return nil, fmt.Errorf("sign: %w", err)
	}
	return &plan{Request: req, draft: draft, hash: alg.Hash()}, nil
}

// draft makes the draft of a CMS, or takes the one that was made before.
func (s *Signer) draft(o cms.SignOptions) (*cms.Draft, error) {
	if !o.SigningTime.IsZero() {
		return o.Draft()
	}
	d, err := s.drafts.get(o)
	if err != nil {
		return nil, err
	}
	return d.For(o.Key)
}

// checkCertificate refuses what may not sign documents at the moment.
func checkCertificate(c *x509.Certificate, at time.Time) error {
	name := c.Subject.CommonName
	switch {
	case at.Before(c.NotBefore):
		return refuse(CodeNotYetValid, "The certificate of %q is valid from %s.", name, c.NotBefore.UTC().Format(time.RFC3339))
	case at.After(c.NotAfter):
		return refuse(CodeExpired, "The certificate of %q expired on %s.", name, c.NotAfter.UTC().Format(time.RFC3339))
	case c.IsCA:
		return refuse(CodeAuthority, "%q is a certification authority.", name)
	case c.KeyUsage&x509.KeyUsageCertSign != 0: // without cA it breaks RFC 5280 §4.2.1.3
		return refuse(CodeKeyUsage, "The key of %q may sign certificates, but it is not an authority's.", name)
	}
	if err := pki.CheckPurpose(c, pki.Signing); err != nil {
		return &RefusedError{Code: CodeKeyUsage, Reason: err.Error(), Err: err}
	}
	return nil
}

// prepare makes the new revision but for the signature itself, once the
// document allows it.
func (p *plan) prepare(rev *pdf.Revision, tokenSize int) (*pades.Pending, error) {
	if err := checkAmbiguous(rev.Document()); err != nil {
		return nil, err
	}
	if err := checkPages(rev); err != nil {
		return nil, err
	}
	spec, err := p.spec(rev, tokenSize)
	if err != nil {
		return nil, err
	}
	pending, err := pades.Prepare(rev, spec)
	return pending, refused(err)
}

// spec is the request as package pades takes it.
func (p *plan) spec(rev *pdf.Revision, tokenSize int) (pades.SignatureSpec, error) {
	spec := pades.SignatureSpec{
		Kind: pades.KindSignature, Field: p.Field, Reason: p.Reason, Location: p.Location,
		Name: p.Name, ContactInfo: p.ContactInfo, At: p.At, Certify: p.Certify, LockFields: p.Lock,
		DigestMethod: digestMethods[p.hash], Timestamped: p.Level >= T,
	}
	if p.Level < T {
		tokenSize = 0
	}
	var err error
	if spec.ContentsSize, err = p.draft.Size(tokenSize); err != nil {
		return spec, fmt.Errorf("size of the signature: %w", err)
	}
	spec.Appearance, err = p.appearance(rev)
	return spec, refused(err)
}

// appearance draws the visible part: in the field to be filled where there is
// one, else in a rectangle of its own.
func (p *plan) appearance(rev *pdf.Revision) (*pades.Appearance, error) {
	if p.Visible == nil {
		return nil, nil
	}
	if p.Field != "" {
		fields, err := pades.Fields(rev)
		if err != nil {
			return nil, err
		}
		for i := range fields {
			if fields[i].Name == p.Field && !fields[i].Filled { // a filled one is refused by pades
				return appearance.ForField(rev, &fields[i], *p.Visible)
			}
		}
	}
	return appearance.New(rev, *p.Visible)
}
