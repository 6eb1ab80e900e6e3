package hsm_test

import (
	"bufio"
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/hsm/hsmtest"
)

// load signs on n goroutines until stop is closed and counts what came back.
type load struct {
	stop chan struct{}
	wg   sync.WaitGroup

	mu                      sync.Mutex
	good, unknown, definite int // guarded by mu, as all below
	wrong, unexpected       []error
	slowest                 time.Duration
}

func startLoad(t *testing.T, key *hsm.Key, n int, expected ...error) *load {
	l := &load{stop: make(chan struct{})}
	for g := range n {
		l.wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-l.stop:
					return
				default:
				}
				msg := fmt.Appendf(nil, "message %d of %d", i, g)
				start := time.Now()
				sig, err := key.SignMessage(nil, msg, crypto.SHA256)
				took := time.Since(start)
				var bad error
				if err == nil {
					bad = verify(key.Public(), crypto.SHA256, msg, sig)
				}
				l.mu.Lock()
				l.slowest = max(l.slowest, took)
				switch {
				case bad != nil:
					l.wrong = append(l.wrong, bad)
				case err == nil:
					l.good++
				case errors.Is(err, hsm.ErrUnknownOutcome):
					l.unknown++
				case isAny(err, expected):
					l.definite++
				default:
					l.unexpected = append(l.unexpected, err)
				}
				l.mu.Unlock()
			}
		})
	}
	return l
}

func isAny(err error, list []error) bool {
	for _, e := range list {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (l *load) count() (good, unknown int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.good, l.unknown
}

// awaitGood waits until n more signatures have come.
func (l *load) awaitGood(t *testing.T, n int) {
	t.Helper()
	first, _ := l.count()
	await(t, fmt.Sprintf("%d more signatures", n), func() bool { good, _ := l.count(); return good >= first+n })
}

func (l *load) end(t *testing.T, deadline time.Duration) {
	t.Helper()
	close(l.stop)
	l.wg.Wait()
	if len(l.unexpected) > 0 {
		t.Errorf("%d unexpected errors, the first: %v", len(l.unexpected), l.unexpected[0])
	}
	if len(l.wrong) > 0 {
		t.Errorf("%d wrong signatures, the first: %v", len(l.wrong), l.wrong[0])
	}
	// The machine may be busy; a call that waits for its child does not end.
	if slack := 5 * time.Second; l.slowest > deadline+slack {
		t.Errorf("slowest call took %v, want at most %v", l.slowest, deadline)
	}
	t.Logf("good %d, unknown %d, refused %d, slowest %v", l.good, l.unknown, l.definite, l.slowest)
}

// await polls for what another process or goroutine brings about.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v", what, ctx.Err())
		}
	}
}

func kill(t testing.TB, m *hsm.Module, sig syscall.Signal) int {
	t.Helper()
	await(t, "a worker", func() bool { return m.Stats().WorkerPID != 0 })
	pid := m.Stats().WorkerPID
	if err := syscall.Kill(pid, sig); err != nil && err != syscall.ESRCH {
		t.Fatal(err)
	}
	return pid
}

// The worker is taken away in the middle of 16 callers. Every call ends in
// time, at most one signature per session is in doubt each time, the module
// never makes more signatures than calls were good or in doubt, and service
// goes on.
func TestWorkerLostUnderLoad(t *testing.T) {
	t.Parallel()
	tests := []struct {
		sig     syscall.Signal
		unknown int
	}{
		{syscall.SIGKILL, 8}, // one per session
		{syscall.SIGSEGV, 8},
		{syscall.SIGSTOP, 16}, // and those who waited so long that too little time was left
	}
	for _, tt := range tests {
		t.Run(tt.sig.String(), func(t *testing.T) {
			t.Parallel()
			tok, shim := hsmtest.NewShim(t)
			tok.Config.Timeout = 2 * time.Second
			m := tok.Start(t)
			key := hsmtest.Generate(t, m, "k", hsm.RSA2048)
			l := startLoad(t, key, 16, hsm.ErrUnavailable)
			for range 3 {
				l.awaitGood(t, 50)
				_, before := l.count()
				pid := kill(t, m, tt.sig)
				await(t, "another worker", func() bool { s := m.Stats().WorkerPID; return s != 0 && s != pid })
				l.awaitGood(t, 50)
				if _, after := l.count(); after-before > tt.unknown {
					t.Errorf("%d outcomes unknown after one loss, want at most %d", after-before, tt.unknown)
				}
			}
			l.end(t, tok.Config.Timeout)
			if made, most := shim.Signatures(), l.good+l.unknown; made > most {
				t.Errorf("the module made %d signatures for %d calls", made, most)
			}
			if got := m.Stats().Started; got != 4 {
				t.Errorf("workers started = %d, want 4", got)
			}
		})
	}
}

