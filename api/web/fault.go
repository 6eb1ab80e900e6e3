package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/absah-id/absah/gateway"
)

// CodeMethod is the code of a request to an address that does not know its
// method.
const CodeMethod gateway.Code = "method-not-allowed"

// errorView is why there is no result.
type errorView struct {
	Heading, Text string
	Retry         int // seconds; 0: not by waiting
	Code          string
}

// fault is how an error is answered: its status, and the key of its words,
// which are "web.error.KEY.title" and "web.error.KEY".
type fault struct {
	status int
	words  string
}

// faults are the errors that people cause or can wait out. Of all others they
// learn that the service is disturbed.
var faults = map[gateway.Code]fault{
	gateway.CodeInvalid:    {http.StatusBadRequest, "invalid-request"},
	gateway.CodeForbidden:  {http.StatusForbidden, "forbidden"},
	gateway.CodeNotFound:   {http.StatusNotFound, "not-found"},
	gateway.CodeInProgress: {http.StatusConflict, "in-progress"},
	gateway.CodeChanged:    {http.StatusConflict, "changed"},
	gateway.CodeExists:     {http.StatusConflict, "exists"},
	CodeMethod:             {http.StatusMethodNotAllowed, "method-not-allowed"},
	gateway.CodeTooLarge:   {http.StatusRequestEntityTooLarge, "too-large"},
	gateway.CodeRate:       {http.StatusTooManyRequests, "rate-limited"},
	gateway.CodeBusy:       {http.StatusServiceUnavailable, "busy"},
	gateway.CodeClock:      {http.StatusServiceUnavailable, "internal"},
	gateway.CodeRecord:     {http.StatusServiceUnavailable, "internal"},
	gateway.CodeHSM:        {http.StatusServiceUnavailable, "internal"},
	gateway.CodeTimestamp:  {http.StatusServiceUnavailable, "internal"},
	gateway.CodeRevocation: {http.StatusServiceUnavailable, "internal"},
	gateway.CodeDeadline:   {http.StatusGatewayTimeout, "internal"},
}

// Fail answers a request with the page of an error. The address need not be one
// of Routes.
func (p *Pages) Fail(w http.ResponseWriter, r *http.Request, address string, err error) {
	v := p.visit(w, r, address)
	if err = v.intakeTooLarge(err); errors.As(err, new(answered)) {
		return
	}
	v.fail(err)
}

// fail shows an error. What is wrong inside is not told.
func (v *visit) fail(err error) {
	e := &gateway.Error{Code: gateway.CodeInternal}
	errors.As(err, &e)
	f, known := faults[e.Code]
	if !known {
		f = fault{http.StatusInternalServerError, "internal"}
	}
	if e.Code == gateway.CodeInvalid && (v.act != "" || v.r.Method != http.MethodPost) {
		f.words = "address" // no file was expected
	}
	view := &errorView{Code: f.words, Retry: v.retryAfter(e)}
	w := v.look.words
	view.Heading = w.Text("web.error." + f.words + ".title")
	if e.Code == gateway.CodeTooLarge {
		view.Text = w.Text("web.error."+f.words, sizeText(w, v.cfg.MaxUpload))
	} else {
		view.Text = w.Text("web.error." + f.words)
	}
	v.opFault(view)
	if v.showFault(f.status, view) != nil {
		v.w.WriteHeader(http.StatusInternalServerError)
	}
}

// retryAfter tells when the request may be made again, in seconds, and tells the
// browser too; 0: not by waiting.
func (v *visit) retryAfter(e *gateway.Error) int {
	if e.Retry <= 0 {
		return 0
	}
	seconds := int(e.Retry/time.Second) + 1
	v.w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return seconds
}

// showFault shows an error on a page of the kind that was asked for.
func (v *visit) showFault(status int, view *errorView) error {
	if v.act != "" {
		return v.showOp(status, "op-error", view.Heading, view)
	}
	return v.show(status, "error", page{Error: view, Title: view.Heading})
}
