package pki

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// nameType is the context tag of GeneralName (RFC 5280 §4.2.1.6).
type nameType uint8

const (
	nameEmail     nameType = 1
	nameDNS       nameType = 2
	nameDirectory nameType = 4
	nameURI       nameType = 6
	nameIP        nameType = 7
)

type generalName struct {
	kind  nameType
	value []byte // content; for directoryName the DER Name
}

// subtrees are the constraints of one certificate. Each certificate's set is
// kept apart: a name must be permitted by every one of them, which is the
// intersection that RFC 5280 §6.1.4 (g) computes.
type subtrees struct {
	permitted, excluded []generalName
}

// nameState is the name constraints part of RFC 5280 §6.1.
type nameState struct {
	sets   []subtrees
	checks int
}

// add reads the name constraints extension of c, if any.
func (s *nameState) add(c *x509.Certificate) *PathError {
	ext := extensionOf(c, asn1NameConstraints)
	if ext == nil {
		return nil
	}
	set, ok := parseSubtrees(ext.value)
	if !ok {
		return &PathError{Rule: RuleExtension, Certificate: c, Detail: "name constraints"}
	}
	s.sets = append(s.sets, set)
	return nil
}

func parseSubtrees(der []byte) (subtrees, bool) {
	var set subtrees
	var seq cryptobyte.String
	s := cryptobyte.String(der)
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !s.Empty() || seq.Empty() {
		return set, false
	}
	ok := optionalSubtrees(&seq, 0, &set.permitted) && optionalSubtrees(&seq, 1, &set.excluded) && seq.Empty()
	return set, ok && len(set.permitted)+len(set.excluded) > 0
}

// optionalSubtrees reads [tag] SEQUENCE OF GeneralSubtree. minimum must be
// absent or 0 and maximum absent (§4.2.1.10); DER leaves no room for either.
func optionalSubtrees(seq *cryptobyte.String, tag uint8, dst *[]generalName) bool {
	var list cryptobyte.String
	var present bool
	if !seq.ReadOptionalASN1(&list, &present, cbasn1.Tag(tag).ContextSpecific().Constructed()) {
		return false
	}
	for !list.Empty() {
		var tree cryptobyte.String
		if !list.ReadASN1(&tree, cbasn1.SEQUENCE) || len(*dst) == maxGeneralNames {
			return false
		}
		name, ok := readGeneralName(&tree)
		if !ok || !tree.Empty() || !validConstraint(name) {
			return false
		}
		*dst = append(*dst, name)
	}
	return true
}

func readGeneralName(s *cryptobyte.String) (generalName, bool) {
	var value cryptobyte.String
	var tag cbasn1.Tag
	if !s.ReadAnyASN1(&value, &tag) || tag&0xc0 != 0x80 {
		return generalName{}, false
	}
	n := generalName{nameType(tag & 0x1f), value}
	if n.kind == nameDirectory { // explicitly tagged, since Name is a CHOICE
		var name cryptobyte.String
		if !value.ReadASN1Element(&name, cbasn1.SEQUENCE) || !value.Empty() {
			return generalName{}, false
		}
		n.value = name
	}
	return n, true
}

// validConstraint refuses constraints that readers are known to understand
// differently, such as a leading dot in a dNSName or a mask with holes.
func validConstraint(n generalName) bool {
	v := string(n.value)
	switch n.kind {
	case nameDNS:
		return v == "" || validHost(v)
	case nameURI:
		return validHost(strings.TrimPrefix(v, "."))
	case nameEmail:
		if at := strings.LastIndexByte(v, '@'); at >= 0 {
			return at > 0 && validHost(v[at+1:])
		}
		return validHost(strings.TrimPrefix(v, "."))
	case nameIP:
		_, ok := parsePrefix(n.value)
		return ok
	case nameDirectory:
		_, ok := canonicalRDNs(n.value)
		return ok
	}
	return true // other types: any name of that type is refused in check
}

// check is §6.1.3 (b) and (c) for every name of c.
func (s *nameState) check(c *x509.Certificate) *PathError {
	if len(s.sets) == 0 {
		return nil
	}
	names, ok := namesOf(c)
	if !ok {
		return &PathError{Rule: RuleExtension, Certificate: c, Detail: "subject names"}
	}
	for _, n := range names {
		for _, set := range s.sets {
			s.checks += len(set.permitted) + len(set.excluded)
			if s.checks > maxNameChecks {
				return &PathError{Rule: RuleBudget, Certificate: c, Detail: "name constraints"}
			}
			if why := set.refuses(n); why != "" {
				return &PathError{Rule: RuleNameConstraints, Certificate: c, Detail: why}
			}
		}
	}
	return nil
}

// namesOf lists the names that constraints apply to: subject, subjectAltName
// and, when the latter is absent, e-mail addresses in the subject.
func namesOf(c *x509.Certificate) ([]generalName, bool) {
	var names []generalName
	if !bytes.Equal(c.RawSubject, emptyName) {
		names = append(names, generalName{nameDirectory, c.RawSubject})
	}
	if ext := extensionOf(c, asn1SubjectAltName); ext != nil {
		return appendAltNames(names, ext.value)
	}
	for _, attr := range c.Subject.Names {
		if attr.Type.String() == "1.2.840.113549.1.9.1" {
			v, ok := attr.Value.(string)
			if !ok {
				return nil, false
			}
			names = append(names, generalName{nameEmail, []byte(v)})
		}
	}
	return names, true
}

