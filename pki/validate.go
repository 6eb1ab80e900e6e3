package pki

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// pathState holds the variables of RFC 5280 §6.1.2.
type pathState struct {
	opts     PathOptions
	names    nameState
	policies policyState
	maxPath  int
}

// validate performs RFC 5280 §6.1 on path, which runs from the leaf to an anchor, both
// included, but for the signatures, which the caller has checked, as it knows that
// the last certificate is an anchor. Revocation is not looked at.
//
// Validity periods are checked after everything else, so that RuleExpired
// and RuleNotYetValid mean that nothing but the moment is wrong.
func validate(path []*x509.Certificate, o PathOptions) *PathError {
	if len(path) > maxDepth {
		return &PathError{Rule: RulePathLength, Certificate: path[0], Detail: fmt.Sprintf("longer than %d", maxDepth)}
	}
	leaf := path[0]
	if err := checkKey(leaf.PublicKey, o.AllowWeak); err != nil {
		err.Certificate = leaf
		return err
	}
	s := &pathState{opts: o, maxPath: len(path)}
	s.policies = newPolicyState(len(path)-1, o)
	if len(path) > 1 {
		if err := s.anchor(path[len(path)-1]); err != nil {
			return err
		}
	}
	for i := len(path) - 2; i >= 0; i-- {
		if err := s.certificate(path, i); err != nil {
			return err
		}
	}
	if err := checkCritical(leaf); err != nil {
		return err
	}
	if err := checkPurpose(leaf, o.Purpose); err != nil {
		return err
	}
	return checkPeriods(path, o)
}

// anchor applies the constraints in the anchor's own certificate (RFC 5937):
// an authority that limited itself stays limited.
func (s *pathState) anchor(c *x509.Certificate) *PathError {
	if err := s.authority(c, true); err != nil {
		return err
	}
	return s.names.add(c)
}

// certificate is §6.1.3 and, unless it is the last, §6.1.4 for path[i].
func (s *pathState) certificate(path []*x509.Certificate, i int) *PathError {
	c, issuer := path[i], path[i+1]
	last, self := i == 0, selfIssued(c)
	if !sameName(c.RawIssuer, issuer.RawSubject) {
		return &PathError{Rule: RuleNameChaining, Certificate: c}
	}
	if !self || last {
		if err := s.names.check(c); err != nil {
			return err
		}
	}
	if err := s.policies.certificate(c, self, last); err != nil {
		return err
	}
	if last {
		return nil
	}
	if err := s.policies.prepare(c, self); err != nil {
		return err
	}
	if err := s.names.add(c); err != nil {
		return err
	}
	if !self {
		if s.maxPath == 0 {
			return &PathError{Rule: RulePathLength, Certificate: c}
		}
		s.maxPath--
	}
	if err := s.authority(c, false); err != nil {
		return err
	}
	if limitedToOthers(c, s.opts.Purpose) {
		return &PathError{Rule: RuleKeyUsage, Certificate: c, Detail: "an authority for other jobs"}
	}
	return checkCritical(c)
}

// authority is §6.1.4 (k), (m), (n): c may issue, how deep, and with this key.
func (s *pathState) authority(c *x509.Certificate, isAnchor bool) *PathError {
	if c.Version == 3 && !(c.BasicConstraintsValid && c.IsCA) {
		return &PathError{Rule: RuleNotCA, Certificate: c}
	}
	if bytes.Equal(c.RawSubject, emptyName) {
		return &PathError{Rule: RuleNameChaining, Certificate: c, Detail: "an authority without a name"}
	}
	// An X.509v1 anchor was made an authority by whoever trusts it; below an
	// anchor nothing but the certificate could say so.
	if c.Version != 3 && !isAnchor {
		return &PathError{Rule: RuleNotCA, Certificate: c, Detail: "X.509v1"}
	}
	if hasKeyUsage(c) && c.KeyUsage&x509.KeyUsageCertSign == 0 {
		return &PathError{Rule: RuleKeyUsage, Certificate: c, Detail: "key usage lacks keyCertSign"}
	}
	if c.MaxPathLen > 0 || c.MaxPathLenZero {
		s.maxPath = min(s.maxPath, c.MaxPathLen)
	}
	return nil
}

// processed are the extensions that this package understands in a
// certificate; any other that is critical makes it unusable (§6.1.4 (o)).
var processed = map[string]bool{
	"2.5.29.15":            true, // keyUsage
	"2.5.29.17":            true, // subjectAltName
	"2.5.29.19":            true, // basicConstraints
	"2.5.29.30":            true, // nameConstraints
	"2.5.29.31":            true, // cRLDistributionPoints
	"2.5.29.32":            true, // certificatePolicies
	"2.5.29.33":            true, // policyMappings
	"2.5.29.36":            true, // policyConstraints
	"2.5.29.37":            true, // extKeyUsage
	"2.5.29.54":            true, // inhibitAnyPolicy
	"1.3.6.1.5.5.7.48.1.5": true, // ocsp-nocheck
}

var emptyName = []byte{0x30, 0}

// checkCritical refuses unknown critical extensions, any extension that
// stands twice, and an extended key usage that names no usage.
func checkCritical(c *x509.Certificate) *PathError {
	if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 && extensionOf(c, asn1ExtKeyUsage) != nil {
		return &PathError{Rule: RuleExtension, Certificate: c, Detail: "empty extended key usage"}
	}
	seen := make(map[string]bool, len(c.Extensions))
	for _, e := range c.Extensions {
		id := e.Id.String()
		if seen[id] {
			return &PathError{Rule: RuleExtension, Certificate: c, Detail: "twice: " + id}
		}
		seen[id] = true
		if e.Critical && !processed[id] {
			return &PathError{Rule: RuleCritical, Certificate: c, Detail: id}
		}
	}
	return nil
}

func checkPeriods(path []*x509.Certificate, o PathOptions) *PathError {
	if o.IgnoreValidity {
		return nil
	}
	below := path[:max(1, len(path)-1)] // the anchor's own period does not matter
	for i, c := range slices.Backward(below) {
		if i == 0 && o.IgnoreLeafValidity {
			continue
		}
		if err := checkPeriod(c, o.At); err != nil {
			return err
		}
	}
	return nil
}

func checkPeriod(c *x509.Certificate, at time.Time) *PathError {
	switch {
	case at.Before(c.NotBefore):
		return &PathError{Rule: RuleNotYetValid, Certificate: c, Detail: "before " + c.NotBefore.UTC().Format(time.RFC3339)}
	case at.Truncate(time.Second).After(c.NotAfter): // notAfter is the whole of its second
		return &PathError{Rule: RuleExpired, Certificate: c, Detail: "after " + c.NotAfter.UTC().Format(time.RFC3339)}
	}
	return nil
}
