package web

import (
	"context"
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
)

// Gateway is what the pages ask of package gateway.
type Gateway interface {
	Verify(ctx context.Context, c gateway.Caller, in gateway.Upload, req gateway.VerifyRequest) (*verifier.Report, error)
	PublicDocument(ctx context.Context, id string) (*gateway.PublicDocument, error)
	Compare(ctx context.Context, id string, in gateway.Upload) (gateway.Match, error)
	// Retired returns what was replaced or withdrawn of what a file is.
	Retired(ctx context.Context, in gateway.Upload, r *verifier.Report, password []byte) ([]gateway.Retired, error)
}

// Upload is a received file. Nothing of it remains once it is closed.
type Upload interface {
	io.Closer
	Gateway() gateway.Upload
}

// Sender is who uploads a file.
type Sender struct {
	Address string
	Staff   string // identifier of the member of staff who has signed in; "" for a citizen
}

// Config is what Pages are made of. Gateway, Receive, Admit, Turn, Print
// and MaxUpload are needed.
type Config struct {
	Gateway Gateway
	// Receive reads an upload to its end. A *gateway.Error says in its code why
	// it cannot: CodeTooLarge, CodeBusy.
	Receive func(from Sender, r io.Reader) (Upload, error)
	// Admit counts an upload from an address before it is read, and refuses
	// with a *gateway.Error.
	Admit func(address string) error
	// Turn waits until a received file may be judged, and returns what ends
	// that; a *gateway.Error says that it took too long.
	Turn func(ctx context.Context) (done func(), err error)
	// Print writes a verdict as PDF, sealed where there is a seal.
	Print func(ctx context.Context, w io.Writer, r *verifier.Report, p Printing) error
	// MaxUpload is the largest file, in bytes. It is shown to people; Receive
	// enforces it.
	MaxUpload int64

	// Office is whose pages these are; "" shows none.
	Office string
	// Staff and Records are the console; nil Staff means that there is none.
	Staff   Staff
	Records Records
	// Cases are complaints; nil: there is no way to complain here.
	Cases Cases
	// Clock is the present by which deadlines are shown; nil means time.Now.
	Clock func() time.Time
	// Bundle makes the evidence bundle of an operation for a member of staff, and
	// records that; nil means that there are none. The Upload is to be closed.
	Bundle func(ctx context.Context, c gateway.Caller, operation string) (Upload, error)
	// AdmitSignIn counts a try to sign in from an address; its error is a
	// *gateway.Error that says when the next one is taken. Uploads do not count
	// among the tries: who sends many keeps no member of staff out who shares the
	// network. It is needed with Staff.
	AdmitSignIn func(address string) error
	// Secure says that people reach the pages over TLS, which the console's
	// cookie then insists on.
	Secure bool

	// Zone is the one of the three that is shown first; nil is UTC+7 (WIB).
	Zone *time.Location
}

// Printing is how a report is printed, and for whom.
type Printing struct {
	Language report.Language
	Zone     *time.Location
	Address  string // of the client
	// Retired are the documents that the file is and that were replaced or
	// withdrawn.
	Retired []gateway.Retired
}

// Pages serves the pages.
type Pages struct {
	cfg   Config
	zone  string // key of the zone shown first
	looks map[report.Language]*look
	desk  []opRoute // the console's
}

// look is how pages are written in one language.
type look struct {
	words report.Words
	pages *template.Template
	cases *dispute.Words // of complaints
}

// New checks cfg and reads the templates.
func New(cfg Config) (*Pages, error) {
	if cfg.Gateway == nil || cfg.Receive == nil || cfg.Admit == nil || cfg.Turn == nil || cfg.Print == nil || cfg.MaxUpload <= 0 {
		return nil, errors.New("web: Config lacks a part")
	}
	if cfg.Staff != nil && (cfg.Records == nil || cfg.AdmitSignIn == nil) {
		return nil, errors.New("web: Config has Staff without Records or AdmitSignIn")
	}
	p := &Pages{cfg: cfg, zone: zoneOf(cfg.Zone), looks: map[report.Language]*look{}, desk: append(opRoutes(), caseRoutes()...)}
	for _, l := range []report.Language{report.Indonesian, report.English} {
		words, err := wordsIn(l)
		if err != nil {
			return nil, err
		}
		pages, err := parseTemplates(l, words, cfg)
		if err != nil {
			return nil, err
		}
		cases, err := dispute.WordsIn(dispute.Language(l), cfg.officeZone())
		if err != nil {
			return nil, err
		}
		p.looks[l] = &look{words, pages, cases}
	}
	return p, nil
}

// officeZone is the one in which the office counts its days: its letters name
// deadlines and periods by them, and so do the pages, whatever zone they show
// moments in.
func (c *Config) officeZone() *time.Location {
	if c.Cases != nil {
		if z := c.Cases.CaseRules().Calendar.Zone; z != nil {
			return z
		}
	}
	return zones[0].location
}

// policy is the content security policy of pages.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Serve answers a request to one of the addresses of Routes, from an address.
// The error, which is answered already, is for the log.
func (p *Pages) Serve(w http.ResponseWriter, r *http.Request, address string) error {
	v := p.visit(w, r, address)
	err := v.answer()
	if a := (answered{}); errors.As(err, &a) {
		return a.error
	}
	if err != nil {
		v.fail(err)
	}
	return err
}

// answered is an error that its own page has been shown about.
type answered struct{ error }

// visit begins the answer to a request.
func (p *Pages) visit(w http.ResponseWriter, r *http.Request, address string) *visit {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	if p.cfg.Secure {
		// A proxy in front ends TLS, where the server itself does not.
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
	language := languageOf(r)
	return &visit{Pages: p, w: w, r: r, address: address, language: language, look: p.looks[language]}
}

// Route is an address that Serve answers. A path that ends in a slash stands
// for one more element after it, as ":name" does within one.
type Route struct {
	Method, Path string
	Upload       bool // the request carries a file
}

// Routes are the addresses of the pages.
var Routes = append([]Route{
	{http.MethodGet, "/", false},
	{http.MethodPost, "/", true},
	{http.MethodPost, "/report", true},
	{http.MethodPost, "/signed", true},
	{http.MethodGet, "/d/", false},
	{http.MethodPost, "/d/", true},
	{http.MethodGet, "/pengaduan", false},
	{http.MethodPost, "/pengaduan", true},
	{http.MethodGet, "/pengaduan/", false},
	{http.MethodGet, "/assets/", false},
}, opAddresses()...)

// visit is one request.
type visit struct {
	*Pages
	w        http.ResponseWriter
	r        *http.Request
	address  string
	language report.Language
	look     *look

	act     string            // of the console: method and address
	session *gateway.SignedIn // nil: nobody has signed in, or has been asked for
}

func (v *visit) answer() error {
	path, post := v.r.URL.Path, v.r.Method == http.MethodPost
	if name, ok := strings.CutPrefix(path, "/assets/"); ok && !post {
		return v.asset(name)
	}
	if id, ok := strings.CutPrefix(path, "/d/"); ok {
		return v.document(id, post)
	}
	if code, ok := strings.CutPrefix(path, "/pengaduan/"); ok {
		return v.follow(code)
	}
	if path == "/op" || strings.HasPrefix(path, "/op/") {
		return v.console()
	}
	switch {
	case path == "/" && !post:
		return v.show(http.StatusOK, "start", page{})
	case path == "/":
		return v.verify()
	case path == "/pengaduan":
		return v.intake(post)
	case path == "/report" && post:
		return v.report()
	case path == "/signed" && post:
		return v.signed()
	}
	return errNotFound
}

var errNotFound = &gateway.Error{Code: gateway.CodeNotFound, Text: "There is nothing at this address."}

// languageOf is English where it is asked for. Browsers are set up in English
// more often than their owners read it, so that they are not asked.
func languageOf(r *http.Request) report.Language {
	if r.URL.Query().Get("lang") == string(report.English) {
		return report.English
	}
	return report.Indonesian
}

// page is what a template gets.
type page struct {
	Language, Other     report.Language
	Here, There         string // this address in this and the other language
	Home                string
	Query               string // of this language, for addresses; "" or "?lang=en"
	Zone                string // that is shown first
	Title               string
	Result              *resultView
	Document            *documentView
	Case                any // of complaints
	Error               *errorView
	Op                  *opPage // of the console; nil elsewhere
	Stylesheet, Program string
}

// here is the address of this page in a language, on this host whatever is asked
// for: an address that begins with two slashes would be on another.
func (v *visit) here(l report.Language) string {
	query := v.r.URL.Query()
	if query.Del("lang"); l == report.English {
		query.Set("lang", string(l))
	}
	u := url.URL{Path: "/" + strings.TrimLeft(v.r.URL.Path, `/\`), RawQuery: query.Encode()}
	return u.String()
}

// show writes a page, all of it or none.
func (v *visit) show(status int, name string, content page) error {
	content.Language, content.Other = v.language, report.English
	if v.language == report.English {
		content.Query, content.Other = "?lang=en", report.Indonesian
	}
	content.Here, content.There, content.Home = v.here(v.language), v.here(content.Other), "/"+content.Query
	if content.Op != nil {
		content.Home = v.to("/op")
	}
	content.Zone = v.zone
	content.Stylesheet, content.Program = assets.style, assets.script
	if content.Title == "" {
		content.Title = v.look.words.Text("web.title")
	}
	var b strings.Builder
	if err := v.look.pages.ExecuteTemplate(&b, name, content); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(v.language))
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	v.w.WriteHeader(status)
	_, err := io.WriteString(v.w, b.String())
	if err != nil {
		return nil // whoever asked has gone
	}
	return nil
}
