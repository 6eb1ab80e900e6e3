package bundle_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/bundle"
	"github.com/absah-id/absah/evidence/evidencetest"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
)

const (
	origin    = "log.contoh.example/log"
	operation = "0193f2a4-7c1e-7d3a-9b5c-6f1e2d3c4b5a"
)

func logKey(n byte) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte{n})
	return ed25519.NewKeyFromSeed(seed[:])
}

// world is a demo PKI with a log and one signed letter on record.
type world struct {
	lab    *lab.Lab
	source *fetch.Client
	tsa    *tsp.Client
	log    *evidence.Log
	store  *evidencetest.Store
	// receipts is the key of that; company says that outcomes share its signature.
	receipts gateKey
	company  bool
	anchor   string // PEM file of the root
	keys     []string
}

// Timestamp implements evidence.Timestamper with what the gateway would keep.
func (w *world) Timestamp(ctx context.Context, digest [32]byte) (evidence.Stamp, error) {
	token, err := w.tsa.Timestamp(ctx, crypto.SHA256, digest[:])
	if err != nil {
		return evidence.Stamp{}, err
	}
	parsed, err := tsp.ParseToken(token)
	if err != nil {
		return evidence.Stamp{}, err
	}
	cert, err := parsed.Signer()
	if err != nil {
		return evidence.Stamp{}, err
	}
	chain, err := pki.Chain(cert, parsed.SignedData.Certificates(), w.lab.Anchors(), parsed.Time, pki.Timestamping)
	if err != nil {
		return evidence.Stamp{}, err
	}
	e, err := pki.Collect(ctx, chain, w.source, time.Now(), parsed.Time)
	if err != nil {
		return evidence.Stamp{}, err
	}
	stamp := evidence.Stamp{Token: token}
	for _, c := range e.Certificates {
		stamp.Material = append(stamp.Material, evidence.Blob{Kind: "certificate", Data: c.Raw})
	}
	for _, b := range e.OCSPs {
		stamp.Material = append(stamp.Material, evidence.Blob{Kind: "ocsp", Data: b})
	}
	for _, b := range e.CRLs {
		stamp.Material = append(stamp.Material, evidence.Blob{Kind: "crl", Data: b})
	}
	return stamp, nil
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOf(t, lab.Config{})
}

// newWorldOf makes one whose PKI is configured.
func newWorldOf(t testing.TB, c lab.Config) *world {
	t.Helper()
	w := &world{store: new(evidencetest.Store), receipts: gateKey{PrivateKey: logKey(2)}, company: true}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.lab, err = lab.Start(c)
	must(err)
	t.Cleanup(func() { w.lab.Close() })
	w.source, err = fetch.New(fetch.Config{Allow: []string{w.lab.Addr()}})
	must(err)
	t.Cleanup(func() { w.source.Close() })
	w.tsa, err = tsp.NewClient(tsp.ClientConfig{URLs: []string{w.lab.TSAURL()}, Anchors: w.lab.Anchors().Certificates()})
	must(err)
	w.log, err = evidence.New(evidence.Config{
		Store: w.store, Origin: origin, Signer: logKey(1), Receipts: &w.receipts, Timestamper: w,
	})
	must(err)
	logVKey, receiptVKey := w.log.Keys()
	w.keys = []string{logVKey, receiptVKey}
	w.anchor = filepath.Join(t.TempDir(), "root.pem")
	must(os.WriteFile(w.anchor, w.lab.TrustPEM(), 0o600))
	return w
}

