package main

import (
	"fmt"
	"strings"
)

// Objects of shadowLetter.
const (
	overlay = 20
	hidden  = 21
)

const overlayLook = "1 1 1 rg 60 715 300 30 re f 0 g BT /F1 14 Tf 72 730 Td (" + truth + ") Tj ET"

func xobject(ops string) string {
	return stream("/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</Font<</F1 5 0 R>>>>", ops)
}

// shadowLetter says the forgery under an overlay that says the truth.
func shadowLetter() *file {
	return letter(func(f *file, r *revision) {
		f.size = hidden + 1
		r.set[overlay], r.set[hidden] = xobject(overlayLook), xobject("")
		r.set[objContents] = stream("", "BT /F1 14 Tf 72 760 Td (Surat Kabupaten Contoh) Tj 0 -30 Td ("+forgery+") Tj ET /Tutup Do")
		r.set[objPage] = replaceOnce(f.page(), "/Resources<<", fmt.Sprintf("/Resources<</XObject<</Tutup %d 0 R/Lain %d 0 R>>", overlay, hidden))
	}, emptyCRL())
}

func shadow(r func(f *file) revision) func() []byte {
	return func() []byte {
		f := shadowLetter()
		f.sign(signing{})
		f.commit(r(f))
		return f.b
	}
}

// shadows are the Shadow Attacks: the signer sees one thing in a document
// prepared by the attacker, who shows another afterwards.
func shadows() []*attack {
	replace := row("h-3-appearance", "H-3", "the appearance of a form field is replaced, its value stays", replacedLook).malformed().sees("valid").shows("Rp9")
	value := row("h-3-value", "H-3", "a form field gets a new value and keeps showing the old one", hiddenValue).malformed().sees("valid").shows("Rp1")
	light := row("h-3-prepared", "H-3", "a form field that was signed with a look of other text is drawn again from its value", preparedValue).malformed().sees("valid").shows("Rp9")
	return fooled([]*attack{
		light, again("h-3-prepared-forms", light).under("forms").malformed(),
		row("h-1a-one-offset", "H-1", "the table gives two object numbers one offset: the overlay becomes another object", shadow(func(f *file) revision {
			n := f.alloc()
			return revision{set: map[int]string{n: xobject("")}, entries: func(at map[int]int) { at[overlay] = at[n] }}
		})).malformed().checks("warnings"),
		row("h-1b-stream", "H-1", "the overlay that hides the text is replaced by an empty one", shadow(func(f *file) revision {
			return revision{set: map[int]string{overlay: xobject("")}}
		})).malformed().sees("valid").shows(forgery),
		row("h-2-field-moved", "H-2", "a form field that hides text is moved away", fieldGone(func(f *file) revision {
			return revision{set: map[int]string{nama: replaceOnce(f.body[nama], "/Rect[72 600 272 620]", "/Rect[0 0 0 0]")}}
		})).malformed().sees("valid").shows(truth),
		row("h-2-field-hidden", "H-2", "a form field that hides text gets the flag Hidden", fieldGone(func(f *file) revision {
			return revision{set: map[int]string{nama: replaceOnce(f.body[nama], "/F 4", "/F 6")}}
		})).malformed().sees("valid").shows(truth),
		row("h-2-field-deleted", "H-2", "a form field that hides text is taken from the form and the page", fieldGone(func(f *file) revision {
			drop := fmt.Sprintf("[%d 0 R ", nama)
			return revision{set: map[int]string{objPage: f.replaced(objPage, drop, "["), objAcroForm: f.replaced(objAcroForm, drop, "[")}}
		})).malformed().sees("valid").shows(truth),
		replace, again("h-3-appearance-forms", replace).under("forms").malformed(),
		value, again("h-3-value-forms", value).under("forms").malformed(),
		row("h-4-font", "H-4", "the font is redefined: the digit 1 is drawn as 9", func() []byte {
			f := honest(signing{})
			f.commit(revision{set: map[int]string{objFont: "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding<</BaseEncoding/WinAnsiEncoding/Differences[49/nine]>>>>"}})
			return f.b
		}).malformed().sees("valid").shows(forgery),
		row("h-5-signed-twin", "H-5", "the signed bytes hold a second version of the page contents; a table alone brings it up", func() []byte {
			f := twinLetter()
			f.sign(signing{})
			f.commit(revision{entries: func(at map[int]int) { at[objContents] = f.at[-1] }})
			return f.b
		}).malformed().sees("valid").shows(forgery),
		row("h-6-freed", "H-6", "the overlay that hides the text is freed", shadow(func(*file) revision {
			return revision{free: []int{overlay}}
		})).malformed().sees("valid").shows(forgery),
		row("h-6-field-freed", "H-6", "the text field that hides text is freed", fieldGone(func(*file) revision {
			return revision{free: []int{nama}}
		})).malformed().shows(truth),
		row("h-7-prepared", "H-7", "the prepared document before it is signed", func() []byte { return shadowLetter().b }).is(noSignature).sees("none"),
		row("h-8-signed", "H-8", "the prepared document, signed and not yet changed", func() []byte {
			f := shadowLetter()
			f.sign(signing{})
			return f.b
		}).passes().sees("valid").shows(truth),
	})
}

