package pades

import (
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/absah-id/absah/pdf"
)

// filterName is the signature handler that readers prefer (Table 255).
const filterName pdf.Name = "Adobe.PPKLite"

// widgetFlags are Print and Locked (Table 167): PDF/A wants every annotation
// printable, and a signature must not be moved.
const widgetFlags pdf.Integer = 4 | 128

// sigFlags are SignaturesExist and AppendOnly (Table 225).
const sigFlags pdf.Integer = 1 | 2

// Pending is a new revision that waits for its signature: laid out, ByteRange
// filled in, Contents still zeros. It may be used by one goroutine.
type Pending struct {
	base  int64
	tail  []byte
	gap   [2]int // of the Contents token in tail
	Field string // fully qualified name of the signed field
	Ref   pdf.Ref
	// Earlier are the signatures that the document holds already, as
	// [Signatures] lists them.
	Earlier []*Signature
}

// Prepare writes the revision that carries a new signature or document
// timestamp. rev must be its document's latest. Nothing changes but what the
// signature needs: the field and its place in the form and on its page; the
// catalog only for a first form, an inline form or a certification.
//
// What the document's own rules forbid is a *RefusedError: a certification or lock
// that a new signature would break, a field that cannot be filled, a required
// seed value that is not met, a page that does not exist, a dynamic XFA form.
// Other errors are those of the document and of Appearance.Form.
func Prepare(rev *pdf.Revision, spec SignatureSpec) (*Pending, error) {
	p, err := newPlan(rev, spec)
	if err != nil {
		return nil, err
	}
	w := &writer{rev: rev, u: rev.NewUpdate()}
	sig := w.u.Alloc()
	gap := &reservation{size: rev.Document().Size(), contents: p.spec.ContentsSize}
	w.u.Set(sig, p.dict(gap))
	out := &Pending{base: gap.size, Field: p.name, Ref: sig, Earlier: p.earlier}
	if p.field != nil {
		out.Field = p.field.Name
		err = p.fill(w, sig)
	} else {
		err = p.create(w, sig)
	}
	if err != nil {
		return nil, err
	}
	if p.spec.Certify != 0 {
		if err := w.setPerms(sig); err != nil {
			return nil, err
		}
	}
	if out.tail, err = w.u.Finish(); err != nil {
		return nil, err
	}
	if out.gap, err = gap.apply(out.tail); err != nil {
		return nil, err
	}
	return out, nil
}

// reservation is the room for ByteRange and Contents.
type reservation struct {
	size            int64 // of the file before this revision
	contents        int   // bytes of DER
	byteRange, blob *pdf.Reserved
}

// apply writes ByteRange and the empty Contents into the finished tail and
// returns where Contents is in it.
func (r *reservation) apply(tail []byte) ([2]int, error) {
	at, br := r.blob.Offset-r.size, r.byteRange.Offset-r.size
	end := at + int64(r.blob.Len)
	if at <= 0 || br <= 0 || end > int64(len(tail)) || br+int64(r.byteRange.Len) > int64(len(tail)) {
		return [2]int{}, fmt.Errorf("reserved bytes at %d and %d of a tail of %d", at, br, len(tail))
	}
	text := fmt.Sprintf("[0 %d %d %d]", r.size+at, r.size+end, int64(len(tail))-end)
	if len(text) > r.byteRange.Len {
		return [2]int{}, fmt.Errorf("ByteRange %s does not fit in %d bytes", text, r.byteRange.Len)
	}
	copy(tail[br:], text)
	blob := tail[at:end]
	for rest := blob; len(rest) > 0; {
		rest = rest[copy(rest, zeros):]
	}
	blob[0], blob[len(blob)-1] = '<', '>'
	return [2]int{int(at), int(end)}, nil
}

// zeros fill Contents, a piece at a time.
var zeros = strings.Repeat("0", 512)

