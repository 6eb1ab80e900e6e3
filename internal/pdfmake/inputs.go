package pdfmake

import (
	"fmt"
	"strings"
)

// Input is a well-formed file that can be signed.
type Input struct {
	// Name is the file name without .pdf.
	Name string
	// Kind says in a few words what is particular about it.
	Kind string
	// Password opens the file; "" opens every other one.
	Password string
	// Encrypted is set for encrypted files, also those that "" opens.
	Encrypted bool
	// Odd is set when readers accept the file only with a warning.
	Odd bool
	// Build returns its bytes.
	Build func() []byte
}

// Password opens the encrypted inputs that need one.
const Password = "rahasia"

// ownerPassword is the other password of every encrypted input.
const ownerPassword = "pemilik"

// Inputs returns the well-formed inputs; the letter is the first.
func Inputs() []Input {
	all := []Input{{Name: "naskah-dinas", Kind: "the sample letter, PDF 1.7", Build: func() []byte { return letterFile("1.7", Table) }}}
	all = append(all, xrefInputs()...)
	all = append(all, encryptedInputs()...)
	all = append(all, formInputs()...)
	return append(all, pageInputs()...)
}

func letterFile(version string, kind XRef) []byte {
	f := New(version, "naskah-dinas")
	pages, _ := Letter(f)
	f.Root = f.Add(Dict{"Type": Name("Catalog"), "Pages": pages, "Lang": "id-ID"})
	f.Flush(kind)
	return f.Bytes()
}

// document is a one-page file under construction.
type document struct {
	*File
	catalog, page     Dict
	pageRef, pagesRef Ref
}

// newDocument starts a file with one page that says what it is, upright for
// the reader whatever its rotation.
func newDocument(version, name string) *document {
	f := New(version, name)
	d := &document{File: f}
	d.Root, d.pagesRef, d.pageRef = f.Reserve(), f.Reserve(), f.Reserve()
	d.catalog = Dict{"Type": Name("Catalog"), "Pages": d.pagesRef}
	d.page = Dict{"Type": Name("Page"), "Parent": d.pagesRef, "MediaBox": Array{0, 0, 595, 842},
		"Resources": Dict{"Font": Dict{"F1": f.Add(helvetica())}}, "Contents": f.Add(sheet(name, "1 0 0 1 0 0", 842))}
	f.Info = f.Add(Dict{"Title": Text("Lembar uji: " + name), "CreationDate": letterDate})
	return d
}

// flush writes page tree, page and catalog with the other pending objects.
func (d *document) flush(kind XRef) *document {
	d.Set(d.Root, d.catalog)
	d.Set(d.pagesRef, Dict{"Type": Name("Pages"), "Kids": Array{d.pageRef}, "Count": 1})
	d.Set(d.pageRef, d.page)
	d.Flush(kind)
	return d
}

func helvetica() Dict {
	return Dict{"Type": Name("Font"), "Subtype": Name("Type1"), "BaseFont": Name("Helvetica"), "Encoding": Name("WinAnsiEncoding")}
}

// sheet draws the name of the input and a frame around a page of the given
// height under a transformation.
func sheet(name, matrix string, height int) Stream {
	return Stream{Dict: Dict{}, Data: fmt.Appendf(nil, "q %s cm\nBT /F1 18 Tf 72 %d Td (Lembar uji: %s) Tj ET\n"+
		"BT /F1 11 Tf 72 %d Td (Pemerintah Kabupaten Contoh) Tj ET\n0.5 w 72 %d 300 0.5 re S\nQ\n",
		matrix, height-100, name, height-122, height-132)}
}

