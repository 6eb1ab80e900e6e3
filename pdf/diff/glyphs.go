package diff

import (
	"strconv"
	"strings"

	"github.com/absah-id/absah/pdf"
)

// glyphNames are what the characters of ASCII that are neither letters nor
// digits are called in encodings (Annex D), from space on.
var glyphNames = strings.Fields("space exclam quotedbl numbersign dollar percent ampersand quotesingle parenleft parenright " +
	"asterisk plus comma hyphen period slash zero one two three four five six seven eight nine " +
	"colon semicolon less equal greater question at")

// moreGlyphNames are those behind the capitals and behind the small letters.
var moreGlyphNames = map[pdf.Name]rune{
	"bracketleft": '[', "backslash": '\\', "bracketright": ']', "asciicircum": '^', "underscore": '_', "grave": '`',
	"braceleft": '{', "bar": '|', "braceright": '}', "asciitilde": '~',
}

// likeGlyphs are signs of other encodings that look like these of ASCII.
var likeGlyphs = map[pdf.Name]rune{"quoteright": '\'', "quoteleft": '`', "minus": '-', "nbspace": ' ', "nonbreakingspace": ' '}

// asciiOf returns the character of ASCII that a glyph name stands for; 0 when it
// is none of them, as far as that can be told. Readers take uni0039, u39 and a
// name with a suffix for what they say.
func asciiOf(name pdf.Name) rune {
	base, _, _ := strings.Cut(string(name), ".")
	if len(base) == 1 && letterOrDigit(base[0]) {
		return rune(base[0])
	}
	for i, n := range glyphNames {
		if n == base {
			return ' ' + rune(i)
		}
	}
	if c := moreGlyphNames[pdf.Name(base)]; c != 0 {
		return c
	}
	hex := strings.TrimPrefix(strings.TrimPrefix(base, "uni"), "u")
	if v, err := strconv.ParseUint(hex, 16, 32); err == nil && len(hex) < len(base) && v < 0x7F {
		return rune(v)
	}
	return 0
}

func letterOrDigit(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' }

// lies says whether the /Differences of an encoding (Table 112) show another
// sign for a character of ASCII than that, or a sign of ASCII for another one.
func lies(differences pdf.Array) bool {
	code := 0
	for _, o := range differences {
		switch o := o.(type) {
		case pdf.Integer:
			code = int(max(-1, min(o, 256)))
		case pdf.Name:
			ascii := rune(0)
			if code >= ' ' && code < 0x7F {
				ascii = rune(code)
			}
			is := asciiOf(o)
			alike := ascii != 0 && likeGlyphs[o] == ascii || is == '-' && code == 0xAD || is == ' ' && code == 0xA0
			if is != ascii && !alike && o != ".notdef" {
				return true
			}
			code++
		default:
			return true
		}
	}
	return false
}
