package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
)

// maxLines bounds the changes that the text lists; --json has them all.
const maxLines = 5

// printVerdict writes a report for people: verdict first, then for each
// signature who, when and what was changed since.
func printVerdict(w io.Writer, r *verifier.Report) error {
	words, err := report.WordsIn(report.English)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s\n", report.Visible(r.File), r.Verdict)
	for _, why := range r.Reasons {
		fmt.Fprintf(&b, "  because    %s\n", report.Visible(words.Full(why)))
	}
	for i, s := range r.Signatures {
		printSignature(&b, words, i+1, s)
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(&b, "  warning    %s\n", report.Visible(words.Full(warning)))
	}
	_, err = w.Write(b.Bytes())
	return err
}

func printSignature(b *bytes.Buffer, words report.Words, n int, s *verifier.Signature) {
	fmt.Fprintf(b, "  %d. %s %s: %s, %s\n", n, s.Kind, report.Visible(s.Field), verdictText(s.Conclusion), s.Level)
	line := func(label, format string, args ...any) {
		fmt.Fprintf(b, "     %-10s %s\n", label, report.Visible(fmt.Sprintf(format, args...)))
	}
	line("by", "%s", partyText(s.Signer))
	line("time", "%s", timeText(s))
	for _, t := range s.Timestamps {
		if s.Kind == verifier.KindSignature {
			line("timestamp", "%s %s by %s: %s", t.Kind, t.Time.Format(time.RFC3339), partyText(t.Authority), verdictText(t.Conclusion))
		}
	}
	intact := "intact"
	if !s.Intact {
		intact = "not intact"
	}
	line("document", "%s, covers %s (revision %d)", intact, s.Coverage, s.Revision)
	line("changed", "%s", changesText(s.Changes))
	for i, c := range s.Changes.Items {
		if i == maxLines {
			line("", "and %d more", len(s.Changes.Items)-maxLines)
			break
		}
		line("", "revision %d, object %s, %s: %s (%s)", c.Revision, c.Object, c.Path, changeText(c), c.Level)
	}
	if s.Sub != "" {
		line("means", "%s", words.Text("sub."+string(s.Sub)))
	}
	for _, why := range s.Reasons {
		line("because", "%s", words.Full(why))
	}
	for _, warning := range s.Warnings {
		line("warning", "%s", words.Full(warning))
	}
}

func verdictText(c verifier.Conclusion) string {
	if c.Sub == "" {
		return c.Indication.Total()
	}
	return c.Indication.Total() + "/" + string(c.Sub)
}

func partyText(p verifier.Party) string {
	switch {
	case p.SerialNumber == "":
		return "unknown: no certificate was found"
	case p.Organization == "":
		return fmt.Sprintf("%s, certificate %s of %s", p.CommonName, p.SerialNumber, p.Issuer)
	}
	return fmt.Sprintf("%s (%s), certificate %s of %s", p.CommonName, p.Organization, p.SerialNumber, p.Issuer)
}

func timeText(s *verifier.Signature) string {
	proved := "existed by " + s.BestTime.Format(time.RFC3339)
	if s.ClaimedTime.IsZero() {
		return proved
	}
	return proved + ", claims " + s.ClaimedTime.Format(time.RFC3339)
}

func changesText(c verifier.Changes) string {
	switch c.Level {
	case "NONE":
		return "nothing since"
	case "LTA":
		return "only evidence and timestamps were added since"
	case "FORM":
		return "later signatures or form values (FORM)"
	case "ANNOTATION":
		return "annotations were changed since (ANNOTATION)"
	}
	return "the document was changed since (OTHER)"
}

// changeText is what was changed in words, followed by the rule.
func changeText(c verifier.Change) string {
	if c.Text == "" {
		return c.Rule
	}
	return c.Text + " [" + c.Rule + "]"
}

// extractRevision writes the bytes that a signature signed, with the gap that
// holds the signature itself.
func (f *verifyFlags) extractRevision(r *verifier.Report) error {
	if f.extract > len(r.Signatures) {
		return usageErrorf("%s has %d signatures, no number %d", r.File, len(r.Signatures), f.extract)
	}
	end := r.Signatures[f.extract-1].End
	if end == 0 {
		return &exitError{status: statusFailed, err: fmt.Errorf("signature %d of %s signs no revision", f.extract, r.File)}
	}
	in, err := os.Open(r.File)
	if err != nil {
		return &exitError{status: statusUnreadable, err: err}
	}
	defer in.Close()
	out, err := createOutput(f.out)
	if err != nil {
		return err
	}
	defer out.discard()
	whole := sha256.New()
	if _, err := io.Copy(out.file, io.TeeReader(io.LimitReader(in, end), whole)); err != nil {
		return &outputError{err}
	}
	if _, err := io.Copy(whole, in); err != nil || !bytes.Equal(whole.Sum(nil), r.SHA256[:]) {
		return &exitError{status: statusUnreadable, err: fmt.Errorf("%s is not the file any more that was verified", r.File)}
	}
	return out.commit()
}
