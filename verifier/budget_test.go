package verifier_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/verifier"
)

// The budgets of one file.
const (
	budgetMemory = 256 << 20        // bytes, of the whole process
	budgetTime   = 10 * time.Second // of processor time
)

// TestBudgetChild is the other half of TestBudgets: run by it as a process of
// its own, it verifies the files named after "--" with the anchors in the first.
func TestBudgetChild(t *testing.T) {
	if flag.NArg() < 2 {
		t.Skip("for TestBudgets")
	}
	data, err := os.ReadFile(flag.Arg(0))
	if err != nil {
		t.Fatal(err)
	}
	anchors, err := pki.ParseAnchors(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range flag.Args()[1:] {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		in := verifier.Input{Reader: f, Size: info.Size(), Name: path}
		r := verifyInput(t, verifier.Config{Signers: anchors, TSAs: anchors}, in, begin.Add(time.Hour))
		f.Close()
		limit := ""
		for _, s := range r.Signatures {
			for _, why := range s.Reasons {
				if why.Code == verifier.CodeLimit {
					limit = " resource-limit"
				}
			}
		}
		fmt.Printf("verdict %s%s\n", r.Verdict, limit)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			fmt.Printf("memory %s\n", strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
		}
	}
}

// spend runs TestBudgetChild and returns the verdicts and what they cost. Of
// memory it is the child's own high-water mark: that of getrusage begins with
// the parent's.
func spend(t *testing.T, trust string, files ...string) (verdicts string, cpu time.Duration, memory int64) {
	t.Helper()
	args := append([]string{"-test.run=^TestBudgetChild$", "-test.v", "--", trust}, files...)
	cmd := exec.CommandContext(context.Background(), os.Args[0], args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if rest, ok := strings.CutPrefix(line, "verdict "); ok {
			verdicts += strings.TrimSpace(rest) + ";"
		}
		if rest, ok := strings.CutPrefix(line, "memory "); ok {
			if memory, err = strconv.ParseInt(strings.TrimSpace(rest), 10, 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	return strings.TrimSuffix(verdicts, ";"), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), memory << 10
}

// bomb is a hostile file and what must not become of it.
type bomb struct {
	name string
	make func(t *testing.T, w *world) []byte
	want []string // allowed verdicts
}

const limited = "INDETERMINATE resource-limit"

// bombs carry what costs a careless verifier minutes or gigabytes, most of it
// in the security store of a letter that is honestly signed.
var bombs = []bomb{
	{"ten thousand certificates", tenThousand, []string{limited}},
	{"authorities that certified each other", crossSigned, []string{"INDETERMINATE", limited}},
	{"authorities of one name", sameName, []string{"INDETERMINATE", limited}},
	{"a list of a hundred thousand", longList, []string{"TOTAL-PASSED"}},
	{"a list of a hundred thousand for each of twenty signatures", longListOften, []string{"TOTAL-PASSED"}},
	{"answers about everybody", manyAnswers, []string{"INDETERMINATE", limited}},
	{"name constraints times names", manyNames, []string{limited}},
	{"time-stamps times certificates", manyStamps, []string{limited}},
	{"stores times document timestamps", manyStores, []string{limited}},
	{"revisions times objects", manyRevisions, []string{"INDETERMINATE", "TOTAL-FAILED", limited}},
	{"a key of 65,536 bits", hugeKey, []string{"INDETERMINATE"}},
	{"twenty signatures, each with its archive", manySignatures, []string{"TOTAL-PASSED"}},
	{"sixty signers, each with their evidence", manySigners, []string{"TOTAL-PASSED"}},
	{"four thousand lists of an impostor", manyLists, []string{"INDETERMINATE", limited}},
	{"thirty lists of fifteen megabytes that inflate from little", inflating, []string{limited}},
}

// TestBudgets: each file is verified in a process of its own, whose memory and
// processor time the system has measured.
func TestBudgets(t *testing.T) {
	if runtime.GOOS != "linux" || raced {
		t.Skip("the high-water mark is read from /proc, and the race detector has memory of its own")
	}
	for _, b := range bombs {
		t.Run(b.name, func(t *testing.T) {
			w := newWorld(t)
			dir := t.TempDir()
			trust, file := filepath.Join(dir, "trust.pem"), filepath.Join(dir, "bomb.pdf")
			data, anchor := b.make(t, w), w.lab.Root()
			if own := trusted[t.Name()]; own != nil {
				anchor = own
			}
			root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: anchor.Raw})
			for path, content := range map[string][]byte{trust: root, file: data} {
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			verdict, cpu, memory := spend(t, trust, file)
			t.Logf("%d bytes: %s, %v, %d MiB", len(data), verdict, cpu.Round(time.Millisecond), memory>>20)
			found := false
			for _, want := range b.want {
				found = found || verdict == want
			}
			if !found {
				t.Errorf("got %q, want one of %q", verdict, b.want)
			}
			if cpu > budgetTime || memory > budgetMemory {
				t.Errorf("cost %v and %d MiB", cpu, memory>>20)
			}
		})
	}
}

// TestAttackBudgets and TestCorpusBudgets: so do all files of a folder, one
// process for all, in which nothing may be kept from one to the next.
func TestAttackBudgets(t *testing.T) {
	budgetsOf(t, filepath.Join(testfile.Root(t), "testdata", "attacks"))
}

func TestCorpusBudgets(t *testing.T) { budgetsOf(t, testfile.Corpus(t, "pdf")) }

func budgetsOf(t *testing.T, dir string) {
	t.Helper()
	if runtime.GOOS != "linux" || raced {
		t.Skip("as TestBudgets")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.pdf"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	trust := filepath.Join(t.TempDir(), "trust.pem")
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: newWorld(t).lab.Root().Raw})
	if err := os.WriteFile(trust, root, 0o600); err != nil {
		t.Fatal(err)
	}
	verdicts, cpu, memory := spend(t, trust, files...)
	t.Logf("%d files: %v, %d MiB", len(files), cpu.Round(time.Millisecond), memory>>20)
	if strings.Contains(verdicts, "TOTAL-PASSED") {
		t.Error("a stranger's file passes")
	}
	if cpu > time.Duration(len(files))*budgetTime/10 || memory > budgetMemory {
		t.Errorf("cost %v and %d MiB", cpu, memory>>20)
	}
}

// withStore appends a revision with a security store.
func withStore(t *testing.T, b []byte, dss pades.DSS) []byte {
	t.Helper()
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tail, err := pades.WriteDSS(doc.Latest(), dss)
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(b), tail...)
}

