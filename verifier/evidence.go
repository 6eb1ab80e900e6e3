package verifier

import (
	"crypto/sha256"
	"crypto/x509"
	"math"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
)

// A place says from which revision on the file holds something, so that a
// document timestamp over revision n covers the places up to inRevision(n).
type place int

// inRevision is the place of what stands in the bytes of a revision;
// inContents that of what stands in the gap of the signature that signs it,
// which only timestamps over later revisions cover.
func inRevision(n int) place { return place(2 * n) }
func inContents(n int) place { return place(2*n + 1) }

// outside is the place of what was fetched for this validation.
const outside place = math.MaxInt

// evidence is everything embedded in the file, or fetched, that may help to
// judge certificates. None of it is trusted.
type evidence struct {
	parsed *parsed

	certs      []*x509.Certificate
	certPlaces map[string]place             // by DER
	known      map[string]*x509.Certificate // by DER, so that each is judged once
	certSize   int                          // bytes of certs

	items    []evidenceItem
	byDigest map[[sha256.Size]byte]int // of their DER
	byRaw    map[*byte]int             // the same, by where the DER stands
	problems []Reason
	size     int  // bytes of items
	full     bool // maxEvidence, maxEvidenceBytes or maxCertificateBytes was reached

	all *pki.Material // nil after a change
}

type evidenceItem struct {
	place place
	ocsp  *pki.OCSP // or
	crl   *pki.CRL
}

func newEvidence(p *parsed) *evidence {
	return &evidence{
		parsed:     p,
		certPlaces: make(map[string]place), known: make(map[string]*x509.Certificate), byDigest: make(map[[sha256.Size]byte]int), byRaw: make(map[*byte]int),
	}
}

// addCertificate keeps the earliest place of a certificate.
func (e *evidence) addCertificate(c *x509.Certificate, at place) {
	if have, seen := e.certPlaces[string(c.Raw)]; seen {
		e.certPlaces[string(c.Raw)] = min(have, at)
		return
	}
	if !e.mayAdd(c.Raw) {
		return
	}
	e.certSize += len(c.Raw)
	e.certPlaces[string(c.Raw)] = at
	e.known[string(c.Raw)] = c
	e.certs = append(e.certs, c)
	e.all = nil
}

// mayAdd reports whether there is room for one more certificate.
func (e *evidence) mayAdd(der []byte) bool {
	if len(e.certs) == maxEvidence || e.certSize+len(der) > maxCertificateBytes {
		e.full = true
		return false
	}
	return true
}

// same returns the one value that stands for all copies of a certificate.
func (e *evidence) same(c *x509.Certificate) *x509.Certificate {
	if k := e.known[string(c.Raw)]; k != nil {
		return k
	}
	return c
}

// identified are the certificates that a signer identifier may mean. Only they
// are worth the digest that a reference to the signing certificate asks for: a
// hostile file has thousands of certificates and of signers.
func (e *evidence) identified(si *cms.SignerInfo) (out []*x509.Certificate) {
	for _, c := range e.certs {
		if si.Identifies(c) {
			out = append(out, c)
		}
	}
	return out
}

// addRawCertificate parses a certificate unless it is known. What crypto/x509
// cannot read is left out: no path can go through it.
func (e *evidence) addRawCertificate(der []byte, at place) {
	if _, seen := e.certPlaces[string(der)]; seen {
		e.certPlaces[string(der)] = min(e.certPlaces[string(der)], at)
		return
	}
	if !e.mayAdd(der) {
		return
	}
	c, err := e.parsed.certificate(der)
	if err != nil {
		e.problem(reasonf("certificate-unreadable", "an embedded certificate cannot be read: %v", err))
		return
	}
	e.addCertificate(c, at)
}

