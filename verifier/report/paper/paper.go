package paper

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
)

// Options say how a report is printed.
type Options struct {
	Language report.Language // zero is Indonesian
	Zone     *time.Location  // of the times shown; nil is Western Indonesian Time, UTC+7
	Version  string          // of Absah; "" leaves it out
	Detailed bool            // add every building block and constraint
	// Chosen says that the moment of validation was given by who asked, and is
	// not that of a clock.
	Chosen bool
	// Registrations are what has become of the documents that the file is, where
	// that is not what its signatures say.
	Registrations []report.Registration
}

// Caps on lists that a document can make long. Everything is in the text and
// XML reports.
const (
	maxSignatures = 300
	maxChanges    = 8
	maxReasons    = 8
	maxBlocks     = 3000 // lines of the detailed part
)

// wib is the default zone.
var wib = time.FixedZone("WIB", 7*60*60)

// Write prints r. The error is that of w, or about an unknown language.
func Write(w io.Writer, r *verifier.Report, o Options) error {
	words, err := report.WordsIn(o.Language)
	if err != nil {
		return err
	}
	if o.Language == "" {
		o.Language = report.Indonesian
	}
	if o.Zone == nil {
		o.Zone = wib
	}
	c, err := newCanvas()
	if err != nil {
		return err
	}
	p := &printer{canvas: c, r: r, o: o, words: words}
	p.print()
	f := &file{}
	out, err := c.finish(f, pdf.Dict{
		"Lang":     pdf.String(o.Language),
		"Metadata": f.Add(metadata(words.Text("paper.title")+": "+report.Visible(r.File), string(o.Language), r.At)),
	})
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}

// printer lays one report out.
type printer struct {
	*canvas
	r     *verifier.Report
	o     Options
	words report.Words
}

// Styles of the report.
var (
	styleTitle   = style{bold, 17, 1.25, black}
	styleSub     = style{regular, 9, 1.4, grey}
	styleHeading = style{bold, 11.5, 1.35, black}
	styleName    = style{bold, 11, 1.3, black}
	styleText    = style{regular, 9.25, 1.42, black}
	styleLabel   = style{regular, 9.25, 1.42, grey}
	styleMono    = style{mono, 8, 1.6, black}
	styleSmall   = style{regular, 7.5, 1.35, grey}
	styleFine    = style{regular, 7.75, 1.38, black}
)

// labelWidth is that of the column of labels.
const labelWidth = 128.0

func (p *printer) print() {
	p.title()
	p.verdict()
	p.registrations()
	p.document()
	p.signatures()
	p.notes()
	p.guide()
	if p.o.Detailed {
		p.details()
	}
	p.furnish()
}

func (p *printer) title() {
	p.paragraph(tagTitle, styleTitle, marginLeft, contentWidth, p.words.Text("paper.title"))
	p.paragraph(tagParagraph, styleSub, marginLeft, contentWidth, p.words.Text("paper.subtitle"))
	p.space(10)
}

// verdict is the panel that must be understood without reading on.
func (p *printer) verdict() {
	verdict, key := report.Told(p.r)
	say := []string{p.words.Text("paper.meaning." + key)}
	if text := p.why(); text != "" && verdict == p.r.Verdict {
		say = append(say, p.words.Text("paper.why", text))
	}
	p.panel(looks[verdict], 19, p.words.Text("paper.verdict."+string(verdict)), say...)
}

// maxRegistrations bounds the panels about registered documents.
const maxRegistrations = 4

// registrations are panels beside the verdict, which says nothing of what they
// say.
func (p *printer) registrations() {
	for i, r := range p.o.Registrations {
		if i == maxRegistrations {
			p.more(len(p.o.Registrations) - i)
			break
		}
		look := looks[verifier.VerdictUndetermined]
		if r.Status == "withdrawn" {
			look = looks[verifier.TotalFailed]
		}
		heading, sentence := p.words.Registration(r, p.time)
		p.panel(look, 15, heading, sentence, p.words.Text("registration.page")+": "+report.Visible(r.Address))
	}
}

// panel is a coloured area with a symbol, a heading of some size and sentences.
func (p *printer) panel(look look, size float64, heading string, sentences ...string) {
	const textLeft, right = marginLeft + 64, 14.0
	width := pageWidth - marginRight - right - textLeft
	word := style{bold, size, 1.2, look.ink}
	say := style{regular, 10, 1.4, black}
	words := p.wrap(word, width, heading)
	var said []string
	for _, s := range sentences {
		said = append(said, p.wrap(say, width, s)...)
	}
	height := 28 + float64(len(words))*word.size*word.leading + float64(len(said))*say.size*say.leading
	top := p.y
	p.fill(marginLeft, top-height, contentWidth, height, look.tint)
	p.fill(marginLeft, top-height, 5, height, look.ink)
	p.artifact(func() { p.symbol(look, marginLeft+35, top-height/2, 17) })
	p.y -= 12
	p.begin(tagParagraph)
	p.lines(word, textLeft, words)
	p.y -= 2
	p.lines(say, textLeft, said)
	p.end()
	p.y = top - height
	p.space(14)
}

