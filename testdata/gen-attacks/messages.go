package main

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"
	"slices"
)

func edited(edit func(*signedData)) func() []byte {
	return func() []byte { return honest(signing{edit: edit}).b }
}

func onSigner(edit func(*signerInfo)) func() []byte {
	return edited(func(sd *signedData) { edit(sd.signers[0]) })
}

func legacy(edit func(*signedData)) func() []byte {
	return func() []byte { return honest(signing{edit: edit, dict: subFilter("adbe.pkcs7.detached")}).b }
}

// signedBy is a letter of another signer.
func signedBy(who func() identity, edit func(*signedData)) func() []byte {
	return func() []byte {
		w := who()
		return honest(signing{who: &w, edit: edit}).b
	}
}

// cmsAttacks are the attacks on the CMS message.
func cmsAttacks() []*attack {
	return fooled(slices.Concat(attributeAttacks(), certificateAttacks(), encodingCases(), valueAttacks(), algorithmAttacks()))
}

func attributeAttacks() []*attack {
	remove := func(id string) func(*signerInfo) { return func(si *signerInfo) { si.replace(id) } }
	noAttrs := func(sd *signedData) { sd.signers[0].noAttrs = true }
	return []*attack{
		row("m01-no-attributes", "M01", "no signed attributes under ETSI.CAdES.detached", edited(noAttrs)).malformed().sees("valid"),
		row("m01-no-attributes-legacy", "M01", "no signed attributes under adbe.pkcs7.detached", legacy(noAttrs)).is(indeterminate, "SIG_CONSTRAINTS_FAILURE").sees("valid"),
		row("m02-digest-absent", "M02", "no message-digest", onSigner(remove(attrMessageDigest))).malformed().sees("invalid"),
		row("m02-digest-twice", "M02", "message-digest twice", onSigner(func(si *signerInfo) {
			si.attrs = append(si.attrs, attribute(attrMessageDigest, octets(hash("SHA-256", []byte("x")))))
		})).malformed().sees("invalid"),
		row("m02-digest-two-values", "M02", "message-digest with two values", onSigner(func(si *signerInfo) {
			si.replace(attrMessageDigest, attribute(attrMessageDigest, octets(hash("SHA-256", si.content)), octets(hash("SHA-256", []byte("x")))))
		})).malformed().sees("mismatch"),
		row("m03-type-absent", "M03", "no content-type", onSigner(remove(attrContentType))).malformed(),
		row("m03-type-twice", "M03", "content-type twice", onSigner(func(si *signerInfo) {
			si.attrs = append(si.attrs, attribute(attrContentType, oid(idSignedData)))
		})).malformed(),
		row("m03-type-other", "M03", "content-type is not id-data", onSigner(func(si *signerInfo) {
			si.replace(attrContentType, attribute(attrContentType, oid(idTSTInfo)))
		})).malformed(),
		row("m04-content", "M04", "the message holds content of its own, and the digest is over that", func() []byte {
			return honest(signing{cms: func([]byte) *signedData {
				sd := signWith(signer, []byte("another document"))
				sd.eContent = []byte("another document")
				return sd
			}}).b
		}).malformed().sees("mismatch").shows(truth),
		row("m05-digest-list", "M05", "SignedData lists another digest algorithm than the signer uses", edited(func(sd *signedData) {
			sd.digests = [][]byte{digestAlgorithm("SHA-512")}
		})).malformed().sees("mismatch"),
		row("m05-signature-hash", "M05", "message-digest by SHA-256, signature by SHA-384", onSigner(func(si *signerInfo) {
			si.hash, si.sigAlg = "SHA-384", si.key.algorithm("SHA-384")
		})).malformed().sees("invalid"),
		row("m05-pss", "M05", "RSASSA-PSS whose mask hash is not the message hash", func() []byte { return signedPSS("SHA-384") }).malformed().sees("valid"),
		row("m05-protection", "M05", "CMSAlgorithmProtection names another digest algorithm", onSigner(func(si *signerInfo) {
			si.attrs = append(si.attrs, attribute(attrAlgProtection, seq(digestAlgorithm("SHA-512"), tlv(0xA1, body(si.sigAlg)))))
		})).malformed(),
		row("m06-no-signer", "M06", "no SignerInfo", edited(func(sd *signedData) { sd.signers = nil })).malformed().sees("invalid"),
		row("m06-two-signers", "M06", "two SignerInfos", edited(func(sd *signedData) {
			second := signWith(other, sd.signers[0].content)
			sd.signers = append(sd.signers, second.signers[0])
			sd.certs = append(sd.certs, other.raw)
		})).malformed(),
	}
}

