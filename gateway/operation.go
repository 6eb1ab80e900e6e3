package gateway

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/internal/fault"
)

// operation is one act between its intent and its outcome. Exactly one of
// release, done and fail ends it.
type operation struct {
	g      *Gateway
	row    Operation
	record evidence.Record // of the intent; outcomes are made from it
	intent evidence.Entry
	prior  *Prior // the request was made before; nothing was begun
	keyed  bool   // an idempotency key is reserved for it
	// signed is set before the key is used: from then on nobody may assume
	// that no signature exists.
	signed bool
}

// newRecord fills in what every record says.
func (g *Gateway) newRecord(c Caller, r evidence.Record, id string, phase evidence.Phase, at time.Time) evidence.Record {
	r.Operation, r.Phase, r.Time, r.Node = id, phase, at, g.cfg.Node
	r.Organisation = c.Application.Organisation
	if r.Organisation == "" {
		r.Organisation = g.cfg.Organisation
	}
	r.Actor = evidence.Actor{
		Application: c.Application.ID, Role: string(c.Application.Role), Authentication: c.Authentication,
		Address: plain(c.Address, 256), User: plain(c.User, 256),
	}
	return r
}

// clip cuts what a caller wrote to a length, at a character.
func clip(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return s
}

// plain cuts what a caller wrote to a length, and leaves out what is no text.
func plain(s string, n int) string {
	return clip(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s), n)
}

// record writes an event: something that is over as it begins.
func (g *Gateway) record(ctx context.Context, c Caller, r evidence.Record) error {
	return g.recordWith(ctx, c, r, func(Tx) error { return nil })
}

// recordWith writes an event together with what it is about.
func (g *Gateway) recordWith(ctx context.Context, c Caller, r evidence.Record, write func(tx Tx) error) error {
	return g.recordAs(ctx, c, newID(), r, write)
}

// recordAs writes an event under an identifier of its own.
func (g *Gateway) recordAs(ctx context.Context, c Caller, id string, r evidence.Record, write func(tx Tx) error) error {
	at, err := g.clock.present()
	if err != nil {
		return err
	}
	return g.recordAt(ctx, c, id, at, r, write)
}

// recordAt writes an event of the moment at, which is that of what it is about.
func (g *Gateway) recordAt(ctx context.Context, c Caller, id string, at time.Time, r evidence.Record, write func(tx Tx) error) error {
	r = g.newRecord(c, r, id, evidence.PhaseEvent, at)
	entry, _, err := g.receiptedEntry(ctx, r, eventPatience)
	if err != nil {
		return fromStore(err)
	}
	row := operationRow(r, c)
	row.Status, row.FinishedAt = OperationStatus(r.Result.Status), at
	fault.Point("event.before")
	err = g.update(ctx, Scope(r.Organisation), func(tx Tx) error {
		if err := write(tx); err != nil {
			return err
		}
		return tx.RecordEvent(ctx, row, entry)
	})
	fault.Point("event.after")
	return err
}

// update runs fn in a transaction that also raises the time floor when that is
// due. The error is for the caller.
func (g *Gateway) update(ctx context.Context, scope Scope, fn func(tx Tx) error) error {
	err := g.cfg.Store.Update(ctx, scope, func(tx Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return g.clock.save(ctx, tx)
	})
	if err != nil {
		return fromStore(err)
	}
	return nil
}

// view runs fn over one state of the caller's organisation. The error is for
// the caller.
func (g *Gateway) view(ctx context.Context, scope Scope, fn func(r Reader) error) error {
	if err := g.cfg.Store.View(ctx, scope, fn); err != nil {
		return fromStore(err)
	}
	return nil
}

// operationRow is the search row of a record.
func operationRow(r evidence.Record, c Caller) Operation {
	return Operation{
		ID: r.Operation, Organisation: r.Organisation, Kind: r.Kind, Status: OperationPending, Code: r.Result.Code,
		Application: c.Application.ID, User: r.Actor.User, Node: r.Node, Signer: r.Signer.ID, Level: r.Result.Level,
		Document: r.Subject.Document, Case: r.Detail["case"], StartedAt: r.Time,
		Certificate: digest(r.Signer.CertificateSHA256), InputSHA256: digest(r.Subject.InputSHA256), OutputSHA256: digest(r.Subject.OutputSHA256),
	}
}

