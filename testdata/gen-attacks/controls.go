package main

import "fmt"

// controls are honest files that must pass: a verifier that refuses them
// refuses letters, not attacks.
func controls() []*attack {
	form := row("ok-form-filled", "OK", "a text field filled after signing, its appearance as a viewer draws it",
		func() []byte { f := formLetter(""); f.sign(signing{}); f.fillForm(nama, "Budi"); return f.b }).
		is(failed, "FORMAT_FAILURE").sees("valid").shows("Budi")
	return append([]*attack{
		row("ok-b-b", "OK", "B-B: one invisible signature", func() []byte { return honest(signing{}).b }).passes().sees("valid").shows(truth),
		row("ok-b-t", "OK", "B-T: with a signature timestamp", func() []byte { return honest(signing{stamp: &tokenSpec{}, change: tsaEvidence}).b }).passes().sees("valid"),
		row("ok-b-lt", "OK", "B-LT: timestamp, then revocation data of an hour later", func() []byte { return archived().b }).passes().sees("valid"),
		row("ok-b-lta", "OK", "B-LTA: a document timestamp over all", func() []byte { return stamped().b }).passes().sees("valid").sees("valid unverified"),
		row("ok-b-b-late", "OK", "B-B judged when the certificate has expired: not known to have been good",
			func() []byte { return late(nil) }).when(lateAt).is(indeterminate, "OUT_OF_BOUNDS_NO_POE", "OUT_OF_BOUNDS_NOT_REVOKED").sees("valid"),
		row("ok-b-t-late", "OK", "B-T judged when the signer's certificate has expired, with fresh revocation data for the TSA",
			func() []byte { return late(&tokenSpec{}) }).when(lateAt).passes().sees("valid"),
		row("ok-two", "OK", "two signatures, one after the other", func() []byte {
			f := honest(signing{})
			f.sign(signing{field: "Signature2", who: &other})
			return f.b
		}).passes().sees("valid valid").signature("Signature1", passed).signature("Signature2", passed),
		row("ok-no-final-eol", "OK", "the signed revision ends with %%EOF and no EOL, and nothing follows", func() []byte {
			f := letter(nil, emptyCRL())
			f.noEOL = true
			f.sign(signing{})
			return f.b
		}).passes().sees("valid"),
		row("ok-one-eol-more", "OK", "one EOL follows the signed %%EOF", func() []byte {
			f := letter(nil, emptyCRL())
			f.noEOL = true
			f.sign(signing{})
			return append(f.b, '\n')
		}).passes().sees("valid"),
		row("ok-xref-stream", "OK", "signed in a revision with a cross-reference stream", func() []byte {
			f := letter(nil, emptyCRL())
			f.xrefs = true
			f.sign(signing{})
			return f.b
		}).passes().sees("valid"),
		row("ok-moved-catalog", "OK", "a later revision has an equal catalog under another number", func() []byte {
			f := honest(signing{})
			n := f.alloc()
			f.commit(revision{root: fmt.Sprintf("%d 0 R", n), set: map[int]string{n: f.body[objCatalog]}})
			return f.b
		}).passes().sees("valid"),
		row("ok-pkcs7-detached", "OK", "adbe.pkcs7.detached with signing-certificate-v2", func() []byte {
			return honest(signing{dict: subFilter("adbe.pkcs7.detached")}).b
		}).passes().sees("valid"),
		row("ok-rsa", "OK", "RSA-2048 with PKCS #1 v1.5", func() []byte { w := rsaSigner(); return honest(signing{who: &w}).b }).passes().sees("valid"),
		row("ok-pss", "OK", "RSASSA-PSS with SHA-256 throughout", func() []byte { return signedPSS("SHA-256") }).passes().sees("valid"),
		row("ok-sub-ca", "OK", "a signer below an issuing CA", func() []byte { return chained(nil, emptyCRL(), subCRL()) }).passes().sees("valid"),
		row("ok-ocsp", "OK", "an OCSP response of a delegated responder as the only revocation data",
			func() []byte { return withOCSP(ocspSpec{}) }).passes().sees("valid"),
		row("ok-ocsp-by-ca", "OK", "an OCSP response that the CA signed itself",
			func() []byte { return withOCSP(ocspSpec{by: &root}) }).passes().sees("valid"),
		form,
		again("ok-form-filled-forms", form).under("forms").passes(),
	}, certifiedControls()...)
}

