package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/internal/pdfmake"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/testdata/interop/office"
)

// algorithm is one way to sign.
type algorithm struct {
	name string
	key  hsm.Algorithm
	pss  bool
}

var algorithms = []algorithm{
	{"p256", hsm.P256, false},
	{"rsa2048", hsm.RSA2048, false},
	{"rsa2048-pss", hsm.RSA2048, true},
	{"rsa3072", hsm.RSA3072, false},
	{"rsa3072-pss", hsm.RSA3072, true},
	{"rsa4096", hsm.RSA4096, false},
	{"p384", hsm.P384, false},
	{"p521", hsm.P521, false},
}

var levels = []signer.Level{signer.B, signer.T, signer.LT, signer.LTA}

// matrix signs the files that the judges get.
//
// It is pairwise, because every input × level × algorithm would take half an
// hour: all algorithms × all levels on the letter, all inputs × all levels with
// the algorithm rotating from one to the next, and every feature that changes
// the structure at B-LTA.
type matrix struct {
	office     *office.Office
	out        string // where the signed files go
	inputs     []input
	identities map[hsm.Algorithm]*office.Identity
	cases      []Case
	failed     []error // what could not be signed at all
}

// input is a file to sign.
type input struct {
	name, path, password string
	hybrid               bool
}

// readInputs lists testdata/pdf; the letter is the first.
func readInputs(dir string) []input {
	var all []input
	for _, in := range pdfmake.Inputs() {
		all = append(all, input{
			name: in.Name, path: filepath.Join(dir, in.Name+".pdf"), password: in.Password,
			hybrid: strings.Contains(in.Name, "hybrid"),
		})
	}
	return all
}

// issue makes one key for each key algorithm.
func (m *matrix) issue(ctx context.Context) error {
	m.identities = map[hsm.Algorithm]*office.Identity{}
	for _, a := range algorithms {
		if m.identities[a.key] != nil {
			continue
		}
		id, err := m.office.Issue(ctx, a.name, a.key)
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		m.identities[a.key] = id
	}
	return nil
}

// request is what every signature of the matrix has in common.
func (m *matrix) request(a algorithm, level signer.Level) signer.Request {
	id := m.identities[a.key]
	return signer.Request{
		Key: id.Key, Certificate: id.Certificate, Chain: id.Chain, PSS: a.pss, Level: level,
		At: time.Now().UTC(), Reason: "Uji interoperabilitas", Location: "Contoh",
	}
}

// job is one file to be made.
type job struct {
	group, name string
	from        input
	levels      string // what each signature shall reach; see Case.Levels
	lowest      string // see Case.Level
	visible     bool
	pss         bool     // a signature is RSASSA-PSS
	filled      bool     // an existing field gets filled
	fills       bool     // the only empty field gets filled
	only        []string // see Case.Only
	certify     int
	steps       []step
}

// cannot is Case.Cannot: the limits of the judges that were found out.
func (j job) cannot() map[string]string {
	c := map[string]string{}
	if j.filled {
		c["mutool-draw"] = "MuPDF draws a mark of its own on signature fields that have an area"
	}
	if j.pss {
		c["mutool-sign"] = "MuPDF cannot verify RSASSA-PSS"
	}
	if j.from.name == "aes-256-clear-metadata" && j.lowest != "B-B" && j.lowest != "B-T" {
		c["pyhanko"] = "pyHanko decrypts metadata that is in the clear when it compares revisions"
	}
	if j.filled && strings.HasPrefix(j.from.name, "form-lock") && j.lowest != "B-B" && j.lowest != "B-T" {
		c["pyhanko"] = "pyHanko takes the appearance of a locked field for changed when it is older than the signed revision"
	}
	if j.fills && j.from.name == "form-separate" {
		c["pdfsig"] = "poppler does not look for the signature of a field with a separate widget"
	}
	switch {
	case j.from.name == "form-hierarchy" || strings.HasPrefix(j.from.name, "form") && j.from.name != "form-inline" && !j.fills:
		c["pdfcpu"] = "pdfcpu stumbles over signature fields that are empty or have a parent"
	case strings.HasSuffix(j.name, ".to-B-LT"):
		c["pdfcpu"] = "pdfcpu wants a document timestamp to be the last revision"
	case j.certify > 1:
		c["pdfcpu"] = "pdfcpu does not evaluate the permissions of a certification"
	}
	return c
}

// step appends to a file.
type step func(ctx context.Context, in signer.Input) (*signer.Result, error)

func (m *matrix) sign(req signer.Request) step {
	return func(ctx context.Context, in signer.Input) (*signer.Result, error) {
		return m.office.Signer.Sign(ctx, in, req)
	}
}

func (m *matrix) augment(to signer.Level) step {
	return func(ctx context.Context, in signer.Input) (*signer.Result, error) {
		return m.office.Signer.Augment(ctx, in, to, time.Now().UTC())
	}
}

func (m *matrix) timestamp() step {
	return func(ctx context.Context, in signer.Input) (*signer.Result, error) {
		return m.office.Signer.Timestamp(ctx, in, time.Now().UTC())
	}
}

