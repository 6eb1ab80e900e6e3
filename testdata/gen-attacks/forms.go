package main

import (
	"fmt"
	"strings"
)

// Object numbers of the text field of formLetter.
const (
	nama       = 20
	namaLook   = 21
	formsFirst = 22
)

// replaceOnce panics when there is nothing to replace: the case would not be
// what it says.
func replaceOnce(s, old, with string) string {
	if !strings.Contains(s, old) {
		panic(fmt.Sprintf("no %q in %q", old, s))
	}
	return strings.Replace(s, old, with, 1)
}

// appearance is what a viewer draws for the value of a text field (§12.7.4.3).
func appearance(value string) string {
	return stream("/Type/XObject/Subtype/Form/BBox[0 0 200 20]/Resources<</Font<</Helv 5 0 R>>>>",
		"/Tx BMC q BT /Helv 12 Tf 0 g 2 5 Td ("+value+") Tj ET Q EMC")
}

func textField(name, value, rect string, look int) string {
	return fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Tx/T(%s)/V(%s)/DA(/Helv 12 Tf 0 g)/Rect%s/F 4/P 3 0 R/AP<</N %d 0 R>>>>", name, value, rect, look)
}

// formLetter has the text field "nama" with a value and its appearance.
func formLetter(value string) *file {
	return letter(func(f *file, r *revision) {
		f.size = max(f.size, formsFirst)
		f.fields, f.annots = []int{nama}, []int{nama}
		r.set[nama] = textField("nama", value, "[72 600 272 620]", namaLook)
		r.set[namaLook] = appearance(value)
		r.set[objPage], r.set[objAcroForm] = f.page(), f.form()
	}, emptyCRL())
}

// fillForm gives a text field a value and a new appearance, as a viewer does.
func (f *file) fillForm(field int, value string) {
	f.commit(f.filling(field, value, appearance(value)))
}

func (f *file) filling(field int, value, look string) revision {
	n := f.alloc()
	body := f.body[field]
	i := strings.Index(body, "/V(")
	j := i + strings.Index(body[i:], ")")
	body = body[:i] + "/V(" + value + body[j:]
	i = strings.Index(body, "/AP<</N ")
	j = i + strings.Index(body[i:], " 0 R")
	body = fmt.Sprintf("%s/AP<</N %d%s", body[:i], n, body[j:])
	return revision{set: map[int]string{field: body, n: look}}
}

// emptyField adds an empty signature field in a revision of its own.
func (f *file) emptyField(name string) int {
	n := f.alloc()
	f.fields, f.annots = append(f.fields, n), append(f.annots, n)
	f.commit(revision{set: map[int]string{
		n:           fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Sig/T(%s)/Rect[0 0 0 0]/F 132/P 3 0 R>>", name),
		objPage:     f.page(),
		objAcroForm: f.form(),
	}})
	return n
}

// Object numbers of the fields of locked.
const (
	fieldA = 20 + 2*iota
	fieldAB
	fieldParent
	fieldKid
	lockFirst = 30
)

// locked is a letter with the text fields a, ab and p.b, signed with a FieldMDP
// of the given parameters; then the named field is filled.
func locked(params, fill string) []byte {
	f := letter(func(f *file, r *revision) {
		f.size = lockFirst
		f.fields, f.annots = []int{fieldA, fieldAB, fieldParent}, []int{fieldA, fieldAB, fieldKid}
		for i, name := range []string{"a", "ab"} {
			n := fieldA + 2*i
			r.set[n] = textField(name, "", fmt.Sprintf("[72 %d 272 %d]", 600-40*i, 620-40*i), n+1)
			r.set[n+1] = appearance("")
		}
		r.set[fieldParent] = fmt.Sprintf("<</T(p)/Kids[%d 0 R]>>", fieldKid)
		r.set[fieldKid] = replaceOnce(textField("b", "", "[72 500 272 520]", fieldKid+1), "/FT/Tx", fmt.Sprintf("/Parent %d 0 R/FT/Tx", fieldParent))
		r.set[fieldKid+1] = appearance("")
		r.set[objPage], r.set[objAcroForm] = f.page(), f.form()
	}, emptyCRL())
	f.sign(signing{entries: "/Reference[<</Type/SigRef/TransformMethod/FieldMDP/Data 1 0 R/TransformParams<</Type/TransformParams/V/1.2" + params + ">>>>]"})
	f.fillForm(map[string]int{"a": fieldA, "ab": fieldAB, "p.b": fieldKid}[fill], "Budi")
	return f.b
}
