package main

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/verifier"
)

// movingFile is a file that another program writes to while it is read.
type movingFile struct {
	data []byte
	at   time.Time // of the last change
	// reads are how many succeed before change is called.
	reads  int
	change func(*movingFile)
}

func (f *movingFile) ReadAt(b []byte, off int64) (int, error) {
	if f.reads--; f.reads == -1 {
		f.change(f)
	}
	return bytes.NewReader(f.data).ReadAt(b, off)
}

func (f *movingFile) Stat() (fs.FileInfo, error) { return movingInfo{int64(len(f.data)), f.at}, nil }

type movingInfo struct {
	size int64
	at   time.Time
}

func (i movingInfo) Name() string       { return "moving.pdf" }
func (i movingInfo) Size() int64        { return i.size }
func (i movingInfo) Mode() fs.FileMode  { return 0o644 }
func (i movingInfo) ModTime() time.Time { return i.at }
func (i movingInfo) IsDir() bool        { return false }
func (i movingInfo) Sys() any           { return nil }

// TestVerifyOfMovingFile: a file that is written to while it is judged has no
// verdict but that it could not be read, however far the reading got.
func TestVerifyOfMovingFile(t *testing.T) {
	signed, err := os.ReadFile(filepath.Join(testfile.Root(t), "testdata", "attacks", "ok-b-b.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	cut := func(f *movingFile) { f.data = f.data[:len(f.data)/2] }
	// Behind 1 MiB the reader goes back to the file again and again.
	large := append(bytes.Clone(signed), bytes.Repeat([]byte("%\n"), 1<<20)...)
	for _, c := range []struct {
		name   string
		file   movingFile
		broken bool
	}{
		{name: "at rest", file: movingFile{data: signed}},
		{name: "cut at once", file: movingFile{data: signed, change: cut}, broken: true},
		{name: "large, at rest", file: movingFile{data: large}},
		{name: "large, cut at once", file: movingFile{data: large, change: cut}, broken: true},
		{name: "large, cut later", file: movingFile{data: large, reads: 5, change: cut}, broken: true},
		{name: "replaced by as much", file: movingFile{data: signed, change: func(f *movingFile) { f.at = f.at.Add(time.Millisecond) }}, broken: true},
		{name: "unreadable later, as long as before", file: movingFile{data: large, reads: 5, change: func(f *movingFile) {
			f.data = append([]byte(nil), f.data...)
			f.at = f.at.Add(1)
		}}, broken: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.file.change == nil {
				c.file.reads = -2
			}
			r, err := testJob(t).judge(t.Context(), "moving.pdf", &c.file)
			if err != nil {
				t.Fatal(err)
			}
			got := r.Verdict == verifier.Unreadable && len(r.Reasons) == 1 && r.Reasons[0].Code == "reading" && r.Digest() == ""
			if got != c.broken {
				t.Errorf("%s %v, want it broken: %v", r.Verdict, r.Reasons, c.broken)
			}
		})
	}
}

// brokenFile cannot be read behind its beginning, as on a failing disk.
type brokenFile struct{ *movingFile }

func (f brokenFile) ReadAt(b []byte, off int64) (int, error) { return 0, io.ErrNoProgress }

// TestVerifyGoesOn with the other files when one cannot be read.
func TestVerifyGoesOn(t *testing.T) {
	job := testJob(t)
	r, err := job.judge(t.Context(), "broken.pdf", brokenFile{&movingFile{data: []byte("%PDF-1.7\n")}})
	if err != nil || verdictStatus(r.Verdict) != statusUnreadable {
		t.Fatalf("got %v, %v, want UNREADABLE", r, err)
	}
	dir := t.TempDir()
	var names []string
	for _, name := range []string{"first.pdf", "gone.pdf", "last.pdf"} {
		names = append(names, filepath.Join(dir, name))
		if err := os.WriteFile(names[len(names)-1], []byte("no PDF"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := job.open(names, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(names[1]); err != nil {
		t.Fatal(err)
	}
	var codes []string
	err = job.each(t.Context(), func(r *verifier.Report) error {
		codes = append(codes, r.Reasons[0].Code)
		return nil
	})
	if want := []string{"header", "reading", "header"}; err != nil || len(codes) != 3 || codes[0] != want[0] || codes[1] != want[1] || codes[2] != want[2] {
		t.Errorf("got %v, %v, want %v", codes, err, want)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := job.judge(ended, "broken.pdf", brokenFile{&movingFile{data: []byte("%PDF-1.7\n")}}); err != context.Canceled {
		t.Errorf("got %v, want that the run ended", err)
	}
}

func testJob(t *testing.T) *verifyJob {
	t.Helper()
	v, err := verifier.New(verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return &verifyJob{v: v, at: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
}
