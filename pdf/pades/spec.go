package pades

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/absah-id/absah/pdf"
)

// Appearance is the visible part of a signature.
type Appearance struct {
	// Page is the 1-based number of the page for a new field, -1 the last.
	// An existing field keeps its page: then it is not looked at.
	Page int
	// Rect is the area of a new field; an existing field keeps its own.
	Rect Rect
	// Form adds the form XObject of the normal appearance to the update and
	// returns it. Turning it for a rotated page is its business.
	Form func(u *pdf.Update) (pdf.Ref, error)
}

// SignatureSpec is what [Prepare] is asked for. The zero value with
// ContentsSize set asks for an invisible approval signature in a new field.
type SignatureSpec struct {
	Kind Kind
	// SubFilter is SubFilterCAdES when empty, or SubFilterRFC3161 for a
	// document timestamp. A signature may also be SubFilterPKCS7.
	SubFilter pdf.Name
	// Field is the fully qualified name of an empty signature field to fill,
	// or the name of a new one when the document has no field called so.
	// Empty is a new field with the next free name "Signature<n>".
	Field                               string
	Reason, Location, Name, ContactInfo string
	At                                  time.Time // /M, written in UTC; zero is none
	// Certify makes a certification signature with DocMDP P = 1, 2 or 3;
	// 0 an approval signature.
	Certify int
	// LockFields are the fields that this signature locks. A field with a
	// /Lock of its own decides for itself and refuses another.
	LockFields   *FieldMDP
	Appearance   *Appearance // nil is invisible
	ContentsSize int         // bytes reserved for the DER of the CMS, at most 10 MiB
	// DigestMethod ("SHA256") and Timestamped say what the CMS is going to
	// be. They are only compared with what a field's seed values require;
	// empty and false satisfy no such requirement.
	DigestMethod string
	Timestamped  bool
}

// normalise checks what does not depend on the document. Its errors are
// mistakes of the caller.
func (s *SignatureSpec) normalise() error {
	switch {
	case s.ContentsSize <= 0 || s.ContentsSize > maxContents:
		return fmt.Errorf("signature placeholder of %d bytes; 1 to %d are possible", s.ContentsSize, maxContents)
	case s.Certify < 0 || s.Certify > 3:
		return fmt.Errorf("DocMDP P = %d", s.Certify)
	case s.Appearance != nil && s.Appearance.Form == nil:
		return errors.New("signature appearance without a form")
	}
	if l := s.LockFields; l != nil {
		if l.Action != "All" && l.Action != "Include" && l.Action != "Exclude" {
			return fmt.Errorf("FieldMDP action %q", string(l.Action))
		}
		if l.P < 0 || l.P > 3 || len(l.Fields) > maxLockNames {
			return fmt.Errorf("FieldMDP with P = %d and %d fields", l.P, len(l.Fields))
		}
	}
	if s.Kind == KindDocTimestamp {
		if s.Certify != 0 || s.LockFields != nil || s.Appearance != nil {
			return errors.New("a document timestamp neither certifies nor locks nor shows anything")
		}
		if s.SubFilter == "" {
			s.SubFilter = SubFilterRFC3161
		}
		if s.SubFilter != SubFilterRFC3161 {
			return fmt.Errorf("document timestamp with SubFilter %q", string(s.SubFilter))
		}
		return nil
	}
	if s.SubFilter == "" {
		s.SubFilter = SubFilterCAdES
	}
	if s.SubFilter != SubFilterCAdES && s.SubFilter != SubFilterPKCS7 {
		return fmt.Errorf("signature with SubFilter %q", string(s.SubFilter))
	}
	return nil
}

// validRect reports whether a new field can have this area.
func validRect(r Rect) bool {
	for _, v := range []float64{r.X0, r.Y0, r.X1, r.Y1} {
		if math.IsNaN(v) || math.Abs(v) > 1e6 { // the page limit is 14,400 units of at most 75 points each
			return false
		}
	}
	return !r.Empty()
}
