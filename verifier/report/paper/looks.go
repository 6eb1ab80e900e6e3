package paper

import (
	"math"

	"github.com/absah-id/absah/verifier"
)

// look is how a state is shown: colour, and a symbol for whoever sees none.
type look struct {
	ink, tint colour
	mark      mark
}

type mark int

const (
	markCheck mark = iota
	markCross
	markQuestion
	markDash
	markExclamation
)

// looks of the five states.
var looks = map[verifier.Verdict]look{
	verifier.TotalPassed:         {colour{0.05, 0.42, 0.25}, colour{0.92, 0.96, 0.93}, markCheck},
	verifier.TotalFailed:         {colour{0.70, 0.10, 0.12}, colour{0.98, 0.92, 0.92}, markCross},
	verifier.VerdictUndetermined: {colour{0.62, 0.38, 0.00}, colour{0.99, 0.96, 0.88}, markQuestion},
	verifier.NoSignature:         {colour{0.25, 0.33, 0.42}, colour{0.93, 0.95, 0.97}, markDash},
	verifier.Unreadable:          {colour{0.36, 0.26, 0.42}, colour{0.95, 0.93, 0.97}, markExclamation},
}

// lookOf is that of one signature.
func lookOf(i verifier.Indication) look {
	switch i {
	case verifier.Passed:
		return looks[verifier.TotalPassed]
	case verifier.Failed:
		return looks[verifier.TotalFailed]
	}
	return looks[verifier.VerdictUndetermined]
}

// symbol draws a disc with the mark around a middle.
func (c *canvas) symbol(l look, x, y, radius float64) {
	k := radius * 4 / 3 * (math.Sqrt2 - 1) // of the control points of a quarter circle
	c.op("%s sc %s %s m", l.ink, num(x+radius), num(y))
	c.op("%s %s %s %s %s %s c", num(x+radius), num(y+k), num(x+k), num(y+radius), num(x), num(y+radius))
	c.op("%s %s %s %s %s %s c", num(x-k), num(y+radius), num(x-radius), num(y+k), num(x-radius), num(y))
	c.op("%s %s %s %s %s %s c", num(x-radius), num(y-k), num(x-k), num(y-radius), num(x), num(y-radius))
	c.op("%s %s %s %s %s %s c f", num(x+k), num(y-radius), num(x+radius), num(y-k), num(x+radius), num(y))
	at := func(dx, dy float64) string { return num(x+dx*radius) + " " + num(y+dy*radius) }
	switch l.mark {
	case markCheck:
		c.op("q %s SC %s w 1 J 1 j %s m %s l %s l S Q", white, num(radius*0.19), at(-0.42, 0), at(-0.1, -0.34), at(0.46, 0.36))
	case markCross:
		c.op("q %s SC %s w 1 J %s m %s l S %s m %s l S Q", white, num(radius*0.19), at(-0.34, -0.34), at(0.34, 0.34), at(-0.34, 0.34), at(0.34, -0.34))
	case markDash:
		c.op("q %s SC %s w 1 J %s m %s l S Q", white, num(radius*0.19), at(-0.42, 0), at(0.42, 0))
	case markQuestion, markExclamation:
		text := "?"
		if l.mark == markExclamation {
			text = "!"
		}
		s := style{bold, radius * 1.4, 1, white}
		c.put(s, x-c.width(s, text)/2, y-0.36*s.size, text)
	}
}
