package gateway

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/diff"
	"github.com/absah-id/absah/pdf/pades"
)

// maxNamedParts bounds what a comparison names; what is beyond is counted.
const maxNamedParts = 40

// compareFiles says how a disputed file differs from another one that it should
// be like: in which pages and in what of them, in which parts of the document,
// and in which objects, by the numbers that they have in the disputed file.
//
// Both are taken as they were before they were signed, where nothing but
// signatures was added since; otherwise as they are shown. What a signature
// shows may be anything, so in the disputed file it counts as a mere signature
// only when that is ours, which means that the gateway alone has added to the
// file since the first of them. What cannot be read, or is over a limit, leaves
// the comparison open: what was found to differ does, and that nothing was
// found proves nothing.
func compareFiles(disputed, original []byte, ours bool, limits pdf.Limits) *dispute.Comparison {
	c := &dispute.Comparison{OriginalSHA256: dispute.Hex(sha256.Sum256(original))}
	if bytes.Equal(disputed, original) {
		c.Identical = true
		return c
	}
	a, errA := pdf.Open(bytes.NewReader(disputed), int64(len(disputed)), pdf.Options{Limits: limits})
	b, errB := pdf.Open(bytes.NewReader(original), int64(len(original)), pdf.Options{Limits: limits})
	if errA != nil || errB != nil {
		c.Unreadable = true
		return c
	}
	x := newComparer(unsigned(a, ours), unsigned(b, true))
	x.open = !exact(a) || !exact(b)
	x.run()
	x.describe(c)
	c.Same = !x.open && !x.differs()
	return c
}

// exact says whether nothing in a file makes readers differ on what it shows:
// then what this reader finds is what every reader finds.
func exact(doc *pdf.Document) bool {
	if len(doc.Anomalies()) > 0 {
		return false
	}
	for i, r := range doc.Revisions() {
		found, err := r.Audit()
		if err == nil && len(found) == 0 && i > 0 {
			found, err = r.Exact()
		}
		if err != nil || len(found) > 0 {
			return false
		}
	}
	return true
}

// unsigned is the revision before the first signature when all that came later
// are signatures and what proves them, and otherwise the newest, which is what
// readers show. A signature that shows something counts only with visible.
func unsigned(doc *pdf.Document, visible bool) *pdf.Revision {
	judged, err := pades.Judge(doc, pades.ChangePolicy{})
	if err != nil || len(judged.Damage) > 0 || len(judged.Signatures) == 0 {
		return doc.Latest()
	}
	first := len(doc.Revisions())
	for _, s := range judged.Signatures {
		first = min(first, s.SignedRevision)
	}
	if first < 2 { // signed as it was made, or nobody knows when
		return doc.Latest()
	}
	added, err := diff.Compare(doc, first-1)
	if err != nil || added.Undecided != nil {
		return doc.Latest()
	}
	for _, c := range added.Changes {
		if !signs(c, visible) {
			return doc.Latest()
		}
	}
	return doc.Revisions()[first-2]
}

// signs says whether a change adds a signature, or what proves one, and nothing
// else.
func signs(c diff.Change, visible bool) bool {
	switch c.Effect {
	case diff.FillsSignature, diff.AddsSignature, diff.AddsEmpty, diff.AddsTimestamp:
		return c.Level <= diff.LevelForm
	case diff.AddsVisible, diff.CoversContent, diff.NeedsSigner:
		return visible && c.Level <= diff.LevelForm
	}
	return c.Level <= diff.LevelLTA
}

// Limits of a comparison. Files of cases have at most 32 MiB.
const (
	maxComparedSteps = 4_000_000 // values looked at
	costOfObject     = 40        // steps; one that is read anew takes some 80 µs
	maxComparedPairs = 120_000   // some 150 bytes each
	maxComparedPages = 20_000
	maxComparedDepth = 256      // of values that stand directly in one file and not in the other
	maxStreamData    = 64 << 20 // bytes of one stream, decoded
	maxAllData       = 1 << 30  // of all, decoded or stored
)

// comparer compares what two revisions lead to from their catalogs, pair by
// pair of objects: a pair is alike when nothing in it differs and all pairs that
// it leads to are alike. What numbers objects have does not count, what stands
// where does. Pages are known by their place among the pages.
type comparer struct {
	a, b           *pdf.Revision
	pagesA, pagesB map[uint32]int // from 1, by the number of the object
	nodes          map[pair]*node
	queue          []pair // that were not looked at yet
	parts          []aspect
	counts         [2]int // of pages
	steps          int
	data           int64
	sums           map[streamKey]streamSum
	open           bool // not everything was compared
}

