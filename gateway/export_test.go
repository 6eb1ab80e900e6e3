package gateway

import (
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
