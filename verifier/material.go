package verifier

import (
	"crypto"
	"crypto/x509"
	"time"

	"github.com/absah-id/absah/pki"
)

// Material is what a signature consists of and refers to, for reports and for
// who wants to check the verdict again. Its byte slices are parts of the
// document and must not be changed. Text in it is fit for display.
type Material struct {
	ByteRange [4]int64 // zero unless it is well-formed
	// Hash and Digest are of the bytes that ByteRange covers; 0 and nil when
	// they could not be found or hashed.
	Hash   crypto.Hash
	Digest []byte
	// CMS is the SignedData as it stands, without the padding behind it; nil for a
	// document timestamp, whose token [Timestamp.DER] has, and when none was found.
	CMS []byte
	// Value is the signature value; SignedAttributes the data that it was made
	// over (RFC 5652 §5.4), nil when it was made over the document itself.
	Value, SignedAttributes []byte
	Filter                  string
	Name, Reason            string // entries of the signature dictionary: the signer's word
	Location, ContactInfo   string
	// Weak lists the algorithms for which the verdict is what it is; empty
	// unless it is CRYPTO_CONSTRAINTS_FAILURE, with or without NO_POE.
	Weak []WeakAlgorithm
}

// WeakAlgorithm is an algorithm that the catalogue did not find reliable.
type WeakAlgorithm struct {
	Name   string
	Hash   crypto.Hash // 0 when not classified
	Scheme string      // of the signature, "" for a digest alone
	Bits   int         // of the key; 0 when not known
	Until  time.Time   // end of reliance; zero when the catalogue does not list it
	// Certificate is the one that rests on it, nil when it is the signature.
	Certificate []byte
}

// Certificate is a member of a certificate path, with what was known of it.
type Certificate struct {
	Party
	DER                 []byte
	NotBefore, NotAfter time.Time
	Anchor              bool // trusted by configuration: of it nothing is asked
	POE                 POE
	Status              CertificateStatus // zero for an anchor, and when validation ended before
}

// CertificateStatus is what the evidence says of a certificate's revocation.
type CertificateStatus struct {
	State      string // good, revoked, on-hold, unknown, or exempt: never revoked by its own word (RFC 9608)
	Why        string // when unknown
	OCSP       bool   // Evidence is an OCSP response, not a CRL
	ThisUpdate time.Time
	NextUpdate time.Time // zero: not said
	RevokedAt  time.Time // zero unless revoked or on hold
	Reason     string    // as RFC 5280 §5.3.1 names it; "" unless revoked or on hold
	Evidence   []byte    // DER; nil when unknown
	POE        POE       // of Evidence
	Signer     Party     // of Evidence
	SignerDER  []byte
}

// POE is a proof of existence (EN 319 102-1 §3.1): at Time the thing existed.
type POE struct {
	Time time.Time
	// By is the time-stamp that proves it; nil when only the moment of
	// validation does.
	By *Timestamp
}

// describe fills in the material of every signature and the paths of every
// certificate, after the verdicts are known.
func (r *run) describe() {
	for _, w := range r.work {
		for _, t := range w.tokens() {
			if t.t != nil {
				t.out.DER, t.out.Hash, t.out.Imprint = t.t.Raw, t.t.Hash, t.t.Digest
			}
			t.out.Path = r.describePathOf(t.cert, t.chain)
			t.out.POE = r.proofOf(t.at)
		}
		w.out.Proof = r.proofOfSignature(w)
		if w.own != nil {
			w.out.Path = w.own.out.Path
		} else {
			w.out.Path = r.describePathOf(w.cert, w.chain)
		}
		w.out.Material = r.material(w)
	}
}

func (r *run) material(w *work) Material {
	s := w.sig
	m := Material{
		ByteRange: s.ByteRange, Filter: display(string(s.Filter)), Name: display(s.Name), Reason: display(s.Reason),
		Location: display(s.Location), ContactInfo: display(s.ContactInfo), CMS: w.der,
	}
	if w.content != nil && w.content.digest != nil {
		m.Hash, m.Digest = w.content.hash, w.content.digest
	}
	if w.si != nil {
		m.Value = w.si.Value
		if raw := w.si.RawSignedAttributes; len(raw) > 0 {
			m.SignedAttributes = append([]byte{0x31}, raw[1:]...) // SET OF, not [0]: RFC 5652 §5.4
		}
	}
	if w.out.is(CryptoNoPOE, CryptoConstraintsFailure) {
		m.Weak = r.weakAlgorithms(w)
	}
	return m
}

// weakAlgorithms lists what the catalogue does not find reliable at the time
// from which the signature is seen.
func (r *run) weakAlgorithms(w *work) []WeakAlgorithm {
	var out []WeakAlgorithm
	add := func(a algorithm, cert *x509.Certificate) {
		weak := WeakAlgorithm{Name: a.String(), Hash: a.hash, Scheme: a.scheme, Bits: a.bits}
		weak.Until, _ = r.v.catalogue.until(a)
		if cert != nil {
			weak.Certificate = cert.Raw
		}
		out = append(out, weak)
	}
	var own []algorithm
	switch {
	case w.own != nil && w.own.t != nil && w.cert != nil:
		own = r.stampAlgorithms(w.own)
	case w.si != nil && w.cert != nil:
		own = r.ownAlgorithms(w)
	}
	for _, a := range own {
		if !r.v.catalogue.reliable(a, w.out.BestTime) {
			add(a, nil)
		}
	}
	if w.chain != nil {
		for _, weak := range w.chain.weak {
			add(weak.algorithm, weak.cert)
		}
	}
	return out
}

// describePathOf describes the path on which the verdict rests, leaf first.
// Without one the leaf stands alone.
func (r *run) describePathOf(leaf *x509.Certificate, chain *chainResult) []Certificate {
	if leaf == nil {
		return nil
	}
	if chain == nil { // validation ended before
		return []Certificate{r.describeCertificate(leaf)}
	}
	if len(chain.links) == 0 {
		c := r.describeCertificate(leaf)
		if c.Anchor = chain.anchored; !c.Anchor {
			c.Status.State = pki.Unknown.String()
		}
		return []Certificate{c}
	}
	links := chain.links
	if chain.past != nil {
		links = chain.past
	}
	var out []Certificate
	for _, l := range links {
		c := r.describeCertificate(l.cert)
		c.Status = r.describeStatus(l)
		out = append(out, c)
	}
	anchor := r.describeCertificate(links[len(links)-1].issuer)
	anchor.Anchor = true
	return append(out, anchor)
}

func (r *run) describeCertificate(c *x509.Certificate) Certificate {
	out := Certificate{Party: party(c), DER: c.Raw, NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), POE: POE{Time: r.at}}
	if at, embedded := r.evidence.certPlaces[string(c.Raw)]; embedded {
		out.POE = r.proofOf(at)
	}
	return out
}

func (r *run) describeStatus(l link) CertificateStatus {
	if l.err != nil {
		return CertificateStatus{State: pki.Unknown.String(), Why: display(l.err.Error())}
	}
	if l.exempt() {
		return CertificateStatus{State: "exempt"}
	}
	s := l.status
	out := CertificateStatus{
		State: s.State.String(), OCSP: s.OCSP, ThisUpdate: s.ThisUpdate, NextUpdate: s.NextUpdate, RevokedAt: s.RevokedAt,
		Evidence: s.Evidence, POE: POE{Time: r.at},
	}
	if s.State == pki.Revoked {
		out.Reason = s.Reason.String()
	}
	if s.OnHold() {
		out.State = "on-hold"
	}
	if s.Signer != nil {
		out.Signer, out.SignerDER = party(s.Signer), s.Signer.Raw
	}
	if i, embedded := r.evidence.itemOf(s); embedded {
		out.POE = r.proofOf(r.evidence.items[i].place)
	}
	return out
}

// proofOf is poeSet.of with the document timestamp that gives the proof.
func (r *run) proofOf(at place) POE {
	best := POE{Time: r.at}
	for _, w := range r.work {
		proves := w.own != nil && w.own.counts && len(w.j.Structure) == 0 && w.sig.Revision > 0 && !w.mistyped()
		if proves && inRevision(w.sig.Revision) >= at && w.own.out.Time.Before(best.Time) {
			best = POE{w.own.out.Time, w.own.out}
		}
	}
	return best
}

// proofOfSignature says what proves the best signature time.
func (r *run) proofOfSignature(w *work) POE {
	best := POE{Time: w.out.BestTime}
	for _, t := range w.tokens() {
		if t.out.Kind != "content" && t.counts && t.out.Time.Equal(best.Time) {
			return POE{best.Time, t.out}
		}
	}
	if p := r.proofOf(inContents(w.sig.Revision)); p.By != nil && p.Time.Equal(best.Time) && w.sig.Revision > 0 {
		return p
	}
	return best
}
