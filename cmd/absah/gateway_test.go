package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/absah-id/absah/api"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/hsm/hsmtest"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/testdata"
)

// Secrets that must turn up nowhere (S02, S03, S08, S26). The PIN is hsmtest's.
const (
	canaryPassphrase = "kenari-frasa-58213 di pagi hari"
	canaryNIK        = "0000004815162342"
)

// Two organisations that share a gateway.
const (
	officeA = "kabupaten-contoh"
	officeB = "kota-contoh"
)

// office is a gateway that runs as a process, with a token behind a shim, a
// PKI and a database of its own.
type office struct {
	t   testing.TB
	dir string
	lab *lab.Lab

	temporary string // for temporary files

	token *hsmtest.Token
	shim  *hsmtest.Shim

	url, admin string
	http       *http.Client
	config     string // file
	process    *exec.Cmd
	ended      chan error // gets what the process came to

	clients, servers *issuer // of TLS certificates; nil without TLS

	sudo string // whom commands are given by; "" for the user of the tests

	keys        map[string]string // API keys by application
	credentials map[string]gateway.Credential
	apps        map[string]gateway.Application
	signers     map[string]official
}

// official is a signer of an office.
type official struct {
	id   string
	cert *x509.Certificate
}

// officeOptions say what is unusual about an office.
type officeOptions struct {
	database string // URL; "" is SQLite
	yaml     string // more configuration; keys of the same name replace ours
	slowFor  time.Duration
	clock    func() time.Time // of the PKI
	tls      bool
	tsa      bool     // it is a timestamp authority too
	allow    []string // addresses that certificates name, beside the PKI's
	trust    string   // PEM of anchors beside the PKI's
}

// Lines of the configuration that most tests need. A test's own yaml comes
// after it, and its sections replace these.
var officeConfig = map[string]string{
	"admin":        `{listen: "%s"}`,
	"timestamps":   `{sources: [{url: "%s"}], timeout: 2s}`,
	"revocation":   `{allow: ["%s"], timeout: 2s, max_age: 1ms}`,
	"evidence":     `{origin: kabupaten-contoh.example/log, interval: 50ms}`,
	"activation":   `{memory: 46MiB, attempts: 3, alarm: 4}`,
	"limits":       `{anonymous: 6000, applications: 600000, failures: 6000}`,
	"organisation": `{id: ` + officeA + `, name: Pemerintah Kabupaten Contoh}`,
}

// newOffice makes everything and starts the gateway. Applications:
//
//	e-office   may do what applications do
//	second     likewise
//	rated      B-B, 6 requests a minute
//	narrow     only the seal, B-B, one page, 40 kB
//	clerk      may do nothing yet
//	op-1, op-2 operators; auditor; investigator
//	foreign    e-office of the other organisation
//
// Signers: bupati, sekda, lurah (RSA-2048), camat (no certificate), asing (of the
// other organisation); the seal is called segel. All have the one passphrase.
func newOffice(t testing.TB, o officeOptions) *office {
	t.Helper()
	f := prepareOffice(t, o)
	f.start()
	return f
}

// prepareOffice makes everything but does not start the gateway.
func prepareOffice(t testing.TB, o officeOptions) *office {
	t.Helper()
	f := &office{
		t: t, dir: t.TempDir(), temporary: t.TempDir(), keys: map[string]string{}, credentials: map[string]gateway.Credential{},
		apps: map[string]gateway.Application{}, signers: map[string]official{},
	}
	f.token, f.shim = hsmtest.NewShim(t)
	var err error
	if f.lab, err = lab.Start(lab.Config{SlowFor: o.slowFor, Clock: o.clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.lab.Close() })
	t.Cleanup(f.knowsKinds)
	f.writeConfig(o)
	f.http = f.client()
	t.Cleanup(f.http.CloseIdleConnections)
	cfg, err := loadConfig(f.config)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	s := &gatewayService{cfg: cfg, logger: slog.New(slog.DiscardHandler)}
	if s.module, err = s.startHSM(ctx); err != nil {
		t.Fatal(err)
	}
	f.must(makeOwnKeys(ctx, io.Discard, s.module, cfg))
	f.makeSeal(ctx, s.module)
	if o.tsa {
		f.makeStamp(s.module)
	}
	f.must(s.module.Close())
	f.act(func(s *gatewayService) { f.populate(ctx, s) })
	return f
}

