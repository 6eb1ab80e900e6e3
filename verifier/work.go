package verifier

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
)

// work is one signature or document timestamp on its way to a verdict.
type work struct {
	j   *pades.Judgement
	sig *pades.Signature
	out *Signature

	// Of signatures: the CMS as it stands and as it was read, its only SignerInfo
	// and the digest it signs.
	der      []byte
	sd       *cms.SignedData
	si       *cms.SignerInfo
	cert     *x509.Certificate // the signer's; nil when not found
	certErr  error
	partial  bool        // cert cannot be parsed whole and proves nothing
	check    *cms.Result // nil without cert
	warnings []*cms.ConstraintError
	breaches []*cms.ConstraintError

	// Of document timestamps: the token.
	own *token
	// Time-stamps inside a signature.
	stamps []*token

	syntax  error // why /Contents cannot be read
	content *signedRange

	chain      *chainResult
	basic, ltv Conclusion
	process    *Block
	best       time.Time // what LTV found
}

// token is one time-stamp token on its way to a verdict.
type token struct {
	out   *Timestamp
	t     *tsp.Token
	err   error // why it cannot be read
	cert  *x509.Certificate
	check *cms.Result
	chain *chainResult
	// imprinted is what the token is over: ranges of the file, or a value.
	imprinted *signedRange
	value     []byte
	at        place // where it stands
	counts    bool  // it proves existence, by BASIC or past validation
	lapsed    bool  // see run.lapsed
}

func (r *run) newWork(j *pades.Judgement) *work {
	s := j.Signature
	w := &work{j: j, sig: s, best: r.at}
	w.out = &Signature{
		Field: s.Field, Kind: KindSignature, Revision: s.Revision, SubFilter: string(s.SubFilter),
		Coverage: j.Coverage.String(), ClaimedTime: s.M.UTC(), BestTime: r.at,
	}
	if s.M.IsZero() {
		w.out.ClaimedTime = time.Time{}
	}
	if s.Revision > 0 {
		w.out.End = r.doc.Revisions()[s.Revision-1].End()
	}
	w.out.Changes.Level = j.Level.String()
	for _, c := range j.Changes {
		w.out.Changes.Items = append(w.out.Changes.Items, Change{
			Revision: c.Revision, Object: c.Object.String(), Path: display(c.Path), Rule: c.Rule, Level: c.Level.String(), Text: c.Text,
		})
	}
	if s.Kind == pades.KindDocTimestamp {
		w.out.Kind = KindDocumentTimestamp
	}
	if s.Dict != nil {
		r.parseContents(w)
	}
	return w
}

// parseContents reads the CMS or token in /Contents and asks for the digest
// that it is about.
func (r *run) parseContents(w *work) {
	der, err := w.sig.CMS()
	if der == nil {
		w.syntax = fmt.Errorf("/Contents: %w", err)
		return
	}
	at := inContents(w.sig.Revision)
	if w.sig.Revision == 0 {
		at = outside // covered by nothing that can be told
	}
	br := w.sig.ByteRange
	signed := func(h crypto.Hash) *signedRange {
		if br[2] == 0 || !h.Available() {
			return nil
		}
		return &signedRange{hash: h, gap: br[1], resume: br[2], end: br[2] + br[3]}
	}
	if w.sig.Kind == pades.KindDocTimestamp {
		w.own = r.newToken("document", der, at)
		if w.syntax = w.own.err; w.syntax == nil {
			w.own.imprinted = signed(w.own.t.Hash)
			w.content = w.own.imprinted
		}
		return
	}
	w.der = der
	if w.sd, err = cms.Parse(der); err != nil {
		w.syntax = err
		return
	}
	w.sd.ParseCertificatesWith(r.v.parsed.certificate)
	w.breaches, w.warnings = w.sd.CheckPAdES()
	if !w.sd.DER {
		w.warn("not-der", "the signature is encoded in another way than DER, which the standard asks for")
	}
	if len(w.sd.SignerInfos) == 0 {
		return
	}
	w.si = w.sd.SignerInfos[0]
	w.content = signed(w.si.DigestAlgorithm)
	for _, raw := range r.someStamps(w.si.SignatureTimestamps()) {
		t := r.newToken("signature", raw, at)
		t.value = w.si.Value
		w.stamps = append(w.stamps, t)
	}
	for _, id := range evidenceRecords {
		if len(w.si.UnsignedValues(id)) > 0 {
			w.warn("evidence-record", "the signature carries an evidence record (RFC 4998), which was not examined: it proves nothing here")
		}
	}
	for _, raw := range r.someStamps(w.si.ContentTimestamps()) {
		t := r.newToken("content", raw, at)
		if t.err == nil {
			t.imprinted = signed(t.t.Hash)
		}
		w.stamps = append(w.stamps, t)
	}
}

// someStamps are the first of the time-stamps of a signature.
func (r *run) someStamps(all [][]byte) [][]byte {
	if len(all) <= maxStamps {
		return all
	}
	r.exceeded(fmt.Sprintf("a signature carries more than %d time-stamps; the rest was not looked at", maxStamps))
	return all[:maxStamps]
}

