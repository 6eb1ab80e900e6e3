package layout

import "github.com/absah-id/absah/pdf"

// maxLayers bounds the optional content groups of a document.
const maxLayers = 10_000

// layersOff lists the optional content groups that are off when the document is
// opened (§8.11.4.3).
func layersOff(rev *pdf.Revision) (map[pdf.Ref]bool, error) {
	catalog, err := rev.Catalog()
	if err != nil {
		return nil, err
	}
	props, err := dictOf(rev, catalog["OCProperties"])
	if err != nil || props == nil {
		return nil, err
	}
	config, err := dictOf(rev, props["D"])
	if err != nil {
		return nil, err
	}
	off := map[pdf.Ref]bool{}
	set := func(dict pdf.Dict, key pdf.Name, to bool) error {
		list, _, err := pdf.Lookup[pdf.Array](rev, dict, key)
		if len(list) > maxLayers {
			return overLimit("maxLayers", maxLayers)
		}
		for _, o := range list {
			if ref, ok := o.(pdf.Ref); ok {
				off[ref] = to
			}
		}
		return err
	}
	if config["BaseState"] == pdf.Object(pdf.Name("OFF")) {
		if err := set(props, "OCGs", true); err != nil {
			return nil, err
		}
	}
	if err := set(config, "ON", false); err != nil {
		return nil, err
	}
	return off, set(config, "OFF", true)
}

// begin enters marked content; the one of a layer that is off hides it.
func (f *frame) begin(args []pdf.Object) error {
	hides := false
	if len(args) == 2 && args[0] == pdf.Object(pdf.Name("OC")) {
		o, err := f.resource("Properties", args)
		if err != nil {
			return err
		}
		if hides, err = f.offBy(o); err != nil {
			return err
		}
	}
	if len(f.content) == maxStates {
		return overLimit("maxStates", maxStates)
	}
	f.content = append(f.content, hides)
	if hides {
		f.hidden++
	}
	return nil
}

func (f *frame) end() {
	n := len(f.content)
	if n == 0 {
		return
	}
	if f.content[n-1] {
		f.hidden--
	}
	f.content = f.content[:n-1]
}

// offBy says whether an optional content group or membership dictionary is off.
// Of the rules of membership (§8.11.2.2) visibility expressions are not read:
// what has one counts as seen.
func (s *scanner) offBy(o pdf.Object) (bool, error) {
	if s.cautious {
		return false, nil // a reader can switch it on, or does by its usage
	}
	if ref, ok := o.(pdf.Ref); ok && s.off[ref] {
		return true, nil
	}
	d, err := dictOf(s.rev, o)
	if err != nil || d["Type"] != pdf.Object(pdf.Name("OCMD")) || d["VE"] != nil {
		return false, err
	}
	list, ok := d["OCGs"].(pdf.Array)
	if !ok {
		list = pdf.Array{orNull(d["OCGs"])}
	}
	on, off := 0, 0
	for _, e := range list {
		if ref, ok := e.(pdf.Ref); ok && s.off[ref] {
			off++
		} else if ok {
			on++
		}
	}
	switch d["P"] {
	case pdf.Object(pdf.Name("AllOn")):
		return off > 0, nil
	case pdf.Object(pdf.Name("AnyOff")):
		return off == 0 && on > 0, nil
	case pdf.Object(pdf.Name("AllOff")):
		return on > 0, nil
	}
	return on == 0 && off > 0, nil // AnyOn
}
