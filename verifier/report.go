package verifier

import (
	"crypto"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
	"unicode"
)

// Schema is the value of "schema" in the JSON of a report.
const Schema = "absah/verdict/1"

// Verdict is what is said of a whole file.
type Verdict string

// The verdicts. The first three are those of its signatures, the worst one
// counting; document timestamps count only in a file without signatures.
const (
	TotalPassed         Verdict = "TOTAL-PASSED"
	TotalFailed         Verdict = "TOTAL-FAILED"
	VerdictUndetermined Verdict = "INDETERMINATE"
	NoSignature         Verdict = "NO_SIGNATURE"
	Unreadable          Verdict = "UNREADABLE"
)

// Report is the result of [Verifier.Verify]: the verdict and everything that
// led to it. It may be read by several goroutines.
type Report struct {
	File      string
	SHA256    [32]byte // zero when the file was not read to its end
	Size      int64
	At        time.Time // the moment of validation, UTC
	Policy    string
	Catalogue string // name and date of the algorithm catalogue
	Verdict   Verdict
	Reasons   []Reason // why the file is unreadable, else empty
	// Signatures and document timestamps, in the order of the revisions that
	// they sign.
	Signatures []*Signature
	Warnings   []Reason // about the whole file
}

// Kind is "signature" or "document-timestamp".
type Kind string

// The kinds of signature.
const (
	KindSignature         Kind = "signature"
	KindDocumentTimestamp Kind = "document-timestamp"
)

// Signature is the verdict about one signature or document timestamp.
type Signature struct {
	Field     string // fully qualified name of the field; "" when it cannot be told
	Kind      Kind
	Revision  int // 1-based, the one it signs; 0 when it signs none
	SubFilter string
	// Level is PAdES-BASELINE-B, -T, -LT or -LTA, PKCS7 or DOC-TIMESTAMP. It
	// is computed from what is there; whether that is valid is another matter.
	Level string
	Conclusion
	// Intact is true when the structure is in order, that of its time-stamps
	// included, and digest and signature value both hold. It says nothing of
	// trust.
	Intact   bool
	Coverage string // entire-file, entire-revision or partial
	Changes  Changes
	Signer   Party
	// ClaimedTime is what the signer says, zero when nothing; BestTime the
	// earliest moment at which the signature provably existed, which is the
	// moment of validation when there is no proof.
	ClaimedTime, BestTime time.Time
	Timestamps            []*Timestamp
	Warnings              []Reason
	// Process is the validation process that decided, with its blocks.
	Process *Block
	// End is the size in bytes of the revision that was signed: the first End
	// bytes of the file are exactly what the signer saw. 0 when not known.
	End int64
	// Certificate is the signer's, in DER; nil when not found.
	Certificate []byte
	// Path leads from the signer's certificate to the anchor; it ends before
	// when no anchor was reached, and is empty when no certificate was found.
	Path []Certificate
	// Proof is that of BestTime.
	Proof    POE
	Material Material
}

// Changes are what later revisions changed.
type Changes struct {
	Level string // NONE, LTA, FORM, ANNOTATION or OTHER, the worst of Items
	Items []Change
}

// Change is one change made after the signature.
type Change struct {
	Revision int    `json:"revision"`
	Object   string `json:"object"`
	Path     string `json:"path"`
	Rule     string `json:"rule"`
	Level    string `json:"level"`
	Text     string `json:"-"`
}

// Party is a signer as its certificate names it, fit for display: control
// characters and marks that change the direction of text are taken out.
type Party struct {
	CommonName   string `json:"commonName"`
	Organization string `json:"organization"`
	SerialNumber string `json:"serialNumber"` // of the certificate, hexadecimal
	Issuer       string `json:"issuer"`       // common name, else organisation
}

// Timestamp is the verdict about one time-stamp token.
type Timestamp struct {
	Kind string // signature, document or content
	Time time.Time
	Conclusion
	Authority Party
	Process   *Block
	DER       []byte      // the token as received; nil when it cannot be read
	Hash      crypto.Hash // of what it is over; 0 when not known
	Imprint   []byte
	Path      []Certificate // as in [Signature]
	POE       POE           // of the token itself
}

type jsonReport struct {
	Schema     string          `json:"schema"`
	File       string          `json:"file"`
	SHA256     string          `json:"sha256"`
	Size       int64           `json:"size"`
	At         string          `json:"at"`
	Policy     string          `json:"policy"`
	Verdict    Verdict         `json:"verdict"`
	Reasons    []Reason        `json:"reasons,omitempty"`
	Signatures []jsonSignature `json:"signatures"`
	Warnings   []string        `json:"warnings"`
}