// pair are objects that stand in the same place.
type pair struct{ a, b pdf.Ref }

// node is what was found of a pair, or of a part that is no object.
type node struct {
	ref     pdf.Ref // in the first file; zero: none
	differs bool    // by itself
	below   []pair  // what it leads to
	above   []pair  // by /Parent, which leads to all else
}

// aspect is something that differences are told by: one of a page, or an entry
// of the catalog or trailer when page is 0.
type aspect struct {
	page int
	name string
	node *node
}

type streamKey struct {
	second bool
	ref    pdf.Ref
}

// streamSum is the digest of decoded data.
type streamSum struct {
	sum   [32]byte
	state streamState
}

// streamState says why there is no digest.
type streamState int

const (
	decoded    streamState = iota
	encoded                // by a filter that only readers of images have
	unreadable             // damaged
)

func newComparer(a, b *pdf.Revision) *comparer {
	return &comparer{
		a: a, b: b, pagesA: map[uint32]int{}, pagesB: map[uint32]int{}, nodes: map[pair]*node{}, sums: map[streamKey]streamSum{},
	}
}

// run compares everything that the catalogs lead to, and the /Info.
func (x *comparer) run() {
	a, b := x.pages(x.a, x.pagesA), x.pages(x.b, x.pagesB)
	x.counts = [2]int{len(a), len(b)}
	for i := range min(len(a), len(b)) {
		x.page(i+1, a[i], b[i])
	}
	top, errA := x.a.Catalog()
	other, errB := x.b.Catalog()
	x.open = x.open || errA != nil || errB != nil
	for _, k := range keysOf(top, other) {
		x.aspect(0, pdf.Printable(string(k)), x.a.Root(), top[k], other[k])
	}
	x.aspect(0, "Info", pdf.Ref{}, x.a.Trailer()["Info"], x.b.Trailer()["Info"])
	for len(x.queue) > 0 && !x.over() {
		p := x.queue[len(x.queue)-1]
		x.queue = x.queue[:len(x.queue)-1]
		x.visit(p, x.nodes[p])
	}
}

// over says that a limit was passed, with which everything ends.
func (x *comparer) over() bool {
	if x.steps > maxComparedSteps || len(x.nodes) > maxComparedPairs || x.data > maxAllData {
		x.open = true
		return true
	}
	return false
}

// shownPage is a page with the number of its object.
type shownPage struct {
	ref  pdf.Ref
	dict pdf.Dict
}

// pages lists the pages and notes their numbers.
func (x *comparer) pages(r *pdf.Revision, numbers map[uint32]int) []shownPage {
	var list []shownPage
	err := r.WalkPages(func(ref pdf.Ref, page pdf.Dict) error {
		if len(list) == maxComparedPages {
			return &pdf.LimitError{Offset: -1, Limit: "maxComparedPages", Max: maxComparedPages}
		}
		list = append(list, shownPage{ref, page})
		numbers[ref.Num] = len(list)
		return nil
	})
	x.open = x.open || err != nil
	return list
}

// inheritable are the entries that a page may have from the nodes above it.
var inheritable = []pdf.Name{"Resources", "MediaBox", "CropBox", "Rotate"}

// aspects are what people call the entries of pages and of their resources.
var aspects = map[pdf.Name]string{
	"Contents": "contents", "Annots": "annotations", "Font": "fonts", "XObject": "images",
	"MediaBox": "size", "CropBox": "size", "BleedBox": "size", "TrimBox": "size", "ArtBox": "size", "Rotate": "size", "UserUnit": "size",
}

func aspectOf(k pdf.Name) string {
	if name, ok := aspects[k]; ok {
		return name
	}
	return "other"
}

// page compares two pages, entry by entry; of the resources kind by kind.
func (x *comparer) page(number int, a, b shownPage) {
	own, other := x.effective(x.a, a.dict), x.effective(x.b, b.dict)
	for _, k := range keysOf(own, other) {
		mine, ok1 := own[k].(pdf.Dict)
		theirs, ok2 := other[k].(pdf.Dict)
		if k != "Resources" || !ok1 || !ok2 {
			x.aspect(number, aspectOf(k), a.ref, own[k], other[k])
			continue
		}
		for _, kind := range keysOf(mine, theirs) {
			x.aspect(number, aspectOf(kind), a.ref, mine[kind], theirs[kind])
		}
	}
}

