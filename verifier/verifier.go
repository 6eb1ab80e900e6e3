package verifier

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
)

// Config is what a Verifier judges by. The zero value trusts nobody, judges by
// policy gov and asks nobody.
type Config struct {
	// Signers and TSAs are the anchors of signers' and of timestamp
	// authorities' certificates. They are never mixed; nil trusts none.
	Signers, TSAs *pki.Anchors
	// Responders are certificates that may answer by OCSP for any issuer
	// (RFC 6960 §4.2.2.2, local configuration); nil means none.
	Responders *pki.Anchors
	// Source is asked for revocation data newer than a document's, and for
	// issuers that a document lacks; nil means offline. It is asked only about
	// certificates whose path reaches an anchor, and for half a minute a file.
	Source pki.Source
	// IssuerHosts are hosts (or host:port) that may be asked for missing
	// issuers, beside those that the anchors and the authorities below them
	// name in their certificates. A path that lacks an issuer reaches no anchor
	// yet, so that its addresses may be an attacker's.
	IssuerHosts []string
	// Policy is the validation policy; zero means "gov".
	Policy Policy
	// Catalogue of algorithms; nil means [DefaultCatalogue]. The policy's own
	// dates override it.
	Catalogue *Catalogue
	// Limits of reading; zero fields mean the defaults.
	Limits pdf.Limits
}

// Verifier judges documents. It is immutable but for what it remembers of the
// content and signatures of certificates, so that the same authorities are not
// read and verified anew in each file; verdicts are not remembered.
type Verifier struct {
	cfg        Config
	catalogue  *Catalogue
	responders []*x509.Certificate
	memory     *pki.Memory
	parsed     *parsed
}

// New checks cfg. It contacts nobody.
func New(cfg Config) (*Verifier, error) {
	if cfg.Policy.Name == "" {
		gov, err := PolicyNamed("gov")
		if err != nil {
			return nil, err
		}
		cfg.Policy = gov
	}
	if p := cfg.Policy; p.DefaultDocMDP < 1 || p.DefaultDocMDP > 3 {
		return nil, fmt.Errorf("verifier: policy %q: DefaultDocMDP is %d, not 1 to 3", p.Name, p.DefaultDocMDP)
	}
	if cfg.Catalogue == nil {
		cfg.Catalogue = DefaultCatalogue()
	}
	catalogue, err := cfg.Catalogue.extend(cfg.Policy.algorithms)
	if err != nil {
		return nil, err
	}
	return &Verifier{cfg: cfg, catalogue: catalogue, responders: cfg.Responders.Certificates(), memory: pki.NewMemory(maxMemory), parsed: &parsed{}}, nil
}

func (v *Verifier) anchors(purpose pki.Purpose) *pki.Anchors {
	if purpose == pki.Timestamping {
		return v.cfg.TSAs
	}
	return v.cfg.Signers
}

// Input is a file to be judged.
type Input struct {
	Reader   io.ReaderAt
	Size     int64  // bytes
	Name     string // for the report
	Password []byte // nil for the empty one
	// SHA256 of the file, from someone who has hashed it already; nil makes
	// the verifier do it. It is trusted and only reported.
	SHA256 []byte
}

