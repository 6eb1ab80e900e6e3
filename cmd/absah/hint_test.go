package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/store"
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
		{"key list", hsm.ErrPIN, "--pin-file", "hsm.pin_file"},
		{"serve", hsm.ErrPIN, "hsm.pin_file", "--pin-file"},
		{"init", hsm.ErrUnavailable, "hsm.module", "--module"},
		{"sign", hsm.ErrUnavailable, "--module", "hsm.module"},
		{"serve", evidence.ErrRollback, "docs/OPERATION.md", "floor"},
		{"serve", evidence.ErrNoFloor, "A log of a new name", "audit"},
		{"signer lock", &gateway.Error{Code: gateway.CodeNotFound}, "absah signer list", "application"},
		{"application add", &gateway.Error{Code: gateway.CodeExists}, "add-credential", "list"},
	} {
		if got := hintFor(c.command, c.err); !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
			t.Errorf("%s, %v: got %q, want %q in it and not %q", c.command, c.err, got, c.want, c.not)
		}
	}
}

// TestDatabaseStatus: a database that does not answer is no defect of the program.
func TestDatabaseStatus(t *testing.T) {
	_, down := store.Open(t.Context(), store.Options{URL: "postgres:///absah?host=" + t.TempDir()})
	if got, hint := exitStatus(down), hintFor("serve", down); got != statusUnavailable || !strings.Contains(hint, "database.url") {
		t.Errorf("got %d, %q, want %d and database.url", got, hint, statusUnavailable)
	}
	if got := exitStatus(backedUp(errors.ErrUnsupported, "x.db")); got != statusUsage {
		t.Errorf("backup of PostgreSQL: got %d, want %d", got, statusUsage)
	}
}

// TestSaid: a refusal of the gateway is one sentence, and what keeps it from
// working is told.
func TestSaid(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&gateway.Error{Code: gateway.CodeExists, Text: "The name is taken.", Err: gateway.ErrExists}, "exists: The name is taken."},
		{fmt.Errorf("seals: %w", &gateway.Error{Code: gateway.CodeInvalid, Text: "No path: x.", Err: errors.New("x")}), "seals: invalid-request: No path: x."},
		{&gateway.Error{Code: gateway.CodeInternal, Text: "Broken.", Err: errors.New("disk")}, "internal: Broken.: disk"},
		{errors.New("plain"), "plain"},
	} {
		if got := said(c.err); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
