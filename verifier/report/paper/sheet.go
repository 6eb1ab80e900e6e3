package paper

import (
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/verifier/report"
)

// Sheet is a paper of the office other than a report: a letter, a case file.
type Sheet struct {
	Language report.Language // zero is Indonesian
	Title    string
	Subtitle string   // "" for none
	Head     []string // lines of a letterhead; nil: the title stands at the top
	At       time.Time
	Blocks   []Block
	Foot     string // after the last block; "" for none
	Version  string // of Absah; "" leaves it out
}

// Block is a piece of a sheet. What is set of it is printed in this order.
type Block struct {
	Heading string
	Label   string // beside Text
	Bullet  string // before Text
	Text    string // lines are paragraphs
	Small   string // under Text
	Apart   bool   // with more space before it
	Ending  bool   // it and what follows, Foot too, stay on one page: a few lines
	Quote   bool   // Text is somebody else's: it stands apart, behind a bar
}

// endingHeight is the room, in points, that the end of a letter takes: a closing
// sentence, who signs, and the foot.
const endingHeight = 135

// maxBlocksOfSheet bounds the blocks; more are cut, and their number printed.
const maxBlocksOfSheet = 2000

// WriteSheet prints s. The error is that of w, or about an unknown language.
func WriteSheet(w io.Writer, s Sheet) error {
	if s.Language == "" {
		s.Language = report.Indonesian
	}
	words, err := report.WordsIn(s.Language)
	if err != nil {
		return err
	}
	c, err := newCanvas()
	if err != nil {
		return err
	}
	p := &sheetPrinter{canvas: c, s: s, words: words}
	p.head()
	for i, b := range s.Blocks {
		if i == maxBlocksOfSheet {
			p.paragraph(tagParagraph, styleSub, marginLeft, contentWidth, words.Text("paper.more", len(s.Blocks)-i))
			break
		}
		p.block(b)
	}
	if s.Foot != "" {
		p.room(44)
		p.space(12)
		p.rule(silver)
		p.space(4)
		p.paragraph(tagParagraph, styleFine, marginLeft, contentWidth, report.Visible(s.Foot))
	}
	p.furnish()
	f := &file{}
	out, err := c.finish(f, pdf.Dict{
		"Lang": pdf.String(s.Language), "Metadata": f.Add(metadata(report.Visible(s.Title), string(s.Language), s.At)),
	})
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}

// sheetPrinter lays one sheet out.
type sheetPrinter struct {
	*canvas
	s     Sheet
	words report.Words
}

// Styles of a sheet.
var (
	styleOffice = style{bold, 13, 1.3, black}
	styleUnit   = style{regular, 9.5, 1.35, black}
	styleBody   = style{regular, 10, 1.45, black}
)

func (p *sheetPrinter) head() {
	if p.s.Head == nil {
		p.paragraph(tagTitle, styleTitle, marginLeft, contentWidth, report.Visible(p.s.Title))
		if p.s.Subtitle != "" {
			p.paragraph(tagParagraph, styleSub, marginLeft, contentWidth, report.Visible(p.s.Subtitle))
		}
		p.space(8)
		return
	}
	for i, line := range p.s.Head {
		s, t := styleUnit, tagParagraph
		if i == 0 {
			s, t = styleOffice, tagTitle
		}
		p.centred(t, s, report.Visible(line))
	}
	p.space(5)
	p.rule(black)
	p.y -= 2
	p.rule(black)
	p.space(14)
}

// centred is a paragraph of lines in the middle.
func (p *sheetPrinter) centred(t tag, s style, text string) {
	p.begin(t)
	for _, line := range p.wrap(s, contentWidth, text) {
		p.lines(s, marginLeft+(contentWidth-p.width(s, line))/2, []string{line})
	}
	p.end()
}

