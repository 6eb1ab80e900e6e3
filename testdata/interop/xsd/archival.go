package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
	"github.com/absah-id/absah/verifier/report/paper"
)

// printEvery is how many reports are written for one that is printed too:
// veraPDF takes ten times as long as the schema.
const printEvery = 8

// print keeps every so many reports as PDF, in both languages.
func (w *writer) print(r *verifier.Report) error {
	if len(w.files)%printEvery != 0 {
		return nil
	}
	language := report.Indonesian
	if len(w.printed)%2 == 1 {
		language = report.English
	}
	var out bytes.Buffer
	if err := paper.Write(&out, r, paper.Options{Language: language, Version: "interop", Detailed: true}); err != nil {
		return err
	}
	file := filepath.Join(w.dir, fmt.Sprintf("%04d.pdf", len(w.printed)))
	w.printed = append(w.printed, file)
	return os.WriteFile(file, out.Bytes(), 0o600)
}

// archival asks veraPDF whether the printed reports are the PDF/A-2u that they
// claim to be.
func (w *writer) archival(ctx context.Context, tools string) error {
	folder := filepath.Join(tools, "verapdf")
	libraries, err := os.ReadFile(filepath.Join(folder, "classpath"))
	if err != nil {
		fmt.Println("printed reports: not looked at, veraPDF is not installed")
		if os.Getenv("CI") == "true" {
			return errors.New("veraPDF is not installed, which CI does not allow")
		}
		return nil
	}
	var in bytes.Buffer
	for _, f := range w.printed {
		if err := json.NewEncoder(&in).Encode(map[string]string{"file": f}); err != nil {
			return err
		}
	}
	path := filepath.Join(folder, "classes") + string(os.PathListSeparator) + strings.TrimSpace(string(libraries))
	cmd := exec.CommandContext(ctx, "java", "-Djava.awt.headless=true", "-cp", path, "id.absah.interop.Archival")
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("veraPDF: %w", err)
	}
	answers := json.NewDecoder(bytes.NewReader(out))
	bad := 0
	for _, f := range w.printed {
		var a struct {
			OK                 bool
			Indication, Detail string
		}
		if err := answers.Decode(&a); err != nil {
			return fmt.Errorf("veraPDF about %s: %w", f, err)
		}
		if !a.OK || !strings.EqualFold(a.Indication, "2u") {
			bad++
			fmt.Printf("BAD %s: %s %s\n", filepath.Base(f), a.Indication, a.Detail)
		}
	}
	fmt.Printf("%d printed reports before veraPDF, %d wrong\n", len(w.printed), bad)
	if bad > 0 {
		return fmt.Errorf("%d printed reports are not PDF/A-2u", bad)
	}
	return nil
}