type faultTest struct {
	fault   hsmtest.Fault
	want    error // nil: the call succeeds
	asked   int   // signatures asked of the module
	workers uint64
}

// Signing through a fault of the module: what the call says, whether the
// module was asked for a signature again, and that the next call is good. With
// a P-256 key the worker's Go code signs, with an RSA key and one session its
// loop in C.
func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []faultTest{
		{hsmtest.SessionInvalid, nil, 1, 1},
		{hsmtest.LoggedOut, nil, 1, 1},
		{hsmtest.HandleInvalid, nil, 1, 1},
		{hsmtest.DeviceRemoved, hsm.ErrUnknownOutcome, 1, 2},
		{hsmtest.DeviceError, hsm.ErrUnknownOutcome, 1, 2},
		{hsmtest.GeneralError, hsm.ErrUnknownOutcome, 1, 1},
		{hsmtest.Abort, hsm.ErrUnknownOutcome, 1, 2},
		{hsmtest.Hang, hsm.ErrUnknownOutcome, 1, 2},
		{"session", nil, 1, 1}, // C_Sign: refused for certain
		{"login", nil, 1, 1},
		{"handle", nil, 1, 1},
	}
	for _, tt := range tests {
		t.Run(string(tt.fault), func(t *testing.T) {
			t.Parallel()
			tt.run(t, hsm.P256, 8)
		})
		t.Run(string(tt.fault)+" repeated", func(t *testing.T) {
			t.Parallel()
			tt.run(t, hsm.RSA2048, 1)
		})
	}
}

func (tt faultTest) run(t *testing.T, alg hsm.Algorithm, sessions int) {
	tok, shim := hsmtest.NewShim(t)
	tok.Config.Timeout = 3 * time.Second
	tok.Config.Sessions = sessions
	m := tok.Start(t)
	key := hsmtest.Generate(t, m, "k", alg)
	for range 2 {
		if _, err := key.SignMessage(nil, nil, crypto.SHA256); err != nil {
			t.Fatal(err)
		}
	}
	before := shim.Signatures()
	shim.Next(1, tt.fault)
	_, err := key.SignMessage(nil, nil, crypto.SHA256)
	answered := strings.HasPrefix(string(tt.fault), "init-")
	switch {
	case tt.want != nil && !errors.Is(err, tt.want):
		t.Errorf("got %v, want %v", err, tt.want)
	case tt.want == nil && answered && err != nil:
		t.Errorf("got %v, want a signature after mending", err)
	case tt.want == nil && !answered:
		if e, ok := errors.AsType[*hsm.Error](err); !ok || errors.Is(err, hsm.ErrUnknownOutcome) || e.Op != "C_Sign" {
			t.Errorf("got %v, want a plain *Error of C_Sign", err)
		}
	}
	if got := shim.Signatures() - before; got != tt.asked {
		t.Errorf("the module was asked %d times, want %d", got, tt.asked)
	}
	if tt.want != nil {
		await(t, "the worker's replacement", func() bool {
			s := m.Stats()
			return s.Started >= tt.workers && s.WorkerPID != 0
		})
	}
	if _, err := key.SignMessage(nil, nil, crypto.SHA256); err != nil {
		t.Errorf("the next call: %v", err)
	}
	if got := m.Stats().Started; got != tt.workers {
		t.Errorf("workers started = %d, want %d", got, tt.workers)
	}
}

