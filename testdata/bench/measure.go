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
func (s *server) measure(d time.Duration) (result, error) {
	if _, err := fmt.Fprintln(s.in, d); err != nil {
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
}

// measure is "bench measure".
func measure(ctx context.Context, args []string) error {
	var t task
	flags := flag.NewFlagSet("measure", flag.ExitOnError)
	flags.StringVar(&t.dir, "dir", "", "`folder` of the office")
	flags.StringVar(&t.in, "in", "", "`file` to sign")
	flags.StringVar(&t.out, "out", "", "`file` to write")
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
		"make-key": t.makeKey, "large": t.large, "large-pdfsign": t.largePDFSign,
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

// rate answers every line of standard input, a duration, with a measurement:
// one, repeated by inFlight goroutines until the time is up. It begins with a
// call of each, whose measurement says that it is ready.
func (t *task) rate(one func(worker int) error) (r result, err error) {
	debug.SetGCPercent(gcPercent)
	if r, err = slice(0, one); err != nil {
		return r, err
	}
	encoder := json.NewEncoder(os.Stdout)
	if err := encoder.Encode(r); err != nil {
		return r, err
	}
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		d, err := time.ParseDuration(orders.Text())
		if err != nil {
			return r, err
		}
		if r, err = slice(d, one); err != nil {
			return r, err
		}
		if err := encoder.Encode(r); err != nil {
			return r, err
		}
	}
	return r, orders.Err()
}

// slice takes the rate once. Every goroutine makes one call at least.
func slice(d time.Duration, one func(worker int) error) (result, error) {
	var count atomic.Int64
	var first error
	var once sync.Once
	var wg sync.WaitGroup
	busy, err := cpuTime()
	if err != nil {
		return result{}, err
	}
	start := time.Now()
	for w := range inFlight {
		wg.Go(func() {
			for {
				if err := one(w); err != nil {
					once.Do(func() { first = err })
					return
				}
				count.Add(1)
				if time.Since(start) >= d {
					return
				}
			}
		})
	}
	wg.Wait()
	r := result{Count: int(count.Load()), Elapsed: time.Since(start)}
	now, err := cpuTime()
	if err := errors.Join(first, err); err != nil {
		return r, err
	}
	r.CPU = now - busy
	r.Memory, err = peakMemory()
	return r, err
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
	r.Memory, err = peakMemory()
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
