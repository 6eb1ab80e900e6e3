package pades

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/absah-id/absah/pdf"
)

// gate applies the rules G1 to G9 to signatures: what a byte range may leave
// out, and that the file around it can be read in one way only.
type gate struct {
	doc    *pdf.Document
	audits map[int][]pdf.Anomaly // by revision, made once
	ends   map[int][]pdf.Span    // the same of Overhang
	exact  map[int][]pdf.Anomaly // and of Exact
	stray  map[int][]pdf.Head    // and of Stray
	// hidden has, by revision, what readers that repair the file may show of it,
	// up to lastJudged, the last revision that is signed and not the last at all.
	hidden     []*pdf.Head
	lastJudged int
	limit      *Finding
	// Of the first revision, once it was asked for.
	remains *pdf.Remains
}

// warned says whether a problem of a signature is tolerated: timestamps of some
// years ago carry /Type /Sig, and what one signer put into two fields is one
// signature.
func warned(s *Signature, rule string) bool {
	switch rule {
	case "type-subfilter":
		return s.SubFilter == SubFilterRFC3161 && s.Dict["Type"] == pdf.Object(pdf.Name("Sig"))
	case "shared-value":
		return true
	}
	return false
}

// supported are the encodings that hold a detached CMS or a token. PBAD.PAdES
// is that of the Brazilian ICP (DOC-ICP-15.03), a CAdES signature like ours.
var supported = map[pdf.Name]bool{
	SubFilterCAdES: true, SubFilterPKCS7: true, SubFilterRFC3161: true, "PBAD.PAdES": true,
}

// harmless are the anomalies that are tolerated in a revision after a
// signature, and in the signed one. They do not make two readings possible.
var harmless = map[string]bool{
	"entry-repeated":  true, // says what held before
	"object-freed":    true, // judged by what the object was
	"hybrid-update":   true, // conflicts have rules of their own
	"xrefstm-outside": true, // as has what its entries point to
	"object-space":    true,

	"trailer-size-shrunk": true, // no object lies beyond it
	"root-changed":        true, // the catalogs are compared
}

// written are the anomalies in how a cross-reference section is written, that
// are tolerated where they were signed: the signer vouches for them. Later they
// let two readers see two documents, one of which nobody signed.
var written = map[string]bool{
	"hybrid-hidden":   true,
	"xref-entry-form": true, // read as tokens

	"object-token": true, "xref-entry-type": true, "xref-stream-surplus": true, "xref-stream-widths": true, "xref-stream-number": true, "prev-offset": true,
}

// ambiguous are the anomalies by which two readers find different objects under
// one number. They count in every revision, also in those that were signed.
var ambiguous = map[string]bool{"hybrid-conflict": true, "xref-duplicate": true}

// signersOwn are the anomalies that are tolerated in the signed revision, whose
// bytes are all the signer's: litter and carelessness that leave one reading.
var signersOwn = map[string]bool{
	"junk": true, "comment": true, "endobj-missing": true, "stream-eol": true, "object-empty": true,
	"entry-size": true, "objstm-extra": true, "entry-generation": true,
}

func (j *Judgement) fail(code, format string, args ...any) {
	j.Structure = append(j.Structure, Finding{Code: code, Text: fmt.Sprintf(format, args...)})
}

func (j *Judgement) warn(code, format string, args ...any) {
	j.Warnings = append(j.Warnings, Finding{Code: code, Text: fmt.Sprintf(format, args...)})
}

