package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Schema names the only version of Record there is.
const Schema = "absah/record/1"

// Limits of a record, refused and never cut off. Texts come from callers:
// without a limit one request could fill the log.
const (
	maxText      = 1024 // bytes of any text
	maxArtefacts = 256  // more than the deepest chain with all its revocation data
	maxDetail    = 64
	maxSize      = 1<<53 - 1 // the largest integer that JSON readers keep exact
)

// timeForm is how a record writes time: UTC, milliseconds, always three digits.
const timeForm = "2006-01-02T15:04:05.000Z"

// Record says what was asked, by whom, and what came of it. Its bytes are
// canonical JSON (RFC 8785); a member without a value is left out. Digests are
// 64 lower-case hexadecimal digits.
type Record struct {
	Schema       string `json:"schema"` // "" stands for Schema
	Organisation string `json:"organisation"`
	// Operation is a UUID in lower case; the gateway uses version 7.
	Operation string    `json:"operation"`
	Phase     Phase     `json:"phase"`
	Kind      string    `json:"kind"` // sign, seal, verify, signer.enrol, …: lower case, digits, ".", "-"
	Time      time.Time `json:"time"` // cut to milliseconds
	// Node is the gateway process that wrote the record.
	Node    string  `json:"node"`
	Actor   Actor   `json:"actor"`
	Subject Subject `json:"subject"`
	Signer  Signer  `json:"signer"`
	Result  Result  `json:"result"`
	// Intent is the leaf of the intent that this outcome closes, in hexadecimal:
	// the outcome's receipt vouches for both.
	Intent    string     `json:"intent"`
	Artefacts []Artefact `json:"artefacts"`
	// Detail is whatever else is to be known: names like Kind's, none of them
	// a member's; values of at most 4096 bytes.
	Detail map[string]string `json:"detail"`
}

// Actor is who asked, as the gateway knew them.
type Actor struct {
	Application    string `json:"application"`
	Role           string `json:"role"`
	Authentication string `json:"authentication"` // key, basic, mtls, password+totp, local, none
	Address        string `json:"address"`
	User           string `json:"user"` // as the application names them, not verified; without application "staff:ID", or the operator
}

// Subject is what it was done to.
type Subject struct {
	InputSHA256  string `json:"inputSHA256"`
	InputSize    int64  `json:"inputSize"` // bytes
	OutputSHA256 string `json:"outputSHA256"`
	OutputSize   int64  `json:"outputSize"` // bytes
	Document     string `json:"document"`   // public id of a registered document
}

// Signer is whose key was used.
type Signer struct {
	ID                string `json:"id"`
	CertificateSHA256 string `json:"certificateSHA256"`
	Key               string `json:"key"` // SHA-256 of the SubjectPublicKeyInfo
}

// Status is what came of an operation.
type Status string

// An intent has no status. Unknown is the reconciler's: nobody knows how far the
// operation came, and nothing was released.
const (
	StatusOK      Status = "ok"
	StatusRefused Status = "refused"
	StatusFailed  Status = "failed"
	StatusUnknown Status = "unknown"
)

// Result is what came of it.
type Result struct {
	Status Status `json:"status"`
	Code   string `json:"code"`  // the stable code of docs/ERRORS.md
	Level  string `json:"level"` // B-B … B-LTA
}

// Kinds of artefacts on which the statements about a bundle rest
// (docs/EVIDENCE.md).
const (
	ArtefactCMS         = "cms"         // a signature as it was made: DER ContentInfo
	ArtefactTimestamp   = "timestamp"   // a DER TimeStampToken
	ArtefactCertificate = "certificate" // DER
	ArtefactOCSP        = "ocsp"        // a DER OCSPResponse
	ArtefactCRL         = "crl"         // a DER CertificateList
)

// Artefact names bytes that are kept beside the record.
type Artefact struct {
	Kind   string `json:"kind"` // ArtefactCMS …, or one that its writer alone reads
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"` // bytes
}

// RecordError says why bytes are not a record, or a Record cannot become bytes.
type RecordError struct {
	Member string // the JSON member at fault, "" for the whole
	Err    error
}

