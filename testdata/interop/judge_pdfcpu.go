package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
)

// pdfcpu validates the file and its signatures with pdfcpu, in this process.
// certs is a directory with the trust anchors.
func pdfcpu(certs string, slots chan struct{}) Judge {
	judge := func(_ context.Context, c Case) (f Finding) {
		defer func() {
			if r := recover(); r != nil {
				f = refuse("panic: %v", r)
			}
		}()
		conf := func() *model.Configuration {
			conf := model.NewDefaultConfiguration()
			conf.UserPW = c.Password
			conf.AllowedRevocationHosts = []string{"127.0.0.1", "localhost"} // the laboratory PKI
			return conf
		}
		if err := api.ValidateFile(c.File, conf()); err != nil {
			return refuse("validate: %v", err)
		}
		results, err := api.ValidateSignatures(c.File, true, conf())
		if err != nil {
			return refuse("%v", err)
		}
		return readPDFCPU(results)
	}
	api.DisableConfigDir()
	model.TrustedCertDir = certs
	ready := func() error { return nil }
	return Judge{Name: "pdfcpu", Ready: ready, Judge: eachFile("pdfcpu", slots, judge)}
}

// readPDFCPU wants every signature unmodified and none invalid.
func readPDFCPU(results []*model.SignatureValidationResult) Finding {
	var bad []string
	for i, r := range results {
		if !r.Signed {
			continue
		}
		if r.Status != model.SignatureStatusValid {
			bad = append(bad, fmt.Sprintf("signature %d: %v, %v: %s", i+1, r.Status, r.Reason, strings.Join(problems(r), ", ")))
		}
	}
	if len(bad) > 0 {
		return refuse("%s", oneLine(strings.Join(bad, "; ")))
	}
	if len(results) == 0 {
		return refuse("no signature")
	}
	return Finding{OK: true}
}

func problems(r *model.SignatureValidationResult) []string {
	all := append([]string(nil), r.Problems...)
	for _, s := range r.Details.Signers {
		all = append(all, s.Problems...)
	}
	return all
}
