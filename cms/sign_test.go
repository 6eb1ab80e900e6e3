package cms_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/absah-id/absah/cms"
)

func TestSignThenVerify(t *testing.T) {
	for _, kind := range []string{"rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521", "ed25519"} {
		for _, pss := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s pss=%v", kind, pss), func(t *testing.T) {
				id := newIdentity(t, kind)
				alg, err := cms.ForKey(id.key.Public(), pss)
				if err != nil {
					t.Fatal(err)
				}
				h := alg.Hash().New()
				h.Write([]byte("naskah dinas"))
				o := cms.SignOptions{Digest: h.Sum(nil), Certificate: id.cert, Chain: id.chain, Key: softKey{Signer: id.key}, Algorithm: alg}
				der, err := cms.Sign(o)
				if err != nil {
					t.Fatal(err)
				}
				size, err := o.Size(0)
				if err != nil || size < len(der) || size > len(der)+8 {
					t.Errorf("got Size %d, %v for a signature of %d bytes", size, err, len(der))
				}
				sd, err := cms.Parse(der)
				if err != nil {
					t.Fatal(err)
				}
				si := sd.SignerInfos[0]
				if !sd.DER || si.Algorithm != alg {
					t.Errorf("got DER %v, algorithm %v, want %v", sd.DER, si.Algorithm, alg)
				}
				if when, err := si.SigningTime(); err != nil || !when.IsZero() {
					t.Errorf("got signing-time %v, %v, want none", when, err)
				}
				signer, err := sd.Signer(si)
				if err != nil || !signer.Equal(id.cert) {
					t.Fatalf("got signer %v, %v", signer, err)
				}
				r := si.Check(signer, h.Sum(nil))
				if r.Err() != nil || len(r.Warnings) > 0 {
					t.Errorf("got %v with warnings %v, want none", r.Err(), r.Warnings)
				}
				if breaches, warnings := sd.CheckPAdES(); len(breaches)+len(warnings) > 0 {
					t.Errorf("got %v, %v from CheckPAdES", breaches, warnings)
				}
			})
		}
	}
}

// TestDraft: one draft makes many signatures, each like that of Sign, and all of
// the size it told; what one holds is not left for the next.
func TestDraft(t *testing.T) {
	for _, kind := range []string{"rsa2048", "p256", "p521", "ed25519"} {
		id := newIdentity(t, kind)
		o := cms.SignOptions{Certificate: id.cert, Chain: id.chain, Key: softKey{Signer: id.key}, SigningTime: time.Unix(1e9, 0)}
		d, err := o.Draft()
		if err != nil {
			t.Fatal(err)
		}
		size, err := d.Size(0)
		if err != nil {
			t.Fatal(err)
		}
		alg, err := cms.ForKey(id.key.Public(), false)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 32 { // ECDSA values are of several lengths
			digest := bytes.Repeat([]byte{byte(i)}, alg.Hash().Size())
			der, err := d.Sign(digest)
			if err != nil || len(der) > size {
				t.Fatalf("%s: %d bytes, %v; Size told %d", kind, len(der), err, size)
			}
			sd, err := cms.Parse(der)
			if err != nil || !sd.DER {
				t.Fatalf("%s: %v, or no DER", kind, err)
			}
			if err := sd.SignerInfos[0].Check(id.cert, digest).Err(); err != nil {
				t.Errorf("%s: signature %d: %v", kind, i, err)
			}
			o.Digest = digest
			if again, err := cms.Sign(o); kind == "rsa2048" && !bytes.Equal(der, again) {
				t.Errorf("signature %d is another than that of Sign (%v)", i, err)
			}
		}
		if _, err := d.Sign(make([]byte, 7)); err == nil {
			t.Errorf("%s: a digest of 7 bytes was signed", kind)
		}
	}
	other := newIdentity(t, "p256")
	o := cms.SignOptions{Certificate: other.cert, Key: softKey{Signer: newIdentity(t, "rsa2048").key}}
	if _, err := o.Draft(); !errors.Is(err, cms.ErrKeyMismatch) {
		t.Errorf("got %v for another key, want ErrKeyMismatch", err)
	}
}

