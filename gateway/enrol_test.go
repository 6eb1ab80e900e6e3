package gateway_test

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"testing"

	"github.com/absah-id/absah/gateway"
)

// paperKeys makes keys that open nothing, each another one.
type paperKeys struct{}

func (paperKeys) Generate(_ context.Context, signerID, _ string, _ []byte, _ pkix.RDNSequence) (sealed, public, request []byte, err error) {
	return []byte("sealed"), []byte(signerID), []byte("request"), nil
}

// TestEnrolAfterRevocation: what is revoked stays so, and whoever lost the passphrase
// can still be enrolled anew, as often as it takes, while one NIK has never two
// signers at a time.
func TestEnrolAfterRevocation(t *testing.T) {
	w := newWorld(t)
	e := gateway.Enrolment{Name: "Ani Contoh", NIK: "3201010101010001", Algorithm: "RSA-2048", Passphrase: []byte("kucing berlari di sawah hijau")}
	seen := map[string]bool{}
	for range 3 {
		s, _, err := w.Enrol(t.Context(), operator(), paperKeys{}, e)
		if err != nil || seen[s.ID] {
			t.Fatalf("got %s, %v, want a signer of another identifier", s.ID, err)
		}
		seen[s.ID] = true
		if _, _, err := w.Enrol(t.Context(), operator(), paperKeys{}, e); refusal(err) != gateway.CodeExists {
			t.Errorf("a second time: got %v, want %s", err, gateway.CodeExists)
		}
		w.must(w.SetSignerStatus(t.Context(), operator(), s.ID, gateway.SignerRevoked, "frasa sandi dicuri"))
		if _, err := w.Renew(t.Context(), operator(), paperKeys{}, s.ID, e); refusal(err) != gateway.CodeInvalid {
			t.Errorf("renewed when revoked: got %v, want %s", err, gateway.CodeInvalid)
		}
		if err := w.SetSignerStatus(t.Context(), operator(), s.ID, gateway.SignerActive, "salah tekan"); refusal(err) != gateway.CodeChanged {
			t.Errorf("unlocked when revoked: got %v, want %s", err, gateway.CodeChanged)
		}
	}
}

func refusal(err error) gateway.Code {
	if e, ok := errors.AsType[*gateway.Error](err); ok {
		return e.Code
	}
	return ""
}
