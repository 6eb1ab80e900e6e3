package verifier_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/verifier"
)

// flip changes one byte after the first occurrence of mark.
func flip(tb testing.TB, b []byte, mark string, offset int) []byte {
	tb.Helper()
	i := bytes.Index(b, []byte(mark))
	if i < 0 {
		tb.Fatalf("no %q", mark)
	}
	out := bytes.Clone(b)
	out[i+offset] ^= 1
	return out
}

// inContents changes the last hexadecimal digit of some bytes of the first
// signature's CMS.
func inContents(tb testing.TB, b, find []byte) []byte {
	tb.Helper()
	at := bytes.Index(b, []byte("/Contents <")) + len("/Contents <")
	end := at + bytes.IndexByte(b[at:], '>')
	i := bytes.LastIndex(bytes.ToLower(b[at:end]), []byte(hex.EncodeToString(find)))
	if i < 0 {
		tb.Fatal("not in /Contents")
	}
	out := bytes.Clone(b)
	place := at + i + 2*len(find) - 1
	out[place] = map[bool]byte{true: '1', false: '0'}[out[place] == '0']
	return out
}

func TestForgeries(t *testing.T) {
	w := newWorld(t)
	signed := w.sign(t, letter(t), signer.B)
	res, err := w.signer.Sign(context.Background(), input(letter(t)), signer.Request{
		Key: w.key, Certificate: w.cert, Chain: w.chain, Level: signer.B, At: w.now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	known := append(letter(t), res.Tail...)
	value := res.CMS[len(res.CMS)-8:] // the signature value comes last
	stranger := newWorld(t)
	tests := []struct {
		name   string
		file   []byte
		cfg    verifier.Config
		want   string
		intact bool
	}{
		{"as signed", signed, w.online(), "PASSED", true},
		{"document changed", flip(t, signed, "endobj", -3), w.online(), "FAILED/HASH_FAILURE", false},
		{"value changed", inContents(t, known, value), w.online(), "FAILED/SIG_CRYPTO_FAILURE", false},
		{"nobody trusted", signed, verifier.Config{}, "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND", true},
		{"another root of the same name", signed, stranger.offline(), "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND", true},
		{"trusted for time-stamps only", signed, verifier.Config{TSAs: w.lab.Anchors()}, "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND", true},
		{"trailing bytes", append(bytes.Clone(signed), "x"...), w.online(), "FAILED/FORMAT_FAILURE", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := verify(t, tt.cfg, tt.file, w.now())
			if len(r.Signatures) != 1 {
				t.Fatalf("%s, %d signatures", r.Verdict, len(r.Signatures))
			}
			if s := r.Signatures[0]; s.String() != tt.want || s.Intact != tt.intact {
				explain(t, r)
				t.Errorf("got %s, intact %v, want %s, %v", s.Conclusion, s.Intact, tt.want, tt.intact)
			}
		})
	}
}

// replaceInContents replaces some bytes of the first signature's CMS, written
// in hexadecimal, by others of the same length.
func replaceInContents(tb testing.TB, b []byte, old, by string) []byte {
	tb.Helper()
	at := bytes.Index(b, []byte("/Contents <")) + len("/Contents <")
	end := at + bytes.IndexByte(b[at:], '>')
	i := bytes.Index(bytes.ToLower(b[at:end]), []byte(old))
	if i < 0 || len(old) != len(by) {
		tb.Fatalf("%s is not in /Contents, or longer or shorter than %s", old, by)
	}
	out := bytes.Clone(b)
	copy(out[at+i:], by)
	return out
}

// TestForeignStamps: what is put among the unsigned attributes makes no good
// signature a forgery, and no forgery a good signature.
func TestForeignStamps(t *testing.T) {
	const imprint, unknown = "3031300d060960864801650304020105000420", "3031300d060960864801650304026305000420"
	const tstInfo, other = "060b2a864886f70d0109100104", "060b2a864886f70d0109100105"
	w := newWorld(t)
	signed := w.sign(t, letter(t), signer.T)
	tests := []struct {
		name   string
		file   []byte
		want   string
		intact bool
	}{
		{"as signed", signed, "PASSED", true},
		{"no time-stamp at all", replaceInContents(t, signed, tstInfo, other), "PASSED", true},
		{"over a digest that nobody knows", replaceInContents(t, signed, imprint, unknown), "INDETERMINATE/SIG_CONSTRAINTS_FAILURE", false},
		{"the same, of a changed letter", flip(t, replaceInContents(t, signed, imprint, unknown), "endobj", -3), "FAILED/HASH_FAILURE", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := verify(t, w.online(), tt.file, w.now())
			if s := r.Signatures[0]; s.String() != tt.want || s.Intact != tt.intact {
				explain(t, r)
				t.Errorf("got %s, intact %v, want %s, %v", s.Conclusion, s.Intact, tt.want, tt.intact)
			}
		})
	}
}

// TestRevocationSources: a source that lies or is down never gives a pass.
func TestRevocationSources(t *testing.T) {
	tests := []struct {
		name      string
		ocsp, crl lab.Fault
		want      string
	}{
		{"both well", lab.None, lab.None, "PASSED"},
		{"OCSP down, CRL well", lab.Down, lab.None, "PASSED"},
		{"OCSP of a stranger, CRL well", lab.WrongResponder, lab.None, "PASSED"},
		{"both down", lab.Down, lab.Down, "INDETERMINATE/TRY_LATER"},
		{"both stale", lab.Stale, lab.Stale, "INDETERMINATE/TRY_LATER"},
		{"both forged", lab.BadSignature, lab.BadSignature, "INDETERMINATE/TRY_LATER"},
		{"about another, no CRL", lab.WrongCertID, lab.Down, "INDETERMINATE/TRY_LATER"},
		{"unknown, no CRL", lab.UnknownStatus, lab.Down, "INDETERMINATE/TRY_LATER"},
		{"responder without the usage, no CRL", lab.WrongEKU, lab.Down, "INDETERMINATE/TRY_LATER"},
		{"everything revoked", lab.RevokedStatus, lab.RevokedStatus, "INDETERMINATE/REVOKED_NO_POE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			signed := w.sign(t, letter(t), signer.B)
			w.lab.SetFault(lab.OCSP, tt.ocsp)
			w.lab.SetFault(lab.CRL, tt.crl)
			if r := verify(t, w.online(), signed, w.now()); r.Signatures[0].String() != tt.want {
				explain(t, r)
				t.Errorf("got %s, want %s", r.Signatures[0].Conclusion, tt.want)
			}
		})
	}
}

