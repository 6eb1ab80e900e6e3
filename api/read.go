package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
)

// Bundler makes the evidence bundle of an operation that the caller may see.
type Bundler interface {
	Bundle(ctx context.Context, w io.Writer, o *gateway.OnRecord) error
}

// verifyBody is the part "request" of /v1/verify.
type verifyBody struct {
	Password secret `json:"password"`
}

// verify judges a document for anybody. Credentials that are shown must hold.
func (s *Server) verify(c *gin.Context) error {
	p := proof(c)
	caller := gateway.Caller{Address: p.Address}
	if anonymous(p) {
		if err := s.admit(p.Address); err != nil {
			return err
		}
	} else {
		var err error
		if caller, err = s.authenticate(c.Request.Context(), p); err != nil {
			return err
		}
	}
	var request verifyBody
	defer func() { clear(request.Password) }()
	b, err := s.one(c, reading(caller), &request)
	if err != nil {
		return err
	}
	defer b.Close()
	j, err := inTurn(c.Request.Context(), s.judging, caller.Application.ID, func() (j judged, err error) {
		in := b.upload(0)
		j.Report, err = s.cfg.Gateway.Verify(c.Request.Context(), caller, in, gateway.VerifyRequest{Name: b.names[0], Password: request.Password})
		if err == nil {
			j.retired, err = s.cfg.Gateway.Retired(c.Request.Context(), in, j.Report, request.Password)
		}
		return j, err
	})
	if err != nil {
		return err
	}
	b.Close() // whoever reads the report slowly holds no room
	return s.writeReport(c, j.Report, s.registrations(j.retired))
}

// judged is a verdict with the documents that the file is and that were replaced
// or withdrawn.
type judged struct {
	*verifier.Report
	retired []gateway.Retired
}

// registrations are documents as reports speak of them.
func (s *Server) registrations(retired []gateway.Retired) (all []report.Registration) {
	for _, d := range retired {
		all = append(all, report.Registration{ID: d.ID, Status: string(d.Status), Since: d.Since, Address: s.cfg.PublicURL + "/d/" + d.ID})
	}
	return all
}

// operationBody is an operation in JSON.
type operationBody struct {
	ID           string     `json:"id"`
	Kind         string     `json:"kind"`
	Status       string     `json:"status"`
	Code         string     `json:"code,omitempty"`
	Application  string     `json:"application,omitempty"`
	User         string     `json:"user,omitempty"`
	Signer       string     `json:"signer,omitempty"`
	Certificate  string     `json:"certificate,omitempty"`
	Level        string     `json:"level,omitempty"`
	Document     string     `json:"document,omitempty"`
	Batch        string     `json:"batch,omitempty"`
	StartedAt    time.Time  `json:"startedAt"`
	FinishedAt   *time.Time `json:"finishedAt,omitempty"`
	InputSHA256  string     `json:"inputSHA256,omitempty"`
	OutputSHA256 string     `json:"outputSHA256,omitempty"`
}

func operationJSON(o gateway.Operation) operationBody {
	return operationBody{
		ID: o.ID, Kind: o.Kind, Status: string(o.Status), Code: o.Code, Application: o.Application, User: o.User,
		Signer: o.Signer, Certificate: hexOrNone(o.Certificate), Level: o.Level, Document: o.Document, Batch: o.Batch,
		StartedAt: o.StartedAt, FinishedAt: timeOrNone(o.FinishedAt),
		InputSHA256: hexOrNone(o.InputSHA256), OutputSHA256: hexOrNone(o.OutputSHA256),
	}
}

func hexOrNone(d [32]byte) string {
	if d == ([32]byte{}) {
		return ""
	}
	return hex.EncodeToString(d[:])
}

func timeOrNone(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// operations searches: by digest, kind, status, application, signer,
// certificate, document, batch, from, to.
func (s *Server) operations(c *gin.Context) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	var (
		q       = query{c: c, known: []string{"digest", "kind", "status", "application", "signer", "certificate", "document", "batch", "from", "to", "after", "limit"}}
		request = gateway.OperationQuery{
			Digest: q.digest("digest"), Kind: q.text("kind"), Status: gateway.OperationStatus(q.text("status")),
			Application: q.text("application"), Signer: q.text("signer"), Certificate: q.digest("certificate"),
			Document: q.text("document"), Batch: q.text("batch"), From: q.time("from"), To: q.time("to"), Page: q.page(),
		}
	)
	if err := q.done(); err != nil {
		return err
	}
	found, err := s.cfg.Gateway.Operations(c.Request.Context(), caller, request)
	if err != nil {
		return err
	}
	list := make([]operationBody, 0, len(found))
	for _, o := range found {
		list = append(list, operationJSON(o))
	}
	c.JSON(http.StatusOK, map[string]any{"operations": list})
	return nil
}

