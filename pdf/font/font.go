package font

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	sfnt "github.com/tdewolff/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"

	"github.com/absah-id/absah/pdf"
)

// Face is one font of one document: it collects the glyphs that the text uses
// and writes them as a subset. It is used by one goroutine, for one document:
// subsetting changes the parsed font, and parsing takes 30 µs.
type Face struct {
	base   string // PostScript name
	stemV  int    // not in the file; FontDescriptor asks for it
	font   *sfnt.SFNT
	glyphs []uint16        // of the font file, in the order of the subset; .notdef first
	index  map[rune]uint16 // rune to glyph of the subset
}

// Regular returns the proportional Go font.
func Regular() (*Face, error) { return newFace("GoRegular", 84, goregular.TTF) }

// Bold returns its bold companion.
func Bold() (*Face, error) { return newFace("GoBold", 140, gobold.TTF) }

// Mono returns the Go font in which all letters are of one width.
func Mono() (*Face, error) { return newFace("GoMono", 84, gomono.TTF) }

func newFace(base string, stemV int, file []byte) (*Face, error) {
	f, err := sfnt.ParseSFNT(file, 0)
	if err != nil {
		return nil, fmt.Errorf("font %s: %w", base, err)
	}
	return &Face{base: base, stemV: stemV, font: f, glyphs: []uint16{0}, index: map[rune]uint16{}}, nil
}

// Has reports whether the face can draw r.
func (f *Face) Has(r rune) bool { return f.font.GlyphIndex(r) != 0 }

// Width returns the advance of s at one point of font size.
func (f *Face) Width(s string) float64 {
	var sum int
	for _, r := range s {
		sum += int(f.font.GlyphAdvance(f.font.GlyphIndex(r)))
	}
	return float64(sum) / float64(f.font.Head.UnitsPerEm)
}

// Show returns s as the hexadecimal string operand of Tj and enters its glyphs
// into the subset. What the face cannot draw becomes .notdef, a box.
func (f *Face) Show(s string) string {
	var b strings.Builder
	b.WriteByte('<')
	for _, r := range s {
		g, ok := f.index[r]
		if !ok {
			g = uint16(len(f.glyphs))
			f.index[r] = g
			f.glyphs = append(f.glyphs, f.font.GlyphIndex(r))
		}
		fmt.Fprintf(&b, "%04X", g)
	}
	b.WriteByte('>')
	return b.String()
}

// Used reports whether anything was shown.
func (f *Face) Used() bool { return len(f.index) > 0 }

// Writer takes new objects of a document, as *[pdf.Update] does.
type Writer interface {
	Add(o pdf.Object) pdf.Ref
}

// Embed writes the Type 0 font (ISO 32000-2 §9.7) with what the text used.
func (f *Face) Embed(w Writer) (pdf.Ref, error) {
	file, widths, err := f.subset()
	if err != nil {
		return pdf.Ref{}, err
	}
	name := pdf.Name(subsetTag(file) + "+" + f.base)
	scale := func(v int16) pdf.Integer {
		return pdf.Integer(int(v) * 1000 / int(f.font.Head.UnitsPerEm))
	}
	head, hhea := f.font.Head, f.font.Hhea
	descriptor := w.Add(pdf.Dict{
		"Type": pdf.Name("FontDescriptor"), "FontName": name,
		"Flags":    pdf.Integer(4), // symbolic: glyphs are chosen by number
		"FontBBox": pdf.Array{scale(head.XMin), scale(head.YMin), scale(head.XMax), scale(head.YMax)},
		"Ascent":   scale(hhea.Ascender), "Descent": scale(hhea.Descender),
		"CapHeight": scale(f.font.OS2.SCapHeight), "ItalicAngle": pdf.Integer(0), "StemV": pdf.Integer(f.stemV),
		"FontFile2": w.Add(pdf.NewFlateStream(pdf.Dict{"Length1": pdf.Integer(len(file))}, file)),
		"CIDSet":    w.Add(pdf.NewFlateStream(pdf.Dict{}, allCIDs(len(widths)))), // ISO 19005-1 §6.3.5
	})
	advances := make(pdf.Array, len(widths))
	for i, v := range widths {
		advances[i] = pdf.Integer((int(v)*1000 + int(head.UnitsPerEm)/2) / int(head.UnitsPerEm))
	}
	cid := w.Add(pdf.Dict{
		"Type": pdf.Name("Font"), "Subtype": pdf.Name("CIDFontType2"), "BaseFont": name,
		"CIDSystemInfo":  pdf.Dict{"Registry": pdf.String("Adobe"), "Ordering": pdf.String("Identity"), "Supplement": pdf.Integer(0)},
		"FontDescriptor": descriptor, "CIDToGIDMap": pdf.Name("Identity"),
		"DW": pdf.Integer(1000), "W": pdf.Array{pdf.Integer(0), advances},
	})
	return w.Add(pdf.Dict{
		"Type": pdf.Name("Font"), "Subtype": pdf.Name("Type0"), "BaseFont": name,
		"Encoding": pdf.Name("Identity-H"), "DescendantFonts": pdf.Array{cid},
		"ToUnicode": w.Add(pdf.NewFlateStream(pdf.Dict{}, f.toUnicode())),
	}), nil
}