// authority is a certificate with its key, under no anchor.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

// certify makes a certificate for key under a name; by nil signs itself.
func certify(t *testing.T, serial int64, subject pkix.Name, key *ecdsa.PrivateKey, by *authority) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: subject, NotBefore: begin.Add(-day), NotAfter: begin.Add(1000 * day),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	parent, signs := template, key
	if by != nil {
		parent, signs = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signs)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tenThousand(t *testing.T, w *world) []byte {
	self := ecKey(t).Signer.(*ecdsa.PrivateKey)
	var dss pades.DSS
	for i := range int64(10_000) {
		dss.Certificates = append(dss.Certificates, certify(t, i+1, pkix.Name{CommonName: fmt.Sprint(i)}, self, nil).Raw)
	}
	return withStore(t, w.sign(t, letter(t), signer.B), dss)
}

// stranger gives the world's signer a certificate of an authority that is not
// trusted, and returns it.
func stranger(t *testing.T, w *world, name pkix.Name) *authority {
	t.Helper()
	ca := &authority{key: ecKey(t).Signer.(*ecdsa.PrivateKey)}
	ca.cert = certify(t, 1, name, ca.key, nil)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "Pejabat"}, NotBefore: begin.Add(-day), NotAfter: begin.Add(900 * day),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, w.key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	if w.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	w.chain = []*x509.Certificate{ca.cert}
	return ca
}

