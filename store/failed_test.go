package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/store"
	"github.com/absah-id/absah/store/storetest"
)

// TestDiskFailed: once the kernel could not bring a commit to the disk nobody
// knows what is there, and a second fsync would succeed without having written
// anything. The write says ErrFailed, and so does each that follows, until the
// database is opened again; what was acknowledged before is there.
func TestDiskFailed(t *testing.T) {
	o := store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "absah.db")}
	cmd := exec.CommandContext(t.Context(), os.Args[0], o.URL)
	cmd.Env = append(os.Environ(), childRole+"=failing")
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), noSeccomp) {
		testfile.Lacking(t, "seccomp", "a kernel that allows its filters")
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ids := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, id, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			ids[name] = id
		}
	}
	db := storetest.OpenWith(t, o)
	has := func(name string) bool {
		err := db.View(t.Context(), storetest.Org, func(r gateway.Reader) error {
			_, err := r.Operation(t.Context(), ids[name])
			return err
		})
		if err != nil && !errors.Is(err, gateway.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	if len(ids) != 3 || !has("acknowledged") || has("afterwards") {
		t.Errorf("of %v, acknowledged is there: %v, afterwards is there: %v", ids, has("acknowledged"), has("afterwards"))
	}
	t.Logf("the write that failed is there: %v", has("failed"))
	if _, err := begin(t, db); err != nil {
		t.Errorf("opened again: %v", err)
	}
}

const noSeccomp = "this kernel refuses seccomp filters"

// fail is what the child does: it begins an operation, has the kernel fail every
// fsync from then on, and begins others.
func fail(ctx context.Context, db *store.DB) error {
	start := func(name string) error {
		b := storetest.Begin(storetest.Org, storetest.Start)
		fmt.Println(name, b.Operation.ID)
		return db.Update(ctx, storetest.Org, func(tx gateway.Tx) error {
			_, err := tx.BeginOperation(ctx, b)
			return err
		})
	}
	if err := start("acknowledged"); err != nil {
		return err
	}
	if err := failSync(); err != nil {
		return fmt.Errorf("%s: %w", noSeccomp, err)
	}
	select {
	case <-db.Failed():
		return errors.New("failed before anything did")
	default:
	}
	for _, name := range []string{"failed", "afterwards"} {
		if err := start(name); !errors.Is(err, store.ErrFailed) {
			return fmt.Errorf("%s: got %w, want ErrFailed", name, err)
		}
	}
	select {
	case <-db.Failed():
	default:
		return errors.New("nobody is told of the failure")
	}
	if err := db.Ping(ctx); !errors.Is(err, store.ErrFailed) {
		return fmt.Errorf("ping: got %w, want ErrFailed", err)
	}
	if err := db.View(ctx, storetest.Org, func(r gateway.Reader) error { _, err := r.TimeFloor(ctx); return err }); err != nil {
		return fmt.Errorf("reading goes on: %w", err)
	}
	return nil
}

// failSync has fsync and fdatasync of this process answer EIO, by a seccomp filter
// that stays until it ends.
func failSync() error {
	refuse := func(nr uintptr) []unix.SockFilter {
		return []unix.SockFilter{
			{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(nr), Jt: 0, Jf: 1},
			{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(syscall.EIO)},
		}
	}
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}} // the number of the call
	filter = append(filter, refuse(unix.SYS_FSYNC)...)
	filter = append(filter, refuse(unix.SYS_FDATASYNC)...)
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread() // both calls are the thread's, the filter then all threads'
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))); errno != 0 {
		return errno
	}
	return nil
}
