package cms_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/absah-id/absah/cms"
)

// fakeToken is a SignedData with TSTInfo as content type, of about n bytes;
// package tsp tests real ones.
func fakeToken(tb testing.TB, id identity, n int) []byte {
	tb.Helper()
	token, err := cms.Sign(cms.SignOptions{ContentType: cms.OIDTSTInfo, Content: make([]byte, n), Certificate: id.cert, Key: softKey{Signer: id.key}})
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// TestAddTimestamp: the attribute is found again, the signature still holds,
// DER stays DER, and Size was enough.
func TestAddTimestamp(t *testing.T) {
	for _, kind := range []string{"rsa2048", "p256", "p521"} {
		for _, n := range []int{0, 60, 200, 5000, 70000} {
			id := newIdentity(t, kind)
			der, digest := sign(t, id)
			token := fakeToken(t, id, n)
			out, err := cms.AddTimestamp(der, token)
			if err != nil {
				t.Fatal(err)
			}
			sd, err := cms.Parse(out)
			if err != nil {
				t.Fatal(err)
			}
			if !sd.DER {
				t.Error("got output that is not DER")
			}
			si := sd.SignerInfos[0]
			if err := si.Verify(id.cert, digest); err != nil {
				t.Error(err)
			}
			if got := si.SignatureTimestamps(); len(got) != 1 || !bytes.Equal(got[0], token) {
				t.Errorf("got %d tokens", len(got))
			}
			size, err := cms.SignOptions{Certificate: id.cert, Chain: id.chain}.Size(len(token))
			if err != nil || size < len(out) || size > len(out)+64 {
				t.Errorf("got Size %d, %v for %d bytes", size, err, len(out))
			}
		}
	}
}

// sign makes a detached signature over a letter.
func sign(tb testing.TB, id identity) (der, digest []byte) {
	tb.Helper()
	alg, err := cms.ForKey(id.key.Public(), false)
	if err != nil {
		tb.Fatal(err)
	}
	h := alg.Hash().New()
	h.Write([]byte("naskah dinas"))
	digest = h.Sum(nil)
	der, err = cms.Sign(cms.SignOptions{Digest: digest, Certificate: id.cert, Chain: id.chain, Key: softKey{Signer: id.key}})
	if err != nil {
		tb.Fatal(err)
	}
	return der, digest
}

// TestAddTimestampKeepsBytes: taking the attribute out of the result again
// gives the input, apart from lengths; also when the input is BER, has other
// unsigned attributes, or has them out of order.
func TestAddTimestampKeepsBytes(t *testing.T) {
	id := newIdentity(t, "p256")
	digest := sha256.Sum256([]byte("naskah dinas"))
	low := attribute(asn1.ObjectIdentifier{1, 2, 3}, []byte{5, 0})
	high := attribute(asn1.ObjectIdentifier{2, 16, 3}, tlv(4, make([]byte, 9000)))
	token := fakeToken(t, id, 100)
	added := attribute(cms.OIDSignatureTimestamp, token)
	keepCert := func(_ byte, raw []byte) bool {
		return bytes.Equal(raw, id.cert.Raw) || bytes.Equal(raw, id.cert.RawIssuer)
	}
	cases := []struct {
		name     string
		unsigned [][]byte
		ber, der bool
	}{
		{"no unsigned attributes", nil, false, true},
		{"in order", [][]byte{low, high}, false, true},
		{"before", [][]byte{high}, false, true},
		{"after", [][]byte{low}, false, true},
		{"out of order", [][]byte{high, low}, false, false},
		{"beside another time-stamp", [][]byte{attribute(cms.OIDSignatureTimestamp, fakeToken(t, id, 99))}, false, true},
		{"empty set", [][]byte{}, false, true},
		{"indefinite", [][]byte{low}, true, false},
		{"indefinite without", nil, true, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newForgery(id, digest[:])
			f.unsigned = c.unsigned
			in := f.der(t, id.key)
			if c.ber {
				in = indefinite(in, keepCert)
			}
			out, err := cms.AddTimestamp(in, token)
			if err != nil {
				t.Fatal(err)
			}
			sd, err := cms.Parse(out)
			if err != nil {
				t.Fatal(err)
			}
			if sd.DER != c.der {
				t.Errorf("got DER %v, want %v", sd.DER, c.der)
			}
			if err := sd.SignerInfos[0].Verify(id.cert, digest[:]); err != nil {
				t.Error(err)
			}
			before, err := cms.Parse(in)
			if err != nil {
				t.Fatal(err)
			}
			got, want := sd.SignerInfos[0], before.SignerInfos[0]
			if !bytes.Equal(got.RawSignedAttributes, want.RawSignedAttributes) || !bytes.Equal(got.Value, want.Value) {
				t.Error("signed attributes or value changed")
			}
			if len(got.UnsignedAttributes) != len(want.UnsignedAttributes)+1 {
				t.Errorf("got %d unsigned attributes, had %d", len(got.UnsignedAttributes), len(want.UnsignedAttributes))
			}
			if bytes.Count(out, added) != 1 {
				t.Fatal("the attribute is not there once, as DER")
			}
			if c.ber {
				wrapped := added
				if c.unsigned == nil {
					wrapped = tlv(0xa1, added)
				}
				if rest := bytes.Replace(out, wrapped, nil, 1); !bytes.Equal(rest, in) {
					t.Error("bytes of a BER input changed")
				}
			}
		})
	}
}

