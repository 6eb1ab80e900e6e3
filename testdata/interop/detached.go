package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/absah-id/absah/signer"
)

// detached signs the letter as any file, with every algorithm, at the levels
// that a CMS beside its content can have; OpenSSL judges.
func (m *matrix) detached(ctx context.Context) error {
	content := m.inputs[0].path
	data, err := os.ReadFile(content)
	if err != nil {
		return err
	}
	for _, level := range []signer.Level{signer.B, signer.T} {
		for _, a := range algorithms {
			req := m.request(a, level)
			req.Reason, req.Location = "", "" // of PDF signatures only
			result, err := m.office.Signer.SignDetached(ctx, bytes.NewReader(data), req)
			if err != nil {
				m.failed = append(m.failed, fmt.Errorf("detached %v, %s: %w", level, a.name, err))
				continue
			}
			c := Case{
				File: filepath.Join(m.out, fmt.Sprintf("detached.%v.%s.p7s", level, a.name)), Content: content,
				Group: "detached", Level: level.String(), Only: []string{"openssl-cms", "openssl-ts"},
			}
			if err := os.WriteFile(c.File, result.CMS, 0o600); err != nil {
				return err
			}
			m.cases = append(m.cases, c)
		}
	}
	return nil
}