func (e *RecordError) Error() string {
	if e.Member == "" {
		return "evidence: record: " + e.Err.Error()
	}
	return fmt.Sprintf("evidence: record: %s: %v", e.Member, e.Err)
}

func (e *RecordError) Unwrap() error { return e.Err }

// ErrSchema is inside the RecordError for a record of a version that this
// program does not know; it may be a good one.
var ErrSchema = errors.New("unknown schema version")

// MarshalCanonical returns the record's bytes: RFC 8785 JSON, at most MaxRecord
// bytes. It returns a *RecordError when a member breaks its limits.
func (r Record) MarshalCanonical() ([]byte, error) {
	if r.Schema == "" {
		r.Schema = Schema
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	c := &canonical{dst: make([]byte, 0, 2048)}
	r.write(c)
	if c.err != nil {
		return nil, &RecordError{Err: c.err}
	}
	b := c.dst
	if len(b) > MaxRecord {
		return nil, &RecordError{Err: fmt.Errorf("%d bytes, at most %d", len(b), MaxRecord)}
	}
	return b, nil
}

// write writes the members, all of them in the order of their names.
func (r *Record) write(c *canonical) {
	record := c.begin("")
	actor := c.begin("actor")
	c.text("address", r.Actor.Address)
	c.text("application", r.Actor.Application)
	c.text("authentication", r.Actor.Authentication)
	c.text("role", r.Actor.Role)
	c.text("user", r.Actor.User)
	c.end(actor)
	r.writeArtefacts(c)
	detail := c.begin("detail")
	for _, name := range slices.Sorted(maps.Keys(r.Detail)) {
		c.name(name)
		c.value(r.Detail[name])
	}
	c.end(detail)
	c.text("intent", r.Intent)
	c.text("kind", r.Kind)
	c.text("node", r.Node)
	c.text("operation", r.Operation)
	c.text("organisation", r.Organisation)
	c.text("phase", string(r.Phase))
	result := c.begin("result")
	c.text("code", r.Result.Code)
	c.text("level", r.Result.Level)
	c.text("status", string(r.Result.Status))
	c.end(result)
	c.text("schema", r.Schema)
	signer := c.begin("signer")
	c.text("certificateSHA256", r.Signer.CertificateSHA256)
	c.text("id", r.Signer.ID)
	c.text("key", r.Signer.Key)
	c.end(signer)
	subject := c.begin("subject")
	c.text("document", r.Subject.Document)
	c.text("inputSHA256", r.Subject.InputSHA256)
	c.number("inputSize", r.Subject.InputSize)
	c.text("outputSHA256", r.Subject.OutputSHA256)
	c.number("outputSize", r.Subject.OutputSize)
	c.end(subject)
	c.text("time", r.Time.UTC().Format(timeForm))
	c.end(record)
}

func (r *Record) writeArtefacts(c *canonical) {
	if len(r.Artefacts) == 0 {
		return
	}
	c.name("artefacts")
	c.dst = append(c.dst, '[')
	for _, a := range r.Artefacts {
		artefact := c.begin("")
		c.text("kind", a.Kind)
		c.text("sha256", a.SHA256)
		c.number("size", a.Size)
		c.end(artefact)
	}
	c.dst = append(c.dst, ']')
}

// ParseRecord reads the bytes of a record. Only what MarshalCanonical writes is
// accepted: unknown or repeated members, white space, another order or spelling
// are a *RecordError; one with ErrSchema when the version is unknown.
func ParseRecord(b []byte) (Record, error) {
	if len(b) > MaxRecord {
		return Record{}, &RecordError{Err: fmt.Errorf("%d bytes, at most %d", len(b), MaxRecord)}
	}
	var version struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return Record{}, &RecordError{Err: err}
	}
	if version.Schema != Schema {
		return Record{}, &RecordError{Member: "schema", Err: ErrSchema}
	}
	var r Record
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Record{}, &RecordError{Err: err}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Record{}, &RecordError{Err: errors.New("bytes after the record")}
	}
	// The JSON decoder is lenient in many ways; writing what it understood
	// anew is strict in all of them.
	again, err := r.MarshalCanonical()
	if err != nil {
		return Record{}, err
	}
	if !bytes.Equal(again, b) {
		return Record{}, &RecordError{Err: errors.New("not in canonical form (RFC 8785)")}
	}
	r.Time = r.Time.UTC()
	return r, nil
}

