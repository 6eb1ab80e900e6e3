package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/evidence"
)

// inHand puts the caller's document in the place of the bundle's.
func (v *verification) inHand() error {
	if v.opts.Document == nil {
		return nil
	}
	if v.opts.DocumentSize > maxDocument {
		return &UnreadableError{fileDocument, errors.New("too large")}
	}
	v.held = io.NewSectionReader(v.opts.Document, 0, v.opts.DocumentSize)
	h := sha256.New()
	if _, err := io.Copy(h, v.held); err != nil {
		return err
	}
	v.digest = [32]byte(h.Sum(nil))
	return nil
}

// document proves that the document is the outcome's and that the signature
// covers it.
func (v *verification) document() {
	sum := hex.EncodeToString(v.digest[:])
	var err error
	if sum != v.outcome.Subject.OutputSHA256 {
		err = errors.New("the document is not the one that the outcome names")
	} else if v.small[fileCMS] != nil && (v.small[fileRanges] != nil || v.files.document != nil) {
		err = v.covered()
	}
	v.state("document", err, true, "the document is the one that was released, SHA-256 %s", sum)
}

// covered compares the message digest with the document's byte ranges.
func (v *verification) covered() error {
	line, ok := v.line(fileRanges)
	r, valid := parseRanges(strings.Fields(line))
	if !ok || !valid || line != fmt.Sprintf("%d %d %d %d", r[0], r[1], r[2], r[3]) {
		return errors.New("the byte ranges are not four numbers")
	}
	if !r.within(v.held.Size()) || v.hash == nil {
		return errors.New("the byte ranges are not in the document")
	}
	h := v.hash()
	if err := r.copy(h, v.held); err != nil {
		return err
	}
	if !bytes.Equal(h.Sum(nil), v.messages) {
		return errors.New("the signature is not over the document")
	}
	return nil
}

// documentTime proves the document timestamps that the operation made: over the
// document where it is at hand, else as far as the outcome names them.
func (v *verification) documentTime() {
	var (
		problems []error
		all      = true
		n        = 1
	)
	for ; v.small[stampFile(n)+"tst"] != nil; n++ {
		token := v.small[stampFile(n)+"tst"]
		problems = append(problems, v.recorded(evidence.ArtefactTimestamp, token, true))
		at, proven, err := v.token(token, v.imprint, stampFile(n)+"pem")
		problems = append(problems, err)
		all = all && proven
		if err == nil && (v.stamped.IsZero() || at.Before(v.stamped)) {
			v.stamped = at
		}
	}
	if n == 1 && len(problems) == 0 {
		return
	}
	what := "the document existed at %s, by a timestamp"
	if v.held == nil {
		what = "a timestamp of %s stands in the document, says the outcome: to be compared with the document"
	}
	v.state("document-time", errors.Join(problems...), all, what, v.stamped.UTC().Format(time.RFC3339))
}

func stampFile(n int) string { return fmt.Sprintf("document/timestamp-%d.", n) }

// imprint returns the digest of what a document timestamp covers: all of its
// revision but the hexadecimal string that holds it. Without the document it is
// the token's own.
func (v *verification) imprint(t *tsp.Token) ([]byte, error) {
	if v.held == nil {
		return t.Digest, nil
	}
	found, err := findRanges(v.held)
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		if !r.within(v.held.Size()) || !r.holds(v.held, t.Raw) {
			continue
		}
		h := t.Hash.New()
		if err := r.copy(h, v.held); err != nil {
			return nil, err
		}
		return h.Sum(nil), nil
	}
	return nil, errors.New("the timestamp is not in the document")
}

// ranges is a ByteRange of ISO 32000-2 §12.8.1: offset and length, twice.
type ranges [4]int64

func parseRanges(fields []string) (r ranges, ok bool) {
	if len(fields) != 4 {
		return r, false
	}
	for i, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil || n < 0 {
			return r, false
		}
		r[i] = n
	}
	return r, true
}

// within tells whether the ranges begin with the document, are in order and end
// in it.
func (r ranges) within(size int64) bool {
	return r[0] == 0 && r[2] >= r[1] && r[2] <= size && r[3] <= size-r[2]
}

// holds tells whether the gap is a hexadecimal string of the token, perhaps
// padded with zeroes.
func (r ranges) holds(document io.ReaderAt, token []byte) bool {
	want := "<" + hex.EncodeToString(token)
	if r[2]-r[1] < int64(len(want))+1 || r[3] == 0 {
		return false
	}
	gap := make([]byte, r[2]-r[1])
	if len(gap) > maxGap {
		return false
	}
	if _, err := document.ReadAt(gap, r[1]); err != nil {
		return false
	}
	rest, ok := strings.CutPrefix(strings.ToLower(string(gap)), want)
	return ok && strings.Trim(rest, "0") == ">" && strings.HasSuffix(rest, ">")
}

// copy writes what lies in the ranges to w.
func (r ranges) copy(w io.Writer, document io.ReaderAt) error {
	for i := 0; i < 4; i += 2 {
		if _, err := io.Copy(w, io.NewSectionReader(document, r[i], r[i+1])); err != nil {
			return err
		}
	}
	return nil
}

var byteRange = regexp.MustCompile(`/ByteRange[\x00\t\n\f\r ]{0,32}\[([0-9\x00\t\n\f\r ]{7,80})\]`)

// findRanges returns what looks like a ByteRange in a document, the first
// maxRanges of them. It is no PDF parser: what it finds is held against the
// bytes of the token and its imprint.
func findRanges(document *io.SectionReader) ([]ranges, error) {
	const overlap = 256 // more than a match can have
	var (
		out  []ranges
		buf  = make([]byte, 1<<20)
		kept = 0
	)
	for at := int64(0); len(out) < maxRanges; {
		n, err := document.ReadAt(buf[kept:], at)
		at += int64(n)
		chunk := buf[:kept+n]
		end := len(chunk)
		if err == nil {
			end -= overlap // a match that begins there is found the next time
		}
		for _, m := range byteRange.FindAllSubmatchIndex(chunk, maxRanges) {
			if m[0] >= end {
				break
			}
			if r, ok := parseRanges(strings.Fields(strings.ReplaceAll(string(chunk[m[2]:m[3]]), "\x00", " "))); ok {
				out = append(out, r)
			}
		}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		kept = copy(buf, chunk[end:])
	}
	return out, nil
}
