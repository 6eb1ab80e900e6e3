package gateway

import "time"

// TOTPCode is the one-time password of a secret at a moment, as an
// authenticator app shows it.
func TOTPCode(secret []byte, at time.Time) string {
	return totpCode(secret, at.Unix()/int64(totpStep/time.Second))
}

// TOTPMatch is totpMatch.
func TOTPMatch(secret []byte, code string, at time.Time, last int64) (int64, bool) {
	return totpMatch(secret, code, at, last)
}
