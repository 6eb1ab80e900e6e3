package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/internal/fault"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/signer"
)

// Level and Visible are those of package signer, whose words the use cases
// speak.
type (
	Level   = signer.Level
	Visible = signer.Visible
)

// The levels, and the pages that are not a number.
const (
	LevelB    = signer.B
	LevelT    = signer.T
	LevelLT   = signer.LT
	LevelLTA  = signer.LTA
	FirstPage = signer.FirstPage
	LastPage  = signer.LastPage
)

// ParseLevel reads "B-LTA" and the like.
func ParseLevel(s string) (Level, error) { return signer.ParseLevel(s) }

// Signing is [Gateway.Sign] or [Gateway.Seal].
type Signing func(ctx context.Context, c Caller, in Upload, req SignRequest) (*Release, error)

// SignRequest asks for a signature or a seal. Its JSON, without the secrets,
// is what an idempotency key stands for.
type SignRequest struct {
	// Signer is the identifier of the signer, or of the seal.
	Signer string `json:"signer"`
	// Passphrase opens a personal key; Activation is a token that does. A seal
	// has neither.
	Passphrase []byte `json:"-"`
	Activation string `json:"-"`
	// Password opens an encrypted document.
	Password []byte `json:"-"`

	Level    signer.Level `json:"level"`
	Fallback bool         `json:"fallback"` // accept a lower level when a service outside is down

	Field    string          `json:"field"`
	Reason   string          `json:"reason"`
	Location string          `json:"location"`
	Certify  int             `json:"certify"` // DocMDP P, 0 for none
	Visible  *signer.Visible `json:"visible"`
	PSS      bool            `json:"pss"`
	// OwnQR says that Visible.QR is not the caller's wish but the public
	// address of Document: it is another one for each document of an activation.
	OwnQR bool `json:"-"`

	// Document is the public id of a registered document, "" for none.
	Document string `json:"document"`
	// Batch groups the operations of one call. The same call made again has
	// another one, and is the same request.
	Batch string `json:"-"`
	// IdempotencyKey makes a repeated request safe; "" for none.
	IdempotencyKey string `json:"-"`
	// paperOf is the complaint that a paper of the gateway's own belongs to; "" for
	// none.
	paperOf string
}

// Sign signs a document for a person. The intent is on record before the
// passphrase is tried, the outcome before anything is returned.
func (g *Gateway) Sign(ctx context.Context, c Caller, in Upload, req SignRequest) (*Release, error) {
	if len(req.Passphrase) == 0 && req.Activation == "" {
		return nil, errorf(CodeInvalid, "A passphrase or an activation is needed.")
	}
	if len(req.Passphrase) > 0 && req.Activation != "" {
		return nil, errorf(CodeInvalid, "A passphrase and an activation exclude each other.")
	}
	return g.sign(ctx, order{c, in, req, SignerPersonal, "sign"})
}

// Seal signs a document for the organisation, with a key that is resident on
// the token.
func (g *Gateway) Seal(ctx context.Context, c Caller, in Upload, req SignRequest) (*Release, error) {
	if len(req.Passphrase) > 0 || req.Activation != "" {
		return nil, errorf(CodeInvalid, "A seal has neither passphrase nor activation.")
	}
	return g.sign(ctx, order{c, in, req, SignerSeal, "seal"})
}

// order is a request to sign or to seal: whose, for which document, by what kind
// of signer.
type order struct {
	caller Caller
	in     Upload
	req    SignRequest
	kind   SignerKind
	act    string // on record
}

func (g *Gateway) sign(ctx context.Context, o order) (*Release, error) {
	c, in, req := o.caller, o.in, o.req
	if err := g.allowSigning(ctx, c, in, req, o.act); err != nil {
		return nil, err
	}
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	if prior, err := g.prior(ctx, o, at); prior != nil || err != nil {
		return prior, err
	}
	who, err := g.findSigner(ctx, c, req.Signer, o.kind, at)
	if err != nil {
		return nil, err
	}
	b, err := g.signBeginning(ctx, o, who)
	if err != nil {
		return nil, err
	}
	input, pages, err := g.inspect(in, req.Password, c.Application.Policy)
	if err != nil {
		return nil, g.refuse(ctx, c, b.record, err)
	}
	if req.Document != "" {
		b.check = func(tx Tx) error { return checkDocument(ctx, tx, req.Document, in.SHA256, pages) }
	}
	op, err := g.begin(ctx, c, *b)
	if err != nil {
		return nil, g.refuseUnlessRecord(ctx, c, b.record, err)
	}
	if op.prior != nil {
		return op.again(ctx, in)
	}
	fault.Point("key.before")
	key, closeKey, err := g.openKey(ctx, c, who, req)
	fault.Point("key.after")
	if err != nil {
		return nil, op.fail(ctx, err)
	}
	defer closeKey()
	op.signed = true
	result, err := g.cfg.Signer.Sign(ctx, input, signer.Request{
		Key: key, Certificate: who.leaf, Chain: who.chain, PSS: req.PSS, Level: req.Level, Fallback: req.Fallback, At: at,
		Field: req.Field, Reason: req.Reason, Location: req.Location, Certify: req.Certify, Visible: req.Visible,
	})
	if err != nil {
		op.signed = reachedKey(err)
		return nil, op.fail(ctx, err)
	}
	fault.Point("document.made")
	out := o.outcome(op.row.ID, who, result, at)
	g.addStatus(&out, who.leaf, result, at)
	released, err := op.release(ctx, out)
	if err == nil {
		g.kept.written(result.Status, at)
	}
	return released, err
}