func replacedLook() []byte {
	f := formLetter("Rp1")
	f.sign(signing{})
	f.commit(f.filling(nama, "Rp1", appearance("Rp9")))
	return f.b
}

func hiddenValue() []byte {
	f := formLetter("Rp1")
	f.sign(signing{})
	f.commit(f.filling(nama, "Rp9", appearance("Rp1")))
	return f.b
}

func preparedValue() []byte {
	f := letter(func(f *file, r *revision) {
		f.size = max(f.size, formsFirst)
		f.fields, f.annots = []int{nama}, []int{nama}
		r.set[nama] = textField("nama", "Rp9", "[72 600 272 620]", namaLook)
		r.set[namaLook] = appearance("Rp1")
		r.set[objPage], r.set[objAcroForm] = f.page(), f.form()
	}, emptyCRL())
	f.sign(signing{})
	f.fillForm(nama, "Rp9")
	return f.b
}

// fieldGone is a form whose field hides text, and what is done to it.
func fieldGone(r func(f *file) revision) func() []byte {
	return func() []byte {
		f := formLetter("Lunas")
		f.sign(signing{})
		f.commit(r(f))
		return f.b
	}
}

// twinLetter has a second, unlisted object 4, whose offset is at[-1].
func twinLetter() *file {
	return letter(func(f *file, r *revision) {
		start := len(f.b)
		r.bodies = func(text string) string {
			f.at[-1] = start + len(text)
			return text + f.bodyText(f.at[-1], map[int]string{objContents: pageText(forgery)}, map[int]int{})
		}
	}, emptyCRL())
}

// certified are the attacks on certified documents and on locks.
func certified() []*attack {
	out := evilAnnotations()
	sneaky := func(p int, s signing) func() []byte {
		return func() []byte {
			f := letter(nil, emptyCRL())
			f.sign(certify(p))
			f.sneak(s)
			return f.b
		}
	}
	zero := func(h string, _ int) string { return "<" + strings.Repeat("0", len(h)) + ">" }
	out = append(out,
		row("c2-sneaky-self-signed", "C2", "certified P=2: a visible self-signed signature over the text (Sneaky Signature)", sneaky(2, signing{who: &self})).malformed().sees("valid valid").shows(forgery),
		row("c2-sneaky-invalid", "C2", "certified P=2: a visible signature without a CMS over the text", sneaky(2, signing{contents: zero})).malformed().sees("valid invalid").shows(forgery),
		row("c2-sneaky-trusted", "C2", "certified P=2: a visible signature of a trusted signer over the text", sneaky(2, signing{who: &other})).malformed().sees("valid valid").shows(forgery),
		row("c2-sneaky-p3", "C2", "certified P=3: the same", sneaky(3, signing{who: &other})).malformed().sees("valid valid").shows(forgery),
		row("c2-sneaky-p1", "C2", "certified P=1: an invisible signature is added", func() []byte {
			f := honest(certify(1))
			f.sign(signing{field: "Signature2", who: &other})
			return f.b
		}).malformed().sees("valid valid"),
	)
	return fooled(append(append(append(out, overlaps()...), downgrades()...), fieldTricks()...))
}