// signedPSS is a letter signed by RSASSA-PSS over SHA-256 with the given hash
// in the mask, as its parameters say.
func signedPSS(maskHash string) []byte {
	w := rsaSigner()
	mask := seq(oid("1.2.840.113549.1.1.8"), seq(oid(hashOID[maskHash]), null()))
	params := seq(explicit(0, seq(oid(hashOID["SHA-256"]), null())), explicit(1, mask), explicit(2, number(32)))
	return honest(signing{who: &w, edit: func(sd *signedData) {
		si := sd.signers[0]
		si.sigAlg = seq(oid("1.2.840.113549.1.1.10"), params)
		si.value = func([]byte) []byte {
			k := si.key.signer.(*rsa.PrivateKey)
			m := new(big.Int).SetBytes(encodePSS(hash("SHA-256", si.attributes(0x31)), maskHash))
			return m.Exp(m, k.D, k.N).FillBytes(make([]byte, 256))
		}
	}}).b
}

// encodePSS is EMSA-PSS for 2,048 bits (RFC 8017 §9.1.1) with a fixed salt.
func encodePSS(digest []byte, maskHash string) []byte {
	salt := hash("SHA-256", []byte("a salt that is no secret"))
	h := hash("SHA-256", cat(make([]byte, 8), digest, salt))
	block := cat(make([]byte, 256-len(h)-len(salt)-2), []byte{1}, salt)
	var mask []byte
	for i := byte(0); len(mask) < len(block); i++ {
		mask = append(mask, hash(maskHash, cat(h, []byte{0, 0, 0, i}))...)
	}
	for i := range block {
		block[i] ^= mask[i]
	}
	block[0] &= 0x7F
	return cat(block, h, []byte{0xBC})
}

func body(element []byte) []byte { _, b := header(element); return b }

