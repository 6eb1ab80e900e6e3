package store

import (
	"context"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
)

// Beside returns what stands beside the log in this database, for one audit.
func (db *DB) Beside() evidence.Beside {
	return &beside{db: db, named: map[[32]byte]bool{}, most: maxNamed, registers: newRegisters()}
}

// beside is evidence.Beside. It keeps what the records say of documents whose
// status somebody has set, of applications, staff and signers: some hundred bytes
// for each. Everything else is compared as it comes.
type beside struct {
	db        *DB
	named     map[[32]byte]bool // artefacts that were found
	most      int               // of them before they are forgotten: maxNamed
	registers registers
}

// maxNamed bounds how many artefacts are remembered as found, those of the records
// at hand aside: a certificate or a list is named by thousands of records.
const maxNamed = 1 << 14

// kindErase is the event that names artefacts which were erased.
const kindErase = "artefact.erase"

// Compare is evidence.Beside's.
func (b *beside) Compare(ctx context.Context, entries []evidence.Entry, records []evidence.Record) ([]error, error) {
	if len(b.named) >= b.most { // not later: what is in it is not asked for
		clear(b.named)
	}
	found := make([]error, len(entries))
	err := b.db.engine.view(ctx, gateway.AllOrganisations, func(tx *Tx) error {
		clear(found)
		var q wanted
		for i := range records {
			q.add(&records[i], b.named)
		}
		rows, err := q.fetch(ctx, tx)
		if err != nil {
			return err
		}
		for i := range records {
			if found[i] = rows.compare(&entries[i], &records[i], b); found[i] != nil {
				continue
			}
			if found[i], err = b.lists(ctx, tx, &records[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range records {
		b.registers.apply(&records[i])
	}
	return found, nil
}

// wanted are the keys of the rows that records speak of.
type wanted struct {
	operations, documents []string
	artefacts, versions   [][32]byte
	owed                  []string // operations of which a renewal or a status is owed
	activations           []string
}

// add asks for what a record speaks of.
func (q *wanted) add(r *evidence.Record, named map[[32]byte]bool) {
	q.operations = append(q.operations, r.Operation)
	for _, a := range r.Artefacts {
		if d := sumOf(a.SHA256); !named[d] {
			q.artefacts = append(q.artefacts, d)
		}
	}
	if r.Kind == kindRegister {
		q.documents = append(q.documents, r.Subject.Document)
	}
	if owes(r) {
		q.owed = append(q.owed, r.Operation)
	}
	if activates(r) {
		q.activations = append(q.activations, r.Detail[gateway.DetailActivation])
	}
	if version(r) {
		q.versions = append(q.versions, sumOf(r.Subject.OutputSHA256))
	}
}

// version tells whether the record released another state of a registered
// document.
func version(r *evidence.Record) bool {
	return r.Phase == evidence.PhaseOutcome && r.Result.Status == evidence.StatusOK && r.Subject.Document != "" &&
		r.Subject.OutputSHA256 != "" && r.Subject.OutputSHA256 != r.Subject.InputSHA256
}

// sumOf reads a digest of a record, whose form is known to be right.
func sumOf(s string) (d [32]byte) {
	b, _ := hex.DecodeString(s) // a record has been parsed
	copy(d[:], b)
	return d
}

// besideRows are the rows that were asked for.
type besideRows struct {
	operations map[string]gateway.Operation
	documents  map[string]gateway.Document
	artefacts  map[[32]byte][]artefactRow
	versions   map[[32]byte][]versionRow
	owedRows
}

type artefactRow struct {
	sha256             [32]byte
	organisation, kind string
	size               int64
	gone               bool
}

type versionRow struct {
	sha256              [32]byte
	document, operation string
	size                int64
	at                  time.Time
}

func (q *wanted) fetch(ctx context.Context, tx *Tx) (rows besideRows, err error) {
	rows = besideRows{map[string]gateway.Operation{}, map[string]gateway.Document{}, map[[32]byte][]artefactRow{}, map[[32]byte][]versionRow{}, owedRows{}}
	err = among(ctx, tx, scanOperation, func(o gateway.Operation) { rows.operations[o.ID] = o },
		`SELECT `+operationColumns+` FROM operations WHERE id IN `, texts(q.operations))
	if err == nil {
		err = among(ctx, tx, scanDocument, func(d gateway.Document) { rows.documents[d.PublicID] = d },
			`SELECT `+documentColumns+` FROM documents d WHERE d.public_id IN `, texts(q.documents))
	}
	if err == nil {
		err = among(ctx, tx, func(r row) (a artefactRow, err error) {
			err = r.Scan(sum{&a.sha256}, &a.organisation, &a.kind, &a.size, &a.gone)
			return a, err
		}, func(a artefactRow) { rows.artefacts[a.sha256] = append(rows.artefacts[a.sha256], a) },
			`SELECT sha256, organisation, kind, size, data IS NULL FROM artefacts WHERE sha256 IN `, sums(q.artefacts))
	}
	if err == nil {
		err = among(ctx, tx, func(r row) (v versionRow, err error) {
			err = r.Scan(sum{&v.sha256}, &v.document, &v.operation, &v.size, moment{&v.at})
			return v, err
		}, func(v versionRow) { rows.versions[v.sha256] = append(rows.versions[v.sha256], v) },
			`SELECT sha256, document, operation, size, created_at FROM document_versions WHERE sha256 IN `, sums(q.versions))
	}
	if err == nil {
		rows.owedRows, err = q.fetchOwed(ctx, tx)
	}
	return rows, err
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

func sums(list [][32]byte) []any {
	out := make([]any, len(list))
	for i := range list {
		out[i] = list[i][:]
	}
	return out
}

// perList is how many values one IN has; always as many, so that a connection
// prepares one statement.
const perList = 128

// among calls each with the rows whose key is among the values. query ends before
// the list.
func among[T any](ctx context.Context, tx *Tx, scan func(row) (T, error), each func(T), query string, values []any) error {
	places := make([]string, perList)
	for i := range places {
		places[i] = "$" + strconv.Itoa(i+1)
	}
	query += "(" + strings.Join(places, ", ") + ")"
	for part := range slices.Chunk(values, perList) {
		args := slices.Clone(part)
		for len(args) < perList {
			args = append(args, part[0])
		}
		found, err := list(ctx, tx, scan, query, args...)
		if err != nil {
			return err
		}
		for _, v := range found {
			each(v)
		}
	}
	return nil
}

// compare holds the rows that an entry speaks of against it.
func (rows *besideRows) compare(e *evidence.Entry, r *evidence.Record, b *beside) error {
	if err := rows.operation(r); err != nil {
		return err
	}
	for _, a := range r.Artefacts {
		if err := rows.artefact(e, a, b); err != nil {
			return err
		}
	}
	if r.Kind == kindRegister {
		if err := rows.document(r); err != nil {
			return err
		}
	}
	if err := rows.owedBy(r); err != nil {
		return err
	}
	if !version(r) {
		return nil
	}
	for _, v := range rows.versions[sumOf(r.Subject.OutputSHA256)] {
		if v.document == r.Subject.Document && v.operation == r.Operation && v.size == r.Subject.OutputSize && v.at.Equal(r.Time) {
			return nil
		}
	}
	return evidence.Differs(evidence.RuleTable, "the version of the document %s that operation %s released is missing or changed", r.Subject.Document, r.Operation)
}

// operation compares the row of an operation with its intent, outcome or event.
func (rows *besideRows) operation(r *evidence.Record) error {
	o, ok := rows.operations[r.Operation]
	if !ok {
		return evidence.Differs(evidence.RuleTable, "the operation %s is missing", r.Operation)
	}
	same := func(pairs ...string) string {
		for i := 0; i < len(pairs); i += 3 {
			if pairs[i+1] != pairs[i+2] {
				return pairs[i]
			}
		}
		return ""
	}
	at := func(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }
	hexOf := func(d [32]byte) string {
		if d == [32]byte{} {
			return ""
		}
		return hex.EncodeToString(d[:])
	}
	wrong := same("organisation", o.Organisation, r.Organisation, "kind", o.Kind, r.Kind, "application", o.Application, r.Actor.Application,
		"user", o.User, r.Actor.User, "signer", o.Signer, r.Signer.ID, "document", o.Document, r.Subject.Document, "case", o.Case, r.Detail["case"],
		"input", hexOf(o.InputSHA256), r.Subject.InputSHA256)
	if wrong == "" && r.Phase != evidence.PhaseOutcome { // who closes an operation may be another node
		wrong = same("node", o.Node, r.Node, "start", at(o.StartedAt), at(r.Time))
	}
	if wrong == "" && r.Phase != evidence.PhaseIntent {
		wrong = same("status", string(o.Status), string(r.Result.Status), "code", o.Code, r.Result.Code, "level", o.Level, r.Result.Level,
			"end", at(o.FinishedAt), at(r.Time), "output", hexOf(o.OutputSHA256), r.Subject.OutputSHA256)
	}
	if wrong == "" && r.Phase != evidence.PhaseIntent && r.Signer.CertificateSHA256 != "" {
		wrong = same("certificate", hexOf(o.Certificate), r.Signer.CertificateSHA256)
	}
	if wrong == "" {
		wrong = rows.authorised(o, r)
	}
	if wrong != "" {
		return evidence.Differs(evidence.RuleTable, "the operation %s has another %s in its row than in its %s", r.Operation, wrong, r.Phase)
	}
	return nil
}

// artefact looks whether what a record names is there. Its bytes are compared by
// Rest.
func (rows *besideRows) artefact(e *evidence.Entry, a evidence.Artefact, b *beside) error {
	d := sumOf(a.SHA256)
	if b.named[d] || e.Kind == kindErase {
		return nil
	}
	for _, row := range rows.artefacts[d] {
		if row.organisation != "" && row.organisation != e.Organisation || row.size != a.Size || row.kind != a.Kind {
			continue
		}
		if !row.gone { // what is erased is known when all records were read
			b.named[d] = true
		}
		return nil
	}
	return evidence.Differs(evidence.RuleArtefact, "the %s %s of operation %s is missing", a.Kind, a.SHA256, e.Operation)
}

// Rest is evidence.Beside's.
func (b *beside) Rest(ctx context.Context, size int64) (found, err error) {
	for _, look := range []func(context.Context, *Tx) (error, error){b.strayOperations, b.strayVersions, b.strayDocuments, b.strayLists, b.strayRenewals, b.strayOwners} {
		err := b.db.engine.view(ctx, gateway.AllOrganisations, func(tx *Tx) (err error) {
			found, err = look(ctx, tx)
			return err
		})
		if err != nil || found != nil {
			return found, err
		}
	}
	err = b.db.engine.view(ctx, gateway.AllOrganisations, func(tx *Tx) error {
		found = nil
		if err := b.catchUp(ctx, tx, size); err != nil {
			return err
		}
		for _, look := range []func(context.Context, *Tx) (error, error){
			b.documentStates, b.versionOrder, b.registers.applications, b.registers.credentials, b.registers.staff, b.registers.signers,
			b.registers.proposals, b.registers.attempts, b.registers.complaints,
		} {
			if found, err = look(ctx, tx); err != nil || found != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || found != nil {
		return found, err
	}
	return b.artefactBytes(ctx)
}

// catchUp reads what was recorded after the entries that were compared.
func (b *beside) catchUp(ctx context.Context, tx *Tx, size int64) error {
	for _, q := range []struct {
		query string
		args  []any
	}{
		{`SELECT ` + entryColumns + ` FROM leaves l JOIN entries e ON e.id = l.entry WHERE l.leaf_index >= $1 ORDER BY l.leaf_index`, []any{size}},
		{`SELECT ` + entryColumns + ` FROM entries e LEFT JOIN leaves l ON l.entry = e.id WHERE l.entry IS NULL ORDER BY e.id`, nil},
	} {
		entries, err := list(ctx, tx, scanEntry, q.query, q.args...)
		if err != nil {
			return err
		}
		for i := range entries {
			r, err := evidence.ParseRecord(entries[i].Record)
			if err != nil || entries[i].Check() != nil {
				continue // what waits was looked at by then
			}
			b.registers.apply(&r)
		}
	}
	return nil
}

// first returns the first value of a query's first column as text, and whether
// there is a row.
func first(ctx context.Context, tx *Tx, query string, args ...any) (string, bool, error) {
	found, err := list(ctx, tx, func(r row) (s string, err error) {
		err = r.Scan(&s)
		return s, err
	}, query, args...)
	if err != nil || len(found) == 0 {
		return "", false, err
	}
	return found[0], true, nil
}

// strayOperations looks for rows of which no record speaks.
func (b *beside) strayOperations(ctx context.Context, tx *Tx) (found, err error) {
	id, ok, err := first(ctx, tx, `SELECT o.id FROM operations o WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.operation = o.id) LIMIT 1`)
	if ok {
		return evidence.Differs(evidence.RuleTable, "no record speaks of the operation %.64q", id), nil
	}
	if err == nil {
		id, ok, err = first(ctx, tx, `SELECT o.id FROM operations o WHERE o.status <> 'pending'
			AND NOT EXISTS (SELECT 1 FROM entries e WHERE e.operation = o.id AND e.phase <> 'intent') LIMIT 1`)
	}
	if ok {
		return evidence.Differs(evidence.RuleTable, "no record says that the operation %.64q ended", id), nil
	}
	return nil, err
}

// strayDocuments looks for documents that nobody registered.
func (b *beside) strayDocuments(ctx context.Context, tx *Tx) (found, err error) {
	id, ok, err := first(ctx, tx, `SELECT d.public_id FROM documents d
		WHERE NOT EXISTS (SELECT 1 FROM operations o WHERE o.document = d.public_id AND o.document <> '' AND o.kind = $1) LIMIT 1`, kindRegister)
	if ok {
		return evidence.Differs(evidence.RuleTable, "no record says that the document %.64q was registered", id), nil
	}
	return nil, err
}

// strayVersions looks for versions of documents that no outcome released.
func (b *beside) strayVersions(ctx context.Context, tx *Tx) (found, err error) {
	type version struct {
		id int64
		versionRow
		record []byte
	}
	for after := int64(-1 << 63); ; {
		page, err := list(ctx, tx, func(r row) (v version, err error) {
			err = r.Scan(&v.id, sum{&v.sha256}, &v.document, &v.operation, &v.size, &v.record)
			return v, err
		}, `SELECT v.id, v.sha256, v.document, v.operation, v.size, e.record FROM document_versions v
			LEFT JOIN entries e ON e.operation = v.operation AND e.phase = 'outcome' AND e.slot = 0 WHERE v.id > $1 ORDER BY v.id LIMIT 500`, after)
		if err != nil || len(page) == 0 {
			return nil, err
		}
		for _, v := range page {
			r, err := evidence.ParseRecord(v.record)
			if err != nil || r.Subject.Document != v.document || sumOf(r.Subject.OutputSHA256) != v.sha256 || r.Subject.OutputSize != v.size {
				return evidence.Differs(evidence.RuleTable, "no outcome released %x as a version of the document %.64q", v.sha256, v.document), nil
			}
			after = v.id
		}
	}
}

// documentStates compares the status of each document with the last record of it.
func (b *beside) documentStates(ctx context.Context, tx *Tx) (found, err error) {
	type state struct {
		id, status, replacedBy, reason string
		versions                       int64
		created, signed, changed       time.Time
	}
	for after := ""; ; {
		page, err := list(ctx, tx, func(r row) (s state, err error) {
			err = r.Scan(&s.id, &s.status, &s.replacedBy, &s.reason, &s.versions, moment{&s.created}, moment{&s.signed}, moment{&s.changed})
			return s, err
		}, `SELECT d.public_id, d.status, d.replaced_by, d.reason, (SELECT count(*) FROM document_versions v WHERE v.document = d.public_id),
			d.created_at, (SELECT min(created_at) FROM document_versions v WHERE v.document = d.public_id), d.changed_at FROM documents d WHERE d.public_id > $1 ORDER BY d.public_id LIMIT 500`, after)
		if err != nil || len(page) == 0 {
			return nil, err
		}
		for _, s := range page {
			want, set := b.registers.status[s.id]
			switch {
			case set:
			case s.versions > 0:
				want.to, want.at = string(gateway.DocumentValid), s.signed
			default:
				want.to, want.at = string(gateway.DocumentReserved), s.created
			}
			if s.status != want.to || s.replacedBy != want.replacedBy || s.reason != want.reason {
				return evidence.Differs(evidence.RuleTable, "the document %.64q is %.64q in its row, and %q by the records", s.id, s.status, want.to), nil
			}
			if !near(s.changed, want.at) {
				return evidence.Differs(evidence.RuleTable, "the document %.64q is %.64q since %s in its row, and since %s by the records", s.id, s.status,
					s.changed.Format(time.RFC3339), want.at.Format(time.RFC3339)), nil
			}
			after = s.id
		}
	}
}

// artefactBytes compares all artefacts with their digests, and those that are
// erased with the records that say so.
func (b *beside) artefactBytes(ctx context.Context) (found, err error) {
	type artefact struct {
		artefactRow
		data []byte
	}
	var after artefactRow
	for {
		var page []artefact
		err := b.db.engine.view(ctx, gateway.AllOrganisations, func(tx *Tx) (err error) {
			page, err = list(ctx, tx, func(r row) (a artefact, err error) {
				err = r.Scan(sum{&a.sha256}, &a.organisation, &a.size, &a.gone, &a.data)
				return a, err
			}, `SELECT sha256, organisation, size, data IS NULL, data FROM artefacts
				WHERE (sha256, organisation) > ($1, $2) ORDER BY sha256, organisation LIMIT 64`, after.sha256[:], after.organisation)
			return err
		})
		if err != nil || len(page) == 0 {
			return nil, err
		}
		for _, a := range page {
			switch {
			case a.gone && !b.registers.erased[a.sha256]:
				return evidence.Differs(evidence.RuleArtefact, "the artefact %x is erased, and no record says so", a.sha256), nil
			case !a.gone && (sha256Of(a.data) != a.sha256 || int64(len(a.data)) != a.size):
				return evidence.Differs(evidence.RuleArtefact, "the artefact %x is not what its digest says", a.sha256), nil
			}
			after = a.artefactRow
		}
	}
}

// document compares what was registered with the record of it.
func (rows *besideRows) document(r *evidence.Record) error {
	d, ok := rows.documents[r.Subject.Document]
	if !ok {
		return evidence.Differs(evidence.RuleTable, "the document %s is missing", r.Subject.Document)
	}
	if d.Organisation != r.Organisation || d.Application != r.Actor.Application || d.Nomor != r.Detail["nomor"] || d.Tanggal != r.Detail["tanggal"] ||
		strconv.Itoa(d.Pages) != r.Detail["pages"] || !near(d.CreatedAt, r.Time) {
		return evidence.Differs(evidence.RuleTable, "the document %s is not as it was registered", r.Subject.Document)
	}
	perihal := sha256Of([]byte(d.Perihal))
	if said, ok := r.Detail["perihal-sha256"]; ok && (said != hex.EncodeToString(perihal[:]) || r.Detail["confidential"] != strconv.FormatBool(d.Confidential)) {
		return evidence.Differs(evidence.RuleTable, "the document %s has another perihal or confidentiality than was registered", r.Subject.Document)
	}
	return nil
}
