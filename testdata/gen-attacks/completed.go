package main

import (
	"fmt"
	"strings"
)

// laterOffset is behind the end of every signed letter.
const laterOffset = 20000

// completed are shadow attacks in which the signed bytes hold the beginning of
// an object, or its place, and whoever appends to the file writes the rest: no
// cross-reference entry changes.
func completed() []*attack {
	return fooled([]*attack{
		row("h-9-later-object", "H-9", "the first table says that the page contents stand behind the end of what is signed; a later stream holds them", func() []byte {
			f := letter(func(_ *file, r *revision) {
				r.entries = func(at map[int]int) { at[objContents] = laterOffset }
			}, emptyCRL())
			f.sign(signing{})
			f.carry(laterOffset, "4 0 obj\n"+pageText(forgery)+"\nendobj\n")
			return f.b
		}).malformed().shows(forgery).checks("clean"),
		row("h-9-later-end", "H-9", "the Length of the signed page contents leads into a later stream, which goes on drawing", longContents).
			malformed().checks("warnings"),
		row("h-9-dangling", "H-9", "the first table says that the page contents stand behind the end of the file, and nothing was appended", func() []byte {
			f := letter(func(_ *file, r *revision) {
				r.entries = func(at map[int]int) { at[objContents] = laterOffset }
			}, emptyCRL())
			f.sign(signing{})
			return f.b
		}).passes().orElse([]string{failed}).checks("warnings"),
	})
}

// carry appends a revision with a stream that nothing refers to, in which text
// stands at the offset at of the file.
func (f *file) carry(at int, text string) {
	n := f.alloc()
	pad := at - len(f.b)
	for {
		data := strings.Repeat(" ", pad) + text
		body := stream("", data)
		got := len(f.b) + len(fmt.Sprintf("%d 0 obj\n", n)) + strings.Index(body, text)
		if got == at {
			f.commit(revision{set: map[int]string{n: body}})
			return
		}
		pad -= got - at
	}
}

func longContents() []byte {
	long := laterOffset
	f := letter(func(f *file, r *revision) {
		start := len(f.b)
		r.bodies = func(text string) string {
			data := start + strings.Index(text, "BT /F1 14 Tf 72 760")
			// Both lengths have digits enough: the text keeps its length.
			old := r.set[objContents]
			length := old[strings.Index(old, "/Length ")+8 : strings.Index(old, ">>")]
			return strings.Replace(text, "4 0 obj\n<</Length "+length, fmt.Sprintf("4 0 obj\n<</Length %d", long-data-3), 1)
		}
		r.entries = func(at map[int]int) {
			for n := range at {
				if n > objContents {
					at[n] += 3
				}
			}
		}
	}, emptyCRL())
	f.sign(signing{})
	f.carry(long-40, "q 1 1 1 rg 60 715 300 30 re f Q         "+"\nendstream\nendobj\n")
	return f.b
}
