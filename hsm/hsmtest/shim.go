package hsmtest

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
)

//go:embed testdata/shim.c
var shimSource string

// Fault is something that a Shim does instead of signing properly.
type Fault string

// Faults of C_Sign, and of C_SignInit before it.
const (
	DeviceRemoved  Fault = "removed"      // C_Sign answers CKR_DEVICE_REMOVED
	DeviceError    Fault = "device"       // C_Sign answers CKR_DEVICE_ERROR
	GeneralError   Fault = "general"      // C_Sign answers CKR_GENERAL_ERROR
	FlippedBit     Fault = "flip"         // one bit of the signature is wrong
	Hang           Fault = "hang"         // C_Sign does not return
	Abort          Fault = "abort"        // C_Sign takes the process down
	LogoutAfter    Fault = "logout"       // C_Sign makes a signature, and logs out
	KillBefore     Fault = "kill-before"  // C_Sign kills the process that uses the module, and makes no signature
	KillAfter      Fault = "kill-after"   // C_Sign makes a signature, and kills the process that uses the module
	SessionInvalid Fault = "init-session" // C_SignInit answers CKR_SESSION_HANDLE_INVALID
	LoggedOut      Fault = "init-login"   // C_SignInit logs out and says so
	HandleInvalid  Fault = "init-handle"  // C_SignInit answers CKR_KEY_HANDLE_INVALID
)

// Shim is a module before SoftHSM that misbehaves on request and logs what is
// asked of it. It answers for every session of every worker of its token.
type Shim struct {
	t            testing.TB
	control, log string
}

// NewShim makes a token as New does, behind a Shim. A machine without
// SoftHSM or gcc is [testfile.Lacking] them.
func NewShim(t testing.TB) (*Token, *Shim) {
	t.Helper()
	tok := New(t)
	cc := testfile.Tool(t, "gcc")
	dir := t.TempDir()
	s := &Shim{t: t, control: filepath.Join(dir, "control"), log: filepath.Join(dir, "log")}
	src, lib := filepath.Join(dir, "shim.c"), filepath.Join(dir, "shim.so")
	write(t, src, shimSource)
	out, err := exec.CommandContext(t.Context(), cc, "-O1", "-Wall", "-shared", "-fPIC", "-o", lib, src, "-ldl", "-lpthread").CombinedOutput()
	if err != nil {
		t.Fatalf("compile the shim: %v\n%s", err, out)
	}
	tok.Config.Env = append(tok.Config.Env, "SHIM_MODULE="+tok.Config.Module, "SHIM_CONTROL="+s.control, "SHIM_LOG="+s.log)
	tok.Config.Module = lib
	return tok, s
}

// Next makes the fault happen at the next n signatures, or at all that follow
// when n is 0. It replaces what was set before.
func (s *Shim) Next(n int, f Fault) { s.set(fmt.Sprintf("%d %s\n", n, f)) }

// NextBy is Next for the signatures that a mechanism makes (CKM_SHA256_RSA_PKCS
// is 0x40): what else the gateway signs at the same time stays whole.
func (s *Shim) NextBy(n int, f Fault, mechanism uint) {
	s.set(fmt.Sprintf("%d %s %d\n", n, f, mechanism))
}

// Delay makes every signature take d longer, to the millisecond.
func (s *Shim) Delay(d time.Duration) { s.set(fmt.Sprintf("0 delay %d\n", d.Milliseconds())) }

// Clear ends every fault.
func (s *Shim) Clear() {
	if err := os.Remove(s.control); err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
}

func (s *Shim) set(line string) {
	s.t.Helper()
	tmp := s.control + ".new"
	write(s.t, tmp, line)
	if err := os.Rename(tmp, s.control); err != nil {
		s.t.Fatal(err)
	}
}

// Signatures returns how many signatures were asked of the module: calls of
// C_Sign other than those that ask for a length.
func (s *Shim) Signatures() int { return s.count("C_Sign ") }

// SignaturesBy returns how many of them the mechanisms were to make.
func (s *Shim) SignaturesBy(mechanisms ...uint) int {
	s.t.Helper()
	n := 0
	for _, line := range s.lines("C_Sign ") {
		for _, m := range mechanisms {
			if strings.HasSuffix(line, fmt.Sprintf(" 0x%x\n", m)) {
				n++
			}
		}
	}
	return n
}

// Signature is one that was asked of the module.
type Signature struct {
	Time  time.Time // when C_Sign began
	Label string    // of the key, spaces as underscores; "-" for none
}

// Log returns the signatures in the order in which they were asked for.
func (s *Shim) Log() (all []Signature) {
	s.t.Helper()
	for _, line := range s.lines("C_Sign ") {
		f := strings.Fields(line)
		ns, err := strconv.ParseInt(f[3], 10, 64)
		if err != nil {
			s.t.Fatalf("log of the shim: %q", line)
		}
		all = append(all, Signature{time.Unix(0, ns), f[4]})
	}
	return all
}

// Logins returns how many times C_Login was called.
func (s *Shim) Logins() int { return s.count("C_Login ") }

func (s *Shim) count(prefix string) int { s.t.Helper(); return len(s.lines(prefix)) }

// lines returns the lines of the log that begin so.
func (s *Shim) lines(prefix string) (found []string) {
	s.t.Helper()
	b, err := os.ReadFile(s.log)
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, prefix) && strings.HasSuffix(line, "\n") {
			found = append(found, line)
		}
	}
	return found
}
