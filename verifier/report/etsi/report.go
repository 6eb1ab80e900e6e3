package etsi

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"

	"github.com/absah-id/absah/verifier"
)

// Options are what a report says of who made it.
type Options struct {
	Version string // of Absah; "" leaves it out
	// Validator is the certificate, in DER, of the service that answers for
	// the report; nil leaves the element out.
	Validator []byte
}

// Write writes r as one XML document in UTF-8. The error is that of w.
func Write(w io.Writer, r *verifier.Report, o Options) error {
	b := &builder{r: r, o: o, objects: newObjects()}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(b.document()); err != nil {
		return err
	}
	if err := e.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// builder makes one document.
type builder struct {
	r       *verifier.Report
	o       Options
	objects *objects
}

func (b *builder) document() *validationReport {
	out := &validationReport{Report: nsReport, Signature: nsSignature, XAdES: nsXAdES, Lists: nsLists, Absah: nsAbsah}
	// Time-stamps come first: what they prove refers to them.
	stamps := b.stamps()
	var subjects []*verifier.Signature
	for _, s := range b.r.Signatures {
		if s.Kind == verifier.KindSignature {
			subjects = append(subjects, s)
		}
	}
	if len(subjects) == 0 {
		subjects = b.r.Signatures
	}
	for i, s := range subjects {
		out.Reports = append(out.Reports, b.signature(i+1, s))
	}
	if len(out.Reports) == 0 {
		out.Reports = []signatureValidationReport{b.nothing()}
	}
	for _, s := range stamps {
		if v := b.objects.byID[b.objects.stamps[s]]; v.Report == nil {
			report := b.timestamp(s)
			v.Report = &report
			v.POE = b.objects.proof(s.POE, v.ID)
		}
	}
	if len(b.objects.list) > 0 {
		out.Objects = &validationObjectList{b.objects.list}
	}
	if len(b.o.Validator) > 0 {
		out.Validator = &signatureValidator{base64.StdEncoding.EncodeToString(b.o.Validator)}
	}
	return out
}

// stamps enters every time-stamp that can be read as an object.
func (b *builder) stamps() []*verifier.Timestamp {
	var out []*verifier.Timestamp
	for _, s := range b.r.Signatures {
		for _, t := range s.Timestamps {
			if len(t.DER) == 0 {
				continue
			}
			b.objects.stamps[t], _ = b.objects.add("timestamp", t.DER)
			out = append(out, t)
		}
	}
	return out
}

// nothing reports a file without signatures, or one that cannot be read: of
// that nothing can be said, and least of all that it carries none.
func (b *builder) nothing() signatureValidationReport {
	main := noSignatureURI
	if b.r.Verdict != verifier.NoSignature {
		main = mainIndication + "indeterminate"
	}
	out := signatureValidationReport{
		Process:  b.process(""),
		Document: &signersDocument{Digest: *digest(crypto.SHA256, b.r.SHA256[:])},
		Status:   validationStatus{Main: main},
		Other:    b.other(nil),
	}
	if len(b.r.Reasons) > 0 {
		out.Status.Data = []reportData{{Additional: reasons(b.r.Reasons)}}
	}
	return out
}

func (b *builder) signature(n int, s *verifier.Signature) signatureValidationReport {
	out := signatureValidationReport{
		Identifier:  identifier(n, s),
		Constraints: b.constraints(s.Process),
		Time: &validationTimeInfo{
			Moment: dateTime(b.r.At),
			Best:   b.objects.proofOfSignature(s.Proof, s.Field),
		},
		Attributes: b.attributes(s),
		Process:    b.process(s.Kind),
		Other:      b.other(s),
	}
	if s.Proof.Time.IsZero() {
		out.Time.Best.Time = dateTime(s.BestTime)
	}
	if len(s.Material.Digest) > 0 {
		out.Document = &signersDocument{
			Digest: *digest(s.Material.Hash, s.Material.Digest), Ref: &reference{b.objects.addSigned(s.Material, n)},
		}
	}
	out.Signer, out.Status = b.conclusion(s.Conclusion, s.Path, s.Timestamps)
	out.Status.Main = signatureIndication(s.Indication)
	out.Status.Data = append(out.Status.Data, b.weak(s)...)
	if out.Signer == nil && len(s.Certificate) > 0 {
		id, _ := b.objects.add("certificate", s.Certificate)
		out.Signer = &signerInformation{Certificate: reference{id}}
	}
	if out.Signer != nil {
		out.Signer.Signer = name(s.Signer)
	}
	return out
}

// timestamp is the report about a time-stamp as a validation object.
func (b *builder) timestamp(t *verifier.Timestamp) signatureValidationReport {
	out := signatureValidationReport{
		Constraints: b.constraints(t.Process),
		Time:        &validationTimeInfo{Moment: dateTime(b.r.At), Best: *b.objects.proof(t.POE, "")},
		Process:     b.process(verifier.KindDocumentTimestamp),
	}
	if len(t.Imprint) > 0 {
		out.Document = &signersDocument{Digest: *digest(t.Hash, t.Imprint)}
	}
	out.Signer, out.Status = b.conclusion(t.Conclusion, t.Path, nil)
	out.Status.Main = objectIndication(t.Indication)
	if out.Signer != nil {
		out.Signer.Signer = name(t.Authority)
	}
	return out
}

func name(p verifier.Party) string {
	if p.Organization == "" {
		return p.CommonName
	}
	return p.CommonName + ", " + p.Organization
}

func identifier(n int, s *verifier.Signature) *signatureIdentifier {
	out := &signatureIdentifier{ID: "signature-" + strconv.Itoa(n), DA: s.Field}
	if m := s.Material; len(m.Value) > 0 {
		out.Value = base64.StdEncoding.EncodeToString(m.Value)
		if m.Hash.Available() && len(m.SignedAttributes) > 0 {
			h := m.Hash.New()
			h.Write(m.SignedAttributes)
			out.Digest = digest(m.Hash, h.Sum(nil))
		}
	}
	return out
}

func (b *builder) process(kind verifier.Kind) *validationProcess {
	out := &validationProcess{Other: &application{Name: "Absah", Version: b.o.Version, Catalogue: b.r.Catalogue}}
	switch kind {
	case verifier.KindSignature:
		out.ID = archivalURI
	case verifier.KindDocumentTimestamp:
		out.ID = timestampURI
	}
	return out
}

// constraints lists every building block and every constraint in it.
func (b *builder) constraints(p *verifier.Block) *constraintsEvaluation {
	out := &constraintsEvaluation{Policy: &validationPolicy{Name: "Absah " + b.r.Policy, Formal: policyURI + urn(b.r.Policy)}}
	var walk func(*verifier.Block)
	walk = func(p *verifier.Block) {
		if p == nil {
			return
		}
		id := constraintURI + urn(p.Name)
		out.Constraints = append(out.Constraints, constraintEvaluation{
			ID: id, Applied: applied, Parameters: parameter(subjectURI, p.Subject),
			Status: &validationStatus{Main: objectIndication(p.Indication), Sub: subIndicationURI(p.Sub)},
		})
		for _, c := range p.Constraints {
			out.Constraints = append(out.Constraints, constraintEvaluation{
				ID: id + ":" + urn(c.Code), Applied: applied, Parameters: parameter(textURI, c.Text),
				Status: &validationStatus{Main: objectIndication(outcome(c, p))},
			})
		}
		for _, child := range p.Blocks {
			walk(child)
		}
	}
	walk(p)
	return out
}

// outcome is the indication of a constraint: when it is not met, that of its
// block, or FAILED where the block passed all the same.
func outcome(c verifier.Constraint, p *verifier.Block) verifier.Indication {
	switch {
	case c.OK:
		return verifier.Passed
	case p.Indication == verifier.Indeterminate:
		return verifier.Indeterminate
	}
	return verifier.Failed
}

func parameter(uri, text string) []typedData {
	if text == "" {
		return nil
	}
	return []typedData{{uri, text}}
}

func (b *builder) attributes(s *verifier.Signature) *signatureAttributes {
	m := s.Material
	out := &signatureAttributes{}
	signed := attributeBase{Signed: true}
	if !s.ClaimedTime.IsZero() {
		out.SigningTime = &signingTime{signed, dateTime(s.ClaimedTime)}
	}
	if len(s.Certificate) > 0 {
		sum := sha256.Sum256(s.Certificate)
		d := digest(crypto.SHA256, sum[:])
		out.Certificate = &certificateIDs{signed, []certificateID{{d.Method, d.Value}}}
	}
	for _, t := range s.Timestamps {
		a := timestampAttribute{attributeBase{Signed: t.Kind == "content", Objects: references([]string{b.objects.stamps[t]})}, dateTime(t.Time)}
		switch t.Kind {
		case "content":
			out.Content = append(out.Content, a)
		case "document":
			out.DocStamps = append(out.DocStamps, a)
		default:
			out.Stamps = append(out.Stamps, a)
		}
	}
	if len(m.Digest) > 0 && s.Kind == verifier.KindSignature && len(m.SignedAttributes) > 0 {
		out.MessageDigest = &messageDigest{signed, base64.StdEncoding.EncodeToString(m.Digest)}
	}
	if m.Reason != "" {
		out.Reason = &reasonAttribute{signed, m.Reason}
	}
	if m.Name != "" {
		out.Name = &nameAttribute{signed, m.Name}
	}
	if m.ContactInfo != "" {
		out.Contact = &contactAttribute{signed, m.ContactInfo}
	}
	if s.SubFilter != "" {
		out.SubFilter = &subFilterAttribute{signed, s.SubFilter}
	}
	if m.ByteRange != ([4]int64{}) {
		out.ByteRange = fmt.Sprintf("%d %d %d %d", m.ByteRange[0], m.ByteRange[1], m.ByteRange[2], m.ByteRange[3])
	}
	if m.Filter != "" {
		out.Filter = &filterAttribute{m.Filter}
	}
	if out.empty() {
		return nil
	}
	return out
}

// conclusion writes what a signature or time-stamp came to and what that
// rests on.
func (b *builder) conclusion(c verifier.Conclusion, path []verifier.Certificate, stamps []*verifier.Timestamp) (*signerInformation, validationStatus) {
	out := validationStatus{Sub: subIndicationURI(c.Sub)}
	data := reportData{Additional: reasons(c.Reasons)}
	var related []string
	var revoked []reportData
	var signer *signerInformation
	for i, cert := range path {
		id := b.objects.addCertificate(cert)
		evidence := b.objects.addEvidence(cert.Status)
		related = append(related, evidence)
		if i == 0 {
			signer = &signerInformation{Certificate: reference{id}}
			data.Chain = &certificateChain{Signing: reference{id}}
		} else if !cert.Anchor {
			data.Chain.Intermediates = append(data.Chain.Intermediates, reference{id})
		}
		if cert.Anchor {
			data.Anchor = &reference{id}
			data.Chain.Anchor = &reference{id}
		}
		if s := cert.Status; !s.RevokedAt.IsZero() {
			info := &revocationStatus{Certificate: reference{id}, Time: dateTime(s.RevokedAt)}
			if s.Reason != "" {
				info.Reason = revokedFor + urn(s.Reason)
			}
			if evidence != "" {
				info.Object = &reference{evidence}
			}
			revoked = append(revoked, reportData{Revocation: info})
		}
	}
	for _, t := range stamps {
		related = append(related, b.objects.stamps[t])
	}
	data.Related = references(related)
	if data.Chain != nil || data.Additional != nil || data.Related != nil {
		out.Data = append(out.Data, data)
	}
	out.Data = append(out.Data, revoked...)
	return signer, out
}

// weak lists the algorithms that decided (§4.3.4.4.5).
func (b *builder) weak(s *verifier.Signature) []reportData {
	var out []reportData
	for _, w := range s.Material.Weak {
		der := w.Certificate
		if der == nil {
			der = s.Certificate
		}
		if der == nil {
			continue
		}
		id, _ := b.objects.add("certificate", der)
		info := &cryptoInformation{Object: reference{id}, Algorithm: weakURI(w)}
		if w.Bits > 0 {
			info.Parameters = &typedData{keySizeURI, strconv.Itoa(w.Bits)}
		}
		if !w.Until.IsZero() {
			info.NotAfter = dateTime(w.Until)
		}
		out = append(out, reportData{Crypto: info})
	}
	return out
}

func reasons(list []verifier.Reason) *additionalData {
	if len(list) == 0 {
		return nil
	}
	out := &additionalData{}
	for _, r := range list {
		out.Data = append(out.Data, typedData{reasonURI + urn(r.Code), r.Text})
	}
	return out
}

func (b *builder) other(s *verifier.Signature) *signatureOtherElements {
	out := &signatureOtherElements{File: fileElement{
		Name: b.r.File, Size: b.r.Size, SHA256: b.r.Digest(), Verdict: string(b.r.Verdict),
	}}
	warnings := b.r.Warnings
	if s != nil {
		out.Changes = &changesElement{Level: s.Changes.Level, Coverage: s.Coverage, Revision: s.Revision}
		for _, c := range s.Changes.Items {
			out.Changes.Items = append(out.Changes.Items, changeElement{c.Revision, c.Object, c.Path, c.Rule, c.Level})
		}
		warnings = append(s.Warnings[:len(s.Warnings):len(s.Warnings)], warnings...)
	}
	for _, w := range warnings {
		out.Warnings = append(out.Warnings, warningElement{w.Code, w.Text})
	}
	return out
}
