package verifier

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/absah-id/absah/cms"
)

//go:embed catalogue.json
var catalogueFile []byte

// Catalogue says until when an algorithm can be relied upon (EN 319 102-1
// §5.2.8.4.2, TS 119 312). What is not in it cannot. It is immutable.
type Catalogue struct {
	name       string
	asOf       time.Time
	digests    map[string]time.Time
	signatures []signatureEntry // by scheme, ascending bits
}

// signatureEntry applies to keys of at least bits, up to the next entry of
// the scheme.
type signatureEntry struct {
	scheme string
	bits   int
	until  time.Time // zero: no end
}

type catalogueData struct {
	Name       string          `json:"name"`
	AsOf       string          `json:"asOf"`
	Digests    []digestData    `json:"digests"`
	Signatures []signatureData `json:"signatures"`
}

type digestData struct {
	Name  string `json:"name"`
	Until string `json:"until"`
}

type signatureData struct {
	Scheme string `json:"scheme"`
	Bits   int    `json:"bits"`
	Until  string `json:"until"`
}

// DefaultCatalogue returns the embedded list of TS 119 312.
func DefaultCatalogue() *Catalogue {
	c, err := ParseCatalogue(catalogueFile)
	if err != nil {
		panic(err) // the embedded file is covered by a test
	}
	return c
}

// ParseCatalogue reads a catalogue: a JSON object with name, asOf, digests
// (name, until) and signatures (scheme, bits, until). An entry for signatures
// counts from its number of bits up to the next entry of the same scheme; an
// absent until means no end. Dates are YYYY-MM-DD, the first day on which the
// algorithm is not reliable. Unknown keys are refused.
func ParseCatalogue(data []byte) (*Catalogue, error) {
	var d catalogueData
	if err := strictJSON(data, &d); err != nil {
		return nil, fmt.Errorf("algorithm catalogue: %w", err)
	}
	c := &Catalogue{name: d.Name, digests: make(map[string]time.Time)}
	var err error
	if c.asOf, err = time.Parse(time.DateOnly, d.AsOf); err != nil {
		return nil, fmt.Errorf("algorithm catalogue: asOf: %w", err)
	}
	for _, e := range d.Digests {
		until, err := parseUntil(e.Until)
		if err != nil {
			return nil, fmt.Errorf("algorithm catalogue: %s: %w", e.Name, err)
		}
		c.digests[e.Name] = until
	}
	return c.extend(d.Signatures)
}

// extend returns the catalogue with entries replaced or added.
func (c *Catalogue) extend(entries []signatureData) (*Catalogue, error) {
	out := *c
	out.signatures = append([]signatureEntry(nil), c.signatures...)
next:
	for _, e := range entries {
		until, err := parseUntil(e.Until)
		if err != nil {
			return nil, fmt.Errorf("algorithm catalogue: %s: %w", e.Scheme, err)
		}
		for i := range out.signatures {
			if have := &out.signatures[i]; have.scheme == e.Scheme && have.bits == e.Bits {
				have.until = until
				continue next
			}
		}
		out.signatures = append(out.signatures, signatureEntry{e.Scheme, e.Bits, until})
	}
	return &out, nil
}

func parseUntil(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.DateOnly, s)
}