func certificateAttacks() []*attack {
	noESS := func(sd *signedData) { sd.signers[0].replace(attrCertificateV2) }
	swap := func(attr ...[]byte) func() []byte {
		return onSigner(func(si *signerInfo) { si.replace(attrCertificateV2, attr...) })
	}
	return []*attack{
		row("m07-no-ess", "M07", "no signing-certificate attribute under ETSI.CAdES.detached", edited(noESS)).is(indeterminate, "SIG_CONSTRAINTS_FAILURE").sees("valid"),
		row("m07-no-ess-legacy", "M07", "no signing-certificate attribute under adbe.pkcs7.detached: one certificate matches", legacy(noESS)).passes().warned().sees("valid"),
		row("m07-no-ess-two", "M07", "the same with two certificates that match the signer identifier", legacy(func(sd *signedData) {
			noESS(sd)
			twin := signer.certificate
			twin.subject = name("Bukan Pejabat")
			sd.certs = append(sd.certs, twin.der())
		})).is(indeterminate, "SIG_CONSTRAINTS_FAILURE", "NO_SIGNING_CERTIFICATE_FOUND"),
		row("m08-ess-mismatch", "M08", "signing-certificate-v2 is the hash of another certificate", swap(essV2(other.raw))).is(indeterminate, "NO_SIGNING_CERTIFICATE_FOUND").sees("valid"),
		row("m08-ess-v1-mismatch", "M08", "signing-certificate (v1) is the hash of another certificate", swap(essV1(other.raw))).is(indeterminate, "NO_SIGNING_CERTIFICATE_FOUND"),
		row("m08-ess-twice", "M08", "signing-certificate-v2 twice", swap(essV2(signer.raw), essV2(other.raw))).is(indeterminate, "SIG_CONSTRAINTS_FAILURE"),
		row("m08-ess-second", "M08", "the signer's certificate is only the second reference", swap(essV2(other.raw, signer.raw))).is(indeterminate, "NO_SIGNING_CERTIFICATE_FOUND"),
		row("m09-same-serial", "M09", "the certificate is replaced by one of the same key, issuer and serial for another person", edited(func(sd *signedData) {
			twin := signer.certificate
			twin.subject = name("Bukan Pejabat")
			sd.certs = [][]byte{twin.der()}
		})).is(indeterminate, "NO_SIGNING_CERTIFICATE_FOUND").sees("valid"),
		row("m09-sid-other", "M09", "the signer identifier names another certificate than the attribute", func() []byte {
			return honest(signing{edit: func(sd *signedData) {
				sd.certs = append(sd.certs, other.raw)
				sd.signers[0].sid = sidOf(other)
			}}).b
		}).is(indeterminate, "NO_SIGNING_CERTIFICATE_FOUND").sees("invalid"),
		row("m09-no-certificate", "M09", "the message holds no certificate", edited(func(sd *signedData) { sd.noCerts = true })).
			is(indeterminate, "NO_SIGNING_CERTIFICATE_FOUND").sees("invalid"),
		row("m10-unsigned", "M10", "unsigned attributes and certificates that nobody vouches for", edited(func(sd *signedData) {
			sd.certs = append(sd.certs, self.raw, other.raw)
			sd.signers[0].unsigned = [][]byte{attribute(attrSigningTime, utcTime("2020-01-01T00:00:00Z"))}
		})).passes().sees("valid"),
		row("m10-second-timestamp", "M10", "a timestamp over other bytes beside no good one", edited(func(sd *signedData) {
			sd.signers[0].unsigned = [][]byte{attribute(attrTimestamp, tokenSpec{at: "2020-01-01T00:00:00Z"}.over([]byte("x")))}
		})).passes().sees("valid"),
		row("m10-countersignature", "M10", "a countersignature over other bytes", edited(func(sd *signedData) {
			counter := signWith(other, []byte("x")).signers[0]
			counter.replace(attrContentType)
			sd.signers[0].unsigned = [][]byte{attribute(attrCountersigning, counter.der())}
		})).passes().sees("valid"),
		row("m11-signing-time", "M11", "a signing-time attribute, which PAdES forbids, in the future", onSigner(func(si *signerInfo) {
			si.attrs = append(si.attrs, attribute(attrSigningTime, utcTime("2027-01-01T00:00:00Z")))
		})).passes().warned(),
		row("m11-m-future", "M11", "/M in the future", func() []byte { return honest(signing{at: "2027-01-01T00:00:00Z"}).b }).passes().warned().sees("valid"),
		row("m11-m-before", "M11", "/M before the certificate was issued", func() []byte { return honest(signing{at: "2025-01-01T00:00:00Z"}).b }).passes().warned().sees("valid"),
	}
}

// indefinite writes an element with indefinite length.
func indefinite(tag byte, parts ...[]byte) []byte {
	return cat([]byte{tag, 0x80}, bytes.Join(parts, nil), []byte{0, 0})
}

func bent(f func([]byte) []byte) func() []byte {
	return func() []byte { return honest(signing{der: f}).b }
}

