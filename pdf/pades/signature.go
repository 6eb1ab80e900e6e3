package pades

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/pdf"
)

// Kind tells signatures of people and seals from document timestamps.
type Kind int

// The kinds of signature dictionary (ISO 32000-2 Table 255, /Type).
const (
	KindSignature    Kind = iota // /Type /Sig
	KindDocTimestamp             // /Type /DocTimeStamp
)

// String returns "signature" or "document-timestamp".
func (k Kind) String() string {
	if k == KindDocTimestamp {
		return "document-timestamp"
	}
	return "signature"
}

// SubFilter values that this package knows.
const (
	SubFilterCAdES   pdf.Name = "ETSI.CAdES.detached"
	SubFilterPKCS7   pdf.Name = "adbe.pkcs7.detached"
	SubFilterRFC3161 pdf.Name = "ETSI.RFC3161"
)

// Signature is a filled signature field with the dictionary in it, as it
// stands in the revision that it signs. Of a broken one, what could be read.
type Signature struct {
	Field    string   // fully qualified name
	FieldRef pdf.Ref  // zero when the field is not indirect
	Ref      pdf.Ref  // the signature dictionary; zero when it is not indirect
	Dict     pdf.Dict // nil when /V is no dictionary
	Kind     Kind
	Filter   pdf.Name
	// SubFilter is the encoding of Contents; empty when it is missing.
	SubFilter pdf.Name
	// ByteRange is zero unless it is well-formed: offset and length of the
	// two signed ranges, the first starting at 0, both inside the file.
	ByteRange [4]int64
	Contents  []byte    // as decoded from the file, with its padding; see CMS
	M         time.Time // claimed; zero when absent or unreadable
	Name, Reason, Location,
	ContactInfo string
	DocMDP   int       // P of the DocMDP transform, 0 when it has none
	FieldMDP *FieldMDP // nil when it has none
	Lock     *FieldMDP // of the field, which restricts later changes as well
	// Rect is the area of the field's first widget; empty when invisible.
	Rect Rect
	// Revision is the index of the revision at whose end the signed bytes
	// end; 0 when they end elsewhere.
	Revision int
	// Problems lists what is wrong with the signature's structure. Which of
	// it can be tolerated is the verifier's policy; type-subfilter, for one,
	// is what timestamps of some years ago look like. Rules: value, direct,
	// shared-value, value-in-widget, field-untyped, subfilter, type-subfilter, byterange,
	// contents, contents-gap, duplicate-key, compressed, replaced, revision,
	// overlap, reference, docmdp-twice, fieldmdp-twice, entry.
	Problems []*pdf.MalformedError
}

func (s *Signature) problem(rule, format string, args ...any) {
	s.Problems = append(s.Problems, malformed(rule, format, args...))
}

// Signatures lists the filled signature fields of the document's latest
// revision in the order of the revisions they sign; those whose signed range
// cannot be told come last. A signature that is broken is listed with its
// Problems. Signature dictionaries that no field of the form refers to are not
// listed.
//
// With a *pdf.MalformedError, for a form that is damaged, come the signatures
// that could be read all the same: there may be others. More signatures than
// the package handles are a *pdf.LimitError.
func Signatures(doc *pdf.Document) ([]*Signature, error) {
	fields, damage := Fields(doc.Latest())
	if damage != nil && fatal(damage) {
		return nil, damage
	}
	list, err := signatures(doc, fields)
	if err != nil {
		return nil, err
	}
	return list, damage
}

// signatures reads the filled ones of the fields of doc's latest revision.
func signatures(doc *pdf.Document, fields []Field) ([]*Signature, error) {
	var list []*Signature
	byValue := map[pdf.Ref]*Signature{}
	for i := range fields {
		f := &fields[i]
		if !f.Filled {
			continue
		}
		if first := byValue[f.Value]; first != nil && f.Value != (pdf.Ref{}) {
			first.problem("shared-value", "the field %q holds the same signature", f.Name)
			continue
		}
		if len(list) == maxSignatures {
			return nil, overLimit("maxSignatures", maxSignatures)
		}
		s, err := readSignature(doc, doc.Latest(), f)
		if err != nil {
			return nil, err
		}
		byValue[f.Value] = s
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b *Signature) int { return compareEnds(a, b) })
	checkNesting(list)
	return list, nil
}

