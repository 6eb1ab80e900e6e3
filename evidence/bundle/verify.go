package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/pki"
)

// Schema names the form of Report as JSON.
const Schema = "absah/evidence/1"

// Options say whom the caller believes. The zero value believes nobody: the
// statements that need somebody are Unproven at best.
type Options struct {
	// LogKeys are vkeys of the log and of its receipts that the caller got
	// elsewhere. A key of the log in use later is accepted when a chain of key
	// statements leads to it; one of receipts is not.
	LogKeys []string
	// Witnesses are vkeys (type 0x04) of witnesses without whose cosignature the
	// caller does not believe the log; none asks for none.
	Witnesses []string
	// Anchors and TSAs are trusted for signers and for timestamps; nil means
	// that the caller names none.
	Anchors, TSAs *pki.Anchors
	// Document is the document that the caller holds, of DocumentSize bytes, to
	// be compared instead of the one in the bundle; nil for none.
	Document     io.ReaderAt
	DocumentSize int64
}

// State is what became of a statement.
type State string

// A statement is Unproven when nothing contradicts it, but it rests on a key or
// certificate that only the bundle names, on a certificate of which nothing in the
// bundle says whether it was revoked, on a witness that has said nothing, or on
// something that is not here: a receipt, an outcome, a timestamp, a signature
// that the record names.
const (
	Holds    State = "holds"
	Unproven State = "unproven"
	Fails    State = "fails"
)

// Statement is one thing that a bundle is said to prove.
type Statement struct {
	// ID is one of: files, operation, entry-N, receipt-N, checkpoint, log-key,
	// log-time, witnesses, consistency, signature, signature-time, certificate,
	// revocation, artefacts, report, document-time, document. verify.sh prints the
	// same.
	ID    string `json:"id"`
	State State  `json:"state"`
	Text  string `json:"text"`
}

// Report is what a bundle came down to.
type Report struct {
	Schema     string      `json:"schema"`
	File       string      `json:"file,omitempty"` // set by the caller
	Verdict    State       `json:"verdict"`        // the worst state
	Origin     string      `json:"origin"`
	Operation  string      `json:"operation"`
	Kind       string      `json:"kind"`
	Time       time.Time   `json:"time"` // the earliest that a timestamp vouches for, else the record's own
	Statements []Statement `json:"statements"`
	// Keys are what to compare with what was published elsewhere, when LogKeys,
	// Anchors or TSAs was not given.
	Keys []string `json:"keys,omitempty"`
}

// Failed returns the ids of the statements that do not hold.
func (r *Report) Failed() []string {
	var out []string
	for _, s := range r.Statements {
		if s.State == Fails {
			out = append(out, s.ID)
		}
	}
	return out
}

// Verify proves the statements of the bundle in r, of the given size. The error
// is an *UnreadableError when it is not a bundle, or r's own; a bundle that
// proves nothing is a Report whose Verdict is Fails.
func Verify(r io.ReaderAt, size int64, o Options) (Report, error) {
	f, err := open(r, size)
	if err != nil {
		return Report{}, err
	}
	v := &verification{files: f, opts: o, report: Report{Schema: Schema}}
	if err := v.sums(); err != nil {
		return Report{}, err
	}
	v.instructions()
	v.logKeys()
	v.checkpoint()
	v.entries()
	v.logTime()
	v.witnesses()
	v.consistency()
	v.signature()
	v.validationReport()
	if err := v.inHand(); err != nil {
		return Report{}, err
	}
	v.documentTime()
	if v.held != nil {
		v.document()
	}
	v.report.Time = v.at().UTC()
	v.report.Verdict = Holds
	for _, s := range v.report.Statements {
		if s.State == Fails || s.State == Unproven && v.report.Verdict == Holds {
			v.report.Verdict = s.State
		}
	}
	return v.report, nil
}