// CKR_GENERAL_ERROR once may be about the request; three in a row mean that
// the library is lost.
func TestGeneralErrorsInARow(t *testing.T) {
	t.Parallel()
	tok, shim := hsmtest.NewShim(t)
	m := tok.Start(t)
	key := hsmtest.Generate(t, m, "k", hsm.P256)
	shim.Next(3, hsmtest.GeneralError)
	for range 3 {
		if _, err := key.SignMessage(nil, nil, crypto.SHA256); !errors.Is(err, hsm.ErrUnknownOutcome) {
			t.Errorf("got %v, want %v", err, hsm.ErrUnknownOutcome)
		}
	}
	await(t, "another worker", func() bool { return m.Stats().Started == 2 })
	if _, err := key.SignMessage(nil, nil, crypto.SHA256); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

// A library that cannot be started is tried again with growing pauses, calls
// fail at once meanwhile, and service returns by itself.
func TestRestartBackOff(t *testing.T) {
	t.Parallel()
	tok := hsmtest.New(t)
	m := tok.Start(t)
	key := hsmtest.Generate(t, m, "k", hsm.P256)
	if err := os.Rename(tok.Dir, tok.Dir+".gone"); err != nil {
		t.Fatal(err)
	}
	kill(t, m, syscall.SIGKILL)
	await(t, "failed attempts", func() bool { return strings.Count(tok.Log.String(), "cannot be started") >= 3 })
	start := time.Now()
	if _, err := key.SignMessage(nil, nil, crypto.SHA256); !errors.Is(err, hsm.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, hsm.ErrUnavailable)
	}
	if took := time.Since(start); took > 4*time.Second { // it would wait for five
		t.Errorf("a call during the outage took %v, want an answer at once", took)
	}
	if err := os.RemoveAll(tok.Dir); err != nil { // SoftHSM may have made it anew
		t.Fatal(err)
	}
	if err := os.Rename(tok.Dir+".gone", tok.Dir); err != nil {
		t.Fatal(err)
	}
	await(t, "service", func() bool {
		_, err := key.SignMessage(nil, nil, crypto.SHA256)
		return err == nil
	})
	if n := strings.Count(tok.Log.String(), "cannot be started"); n > 12 {
		t.Errorf("%d attempts, want pauses that grow", n)
	}
}

// A flipped bit goes through: verifying is for whoever knows the certificate. The
// health check, which has no certificate, verifies itself.
func TestFlippedBit(t *testing.T) {
	t.Parallel()
	tok, shim := hsmtest.NewShim(t)
	m := tok.Start(t)
	if err := m.Health(t.Context()); err != nil {
		t.Fatal(err)
	}
	shim.Next(0, hsmtest.FlippedBit)
	if err := m.Health(t.Context()); !errors.Is(err, hsm.ErrUnavailable) {
		t.Errorf("Health: got %v, want %v", err, hsm.ErrUnavailable)
	}
	shim.Clear()
	if err := m.Health(t.Context()); err != nil {
		t.Errorf("Health afterwards: %v", err)
	}
}

// All sessions find themselves logged out at once: one of them logs in.
func TestReloginIsSingleFlight(t *testing.T) {
	t.Parallel()
	tok, shim := hsmtest.NewShim(t)
	m := tok.Start(t)
	key := hsmtest.Generate(t, m, "k", hsm.P256)
	shim.Delay(30 * time.Millisecond)
	l := startLoad(t, key, 8)
	l.awaitGood(t, 20)
	before := shim.Logins()
	shim.Next(1, hsmtest.LoggedOut)
	l.awaitGood(t, 40)
	l.end(t, 5*time.Second)
	if got := shim.Logins() - before; got != 1 {
		t.Errorf("logins = %d, want 1", got)
	}
	if l.unknown != 0 || l.definite != 0 {
		t.Errorf("%d unknown, %d refused, want none", l.unknown, l.definite)
	}
}

