package gateway

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/absah-id/absah/evidence"
)

// DocumentRequest registers a letter before it is signed, so that its public
// id can be drawn into it as a QR code.
type DocumentRequest struct {
	Nomor        string
	Perihal      string
	Tanggal      string // YYYY-MM-DD, as on the letter
	Pages        int
	Confidential bool // the public page shows neither content nor perihal
}

// maxDocumentText is how many characters a nomor, a perihal or a reason has: what
// a record takes whole, so that rows can be compared with it.
const maxDocumentText = 300

func (r *DocumentRequest) check() error {
	_, dateErr := time.Parse(time.DateOnly, r.Tanggal)
	switch {
	case strings.TrimSpace(r.Nomor) == "" || utf8.RuneCountInString(r.Nomor) > maxDocumentText:
		return errorf(CodeInvalid, "nomor must have 1 to %d characters.", maxDocumentText)
	case utf8.RuneCountInString(r.Perihal) > maxDocumentText:
		return errorf(CodeInvalid, "perihal must have at most %d characters.", maxDocumentText)
	case dateErr != nil:
		return errorf(CodeInvalid, "tanggal must be a date such as 2026-01-31.")
	case r.Pages < 1 || r.Pages > 10_000:
		return errorf(CodeInvalid, "pages must be between 1 and 10000.")
	}
	return nil
}

// newPublicID returns 128 random bits in letters that nobody misreads.
func newPublicID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return strings.ToLower(base32.NewEncoding("ABCDEFGHJKMNPQRSTVWXYZ0123456789").WithPadding(base32.NoPadding).EncodeToString(b))
}

