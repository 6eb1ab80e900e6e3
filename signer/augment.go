package signer

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
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

// Augment raises every signature of a document to a level; at is the present.
// Signatures already there are not touched: what a signature lacks is added
// behind it.
//
//   - T adds a document timestamp unless each signature has a timestamp.
//   - LT does that, then adds the evidence that is missing.
//   - LTA does that, then adds a document timestamp over it all. On a document
//     that is B-LTA already this renews the archive: evidence about the
//     authority of the last document timestamp, and another timestamp over it.
//
// [Config].Timestamper is needed for LTA, and at T and LT for a signature
// without a timestamp: see [ErrNoTimestamper].
//
// The result has an empty Tail when nothing is missing, and then Tail and
// digests say that the document is as it was. Errors are those of [Signer.Sign]
// that concern no key. A document with a signature that does not hold (its
// structure, its digest or value, the imprint of a timestamp, a forbidden later
// change) is refused with CodeSignatureBroken: archiving it would be worth
// nothing.
func (s *Signer) Augment(ctx context.Context, in Input, to Level, at time.Time) (*Result, error) {
	able := s.ableToProve // a timestamp may be there already
	if to == LTA {
		able = s.able
	}
	if err := able(to); err != nil {
		return nil, err
	}
	if to == B || at.IsZero() {
		return nil, errors.New("signer: augmenting needs a level above B-B and the moment")
	}
	w, err := s.beginVerified(ctx, in)
	if err != nil {
		return nil, err
	}
	before := w.digests.sum256()
	a := &augmentation{signer: s, at: at, result: Result{Level: to}}
	if w, err = a.timestamp(ctx, w); err != nil {
		return nil, err
	}
	if to >= LT {
		if w, err = a.complete(ctx, w, to); err != nil {
			return nil, err
		}
	}
	return w.result(before, a.result), nil
}

