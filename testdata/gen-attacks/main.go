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

// readmeHead says what the ids mean. The section is attack.Clause.
const readmeHead = `# Attacks

Written by ` + "`" + `make testdata` + "`" + `, like the files themselves and ` + "`" + `expected.json` + "`" + `. ` + "`" + `trust.pem` + "`" + ` is the anchor of signers and responders, ` + "`" + `trust-tsa.pem` + "`" + ` that of the TSA.
The keys are derived from names or printed in the generator: they protect nothing.

The letter of an id is that of its group:

| id | section | group |
|---|---|---|
| OK | 2 | honest files, most of which pass |
| U | 1.2 | Universal Signature Forgery (CCS 2019): the verifier is made to skip or to accept |
| I | 1.3 | Incremental Saving Attack: something is appended after signing |
| W | 1.4 | Signature Wrapping Attack: other content in the gap, the signed part behind it |
| H | 1.5 | Shadow Attacks (NDSS 2021): prepared before signing, brought out after it |
| C | 1.6 | attacks on certification and permissions (S&P 2021) |
| X | 1.7 | files that readers take in different ways |
| M | 1.8 | CMS and certificates in it |
| T | 1.9 | time-stamps |
| R | 1.10 | revocation |
| P, N, D, A | 1.11 | paths; addresses; exhaustion; active content |

| file | id | what it does | verdict |
|---|---|---|---|
`

func readme(rows []*attack) []byte {
	var b bytes.Buffer
	b.WriteString(readmeHead)
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
