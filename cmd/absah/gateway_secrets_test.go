package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// content returns everything that the office keeps on disk.
func (f *office) content(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(f.dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return ignoreGone(err)
		}
		b, err := os.ReadFile(name)
		all[strings.TrimPrefix(name, f.dir+"/")] = b
		return ignoreGone(err) // the gateway writes beside a file's place, then renames
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// nowhere asserts that no file of the office and no process of it holds any of
// the secrets.
func (f *office) nowhere(t testing.TB, secrets map[string]string) {
	t.Helper()
	for name, b := range f.content(t) {
		for what, secret := range secrets {
			for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))[:len(secret)]} {
				if bytes.Contains(b, []byte(form)) {
					t.Errorf("%s is in %s", what, name)
				}
			}
		}
	}
	for _, pid := range f.processes(t) {
		for _, name := range []string{"cmdline", "environ"} {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
			if err != nil {
				t.Fatal(err)
			}
			for what, secret := range secrets {
				if bytes.Contains(b, []byte(secret)) {
					t.Errorf("%s is in %s of process %d", what, name, pid)
				}
			}
		}
	}
}

func testPINStaysSecret(t *testing.T, f *office) {
	pin := f.token.Config.PINFile
	if strings.HasPrefix(pin, f.dir) {
		t.Fatal("the PIN file is among what is searched")
	}
	f.nowhere(t, map[string]string{"the PIN": strings.TrimSpace(readFile(t, pin)), "the SO PIN": "canary-8264-so"})
	for _, name := range []string{"limits", "status"} {
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", f.process.Process.Pid, name)); err != nil || len(b) == 0 {
			t.Errorf("%s: %v", name, err)
		} else if name == "limits" && !noCore.Match(b) {
			t.Errorf("a crash would write memory to disk: %s", b)
		}
	}
}

var noCore = regexp.MustCompile(`Max core file size +0 +0 `)

func readFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func testNothingIsKept(t *testing.T, f *office) {
	const canary = "Kenari: isi surat rahasia 90417"
	doc := bytes.Replace(letter(), []byte("\nstartxref"), []byte("\n%"+canary+"\nstartxref"), 1)
	if !bytes.Contains(doc, []byte(canary)) {
		t.Fatal("no canary in the document")
	}
	f.seal(t, "e-office", doc, bySeal).ok(t, http.StatusOK)
	f.send(t, "e-office", "/v1/sign", doc, f.by("bupati"), map[string]string{"Idempotency-Key": "kenari"}).ok(t, http.StatusOK)
	f.verify(t, slices.Concat(doc, bytes.Repeat([]byte(" "), 300<<10))) // large enough for the disk
	f.nowhere(t, map[string]string{"the document": canary, "the passphrase": canaryPassphrase, "a NIK": canaryNIK[:15]})
	left, err := os.ReadDir(f.path("spool"))
	if err != nil || len(left) != 0 {
		t.Errorf("the spool holds %v, %v", left, err)
	}
}

func testPassphraseGuessing(t *testing.T, f *office) {
	wrong := f.by("sekda").with(fields{"passphrase": "bukan frasa yang benar"})
	doc := letter()
	before := f.documents()
	guess := func(from string) answer {
		j, err := json.Marshal(wrong)
		f.must(err)
		kind, body, err := form(doc, j)
		f.must(err)
		local := &net.TCPAddr{IP: net.ParseIP(from)}
		client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return (&net.Dialer{LocalAddr: local}).DialContext(ctx, network, addr)
			},
		}}
		defer client.CloseIdleConnections()
		return f.do(t, call{as: "e-office", method: http.MethodPost, path: "/v1/sign", kind: kind, body: body, client: client})
	}
	tries, waits := 0, 0
	for i := range 200 {
		a := guess(fmt.Sprintf("127.0.0.%d", 2+i%11))
		if a.status == http.StatusLocked {
			a.problem(t, http.StatusLocked, "signer-locked")
			break
		}
		if a.status == http.StatusTooManyRequests {
			waits++
			a.problem(t, http.StatusTooManyRequests, "passphrase-wait")
			n, err := strconv.Atoi(a.header.Get("Retry-After"))
			if err != nil || n < 1 {
				t.Fatalf("Retry-After: %q", a.header.Get("Retry-After"))
			}
			<-time.After(time.Duration(n) * time.Second)
			continue
		}
		tries++
		if p := a.problem(t, http.StatusForbidden, "passphrase"); p.Operation == "" {
			t.Error("a wrong passphrase is not on record")
		}
	}
	if tries != 3 || waits == 0 {
		t.Errorf("%d tries and %d waits before the lock, want 3 and some", tries, waits)
	}
	f.sign(t, "e-office", doc, f.by("sekda")).problem(t, http.StatusLocked, "signer-locked")
	f.sign(t, "e-office", doc, f.by("bupati")).ok(t, http.StatusOK)
	t.Run("not for other applications", func(t *testing.T) {
		// It has its own count, and the office's alarm rings at the fourth.
		f.sign(t, "second", doc, wrong).problem(t, http.StatusForbidden, "passphrase")
		if !strings.Contains(f.log(), "ALARM") {
			t.Error("no alarm")
		}
		<-time.After(1100 * time.Millisecond)
		f.sign(t, "second", doc, f.by("sekda")).ok(t, http.StatusOK)
	})
	t.Run("on record", func(t *testing.T) {
		found := f.operations(t, "kind=sign&signer="+f.signers["sekda"].id+"&limit=100")
		n := 0
		for _, o := range found {
			if o["code"] == "passphrase" {
				n++
				entries := f.do(t, call{as: "auditor", path: "/v1/operations/" + o["id"].(string)}).ok(t, 200).json(t)["entries"].([]any)
				if len(entries) != 2 {
					t.Errorf("%d entries, want intent and outcome", len(entries))
				}
			}
		}
		if n != 4 || len(f.operations(t, "kind=signer.lockout")) != 1 {
			t.Errorf("%d wrong passphrases on record, want 4; lockouts %v", n, f.operations(t, "kind=signer.lockout"))
		}
	})
	t.Run("unlocked", func(t *testing.T) {
		if status, said := f.run("signer", "unlock", f.config, f.signers["sekda"].id, "--reason", "datang sendiri"); status != 0 {
			t.Fatal(said)
		}
		f.sign(t, "e-office", doc, f.by("sekda")).ok(t, http.StatusOK)
	})
	if n := f.documents() - before; n != 3 {
		t.Errorf("%d signatures, want 3", n)
	}
	t.Run("who may not ask learns nothing", func(t *testing.T) {
		unknown := wrong.with(fields{"signer": "0193f2a4-7c1e-7d3a-9b5c-000000000000"})
		same(t, f.sign(t, "narrow", doc, wrong), f.sign(t, "narrow", doc, unknown), http.StatusForbidden, "forbidden")
		f.alike(t, func() { f.sign(t, "narrow", doc, wrong) }, func() { f.sign(t, "narrow", doc, unknown) })
	})
}