// knowsKinds holds gateway.Kinds to what any test has put on record.
func (f *office) knowsKinds() {
	rows, err := f.sqlite(f.t).Query(`SELECT DISTINCT kind FROM operations`)
	if err != nil {
		return // on PostgreSQL, or nothing came of the office
	}
	defer rows.Close()
	for rows.Next() {
		var kind string
		if err := rows.Scan(&kind); err != nil || !slices.Contains(gateway.Kinds(), kind) {
			f.t.Errorf("gateway.Kinds lacks %q, %v", kind, err)
		}
	}
	if err := rows.Err(); err != nil {
		f.t.Error(err)
	}
}

func (f *office) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *office) path(name string) string { return filepath.Join(f.dir, name) }

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (f *office) writeConfig(o officeOptions) {
	f.t.Helper()
	address := freeAddress(f.t)
	f.url, f.admin = "http://"+address, freeAddress(f.t)
	sections := maps.Clone(officeConfig)
	sections["admin"] = fmt.Sprintf(sections["admin"], f.admin)
	sections["timestamps"] = fmt.Sprintf(sections["timestamps"], f.lab.TSAURL())
	sections["revocation"] = fmt.Sprintf(sections["revocation"], strings.Join(append([]string{f.lab.Addr()}, o.allow...), `", "`))
	if len(o.allow) > 0 { // some of them take their time
		sections["revocation"] = strings.Replace(sections["revocation"], "2s", "20s", 1)
	}
	tlsPart := ""
	if o.tls {
		f.url = "https://" + address
		f.makeTLS(address)
		tlsPart = ", tls: {certificate: server.pem, key: server.key, client_ca: client-ca.pem}"
	}
	sections["server"] = fmt.Sprintf(`{listen: "%s", public_url: "%s"%s, shutdown: 5s}`, address, "https://sah.contohkab.example", tlsPart)
	database := o.database
	if database == "" {
		database = "sqlite:absah.db"
	}
	sections["database"] = fmt.Sprintf("{url: %q, connections: 8}", database)
	env, err := json.Marshal(f.token.Config.Env)
	f.must(err)
	sections["hsm"] = fmt.Sprintf("{module: %q, token: %q, pin_file: %q, environment: %s, timeout: 2s, sessions: 4}",
		f.token.Config.Module, f.token.Config.Token, f.token.Config.PINFile, env)
	sections["keys"] = "{seals: [{id: segel, key: seal, certificate: seal.pem}]}"
	if o.tsa {
		sections["keys"] = "{seals: [{id: segel, key: seal, certificate: seal.pem}], tsa: {key: stamp, certificate: stamp.pem, policy: 2.999.2.7}}"
		f.write("stamp.pem", string(f.lab.TrustPEM())) // as for the seal
	}
	sections["trust"] = "{signers: [trust.pem]}"
	sections["log"] = "{level: debug}"
	for line := range strings.Lines(o.yaml) {
		if name, rest, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			sections[name] = rest
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		fmt.Fprintf(&b, "%s: %s\n", name, sections[name])
	}
	f.config = f.path("absah.yaml")
	f.write("absah.yaml", b.String())
	f.write("trust.pem", string(f.lab.TrustPEM())+o.trust)
	f.write("seal.pem", string(f.lab.TrustPEM())) // until there is one
}

func (f *office) write(name, content string) {
	f.t.Helper()
	f.must(os.WriteFile(f.path(name), []byte(content), 0o600))
}

func (f *office) read(name string) string {
	f.t.Helper()
	b, err := os.ReadFile(f.path(name))
	f.must(err)
	return string(b)
}

func (f *office) makeSeal(ctx context.Context, m *hsm.Module) {
	f.t.Helper()
	key := hsmtest.Generate(f.t, m, "seal", hsm.RSA2048)
	csr, err := key.CertificateRequest(ctx, demoSubject(demoOffice))
	f.must(err)
	leaf, chain, err := f.lab.IssueCSR(csr, lab.IssueOptions{})
	f.must(err)
	f.must(writeChain(f.path("seal.pem"), leaf, chain))
	f.signers["segel"] = official{id: "segel", cert: leaf}
}

// makeStamp makes the key of a timestamp authority, whose only purpose is
// critical (RFC 3161 §2.3).
func (f *office) makeStamp(m *hsm.Module) {
	f.t.Helper()
	key := hsmtest.Generate(f.t, m, "stamp", hsm.RSA2048)
	purpose, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	f.must(err)
	leaf, chain, err := f.lab.Issue(key.Public(), pkix.Name{CommonName: "TSA Kabupaten Contoh"}, lab.IssueOptions{
		KeyUsage: x509.KeyUsageDigitalSignature,
		Extra:    []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: purpose}},
	})
	f.must(err)
	f.must(writeChain(f.path("stamp.pem"), leaf, chain))
}