// why is the first reason of the first signature that decided, or of the file.
func (p *printer) why() string {
	if len(p.r.Reasons) > 0 {
		return p.words.Reason(p.r.Reasons[0])
	}
	for _, s := range p.r.Signatures {
		worst := s.Indication == verifier.Failed && p.r.Verdict == verifier.TotalFailed ||
			s.Indication == verifier.Indeterminate && p.r.Verdict == verifier.VerdictUndetermined
		if worst && s.Sub != "" {
			return p.words.Text("sub." + string(s.Sub))
		}
		if worst && len(s.Reasons) > 0 {
			return p.words.Reason(s.Reasons[0])
		}
	}
	return ""
}

// heading begins a section, of which at least keep points stay with it.
func (p *printer) heading(keep float64, key string, args ...any) {
	p.space(8)
	p.room(40 + keep)
	p.paragraph(tagHeading, styleHeading, marginLeft, contentWidth, p.words.Text(key, args...))
	p.space(3)
	p.rule(silver)
	p.space(4)
}

// row is a label with a value beside it; an empty value is left out.
func (p *printer) row(key, value string) { p.rowIn(styleText, key, value) }

func (p *printer) rowIn(s style, key, value string) {
	if value == "" {
		return
	}
	label := p.wrap(styleLabel, labelWidth-10, p.words.Text(key))
	lines := p.wrap(s, contentWidth-labelWidth, value)
	step := styleText.size * styleText.leading
	p.room(step * float64(min(max(len(label), len(lines)), 4)))
	p.begin(tagParagraph)
	top, page := p.y, len(p.pages)
	p.lines(styleLabel, marginLeft, label)
	after := p.y
	p.y = top
	p.lines(s, marginLeft+labelWidth, lines)
	if len(p.pages) == page {
		p.y = min(p.y, after)
	}
	p.end()
	p.y -= 2
}

func (p *printer) document() {
	p.heading(30, "paper.document")
	p.row("paper.file", report.Visible(p.r.File))
	p.row("paper.size", p.words.Text("paper.bytes", p.thousands(p.r.Size)))
	if sum := p.r.Digest(); sum != "" {
		p.rowIn(styleMono, "sha256", grouped(sum))
	}
	clock := "paper.clock"
	if p.o.Chosen {
		clock = "paper.chosen"
	}
	p.row("moment", p.time(p.r.At)+", "+p.words.Text(clock))
	p.row("policy", p.words.Text("paper.policy", report.Visible(p.r.Policy)))
	p.row("catalogue", report.Visible(strings.Replace(p.r.Catalogue, " as of ", " "+p.words.Text("paper.asof")+" ", 1)))
	if p.o.Version != "" {
		p.row("paper.program", "Absah "+report.Visible(p.o.Version))
	}
	for i, why := range p.r.Reasons {
		if i > 0 || len(p.r.Reasons) > 1 {
			p.row("why", p.words.Reason(shown(why)))
		}
	}
	p.row("paper.contents", p.count())
}

// grouped divides a digest so that people can compare it.
func grouped(s string) string {
	var parts []string
	for i := 0; i < len(s); i += 8 {
		parts = append(parts, s[i:min(i+8, len(s))])
	}
	return strings.Join(parts, " ")
}

func (p *printer) count() string {
	signatures, stamps := 0, 0
	for _, s := range p.r.Signatures {
		if s.Kind == verifier.KindSignature {
			signatures++
		} else {
			stamps++
		}
	}
	if p.r.Verdict == verifier.Unreadable {
		return ""
	}
	return p.words.Text("paper.counts", signatures, stamps)
}

// thousands writes a number with the language's separator.
func (p *printer) thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + p.words.Text("paper.thousands") + s[i:]
	}
	return s
}

// time writes a moment with the name of the zone and its distance from UTC.
func (p *printer) time(t time.Time) string {
	t = t.In(p.o.Zone)
	zone, _ := t.Zone()
	if zone != "UTC" {
		zone += " (UTC" + t.Format("-07:00") + ")"
	}
	return fmt.Sprintf("%d %s %d, %s %s", t.Day(), p.words.Text("month."+strconv.Itoa(int(t.Month()))), t.Year(), t.Format("15:04:05"), zone)
}

