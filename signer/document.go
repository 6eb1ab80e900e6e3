package signer

import (
	"errors"
	"fmt"

	"github.com/absah-id/absah/pdf"
)

// ambiguous are the anomalies by which two readers see different documents in
// one file: what is before %PDF- counts in its offsets or does not, or two
// entries of one number lead to different objects.
var ambiguous = map[string]bool{"header-offset": true, "hybrid-conflict": true, "xref-duplicate": true}

// checkAmbiguous refuses a document that readers read in different ways: no
// verifier can say which of them a signature in it would be about.
func checkAmbiguous(doc *pdf.Document) error {
	for _, a := range doc.Anomalies() {
		if ambiguous[a.Rule] {
			return refuse(CodeAmbiguous, "Readers understand the file in different ways: %s at byte %d.", a.Rule, a.Offset)
		}
	}
	return nil
}

// checkPages refuses a document with a page whose contents cannot be found.
// Readers repair such pages, each in its own way, so nobody knows what a
// signature over them would be of. Streams are located, not decoded: what they
// hold is for readers to show.
func checkPages(rev *pdf.Revision) error {
	c := contents{rev: rev, seen: map[pdf.Ref]bool{}}
	n := 0
	return rev.WalkPages(func(ref pdf.Ref, page pdf.Dict) error {
		n++
		if err := c.check(page["Contents"]); err != nil {
			return fmt.Errorf("contents of page %d (object %s): %w", n, ref, rev.Place(err, ref))
		}
		return nil
	})
}

// contents looks at each object once, however many pages share it: a hostile
// file could make all of its pages share one long array.
type contents struct {
	rev  *pdf.Revision
	seen map[pdf.Ref]bool
}

var errNoContents = errors.New("neither a stream nor an array of streams")

// check judges a /Contents entry: a stream, an array of streams, or nothing
// (ISO 32000-2 §7.7.3.3).
func (c *contents) check(o pdf.Object) error {
	array, ok := o.(pdf.Array)
	if ref, isRef := o.(pdf.Ref); isRef {
		if c.seen[ref] {
			return nil
		}
		target, err := c.rev.Object(ref)
		if err != nil {
			return err
		}
		if array, ok = target.(pdf.Array); ok {
			c.seen[ref] = true
		}
	}
	if !ok {
		return c.stream(o)
	}
	for _, e := range array {
		if err := c.stream(e); err != nil {
			return err
		}
	}
	return nil
}

// stream judges one stream, which is nothing where its object is absent.
func (c *contents) stream(o pdf.Object) error {
	ref, ok := o.(pdf.Ref)
	if !ok {
		return emptyContents(o, -1)
	}
	if c.seen[ref] {
		return nil
	}
	c.seen[ref] = true
	target, err := c.rev.Object(ref)
	if err != nil {
		return err
	}
	span, err := c.rev.Span(ref)
	if _, ok := target.(*pdf.Stream); ok {
		return err
	}
	return emptyContents(target, span.Offset)
}

// emptyContents takes null, which a page without contents may have.
func emptyContents(o pdf.Object, offset int64) error {
	switch o.(type) {
	case nil, pdf.Null:
		return nil
	}
	return &pdf.MalformedError{Offset: offset, Rule: "page-contents", Err: errNoContents}
}
