package hsm

import (
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/pkcs11"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrUnknownOutcome says that an operation reached the module and that
	// nobody can tell whether it was carried out: a signature may exist, a
	// key may have been made. It is never retried here.
	ErrUnknownOutcome = errors.New("outcome unknown")

	// ErrUnavailable says that the module, its token or the worker process is
	// down. Nothing was signed. Trying again later may succeed.
	ErrUnavailable = errors.New("HSM unavailable")

	// ErrPIN says that the token refused the PIN, or that the PIN file cannot
	// be used. The Module stays unusable: start a new one after mending it.
	ErrPIN = errors.New("HSM PIN refused")

	// ErrClosed is returned by every method after Close.
	ErrClosed = errors.New("HSM module closed")

	// ErrKeyNotFound says that the token has no such key.
	ErrKeyNotFound = errors.New("key not found")

	// ErrKeyExists says that the label or identifier is taken.
	ErrKeyExists = errors.New("key already exists")

	// ErrLabel says that a key cannot have such a label: 1 to 64 bytes without
	// control characters.
	ErrLabel = errors.New("unusable key label")

	// ErrAmbiguousKey says that several private keys share the label.
	ErrAmbiguousKey = errors.New("several keys share the label")

	// ErrUnsupported says that the key, the hash or the module cannot do what
	// was asked.
	ErrUnsupported = errors.New("not supported")

	// ErrUnsafeKey says that a key of the token has attributes that would let
	// a secret out, e.g. a wrapping key that may also decrypt.
	ErrUnsafeKey = errors.New("key attributes are unsafe")

	// ErrDigest is what Key.Sign returns: a caller's digest is never signed.
	ErrDigest = errors.New("signing a digest is refused; use SignMessage")

	// ErrTooLong says that a message is longer than MaxMessage.
	ErrTooLong = errors.New("message too long")

	// ErrTokenExists is returned by InitToken when the label is taken.
	ErrTokenExists = errors.New("token already exists")

	// ErrPassphrase says that the passphrase (or activation token) is wrong or
	// that the wrapped key was altered: the two cannot be told apart.
	ErrPassphrase = errors.New("wrong passphrase or altered key")

	// ErrWrongSigner says that a sealed key belongs to somebody else.
	ErrWrongSigner = errors.New("the sealed key belongs to another signer")

	// ErrActivationLost says that an activated key is gone, because it was
	// closed or because the worker was restarted. Nothing was signed;
	// activate it again.
	ErrActivationLost = errors.New("activation lost")
)

// sentinels maps errors to the byte that stands for them in a frame. The
// order is part of the protocol between a parent and the worker it started,
// which are always the same executable.
var sentinels = []error{
	nil, ErrUnavailable, ErrPIN, ErrKeyNotFound, ErrKeyExists, ErrAmbiguousKey, ErrUnsupported,
	ErrUnsafeKey, ErrTooLong, ErrTokenExists, ErrActivationLost,
}

// Class says what a PKCS#11 error is about, and so what mends it.
type Class uint8

// The classes of errors.
const (
	ClassRefused   Class = iota // the module does not want this request: arguments, template, mechanism
	ClassSession                // this session is unusable: a new one is opened
	ClassHandle                 // an object handle went stale: it is looked up again
	ClassLogin                  // the login was lost: one new login for all sessions
	ClassPIN                    // the PIN was refused: nothing is tried again
	ClassDevice                 // the library or device is in trouble: the worker is replaced
	ClassTokenGone              // the token was removed: the worker is replaced until it is back
	classes
)

var classNames = [...]string{"refused", "session", "handle", "login", "pin", "device", "token-gone"}

func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("class %d", uint8(c))
}

// Error is an answer of the module other than CKR_OK. It matches
// [ErrUnavailable] when its class is ClassDevice or ClassTokenGone and
// [ErrPIN] when it is ClassPIN.
type Error struct {
	Op    string // the function, e.g. "C_SignInit"
	Class Class
	Code  uint // CKR_… value
}

func (e *Error) Error() string {
	name := strings.TrimPrefix(pkcs11.Error(e.Code).Error(), "pkcs11: ")
	return fmt.Sprintf("%s: %s (%s)", e.Op, name, e.Class)
}

// Is reports whether e belongs to the state that target names.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrUnavailable:
		return e.Class == ClassDevice || e.Class == ClassTokenGone
	case ErrPIN:
		return e.Class == ClassPIN
	}
	return false
}

// classOf sorts the return values of PKCS #11 v2.40 §5.1.
func classOf(code uint) Class {
	switch code {
	case pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_COUNT,
		pkcs11.CKR_OPERATION_ACTIVE, pkcs11.CKR_OPERATION_NOT_INITIALIZED:
		return ClassSession
	case pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID,
		pkcs11.CKR_UNWRAPPING_KEY_HANDLE_INVALID, pkcs11.CKR_WRAPPING_KEY_HANDLE_INVALID:
		return ClassHandle
	case pkcs11.CKR_USER_NOT_LOGGED_IN:
		return ClassLogin
	case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE,
		pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED:
		return ClassPIN
	case pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_TOKEN_NOT_RECOGNIZED,
		pkcs11.CKR_SLOT_ID_INVALID:
		return ClassTokenGone
	case pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_MEMORY, pkcs11.CKR_HOST_MEMORY,
		pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_FUNCTION_FAILED, pkcs11.CKR_FUNCTION_CANCELED,
		pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED,
		// No PIN was judged: trying again locks nothing, and SoftHSM says this
		// of a token that another process is logging in to.
		pkcs11.CKR_USER_PIN_NOT_INITIALIZED:
		return ClassDevice
	}
	return ClassRefused
}

// transientDevice says that a single such answer does not yet mean that the
// whole library must be started again: modules also use these codes for a
// request they dislike.
func transientDevice(code uint) bool {
	switch code {
	case pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_FUNCTION_FAILED, pkcs11.CKR_FUNCTION_CANCELED,
		pkcs11.CKR_HOST_MEMORY, pkcs11.CKR_DEVICE_MEMORY:
		return true
	}
	return false
}

// pkcs11Error gives err of the function op its class; nil stays nil.
func pkcs11Error(op string, err error) error {
	if err == nil {
		return nil
	}
	if code, ok := errors.AsType[pkcs11.Error](err); ok {
		return &Error{Op: op, Class: classOf(uint(code)), Code: uint(code)}
	}
	return fmt.Errorf("%s: %w", op, err)
}

// isClass reports whether err is a module's answer of class c.
func isClass(err error, c Class) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Class == c
}
