package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pki/lab"
)

// stampedOften is a log whose checkpoints need not wait for a timestamp.
const stampedOften = "evidence: {origin: kabupaten-contoh.example/log, interval: 50ms, stamp: 50ms}"

// bundle fetches the evidence bundle of an operation once it is under a
// timestamped checkpoint, and returns the name of its file.
func (f *office) bundle(t testing.TB, operation string) string {
	t.Helper()
	var a answer
	eventually(t, 30*time.Second, "there is a bundle", func() bool {
		a = f.do(t, call{as: "auditor", path: "/v1/operations/" + operation + "/evidence"})
		return a.status == http.StatusOK
	})
	name := f.path(operation + ".zip")
	f.must(os.WriteFile(name, a.body, 0o600))
	return name
}

// verifies asks both the program and the script in the bundle, and wants one
// exit status of them, with a document in hand unless that is "". It returns what they said.
func (f *office) verifies(t testing.TB, bundle, keys, document string, want int) (program, script string) {
	t.Helper()
	status, program := f.run("evidence", "verify", "--document", document, "--log-key", keys, "--trust", f.path("trust.pem"), bundle)
	if status != want {
		t.Errorf("evidence verify: status %d, want %d\n%s", status, want, program)
	}
	dir, err := os.MkdirTemp(f.dir, "bundle")
	f.must(err)
	if out, err := exec.Command(testfile.Tool(t, "unzip"), "-q", "-d", dir, bundle).CombinedOutput(); err != nil {
		t.Fatalf("unzip: %v %s", err, out)
	}
	cmd := exec.Command(testfile.Tool(t, "dash"), filepath.Join(dir, "verify.sh"), "-k", keys, "-t", f.path("trust.pem"), "-d", document)
	out, err := cmd.CombinedOutput()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Errorf("verify.sh: status %d, want %d\n%s", got, want, out)
	}
	return program, string(out)
}

// TestGatewayBundle fetches the bundles of a signature to B-LTA and of a document
// timestamp, and compares them with the document and with another.
func TestGatewayBundle(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{yaml: stampedOften})
	keys := f.printKeys(t, "keys")
	sealed := f.seal(t, "e-office", letter(), bySeal.with(fields{"level": "B-LTA"})).ok(t, http.StatusOK)
	stamped := f.send(t, "e-office", "/v1/timestamp", sealed.body, nil, nil).ok(t, http.StatusOK)
	f.write("sealed.pdf", string(sealed.body))
	f.write("stamped.pdf", string(stamped.body))
	for _, a := range []struct{ operation, own, other string }{
		{sealed.header.Get("Absah-Operation"), f.path("sealed.pdf"), f.path("stamped.pdf")},
		{stamped.header.Get("Absah-Operation"), f.path("stamped.pdf"), f.path("sealed.pdf")},
	} {
		b := f.bundle(t, a.operation)
		said, _ := f.verifies(t, b, keys, "", 0)
		if !strings.Contains(said, "holds    document-time") {
			t.Errorf("no document timestamp:\n%s", said)
		}
		said, script := f.verifies(t, b, keys, a.own, 0)
		if !strings.Contains(said, "holds    document ") || !strings.Contains(script, "holds    document:") {
			t.Errorf("with the document:\n%s%s", said, script)
		}
		f.verifies(t, b, keys, a.other, 1)
	}
	f.stop()
}

// printKeys writes what the operator would publish to a file.
func (f *office) printKeys(t testing.TB, name string) string {
	t.Helper()
	status, said := f.run("evidence", "keys", f.config)
	if status != 0 {
		t.Fatal(said)
	}
	keys := ""
	for line := range strings.Lines(said) {
		if !strings.HasPrefix(line, "time=") { // a warning about the role of PostgreSQL
			keys += line
		}
	}
	f.write(name, keys)
	return f.path(name)
}

