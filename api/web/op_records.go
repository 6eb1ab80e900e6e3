package web

import (
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier/report"
)

// Records are what the console reads, as package gateway has it. Every reading
// is on record.
type Records interface {
	// Search finds operations and names who took part in them.
	Search(ctx context.Context, c gateway.Caller, q gateway.OperationQuery) (*gateway.Found, error)
}

// actView is an operation in a list.
type actView struct {
	Path       string
	At         text
	Kind       string
	State      string // class: passed, failed, open or unsigned
	Status     string
	Code       string // why it did not end well; ""
	Who, What  string // signer or subject; the application or person that asked
	Document   string // path; ""
	SignerPath string
}

// listView is a list of operations.
type listView struct {
	Acts []actView
	Next string // path of the page after; ""
}

// statusClasses are the classes of what came of operations.
var statusClasses = map[gateway.OperationStatus]string{
	gateway.OperationOK: "passed", gateway.OperationRefused: "open", gateway.OperationFailed: "failed",
	gateway.OperationUnknown: "failed", gateway.OperationPending: "unsigned",
}

// kindWord is what an operation is called; one without a word is its kind.
func (v *visit) kindWord(kind string) string {
	if word, known := v.look.words["op.kind."+kind]; known {
		return word
	}
	return report.Visible(kind)
}

func (v *visit) acts(found *gateway.Found) []actView {
	var all []actView
	for _, o := range found.Operations {
		a := actView{
			Path: v.to("/op/operation/" + o.ID), At: cut(v.look.words, stamp(o.StartedAt)), Kind: v.kindWord(o.Kind),
			State: statusClasses[o.Status], Status: v.look.words.Text("op.status." + string(o.Status)), Code: report.Visible(o.Code),
			Who: report.Visible(found.Names[o.Signer]), What: report.Visible(found.Asker(o)),
		}
		all = append(all, a)
	}
	return all
}

// searchView is the form of the search and what it found.
type searchView struct {
	Query  url.Values
	Found  *listView
	Wrong  string // a field that cannot be read; ""
	Kinds  []string
	States []gateway.OperationStatus
}

// searchPageSize is how many operations a page lists.
const searchPageSize = 50

func (v *visit) searchPage(string) error {
	c, err := v.staff(everyone...)
	if err != nil {
		return err
	}
	query := v.r.URL.Query()
	q, wrong := readSearch(query, zoneNamed(v.zone))
	view := searchView{Query: query, Wrong: wrong}
	if wrong == "" {
		found, err := v.cfg.Records.Search(v.r.Context(), c, q)
		if err != nil {
			return err
		}
		view.Found = &listView{Acts: v.acts(found)}
		if n := len(found.Operations); n == searchPageSize {
			query.Set("after", found.Operations[n-1].ID)
			view.Found.Next = v.r.URL.Path + "?" + query.Encode()
		}
	}
	return v.showOp(http.StatusOK, "op-search", v.look.words.Text("op.search.title"), view)
}

// readSearch reads the fields of the search, and names one that it cannot.
// Days are those of the zone.
func readSearch(query url.Values, zone *time.Location) (q gateway.OperationQuery, wrong string) {
	q.Page = gateway.Page{Limit: searchPageSize, After: query.Get("after")}
	q.Application, q.Signer, q.Document = query.Get("application"), query.Get("signer"), query.Get("document")
	q.Kind, q.Status = query.Get("kind"), gateway.OperationStatus(query.Get("status"))
	if text := strings.ToLower(strings.TrimSpace(query.Get("digest"))); text != "" {
		b, err := hex.DecodeString(text)
		if err != nil || len(b) != 32 {
			return q, "digest"
		}
		q.Digest = [32]byte(b)
	}
	day := func(name string, into *time.Time, add int) {
		text := query.Get(name)
		if text == "" || wrong != "" {
			return
		}
		at, err := time.ParseInLocation(time.DateOnly, text, zone)
		if err != nil {
			wrong = name
			return
		}
		*into = at.AddDate(0, 0, add).UTC()
	}
	day("from", &q.From, 0)
	day("to", &q.To, 1)
	return q, wrong
}

// overview is the first page of the console.
func (v *visit) overview(string) error {
	if _, err := v.staff(everyone...); err != nil {
		return err
	}
	return v.redirect("/op/search")
}
