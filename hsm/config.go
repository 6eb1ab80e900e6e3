package hsm

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Config says which token to use and how. Module, Token and PINFile are
// needed; every other zero value is a safe default.
type Config struct {
	// Module is the path of the PKCS#11 library (a shared object).
	Module string

	// Token is the CKA label of the token, at most 32 bytes.
	Token string

	// PINFile is the path of a file with the user PIN. One trailing line end
	// is not part of it. The worker reads it at every login; the PIN is in no
	// argument, environment variable, log or error.
	PINFile string

	// Sessions is how many signatures may be in progress at once, 1 to 256.
	// Zero means 8. Three more sessions are open for other work.
	Sessions int

	// Timeout bounds every call that is not slow, from its start, and how long
	// the worker may work on one before it is killed. Zero means 5 s.
	Timeout time.Duration

	// SlowTimeout is the same for starting the worker, generating and deleting
	// keys and listing them. Zero means 60 s, or Timeout when that is longer.
	SlowTimeout time.Duration

	// HealthKey is the label of the key that Health signs with. It must never
	// have a certificate. Empty means "absah-health".
	HealthKey string

	// Env is the whole environment of the worker, e.g. SOFTHSM2_CONF=…; nil
	// means that of this process.
	Env []string

	// Worker is the command that runs RunWorker. Nil means this very
	// executable with the one argument "pkcs11-worker".
	Worker []string

	// Logger gets the starts and ends of workers. Nil means none.
	Logger *slog.Logger
}

const (
	maxSessions  = 256
	maxLabel     = 64 // of a key; PKCS #11 has no limit, people reading lists do
	maxID        = 64 // of a key, in bytes
	maxTokenName = 32 // CK_TOKEN_INFO.label
)

// WorkerCommand is the argument that tells the program to call [RunWorker].
const WorkerCommand = "pkcs11-worker"

// complete validates c and fills in the defaults.
func (c Config) complete() (Config, error) {
	var errs []error
	need := func(ok bool, format string, a ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("hsm: "+format, a...))
		}
	}
	need(c.Module != "", "Module is empty")
	need(c.Token != "" && len(c.Token) <= maxTokenName, "Token must have 1 to %d bytes", maxTokenName)
	need(c.PINFile != "", "PINFile is empty")
	need(c.Sessions >= 0 && c.Sessions <= maxSessions, "Sessions must be 1 to %d", maxSessions)
	need(c.Timeout >= 0 && c.SlowTimeout >= 0, "negative timeout")
	need(c.Worker == nil || len(c.Worker) > 0, "Worker is empty")
	if c.Sessions == 0 {
		c.Sessions = 8
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.SlowTimeout == 0 {
		c.SlowTimeout = max(time.Minute, c.Timeout)
	}
	if c.HealthKey == "" {
		c.HealthKey = "absah-health"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, errors.Join(errs...)
}

func checkLabel(label string) error {
	if label == "" || len(label) > maxLabel {
		return fmt.Errorf("%w: it has 1 to %d bytes, not %d", ErrLabel, maxLabel, len(label))
	}
	for _, r := range label {
		if r < 0x20 || r == 0x7f {
			return fmt.Errorf("%w: it has no control characters", ErrLabel)
		}
	}
	return nil
}
