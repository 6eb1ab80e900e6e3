package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/absah-id/absah/verifier"
)

// checkLetter has the signed letter judged as anybody would have: read back
// from disk, offline, with the demo's root.
func (d *demo) checkLetter(ctx context.Context) (string, error) {
	v, err := verifier.New(verifier.Config{Signers: d.pki.Anchors(), TSAs: d.pki.Anchors()})
	if err != nil {
		return "", err
	}
	f, err := os.Open(d.path("signed.pdf"))
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	r, err := v.Verify(ctx, verifier.Input{Reader: f, Size: info.Size(), Name: f.Name()}, time.Now())
	if err != nil {
		return "", err
	}
	if r.Verdict != verifier.TotalPassed {
		return "", fmt.Errorf("the letter is %s", r.Verdict)
	}
	s := r.Signatures[0]
	return fmt.Sprintf("%s, %s, proved by %s", r.Verdict, s.Level, s.BestTime.Format(time.RFC3339)), nil
}
