package bundle

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// UnreadableError says that bytes are not a bundle at all.
type UnreadableError struct {
	Name string // the file in the zip at fault, "" for the zip itself
	Err  error
}

func (e *UnreadableError) Error() string {
	if e.Name == "" {
		return "bundle: unreadable: " + e.Err.Error()
	}
	return fmt.Sprintf("bundle: unreadable: %.80q: %v", e.Name, e.Err)
}

func (e *UnreadableError) Unwrap() error { return e.Err }

// files is an opened bundle: everything but the document in memory.
type files struct {
	small    map[string][]byte
	names    []string          // in the order of the zip
	document *io.SectionReader // nil when there is none
}

// open reads a zip under the limits. It accepts stored files whose names are in
// the layout, each once.
func open(r io.ReaderAt, size int64) (*files, error) {
	if err := countFiles(r, size); err != nil {
		return nil, err
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, &UnreadableError{Err: err}
	}
	f := &files{small: map[string][]byte{}}
	total := int64(0)
	for _, file := range z.File {
		_, twice := f.small[file.Name]
		switch {
		case !allowed(file.Name):
			return nil, &UnreadableError{file.Name, errors.New("not a file of a bundle")}
		case twice || file.Name == fileDocument && f.document != nil:
			return nil, &UnreadableError{file.Name, errors.New("there twice")}
		case file.Method != zip.Store || file.Flags&1 != 0 || file.CompressedSize64 != file.UncompressedSize64:
			return nil, &UnreadableError{file.Name, errors.New("compressed or encrypted")}
		}
		f.names = append(f.names, file.Name)
		if file.Name == fileDocument {
			if file.UncompressedSize64 > maxDocument {
				return nil, &UnreadableError{file.Name, errors.New("too large")}
			}
			if f.document, err = section(r, file); err != nil {
				return nil, &UnreadableError{file.Name, err}
			}
			continue
		}
		if total += int64(min(file.UncompressedSize64, maxSmall+1)); file.UncompressedSize64 > maxSmall || total > maxMemory {
			return nil, &UnreadableError{file.Name, errors.New("too large")}
		}
		data, err := readAll(file)
		if err != nil {
			return nil, &UnreadableError{file.Name, err}
		}
		f.small[file.Name] = data
	}
	for _, name := range []string{fileSums, fileOrigin, fileKeys, fileCheckpoint, "entries/1/" + fileRecord} {
		if f.small[name] == nil {
			return nil, &UnreadableError{name, errors.New("missing")}
		}
	}
	return f, nil
}

// readAll returns a file's bytes, never nil. The reader verifies length and
// CRC-32.
func readAll(file *zip.File) ([]byte, error) {
	rc, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, io.LimitReader(rc, maxSmall+1)); err != nil {
		return nil, err
	}
	return append([]byte{}, b.Bytes()...), nil
}

// section returns the bytes of a stored file. Its CRC-32 is not looked at:
// SHA256SUMS says more.
func section(r io.ReaderAt, file *zip.File) (*io.SectionReader, error) {
	offset, err := file.DataOffset()
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(r, offset, int64(file.UncompressedSize64)), nil
}

// countFiles looks at the end of central directory record, so that a zip with
// millions of entries is refused before they are read.
func countFiles(r io.ReaderAt, size int64) error {
	const record, comment = 22, 1 << 16
	tail := make([]byte, min(size, record+comment))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	i := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if i < 0 || len(tail)-i < record {
		return &UnreadableError{Err: zip.ErrFormat}
	}
	if n := binary.LittleEndian.Uint16(tail[i+10:]); n > maxFiles {
		return &UnreadableError{Err: fmt.Errorf("%d files, at most %d", n, maxFiles)}
	}
	return nil
}

// line returns a file of one line without its newline, and false when it is
// anything else.
func (f *files) line(name string) (string, bool) {
	s, ok := strings.CutSuffix(string(f.small[name]), "\n")
	return s, ok && s != "" && !strings.ContainsAny(s, "\r\n\x00")
}

// lines returns the lines of a file.
func (f *files) lines(name string) ([]string, bool) {
	s, ok := strings.CutSuffix(string(f.small[name]), "\n")
	out := strings.Split(s, "\n")
	return out, ok && len(out) <= maxLines
}