// prior answers a request that was made before, whatever has become of its
// signer since. Nil: it was not.
func (g *Gateway) prior(ctx context.Context, o order, at time.Time) (*Release, error) {
	reservation, err := o.reservation()
	if reservation == nil || err != nil {
		return nil, err
	}
	op := &operation{g: g}
	err = g.view(ctx, Scope(o.caller.Application.Organisation), func(r Reader) (err error) {
		op.prior, err = r.Prior(ctx, *reservation, at)
		return err
	})
	if err != nil || op.prior == nil {
		return nil, err
	}
	return op.again(ctx, o.in)
}

// reservation is that of the idempotency key; nil without one.
func (o order) reservation() (*Reservation, error) {
	if o.req.IdempotencyKey == "" {
		return nil, nil
	}
	sum, err := o.req.digest(o.act, o.in)
	if err != nil {
		return nil, err
	}
	return &Reservation{Application: o.caller.Application.ID, Key: o.req.IdempotencyKey, RequestSHA256: sum}, nil
}

// allowSigning holds the request against the application's policy.
func (g *Gateway) allowSigning(ctx context.Context, c Caller, in Upload, req SignRequest, act string) error {
	if err := g.allow(ctx, c, act, RoleApplication); err != nil {
		return err
	}
	p := c.Application.Policy
	why := ""
	switch {
	case !slices.Contains(p.Signers, "*") && !slices.Contains(p.Signers, req.Signer):
		why = "signer"
	case !slices.Contains(p.Levels, req.Level.String()):
		why = "level " + req.Level.String()
	case req.Fallback && !p.Fallback:
		why = "fallback"
	}
	if why != "" {
		g.recordDenied(ctx, c, act, "policy: "+why)
		return errorf(CodeForbidden, "The application's policy does not allow this (%s).", why)
	}
	if p.MaxBytes > 0 && in.Size > p.MaxBytes {
		return errorf(CodeTooLarge, "The document has %d bytes; the application may send %d.", in.Size, p.MaxBytes)
	}
	return nil
}

// signing is a signer with the key and the certificate that sign now.
type signing struct {
	signer Signer
	key    Key
	leaf   *x509.Certificate
	chain  []*x509.Certificate
}

// findSigner returns the signer with the newest certificate that is good at
// the moment.
func (g *Gateway) findSigner(ctx context.Context, c Caller, id string, kind SignerKind, at time.Time) (*signing, error) {
	var (
		who  Signer
		keys []Key
	)
	err := g.cfg.Store.View(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		who, keys, err = r.SignerWithKeys(ctx, id)
		return err
	})
	switch {
	case errors.Is(err, ErrNotFound) || err == nil && who.Kind != kind:
		return nil, errorf(CodeNotFound, "There is no such signer.")
	case err != nil:
		return nil, fromStore(err)
	case who.Status != SignerActive:
		return nil, errorf(CodeLocked, "The signer is %s.", who.Status)
	}
	best := signing{signer: who}
	for _, k := range keys {
		if kind == SignerSeal {
			label, ok := g.seals.label(id, k.ID)
			if !ok {
				continue
			}
			k.Label = label
		}
		for _, cert := range k.Certificates {
			usable := cert.RevokedLocallyAt.IsZero() && !at.Before(cert.NotBefore) && !at.After(cert.NotAfter)
			if !usable || best.leaf != nil && cert.NotBefore.Before(best.leaf.NotBefore) {
				continue
			}
			leaf, chain, err := g.parsed.parse(cert)
			if err != nil {
				return nil, &Error{Code: CodeInternal, Text: "The signer's certificate cannot be read.", Err: err}
			}
			best.key, best.leaf, best.chain = k, leaf, chain
		}
	}
	if best.leaf == nil {
		return nil, errorf(CodeNoCertificate, "The signer has no certificate that is good now.")
	}
	return &best, nil
}

