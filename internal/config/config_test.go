package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/config"
)

// minimal is the least that a gateway needs.
const minimal = `organisation: {id: kabupaten-contoh, name: Pemerintah Kabupaten Contoh}
server: {public_url: https://sah.contohkab.go.id}
hsm: {module: libsofthsm2.so, token: absah, pin_file: pin}
trust: {signers: [trust.pem]}
`

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "absah.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	path := write(t, minimal)
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"upload", cfg.Spool.Upload, config.Size(25 << 20)},
		{"listen", cfg.Server.Listen, "127.0.0.1:8080"},
		{"shutdown", cfg.Server.Shutdown, 30 * time.Second},
		{"sample", cfg.Tracing.Sample, 0.01},
		{"sessions", cfg.HSM.Sessions, 8},
		{"database", cfg.Database.URL, "sqlite:" + filepath.Join(dir, "absah.db")},
		{"pin file", cfg.HSM.PINFile, filepath.Join(dir, "pin")},
		{"trust", cfg.Trust.Signers[0], filepath.Join(dir, "trust.pem")},
		{"floor", cfg.Evidence.Floor, filepath.Join(dir, "log-floor")},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestProblems(t *testing.T) {
	tests := []struct {
		name, more, key string
		line            int
		text            string
	}{
		{"unknown key", "servr: {}\n", "servr", 5, "no such key"},
		{"unknown key within", "log: {levl: info}\n", "log.levl", 5, "no such key"},
		{"unknown key in a list", "keys:\n  seals:\n  - id: a\n    kye: a\n", "keys.seals[0].kye", 8, "no such key"},
		{"duration without a unit", "evidence: {interval: 5}\n", "evidence.interval", 5, "30s"},
		{"one of several on its line", "evidence: {interval: 5, floor: x}\n", "", 5, "30s"},
		{"duration that is a word", "evidence:\n  interval: soon\n", "evidence.interval", 6, "30s"},
		{"key twice", "log: {level: info}\nlog: {level: debug}\n", "", 6, "already defined"},
		{"not YAML", "log: [\n", "", 0, ""},
		{"two documents", "---\nlog: {}\n", "", 0, "more than one"},
		{"wrong type", "limits:\n  requests: many\n", "limits.requests", 6, "many"},
		{"bare size", "spool:\n  upload: 25\n", "", 6, "25MiB"},
		{"huge size", "spool:\n  upload: 99999999999999999GiB\n", "", 6, "size"},
		{"too much", "spool:\n  upload: 2GiB\n", "spool.upload", 6, "1GiB"},
		{"word", "log:\n  level: loud\n", "log.level", 6, "debug"},
		{"password in the address", "database:\n  url: postgres://absah:rahasia@127.0.0.1/absah\n", "database.url", 6, "password_file"},
		{"password of the owner", "database:\n  url: postgres://absah_app@127.0.0.1/absah\n  migration_url: postgres://absah_owner:rahasia@127.0.0.1/absah\n", "database.migration_url", 7, "migration_password_file"},
		{"owner of another engine", "database:\n  url: postgres://absah_app@127.0.0.1/absah\n  migration_url: sqlite:x\n", "database.migration_url", 7, "postgres"},
		{"owner of a file", "database:\n  migration_url: postgres://absah_owner@127.0.0.1/absah\n", "database.migration_url", 6, "roles"},
		{"password of no owner", "database:\n  url: postgres://absah_app@127.0.0.1/absah\n  migration_password_file: x\n", "database.migration_password_file", 7, "migration_url"},
		{"other database", "database:\n  url: mysql://x\n", "database.url", 6, "sqlite"},
		{"key used twice", "keys:\n  seals:\n  - {id: a, key: absah-log, certificate: a.pem}\n", "keys.seals[0].key", 7, "keys.log"},
		{"seal without a certificate", "keys:\n  seals:\n  - {id: a, key: a}\n", "keys.seals[0].certificate", 7, "required"},
		{"weak passphrases", "activation:\n  memory: 1MiB\n", "activation.memory", 6, "46MiB"},
		{"more memory than the HSM's side takes", "activation:\n  memory: 2GiB\n", "activation.memory", 6, "1GiB"},
		{"more passes than the HSM's side takes", "activation:\n  passes: 17\n", "activation.passes", 6, "16"},
		{"half a TLS", "admin: {listen: 8.8.8.8:9}\n", "admin.listen", 5, "private"},
		{"witness", "evidence:\n  witnesses:\n  - {url: 'ftp://x', key: k}\n", "evidence.witnesses[0].url", 7, "https"},
		{"promise", "evidence: {promise: 5s}\n", "evidence.promise", 5, "minute"},
		{"password of an authority", "timestamps: {sources: [{url: 'https://x:rahasia@tsa.contoh.go.id'}]}\n", "timestamps.sources[0].url", 5, "without user"},
		{"token in an address", "timestamps: {sources: [{url: 'https://tsa.contoh.go.id/?k=rahasia'}]}\n", "timestamps.sources[0].url", 5, "query"},
		{"remote database", "database: {url: 'postgres://absah@db.contoh.go.id/absah'}\n", "database.url", 5, "sslmode"},
		{"remote database, unauthenticated", "database: {url: 'postgres://absah@db.contoh.go.id/absah?sslmode=require'}\n", "database.url", 5, "sslmode"},
		{"remote database beside a local one", "database: {url: 'postgres://absah@127.0.0.1:5432,10.0.0.7:5432/absah?sslmode=prefer'}\n", "database.url", 5, "10.0.0.7"},
		{"remote database as a parameter", "database: {url: 'postgres://absah@/absah?host=10.0.0.7'}\n", "database.url", 5, "10.0.0.7"},
		{"remote owner", "database: {url: 'postgres://absah@127.0.0.1/absah', migration_url: 'postgres://absah@[2001:db8::1]:5432/absah'}\n", "database.migration_url", 5, "2001:db8::1"},
		{"floor in the database", "evidence: {floor: ./x/../absah.db}\n", "evidence.floor", 5, "is the database"},
		{"floor in its log", "evidence: {floor: absah.db-wal}\n", "evidence.floor", 5, "is the database"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Load(write(t, minimal+tt.more))
			var faults *config.Error
			if !errors.As(err, &faults) {
				t.Fatalf("got %v, want an *Error", err)
			}
			got := faults.Problems[0]
			if got.Key != tt.key || tt.line != 0 && got.Line != tt.line || !strings.Contains(got.Text, tt.text) {
				t.Errorf("got %+v, want key %q, line %d, text with %q", got, tt.key, tt.line, tt.text)
			}
			if strings.Contains(err.Error(), "rahasia") {
				t.Errorf("the password is in the error: %v", err)
			}
		})
	}
}

