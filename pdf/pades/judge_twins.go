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
// so show what was hidden in a stream when it was signed, or had been freed.
func (g *gate) twins(j *Judgement, changes *diff.Result) error {
	revs := g.doc.Revisions()
	if j.SignedRevision == 0 || j.SignedRevision == len(revs) {
		return nil
	}
	signed := revs[j.SignedRevision-1]
	for _, r := range revs[:j.SignedRevision] {
		list, err := once(g, g.stray, r, r.Stray)
		if err != nil {
			return err
		}
		if g.limit != nil {
			j.Structure = append(j.Structure, *g.limit)
			return nil
		}
		for _, h := range list {
			if supersedes(signed, h, changes) {
				j.twin(r, h)
				return nil
			}
		}
		more, err := g.surplus(r)
		if err != nil {
			return err
		}
		if more > 0 {
			j.Unvouched = append(j.Unvouched, Finding{Code: "object-twin",
				Text: fmt.Sprintf("revision %d: the object stream at byte %d holds more objects than have entries, which readers that repair the file may show", r.Index(), more)})
			return nil
		}
		for num, e := range r.Entries() {
			if now, _ := signed.Entry(num); e.Kind == pdf.EntryInUse && now.Kind == pdf.EntryFree && changes.Refers(num) {
				j.twin(r, pdf.Head{Num: num, Offset: e.Offset})
				return nil
			}
		}
	}
	return nil
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

func (j *Judgement) twin(r *pdf.Revision, h pdf.Head) {
	j.Unvouched = append(j.Unvouched, Finding{Code: "object-twin",
		Text: fmt.Sprintf("revision %d: at byte %d stands another object %d, which readers that repair the file may show", r.Index(), h.Offset, h.Num)})
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
