package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/pki"
)

//go:embed verify.sh
var script []byte

//go:embed README.txt
var readme []byte

// Input is what a bundle is made of. Origin, Keys and Proofs must be set.
type Input struct {
	Origin string // of the log
	// Keys are vkeys of log and receipts, as many as the proofs need.
	Keys []string
	// Successors are key statements (evidence.KeyStatement), oldest first, that
	// lead from a key that a reader may know to the one that signs now.
	Successors [][]byte
	// Proofs are those of all entries of one operation, under one checkpoint,
	// as evidence.Log.Prove returns them.
	Proofs []evidence.Proof
	// Earlier is a checkpoint (signed note) that somebody holds, and Consistency
	// the proof from it to that of Proofs (evidence.MarshalConsistency); both nil
	// for none.
	Earlier, Consistency []byte

	// CMS is the signature made, as it stands in the document; nil when the
	// operation made none. It must be DER.
	CMS []byte
	// Timestamps are the TimeStampTokens (DER) of document timestamps that the
	// operation made, as they stand in the document; those that are in CMS are
	// passed over.
	Timestamps [][]byte
	// Evidence holds the certificates and revocation data for the signature, its
	// timestamps and the checkpoint's: everything that is to be usable later.
	Evidence pki.Evidence
	// Anchors and TSAs are where the paths of signers and of timestamp
	// authorities end. The bundle names them; it does not make anybody trust
	// them.
	Anchors, TSAs *pki.Anchors

	// Report is a validation report, nil for none, and ReportType one of json,
	// xml, txt and pdf.
	Report     []byte
	ReportType string
	// Document is the signed PDF, nil to leave it out, of DocumentSize bytes;
	// ByteRange is what the signature covers of it.
	Document     io.ReaderAt
	DocumentSize int64
	ByteRange    [4]int64
}

// Write writes the bundle to w. The same input gives the same bytes. It verifies
// nothing that Verify does; it returns an error for input that cannot be laid
// out, and when no path leads to an anchor.
func Write(w io.Writer, in Input) error {
	if len(in.Proofs) == 0 || len(in.Proofs) > maxEntries || in.Origin == "" || len(in.Keys) == 0 {
		return errors.New("bundle: the origin, the keys and the proofs of an operation are needed")
	}
	b := &writer{zip: zip.NewWriter(w)}
	b.add(fileReadme, readme)
	b.add(fileScript, script)
	b.log(&in)
	for i := range in.Proofs {
		b.entry(i+1, &in.Proofs[i], in.Origin, in.Keys)
	}
	if in.CMS != nil {
		b.signature(&in)
	}
	b.documentTimestamps(&in)
	b.revocation(&in)
	if in.Report != nil {
		b.add(dirReport+"report."+in.ReportType, in.Report)
	}
	if in.Document != nil {
		b.addFrom(fileDocument, io.NewSectionReader(in.Document, 0, in.DocumentSize))
		r := in.ByteRange
		b.add(fileRanges, fmt.Appendf(nil, "%d %d %d %d\n", r[0], r[1], r[2], r[3]))
	}
	b.add(fileSums, []byte(strings.Join(b.sums, "")))
	if b.err != nil {
		return fmt.Errorf("bundle: %w", b.err)
	}
	return b.zip.Close()
}

// writer adds files to the zip. After the first error it does nothing.
type writer struct {
	zip  *zip.Writer
	sums []string // lines of SHA256SUMS
	// tokens are those in the CMS.
	tokens [][]byte
	err    error
}

func (b *writer) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *writer) add(name string, data []byte) { b.addFrom(name, bytes.NewReader(data)) }

// epoch is the time of every file: the oldest that zip can say.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

func (b *writer) addFrom(name string, r io.Reader) {
	if b.err != nil {
		return
	}
	if !allowed(name) {
		b.fail(fmt.Errorf("%s is not a file of a bundle", name))
		return
	}
	h := &zip.FileHeader{Name: name, Method: zip.Store, Modified: epoch}
	mode := 0o644
	if name == fileScript {
		mode = 0o755
	}
	h.ExternalAttrs = uint32(0o100000|mode) << 16
	h.CreatorVersion = 3 << 8 // Unix, for the mode
	f, err := b.zip.CreateHeader(h)
	if err != nil {
		b.fail(err)
		return
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(f, sum), r); err != nil {
		b.fail(err)
		return
	}
	b.sums = append(b.sums, hex.EncodeToString(sum.Sum(nil))+"  "+name+"\n")
}

// log adds what is about the log as a whole.
func (b *writer) log(in *Input) {
	c := in.Proofs[0].Checkpoint
	b.add(fileOrigin, []byte(in.Origin+"\n"))
	b.add(fileKeys, []byte(strings.Join(in.Keys, "\n")+"\n"))
	for i, msg := range in.Successors {
		b.add(fmt.Sprintf("log/successor-%d.note", i+1), msg)
	}
	b.add(fileCheckpoint, c.Note)
	if c.Token != nil {
		b.add(fileToken, c.Token)
		b.path(fileTSA, c.Token, in)
	}
	if in.Earlier != nil {
		b.add(fileEarlier, in.Earlier)
		b.add(fileConsistency, in.Consistency)
	}
}

