package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxText caps what is shown of one text from a document, in characters. A
// longer name tells nothing more, and hides what stands after it.
const maxText = 300

// Visible makes text from a document or its certificates fit for a line of a
// report: what would move the cursor, turn the direction of writing or not be
// seen at all is shown as its code point, ‹U+202E›, white space as one space,
// and after 300 characters comes how many were left out. Letters are composed
// with their accents (NFC) first.
func Visible(s string) string { return visible(s, maxText) }

func visible(s string, most int) string {
	left := utf8.RuneCountInString(s) - most
	if left > 0 {
		s = head(s, most)
	}
	var b strings.Builder
	blank := false
	for _, r := range norm.NFC.String(s) {
		switch {
		case unicode.IsSpace(r):
			blank = b.Len() > 0
			continue
		case blank:
			b.WriteByte(' ')
			blank = false
		}
		if Hidden(r) {
			b.WriteString(CodePoint(r))
			continue
		}
		b.WriteRune(r)
	}
	if left > 0 {
		fmt.Fprintf(&b, "… (+%d)", left)
	}
	return b.String()
}

// head returns the first characters.
func head(s string, most int) string {
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i]
		}
	}
	return s
}

// Hidden reports that a character cannot be seen or changes how others are.
func Hidden(r rune) bool {
	return r == unicode.ReplacementChar || !unicode.IsGraphic(r) || unicode.In(r, unicode.C, unicode.Mn, unicode.Me, unicode.Bidi_Control)
}

// CodePoint writes a character as its code point.
func CodePoint(r rune) string { return fmt.Sprintf("‹U+%04X›", r) }
