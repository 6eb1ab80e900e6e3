package api_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/absah-id/absah/api"
	"github.com/absah-id/absah/gateway"
)

func newSpool(t testing.TB) api.Spool {
	t.Helper()
	s, err := api.NewSpool(t.TempDir(), 4<<20, 8<<20)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func receive(t testing.TB, s api.Spool, content []byte) *api.Upload {
	t.Helper()
	u, err := s.Receive(iotest.HalfReader(bytes.NewReader(content)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	return u
}

// randomBytes are the same in each run.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// TestSpoolRoundTrip holds what is read, in every way that there is, to what was
// sent.
func TestSpoolRoundTrip(t *testing.T) {
	s := newSpool(t)
	content := randomBytes(api.InMemory + 9*api.BlockSize)
	for _, size := range []int{
		0, 1, api.InMemory - 1, api.InMemory, api.InMemory + 1, api.InMemory + api.BlockSize - 1, api.InMemory + api.BlockSize,
		api.InMemory + api.BlockSize + 1, api.InMemory + 4*api.BlockSize, api.InMemory + 5*api.BlockSize + 17, len(content),
	} {
		want := content[:size]
		u := receive(t, s, want)
		if u.Size != int64(size) || u.SHA256 != sha256.Sum256(want) || [32]byte(u.Digest.Sum(nil)) != u.SHA256 {
			t.Errorf("%d bytes: got %d, %x", size, u.Size, u.SHA256)
		}
		if onDisk := u.File() != nil; onDisk != (size >= api.InMemory) {
			t.Errorf("%d bytes: on disk: got %v", size, onDisk)
		}
		if got, err := io.ReadAll(io.NewSectionReader(u, 0, u.Size)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
		r := rand.New(rand.NewPCG(1, uint64(size)))
		for range 200 {
			off, n := r.IntN(size+10), r.IntN(3*api.BlockSize)
			got := make([]byte, n)
			read, err := u.ReadAt(got, int64(off))
			expect := want[min(off, size):min(off+n, size)]
			if !bytes.Equal(got[:read], expect) || (read < n) != (err != nil) || err != nil && !errors.Is(err, io.EOF) {
				t.Fatalf("%d bytes: ReadAt(%d, %d): got %d bytes, %v, want %d", size, n, off, read, err, len(expect))
			}
		}
		if _, err := u.ReadAt(make([]byte, 1), -1); err == nil {
			t.Errorf("%d bytes: a negative offset was read", size)
		}
		u.Close()
	}
	if n := s.Used(); n != 0 {
		t.Errorf("room taken: got %d, want 0", n)
	}
}

// TestS26SpoolIsEncrypted: the file has no name, and what is in it discloses
// nothing: not even that two uploads, or two blocks, are the same.
func TestS26SpoolIsEncrypted(t *testing.T) {
	dir := t.TempDir()
	s, err := api.NewSpool(dir, 4<<20, 8<<20)
	if err != nil {
		t.Fatal(err)
	}
	content := bytes.Repeat([]byte("kenari 90417 "), 2*api.InMemory/13)
	var blocks [][]byte
	for range 2 {
		u := receive(t, s, content)
		disk := onDisk(t, u)
		if bytes.Contains(disk, []byte("kenari")) || bytes.Contains(disk, []byte("90417")) {
			t.Error("the content is on disk in the clear")
		}
		for block := range slices.Chunk(disk, api.SealSize) {
			blocks = append(blocks, block)
		}
	}
	seen := map[string]bool{}
	for i, b := range blocks {
		if head := string(b[:16]); seen[head] {
			t.Errorf("block %d begins like another", i)
		} else {
			seen[head] = true
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("files with a name: got %v, %v", left, err)
	}
}

// onDisk returns what the file of an upload holds.
func onDisk(t testing.TB, u *api.Upload) []byte {
	t.Helper()
	b, err := io.ReadAll(io.NewSectionReader(u.File(), 0, 1<<30))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSpoolFindsChanges: whoever can write to the disk can make an upload fail
// and nothing else.
func TestSpoolFindsChanges(t *testing.T) {
	s := newSpool(t)
	content := bytes.Repeat(randomBytes(api.BlockSize), 12) // blocks that are the same in the clear
	content = append(content, "the end"...)
	for _, test := range []struct {
		name   string
		change func(f *os.File, disk []byte) error
		block  int // the first that must fail
	}{
		{"a bit of the first block", func(f *os.File, disk []byte) error { return writeAt(f, []byte{disk[5] ^ 1}, 5) }, 0},
		{"a bit of a tag", func(f *os.File, disk []byte) error {
			return writeAt(f, []byte{disk[3*api.SealSize-1] ^ 0x80}, 3*api.SealSize-1)
		}, 2},
		{"two blocks changed round", func(f *os.File, disk []byte) error {
			return errors.Join(writeAt(f, disk[4*api.SealSize:5*api.SealSize], 7*api.SealSize), writeAt(f, disk[7*api.SealSize:8*api.SealSize], 4*api.SealSize))
		}, 4},
		{"a block of another upload", func(f *os.File, _ []byte) error {
			other := receive(t, s, content)
			return writeAt(f, onDisk(t, other)[9*api.SealSize:10*api.SealSize], 9*api.SealSize)
		}, 9},
		{"the last block cut", func(f *os.File, disk []byte) error { return f.Truncate(int64(len(disk) - 1)) }, 12},
		{"the last block missing", func(f *os.File, _ []byte) error { return f.Truncate(12 * api.SealSize) }, 12},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := receive(t, s, content)
			defer u.Close()
			if err := test.change(u.File(), onDisk(t, u)); err != nil {
				t.Fatal(err)
			}
			for i := range 13 {
				want := content[i*api.BlockSize : min((i+1)*api.BlockSize, len(content))]
				for _, n := range []int{len(want), 5} {
					got := make([]byte, n)
					read, err := u.ReadAt(got, int64(i*api.BlockSize))
					if err == nil && !bytes.Equal(got, want[:n]) {
						t.Errorf("block %d: wrong bytes were read", i)
					}
					if i == test.block && (!errors.Is(err, api.ErrSpoolChanged) || read != 0) {
						t.Errorf("block %d: got %d, %v, want %v", i, read, err, api.ErrSpoolChanged)
					}
					if i < test.block && err != nil {
						t.Errorf("block %d: %v", i, err)
					}
				}
			}
			if n, err := io.Copy(io.Discard, io.NewSectionReader(u, 0, u.Size)); !errors.Is(err, api.ErrSpoolChanged) || n > int64(test.block*api.BlockSize) {
				t.Errorf("the whole: got %d bytes, %v", n, err)
			}
		})
	}
}

func writeAt(f *os.File, b []byte, off int64) error {
	_, err := f.WriteAt(b, off)
	return err
}

// TestSpoolRefuses: what cannot be received leaves nothing behind.
func TestSpoolRefuses(t *testing.T) {
	broken := errors.New("broken off")
	for _, test := range []struct {
		name string
		r    func() io.Reader
		want error
	}{
		{"too large", func() io.Reader { return bytes.NewReader(make([]byte, 4<<20+1)) }, api.ErrTooLarge},
		{"broken off at once", func() io.Reader { return iotest.ErrReader(broken) }, broken},
		{"broken off on disk", func() io.Reader {
			return io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), iotest.ErrReader(broken))
		}, broken},
		{"a body cut short", func() io.Reader {
			return io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), iotest.ErrReader(io.ErrUnexpectedEOF))
		}, io.ErrUnexpectedEOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSpool(t)
			if _, err := s.Receive(test.r()); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if n := s.Used(); n != 0 {
				t.Errorf("room taken: got %d, want 0", n)
			}
		})
	}
	t.Run("full", func(t *testing.T) {
		s := newSpool(t)
		receive(t, s, make([]byte, 4<<20))
		receive(t, s, make([]byte, 3<<20))
		if _, err := s.Receive(bytes.NewReader(make([]byte, 2<<20))); !errors.Is(err, api.ErrSpoolFull) {
			t.Errorf("got %v, want %v", err, api.ErrSpoolFull)
		}
		if n := s.Used(); n != 7<<20 {
			t.Errorf("room taken: got %d, want %d", n, 7<<20)
		}
	})
}

