package main

import "bytes"

// The moments of the catalogue. A letter is signed at signedAt and judged at
// judgedAt, two hours later; "late" cases are judged at lateAt, when the
// signer's certificate has expired.
const (
	issuedAt   = "2026-01-01T00:00:00Z"
	expiresAt  = "2028-01-01T00:00:00Z"
	anchorEnds = "2046-01-01T00:00:00Z"
	signedAt   = "2026-03-02T10:00:00Z"
	judgedAt   = "2026-03-02T12:00:00Z"
	lateAt     = "2029-06-01T12:00:00Z"
)

// name is a distinguished name in DER: country, organisation and common name.
func name(cn string) []byte { return rawName("Dinas Contoh", utf8(cn)) }

func rawName(org string, cn []byte) []byte {
	attr := func(id string, value []byte) []byte { return tlv(0x31, seq(oid(id), value)) }
	return seq(attr("2.5.4.6", tlv(0x13, []byte("ID"))), attr("2.5.4.10", utf8(org)), attr("2.5.4.3", cn))
}

// certificate holds what goes into one; zero values stand for the honest
// certificate of a signer.
type certificate struct {
	subject, issuer []byte
	key, issuerKey  key
	spki            []byte // instead of the key's
	serial          []byte // DER INTEGER
	from, to        string
	ca              bool
	pathLen         int  // with ca; -1 = none
	usage           byte // bits of KeyUsage, first byte; 0 = by kind
	usages          []string
	plainUsages     bool // the extended usages are not critical
	authorityID     []byte
	subjectID       []byte
	v1              bool
	hash            string
	extra           [][]byte
}

const (
	useSigning  = 0xC0 // digitalSignature, contentCommitment
	useCertSign = 0x04
	useCRLSign  = 0x02
)

const (
	ekuTimestamping = "1.3.6.1.5.5.7.3.8"
	ekuOCSP         = "1.3.6.1.5.5.7.3.9"
	crlURL          = "http://crl.contoh.invalid/ca.crl"
)

func extension(id string, critical bool, value []byte) []byte {
	if critical {
		return seq(oid(id), yes(), octets(value))
	}
	return seq(oid(id), octets(value))
}

func (c certificate) der() []byte {
	if c.hash == "" {
		c.hash = "SHA-256"
	}
	alg := c.issuerKey.algorithm(c.hash)
	tbs := c.tbs(alg)
	return seq(tbs, alg, bits(c.issuerKey.sign(c.hash, tbs)))
}

func (c certificate) tbs(alg []byte) []byte {
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	spki := c.spki
	if spki == nil {
		spki = c.key.spki
	}
	parts := [][]byte{explicit(0, number(2)), c.serial, alg, c.issuer,
		seq(x509Time(or(c.from, issuedAt)), x509Time(or(c.to, expiresAt))), c.subject, spki}
	if c.v1 {
		return seq(parts[1:]...)
	}
	return seq(append(parts, explicit(3, seq(c.extensions()...)))...)
}

func (c certificate) extensions() [][]byte {
	usage := c.usage
	if usage == 0 {
		usage = useSigning
		if c.ca {
			usage = useCertSign | useCRLSign
		}
	}
	unused := byte(0)
	for b := usage; b&1 == 0; b >>= 1 {
		unused++
	}
	out := [][]byte{extension("2.5.29.15", true, tlv(0x03, []byte{unused, usage}))}
	if c.ca {
		basic := seq(yes())
		if c.pathLen >= 0 {
			basic = seq(yes(), number(int64(c.pathLen)))
		}
		out = append(out, extension("2.5.29.19", true, basic))
	} else {
		out = append(out, extension("2.5.29.19", true, seq()))
	}
	if len(c.usages) > 0 {
		var list [][]byte
		for _, u := range c.usages {
			list = append(list, oid(u))
		}
		out = append(out, extension("2.5.29.37", !c.plainUsages, seq(list...)))
	}
	authority, subject := c.authorityID, c.subjectID
	if authority == nil {
		authority = c.issuerKey.id()
	}
	if subject == nil {
		subject = hash("SHA-1", c.key.spki)
		if c.key.signer != nil {
			subject = c.key.id()
		}
	}
	out = append(out, extension("2.5.29.35", false, seq(primitive(0, authority))), extension("2.5.29.14", false, octets(subject)))
	return append(out, c.extra...)
}

