package diff

import (
	"errors"
	"math"
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
	var rule string
	switch now.typ {
	case pdf.Object(pdf.Name("Btn")):
		rule, err = d.checkButton(was, now, value)
	case pdf.Object(pdf.Name("Tx")), pdf.Object(pdf.Name("Ch")):
		rule, err = d.checkText(now, value)
		if err == nil && rule == "" && pdf.Present(value) {
			rule, err = d.keepsLooks(was)
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
	if c.Level == LevelForm && (d.painted || now.typ == pdf.Object(pdf.Name("Btn"))) {
		return d.reportFilled(was)
	}
	return nil
}

// keepsLooks: a value that was seen is not to vanish. Without an appearance most
// readers draw one only when the form asks for it.
func (d *differ) keepsLooks(was *formNode) (string, error) {
	if anew, _, err := pdf.Lookup[pdf.Boolean](d.new, d.newForm.dict, "NeedAppearances"); err == nil && bool(anew) {
		return "", nil
	}
	for _, ref := range was.widgets {
		a, err := dictOf(d.old, ref)
		if err != nil {
			return "", err
		}
		b, err := dictOf(d.new, ref)
		if err != nil {
			return "", err
		}
		if pdf.Present(a["AP"]) && !pdf.Present(b["AP"]) {
			return "form-appearance-removed", nil
		}
	}
	return "", nil
}

// checkButton: check boxes and radio buttons only choose among the states that
// were signed, and show the one that is their value (§12.7.5.2).
func (d *differ) checkButton(was, now *formNode, value pdf.Object) (string, error) {
	name, ok := value.(pdf.Name)
	if !ok && pdf.Present(value) {
		return "form-button", nil
	}
	for _, ref := range was.widgets {
		a, err := dictOf(d.old, ref)
		if err != nil {
			return "", err
		}
		b, err := dictOf(d.new, ref)
		if err != nil {
			return "", err
		}
		if !d.sameDeep(a["AP"], b["AP"], 0) {
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
	d.painted = false
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
		for k, v := range ap {
			s, err := d.new.Resolve(orNull(v))
			if err := onlyFatal(err); err != nil {
				return "", err
			}
			stream, ok := s.(*pdf.Stream)
			if !ok || k != "N" {
				return "form-appearance-states", nil
			}
			text, err := d.drawn(stream)
			if err != nil {
				if fatal(err) && !errors.Is(err, errDrawing) {
					return "", err
				}
				return "form-appearance-unclear", nil
			}
			if !want(squeeze(text)) {
				return "form-appearance-differs", nil
			}
		}
	}
	return "", nil
}

// drawnAnew judges a /NeedAppearances that becomes true, by which readers draw
// all fields from their values (§12.7.3): what an untouched field then shows
// must be what was seen when it was signed, or a value prepared under an
// appearance of other text comes to light (validation.md H-3).
func (d *differ) drawnAnew(t *touched) error {
	if d.newForm.dict == nil {
		return nil
	}
	before, _, _ := pdf.Lookup[pdf.Boolean](d.old, d.oldForm.dict, "NeedAppearances")
	after, _, _ := pdf.Lookup[pdf.Boolean](d.new, d.newForm.dict, "NeedAppearances")
	if before || !after {
		return nil
	}
	for _, n := range d.newForm.order {
		text := n.typ == pdf.Object(pdf.Name("Tx")) || n.typ == pdf.Object(pdf.Name("Ch"))
		if !text || n.children > 0 || t.fields[n.ref] || d.oldForm.nodes[n.ref] == nil {
			continue
		}
		same, err := d.showsValue(n)
		if err != nil {
			return err
		}
		if !same {
			d.report(Change{Object: n.ref, Path: fieldPath(n), Rule: "need-appearances", Level: LevelOther, Field: n.name})
		}
	}
	return nil
}

// showsValue says whether every widget of a text or choice field has an
// appearance that shows its value; true without a value.
func (d *differ) showsValue(n *formNode) (bool, error) {
	value, err := d.new.Resolve(orNull(d.newForm.value(n)))
	if err != nil || !pdf.Present(value) {
		return err == nil, onlyFatal(err)
	}
	for _, ref := range n.widgets {
		w, err := dictOf(d.new, ref)
		if err != nil || !pdf.Present(w["AP"]) {
			return false, onlyFatal(err)
		}
	}
	rule, err := d.checkText(n, value)
	return rule == "", err
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

// options returns what a choice field shows for each export value, and all of
// it in order. The options themselves are frozen.
func (d *differ) options(n *formNode) (map[string]string, string, error) {
	list, err := arrayOf(d.new, n.dict["Opt"])
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

// maxPaths bounds the lines of background, border and comb of a text field.
// With enough lines letters can be drawn.
const maxPaths = 110

// drawn returns the text that an appearance draws. Anything that could show
// something else is [errDrawing]: other objects, images, curves, a font that is
// not from the signed revision and carries its own glyphs.
func (d *differ) drawn(s *pdf.Stream) (string, error) {
	data, err := d.new.StreamData(s, maxValue)
	if err != nil {
		return "", err
	}
	res, err := dictOf(d.new, s.Dict["Resources"])
	if err != nil {
		return "", err
	}
	fonts, err := dictOf(d.new, res["Font"])
	if err != nil {
		return "", err
	}
	t := textReader{d: d, fonts: fonts}
	if err := pdf.ScanContent(data, t.operator); err != nil {
		return "", err
	}
	d.painted = d.painted || t.painted
	return t.text.String(), nil
}

// textReader collects what the text operators of an appearance show.
type textReader struct {
	d     *differ
	fonts pdf.Dict
	wide  *toUnicode // of the current font, nil for one byte a character
	text  strings.Builder
	paths int
	// painted is set when an area was filled: it may hide what lies below.
	painted bool

	// unseen are the reasons why text would not be seen: one can draw the
	// value so that nobody reads it, and be done.
	unseen inkState
	saved  []inkState
}

// inkState is the part of the graphics state by which text can vanish.
type inkState struct{ white, tiny, narrow bool }

func (t *textReader) operator(op string, args []pdf.Object) error {
	switch op {
	case "q", "Q", "g", "rg", "k", "Tz":
		return t.ink(op, args)
	case "BMC", "BDC", "EMC", "MP", "DP", "BT", "ET", "cm", "w", "J", "j", "M", "d", "i", "ri",
		"G", "RG", "K", "cs", "CS", "sc", "SC", "scn", "SCN",
		"Tc", "Tw", "TL", "Ts", "Td", "TD", "Tm", "T*", "W", "W*", "n", "h",
		"S", "s":
	case "f", "F", "f*", "B", "B*", "b", "b*":
		t.painted = true
	case "re", "m", "l":
		if t.paths++; t.paths > maxPaths {
			return errDrawing
		}
	case "Tf":
		if len(args) != 2 {
			return errDrawing
		}
		size, ok := pdf.Float(args[1])
		t.unseen.tiny = !ok || math.Abs(size) < leastSize
		return t.font(args[0])
	case "Tr":
		if len(args) != 1 || args[0] != pdf.Object(pdf.Integer(0)) {
			return errDrawing
		}
	case "Tj", "'", "\"", "TJ":
		if len(args) == 0 {
			return errDrawing
		}
		return t.show(args[len(args)-1])
	default:
		return errDrawing
	}
	return nil
}

// leastSize is the font size, in units of the appearance, below which text is
// no longer read. It may be scaled up, and then is 1.
const leastSize = 1

// ink follows what makes text vanish: white ink and a width of nothing.
func (t *textReader) ink(op string, args []pdf.Object) error {
	if op == "q" {
		if len(t.saved) == maxPaths {
			return errDrawing
		}
		t.saved = append(t.saved, t.unseen)
		return nil
	}
	if n := len(t.saved); op == "Q" {
		if n > 0 {
			t.unseen, t.saved = t.saved[n-1], t.saved[:n-1]
		}
		return nil
	}
	least, most := math.Inf(1), math.Inf(-1)
	for _, a := range args {
		v, ok := pdf.Float(a)
		if !ok {
			return errDrawing
		}
		least, most = min(least, v), max(most, v)
	}
	switch op {
	case "Tz":
		t.unseen.narrow = most < 10
	case "k":
		t.unseen.white = most < 0.1
	default:
		t.unseen.white = least > 0.9
	}
	return nil
}

func (t *textReader) show(o pdf.Object) error {
	if t.unseen != (inkState{}) {
		return errDrawing
	}
	switch o := o.(type) {
	case pdf.String:
		return t.decode(o)
	case pdf.Array:
		for _, e := range o {
			if s, ok := e.(pdf.String); ok {
				if err := t.decode(s); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return errDrawing
}

func (t *textReader) decode(s pdf.String) error {
	if t.wide == nil {
		for i := range len(s) {
			// Byte by byte, or a byte order mark would change the meaning.
			t.text.WriteString(pdf.Text(s[i : i+1]))
		}
		return nil
	}
	text, ok := t.wide.decode(string(s))
	if !ok {
		return errDrawing
	}
	t.text.WriteString(text)
	return nil
}

// font selects a font. Its glyphs are believed when the signed revision had it,
// or when it has none and the reader takes its own.
func (t *textReader) font(name pdf.Object) error {
	n, ok := name.(pdf.Name)
	if !ok {
		return errDrawing
	}
	t.wide = nil
	o := t.fonts[n]
	f, err := dictOf(t.d.new, o)
	if err != nil || f == nil {
		return err
	}
	ref, isRef := o.(pdf.Ref)
	signed := t.d.trusted || isRef && t.d.frozen.has(ref.Num)
	sub, err := t.d.new.Resolve(orNull(f["Subtype"]))
	if err != nil {
		return err
	}
	switch sub {
	case pdf.Object(pdf.Name("Type0")):
		if !signed {
			return errDrawing
		}
		t.wide, err = t.d.readToUnicode(f["ToUnicode"])
		return err
	case pdf.Object(pdf.Name("Type1")), pdf.Object(pdf.Name("TrueType")), pdf.Object(pdf.Name("MMType1")):
	default:
		if !signed {
			return errDrawing
		}
	}
	if signed {
		return nil
	}
	desc, err := dictOf(t.d.new, f["FontDescriptor"])
	if err != nil {
		return err
	}
	enc, err := dictOf(t.d.new, f["Encoding"])
	if err != nil {
		return err
	}
	for _, k := range []pdf.Name{"FontFile", "FontFile2", "FontFile3"} {
		if pdf.Present(desc[k]) {
			return errDrawing
		}
	}
	if pdf.Present(enc["Differences"]) {
		return errDrawing
	}
	return nil
}
