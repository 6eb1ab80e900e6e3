package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/verifier"
)

// Limits of what is looked for on record. What is beyond them is said not to
// have been looked for.
const (
	maxParts      = 1000 // beginnings of a file
	maxTraces     = 40   // operations that findings speak of
	maxRefusals   = 20   // thousands of refusals that are counted
	failureWindow = 24 * time.Hour
)

// soughtFile is a disputed file with what it is looked for by.
type soughtFile struct {
	data      []byte
	sum       [32]byte
	report    *verifier.Report
	parts     [][32]byte // digests of its beginnings, where revisions end
	partsLeft bool
	// made are the report's signatures; nil when they could not be told apart.
	made []madeSignature
}

// madeSignature is a signature in the file.
type madeSignature struct {
	cms    [32]byte        // digest of the CMS; zero when it cannot be read
	signer *cms.SignerInfo // nil unless it is the only one
	covers covers
}

// covers says whether the bytes that a signature covers are those that it was
// made for, whatever else is wrong with it.
type covers int

const (
	coversUnknown covers = iota
	coversSame
	coversOther
)

// seek takes a file apart.
func (g *Gateway) seek(data []byte, report *verifier.Report) *soughtFile {
	f := &soughtFile{data: data, sum: sha256.Sum256(data), report: report}
	doc, err := pdf.Open(bytes.NewReader(data), int64(len(data)), pdf.Options{Limits: g.cfg.Limits})
	if err != nil {
		return f
	}
	f.cut(doc)
	judged, err := pades.Judge(doc, pades.ChangePolicy{})
	if err != nil || len(judged.Signatures) != len(report.Signatures) {
		return f
	}
	made := make([]madeSignature, len(judged.Signatures))
	for i, j := range judged.Signatures {
		if j.Signature.Field != report.Signatures[i].Field || j.Signature.Revision != report.Signatures[i].Revision {
			return f
		}
		made[i] = f.signature(j.Signature)
		// The same bytes may be covered by a signature that was moved around
		// others, which are what readers show.
		if !report.Signatures[i].Intact && made[i].covers == coversSame {
			made[i].covers = coversUnknown
		}
	}
	f.made = made
	return f
}

// signature reads a signature of the file.
func (f *soughtFile) signature(s *pades.Signature) (m madeSignature) {
	der, err := s.CMS()
	if err != nil || der == nil {
		return m
	}
	m.cms = sha256.Sum256(der)
	sd, err := cms.Parse(der)
	r := s.ByteRange
	if err != nil || len(sd.SignerInfos) != 1 {
		return m
	}
	m.signer = sd.SignerInfos[0]
	signed, err := m.signer.MessageDigest()
	if err != nil || r[2] == 0 || !m.signer.DigestAlgorithm.Available() {
		return m
	}
	h := m.signer.DigestAlgorithm.New()
	h.Write(f.data[r[0] : r[0]+r[1]])
	h.Write(f.data[r[2] : r[2]+r[3]])
	if m.covers = coversOther; bytes.Equal(h.Sum(nil), signed) {
		m.covers = coversSame
	}
	return m
}

// cut takes the digests of the file up to the end of each revision, and up to
// where that would end without its last end of line.
func (f *soughtFile) cut(doc *pdf.Document) {
	var ends []int64
	for _, r := range doc.Revisions() {
		end := r.End()
		ends = append(ends, end)
		for range 2 { // "\r\n" at most
			if end > 0 && (f.data[end-1] == '\n' || f.data[end-1] == '\r') {
				end--
				ends = append(ends, end)
			}
		}
	}
	slices.Sort(ends)
	ends = slices.DeleteFunc(slices.Compact(ends), func(e int64) bool { return e >= int64(len(f.data)) })
	f.partsLeft = len(ends) > maxParts
	h, done := sha256.New(), int64(0)
	for _, end := range ends[max(0, len(ends)-maxParts):] {
		h.Write(f.data[done:end])
		done = end
		f.parts = append(f.parts, [32]byte(h.Sum(nil)))
	}
}

// relation is how the file stands to what an operation released, whose
// signature it has.
func (f *soughtFile) relation(s evidence.Subject, c covers) dispute.Relation {
	begins := s.OutputSize > 0 && s.OutputSize <= int64(len(f.data)) && sha256.Sum256(f.data[:s.OutputSize]) == digest(s.OutputSHA256)
	switch {
	case begins && s.OutputSize == int64(len(f.data)):
		return dispute.Released
	case begins:
		return dispute.Extended
	case c == coversSame:
		return dispute.Covered
	case c == coversOther:
		return dispute.Copied
	}
	return dispute.Carried
}

