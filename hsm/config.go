package hsm

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
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

	// Env adds to the environment of the worker: NAME=value sets a variable,
	// NAME alone passes on the one of this process, if it has it. Of all other
	// variables, which the vendor's library and its helpers could read, the
	// worker gets only PATH, HOME, TMPDIR, LANG, LC_… and those in which the
	// usual modules look for their settings, such as SOFTHSM2_CONF.
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
	for _, entry := range c.Env {
		need(entry != "" && entry[0] != '=', "Env has an entry without a name")
	}
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

// passedOn are the variables that the worker always gets from this process.
// Those of vendors name files with settings and hold no secrets.
var passedOn = []string{
	"PATH", "HOME", "TMPDIR", "LANG",
	"SOFTHSM2_CONF",              // SoftHSM
	"ChrystokiConfigurationPath", // Thales Luna
	"CS_PKCS11_R2_CFG",           // Utimaco
	"CS_PKCS11_R3_CFG",
	"NFAST_HOME", // Entrust nShield
	"YUBIHSM_PKCS11_CONF",
}

// environment returns the worker's part of own, the environment of this
// process, and what Env adds. Of a name that comes twice the last one counts.
func (c Config) environment(own []string) []string {
	env := []string{} // not nil, which would mean everything
	for _, entry := range own {
		name, _, _ := strings.Cut(entry, "=")
		if slices.Contains(passedOn, name) || strings.HasPrefix(name, "LC_") || slices.Contains(c.Env, name) {
			env = append(env, entry)
		}
	}
	for _, entry := range c.Env {
		if strings.Contains(entry, "=") {
			env = append(env, entry)
		}
	}
	return env
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
