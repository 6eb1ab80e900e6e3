package paper

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/font"
	"github.com/absah-id/absah/verifier/report"
)

// Measures of the page in points: A4 with margins wide enough for a file.
const (
	pageWidth, pageHeight = 595.276, 841.89
	marginLeft            = 62.0
	marginRight           = 56.0
	marginTop             = 64.0
	marginBottom          = 68.0
	contentWidth          = pageWidth - marginLeft - marginRight
)

// colour is red, green and blue from 0 to 1.
type colour [3]float64

var (
	black  = colour{0.08, 0.09, 0.11}
	grey   = colour{0.40, 0.42, 0.45}
	silver = colour{0.80, 0.81, 0.83}
	white  = colour{1, 1, 1}
)

// style is how text is set.
type style struct {
	face    face
	size    float64 // points
	leading float64 // from baseline to baseline, in sizes
	colour  colour
}

// face chooses a font.
type face int

const (
	regular face = iota
	bold
	mono
)

// tag is a structure type (ISO 32000-2 §14.8.4).
type tag pdf.Name

const (
	tagTitle     tag = "H1"
	tagHeading   tag = "H2"
	tagParagraph tag = "P"
	tagQuote     tag = "BlockQuote"
)

// canvas lays text from top to bottom on as many pages as it takes.
type canvas struct {
	fonts [3]*font.Face
	pages []*bytes.Buffer
	marks []int // marked-content identifiers given out, by page
	y     float64
	// elements are the structure of the document in reading order.
	elements []element
	open     bool // the last element has a marked-content sequence on this page
}

// element is one paragraph or heading and where its parts stand.
type element struct {
	tag   tag
	parts []part
}

type part struct{ page, mark int }

func newCanvas() (*canvas, error) {
	c := &canvas{}
	for i, load := range []func() (*font.Face, error){font.Regular, font.Bold, font.Mono} {
		f, err := load()
		if err != nil {
			return nil, err
		}
		c.fonts[i] = f
	}
	c.newPage()
	return c, nil
}

func (c *canvas) page() *bytes.Buffer { return c.pages[len(c.pages)-1] }

func (c *canvas) op(format string, args ...any) { fmt.Fprintf(c.page(), format+"\n", args...) }

func (c *canvas) newPage() {
	reopen := c.open
	c.endMark()
	c.pages = append(c.pages, &bytes.Buffer{})
	c.marks = append(c.marks, 0)
	c.y = pageHeight - marginTop
	c.op("/C cs /C CS")
	if reopen {
		c.beginMark()
	}
}

// room makes sure that height points are left on the page.
func (c *canvas) room(height float64) {
	if c.y-height < marginBottom {
		c.newPage()
	}
}

// space leaves a gap, which no page begins with.
func (c *canvas) space(height float64) {
	if c.y < pageHeight-marginTop {
		c.y -= height
	}
}

// begin starts an element; what is drawn as text until end belongs to it.
func (c *canvas) begin(t tag) {
	c.elements = append(c.elements, element{tag: t})
	c.beginMark()
}

func (c *canvas) beginMark() {
	e := &c.elements[len(c.elements)-1]
	at := len(c.pages) - 1
	e.parts = append(e.parts, part{at, c.marks[at]})
	c.op("/%s <</MCID %d>> BDC", string(e.tag), c.marks[at])
	c.marks[at]++
	c.open = true
}

func (c *canvas) endMark() {
	if c.open {
		c.op("EMC")
		c.open = false
	}
}

// end closes the element.
func (c *canvas) end() { c.endMark() }

// artifact draws what is not part of the text.
func (c *canvas) artifact(draw func()) {
	c.op("/Artifact BMC")
	draw()
	c.op("EMC")
}

// fill draws a filled rectangle.
func (c *canvas) fill(x, y, w, h float64, k colour) {
	c.artifact(func() { c.op("%s sc %s %s %s %s re f", k, num(x), num(y), num(w), num(h)) })
}

// rule draws a hairline over the width of the text.
func (c *canvas) rule(k colour) {
	c.artifact(func() {
		c.op("%s SC 0.6 w %s %s m %s %s l S", k, num(marginLeft), num(c.y), num(pageWidth-marginRight), num(c.y))
	})
}

// put shows one line at a place, without laying it out.
func (c *canvas) put(s style, x, y float64, text string) {
	c.op("BT %s sc /F%d %s Tf 1 0 0 1 %s %s Tm %s Tj ET", s.colour, s.face, num(s.size), num(x), num(y), c.fonts[s.face].Show(text))
}

func (c *canvas) width(s style, text string) float64 { return c.fonts[s.face].Width(text) * s.size }

// lines sets lines below each other from x and moves down. A page that is
// full is turned.
func (c *canvas) lines(s style, x float64, lines []string) {
	step := s.size * s.leading
	for _, l := range lines {
		c.room(step)
		c.y -= step
		c.put(s, x, c.y+s.size*(s.leading-1)*0.9, l)
	}
}

// shortParagraph is how many lines are not divided between pages.
const shortParagraph = 6

// paragraph is an element of its own over the width given. A short one is not
// divided between pages.
func (c *canvas) paragraph(t tag, s style, x, width float64, text string) {
	lines := c.wrap(s, width, text)
	if len(lines) <= shortParagraph {
		c.room(float64(len(lines)) * s.size * s.leading)
	}
	c.begin(t)
	c.lines(s, x, lines)
	c.end()
}

