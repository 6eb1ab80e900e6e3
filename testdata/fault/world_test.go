package fault_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/hsm/hsmtest"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/store/storetest"
)

// reconcileAfter is the age at which the gateway under test closes what a kill
// has left open.
const reconcileAfter = 3 * time.Second

// patience is how long anything may take on a machine that is busy.
const patience = time.Minute

// world is everything under and beside the gateways of one test: a token behind
// a spy, a PKI, a database, an application.
type world struct {
	t     *testing.T
	dir   string
	token *hsmtest.Token
	shim  *hsmtest.Shim
	pki   *lab.Lab

	engine, database string  // storetest's name, the URL
	admin            *sql.DB // the database, as its superuser

	seals      []string // identifiers, one for each client
	signer     string   // with a passphrase
	passphrase string
	apiKey     string
	keys       []string // vkeys of log and receipts
	keysFile   string
}

// origin is the log's name.
const origin = "kabupaten-contoh.example/log"

// configuration is what every node has; the rest follows in config.
const configuration = `organisation: {id: kabupaten-contoh, name: Pemerintah Kabupaten Contoh}
server: {listen: %q, public_url: "https://sah.contohkab.go.id"}
admin: {listen: "off"}
database: {url: %q}
hsm: {module: %q, token: %s, pin_file: %q, environment: [%s]}
keys:
  seals: [%s]
trust: {signers: [%q]}
timestamps: {sources: [{url: %q}]}
revocation: {allow: [%q]}
spool: {directory: %q}
evidence: {origin: %s, interval: 50ms, promise: 1m, stamp: 1s, reconcile: %v, floor: %q}
limits: {applications: 1000000, anonymous: 0}
log: {level: warn, format: text}
`

