package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/signer"
)

// TestHintFor: the advice is about what the command can do.
func TestHintFor(t *testing.T) {
	unknown := fmt.Errorf("sign: %w", hsm.ErrUnknownOutcome)
	status := &signer.RefusedError{Code: signer.CodeStatusUnknown}
	revoked := &signer.RefusedError{Code: signer.CodeRevoked}
	noTSA := &signer.UnavailableError{Service: "timestamp", Err: &tsp.UnavailableError{}}
	noStatus := &signer.UnavailableError{Service: "revocation", Err: errors.New("down")}
	for _, c := range []struct {
		command   string
		err       error
		want, not string
	}{
		{"sign", unknown, "do the same again", "key list"},
		{"key csr", unknown, "do the same again", "key list"},
		{"key generate", unknown, "whether the key was made", "do the same again"},
		{"key delete", unknown, "whether the key is still there", "do the same again"},
		{"sign", status, "without --trust", "augment"},
		{"augment", status, "when its responder will know it", "--trust"},
		{"sign", revoked, "absah key generate", "absah verify"},
		{"augment", revoked, "absah verify", "absah key"},
		{"sign", noTSA, "--fallback", "absah sign"},
		{"augment", noTSA, "second --tsa", "--fallback"},
		{"timestamp", noTSA, "second --tsa", "--fallback"},
		{"sign", noStatus, "--fallback", "absah sign"},
		{"augment", noStatus, "try again later", "--fallback"},
	} {
		if got := hintFor(c.command, c.err); !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
			t.Errorf("%s, %v: got %q, want %q in it and not %q", c.command, c.err, got, c.want, c.not)
		}
	}
}
