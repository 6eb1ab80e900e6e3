package web

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier"
)

// Caps on a form beside its file.
const (
	maxField  = 1 << 10 // bytes of a field
	maxFields = 8
)

// form is a received form. It must be closed.
type form struct {
	file     Upload
	name     string // of the file, as the browser says
	password []byte
	zone     string
	end      string // of /signed
}

func (f *form) Close() {
	clear(f.password)
	if f.file != nil {
		f.file.Close() //nolint:errcheck // the file has no name: nothing is left to be done about it
	}
}

// receive admits the visitor and reads the form.
func (v *visit) receive() (_ *form, err error) {
	if err := v.cfg.Admit(v.address); err != nil {
		return nil, err
	}
	f := &form{}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	r, err := v.r.MultipartReader()
	if err != nil {
		return nil, invalid(err)
	}
	for range maxFields {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			if f.file == nil || f.file.Gateway().Size == 0 {
				return nil, invalid(errors.New("no file"))
			}
			return f, nil
		}
		if err == nil {
			err = v.part(f, part)
		}
		if err != nil {
			return nil, received(err)
		}
	}
	return nil, invalid(errors.New("too many fields"))
}

func (v *visit) part(f *form, part *multipart.Part) (err error) {
	if part.FormName() == "document" {
		if f.file != nil {
			return errors.New("two files")
		}
		f.name = part.FileName()
		f.file, err = v.cfg.Receive(Sender{Address: v.address}, part)
		return err
	}
	value, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil {
		return err
	}
	if len(value) > maxField {
		return errors.New("field too long")
	}
	switch part.FormName() {
	case "password":
		f.password = value
	case "zone":
		f.zone = string(value)
	case "end":
		f.end = string(value)
	default:
		return errors.New("unknown field")
	}
	return nil
}

// received makes a broken body the sender's fault.
func received(err error) error {
	var (
		e    *gateway.Error
		over *http.MaxBytesError
	)
	switch {
	case errors.As(err, &e):
		return err
	case errors.As(err, &over):
		return &gateway.Error{Code: gateway.CodeTooLarge, Err: err}
	}
	return invalid(err)
}

func invalid(err error) error { return &gateway.Error{Code: gateway.CodeInvalid, Err: err} }

// judged is a received form with the verdict about its file. It must be closed.
type judged struct {
	*form
	report  *verifier.Report
	retired []gateway.Retired // documents that the file is
}

// judge receives a form and judges its file. What it returns must be closed when
// the error is nil.
func (v *visit) judge() (*judged, error) {
	f, err := v.receive()
	if err != nil {
		return nil, err
	}
	j := &judged{form: f}
	if err := v.judgeFile(j); err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

func (v *visit) judgeFile(j *judged) error {
	done, err := v.cfg.Turn(v.r.Context())
	if err != nil {
		return err
	}
	defer done()
	in := j.file.Gateway()
	j.report, err = v.cfg.Gateway.Verify(v.r.Context(), gateway.Caller{Address: v.address}, in, gateway.VerifyRequest{Name: j.name, Password: j.password})
	if err != nil {
		return err
	}
	j.retired, err = v.cfg.Gateway.Retired(v.r.Context(), in, j.report, j.password)
	return err
}