func compareEnds(a, b *Signature) int {
	x, y := a.end(), b.end()
	switch {
	case x == y:
		return 0
	case y == 0 || x != 0 && x < y:
		return -1
	}
	return 1
}

// end is where the signed bytes end, 0 when ByteRange is broken.
func (s *Signature) end() int64 { return s.ByteRange[2] + s.ByteRange[3] }

// checkNesting marks signatures that do not sign the whole of an earlier one:
// each must cover the gap of those before it, and no two may end together.
func checkNesting(list []*Signature) {
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		if a.end() == 0 || b.end() == 0 {
			continue
		}
		if a.end() > b.ByteRange[1] {
			b.problem("overlap", "the signed range does not contain that of the field %q", a.Field)
		}
	}
}

// readSignature reads the value that a filled field has in a revision. It returns
// an error only when the file cannot be read or a limit is exceeded.
func readSignature(doc *pdf.Document, in *pdf.Revision, f *Field) (*Signature, error) {
	s := &Signature{Field: f.Name, FieldRef: f.Ref, Ref: f.Value, Lock: f.Lock, Rect: f.Rect}
	if f.stray {
		s.problem("value-in-widget", "the signature stands in a widget of the field")
	}
	if !f.Typed {
		s.problem("field-untyped", "the field has no /FT /Sig")
	}
	v, err := in.Resolve(f.value)
	if err != nil {
		if fatal(err) {
			return nil, err
		}
		s.problem("value", "%w", err)
		return s, nil
	}
	d, ok := v.(pdf.Dict)
	if !ok {
		s.problem("value", "/V is not a dictionary")
		return s, nil
	}
	s.Dict = d
	if s.Ref == (pdf.Ref{}) {
		s.problem("direct", "the signature dictionary is not an indirect object")
	}
	s.readByteRange(doc)
	rev := s.signedRevision(doc)
	if rev == nil {
		rev = in
	} else if err := s.readAsSigned(rev); err != nil {
		return nil, err
	}
	s.readEntries(rev)
	s.readReferences(rev)
	if err := s.checkGap(doc, rev); err != nil {
		return nil, err
	}
	return s, nil
}

// fatal tells broken machinery and limits from hostile input.
func fatal(err error) bool {
	var m *pdf.MalformedError
	return !errors.As(err, &m)
}

// readByteRange applies §12.8.1: exactly four direct integers that leave one
// gap and stay inside the file.
func (s *Signature) readByteRange(doc *pdf.Document) {
	a, ok := s.Dict["ByteRange"].(pdf.Array)
	if !ok || len(a) != 4 {
		s.problem("byterange", "/ByteRange is not a direct array of four integers")
		return
	}
	var v [4]int64
	for i, o := range a {
		n, ok := o.(pdf.Integer)
		if !ok {
			s.problem("byterange", "/ByteRange is not a direct array of four integers")
			return
		}
		v[i] = int64(n)
	}
	size := doc.Size()
	if v[0] != 0 || v[1] <= 0 || v[2] <= v[1] || v[3] <= 0 || v[2] > size || v[3] > size-v[2] {
		s.problem("byterange", "%v in a file of %d bytes", v, size)
		return
	}
	s.ByteRange = v
}

// signedRevision finds the revision at whose end the signed bytes end. The EOL
// after %%EOF may stay outside.
func (s *Signature) signedRevision(doc *pdf.Document) *pdf.Revision {
	if s.end() == 0 {
		return nil
	}
	for _, r := range doc.Revisions() {
		if s.end() == r.End() || s.endsBeforeEOL(doc, r) {
			s.Revision = r.Index()
			return r
		}
	}
	s.problem("revision", "the signed bytes end at %d, which is not the end of a revision", s.end())
	return nil
}

func (s *Signature) endsBeforeEOL(doc *pdf.Document, r *pdf.Revision) bool {
	n := r.End() - s.end()
	if n < 1 || n > 2 {
		return false
	}
	eol := make([]byte, n)
	if _, err := doc.ReaderAt().ReadAt(eol, s.end()); err != nil && err != io.EOF {
		return false
	}
	return string(eol) == "\n" || string(eol) == "\r" || string(eol) == "\r\n"
}

