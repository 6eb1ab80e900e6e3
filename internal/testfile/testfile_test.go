package testfile_test

import (
	"testing"

	"github.com/absah-id/absah/internal/testfile"
)

func TestEveryListedFileExists(t *testing.T) {
	for _, in := range testfile.Inputs(t) {
		if got := string(in.Bytes(t)[:5]); got != "%PDF-" {
			t.Errorf("%s begins with %q, want %%PDF-", in.Path, got)
		}
	}
	for _, b := range testfile.BrokenInputs(t) {
		if got := len(b.Bytes(t)); (got == 0) != (b.Name == "empty") {
			t.Errorf("%s has %d bytes", b.Path, got)
		}
	}
}

func TestLetter(t *testing.T) {
	letter := testfile.Letter(t)
	if n := len(letter.Bytes(t)); n < 10<<10 || n > 40<<10 {
		t.Errorf("the letter has %d bytes, want 10 to 40 KiB", n)
	}
	if letter.Encrypted || letter.Password != "" {
		t.Errorf("the letter is encrypted: %+v", letter)
	}
}
