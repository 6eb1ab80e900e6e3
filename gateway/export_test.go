package gateway

import (
	"context"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/pdf"
)

// TOTPMatch is totpMatch.
func TOTPMatch(secret []byte, code string, at time.Time, last int64) (int64, bool) {
	return totpMatch(secret, code, at, last)
}

// CompareFiles is compareFiles.
func CompareFiles(disputed, original []byte, ours bool) *dispute.Comparison {
	return compareFiles(disputed, original, ours, pdf.Limits{})
}

// WrongPassphrase is what findings believe of an operation.
func (g *Gateway) WrongPassphrase(ctx context.Context, operation, signer string) (wrong bool, err error) {
	err = g.view(ctx, AllOrganisations, func(r Reader) (err error) {
		wrong, err = (&matcher{g: g, r: r}).wrong(ctx, operation, signer)
		return err
	})
	return wrong, err
}
