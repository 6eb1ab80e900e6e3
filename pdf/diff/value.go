package diff

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/absah-id/absah/pdf"
)

// compareValueField: a field that is no signature may get a value, with an
// appearance that shows this value and nothing else.
func (d *differ) compareValueField(c Change, was, now *formNode, keys []pdf.Name) error {
	c.Level, c.Effect = LevelForm, SetsValue
	if rule := d.fillRule(was, now, keys); rule != "" {
		c.Rule, c.Level = rule, LevelOther
		d.report(c)
		return nil
	}
	c.Rule = "form-value"
	if !slices.Contains(keys, "V") {
		c.Rule = "form-appearance"
	}
	value, err := d.new.Resolve(orNull(d.newForm.value(now)))
	if err := onlyFatal(err); err != nil {
		return err
	}
	before, err := d.old.Resolve(orNull(d.oldForm.value(was)))
	if err := onlyFatal(err); err != nil {
		return err
	}
	kept := d.sameDeep(before, value, 0)
	var rule string
	switch now.typ {
	case pdf.Object(pdf.Name("Btn")):
		rule, err = d.checkButton(was, value, kept)
	case pdf.Object(pdf.Name("Tx")), pdf.Object(pdf.Name("Ch")):
		rule, err = d.checkText(now, value)
		if err == nil && rule == "" && pdf.Present(value) {
			rule, err = d.keepsLooks(was)
		}
		switch {
		case err != nil || rule != "":
		case kept:
			rule, err = d.drawsAgain(was, value)
		default:
			err = d.drawnByReaders(now, value)
		}
	default:
		rule = "field-type"
	}
	if err != nil {
		return err
	}
	if rule != "" {
		c.Rule, c.Level = rule, LevelOther
	}
	d.report(c)
	if c.Level == LevelForm {
		if now.typ == pdf.Object(pdf.Name("Btn")) {
			d.looks = nil // all of it may be painted
		}
		return d.reportFilled(was)
	}
	return nil
}

// drawnByReaders notes where readers draw a value by themselves, as they do
// without an appearance and where the form asks for it: in some font and size of
// theirs, anywhere in the widget.
func (d *differ) drawnByReaders(n *formNode, value pdf.Object) error {
	if s, ok := value.(pdf.String); ok && squeeze(pdf.Text(s)) == "" || !pdf.Present(value) {
		return nil
	}
	anew, _, err := pdf.Lookup[pdf.Boolean](d.new, d.newForm.dict, "NeedAppearances")
	if err := onlyFatal(err); err != nil {
		return err
	}
	for _, ref := range n.widgets {
		w, err := dictOf(d.new, ref)
		if err != nil {
			return err
		}
		ap, err := dictOf(d.new, w["AP"])
		if err != nil {
			return err
		}
		if pdf.Present(ap["N"]) && !bool(anew) {
			continue
		}
		rect, _, err := pdf.LookupRect(d.new, w, "Rect")
		if err := onlyFatal(err); err != nil {
			return err
		}
		d.looks[ref] = &look{painted: true, rect: rect}
	}
	return nil
}

// drawsAgain: without another value an appearance may be drawn again, but only
// where it showed that value when it was signed. Otherwise the value was
// prepared under an appearance of other text, and comes to light (H-3 of
// testdata/attacks).
func (d *differ) drawsAgain(was *formNode, value pdf.Object) (string, error) {
	if d.signed == nil {
		d.signed = &differ{trusted: true}
	}
	d.signed.old, d.signed.new, d.signed.at = d.old, d.old, d.old
	d.signed.oldForm, d.signed.newForm = d.oldForm, d.oldForm
	rule, err := d.signed.checkText(was, value)
	if err == nil && rule != "" {
		rule = "form-appearance-other"
	}
	return rule, err
}

// keepsLooks: a value that was seen is not to vanish. Without an appearance most
// readers draw one only when the form asks for it.
func (d *differ) keepsLooks(was *formNode) (string, error) {
	if anew, _, err := pdf.Lookup[pdf.Boolean](d.new, d.newForm.dict, "NeedAppearances"); err == nil && bool(anew) {
		return "", nil
	}
	for _, ref := range was.widgets {
		a, b, err := d.dictsOf(ref)
		if err != nil {
			return "", err
		}
		was, err := dictOf(d.old, a["AP"])
		if err != nil {
			return "", err
		}
		now, err := dictOf(d.new, b["AP"])
		if err != nil {
			return "", err
		}
		if pdf.Present(was["N"]) && !pdf.Present(now["N"]) {
			return "form-appearance-removed", nil
		}
	}
	return "", nil
}

// checkButton: check boxes and radio buttons only choose among the states that
// were signed, and show the one that is their value (§12.7.5.2). Where the value
// is kept, so is what is shown.
func (d *differ) checkButton(was *formNode, value pdf.Object, kept bool) (string, error) {
	name, ok := value.(pdf.Name)
	if !ok && pdf.Present(value) {
		return "form-button", nil
	}
	for _, ref := range was.widgets {
		a, b, err := d.dictsOf(ref)
		if err != nil {
			return "", err
		}
		if !d.sameDeep(a["AP"], b["AP"], 0) {
			return "form-button", nil
		}
		if kept && !d.same(a["AS"], b["AS"]) {
			return "form-button", nil
		}
		if state := b["AS"]; pdf.Present(state) && state != pdf.Object(name) && state != pdf.Object(pdf.Name("Off")) {
			return "form-button", nil
		}
	}
	return "", nil
}

