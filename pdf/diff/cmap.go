package diff

import (
	"github.com/absah-id/absah/pdf"
)

// toUnicode maps two-byte character codes to text (ISO 32000-2 §9.10.3).
type toUnicode struct{ text map[uint16]string }

// maxCMap bounds the entries of a ToUnicode map: there are no more codes.
const maxCMap = 1 << 16

// readToUnicode reads the bfchar and bfrange sections of a CMap. One that is
// missing, or not for two-byte codes, is [errDrawing].
func (d *differ) readToUnicode(o pdf.Object) (*toUnicode, error) {
	v, err := d.new.Resolve(orNull(o))
	if err != nil {
		return nil, err
	}
	s, ok := v.(*pdf.Stream)
	if !ok {
		return nil, errDrawing
	}
	data, err := d.new.StreamData(s, maxValue)
	if err == nil {
		err = d.chargeText(len(data))
	}
	if err != nil {
		return nil, err
	}
	m := &toUnicode{text: map[uint16]string{}}
	r := cmapReader{m: m}
	if err := r.scan(data); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *toUnicode) decode(s string) (string, bool) {
	if len(s)%2 != 0 {
		return "", false
	}
	out := ""
	for ; len(s) > 0; s = s[2:] {
		t, ok := m.text[uint16(s[0])<<8|uint16(s[1])]
		if !ok {
			return "", false
		}
		out += t
	}
	return out, true
}

// cmapReader reads CMap sections with at most 100 entries each, as CMaps must
// have them (Adobe technical note 5014).
type cmapReader struct{ m *toUnicode }

func (r *cmapReader) scan(data []byte) error {
	sections, err := cmapSections(data)
	if err != nil {
		return err
	}
	for _, s := range sections {
		n := 2
		if s.ranges {
			n = 3
		}
		for a := s.args; len(a) >= n; a = a[n:] {
			if err := r.entry(a[:n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// entry reads "code text" or "first last text".
func (r *cmapReader) entry(a []pdf.Object) error {
	first, ok1 := code(a[0])
	last, ok2 := code(a[len(a)-2])
	if !ok1 || !ok2 || last < first {
		return errDrawing
	}
	if list, ok := a[len(a)-1].(pdf.Array); ok {
		for i, o := range list {
			s, ok := o.(pdf.String)
			if !ok || int(first)+i > int(last) {
				return errDrawing
			}
			r.m.text[first+uint16(i)] = utf16Text(s)
		}
		return nil
	}
	s, ok := a[len(a)-1].(pdf.String)
	if !ok || len(s) < 2 {
		return errDrawing
	}
	for c := int(first); c <= int(last); c++ {
		if len(r.m.text) >= maxCMap {
			return errDrawing
		}
		r.m.text[uint16(c)] = utf16Text(s)
		b := []byte(s)
		for i := len(b) - 1; i >= 0; i-- { // the next text
			if b[i]++; b[i] != 0 {
				break
			}
		}
		s = pdf.String(b)
	}
	return nil
}

func code(o pdf.Object) (uint16, bool) {
	s, ok := o.(pdf.String)
	if !ok || len(s) != 2 {
		return 0, false
	}
	return uint16(s[0])<<8 | uint16(s[1]), true
}

func utf16Text(s pdf.String) string { return pdf.Text("\xFE\xFF" + s) }

type cmapSection struct {
	ranges bool
	args   []pdf.Object
}

// cmapSections collects the operands of endbfchar and endbfrange.
func cmapSections(data []byte) ([]cmapSection, error) {
	var list []cmapSection
	err := pdf.ScanOperands(data, maxCMapOperands, func(op string, args []pdf.Object) error {
		if op == "endbfchar" || op == "endbfrange" {
			list = append(list, cmapSection{op == "endbfrange", append([]pdf.Object(nil), args...)})
		}
		return nil
	})
	return list, err
}

// maxCMapOperands are 100 entries of three.
const maxCMapOperands = 300