// effective is a page with what it inherits, and without /Parent.
func (x *comparer) effective(r *pdf.Revision, page pdf.Dict) pdf.Dict {
	out := make(pdf.Dict, len(page)+len(inheritable))
	for k, v := range page {
		if k != "Parent" {
			out[k] = v
		}
	}
	for _, k := range inheritable {
		v, err := r.PageAttr(page, k)
		if err != nil {
			x.open = true
			continue
		}
		out[k] = v
	}
	return out
}

func (x *comparer) aspect(page int, name string, ref pdf.Ref, a, b pdf.Object) {
	n := &node{ref: ref}
	x.parts = append(x.parts, aspect{page, name, n})
	x.values(a, b, n, 0)
}

// visit compares two objects.
func (x *comparer) visit(p pair, n *node) {
	x.steps += costOfObject
	a, errA := x.a.Object(p.a)
	b, errB := x.b.Object(p.b)
	if errA != nil || errB != nil {
		x.open = true
		return
	}
	s, ok1 := a.(*pdf.Stream)
	t, ok2 := b.(*pdf.Stream)
	if ok1 && ok2 {
		x.streams(p, s, t, n)
		return
	}
	x.values(a, b, n, 0)
}

// values compares two values, and adds to n the pairs that they lead to.
func (x *comparer) values(a, b pdf.Object, n *node, depth int) {
	if x.steps++; x.over() || depth > maxComparedDepth {
		x.open = true
		return
	}
	r, ok1 := a.(pdf.Ref)
	s, ok2 := b.(pdf.Ref)
	switch {
	case ok1 && ok2:
		x.refs(r, s, n)
		return
	case ok1 || ok2:
		x.steps += costOfObject
		v, errA := x.a.Resolve(a)
		w, errB := x.b.Resolve(b)
		if errA != nil || errB != nil {
			x.open = true
			return
		}
		x.values(v, w, n, depth+1)
		return
	}
	switch a := a.(type) {
	case pdf.Array:
		b, ok := b.(pdf.Array)
		if !ok || len(a) != len(b) {
			n.differs = true
			return
		}
		for i := range a {
			x.values(a[i], b[i], n, depth+1)
		}
	case pdf.Dict:
		b, ok := b.(pdf.Dict)
		if !ok {
			n.differs = true
			return
		}
		x.dicts(a, b, n, depth, nil)
	default:
		n.differs = n.differs || !sameScalar(a, b)
	}
}

// dicts compares two dictionaries but for the entries in without.
func (x *comparer) dicts(a, b pdf.Dict, n *node, depth int, without []pdf.Name) {
	for _, k := range keysOf(a, b) {
		if slices.Contains(without, k) {
			continue
		}
		below := n.below
		x.values(a[k], b[k], n, depth+1)
		if k == "Parent" {
			n.above = append(n.above, n.below[len(below):]...)
			n.below = below
		}
	}
}

// refs notes that two objects stand in the same place.
func (x *comparer) refs(a, b pdf.Ref, n *node) {
	if i, j := x.pagesA[a.Num], x.pagesB[b.Num]; i != 0 || j != 0 {
		n.differs = n.differs || i != j
		return
	}
	p := pair{a, b}
	n.below = append(n.below, p)
	if x.nodes[p] == nil {
		x.nodes[p] = &node{ref: a}
		x.queue = append(x.queue, p)
	}
}

// sameScalar compares what is neither array, dictionary nor stream; numbers by
// value.
func sameScalar(a, b pdf.Object) bool {
	v, ok1 := numberOf(a)
	w, ok2 := numberOf(b)
	if ok1 && ok2 {
		return v == w
	}
	switch b.(type) {
	case pdf.Array, pdf.Dict, *pdf.Stream:
		return false
	}
	if _, stream := a.(*pdf.Stream); stream {
		return false
	}
	if !pdf.Present(a) || !pdf.Present(b) {
		return pdf.Present(a) == pdf.Present(b)
	}
	return pdf.Equal(a, b)
}

func numberOf(o pdf.Object) (float64, bool) {
	switch o := o.(type) {
	case pdf.Integer:
		return float64(o), true
	case pdf.Real:
		return float64(o), true
	}
	return 0, false
}

// How a stream is stored says nothing of what it is.
var storage = []pdf.Name{"Length", "Filter", "DecodeParms", "DL"}

