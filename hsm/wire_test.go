package hsm_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/absah-id/absah/hsm"
)

func TestFrames(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte{9}, 3<<20)
	stream := append(append(hsm.Frame(1, nil), hsm.Frame(2, []byte("abc"))...), hsm.Frame(3, long)...)
	tests := []struct {
		name    string
		in      []byte
		n, size int
		want    error
	}{
		{"nothing", nil, 0, 0, io.EOF},
		{"three frames", stream, 3, 3 + len(long), io.EOF},
		{"cut in a body", stream[:len(stream)-1], 2, 3, io.ErrUnexpectedEOF},
		{"cut after a length", stream[:4], 0, 0, io.ErrUnexpectedEOF},
		{"cut in a length", stream[:2], 0, 0, io.ErrUnexpectedEOF},
		{"length 0", []byte{0, 0, 0, 0, 1}, 0, 0, hsm.ErrFrame},
		{"length over the cap", []byte{0, 0x80, 0, 1, 1}, 0, 0, hsm.ErrFrame},
		{"length 2^32-1", []byte{255, 255, 255, 255, 1}, 0, 0, hsm.ErrFrame},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{bytes.NewReader(tt.in), iotest.HalfReader(bytes.NewReader(tt.in))} {
				n, size, err := hsm.ReadFrames(r)
				if n != tt.n || size != tt.size || !errors.Is(err, tt.want) {
					t.Errorf("got %d frames, %d bytes, %v; want %d, %d, %v", n, size, err, tt.n, tt.size, tt.want)
				}
			}
		})
	}
}

// Errors keep what callers ask of them on their way out of the worker.
func TestErrorsCrossTheWire(t *testing.T) {
	t.Parallel()
	removed := &hsm.Error{Op: "C_Sign", Class: hsm.ClassTokenGone, Code: 0x32}
	tests := []struct {
		err  error
		is   []error
		text string
	}{
		{removed, []error{hsm.ErrUnavailable}, "C_Sign: 0x32: CKR_DEVICE_REMOVED (token-gone)"},
		{fmt.Errorf("%w: %w", hsm.ErrUnknownOutcome, removed), []error{hsm.ErrUnknownOutcome, hsm.ErrUnavailable}, "outcome unknown: C_Sign: 0x32: CKR_DEVICE_REMOVED (token-gone)"},
		{&hsm.Error{Op: "C_Login", Class: hsm.ClassPIN, Code: 0xA0}, []error{hsm.ErrPIN}, "C_Login: 0xA0: CKR_PIN_INCORRECT (pin)"},
		{fmt.Errorf("%w: %q", hsm.ErrKeyNotFound, "segel"), []error{hsm.ErrKeyNotFound}, `key not found: "segel"`},
		{errors.New("anything"), nil, "anything"},
	}
	all := []error{hsm.ErrUnknownOutcome, hsm.ErrUnavailable, hsm.ErrPIN, hsm.ErrKeyNotFound, hsm.ErrKeyExists, hsm.ErrUnsupported}
	for _, tt := range tests {
		got := hsm.DecodeError(hsm.EncodeError(tt.err))
		if got.Error() != tt.text {
			t.Errorf("text: got %q, want %q", got, tt.text)
		}
		for _, s := range all {
			if want := isAny(s, tt.is); errors.Is(got, s) != want {
				t.Errorf("%q is %q: got %v, want %v", got, s, !want, want)
			}
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(hsm.Frame(2, []byte("abc")))
	f.Add([]byte{0, 0x7f, 0xff, 0xff, 1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, size, err := hsm.ReadFrames(bytes.NewReader(b))
		if err == nil || size+5*n > len(b) {
			t.Fatalf("%d frames of %d bytes from %d bytes: %v", n, size, len(b), err)
		}
	})
}

func FuzzBodies(f *testing.F) {
	f.Add(hsm.EncodeError(fmt.Errorf("%w: x", hsm.ErrPIN)))
	f.Add(hsm.EncodeError(&hsm.Error{Op: "C_Sign", Code: 5}))
	f.Add(bytes.Repeat([]byte{0, 0, 0, 1, 'x'}, 8))
	f.Fuzz(func(t *testing.T, b []byte) { hsm.ParseBodies(b) })
}

func FuzzSealed(f *testing.F) {
	good, err := hsm.NewSealed("signer-1", []byte("public key"), make([]byte, hsm.TokenSize), make([]byte, 40))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		again, ok, err := hsm.SealedRoundTrip(b)
		if ok && !bytes.Equal(again, b) {
			t.Errorf("parsed, it encodes as %x instead of %x", again, b)
		}
		if _, isMalformed := errors.AsType[*hsm.MalformedError](err); !ok && !isMalformed {
			t.Errorf("got %v, want *MalformedError", err)
		}
	})
}
