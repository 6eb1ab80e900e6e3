package web

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier/report"
)

// Staff is the door of the console, as package gateway has it.
type Staff interface {
	SignIn(ctx context.Context, s gateway.SignIn) (token string, err error)
	Session(ctx context.Context, token, address string) (*gateway.SignedIn, error)
	SignOut(ctx context.Context, token, address string) error
	// ChangePassword returns the token of a new session; all others end.
	ChangePassword(ctx context.Context, c gateway.Caller, p gateway.PasswordChange) (token string, err error)
	// Allow demands a role and records a refusal.
	Allow(ctx context.Context, c gateway.Caller, act string, roles ...gateway.Role) error
	// Deny records another refusal and returns what the visitor is told.
	Deny(ctx context.Context, c gateway.Caller, act, why string) error
}

// opRoute is an address of the console. Its Path may have one element ":name".
type opRoute struct {
	Route
	serve func(v *visit, name string) error
}

// opRoutes are the addresses of the console.
func opRoutes() []opRoute {
	get := func(path string, serve func(*visit, string) error) opRoute {
		return opRoute{Route{http.MethodGet, path, false}, serve}
	}
	post := func(path string, upload bool, serve func(*visit, string) error) opRoute {
		return opRoute{Route{http.MethodPost, path, upload}, serve}
	}
	return []opRoute{
		get("/op/sign-in", (*visit).signInPage),
		post("/op/sign-in", false, (*visit).signIn),
		post("/op/sign-out", false, (*visit).signOut),
		get("/op/account", (*visit).accountPage),
		post("/op/account", false, (*visit).account),
		get("/op", (*visit).overview),
		get("/op/overview.csv", (*visit).overviewCSV),
		get("/op/search", (*visit).searchPage),
		post("/op/search", true, (*visit).searchFile),
		get("/op/operation/:name", (*visit).operationPage),
		get("/op/operation/:name/evidence", (*visit).evidence),
		get("/op/document/:name", (*visit).documentFile),
		get("/op/signer/:name", (*visit).signerFile),
		get("/op/certificate/:name", (*visit).certificateFile),
		post("/op/certificate/:name", false, (*visit).askCertificate),
	}
}

// opNavigation is what the head of each page of the console offers.
var opNavigation = []struct{ path, word string }{
	{"/op", "op.nav.overview"},
	{"/op/search", "op.nav.search"},
	{"/op/cases", "case.nav"},
}

// opAddresses are the addresses of the console for Routes.
func opAddresses() (all []Route) {
	for _, r := range append(opRoutes(), caseRoutes()...) {
		all = append(all, r.Route)
	}
	return all
}

// match tells whether a path is one of the route's, and what stands for :name.
func (r Route) match(path string) (name string, ok bool) {
	pattern, parts := strings.Split(r.Path, "/"), strings.Split(path, "/")
	if len(pattern) != len(parts) {
		return "", false
	}
	for i, p := range pattern {
		switch {
		case strings.HasPrefix(p, ":") && parts[i] != "":
			name = parts[i]
		case p != parts[i]:
			return "", false
		}
	}
	return name, true
}

// errAnswered is returned by functions that have answered the request already.
var errAnswered = errors.New("web: answered")

// console answers a request to one of the addresses of the console.
func (v *visit) console() error {
	if v.cfg.Staff == nil {
		return errNotFound
	}
	h := v.w.Header()
	h.Set("X-Robots-Tag", "noindex, nofollow")
	// Without a referrer browsers send "Origin: null", which proves nothing.
	h.Set("Referrer-Policy", "same-origin")
	for _, r := range v.desk {
		if r.Method != v.r.Method {
			continue
		}
		if name, ok := r.match(v.r.URL.Path); ok {
			v.act = r.Method + " " + r.Path
			err := r.serve(v, name)
			if errors.Is(err, errAnswered) {
				return nil
			}
			return err
		}
	}
	return errNotFound
}

// cookie is the name of the session's cookie. The prefix has browsers keep
// others from setting it (ASVS 3.3.1, 3.3.3); they take it over TLS only.
func (v *visit) cookie() string {
	if v.cfg.Secure {
		return "__Host-absah"
	}
	return "absah"
}

