package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/testdata/interop/office"
)

// child takes one measurement in a process of its own.
func child(ctx context.Context, args ...string) (result, error) {
	s, err := startServer(ctx, args...)
	if err != nil {
		return result{}, err
	}
	r, err := s.read()
	return r, errors.Join(err, s.close())
}

// server is a process that measures a rate again and again, when told to.
type server struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

func startServer(ctx context.Context, args ...string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"measure"}, args...)...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &server{cmd, in, json.NewDecoder(out)}, cmd.Start()
}

// measure takes the rate once, for so long.
func (s *server) measure(d time.Duration) (result, error) { return s.order(d.String()) }

// calls takes the rate over so many calls.
func (s *server) calls(n int) (result, error) { return s.order(strconv.Itoa(n) + "x") }

func (s *server) order(text string) (result, error) {
	if _, err := fmt.Fprintln(s.in, text); err != nil {
		return result{}, err
	}
	return s.read()
}

func (s *server) read() (result, error) {
	var r result
	if err := s.out.Decode(&r); err != nil {
		return r, fmt.Errorf("%v: %w", s.cmd.Args, err)
	}
	return r, nil
}

func (s *server) close() error {
	return errors.Join(s.in.Close(), s.cmd.Wait())
}

// task is one measurement: what it needs, and the work to be timed.
type task struct {
	dir, in, out string
	clients      int // that work at once

	url, key, signers string // of the gateway
}

