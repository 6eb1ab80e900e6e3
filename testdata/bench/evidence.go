package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/store"
)

const (
	// smallLog is how many records the log has that a long one is compared with.
	smallLog = 1_000
	// bytesPerRecord is what a record takes on the disk with everything about it,
	// with room to spare.
	bytesPerRecord = 2 << 10
	// proofs is how many inclusion proofs are timed.
	proofs = 2_000
)

// evidenceRows compares a long log with a short one.
func evidenceRows(ctx context.Context, cfg config, dir string, t *table) (err error) {
	if err := room(dir, cfg.records*bytesPerRecord); err != nil {
		return err
	}
	var logs []*peer
	for _, size := range []int64{smallLog, cfg.records} {
		folder := filepath.Join(dir, fmt.Sprint("log-", size))
		if err := os.Mkdir(folder, 0o700); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
		start := time.Now()
		if err := grow(ctx, folder, size); err != nil {
			return fmt.Errorf("a log of %d: %w", size, err)
		}
		fmt.Fprintf(os.Stderr, "bench: made a log of %d records in %.0f s\n", size, time.Since(start).Seconds())
		if size == cfg.records {
			if err := proveRow(ctx, folder, size, t); err != nil {
				return err
			}
		}
		s, err := startServer(ctx, "-dir", folder, "-clients", "16", "append")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		if _, err := s.read(); err != nil {
			return err
		}
		logs = append(logs, &peer{name: folder, server: s})
	}
	for round := range cfg.rounds {
		for i := range logs {
			if err := logs[(i+round)%2].measure(cfg.duration); err != nil {
				return err
			}
		}
	}
	small, long := logs[0], logs[1]
	info, err := os.Stat(filepath.Join(long.name, "absah.db"))
	if err != nil {
		return err
	}
	t.note("appends by 16 writers on SQLite, each committed, the sequencer at work beside them: %.0f/s and %.0f µs of processor time each in a log of %d records, %.0f/s and %.0f µs in one of %d, which takes %s on the disk (median of %d × %v)",
		median(small.rates), median(small.cpu), smallLog, median(long.rates), median(long.cpu), cfg.records, mib(info.Size()), cfg.rounds, cfg.duration)
	t.add(fmt.Sprintf("evidence: rate of appends in a log of %d records ÷ in one of %d", cfg.records, smallLog), ratio(long.rates, small.rates), atLeast, 0.9)
	t.add("evidence: the same by processor time", ratio(small.cpu, long.cpu), atLeast, 0.9)
	return nil
}

func proveRow(ctx context.Context, folder string, size int64, t *table) error {
	r, err := child(ctx, "-dir", folder, "prove")
	if err != nil {
		return err
	}
	t.note("inclusion proofs in a log of %d records, of random operations: both of its records looked up, with a proof each that was checked: p50 %.2f ms, p99 %.2f ms, %.2f ms of processor time",
		size, milliseconds(r.P50), milliseconds(r.P99), milliseconds(r.CPU/time.Duration(r.Count)))
	t.add(fmt.Sprintf("evidence: inclusion proof in a log of %d records, median, ms", size), milliseconds(r.P50)/2, atMost, 1)
	return nil
}

// openLog opens the log in t.dir with keys of its own.
func (t *task) openLog(ctx context.Context) (*store.DB, *evidence.Log, error) {
	db, err := store.Open(ctx, store.Options{URL: "sqlite:" + filepath.Join(t.dir, "absah.db")})
	if err != nil {
		return nil, nil, err
	}
	const origin = "kabupaten-contoh.example/log"
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	l, err := evidence.New(evidence.Config{Store: db, Origin: origin, Signer: key})
	if err != nil {
		return nil, nil, err
	}
	head, err := db.Head(ctx)
	if err != nil || head.Size == 0 {
		return db, l, err
	}
	// The rows were made without receipts, so the log would not sign for them.
	signer, err := noteSigner(origin, key)
	if err != nil {
		return nil, nil, err
	}
	msg, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", origin, head.Size, head.Root)}, signer)
	if err != nil {
		return nil, nil, err
	}
	return db, l, db.SaveCheckpoint(ctx, evidence.Checkpoint{Head: head, Note: msg, Time: time.Now()})
}

// noteSigner makes a signer of notes out of a key.
func noteSigner(name string, key ed25519.PrivateKey) (note.Signer, error) {
	vkey, err := evidence.VerifierKey(name, key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	raw := append([]byte{1}, key.Seed()...) // 1 is Ed25519
	return note.NewSigner("PRIVATE+KEY+" + name + "+" + strings.Split(vkey, "+")[1] + "+" + base64.StdEncoding.EncodeToString(raw))
}

// appends measures appends of events, each in a transaction of its own that is
// committed when the call returns, while the sequencer gives them places.
func (t *task) appends(ctx context.Context) (r result, err error) {
	db, l, err := t.openLog(ctx)
	if err != nil {
		return r, err
	}
	background, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { _ = l.Run(background) }) // its end is ours
	defer func() {
		stop()
		running.Wait()
		err = errors.Join(err, db.Close())
	}()
	made, err := newTemplates()
	if err != nil {
		return r, err
	}
	record, err := evidence.ParseRecord(made[1].record)
	if err != nil {
		return r, err
	}
	record.Phase = evidence.PhaseEvent
	return t.rate(func(int) error {
		r := record
		r.Operation, r.Time = uuid.Must(uuid.NewV7()).String(), time.Now()
		e, _, err := l.NewEntry(r)
		if err != nil {
			return err
		}
		return db.Append(ctx, e)
	})
}

// prove times proofs of random operations. The checkpoint they are under is
// made first, over the whole log.
func (t *task) prove(ctx context.Context) (r result, err error) {
	db, l, err := t.openLog(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := l.Integrate(ctx); err != nil {
		return r, err
	}
	head, err := db.Head(ctx)
	if err != nil {
		return r, err
	}
	source := mathrand.New(mathrand.NewPCG(1, 2))
	runtime.GC()
	busy, err := cpuTime("self")
	if err != nil {
		return r, err
	}
	var took []time.Duration
	start := time.Now()
	for range proofs {
		id := operationID(source.Int64N(head.Size))
		began := time.Now()
		found, err := l.Prove(ctx, id)
		if err != nil {
			return r, fmt.Errorf("%s: %w", id, err)
		}
		took = append(took, time.Since(began))
		if len(found) != 2 || found[0].Checkpoint.Size != head.Size {
			return r, fmt.Errorf("%d proofs under a checkpoint of %d", len(found), found[0].Checkpoint.Size)
		}
	}
	r = result{Count: len(took), Elapsed: time.Since(start), P50: percentile(took, 50), P99: percentile(took, 99)}
	now, err := cpuTime("self")
	r.CPU = now - busy
	return r, err
}
