package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/store/storetest"
)

// TestGatewayCanary looks for an uploaded document wherever its bytes could come
// to lie: while it is judged or signed, afterwards, and after a kill in
// between (S26).
func TestGatewayCanary(t *testing.T) {
	for _, e := range []storetest.Engine{{Name: "SQLite"}, storetest.Postgres} {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			o := officeOptions{slowFor: time.Minute}
			if e.Fresh != nil {
				o.database = e.Fresh(t).URL
			}
			f := newOffice(t, o)
			t.Run("S26", func(t *testing.T) { testCanary(t, f, databaseFolder(t, e)) })
		})
	}
}

// databaseFolder is where the server of an engine keeps its files; "" for
// SQLite, whose file is with the office.
func databaseFolder(t testing.TB, e storetest.Engine) string {
	if e.Fresh == nil {
		return ""
	}
	u, err := url.Parse(storetest.Server(t))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(u.Query().Get("host"), "data") // as scripts/postgres has it
}

func testCanary(t *testing.T, f *office, database string) {
	canary := make([]byte, 24)
	rand.Read(canary)
	c := []byte("kenari-" + hex.EncodeToString(canary))
	doc := bytes.Replace(letter(), []byte("\nstartxref"), canaryLines(c, 40_000), 1)
	if n := bytes.Count(doc, c); n != 40_000 {
		t.Fatalf("the document has the canary %d times", n)
	}
	signed := f.seal(t, "e-office", doc, bySeal).ok(t, http.StatusOK).body
	f.clear(t, c)
	nik := []byte(typedNIK())
	t.Run("typed words", func(t *testing.T) { typeWords(t, f, string(nik)); f.clear(t, nik) })
	for _, test := range []struct {
		name string
		send func() (answer, error)
	}{
		{"/v1/sign", func() (answer, error) {
			return f.trySend("e-office", "/v1/sign", doc, f.by("bupati").with(fields{"level": "B-T"}), map[string]string{"Idempotency-Key": "kenari"})
		}},
		{"POST /", func() (answer, error) { return f.tryPage("/", signed) }},
		{"/v1/verify", func() (answer, error) { return f.trySend("", "/v1/verify", signed, fields{}, nil) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			answered := f.freeze(t, int64(len(doc)), test.send)
			f.clear(t, c)
			f.must(f.process.Process.Signal(syscall.SIGCONT))
			a := <-answered
			if a.status != http.StatusOK && a.status != http.StatusServiceUnavailable { // of an authority that does not answer
				t.Errorf("got %d: %.300q", a.status, a.body)
			}
			f.clear(t, c)
		})
	}
	t.Run("killed", func(t *testing.T) {
		answered := f.freeze(t, int64(len(doc)), func() (answer, error) { return f.trySend("", "/v1/verify", signed, fields{}, nil) })
		f.kill()
		<-answered
		f.clear(t, c)
		if left, err := os.ReadDir(f.path("spool")); err != nil || len(left) != 0 {
			t.Errorf("the spool holds %v, %v", left, err)
		}
	})
	if database != "" {
		t.Run("the server's files", func(t *testing.T) {
			if _, err := os.ReadDir(database); err != nil {
				testfile.Lacking(t, "the right to read "+database, "of the server's user, or root")
			}
			f.clearIn(t, database, c)
			f.clearIn(t, database, nik)
		})
	}
}

// typedNIK is sixteen random digits, of no region that there is.
func typedNIK() string {
	digits := make([]byte, 14)
	rand.Read(digits)
	for i := range digits {
		digits[i] = '0' + digits[i]%10
	}
	return "00" + string(digits)
}

// typeWords puts a NIK wherever people can type one by mistake that does not ask
// for it: the field for the QR code's address on the public form, searches and
// addresses of the console.
func typeWords(t *testing.T, f *office, nik string) {
	d := f.staffDesk(t, "kenari", "supervisor")
	for _, address := range []string{nik, "https://sah.example/d/" + nik} {
		v := url.Values{"kind": {"authenticity"}, "text": {"asli?"}, "contact": {"x"}, "document-id": {address}}
		a := f.do(t, call{method: http.MethodPost, path: "/pengaduan", kind: "application/x-www-form-urlencoded", body: strings.NewReader(v.Encode())})
		if a.status != http.StatusOK && a.status != http.StatusBadRequest {
			t.Errorf("the form: got %d", a.status)
		}
	}
	for _, path := range []string{
		"/op/search?signer=", "/op/search?application=", "/op/search?document=", "/op/search?kind=", "/op/cases?kind=", "/op/cases?state=", "/op/cases?after=",
		"/op/operation/", "/op/document/", "/op/signer/", "/op/cases/", "/op/certificate/",
	} {
		if a := d.get(t, path+nik); a.status >= http.StatusInternalServerError {
			t.Errorf("%s: got %d", path, a.status)
		}
	}
}

