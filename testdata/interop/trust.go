package main

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// readPEM returns the DER of every certificate in a PEM file.
func readPEM(path string) ([][]byte, error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			all = append(all, block.Bytes)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no certificate", path)
	}
	return all, nil
}

// judges makes all judges. trust is a PEM file of anchors, work a directory
// for what the tools need beside it.
func judges(here, tools, trust, work string) ([]Judge, error) {
	certs := filepath.Join(work, "anchors")
	if err := os.MkdirAll(certs, 0o700); err != nil {
		return nil, err
	}
	if err := writeAnchors(trust, certs); err != nil {
		return nil, err
	}
	slots := make(chan struct{}, runtime.NumCPU())
	return []Judge{
		dss(tools, []string{trust}, slots),
		pyHanko(here, tools, []string{trust}, slots),
		pdfsig(slots),
		opensslCMS(trust, slots),
		opensslTS(trust, slots),
		mutoolSign(slots),
		mutoolDraw(slots),
		qpdf(slots),
		pdfcpu(certs, slots),
		veraPDF(tools, slots),
	}, nil
}

// writeAnchors writes every certificate of a PEM file into a file of its own.
func writeAnchors(trust, dir string) error {
	anchors, err := readPEM(trust)
	if err != nil {
		return err
	}
	for i, der := range anchors {
		b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.pem", i)), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
