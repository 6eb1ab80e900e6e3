package main

import (
	"bytes"
	"fmt"
)

// chainedBy is a letter whose signer stands below a bent issuing CA.
func chainedBy(bend func(*certificate)) func() []byte {
	return func() []byte { return chained(bend, emptyCRL(), subCRL()) }
}

// leaf is a letter whose signer's certificate is bent.
func leaf(bend func(*certificate)) func() []byte {
	return signedBy(func() identity {
		c := signer.certificate
		bend(&c)
		return identify(c)
	}, nil)
}

// general is the verdict of a chain that RFC 5280 §6 does not allow.
func (a *attack) general() *attack {
	return a.is(indeterminate, "CERTIFICATE_CHAIN_GENERAL_FAILURE", "NO_CERTIFICATE_CHAIN_FOUND", "CHAIN_CONSTRAINTS_FAILURE")
}

// paths are the attacks on certificate paths and names.
func paths() []*attack {
	constraint := func(org string) []byte {
		tree := seq(explicit(4, seq(tlv(0x31, seq(oid("2.5.4.6"), tlv(0x13, []byte("ID")))), tlv(0x31, seq(oid("2.5.4.10"), utf8(org))))))
		return extension("2.5.29.30", true, seq(tlv(0xA0, tree)))
	}
	wrong := []*attack{
		row("p02-name-constraint", "P02", "the issuing CA may certify another office only", chainedBy(func(c *certificate) {
			c.extra = append(c.extra, constraint("Dinas Lain"))
		})),
		row("p03-policy", "P03", "the issuing CA requires a policy that the signer's certificate lacks", chainedBy(func(c *certificate) {
			c.extra = append(c.extra, extension("2.5.29.36", true, seq(primitive(0, []byte{0}))))
		})),
		row("p04-not-a-ca", "P04", "the issuer's certificate is no CA's", chainedBy(func(c *certificate) { c.ca, c.usage = false, useCertSign|useCRLSign })),
		row("p04-no-cert-sign", "P04", "the issuing CA lacks keyCertSign", chainedBy(func(c *certificate) { c.usage = useCRLSign })),
		row("p04-path-length", "P04", "a CA below one whose path length is zero", pathLength),
		row("p04-v1", "P04", "the issuing CA's certificate is of version 1", chainedBy(func(c *certificate) { c.v1 = true })),
		row("p04-expired-ca", "P04", "the issuing CA's certificate has expired", chainedBy(func(c *certificate) { c.from, c.to = "2020-01-01T00:00:00Z", "2026-02-01T00:00:00Z" })).
			is(indeterminate, "OUT_OF_BOUNDS_NO_POE"),
		row("p05-critical", "P05", "the signer's certificate has an unknown critical extension", leaf(func(c *certificate) {
			c.extra = append(c.extra, extension("1.3.6.1.4.1.99999.9", true, null()))
		})),
		row("p05-critical-ca", "P05", "the issuing CA's certificate has an unknown critical extension", chainedBy(func(c *certificate) {
			c.extra = append(c.extra, extension("1.3.6.1.4.1.99999.9", true, null()))
		})),
		row("p05-usage", "P05", "the signer's key usage is keyEncipherment only", leaf(func(c *certificate) { c.usage = 0x20 })),
		row("p10-negative-serial", "P10", "a negative serial number", leaf(func(c *certificate) { c.serial = number(-4097) })).is(indeterminate, "NO_SIGNING_CERTIFICATE_FOUND"),
	}
	for _, a := range wrong {
		a.general()
	}
	none := []*attack{
		row("p01-bomb", "P01", "eighteen CAs of six names that certify each other, none by an anchor", pathBomb),
		row("p06-same-key-id", "P06", "an issuer with the anchor's name and key identifier and another key", impostor(root.key.id())),
		row("p07-self-signed", "P07", "a self-signed signer", signedBy(func() identity { return self }, nil)),
		row("p07-same-name", "P07", "a root with the anchor's name and another key", impostor(nil)),
		row("p08-embedded-root", "P08", "a foreign root in the message, with its signer", foreignRoot(nil)),
		row("p08-dss-root", "P08", "a foreign root in the DSS, with its signer", foreignInDSS),
		row("n01-addresses", "N01", "an untrusted certificate whose addresses lie in the verifier's own network", foreignRoot([][]byte{
			cdp("http://169.254.169.254/latest/ca.crl"), aia("http://127.0.0.1:1/ocsp", "http://[::ffff:10.0.0.1]/ca.cer")})),
		row("n01-schemes", "N01", "an untrusted certificate with addresses of other schemes", foreignRoot([][]byte{
			cdp("file:///etc/hostname"), aia("gopher://127.0.0.1:1/%0d%0aQUIT", "ldap://127.0.0.1:1/cn=ca")})),
	}
	for _, a := range none {
		a.is(indeterminate, "NO_CERTIFICATE_CHAIN_FOUND")
	}
	return fooled(append(append(wrong, none...), names()...))
}

