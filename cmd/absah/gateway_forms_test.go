package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/pdf"
)

// TestGatewayFilledForms: nobody gives a second signature to a form whose fields
// were filled in after the first, unless the application's policy says so; and is
// told what to do.
func TestGatewayFilledForms(t *testing.T) {
	f := newOffice(t, officeOptions{})
	f.act(func(s *gatewayService) {
		f.addApplication(t.Context(), s, gateway.NewApplication(officeA, "forms", gateway.RoleApplication,
			gateway.Policy{Signers: []string{"*"}, Levels: []string{"B-B"}, FilledForms: true}, time.Now().UTC()))
	})
	empty := read(t, "form.pdf")
	once := f.sign(t, "e-office", empty, f.by("sekda")).ok(t, http.StatusOK).body
	filled := append(bytes.Clone(once), f.fill(t, once)...)

	for name, sign := range map[string]func() answer{
		"sign": func() answer { return f.sign(t, "e-office", filled, f.by("bupati")) },
		"seal": func() answer { return f.seal(t, "e-office", filled, bySeal) },
	} {
		p := sign().problem(t, http.StatusUnprocessableEntity, "document-refused")
		if len(p.Findings) != 1 || p.Findings[0].Code != "form-values" || !strings.Contains(p.Findings[0].Text, "fill in all fields") {
			t.Errorf("%s: got %+v", name, p.Findings)
		}
	}
	twice := f.sign(t, "forms", filled, f.by("bupati")).ok(t, http.StatusOK).body
	if got := f.send(t, "", "/v1/verify", twice, nil, nil).ok(t, http.StatusOK).json(t)["verdict"]; got != "TOTAL-FAILED" {
		t.Errorf("policy gov judges what forms may sign: got %v", got)
	}
	// In the right order there is nothing to refuse.
	first := append(bytes.Clone(empty), f.fill(t, empty)...)
	both := f.sign(t, "e-office", f.sign(t, "e-office", first, f.by("sekda")).ok(t, http.StatusOK).body, f.by("bupati")).ok(t, http.StatusOK).body
	if got := f.send(t, "", "/v1/verify", both, nil, nil).ok(t, http.StatusOK).json(t)["verdict"]; got != "TOTAL-PASSED" {
		t.Errorf("filled in first: got %v", got)
	}
}

// fill is the revision that gives a text field of form.pdf a value.
func (f *office) fill(t testing.TB, base []byte) []byte {
	t.Helper()
	doc, err := pdf.Open(bytes.NewReader(base), int64(len(base)), pdf.Options{})
	f.must(err)
	u := doc.Latest().NewUpdate()
	field := pdf.Ref{Num: 10}
	o, err := doc.Latest().Object(field)
	f.must(err)
	d := pdf.Clone(o).(pdf.Dict)
	d["V"] = pdf.EncodeText("Isi")
	d["AP"] = pdf.Dict{"N": u.Add(pdf.NewStream(pdf.Dict{
		"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Form"), "BBox": pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Integer(240), pdf.Integer(20)},
		"Resources": pdf.Dict{"Font": pdf.Dict{"Helv": pdf.Ref{Num: 8}}},
	}, []byte("/Tx BMC q BT /Helv 11 Tf 0 g 2 6 Td (Isi) Tj ET Q EMC")))}
	u.Set(field, d)
	tail, err := u.Finish()
	f.must(err)
	return tail
}