// readAsSigned takes the dictionary as it stands in the signed revision and
// marks one that was changed later.
func (s *Signature) readAsSigned(rev *pdf.Revision) error {
	if s.Ref == (pdf.Ref{}) {
		return nil
	}
	v, err := rev.Object(s.Ref)
	if err != nil {
		if fatal(err) {
			return err
		}
		s.problem("replaced", "in the signed revision: %w", err)
		return nil
	}
	d, ok := v.(pdf.Dict)
	if !ok {
		s.problem("replaced", "the signed revision has no such dictionary")
		return nil
	}
	if !pdf.Equal(d, s.Dict) {
		s.problem("replaced", "the signature dictionary was changed after signing")
		s.Dict = d
	}
	return nil
}

func (s *Signature) readEntries(rev *pdf.Revision) {
	s.Filter = entry[pdf.Name](s, rev, "Filter")
	s.SubFilter = entry[pdf.Name](s, rev, "SubFilter")
	typ := entry[pdf.Name](s, rev, "Type")
	if typ == "DocTimeStamp" || s.SubFilter == SubFilterRFC3161 {
		s.Kind = KindDocTimestamp
	}
	switch {
	case s.SubFilter == "":
		s.problem("subfilter", "no /SubFilter")
	case typ != "" && typ != "Sig" && typ != "DocTimeStamp",
		typ == "Sig" && s.SubFilter == SubFilterRFC3161,
		typ == "DocTimeStamp" && s.SubFilter != SubFilterRFC3161:
		s.problem("type-subfilter", "/Type /%.32s with /SubFilter /%.32s", string(typ), string(s.SubFilter))
	}
	s.Name = pdf.Text(entry[pdf.String](s, rev, "Name"))
	s.Reason = pdf.Text(entry[pdf.String](s, rev, "Reason"))
	s.Location = pdf.Text(entry[pdf.String](s, rev, "Location"))
	s.ContactInfo = pdf.Text(entry[pdf.String](s, rev, "ContactInfo"))
	if m := entry[pdf.String](s, rev, "M"); m != "" {
		// An unreadable claim is no claim: nothing rests on it.
		s.M, _ = pdf.ParseDate(m)
	}
	// An indirect or non-string value would let another object stand in for
	// what the gap holds.
	contents, ok := s.Dict["Contents"].(pdf.String)
	switch {
	case !ok:
		s.problem("contents", "/Contents is not a direct string")
	case len(contents) > maxContents:
		s.problem("contents", "/Contents has %d bytes", len(contents))
	default:
		s.Contents = []byte(contents)
	}
}

// entry reads one entry of the signature dictionary; the zero value, with a
// problem, when it has the wrong type.
func entry[T pdf.Object](s *Signature, rev *pdf.Revision, key pdf.Name) T {
	v, _, err := pdf.Lookup[T](rev, s.Dict, key)
	if err != nil {
		s.problem("entry", "/%s: %w", string(key), err)
	}
	return v
}

// checkGap compares what the ByteRange leaves out with the object: the gap
// must hold exactly the hexadecimal /Contents token of this dictionary, which
// must be an uncompressed object with each key once. Anything else lets bytes
// that nobody signed into the document.
func (s *Signature) checkGap(doc *pdf.Document, rev *pdf.Revision) error {
	if s.end() == 0 || s.Ref == (pdf.Ref{}) {
		return nil
	}
	if e, _ := rev.Entry(s.Ref.Num); e.Kind == pdf.EntryCompressed {
		s.problem("compressed", "the signature dictionary is in an object stream")
		return nil
	}
	spans, err := rev.DictSpans(s.Ref)
	if err != nil {
		if fatal(err) {
			return err
		}
		s.problem("value", "%w", err)
		return nil
	}
	if s.checkKeys(rev, spans) {
		return nil
	}
	return s.checkHex(doc)
}

