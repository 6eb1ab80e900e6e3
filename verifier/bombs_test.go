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
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
)

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

func tenThousand(t *testing.T, w *world) []byte {
	self := testkey.P256(t).Signer.(*ecdsa.PrivateKey)
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
	ca := &authority{key: testkey.P256(t).Signer.(*ecdsa.PrivateKey)}
	ca.cert = certify(t, 1, name, ca.key, nil)
	w.cert = certificate(t, x509.Certificate{
		SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "Pejabat"}, NotBefore: begin.Add(-day), NotAfter: begin.Add(900 * day),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}, w.key.Public(), ca)
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
		a := &authority{key: testkey.P256(t).Signer.(*ecdsa.PrivateKey)}
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
			a.key = testkey.P256(t).Signer.(*ecdsa.PrivateKey)
		}
		a.cert = certify(t, i+2, ca.cert.Subject, a.key, by)
		dss.Certificates = append(dss.Certificates, a.cert.Raw)
		by = a
	}
	return withStore(t, signUntrusted(t, w), dss)
}

// list makes an authority's list of n numbers and more, none of them anybody's.
func list(t *testing.T, ca *authority, n int, more ...*big.Int) []byte {
	t.Helper()
	for i := range n {
		more = append(more, big.NewInt(int64(1_000_000+i)))
	}
	template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: begin, NextUpdate: begin.Add(30 * day)}
	for _, number := range more {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: number, RevocationTime: begin.Add(-time.Hour), ReasonCode: 1,
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
	template := authorityTemplate(5, ca.cert.Subject, begin.Add(-day), begin.Add(900*day))
	der, err := x509.CreateCertificate(rand.Reader, &template, ca.cert, &rsa.PublicKey{N: n, E: 65537}, ca.key)
	if err != nil { // crypto/x509 may not read it again
		t.Fatal(err)
	}
	return withStore(t, signUntrusted(t, w), pades.DSS{Certificates: [][]byte{der}})
}

// manyNames: a trusted authority with four thousand constraints, and a signer
// with as many names.
func manyNames(t *testing.T, w *world) []byte {
	const n = 4000
	ca := &authority{key: testkey.P256(t).Signer.(*ecdsa.PrivateKey)}
	template := authorityTemplate(1, pkix.Name{CommonName: "CA Contoh"}, begin.Add(-day), begin.Add(1000*day))
	leaf := x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Pejabat"}, NotBefore: begin.Add(-day), NotAfter: begin.Add(900 * day),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	for i := range n {
		template.ExcludedEmailAddresses = append(template.ExcludedEmailAddresses, fmt.Sprintf("b%d.contoh", i))
		leaf.EmailAddresses = append(leaf.EmailAddresses, fmt.Sprintf("x@a%d.contoh", i))
	}
	ca.cert = certificate(t, template, ca.key.Public(), ca)
	w.cert = certificate(t, leaf, w.key.Public(), ca)
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
	self := testkey.P256(t).Signer.(*ecdsa.PrivateKey)
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
	self := testkey.P256(t).Signer.(*ecdsa.PrivateKey)
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
		w.key = testkey.P256(t)
		w.issue(t, lab.IssueOptions{})
		b = w.sign(t, b, signer.LT)
		w.advance(time.Second)
	}
	return b
}

func manyLists(t *testing.T, w *world) []byte { return listsAndNames(t, w, 4000, 0) }

// manyListsAndNames: fewer, and as many certificates of long names, among which
// the signer of each list is looked for.
func manyListsAndNames(t *testing.T, w *world) []byte { return listsAndNames(t, w, 2000, 2000) }

// longCertificates: forty megabytes of certificates.
func longCertificates(t *testing.T, w *world) []byte { return listsAndNames(t, w, 1, 2500) }

