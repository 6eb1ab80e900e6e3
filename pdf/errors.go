package pdf

import (
	"errors"
	"fmt"
)

// ErrPassword is returned by [Open] when the file is encrypted and neither the
// given password nor the empty one opens it.
var ErrPassword = errors.New("the document is encrypted and needs a password")

// MalformedError says that bytes of the file break a rule of ISO 32000.
type MalformedError struct {
	Offset int64  // of the offending byte in the file; -1 when it has no place
	Rule   string // stable and short, e.g. "xref-loop"
	Err    error  // detail or cause; may be nil
}

func (e *MalformedError) Error() string {
	s := "malformed PDF: " + e.Rule
	if e.Offset >= 0 {
		s = fmt.Sprintf("malformed PDF at byte %d: %s", e.Offset, e.Rule)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *MalformedError) Unwrap() error { return e.Err }

// LimitError says that reading stopped at one of [Limits]. Nothing follows
// about whether the file is well-formed: a verdict cannot be positive.
type LimitError struct {
	Offset int64  // where reading stopped; -1 when it has no place
	Limit  string // name of the field of Limits
	Max    int64  // its value
}

func (e *LimitError) Error() string {
	s := fmt.Sprintf("PDF exceeds the limit %s = %d", e.Limit, e.Max)
	if e.Offset >= 0 {
		s += fmt.Sprintf(" at byte %d", e.Offset)
	}
	return s
}
