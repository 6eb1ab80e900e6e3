package etsi

import (
	"crypto"
	"strings"
	"time"

	"github.com/absah-id/absah/verifier"
)

// URIs of TS 119 102-2 (clause in brackets) and our own for what it leaves
// open.
const (
	mainIndication = "urn:etsi:019102:mainindication:"   // §4.3.4.2
	subIndication  = "urn:etsi:019102:subindication:"    // §4.3.4.3
	objectType     = "urn:etsi:019102:validationObject:" // §4.4
	applied        = "urn:etsi:019102:constraintStatus:applied"
	byValidation   = "urn:etsi:019102:poetype:validation" // §4.4.5
	revokedFor     = "urn:etsi:019102:revocationReason:"  // §4.3.4.4.4
	archivalURI    = "urn:etsi:019102:validationprocess:LTA"
	unidentified   = "urn:etsi:019102:algorithm:unidentified"

	// noSignatureURI is not of ETSI, which has no word for a document without
	// signatures; EU DSS writes it and readers of reports know it.
	noSignatureURI = "urn:cef:dss:mainindication:noSignatureFound"

	constraintURI = "urn:absah:constraint:" // + block, + ":" + code
	policyURI     = "urn:absah:policy:"
	reasonURI     = "urn:absah:reason:"
	textURI       = "urn:absah:text"
	subjectURI    = "urn:absah:subject"
	keySizeURI    = "urn:absah:keysize"
	timestampURI  = "urn:absah:validationprocess:timestamp"
)

// signatureIndication is the main indication of a whole signature.
func signatureIndication(i verifier.Indication) string {
	switch i {
	case verifier.Passed:
		return mainIndication + "total-passed"
	case verifier.Failed:
		return mainIndication + "total-failed"
	}
	return mainIndication + "indeterminate"
}

// objectIndication is that of a constraint or a validation object.
func objectIndication(i verifier.Indication) string {
	switch i {
	case verifier.Passed:
		return mainIndication + "passed"
	case verifier.Failed:
		return mainIndication + "failed"
	}
	return mainIndication + "indeterminate"
}

func subIndicationURI(s verifier.SubIndication) string {
	if s == "" {
		return ""
	}
	return subIndication + urn(string(s))
}

// urn keeps of s what may stand in a URN unescaped (RFC 8141 §2).
func urn(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._", r) {
			return r
		}
		return '-'
	}, s)
}

var hashURIs = map[crypto.Hash]string{
	crypto.MD5:      "http://www.w3.org/2001/04/xmldsig-more#md5",
	crypto.SHA1:     "http://www.w3.org/2000/09/xmldsig#sha1",
	crypto.SHA224:   "http://www.w3.org/2001/04/xmldsig-more#sha224",
	crypto.SHA256:   "http://www.w3.org/2001/04/xmlenc#sha256",
	crypto.SHA384:   "http://www.w3.org/2001/04/xmldsig-more#sha384",
	crypto.SHA512:   "http://www.w3.org/2001/04/xmlenc#sha512",
	crypto.SHA3_224: "http://www.w3.org/2007/05/xmldsig-more#sha3-224",
	crypto.SHA3_256: "http://www.w3.org/2007/05/xmldsig-more#sha3-256",
	crypto.SHA3_384: "http://www.w3.org/2007/05/xmldsig-more#sha3-384",
	crypto.SHA3_512: "http://www.w3.org/2007/05/xmldsig-more#sha3-512",

	crypto.RIPEMD160: "http://www.w3.org/2001/04/xmlenc#ripemd160",
}

// schemeURIs name signature schemes by their object identifiers.
var schemeURIs = map[string]string{
	"RSASSA-PKCS1-v1_5": "urn:oid:1.2.840.113549.1.1.1",
	"RSASSA-PSS":        "urn:oid:1.2.840.113549.1.1.10",
	"ECDSA":             "urn:oid:1.2.840.10045.2.1",
	"DSA":               "urn:oid:1.2.840.10040.4.1",
}

func weakURI(w verifier.WeakAlgorithm) string {
	if uri := schemeURIs[w.Scheme]; uri != "" {
		return uri
	}
	if uri := hashURIs[w.Hash]; uri != "" && w.Scheme == "" {
		return uri
	}
	return unidentified
}

// dateTime is an xs:dateTime in UTC. Years that it cannot hold are moved to
// the first or the last that it can.
func dateTime(t time.Time) string {
	t = t.UTC()
	switch {
	case t.Year() < 1:
		t = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > 9999:
		t = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return t.Format("2006-01-02T15:04:05Z")
}
