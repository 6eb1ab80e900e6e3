package signer_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/internal/pdfrand"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/signer"
	"pgregory.net/rapid"
)

// TestRandomDocuments signs 200 random documents at each level.
func TestRandomDocuments(t *testing.T) {
	w := newWorld(t)
	for i := range 200 {
		in := pdfrand.Samples().Example(i)
		for _, l := range levels {
			res, err := w.signer.Sign(context.Background(), input(in.Data, in.Password), w.request(l))
			if err != nil {
				t.Fatalf("document %d (%s) at %v: %v", i, in.About, l, err)
			}
			list := check(t, append(bytes.Clone(in.Data), res.Tail...), in.Password)
			if len(list) == 0 || list[0].Revision != in.Revisions+1 || list[0].SubFilter != pades.SubFilterCAdES || res.Level != l {
				t.Errorf("document %d (%s) at %v: reached %v", i, in.About, l, res.Level)
			}
		}
	}
}

// TestProperty signs random documents one to ten times in a row at random
// levels: each output begins with its input, and every signature stays good.
func TestProperty(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		in := pdfrand.Samples().Draw(rt, "document")
		b, want := in.Data, 0
		for range rapid.IntRange(1, 10).Draw(rt, "signatures") {
			level := rapid.SampledFrom(levels).Draw(rt, "level")
			req := w.request(level)
			if rapid.Bool().Draw(rt, "visible") {
				req.Visible = &signer.Visible{Page: rapid.SampledFrom([]int{signer.FirstPage, signer.LastPage, 1}).Draw(rt, "page"),
					Width: 60, Height: 30, Name: "Andi Wijaya"}
			} else if len(in.EmptyFields) > 0 {
				req.Field, in.EmptyFields = in.EmptyFields[0], in.EmptyFields[1:]
			}
			res, err := w.signer.Sign(context.Background(), input(b, in.Password), req)
			if r, ok := errors.AsType[*signer.RefusedError](err); ok && r.Code == "covers-content" && want > 0 && req.Visible != nil {
				req.Visible = nil // what others signed stays in sight
				res, err = w.signer.Sign(context.Background(), input(b, in.Password), req)
			}
			if err != nil {
				rt.Fatal(err)
			}
			b = append(bytes.Clone(b), res.Tail...)
			if res.After != sha256.Sum256(b) {
				rt.Fatal("After is not the digest of input and Tail")
			}
			if want++; level == signer.LTA {
				want++
			}
		}
		if got := len(check(t, b, in.Password)); got != want {
			rt.Fatalf("%d good signatures, want %d", got, want)
		}
	})
}

// TestAlgorithms signs with each kind of key at B-LTA and lets other programs
// judge.
func TestAlgorithms(t *testing.T) {
	w := newWorld(t)
	trust := save(t, "root.pem", w.lab.TrustPEM())
	for _, c := range []struct {
		name string
		key  testkey.Key
		pss  bool
	}{
		{"RSA-2048", testkey.RSA(t, 2048), false}, {"RSA-3072", testkey.RSA(t, 3072), false}, {"RSA-4096", testkey.RSA(t, 4096), false},
		{"PSS-2048", testkey.RSA(t, 2048), true}, {"PSS-3072", testkey.RSA(t, 3072), true},
		{"P-256", testkey.P256(t), false}, {"P-384", testkey.EC(t, elliptic.P384()), false}, {"P-521", testkey.EC(t, elliptic.P521()), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := w.request(signer.LTA)
			req.Key, req.PSS = c.key, c.pss
			req.Certificate, req.Chain = w.issue(t, c.key.Public(), labDefaults)
			out := w.sign(t, letter(t), req)
			list := check(t, out, "")
			if len(list) != 2 {
				t.Fatalf("%d signatures", len(list))
			}
			judge(t, out, list, trust)
		})
	}
}