// exceeded notes that a limit was hit, so that nothing in the file passes.
func (r *run) exceeded(text string) {
	if !slices.Contains(r.limits, text) {
		r.limits = append(r.limits, text)
	}
}

// evidenceRecords are the attributes id-aa-er-internal and id-aa-er-external
// (RFC 4998 §5.2).
var evidenceRecords = []asn1.ObjectIdentifier{
	{1, 2, 840, 113549, 1, 9, 16, 2, 49}, {1, 2, 840, 113549, 1, 9, 16, 2, 50},
}

func (r *run) newToken(kind string, raw []byte, at place) *token {
	t := &token{at: at, out: &Timestamp{Kind: kind}}
	if t.t, t.err = tsp.ParseToken(raw); t.err == nil {
		t.out.Time = t.t.Time.UTC()
		t.t.SignedData.ParseCertificatesWith(r.v.parsed.certificate)
	}
	return t
}

// unfathomable reports a token that can be read, but not whether it belongs
// where it stands: it is over a digest by an algorithm that nobody knows. What
// is no token at all is dropped (M10); this one may be the only proof of time,
// or a foreign one, so that the signature it is on is neither passed nor
// called a forgery.
func (t *token) unfathomable() bool { return t.t != nil && t.t.Hash == 0 }

// tokens returns all time-stamps of a work, its own first.
func (w *work) tokens() []*token {
	if w.own != nil {
		return []*token{w.own}
	}
	return w.stamps
}

// digests reads the file once for every digest that is needed. What many ask
// for is computed once, and what lies behind the gaps of all signatures, which
// is hashed for each anew, is bounded: signatures and their time-stamps may all
// be over the whole file, though those of honest revisions never are.
func (r *run) digests() error {
	var ranges []*signedRange
	type place struct {
		hash             crypto.Hash
		gap, resume, end int64
	}
	known := make(map[place]*signedRange)
	r.hashing = maxHashing + maxHashings*r.doc.Size()
	ask := func(s *signedRange) *signedRange {
		if s == nil {
			return nil
		}
		at := place{s.hash, s.gap, s.resume, s.end}
		if have := known[at]; have != nil {
			return have
		}
		known[at] = s
		if r.mayHash(s.end - s.resume) {
			ranges = append(ranges, s)
		}
		return s
	}
	for _, w := range r.work {
		w.content = ask(w.content)
		if w.own != nil && w.own.imprinted != nil {
			w.own.imprinted = w.content
		}
	}
	for _, w := range r.work {
		for _, t := range w.stamps {
			t.imprinted = ask(t.imprinted)
		}
	}
	sum, err := digestRanges(r.doc.ReaderAt(), r.doc.Size(), ranges, r.in.SHA256)
	copy(r.report.SHA256[:], sum)
	return err
}

// mayHash takes n bytes off those that may be hashed beside the file itself.
func (r *run) mayHash(n int64) bool {
	if r.hashing -= n; r.hashing < 0 {
		r.exceeded("the signatures and time-stamps ask for more digests of the file than it is given")
		return false
	}
	return true
}

// collectEvidence gathers certificates and revocation data from the
// signatures, their time-stamps and the security stores.
func (r *run) collectEvidence() error {
	for _, w := range r.work {
		at := inContents(w.sig.Revision)
		if w.sig.Revision == 0 {
			at = outside
		}
		if w.sd != nil {
			r.addSignedData(w.sd, at)
			if w.si != nil {
				r.addAttributes(w.si, at)
			}
		}
		for _, t := range w.tokens() {
			if t.err == nil {
				r.addSignedData(t.t.SignedData, at)
			}
		}
	}
	if err := r.collectStores(); err != nil {
		return err
	}
	if r.evidence.full {
		r.note(CodeLimit, fmt.Sprintf("more than %d certificates or revocation objects are embedded, or more than %d MiB of the former or %d MiB of the latter; the rest was not looked at",
			maxEvidence, maxCertificateBytes>>20, maxEvidenceBytes>>20))
	}
	for _, p := range r.evidence.problems {
		r.note(p.Code, p.Text)
	}
	return nil
}

func (r *run) addSignedData(sd *cms.SignedData, at place) {
	for _, c := range sd.Certificates() {
		r.evidence.addCertificate(c, at)
	}
	for _, o := range sd.OCSPs {
		r.evidence.addRevocation(o, true, at)
	}
	for _, c := range sd.CRLs {
		r.evidence.addRevocation(c, false, at)
	}
}

// addAttributes takes Adobe's archival attribute. CAdES revocation values are
// not part of PAdES baseline and left alone.
func (r *run) addAttributes(si *cms.SignerInfo, at place) {
	archive, err := si.RevocationArchival()
	if err != nil || archive == nil {
		return // unreadable: SignerInfo.Check says so when it is signed
	}
	for _, o := range archive.OCSPs {
		r.evidence.addRevocation(o, true, at)
	}
	for _, c := range archive.CRLs {
		r.evidence.addRevocation(c, false, at)
	}
}

