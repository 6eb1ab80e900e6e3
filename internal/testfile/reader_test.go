package testfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
)

// TestReaderAcceptsInputs opens every input with its password and reads all of
// its pages.
func TestReaderAcceptsInputs(t *testing.T) {
	for _, in := range testfile.Inputs(t) {
		t.Run(in.Name, func(t *testing.T) {
			doc, err := open(in.Bytes(t), in.Password)
			if err != nil {
				t.Fatal(err)
			}
			if err := readPages(doc); err != nil {
				t.Error(err)
			}
			if doc.Encrypted() != in.Encrypted {
				t.Errorf("Encrypted() = %v, want %v", doc.Encrypted(), in.Encrypted)
			}
			if in.Password == "" {
				return
			}
			if _, err := open(in.Bytes(t), ""); !errors.Is(err, pdf.ErrPassword) {
				t.Errorf("without its password: %v, want ErrPassword", err)
			}
		})
	}
}

// TestReaderRefusesBroken holds the reader to what the list of broken files
// says, within a time that no loop or bomb would keep to.
func TestReaderRefusesBroken(t *testing.T) {
	const patience = 10 * time.Second
	for _, b := range testfile.BrokenInputs(t) {
		t.Run(b.Name, func(t *testing.T) {
			data := b.Bytes(t)
			begin := time.Now()
			doc, err := open(data, "")
			if opened := err == nil; opened == b.Open {
				t.Errorf("it opens: %v, want %v (%v)", opened, !b.Open, err)
			}
			if err == nil {
				err = readPages(doc)
			}
			if got := rule(err); got != b.Rule {
				t.Errorf("%s: error %v names %q, want %q", b.What, err, got, b.Rule)
			}
			if took := time.Since(begin); took > patience {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// rule returns what a reader's error names, or "" for any other error.
func rule(err error) string {
	var malformed *pdf.MalformedError
	var limit *pdf.LimitError
	switch {
	case errors.As(err, &malformed):
		return malformed.Rule
	case errors.As(err, &limit):
		return limit.Limit
	}
	return ""
}

func open(data []byte, password string) (*pdf.Document, error) {
	return pdf.Open(bytes.NewReader(data), int64(len(data)), pdf.Options{Password: []byte(password)})
}

// readPages reads the catalog, every page and the contents of the first.
func readPages(doc *pdf.Document) error {
	rev := doc.Latest()
	if _, err := rev.Catalog(); err != nil {
		return fmt.Errorf("catalog: %w", err)
	}
	n, err := rev.PageCount()
	if err != nil {
		return fmt.Errorf("page count: %w", err)
	}
	for i := range n {
		_, page, err := rev.Page(i)
		if err != nil {
			return fmt.Errorf("page %d: %w", i+1, err)
		}
		if i > 0 {
			continue
		}
		if err := readContents(rev, page); err != nil {
			return fmt.Errorf("contents: %w", err)
		}
	}
	return nil
}

func readContents(rev *pdf.Revision, page pdf.Dict) error {
	o, err := rev.Resolve(page["Contents"])
	if err != nil {
		return err
	}
	parts, ok := o.(pdf.Array)
	if !ok {
		parts = pdf.Array{o}
	}
	for _, part := range parts {
		o, err := rev.Resolve(part)
		if err != nil {
			return err
		}
		if s, ok := o.(*pdf.Stream); ok {
			if _, err := rev.StreamData(s, 1<<20); err != nil {
				return err
			}
		}
	}
	return nil
}
