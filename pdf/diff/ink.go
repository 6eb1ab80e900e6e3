package diff

import (
	"math"
	"strings"

	"github.com/absah-id/absah/pdf"
)

// maxPaths bounds the lines of background, border and comb of a text field.
// With enough lines letters can be drawn.
const maxPaths = 110

// drawn reads the text that an appearance draws. Anything that could show
// something else is [errDrawing]: other objects, images, curves, shapes smaller
// than borders and backgrounds are, a font that is not from the signed revision
// and carries its own glyphs.
func (d *differ) drawn(s *pdf.Stream) (*textReader, error) {
	data, err := d.new.StreamData(s, maxValue)
	if err == nil {
		err = d.chargeText(len(data))
	}
	if err != nil {
		return nil, err
	}
	res, err := dictOf(d.new, s.Dict["Resources"])
	if err != nil {
		return nil, err
	}
	fonts, err := dictOf(d.new, res["Font"])
	if err != nil {
		return nil, err
	}
	box, _, err := pdf.LookupRect(d.new, s.Dict, "BBox")
	if err != nil {
		return nil, err
	}
	t := &textReader{d: d, fonts: fonts, box: box, paper: white, read: map[pdf.Name]fontRead{}}
	return t, pdf.ScanContent(data, t.operator)
}

// textReader collects what the text operators of an appearance show.
type textReader struct {
	d      *differ
	fonts  pdf.Dict
	read   map[pdf.Name]fontRead // so that each is read once
	box    pdf.Rect              // of the appearance
	wide   *toUnicode            // of the current font, nil for one byte a character
	pieces []string              // one for each string that is not empty
	shown  bool                  // some text, not only space

	paths, short int
	at           [2]float64
	small        bool // the path has a part that could be one of a letter
	bent         bool // lengths in the contents are not those of the box
	// painted is set when an area was filled, or a thick line drawn: it may hide
	// what lies below.
	painted bool
	pen     float64
	paper   colour // of the last area

	ink   ink
	saved []ink
}

// colour is red, green and blue, from 0 to 1.
type colour [3]float64

var white = colour{1, 1, 1}

// ink is the part of the graphics state by which text can vanish.
type ink struct {
	colour       colour
	unclear      bool // a colour space whose colours are not known
	tiny, narrow bool
	space        pdf.Object
}

// unseen says whether one can draw the value by it so that nobody reads it.
func (k *ink) unseen(paper colour) bool {
	most := 0.0
	for i, v := range k.colour {
		most = max(most, math.Abs(v-paper[i]))
	}
	return k.tiny || k.narrow || k.unclear || most < leastContrast || min(k.colour[0], k.colour[1], k.colour[2]) > 0.9
}

// leastContrast is by how much one of red, green and blue must differ from what
// is below.
const leastContrast = 0.15

// leastSize is the font size, in units of the appearance, below which text is
// no longer read. It may be scaled up, and then is 1.
const leastSize = 1

func (t *textReader) operator(op string, args []pdf.Object) error {
	switch op {
	case "q":
		if len(t.saved) == maxPaths {
			return errDrawing
		}
		t.saved = append(t.saved, t.ink)
	case "Q":
		if n := len(t.saved); n > 0 {
			t.ink, t.saved = t.saved[n-1], t.saved[:n-1]
		}
	case "g", "rg", "k", "cs", "sc", "scn", "Tz":
		return t.setInk(op, args)
	case "BDC":
		if len(args) == 0 || args[0] == pdf.Object(pdf.Name("OC")) {
			return errDrawing // may be off
		}
	case "BMC", "EMC", "MP", "DP", "BT", "ET", "J", "j", "M", "d", "i", "ri",
		"G", "RG", "K", "CS", "SC", "SCN",
		"Tc", "Tw", "TL", "Ts", "Td", "TD", "Tm", "T*", "W", "W*":
	case "cm", "w", "re", "m", "l", "h", "n", "S", "s", "f", "F", "f*", "B", "B*", "b", "b*":
		return t.path(op, args)
	case "Tf":
		if len(args) != 2 {
			return errDrawing
		}
		size, ok := pdf.Float(args[1])
		t.ink.tiny = !ok || math.Abs(size) < leastSize
		return t.font(args[0])
	case "Tr":
		if len(args) != 1 || args[0] != pdf.Object(pdf.Integer(0)) {
			return errDrawing
		}
	case "Tj", "'", "\"", "TJ":
		if len(args) == 0 {
			return errDrawing
		}
		return t.show(args[len(args)-1])
	default:
		return errDrawing
	}
	return nil
}