// active are letters that act by themselves, and were signed as they are (A01):
// the signature holds, and whoever reads the letter is told.
func active() []*attack {
	acting := func(entries string) func() []byte {
		return func() []byte {
			f := letter(func(_ *file, r *revision) {
				r.set[objCatalog] = replaceOnce(r.set[objCatalog], "/DSS", entries+"/DSS")
			}, emptyCRL())
			f.sign(signing{})
			return f.b
		}
	}
	return []*attack{
		row("a01-launch", "A01", "signed with an action that starts a program", acting("/OpenAction<</S/Launch/F(a.exe)>>")).passes().warned(),
		row("a01-submit", "A01", "signed with an action that sends the form away when the letter is closed", acting("/AA<</WC<</S/SubmitForm/F(http://127.0.0.1/)>>>>")).passes().warned(),
		row("a01-script-name", "A01", "signed with a JavaScript in the name tree", acting("/Names<</JavaScript<</Names[(a)<</S/JavaScript/JS(x)>>]>>>>")).passes().warned(),
		row("a01-attached", "A01", "signed with an attached file", func() []byte {
			f := letter(func(_ *file, r *revision) {
				r.set[20] = stream("/Type/EmbeddedFile", "isi")
				r.set[objCatalog] = replaceOnce(r.set[objCatalog], "/DSS", "/Names<</EmbeddedFiles<</Names[(a.txt)<</Type/Filespec/F(a.txt)/EF<</F 20 0 R>>>>]>>>>/DSS")
			}, emptyCRL())
			f.sign(signing{})
			return f.b
		}).passes().warned(),
	}
}

// overlaps are visible signature fields that a later revision puts onto a page
// without certification (table of section 3): they may not cover what was signed.
func overlaps() []*attack {
	visible := func(rect string, who *identity) func() []byte {
		return func() []byte {
			f := honest(signing{})
			look := f.alloc()
			f.sign(signing{field: "Signature2", who: who, rect: rect, fieldEntries: fmt.Sprintf("/AP<</N %d 0 R>>", look), change: func(r *revision) {
				r.set[look] = stream("/Type/XObject/Subtype/Form/BBox[0 0 300 30]/Resources<</Font<</F1 5 0 R>>>>",
					"1 1 1 rg 0 0 300 30 re f 0 g BT /F1 14 Tf 12 15 Td ("+forgery+") Tj ET")
			}})
			return f.b
		}
	}
	// The look of the first signature lies where the page is empty.
	onLook := func() []byte {
		f := letter(nil, emptyCRL())
		for _, s := range []signing{{}, {field: "Signature2", who: &other}} {
			look := f.alloc()
			s.rect, s.fieldEntries = "[60 400 360 430]", fmt.Sprintf("/AP<</N %d 0 R>>", look)
			s.change = func(r *revision) {
				r.set[look] = stream("/Type/XObject/Subtype/Form/BBox[0 0 300 30]", "0.5 g 0 0 300 30 re f")
			}
			f.sign(s)
		}
		return f.b
	}
	over := row("c2-over-signature", "C2", "no certification: a visible signature of a trusted signer over the look of the first", onLook).malformed().sees("valid valid")
	return []*attack{
		over,
		again("c2-over-signature-forms", over).under("forms").passes().sees("valid valid"),
		row("c2-over-text", "C2", "no certification: a visible signature of a trusted signer over the signed text", visible("[60 715 360 745]", &other)).
			malformed().sees("valid valid").shows(forgery),
		row("c2-over-text-self-signed", "C2", "no certification: a visible self-signed signature over the signed text", visible("[60 715 360 745]", &self)).
			malformed().sees("valid valid").shows(forgery),
		row("c2-beside-text", "C2", "no certification: a visible signature of a trusted signer where the page is empty", visible("[60 400 360 430]", &other)).
			passes().sees("valid valid"),
		row("c2-beside-text-self-signed", "C2", "no certification: a visible self-signed signature where the page is empty explains nothing",
			visible("[60 400 360 430]", &self)).is(indeterminate, "SIG_CONSTRAINTS_FAILURE", "NO_CERTIFICATE_CHAIN_FOUND").sees("valid valid"),
		row("c2-over-field", "C2", "no certification: a visible signature of a trusted signer over a form field", func() []byte {
			f := formLetter("Lunas")
			f.sign(signing{})
			f.sign(signing{field: "Signature2", who: &other, rect: "[100 605 300 640]"})
			return f.b
		}).malformed().sees("valid valid"),
	}
}

// sneak adds a visible signature that draws the forgery over the text.
func (f *file) sneak(s signing) {
	s.field, s.rect = "Signature2", "[60 715 360 745]"
	look := f.alloc()
	s.fieldEntries = fmt.Sprintf("/AP<</N %d 0 R>>", look)
	s.change = func(r *revision) {
		r.set[look] = stream("/Type/XObject/Subtype/Form/BBox[0 0 300 30]/Resources<</Font<</F1 5 0 R>>>>",
			"1 1 1 rg 0 0 300 30 re f 0 g BT /F1 14 Tf 12 15 Td ("+forgery+") Tj ET")
	}
	f.sign(s)
}

