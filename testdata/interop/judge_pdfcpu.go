package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
)

// pdfcpu validates the file and its signatures with pdfcpu, in this process.
// certs is a directory with the trust anchors.
func pdfcpu(certs string, slots chan struct{}) Judge {
	api.DisableConfigDir()
	model.TrustedCertDir = certs
	ready := func() error { return nil }
	return Judge{Name: "pdfcpu", Ready: ready, Judge: eachFile("pdfcpu", slots, askPDFCPU)}
}

func askPDFCPU(_ context.Context, c Case) (f Finding) {
	defer func() {
		if r := recover(); r != nil {
			f = refuse("panic: %v", r)
		}
	}()
	conf := func() *model.Configuration {
		conf := model.NewDefaultConfiguration()
		conf.UserPW = c.Password
		conf.Offline = c.Offline
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

// answer is "interop answer": pdfcpu behind the same lines of JSON as the
// batch judges, so that it can be kept warm beside them.
func answer(args []string) error {
	flags := flag.NewFlagSet("answer", flag.ExitOnError)
	trust := flags.String("trust", "", "PEM `file` of trust anchors")
	if err := flags.Parse(args); err != nil {
		return err
	}
	certs, err := os.MkdirTemp("", "interop-anchors-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(certs)
	if err := writeAnchors(*trust, certs); err != nil {
		return err
	}
	pdfcpu(certs, nil)
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var c Case
		if err := in.Decode(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		f := askPDFCPU(context.Background(), c)
		f.File, f.Tool = c.File, "pdfcpu"
		if err := out.Encode(f); err != nil {
			return err
		}
	}
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
