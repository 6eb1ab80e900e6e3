package cms_test

import (
	"bytes"
	"encoding/asn1"
	"testing"

	"github.com/absah-id/absah/cms"
)

func TestNormalize(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"DER stays", "\x30\x03\x02\x01\x05", "\x30\x03\x02\x01\x05"},
		{"indefinite", "\x30\x80\x02\x01\x05\x00\x00", "\x30\x03\x02\x01\x05"},
		{"padded length", "\x30\x82\x00\x03\x02\x01\x05", "\x30\x03\x02\x01\x05"},
		{"padded inside", "\x30\x04\x02\x81\x01\x05", "\x30\x03\x02\x01\x05"},
		{"segments", "\x24\x80\x04\x01\x41\x24\x03\x04\x01\x42\x00\x00", "\x04\x02AB"},
		{"character string in segments", "\x2c\x06\x04\x01\x41\x0c\x01\x42", "\x0c\x02AB"},
		{"BOOLEAN", "\x01\x01\x01", "\x01\x01\xff"},
		{"SET", "\x31\x06\x02\x01\x02\x02\x01\x01", "\x31\x06\x02\x01\x01\x02\x01\x02"},
		{"SET sorted after its members", "\x31\x09\x24\x03\x04\x01\x42\x02\x81\x01\x07", "\x31\x06\x02\x01\x07\x04\x01\x42"},
		{"context tag keeps its form", "\xa0\x80\x04\x01\x41\x00\x00", "\xa0\x03\x04\x01\x41"},
		{"long identifier", "\xbf\x87\x68\x80\x05\x00\x00\x00", "\xbf\x87\x68\x02\x05\x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := cms.Normalize([]byte(c.in))
			if err != nil || string(got) != c.want {
				t.Errorf("got %x, %v, want %x", got, err, c.want)
			}
		})
	}
	for _, bad := range []string{"", "\x30", "\x23\x80\x03\x02\x00\x01\x00\x00", "\x24\x03\x02\x01\x00", "\x05\x00\x00"} {
		if got, err := cms.Normalize([]byte(bad)); err == nil {
			t.Errorf("got %x for %x, want an error", got, bad)
		}
	}
}

// FuzzNormalize: the result is DER, stays as it is when normalised again, and
// is the input if that was DER.
func FuzzNormalize(f *testing.F) {
	f.Add([]byte("\x30\x80\x02\x01\x05\x24\x80\x04\x01\x41\x00\x00\x00\x00"))
	f.Add([]byte("\x31\x0c\x30\x03\x01\x01\x01\x02\x81\x01\x02\x02\x01\x01"))
	f.Add([]byte("\xbf\x87\x68\x80\x05\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		end, der, err := cms.Scan(in)
		if err == nil && (end <= 0 || end > len(in)) {
			t.Fatalf("got end %d of %d", end, len(in))
		}
		out, nerr := cms.Normalize(in)
		if nerr != nil {
			return
		}
		if err != nil || end != len(in) {
			t.Fatal("normalised what scan refuses")
		}
		if der && !bytes.Equal(in, out) {
			t.Errorf("DER %x became %x", in, out)
		}
		again, err := cms.Normalize(out)
		if err != nil || !bytes.Equal(again, out) {
			t.Errorf("got %x, %v from %x", again, err, out)
		}
		var v asn1.RawValue
		if rest, err := asn1.Unmarshal(out, &v); err == nil && len(rest) > 0 {
			t.Errorf("encoding/asn1 leaves %x of %x", rest, out)
		}
	})
}