// check holds every member against its limits.
func (r *Record) check() error {
	fail := func(member, format string, args ...any) error {
		return &RecordError{Member: member, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case r.Schema != Schema:
		return fail("schema", "%w", ErrSchema)
	case !isUUID(r.Operation):
		return fail("operation", "%q is not a UUID in lower case", r.Operation)
	case r.Phase != PhaseIntent && r.Phase != PhaseOutcome && r.Phase != PhaseEvent:
		return fail("phase", "%q is unknown", r.Phase)
	case !isName(r.Kind):
		return fail("kind", "%q is not a name", r.Kind)
	case r.Time.Year() < 1970 || r.Time.Year() > 9999:
		return fail("time", "the year %d", r.Time.Year())
	case !slices.Contains([]Status{"", StatusOK, StatusRefused, StatusFailed, StatusUnknown}, r.Result.Status):
		return fail("result.status", "%q is unknown", r.Result.Status)
	case (r.Phase == PhaseIntent) != (r.Result.Status == "") && r.Phase != PhaseEvent:
		return fail("result.status", "%q in an %s", r.Result.Status, r.Phase)
	case len(r.Artefacts) > maxArtefacts:
		return fail("artefacts", "%d, at most %d", len(r.Artefacts), maxArtefacts)
	case len(r.Detail) > maxDetail:
		return fail("detail", "%d members, at most %d", len(r.Detail), maxDetail)
	}
	for _, m := range r.texts() {
		if len(m.value) > maxText {
			return fail(m.name, "%d bytes, at most %d", len(m.value), maxText)
		}
	}
	for _, m := range [...]member{
		{"subject.inputSHA256", r.Subject.InputSHA256}, {"subject.outputSHA256", r.Subject.OutputSHA256},
		{"signer.certificateSHA256", r.Signer.CertificateSHA256}, {"signer.key", r.Signer.Key}, {"intent", r.Intent},
	} {
		if m.value != "" && !isDigest(m.value) {
			return fail(m.name, "not a SHA-256 in lower-case hexadecimal")
		}
	}
	if n := r.Subject.InputSize; n < 0 || n > maxSize {
		return fail("subject.inputSize", "%d is out of range", n)
	}
	if n := r.Subject.OutputSize; n < 0 || n > maxSize {
		return fail("subject.outputSize", "%d is out of range", n)
	}
	for _, a := range r.Artefacts {
		if !isName(a.Kind) || !isDigest(a.SHA256) || a.Size < 0 || a.Size > maxSize {
			return fail("artefacts", "%q is not well formed", a.Kind)
		}
	}
	for name, text := range r.Detail {
		if !isName(name) || reserved[name] || len(text) > maxDetailText {
			return fail("detail", "%q: the name is not one, is reserved, or over %d bytes", name, maxDetailText)
		}
	}
	return nil
}

// maxDetailText bounds a value of Detail in bytes; a signed note (see
// KeyStatement) is the longest there is.
const maxDetailText = 4096

// reserved are names that a detail may not have, so that who reads a record with
// less than a JSON parser, as the script in a bundle does, finds the member
// itself.
var reserved = map[string]bool{
	"actor": true, "artefacts": true, "detail": true, "intent": true, "kind": true, "node": true, "operation": true, "organisation": true,
	"phase": true, "result": true, "schema": true, "sha256": true, "signer": true, "subject": true, "time": true,
}

// member is a text of a record with the path to it.
type member struct{ name, value string }

func (r *Record) texts() [11]member {
	return [...]member{
		{"organisation", r.Organisation}, {"node", r.Node},
		{"actor.application", r.Actor.Application}, {"actor.role", r.Actor.Role},
		{"actor.authentication", r.Actor.Authentication}, {"actor.address", r.Actor.Address}, {"actor.user", r.Actor.User},
		{"subject.document", r.Subject.Document}, {"signer.id", r.Signer.ID},
		{"result.code", r.Result.Code}, {"result.level", r.Result.Level},
	}
}

func isDigest(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// isName accepts what may name a kind or a detail: it goes into receipts, file
// names and SQL, and sorts alike by bytes and by UTF-16 units.
func isName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}
