package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// opensslCMS asks `openssl cms -verify -cades` about every signature:
// digest, signature value, chain to the anchors, ESS signing-certificate.
func opensslCMS(trust string, slots chan struct{}) Judge {
	judge := func(ctx context.Context, c Case) Finding {
		return eachSignature(c, func(dir string, pdf []byte, s signature) error {
			if s.timestamp {
				return nil
			}
			return withFiles(dir, map[string][]byte{"cms": s.der, "data": s.signed(pdf)}, func() error {
				return run(ctx, dir, "openssl", "cms", "-verify", "-cades", "-binary", "-purpose", "any",
					"-inform", "DER", "-in", "cms", "-content", "data", "-CAfile", trust, "-out", os.DevNull)
			})
		})
	}
	return Judge{Name: "openssl-cms", Ready: need("openssl"), Judge: eachFile("openssl-cms", slots, judge)}
}

// opensslTS asks `openssl ts -verify` about every signature timestamp and
// document timestamp, and that a level above B-B has one at all.
func opensslTS(trust string, slots chan struct{}) Judge {
	judge := func(ctx context.Context, c Case) Finding {
		tokens := 0
		f := eachSignature(c, func(dir string, pdf []byte, s signature) error {
			token, over := s.token, s.value
			if s.timestamp {
				token, over = s.der, s.signed(pdf)
			}
			if token == nil {
				return nil
			}
			tokens++
			return withFiles(dir, map[string][]byte{"token": token, "data": over}, func() error {
				return run(ctx, dir, "openssl", "ts", "-verify", "-token_in", "-in", "token",
					"-data", "data", "-CAfile", trust)
			})
		})
		if f.OK && tokens == 0 && c.Level != "B-B" && c.Level != "" {
			return refuse("no timestamp at %s", c.Level)
		}
		return f
	}
	return Judge{Name: "openssl-ts", Ready: need("openssl"), Judge: eachFile("openssl-ts", slots, judge)}
}

// eachSignature runs check over the signatures of a file in a directory of
// its own; the first error makes the Finding.
func eachSignature(c Case, check func(dir string, pdf []byte, s signature) error) Finding {
	pdf, signatures, err := readSignatures(c)
	if err != nil {
		return refuse("%v", err)
	}
	if len(signatures) == 0 {
		return refuse("no signature")
	}
	dir, err := os.MkdirTemp("", "interop-openssl-")
	if err != nil {
		return refuse("%v", err)
	}
	defer os.RemoveAll(dir)
	for i, s := range signatures {
		if err := check(dir, pdf, s); err != nil {
			return refuse("signature %d: %v", i+1, err)
		}
	}
	return Finding{OK: true}
}

// readSignatures returns what is signed, and by what: a PDF and the signatures
// in it, or the content and its one detached signature.
func readSignatures(c Case) ([]byte, []signature, error) {
	if c.Content == "" {
		pdf, err := os.ReadFile(c.File)
		if err != nil {
			return nil, nil, err
		}
		all, err := findSignatures(pdf)
		return pdf, all, err
	}
	content, err := os.ReadFile(c.Content)
	if err != nil {
		return nil, nil, err
	}
	der, err := os.ReadFile(c.File)
	if err != nil {
		return nil, nil, err
	}
	s := signature{ranges: [4]int{0, len(content), len(content), 0}, der: der}
	if err := s.parse(); err != nil {
		return nil, nil, err
	}
	return content, []signature{s}, nil
}

func withFiles(dir string, files map[string][]byte, do func() error) error {
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return do()
}

// run is for tools whose exit status is the verdict.
func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, oneLine(string(out)))
	}
	return nil
}

// oneLine makes a tool's output fit a table.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	const limit = 300
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	return s
}