// act does something as the local operator, in this process and beside the
// gateway if that runs.
func (f *office) act(do func(s *gatewayService)) {
	f.t.Helper()
	cfg, err := loadConfig(f.config)
	f.must(err)
	s, err := openService(f.t.Context(), cfg, slog.New(slog.DiscardHandler))
	f.must(err)
	defer func() { f.must(s.close()) }()
	do(s)
}

func (f *office) populate(ctx context.Context, s *gatewayService) {
	f.t.Helper()
	all := gateway.Policy{Signers: []string{"*"}, Levels: []string{"B-B", "B-T", "B-LT", "B-LTA"}, Fallback: true}
	for _, a := range []struct {
		name, office string
		role         gateway.Role
		policy       gateway.Policy
	}{
		{"e-office", officeA, gateway.RoleApplication, all},
		{"narrow", officeA, gateway.RoleApplication, gateway.Policy{Signers: []string{"segel"}, Levels: []string{"B-B"}, MaxPages: 1, MaxBytes: 40_000}},
		{"second", officeA, gateway.RoleApplication, all},
		{"rated", officeA, gateway.RoleApplication, gateway.Policy{Signers: []string{"*"}, Levels: []string{"B-B"}, RatePerMinute: 6}},
		{"clerk", officeA, gateway.RoleApplication, gateway.Policy{}},
		{"op-1", officeA, gateway.RoleOperator, gateway.Policy{}},
		{"op-2", officeA, gateway.RoleOperator, gateway.Policy{}},
		{"auditor", officeA, gateway.RoleAuditor, gateway.Policy{}},
		{"investigator", officeA, gateway.RoleInvestigator, gateway.Policy{}},
		{"foreign", officeB, gateway.RoleApplication, all},
	} {
		f.addApplication(ctx, s, gateway.NewApplication(a.office, a.name, a.role, a.policy, time.Now().UTC()))
	}
	for i, name := range []string{"bupati", "sekda", "camat", "asing", "lurah"} {
		where := officeA
		if name == "asing" {
			where = officeB
		}
		nik := canaryNIK[:15] + fmt.Sprint(i)
		f.enrol(ctx, s, where, name, nik, name != "camat", lab.IssueOptions{})
	}
}

func (f *office) addApplication(ctx context.Context, s *gatewayService, a gateway.Application) {
	f.t.Helper()
	key, credential := gateway.NewKey(a.Organisation, a.ID, a.CreatedAt, time.Time{})
	f.must(s.gateway.AddApplication(ctx, gateway.Local(a.Organisation, "test"), a, credential))
	f.keys[a.Name], f.credentials[a.Name], f.apps[a.Name] = key, credential, a
}

func (f *office) enrol(ctx context.Context, s *gatewayService, where, name, nik string, certify bool, o lab.IssueOptions) {
	f.t.Helper()
	operator := gateway.Local(where, "test")
	made, csr, err := s.gateway.Enrol(ctx, operator, s.keys, gateway.Enrolment{
		Name: name, Office: "Kantor Contoh", NIK: nik, Subject: demoSubject(name), Algorithm: "RSA-2048", Passphrase: []byte(canaryPassphrase),
	})
	f.must(err)
	person := official{id: made.ID}
	if certify {
		leaf, chain, err := f.lab.IssueCSR(csr, o)
		f.must(err)
		f.must(s.gateway.InstallCertificate(ctx, operator, made.ID, leaf, chain))
		person.cert = leaf
	}
	f.signers[name] = person
}

// start starts the process and waits until it answers.
func (f *office) start() {
	f.t.Helper()
	f.launch()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		resp, err := f.http.Get(f.url + "/healthz")
		if err == nil {
			resp.Body.Close()
			return
		}
		select {
		case err := <-f.ended:
			f.process = nil
			f.t.Fatalf("the gateway ended: %v\n%s", err, f.log())
		case <-tick.C:
			if time.Now().After(deadline) {
				f.t.Fatalf("the gateway does not answer: %v\n%s", err, f.log())
			}
		}
	}
}

// launch starts the process.
func (f *office) launch() {
	f.t.Helper()
	program, err := exec.LookPath("absah")
	f.must(err)
	log, err := os.OpenFile(f.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	f.must(err)
	defer log.Close()
	cmd := exec.Command(program, "serve", f.config)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.Dir = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + f.temporary}, log, log, f.dir
	f.must(cmd.Start())
	f.process, f.ended = cmd, make(chan error, 1)
	ended := f.ended
	go func() { ended <- cmd.Wait() }()
	f.t.Cleanup(func() { f.kill() })
}

