package api

import (
	"io"
	"os"
	"time"

	"github.com/absah-id/absah/gateway"
)

// Of the spool, for tests.
const (
	BlockSize = blockSize
	SealSize  = sealSize
	InMemory  = inMemory
)

var (
	ErrSpoolChanged = errSpoolChanged
	ErrSpoolFull    = errSpoolFull
	ErrTooLarge     = errTooLarge
)

// Spool is a spool for tests.
type Spool struct{ *spool }

// NewSpool returns a spool of its own.
func NewSpool(dir string, maxUpload, total int64) (Spool, error) {
	s, err := newSpool(dir, maxUpload, total)
	return Spool{s}, err
}

// Holder is whom an upload is for.
type Holder = holder

// Whom uploads are for, as requests have it.
var (
	Signing  = signing
	Reading  = reading
	Stranger = stranger
)

// Refusal is what a caller gets for an error of the spool.
func Refusal(err error) *gateway.Error { return asError(received(err)) }

// Decode reads the JSON of a request.
var Decode = decode

// Pace puts a body under its deadline.
var Pace = pace

// Receive is what the gateway does with what it signs itself.
func (s Spool) Receive(r io.Reader) (*Upload, error) { return s.ReceiveFor(Holder{signs: true}, r) }

// ReceiveFor is what a request does with a body.
func (s Spool) ReceiveFor(who Holder, r io.Reader) (*Upload, error) {
	u, err := s.receive(who, r)
	if err != nil {
		return nil, err
	}
	return &Upload{u}, nil
}

// Used is how much room is taken, in bytes.
func (s Spool) Used() int64 { return s.room.held() }

// Upload is an upload for tests.
type Upload struct{ *upload }

// File is what is on disk; nil when nothing is.
func (u *Upload) File() *os.File {
	if u.file == nil {
		return nil
	}
	return u.file.file
}

// AddressLimiter bounds what one address may ask.
type AddressLimiter struct{ *addressLimiter }

// NewAddressLimiter returns one of so many requests a minute.
func NewAddressLimiter(perMinute int) AddressLimiter {
	return AddressLimiter{newAddressLimiter(perMinute)}
}

// Take counts a request.
func (l AddressLimiter) Take(address string, now time.Time) time.Duration {
	return l.take(address, now)
}