// Verify judges every signature and timestamp of a file at the moment at.
//
// The error is about broken machinery: reading failed, or ctx ended. Whatever
// the file itself holds gives a report.
func (v *Verifier) Verify(ctx context.Context, in Input, at time.Time) (*Report, error) {
	at = at.UTC().Truncate(time.Second) // as the report writes it, and as certificates count
	r := &run{
		v: v, in: in, at: at, evidence: newEvidence(v.parsed), poe: poeSet{now: at}, session: pki.NewSession(v.memory, checkBudget),
		pathCache: make(map[pathKey]foundPaths), statusCache: make(map[statusKey]*knownStatus), sole: make(map[*x509.Certificate]*pki.Anchors),
		storeCache: make(map[statusKey]stored), report: v.newReport(in, at),
	}
	var end context.CancelFunc
	r.network, end = newNetwork(ctx, v.cfg)
	defer end()
	if err := r.verify(); err != nil {
		return nil, fmt.Errorf("verify %s: %w", in.Name, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err // a source that was cut short is not a finding
	}
	return r.report, nil
}

// Unread is the report about a file that could not be read, or not in one
// state, which [Verifier.Verify] or the caller has found: UNREADABLE with cause
// as the reason. It has no SHA-256.
func (v *Verifier) Unread(in Input, at time.Time, cause error) *Report {
	r := v.newReport(in, at.UTC().Truncate(time.Second))
	r.Verdict = Unreadable
	r.Reasons = []Reason{reasonf("reading", "%v", cause)}
	return r
}

func (v *Verifier) newReport(in Input, at time.Time) *Report {
	return &Report{
		File: in.Name, Size: in.Size, At: at, Policy: v.cfg.Policy.Name,
		Catalogue: fmt.Sprintf("%s as of %s", v.catalogue.name, v.catalogue.asOf.Format(time.DateOnly)),
	}
}

// run is one validation of one file, by one goroutine.
type run struct {
	v      *Verifier
	in     Input
	at     time.Time
	report *Report

	doc    *pdf.Document
	work   []*work
	limits []string // that were hit

	hashing int64 // bytes that may still be hashed beside the file, see digests

	network     *network // nil offline
	session     *pki.Session
	evidence    *evidence
	poe         poeSet
	pathCache   map[pathKey]foundPaths
	sole        map[*x509.Certificate]*pki.Anchors // see anchorOf
	statusCache map[statusKey]*knownStatus
	storeCache  map[statusKey]stored
	firstStore  place // of a security store that was read; 0 without one
}

// note adds a warning about the whole file once.
func (r *run) note(code, text string) {
	for _, w := range r.report.Warnings {
		if w.Text == text {
			return
		}
	}
	r.report.Warnings = append(r.report.Warnings, Reason{code, text})
}

func (r *run) verify() error {
	doc, err := pdf.Open(r.in.Reader, r.in.Size, pdf.Options{Password: r.in.Password, Limits: r.v.cfg.Limits})
	if err != nil {
		return r.unreadable(err)
	}
	r.doc = doc
	judged, err := pades.Judge(doc, pades.ChangePolicy{
		FormValues: r.v.cfg.Policy.FormValues, SignatureOverlap: r.v.cfg.Policy.SignatureOverlap, DefaultDocMDP: r.v.cfg.Policy.DefaultDocMDP,
	})
	if err != nil {
		return err
	}
	if len(judged.Signatures) == 0 && len(judged.Damage) > 0 {
		return r.damagedForm(judged.Damage[0])
	}
	for _, j := range judged.Signatures {
		r.work = append(r.work, r.newWork(j))
	}
	if err := r.digests(); err != nil {
		return err
	}
	if err := r.collectEvidence(); err != nil {
		return err
	}
	for _, w := range r.work {
		r.examine(w)
	}
	r.validate()
	r.conclude(judged)
	return nil
}

// unreadable reports a file that cannot be read as PDF. When something in it
// looks like a signature, that signature is broken; a broken signature is
// never reported as none.
func (r *run) unreadable(cause error) error {
	var limit *pdf.LimitError
	var malformed *pdf.MalformedError
	why := Reason{Text: cause.Error()}
	switch {
	case errors.Is(cause, pdf.ErrPassword):
		why.Code = "password"
	case errors.As(cause, &limit):
		why.Code = CodeLimit
	case errors.As(cause, &malformed):
		why.Code = malformed.Rule
	default:
		return cause
	}
	signed, err := r.scan()
	if err != nil {
		return err
	}
	r.report.Verdict = Unreadable
	r.report.Reasons = []Reason{why}
	if signed && why.Code != "password" {
		r.unlisted(why)
	}
	return nil
}

// damagedForm reports a file whose form cannot be read at all.
func (r *run) damagedForm(f pades.Finding) error {
	signed, err := r.scan()
	if err != nil {
		return err
	}
	r.report.Verdict = NoSignature
	r.note(f.Code, f.Text)
	if signed {
		r.unlisted(Reason{f.Code, f.Text})
	}
	return nil
}

// unlisted reports a signature of which only traces can be seen.
func (r *run) unlisted(why Reason) {
	s := &Signature{Kind: KindSignature, Level: "PAdES-BASELINE-B", Coverage: "partial", Changes: Changes{Level: "OTHER"}, BestTime: r.at}
	s.Conclusion = failed(FormatFailure, why)
	r.report.Verdict = TotalFailed
	if why.Code == CodeLimit {
		s.Conclusion = limited(why.Text)
		r.report.Verdict = VerdictUndetermined
	}
	r.report.Signatures = []*Signature{s}
}

// signatureMarks are what a signature dictionary cannot do without.
var signatureMarks = [][]byte{[]byte("/ByteRange"), []byte("/adbe.pkcs7"), []byte("/ETSI.CAdES"), []byte("/ETSI.RFC3161")}

// scan hashes a file that cannot be read and looks for traces of a PDF with a
// signature.
func (r *run) scan() (signed bool, err error) {
	h := sha256.New()
	var marks finder
	if _, err := io.Copy(io.MultiWriter(h, &marks), io.NewSectionReader(r.in.Reader, 0, r.in.Size)); err != nil {
		return false, err
	}
	copy(r.report.SHA256[:], h.Sum(nil))
	return marks.header && marks.found, nil
}
