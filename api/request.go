package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	b := &body{}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	kind, params, err := mediaType(c.GetHeader("Content-Type"))
	if err != nil {
		return nil, err
	}
	if kind != "application/pdf" && kind != "multipart/form-data" {
		return nil, &gateway.Error{Code: codeMediaType, Text: "Send multipart/form-data with the parts document and request."}
	}
	if err := limitBody(c, s.bodyLimit(max)); err != nil {
		return nil, err
	}
	if kind == "application/pdf" {
		u, err := s.spool.receive(who, c.Request.Body)
		if err != nil {
			return nil, received(err)
		}
		b.documents, b.names = []*upload{u}, []string{""}
		return b, nil
	}
	return b, s.receiveParts(multipart.NewReader(c.Request.Body, params["boundary"]), b, who, max)
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
			if text := part.Header.Get("Content-Type"); text != "" {
				if _, _, err := mediaType(text); err != nil {
					return err
				}
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
	if errors.Is(err, errTooLarge) || errors.Is(err, errSpoolFull) || errors.Is(err, errSpoolDisk) || errors.As(err, &over) {
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
	kind, _, err := mediaType(c.GetHeader("Content-Type"))
	if err != nil {
		return err
	}
	if kind != "application/json" {
		return &gateway.Error{Code: codeMediaType, Text: "Send application/json."}
	}
	if err := limitBody(c, maxRequestPart); err != nil {
		return err
	}
	raw, err := readAll(c.Request.Body, maxRequestPart)
	if err != nil {
		return received(err)
	}
	defer clear(raw)
	return decode(raw, into)
}

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
