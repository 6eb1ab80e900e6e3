package gateway

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/verifier"
)

// Retired is a registered document that its office has replaced or withdrawn. No
// signature tells that.
type Retired struct {
	ID     string // public id
	Status DocumentStatus
	Since  time.Time
}

// maxRetired bounds what is said of one file.
const maxRetired = 10

// Retired returns the registered documents of which a file is a version, begins
// with one, or has an intact signature, and which were replaced or withdrawn
// since, the latest first; r is the file's verdict, password what opens it. Not
// told of is what was replaced by another document that the file is, too.
//
// Whoever asks holds what was released of the document, with the QR code in it,
// so that they learn no id from here; and of the document no more than
// [Gateway.PublicDocument] says of a confidential one.
func (g *Gateway) Retired(ctx context.Context, in Upload, r *verifier.Report, password []byte) ([]Retired, error) {
	s := &registers{ids: map[string]bool{}}
	var made []madeHere
	err := g.view(ctx, AllOrganisations, func(tx Reader) (err error) {
		if err := s.byDigest(ctx, tx, in.SHA256); err != nil {
			return err
		}
		made, err = ownSignatures(ctx, tx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(made) > 0 { // a file that nobody here has signed is read no further
		if err := s.within(ctx, g, in, r, made, password); err != nil {
			return nil, err
		}
	}
	var found []Retired
	err = g.view(ctx, AllOrganisations, func(tx Reader) (err error) {
		found, err = s.retired(ctx, g, tx)
		return err
	})
	return found, err
}

// registers are the public ids of the registered documents that a file has to do
// with.
type registers struct{ ids map[string]bool }

// byDigest looks for documents by the digest of a version.
func (s *registers) byDigest(ctx context.Context, r Reader, sum [32]byte) error {
	found, err := r.DocumentsBySHA256(ctx, sum)
	for _, d := range found {
		s.ids[d.PublicID] = true
	}
	return err
}

// madeHere is a signature that holds, with a certificate that is kept here.
type madeHere struct {
	certificate [32]byte
	cms         [32]byte
	signer      *cms.SignerInfo
	revision    int
}

// ownSignatures are those of a verdict.
func ownSignatures(ctx context.Context, r Reader, verdict *verifier.Report) (made []madeHere, err error) {
	known := map[[32]byte]bool{}
	for _, s := range verdict.Signatures {
		if s.Kind != verifier.KindSignature || !s.Intact || s.Certificate == nil || s.Material.CMS == nil {
			continue
		}
		cert := sha256.Sum256(s.Certificate)
		own, looked := known[cert]
		if !looked {
			_, err := r.Certificate(ctx, cert)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return nil, err
			}
			own = err == nil
			known[cert] = own
		}
		sd, err := cms.Parse(s.Material.CMS)
		if !own || err != nil || len(sd.SignerInfos) != 1 {
			continue
		}
		made = append(made, madeHere{cert, sha256.Sum256(s.Material.CMS), sd.SignerInfos[0], s.Revision})
	}
	return made, nil
}

// within looks for documents by the beginnings of the file that were signed, and
// by the operations that made its signatures: these are found, too, when what
// followed them was cut off, or their CMS was written anew.
func (s *registers) within(ctx context.Context, g *Gateway, in Upload, verdict *verifier.Report, made []madeHere, password []byte) error {
	states, err := statesOf(in, verdict)
	if err != nil {
		return fromSigner(err)
	}
	var lost []madeHere // whose CMS nobody here has made as it is
	err = g.view(ctx, AllOrganisations, func(tx Reader) error {
		lost = nil
		for _, state := range states[1:] {
			if err := s.byDigest(ctx, tx, state.SHA256); err != nil {
				return err
			}
		}
		m := &matcher{g: g, r: tx}
		for _, x := range made {
			found, err := s.byOperation(ctx, m, OperationQuery{CMS: x.cms}, nil)
			if err != nil {
				return err
			}
			if !found {
				lost = append(lost, x)
			}
		}
		return nil
	})
	if err != nil || len(lost) == 0 {
		return err
	}
	inputs, err := g.inputsOf(in, lost, password)
	if err != nil {
		return fromSigner(err)
	}
	return g.view(ctx, AllOrganisations, func(tx Reader) error {
		m := &matcher{g: g, r: tx}
		for i, x := range lost {
			for _, sum := range inputs[i] {
				for _, kind := range []string{"sign", "seal"} {
					q := OperationQuery{Digest: sum, Kind: kind, Certificate: x.certificate}
					if found, err := s.byOperation(ctx, m, q, x.signer); err != nil || found {
						if err != nil {
							return err
						}
						break
					}
				}
			}
		}
		return nil
	})
}

// byOperation notes the documents of the operations of a query that went well, as
// far as their signature, as it is kept, is by; nil: the query says that. It
// reports whether there was one, with a document or without.
func (s *registers) byOperation(ctx context.Context, m *matcher, q OperationQuery, by *cms.SignerInfo) (found bool, err error) {
	q.Status, q.Limit = OperationOK, maxTraces
	all, err := m.r.Operations(ctx, q)
	if err != nil {
		return false, err
	}
	for _, o := range all {
		if by != nil {
			if same, err := m.signed(ctx, o.ID, by); err != nil || !same {
				if err != nil {
					return false, err
				}
				continue
			}
		}
		c, err := m.outcome(ctx, o.ID)
		if err != nil {
			return false, err
		}
		if c.record == nil || c.record.Result.Status != evidence.StatusOK || by == nil && !hasCMS(c.record, q.CMS) {
			continue
		}
		found = true
		if id := c.record.Subject.Document; id != "" {
			s.ids[id] = true
		}
	}
	return found, nil
}

// hasCMS says whether a record has a signature among its artefacts.
func hasCMS(r *evidence.Record, sum [32]byte) bool {
	return slices.ContainsFunc(r.Artefacts, func(a evidence.Artefact) bool { return a.Kind == evidence.ArtefactCMS && digest(a.SHA256) == sum })
}

// inputsOf are the digests of what a file may have been before each of some
// signatures: of all up to the revision that the signature made, with and without
// the end of line there. None for a file that cannot be read. The file is read
// once.
func (g *Gateway) inputsOf(in Upload, made []madeHere, password []byte) ([][][32]byte, error) {
	inputs := make([][][32]byte, len(made))
	doc, err := pdf.Open(in.ReaderAt, in.Size, pdf.Options{Limits: g.cfg.Limits, Password: password})
	if brokenFile(err) {
		return inputs, nil // a file without revisions: nothing was signed before
	}
	if err != nil {
		return nil, err
	}
	revisions := doc.Revisions()
	ends := make([][]int64, len(made))
	for i, x := range made {
		if x.revision < 2 || x.revision > len(revisions) {
			continue
		}
		if ends[i], err = endsBefore(in, revisions[x.revision-2].End()); err != nil {
			return nil, err
		}
	}
	all := slices.Concat(ends...)
	slices.Sort(all)
	sums, h, at := map[int64][32]byte{}, sha256.New(), int64(0)
	for _, end := range slices.Compact(all) {
		if _, err := io.Copy(h, io.NewSectionReader(in, at, end-at)); err != nil {
			return nil, err
		}
		at, sums[end] = end, [32]byte(h.Sum(nil))
	}
	for i := range made {
		for _, end := range ends[i] {
			inputs[i] = append(inputs[i], sums[end])
		}
	}
	return inputs, nil
}

// endsBefore are an end in a file, and those without the end of line before it.
func endsBefore(in io.ReaderAt, end int64) (ends []int64, err error) {
	var last [1]byte
	for range 3 { // "\r\n" at most
		ends = append(ends, end)
		if end == 0 {
			break
		}
		if _, err := in.ReadAt(last[:], end-1); err != nil {
			return nil, err
		}
		if last[0] != '\r' && last[0] != '\n' {
			break
		}
		end--
	}
	return ends, nil
}

// retired are those that were replaced or withdrawn, as the evidence vouches that
// they were released at all.
func (s *registers) retired(ctx context.Context, g *Gateway, r Reader) (found []Retired, err error) {
	for id := range s.ids {
		d, err := r.Document(ctx, id)
		if err == nil {
			err = g.vouch(ctx, r, &d)
		}
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		successor := d.Status == DocumentReplaced && s.ids[d.ReplacedBy]
		if len(d.Versions) > 0 && !successor && (d.Status == DocumentReplaced || d.Status == DocumentWithdrawn) {
			found = append(found, Retired{d.PublicID, d.Status, d.ChangedAt})
		}
	}
	slices.SortFunc(found, func(a, b Retired) int {
		if c := b.Since.Compare(a.Since); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return found[:min(len(found), maxRetired)], nil
}
