package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/gateway"
)

// Problem is what a caller gets instead of an answer (RFC 9457).
type Problem struct {
	Type      string            `json:"type"` // urn:absah:error:CODE
	Title     string            `json:"title"`
	Status    int               `json:"status"`
	Detail    string            `json:"detail"`
	Code      string            `json:"code"`
	Request   string            `json:"request"`             // for whoever asks the operators
	Operation string            `json:"operation,omitempty"` // on record
	Findings  []gateway.Finding `json:"findings,omitempty"`
}

const typeProblem = "application/problem+json"

// Codes of this package, beside those of the gateway.
const (
	codeMethod    gateway.Code = "method-not-allowed"
	codeMediaType gateway.Code = "unsupported-media-type"
)

// statuses are the HTTP statuses of codes; a code that is not listed concerns
// the certificate or the document, and is 422.
var statuses = map[gateway.Code]int{
	gateway.CodeUnauthenticated: http.StatusUnauthorized,
	gateway.CodeForbidden:       http.StatusForbidden,
	gateway.CodeNotFound:        http.StatusNotFound,
	gateway.CodeInvalid:         http.StatusBadRequest,
	gateway.CodeRate:            http.StatusTooManyRequests,
	gateway.CodeBusy:            http.StatusServiceUnavailable,
	gateway.CodeConflict:        http.StatusConflict,
	gateway.CodeInProgress:      http.StatusConflict,
	gateway.CodeUnknownOutcome:  http.StatusInternalServerError,
	gateway.CodeChanged:         http.StatusConflict,
	gateway.CodeExists:          http.StatusConflict,
	gateway.CodePassphrase:      http.StatusForbidden,
	gateway.CodeWait:            http.StatusTooManyRequests,
	gateway.CodeLocked:          http.StatusLocked,
	gateway.CodeActivation:      http.StatusForbidden,
	gateway.CodeTooLarge:        http.StatusRequestEntityTooLarge,
	gateway.CodeTimestamp:       http.StatusServiceUnavailable,
	gateway.CodeRevocation:      http.StatusServiceUnavailable,
	gateway.CodeHSM:             http.StatusServiceUnavailable,
	gateway.CodeSignature:       http.StatusInternalServerError,
	gateway.CodeRecord:          http.StatusServiceUnavailable,
	gateway.CodeClock:           http.StatusServiceUnavailable,
	gateway.CodeCanceled:        499, // nobody reads it; the access log does
	gateway.CodeDeadline:        http.StatusGatewayTimeout,
	gateway.CodeInternal:        http.StatusInternalServerError,
	codeMethod:                  http.StatusMethodNotAllowed,
	codeMediaType:               http.StatusUnsupportedMediaType,
}

func statusOf(code gateway.Code) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	return http.StatusUnprocessableEntity
}

// problem answers with an error. What is not a *gateway.Error is not told.
func (s *Server) problem(c *gin.Context, err error) {
	e, p := s.describe(c, err)
	status := p.Status
	h := c.Writer.Header()
	if e.Retry > 0 {
		h.Set("Retry-After", seconds(e.Retry))
	}
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="absah", Basic realm="absah"`)
	}
	if e.Operation != "" {
		h.Set(headerOperation, e.Operation)
	}
	c.Set(keyCode, string(e.Code))
	body, _ := json.Marshal(p) // strings and numbers only
	c.Data(status, typeProblem, body)
}

// describe says what callers are told of an error, and tells the log the rest.
func (s *Server) describe(c *gin.Context, err error) (*gateway.Error, Problem) {
	e := asError(err)
	status := statusOf(e.Code)
	if status >= 500 {
		s.cfg.Logger.LogAttrs(c.Request.Context(), slog.LevelError, "request failed",
			slog.String("request", requestID(c)), slog.String("operation", e.Operation), slog.Any("error", err))
	}
	title := http.StatusText(status)
	if title == "" {
		title = "Client Closed Request"
	}
	return e, Problem{
		Type: "urn:absah:error:" + string(e.Code), Title: title, Status: status,
		Detail: e.Text, Code: string(e.Code), Request: requestID(c), Operation: e.Operation, Findings: e.Findings,
	}
}

// seconds is how Retry-After says a duration.
func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }

// asError turns what a handler returns into the gateway's kind of error.
func asError(err error) *gateway.Error {
	var (
		e    *gateway.Error
		over *http.MaxBytesError
	)
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, errTooLarge), errors.As(err, &over):
		return &gateway.Error{Code: gateway.CodeTooLarge, Text: "The upload is too large.", Err: err}
	case errors.Is(err, errSpoolFull):
		return &gateway.Error{Code: gateway.CodeBusy, Text: "Too many uploads at once.", Retry: retryBusy, Err: err}
	case errors.Is(err, errSpoolDisk):
		return &gateway.Error{Code: gateway.CodeBusy, Text: "The gateway cannot store uploads now.", Retry: retryBusy, Err: err}
	}
	return &gateway.Error{Code: gateway.CodeInternal, Text: "An internal error. The request has a number: tell it to the operators.", Err: err}
}

func invalid(text string, err error) error {
	return &gateway.Error{Code: gateway.CodeInvalid, Text: text, Err: err}
}
