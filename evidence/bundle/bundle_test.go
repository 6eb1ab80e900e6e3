package bundle_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/evidence/bundle"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/signer"
)

// tools makes a folder with dash as sh, coreutils and openssl, and nothing else:
// what the README promises to need.
func tools(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	found := map[string]string{"dash": testfile.Tool(t, "dash"), "openssl": testfile.Tool(t, "openssl")}
	for _, name := range []string{
		"cat", "csplit", "date", "dirname", "head", "mktemp", "od", "rm", "sha256sum", "tail", "tr", "wc",
	} {
		path, err := exec.LookPath(name)
		if err != nil {
			testfile.Lacking(t, name, "Debian package coreutils")
		}
		found[name] = path
	}
	for name, path := range found {
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// script runs verify.sh in a folder and returns its exit status, the states by
// statement, and all that it said.
func script(t *testing.T, path, dir string, prefix []string, args ...string) (status int, states map[string]string, out string) {
	t.Helper()
	return run(t, path, slices.Concat(prefix, []string{filepath.Join(path, "dash"), filepath.Join(dir, "verify.sh")}, args))
}

// run is script in any shell.
func run(t *testing.T, path string, argv []string) (status int, states map[string]string, out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + path, "TMPDIR=" + t.TempDir()}
	b, err := cmd.CombinedOutput()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatal(err)
	}
	states = map[string]string{}
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) >= 2 && slices.Contains([]string{"holds", "unproven", "FAILS"}, fields[0]) {
			states[strings.TrimSuffix(fields[1], ":")] = strings.ToLower(fields[0])
		}
	}
	return cmd.ProcessState.ExitCode(), states, string(b)
}

func failed(states map[string]string) []string {
	var out []string
	for id, s := range states {
		if s == "fails" {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// compare holds what the script said against what Verify says.
func compare(t *testing.T, r bundle.Report, states map[string]string, out string) {
	t.Helper()
	want := map[string]string{}
	for _, s := range r.Statements {
		want[s.ID] = string(s.State)
	}
	for id, s := range want {
		if states[id] != s {
			t.Errorf("%s: the script says %q, Verify %q", id, states[id], s)
		}
	}
	for id := range states {
		if want[id] == "" {
			t.Errorf("%s: only the script states it", id)
		}
	}
	if t.Failed() {
		t.Logf("verify.sh:\n%s", out)
		for _, s := range r.Statements {
			t.Logf("Verify: %s %s: %s", s.State, s.ID, s.Text)
		}
	}
}

// complete is a world and the input of a bundle with everything in it.
func complete(t *testing.T) (*world, bundle.Input) {
	t.Helper()
	w := newWorld(t)
	w.other(t, 0, 3)
	w.integrate(t)
	w.other(t, 10, 4)
	in := w.sign(t, testkey.P256(t), signer.LTA, false)
	w.earlier(t, &in, 3)
	return w, in
}

// TestBundle verifies bundles by Verify and by the script inside them, with
// nothing but dash, coreutils and OpenSSL, today and ten years later.
func TestBundle(t *testing.T) {
	path := tools(t)
	for _, tt := range []struct {
		name  string
		key   testkey.Key
		level signer.Level
		pss   bool
		drop  func(*bundle.Input)
		want  []string // statements beside those that every bundle makes
		lacks bool     // what the record names was erased: artefacts is unproven
	}{
		{"B-LTA ECDSA", testkey.P256(t), signer.LTA, false, nil, []string{"signature", "signature-time", "certificate", "revocation", "artefacts", "report", "document-time", "document"}, false},
		{"B-LTA, kept elsewhere", testkey.P256(t), signer.LTA, false, func(in *bundle.Input) { in.Document, in.ByteRange = nil, [4]int64{} }, []string{"signature", "signature-time", "certificate", "revocation", "artefacts", "report", "document-time"}, false},
		{"document timestamps alone", testkey.P256(t), signer.LTA, false, func(in *bundle.Input) { in.CMS, in.Timestamps = nil, in.Timestamps[1:] }, []string{"artefacts", "report", "document-time", "document"}, true},
		{"B-LT RSA-PSS", testkey.RSA(t, 2048), signer.LT, true, nil, []string{"signature", "signature-time", "certificate", "revocation", "artefacts", "report", "document"}, false},
		{"B-T RSA", testkey.RSA(t, 2048), signer.T, false, func(in *bundle.Input) { in.Document, in.Report = nil, nil }, []string{"signature", "signature-time", "certificate", "revocation", "artefacts"}, false},
		{"B-B", testkey.P256(t), signer.B, false, func(in *bundle.Input) { in.Document = nil }, []string{"signature", "certificate", "revocation", "artefacts", "report"}, false},
		{"no signature", testkey.P256(t), signer.B, false, func(in *bundle.Input) { in.CMS, in.Document = nil, nil }, []string{"artefacts", "report"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.other(t, 0, 4)
			w.integrate(t)
			w.company = tt.drop == nil // receipts of both kinds
			in := w.sign(t, tt.key, tt.level, tt.pss)
			w.earlier(t, &in, 4)
			if tt.drop != nil {
				tt.drop(&in)
			}
			b := write(t, in)
			if again := write(t, in); !bytes.Equal(b, again) {
				t.Error("the same input gives other bytes")
			}
			want := append([]string{"files", "log-key", "checkpoint", "entry-1", "entry-2", "receipt-2", "operation", "log-time", "consistency"}, tt.want...)
			r := verify(t, b, w.options())
			var got []string
			for _, s := range r.Statements {
				got = append(got, s.ID)
				if s.State != bundle.Holds && !(tt.lacks && s.ID == "artefacts" && s.State == bundle.Unproven) {
					t.Errorf("%s %s: %s", s.State, s.ID, s.Text)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("statements %v, want %v", got, want)
			}
			whole, exit := bundle.Holds, 0
			if tt.lacks {
				whole, exit = bundle.Unproven, 2
			}
			if r.Verdict != whole || r.Operation != operation || r.Origin != origin {
				t.Errorf("got %s for %s in %s", r.Verdict, r.Operation, r.Origin)
			}
			dir := unzip(t, b).unpack(t)
			keys := filepath.Join(t.TempDir(), "log keys.txt")
			if err := os.WriteFile(keys, []byte(strings.Join(w.keys, "\n")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			status, states, out := script(t, path, dir, nil, "-k", keys, "-t", w.anchor)
			compare(t, r, states, out)
			if status != exit {
				t.Errorf("verify.sh: exit status %d", status)
			}

			r = verify(t, b, bundle.Options{})
			status, states, out = script(t, path, dir, nil)
			compare(t, r, states, out)
			if r.Verdict != bundle.Unproven || len(r.Keys) == 0 || status != 2 {
				t.Errorf("without keys: %s, %d keys to compare, exit status %d", r.Verdict, len(r.Keys), status)
			}

			if tt.drop != nil {
				return // nothing that the others do not have
			}
			faketime := testfile.Tool(t, "faketime")
			status, states, out = script(t, path, dir, []string{faketime, "-f", "+10y"}, "-k", keys, "-t", w.anchor)
			if status != 0 {
				t.Errorf("ten years later: exit status %d, failed %v\n%s", status, failed(states), out)
			}
		})
	}
}