// measure is "bench measure".
func measure(ctx context.Context, args []string) error {
	var t task
	flags := flag.NewFlagSet("measure", flag.ExitOnError)
	flags.StringVar(&t.dir, "dir", "", "`folder` of the office")
	flags.StringVar(&t.in, "in", "", "`file` to sign")
	flags.StringVar(&t.out, "out", "", "`file` to write")
	flags.IntVar(&t.clients, "clients", inFlight, "how many work at once")
	flags.StringVar(&t.url, "url", "", "`address` of the gateway")
	flags.StringVar(&t.key, "key", "", "`file` with the API key")
	flags.StringVar(&t.signers, "signers", "", "who signs: `ID=passphrase`,…; the seal when empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	stop, err := profile(flags.Arg(0))
	if err != nil {
		return err
	}
	defer stop()
	work := map[string]func(context.Context) (result, error){
		"raw": t.raw, "absah": t.absah, "pdfsign": t.pdfsign,
		"make-key": t.makeKey, "large": t.large, "large-pdfsign": t.largePDFSign, "http": t.throughHTTP,
		"append": t.appends, "prove": t.prove,
	}[flags.Arg(0)]
	if work == nil {
		return fmt.Errorf("no measurement %q", flags.Arg(0))
	}
	r, err := work(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// gcPercent is what cmd/absah runs with. Its peers get it too.
const gcPercent = 400

// rate answers every line of standard input, an order, with a measurement: one,
// repeated by t.clients goroutines until the order is carried out. It begins
// with a call of each, whose measurement says that it is ready.
func (t *task) rate(one func(worker int) error) (r result, err error) {
	debug.SetGCPercent(gcPercent)
	encoder := json.NewEncoder(os.Stdout)
	orders := bufio.NewScanner(os.Stdin)
	for o := (order{}); ; {
		if r, err = t.slice(o, one); err != nil {
			return r, err
		}
		if err := encoder.Encode(r); err != nil || !orders.Scan() {
			return r, errors.Join(err, orders.Err())
		}
		if o, err = parseOrder(orders.Text()); err != nil {
			return r, err
		}
	}
}

// order says when a measurement ends: after a time, or after so many calls.
type order struct {
	duration time.Duration
	calls    int64
}

func parseOrder(text string) (o order, err error) {
	if n, ok := strings.CutSuffix(text, "x"); ok {
		o.calls, err = strconv.ParseInt(n, 10, 64)
		return o, err
	}
	o.duration, err = time.ParseDuration(text)
	return o, err
}

// slice takes the rate once. Every goroutine makes one call at least.
func (t *task) slice(o order, one func(worker int) error) (result, error) {
	var begun atomic.Int64
	took := make([][]time.Duration, t.clients)
	failed := make([]error, t.clients)
	var wg sync.WaitGroup
	busy, err := cpuTime("self")
	if err != nil {
		return result{}, err
	}
	start := time.Now()
	for w := range t.clients {
		wg.Go(func() {
			for first := true; first || (o.calls == 0 && time.Since(start) < o.duration) || begun.Load() < o.calls; first = false {
				begun.Add(1)
				began := time.Now()
				if failed[w] = one(w); failed[w] != nil {
					return
				}
				took[w] = append(took[w], time.Since(began))
			}
		})
	}
	wg.Wait()
	all := slices.Concat(took...)
	r := result{Count: len(all), Elapsed: time.Since(start), P50: percentile(all, 50), P99: percentile(all, 99)}
	now, err := cpuTime("self")
	if err := errors.Join(append(failed, err)...); err != nil {
		return r, err
	}
	r.CPU = now - busy
	r.Memory, err = peakMemory("self")
	return r, err
}

// percentile sorts all and returns the smallest that n percent do not exceed.
func percentile(all []time.Duration, n int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[max(0, (len(all)*n+99)/100-1)]
}

// raw signs attributes-sized messages in the module and does nothing else.
func (t *task) raw(ctx context.Context) (result, error) {
	o, err := office.Attach(ctx, t.dir)
	if err != nil {
		return result{}, err
	}
	defer o.Close()
	pool, err := openPool(o, inFlight)
	if err != nil {
		return result{}, err
	}
	defer pool.close()
	message := make([]byte, 200) // about what the signed attributes take
	return t.rate(func(w int) error {
		_, err := pool.signMessage(w, message)
		return err
	})
}

// absah makes whole B-B documents through packages hsm and signer.
func (t *task) absah(ctx context.Context) (result, error) {
	o, err := office.Attach(ctx, t.dir)
	if err != nil {
		return result{}, err
	}
	defer o.Close()
	id, err := o.Identity(ctx, label)
	if err != nil {
		return result{}, err
	}
	data, err := os.ReadFile(pdfPath(t.dir))
	if err != nil {
		return result{}, err
	}
	return t.rate(func(int) error {
		in := signer.Input{Reader: bytes.NewReader(data), Size: int64(len(data))}
		r, err := o.Signer.Sign(ctx, in, request(id, signer.B))
		if err == nil && len(r.Tail) == 0 {
			err = errors.New("empty tail")
		}
		return err
	})
}

func request(id *office.Identity, level signer.Level) signer.Request {
	return signer.Request{Key: id.Key, Certificate: id.Certificate, Chain: id.Chain, Level: level, At: time.Now().UTC()}
}

// large signs a file to B-LTA as the gateway does: hashed while it is copied,
// signed, and the tail appended.
func (t *task) large(ctx context.Context) (r result, err error) {
	debug.SetGCPercent(gcPercent)
	o, err := office.Attach(ctx, t.dir)
	if err != nil {
		return r, err
	}
	defer o.Close()
	id, err := o.Identity(ctx, label)
	if err != nil {
		return r, err
	}
	os.Remove(t.out)
	start := time.Now()
	in, err := os.Open(t.in)
	if err != nil {
		return r, err
	}
	defer in.Close()
	out, err := os.Create(t.out)
	if err != nil {
		return r, err
	}
	defer out.Close()
	digest := sha256.New()
	size, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(out, digest)}, struct{ io.Reader }{in}, make([]byte, 1<<20))
	if err != nil {
		return r, err
	}
	signed, err := o.Signer.Sign(ctx, signer.Input{Reader: in, Size: size, Digest: digest}, request(id, signer.LTA))
	if err != nil {
		return r, err
	}
	if _, err := out.Write(signed.Tail); err != nil {
		return r, err
	}
	if err := out.Close(); err != nil {
		return r, err
	}
	r.Count, r.Elapsed = 1, time.Since(start)
	r.Memory, err = peakMemory("self")
	return r, err
}

// profile writes a processor profile of a measuring process to the folder that
// BENCH_PROFILE names, for whoever wants to know where the time goes.
func profile(name string) (stop func(), err error) {
	dir := os.Getenv("BENCH_PROFILE")
	if dir == "" {
		return func() {}, nil
	}
	f, err := os.Create(filepath.Join(dir, name+".prof"))
	if err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, pprof.StartCPUProfile(f)
}
