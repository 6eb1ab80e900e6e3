package verifier

import (
	"crypto/x509"
	"sync"
)

// parsed keeps certificates that have been read, by their DER, from file to
// file: authorities' are the same in all of them. What is kept is what any
// reading gives; nothing about a certificate is kept but its content. It may be
// used by several goroutines at once.
type parsed struct {
	mu         sync.Mutex
	young, old map[string]*x509.Certificate // guarded by mu
}

// certificate is [x509.ParseCertificate], remembered.
func (p *parsed) certificate(der []byte) (*x509.Certificate, error) {
	p.mu.Lock()
	c := p.young[string(der)]
	if c == nil {
		if c = p.old[string(der)]; c != nil {
			p.put(c)
		}
	}
	p.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := x509.ParseCertificate(der)
	if err != nil || len(der) > maxParsedSize {
		return c, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.put(c)
	return c, nil
}

// put keeps c. The caller holds mu.
func (p *parsed) put(c *x509.Certificate) {
	if p.young == nil || len(p.young) >= maxParsed {
		p.old, p.young = p.young, make(map[string]*x509.Certificate)
	}
	p.young[string(c.Raw)] = c
}
