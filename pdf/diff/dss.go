package diff

import (
	"regexp"
	"slices"

	"github.com/absah-id/absah/pdf"
)

// compareDSS: evidence may be added, and dropped or arranged anew, since what
// an earlier revision had stays in the file for whoever verifies. But a store
// must be one: streams in the places where evidence stands, nothing else.
func (d *differ) compareDSS(a, b pdf.Object) error {
	was, err := dictOf(d.old, a)
	if err != nil {
		return err
	}
	v, err := d.new.Resolve(orNull(b))
	if err := onlyFatal(err); err != nil {
		return err
	}
	c := Change{Path: "/Root/DSS", Rule: "dss", Level: LevelLTA}
	c.Object, _ = b.(pdf.Ref)
	now, ok := v.(pdf.Dict)
	switch {
	case was == nil && err == nil && !pdf.Present(v):
		return nil
	case was != nil && ok && !recycled(d, a, b) && d.sameDeep(was, now, 0):
		return nil
	case err == nil && !pdf.Present(v):
		c.Rule, c.Level = "dss-removed", LevelOther
	case !ok:
		c.Rule, c.Level = "dss-form", LevelOther
	default:
		if key, err := d.storeFault(now); err != nil {
			return err
		} else if key != "" {
			c.Path += "/" + pdf.Printable(key)
			c.Rule, c.Level = "dss-form", LevelOther
		}
		if recycled(d, a, b) {
			c.Rule, c.Level = "dss-recycled", LevelOther
		}
		if was != nil && c.Level == LevelLTA {
			if only, err := d.onlyDropped(was, now); err != nil {
				return err
			} else if only {
				c.Rule, c.Level = "dss-dropped", LevelOther
			}
		}
	}
	d.report(c)
	return nil
}

// recycled says whether b newly refers to an object that was something else.
func recycled(d *differ, a, b pdf.Object) bool {
	ref, ok := b.(pdf.Ref)
	return ok && a != b && !d.fresh(ref.Num)
}

// onlyDropped says whether a store lost evidence and got none: nobody who adds
// to a document needs that. A store that is written anew with other evidence
// may leave some out, which stays in the revision before.
func (d *differ) onlyDropped(was, now pdf.Dict) (bool, error) {
	before, err := storeItems(d.old, was)
	if err != nil {
		return false, err
	}
	after, err := storeItems(d.new, now)
	if err != nil {
		return false, err
	}
	for item := range after {
		if !before[item] {
			return false, nil
		}
	}
	return len(after) < len(before), nil
}

// storeLists are the arrays of a DSS dictionary (Table 261).
var storeLists = []pdf.Name{"Certs", "OCSPs", "CRLs"}

// storeItem is a stream of the store, or the key of a VRI entry.
type storeItem struct {
	vri pdf.Name
	ref pdf.Ref
}

func storeItems(rev *pdf.Revision, dss pdf.Dict) (map[storeItem]bool, error) {
	items := map[storeItem]bool{}
	for _, key := range storeLists {
		list, err := arrayOf(rev, dss[key])
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			if ref, ok := o.(pdf.Ref); ok {
				items[storeItem{ref: ref}] = true
			}
		}
	}
	vri, err := dictOf(rev, dss["VRI"])
	if err != nil {
		return nil, err
	}
	for k := range vri {
		items[storeItem{vri: k}] = true
	}
	return items, nil
}

// anyVRIKey is a digest in hexadecimal. The key is a SHA-1 (§12.8.4.4); some
// writers take a longer one.
var anyVRIKey = regexp.MustCompile(`^[0-9A-Fa-f]{40,128}$`)

// storeFault names the entry of a security store that is not as Table 261
// describes it, "" when all are.
func (d *differ) storeFault(dss pdf.Dict) (string, error) {
	for _, k := range sortedKeys(dss) {
		v, err := d.new.Resolve(orNull(dss[k]))
		if err != nil {
			return string(k), onlyFatal(err)
		}
		ok := false
		switch k {
		case "Type":
			ok = v == pdf.Object(pdf.Name("DSS"))
		case "Certs", "OCSPs", "CRLs":
			ok, err = d.streams(v)
		case "VRI":
			vri, isDict := v.(pdf.Dict)
			if !isDict {
				return "VRI", nil
			}
			key, err := d.vriFault(vri)
			if key != "" || err != nil {
				return "VRI/" + key, err
			}
			ok = true
		}
		if !ok || err != nil {
			return string(k), err
		}
	}
	return "", nil
}

func (d *differ) vriFault(vri pdf.Dict) (string, error) {
	for _, k := range sortedKeys(vri) {
		if k == "Type" {
			continue
		}
		v, err := d.new.Resolve(orNull(vri[k]))
		if err := onlyFatal(err); err != nil {
			return "", err
		}
		entry, ok := v.(pdf.Dict)
		if !ok || !anyVRIKey.MatchString(string(k)) {
			return string(k), nil
		}
		for _, name := range sortedKeys(entry) {
			v, err := d.new.Resolve(orNull(entry[name]))
			if err := onlyFatal(err); err != nil {
				return "", err
			}
			ok := false
			switch name {
			case "Type":
				ok = v == pdf.Object(pdf.Name("VRI"))
			case "Cert", "OCSP", "CRL":
				if ok, err = d.streams(v); err != nil {
					return "", err
				}
			case "TU":
				_, ok = v.(pdf.String)
			case "TS":
				// A stream; an empty string is seen too, and means nothing.
				_, ok = v.(*pdf.Stream)
				if s, is := v.(pdf.String); is {
					ok = s == ""
				}
			}
			if !ok {
				return string(k) + "/" + string(name), nil
			}
		}
	}
	return "", nil
}

// streams says whether o is an array of references to streams.
func (d *differ) streams(o pdf.Object) (bool, error) {
	a, ok := o.(pdf.Array)
	if !ok {
		return false, nil
	}
	for _, e := range a {
		if err := d.step(); err != nil {
			return false, err
		}
		ref, ok := e.(pdf.Ref)
		if !ok {
			return false, nil
		}
		v, err := d.new.Object(ref)
		if err != nil {
			return false, onlyFatal(err)
		}
		if _, ok := v.(*pdf.Stream); !ok {
			return false, nil
		}
	}
	return true, nil
}

// markDSS marks the streams of the store, which stay what they are.
func (d *differ) markDSS(o pdf.Object) error {
	dss, err := dictOf(d.at, o)
	if err != nil {
		return err
	}
	for k, v := range dss {
		if k != "VRI" {
			if err := d.markItems(v); err != nil {
				return err
			}
			continue
		}
		vri, err := dictOf(d.at, v)
		if err != nil {
			return err
		}
		for _, e := range vri {
			entry, err := dictOf(d.at, e)
			if err != nil {
				return err
			}
			for _, v := range entry {
				if err := d.markItems(v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// markItems marks an array of streams, or one.
func (d *differ) markItems(o pdf.Object) error {
	v, err := d.at.Resolve(orNull(o))
	if err != nil {
		return onlyFatal(err)
	}
	list, _ := v.(pdf.Array)
	if _, single := v.(*pdf.Stream); single {
		list = pdf.Array{o}
	}
	for _, e := range list {
		if err := d.step(); err != nil {
			return err
		}
		if ref, ok := e.(pdf.Ref); ok && slices.Contains(d.roles[ref.Num], role{kind: roleEvidence}) {
			continue // with all that leads from there to the stream
		}
		if err := d.markHops(e, role{kind: roleEvidence}); err != nil {
			return err
		}
	}
	return nil
}