// TestGatewayRollOver changes the log's key as docs/OPERATION.md says: bundles of
// afterwards are verified by who was given the old key, and no way leads around
// the old key's word.
func TestGatewayRollOver(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{yaml: stampedOften})
	archived := bySeal.with(fields{"level": "B-LTA"})
	before := f.bundle(t, f.seal(t, "e-office", letter(), archived).ok(t, http.StatusOK).header.Get("Absah-Operation"))
	old := f.printKeys(t, "old-keys")
	first, _, _ := strings.Cut(f.read("old-keys"), "\n")

	was := f.read("absah.yaml")
	now := strings.Replace(was, "keys: {", "keys: {log: log-2, ", 1)
	f.write("new.yaml", now)
	if status, said := f.run("evidence", "roll-over", f.path("new.yaml"), "--from", "absah-log"); status != 64 || !strings.Contains(said, first) {
		t.Errorf("without the past key: %d %s", status, said)
	}
	now = strings.Replace(now, "evidence: {", "evidence: {past_keys: ["+first+"], ", 1)
	f.write("new.yaml", now)
	if status, said := f.run("init", f.path("new.yaml")); status != 0 || !strings.Contains(said, "made log-2") {
		t.Fatalf("init: %d %s", status, said)
	}
	if status, said := f.run("serve", f.path("new.yaml")); status != 77 || !strings.Contains(said, "successor") {
		t.Errorf("started without the old key's word: %d %s", status, said)
	}
	// The gateway still runs with the old key.
	status, said := f.run("evidence", "roll-over", f.path("new.yaml"), "--from", "absah-log")
	if status != 0 || !strings.HasPrefix(said, "operation 00000000-0000-8") {
		t.Fatalf("roll-over: %d %s", status, said)
	}
	operation := strings.Fields(said)[1]
	if status, said := f.run("evidence", "roll-over", f.path("new.yaml"), "--from", "absah-log"); status != 77 {
		t.Errorf("a second time: %d %s", status, said)
	}
	f.seal(t, "e-office", letter(), bySeal).ok(t, http.StatusOK)
	f.stop()
	f.write("absah.yaml", now)
	f.start()
	after := f.bundle(t, f.seal(t, "e-office", letter(), archived).ok(t, http.StatusOK).header.Get("Absah-Operation"))
	keys := f.printKeys(t, "new-keys")
	if second, _, _ := strings.Cut(f.read("new-keys"), "\n"); second == first || !strings.Contains(f.read("new-keys"), first) {
		t.Errorf("the keys are %s", f.read("new-keys"))
	}
	f.write("strangers", "kabupaten-contoh.example/log+00000000+"+strings.Repeat("A", 43)+"=\n")
	for _, tt := range []struct {
		name, bundle, keys string
		want               int
	}{
		{"before, old key", before, old, 0},
		{"before, all keys", before, keys, 0},
		{"after, old key", after, old, 0},
		{"after, all keys", after, keys, 0},
		{"after, another's key", after, f.path("strangers"), 1},
	} {
		t.Run(tt.name, func(t *testing.T) { f.verifies(t, tt.bundle, tt.keys, "", tt.want) })
	}
	if got := f.do(t, call{path: "/log/successor-1.note"}).ok(t, http.StatusOK); !strings.HasPrefix(string(got.body), "absah/log-key/1\n") {
		t.Errorf("served: %s", got.body)
	}
	f.verifies(t, f.bundle(t, operation), old, "", 0) // the roll-over itself is on record
	if found := f.operations(t, "kind=log.key"); len(found) != 1 || found[0]["id"] != operation {
		t.Errorf("on record is %v", found)
	}
	f.stop()
	if status, said := f.run("evidence", "audit", "--database", "sqlite:"+f.path("absah.db"), "--log-key", keys, "--floor", f.path("log-floor")); status != 0 {
		t.Errorf("audit: %d %s", status, said)
	}
	f.write("absah.yaml", was) // back to a key that has been followed
	if status, said := f.run("serve", f.config); status != 77 {
		t.Errorf("started with the old key: %d %s", status, said)
	}
}

