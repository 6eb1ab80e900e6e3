package fault_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/store/storetest"
)

// watcher collects the checkpoints that nodes publish.
type watcher struct {
	mu    sync.Mutex
	notes map[int64][]byte
	roots map[int64]evidence.Head
}

// watch asks the nodes for their checkpoint until ctx is done. No size may ever
// have two roots.
func (v *watcher) watch(ctx context.Context, w *world, l *ledger, nodes ...*node) {
	for i := 0; ctx.Err() == nil; i++ {
		time.Sleep(20 * time.Millisecond)
		resp, err := http.Get(nodes[i%len(nodes)].url + "/log/checkpoint")
		if err != nil {
			continue // it is down
		}
		msg, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			continue
		}
		head, err := evidence.VerifyCheckpoint(msg, origin, w.keys)
		if err != nil {
			l.wrongf("a checkpoint does not verify: %v", err)
			continue
		}
		v.mu.Lock()
		if first, ok := v.roots[head.Size]; ok && first != head {
			l.wrongf("two roots of %d entries are signed", head.Size)
		}
		v.roots[head.Size], v.notes[head.Size] = head, msg
		v.mu.Unlock()
	}
}

// TestTwoNodes runs two gateways on one database and one token, and kills one of
// them again and again while the other goes on.
func TestTwoNodes(t *testing.T) {
	w := newWorld(t, storetest.Postgres, *clients)
	nodes := []*node{w.node("a"), w.node("b")}
	nodes[1].join(nodes[0])
	for _, n := range nodes {
		n.start("")
		if !n.alive() {
			t.Fatalf("node %s: %s", n.name, n.said())
		}
	}
	l := newLedger()
	everyone := newClients(w, l, 2)
	v := &watcher{notes: map[int64][]byte{}, roots: map[int64]evidence.Head{}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { v.watch(ctx, w, l, nodes...) })
	for _, c := range everyone {
		wg.Go(func() { c.work(ctx, onlySeals, nodes[0].url, nodes[1].url) })
	}
	rng := rand.New(rand.NewPCG(*seed, 3))
	killed := 0
	for ; killed < 4 || killed < *kills || l.count().asked < *operations; killed++ {
		dies, lives := nodes[killed%2], nodes[1-killed%2]
		l.wait(ctx, lives, 10+rng.IntN(40))
		dies.kill()
		before := l.count().documents
		l.wait(ctx, lives, 20)
		if l.count().documents == before {
			t.Errorf("seed %d: node %s released nothing after node %s was killed: %s", *seed, lives.name, dies.name, lives.said())
		}
		w.closedBy(dies)
		w.checkReleased(l)
		dies.start("")
		l.report(t, fmt.Sprintf("kill %d", killed))
		if !dies.alive() || !lives.alive() || t.Failed() {
			t.Fatalf("a node is gone: %s %s", dies.said(), lives.said())
		}
	}
	stop()
	wg.Wait()
	for _, c := range everyone {
		wg.Go(func() { c.drain(t.Context(), nodes[0].url) })
	}
	wg.Wait()
	w.settled()
	w.checkReleased(l)
	w.checkWhole("two nodes")
	signatures := w.checkSignatures(l)
	w.checkProofs(l.documents)
	l.report(t, "two nodes")
	for _, n := range nodes {
		n.stop()
		if f, status := w.audit(n, v.kept(w)...); status != 0 || f.Rule != "" {
			t.Errorf("seed %d: audit with the floor of %s: status %d, %+v", *seed, n.name, status, f)
		}
		n.checkFiles()
	}
	progress("two nodes", "%d kills, %d requests, %d documents, %d signatures, %d repeated, %d perhaps signed; %d checkpoints seen, one root each", killed,
		l.asked, len(l.documents), signatures, l.repeated, l.unknown, len(v.notes))
}

// closedBy waits until what a dead node has left open is closed.
func (w *world) closedBy(dead *node) {
	w.t.Helper()
	at := time.Now().UnixMicro()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		open := w.number(`SELECT count(*) FROM open_intents WHERE at < $1`, at)
		if open == 0 {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("seed %d: %d intents of node %s stay open although the other lives", *seed, open, dead.name)
		}
	}
}

// kept writes some of the checkpoints that were seen, and returns the flags with
// which an audit compares them.
func (v *watcher) kept(w *world) (flags []string) {
	sizes := slices.Sorted(maps.Keys(v.notes))
	step := max(1, len(sizes)/20)
	for i := 0; i < len(sizes); i += step {
		name := fmt.Sprintf("checkpoint-%d", sizes[i])
		w.write(name, v.notes[sizes[i]])
		flags = append(flags, "--checkpoint", w.path(name))
	}
	return flags
}

// TestLockoutOfTwoNodes spreads wrong passphrases over two gateways: as many are
// tried as one of them would try, and then neither takes the right one.
func TestLockoutOfTwoNodes(t *testing.T) {
	const limit = 5 // activation.attempts
	w := newWorld(t, storetest.Postgres, 1)
	nodes := []*node{w.node("a"), w.node("b")}
	nodes[1].join(nodes[0])
	for _, n := range nodes {
		n.start("")
		defer n.stop()
	}
	c := newClients(w, newLedger(), 4)[0]
	var (
		mu   sync.Mutex
		said = map[string]int{}
		wg   sync.WaitGroup
	)
	for i := range 8 {
		wg.Go(func() {
			for deadline := time.Now().Add(2 * patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
				mu.Lock()
				letter := c.letter() // not shared by two goroutines
				mu.Unlock()
				code := tryLetter(t, c, nodes[i%2], letter, "kata sandi yang salah")
				mu.Lock()
				said[code]++
				mu.Unlock()
				if code == "signer-locked" {
					return
				}
			}
		})
	}
	wg.Wait()
	if said["passphrase"] != limit || said["signer-locked"] != 8 || said[""] != 0 {
		t.Errorf("answers %v, want %d wrong passphrases and all 8 locked out", said, limit)
	}
	for _, n := range nodes {
		if code := tryLetter(t, c, n, c.letter(), w.passphrase); code != "signer-locked" {
			t.Errorf("node %s says %q to the right passphrase, want signer-locked", n.name, code)
		}
	}
	if n := w.number(`SELECT failures FROM attempts WHERE signer = $1`, w.signer); n != limit {
		t.Errorf("%d failures on record, want %d", n, limit)
	}
	w.run("signer", "unlock", nodes[0].config, w.signer, "--reason", "uji coba")
	for _, n := range nodes {
		if code := tryLetter(t, c, n, c.letter(), w.passphrase); code != "" {
			t.Errorf("node %s says %q after unlocking", n.name, code)
		}
	}
	progress("lockout", "answers %v", said)
}

// tryLetter has a letter signed with a passphrase and returns the code of the
// problem, "" for a signature.
func tryLetter(t *testing.T, c *client, n *node, letter []byte, passphrase string) string {
	r := &request{path: "/v1/sign", letter: letter, fields: map[string]string{"signer": c.w.signer, "level": "B-B", "passphrase": passphrase}}
	status, _, answer, err := c.post(t.Context(), n.url, r)
	if err != nil {
		t.Error(err)
		return "signer-locked"
	}
	var p problem
	if status != http.StatusOK && json.Unmarshal(answer, &p) != nil {
		t.Errorf("status %d: %.200q", status, answer)
	}
	return p.Code
}
