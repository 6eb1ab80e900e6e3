package fault_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/absah-id/absah/hsm/hsmtest"
	"github.com/absah-id/absah/store/storetest"
)

// pkcsRSA is CKM_SHA256_RSA_PKCS, with which seals are made.
const pkcsRSA = 0x40

// tally is what became of the kills at one point.
type tally struct {
	kills, asked, documents, unknown int
}

// TestKills kills the gateway at every point, again and again, while clients
// work. Whatever a client has received whole is on record and proven, every
// intent is closed, no signature is without an intent, no repeated request
// signed twice, the tree recomputes and the floor holds.
func TestKills(t *testing.T) {
	for _, e := range []storetest.Engine{storetest.SQLite, storetest.Postgres} {
		t.Run(e.Name, func(t *testing.T) { killing(t, e) })
	}
}

func killing(t *testing.T, engine storetest.Engine) {
	w := newWorld(t, engine, *clients)
	n := w.node("a")
	l := newLedger()
	everyone := newClients(w, l, 0)
	rng := rand.New(rand.NewPCG(*seed, 1))
	tallies := map[string]*tally{}
	began := time.Now()
	all := chosen()
	for round := 1; round <= *kills || l.asked < *operations; round++ {
		for _, i := range rng.Perm(len(all)) {
			p := all[i]
			if tallies[p.name] == nil {
				tallies[p.name] = new(tally)
			}
			if p.crashed && !life(t, n, everyone, l, point{name: "signature.after", within: 8}, 1+rng.IntN(8)) {
				return
			}
			before := *l.count()
			if !life(t, n, everyone, l, p, 1+rng.IntN(p.within)) {
				return
			}
			tallies[p.name].add(before, *l.count())
		}
		judge(t, n, everyone, l, fmt.Sprintf("round %d", round))
		progress(engine.Name, "round %d: %d kills, %d requests, %d documents, %d repeated, %d perhaps signed; %v", round, round*len(all),
			l.asked, len(l.documents), l.repeated, l.unknown, time.Since(began).Round(time.Second))
		if t.Failed() {
			break
		}
	}
	summary(engine.Name, all, tallies)
}

// count is what a tally is made from.
func (l *ledger) count() *tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &tally{asked: l.asked, documents: len(l.documents), unknown: l.unknown}
}

func (t *tally) add(before, after tally) {
	t.kills++
	t.asked += after.asked - before.asked
	t.documents += after.documents - before.documents
	t.unknown += after.unknown - before.unknown
}

// life runs one process until it dies at a point that has been passed so often,
// while clients work and what they got before is looked up. It reports whether
// to go on.
func life(t *testing.T, n *node, everyone []*client, l *ledger, p point, times int) bool {
	t.Helper()
	where := fmt.Sprintf("%s:%d", p.name, times)
	dieAt := where
	if p.module != "" {
		dieAt = ""
	}
	n.start(dieAt)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var wg sync.WaitGroup
	if n.alive() {
		for _, c := range everyone {
			wg.Go(func() { c.work(ctx, p.load, n.url) })
		}
		wg.Go(func() { n.w.checkReleased(l) })
		if p.module != "" {
			wg.Go(func() { misbehave(ctx, n, l, p.module, times) })
		}
	}
	select {
	case <-n.ended:
	case <-ctx.Done():
	}
	cancel()
	if n.alive() {
		n.kill()
		wg.Wait()
		t.Errorf("seed %d: %s was not reached: %s", *seed, where, n.said())
		return false
	}
	wg.Wait()
	l.fail(false)
	l.report(t, where)
	if !n.killed() || p.module == "" && !strings.Contains(n.said(), "fault: killed at "+p.name) {
		t.Errorf("seed %d: %s: the gateway ended by itself: %v: %s", *seed, where, n.cmd.ProcessState, n.said())
		return false
	}
	return !t.Failed()
}

// misbehave makes the module fail in a C_Sign of a seal, when so many requests
// have been made. Where that does not kill the gateway it goes on for as many
// more, and is killed from outside.
func misbehave(ctx context.Context, n *node, l *ledger, f hsmtest.Fault, times int) {
	defer n.w.shim.Clear()
	if !l.wait(ctx, n, times) {
		return
	}
	l.fail(f == hsmtest.Abort)
	n.w.shim.NextBy(1, f, pkcsRSA)
	if f != hsmtest.Abort {
		l.wait(ctx, n, 1_000_000)
		return
	}
	if l.wait(ctx, n, 16+times) {
		n.kill()
	}
}

// wait returns when that many more requests have been made, or the process has
// ended, which it reports.
func (l *ledger) wait(ctx context.Context, n *node, more int) (alive bool) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for until := l.count().asked + more; l.count().asked < until; {
		select {
		case <-ctx.Done():
			return false
		case <-n.ended:
			return false
		case <-tick.C:
		}
	}
	return n.alive()
}

// judge starts the gateway once more, lets everything end, and checks it all.
func judge(t *testing.T, n *node, everyone []*client, l *ledger, when string) {
	t.Helper()
	w := n.w
	n.start("")
	if !n.alive() {
		t.Fatalf("seed %d, %s: the gateway does not start again: %s", *seed, when, n.said())
	}
	var wg sync.WaitGroup
	for _, c := range everyone {
		wg.Go(func() { c.drain(t.Context(), n.url) })
	}
	wg.Wait()
	w.settled()
	w.checkReleased(l)
	w.checkWhole(when)
	signatures := w.checkSignatures(l)
	l.mu.Lock()
	documents := slices.Clone(l.documents)
	l.mu.Unlock()
	if sealed := len(slices.DeleteFunc(slices.Clone(documents), func(d *document) bool { return !slices.Contains(w.seals, d.seal) })); signatures < sealed {
		t.Errorf("seed %d, %s: %d documents and only %d signatures: the spy does not see", *seed, when, sealed, signatures)
	}
	w.checkProofs(documents[proven(l, len(documents)):])
	n.stop()
	if f, status := w.audit(n); status != 0 || f.Rule != "" {
		t.Errorf("seed %d, %s: audit: status %d, %+v", *seed, when, status, f)
	}
	n.checkFiles()
	l.report(t, when)
}

// proven returns how many documents were proven before, and notes that now all
// are.
func proven(l *ledger, now int) (before int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.proven = l.proven, now
	return before
}

// progress says how far the test is, at once.
func progress(name, format string, args ...any) {
	fmt.Printf("%-10s %s\n", name, fmt.Sprintf(format, args...))
}

// summary prints what became of the kills at each point.
func summary(name string, all []point, tallies map[string]*tally) {
	var b strings.Builder
	tab := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tab, "%s\tkills\trequests\twhole documents\tperhaps signed\t\n", name)
	var sum tally
	for _, p := range all {
		if c := tallies[p.name]; c != nil {
			fmt.Fprintf(tab, "%s\t%d\t%d\t%d\t%d\t\n", p.name, c.kills, c.asked, c.documents, c.unknown)
			sum.kills, sum.asked, sum.documents, sum.unknown = sum.kills+c.kills, sum.asked+c.asked, sum.documents+c.documents, sum.unknown+c.unknown
		}
	}
	fmt.Fprintf(tab, "all\t%d\t%d\t%d\t%d\t\n", sum.kills, sum.asked, sum.documents, sum.unknown)
	tab.Flush()
	fmt.Print(b.String())
}