// TestGatewayClock: after the clock had been ahead by a year the gateway refuses
// to work, until the operator says so on record. What was there before stays.
func TestGatewayClock(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{yaml: stampedOften})
	f.seal(t, "e-office", letter(), bySeal).ok(t, http.StatusOK)
	keys := f.printKeys(t, "keys")
	f.stop()
	reset := func(why string, args ...string) (int, string) {
		return f.run(append([]string{"evidence", "reset-clock", f.config, "--reason", why}, args...)...)
	}
	if status, said := reset("coba"); status != 77 || !strings.Contains(said, "has not been ahead") {
		t.Errorf("without need: %d %s", status, said)
	}

	// What a gateway leaves behind whose clock is a year ahead: records, a
	// checkpoint over them, and an operation that it did not end.
	ahead := time.Now().AddDate(1, 0, 0).UTC().Truncate(time.Millisecond)
	var open string
	f.act(func(s *gatewayService) {
		o, e, err := s.localEvent(evidence.Record{Kind: "signer.lock", Time: ahead, Result: evidence.Result{Status: evidence.StatusOK}})
		f.must(err)
		f.must(s.db.Update(t.Context(), officeA, func(tx gateway.Tx) error { return tx.RecordEvent(t.Context(), o, e) }))
		begun := o
		begun.ID, begun.Kind, begun.Status, begun.FinishedAt = uuid.Must(uuid.NewV7()).String(), "seal", gateway.OperationPending, time.Time{}
		intent, _, err := s.log.NewEntry(evidence.Record{
			Organisation: officeA, Operation: begun.ID, Phase: evidence.PhaseIntent, Kind: "seal", Time: ahead, Node: begun.Node,
			Actor: evidence.Actor{User: begun.User},
		})
		f.must(err)
		f.must(s.db.Update(t.Context(), officeA, func(tx gateway.Tx) error {
			_, err := tx.BeginOperation(t.Context(), gateway.Begin{Operation: begun, Intent: intent})
			return err
		}))
		open = begun.ID
		_, err = s.log.Integrate(t.Context())
		f.must(err)
	})
	kept := f.read("log-floor")
	f.start()
	f.seal(t, "e-office", letter(), bySeal).problem(t, http.StatusServiceUnavailable, "clock")
	f.do(t, call{path: "/readyz"}).ok(t, http.StatusServiceUnavailable)
	f.stop()

	if status, said := f.run("evidence", "reset-clock", f.config); status != 64 {
		t.Errorf("without a reason: %d %s", status, said)
	}
	if status, said := reset(" "); status != 64 {
		t.Errorf("with an empty reason: %d %s", status, said)
	}
	for _, fault := range []lab.Fault{lab.Future, lab.Stale, lab.Down} {
		f.lab.SetFault(lab.TSA, fault)
		if status, said := reset("server NTP salah"); status == 0 {
			t.Errorf("against an authority that is %v: %s", fault, said)
		}
	}
	f.lab.SetFault(lab.TSA, lab.None)
	status, said := f.runAs("siti", "evidence", "reset-clock", f.config, "--reason", "server NTP salah")
	if status != 0 || !strings.Contains(said, "1 open operations closed") {
		t.Fatalf("%d %s", status, said)
	}
	if status, said := reset("sekali lagi"); status != 77 {
		t.Errorf("a second time: %d %s", status, said)
	}
	f.start()
	f.seal(t, "e-office", letter(), bySeal).ok(t, http.StatusOK)
	f.do(t, call{path: "/readyz"}).ok(t, http.StatusOK)
	found := f.operations(t, "kind=clock.reset")
	if len(found) != 1 || !strings.Contains(said, found[0]["id"].(string)) {
		t.Errorf("on record is %v", found)
	}
	if a := f.do(t, call{as: "auditor", path: "/v1/operations/" + open}).ok(t, http.StatusOK); a.json(t)["status"] != "unknown" {
		t.Errorf("the open operation is %s", a.body)
	}
	f.verifies(t, f.bundle(t, found[0]["id"].(string)), keys, "", 0)
	f.stop()
	f.write("kept", kept) // a checkpoint over the wrong times still holds
	if status, said := f.run("evidence", "audit", "--database", "sqlite:"+f.path("absah.db"), "--log-key", keys, "--floor", f.path("log-floor"), "--checkpoint", f.path("kept")); status != 0 {
		t.Errorf("audit: %d %s", status, said)
	}
}

