package evidence_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/absah-id/absah/evidence"
)

const opID = "0193f2a4-7c1e-7d3a-9b5c-6f1e2d3c4b5a"

func record(phase evidence.Phase) evidence.Record {
	r := evidence.Record{
		Organisation: "Kabupaten Contoh", Operation: opID, Phase: phase, Kind: "sign",
		Time: time.Date(2026, 1, 2, 3, 4, 5, 60_000_000, time.UTC), Node: "a",
		Actor:   evidence.Actor{Application: "e-office", Role: "application", Authentication: "key", Address: "127.0.0.1"},
		Subject: evidence.Subject{InputSHA256: strings.Repeat("ab", 32), InputSize: 10},
	}
	if phase != evidence.PhaseIntent {
		r.Result = evidence.Result{Status: evidence.StatusOK, Level: "B-LTA"}
	}
	return r
}

func TestRecordBytes(t *testing.T) {
	r := record(evidence.PhaseOutcome)
	r.Detail = map[string]string{"z": "a\"\\\b\t\n\f\r\x01/é\u2028<", "a.b": ""}
	r.Artefacts = []evidence.Artefact{{Kind: "cms", SHA256: strings.Repeat("0c", 32), Size: 7}}
	got, err := r.MarshalCanonical()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"actor":{"address":"127.0.0.1","application":"e-office","authentication":"key","role":"application"},` +
		`"artefacts":[{"kind":"cms","sha256":"` + strings.Repeat("0c", 32) + `","size":7}],` +
		`"detail":{"a.b":"","z":"a\"\\\b\t\n\f\r\u0001/é` + "\u2028" + `<"},"kind":"sign","node":"a","operation":"` + opID + `",` +
		`"organisation":"Kabupaten Contoh","phase":"outcome","result":{"level":"B-LTA","status":"ok"},"schema":"absah/record/1",` +
		`"subject":{"inputSHA256":"` + strings.Repeat("ab", 32) + `","inputSize":10},"time":"2026-01-02T03:04:05.060Z"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := evidence.ParseRecord(got); err != nil {
		t.Error(err)
	}
}

// With every member there, the bytes are those of a JSON encoder that sorts.
func TestRecordMembersInOrder(t *testing.T) {
	digest := strings.Repeat("5e", 32)
	r := record(evidence.PhaseOutcome)
	r.Actor.User, r.Intent = "bupati", digest
	r.Subject.OutputSHA256, r.Subject.OutputSize, r.Subject.Document = digest, 11, "d"
	r.Signer = evidence.Signer{ID: "segel", CertificateSHA256: digest, Key: digest}
	r.Result.Code = "none"
	r.Detail = map[string]string{"b": "2", "a": "1", "a-b": "3", "a.b": "4", "a_b": "5"}
	r.Artefacts = []evidence.Artefact{{Kind: "cms", SHA256: digest, Size: 7}, {Kind: "ocsp", SHA256: digest}}
	got, err := r.MarshalCanonical()
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(got, &members); err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, name := range []string{"actor", "artefacts", "detail", "intent", "kind", "node", "operation", "organisation", "phase", "result", "schema", "signer", "subject", "time"} {
		if members[name] == nil {
			t.Errorf("the member %s is missing", name)
		}
	}
}

