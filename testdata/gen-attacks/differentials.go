package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/absah-id/absah/internal/pdfmake"
)

// dssTail appends to an honest letter a revision that adds a CRL, which is
// allowed, written in a way that is not.
func dssTail(bend func(f *file, r *revision)) func() []byte {
	return func() []byte {
		f := honest(signing{})
		r := revision{set: map[int]string{}}
		f.dss(&r, nil, [][]byte{tsaCRL()})
		r.set[objDSS] = mergeDSS(f.body[objDSS], r.set[objDSS])
		bend(f, &r)
		f.commit(r)
		return f.b
	}
}

func onTable(bend func(f *file, table string) string) func() []byte {
	return dssTail(func(f *file, r *revision) { r.table = func(t string) string { return bend(f, t) } })
}

// started is a letter whose first bytes are others.
func started(with func(header string) string) func() []byte {
	return func() []byte {
		f := letter(func(f *file, _ *revision) { f.b = []byte(with(string(f.b))) }, emptyCRL())
		f.sign(signing{})
		return f.b
	}
}

// differentials are files that two readers may read in two ways.
func differentials() []*attack {
	var rows []*attack
	for _, group := range []func() []*attack{headers, startxrefs, chains, tables, bodies, dictionaries, catalogs, objectStreams} {
		rows = append(rows, group()...)
	}
	for _, a := range rows {
		// What the table names comes first; another answer is what is left open.
		open := a.Verdict
		a.Verdict = nil
		a.malformed().orElse(open)
	}
	return slices.Concat(fooled(rows), twofold(), encryptions(), harmless())
}

func headers() []*attack {
	return []*attack{
		row("x01-junk-first", "X01", "bytes before the header", started(func(h string) string { return "Surat\n" + h })),
		row("x01-postscript", "X01", "a PostScript header that mentions PDF", started(func(h string) string {
			return strings.Replace(h, "%PDF-1.7", "%!PS-Adobe-3.0 PDF-1.7", 1)
		})).is(unreadable),
		row("x01-lower-case", "X01", "the header in lower case", started(func(h string) string { return strings.Replace(h, "%PDF", "%pdf", 1) })).is(unreadable),
		row("x15-html", "X15", "an HTML page before the header", started(func(h string) string { return "<html><!-- " + h })),
		row("x15-javascript", "X15", "a JavaScript comment opens before the header", started(func(h string) string { return "/*" + h })),
		row("x15-zip-first", "X15", "a ZIP entry before the header", started(func(h string) string {
			return "PK\x03\x04\x0A\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00a\n" + h
		})),
		row("x02-object-after-end", "X02", "an object after the end, in no table", tail(func(f *file) string {
			return f.bodyText(len(f.b), f.only(objContents), map[int]int{})
		})),
	}
}

func startxrefs() []*attack {
	return []*attack{
		row("x03-two-startxref", "X03", "startxref twice in a later revision", dssTail(func(_ *file, r *revision) { r.end = "startxref\n9\n" + honestEnd })),
		row("x03-no-startxref", "X03", "a later revision without startxref", dssTail(func(_ *file, r *revision) { r.end = "%%EOF\n" })),
		row("x03-not-last", "X03", "an object between startxref and %%EOF", dssTail(func(_ *file, r *revision) {
			r.end = "startxref\n%d\n4 0 obj\n" + pageText(forgery) + "\nendobj\n%%%%EOF\n"
		})),
	}
}

