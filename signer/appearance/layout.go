package appearance

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"rsc.io/qr"
)

// Measures of the design, in points unless said otherwise.
const (
	border       = 0.5
	corner       = 3.0  // radius
	quietZone    = 4    // modules around a QR code (ISO/IEC 18004 §6.3.8)
	finestModule = 0.4  // smaller ones do not survive printing
	coarseModule = 0.9  // from here on error correction level Q is affordable
	logoShare    = 0.22 // of the code's side: 5 % of its area, level H mends 30 %
	maxTextSize  = 12.0
	minTextSize  = 3.5 // below it nothing is shrunk but dropped and cut
	sizeStep     = 0.25
	leading      = 1.2
)

// Greys: 0 is black.
const (
	inkStrong = 0.0
	inkNormal = 0.13
	inkSoft   = 0.38
	inkBorder = 0.62
)

// rectangle is an area of the drawing.
type rectangle struct{ x, y, w, h float64 }

func (r rectangle) inset(by float64) rectangle {
	return rectangle{r.x + by, r.y + by, math.Max(r.w-2*by, 0), math.Max(r.h-2*by, 0)}
}

// layOut divides the rectangle between border, code, text and image and draws
// them: code left, text, image right when it is wide; stacked when it is tall.
// Without a code the image takes its place.
func (d *drawing) layOut(v Visible) error {
	area := rectangle{0, 0, d.width, d.height}
	blocks := d.blocks(v)
	if err := d.drawable(blocks); err != nil {
		return err
	}
	if v.QR != "" {
		if err := d.encode(v); err != nil {
			return err
		}
	}
	d.op("/G cs /G CS")
	if !v.Plain && len(blocks) > 0 {
		d.frame(area.inset(border / 2))
		side := math.Min(d.width, d.height)
		area = area.inset(math.Min(math.Min(math.Max(0.08*side, 3*border), 6), side/4))
	}
	wide := d.width >= 1.25*d.height
	if v.QR != "" {
		code, rest := cut(area, wide, len(blocks) == 0 && d.image == nil, 1)
		if err := d.drawCode(code); err != nil {
			return err
		}
		area = rest
		if d.image != nil && len(blocks) > 0 {
			var picture rectangle
			area, picture = cutEnd(area, wide)
			d.drawPicture("Im1", d.image, picture)
		}
	}
	if d.image != nil && (v.QR == "" || len(blocks) == 0) {
		aspect := float64(d.image.width) / float64(d.image.height)
		picture, rest := cut(area, wide, len(blocks) == 0, aspect)
		d.drawPicture("Im1", d.image, picture)
		area = rest
	}
	d.drawText(blocks, area, !wide && (v.QR != "" || d.image != nil))
	return nil
}

// cut takes from area the part for something of the given aspect (width by
// height), on the left when wide, else on top, and returns the rest without a
// gutter. With whole nothing is left.
func cut(area rectangle, wide, whole bool, aspect float64) (part, rest rectangle) {
	if whole {
		return area, rectangle{}
	}
	if wide {
		w := math.Min(area.h*aspect, 0.45*area.w)
		gutter := math.Min(0.03*area.w, 6)
		return rectangle{area.x, area.y, w, area.h},
			rectangle{area.x + w + gutter, area.y, area.w - w - gutter, area.h}
	}
	h := math.Min(area.w/aspect, 0.55*area.h)
	gutter := math.Min(0.03*area.h, 4)
	return rectangle{area.x, area.y + area.h - h, area.w, h},
		rectangle{area.x, area.y, area.w, area.h - h - gutter}
}

// cutEnd takes a quarter at the right, or at the bottom, for an image beside a
// code.
func cutEnd(area rectangle, wide bool) (rest, part rectangle) {
	if wide {
		w := 0.25 * area.w
		gutter := math.Min(0.03*area.w, 6)
		return rectangle{area.x, area.y, area.w - w - gutter, area.h}, rectangle{area.x + area.w - w, area.y, w, area.h}
	}
	h := 0.25 * area.h
	return rectangle{area.x, area.y + h, area.w, area.h - h}, rectangle{area.x, area.y, area.w, h}
}

