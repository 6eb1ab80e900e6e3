package pades_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
)

const emptyField = "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Kadis) /Rect [10 10 110 60] /P 3 0 R "

// locked builds a document in which the field Bupati, once signed, applies
// lock; Kadis is empty.
func locked(lock string) []byte {
	return form("4 0 R 5 0 R", emptyField+">>",
		"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Bupati) /Rect [0 0 0 0] /P 3 0 R /Lock << /Type /SigFieldLock "+lock+" >> >>")
}

func TestRefusals(t *testing.T) {
	letter := func(t *testing.T) *pdf.Document { return open(t, testfile.Letter(t).Bytes(t), "") }
	certified := func(p int) func(*testing.T) *pdf.Document {
		return func(t *testing.T) *pdf.Document {
			return sign(t, open(t, form("4 0 R", emptyField+">>"), ""), pades.SignatureSpec{Certify: p}, 1)
		}
	}
	file := func(b []byte) func(*testing.T) *pdf.Document {
		return func(t *testing.T) *pdf.Document { return open(t, b, "") }
	}
	afterLock := func(lock string) func(*testing.T) *pdf.Document {
		return func(t *testing.T) *pdf.Document {
			return sign(t, open(t, locked(lock), ""), pades.SignatureSpec{Field: "Bupati"}, 1)
		}
	}
	withSeed := func(sv string) func(*testing.T) *pdf.Document {
		return file(form("4 0 R", emptyField+"/SV << "+sv+" >> >>"))
	}
	stamp := pades.SignatureSpec{Kind: pades.KindDocTimestamp}
	tests := []struct {
		name string
		doc  func(*testing.T) *pdf.Document
		spec pades.SignatureSpec
		code string // "" is allowed
	}{
		{"P=1", certified(1), pades.SignatureSpec{}, "certified-p1"},
		{"P=1, existing field", certified(1), pades.SignatureSpec{Field: "Kadis"}, "certified-p1"},
		{"P=1, timestamp", certified(1), stamp, ""},
		{"P=1, timestamp in an existing field", certified(1), pades.SignatureSpec{Kind: pades.KindDocTimestamp, Field: "Kadis"}, "certified-p1"},
		{"P=2, invisible", certified(2), pades.SignatureSpec{}, ""},
		{"P=2, visible in an existing field", certified(2), pades.SignatureSpec{Field: "Kadis", Appearance: &pades.Appearance{Form: appearance}}, ""},
		{"P=2, new visible field", certified(2), pades.SignatureSpec{Appearance: visible(1)}, "certified-visible"},
		{"P=3, new visible field", certified(3), pades.SignatureSpec{Appearance: visible(1)}, "certified-visible"},
		{"second certification", certified(2), pades.SignatureSpec{Certify: 2}, "not-first"},
		{"certification after an approval", func(t *testing.T) *pdf.Document { return sign(t, letter(t), pades.SignatureSpec{}, 1) }, pades.SignatureSpec{Certify: 2}, "not-first"},
		{"certification after a timestamp", func(t *testing.T) *pdf.Document { return sign(t, letter(t), stamp, 1) }, pades.SignatureSpec{Certify: 2}, "not-first"},
		{"Perms without a field", file(build("<< /Type /Catalog /Pages 2 0 R /Perms << /DocMDP 4 0 R >> >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", "<< /Type /Page /Parent 2 0 R >>", "<< /Type /Sig >>")), pades.SignatureSpec{}, "certified-p1"},

		{"lock All", afterLock("/Action /All"), pades.SignatureSpec{}, "field-locked"},
		{"lock All, existing field", afterLock("/Action /All"), pades.SignatureSpec{Field: "Kadis"}, "field-locked"},
		{"lock All, timestamp", afterLock("/Action /All"), stamp, ""},
		{"lock All, timestamp in an existing field", afterLock("/Action /All"), pades.SignatureSpec{Kind: pades.KindDocTimestamp, Field: "Kadis"}, "field-locked"},
		{"lock Include another", afterLock("/Action /Include /Fields [(Camat)]"), pades.SignatureSpec{Field: "Kadis"}, ""},
		{"lock Include it", afterLock("/Action /Include /Fields [(Kadis)]"), pades.SignatureSpec{Field: "Kadis"}, "field-locked"},
		{"lock Include a prefix", afterLock("/Action /Include /Fields [(Kad)]"), pades.SignatureSpec{Field: "Kadis"}, ""},
		{"lock Include a new name", afterLock("/Action /Include /Fields [(Signature1)]"), pades.SignatureSpec{Field: "Signature1"}, "field-locked"},
		{"lock Include evaded by another new name", afterLock("/Action /Include /Fields [(Signature1)]"), pades.SignatureSpec{}, ""},
		{"lock Exclude it", afterLock("/Action /Exclude /Fields [(Kadis)]"), pades.SignatureSpec{Field: "Kadis"}, ""},
		{"lock Exclude another", afterLock("/Action /Exclude /Fields [(Camat)]"), pades.SignatureSpec{Field: "Kadis"}, "field-locked"},
		{"lock with an unknown action", afterLock("/Action /Nothing"), pades.SignatureSpec{Field: "Kadis"}, "field-locked"},
		{"lock P=1", afterLock("/Action /Include /Fields [] /P 1"), pades.SignatureSpec{Field: "Kadis"}, "certified-p1"},
		{"lock P=2, new visible field", afterLock("/Action /Include /Fields [] /P 2"), pades.SignatureSpec{Appearance: visible(1)}, "certified-visible"},
		{"lock P out of range", afterLock("/Action /Include /Fields [] /P 9"), pades.SignatureSpec{Field: "Kadis"}, "certified-p1"},
		{"lock asked for twice", file(locked("/Action /All")), pades.SignatureSpec{Field: "Bupati", LockFields: &pades.FieldMDP{Action: "All"}}, "field-lock"},

		{"signed field", afterLock("/Action /Include /Fields []"), pades.SignatureSpec{Field: "Bupati"}, "field-signed"},
		{"dangling value", file(form("4 0 R", emptyField+"/V 99 0 R >>")), pades.SignatureSpec{Field: "Kadis"}, "field-signed"},
		{"text field", file(form("4 0 R", "<< /FT /Tx /T (Kadis) >>")), pades.SignatureSpec{Field: "Kadis"}, "field-type"},
		{"field without type", file(form("4 0 R", "<< /T (Kadis) >>")), pades.SignatureSpec{Field: "Kadis"}, "field-type"},
		{"two fields of that name", file(form("4 0 R 5 0 R", emptyField+">>", emptyField+">>")), pades.SignatureSpec{Field: "Kadis"}, "field-ambiguous"},
		{"new field with a dot", letter, pades.SignatureSpec{Field: "dinas.Kadis"}, "field-name"},
		{"read-only field", file(form("4 0 R", emptyField+"/Ff 1 >>")), pades.SignatureSpec{Field: "Kadis"}, "field-locked"},
		{"appearance in an invisible field", file(locked("/Action /All")), pades.SignatureSpec{Field: "Bupati", Appearance: &pades.Appearance{Form: appearance}}, "field-invisible"},
		{"page 0", letter, pades.SignatureSpec{Appearance: visible(0)}, "page-missing"},
		{"page -2", letter, pades.SignatureSpec{Appearance: visible(-2)}, "page-missing"},
		{"page 1000", letter, pades.SignatureSpec{Appearance: visible(1000)}, "page-missing"},
		{"dynamic XFA", file(build("<< /Type /Catalog /Pages 2 0 R /NeedsRendering true >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", "<< /Type /Page /Parent 2 0 R >>")), pades.SignatureSpec{}, "xfa-dynamic"},

		{"seed: wishes only", withSeed("/SubFilter [/adbe.pkcs7.detached] /Reasons [(Setuju)] /DigestMethod [(SHA1)]"), pades.SignatureSpec{Field: "Kadis"}, ""},
		{"seed: other SubFilter", withSeed("/Ff 2 /SubFilter [/adbe.pkcs7.sha1]"), pades.SignatureSpec{Field: "Kadis"}, "seed-value"},
		{"seed: our SubFilter", withSeed("/Ff 2 /SubFilter [/adbe.pkcs7.detached /ETSI.CAdES.detached]"), pades.SignatureSpec{Field: "Kadis"}, ""},
		{"seed: other Filter", withSeed("/Ff 1 /Filter /Other.Handler"), pades.SignatureSpec{Field: "Kadis"}, "seed-value"},
		{"seed: reason missing", withSeed("/Ff 8 /Reasons [(Setuju)]"), pades.SignatureSpec{Field: "Kadis"}, "seed-value"},
		{"seed: reason given", withSeed("/Ff 8 /Reasons [(Setuju)]"), pades.SignatureSpec{Field: "Kadis", Reason: "Setuju"}, ""},
		{"seed: no reason wanted", withSeed("/Ff 8 /Reasons [(.)]"), pades.SignatureSpec{Field: "Kadis"}, ""},
		{"seed: revocation data in the CMS", withSeed("/Ff 32 /AddRevInfo true"), pades.SignatureSpec{Field: "Kadis"}, "seed-value"},
		{"seed: digest unknown", withSeed("/Ff 64 /DigestMethod [(SHA256)]"), pades.SignatureSpec{Field: "Kadis"}, "seed-value"},
		{"seed: digest fits", withSeed("/Ff 64 /DigestMethod [(SHA256) (SHA512)]"), pades.SignatureSpec{Field: "Kadis", DigestMethod: "SHA512"}, ""},
		{"seed: certification wanted", withSeed("/MDP << /P 2 >>"), pades.SignatureSpec{Field: "Kadis"}, "seed-value"},
		{"seed: certification given", withSeed("/MDP << /P 2 >>"), pades.SignatureSpec{Field: "Kadis", Certify: 2}, ""},
		{"seed: timestamp missing", withSeed("/TimeStamp << /URL (http://tsa.example) /Ff 1 >>"), pades.SignatureSpec{Field: "Kadis"}, "seed-value"},
		{"seed: timestamp given", withSeed("/TimeStamp << /URL (http://tsa.example) /Ff 1 >>"), pades.SignatureSpec{Field: "Kadis", Timestamped: true}, ""},
		{"seed: certificate", withSeed("/Cert << /Ff 1 /Subject [(x)] >>"), pades.SignatureSpec{Field: "Kadis"}, "seed-value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc := tt.doc(t)
			tt.spec.ContentsSize = 64
			p, err := pades.Prepare(doc.Latest(), tt.spec)
			var refused *pades.RefusedError
			switch {
			case tt.code == "" && err != nil:
				t.Fatalf("refused: %v", err)
			case tt.code != "" && (!errors.As(err, &refused) || refused.Code != tt.code):
				t.Fatalf("got %v, want %s", err, tt.code)
			}
			if err != nil {
				return
			}
			tail, err := p.Embed(blob(2))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range signatures(t, open(t, fileBytes(t, extend(t, doc, tail)), "")) {
				if len(s.Problems) != 0 {
					t.Errorf("%s: %v", s.Field, s.Problems)
				}
			}
		})
	}
}

