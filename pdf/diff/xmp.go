package diff

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
)

// maxXMP bounds a metadata packet; those with thumbnails reach some hundred
// kilobytes. maxXMPDepth bounds its nesting.
const (
	maxXMP      = 4 << 20
	maxXMPDepth = 64
)

const (
	xmpMeta = "adobe:ns:meta/"
	rdfNS   = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
)

// checkXMP requires a packet to be one well-formed XML document with the root
// x:xmpmeta or rdf:RDF (ISO 16684-1 §7.3.3). A document type declaration is
// refused: XMP has none, and entities are how XML readers are attacked.
func checkXMP(b []byte) error {
	dec := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
	dec.Strict = true
	dec.CharsetReader = func(label string, _ io.Reader) (io.Reader, error) {
		return nil, errors.New("XMP is not UTF-8")
	}
	depth, roots := 0, 0
	for {
		t, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return malformed("xmp-syntax", "%w", err)
		}
		switch t := t.(type) {
		case xml.Directive:
			return malformed("xmp-doctype", "a document type declaration")
		case xml.StartElement:
			if depth == 0 {
				roots++
				if n := t.Name; n != (xml.Name{Space: xmpMeta, Local: "xmpmeta"}) && n != (xml.Name{Space: rdfNS, Local: "RDF"}) {
					return malformed("xmp-root", "the root is no XMP")
				}
			}
			if depth++; depth > maxXMPDepth {
				return overLimit("maxXMPDepth", maxXMPDepth)
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return malformed("xmp-syntax", "text outside the root")
			}
		}
	}
	if roots != 1 {
		return malformed("xmp-root", "%d roots", roots)
	}
	return nil
}