// annotate adds an annotation that draws the forgery over the text.
func (f *file) annotate(subtype, entries string) {
	n, look := f.alloc(), f.alloc()
	f.annots = append(f.annots, n)
	f.commit(revision{set: map[int]string{
		n: fmt.Sprintf("<</Type/Annot/Subtype/%s/Rect[60 715 360 745]/P 3 0 R/AP<</N %d 0 R>>%s>>", subtype, look, entries),
		look: stream("/Type/XObject/Subtype/Form/BBox[0 0 300 30]/Resources<</Font<</F1 5 0 R>>>>",
			"1 1 1 rg 0 0 300 30 re f 0 g BT /F1 14 Tf 12 15 Td ("+forgery+") Tj ET"),
		objPage: f.page(),
	}})
}

func evilAnnotations() []*attack {
	evil := func(p int, subtype, entries string) func() []byte {
		return func() []byte {
			s := signing{}
			if p > 0 {
				s = certify(p)
			}
			f := honest(s)
			f.annotate(subtype, entries)
			return f.b
		}
	}
	const freeText = "/F 4/DA(/Helv 14 Tf 0 g)/Contents(" + forgery + ")"
	p3 := row("c1-freetext-p3", "C1", "certified P=3: a FreeText annotation over the text (Evil Annotation)", evil(3, "FreeText", freeText)).
		is(indeterminate, "SIG_CONSTRAINTS_FAILURE").sees("valid").shows(forgery)
	return []*attack{
		row("c1-freetext-p0", "C1", "no certification: a FreeText annotation over the text", evil(0, "FreeText", freeText)).malformed().sees("valid").shows(forgery),
		row("c1-freetext-p1", "C1", "certified P=1: the same", evil(1, "FreeText", freeText)).malformed().sees("valid").shows(forgery),
		row("c1-freetext-p2", "C1", "certified P=2: the same", evil(2, "FreeText", freeText)).malformed().sees("valid").shows(forgery),
		p3, again("c1-freetext-p3-forms", p3).under("forms").is(indeterminate, "SIG_CONSTRAINTS_FAILURE"),
		row("c1-stamp-p3", "C1", "certified P=3: a Stamp over the text", evil(3, "Stamp", "/F 4/Name/Approved")).is(indeterminate, "SIG_CONSTRAINTS_FAILURE").sees("valid").shows(forgery),
		row("c1-redact-p3", "C1", "certified P=3: a Redact annotation over the text", evil(3, "Redact", "/F 4")).is(indeterminate, "SIG_CONSTRAINTS_FAILURE").sees("valid"),
		row("c1-odd-p3", "C1", "certified P=3: an annotation of an unknown subtype, locked and hidden from lists", evil(3, "Contoh", "/F 196")).is(indeterminate, "SIG_CONSTRAINTS_FAILURE").sees("valid"),
		row("c1-text-p2", "C1", "certified P=2: a Text annotation", evil(2, "Text", "/F 4/Contents(Lihat)")).malformed().sees("valid"),
	}
}

