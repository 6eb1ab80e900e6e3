package api

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/api/web"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report/paper"
)

// pages mounts the pages for people beside the API. They share its spool, its
// turns and its limit for addresses, and are not part of its description.
func (s *Server) pages() error {
	cfg := web.Config{
		Gateway: s.cfg.Gateway, Receive: s.receivePage, Admit: s.admit, Turn: s.takeTurn, Print: s.printReport, MaxUpload: s.spool.max,
		Office: s.cfg.Office, Zone: s.cfg.Zone, Cases: s.cfg.Gateway,
	}
	s.console(&cfg)
	pages, err := web.New(cfg)
	if err != nil {
		return err
	}
	s.people = pages
	for _, r := range web.Routes {
		path := r.Path
		if path != "/" && strings.HasSuffix(path, "/") {
			path += ":name"
		}
		s.engine.Handle(r.Method, path, s.run(route{method: r.Method, path: path, handle: func(c *gin.Context) error {
			limit := int64(maxForm)
			if r.Upload {
				limit = s.bodyLimit(1)
			}
			if err := limitBody(c, limit); err != nil {
				return err
			}
			if err := pages.Serve(c.Writer, c.Request, c.ClientIP()); err != nil {
				e, _ := s.describe(c, err) // for the log: the page is there
				c.Set(keyCode, string(e.Code))
			}
			return nil
		}}))
	}
	return nil
}

// apiAddresses begin what is for programs. They answer with problem documents,
// whoever asks.
var apiAddresses = []string{"/v1/", "/tsa", "/log/", "/healthz", "/readyz"}

func forPrograms(path string) bool {
	return slices.ContainsFunc(apiAddresses, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}

// pageWithoutSlash returns where a page may be that somebody looks for with a
// slash at the end of its address; "" for nothing of the kind. It is always on this
// host: a path of two slashes would be another one.
func pageWithoutSlash(r *http.Request) string {
	path, found := strings.CutSuffix(r.URL.EscapedPath(), "/")
	if !found || path == "" || strings.Contains(path, "//") || r.Method != http.MethodGet || forPrograms(r.URL.Path) {
		return ""
	}
	return (&url.URL{Path: r.URL.Path[:len(r.URL.Path)-1], RawPath: path, RawQuery: r.URL.RawQuery}).String()
}

// refuse answers with an error: browsers get a page, programs a problem
// document.
func (s *Server) refuse(c *gin.Context, err error) {
	c.Writer.Header().Add("Vary", "Accept")
	if forPrograms(c.Request.URL.Path) || s.people == nil || !accepts(c.GetHeader("Accept"), "text/html") {
		s.problem(c, err)
		return
	}
	e, _ := s.describe(c, err)
	c.Set(keyCode, string(e.Code))
	s.people.Fail(c.Writer, c.Request, c.ClientIP(), e)
}

// accepts tells whether an Accept header names a media type itself, as browsers
// do, and does not refuse it: programs that take anything get what is for
// programs (RFC 9110 §12.5.1).
func accepts(header, kind string) bool {
	for part := range strings.SplitSeq(header, ",") {
		named, params, err := mime.ParseMediaType(part)
		if err != nil || named != kind {
			continue
		}
		q, err := strconv.ParseFloat(params["q"], 64)
		return err != nil || q > 0
	}
	return false
}

// maxForm bounds a form without a file, in bytes.
const maxForm = 64 << 10

// console adds the console of the staff, where its cookie is safe: over TLS, or
// on this machine alone.
func (s *Server) console(cfg *web.Config) {
	u, err := url.Parse(s.cfg.PublicURL)
	if err != nil {
		return
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if cfg.Secure = u.Scheme == "https"; cfg.Secure || local {
		cfg.Staff, cfg.Records, cfg.AdmitSignIn = s.cfg.Gateway, s.cfg.Gateway, s.admitSignIn
	}
	if s.cfg.Bundle != nil {
		cfg.Bundle = s.bundleFor
	}
}

// bundleFor makes an evidence bundle for a member of staff.
func (s *Server) bundleFor(ctx context.Context, c gateway.Caller, operation string) (web.Upload, error) {
	o, err := s.cfg.Gateway.EvidenceOf(ctx, c, operation)
	if err != nil {
		return nil, err
	}
	spooled, err := inTurn(ctx, s.reading, c.Staff, func() (*upload, error) {
		return s.spoolBundle(ctx, holder{name: c.Staff}, o)
	})
	if err != nil {
		return nil, err
	}
	return pageUpload{spooled}, nil
}

// pageUpload is an upload as pages take it.
type pageUpload struct{ *upload }

func (u pageUpload) Gateway() gateway.Upload {
	return gateway.Upload{ReaderAt: u.upload, Size: u.Size, SHA256: u.SHA256, Digest: u.Digest}
}

func (s *Server) receivePage(from web.Sender, r io.Reader) (web.Upload, error) {
	who := holder{name: from.Staff}
	if from.Staff == "" {
		who = stranger(from.Address)
	}
	u, err := s.spool.receive(who, r)
	if err != nil {
		return nil, asError(received(err))
	}
	return pageUpload{u}, nil
}

// admit bounds what those without credentials have verified, by page or by
// /v1/verify.
func (s *Server) admit(address string) error {
	if wait := s.anonymous.take(address, time.Now()); wait > 0 {
		return &gateway.Error{Code: gateway.CodeRate, Text: "Too many verifications from this address.", Retry: wait}
	}
	return nil
}

// signInsPerMinute is how often people behind one address may try to sign in:
// enough for an office whose staff begin work together.
const signInsPerMinute = 30

// admitSignIn bounds the tries to sign in, whoever they name: what they guess
// costs much memory and time to check. What bounds the guesses at one name is the
// gateway's.
func (s *Server) admitSignIn(address string) error {
	if wait := s.signIns.take(address, time.Now()); wait > 0 {
		return &gateway.Error{Code: gateway.CodeRate, Text: "Too many tries to sign in from this address.", Retry: wait}
	}
	return nil
}

// printReport prints a verdict, and seals it when there is a seal.
func (s *Server) printReport(ctx context.Context, w io.Writer, r *verifier.Report, p web.Printing) error {
	var b bytes.Buffer
	if err := paper.Write(&b, r, paper.Options{Language: p.Language, Zone: p.Zone, Version: s.cfg.Version, Registrations: s.registrations(p.Retired)}); err != nil {
		return err
	}
	if s.cfg.ReportSeal == "" {
		_, err := b.WriteTo(w)
		return err
	}
	u, err := s.spool.receive(holder{}, &b)
	if err != nil {
		return err
	}
	defer u.Close()
	sealed, err := inTurn(ctx, s.signing, "", func() (*gateway.Release, error) {
		return s.cfg.Gateway.SealReport(ctx, p.Address, s.cfg.ReportSeal, pageUpload{u}.Gateway())
	})
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, io.NewSectionReader(u, 0, u.Size)); err != nil {
		return err
	}
	_, err = w.Write(sealed.Tail)
	return err
}

// bodyLimit is how long a body with at most max documents may be, in bytes.
func (s *Server) bodyLimit(max int) int64 {
	return int64(max)*s.spool.max + maxRequestPart + int64(max)*4096
}

// limitBody bounds a body, in bytes. One that says that it is longer is refused
// before any of it is asked for (RFC 9110 §10.1.1).
func limitBody(c *gin.Context, limit int64) error {
	if c.Request.ContentLength > limit {
		return errTooLarge
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
	return nil
}
