package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/absah-id/absah/testdata/interop/office"
)

const (
	// httpClients is how many clients the rate through HTTP is measured with.
	httpClients = 16
	// memoryCalls is how many requests the growth of memory is measured over,
	// of which the first and the last memoryWindow are compared.
	memoryCalls  = 10_000
	memoryWindow = 1_000
	// uploads is how many large documents are sent at once, of so many bytes.
	uploads    = 64
	uploadSize = 20_000_000
)

// httpRows measures `absah serve` from outside.
func httpRows(ctx context.Context, cfg config, dir string, o *office.Office, t *table) (err error) {
	g, err := startGateway(ctx, filepath.Join(dir, "gateway"), o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	for _, rows := range []struct {
		name string
		take func() error
	}{
		{"http-memory", func() error { return steady(ctx, dir, g, o, t) }},
		{"http-latency", func() error { return latencies(ctx, cfg, dir, g, t) }},
		{"http-rate", func() error { return httpRate(ctx, cfg, dir, g, t) }},
		{"http-uploads", func() error { return flood(ctx, dir, g, o, t) }},
	} {
		if cfg.takes(rows.name) {
			if err := rows.take(); err != nil {
				return fmt.Errorf("%s: %w", rows.name, err)
			}
		}
	}
	return nil
}

// ask starts a process of clients.
func (g *gateway) ask(ctx context.Context, clients int, in string, more ...string) (*server, result, error) {
	args := append([]string{"-clients", fmt.Sprint(clients), "-url", g.url, "-key", g.key, "-in", in}, more...)
	s, err := startServer(ctx, append(args, "http")...)
	if err != nil {
		return nil, result{}, err
	}
	r, err := s.read()
	if err != nil {
		err = errors.Join(err, s.close())
	}
	return s, r, err
}

// steady tells whether memory grows with the number of requests. What the first
// client gets is verified.
func steady(ctx context.Context, dir string, g *gateway, o *office.Office, t *table) (err error) {
	first := filepath.Join(dir, "first.pdf")
	s, _, err := g.ask(ctx, httpClients, pdfPath(dir), "-out", first)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := intact(ctx, o.Trust(), first); err != nil {
		return err
	}
	var peaks []float64 // MiB in each window
	for range memoryCalls / memoryWindow {
		if err := forgetPeak(g.pid); err != nil {
			return err
		}
		if _, err := s.calls(memoryWindow); err != nil {
			return err
		}
		peak, err := peakMemory(g.pid)
		if err != nil {
			return err
		}
		peaks = append(peaks, float64(peak)/(1<<20))
	}
	t.note("Peak memory of gateway and PKCS#11 child (VmHWM) in %d requests by %d clients, MiB for each %d: %.0f",
		memoryCalls, httpClients, memoryWindow, peaks)
	t.add(fmt.Sprintf("HTTP: peak memory in the last %d of %d requests ÷ in the first %d", memoryWindow, memoryCalls, memoryWindow),
		peaks[len(peaks)-1]/peaks[0], atMost, 1.1)
	return nil
}

// intact has one answer verified. Nothing more than integrity can be asked of
// it: B-B says nothing about revocation, and the laboratory is on loopback.
func intact(ctx context.Context, trust, file string) error {
	out, err := exec.CommandContext(ctx, absahBinary, "verify", "--json", "--offline", "--trust", trust, file).Output()
	var v struct {
		Signatures []struct {
			Intact   bool
			Coverage string
		}
	}
	if e := json.Unmarshal(out, &v); e != nil {
		return errors.Join(err, e)
	}
	if len(v.Signatures) != 1 || !v.Signatures[0].Intact || v.Signatures[0].Coverage != "entire-file" {
		return fmt.Errorf("the answer is not intact: %s", out)
	}
	return nil
}

// latencies measures how long a client waits when it is alone and when it is
// not.
func latencies(ctx context.Context, cfg config, dir string, g *gateway, t *table) error {
	for _, clients := range []int{1, 4, 16, 64} {
		s, _, err := g.ask(ctx, clients, pdfPath(dir))
		if err != nil {
			return err
		}
		r, err := s.measure(5 * cfg.duration)
		if err := errors.Join(err, s.close()); err != nil {
			return err
		}
		t.note("HTTP, seal, B-B, %d clients: p50 %.1f ms, p99 %.1f ms, %.0f/s", clients, milliseconds(r.P50), milliseconds(r.P99),
			float64(r.Count)/r.Elapsed.Seconds())
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// httpRate measures the rate of seals beside raw C_Sign, in turns.
func httpRate(ctx context.Context, cfg config, dir string, g *gateway, t *table) (err error) {
	s, _, err := g.ask(ctx, httpClients, pdfPath(dir))
	if err != nil {
		return err
	}
	asked := &peer{name: "http", server: s}
	defer func() { err = errors.Join(err, s.close()) }()
	r, err := startServer(ctx, "-dir", dir, "raw")
	if err != nil {
		return err
	}
	raw := &peer{name: "raw", server: r}
	defer func() { err = errors.Join(err, r.close()) }()
	if _, err := r.read(); err != nil {
		return err
	}
	stop, err := g.profile(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	var clients, rates, children []float64 // µs of clients and PKCS#11 child for each; rates without the clients
	for range cfg.rounds {
		if err := raw.measure(cfg.duration); err != nil {
			return err
		}
		busy, child, err := g.cpuTime()
		if err != nil {
			return err
		}
		m, err := s.measure(cfg.duration)
		if err != nil {
			return err
		}
		now, later, err := g.cpuTime()
		if err != nil {
			return err
		}
		children = append(children, micros(later-child)/float64(m.Count))
		clients = append(clients, micros(m.CPU)/float64(m.Count))
		rates = append(rates, float64(m.Count)/(m.Elapsed-m.CPU/time.Duration(runtime.NumCPU())).Seconds())
		m.CPU = now - busy
		asked.add(m)
	}
	t.note("HTTP, seal, B-B, %d clients, both records durable, Ed25519 receipt: %.0f/s (median of %d × %v), %.0f µs of processor time each in gateway and PKCS#11 child (of them %.0f in the child), %.0f µs in the clients; raw C_Sign %.0f/s, %.0f µs",
		httpClients, median(asked.rates), cfg.rounds, cfg.duration, median(asked.cpu), median(children), median(clients), median(raw.rates), median(raw.cpu))
	t.noteIfBusy(raw)
	t.note("Without its processor time, divided by the cores, the clients' share of the run is gone: %.0f/s", median(rates))
	t.add("HTTP seal B-B, 16 clients: rate ÷ raw C_Sign, clients' time taken out", ratio(rates, raw.rates), atLeast, 0.6)
	t.add("HTTP seal B-B, 16 clients: the same by processor time, raw C_Sign ÷ gateway", ratio(raw.cpu, asked.cpu), atLeast, 0.6)
	return nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// flood sends many large documents at once, each to be signed under a
// passphrase, and looks at the peak of memory.
func flood(ctx context.Context, dir string, g *gateway, o *office.Office, t *table) error {
	if err := room(dir, 2*uploads*uploadSize); err != nil {
		return err
	}
	var signers []string
	for i := range 4 { // one signer's passphrase may be tried 20 times at once
		passphrase := fmt.Sprintf("kata sandi contoh %d", i)
		id, err := g.enrol(ctx, o, fmt.Sprintf("penanda-%d", i), fmt.Sprintf("%016d", i+1), passphrase)
		if err != nil {
			return err
		}
		signers = append(signers, id+"="+passphrase)
	}
	in := filepath.Join(dir, "upload.pdf")
	if err := makePDF(in, uploadSize); err != nil {
		return err
	}
	defer os.Remove(in)
	if err := forgetPeak(g.pid); err != nil {
		return err
	}
	idle, err := peakMemory(g.pid)
	if err != nil {
		return err
	}
	s, r, err := g.ask(ctx, uploads, in, "-signers", strings.Join(signers, ","))
	if err != nil {
		return err
	}
	peak, err := peakMemory(g.pid)
	if err := errors.Join(err, s.close()); err != nil {
		return err
	}
	t.note("%d uploads of 20 MB at once, each signed under a passphrase (Argon2id with 46 MiB, two at a time): %.1f s; memory of gateway and child %s idle, %s at its peak",
		uploads, r.Elapsed.Seconds(), mib(idle), mib(peak))
	t.add(fmt.Sprintf("HTTP: memory above idle with %d uploads of 20 MB at once, MiB", uploads), float64(peak-idle)/(1<<20), atMost, 128)
	return nil
}