func strictJSON(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// Name returns the name of the list.
func (c *Catalogue) Name() string { return c.name }

// AsOf returns the date of the list.
func (c *Catalogue) AsOf() time.Time { return c.asOf }

// algorithm is what a catalogue judges: a digest alone, or a digest with
// signature scheme and key.
type algorithm struct {
	hash   crypto.Hash
	scheme string // "" for a digest alone
	bits   int
	name   string // of what cannot be classified; the algorithm is then in no list
}

func (a algorithm) String() string {
	switch {
	case a.name != "":
		return a.name
	case a.scheme == "":
		return a.hash.String()
	}
	return fmt.Sprintf("%s-%d with %s", a.scheme, a.bits, a.hash)
}

// until returns the first moment at which a is not reliable; the zero time
// when it has no end, and ok false when it is not in the catalogue.
func (c *Catalogue) until(a algorithm) (end time.Time, ok bool) {
	if a.name != "" {
		return time.Time{}, false
	}
	end, ok = c.digests[a.hash.String()]
	if !ok || a.scheme == "" {
		return end, ok
	}
	var best *signatureEntry
	for i := range c.signatures {
		e := &c.signatures[i]
		if e.scheme == a.scheme && e.bits <= a.bits && (best == nil || e.bits > best.bits) {
			best = e
		}
	}
	if best == nil {
		return time.Time{}, false
	}
	return earlier(end, best.until), true
}

// earlier returns the earlier of two ends, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// reliable reports whether a can be relied upon at the moment.
func (c *Catalogue) reliable(a algorithm, at time.Time) bool {
	end, ok := c.until(a)
	return ok && (end.IsZero() || at.Before(end))
}

// signatureAlgorithm classifies a CMS algorithm with the signer's key.
func signatureAlgorithm(a cms.Algorithm, key crypto.PublicKey) algorithm {
	scheme := map[cms.Scheme]string{
		cms.SchemeRSAPKCS1v15: "RSASSA-PKCS1-v1_5", cms.SchemeRSAPSS: "RSASSA-PSS",
		cms.SchemeECDSA: "ECDSA", cms.SchemePlainECDSA: "ECDSA", cms.SchemeDSA: "DSA",
	}[a.Scheme()]
	if scheme == "" {
		return algorithm{name: a.String()}
	}
	return algorithm{hash: a.Hash(), scheme: scheme, bits: keyBits(key)}
}

// x509Algorithms are the signature algorithms of certificates, OCSP responses
// and CRLs that crypto/x509 names.
var x509Algorithms = map[x509.SignatureAlgorithm]algorithm{
	x509.MD5WithRSA:       {hash: crypto.MD5, scheme: "RSASSA-PKCS1-v1_5"},
	x509.SHA1WithRSA:      {hash: crypto.SHA1, scheme: "RSASSA-PKCS1-v1_5"},
	x509.SHA256WithRSA:    {hash: crypto.SHA256, scheme: "RSASSA-PKCS1-v1_5"},
	x509.SHA384WithRSA:    {hash: crypto.SHA384, scheme: "RSASSA-PKCS1-v1_5"},
	x509.SHA512WithRSA:    {hash: crypto.SHA512, scheme: "RSASSA-PKCS1-v1_5"},
	x509.SHA256WithRSAPSS: {hash: crypto.SHA256, scheme: "RSASSA-PSS"},
	x509.SHA384WithRSAPSS: {hash: crypto.SHA384, scheme: "RSASSA-PSS"},
	x509.SHA512WithRSAPSS: {hash: crypto.SHA512, scheme: "RSASSA-PSS"},
	x509.ECDSAWithSHA1:    {hash: crypto.SHA1, scheme: "ECDSA"},
	x509.ECDSAWithSHA256:  {hash: crypto.SHA256, scheme: "ECDSA"},
	x509.ECDSAWithSHA384:  {hash: crypto.SHA384, scheme: "ECDSA"},
	x509.ECDSAWithSHA512:  {hash: crypto.SHA512, scheme: "ECDSA"},
	x509.DSAWithSHA1:      {hash: crypto.SHA1, scheme: "DSA"},
	x509.DSAWithSHA256:    {hash: crypto.SHA256, scheme: "DSA"},
}

// certificateAlgorithm classifies the algorithm of a signature on X.509 data
// by the key of its issuer.
func certificateAlgorithm(a x509.SignatureAlgorithm, issuer *x509.Certificate) algorithm {
	out, known := x509Algorithms[a]
	if !known {
		return algorithm{name: a.String()}
	}
	key, err := cms.PublicKey(issuer)
	if err != nil {
		return algorithm{name: a.String()}
	}
	out.bits = keyBits(key)
	return out
}

// keyBits is the size of a key as catalogues count it, 0 when not known: so
// DSA keys, whatever their size, are in no catalogue.
func keyBits(key crypto.PublicKey) int {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen()
	case *cms.PSSPublicKey:
		return k.Key.N.BitLen()
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize
	case *cms.BrainpoolPublicKey:
		return k.Bits()
	}
	return 0
}
