package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/signer"
)

// writeShortfall writes the lines of shortfallLines, indented.
func writeShortfall(w io.Writer, err error) {
	for _, line := range shortfallLines(err) {
		fmt.Fprintf(w, "    %s\n", printable(line))
	}
}

// shortfallLines says in one line for each address that was asked what it
// failed to give.
func shortfallLines(err error) []string {
	switch e := err.(type) { //nolint:errorlint // this walks the tree, to miss no branch
	case *signer.UnavailableError:
		var lines []string
		for _, line := range shortfallLines(e.Err) {
			lines = append(lines, e.Service+": "+line)
		}
		return lines
	case *tsp.UnavailableError:
		var lines []string
		for _, f := range e.Failures {
			lines = append(lines, f.URL+": "+withoutURL(f.Err).Error())
		}
		return lines
	case *pki.UnavailableError:
		var lines []string
		for _, err := range e.Errs {
			for _, line := range shortfallLines(err) {
				lines = append(lines, fmt.Sprintf("%q: %s", e.Certificate.Subject.CommonName, line))
			}
		}
		return lines
	case *fetch.Error:
		return []string{e.Error()}
	case interface{ Unwrap() []error }: // of errors.Join
		var lines []string
		for _, err := range e.Unwrap() {
			lines = append(lines, shortfallLines(err)...)
		}
		return lines
	}
	return []string{err.Error()}
}

// withoutURL drops the address that net/http puts before its errors.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