// secondNode returns another gateway on the same database and token; it is not
// started. The floor of the log is its own, as on another machine.
func (f *office) secondNode() *office {
	f.t.Helper()
	second := *f
	second.process, second.dir = nil, f.t.TempDir()
	address, admin := freeAddress(f.t), freeAddress(f.t)
	text := strings.NewReplacer(strings.TrimPrefix(f.url, "http://"), address, f.admin, admin).Replace(f.read("absah.yaml"))
	second.url, second.admin, second.config = "http://"+address, admin, second.path("absah.yaml")
	for _, name := range []string{"trust.pem", "seal.pem"} {
		second.write(name, f.read(name))
	}
	second.write("absah.yaml", text)
	// A log without entries wants no floor, and a gateway answers before it has
	// placed its first ones.
	eventually(f.t, 30*time.Second, "the log has entries", func() bool {
		lines := strings.Split(f.read("log-floor"), "\n")
		return len(lines) > 1 && lines[1] != "0"
	})
	if status, said := second.run("serve", second.config); status != 77 || !strings.Contains(said, "its floor file is missing") {
		f.t.Fatalf("a node without floor started: %d %s", status, said)
	}
	if status, said := second.run("evidence", "set-floor", second.config, "--reason", "another machine", "--checkpoint", f.path("log-floor")); status != 0 {
		f.t.Fatalf("set-floor: %d %s", status, said)
	}
	return &second
}

// stop ends the process as systemd does, which must work.
func (f *office) stop() {
	f.t.Helper()
	f.must(f.process.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-f.ended:
		if err != nil {
			f.t.Errorf("the gateway ended with %v\n%s", err, f.log())
		}
		f.process = nil
	case <-time.After(20 * time.Second):
		f.t.Fatal("the gateway does not end")
	}
}

// kill ends the process at once.
func (f *office) kill() {
	if f.process == nil {
		return
	}
	_ = f.process.Process.Kill() // it may have ended
	<-f.ended
	f.process = nil
}

// run runs another command of the program, and returns its status and what it
// said.
func (f *office) run(args ...string) (status int, said string) {
	f.t.Helper()
	program, err := exec.LookPath("absah")
	f.must(err)
	ctx, cancel := context.WithTimeout(f.t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Dir = []string{"PATH=" + os.Getenv("PATH"), "SUDO_USER=" + f.sudo}, f.dir
	out, err := cmd.CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode(), string(out)
	}
	f.must(err)
	return 0, string(out)
}

func (f *office) log() string {
	b, _ := os.ReadFile(f.path("log"))
	return string(b)
}

// client trusts the gateway's certificate, and shows those given of its own.
// Every client has connections of its own.
func (f *office) client(own ...tls.Certificate) *http.Client {
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	if len(own) > 0 { // shown whether or not the gateway knows their issuer
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own[0], nil }
	}
	if f.servers != nil {
		config.RootCAs.AddCert(f.servers.cert)
	}
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: config, MaxIdleConnsPerHost: 64}}
}

// documents returns how many signatures of documents the HSM was asked for:
// those of RSA keys. The log, the receipts and the health check have others.
func (f *office) documents() int {
	return f.shim.SignaturesBy(0x01, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45)
}

// letter returns a letter that no other test has: the sample with an
// identifier of its own.
func letter() []byte {
	id := make([]byte, 16)
	rand.Read(id)
	return documentID.ReplaceAll(testdata.Letter, []byte(fmt.Sprintf("/ID [<%X> <%[1]X>]", id)))
}

var documentID = regexp.MustCompile(`/ID \[<[0-9A-F]{32}> <[0-9A-F]{32}>\]`)

// answer is what the gateway said.
type answer struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

// call is a request to an office. The zero value is a GET of nobody.
type call struct {
	as     string // application; "" for nobody
	method string
	path   string
	kind   string
	body   io.Reader
	header map[string]string
	ctx    context.Context
	client *http.Client
}