func downgrades() []*attack {
	filled := func(s signing) func() []byte {
		return func() []byte {
			f := formLetter("")
			f.sign(s)
			f.fillForm(nama, "Budi")
			return f.b
		}
	}
	return []*attack{
		row("c3-perms-removed", "C3", "certified P=1: /Perms is removed and the page annotated", func() []byte {
			f := honest(certify(1))
			f.commit(revision{set: map[int]string{objCatalog: f.replaced(objCatalog, fmt.Sprintf("/Perms<</DocMDP %d 0 R>>", certObject), "")}})
			f.annotate("Text", "/F 4")
			return f.b
		}).malformed(),
		row("c3-perms-other", "C3", "certified P=1: /Perms is pointed at a second signature with P=3", func() []byte {
			f := honest(certify(1))
			s := certifyAs(3, certObject+10)
			s.field, s.who = "Signature2", &other
			f.sign(s)
			f.annotate("Text", "/F 4")
			return f.b
		}).malformed().sees("valid valid"),
		row("c3-two-certifications", "C3", "two signatures with DocMDP", func() []byte {
			f := honest(certify(2))
			s := certifyAs(3, certObject+10)
			s.field, s.who, s.change = "Signature2", &other, nil
			f.sign(s)
			return f.b
		}).malformed().sees("valid valid"),
		row("c3-p-absent", "C3", "DocMDP without P is P=2: an annotation is forbidden", func() []byte {
			f := honest(certifyParams(""))
			f.annotate("Text", "/F 4")
			return f.b
		}).malformed(),
		row("c3-p-absent-form", "C3", "DocMDP without P is P=2: a form value is allowed", filled(certifyParams(""))).under("forms").passes(),
		row("c3-p-9", "C3", "DocMDP with P=9 counts as P=1: a form value is forbidden", filled(certifyParams("/P 9"))).under("forms").malformed(),
		row("c3-p-0", "C3", "DocMDP with P=0 counts as P=1: a form value is forbidden", filled(certifyParams("/P 0"))).under("forms").malformed(),
		row("c3-p-1-form", "C3", "certified P=1: a form value is forbidden", filled(certify(1))).under("forms").malformed(),
		row("c3-late", "C3", "the second signature certifies P=3, then the page is annotated: the first allows P=2", func() []byte {
			f := honest(signing{})
			s := certify(3)
			s.field, s.who = "Signature2", &other
			f.sign(s)
			f.annotate("Text", "/F 4")
			return f.b
		}).malformed().sees("valid valid"),
	}
}

func certifyAs(p, object int) signing {
	s := certify(p)
	s.number = object
	change := s.change
	s.change = func(r *revision) {
		change(r)
		r.set[objCatalog] = strings.Replace(r.set[objCatalog], fmt.Sprintf("/DocMDP %d", certObject), fmt.Sprintf("/DocMDP %d", object), 1)
	}
	return s
}

func fieldTricks() []*attack {
	lock := func(params, fill string) func() []byte { return func() []byte { return locked(params, fill) } }
	return []*attack{
		row("c4-locked", "C4", "FieldMDP locks a, and a is filled", lock("/Action/Include/Fields[(a)]", "a")).under("forms").malformed(),
		row("c4-child", "C4", "FieldMDP locks p, and its child p.b is filled", lock("/Action/Include/Fields[(p)]", "p.b")).under("forms").malformed(),
		row("c4-utf16", "C4", "FieldMDP names a in UTF-16, and a is filled", lock("/Action/Include/Fields[<FEFF0061>]", "a")).under("forms").malformed(),
		row("c4-exclude-prefix", "C4", "FieldMDP locks all but a, and ab is filled", lock("/Action/Exclude/Fields[(a)]", "ab")).under("forms").malformed(),
		row("c4-unknown-action", "C4", "FieldMDP with an unknown action locks all", lock("/Action/Contoh/Fields[(p)]", "a")).under("forms").malformed(),
		row("c4-all", "C4", "FieldMDP locks all", lock("/Action/All", "ab")).under("forms").malformed(),
		row("c4-field-lock", "C4", "the field's /Lock locks all, without a FieldMDP in the signature", lockedByField("/Action/All")).under("forms").malformed(),
		row("c4-field-lock-p", "C4", "the field's /Lock has P=1 beside another field's name", lockedByField("/Action/Include/Fields[(x)]/P 1")).under("forms").malformed(),
		row("c4-dotted-name", "C4", "FieldMDP locks p, and a field that is called p.b without being its child is filled", func() []byte {
			return lockedNamed("p.b", "/Action/Include/Fields[(p)]")
		}).under("forms").malformed(),
		row("c4-utf8", "C4", "FieldMDP names a in UTF-8 with a byte order mark, and a is filled", lock("/Action/Include/Fields[<EFBBBF61>]", "a")).under("forms").malformed(),
		row("c4-exclude-utf16", "C4", "FieldMDP locks all but ab, named in UTF-16, and a is filled", lock("/Action/Exclude/Fields[<FEFF00610062>]", "a")).under("forms").malformed(),
		row("c4-no-action", "C4", "FieldMDP without an action locks all", lock("/Fields[(p)]", "a")).under("forms").malformed(),
		row("c5-javascript-before", "C5", "a certified document that had JavaScript when it was signed", func() []byte {
			f := letter(func(_ *file, r *revision) {
				r.set[objCatalog] = replaceOnce(r.set[objCatalog], "/DSS", "/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>/DSS")
			}, emptyCRL())
			f.sign(signing{})
			return f.b
		}).passes().warned().sees("valid"),
		row("c5-javascript-after", "C5", "an action that runs on opening is added after certification", func() []byte {
			f := honest(certify(3))
			f.commit(revision{set: map[int]string{objCatalog: f.with(objCatalog, "/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>")}})
			return f.b
		}).malformed().sees("valid"),
		row("c6-usage-rights", "C6", "a usage rights signature (UR3) in /Perms and no other", usageRights).is(noSignature).sees("none"),
		row("c6-usage-rights-beside", "C6", "a usage rights signature (UR3) beside an honest one: only the honest one counts", usageRightsBeside).passes().sees("valid"),
		row("c7-recycled-field", "C7", "a new signature field takes the number of an object that existed before", func() []byte {
			f := letter(func(f *file, r *revision) { r.set[20] = "<</Contoh 1>>"; f.size = 21 }, emptyCRL())
			f.sign(signing{})
			f.fields, f.annots = append(f.fields, 20), append(f.annots, 20)
			f.commit(revision{set: map[int]string{
				20:          "<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature2)/Rect[0 0 0 0]/F 132/P 3 0 R>>",
				objPage:     f.page(),
				objAcroForm: f.form(),
			}})
			return f.b
		}).malformed().sees("valid unsigned"),
		row("c7-same-value", "C7", "a new field's /V is the signature that the first field has", func() []byte {
			f := letter(nil, emptyCRL())
			f.sign(signing{number: 19})
			n := f.alloc()
			f.fields, f.annots = append(f.fields, n), append(f.annots, n)
			f.commit(revision{set: map[int]string{
				n:           "<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature2)/Rect[0 0 0 0]/F 132/P 3 0 R/V 19 0 R>>",
				objPage:     f.page(),
				objAcroForm: f.form(),
			}})
			return f.b
		}).malformed().sees("valid valid"),
		row("c7-recycled", "C7", "a new field's /V takes the number of an object that existed before", func() []byte {
			f := letter(func(f *file, r *revision) { r.set[20] = "<</Contoh 1>>"; f.size = 21 }, emptyCRL())
			f.sign(signing{})
			f.sign(signing{field: "Signature2", who: &other, number: 20})
			return f.b
		}).malformed().sees("valid valid"),
	}
}

