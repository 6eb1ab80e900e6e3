package pdf_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
)

// corpusRow is what these tests use of pdf.json.
type corpusRow struct {
	File      string `json:"file"`
	Class     string `json:"class"`
	Tier      int    `json:"tier"`
	Encrypted bool   `json:"encrypted"`
}

func corpusRows(t testing.TB) (dir string, rows []corpusRow) {
	t.Helper()
	corpus := testfile.Corpus(t)
	b, err := os.ReadFile(filepath.Join(corpus, "pdf.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []corpusRow
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]int)
	for _, r := range all {
		if i, ok := seen[r.File]; ok {
			// One file has several rows: the kindest counts.
			if r.Class == "accept" && r.Tier == 1 {
				rows[i] = r
			}
			continue
		}
		seen[r.File] = len(rows)
		rows = append(rows, r)
	}
	return filepath.Join(corpus, "pdf"), rows
}

// noPages are accept-class files whose page tree cannot be reached without
// guessing: readers that take them rebuild the cross-reference table.
var noPages = map[string]string{
	// The update gives object 3 (the page) an entry that leads to object 6.
	"pyHanko-tests__test_sign_without_annot__2451fa44.pdf": "object-header",
}

// TestCorpus opens every third-party file and checks what every caller builds
// on: revisions tile the file, the catalog and the pages can be read, nothing
// panics or takes long.
func TestCorpus(t *testing.T) {
	dir, rows := corpusRows(t)
	opened := 0
	for _, row := range rows {
		data, err := os.ReadFile(filepath.Join(dir, row.File))
		if err != nil {
			continue // listed but not shipped
		}
		t.Run(row.File, func(t *testing.T) {
			began := time.Now()
			must := row.Class == "accept" && row.Tier == 1 && !row.Encrypted
			doc, err := pdf.Open(bytes.NewReader(data), int64(len(data)), pdf.Options{})
			if err != nil {
				checkTyped(t, err)
				if must {
					t.Errorf("Open: %v", err)
				} else {
					t.Logf("%s tier %d: %v", row.Class, row.Tier, err)
				}
				return
			}
			opened++
			if len(doc.Anomalies()) > 0 {
				t.Logf("%s tier %d anomalies: %v", row.Class, row.Tier, doc.Anomalies())
			}
			checkTiling(t, doc)
			n, err := doc.Latest().PageCount()
			if err != nil {
				checkTyped(t, err)
				if must && (noPages[row.File] == "" || !strings.Contains(err.Error(), noPages[row.File])) {
					t.Errorf("PageCount: %v", err)
				}
			}
			for _, r := range doc.Revisions() {
				list, err := r.Audit()
				if err != nil {
					checkTyped(t, err)
				}
				if len(list) > 0 {
					t.Logf("audit of revision %d: %v", r.Index(), list[:min(len(list), 8)])
				}
			}
			if took := time.Since(began); took > 5*time.Second && !raceEnabled {
				t.Errorf("took %v", took)
			}
			if err == nil && must {
				comparePages(t, filepath.Join(dir, row.File), doc, n)
			}
		})
	}
	t.Logf("%d of %d files opened", opened, len(rows))
	runtime.GC()
}

func checkTyped(t *testing.T, err error) {
	t.Helper()
	var m *pdf.MalformedError
	var l *pdf.LimitError
	if !errors.As(err, &m) && !errors.As(err, &l) && !errors.Is(err, pdf.ErrPassword) {
		t.Errorf("untyped error %T: %v", err, err)
	}
}

// checkTiling checks that each revision begins where the one before ends.
func checkTiling(t *testing.T, doc *pdf.Document) {
	t.Helper()
	at := int64(0)
	for i, r := range doc.Revisions() {
		if r.Index() != i+1 || r.Start() != at || r.End() <= r.Start() || r.End() > doc.Size() {
			t.Errorf("revision %d: index %d, [%d, %d), want start %d", i+1, r.Index(), r.Start(), r.End(), at)
		}
		if r.StartXRef() >= r.End() {
			t.Errorf("revision %d: xref at %d is not in [%d, %d)", i+1, r.StartXRef(), r.Start(), r.End())
		}
		at = r.End()
	}
}

// comparePages compares the number of pages and the first page with qpdf.
func comparePages(t *testing.T, file string, doc *pdf.Document, n int) {
	t.Helper()
	qpdf := testfile.Tool(t, "qpdf")
	out, err := exec.Command(qpdf, "--show-npages", file).Output()
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 3) {
		t.Logf("qpdf refuses the file: %v", err)
		return
	}
	want, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	if n != want {
		t.Errorf("PageCount = %d, qpdf says %d", n, want)
	}
	out, _ = exec.Command(qpdf, "--show-pages", file).Output()
	for i := range n {
		ref, _, err := doc.Latest().Page(i)
		if err != nil {
			t.Errorf("Page(%d): %v", i, err)
			return
		}
		line := "page " + strconv.Itoa(i+1) + ": " + ref.String() + " R"
		if !strings.Contains(string(out), line+"\n") {
			t.Errorf("Page(%d) = %v; qpdf has no line %q", i, ref, line)
		}
	}
}