// frame strokes a thin rectangle with round corners.
func (d *drawing) frame(r rectangle) {
	c := math.Min(corner, math.Min(r.w, r.h)/4)
	k := c * 0.4477 // where the control points of a quarter circle stand
	x0, y0, x1, y1 := r.x, r.y, r.x+r.w, r.y+r.h
	d.op("q %s SC %s w", num(inkBorder), num(border))
	d.op("%s %s m %s %s l", num(x0+c), num(y0), num(x1-c), num(y0))
	d.op("%s %s %s %s %s %s c %s %s l", num(x1-k), num(y0), num(x1), num(y0+k), num(x1), num(y0+c), num(x1), num(y1-c))
	d.op("%s %s %s %s %s %s c %s %s l", num(x1), num(y1-k), num(x1-k), num(y1), num(x1-c), num(y1), num(x0+c), num(y1))
	d.op("%s %s %s %s %s %s c %s %s l", num(x0+k), num(y1), num(x0), num(y1-k), num(x0), num(y1-c), num(x0), num(y0+c))
	d.op("%s %s %s %s %s %s c s Q", num(x0), num(y0+k), num(x0+k), num(y0), num(x0+c), num(y0))
}

// encode makes the QR code: level H under a logo, else Q when its modules
// stay coarse, else M.
func (d *drawing) encode(v Visible) error {
	levels := []qr.Level{qr.Q, qr.M}
	if d.logo != nil {
		levels = []qr.Level{qr.H}
	}
	side := math.Min(v.Width, v.Height)
	for _, level := range levels {
		code, err := qr.Encode(v.QR, level)
		if err != nil {
			return refuse("qr-size", "the QR code cannot hold its contents: %v", err)
		}
		d.code = code
		if side/float64(code.Size+2*quietZone) >= coarseModule {
			break
		}
	}
	return nil
}

// drawCode fills area with the code on white: one path, one rectangle for each
// run of dark modules, so that no viewer shows seams inside a row.
func (d *drawing) drawCode(area rectangle) error {
	side := math.Min(area.w, area.h)
	modules := d.code.Size + 2*quietZone
	unit := side / float64(modules)
	if unit < finestModule {
		return refuse("qr-size", "the QR code would have modules of %.3g points; below %g they cannot be scanned from paper: use a larger rectangle or a shorter address", unit, finestModule)
	}
	x, y := area.x+(area.w-side)/2, area.y+(area.h-side)/2
	d.op("q 1 sc %s %s %s %s re f", num(x), num(y), num(side), num(side))
	d.op("q %s 0 0 %s %s %s cm 0 sc", num(unit), num(-unit), num(x+quietZone*unit), num(y+side-quietZone*unit))
	for row := range d.code.Size {
		for from := 0; from < d.code.Size; from++ {
			to := from
			for to < d.code.Size && d.code.Black(to, row) {
				to++
			}
			if to > from {
				d.op("%d %d %d 1 re", from, row, to-from)
				from = to
			}
		}
	}
	d.op("f Q")
	if d.logo != nil {
		d.drawLogo(x+side/2, y+side/2, logoShare*unit*float64(d.code.Size), unit)
	}
	d.op("Q")
	return nil
}

// drawLogo sets the logo on white around the middle of the code.
func (d *drawing) drawLogo(x, y, side, margin float64) {
	plate := rectangle{x - side/2, y - side/2, side, side}
	d.op("1 sc %s %s %s %s re f", num(plate.x), num(plate.y), num(side), num(side))
	d.drawPicture("Im2", d.logo, plate.inset(math.Min(margin/2, side/8)))
}