// TestGatewayRestore plays docs/OPERATION.md: a database is lost and restored, an
// old one is refused, and the log goes on under a new name once that is decided.
func TestGatewayRestore(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{yaml: stampedOften})
	archived := bySeal.with(fields{"level": "B-LTA"})
	seal := func() string {
		t.Helper()
		return f.seal(t, "e-office", letter(), archived).ok(t, http.StatusOK).header.Get("Absah-Operation")
	}
	audit := func(keys string, want int, why string, more ...string) {
		t.Helper()
		status, said := f.run(append([]string{"evidence", "audit", "--database", "sqlite:" + f.path("absah.db"), "--log-key", keys}, more...)...)
		if status != want || !regexp.MustCompile(why).MatchString(said) {
			t.Errorf("audit: %d %s; want %d, %q", status, said, want, why)
		}
	}
	restore := func(copied string) {
		t.Helper()
		for _, name := range []string{"absah.db", "absah.db-wal", "absah.db-shm"} {
			if err := os.Remove(f.path(name)); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
		f.write("absah.db", f.read(copied))
	}
	first := seal()
	keys := f.printKeys(t, "keys")
	before := f.bundle(t, first)
	if status, said := f.run("backup", f.config, f.path("old.db")); status != 0 {
		t.Fatal(said)
	}
	lost := seal()
	f.bundle(t, lost) // it is in the tree and under a checkpoint
	f.stop()
	if status, said := f.run("backup", f.config, f.path("last.db")); status != 0 {
		t.Fatal(said)
	}

	t.Run("S25 lost and restored", func(t *testing.T) {
		restore("last.db")
		audit(keys, 0, "agree", "--floor", f.path("log-floor"))
		f.start()
		if status, said := f.run("ready", f.config); status != 0 {
			t.Errorf("ready: %d %s", status, said)
		}
		f.verifies(t, f.bundle(t, seal()), keys, "", 0)
		f.verifies(t, f.bundle(t, lost), keys, "", 0)
		f.stop()
	})
	t.Run("S25 an old copy", func(t *testing.T) {
		restore("old.db")
		audit(keys, 1, `\(rollback\)`, "--floor", f.path("log-floor"))
		if status, said := f.run("serve", f.config); status != 77 || !strings.Contains(said, "older than its last checkpoint") {
			t.Errorf("started: %d %s", status, said)
		}
	})
	t.Run("S25 a log of a new name", func(t *testing.T) {
		f.must(os.Rename(f.path("log-floor"), f.path("log-floor.incident")))
		past := strings.Join(strings.Fields(f.read("keys")), ", ")
		f.write("absah.yaml", strings.Replace(f.read("absah.yaml"), "kabupaten-contoh.example/log,", "kabupaten-contoh.example/log-2, past_keys: ["+past+"],", 1))
		if status, said := f.run("serve", f.config); status != 77 || !strings.Contains(said, "its floor file is missing") {
			t.Errorf("started without a floor: %d %s", status, said)
		}
		setFloor := []string{"evidence", "set-floor", f.config, "--reason", "putusan atas insiden"}
		if status, said := f.run(append(setFloor, "--checkpoint", f.path("log-floor.incident"))...); status != 77 {
			t.Errorf("a floor below the one of before: %d %s", status, said)
		}
		if status, said := f.run(setFloor...); status != 0 || !strings.Contains(said, "vouched for by nobody") {
			t.Errorf("set-floor: %d %s", status, said)
		}
		f.start()
		if status, said := f.run("ready", f.config); status != 0 {
			t.Errorf("ready: %d %s", status, said)
		}
		f.do(t, call{as: "auditor", path: "/v1/operations/" + lost}).ok(t, http.StatusNotFound)
		after := f.bundle(t, seal())
		all := f.printKeys(t, "all-keys")
		f.write("new-keys", strings.Join(strings.Fields(f.read("all-keys"))[:2], "\n"))
		f.verifies(t, after, f.path("new-keys"), "", 0)
		f.verifies(t, after, keys, "", 1) // another log, says who knows the old name only
		f.verifies(t, before, keys, "", 0)
		f.verifies(t, f.bundle(t, first), keys, "", 0)
		f.stop()
		audit(all, 0, "agree", "--floor", f.path("log-floor"))
		// By now there may be as many rows again as have been lost.
		audit(all, 1, `\((rollback|checkpoint)\)`, "--floor", f.path("log-floor.incident"))
	})
}
