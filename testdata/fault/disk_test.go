package fault_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/store/storetest"
)

// supervised is the variable that has this program put itself under a supervisor
// and become the gateway.
const supervised = "ABSAH_TEST_SUPERVISED"

// restartStatus is with what the gateway ends when only another process can go on.
const restartStatus = 75

// TestDiskFails: once the kernel cannot bring a commit to the disk the gateway
// says so to whoever waits, and ends with a status of its own, so that the
// service manager starts it again; then all that was released is there.
func TestDiskFails(t *testing.T) {
	w := newWorld(t, storetest.SQLite, 4)
	n := w.node("a")
	disk := n.startOnDisk(t)
	if !n.alive() {
		t.Fatalf("the gateway does not start: %s", n.said())
	}
	l := newLedger()
	l.fail(true) // of it they are to be told
	everyone := newClients(w, l, 7)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var wg sync.WaitGroup
	for _, c := range everyone {
		wg.Go(func() { c.work(ctx, onlySeals, n.url) })
	}
	if !l.wait(ctx, n, 60) {
		t.Fatalf("no work was done: %s", n.said())
	}
	before := l.count()
	disk.fails.Store(true)
	select {
	case <-n.ended:
	case <-ctx.Done():
		n.kill()
		t.Errorf("the gateway goes on: %s", n.said())
	}
	cancel()
	wg.Wait()
	if status := n.cmd.ProcessState.ExitCode(); status != restartStatus {
		t.Errorf("exit status %d, want %d: %s", status, restartStatus, n.said())
	}
	if said := n.said(); !strings.Contains(said, "the disk failed") {
		t.Errorf("it says nothing of the disk: %s", said)
	}
	l.fail(false)
	l.report(t, "disk")
	judge(t, n, everyone, l, "after the disk failed")
	progress("disk", "%d requests and %d documents before it failed, %d and %d in all; status %d", before.asked, before.documents, l.asked, len(l.documents), restartStatus)
}

// failingDisk answers fsync and fdatasync in the place of the kernel (seccomp
// user notification).
type failingDisk struct{ fails atomic.Bool }

// startOnDisk starts the node under a disk that can be made to fail.
func (n *node) startOnDisk(t *testing.T) *failingDisk {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "supervisor"), os.NewFile(uintptr(pair[1]), "supervised")
	defer ours.Close()
	n.launch = func(cmd *exec.Cmd) {
		cmd.Args = append([]string{os.Args[0], program}, cmd.Args[1:]...)
		cmd.Path = os.Args[0]
		cmd.Env = append(cmd.Env, supervised+"=1")
		cmd.ExtraFiles = []*os.File{theirs}
	}
	defer func() { n.launch = nil }()
	d := &failingDisk{}
	var ended sync.WaitGroup
	ended.Go(func() {
		notices, err := receiveFile(ours)
		if err != nil {
			return // then it has ended, and said why
		}
		d.supervise(notices)
	})
	t.Cleanup(func() { ended.Wait() })
	n.start("")
	theirs.Close()
	if !n.alive() && strings.Contains(n.said(), noFilters) {
		testfile.Lacking(t, "seccomp", "a kernel that allows its filters")
	}
	return d
}

func receiveFile(from *os.File) (int, error) {
	control := make([]byte, unix.CmsgSpace(4))
	_, length, _, _, err := unix.Recvmsg(int(from.Fd()), make([]byte, 1), control, 0)
	if err != nil {
		return 0, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:length])
	if err != nil || len(messages) == 0 {
		return 0, fmt.Errorf("no file: %w", err)
	}
	files, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return 0, err
	}
	return files[0], nil
}

// notice is struct seccomp_notif of linux/seccomp.h, answer struct
// seccomp_notif_resp.
type (
	notice struct {
		id         uint64
		pid, flags uint32
		call       [64]byte
	}
	answer struct {
		id    uint64
		value int64
		err   int32
		flags uint32
	}
)

const (
	receiveNotice = 0xc0502100 // SECCOMP_IOCTL_NOTIF_RECV
	sendAnswer    = 0xc0182101 // SECCOMP_IOCTL_NOTIF_SEND
	goOn          = 1          // SECCOMP_USER_NOTIF_FLAG_CONTINUE
)

// supervise answers until no process is left.
func (d *failingDisk) supervise(notices int) {
	defer unix.Close(notices)
	for {
		waiting := []unix.PollFd{{Fd: int32(notices), Events: unix.POLLIN}}
		if _, err := unix.Poll(waiting, -1); err != nil && err != unix.EINTR { //nolint:errorlint // it is the number itself
			return
		}
		if waiting[0].Revents&unix.POLLHUP != 0 {
			return
		}
		var asked notice
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(notices), receiveNotice, uintptr(unsafe.Pointer(&asked))); errno != 0 {
			continue // who asked is gone
		}
		said := answer{id: asked.id, flags: goOn}
		if d.fails.Load() {
			said.flags, said.err = 0, -int32(syscall.EIO)
		}
		_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(notices), sendAnswer, uintptr(unsafe.Pointer(&said))) // as above
	}
}

const noFilters = "this kernel refuses seccomp filters"

// becomeSupervised puts this process under the supervisor at the other end of
// file 3, and makes it the program that the arguments name.
func becomeSupervised() {
	const listener = 8 // SECCOMP_FILTER_FLAG_NEW_LISTENER
	runtime.LockOSThread()
	fail := func(err error) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", noFilters, err)
		os.Exit(1)
	}
	notify := func(call uint32) []unix.SockFilter {
		return []unix.SockFilter{
			{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jt: 0, Jf: 1},
			{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF},
		}
	}
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}} // the number of the call
	filter = append(filter, notify(unix.SYS_FSYNC)...)
	filter = append(filter, notify(unix.SYS_FDATASYNC)...)
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		fail(err)
	}
	all := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	notices, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, listener, uintptr(unsafe.Pointer(&all)))
	if errno != 0 {
		fail(errno)
	}
	if err := unix.Sendmsg(3, []byte{0}, unix.UnixRights(int(notices)), nil, 0); err != nil {
		fail(err)
	}
	unix.CloseOnExec(3)
	unix.CloseOnExec(int(notices))
	os.Unsetenv(supervised)
	fail(syscall.Exec(os.Args[1], os.Args[1:], os.Environ()))
}
