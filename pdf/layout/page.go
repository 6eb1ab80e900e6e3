package layout

import (
	"errors"
	"math"
	"slices"

	"github.com/absah-id/absah/pdf"
)

// Kind says what a mark is made of.
type Kind uint8

// The kinds.
const (
	Text  Kind = iota
	Image      // an image XObject or inline image
	Area       // a filled path or a shading
	Line       // a stroked path; of [Cautious] only
)

// String returns text, image, area or line.
func (k Kind) String() string { return [...]string{"text", "image", "area", "line"}[k] }

// Mark is something that a page paints.
type Mark struct {
	Kind Kind
	// Bounds is in default user space, clipped. Of text it is an estimate.
	Bounds pdf.Rect
	// Object is the image, or the form in which the mark stands; zero for what
	// the contents of the page paint themselves.
	Object pdf.Ref
	// Translucent is set where what lies below may show through: an image with
	// a mask, or painting with alpha, a soft mask or a blend mode.
	Translucent bool
	// Plain is set where the path is one upright rectangle.
	Plain bool
	// Unseen is set for text that is not painted (text rendering modes 3 and 7).
	Unseen bool
	// Off is set for what belongs to optional content that is off when the
	// document is opened. A reader can switch it on.
	Off bool
}

// Shown says whether the mark is seen when nothing covers it.
func (m *Mark) Shown() bool { return !m.Unseen && !m.Off }

// Caps on one page with all its forms. Exceeding one is a *pdf.LimitError.
const (
	// maxContent bounds the bytes of content; a map full of paths has some
	// megabytes.
	maxContent = 16 << 20
	// maxOperators bounds the operators, maxMarks what they paint.
	maxOperators = 2_000_000
	maxMarks     = 200_000
	// maxForms bounds the forms that are painted, maxDepth their nesting and
	// that of q.
	maxForms  = 5_000
	maxDepth  = 16
	maxStates = 512
)

func overLimit(name string, limit int64) error {
	return &pdf.LimitError{Offset: -1, Limit: "layout." + name, Max: limit}
}

// Page lists the marks of a page of rev, in the order of painting.
func Page(rev *pdf.Revision, page pdf.Dict) ([]Mark, error) {
	return scanPage(rev, page, &Budget{content: maxContent, operators: maxOperators, marks: maxMarks}, false)
}

// Budget is what reading several pages may cost together: bytes of content,
// operators and marks. Once one of them is spent, every further page is a
// *pdf.LimitError. It may not be shared between goroutines.
type Budget struct {
	content          int64
	operators, marks int
}

// NewBudget returns the budget for the pages of one document: that of four
// pages that are as large as they may be.
func NewBudget() *Budget {
	return &Budget{content: 4 * maxContent, operators: 4 * maxOperators, marks: 2 * maxMarks}
}

// page returns what of it one page may spend.
func (b *Budget) page() Budget {
	return Budget{content: min(b.content, maxContent), operators: min(b.operators, maxOperators), marks: min(b.marks, maxMarks)}
}

func (b *Budget) spend(had, left Budget) {
	b.content -= had.content - left.content
	b.operators -= had.operators - left.operators
	b.marks -= had.marks - left.marks
}

func scanPage(rev *pdf.Revision, page pdf.Dict, budget *Budget, cautious bool) ([]Mark, error) {
	res, err := rev.PageAttr(page, "Resources")
	if err != nil {
		return nil, err
	}
	dict, err := dictOf(rev, res)
	if err != nil {
		return nil, err
	}
	had := budget.page()
	s := &scanner{rev: rev, fonts: map[pdf.Ref]*font{}, patterns: map[pdf.Ref]bool{}, left: had, cautious: cautious}
	defer func() { budget.spend(had, s.left) }()
	if !cautious {
		if s.off, err = layersOff(rev); err != nil {
			return nil, err
		}
	}
	data, err := s.contents(page["Contents"])
	if err != nil {
		return nil, err
	}
	err = s.content(data, dict, graphics{ctm: identity, clip: everything, scale: 1, pen: pen{width: 1}}, pdf.Ref{}, 0)
	return s.marks, err
}

