package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// file is a PDF being written as text, revision by revision. It remembers the
// newest body of each object, so that a case changes one by its words.
type file struct {
	b      []byte
	body   map[int]string // newest body of each object in use
	at     map[int]int    // and its offset
	prev   int            // offset of the newest cross-reference section
	size   int            // the next free object number
	noEOL  bool           // the next revisions end with %%EOF and no EOL
	fields []int
	annots []int
	xrefs  bool // later revisions have cross-reference streams
}

// revision is what commit writes. Zero values give an honest one.
type revision struct {
	set   map[int]string
	free  []int
	extra string // further trailer entries, without delimiters
	root  string // instead of "1 0 R"; "-" leaves Root out
	size  int    // instead of the right one
	prev  string // instead of the offset of the section before
	// entries bends the cross-reference entries: object number → offset.
	entries func(map[int]int)
	// bodies bends the text of the objects, with the offset where it starts;
	// what it adds is not in the table.
	bodies func(string) string
	// table bends the text of the table and trailer.
	table func(string) string
	// end replaces startxref to %%EOF; %d is the right offset.
	end string
}

// Object numbers of the letter.
const (
	objCatalog = 1 + iota
	objPages
	objPage
	objContents
	objFont
	objAcroForm
	objDSS
	objCRL // the first stream of the DSS, when it has one
)

// What the page says, and what a forger would have it say.
const (
	truth   = "Bantuan Rp1.000.000"
	forgery = "Bantuan Rp9.000.000"
)

func stream(dict, data string) string {
	return fmt.Sprintf("<<%s/Length %d>>stream\n%s\nendstream", dict, len(data), data)
}

func pageText(s string) string {
	return stream("", "BT /F1 14 Tf 72 760 Td (Surat Kabupaten Contoh) Tj 0 -30 Td ("+s+") Tj ET")
}

const helvetica = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"

// letter is the unsigned letter of one page in one revision, with the given
// revocation data in its DSS; none gives a letter without DSS.
func letter(bend func(f *file, r *revision), crls ...[]byte) *file {
	return letterWith(bend, nil, crls)
}

// letterWith also takes OCSP responses.
func letterWith(bend func(f *file, r *revision), ocsps, crls [][]byte) *file {
	f := &file{body: map[int]string{}, at: map[int]int{}, size: objCRL, b: []byte("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")}
	r := revision{set: map[int]string{
		objPages:    "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		objPage:     f.page(),
		objContents: pageText(truth),
		objFont:     helvetica,
		objAcroForm: f.form(),
	}}
	catalog := "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R>>"
	if len(crls)+len(ocsps) > 0 {
		f.dss(&r, ocsps, crls)
		catalog = strings.Replace(catalog, ">>", "/DSS 7 0 R>>", 1)
	}
	r.set[objCatalog] = catalog
	if bend != nil {
		bend(f, &r)
	}
	f.commit(r)
	return f
}

func (f *file) dss(r *revision, ocsps, crls [][]byte) {
	list := func(key string, items [][]byte) string {
		if len(items) == 0 {
			return ""
		}
		var refs []string
		for _, it := range items {
			refs = append(refs, fmt.Sprintf("%d 0 R", f.size))
			r.set[f.size] = stream("", string(it))
			f.size++
		}
		return "/" + key + "[" + strings.Join(refs, " ") + "]"
	}
	r.set[objDSS] = "<</Type/DSS" + list("OCSPs", ocsps) + list("CRLs", crls) + ">>"
}

func (f *file) page() string {
	return "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>/Annots" + refs(f.annots) + ">>"
}

func (f *file) form() string {
	return "<</Fields" + refs(f.fields) + "/SigFlags 3/DR<</Font<</Helv 5 0 R>>>>/DA(/Helv 12 Tf 0 g)>>"
}

func refs(nums []int) string {
	var out []string
	for _, n := range nums {
		out = append(out, fmt.Sprintf("%d 0 R", n))
	}
	return "[" + strings.Join(out, " ") + "]"
}

// alloc gives out an object number.
func (f *file) alloc() int {
	f.size++
	return f.size - 1
}

// bodyText writes objects and notes where they stand.
func (f *file) bodyText(start int, set map[int]string, at map[int]int) string {
	var b strings.Builder
	for _, n := range slices.Sorted(maps.Keys(set)) {
		at[n] = start + b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", n, set[n])
	}
	return b.String()
}

// tableText writes a cross-reference table; offset -1 is a free object.
func tableText(entries map[int]int, first bool) string {
	var b strings.Builder
	b.WriteString("xref\n")
	if first {
		entries = maps.Clone(entries)
		entries[0] = -1
	}
	nums := slices.Sorted(maps.Keys(entries))
	for i := 0; i < len(nums); {
		j := i + 1
		for j < len(nums) && nums[j] == nums[j-1]+1 {
			j++
		}
		fmt.Fprintf(&b, "%d %d\n", nums[i], j-i)
		for ; i < j; i++ {
			if at := entries[nums[i]]; at >= 0 {
				fmt.Fprintf(&b, "%010d 00000 n \n", at)
			} else if nums[i] == 0 {
				b.WriteString("0000000000 65535 f \n")
			} else {
				b.WriteString("0000000000 00001 f \n")
			}
		}
	}
	return b.String()
}

// trailerText writes trailer and dictionary.
func (f *file) trailerText(r revision) string {
	root, size, prev := r.root, f.size, fmt.Sprint(f.prev)
	if root == "" {
		root = "1 0 R"
	}
	if r.size != 0 {
		size = r.size
	}
	if r.prev != "" {
		prev = r.prev
	}
	out := fmt.Sprintf("trailer\n<</Size %d", size)
	if root != "-" {
		out += "/Root " + root
	}
	if f.prev != 0 || r.prev != "" {
		out += "/Prev " + prev
	}
	return out + "/ID[<0123456789ABCDEF0123456789ABCDEF><" + fmt.Sprintf("%032X", len(f.b)) + ">]" + r.extra + ">>\n"
}

const honestEnd = "startxref\n%d\n%%%%EOF\n"

// commit writes a revision.
func (f *file) commit(r revision) {
	if len(f.b) > 0 && f.b[len(f.b)-1] != '\n' {
		f.b = append(f.b, '\n')
	}
	at := map[int]int{}
	text := f.bodyText(len(f.b), r.set, at)
	if r.bodies != nil {
		text = r.bodies(text)
	}
	f.b = append(f.b, text...)
	for n, s := range r.set {
		f.body[n], f.at[n] = s, at[n]
		f.size = max(f.size, n+1)
	}
	for _, n := range r.free {
		at[n] = -1
	}
	if r.entries != nil {
		r.entries(at)
	}
	start := len(f.b)
	if f.xrefs {
		f.b = append(f.b, f.xrefStream(at, r)...)
	} else {
		table := tableText(at, f.prev == 0) + f.trailerText(r)
		if r.table != nil {
			table = r.table(table)
		}
		f.b = append(f.b, table...)
	}
	end := r.end
	if end == "" {
		end = honestEnd
	}
	if strings.Contains(end, "%d") {
		end = fmt.Sprintf(end, start)
	}
	if f.noEOL {
		end = strings.TrimRight(end, "\n")
	}
	f.b = append(f.b, end...)
	f.prev = start
}

// memberAt is the offset of the object number index of an object stream.
func memberAt(container, index int) int { return -(container + index<<16) }

// xrefStream writes a cross-reference stream without filters.
func (f *file) xrefStream(at map[int]int, r revision) string {
	self := f.alloc()
	at = maps.Clone(at)
	at[self] = len(f.b)
	if f.prev == 0 {
		at[0] = -1
	}
	var index []string
	var data bytes.Buffer
	for _, n := range slices.Sorted(maps.Keys(at)) {
		index = append(index, fmt.Sprintf("%d 1", n))
		if off := at[n]; off >= 0 {
			data.Write([]byte{1, byte(off >> 16), byte(off >> 8), byte(off), 0})
		} else if off < -1 { // in the object stream -off, the first but for what is added by memberAt
			data.Write([]byte{2, 0, byte(-off >> 8), byte(-off), byte(-off >> 16)})
		} else {
			data.Write([]byte{0, 0, 0, 0, 1})
		}
	}
	dict := strings.TrimSuffix(strings.TrimPrefix(f.trailerText(r), "trailer\n<<"), ">>\n")
	return fmt.Sprintf("%d 0 obj\n%s\nendobj\n", self, stream("/Type/XRef/W[1 3 1]/Index["+strings.Join(index, " ")+"]"+dict, data.String()))
}

