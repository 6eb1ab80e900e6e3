package pki

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// PathOptions say under which conditions a path is good. The zero value asks
// for validity at the zero time, so At must be set unless IgnoreValidity is.
type PathOptions struct {
	// At is the moment at which every certificate below the anchor must be
	// valid (shell model).
	At time.Time
	// IgnoreLeafValidity leaves the validity period of the last certificate
	// to the caller (EN 319 102-1 §5.2.6.4 step 4).
	IgnoreLeafValidity bool
	// IgnoreValidity leaves all validity periods to the caller.
	IgnoreValidity bool
	// Purpose of the last certificate's key.
	Purpose Purpose
	// AllowWeak accepts signatures with SHA-1, RSA from 1024 bits and P-224,
	// for callers that judge algorithms by their own catalogue.
	AllowWeak bool
	// InitialPolicies is the user-initial-policy-set of RFC 5280 §6.1.1 (c);
	// nil means any-policy.
	InitialPolicies []x509.OID
	// ExplicitPolicy, InhibitPolicyMapping and InhibitAnyPolicy are the
	// initial settings of RFC 5280 §6.1.1 (e) to (g).
	ExplicitPolicy, InhibitPolicyMapping, InhibitAnyPolicy bool
	// Session that the question belongs to; nil means none.
	Session *Session
}

func (o PathOptions) rules() signatureRules { return signatureRules{o.AllowWeak, o.Session} }

// Chain returns the path from leaf to an anchor, both included, that is valid
// at the moment for the purpose. A leaf that is itself an anchor gives a
// path of one. The pool holds certificates that may stand between; nothing
// in it is trusted. It is [BuildPath] with strong algorithms only and any
// policy. The error is a *PathError.
func Chain(leaf *x509.Certificate, pool []*x509.Certificate, a *Anchors, at time.Time, purpose Purpose) ([]*x509.Certificate, error) {
	return BuildPath(leaf, pool, a, PathOptions{At: at, Purpose: purpose})
}

// BuildPath returns the first path from leaf to an anchor that is valid by
// RFC 5280 §6.1. Revocation is not looked at. Key identifiers and validity only order the search.
// It gives up with RuleBudget after 100 candidate paths or 200 signature
// checks. The error is a *PathError about the candidate that came closest.
func BuildPath(leaf *x509.Certificate, pool []*x509.Certificate, a *Anchors, o PathOptions) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	err := BuildPaths(leaf, pool, a, o, func(path []*x509.Certificate) bool {
		found = path
		return false
	})
	if found != nil {
		return found, nil
	}
	return nil, err
}

// BuildPaths calls yield for each valid path until it returns false, in the
// order in which they are found. The paths are the callee's to keep. It
// returns nil when yield stopped it or at least one path was valid and the
// search was complete, else a *PathError; RuleBudget when a limit ended the
// search, even after some paths.
func BuildPaths(leaf *x509.Certificate, pool []*x509.Certificate, a *Anchors, o PathOptions, yield func([]*x509.Certificate) bool) error {
	b := &pathBuilder{anchors: a, opts: o, yield: yield, checked: make(map[edge]*PathError)}
	if a.exact(leaf, o.Session) {
		if b.complete([]*x509.Certificate{leaf}); b.done {
			return nil
		}
	}
	index, perr := o.Session.index(pool, a)
	if perr != nil {
		return perr
	}
	b.pool = index
	b.extend([]*x509.Certificate{leaf})
	switch {
	case b.done:
		return nil
	case b.budget != "":
		return &PathError{Rule: RuleBudget, Detail: b.budget, Err: b.closest}
	case b.accepted:
		return nil
	case b.closest != nil:
		return b.closest
	}
	return &PathError{Rule: RuleNoAnchor, Certificate: leaf}
}

// edge is one "issuer signed child", so that no signature is checked twice.
type edge struct{ child, issuer *x509.Certificate }

type pathBuilder struct {
	anchors *Anchors
	opts    PathOptions
	yield   func([]*x509.Certificate) bool
	pool    map[string][]*x509.Certificate // by canonical subject

	checked    map[edge]*PathError
	signatures int
	paths      int

	accepted bool // some path was valid
	done     bool // yield asked to stop
	budget   string
	closest  *PathError
}

func (b *pathBuilder) stopped() bool { return b.done || b.budget != "" }