func TestAddTimestampRefuses(t *testing.T) {
	id := newIdentity(t, "p256")
	digest := sha256.Sum256([]byte("naskah dinas"))
	good, _ := sign(t, id)
	token := fakeToken(t, id, 50)
	two := newForgery(id, digest[:])
	two.signers = 2
	for _, c := range []struct {
		name      string
		in, token []byte
		rule      string
	}{
		{"token is a signature", good, good, "timestamp-token"},
		{"token is nothing", good, nil, "timestamp-token"},
		{"token with trailing data", good, append(bytes.Clone(token), 0), "timestamp-token"},
		{"two signers", two.der(t, id.key), token, string(cms.RuleSignerCount)},
		{"input with padding", append(bytes.Clone(good), 0), token, "trailing-data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := cms.AddTimestamp(c.in, c.token)
			var m *cms.MalformedError
			var b *cms.ConstraintError
			switch {
			case errors.As(err, &b) && string(b.Rule) == c.rule:
			case errors.As(err, &m) && m.Rule == c.rule:
			default:
				t.Errorf("got %v, want %s", err, c.rule)
			}
		})
	}
}

// FuzzAddTimestamp: whatever is accepted can be parsed again, with the value
// and the attributes as they were.
func FuzzAddTimestamp(f *testing.F) {
	id := newIdentity(f, "p256")
	der, _ := sign(f, id)
	token := fakeToken(f, id, 40)
	f.Add(der, token)
	f.Add(indefinite(der, func(_ byte, raw []byte) bool { return bytes.Equal(raw, id.cert.Raw) }), token)
	once, err := cms.AddTimestamp(der, token)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(once, token)
	f.Fuzz(func(t *testing.T, in, token []byte) {
		out, err := cms.AddTimestamp(in, token)
		if err != nil {
			return
		}
		before, err := cms.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		after, err := cms.Parse(out)
		if err != nil {
			// Only nesting the token deeper can make it unreadable.
			var m *cms.MalformedError
			if errors.As(err, &m) && m.Rule == "limit" {
				return
			}
			t.Fatalf("the result cannot be parsed: %v", err)
		}
		stamp, err := cms.Parse(token)
		if err != nil {
			t.Fatal(err)
		}
		if before.DER && stamp.DER && !after.DER {
			t.Error("DER became BER")
		}
		a, b := after.SignerInfos[0], before.SignerInfos[0]
		if !bytes.Equal(a.Value, b.Value) || !bytes.Equal(a.RawSignedAttributes, b.RawSignedAttributes) || len(a.UnsignedAttributes) != len(b.UnsignedAttributes)+1 {
			t.Error("something else changed")
		}
	})
}

// FuzzParse: no input panics, and what is found lies within the input.
func FuzzParse(f *testing.F) {
	id := newIdentity(f, "p256")
	der, digest := sign(f, id)
	f.Add(der)
	f.Add(indefinite(der, func(byte, []byte) bool { return false }))
	stamped, err := cms.AddTimestamp(der, fakeToken(f, id, 40))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(stamped)
	forged := newForgery(id, digest)
	forged.add(attribute(cms.OIDSignaturePolicy, tlv(0x30, oid(cms.OIDData), tlv(0x30, tlv(0x30, oid(cms.OIDData)), tlv(4, digest)))),
		attribute(cms.OIDCommitmentType, tlv(0x30, oid(cms.OIDData))),
		attribute(cms.OIDRevocationInfoArchival, tlv(0x30, tlv(0xa1, tlv(0x30, tlv(0x30, []byte{10, 1, 0}))))),
		attribute(cms.OIDSigningTime, tlv(0x17, []byte("250101000000Z"))))
	f.Add(forged.der(f, id.key))
	f.Fuzz(func(t *testing.T, in []byte) {
		sd, err := cms.Parse(in)
		if err != nil {
			var m *cms.MalformedError
			if !errors.As(err, &m) || m.Offset < 0 || m.Offset > len(in) {
				t.Fatalf("got %v for %d bytes, want a MalformedError within them", err, len(in))
			}
			return
		}
		if !bytes.Equal(sd.Raw, in) {
			t.Error("Raw is not the input")
		}
		sd.Certificates()
		sd.CheckPAdES()
		for _, si := range sd.SignerInfos {
			si.SigningTime()
			si.SignaturePolicy()
			si.RevocationArchival()
			si.ContentTimestamps()
			if cert, err := sd.Signer(si, id.cert); err == nil {
				sd.Check(si, cert)
			}
			if r := si.Check(id.cert, digest); r.Err() == nil && !r.Intact() {
				t.Error("no error, yet not intact")
			}
		}
	})
}

// TestMutations flips bits of a signature and of its BER form: a change is
// noticed or changes nothing that counts. It is the fuzz target's little
// brother for every run of the tests.
func TestMutations(t *testing.T) {
	id := newIdentity(t, "p256")
	der, digest := sign(t, id)
	sd, err := cms.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	signed := sd.SignerInfos[0].RawSignedAttributes
	at := bytes.Index(der, signed)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		bad := bytes.Clone(der)
		i := at + 2 + rnd.IntN(len(signed)-2)
		bad[i] ^= 1 << rnd.IntN(8)
		got, err := cms.Parse(bad)
		if err != nil {
			continue
		}
		if got.SignerInfos[0].Verify(id.cert, digest) == nil {
			t.Fatalf("byte %d changed from %#x to %#x and the signature still verifies", i, der[i], bad[i])
		}
	}
}
