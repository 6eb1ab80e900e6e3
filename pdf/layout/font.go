package layout

import "github.com/absah-id/absah/pdf"

// font is what is known of the widths of a font, in parts of its size.
type font struct {
	wide    bool // two bytes a character, as all but a few CMaps have it
	first   int
	widths  []float64
	cids    map[int]float64 // of a composite font
	missing float64
	most    float64   // what a glyph without a width may have
	reach   *pdf.Rect // of the glyphs of a Type 3 font, see glyphs
	// Of composite fonts, for [Cautious] only: the codes are not CIDs, and maybe
	// of one byte; they go from top to bottom.
	loose, vertical bool
}

// unknownFont stands for one that is not in the resources: readers take one of
// their own.
var unknownFont = font{missing: 0.6, most: 1}

// maxWidths bounds the widths of one font: there are no more codes.
const maxWidths = 1 << 16

// known says whether the font tells the width of that character.
func (fn *font) known(code int) bool {
	i := code - fn.first
	return fn.cids != nil && !fn.loose || i >= 0 && i < len(fn.widths) || fn.most <= fn.missing
}

func (fn *font) width(code int) float64 {
	if fn.cids != nil {
		if w, ok := fn.cids[code]; ok {
			return w
		}
		return fn.missing
	}
	if i := code - fn.first; i >= 0 && i < len(fn.widths) {
		return fn.widths[i]
	}
	return fn.missing
}

// named is the font that the resources of a frame have under a name, which is
// read once for all operators that name it.
func (f *frame) named(args []pdf.Object) (*font, error) {
	name, ok := args[0].(pdf.Name)
	if fn, known := f.byName[name]; known || !ok {
		return fn, nil
	}
	o, err := f.resource("Font", args[:1])
	if err != nil {
		return nil, err
	}
	had := f.widths
	fn, err := f.loadFont(o)
	if err != nil {
		return nil, err
	}
	if _, isRef := o.(pdf.Ref); !isRef {
		f.direct += f.widths - had
	}
	if f.byName == nil {
		f.byName = map[pdf.Name]*font{}
	}
	f.byName[name] = fn
	return fn, nil
}

// charge takes n widths from the budget: of memory, and of time as operators,
// of which a width costs about half of one.
func (s *scanner) charge(n int) error {
	if s.widths += n; s.widths > maxAllWidths {
		return overLimit("maxAllWidths", maxAllWidths)
	}
	if s.left.operators -= n / 2; s.left.operators < 0 {
		return overLimit("maxOperators", maxOperators)
	}
	return nil
}

// maxAllWidths bounds the widths of the fonts of one page together. Those of
// some large fonts for Chinese are a hundred thousand; fonts may share an array,
// and a range of all codes takes twelve bytes.
const maxAllWidths = 1 << 19

// loadFont reads the widths of a font (§9.6, §9.7), once for each object.
func (s *frame) loadFont(o pdf.Object) (*font, error) {
	ref, isRef := o.(pdf.Ref)
	if fn := s.fonts[ref]; isRef && fn != nil {
		return fn, nil
	}
	d, err := dictOf(s.rev, o)
	if err != nil || d == nil {
		return nil, err
	}
	fn := &font{missing: unknownFont.missing, most: unknownFont.most}
	if d["Subtype"] == pdf.Object(pdf.Name("Type0")) {
		err = s.composite(fn, d)
	} else {
		err = s.simple(fn, d)
	}
	if err != nil {
		return nil, err
	}
	if isRef {
		s.fonts[ref] = fn
	}
	if s.cautious && d["Subtype"] == pdf.Object(pdf.Name("Type3")) {
		return fn, s.glyphs(fn, d)
	}
	return fn, nil
}

func (s *scanner) simple(fn *font, d pdf.Dict) error {
	first, _, err := pdf.Lookup[pdf.Integer](s.rev, d, "FirstChar")
	if err != nil {
		return err
	}
	list, _, err := pdf.Lookup[pdf.Array](s.rev, d, "Widths")
	if err != nil {
		return err
	}
	if len(list) > maxWidths {
		return overLimit("maxWidths", maxWidths)
	}
	if err := s.charge(len(list)); err != nil {
		return err
	}
	if name, ok := d["BaseFont"].(pdf.Name); ok && len(list) == 0 {
		enc, err := dictOf(s.rev, d["Encoding"])
		if err != nil {
			return err
		}
		fn.standard(name, pdf.Present(enc["Differences"]))
		return nil
	}
	unit := 0.001
	if d["Subtype"] == pdf.Object(pdf.Name("Type3")) { // in glyph space
		a, _, err := pdf.Lookup[pdf.Array](s.rev, d, "FontMatrix")
		if err != nil {
			return err
		}
		if m, ok := matrixOf(a); ok {
			unit = m[0]
		}
	}
	fn.first = int(max(0, min(first, maxWidths)))
	if fn.widths, err = pdf.Numbers(s.rev, list); err != nil {
		return err
	}
	for i := range fn.widths {
		fn.widths[i] *= unit
	}
	return nil
}

// composite reads /DW and /W of the descendant font (§9.7.4.3).
func (s *scanner) composite(fn *font, d pdf.Dict) error {
	fn.wide, fn.cids, fn.missing = true, map[int]float64{}, 1
	list, _, err := pdf.Lookup[pdf.Array](s.rev, d, "DescendantFonts")
	if err != nil || len(list) == 0 {
		return err
	}
	cid, err := dictOf(s.rev, list[0])
	if err != nil {
		return err
	}
	dw, err := s.rev.Resolve(orNull(cid["DW"]))
	if err != nil {
		return err
	}
	if n, ok := pdf.Float(dw); ok {
		fn.missing = n / 1000
	}
	w, _, err := pdf.Lookup[pdf.Array](s.rev, cid, "W")
	if err != nil {
		return err
	}
	if err := s.cidWidths(fn, w); err != nil || !s.cautious {
		return err
	}
	return s.encoding(fn, d, cid)
}

// cidWidths reads "c [w …]" and "first last w".
func (s *scanner) cidWidths(fn *font, w pdf.Array) error {
	given := 0
	for len(w) > 1 {
		if given > maxWidths {
			return overLimit("maxWidths", maxWidths)
		}
		first, ok := w[0].(pdf.Integer)
		if !ok {
			return nil
		}
		next, err := s.rev.Resolve(w[1])
		if err != nil {
			return err
		}
		if list, ok := next.(pdf.Array); ok {
			if err := s.charge(len(list)); err != nil {
				return err
			}
			widths, err := pdf.Numbers(s.rev, list)
			if err != nil {
				return err
			}
			for i, n := range widths {
				fn.cids[int(first)+i] = n / 1000
			}
			given += len(widths)
			w = w[2:]
		} else if last, ok := next.(pdf.Integer); ok && len(w) > 2 {
			n, _ := pdf.Float(w[2])
			last = min(last, first+maxWidths)
			if err := s.charge(int(max(0, last-first+1))); err != nil {
				return err
			}
			for c := first; c <= last; c++ {
				fn.cids[int(c)] = n / 1000
				given++
			}
			w = w[3:]
		} else {
			return nil
		}
	}
	return nil
}
