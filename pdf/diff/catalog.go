package diff

import (
	"slices"

	"github.com/absah-id/absah/pdf"
)

// trailerKeys may change from revision to revision: they describe the
// cross-reference section (Tables 15, 17 and 19).
var trailerKeys = map[pdf.Name]bool{
	"Size": true, "Prev": true, "XRefStm": true, "Type": true, "W": true, "Index": true,
	"Length": true, "Filter": true, "DecodeParms": true, "ID": true,
}

// compareTop compares trailer, catalog and what hangs from them with a rule of
// its own.
func (d *differ) compareTop() error {
	was, now := d.old.Trailer(), d.new.Trailer()
	for _, k := range sorted(d.differing(was, now)) {
		switch {
		case trailerKeys[k] || !pdf.Present(now[k]) && k != "Encrypt":
			// What a trailer no longer names, nobody uses; without /Root
			// the catalog stays the one before.
		case k == "Info":
		case k == "Root" && d.new.Root() != d.old.Root():
			// An update may name another catalog (§7.5.6), which is compared with the
			// one before, entry by entry.
			d.report(Change{Object: d.new.Root(), Path: "/Root", Rule: "catalog-moved", Level: LevelLTA})
		case k == "Root" || k == "Encrypt":
			d.report(Change{Path: "/" + string(k), Rule: "trailer-" + string(k), Level: LevelOther})
		default:
			if _, isRef := now[k].(pdf.Ref); (isRef || pdf.Present(was[k])) && !d.sameDeep(was[k], now[k], 0) {
				d.report(Change{Path: "/" + pdf.Printable(string(k)), Rule: "trailer-entry", Level: LevelOther})
			}
		}
	}
	if err := d.compareInfo(was["Info"], now["Info"]); err != nil {
		return err
	}
	return d.compareCatalog()
}

// compareInfo: the information dictionary may change; it holds simple values
// only (§14.3.3).
func (d *differ) compareInfo(a, b pdf.Object) error {
	was, err := dictOf(d.old, a)
	if err != nil {
		return err
	}
	now, err := dictOf(d.new, b)
	if err != nil {
		return err
	}
	if d.same(was, now) || !pdf.Present(b) {
		return nil
	}
	c := Change{Path: "/Info", Rule: "metadata", Level: LevelLTA}
	c.Object, _ = b.(pdf.Ref)
	if now == nil {
		c.Rule, c.Level = "info", LevelOther
	}
	for k, v := range now {
		o, err := d.new.Resolve(orNull(v))
		if err := onlyFatal(err); err != nil {
			return err
		}
		switch o.(type) {
		case pdf.String, pdf.Name, pdf.Boolean, pdf.Integer, pdf.Real, pdf.Null:
		default:
			if !d.same(was[k], v) {
				c.Rule, c.Level = "info", LevelOther
			}
		}
	}
	d.report(c)
	return nil
}

// typedCatalog are the entries of the catalog that have a rule; the others must
// stay.
var typedCatalog = map[pdf.Name]bool{
	"AcroForm": true, "DSS": true, "Extensions": true, "Metadata": true, "Version": true, "Pages": true,
}

func (d *differ) compareCatalog() error {
	root := d.new.Root()
	was, err := d.old.Catalog()
	if err != nil {
		return onlyFatal(err)
	}
	now, err := d.new.Catalog()
	if err != nil {
		d.report(Change{Object: root, Path: "/Root", Rule: "catalog", Level: LevelOther, Text: err.Error()})
		return onlyFatal(err)
	}
	for _, k := range sorted(d.differing(was, now)) {
		if !typedCatalog[k] || k == "Pages" {
			d.report(Change{Object: root, Path: "/Root/" + pdf.Printable(string(k)), Rule: "catalog-" + pdf.Printable(string(k)), Level: LevelOther})
		}
	}
	if d.same(was["Pages"], now["Pages"]) && was["Pages"] != now["Pages"] {
		// A copy of the tree would be one that nothing is known of.
		d.report(Change{Object: root, Path: "/Root/Pages", Rule: "catalog-Pages", Level: LevelOther})
	}
	d.compareVersion(was, now)
	if err := d.compareExtensions(was["Extensions"], now["Extensions"]); err != nil {
		return err
	}
	if err := d.compareMetadata(was["Metadata"], now["Metadata"]); err != nil {
		return err
	}
	return d.compareDSS(was["DSS"], now["DSS"])
}

// compareVersion: the version may rise (§7.5.2).
func (d *differ) compareVersion(was, now pdf.Dict) {
	if d.same(was["Version"], now["Version"]) {
		return
	}
	a, _, _ := pdf.Lookup[pdf.Name](d.old, was, "Version")
	b, ok, err := pdf.Lookup[pdf.Name](d.new, now, "Version")
	c := Change{Object: d.new.Root(), Path: "/Root/Version", Rule: "version", Level: LevelLTA}
	if err != nil || !ok || len(b) != 3 || b < a {
		c.Rule, c.Level = "version-lower", LevelOther
	}
	d.report(c)
}

// compareExtensions: developer extensions may be declared (§7.12): names,
// numbers and strings, in dictionaries or arrays of them.
func (d *differ) compareExtensions(a, b pdf.Object) error {
	was, err1 := d.old.Resolve(orNull(a))
	now, err2 := d.new.Resolve(orNull(b))
	if err := firstFatal(err1, err2); err != nil {
		return err
	}
	c := Change{Path: "/Root/Extensions", Rule: "extensions", Level: LevelLTA}
	c.Object, _ = b.(pdf.Ref)
	if err1 == nil && err2 == nil {
		if d.sameDeep(was, now, 0) {
			return nil
		}
		if _, ok := now.(pdf.Dict); ok && d.plain(now, 0) {
			d.report(c)
			return nil
		}
	}
	c.Rule, c.Level = "extensions-form", LevelOther
	d.report(c)
	return nil
}