// A token that logs us out between two calls hides its keys: a label that is taken
// stays taken, and a secret key that is there is not made again.
func TestLoggedOutIsNotEmpty(t *testing.T) {
	t.Parallel()
	tok, shim := hsmtest.NewShim(t)
	m := tok.Start(t)
	key := hsmtest.Generate(t, m, "k", hsm.P256)
	if _, err := m.Vault(t.Context(), hsm.VaultConfig{Create: true}); err != nil {
		t.Fatal(err)
	}
	logout := func() {
		shim.Next(1, hsmtest.LogoutAfter)
		if _, err := key.SignMessage(nil, []byte("naskah"), crypto.SHA256); err != nil {
			t.Fatal(err)
		}
	}
	logout()
	if _, err := m.Generate(t.Context(), hsm.KeySpec{Label: "k", Algorithm: hsm.P256}); !errors.Is(err, hsm.ErrKeyExists) {
		t.Errorf("Generate: got %v, want %v", err, hsm.ErrKeyExists)
	}
	logout()
	if _, err := m.Key(t.Context(), "k"); err != nil {
		t.Errorf("Key: %v", err)
	}
	logout()
	for _, create := range []bool{true, false} {
		if _, err := m.Vault(t.Context(), hsm.VaultConfig{Create: create}); err != nil {
			t.Errorf("Vault: %v", err)
		}
	}
}

// With a second in every C_Sign, 8 sessions make 8 signatures in little more
// than the time of one.
func TestSessionsWorkAtOnce(t *testing.T) {
	t.Parallel()
	tok, shim := hsmtest.NewShim(t)
	m := tok.Start(t)
	key := hsmtest.Generate(t, m, "k", hsm.P256)
	shim.Delay(time.Second)
	start := time.Now()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := key.SignMessage(nil, nil, crypto.SHA256); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("8 signatures of a second took %v, want them at once", took)
	}
}

// A caller that leaves neither waits for the module nor takes the worker down
// for others.
func TestCancel(t *testing.T) {
	t.Parallel()
	tok, shim := hsmtest.NewShim(t)
	tok.Config.Sessions = 1
	m := tok.Start(t)
	key := hsmtest.Generate(t, m, "k", hsm.P256)
	shim.Delay(400 * time.Millisecond)
	before := shim.Signatures()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		await(t, "C_Sign", func() bool { return shim.Signatures() > before })
		cancel()
	}()
	if _, err := key.WithContext(ctx).SignMessage(nil, nil, crypto.SHA256); !errors.Is(err, context.Canceled) || !errors.Is(err, hsm.ErrUnknownOutcome) {
		t.Errorf("cancelled in C_Sign: got %v, want canceled and unknown outcome", err)
	}
	if _, err := key.WithContext(ctx).SignMessage(nil, nil, crypto.SHA256); !errors.Is(err, context.Canceled) || errors.Is(err, hsm.ErrUnknownOutcome) {
		t.Errorf("cancelled before: got %v, want canceled only", err)
	}
	if _, err := key.SignMessage(nil, []byte("next"), crypto.SHA256); err != nil {
		t.Errorf("the next caller on the only session: %v", err)
	}
	short, cancel2 := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel2()
	if _, err := key.WithContext(short).SignMessage(nil, nil, crypto.SHA256); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: got %v, want %v", err, context.DeadlineExceeded)
	}
	if got := m.Stats().Started; got != 1 {
		t.Errorf("workers started = %d, want 1", got)
	}
}

// The token's directory is removed while signing, and later another token of
// the same name is made.
func TestTokenDeleted(t *testing.T) {
	t.Parallel()
	tok := hsmtest.New(t)
	m := tok.Start(t)
	key := hsmtest.Generate(t, m, "k", hsm.P256)
	gone := []error{hsm.ErrUnavailable, hsm.ErrKeyNotFound}
	l := startLoad(t, key, 4, gone...)
	l.awaitGood(t, 20)
	if err := os.Rename(tok.Dir, tok.Dir+".gone"); err != nil { // a removal would race with SoftHSM
		t.Fatal(err)
	}
	await(t, "errors", func() bool {
		_, err := key.SignMessage(nil, nil, crypto.SHA256)
		return isAny(err, gone)
	})
	l.end(t, 5*time.Second)
	if err := m.Health(t.Context()); err == nil {
		t.Error("Health is good without a token")
	}
	tok.Init(t)
	await(t, "the new token", func() bool { return m.Health(t.Context()) == nil })
	if _, err := key.SignMessage(nil, nil, crypto.SHA256); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("key of the old token: got %v, want %v", err, hsm.ErrKeyNotFound)
	}
	key = hsmtest.Generate(t, m, "k", hsm.P256)
	if _, err := key.SignMessage(nil, nil, crypto.SHA256); err != nil {
		t.Errorf("key of the new token: %v", err)
	}
}