// entryBody is one entry of the log that belongs to an operation.
type entryBody struct {
	Phase  string          `json:"phase"`
	Time   time.Time       `json:"time"`
	Record json.RawMessage `json:"record"`
	Salt   string          `json:"salt"`
	Leaf   string          `json:"leaf"`
	Index  int64           `json:"index"` // -1: not in the tree yet
}

func (s *Server) operation(c *gin.Context) error {
	o, err := s.onRecord(c)
	if err != nil {
		return err
	}
	entries := make([]entryBody, 0, len(o.Entries))
	for _, e := range o.Entries {
		entries = append(entries, entryBody{
			Phase: string(e.Phase), Time: e.Time, Record: e.Record,
			Salt: hex.EncodeToString(e.Salt[:]), Leaf: hex.EncodeToString(e.Leaf[:]), Index: e.Index,
		})
	}
	c.JSON(http.StatusOK, struct {
		operationBody
		Entries []entryBody `json:"entries"`
	}{operationJSON(o.Operation), entries})
	return nil
}

// onRecord finds the operation that the address names.
func (s *Server) onRecord(c *gin.Context) (*gateway.OnRecord, error) {
	caller, err := s.caller(c)
	if err != nil {
		return nil, err
	}
	return s.cfg.Gateway.Operation(c.Request.Context(), caller, c.Param("id"))
}

// evidence sends the bundle with which anybody can settle what happened.
func (s *Server) evidence(c *gin.Context) error {
	o, err := s.onRecord(c)
	if err != nil {
		return err
	}
	if s.cfg.Bundle == nil {
		return &gateway.Error{Code: gateway.CodeNotFound, Text: "This gateway makes no bundles."}
	}
	spooled, err := inTurn(c.Request.Context(), s.reading, o.Application, func() (*upload, error) {
		return s.spoolBundle(c.Request.Context(), holder{name: o.Application}, o)
	})
	if err != nil {
		return err
	}
	defer spooled.Close()
	deliver(c.Writer, spooled.Size)
	c.Header("Content-Disposition", `attachment; filename="`+o.ID+`.zip"`)
	c.DataFromReader(http.StatusOK, spooled.Size, "application/zip", io.NewSectionReader(spooled, 0, spooled.Size), nil)
	return nil
}

// spoolBundle makes the bundle before the answer begins, so that a failure is
// a problem and not half a file.
func (s *Server) spoolBundle(ctx context.Context, who holder, o *gateway.OnRecord) (*upload, error) {
	r, w := io.Pipe()
	made := make(chan error, 1)
	go func() {
		err := s.cfg.Bundle.Bundle(ctx, w, o)
		w.CloseWithError(err)
		made <- err
	}()
	u, err := s.spool.receive(who, r)
	r.CloseWithError(err)
	if failed := <-made; failed != nil {
		if err == nil {
			u.Close()
		}
		return nil, failed
	}
	return u, err
}

// documentBody registers a letter.
type documentBody struct {
	Nomor        string `json:"nomor"`
	Perihal      string `json:"perihal"`
	Tanggal      string `json:"tanggal"`
	Pages        int    `json:"pages"`
	Confidential bool   `json:"confidential"`
}

func (s *Server) registerDocument(c *gin.Context) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	var b documentBody
	if err := s.jsonBody(c, &b); err != nil {
		return err
	}
	d, err := s.cfg.Gateway.RegisterDocument(c.Request.Context(), caller, gateway.DocumentRequest(b))
	if err != nil {
		return err
	}
	c.Header("Location", "/v1/documents/"+d.PublicID)
	c.JSON(http.StatusCreated, s.documentJSON(d))
	return nil
}

func (s *Server) document(c *gin.Context) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	d, err := s.cfg.Gateway.Document(c.Request.Context(), caller, c.Param("id"))
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, s.documentJSON(d))
	return nil
}

func (s *Server) changeDocument(c *gin.Context) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	var b struct {
		Status     string `json:"status"`
		ReplacedBy string `json:"replacedBy"`
		Reason     string `json:"reason"`
	}
	if err := s.jsonBody(c, &b); err != nil {
		return err
	}
	d, err := s.cfg.Gateway.SetDocumentStatus(c.Request.Context(), caller, c.Param("id"), gateway.DocumentMark{
		Status: gateway.DocumentStatus(b.Status), ReplacedBy: b.ReplacedBy, Reason: b.Reason,
	})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, s.documentJSON(d))
	return nil
}

func (s *Server) documentJSON(d *gateway.Document) map[string]any {
	versions := make([]map[string]any, 0, len(d.Versions))
	for _, v := range d.Versions {
		versions = append(versions, map[string]any{
			"sha256": hex.EncodeToString(v.SHA256[:]), "size": v.Size, "operation": v.Operation, "at": v.CreatedAt,
		})
	}
	return map[string]any{
		"id": d.PublicID, "url": s.cfg.PublicURL + "/d/" + d.PublicID, "nomor": d.Nomor, "perihal": d.Perihal, "tanggal": d.Tanggal,
		"pages": d.Pages, "confidential": d.Confidential, "status": d.Status, "replacedBy": d.ReplacedBy, "reason": d.Reason,
		"createdAt": d.CreatedAt, "changedAt": d.ChangedAt, "versions": versions,
	}
}

