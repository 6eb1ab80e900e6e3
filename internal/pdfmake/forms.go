package pdfmake

// formInputs returns files with an AcroForm (ISO 32000-2 §12.7).
func formInputs() []Input {
	return named([]builder{
		{"form", "form with text fields, DR and DA, and an empty signature field", func(name string) []byte {
			d := newDocument("1.7", name)
			sig := d.Add(d.signatureWidget("TandaTangan", nil))
			d.form(d.textField("nama", "Nama", 640), d.textField("hal", "Perihal", 600), sig)
			return d.flush(Table).Bytes()
		}},
		{"form-objstm", "the same form in an object stream", func(name string) []byte {
			d := newDocument("1.7", name)
			sig := d.Add(d.signatureWidget("TandaTangan", nil))
			d.form(d.textField("nama", "Nama", 640), sig)
			return d.flush(ObjectStreams).Bytes()
		}},
		{"form-inline", "AcroForm and its fields array inside the catalog", func(name string) []byte {
			d := newDocument("1.7", name)
			d.inlineForm(d.textField("nama", "Nama", 640))
			return d.flush(Table).Bytes()
		}},
		{"form-separate", "empty signature field with a separate widget", formSeparate},
		{"form-hierarchy", "empty signature field surat.bupati.ttd below two parents", formHierarchy},
		{"form-invisible", "empty signature field without area", func(name string) []byte {
			d := newDocument("1.7", name)
			w := d.signatureWidget("TandaTangan", nil)
			w["Rect"] = Array{0, 0, 0, 0}
			d.form(d.Add(w))
			return d.flush(Table).Bytes()
		}},
		{"form-lock", "empty signature field with a Lock on one field", func(name string) []byte {
			d := newDocument("1.7", name)
			lock := d.Add(Dict{"Type": Name("SigFieldLock"), "Action": Name("Include"), "Fields": Array{"nama"}})
			sig := d.Add(d.signatureWidget("TandaTangan", Dict{"Lock": lock}))
			d.form(d.textField("nama", "Nama", 640), d.textField("hal", "Perihal", 600), sig)
			return d.flush(Table).Bytes()
		}},
		{"form-lock-all", "two empty signature fields, the first with a Lock on all", func(name string) []byte {
			d := newDocument("2.0", name)
			lock := d.Add(Dict{"Type": Name("SigFieldLock"), "Action": Name("All")})
			first := d.Add(d.signatureWidget("Pertama", Dict{"Lock": lock}))
			second := d.signatureWidget("Kedua", nil)
			second["Rect"] = Array{72, 60, 272, 120}
			d.form(d.textField("nama", "Nama", 640), first, d.Add(second))
			return d.flush(Table).Bytes()
		}},
		{"annots-indirect", "page whose Annots is an indirect array", func(name string) []byte {
			d := newDocument("1.7", name)
			link := d.Add(Dict{"Type": Name("Annot"), "Subtype": Name("Link"), "Rect": Array{72, 700, 200, 720},
				"Border": Array{0, 0, 0}, "Dest": Array{d.pageRef, Name("Fit")}})
			d.page["Annots"] = d.Add(Array{link})
			return d.flush(Table).Bytes()
		}},
	})
}

// form sets the AcroForm and the page's annotations to the given merged fields.
func (d *document) form(fields ...Ref) {
	d.catalog["AcroForm"] = d.Add(d.acroForm(fields))
	d.page["Annots"] = refs(fields)
}

func (d *document) inlineForm(fields ...Ref) {
	d.catalog["AcroForm"] = d.acroForm(fields)
	d.page["Annots"] = refs(fields)
}

func (d *document) acroForm(fields []Ref) Dict {
	return Dict{"Fields": refs(fields), "DA": "/Helv 0 Tf 0 g",
		"DR": Dict{"Font": Dict{"Helv": d.Add(helvetica())}}}
}

func refs(list []Ref) Array {
	out := Array{}
	for _, r := range list {
		out = append(out, r)
	}
	return out
}

// textField adds a filled text field with the appearance of its value.
func (d *document) textField(name, value string, y int) Ref {
	appearance := d.Add(Stream{
		Dict: Dict{"Type": Name("XObject"), "Subtype": Name("Form"), "BBox": Array{0, 0, 240, 20},
			"Resources": Dict{"Font": Dict{"Helv": d.Add(helvetica())}}},
		Data: []byte("/Tx BMC q BT /Helv 11 Tf 0 g 2 6 Td (" + value + ") Tj ET Q EMC"),
	})
	return d.Add(Dict{"Type": Name("Annot"), "Subtype": Name("Widget"), "FT": Name("Tx"), "T": name, "V": value,
		"TU": Text("Kolom " + name), "DA": "/Helv 11 Tf 0 g", "F": 4, "P": d.pageRef,
		"Rect": Array{72, y, 312, y + 20}, "AP": Dict{"N": appearance}})
}

// signatureWidget returns an empty signature field merged with its widget.
func (d *document) signatureWidget(name string, more Dict) Dict {
	w := Dict{"Type": Name("Annot"), "Subtype": Name("Widget"), "FT": Name("Sig"), "T": name, "F": 4, "P": d.pageRef,
		"Rect": Array{330, 60, 530, 120}}
	for k, v := range more {
		w[k] = v
	}
	return w
}

func formSeparate(name string) []byte {
	d := newDocument("1.7", name)
	field, widget := d.Reserve(), d.Reserve()
	w := d.signatureWidget("", Dict{"Parent": field})
	delete(w, "FT")
	delete(w, "T")
	d.Set(widget, w)
	d.Set(field, Dict{"FT": Name("Sig"), "T": "TandaTangan", "Kids": Array{widget}})
	d.form(field)
	d.page["Annots"] = Array{widget}
	return d.flush(Table).Bytes()
}

func formHierarchy(name string) []byte {
	d := newDocument("1.7", name)
	letter, office, leaf := d.Reserve(), d.Reserve(), d.Reserve()
	d.Set(letter, Dict{"T": "surat", "Kids": Array{office}})
	d.Set(office, Dict{"T": "bupati", "Parent": letter, "FT": Name("Sig"), "Kids": Array{leaf}})
	w := d.signatureWidget("ttd", Dict{"Parent": office})
	delete(w, "FT") // inherited
	d.Set(leaf, w)
	d.form(letter)
	d.page["Annots"] = Array{leaf}
	return d.flush(Table).Bytes()
}
