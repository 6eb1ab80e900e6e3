package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/config"
)

// TestGatewayOperator: what an operator gets wrong is told with the key or flag that
// it is about, and leaves nothing half done.
func TestGatewayOperator(t *testing.T) {
	t.Parallel()
	f := prepareOffice(t, officeOptions{})
	refused := func(t *testing.T, want int, says string, args ...string) {
		t.Helper()
		status, said := f.run(args...)
		if status != want || !strings.Contains(said, says) {
			t.Errorf("absah %s: got %d, %s, want %d and %q", strings.Join(args, " "), status, said, want, says)
		}
	}
	listed := func(t *testing.T, noun, name string) bool {
		t.Helper()
		status, said := f.run(noun, "list", f.config)
		if status != statusOK {
			t.Fatal(said)
		}
		return strings.Contains(said, name)
	}
	nowhere := f.path("tiada") + "/berkas"
	f.write("frasa", "kucing berlari di sawah hijau\n")
	f.write("nik", "3201010101019999\n")

	t.Run("application", func(t *testing.T) {
		add := func(more ...string) []string {
			return append([]string{"application", "add", f.config, "gudang", "--signer", "segel", "--key-file", f.path("gudang.key")}, more...)
		}
		refused(t, statusOutput, nowhere, add("--key-file", nowhere)...)
		refused(t, statusUsage, "--role", add("--role", "raja")...)
		refused(t, statusUsage, "--level", add("--level", "B-X")...)
		if listed(t, "application", "gudang") {
			t.Error("an application was added whose key nobody has")
		}
		refused(t, statusOK, "credential", add("--level", "b-lta")...)
		refused(t, statusRefused, "add-credential gives", add()...)
		before := strings.Count(f.said(t, "application", "list", f.config), "gudang")
		refused(t, statusOutput, nowhere, "application", "add-credential", f.config, "gudang", "--key-file", nowhere)
		if got := strings.Count(f.said(t, "application", "list", f.config), "gudang"); got != before {
			t.Errorf("got %d credentials, want %d", got, before)
		}
	})
	t.Run("lists", func(t *testing.T) {
		refused(t, statusOK, "no signer segle now", "application", "add", f.config, "arsip", "--signer", "segle", "--level", "B-LTA", "--key-file", f.path("arsip.key"))
		f.said(t, "signer", "enrol", f.config, "--name", "Budi Contoh", "--office", "Dinas Contoh", "--subject", "CN=Budi Contoh,C=ID",
			"--nik-file", f.path("nik"), "--passphrase-file", f.path("frasa"), "--request", f.path("budi.csr"))
		for _, row := range []string{`gudang +application +segel +B-LTA +`, `arsip +application +segle +B-LTA +`} {
			if table := f.said(t, "application", "list", f.config); !regexp.MustCompile("(?m)^" + row + ".* key .* active$").MatchString(table) {
				t.Errorf("no row %q in\n%s", row, table)
			}
		}
		for noun, want := range map[string]map[string]any{
			"application": {"name": "arsip", "role": "application", "requireMTLS": false, "policy": map[string]any{"signers": []any{"segle"}, "levels": []any{"B-LTA"}}},
			"signer":      {"kind": "personal", "status": "active", "nik": "************9999", "name": "Budi Contoh", "office": "Dinas Contoh", "certificateUntil": nil},
			"staff":       nil, // there is none
		} {
			found := want == nil
			for line := range strings.Lines(f.said(t, noun, "list", "--json", f.config)) {
				var got map[string]any
				if err := json.Unmarshal([]byte(line), &got); err != nil {
					t.Errorf("%s: %v: %s", noun, err, line)
				}
				same := want != nil
				for k, v := range want {
					same = same && reflect.DeepEqual(got[k], v)
				}
				found = found || same
			}
			if !found {
				t.Errorf("%s: no object has %v", noun, want)
			}
		}
	})
	t.Run("signer", func(t *testing.T) {
		refused(t, statusOutput, nowhere, "signer", "enrol", f.config, "--name", "Ani Contoh", "--subject", "CN=Ani Contoh,C=ID",
			"--nik-file", f.path("nik"), "--passphrase-file", f.path("frasa"), "--request", nowhere)
		if listed(t, "signer", "Ani Contoh") {
			t.Error("a signer was enrolled whose request nobody has")
		}
		refused(t, statusRefused, "absah signer list", "signer", "lock", f.config, "tiada", "--reason", "cuti")
	})
	t.Run("staff", func(t *testing.T) {
		refused(t, statusOutput, nowhere, "staff", "add", f.config, "ani", "--name", "Ani", "--role", "auditor", "--secrets-file", nowhere)
		if listed(t, "staff", "ani") {
			t.Error("a member of staff was added whose password nobody has")
		}
	})
	t.Run("backup", func(t *testing.T) {
		refused(t, statusOutput, "name another file", "backup", f.config, f.path("nik"))
		refused(t, statusOutput, nowhere, "backup", f.config, nowhere)
	})
	t.Run("address taken", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		f.must(err)
		defer l.Close()
		configured := f.read("absah.yaml")
		f.write("taken.yaml", strings.Replace(configured, strings.TrimPrefix(f.url, "http://"), l.Addr().String(), 1))
		refused(t, statusUsage, "server.listen", "serve", f.path("taken.yaml"))
	})
	t.Run("config check", func(t *testing.T) {
		seal := f.read("seal.pem")
		f.write("seal.pem", "bukan sertifikat\n")
		refused(t, statusUsage, "keys.seals", "config", "check", f.config)
		f.write("seal.pem", seal)
		refused(t, statusOK, "good", "config", "check", f.config)
	})
}

// said runs a command that must go well.
func (f *office) said(t *testing.T, args ...string) string {
	t.Helper()
	status, said := f.run(args...)
	if status != statusOK {
		t.Fatalf("absah %s: %d %s", strings.Join(args, " "), status, said)
	}
	return said
}

// TestTLSReload: a new certificate is taken when it fits its key; one that does not
// is told once, and the one of before stays.
func TestTLSReload(t *testing.T) {
	f := &office{t: t, dir: t.TempDir()}
	f.makeTLS("127.0.0.1:1")
	var log bytes.Buffer
	c := config.TLS{Certificate: f.path("server.pem"), Key: f.path("server.key")}
	server, err := serverTLS(c, slog.New(slog.NewTextHandler(&log, nil)))
	f.must(err)
	get := func() *tls.Certificate {
		t.Helper()
		cert, err := server.GetCertificate(nil)
		f.must(err)
		return cert
	}
	first, key := get(), f.read("server.key")
	f.makeTLS("127.0.0.1:1")
	other := f.read("server.key")
	f.write("server.key", key)
	later := time.Now().Add(time.Minute)
	f.must(os.Chtimes(c.Certificate, later, later))
	for range 3 {
		if get() != first {
			t.Error("the certificate of another key was taken")
		}
	}
	if n := strings.Count(log.String(), "cannot be loaded"); n != 1 {
		t.Errorf("told %d times, want once: %s", n, log.String())
	}
	if _, err := serverTLS(c, slog.Default()); exitStatus(err) != statusUsage || !strings.Contains(err.Error(), "server.tls") {
		t.Errorf("at start: got %v, want a fault of server.tls", err)
	}
	f.write("server.key", other)
	if get() == first {
		t.Error("the new certificate was not taken")
	}
}
