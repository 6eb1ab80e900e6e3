// Command xsd shows that the validation reports which Absah writes are what
// ETSI TS 119 102-2 asks for: it verifies every file of testdata and some that
// it signs itself, makes up verdicts of any shape, and hands each report to the
// schema that EU DSS ships and to EU DSS's own reader. Some are printed too, and
// veraPDF is asked whether they are PDF/A-2u.
//
// It exits with 1 when one report is refused, or a control, a report with one
// element taken out, is accepted. When EU DSS or veraPDF is not installed it
// says so; with CI=true that is a failure too.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/testdata/interop/office"
	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report/etsi"
	"github.com/absah-id/absah/verifier/report/reporttest"
)

func main() {
	office.RunIfWorker()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "xsd:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "..", "..", "..")
	classpath, err := os.ReadFile(filepath.Join(root, ".tools", "dss", "classpath"))
	if err != nil {
		fmt.Println("validation reports: not looked at, EU DSS is not installed")
		if os.Getenv("CI") == "true" {
			return errors.New("EU DSS is not installed, which CI does not allow")
		}
		return nil
	}
	work, err := os.MkdirTemp("", "xsd-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	w := &writer{dir: work, verdicts: map[verifier.Verdict]int{}}
	if err := w.attacks(ctx, filepath.Join(root, "testdata", "attacks")); err != nil {
		return err
	}
	if err := w.folder(ctx, filepath.Join(root, "testdata", "pdf")); err != nil {
		return err
	}
	if err := w.signed(ctx, filepath.Join(root, "testdata", "pdf", "naskah-dinas.pdf")); err != nil {
		return err
	}
	if err := w.random(200); err != nil {
		return err
	}
	answers, err := validate(ctx, strings.TrimSpace(string(classpath)), filepath.Join(filepath.Dir(here), "Validate.java"), w.files)
	if err != nil {
		return err
	}
	return errors.Join(w.judge(answers), w.archival(ctx, filepath.Join(root, ".tools")))
}

// writer makes reports, one file each.
type writer struct {
	dir      string
	files    []string
	controls map[string]bool // of files: must be refused
	printed  []string        // PDF files
	verdicts map[verifier.Verdict]int
}

// add verifies a document and keeps the report about it.
func (w *writer) add(ctx context.Context, cfg verifier.Config, name string, b []byte, at time.Time) error {
	v, err := verifier.New(cfg)
	if err != nil {
		return err
	}
	r, err := v.Verify(ctx, verifier.Input{Reader: bytes.NewReader(b), Size: int64(len(b)), Name: name}, at)
	if err != nil {
		return err
	}
	w.verdicts[r.Verdict]++
	if err := w.print(r); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := etsi.Write(&out, r, etsi.Options{Version: "interop"}); err != nil {
		return err
	}
	if len(w.files)%50 == 0 {
		if err := w.control(out.Bytes()); err != nil {
			return err
		}
	}
	return w.keep(out.Bytes())
}

// random keeps reports about verdicts that make no sense, with text chosen to
// harm, the same ones in every run.
func (w *writer) random(n int) error {
	noise := rand.NewChaCha8([32]byte{1})
	for i := range n {
		in := make([]byte, 30*i)
		if _, err := noise.Read(in); err != nil {
			return err
		}
		var out bytes.Buffer
		r := reporttest.Report(in)
		if err := w.print(r); err != nil {
			return err
		}
		if err := etsi.Write(&out, r, etsi.Options{Version: "interop", Validator: in}); err != nil {
			return err
		}
		if err := w.keep(out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) keep(report []byte) error {
	file := filepath.Join(w.dir, fmt.Sprintf("%04d.xml", len(w.files)))
	w.files = append(w.files, file)
	return os.WriteFile(file, report, 0o600)
}

var mainIndication = regexp.MustCompile(`<MainIndication>[^<]*</MainIndication>`)

// control keeps a report without its first main indication. A schema that
// accepts it judges nothing.
func (w *writer) control(report []byte) error {
	at := mainIndication.FindIndex(report)
	if at == nil {
		return errors.New("a report without an indication")
	}
	if w.controls == nil {
		w.controls = map[string]bool{}
	}
	if err := w.keep(slices.Concat(report[:at[0]], report[at[1]:])); err != nil {
		return err
	}
	w.controls[w.files[len(w.files)-1]] = true
	return nil
}

// attacks reports on the files of the attack catalogue.
func (w *writer) attacks(ctx context.Context, dir string) error {
	var rows []struct {
		File, Policy string
		At           time.Time
	}
	table, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(table, &rows); err != nil {
		return err
	}
	cfg := verifier.Config{}
	if cfg.Signers, err = anchors(filepath.Join(dir, "trust.pem")); err != nil {
		return err
	}
	if cfg.TSAs, err = anchors(filepath.Join(dir, "trust-tsa.pem")); err != nil {
		return err
	}
	for _, row := range rows {
		if cfg.Policy, err = verifier.PolicyNamed(row.Policy); err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, row.File))
		if err != nil {
			return err
		}
		if err := w.add(ctx, cfg, row.File, b, row.At); err != nil {
			return err
		}
	}
	return nil
}

// folder reports on the unsigned, encrypted and broken files of testdata.
func (w *writer) folder(ctx context.Context, dir string) error {
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".pdf" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return w.add(ctx, verifier.Config{}, filepath.Base(path), b, time.Now())
	})
}