// check judges one signature for itself. The error is one of reading.
func (g *gate) check(j *Judgement) error {
	s := j.Signature
	for _, p := range s.Problems {
		if warned(s, p.Rule) || p.Rule == "value-in-widget" && s.Revision == len(g.doc.Revisions()) {
			// The comparison of revisions looks for values in fields: where there is
			// nothing to compare, such a signature is as good as another.
			j.warn(p.Rule, "%v", p)
			continue
		}
		j.fail(p.Rule, "%v", p)
	}
	if s.Dict != nil && s.Filter == "" {
		j.fail("filter", "no /Filter")
	}
	if s.SubFilter != "" && !supported[s.SubFilter] {
		j.fail("subfilter", "/SubFilter %q is not supported", pdf.Printable(string(s.SubFilter)))
	}
	if _, err := s.CMS(); err != nil {
		j.Structure = append(j.Structure, failure("contents", err))
	}
	if err := g.cover(j); err != nil || s.Revision == 0 {
		return err
	}
	g.anomalies(j)
	if err := g.cutOff(j); err != nil {
		return err
	}
	if err := g.overhangs(j); err != nil {
		return err
	}
	return g.audit(j)
}

// cover finds out how much of the file is signed.
func (g *gate) cover(j *Judgement) error {
	s := j.Signature
	if s.Revision == 0 {
		return nil // Problems says so
	}
	j.Coverage = CoverageEntireRevision
	if s.Revision == len(g.doc.Revisions()) {
		j.Coverage = CoverageEntireFile
	}
	head := make([]byte, 5)
	if _, err := g.doc.ReaderAt().ReadAt(head, 0); err != nil && err != io.EOF {
		return fmt.Errorf("the header: %w", err)
	}
	if string(head) != "%PDF-" {
		j.fail("header-offset", "the file does not start with %%PDF-")
	}
	if s.Revision < len(g.doc.Revisions()) && g.doc.LinearizedAgain() {
		j.fail("linearized-length", "what was appended gives the file the length of its linearization parameters, so that some readers take other cross-reference data")
	}
	return nil
}

// anomalies applies what opening the file tolerated. Of a revision before the
// signed one the signer vouches for all bytes, and only what lets readers
// differ counts.
func (g *gate) anomalies(j *Judgement) {
	for _, a := range g.doc.Anomalies() {
		switch {
		case harmless[a.Rule], a.Rule == "space-after-eof" && g.oneMore():
		case written[a.Rule] && a.Revision <= j.SignedRevision:
		case a.Rule == "trailer-root-absent", a.Rule == "prev-zero": // see cutOff
			j.warn(a.Rule, "%v", a)
		case a.Rule == "trailer-size" && a.Revision > j.SignedRevision && g.outgrown(a.Revision):
			j.warn(a.Rule, "%v", a) // the last trailer says how many objects there are
		case (a.Rule == "startxref-offset" || a.Rule == "xref-offset") && g.nearby(a.Revision, a.Revision > j.SignedRevision):
		case a.Revision != 0 && a.Revision < j.SignedRevision && !ambiguous[a.Rule]:
			j.warn(a.Rule, "%v", a)
		default:
			j.fail(a.Rule, "%v", a)
		}
	}
}

// cutOff looks for earlier revisions that the oldest cross-reference section
// leaves out, by /Prev 0 or by none. A signature of such a revision is lost to
// every reader, and may have been what made the document worth something, so
// that no other stands for it. Without signatures it is what careless programs
// write; only of /Prev 0, which some readers may follow, do we not know how they
// read it.
func (g *gate) cutOff(j *Judgement) error {
	zero := slices.ContainsFunc(g.doc.Anomalies(), func(a pdf.Anomaly) bool { return a.Rule == "prev-zero" })
	if !zero && j.SignedRevision > 1 || g.limit != nil {
		return nil // the signer vouches for all bytes of earlier revisions
	}
	if g.remains == nil {
		found, err := g.litter()
		if isLimit(err) {
			f := failure("audit", err)
			g.limit = &f
			return nil // audit says it
		}
		if err != nil {
			return err
		}
		g.remains = &found
	}
	found := *g.remains
	switch {
	case found.Signatures > 0 && found.Revisions > 0:
		j.fail("revisions-cut-off", "the file holds %d earlier revisions and traces of %d signatures, from byte %d on, that its cross-reference data leave out",
			found.Revisions, found.Signatures, found.Offset)
	case found.Revisions > 0 && zero && j.SignedRevision == 1:
		j.fail("revisions-cut-off", "the file holds %d earlier revisions, from byte %d on, that its cross-reference data leave out by /Prev 0",
			found.Revisions, found.Offset)
	case found.Revisions > 0:
		j.warn("revisions-cut-off", "the file holds %d earlier revisions, from byte %d on, that its cross-reference data leave out; no signature stands in them",
			found.Revisions, found.Offset)
	}
	return nil
}

// litter is [pdf.Revision.Remains] of the first revision, which is only asked
// when the audit found bytes that belong to nothing.
func (g *gate) litter() (pdf.Remains, error) {
	first := g.doc.Revisions()[0]
	list, err := once(g, g.audits, first, first.Audit)
	if err != nil || !slices.ContainsFunc(list, func(a pdf.Anomaly) bool { return a.Rule == "junk" }) {
		return pdf.Remains{}, err
	}
	return first.Remains()
}

// outgrown says whether a /Size that does not count all objects matters to no
// reader: that of a table before the last one. A cross-reference stream is none
// without /Size (Table 17), and makes some readers repair the file.
func (g *gate) outgrown(index int) bool {
	revs := g.doc.Revisions()
	if index < 1 || index >= len(revs) || revs[index-1].XRefKind() != pdf.XRefTable {
		return false
	}
	_, ok := revs[index-1].Trailer()["Size"].(pdf.Integer)
	return ok
}

// oneMore says whether nothing but one end of line follows the last revision.
func (g *gate) oneMore() bool {
	n := g.doc.Size() - g.doc.Latest().End()
	if n > 2 {
		return false
	}
	b := make([]byte, n)
	if _, err := g.doc.ReaderAt().ReadAt(b, g.doc.Latest().End()); err != nil && err != io.EOF {
		return false
	}
	return string(b) == "\n" || string(b) == "\r" || string(b) == "\r\n"
}

// quiet says whether the comments from off on hold nothing that a reader which
// repairs files by searching could take for an object. Some writers leave their
// name between the trailer and startxref; nowhere else is a comment tolerated
// after a signature.
func (g *gate) quiet(off int64) bool {
	const most = 1024
	b := make([]byte, most)
	n, err := g.doc.ReaderAt().ReadAt(b, off)
	if err != nil && err != io.EOF {
		return false
	}
	for b = b[:n]; len(b) > 0 && b[0] == '%'; {
		line := b
		if i := bytes.IndexAny(b, "\r\n"); i >= 0 {
			line = b[:i]
		} else if n == most {
			return false
		}
		for _, word := range []string{"obj", "stream", "xref", "trailer", "%EOF", "%PDF"} {
			if bytes.Contains(line, []byte(word)) {
				return bytes.HasPrefix(line, []byte("%%EOF")) && len(line) == len("%%EOF")
			}
		}
		b = bytes.TrimLeft(b[len(line):], "\x00\t\n\f\r ")
	}
	return true
}

// nearby says whether the startxref of a revision misses its cross-reference
// section by white space or a part of the word xref only: no reader that needs
// no repair finds another section there. Of a later revision only the white
// space is tolerated that every reader passes.
func (g *gate) nearby(index int, later bool) bool {
	if index < 1 || index > len(g.doc.Revisions()) {
		return false
	}
	r := g.doc.Revisions()[index-1]
	const most = 64
	b := make([]byte, most)
	n, err := g.doc.ReaderAt().ReadAt(b, r.End()-min(r.End(), most))
	if err != nil && err != io.EOF {
		return false
	}
	b = b[:n]
	i := bytes.LastIndex(b, []byte("startxref"))
	if i < 0 {
		return false
	}
	words := bytes.Fields(b[i:])
	if len(words) < 2 {
		return false
	}
	declared, err := strconv.ParseInt(string(words[1]), 10, 64)
	if err != nil || declared < 0 || declared > g.doc.Size() {
		return false
	}
	from, to := declared, r.StartXRef()
	if from > to {
		return !later && from-to < int64(len("xref")) // into the word
	}
	if to-from > most {
		return false
	}
	gap := make([]byte, to-from)
	if _, err := g.doc.ReaderAt().ReadAt(gap, from); err != nil && err != io.EOF {
		return false
	}
	spaces := "\x00\t\n\f\r "
	if later {
		spaces = "\n\r "
	}
	return len(bytes.TrimLeft(gap, spaces)) == 0
}