// cdp names the address of a CRL (RFC 5280 §4.2.1.13).
func cdp(url string) []byte {
	return extension("2.5.29.31", false, seq(seq(explicit(0, explicit(0, primitive(6, []byte(url)))))))
}

// aia names an OCSP responder and an issuer's certificate (§4.2.2.1).
func aia(ocsp, issuer string) []byte {
	at := func(id, url string) []byte { return seq(oid(id), primitive(6, []byte(url))) }
	return extension("1.3.6.1.5.5.7.1.1", false, seq(at("1.3.6.1.5.5.7.48.1", ocsp), at("1.3.6.1.5.5.7.48.2", issuer)))
}

func noCheck() []byte { return extension("1.3.6.1.5.5.7.48.1.5", false, null()) }

// identity is a certificate with its key and what it was made from.
type identity struct {
	certificate
	raw []byte
}

func identify(c certificate) identity { return identity{c, c.der()} }

// Serial numbers of the catalogue's certificates.
const (
	serialSigner = 0x1001 + iota
	serialOther
	serialTSA
	serialResponder
	serialRSA
	serialSub
	serialOdd
)

// The PKI: one root that certifies signers and its OCSP responder, one that
// certifies the TSA, and below the first a CA for cases about chains.
var (
	root    = identify(certificate{subject: name("Uji CA Akar"), issuer: name("Uji CA Akar"), key: testKey("root"), issuerKey: testKey("root"), serial: number(1), to: anchorEnds, ca: true, pathLen: -1})
	tsaRoot = identify(certificate{subject: name("Uji CA TSA"), issuer: name("Uji CA TSA"), key: testKey("TSA root"), issuerKey: testKey("TSA root"), serial: number(2), to: anchorEnds, ca: true, pathLen: -1})
	signer  = identify(below(root, "Pejabat Contoh", "signer", serialSigner))
	other   = identify(below(root, "Sekretaris Contoh", "other signer", serialOther))
	tsa     = identify(tsaCertificate())
	ocsp    = identify(responderCertificate())
	subCA   = identify(subCertificate())
	self    = identify(selfSigned("Pejabat Contoh"))
)

// below is the honest certificate of a signer.
func below(ca identity, cn, keyName string, serial int64) certificate {
	return certificate{subject: name(cn), issuer: ca.subject, key: testKey(keyName), issuerKey: ca.key, serial: number(serial),
		extra: [][]byte{cdp(crlURL)}}
}

func tsaCertificate() certificate {
	c := below(tsaRoot, "Uji TSA", "TSA", serialTSA)
	c.usages, c.to, c.extra = []string{ekuTimestamping}, "2036-01-01T00:00:00Z", nil
	return c
}

func responderCertificate() certificate {
	c := below(root, "Uji OCSP", "OCSP responder", serialResponder)
	c.usages, c.plainUsages, c.usage, c.extra = []string{ekuOCSP}, true, 0x80, [][]byte{noCheck()}
	return c
}

func subCertificate() certificate {
	c := below(root, "Uji CA Penerbit", "issuing CA", serialSub)
	c.ca, c.to = true, "2036-01-01T00:00:00Z"
	return c
}

func selfSigned(cn string) certificate {
	k := testKey("self-signed " + cn)
	return certificate{subject: name(cn), issuer: name(cn), key: k, issuerKey: k, serial: number(serialSigner)}
}

// crlSpec holds what goes into a CRL; zero values stand for an honest empty one
// of root, made an hour before the letter was signed.
type crlSpec struct {
	issuer     []byte
	key        *key
	hash       string
	this, next string
	entries    [][]byte
	extra      [][]byte
}

// revoked is an entry of a CRL; extensions may be none.
func revoked(serial int64, at string, extensions ...[]byte) []byte {
	if len(extensions) == 0 {
		return seq(number(serial), x509Time(at))
	}
	return seq(number(serial), x509Time(at), seq(extensions...))
}

func reason(code byte) []byte { return extension("2.5.29.21", false, tlv(0x0A, []byte{code})) }

func invalidity(at string) []byte { return extension("2.5.29.24", false, genTime(at)) }

const (
	crlThis = "2026-03-02T09:00:00Z"
	crlNext = "2026-03-09T09:00:00Z"
)