// certificateCache keeps parsed certificates by their very bytes, so that what
// it returns is what parsing would. They are not changed by anybody.
type certificateCache struct {
	mu    sync.Mutex
	byDER map[string]*x509.Certificate
}

// maxCertificates bounds the cache, at some 8 KB each; it is emptied when full.
const maxCertificates = 512

func (c *certificateCache) one(der []byte) (*x509.Certificate, error) {
	c.mu.Lock()
	known := c.byDER[string(der)]
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byDER == nil || len(c.byDER) >= maxCertificates {
		c.byDER = map[string]*x509.Certificate{}
	}
	c.byDER[string(der)] = parsed
	return parsed, nil
}

// named is parse for a certificate that is known by its digest, as records and people
// name it. It returns an error that wraps ErrForged for one that has another.
func (c *certificateCache) named(cert Certificate) (leaf *x509.Certificate, chain []*x509.Certificate, err error) {
	if sha256.Sum256(cert.DER) != cert.SHA256 {
		return nil, nil, fmt.Errorf("%w: the certificate %x", ErrForged, cert.SHA256)
	}
	return c.parse(cert)
}

// parse parses a certificate with its chain. Whether it is that of a key the signature
// shows, which is verified before it is released.
func (c *certificateCache) parse(cert Certificate) (leaf *x509.Certificate, chain []*x509.Certificate, err error) {
	if leaf, err = c.one(cert.DER); err != nil {
		return nil, nil, err
	}
	for _, der := range cert.Chain {
		issuer, err := c.one(der)
		if err != nil {
			return nil, nil, err
		}
		chain = append(chain, issuer)
	}
	return leaf, chain, nil
}

