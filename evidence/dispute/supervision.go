package dispute

import (
	"slices"
	"time"
)

// Supervision is what the regular report on supervision tells: yearly to the
// head of the region, the governor and the PSrE (Perbup Bekasi 23/2023 art.
// 24(2)-(3), Perwali Tasikmalaya 48/2017 art. 24(3)-(4), Perbup Pasuruan 14/2023
// art. 25(3)-(4)), or every six months (Perbup Muara Enim 2/2025 art. 24).
type Supervision struct {
	From, To time.Time // To is the first moment after the period
	// Made are operations that ended well by kind, Failures refused and
	// failed signatures and seals by reason, Verdicts verifications by verdict.
	Made, Failures, Verdicts []Count
	// Expiring is how many certificates end within ninety days of the report.
	Expiring int
	// LogSize is the number of records in the log, CheckpointAt when its last
	// checkpoint was signed; Sound tells whether it keeps its promises.
	LogSize      int64
	CheckpointAt time.Time
	Sound        bool
	// Cases are those received in the period, and those that were open when it
	// began.
	Cases []Case
	// Withheld is how many more there are that are kept from whoever makes the
	// report, for a conflict of interest.
	Withheld int
	// Left is how many more there are than the report has room for; nothing of them
	// is in its sums.
	Left int
}

// Count is how often something occurred.
type Count struct {
	Name string
	N    int64
}

// Paper writes the report, at a moment.
func (s *Supervision) Paper(r Rules, w *Words, at time.Time) Paper {
	last := s.To.Add(-time.Second)
	p := Paper{
		Language: w.Language, Title: w.Text("supervision.title"), Head: r.Office.Head, At: at, Foot: w.Text("letter.seal"),
	}
	add := func(b ...Block) { p.Blocks = append(p.Blocks, b...) }
	add(Block{Heading: w.Text("supervision.title")},
		Block{Label: w.Text("supervision.period"), Text: w.Text("supervision.from-to", w.Date(s.From), w.Date(last))},
		Block{Label: w.Text("supervision.made-at"), Text: w.Moment(at)})
	for _, a := range r.Supervisors {
		add(Block{Text: w.Text("letter.to", a.Name)})
	}
	numbers := func(heading string, list []Count) {
		add(Block{Heading: w.Text(heading)})
		for _, n := range list {
			add(Block{Label: w.Named("count."+n.Name, n.Name), Text: number(n.N)})
		}
		if len(list) == 0 {
			add(Block{Text: w.Text("file.none")})
		}
	}
	numbers("supervision.made", s.Made)
	numbers("supervision.failures", s.Failures)
	numbers("supervision.verdicts", s.Verdicts)
	s.cases(r, w, at, add)
	sound := "supervision.sound"
	if !s.Sound {
		sound = "supervision.ill"
	}
	add(Block{Heading: w.Text("supervision.log")},
		Block{Label: w.Text("supervision.records"), Text: number(s.LogSize)},
		Block{Label: w.Text("supervision.checkpoint"), Text: w.Moment(s.CheckpointAt)},
		Block{Text: w.Text(sound)},
		Block{Heading: w.Text("supervision.certificates")},
		Block{Ending: true, Text: w.Text("supervision.expiring", s.Expiring)},
		Block{Apart: true, Text: r.Office.Title, Small: w.Text("supervision.privacy")})
	return p
}

// cases says how complaints went. It names nobody and tells no story.
func (s *Supervision) cases(r Rules, w *Words, at time.Time, add func(...Block)) {
	add(Block{Heading: w.Text("supervision.cases")})
	if len(s.Cases) == 0 {
		add(Block{Text: w.Text("file.none")})
	}
	late, incidents := 0, 0
	for _, c := range s.Cases {
		line := w.Text("kind."+string(c.Kind)) + "; " + w.Text("state."+string(c.State))
		if c.State == Closed {
			line += ": " + w.Text("outcome."+string(c.Outcome))
		}
		missed := slices.ContainsFunc(c.Deadlines(r), func(d Deadline) bool {
			u := d.At(at, r)
			return u == Overdue || u == DoneLate
		})
		if missed {
			late++
			line += " (" + w.Text("urgency.overdue") + ")"
		}
		if slices.Contains(r.Incidents, c.Kind) {
			incidents++
		}
		add(Block{Label: c.Number, Text: line, Small: w.Date(c.OpenedAt)})
	}
	add(Block{Apart: true, Text: w.Text("supervision.cases.sum", len(s.Cases), late, incidents)})
	if s.Withheld > 0 {
		add(Block{Text: w.Text("supervision.withheld", s.Withheld)})
	}
	if s.Left > 0 {
		add(Block{Text: w.Text("supervision.left", s.Left)})
	}
}

// Named is the message of a key, or another text when there is none.
func (w *Words) Named(key, otherwise string) string {
	if text, ok := w.words[key]; ok {
		return text
	}
	return otherwise
}