func (b *writer) entry(n int, p *evidence.Proof, origin string, keys []string) {
	dir := fmt.Sprintf("entries/%d/", n)
	b.add(dir+fileRecord, p.Entry.Record)
	b.add(dir+fileSalt, p.Entry.Salt[:])
	// An entry of the time when the log had another name has a receipt of that.
	if r, ok := evidence.ReceiptOf(origin, p.Entry); ok && slices.ContainsFunc(keys, func(vkey string) bool {
		return strings.HasPrefix(vkey, evidence.ReceiptName(origin)+"+"+r.KeyID+"+")
	}) {
		b.add(dir+fileReceipt, r.Note)
	}
	b.add(dir+fileProof, p.Marshal())
}

// path adds the path from the signer of a token to an anchor, as of the token's
// time.
func (b *writer) path(name string, token []byte, in *Input) {
	t, err := tsp.ParseToken(token)
	if err != nil {
		b.fail(err)
		return
	}
	signer, err := t.Signer(in.Evidence.Certificates...)
	if err != nil {
		b.fail(err)
		return
	}
	pool := append(slices.Clone(in.Evidence.Certificates), t.SignedData.Certificates()...)
	chain, err := pki.Chain(signer, pool, in.TSAs, t.Time, pki.Timestamping)
	if err != nil {
		b.fail(err)
		return
	}
	b.add(name, encodePEM(chain))
}

func encodePEM(chain []*x509.Certificate) []byte {
	var out []byte
	for _, c := range chain {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

// signature adds the CMS, the parts of it that OpenSSL is asked about, its
// timestamps and the signer's path.
func (b *writer) signature(in *Input) {
	sd, err := cms.Parse(in.CMS)
	if err == nil && len(sd.SignerInfos) != 1 {
		err = fmt.Errorf("a CMS with %d signers", len(sd.SignerInfos))
	}
	if err != nil {
		b.fail(err)
		return
	}
	si := sd.SignerInfos[0]
	signer, err := sd.Signer(si, in.Evidence.Certificates...)
	if err != nil {
		b.fail(err)
		return
	}
	name, err := algorithmName(si.Algorithm)
	if err != nil || len(si.RawSignedAttributes) == 0 {
		b.fail(errors.Join(err, si.AlgorithmError))
		return
	}
	b.add(fileCMS, in.CMS)
	b.add(fileAttributes, signedAttributes(si))
	b.add(fileValue, si.Value)
	b.add(fileAlgorithm, []byte(name+"\n"))
	at := in.Proofs[len(in.Proofs)-1].Entry.Time
	b.tokens = si.SignatureTimestamps()
	for i, token := range b.tokens {
		b.add(fmt.Sprintf("signature/timestamp-%d.tst", i+1), token)
		b.path(fmt.Sprintf("signature/timestamp-%d.pem", i+1), token, in)
		if t, err := tsp.ParseToken(token); err == nil && (i == 0 || t.Time.Before(at)) {
			at = t.Time
		}
	}
	pool := append(slices.Clone(in.Evidence.Certificates), sd.Certificates()...)
	chain, err := pki.Chain(signer, pool, in.Anchors, at, pki.AnyPurpose)
	if err != nil {
		b.fail(err)
		return
	}
	b.add(fileSigner, encodePEM(chain))
}

// documentTimestamps adds the tokens that are not in the CMS and their paths.
func (b *writer) documentTimestamps(in *Input) {
	n := 0
	for _, token := range in.Timestamps {
		if slices.ContainsFunc(b.tokens, func(t []byte) bool { return bytes.Equal(t, token) }) {
			continue
		}
		n++
		name := fmt.Sprintf("document/timestamp-%d.", n)
		b.add(name+"tst", token)
		b.path(name+"pem", token, in)
	}
}

// signedAttributes is what was signed: the attributes as a SET OF in place of
// [0] IMPLICIT (RFC 5652 §5.4).
func signedAttributes(si *cms.SignerInfo) []byte {
	out := slices.Clone(si.RawSignedAttributes)
	out[0] = 0x31
	return out
}

// algorithmName says in words that verify.sh knows how a value was made.
func algorithmName(a cms.Algorithm) (string, error) {
	hash := strings.ToLower(strings.ReplaceAll(a.Hash().String(), "-", ""))
	switch a.Scheme() {
	case cms.SchemeRSAPKCS1v15, cms.SchemeECDSA:
		return hash, nil
	case cms.SchemeRSAPSS:
		return fmt.Sprintf("%s pss %d", hash, a.SaltLength()), nil
	case cms.SchemeEd25519:
		return "ed25519", nil
	}
	return "", fmt.Errorf("the signature algorithm %s has no name in a bundle", a)
}

// revocation adds OCSP responses and CRLs, exactly as they were received, each
// once, in order of their bytes.
func (b *writer) revocation(in *Input) {
	n := 0
	add := func(ext string, list [][]byte) {
		list = slices.Clone(list)
		slices.SortFunc(list, bytes.Compare)
		for _, der := range slices.CompactFunc(list, bytes.Equal) {
			n++
			b.add(fmt.Sprintf("%s%d.%s", dirRevocation, n, ext), der)
		}
	}
	add("ocsp", in.Evidence.OCSPs)
	add("crl", in.Evidence.CRLs)
}