// dict is the signature dictionary (Table 255).
func (p *plan) dict(r *reservation) pdf.Dict {
	// Offsets have at most one digit more than the size: this revision is
	// smaller than nine times the input, or than a gigabyte.
	digits := max(len(strconv.FormatInt(r.size, 10))+1, 10)
	r.byteRange = &pdf.Reserved{Len: len("[0   ]") + 3*digits}
	r.blob = &pdf.Reserved{Len: 2*r.contents + len("<>")}
	d := pdf.Dict{
		"Type":      pdf.Name("Sig"),
		"Filter":    filterName,
		"SubFilter": p.spec.SubFilter,
		"ByteRange": r.byteRange,
		"Contents":  r.blob,
	}
	if p.spec.Kind == KindDocTimestamp {
		d["Type"] = pdf.Name("DocTimeStamp")
	}
	for key, text := range map[pdf.Name]string{
		"Reason": p.spec.Reason, "Location": p.spec.Location, "Name": p.spec.Name, "ContactInfo": p.spec.ContactInfo,
	} {
		if text != "" {
			d[key] = pdf.EncodeText(text)
		}
	}
	if !p.spec.At.IsZero() {
		d["M"] = pdf.Date(p.spec.At.UTC())
	}
	if refs := references(p.rev.Root(), p.spec.Certify, p.lock); refs != nil {
		d["Reference"] = refs
	}
	return d
}