// jobs is the matrix.
func (m *matrix) jobs() ([]job, error) {
	letter := m.inputs[0]
	var all []job
	for _, level := range levels {
		for _, a := range algorithms {
			l := level.String()
			all = append(all, job{group: "letter " + l, name: a.name, from: letter, levels: l, lowest: l, pss: a.pss,
				steps: []step{m.sign(m.request(a, level))}})
		}
	}
	for i, in := range m.inputs {
		for k, level := range levels {
			l, a := level.String(), algorithms[(i+2*k)%len(algorithms)]
			all = append(all, job{group: "inputs " + l, name: in.name + "." + a.name, from: in, levels: l, lowest: l, pss: a.pss,
				steps: []step{m.sign(m.request(a, level))}})
		}
	}
	all = append(all, m.augmented()...)
	all = append(all, m.signedAgain()...)
	all = append(all, m.certified()...)
	filled, err := m.filled()
	if err != nil {
		return nil, err
	}
	visible, err := m.visible()
	return append(append(all, filled...), visible...), err
}

// augmented raises one level at a time, then renews the archive timestamp.
func (m *matrix) augmented() []job {
	var all []job
	for _, in := range m.every("naskah-dinas", "v15-objstm", "aes-256", "hybrid") {
		steps := []step{m.sign(m.request(algorithms[1], signer.B))}
		for _, level := range levels[1:] {
			steps = append(steps, m.augment(level))
			l := level.String()
			all = append(all, job{group: "augmented", name: in.name + ".to-" + l, from: in, levels: l, lowest: l,
				steps: append([]step(nil), steps...)})
		}
		for range 2 {
			steps = append(steps, m.augment(signer.LTA))
		}
		all = append(all,
			job{group: "augmented", name: in.name + ".renewed-twice", from: in, levels: "B-LTA", lowest: "B-LTA", steps: steps},
			job{group: "timestamp alone", name: in.name, from: in, only: []string{"openssl-ts"}, steps: []step{m.timestamp()}})
	}
	return all
}

// signedAgain lets several people sign one after another.
func (m *matrix) signedAgain() []job {
	var all []job
	for _, in := range m.every("naskah-dinas", "v15-objstm", "form", "aes-128", "linearized") {
		archived, plain := []step{}, []step{}
		for i := range 3 {
			archived = append(archived, m.sign(m.request(algorithms[i], signer.LTA)))
			plain = append(plain, m.sign(m.request(algorithms[i], signer.B)))
		}
		all = append(all,
			job{group: "signed 3 times", name: in.name, from: in, levels: "B-LTA,B-LTA,B-LTA", lowest: "B-LTA", steps: archived, pss: true},
			job{group: "signed 3 times", name: in.name + ".b-b", from: in, levels: "B-B,B-B,B-B", lowest: "B-B", steps: plain, pss: true},
			job{group: "signed 3 times", name: in.name + ".b-b-after-lta", from: in, levels: "B-LTA,B-B", lowest: "B-B",
				steps: []step{archived[0], plain[1]}})
	}
	return all
}

// certified sets DocMDP. A second signature after P=1 is refused, so only the
// others get one.
func (m *matrix) certified() []job {
	var all []job
	for p := 1; p <= 3; p++ {
		req := m.request(algorithms[1], signer.LTA)
		req.Certify = p
		one := job{group: "certified", name: fmt.Sprint("p", p), from: m.inputs[0], levels: "B-LTA", lowest: "B-LTA",
			certify: p, steps: []step{m.sign(req)}}
		all = append(all, one)
		if p > 1 {
			all = append(all, job{group: "certified", name: one.name + ".then-signed", from: one.from, levels: "B-LTA,B-LTA",
				lowest: "B-LTA", certify: p, steps: append(one.steps[:1:1], m.sign(m.request(algorithms[0], signer.LTA)))})
		}
	}
	return all
}

func (m *matrix) every(names ...string) []input {
	var all []input
	for _, in := range m.inputs {
		for _, n := range names {
			if in.name == n {
				all = append(all, in)
			}
		}
	}
	return all
}

// make makes the file of a job and its Case.
func (m *matrix) make(ctx context.Context, j job) (Case, error) {
	data, err := os.ReadFile(j.from.path)
	if err != nil {
		return Case{}, err
	}
	original := len(data)
	for _, s := range j.steps {
		in := signer.Input{Reader: strings.NewReader(string(data)), Size: int64(len(data)), Password: []byte(j.from.password)}
		result, err := s(ctx, in)
		if err != nil {
			return Case{}, err
		}
		data = append(data[:len(data):len(data)], result.Tail...)
	}
	if len(data) == original {
		return Case{}, fmt.Errorf("nothing was appended")
	}
	name := strings.NewReplacer(" ", "-").Replace(j.group) + "." + j.name + ".pdf"
	c := Case{
		File: filepath.Join(m.out, name), Original: j.from.path, Password: j.from.password, Hybrid: j.from.hybrid,
		Group: j.group, Levels: j.levels, Level: j.lowest, Visible: j.visible, Only: j.only, Cannot: j.cannot(),
	}
	return c, os.WriteFile(c.File, data, 0o600)
}