// extend tries every issuer of the last certificate of path. The depth of
// recursion is bounded by maxDepth.
func (b *pathBuilder) extend(path []*x509.Certificate) {
	child := path[len(path)-1]
	for _, anchor := range b.ordered(child, b.anchors.named(child.RawIssuer, b.opts.Session)) {
		if b.stopped() {
			return
		}
		if b.issued(child, anchor) {
			b.complete(append(slices.Clip(path), anchor))
		}
	}
	candidates := b.ordered(child, b.pool[b.opts.Session.name(child.RawIssuer)])
	if len(path)+1 >= maxDepth {
		if len(candidates) > 0 {
			b.note(&PathError{Rule: RulePathLength, Certificate: child, Detail: fmt.Sprintf("longer than %d", maxDepth)})
		}
		return
	}
	for _, issuer := range candidates {
		if b.stopped() {
			return
		}
		visited := slices.ContainsFunc(path, func(c *x509.Certificate) bool { return sameEntity(c, issuer) })
		if visited && !selfIssuedStep(child, issuer) {
			continue
		}
		if !slices.ContainsFunc(path, issuer.Equal) && b.issued(child, issuer) {
			b.extend(append(slices.Clip(path), issuer))
		}
	}
}

// selfIssuedStep reports key roll-over: child and issuer carry one name but
// different keys, which RFC 5280 §6.1 allows in a row.
func selfIssuedStep(child, issuer *x509.Certificate) bool {
	return sameName(child.RawSubject, issuer.RawSubject) && !bytes.Equal(child.RawSubjectPublicKeyInfo, issuer.RawSubjectPublicKeyInfo)
}

// ordered puts the likely issuers first: matching key identifier, then valid
// at the moment. Identifiers are hints only (RFC 5280 §4.2.1.1); a wrong one
// costs time, not correctness.
func (b *pathBuilder) ordered(child *x509.Certificate, candidates []*x509.Certificate) []*x509.Certificate {
	if len(candidates) < 2 {
		return candidates
	}
	if !b.opts.Session.spend(len(candidates) / 16) {
		b.budget = overBudget().Detail
		return nil
	}
	rank := func(c *x509.Certificate) int {
		n := 0
		switch {
		case len(child.AuthorityKeyId) == 0 || len(c.SubjectKeyId) == 0:
			n = 2
		case !bytes.Equal(child.AuthorityKeyId, c.SubjectKeyId):
			n = 4
		}
		if b.opts.At.Before(c.NotBefore) || b.opts.At.After(c.NotAfter) {
			n++
		}
		return n
	}
	out := slices.Clone(candidates)
	slices.SortStableFunc(out, func(x, y *x509.Certificate) int { return rank(x) - rank(y) })
	return out
}

func (b *pathBuilder) issued(child, issuer *x509.Certificate) bool {
	e := edge{child, issuer}
	err, seen := b.checked[e]
	if !seen {
		if b.signatures++; b.signatures > maxSignatures {
			b.budget = fmt.Sprintf("more than %d signature checks", maxSignatures)
			return false
		}
		err = checkSignature(child.SignatureAlgorithm, issuer, child.RawTBSCertificate, child.Signature, b.opts.rules())
		b.checked[e] = err
	}
	if err != nil && err.Rule == RuleBudget {
		b.budget = err.Detail
		return false
	}
	if err != nil {
		b.note(&PathError{Rule: err.Rule, Certificate: child, Detail: err.Detail, Err: err.Err})
	}
	return err == nil
}

func (b *pathBuilder) complete(path []*x509.Certificate) {
	if b.paths++; b.paths > maxPaths {
		b.budget = fmt.Sprintf("more than %d candidate paths", maxPaths)
		return
	}
	if err := validate(path, b.opts); err != nil {
		b.note(err)
		return
	}
	b.accepted = true
	b.done = !b.yield(slices.Clone(path))
}

// note keeps the most telling failure: of validity when all else was right,
// then of any path that reached an anchor, then of a signature on the way.
func (b *pathBuilder) note(err *PathError) {
	if b.closest == nil || closeness(err.Rule) > closeness(b.closest.Rule) {
		b.closest = err
	}
}

func closeness(r Rule) int {
	switch r {
	case RuleExpired, RuleNotYetValid:
		return 3
	case RuleSignature, RulePathLength, RuleAlgorithm:
		return 0
	case RuleWeakAlgorithm:
		return 1
	}
	return 2
}

// CheckIssued reports whether the key of issuer signed cert and the names
// chain. It says nothing about whether issuer may issue. The error is a
// *PathError.
func CheckIssued(cert, issuer *x509.Certificate, allowWeak bool) error {
	return checkIssued(cert, issuer, signatureRules{allowWeak: allowWeak})
}

func checkIssued(cert, issuer *x509.Certificate, o signatureRules) error {
	if !sameName(cert.RawIssuer, issuer.RawSubject) {
		return &PathError{Rule: RuleNameChaining, Certificate: cert}
	}
	if err := checkSignature(cert.SignatureAlgorithm, issuer, cert.RawTBSCertificate, cert.Signature, o); err != nil {
		return &PathError{Rule: err.Rule, Certificate: cert, Detail: err.Detail, Err: err.Err}
	}
	return nil // not the nil *PathError
}