func names() []*attack {
	called := func(cn []byte) func() []byte {
		return leaf(func(c *certificate) { c.subject = rawName("Dinas Contoh", cn) })
	}
	return []*attack{
		row("p10-control", "P10", "control characters in the signer's name: shown without them", called(utf8("Pejabat\x1b[2J\r\nContoh"))).passes(),
		row("p10-bidi", "P10", "a right-to-left override in the signer's name: shown isolated", called(utf8("Pejabat \u202ehotnoC\u202c"))).passes(),
		row("p10-nul", "P10", "a NUL in the signer's name", called(utf8("Bupati Contoh\x00 (bukan)"))).passes(),
		row("p10-bmp", "P10", "the signer's name as BMPString", called(tlv(0x1E, []byte("\x00P\x00e\x00j\x00a\x00b\x00a\x00t")))).passes(),
		row("p10-long-serial", "P10", "a serial number of forty bytes", leaf(func(c *certificate) {
			c.serial = tlv(0x02, bytes.Repeat([]byte{0x11}, 40))
		})).passes().is(indeterminate).sees("invalid"),
	}
}

func pathLength() []byte {
	c := subCertificate()
	c.pathLen = 0
	upper := identify(c)
	lower := below(upper, "Uji CA Bawah", "lower CA", serialOdd)
	lower.ca, lower.pathLen = true, -1
	low := identify(lower)
	who := identify(below(low, "Pejabat Contoh", "signer", serialSigner))
	f := letter(nil, emptyCRL(), subCRL(), crlSpec{issuer: low.subject, key: &low.key}.der())
	f.sign(signing{who: &who, edit: func(sd *signedData) { sd.certs = append(sd.certs, low.raw, upper.raw) }})
	return f.b
}

// impostor signs below a root of the anchor's name with a key of its own.
func impostor(keyID []byte) func() []byte {
	return func() []byte {
		k := testKey("impostor")
		if keyID == nil {
			keyID = k.id()
		}
		fake := identify(certificate{subject: root.subject, issuer: root.subject, key: k, issuerKey: k, serial: number(1), to: anchorEnds, ca: true, pathLen: -1,
			subjectID: keyID, authorityID: keyID})
		c := below(fake, "Pejabat Contoh", "signer", serialSigner)
		c.authorityID = keyID
		who := identify(c)
		return honest(signing{who: &who, edit: func(sd *signedData) { sd.certs = append(sd.certs, fake.raw) }}).b
	}
}

func foreign() identity {
	k := testKey("foreign root")
	return identify(certificate{subject: name("Uji CA Asing"), issuer: name("Uji CA Asing"), key: k, issuerKey: k, serial: number(3), to: anchorEnds, ca: true, pathLen: -1})
}

func foreignRoot(extra [][]byte) func() []byte {
	return func() []byte {
		ca := foreign()
		c := below(ca, "Pejabat Contoh", "signer", serialSigner)
		if extra != nil {
			c.extra = extra
		}
		who := identify(c)
		f := letter(nil, crlSpec{issuer: ca.subject, key: &ca.key}.der())
		f.sign(signing{who: &who, edit: func(sd *signedData) { sd.certs = append(sd.certs, ca.raw) }})
		return f.b
	}
}

func foreignInDSS() []byte {
	ca := foreign()
	who := identify(below(ca, "Pejabat Contoh", "signer", serialSigner))
	f := letter(func(_ *file, r *revision) {
		r.set[20] = stream("", string(ca.raw))
		r.set[objDSS] = replaceOnce(r.set[objDSS], "/Type/DSS", "/Type/DSS/Certs[20 0 R]")
	}, crlSpec{issuer: ca.subject, key: &ca.key}.der())
	f.sign(signing{who: &who})
	return f.b
}

// pathBomb has CAs of six names with three keys each; each is certified by the
// next name's keys, in a ring.
func pathBomb() []byte {
	const names, keys = 6, 3
	called := func(i int) []byte { return name(fmt.Sprintf("Uji CA %d", i%names)) }
	keyOf := func(i, k int) key { return testKey(fmt.Sprintf("bomb %d %d", i%names, k)) }
	var certs [][]byte
	for i := range names {
		for k := range keys {
			c := certificate{subject: called(i), issuer: called(i + 1), key: keyOf(i, k), issuerKey: keyOf(i+1, k), serial: number(int64(100 + keys*i + k)),
				ca: true, pathLen: -1, authorityID: []byte("sama"), subjectID: []byte("sama")}
			certs = append(certs, c.der())
		}
	}
	c := certificate{subject: name("Pejabat Contoh"), issuer: called(0), key: testKey("signer"), issuerKey: keyOf(0, 0), serial: number(serialSigner), authorityID: []byte("sama")}
	who := identify(c)
	return honest(signing{who: &who, edit: func(sd *signedData) { sd.certs = append(sd.certs, certs...) }}).b
}