// matcher looks for the operations that a file comes from. It believes records
// that the log vouches for, and rows of the database only for where these are.
type matcher struct {
	g    *Gateway
	r    Reader
	file *soughtFile // nil: there is none

	traces     []dispute.Trace
	left       bool // there are more
	origins    []dispute.Origin
	registered []dispute.Registered
	failures   []dispute.Failures
	artefacts  [][32]byte
	operations map[string]*evidence.Record // those looked at, by identifier; nil: not vouched for
	refusals   map[string]bool             // those looked at, by identifier: for a wrong passphrase
}

// describe puts what was found into an examination.
func (m *matcher) describe(x *dispute.Examination) {
	x.Traces, x.TracesLeft, x.Origins, x.Registered, x.Failures = m.traces, m.left, m.origins, m.registered, m.failures
	x.PartsLeft = m.file != nil && m.file.partsLeft
}

// run looks for the file, its revisions and its signatures, and for registered
// documents; named is the public id that somebody gave, "" for none.
func (m *matcher) run(ctx context.Context, named string) error {
	if m.file != nil {
		for _, step := range []func(context.Context) error{m.whole, m.revisions, m.signatures, m.byDigest} {
			if err := step(ctx); err != nil {
				return err
			}
		}
	}
	if err := m.document(ctx, named, true); named != "" && err != nil {
		return err
	}
	return m.guesses(ctx)
}

// whole looks for operations that released the file, or got it to be signed.
func (m *matcher) whole(ctx context.Context) error {
	if err := m.output(ctx, m.file.sum, dispute.Released); err != nil {
		return err
	}
	return m.input(ctx, m.file.sum, dispute.Before)
}

// revisions looks for operations that released what the file begins with, the
// newest first.
func (m *matcher) revisions(ctx context.Context) error {
	for _, sum := range slices.Backward(m.file.parts) {
		if err := m.output(ctx, sum, dispute.Extended); err != nil {
			return err
		}
	}
	return nil
}

// releasing are the kinds of operations whose output the gateway has made, and
// whose records name it.
var releasing = []string{"sign", "seal", "augment", "timestamp", "case.letter", "case.file", "supervision.report"}

func releases(r *evidence.Record, sum [32]byte) bool {
	return slices.Contains(releasing, r.Kind) && digest(r.Subject.OutputSHA256) == sum
}

func (m *matcher) output(ctx context.Context, sum [32]byte, relation dispute.Relation) error {
	return m.each(ctx, OperationQuery{Output: sum}, func(r *evidence.Record) (dispute.Relation, bool) { return relation, releases(r, sum) })
}

