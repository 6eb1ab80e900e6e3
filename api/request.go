package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/gateway"
)

// Names of the parts of a multipart request. Their order does not matter.
const (
	partDocument = "document"
	partRequest  = "request"
)

// maxParts bounds how many documents one batch has.
const maxParts = 1000

// body is a received request. It must be closed.
type body struct {
	documents []*upload
	names     []string // file names, as the client says
	request   []byte   // JSON; nil when there is none
}

func (b *body) Close() {
	for _, u := range b.documents {
		u.Close()
	}
	clear(b.request) // a passphrase may be in it
}

// upload returns the n-th document as the gateway takes it.
func (b *body) upload(n int) gateway.Upload {
	u := b.documents[n]
	return gateway.Upload{ReaderAt: u, Size: u.Size, SHA256: u.SHA256, Digest: u.Digest}
}

// receive reads a multipart request with at most max documents and a JSON
// part, or a bare PDF, for whom it is.
func (s *Server) receive(c *gin.Context, who holder, max int) (_ *body, err error) {
	s.limitBody(c, max)
	b := &body{}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	kind, params, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil {
		return nil, &gateway.Error{Code: codeMediaType, Text: "The request has no Content-Type that can be read.", Err: err}
	}
	switch kind {
	case "application/pdf":
		u, err := s.spool.receive(who, c.Request.Body)
		if err != nil {
			return nil, received(err)
		}
		b.documents, b.names = []*upload{u}, []string{""}
		return b, nil
	case "multipart/form-data":
		return b, s.receiveParts(multipart.NewReader(c.Request.Body, params["boundary"]), b, who, max)
	}
	return nil, &gateway.Error{Code: codeMediaType, Text: "Send multipart/form-data with the parts document and request."}
}

func (s *Server) receiveParts(r *multipart.Reader, b *body, who holder, max int) error {
	for {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return received(err)
		}
		switch part.FormName() {
		case partDocument:
			if len(b.documents) == max {
				return invalid(fmt.Sprintf("The request has more than %d part(s) %q.", max, partDocument), nil)
			}
			u, err := s.spool.receive(who, part)
			if err != nil {
				return received(err)
			}
			b.documents, b.names = append(b.documents, u), append(b.names, part.FileName())
		case partRequest:
			if b.request != nil {
				return invalid("The part request occurs twice.", nil)
			}
			if b.request, err = readAll(part, maxRequestPart); err != nil {
				return received(err)
			}
		default:
			return invalid(fmt.Sprintf("The part %.40q is unknown; there are %q and %q.", part.FormName(), partDocument, partRequest), nil)
		}
	}
}

// readAll reads at most limit bytes; more is errTooLarge.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, errTooLarge
	}
	return b, nil
}

// received tells a broken body from a full disk.
func received(err error) error {
	var over *http.MaxBytesError
	if errors.Is(err, errTooLarge) || errors.Is(err, errSpoolFull) || errors.As(err, &over) {
		return err
	}
	return invalid("The body ends early or is not well-formed multipart.", err)
}

// one receives exactly one document, and the JSON part into request, which may
// be nil when there must be none.
func (s *Server) one(c *gin.Context, who holder, request any) (*body, error) {
	b, err := s.receive(c, who, 1)
	if err != nil {
		return nil, err
	}
	if len(b.documents) == 0 {
		err = invalid("The part document is missing.", nil)
	} else if b.documents[0].Size == 0 {
		err = invalid("The document is empty.", nil)
	} else if b.request != nil {
		err = decode(b.request, request)
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// jsonBody reads a request that is JSON alone.
func (s *Server) jsonBody(c *gin.Context, into any) error {
	kind, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || kind != "application/json" {
		return &gateway.Error{Code: codeMediaType, Text: "Send application/json.", Err: err}
	}
	raw, err := readAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxRequestPart), maxRequestPart)
	if err != nil {
		return received(err)
	}
	defer clear(raw)
	return decode(raw, into)
}

// decode reads one JSON value strictly: a misspelt member is an error, not a
// wish that is not granted.
func decode(raw []byte, into any) error {
	if bytes.Contains(raw, []byte(`\u0000`)) {
		return invalid("The JSON of the request has the character U+0000.", nil)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return invalid("The JSON of the request: "+jsonFault(err)+".", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return invalid("The JSON of the request goes on after its end.", nil)
	}
	return nil
}

// jsonFault says what is wrong without repeating values: one of them may be a
// passphrase.
func jsonFault(err error) string {
	var (
		syntax *json.SyntaxError
		typed  *json.UnmarshalTypeError
		own    *valueError
	)
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("malformed at byte %d", syntax.Offset)
	case errors.As(err, &typed):
		return fmt.Sprintf("%s must not be a %s", typed.Field, typed.Value)
	case errors.As(err, &own):
		return own.text
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "it ends early"
	}
	return "it has a member that is not known here"
}

// valueError is a value that has the right type and makes no sense.
type valueError struct{ text string }

func (e *valueError) Error() string { return e.text }

// secret is a JSON string that can be wiped. It never prints.
type secret []byte

func (s *secret) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return &valueError{"a secret must be a string"}
	}
	*s = []byte(text)
	return nil
}

func (secret) String() string             { return "[secret]" }
func (secret) GoString() string           { return "[secret]" }
func (secret) Format(f fmt.State, _ rune) { io.WriteString(f, "[secret]") }
