package main

import (
	"context"
	"runtime"
	"time"
)

// smallSize is the size of the document of the signing rates, in bytes.
const smallSize = 10 << 10

// small measures the rate of B-B signatures of a 10 kB document beside raw
// C_Sign and digitorus/pdfsign, all with the same key.
func small(ctx context.Context, cfg config, dir string, t *table) error {
	if err := makePDF(pdfPath(dir), smallSize); err != nil {
		return err
	}
	var peers []*peer
	for _, name := range []string{"raw", "absah", "pdfsign"} {
		s, err := startServer(ctx, "-dir", dir, name)
		if err != nil {
			return err
		}
		if _, err := s.read(); err != nil { // ready; SoftHSM dislikes two that start at once
			return err
		}
		peers = append(peers, &peer{name: name, server: s})
	}
	for round := range cfg.rounds {
		for i := range peers {
			p := peers[(i+round)%len(peers)] // no one always goes first
			if err := p.measure(cfg.duration); err != nil {
				return err
			}
		}
	}
	for _, p := range peers {
		if err := p.server.close(); err != nil {
			return err
		}
		t.note("%s, 8 in flight, RSA-2048 in SoftHSM, 10 KiB to B-B: %.0f/s (median of %d × %v), %.0f µs of processor time each, peak memory %s; it got %.1f of %d cores",
			title(p.name), median(p.rates), cfg.rounds, cfg.duration, median(p.cpu), mib(p.memory), median(p.cores), runtime.NumCPU())
	}
	t.noteIfBusy(peers[0])
	raw, absah, pdfsign := peers[0], peers[1], peers[2]
	t.add("sign 10 KiB B-B: rate of Absah ÷ raw C_Sign (8 sessions)", ratio(absah.rates, raw.rates), atLeast, 0.85)
	t.add("sign 10 KiB B-B: rate of Absah ÷ digitorus/pdfsign", ratio(absah.rates, pdfsign.rates), atLeast, 1.2)
	// All of them keep every core busy, so the same figures from processor time
	// are what the rates would be if no other program took its share.
	t.add("sign 10 KiB B-B: the same by processor time, raw C_Sign ÷ Absah", ratio(raw.cpu, absah.cpu), atLeast, 0.85)
	t.add("sign 10 KiB B-B: the same by processor time, digitorus/pdfsign ÷ Absah", ratio(pdfsign.cpu, absah.cpu), atLeast, 1.2)
	return nil
}

// noteIfBusy says so when raw C_Sign, which waits for nothing, did not get the
// whole machine.
func (t *table) noteIfBusy(raw *peer) {
	if median(raw.cores) < 0.8*float64(runtime.NumCPU()) {
		t.note("Other programs kept the machine busy during this run: its rates and times prove nothing, the rows by processor time count")
	}
}

// peer is one of those whose rates are compared.
type peer struct {
	name   string
	server *server
	rates  []float64 // signatures per second
	cpu    []float64 // µs of processor time per signature
	cores  []float64 // that it got
	memory int64
}

func (p *peer) measure(d time.Duration) error {
	r, err := p.server.measure(d)
	if err != nil {
		return err
	}
	p.add(r)
	return nil
}

func (p *peer) add(r result) {
	p.rates = append(p.rates, float64(r.Count)/r.Elapsed.Seconds())
	p.cpu = append(p.cpu, micros(r.CPU)/float64(r.Count))
	p.cores = append(p.cores, r.CPU.Seconds()/r.Elapsed.Seconds())
	p.memory = max(p.memory, r.Memory)
}

func title(name string) string {
	return map[string]string{"raw": "raw C_Sign", "absah": "Absah", "pdfsign": "digitorus/pdfsign"}[name]
}

// result is what a measuring process prints as JSON.
type result struct {
	Count   int           // signatures made
	Elapsed time.Duration // in how long
	CPU     time.Duration // processor time of the process and its children
	Memory  int64         // peak resident bytes of the process and its children together
	P50     time.Duration // the median call
	P99     time.Duration
}
