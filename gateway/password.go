package gateway

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// argon2id is how passwords of staff are hashed: more than OWASP ASVS 5.0
// appendix C asks for (46 MiB, one pass).
var argon2id = argon2Cost{memory: 64 << 10, time: 1, threads: 1}

// argon2Cost is what one hash costs; memory is in KiB.
type argon2Cost struct {
	memory, time uint32
	threads      uint8
}

// maxArgon2 bounds the memory of a stored hash, in KiB: a row that somebody
// wrote into the database must not take all of the machine's.
const maxArgon2 = 1 << 20

// hashing is how many passwords are hashed at once; more wait. Each takes 64
// MiB, and strangers can ask for it.
const hashing = 2

// hashPassword returns the password's hash in the PHC string format.
func hashPassword(password string) string {
	salt := make([]byte, 16)
	rand.Read(salt)
	c := argon2id
	sum := argon2.IDKey([]byte(password), salt, c.time, c.memory, c.threads, 32)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.time, c.threads, b64.EncodeToString(salt), b64.EncodeToString(sum))
}

// parseHash reads what hashPassword wrote.
func parseHash(stored string) (c argon2Cost, salt, sum []byte, ok bool) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.time, &c.threads); err != nil || n != 3 {
		return c, nil, nil, false
	}
	salt, errSalt := base64.RawStdEncoding.DecodeString(parts[4])
	sum, errSum := base64.RawStdEncoding.DecodeString(parts[5])
	ok = errSalt == nil && errSum == nil && len(salt) >= 8 && len(sum) == 32 &&
		c.memory > 0 && c.memory <= maxArgon2 && c.time > 0 && c.time <= 16 && c.threads > 0
	return c, salt, sum, ok
}

// checkPassword tells whether password is the one that was hashed. A hash that
// cannot be read, such as "" of nobody, costs as much and holds for nothing.
func (g *Gateway) checkPassword(ctx context.Context, stored, password string) (bool, error) {
	done, err := g.hashTurn(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	c, salt, sum, ok := parseHash(stored)
	if !ok {
		c, salt, sum = argon2id, make([]byte, 16), make([]byte, 32)
	}
	got := argon2.IDKey([]byte(password), salt, c.time, c.memory, c.threads, 32)
	return subtle.ConstantTimeCompare(got, sum) == 1 && ok, nil
}

// hash is hashPassword in turn with others.
func (g *Gateway) hash(ctx context.Context, password string) (string, error) {
	done, err := g.hashTurn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return hashPassword(password), nil
}

// hashTurn waits until a password may be hashed; done lets the next one.
func (g *Gateway) hashTurn(ctx context.Context) (done func(), err error) {
	select {
	case g.hashing <- struct{}{}:
		return func() { <-g.hashing }, nil
	case <-ctx.Done():
		return nil, fromContext(ctx.Err())
	}
}
