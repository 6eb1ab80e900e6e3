package gateway

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/verifier"
)

// Found lists operations, with the names of those who took part in them.
type Found struct {
	Operations []Operation
	// Names are those of signers, applications and members of staff, by
	// identifier.
	Names map[string]string
}

// Asker is the name of the one who asked for an operation: the application, or
// the person; what the row says when neither has a name.
func (f *Found) Asker(o Operation) string {
	for _, id := range []string{o.Application, staffOf(o.User)} {
		if name := f.Names[id]; name != "" {
			return name
		}
	}
	if o.Application != "" {
		return o.Application
	}
	return o.User
}

// staffOf is the identifier of the member of staff who is a record's user, ""
// for none.
func staffOf(user string) string {
	id, ok := strings.CutPrefix(user, staffPrefix)
	if !ok {
		return ""
	}
	return id
}

// readers are the roles that read what is on record.
var readers = []Role{RoleInvestigator, RoleSupervisor, RoleAuditor}

// recordRead allows a member of staff to read, and records it, what it is about as
// Gateway.asked has it.
func (g *Gateway) recordRead(ctx context.Context, c Caller, act string, detail map[string]string) error {
	if err := g.allow(ctx, c, act, readers...); err != nil {
		return err
	}
	detail, err := g.asked(ctx, c, detail)
	if err != nil {
		return err
	}
	return g.record(ctx, c, evidence.Record{Kind: act, Result: evidence.Result{Status: evidence.StatusOK}, Detail: detail})
}