// subset returns the font file of the used glyphs and their components, and
// the advance of each.
func (f *Face) subset() (file []byte, widths []uint16, err error) {
	original := f.font.Tables["head"]
	sub, err := f.font.Subset(f.glyphs, sfnt.SubsetOptions{Tables: sfnt.KeepPDFTables})
	if err != nil {
		return nil, nil, fmt.Errorf("font %s: subset: %w", f.base, err)
	}
	file = sub.Write()
	if err := restoreModified(file, original); err != nil {
		return nil, nil, fmt.Errorf("font %s: subset: %w", f.base, err)
	}
	widths = make([]uint16, sub.NumGlyphs())
	for i := range widths {
		widths[i] = sub.GlyphAdvance(uint16(i))
	}
	return file, widths, nil
}

// restoreModified puts the original's modification time back into the head
// table: the font library writes the present time there, and the same request
// must give the same bytes. Checksums follow (OpenType, "head" and "Table
// Directory").
func restoreModified(file, head []byte) error {
	const adjustment, modified, record = 8, 28, 16
	tables := int(binary.BigEndian.Uint16(file[4:]))
	for i := range tables {
		entry := file[12+record*i:]
		if string(entry[:4]) != "head" {
			continue
		}
		start, size := binary.BigEndian.Uint32(entry[8:]), binary.BigEndian.Uint32(entry[12:])
		table := file[start : start+size]
		copy(table[modified:modified+8], head[modified:])
		binary.BigEndian.PutUint32(table[adjustment:], 0)
		binary.BigEndian.PutUint32(entry[4:], tableChecksum(table))
		binary.BigEndian.PutUint32(table[adjustment:], 0xB1B0AFBA-tableChecksum(file))
		return nil
	}
	return fmt.Errorf("no head table")
}

func tableChecksum(b []byte) (sum uint32) {
	for ; len(b) >= 4; b = b[4:] {
		sum += binary.BigEndian.Uint32(b)
	}
	var rest [4]byte
	copy(rest[:], b)
	return sum + binary.BigEndian.Uint32(rest[:])
}

// subsetTag returns the six capitals of §9.9.2, drawn from the subset itself.
func subsetTag(file []byte) string {
	sum := sha256.Sum256(file)
	tag := make([]byte, 6)
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	return string(tag)
}

// allCIDs returns a CIDSet with the first n CIDs.
func allCIDs(n int) []byte {
	b := make([]byte, (n+7)/8)
	for i := range n {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return b
}

// toUnicode returns the CMap by which text is copied and read aloud (§9.10.3).
func (f *Face) toUnicode() []byte {
	runes := make([]rune, len(f.index)+1)
	for r, g := range f.index {
		runes[g] = r
	}
	var b strings.Builder
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	const block = 100 // most entries a bfchar block may have
	for from := 1; from < len(runes); from += block {
		to := min(from+block, len(runes))
		fmt.Fprintf(&b, "%d beginbfchar\n", to-from)
		for g := from; g < to; g++ {
			fmt.Fprintf(&b, "<%04X> <%X>\n", g, utf16BE(runes[g]))
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return []byte(b.String())
}

func utf16BE(r rune) []byte {
	var b []byte
	for _, v := range utf16.Encode([]rune{r}) {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return b
}