func listsAndNames(t *testing.T, w *world, lists, names int) []byte {
	ca := stranger(t, w, pkix.Name{CommonName: "CA Contoh"})
	trusted[t.Name()] = ca.cert
	impostor := &authority{key: testkey.P256(t).Signer.(*ecdsa.PrivateKey)}
	impostor.cert = certify(t, 1, ca.cert.Subject, impostor.key, nil)
	long := strings.Repeat("CA lain ", 1000)
	var dss pades.DSS
	for range lists {
		dss.CRLs = append(dss.CRLs, list(t, impostor, 1))
	}
	for i := range int64(names) {
		dss.Certificates = append(dss.Certificates, certify(t, i+2, pkix.Name{CommonName: fmt.Sprint(long, i)}, impostor.key, nil).Raw)
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
	return stamped(t, w, inflatingLists(t, w.sign(t, letter(t), signer.B), 4), 25)
}

// farStores: forty document timestamps, each over a store whose four thousand items
// stand behind thirty references each and are nothing.
func farStores(t *testing.T, w *world) []byte {
	b := withItems(t, w.sign(t, letter(t), signer.B), "Certs", func(u *pdf.Update) (items pdf.Array) {
		end := u.Add(pdf.Integer(1))
		for range 29 {
			end = u.Add(end)
		}
		for range 4000 {
			items = append(items, u.Add(end))
		}
		return items
	})
	return stamped(t, w, b, 40)
}

func inflatingLists(t *testing.T, b []byte, n int) []byte {
	t.Helper()
	lists := make([][]byte, n)
	for i := range lists {
		lists[i] = append([]byte{0x30, 0x83, 0xe0, 0, 0}, make([]byte, 15<<20)...)
	}
	return withDeflated(t, b, lists)
}

// withDeflated adds a security store with lists that take little room in the file.
func withDeflated(t *testing.T, b []byte, lists [][]byte) []byte {
	t.Helper()
	return withItems(t, b, "CRLs", func(u *pdf.Update) (items pdf.Array) {
		for _, l := range lists {
			var z bytes.Buffer
			zw := zlib.NewWriter(&z)
			zw.Write(l)
			zw.Close()
			items = append(items, u.Add(pdf.NewStream(pdf.Dict{"Filter": pdf.Name("FlateDecode")}, z.Bytes())))
		}
		return items
	})
}

// oldLists: a hundred signers, and a hundred and fifty lists of their authority, of a
// hundred kilobytes each, as it may have published over the years.
func oldLists(t *testing.T, w *world) []byte { return signersAndLists(t, w) }

// likeNumbers: the same, but in the numbers on the lists are the bytes of the
// signers' own, so that each list must be read for each signer.
func likeNumbers(t *testing.T, w *world) []byte {
	var alike []*big.Int
	for i := range int64(100) {
		der, err := asn1.Marshal(100 + i)
		if err != nil {
			t.Fatal(err)
		}
		alike = append(alike, new(big.Int).SetBytes(der))
	}
	return signersAndLists(t, w, alike...)
}

func signersAndLists(t *testing.T, w *world, numbers ...*big.Int) []byte {
	ca := stranger(t, w, pkix.Name{CommonName: "CA Contoh"})
	trusted[t.Name()] = ca.cert
	b := signedByMany(t, w, ca, 100)
	var lists [][]byte
	for range 150 {
		lists = append(lists, list(t, ca, 2700, numbers...))
	}
	return withDeflated(t, b, lists)
}

// blankNames: thirty signers, and four lists whose issuer has fifteen megabytes of
// blanks in its name, which do not count when names are compared.
func blankNames(t *testing.T, w *world) []byte {
	ca := stranger(t, w, pkix.Name{CommonName: "CA Contoh"})
	trusted[t.Name()] = ca.cert
	b := signedByMany(t, w, ca, 30)
	impostor := &authority{key: testkey.P256(t).Signer.(*ecdsa.PrivateKey)}
	impostor.cert = certify(t, 1, pkix.Name{CommonName: "CA" + strings.Repeat(" ", 15<<20) + "Contoh"}, impostor.key, nil)
	var lists [][]byte
	for range 4 {
		lists = append(lists, list(t, impostor, 1))
	}
	return withDeflated(t, b, lists)
}

// signedByMany is a letter with n signatures, each by another certificate.
func signedByMany(t *testing.T, w *world, ca *authority, n int64) []byte {
	t.Helper()
	b := signUntrusted(t, w)
	for i := range n - 1 {
		template := x509.Certificate{
			SerialNumber: big.NewInt(100 + i), Subject: pkix.Name{CommonName: "Pejabat"}, NotBefore: begin.Add(-day), NotAfter: begin.Add(900 * day),
			KeyUsage: x509.KeyUsageDigitalSignature,
		}
		w.cert = certificate(t, template, w.key.Public(), ca)
		b = w.sign(t, b, signer.B)
	}
	return b
}

// withItems adds a revision whose security store has one list, whatever is in it.
func withItems(t *testing.T, b []byte, key pdf.Name, items func(*pdf.Update) pdf.Array) []byte {
	t.Helper()
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	u := doc.Latest().NewUpdate()
	catalog, err := doc.Latest().Catalog()
	if err != nil {
		t.Fatal(err)
	}
	catalog = pdf.Clone(catalog).(pdf.Dict)
	catalog["DSS"] = u.Add(pdf.Dict{"Type": pdf.Name("DSS"), key: items(u)})
	u.Set(doc.Latest().Root(), catalog)
	tail, err := u.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(b), tail...)
}

// stamped adds n document timestamps, a second apart.
func stamped(t *testing.T, w *world, b []byte, n int) []byte {
	t.Helper()
	for range n {
		res, err := w.signer.Timestamp(context.Background(), input(b), w.now())
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, res.Tail...)
		w.advance(time.Second)
	}
	return b
}

// overAll is by a hash function without assembly, SHA3-512 for SHA-256.
func overAll(t *testing.T, w *world) []byte {
	return overAllBy(t, w, func(der []byte) []byte {
		return bytes.ReplaceAll(der, unhex(t, "608648016503040201"), unhex(t, "60864801650304020a"))
	})
}