// numbersOf reads operands that are all numbers.
func numbersOf(args []pdf.Object) (v []float64, ok bool) {
	v = make([]float64, len(args))
	for i, a := range args {
		if v[i], ok = pdf.Float(a); !ok {
			return nil, false
		}
	}
	return v, true
}

// path follows the shapes of an appearance: backgrounds, borders and combs
// reach across it, and come before the text.
func (t *textReader) path(op string, args []pdf.Object) error {
	v, ok := numbersOf(args)
	if !ok {
		return errDrawing
	}
	switch {
	case op == "cm" && len(v) == 6:
		t.bent = t.bent || v[0] != 1 || v[1] != 0 || v[2] != 0 || v[3] != 1
	case op == "w" && len(v) == 1:
		t.pen = v[0]
	case op == "re" && len(v) == 4:
		t.piece(v[2], v[3])
	case op == "m" && len(v) == 2:
		t.at = [2]float64(v)
		t.paths++
	case op == "l" && len(v) == 2:
		t.piece(v[0]-t.at[0], v[1]-t.at[1])
		t.at = [2]float64(v)
	case op == "h":
	case op == "n":
		t.small = false
	case len(v) == 0:
		return t.paint(op)
	default:
		return errDrawing
	}
	if t.paths > maxPaths {
		return errDrawing
	}
	return nil
}

// Parts of a path reach across so much of the box, or are as short as the
// corners of a bevelled border, of which there are a few.
const (
	leastSpan  = 0.6
	mostCorner = 4
	maxCorners = 16
)

func (t *textReader) piece(dx, dy float64) {
	t.paths++
	dx, dy = math.Abs(dx), math.Abs(dy)
	if dx >= leastSpan*(t.box.X1-t.box.X0) || dy >= leastSpan*(t.box.Y1-t.box.Y0) {
		return
	}
	if t.short++; dx > mostCorner || dy > mostCorner || t.short > maxCorners {
		t.small = true
	}
}

func (t *textReader) paint(op string) error {
	fills := op != "S" && op != "s"
	if !t.d.trusted && (t.small || t.bent || fills && t.shown) {
		return errDrawing
	}
	if fills {
		t.painted = true
		t.paper = t.ink.colour
	}
	t.painted = t.painted || math.Abs(t.pen) > mostCorner
	t.small = false
	return nil
}

// setInk follows what makes text vanish: its colour, and a width of nothing.
func (t *textReader) setInk(op string, args []pdf.Object) error {
	if op == "cs" {
		if len(args) != 1 {
			return errDrawing
		}
		t.ink.space, t.ink.colour, t.ink.unclear = args[0], colour{}, false
		return nil
	}
	v, ok := numbersOf(args)
	if !ok {
		return errDrawing
	}
	switch {
	case op == "Tz" && len(v) == 1:
		t.ink.narrow = v[0] < 10
	case len(v) == 3:
		t.ink.colour, t.ink.unclear = colour(v), false
	case len(v) == 4:
		t.ink.colour, t.ink.unclear = colour{1 - min(1, v[0]+v[3]), 1 - min(1, v[1]+v[3]), 1 - min(1, v[2]+v[3])}, false
	case len(v) == 1:
		t.ink.colour = colour{v[0], v[0], v[0]}
		// One part of a named space may be the whole of some ink.
		t.ink.unclear = op != "g" && t.ink.space != pdf.Object(pdf.Name("DeviceGray"))
	default:
		return errDrawing
	}
	return nil
}

