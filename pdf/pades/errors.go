package pades

import (
	"fmt"

	"github.com/absah-id/absah/pdf"
)

// Caps on hostile documents. Exceeding one is a *pdf.LimitError.
const (
	// maxFields bounds the form fields and widgets that are visited. Real
	// forms have some thousands.
	maxFields = 100_000
	// maxFieldDepth bounds the field hierarchy; real forms use fewer than 10.
	maxFieldDepth = 32
	// maxNames bounds the bytes of the names of all fields, which may share a
	// long one.
	maxNames = 16 << 20
	// maxSignatures bounds the filled signature fields of a document.
	maxSignatures = 200
	// maxContents bounds the bytes reserved for and accepted as a CMS: long
	// CRLs in legacy signatures reach some megabytes.
	maxContents = 10 << 20
	// maxStore bounds the entries of a document security store, maxStoreItem
	// and maxStoreBytes the size of one and of all of them. A CRL of a
	// national CA has some megabytes.
	maxStore      = 4096
	maxStoreItem  = 20 << 20
	maxStoreBytes = 64 << 20
	// maxLockNames bounds the names in a FieldMDP or Lock dictionary.
	maxLockNames = 10_000
)

// RefusedError says that the document's own rules, or a signature that it
// already carries, forbid what was asked. The document is not at fault.
type RefusedError struct {
	// Code is stable: certified-p1, certified-visible, certified, not-first,
	// field-locked, field-signed, field-type, field-name, field-ambiguous,
	// field-invisible, field-lock, seed-value, page-missing, xfa-dynamic.
	Code   string
	Reason string // one English sentence for people
}

func (e *RefusedError) Error() string { return e.Code + ": " + e.Reason }

func refuse(code, format string, args ...any) error {
	return &RefusedError{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// PlaceholderError says that the signature is larger than what was reserved
// for it. Nothing was written.
type PlaceholderError struct {
	Need, Have int // bytes of DER
}

func (e *PlaceholderError) Error() string {
	return fmt.Sprintf("signature of %d bytes does not fit in the %d bytes reserved", e.Need, e.Have)
}

func malformed(rule, format string, args ...any) *pdf.MalformedError {
	return &pdf.MalformedError{Offset: -1, Rule: rule, Err: fmt.Errorf(format, args...)}
}

func overLimit(name string, limit int64) error {
	return &pdf.LimitError{Offset: -1, Limit: "pades." + name, Max: limit}
}