// maxSameDepth bounds references within what is compared through them.
const maxSameDepth = 8

// sameDeep compares small trees by what is in them, wherever it stands: what has
// a rule of its own may move to another object.
func (d *differ) sameDeep(a, b pdf.Object, depth int) bool {
	if depth > maxSameDepth || !d.charge(1) {
		return false
	}
	x, err1 := d.old.Resolve(orNull(a))
	y, err2 := d.new.Resolve(orNull(b))
	if err1 != nil || err2 != nil {
		return false
	}
	switch x := x.(type) {
	case pdf.Dict:
		y, ok := y.(pdf.Dict)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			if !d.sameDeep(v, y[k], depth+1) {
				return false
			}
		}
		return true
	case pdf.Array:
		y, ok := y.(pdf.Array)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !d.sameDeep(x[i], y[i], depth+1) {
				return false
			}
		}
		return true
	}
	return d.same(x, y)
}

// plain says whether a small tree holds nothing but simple values.
func (d *differ) plain(o pdf.Object, depth int) bool {
	v, err := d.new.Resolve(orNull(o))
	if err != nil || depth > 3 || d.step() != nil {
		return false
	}
	switch v := v.(type) {
	case pdf.Dict:
		for _, e := range v {
			if !d.plain(e, depth+1) {
				return false
			}
		}
		return true
	case pdf.Array:
		for _, e := range v {
			if !d.plain(e, depth+1) {
				return false
			}
		}
		return true
	case *pdf.Stream:
		return false
	}
	return true
}

// xmpUnit is how many bytes of other text a byte of XML costs as much as.
const xmpUnit = 8

// compareMetadata: the document's XMP packet may change, in place or under a
// new number, when it is one.
func (d *differ) compareMetadata(a, b pdf.Object) error {
	was, err1 := d.old.Resolve(orNull(a))
	now, err2 := d.new.Resolve(orNull(b))
	if err := firstFatal(err1, err2); err != nil {
		return err
	}
	if err1 == nil && err2 == nil && d.same(was, now) {
		return nil
	}
	c := Change{Path: "/Root/Metadata", Rule: "metadata", Level: LevelLTA}
	ref, isRef := b.(pdf.Ref)
	c.Object = ref
	s, ok := now.(*pdf.Stream)
	if err2 != nil || !isRef || !ok {
		c.Rule, c.Level = "metadata-form", LevelOther
		d.report(c)
		return nil
	}
	data, err := d.new.StreamData(s, maxXMP)
	if err == nil {
		err = d.chargeText(xmpUnit * len(data))
	}
	if err == nil {
		err = checkXMP(data)
	}
	if err != nil {
		if fatal(err) {
			return err
		}
		c.Rule, c.Level, c.Text = "metadata-xmp", LevelOther, err.Error()
	}
	d.report(c)
	return nil
}

func firstFatal(errs ...error) error {
	for _, err := range errs {
		if err != nil && fatal(err) {
			return err
		}
	}
	return nil
}

// absent says whether the revision being marked has no such object.
func (d *differ) absent(ref pdf.Ref) bool {
	e, ok := d.at.Entry(ref.Num)
	return !ok || e.Kind == pdf.EntryFree
}

// markCatalog freezes the entries of trailer and catalog that have no rule.
func (d *differ) markCatalog() error {
	trailer := d.at.Trailer()
	for k, v := range trailer {
		if k == "Root" || k == "Info" || trailerKeys[k] {
			continue
		}
		if ref, ok := v.(pdf.Ref); ok && d.absent(ref) {
			continue // promised to nobody
		}
		if a, ok := v.(pdf.Array); ok {
			v = slices.DeleteFunc(slices.Clone(a), func(o pdf.Object) bool {
				ref, ok := o.(pdf.Ref)
				return ok && d.absent(ref)
			})
		}
		if err := d.walkEntry(k, v, &d.frozen); err != nil {
			return err
		}
	}
	catalog, err := d.at.Catalog()
	if err != nil {
		return onlyFatal(err)
	}
	for k, v := range catalog {
		if typedCatalog[k] {
			continue
		}
		if err := d.walkEntry(k, v, &d.frozen); err != nil {
			return err
		}
	}
	if err := d.markFormDict(catalog["AcroForm"]); err != nil {
		return err
	}
	return d.markDSS(catalog["DSS"])
}

// markFormDict freezes the entries of the form dictionary that have no rule,
// and the default resources one by one.
func (d *differ) markFormDict(o pdf.Object) error {
	form, err := dictOf(d.at, o)
	if err != nil {
		return err
	}
	for k, v := range form {
		switch k {
		case "Fields":
			continue
		case "DR":
			if err := d.markResources(v); err != nil {
				return err
			}
			continue
		}
		if err := d.walkEntry(k, v, &d.frozen); err != nil {
			return err
		}
	}
	return nil
}

// markResources freezes the default resources of the form. Dictionary and
// categories, to which some may be added, are compared with the form.
func (d *differ) markResources(o pdf.Object) error {
	if err := d.markHops(o, role{kind: roleForm}); err != nil {
		return err
	}
	dr, err := dictOf(d.at, o)
	if err != nil {
		return err
	}
	for _, v := range dr {
		if err := d.markHops(v, role{kind: roleForm}); err != nil {
			return err
		}
		category, err := dictOf(d.at, v)
		if err != nil {
			return err
		}
		if err := d.walk(category, &d.frozen); err != nil {
			return err
		}
	}
	return nil
}
