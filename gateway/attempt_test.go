package gateway_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/signer"
)

// slowKeys is an HSM that opens a key for one passphrase, and does what the test
// wants before it answers.
type slowKeys struct {
	noKeys
	meanwhile func(ctx context.Context)
}

const right = "kata sandi yang benar"

func (k *slowKeys) Authorize(ctx context.Context, _ string, _, passphrase, _, _ []byte) ([]byte, error) {
	k.meanwhile(ctx)
	if string(passphrase) != right {
		return nil, gateway.ErrPassphrase
	}
	return []byte("sealed"), nil
}

// enrolled adds a signer whose passphrase keys know, and returns who asks for it.
func (w *world) enrolled() (signerID string, c gateway.Caller) {
	w.tb.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Bupati Contoh"},
		NotBefore: w.clock().Add(-time.Hour), NotAfter: w.clock().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		w.tb.Fatal(err)
	}
	signerID = uuid.Must(uuid.NewV7()).String()
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		w.tb.Fatal(err)
	}
	key := gateway.Key{
		ID: sha256.Sum256(spki), Organisation: organisation, Signer: signerID, Algorithm: "ed25519", Sealed: []byte("sealed"), CreatedAt: w.clock(),
	}
	err = w.db.Update(w.tb.Context(), organisation, func(tx gateway.Tx) error {
		if err := tx.AddSigner(w.tb.Context(), gateway.Signer{
			ID: signerID, Organisation: organisation, Kind: gateway.SignerPersonal, Name: "Bupati Contoh", NIKHash: []byte(signerID),
			NIKSealed: []byte("sealed"), Status: gateway.SignerActive, CreatedAt: w.clock(),
		}); err != nil {
			return err
		}
		if err := tx.AddKey(w.tb.Context(), key); err != nil {
			return err
		}
		return tx.AddCertificate(w.tb.Context(), gateway.Certificate{
			SHA256: sha256.Sum256(der), Organisation: organisation, Key: key.ID, DER: der, NotBefore: template.NotBefore, NotAfter: template.NotAfter,
		})
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	return signerID, gateway.Caller{Authentication: "key", Application: gateway.Application{
		ID: uuid.Must(uuid.NewV7()).String(), Organisation: organisation, Name: "e-office", Role: gateway.RoleApplication,
		Policy: gateway.Policy{Signers: []string{"*"}, Levels: []string{"B-B"}, RatePerMinute: 1_000_000},
	}}
}

// try authorises one document with a passphrase and returns the code of the
// refusal.
func (w *world) try(c gateway.Caller, signerID, passphrase string) (gateway.Code, error) {
	w.tb.Helper()
	_, err := w.Activate(w.tb.Context(), c, gateway.ActivationRequest{
		Signer: signerID, Passphrase: []byte(passphrase), Documents: [][32]byte{{1}}, Level: signer.B,
	})
	return codeOf(w.tb, err), err
}

// TestPassphraseAfterReconciling: a passphrase that took so long that its
// operation was closed has been tried and counted, and who typed it learns that it
// was wrong; with the right one nothing is released.
func TestPassphraseAfterReconciling(t *testing.T) {
	for _, test := range []struct {
		passphrase string
		want       gateway.Code
		failures   int
	}{{"salah", gateway.CodePassphrase, 1}, {right, gateway.CodeUnknownOutcome, 0}} {
		keys := &slowKeys{}
		w := newWorldWith(t, func(c *gateway.Config) { c.Keys = keys })
		keys.meanwhile = func(context.Context) {
			w.wait(20 * time.Minute)
			if n, err := w.Reconcile(t.Context(), 10*time.Minute); n != 1 || err != nil {
				t.Fatalf("closed %d, %v", n, err)
			}
		}
		id, c := w.enrolled()
		code, err := w.try(c, id, test.passphrase)
		if code != test.want {
			t.Errorf("%s: got %v, want %s", test.passphrase, err, test.want)
		}
		if o, entries := w.found(err.(*gateway.Error).Operation); o.Status != gateway.OperationUnknown || len(entries) != 2 || entries[1].Phase != evidence.PhaseOutcome { //nolint:errorlint // codeOf has looked
			t.Errorf("%s: the operation is %s with %d entries", test.passphrase, o.Status, len(entries))
		}
		if got := w.attempts(id, c); got.Failures != test.failures {
			t.Errorf("%s: %d failures on record, want %d", test.passphrase, got.Failures, test.failures)
		}
	}
}

func (w *world) attempts(signerID string, c gateway.Caller) (a gateway.Attempts) {
	w.tb.Helper()
	err := w.db.View(w.tb.Context(), organisation, func(r gateway.Reader) (err error) {
		a, err = r.Attempts(w.tb.Context(), signerID, c.Application.ID, w.clock(), gateway.DefaultAttempts)
		return err
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	return a
}

// TestAttemptOutlivesNoReservation: an attempt that takes too long is given up
// while it still counts against the limit, and answers nothing: else slow ones
// would let in more than the limit.
func TestAttemptOutlivesNoReservation(t *testing.T) {
	for _, test := range []struct {
		passphrase string
		failures   int
	}{{"salah", 1}, {right, 0}} {
		keys := &slowKeys{meanwhile: func(ctx context.Context) { <-ctx.Done() }}
		w := newWorldWith(t, func(c *gateway.Config) {
			c.Keys, c.Attempts = keys, gateway.AttemptPolicy{ReservedFor: 20 * time.Millisecond}
		})
		id, c := w.enrolled()
		if code, err := w.try(c, id, test.passphrase); code != gateway.CodeDeadline {
			t.Errorf("%s: got %v, want %s", test.passphrase, err, gateway.CodeDeadline)
		}
		if got := w.attempts(id, c); got.Failures != test.failures {
			t.Errorf("%s: %d failures on record, want %d", test.passphrase, got.Failures, test.failures)
		}
	}
}

// TestDelayAfterAttempt: the next passphrase waits from the end of the one before,
// however long that took.
func TestDelayAfterAttempt(t *testing.T) {
	keys := &slowKeys{}
	w := newWorldWith(t, func(c *gateway.Config) { c.Keys = keys })
	keys.meanwhile = func(context.Context) { w.wait(25 * time.Second) }
	id, c := w.enrolled()
	var said []gateway.Code
	for range 2 {
		for _, passphrase := range []string{"salah", right} {
			code, _ := w.try(c, id, passphrase)
			said = append(said, code)
		}
		w.wait(2 * time.Second)
	}
	want := fmt.Sprint([]gateway.Code{gateway.CodePassphrase, gateway.CodeWait, gateway.CodePassphrase, gateway.CodeWait})
	if fmt.Sprint(said) != want {
		t.Errorf("got %v, want %s", said, want)
	}
}
