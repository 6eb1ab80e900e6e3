package pdfmake

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

// canvas collects the operators of a content stream (ISO 32000-2 §8.2). The
// unit is the point, the origin the lower left corner.
type canvas struct {
	b     bytes.Buffer
	faces map[string]*Face // by resource name
}

func (c *canvas) op(format string, args ...any) {
	for i, a := range args {
		if f, ok := a.(float64); ok {
			args[i] = number(f)
		}
	}
	fmt.Fprintf(&c.b, format+"\n", args...)
}

// text draws s with its baseline starting at x, y.
func (c *canvas) text(font string, size, x, y float64, s string) {
	c.op("BT /%s %v Tf %v %v Td <%X> Tj ET", font, size, x, y, c.faces[font].Encode(s))
}

// centred draws s around x.
func (c *canvas) centred(font string, size, x, y float64, s string) {
	c.text(font, size, x-c.faces[font].Width(s, size)/2, y, s)
}

// spaced draws s around x with extra space between the letters.
func (c *canvas) spaced(font string, size, x, y, extra float64, s string) {
	w := c.faces[font].Width(s, size) + extra*float64(len([]rune(s))-1)
	c.op("BT %v Tc /%s %v Tf %v %v Td <%X> Tj 0 Tc ET", extra, font, size, x-w/2, y, c.faces[font].Encode(s))
}

// paragraph sets s in lines of the given width, justified but for the last,
// with the first line moved in by indent; it returns the next baseline.
func (c *canvas) paragraph(font string, size, x, y, width, indent, leading float64, s string) float64 {
	face := c.faces[font]
	words := strings.Fields(s)
	for first := true; len(words) > 0; first = false {
		room, left := width, x
		if first {
			room, left = width-indent, x+indent
		}
		n := 1
		for n < len(words) && face.Width(strings.Join(words[:n+1], " "), size) <= room {
			n++
		}
		line := words[:n]
		words = words[n:]
		if len(words) == 0 || n == 1 {
			c.text(font, size, left, y, strings.Join(line, " "))
		} else {
			c.justified(font, size, left, y, room, line)
		}
		y -= leading
	}
	return y
}

// justified stretches the spaces of a line: a two-byte space is not affected by
// the Tw operator (§9.3.3), so the stretch goes into TJ.
func (c *canvas) justified(font string, size, x, y, width float64, words []string) {
	face := c.faces[font]
	slack := width - face.Width(strings.Join(words, " "), size)
	step := -slack / float64(len(words)-1) * 1000 / size
	var parts strings.Builder
	for i, w := range words {
		if i < len(words)-1 {
			fmt.Fprintf(&parts, "<%X> %s ", face.Encode(w+" "), number(step))
			continue
		}
		fmt.Fprintf(&parts, "<%X>", face.Encode(w))
	}
	c.op("BT /%s %v Tf %v %v Td [%s] TJ ET", font, size, x, y, parts.String())
}

func (c *canvas) line(width, x0, y0, x1, y1 float64) {
	c.op("%v w %v %v m %v %v l S", width, x0, y0, x1, y1)
}

type point struct{ x, y float64 }

// path draws straight lines through the points, closed.
func (c *canvas) path(pts ...point) {
	for i, p := range pts {
		op := "l"
		if i == 0 {
			op = "m"
		}
		c.op("%v %v %s", p.x, p.y, op)
	}
	c.op("h")
}

// ellipse draws an ellipse of half-axes a and b turned by angle (radians).
func (c *canvas) ellipse(cx, cy, a, b, angle float64) {
	const k = 0.5523 // four Bézier arcs come within 0.03 % of a circle
	sin, cos := math.Sincos(angle)
	at := func(x, y float64) (float64, float64) { return cx + a*x*cos - b*y*sin, cy + a*x*sin + b*y*cos }
	x, y := at(1, 0)
	c.op("%v %v m", x, y)
	for _, q := range [][6]float64{{1, k, k, 1, 0, 1}, {-k, 1, -1, k, -1, 0}, {-1, -k, -k, -1, 0, -1}, {k, -1, 1, -k, 1, 0}} {
		x1, y1 := at(q[0], q[1])
		x2, y2 := at(q[2], q[3])
		x3, y3 := at(q[4], q[5])
		c.op("%v %v %v %v %v %v c", x1, y1, x2, y2, x3, y3)
	}
	c.op("h")
}

// star draws a five-pointed star of outer radius r.
func (c *canvas) star(cx, cy, r float64) {
	pts := make([]point, 10)
	for i := range pts {
		rad := r
		if i%2 == 1 {
			rad = r * 0.382 // the inner corners of a pentagram
		}
		sin, cos := math.Sincos(math.Pi/2 + float64(i)*math.Pi/5)
		pts[i] = point{cx + rad*cos, cy + rad*sin}
	}
	c.path(pts...)
}