// digest reads what hex.EncodeToString wrote; zero for "".
func digest(s string) (d [32]byte) {
	b, _ := hex.DecodeString(s) // written by this package
	copy(d[:], b)
	return d
}

// beginning is what begin needs beside the record.
type beginning struct {
	record      evidence.Record
	reservation *Reservation
	activation  string
	batch       string
	// check runs first in the transaction and may forbid the operation.
	check func(tx Tx) error
}

// detail is what the record says of an operation's row that is nowhere else in it.
func (b *beginning) detail() map[string]string {
	d := map[string]string{}
	if b.batch != "" {
		d[DetailBatch] = b.batch
	}
	if b.activation != "" {
		d[DetailActivation] = b.activation
	}
	return d
}

// begin commits the intent. When the request was made before, the operation
// returned has prior set and nothing was written.
func (g *Gateway) begin(ctx context.Context, c Caller, b beginning) (*operation, error) {
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	if err := g.promise.kept(ctx, g.cfg.Notary, at); err != nil {
		return nil, err
	}
	r := g.newRecord(c, b.record, newID(), evidence.PhaseIntent, at)
	r.Detail = merge(r.Detail, b.detail())
	entry, _, err := g.cfg.Notary.NewEntry(r)
	if err != nil {
		return nil, fromStore(err)
	}
	o := &operation{g: g, row: operationRow(r, c), record: r, intent: entry, keyed: b.reservation != nil}
	o.row.Batch, o.row.Activation = b.batch, b.activation
	if b.reservation != nil {
		b.reservation.ExpiresAt = at.Add(g.cfg.Tail)
	}
	fault.Point("intent.before")
	err = g.update(ctx, Scope(r.Organisation), func(tx Tx) (err error) {
		if b.check != nil {
			if err := b.check(tx); err != nil {
				return err
			}
		}
		o.prior, err = tx.BeginOperation(ctx, Begin{Operation: o.row, Intent: entry, Reservation: b.reservation, Activation: b.activation})
		return err
	})
	fault.Point("intent.after")
	if err != nil {
		return nil, err
	}
	return o, nil
}

// outcome is what an operation came to.
type outcome struct {
	result    evidence.Result
	output    [32]byte // of the document released; zero: none
	size      int64
	artefacts []evidence.Blob
	named     []evidence.Artefact // that are kept already
	owed      bool                // nobody could say whether the certificate is revoked
	detail    map[string]string
	tail      []byte
	version   *DocumentVersion
	renewal   *Renewal
	shortfall string // why a lower level was reached, for the caller
}

// Release is a finished piece of work that may be handed out. Only
// [operation.release] makes one, once the outcome is durable.
type Release struct {
	Operation string
	Level     string // reached: "B-LTA"
	// Shortfall says why Level is lower than asked for, "" when it is not.
	Shortfall string
	// Tail is what follows the input: the document is the two together.
	Tail   []byte
	SHA256 [32]byte // of the whole
	Size   int64
	// Receipt is a signed note by which the log can be held to its word.
	Receipt []byte
	// Repeated says that this is the answer to an earlier request with the
	// same idempotency key.
	Repeated bool
}

// release records success and returns what may be handed out.
func (o *operation) release(ctx context.Context, out outcome) (*Release, error) {
	out.result.Status = evidence.StatusOK
	receipt, err := o.finish(ctx, out, nil)
	if err != nil {
		return nil, err
	}
	return &Release{
		Operation: o.row.ID, Level: out.result.Level, Tail: out.tail, SHA256: out.output, Size: out.size, Receipt: receipt.Note,
		Shortfall: out.shortfall,
	}, nil
}