func xrefInputs() []Input {
	plain := func(version string, kind XRef) func(string) []byte {
		return func(name string) []byte { return newDocument(version, name).flush(kind).Bytes() }
	}
	eol := func(eol string) func(string) []byte {
		return func(name string) []byte {
			d := newDocument("1.4", name)
			d.EOL = eol
			return d.flush(Table).Bytes()
		}
	}
	return named([]builder{
		{"v13-table", "PDF 1.3, cross-reference table", plain("1.3", Table)},
		{"v14-table", "PDF 1.4, cross-reference table", plain("1.4", Table)},
		{"v15-stream", "cross-reference stream", plain("1.5", StreamXRef)},
		{"v15-objstm", "cross-reference stream and object stream", plain("1.5", ObjectStreams)},
		{"v20-table", "PDF 2.0, cross-reference table", plain("2.0", Table)},
		{"v20-objstm", "PDF 2.0, object stream", plain("2.0", ObjectStreams)},
		{"hybrid", "hybrid-reference file", hybrid},
		{"linearized", "linearized letter", func(string) []byte { return linearizedLetter() }},
		{"chain-table-stream", "table, then an update with a stream", chain(Table, StreamXRef)},
		{"chain-stream-table", "object stream, then an update with a table", chain(ObjectStreams, Table)},
		{"chain-hybrid-table", "hybrid base, then an update with a table", chain(Hybrid, Table)},
		{"revisions-5", "five revisions", chain(Table, Table, Table, Table, Table)},
		{"freed", "an update that frees an object", freedObject},
		{"eol-crlf", "lines end with CR LF", eol("\r\n")},
		{"eol-cr", "lines end with CR alone", eol("\r")},
		{"no-final-eol", "ends right after %%EOF", func(name string) []byte {
			return []byte(strings.TrimRight(string(plain("1.4", Table)(name)), "\n"))
		}},
		{"blank-tail", "white space after the end", func(name string) []byte {
			return append(plain("1.4", Table)(name), "\r\n \r\n"...)
		}},
		{"startxref-blank", "startxref points at white space before xref", func(name string) []byte {
			d := newDocument("1.4", name)
			d.XRefPad = "\n"
			return d.flush(Table).Bytes()
		}},
		{"indirect-length", "a stream whose Length is an indirect object", indirectLength},
	})
}

type builder struct {
	name, kind string
	build      func(name string) []byte
}

func named(list []builder) []Input {
	out := make([]Input, len(list))
	for i, b := range list {
		out[i] = Input{Name: b.name, Kind: b.kind, Odd: b.name == "startxref-blank", Build: func() []byte { return b.build(b.name) }}
	}
	return out
}

// hybrid hides the document information from readers that know no streams.
func hybrid(name string) []byte {
	d := newDocument("1.5", name)
	d.Hide(d.Info)
	return d.flush(Hybrid).Bytes()
}

// chain writes a base and updates of the given kinds, each of which changes
// the document information.
func chain(kinds ...XRef) func(string) []byte {
	return func(name string) []byte {
		d := newDocument("1.5", name)
		if kinds[0] == Hybrid {
			d.Hide(d.Info)
		}
		d.flush(kinds[0])
		for i, kind := range kinds[1:] {
			d.Set(d.Info, Dict{"Title": Text("Lembar uji: " + name), "CreationDate": letterDate, "Keywords": fmt.Sprint("revisi ", i+2)})
			d.Flush(kind)
		}
		return d.Bytes()
	}
}

func freedObject(name string) []byte {
	d := newDocument("1.4", name)
	note := d.Add(Dict{"Type": Name("Annot"), "Subtype": Name("Text"), "Rect": Array{500, 780, 520, 800}, "Contents": "Catatan"})
	d.page["Annots"] = Array{note}
	d.flush(Table)
	delete(d.page, "Annots")
	d.Set(d.pageRef, d.page)
	d.Free(note)
	d.Flush(Table)
	return d.Bytes()
}

// indirectLength writes the base by hand: File always knows its lengths.
func indirectLength(name string) []byte {
	d := newDocument("1.4", name)
	s := sheet(name, "1 0 0 1 0 0", 842)
	n := d.Add(len(s.Data))
	body := d.Reserve()
	d.page["Contents"] = body
	d.Set(body, Raw(fmt.Sprintf("<</Length %d 0 R>>stream\n%sendstream", int(n), s.Data)))
	return d.flush(Table).Bytes()
}

func encryptedInputs() []Input {
	var out []Input
	for _, m := range []struct {
		name    string
		version string
		method  Method
		xref    XRef
	}{
		{"rc4-40", "1.3", RC4_40, Table},
		{"rc4-128", "1.4", RC4_128, Table},
		{"aes-128", "1.6", AES128, Table},
		{"aes-128-objstm", "1.6", AES128, ObjectStreams},
		{"aes-256", "2.0", AES256, Table},
		{"aes-256-objstm", "2.0", AES256, ObjectStreams},
	} {
		for _, password := range []string{Password, ""} {
			name := m.name
			if password == "" {
				name += "-empty"
			}
			out = append(out, Input{Name: name, Kind: "encrypted, " + m.name, Password: password, Encrypted: true, Build: func() []byte {
				d := newDocument(m.version, name)
				d.Encrypt = &Encryption{Method: m.method, User: password, Owner: ownerPassword}
				return d.flush(m.xref).Bytes()
			}})
		}
	}
	return append(out, Input{Name: "aes-256-clear-metadata", Kind: "encrypted, metadata in the clear", Encrypted: true, Build: func() []byte {
		d := newDocument("2.0", "aes-256-clear-metadata")
		d.Encrypt = &Encryption{Method: AES256, Owner: ownerPassword, ClearMetadata: true}
		d.catalog["Metadata"] = d.Add(xmp("Lembar uji", 0))
		return d.flush(Table).Bytes()
	}})
}
