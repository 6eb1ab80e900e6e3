package fetch

import "fmt"

// Kind says which part of fetching went wrong.
type Kind int

const (
	// NoPointer: the certificate names no usable address.
	NoPointer Kind = iota + 1
	// Forbidden: the address is not one that may be fetched.
	Forbidden
	// Timeout: no whole answer within the time allowed.
	Timeout
	// Network: the connection failed.
	Network
	// HTTPStatus: an answer other than 200.
	HTTPStatus
	// TooLarge: more bytes than the cap.
	TooLarge
	// BadAnswer: an answer that package pki rejects; Err says why.
	BadAnswer
	// Closed: the client was closed.
	Closed
)

func (k Kind) String() string {
	names := []string{"", "no address", "forbidden address", "timeout", "network", "HTTP status", "too large", "unacceptable answer", "closed"}
	if k > 0 && int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// Error is what every method of [Client] returns, besides ctx.Err(). With
// several addresses, one is joined for each.
type Error struct {
	Kind Kind
	Op   string // "ocsp", "crl" or "aia"
	URL  string // empty for NoPointer and Closed
	Err  error  // cause; may be nil
}

func (e *Error) Error() string {
	s := e.Op + ": " + e.Kind.String()
	if e.URL != "" {
		s += fmt.Sprintf(" %q", e.URL)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }
