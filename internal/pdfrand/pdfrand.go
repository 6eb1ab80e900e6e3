// Package pdfrand draws random well-formed PDF files for property tests: every
// kind of cross-reference, chains of updates, page trees, boxes, rotations,
// forms, annotations, encryption and odd but legal values.
//
// All randomness comes from rapid, so a failing file shrinks and can be drawn
// again from its seed. It is for tests only and shares no code with package
// pdf.
package pdfrand

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/absah-id/absah/internal/pdfmake"
)

// Sample is a well-formed file.
type Sample struct {
	// Data is the file.
	Data []byte
	// Password opens it; "" also when it is not encrypted.
	Password string
	// Encrypted is set for encrypted files.
	Encrypted bool
	// Pages is the number of pages, from 1.
	Pages int
	// EmptyFields names the empty signature fields.
	EmptyFields []string
	// Revisions is the number of revisions, from 1.
	Revisions int
	// About says how it was made, for the failure message.
	About string
}

// String describes the sample without its bytes.
func (s Sample) String() string { return s.About }

// GoString does the same; rapid prints what it drew.
func (s Sample) GoString() string { return s.About }

// Samples generates files.
func Samples() *rapid.Generator[Sample] { return rapid.Custom(draw) }

type (
	dict  = pdfmake.Dict
	array = pdfmake.Array
	name  = pdfmake.Name
	ref   = pdfmake.Ref
)

// maker holds what is known while a file is drawn.
type maker struct {
	t     *rapid.T
	file  *pdfmake.File
	out   Sample
	about []string

	pageRefs []ref
	pages    []dict
	annots   []array
	catalog  dict
	fields   array
	spare    ref  // an object that nothing refers to
	packed   bool // the base has object streams
}

var kinds = []pdfmake.XRef{pdfmake.Table, pdfmake.StreamXRef, pdfmake.ObjectStreams, pdfmake.Hybrid}

var kindNames = []string{"table", "stream", "object streams", "hybrid"}

func draw(t *rapid.T) Sample {
	version := rapid.SampledFrom([]string{"1.5", "1.6", "1.7", "2.0"}).Draw(t, "version")
	m := &maker{t: t, file: pdfmake.New(version, "pdfrand")}
	m.file.EOL = rapid.SampledFrom([]string{"\n", "\n", "\r\n", "\r"}).Draw(t, "line end")
	m.note("PDF %s, lines end %q", version, m.file.EOL)
	m.drawEncryption()
	m.file.Root = m.file.Reserve()
	m.catalog = dict{"Type": name("Catalog")}
	m.catalog["Pages"] = m.drawTree()
	if rapid.Bool().Draw(t, "form") {
		m.drawForm()
	}
	m.drawExtras()
	m.setPages()
	m.file.Set(m.file.Root, m.catalog)
	m.flush("base")
	for range rapid.IntRange(0, 3).Draw(t, "updates") {
		m.drawUpdate()
	}
	m.out.Data = m.file.Bytes()
	if rapid.Bool().Draw(t, "no final line end") {
		m.out.Data = []byte(strings.TrimRight(string(m.out.Data), "\r\n"))
	}
	m.out.About = strings.Join(m.about, "; ")
	return m.out
}

func (m *maker) note(format string, args ...any) {
	m.about = append(m.about, fmt.Sprintf(format, args...))
}

func (m *maker) flush(what string) {
	kind := rapid.SampledFrom(kinds).Draw(m.t, what+" kind")
	m.file.Flush(kind)
	m.packed = m.packed || kind == pdfmake.ObjectStreams || kind == pdfmake.Hybrid
	m.out.Revisions++
	m.note("%s: %s", what, kindNames[kind])
}

func (m *maker) drawEncryption() {
	if rapid.IntRange(0, 3).Draw(m.t, "encrypted") != 0 {
		return
	}
	method := rapid.SampledFrom([]pdfmake.Method{pdfmake.RC4_40, pdfmake.RC4_128, pdfmake.AES128, pdfmake.AES256}).Draw(m.t, "method")
	m.out.Encrypted = true
	m.out.Password = rapid.SampledFrom([]string{"", pdfmake.Password, "p"}).Draw(m.t, "password")
	m.file.Encrypt = &pdfmake.Encryption{Method: method, User: m.out.Password, Owner: "pemilik"}
	m.note("encrypted %d with %q", method, m.out.Password)
}

// drawTree makes a page tree; boxes and rotation stand in the node or the page.
func (m *maker) drawTree() ref {
	m.out.Pages = rapid.IntRange(1, 24).Draw(m.t, "pages")
	fan := rapid.IntRange(1, 8).Draw(m.t, "pages per node")
	root := m.file.Reserve()
	var nodes array
	for first := 0; first < m.out.Pages; first += fan {
		node := m.file.Reserve()
		var kids array
		for range min(fan, m.out.Pages-first) {
			p := m.file.Reserve()
			kids = append(kids, p)
			m.pageRefs = append(m.pageRefs, p)
			m.pages = append(m.pages, m.drawPage(node))
		}
		nodes = append(nodes, node)
		d := dict{"Type": name("Pages"), "Parent": root, "Kids": kids, "Count": len(kids)}
		if rapid.Bool().Draw(m.t, "node rotates") {
			d["Rotate"] = m.rotation()
		}
		m.file.Set(node, d)
	}
	font := m.file.Add(dict{"Type": name("Font"), "Subtype": name("Type1"), "BaseFont": name("Helvetica")})
	m.file.Set(root, dict{"Type": name("Pages"), "Kids": nodes, "Count": m.out.Pages, "MediaBox": array{0, 0, 595, 842},
		"Resources": dict{"Font": dict{"F1": font}}})
	m.note("%d pages, %d per node", m.out.Pages, fan)
	return root
}

func (m *maker) rotation() int {
	return rapid.SampledFrom([]int{0, 90, 180, 270, -90, 450}).Draw(m.t, "rotate")
}

func (m *maker) drawPage(parent ref) dict {
	d := dict{"Type": name("Page"), "Parent": parent}
	text := rapid.SampledFrom([]string{"Halaman", "Lampiran", "Keputusan"}).Draw(m.t, "text")
	contents := m.file.Add(pdfmake.Stream{Dict: dict{}, Data: []byte("BT /F1 12 Tf 72 700 Td (" + text + ") Tj ET"),
		Deflate: rapid.Bool().Draw(m.t, "deflate")})
	d["Contents"] = contents
	if rapid.Bool().Draw(m.t, "contents array") {
		d["Contents"] = array{contents}
	}
	switch rapid.IntRange(0, 4).Draw(m.t, "geometry") {
	case 1:
		d["Rotate"] = m.rotation()
	case 2:
		x, y := rapid.IntRange(-500, 500).Draw(m.t, "x"), rapid.IntRange(-500, 500).Draw(m.t, "y")
		d["MediaBox"] = array{x, y, x + 595, float64(y) + 841.89}
	case 3:
		d["CropBox"] = array{40, 60, 500, 700}
		d["Rotate"] = m.rotation()
	case 4:
		d["UserUnit"] = rapid.Float64Range(0.5, 4).Draw(m.t, "unit")
	}
	m.annots = append(m.annots, m.drawLinks())
	return d
}

// drawLinks gives a page up to two link annotations.
func (m *maker) drawLinks() array {
	var list array
	for range rapid.IntRange(0, 2).Draw(m.t, "links") {
		link := dict{"Type": name("Annot"), "Subtype": name("Link"), "Rect": array{72, 100, 200, 120}, "Border": array{0, 0, 0},
			"Contents": pdfmake.Text(rapid.SampledFrom([]string{"tautan", "lihat §3", ""}).Draw(m.t, "contents"))}
		if rapid.Bool().Draw(m.t, "direct link") {
			list = append(list, link)
		} else {
			list = append(list, m.file.Add(link))
		}
	}
	return list
}

// setPages writes the pages with their annotations, direct or not.
func (m *maker) setPages() {
	for i, p := range m.pageRefs {
		if len(m.annots[i]) > 0 {
			m.pages[i]["Annots"] = m.annots[i]
			if rapid.Bool().Draw(m.t, "indirect annots") {
				m.pages[i]["Annots"] = m.file.Add(m.annots[i])
			}
		}
		m.file.Set(p, m.pages[i])
	}
}

// drawForm makes text fields and empty signature fields.
func (m *maker) drawForm() {
	font := m.file.Add(dict{"Type": name("Font"), "Subtype": name("Type1"), "BaseFont": name("Helvetica")})
	for i := range rapid.IntRange(0, 3).Draw(m.t, "text fields") {
		m.addField(dict{"FT": name("Tx"), "T": fmt.Sprintf("kolom%d", i), "V": pdfmake.Text("isi – " + fmt.Sprint(i)),
			"DA": "/Helv 10 Tf 0 g", "Rect": array{72, 500 + 30*i, 300, 520 + 30*i}})
	}
	for i := range rapid.IntRange(0, 2).Draw(m.t, "signature fields") {
		m.addField(dict{"FT": name("Sig"), "T": fmt.Sprintf("ttd%d", i), "Rect": array{330, 60 + 80*i, 530, 120 + 80*i}})
	}
	form := dict{"Fields": m.fields, "DA": "/Helv 0 Tf 0 g", "DR": dict{"Font": dict{"Helv": font}}}
	switch rapid.IntRange(0, 2).Draw(m.t, "form is") {
	case 0:
		m.catalog["AcroForm"] = form
	case 1:
		form["Fields"] = m.file.Add(m.fields)
		m.catalog["AcroForm"] = m.file.Add(form)
	default:
		m.catalog["AcroForm"] = m.file.Add(form)
	}
	m.note("%d fields, %d of them empty signature fields", len(m.fields), len(m.out.EmptyFields))
}

