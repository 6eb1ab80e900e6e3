package verifier

import "bytes"

// finder looks for signatureMarks and a PDF header in what is written to it,
// in one linear pass.
type finder struct {
	seen          int64
	tail          []byte // end of what was written before, shorter than a mark
	header, found bool
}

// Write never fails.
func (f *finder) Write(b []byte) (int, error) {
	const overlap = 16
	window := append(f.tail, b...)
	if f.seen < headerWindow {
		head := window[:min(len(window), headerWindow+overlap)]
		f.header = f.header || bytes.Contains(head, []byte("%PDF-"))
	}
	for _, m := range signatureMarks {
		f.found = f.found || bytes.Contains(window, m)
	}
	f.seen += int64(len(b))
	f.tail = append([]byte(nil), window[max(0, len(window)-overlap):]...)
	return len(b), nil
}