func chains() []*attack {
	return []*attack{
		row("x04-prev-self", "X04", "Prev points at its own section", onTable(func(f *file, t string) string {
			return replaceOnce(t, fmt.Sprintf("/Prev %d", f.prev), fmt.Sprintf("/Prev %d", len(f.b)))
		})),
		row("x04-prev-beyond", "X04", "Prev beyond the end of the file", dssTail(func(_ *file, r *revision) { r.prev = "999999" })).checks("warnings"),
		row("x04-prev-twice", "X04", "Prev twice", dssTail(func(_ *file, r *revision) { r.extra = "/Prev 9" })),
		row("x04-prev-skips", "X04", "Prev skips the revision that was signed", skipping).sees("none").shows(forgery),
		row("x04-cut-off", "X04", "the document is written anew behind a signed one, with Prev 0", func() []byte {
			return cutOff("0").b
		}).sees("none").shows(forgery).checks("warnings"),
		row("x04-cut-off-zero", "X04", "the same, and then somebody else signs", func() []byte {
			f := cutOff("0")
			f.sign(signing{who: &other})
			return f.b
		}).sees("valid").shows(forgery).checks("clean"),
		row("x04-cut-off-none", "X04", "the document is written anew behind a signed one without Prev, with another signature in it", func() []byte {
			f := cutOff("")
			set := f.body
			f.b, f.prev = honest(signing{}).b, 0
			f.sign(signing{who: &other, change: func(r *revision) {
				for n, s := range set {
					if r.set[n] == "" {
						r.set[n] = s
					}
				}
			}})
			return f.b
		}).sees("valid").shows(forgery).checks("clean"),
	}
}

// cutOff writes the letter anew behind a signed one, with other contents and
// without the signature, as if nothing came before.
func cutOff(prev string) *file {
	f := honest(signing{})
	f.prev, f.fields, f.annots = 0, nil, nil
	f.body[objPage], f.body[objAcroForm], f.body[objContents] = f.page(), f.form(), pageText(forgery)
	set := maps.Clone(f.body)
	for n := range set {
		if n > objCRL {
			delete(set, n)
		}
	}
	f.body = maps.Clone(set)
	f.commit(revision{set: set, prev: prev})
	return f
}

// skipping leaves the signed revision out of the chain.
func skipping() []byte {
	f := letter(nil, emptyCRL())
	base := f.prev
	f.sign(signing{})
	f.commit(revision{set: f.only(objContents), prev: fmt.Sprint(base)})
	return f.b
}

func tables() []*attack {
	return []*attack{
		row("x05-duplicate-entry", "X05", "a table with two entries for one object", onTable(func(f *file, t string) string {
			return replaceOnce(t, "trailer", fmt.Sprintf("7 1\n%010d 00000 n \ntrailer", f.at[objDSS]))
		})),
		row("x05-type-letter", "X05", "an entry of type N", onTable(func(_ *file, t string) string { return replaceOnce(t, " n ", " N ") })).checks("warnings"),
		row("x05-count", "X05", "a subsection with fewer entries than it says", onTable(func(_ *file, t string) string { return replaceOnce(t, "7 1\n", "7 2\n") })).checks("warnings"),
		row("x05-swapped", "X05", "the entries of two objects are swapped", dssTail(swapEntries)).checks("warnings"),
		row("x06-hybrid", "X06", "a later revision with XRefStm, whose stream has another page", hybridTail),
		row("x06-hybrid-base", "X06", "the first revision is a hybrid one whose table and stream disagree about the page contents, then it is signed",
			func() []byte { return hybridBase(pageText(forgery)) }),
	}
}

func swapEntries(_ *file, r *revision) {
	r.entries = func(at map[int]int) {
		for n := range at {
			if n != objDSS {
				at[objDSS], at[n] = at[n], at[objDSS]
			}
		}
	}
}

func bodies() []*attack {
	return []*attack{
		row("x07-twice", "X07", "the same object twice in a later revision", dssTail(func(_ *file, r *revision) {
			r.bodies = func(text string) string { return text + text[:strings.Index(text, "endobj\n")+len("endobj\n")] }
		})),
		row("x08-length", "X08", "a stream of a later revision with a Length too small", dssTail(shortLength)).checks("warnings"),
		row("x09-comment", "X09", "a comment between the objects of a later revision", dssTail(commented)),
		row("x09-no-endobj", "X09", "an object of a later revision without endobj", dssTail(func(_ *file, r *revision) {
			r.bodies = func(text string) string { return text[:len(text)-len("endobj\n")] + "       \n"[1:] }
		})),
	}
}

