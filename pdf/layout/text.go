package layout

import "github.com/absah-id/absah/pdf"

// textOperator applies the operators of §9.3 and §9.4.
func (f *frame) textOperator(op string, args []pdf.Object) error {
	v := floats(args)
	number := func(dst *float64) {
		if len(v) == 1 {
			*dst = v[0]
		}
	}
	switch op {
	case "BT":
		f.text, f.line = identity, identity
	case "Tc":
		number(&f.charSpace)
	case "Tw":
		number(&f.wordSpace)
	case "TL":
		number(&f.leading)
	case "Ts":
		number(&f.rise)
	case "Tz":
		if len(v) == 1 {
			f.scale = v[0] / 100
		}
	case "Tr":
		if len(v) == 1 {
			f.mode = int64(v[0])
		}
	case "Tf":
		return f.setFont(args, v)
	case "Td", "TD":
		if len(v) == 2 {
			if op == "TD" {
				f.leading = -v[1]
			}
			f.move(v[0], v[1])
		}
	case "Tm":
		if m, ok := matrixOf(args); ok {
			f.text, f.line = m, m
		}
	case "T*":
		f.move(0, -f.leading)
	case "Tj", "TJ", "'", "\"":
		return f.showOperator(op, args, v)
	}
	return nil
}

func (f *frame) move(x, y float64) {
	f.line = matrix{1, 0, 0, 1, x, y}.times(f.line)
	f.text = f.line
}

func (f *frame) setFont(args []pdf.Object, v []float64) error {
	if len(args) != 2 || len(v) != 1 {
		return nil
	}
	f.size = v[0]
	var err error
	f.font, err = f.named(args)
	return err
}

func (f *frame) showOperator(op string, args []pdf.Object, v []float64) error {
	if len(args) == 0 {
		return nil
	}
	if op == "'" || op == "\"" {
		if op == "\"" && len(v) == 2 {
			f.wordSpace, f.charSpace = v[0], v[1]
		}
		f.move(0, -f.leading)
	}
	list, ok := args[len(args)-1].(pdf.Array)
	if !ok {
		list = pdf.Array{args[len(args)-1]}
	}
	for _, o := range list {
		if s, ok := o.(pdf.String); ok {
			if err := f.show(string(s)); err != nil {
				return err
			}
		} else if n, ok := pdf.Float(o); ok && f.font != nil && f.font.vertical {
			f.text = matrix{1, 0, 0, 1, 0, -n / 1000 * f.size}.times(f.text)
		} else if ok {
			f.advance(-n / 1000 * f.size * f.scale)
		}
	}
	return nil
}

func (f *frame) advance(by float64) { f.text = matrix{1, 0, 0, 1, by, 0}.times(f.text) }

// Where glyphs reach, in parts of the font size: capitals and descenders.
const (
	ascent  = 0.72
	descent = -0.22
)

// show paints one string as one mark.
func (f *frame) show(s string) error {
	if s == "" {
		return nil
	}
	if f.font != nil && f.font.vertical {
		box, by := f.column(s)
		if f.font.reach != nil {
			box = *f.font.reach
		}
		err := f.paint(Text, f.text.times(f.ctm).bounds(box), f.self)
		f.text = matrix{1, 0, 0, 1, 0, by}.times(f.text)
		return err
	}
	width, most, blank := f.measure(s)
	box := pdf.Rect{X0: min(0, width), X1: max(0, width), Y0: f.rise, Y1: f.rise}
	if f.size >= 0 {
		box.Y0, box.Y1 = f.rise+descent*f.size, f.rise+ascent*f.size
	} else {
		box.Y0, box.Y1 = f.rise+ascent*f.size, f.rise+descent*f.size
	}
	if f.keepRuns && f.depth == 0 {
		if err := f.run(width, box, most == width); err != nil {
			return err
		}
	}
	if f.cautious {
		box.X1 = max(box.X1, most)
	}
	drawn := f.font != nil && f.font.reach != nil // be it for a space
	if drawn {
		box = f.reached(box, width)
	}
	if !blank || drawn {
		if err := f.paint(Text, f.text.times(f.ctm).bounds(box), f.self); err != nil {
			return err
		}
	}
	f.advance(width)
	return nil
}

// measure returns the width of a string in text space, the one that it has at
// most, and whether it is nothing but spaces.
func (f *frame) measure(s string) (width, most float64, blank bool) {
	blank = true
	fn := f.font
	if fn == nil {
		fn = &unknownFont
	}
	for len(s) > 0 {
		code, n := int(s[0]), 1
		if fn.wide && len(s) > 1 {
			code, n = code<<8|int(s[1]), 2
		}
		s = s[n:]
		w := fn.width(code)*f.size + f.charSpace
		if n == 1 && code == ' ' {
			w += f.wordSpace
		} else {
			blank = false
		}
		width += w * f.scale
		if most += w * f.scale; !fn.known(code) {
			most += (fn.most - fn.width(code)) * f.size * f.scale
		}
		if fn.loose && n == 2 { // they may be two
			most += (fn.most*f.size + f.charSpace + f.wordSpace) * f.scale
		}
	}
	return width, most, blank
}