func BenchmarkMarshalCanonical(b *testing.B) {
	r := record(evidence.PhaseOutcome)
	r.Detail = map[string]string{"asked": "B-B", "authorisation": "resident-key"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.MarshalCanonical(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestParseRecordRefuses(t *testing.T) {
	good, err := record(evidence.PhaseOutcome).MarshalCanonical()
	if err != nil {
		t.Fatal(err)
	}
	swap := func(old, new string) string {
		if !strings.Contains(string(good), old) {
			t.Fatalf("%q is not in the record", old)
		}
		return strings.Replace(string(good), old, new, 1)
	}
	for name, in := range map[string]string{
		"unknown member":        swap(`"kind":`, `"hint":"x","kind":`),
		"unknown member inside": swap(`"role":`, `"hint":"x","role":`),
		"repeated member":       swap(`"kind":"sign"`, `"kind":"sign","kind":"sign"`),
		"other case":            swap(`"kind":`, `"Kind":`),
		"white space":           swap(`"kind":`, `"kind": `),
		"other order":           swap(`"kind":"sign","node":"a"`, `"node":"a","kind":"sign"`),
		"long escape":           swap(`"sign"`, `"\u0073ign"`),
		"null":                  swap(`"node":"a"`, `"node":null`),
		"empty member":          swap(`"node":"a"`, `"node":""`),
		"float":                 swap(`:10`, `:10.0`),
		"exponent":              swap(`:10`, `:1e1`),
		"time without ms":       swap(`05.060Z`, `05Z`),
		"time with offset":      swap(`05.060Z`, `05.060+00:00`),
		"bytes behind":          string(good) + "\n",
		"bad UTF-8":             swap(`"node":"a"`, "\"node\":\"\xff\""),
		"upper-case digest":     swap("abab", "ABAB"),
		"operation":             swap(opID, strings.ToUpper(opID)),
		"phase":                 swap(`"outcome"`, `"result"`),
		"status":                swap(`"ok"`, `"good"`),
		"kind":                  swap(`"sign"`, `"Sign"`),
		"negative size":         swap(`:10`, `:-10`),
		"size beyond 2^53":      swap(`:10`, `:9007199254740993`),
		"long text":             swap(`"a"`, `"`+strings.Repeat("a", 2000)+`"`),
		"empty":                 "",
		"array":                 "[]",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := evidence.ParseRecord([]byte(in))
			var bad *evidence.RecordError
			if !errors.As(err, &bad) {
				t.Errorf("got %v, want a RecordError", err)
			}
			if errors.Is(err, evidence.ErrSchema) {
				t.Errorf("got %v for a known version", err)
			}
		})
	}
	if _, err := evidence.ParseRecord([]byte(`{"schema":"absah/record/9","more":1}`)); !errors.Is(err, evidence.ErrSchema) {
		t.Errorf("another version: got %v, want ErrSchema", err)
	}
	if _, err := evidence.ParseRecord(make([]byte, evidence.MaxRecord+1)); err == nil || errors.Is(err, evidence.ErrSchema) {
		t.Errorf("too long: got %v", err)
	}
}

func TestRecordLimits(t *testing.T) {
	for name, change := range map[string]func(*evidence.Record){
		"schema":          func(r *evidence.Record) { r.Schema = "absah/record/2" },
		"no operation":    func(r *evidence.Record) { r.Operation = "" },
		"no time":         func(r *evidence.Record) { r.Time = time.Time{} },
		"no status":       func(r *evidence.Record) { r.Result = evidence.Result{} },
		"artefact":        func(r *evidence.Record) { r.Artefacts = []evidence.Artefact{{Kind: "cms", SHA256: "00"}} },
		"artefacts":       func(r *evidence.Record) { r.Artefacts = make([]evidence.Artefact, 257) },
		"detail name":     func(r *evidence.Record) { r.Detail = map[string]string{"A b": ""} },
		"detail reserved": func(r *evidence.Record) { r.Detail = map[string]string{"kind": "cms"} },
		"detail long":     func(r *evidence.Record) { r.Detail = map[string]string{"a": strings.Repeat("a", 4097)} },
		"intent":          func(r *evidence.Record) { r.Intent = "00" },
		"not UTF-8":       func(r *evidence.Record) { r.Node = "\xc3" },
		"detail not UTF":  func(r *evidence.Record) { r.Detail = map[string]string{"a": "\xc3"} },
	} {
		t.Run(name, func(t *testing.T) {
			r := record(evidence.PhaseOutcome)
			change(&r)
			b, err := r.MarshalCanonical()
			var bad *evidence.RecordError
			if !errors.As(err, &bad) {
				t.Errorf("got %s, %v, want a RecordError", b, err)
			}
		})
	}
	r := record(evidence.PhaseIntent)
	r.Result.Status = evidence.StatusOK
	if _, err := r.MarshalCanonical(); err == nil {
		t.Error("an intent with a status was accepted")
	}
}

// memberNames are the names in a record that a detail cannot have.
var memberNames = map[string]bool{
	"actor": true, "artefacts": true, "detail": true, "intent": true, "kind": true, "node": true, "operation": true, "organisation": true,
	"phase": true, "result": true, "schema": true, "sha256": true, "signer": true, "subject": true, "time": true,
}

// TestRecordRoundTrip holds that every record that can be written is read back
// as it was, to the byte.
func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := record(rapid.SampledFrom([]evidence.Phase{evidence.PhaseIntent, evidence.PhaseOutcome, evidence.PhaseEvent}).Draw(t, "phase"))
		r.Organisation = rapid.StringN(0, 40, 1000).Draw(t, "organisation")
		r.Actor.User = rapid.StringN(0, 40, 1000).Draw(t, "user")
		r.Subject.OutputSize = rapid.Int64Range(0, 1<<53-1).Draw(t, "size")
		r.Time = time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "time"))
		name := rapid.StringMatching(`[a-z0-9._-]{1,64}`).Filter(func(s string) bool { return !memberNames[s] })
		r.Detail = rapid.MapOfN(name, rapid.StringN(0, 40, 1000), 0, 64).Draw(t, "detail")
		b, err := r.MarshalCanonical()
		if err != nil {
			t.Fatal(err)
		}
		again, err := evidence.ParseRecord(b)
		if err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		b2, err := again.MarshalCanonical()
		if err != nil || string(b2) != string(b) {
			t.Fatalf("got %s, %v, want %s", b2, err, b)
		}
		if again.Organisation != r.Organisation || again.Subject != r.Subject || !again.Time.Equal(r.Time.Truncate(time.Millisecond)) || len(again.Detail) != len(r.Detail) {
			t.Fatalf("got %+v, want %+v", again, r)
		}
	})
}

func FuzzParseRecord(f *testing.F) {
	for _, phase := range []evidence.Phase{evidence.PhaseIntent, evidence.PhaseOutcome} {
		b, err := record(phase).MarshalCanonical()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"schema":"absah/record/1","detail":{"a":"\ud800"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := evidence.ParseRecord(b)
		if err != nil {
			return
		}
		again, err := r.MarshalCanonical()
		if err != nil || string(again) != string(b) {
			t.Errorf("%q was accepted and is written %q, %v", b, again, err)
		}
	})
}