func appendAltNames(names []generalName, der []byte) ([]generalName, bool) {
	var seq cryptobyte.String
	s := cryptobyte.String(der)
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !s.Empty() {
		return nil, false
	}
	for !seq.Empty() {
		n, ok := readGeneralName(&seq)
		if !ok || len(names) == maxGeneralNames {
			return nil, false
		}
		names = append(names, n)
	}
	return names, true
}

// refuses returns why the set forbids the name, or "".
func (set subtrees) refuses(n generalName) string {
	constrained, permitted := false, false
	for _, base := range set.excluded {
		if base.kind != n.kind {
			continue
		}
		in, ok := within(n, base, true)
		if !ok {
			return fmt.Sprintf("a name of type %d that cannot be compared", n.kind)
		}
		if in {
			return fmt.Sprintf("%s is excluded", showName(n))
		}
	}
	for _, base := range set.permitted {
		if base.kind != n.kind {
			continue
		}
		constrained = true
		in, ok := within(n, base, false)
		if !ok {
			return fmt.Sprintf("a name of type %d that cannot be compared", n.kind)
		}
		if in {
			permitted = true
			break
		}
	}
	if constrained && !permitted {
		return fmt.Sprintf("%s is not permitted", showName(n))
	}
	return ""
}

func showName(n generalName) string {
	switch n.kind {
	case nameEmail, nameDNS, nameURI:
		return fmt.Sprintf("%q", n.value)
	}
	return fmt.Sprintf("a name of type %d", n.kind)
}

// within reports whether n lies in the subtree; ok is false when n cannot be
// compared, which must refuse the certificate whichever list base is in.
func within(n, base generalName, excluded bool) (in, ok bool) {
	switch n.kind {
	case nameDNS:
		return dnsWithin(string(n.value), string(base.value), excluded)
	case nameEmail:
		return emailWithin(string(n.value), string(base.value))
	case nameURI:
		return uriWithin(string(n.value), string(base.value))
	case nameIP:
		addr, ok := netip.AddrFromSlice(n.value)
		prefix, _ := parsePrefix(base.value)
		return ok && prefix.Contains(addr), ok
	case nameDirectory:
		return directoryWithin(n.value, base.value)
	}
	return false, false
}

func directoryWithin(name, base []byte) (in, ok bool) {
	n, ok1 := canonicalRDNs(name)
	b, ok2 := canonicalRDNs(base)
	if !ok1 || !ok2 {
		return false, false
	}
	if len(b) > len(n) {
		return false, true
	}
	for i := range b {
		if b[i] != n[i] {
			return false, true
		}
	}
	return true, true
}

// dnsWithin: adding labels to the left keeps a name inside (§4.2.1.10). A
// wildcard is excluded as soon as one name it stands for is.
func dnsWithin(name, base string, excluded bool) (in, ok bool) {
	host, wildcard := strings.CutPrefix(name, "*.")
	if !validHost(host) {
		return false, false
	}
	if base == "" || labelSuffix(host, base) {
		return true, true
	}
	if wildcard && excluded {
		parent := base[strings.IndexByte(base, '.')+1:]
		return parent != base && strings.EqualFold(parent, host), true
	}
	return false, true
}

func emailWithin(name, base string) (in, ok bool) {
	at := strings.LastIndexByte(name, '@')
	if at <= 0 || !validHost(name[at+1:]) || strings.ContainsAny(name[:at], "@\" \\") {
		return false, false // quoted local parts have fooled too many readers
	}
	host := name[at+1:]
	switch baseAt := strings.LastIndexByte(base, '@'); {
	case baseAt >= 0:
		return name[:at] == base[:baseAt] && strings.EqualFold(host, base[baseAt+1:]), true
	case strings.HasPrefix(base, "."):
		return labelSuffix(host, base[1:]) && !strings.EqualFold(host, base[1:]), true
	}
	return strings.EqualFold(host, base), true
}

// uriWithin compares the host. A URI without a host, or with an address in
// its place, cannot be constrained and is refused (§4.2.1.10).
func uriWithin(name, base string) (in, ok bool) {
	u, err := url.Parse(name)
	if err != nil {
		return false, false
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil || !validHost(host) {
		return false, false
	}
	if strings.HasPrefix(base, ".") {
		return labelSuffix(host, base[1:]) && !strings.EqualFold(host, base[1:]), true
	}
	return strings.EqualFold(host, base), true
}

// labelSuffix reports that host is base or lies below it.
func labelSuffix(host, base string) bool {
	if strings.EqualFold(host, base) {
		return true
	}
	n := len(host) - len(base)
	return n > 0 && host[n-1] == '.' && strings.EqualFold(host[n:], base)
}

// validHost accepts ASCII host names of RFC 1123 with underscores, which
// occur. An internationalised name must come as A-labels (§7.2), so that no
// two ways to fold letters can disagree.
func validHost(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return true
}

// parsePrefix reads address and mask (§4.2.1.10).
func parsePrefix(b []byte) (netip.Prefix, bool) {
	if len(b) != 8 && len(b) != 32 {
		return netip.Prefix{}, false
	}
	addr, _ := netip.AddrFromSlice(b[:len(b)/2])
	ones, holes := 0, false
	for i := range len(b) / 2 * 8 {
		set := b[len(b)/2+i/8]&(0x80>>(i%8)) != 0
		holes = holes || set && ones != i
		if set {
			ones++
		}
	}
	return netip.PrefixFrom(addr, ones), !holes
}