func (m *matcher) input(ctx context.Context, sum [32]byte, relation dispute.Relation) error {
	for _, kind := range []string{"sign", "seal"} {
		err := m.each(ctx, OperationQuery{Digest: sum, Kind: kind}, func(r *evidence.Record) (dispute.Relation, bool) {
			return relation, digest(r.Subject.InputSHA256) == sum
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// each traces the operations of a query that went well, as far as fits says so
// of their records.
func (m *matcher) each(ctx context.Context, q OperationQuery, fits func(*evidence.Record) (dispute.Relation, bool)) error {
	q.Status, q.Limit = OperationOK, maxTraces+1
	found, err := m.r.Operations(ctx, q)
	if err != nil {
		return err
	}
	m.left = m.left || len(found) > maxTraces
	for _, o := range found {
		if err := m.trace(ctx, o, fits); err != nil {
			return err
		}
	}
	return nil
}

// signatures looks for the operations that made the file's signatures, each by
// the digest of its CMS: that stays when the file was changed, or when the
// signature was moved into another one.
func (m *matcher) signatures(ctx context.Context) error {
	if m.file.made == nil {
		return nil
	}
	m.origins = make([]dispute.Origin, len(m.file.made))
	for i, made := range m.file.made {
		sum := made.cms
		s, from := m.file.report.Signatures[i], &m.origins[i]
		if s.Kind != verifier.KindSignature {
			continue
		}
		if sum == ([32]byte{}) {
			from.Unknown = true
			continue
		}
		err := m.each(ctx, OperationQuery{CMS: sum}, func(r *evidence.Record) (dispute.Relation, bool) {
			if !hasCMS(r, sum) {
				return "", false
			}
			from.Operation = r.Operation
			return m.file.relation(r.Subject, made.covers), true
		})
		if err != nil {
			return err
		}
		if err := m.certified(ctx, s, from); err != nil {
			return err
		}
		if from.Registered && from.Operation == "" && made.signer != nil {
			if err := m.rewritten(ctx, s, made, from); err != nil {
				return err
			}
		}
	}
	return nil
}

// rewritten looks for the operation that made a signature whose CMS was written
// anew, as by who took the timestamp out: what was signed, and its value, are the
// same. It is looked for among those that got what the file begins with.
func (m *matcher) rewritten(ctx context.Context, s *verifier.Signature, made madeSignature, from *dispute.Origin) error {
	for _, sum := range slices.Backward(m.file.parts) {
		for _, kind := range []string{"sign", "seal"} {
			found, err := m.r.Operations(ctx, OperationQuery{
				Digest: sum, Kind: kind, Certificate: sha256.Sum256(s.Certificate), Status: OperationOK, Page: Page{Limit: maxTraces},
			})
			if err != nil {
				return err
			}
			for _, o := range found {
				if same, err := m.signed(ctx, o.ID, made.signer); err != nil || !same {
					if err != nil {
						return err
					}
					continue
				}
				from.Operation = o.ID
				return m.trace(ctx, o, func(r *evidence.Record) (dispute.Relation, bool) {
					return m.file.relation(r.Subject, made.covers), true
				})
			}
		}
	}
	return nil
}

// signed says whether the signature that an operation made, as it is kept, has
// the same value over the same attributes.
func (m *matcher) signed(ctx context.Context, operation string, by *cms.SignerInfo) (bool, error) {
	c, err := m.outcome(ctx, operation)
	if err != nil || c.record == nil {
		return false, err
	}
	for _, a := range c.record.Artefacts {
		if a.Kind != evidence.ArtefactCMS {
			continue
		}
		blob, ok, err := m.r.Artefact(ctx, digest(a.SHA256))
		if err != nil {
			return false, err
		}
		sd, why := cms.Parse(blob.Data)
		if !ok || sha256.Sum256(blob.Data) != digest(a.SHA256) || why != nil || len(sd.SignerInfos) != 1 {
			continue // it was erased
		}
		kept := sd.SignerInfos[0]
		return bytes.Equal(kept.Value, by.Value) && bytes.Equal(kept.RawSignedAttributes, by.RawSignedAttributes) && len(kept.RawSignedAttributes) > 0, nil
	}
	return false, nil
}

// certified says whether a signature's certificate is one of this gateway's.
func (m *matcher) certified(ctx context.Context, s *verifier.Signature, from *dispute.Origin) error {
	if s.Certificate == nil {
		from.Unknown = from.Operation == ""
		return nil
	}
	_, err := m.r.Certificate(ctx, sha256.Sum256(s.Certificate))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	from.Registered = err == nil
	return err
}

// closed is what the log vouches for of an operation that has ended.
type closed struct {
	record *evidence.Record // that closes it
	entry  evidence.Entry   // of record
	began  time.Time
}

// outcome returns what the log vouches for of an operation; record is nil when
// that is nothing.
func (m *matcher) outcome(ctx context.Context, operation string) (c closed, err error) {
	entries, err := m.r.EntriesOf(ctx, operation)
	if err != nil {
		return c, err
	}
	for _, e := range entries {
		r, why := evidence.ParseRecord(e.Record)
		if why == nil {
			why = m.g.cfg.Notary.Vouched(e)
		}
		if why != nil {
			m.g.cfg.Log.ErrorContext(ctx, "ALARM: a record that the log does not vouch for", "operation", operation, "error", why)
			continue
		}
		if e.Phase == evidence.PhaseIntent {
			c.began = r.Time
			continue
		}
		if c.record, c.entry = &r, e; c.began.IsZero() {
			c.began = r.Time
		}
		break
	}
	return c, nil
}

// trace notes an operation with what is on record of it, once, when fits says
// how the file stands to it.
func (m *matcher) trace(ctx context.Context, o Operation, fits func(*evidence.Record) (dispute.Relation, bool)) error {
	if known, looked := m.operations[o.ID]; looked {
		if known != nil {
			fits(known)
		}
		return nil
	}
	c, err := m.outcome(ctx, o.ID)
	if err != nil {
		return err
	}
	record := c.record
	if record == nil || record.Result.Status != evidence.StatusOK {
		m.operations[o.ID] = nil
		return nil
	}
	relation, ok := fits(record)
	if !ok {
		return nil
	}
	if len(m.traces) >= maxTraces {
		m.left = true
		return nil
	}
	m.operations[o.ID] = record
	t, err := m.told(ctx, record, c.entry)
	if err != nil {
		return err
	}
	t.Relation, t.Began = relation, c.began
	for _, a := range record.Artefacts {
		m.artefacts = append(m.artefacts, digest(a.SHA256))
	}
	m.traces = append(m.traces, t)
	return nil
}

// told is a trace as its record has it, with names.
func (m *matcher) told(ctx context.Context, record *evidence.Record, entry evidence.Entry) (dispute.Trace, error) {
	t := dispute.Trace{
		Operation: record.Operation, Kind: record.Kind, Size: record.Subject.OutputSize, At: record.Time,
		Application: record.Actor.Application, Address: record.Actor.Address, User: record.Actor.User,
		Authorisation: record.Detail["authorisation"], CertificateSHA256: record.Signer.CertificateSHA256,
		InputSHA256: record.Subject.InputSHA256, OutputSHA256: record.Subject.OutputSHA256,
		Leaf: hex.EncodeToString(entry.Leaf[:]), Index: entry.Index,
	}
	for _, a := range record.Artefacts {
		t.Artefacts = append(t.Artefacts, a.SHA256)
	}
	if app, err := m.r.Application(ctx, record.Actor.Application); err == nil {
		t.Application = app.Name
	} else if !errors.Is(err, ErrNotFound) {
		return t, err
	}
	if record.Signer.ID == "" {
		return t, nil
	}
	var err error
	if t.Signer, err = m.signerName(ctx, record.Signer); err != nil {
		return t, err
	}
	t.KeyAt, err = m.born(ctx, record.Signer)
	return t, err
}

// signerName is what the certificate on record calls a signer, or else the record of
// the enrolment; "" when neither does.
func (m *matcher) signerName(ctx context.Context, s evidence.Signer) (string, error) {
	_, leaf, err := certificateOf(ctx, m.r, s)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", err
	}
	if leaf != nil && leaf.Subject.CommonName != "" {
		return leaf.Subject.CommonName, nil
	}
	who, err := m.enrolled(ctx, s.ID)
	return who.Name, err
}

// born is when a signer's key was made, by the record of that; zero when there
// is none.
func (m *matcher) born(ctx context.Context, s evidence.Signer) (time.Time, error) {
	for _, kind := range []string{"signer.enrol", "signer.renew"} {
		found, err := m.r.Operations(ctx, OperationQuery{Signer: s.ID, Kind: kind, Status: OperationOK})
		if err != nil {
			return time.Time{}, err
		}
		for _, o := range found {
			c, err := m.outcome(ctx, o.ID)
			if err != nil {
				return time.Time{}, err
			}
			if c.record != nil && c.record.Signer.Key == s.Key && s.Key != "" {
				return c.record.Time, nil
			}
		}
	}
	return time.Time{}, nil
}

// guesses counts the wrong passphrases before each signature of a person.
func (m *matcher) guesses(ctx context.Context) error {
	for _, t := range m.traces {
		record := m.operations[t.Operation]
		if t.Kind != "sign" || t.Relation == dispute.Related || record.Signer.ID == "" {
			continue
		}
		f := dispute.Failures{Operation: t.Operation, Hours: int(failureWindow / time.Hour)}
		q := OperationQuery{Signer: record.Signer.ID, Status: OperationRefused, From: t.Began.Add(-failureWindow), To: t.Began, Page: Page{Limit: 1000}}
		for n := 0; ; n++ {
			if f.Least = n == maxRefusals; f.Least {
				break
			}
			found, err := m.r.Operations(ctx, q)
			if err != nil {
				return err
			}
			for _, p := range found {
				wrong, err := m.wrong(ctx, p.ID, record.Signer.ID)
				if err != nil {
					return err
				}
				if wrong {
					f.N++
				}
			}
			if len(found) < q.Limit {
				break
			}
			q.After = found[len(found)-1].ID
		}
		m.failures = append(m.failures, f)
	}
	return nil
}

// wrong tells whether an operation was refused for a wrong passphrase of a signer, by
// its record: why is not its row's to say.
func (m *matcher) wrong(ctx context.Context, operation, signer string) (bool, error) {
	if known, looked := m.refusals[operation]; looked { // before another signature
		return known, nil
	}
	c, err := m.outcome(ctx, operation)
	if err != nil {
		return false, err
	}
	if m.refusals == nil {
		m.refusals = map[string]bool{}
	}
	r := c.record
	m.refusals[operation] = r != nil && r.Signer.ID == signer && r.Result.Status == evidence.StatusRefused && r.Result.Code == string(CodePassphrase)
	return m.refusals[operation], nil
}

// byDigest looks for registered documents that the file is a version of, or
// begins with one of.
func (m *matcher) byDigest(ctx context.Context) error {
	found, err := m.r.DocumentsBySHA256(ctx, m.file.sum)
	if err != nil {
		return err
	}
	var ids []string
	for _, d := range found {
		ids = append(ids, d.PublicID)
	}
	for _, t := range m.traces {
		if t.Relation == dispute.Released || t.Relation == dispute.Extended {
			ids = append(ids, m.operations[t.Operation].Subject.Document)
		}
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if err := m.document(ctx, id, false); id != "" && err != nil {
			return err
		}
	}
	return nil
}

// document holds the file against a registered document. One that is not the
// file's is told only when somebody named it.
func (m *matcher) document(ctx context.Context, id string, given bool) error {
	if id == "" || slices.ContainsFunc(m.registered, func(r dispute.Registered) bool { return r.ID == id }) {
		return nil
	}
	d, err := m.r.Document(ctx, id)
	if err == nil {
		err = m.g.vouch(ctx, m.r, &d)
	}
	if errors.Is(err, ErrNotFound) {
		if given {
			m.registered = append(m.registered, dispute.Registered{ID: id, Given: true})
		}
		return nil
	}
	if err != nil {
		return err
	}
	x := dispute.Registered{ID: id, Nomor: d.Nomor, Tanggal: d.Tanggal, Status: string(d.Status), Match: m.match(&d), Given: given}
	if len(d.Versions) == 0 {
		x.Status = string(DocumentReserved)
	}
	if !given && x.Match == "none" {
		return nil
	}
	m.registered = append(m.registered, x)
	// What the genuine document came from belongs to the case too: it proves
	// what the paper should have been.
	for _, v := range d.Versions {
		o, err := m.r.Operation(ctx, v.Operation)
		if err != nil {
			return err
		}
		err = m.trace(ctx, o, func(*evidence.Record) (dispute.Relation, bool) { return dispute.Related, true })
		if err != nil {
			return err
		}
	}
	return nil
}

// match is how the file stands to the versions of a document; "" without a
// file.
func (m *matcher) match(d *Document) string {
	if m.file == nil {
		return ""
	}
	last := len(d.Versions) - 1
	for i, v := range slices.Backward(d.Versions) {
		switch {
		case v.SHA256 == m.file.sum && i == last:
			return "latest"
		case v.SHA256 == m.file.sum:
			return "earlier"
		}
	}
	for i, v := range slices.Backward(d.Versions) {
		switch begins := v.Size < int64(len(m.file.data)) && sha256.Sum256(m.file.data[:v.Size]) == v.SHA256; {
		case begins && i == last:
			return "extended"
		case begins:
			return "extended-earlier"
		}
	}
	for _, t := range m.traces {
		if m.operations[t.Operation].Subject.Document != d.PublicID {
			continue
		}
		switch t.Relation {
		case dispute.Covered:
			return "covered"
		case dispute.Copied:
			return "altered"
		case dispute.Carried:
			return "carried"
		}
	}
	return "none"
}

// supplied says what is on record of a file that somebody calls the original.
// The operation belongs to the case then.
func (m *matcher) supplied(ctx context.Context, original []byte) (*dispute.Comparison, error) {
	c := &dispute.Comparison{}
	if original == nil {
		return c, nil
	}
	sum := sha256.Sum256(original)
	found := func(known string, q OperationQuery, fits func(*evidence.Record) bool) error {
		if c.Known != "" {
			return nil
		}
		return m.each(ctx, q, func(r *evidence.Record) (dispute.Relation, bool) {
			ok := fits(r)
			if ok && c.Known == "" {
				c.Known, c.Operation = known, r.Operation
			}
			return dispute.Related, ok
		})
	}
	sent := func(r *evidence.Record) bool { return digest(r.Subject.InputSHA256) == sum }
	for _, err := range []error{
		found("output", OperationQuery{Output: sum}, func(r *evidence.Record) bool { return releases(r, sum) }),
		found("input", OperationQuery{Digest: sum, Kind: "sign"}, sent),
		found("input", OperationQuery{Digest: sum, Kind: "seal"}, sent),
	} {
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}