// A PIN that is wrong from the start is tried once.
func TestWrongPIN(t *testing.T) {
	t.Parallel()
	tok, shim := hsmtest.NewShim(t)
	write(t, tok.Config.PINFile, "wrong-pin-5150\n")
	_, err := hsm.Start(t.Context(), tok.Config)
	if !errors.Is(err, hsm.ErrPIN) {
		t.Fatalf("Start: got %v, want %v", err, hsm.ErrPIN)
	}
	if got := shim.Logins(); got != 1 {
		t.Errorf("logins = %d, want 1", got)
	}
	if s := err.Error() + tok.Log.String(); strings.Contains(s, "wrong-pin") {
		t.Errorf("the PIN is in %q", s)
	}
}

// A file that cannot hold a PIN costs the token no try.
func TestPINOfTwoLines(t *testing.T) {
	t.Parallel()
	tok, shim := hsmtest.NewShim(t)
	write(t, tok.Config.PINFile, hsmtest.PIN+"\nabsah-test\n")
	_, err := hsm.Start(t.Context(), tok.Config)
	if !errors.Is(err, hsm.ErrPIN) {
		t.Fatalf("Start: got %v, want %v", err, hsm.ErrPIN)
	}
	if got := shim.Logins(); got != 0 {
		t.Errorf("logins = %d, want none", got)
	}
}

