package api

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Sizes of a sealed file, in bytes.
const (
	// blockSize is what is encrypted at once: small enough to be opened for a
	// few bytes, large enough that the tag of each costs nothing.
	blockSize = 32 << 10
	tagSize   = 16
	sealSize  = blockSize + tagSize // of a block on disk
	// burst is how many blocks go to or come from the disk at once.
	burst = 2
)

// errSpoolChanged says that a sealed file is not what was written.
var errSpoolChanged = errors.New("spool: a file was changed on disk")

// sealedFile is a file whose content never reaches the disk in the clear. Each
// block is encrypted and authenticated with AES-256-GCM under a key of the file's
// own, which is drawn at random and exists in memory only: once the file is
// dropped, or the program has ended in whatever way, nobody can read it. The
// nonce is the block's number. What was changed, moved or cut off is an error
// and never a wrong byte.
//
// It is written front to back by one goroutine; after that several may read.
type sealedFile struct {
	file *os.File
	aead cipher.AEAD
	size int64 // of the content
	done bool  // the last block is short: nothing can follow it
}

func newSealedFile(f *os.File) (*sealedFile, error) {
	key := make([]byte, 32)
	rand.Read(key)
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &sealedFile{file: f, aead: aead}, nil
}

// sealBuffer holds blocks on their way, for as long as a call lasts: what waits
// for a slow client holds none.
type sealBuffer struct {
	blocks [burst * sealSize]byte
	number [12]byte
}

// nonce returns that of a block; it is overwritten by the next.
func (b *sealBuffer) nonce(block int64) []byte {
	binary.BigEndian.PutUint64(b.number[4:], uint64(block))
	return b.number[:]
}

var sealBuffers = sync.Pool{New: func() any { return new(sealBuffer) }}

// Write implements io.Writer. All writes but the last must be of whole blocks.
func (f *sealedFile) Write(p []byte) (n int, err error) {
	buf := sealBuffers.Get().(*sealBuffer)
	defer sealBuffers.Put(buf)
	for n < len(p) {
		if f.done {
			return n, errors.New("spool: write behind the last block")
		}
		out, from := buf.blocks[:0], n
		for n < len(p) && len(out) < cap(out) {
			piece := p[n:min(len(p), n+blockSize)]
			out = f.aead.Seal(out, buf.nonce((f.size+int64(n-from))/blockSize), piece, nil)
			n += len(piece)
			f.done = len(piece) < blockSize
		}
		if _, err := f.file.Write(out); err != nil {
			return from, err
		}
		f.size += int64(n - from)
	}
	return n, nil
}

// ReadAt implements io.ReaderAt. The error is errSpoolChanged, or the disk's.
func (f *sealedFile) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("spool: read at the negative offset %d", off)
	}
	buf := sealBuffers.Get().(*sealBuffer)
	defer sealBuffers.Put(buf)
	for n < len(p) && off < f.size {
		got, err := f.read(p[n:], off, buf)
		if n += got; err != nil {
			return n, err
		}
		off += int64(got)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// read opens the blocks that begin with the one at off, as many as buf holds
// and p needs, and returns how many bytes of p they filled.
func (f *sealedFile) read(p []byte, off int64, buf *sealBuffer) (n int, err error) {
	first := off / blockSize
	skip := int(off % blockSize)
	want := min(int64(skip+len(p)), burst*blockSize, f.size-first*blockSize) // content from the start of the block to what is asked for
	blocks := (want + blockSize - 1) / blockSize
	end := min((first+blocks)*blockSize, f.size) // of the content
	sealed := buf.blocks[:end-first*blockSize+blocks*tagSize]
	if got, err := f.file.ReadAt(sealed, first*sealSize); got < len(sealed) {
		if err == nil || errors.Is(err, io.EOF) {
			err = errSpoolChanged
		}
		return 0, err
	}
	for i := range blocks {
		block := sealed[i*sealSize : min((i+1)*sealSize, int64(len(sealed)))]
		into := block[:0]
		whole := skip == 0 && len(p)-n >= len(block)-tagSize
		if whole {
			into = p[n:n]
		}
		opened, err := f.aead.Open(into, buf.nonce(first+i), block, nil)
		if err != nil {
			return n, errSpoolChanged
		}
		if whole {
			n += len(opened)
		} else {
			n += copy(p[n:], opened[skip:])
		}
		skip = 0
	}
	return n, nil
}

// Close drops the file. Whoever still reads gets the error of a closed one.
func (f *sealedFile) Close() error { return f.file.Close() }
