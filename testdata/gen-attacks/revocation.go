package main

// noData is the verdict when no acceptable revocation data is left.
func (a *attack) noData() *attack {
	return a.is(indeterminate, "TRY_LATER", "CERTIFICATE_CHAIN_GENERAL_FAILURE")
}

func ocspRow(name, id, what string, specs ...ocspSpec) *attack {
	return row(name, id, what, func() []byte { return withOCSP(specs...) })
}

func crlRow(name, id, what string, specs ...crlSpec) *attack {
	return row(name, id, what, func() []byte {
		var all [][]byte
		for _, s := range specs {
			all = append(all, s.der())
		}
		f := letter(nil, all...)
		f.sign(signing{})
		return f.b
	})
}

// revocation are the attacks on evidence of revocation. The files hold one
// kind of evidence each and are judged offline.
func revocation() []*attack {
	rows := append(ocspAttacks(), crlAttacks()...)
	for _, a := range rows {
		a.noData()
	}
	return fooled(append(rows, revocations()...))
}

func bentResponder(bend func(*certificate)) *identity {
	c := responderCertificate()
	bend(&c)
	id := identify(c)
	return &id
}

func ocspAttacks() []*attack {
	foreign := bentResponder(func(c *certificate) { c.issuer, c.issuerKey = subCA.subject, subCA.key })
	return []*attack{
		ocspRow("r01-by-signer", "R01", "the signer's own key says that the signer is good", ocspSpec{by: &signer}),
		ocspRow("r01-by-sibling", "R01", "another signer of the same CA says it", ocspSpec{by: &other}),
		ocspRow("r01-by-stranger", "R01", "a self-signed responder says it", ocspSpec{by: &self}),
		ocspRow("r02-other-ca", "R02", "the responder was certified by another CA", ocspSpec{by: foreign, certs: [][]byte{foreign.raw, subCA.raw}}),
		ocspRow("r02-expired", "R02", "the responder's certificate had expired when it answered",
			ocspSpec{by: bentResponder(func(c *certificate) { c.from, c.to = "2025-01-01T00:00:00Z", "2026-02-01T00:00:00Z" })}),
		ocspRow("r02-responder-id", "R02", "ResponderID is of another key", ocspSpec{responder: explicit(2, octets(other.key.id()))}),
		ocspRow("r02-responder-name", "R02", "ResponderID is another name", ocspSpec{responder: explicit(1, other.subject)}),
		ocspRow("r03-key-hash", "R03", "CertID has the key hash of another CA", ocspSpec{keyHash: hash("SHA-1", tsaRoot.key.bits())}),
		ocspRow("r03-name-hash", "R03", "CertID has the name hash of another CA", ocspSpec{nameHash: hash("SHA-1", tsaRoot.subject)}),
		ocspRow("r03-serial", "R03", "CertID has another serial number", ocspSpec{serial: number(serialOther)}),
		ocspRow("r03-hash", "R03", "CertID by a hash that nobody knows", ocspSpec{certIDHash: "1.3.6.1.4.1.99999.8"}),
		ocspRow("r04-unknown", "R04", "the status is unknown", ocspSpec{status: primitive(2, nil)}),
		ocspRow("r05-stale", "R05", "nextUpdate has passed", ocspSpec{this: "2026-02-20T00:00:00Z", next: "2026-02-27T00:00:00Z"}),
		ocspRow("r05-future", "R05", "thisUpdate is in the future", ocspSpec{this: "2026-03-05T00:00:00Z", next: crlNext}),
		ocspRow("r05-no-next", "R05", "no nextUpdate, and three days old", ocspSpec{this: "2026-02-27T10:00:00Z", next: "-"}),
		ocspRow("r06-before", "R06", "in its time but issued ten days before the signature", ocspSpec{this: "2026-02-20T00:00:00Z", next: "2026-04-20T00:00:00Z"}),
		row("r22-loop", "R22", "a responder whose status only it itself can tell", func() []byte {
			loop := bentResponder(func(c *certificate) { c.extra = nil })
			return withOCSP(ocspSpec{by: loop}, ocspSpec{by: loop, serial: number(serialResponder)})
		}),
	}
}

func crlAttacks() []*attack {
	twin := testKey("foreign root")
	dp := func(url string) []byte { return explicit(0, explicit(0, primitive(6, []byte(url)))) }
	return []*attack{
		crlRow("r11-no-crl-sign", "R11", "a CRL by a signer's key, in the CA's name", crlSpec{key: &other.key}),
		crlRow("r11-other-name", "R11", "a CRL by the CA's key in another name", crlSpec{issuer: name("Uji CA Asing")}),
		crlRow("r11-other-key", "R11", "a CRL in the CA's name by another key", crlSpec{key: &twin}),
		crlRow("r11-stale", "R11", "nextUpdate has passed", crlSpec{this: "2026-02-20T00:00:00Z", next: "2026-02-27T00:00:00Z"}),
		crlRow("r12-delta", "R12", "a delta CRL alone", crlSpec{extra: [][]byte{extension("2.5.29.27", true, number(3))}}),
		crlRow("r14-ca-only", "R14", "a CRL for certificates of CAs only", crlSpec{extra: [][]byte{idp(primitive(2, []byte{0xFF}))}}),
		crlRow("r14-attribute-only", "R14", "a CRL for attribute certificates only", crlSpec{extra: [][]byte{idp(primitive(5, []byte{0xFF}))}}),
		crlRow("r14-some-reasons", "R14", "a CRL for some reasons only", crlSpec{extra: [][]byte{idp(primitive(3, []byte{6, 0x40}))}}),
		crlRow("r14-other-point", "R14", "a CRL of another distribution point", crlSpec{extra: [][]byte{idp(dp("http://crl.contoh.invalid/lain.crl"))}}),
		crlRow("r15-critical", "R15", "a CRL with an unknown critical extension", crlSpec{extra: [][]byte{extension("1.3.6.1.4.1.99999.9", true, null())}}),
		crlRow("r15-entry-critical", "R15", "an entry of a CRL with an unknown critical extension",
			crlSpec{entries: [][]byte{revoked(99, issuedAt, extension("1.3.6.1.4.1.99999.9", true, null()))}}),
		row("r19-none", "R19", "no revocation data at all, offline", func() []byte { f := letter(nil); f.sign(signing{}); return f.b }),
	}
}