// TestUntrustedIsNotFetched: addresses in certificates of strangers are never
// visited (N01).
func TestUntrustedIsNotFetched(t *testing.T) {
	w := newWorld(t)
	signed := w.sign(t, letter(t), signer.B)
	before := w.lab.Requests(lab.OCSP) + w.lab.Requests(lab.CRL) + w.lab.Requests(lab.AIA)
	cfg := newWorld(t).offline()
	cfg.Source = w.source
	verify(t, cfg, signed, w.now())
	if after := w.lab.Requests(lab.OCSP) + w.lab.Requests(lab.CRL) + w.lab.Requests(lab.AIA); after != before {
		t.Errorf("%d requests", after-before)
	}
}

// TestLaterSignature: a later signature explains its revision only when it is
// itself valid; one that is not known makes the earlier one INDETERMINATE and
// never TOTAL-FAILED.
func TestLaterSignature(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	first := w.sign(t, letter(t), signer.LTA)
	own := w.sign(t, first, signer.LTA)
	foreign := other.sign(t, first, signer.LTA)
	if r := verify(t, w.offline(), own, w.now()); r.Verdict != verifier.TotalPassed {
		explain(t, r)
		t.Errorf("both trusted: %s", r.Verdict)
	}
	r := verify(t, w.offline(), foreign, w.now())
	if got := r.Signatures[0].String(); got != "INDETERMINATE/SIG_CONSTRAINTS_FAILURE" || r.Verdict != verifier.VerdictUndetermined {
		explain(t, r)
		t.Errorf("first signature %s, file %s", got, r.Verdict)
	}
}

// TestBroken: what cannot be read is UNREADABLE with the rule, and never
// passes.
func TestBroken(t *testing.T) {
	for _, b := range testfile.BrokenInputs(t) {
		t.Run(b.Name, func(t *testing.T) {
			began := time.Now()
			r := verify(t, verifier.Config{}, b.Bytes(t), begin)
			if r.Verdict == verifier.TotalPassed || b.Open && r.Verdict != verifier.Unreadable {
				t.Errorf("%s for %s", r.Verdict, b.What)
			}
			if b.Open && (len(r.Reasons) != 1 || r.Reasons[0].Code == "") {
				t.Errorf("reasons %v", r.Reasons)
			}
			if d := time.Since(began); d > 10*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// TestBrokenSignatureIsNotNone: a file that cannot be read but carries a
// signature is TOTAL-FAILED (G9), not unsigned.
func TestBrokenSignatureIsNotNone(t *testing.T) {
	w := newWorld(t)
	signed := w.sign(t, letter(t), signer.B)
	cut := signed[:len(signed)-40]
	r := verify(t, w.offline(), cut, w.now())
	if r.Verdict != verifier.TotalFailed {
		explain(t, r)
		t.Errorf("got %s", r.Verdict)
	}
	if r := verify(t, w.offline(), letter(t), w.now()); r.Verdict != verifier.NoSignature {
		t.Errorf("unsigned letter: %s", r.Verdict)
	}
	if r := verify(t, w.offline(), []byte("/ByteRange and no PDF"), w.now()); r.Verdict != verifier.Unreadable {
		t.Errorf("text: %s", r.Verdict)
	}
}

func TestJSON(t *testing.T) {
	w := newWorld(t)
	signed := w.sign(t, letter(t), signer.LTA)
	r := verify(t, w.offline(), signed, w.now())
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(signed)
	for _, want := range []string{
		`{"schema":"absah/verdict/1","file":"TestJSON","sha256":"` + hex.EncodeToString(sum[:]) + `","size":`,
		`"at":"2026-03-02T08:00:00Z","policy":"gov","verdict":"TOTAL-PASSED"`,
		`"field":"Signature1","type":"signature","revision":2,"subFilter":"ETSI.CAdES.detached","level":"PAdES-BASELINE-LTA"`,
		`"indication":"TOTAL-PASSED","subIndication":"","reasons":[],"intact":true,"coverage":"entire-revision"`,
		`"signer":{"commonName":"Kepala Dinas Contoh","organization":"Pemerintah Kabupaten Contoh","serialNumber":"`,
		`"timestamps":[{"kind":"signature","time":"2026-03-02T08:00:00Z","indication":"TOTAL-PASSED"`,
		`"type":"document-timestamp"`, `"warnings":[`,
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in\n%s", want, data)
		}
	}
}

// brokenReader fails after some bytes: machinery, not a verdict.
type brokenReader struct{ io.ReaderAt }

var errDisk = errors.New("disk")

func (b brokenReader) ReadAt(p []byte, off int64) (int, error) { return 0, errDisk }

func TestReaderFails(t *testing.T) {
	v, err := verifier.New(verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(context.Background(), verifier.Input{Reader: brokenReader{}, Size: 1000}, begin); !errors.Is(err, errDisk) {
		t.Errorf("got %v", err)
	}
}