// signBeginning says what the intent is.
func (g *Gateway) signBeginning(ctx context.Context, o order, who *signing) (b *beginning, err error) {
	in, req := o.in, o.req
	cert := sha256.Sum256(who.leaf.Raw)
	b = &beginning{
		batch: req.Batch,
		record: evidence.Record{
			Kind: o.act,
			Subject: evidence.Subject{
				InputSHA256: hex.EncodeToString(in.SHA256[:]), InputSize: in.Size, Document: req.Document,
			},
			Signer: evidence.Signer{ID: who.signer.ID, CertificateSHA256: hex.EncodeToString(cert[:]), Key: hex.EncodeToString(who.key.ID[:])},
			Detail: map[string]string{"asked": req.Level.String(), "authorisation": req.authorisation(who)},
		},
	}
	if req.paperOf != "" {
		b.record.Detail["case"] = req.paperOf
	}
	if b.reservation, err = o.reservation(); err != nil {
		return nil, err
	}
	if req.Activation != "" {
		if b.activation, err = g.activationID(ctx, o.caller, who, req); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (r SignRequest) authorisation(who *signing) string {
	switch {
	case who.signer.Kind == SignerSeal:
		return "resident-key"
	case r.Activation != "":
		return "activation"
	}
	return "passphrase"
}

// digest is what an idempotency key is bound to: the act, the document, and
// everything asked for but the secrets.
func (r SignRequest) digest(act string, in Upload) ([32]byte, error) {
	b, err := json.Marshal(struct {
		Act      string      `json:"act"`
		Document []byte      `json:"input"`
		Request  SignRequest `json:"request"`
	}{act, in.SHA256[:], r})
	if err != nil {
		return [32]byte{}, errorf(CodeInvalid, "The request makes no sense.")
	}
	return sha256.Sum256(b), nil
}

// appearance is what a signer authorises beside documents and level: what the
// signature says, shows and forbids. Requests with the same one are alike.
func (r SignRequest) appearance() ([32]byte, error) {
	visible := r.Visible
	if visible != nil && r.OwnQR {
		shown := *visible
		shown.QR, visible = "", &shown
	}
	b, err := json.Marshal(struct {
		Fallback                bool
		Field, Reason, Location string
		Certify                 int
		Visible                 *signer.Visible
		PSS                     bool
	}{r.Fallback, r.Field, r.Reason, r.Location, r.Certify, visible, r.PSS})
	if err != nil {
		return [32]byte{}, errorf(CodeInvalid, "The request makes no sense.")
	}
	return sha256.Sum256(b), nil
}

// openKey makes the signer's key usable. The caller must call closeKey.
func (g *Gateway) openKey(ctx context.Context, c Caller, who *signing, req SignRequest) (key signer.Key, closeKey func(), err error) {
	if who.signer.Kind == SignerSeal {
		key, err = g.cfg.Keys.Resident(ctx, who.key.Label)
		return key, func() {}, err
	}
	var personal PersonalKey
	if req.Activation != "" {
		personal, err = g.openActivated(ctx, who, req)
	} else {
		err = g.tryPassphrase(ctx, c, who.signer.ID, func(ctx context.Context) error {
			personal, err = g.cfg.Keys.Open(ctx, who.signer.ID, who.key.Sealed, req.Passphrase)
			return err
		})
	}
	closeKey = func() {
		if err := personal.Close(); err != nil {
			g.cfg.Log.WarnContext(ctx, "key not closed", "error", err)
		}
	}
	if err != nil {
		if personal != nil {
			closeKey() // right, but that it was could not be noted
		}
		return nil, nil, err
	}
	return personal, closeKey, nil
}

// reachedKey tells whether a signature may exist although signing failed.
// Everything but a refusal by rule, and a device that says that it was never
// reached, counts.
func reachedKey(err error) bool {
	var refused *signer.RefusedError
	return !errors.As(err, &refused) && !brokenFile(err) && !errors.Is(err, ErrKeyUnavailable)
}

// brokenFile tells whether an error is about what a document holds, and not about
// reading it.
func brokenFile(err error) bool {
	var (
		malformed *pdf.MalformedError
		limit     *pdf.LimitError
	)
	return errors.As(err, &malformed) || errors.As(err, &limit) || errors.Is(err, pdf.ErrPassword)
}

// renewBefore is how long before the end of what protects a signature its
// renewal is due.
const renewBefore = 90 * 24 * time.Hour

// outcome says what is kept of a signature that an operation has made.
func (o order) outcome(operation string, who *signing, r *signer.Result, at time.Time) outcome {
	in, req := o.in, o.req
	out := outcome{
		result: evidence.Result{Level: r.Level.String()},
		output: r.After, size: in.Size + int64(len(r.Tail)), tail: r.Tail,
		artefacts: resultArtefacts(r),
	}
	out.artefacts = append(out.artefacts, certificateBlobs(append([]*x509.Certificate{who.leaf}, who.chain...))...)
	if r.Shortfall != nil {
		code := string(fromSigner(r.Shortfall).Code)
		out.detail = map[string]string{"shortfall": plain(r.Shortfall.Error(), 1024), "shortfall-code": code}
		out.shortfall = shortfallText(code)
	}
	if !r.Time.IsZero() {
		out.detail = merge(out.detail, map[string]string{"timestamp": r.Time.UTC().Format(time.RFC3339)})
	}
	if req.Document != "" {
		out.version = &DocumentVersion{SHA256: r.After, Size: out.size, Operation: operation}
	}
	if r.Level < req.Level {
		// What was asked for is still owed: whoever looks for work finds it.
		out.renewal = &Renewal{Operation: operation, Document: req.Document, SHA256: r.After, Due: at}
	} else if due := who.leaf.NotAfter.Add(-renewBefore); r.Level < signer.LTA {
		out.renewal = &Renewal{Operation: operation, Document: req.Document, SHA256: r.After, Due: due}
	} else if due, ok := renewalOf(r); ok {
		out.renewal = &Renewal{Operation: operation, Document: req.Document, SHA256: r.After, Due: due}
	}
	return out
}

// shortfallText says why a lower level was reached.
func shortfallText(code string) string {
	switch Code(code) {
	case "":
		return ""
	case CodeTimestamp:
		return "No timestamp authority gave a timestamp."
	case CodeRevocation:
		return "The status of a certificate could not be learnt."
	}
	return "A service outside did not give what the level needs (" + code + ")."
}

// refuse records a refusal that came before any intent, and returns it.
func (g *Gateway) refuse(ctx context.Context, c Caller, r evidence.Record, cause error) error {
	e := fromSigner(cause)
	r.Result = evidence.Result{Status: evidence.Status(e.status()), Code: string(e.Code)}
	r.Detail = merge(r.Detail, findingsDetail(e.Findings))
	if err := g.record(context.WithoutCancel(ctx), c, r); err != nil {
		return err
	}
	return e
}

// refuseUnlessRecord does the same for what begin refused, but not when the
// record itself is what does not work.
func (g *Gateway) refuseUnlessRecord(ctx context.Context, c Caller, r evidence.Record, cause error) error {
	var e *Error
	if errors.As(cause, &e) && e.status() == OperationFailed {
		return e
	}
	return g.refuse(ctx, c, r, cause)
}
