package main

import (
	"bytes"
	"fmt"
	"strings"
)

// forgeries are the Universal Signature Forgeries: files whose signature
// dictionary invites a verifier to skip a step. In each the digest over all but
// the gap is right, so that whoever guesses the missing values is fooled.
func forgeries() []*attack {
	return append(append(append(contentsForgeries(), rangeForgeries()...), kindForgeries()...), fieldForgeries()...)
}

func gapText(text string) func() []byte {
	return func() []byte {
		return honest(signing{contents: func(string, int) string { return text }}).b
	}
}

func gapFrom(f func(hex string) string) func() []byte {
	return func() []byte {
		return honest(signing{contents: func(hex string, _ int) string { return f(hex) }}).b
	}
}

func contentsForgeries() []*attack {
	return []*attack{
		row("u01-contents-empty", "U01", "/Contents is <>", gapText("<>")).malformed().sees("invalid"),
		row("u02-contents-00", "U02", "/Contents is <00>", gapText("<00>")).malformed().sees("invalid"),
		row("u03-contents-null", "U03", "/Contents is null", gapText("null")).malformed().sees("unverified"),
		row("u04-contents-no-value", "U04", "/Contents has no value", func() []byte {
			return honest(signing{early: true, contents: func(string, int) string { return "" }}).b
		}).malformed().sees("unverified"),
		row("u05-contents-absent", "U05", "no /Contents", func() []byte {
			return honest(signing{dict: func(d string) string {
				i := strings.Index(d, "/Contents")
				return d[:i] + ">>"
			}}).b
		}).malformed().sees("unverified"),
		row("u06-odd", "U06", "an odd number of hexadecimal digits", gapFrom(func(h string) string { return "<" + h[:len(h)-1] + ">" })).malformed().sees("valid"),
		row("u06-not-hex", "U06", "a letter that is no hexadecimal digit", gapFrom(func(h string) string { return "<" + h[:len(h)-2] + "0G>" })).malformed().sees("valid"),
		row("u06-literal", "U06", "/Contents is a literal string", gapText("("+strings.Repeat("0", 40)+")")).malformed().sees("invalid"),
		row("u06-indirect", "U06", "/Contents is a reference to a string", func() []byte {
			return honest(signing{contents: func(string, int) string { return "19 0 R" }, change: func(r *revision) {
				r.set[19] = fmt.Sprintf("<%X>", signWith(signer, []byte("x")).der())
			}}).b
		}).malformed().sees("mismatch"),
		row("u06-array", "U06", "/Contents is an array of strings", gapFrom(func(h string) string {
			return "[<" + h[:200] + "><" + strings.TrimRight(h[200:len(h)-20], "0") + "00>]"
		})).malformed().sees("unverified"),
		row("u07-other-document", "U07", "the CMS is that of another document", func() []byte {
			return honest(signing{cms: func([]byte) *signedData { return signWith(signer, []byte("another document")) }}).b
		}).is(failed, "HASH_FAILURE").sees("mismatch"),
		row("u07-altered", "U07", "one digit of the page was changed in the signed bytes", func() []byte {
			return bytes.Replace(honest(signing{}).b, []byte(truth), []byte(forgery), 1)
		}).is(failed, "HASH_FAILURE").sees("mismatch").shows(forgery),
		row("u08-truncated", "U08", "the CMS is cut in the middle", func() []byte {
			return honest(signing{room: 900, der: func(b []byte) []byte { return b[:len(b)/2] }}).b
		}).malformed().sees("invalid"),
		row("u08-random", "U08", "the CMS is noise", func() []byte {
			return honest(signing{der: func(b []byte) []byte { return bytes.Repeat(hash("SHA-256", []byte("noise")), 20) }}).b
		}).malformed().sees("invalid"),
		row("u08-zero", "U08", "the CMS is all zero", gapFrom(func(h string) string { return "<" + strings.Repeat("0", len(h)) + ">" })).malformed().sees("invalid"),
	}
}

func ranged(f func(b, c, d int) string) func() []byte {
	return func() []byte { return honest(signing{byteRange: f}).b }
}

func rangeText(s string) func() []byte { return ranged(func(_, _, _ int) string { return s }) }

