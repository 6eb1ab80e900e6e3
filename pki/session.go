package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
)

// Memory remembers which signatures on certificates, OCSP responses and CRLs
// hold: that a key made a value over a digest is true for ever, so that what is
// remembered can save time and never change an answer. It knows nothing of
// trust, validity or revocation, and only signatures that hold. A Memory may
// be shared by any number of sessions at once.
type Memory struct {
	limit      int
	mu         sync.Mutex
	young, old map[[sha256.Size]byte]struct{} // guarded by mu
}

// NewMemory returns a memory of at least n and at most 2n signatures, of about
// 50 bytes each; those not asked for lately are forgotten.
func NewMemory(n int) *Memory {
	return &Memory{limit: max(n, 1), young: make(map[[sha256.Size]byte]struct{})}
}

func (m *Memory) knows(key [sha256.Size]byte) bool {
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.young[key]; ok {
		return true
	}
	_, ok := m.old[key]
	if ok {
		m.put(key)
	}
	return ok
}

func (m *Memory) remember(key [sha256.Size]byte) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(key)
}

// put stores key. The caller holds mu.
func (m *Memory) put(key [sha256.Size]byte) {
	if len(m.young) >= m.limit {
		m.old, m.young = m.young, make(map[[sha256.Size]byte]struct{}, m.limit)
	}
	m.young[key] = struct{}{}
}

// Session bounds what the questions about one document may cost together, and
// saves asking the same twice. Nil is no session: each question then has the
// limits of limits.go for itself. A Session is for one goroutine.
type Session struct {
	memory  *Memory
	left    int
	spent   bool // more was asked for than was left
	checked map[object]*PathError
	names   map[string]string
	pools   map[*Anchors]poolIndex
}

// object is a signed object with the certificate whose key may have signed it.
// The pointers keep the bytes alive, so that none is taken for another.
type object struct {
	signed, value *byte
	signer        *x509.Certificate
}

// NewSession returns a session with a budget in units of about 30 µs of
// processor time, the cost of checking one RSA-2048 signature. The memory may
// be nil.
func NewSession(m *Memory, budget int) *Session {
	return &Session{memory: m, left: budget, checked: make(map[object]*PathError), names: make(map[string]string), pools: make(map[*Anchors]poolIndex)}
}

// Exhausted reports that a question was refused because the budget was spent:
// the answers may then be worse than they should be, never better.
func (s *Session) Exhausted() bool { return s != nil && s.spent }

// spend takes units off the budget and reports whether they were there.
func (s *Session) spend(units int) bool {
	if s == nil {
		return true
	}
	if s.left < units {
		s.left, s.spent = 0, true
		return false
	}
	s.left -= units
	return true
}

// Spend takes n units off the budget, for checks that are made elsewhere about
// the same document, and reports whether they were there.
func (s *Session) Spend(n int) bool { return s.spend(n) }

func overBudget() *PathError {
	return &PathError{Rule: RuleBudget, Detail: "the document asks for more checks than it is given"}
}

// name is canonicalName, remembered.
func (s *Session) name(der []byte) string {
	if s == nil {
		return canonicalName(der)
	}
	n, ok := s.names[string(der)]
	if !ok {
		n = canonicalName(der)
		s.names[string(der)] = n
	}
	return n
}

// poolIndex is a pool of certificates by canonical subject, without anchors.
type poolIndex struct {
	pool   []*x509.Certificate
	byName map[string][]*x509.Certificate
}

// index sorts a pool by subject; the last one of each set of anchors is kept,
// since all questions about one document have the same.
func (s *Session) index(pool []*x509.Certificate, a *Anchors) (map[string][]*x509.Certificate, *PathError) {
	if len(pool) > maxPool {
		return nil, &PathError{Rule: RuleBudget, Detail: fmt.Sprintf("more than %d certificates offered", maxPool)}
	}
	if s != nil {
		if have, ok := s.pools[a]; ok && slices.Equal(have.pool, pool) {
			return have.byName, nil
		}
	}
	byName := make(map[string][]*x509.Certificate)
	seen := make(map[string]bool, len(pool))
	for _, c := range pool {
		if c == nil || seen[string(c.Raw)] || a.contains(c, s) {
			continue // an anchor's other certificates lead only to longer paths
		}
		seen[string(c.Raw)] = true
		name := s.name(c.RawSubject)
		byName[name] = append(byName[name], c)
	}
	if s != nil {
		s.pools[a] = poolIndex{slices.Clone(pool), byName}
	}
	return byName, nil
}

// check verifies a signature value over a digest, or remembers that it holds.
// verify does the work and costs units.
func (s *Session) check(alg x509.SignatureAlgorithm, signer *x509.Certificate, digest, value []byte, verify func() *PathError) *PathError {
	if s == nil {
		return verify()
	}
	h := sha256.New()
	for _, part := range [][]byte{signer.RawSubjectPublicKeyInfo, digest, value, {byte(alg)}} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	key := [sha256.Size]byte(h.Sum(nil))
	if s.memory.knows(key) {
		return nil
	}
	if !s.spend(checkCost(signer.PublicKey)) {
		return overBudget()
	}
	err := verify()
	if err == nil {
		s.memory.remember(key)
	}
	return err
}

// CheckCost is what one check with a key costs, in the units of [NewSession].
func CheckCost(pub crypto.PublicKey) int { return checkCost(pub) }

// checkCost is what one check with a key costs, in units.
func checkCost(pub crypto.PublicKey) int {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		k := max(1, pub.N.BitLen()/2048)
		return k * k
	case *ecdsa.PublicKey:
		if bits := pub.Curve.Params().BitSize; bits > 256 {
			return bits * bits / 7000 // P-384 and P-521 have no assembly
		}
		return 3
	}
	return 2
}

// hashCost is what the digest of n bytes costs, scanCost what reading n bytes of
// entries does, and searchCost what looking for a number in them does, in units.
func hashCost(n int) int   { return n / (32 << 10) }
func scanCost(n int) int   { return 1 + n/(8<<10) }
func searchCost(n int) int { return 1 + n/(128<<10) }

// answersOfUnit is how many answers of OCSP responses are read for a unit, and
// bytesOfUnit how many bytes of names are compared.
const (
	answersOfUnit = 512
	bytesOfUnit   = 1 << 10
)

// signerCost is what comparing names and keys with the responder id may cost, in
// answers: a hostile response has many certificates, and names of any length.
func (r *OCSP) signerCost() int {
	return (1+len(r.Certificates))*(64+len(r.responderName)/16) + len(r.Raw)/32
}

// CheckIssued is the function of that name within the session, weak algorithms
// allowed.
func (s *Session) CheckIssued(cert, issuer *x509.Certificate) error {
	return checkIssued(cert, issuer, signatureRules{true, s})
}