type jsonSignature struct {
	Field         string          `json:"field"`
	Type          Kind            `json:"type"`
	Revision      int             `json:"revision"`
	SubFilter     string          `json:"subFilter"`
	Level         string          `json:"level"`
	Indication    string          `json:"indication"`
	SubIndication SubIndication   `json:"subIndication"`
	Reasons       []Reason        `json:"reasons"`
	Intact        bool            `json:"intact"`
	Coverage      string          `json:"coverage"`
	Changes       jsonChanges     `json:"changes"`
	Signer        Party           `json:"signer"`
	ClaimedTime   string          `json:"claimedTime"`
	BestTime      string          `json:"bestTime"`
	Timestamps    []jsonTimestamp `json:"timestamps"`
	Processes     []jsonBlock     `json:"processes,omitempty"`
}

type jsonChanges struct {
	Level string   `json:"level"`
	Items []Change `json:"items"`
}

type jsonTimestamp struct {
	Kind          string        `json:"kind"`
	Time          string        `json:"time"`
	Indication    string        `json:"indication"`
	SubIndication SubIndication `json:"subIndication"`
}

// Digest is the SHA-256 of the file in hexadecimal, "" when it is not known.
func (r *Report) Digest() string {
	if r.SHA256 == [32]byte{} {
		return ""
	}
	return hex.EncodeToString(r.SHA256[:])
}

// MarshalJSON writes the report as schema absah/verdict/1. Times are RFC 3339
// in UTC, "" when there is none; lists are never null. A warning is a text with
// the code behind it in brackets; that of a signature begins with its field.
func (r *Report) MarshalJSON() ([]byte, error) { return json.Marshal(r.json(false)) }

// DetailedJSON is [Report.MarshalJSON] with one key more in each signature:
// "processes", the validation processes with their building blocks, those
// about its time-stamps last.
func (r *Report) DetailedJSON() ([]byte, error) { return json.Marshal(r.json(true)) }

func (r *Report) json(detailed bool) jsonReport {
	out := jsonReport{
		Schema: Schema, File: r.File, SHA256: r.Digest(), Size: r.Size, At: jsonTime(r.At),
		Policy: r.Policy, Verdict: r.Verdict, Reasons: r.Reasons,
		Signatures: []jsonSignature{}, Warnings: []string{},
	}
	for _, w := range r.Warnings {
		out.Warnings = append(out.Warnings, w.String())
	}
	for _, s := range r.Signatures {
		j := s.json()
		if detailed {
			j.Processes = s.processes()
		}
		out.Signatures = append(out.Signatures, j)
		for _, w := range s.Warnings {
			out.Warnings = append(out.Warnings, s.Field+": "+w.String())
		}
	}
	return out
}

func (s *Signature) json() jsonSignature {
	out := jsonSignature{
		Field: s.Field, Type: s.Kind, Revision: s.Revision, SubFilter: s.SubFilter, Level: s.Level,
		Indication: s.Indication.Total(), SubIndication: s.Sub, Reasons: s.Reasons, Intact: s.Intact,
		Coverage: s.Coverage, Changes: jsonChanges{s.Changes.Level, s.Changes.Items}, Signer: s.Signer,
		ClaimedTime: jsonTime(s.ClaimedTime), BestTime: jsonTime(s.BestTime), Timestamps: []jsonTimestamp{},
	}
	if out.Reasons == nil {
		out.Reasons = []Reason{}
	}
	if out.Changes.Items == nil {
		out.Changes.Items = []Change{}
	}
	for _, t := range s.Timestamps {
		out.Timestamps = append(out.Timestamps, jsonTimestamp{t.Kind, jsonTime(t.Time), t.Indication.Total(), t.Sub})
	}
	return out
}

type jsonBlock struct {
	Name          string           `json:"name"`
	Clause        string           `json:"clause"`
	Subject       string           `json:"subject"`
	Indication    Indication       `json:"indication"`
	SubIndication SubIndication    `json:"subIndication"`
	Constraints   []jsonConstraint `json:"constraints"`
	Blocks        []jsonBlock      `json:"blocks"`
}

type jsonConstraint struct {
	Code string `json:"code"`
	OK   bool   `json:"ok"`
	Text string `json:"text"`
}

// processes lists what decided about a signature. The process of a document
// timestamp holds that of its token.
func (s *Signature) processes() []jsonBlock {
	out := []jsonBlock{}
	if s.Process != nil {
		out = append(out, s.Process.json())
	}
	if s.Kind == KindSignature {
		for _, t := range s.Timestamps {
			if t.Process != nil {
				out = append(out, t.Process.json())
			}
		}
	}
	return out
}

func (b *Block) json() jsonBlock {
	out := jsonBlock{
		Name: b.Name, Clause: b.Clause, Subject: b.Subject, Indication: b.Indication, SubIndication: b.Sub,
		Constraints: []jsonConstraint{}, Blocks: []jsonBlock{},
	}
	for _, c := range b.Constraints {
		out.Constraints = append(out.Constraints, jsonConstraint(c))
	}
	for _, child := range b.Blocks {
		out.Blocks = append(out.Blocks, child.json())
	}
	return out
}

func jsonTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// display makes foreign text fit for a line of a report.
func display(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s))
}
