package gateway_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/testdata"
	"github.com/absah-id/absah/verifier"
)

func upload(b []byte) gateway.Upload {
	return gateway.Upload{ReaderAt: bytes.NewReader(b), Size: int64(len(b)), SHA256: sha256.Sum256(b)}
}

// reader is a member of staff who has signed in.
func (w *world) reader(role gateway.Role) gateway.Caller {
	w.tb.Helper()
	s, code := w.session(w.hire("pembaca-"+string(role), role).enter())
	if code != "" {
		w.tb.Fatal(code)
	}
	return s.Caller
}

// TestOverviewCounts: what anybody and what staff verify is counted by day and
// verdict, and the log's health is told.
func TestOverviewCounts(t *testing.T) {
	w := newWorld(t)
	verify := func(c gateway.Caller, b []byte) {
		t.Helper()
		if _, err := w.Verify(t.Context(), c, upload(b), gateway.VerifyRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	stranger := gateway.Caller{Address: "192.0.2.7"}
	verify(stranger, testdata.Letter)
	verify(stranger, testdata.Letter)
	verify(stranger, []byte("x"))
	if n, err := w.RecordTally(t.Context()); n != 2 || err != nil {
		t.Fatalf("recorded %d files, %v", n, err)
	}
	w.wait(13 * time.Hour) // 16.00 UTC on the same day: 23.00 in WIB
	c := w.reader(gateway.RoleAuditor)
	verify(c, testdata.Letter)
	o, err := w.Overview(t.Context(), c, gateway.OverviewRequest{Days: 7, Offset: 7 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 11, 20, 17, 0, 0, 0, time.UTC); len(o.Days) != 7 || !o.Days[6].Day.Equal(want) || o.Days[6].Verified != 4 {
		t.Errorf("got the days %+v", o.Days)
	}
	want := []gateway.Count{{Name: string(verifier.NoSignature), N: 3}, {Name: string(verifier.Unreadable), N: 1}}
	if len(o.Verdicts) != 2 || o.Verdicts[0] != want[0] || o.Verdicts[1] != want[1] {
		t.Errorf("got %v, want %v", o.Verdicts, want)
	}
	if o.Log.Fault == nil || o.Log.Waiting.IsZero() {
		t.Errorf("a log that nobody integrates is well: %+v", o.Log)
	}
	for _, days := range []int{-1, 0, 367} {
		if _, err := w.Overview(t.Context(), c, gateway.OverviewRequest{Days: days}); codeOf(t, err) != gateway.CodeInvalid {
			t.Errorf("%d days: got %v", days, err)
		}
	}
	if e := w.events("overview.read"); len(e) != 1 || e[0].Actor.User != c.User || e[0].Detail["days"] != "7" {
		t.Errorf("on record: %+v", e)
	}
}

// TestReadings: each reading is on record with what was read, whether or not
// there is such a thing, and none tells what is sealed.
func TestReadings(t *testing.T) {
	w := newWorld(t)
	c := w.reader(gateway.RoleSupervisor)
	siti := gateway.Signer{ID: "signer-1", Organisation: organisation, Kind: gateway.SignerPersonal, Name: "Siti Contoh", NIKHash: []byte("h"), NIKSealed: []byte("s"),
		Status: gateway.SignerActive, CreatedAt: w.clock()}
	key := gateway.Key{ID: [32]byte{7}, Organisation: organisation, Signer: siti.ID, Algorithm: "RSA-2048", Sealed: []byte("sealed"), CreatedAt: w.clock()}
	err := w.db.Update(t.Context(), organisation, func(tx gateway.Tx) error {
		return errors.Join(tx.AddSigner(t.Context(), siti), tx.AddKey(t.Context(), key))
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := w.ReadSigner(t.Context(), c, siti.ID, gateway.Page{})
	if err != nil || f.Signer.Name != siti.Name || len(f.Keys) != 1 || f.Signer.NIKHash != nil || f.Signer.NIKSealed != nil || f.Keys[0].Sealed != nil {
		t.Errorf("got %+v, %v", f, err)
	}
	for kind, read := range map[string]func(ctx context.Context, c gateway.Caller) error{
		"document.read": func(ctx context.Context, c gateway.Caller) error {
			_, err := w.ReadDocument(ctx, c, "tidakada", gateway.Page{})
			return err
		},
		"certificate.read": func(ctx context.Context, c gateway.Caller) error {
			_, err := w.ReadCertificate(ctx, c, [32]byte{1}, gateway.Page{})
			return err
		},
		"operation.read": func(ctx context.Context, c gateway.Caller) error {
			_, err := w.ReadOperation(ctx, c, "tidakada")
			return err
		},
		"operation.evidence": func(ctx context.Context, c gateway.Caller) error {
			_, err := w.EvidenceOf(ctx, c, "tidakada")
			return err
		},
	} {
		if got := codeOf(t, read(t.Context(), c)); got != gateway.CodeNotFound {
			t.Errorf("%s: got %q, want not-found", kind, got)
		}
		if e := w.events(kind); len(e) != 1 || e[0].Actor.User != c.User || len(e[0].Detail) != 1 {
			t.Errorf("%s on record: %+v", kind, e)
		}
		// The organisation beside has staff too.
		stranger := c
		stranger.Application.Role = gateway.RoleApplication
		if kind == "operation.read" {
			continue // applications read their own
		}
		if got := codeOf(t, read(t.Context(), stranger)); got != gateway.CodeForbidden {
			t.Errorf("%s by an application: got %q", kind, got)
		}
	}
}

// TestSearchByName: a name that is one signer's is that signer, one that is
// several's is a question.
func TestSearchByName(t *testing.T) {
	w := newWorld(t)
	c := w.reader(gateway.RoleInvestigator)
	err := w.db.Update(t.Context(), organisation, func(tx gateway.Tx) error {
		var errs []error
		for i, name := range []string{"Bupati Contoh", "Sekda Contoh", "Sekda"} {
			errs = append(errs, tx.AddSigner(t.Context(), gateway.Signer{ID: string(rune('a' + i)), Organisation: organisation, Kind: gateway.SignerSeal, Name: name,
				Status: gateway.SignerActive, CreatedAt: w.clock()}))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		text       string
		candidates int
		unknown    bool
	}{{"bupati", 0, false}, {"Contoh", 2, false}, {"sekda", 0, false}, {"b", 0, false}, {"camat", 0, true}, {"%", 0, true}} {
		q := gateway.SearchRequest{}
		q.Signer = test.text
		got, err := w.Search(t.Context(), c, q)
		if err != nil || len(got.Candidates) != test.candidates || got.Unknown != test.unknown {
			t.Errorf("%q: got %+v, %v", test.text, got, err)
		}
	}
}

// TestSearchFile looks for the whole file and for the states in it that
// signatures are over.
func TestSearchFile(t *testing.T) {
	w := newWorld(t)
	c := w.reader(gateway.RoleInvestigator)
	file := bytes.Repeat([]byte("0123456789"), 100)
	in := upload(file)
	report := &verifier.Report{Signatures: []*verifier.Signature{{End: 600}, {End: 900}, {End: 600}, {End: 1000}, {End: 0}, {End: 5000}}}
	found, err := w.SearchFile(t.Context(), c, in, report)
	if err != nil {
		t.Fatal(err)
	}
	want := []int{1000, 900, 600}
	if len(found.States) != len(want) {
		t.Fatalf("got %d states, want %v", len(found.States), want)
	}
	for i, n := range want {
		if s := found.States[i]; s.Size != int64(n) || s.SHA256 != sha256.Sum256(file[:n]) {
			t.Errorf("state %d: got %d bytes, %x", i, s.Size, s.SHA256)
		}
	}
}

// TestOperationIsAsRecorded: an operation is what the log stands for, and where it
// stands for nothing the page learns why.
func TestOperationIsAsRecorded(t *testing.T) {
	w := newWorld(t)
	c := w.reader(gateway.RoleInvestigator)
	refused := evidence.Record{Kind: "sign", Result: evidence.Result{Status: evidence.StatusRefused, Code: "passphrase"}, Signer: evidence.Signer{ID: "bupati"}}
	for name, test := range map[string]struct {
		change func(e *evidence.Entry, o *gateway.Operation)
		status gateway.OperationStatus
		signer string
		doubt  bool
	}{
		"as it was":       {nil, gateway.OperationRefused, "bupati", false},
		"another row":     {func(_ *evidence.Entry, o *gateway.Operation) { o.Status, o.Signer = gateway.OperationOK, "camat" }, gateway.OperationRefused, "bupati", false},
		"nobody's record": {func(e *evidence.Entry, _ *gateway.Operation) { e.Receipt = nil }, gateway.OperationRefused, "bupati", true},
	} {
		f, err := w.ReadOperation(t.Context(), c, w.put(refused, test.change))
		w.must(err)
		if o := f.Operations[0]; o.Status != test.status || o.Signer != test.signer || len(f.Records) != 1 || (f.Records[0].Doubt != nil) != test.doubt {
			t.Errorf("%s: got %+v, in doubt: %v", name, o, f.Records[0].Doubt)
		}
	}

	w = newWorldWith(t, func(c *gateway.Config) { c.Notary = misplaced{c.Notary} })
	f, err := w.ReadOperation(t.Context(), w.reader(gateway.RoleInvestigator), w.put(refused, nil))
	if err != nil || !errors.Is(f.Records[0].Doubt, evidence.ErrTampered) {
		t.Errorf("a record that is not where the log has it: %+v, %v", f, err)
	}
}

// TestSignerIsAsRecorded: who signed has the name of the certificate, whatever
// somebody has written into the database since.
func TestSignerIsAsRecorded(t *testing.T) {
	w, rows, _ := newRewritten(t)
	c := w.reader(gateway.RoleInvestigator)
	id, _ := w.enrolled()
	_, keys, err := w.SignerOf(t.Context(), c, id)
	w.must(err)
	signed := w.put(evidence.Record{
		Kind: "sign", Result: evidence.Result{Status: evidence.StatusOK},
		Signer: evidence.Signer{ID: id, CertificateSHA256: hex.EncodeToString(keys[0].Certificates[0].SHA256[:])},
	}, nil)
	rows.signer = func(s *gateway.Signer) { s.Name = "Bupati Palsu" }
	f, err := w.ReadOperation(t.Context(), c, signed)
	if err != nil || f.Names[id] != "Bupati Contoh" {
		t.Errorf("got %+v, %v", f, err)
	}
}

// TestCertificateIsItsDigest: a certificate in the place of another is neither shown
// nor asked about as that one.
func TestCertificateIsItsDigest(t *testing.T) {
	w, rows, log := newRewritten(t)
	c := w.reader(gateway.RoleInvestigator)
	certificate := func() gateway.Certificate {
		t.Helper()
		id, _ := w.enrolled()
		_, keys, err := w.SignerOf(t.Context(), c, id)
		w.must(err)
		return keys[0].Certificates[0]
	}
	one, other := certificate(), certificate()
	f, err := w.ReadCertificate(t.Context(), c, one.SHA256, gateway.Page{})
	if err != nil || f.Parsed == nil {
		t.Errorf("as it was: %+v, %v", f, err)
	}
	rows.der = other.DER
	f, err = w.ReadCertificate(t.Context(), c, one.SHA256, gateway.Page{})
	if err != nil || f.Parsed != nil || !strings.Contains(log.String(), "not what its digest says") {
		t.Errorf("another one: %+v, %v", f, err)
	}
	if _, err := w.AskCertificate(t.Context(), c, one.SHA256); !errors.Is(err, gateway.ErrForged) {
		t.Errorf("asked about another one: %v", err)
	}
}

// misplaced is a log whose records are not where it has them.
type misplaced struct{ gateway.Notary }

func (misplaced) Prove(context.Context, string) ([]evidence.Proof, error) {
	return nil, evidence.ErrTampered
}

// TestDocumentsAreAsRecorded: what staff read of a registered letter is what is on
// record, as on its public page.
func TestDocumentsAreAsRecorded(t *testing.T) {
	w, rows, _ := newRewritten(t)
	ctx := t.Context()
	c := w.reader(gateway.RoleInvestigator)
	d, err := w.RegisterDocument(ctx, gateway.Caller{Application: gateway.Application{ID: "e-office", Organisation: organisation, Role: gateway.RoleApplication}}, gateway.DocumentRequest{
		Nomor: "500/1", Perihal: "Undangan", Tanggal: "2026-11-21", Pages: 1})
	w.must(err)
	w.wait(time.Minute)
	marked := w.clock()
	w.put(evidence.Record{
		Kind: "document.status", Subject: evidence.Subject{Document: d.PublicID}, Result: evidence.Result{Status: evidence.StatusOK},
		Detail: map[string]string{"from": "valid", "to": "withdrawn", "replaced-by": "", "reason": "salah cetak"},
	}, nil)
	nobodys := *d
	nobodys.PublicID = "33333333333333333333333333"
	row := *d
	row.Status, row.ChangedAt = gateway.DocumentWithdrawn, marked.AddDate(-1, 0, 0)
	w.must(w.db.Update(ctx, organisation, func(tx gateway.Tx) error {
		if err := tx.ReserveDocument(ctx, nobodys); err != nil {
			return err
		}
		return tx.SetDocumentStatus(ctx, row, gateway.DocumentReserved)
	}))
	f, err := w.ReadDocument(ctx, c, d.PublicID, gateway.Page{})
	if err != nil || f.Document.Status != gateway.DocumentWithdrawn || f.Document.Reason != "salah cetak" || !f.Document.ChangedAt.Equal(marked) {
		t.Errorf("got %+v, %v", f, err)
	}
	if _, err := w.ReadDocument(ctx, c, nobodys.PublicID, gateway.Page{}); codeOf(t, err) != gateway.CodeNotFound {
		t.Errorf("a letter that nobody has registered: %v", err)
	}
	rows.document = d
	found, err := w.SearchFile(ctx, c, upload([]byte("%PDF-1.7 surat")), report())
	if err != nil || len(found.States) != 1 || len(found.States[0].Documents) > 0 {
		t.Errorf("a file that was never released is a version of it: %+v, %v", found, err)
	}
}