// Timestamp appends a document timestamp alone, without evidence; at is the
// present. Errors are those of [Signer.Augment]. Result.Level is that of the
// timestamp, T.
func (s *Signer) Timestamp(ctx context.Context, in Input, at time.Time) (*Result, error) {
	if err := s.able(T); err != nil {
		return nil, err
	}
	if at.IsZero() {
		return nil, errors.New("signer: a timestamp needs the moment")
	}
	w, err := begin(ctx, in, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	if err := checkAmbiguous(w.doc); err != nil {
		return nil, err
	}
	before := w.digests.sum256()
	w, st, err := s.documentTimestamp(ctx, w, at)
	if err != nil {
		return nil, err
	}
	return w.result(before, Result{Level: T, Field: st.field, Time: st.time, Tokens: [][]byte{st.token}}), nil
}

// augmentation is one call of Augment under way.
type augmentation struct {
	signer *Signer
	at     time.Time
	result Result
}

// proven is a signature or document timestamp with what proves its time.
type proven struct {
	field string
	cert  *x509.Certificate
	pool  []*x509.Certificate
	tsa   bool
	time  time.Time // best known: of its own timestamp or a later document timestamp; zero when none
	// span is what it signs and check judges the digest of that; nil for a
	// signature timestamp, which has been judged.
	span  *span
	check func(digest []byte) error
}

// beginVerified opens and hashes the input, and checks in the same reading
// that every signature in it holds.
func (s *Signer) beginVerified(ctx context.Context, in Input) (*work, error) {
	doc, err := open(in)
	if err != nil {
		return nil, err
	}
	w := &work{doc: doc}
	return w, w.hashVerified(ctx, in, crypto.SHA256, nil)
}

// hashVerified hashes the input and checks in the same reading that every
// signature in it holds, also once pending follows: what is built upon a broken
// document is worth nothing, and whoever signs it would vouch for what he was
// not shown. pending is nil when no new signature is planned.
func (w *work) hashVerified(ctx context.Context, in Input, h crypto.Hash, pending *pades.Pending) error {
	var list []*proven
	var err error
	if pending != nil {
		list, err = readProven(pending.Earlier)
	} else {
		list, err = w.proven()
	}
	if err != nil || len(list) > 0 {
		if err := standing(w.doc, pending); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	var spans []*span
	for _, p := range list {
		if p.span != nil {
			spans = append(spans, p.span)
		}
	}
	if w.digests, err = hashInput(ctx, in, h, spans...); err != nil {
		return err
	}
	for _, p := range list {
		if p.span == nil {
			continue
		}
		if err := p.check(p.span.digest); err != nil {
			return &RefusedError{Code: CodeSignatureBroken, Reason: fmt.Sprintf("The signature in the field %q does not hold: %v.", p.field, err), Err: err}
		}
	}
	return nil
}

// standing refuses a document whose structure, or a change since, breaks one
// of its signatures already, and a new signature that would break one. Form
// values are left to the verifier's policy.
func standing(doc *pdf.Document, pending *pades.Pending) error {
	if pending == nil {
		broken, err := firstBroken(doc, "")
		if broken == nil {
			return err
		}
		return refuse(CodeSignatureBroken, "The signature in the field %q does not hold: %s (%s).", broken.field, broken.Text, broken.Code)
	}
	after, err := rehearse(doc, pending)
	if err != nil {
		return err
	}
	broken, err := firstBroken(after, pending.Field)
	if broken == nil {
		return err
	}
	if err := standing(doc, nil); err != nil {
		return err
	}
	return refuse(broken.Code, "The new signature would break the one in the field %q: %s.", broken.field, broken.Text)
}

// rehearse returns the document as it will be with the new signature, but for
// its value.
func rehearse(doc *pdf.Document, pending *pades.Pending) (*pdf.Document, error) {
	tail, err := pending.Embed([]byte{0x30, 0}) // a SEQUENCE, for whoever looks that far
	if err != nil {
		return nil, err
	}
	return doc.Append(bytes.Clone(tail))
}

// breach is why a signature does not hold.
type breach struct {
	pades.Finding
	field string
}

// firstBroken returns the first breach of a signature other than that in the
// field except; nil when all hold.
func firstBroken(doc *pdf.Document, except string) (*breach, error) {
	judged, err := pades.Judge(doc, pades.ChangePolicy{FormValues: true})
	if err != nil {
		return nil, err
	}
	for _, j := range judged.Signatures {
		if found := slices.Concat(j.Structure, j.Violations); len(found) > 0 && (except == "" || j.Signature.Field != except) {
			return &breach{found[0], j.Signature.Field}, nil
		}
	}
	return nil, nil
}

// timestamp adds a document timestamp when a signature has none of any kind.
func (a *augmentation) timestamp(ctx context.Context, w *work) (*work, error) {
	list, err := w.proven()
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, refuse(CodeNoSignature, "The document has neither signature nor timestamp.")
	}
	for _, p := range list {
		if !p.time.IsZero() {
			continue
		}
		if err := checkCertificate(p.cert, a.at); err != nil {
			return nil, err // no time before its expiry can be proven any more
		}
		if a.signer.cfg.Timestamper == nil {
			return nil, ErrNoTimestamper
		}
		next, st, err := a.signer.documentTimestamp(ctx, w, a.at)
		if err != nil {
			return nil, err
		}
		a.record(st)
		return next, nil
	}
	return w, nil
}

func (a *augmentation) record(st *stamp) {
	if a.result.Time.IsZero() {
		a.result.Field, a.result.Time = st.field, st.time
	}
	a.result.Tokens = append(a.result.Tokens, st.token)
}

// complete adds the evidence for every signature, timestamp and authority, and
// at LTA a document timestamp over it.
func (a *augmentation) complete(ctx context.Context, w *work, to Level) (*work, error) {
	list, err := w.proven()
	if err != nil {
		return nil, err
	}
	var subjects []subject
	for _, p := range list {
		anchors, purpose := a.signer.cfg.Anchors, pki.Signing
		if p.tsa {
			anchors, purpose = a.signer.cfg.TSAAnchors, pki.Timestamping
		}
		chain, err := a.signer.path(ctx, p.cert, p.pool, anchors, p.time, purpose)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", p.field, certificateError(ctx, err, p.tsa))
		}
		subjects = append(subjects, subject{chain, p.time, p.tsa})
	}
	have, err := w.held()
	if err != nil {
		return nil, err
	}
	ev, err := a.signer.gather(ctx, subjects, have, a.at)
	if err != nil {
		return nil, err
	}
	a.result.Evidence = ev
	if to == LT {
		return w.store(ev)
	}
	next, st, ev, err := a.signer.archive(ctx, w, ev, a.at)
	if err != nil {
		return nil, err
	}
	a.result.Evidence = ev
	a.record(st)
	return next, nil
}

// proven reads what the document holds.
func (w *work) proven() ([]*proven, error) {
	signatures, err := pades.Signatures(w.doc)
	if err != nil {
		return nil, err
	}
	return readProven(signatures)
}