// drawable replaces what the font lacks by code points.
func (c *canvas) drawable(s style, text string) string {
	f := c.fonts[s.face]
	var b strings.Builder
	for _, r := range text {
		if f.Has(r) && !report.Hidden(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(report.CodePoint(r))
		}
	}
	return b.String()
}

// wrap breaks text into lines of at most width points, between words, and
// inside those that are wider than a line.
func (c *canvas) wrap(s style, width float64, text string) []string {
	var lines []string
	current := ""
	for _, word := range strings.Fields(c.drawable(s, text)) {
		joined := word
		if current != "" {
			joined = current + " " + word
		}
		if c.width(s, joined) <= width {
			current = joined
			continue
		}
		if current != "" {
			lines = append(lines, current)
		}
		var whole []string
		whole, current = c.split(s, width, word)
		lines = append(lines, whole...)
	}
	return append(lines, current)
}

// split cuts a word into pieces of at most width points; rest is the last.
func (c *canvas) split(s style, width float64, word string) (whole []string, rest string) {
	from, sum := 0, 0.0
	for i, r := range word {
		w := c.width(s, string(r))
		if sum+w > width && i > from {
			whole = append(whole, word[from:i])
			from, sum = i, 0
		}
		sum += w
	}
	return whole, word[from:]
}

// String writes the operands of sc.
func (k colour) String() string {
	return num(k[0]) + " " + num(k[1]) + " " + num(k[2])
}

// num writes a coordinate: at most three decimals, no exponent, no -0.
func num(v float64) string {
	s := strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}

// finish writes the pages, their structure, fonts and metadata.
func (c *canvas) finish(f *file, root pdf.Dict) ([]byte, error) {
	fonts := pdf.Dict{}
	for i, face := range c.fonts {
		if !face.Used() {
			continue
		}
		ref, err := face.Embed(f)
		if err != nil {
			return nil, err
		}
		fonts[pdf.Name(fmt.Sprintf("F%d", i))] = ref
	}
	resources := f.Add(pdf.Dict{"Font": fonts, "ColorSpace": pdf.Dict{"C": calibrated()}})
	tree := f.Add(pdf.Null{})
	pages := make(pdf.Array, len(c.pages))
	for i, content := range c.pages {
		pages[i] = f.Add(pdf.Dict{
			"Type": pdf.Name("Page"), "Parent": tree, "Resources": resources, "Tabs": pdf.Name("S"), "StructParents": pdf.Integer(i),
			"MediaBox": pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Real(pageWidth), pdf.Real(pageHeight)},
			"Contents": f.Add(pdf.NewFlateStream(pdf.Dict{}, content.Bytes())),
		})
	}
	f.set(tree, pdf.Dict{"Type": pdf.Name("Pages"), "Kids": pages, "Count": pdf.Integer(len(pages))})
	root["Type"], root["Pages"] = pdf.Name("Catalog"), tree
	root["MarkInfo"] = pdf.Dict{"Marked": pdf.Boolean(true)}
	root["StructTreeRoot"] = c.structure(f, pages)
	root["ViewerPreferences"] = pdf.Dict{"DisplayDocTitle": pdf.Boolean(true)}
	return f.bytes(f.Add(root)), nil
}

// structure writes the structure tree: one Document with the elements in
// reading order, and for each page which element its marks belong to.
func (c *canvas) structure(f *file, pages pdf.Array) pdf.Ref {
	root, document := f.Add(pdf.Null{}), f.Add(pdf.Null{})
	parents := make([]pdf.Array, len(pages))
	for i, n := range c.marks {
		parents[i] = make(pdf.Array, n)
	}
	kids := make(pdf.Array, 0, len(c.elements))
	for _, e := range c.elements {
		var parts pdf.Array
		for _, p := range e.parts {
			parts = append(parts, pdf.Dict{"Type": pdf.Name("MCR"), "Pg": pages[p.page], "MCID": pdf.Integer(p.mark)})
		}
		ref := f.Add(pdf.Dict{"Type": pdf.Name("StructElem"), "S": pdf.Name(e.tag), "P": document, "K": parts})
		for _, p := range e.parts {
			parents[p.page][p.mark] = ref
		}
		kids = append(kids, ref)
	}
	nums := make(pdf.Array, 0, 2*len(pages))
	for i, p := range parents {
		nums = append(nums, pdf.Integer(i), f.Add(p))
	}
	f.set(document, pdf.Dict{"Type": pdf.Name("StructElem"), "S": pdf.Name("Document"), "P": root, "K": kids})
	f.set(root, pdf.Dict{
		"Type": pdf.Name("StructTreeRoot"), "K": document, "ParentTree": f.Add(pdf.Dict{"Nums": nums}),
		"ParentTreeNextKey": pdf.Integer(len(pages)),
	})
	return root
}

// calibrated is sRGB's primaries and white at gamma 2.2, which needs no output
// intent (ISO 19005-2 §6.2.4.2).
func calibrated() pdf.Array {
	reals := func(vs ...float64) pdf.Array {
		a := make(pdf.Array, len(vs))
		for i, v := range vs {
			a[i] = pdf.Real(v)
		}
		return a
	}
	return pdf.Array{pdf.Name("CalRGB"), pdf.Dict{
		"WhitePoint": reals(0.9505, 1, 1.089), "Gamma": reals(2.2, 2.2, 2.2),
		"Matrix": reals(0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505),
	}}
}

// within draws on a page that is finished, outside of its text.
func (c *canvas) within(page *bytes.Buffer, draw func()) {
	all := c.pages
	c.pages = []*bytes.Buffer{page}
	c.artifact(draw)
	c.pages = all
}