// TestSignAttributes: what CAdES-B has and PAdES-B lacks.
func TestSignAttributes(t *testing.T) {
	id := newIdentity(t, "p256")
	when := time.Date(2026, 1, 2, 10, 4, 5, 999, time.FixedZone("WIB", 7*3600))
	approval := []byte{0x30, 0x0d, 6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 6, 5}
	der, err := cms.Sign(cms.SignOptions{
		Content: []byte("isi"), Certificate: id.cert, Key: softKey{Signer: id.key}, SigningTime: when,
		Attributes: []cms.Attribute{cms.NewAttribute(cms.OIDCommitmentType, approval)},
	})
	if err != nil {
		t.Fatal(err)
	}
	sd, err := cms.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	si := sd.SignerInfos[0]
	if got, err := si.SigningTime(); err != nil || !got.Equal(when.Truncate(time.Second)) {
		t.Errorf("got %v, %v, want %v", got, err, when)
	}
	if !slices.ContainsFunc(si.SignedAttributes, func(a cms.Attribute) bool {
		return a.Type.Equal(cms.OIDCommitmentType) && len(a.Values) == 1 && bytes.Equal(a.Values[0], approval)
	}) {
		t.Errorf("got %v", si.SignedAttributes)
	}
	if !bytes.Equal(sd.Content, []byte("isi")) {
		t.Errorf("got content %q", sd.Content)
	}
	if err := sd.Check(si, id.cert).Err(); err != nil {
		t.Error(err)
	}
}

// TestSignRefuses: the fault table of the one path that writes signatures.
func TestSignRefuses(t *testing.T) {
	id, other := newIdentity(t, "rsa2048"), newIdentity(t, "p384")
	digest := sha256.Sum256([]byte("naskah dinas"))
	lost := errors.New("module lost")
	good := cms.SignOptions{Digest: digest[:], Certificate: id.cert, Key: softKey{Signer: id.key}}
	rule := func(r cms.Rule) func(error) bool {
		return func(err error) bool {
			var c *cms.ConstraintError
			return errors.As(err, &c) && c.Rule == r
		}
	}
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	cases := []struct {
		name   string
		change func(o *cms.SignOptions)
		want   func(error) bool
	}{
		{"flipped bit from the module", func(o *cms.SignOptions) {
			o.Key = softKey{Signer: id.key, spoil: func(s []byte) []byte { s[7] ^= 4; return s }}
		}, is(cms.ErrBadSignature)},
		{"nothing from the module", func(o *cms.SignOptions) {
			o.Key = softKey{Signer: id.key, spoil: func([]byte) []byte { return nil }}
		}, is(cms.ErrBadSignature)},
		{"value of another length", func(o *cms.SignOptions) {
			o.Key = softKey{Signer: id.key, spoil: func(s []byte) []byte { return append([]byte{0}, s...) }}
		}, is(cms.ErrBadSignature)},
		{"error from the module", func(o *cms.SignOptions) { o.Key = softKey{Signer: id.key, err: lost} }, is(lost)},
		{"another's key", func(o *cms.SignOptions) { o.Key = softKey{Signer: other.key} }, is(cms.ErrKeyMismatch)},
		{"no key", func(o *cms.SignOptions) { o.Key = nil }, func(err error) bool { return err != nil }},
		{"no certificate", func(o *cms.SignOptions) { o.Certificate = nil }, func(err error) bool { return err != nil }},
		{"no digest", func(o *cms.SignOptions) { o.Digest = nil }, func(err error) bool { return err != nil }},
		{"short digest", func(o *cms.SignOptions) { o.Digest = digest[:31] }, rule(cms.RuleMessageDigest)},
		{"digest of other content", func(o *cms.SignOptions) { o.Content = []byte("lain") }, is(cms.ErrDigest)},
		{"hash of another algorithm", func(o *cms.SignOptions) { o.Hash = crypto.SHA512 }, rule(cms.RuleDigestAlgorithm)},
		{"algorithm of another key", func(o *cms.SignOptions) { o.Algorithm = cms.ECDSA(crypto.SHA256) }, rule(cms.RuleKeyType)},
		{"SHA-1", func(o *cms.SignOptions) { o.Algorithm = cms.RSAPKCS1v15(crypto.SHA1) }, rule(cms.RuleUnsupported)},
		{"an attribute of Sign's own", func(o *cms.SignOptions) {
			o.Attributes = []cms.Attribute{cms.NewAttribute(cms.OIDSigningTime, []byte{5, 0})}
		}, rule(cms.RuleAttributeTwice)},
		{"an attribute that is not DER", func(o *cms.SignOptions) {
			o.Attributes = []cms.Attribute{cms.NewAttribute(cms.OIDMimeType, []byte{0x30, 0x80, 0, 0})}
		}, rule(cms.RuleAttributeMalformed)},
		{"an attribute without value", func(o *cms.SignOptions) { o.Attributes = []cms.Attribute{cms.NewAttribute(cms.OIDMimeType)} }, rule(cms.RuleAttributeMalformed)},
		{"content too long", func(o *cms.SignOptions) { o.Digest, o.Content = nil, make([]byte, cms.MaxSize) },
			func(err error) bool { var m *cms.MalformedError; return errors.As(err, &m) && m.Rule == "limit" }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := good
			c.change(&o)
			der, err := cms.Sign(o)
			if der != nil || !c.want(err) {
				t.Errorf("got %d bytes, %v", len(der), err)
			}
		})
	}
}
