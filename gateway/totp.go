package gateway

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // HMAC-SHA-1 is what every authenticator app computes (RFC 6238 §1.2); its collisions do not matter here
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Parameters of time-based one-time passwords (RFC 6238): those that every
// authenticator app takes for granted.
const (
	totpSecret = 20 // bytes (RFC 4226 §4: at least 16, 20 recommended)
	totpStep   = 30 * time.Second
	totpDigits = 6
	// totpWindow is how many steps a phone's clock may be off either way
	// (RFC 6238 §5.2 recommends one).
	totpWindow = 1
)

// totpCode is the one-time password of a step (RFC 4226 §5.3).
func totpCode(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step)) //nolint:gosec // steps count from 1970
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	truncated := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, truncated%1_000_000)
}

// OneTimeStep is the step of one-time passwords that a moment is in, which
// [Staff] remembers as LastStep.
func OneTimeStep(at time.Time) int64 { return at.Unix() / int64(totpStep/time.Second) }

// totpMatch returns the step that code belongs to around a moment, and false
// when there is none after last: each code works once (RFC 6238 §5.2).
func totpMatch(secret []byte, code string, at time.Time, last int64) (step int64, ok bool) {
	code = strings.ReplaceAll(code, " ", "")
	now := OneTimeStep(at)
	for s := now - totpWindow; s <= now+totpWindow; s++ {
		// Every step is computed and compared whole: time tells nothing.
		if hmac.Equal([]byte(totpCode(secret, s)), []byte(code)) && s > last {
			step, ok = s, true
		}
	}
	return step, ok
}

// OneTimeCode is the one-time password that an authenticator app shows at a
// moment for a secret as [StaffSecrets] has it. It returns an error for what
// is no secret.
func OneTimeCode(secret string, at time.Time) (string, error) {
	b, err := totpText.DecodeString(secret)
	if err != nil {
		return "", fmt.Errorf("gateway: not the secret of one-time passwords: %w", err)
	}
	return totpCode(b, OneTimeStep(at)), nil
}

var totpText = base32.StdEncoding.WithPadding(base32.NoPadding)

// totpAddress is what authenticator apps read, as a QR code or typed in.
func totpAddress(secret []byte, issuer, username string) string {
	return "otpauth://totp/" + url.PathEscape(issuer+":"+username) + "?" + url.Values{
		"secret": {totpText.EncodeToString(secret)}, "issuer": {issuer},
	}.Encode()
}
