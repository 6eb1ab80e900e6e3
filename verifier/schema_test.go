package verifier_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/verifier"
)

// shape says what a JSON value must be: "" for any string, other text for an
// expression that a string must match as a whole, a list for a list of what is
// in it, an object for the keys that must be there, those with a question mark
// that may, and none but these. Numbers and truth values stand for themselves.
type (
	array  []any
	object map[string]any
	truth  bool
	number int64
)

const moment = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`

// contract is schema absah/verdict/1, written down from the design and not from
// the types that make it.
var contract = object{
	"schema": "absah/verdict/1", "file": "", "sha256": "([0-9a-f]{64})?", "size": number(0), "at": moment, "policy": "gov|forms",
	"verdict":  "TOTAL-PASSED|TOTAL-FAILED|INDETERMINATE|NO_SIGNATURE|UNREADABLE",
	"reasons?": reasonList, "warnings": array{""},
	"signatures": array{object{
		"field": "", "type": "signature|document-timestamp", "revision": number(0), "subFilter": "",
		"level":      "PAdES-BASELINE-(B|T|LT|LTA)|PKCS7|DOC-TIMESTAMP",
		"indication": "TOTAL-PASSED|TOTAL-FAILED|INDETERMINATE", "subIndication": "[A-Z_]*", "reasons": reasonList,
		"intact": truth(true), "coverage": "entire-file|entire-revision|partial",
		"changes": object{"level": "NONE|LTA|FORM|ANNOTATION|OTHER", "items": array{object{
			"revision": number(0), "object": `\d+ \d+`, "path": "", "rule": "[a-zA-Z0-9-]+", "level": "NONE|LTA|FORM|ANNOTATION|OTHER",
		}}},
		"signer":      object{"commonName": "", "organization": "", "serialNumber": "-?[0-9A-F]*", "issuer": ""},
		"claimedTime": moment + "|()", "bestTime": moment,
		"timestamps": array{object{
			"kind": "signature|document|content", "time": moment + "|()", "indication": "TOTAL-PASSED|TOTAL-FAILED|INDETERMINATE", "subIndication": "[A-Z_]*",
		}},
	}},
}

var reasonList = array{object{"code": ".+", "text": ".+"}}

// differences lists where a value is not of a shape.
func differences(at string, shape, v any) (out []string) {
	differs := func() []string { return append(out, fmt.Sprintf("%s is %v", at, v)) }
	switch shape := shape.(type) {
	case string:
		if s, ok := v.(string); !ok || shape != "" && !regexp.MustCompile("^(?:"+shape+")$").MatchString(s) {
			return differs()
		}
	case number:
		if n, ok := v.(float64); !ok || n < 0 || n != float64(int64(n)) {
			return differs()
		}
	case truth:
		if _, ok := v.(bool); !ok {
			return differs()
		}
	case array:
		items, ok := v.([]any)
		if !ok {
			return differs()
		}
		for i, item := range items {
			out = append(out, differences(fmt.Sprintf("%s[%d]", at, i), shape[0], item)...)
		}
	case object:
		m, ok := v.(map[string]any)
		if !ok {
			return differs()
		}
		seen := 0
		for key, of := range shape {
			name, optional := strings.CutSuffix(key, "?")
			value, found := m[name]
			if found {
				seen++
				out = append(out, differences(at+"."+name, of, value)...)
			} else if !optional {
				out = append(out, at+"."+name+" is missing")
			}
		}
		if seen < len(m) {
			out = append(out, fmt.Sprintf("%s has keys of its own: %v", at, m))
		}
	}
	return out
}

// TestContract holds the JSON of every attack, and of files without signature
// or that cannot be read, to the contract.
func TestContract(t *testing.T) {
	hold := func(name string, r *verifier.Report) {
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		for _, d := range differences("", contract, v) {
			t.Errorf("%s: %s", name, d)
		}
	}
	for _, a := range testfile.Attacks(t) {
		b := a.Bytes(t)
		hold(a.Name, verifyInput(t, attackConfig(t, a.Policy), verifier.Input{Reader: bytes.NewReader(b), Size: int64(len(b)), Name: a.File}, a.At))
	}
	for _, in := range testfile.BrokenInputs(t) {
		b := in.Bytes(t)
		hold(in.Name, verify(t, verifier.Config{}, b, begin))
	}
	hold("letter", verify(t, verifier.Config{}, letter(t), begin))
	hold("empty", verify(t, verifier.Config{}, nil, begin))
}