// TestMistakes are errors of the caller, not of the document.
func TestMistakes(t *testing.T) {
	doc := open(t, testfile.Letter(t).Bytes(t), "")
	nowhere := visible(1)
	nowhere.Rect = pades.Rect{X0: 10, Y0: 10, X1: math.NaN(), Y1: 20}
	tests := []struct {
		name string
		spec pades.SignatureSpec
	}{
		{"no room", pades.SignatureSpec{}},
		{"too much room", pades.SignatureSpec{ContentsSize: 1 << 30}},
		{"P=4", pades.SignatureSpec{ContentsSize: 9, Certify: 4}},
		{"SubFilter", pades.SignatureSpec{ContentsSize: 9, SubFilter: "adbe.pkcs7.sha1"}},
		{"timestamp as CAdES", pades.SignatureSpec{ContentsSize: 9, Kind: pades.KindDocTimestamp, SubFilter: pades.SubFilterCAdES}},
		{"certifying timestamp", pades.SignatureSpec{ContentsSize: 9, Kind: pades.KindDocTimestamp, Certify: 1}},
		{"appearance without form", pades.SignatureSpec{ContentsSize: 9, Appearance: &pades.Appearance{Page: 1}}},
		{"appearance without area", pades.SignatureSpec{ContentsSize: 9, Appearance: nowhere}},
		{"lock action", pades.SignatureSpec{ContentsSize: 9, LockFields: &pades.FieldMDP{Action: "Some"}}},
	}
	for _, tt := range tests {
		_, err := pades.Prepare(doc.Latest(), tt.spec)
		var refused *pades.RefusedError
		if err == nil || errors.As(err, &refused) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	next := open(t, fileBytes(t, sign(t, doc, pades.SignatureSpec{}, 1)), "")
	if _, err := pades.Prepare(next.Revisions()[0], pades.SignatureSpec{ContentsSize: 9}); err == nil {
		t.Error("an older revision can be signed")
	}
}

// TestCertify: the transform, /Perms, and no digest entries.
func TestCertify(t *testing.T) {
	base := open(t, testfile.Letter(t).Bytes(t), "")
	doc := sign(t, base, pades.SignatureSpec{Certify: 2}, 1)
	s := only(t, doc)
	if s.DocMDP != 2 || s.FieldMDP != nil {
		t.Errorf("DocMDP %d, FieldMDP %v", s.DocMDP, s.FieldMDP)
	}
	catalog, err := doc.Latest().Catalog()
	if err != nil {
		t.Fatal(err)
	}
	perms, _, err := pdf.Lookup[pdf.Dict](doc.Latest(), catalog, "Perms")
	if err != nil || perms["DocMDP"] != pdf.Object(s.Ref) {
		t.Errorf("Perms %v, %v, want DocMDP %v", perms, err, s.Ref)
	}
	checkQPDF(t, fileBytes(t, doc), "")
}

// TestLocks: LockFields and a field's own /Lock both lead to a FieldMDP
// reference, which names the catalog; P stays in the lock dictionary.
func TestLocks(t *testing.T) {
	tests := []struct {
		name string
		file []byte
		spec pades.SignatureSpec
		want pades.FieldMDP
		p    int
	}{
		{"asked for", testfile.Letter(t).Bytes(t), pades.SignatureSpec{LockFields: &pades.FieldMDP{Action: "Exclude", Fields: []string{"a.b", "é"}, P: 2}}, pades.FieldMDP{Action: "Exclude", Fields: []string{"a.b", "é"}}, 2},
		{"asked for in an existing field", locked("/Action /All"), pades.SignatureSpec{Field: "Kadis", LockFields: &pades.FieldMDP{Action: "All"}}, pades.FieldMDP{Action: "All"}, 0},
		{"of the field", locked("/Action /Include /Fields [(Kadis)] /P 3"), pades.SignatureSpec{Field: "Bupati"}, pades.FieldMDP{Action: "Include", Fields: []string{"Kadis"}}, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc := sign(t, open(t, tt.file, ""), tt.spec, 1)
			s := only(t, doc)
			if s.FieldMDP == nil || s.FieldMDP.Action != tt.want.Action || !slices.Equal(s.FieldMDP.Fields, tt.want.Fields) || s.FieldMDP.P != 0 {
				t.Errorf("FieldMDP %+v, want %+v", s.FieldMDP, tt.want)
			}
			if s.DocMDP != 0 {
				t.Errorf("an approval signature has DocMDP %d", s.DocMDP)
			}
			if tt.p != 0 && (s.Lock == nil || s.Lock.P != tt.p) {
				t.Errorf("Lock %+v, want P %d", s.Lock, tt.p)
			}
			ref := s.Dict["Reference"].(pdf.Array)[0].(pdf.Dict)
			if ref["Data"] != pdf.Object(doc.Latest().Root()) {
				t.Errorf("Data is %v", ref["Data"])
			}
		})
	}
}