func shortLength(_ *file, r *revision) {
	for n, s := range r.set {
		if i := strings.Index(s, "/Length "); i >= 0 {
			r.set[n] = "<</Length 9" + s[i+strings.Index(s[i:], ">>"):]
		}
	}
}

// commented puts a comment that reads like an object before the others.
func commented(_ *file, r *revision) {
	const comment = "% 4 0 obj\n"
	r.bodies = func(text string) string { return comment + text }
	r.entries = func(at map[int]int) {
		for n := range at {
			at[n] += len(comment)
		}
	}
}

func dictionaries() []*attack {
	more := func(entries string) func() []byte {
		return dictionary(func(d string) string { return strings.TrimSuffix(d, ">>") + entries + ">>" })
	}
	return []*attack{
		row("x10-contents-twice", "X10", "/Contents twice in the signature dictionary", more("/Contents<00>")).sees("invalid").checks("warnings"),
		row("x10-v-twice", "X10", "/V twice in the signature field", func() []byte {
			return honest(signing{number: 19, fieldEntries: "/V 18 0 R", change: func(r *revision) { r.set[18] = "<</Type/Sig/Filter/Adobe.PPKLite>>" }}).b
		}).sees("unverified").checks("warnings"),
		row("x11-contents-nested", "X11", "/Contents of the signature is an array in an array", gapFrom(func(hex string) string { return "[[<" + hex[:len(hex)-4] + ">]]" })).
			sees("unverified"),
		row("x11-page-nested", "X11", "a later revision makes the page's /Contents an array in an array", func() []byte {
			f := honest(signing{})
			f.commit(revision{set: map[int]string{objPage: f.replaced(objPage, "/Contents 4 0 R", "/Contents[[4 0 R]]")}})
			return f.b
		}).checks("warnings"),
		row("x16-escaped", "X16", "/Contents and /Con#74ents in the signature dictionary", more("/Con#74ents<00>")).sees("invalid").checks("warnings"),
		row("x16-range", "X16", "/ByteRange and /Byte#52ange in the signature dictionary", more("/Byte#52ange[0 1 2 3]")).sees("mismatch").checks("warnings"),
		row("x16-value", "X16", "/V and /#56 in the signature field", func() []byte {
			return honest(signing{number: 19, fieldEntries: "/#56 18 0 R", change: func(r *revision) { r.set[18] = "<</Type/Sig/Filter/Adobe.PPKLite>>" }}).b
		}).sees("unverified").checks("warnings"),
	}
}

func catalogs() []*attack {
	return []*attack{
		row("x12-count", "X12", "a later revision changes the Count of the page tree", func() []byte {
			f := honest(signing{})
			f.commit(revision{set: map[int]string{objPages: f.replaced(objPages, "/Count 1", "/Count 2")}})
			return f.b
		}).sees("valid").checks("clean"),
		row("x12-other-root", "X12", "a later revision has another catalog", func() []byte {
			f := honest(signing{})
			n := f.alloc()
			f.alloc()
			f.commit(revision{root: fmt.Sprintf("%d 0 R", n), set: map[int]string{n: f.body[objCatalog], objContents: pageText(forgery)}})
			return f.b
		}).sees("valid").shows(forgery),
		row("x12-replaced-root", "X12", "a later revision has an equal catalog under another number, and the next one with other pages", func() []byte {
			f := honest(signing{})
			n := f.alloc()
			f.commit(revision{root: fmt.Sprintf("%d 0 R", n), set: map[int]string{n: f.body[objCatalog]}})
			pages, page, contents := f.alloc(), f.alloc(), f.alloc()
			f.commit(revision{root: fmt.Sprintf("%d 0 R", n), set: map[int]string{
				n:        replaceOnce(f.body[objCatalog], "/Pages 2 0 R", fmt.Sprintf("/Pages %d 0 R", pages)),
				pages:    fmt.Sprintf("<</Type/Pages/Kids[%d 0 R]/Count 1>>", page),
				page:     strings.NewReplacer("/Parent 2 0 R", fmt.Sprintf("/Parent %d 0 R", pages), "/Contents 4 0 R", fmt.Sprintf("/Contents %d 0 R", contents)).Replace(f.body[objPage]),
				contents: pageText(forgery),
			}})
			return f.b
		}).sees("valid").shows(forgery),
		row("x12-no-root", "X12", "a later trailer has no Root", dssTail(func(_ *file, r *revision) { r.root = "-" })),
		row("x12-no-root-frees", "X12", "a later trailer has no Root, and its revision frees the page contents", func() []byte {
			f := honest(signing{})
			f.commit(revision{root: "-", free: []int{objContents}})
			return f.b
		}),
	}
}