func encodingCases() []*attack {
	oidPart := oid(idSignedData)
	inner := func(der []byte) []byte { return body(der)[len(oidPart):] } // [0] SignedData
	return []*attack{
		row("m12-indefinite", "M12", "indefinite lengths around SignedData", bent(func(der []byte) []byte {
			return indefinite(0x30, oidPart, indefinite(0xA0, indefinite(0x30, body(body(inner(der))))))
		})).passes().warned(),
		row("m12-length", "M12", "a length in more bytes than needed", bent(func(der []byte) []byte {
			b := body(der)
			return cat([]byte{0x30, 0x84, 0, 0, byte(len(b) >> 8), byte(len(b))}, b)
		})).passes().warned(),
		row("m12-constructed", "M12", "the signature value as a constructed OCTET STRING", onSigner(func(si *signerInfo) {
			si.sigTag = func(v []byte) []byte { return tlv(0x24, octets(v[:20]), octets(v[20:])) }
		})).passes().warned(),
		row("m12-unsorted", "M12", "signed attributes not in DER order, signed as they stand", onSigner(func(si *signerInfo) {
			slices.SortFunc(si.attrs, func(a, b []byte) int { return bytes.Compare(b, a) })
			si.unsorted = true
		})).passes().warned(),
		row("m12-unsorted-sent", "M12", "the same order of attributes sent, but another one signed", onSigner(func(si *signerInfo) {
			slices.SortFunc(si.attrs, func(a, b []byte) int { return bytes.Compare(b, a) })
			si.unsorted = true
			wrong := slices.Clone(si.attrs)
			slices.Reverse(wrong)
			wrong[0], wrong[1] = wrong[1], wrong[0]
			si.value = func([]byte) []byte { return si.key.sign("SHA-256", tlv(0x31, wrong...)) }
		})).is(failed, "SIG_CRYPTO_FAILURE").sees("invalid"),
		row("m19-certificates", "M19", "a hundred certificates", edited(func(sd *signedData) {
			for i := range 100 {
				sd.certs = append(sd.certs, seq(number(int64(i))))
			}
		})).is(indeterminate).is(failed),
	}
}

var p256order, _ = new(big.Int).SetString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)

// valueOf replaces (r, s).
func valueOf(f func(r, s *big.Int) []byte) func() []byte {
	return onSigner(func(si *signerInfo) {
		si.value = func(v []byte) []byte { r, s := rs(v); return f(r, s) }
	})
}

func valueAttacks() []*attack {
	rows := []*attack{
		row("m14-r-zero", "M14", "r = 0", valueOf(func(_, s *big.Int) []byte { return seq(number(0), bigNumber(s)) })),
		row("m14-both-zero", "M14", "r = s = 0", valueOf(func(_, _ *big.Int) []byte { return seq(number(0), number(0)) })),
		row("m14-s-order", "M14", "s = the order of the curve", valueOf(func(r, _ *big.Int) []byte { return seq(bigNumber(r), bigNumber(p256order)) })),
		row("m14-s-plus-order", "M14", "s + the order of the curve", valueOf(func(r, s *big.Int) []byte {
			return seq(bigNumber(r), bigNumber(new(big.Int).Add(s, p256order)))
		})),
		row("m14-negative", "M14", "s - the order of the curve, negative", valueOf(func(r, s *big.Int) []byte {
			return seq(bigNumber(r), bigNumber(new(big.Int).Sub(s, p256order)))
		})),
		row("m14-ber", "M14", "r with a zero byte too many", valueOf(func(r, s *big.Int) []byte {
			return seq(tlv(0x02, append([]byte{0, 0}, r.Bytes()...)), bigNumber(s))
		})),
		row("m14-extra", "M14", "bytes after (r, s)", valueOf(func(r, s *big.Int) []byte {
			return append(seq(bigNumber(r), bigNumber(s)), 0, 0)
		})),
		row("m14-p1363", "M14", "r and s as bare bytes", valueOf(func(r, s *big.Int) []byte {
			return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		})),
		row("m13-altered", "M13", "a wrong RSA value", rsaValue(func(v []byte) []byte { v[100] ^= 1; return v })),
		row("m13-wrong-hash", "M13", "DigestInfo names SHA-1", rsaRaw(func(digest []byte) []byte {
			return padded(seq(seq(oid(hashOID["SHA-1"]), null()), octets(digest)), 256)
		})),
		row("m13-short-padding", "M13", "eight bytes of padding, the rest behind the digest", rsaRaw(func(digest []byte) []byte {
			return append(padded(digestInfo(digest), len(digestInfo(digest))+11), make([]byte, 256-len(digestInfo(digest))-11)...)
		})),
		row("m13-ber", "M13", "DigestInfo with a length in more bytes than needed", rsaRaw(func(digest []byte) []byte {
			d := body(digestInfo(digest))
			return padded(cat([]byte{0x30, 0x81, byte(len(d))}, d), 256)
		})),
		row("m13-e3", "M13", "a value forged without the key, whose exponent is 3 (Bleichenbacher 2006)", signedBy(exponent3, forgeCube)),
		row("m15-rsa-as-ecdsa", "M15", "an RSA key under the identifier of ECDSA", signedBy(rsaSigner, func(sd *signedData) {
			sd.signers[0].sigAlg = seq(oid(ecdsaOID["SHA-256"]))
		})),
		row("m15-ecdsa-as-rsa", "M15", "an ECDSA key under the identifier of RSA", onSigner(func(si *signerInfo) {
			si.sigAlg = seq(oid(rsaOID["SHA-256"]), null())
		})),
	}
	for _, a := range rows {
		a.is(failed, "SIG_CRYPTO_FAILURE").sees("invalid")
	}
	return rows
}

