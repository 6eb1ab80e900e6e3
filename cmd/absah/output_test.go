package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
)

// entries are the names in a folder, hidden ones too.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// TestOutput: new and replaced, on file systems that know files without a name
// and on those that do not.
func TestOutput(t *testing.T) {
	for _, c := range []struct {
		name    string
		old     bool
		named   bool // as where no file can be without a name
		discard bool
	}{
		{name: "new"}, {name: "replaced", old: true}, {name: "given up", discard: true}, {name: "old kept", old: true, discard: true},
		{name: "new, named", named: true}, {name: "replaced, named", old: true, named: true},
		{name: "given up, named", named: true, discard: true}, {name: "old kept, named", old: true, named: true, discard: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "out.pdf")
			want := ""
			if c.old {
				want = "old"
				if err := os.WriteFile(path, []byte(want), 0o640); err != nil {
					t.Fatal(err)
				}
			}
			o, err := createOutput(path)
			if err != nil {
				t.Fatal(err)
			}
			if c.named && o.temp == "" {
				o.file.Close()
				o.temp = hiddenName(path)
				if o.file, err = os.OpenFile(o.temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640); err != nil {
					t.Fatal(err)
				}
			}
			if err := o.append([]byte("new")); err != nil {
				t.Fatal(err)
			}
			if !c.discard {
				want = "new"
				if err := o.commit(); err != nil {
					t.Fatal(err)
				}
			}
			o.discard()
			got, err := os.ReadFile(path)
			if string(got) != want || err != nil && want != "" {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
			if names := entries(t, dir); len(names) > 1 || want == "" && len(names) > 0 {
				t.Errorf("left behind: %q", names)
			}
			if info, err := os.Stat(path); err == nil && c.old && info.Mode().Perm() != 0o640 {
				t.Errorf("mode %v, want that of the file replaced", info.Mode())
			}
		})
	}
}

// TestOutputUnnamed: a process that is killed while it writes leaves nothing
// behind.
func TestOutputUnnamed(t *testing.T) {
	shared, err := os.MkdirTemp("/dev/shm", "absah") // a tmpfs on Linux
	if err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(shared) })
	}
	var dir string
	var o *output
	for _, dir = range []string{t.TempDir(), shared} {
		if o, err = createOutput(filepath.Join(dir, "out.pdf")); err != nil {
			t.Fatal(err)
		}
		defer o.discard()
		if o.temp == "" {
			break
		}
	}
	if o.temp != "" {
		testfile.Lacking(t, "O_TMPFILE in "+os.TempDir()+" and /dev/shm", "a file system such as ext4, xfs, btrfs or tmpfs")
	}
	if err := o.append(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if names := entries(t, dir); names != nil {
		t.Errorf("%q before the output is finished", names)
	}
}

// TestOutputRefused: devices and folders are never replaced.
func TestOutputRefused(t *testing.T) {
	for _, name := range []string{os.DevNull, t.TempDir(), filepath.Join(t.TempDir(), "none", "out.pdf")} {
		o, err := createOutput(name)
		if _, ok := errors.AsType[*outputError](err); !ok || o != nil {
			t.Errorf("%s: got %v, %v", name, o, err)
		}
		if err := writeFile(name, nil, 0o600); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}