// addRevocation adds an OCSP response or a CRL in DER.
func (e *evidence) addRevocation(der []byte, ocsp bool, at place) {
	sum := sha256.Sum256(der)
	if i, seen := e.byDigest[sum]; seen {
		e.items[i].place = min(e.items[i].place, at)
		return
	}
	if len(e.items) == maxEvidence || e.size+len(der) > maxEvidenceBytes {
		e.full = true
		return
	}
	item := evidenceItem{place: at}
	var err error
	if ocsp {
		if item.ocsp, err = pki.ParseOCSP(der); err == nil {
			for _, c := range item.ocsp.Certificates {
				e.addCertificate(c, at)
			}
		}
	} else {
		item.crl, err = pki.ParseCRL(der)
	}
	if err != nil {
		e.problem(reasonf("evidence-unreadable", "embedded revocation data cannot be read: %v", err))
		return
	}
	e.size += len(der)
	e.byDigest[sum], e.byRaw[&der[0]] = len(e.items), len(e.items)
	e.items = append(e.items, item)
	e.all = nil
}

// addDSS adds a security store and returns how many bytes it holds.
func (e *evidence) addDSS(d *pades.DSS, at place) (size int64) {
	if d == nil {
		return 0
	}
	add := func(certs, ocsps, crls [][]byte) {
		for _, c := range certs {
			e.addRawCertificate(c, at)
			size += int64(len(c))
		}
		for _, o := range ocsps {
			e.addRevocation(o, true, at)
			size += int64(len(o))
		}
		for _, c := range crls {
			e.addRevocation(c, false, at)
			size += int64(len(c))
		}
	}
	add(d.Certificates, d.OCSPs, d.CRLs)
	for _, v := range d.VRI {
		add(v.Certificates, v.OCSPs, v.CRLs)
	}
	for _, p := range d.Problems {
		e.problem(reasonf(p.Rule, "security store: %v", p))
	}
	return size
}

// problem notes what cannot be read.
func (e *evidence) problem(why Reason) {
	if len(e.problems) < maxProblems {
		e.problems = append(e.problems, why)
	}
}

// material returns the evidence whose proof of existence, by poe, is not
// after control; all of it when control is the moment of validation.
func (e *evidence) material(poe *poeSet, control time.Time) *pki.Material {
	everything := !control.Before(poe.now)
	if everything && e.all != nil {
		return e.all
	}
	m := &pki.Material{Certificates: e.certs}
	for _, i := range e.items {
		if !everything && poe.of(i.place).After(control) {
			continue
		}
		if i.ocsp != nil {
			m.OCSPs = append(m.OCSPs, i.ocsp)
		} else {
			m.CRLs = append(m.CRLs, i.crl)
		}
	}
	if everything {
		e.all = m
	}
	return m
}

// certificatePOE is when c provably existed; anchors and fetched certificates
// exist by the caller's word now.
func (e *evidence) certificatePOE(c *x509.Certificate, poe *poeSet) time.Time {
	at, known := e.certPlaces[string(c.Raw)]
	if !known {
		return poe.now
	}
	return poe.of(at)
}

// statusPOE is when the evidence behind a status provably existed.
func (e *evidence) statusPOE(s pki.Status, poe *poeSet) time.Time {
	i, known := e.itemOf(s)
	if !known {
		return poe.now
	}
	return poe.of(e.items[i].place)
}

// itemOf finds the evidence behind a status.
func (e *evidence) itemOf(s pki.Status) (item int, known bool) {
	if len(s.Evidence) == 0 {
		return 0, false
	}
	item, known = e.byRaw[&s.Evidence[0]]
	return item, known
}

// poeSet is the set of proofs of existence that document timestamps give
// (EN 319 102-1 §5.6.2.3). What a timestamp over a single signature proves is
// kept with that signature.
type poeSet struct {
	now    time.Time
	proofs []proof
}

type proof struct {
	covers place
	time   time.Time
}

// add says that everything up to a place existed at a time.
func (p *poeSet) add(covers place, at time.Time) { p.proofs = append(p.proofs, proof{covers, at}) }

// of returns the earliest proven moment for a place.
func (p *poeSet) of(at place) time.Time {
	best := p.now
	for _, x := range p.proofs {
		if x.covers >= at && x.time.Before(best) {
			best = x.time
		}
	}
	return best
}