func objectStreams() []*attack {
	return []*attack{
		row("x13-compressed", "X13", "the signature dictionary stands in an object stream without filter", compressedSignature).sees("valid").checks("clean"),
		row("x13-nested", "X13", "an object stream of a later revision stands in an object stream", func() []byte {
			inner := stream("/Type/ObjStm/N 1/First 4", "7 0 <</Type/DSS>>")
			return packed(map[int]string{30: stream("/Type/ObjStm/N 1/First 5", "31 0 "+inner)}, map[int]int{31: -30, objDSS: -31})
		}).checks("warnings"),
		row("x13-both", "X13", "the security store stands in an object stream and plain, the entry names the stream", func() []byte {
			return packed(map[int]string{30: stream("/Type/ObjStm/N 1/First 4", "7 0 <</Type/DSS>>"), objDSS: "<</Type/DSS/CRLs[8 0 R]>>"}, map[int]int{objDSS: -30})
		}).checks("clean"),
		row("x13-extends-loop", "X13", "an object stream of a later revision extends itself", func() []byte {
			return packed(map[int]string{30: stream("/Type/ObjStm/N 1/First 5/Extends 30 0 R", "31 0 <</Contoh 1>>")}, map[int]int{31: -30})
		}).checks("clean"),
	}
}

// packed is an honest letter with a later revision of these objects, whose
// cross-reference stream has these entries besides (-n: in object stream n).
func packed(set map[int]string, entries map[int]int) []byte {
	f := letter(nil, emptyCRL())
	f.xrefs = true
	f.sign(signing{})
	f.size = max(f.size, 40)
	f.commit(revision{set: set, entries: func(at map[int]int) {
		for n, off := range entries {
			at[n] = off
		}
	}})
	return f.b
}

// twofold are signed files that two readers show in two ways.
func twofold() []*attack {
	return []*attack{
		row("x10-page-twice", "X10", "/Contents twice in the page, before it was signed", func() []byte {
			f := letter(func(_ *file, r *revision) {
				r.set[20] = pageText(forgery)
				r.set[objPage] = replaceOnce(r.set[objPage], "/Contents 4 0 R", "/Contents 20 0 R/Contents 4 0 R")
			}, emptyCRL())
			f.sign(signing{change: func(r *revision) { delete(r.set, objPage) }})
			return f.b
		}).is(indeterminate, "SIG_CONSTRAINTS_FAILURE").sees("valid").checks("warnings"),
	}
}

// identityCrypt is an encryption dictionary that the empty password opens and
// that encrypts nothing (ISO 32000-2 §7.6.6); /O and /U are those of Algorithms
// 3 and 5 for /P -4 and the file's first ID.
const identityCrypt = "/Encrypt<</Filter/Standard/V 4/R 4/Length 128/P -4/CF<<>>/StmF/Identity/StrF/Identity" +
	"/O<36451BD39D753B7C1D10922C28E6665AA4F3353FB0348B536893E3B1DB5C579B>" +
	"/U<F35BC9484E2E30CE7CA43391B3EF7FCC00000000000000000000000000000000>>>"