// canaryLines returns n comment lines with the canary, and what they stand before.
func canaryLines(canary []byte, n int) []byte {
	return append(bytes.Repeat(fmt.Appendf(nil, "\n%%%s", canary), n), "\nstartxref"...)
}

// tryPage uploads a document as a browser does.
func (f *office) tryPage(path string, doc []byte) (answer, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	p, err := w.CreateFormFile("document", "surat.pdf")
	if err == nil {
		_, err = p.Write(doc)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return answer{}, err
	}
	return f.try(call{method: http.MethodPost, path: path, kind: w.FormDataContentType(), body: &b})
}

// freeze stops the gateway while it works on a document of a size that lies in its spool
// and waits for an authority that does not answer. The channel gets what
// becomes of the request; a zero answer when nothing does.
func (f *office) freeze(t testing.TB, size int64, send func() (answer, error)) (answered chan answer) {
	t.Helper()
	for _, s := range []lab.Service{lab.OCSP, lab.CRL, lab.TSA} {
		f.lab.SetFault(s, lab.Slow)
		defer f.lab.SetFault(s, lab.None)
	}
	f.stop() // what it knows of certificates would spare the question
	f.start()
	answered = make(chan answer, 1)
	go func() {
		a, _ := send() // a kill ends the connection
		answered <- a
	}()
	eventually(t, 30*time.Second, "the upload is in the spool", func() bool { return f.spooled(t) >= size })
	f.must(f.process.Process.Signal(syscall.SIGSTOP))
	if n := f.spooled(t); n < size {
		t.Errorf("%d bytes are in the spool, want %d at least", n, size)
	}
	return answered
}

// spooled returns how large the largest file in the spool is, which has no name.
func (f *office) spooled(t testing.TB) (size int64) {
	t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", f.process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range links {
		target, err := os.Readlink(name)
		if err != nil || filepath.Dir(target) != f.path("spool") {
			continue
		}
		if info, err := os.Stat(name); err == nil {
			size = max(size, info.Size())
		}
	}
	return size
}

// open returns the regular files that the gateway and its children have open,
// those too that have lost their names, and what is in them.
func (f *office) open(t testing.TB) map[string][]byte {
	t.Helper()
	content := map[string][]byte{}
	for _, pid := range f.processes(t) {
		dir := fmt.Sprintf("/proc/%d/fd", pid)
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			name := filepath.Join(dir, d.Name())
			target, err := os.Readlink(name)
			if err != nil || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "/proc/") || strings.HasPrefix(target, "/sys/") {
				continue // closed since, or no file on a disk
			}
			if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
				continue
			}
			b, err := os.ReadFile(name)
			if ignoreGone(err) != nil {
				t.Fatalf("%s: %v", target, err)
			}
			content[target] = b
		}
	}
	return content
}

// clear asserts that the canary is in no file of the office: data, database,
// logs, temporary files, and those that processes have open.
func (f *office) clear(t testing.TB, canary []byte) {
	t.Helper()
	for _, dir := range []string{f.dir, f.temporary} {
		f.clearIn(t, dir, canary)
	}
	if f.process == nil {
		return
	}
	for name, b := range f.open(t) {
		if form := disclosed(b, canary); form != "" {
			t.Errorf("the document is in the open file %s, %s", name, form)
		}
	}
}

func (f *office) clearIn(t testing.TB, dir string, canary []byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return ignoreGone(err)
		}
		file, err := os.Open(name)
		if err != nil {
			return ignoreGone(err)
		}
		defer file.Close()
		b, err := io.ReadAll(file)
		if form := disclosed(b, canary); form != "" {
			t.Errorf("the document is in %s, %s", name, form)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ignoreGone: what is gone discloses nothing.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// disclosed tells in which form b has the canary; "" for none.
func disclosed(b, canary []byte) string {
	forms := map[string][]byte{"in the clear": canary, "in hexadecimal": []byte(hex.EncodeToString(canary))}
	for skip := range 3 { // base64 of a run of bytes depends on where it begins
		whole := canary[skip : skip+(len(canary)-skip)/3*3]
		forms["in base64 from "+strconv.Itoa(skip)] = []byte(base64.StdEncoding.EncodeToString(whole))
	}
	for name, form := range forms {
		if bytes.Contains(b, form) {
			return name
		}
	}
	return ""
}
