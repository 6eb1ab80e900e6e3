package storetest

import (
	"testing"

	"github.com/absah-id/absah/store"
)

// Run holds an engine to what package store promises.
func Run(t *testing.T, e Engine) {
	for _, group := range []struct {
		name  string
		tests map[string]func(*testing.T, *store.DB)
	}{
		{"transactions", transactions},
		{"log", logTests},
		{"operations", operationTests},
		{"idempotency", idempotencyTests},
		{"activations", activationTests},
		{"attempts", attemptTests},
		{"registers", registerTests},
		{"cases", caseTests},
		{"oversight", oversightTests},
		{"staff", staffTests},
	} {
		for name, test := range group.tests {
			t.Run(group.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				test(t, Open(t, e))
			})
		}
	}
}
