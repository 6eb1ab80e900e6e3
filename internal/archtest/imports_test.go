package archtest_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// allowed is the table of docs/ARCHITECTURE.md: what of ours a package may
// import. A package that is not listed may import nothing and is an error, so
// that a new one is placed on purpose.
var allowed = map[string][]string{
	"pdf":               {},
	"pdf/layout":        {"pdf"},
	"pdf/diff":          {"pdf", "pdf/layout"},
	"pdf/font":          {"pdf"},
	"pdf/pades":         {"pdf", "pdf/layout", "pdf/diff", "cms"},
	"cms":               {},
	"cms/tsp":           {"cms"},
	"pki":               {},
	"pki/fetch":         {"pki"},
	"pki/lab":           {"pki"},
	"hsm":               {},
	"hsm/hsmtest":       {"hsm", "internal/testfile"},
	"signer":            {"pdf", "pdf/pades", "cms", "cms/tsp", "pki", "signer/appearance"},
	"signer/appearance": {"pdf", "pdf/pades", "pdf/font"},
	"verifier":          {"pdf", "pdf/diff", "pdf/pades", "cms", "cms/tsp", "pki"},
	"verifier/report":   {"verifier"},

	"verifier/report/etsi":  {"verifier"},
	"verifier/report/paper": {"verifier", "verifier/report", "pdf", "pdf/font"},

	"verifier/report/reporttest": {"verifier", "pki", "internal/testfile"},

	"evidence":              {"internal/fault"},
	"evidence/evidencetest": {"evidence"},
	"evidence/bundle":       {"evidence", "cms", "cms/tsp", "pki"},
	"evidence/dispute":      {"verifier", "verifier/report"},
	"gateway":               {"signer", "verifier", "evidence", "evidence/dispute", "pdf", "pdf/diff", "pdf/pades", "cms", "cms/tsp", "pki", "internal/fault"},
	"api":                   {"api/web", "gateway", "verifier", "verifier/report", "verifier/report/etsi", "verifier/report/paper", "cms/tsp", "internal/fault"},
	"api/web":               {"gateway", "evidence/dispute", "verifier", "verifier/report"},
	"store":                 {"gateway", "evidence", "evidence/dispute", "internal/fault"},
	"store/storetest":       {"store", "gateway", "evidence", "evidence/dispute", "internal/testfile"},
	"cmd/absah":             {all},
	"internal/archtest":     {},
	"internal/config":       {},
	"internal/fault":        {},
	"internal/pdfmake":      {},
	"internal/pdfrand":      {"internal/pdfmake"},
	"internal/testfile":     {"internal/pdfmake"},
	"internal/testkey":      {},
}

// all stands for every package of ours.
const all = "all"

// support lists packages for tests only; nothing of the program imports them.
var support = []string{"hsm/hsmtest", "verifier/report/reporttest", "evidence/evidencetest", "store/storetest", "internal/archtest", "internal/pdfmake", "internal/pdfrand", "internal/testfile", "internal/testkey"}

// TestImportsOfOurs also takes back what is allowed and not used: a border that
// nobody crosses is one worth keeping.
func TestImportsOfOurs(t *testing.T) {
	used := map[[2]string]bool{}
	for _, s := range product(t) {
		may, listed := allowed[s.dir]
		if !listed {
			t.Errorf("%s: package %s is not in the table of import rules", s.path, s.dir)
			continue
		}
		for _, imp := range s.imports() {
			to := ours(imp)
			if to == "" {
				continue
			}
			used[[2]string{s.dir, to}] = true
			if slices.Contains(support, to) && !slices.Contains(support, s.dir) {
				t.Errorf("%s imports %s, which is for tests only", s.path, to)
			} else if !slices.Contains(may, to) && !slices.Contains(may, all) {
				t.Errorf("%s: %s may not import %s", s.path, s.dir, to)
			}
		}
	}
	for from, may := range allowed {
		for _, to := range may {
			if to != all && !used[[2]string{from, to}] {
				t.Errorf("%s may import %s and does not", from, to)
			}
		}
	}
}

// TestSignerAndVerifierAreStrangers also holds for what they import in turn:
// the verifier must be able to disagree with the signer.
func TestSignerAndVerifierAreStrangers(t *testing.T) {
	graph := map[string][]string{}
	for _, s := range product(t) {
		for _, imp := range s.imports() {
			if to := ours(imp); to != "" {
				graph[s.dir] = append(graph[s.dir], to)
			}
		}
	}
	for from, forbidden := range map[string]string{"signer": "verifier", "verifier": "signer"} {
		seen := map[string]bool{}
		var visit func(string)
		visit = func(p string) {
			if seen[p] {
				return
			}
			seen[p] = true
			for _, to := range graph[p] {
				visit(to)
			}
		}
		visit(from)
		if seen[forbidden] {
			t.Errorf("%s reaches %s", from, forbidden)
		}
	}
}