func rsaValue(f func([]byte) []byte) func() []byte {
	return signedBy(rsaSigner, func(sd *signedData) { sd.signers[0].value = f })
}

func digestInfo(digest []byte) []byte {
	return seq(seq(oid(hashOID["SHA-256"]), null()), octets(digest))
}

// padded is PKCS #1 v1.5 padding up to size bytes.
func padded(info []byte, size int) []byte {
	return cat([]byte{0, 1}, bytes.Repeat([]byte{0xFF}, size-len(info)-3), []byte{0}, info)
}

// rsaRaw applies the private key to a block of our own.
func rsaRaw(block func(digest []byte) []byte) func() []byte {
	return signedBy(rsaSigner, func(sd *signedData) {
		si := sd.signers[0]
		si.value = func([]byte) []byte {
			k := si.key.signer.(*rsa.PrivateKey)
			m := new(big.Int).SetBytes(block(hash("SHA-256", si.attributes(0x31))))
			return m.Exp(m, k.D, k.N).FillBytes(make([]byte, 256))
		}
	})
}

// exponent3 is a certificate whose key has the exponent 3; nobody knows the
// private key, and nobody needs to.
func exponent3() identity {
	n := rsaKey(rsaTestKey).signer.Public().(*rsa.PublicKey).N
	c := below(root, "Kepala Contoh", "", serialRSA)
	c.spki = seq(seq(oid("1.2.840.113549.1.1.1"), null()), bits(seq(bigNumber(n), number(3))))
	c.subjectID = hash("SHA-1", c.spki)
	return identify(c)
}

// forgeCube gives a value whose cube begins with a right block; what follows
// the digest is garbage.
func forgeCube(sd *signedData) {
	si := sd.signers[0]
	si.sigAlg = seq(oid(rsaOID["SHA-256"]), null())
	si.value = func([]byte) []byte {
		info := digestInfo(hash("SHA-256", si.attributes(0x31)))
		head := padded(info, len(info)+11)
		target := new(big.Int).SetBytes(append(head, make([]byte, 256-len(head))...))
		root := cubeRoot(target)
		return root.Add(root, big.NewInt(1)).FillBytes(make([]byte, 256))
	}
}

func cubeRoot(n *big.Int) *big.Int {
	low, high := new(big.Int), new(big.Int).Lsh(big.NewInt(1), uint(n.BitLen()/3+1))
	for new(big.Int).Sub(high, low).Cmp(big.NewInt(1)) > 0 {
		mid := new(big.Int).Add(low, high)
		mid.Rsh(mid, 1)
		if new(big.Int).Exp(mid, big.NewInt(3), nil).Cmp(n) > 0 {
			high = mid
		} else {
			low = mid
		}
	}
	return low
}

