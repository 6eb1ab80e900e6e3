package bundle

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/pki"
)

type hashFunc func() hash.Hash

// maxSkew is how much older than the moment in question revocation data may be
// and still speak for it: a CRL of the day counts, as in ETSI EN 319 102-1
// §5.2.5 under a policy of 24 hours. Of an authority's certificate what was
// current at the moment counts, however old: roots issue a list now and then.
const maxSkew = 24 * time.Hour

// logTime proves when the checkpoint existed. Without a token there is only the
// record's own word for any time.
func (v *verification) logTime() {
	token := v.small[fileToken]
	if token == nil {
		v.state("log-time", nil, false, "no timestamp says when the checkpoint existed")
		return
	}
	at, proven, err := v.token(token, over(v.small[fileCheckpoint]), fileTSA)
	if err == nil {
		v.logged = at
	}
	v.state("log-time", err, proven, "the checkpoint existed at %s, by a timestamp", at.UTC().Format(time.RFC3339))
}

// over returns how the digest of data is made, for token.
func over(data []byte) func(*tsp.Token) ([]byte, error) {
	return func(t *tsp.Token) ([]byte, error) {
		h := t.Hash.New()
		h.Write(data)
		return h.Sum(nil), nil
	}
}

// token verifies a TimeStampToken over the digest that imprint returns: imprint,
// signature, the authority's path as of the token's time, and that nothing on it
// was revoked.
func (v *verification) token(token []byte, imprint func(*tsp.Token) ([]byte, error), pathFile string) (at time.Time, proven bool, err error) {
	t, err := tsp.ParseToken(token)
	if err != nil {
		return time.Time{}, false, err
	}
	path, err := v.path(pathFile)
	if err != nil {
		return time.Time{}, false, err
	}
	if t.Hash == 0 || !t.Hash.Available() {
		return time.Time{}, false, errors.New("a timestamp with an unknown digest algorithm")
	}
	digest, err := imprint(t)
	if err != nil {
		return time.Time{}, false, err
	}
	if err := t.Check(t.Hash, digest, path[0]).Err(); err != nil {
		return time.Time{}, false, fmt.Errorf("timestamp: %w", err)
	}
	pinned, err := v.certified(path, v.opts.TSAs, t.Time, pki.Timestamping)
	if err != nil {
		return t.Time, false, err
	}
	missing, err := v.revocation(path, t.Time)
	return t.Time, pinned && missing == nil, err
}

// path reads a chain in PEM, leaf first. The file is held to the bytes that
// Write would have made, so that nothing hides in it.
func (v *verification) path(name string) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for rest := v.small[name]; len(rest) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil || len(out) == maxCertificates {
			return nil, fmt.Errorf("%s: not a chain of certificates", name)
		}
		out = append(out, c)
	}
	if len(out) == 0 || !bytes.Equal(encodePEM(out), v.small[name]) {
		return nil, fmt.Errorf("%s: not a chain of certificates", name)
	}
	return out, nil
}

// certified validates a path as of a moment. Without anchors of the caller's
// its own end serves, and it is not pinned.
func (v *verification) certified(path []*x509.Certificate, anchors *pki.Anchors, at time.Time, purpose pki.Purpose) (pinned bool, err error) {
	pinned = anchors != nil
	if !pinned {
		root := path[len(path)-1]
		anchors = pki.NewAnchors(root)
		v.compare(fmt.Sprintf("%s SHA-256 %x", root.Subject, sha256.Sum256(root.Raw)))
	}
	chain, err := pki.Chain(path[0], path, anchors, at, purpose)
	if err != nil {
		return pinned, err
	}
	if !chain[len(chain)-1].Equal(path[len(path)-1]) {
		return pinned, fmt.Errorf("%s is not where the path ends", chain[len(chain)-1].Subject)
	}
	return pinned, nil
}