// scanner collects the marks of one page.
type scanner struct {
	rev      *pdf.Revision
	off      map[pdf.Ref]bool // optional content groups
	fonts    map[pdf.Ref]*font
	patterns map[pdf.Ref]bool // whether they have text
	marks    []Mark
	left     Budget
	widths   int // of the fonts, see charge
	forms    int
	hidden   int // nested reasons why nothing is seen now
	cautious bool
	keepRuns bool // of the form itself
	runs     []Run
}

// contents joins the streams of /Contents (§7.8.2).
func (s *scanner) contents(o pdf.Object) ([]byte, error) {
	o, err := s.rev.Resolve(orNull(o))
	if err != nil {
		return nil, err
	}
	list, ok := o.(pdf.Array)
	if !ok {
		list = pdf.Array{o}
	}
	var data []byte
	for _, e := range list {
		e, err := s.rev.Resolve(orNull(e))
		if err != nil {
			return nil, err
		}
		switch e := e.(type) {
		case pdf.Null:
		case *pdf.Stream:
			b, err := s.data(e)
			if err != nil {
				return nil, err
			}
			if data == nil {
				data = b[:len(b):len(b)] // most pages have one stream
			} else {
				data = append(append(data, '\n'), b...)
			}
		default:
			return nil, &pdf.MalformedError{Offset: -1, Rule: "contents", Err: errors.New("an element of /Contents is not a stream")}
		}
	}
	return data, nil
}

func (s *scanner) data(stm *pdf.Stream) ([]byte, error) {
	b, err := s.rev.StreamData(stm, s.left.content)
	if _, over := errors.AsType[*pdf.LimitError](err); over {
		s.left.content = 0 // what was read for nothing counts
	}
	s.left.content -= int64(len(b))
	return b, err
}

// graphics is the part of the graphics state that matters (§8.4.1, §9.3.1).
type graphics struct {
	ctm                              matrix
	clip                             pdf.Rect
	font                             *font
	size, charSpace, wordSpace, rise float64
	scale, leading                   float64
	mode                             int64
	translucent                      bool
	fill                             pdf.Object // the name of a pattern, or nil
	pen                              pen
}

// frame is one content stream being read.
type frame struct {
	*scanner
	graphics
	res    pdf.Dict
	byName map[pdf.Name]*font // those of res that were read
	direct int                // widths of those that are kept nowhere else
	self   pdf.Ref
	depth  int
	stack  []graphics

	text, line matrix
	path       pdf.Rect
	rects      int    // whole rectangles in the path
	pieces     int    // and other parts
	clips      bool   // the path will clip
	content    []bool // nested marked content: whether it hides
}

func (s *scanner) content(data []byte, res pdf.Dict, g graphics, self pdf.Ref, depth int) error {
	if depth > maxDepth {
		return overLimit("maxDepth", maxDepth)
	}
	f := &frame{scanner: s, graphics: g, res: res, self: self, depth: depth, path: nothing, text: identity, line: identity}
	hidden, images := s.hidden, 0
	err := pdf.ScanContent(data, func(op string, args []pdf.Object) error {
		if s.left.operators--; s.left.operators < 0 {
			return overLimit("maxOperators", maxOperators)
		}
		if op == "BI" {
			images++
		}
		return f.operator(op, args)
	})
	s.hidden, s.widths = hidden, s.widths-f.direct
	if err == nil && s.cautious && images > 0 && !endsOnce(data, images) {
		return errInlineImage
	}
	return err
}

// paint adds a mark.
func (f *frame) paint(k Kind, bounds pdf.Rect, object pdf.Ref) error {
	bounds = intersect(bounds, f.clip)
	if bounds.Empty() {
		return nil
	}
	if f.left.marks--; f.left.marks < 0 {
		return overLimit("maxMarks", maxMarks)
	}
	f.marks = append(f.marks, Mark{
		Kind: k, Bounds: bounds, Object: object, Translucent: f.translucent,
		Unseen: k == Text && (f.mode == 3 || f.mode == 7 && !f.cautious), Off: f.hidden > 0,
	})
	return nil
}

