package bundle_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/bundle"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/signer"
)

// without returns a copy that lacks the files whose names begin like that.
func (c content) without(prefixes ...string) content {
	for _, n := range slices.Clone(c.names) {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(n, p) }) {
			c = c.with(n, nil)
		}
	}
	return c
}

// plus returns a copy with one file more.
func (c content) plus(name string, data []byte) content {
	out := content{names: append(slices.Clone(c.names), name), data: map[string][]byte{name: data}}
	for n, d := range c.data {
		out.data[n] = d
	}
	return out.with("", nil)
}

// mutant is what both verifiers must say of a bundle: the state of one statement,
// and that no other fails.
type mutant struct {
	name string
	c    content
	id   string
	want bundle.State
}

// mutants holds both verifiers to them, with all keys and roots in hand.
func (w *world) mutants(t *testing.T, list []mutant) {
	t.Helper()
	path := tools(t)
	keys := keyFile(t, w.keys...)
	for _, m := range list {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			r := verify(t, m.c.zip(t), w.options())
			if got := stateOf(r, m.id); got != m.want || r.Verdict != m.want {
				t.Errorf("%s is %q, the whole %s; want %s. Failed: %v", m.id, got, r.Verdict, m.want, r.Failed())
			}
			status, states, out := script(t, path, m.c.unpack(t), nil, "-k", keys, "-t", w.anchor)
			compare(t, r, states, out)
			if want := map[bundle.State]int{bundle.Fails: 1, bundle.Unproven: 2}[m.want]; status != want {
				t.Errorf("verify.sh exits %d, want %d", status, want)
			}
		})
	}
}

// TestLeftOut: what the record says that there is, and is not here, is missed.
func TestLeftOut(t *testing.T) {
	w, in := complete(t)
	in.Document, in.ByteRange = nil, [4]int64{}
	good := unzip(t, write(t, in))
	bb := newWorld(t)
	plain := unzip(t, write(t, bb.sign(t, testkey.P256(t), signer.B, false)))
	w.mutants(t, []mutant{
		{"the outcome", good.without("entries/2/", "signature/", "document/", "report/"), "operation", bundle.Unproven},
		{"the signature", good.without("signature/", "document/ranges"), "artefacts", bundle.Unproven},
		{"the document's timestamps", good.without("document/timestamp-"), "artefacts", bundle.Unproven},
		{"the receipt", good.without("entries/2/receipt.note"), "receipt-2", bundle.Unproven},
		{"the log's timestamp", good.without("log/timestamp.tst", "log/tsa.pem"), "log-time", bundle.Unproven},
		{"the signature's timestamps", good.without("signature/timestamp-"), "signature-time", bundle.Fails},
		{"all timestamps", good.without("signature/timestamp-", "document/timestamp-", "log/timestamp", "log/tsa"), "signature-time", bundle.Fails},
	})
	bb.mutants(t, []mutant{
		{"the only time", plain.without("log/timestamp.tst", "log/tsa.pem"), "certificate", bundle.Unproven},
		{"the signature of B-B", plain.without("signature/", "document/"), "artefacts", bundle.Unproven},
	})
}

// TestReport: a report that the record does not name proves nothing, and one
// beside that which it names fails.
func TestReport(t *testing.T) {
	w, in := complete(t)
	in.Document, in.ByteRange = nil, [4]int64{}
	forged := []byte("TOTAL-FAILED, palsu\n")
	named := unzip(t, write(t, in))
	other := newWorld(t)
	blank := other.event(t)
	w.mutants(t, []mutant{{"beside the one that is named", named.plus("report/report.txt", forged), "report", bundle.Fails}})
	other.mutants(t, []mutant{{"of which nothing is said", unzip(t, write(t, blank)).plus("report/report.txt", forged), "report", bundle.Unproven}})
}

