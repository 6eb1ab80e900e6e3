package signer

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// CheckTexts refuses with CodeText a field name, reason, place, name or contact
// that readers would not show as it is written: with a control character, a
// line break, or one of the format characters by which text is made to read in
// another order. Of the same kind are surrogates, characters for private use
// and bytes that are no UTF-8. Sign does it too.
func (r *Request) CheckTexts() error {
	for _, t := range []struct{ what, text string }{
		{"field name", r.Field}, {"reason", r.Reason}, {"location", r.Location}, {"name", r.Name}, {"contact", r.ContactInfo},
	} {
		if at, what := hiddenCharacter(t.text); at >= 0 {
			return refuse(CodeText, "The %s holds %s at byte %d, which is not shown as it is.", t.what, what, at)
		}
	}
	return nil
}

// hiddenCharacter finds the first character of the kinds above; at is -1 when
// there is none.
func hiddenCharacter(s string) (at int, what string) {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i, fmt.Sprintf("the byte %#02x, which is no UTF-8,", s[i])
			}
		}
		if r == utf8.RuneError || unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) {
			return i, fmt.Sprintf("the character %U", r)
		}
	}
	return -1, ""
}