// crossSigned: n authorities, each certified by each, of which none is trusted:
// n! paths.
func crossSigned(t *testing.T, w *world) []byte {
	const n = 40
	ca := stranger(t, w, pkix.Name{CommonName: "CA 0"})
	all := []*authority{ca}
	for i := 1; i < n; i++ {
		a := &authority{key: ecKey(t).Signer.(*ecdsa.PrivateKey)}
		a.cert = certify(t, int64(i), pkix.Name{CommonName: fmt.Sprint("CA ", i)}, a.key, nil)
		all = append(all, a)
	}
	var dss pades.DSS
	for i, a := range all {
		for j, by := range all {
			dss.Certificates = append(dss.Certificates, certify(t, int64(1000+i*n+j), a.cert.Subject, a.key, by).Raw)
		}
	}
	return withStore(t, signUntrusted(t, w), dss)
}

// signUntrusted signs without asking about the certificate.
func signUntrusted(t *testing.T, w *world) []byte {
	t.Helper()
	s, err := signer.New(signer.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w.signer = s
	return w.sign(t, letter(t), signer.B)
}

// sameName: four thousand authorities that carry the name of the one that is
// looked for, each by another of them.
func sameName(t *testing.T, w *world) []byte {
	ca := stranger(t, w, pkix.Name{CommonName: "CA"})
	by := ca
	var dss pades.DSS
	for i := range int64(4000) {
		a := &authority{key: ca.key}
		if i%2 == 0 {
			a.key = ecKey(t).Signer.(*ecdsa.PrivateKey)
		}
		a.cert = certify(t, i+2, ca.cert.Subject, a.key, by)
		dss.Certificates = append(dss.Certificates, a.cert.Raw)
		by = a
	}
	return withStore(t, signUntrusted(t, w), dss)
}

// list makes an authority's list of n numbers, none of them anybody's.
func list(t *testing.T, ca *authority, n int) []byte {
	t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: begin, NextUpdate: begin.Add(30 * day)}
	for i := range n {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: big.NewInt(int64(1_000_000 + i)), RevocationTime: begin.Add(-time.Hour), ReasonCode: 1,
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, ca.cert, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// longList and longListOften: the lab does not give its keys away, so that an
// authority of the test's own is trusted instead.
func longList(t *testing.T, w *world) []byte { return signedUnderOwn(t, w, 1) }

func longListOften(t *testing.T, w *world) []byte { return signedUnderOwn(t, w, 20) }

func signedUnderOwn(t *testing.T, w *world, signatures int) []byte {
	t.Helper()
	ca := stranger(t, w, pkix.Name{CommonName: "CA Contoh"})
	trusted[t.Name()] = ca.cert
	b := signUntrusted(t, w)
	for range signatures - 1 {
		b = w.sign(t, b, signer.B)
	}
	return withStore(t, b, pades.DSS{CRLs: [][]byte{list(t, ca, 100_000)}})
}

// trusted are the anchors of tests that do not trust their lab's.
var trusted = make(map[string]*x509.Certificate)

// manyAnswers: OCSP responses of a thousand answers each about the signer's
// certificate, by a responder who may not answer.
func manyAnswers(t *testing.T, w *world) []byte {
	ca := stranger(t, w, pkix.Name{CommonName: "CA Contoh"})
	trusted[t.Name()] = ca.cert
	b := signUntrusted(t, w)
	var dss pades.DSS
	for i := range 80 {
		dss.OCSPs = append(dss.OCSPs, forgedOCSP(t, w.cert, ca.cert, 1000, i))
	}
	return withStore(t, b, dss)
}

// forgedOCSP is a response with n answers "good" and a signature of nothing.
func forgedOCSP(t *testing.T, cert, issuer *x509.Certificate, n, salt int) []byte {
	t.Helper()
	type algorithm struct{ ID asn1.ObjectIdentifier }
	type certID struct {
		Hash      algorithm
		Name, Key []byte
		Serial    *big.Int
	}
	type single struct {
		ID   certID
		Good asn1.RawValue
		This time.Time `asn1:"generalized"`
	}
	name := sha1.Sum(issuer.RawSubject)
	var spki struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(issuer.RawSubjectPublicKeyInfo, &spki); err != nil {
		t.Fatal(err)
	}
	key := sha1.Sum(spki.Key.Bytes)
	one := single{certID{algorithm{asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}}, name[:], key[:], cert.SerialNumber},
		asn1.RawValue{Class: 2, Tag: 0}, begin.Add(time.Duration(salt) * time.Second).UTC()}
	type data struct {
		Responder asn1.RawValue
		Produced  time.Time `asn1:"generalized"`
		Answers   []single
	}
	d := data{asn1.RawValue{Class: 2, Tag: 1, IsCompound: true, Bytes: issuer.RawSubject}, begin.Add(time.Duration(salt) * time.Second).UTC(), nil}
	for range n {
		d.Answers = append(d.Answers, one)
	}
	basic, err := asn1.Marshal(struct {
		Data      data
		Algorithm algorithm
		Signature asn1.BitString
	}{d, algorithm{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}}, asn1.BitString{Bytes: make([]byte, 70), BitLength: 560}})
	if err != nil {
		t.Fatal(err)
	}
	type responseBytes struct {
		Type     asn1.ObjectIdentifier
		Response []byte
	}
	der, err := asn1.Marshal(struct {
		Status asn1.Enumerated
		Bytes  responseBytes `asn1:"explicit,tag:0"`
	}{0, responseBytes{asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}, basic}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// hugeKey: the issuer that the signer names has a modulus of 65,536 bits.
func hugeKey(t *testing.T, w *world) []byte {
	ca := stranger(t, w, pkix.Name{CommonName: "CA"})
	n := new(big.Int).Lsh(big.NewInt(1), 65535)
	n.Add(n, big.NewInt(1))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(5), Subject: ca.cert.Subject, NotBefore: begin.Add(-day), NotAfter: begin.Add(900 * day),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, &rsa.PublicKey{N: n, E: 65537}, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return withStore(t, signUntrusted(t, w), pades.DSS{Certificates: [][]byte{der}})
}

// manyNames: a trusted authority with four thousand constraints, and a signer
// with as many names.
func manyNames(t *testing.T, w *world) []byte {
	const n = 4000
	ca := &authority{key: ecKey(t).Signer.(*ecdsa.PrivateKey)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA Contoh"}, NotBefore: begin.Add(-day), NotAfter: begin.Add(1000 * day),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Pejabat"}, NotBefore: begin.Add(-day), NotAfter: begin.Add(900 * day),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	for i := range n {
		template.ExcludedEmailAddresses = append(template.ExcludedEmailAddresses, fmt.Sprintf("b%d.contoh", i))
		leaf.EmailAddresses = append(leaf.EmailAddresses, fmt.Sprintf("x@a%d.contoh", i))
	}
	for _, step := range []struct {
		template *x509.Certificate
		key      any
		to       **x509.Certificate
	}{{template, ca.key.Public(), &ca.cert}, {leaf, w.key.Public(), &w.cert}} {
		parent := template
		if ca.cert != nil {
			parent = ca.cert
		}
		der, err := x509.CreateCertificate(rand.Reader, step.template, parent, step.key, ca.key)
		if err != nil {
			t.Fatal(err)
		}
		if *step.to, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
	}
	w.chain = []*x509.Certificate{ca.cert}
	trusted[t.Name()] = ca.cert
	return signUntrusted(t, w)
}

// manyRevisions: twenty thousand objects, and a hundred and ninety revisions
// after the signature.
func manyRevisions(t *testing.T, w *world) []byte {
	b := letter(t)
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	u := doc.Latest().NewUpdate()
	for i := range 20_000 {
		u.Add(pdf.Dict{"N": pdf.Integer(i)})
	}
	tail, err := u.Finish()
	if err != nil {
		t.Fatal(err)
	}
	b = w.sign(t, append(bytes.Clone(b), tail...), signer.B)
	self := ecKey(t).Signer.(*ecdsa.PrivateKey)
	for i := range int64(190) {
		b = withStore(t, b, pades.DSS{Certificates: [][]byte{certify(t, i+1, pkix.Name{CommonName: fmt.Sprint(i)}, self, nil).Raw}})
	}
	return b
}

// manyStamps: five signatures, each with hundreds of time-stamps, and thousands
// of certificates any of which might be an authority's.
func manyStamps(t *testing.T, w *world) []byte {
	w.newSigner(t, 900<<10)
	b := letter(t)
	for range 5 {
		b = stuffed(t, w.sign(t, b, signer.T))
	}
	self := ecKey(t).Signer.(*ecdsa.PrivateKey)
	var dss pades.DSS
	for i := range int64(3900) {
		dss.Certificates = append(dss.Certificates, certify(t, i+1, pkix.Name{CommonName: fmt.Sprint(i)}, self, nil).Raw)
	}
	return withStore(t, b, dss)
}

// stuffed repeats the time-stamp of the last signature until its gap is full.
func stuffed(t *testing.T, b []byte) []byte {
	t.Helper()
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := pades.Signatures(doc)
	if err != nil {
		t.Fatal(err)
	}
	s := all[len(all)-1]
	der, err := s.CMS()
	if err != nil {
		t.Fatal(err)
	}
	sd, err := cms.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	token := sd.SignerInfos[0].SignatureTimestamps()[0]
	room := int(s.ByteRange[2]-s.ByteRange[1])/2 - 2
	for range 60 { // the limit of attributes of one signature is 64
		more, err := cms.AddTimestamp(der, token)
		if err != nil {
			t.Fatal(err)
		}
		if len(more) > room {
			break
		}
		der = more
	}
	out := bytes.Clone(b)
	copy(out[s.ByteRange[1]+1:], []byte(strings.ToUpper(hex.EncodeToString(der))))
	return out
}

func manySignatures(t *testing.T, w *world) []byte {
	b := letter(t)
	for range 20 {
		b = w.sign(t, b, signer.LTA)
		w.advance(time.Minute)
	}
	return b
}

// manySigners is honest: what it costs must not look like an attack.
func manySigners(t *testing.T, w *world) []byte {
	b := letter(t)
	for range 60 {
		w.key = ecKey(t)
		w.issue(t, lab.IssueOptions{})
		b = w.sign(t, b, signer.LT)
		w.advance(time.Second)
	}
	return b
}

func manyLists(t *testing.T, w *world) []byte {
	ca := stranger(t, w, pkix.Name{CommonName: "CA Contoh"})
	trusted[t.Name()] = ca.cert
	impostor := &authority{key: ecKey(t).Signer.(*ecdsa.PrivateKey)}
	impostor.cert = certify(t, 1, ca.cert.Subject, impostor.key, nil)
	var dss pades.DSS
	for range 4000 {
		dss.CRLs = append(dss.CRLs, list(t, impostor, 1))
	}
	return withStore(t, signUntrusted(t, w), dss)
}

// inflating: objects of fifteen megabytes, which take no room in the file.
func inflating(t *testing.T, w *world) []byte {
	return inflatingLists(t, w.sign(t, letter(t), signer.B), 30)
}

// manyStores: twenty-five document timestamps, each over a store of sixty
// megabytes.
func manyStores(t *testing.T, w *world) []byte {
	b := inflatingLists(t, w.sign(t, letter(t), signer.B), 4)
	for range 25 {
		res, err := w.signer.Timestamp(context.Background(), input(b), w.now())
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, res.Tail...)
		w.advance(time.Second)
	}
	return b
}

func inflatingLists(t *testing.T, b []byte, n int) []byte {
	t.Helper()
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	u := doc.Latest().NewUpdate()
	var z bytes.Buffer
	zw := zlib.NewWriter(&z)
	zw.Write([]byte{0x30, 0x83, 0xe0, 0, 0})
	zw.Write(make([]byte, 15<<20))
	zw.Close()
	var lists pdf.Array
	for range n {
		lists = append(lists, u.Add(pdf.NewStream(pdf.Dict{"Filter": pdf.Name("FlateDecode")}, z.Bytes())))
	}
	catalog, err := doc.Latest().Catalog()
	if err != nil {
		t.Fatal(err)
	}
	catalog = pdf.Clone(catalog).(pdf.Dict)
	catalog["DSS"] = u.Add(pdf.Dict{"Type": pdf.Name("DSS"), "CRLs": lists})
	u.Set(doc.Latest().Root(), catalog)
	tail, err := u.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(b), tail...)
}
