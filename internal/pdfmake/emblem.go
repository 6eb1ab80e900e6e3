package pdfmake

import "math"

// The tinctures of the emblem, as RGB operands.
const (
	gold    = "0.85 0.65 0.13"
	sky     = "0.16 0.44 0.72"
	forest  = "0.10 0.45 0.24"
	meadow  = "0.22 0.60 0.30"
	white   = "1 1 1"
	crimson = "0.72 0.11 0.13"
	ink     = "0.12 0.10 0.06"
)

// emblem draws the arms of the invented Kabupaten Contoh into a box of 100 by
// 120 units whose lower left corner is at x, y: a shield with mountains over
// water, a star, paddy and cotton around it, and a ribbon.
func (c *canvas) emblem(x, y, scale float64) {
	c.op("q %v 0 0 %v %v %v cm", scale, scale, x, y)
	c.shield()
	c.paddy()
	c.cotton()
	c.ribbon()
	c.op("Q")
}

// shieldPath is an escutcheon with a flat chief, inset by d.
func (c *canvas) shieldPath(d float64) {
	l, r, top, tip := 8+d, 92-d, 116-d, 6+d*1.25
	c.op("%v %v m %v %v l %v %v l", l, top, r, top, r, 62.0)
	c.op("%v %v %v %v %v %v c", r, 36.0, 72.0, 18.0, 50.0, tip)
	c.op("%v %v %v %v %v %v c h", 28.0, 18.0, l, 36.0, l, 62.0)
}

func (c *canvas) shield() {
	c.op("%s rg %s RG 1.2 w", gold, ink)
	c.shieldPath(0)
	c.op("B")
	c.op("q")
	c.shieldPath(4)
	c.op("W n %s rg 0 0 100 120 re f", sky)
	c.op("%s rg", forest)
	c.path(point{4, 44}, point{36, 84}, point{50, 66}, point{64, 78}, point{96, 44})
	c.op("f %s rg", white) // snow on the higher summit
	c.path(point{36, 84}, point{29.6, 76}, point{33, 73.5}, point{36, 76.5}, point{39.5, 73}, point{42.2, 76})
	c.op("f %s rg 0 32 100 14 re f", meadow)
	c.op("%s rg 0 0 100 32 re f %s RG 2.2 w", sky, white)
	for _, level := range []float64{14, 20.5, 27} {
		c.wave(level)
	}
	c.op("Q %s RG 0.6 w", ink)
	c.shieldPath(4)
	c.op("S %s rg %s RG 0.4 w", gold, ink)
	c.star(50, 98, 11)
	c.op("B")
}

func (c *canvas) wave(y float64) {
	c.op("0 %v m", y)
	for x := 0.0; x < 100; x += 12.5 {
		c.op("%v %v %v %v %v %v c", x+4, y+3, x+8.5, y-3, x+12.5, y)
	}
	c.op("S")
}

// garland returns the place and direction of step t in 0..1 on the arc that
// rises along one flank; side is -1 for the left, 1 for the right.
func garland(t, side float64) (p point, angle float64) {
	a := -0.42*math.Pi + t*0.66*math.Pi
	sin, cos := math.Sincos(a)
	return point{50 + side*30*cos, 66 + 29*sin}, a
}

func (c *canvas) paddy() {
	c.op("%s RG 0.9 w", gold)
	c.stem(-1)
	c.op("%s rg %s RG 0.25 w", gold, ink)
	for i := range 13 {
		p, a := garland(0.08+float64(i)*0.073, -1)
		tangent := math.Pi - a - math.Pi/2
		for _, lean := range []float64{-0.55, 0.55} {
			sin, cos := math.Sincos(tangent + lean)
			c.ellipse(p.x+2.6*cos, p.y+2.6*sin, 2.7, 1.05, tangent+lean)
			c.op("B")
		}
	}
}

func (c *canvas) cotton() {
	c.op("0.62 0.78 0.35 RG 0.9 w")
	c.stem(1)
	for i := range 7 {
		p, a := garland(0.1+float64(i)*0.14, 1)
		tangent := a + math.Pi/2
		c.op("%s rg %s RG 0.25 w", meadow, ink)
		sin, cos := math.Sincos(tangent - 0.8)
		c.ellipse(p.x+3*cos, p.y+3*sin, 2.6, 1, tangent-0.8)
		c.op("B %s rg", white)
		c.ellipse(p.x, p.y, 2.7, 2.5, 0)
		c.op("B 0.35 w")
		c.op("%v %v m %v %v l %v %v m %v %v l S", p.x-1.5, p.y-1.2, p.x, p.y+0.4, p.x+1.5, p.y-1.2, p.x, p.y+0.4)
	}
}

func (c *canvas) stem(side float64) {
	for i := range 21 {
		p, _ := garland(float64(i)/20, side)
		op := "l"
		if i == 0 {
			op = "m"
		}
		c.op("%v %v %s", p.x, p.y, op)
	}
	c.op("S")
}

func (c *canvas) ribbon() {
	c.op("%s rg %s RG 0.6 w", crimson, ink)
	for _, side := range []float64{-1, 1} { // the tails, behind
		at := func(x, y float64) point { return point{50 + side*x, y} }
		c.path(at(34, 12), at(49, 17), at(45, 10), at(49, 3), at(34, 2))
		c.op("B")
	}
	c.op("12 18 m 30 12 70 12 88 18 c 88 7 l 70 1 30 1 12 7 c h B")
	c.op("%s rg", white)
	c.spaced("F2", 7.2, 50, 6.4, 1.6, "CONTOH")
}