func certifiedControls() []*attack {
	return []*attack{
		row("ok-certified-1", "OK", "certified P=1, then revocation data and a document timestamp", func() []byte {
			f := honest(certify(1))
			f.addDSS(nil, tsaCRL())
			f.sign(signing{field: "Timestamp1", docStamp: &tokenSpec{at: "2026-03-02T11:00:00Z"}})
			return f.b
		}).passes().sees("valid unverified"),
		row("ok-certified-2-signed", "OK", "certified P=2, then an empty field of the certified document is signed", func() []byte {
			f := letter(nil, emptyCRL())
			empty := f.emptyField("Signature2")
			f.sign(certify(2))
			f.sign(signing{into: empty, who: &other})
			return f.b
		}).passes().sees("valid valid"),
		row("ok-certified-2-form", "OK", "certified P=2, then a text field is filled", func() []byte {
			f := formLetter("")
			f.sign(certify(2))
			f.fillForm(nama, "Budi")
			return f.b
		}).under("forms").passes().sees("valid").shows("Budi"),
		row("ok-certified-3-form", "OK", "certified P=3, then a text field is filled", func() []byte {
			f := formLetter("")
			f.sign(certify(3))
			f.fillForm(nama, "Budi")
			return f.b
		}).under("forms").passes().sees("valid"),
		row("ok-lock-other-field", "OK", "FieldMDP locks field a; field ab is filled (names have dot boundaries, not prefixes)", func() []byte {
			return locked("/Action/Include/Fields[(a)]", "ab")
		}).under("forms").passes().sees("valid"),
	}
}

func subFilter(name string) func(string) string {
	return func(d string) string { return replaceOnce(d, "ETSI.CAdES.detached", name) }
}

// tsaEvidence puts the TSA's CRL into the DSS of the revision that is signed.
func tsaEvidence(r *revision) {
	const n = 50 // above the other objects
	r.set[n] = stream("", string(tsaCRL()))
	r.set[objDSS] = fmt.Sprintf("<</Type/DSS/CRLs[%d 0 R %d 0 R]>>", objCRL, n)
}

// archived is B-LT: signed with a timestamp, an hour later the CRLs.
func archived() *file {
	f := letter(nil)
	f.sign(signing{stamp: &tokenSpec{}})
	fresh := func(ca identity) []byte {
		return crlSpec{issuer: ca.subject, key: &ca.key, this: "2026-03-02T11:00:00Z", next: crlNext}.der()
	}
	f.addDSS(nil, fresh(root), fresh(tsaRoot))
	return f
}

// stamped is B-LTA.
func stamped() *file {
	f := archived()
	f.sign(signing{field: "Timestamp1", docStamp: &tokenSpec{at: "2026-03-02T11:30:00Z"}})
	return f
}

// late is a letter with revocation data of the day of signing, to which that of
// 2029 was added; stamp nil leaves the timestamp out.
func late(stamp *tokenSpec) []byte { return lateWith(signing{stamp: stamp}) }

func lateWith(s signing) []byte {
	fresh := crlSpec{this: "2026-03-02T11:00:00Z", next: crlNext}.der()
	f := letter(nil)
	f.sign(s)
	f.addDSS(nil, fresh, lateCRL(root), lateCRL(tsaRoot))
	return f.b
}

// rsaSigner is a signer with an RSA key.
func rsaSigner() identity {
	c := below(root, "Kepala Contoh", "", serialRSA)
	c.key = rsaKey(rsaTestKey)
	return identify(c)
}

func subCRL() []byte { return crlSpec{issuer: subCA.subject, key: &subCA.key}.der() }

// chained is a letter whose signer stands below subCA; bend changes the
// issuing CA's certificate.
func chained(bend func(*certificate), crls ...[]byte) []byte {
	sub := subCA
	if bend != nil {
		c := subCertificate()
		bend(&c)
		sub = identify(c)
	}
	who := identify(below(sub, "Pejabat Contoh", "signer", serialSigner))
	f := letter(nil, crls...)
	f.sign(signing{who: &who, edit: func(sd *signedData) { sd.certs = append(sd.certs, sub.raw) }})
	return f.b
}

// withOCSP is a letter whose DSS holds these OCSP responses and no CRL.
func withOCSP(specs ...ocspSpec) []byte {
	var all [][]byte
	for _, s := range specs {
		all = append(all, s.der())
	}
	f := letterWith(nil, all, nil)
	f.sign(signing{})
	return f.b
}

// certify is a certification signature (ISO 32000-2 §12.8.2.2) in certObject.
func certify(p int) signing {
	return certifyParams(fmt.Sprintf("/P %d", p))
}

const certObject = 60

func certifyParams(params string) signing {
	return signing{number: certObject,
		entries: "/Reference[<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/V/1.2" + params + ">>>>]",
		change: func(r *revision) {
			r.set[objCatalog] = fmt.Sprintf("<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/DSS 7 0 R/Perms<</DocMDP %d 0 R>>>>", certObject)
		}}
}
