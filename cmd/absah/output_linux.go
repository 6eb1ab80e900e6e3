package main

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// openUnnamed opens a file that has no name, on the file system where name is
// to appear. It fails where that cannot be, or where it could get no name later.
func openUnnamed(name string) (*os.File, error) {
	dir := filepath.Dir(name)
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o666)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := os.Stat(descriptor(f)); err != nil { // no /proc
		f.Close()
		return nil, err
	}
	return f, nil
}

// linkUnnamed gives the file a name, which must be free.
func linkUnnamed(f *os.File, name string) error {
	err := unix.Linkat(unix.AT_FDCWD, descriptor(f), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
	if err != nil {
		return &os.PathError{Op: "link", Path: name, Err: err}
	}
	return nil
}

// descriptor is the path by which linkat finds an open file without the
// privilege that AT_EMPTY_PATH asks for (open(2), O_TMPFILE).
func descriptor(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }
