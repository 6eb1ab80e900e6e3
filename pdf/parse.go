package pdf

import "slices"

// common holds names that nearly every file uses, so that reading one does
// not allocate.
var common = func() map[string]Object {
	m := make(map[string]Object)
	for _, n := range []Name{
		"AP", "AS", "AcroForm", "Annot", "Annots", "BBox", "BaseFont", "ByteRange", "Catalog", "Contents", "Count",
		"CropBox", "DA", "DL", "DR", "DSS", "DecodeParms", "DocMDP", "DocTimeStamp", "Encoding", "Encrypt", "Extends", "ExtGState",
		"F", "FT", "Ff", "Fields", "Filter", "First", "FlateDecode", "Font", "FontDescriptor", "FontFile2", "Form",
		"Helvetica", "ID", "Index", "Info", "Kids", "Lang", "Length", "Length1", "Lock", "M", "MarkInfo", "MediaBox", "Metadata",
		"N", "Names", "ObjStm", "OpenAction", "Outlines", "P", "Page", "Pages", "Parent", "Perms", "Prev", "ProcSet",
		"Producer", "PDF", "Rect", "Reference", "Resources", "Root", "Rotate", "Sig", "SigFlags", "Size",
		"StructTreeRoot", "SubFilter", "Subtype", "T", "Text", "Type", "Type1", "TrueType", "V", "VRI", "Version",
		"W", "Widget", "WinAnsiEncoding", "XObject", "XRef", "XRefStm", "CreationDate", "ModDate", "Creator", "Title",
		"Author", "Widths", "FirstChar", "LastChar", "Predictor", "Columns", "Linearized", "Certs", "OCSPs", "CRLs",
	} {
		m[string(n)] = n
	}
	return m
}()

// object reads the next object. Depth counts the arrays and dictionaries
// around it.
func (p *parser) object(depth int) (Object, error) {
	p.skipSpace()
	if p.pos >= len(p.buf) {
		return nil, p.ended("object-missing")
	}
	if p.items++; p.items > p.lim.ObjectItems {
		return nil, &LimitError{Offset: p.base + int64(p.pos), Limit: "ObjectItems", Max: int64(p.lim.ObjectItems)}
	}
	switch c := p.buf[p.pos]; {
	case c == '/':
		b, err := p.name()
		if err != nil {
			return nil, err
		}
		if o, ok := common[string(b)]; ok {
			return o, nil
		}
		return Name(b), nil
	case c-'0' < 10:
		return p.numberOrRef()
	case c == '(':
		return box(p.literalString())
	case c == '[':
		return p.array(depth)
	case c == '<':
		if p.pos+1 >= len(p.buf) {
			return nil, p.ended("string-open")
		}
		if p.buf[p.pos+1] == '<' {
			return p.dict(depth)
		}
		return box(p.hexString())
	case c == '+' || c == '-' || c == '.':
		return p.number()
	}
	return p.word()
}

