//go:build linux && !race

// The high-water mark of memory is read from /proc, and the race detector has
// memory of its own.

package verifier_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/verifier"
)

// The budgets of one file.
const (
	budgetMemory = 256 << 20        // bytes, of the whole process
	budgetTime   = 10 * time.Second // of processor time
)

// child is the first argument of the process that TestMain then is.
const child = "budget-child"

// TestMain runs the tests, or is the process that spend starts.
func TestMain(m *testing.M) {
	if len(os.Args) < 4 || os.Args[1] != child {
		os.Exit(m.Run())
	}
	if err := verifyAlone(os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// verifyAlone verifies files with the anchors in trust, and prints the verdicts
// and the high-water mark of the process's memory.
func verifyAlone(trust string, files []string) error {
	data, err := os.ReadFile(trust)
	if err != nil {
		return err
	}
	anchors, err := pki.ParseAnchors(data)
	if err != nil {
		return err
	}
	for _, path := range files {
		if err := printVerdict(verifier.Config{Signers: anchors, TSAs: anchors}, path); err != nil {
			return err
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			fmt.Printf("memory %s\n", strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
		}
	}
	return nil
}

// printVerdict prints the verdict on a file and whether a limit was hit.
func printVerdict(cfg verifier.Config, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	v, err := verifier.New(cfg)
	if err != nil {
		return err
	}
	r, err := v.Verify(context.Background(), verifier.Input{Reader: f, Size: info.Size(), Name: path}, begin.Add(time.Hour))
	if err != nil {
		return err
	}
	limit := ""
	for _, s := range r.Signatures {
		for _, why := range s.Reasons {
			if why.Code == verifier.CodeLimit {
				limit = " resource-limit"
			}
		}
	}
	fmt.Printf("verdict %s%s\n", r.Verdict, limit)
	return nil
}

// spend verifies files in a process of its own and returns the verdicts and
// what they cost. Of memory it is the child's own high-water mark: that of
// getrusage begins with the parent's.
func spend(t *testing.T, trust string, files ...string) (verdicts string, cpu time.Duration, memory int64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{child, trust}, files...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if rest, ok := strings.CutPrefix(line, "verdict "); ok {
			verdicts += strings.TrimSpace(rest) + ";"
		}
		if rest, ok := strings.CutPrefix(line, "memory "); ok {
			if memory, err = strconv.ParseInt(strings.TrimSpace(rest), 10, 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	return strings.TrimSuffix(verdicts, ";"), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), memory << 10
}

// bomb is a hostile file and what must not become of it.
type bomb struct {
	name string
	make func(t *testing.T, w *world) []byte
	want []string // allowed verdicts
}

const limited = "INDETERMINATE resource-limit"

// bombs carry what costs a careless verifier minutes or gigabytes, most of it
// in the security store of a letter that is honestly signed.
var bombs = []bomb{
	{"ten thousand certificates", tenThousand, []string{limited}},
	{"authorities that certified each other", crossSigned, []string{"INDETERMINATE", limited}},
	{"authorities of one name", sameName, []string{"INDETERMINATE", limited}},
	{"a list of a hundred thousand", longList, []string{"TOTAL-PASSED"}},
	{"a list of a hundred thousand for each of twenty signatures", longListOften, []string{"TOTAL-PASSED"}},
	{"answers about everybody", manyAnswers, []string{"INDETERMINATE", limited}},
	{"name constraints times names", manyNames, []string{limited}},
	{"time-stamps times certificates", manyStamps, []string{limited}},
	{"stores times document timestamps", manyStores, []string{limited}},
	{"far items times document timestamps", farStores, []string{"TOTAL-FAILED resource-limit"}}, // and the store is no store,
	{"revisions times objects", manyRevisions, []string{"INDETERMINATE", "TOTAL-FAILED", limited}},
	{"a key of 65,536 bits", hugeKey, []string{"INDETERMINATE"}},
	{"twenty signatures, each with its archive", manySignatures, []string{"TOTAL-PASSED"}},
	{"sixty signers, each with their evidence", manySigners, []string{"TOTAL-PASSED"}},
	{"four thousand lists of an impostor", manyLists, []string{"INDETERMINATE", limited}},
	{"revisions times elements", manyElements, []string{limited}},
	{"two thousand lists of an impostor among two thousand certificates", manyListsAndNames, []string{"INDETERMINATE", limited}},
	{"a hundred signers and the lists of years", oldLists, []string{"TOTAL-PASSED"}},
	{"a hundred signers and lists of numbers like theirs", likeNumbers, []string{limited}},
	{"lists of an issuer with a name of fifteen megabytes", blankNames, []string{"INDETERMINATE", limited}},
	{"forty megabytes of certificates", longCertificates, []string{limited}},
	{"fields that share a long name", longNames, []string{"TOTAL-FAILED", "TOTAL-FAILED resource-limit", limited}},
	{"signatures over the same megabytes", overAll, []string{"TOTAL-FAILED resource-limit"}},
	{"signatures by SHAKE256 over the same megabytes", shakenOverAll, []string{"TOTAL-FAILED resource-limit", limited}},
	{"thirty lists of fifteen megabytes that inflate from little", inflating, []string{limited}},
}

// TestBudgets: each file is verified in a process of its own, whose memory and
// processor time the system has measured.
func TestBudgets(t *testing.T) {
	for _, b := range bombs {
		t.Run(b.name, func(t *testing.T) {
			w := newWorld(t)
			dir := t.TempDir()
			trust, file := filepath.Join(dir, "trust.pem"), filepath.Join(dir, "bomb.pdf")
			data, anchor := b.make(t, w), w.lab.Root()
			if own := trusted[t.Name()]; own != nil {
				anchor = own
			}
			root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: anchor.Raw})
			for path, content := range map[string][]byte{trust: root, file: data} {
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			verdict, cpu, memory := spend(t, trust, file)
			t.Logf("%d bytes: %s, %v, %d MiB", len(data), verdict, cpu.Round(time.Millisecond), memory>>20)
			found := false
			for _, want := range b.want {
				found = found || verdict == want
			}
			if !found {
				t.Errorf("got %q, want one of %q", verdict, b.want)
			}
			if cpu > budgetTime || memory > budgetMemory {
				t.Errorf("cost %v and %d MiB", cpu, memory>>20)
			}
		})
	}
}

// TestAttackBudgets and TestCorpusBudgets: so do all files of a folder, one
// process for all, in which nothing may be kept from one to the next.
func TestAttackBudgets(t *testing.T) {
	budgetsOf(t, filepath.Join(testfile.Root(t), "testdata", "attacks"))
}

func TestCorpusBudgets(t *testing.T) { budgetsOf(t, testfile.Corpus(t, "pdf")) }

func budgetsOf(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.pdf"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	trust := filepath.Join(t.TempDir(), "trust.pem")
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: newWorld(t).lab.Root().Raw})
	if err := os.WriteFile(trust, root, 0o600); err != nil {
		t.Fatal(err)
	}
	verdicts, cpu, memory := spend(t, trust, files...)
	t.Logf("%d files: %v, %d MiB", len(files), cpu.Round(time.Millisecond), memory>>20)
	if strings.Contains(verdicts, "TOTAL-PASSED") {
		t.Error("a stranger's file passes")
	}
	if cpu > time.Duration(len(files))*budgetTime/10 || memory > budgetMemory {
		t.Errorf("cost %v and %d MiB", cpu, memory>>20)
	}
}
