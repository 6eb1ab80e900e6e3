package web

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

const pdfType = "application/pdf"

// verify shows the verdict about a file.
func (v *visit) verify() error {
	f, err := v.judge()
	if err != nil {
		return err
	}
	defer f.Close()
	result := v.result(f)
	title := result.Word
	if len(result.Retired) > 0 { // the word of the signatures alone would mislead
		title += "; " + result.Retired[0].Word
	}
	return v.show(http.StatusOK, "result", page{Result: result, Title: title})
}

// report sends the verdict as PDF.
func (v *visit) report() error {
	f, err := v.judge()
	if err != nil {
		return err
	}
	defer f.Close()
	if f.zone == "" {
		f.zone = v.zone
	}
	var b bytes.Buffer
	if err := v.cfg.Print(v.r.Context(), &b, f.report, Printing{v.language, zoneNamed(f.zone), v.address, f.retired}); err != nil {
		return err
	}
	return v.attach(pdfType, v.look.words.Text("web.name.report"), int64(b.Len()), &b)
}

// signed sends the first bytes of a file: the revision that a signature is
// over, exactly as its signer had it. They must be one that the verifier found,
// so that nobody is given an arbitrary part as "what was signed".
func (v *visit) signed() error {
	f, err := v.judge()
	if err != nil {
		return err
	}
	defer f.Close()
	end, err := strconv.ParseInt(f.end, 10, 64)
	if err != nil {
		return invalid(err)
	}
	for _, s := range f.report.Signatures {
		if s.End == end && end > 0 {
			return v.attach(pdfType, v.look.words.Text("web.name.signed", s.Revision), end, io.NewSectionReader(f.file.Gateway(), 0, end))
		}
	}
	return errNotFound
}

// attach sends a file to be saved. It is not to be opened here: the content of a
// stranger's file must not run as ours.
func (v *visit) attach(kind, name string, size int64, r io.Reader) error {
	h := v.w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	v.w.WriteHeader(http.StatusOK)
	if _, err := io.Copy(v.w, r); err != nil {
		panic(http.ErrAbortHandler) // the length was promised
	}
	return nil
}