// TestSpoolDisk: a disk that takes no upload is the gateway's fault, not that of
// whoever sends one, and the operators learn it.
func TestSpoolDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s, err := api.NewSpool(dir, 8<<20, 8<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	_, err = s.Receive(bytes.NewReader(make([]byte, 1<<20)))
	if got := api.Refusal(err); got.Code != gateway.CodeBusy || got.Retry == 0 || !errors.Is(got, os.ErrNotExist) {
		t.Errorf("got %q, %v, %v, want %q with a time to wait and the disk's own error", got.Code, got.Retry, got, gateway.CodeBusy)
	}
}

// TestSpoolAtOnce is for the race detector: an upload has several readers.
func TestSpoolAtOnce(t *testing.T) {
	s := newSpool(t)
	content := randomBytes(1 << 20)
	u := receive(t, s, content)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			got, err := io.ReadAll(io.NewSectionReader(u, int64(i), u.Size))
			if err != nil || !bytes.Equal(got, content[i:]) {
				t.Errorf("reader %d: got %d bytes, %v", i, len(got), err)
			}
		})
	}
	wg.Wait()
}

// zeros is a body without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// BenchmarkSpoolGiB receives an upload of 1 GiB, and reads it.
func BenchmarkSpoolGiB(b *testing.B) {
	const size = 1 << 30
	s, err := api.NewSpool(b.TempDir(), size, 2*size)
	if err != nil {
		b.Fatal(err)
	}
	get := func() *api.Upload {
		u, err := s.Receive(io.LimitReader(zeros{}, size))
		if err != nil {
			b.Fatal(err)
		}
		return u
	}
	b.Run("receive", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			get().Close()
		}
	})
	b.Run("read", func(b *testing.B) {
		u := get()
		defer u.Close()
		b.SetBytes(size)
		b.ReportAllocs()
		buf := make([]byte, 256<<10)
		for b.Loop() {
			for off := int64(0); off < size; off += int64(len(buf)) {
				if _, err := u.ReadAt(buf, off); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