// replaced returns the newest body of an object with words changed.
func (f *file) replaced(n int, old, with string) string {
	if !strings.Contains(f.body[n], old) {
		panic(fmt.Sprintf("object %d has no %q: %s", n, old, f.body[n]))
	}
	return strings.Replace(f.body[n], old, with, 1)
}

// with returns the newest body of a dictionary with entries added.
func (f *file) with(n int, entries string) string {
	return strings.TrimSuffix(f.body[n], ">>") + entries + ">>"
}

// signing says how a signature or document timestamp is put in. Zero values
// give an honest, invisible signature of signer.
type signing struct {
	who    *identity
	field  string // Signature1 unless set
	into   int    // object number of an existing empty field
	number int    // object number of the signature dictionary
	rect   string // visible with this rectangle
	at     string // /M; "-" leaves it out
	entries,
	fieldEntries string // further ones, without delimiters
	dict     func(string) string // bends the dictionary before it is written
	change   func(r *revision)   // further changes in the same revision
	cms      func(signedBytes []byte) *signedData
	edit     func(*signedData) // bends the honest SignedData
	stamp    *tokenSpec        // a signature timestamp
	docStamp *tokenSpec        // a document timestamp instead of a signature
	der      func([]byte) []byte
	room     int // bytes for the CMS; what it needs and 16 more unless set

	// byteRange writes the value; its argument is the right one.
	byteRange func(b, c, d int) string
	// contents writes what stands in the gap; its arguments are the right hex
	// digits, padded, and the whole room of the gap.
	contents func(hex string, room int) string
	// covered bends which bytes are signed; it gets file and right offsets.
	covered func(b []byte, start, end int) []byte
	// early puts /Contents before /ByteRange.
	early bool
}

const rangeRoom = 56

// sign adds a revision with the signature and returns the object numbers of
// field and dictionary.
func (f *file) sign(s signing) (field, dict int) {
	room := s.room
	if room == 0 {
		room = len(f.signedDER(s, nil)) + 16
	}
	gap := 2*room + 2
	set, field, dict := f.signatureObjects(s, gap)
	r := revision{set: set}
	if s.change != nil {
		s.change(&r)
	}
	before := len(f.b)
	f.commit(r)
	f.fill(s, before, gap)
	return field, dict
}

// signatureObjects returns the objects that a signature adds or changes.
func (f *file) signatureObjects(s signing, gap int) (set map[int]string, field, dict int) {
	name, rect := s.field, s.rect
	if name == "" {
		name = "Signature1"
	}
	if rect == "" {
		rect = "[0 0 0 0]"
	}
	field, dict = s.into, s.number
	if field == 0 {
		field = f.alloc()
	}
	if dict == 0 {
		dict = f.alloc()
	}
	set = map[int]string{dict: f.dictionary(s, gap)}
	if s.into != 0 {
		set[field] = f.with(field, fmt.Sprintf("/V %d 0 R", dict))
		return set, field, dict
	}
	f.fields, f.annots = append(f.fields, field), append(f.annots, field)
	set[field] = fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Sig/T(%s)/Rect%s/F 132/P 3 0 R/V %d 0 R%s>>", name, rect, dict, s.fieldEntries)
	old := f.body[objPage]
	i, j := strings.Index(old, "/Annots["), strings.LastIndex(old, "]")
	set[objPage] = old[:i] + "/Annots" + refs(f.annots) + old[j+1:]
	old = f.body[objAcroForm]
	i = strings.Index(old, "/Fields[")
	j = i + strings.Index(old[i:], "]")
	set[objAcroForm] = old[:i] + "/Fields" + refs(f.fields) + old[j+1:]
	return set, field, dict
}