// fail records that the operation did not succeed, and returns the error that
// the caller gets.
func (o *operation) fail(ctx context.Context, cause error) error {
	e := fromSigner(cause)
	if e.Code == CodeInternal || e.Code == CodeSignature {
		o.g.cfg.Log.ErrorContext(ctx, "operation failed", "operation", o.row.ID, "error", cause)
	}
	if o.signed && errors.Is(cause, ErrKeyUnknownOutcome) {
		e.Code = CodeUnknownOutcome
	}
	_, err := o.finish(ctx, outcome{
		result: evidence.Result{Status: evidence.Status(e.status()), Code: string(e.Code)},
		detail: findingsDetail(e.Findings),
	}, e)
	if err != nil && e.Code != CodeHSM && e.Code != CodeUnknownOutcome && !errors.Is(err, ErrClosed) {
		return err
	}
	// Without the HSM nothing gives the outcome its receipt either. The caller
	// learns the cause; the reconciler closes the operation as unknown, or has
	// done so because it took so long.
	said := *e
	said.Operation = o.row.ID
	return &said
}

func findingsDetail(findings []Finding) map[string]string {
	if len(findings) == 0 {
		return nil
	}
	var codes []string
	for _, f := range findings {
		codes = append(codes, f.Code)
	}
	return map[string]string{"findings": clip(strings.Join(codes, " "), 1024)}
}

// finish writes the outcome, whether or not the caller is still there.
func (o *operation) finish(ctx context.Context, out outcome, failed *Error) (evidence.Receipt, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	at, err := o.g.clock.present()
	if err != nil && failed == nil {
		return evidence.Receipt{}, o.fail(ctx, err)
	}
	r := o.record
	r.Phase, r.Time, r.Result, r.Intent = evidence.PhaseOutcome, at, out.result, hex.EncodeToString(o.intent.Leaf[:])
	if out.output != ([32]byte{}) {
		r.Subject.OutputSHA256, r.Subject.OutputSize = hex.EncodeToString(out.output[:]), out.size
	}
	r.Detail = merge(r.Detail, out.detail)
	if out.renewal != nil {
		r.Detail = merge(r.Detail, map[string]string{DetailRenewal: out.renewal.Due.UTC().Format(time.RFC3339Nano)})
	}
	for _, b := range out.artefacts {
		r.Artefacts = append(r.Artefacts, artefactOf(b))
	}
	r.Artefacts = append(r.Artefacts, out.named...)
	entry, receipt, err := o.g.receiptedEntry(ctx, r, outcomePatience)
	if err != nil {
		return evidence.Receipt{}, o.unrecorded(ctx, err)
	}
	f := Finish{
		Operation: o.row.ID, Status: OperationStatus(out.result.Status), Code: out.result.Code, Level: out.result.Level,
		Certificate: digest(r.Signer.CertificateSHA256), OutputSHA256: out.output, At: at, Outcome: entry,
		Artefacts: out.artefacts, Version: out.version, Renewal: out.renewal, StatusOwed: out.owed,
	}
	if f.Version != nil {
		f.Version.CreatedAt = at
	}
	if failed != nil {
		// What was never given to the key can be tried again under the same
		// idempotency key and activation.
		f.FreeKey, f.ReturnUse = !o.signed, !o.signed
	} else if o.keyed && out.tail != nil {
		f.Tail = o.g.tails.seal(out.tail, o.row.ID)
	}
	fault.Point("outcome.before")
	err = o.g.update(ctx, Scope(r.Organisation), func(tx Tx) error { return tx.FinishOperation(ctx, f) })
	fault.Point("outcome.after")
	if err != nil {
		return evidence.Receipt{}, o.unrecorded(ctx, err)
	}
	return receipt, nil
}

// How long an entry is tried for whose receipt is not signed. An outcome is worth
// waiting for: without it a signature that was made is lost. A refusal is answered
// within seconds even when the HSM is gone.
const (
	outcomePatience = time.Minute
	eventPatience   = 3 * time.Second
)

// receiptedEntry makes the entry of an outcome or an event. Its receipt comes from
// the HSM, which may just be busy or starting again; a receipt signed twice is the
// same receipt. Without another try one answer that came too late would turn the
// refusals and readings of that moment into "record-unavailable".
func (g *Gateway) receiptedEntry(ctx context.Context, r evidence.Record, patience time.Duration) (evidence.Entry, evidence.Receipt, error) {
	const (
		tries = 20
		pause = 100 * time.Millisecond
	)
	begun := time.Now()
	for n := 1; ; n++ {
		entry, receipt, err := g.cfg.Notary.NewEntry(r)
		var faulty *evidence.RecordError
		if err == nil || n == tries || time.Since(begun) > patience || errors.As(err, &faulty) {
			return entry, receipt, err
		}
		g.cfg.Log.WarnContext(ctx, "receipt not signed; trying again", "operation", r.Operation, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return entry, receipt, err
		}
	}
}

