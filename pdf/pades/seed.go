package pades

import (
	"slices"

	"github.com/absah-id/absah/pdf"
)

// Bits of /Ff in a seed value dictionary (Table 237): entries marked so are
// requirements, others are wishes that are not looked at.
const (
	seedFilter = 1 << iota
	seedSubFilter
	seedVersion
	seedReasons
	seedLegal
	seedRevocation
	seedDigest
	seedLockDocument
	seedAppearance
)

// checkSeed compares the request with the requirements of a field's /SV and
// refuses those that are not or cannot be met.
func checkSeed(rev *pdf.Revision, field pdf.Dict, spec *SignatureSpec) error {
	sv, ok, err := pdf.Lookup[pdf.Dict](rev, field, "SV")
	if err != nil || !ok {
		return err
	}
	flags, _, err := pdf.Lookup[pdf.Integer](rev, sv, "Ff")
	if err != nil {
		return err
	}
	require := func(bit pdf.Integer, key pdf.Name, got ...pdf.Object) error {
		if flags&bit == 0 || !pdf.Present(sv[key]) {
			return nil
		}
		return requireSeed(rev, sv, key, got)
	}
	reason := []pdf.Object{}
	if spec.Reason != "" {
		reason = append(reason, pdf.EncodeText(spec.Reason), pdf.String(spec.Reason))
	} else {
		reason = append(reason, pdf.String(".")) // Table 237: one "." means none is given
	}
	for _, err := range []error{
		require(seedFilter, "Filter", filterName),
		require(seedSubFilter, "SubFilter", spec.SubFilter),
		require(seedReasons, "Reasons", reason...),
		require(seedLegal, "LegalAttestation"),
		require(seedRevocation, "AddRevInfo", pdf.Boolean(false)), // PAdES keeps it in the DSS
		require(seedDigest, "DigestMethod", pdf.Name(spec.DigestMethod), pdf.String(spec.DigestMethod)),
		require(seedLockDocument, "LockDocument", pdf.Name("false"), pdf.Name("auto"), pdf.Boolean(false)),
		require(seedAppearance, "AppearanceFilter"),
	} {
		if err != nil {
			return err
		}
	}
	return checkSeedDicts(rev, sv, spec)
}

// requireSeed demands that the value, or one element of it when it is an
// array, is among those that we can give.
func requireSeed(rev *pdf.Revision, sv pdf.Dict, key pdf.Name, got []pdf.Object) error {
	v, err := rev.Resolve(sv[key])
	if err != nil {
		return err
	}
	options, isArray := v.(pdf.Array)
	if !isArray {
		options = pdf.Array{v}
	}
	for _, o := range options {
		if o, err = rev.Resolve(o); err != nil {
			return err
		}
		if slices.ContainsFunc(got, func(g pdf.Object) bool { return pdf.Equal(o, g) }) {
			return nil
		}
	}
	return refuse("seed-value", "The field requires another /%s than this signature has.", string(key))
}

// checkSeedDicts looks at the requirements that are dictionaries of their own:
// the kind of signature (MDP), a timestamp, and the certificate, which this
// package does not see.
func checkSeedDicts(rev *pdf.Revision, sv pdf.Dict, spec *SignatureSpec) error {
	mdp, ok, err := pdf.Lookup[pdf.Dict](rev, sv, "MDP")
	if err != nil {
		return err
	}
	if ok {
		p, _, err := pdf.Lookup[pdf.Integer](rev, mdp, "P")
		if err != nil {
			return err
		}
		if int(p) != spec.Certify {
			return refuse("seed-value", "The field requires a signature with DocMDP P = %d (0: none).", p)
		}
	}
	stamp, err := requiredFlags(rev, sv, "TimeStamp")
	if err != nil {
		return err
	}
	if stamp&1 != 0 && !spec.Timestamped {
		return refuse("seed-value", "The field requires a signature timestamp.")
	}
	cert, err := requiredFlags(rev, sv, "Cert")
	if err != nil {
		return err
	}
	if cert != 0 {
		return refuse("seed-value", "The field requires particular certificates.")
	}
	return nil
}

func requiredFlags(rev *pdf.Revision, sv pdf.Dict, key pdf.Name) (pdf.Integer, error) {
	d, ok, err := pdf.Lookup[pdf.Dict](rev, sv, key)
	if err != nil || !ok {
		return 0, err
	}
	flags, _, err := pdf.Lookup[pdf.Integer](rev, d, "Ff")
	return flags, err
}
