package gateway

import "time"

// TOTPMatch is totpMatch.
func TOTPMatch(secret []byte, code string, at time.Time, last int64) (int64, bool) {
	return totpMatch(secret, code, at, last)
}