// verification is the state of one Verify.
type verification struct {
	*files
	opts   Options
	report Report

	origin   string
	keys     []string // vkeys that may sign checkpoints
	head     evidence.Head
	records  []evidence.Record
	outcome  evidence.Record     // the zero Record when there is none
	named    []evidence.Artefact // those of the outcome, else of the events
	logged   time.Time           // by the checkpoint's token; zero when none holds
	signed   time.Time           // by the signature's tokens; zero when none holds
	stamped  time.Time           // by the document's tokens; zero when none holds
	held     *io.SectionReader   // the document, the caller's if there is one; nil for none
	digest   [32]byte            // of held
	messages []byte              // the message-digest attribute
	hash     hashFunc            // that made it
}

// instructions looks at what is in the bundle for people to follow. No statement
// rests on it, and whoever follows other instructions than these is told whatever
// their author wants. The script cannot say that of itself.
func (v *verification) instructions() {
	for name, own := range map[string][]byte{fileScript: script, fileReadme: readme} {
		there, ok := v.small[name]
		if ok && !bytes.Equal(there, own) && !slices.Contains(former, sha256.Sum256(there)) {
			v.state("script", nil, false, "%s or %s here is not what this program puts into bundles: do not go by them", fileScript, fileReadme)
			return
		}
	}
}

// former are the scripts and instructions of released versions of this program,
// by SHA-256: bundles of then are as good as ever. None was released yet.
var former [][32]byte

// at returns the best time there is for the signature.
func (v *verification) at() time.Time {
	for _, t := range []time.Time{v.signed, v.stamped, v.logged, v.outcome.Time} {
		if !t.IsZero() {
			return t
		}
	}
	if len(v.records) > 0 {
		return v.records[len(v.records)-1].Time
	}
	return time.Time{}
}

// state adds a statement: Fails with err, else Holds, or Unproven.
func (v *verification) state(id string, err error, proven bool, format string, args ...any) {
	s := Statement{ID: id, State: Holds, Text: printable(fmt.Sprintf(format, args...))}
	if err != nil {
		s.State, s.Text = Fails, printable(err.Error())
	} else if !proven {
		s.State = Unproven
	}
	v.report.Statements = append(v.report.Statements, s)
}

// printable makes text from a bundle fit for a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// compare adds a key that the caller should know from elsewhere.
func (v *verification) compare(key string) {
	if key = printable(key); !slices.Contains(v.report.Keys, key) {
		v.report.Keys = append(v.report.Keys, key)
	}
}

// sums holds every file against SHA256SUMS. It hashes the document on the way.
func (v *verification) sums() error {
	listed := map[string]string{}
	var bad error
	for line := range strings.Lines(string(v.small[fileSums])) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if _, twice := listed[name]; !ok || twice || !strings.HasSuffix(line, "\n") {
			bad = errors.New(fileSums + " is not a list of digests")
			break
		}
		listed[name] = sum
	}
	for _, name := range v.names {
		if name == fileSums {
			continue
		}
		h := sha256.New()
		if name == fileDocument {
			if _, err := io.Copy(h, v.files.document); err != nil {
				return &UnreadableError{fileDocument, err}
			}
			v.held, v.digest = v.files.document, [32]byte(h.Sum(nil))
		} else {
			h.Write(v.small[name])
		}
		if got := hex.EncodeToString(h.Sum(nil)); bad == nil && listed[name] != got {
			bad = fmt.Errorf("%s is not the file that %s lists", name, fileSums)
		}
		delete(listed, name)
	}
	for name := range listed {
		if bad == nil {
			bad = fmt.Errorf("%.80q is listed and missing", name)
		}
	}
	if bad == nil {
		bad = v.astray()
	}
	v.state("files", bad, true, "%d files are those that %s lists", len(v.names)-1, fileSums)
	return nil
}