// signed reports on what Absah signs: at each level, trusted and not, with
// several signatures, and with nothing but a document timestamp.
func (w *writer) signed(ctx context.Context, letter string) error {
	dir, err := os.MkdirTemp("", "xsd-office-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	o, err := office.Open(ctx, dir)
	if err != nil {
		return err
	}
	defer o.Close()
	id, err := o.Issue(ctx, "xsd", hsm.RSA2048)
	if err != nil {
		return err
	}
	cfg := verifier.Config{}
	if cfg.Signers, err = anchors(o.Trust()); err != nil {
		return err
	}
	cfg.TSAs = cfg.Signers
	b, err := os.ReadFile(letter)
	if err != nil {
		return err
	}
	sign := func(b []byte, level signer.Level) ([]byte, error) {
		res, err := o.Signer.Sign(ctx, signer.Input{Reader: bytes.NewReader(b), Size: int64(len(b))}, signer.Request{
			Key: id.Key, Certificate: id.Certificate, Chain: id.Chain, Level: level, At: time.Now(), Reason: "Uji <laporan> & skema",
		})
		if err != nil {
			return nil, err
		}
		return slices.Concat(b, res.Tail), nil
	}
	report := func(name string, b []byte) error {
		err := w.add(ctx, cfg, name, b, time.Now())
		return errors.Join(err, w.add(ctx, verifier.Config{}, name, b, time.Now()))
	}
	several := b
	for _, level := range []signer.Level{signer.B, signer.T, signer.LT, signer.LTA} {
		one, err := sign(b, level)
		if err != nil {
			return err
		}
		if several, err = sign(several, level); err != nil {
			return err
		}
		if err := errors.Join(report(level.String(), one), report("several", several)); err != nil {
			return err
		}
	}
	stamp, err := o.Signer.Timestamp(ctx, signer.Input{Reader: bytes.NewReader(b), Size: int64(len(b))}, time.Now())
	if err != nil {
		return err
	}
	return report("timestamp", slices.Concat(b, stamp.Tail))
}

func anchors(path string) (*pki.Anchors, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return pki.ParseAnchors(b)
}

// validate asks about every file and returns the answers by file, "" for
// accepted.
func validate(ctx context.Context, classpath, source string, files []string) (map[string]string, error) {
	cmd := exec.CommandContext(ctx, "java", "-cp", classpath, source)
	cmd.Stdin = strings.NewReader(strings.Join(files, "\n") + "\n")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("java: %w", err)
	}
	answers := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		file, why, _ := strings.Cut(rest, ": ")
		switch word {
		case "ok":
			answers[rest] = ""
		case "bad":
			answers[file] = why
		}
	}
	return answers, lines.Err()
}

// judge prints the figures and what was refused.
func (w *writer) judge(answers map[string]string) error {
	bad := 0
	for _, f := range w.files {
		why, answered := answers[f]
		switch {
		case !answered:
			return fmt.Errorf("no answer about %s", f)
		case w.controls[f] && why == "":
			bad++
			fmt.Printf("BAD %s: a report without an indication is accepted\n", filepath.Base(f))
		case !w.controls[f] && why != "":
			bad++
			fmt.Printf("BAD %s: %s\n", filepath.Base(f), why)
		}
	}
	fmt.Printf("%d validation reports and %d controls before the schema of TS 119 102-2, %d wrong:", len(w.files)-len(w.controls), len(w.controls), bad)
	for _, v := range []verifier.Verdict{verifier.TotalPassed, verifier.TotalFailed, verifier.VerdictUndetermined, verifier.NoSignature, verifier.Unreadable} {
		fmt.Printf(" %d %s", w.verdicts[v], v)
		if w.verdicts[v] == 0 {
			return fmt.Errorf("no report says %s", v)
		}
	}
	fmt.Println()
	if bad > 0 {
		return fmt.Errorf("%d wrong", bad)
	}
	return nil
}