// shakenOverAll is by ML-DSA-65 with SHAKE256, algorithms of no catalogue, for RSA
// with SHA-256: the digest is made by itself.
func shakenOverAll(t *testing.T, w *world) []byte {
	w.key = testkey.RSA(t, 2048)
	w.issue(t, lab.IssueOptions{})
	return overAllBy(t, w, func(der []byte) []byte {
		rsa := unhex(t, "2a864886f70d010101")
		at := bytes.LastIndex(der, rsa) // the signer's, behind the certificates
		if at < 0 {
			t.Fatal("the signature is not by RSA")
		}
		copy(der[at:], unhex(t, "608648016503040312"))
		return bytes.ReplaceAll(der, unhex(t, "608648016503040201"), unhex(t, "60864801650304020c"))
	})
}

// overAllBy is a file in whose only revision 190 signatures are over the same
// seven megabytes behind them, by what is made of a genuine one.
func overAllBy(t *testing.T, w *world, remake func(der []byte) []byte) []byte {
	signed := w.sign(t, letter(t), signer.B)
	doc, err := pdf.Open(bytes.NewReader(signed), int64(len(signed)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := pades.Signatures(doc)
	if err != nil {
		t.Fatal(err)
	}
	der, err := all[0].CMS()
	if err != nil {
		t.Fatal(err)
	}
	der = remake(der)
	const n, first = 190, 10
	contents := fmt.Sprintf("<%X>", der)
	b := []byte("%PDF-1.7\n")
	at := map[int]int{}
	object := func(num int, body string) {
		at[num] = len(b)
		b = fmt.Appendf(b, "%d 0 obj\n%s\nendobj\n", num, body)
	}
	fields := ""
	for i := range n {
		num := first + 2*i
		object(num, fmt.Sprintf("<</FT/Sig/T(s%d)/V %d 0 R>>", i, num+1))
		object(num+1, "<</Type/Sig/Filter/x/SubFilter/ETSI.CAdES.detached/ByteRange[0 1111111111 2222222222 3333333333]/Contents "+contents+">>")
		fields += fmt.Sprintf("%d 0 R ", num)
	}
	object(1, "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields["+fields+"]>>>>")
	object(2, "<</Type/Pages/Kids[3 0 R]/Count 1>>")
	object(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>")
	object(4, fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", 7<<20, strings.Repeat("x", 7<<20)))
	xref := len(b)
	b = append(b, "xref\n0 1\n0000000000 65535 f \n"...)
	for _, num := range slices.Sorted(maps.Keys(at)) {
		b = fmt.Appendf(b, "%d 1\n%010d 00000 n \n", num, at[num])
	}
	b = fmt.Appendf(b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", first+2*n, xref)
	for i := range n {
		dict := at[first+2*i+1]
		gap := dict + bytes.Index(b[dict:], []byte("/Contents ")) + len("/Contents ")
		resume := gap + len(contents)
		numbers := fmt.Sprintf("%010d %010d %010d", gap, resume, len(b)-resume)
		copy(b[dict+bytes.Index(b[dict:], []byte("1111111111")):], numbers)
	}
	return b
}

// longNames: a later revision adds twenty thousand fields with one name of a
// hundred thousand letters.
func longNames(t *testing.T, w *world) []byte {
	b := w.sign(t, letter(t), signer.B)
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := doc.Latest().Catalog()
	if err != nil {
		t.Fatal(err)
	}
	u := doc.Latest().NewUpdate()
	name := u.Add(pdf.String(strings.Repeat("x", 100_000)))
	var fields pdf.Array
	for range 20_000 {
		fields = append(fields, u.Add(pdf.Dict{"T": name, "FT": pdf.Name("Tx")}))
	}
	changed := maps.Clone(catalog)
	changed["AcroForm"] = pdf.Dict{"Fields": fields}
	u.Set(doc.Latest().Root(), changed)
	tail, err := u.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return append(b, tail...)
}

// manyElements: a logical structure of sixty thousand elements, of which each of a
// hundred and eighty later revisions has one anew.
func manyElements(t *testing.T, w *world) []byte {
	revise := func(b []byte, change func(*pdf.Revision, *pdf.Update)) []byte {
		doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		u := doc.Latest().NewUpdate()
		change(doc.Latest(), u)
		tail, err := u.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return append(b, tail...)
	}
	var one pdf.Ref
	b := revise(letter(t), func(latest *pdf.Revision, u *pdf.Update) {
		catalog, err := latest.Catalog()
		if err != nil {
			t.Fatal(err)
		}
		var elements pdf.Array
		for range 60_000 {
			one = u.Add(pdf.Dict{"S": pdf.Name("P")})
			elements = append(elements, one)
		}
		tagged := maps.Clone(catalog)
		tagged["StructTreeRoot"] = u.Add(pdf.Dict{"Type": pdf.Name("StructTreeRoot"), "K": elements})
		u.Set(latest.Root(), tagged)
	})
	b = w.sign(t, b, signer.B)
	for i := range 180 {
		b = revise(b, func(_ *pdf.Revision, u *pdf.Update) {
			u.Set(one, pdf.Dict{"S": pdf.Name("P"), "T": pdf.String(strings.Repeat("x", i))})
		})
	}
	return b
}
