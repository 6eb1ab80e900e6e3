package cms

import (
	"bytes"
	"slices"
)

// AddTimestamp returns signedData with token as a signature-time-stamp
// attribute (RFC 3161 Appendix A) of its only SignerInfo. Apart from the
// lengths of the elements around it, every byte of the input is kept in its
// place. In sets in order the attribute goes where DER wants it, otherwise
// last. The token must be a SignedData with TSTInfo; that it is about this
// signature is for the caller to check (package tsp).
//
// The error is a *[MalformedError], whose offset is in token when the rule is
// "timestamp-token", or a *[ConstraintError] with [RuleSignerCount].
func AddTimestamp(signedData []byte, token []byte) ([]byte, error) {
	ts, err := Parse(token)
	if err != nil {
		return nil, &MalformedError{Rule: "timestamp-token", Err: err}
	}
	if !ts.ContentType.Equal(OIDTSTInfo) {
		return nil, malformed(0, "timestamp-token", "content is not TSTInfo")
	}
	sd, err := Parse(signedData)
	if err != nil {
		return nil, err
	}
	if len(sd.SignerInfos) != 1 {
		return nil, breach(RuleSignerCount, "%d", len(sd.SignerInfos))
	}
	path, err := signerPath(signedData)
	if err != nil {
		return nil, err
	}
	attribute := NewAttribute(OIDSignatureTimestamp, token).der()
	signer := path[len(path)-1]
	at, set, err := attributePlace(signer, attribute)
	if err != nil {
		return nil, err
	}
	if set.src == nil {
		attribute = tlv(context1, attribute)
	} else {
		path = append(path, set)
	}
	out := insert(signedData, path, at, attribute)
	if len(out) > MaxSize {
		return nil, malformed(0, "limit", "longer than MaxSize with the time-stamp")
	}
	return out, nil
}

// signerPath returns the elements from the ContentInfo down to the SignerInfo
// of a SignedData that Parse accepts.
func signerPath(b []byte) (path []element, err error) {
	ci, _, err := root(b)
	if err != nil {
		return nil, err
	}
	r := ci.children()
	if _, err = r.next(); err != nil { // contentType
		return nil, err
	}
	explicit, err := r.next()
	if err != nil {
		return nil, err
	}
	r = explicit.children()
	seq, err := r.next()
	if err != nil {
		return nil, err
	}
	var signers element
	for r = seq.children(); !r.empty(); { // signerInfos is the last member
		if signers, err = r.next(); err != nil {
			return nil, err
		}
	}
	r = signers.children()
	signer, err := r.next()
	return []element{ci, explicit, seq, signers, signer}, err
}

// attributePlace returns the offset at which attribute belongs, and the set of
// unsigned attributes if there is one already.
func attributePlace(signer element, attribute []byte) (at int, set element, err error) {
	var last element
	for r := signer.children(); !r.empty(); {
		if last, err = r.next(); err != nil {
			return 0, set, err
		}
	}
	if last.tag != context1 {
		return signer.bodyEnd, set, nil
	}
	at = last.bodyEnd
	f := frame{set: true}
	for r := last.children(); !r.empty(); {
		e, err := r.next()
		if err != nil {
			return 0, set, err
		}
		if !f.child(e.src, e.start, e.end) {
			return last.bodyEnd, last, nil
		}
		if at == last.bodyEnd && bytes.Compare(attribute, e.raw()) < 0 {
			at = e.start
		}
	}
	return at, last, nil
}

// insert puts extra at offset at of b, inside all elements of path (outermost
// first), and rewrites their lengths where they are definite.
func insert(b []byte, path []element, at int, extra []byte) []byte {
	type patch struct {
		element
		header []byte
	}
	patches := make([]patch, len(path))
	growth := len(extra)
	for i, e := range slices.Backward(path) {
		old := b[e.start:e.body]
		patches[i] = patch{element: e, header: old}
		if e.indefinite {
			continue
		}
		patches[i].header = appendHeader(nil, e.tag, e.bodyEnd-e.body+growth)
		growth += len(patches[i].header) - len(old)
	}
	out := make([]byte, 0, len(b)+growth)
	pos := 0
	for _, p := range patches {
		out = append(append(out, b[pos:p.start]...), p.header...)
		pos = p.body
	}
	out = append(append(out, b[pos:at]...), extra...)
	return append(out, b[at:]...)
}