// judge lets openssl and pdfsig verify a B-LTA document.
func judge(t *testing.T, out []byte, list []*pades.Signature, trust string) {
	t.Helper()
	doc, err := pdf.Open(bytes.NewReader(out), int64(len(out)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		signed, err := io.ReadAll(s.SignedReader(doc))
		if err != nil {
			t.Fatal(err)
		}
		der, err := s.CMS()
		if err != nil {
			t.Fatal(err)
		}
		content, blob := save(t, "content", signed), save(t, "cms.der", der)
		if s.Kind == pades.KindDocTimestamp {
			if msg, err := tool(t, "openssl", "ts", "-verify", "-data", content, "-in", blob, "-token_in", "-CAfile", trust); err != nil {
				t.Errorf("openssl ts: %v\n%s", err, msg)
			}
			continue
		}
		if msg, err := tool(t, "openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", blob, "-content", content,
			"-CAfile", trust, "-purpose", "any", "-out", filepath.Join(t.TempDir(), "out")); err != nil {
			t.Errorf("openssl cms: %v\n%s", err, msg)
		}
	}
	msg, err := tool(t, "pdfsig", "-nocert", save(t, "out.pdf", out)) // exit status is about trust
	if err != nil && !strings.Contains(msg, "Signature") || !strings.Contains(msg, "Signature Validation: Signature is Valid") {
		t.Errorf("pdfsig: %v\n%s", err, msg)
	}
}

// TestDetached signs bytes that are no PDF.
func TestDetached(t *testing.T) {
	w := newWorld(t)
	content := []byte("Peraturan Bupati Contoh tentang tanda tangan elektronik\n")
	trust := save(t, "root.pem", w.lab.TrustPEM())
	for _, l := range []signer.Level{signer.B, signer.T} {
		res, err := w.signer.SignDetached(context.Background(), bytes.NewReader(content), w.request(l))
		if err != nil {
			t.Fatal(err)
		}
		der := res.CMS
		sd, err := cms.Parse(der)
		if err != nil {
			t.Fatal(err)
		}
		si := sd.SignerInfos[0]
		digest := sha256.Sum256(content)
		if res.Level != l || res.Before != digest || len(res.Tokens) != int(l) || res.Time.IsZero() != (l == signer.B) {
			t.Errorf("%v: level %v, digest %x, %d tokens, time %v", l, res.Level, res.Before, len(res.Tokens), res.Time)
		}
		if err := si.Verify(w.cert, digest[:]); err != nil {
			t.Error(err)
		}
		if when, err := si.SigningTime(); err != nil || when.Unix() != w.now().Unix() && w.now().Sub(when) > 5e9 {
			t.Errorf("signing time %v, %v", when, err)
		}
		tokens := si.SignatureTimestamps()
		if len(tokens) != int(l) {
			t.Fatalf("%d timestamps at %v", len(tokens), l)
		}
		for _, raw := range tokens {
			token, err := tsp.ParseToken(raw)
			if err != nil {
				t.Fatal(err)
			}
			imprint := sha256.Sum256(si.Value)
			if err := token.Verify(crypto.SHA256, imprint[:]); err != nil {
				t.Error(err)
			}
		}
		if msg, err := tool(t, "openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", save(t, "cms", der),
			"-content", save(t, "content", content), "-CAfile", trust, "-purpose", "any", "-out", filepath.Join(t.TempDir(), "out")); err != nil {
			t.Errorf("openssl: %v\n%s", err, msg)
		}
	}
	var r *signer.RefusedError
	if _, err := w.signer.SignDetached(context.Background(), bytes.NewReader(content), w.request(signer.LT)); !errors.As(err, &r) || r.Code != signer.CodeDetachedLevel {
		t.Errorf("B-LT: %v", err)
	}
	req := w.request(signer.B)
	req.Reason = "Disetujui"
	if _, err := w.signer.SignDetached(context.Background(), bytes.NewReader(content), req); err == nil {
		t.Error("a reason was silently left out")
	}
	if _, err := w.signer.SignDetached(context.Background(), io.MultiReader(bytes.NewReader(content), failing{}), w.request(signer.B)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a reader that fails: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// counting tells how much of the input is read.
type counting struct {
	io.ReaderAt
	n int64
}

func (c *counting) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(b, at)
	c.n += int64(n)
	return n, err
}

// TestInputDigest: a caller who has hashed the input spares the reading, and
// the state it gave can be used on.
func TestInputDigest(t *testing.T) {
	w := newWorld(t)
	big := padded(letter(t), 8<<20)
	state := sha256.New()
	state.Write(big)
	for _, c := range []struct {
		name   string
		digest hash.Hash
		most   int64
	}{{"given", state, 2 << 20}, {"not given", nil, 10 << 20}} {
		src := &counting{ReaderAt: bytes.NewReader(big)}
		res, err := w.signer.Sign(context.Background(), signer.Input{Reader: src, Size: int64(len(big)), Digest: c.digest}, w.request(signer.LTA))
		if err != nil {
			t.Fatal(err)
		}
		check(t, append(bytes.Clone(big), res.Tail...), "")
		if src.n > c.most {
			t.Errorf("%s: %d bytes read of %d", c.name, src.n, len(big))
		}
	}
	if want := sha256.Sum256(big); !bytes.Equal(state.Sum(nil), want[:]) {
		t.Error("the given state was changed")
	}
	for _, wrong := range []hash.Hash{sha512.New(), sha512.New512_256()} {
		if _, err := w.signer.Sign(context.Background(), signer.Input{Reader: bytes.NewReader(big), Size: int64(len(big)), Digest: wrong}, w.request(signer.B)); err == nil {
			t.Error("a digest other than SHA-256 was accepted")
		}
	}
}

// padded returns a valid document of about n bytes: the input with a stream
// that nothing refers to, as a revision of its own.
func padded(in []byte, n int) []byte {
	doc, err := pdf.Open(bytes.NewReader(in), int64(len(in)), pdf.Options{})
	if err != nil {
		panic(err)
	}
	u := doc.Latest().NewUpdate()
	noise := make([]byte, n)
	rand.Read(noise[:min(n, 1<<20)])
	u.Add(pdf.NewStream(pdf.Dict{}, noise))
	tail, err := u.Finish()
	if err != nil {
		panic(err)
	}
	return append(bytes.Clone(in), tail...)
}

// sparse is a huge document that takes no memory: the stream of padded,
// stretched.
type sparse struct {
	head, tail []byte
	gap        int64
}

func (s *sparse) ReadAt(b []byte, at int64) (int, error) {
	n := 0
	for n < len(b) {
		switch from := at + int64(n); {
		case from < int64(len(s.head)):
			n += copy(b[n:], s.head[from:])
		case from < int64(len(s.head))+s.gap:
			k := min(int64(len(b)-n), int64(len(s.head))+s.gap-from)
			clear(b[n : n+int(k)])
			n += int(k)
		case from < s.size():
			n += copy(b[n:], s.tail[from-int64(len(s.head))-s.gap:])
		default:
			return n, io.EOF
		}
	}
	return n, nil
}

func (s *sparse) size() int64 { return int64(len(s.head)) + s.gap + int64(len(s.tail)) }

func hugeDocument(gap int64) *sparse {
	var head, tail bytes.Buffer
	head.WriteString("%PDF-1.7\n")
	offsets := make([]int64, 5)
	for i, body := range []string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 1/Kids[3 0 R]>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"} {
		offsets[i+1] = int64(head.Len())
		fmt.Fprintf(&head, "%d 0 obj\n%s\nendobj\n", i+1, body)
	}
	offsets[4] = int64(head.Len())
	fmt.Fprintf(&head, "4 0 obj\n<</Length %d>>\nstream\n", gap)
	tail.WriteString("\nendstream\nendobj\n")
	xref := int64(head.Len()) + gap + int64(tail.Len())
	tail.WriteString("xref\n0 5\n0000000000 65535 f \n")
	for _, o := range offsets[1:] {
		fmt.Fprintf(&tail, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&tail, "trailer\n<</Size 5/Root 1 0 R/ID[<00><00>]>>\nstartxref\n%d\n%%%%EOF\n", xref)
	return &sparse{head.Bytes(), tail.Bytes(), gap}
}

// TestMemory: a gigabyte is signed in a few megabytes.
func TestMemory(t *testing.T) {
	w := newWorld(t)
	doc := hugeDocument(1 << 30)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	src := &counting{ReaderAt: doc}
	res, err := w.signer.Sign(context.Background(), signer.Input{Reader: src, Size: doc.size()}, w.request(signer.LTA))
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 32<<20 {
		t.Errorf("%d bytes allocated in all", got)
	}
	if src.n > doc.size()+2<<20 {
		t.Errorf("%d bytes read of %d: more than once", src.n, doc.size())
	}
	if len(res.Tail) == 0 || res.Level != signer.LTA {
		t.Errorf("%d bytes at %v", len(res.Tail), res.Level)
	}
}

// TestReproducible: the same request on the same input gives the same bytes
// but for what key and authority choose.
func TestReproducible(t *testing.T) {
	w := newWorld(t)
	req := w.request(signer.B)
	req.Key = testkey.RSA(t, 2048)
	req.Certificate, req.Chain = w.issue(t, req.Key.Public(), labDefaults)
	req.Visible = &signer.Visible{X: 50, Y: 50, Width: 200, Height: 70, QR: "https://contoh.go.id/v/1", Office: "Bupati Contoh", Name: "Andi Wijaya"}
	for _, name := range []string{"naskah-dinas", "v15-stream"} {
		b := testfile.ByName(t, name).Bytes(t)
		first, second := w.sign(t, b, req), w.sign(t, b, req)
		if !bytes.Equal(first, second) {
			t.Errorf("%s: two runs differ", name)
		}
	}
}
