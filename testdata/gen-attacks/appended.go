package main

import (
	"fmt"
	"strings"
)

// tail appends text to an honest letter; the function may look at the letter.
func tail(f func(f *file) string) func() []byte {
	return func() []byte {
		doc := honest(signing{})
		return append(doc.b, f(doc)...)
	}
}

// forged are the objects that replace the page.
func (f *file) forged() map[int]string {
	return map[int]string{
		objCatalog:  f.body[objCatalog],
		objPages:    f.body[objPages],
		objPage:     f.body[objPage],
		objContents: pageText(forgery),
	}
}

func (f *file) only(nums ...int) map[int]string {
	all, out := f.forged(), map[int]string{}
	for _, n := range nums {
		out[n] = all[n]
	}
	return out
}

// appended are the Incremental Saving Attacks.
func appended() []*attack {
	rows := []*attack{
		row("i-a-no-xref", "I-A", "a new page without cross-reference table; startxref is slightly off the old one", tail(func(f *file) string {
			return f.bodyText(len(f.b), f.forged(), map[int]int{}) + f.trailerText(revision{}) + fmt.Sprintf("startxref\n%d\n%%%%EOF\n", f.prev-3)
		})).checks("warnings").shows(forgery),
		row("i-b-empty-xref", "I-B", "a new page, an empty table, no %%EOF", tail(func(f *file) string {
			return f.bodyText(len(f.b), f.forged(), map[int]int{}) + "xref\n0 0\n" + f.trailerText(revision{})
		})).shows(truth),
		row("i-c-small-size", "I-C", "a complete update of the page contents whose Size is smaller than before", updated(revision{size: 5}, objContents)).sees("valid").shows(forgery),
		row("i-d-no-trailer-link", "I-D", "a new page without table; the trailer has no Prev", tail(func(f *file) string {
			return f.bodyText(len(f.b), f.forged(), map[int]int{}) + "trailer\n<</Size 12/Root 1 0 R>>\n" + fmt.Sprintf("startxref\n%d\n%%%%EOF\n", f.prev+1)
		})).checks("warnings").shows(forgery),
		row("i-e-pages", "I-E", "a new page tree; startxref points at the word trailer", tail(func(f *file) string {
			set := f.only(objPages, objContents)
			set[objPages] = strings.Replace(set[objPages], "3 0 R", "13 0 R", 1)
			set[13] = f.body[objPage]
			return f.toTrailer(set)
		})).checks("warnings").shows(forgery),
		row("i-f-page", "I-F", "a new page object; startxref points at the word trailer", tail(func(f *file) string {
			return f.toTrailer(f.only(objPage, objContents))
		})).checks("warnings").shows(forgery),
		row("i-g-update", "I-G", "a complete incremental update that replaces the page contents", updated(revision{}, objContents)).sees("valid").shows(forgery).checks("clean"),
		row("i-g-new-stream", "I-G", "a complete update: the page refers to other contents", func() []byte {
			f := honest(signing{})
			n := f.alloc()
			f.commit(revision{set: map[int]string{n: pageText(forgery), objPage: f.replaced(objPage, "4 0 R", fmt.Sprintf("%d 0 R", n))}})
			return f.b
		}).sees("valid").shows(forgery).checks("clean"),
		row("i-g-second-page", "I-G", "a complete update that adds a page", func() []byte {
			f := honest(signing{})
			n := f.alloc()
			f.alloc()
			f.commit(revision{set: map[int]string{n: pageText(forgery), n + 1: fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources<</Font<</F1 5 0 R>>>>>>", n),
				objPages: fmt.Sprintf("<</Type/Pages/Kids[3 0 R %d 0 R]/Count 2>>", n+1)}})
			return f.b
		}).sees("valid").shows(forgery).checks("clean"),
		row("i-h-copy", "I-H", "a copy of the signature dictionary with the same Contents and ByteRange, new pages, no table", tail(func(f *file) string {
			set := f.forged()
			set[10], set[9] = f.signatureText(), f.body[9] // dictionary and field of honest
			return f.bodyText(len(f.b), set, map[int]int{}) + f.trailerText(revision{}) + "startxref\n0\n%%EOF\n"
		})).checks("warnings").shows(forgery),
		row("i-i-copy-xref", "I-I", "the same as a complete update: a second field with a copy of the signature", func() []byte {
			f := honest(signing{})
			n := f.alloc()
			f.alloc()
			f.fields = append(f.fields, n+1)
			f.commit(revision{set: map[int]string{n: f.signatureText(), n + 1: fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature2)/Rect[0 0 0 0]/F 132/V %d 0 R>>", n),
				objAcroForm: f.form(), objContents: pageText(forgery)}})
			return f.b
		}).sees("valid valid").shows(forgery).checks("clean"),
		row("i-j-resigned", "I-J", "the page is replaced, then a self-signed signature covers all", func() []byte {
			f := honest(signing{})
			f.commit(revision{set: f.only(objContents)})
			f.sign(signing{field: "Signature2", who: &self})
			return f.b
		}).sees("valid valid").shows(forgery).
			signature("Signature1", failed, "FORMAT_FAILURE").signature("Signature2", indeterminate, "NO_CERTIFICATE_CHAIN_FOUND").checks("clean"),
		row("i-k-nul", "I-K", "a NUL byte after the end", tail(func(*file) string { return "\x00" })),
		row("i-k-comment", "I-K", "a comment after the end", tail(func(*file) string { return "% tambahan\n" })),
		row("i-k-second-pdf", "I-K", "a whole PDF after the end", tail(func(*file) string { return string(letter(nil).b) })).sees("none"),
		row("i-k-zip", "I-K", "a ZIP archive after the end", tail(func(*file) string { return emptyZIP })),
		row("i-l-reason", "I-L", "the signature dictionary is written again with another reason", func() []byte {
			f := honest(signing{entries: "/Reason(Setuju)"})
			return f.again(replaceOnce(f.signatureText(), "(Setuju)", "(Tolak!)"))
		}).shows(truth).checks("clean"),
		row("i-l-name", "I-L", "the signature dictionary is written again with a name", func() []byte {
			f := honest(signing{})
			return f.again(strings.TrimSuffix(f.signatureText(), ">>") + "/Name(Bupati Contoh)>>")
		}).checks("clean"),
		row("i-l-time", "I-L", "the signature dictionary is written again with another time", func() []byte {
			f := honest(signing{})
			return f.again(replaceOnce(f.signatureText(), "/M(D:2026", "/M(D:2020"))
		}).checks("clean"),
	}
	for _, a := range rows {
		a.malformed()
	}
	return fooled(rows)
}

// emptyZIP is an end of central directory record.
const emptyZIP = "PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func updated(r revision, nums ...int) func() []byte {
	return func() []byte {
		f := honest(signing{})
		r := r
		r.set = f.only(nums...)
		f.commit(r)
		return f.b
	}
}

// toTrailer appends objects and a trailer that startxref points at.
func (f *file) toTrailer(set map[int]string) string {
	bodies := f.bodyText(len(f.b), set, map[int]int{})
	return bodies + f.trailerText(revision{}) + fmt.Sprintf("startxref\n%d\n%%%%EOF\n", len(f.b)+len(bodies))
}

// signatureText is the text of the newest signature dictionary as written.
func (f *file) signatureText() string {
	b := string(f.b)
	i := strings.LastIndex(b, "<</Type/Sig")
	return b[i : i+strings.Index(b[i:], "\nendobj")]
}

// again writes the signature dictionary of the honest letter once more.
func (f *file) again(text string) []byte {
	n := 0
	for k, body := range f.body {
		if strings.HasPrefix(body, "<</Type/Sig/") {
			n = k
		}
	}
	f.commit(revision{set: map[int]string{n: text}})
	return f.b
}
