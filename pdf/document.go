package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// Options say how to open a document. The zero value is usable.
type Options struct {
	// Password opens an encrypted document, as user or owner password; nil
	// stands for the empty one.
	Password []byte
	Limits   Limits
}

// Anomaly is something that breaks a rule of ISO 32000 and was tolerated so
// that real files can be read. A verifier must not tolerate it after a
// signature; in the base revision that is its policy.
type Anomaly struct {
	Revision int   // 1-based index; 0 when it belongs to none
	Offset   int64 // in the file; -1 when it has no place
	Rule     string
}

// String says in words what was found and where, without the rule.
func (a Anomaly) String() string {
	words := tolerated[a.Rule]
	if words == "" {
		words = explained[a.Rule]
	}
	if words == "" {
		words = a.Rule
	}
	switch {
	case a.Revision > 0 && a.Offset >= 0:
		return fmt.Sprintf("%s (revision %d, at byte %d)", words, a.Revision, a.Offset)
	case a.Revision > 0:
		return fmt.Sprintf("%s (revision %d)", words, a.Revision)
	case a.Offset >= 0:
		return fmt.Sprintf("%s (at byte %d)", words, a.Offset)
	}
	return words
}

// Document is an opened PDF file. It is immutable and safe for concurrent use.
type Document struct {
	src       *source
	lim       Limits
	version   string // of the header
	revs      []*Revision
	anomalies []Anomaly
	crypt     *crypt
	encrypt   Ref   // of the encryption dictionary, zero when direct
	entries   int64 // cross-reference entries read, against Limits.Objects
	decoded   *atomic.Int64
	lastByte  byte

	cache cache
}

// cache keeps parsed objects and decoded object streams by the place where
// they stand: bytes of a file never change, so neither does what they say.
type cache struct {
	mu      sync.Mutex
	objects map[cacheKey]cachedObject
	streams map[int64]*objectStream
	cost    int64
}

// cachedObject is an object with what [Revision.Audit] asks of its place; of an
// object in an object stream only obj is set.
type cachedObject struct {
	obj        Object // of a stream a *Stream
	ref        Ref
	start, end int64
	flaws      flaws
	rare       *rare // nil for most
}

// rare is what few objects have.
type rare struct {
	dups  []int64
	spans []EntrySpan
}

// cacheKey is where an object stands. Num tells apart what a hostile table
// lets stand at one offset.
type cacheKey struct {
	off   int64
	num   uint32
	index uint32 // in an object stream, plus 1
}

// Open reads the chain of revisions of a PDF file; objects are read when asked
// for. The file is never loaded whole, except one of up to 1 MiB; r must stay
// readable and unchanged while the Document is in use.
//
// It returns a [MalformedError] when the file breaks the syntax in a way that
// would need repair by guessing (which it never does), a [LimitError],
// a [PasswordError], or the error of r. Lesser faults are in [Document.Anomalies].
func Open(r io.ReaderAt, size int64, o Options) (*Document, error) {
	if size <= 0 {
		return nil, &MalformedError{Offset: 0, Rule: "header"}
	}
	src, err := newSource(r, size)
	if err != nil {
		return nil, err
	}
	d := &Document{src: src, lim: o.Limits.withDefaults(), decoded: new(atomic.Int64)}
	if err := d.readHeader(); err != nil {
		return nil, err
	}
	if err := d.readChain(nil); err != nil {
		return nil, d.shifted(err)
	}
	return d, d.openCrypt(o.Password)
}

// Append returns the document that ends with tail, which holds one or more
// whole incremental updates as [Update.Finish] makes them. Only tail is parsed;
// d stays as it is and both share what is known of the base. tail must not be
// changed afterwards.
//
// It returns a [MalformedError] with rule append-chain when tail does not
// continue d's last revision, and otherwise the errors of [Open].
func (d *Document) Append(tail []byte) (*Document, error) {
	n := &Document{
		src: d.src.with(tail), lim: d.lim, version: d.version, crypt: d.crypt, encrypt: d.encrypt,
		entries: d.entries, decoded: d.decoded,
		revs:      d.revs[:len(d.revs):len(d.revs)],
		anomalies: withoutEnd(d.anomalies),
	}
	if err := n.readChain(d.Latest()); err != nil {
		return nil, err
	}
	for _, r := range n.revs[len(d.revs):] {
		if !Equal(r.trailerObject("Encrypt"), d.Latest().trailerObject("Encrypt")) {
			return nil, &MalformedError{Offset: r.xref, Rule: "append-encrypt"}
		}
	}
	return n, nil
}

