package api

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/internal/fault"
)

// signBody is the part "request" of /v1/sign, /v1/seal and /v1/batches.
type signBody struct {
	Signer     string `json:"signer"`     // identifier of the signer or the seal
	Passphrase secret `json:"passphrase"` // or an activation
	Activation string `json:"activation"`
	Password   secret `json:"password"` // of an encrypted document

	Level    level  `json:"level"`    // B-B … B-LTA; absent: B-LTA
	Document string `json:"document"` // public id of a registered document
	appearanceBody
}

// appearanceBody is what a signature says, shows and forbids. An activation
// holds for what was given when it was made.
type appearanceBody struct {
	Fallback bool         `json:"fallback"`
	PSS      bool         `json:"pss"`
	Field    string       `json:"field"`
	Reason   string       `json:"reason"`
	Location string       `json:"location"`
	Certify  int          `json:"certify"`
	Visible  *visibleBody `json:"visible"`
}

// level is a gateway.Level in JSON.
type level struct {
	gateway.Level
	set bool
}

func (l *level) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return &valueError{"level must be a string"}
	}
	parsed, err := gateway.ParseLevel(text)
	if err != nil {
		return &valueError{"level must be B-B, B-T, B-LT or B-LTA"}
	}
	l.Level, l.set = parsed, true
	return nil
}

// or returns the level, or def when the request names none.
func (l level) or(def gateway.Level) gateway.Level {
	if l.set {
		return l.Level
	}
	return def
}

// visibleBody says what a signature shows. Coordinates are points from the
// bottom left of the page as it is seen.
type visibleBody struct {
	Page    page     `json:"page"` // 1-based, "first" or "last"
	X       float64  `json:"x"`
	Y       float64  `json:"y"`
	Width   float64  `json:"width"`
	Height  float64  `json:"height"`
	QR      string   `json:"qr"` // absent with a registered document: its public address
	Logo    []byte   `json:"logo"`
	Image   []byte   `json:"image"`
	Heading string   `json:"heading"`
	Office  string   `json:"office"`
	Name    string   `json:"name"`
	Lines   []string `json:"lines"`
	Plain   bool     `json:"plain"`
}

// page is a page number, or one of two words.
type page int