// logKeys finds out which keys may sign for the log. Without keys of the
// caller's, those in the bundle; else the caller's and their successors.
func (v *verification) logKeys() {
	origin, ok := v.line(fileOrigin)
	keys, ok2 := v.lines(fileKeys)
	v.origin, v.report.Origin = origin, printable(origin)
	if !ok || !ok2 {
		v.state("log-key", errors.New("origin or keys of the log are not lines of text"), true, "")
		return
	}
	v.keys = unique(keys)
	if len(v.opts.LogKeys) == 0 {
		for _, key := range keys {
			v.compare(key)
		}
		v.state("log-key", nil, false, "the bundle alone says that the log's keys are %s", strings.Join(keys, ", "))
		return
	}
	trusted := unique(v.opts.LogKeys)
	for i := 1; ; i++ {
		msg := v.small[fmt.Sprintf("log/successor-%d.note", i)]
		if msg == nil {
			break
		}
		if next, err := evidence.VerifyKeyStatement(msg, origin, trusted); err == nil && !slices.Contains(trusted, next) {
			trusted = append(trusted, next)
		}
	}
	// Receipts are signed by keys of a name of their own, which nothing in the
	// log's keys vouches for, and which cannot sign a checkpoint.
	v.keys = trusted
	_, err := evidence.VerifyCheckpoint(v.small[fileCheckpoint], origin, trusted)
	if err != nil {
		err = errors.New("the checkpoint is not signed by the log keys that you name, nor by their successors")
	}
	v.state("log-key", err, true, "the log's key is one that you name, or its successor")
	receipts := func(key string) bool { return strings.HasPrefix(key, evidence.ReceiptName(origin)+"+") }
	if !slices.ContainsFunc(trusted, receipts) {
		for _, key := range keys {
			if receipts(key) {
				v.compare(key)
			}
		}
	}
}

// unique returns keys, each once: one named twice would be ambiguous.
func unique(keys []string) []string {
	out := slices.Clone(keys)
	slices.Sort(out)
	return slices.Compact(out)
}

func (v *verification) checkpoint() {
	head, err := evidence.VerifyCheckpoint(v.small[fileCheckpoint], v.origin, v.keys)
	v.head = head
	v.state("checkpoint", err, true, "the log %s had %d entries under the root %s", v.origin, head.Size, head.Root)
}

