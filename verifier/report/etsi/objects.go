package etsi

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"

	"github.com/absah-id/absah/verifier"
)

// maxEmbedded is the size in bytes up to which a validation object is written
// whole; a longer one, such as a large CRL, is identified by its digest.
const maxEmbedded = 256 << 10

// objects collects the validation objects of a report in the order in which
// they are first referred to, each once.
type objects struct {
	list []*validationObject
	byID map[string]*validationObject
	// stamps are the identifiers of time-stamps; proven what each proves.
	stamps map[*verifier.Timestamp]string
}

func newObjects() *objects {
	return &objects{byID: map[string]*validationObject{}, stamps: map[*verifier.Timestamp]string{}}
}

// add enters an object unless it is there, and returns its identifier.
func (o *objects) add(kind string, der []byte) (id string, fresh *validationObject) {
	sum := sha256.Sum256(der)
	id = kind + "-" + hex.EncodeToString(sum[:16])
	if o.byID[id] != nil {
		return id, nil
	}
	fresh = &validationObject{ID: id, Type: objectType + kind}
	if len(der) > maxEmbedded {
		fresh.Representation.Digest = digest(crypto.SHA256, sum[:])
	} else {
		whole := base64.StdEncoding.EncodeToString(der)
		fresh.Representation.Base64 = &whole
	}
	o.byID[id] = fresh
	o.list = append(o.list, fresh)
	return id, fresh
}

// addSigned enters signed data, of which only the digest is at hand.
func (o *objects) addSigned(m verifier.Material, n int) string {
	id := "signedData-" + strconv.Itoa(n)
	v := &validationObject{ID: id, Type: objectType + "signedData"}
	v.Representation.Digest = digest(m.Hash, m.Digest)
	o.byID[id] = v
	o.list = append(o.list, v)
	return id
}

func (o *objects) addCertificate(c verifier.Certificate) string {
	id, fresh := o.add("certificate", c.DER)
	if fresh != nil {
		fresh.POE = o.proof(c.POE, id)
	}
	return id
}

// addEvidence enters what a status rests on; "" when there is nothing.
func (o *objects) addEvidence(s verifier.CertificateStatus) string {
	if len(s.Evidence) == 0 {
		return ""
	}
	kind := "CRL"
	if s.OCSP {
		kind = "OCSPResponse"
	}
	id, fresh := o.add(kind, s.Evidence)
	if fresh != nil {
		fresh.POE = o.proof(s.POE, id)
	}
	if len(s.SignerDER) > 0 {
		if signer, fresh := o.add("certificate", s.SignerDER); fresh != nil {
			fresh.POE = o.proof(s.POE, signer) // it came with the evidence
		}
	}
	return id
}

// proof writes a proof of existence and enters it at the time-stamp that
// gives it.
func (o *objects) proof(p verifier.POE, of string) *poe {
	out := &poe{Time: dateTime(p.Time), Type: byValidation}
	if stamp := o.byID[o.stamps[p.By]]; p.By != nil && stamp != nil {
		out.Object = &reference{stamp.ID}
		if of != "" {
			prove(stamp, p).Objects = append(stamp.Provisioning.Objects, reference{of})
		}
	}
	return out
}

// proofOfSignature is the best signature time, entered under the field's name.
func (o *objects) proofOfSignature(p verifier.POE, field string) poe {
	out := o.proof(p, "")
	if stamp := o.byID[o.stamps[p.By]]; p.By != nil && stamp != nil && field != "" {
		prove(stamp, p).Signatures = append(stamp.Provisioning.Signatures, signatureReference{field})
	}
	return *out
}

func prove(stamp *validationObject, p verifier.POE) *poeProvisioning {
	if stamp.Provisioning == nil {
		stamp.Provisioning = &poeProvisioning{Time: dateTime(p.Time)}
	}
	return stamp.Provisioning
}

// references turns identifiers into references, leaving out empty and repeated
// ones.
func references(ids []string) []reference {
	var out []reference
	seen := map[string]bool{"": true}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, reference{id})
		}
	}
	return out
}

func digest(h crypto.Hash, sum []byte) *digestAndValue {
	uri := hashURIs[h]
	if uri == "" {
		uri = unidentified
	}
	return &digestAndValue{algorithmURI{uri}, base64.StdEncoding.EncodeToString(sum)}
}
