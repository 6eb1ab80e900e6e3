package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// output is a file that appears under its name whole or not at all: bytes go
// to a file that has no name yet, so that nothing is left behind however the
// process ends. Where the system has no such files it is a hidden one beside
// the output, which stays there when the process is killed.
//
// The input is copied into it before it is signed, and it is the copy that is
// parsed and hashed. So nobody who can write the input can make the signed
// digest and the released bytes differ.
type output struct {
	file *os.File
	name string
	temp string // the hidden name; "" while the file has none
}

// createOutput opens the file for name, whose folder must exist. Its rights are
// what the umask leaves of 0666, and who may not read the file that is
// replaced cannot read the new one either. Errors are outputErrors (exit
// status 73).
func createOutput(name string) (*output, error) {
	old, err := os.Stat(name)
	if err == nil && !old.Mode().IsRegular() {
		return nil, &outputError{fmt.Errorf("%s is not a regular file", printable(name))}
	}
	o := &output{name: name}
	if o.file, err = openUnnamed(name); err != nil {
		o.temp = hiddenName(name)
		o.file, err = os.OpenFile(o.temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	}
	if err != nil {
		return nil, o.failed(err)
	}
	if old != nil {
		if err := o.restrict(old.Mode()); err != nil {
			o.discard()
			return nil, err
		}
	}
	return o, nil
}

// failed is the outputError for err. It names the file that the user named,
// whatever name the bytes have on their way.
func (o *output) failed(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	return &outputError{fmt.Errorf("%s: %w", printable(o.name), err)}
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
		return o.failed(err)
	}
	return nil
}

// hiddenName is a fresh name in name's folder. File systems take 255 bytes in
// a name, so a long one is cut.
func hiddenName(name string) string {
	dir, base := filepath.Split(name)
	return dir + "." + base[:min(len(base), 200)] + "." + rand.Text()[:8]
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
		if e, ok := errors.AsType[*fs.PathError](err); ok && e.Op == "read" {
			return size, err
		}
		if err != nil {
			return size, o.failed(err)
		}
	}
}

// append writes b at the end.
func (o *output) append(b []byte) error {
	if _, err := o.file.Write(b); err != nil {
		return o.failed(err)
	}
	return nil
}

// commit makes the bytes durable and gives the file its name.
func (o *output) commit() error {
	err := o.file.Sync()
	if err == nil {
		err = o.publish()
	}
	o.discard()
	if err != nil {
		return o.failed(err)
	}
	return syncDir(filepath.Dir(o.name))
}

// publish gives the file its name. Only a rename replaces what is there, and
// only what has a name can be renamed.
func (o *output) publish() error {
	if o.temp == "" {
		err := linkUnnamed(o.file, o.name)
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		temp := hiddenName(o.name)
		if err := linkUnnamed(o.file, temp); err != nil {
			return err
		}
		o.temp = temp
	}
	if err := os.Rename(o.temp, o.name); err != nil {
		return err
	}
	o.temp = ""
	return nil
}

// discard closes the file; unless it was committed, nothing of it remains.
func (o *output) discard() {
	o.file.Close()
	if o.temp != "" {
		os.Remove(o.temp)
		o.temp = ""
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

// canWrite tells whether files of these names, of which empty ones are none, could
// be written. It is asked before an act on record whose result, as a key or a
// request, would be lost without its file. Errors are outputErrors.
func canWrite(names ...string) error {
	for _, name := range names {
		if name == "" {
			continue
		}
		o, err := createOutput(name)
		if err != nil {
			return err
		}
		o.discard()
	}
	return nil
}

// writeFile writes a small file whole or not at all; the umask applies to mode.
func writeFile(name string, b []byte, mode os.FileMode) error {
	o, err := createOutput(name)
	if err != nil {
		return err
	}
	defer o.discard()
	if err := o.restrict(mode); err != nil {
		return err
	}
	if err := o.append(b); err != nil {
		return err
	}
	return o.commit()
}

// outputWriter is standard output: what cannot be written there is an
// outputError too.
type outputWriter struct {
	w io.Writer

	mu  sync.Mutex
	err error // the first; what prints help does not pass it on. Guarded by mu
}

func (w *outputWriter) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	if err == nil {
		return n, nil
	}
	err = &outputError{err}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// failure returns the first error of writing, nil when there was none.
func (w *outputWriter) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
