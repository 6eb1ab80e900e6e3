package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/store"
)

// Exit statuses. They are part of the command-line contract; those from 64
// follow sysexits(3). 1, 2 and 3 are the verdicts of "absah verify".
const (
	statusOK          = 0
	statusUsage       = 64
	statusUnreadable  = 65 // not readable as PDF, or the password is missing
	statusInternal    = 70 // a defect of Absah, or a broken environment
	statusUnavailable = 69 // HSM, TSA or network service down
	statusOutput      = 73
	statusRestart     = 75 // serve: nothing more can be written until it is started again
	statusRefused     = 77 // key, certificate or the document's own rules
)

// usageError is a mistake in the command line or in a file it names.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usageErrorf(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// outputError says that a result cannot be written.
type outputError struct{ err error }

func (e *outputError) Error() string { return "cannot write the output: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

// exitError carries a status that is a result rather than a failure: err is
// nil when everything has been said already.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string { return fmt.Sprint(e.err) }
func (e *exitError) Unwrap() error { return e.err }

// exitStatus maps an error to the contract's exit status.
func exitStatus(err error) int {
	var (
		exit *exitError
		own  *gateway.Error
	)
	switch {
	case err == nil:
		return statusOK
	case errors.As(err, &exit):
		return exit.status
	case is[*usageError](err), errors.Is(err, hsm.ErrLabel):
		return statusUsage
	case is[*outputError](err):
		return statusOutput
	case errors.As(err, &own) && own.Retry > 0: // a service that is down, or a clock that is wrong
		return statusUnavailable
	// A refusal may have damage in a signature as its cause.
	case is[*signer.RefusedError](err), is[*pades.RefusedError](err), is[*pki.RevokedError](err),
		is[*pki.NotValidError](err), errors.Is(err, hsm.ErrPIN), errors.Is(err, hsm.ErrKeyNotFound),
		errors.Is(err, hsm.ErrKeyExists), errors.Is(err, hsm.ErrAmbiguousKey),
		errors.Is(err, hsm.ErrUnsupported), errors.Is(err, hsm.ErrUnsafeKey),
		is[*gateway.Error](err), errors.Is(err, evidence.ErrRollback), errors.Is(err, evidence.ErrTampered),
		errors.Is(err, evidence.ErrNoSuccessor), errors.Is(err, evidence.ErrNoFloor):
		return statusRefused
	case is[*pdf.MalformedError](err), is[*pdf.LimitError](err), errors.Is(err, pdf.ErrPassword):
		return statusUnreadable
	case is[*signer.UnavailableError](err), is[*tsp.UnavailableError](err), is[*pki.UnavailableError](err), is[*hsm.Error](err),
		errors.Is(err, hsm.ErrUnavailable), errors.Is(err, hsm.ErrUnknownOutcome), errors.Is(err, store.ErrUnreachable),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return statusUnavailable
	}
	return statusInternal
}

func is[T error](err error) bool {
	var t T
	return errors.As(err, &t)
}
