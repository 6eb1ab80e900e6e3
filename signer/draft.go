package signer

import (
	"crypto/x509"
	"slices"
	"sync"

	"github.com/absah-id/absah/cms"
)

// maxDrafts bounds how many drafts are remembered, of a few KB each. At the
// bound all are forgotten, which costs time only.
const maxDrafts = 64

// drafts remembers what the CMS of a certificate looks like but for digest and
// value: an office seals thousands of documents with the same one. The zero
// value is empty; it may be used by several goroutines.
type drafts struct {
	mu   sync.Mutex
	made map[string]drafted // by the certificate's DER; guarded by mu
}

// drafted is the draft last made for a certificate.
type drafted struct {
	chain     []*x509.Certificate
	algorithm cms.Algorithm
	draft     *cms.Draft // without key
}

// get returns the draft for o, whose Key does not matter and whose SigningTime
// is zero.
func (d *drafts) get(o cms.SignOptions) (*cms.Draft, error) {
	d.mu.Lock()
	known, ok := d.made[string(o.Certificate.Raw)]
	d.mu.Unlock()
	if ok && known.algorithm == o.Algorithm && slices.EqualFunc(known.chain, o.Chain, (*x509.Certificate).Equal) {
		return known.draft, nil
	}
	o.Key, o.Chain = nil, slices.Clone(o.Chain)
	draft, err := o.Draft()
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.made == nil || len(d.made) >= maxDrafts {
		d.made = make(map[string]drafted)
	}
	d.made[string(o.Certificate.Raw)] = drafted{o.Chain, o.Algorithm, draft}
	return draft, nil
}