func (c crlSpec) der() []byte {
	if c.issuer == nil {
		c.issuer = root.subject
	}
	if c.key == nil {
		c.key = &root.key
	}
	if c.hash == "" {
		c.hash = "SHA-256"
	}
	if c.this == "" {
		c.this, c.next = crlThis, crlNext
	}
	alg := c.key.algorithm(c.hash)
	parts := [][]byte{number(1), alg, c.issuer, x509Time(c.this)}
	if c.next != "" {
		parts = append(parts, x509Time(c.next))
	}
	if len(c.entries) > 0 {
		parts = append(parts, seq(c.entries...))
	}
	ext := [][]byte{extension("2.5.29.35", false, seq(primitive(0, c.key.id()))), extension("2.5.29.20", false, number(7))}
	parts = append(parts, explicit(0, seq(append(ext, c.extra...)...)))
	tbs := seq(parts...)
	return seq(tbs, alg, bits(c.key.sign(c.hash, tbs)))
}

// idp is a critical IssuingDistributionPoint (RFC 5280 §5.2.5).
func idp(parts ...[]byte) []byte { return extension("2.5.29.28", true, seq(parts...)) }

// emptyCRL is the evidence of an honest letter.
func emptyCRL() []byte { return crlSpec{}.der() }

// tsaCRL is the same for the TSA's certificate.
func tsaCRL() []byte { return crlSpec{issuer: tsaRoot.subject, key: &tsaRoot.key}.der() }

// lateCRL is a CRL of 2029 that still lists expired certificates (X.509
// §9.5.2.7 expiredCertsOnCRL).
func lateCRL(ca identity) []byte {
	return crlSpec{issuer: ca.subject, key: &ca.key, this: "2029-06-01T09:00:00Z", next: "2029-06-08T09:00:00Z",
		extra: [][]byte{extension("2.5.29.60", false, genTime("2020-01-01T00:00:00Z"))}}.der()
}

// ocspSpec holds what goes into an OCSP response; zero values stand for an
// honest "good" about signer.
type ocspSpec struct {
	by         *identity // who signs; ocsp when nil
	responder  []byte    // DER ResponderID; by key of by when nil
	certs      [][]byte  // nil = the one of by, unless that is root
	certIDHash string
	nameHash   []byte
	keyHash    []byte
	serial     []byte
	status     []byte // DER CertStatus
	this, next string // next "-" = none
	produced   string
	hash       string
}

// revokedStatus is CertStatus revoked (RFC 6960 §4.2.1).
func revokedStatus(at string, code byte) []byte {
	return tlv(0xA1, genTime(at), explicit(0, tlv(0x0A, []byte{code})))
}

func (o ocspSpec) der() []byte {
	o.fill()
	single := [][]byte{
		seq(o.certIDAlgorithm(), octets(o.nameHash), octets(o.keyHash), o.serial), o.status, genTime(o.this)}
	if o.next != "-" {
		single = append(single, explicit(0, genTime(o.next)))
	}
	data := seq(o.responder, genTime(o.produced), seq(seq(single...)))
	basic := [][]byte{data, o.by.key.algorithm(o.hash), bits(o.by.key.sign(o.hash, data))}
	if len(o.certs) > 0 {
		basic = append(basic, explicit(0, seq(o.certs...)))
	}
	return seq(tlv(0x0A, []byte{0}), explicit(0, seq(oid("1.3.6.1.5.5.7.48.1.1"), octets(seq(basic...)))))
}

// certIDAlgorithm allows a hash that nobody knows.
func (o *ocspSpec) certIDAlgorithm() []byte {
	if id, ok := hashOID[o.certIDHash]; ok {
		return seq(oid(id), null())
	}
	return seq(oid(o.certIDHash), null())
}

func (o *ocspSpec) fill() {
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	put := func(b *[]byte, v []byte) {
		if *b == nil {
			*b = v
		}
	}
	if o.by == nil {
		o.by = &ocsp
	}
	set(&o.certIDHash, "SHA-1")
	set(&o.this, crlThis)
	set(&o.next, crlNext)
	set(&o.produced, o.this)
	set(&o.hash, "SHA-256")
	h := o.certIDHash
	if hashOID[h] == "" {
		h = "SHA-1"
	}
	put(&o.nameHash, hash(h, root.subject))
	put(&o.keyHash, hash(h, root.key.bits()))
	put(&o.serial, number(serialSigner))
	put(&o.status, primitive(0, nil))
	put(&o.responder, explicit(2, octets(o.by.key.id())))
	if o.certs == nil && !bytes.Equal(o.by.raw, root.raw) {
		o.certs = [][]byte{o.by.raw}
	}
}