// checkText compares what the widgets of a text or choice field draw with its
// value. A field without an appearance is drawn by the reader.
func (d *differ) checkText(n *formNode, value pdf.Object) (string, error) {
	d.looks = map[pdf.Ref]*look{}
	want, err := d.shown(n, value)
	if err != nil {
		return "", err
	}
	for _, ref := range n.widgets {
		w, err := dictOf(d.new, ref)
		if err != nil {
			return "", err
		}
		ap, err := dictOf(d.new, w["AP"])
		if err != nil {
			return "", err
		}
		if ap == nil {
			continue
		}
		rect, _, err := pdf.LookupRect(d.new, w, "Rect")
		if err := onlyFatal(err); err != nil {
			return "", err
		}
		for k, v := range ap {
			s, err := d.new.Resolve(orNull(v))
			if err := onlyFatal(err); err != nil {
				return "", err
			}
			stream, ok := s.(*pdf.Stream)
			if !ok || k != "N" {
				return "form-appearance-states", nil
			}
			l, err := d.lookOf(stream, rect)
			if err != nil {
				if fatal(err) && !errors.Is(err, errDrawing) {
					return "", err
				}
				return "form-appearance-unclear", nil
			}
			if !want(squeeze(l.text)) {
				return "form-appearance-differs", nil
			}
			boxed, err := d.boxed(stream, 0)
			if err != nil {
				return "", err
			}
			if !d.trusted && !(boxed && l.readable()) {
				return "form-appearance-unreadable", nil
			}
			d.looks[ref] = l
		}
	}
	return "", nil
}

// squeeze removes white space, which layout adds and drops.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}

// Field flags (Tables 229, 231 and 233).
const (
	flagPassword = 1 << 13
	flagPush     = 1 << 16
	flagCombo    = 1 << 17
)

// shown returns what tells whether a text is how the field shows its value: the
// value, the option that stands for it, for a list box any run of its options,
// for a password as many signs.
func (d *differ) shown(n *formNode, value pdf.Object) (func(string) bool, error) {
	var values []string
	switch v := value.(type) {
	case pdf.String:
		values = append(values, squeeze(pdf.Text(v)))
	case pdf.Array:
		for _, e := range v {
			if s, ok := e.(pdf.String); ok {
				values = append(values, squeeze(pdf.Text(s)))
			}
		}
	case *pdf.Stream:
		b, err := d.new.StreamData(v, maxValue)
		if err := onlyFatal(err); err != nil && !isLimit(err) {
			return nil, err
		}
		if err := d.chargeText(len(b)); err != nil {
			return nil, err
		}
		values = append(values, squeeze(pdf.Text(pdf.String(b))))
	case pdf.Null:
		values = append(values, "")
	}
	flags, _ := n.flags.(pdf.Integer)
	if n.typ == pdf.Object(pdf.Name("Tx")) {
		return func(s string) bool {
			if flags&flagPassword != 0 && strings.Trim(s, "*•") == "" {
				return true
			}
			return slices.Contains(values, s)
		}, nil
	}
	options, all, err := d.options(n)
	if err != nil {
		return nil, err
	}
	return func(s string) bool {
		if flags&flagCombo == 0 {
			return strings.Contains(all, s)
		}
		return slices.ContainsFunc(values, func(v string) bool { return v == s || options[v] == s && s != "" })
	}, nil
}

// optionUnit is how many bytes of text an option of a choice field costs as much
// as.
const optionUnit = 16

// options returns what a choice field shows for each export value, and all of
// it in order. The options themselves are frozen.
func (d *differ) options(n *formNode) (map[string]string, string, error) {
	list, err := arrayOf(d.new, n.dict["Opt"])
	if err == nil {
		err = d.chargeText(optionUnit * len(list))
	}
	if err != nil {
		return nil, "", err
	}
	m := map[string]string{}
	var all strings.Builder
	for _, o := range list {
		v, err := d.new.Resolve(orNull(o))
		if err := onlyFatal(err); err != nil {
			return nil, "", err
		}
		export, display := v, v
		if pair, ok := v.(pdf.Array); ok && len(pair) == 2 {
			export, display = pair[0], pair[1]
		}
		x, _ := export.(pdf.String)
		y, _ := display.(pdf.String)
		text := squeeze(pdf.Text(y))
		m[squeeze(pdf.Text(x))] = text
		all.WriteString(text)
	}
	return m, all.String(), nil
}

// maxValue bounds a value that is a stream, and an appearance.
const maxValue = 1 << 20

// errDrawing says that an appearance holds more than text on a background.
var errDrawing = errors.New("an appearance that is not text alone")