func algorithmAttacks() []*attack {
	weak := func(hashName string) func() []byte {
		return func() []byte {
			return honest(signing{cms: func(b []byte) *signedData { return signHash(signer, b, hashName, idData) }}).b
		}
	}
	noPOE := func(a *attack) *attack { return a.is(indeterminate, "CRYPTO_CONSTRAINTS_FAILURE_NO_POE") }
	return []*attack{
		noPOE(row("m14-p224", "M14", "a P-224 key", signedBy(func() identity { return withKey(curveKey(elliptic.P224(), "P-224")) }, nil))).sees("invalid"),
		row("m14-explicit-curve", "M14", "a certificate with explicit curve parameters whose base point the forger chose (CVE-2020-0601)",
			signedBy(explicitCurve, valueWithoutKey)).is(indeterminate).sees("invalid"),
		row("m14-off-curve", "M14", "a public key that is not on its curve", signedBy(offCurve, nil)).is(indeterminate).is(failed).sees("invalid"),
		noPOE(row("m16-sha1", "M16", "message-digest and signature by SHA-1", weak("SHA-1"))),
		noPOE(row("m16-md5", "M16", "message-digest and RSA signature by MD5", func() []byte {
			w := rsaSigner()
			return honest(signing{who: &w, cms: func(b []byte) *signedData { return signHash(w, b, "MD5", idData) }}).b
		})).sees("mismatch"),
		noPOE(row("m16-chain-sha1", "M16", "the signer's certificate is signed by SHA-1", signedBy(func() identity {
			c := signer.certificate
			c.hash = "SHA-1"
			return identify(c)
		}, nil)).sees("valid")),
		noPOE(row("m16-ess-sha1", "M16", "signing-certificate (v1), right but by SHA-1", onSigner(func(si *signerInfo) {
			si.replace(attrCertificateV2, essV1(signer.raw))
		})).sees("valid")),
		noPOE(row("m16-rsa-1024", "M16", "an RSA key of 1,024 bits", signedBy(func() identity { return withKey(rsaKey(weakRSATestKey)) }, nil))),
		row("m17-twin", "M17", "the twin (r, n-s) of an honest value", valueOf(func(r, s *big.Int) []byte {
			return seq(bigNumber(r), bigNumber(new(big.Int).Sub(p256order, s)))
		})).passes().sees("valid").shows(truth),
		noPOE(row("m18-ed25519", "M18", "an Ed25519 key", signedBy(func() identity { return withKey(ed25519Key("Ed25519")) }, func(sd *signedData) {
			si := sd.signers[0]
			sd.digests, si.digestAlg = [][]byte{digestAlgorithm("SHA-512")}, digestAlgorithm("SHA-512")
			si.replace(attrMessageDigest, attribute(attrMessageDigest, octets(hash("SHA-512", si.content))))
		}))).sees("invalid"),
		noPOE(row("m18-unknown", "M18", "an unknown signature algorithm", onSigner(func(si *signerInfo) { si.sigAlg = seq(oid("1.3.6.1.4.1.99999.7")) }))).sees("invalid"),
	}
}

func withKey(k key) identity {
	c := below(root, "Kepala Contoh", "", serialOdd)
	c.key = k
	return identify(c)
}

// explicitCurve is P-256 with its parameters written out and the base point
// replaced by the public key, so that the private key is 1.
func explicitCurve() identity {
	p := elliptic.P256().Params()
	point := testKey("signer").bits()
	field := seq(oid("1.2.840.10045.1.1"), bigNumber(p.P))
	a := new(big.Int).Sub(p.P, big.NewInt(3))
	curve := seq(octets(a.FillBytes(make([]byte, 32))), octets(p.B.FillBytes(make([]byte, 32))))
	params := seq(number(1), field, curve, octets(point), bigNumber(p.N), number(1))
	c := below(root, "Kepala Contoh", "signer", serialOdd)
	c.spki = seq(seq(oid("1.2.840.10045.2.1"), params), bits(point))
	return identify(c)
}

// valueWithoutKey signs under those parameters with the private key 1 and the
// nonce 1.
func valueWithoutKey(sd *signedData) {
	si := sd.signers[0]
	si.value = func([]byte) []byte {
		r := new(big.Int).SetBytes(testKey("signer").bits()[1:33])
		r.Mod(r, p256order)
		s := new(big.Int).SetBytes(hash("SHA-256", si.attributes(0x31)))
		s.Add(s, r).Mod(s, p256order)
		return seq(bigNumber(r), bigNumber(s))
	}
}

func offCurve() identity {
	point := bytes.Clone(testKey("signer").bits())
	point[len(point)-1] ^= 1
	c := below(root, "Kepala Contoh", "signer", serialOdd)
	c.spki = seq(seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), bits(point))
	return identify(c)
}