func rangeForgeries() []*attack {
	rows := []*attack{
		row("u12-range-null", "U12", "/ByteRange is null", rangeText("null")).sees("unverified"),
		row("u13-range-empty", "U13", "/ByteRange is an empty array", rangeText("[]")).sees("unverified"),
		row("u14-range-absent", "U14", "no /ByteRange", func() []byte {
			return honest(signing{dict: func(d string) string {
				return strings.Replace(d, "/ByteRange "+strings.Repeat("R", rangeRoom), "", 1)
			}}).b
		}).sees("unverified"),
		row("u15-range-two", "U15", "two numbers", ranged(func(b, _, _ int) string { return fmt.Sprintf("[0 %d]", b) })).sees("mismatch"),
		row("u15-range-three", "U15", "three numbers", ranged(func(b, c, _ int) string { return fmt.Sprintf("[0 %d %d]", b, c) })).sees("mismatch"),
		row("u16-range-five", "U16", "five numbers", ranged(func(b, c, d int) string { return fmt.Sprintf("[0 %d %d %d 0]", b, c, d) })).sees("valid"),
		row("u16-range-six", "U16", "six numbers, the second range in two parts", ranged(func(b, c, d int) string {
			return fmt.Sprintf("[0 %d %d %d %d %d]", b, c, 10, c+10, d-10)
		})).sees("valid"),
		row("u17-range-negative", "U17", "a negative length", ranged(func(b, c, d int) string { return fmt.Sprintf("[0 %d %d -%d]", b, c, d) })).sees("unverified"),
		row("u17-range-beyond", "U17", "it ends beyond the end of the file", ranged(func(b, c, d int) string { return fmt.Sprintf("[0 %d %d %d]", b, c, d+1) })).sees("unverified"),
		row("u18-range-real", "U18", "real numbers", ranged(func(b, c, d int) string { return fmt.Sprintf("[0.0 %d.0 %d.0 %d.0]", b, c, d) })).sees("unverified"),
		row("u19-range-2-31", "U19", "an offset that wraps in 32 bits", ranged(func(b, c, d int) string { return fmt.Sprintf("[0 %d %d %d]", b, c+1<<32, d) })).sees("unverified"),
		row("u19-range-2-63", "U19", "a number beyond 64 bits", ranged(func(b, c, _ int) string { return fmt.Sprintf("[0 %d %d 18446744073709551616]", b, c) })).sees("unverified"),
		row("u20-range-strings", "U20", "strings instead of numbers", ranged(func(b, c, d int) string { return fmt.Sprintf("[(0)(%d)(%d)(%d)]", b, c, d) })).sees("unverified"),
		row("u20-range-names", "U20", "names instead of numbers", ranged(func(b, c, d int) string { return fmt.Sprintf("[/0/%d/%d/%d]", b, c, d) })).sees("unverified"),
		row("u21-range-nested", "U21", "an array in an array", ranged(func(b, c, d int) string { return fmt.Sprintf("[[0 %d %d %d]]", b, c, d) })).sees("unverified"),
		row("u21-range-indirect", "U21", "a reference in the place of the last number", func() []byte {
			return honest(signing{byteRange: func(b, c, _ int) string { return fmt.Sprintf("[0 %d %d 19 0 R]", b, c) },
				change: func(r *revision) { r.set[19] = "500" }}).b
		}).sees("unverified"),
		row("u22-range-start", "U22", "it begins at offset 9, behind the header", func() []byte {
			return honest(signing{byteRange: func(b, c, d int) string { return fmt.Sprintf("[9 %d %d %d]", b-9, c, d) },
				covered: func(b []byte, start, end int) []byte { return cat(b[9:start], b[end:]) }}).b
		}).sees("valid"),
		row("u22-range-short", "U22", "it ends before the trailer of its revision", func() []byte {
			return honest(signing{byteRange: func(b, c, d int) string { return fmt.Sprintf("[0 %d %d %d]", b, c, d-60) },
				covered: func(b []byte, start, end int) []byte { return cat(b[:start], b[end:len(b)-60]) }}).b
		}).sees("valid"),
		row("u23-range-overlap", "U23", "the ranges overlap", ranged(func(b, c, d int) string { return fmt.Sprintf("[0 %d %d %d]", b, b-20, d) })).sees("mismatch"),
		row("u24-range-reversed", "U24", "the second range comes first", func() []byte {
			return honest(signing{byteRange: func(b, c, d int) string { return fmt.Sprintf("[%d %d 0 %d]", c, d, b) },
				covered: func(b []byte, start, end int) []byte { return cat(b[end:], b[:start]) }}).b
		}).sees("valid"),
		row("u24-range-zero", "U24", "the first range has no length", func() []byte {
			return honest(signing{byteRange: func(b, c, d int) string { return fmt.Sprintf("[0 0 %d %d]", c, d) },
				covered: func(b []byte, _, end int) []byte { return b[end:] }}).b
		}).sees("valid"),
	}
	for _, a := range rows {
		a.malformed()
	}
	return rows
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func dictionary(f func(string) string) func() []byte {
	return func() []byte { return honest(signing{dict: f}).b }
}

func kindForgeries() []*attack {
	drop := func(s string) func(string) string { return func(d string) string { return replaceOnce(d, s, "") } }
	return []*attack{
		row("u25-no-filter", "U25", "no /Filter", dictionary(drop("/Filter/Adobe.PPKLite"))).malformed().sees("valid"),
		row("u25-no-subfilter", "U25", "no /SubFilter", dictionary(drop("/SubFilter/ETSI.CAdES.detached"))).malformed().sees("unverified"),
		row("u25-unknown-subfilter", "U25", "an unknown /SubFilter", dictionary(subFilter("Contoh.detached"))).malformed().sees("unverified"),
		row("u25-x509-rsa-sha1", "U25", "/SubFilter adbe.x509.rsa_sha1", dictionary(subFilter("adbe.x509.rsa_sha1"))).malformed().sees("unverified"),
		row("u25-pkcs7-sha1", "U25", "/SubFilter adbe.pkcs7.sha1", func() []byte {
			return honest(signing{dict: subFilter("adbe.pkcs7.sha1"), cms: func(b []byte) *signedData {
				sd := signWith(signer, hash("SHA-1", b))
				sd.eContent = hash("SHA-1", b)
				return sd
			}}).b
		}).malformed().sees("mismatch"),
	}
}

// pointing returns a signed letter whose field has another /V.
func pointing(v string, set map[int]string) []byte {
	f := letter(func(f *file, r *revision) {
		f.fields, f.annots, f.size = []int{9}, []int{9}, 12
		r.set[9] = "<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature1)/Rect[0 0 0 0]/F 132/P 3 0 R" + v + ">>"
		for n, s := range set {
			r.set[n] = s
		}
		r.set[objPage], r.set[objAcroForm] = f.page(), f.form()
	})
	return f.b
}

func fieldForgeries() []*attack {
	return []*attack{
		row("u26-v-number", "U26", "the field's /V is a number", func() []byte { return pointing("/V 10 0 R", map[int]string{10: "42"}) }).malformed().sees("unsigned"),
		row("u26-v-dangling", "U26", "the field's /V is a reference to nothing", func() []byte { return pointing("/V 77 0 R", nil) }).malformed().sees("unsigned"),
		row("u27-empty-field", "U27", "the field has no /V", func() []byte { return pointing("", nil) }).is(noSignature).sees("unsigned"),
		row("u28-orphan", "U28", "a signature dictionary that no field refers to", func() []byte {
			f := letter(nil, emptyCRL())
			f.sign(signing{change: func(r *revision) {
				for n, s := range r.set {
					if strings.Contains(s, "/FT/Sig") {
						r.set[n] = "<</Type/Annot/Subtype/Text/Rect[0 0 0 0]/F 2/P 3 0 R/Old " + s[strings.Index(s, "/V ")+3:]
					}
				}
				r.set[objAcroForm] = f.body[objAcroForm]
			}})
			return f.b
		}).is(noSignature).warned().sees("none"),
		row("u29-two-fields", "U29", "two fields refer to one signature dictionary", func() []byte {
			f := letter(nil, emptyCRL())
			f.sign(signing{number: 19, change: func(r *revision) {
				r.set[18] = "<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature2)/Rect[0 0 0 0]/F 132/P 3 0 R/V 19 0 R>>"
				for _, n := range []int{objPage, objAcroForm} {
					list := refs(f.fields)
					r.set[n] = replaceOnce(r.set[n], list, list[:len(list)-1]+" 18 0 R]")
				}
			}})
			return f.b
		}).malformed().sees("valid valid"),
	}
}