// entries proves every entry and that all are of one operation.
func (v *verification) entries() {
	var problems []error
	for n := 1; v.small[fmt.Sprintf("entries/%d/%s", n, fileRecord)] != nil; n++ {
		if n > maxEntries {
			problems = append(problems, errors.New("too many entries"))
			break
		}
		r, leaf, err := v.entry(n)
		problems = append(problems, err)
		v.records = append(v.records, r)
		if r.Phase == evidence.PhaseOutcome {
			v.outcome, v.named = r, r.Artefacts
			if r.Intent != "" && (n == 1 || r.Intent != v.intent(n-1)) {
				problems = append(problems, errors.New("the outcome is of another intent"))
			}
		}
		if r.Phase == evidence.PhaseEvent && v.outcome.Phase == "" {
			v.named = append(slices.Clip(v.named), r.Artefacts...)
		}
		if r.Operation != v.records[0].Operation || r.Organisation != v.records[0].Organisation {
			problems = append(problems, errors.New("the entries are of different operations"))
		}
		v.receipt(n, leaf, r)
	}
	first := v.records[0]
	ended := v.outcome.Phase != "" || v.intent(len(v.records)) == ""
	v.report.Operation, v.report.Kind = first.Operation, first.Kind
	result := string(v.outcome.Result.Status)
	switch {
	case !ended:
		result = "no outcome"
	case result == "":
		result = orElse(string(first.Result.Status), "an event")
	}
	v.state("operation", errors.Join(problems...), ended, "%s %s of %s, asked for by %s: %s",
		first.Kind, first.Operation, first.Organisation, orElse(first.Actor.Application, "nobody named"), result)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// intent returns the leaf of the nearest intent at or before entry n.
func (v *verification) intent(n int) string {
	for ; n >= 1; n-- {
		if v.records[n-1].Phase == evidence.PhaseIntent {
			leaf := v.leaf(n)
			return hex.EncodeToString(leaf[:])
		}
	}
	return ""
}

func (v *verification) leaf(n int) [32]byte {
	dir := fmt.Sprintf("entries/%d/", n)
	var salt [32]byte
	copy(salt[:], v.small[dir+fileSalt])
	return evidence.LeafData(salt, v.small[dir+fileRecord])
}

// entry proves that a record is in the log. The error is of the record itself.
func (v *verification) entry(n int) (evidence.Record, [32]byte, error) {
	dir := fmt.Sprintf("entries/%d/", n)
	leaf := v.leaf(n)
	index, head, err := evidence.VerifyProof(v.small[dir+fileProof], leaf, v.origin, v.keys)
	switch {
	case len(v.small[dir+fileSalt]) != 32:
		err = errors.New("the salt has not 32 bytes")
	case err != nil:
	case head != v.head || !v.under(n):
		err = errors.New("the proof is under another checkpoint")
	}
	v.state(fmt.Sprintf("entry-%d", n), err, true, "the record is entry %d of the log", index)
	r, err := evidence.ParseRecord(v.small[dir+fileRecord])
	return r, leaf, err
}

// under tells whether the checkpoint in the proof of entry n is, byte for byte, the
// one that stands by itself, with nothing but cosignatures behind it: what is
// timestamped is what the proof is under.
func (v *verification) under(n int) bool {
	_, _, checkpoint, err := evidence.ParseProof(v.small[fmt.Sprintf("entries/%d/%s", n, fileProof)])
	return err == nil && bytes.HasPrefix(checkpoint, v.small[fileCheckpoint])
}

// receipt proves that the gateway wrote the entry: whoever holds its database can
// put a record into the log, but has no receipt for it. An intent has none; the
// outcome's vouches for it. One by a key that only the bundle names is Unproven,
// as is one that is not here.
func (v *verification) receipt(n int, leaf [32]byte, r evidence.Record) {
	id := fmt.Sprintf("receipt-%d", n)
	msg := v.small[fmt.Sprintf("entries/%d/%s", n, fileReceipt)]
	if msg == nil {
		if r.Phase != evidence.PhaseIntent {
			v.state(id, nil, false, "there is none: nothing shows that the gateway wrote the record")
		}
		return
	}
	proven, by := len(v.opts.LogKeys) > 0, "by a receipt key that you name"
	got, err := evidence.VerifyReceipt(msg, v.keys)
	if err != nil {
		keys, _ := v.lines(fileKeys)
		got, err = evidence.VerifyReceipt(msg, unique(keys))
		proven = false
	}
	if !proven {
		by = "by a key that only the bundle names"
	}
	if err == nil && (got.Leaf != leaf || got.Origin != v.origin || got.Operation != r.Operation || got.Kind != r.Kind || got.Phase != r.Phase || !got.Time.Equal(r.Time)) {
		err = errors.New("the receipt is for another entry")
	}
	v.state(id, err, proven, "the log promised it by %s, %s", got.Promise.Format(time.RFC3339), by)
}

// consistency proves that the log only grew since an earlier checkpoint.
func (v *verification) consistency() {
	msg := v.small[fileEarlier]
	if msg == nil && v.small[fileConsistency] == nil {
		return
	}
	older, err := evidence.VerifyCheckpoint(msg, v.origin, unique(append(slices.Clone(v.keys), v.opts.LogKeys...)))
	if err == nil {
		err = evidence.VerifyConsistency(v.small[fileConsistency], older, v.head)
	}
	v.state("consistency", err, true, "the log only grew since it had %d entries", older.Size)
}

// witnesses proves that the witnesses the caller names have cosigned the
// checkpoint. Their signatures stand under it in the proofs.
func (v *verification) witnesses() {
	if len(v.opts.Witnesses) == 0 {
		return
	}
	proof := v.small["entries/1/"+fileProof]
	_, head, err := evidence.VerifyProof(proof, v.leaf(1), v.origin, v.keys)
	if err == nil && head != v.head {
		err = errors.New("the proof is under another checkpoint")
	}
	_, _, checkpoint, _ := evidence.ParseProof(proof)
	if err != nil {
		v.state("witnesses", err, true, "")
		return
	}
	found, err := evidence.VerifyCosignatures(checkpoint, v.opts.Witnesses)
	said := make([]string, len(found))
	for i, c := range found {
		said[i] = fmt.Sprintf("%s at %s", c.Name, c.Time.Format(time.RFC3339))
	}
	v.state("witnesses", err, len(found) == len(v.opts.Witnesses), "%d of the %d witnesses that you name have seen the checkpoint: %s",
		len(found), len(v.opts.Witnesses), strings.Join(said, ", "))
}