// TestForeignImports keeps heavy or dangerous libraries in one place each.
func TestForeignImports(t *testing.T) {
	rules := []struct {
		prefix string
		homes  []string
		why    string
	}{
		{"github.com/miekg/pkcs11", []string{"hsm"}, "a PKCS#11 module runs in the process that loads it"},
		{"github.com/gin-gonic/", []string{"api"}, "only one package speaks HTTP as a server"},
		{"github.com/jackc/pgx", []string{"store"}, "SQL lives in store"},
		{"github.com/mattn/go-sqlite3", []string{"store"}, "SQL lives in store"},
		{"github.com/pressly/goose", []string{"store"}, "SQL lives in store"},
		{"github.com/digitorus/timestamp", []string{"pki/lab"}, "the server side of RFC 3161"},
		{"github.com/digitorus/pkcs7", []string{}, "its reader can be crashed from outside"},
		{"github.com/digitorus/pdf", []string{}, "peer in benchmarks only, see docs/adr/0001"},
		{"github.com/pdfcpu", []string{}, "peer in interop only"},
		{"github.com/spf13/cobra", []string{"cmd/absah"}, "flags are read in cmd"},
		{"go.opentelemetry.io", []string{"api", "cmd/absah"}, "what is traced is wired at the edges"},
		{"github.com/prometheus", []string{"api", "cmd/absah"}, "what is counted is wired at the edges"},
		{"go.yaml.in/yaml", []string{"internal/config"}, "one package reads configuration"},
		{"code.dny.dev/ssrf", []string{"pki/fetch"}, "only one package fetches addresses from certificates"},
		{"pgregory.net/rapid", []string{"internal/pdfrand"}, "tests only"},
		{"github.com/makiuchi-d/gozxing", []string{}, "tests only"},
		{"github.com/chromedp", []string{}, "tests only"},
		{"os/exec", []string{"hsm", "hsm/hsmtest", "internal/testfile"}, "no other package starts processes"},
		{"unsafe", []string{"hsm"}, "only the PKCS#11 binding needs memory of C"},
		{"C", []string{"hsm"}, "only the PKCS#11 binding needs C"},
		{"text/template", []string{}, "it does not escape; pages use html/template"},
		{"math/rand", []string{}, "randomness is crypto/rand"},
	}
	for _, s := range product(t) {
		for _, imp := range s.imports() {
			for _, r := range rules {
				if matches(imp, r.prefix) && !slices.Contains(r.homes, s.dir) {
					t.Errorf("%s imports %s: %s", s.path, imp, r.why)
				}
			}
		}
	}
}

// matches reports whether imp is the package prefix or below it; a prefix that
// ends with a slash is an organisation.
func matches(imp, prefix string) bool {
	return imp == prefix || strings.HasPrefix(imp, strings.TrimSuffix(prefix, "/")+"/")
}

// row is a row of the table of import rules in docs/ARCHITECTURE.md.
var row = regexp.MustCompile("(?m)^\\| (`[^|]+`) \\| ([^|]+) \\|[^|]*\\|$")

// TestTableIsDocumented compares the table above with docs/ARCHITECTURE.md.
func TestTableIsDocumented(t *testing.T) {
	_, text, _ := strings.Cut(readFile(t, "docs/ARCHITECTURE.md"), "\n## Import rules\n")
	text, _, _ = strings.Cut(text, "\n## ")
	got := map[string][]string{}
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		for _, dir := range quoted(m[1]) {
			if got[dir] = quoted(m[2]); m[2] == all {
				got[dir] = []string{all}
			}
			slices.Sort(got[dir])
		}
	}
	for dir, may := range allowed {
		want := slices.Sorted(slices.Values(may))
		if documented, ok := got[dir]; !ok || !slices.Equal(documented, want) {
			t.Errorf("docs/ARCHITECTURE.md: %s may import %q, want %q", dir, documented, want)
		}
		delete(got, dir)
	}
	for dir := range got {
		t.Errorf("docs/ARCHITECTURE.md: there is no package %s", dir)
	}
}

// quoted returns what stands between backquotes.
func quoted(text string) (words []string) {
	for i, word := range strings.Split(text, "`") {
		if i%2 == 1 {
			words = append(words, word)
		}
	}
	return words
}