// token is what the browser shows; "" for nothing.
func (v *visit) token() string {
	if c, err := v.r.Cookie(v.cookie()); err == nil {
		return c.Value
	}
	return ""
}

// setToken gives the browser a session's token; "" takes it away. It lasts as
// long as the browser, the session itself is bounded by the gateway.
func (v *visit) setToken(token string) {
	c := &http.Cookie{Name: v.cookie(), Value: token, Path: "/", Secure: v.cfg.Secure, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if token == "" {
		c.MaxAge = -1
	}
	http.SetCookie(v.w, c)
}

// redirect sends the browser to an address of ours.
func (v *visit) redirect(path string) error {
	v.w.Header().Set("Location", v.to(path))
	v.w.WriteHeader(http.StatusSeeOther)
	return errAnswered
}

// to is an address of ours in this visit's language.
func (v *visit) to(path string) string { return addressIn(v.language, path) }

func addressIn(l report.Language, path string) string {
	if l != report.English {
		return path
	}
	if strings.Contains(path, "?") {
		return path + "&lang=en"
	}
	return path + "?lang=en"
}

// staff returns who has signed in, and has one of the roles. Without a session
// the visitor is sent to sign in, and with another role refused, which is on
// record; the error then says that the visit is over.
func (v *visit) staff(roles ...gateway.Role) (gateway.Caller, error) {
	if v.session == nil {
		session, err := v.cfg.Staff.Session(v.r.Context(), v.token(), v.address)
		var e *gateway.Error
		if errors.As(err, &e) && e.Code == gateway.CodeUnauthenticated {
			return gateway.Caller{}, v.redirect("/op/sign-in" + v.comeBack())
		}
		if err != nil {
			return gateway.Caller{}, err
		}
		v.session = session
	}
	c := v.session.Caller
	return c, v.cfg.Staff.Allow(v.r.Context(), c, v.act, roles...)
}

// everyone are the roles of staff.
var everyone = gateway.StaffRoles

// comeBack is the query by which signing in leads back to where it began.
func (v *visit) comeBack() string {
	if v.r.Method != http.MethodGet || v.r.URL.Path == "/op" {
		return ""
	}
	return "?" + url.Values{"next": {v.r.URL.RequestURI()}}.Encode()
}

// backTo is where signing in leads: to a page of the console, and nowhere
// else, whatever the address says (ASVS 1.2.2, 3.7.2).
func (v *visit) backTo(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/op/") || strings.Contains(next, `\`) {
		return "/op"
	}
	for _, r := range v.desk {
		if _, ok := r.match(u.Path); ok && r.Method == http.MethodGet && r.Path != "/op/sign-in" {
			query := u.Query()
			query.Del("lang") // it follows from how the visitor signs in
			if u.RawQuery = query.Encode(); u.RawQuery == "" {
				return u.Path
			}
			return u.Path + "?" + u.RawQuery
		}
	}
	return "/op"
}

// Caps on a form of the console beside its file.
const (
	// Bytes of a field: the 6,000 characters that forms allow are up to 18,000
	// bytes in any script, and browsers end each line of them with two.
	maxValue  = 32 << 10
	maxValues = 32
)

// posting is a form of the console. It must be closed.
type posting struct {
	values   map[string]string
	file     Upload // nil for none
	fileName string // as the browser says
	fileless error  // why no file is read any more; nil: one is
	long     bool   // a field is longer than maxValue, and was cut
}

func newPosting() *posting { return &posting{values: map[string]string{}} }

// value is a field without white space around it; "" when it is missing.
func (p *posting) value(name string) string { return strings.TrimSpace(p.values[name]) }

// Close forgets the file.
func (p *posting) Close() {
	if p.file != nil {
		p.file.Close() //nolint:errcheck // the file has no name: nothing is left to be done about it
		p.file = nil
	}
}

// csrfField is the field of forms with the session's token against forgery. It
// comes first in them, so that a forged upload is refused before its file is
// read.
const csrfField = "csrf"