// A PIN that becomes wrong is tried once, whatever is asked afterwards.
func TestWrongPINLater(t *testing.T) {
	t.Parallel()
	tok, shim := hsmtest.NewShim(t)
	m := tok.Start(t)
	key := hsmtest.Generate(t, m, "k", hsm.P256)
	for _, take := range []func(){
		func() { shim.Next(1, hsmtest.LoggedOut) },
		func() { kill(t, m, syscall.SIGKILL) },
	} {
		write(t, tok.Config.PINFile, "wrong-pin-5150\n")
		before := shim.Logins()
		take()
		for range 20 {
			if _, err := key.SignMessage(nil, nil, crypto.SHA256); !errors.Is(err, hsm.ErrPIN) && !errors.Is(err, hsm.ErrUnknownOutcome) {
				t.Fatalf("got %v, want %v", err, hsm.ErrPIN)
			}
		}
		if err := m.Health(t.Context()); !errors.Is(err, hsm.ErrPIN) {
			t.Errorf("Health: got %v, want %v", err, hsm.ErrPIN)
		}
		if got := shim.Logins() - before; got != 1 {
			t.Errorf("logins = %d, want 1", got)
		}
		shim.Clear()
		write(t, tok.Config.PINFile, hsmtest.PIN)
		m = tok.Start(t) // the cure
		var err error
		if key, err = m.Key(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	tok := hsmtest.New(t)
	tests := []struct {
		name   string
		change func(*hsm.Config)
		want   error
	}{
		{"no such module", func(c *hsm.Config) { c.Module = "/nonexistent.so" }, hsm.ErrUnavailable},
		{"module is no library", func(c *hsm.Config) { c.Module = c.PINFile }, hsm.ErrUnavailable},
		{"no such token", func(c *hsm.Config) { c.Token = "other" }, hsm.ErrUnavailable},
		{"no PIN file", func(c *hsm.Config) { c.PINFile += ".none" }, hsm.ErrPIN},
		{"empty PIN file", func(c *hsm.Config) { c.PINFile = os.DevNull }, hsm.ErrPIN},
		{"worker is no worker", func(c *hsm.Config) { c.Worker = []string{"true"} }, hsm.ErrUnavailable},
		{"worker cannot run", func(c *hsm.Config) { c.Worker = []string{"/nonexistent"} }, hsm.ErrUnavailable},
		{"worker hangs", func(c *hsm.Config) {
			c.Worker, c.Env, c.SlowTimeout = []string{"sleep", "100"}, nil, 300*time.Millisecond
		}, hsm.ErrUnavailable},
		{"nothing set", func(c *hsm.Config) { *c = hsm.Config{} }, nil},
		{"too many sessions", func(c *hsm.Config) { c.Sessions = 257 }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := tok.Config
			tt.change(&cfg)
			m, err := hsm.Start(t.Context(), cfg)
			if err == nil {
				m.Close()
				t.Fatal("started")
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if err := hsm.InitToken(t.Context(), tok.Config, []byte(hsmtest.SOPIN)); !errors.Is(err, hsm.ErrTokenExists) {
		t.Errorf("InitToken: got %v, want %v", err, hsm.ErrTokenExists)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	m := hsmtest.New(t).Start(t)
	key := hsmtest.Generate(t, m, "k", hsm.RSA2048)
	l := startLoad(t, key, 8, hsm.ErrClosed)
	l.awaitGood(t, 20)
	pid := m.Stats().WorkerPID
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("the worker is still there: %v", err)
	}
	if _, err := key.SignMessage(nil, nil, crypto.SHA256); !errors.Is(err, hsm.ErrClosed) {
		t.Errorf("after Close: got %v, want %v", err, hsm.ErrClosed)
	}
	l.end(t, 5*time.Second)
	if l.unknown != 0 {
		t.Errorf("Close left %d outcomes unknown, want it to let requests finish", l.unknown)
	}
}

// runIfParent makes the process the gateway of TestParentDies: it starts a
// Module, prints the worker's process id and waits to be killed.
func runIfParent() {
	if len(os.Args) != 4 || os.Args[1] != "parent" {
		return
	}
	cfg := hsm.Config{Module: hsm.FindSoftHSM(), Token: "absah-test", PINFile: os.Args[3],
		Env: []string{"SOFTHSM2_CONF=" + os.Args[2]}, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	m, err := hsm.Start(context.Background(), cfg)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(m.Stats().WorkerPID)
	select {}
}

// The worker does not outlive a gateway that is killed, not even when it is
// stopped and so cannot notice that its socket closed.
func TestParentDies(t *testing.T) {
	t.Parallel()
	for _, stopped := range []bool{false, true} {
		t.Run(fmt.Sprintf("stopped=%v", stopped), func(t *testing.T) {
			tok := hsmtest.New(t)
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			_, conf, _ := strings.Cut(tok.Config.Env[0], "=")
			cmd := exec.Command(self, "parent", conf, tok.Config.PINFile)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, _ := bufio.NewReader(out).ReadString('\n')
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil {
				cmd.Process.Kill()
				cmd.Wait()
				t.Fatalf("the parent said %q", line)
			}
			if stopped {
				syscall.Kill(pid, syscall.SIGSTOP)
			}
			cmd.Process.Kill()
			cmd.Wait()
			await(t, "the end of the worker", func() bool { return !alive(pid) })
		})
	}
}

// alive reports whether a process exists and is not a zombie that nobody reaps.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// The PIN is nowhere to be seen: arguments, environment, log, errors, output.
func TestPINCanary(t *testing.T) {
	t.Parallel()
	tok, shim := hsmtest.NewShim(t)
	m := tok.Start(t)
	key := hsmtest.Generate(t, m, "k", hsm.P256)
	pid := m.Stats().WorkerPID
	var seen strings.Builder
	for _, p := range []int{pid, os.Getpid()} {
		for _, f := range []string{"cmdline", "environ"} {
			b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p), f))
			if err != nil && os.Geteuid() == 0 {
				t.Error(err)
			}
			seen.Write(b)
		}
	}
	for _, f := range []hsmtest.Fault{hsmtest.Abort, hsmtest.DeviceRemoved, hsmtest.LoggedOut} {
		shim.Next(1, f)
		_, err := key.SignMessage(nil, nil, crypto.SHA256)
		fmt.Fprintln(&seen, err)
	}
	await(t, "a worker", func() bool { return m.Health(t.Context()) == nil })
	m.Close()
	seen.WriteString(tok.Log.String())
	if strings.Contains(seen.String(), hsmtest.PIN) || strings.Contains(seen.String(), hsmtest.SOPIN) {
		t.Errorf("a PIN is in:\n%s", seen.String())
	}
	if !strings.Contains(tok.Log.String(), "SIGABRT") {
		t.Errorf("the log does not tell how the worker ended:\n%s", tok.Log)
	}
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
