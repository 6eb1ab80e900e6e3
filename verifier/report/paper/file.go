package paper

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"time"

	"github.com/absah-id/absah/pdf"
)

// file is a PDF being made: objects in the order of their numbers. Streams
// come with their /Length.
type file struct{ objects []pdf.Object }

// Add gives o the next number.
func (f *file) Add(o pdf.Object) pdf.Ref {
	f.objects = append(f.objects, o)
	return pdf.Ref{Num: uint32(len(f.objects))}
}

// set replaces the object ref.
func (f *file) set(ref pdf.Ref, o pdf.Object) { f.objects[ref.Num-1] = o }

// bytes writes header, objects, cross-reference table and trailer (ISO 32000-2
// §7.5). The identifier is a digest of the contents.
func (f *file) bytes(root pdf.Ref) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	offsets := make([]int, len(f.objects))
	for i, o := range f.objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, pdf.Format(nil, o))
	}
	id := sha256.Sum256(b.Bytes())
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(f.objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	trailer := pdf.Dict{
		"Size": pdf.Integer(len(f.objects) + 1), "Root": root,
		"ID": pdf.Array{pdf.String(id[:16]), pdf.String(id[:16])},
	}
	fmt.Fprintf(&b, "trailer\n%s\nstartxref\n%d\n%%%%EOF\n", pdf.Format(nil, trailer), start)
	return b.Bytes()
}

// metadata is the XMP packet (ISO 19005-2 §6.6), which stays readable.
func metadata(title, language string, at time.Time) *pdf.Stream {
	var escaped bytes.Buffer
	_ = xml.EscapeText(&escaped, []byte(title)) // a buffer does not fail
	date := at.UTC().Format("2006-01-02T15:04:05Z")
	packet := fmt.Sprintf(`<?xpacket begin="%s" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>2</pdfaid:part>
<pdfaid:conformance>U</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>%s</rdf:li></rdf:Bag></dc:language>
<xmp:CreatorTool>Absah</xmp:CreatorTool>
<xmp:CreateDate>%s</xmp:CreateDate>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>`, "\uFEFF", escaped.String(), language, date)
	return pdf.NewStream(pdf.Dict{
		"Type": pdf.Name("Metadata"), "Subtype": pdf.Name("XML"), "Length": pdf.Integer(len(packet)),
	}, []byte(packet))
}
