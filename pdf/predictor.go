package pdf

import "io"

// predict puts the predictor that parms name on the chain (§7.4.4.4).
func (d *decoder) predict(parms Dict) error {
	get := func(key Name, absent int64) int64 {
		if v, ok := parms[key].(Integer); ok {
			return int64(v)
		}
		return absent
	}
	kind := get("Predictor", 1)
	if kind == 1 {
		return nil
	}
	colors, bits, columns := get("Colors", 1), get("BitsPerComponent", 8), get("Columns", 1)
	switch bits {
	case 1, 2, 4, 8, 16:
	default:
		return &MalformedError{Offset: -1, Rule: "predictor"}
	}
	if colors < 1 || colors > 32 || columns < 1 || columns > 1<<20 {
		return &MalformedError{Offset: -1, Rule: "predictor"}
	}
	row := int((colors*bits*columns + 7) / 8)
	unit := int((colors*bits + 7) / 8)
	switch {
	case kind == 2 && bits == 8:
		d.Reader = &predictor{r: d.Reader, cur: make([]byte, row), unit: unit}
	case kind >= 10 && kind <= 15:
		d.Reader = &predictor{r: d.Reader, png: true, cur: make([]byte, row), up: make([]byte, row), unit: unit}
	case kind == 2:
		return malformed(-1, "filter-unsupported", "TIFF predictor with %d bits a component", bits)
	default:
		return &MalformedError{Offset: -1, Rule: "predictor"}
	}
	return nil
}

// predictor undoes the PNG filters, or TIFF's horizontal differencing.
type predictor struct {
	r       io.Reader
	png     bool
	cur, up []byte
	unit    int // bytes of a pixel
	have    []byte
	err     error
}

func (p *predictor) Read(out []byte) (int, error) {
	n := 0
	for n < len(out) {
		if len(p.have) == 0 {
			if p.err == nil {
				p.err = p.row()
			}
			if len(p.have) == 0 {
				break
			}
		}
		m := copy(out[n:], p.have)
		n, p.have = n+m, p.have[m:]
	}
	if n == 0 && len(out) > 0 {
		return 0, p.err
	}
	return n, nil
}

// row decodes the next row. A short last one is kept as far as it goes.
func (p *predictor) row() error {
	tag := [1]byte{1} // TIFF: like PNG's Sub in every row
	if p.png {
		p.cur, p.up = p.up, p.cur
		if _, err := io.ReadFull(p.r, tag[:]); err != nil {
			return err
		}
	}
	n, err := io.ReadFull(p.r, p.cur)
	if err == io.ErrUnexpectedEOF && n > 0 {
		err = io.EOF
	}
	cur := p.cur[:n]
	switch tag[0] {
	case 0:
	case 1:
		for i := p.unit; i < n; i++ {
			cur[i] += cur[i-p.unit]
		}
	case 2:
		for i := range cur {
			cur[i] += p.up[i]
		}
	case 3:
		for i := range cur {
			left := 0
			if i >= p.unit {
				left = int(cur[i-p.unit])
			}
			cur[i] += byte((left + int(p.up[i])) / 2)
		}
	case 4:
		for i := range cur {
			var a, c int
			if i >= p.unit {
				a, c = int(cur[i-p.unit]), int(p.up[i-p.unit])
			}
			cur[i] += paeth(a, int(p.up[i]), c)
		}
	default:
		return &MalformedError{Offset: -1, Rule: "predictor"}
	}
	p.have = cur
	return err
}

// paeth is the predictor of PNG (RFC 2083 §6.6).
func paeth(a, b, c int) byte {
	abs := func(x int) int { return max(x, -x) }
	pa, pb, pc := abs(b-c), abs(a-c), abs(a+b-2*c)
	switch {
	case pa <= pb && pa <= pc:
		return byte(a)
	case pb <= pc:
		return byte(b)
	}
	return byte(c)
}
