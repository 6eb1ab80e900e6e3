package pdfmake

import (
	"encoding/binary"
	"fmt"
	"math"
)

// pdfA writes the letter as PDF/A-2b (ISO 19005-2): embedded fonts, an output
// intent and metadata that agree with the document information.
func pdfA(name string) []byte {
	f := New("1.7", name)
	pages, _ := Letter(f)
	profile := f.Add(Stream{Dict: Dict{"N": 3}, Data: iccProfile(), Deflate: true})
	intent := f.Add(Dict{"Type": Name("OutputIntent"), "S": Name("GTS_PDFA1"), "OutputConditionIdentifier": "RGB 2.2",
		"Info": "RGB, sRGB primaries, gamma 2.2", "DestOutputProfile": profile})
	f.Root = f.Add(Dict{"Type": Name("Catalog"), "Pages": pages, "Lang": "id-ID",
		"Metadata": f.Add(xmp(letterTitle, 2)), "OutputIntents": Array{intent}})
	f.Flush(Table)
	return f.Bytes()
}

// xmp returns a metadata stream (§14.3.2); part is the part of PDF/A, or 0.
func xmp(title string, part int) Stream {
	pdfa := ""
	if part > 0 {
		pdfa = fmt.Sprintf("   <pdfaid:part>%d</pdfaid:part>\n   <pdfaid:conformance>B</pdfaid:conformance>\n", part)
	}
	return Stream{Dict: Dict{"Type": Name("Metadata"), "Subtype": Name("XML")}, Data: fmt.Appendf(nil,
		`<?xpacket begin="%s" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
%s   <dc:format>application/pdf</dc:format>
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt></dc:title>
   <dc:creator><rdf:Seq><rdf:li>%s</rdf:li></rdf:Seq></dc:creator>
   <xmp:CreatorTool>pdfmake</xmp:CreatorTool>
   <xmp:CreateDate>%s</xmp:CreateDate>
   <xmp:ModifyDate>%s</xmp:ModifyDate>
   <pdf:Producer>pdfmake</pdf:Producer>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>`, "\uFEFF", pdfa, title, letterAuthor, letterDateXMP, letterDateXMP)}
}

// iccProfile makes a small RGB display profile (ICC.1:2001-04, version 2.1):
// the primaries of sRGB adapted to D50 and a gamma of 2.2.
func iccProfile() []byte {
	desc := append([]byte("desc\x00\x00\x00\x00\x00\x00\x00\x0CRGB gamma22\x00"), make([]byte, 4+4+2+1+67)...)
	curve := append([]byte("curv\x00\x00\x00\x00\x00\x00\x00\x01"), 0x02, 0x33) // 2.2 as u8Fixed8
	blobs := [][]byte{desc, []byte("text\x00\x00\x00\x00No rights reserved\x00"), iccXYZ(0.9642, 1, 0.8249),
		iccXYZ(0.4361, 0.2225, 0.0139), iccXYZ(0.3851, 0.7169, 0.0971), iccXYZ(0.1431, 0.0606, 0.7141), curve}
	tags := []struct {
		sig  string
		blob int
	}{{"desc", 0}, {"cprt", 1}, {"wtpt", 2}, {"rXYZ", 3}, {"gXYZ", 4}, {"bXYZ", 5}, {"rTRC", 6}, {"gTRC", 6}, {"bTRC", 6}}

	body, offsets := []byte{}, make([]int, len(blobs))
	start := 128 + 4 + 12*len(tags)
	for i, b := range blobs {
		offsets[i] = start + len(body)
		body = append(body, b...)
		body = append(body, make([]byte, (4-len(b)%4)%4)...)
	}
	head := make([]byte, 128)
	binary.BigEndian.PutUint32(head, uint32(start+len(body)))
	copy(head[8:], "\x02\x10\x00\x00mntrRGB XYZ ")
	copy(head[24:], "\x07\xEA\x00\x01\x00\x02\x00\x09\x00\x00\x00\x00acsp") // 2026-01-02 09:00
	copy(head[68:], iccXYZ(0.9642, 1, 0.8249)[8:])
	out := binary.BigEndian.AppendUint32(head, uint32(len(tags)))
	for _, t := range tags {
		out = append(out, t.sig...)
		out = binary.BigEndian.AppendUint32(out, uint32(offsets[t.blob]))
		out = binary.BigEndian.AppendUint32(out, uint32(len(blobs[t.blob])))
	}
	return append(out, body...)
}

// iccXYZ is an XYZType with one triple of s15Fixed16 numbers.
func iccXYZ(x, y, z float64) []byte {
	b := []byte("XYZ \x00\x00\x00\x00")
	for _, v := range []float64{x, y, z} {
		b = binary.BigEndian.AppendUint32(b, uint32(math.Round(v*65536)))
	}
	return b
}
