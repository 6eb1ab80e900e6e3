package cms_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/cms"
)

// split takes a DER element apart; it trusts its input.
func split(b []byte) (tag byte, body, rest []byte) {
	n, at := int(b[1]), 2
	if n >= 0x80 {
		octets := n & 0x7f
		n = 0
		for range octets {
			n = n<<8 | int(b[at])
			at++
		}
	}
	return b[0], b[at : at+n], b[at+n:]
}

// indefinite rewrites the DER element b with indefinite lengths and OCTET
// STRINGs in segments, leaving alone what keep names.
func indefinite(b []byte, keep func(tag byte, raw []byte) bool) []byte {
	tag, body, rest := split(b)
	raw := b[:len(b)-len(rest)]
	switch {
	case keep(tag, raw):
		return slices.Clone(raw)
	case tag == 0x04 && len(body) > 1:
		half := len(body) / 2
		return slices.Concat([]byte{0x24, 0x80}, tlv(0x04, body[:half]), tlv(0x24, tlv(0x04, body[half:])), []byte{0, 0})
	case tag&0x20 == 0:
		return slices.Clone(raw)
	}
	out := []byte{tag, 0x80}
	for len(body) > 0 {
		_, _, after := split(body)
		out = append(out, indefinite(body[:len(body)-len(after)], keep)...)
		body = after
	}
	return append(out, 0, 0)
}