func TestFieldMDPLocks(t *testing.T) {
	tests := []struct {
		lock *pades.FieldMDP
		name string
		want bool
	}{
		{nil, "a", false},
		{&pades.FieldMDP{Action: "All"}, "a", true},
		{&pades.FieldMDP{Action: "Include", Fields: []string{"a"}}, "a", true},
		{&pades.FieldMDP{Action: "Include", Fields: []string{"a"}}, "a.b", true},
		{&pades.FieldMDP{Action: "Include", Fields: []string{"a"}}, "ab", false},
		{&pades.FieldMDP{Action: "Include", Fields: []string{"a.b"}}, "a", false},
		{&pades.FieldMDP{Action: "Exclude", Fields: []string{"a"}}, "a.b", false},
		{&pades.FieldMDP{Action: "Exclude", Fields: []string{"a"}}, "ab", true},
		{&pades.FieldMDP{Action: ""}, "a", true},
	}
	for _, tt := range tests {
		if got := tt.lock.Locks(tt.name); got != tt.want {
			t.Errorf("%+v locks %q: %v, want %v", tt.lock, tt.name, got, tt.want)
		}
	}
}

// TestReadReferences: what a signature restricts, read from other people's
// dictionaries; damage reads as the strictest.
func TestReadReferences(t *testing.T) {
	all := &pades.FieldMDP{Action: "All"}
	tests := []struct {
		name, reference string
		docMDP          int
		fieldMDP        *pades.FieldMDP
		rule            string
	}{
		{"none", "null", 0, nil, ""},
		{"P absent", "[<< /TransformMethod /DocMDP /TransformParams << >> >>]", 2, nil, ""},
		{"no parameters", "[<< /TransformMethod /DocMDP >>]", 2, nil, ""},
		{"P 3", "[<< /TransformMethod /DocMDP /TransformParams << /P 3 >> >>]", 3, nil, ""},
		{"P 0", "[<< /TransformMethod /DocMDP /TransformParams << /P 0 >> >>]", 1, nil, ""},
		{"P a name", "[<< /TransformMethod /DocMDP /TransformParams << /P /X >> >>]", 1, nil, ""},
		{"parameters a name", "[<< /TransformMethod /DocMDP /TransformParams /X >>]", 1, nil, "reference"},
		{"two DocMDP", "[<< /TransformMethod /DocMDP /TransformParams << /P 3 >> >> << /TransformMethod /DocMDP >>]", 2, nil, "docmdp-twice"},
		{"both", "[<< /TransformMethod /DocMDP >> << /TransformMethod /FieldMDP /TransformParams << /Action /Include /Fields [(a)] >> >>]", 2, &pades.FieldMDP{Action: "Include", Fields: []string{"a"}}, ""},
		{"two FieldMDP", "[<< /TransformMethod /FieldMDP /TransformParams << /Action /Include >> >> << /TransformMethod /FieldMDP >>]", 0, all, "fieldmdp-twice"},
		{"names of other types", "[<< /TransformMethod /FieldMDP /TransformParams << /Action /Include /Fields [1] >> >>]", 0, all, ""},
		{"Fields a name", "[<< /TransformMethod /FieldMDP /TransformParams << /Action /Exclude /Fields /X >> >>]", 0, all, ""},
		{"identity", "[<< /TransformMethod /Identity >>]", 0, nil, ""},
		{"method a number", "[<< /TransformMethod 1 >>]", 1, all, "reference"},
		{"element a number", "[1]", 1, all, "reference"},
		{"not an array", "/X", 1, all, "reference"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := only(t, open(t, form("4 0 R", "<< /FT /Sig /T (b) /V 5 0 R >>",
				"<< /Type /Sig /SubFilter /ETSI.CAdES.detached /Reference "+tt.reference+" >>"), ""))
			if s.DocMDP != tt.docMDP || (s.FieldMDP == nil) != (tt.fieldMDP == nil) {
				t.Fatalf("DocMDP %d, FieldMDP %v", s.DocMDP, s.FieldMDP)
			}
			if f := s.FieldMDP; f != nil && (f.Action != tt.fieldMDP.Action || !slices.Equal(f.Fields, tt.fieldMDP.Fields)) {
				t.Errorf("FieldMDP %+v, want %+v", f, tt.fieldMDP)
			}
			want := strings.Fields("byterange contents " + tt.rule)
			slices.Sort(want)
			if got := rules(s); got != strings.Join(want, " ") {
				t.Errorf("problems %q, want %q", got, want)
			}
		})
	}
}

func TestErrorTexts(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&pades.RefusedError{Code: "field-signed", Reason: "The field is signed already."}, "field-signed: The field is signed already."},
		{&pades.PlaceholderError{Need: 9, Have: 5}, "signature of 9 bytes does not fit in the 5 bytes reserved"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