// revocation looks for a word on every certificate of the path but the last, of
// the moment or at most maxSkew before it. missing says on which there is none;
// err, which was revoked.
func (v *verification) revocation(path []*x509.Certificate, at time.Time) (missing, err error) {
	m, latest := v.material(path)
	if latest.Before(at) {
		latest = at
	}
	for i, c := range path[:len(path)-1] {
		s, err := pki.CheckRevocation(c, path[i+1], m, pki.NewAnchors(path[len(path)-1]), latest, pki.CheckOptions{IgnoreFreshness: true})
		switch {
		case err != nil:
			missing = fmt.Errorf("%s: %w", c.Subject, err)
		case s.State == pki.Revoked && !s.RevokedAt.After(at):
			return nil, fmt.Errorf("%s was revoked at %s", c.Subject, s.RevokedAt.UTC().Format(time.RFC3339))
		case s.State != pki.Good && s.State != pki.Revoked,
			s.ThisUpdate.Before(at.Add(-maxSkew)) && (i == 0 || s.NextUpdate.Before(at)):
			missing = fmt.Errorf("%s: nothing says that it was good at %s", c.Subject, at.UTC().Format(time.RFC3339))
		}
	}
	return missing, nil
}

// material parses the revocation data, and returns the newest time in it.
func (v *verification) material(path []*x509.Certificate) (*pki.Material, time.Time) {
	e := pki.Evidence{Certificates: path}
	for n := 1; n <= maxFiles; n++ {
		if b := v.small[fmt.Sprintf("%s%d.ocsp", dirRevocation, n)]; b != nil {
			e.OCSPs = append(e.OCSPs, b)
		} else if b := v.small[fmt.Sprintf("%s%d.crl", dirRevocation, n)]; b != nil {
			e.CRLs = append(e.CRLs, b)
		} else {
			break
		}
	}
	m, _ := e.Parse() // what cannot be read says nothing, and then something is missing
	latest := time.Time{}
	for _, o := range m.OCSPs {
		if o.ProducedAt.After(latest) {
			latest = o.ProducedAt
		}
	}
	for _, l := range m.CRLs {
		if l.ThisUpdate.After(latest) {
			latest = l.ThisUpdate
		}
	}
	return m, latest
}

// signature proves the CMS against the signer's certificate, the times of its
// timestamps, the certificate as of then, and that the record names both and
// nothing that is not here.
func (v *verification) signature() {
	if v.small[fileCMS] == nil {
		if v.absent() != nil {
			v.artefacts(nil)
		}
		return
	}
	sd, si, err := v.cms()
	if err != nil {
		v.state("signature", err, true, "")
		return
	}
	path, err := v.path(fileSigner)
	if err != nil {
		v.state("certificate", err, true, "")
		return
	}
	v.messages, err = si.MessageDigest()
	v.hash = nil
	if si.DigestAlgorithm.Available() {
		v.hash = si.DigestAlgorithm.New
	}
	if err == nil && sd.Content != nil {
		err = sd.Check(si, path[0]).Err()
	} else if err == nil {
		// The content is elsewhere: whether it has this digest is the
		// document's business.
		err = si.Check(path[0], v.messages).Err()
	}
	v.state("signature", err, true, "%s signed the attributes", path[0].Subject)
	v.signatureTime(si)
	at, by := v.at(), ""
	pinned, err := v.certified(path, v.opts.Anchors, at, pki.AnyPurpose)
	if v.signed.IsZero() && v.logged.IsZero() {
		pinned, by = false, ", a time by the record's own word"
	}
	v.state("certificate", err, pinned, "%s was certified at %s%s", path[0].Subject, at.UTC().Format(time.RFC3339), by)
	if missing, err := v.revocation(path, at); missing != nil {
		v.state("revocation", err, false, "%v", missing)
	} else {
		v.state("revocation", err, true, "and not revoked")
	}
	v.artefacts(path[0])
}

// cms parses the signature and compares it with the parts taken out of it for
// OpenSSL.
func (v *verification) cms() (*cms.SignedData, *cms.SignerInfo, error) {
	sd, err := cms.Parse(v.small[fileCMS])
	if err != nil {
		return nil, nil, err
	}
	if len(sd.SignerInfos) != 1 || !sd.DER {
		return nil, nil, errors.New("not one signature in DER")
	}
	si := sd.SignerInfos[0]
	if len(si.RawSignedAttributes) == 0 {
		return nil, nil, errors.New("a signature without signed attributes")
	}
	name, err := algorithmName(si.Algorithm)
	if err != nil {
		return nil, nil, errors.Join(err, si.AlgorithmError)
	}
	for file, want := range map[string][]byte{
		fileAttributes: signedAttributes(si), fileValue: si.Value, fileAlgorithm: []byte(name + "\n"),
	} {
		if !bytes.Equal(v.small[file], want) {
			return nil, nil, fmt.Errorf("%s is not taken from %s", file, fileCMS)
		}
	}
	return sd, si, nil
}

