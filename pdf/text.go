package pdf

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// pdfDoc is PDFDocEncoding (Annex D.3) where it differs from Latin-1; 0 stands
// for undefined.
var pdfDoc = map[byte]rune{
	0x18: '˘', 0x19: 'ˇ', 0x1A: 'ˆ', 0x1B: '˙', 0x1C: '˝', 0x1D: '˛', 0x1E: '˚', 0x1F: '˜',
	0x80: '•', 0x81: '†', 0x82: '‡', 0x83: '…', 0x84: '—', 0x85: '–', 0x86: 'ƒ', 0x87: '⁄',
	0x88: '‹', 0x89: '›', 0x8A: '−', 0x8B: '‰', 0x8C: '„', 0x8D: '“', 0x8E: '”', 0x8F: '‘',
	0x90: '’', 0x91: '‚', 0x92: '™', 0x93: 'ﬁ', 0x94: 'ﬂ', 0x95: 'Ł', 0x96: 'Œ', 0x97: 'Š',
	0x98: 'Ÿ', 0x99: 'Ž', 0x9A: 'ı', 0x9B: 'ł', 0x9C: 'œ', 0x9D: 'š', 0x9E: 'ž', 0xA0: '€',
	0x7F: utf8.RuneError, 0x9F: utf8.RuneError, 0xAD: utf8.RuneError,
}

// Text decodes a text string (§7.9.2.2): UTF-16BE or UTF-8 with a byte order
// mark, else PDFDocEncoding. UTF-16LE, which some writers use, is read too.
// What is undefined becomes U+FFFD; language escapes are left out.
func Text(s String) string {
	switch {
	case strings.HasPrefix(string(s), "\xFE\xFF"):
		return fromUTF16(s[2:], 0, 1)
	case strings.HasPrefix(string(s), "\xFF\xFE"):
		return fromUTF16(s[2:], 1, 0)
	case strings.HasPrefix(string(s), "\xEF\xBB\xBF"):
		return dropLanguage(strings.ToValidUTF8(string(s[3:]), "\uFFFD"))
	}
	if isASCII(s) {
		return string(s)
	}
	var b strings.Builder
	for i := range len(s) {
		if r, ok := pdfDoc[s[i]]; ok {
			b.WriteRune(r)
		} else {
			b.WriteRune(rune(s[i]))
		}
	}
	return b.String()
}

// isASCII says whether s has only characters that PDFDocEncoding and ASCII
// share.
func isASCII(s String) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x7F || c >= 0x18 && c < 0x20 {
			return false
		}
	}
	return true
}

// fromUTF16 decodes UTF-16 with the high byte of each unit at index high.
func fromUTF16(s String, high, low int) string {
	units := make([]uint16, 0, len(s)/2)
	for ; len(s) >= 2; s = s[2:] {
		units = append(units, uint16(s[high])<<8|uint16(s[low]))
	}
	t := string(utf16.Decode(units))
	if len(s) > 0 {
		t += "\uFFFD"
	}
	return dropLanguage(t)
}

// dropLanguage removes "ESC language ESC" (§7.9.2.2.1).
func dropLanguage(t string) string {
	for {
		a := strings.IndexByte(t, 0x1B)
		if a < 0 {
			return t
		}
		b := strings.IndexByte(t[a+1:], 0x1B)
		if b < 0 || b > 16 {
			return t
		}
		t = t[:a] + t[a+b+2:]
	}
}

// EncodeText makes a text string: printable ASCII (and tab, line feed and
// carriage return) as it is, anything else as UTF-16BE with its mark.
func EncodeText(t string) String {
	plain := true
	for i := range len(t) {
		if c := t[i]; c >= 0x7F || c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
			plain = false
			break
		}
	}
	if plain {
		return String(t)
	}
	units := utf16.Encode([]rune(t))
	b := make([]byte, 2, 2+2*len(units))
	b[0], b[1] = 0xFE, 0xFF
	for _, u := range units {
		b = append(b, byte(u>>8), byte(u))
	}
	return String(b)
}

// Printable makes a name or text from the file fit for a sentence that people
// read: without control characters and at most 60 characters long.
func Printable(s string) string {
	const most = 60
	s = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}
