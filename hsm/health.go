package hsm

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// Health signs fresh random bytes with the key Config.HealthKey and verifies
// the result, so it proves the worker, the login, the token and the
// arithmetic. The key, ECDSA P-256, has no certificate and never gets one; the
// first call makes it when it is absent. It returns nil when all is well.
func (m *Module) Health(ctx context.Context) error {
	k, err := m.healthKey(ctx)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	msg := make([]byte, 32)
	rand.Read(msg)
	sig, err := k.WithContext(ctx).SignMessage(nil, msg, crypto.SHA256)
	if err != nil {
		if errors.Is(err, ErrKeyNotFound) {
			m.health.CompareAndSwap(k, nil) // the token is another one: look again next time
		}
		return fmt.Errorf("health: %w", err)
	}
	digest := sha256.Sum256(msg)
	if !ecdsa.VerifyASN1(k.Public().(*ecdsa.PublicKey), digest[:], sig) {
		return fmt.Errorf("health: %w: the module returned a wrong signature", ErrUnavailable)
	}
	return nil
}

func (m *Module) healthKey(ctx context.Context) (*Key, error) {
	if k := m.health.Load(); k != nil {
		return k, nil
	}
	select { // one at a time makes the key; the others keep to their deadlines
	case m.healthTurn <- struct{}{}:
		defer func() { <-m.healthTurn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	k, err := m.Key(ctx, m.cfg.HealthKey)
	if errors.Is(err, ErrKeyNotFound) {
		k, err = m.Generate(ctx, KeySpec{Label: m.cfg.HealthKey, Algorithm: P256})
	}
	if err != nil {
		return nil, err
	}
	if k.info.Algorithm != P256 {
		return nil, fmt.Errorf("%w: %q is no P-256 key", ErrUnsupported, m.cfg.HealthKey)
	}
	m.health.Store(k)
	return k, nil
}
