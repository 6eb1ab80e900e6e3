package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// output is a file that appears under its name whole or not at all: bytes go
// to a hidden temporary file beside it, which Commit renames into place.
//
// The input is copied into it before it is signed, and it is the copy that is
// parsed and hashed. So nobody who can write the input can make the signed
// digest and the released bytes differ.
type output struct {
	file *os.File
	name string
}

// createOutput opens the temporary file for name, whose folder must exist.
// Who may not read the file that is replaced cannot read the new one either.
// Errors are outputErrors (exit status 73).
func createOutput(name string) (*output, error) {
	old, err := os.Stat(name)
	if err == nil && !old.Mode().IsRegular() {
		return nil, &outputError{fmt.Errorf("%s is not a regular file", name)}
	}
	f, err := createBeside(name, 0o666)
	if err != nil {
		return nil, &outputError{err}
	}
	o := &output{file: f, name: name}
	if old != nil {
		if err := o.restrict(old.Mode()); err != nil {
			o.discard()
			return nil, err
		}
	}
	return o, nil
}

// restrict takes the rights away that mode does not give, but never the
// owner's to read and write: a signed copy of a confidential letter is no more
// public than the letter.
func (o *output) restrict(mode os.FileMode) error {
	info, err := o.file.Stat()
	if err == nil {
		err = o.file.Chmod(info.Mode().Perm()&mode.Perm() | 0o600)
	}
	if err != nil {
		return &outputError{err}
	}
	return nil
}

// createBeside makes a hidden file with a fresh name in name's folder; the
// umask applies to mode. File systems take 255 bytes in a name, so a long one
// is cut.
func createBeside(name string, mode os.FileMode) (*os.File, error) {
	dir, base := filepath.Split(name)
	base = base[:min(len(base), 200)]
	return os.OpenFile(dir+"."+base+"."+rand.Text()[:8], os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
}

// copyFrom fills the output with the bytes of in and returns their number.
// Between two files the kernel copies (or shares) them without a buffer.
func (o *output) copyFrom(ctx context.Context, in *os.File, p *progress) (int64, error) {
	const step = 64 << 20 // between two looks at ctx and two drawings of the bar
	var size int64
	for {
		if err := ctx.Err(); err != nil {
			return size, err
		}
		n, err := io.CopyN(o.file, in, step)
		size += n
		p.add(n)
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err != nil {
			return size, &outputError{err}
		}
	}
}

// append writes b at the end.
func (o *output) append(b []byte) error {
	if _, err := o.file.Write(b); err != nil {
		return &outputError{err}
	}
	return nil
}

// commit makes the bytes durable and gives the file its name.
func (o *output) commit() error {
	err := errors.Join(o.file.Sync(), o.file.Close())
	if err == nil {
		err = os.Rename(o.file.Name(), o.name)
	}
	if err != nil {
		os.Remove(o.file.Name())
		return &outputError{err}
	}
	o.file = nil
	return syncDir(filepath.Dir(o.name))
}

// discard removes what was written unless it was committed.
func (o *output) discard() {
	if o.file != nil {
		o.file.Close()
		os.Remove(o.file.Name())
		o.file = nil
	}
}

// syncDir makes a rename in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return &outputError{err}
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return &outputError{err}
	}
	return nil
}

// writeFile writes a small file whole or not at all; the umask applies to mode.
func writeFile(name string, b []byte, mode os.FileMode) error {
	f, err := createBeside(name, mode)
	if err != nil {
		return &outputError{err}
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return &outputError{err}
	}
	return nil
}

// outputWriter is standard output: what cannot be written there is an
// outputError too.
type outputWriter struct{ io.Writer }

func (w outputWriter) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	if err != nil {
		return n, &outputError{err}
	}
	return n, nil
}
