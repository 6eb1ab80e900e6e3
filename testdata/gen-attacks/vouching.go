package main

// vouching are revocation data whose own makers were not looked at long enough,
// or that say less than they seem to.
func vouching() []*attack {
	return fooled([]*attack{
		row("r23-responder-old-list", "R23", "a fresh OCSP response of a responder that was revoked in February; of the responder's own status the file has January's list alone", func() []byte {
			return answered(nil)
		}).is(indeterminate, "TRY_LATER"),
		row("r23-responder-revoked", "R23", "the same with the list of February, which says so", func() []byte {
			return answered([][]byte{revoked(serialResponder, "2026-02-01T00:00:00Z", reason(1))})
		}).is(indeterminate, "TRY_LATER"),
		row("r24-reasons-stale", "R24", "a fresh list for most reasons, and one of January for key compromise", func() []byte {
			keyCompromise := idp(primitive(3, []byte{6, 0x40}))
			rest := idp(primitive(3, []byte{7, 0x3F, 0x80}))
			return listed(
				crlSpec{this: "2026-01-05T00:00:00Z", next: "2026-01-12T00:00:00Z", extra: [][]byte{keyCompromise}}.der(),
				crlSpec{this: "2026-03-02T11:00:00Z", next: "2026-03-09T11:00:00Z", extra: [][]byte{rest}}.der())
		}).is(indeterminate, "TRY_LATER"),
		row("r25-other-anchor", "R25", "a list in the name of the issuing authority, by an authority of that name below the anchor of time-stamps", otherAnchor).
			is(indeterminate, "TRY_LATER"),
		row("r26-tsa-old-list", "R26", "signer revoked in February; a time-stamp says January, and so does the only list about its authority", func() []byte {
			f := letter(nil)
			f.sign(signing{stamp: &tokenSpec{at: "2026-01-15T10:00:00Z"}, at: "2026-01-15T10:00:00Z"})
			f.addDSS(nil, crlSpec{this: "2026-03-02T11:00:00Z", next: crlNext, entries: [][]byte{revoked(serialSigner, "2026-02-01T00:00:00Z", reason(1))}}.der(),
				crlSpec{issuer: tsaRoot.subject, key: &tsaRoot.key, this: "2026-01-14T00:00:00Z", next: "2026-01-21T00:00:00Z"}.der())
			return f.b
		}).is(indeterminate, "REVOKED_NO_POE"),
		row("r26-tsa-fresh-list", "R26", "the same with a list about the authority that is current: the signature is older than the revocation", func() []byte {
			f := letter(nil)
			f.sign(signing{stamp: &tokenSpec{at: "2026-01-15T10:00:00Z"}, at: "2026-01-15T10:00:00Z"})
			f.addDSS(nil, crlSpec{this: "2026-03-02T11:00:00Z", next: crlNext, entries: [][]byte{revoked(serialSigner, "2026-02-01T00:00:00Z", reason(1))}}.der(),
				crlSpec{issuer: tsaRoot.subject, key: &tsaRoot.key, this: "2026-03-02T11:00:00Z", next: crlNext}.der())
			return f.b
		}).passes(),
		row("r27-removed-again", "R27", "a complete list revokes the signer and takes that back with removeFromCRL", func() []byte {
			return takenBack(revoked(serialSigner, "2026-02-01T00:00:00Z", reason(1)), revoked(serialSigner, "2026-02-02T00:00:00Z", reason(8)))
		}).is(indeterminate, "REVOKED_NO_POE"),
		row("r27-removed-first", "R27", "the same in the other order", func() []byte {
			return takenBack(revoked(serialSigner, "2026-02-02T00:00:00Z", reason(8)), revoked(serialSigner, "2026-02-01T00:00:00Z", reason(1)))
		}).is(indeterminate, "REVOKED_NO_POE"),
		row("r27-removed-only", "R27", "a complete list has removeFromCRL and no revocation", func() []byte {
			return takenBack(revoked(serialSigner, "2026-02-02T00:00:00Z", reason(8)))
		}).is(indeterminate, "TRY_LATER"),
		row("r28-produced-before", "R28", "an OCSP response produced two months before the moment as of which it says good", func() []byte {
			f := letterWith(nil, [][]byte{ocspSpec{produced: "2026-01-02T00:00:00Z", this: "2026-03-02T11:00:00Z"}.der()}, nil)
			f.sign(signing{})
			return f.b
		}).is(indeterminate, "TRY_LATER"),
		row("p11-for-servers", "P11", "the issuing authority is limited to certificates of servers", chainedBy(func(c *certificate) {
			c.usages = []string{"1.3.6.1.5.5.7.3.1"}
		})).is(indeterminate, "CERTIFICATE_CHAIN_GENERAL_FAILURE"),
		row("p12-client", "P12", "the signer's certificate is for clients of servers and nothing else", func() []byte {
			c := below(root, "Pejabat Contoh", "signer", serialSigner)
			c.usages = []string{"1.3.6.1.5.5.7.3.2"}
			id := identify(c)
			return honest(signing{who: &id}).b
		}).is(indeterminate, "CHAIN_CONSTRAINTS_FAILURE"),
	})
}

// answered is a letter with a fresh answer of a responder whose certificate names
// an address of revocation data, and a list of January; one of February too when
// it has entries.
func answered(february [][]byte) []byte {
	c := responderCertificate()
	c.extra = [][]byte{cdp(crlURL)}
	id := identify(c)
	lists := [][]byte{crlSpec{this: "2026-01-05T00:00:00Z", next: "2026-01-12T00:00:00Z"}.der()}
	if february != nil {
		lists = append(lists, crlSpec{this: "2026-02-05T00:00:00Z", next: "2026-02-12T00:00:00Z", entries: february}.der())
	}
	f := letterWith(nil, [][]byte{ocspSpec{by: &id, this: "2026-03-02T11:00:00Z", produced: "2026-03-02T11:00:00Z"}.der()}, lists)
	f.sign(signing{})
	return f.b
}

// listed is a letter with lists.
func listed(lists ...[]byte) []byte {
	f := letter(nil, lists...)
	f.sign(signing{})
	return f.b
}

func takenBack(entries ...[]byte) []byte {
	return listed(crlSpec{this: "2026-03-02T11:00:00Z", next: crlNext, entries: entries}.der())
}

func otherAnchor() []byte {
	namesake := identify(certificate{
		subject: subCA.subject, issuer: tsaRoot.subject, key: testKey("namesake"), issuerKey: tsaRoot.key,
		serial: number(777), ca: true, pathLen: -1, to: "2036-01-01T00:00:00Z",
	})
	who := identify(below(subCA, "Pejabat Contoh", "signer", serialSigner))
	forged := crlSpec{issuer: subCA.subject, key: &namesake.key, this: "2026-03-02T11:00:00Z", next: crlNext}.der()
	f := letter(nil, emptyCRL(), tsaCRL(), forged)
	f.sign(signing{who: &who, edit: func(sd *signedData) { sd.certs = append(sd.certs, subCA.raw, namesake.raw) }})
	return f.b
}