// encryptions are the variations of X14.
func encryptions() []*attack {
	return []*attack{
		row("x14-encrypt-added", "X14", "a later trailer has an Encrypt dictionary", dssTail(func(_ *file, r *revision) {
			r.extra = "/Encrypt<</Filter/Standard/V 1/R 2/O<" + strings.Repeat("00", 32) + ">/U<" + strings.Repeat("00", 32) + ">/P -4>>"
		})).malformed().is(unreadable).sees("unreadable").checks("errors"),
		row("x14-identity-added", "X14", "a later trailer has an Encrypt dictionary that the empty password opens and that encrypts nothing (PDFex)",
			dssTail(func(_ *file, r *revision) { r.extra = identityCrypt })).malformed().sees("valid").checks("clean"),
		row("x14-identity-removed", "X14", "signed with an Encrypt dictionary that a later trailer leaves out", func() []byte {
			f := identityLetter()
			f.commit(revision{set: map[int]string{f.alloc(): "(x)"}})
			return f.b
		}).malformed().sees("valid").checks("clean"),
		row("x14-identity", "X14", "signed with an Encrypt dictionary that the empty password opens and that encrypts nothing", func() []byte {
			return identityLetter().b
		}).passes().sees("valid").checks("clean"),
		row("x14-recipients", "X14", "a file encrypted for the holders of private keys", dssTail(func(_ *file, r *revision) {
			r.extra = "/Encrypt<</Filter/Adobe.PubSec/V 4/SubFilter/adbe.pkcs7.s5/Recipients[<3000>]>>"
		})).is(unreadable).sees("unreadable").checks("errors"),
		row("x14-password", "X14", "a file that only a password opens", encrypted).is(unreadable).sees("unreadable").checks("errors"),
	}
}

func identityLetter() *file {
	f := letter(func(_ *file, r *revision) { r.extra = identityCrypt }, emptyCRL())
	f.sign(signing{change: func(r *revision) { r.extra = identityCrypt }})
	return f
}

// harmless are files that look like attacks of this kind and have one reading.
func harmless() []*attack {
	return []*attack{
		row("x06-hybrid-equal", "X06", "the first revision is a hybrid one whose table and stream agree, then it is signed",
			func() []byte { return hybridBase("") }).passes().sees("valid").checks("clean").shows(truth),
		row("x04-prev-zero", "X04", "Prev 0 in the only revision before the signature", func() []byte {
			f := letter(func(_ *file, r *revision) { r.prev = "0" }, emptyCRL())
			f.sign(signing{})
			return f.b
		}).passes().warned().sees("valid").shows(truth).checks("clean"),
		row("x04-prev-zero-alone", "X04", "Prev 0 in the only revision, which holds the signature", func() []byte {
			l := letter(nil, emptyCRL())
			f := &file{body: l.body, at: map[int]int{}, size: l.size, b: []byte("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")}
			f.sign(signing{change: func(r *revision) {
				r.prev = "0"
				for n, s := range l.body {
					if r.set[n] == "" {
						r.set[n] = s
					}
				}
			}})
			return f.b
		}).passes().warned().sees("valid").shows(truth).checks("clean"),
		row("x12-no-root-orphan", "X12", "a later trailer has no Root, and its revision frees an object that does not exist", func() []byte {
			f := honest(signing{})
			f.alloc()
			f.commit(revision{root: "-", free: []int{f.alloc()}})
			return f.b
		}).passes().warned().sees("valid"),
		row("x16-one-name", "X16", "/Con#74ents is the only /Contents: all readers that follow the standard agree", dictionary(func(d string) string {
			return replaceOnce(d, "/Contents", "/Con#74ents")
		})).passes().sees("valid").checks("clean"),
		row("x17-embedded-pdf", "X17", "an attached PDF with its own %%EOF and signature-like text", embeddedPDF).passes().sees("valid").checks("clean"),
		row("x17-objects-in-stream", "X17", "a stream of a later revision holds the text of objects, a table and %%EOF", func() []byte {
			f := honest(signing{})
			text := f.bodyText(0, f.only(objContents, objPage), map[int]int{})
			f.commit(revision{set: map[int]string{f.alloc(): stream("", text+"endstream\nendobj\nxref\n0 0\ntrailer\n<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n")}})
			return f.b
		}).malformed().sees("valid").checks("clean").shows(truth),
	}
}

