package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// DetailCredential begins the names by which records of new applications and
// credentials have the digests of the latter: their identifiers follow.
const DetailCredential = "credential-"

// Digest is how records name a policy: the SHA-256 of its JSON in hexadecimal.
func (p Policy) Digest() string {
	b, err := json.Marshal(p)
	if err != nil {
		panic("gateway: " + err.Error()) // it has only texts and numbers
	}
	return hexDigest(b)
}

// Names under which records say what rows beside them say too.
const (
	DetailBatch      = "batch"       // Operation.Batch
	DetailActivation = "activation"  // the activation that was used, or made
	DetailRenewal    = "renew-by"    // Renewal.Due of what was released (RFC 3339)
	DetailEvents     = "case-events" // lines that the act adds to the history of its case
	DetailFiles      = "case-files"  // files that it adds
	DetailBody       = "body-sha256" // CaseRow.Sealed as the act leaves it; not of a new case
)

// DetailSigner is the name under which the record of a new signer has its digest.
const DetailSigner = "signer-sha256"

// Digest is how records name who a signer is, whom the certificate desk and the page
// of a letter show: the SHA-256, in hexadecimal, of all that never changes. The NIK
// stands in it as its keyed hash.
func (s Signer) Digest() string {
	return hexDigest([]byte(strings.Join([]string{
		s.ID, s.Organisation, string(s.Kind), strconv.Quote(s.Name), strconv.Quote(s.Office), hex.EncodeToString(s.NIKHash),
	}, "\n")))
}

// fixed is the SHA-256, in hexadecimal, of all that never changes of a case's row: who
// finds it by its code, whose it is, and which document it is about.
func (r CaseRow) fixed() string {
	return hexDigest([]byte(strings.Join([]string{
		r.ID, r.Organisation, r.number(), hex.EncodeToString(r.Code[:]), string(r.Kind), strconv.FormatInt(r.OpenedAt.UnixMicro(), 10), strconv.Quote(r.Document),
	}, "\n")))
}

// Digest is how records name a credential: the SHA-256, in hexadecimal, of all that
// a revocation does not change. The secret, of which the row has a hash, is random.
func (c Credential) Digest() string {
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return strconv.FormatInt(t.UnixMicro(), 10)
	}
	return hexDigest([]byte(strings.Join([]string{
		c.ID, c.Organisation, c.Application, string(c.Kind), strconv.Quote(c.Lookup), hex.EncodeToString(c.Hash[:]), at(c.CreatedAt), at(c.ExpiresAt),
	}, "\n")))
}

func hexDigest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// detail is what the record of a new application says of it.
func (a *Application) detail(credentials []Credential) map[string]string {
	d := map[string]string{
		"application": a.ID, "name": a.Name, "role": string(a.Role), "policy-sha256": a.Policy.Digest(), "mtls": strconv.FormatBool(a.RequireMTLS),
	}
	for _, c := range credentials {
		d[DetailCredential+c.ID] = c.Digest()
	}
	return d
}