// audit reads the objects of the signed revision and of all later ones.
func (g *gate) audit(j *Judgement) error {
	if err := g.twofold(j); err != nil {
		return err
	}
	for _, r := range g.doc.Revisions()[j.SignedRevision-1:] {
		list, err := once(g, g.audits, r, r.Audit)
		if err != nil {
			return err
		}
		if g.limit != nil {
			j.Structure = append(j.Structure, *g.limit)
			return nil
		}
		for _, a := range list {
			if r.Index() == j.SignedRevision && signersOwn[a.Rule] {
				j.warn(a.Rule, "%v", a)
				continue
			}
			if !harmless[a.Rule] && !(a.Rule == "comment" && a.Offset > r.StartXRef() && g.quiet(a.Offset)) {
				j.fail(a.Rule, "%v", a)
			}
		}
		if r.Index() == j.SignedRevision {
			continue
		}
		if list, err = once(g, g.exact, r, r.Exact); err != nil {
			return err
		}
		for _, a := range list {
			j.fail(a.Rule, "%v", a)
		}
	}
	return nil
}

// twofold looks in the revisions before the signed one for keys that stand twice
// with different values. All bytes are the signer's, who saw what one reader
// makes of them; another shows something else (X10 of testdata/attacks).
func (g *gate) twofold(j *Judgement) error {
	for _, r := range g.doc.Revisions()[:j.SignedRevision-1] {
		list, err := once(g, g.audits, r, r.Audit)
		if err != nil || g.limit != nil {
			return err
		}
		for _, a := range list {
			if a.Rule == "dict-duplicate-key" {
				j.Unvouched = append(j.Unvouched, Finding{Code: a.Rule, Text: a.String()})
				break
			}
		}
	}
	return nil
}

// overhangs looks at the revisions up to the signed one for objects that later
// bytes complete: what was signed then has a part that was not. It matters from
// the moment when such bytes exist. Where an object lies within what is signed,
// it is the signer's whatever its entries are like.
func (g *gate) overhangs(j *Judgement) error {
	revs := g.doc.Revisions()
	if j.SignedRevision == len(revs) {
		return nil
	}
	signed := revs[j.SignedRevision-1].End()
	for _, r := range revs[:j.SignedRevision] {
		list, err := once(g, g.ends, r, r.Overhang)
		if err != nil {
			return err
		}
		if g.limit != nil {
			j.Structure = append(j.Structure, *g.limit)
			return nil
		}
		for _, s := range list {
			if s.Offset < g.doc.Size() && max(s.End, s.Offset+1) > signed {
				j.fail("object-unsigned", "revision %d: the object at byte %d ends at byte %d, behind what is signed", r.Index(), s.Offset, s.End)
				return nil
			}
		}
	}
	return nil
}

// once returns what an audit of a revision found, which is made where made, by
// revision, does not hold it yet. The first limit that an audit hits is kept in
// g, and ends them all: the list is then nil.
func once[T any](g *gate, made map[int][]T, r *pdf.Revision, audit func() ([]T, error)) ([]T, error) {
	if list, ok := made[r.Index()]; ok || g.limit != nil {
		return list, nil
	}
	list, err := audit()
	if err != nil {
		if !isLimit(err) {
			return nil, err
		}
		f := failure("audit", err)
		g.limit = &f
		return nil, nil
	}
	made[r.Index()] = list
	return list, nil
}

// checkTogether judges what only shows in several signatures.
func (g *gate) checkTogether(dj *DocumentJudgement) {
	certifying := 0
	for _, j := range dj.Signatures {
		if j.Signature.DocMDP != 0 {
			certifying++
		}
	}
	for _, j := range dj.Signatures {
		if certifying > 1 && j.Signature.DocMDP != 0 {
			j.fail("docmdp-several", "%d signatures certify the document", certifying)
		}
	}
}
