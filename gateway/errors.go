package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/signer"
)

// Code says what went wrong in a form that programs may rely on. The codes of
// signer.RefusedError are codes of the gateway too.
type Code string

// Codes of Error. docs/ERRORS.md lists them with their HTTP status.
const (
	CodeUnauthenticated Code = "unauthenticated"      // no credential, or one that does not hold
	CodeForbidden       Code = "forbidden"            // the application may not do this
	CodeNotFound        Code = "not-found"            // nothing that the caller may see has this name
	CodeInvalid         Code = "invalid-request"      // the request makes no sense
	CodeRate            Code = "rate-limited"         // too many requests
	CodeBusy            Code = "busy"                 // too much work at once
	CodeConflict        Code = "idempotency-conflict" // the key was used for another request
	CodeInProgress      Code = "in-progress"          // the same request is being worked on
	CodeUnknownOutcome  Code = "outcome-unknown"      // perhaps signed, certainly not released
	CodeChanged         Code = "changed"              // what was read has been changed since
	CodeExists          Code = "exists"               // the name is taken
	CodePassphrase      Code = "passphrase"           // wrong passphrase
	CodeWait            Code = "passphrase-wait"      // the next passphrase must wait
	CodeLocked          Code = "signer-locked"        // locked, or too many wrong passphrases
	CodeActivation      Code = "not-activated"        // the activation does not cover this
	CodeNoCertificate   Code = "no-certificate"       // the signer has no certificate that is good now
	CodeUnreadable      Code = "document-unreadable"  // not a PDF, or a broken one
	CodePassword        Code = "document-password"    // encrypted, and the password is missing or wrong
	CodeTooManyPages    Code = "too-many-pages"
	CodeTooLarge        Code = "too-large"
	CodeDocumentRefused Code = "document-refused"      // what the document contains must not be signed
	CodeTimestamp       Code = "timestamp-unavailable" // no timestamp authority answers
	CodeRevocation      Code = "revocation-unavailable"
	CodeHSM             Code = "hsm-unavailable"
	CodeSignature       Code = "signature-key-mismatch" // the HSM has another key, or returned a signature that does not verify
	CodeRecord          Code = "record-unavailable"     // nothing can be recorded, so nothing is done
	CodeClock           Code = "clock"                  // the clock is wrong
	CodeCanceled        Code = "canceled"               // the caller went away
	CodeDeadline        Code = "deadline"               // it took too long
	CodeInternal        Code = "internal"
)

// Error is what a use case returns to whoever asked. Its Text is for them; the
// cause is for the log alone.
type Error struct {
	Code      Code
	Text      string        // one sentence; nothing secret, nothing of the inside
	Retry     time.Duration // when trying again may help; zero: waiting does not
	Operation string        // on record, "" when there is none
	Findings  []Finding     // in a document that was refused
	Err       error         // may be nil
}

// Finding is something in a document that speaks against signing it.
type Finding struct {
	Code   string `json:"code"`
	Object string `json:"object,omitempty"` // "12 0"
	Page   int    `json:"page,omitempty"`   // 1-based
	Text   string `json:"text"`
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Code, e.Text)
	}
	return fmt.Sprintf("%s: %s: %v", e.Code, e.Text, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

func errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// Errors that the key side returns, possibly wrapped.
var (
	// ErrPassphrase: the passphrase or activation token is wrong.
	ErrPassphrase = errors.New("gateway: wrong passphrase")
	// ErrKeyUnavailable: the HSM is down; nothing was signed.
	ErrKeyUnavailable = errors.New("gateway: HSM unavailable")
	// ErrKeyUnknownOutcome: a signature may exist that nobody has.
	ErrKeyUnknownOutcome = errors.New("gateway: signature outcome unknown")
)

// retryService is how long to wait before asking again for what another
// service failed to give.
const retryService = 10 * time.Second

// fromStore turns an error of the database into one for the caller.
func fromStore(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, ErrNotFound):
		return &Error{Code: CodeNotFound, Text: "There is no such thing, or not for this application.", Err: err}
	case errors.Is(err, ErrExists):
		return &Error{Code: CodeExists, Text: "The name is taken.", Err: err}
	case errors.Is(err, ErrSamePerson):
		return &Error{Code: CodeForbidden, Text: "A second person must approve.", Err: err}
	case errors.Is(err, ErrChanged):
		return &Error{Code: CodeChanged, Text: "It was changed by somebody else in the meantime; read it again.", Err: err}
	case errors.Is(err, ErrIdempotencyConflict):
		return &Error{Code: CodeConflict, Text: "This idempotency key was used for another request.", Err: err}
	case errors.Is(err, ErrActivation):
		return &Error{Code: CodeActivation, Text: "The activation does not cover this document, or has been used for it, has expired or was revoked.", Err: err}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fromContext(err)
	case errors.Is(err, ErrForged):
		return &Error{Code: CodeInternal, Text: "What is known of who may do this was not written by the gateway; its operators must look.", Err: err}
	}
	return &Error{Code: CodeRecord, Text: "Nothing can be recorded at present, so nothing was done.", Retry: retryService, Err: err}
}

