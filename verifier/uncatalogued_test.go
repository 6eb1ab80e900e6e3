package verifier_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"crypto/x509/pkix"
	encodingasn1 "encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"testing"
	"time"

	"github.com/c2sp/wycheproof"
	"github.com/cloudflare/circl/sign/ed448"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/verifier"
)

type oid = encodingasn1.ObjectIdentifier

// Identifiers of RFC 8410 §3, RFC 9881 §2 and RFC 8419 §3.1, and of SHA-512.
var (
	idEd448    = oid{1, 3, 101, 113}
	idMLDSA44  = oid{2, 16, 840, 1, 101, 3, 4, 3, 17}
	idMLDSA65  = oid{2, 16, 840, 1, 101, 3, 4, 3, 18}
	idMLDSA87  = oid{2, 16, 840, 1, 101, 3, 4, 3, 19}
	idShake256 = oid{2, 16, 840, 1, 101, 3, 4, 2, 12}
	idSHA512   = oid{2, 16, 840, 1, 101, 3, 4, 2, 3}
)

// TestUncataloguedVectors runs Wycheproof's verification files. Signatures of CMS
// have an empty context, so that those with another one must not verify.
func TestUncataloguedVectors(t *testing.T) {
	for name, algorithm := range map[string]oid{
		"ed448_test.json": idEd448, "mldsa_44_verify_test.json": idMLDSA44, "mldsa_65_verify_test.json": idMLDSA65, "mldsa_87_verify_test.json": idMLDSA87,
	} {
		t.Run(name, func(t *testing.T) {
			b, err := fs.ReadFile(wycheproof.TestVectors, name)
			if err != nil {
				t.Fatal(err)
			}
			var file struct {
				TestGroups []struct {
					PublicKey json.RawMessage
					Tests     []struct {
						TcID                           int
						Comment, Msg, Sig, Ctx, Result string
					}
				}
			}
			if err := json.Unmarshal(b, &file); err != nil {
				t.Fatal(err)
			}
			verified, refused := 0, 0
			for _, g := range file.TestGroups {
				var key string
				var ed struct{ PK string }
				if json.Unmarshal(g.PublicKey, &key) != nil && json.Unmarshal(g.PublicKey, &ed) == nil {
					key = ed.PK
				}
				for _, c := range g.Tests {
					want := c.Result == "valid" && c.Ctx == ""
					got := verifier.VerifyUncatalogued(algorithm, unhex(t, key), unhex(t, c.Msg), unhex(t, c.Sig))
					if got != want {
						t.Errorf("%d %s: got %v, want %v", c.TcID, c.Comment, got, want)
					}
					if got {
						verified++
					} else {
						refused++
					}
				}
			}
			t.Logf("%d valid verified, %d refused", verified, refused)
			if verified < 10 || refused < 30 {
				t.Error("vectors are missing")
			}
		})
	}
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// rareKey is a key of an algorithm that is in no catalogue.
type rareKey struct {
	algorithm, digest oid
	public            []byte
	sum               func([]byte) []byte
	sign              func(message []byte) []byte
}

func rareKeys(tb testing.TB) map[string]rareKey {
	tb.Helper()
	must := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	shake := func(b []byte) []byte { return sha3.SumSHAKE256(b, 64) }
	sha := func(b []byte) []byte {
		sum := sha512.Sum512(b)
		return sum[:]
	}
	edPublic, ed, err := ed448.GenerateKey(rand.Reader)
	must(err)
	public44, private44, err := mldsa44.GenerateKey(rand.Reader)
	must(err)
	public65, private65, err := mldsa65.GenerateKey(rand.Reader)
	must(err)
	public87, private87, err := mldsa87.GenerateKey(rand.Reader)
	must(err)
	return map[string]rareKey{
		"Ed448": {idEd448, idShake256, edPublic, shake, func(m []byte) []byte { return ed448.Sign(ed, m, "") }},
		"ML-DSA-44": {idMLDSA44, idSHA512, public44.Bytes(), sha, func(m []byte) []byte {
			sig := make([]byte, mldsa44.SignatureSize)
			must(mldsa44.SignTo(private44, m, nil, false, sig))
			return sig
		}},
		"ML-DSA-65": {idMLDSA65, idSHA512, public65.Bytes(), sha, func(m []byte) []byte {
			sig := make([]byte, mldsa65.SignatureSize)
			must(mldsa65.SignTo(private65, m, nil, false, sig))
			return sig
		}},
		"ML-DSA-87 with SHAKE256": {idMLDSA87, idShake256, public87.Bytes(), shake, func(m []byte) []byte {
			sig := make([]byte, mldsa87.SignatureSize)
			must(mldsa87.SignTo(private87, m, nil, false, sig))
			return sig
		}},
	}
}

// TestUncatalogued: of a signature by an algorithm in no catalogue it is told
// whether it holds, and it never passes.
func TestUncatalogued(t *testing.T) {
	const undecided = "INDETERMINATE/CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
	ca := authorityOf(t, "PSrE Contoh", 1, begin, begin.AddDate(1, 0, 0), nil)
	trusting := verifier.Config{Signers: pki.NewAnchors(ca.cert)}
	for name, k := range rareKeys(t) {
		t.Run(name, func(t *testing.T) {
			file, value := k.signLetter(t, ca)
			other := k
			other.public = bytes.Clone(k.public)
			other.public[5] ^= 1
			ofOther, _ := other.signLetter(t, ca)
			for _, tt := range []struct {
				name, want string
				file       []byte
				intact     bool
			}{
				{"as signed", undecided, file, true},
				{"document changed", "FAILED/HASH_FAILURE", flip(t, file, "endobj", -3), false},
				{"value changed", "FAILED/SIG_CRYPTO_FAILURE", inContents(t, file, value[:40]), false},
				{"another key in the certificate", "FAILED/SIG_CRYPTO_FAILURE", ofOther, false},
			} {
				t.Run(tt.name, func(t *testing.T) {
					r := verify(t, trusting, tt.file, begin.Add(time.Hour))
					if len(r.Signatures) != 1 {
						t.Fatalf("%s, %d signatures", r.Verdict, len(r.Signatures))
					}
					if s := r.Signatures[0]; s.String() != tt.want || s.Intact != tt.intact {
						explain(t, r)
						t.Errorf("got %s, intact %v, want %s, %v", s.Conclusion, s.Intact, tt.want, tt.intact)
					}
				})
			}
		})
	}
}

// signLetter signs a letter and returns it with the signature value.
func (k rareKey) signLetter(tb testing.TB, ca *authority) (file, value []byte) {
	tb.Helper()
	file = letter(tb)
	doc, err := pdf.Open(bytes.NewReader(file), int64(len(file)), pdf.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	p, err := pades.Prepare(doc.Latest(), pades.SignatureSpec{ContentsSize: 12 << 10})
	if err != nil {
		tb.Fatal(err)
	}
	signed := bytes.NewBuffer(bytes.Clone(file))
	if err := p.WriteSigned(signed); err != nil {
		tb.Fatal(err)
	}
	cert := ca.issueRare(tb, k)
	attributes := k.attributes(k.sum(signed.Bytes()), cert)
	value = k.sign(der(tb, element(asn1.SET, attributes)))
	tail, err := p.Embed(der(tb, k.signedData(ca, cert, attributes, value)))
	if err != nil {
		tb.Fatal(err)
	}
	return append(file, tail...), value
}

// part writes some DER.
type part = cryptobyte.BuilderContinuation

func der(tb testing.TB, p part) []byte {
	tb.Helper()
	var b cryptobyte.Builder
	p(&b)
	out, err := b.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func element(tag asn1.Tag, parts ...part) part {
	return func(b *cryptobyte.Builder) {
		b.AddASN1(tag, func(b *cryptobyte.Builder) {
			for _, p := range parts {
				p(b)
			}
		})
	}
}

func sequence(parts ...part) part { return element(asn1.SEQUENCE, parts...) }
func tagged(n uint8, parts ...part) part {
	return element(asn1.Tag(n).Constructed().ContextSpecific(), parts...)
}
func integer(n int64) part     { return func(b *cryptobyte.Builder) { b.AddASN1Int64(n) } }
func named(id ...int) part     { return func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(id) } }
func octets(v []byte) part     { return func(b *cryptobyte.Builder) { b.AddASN1OctetString(v) } }
func bits(v []byte) part       { return func(b *cryptobyte.Builder) { b.AddASN1BitString(v) } }
func bytesOf(v []byte) part    { return func(b *cryptobyte.Builder) { b.AddBytes(v) } }
func utcTime(t time.Time) part { return func(b *cryptobyte.Builder) { b.AddASN1UTCTime(t) } }

const rareSerial = 7

// issueRare makes a certificate for a key that crypto/x509 cannot certify. Nobody is
// to ask about its revocation (RFC 9608).
func (ca *authority) issueRare(tb testing.TB, k rareKey) []byte {
	tb.Helper()
	subject, err := encodingasn1.Marshal(pkix.Name{CommonName: "Kepala Dinas Contoh"}.ToRDNSequence())
	if err != nil {
		tb.Fatal(err)
	}
	ecdsaWithSHA256 := sequence(named(1, 2, 840, 10045, 4, 3, 2))
	tbs := der(tb, sequence(tagged(0, integer(2)), integer(rareSerial), ecdsaWithSHA256, bytesOf(ca.cert.RawSubject),
		sequence(utcTime(begin), utcTime(begin.Add(7*day))), bytesOf(subject), sequence(sequence(named(k.algorithm...)), bits(k.public)),
		tagged(3, sequence(
			sequence(named(2, 5, 29, 15), octets([]byte{3, 2, 6, 0xC0})), // key usage: digitalSignature, nonRepudiation
			sequence(named(2, 5, 29, 56), octets([]byte{5, 0})),          // noRevAvail
		))))
	sum := sha256.Sum256(tbs)
	signature, err := ecdsa.SignASN1(rand.Reader, ca.key, sum[:])
	if err != nil {
		tb.Fatal(err)
	}
	return der(tb, sequence(bytesOf(tbs), ecdsaWithSHA256, bits(signature)))
}

// attributes are the signed attributes that CAdES demands (EN 319 122-1 §6.3):
// content-type, signing-certificate-v2 and message-digest, in the order of DER.
func (k rareKey) attributes(digest, certificate []byte) part {
	sum := sha256.Sum256(certificate)
	return func(b *cryptobyte.Builder) {
		sequence(named(1, 2, 840, 113549, 1, 9, 3), element(asn1.SET, named(1, 2, 840, 113549, 1, 7, 1)))(b)
		sequence(named(1, 2, 840, 113549, 1, 9, 16, 2, 47), element(asn1.SET, sequence(sequence(sequence(octets(sum[:]))))))(b)
		sequence(named(1, 2, 840, 113549, 1, 9, 4), element(asn1.SET, octets(digest)))(b)
	}
}

// signedData is a CMS (RFC 5652 §5.1) over a document.
func (k rareKey) signedData(ca *authority, certificate []byte, attributes part, value []byte) part {
	digest := sequence(named(k.digest...))
	return sequence(named(1, 2, 840, 113549, 1, 7, 2), tagged(0, sequence(integer(1), element(asn1.SET, digest),
		sequence(named(1, 2, 840, 113549, 1, 7, 1)), tagged(0, bytesOf(certificate)),
		element(asn1.SET, sequence(integer(1), sequence(bytesOf(ca.cert.RawSubject), integer(rareSerial)), digest, tagged(0, attributes),
			sequence(named(k.algorithm...)), octets(value))))))
}
