package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/absah-id/absah/testdata/interop/office"
)

// sealID is what applications call the seal that is made with the key that
// everything is signed with.
const sealID = "segel"

// gatewayConfig is what an office would run with, except that no limit stands
// in the way of a client that does nothing but ask, and that Argon2id has the
// least memory that is allowed: the bound on memory is over two of them.
const gatewayConfig = `organisation: {id: kabupaten-contoh, name: Pemerintah Kabupaten Contoh}
server: {listen: %q, public_url: %q}
admin: {listen: %q}
database: {url: "sqlite:absah.db"}
hsm: {module: %q, token: %q, pin_file: %q, environment: [%q], timeout: 30s}
keys:
  seals: [{id: %s, key: %s, certificate: %q}]
trust: {signers: [%q]}
revocation: {allow: [%q]}
activation: {memory: 46MiB, parallel: 2, attempts: 20}
evidence: {origin: kabupaten-contoh.example/log}
limits: {applications: 1000000}
`

// gateway is a running `absah serve` on SQLite, in a folder of its own.
type gateway struct {
	cmd    *exec.Cmd
	log    *os.File
	config string
	url    string
	admin  string
	key    string // file with the API key of the application
	pid    string
}

// startGateway makes what a new gateway needs in dir, and serves it. Close it.
func startGateway(ctx context.Context, dir string, o *office.Office) (g *gateway, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	public, err := freeAddress()
	if err != nil {
		return nil, err
	}
	admin, err := freeAddress()
	if err != nil {
		return nil, err
	}
	g = &gateway{config: filepath.Join(dir, "absah.yaml"), url: "http://" + public, admin: "http://" + admin, key: filepath.Join(dir, "api-key")}
	text := fmt.Sprintf(gatewayConfig, public, g.url, admin, o.Library(), office.Token, o.PINFile(), o.Env(),
		sealID, label, o.ChainFile(label), o.Trust(), o.Addr())
	if err := os.WriteFile(g.config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if err := absah(ctx, "init", g.config); err != nil {
		return nil, err
	}
	if err := absah(ctx, "application", "add", g.config, "bench", "--key-file", g.key, "--signer", "*"); err != nil {
		return nil, err
	}
	return g, g.start(ctx, dir)
}

// start serves; the log goes to a file, as journald would take it.
func (g *gateway) start(ctx context.Context, dir string) (err error) {
	if g.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		return err
	}
	g.cmd = exec.CommandContext(ctx, absahBinary, "serve", g.config)
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	g.cmd.Cancel = func() error { return g.cmd.Process.Signal(syscall.SIGTERM) }
	g.cmd.WaitDelay = time.Minute
	if err := g.cmd.Start(); err != nil {
		return errors.Join(err, g.log.Close())
	}
	g.pid = fmt.Sprint(g.cmd.Process.Pid)
	return g.wait(ctx)
}

// wait returns when the gateway is ready.
func (g *gateway) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		resp, err := http.Get(g.admin + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				tick.Stop()
				return nil
			}
		}
		select {
		case <-ctx.Done():
			said, _ := os.ReadFile(g.log.Name())
			return errors.Join(fmt.Errorf("the gateway is not ready: %.2000s", said), g.close())
		case <-tick.C:
		}
	}
}

func (g *gateway) close() error {
	err := g.cmd.Process.Signal(syscall.SIGTERM)
	return errors.Join(err, g.cmd.Wait(), g.log.Close())
}

// cpuTime is the processor time of gateway and PKCS#11 child, and of the child
// alone.
func (g *gateway) cpuTime() (all, child time.Duration, err error) {
	if all, err = cpuTime(g.pid); err != nil {
		return 0, 0, err
	}
	children, err := childrenOf(g.pid)
	for _, pid := range children {
		d, e := cpuTime(pid)
		child, err = child+d, errors.Join(err, e)
	}
	return all, child, err
}

// profile has the gateway profiled for ten seconds, into the folder that
// BENCH_PROFILE names.
func (g *gateway) profile(ctx context.Context) (stop func() error, err error) {
	dir := os.Getenv("BENCH_PROFILE")
	if dir == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(filepath.Join(dir, "gateway.prof"))
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.admin+"/debug/pprof/profile?seconds=10", nil)
	if err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_, err = io.Copy(f, resp.Body)
			err = errors.Join(err, resp.Body.Close())
		}
		done <- err
	}()
	return func() error { return errors.Join(<-done, f.Close()) }, nil
}

// enrol makes a signer with a passphrase and returns its identifier.
func (g *gateway) enrol(ctx context.Context, o *office.Office, name, nik, passphrase string) (id string, err error) {
	base := filepath.Join(filepath.Dir(g.config), name)
	for file, text := range map[string]string{base + ".nik": nik, base + ".passphrase": passphrase} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	out, err := exec.CommandContext(ctx, absahBinary, "signer", "enrol", g.config, "--name", name, "--office", "Kepala Dinas", "--algorithm", "P-256",
		"--nik-file", base+".nik", "--passphrase-file", base+".passphrase", "--request", base+".csr", "--subject", "CN="+name+",O=Pemerintah Kabupaten Contoh,C=ID").Output()
	if err != nil {
		return "", fmt.Errorf("absah signer enrol: %w", err)
	}
	if id = uuidIn(string(out)); id == "" {
		return "", fmt.Errorf("absah signer enrol says %q", out)
	}
	request, err := os.ReadFile(base + ".csr")
	if err != nil {
		return "", err
	}
	if err := o.CertifyRequest(request, base+".pem"); err != nil {
		return "", err
	}
	return id, absah(ctx, "signer", "certificate", g.config, id, base+".pem")
}

// uuidIn finds the first word that is as long as a UUID and has its hyphens.
func uuidIn(text string) string {
	for _, word := range strings.Fields(text) {
		word = strings.Trim(word, ".,:;\"'")
		if len(word) == 36 && strings.Count(word, "-") == 4 {
			return word
		}
	}
	return ""
}

// absah runs a command of the program that make bench has built.
func absah(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, absahBinary, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("absah %s: %w: %.1000s", strings.Join(args, " "), err, out)
	}
	return nil
}

// freeAddress is an address on loopback where nobody listens.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