func box(s String, err error) (Object, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// word reads true, false or null.
func (p *parser) word() (Object, error) {
	end := p.regularEnd(p.pos)
	if end == len(p.buf) && !p.final {
		return nil, errShort
	}
	var o Object
	switch string(p.buf[p.pos:end]) {
	case "true":
		o = Boolean(true)
	case "false":
		o = Boolean(false)
	case "null":
		o = Null{}
	default:
		return nil, p.fail(p.pos, "token")
	}
	p.pos = end
	return o, nil
}

// numberOrRef reads a number that begins with a digit, or "12 0 R".
func (p *parser) numberOrRef() (Object, error) {
	num, ok, err := p.uint(maxObjectNumber)
	if err != nil {
		return nil, err
	}
	if !ok {
		return p.number()
	}
	after := p.pos
	gen, ok, err := p.uint(65535)
	if err != nil {
		return nil, err
	}
	if ok {
		ok, err = p.keyword("R")
		if err != nil {
			return nil, err
		}
		if ok {
			return Ref{Num: uint32(num), Gen: uint16(gen)}, nil
		}
	}
	p.pos = after
	return Integer(num), nil
}

// array reads the array whose [ stands at p.pos.
func (p *parser) array(depth int) (Object, error) {
	if err := p.nest(depth); err != nil {
		return nil, err
	}
	start := p.pos
	p.pos++
	mark := len(p.stack)
	for {
		p.skipSpace()
		if p.pos >= len(p.buf) {
			return nil, p.ended("array-open")
		}
		if p.buf[p.pos] == ']' {
			break
		}
		if p.buf[p.pos] == '>' {
			return nil, p.fail(start, "array-open")
		}
		o, err := p.object(depth + 1)
		if err != nil {
			return nil, err
		}
		p.stack = append(p.stack, o)
	}
	p.pos++
	a := make(Array, len(p.stack)-mark)
	copy(a, p.stack[mark:])
	p.stack = p.stack[:mark]
	return a, nil
}

// dict reads the dictionary whose << stands at p.pos. Of a key that occurs
// twice the last value counts, as in most readers; p.dups tells. Where the
// entries of the outermost dictionary stand is kept when p.outer says so, and
// of a signature, of which it matters.
func (p *parser) dict(depth int) (Object, error) {
	if err := p.nest(depth); err != nil {
		return nil, err
	}
	p.pos += 2
	keys, values := len(p.keys), len(p.stack)
	for {
		p.skipSpace()
		if p.pos+1 >= len(p.buf) {
			return nil, p.ended("dict-open")
		}
		c := p.buf[p.pos]
		if c == '>' && p.buf[p.pos+1] == '>' {
			p.pos += 2
			break
		}
		if c != '/' {
			return nil, p.fail(p.pos, "dict-key")
		}
		e := EntrySpan{KeyStart: p.base + int64(p.pos)}
		raw, err := p.name()
		if err != nil {
			return nil, err
		}
		e.Key, e.KeyEnd = internName(raw), p.base+int64(p.pos)
		p.skipSpace()
		e.ValueStart, p.plain = p.base+int64(p.pos), false
		v, err := p.object(depth + 1)
		if err != nil {
			return nil, err
		}
		e.ValEnd = p.base + int64(p.pos)
		if _, ok := v.(String); ok {
			e.PlainHex = p.plain
		}
		p.keys, p.stack = append(p.keys, e), append(p.stack, v)
	}
	list := p.keys[keys:]
	d := makeDict(list, p.stack[values:])
	if len(d) != len(list) {
		p.noteTwice(list, p.stack[values:])
	}
	if depth == 0 && (p.outer || d["ByteRange"] != nil) {
		p.spans = slices.Clone(list)
	}
	p.keys, p.stack = p.keys[:keys], p.stack[:values]
	return d, nil
}

func makeDict(keys []EntrySpan, values []Object) Dict {
	d := make(Dict, len(keys))
	for i := range keys {
		d[keys[i].Key] = values[i]
	}
	return d
}

// noteTwice notes where keys stand that occur again with another value: readers
// differ about which one counts.
func (p *parser) noteTwice(list []EntrySpan, values []Object) {
	seen := make(map[Name]Object, len(list))
	for i, e := range list {
		if first, twice := seen[e.Key]; !twice {
			seen[e.Key] = values[i]
		} else if !Equal(first, values[i]) {
			p.dups = append(p.dups, e.KeyStart)
		}
	}
}

func internName(b []byte) Name {
	if o, ok := common[string(b)]; ok {
		return o.(Name)
	}
	return Name(b)
}

func (p *parser) nest(depth int) error {
	if depth >= p.lim.Depth {
		return &LimitError{Offset: p.base + int64(p.pos), Limit: "Depth", Max: int64(p.lim.Depth)}
	}
	return nil
}

// flaws of an indirect object that reading tolerates and Audit reports.
type flaws uint8

const (
	flawSpace   flaws = 1 << iota // white space before the object number
	flawEmpty                     // no object between obj and endobj
	flawEndobj                    // no endobj
	flawEOL                       // stream keyword followed by CR alone or nothing
	flawComment                   // comment between the tokens of the header
	flawToken                     // a token that some readers take for another
)

// indirect is an indirect object as it stands in the file.
type indirect struct {
	ref    Ref
	obj    Object // without stream: for a stream its Dict
	start  int64  // of the object number
	end    int64  // after endobj; of a stream: after the stream keyword and its EOL, where the data begins
	stream bool
	flaws  flaws
	dups   []int64
	spans  []EntrySpan // of the entries of a signature
}

// header reads "12 0 obj".
func (p *parser) header() (ref Ref, start int, fl flaws, err error) {
	at := p.pos
	for p.pos < len(p.buf) && class[p.buf[p.pos]] == space {
		p.pos++
	}
	if p.pos != at {
		fl |= flawSpace
	}
	start = p.pos
	if start < len(p.buf) && p.buf[start]-'0' >= 10 {
		return ref, start, fl, p.fail(start, "object-header")
	}
	num, ok, err := p.uint(maxObjectNumber)
	if err != nil {
		return ref, start, fl, err
	}
	if !ok {
		return ref, start, fl, p.fail(start, "object-header")
	}
	gen, ok, err := p.uint(65535)
	if err != nil {
		return ref, start, fl, err
	}
	if !ok {
		return ref, start, fl, p.fail(start, "object-header")
	}
	ok, err = p.keyword("obj")
	if err != nil {
		return ref, start, fl, err
	}
	if !ok {
		return ref, start, fl, p.fail(start, "object-header")
	}
	for _, c := range p.buf[start:p.pos] {
		if c == '%' {
			fl |= flawComment
		}
	}
	return Ref{Num: uint32(num), Gen: uint16(gen)}, start, fl, nil
}

// indirect reads an indirect object up to its endobj or its stream data.
func (p *parser) indirect() (x indirect, err error) {
	var start int
	x.ref, start, x.flaws, err = p.header()
	if err != nil {
		return x, err
	}
	x.start = p.base + int64(start)
	ok, err := p.keyword("endobj")
	if err != nil {
		return x, err
	}
	if ok {
		x.obj, x.flaws, x.end = Null{}, x.flaws|flawEmpty, p.base+int64(p.pos)
		return x, nil
	}
	if x.obj, err = p.object(0); err != nil {
		return x, err
	}
	x.dups, x.spans = p.dups, p.spans
	err = p.afterObject(&x)
	if p.odd {
		x.flaws |= flawToken
	}
	return x, err
}

// afterObject reads what follows the object: endobj, or stream and its EOL.
func (p *parser) afterObject(x *indirect) error {
	last := p.pos
	if _, isDict := x.obj.(Dict); isDict {
		ok, err := p.keyword("stream")
		if err != nil {
			return err
		}
		if ok {
			return p.streamStart(x)
		}
	}
	ok, err := p.keyword("endobj")
	if err != nil {
		return err
	}
	if !ok {
		x.flaws |= flawEndobj
		p.pos = last
	}
	x.end = p.base + int64(p.pos)
	return nil
}

// streamStart passes the end of line after the stream keyword: CR LF or LF.
// CR alone is forbidden (§7.3.8.1) but seen.
func (p *parser) streamStart(x *indirect) error {
	if p.pos+1 >= len(p.buf) && !p.final {
		return errShort
	}
	x.stream = true
	rest := p.buf[p.pos:]
	switch {
	case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
		p.pos += 2
	case len(rest) > 0 && rest[0] == '\n':
		p.pos++
	case len(rest) > 0 && rest[0] == '\r':
		p.pos++
		x.flaws |= flawEOL
	default:
		x.flaws |= flawEOL
	}
	x.end = p.base + int64(p.pos)
	return nil
}