// operator applies one operator of Annex A. Those that only set colours and
// the like are passed over.
func (f *frame) operator(op string, args []pdf.Object) error {
	switch op {
	case "q":
		if len(f.stack) == maxStates {
			return overLimit("maxStates", maxStates)
		}
		f.stack = append(f.stack, f.graphics)
	case "Q":
		if n := len(f.stack); n > 0 {
			f.graphics, f.stack = f.stack[n-1], f.stack[:n-1]
		}
	case "cm":
		if m, ok := matrixOf(args); ok {
			f.ctm = m.times(f.ctm)
		}
	case "m", "l", "c", "v", "y", "re":
		f.extend(op, args)
	case "f", "F", "f*", "B", "B*", "b", "b*":
		err := f.paintWith(f.fill, Area, f.path)
		if err == nil && (op[0] == 'B' || op[0] == 'b') {
			err = f.stroke()
		}
		f.endPath()
		return err
	case "S", "s":
		err := f.stroke()
		f.endPath()
		return err
	case "n":
		f.endPath()
	case "g", "rg", "k", "sc", "cs":
		f.fill = nil
	case "G", "RG", "K", "SC", "CS":
		f.pen.pattern = nil
	case "scn":
		f.fill = lastName(args)
	case "SCN":
		f.pen.pattern = lastName(args)
	case "w":
		if v := floats(args); len(v) == 1 {
			f.pen.width = math.Abs(v[0])
		}
	case "W", "W*":
		f.clips = true
	case "sh":
		return f.paint(Area, f.clip, f.self)
	case "BI":
		return f.paint(Image, f.ctm.bounds(pdf.Rect{X1: 1, Y1: 1}), f.self)
	case "gs":
		return f.state(args)
	case "Do":
		return f.do(args)
	case "BMC", "BDC":
		return f.begin(args)
	case "EMC":
		f.end()
	default:
		return f.textOperator(op, args)
	}
	return nil
}

// extend adds the points of a path construction operator. Control points
// contain their curve.
func (f *frame) extend(op string, args []pdf.Object) {
	v := floats(args)
	if op == "re" && len(v) == 4 {
		f.rects++
		v = []float64{v[0], v[1], v[0] + v[2], v[1], v[0], v[1] + v[3], v[0] + v[2], v[1] + v[3]}
	}
	if op != "re" {
		f.pieces++
	}
	for p := range slices.Chunk(v, 2) {
		if len(p) == 2 {
			f.path = include(f.path, f.ctm, p[0], p[1])
		}
	}
}

func (f *frame) endPath() {
	if f.clips {
		f.clip = intersect(f.clip, f.path)
	}
	f.path, f.clips, f.rects, f.pieces = nothing, false, 0, 0
}

// do paints an XObject (§8.8).
func (f *frame) do(args []pdf.Object) error {
	o, err := f.resource("XObject", args)
	if err != nil {
		return err
	}
	ref, _ := o.(pdf.Ref)
	if o, err = f.rev.Resolve(orNull(o)); err != nil {
		return err
	}
	stm, ok := o.(*pdf.Stream)
	if !ok {
		return nil // nothing is painted
	}
	hides, err := f.offBy(stm.Dict["OC"])
	if err != nil {
		return err
	}
	if hides {
		f.hidden++
		defer func() { f.hidden-- }()
	}
	if stm.Dict["Subtype"] != pdf.Object(pdf.Name("Form")) {
		saved := f.translucent
		f.translucent = saved || masked(stm.Dict)
		err := f.paint(Image, f.ctm.bounds(pdf.Rect{X1: 1, Y1: 1}), ref)
		f.translucent = saved
		return err
	}
	return f.form(stm, ref)
}