// drawPicture fits a picture into the middle of area.
func (d *drawing) drawPicture(name string, p *picture, area rectangle) {
	scale := math.Min(area.w/float64(p.width), area.h/float64(p.height))
	w, h := scale*float64(p.width), scale*float64(p.height)
	d.op("q %s 0 0 %s %s %s cm /%s Do Q", num(w), num(h), num(area.x+(area.w-w)/2), num(area.y+(area.h-h)/2), name)
}

// block is one paragraph. Lower rank is dropped later when space runs out.
type block struct {
	text   string
	face   *typeface
	scale  float64 // of the text size
	before float64 // space above, in text sizes
	ink    float64
	rank   int
}

// Ranks of blocks; further lines follow.
const (
	rankName = iota
	rankOffice
	rankHeading
	rankLine
)

func (d *drawing) blocks(v Visible) []block {
	all := []block{
		{v.Heading, d.regular, 0.82, 0, inkSoft, rankHeading},
		{v.Office, d.regular, 1, 0.25, inkNormal, rankOffice},
		{v.Name, d.bold, 1.08, 0.35, inkStrong, rankName},
	}
	for i, line := range v.Lines {
		all = append(all, block{line, d.regular, 0.82, 0.2, inkSoft, rankLine + i})
	}
	var kept []block
	for _, b := range all {
		if b.text != "" {
			kept = append(kept, b)
		}
	}
	return kept
}

// drawable refuses text with characters that the embedded fonts lack: a box in
// place of a letter would be a wrong name on a letter.
func (d *drawing) drawable(blocks []block) error {
	for _, b := range blocks {
		for _, r := range b.text {
			if !b.face.Has(r) {
				return refuse("appearance-text", "the embedded font has no character %q (%U)", r, r)
			}
		}
	}
	return nil
}

// line is one laid out line of a block.
type line struct {
	text  string
	block *block
	drop  float64 // from the baseline before, in text sizes
}

// drawText sets blocks as large as they fit into area, in the middle of its
// height, centred or from the left.
func (d *drawing) drawText(blocks []block, area rectangle, centred bool) {
	if len(blocks) == 0 || area.w <= 0 || area.h <= 0 {
		return
	}
	lines, size := fit(blocks, area)
	height := textHeight(lines) * size
	y := area.y + (area.h+height)/2
	d.op("BT")
	for i, l := range lines {
		ascent := 0.0
		if i == 0 { // from the top to the first baseline: its capitals
			ascent = capHeight * l.block.scale * size
			y -= ascent
		} else {
			y -= l.drop * size
		}
		x, points := area.x, l.block.scale*size
		if centred {
			x += (area.w - l.block.face.Width(l.text)*points) / 2
		}
		d.op("%s sc /%s %s Tf 1 0 0 1 %s %s Tm %s Tj", num(l.block.ink), l.block.face.resource, num(points), num(x), num(y), l.block.face.Show(l.text))
	}
	d.op("ET")
}

// capHeight and descent of the Go fonts, in ems.
const (
	capHeight = 0.72
	descent   = 0.21
)

// textHeight returns the height from the top of the first capitals to the
// bottom of the last descenders, in text sizes.
func textHeight(lines []line) float64 {
	if len(lines) == 0 {
		return 0
	}
	sum := capHeight*lines[0].block.scale + descent*lines[len(lines)-1].block.scale
	for _, l := range lines[1:] {
		sum += l.drop
	}
	return sum
}

// fit chooses the largest text size at which all blocks fit without breaking a
// word. When the smallest does not do, it drops blocks by rank, and in the end
// sets one line each, cut with an ellipsis, and shrinks those to the height.
func fit(blocks []block, area rectangle) ([]line, float64) {
	for {
		if lines, size := fitWhole(blocks, area); lines != nil {
			return lines, size
		}
		last := -1
		for i, b := range blocks {
			if b.rank > rankOffice && (last < 0 || b.rank > blocks[last].rank) {
				last = i
			}
		}
		if last < 0 || len(blocks) == 1 {
			return fitCut(blocks, area)
		}
		blocks = slices.Delete(slices.Clone(blocks), last, last+1)
	}
}

