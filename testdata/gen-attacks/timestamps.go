package main

// outOfBounds is the verdict of a letter judged in 2029 whose timestamp is
// worth nothing: the signer's certificate has expired and nothing says when the
// signature existed.
func (a *attack) outOfBounds() *attack {
	return a.when(lateAt).is(indeterminate, "OUT_OF_BOUNDS_NO_POE", "OUT_OF_BOUNDS_NOT_REVOKED")
}

func lateToken(t tokenSpec) func() []byte { return func() []byte { return late(&t) } }

// lateTSA stamps by a TSA whose certificate is bent.
func lateTSA(bend func(*certificate)) func() []byte {
	return func() []byte {
		c := tsaCertificate()
		bend(&c)
		id := identify(c)
		return late(&tokenSpec{by: &id})
	}
}

func lateEdited(edit func(*signedData)) func() []byte { return lateToken(tokenSpec{edit: edit}) }

// timestamps are the attacks on time-stamp tokens. Their letters are judged
// when only a good timestamp can save them; ok-b-t-late is the honest one.
func timestamps() []*attack {
	rows := []*attack{
		row("t01-imprint", "T01", "the token is over other bytes", lateToken(tokenSpec{imprint: hash("SHA-256", []byte("x"))})),
		row("t02-two-usages", "T02", "the TSA's certificate has a second extended usage", lateTSA(func(c *certificate) {
			c.usages = append(c.usages, "1.3.6.1.5.5.7.3.4")
		})),
		row("t02-not-critical", "T02", "the TSA's extended usage is not critical", lateTSA(func(c *certificate) { c.plainUsages = true })),
		row("t02-no-usage", "T02", "the TSA's certificate has no extended usage", lateTSA(func(c *certificate) { c.usages = nil })),
		row("t02-untrusted", "T02", "a TSA below a root that nobody trusts", lateTSA(func(c *certificate) {
			c.issuer, c.issuerKey = name("Uji CA Asing"), testKey("foreign root")
		})),
		row("t02-same-name", "T02", "a TSA below a root with the trusted name and another key", lateTSA(func(c *certificate) { c.issuerKey = testKey("foreign root") })),
		row("t03-no-ess", "T03", "the token has no signing-certificate attribute", lateEdited(func(sd *signedData) { sd.signers[0].replace(attrCertificateV2) })),
		row("t03-ess-mismatch", "T03", "the token's signing-certificate attribute is of another certificate", lateEdited(func(sd *signedData) {
			sd.signers[0].replace(attrCertificateV2, essV2(tsaRoot.raw))
		})),
		row("t05-copied", "T05", "the timestamp of another signature", lateToken(tokenSpec{imprint: hash("SHA-256", signWith(other, []byte("another document")).signers[0].signature())})),
		row("t07-future", "T07", "the token's time is after the moment of judgement", lateToken(tokenSpec{at: "2029-07-01T00:00:00Z"})),
		row("t09-sha1", "T09", "the imprint is by SHA-1", lateToken(tokenSpec{hash: "SHA-1"})),
		row("t10-content-type", "T10", "the token's content type is not TSTInfo", lateToken(tokenSpec{contentType: "1.2.840.113549.1.9.16.1.9"})),
		row("t10-version", "T10", "version 2 of TSTInfo", lateToken(tokenSpec{version: 2})),
		row("t10-two-signers", "T10", "a token with two signers", lateEdited(func(sd *signedData) {
			sd.signers = append(sd.signers, signHash(other, sd.eContent, "SHA-256", idTSTInfo).signers[0])
			sd.certs = append(sd.certs, other.raw)
		})),
		row("t10-altered", "T10", "the token's signature value is wrong", lateEdited(func(sd *signedData) {
			sd.signers[0].value = func(v []byte) []byte { v[len(v)-1] ^= 1; return v }
		})),
		row("t11-stripped", "T11", "the timestamp was taken out, its room filled with zero", func() []byte { return lateWith(signing{room: 2200}) }),
		row("t12-second", "T12", "only the second signature has a timestamp, which proves nothing of the first", func() []byte {
			f := letter(nil)
			f.sign(signing{})
			f.sign(signing{field: "Signature2", who: &other, stamp: &tokenSpec{}})
			f.addDSS(nil, crlSpec{this: "2026-03-02T11:00:00Z", next: crlNext}.der(), lateCRL(root), lateCRL(tsaRoot))
			return f.b
		}).signature("Signature2", passed).sees("valid valid"),
		row("t13-signers-ca", "T13", "a TSA certified by the signers' CA, which is no anchor for TSAs", lateTSA(func(c *certificate) {
			c.issuer, c.issuerKey = root.subject, root.key
		})),
	}
	for _, a := range rows {
		a.outOfBounds()
	}
	return fooled(append(rows, otherTimestamps()...))
}