// addField puts a field on a page: merged with its widget, apart from it, or
// below a parent that carries part of the name. A signature field is entered
// as empty.
func (m *maker) addField(field dict) {
	page := rapid.IntRange(0, m.out.Pages-1).Draw(m.t, "page of field")
	widget := dict{"Type": name("Annot"), "Subtype": name("Widget"), "F": 4, "P": m.pageRefs[page], "Rect": field["Rect"]}
	delete(field, "Rect")
	full := field["T"].(string)
	top, leaf := m.file.Reserve(), ref(0)
	switch rapid.IntRange(0, 2).Draw(m.t, "field is") {
	case 0: // merged
		for k, v := range widget {
			field[k] = v
		}
		leaf = top
	case 1: // with a widget of its own
		widget["Parent"] = top
		leaf = m.file.Add(widget)
		field["Kids"] = array{leaf}
	default: // below a parent
		for k, v := range field {
			widget[k] = v
		}
		widget["Parent"] = top
		leaf = m.file.Add(widget)
		parent := "induk" + full
		field, full = dict{"T": parent, "Kids": array{leaf}}, parent+"."+full
	}
	m.file.Set(top, field)
	m.fields = append(m.fields, top)
	m.annots[page] = append(m.annots[page], leaf)
	if widget["FT"] == name("Sig") || field["FT"] == name("Sig") {
		m.out.EmptyFields = append(m.out.EmptyFields, full)
	}
}

// drawExtras adds information, metadata and an object that nothing refers to,
// with values that are legal and rare.
func (m *maker) drawExtras() {
	if rapid.Bool().Draw(m.t, "info") {
		m.file.Info = m.file.Add(dict{"Title": pdfmake.Text(rapid.StringN(0, 30, 80).Draw(m.t, "title"))})
	}
	if rapid.Bool().Draw(m.t, "metadata") {
		m.catalog["Metadata"] = m.file.Add(pdfmake.Stream{Dict: dict{"Type": name("Metadata"), "Subtype": name("XML")},
			Data: []byte("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")})
	}
	if rapid.Bool().Draw(m.t, "language") {
		m.catalog["Lang"] = "id-ID"
		m.catalog["PageLayout"] = name("OneColumn")
	}
	m.spare = m.file.Add(m.drawValue(3))
	if m.file.Info != 0 && rapid.Bool().Draw(m.t, "hide info") {
		m.file.Hide(m.file.Info)
	}
	m.file.Hide(m.spare)
}

func (m *maker) drawValue(depth int) any {
	top := 7
	if depth == 0 {
		top = 5
	}
	switch rapid.IntRange(0, top).Draw(m.t, "value") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(m.t, "boolean")
	case 2:
		return rapid.Int64Range(-1<<31, 1<<31-1).Draw(m.t, "integer")
	case 3:
		return rapid.Float64Range(-1e6, 1e6).Draw(m.t, "real")
	case 4:
		return string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(m.t, "string"))
	case 5:
		return m.drawName()
	case 6:
		list := array{}
		for range rapid.IntRange(0, 3).Draw(m.t, "length") {
			list = append(list, m.drawValue(depth-1))
		}
		return list
	default:
		d := dict{}
		for range rapid.IntRange(0, 3).Draw(m.t, "entries") {
			d[m.drawName()] = m.drawValue(depth - 1)
		}
		return d
	}
}

// drawName draws a name that may need escapes; Type is left to real types.
func (m *maker) drawName() name {
	return name("K" + string(rapid.SliceOfN(rapid.ByteRange(1, 255), 0, 8).Draw(m.t, "name")))
}

// drawUpdate appends a revision as other programs do: new information, a link
// on a page, a freed object.
func (m *maker) drawUpdate() {
	what, choices := "", 2
	if m.packed {
		choices = 1 // qpdf 11 warns of a freed object that was in an object stream
	}
	switch rapid.IntRange(0, choices).Draw(m.t, "update") {
	case 0:
		if m.file.Info == 0 {
			m.file.Info = m.file.Reserve()
		}
		m.file.Set(m.file.Info, dict{"Title": "revisi", "ModDate": "D:20260102090000Z"})
		what = "information"
	case 1:
		i := rapid.IntRange(0, m.out.Pages-1).Draw(m.t, "page")
		link := m.file.Add(dict{"Type": name("Annot"), "Subtype": name("Link"), "Rect": array{10, 10, 20, 20}})
		m.annots[i] = append(m.annots[i], link)
		m.pages[i]["Annots"] = m.annots[i]
		m.file.Set(m.pageRefs[i], m.pages[i])
		what = "link"
	default:
		m.file.Free(m.spare)
		what = "freed object"
	}
	m.flush("update, " + what)
}