// do asks; that the gateway does not answer is a failure of the test.
func (f *office) do(t testing.TB, c call) answer {
	t.Helper()
	a, err := f.try(c)
	if err != nil {
		t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	return a
}

func (f *office) try(c call) (answer, error) {
	if c.method == "" {
		c.method = http.MethodGet
	}
	if c.ctx == nil {
		c.ctx = context.Background()
	}
	if c.client == nil {
		c.client = f.http
	}
	req, err := http.NewRequestWithContext(c.ctx, c.method, f.url+c.path, c.body)
	if err != nil {
		return answer{}, err
	}
	if c.kind != "" {
		req.Header.Set("Content-Type", c.kind)
	}
	if c.as != "" {
		req.Header.Set("Authorization", "Bearer "+f.keys[c.as])
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	began := time.Now()
	resp, err := c.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	a := answer{resp.StatusCode, resp.Header, body, time.Since(began)}
	if err == nil {
		if err := described.check(c.method, c.path, a); err != nil {
			f.t.Errorf("/v1/openapi.json: %s %.80q: %d: %v: %.300q", c.method, c.path, a.status, err, body)
		}
	}
	return a, err
}

// post sends JSON.
func (f *office) post(t testing.TB, as, path string, request any) answer {
	t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return f.do(t, call{as: as, method: http.MethodPost, path: path, kind: "application/json", body: bytes.NewReader(body)})
}

// fields of a signing request.
type fields map[string]any

// with returns a copy with more fields.
func (r fields) with(more fields) fields {
	r = maps.Clone(r)
	maps.Copy(r, more)
	return r
}

// bySeal and by are requests for a signature at once.
var bySeal = fields{"signer": "segel", "level": "B-B"}

func (f *office) by(name string) fields {
	return fields{"signer": f.signers[name].id, "passphrase": canaryPassphrase, "level": "B-B"}
}

// send posts a document with a request to a route.
func (f *office) send(t testing.TB, as, path string, doc []byte, request fields, header map[string]string) answer {
	t.Helper()
	a, err := f.trySend(as, path, doc, request, header)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return a
}

func (f *office) trySend(as, path string, doc []byte, request fields, header map[string]string) (answer, error) {
	if request == nil {
		request = fields{}
	}
	j, err := json.Marshal(request)
	if err != nil {
		return answer{}, err
	}
	kind, body, err := form(doc, j)
	if err != nil {
		return answer{}, err
	}
	return f.try(call{as: as, method: http.MethodPost, path: path, kind: kind, body: body, header: header})
}

func (f *office) sign(t testing.TB, as string, doc []byte, request fields) answer {
	t.Helper()
	return f.send(t, as, "/v1/sign", doc, request, nil)
}

func (f *office) seal(t testing.TB, as string, doc []byte, request fields) answer {
	t.Helper()
	return f.send(t, as, "/v1/seal", doc, request, nil)
}

// problem holds an answer to be a problem document with a status and a code,
// and returns it.
func (a answer) problem(t testing.TB, status int, code string) api.Problem {
	t.Helper()
	var p api.Problem
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type: got %q, want the problem %d %q; %d %.200q", got, status, code, a.status, a.body)
		return p
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Errorf("problem: %v", err)
	}
	if a.status != status || p.Status != status || p.Code != code {
		t.Errorf("got %d (%d) %q %q, want %d %q", a.status, p.Status, p.Code, p.Detail, status, code)
	}
	if p.Type != "urn:absah:error:"+p.Code || p.Title == "" || p.Detail == "" || p.Request == "" || p.Request != a.header.Get("Absah-Request") {
		t.Errorf("not a whole problem document: %s", a.body)
	}
	return p
}

// ok holds an answer to a status.
func (a answer) ok(t testing.TB, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("got %d, want %d: %.500q", a.status, status, a.body)
	}
	return a
}

// json reads an answer.
func (a answer) json(t testing.TB) (m map[string]any) {
	t.Helper()
	if err := json.Unmarshal(a.body, &m); err != nil {
		t.Fatalf("%v: %.200s", err, a.body)
	}
	return m
}

// operations returns what the auditor finds.
func (f *office) operations(t testing.TB, query string) []map[string]any {
	t.Helper()
	var found struct {
		Operations []map[string]any `json:"operations"`
	}
	a := f.do(t, call{as: "auditor", path: "/v1/operations?" + query}).ok(t, http.StatusOK)
	if err := json.Unmarshal(a.body, &found); err != nil {
		t.Fatal(err)
	}
	return found.Operations
}

// still asserts that the HSM makes no document signature while do runs.
func (f *office) still(t testing.TB, do func()) {
	t.Helper()
	before := f.documents()
	do()
	if n := f.documents() - before; n != 0 {
		t.Errorf("the HSM was asked for %d signatures, want 0", n)
	}
}

func hexSum(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