// TestAstray: a file on which no statement rests is not passed over.
func TestAstray(t *testing.T) {
	w, in := complete(t)
	in.Document, in.ByteRange = nil, [4]int64{}
	good := unzip(t, write(t, in))
	record, token := good.data["entries/2/record.json"], good.data["signature/timestamp-1.tst"]
	var list []mutant
	for name, data := range map[string][]byte{
		"entries/4/record.json":     record,
		"entries/4/salt.bin":        []byte("x"),
		"log/successor-7.note":      []byte("x\n"),
		"signature/timestamp-5.tst": token,
		"signature/timestamp-2.pem": []byte("x"),
		"document/timestamp-9.tst":  token,
		"document/timestamp-3.pem":  []byte("x"),
		"revocation/99.crl":         []byte("x"),
		"revocation/1.crl":          []byte("x"),
		"revocation/999.ocsp":       []byte("x"),
	} {
		list = append(list, mutant{name, good.plus(name, data), "files", bundle.Fails})
	}
	list = append(list,
		mutant{"a path without its token", good.without("log/timestamp.tst"), "files", bundle.Fails},
		mutant{"a consistency proof of nothing", good.without("log/earlier.note"), "files", bundle.Fails},
		mutant{"parts of no signature", good.without("signature/cms.der"), "files", bundle.Fails},
	)
	w.mutants(t, list)
}

// TestForShow: behind a proof's checkpoint stand cosignatures, and nothing else;
// a list of keys is one.
func TestForShow(t *testing.T) {
	w, in := complete(t)
	in.Document, in.ByteRange = nil, [4]int64{}
	good := unzip(t, write(t, in))
	name := "entries/2/proof.tlog-proof"
	var list []mutant
	for what, more := range map[string]string{
		"a line": "palsu\n", "an empty line": "\n", "half a line": "palsu", "what is no signature": "— saksi.example palsu\n", "three words": "— saksi example AAAAAAAA\n",
	} {
		list = append(list, mutant{what, good.with(name, append(bytes.Clone(good.data[name]), more...)), "entry-2", bundle.Fails})
	}
	w.mutants(t, list)
	bad := good.with("log/keys.txt", []byte("palsu"))
	_, states, out := script(t, tools(t), bad.unpack(t), nil, "-k", keyFile(t, w.keys...), "-t", w.anchor)
	if r := verify(t, bad.zip(t), w.options()); stateOf(r, "log-key") != bundle.Fails || states["log-key"] != "fails" {
		t.Errorf("keys that are no line: Verify says %q, the script %q\n%s", stateOf(r, "log-key"), states["log-key"], out)
	}
}

// TestForgedReceipt: whoever holds the database can put a record into the log,
// and write a receipt with a key of his own: nothing shows that the gateway
// wrote it.
func TestForgedReceipt(t *testing.T) {
	w := newWorld(t)
	honest := w.keys
	var err error
	w.log, err = evidence.New(evidence.Config{Store: w.store, Origin: origin, Signer: logKey(1), Receipts: logKey(9), Timestamper: w})
	if err != nil {
		t.Fatal(err)
	}
	forged := unzip(t, write(t, w.event(t)))
	w.keys = honest
	w.mutants(t, []mutant{
		{"by a stranger", forged, "receipt-1", bundle.Unproven},
		{"by a stranger whom the bundle does not name", forged.with("log/keys.txt", []byte(strings.Join(honest, "\n")+"\n")), "receipt-1", bundle.Fails},
		{"none", forged.without("entries/1/receipt.note"), "receipt-1", bundle.Unproven},
	})
}

// TestEvent: a record without intent, signature and document is whole.
func TestEvent(t *testing.T) {
	w := newWorld(t)
	if r := verify(t, write(t, w.event(t)), w.options()); r.Verdict != bundle.Holds {
		t.Errorf("got %s: %v", r.Verdict, r.Statements)
	}
}

// TestReplacedScript: a script that calls everything proven, and instructions that
// tell to run it, are not what this program writes. Only the program can say so.
func TestReplacedScript(t *testing.T) {
	w := newWorld(t)
	good := unzip(t, write(t, w.event(t)))
	for name, data := range map[string]string{
		"verify.sh":  "#!/bin/sh\necho 'SAH / EVERY STATEMENT HOLDS'\n",
		"README.txt": "Percayalah.\n",
	} {
		r := verify(t, good.with(name, []byte(data)).zip(t), w.options())
		if got := stateOf(r, "script"); got != bundle.Unproven || r.Verdict != bundle.Unproven {
			t.Errorf("%s: script is %q, the whole %s", name, got, r.Verdict)
		}
	}
	if r := verify(t, good.zip(t), w.options()); stateOf(r, "script") != "" || r.Verdict != bundle.Holds {
		t.Errorf("as it is: script is %q, the whole %s", stateOf(r, "script"), r.Verdict)
	}
}