// signatureTime takes the earliest token over the signature value.
func (v *verification) signatureTime(si *cms.SignerInfo) {
	tokens := si.SignatureTimestamps()
	if len(tokens) == 0 && v.small["signature/timestamp-1.tst"] == nil {
		return
	}
	all, problems := true, []error(nil)
	for i, token := range tokens {
		file := fmt.Sprintf("signature/timestamp-%d.", i+1)
		if !bytes.Equal(v.small[file+"tst"], token) {
			problems = append(problems, fmt.Errorf("%stst is not taken from %s", file, fileCMS))
			continue
		}
		at, proven, err := v.token(token, over(v.small[fileValue]), file+"pem")
		problems = append(problems, err)
		all = all && proven
		if err == nil && (v.signed.IsZero() || at.Before(v.signed)) {
			v.signed = at
		}
	}
	if v.small[fmt.Sprintf("signature/timestamp-%d.tst", len(tokens)+1)] != nil {
		problems = append(problems, errors.New("a timestamp that is not in the signature"))
	}
	v.state("signature-time", errors.Join(problems...), all, "the signature existed at %s, by a timestamp", v.signed.UTC().Format(time.RFC3339))
}

// artefacts compares what is here with what the record names. signer is nil when
// there is no signature.
func (v *verification) artefacts(signer *x509.Certificate) {
	var err error
	if signer != nil {
		err = v.recorded(evidence.ArtefactCMS, v.small[fileCMS], true)
		sum := sha256.Sum256(signer.Raw)
		if hex.EncodeToString(sum[:]) != v.outcome.Signer.CertificateSHA256 {
			err = errors.Join(err, errors.New("the outcome names another signer's certificate"))
		}
	}
	if missing := v.absent(); missing != nil {
		v.state("artefacts", err, false, "%v", missing)
		return
	}
	v.state("artefacts", err, true, "signature and certificate are those that the outcome names")
}

// absent says which signature or timestamp the record names that is not here:
// without it less is proven than the record claims.
func (v *verification) absent() error {
	here := map[string]bool{}
	for name, data := range v.small {
		if name == fileCMS || strings.HasSuffix(name, ".tst") {
			sum := sha256.Sum256(data)
			here[hex.EncodeToString(sum[:])] = true
		}
	}
	for _, a := range v.named {
		if (a.Kind == evidence.ArtefactCMS || a.Kind == evidence.ArtefactTimestamp) && !here[a.SHA256] {
			return fmt.Errorf("the record names a %s, SHA-256 %s, that is not here", a.Kind, a.SHA256)
		}
	}
	return nil
}

// validationReport compares the reports that are here with what the record
// names. One of which it says nothing may be anybody's.
func (v *verification) validationReport() {
	var (
		err   error
		here  = false
		named = true
	)
	for _, ext := range []string{"json", "xml", "txt", "pdf"} {
		if b := v.small[dirReport+"report."+ext]; b != nil {
			here = true
			err = errors.Join(err, v.recorded("report", b, false))
			named = named && v.recorded("report", b, true) == nil
		}
	}
	switch {
	case !here:
	case named:
		v.state("report", err, true, "the validation report is the one that the record names")
	default:
		v.state("report", err, false, "the record names no validation report: anybody can have written the one that is here")
	}
}

// recorded tells whether the record names an artefact. One that is not needed may
// be of a kind that the record does not speak of.
func (v *verification) recorded(kind string, data []byte, needed bool) error {
	sum := sha256.Sum256(data)
	for _, a := range v.named {
		if a.Kind != kind {
			continue
		}
		if a.SHA256 == hex.EncodeToString(sum[:]) {
			return nil
		}
		needed = true
	}
	if needed {
		return fmt.Errorf("the record names another %s", kind)
	}
	return nil
}