func (p *page) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"first"`:
		*p = gateway.FirstPage
		return nil
	case `"last"`:
		*p = gateway.LastPage
		return nil
	}
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 1 || n > math.MaxInt32 {
		return &valueError{`page must be a number from 1, "first" or "last"`}
	}
	*p = page(n)
	return nil
}

func (s *Server) signRequest(c *gin.Context, b *signBody) (req gateway.SignRequest, err error) {
	req = gateway.SignRequest{
		Signer: b.Signer, Passphrase: b.Passphrase, Activation: b.Activation, Password: b.Password,
		Level: b.Level.or(gateway.LevelLTA), Fallback: b.Fallback, PSS: b.PSS,
		Field: b.Field, Reason: b.Reason, Location: b.Location, Certify: b.Certify, Document: b.Document,
		IdempotencyKey: c.GetHeader(headerKey),
	}
	if v := b.Visible; v != nil {
		req.Visible = &gateway.Visible{
			Page: int(v.Page), X: v.X, Y: v.Y, Width: v.Width, Height: v.Height, QR: v.QR, Logo: v.Logo, Image: v.Image,
			Heading: v.Heading, Office: v.Office, Name: v.Name, Lines: v.Lines, Plain: v.Plain,
		}
		if b.Document != "" {
			req.Visible.QR, req.OwnQR = s.cfg.PublicURL+"/d/"+b.Document, true
		}
		err = s.checkQR(v.QR, req.Visible.QR, b.Document)
	}
	if b.Signer == "" {
		err = invalid("signer is missing.", nil)
	}
	return req, err
}

// checkQR judges the code that a request wants on a letter, against the one that
// it gets. Whoever scans it must come to the page of this very letter, or to none
// of ours, and run nothing.
func (s *Server) checkQR(wanted, gets, document string) error {
	if document != "" {
		if wanted != "" && wanted != gets {
			return invalid("visible.qr of a registered document is its public address: leave it out.", nil)
		}
		return nil
	}
	if wanted == "" {
		return nil
	}
	u, err := url.Parse(wanted)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return invalid("visible.qr must be an address that begins with https:// or http://, and names no user.", nil)
	}
	own, err := url.Parse(s.cfg.PublicURL)
	if err != nil {
		return err
	}
	if strings.EqualFold(u.Hostname(), own.Hostname()) && strings.HasPrefix(path.Clean("/"+u.Path)+"/", path.Clean("/"+own.Path+"/d")+"/") {
		return invalid("visible.qr is the address of a registered document: name it in document.", nil)
	}
	return nil
}

func (b *signBody) wipe() {
	clear(b.Passphrase)
	clear(b.Password)
}

func (s *Server) sign(c *gin.Context) error { return s.signOrSeal(c, s.cfg.Gateway.Sign) }

func (s *Server) seal(c *gin.Context) error { return s.signOrSeal(c, s.cfg.Gateway.Seal) }

func (s *Server) signOrSeal(c *gin.Context, act gateway.Signing) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	var request signBody
	defer request.wipe()
	b, err := s.one(c, signing(caller), &request)
	if err != nil {
		return err
	}
	defer b.Close()
	req, err := s.signRequest(c, &request)
	if err != nil {
		return err
	}
	r, err := inTurn(c.Request.Context(), s.signing, caller.Application.ID, func() (*gateway.Release, error) {
		return act(c.Request.Context(), caller, b.upload(0), req)
	})
	if err != nil {
		return err
	}
	return s.release(c, b.documents[0], r)
}

// release sends a document: the input followed by its tail.
func (s *Server) release(c *gin.Context, in *upload, r *gateway.Release) error {
	fault.Point("release.before")
	for name, values := range releaseHeader(r) {
		c.Writer.Header()[name] = values
	}
	c.Header("Content-Length", strconv.FormatInt(r.Size, 10))
	c.Header("Content-Disposition", `attachment; filename="signed.pdf"`)
	c.Header("Link", "</v1/operations/"+r.Operation+`>; rel="describedby"`)
	c.Status(http.StatusOK)
	fault.Point("release.headers")
	err := writeRelease(steady{c.Writer}, in, r)
	fault.Point("release.written")
	return err
}

func releaseHeader(r *gateway.Release) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/pdf")
	h.Set(headerOperation, r.Operation)
	h.Set(headerLevel, r.Level)
	h.Set(headerSHA256, hex.EncodeToString(r.SHA256[:]))
	h.Set(headerReceipt, base64.StdEncoding.EncodeToString(r.Receipt))
	if r.Shortfall != "" {
		h.Set(headerShortfall, r.Shortfall)
	}
	if r.Repeated {
		h.Set(headerRepeated, "true")
	}
	return h
}

// writeRelease writes the document. An error is the client's going away, which
// has its own way of being seen.
func writeRelease(w io.Writer, in *upload, r *gateway.Release) error {
	if in.memory != nil {
		// In one piece: every write is a packet, and a system call.
		if _, err := w.Write(slices.Concat(in.memory, r.Tail)); err != nil {
			panic(http.ErrAbortHandler) // the length was promised: cut the connection rather than send a torso
		}
		return nil
	}
	if _, err := io.Copy(w, io.NewSectionReader(in, 0, in.Size)); err != nil {
		panic(http.ErrAbortHandler)
	}
	fault.Point("release.body")
	if _, err := w.Write(r.Tail); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// augmentBody is the part "request" of /v1/augment and /v1/timestamp.
type augmentBody struct {
	Level    level  `json:"level"` // of /v1/augment; absent: B-LTA
	Password secret `json:"password"`
	Document string `json:"document"`
}

func (s *Server) augment(c *gin.Context) error {
	return s.extend(c, func(caller gateway.Caller, in gateway.Upload, b *augmentBody) (*gateway.Release, error) {
		return s.cfg.Gateway.Augment(c.Request.Context(), caller, in, gateway.AugmentRequest{
			Level: b.Level.or(gateway.LevelLTA), Password: b.Password, Document: b.Document,
		})
	})
}

func (s *Server) timestamp(c *gin.Context) error {
	return s.extend(c, func(caller gateway.Caller, in gateway.Upload, b *augmentBody) (*gateway.Release, error) {
		if b.Level.set || b.Document != "" {
			return nil, invalid("A timestamp has neither level nor document.", nil)
		}
		return s.cfg.Gateway.Timestamp(c.Request.Context(), caller, in, b.Password)
	})
}

func (s *Server) extend(c *gin.Context, act func(gateway.Caller, gateway.Upload, *augmentBody) (*gateway.Release, error)) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	var request augmentBody
	defer func() { clear(request.Password) }()
	b, err := s.one(c, signing(caller), &request)
	if err != nil {
		return err
	}
	defer b.Close()
	r, err := inTurn(c.Request.Context(), s.signing, caller.Application.ID, func() (*gateway.Release, error) {
		return act(caller, b.upload(0), &request)
	})
	if err != nil {
		return err
	}
	return s.release(c, b.documents[0], r)
}

// activationBody asks for an activation.
type activationBody struct {
	Signer     string   `json:"signer"`
	Passphrase secret   `json:"passphrase"`
	Documents  []digest `json:"documents"`
	Level      level    `json:"level"`
	Seconds    int      `json:"seconds"` // absent: as long as the gateway allows
	appearanceBody
}

// digest is a SHA-256 in hexadecimal.
type digest [32]byte

func (d *digest) UnmarshalText(b []byte) error {
	if n, err := hex.Decode(d[:], b[:min(len(b), 64)]); err != nil || n != 32 || len(b) != 64 {
		return &valueError{"a SHA-256 has 64 hexadecimal digits"}
	}
	return nil
}

func (s *Server) activate(c *gin.Context) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	var b activationBody
	defer func() { clear(b.Passphrase) }()
	if err := s.jsonBody(c, &b); err != nil {
		return err
	}
	req := gateway.ActivationRequest{
		Signer: b.Signer, Passphrase: b.Passphrase, Level: b.Level.or(gateway.LevelLTA),
		Lifetime: time.Duration(min(b.Seconds, 1<<30)) * time.Second,
	}
	if req.Appearance, err = s.signRequest(c, &signBody{Signer: b.Signer, appearanceBody: b.appearanceBody}); err != nil {
		return err
	}
	for _, d := range b.Documents {
		req.Documents = append(req.Documents, d)
	}
	a, err := inTurn(c.Request.Context(), s.signing, caller.Application.ID, func() (*gateway.Activated, error) {
		return s.cfg.Gateway.Activate(c.Request.Context(), caller, req)
	})
	if err != nil {
		return err
	}
	c.Header(headerOperation, a.Operation)
	c.JSON(http.StatusCreated, map[string]any{
		"id": a.ID, "token": a.Token, "expires": a.ExpiresAt, "operation": a.Operation, "receipt": a.Receipt,
	})
	return nil
}

func (s *Server) deactivate(c *gin.Context) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	var b struct {
		Token string `json:"token"`
	}
	if err := s.jsonBody(c, &b); err != nil {
		return err
	}
	if err := s.cfg.Gateway.Deactivate(c.Request.Context(), caller, b.Token); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}