// checkKeys looks for keys that stand twice and for a /Contents elsewhere than
// in the gap. It reports whether the only /Contents is the gap and had no room
// for anything but what was read from it.
func (s *Signature) checkKeys(rev *pdf.Revision, spans []pdf.EntrySpan) (plain bool) {
	o, _ := rev.Object(s.Ref) // without error, since spans are of its dictionary
	if d, ok := o.(pdf.Dict); !ok || len(d) != len(spans) {
		count := map[pdf.Name]int{}
		for _, e := range spans {
			if count[e.Key]++; count[e.Key] == 2 {
				s.problem("duplicate-key", "/%.32s stands twice", string(e.Key))
			}
		}
	}
	found := 0
	for _, e := range spans {
		if e.Key != "Contents" {
			continue
		}
		found++
		if e.ValueStart != s.ByteRange[1] || e.ValEnd != s.ByteRange[2] {
			s.problem("contents-gap", "/Contents is at %d to %d, the gap at %d to %d",
				e.ValueStart, e.ValEnd, s.ByteRange[1], s.ByteRange[2])
			continue
		}
		plain = e.PlainHex && e.ValEnd-e.ValueStart == int64(2*len(s.Contents)+2)
	}
	return plain && found == 1
}

// checkHex requires the gap to be one <…> of hexadecimal digits alone, an even
// number of them: comments or white space would let two readers differ.
func (s *Signature) checkHex(doc *pdf.Document) error {
	n := s.ByteRange[2] - s.ByteRange[1]
	if n < 2 || n > 2*maxContents+2 {
		s.problem("contents-gap", "a gap of %d bytes", n)
		return nil
	}
	if n != int64(2*len(s.Contents)+2) {
		s.problem("contents-gap", "a gap of %d bytes for /Contents of %d", n, len(s.Contents))
		return nil
	}
	var digits, value [1024]byte
	r := doc.ReaderAt()
	if err := readFull(r, digits[:1], s.ByteRange[1]); err != nil {
		return err
	}
	if err := readFull(r, digits[1:2], s.ByteRange[2]-1); err != nil {
		return err
	}
	if string(digits[:2]) != "<>" {
		s.problem("contents-gap", "the gap is not a hexadecimal string")
		return nil
	}
	at := s.ByteRange[1] + 1
	for part := range slices.Chunk(s.Contents, len(digits)/2) {
		k := 2 * len(part)
		if err := readFull(r, digits[:k], at); err != nil {
			return err
		}
		if _, err := hex.Decode(value[:], digits[:k]); err != nil {
			s.problem("contents-gap", "%w", err)
			return nil
		}
		if !bytes.Equal(value[:k/2], part) {
			s.problem("contents-gap", "the gap differs from /Contents")
			return nil
		}
		at += int64(k)
	}
	return nil
}

// readFull fills b with the bytes at off, which are inside the file.
func readFull(r io.ReaderAt, b []byte, off int64) error {
	if n, err := r.ReadAt(b, off); n < len(b) {
		return fmt.Errorf("signature contents: %w", err)
	}
	return nil
}

// CMS returns the first BER element of Contents. What follows may be zero
// bytes only, which signers leave as padding; with the *pdf.MalformedError of
// rule contents-padding for anything else comes the element all the same.
func (s *Signature) CMS() ([]byte, error) {
	if len(s.Contents) == 0 || s.Contents[0] != 0x30 {
		return nil, malformed("contents-ber", "no SEQUENCE")
	}
	der, padding, err := cms.Cut(s.Contents)
	if err != nil {
		return nil, malformed("contents-ber", "%w", err)
	}
	for i, b := range padding {
		if b != 0 {
			return der, malformed("contents-padding", "byte %d after the CMS is not zero", i)
		}
	}
	return der, nil
}

// SignedReader reads the signed bytes of the document: the two ranges of
// ByteRange, one after the other. Reading fails when ByteRange is broken.
func (s *Signature) SignedReader(doc *pdf.Document) io.Reader {
	if s.end() == 0 {
		return brokenReader{malformed("byterange", "no signed range")}
	}
	r := doc.ReaderAt()
	return io.MultiReader(
		io.NewSectionReader(r, s.ByteRange[0], s.ByteRange[1]),
		io.NewSectionReader(r, s.ByteRange[2], s.ByteRange[3]))
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }
