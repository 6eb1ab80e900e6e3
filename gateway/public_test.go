package gateway_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
)

// letterBy registers a document whose one version a signer has signed, and returns
// its public id.
func (w *world) letterBy(c gateway.Caller, signerID string) (id string) {
	w.tb.Helper()
	ctx, at := w.tb.Context(), w.clock()
	d, err := w.RegisterDocument(ctx, c, gateway.DocumentRequest{Nomor: "800/1", Tanggal: "2026-11-21", Pages: 1})
	w.must(err)
	_, keys, err := w.SignerOf(ctx, operator(), signerID)
	w.must(err)
	cert, out := keys[0].Certificates[0].SHA256, sha256.Sum256([]byte(signerID))
	r := evidence.Record{
		Organisation: organisation, Operation: uuid.Must(uuid.NewV7()).String(), Phase: evidence.PhaseIntent, Kind: "sign", Time: at, Node: "node-1",
		Actor:   evidence.Actor{Application: c.Application.ID, Role: "application", Authentication: "key", Address: "127.0.0.1"},
		Subject: evidence.Subject{InputSHA256: hex.EncodeToString(out[:]), InputSize: 10, Document: d.PublicID},
		Signer:  evidence.Signer{ID: signerID, CertificateSHA256: hex.EncodeToString(cert[:]), Key: hex.EncodeToString(keys[0].ID[:])},
	}
	intent, _, err := w.cfg.Notary.NewEntry(r)
	w.must(err)
	r.Phase, r.Intent, r.Result = evidence.PhaseOutcome, hex.EncodeToString(intent.Leaf[:]), evidence.Result{Status: evidence.StatusOK, Level: "B-B"}
	r.Subject.OutputSHA256, r.Subject.OutputSize = hex.EncodeToString(out[:]), 10
	outcome, _, err := w.cfg.Notary.NewEntry(r)
	w.must(err)
	w.must(w.db.Update(ctx, organisation, func(tx gateway.Tx) error {
		_, err := tx.BeginOperation(ctx, gateway.Begin{Intent: intent, Operation: gateway.Operation{
			ID: r.Operation, Organisation: organisation, Kind: r.Kind, Status: gateway.OperationPending, Application: c.Application.ID, Node: "node-1",
			Signer: signerID, Certificate: cert, Document: d.PublicID, StartedAt: at, InputSHA256: out,
		}})
		if err != nil {
			return err
		}
		return tx.FinishOperation(ctx, gateway.Finish{
			Operation: r.Operation, Status: gateway.OperationOK, Level: "B-B", OutputSHA256: out, At: at, Outcome: outcome,
			Version: &gateway.DocumentVersion{SHA256: out, Size: 10, Operation: r.Operation, CreatedAt: at},
		})
	}))
	return d.PublicID
}

// TestEndOfCertificateIsOnRecord: since when the certificate behind a registered
// letter is used no more is what the record says, whatever the rows say.
func TestEndOfCertificateIsOnRecord(t *testing.T) {
	w, rows, log := newRewritten(t)
	bupati, c := w.enrolled()
	id := w.letterBy(c, bupati)
	ended := func() time.Time {
		t.Helper()
		d, err := w.PublicDocument(t.Context(), id)
		w.must(err)
		if len(d.Signings) != 1 || d.Signings[0].Name != "Bupati Contoh" {
			t.Fatalf("%+v", d.Signings)
		}
		return d.Signings[0].RevokedAt
	}
	alarmed := func(name string, want bool) {
		t.Helper()
		if got := strings.Contains(log.String(), "another end of the use of a certificate"); got != want {
			t.Errorf("%s: the log tells of it: %t, want %t", name, got, want)
		}
		log.Reset()
	}
	never, early := time.Time{}, w.clock().Add(-24*time.Hour)

	if got := ended(); !got.IsZero() {
		t.Errorf("one that is in use has ended at %v", got)
	}
	alarmed("in use", false)
	rows.ended = &early
	if got := ended(); !got.IsZero() {
		t.Errorf("a row has ended it at %v", got)
	}
	alarmed("ended by a row", true)

	rows.ended = nil
	w.wait(time.Hour)
	want := w.clock()
	w.must(w.SetSignerStatus(t.Context(), operator(), bupati, gateway.SignerRevoked, "mutasi"))
	w.wait(time.Hour)
	rows.ended = &never
	if got := ended(); !got.Equal(want) {
		t.Errorf("ended at %v by the record and never by the row: %v", want, got)
	}
	alarmed("never, by the row", true)
	rows.ended = nil
	if got := ended(); !got.Equal(want) {
		t.Errorf("ended at %v: %v", want, got)
	}
	alarmed("ended", false)
	rows.ended = &early
	if got := ended(); !got.Equal(want) {
		t.Errorf("ended at %v by the record and %v by the row: %v", want, early, got)
	}
	alarmed("earlier, by the row", true)
}

// TestBuriedRecord: rows without records do not hide the record that says that a
// letter was withdrawn.
func TestBuriedRecord(t *testing.T) {
	w := newWorld(t)
	bupati, c := w.enrolled()
	id := w.letterBy(c, bupati)
	_, err := w.SetDocumentStatus(t.Context(), c, id, gateway.DocumentMark{Status: gateway.DocumentWithdrawn, Reason: "salah cetak"})
	w.must(err)
	marked := func(of string) {
		w.put(evidence.Record{Kind: "document.status", Subject: evidence.Subject{Document: of}, Result: evidence.Result{Status: evidence.StatusOK}},
			func(_ *evidence.Entry, o *gateway.Operation) { o.Document = id })
	}
	for range 19 {
		marked("lain")
	}
	d, err := w.PublicDocument(t.Context(), id)
	if err != nil || d.Status != gateway.DocumentWithdrawn {
		t.Fatalf("under 19 rows: %v, %v", d, err)
	}
	marked("lain")
	if d, err := w.PublicDocument(t.Context(), id); !errors.Is(err, gateway.ErrForged) {
		t.Errorf("under 20 rows: %+v, %v", d, err)
	}
}