func revocations() []*attack {
	signerRevoked := func(at string, ext ...[]byte) crlSpec {
		return crlSpec{this: "2026-03-02T11:00:00Z", next: crlNext, entries: [][]byte{revoked(serialSigner, at, ext...)}}
	}
	indirect := func(entries ...[]byte) crlSpec {
		return crlSpec{entries: entries, extra: [][]byte{idp(primitive(4, []byte{0xFF}))}}
	}
	issuer := func(dn []byte) []byte {
		return extension("2.5.29.29", true, seq(explicit(4, dn)))
	}
	after := func(s crlSpec, sign signing) func() []byte {
		return func() []byte {
			f := letter(nil)
			f.sign(sign)
			fresh := crlSpec{issuer: tsaRoot.subject, key: &tsaRoot.key, this: "2026-03-02T11:00:00Z", next: crlNext}
			f.addDSS(nil, s.der(), fresh.der())
			return f.b
		}
	}
	return []*attack{
		ocspRow("r07-replay", "R07", "an old \"good\" beside a newer \"revoked\"",
			ocspSpec{this: "2026-03-01T20:00:00Z"}, ocspSpec{this: "2026-03-02T09:30:00Z", status: revokedStatus("2026-03-02T08:00:00Z", 1)}).is(indeterminate, "REVOKED_NO_POE"),
		row("r09-nocheck", "R09", "a signer's certificate with ocsp-nocheck", signedBy(func() identity {
			c := signer.certificate
			c.extra = append([][]byte{noCheck()}, c.extra...)
			return identify(c)
		}, nil)).is(indeterminate, "CERTIFICATE_CHAIN_GENERAL_FAILURE"),
		row("r10-dropped", "R10", "the certificate expired before the CRL, which need not list it any more", func() []byte {
			f := letter(nil, crlSpec{this: "2029-06-01T09:00:00Z", next: "2029-06-08T09:00:00Z"}.der())
			f.sign(signing{})
			return f.b
		}).when(lateAt).is(indeterminate, "OUT_OF_BOUNDS_NO_POE"),
		row("r11-sha1", "R11", "a CRL signed by SHA-1", func() []byte {
			f := letter(nil, crlSpec{hash: "SHA-1"}.der())
			f.sign(signing{})
			return f.b
		}).noData().is(indeterminate, "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"),
		crlRow("r13-other-issuer", "R13", "an indirect CRL lists our serial number for another issuer",
			indirect(revoked(serialSigner, issuedAt, issuer(tsaRoot.subject)))).passes().is(indeterminate, "TRY_LATER", "CERTIFICATE_CHAIN_GENERAL_FAILURE"),
		crlRow("r13-ours", "R13", "an indirect CRL lists another issuer's certificate, then ours",
			indirect(revoked(77, issuedAt, issuer(tsaRoot.subject)), revoked(serialSigner, issuedAt, issuer(root.subject)))).
			is(indeterminate, "REVOKED_NO_POE", "TRY_LATER", "CERTIFICATE_CHAIN_GENERAL_FAILURE"),
		crlRow("r16-hold", "R16", "the signer's certificate is on hold", signerRevoked("2026-03-01T00:00:00Z", reason(6))).is(indeterminate, "TRY_LATER"),
		row("r17-ca", "R17", "the issuing CA is revoked", func() []byte {
			return chained(nil, crlSpec{entries: [][]byte{revoked(serialSub, "2026-02-01T00:00:00Z", reason(2))}}.der(), subCRL())
		}).is(indeterminate, "REVOKED_CA_NO_POE"),
		crlRow("r18-revoked", "R18", "the signer's certificate is revoked", crlSpec{entries: [][]byte{revoked(serialSigner, "2026-03-01T00:00:00Z", reason(1))}}).is(indeterminate, "REVOKED_NO_POE"),
		row("r18-revoked-later", "R18", "revoked after the signature, no timestamp", after(signerRevoked("2026-03-02T10:30:00Z", reason(1)), signing{})).is(indeterminate, "REVOKED_NO_POE"),
		row("r18-revoked-after-timestamp", "R18", "revoked after the signature timestamp", after(signerRevoked("2026-03-02T10:30:00Z", reason(1)), signing{stamp: &tokenSpec{}})).passes(),
		row("r18-revoked-before-timestamp", "R18", "revoked before the signature timestamp", after(signerRevoked("2026-03-02T09:30:00Z", reason(1)), signing{stamp: &tokenSpec{}})).is(indeterminate, "REVOKED_NO_POE"),
		row("r18-content-timestamp", "R18", "a content timestamp shows that the signature came after the revocation",
			after(signerRevoked("2026-03-02T08:00:00Z", reason(1)), signing{edit: contentStamp(tokenSpec{at: "2026-03-02T09:50:00Z"})})).is(failed, "REVOKED"),
		row("r21-invalidity", "R21", "revoked after the timestamp, with an invalidityDate before it",
			after(signerRevoked("2026-03-02T10:30:00Z", reason(1), invalidity("2026-03-01T00:00:00Z")), signing{stamp: &tokenSpec{}})).passes(),
	}
}
