package web_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier/report"
)

// TestWords: both languages have the same words with the same verbs, each is
// used, and none says what a report says already. What records name in English has
// words in Indonesian alone.
func TestWords(t *testing.T) {
	read := func(pattern string) map[string]string {
		words := map[string]string{}
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &words); err != nil {
				t.Fatal(err)
			}
		}
		return words
	}
	indonesian, english := read("words*_id.json"), read("words*_en.json")
	named := 0 // what records name in English themselves
	verbs := regexp.MustCompile(`%[a-z%]`)
	var source strings.Builder
	for _, pattern := range []string{"*.go", "templates/*.html"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(b)
		}
	}
	theirs, err := report.WordsIn(report.Indonesian)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for key, text := range theirs {
		said[text] = key
	}
	for _, kind := range gateway.Kinds() {
		if indonesian["op.kind."+kind] == "" { // and so English, below
			t.Errorf("operations of the kind %s have no name", kind)
		}
	}
	for key, text := range indonesian {
		if strings.HasPrefix(key, "op.detail.") || strings.HasPrefix(key, "op.artefact.") {
			named++
			if english[key] != "" {
				t.Errorf("%s has another name in English than in the record", key)
			}
			continue
		}
		if other, ok := english[key]; !ok || strings.Join(verbs.FindAllString(text, -1), "") != strings.Join(verbs.FindAllString(other, -1), "") {
			t.Errorf("%s: %q in English is %q", key, text, other)
		}
		if same := said[text]; same != "" {
			t.Errorf("%s says what %s says", key, same)
		}
		// Keys that are put together, such as web.error.CODE.
		made := regexp.MustCompile(`^(web\.(error|status|match|state)|op\.(kind|status|role|error|failure|phase|signer|live|by))\.`).MatchString(key)
		if !made && !strings.Contains(source.String(), `"`+key+`"`) {
			t.Errorf("%s is not used", key)
		}
	}
	if len(indonesian)-named != len(english) {
		t.Errorf("got %d words in Indonesian and %d in English", len(indonesian)-named, len(english))
	}
}