// fitWhole sets every word of the blocks: as large as they fit, or somewhat
// smaller when heading and name then keep to one line each. It returns nil when
// the smallest size is too large.
func fitWhole(blocks []block, area rectangle) (best []line, bestSize float64) {
	const concession = 0.72 // of the size, for the sake of unbroken names
	largest := math.Max(minTextSize, math.Min(maxTextSize, area.h/3))
	for size := largest; size >= minTextSize && (best == nil || size >= concession*bestSize); size -= sizeStep {
		lines, broken, ok := wrap(blocks, area.w/size)
		if !ok || textHeight(lines)*size > area.h {
			continue
		}
		if !broken {
			return lines, size
		}
		if best == nil {
			best, bestSize = lines, size
		}
	}
	return best, bestSize
}

// fitCut sets a line for each block, cut with an ellipsis; those that do not
// fit are dropped from the first on, and the name, which is last, stays.
func fitCut(blocks []block, area rectangle) ([]line, float64) {
	for ; ; blocks = blocks[1:] {
		lines := cutLines(blocks, area.w/minTextSize)
		size := math.Min(minTextSize, area.h/textHeight(lines))
		for _, l := range lines { // not even an ellipsis may be as narrow
			size = math.Min(size, area.w/(l.block.face.Width(l.text)*l.block.scale))
		}
		if size >= minTextSize || len(blocks) == 1 {
			return lines, size
		}
	}
}

// wrap breaks blocks into lines of at most width text sizes; ok is false when
// a word alone is wider, or a block takes more than four lines; broken is true
// when a heading or name takes more than one.
func wrap(blocks []block, width float64) (lines []line, broken, ok bool) {
	const most = 4
	for i := range blocks {
		b := &blocks[i]
		texts := wrapText(b.face, b.text, width/b.scale)
		if texts == nil || len(texts) > most {
			return nil, false, false
		}
		broken = broken || len(texts) > 1 && (b.rank == rankName || b.rank == rankHeading)
		for j, t := range balance(b.face, b.text, texts) {
			drop := leading * b.scale
			if j == 0 {
				drop += b.before
			}
			lines = append(lines, line{t, b, drop})
		}
	}
	return lines, broken, true
}

// balance breaks text into as many lines as given, but of like width: no word
// is left alone on the last one.
func balance(f *typeface, text string, lines []string) []string {
	if len(lines) < 2 {
		return lines
	}
	for width := f.Width(text) / float64(len(lines)); ; width += 0.25 {
		if texts := wrapText(f, text, width); texts != nil && len(texts) <= len(lines) {
			return texts
		}
	}
}

// wrapText breaks text between words so that no line is wider than width ems;
// nil when a word is.
func wrapText(f *typeface, text string, width float64) []string {
	var lines []string
	current := ""
	for _, word := range strings.Split(text, " ") {
		if f.Width(word) > width {
			return nil
		}
		if current != "" && f.Width(current+" "+word) <= width {
			current += " " + word
			continue
		}
		if current != "" {
			lines = append(lines, current)
		}
		current = word
	}
	return append(lines, current)
}

// cutLines sets each block on one line, cut with an ellipsis where needed.
func cutLines(blocks []block, width float64) []line {
	lines := make([]line, len(blocks))
	for i := range blocks {
		b := &blocks[i]
		lines[i] = line{ellipsis(b.face, b.text, width/b.scale), b, leading*b.scale + b.before}
	}
	return lines
}

func ellipsis(f *typeface, text string, width float64) string {
	if f.Width(text) <= width {
		return text
	}
	rs := []rune(text)
	for n := len(rs) - 1; n > 0; n-- {
		if s := strings.TrimRight(string(rs[:n]), " ,.") + "…"; f.Width(s) <= width {
			return s
		}
	}
	return "…"
}

// num writes a coordinate: at most three decimals, no exponent, no -0.
func num(v float64) string {
	s := fmt.Sprintf("%.3f", v)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}