// notes are the warnings about the whole file.
func (p *printer) notes() {
	if len(p.r.Warnings) == 0 {
		return
	}
	p.heading(30, "paper.notes")
	for i, n := range p.r.Warnings {
		if i == maxReasons {
			p.more(len(p.r.Warnings) - i)
			break
		}
		p.paragraph(tagParagraph, styleText, marginLeft, contentWidth, "• "+p.words.Reason(shown(n)))
	}
}

func (p *printer) more(n int) {
	p.paragraph(tagParagraph, styleSub, marginLeft, contentWidth, p.words.Text("paper.more", n))
}

// shown is a reason whose words are fit for paper.
func shown(r verifier.Reason) verifier.Reason {
	return verifier.Reason{Code: report.Visible(r.Code), Text: report.Visible(r.Text)}
}

// guide says what the report proves and what it does not.
func (p *printer) guide() {
	p.heading(30, "paper.guide")
	for i := 1; ; i++ {
		key := "paper.guide." + strconv.Itoa(i)
		text := p.words.Text(key)
		if text == key {
			return
		}
		p.paragraph(tagParagraph, styleFine, marginLeft, contentWidth, text)
		p.space(2.5)
	}
}

// details is the detailed part: every building block and constraint.
func (p *printer) details() {
	p.newPage()
	p.heading(30, "paper.details")
	left := maxBlocks
	for i, s := range p.r.Signatures {
		if i == maxSignatures || left <= 0 {
			break
		}
		p.space(6)
		p.paragraph(tagParagraph, style{bold, 9, 1.4, black}, marginLeft, contentWidth,
			fmt.Sprintf("%d. %s %s", i+1, p.words.Text("kind."+string(s.Kind)), report.Visible(s.Field)))
		p.block(s.Process, 0, &left)
		if s.Kind != verifier.KindSignature {
			continue
		}
		for _, t := range s.Timestamps {
			p.block(t.Process, 0, &left)
		}
	}
	if left <= 0 {
		p.paragraph(tagParagraph, styleSub, marginLeft, contentWidth, p.words.Text("paper.cut"))
	}
}

func (p *printer) block(b *verifier.Block, depth int, left *int) {
	if b == nil || depth > 20 || *left <= 0 {
		return
	}
	*left--
	x := marginLeft + 10*float64(min(depth, 12))
	head := styleFine
	head.face = bold
	title := report.Visible(p.words.Block(b))
	if b.Subject != "" {
		title += ", " + report.Visible(b.Subject)
	}
	p.paragraph(tagParagraph, head, x, pageWidth-marginRight-x, title+": "+report.Visible(b.Conclusion.String()))
	for _, c := range b.Constraints {
		if *left--; *left <= 0 {
			return
		}
		mark, s := p.words.Text("check.no"), styleFine
		if c.OK {
			mark = p.words.Text("check.ok")
		} else {
			s.colour = looks[verifier.TotalFailed].ink
		}
		text := report.Visible(p.words.Constraint(c)) + ": " + mark
		if c.Text != "" {
			text += " (" + report.Visible(c.Text) + ")"
		}
		p.paragraph(tagParagraph, s, x+10, pageWidth-marginRight-x-10, text)
	}
	for _, child := range b.Blocks {
		p.block(child, depth+1, left)
	}
}

// furnish adds to every page who speaks about what, and how many pages there
// are.
func (p *printer) furnish() {
	product := "Absah"
	if p.o.Version != "" {
		product += " " + report.Visible(p.o.Version)
	}
	foot := product
	if sum := p.r.Digest(); sum != "" {
		foot = fmt.Sprintf("SHA-256 %s… · %s", sum[:16], product)
	}
	foot = p.fitting(styleSmall, contentWidth-100, foot)
	title := p.words.Text("paper.title")
	name := p.fitting(styleSmall, contentWidth-20-p.width(styleSmall, title), report.Visible(p.r.File))
	for i, page := range p.pages {
		number := p.words.Text("paper.page", i+1, len(p.pages))
		p.within(page, func() {
			p.op("%s SC 0.6 w %s %s m %s %s l S", silver, num(marginLeft), num(marginBottom-14), num(pageWidth-marginRight), num(marginBottom-14))
			p.put(styleSmall, marginLeft, marginBottom-26, foot)
			p.put(styleSmall, pageWidth-marginRight-p.width(styleSmall, number), marginBottom-26, number)
			if i > 0 {
				p.put(styleSmall, marginLeft, pageHeight-marginTop+22, title)
				p.put(styleSmall, pageWidth-marginRight-p.width(styleSmall, name), pageHeight-marginTop+22, name)
			}
		})
	}
}

// fitting cuts text to one line.
func (p *printer) fitting(s style, width float64, text string) string {
	text = p.drawable(s, text)
	if p.width(s, text) <= width {
		return text
	}
	whole, _ := p.split(s, width-p.width(s, "…"), text)
	return strings.TrimSpace(whole[0]) + "…"
}