// fill puts the signature into an existing field and its appearance into the
// field's widgets; Rect, page and all other entries stay.
func (p *plan) fill(w *writer, sig pdf.Ref) error {
	err := w.change(p.field.Ref, func(d pdf.Dict) error {
		d["V"] = sig
		return nil
	})
	if err != nil {
		return err
	}
	if p.first {
		if err := w.sub("AcroForm", true, w.flag); err != nil {
			return err
		}
	}
	if p.spec.Appearance == nil {
		return nil
	}
	form, err := p.spec.Appearance.Form(w.u)
	if err != nil {
		return fmt.Errorf("signature appearance: %w", err)
	}
	for _, ref := range p.field.Widgets {
		err := w.change(ref, func(d pdf.Dict) error {
			d["AP"] = pdf.Dict{"N": form}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// create adds a field merged with its widget to the form and to its page.
func (p *plan) create(w *writer, sig pdf.Ref) error {
	d := pdf.Dict{
		"Type":    pdf.Name("Annot"),
		"Subtype": pdf.Name("Widget"),
		"FT":      pdf.Name("Sig"),
		"T":       pdf.EncodeText(p.name),
		"F":       widgetFlags,
		"Rect":    pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Integer(0), pdf.Integer(0)},
		"P":       p.page,
		"V":       sig,
	}
	if p.lock != nil {
		d["Lock"] = w.u.Add(p.lock.dict("SigFieldLock")) // Table 235: indirect
	}
	if a := p.spec.Appearance; a != nil {
		form, err := a.Form(w.u)
		if err != nil {
			return fmt.Errorf("signature appearance: %w", err)
		}
		d["Rect"], d["AP"] = a.Rect.Array(), pdf.Dict{"N": form}
	}
	field := w.u.Add(d)
	if err := w.addToForm(field, p.first); err != nil {
		return err
	}
	page, err := w.dict(p.page)
	if err != nil {
		return err
	}
	changed, err := w.appendTo(page, "Annots", field)
	if err != nil {
		return p.rev.Place(err, p.page)
	}
	if changed {
		w.u.Set(p.page, page)
	}
	return nil
}

// writer composes changes to existing objects.
type writer struct {
	rev *pdf.Revision
	u   *pdf.Update
}

// dict returns a copy of a dictionary object, changes of this update included.
// Only its top level may be changed.
func (w *writer) dict(ref pdf.Ref) (pdf.Dict, error) {
	o, err := w.u.Object(ref)
	if err != nil {
		return nil, err
	}
	d, ok := o.(pdf.Dict)
	if !ok {
		return nil, w.rev.Place(malformed("object-type", "object %s is not a dictionary", ref), ref)
	}
	return maps.Clone(d), nil
}

func (w *writer) change(ref pdf.Ref, f func(pdf.Dict) error) error {
	d, err := w.dict(ref)
	if err != nil {
		return err
	}
	if err := f(d); err != nil {
		return err
	}
	w.u.Set(ref, d)
	return nil
}

// appendTo appends a reference to the array under key. An array that is an
// object of its own is replaced alone; otherwise holder is changed and true
// returned.
func (w *writer) appendTo(holder pdf.Dict, key pdf.Name, refs ...pdf.Ref) (changed bool, err error) {
	var own pdf.Ref
	o := orNull(holder[key])
	if ref, ok := o.(pdf.Ref); ok {
		if o, err = w.u.Object(ref); err != nil {
			return false, err
		}
		if _, ok := o.(pdf.Array); ok {
			own = ref
		}
	}
	if o, err = w.rev.Resolve(o); err != nil {
		return false, err
	}
	var list pdf.Array
	switch a := o.(type) {
	case pdf.Null:
	case pdf.Array:
		list = slices.Clone(a)
	default:
		return false, malformed("object-type", "/%s is not an array", string(key))
	}
	for _, ref := range refs {
		list = append(list, ref)
	}
	if own != (pdf.Ref{}) {
		w.u.Set(own, list)
		return false, nil
	}
	holder[key] = list
	return true, nil
}

// sub changes the dictionary under key of the catalog. One that is an object
// of its own is replaced alone; an inline one changes the catalog; an absent
// one is added as an object when indirect is set, else inline. f reports
// whether it changed anything.
func (w *writer) sub(key pdf.Name, indirect bool, f func(pdf.Dict) (bool, error)) error {
	catalog, err := w.dict(w.rev.Root())
	if err != nil {
		return err
	}
	var own pdf.Ref
	o := orNull(catalog[key])
	if ref, ok := o.(pdf.Ref); ok {
		if o, err = w.u.Object(ref); err != nil {
			return err
		}
		if _, ok := o.(pdf.Dict); ok {
			own = ref
		}
	}
	if o, err = w.rev.Resolve(o); err != nil {
		return err
	}
	d := pdf.Dict{}
	_, absent := o.(pdf.Null)
	if !absent {
		old, ok := o.(pdf.Dict)
		if !ok {
			return w.rev.Place(malformed("object-type", "/%s of the catalog is not a dictionary", string(key)), w.rev.Root())
		}
		d = maps.Clone(old)
	}
	changed, err := f(d)
	if err != nil || !changed {
		return err
	}
	switch {
	case own != (pdf.Ref{}):
		w.u.Set(own, d)
		return nil
	case absent && indirect:
		catalog[key] = w.u.Add(d)
	default:
		catalog[key] = d
	}
	w.u.Set(w.rev.Root(), catalog)
	return nil
}

// addToForm appends a field to the form, keeping every other entry. Only the
// first signature sets SigFlags.
func (w *writer) addToForm(field pdf.Ref, first bool) error {
	return w.sub("AcroForm", true, func(form pdf.Dict) (bool, error) {
		changed, err := w.appendTo(form, "Fields", field)
		if err != nil || !first {
			return changed, err
		}
		flagged, err := w.flag(form)
		return changed || flagged, err
	})
}

// flag sets SigFlags (Table 225) in the form and says whether they were not
// set. It is done with the first signature or not at all: later it would be a
// change of the form that no other validator takes for a signature's.
func (w *writer) flag(form pdf.Dict) (bool, error) {
	flags, _, err := pdf.Lookup[pdf.Integer](w.rev, form, "SigFlags")
	if err != nil || flags&sigFlags == sigFlags {
		return false, err
	}
	form["SigFlags"] = flags | sigFlags
	return true, nil
}

// setPerms names the certification signature in the catalog (§12.8.6).
func (w *writer) setPerms(sig pdf.Ref) error {
	return w.sub("Perms", false, func(perms pdf.Dict) (bool, error) {
		perms["DocMDP"] = sig
		return true, nil
	})
}

// Base returns the size of the document that the revision is appended to: the
// signed bytes are all of it, then what WriteSigned writes.
func (p *Pending) Base() int64 { return p.base }

// ByteRange returns offset and length of the two signed ranges.
func (p *Pending) ByteRange() [4]int64 {
	return [4]int64{0, p.base + int64(p.gap[0]), p.base + int64(p.gap[1]), int64(len(p.tail) - p.gap[1])}
}

// WriteSigned writes the signed bytes of the new revision: all of it but the
// Contents token. The error is that of w.
func (p *Pending) WriteSigned(w io.Writer) error {
	if _, err := w.Write(p.tail[:p.gap[0]]); err != nil {
		return err
	}
	_, err := w.Write(p.tail[p.gap[1]:])
	return err
}

// Embed puts the CMS or timestamp token into the revision and returns it: what
// is to be appended to the document. It returns a *PlaceholderError when der
// is too large. The slice is valid until the next call.
func (p *Pending) Embed(der []byte) ([]byte, error) {
	room := p.tail[p.gap[0]+1 : p.gap[1]-1]
	if have := len(room) / 2; len(der) > have {
		return nil, &PlaceholderError{Need: len(der), Have: have}
	}
	for i := hex.Encode(room, der); i < len(room); i++ {
		room[i] = '0'
	}
	return p.tail, nil
}