// newWorld makes a world with a seal for each client.
func newWorld(t *testing.T, engine storetest.Engine, clients int) *world {
	t.Helper()
	w := &world{t: t, engine: engine.Name, database: engine.Fresh(t).URL, dir: t.TempDir()}
	w.token, w.shim = hsmtest.NewShim(t)
	var err error
	if w.pki, err = lab.Start(lab.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.pki.Close() })
	w.write("trust.pem", w.pki.TrustPEM())
	m, err := hsm.Start(t.Context(), w.token.Config)
	if err != nil {
		t.Fatal(err)
	}
	for i := range clients {
		id := fmt.Sprintf("seal-%d", i)
		key := hsmtest.Generate(t, m, id, hsm.RSA2048)
		leaf, chain, err := w.pki.Issue(key.Public(), pkix.Name{CommonName: "Segel " + id, Organization: []string{"Kabupaten Contoh"}}, lab.IssueOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w.write(id+".pem", lab.ChainPEM(append([]*x509.Certificate{leaf}, chain...)...))
		w.seals = append(w.seals, id)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	first := w.node("a")
	w.run("init", first.config)
	w.run("application", "add", first.config, "e-office", "--key-file", w.path("api-key"), "--signer", "*", "--rate", "1000000")
	w.apiKey = strings.TrimSpace(string(w.read("api-key")))
	w.keysFile = w.path("keys.txt")
	w.write("keys.txt", []byte(w.run("evidence", "keys", first.config)))
	w.keys = strings.Fields(string(w.read("keys.txt")))
	w.enrol(first)
	w.admin = w.superuser()
	return w
}

// enrol makes a signer whose key a passphrase opens.
func (w *world) enrol(n *node) {
	w.passphrase = "kata sandi yang cukup panjang 7391"
	w.write("passphrase", []byte(w.passphrase))
	w.write("nik", []byte("0000000000000001"))
	w.signer = strings.TrimSpace(w.run("signer", "enrol", n.config, "--name", "Bupati Contoh", "--office", "Bupati", "--nik-file", w.path("nik"),
		"--passphrase-file", w.path("passphrase"), "--subject", "CN=Bupati Contoh,O=Kabupaten Contoh,C=ID", "--request", w.path("signer.csr")))
	block := certificateRequest(w.t, w.read("signer.csr"))
	leaf, chain, err := w.pki.IssueCSR(block, lab.IssueOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.write("signer.pem", lab.ChainPEM(append([]*x509.Certificate{leaf}, chain...)...))
	w.run("signer", "certificate", n.config, w.signer, w.path("signer.pem"))
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name string, data []byte) {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), data, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(name string) []byte {
	w.t.Helper()
	b, err := os.ReadFile(w.path(name))
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// run runs a command of the program that must succeed, and returns what it
// prints.
func (w *world) run(args ...string) string {
	w.t.Helper()
	out, status := w.try(args...)
	if status != 0 {
		w.t.Fatalf("absah %s: exit status %d: %s", strings.Join(args, " "), status, out)
	}
	return out
}

// try runs a command of the program and returns what it prints, and its exit
// status.
func (w *world) try(args ...string) (string, int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	if status := cmd.ProcessState.ExitCode(); status != 0 {
		return out.String() + said.String(), status
	}
	return out.String(), 0
}

// superuser opens the database as whoever administers it.
func (w *world) superuser() *sql.DB {
	w.t.Helper()
	driver, address := "pgx", w.database
	if path, ok := strings.CutPrefix(w.database, "sqlite:"); ok {
		driver, address = "sqlite3", "file:"+path+"?_busy_timeout=30000"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { db.Close() })
	return db
}

// node is one gateway: at most one process at a time.
type node struct {
	w                    *world
	name, config, url    string
	floor, spool, output string

	cmd    *exec.Cmd
	ended  chan struct{}   // closed when the process has ended
	launch func(*exec.Cmd) // changes the next start; nil: as it is
}

// node configures a gateway that listens on a port of its own.
func (w *world) node(name string) *node {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	n := &node{
		w: w, name: name, config: w.path(name + ".yaml"), url: "http://" + address,
		floor: w.path(name + "-floor/floor"), spool: w.path(name + "-spool"), output: w.path(name + ".log"),
	}
	if err := os.MkdirAll(filepath.Dir(n.floor), 0o700); err != nil {
		w.t.Fatal(err)
	}
	var environment, seals []string
	for _, e := range w.token.Config.Env {
		environment = append(environment, fmt.Sprintf("%q", e))
	}
	for _, id := range w.seals {
		seals = append(seals, fmt.Sprintf("{id: %s, key: %s, certificate: %q}", id, id, w.path(id+".pem")))
	}
	w.write(name+".yaml", fmt.Appendf(nil, configuration, address, w.database, w.token.Config.Module, w.token.Config.Token, w.token.Config.PINFile,
		strings.Join(environment, ", "), strings.Join(seals, ", "), w.path("trust.pem"), w.pki.TSAURL(), w.pki.Addr(), n.spool, origin, reconcileAfter, n.floor))
	return n
}

// join makes the floor of a node that comes to the log of another. Over a log
// without entries it is made by itself, and the command has nothing to do.
func (n *node) join(other *node) {
	n.w.t.Helper()
	out, status := n.w.try("evidence", "set-floor", n.config, "--reason", "another machine", "--checkpoint", other.floor)
	if status != 0 && status != 64 {
		n.w.t.Fatalf("set-floor: %d %s", status, out)
	}
	if _, err := os.Stat(n.floor); err != nil {
		n.w.t.Fatalf("set-floor: %d %s: %v", status, out, err)
	}
}

// start starts the process, which dies where the switch says, if it says a place,
// and returns when it answers or has died.
func (n *node) start(dieAt string) {
	t := n.w.t
	t.Helper()
	log, err := os.OpenFile(n.output, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	n.cmd = exec.Command(program, "serve", n.config)
	n.cmd.Env = append(os.Environ(), "ABSAH_FAULT="+dieAt)
	n.cmd.Stdout, n.cmd.Stderr = log, log
	if n.launch != nil {
		n.launch(n.cmd)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log.Close()
	n.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait() // its ProcessState says how
		close(ended)
	}(n.cmd, n.ended)
	deadline := time.Now().Add(patience)
	for {
		resp, err := http.Get(n.url + "/healthz")
		if err == nil {
			resp.Body.Close()
			return
		}
		select {
		case <-n.ended:
			return
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			n.kill()
			t.Fatalf("the gateway does not answer: %s", n.said())
		}
	}
}

// alive tells whether the process runs.
func (n *node) alive() bool {
	select {
	case <-n.ended:
		return false
	default:
		return n.cmd != nil
	}
}

// said is the end of what the process has printed.
func (n *node) said() string {
	b, err := os.ReadFile(n.output)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-4000):])
}

// kill kills the process from outside.
func (n *node) kill() {
	n.w.t.Helper()
	if err := n.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		n.w.t.Fatal(err)
	}
	<-n.ended
}

// killed tells whether the process was killed.
func (n *node) killed() bool {
	status, ok := n.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// stop ends the process as an operator does; it must end well.
func (n *node) stop() {
	n.w.t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		n.w.t.Fatalf("%v: %s", err, n.said())
	}
	select {
	case <-n.ended:
	case <-time.After(patience):
		n.kill()
		n.w.t.Fatalf("the gateway does not stop: %s", n.said())
	}
	if status := n.cmd.ProcessState.ExitCode(); status != 0 {
		n.w.t.Fatalf("the gateway ended with status %d: %s", status, n.said())
	}
}

// finding is what an audit found; the zero Rule is nothing.
type finding struct {
	Size  int64  `json:"size"`
	Root  string `json:"root"`
	Rule  string `json:"rule"`
	First int64  `json:"first"`
	End   int64  `json:"end"`
	Text  string `json:"text"`
}

// audit runs "absah evidence audit" with the keys, and a node's floor.
func (w *world) audit(n *node, more ...string) (finding, int) {
	w.t.Helper()
	args := append([]string{"evidence", "audit", "--json", "--database", w.database, "--log-key", w.keysFile, "--floor", n.floor}, more...)
	out, status := w.try(args...)
	var f finding
	if err := json.Unmarshal([]byte(out), &f); err != nil {
		w.t.Errorf("audit: exit status %d: %s", status, out)
	}
	return f, status
}
