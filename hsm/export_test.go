package hsm

import "io"

// Parts of the protocol and the format of sealed keys, for fuzzing.

// ReadFrames reads frames until an error and returns how many and how many
// bytes of body they had.
func ReadFrames(r io.Reader) (n, size int, err error) {
	for fr := newFrameReader(r); ; n++ {
		f, err := fr.next()
		if err != nil {
			return n, size, err
		}
		size += len(f.body)
		fr.trim()
	}
}

// Frame returns one frame.
func Frame(code uint8, body []byte) []byte {
	return endFrame(append(appendFrame(nil, code), body...))
}

// MaxFrame is the longest length that a frame may announce.
const MaxFrame = maxFrame

// ErrFrame is the error of a length out of bounds.
var ErrFrame = errFrame

// EncodeError and DecodeError are the two ends of an error's way.
func EncodeError(err error) []byte  { return appendError(nil, err) }
func DecodeError(body []byte) error { return parseError(body) }

// ParseBodies runs every parser of bodies that takes bytes of the other side.
func ParseBodies(b []byte) {
	for _, code := range []op{opServe, opInitToken} {
		if h, err := parseHello(code, b); err == nil && (h.sessions < 1 || h.sessions > maxSessions) {
			panic("a hello with a bad number of sessions was taken")
		}
	}
	_ = parseError(b)
	c := &cursor{b: b}
	for len(c.b) > 0 {
		if _, err := c.keyInfo(); err != nil {
			break
		}
	}
	c = &cursor{b: b}
	_ = c.keyRef()
	_, _ = ecPublic(b[:len(b)/2], b[len(b)/2:])
}

// SealedRoundTrip parses a sealed key and encodes it again. ok is false when
// it does not parse.
func SealedRoundTrip(b []byte) (again []byte, ok bool, err error) {
	s, err := parseSealed(b)
	if err != nil {
		return nil, false, err
	}
	return append(s.appendHeader(nil), s.ciphertext...), true, nil
}

// NewSealed returns a sealed key around wrapped that opens with a token.
func NewSealed(signer string, spki, token, wrapped []byte) ([]byte, error) {
	s := &sealed{kind: sealedToken, mechanism: WrapPad, algorithm: P256, signer: signer, spki: spki, wrapKey: []byte{1}, salt: newSalt()}
	key, err := tokenKey(token, s.salt)
	if err != nil {
		return nil, err
	}
	return s.seal(key, nil, wrapped)
}
