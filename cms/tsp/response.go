package tsp

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/absah-id/absah/cms"
	"golang.org/x/crypto/cryptobyte"
	cb "golang.org/x/crypto/cryptobyte/asn1"
)

// Status is a PKIStatus (RFC 3161 §2.4.2).
type Status int

// The statuses. Only the first two come with a token.
const (
	Granted                Status = 0
	GrantedWithMods        Status = 1
	Rejection              Status = 2
	Waiting                Status = 3
	RevocationWarning      Status = 4
	RevocationNotification Status = 5
)

func (s Status) String() string {
	names := [...]string{"granted", "grantedWithMods", "rejection", "waiting", "revocationWarning", "revocationNotification"}
	if s >= 0 && int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("status %d", int(s))
}

// Failure is a bit of PKIFailureInfo, by its number.
type Failure int

// The failures of RFC 3161 §2.4.2.
const (
	BadAlgorithm        Failure = 0
	BadRequest          Failure = 2
	BadDataFormat       Failure = 5
	TimeNotAvailable    Failure = 14
	UnacceptedPolicy    Failure = 15
	UnacceptedExtension Failure = 16
	AddInfoNotAvailable Failure = 17
	SystemFailure       Failure = 25
	highestFailure              = 31
)

var failureNames = map[Failure]string{
	BadAlgorithm: "badAlg", BadRequest: "badRequest", BadDataFormat: "badDataFormat",
	TimeNotAvailable: "timeNotAvailable", UnacceptedPolicy: "unacceptedPolicy",
	UnacceptedExtension: "unacceptedExtension", AddInfoNotAvailable: "addInfoNotAvailable",
	SystemFailure: "systemFailure",
}

func (f Failure) String() string {
	if s, ok := failureNames[f]; ok {
		return s
	}
	return fmt.Sprintf("failure %d", int(f))
}

// Response is a TimeStampResp (RFC 3161 §2.4.2).
type Response struct {
	Status   Status
	Text     []string  // statusString, as sent: not for the eyes of the public
	Failures []Failure // bits of failInfo that are set
	Token    *Token    // nil unless granted
}

// RejectedError is an authority's refusal.
type RejectedError struct {
	Status   Status
	Failures []Failure
	Text     []string
}

func (e *RejectedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "tsp: the authority answered %v", e.Status)
	for _, f := range e.Failures {
		fmt.Fprintf(&b, ", %v", f)
	}
	if len(e.Text) > 0 {
		fmt.Fprintf(&b, ": %q", e.Text)
	}
	return b.String()
}

// ParseResponse reads a TimeStampResp of at most [MaxResponse] bytes, in DER
// or with indefinite lengths. A granted response without a token, or another
// with one, is malformed. The token is parsed, not verified.
func ParseResponse(b []byte) (*Response, error) {
	if len(b) > MaxResponse {
		return nil, malformed(0, "limit", "response longer than MaxResponse")
	}
	outer, rest, err := cms.Cut(b)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, malformed(len(outer), "trailing-data", "after TimeStampResp")
	}
	body, ok := contents(outer)
	if !ok {
		return nil, malformed(0, "tsp-response", "not a SEQUENCE")
	}
	offset := len(b) - len(body)
	status, rest, err := cms.Cut(body)
	if err != nil {
		return nil, err
	}
	r := &Response{}
	if !r.parseStatus(status) {
		return nil, malformed(offset, "tsp-response", "PKIStatusInfo")
	}
	granted := r.Status == Granted || r.Status == GrantedWithMods
	if granted != (len(rest) > 0) {
		return nil, malformed(offset, "tsp-response", fmt.Sprintf("%v with %d bytes of token", r.Status, len(rest)))
	}
	if !granted {
		return r, nil
	}
	r.Token, err = ParseToken(rest)
	return r, err
}

// contents returns what is inside a SEQUENCE that cms.Cut returned.
func contents(sequence []byte) ([]byte, bool) {
	if len(sequence) >= 4 && sequence[0] == 0x30 && sequence[1] == 0x80 {
		return sequence[2 : len(sequence)-2], true
	}
	in := cryptobyte.String(sequence)
	var body cryptobyte.String
	return body, in.ReadASN1(&body, cb.SEQUENCE)
}

func (r *Response) parseStatus(b []byte) bool {
	in := cryptobyte.String(b)
	var info cryptobyte.String
	var status int
	if !in.ReadASN1(&info, cb.SEQUENCE) || !info.ReadASN1Integer(&status) {
		return false
	}
	r.Status = Status(status)
	var texts cryptobyte.String
	var present bool
	if !info.ReadOptionalASN1(&texts, &present, cb.SEQUENCE) {
		return false
	}
	for !texts.Empty() {
		var text cryptobyte.String
		if len(r.Text) == maxStatusStrings || !texts.ReadASN1(&text, cb.UTF8String) {
			return false
		}
		r.Text = append(r.Text, strings.ToValidUTF8(string(text), "\ufffd"))
	}
	if info.PeekASN1Tag(cb.BIT_STRING) {
		var bits cryptobyte.String
		if !info.ReadASN1(&bits, cb.BIT_STRING) || len(bits) == 0 || bits[0] > 7 {
			return false
		}
		for i := range min(8*(len(bits)-1), highestFailure+1) {
			if bits[1+i/8]&(0x80>>(i%8)) != 0 {
				r.Failures = append(r.Failures, Failure(i))
			}
		}
	}
	return info.Empty()
}

// err returns the refusal that r is, nil when it has a token.
func (r *Response) err() error {
	if r.Token != nil {
		return nil
	}
	return &RejectedError{Status: r.Status, Failures: r.Failures, Text: r.Text}
}

// marshalRejection returns the DER TimeStampResp that refuses for one reason.
func marshalRejection(f Failure, text string) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(int64(Rejection))
			b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cb.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(text)) })
			})
			b.AddASN1(cb.BIT_STRING, func(b *cryptobyte.Builder) { b.AddBytes(failureBits(f)) })
		})
	})
	return b.Bytes()
}

// failureBits returns the contents of a named BIT STRING with one bit set,
// without trailing zeros (X.690 §11.2.2).
func failureBits(f Failure) []byte {
	octet := int(f) / 8
	bits := make([]byte, 2+octet)
	bits[0] = byte(7 - int(f)%8)
	bits[1+octet] = 0x80 >> (int(f) % 8)
	return bits
}

// marshalGranted returns the DER TimeStampResp around a token.
func marshalGranted(token []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1BigInt(big.NewInt(int64(Granted))) })
		b.AddBytes(token)
	})
	return b.Bytes()
}