// readProven lists signatures, their timestamps and document timestamps with
// their best times. A document timestamp proves the time of all that its
// signed bytes hold; its own is what it says.
func readProven(signatures []*pades.Signature) ([]*proven, error) {
	var list []*proven
	for _, sig := range signatures {
		more, err := readOne(sig)
		if err != nil {
			return nil, &RefusedError{Code: CodeSignatureBroken, Reason: fmt.Sprintf("The signature in the field %q cannot be read: %v.", sig.Field, err), Err: err}
		}
		if sig.Kind == pades.KindDocTimestamp {
			for _, earlier := range list {
				if earlier.time.IsZero() || more[0].time.Before(earlier.time) && !earlier.tsa {
					earlier.time = more[0].time
				}
			}
		}
		list = append(list, more...)
	}
	return list, nil
}

// readOne returns what one filled field holds: a document timestamp, or a
// signature followed by its timestamps.
func readOne(sig *pades.Signature) ([]*proven, error) {
	if len(sig.Problems) > 0 {
		return nil, sig.Problems[0]
	}
	der, err := sig.CMS()
	if err != nil {
		return nil, err
	}
	if sig.Kind == pades.KindDocTimestamp {
		p, token, err := readToken(sig, der)
		if err != nil {
			return nil, err
		}
		p.check = func(digest []byte) error { return holds(token.Check(token.Hash, digest, p.cert)) }
		p.span, err = spanOf(sig, token.Hash)
		return []*proven{p}, err
	}
	return readSignature(sig, der)
}

// readSignature returns a signature, whose time is that of its earliest
// timestamp, followed by its timestamps.
func readSignature(sig *pades.Signature, der []byte) ([]*proven, error) {
	sd, si, err := onlySigner(der)
	if err != nil {
		return nil, err
	}
	cert, err := sd.Signer(si)
	if err != nil {
		return nil, err
	}
	p := &proven{field: sig.Field, cert: cert, pool: sd.Certificates()}
	p.check = func(digest []byte) error { return holds(si.Check(cert, digest)) }
	if p.span, err = spanOf(sig, si.DigestAlgorithm); err != nil {
		return nil, err
	}
	list := []*proven{p}
	for _, der := range si.SignatureTimestamps() {
		t, err := readSignatureTimestamp(sig, der, si.Value)
		if err != nil {
			return nil, fmt.Errorf("its timestamp: %w", err)
		}
		if p.time.IsZero() || t.time.Before(p.time) {
			p.time = t.time
		}
		list = append(list, t)
	}
	return list, nil
}

// onlySigner parses a CMS that has one signer, as PAdES demands.
func onlySigner(der []byte) (*cms.SignedData, *cms.SignerInfo, error) {
	sd, err := cms.Parse(der)
	if err != nil {
		return nil, nil, err
	}
	if len(sd.SignerInfos) != 1 {
		return nil, nil, fmt.Errorf("%d signers", len(sd.SignerInfos))
	}
	return sd, sd.SignerInfos[0], nil
}

// readSignatureTimestamp reads a token and judges it: one that is over another
// signature proves nothing about this one (T05).
func readSignatureTimestamp(sig *pades.Signature, der, value []byte) (*proven, error) {
	p, token, err := readToken(sig, der)
	if err != nil {
		return nil, err
	}
	if !token.Hash.Available() {
		return nil, fmt.Errorf("imprint by %v cannot be checked", token.HashOID)
	}
	h := token.Hash.New()
	h.Write(value)
	return p, holds(token.Check(token.Hash, h.Sum(nil), p.cert))
}

func readToken(sig *pades.Signature, der []byte) (*proven, *tsp.Token, error) {
	token, err := tsp.ParseToken(der)
	if err != nil {
		return nil, nil, err
	}
	cert, err := token.Signer()
	if err != nil {
		return nil, nil, err
	}
	return &proven{field: sig.Field, cert: cert, pool: token.SignedData.Certificates(), tsa: true, time: token.Time}, token, nil
}

// holds asks for digest, value and imprint. Other breaches, such as a missing
// signing-certificate attribute in an old signature, do not hinder archiving.
func holds(r *cms.Result) error {
	if r.Intact() && !r.Has(tsp.RuleImprint) && !r.Has(tsp.RuleImprintAlgorithm) {
		return nil
	}
	return r.Err()
}

// spanOf is the signed range, once its digest can be computed.
func spanOf(sig *pades.Signature, h crypto.Hash) (*span, error) {
	if !h.Available() {
		return nil, errors.New("its digest algorithm is not known")
	}
	b := sig.ByteRange
	return &span{from: b[1], to: b[2], end: b[2] + b[3], hash: h}, nil
}
