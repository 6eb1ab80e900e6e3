package pdf

import (
	"errors"
	"fmt"
)

// ErrPassword is what every [PasswordError] is (errors.Is).
var ErrPassword = errors.New("the document is encrypted and needs a password")

// PasswordError is returned by [Open] when the file is encrypted and what was
// given, and the empty password, do not open it.
type PasswordError struct {
	// Offset is where the encryption dictionary stands, or its entry in the
	// trailer.
	Offset int64
	// Wrong is set when a password was given and does not fit; without one it
	// is missing.
	Wrong bool
	// Recipients is set when no password can open the file: it is encrypted
	// for the holders of certain private keys (§7.6.5), which is not read.
	Recipients bool
}

func (e *PasswordError) Error() string {
	words := ErrPassword.Error()
	switch {
	case e.Recipients:
		words = "the document is encrypted for the holders of certain private keys, which no password replaces"
	case e.Wrong:
		words = "the document is encrypted and the password does not open it"
	}
	return fmt.Sprintf("encrypted PDF at byte %d: %s: %s", e.Offset, e.Rule(), words)
}

// Rule says in a stable and short form what hinders reading:
// "encrypt-password-missing", "encrypt-password-wrong" or "encrypt-recipients".
func (e *PasswordError) Rule() string {
	switch {
	case e.Recipients:
		return "encrypt-recipients"
	case e.Wrong:
		return "encrypt-password-wrong"
	}
	return "encrypt-password-missing"
}

// Is says that e is [ErrPassword].
func (e *PasswordError) Is(target error) bool { return target == ErrPassword }

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
	} else if words := explained[e.Rule]; words != "" {
		s += ": " + words
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

// explained says in words what the rules mean that are returned without a
// detail.
var explained = map[string]string{
	"append-chain":       "what was appended does not continue the last revision",
	"append-encrypt":     "what was appended changes the encryption",
	"array-open":         "an array has no end",
	"ascii85":            "a group of ASCII85 data is no number of 32 bits",
	"asciihex":           "a character of ASCIIHex data is no hexadecimal digit",
	"catalog":            "/Root does not lead to a dictionary",
	"dict-key":           "a key of a dictionary is not a name",
	"dict-open":          "a dictionary has no end",
	"encrypt-dict":       "/Encrypt does not lead to a dictionary",
	"filter":             "/Filter and /DecodeParms do not fit together",
	"flate":              "the compressed data are damaged",
	"flate-header":       "the compressed data do not begin as zlib data do",
	"header":             "%PDF- is not near the start of the file",
	"hex-string":         "a character of a hexadecimal string is no hexadecimal digit",
	"inline-image":       "an inline image has no end",
	"lzw":                "an LZW code is in no table",
	"number":             "a number is not written as numbers are",
	"number-range":       "a number is out of range",
	"object-header":      "no object starts here",
	"object-missing":     "the file ends where an object should stand",
	"object-offset":      "an object lies outside the file",
	"object-type":        "the object is not a dictionary",
	"objstm-header":      "the head of an object stream is damaged",
	"objstm-missing":     "an object stream that holds an object does not exist",
	"objstm-type":        "what should be an object stream is none",
	"page-missing":       "there is no page of that number",
	"page-tree":          "the page tree is damaged",
	"predictor":          "the parameters of a predictor or its data are damaged",
	"prev":               "/Prev is no offset in the file",
	"prev-forward":       "/Prev of a later revision points forward",
	"reference-chain":    "a reference leads to too many others",
	"revision-order":     "a revision does not stand behind the one before it",
	"runlength":          "run-length data are damaged",
	"startxref":          "startxref is not followed by a number",
	"startxref-missing":  "there is no startxref at the end of the file",
	"startxref-range":    "startxref points beyond the file",
	"stream-length":      "/Length of a stream does not lead to endstream",
	"string-open":        "a string has no end",
	"token":              "this is no token",
	"trailer":            "the trailer is not a dictionary",
	"trailer-missing":    "a cross-reference table has no trailer",
	"trailer-root":       "the trailer has no /Root",
	"trailer-size":       "/Size of the trailer is no number of objects that a file can have",
	"xref-entry":         "a cross-reference entry is damaged",
	"xref-loop":          "the cross-reference sections lead to each other in a circle",
	"xref-missing":       "there is no cross-reference section here",
	"xref-stream-index":  "/Index of a cross-reference stream is damaged",
	"xref-stream-length": "/Length of a cross-reference stream is damaged",
	"xref-stream-short":  "a cross-reference stream ends too early",
	"xref-stream-w":      "/W of a cross-reference stream is damaged",
	"xref-subsection":    "the head of a cross-reference subsection is damaged",
	"xrefstm-offset":     "/XRefStm points beyond the file",
}
