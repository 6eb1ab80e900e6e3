// Package hsmtest gives tests a fresh SoftHSM token and the worker process
// that package hsm needs.
//
// A test binary has no "pkcs11-worker" command, so TestMain must call [Main],
// or [RunIfWorker] first when it does more than run the tests:
//
//	func TestMain(m *testing.M) { hsmtest.Main(m) }
//
// Tests skip, naming what is missing, on machines without SoftHSM; those that
// use [NewShim] also without gcc. Everything lives in a temporary
// directory of the test; the environment of the test process is not changed.
// The package is for tests only: its PINs are in its source.
package hsmtest

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/internal/testfile"
)

// PIN and SOPIN are the PINs of every token that New makes.
const (
	PIN   = "canary-7391-pin"
	SOPIN = "canary-8264-so"
)

// Module returns where SoftHSM is installed. Where it is absent, the test is
// [testfile.Lacking] it.
func Module(t testing.TB) string {
	t.Helper()
	path := hsm.FindSoftHSM()
	if path == "" {
		testfile.Lacking(t, "libsofthsm2.so", "Debian package libsofthsm2")
	}
	return path
}

// RunIfWorker turns the process into the worker, for ever, when it was started
// as one; otherwise it does nothing.
func RunIfWorker() {
	if len(os.Args) != 2 || os.Args[1] != hsm.WorkerCommand {
		return
	}
	if err := hsm.RunWorker(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Main is a TestMain that runs the tests, or the worker.
func Main(m *testing.M) {
	RunIfWorker()
	os.Exit(m.Run())
}

// Token is a SoftHSM token of one test.
type Token struct {
	// Config is ready for hsm.Start. Its Logger writes to Log; change what a
	// test needs.
	Config hsm.Config

	// Dir is what SoftHSM keeps its tokens in; removing it takes the token away.
	Dir string

	// Log holds what the Module logged.
	Log *Log
}

// New makes a token. A machine without SoftHSM is [testfile.Lacking] it.
func New(t testing.TB) *Token {
	t.Helper()
	lib := Module(t)
	base := tempDir(t)
	dir := filepath.Join(base, "tokens")
	conf := filepath.Join(base, "softhsm2.conf")
	pin := filepath.Join(base, "pin")
	write(t, conf, fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n", dir))
	write(t, pin, PIN+"\n")
	log := new(Log)
	tok := &Token{
		Dir: dir,
		Log: log,
		Config: hsm.Config{
			Module:  lib,
			Token:   "absah-test",
			PINFile: pin,
			Env:     []string{"SOFTHSM2_CONF=" + conf},
			Logger:  slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		},
	}
	tok.Init(t)
	return tok
}

// tempDir is t.TempDir with a name that the parser of softhsm2.conf takes: that
// of a subtest may hold an equals sign.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "absah-hsm-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Init makes the token, again after its directory was removed.
func (tok *Token) Init(t testing.TB) {
	t.Helper()
	if err := os.MkdirAll(tok.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := hsm.InitToken(t.Context(), tok.Config, []byte(SOPIN)); err != nil {
		t.Fatalf("InitToken: %v", err)
	}
}

// Start starts a Module on the token and closes it with the test.
func (tok *Token) Start(t testing.TB) *hsm.Module {
	t.Helper()
	m, err := hsm.Start(t.Context(), tok.Config)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return m
}

// Generate makes a resident key or fails the test.
func Generate(t testing.TB, m *hsm.Module, label string, alg hsm.Algorithm) *hsm.Key {
	t.Helper()
	k, err := m.Generate(t.Context(), hsm.KeySpec{Label: label, Algorithm: alg})
	if err != nil {
		t.Fatalf("Generate %v: %v", alg, err)
	}
	return k
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Log collects text of several goroutines.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
