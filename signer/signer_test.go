package signer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
)

var labDefaults lab.IssueOptions

var levels = []signer.Level{signer.B, signer.T, signer.LT, signer.LTA}

// TestEveryInput signs each kind of file at each level.
func TestEveryInput(t *testing.T) {
	w := newWorld(t)
	for _, in := range testfile.Inputs(t) {
		for _, l := range levels {
			t.Run(in.Name+"/"+l.String(), func(t *testing.T) {
				t.Parallel()
				b := in.Bytes(t)
				res, err := w.signer.Sign(context.Background(), input(b, in.Password), w.request(l))
				if err != nil {
					t.Fatal(err)
				}
				out := append(bytes.Clone(b), res.Tail...)
				list := check(t, out, in.Password)
				if got, want := len(list), map[signer.Level]int{signer.LTA: 2}[l]; got != max(want, 1) {
					t.Errorf("%d signatures, want %d", got, max(want, 1))
				}
				if res.Before != sha256.Sum256(b) || res.After != sha256.Sum256(out) {
					t.Error("Before or After is not the digest of input or output")
				}
				if res.Level != l || res.Shortfall != nil || res.Time.IsZero() != (l == signer.B) {
					t.Errorf("level %v, shortfall %v, time %v", res.Level, res.Shortfall, res.Time)
				}
				if last := list[len(list)-1]; (last.Kind == pades.KindDocTimestamp) != (l == signer.LTA) {
					t.Errorf("the last signature is a %v", last.Kind)
				}
				if l == signer.LTA {
					args := []string{"--check", save(t, "out.pdf", out)}
					if in.Password != "" {
						args = append([]string{"--password=" + in.Password}, args...)
					}
					if msg, err := tool(t, "qpdf", args...); err != nil {
						t.Errorf("qpdf: %v\n%s", err, msg)
					}
				}
			})
		}
	}
}

// TestVisibleField fills an empty field that the document has, with an
// appearance in the field's own place.
func TestVisibleField(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"form", "form-hierarchy", "form-separate", "form-objstm"} {
		b := testfile.ByName(t, name).Bytes(t)
		doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		fields, err := pades.Fields(doc.Latest())
		if err != nil {
			t.Fatal(err)
		}
		filled := 0
		for _, f := range fields {
			if f.Filled || f.Rect.Empty() {
				continue
			}
			req := w.request(signer.B)
			req.Field, req.Visible = f.Name, &signer.Visible{Page: 99, Name: "Andi Wijaya"}
			list := check(t, w.sign(t, b, req), "")
			if len(list) != 1 || list[0].Field != f.Name || list[0].Rect != f.Rect {
				t.Errorf("%s: %q at %v, want %q at %v", name, list[0].Field, list[0].Rect, f.Name, f.Rect)
			}
			filled++
		}
		if filled == 0 {
			t.Errorf("%s has no empty visible field", name)
		}
	}
}
