// Command gen-attacks writes testdata/attacks: the attack catalogue of the
// verifier as files, signed with test keys that it holds itself, and
// expected.json, the verdict that each must get. Two runs give the same bytes:
// it reads no clock, no network and no randomness.
//
// It shares no code with the packages under test; a misreading of a standard
// made once would otherwise be written and read back without a murmur.
//
// Usage: go run ./testdata/gen-attacks [DIR], with DIR testdata/attacks unless
// given.
package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := "testdata/attacks"
	if len(os.Args) == 2 {
		dir = os.Args[1]
	}
	if err := write(dir); err != nil {
		fmt.Fprintln(os.Stderr, "gen-attacks:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	rows := catalogue()
	files := map[string][]byte{"trust.pem": certificatePEM(root), "trust-tsa.pem": certificatePEM(tsaRoot), "README.md": readme(rows)}
	for _, a := range rows {
		if len(a.Verdict) == 0 {
			return fmt.Errorf("%s has no verdict", a.Name)
		}
		if first := a.Verdict[0]; len(a.Reason) == 0 && (a.Warns || first != passed && first != noSignature) {
			return fmt.Errorf("%s has no reason", a.Name)
		}
		if a.build == nil {
			continue
		}
		if files[a.File] != nil {
			return fmt.Errorf("%s is written twice", a.File)
		}
		files[a.File] = a.build()
	}
	var list bytes.Buffer
	enc := json.NewEncoder(&list)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(rows); err != nil {
		return err
	}
	files["expected.json"] = list.Bytes()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func certificatePEM(id identity) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.raw})
}

func readme(rows []*attack) []byte {
	var b bytes.Buffer
	b.WriteString("# Attacks\n\nWritten by `make testdata`, like the files themselves and `expected.json`. `trust.pem` is the anchor of " +
		"signers and responders, `trust-tsa.pem` that of the TSA.\nThe keys are derived from names or printed in the generator: " +
		"they protect nothing.\n\n| file | id | what it does | verdict |\n|---|---|---|---|\n")
	for _, a := range rows {
		verdict := fmt.Sprint(a.Verdict)
		if len(a.SubIndication) > 0 {
			verdict += fmt.Sprintf(" %v", a.SubIndication)
		}
		if a.Policy != "gov" {
			verdict += " under " + a.Policy
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", a.File, a.ID, a.What, verdict)
	}
	return b.Bytes()
}