// Size returns the length of the file in bytes.
func (d *Document) Size() int64 { return d.src.size }

// ReaderAt reads the file's bytes as they are.
func (d *Document) ReaderAt() io.ReaderAt { return d.src }

// Revisions returns the complete incremental updates, oldest first. The two
// cross-reference sections of a linearized file are one revision. The slice
// is shared: do not change it.
func (d *Document) Revisions() []*Revision { return d.revs }

// Latest returns the newest revision: the document as a reader shows it.
func (d *Document) Latest() *Revision { return d.revs[len(d.revs)-1] }

// Encrypted says whether the document has an encryption dictionary.
func (d *Document) Encrypted() bool { return d.crypt != nil }

// Anomalies returns what Open tolerated. [Revision.Audit] finds what shows
// only when objects are read. The slice is shared: do not change it.
func (d *Document) Anomalies() []Anomaly { return d.anomalies }

// Version returns the version of PDF that the document follows, such as "1.7":
// the higher one of the header and the latest catalog (§7.5.2). It is that of
// the header when the catalog cannot be read.
func (d *Document) Version() string {
	cat, err := d.Latest().Catalog()
	if err != nil {
		return d.version
	}
	if v, ok := cat["Version"].(Name); ok && validVersion(string(v)) && string(v) > d.version {
		return string(v)
	}
	return d.version
}

func (d *Document) note(rev int, off int64, rule string) {
	if len(d.anomalies) < maxAnomalies {
		d.anomalies = append(d.anomalies, Anomaly{Revision: rev, Offset: off, Rule: rule})
	}
}

// readHeader finds %PDF-n.m. Where it does not stand first, offsets must still
// count from the start of the file.
func (d *Document) readHeader() error {
	b, _, err := d.src.window(0, headerSearch, nil)
	if err != nil {
		return err
	}
	b = b[:min(len(b), headerSearch)]
	i := bytes.Index(b, []byte("%PDF-"))
	if i < 0 {
		return &MalformedError{Offset: 0, Rule: "header"}
	}
	if i > 0 {
		d.note(1, int64(i), "header-offset")
	}
	if j := bytes.Index(b[i+5:], []byte("%PDF-")); j >= 0 {
		d.note(1, int64(i+5+j), "header-twice")
	}
	d.version = "1.0"
	if v := b[i+5:]; len(v) >= 3 && validVersion(string(v[:3])) {
		d.version = string(v[:3])
	} else {
		d.note(1, int64(i), "header-version")
	}
	return nil
}

func validVersion(v string) bool {
	return len(v) == 3 && (v[0] == '1' || v[0] == '2') && v[1] == '.' && v[2] >= '0' && v[2] <= '9'
}

// openCrypt opens the encryption dictionary of the latest revision. One that
// appears, disappears or changes on the way is an anomaly of that revision.
func (d *Document) openCrypt(password []byte) error {
	last := d.Latest()
	for i, r := range d.revs[1:] {
		if !Equal(r.trailerObject("Encrypt"), d.revs[i].trailerObject("Encrypt")) {
			d.note(r.index, r.xref, "encrypt-changed")
		}
	}
	o := last.trailerObject("Encrypt")
	if _, null := o.(Null); null {
		return nil
	}
	d.encrypt, _ = o.(Ref)
	full, err := last.resolveAll(o, 0)
	if err != nil {
		return err
	}
	dict, ok := full.(Dict)
	if !ok {
		return &MalformedError{Offset: last.encryptPlace(), Rule: "encrypt-dict"}
	}
	id, err := last.Resolve(last.trailerObject("ID"))
	if err != nil {
		return err
	}
	var id0 []byte
	if a, ok := id.(Array); ok && len(a) > 0 {
		first, err := last.Resolve(a[0])
		if err != nil {
			return err
		}
		s, _ := first.(String)
		id0 = []byte(s)
	}
	if d.crypt, err = newCrypt(dict, id0, password); err != nil {
		at := last.encryptPlace()
		if p, ok := errors.AsType[*PasswordError](err); ok {
			p.Offset = at
		}
		return place(err, at)
	}
	// What was read on the way was read without a key.
	d.cache.mu.Lock()
	d.cache.objects, d.cache.streams, d.cache.cost = nil, nil, 0
	d.cache.mu.Unlock()
	return nil
}