// unrecorded is the error of an operation whose outcome could not be written:
// nothing is released, and the reconciler will close it, or has done so.
func (o *operation) unrecorded(ctx context.Context, err error) error {
	o.g.cfg.Log.ErrorContext(ctx, "outcome not recorded", "operation", o.row.ID, "error", err)
	if errors.Is(err, ErrClosed) {
		return &Error{Code: CodeUnknownOutcome, Operation: o.row.ID, Err: err,
			Text: "It took so long that the operation was given up for dead and closed. What it came to was not released and never will be."}
	}
	return &Error{Code: CodeRecord, Operation: o.row.ID, Retry: retryService, Err: err,
		Text: "The outcome could not be recorded, so nothing was released."}
}

func merge(a, b map[string]string) map[string]string {
	if len(a) == 0 {
		return b
	}
	m := make(map[string]string, len(a)+len(b))
	for _, from := range []map[string]string{a, b} {
		for k, v := range from {
			m[k] = v
		}
	}
	return m
}

// again answers a request that was made before from what is on record.
func (o *operation) again(ctx context.Context, in Upload) (*Release, error) {
	was := o.prior.Operation
	switch {
	case was.Status == OperationPending:
		return nil, &Error{Code: CodeInProgress, Text: "The same request is being worked on.", Retry: time.Second, Operation: was.ID}
	case was.Status != OperationOK:
		return nil, &Error{Code: CodeUnknownOutcome, Operation: was.ID,
			Text: "The same request was made before and ended without a document; nobody can tell whether a signature was made. Use a new idempotency key to sign anew."}
	case o.prior.Tail == nil:
		return nil, &Error{Code: CodeConflict, Operation: was.ID, Text: "The answer to this idempotency key is no longer kept."}
	}
	tail, err := o.g.tails.open(o.prior.Tail, was.ID)
	if err != nil {
		return nil, &Error{Code: CodeInternal, Text: "The answer to this idempotency key cannot be read.", Operation: was.ID, Err: err}
	}
	sum, err := sumAfter(in, tail)
	if err != nil || sum != was.OutputSHA256 {
		return nil, &Error{Code: CodeInternal, Text: "The answer to this idempotency key cannot be rebuilt.", Operation: was.ID, Err: err}
	}
	r := &Release{
		Operation: was.ID, Level: was.Level, Tail: tail, SHA256: sum, Size: in.Size + int64(len(tail)), Repeated: true,
	}
	err = o.g.view(ctx, Scope(was.Organisation), func(tx Reader) error {
		entries, err := tx.EntriesOf(ctx, was.ID)
		for _, e := range entries {
			if receipt, ok := o.g.cfg.Notary.Receipt(e); ok && e.Phase == evidence.PhaseOutcome {
				r.Receipt = receipt.Note
				record, err := evidence.ParseRecord(e.Record)
				if err != nil {
					return err
				}
				r.Shortfall = shortfallText(record.Detail["shortfall-code"])
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// sumAfter returns the SHA-256 of the input followed by tail, without reading
// the input again.
func sumAfter(in Upload, tail []byte) (sum [32]byte, err error) {
	h := sha256.New()
	if in.Digest != nil {
		state, err := in.Digest.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			return sum, err
		}
		if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
			return sum, err
		}
	} else if err := hashInput(h, in); err != nil {
		return sum, err
	}
	h.Write(tail)
	h.Sum(sum[:0])
	return sum, nil
}

func hashInput(h hash.Hash, in Upload) error {
	buf := make([]byte, 64<<10)
	for off := int64(0); off < in.Size; {
		n, err := in.ReadAt(buf[:min(int64(len(buf)), in.Size-off)], off)
		h.Write(buf[:n])
		off += int64(n)
		if n == 0 {
			return fmt.Errorf("gateway: read the document: %w", err)
		}
	}
	return nil
}
