package gateway

import (
	"crypto/x509"
	"fmt"
	"time"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/signer"
)

// keepOpen is up to which size in bytes a document that was inspected stays open
// until it is signed. What is larger is opened again, rather than held in memory
// while passphrases are tried.
const keepOpen = 1 << 20

// inspect looks at a document before anybody signs it, and before the HSM is
// asked: a signature must mean what its maker saw. It returns the document as
// it is to be signed, and how many pages it has.
func (g *Gateway) inspect(in Upload, password []byte, p Policy) (input signer.Input, pages int, err error) {
	input = in.input(g.cfg.Limits, password)
	doc, err := pdf.Open(in.ReaderAt, in.Size, pdf.Options{Limits: g.cfg.Limits, Password: password})
	if err != nil {
		return input, 0, err
	}
	if pages, err = countPages(doc, p.MaxPages); err != nil {
		return input, 0, err
	}
	hazards, err := pades.Inspect(doc.Latest())
	if err != nil {
		return input, 0, err
	}
	findings := grave(hazards)
	if !p.FilledForms {
		filled, err := filledSince(doc)
		if err != nil {
			return input, 0, err
		}
		findings = append(findings, filled...)
	}
	if len(findings) > 0 {
		return input, 0, &Error{Code: CodeDocumentRefused, Findings: findings,
			Text: "The document must not be signed: " + findings[0].Text}
	}
	if in.Size <= keepOpen {
		input.Document = doc
	}
	return input, pages, nil
}

// filledSince returns the fields that got another value after an earlier signature
// of the document. Under policy gov that signature is then no longer valid, and
// with a new one the letter as a whole is not: nobody should give one who does
// not know. The other changes that break a signature are the signer's to refuse.
func filledSince(doc *pdf.Document) (found []Finding, err error) {
	if signed, err := pades.Signatures(doc); err == nil && len(signed) == 0 {
		return nil, nil
	}
	judged, err := pades.Judge(doc, pades.ChangePolicy{})
	if err != nil {
		return nil, err
	}
	for _, j := range judged.Signatures {
		for _, v := range j.Violations {
			if v.Code != "form-values" || len(found) == maxFindings {
				continue
			}
			found = append(found, Finding{Code: v.Code, Text: fmt.Sprintf("After the signature in the field %q, in %s. "+
				"Take the document from before its first signature, fill in all fields, and have everybody sign it anew; "+
				"or have the application's policy say filledForms where all who verify it accept that (policy forms).", pdf.Printable(j.Signature.Field), v.Text)})
		}
	}
	return found, nil
}

// checkPages counts the pages of a document, and refuses more than the
// application may send.
func (g *Gateway) checkPages(in Upload, password []byte, limit int) (pages int, err error) {
	doc, err := pdf.Open(in.ReaderAt, in.Size, pdf.Options{Limits: g.cfg.Limits, Password: password})
	if err != nil {
		return 0, err
	}
	return countPages(doc, limit)
}

// countPages refuses a document whose pages cannot be counted, or are more than
// limit; 0 is no limit.
func countPages(doc *pdf.Document, limit int) (pages int, err error) {
	if pages, err = doc.Latest().PageCount(); err != nil {
		return 0, err
	}
	if limit > 0 && pages > limit {
		return 0, errorf(CodeTooManyPages, "The document has %d pages; the application may send %d.", pages, limit)
	}
	return pages, nil
}

// maxFindings bounds what a caller is told; the first ones matter.
const maxFindings = 20

// grave returns what speaks against signing.
func grave(hazards []pades.Hazard) []Finding {
	var found []Finding
	for _, h := range hazards {
		if !h.Grave || len(found) == maxFindings {
			continue
		}
		f := Finding{Code: h.Rule, Page: h.Page, Text: h.Text}
		if h.Object != (pdf.Ref{}) {
			f.Object = fmt.Sprintf("%d %d", h.Object.Num, h.Object.Gen)
		}
		found = append(found, f)
	}
	return found
}

// certificateBlobs makes artefacts of certificates.
func certificateBlobs(certs []*x509.Certificate) []evidence.Blob {
	blobs := make([]evidence.Blob, 0, len(certs))
	for _, c := range certs {
		blobs = append(blobs, evidence.Blob{Kind: evidence.ArtefactCertificate, Data: c.Raw})
	}
	return blobs
}

// evidenceBlobs makes artefacts of certificates and their revocation data.
func evidenceBlobs(e pki.Evidence) []evidence.Blob {
	blobs := certificateBlobs(e.Certificates)
	for _, der := range e.OCSPs {
		blobs = append(blobs, evidence.Blob{Kind: evidence.ArtefactOCSP, Data: der})
	}
	for _, der := range e.CRLs {
		blobs = append(blobs, evidence.Blob{Kind: evidence.ArtefactCRL, Data: der})
	}
	return blobs
}

// resultArtefacts is what is kept of a signature or timestamp: all that is
// needed to judge it without the document.
func resultArtefacts(r *signer.Result) []evidence.Blob {
	var blobs []evidence.Blob
	if r.CMS != nil {
		blobs = append(blobs, evidence.Blob{Kind: evidence.ArtefactCMS, Data: r.CMS})
	}
	for _, token := range r.Tokens {
		blobs = append(blobs, evidence.Blob{Kind: evidence.ArtefactTimestamp, Data: token})
	}
	return append(blobs, evidenceBlobs(r.Evidence)...)
}

// renewalOf says when the last timestamp of a result must be renewed: before
// the certificate of its authority ends.
func renewalOf(r *signer.Result) (due time.Time, ok bool) {
	if len(r.Tokens) == 0 {
		return due, false
	}
	token, err := tsp.ParseToken(r.Tokens[len(r.Tokens)-1])
	if err != nil {
		return due, false // the signer has checked it
	}
	authority, err := token.Signer()
	if err != nil {
		return due, false
	}
	return authority.NotAfter.Add(-renewBefore), true
}
