package diff

import (
	"slices"
	"strings"

	"github.com/absah-id/absah/pdf"
)

// plainFont says whether a font draws the characters that it is given: one
// without glyphs and encoding of its own.
func (d *differ) plainFont(o pdf.Object) bool {
	f, err := dictOf(d.new, o)
	if err != nil {
		return false
	}
	if typ := f["Subtype"]; typ != pdf.Object(pdf.Name("Type1")) && typ != pdf.Object(pdf.Name("TrueType")) {
		return false
	}
	enc, err := dictOf(d.new, f["Encoding"])
	return err == nil && !pdf.Present(enc["Differences"]) && !pdf.Present(f["FontDescriptor"])
}

// textFonts are how the names of the fonts begin that readers have themselves
// (§9.6.2.2) and that show the letters they are given.
var textFonts = []string{"Helvetica", "Courier", "Times", "Arial"}

// textEncodings are the encodings in which letters and digits are those of ASCII;
// null is the font's own.
var textEncodings = []pdf.Object{
	pdf.Null{}, pdf.Name("StandardEncoding"), pdf.Name("WinAnsiEncoding"), pdf.Name("MacRomanEncoding"), pdf.Name("PDFDocEncoding"),
}

// textFont says whether a plain font shows text as any other does: with the
// widths and signs that readers know by its name.
func (d *differ) textFont(o pdf.Object) bool {
	f, err := dictOf(d.new, o)
	if err != nil || !d.plainFont(o) || pdf.Present(f["Widths"]) {
		return false
	}
	base, err := d.new.Resolve(orNull(f["BaseFont"]))
	name, ok := base.(pdf.Name)
	if err != nil || !ok || !slices.ContainsFunc(textFonts, func(s string) bool { return strings.HasPrefix(string(name), s) }) {
		return false
	}
	enc, err := d.new.Resolve(orNull(f["Encoding"]))
	if dict, ok := enc.(pdf.Dict); ok && err == nil {
		enc, err = d.new.Resolve(orNull(dict["BaseEncoding"]))
	}
	return err == nil && slices.Contains(textEncodings, enc)
}

// dingbats names the font of the signs in check boxes and radio buttons, which
// readers know by that name, and no text.
const dingbats pdf.Name = "ZaDb"

// knownFont says whether a default font added under a name shows what readers
// draw that name by without it.
func (d *differ) knownFont(name pdf.Name, o pdf.Object) bool {
	if name != dingbats {
		return d.textFont(o)
	}
	f, err := dictOf(d.new, o)
	return err == nil && d.plainFont(o) && f["BaseFont"] == pdf.Object(pdf.Name("ZapfDingbats")) && !pdf.Present(f["Widths"])
}

// missedFont says whether a default appearance of the older revision names a
// font that its default resources lack. Readers then draw values in a font of
// their own, until there is one of that name.
func (d *differ) missedFont(name pdf.Name) (bool, error) {
	if d.missed == nil {
		d.missed = map[pdf.Name]bool{}
		if err := d.defaultFonts(); err != nil {
			return false, err
		}
	}
	return d.missed[name] || d.missed[anyFont], nil
}

// anyFont stands for all names, where a default appearance cannot be read.
const anyFont pdf.Name = "*"

// defaultFonts collects the names of the fonts in all default appearances of the
// older revision: of the form, of fields, of widgets and of other annotations.
func (d *differ) defaultFonts() error {
	if err := d.defaultFont(d.oldForm.dict, nil); err != nil {
		return err
	}
	for _, n := range d.oldForm.order {
		for _, ref := range append([]pdf.Ref{n.ref}, n.widgets...) {
			w, err := dictOf(d.old, ref)
			if err == nil {
				err = d.defaultFont(w, n)
			}
			if err != nil {
				return err
			}
		}
	}
	for _, page := range d.pages {
		annots, err := d.annotsOf(page)
		if err != nil {
			return err
		}
		for _, o := range annots {
			ref, _ := o.(pdf.Ref)
			a, err := dictOf(d.old, o)
			if err == nil {
				err = d.defaultFont(a, d.oldForm.owner(ref))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// defaultFont collects the names in one dictionary, that of the field n or of
// its widget, or of something else.
func (d *differ) defaultFont(dict pdf.Dict, n *formNode) error {
	if err := d.step(); err != nil {
		return err
	}
	v, err := d.old.Resolve(orNull(dict["DA"]))
	if err != nil || !pdf.Present(v) {
		return onlyFatal(err)
	}
	s, ok := v.(pdf.String)
	err = pdf.ScanContent([]byte(s), func(op string, args []pdf.Object) error {
		if op != "Tf" || len(args) == 0 {
			return nil
		}
		name, isName := args[0].(pdf.Name)
		if ok = ok && isName; name != dingbats || n == nil || !n.checked() {
			d.missed[name] = true
		}
		return nil
	})
	if !ok || err != nil {
		d.missed[anyFont] = true
	}
	return onlyFatal(err)
}

// checked says whether a field is a check box or radio buttons, which show a
// sign and no text.
func (n *formNode) checked() bool {
	flags, _ := n.flags.(pdf.Integer)
	return n.typ == pdf.Object(pdf.Name("Btn")) && flags&flagPush == 0
}