// lockedByField is a form whose signature field has a lock (ISO 32000-2
// §12.7.5.5); then the text field is filled.
func lockedByField(lock string) func() []byte {
	return func() []byte {
		f := formLetter("")
		f.sign(signing{fieldEntries: "/Lock<</Type/SigFieldLock" + lock + ">>"})
		f.fillForm(nama, "Budi")
		return f.b
	}
}

// lockedNamed is a letter with one text field of that partial name, signed with
// a FieldMDP and filled.
func lockedNamed(name, params string) []byte {
	f := letter(func(f *file, r *revision) {
		f.size = lockFirst
		f.fields, f.annots = []int{fieldA}, []int{fieldA}
		r.set[fieldA], r.set[fieldA+1] = textField(name, "", "[72 600 272 620]", fieldA+1), appearance("")
		r.set[objPage], r.set[objAcroForm] = f.page(), f.form()
	}, emptyCRL())
	f.sign(signing{entries: "/Reference[<</Type/SigRef/TransformMethod/FieldMDP/Data 1 0 R/TransformParams<</Type/TransformParams/V/1.2" + params + ">>>>]"})
	f.fillForm(fieldA, "Budi")
	return f.b
}

// usageRightsBeside has a UR3 signature dictionary that holds nothing.
func usageRightsBeside() []byte {
	f := letter(func(f *file, r *revision) {
		r.set[20] = "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 9 99 9]/Contents<00>>>"
		f.size = 21
		r.set[objCatalog] = replaceOnce(r.set[objCatalog], "/DSS", "/Perms<</UR3 20 0 R>>/DSS")
	}, emptyCRL())
	f.sign(signing{})
	return f.b
}

// usageRights makes the honest signature a UR3 one that no field refers to.
func usageRights() []byte {
	f := letter(nil)
	f.sign(signing{number: 19, change: func(r *revision) {
		for n := range r.set {
			if n != 19 {
				delete(r.set, n)
			}
		}
		r.set[objCatalog] = f.with(objCatalog, "/Perms<</UR3 19 0 R>>")
	}, entries: "/Reference[<</Type/SigRef/TransformMethod/UR3/TransformParams<</Type/TransformParams/V/2.2/Document[/FullSave]>>>>]"})
	return f.b
}