func (p *sheetPrinter) block(b Block) {
	if b.Ending {
		p.room(endingHeight)
	}
	if b.Heading != "" {
		p.space(10)
		p.room(60)
		p.paragraph(tagHeading, styleHeading, marginLeft, contentWidth, report.Visible(b.Heading))
		p.space(2)
		p.rule(silver)
		p.space(4)
	}
	if b.Apart {
		p.space(9)
	}
	switch {
	case b.Text == "" && b.Small == "":
		return
	case b.Label != "":
		p.beside(b.Label, b, labelWidth)
	case b.Bullet != "":
		p.beside(b.Bullet, b, 24)
	case b.Quote:
		p.quote(b.Text)
	default:
		p.text(styleBody, b.Text)
		p.text(styleSmall, b.Small)
	}
	p.space(3)
}

// quoteIndent is the room, in points, of the bar beside a quotation.
const quoteIndent = 16

// quote prints what somebody wrote so that it cannot be taken for words of the
// office, whatever it says and however it is laid out: with a bar beside every
// line, over pages too, and nothing of the paper's own beside it.
func (p *sheetPrinter) quote(text string) {
	p.room(shortParagraph * styleBody.size * styleBody.leading) // the bar begins where the text does
	from, top := len(p.pages)-1, p.y
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimSpace(line) == "" {
			p.space(4)
			continue
		}
		p.paragraph(tagQuote, styleBody, marginLeft+quoteIndent, contentWidth-quoteIndent, visible(line))
	}
	for i := from; i < len(p.pages); i++ {
		upper, lower := pageHeight-marginTop, marginBottom
		if i == from {
			upper = top
		}
		if i == len(p.pages)-1 {
			lower = p.y
		}
		p.within(p.pages[i], func() {
			p.op("%s sc %s %s 2.5 %s re f", silver, num(marginLeft+3), num(lower-1), num(upper-lower))
		})
	}
	p.space(3)
}

// text prints paragraphs.
func (p *sheetPrinter) text(s style, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimSpace(line) != "" {
			p.paragraph(tagParagraph, s, marginLeft, contentWidth, visible(line))
		}
	}
}

// pieceLength is how many characters of a word are made visible at once;
// report.Visible cuts what is longer.
const pieceLength = 256

// visible is report.Visible for what the office and its people wrote, which may
// be long and is printed whole, words without an end too.
func visible(line string) string {
	var b strings.Builder
	for word := range strings.FieldsSeq(line) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		for piece := range slices.Chunk([]rune(norm.NFC.String(word)), pieceLength) {
			b.WriteString(report.Visible(string(piece)))
		}
	}
	return b.String()
}

// beside prints a label in a column of its own, and text and small print of the
// block in another.
func (p *sheetPrinter) beside(label string, b Block, width float64) {
	names := p.wrap(styleBody, width-8, report.Visible(label))
	lines := p.wrap(styleBody, contentWidth-width, visible(b.Text))
	step := styleBody.size * styleBody.leading
	p.room(step * float64(min(max(len(names), len(lines)), 4)))
	p.begin(tagParagraph)
	top, page := p.y, len(p.pages)
	soft := styleBody
	soft.colour = grey
	p.lines(soft, marginLeft, names)
	after := p.y
	if len(p.pages) == page {
		p.y = top
	}
	p.lines(styleBody, marginLeft+width, lines)
	if b.Small != "" {
		p.lines(styleSmall, marginLeft+width, p.wrap(styleSmall, contentWidth-width, visible(b.Small)))
	}
	if len(p.pages) == page {
		p.y = min(p.y, after)
	}
	p.end()
}

// furnish adds the foot of every page.
func (p *sheetPrinter) furnish() {
	foot := p.s.Title
	if p.s.Version != "" {
		foot += " · Absah " + p.s.Version
	}
	foot = p.drawable(styleSmall, report.Visible(foot))
	for i, page := range p.pages {
		number := p.words.Text("paper.page", i+1, len(p.pages))
		p.within(page, func() {
			p.op("%s SC 0.6 w %s %s m %s %s l S", silver, num(marginLeft), num(marginBottom-14), num(pageWidth-marginRight), num(marginBottom-14))
			if p.width(styleSmall, foot) < contentWidth-60 {
				p.put(styleSmall, marginLeft, marginBottom-26, foot)
			}
			p.put(styleSmall, pageWidth-marginRight-p.width(styleSmall, number), marginBottom-26, number)
		})
	}
}