func contentStamp(t tokenSpec) func(*signedData) {
	return func(sd *signedData) {
		si := sd.signers[0]
		si.attrs = append(si.attrs, attribute(attrContentStamp, t.over(si.content)))
	}
}

func otherTimestamps() []*attack {
	stampedAs := func(kind, sub string) func() []byte {
		return func() []byte {
			f := letter(nil, emptyCRL(), tsaCRL())
			f.sign(signing{field: "Timestamp1", docStamp: &tokenSpec{}, dict: func(d string) string {
				return replaceOnce(replaceOnce(d, "/Type/DocTimeStamp", kind), "ETSI.RFC3161", sub)
			}})
			return f.b
		}
	}
	return []*attack{
		row("t04-copied-document", "T04", "a document timestamp whose token was copied from another document", func() []byte {
			f := archived()
			f.sign(signing{field: "Timestamp1", docStamp: &tokenSpec{at: "2026-03-02T11:30:00Z", imprint: hash("SHA-256", []byte("another document"))}})
			return f.b
		}).passes().is(indeterminate).signature("Timestamp1", failed, "HASH_FAILURE").sees("valid unverified"),
		row("t04-copied-alone", "T04", "the same with no signature in the file", func() []byte {
			f := letter(nil, emptyCRL(), tsaCRL())
			f.sign(signing{field: "Timestamp1", docStamp: &tokenSpec{imprint: hash("SHA-256", []byte("another document"))}})
			return f.b
		}).is(failed, "HASH_FAILURE").sees("unverified"),
		row("t06-type-sig", "T06", "/Type /Sig with /SubFilter ETSI.RFC3161", stampedAs("/Type/Sig", "ETSI.RFC3161")).malformed().sees("unverified"),
		row("t06-type-stamp", "T06", "/Type /DocTimeStamp with /SubFilter ETSI.CAdES.detached", stampedAs("/Type/DocTimeStamp", "ETSI.CAdES.detached")).malformed().sees("mismatch"),
		row("t06-signature-as-stamp", "T06", "an honest signature called /DocTimeStamp", dictionary(func(d string) string {
			return replaceOnce(d, "/Type/Sig", "/Type/DocTimeStamp")
		})).malformed().sees("valid"),
		row("t07-before-certificate", "T07", "the token is older than the signer's certificate", func() []byte {
			return honest(signing{stamp: &tokenSpec{at: "2025-06-01T00:00:00Z", by: oldTSA()}, change: tsaEvidence}).b
		}).is(failed, "NOT_YET_VALID").sees("valid"),
		row("t08-order", "T08", "the content timestamp is later than the signature timestamp", func() []byte {
			return honest(signing{edit: contentStamp(tokenSpec{at: "2026-03-02T10:30:00Z"}), stamp: &tokenSpec{}, change: tsaEvidence}).b
		}).is(indeterminate, "TIMESTAMP_ORDER_FAILURE").sees("valid"),
		row("t08-document-first", "T08", "the document timestamp over all is earlier than the signature timestamp", func() []byte {
			f := archived()
			f.sign(signing{field: "Timestamp1", docStamp: &tokenSpec{at: "2026-03-02T09:30:00Z"}})
			return f.b
		}).is(indeterminate, "TIMESTAMP_ORDER_FAILURE").sees("valid unverified"),
		row("t08-order-right", "T08", "content timestamp, then signature timestamp", func() []byte {
			return honest(signing{edit: contentStamp(tokenSpec{at: "2026-03-02T09:30:00Z"}), stamp: &tokenSpec{}, change: tsaEvidence}).b
		}).passes().sees("valid"),
		row("t12-document-after-one", "T12", "a document timestamp covers the first signature only; the second has none", func() []byte {
			f := letter(nil)
			f.sign(signing{})
			f.sign(signing{field: "Timestamp1", docStamp: &tokenSpec{at: "2026-03-02T10:10:00Z"}})
			f.sign(signing{field: "Signature2", who: &other, at: "2026-03-02T10:20:00Z"})
			f.addDSS(nil, crlSpec{this: "2026-03-02T11:00:00Z", next: crlNext}.der(), lateCRL(root), lateCRL(tsaRoot))
			return f.b
		}).outOfBounds().sees("valid unverified valid").signature("Signature2", indeterminate, "OUT_OF_BOUNDS_NO_POE", "OUT_OF_BOUNDS_NOT_REVOKED"),
	}
}

// oldTSA has a certificate that began before the signers'.
func oldTSA() *identity {
	c := tsaCertificate()
	c.from = "2024-01-01T00:00:00Z"
	id := identify(c)
	return &id
}
