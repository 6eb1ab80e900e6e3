package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"maps"
	"slices"
)

const anyPolicy = "2.5.29.32.0"

var (
	asn1Policies        = asn1.ObjectIdentifier{2, 5, 29, 32}
	asn1NameConstraints = asn1.ObjectIdentifier{2, 5, 29, 30}
	asn1SubjectAltName  = asn1.ObjectIdentifier{2, 5, 29, 17}
)

// policyNode is one valid policy at one depth. Where RFC 5280 keeps a tree,
// which doubles with each mapping, this keeps the graph of RFC 9618, in which
// a policy occurs once at each depth and may have several parents.
type policyNode struct {
	policy   string
	expected map[string]bool
	parents  []*policyNode
}

// policyState is the policy part of RFC 5280 §6.1 with the graph of RFC 9618.
type policyState struct {
	initial map[string]bool // user-initial-policy-set; nil means any-policy
	levels  []map[string]*policyNode
	null    bool // the graph is NULL
	nodes   int

	explicit, mapping, inhibitAny int
}

func newPolicyState(n int, o PathOptions) policyState {
	root := &policyNode{policy: anyPolicy, expected: map[string]bool{anyPolicy: true}}
	p := policyState{levels: []map[string]*policyNode{{anyPolicy: root}}, explicit: n + 1, mapping: n + 1, inhibitAny: n + 1}
	if o.ExplicitPolicy {
		p.explicit = 0
	}
	if o.InhibitPolicyMapping {
		p.mapping = 0
	}
	if o.InhibitAnyPolicy {
		p.inhibitAny = 0
	}
	for _, id := range o.InitialPolicies {
		if id.String() == anyPolicy {
			p.initial = nil
			break
		}
		if p.initial == nil {
			p.initial = make(map[string]bool)
		}
		p.initial[id.String()] = true
	}
	return p
}

// certificate is §6.1.3 (d) to (f) and, for the last one, §6.1.5 (a), (b), (g).
func (p *policyState) certificate(c *x509.Certificate, self, last bool) *PathError {
	switch {
	case extensionOf(c, asn1Policies) == nil:
		p.null = true
	case !p.null:
		p.grow(c, p.inhibitAny > 0 || (self && !last))
		p.prune()
	}
	if p.nodes > maxPolicyNodes {
		return &PathError{Rule: RuleBudget, Certificate: c, Detail: "certificate policies"}
	}
	if p.explicit == 0 && p.null {
		return &PathError{Rule: RulePolicy, Certificate: c}
	}
	if !last {
		return nil
	}
	if p.explicit > 0 {
		p.explicit--
	}
	if c.RequireExplicitPolicyZero {
		p.explicit = 0
	}
	p.intersect()
	if p.explicit == 0 && p.null {
		return &PathError{Rule: RulePolicy, Certificate: c}
	}
	return nil
}

// grow is §6.1.3 (d) (1) and (2) as RFC 9618 §5.2 states them.
func (p *policyState) grow(c *x509.Certificate, anyAllowed bool) {
	parents := p.levels[len(p.levels)-1]
	byExpected := make(map[string][]*policyNode)
	for _, id := range slices.Sorted(maps.Keys(parents)) {
		for e := range parents[id].expected {
			byExpected[e] = append(byExpected[e], parents[id])
		}
	}
	level := make(map[string]*policyNode)
	add := func(id string, from []*policyNode) {
		level[id] = &policyNode{policy: id, expected: map[string]bool{id: true}, parents: from}
		p.nodes++
	}
	hasAny := false
	for _, o := range c.Policies {
		id := o.String()
		if id == anyPolicy {
			hasAny = true
			continue
		}
		if from := byExpected[id]; len(from) > 0 {
			add(id, from)
		} else if top := parents[anyPolicy]; top != nil {
			add(id, []*policyNode{top})
		}
	}
	if hasAny && anyAllowed {
		for id, from := range byExpected {
			if level[id] == nil {
				add(id, from)
			}
		}
	}
	p.levels = append(p.levels, level)
}

// prune is §6.1.3 (d) (3): nodes above the last level that lost all children
// go, and the graph is NULL when nothing is left.
func (p *policyState) prune() {
	for i := len(p.levels) - 1; i > 0; i-- {
		used := make(map[*policyNode]bool)
		for _, n := range p.levels[i] {
			for _, parent := range n.parents {
				used[parent] = true
			}
		}
		maps.DeleteFunc(p.levels[i-1], func(_ string, n *policyNode) bool { return !used[n] })
	}
	p.null = p.null || len(p.levels[len(p.levels)-1]) == 0
}

// prepare is §6.1.4 (a), (b), (h), (i), (j).
func (p *policyState) prepare(c *x509.Certificate, self bool) *PathError {
	mapped := make(map[string]map[string]bool)
	for _, m := range c.PolicyMappings {
		from, to := m.IssuerDomainPolicy.String(), m.SubjectDomainPolicy.String()
		if from == anyPolicy || to == anyPolicy {
			return &PathError{Rule: RulePolicy, Certificate: c, Detail: "mapping of anyPolicy"}
		}
		if mapped[from] == nil {
			mapped[from] = make(map[string]bool)
		}
		mapped[from][to] = true
	}
	if !p.null {
		p.apply(mapped)
	}
	if !self {
		p.explicit, p.mapping, p.inhibitAny = max(0, p.explicit-1), max(0, p.mapping-1), max(0, p.inhibitAny-1)
	}
	if c.RequireExplicitPolicy > 0 || c.RequireExplicitPolicyZero {
		p.explicit = min(p.explicit, c.RequireExplicitPolicy)
	}
	if c.InhibitPolicyMapping > 0 || c.InhibitPolicyMappingZero {
		p.mapping = min(p.mapping, c.InhibitPolicyMapping)
	}
	if c.InhibitAnyPolicy > 0 || c.InhibitAnyPolicyZero {
		p.inhibitAny = min(p.inhibitAny, c.InhibitAnyPolicy)
	}
	return nil
}

func (p *policyState) apply(mapped map[string]map[string]bool) {
	if len(mapped) == 0 {
		return
	}
	level := p.levels[len(p.levels)-1]
	for from, to := range mapped {
		switch node := level[from]; {
		case p.mapping == 0:
			delete(level, from)
		case node != nil:
			node.expected = to
		case level[anyPolicy] != nil:
			level[from] = &policyNode{policy: from, expected: to, parents: level[anyPolicy].parents}
			p.nodes++
		}
	}
	p.prune()
}

// intersect is §6.1.5 (g) as RFC 9618 §5.4 states it: what remains are nodes
// that descend from a policy of the user's choice.
func (p *policyState) intersect() {
	if p.null || p.initial == nil {
		return
	}
	alive := make(map[*policyNode]bool)
	for _, level := range p.levels {
		for _, n := range level {
			switch {
			case n.policy == anyPolicy:
				alive[n] = true
			case slices.ContainsFunc(n.parents, func(q *policyNode) bool { return q.policy == anyPolicy }):
				alive[n] = p.initial[n.policy]
			}
		}
		for _, n := range level {
			if _, decided := alive[n]; !decided {
				alive[n] = slices.ContainsFunc(n.parents, func(q *policyNode) bool { return alive[q] })
			}
		}
	}
	last := p.levels[len(p.levels)-1]
	maps.DeleteFunc(last, func(_ string, n *policyNode) bool { return !alive[n] })
	p.null = len(last) == 0
}
