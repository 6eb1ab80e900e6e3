package browsertest_test

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
)

// axeCore is the script that looks for violations.
func axeCore(tb testing.TB) string {
	tb.Helper()
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		testfile.Lacking(tb, "axe-core", "scripts/npm api/web/browsertest")
	}
	return string(axe)
}

// lookWithAxe runs axe. What it cannot decide is often only out of sight, scrolled away
// in a table: such nodes are brought into view and looked at once more, each
// alone.
const lookWithAxe = `(async () => {
	const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
	const r = await axe.run({ runOnly: tags });
	const open = [];
	const text = nodes => nodes.map(n => n.target + ' ' + n.failureSummary).join('; ');
	const violations = r.violations.map(v => v.id + ': ' + text(v.nodes));
	for (const rule of r.incomplete) for (const node of rule.nodes) {
		const e = document.querySelector(node.target[0]);
		e.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
		const again = await axe.run(e, { runOnly: { type: 'rule', values: [rule.id] } });
		for (const v of again.violations) violations.push(v.id + ': ' + text(v.nodes));
		for (const v of again.incomplete) for (const n of v.nodes) open.push({ rule: v.id, node: String(n.target), why: n.failureSummary });
	}
	for (const e of document.querySelectorAll('.scroll')) e.scrollTo(0, 0);
	scrollTo(0, 0);
	return { violations, open, looked: r.incomplete.reduce((n, v) => n + v.nodes.length, 0), passes: r.passes.length };
})()`

// accessible asserts that a page has no violation, and nothing that axe cannot
// decide and nobody has judged. The name is that of the page, then how it was
// shown, after a comma.
func (t *tab) accessible(axe, name string) {
	t.Helper()
	eval[bool](t, axe+`;true`)
	var r struct {
		Violations []string
		Open       []struct{ Rule, Node, Why string }
		Looked     int
		Passes     int
	}
	if err := json.Unmarshal(eval[json.RawMessage](t, lookWithAxe), &r); err != nil {
		t.Fatal(err)
	}
	if r.Passes < 15 {
		t.Errorf("%s: only %d rules were applied", name, r.Passes)
	}
	for _, violation := range r.Violations {
		t.Errorf("%s: %s", name, violation)
	}
	if r.Looked > 0 {
		t.Logf("%s: %d nodes were looked at once more, %d are left", name, r.Looked, len(r.Open))
	}
	page, _, _ := strings.Cut(name, ",")
	for _, open := range r.Open {
		if !judged(t)[judgement{page, open.Rule, open.Node}] {
			t.Errorf("%s: nobody has judged %s at %s (testdata/axe-incomplete.txt): %s", name, open.Rule, open.Node, open.Why)
		}
	}
}

// judgement is a finding that axe leaves to people.
type judgement struct{ page, rule, node string }

var judgements = sync.OnceValues(func() (map[judgement]bool, error) {
	f, err := os.Open("testdata/axe-incomplete.txt")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all := map[judgement]bool{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if fields := strings.Split(s.Text(), "\t"); len(fields) == 4 && fields[3] != "" {
			all[judgement{fields[0], fields[1], fields[2]}] = true
		}
	}
	return all, nil
})

// judged are the findings that somebody has judged.
func judged(tb testing.TB) map[judgement]bool {
	tb.Helper()
	all, err := judgements()
	if err != nil {
		tb.Fatal(err)
	}
	return all
}
