package dispute

import (
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
)

//go:embed words_id.json words_en.json
var wordFiles embed.FS

// Language is one that words are written in.
type Language string

// The languages.
const (
	Indonesian Language = "id"
	English    Language = "en"
)

// Words writes statements and papers in one language, with times in one zone.
type Words struct {
	Language Language
	zone     *time.Location
	words    map[string]string
	reasons  report.Words
}

// reasonKey begins the argument of a statement that is the code of a reason of
// the verifier.
const reasonKey = "reason."

// reasoned are the statements whose last argument may be one. Elsewhere a text is a
// text: names come from strangers' certificates.
var reasoned = []string{"signature.failed", "signature.indeterminate", "signature.forbidden", "signature.damaged", "signature.intact-open"}

// WordsIn returns the words of a language; zone nil is UTC+7 (WIB).
func WordsIn(l Language, zone *time.Location) (*Words, error) {
	data, err := wordFiles.ReadFile("words_" + string(l) + ".json")
	if err != nil {
		return nil, fmt.Errorf("dispute: no words in %q", l)
	}
	w := &Words{Language: l, zone: zone}
	if zone == nil {
		w.zone = wib
	}
	if err := json.Unmarshal(data, &w.words); err != nil {
		return nil, fmt.Errorf("dispute: words in %s: %w", l, err)
	}
	if w.reasons, err = report.WordsIn(report.Language(l)); err != nil {
		return nil, fmt.Errorf("dispute: %w", err)
	}
	return w, nil
}

// Text is the message of a key, the key itself when there is none.
func (w *Words) Text(key string, args ...any) string {
	format, ok := w.words[key]
	if !ok {
		return key
	}
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// Statement writes a statement as a sentence. Texts in it come from documents
// and callers: they are to be made visible and escaped as such.
func (w *Words) Statement(s Statement) string {
	var args []any
	for i, a := range s.Args {
		switch {
		case !a.Time.IsZero():
			args = append(args, w.Moment(a.Time))
		case a.Text == "":
			args = append(args, w.Text("nothing"))
		case strings.HasPrefix(a.Text, reasonKey) && i == len(s.Args)-1 && slices.Contains(reasoned, s.Code):
			args = append(args, strings.TrimSuffix(w.reasons.Reason(verifier.Reason{Code: a.Text[len(reasonKey):]}), "."))
		default:
			args = append(args, a.Text)
		}
	}
	return w.Text("finding."+s.Code, args...)
}

// Moment writes a moment: 21 November 2026 pukul 10.09.17 WIB.
func (w *Words) Moment(t time.Time) string {
	if t.IsZero() {
		return w.Text("nothing")
	}
	local := t.In(w.zone)
	name, offset := local.Zone()
	if known, ok := map[int]string{7: "WIB", 8: "WITA", 9: "WIT"}[offset/3600]; ok {
		name = known
	}
	return w.Date(t) + local.Format(w.Text("hour")) + " " + name
}

// Date writes the day of a moment.
func (w *Words) Date(t time.Time) string {
	local := t.In(w.zone)
	return fmt.Sprintf("%d %s %d", local.Day(), w.Text("month."+strconv.Itoa(int(local.Month()))), local.Year())
}

// Due writes the last day of a deadline, which ends with that day.
func (w *Words) Due(d Deadline) string { return w.Date(d.Due.Add(-time.Second)) }

func args(texts ...string) []Arg {
	var out []Arg
	for _, t := range texts {
		out = append(out, text(t))
	}
	return out
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// list joins names; more counts those that were left out.
func list(names []string, more int) string {
	s := strings.Join(names, ", ")
	if more > 0 {
		s += fmt.Sprintf(" (+%d)", more)
	}
	return s
}

func sha256Hex(b []byte) string { return Hex(sha256.Sum256(b)) }