// padded rewrites the length of the outermost element in five octets.
func padded(b []byte) []byte {
	tag, body, _ := split(b)
	n := len(body)
	return append([]byte{tag, 0x84, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

// TestBER: the same signature in every permitted disguise verifies, and is
// said not to be DER (M12).
func TestBER(t *testing.T) {
	id := newIdentity(t, "p256")
	digest := sha256.Sum256([]byte("naskah dinas"))
	der := newForgery(id, digest[:]).der(t, id.key)
	isCert := func(_ byte, raw []byte) bool { return bytes.Equal(raw, id.cert.Raw) }
	isName := func(raw []byte) bool { return bytes.Equal(raw, id.cert.RawIssuer) }
	cases := []struct {
		name      string
		ber       []byte
		signedDER bool
		reencoded bool
	}{
		{"indefinite outside the attributes", indefinite(der, func(tag byte, raw []byte) bool {
			return isCert(tag, raw) || isName(raw) || tag == 0xa0 && bytes.Contains(raw[:min(40, len(raw))], oid(cms.OIDContentType))
		}), true, false},
		{"indefinite everywhere", indefinite(der, func(tag byte, raw []byte) bool { return isCert(tag, raw) || isName(raw) }), false, true},
		{"padded length", padded(der), true, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			sd, err := cms.Parse(c.ber)
			if err != nil {
				t.Fatal(err)
			}
			si := sd.SignerInfos[0]
			if sd.DER || si.SignedDER != c.signedDER {
				t.Errorf("got DER %v, attributes DER %v, want false, %v", sd.DER, si.SignedDER, c.signedDER)
			}
			r := si.Check(id.cert, digest[:])
			if err := r.Err(); err != nil {
				t.Error(err)
			}
			if got := slices.Contains(rules(r.Warnings), cms.RuleReencoded); got != c.reencoded {
				t.Errorf("got re-encoded %v, want %v", got, c.reencoded)
			}
			first, rest, err := cms.Cut(append(slices.Clone(c.ber), 0, 0, 0))
			if err != nil || !bytes.Equal(first, c.ber) || len(rest) != 3 {
				t.Errorf("got %d bytes, rest %d, %v from Cut", len(first), len(rest), err)
			}
		})
	}
}

// TestMalformed: each way of being unreadable has its rule.
func TestMalformed(t *testing.T) {
	id := newIdentity(t, "p256")
	digest := sha256.Sum256([]byte("naskah dinas"))
	good := newForgery(id, digest[:]).der(t, id.key)
	with := func(change func(f *forgery)) []byte {
		f := newForgery(id, digest[:])
		change(f)
		return f.der(t, id.key)
	}
	cases := []struct {
		name string
		in   []byte
		rule string
	}{
		{"empty", nil, "ber-truncated"},
		{"one octet", []byte{0x30}, "ber-truncated"},
		{"not SignedData", tlv(0x30, oid(cms.OIDData), tlv(0xa0, tlv(4))), "cms-content-type"},
		{"trailing byte", append(slices.Clone(good), 0), "trailing-data"},
		{"truncated", good[:len(good)-1], "ber-length"},
		{"primitive of indefinite length", []byte{0x04, 0x80, 0, 0}, "ber-length"},
		{"length of nine octets", append([]byte{0x30, 0x89}, make([]byte, 20)...), "ber-length"},
		{"length 2^63", []byte{0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "ber-length"},
		{"reserved length", []byte{0x30, 0xff, 0}, "ber-length"},
		{"end of contents out of place", tlv(0x30, []byte{0, 0}), "ber-tag"},
		{"no end of contents", []byte{0x30, 0x80, 0x02, 0x01, 0x00}, "ber-truncated"},
		{"child longer than parent", []byte{0x30, 0x03, 0x04, 0x05, 0x00}, "ber-length"},
		{"primitive SEQUENCE", []byte{0x10, 0x00}, "ber-form"},
		{"constructed INTEGER", tlv(0x30, tlv(0x22, tlv(2, []byte{1}))), "ber-form"},
		{"padded tag", []byte{0x9f, 0x80, 0x20, 0x00}, "ber-tag"},
		{"small tag in long form", []byte{0x9f, 0x05, 0x00}, "ber-tag"},
		{"universal tag above 30", []byte{0x3f, 0x30, 0x00}, "ber-tag"},
		{"endless tag", append([]byte{0xbf}, bytes.Repeat([]byte{0xff}, 30)...), "ber-tag"},
		{"set of certificates too large", with(func(f *forgery) { f.certs = slices.Repeat(f.certs, cms.MaxCertificates+1) }), "limit"},
		{"too many attributes", with(func(f *forgery) {
			for i := range cms.MaxAttributes {
				f.add(attribute(cms.OIDMimeType, tlv(0x0c, bytes.Repeat([]byte("x"), i))))
			}
		}), "limit"},
		{"too many values", with(func(f *forgery) {
			f.add(attribute(cms.OIDMimeType, slices.Repeat([][]byte{{5, 0}}, cms.MaxAttributes+1)...))
		}), "limit"},
		{"too many signers", with(func(f *forgery) { f.signers = cms.MaxSignerInfos + 1 }), "limit"},
		{"over MaxPlainSize", with(func(f *forgery) {
			f.unsigned = [][]byte{attribute(cms.OIDMimeType, tlv(0x0c, make([]byte, cms.MaxPlainSize)))}
		}), "limit"},
		{"over MaxSize", make([]byte, cms.MaxSize+1), "limit"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := cms.Parse(c.in)
			var m *cms.MalformedError
			if !errors.As(err, &m) || m.Rule != c.rule {
				t.Errorf("got %v, want rule %q", err, c.rule)
			}
		})
	}
}

// TestRevocationAllowsSize: a SignedData over MaxPlainSize is read when CRLs
// make it so.
func TestRevocationAllowsSize(t *testing.T) {
	id := newIdentity(t, "p256")
	digest := sha256.Sum256([]byte("naskah dinas"))
	f := newForgery(id, digest[:])
	crl := tlv(0x30, tlv(0x04, make([]byte, cms.MaxPlainSize)))
	ocsp := tlv(0x30, []byte{0x0a, 1, 0})
	f.unsigned = [][]byte{attribute(cms.OIDRevocationInfoArchival, tlv(0x30, tlv(0xa0, tlv(0x30, crl)), tlv(0xa1, tlv(0x30, ocsp, ocsp))))}
	sd, err := cms.Parse(f.der(t, id.key))
	if err != nil {
		t.Fatal(err)
	}
	ra, err := sd.SignerInfos[0].RevocationArchival()
	if err != nil || len(ra.CRLs) != 1 || len(ra.OCSPs) != 2 || !bytes.Equal(ra.CRLs[0], crl) || !bytes.Equal(ra.OCSPs[1], ocsp) {
		t.Errorf("got %v, %v", ra, err)
	}
}

// TestNesting: the inputs that end other parsers by a stack overflow, which no
// program survives (section 0): 8 MB of nested elements, of each kind.
func TestNesting(t *testing.T) {
	const size = 8 << 20
	open := map[string][]byte{
		"indefinite SEQUENCE":     {0x30, 0x80},
		"indefinite SET":          {0x31, 0x80},
		"indefinite context":      {0xa0, 0x80},
		"indefinite OCTET STRING": {0x24, 0x80},
		"definite SEQUENCE":       {0x30, 0x84, 0x00, 0x7f, 0x00, 0x00},
	}
	prefix := append([]byte{0x30, 0x80}, append(oid(cms.OIDSignedData), 0xa0, 0x80)...)
	for name, pattern := range open {
		for place, in := range map[string][]byte{
			"alone":      bytes.Repeat(pattern, size/len(pattern)),
			"in content": append(slices.Clone(prefix), bytes.Repeat(pattern, size/len(pattern))...),
		} {
			t.Run(name+" "+place, func(t *testing.T) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, err := cms.Parse(in)
				_, _, cutErr := cms.Cut(in)
				_, tsErr := cms.AddTimestamp(in, in)
				runtime.ReadMemStats(&after)
				for _, err := range []error{err, cutErr, tsErr} {
					var m *cms.MalformedError
					if !errors.As(err, &m) {
						t.Errorf("got %v, want a MalformedError", err)
					}
				}
				if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
					t.Errorf("allocated %d bytes for a refusal", grown)
				}
			})
		}
	}
	// Within the limit it must work: MaxDepth levels, no more.
	deep := func(n int) []byte {
		return []byte(strings.Repeat("\x30\x80", n) + strings.Repeat("\x00\x00", n))
	}
	if _, _, err := cms.Cut(deep(cms.MaxDepth)); err != nil {
		t.Errorf("got %v for MaxDepth levels", err)
	}
	if _, _, err := cms.Cut(deep(cms.MaxDepth + 1)); err == nil {
		t.Error("got no error for MaxDepth+1 levels")
	}
}

// TestWideInput: a maximal input of tiny elements costs time linear in it.
func TestWideInput(t *testing.T) {
	in := tlv(0x30, oid(cms.OIDSignedData), tlv(0xa0, tlv(0x30, bytes.Repeat([]byte{5, 0}, (cms.MaxSize-100)/2))))
	if _, err := cms.Parse(in); err == nil {
		t.Error("got no error")
	}
}

func TestAlgorithmStrings(t *testing.T) {
	for want, a := range map[string]cms.Algorithm{
		"unknown":                           {},
		"RSA-PKCS1v15-SHA-256":              cms.RSAPKCS1v15(crypto.SHA256),
		"RSA-PSS-SHA-384":                   cms.RSAPSS(crypto.SHA384),
		"RSA-PSS-SHA-256-MGF1-SHA-1-salt-9": cms.PSSWith(crypto.SHA256, crypto.SHA1, 9),
		"ECDSA-SHA-512":                     cms.ECDSA(crypto.SHA512),
		"Ed25519":                           cms.Ed25519(),
	} {
		if got := a.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