func (s *Server) renewals(c *gin.Context) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	q := query{c: c, known: []string{"before", "after", "limit"}}
	before, p := q.time("before"), q.page()
	if err := q.done(); err != nil {
		return err
	}
	if before.IsZero() {
		before = time.Now()
	}
	due, err := s.cfg.Gateway.Renewals(c.Request.Context(), caller, before, p)
	if err != nil {
		return err
	}
	list := make([]map[string]any, 0, len(due))
	for _, r := range due {
		list = append(list, map[string]any{
			"operation": r.Operation, "document": r.Document, "sha256": hex.EncodeToString(r.SHA256[:]), "due": r.Due,
		})
	}
	c.JSON(http.StatusOK, map[string]any{"renewals": list})
	return nil
}

func (s *Server) signers(c *gin.Context) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	q := query{c: c, known: []string{"after", "limit"}}
	p := q.page()
	if err := q.done(); err != nil {
		return err
	}
	found, err := s.cfg.Gateway.Signers(c.Request.Context(), caller, p)
	if err != nil {
		return err
	}
	list := make([]map[string]any, 0, len(found))
	for _, x := range found {
		list = append(list, map[string]any{"id": x.ID, "kind": x.Kind, "name": x.Name, "office": x.Office, "status": x.Status})
	}
	c.JSON(http.StatusOK, map[string]any{"signers": list})
	return nil
}

func (s *Server) certificateStatus(c *gin.Context) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	var id digest
	if err := id.UnmarshalText([]byte(c.Param("id"))); err != nil {
		return &gateway.Error{Code: gateway.CodeNotFound, Text: "There is no such certificate."}
	}
	st, err := s.cfg.Gateway.CertificateStatus(c.Request.Context(), caller, id)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, map[string]any{
		"certificate": hex.EncodeToString(id[:]), "subject": st.Certificate.Subject.String(), "issuer": st.Certificate.Issuer.String(),
		"serialNumber": st.Certificate.SerialNumber.Text(16), "notBefore": st.Certificate.NotBefore, "notAfter": st.Certificate.NotAfter,
		"state": st.State, "why": st.Why, "revokedAt": timeOrNone(st.RevokedAt), "revokedLocallyAt": timeOrNone(st.RevokedLocallyAt), "at": st.At,
	})
	return nil
}

// healthz says that the process answers.
func (s *Server) healthz(c *gin.Context) error {
	c.JSON(http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

// readyz says whether it can work, and which parts do. Why one does not stands in
// the log: whoever asks here is not known.
func (s *Server) readyz(c *gin.Context) error {
	status, word, parts := http.StatusOK, "ready", map[string]string{}
	if s.cfg.Ready != nil {
		for _, part := range s.cfg.Ready(c.Request.Context()) {
			parts[part.Name] = "ok"
			if part.Err == nil {
				continue
			}
			s.cfg.Logger.WarnContext(c.Request.Context(), "component fails", "component", part.Name, "error", part.Err)
			if parts[part.Name] = "failing"; !part.Advisory {
				status, word = http.StatusServiceUnavailable, "not ready"
			}
		}
	}
	if status != http.StatusOK {
		c.Header("Retry-After", "5")
	}
	c.JSON(status, map[string]any{"status": word, "components": parts})
	return nil
}

// query reads the parameters of an address, and remembers the first fault.
type query struct {
	c     *gin.Context
	known []string
	err   error
}

func (q *query) text(name string) string { return q.c.Query(name) }

func (q *query) digest(name string) (d digest) {
	if text := q.c.Query(name); text != "" {
		if d.UnmarshalText([]byte(text)) != nil {
			q.fail(name + " must have 64 hexadecimal digits.")
		}
	}
	return d
}

func (q *query) time(name string) (t time.Time) {
	if text := q.c.Query(name); text != "" {
		var err error
		if t, err = time.Parse(time.RFC3339, text); err != nil {
			q.fail(name + " must be a time such as 2026-01-31T08:00:00Z.")
		}
	}
	return t
}

func (q *query) page() gateway.Page {
	p := gateway.Page{After: q.c.Query("after"), Limit: 100}
	if text := q.c.Query("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			q.fail("limit must be between 1 and 1000.")
		}
		p.Limit = n
	}
	return p
}

func (q *query) fail(text string) {
	if q.err == nil {
		q.err = invalid(text, nil)
	}
}

// done returns the first fault; a parameter that is not known is one, because
// a misspelt one would widen the search.
func (q *query) done() error {
	for name := range q.c.Request.URL.Query() {
		if !slices.Contains(q.known, name) {
			q.fail("There is no such parameter.")
		}
	}
	return q.err
}
