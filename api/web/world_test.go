package web_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509/pkix"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/absah-id/absah/api/web"
	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/testdata"
	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report/paper"
)

// site is the pages over a gateway that is a verifier and a list.
type site struct {
	cfg       web.Config
	verifier  *verifier.Verifier
	at        time.Time // of judgement; zero: now
	fixed     *verifier.Report
	documents map[string]*gateway.PublicDocument
	match     gateway.Match
	retired   []gateway.Retired
	open      atomic.Int32 // uploads that are not closed
	pages     *web.Pages
}

func (s *site) Verify(ctx context.Context, _ gateway.Caller, in gateway.Upload, req gateway.VerifyRequest) (*verifier.Report, error) {
	if s.fixed != nil {
		return s.fixed, nil
	}
	at := s.at
	if at.IsZero() {
		at = time.Now()
	}
	return s.verifier.Verify(ctx, verifier.Input{Reader: in, Size: in.Size, Name: req.Name, Password: req.Password, SHA256: in.SHA256[:]}, at)
}

func (s *site) PublicDocument(_ context.Context, id string) (*gateway.PublicDocument, error) {
	if d := s.documents[id]; d != nil {
		return d, nil
	}
	return nil, &gateway.Error{Code: gateway.CodeNotFound, Text: "There is no such thing."}
}

func (s *site) Compare(context.Context, string, gateway.Upload) (gateway.Match, error) {
	return s.match, nil
}

func (s *site) Retired(context.Context, gateway.Upload, *verifier.Report, []byte) ([]gateway.Retired, error) {
	return s.retired, nil
}

// upload is a file in memory.
type upload struct {
	gateway.Upload
	site *site
}

func (u upload) Gateway() gateway.Upload { return u.Upload }
func (u upload) Close() error            { u.site.open.Add(-1); return nil }

const maxUpload = 4 << 20

func (s *site) receive(_ web.Sender, r io.Reader) (web.Upload, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxUpload+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxUpload {
		return nil, &gateway.Error{Code: gateway.CodeTooLarge}
	}
	s.open.Add(1)
	return upload{gateway.Upload{ReaderAt: bytes.NewReader(b), Size: int64(len(b)), SHA256: sha256.Sum256(b)}, s}, nil
}

func newSite(tb testing.TB, v *verifier.Verifier) *site {
	tb.Helper()
	s := &site{verifier: v, documents: map[string]*gateway.PublicDocument{}}
	s.cfg = web.Config{
		Gateway: s, Receive: s.receive, MaxUpload: maxUpload, Office: "Pemerintah Kabupaten Contoh",
		Admit: func(string) error { return nil },
		Turn:  func(context.Context) (func(), error) { return func() {}, nil },
		Print: func(_ context.Context, w io.Writer, r *verifier.Report, p web.Printing) error {
			return paper.Write(w, r, paper.Options{Language: p.Language, Zone: p.Zone})
		},
	}
	s.build(tb)
	tb.Cleanup(func() {
		if n := s.open.Load(); n != 0 {
			tb.Errorf("%d uploads were not closed", n)
		}
	})
	return s
}

// build makes the pages of the configuration anew.
func (s *site) build(tb testing.TB) {
	tb.Helper()
	var err error
	if s.pages, err = web.New(s.cfg); err != nil {
		tb.Fatal(err)
	}
}

// answer is what came back beside the body.
type answer struct {
	StatusCode int
	Header     http.Header
}

func (s *site) get(tb testing.TB, path string) (*answer, string) {
	tb.Helper()
	return s.read(tb, httptest.NewRequest(http.MethodGet, path, nil))
}

func (s *site) read(tb testing.TB, r *http.Request) (*answer, string) {
	tb.Helper()
	w := httptest.NewRecorder()
	_ = s.pages.Serve(w, r, "192.0.2.1") // the answer says it too
	return &answer{w.Code, w.Header()}, w.Body.String()
}

// field is one of a form; with a file name it is a file.
type field struct {
	name, file string
	value      []byte
}

func file(name string, b []byte) field { return field{"document", name, b} }

// post sends a form as a browser without script does.
func (s *site) post(tb testing.TB, path string, fields ...field) (*answer, string) {
	tb.Helper()
	return s.read(tb, formRequest(tb, path, fields...))
}

func formRequest(tb testing.TB, path string, fields ...field) *http.Request {
	tb.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		create := func() (io.Writer, error) { return w.CreateFormField(f.name) }
		if f.file != "" {
			create = func() (io.Writer, error) { return w.CreateFormFile(f.name, f.file) }
		}
		part, err := create()
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := part.Write(f.value); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, path, &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

// world signs: a PKI on loopback and the pages that trust it.
type world struct {
	*site
	lab    *lab.Lab
	signer *signer.Signer
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	must := func(err error) {
		if err != nil {
			tb.Helper()
			tb.Fatal(err)
		}
	}
	w := &world{}
	var err error
	w.lab, err = lab.Start(lab.Config{})
	must(err)
	tb.Cleanup(func() { w.lab.Close() })
	client, err := tsp.NewClient(tsp.ClientConfig{URLs: []string{w.lab.TSAURL()}, Anchors: w.lab.Anchors().Certificates()})
	must(err)
	source, err := fetch.New(fetch.Config{Allow: []string{w.lab.Addr()}})
	must(err)
	tb.Cleanup(func() { source.Close() })
	w.signer, err = signer.New(signer.Config{Timestamper: client, Source: source, Anchors: w.lab.Anchors()})
	must(err)
	v, err := verifier.New(verifier.Config{Signers: w.lab.Anchors(), TSAs: w.lab.Anchors(), Source: source})
	must(err)
	w.site = newSite(tb, v)
	return w
}

// sign signs doc by somebody with that name.
func (w *world) sign(tb testing.TB, doc []byte, subject pkix.Name, level signer.Level) []byte {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	cert, chain, err := w.lab.Issue(key.Public(), subject, lab.IssueOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	r, err := w.signer.Sign(context.Background(), signer.Input{Reader: bytes.NewReader(doc), Size: int64(len(doc))}, signer.Request{
		Key: testkey.Key{Signer: key}, Certificate: cert, Chain: chain, At: time.Now(), Level: level, Reason: "Disetujui",
	})
	if err != nil {
		tb.Fatal(err)
	}
	return append(bytes.Clone(doc), r.Tail...)
}

var bupati = pkix.Name{CommonName: "Bupati Contoh", Organization: []string{"Pemerintah Kabupaten Contoh"}, OrganizationalUnit: []string{"Sekretariat Daerah"}}

func letter() []byte { return bytes.Clone(testdata.Letter) }
