package report

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/absah-id/absah/verifier"
)

//go:embed messages_id.json messages_en.json
var messageFiles embed.FS

// Language is a language of reports.
type Language string

// The languages. The zero Language is Indonesian.
const (
	Indonesian Language = "id"
	English    Language = "en"
)

// Words are the messages of one language by key. They must not be changed.
type Words map[string]string

// WordsIn returns the messages of a language. The error says that it is not
// known.
func WordsIn(l Language) (Words, error) {
	if l == "" {
		l = Indonesian
	}
	data, err := messageFiles.ReadFile("messages_" + string(l) + ".json")
	if err != nil {
		return nil, fmt.Errorf("report: no language is called %q", string(l))
	}
	var w Words
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("report: messages in %s: %w", l, err)
	}
	return w, nil
}

// Text returns the message of a key, with args filled in as by fmt.Sprintf. A
// key without a message is shown itself: a gap that readers can report.
func (w Words) Text(key string, args ...any) string {
	format, known := w[key]
	if !known {
		return key
	}
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// Reason is the message of a code, followed by the code so that two people can
// talk about it in two languages. The rules of PDF syntax, of which there are
// hundreds, share one message, and what was found where follows in the
// verifier's words.
func (w Words) Reason(r verifier.Reason) string {
	if message, known := w["code."+r.Code]; known {
		return fmt.Sprintf("%s [%s]", message, r.Code)
	}
	text := fmt.Sprintf("%s [%s]", w.Text("code.*"), r.Code)
	if r.Text != "" {
		text += " " + r.Text
	}
	return text
}

// Full is [Words.Reason] with what was found where, in the verifier's words and
// therefore in English, unless that says no more than the message.
func (w Words) Full(r verifier.Reason) string {
	message, known := w["code."+r.Code]
	if !known {
		return w.Reason(r)
	}
	text := r.Text
	for _, said := range []string{"malformed PDF: ", "cms: constraint ", r.Code + ": "} {
		text = strings.TrimPrefix(text, said)
	}
	plain := func(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }
	if text == "" || plain(text) == plain(message) {
		return fmt.Sprintf("%s [%s]", message, r.Code)
	}
	return fmt.Sprintf("%s [%s] %s", message, r.Code, text)
}

// SubIndication is the message of a sub-indication with its name in ETSI's
// spelling.
func (w Words) SubIndication(s verifier.SubIndication) string {
	return fmt.Sprintf("%s [%s]", w.Text("sub."+string(s)), s)
}

// Constraint is the message of a constraint that was met, or of the reason why
// it was not, followed by the code.
func (w Words) Constraint(c verifier.Constraint) string {
	if message, known := w["check."+c.Code]; known && c.OK {
		return fmt.Sprintf("%s [%s]", message, c.Code)
	}
	return w.Reason(verifier.Reason{Code: c.Code})
}

// Block is what a building block does, followed by its short name and the
// clause of EN 319 102-1.
func (w Words) Block(b *verifier.Block) string {
	name := b.Name
	if message, known := w["block."+b.Name]; known {
		name = message + ", " + b.Name
	}
	return fmt.Sprintf("%s (EN 319 102-1, %s)", name, b.Clause)
}

// timestampsOnly is the end of the keys of what is told of a file that has nothing
// but timestamps.
const timestampsOnly = "TIMESTAMPS"

// Told returns the verdict that people are told of a file, and the end of the keys
// of the messages about it. A file with timestamps and without signatures is not
// signed, however valid these are (EN 319 102-1 judges those alone that are there):
// anybody can have a text stamped that he has written himself. That something is
// wrong with one, or in doubt, is told as it is.
func Told(r *verifier.Report) (v verifier.Verdict, key string) {
	if len(r.Signatures) == 0 || hasSignature(r) || r.Verdict != verifier.TotalPassed {
		return r.Verdict, string(r.Verdict)
	}
	return verifier.NoSignature, timestampsOnly
}

// Status says what is known of a certificate's revocation, seen from the time
// at which it counts; "" for the zero status. Times are written by format.
func (w Words) Status(s verifier.CertificateStatus, counts time.Time, format func(time.Time) string) string {
	kind := "CRL"
	if s.OCSP {
		kind = "OCSP"
	}
	by := s.Signer.CommonName
	if by == "" {
		by = s.Signer.Organization
	}
	by = Visible(by)
	switch s.State {
	case "":
		return ""
	case "good":
		return w.Text("status.good", kind, by, format(s.ThisUpdate))
	case "exempt":
		return w.Text("status.exempt")
	case "on-hold":
		return w.Text("status.on-hold", format(s.RevokedAt), kind, by)
	case "revoked":
		if s.RevokedAt.After(counts) {
			return w.Text("status.revoked-later", format(s.RevokedAt), kind, by)
		}
		return w.Text("status.revoked", format(s.RevokedAt), kind, by)
	}
	return w.Text("status.unknown")
}
