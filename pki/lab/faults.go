package lab

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Service is one of the things that a lab serves.
type Service int

// The services of a lab.
const (
	TSA  Service = iota // RFC 3161
	OCSP                // RFC 6960
	CRL                 // RFC 5280
	AIA                 // certificates of the authorities
)

func (s Service) String() string {
	if names := []string{"tsa", "ocsp", "crl", "aia"}; s >= 0 && int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("Service(%d)", int(s))
}

// Fault is one way to misbehave. Each says which services have it; the others
// behave well under it.
type Fault int

// The faults of a lab.
const (
	None           Fault = iota
	Slow                 // all: answers after Config.SlowFor, or never
	HTTPError            // all: status 500
	Garbage              // all: right media type, bytes that are nothing
	Oversize             // all: more bytes than a client may take
	Down                 // all: the connection is closed without an answer
	Redirect             // all: sends the client elsewhere
	BadSignature         // TSA, OCSP, CRL: a signature bit is flipped
	WrongResponder       // TSA, OCSP, CRL: signed by a stranger of the same name
	WrongEKU             // TSA, OCSP: signed by a certificate of the lab with another extended key usage
	Stale                // TSA, OCSP, CRL: two days old and, where it has one, a day past nextUpdate
	Future               // TSA, OCSP, CRL: a day ahead
	WrongNonce           // TSA, OCSP: another nonce than was sent
	WrongImprint         // TSA: another digest than was sent
	Reject               // TSA, OCSP: the protocol's own error (rejection, tryLater)
	UnknownStatus        // OCSP: status unknown
	RevokedStatus        // OCSP, CRL: everything is revoked
	WrongCertID          // OCSP: the answer is about another certificate
	faultCount
)

var faultNames = [faultCount]string{"none", "slow", "http-error", "garbage", "oversize", "down", "redirect", "bad-signature", "wrong-responder",
	"wrong-eku", "stale", "future", "wrong-nonce", "wrong-imprint", "reject", "unknown-status", "revoked-status", "wrong-cert-id"}

func (f Fault) String() string {
	if f >= 0 && f < faultCount {
		return faultNames[f]
	}
	return fmt.Sprintf("Fault(%d)", int(f))
}

// SetFault makes one service misbehave until it is set again; None heals it.
func (l *Lab) SetFault(s Service, f Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults[s] = f
}

// Requests counts what a service was asked since Start.
func (l *Lab) Requests(s Service) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.requests[s]
}

// begin counts the request and returns the fault that applies to it.
func (l *Lab) begin(s Service) Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests[s]++
	return l.faults[s]
}

// spoil answers for the faults that need no knowledge of the protocol. It
// reports whether the request is thereby done.
func (l *Lab) spoil(w http.ResponseWriter, r *http.Request, f Fault, mediaType string, limit int) bool {
	switch f {
	case Slow:
		return l.wait(r)
	case HTTPError:
		http.Error(w, "layanan terganggu", http.StatusInternalServerError)
	case Garbage:
		w.Header().Set("Content-Type", mediaType)
		write(w, []byte("\x30\x03bukan DER"))
	case Oversize:
		w.Header().Set("Content-Type", mediaType)
		write(w, make([]byte, limit+1))
	case Redirect:
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	case Down:
		panic(http.ErrAbortHandler) // closes the connection without an answer
	default:
		return false
	}
	return true
}

// wait blocks until SlowFor is over (then the answer is given after all), the
// client gives up, or the lab is closed.
func (l *Lab) wait(r *http.Request) (done bool) {
	var over <-chan time.Time
	if l.cfg.SlowFor > 0 {
		t := time.NewTimer(l.cfg.SlowFor)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-over:
		return false
	case <-r.Context().Done():
	case <-l.quit:
	}
	return true
}

// rogue is a stranger's PKI under the lab's names.
type rogue struct {
	once               sync.Once
	err                error
	ca, tsa, responder *authority
}