// staffPosted is staff, and what they have sent, which is to be closed.
func (v *visit) staffPosted(roles ...gateway.Role) (c gateway.Caller, p *posting, err error) {
	if c, err = v.staff(roles...); err != nil {
		return c, nil, err
	}
	p, err = v.posted(c)
	return c, p, err
}

// posted reads a form that a member of staff has sent. One that another site
// has made is refused, which is on record. The form must be closed when the
// error is nil.
func (v *visit) posted(c gateway.Caller) (*posting, error) {
	p := newPosting()
	if err := v.postedInto(p, c); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// postedInto is posted for a form that the caller has made and closes: with an
// error it has what could be read before.
func (v *visit) postedInto(p *posting, c gateway.Caller) error {
	if v.foreign() {
		return v.cfg.Staff.Deny(v.r.Context(), c, v.act, "sent by another site")
	}
	err := v.readInto(p, func(token string) bool {
		return v.session != nil && subtle.ConstantTimeCompare([]byte(token), []byte(v.session.CSRF)) == 1
	})
	if errors.Is(err, errForged) {
		return v.cfg.Staff.Deny(v.r.Context(), c, v.act, "form without the session's token")
	}
	return err
}

var errForged = errors.New("web: form without the session's token")

var crossOrigin = http.NewCrossOriginProtection()

// foreign tells whether a form comes from another site, or does not say from
// where, as every browser does (ASVS 3.5.1).
func (v *visit) foreign() bool {
	h := v.r.Header
	return crossOrigin.Check(v.r) != nil || h.Get("Sec-Fetch-Site") == "" && h.Get("Origin") == ""
}

// readForm reads a form of either kind. Only when ours holds for its token is
// anything but fields read. The form must be closed when the error is nil.
func (v *visit) readForm(ours func(token string) bool) (*posting, error) {
	p := newPosting()
	if err := v.readInto(p, ours); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// errLong is about a field that is longer than maxValue.
var errLong = errors.New("web: a field is too long")

// readInto is readForm for a form that the caller has made and closes: with an
// error it has what could be read before.
func (v *visit) readInto(p *posting, ours func(token string) bool) error {
	kind, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil {
		return invalid(err)
	}
	if kind == "multipart/form-data" {
		err = v.readParts(p, ours)
	} else {
		err = v.readFields(p)
	}
	switch {
	case err != nil:
		return err
	case !ours(p.values[csrfField]):
		return errForged
	case p.long:
		return invalid(errLong)
	}
	return nil
}

// readFields reads a form without a file, in which a byte takes up to three.
func (v *visit) readFields(p *posting) error {
	b, err := io.ReadAll(io.LimitReader(v.r.Body, maxValue*3))
	if err != nil {
		return received(err)
	}
	fields, err := url.ParseQuery(string(b))
	if err != nil || len(b) == maxValue*3 || len(fields) > maxValues {
		return invalid(errors.New("not a form"))
	}
	for name, all := range fields {
		if len(all) != 1 {
			return invalid(errTwice)
		}
		p.set(name, all[0])
	}
	return nil
}

var errTwice = errors.New("web: a field twice")

// set takes a field. Of one that is too long its beginning is kept, for whoever
// is shown the form again.
func (p *posting) set(name, value string) {
	if len(value) > maxValue {
		value, p.long = strings.ToValidUTF8(value[:maxValue], ""), true
	}
	p.values[name] = value
}

func (v *visit) readParts(p *posting, ours func(token string) bool) error {
	r, err := v.r.MultipartReader()
	if err != nil {
		return invalid(err)
	}
	for range maxValues {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = v.readPart(p, part, ours)
		}
		if errors.Is(err, errForged) {
			return err
		}
		if err != nil {
			return received(err)
		}
	}
	return invalid(errors.New("too many fields"))
}

// sender is who uploads to the console; nobody has signed in yet where a form is
// refused anyway.
func (v *visit) sender() Sender {
	from := Sender{Address: v.address}
	if v.session != nil {
		from.Staff = v.session.Caller.Staff
	}
	return from
}

func (v *visit) readPart(p *posting, part *multipart.Part, ours func(token string) bool) (err error) {
	name := part.FormName()
	if part.FileName() != "" || name == "document" {
		switch {
		case !ours(p.values[csrfField]):
			return errForged
		case p.file != nil:
			return errors.New("two files")
		}
		p.fileName = part.FileName()
		if p.fileless != nil {
			return p.fileless
		}
		p.file, err = v.cfg.Receive(v.sender(), part)
		return err
	}
	value, err := io.ReadAll(io.LimitReader(part, maxValue+1))
	if err != nil {
		return err
	}
	if _, twice := p.values[name]; twice {
		return errTwice
	}
	p.set(name, string(value))
	return nil
}

// opPage is what the head of the console shows, and the content of its page.
type opPage struct {
	Name, Role string // of the member of staff who has signed in; "" for nobody
	CSRF       string
	Navigation []opLink
	Account    bool // it is that member's own page
	Stylesheet string
	Content    any
}

type opLink struct {
	Path, Word string
	Current    bool
}

// showOp writes a page of the console. Its template gets a page whose Op has
// content.
func (v *visit) showOp(status int, name, title string, content any) error {
	op := &opPage{Stylesheet: assets.op, Content: content}
	if v.session != nil {
		op.Name, op.CSRF = report.Visible(v.session.Name), v.session.CSRF
		op.Account = v.r.URL.Path == "/op/account"
		op.Role = v.look.words.Text("op.role." + string(v.session.Caller.Application.Role))
		for _, n := range opNavigation {
			current := n.path == v.r.URL.Path || n.path != "/op" && strings.HasPrefix(v.r.URL.Path, n.path+"/")
			op.Navigation = append(op.Navigation, opLink{v.to(n.path), v.look.words.Text(n.word), current})
		}
	}
	return v.show(status, name, page{Title: title, Op: op})
}

// signInView is the page at the door.
type signInView struct {
	Failed bool
	Next   string // "" for the overview
	User   string
}

func (v *visit) signInPage(string) error {
	return v.door(http.StatusOK, signInView{Next: v.r.URL.Query().Get("next")})
}

func (v *visit) door(status int, view signInView) error {
	if view.Next = v.backTo(view.Next); view.Next == "/op" {
		view.Next = ""
	}
	return v.showOp(status, "op-sign-in", v.look.words.Text("op.sign-in.title"), view)
}

// signIn opens a session. There is none yet whose token the form could carry:
// that it comes from a page of ours is asked of the browser.
func (v *visit) signIn(string) error {
	if v.foreign() {
		return v.cfg.Staff.Deny(v.r.Context(), gateway.Caller{Address: v.address, Authentication: "none"}, v.act, "sent by another site")
	}
	if err := v.cfg.AdmitSignIn(v.address); err != nil {
		return err
	}
	p, err := v.readForm(func(string) bool { return true })
	if err != nil {
		return err
	}
	defer p.Close()
	token, err := v.cfg.Staff.SignIn(v.r.Context(), gateway.SignIn{
		Username: p.value("username"), Password: p.values["password"], Code: p.value("code"), Address: v.address, Replaces: v.token(),
	})
	var e *gateway.Error
	if errors.As(err, &e) && e.Code == gateway.CodeUnauthenticated {
		return v.door(http.StatusUnauthorized, signInView{Failed: true, Next: p.value("next"), User: p.value("username")})
	}
	if err != nil {
		return err
	}
	v.setToken(token)
	return v.redirect(v.backTo(p.value("next")))
}

func (v *visit) signOut(string) error {
	_, p, err := v.staffPosted(everyone...)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := v.cfg.Staff.SignOut(v.r.Context(), v.token(), v.address); err != nil {
		return err
	}
	v.setToken("")
	// Who goes back afterwards must not see the pages again (ASVS 14.3.1).
	v.w.Header().Set("Clear-Site-Data", `"cache"`)
	return v.redirect("/op/sign-in")
}

// opFault says an error in the words of the console, where they are others
// than those of the public pages.
func (v *visit) opFault(view *errorView) {
	if v.act == "" {
		return
	}
	w := v.look.words
	if text, known := w["op.error."+view.Code]; known {
		view.Heading, view.Text = w.Text("op.error."+view.Code+".title"), text
	}
}
