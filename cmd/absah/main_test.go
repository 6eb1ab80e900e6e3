package main

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/hsm/hsmtest"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/lab"
)

// TestMain turns the test binary into the program: scripts run "absah" as a
// process of its own, and so does the program its PKCS#11 worker.
func TestMain(m *testing.M) {
	hsmtest.RunIfWorker() // of a service that a test runs in its own process
	testscript.Main(whole{m}, map[string]func(){
		"absah": func() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs testdata/script/*.txtar. Each has a token of its own with
// the keys seal (RSA-2048), ec (P-256), p384 and p521, and a PKI of its own. Beside the
// usual commands there are
//
//	exits N absah …     the program ends with status N
//	sign N KEY ARGS…    absah sign with the token's flags ends with status N
//	fault SERVICE NAME  the PKI misbehaves: ocsp|tsa|crl none|down|slow|wrong-nonce|unknown
//	revoke CERT         the PKI revokes the first certificate of a file
//	record DB BUNDLE KEYS FLOOR  a log of five records in a new database, and a bundle of the last
//	tamper DB SQL       what an administrator of the database can do
func TestScripts(t *testing.T) {
	hsmtest.Module(t)
	for _, command := range []string{"openssl", "pdfsig", "pkcs11-tool", "qpdf", "unzip"} {
		testfile.Tool(t, command)
	}
	root := testfile.Root(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PDF", filepath.Join(root, "testdata", "pdf"))
			return setUp(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "sign": sign, "fault": misbehave, "revoke": revoke,
			"record": record, "tamper": tamper,
		},
	})
}

// service is the script's PKI, kept in its environment's values.
type service struct{}

func setUp(env *testscript.Env) error {
	authority, err := lab.Start(lab.Config{})
	if err != nil {
		return err
	}
	env.Defer(func() { authority.Close() })
	env.Values[service{}] = authority

	dir := env.WorkDir
	conf := filepath.Join(dir, "softhsm2.conf")
	tokens := filepath.Join(dir, "tokens")
	err = errors.Join(
		os.Mkdir(tokens, 0o700),
		os.WriteFile(conf, []byte("directories.tokendir = "+tokens+"\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "pin"), []byte(hsmtest.PIN+"\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "trust.pem"), authority.TrustPEM(), 0o600),
	)
	if err != nil {
		return err
	}
	env.Setenv("SOFTHSM2_CONF", conf)
	env.Setenv("MODULE", hsm.FindSoftHSM())
	env.Setenv("TSA", authority.TSAURL())
	env.Setenv("HOST", authority.Addr())
	return makeKeys(dir, authority)
}

// makeKeys fills the token and writes KEY.pem for each key, and
// KEY-expired.pem, KEY-early.pem, and KEY-ocsp.pem, which names no revocation list.
func makeKeys(dir string, authority *lab.Lab) error {
	ctx := context.Background()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// The worker is this binary under the name that testscript dispatches on.
	worker := filepath.Join(dir, "absah")
	if err := os.Symlink(self, worker); err != nil {
		return err
	}
	cfg := hsm.Config{
		Module: hsm.FindSoftHSM(), Token: "test", PINFile: filepath.Join(dir, "pin"),
		Env:    []string{"SOFTHSM2_CONF=" + filepath.Join(dir, "softhsm2.conf")},
		Worker: []string{worker, hsm.WorkerCommand},
	}
	if err := hsm.InitToken(ctx, cfg, []byte(hsmtest.SOPIN)); err != nil {
		return err
	}
	m, err := hsm.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer m.Close()
	for label, alg := range map[string]hsm.Algorithm{"seal": hsm.RSA2048, "ec": hsm.P256, "p384": hsm.P384, "p521": hsm.P521} {
		key, err := m.Generate(ctx, hsm.KeySpec{Label: label, Algorithm: alg})
		if err != nil {
			return err
		}
		now := time.Now()
		for name, o := range map[string]lab.IssueOptions{
			label:              {},
			label + "-expired": {NotBefore: now.AddDate(-2, 0, 0), NotAfter: now.AddDate(0, 0, -1)},
			label + "-ocsp":    {NoCRL: true},
			label + "-early":   {NotBefore: now.AddDate(0, 0, 1), NotAfter: now.AddDate(1, 0, 0)},
		} {
			cert, chain, err := authority.Issue(key.Public(), pkix.Name{CommonName: "Pejabat Contoh", Organization: []string{"Kabupaten Contoh"}}, o)
			if err != nil {
				return err
			}
			pem := lab.ChainPEM(append([]*x509.Certificate{cert}, chain...)...)
			if err := os.WriteFile(filepath.Join(dir, name+".pem"), pem, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits status program args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Check(err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func sign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: sign status key args...")
	}
	full := []string{
		args[0], "absah", "sign", "--module", ts.Getenv("MODULE"), "--token", "test", "--pin-file", "pin",
		"--key", args[1], "--tsa", ts.Getenv("TSA"), "--allow-host", ts.Getenv("HOST"), "--trust", "trust.pem",
		"--service-timeout", "2s",
	}
	if args[2] != "--cert" {
		full = append(full, "--cert", args[1]+".pem")
	}
	exits(ts, false, append(full, args[2:]...))
}

func misbehave(ts *testscript.TestScript, neg bool, args []string) {
	services := map[string]lab.Service{"tsa": lab.TSA, "ocsp": lab.OCSP, "crl": lab.CRL}
	faults := map[string]lab.Fault{"none": lab.None, "down": lab.Down, "slow": lab.Slow, "wrong-nonce": lab.WrongNonce, "unknown": lab.UnknownStatus}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fault service name")
	}
	s, known := services[args[0]]
	f, known2 := faults[args[1]]
	if !known || !known2 {
		ts.Fatalf("unknown service or fault %q", args)
	}
	ts.Value(service{}).(*lab.Lab).SetFault(s, f)
}

func revoke(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: revoke cert.pem")
	}
	certs, err := pki.ParseCertificates([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(ts.Value(service{}).(*lab.Lab).Revoke(certs[0], time.Now(), pki.KeyCompromise))
}