// find reads operations and names.
func find(ctx context.Context, r Reader, q OperationQuery) (*Found, error) {
	f := &Found{Names: map[string]string{}}
	var err error
	if f.Operations, err = r.Operations(ctx, q); err != nil {
		return nil, err
	}
	for _, o := range f.Operations {
		if err := f.name(ctx, r, o); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// name looks up who took part in an operation.
func (f *Found) name(ctx context.Context, r Reader, o Operation) error {
	for _, who := range []struct {
		id   string
		name func(id string) (string, error)
	}{
		{o.Signer, func(id string) (string, error) { s, err := r.Signer(ctx, id); return s.Name, err }},
		{o.Application, func(id string) (string, error) { a, err := r.Application(ctx, id); return a.Name, err }},
		{staffOf(o.User), func(id string) (string, error) { s, err := r.Staff(ctx, id); return s.Name, err }},
	} {
		if _, known := f.Names[who.id]; known || who.id == "" {
			continue
		}
		name, err := who.name(who.id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		f.Names[who.id] = name
	}
	return nil
}

// OperationFile is one operation with all that is known of it.
type OperationFile struct {
	Found // the operation alone
	// Records are what it left in the log, in its order.
	Records []RecordFile
}

// RecordFile is a record with its place in the log.
type RecordFile struct {
	Record evidence.Record
	Entry  evidence.Entry
	// Signed and Stamped are the first checkpoints that cover it, without and
	// with a timestamp; the Note of one that does not exist is nil.
	Signed, Stamped evidence.Checkpoint
	// Doubt is why the log does not stand for the record as it is in the database,
	// or for its place; nil: it does. What it says is then nobody's word.
	Doubt error
}

// ReadOperation returns an operation for a member of staff. Once it has ended it is
// what the record says that ended it, whatever stands in its row.
func (g *Gateway) ReadOperation(ctx context.Context, c Caller, id string) (*OperationFile, error) {
	o, err := g.Operation(ctx, c, id)
	if err != nil {
		return nil, err
	}
	f := &OperationFile{Found: Found{Operations: []Operation{o.Operation}, Names: map[string]string{}}}
	_, misplaced := g.cfg.Notary.Prove(ctx, id)
	if misplaced != nil && !errors.Is(misplaced, evidence.ErrTampered) {
		misplaced = nil // it waits for its place, or nobody can tell
	}
	for _, e := range o.Entries {
		r := RecordFile{Entry: e, Doubt: cmp.Or(g.cfg.Notary.Vouched(e), misplaced)}
		if r.Doubt != nil {
			g.cfg.Log.ErrorContext(ctx, "ALARM: a record that the log does not stand for", "operation", id, "error", r.Doubt)
		}
		if r.Record, err = evidence.ParseRecord(e.Record); err != nil && r.Doubt == nil {
			return nil, &Error{Code: CodeInternal, Text: "A record cannot be read.", Operation: id, Err: err}
		}
		if r.Signed, r.Stamped, err = g.cfg.Notary.Covering(ctx, e.Index); err != nil {
			return nil, fromStore(err)
		}
		f.Records = append(f.Records, r)
	}
	f.asRecorded()
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) error {
		if err := f.name(ctx, r, f.Operations[0]); err != nil {
			return err
		}
		return f.nameSigner(ctx, &matcher{g: g, r: r})
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// asRecorded makes the operation what its last record says, when that has ended it
// and the log stands for it.
func (f *OperationFile) asRecorded() {
	n := len(f.Records)
	if n == 0 || f.Records[n-1].Doubt != nil || f.Records[n-1].Record.Phase == evidence.PhaseIntent {
		return
	}
	was, r := f.Operations[0], f.Records[n-1].Record
	o := operationRow(r, Caller{Application: Application{ID: r.Actor.Application}})
	o.Status, o.FinishedAt, o.Batch, o.Activation = OperationStatus(r.Result.Status), r.Time, was.Batch, was.Activation
	if first := f.Records[0]; first.Doubt == nil {
		o.StartedAt = first.Record.Time
	}
	f.Operations[0] = o
}

// nameSigner calls the signer as the certificate or the enrolment on record does,
// where one of them is.
func (f *OperationFile) nameSigner(ctx context.Context, m *matcher) error {
	o := f.Operations[0]
	if o.Signer == "" {
		return nil
	}
	who := evidence.Signer{ID: o.Signer}
	if o.Certificate != ([32]byte{}) {
		who.CertificateSHA256 = hex.EncodeToString(o.Certificate[:])
	}
	name, err := m.signerName(ctx, who)
	if name != "" {
		f.Names[o.Signer] = name
	}
	return err
}

// EvidenceOf returns an operation whose evidence bundle a member of staff
// takes along.
func (g *Gateway) EvidenceOf(ctx context.Context, c Caller, id string) (*OnRecord, error) {
	if err := g.allow(ctx, c, "operation.evidence", readers...); err != nil {
		return nil, err
	}
	return g.operation(ctx, c, "operation.evidence", id)
}

// DocumentFile is a registered document with its operations, newest first.
type DocumentFile struct {
	Document Document
	Found
}

// ReadDocument returns a registered document for a member of staff, as it is on
// record. The page is that of the operations.
func (g *Gateway) ReadDocument(ctx context.Context, c Caller, id string, p Page) (*DocumentFile, error) {
	if err := g.recordRead(ctx, c, "document.read", map[string]string{"of-document": id}); err != nil {
		return nil, err
	}
	var d DocumentFile
	err := g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		if d.Document, err = r.Document(ctx, id); err != nil {
			return err
		}
		if err = g.vouch(ctx, r, &d.Document); err != nil {
			return err
		}
		f, err := find(ctx, r, OperationQuery{Document: id, Sight: c.sight(), Page: p})
		if err == nil {
			d.Found = *f
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// SignerFile is a signer with keys, certificates and operations, newest first.
type SignerFile struct {
	Signer Signer // without the NIK
	Keys   []Key  // without what is sealed
	Found
}

// ReadSigner returns a signer for a member of staff. The page is that of the
// operations.
func (g *Gateway) ReadSigner(ctx context.Context, c Caller, id string, p Page) (*SignerFile, error) {
	if err := g.recordRead(ctx, c, "signer.read", map[string]string{"of-signer": id}); err != nil {
		return nil, err
	}
	var s SignerFile
	err := g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		if s.Signer, err = r.Signer(ctx, id); err != nil {
			return err
		}
		if s.Keys, err = r.Keys(ctx, id); err != nil {
			return err
		}
		f, err := find(ctx, r, OperationQuery{Signer: id, Sight: c.sight(), Page: p})
		if err == nil {
			s.Found = *f
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.Signer.NIKHash, s.Signer.NIKSealed = nil, nil
	for i := range s.Keys {
		s.Keys[i].Sealed = nil
	}
	return &s, nil
}

// CertificateFile is a certificate of a signer with its operations, newest
// first.
type CertificateFile struct {
	Certificate Certificate
	Parsed      *x509.Certificate // nil when it cannot be read, or is another one
	Signer      Signer            // whose it is; zero when no operation tells
	Found
}

// ReadCertificate returns a certificate for a member of staff. The page is that
// of the operations.
func (g *Gateway) ReadCertificate(ctx context.Context, c Caller, sum [32]byte, p Page) (*CertificateFile, error) {
	if err := g.recordRead(ctx, c, "certificate.read", map[string]string{"of-certificate": hex.EncodeToString(sum[:])}); err != nil {
		return nil, err
	}
	var x CertificateFile
	err := g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		if x.Certificate, err = r.Certificate(ctx, sum); err != nil {
			return err
		}
		f, err := find(ctx, r, OperationQuery{Certificate: sum, Sight: c.sight(), Page: p})
		if err != nil {
			return err
		}
		x.Found = *f
		if len(f.Operations) > 0 {
			x.Signer, err = r.Signer(ctx, f.Operations[0].Signer)
		}
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	x.Signer.NIKHash, x.Signer.NIKSealed = nil, nil
	if x.Parsed, _, err = g.parsed.named(x.Certificate); err != nil {
		g.cfg.Log.ErrorContext(ctx, "ALARM: a certificate cannot be read, or is not what its digest says", "certificate", hex.EncodeToString(sum[:]), "error", err)
	}
	return &x, nil
}

// FileFound is what is on record of a file and of the signed states in it.
type FileFound struct {
	// States are the file as a whole and then the states that its signatures
	// are over, latest first: who signed a letter here and had it signed
	// elsewhere since is found by its earlier state.
	States []StateFound
}

// StateFound is what is on record of one state of a file.
type StateFound struct {
	Size   int64 // bytes from the beginning
	SHA256 [32]byte
	Found
	Documents []Document // of which it is a version
}

// Caps on what a search by file looks at.
const (
	maxStates    = 20
	maxStateActs = 50
)

// SearchFile finds what is on record of a file whose verdict is r. That it was
// asked is on record.
func (g *Gateway) SearchFile(ctx context.Context, c Caller, in Upload, r *verifier.Report) (*FileFound, error) {
	detail := map[string]string{"of-digest": hex.EncodeToString(in.SHA256[:])}
	if err := g.recordRead(ctx, c, "operations.search", detail); err != nil {
		return nil, err
	}
	states, err := statesOf(in, r)
	if err != nil {
		return nil, fromSigner(err)
	}
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) error {
		for i := range states {
			s := &states[i]
			f, err := find(ctx, r, OperationQuery{Digest: s.SHA256, Sight: c.sight(), Page: Page{Limit: maxStateActs}})
			if err != nil {
				return err
			}
			s.Found = *f
			if s.Documents, err = g.documentsOf(ctx, r, s.SHA256); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &FileFound{States: states}, nil
}

// documentsOf are the registered documents that have a file among their versions, as
// they are on record.
func (g *Gateway) documentsOf(ctx context.Context, r Reader, sum [32]byte) (all []Document, err error) {
	found, err := r.DocumentsBySHA256(ctx, sum)
	for _, d := range found {
		err := g.vouch(ctx, r, &d)
		if err == nil && slices.ContainsFunc(d.Versions, func(v DocumentVersion) bool { return v.SHA256 == sum }) {
			all = append(all, d)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
	}
	return all, err
}

// statesOf hashes the beginnings of a file that its signatures are over, in one
// reading.
func statesOf(in Upload, r *verifier.Report) ([]StateFound, error) {
	states := []StateFound{{Size: in.Size, SHA256: in.SHA256}}
	var ends []int64
	for _, s := range r.Signatures {
		if s.End > 0 && s.End < in.Size {
			ends = append(ends, s.End)
		}
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	ends = ends[max(0, len(ends)-maxStates):]
	h, at := sha256.New(), int64(0)
	for _, end := range ends {
		if _, err := io.Copy(h, io.NewSectionReader(in, at, end-at)); err != nil {
			return nil, err
		}
		at = end
		states = append(states, StateFound{Size: end, SHA256: [32]byte(h.Sum(nil))})
	}
	slices.Reverse(states[1:])
	return states, nil
}