func fromContext(err error) *Error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Code: CodeDeadline, Text: "It took too long.", Retry: retryService, Err: err}
	}
	return &Error{Code: CodeCanceled, Text: "The request was abandoned.", Err: err}
}

// fromSigner turns what package signer and the key said into an error for the
// caller.
func fromSigner(err error) *Error {
	var (
		own         *Error
		refused     *signer.RefusedError
		structure   *pades.RefusedError
		unavailable *signer.UnavailableError
		malformed   *pdf.MalformedError
		limit       *pdf.LimitError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, ErrKeyUnknownOutcome):
		return &Error{Code: CodeUnknownOutcome, Text: "Nobody can tell whether a signature was made. It was not released and never will be.", Err: err}
	case errors.Is(err, ErrKeyUnavailable):
		return &Error{Code: CodeHSM, Text: "The signing device does not answer.", Retry: retryService, Err: err}
	case errors.Is(err, ErrPassphrase):
		return &Error{Code: CodePassphrase, Text: "The passphrase is wrong.", Err: err}
	case errors.As(err, &refused) && refused.Code == signer.CodeKeyMismatch:
		return &Error{Code: CodeSignature, Text: "The signer's key is not that of the certificate. Nothing was released.", Err: err}
	case errors.As(err, &refused):
		return &Error{Code: Code(refused.Code), Text: refused.Reason, Err: err}
	case errors.As(err, &structure):
		return &Error{Code: Code(structure.Code), Text: structure.Reason, Err: err}
	case errors.As(err, &unavailable) && unavailable.Service == "timestamp":
		return &Error{Code: CodeTimestamp, Text: "No timestamp authority gave a timestamp.", Retry: retryService, Err: err}
	case errors.As(err, &unavailable):
		return &Error{Code: CodeRevocation, Text: "The status of a certificate could not be learnt.", Retry: retryService, Err: err}
	case errors.Is(err, cms.ErrBadSignature):
		return &Error{Code: CodeSignature, Text: "The signing device returned a signature that does not hold. Nothing was released.", Err: err}
	case errors.Is(err, pdf.ErrPassword):
		return &Error{Code: CodePassword, Text: "The document is encrypted, and the password is missing or wrong.", Err: err}
	case errors.As(err, &malformed):
		return &Error{Code: CodeUnreadable, Text: "The document cannot be read: " + malformed.Error() + ".", Err: err}
	case errors.As(err, &limit):
		return &Error{Code: CodeUnreadable, Text: "The document is beyond what is read: " + limit.Error() + ".", Err: err}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fromContext(err)
	}
	return &Error{Code: CodeInternal, Text: "An internal error; nothing was released.", Err: err}
}

// status says how an operation ended that ended with this error.
func (e *Error) status() OperationStatus {
	switch e.Code {
	case CodeUnknownOutcome:
		return OperationUnknown
	case CodeTimestamp, CodeRevocation, CodeHSM, CodeSignature, CodeRecord, CodeClock, CodeCanceled, CodeDeadline, CodeInternal, CodeBusy:
		return OperationFailed
	}
	return OperationRefused
}
