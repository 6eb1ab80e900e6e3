package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// pdfsig asks poppler about every signature. It is not asked about the
// certificate: poppler 22.12 takes any error code that NSS has left behind,
// also after a success, for the verdict. It cannot judge document timestamps
// either, so of those it must only say that the last covers the whole file.
func pdfsig(slots chan struct{}) Judge {
	judge := func(ctx context.Context, c Case) Finding {
		args := []string{"-nocert"}
		if c.Password != "" {
			args = append(args, "-upw", c.Password)
		}
		out, err := output(ctx, "pdfsig", append(args, c.File)...)
		if err != nil {
			return refuse("%v", err)
		}
		return readPDFSig(out, c)
	}
	return Judge{Name: "pdfsig", Ready: need("pdfsig"), Judge: eachFile("pdfsig", slots, judge)}
}

// readPDFSig reads what pdfsig prints.
func readPDFSig(out string, c Case) Finding {
	blocks := slices.DeleteFunc(strings.Split(out, "\nSignature #")[1:], func(block string) bool {
		return strings.Contains(block, "The signature form field is not signed")
	})
	signatures := 0
	for i, block := range blocks {
		last := i == len(blocks)-1
		if last && c.Level != "B-LT" && !strings.Contains(block, "- Total document signed") {
			return refuse("the last signature does not cover the file")
		}
		if !strings.Contains(block, "Signature Type: ETSI.CAdES.detached") {
			continue
		}
		signatures++
		if !strings.Contains(block, "Signature is Valid.") {
			_, said, _ := strings.Cut(block, "Signed Ranges:")
			return refuse("signature %d: %s", i+1, oneLine(said))
		}
	}
	if signatures == 0 {
		return refuse("pdfsig sees no signature: %s", oneLine(out))
	}
	return Finding{OK: true}
}

// qpdf runs `qpdf --check` on the file and on its original. The signed file
// may be warned about only where the original is.
func qpdf(slots chan struct{}) Judge {
	check := func(ctx context.Context, file, password string) string {
		args := []string{"--check"}
		if password != "" {
			args = append(args, "--password="+password)
		}
		cmd := exec.CommandContext(ctx, "qpdf", append(args, file)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil {
			return err.Error() + "\n" + strings.ReplaceAll(stderr.String(), file, "FILE")
		}
		return ""
	}
	judge := compared(check)
	return Judge{Name: "qpdf", Structural: true, Ready: need("qpdf"), Judge: eachFile("qpdf", slots, judge)}
}

// mutoolDraw renders every page as text with MuPDF: no new complaints, and
// not a letter changed when the signature is invisible.
func mutoolDraw(slots chan struct{}) Judge {
	draw := func(ctx context.Context, file, password string) (text, complaints string) {
		args := []string{"draw", "-q", "-F", "txt", "-o", "-"}
		if password != "" {
			args = append(args, "-p", password)
		}
		cmd := exec.CommandContext(ctx, "mutool", append(args, file)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			return "", err.Error() + ": " + stderr.String()
		}
		return stdout.String(), stderr.String()
	}
	judge := func(ctx context.Context, c Case) Finding {
		text, complaints := draw(ctx, c.File, c.Password)
		if c.Original == "" {
			return Finding{OK: true}
		}
		before, tolerated := draw(ctx, c.Original, c.Password)
		if f := noNewLines(complaints, tolerated); !f.OK {
			return f
		}
		if text != before && !c.Visible {
			return refuse("the text of the pages changed")
		}
		return Finding{OK: true}
	}
	return Judge{Name: "mutool-draw", Structural: true, Ready: need("mutool"), Judge: eachFile("mutool-draw", slots, judge)}
}

var mupdfValid = regexp.MustCompile(`signature is valid|document is unchanged since signing`)

// mutoolSign asks `mutool sign` to verify. MuPDF knows no document
// timestamps and calls them "not signed"; and it trusts only anchors of its
// own, so the chain is not judged.
func mutoolSign(slots chan struct{}) Judge {
	judge := func(ctx context.Context, c Case) Finding {
		pdf, err := os.ReadFile(c.File)
		if err != nil {
			return refuse("%v", err)
		}
		signatures, err := findSignatures(pdf)
		if err != nil {
			return refuse("%v", err)
		}
		want := 0
		for _, s := range signatures {
			if !s.timestamp {
				want++
			}
		}
		args := []string{"sign", "-v"}
		if c.Password != "" {
			args = append(args, "-P", c.Password)
		}
		out, err := output(ctx, "mutool", append(args, c.File)...)
		if err != nil {
			return refuse("%v", err)
		}
		got := len(mupdfValid.FindAllString(strings.ToLower(out), -1))
		if got != want {
			return refuse("%d of %d signatures valid: %s", got, want, oneLine(out))
		}
		return Finding{OK: true}
	}
	return Judge{Name: "mutool-sign", Ready: need("mutool"), Judge: eachFile("mutool-sign", slots, judge)}
}

// compared judges a file by what a tool says of it beyond what it says of
// the original; the empty string means no complaint.
func compared(check func(ctx context.Context, file, password string) string) func(context.Context, Case) Finding {
	var mu sync.Mutex
	known := map[string]string{} // complaints about the originals
	return func(ctx context.Context, c Case) Finding {
		complaints := check(ctx, c.File, c.Password)
		if complaints == "" {
			return Finding{OK: true}
		}
		if c.Original == "" {
			return refuse("%s", oneLine(complaints))
		}
		mu.Lock()
		tolerated, ok := known[c.Original]
		mu.Unlock()
		if !ok {
			tolerated = check(ctx, c.Original, c.Password)
			mu.Lock()
			known[c.Original] = tolerated
			mu.Unlock()
		}
		return noNewLines(complaints, tolerated)
	}
}

// noNewLines refuses when got has a line, numbers aside, that want has not.
func noNewLines(got, want string) Finding {
	digits := regexp.MustCompile(`\d+`)
	have := map[string]bool{
		"": true,
		// MuPDF decrypts the Contents of a document timestamp, which ISO
		// 32000-2 §7.6.2 leaves out of encryption.
		"warning: aes padding out of range": true,
		"warning: ... repeated 0 times...":  true,
	}
	for line := range strings.Lines(want) {
		have[digits.ReplaceAllString(strings.TrimSpace(line), "0")] = true
	}
	for line := range strings.Lines(got) {
		if !have[digits.ReplaceAllString(strings.TrimSpace(line), "0")] {
			return refuse("%s", oneLine(line))
		}
	}
	return Finding{OK: true}
}

// output returns both output streams of a tool that must exit with 0.
func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("%w: %s", err, oneLine(string(out)))
	}
	return string(out), err
}