// RegisterDocument reserves a public id.
func (g *Gateway) RegisterDocument(ctx context.Context, c Caller, req DocumentRequest) (*Document, error) {
	if err := g.allow(ctx, c, "document.register", RoleApplication); err != nil {
		return nil, err
	}
	if err := req.check(); err != nil {
		return nil, err
	}
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	d := Document{
		PublicID: newPublicID(), Organisation: c.Application.Organisation, Application: c.Application.ID,
		Nomor: req.Nomor, Perihal: req.Perihal, Tanggal: req.Tanggal, Pages: req.Pages, Confidential: req.Confidential,
		Status: DocumentReserved, CreatedAt: at, ChangedAt: at,
	}
	err = g.recordAt(ctx, c, newID(), at, evidence.Record{
		Kind: "document.register", Subject: evidence.Subject{Document: d.PublicID}, Result: evidence.Result{Status: evidence.StatusOK},
		Detail: map[string]string{
			"nomor": d.Nomor, "tanggal": d.Tanggal, "pages": strconv.Itoa(d.Pages), "confidential": strconv.FormatBool(d.Confidential),
			"perihal-sha256": hexDigest([]byte(d.Perihal)),
		},
	}, func(tx Tx) error { return tx.ReserveDocument(ctx, d) })
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// DocumentMark is what has become of a registered document.
type DocumentMark struct {
	Status     DocumentStatus // valid, replaced or withdrawn
	ReplacedBy string         // public id; with DocumentReplaced alone
	Reason     string         // for whoever looks the document up
}

// check refuses what says nothing about the document id.
func (m DocumentMark) check(id string) error {
	switch {
	case !slices.Contains([]DocumentStatus{DocumentValid, DocumentReplaced, DocumentWithdrawn}, m.Status):
		return errorf(CodeInvalid, "status must be valid, replaced or withdrawn.")
	case (m.Status == DocumentReplaced) != (m.ReplacedBy != ""):
		return errorf(CodeInvalid, "replacedBy goes with the status replaced.")
	case m.ReplacedBy == id && id != "":
		return errorf(CodeInvalid, "A document cannot replace itself.")
	case strings.TrimSpace(m.Reason) == "" || utf8.RuneCountInString(m.Reason) > maxDocumentText:
		return errorf(CodeInvalid, "reason must have 1 to %d characters.", maxDocumentText)
	}
	return nil
}

// SetDocumentStatus says that a registered document was replaced or withdrawn,
// or is valid after all. That is for the application that has registered it, and
// for those whose policy says so: every id stands on paper as a QR code, and one
// stolen key must not withdraw the letters of the whole office.
func (g *Gateway) SetDocumentStatus(ctx context.Context, c Caller, id string, m DocumentMark) (*Document, error) {
	if err := g.allow(ctx, c, "document.status", RoleApplication); err != nil {
		return nil, err
	}
	if err := m.check(id); err != nil {
		return nil, err
	}
	d, err := g.Document(ctx, c, id)
	if err != nil {
		return nil, err
	}
	if d.Application != c.Application.ID && !c.Application.Policy.AllDocuments {
		g.recordDenied(ctx, c, "document.status", "policy: another application's document "+d.PublicID)
		return nil, errorf(CodeForbidden, "Another application has registered the document; the policy does not allow to mark it.")
	}
	if d.Status == DocumentReserved {
		return nil, errorf(CodeChanged, "The document has not been signed yet.")
	}
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	from := d.Status
	d.Status, d.ReplacedBy, d.Reason, d.ChangedAt = m.Status, m.ReplacedBy, m.Reason, at
	err = g.recordAt(ctx, c, newID(), at, evidence.Record{
		Kind: "document.status", Subject: evidence.Subject{Document: id}, Result: evidence.Result{Status: evidence.StatusOK},
		Detail: map[string]string{"from": string(from), "to": string(m.Status), "replaced-by": m.ReplacedBy, "reason": m.Reason},
	}, func(tx Tx) error { return tx.SetDocumentStatus(ctx, *d, from) })
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Document returns a registered document of the caller's organisation.
func (g *Gateway) Document(ctx context.Context, c Caller, id string) (*Document, error) {
	if err := g.allow(ctx, c, "document.read", RoleApplication, RoleInvestigator, RoleAuditor); err != nil {
		return nil, err
	}
	return g.document(ctx, Scope(c.Application.Organisation), id)
}

func (g *Gateway) document(ctx context.Context, scope Scope, id string) (*Document, error) {
	var d Document
	err := g.view(ctx, scope, func(r Reader) (err error) {
		d, err = r.Document(ctx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// checkDocument forbids to sign anything but the latest state of a registered
// document, and to sign it twice at once: one of the two would be lost. The first
// state must have the pages that readers of the paper are told of. Without an id
// there is nothing to check.
func checkDocument(ctx context.Context, tx Tx, id string, input [32]byte, pages int) error {
	if id == "" {
		return nil
	}
	d, err := tx.Document(ctx, id)
	if err != nil {
		return err
	}
	// On PostgreSQL writing the row, though as it is, makes whoever else begins
	// with this document wait until this transaction has ended.
	if err := tx.SetDocumentStatus(ctx, d, d.Status); err != nil {
		return err
	}
	pending, err := tx.Operations(ctx, OperationQuery{Document: id, Status: OperationPending, Page: Page{Limit: 1}})
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		return &Error{Code: CodeInProgress, Text: "The registered document is being signed.", Retry: time.Second, Operation: pending[0].ID}
	}
	// Read again, since an operation may have ended after the first reading; no
	// other can begin now.
	if d, err = tx.Document(ctx, id); err != nil {
		return err
	}
	if d.Status != DocumentReserved && d.Status != DocumentValid {
		return errorf(CodeChanged, "The registered document is %s.", d.Status)
	}
	switch n := len(d.Versions); {
	case n > 0 && d.Versions[n-1].SHA256 != input:
		return errorf(CodeChanged, "The registered document has been signed since; sign its latest version.")
	case n == 0 && d.Pages != pages:
		text := fmt.Sprintf("The document is registered with %d page(s), and has %d.", d.Pages, pages)
		return &Error{Code: CodeDocumentRefused, Text: text, Findings: []Finding{{Code: "pages-differ", Text: text}}}
	}
	return nil
}

// Renewals lists what must be renewed before a moment.
func (g *Gateway) Renewals(ctx context.Context, c Caller, before time.Time, p Page) (due []Renewal, err error) {
	if err := g.allow(ctx, c, "renewals", RoleApplication, RoleAuditor); err != nil {
		return nil, err
	}
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		due, err = r.Renewals(ctx, before, p)
		return err
	})
	return due, err
}