// other appends entries of other operations, so that paths have some length.
func (w *world) other(t testing.TB, first, n int) {
	t.Helper()
	for i := range n {
		e, _, err := w.log.NewEntry(evidence.Record{
			Operation: fmt.Sprintf("0193f2a4-7c1e-7d3a-9b5c-%012x", first+i), Phase: evidence.PhaseEvent, Kind: "config", Time: time.Now(),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.store.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) integrate(t testing.TB) {
	t.Helper()
	if _, err := w.log.Integrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// sign signs the test letter, records that, and returns a bundle's input.
func (w *world) sign(t testing.TB, key testkey.Key, level signer.Level, pss bool) bundle.Input {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cert, chain, err := w.lab.Issue(key.Public(), pkix.Name{CommonName: "Kepala Dinas Contoh", Organization: []string{"Kabupaten Contoh"}, Country: []string{"ID"}}, lab.IssueOptions{})
	must(err)
	s, err := signer.New(signer.Config{Timestamper: w.tsa, Source: w.source, Anchors: w.lab.Anchors()})
	must(err)
	doc := testfile.Letter(t).Bytes(t)
	res, err := s.Sign(t.Context(), signer.Input{Reader: bytes.NewReader(doc), Size: int64(len(doc))},
		signer.Request{Key: key, PSS: pss, Certificate: cert, Chain: chain, Level: level, At: time.Now()})
	must(err)
	signed := append(bytes.Clone(doc), res.Tail...)
	ev := res.Evidence
	if level < signer.LT { // what the gateway collects by itself below B-LT
		path, err := pki.Chain(cert, chain, w.lab.Anchors(), time.Now(), pki.AnyPurpose)
		must(err)
		ev, err = pki.Collect(t.Context(), path, w.source, time.Now(), time.Time{})
		must(err)
	}

	r := evidence.Record{
		Organisation: "Kabupaten Contoh", Operation: operation, Phase: evidence.PhaseIntent, Kind: "sign", Time: time.Now(), Node: "a",
		Actor:   evidence.Actor{Application: "e-office", Role: "application"},
		Subject: evidence.Subject{InputSHA256: digest(doc), InputSize: int64(len(doc))},
	}
	intent, _, err := w.log.NewEntry(r)
	must(err)
	must(w.store.Append(t.Context(), intent))
	r.Phase, r.Time, r.Result = evidence.PhaseOutcome, time.Now(), evidence.Result{Status: evidence.StatusOK, Level: res.Level.String()}
	r.Intent = hex.EncodeToString(intent.Leaf[:])
	r.Subject.OutputSHA256, r.Subject.OutputSize = digest(signed), int64(len(signed))
	r.Signer.CertificateSHA256 = digest(cert.Raw)
	report := []byte(`{"verdict":"TOTAL-PASSED"}`)
	r.Artefacts = []evidence.Artefact{
		{Kind: "cms", SHA256: digest(res.CMS), Size: int64(len(res.CMS))},
		{Kind: "report", SHA256: digest(report), Size: int64(len(report))},
	}
	for _, token := range res.Tokens {
		r.Artefacts = append(r.Artefacts, evidence.Artefact{Kind: "timestamp", SHA256: digest(token), Size: int64(len(token))})
	}
	r.Detail = map[string]string{"note": `"kind":"x","operation":"y","time":"z"`}
	must(w.store.Append(t.Context(), w.outcome(t, r)))
	w.integrate(t)
	must(w.log.Stamp(t.Context()))

	proofs, err := w.log.Prove(t.Context(), operation)
	must(err)
	w.material(t, proofs, &ev)
	ev.Certificates = append(ev.Certificates, chain...)
	in := bundle.Input{
		Origin: origin, Keys: w.keys, Proofs: proofs, CMS: res.CMS, Timestamps: res.Tokens, Evidence: ev,
		Anchors: w.lab.Anchors(), TSAs: w.lab.Anchors(), Report: report, ReportType: "json",
		Document: bytes.NewReader(signed), DocumentSize: int64(len(signed)), ByteRange: byteRange(t, signed),
	}
	return in
}

// material adds what the checkpoint's timestamp needs.
func (w *world) material(t testing.TB, proofs []evidence.Proof, ev *pki.Evidence) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, sum := range proofs[0].Checkpoint.Material {
		b, ok, err := w.store.Artefact(t.Context(), sum)
		must(err)
		switch {
		case !ok:
			t.Fatal("material is missing")
		case b.Kind == "ocsp":
			ev.OCSPs = append(ev.OCSPs, b.Data)
		case b.Kind == "crl":
			ev.CRLs = append(ev.CRLs, b.Data)
		case b.Kind == "certificate":
			certs, err := pki.ParseCertificates(b.Data)
			must(err)
			ev.Certificates = append(ev.Certificates, certs...)
		}
	}
}

// event records something that is over as it begins, and returns its bundle's
// input.
func (w *world) event(t testing.TB) bundle.Input {
	t.Helper()
	w.other(t, 77, 1)
	w.integrate(t)
	if err := w.log.Stamp(t.Context()); err != nil {
		t.Fatal(err)
	}
	proofs, err := w.log.Prove(t.Context(), fmt.Sprintf("0193f2a4-7c1e-7d3a-9b5c-%012x", 77))
	if err != nil {
		t.Fatal(err)
	}
	in := bundle.Input{Origin: origin, Keys: w.log.AllKeys(), Proofs: proofs, Anchors: w.lab.Anchors(), TSAs: w.lab.Anchors()}
	w.material(t, proofs, &in.Evidence)
	return in
}

// gateKey signs when it is let, where there is a gate.
type gateKey struct {
	ed25519.PrivateKey
	gate chan struct{}
}

func (k *gateKey) Sign(rand io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	if k.gate != nil {
		<-k.gate
	}
	return k.PrivateKey.Sign(rand, msg, opts)
}

// outcome makes the entry of r, whose receipt shares its signature with another
// one when w.company is set.
func (w *world) outcome(t testing.TB, r evidence.Record) (e evidence.Entry) {
	t.Helper()
	one := func(r evidence.Record) evidence.Entry {
		e, _, err := w.log.NewEntry(r)
		if err != nil {
			t.Error(err)
		}
		return e
	}
	test, ok := t.(*testing.T)
	if !w.company || !ok {
		return one(r)
	}
	other := evidence.Record{Operation: "0193f2a4-7c1e-7d3a-9b5c-ffffffffffff", Phase: evidence.PhaseEvent, Kind: "config", Time: r.Time}
	synctest.Test(test, func(*testing.T) {
		w.receipts.gate = make(chan struct{})
		go one(other)
		synctest.Wait() // it is being signed, and the next two share what comes after
		go func() { e = one(r) }()
		go one(other)
		synctest.Wait()
		close(w.receipts.gate)
		synctest.Wait()
	})
	w.receipts.gate = nil
	return e
}

func byteRange(t testing.TB, b []byte) [4]int64 {
	t.Helper()
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sigs, err := pades.Signatures(doc)
	if err != nil || len(sigs) == 0 {
		t.Fatal(len(sigs), err)
	}
	return sigs[0].ByteRange
}

// earlier adds the consistency proof from a checkpoint of size older.
func (w *world) earlier(t testing.TB, in *bundle.Input, older int64) {
	t.Helper()
	c, ok, err := w.store.CheckpointFor(t.Context(), older, false)
	if err != nil || !ok || c.Size != older {
		t.Fatal("no checkpoint of that size", c.Size, err)
	}
	proof, err := w.log.Consistency(t.Context(), older, in.Proofs[0].Checkpoint.Size)
	if err != nil {
		t.Fatal(err)
	}
	in.Earlier, in.Consistency = c.Note, evidence.MarshalConsistency(older, proof)
}

func write(t testing.TB, in bundle.Input) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := bundle.Write(&b, in); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// stateOf returns what became of a statement; "" when it is not made.
func stateOf(r bundle.Report, id string) bundle.State {
	for _, s := range r.Statements {
		if s.ID == id {
			return s.State
		}
	}
	return ""
}

func (w *world) options() bundle.Options {
	return bundle.Options{LogKeys: w.keys, Anchors: w.lab.Anchors(), TSAs: w.lab.Anchors()}
}

// content is a bundle taken apart.
type content struct {
	names []string
	data  map[string][]byte
}

func unzip(t testing.TB, b []byte) content {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	c := content{data: map[string][]byte{}}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		c.names = append(c.names, f.Name)
		c.data[f.Name] = data
	}
	return c
}

// with returns a copy in which one file is another; nil leaves it out. The list of
// digests is made anew.
func (c content) with(name string, data []byte) content {
	out := content{data: map[string][]byte{}}
	var sums strings.Builder
	for _, n := range c.names {
		d := c.data[n]
		if n == name {
			d = data
		}
		if d == nil || n == "SHA256SUMS" {
			continue
		}
		out.names = append(out.names, n)
		out.data[n] = d
		fmt.Fprintf(&sums, "%s  %s\n", digest(d), n)
	}
	if name != "SHA256SUMS" {
		data = []byte(sums.String())
	}
	out.names = append(out.names, "SHA256SUMS")
	out.data["SHA256SUMS"] = data
	return out
}

func (c content) zip(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, n := range c.names {
		f, err := z.CreateHeader(&zip.FileHeader{Name: n, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(c.data[n]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (c content) unpack(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range c.names {
		path := filepath.Join(dir, n)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, c.data[n], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func verify(t testing.TB, b []byte, o bundle.Options) bundle.Report {
	t.Helper()
	r, err := bundle.Verify(bytes.NewReader(b), int64(len(b)), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