func embeddedPDF() []byte {
	f := letter(func(_ *file, r *revision) {
		r.set[20] = stream("/Type/EmbeddedFile", string(honest(signing{}).b))
		r.set[21] = "<</Type/Filespec/F(surat.pdf)/EF<</F 20 0 R>>>>"
		r.set[objCatalog] = replaceOnce(r.set[objCatalog], "/DSS", "/Names<</EmbeddedFiles<</Names[(surat.pdf)21 0 R]>>>>/DSS")
	}, emptyCRL())
	f.sign(signing{})
	return f.b
}

// hybridBase is a letter whose first revision has an /XRefStm. Its stream has
// the entry of the page contents, or of another object with that number.
func hybridBase(other string) []byte {
	const self = 20
	f := letter(func(f *file, r *revision) {
		f.size = self + 1
		start := len(f.b)
		r.extra = "/XRefStm "
		r.bodies = func(text string) string {
			at := start + strings.Index(text, "4 0 obj")
			if other != "" {
				at = start + len(text)
				text += f.bodyText(at, map[int]string{objContents: other}, map[int]int{})
			}
			r.extra += fmt.Sprint(start + len(text))
			data := string([]byte{1, byte(at >> 16), byte(at >> 8), byte(at), 0})
			return text + f.bodyText(0, map[int]string{self: stream("/Type/XRef/W[1 3 1]/Index[4 1]/Size 21", data)}, map[int]int{})
		}
		r.table = func(t string) string { return replaceOnce(t, "/XRefStm ", r.extra) }
	}, emptyCRL())
	f.sign(signing{})
	return f.b
}

// hybridTail hides another page in the stream that XRefStm names.
func hybridTail() []byte {
	f := honest(signing{})
	self := f.alloc()
	start := len(f.b)
	head := func(data string) string {
		return f.bodyText(start, map[int]string{self: stream(fmt.Sprintf("/Type/XRef/W[1 3 1]/Index[4 1]/Size %d", f.size), data)}, map[int]int{})
	}
	at := start + len(head("\x01___\x00"))
	bodies := head(fmt.Sprintf("\x01%c%c%c\x00", 0, 0, 0))
	bodies = strings.Replace(bodies, "\x01\x00\x00\x00\x00", string([]byte{1, byte(at >> 16), byte(at >> 8), byte(at), 0}), 1)
	bodies += f.bodyText(at, f.only(objContents), map[int]int{})
	f.commit(revision{set: map[int]string{}, bodies: func(string) string { return bodies }, extra: fmt.Sprintf("/XRefStm %d", start),
		entries: func(m map[int]int) { m[0] = -1 }})
	return f.b
}

// compressedSignature puts the dictionary in an object stream.
func compressedSignature() []byte {
	f := letter(nil, emptyCRL())
	f.xrefs = true
	f.sign(signing{number: 19, change: func(r *revision) {
		r.set[20] = stream("/Type/ObjStm/N 1/First 5", "19 0 "+r.set[19])
		delete(r.set, 19)
		r.entries = func(at map[int]int) { at[19] = -20 }
	}})
	return f.b
}

// encrypted is the generator's own input that needs a password.
func encrypted() []byte {
	for _, in := range pdfmake.Inputs() {
		if in.Name == "aes-128" {
			return in.Build()
		}
	}
	panic("pdfmake has no aes-128")
}