func TestRequired(t *testing.T) {
	_, err := config.Load(write(t, ""))
	var faults *config.Error
	if !errors.As(err, &faults) {
		t.Fatalf("got %v, want an *Error", err)
	}
	var got []string
	for _, p := range faults.Problems {
		got = append(got, p.Key)
	}
	want := []string{"organisation.id", "organisation.name", "server.public_url", "hsm.module", "hsm.token", "hsm.pin_file", "trust.signers"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestListenOutside(t *testing.T) {
	outside := strings.Replace(minimal, "server: {", "server: {listen: '0.0.0.0:80', ", 1)
	if _, err := config.Load(write(t, outside)); err == nil || !strings.Contains(err.Error(), "server.listen") {
		t.Errorf("without TLS: got %v, want a problem of server.listen", err)
	}
	for _, with := range []string{"trusted_proxies: [10.0.0.0/8]", "tls: {certificate: c.pem, key: k.pem}"} {
		content := strings.Replace(outside, "server: {", "server: {"+with+", ", 1)
		if _, err := config.Load(write(t, content)); err != nil {
			t.Errorf("%s: %v", with, err)
		}
	}
}

// TestDatabaseAddresses are those that need nothing more.
func TestDatabaseAddresses(t *testing.T) {
	for _, url := range []string{
		"postgres://absah@127.0.0.1:5432/absah", "postgres://absah@[::1]/absah", "postgres://absah@localhost/absah", "postgres://absah@/absah",
		"postgres://absah@/absah?host=/run/postgresql", "postgresql://absah@db.contoh.go.id/absah?sslmode=verify-full",
		"postgres://absah@a.contoh.go.id,b.contoh.go.id/absah?sslmode=verify-ca",
	} {
		if _, err := config.Load(write(t, minimal+"database: {url: '"+url+"'}\n")); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	for proxy, ok := range map[string]bool{
		"127.0.0.1": true, "::1": true, "10.0.0.0/8": true, "fc00::/7": true, "192.0.2.0/24": true, "::ffff:10.0.0.0/104": true,
		"0.0.0.0/0": false, "::/0": false, "128.0.0.0/1": false, "::ffff:0.0.0.0/96": false, "8000::/1": false, "proxy": false,
	} {
		content := strings.Replace(minimal, "server: {", "server: {trusted_proxies: ['"+proxy+"'], ", 1)
		if _, err := config.Load(write(t, content)); (err == nil) != ok {
			t.Errorf("%s: got %v, want accepted: %v", proxy, err, ok)
		}
	}
}

func TestCheckFiles(t *testing.T) {
	path := write(t, minimal)
	dir := filepath.Dir(path)
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.CheckFiles(); err == nil || !strings.Contains(err.Error(), "trust.pem") {
		t.Errorf("missing files: got %v", err)
	}
	if err := cfg.CheckHSMFiles(); err == nil || !strings.Contains(err.Error(), "hsm.pin_file") || strings.Contains(err.Error(), "trust.pem") {
		t.Errorf("missing files of the HSM: got %v", err)
	}
	for name, mode := range map[string]os.FileMode{"libsofthsm2.so": 0o644, "trust.pem": 0o644, "pin": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := cfg.CheckFiles(); err == nil || !strings.Contains(err.Error(), "hsm.pin_file") {
		t.Errorf("open PIN: got %v, want a problem of hsm.pin_file", err)
	}
	if err := os.Chmod(filepath.Join(dir, "pin"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := cfg.CheckFiles(); err != nil {
		t.Error(err)
	}
	for _, blank := range []string{"", "\n", " \r\n1234\n"} {
		if err := os.WriteFile(filepath.Join(dir, "pin"), []byte(blank), 0o640); err != nil {
			t.Fatal(err)
		}
		for name, check := range map[string]func() error{"all": cfg.CheckFiles, "HSM": cfg.CheckHSMFiles} {
			if err := check(); err == nil || !strings.Contains(err.Error(), "hsm.pin_file") || !strings.Contains(err.Error(), "first line") {
				t.Errorf("%s: the PIN %q: got %v", name, blank, err)
			}
		}
	}
}

func TestSize(t *testing.T) {
	for in, want := range map[string]config.Size{"0B": 0, "1B": 1, "512KiB": 512 << 10, "25MiB": 25 << 20, "1GiB": 1 << 30} {
		got, err := config.ParseSize(in)
		if err != nil || got != want || got.String() != in {
			t.Errorf("%s: got %d %s, %v", in, got, got, err)
		}
	}
	for _, in := range []string{"", "B", "25", "25MB", "-1B", "1.5GiB", "18446744073709551615GiB"} {
		if got, err := config.ParseSize(in); err == nil {
			t.Errorf("%q: got %d, want an error", in, got)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(minimal)
	f.Add("keys:\n  seals:\n  - {id: a, key: a}\n")
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, content string) {
		cfg, err := config.Load(write(t, content))
		var faults *config.Error
		if err != nil && !errors.As(err, &faults) {
			t.Errorf("not an *Error: %v", err)
		}
		if (cfg == nil) == (err == nil) {
			t.Errorf("got %v and %v", cfg, err)
		}
	})
}
