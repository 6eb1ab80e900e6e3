package main

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestGatewayCredentials gives applications each kind of credential by command,
// and takes them away again (S01, S02).
func TestGatewayCredentials(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{tls: true})
	f.http = f.client()
	cert := f.clients.client(t, "gudang", time.Now().Add(time.Hour))
	f.write("client.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Leaf.Raw})))
	command := func(t *testing.T, want int, args ...string) string {
		t.Helper()
		status, said := f.run(append([]string{"application"}, args...)...)
		if status != want {
			t.Fatalf("application %q: got %d, want %d: %s", args, status, want, said)
		}
		return said
	}
	identifier := func(said string) string {
		_, id, _ := strings.Cut(said, "credential  ")
		return strings.TrimSpace(id)
	}
	secret := func(name string) string { return strings.TrimSpace(f.read(name)) }
	command(t, statusOK, "add", f.config, "gudang", "--signer", "segel", "--key-file", "key", "--require-certificate")
	ids := []string{
		identifier(command(t, statusOK, "add-credential", f.config, "gudang", "--key-file", "second-key")),
		identifier(command(t, statusOK, "add-credential", f.config, "gudang", "--username", "gudang", "--password-file", "password")),
		identifier(command(t, statusOK, "add-credential", f.config, "gudang", "--certificate", "client.pem")),
	}
	for _, name := range []string{"key", "second-key", "password"} {
		if info, err := os.Stat(f.path(name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	bearer := func(name string) string { return "Bearer " + secret(name) }
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	ask := func(t *testing.T, authorization string, certs ...tls.Certificate) answer {
		t.Helper()
		client := f.client(certs...)
		defer client.CloseIdleConnections()
		header := map[string]string{}
		if authorization != "" {
			header["Authorization"] = authorization
		}
		return f.do(t, call{client: client, path: "/v1/signers", header: header})
	}
	for _, tt := range []struct {
		name, authorization string
		certs               []tls.Certificate
		want                int
	}{
		{"certificate alone", "", []tls.Certificate{cert}, 200},
		{"first key", bearer("key"), []tls.Certificate{cert}, 200},
		{"second key", bearer("second-key"), []tls.Certificate{cert}, 200},
		{"password", basic("gudang", secret("password")), []tls.Certificate{cert}, 200},
		{"wrong password", basic("gudang", "salah"), []tls.Certificate{cert}, 401},
		{"key without the certificate that is demanded", bearer("key"), nil, 401},
		{"password without it", basic("gudang", secret("password")), nil, 401},
		{"key of another application", "Bearer " + f.keys["e-office"], []tls.Certificate{cert}, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if a := ask(t, tt.authorization, tt.certs...); a.status != tt.want {
				t.Errorf("got %d, want %d: %s", a.status, tt.want, a.body)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		command(t, statusUsage, "add-credential", f.config, "gudang")
		command(t, statusUsage, "add-credential", f.config, "gudang", "--username", "x")
		command(t, statusUsage, "add-credential", f.config, "gudang", "--key-file", "x", "--certificate", "client.pem")
		command(t, statusRefused, "add-credential", f.config, "tiada", "--key-file", "x")
		command(t, statusRefused, "add-credential", f.config, "e-office", "--username", "a:b", "--password-file", "x")
		command(t, statusRefused, "add-credential", f.config, "e-office", "--username", "gudang", "--password-file", "x")
		command(t, statusRefused, "add-credential", f.config, "e-office", "--certificate", "client.pem")
		if _, err := os.Stat(f.path("x")); err == nil {
			t.Error("a secret was written that holds nowhere")
		}
	})
	t.Run("revoked", func(t *testing.T) {
		for _, id := range ids {
			command(t, statusOK, "revoke-credential", f.config, id)
		}
		list := command(t, statusOK, "list", f.config)
		for _, id := range ids {
			line := list[strings.Index(list, id):]
			if line, _, _ = strings.Cut(line, "\n"); !strings.HasSuffix(line, "revoked") {
				t.Errorf("the list says %q", line)
			}
		}
		// What held is believed for two seconds.
		eventually(t, 30*time.Second, "the certificate is refused", func() bool {
			return ask(t, "", cert).status == http.StatusUnauthorized
		})
	})
	keys := f.printKeys(t, "keys")
	if status, said := f.run("evidence", "audit", "--config", f.config, "--database", "sqlite:"+f.path("absah.db"), "--log-key", keys); status != statusOK {
		t.Errorf("audit: %d %s", status, said)
	}
	f.stop()
	f.consistent(t)
}