// masked says whether an image does not paint its whole area (§8.9.6).
func masked(image pdf.Dict) bool {
	for _, k := range []pdf.Name{"SMask", "Mask", "ImageMask", "SMaskInData"} {
		switch v := image[k].(type) {
		case nil, pdf.Null:
		case pdf.Boolean:
			if v {
				return true
			}
		case pdf.Integer:
			if v != 0 {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// state reads what a graphics state parameter dictionary (§8.4.5) says of
// transparency.
func (f *frame) state(args []pdf.Object) error {
	o, err := f.resource("ExtGState", args)
	if err != nil {
		return err
	}
	d, err := dictOf(f.rev, o)
	if err != nil {
		return err
	}
	lw, err := f.rev.Resolve(orNull(d["LW"]))
	if err != nil {
		return err
	}
	if w, ok := pdf.Float(lw); ok {
		f.pen.width = math.Abs(w)
	}
	for _, k := range []pdf.Name{"ca", "BM", "SMask"} {
		v, err := f.rev.Resolve(orNull(d[k]))
		if err != nil {
			return err
		}
		if _, absent := v.(pdf.Null); absent {
			continue
		}
		alpha, number := pdf.Float(v)
		plain := number && alpha >= 1 || v == pdf.Object(pdf.Name("Normal")) || v == pdf.Object(pdf.Name("Compatible")) || v == pdf.Object(pdf.Name("None"))
		f.translucent = !plain
		if !plain {
			break
		}
	}
	return nil
}

func (f *frame) form(stm *pdf.Stream, ref pdf.Ref) error {
	if f.forms++; f.forms > maxForms {
		return overLimit("maxForms", maxForms)
	}
	g := f.graphics
	a, _, err := pdf.Lookup[pdf.Array](f.rev, stm.Dict, "Matrix")
	if err != nil {
		return err
	}
	if m, ok := matrixOf(a); ok {
		g.ctm = m.times(g.ctm)
	}
	box, ok, err := pdf.LookupRect(f.rev, stm.Dict, "BBox")
	if err != nil {
		return err
	}
	if ok {
		g.clip = intersect(g.clip, g.ctm.bounds(box))
	}
	res, err := dictOf(f.rev, stm.Dict["Resources"])
	if err != nil {
		return err
	}
	if res == nil {
		res = f.res
	}
	data, err := f.data(stm)
	if err != nil {
		return err
	}
	return f.scanner.content(data, res, g, ref, f.depth+1)
}

// resource returns what the last operand names in a category of resources.
func (f *frame) resource(category pdf.Name, args []pdf.Object) (pdf.Object, error) {
	if len(args) == 0 {
		return pdf.Null{}, nil
	}
	name, ok := args[len(args)-1].(pdf.Name)
	if !ok {
		return pdf.Null{}, nil
	}
	dict, err := dictOf(f.rev, f.res[category])
	if err != nil {
		return nil, err
	}
	return orNull(dict[name]), nil
}

// lastName returns the last operand when it is a name, that of a pattern.
func lastName(args []pdf.Object) pdf.Object {
	if len(args) > 0 {
		if name, ok := args[len(args)-1].(pdf.Name); ok {
			return name
		}
	}
	return nil
}

func floats(args []pdf.Object) []float64 {
	v := make([]float64, 0, 8)
	for _, o := range args {
		if n, ok := pdf.Float(o); ok {
			v = append(v, n)
		}
	}
	return v
}

func matrixOf(args []pdf.Object) (m matrix, ok bool) {
	v := floats(args)
	if len(v) != 6 {
		return identity, false
	}
	return matrix(v), true
}

// dictOf resolves o; nil when it is no dictionary.
func dictOf(rev *pdf.Revision, o pdf.Object) (pdf.Dict, error) {
	v, err := rev.Resolve(orNull(o))
	if err != nil {
		return nil, err
	}
	d, _ := v.(pdf.Dict)
	return d, nil
}

func orNull(o pdf.Object) pdf.Object {
	if o == nil {
		return pdf.Null{}
	}
	return o
}
