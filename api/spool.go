package api

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/absah-id/absah/internal/fault"
)

// inMemory is the largest upload that is not written to disk: most letters
// are smaller, and a file for each costs more than signing it.
const inMemory = 256 << 10

// copyBuffer is how much of a larger upload is read at a time, in bytes: whole
// blocks.
const copyBuffer = burst * blockSize

// spoolPrefix begins the names of spool files, the only ones that are removed
// from the directory at start.
const spoolPrefix = "absah-upload-"

var (
	// errTooLarge says that one upload is larger than allowed.
	errTooLarge = errors.New("upload is too large")
	// errSpoolFull says that all requests together hold too much, or those of
	// this holder.
	errSpoolFull = errors.New("spool is full")
	// errSpoolDisk says that the disk did not take an upload, as when it is full.
	errSpoolDisk = errors.New("the spool's disk does not take it")
)

// spool keeps uploads while they are worked on: small ones in memory, others in
// files that have no name from the moment they exist and are encrypted under a key
// in memory, so that neither a crash, nor a reader of the directory, nor a
// copy of the disk discloses one. It may be used by several goroutines.
type spool struct {
	dir  string
	max  int64 // one upload, bytes
	room *room
}

// newSpool makes the directory where it is missing, and empties it of what a
// crash between the making of a file and the removing of its name has left.
func newSpool(dir string, maxUpload, total int64) (*spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, spoolPrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) { // another node may share the folder
			return nil, fmt.Errorf("spool: %w", err)
		}
	}
	return &spool{dir: dir, max: maxUpload, room: newRoom(maxUpload, total)}, nil
}

// upload is a received body. It must be closed.
type upload struct {
	io.ReaderAt
	Size   int64
	Digest hash.Hash // SHA-256 state that has been given all of it
	SHA256 [32]byte

	spool    *spool
	who      holder
	file     *sealedFile // nil when in memory
	memory   []byte      // nil when in a file
	reserved int64
}

// receive reads r to its end, into the room of whom it is for. It returns
// errTooLarge, errSpoolFull, the reader's error, or errSpoolDisk with that of the disk.
func (s *spool) receive(who holder, r io.Reader) (_ *upload, err error) {
	u := &upload{spool: s, who: who, Digest: sha256.New()}
	defer func() {
		if err != nil {
			u.Close()
		}
	}()
	r = io.LimitReader(r, s.max+1)
	head := make([]byte, 0, 16<<10)
	for len(head) < inMemory {
		if len(head) == cap(head) {
			head = append(head, 0)[:len(head)]
		}
		var n int
		n, err = r.Read(head[len(head):min(cap(head), inMemory)])
		if !u.reserve(int64(n)) {
			return nil, errSpoolFull
		}
		head = head[:len(head)+n]
		if errors.Is(err, io.EOF) {
			err = nil
			return u, u.finish(bytes.NewReader(head), head, int64(len(head)))
		}
		if err != nil {
			return nil, err
		}
	}
	if u.file, err = s.create(); err != nil {
		return nil, fmt.Errorf("%w: %w", errSpoolDisk, err)
	}
	u.Digest.Write(head)
	if _, err = u.file.Write(head); err != nil {
		return nil, fmt.Errorf("%w: %w", errSpoolDisk, err)
	}
	// The rest goes through the same memory: with many uploads at once what each
	// holds is what the gateway needs.
	for !errors.Is(err, io.EOF) {
		var n int
		if n, err = fill(r, head[:copyBuffer]); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if !u.reserve(int64(n)) {
			return nil, errSpoolFull
		}
		u.Digest.Write(head[:n])
		if _, failed := u.file.Write(head[:n]); failed != nil {
			return nil, fmt.Errorf("%w: %w", errSpoolDisk, failed)
		}
	}
	return u, u.finish(u.file, nil, u.file.size)
}

// create makes a file that has lost its name before anything is in it.
func (s *spool) create() (*sealedFile, error) {
	f, err := os.CreateTemp(s.dir, spoolPrefix+"*")
	if err != nil {
		return nil, err
	}
	fault.Point("spool.created")
	sealed, err := newSealedFile(f)
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return sealed, nil
}

// fill reads until b is full. The error is the reader's own, so that a body that
// breaks off is not taken for one that ends.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var got int
		got, err = r.Read(b[n:])
		n += got
	}
	return n, err
}

// finish completes u over what was read: all of it in memory, or in a file and
// hashed before.
func (u *upload) finish(r io.ReaderAt, hashing []byte, size int64) error {
	if size > u.spool.max {
		u.Close()
		return errTooLarge
	}
	u.ReaderAt, u.Size, u.memory = r, size, hashing
	u.Digest.Write(hashing)
	u.Digest.Sum(u.SHA256[:0])
	return nil
}

// reserve takes n bytes of the spool for u.
func (u *upload) reserve(n int64) bool {
	if !u.spool.room.take(u.who, n) {
		return false
	}
	u.reserved += n
	return true
}

// Close gives the room back. Closing twice is fine.
func (u *upload) Close() error {
	u.spool.room.giveBack(u.who, u.reserved)
	u.reserved = 0
	if u.file == nil {
		return nil
	}
	err := u.file.Close()
	u.file = nil
	return err
}
