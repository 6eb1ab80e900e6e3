package main

import (
	"bytes"
	"os"
	"strings"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/signer"
)

// filled signs in the empty field that the document offers.
func (m *matrix) filled() ([]job, error) {
	var all []job
	for i, in := range m.inputs {
		if !strings.HasPrefix(in.name, "form") {
			continue
		}
		empty, err := emptyFields(in)
		if err != nil {
			return nil, err
		}
		if len(empty) == 0 {
			continue
		}
		a := algorithms[i%len(algorithms)]
		for _, level := range []signer.Level{signer.B, signer.LTA} {
			req := m.request(a, level)
			req.Field = empty[0]
			l := level.String()
			all = append(all, job{group: "existing field", name: in.name + "." + l, from: in, levels: l, lowest: l,
				pss: a.pss, filled: true, fills: len(empty) == 1, steps: []step{m.sign(req)}})
		}
	}
	return all, nil
}

func emptyFields(in input) ([]string, error) {
	data, err := os.ReadFile(in.path)
	if err != nil {
		return nil, err
	}
	doc, err := pdf.Open(bytes.NewReader(data), int64(len(data)), pdf.Options{Password: []byte(in.password)})
	if err != nil {
		return nil, err
	}
	fields, err := pades.Fields(doc.Latest())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range fields {
		if !f.Filled {
			names = append(names, f.Name)
		}
	}
	return names, nil
}
