package pdfmake

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tdewolff/font"
)

// Face is a TrueType font cut down to the characters of a document and
// embedded as a composite font with Identity-H encoding (ISO 32000-2 §9.7).
type Face struct {
	name   string
	data   []byte
	glyphs map[rune]uint16
	widths []int // thousandths of the size, by glyph
	box    [4]int
	ascent int
	desc   int
	italic bool
	drawn  map[rune]bool
}

// used returns the characters that were drawn so far.
func (f *Face) used() string {
	return string(slices.Sorted(maps.Keys(f.drawn)))
}

// NewFace cuts ttf down to the characters of text. Name is the PostScript name.
func NewFace(name string, ttf []byte, text string, italic bool) *Face {
	full, err := font.ParseSFNT(ttf, 0)
	if err != nil {
		panic(err)
	}
	runes := slices.Sorted(slices.Values([]rune(text)))
	runes = slices.Compact(runes)
	ids := []uint16{0}
	f := &Face{name: name, glyphs: map[rune]uint16{}, italic: italic, drawn: map[rune]bool{}}
	for _, r := range runes {
		id := full.GlyphIndex(r)
		if id == 0 {
			panic(fmt.Sprintf("pdfmake: font %s has no %q", name, r))
		}
		f.glyphs[r] = uint16(len(ids))
		ids = append(ids, id)
	}
	em := int(full.Head.UnitsPerEm)
	cut, err := full.Subset(ids, font.SubsetOptions{Tables: []string{"cvt ", "fpgm", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "prep"}})
	if err != nil {
		panic(err)
	}
	for id := range cut.NumGlyphs() {
		f.widths = append(f.widths, (int(cut.GlyphAdvance(id))*1000+em/2)/em)
	}
	h := full.Head
	f.box = [4]int{int(h.XMin) * 1000 / em, int(h.YMin) * 1000 / em, int(h.XMax) * 1000 / em, int(h.YMax) * 1000 / em}
	f.ascent, f.desc = int(full.Hhea.Ascender)*1000/em, int(full.Hhea.Descender)*1000/em
	f.data = fixHead(cut.Write())
	return f
}

// fixHead sets the modification time, which the library takes from the clock,
// to zero and mends the checksums of the head table and the file.
func fixHead(b []byte) []byte {
	tables := int(binary.BigEndian.Uint16(b[4:]))
	for i := range tables {
		rec := b[12+16*i:]
		if string(rec[:4]) != "head" {
			continue
		}
		off, n := binary.BigEndian.Uint32(rec[8:]), binary.BigEndian.Uint32(rec[12:])
		head := b[off : off+(n+3)/4*4]
		clear(head[8:12])  // checkSumAdjustment
		clear(head[28:36]) // modified
		binary.BigEndian.PutUint32(rec[4:], checksum(head))
		binary.BigEndian.PutUint32(head[8:], 0xB1B0AFBA-checksum(b))
	}
	return b
}

func checksum(b []byte) (sum uint32) {
	for ; len(b) >= 4; b = b[4:] {
		sum += binary.BigEndian.Uint32(b)
	}
	return sum
}

// Encode returns the codes of s.
func (f *Face) Encode(s string) string {
	var b []byte
	for _, r := range s {
		f.drawn[r] = true
		b = binary.BigEndian.AppendUint16(b, f.glyph(r))
	}
	return string(b)
}

func (f *Face) glyph(r rune) uint16 {
	id, ok := f.glyphs[r]
	if !ok {
		panic(fmt.Sprintf("pdfmake: %q is not in the subset of %s", r, f.name))
	}
	return id
}

// Width returns the width of s at the given size, in points.
func (f *Face) Width(s string, size float64) float64 {
	n := 0
	for _, r := range s {
		n += f.widths[f.glyph(r)]
	}
	return float64(n) * size / 1000
}

// Embed adds the font's objects to the file.
func (f *Face) Embed(file *File) Ref {
	name := Name(subsetTag(f.data) + "+" + f.name)
	widths := Array{}
	for _, w := range f.widths {
		widths = append(widths, w)
	}
	flags, angle := 4, 0 // symbolic: the glyphs have no standard encoding
	if f.italic {
		flags, angle = 4|64, -10
	}
	descriptor := file.Add(Dict{"Type": Name("FontDescriptor"), "FontName": name, "Flags": flags, "ItalicAngle": angle,
		"FontBBox": Array{f.box[0], f.box[1], f.box[2], f.box[3]}, "Ascent": f.ascent, "Descent": f.desc,
		"CapHeight": 720, "StemV": 80,
		"FontFile2": file.Add(Stream{Dict: Dict{"Length1": len(f.data)}, Data: f.data, Deflate: true})})
	descendant := file.Add(Dict{"Type": Name("Font"), "Subtype": Name("CIDFontType2"), "BaseFont": name,
		"CIDSystemInfo":  Dict{"Registry": "Adobe", "Ordering": "Identity", "Supplement": 0},
		"FontDescriptor": descriptor, "W": Array{0, widths}, "CIDToGIDMap": Name("Identity")})
	return file.Add(Dict{"Type": Name("Font"), "Subtype": Name("Type0"), "BaseFont": name, "Encoding": Name("Identity-H"),
		"DescendantFonts": Array{descendant},
		"ToUnicode":       file.Add(Stream{Dict: Dict{}, Data: f.toUnicode(), Deflate: true})})
}

// subsetTag gives the six letters before a subset's name (§9.9.2).
func subsetTag(b []byte) string {
	sum := sha256.Sum256(b)
	tag := make([]byte, 6)
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	return string(tag)
}

func (f *Face) toUnicode() []byte {
	byGlyph := make([]rune, len(f.widths))
	for r, id := range f.glyphs {
		byGlyph[id] = r
	}
	var lines []string
	for id, r := range byGlyph {
		if r != 0 {
			lines = append(lines, fmt.Sprintf("<%04X> <%04X>", id, r))
		}
	}
	var b strings.Builder
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	for chunk := range slices.Chunk(lines, 100) {
		fmt.Fprintf(&b, "%d beginbfchar\n%s\nendbfchar\n", len(chunk), strings.Join(chunk, "\n"))
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return []byte(b.String())
}
