package store

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// turnstile lets the processes that write to one SQLite file take turns. SQLite
// polls for its lock, so a process that begins a transaction right after each
// commit would keep others out for as long as it has work. Whoever wants to
// begin goes through the turnstile, and leaves it when the transaction has
// begun: a process that waits inside is the next, because the one that has just
// committed cannot get in.
//
// It is a courtesy: a process that cannot get in for long goes ahead.
type turnstile struct {
	file *os.File
}

// openTurnstile uses an advisory lock on a file beside the database.
func openTurnstile(path string) (*turnstile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &turnstile{file: f}, nil
}

// enter waits for its turn, at most about as long as SQLite waits for its lock.
func (t *turnstile) enter() (leave func()) {
	const step, most = time.Millisecond, 15_000
	for range most {
		err := syscall.Flock(int(t.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = syscall.Flock(int(t.file.Fd()), syscall.LOCK_UN) }
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			break
		}
		time.Sleep(step)
	}
	return func() {}
}

func (t *turnstile) close() error { return t.file.Close() }
