package signer_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/absah-id/absah/signer"
)

func TestTexts(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name string
		set  func(*signer.Request)
		want string // part of the reason; "" when it is fine
	}{
		{"ordinary", func(r *signer.Request) {
			r.Reason, r.Location = "Menyetujui isi – “surat” ini", "Yogyakarta, ꦪꦺꦴꦒꦾ"
		}, ""},
		{"right to left", func(r *signer.Request) { r.Reason = "أوافق" }, ""},
		{"override", func(r *signer.Request) { r.Reason = "é\u202Ex" }, "reason holds the character U+202E at byte 2"},
		{"isolate", func(r *signer.Request) { r.Field = "\u2068A" }, "field name holds the character U+2068 at byte 0"},
		{"bell", func(r *signer.Request) { r.Location = "di\a" }, "location holds the character U+0007 at byte 2"},
		{"line break", func(r *signer.Request) { r.Name = "a\nb" }, "name holds the character U+000A at byte 1"},
		{"line separator", func(r *signer.Request) { r.ContactInfo = "a\u2028" }, "contact holds the character U+2028 at byte 1"},
		{"no UTF-8", func(r *signer.Request) { r.Reason = "ab\xff" }, "reason holds the byte 0xff, which is no UTF-8, at byte 2"},
		{"replacement", func(r *signer.Request) { r.Reason = "\uFFFD" }, "reason holds the character U+FFFD at byte 0"},
	} {
		req := w.request(signer.B)
		c.set(&req)
		res, err := w.signer.Sign(t.Context(), input(letter(t), ""), req)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if r, ok := errors.AsType[*signer.RefusedError](err); !ok || r.Code != signer.CodeText || !strings.Contains(r.Reason, c.want) || res != nil {
			t.Errorf("%s: got %v, want %s with %q", c.name, err, signer.CodeText, c.want)
		}
	}
}

// TestAugmentWithoutTimestamper: what has its timestamps needs no authority to
// become B-LT.
func TestAugmentWithoutTimestamper(t *testing.T) {
	w := newWorld(t)
	s, err := signer.New(signer.Config{Source: w.source, Anchors: w.lab.Anchors(), TSAAnchors: w.lab.Anchors()})
	if err != nil {
		t.Fatal(err)
	}
	timed, bare := w.sign(t, letter(t), w.request(signer.T)), w.sign(t, letter(t), w.request(signer.B))
	for _, l := range []signer.Level{signer.T, signer.LT} {
		if res, err := s.Augment(t.Context(), input(timed, ""), l, w.now()); err != nil || res.Level != l {
			t.Errorf("%v with a timestamp: %v", l, err)
		}
		if _, err := s.Augment(t.Context(), input(bare, ""), l, w.now()); !errors.Is(err, signer.ErrNoTimestamper) {
			t.Errorf("%v without one: got %v, want ErrNoTimestamper", l, err)
		}
	}
	if _, err := s.Augment(t.Context(), input(timed, ""), signer.LTA, w.now()); err == nil {
		t.Error("LTA: got no error")
	}
}
