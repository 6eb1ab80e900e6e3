package pdf

import "bytes"

// Remains is what the bytes of a revision hold that none of its objects
// account for.
type Remains struct {
	Revisions  int   // ends of revisions: "startxref n %%EOF"
	Signatures int   // occurrences of /ByteRange
	Offset     int64 // of the first of these; 0 when there is none
}

// Remains looks for earlier revisions in the bytes of r that belong to nothing:
// a cross-reference section without /Prev, or with /Prev 0, makes what stands
// before it the litter of the first revision. Whoever appends such a section
// cuts off what others have signed.
//
// The error is one of reading, or a [LimitError].
func (r *Revision) Remains() (Remains, error) {
	a := auditor{r: r, size: maxObjectNumber + 1}
	if err := a.entries(); err != nil {
		return Remains{}, err
	}
	if err := a.gaps(); err != nil {
		return Remains{}, err
	}
	var found Remains
	c := &cursor{src: r.doc.src}
	for _, hole := range a.holes {
		if err := found.search(c, hole, r.doc); err != nil {
			return Remains{}, err
		}
	}
	return found, nil
}

// search counts what one hole holds. Of a mark that ends outside of it, it
// knows nothing.
func (f *Remains) search(c *cursor, hole Span, d *Document) error {
	const longest = 256 // of the end of a revision
	for c.pos = hole.Offset; c.pos < hole.End; {
		b, err := c.peek(64 << 10)
		if err != nil {
			return err
		}
		b = b[:min(int64(len(b)), hole.End-c.pos)]
		last := c.pos+int64(len(b)) == hole.End
		end := len(b) // where the next window begins
		if !last {
			end -= longest
		}
		for i := 0; i < end; {
			k := bytes.IndexAny(b[i:end], "s/")
			if k < 0 {
				break
			}
			i += k
			p := parser{buf: b, pos: i, base: c.pos, final: true, lim: &d.lim}
			if bytes.HasPrefix(b[i:], []byte("/ByteRange")) {
				f.Signatures++
				f.at(c.pos + int64(i))
			} else if t, ok := p.tail(); ok && t.eof {
				f.Revisions++
				f.at(c.pos + int64(i))
			}
			i++
		}
		c.pos += int64(end)
	}
	return nil
}

func (f *Remains) at(off int64) {
	if f.Offset == 0 {
		f.Offset = off
	}
}