func (f *file) dictionary(s signing, gap int) string {
	kind, sub := "Sig", "ETSI.CAdES.detached"
	if s.docStamp != nil {
		kind, sub = "DocTimeStamp", "ETSI.RFC3161"
	}
	at := s.at
	if at == "" {
		at = signedAt
	}
	out := "<</Type/" + kind + "/Filter/Adobe.PPKLite/SubFilter/" + sub
	if at != "-" && s.docStamp == nil {
		out += "/M(D:" + moment(at).Format("20060102150405Z") + ")"
	}
	out += s.entries
	rangeText, contents := "/ByteRange "+strings.Repeat("R", rangeRoom), "/Contents "+strings.Repeat("C", gap)
	if s.early {
		out += contents + rangeText
	} else {
		out += rangeText + contents
	}
	out += ">>"
	if s.dict != nil {
		out = s.dict(out)
	}
	return out
}

// fill puts byte range and contents into their places.
func (f *file) fill(s signing, from, gap int) {
	start := bytes.Index(f.b[from:], bytes.Repeat([]byte("C"), gap))
	end := from + start + gap
	if start < 0 { // no /Contents: a range with a gap for it all the same
		start, gap, end = 100, 2, from+102
	}
	start += from
	value := fmt.Sprintf("[0 %d %d %d]", start, end, len(f.b)-end)
	if s.byteRange != nil {
		value = s.byteRange(start, end, len(f.b)-end)
	}
	if i := bytes.Index(f.b[from:], bytes.Repeat([]byte("R"), rangeRoom)); i >= 0 {
		copy(f.b[from+i:], fmt.Sprintf("%-*s", rangeRoom, value))
	}
	signed := slices.Concat(f.b[:start], f.b[end:])
	if s.covered != nil {
		signed = s.covered(f.b, start, end)
	}
	if gap == 2 {
		return
	}
	der := f.signedDER(s, signed)
	hexed := fmt.Sprintf("%X", der)
	if len(hexed) > gap-2 {
		panic(fmt.Sprintf("%d bytes of CMS do not fit in %d", len(der), gap/2-1))
	}
	hexed += strings.Repeat("0", gap-2-len(hexed))
	text := "<" + hexed + ">"
	if s.contents != nil {
		text = s.contents(hexed, gap)
	}
	copy(f.b[start:], fmt.Sprintf("%-*s", gap, text))
}

// signedDER makes the CMS over the signed bytes.
func (f *file) signedDER(s signing, signed []byte) []byte {
	var der []byte
	if s.docStamp != nil {
		der = s.docStamp.over(signed)
	} else {
		who := s.who
		if who == nil {
			who = &signer
		}
		sd := signWith(*who, signed)
		if s.cms != nil {
			sd = s.cms(signed)
		}
		if s.edit != nil {
			s.edit(sd)
		}
		if s.stamp != nil {
			sd.stamp(*s.stamp)
		}
		der = sd.der()
	}
	if s.der != nil {
		der = s.der(der)
	}
	return der
}

// addDSS appends a revision with more revocation data.
func (f *file) addDSS(ocsps [][]byte, crls ...[]byte) {
	old := f.body[objDSS]
	r := revision{set: map[int]string{}}
	f.dss(&r, ocsps, crls)
	if old == "" {
		r.set[objCatalog] = f.with(objCatalog, "/DSS 7 0 R")
	} else {
		r.set[objDSS] = mergeDSS(old, r.set[objDSS])
	}
	f.commit(r)
}

// mergeDSS keeps the references of the older dictionary.
func mergeDSS(old, add string) string {
	for _, key := range []string{"/OCSPs[", "/CRLs["} {
		i := strings.Index(add, key)
		if i < 0 {
			continue
		}
		j := i + strings.Index(add[i:], "]")
		items := add[i+len(key) : j]
		if k := strings.Index(old, key); k >= 0 {
			old = old[:k+len(key)] + items + " " + old[k+len(key):]
		} else {
			old = strings.TrimSuffix(old, ">>") + key + items + "]>>"
		}
	}
	return old
}
