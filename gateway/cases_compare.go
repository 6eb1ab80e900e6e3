package gateway

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strconv"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/pdf"
)

// Limits of a comparison; what is beyond them is counted or left out.
const (
	maxComparedObjects = 200_000
	maxComparedPages   = 2000
	maxNamedParts      = 40
	maxPageContent     = 8 << 20 // bytes of one page's content, decoded
)

// compareFiles says how a disputed file differs from its original: in which
// pages, by what they draw with, and in which objects, by number. Objects are
// numbered anew by programs that write a file as a whole; then all differ, which
// is true as well.
func compareFiles(disputed, original []byte, limits pdf.Limits) *dispute.Comparison {
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
	whole := *c
	comparePages(&whole, a.Latest(), b.Latest())
	compareObjects(&whole, a.Latest(), b.Latest())
	first := b.Revisions()[0]
	if first == b.Latest() {
		return &whole
	}
	// What signing has added to the original says nothing of the difference
	// between two letters.
	comparePages(c, a.Latest(), first)
	compareObjects(c, a.Latest(), first)
	if len(whole.Objects)+whole.More < len(c.Objects)+c.More {
		return &whole
	}
	c.Unsigned = len(c.Objects) == 0 && len(c.Pages) == 0
	return c
}

func comparePages(c *dispute.Comparison, a, b *pdf.Revision) {
	n, errA := a.PageCount()
	m, errB := b.PageCount()
	if errA != nil || errB != nil || n != m {
		c.Pages = []string{strconv.Itoa(n) + "/" + strconv.Itoa(m)}
		return
	}
	for i := range min(n, maxComparedPages) {
		if slices.Equal(pageSum(a, i), pageSum(b, i)) {
			continue
		}
		if len(c.Pages) == maxNamedParts {
			c.Pages = append(c.Pages, "…")
			return
		}
		c.Pages = append(c.Pages, strconv.Itoa(i+1))
	}
}

// pageSum is a digest of what a page draws: its content, and the images and
// forms that it names. Nil when it cannot be read, so that two such pages count
// as alike only where the objects are.
func pageSum(r *pdf.Revision, n int) []byte {
	_, page, err := r.Page(n)
	if err != nil {
		return nil
	}
	h := sha256.New()
	left := int64(maxPageContent)
	contents, err := r.Resolve(page["Contents"])
	if err != nil {
		return nil
	}
	list, many := contents.(pdf.Array)
	if !many {
		list = pdf.Array{contents}
	}
	for _, o := range list {
		stream, err := r.Resolve(o)
		s, ok := stream.(*pdf.Stream)
		if err != nil || !ok {
			continue
		}
		data, err := r.StreamData(s, left)
		if err != nil {
			return nil
		}
		left -= int64(len(data))
		h.Write(data)
	}
	box, err := r.PageAttr(page, "MediaBox")
	if err == nil {
		h.Write(pdf.Format(nil, box))
	}
	return h.Sum(nil)
}

func compareObjects(c *dispute.Comparison, a, b *pdf.Revision) {
	last := uint32(max(sizeOf(a), sizeOf(b)))
	for num := uint32(1); num < min(last, maxComparedObjects); num++ {
		x, inA := objectOf(a, num)
		y, inB := objectOf(b, num)
		if inA == inB && (!inA || pdf.Equal(x, y)) {
			continue
		}
		if len(c.Objects) == maxNamedParts {
			c.More++
			continue
		}
		c.Objects = append(c.Objects, strconv.Itoa(int(num))+" 0")
	}
}

// sizeOf is the number of objects that a document says it has.
func sizeOf(r *pdf.Revision) int64 {
	n, _ := r.Trailer()["Size"].(pdf.Integer)
	return min(int64(n), maxComparedObjects)
}

func objectOf(r *pdf.Revision, num uint32) (pdf.Object, bool) {
	e, ok := r.Entry(num)
	if !ok || e.Kind == pdf.EntryFree {
		return nil, false
	}
	gen := e.Gen
	if e.Kind == pdf.EntryCompressed {
		gen = 0
	}
	o, err := r.Object(pdf.Ref{Num: num, Gen: gen})
	if err != nil {
		return nil, false
	}
	return o, true
}
