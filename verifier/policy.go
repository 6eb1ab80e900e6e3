package verifier

import (
	_ "embed"
	"fmt"
	"time"
)

//go:embed policies.json
var policyFile []byte

// Policy is a validation policy: what the processes leave to the one who
// validates. Policies are data; [PolicyNamed] returns the two that are
// embedded. The zero Policy stands for "gov".
type Policy struct {
	Name string
	// FormValues allows later form values where DocMDP and locks do.
	FormValues bool
	// SignatureOverlap allows a later visible signature over the look of another.
	SignatureOverlap bool
	// DefaultDocMDP is the permission assumed of a document without DocMDP.
	DefaultDocMDP int
	// SignerEvidenceAge is how much older than the best signature time a
	// signer's revocation status may be, though not expired by then.
	SignerEvidenceAge time.Duration
	// EvidenceLifetime is how long a status without nextUpdate counts.
	EvidenceLifetime time.Duration
	// ClockSkew is how far the clocks of others may be ahead.
	ClockSkew time.Duration
	// TimestampDelay is how long after the claimed signing time the first
	// timestamp may come; 0 asks nothing (EN 319 102-1 §5.5.4 step 6).
	TimestampDelay time.Duration
	// SignaturePolicies are the identifiers, in dotted form, of signature
	// policies under which signatures are judged by this policy all the same;
	// one under any other is INDETERMINATE (§5.2.4).
	SignaturePolicies []string

	algorithms []signatureData
}

type policyData struct {
	Name              string          `json:"name"`
	FormValues        bool            `json:"formValues"`
	SignatureOverlap  bool            `json:"signatureOverlap"`
	DefaultDocMDP     int             `json:"defaultDocMDP"`
	SignerEvidenceAge string          `json:"signerEvidenceAge"`
	EvidenceLifetime  string          `json:"evidenceLifetime"`
	ClockSkew         string          `json:"clockSkew"`
	TimestampDelay    string          `json:"timestampDelay"`
	SignaturePolicies []string        `json:"signaturePolicies"`
	Algorithms        []signatureData `json:"algorithms"`
}

// ParsePolicies reads a JSON array of policies. Durations are those of
// [time.ParseDuration]; algorithms override entries of the catalogue. Unknown
// keys are refused.
func ParsePolicies(data []byte) ([]Policy, error) {
	var all []policyData
	if err := strictJSON(data, &all); err != nil {
		return nil, fmt.Errorf("policies: %w", err)
	}
	var out []Policy
	for _, d := range all {
		p := Policy{Name: d.Name, FormValues: d.FormValues, SignatureOverlap: d.SignatureOverlap, DefaultDocMDP: d.DefaultDocMDP, SignaturePolicies: d.SignaturePolicies, algorithms: d.Algorithms}
		for _, f := range []struct {
			text string
			to   *time.Duration
		}{
			{d.SignerEvidenceAge, &p.SignerEvidenceAge}, {d.EvidenceLifetime, &p.EvidenceLifetime},
			{d.ClockSkew, &p.ClockSkew}, {d.TimestampDelay, &p.TimestampDelay},
		} {
			if f.text == "" {
				continue
			}
			var err error
			if *f.to, err = time.ParseDuration(f.text); err != nil || *f.to < 0 {
				return nil, fmt.Errorf("policy %q: duration %q", d.Name, f.text)
			}
		}
		if d.Name == "" || d.DefaultDocMDP < 1 || d.DefaultDocMDP > 3 {
			return nil, fmt.Errorf("policy %q: needs a name and a defaultDocMDP of 1 to 3", d.Name)
		}
		out = append(out, p)
	}
	return out, nil
}

// PolicyNamed returns an embedded policy: "gov" refuses form values filled in
// after a signature, "forms" takes them where DocMDP and locks allow.
func PolicyNamed(name string) (Policy, error) {
	all, err := ParsePolicies(policyFile)
	if err != nil {
		return Policy{}, err
	}
	for _, p := range all {
		if p.Name == name {
			return p, nil
		}
	}
	return Policy{}, fmt.Errorf("no policy is called %q; there are gov and forms", name)
}
