package gateway

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
)

// named is the public id that the complainant gave, on record or not.
func (w *caseWork) named() string { return cmp.Or(w.row.Document, w.body.Complaint.Unknown) }

// attach takes a file that somebody gives into the case.
func (w *caseWork) attach(kind CaseFileKind, in *CaseUpload) error {
	total, number := in.Size, 1
	for _, f := range slices.Concat(w.files, w.added) {
		if f.Kind != CaseLetterPaper && !slices.Contains(w.body.Reports, f.ID) {
			total, number = total+f.Size, number+1
		}
	}
	switch {
	case in.Size > maxCaseFile || total > maxCaseBytes:
		return errorf(CodeTooLarge, "A file of a case has at most %d MiB, all of them %d.", maxCaseFile>>20, maxCaseBytes>>20)
	case number > maxCaseFiles:
		return errorf(CodeTooLarge, "A case takes at most %d files.", maxCaseFiles)
	}
	data := make([]byte, in.Size)
	if _, err := io.ReadFull(io.NewSectionReader(in, 0, in.Size), data); err != nil {
		return &Error{Code: CodeInternal, Text: "The file cannot be read.", Err: err}
	}
	w.put(kind, fileLabel(in.Name), data)
	return nil
}

// fileLabel is the name under which a file is kept.
func fileLabel(s string) string {
	if s = plain(s, 255); s == "" {
		return "berkas"
	}
	return s
}

// put adds a file whose contents are in memory.
func (w *caseWork) put(kind CaseFileKind, name string, data []byte) CaseFileRow {
	f := CaseFileRow{ID: newID(), Organisation: w.row.Organisation, Case: w.row.ID, Kind: kind, SHA256: sha256.Sum256(data), Size: int64(len(data)), At: w.at}
	f.Name = w.g.cases.seal([]byte(name), w.owner("name "+f.ID))
	f.Data = w.g.cases.seal(data, w.owner("file "+f.ID))
	w.added = append(w.added, f)
	if w.plain == nil {
		w.plain = map[[32]byte][]byte{}
	}
	w.plain[f.SHA256] = data
	switch kind {
	case CaseDisputed:
		w.row.FileSHA256, w.body.Disputed = f.SHA256, f.ID
	case CaseOriginal:
		w.body.Original = f.ID
	}
	return f
}

// file returns a file of the case in the clear.
func (w *caseWork) file(ctx context.Context, id string) (f CaseFileRow, err error) {
	err = w.g.view(ctx, Scope(w.row.Organisation), func(r Reader) error {
		f, err = r.CaseFile(ctx, id)
		if err == nil && (f.Case != w.row.ID || !f.ErasedAt.IsZero()) {
			return ErrNotFound
		}
		return err
	})
	if err != nil {
		return f, err
	}
	name, err := w.fileName(f)
	if err == nil {
		f.Name = []byte(name)
		f.Data, err = w.g.cases.open(f.Data, w.owner("file "+f.ID))
	}
	if err == nil && sha256.Sum256(f.Data) != f.SHA256 {
		err = errors.New("gateway: a file of a case is not what was kept")
	}
	if err != nil {
		return f, &Error{Code: CodeInternal, Text: "The file cannot be read.", Err: err}
	}
	return f, nil
}

// fileName is the name in the clear; "" when it was erased.
func (w *caseWork) fileName(f CaseFileRow) (string, error) {
	if !f.ErasedAt.IsZero() {
		return "", nil
	}
	name, err := w.g.cases.open(f.Name, w.owner("name "+f.ID))
	if err != nil {
		return "", &Error{Code: CodeInternal, Text: "The case cannot be read.", Err: err}
	}
	return string(name), nil
}

// newest returns the contents of the last file of a kind, disputed or original; nil
// for none.
func (w *caseWork) newest(ctx context.Context, kind CaseFileKind) ([]byte, error) {
	id := w.body.Disputed
	if kind == CaseOriginal {
		id = w.body.Original
	}
	for _, f := range slices.Backward(slices.Concat(w.files, w.added)) {
		if id == "" && f.Kind != kind || id != "" && f.ID != id {
			continue
		}
		if data, ok := w.plain[f.SHA256]; ok {
			return data, nil
		}
		read, err := w.file(ctx, f.ID)
		return read.Data, err
	}
	if id != "" {
		return nil, &Error{Code: CodeInternal, Text: "The file cannot be read.", Err: errors.New("gateway: a file of a case is gone")}
	}
	return nil, nil
}

func (w *caseWork) fileSum() string {
	if w.row.FileSHA256 == ([32]byte{}) {
		return ""
	}
	return hex.EncodeToString(w.row.FileSHA256[:])
}