// collectStores reads the security store as of each revision that a document
// timestamp signs, to know what it covers, and as of the last one.
func (r *run) collectStores() error {
	revisions := r.doc.Revisions()
	done, items := 0, 0
	var size int64
	read := func(n int) error {
		if n <= done || n > len(revisions) {
			return nil
		}
		if size > maxStoreReading {
			r.exceeded(fmt.Sprintf("the security stores hold more than %d MiB; the rest was not looked at", maxStoreReading>>20))
			return nil
		}
		if items > maxStoreItems {
			r.exceeded(fmt.Sprintf("the security stores have more than %d items; the rest was not looked at", maxStoreItems))
			return nil
		}
		done = n
		dss, err := pades.ReadDSS(revisions[n-1])
		var malformed *pdf.MalformedError
		var limit *pdf.LimitError
		switch {
		case errors.As(err, &malformed):
			r.note(malformed.Rule, fmt.Sprintf("the security store cannot be read: %v", err))
		case errors.As(err, &limit):
			r.note(CodeLimit, fmt.Sprintf("the security store is too large: %v", err))
			r.evidence.full, items = true, maxStoreItems+1 // another would cost as much
		case err != nil:
			return err
		}
		if dss != nil && r.firstStore == 0 {
			r.firstStore = inRevision(n)
		}
		size += r.evidence.addDSS(dss, inRevision(n))
		items += dss.Len()
		return nil
	}
	for _, w := range r.work { // in the order of revisions
		if w.own != nil {
			if err := read(w.sig.Revision); err != nil {
				return err
			}
		}
	}
	return read(len(revisions))
}

// examine finds the signer's certificate and checks digest and value.
func (r *run) examine(w *work) {
	for _, t := range w.tokens() {
		r.examineToken(t)
	}
	if w.own != nil {
		w.cert, w.check = w.own.cert, w.own.check
		if w.cert != nil {
			w.out.Signer = party(w.cert)
			w.out.Certificate = w.cert.Raw
		}
	}
	if w.si != nil {
		r.examineSignature(w)
	}
	w.out.Intact = len(w.j.Structure) == 0 && w.syntax == nil && w.check != nil && w.check.Intact() && !w.check.Has(tsp.RuleImprint) &&
		!slices.ContainsFunc(w.stamps, (*token).unfathomable)
}

func (r *run) examineSignature(w *work) {
	w.cert, w.certErr = w.sd.Signer(w.si, r.evidence.identified(w.si)...)
	var unparsable *cms.UnparsableCertificateError
	if errors.As(w.certErr, &unparsable) && unparsable.Partial != nil {
		w.cert, w.partial = unparsable.Partial, true
	}
	if w.cert == nil {
		return
	}
	if !w.partial {
		w.cert = r.evidence.same(w.cert)
		w.out.Signer = party(w.cert)
	}
	w.out.Certificate = w.cert.Raw
	var digest []byte
	if w.content != nil {
		digest = w.content.digest
	}
	w.check = w.si.Check(w.cert, digest)
	r.examineUncatalogued(w)
	w.breaches = append(w.breaches, w.check.Breaches...)
	w.warnings = append(w.warnings, w.check.Warnings...)
}

func (r *run) examineToken(t *token) {
	if t.err != nil {
		return
	}
	var candidates []*x509.Certificate
	for _, si := range t.t.SignedData.SignerInfos {
		candidates = append(candidates, r.evidence.identified(si)...)
	}
	cert, err := t.t.Signer(candidates...)
	if err != nil {
		t.err = err
		return
	}
	if !r.session.Spend(stampCost(cert)) {
		t.err = errBudget
		return
	}
	t.cert = r.evidence.same(cert)
	t.out.Authority = party(cert)
	digest := t.digest()
	t.check = t.t.Check(t.t.Hash, digest, cert)
}

var errBudget = errors.New("the file asks for more checks than it is given")

// stampCost is what checking a token costs, in the units of [pki.NewSession].
// What only package cms knows is computed with large numbers.
func stampCost(cert *x509.Certificate) int {
	const own, slow = 2, 400
	key, err := cms.PublicKey(cert)
	if err != nil {
		return own
	}
	switch k := key.(type) {
	case *cms.PSSPublicKey:
		return own + pki.CheckCost(k.Key)
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return own + pki.CheckCost(k)
	}
	return slow
}

// digest is what the token must be over; nil when it cannot be computed.
func (t *token) digest() []byte {
	switch {
	case t.imprinted != nil:
		return t.imprinted.digest
	case t.value != nil && t.t.Hash.Available():
		h := t.t.Hash.New()
		h.Write(t.value)
		return h.Sum(nil)
	}
	return nil
}

// party is a certificate's subject for display.
func party(c *x509.Certificate) Party {
	p := Party{
		CommonName: display(c.Subject.CommonName), SerialNumber: fmt.Sprintf("%X", c.SerialNumber),
		Issuer: display(c.Issuer.CommonName),
	}
	if len(c.Subject.Organization) > 0 {
		p.Organization = display(c.Subject.Organization[0])
	}
	if p.Issuer == "" && len(c.Issuer.Organization) > 0 {
		p.Issuer = display(c.Issuer.Organization[0])
	}
	return p
}
