package bundle_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/internal/testfile"
)

// TestExpert does with the script what somebody does who has never seen it, and
// holds that no slip of the hand and no missing tool looks like a forgery.
func TestExpert(t *testing.T) {
	path := tools(t)
	w, in := complete(t)
	good := unzip(t, write(t, in))
	dir := good.unpack(t)
	put := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	roots := put("induk.pem", string(w.lab.TrustPEM())) // all beside the script
	keys := put("kunci.txt", "\r\n"+w.keys[0]+"\r\n"+w.keys[1])
	der := put("induk.der", string(w.lab.Root().Raw))
	for _, tt := range []struct {
		name string
		args []string
		want int
		said string
	}{
		{"all beside the script", []string{"-k", keys, "-t", roots}, 0, "naskah dilepas / output, SHA-256  " + digest(good.data["document/document.pdf"])},
		{"no options", nil, 2, "BELUM TERBUKTI"},
		{"an option that is none", []string{"-x"}, 64, "sh verify.sh [-k LOG-KEYS]"},
		{"the document without -d", []string{"-k", keys, "-t", roots, "naskah.pdf"}, 64, "is named by -d"},
		{"a file that is none", []string{"-k", keys, "-t", filepath.Join(dir, "none.pem")}, 64, "cannot read"},
		{"roots in DER", []string{"-k", keys, "-t", der}, 0, "SAH"},
		{"keys for roots", []string{"-k", keys, "-t", roots, "-s", keys}, 64, "in PEM"},
		{"roots for keys", []string{"-k", roots, "-t", roots}, 1, "FAILS    log-key: the state of the log is not signed with the keys that you name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, _, out := script(t, path, dir, nil, tt.args...)
			if status != tt.want || !strings.Contains(out, tt.said) {
				t.Errorf("status %d, want %d and %q\n%s", status, tt.want, tt.said, out)
			}
		})
	}
	for name, tool := range map[string][2]string{
		"no csplit":   {"csplit", ""},
		"old OpenSSL": {"openssl", "#!/bin/sh\necho 'OpenSSL 1.1.1w  11 Sep 2023'\n"},
		"LibreSSL":    {"openssl", "#!/bin/sh\necho 'LibreSSL 3.3.6'\n"},
		"BSD date":    {"date", "#!/bin/sh\necho 'date: illegal option -- d' >&2\nexit 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			poor := tools(t)
			file := filepath.Join(poor, tool[0])
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if tool[1] != "" {
				if err := os.WriteFile(file, []byte(tool[1]), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			status, states, out := script(t, poor, dir, nil, "-k", keys, "-t", roots)
			if status != 69 || len(states) != 0 || !strings.Contains(out, "needs") {
				t.Errorf("status %d, want 69\n%s", status, out)
			}
		})
	}
	t.Run("a file among the others", func(t *testing.T) {
		t.Parallel()
		dir := good.unpack(t)
		if err := os.WriteFile(filepath.Join(dir, "revocation/99.ocsp"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		status, states, _ := script(t, path, dir, nil, "-k", keys, "-t", roots)
		if status != 1 || !slices.Equal(failed(states), []string{"files"}) {
			t.Errorf("status %d, failed %v", status, failed(states))
		}
	})
}

// TestOtherShell: bash comes to what dash says of a bundle that holds, of one that is
// not proven and of one that fails.
func TestOtherShell(t *testing.T) {
	path, bash := tools(t), testfile.Tool(t, "bash")
	w, in := complete(t)
	good := unzip(t, write(t, in))
	keys := keyFile(t, w.keys...)
	bad := flip("entries/2/record.json", good.data["entries/2/record.json"])
	for _, tt := range []struct {
		name string
		c    content
		args []string
		want int
	}{
		{"holds", good, []string{"-k", keys, "-t", w.anchor}, 0},
		{"unproven", good, nil, 2},
		{"fails", good.with("entries/2/record.json", bad), []string{"-k", keys, "-t", w.anchor}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := tt.c.unpack(t)
			status, _, want := script(t, path, dir, nil, tt.args...)
			got, _, out := run(t, path, append([]string{bash, "--posix", filepath.Join(dir, "verify.sh")}, tt.args...))
			if status != tt.want || got != tt.want || out != want {
				t.Errorf("dash exits %d, bash %d, want %d\n%s\n%s", status, got, tt.want, want, out)
			}
		})
	}
}

// TestByHand runs the commands that README.txt gives for those who trust no script,
// in Bahasa Indonesia, which is the whole.
func TestByHand(t *testing.T) {
	path := tools(t)
	w, in := complete(t)
	c := unzip(t, write(t, in))
	dir := c.unpack(t)
	if err := os.WriteFile(filepath.Join(dir, "induk.pem"), w.lab.TrustPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	token, err := tsp.ParseToken(c.data["log/timestamp.tst"])
	if err != nil {
		t.Fatal(err)
	}
	_, steps, ok := strings.Cut(string(c.data["README.txt"]), "dengan tangan\n")
	steps, _, ok2 := strings.Cut(steps, "\n\n")
	if !ok || !ok2 {
		t.Fatal("README.txt has no steps")
	}
	steps = strings.NewReplacer("induk-tsa.pem", "induk.pem", "DETIK", strconv.FormatInt(token.Time.Unix(), 10)).Replace(steps)
	count := 0
	for block := range strings.SplitSeq(strings.ReplaceAll(steps, "\\\n", " "), "\n") {
		command, ok := strings.CutPrefix(block, "    ")
		if !ok {
			continue
		}
		count++
		cmd := exec.CommandContext(t.Context(), filepath.Join(path, "dash"), "-c", command)
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + path}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
		if strings.HasPrefix(command, "cat ") {
			lines := bytes.Split(c.data["entries/2/receipt.note"], []byte("\n"))
			if !bytes.Contains(out, lines[5]) {
				t.Errorf("%s: got %s, want the sixth line of the receipt, %s", command, out, lines[5])
			}
		}
	}
	if count != 8 {
		t.Errorf("%d commands, want 8", count)
	}
}