// streams compares the dictionaries of two streams, and their data: decoded, or
// as stored where that cannot be.
func (x *comparer) streams(p pair, a, b *pdf.Stream, n *node) {
	x.dicts(a.Dict, b.Dict, n, 0, storage)
	s, t := x.sum(streamKey{false, p.a}, x.a, a), x.sum(streamKey{true, p.b}, x.b, b)
	if x.over() {
		return
	}
	if s.state == decoded && t.state == decoded {
		n.differs = n.differs || s.sum != t.sum
		return
	}
	x.values(a.Dict["Filter"], b.Dict["Filter"], n, 0)
	x.values(a.Dict["DecodeParms"], b.Dict["DecodeParms"], n, 0)
	x.data += max(lengthOf(x.a, a), lengthOf(x.b, b))
	switch {
	case x.over() || pdf.SameData(a, b):
	case s.state == unreadable || t.state == unreadable:
		x.open = true
	default:
		n.differs = true
	}
}

// lengthOf is how many bytes a stream says that it has.
func lengthOf(r *pdf.Revision, s *pdf.Stream) int64 {
	n, ok, err := pdf.Lookup[pdf.Integer](r, s.Dict, "Length")
	if err != nil || !ok || n < 0 {
		return 1 << 20
	}
	return int64(n)
}

// sum is the digest of a stream's data, computed once.
func (x *comparer) sum(k streamKey, r *pdf.Revision, s *pdf.Stream) streamSum {
	if known, ok := x.sums[k]; ok {
		return known
	}
	data, err := r.StreamData(s, maxStreamData)
	x.data += int64(len(data))
	out := streamSum{sum: sha256.Sum256(data)}
	var malformed *pdf.MalformedError
	switch {
	case err == nil:
	case errors.As(err, &malformed) && malformed.Rule == "filter-unsupported":
		out.state = encoded
	default:
		out.state = unreadable
	}
	x.sums[k] = out
	return out
}

// differs says whether anything does.
func (x *comparer) differs() bool {
	if x.counts[0] != x.counts[1] {
		return true
	}
	for _, n := range x.nodes {
		if n.differs {
			return true
		}
	}
	return slices.ContainsFunc(x.parts, func(p aspect) bool { return p.node.differs })
}

// wrong are the nodes that lead to one that differs.
func (x *comparer) wrong() map[*node]bool {
	from := map[*node][]*node{}
	var queue []*node
	look := func(n *node) {
		for _, p := range n.below {
			from[x.nodes[p]] = append(from[x.nodes[p]], n)
		}
		if n.differs {
			queue = append(queue, n)
		}
	}
	for _, n := range x.nodes {
		look(n)
	}
	for _, p := range x.parts {
		look(p.node)
	}
	wrong := map[*node]bool{}
	for len(queue) > 0 {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if !wrong[n] {
			wrong[n] = true
			queue = append(queue, from[n]...)
		}
	}
	return wrong
}

// describe says what differs.
func (x *comparer) describe(c *dispute.Comparison) {
	c.Open = x.open
	if x.counts[0] != x.counts[1] && !x.open {
		c.PageCounts = x.counts
	}
	wrong := x.wrong()
	pages := map[string][]string{}
	var refs []pdf.Ref
	for _, p := range x.parts {
		if p.node.differs {
			refs = append(refs, p.node.ref)
		}
		switch page := strconv.Itoa(p.page); {
		case !wrong[p.node]:
		case p.page == 0:
			c.Document = append(c.Document, p.name)
		case !slices.Contains(pages[p.name], page):
			pages[p.name] = append(pages[p.name], page)
		}
	}
	for _, name := range []string{"contents", "images", "fonts", "annotations", "size", "other"} {
		if list := pages[name]; len(list) > 0 {
			more := max(0, len(list)-maxNamedParts)
			c.Pages = append(c.Pages, dispute.PageDifference{Aspect: name, Pages: list[:len(list)-more], More: more})
		}
	}
	c.Document = c.Document[:min(len(c.Document), maxNamedParts)]
	for _, n := range x.nodes {
		if n.differs {
			refs = append(refs, n.ref)
		}
	}
	slices.SortFunc(refs, func(a, b pdf.Ref) int { return cmp.Or(cmp.Compare(a.Num, b.Num), cmp.Compare(a.Gen, b.Gen)) })
	for _, ref := range slices.Compact(refs) {
		switch {
		case ref == pdf.Ref{}:
		case len(c.Objects) == maxNamedParts:
			c.More++
		default:
			c.Objects = append(c.Objects, ref.String())
		}
	}
}

// keysOf are the keys of both, in order.
func keysOf(a, b pdf.Dict) []pdf.Name {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}
