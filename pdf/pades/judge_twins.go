package pades

import (
	"fmt"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/diff"
)

// twins looks in the revisions up to the signed one for what a reader that
// repairs the file takes for another version of an object: such a reader
// searches for heads of objects and takes the last one of each number, wherever
// it stands. As long as nothing follows, the signer saw what everybody sees. A
// later revision can make readers repair the file, each for its own reasons, and
// so show what was hidden in a stream when it was signed, had been freed, or had
// been taken back.
func (g *gate) twins(j *Judgement, changes *diff.Result) error {
	revs := g.doc.Revisions()
	if j.SignedRevision == 0 || j.SignedRevision == len(revs) {
		return nil
	}
	if g.hidden == nil {
		if err := g.findHidden(changes); err != nil {
			return err
		}
	}
	if g.limit != nil {
		j.Structure = append(j.Structure, *g.limit)
		return nil
	}
	if h := g.hidden[j.SignedRevision]; h != nil {
		j.Unvouched = append(j.Unvouched, Finding{Code: "object-twin",
			Text: fmt.Sprintf("revision %d: at byte %d stands another object %d, which readers that repair the file may show", g.revisionAt(h.Offset), h.Offset, h.Num)})
		return nil
	}
	for _, r := range revs[:j.SignedRevision] {
		more, err := g.surplus(r)
		if err != nil {
			return err
		}
		if more > 0 {
			j.Unvouched = append(j.Unvouched, Finding{Code: "object-twin",
				Text: fmt.Sprintf("revision %d: the object stream at byte %d holds more objects than have entries, which readers that repair the file may show", r.Index(), more)})
			return nil
		}
	}
	return nil
}

// findHidden fills in g.hidden, for as many revisions as signatures ask for. A
// head is looked at in the first revision of which nothing is known yet, and in the
// next ones while it is hidden there, so that many signatures cost no more than
// one; and again where another entry has its number.
func (g *gate) findHidden(changes *diff.Result) error {
	revs := g.doc.Revisions()
	g.hidden = make([]*pdf.Head, len(revs)+1)
	next := 1 // the first revision of which something may still be found
	note := func(h pdf.Head, from int) {
		for next < from || next <= g.lastJudged && g.hidden[next] != nil {
			next++
		}
		for k := next; k <= g.lastJudged; k++ {
			if g.hidden[k] != nil {
				continue
			}
			if !supersedes(revs[k-1], h, changes) {
				return
			}
			g.hidden[k] = &h
		}
	}
	last := map[uint32]pdf.Head{} // of numbers whose last head is not in use
	for _, r := range revs[:g.lastJudged] {
		list, err := once(g, g.stray, r, r.Stray)
		if err != nil || g.limit != nil {
			return err
		}
		for _, h := range list {
			note(h, r.Index())
			last[h.Num] = h
		}
		if r.Previous() == nil {
			continue
		}
		for num, e := range r.Entries() {
			h, hidden := last[num]
			if was, _ := r.Previous().Entry(num); was.Kind == pdf.EntryInUse && was.Offset > h.Offset {
				h, hidden = pdf.Head{Num: num, Offset: was.Offset}, true
			}
			back := e.Kind == pdf.EntryInUse && e.Offset < h.Offset
			if hidden && (back || e.Kind != pdf.EntryInUse && changes.Refers(num)) {
				last[num] = h
				note(h, r.Index())
			}
		}
	}
	return nil
}

// revisionAt is the index of the revision in which a byte stands.
func (g *gate) revisionAt(off int64) int {
	for _, r := range g.doc.Revisions() {
		if off < r.End() {
			return r.Index()
		}
	}
	return 0
}

// surplus returns where an object stream stands that holds an object which the
// entries of its revision do not know; 0 when there is none.
func (g *gate) surplus(r *pdf.Revision) (int64, error) {
	list, err := once(g, g.audits, r, r.Audit)
	for _, a := range list {
		if a.Rule == "objstm-extra" {
			return a.Offset, err
		}
	}
	return 0, err
}

// supersedes says whether a head stands behind the object in use that has its
// number as of r, or is one of an object that is referred to and not there.
func supersedes(r *pdf.Revision, h pdf.Head, changes *diff.Result) bool {
	e, ok := r.Entry(h.Num)
	if ok && e.Kind == pdf.EntryCompressed {
		e, ok = r.Entry(e.Container)
	}
	if !ok || e.Kind != pdf.EntryInUse {
		return changes.Refers(h.Num)
	}
	return e.Offset < h.Offset
}