// showsSigns says whether a font has other signs where text has letters.
func showsSigns(base pdf.Name) bool {
	for _, s := range []string{"Dingbats", "Symbol", "Wingdings", "Webdings"} {
		if strings.Contains(string(base), s) {
			return true
		}
	}
	return false
}

func (t *textReader) show(o pdf.Object) error {
	if t.ink.unseen(t.paper) {
		return errDrawing
	}
	switch o := o.(type) {
	case pdf.String:
		return t.decode(o)
	case pdf.Array:
		for _, e := range o {
			if s, ok := e.(pdf.String); ok {
				if err := t.decode(s); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return errDrawing
}

func (t *textReader) decode(s pdf.String) error {
	if s == "" {
		return nil
	}
	text := ""
	if t.wide == nil {
		for i := range len(s) {
			// Byte by byte, or a byte order mark would change the meaning.
			text += pdf.Text(s[i : i+1])
		}
	} else if wide, ok := t.wide.decode(string(s)); ok {
		text = wide
	} else {
		return errDrawing
	}
	t.pieces = append(t.pieces, text)
	t.shown = t.shown || squeeze(text) != ""
	return nil
}

// fontRead is what reading a font of an appearance came to.
type fontRead struct {
	wide *toUnicode
	err  error
}

// font selects a font.
func (t *textReader) font(name pdf.Object) error {
	n, ok := name.(pdf.Name)
	if !ok {
		return errDrawing
	}
	r, known := t.read[n]
	if !known {
		t.wide = nil
		r.err = t.readFont(t.fonts[n])
		r.wide = t.wide
		t.read[n] = r
	}
	t.wide = r.wide
	return r.err
}

// readFont reads a font. Its glyphs are believed when the signed revision had
// it, or when it has none and the reader takes its own, its encoding never.
func (t *textReader) readFont(o pdf.Object) error {
	f, err := dictOf(t.d.new, o)
	if err != nil || f == nil {
		return err
	}
	base, err := t.d.new.Resolve(orNull(f["BaseFont"]))
	if err != nil {
		return err
	}
	if base, ok := base.(pdf.Name); ok && !t.d.trusted && showsSigns(base) {
		return errDrawing
	}
	ref, isRef := o.(pdf.Ref)
	signed := t.d.trusted || isRef && t.d.frozen.has(ref.Num)
	sub, err := t.d.new.Resolve(orNull(f["Subtype"]))
	if err != nil {
		return err
	}
	switch sub {
	case pdf.Object(pdf.Name("Type0")):
		if !signed {
			return errDrawing
		}
		t.wide, err = t.d.readToUnicode(f["ToUnicode"])
		return err
	case pdf.Object(pdf.Name("Type1")), pdf.Object(pdf.Name("TrueType")), pdf.Object(pdf.Name("MMType1")):
	default: // a Type 3 font draws anything
		if !t.d.trusted {
			return errDrawing
		}
	}
	return t.simpleFont(f, signed)
}

// simpleFont believes the glyphs of a font of one byte a character, or not.
func (t *textReader) simpleFont(f pdf.Dict, signed bool) error {
	if t.d.trusted {
		return nil
	}
	enc, err := dictOf(t.d.new, f["Encoding"])
	if err != nil {
		return err
	}
	differences, err := t.d.new.Resolve(orNull(enc["Differences"]))
	if err != nil {
		return err
	}
	list, _ := differences.(pdf.Array)
	if err := t.d.chargeText(len(list)); err != nil {
		return err
	}
	if lies(list) || !signed && pdf.Present(differences) {
		return errDrawing
	}
	if signed {
		return nil
	}
	desc, err := dictOf(t.d.new, f["FontDescriptor"])
	if err != nil {
		return err
	}
	for _, k := range []pdf.Name{"FontFile", "FontFile2", "FontFile3"} {
		if pdf.Present(desc[k]) {
			return errDrawing
		}
	}
	return nil
}
