package pades

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"time"

	"github.com/absah-id/absah/pdf"
)

// DSS is a document security store (ISO 32000-2 §12.8.4.3): evidence for
// validating the document's signatures later, each item in DER as embedded.
// None of it is trusted or even parsed here.
type DSS struct {
	Certificates, OCSPs, CRLs [][]byte
	// VRI holds the evidence that a signer attributed to single signatures,
	// by the upper-case hexadecimal SHA-1 of their Contents. It is read only.
	VRI map[string]VRI
	// Problems lists the items that could not be read and are left out. Their
	// rules: dss-item, dss-vri.
	Problems []*pdf.MalformedError
}

// Len is how many items the store has, those that could not be read and those of
// single signatures among them; 0 for nil.
func (d *DSS) Len() int {
	if d == nil {
		return 0
	}
	n := len(d.Certificates) + len(d.OCSPs) + len(d.CRLs) + len(d.Problems)
	for _, v := range d.VRI {
		n += 1 + len(v.Certificates) + len(v.OCSPs) + len(v.CRLs)
	}
	return n
}

// VRI is the evidence for one signature (Table 262).
type VRI struct {
	Certificates, OCSPs, CRLs [][]byte
	At                        time.Time // /TU; zero when absent or unreadable
	Timestamp                 []byte    // /TS, DER; nil when absent
}

// lists names the arrays of a DSS dictionary and of a VRI entry (Tables 261
// and 262).
var lists = []struct{ dss, vri pdf.Name }{
	{"Certs", "Cert"}, {"OCSPs", "OCSP"}, {"CRLs", "CRL"},
}

func (d *DSS) list(i int) *[][]byte {
	return []*[][]byte{&d.Certificates, &d.OCSPs, &d.CRLs}[i]
}

func (v *VRI) list(i int) *[][]byte {
	return []*[][]byte{&v.Certificates, &v.OCSPs, &v.CRLs}[i]
}

var vriKey = regexp.MustCompile(`^[0-9A-F]{40}$`)

// storeReader reads each stream once and keeps count against the limits.
type storeReader struct {
	rev   *pdf.Revision
	seen  map[pdf.Ref][]byte
	items int
	bytes int64
	dss   *DSS
}

// ReadDSS reads the store as of a revision; nil, nil when there is none. Items
// that are no readable streams are left out and listed in Problems. A store
// that is no dictionary is a *pdf.MalformedError, one that is too large a
// *pdf.LimitError.
func ReadDSS(rev *pdf.Revision) (*DSS, error) {
	catalog, err := rev.Catalog()
	if err != nil {
		return nil, err
	}
	d, ok, err := pdf.Lookup[pdf.Dict](rev, catalog, "DSS")
	if err != nil || !ok {
		return nil, err
	}
	r := &storeReader{rev: rev, seen: map[pdf.Ref][]byte{}, dss: &DSS{}}
	for i, names := range lists {
		if *r.dss.list(i), err = r.array(d, names.dss, "dss-item"); err != nil {
			return nil, err
		}
	}
	if err := r.readVRI(d); err != nil {
		return nil, err
	}
	return r.dss, nil
}

// array reads an array of streams.
func (r *storeReader) array(d pdf.Dict, key pdf.Name, rule string) ([][]byte, error) {
	a, _, err := pdf.Lookup[pdf.Array](r.rev, d, key)
	if err != nil {
		return nil, r.problem(rule, key, err)
	}
	var list [][]byte
	for _, o := range a {
		b, err := r.stream(o)
		if err != nil {
			if err := r.problem(rule, key, err); err != nil {
				return nil, err
			}
			continue
		}
		list = append(list, b)
	}
	return list, nil
}

// problem records hostile input and returns any other error.
func (r *storeReader) problem(rule string, key pdf.Name, err error) error {
	if fatal(err) {
		return err
	}
	r.dss.Problems = append(r.dss.Problems, malformed(rule, "/%.40s: %w", string(key), err))
	return nil
}

func (r *storeReader) stream(o pdf.Object) ([]byte, error) {
	if r.items++; r.items > maxStore {
		return nil, overLimit("maxStore", maxStore)
	}
	ref, isRef := o.(pdf.Ref)
	if isRef {
		if b, ok := r.seen[ref]; ok {
			return b, nil
		}
	}
	v, err := r.rev.Resolve(o)
	if err != nil {
		return nil, err
	}
	s, ok := v.(*pdf.Stream)
	if !ok {
		return nil, malformed("dss-item", "not a stream")
	}
	b, err := r.rev.StreamData(s, maxStoreItem)
	if err != nil {
		return nil, err
	}
	if r.bytes += int64(len(b)); r.bytes > maxStoreBytes {
		return nil, overLimit("maxStoreBytes", maxStoreBytes)
	}
	if isRef {
		r.seen[ref] = b
	}
	return b, nil
}

func (r *storeReader) readVRI(d pdf.Dict) error {
	vri, _, err := pdf.Lookup[pdf.Dict](r.rev, d, "VRI")
	if err != nil {
		return r.problem("dss-vri", "VRI", err)
	}
	for key, o := range vri {
		if key == "Type" {
			continue
		}
		v, err := r.rev.Resolve(o)
		if err == nil && !vriKey.MatchString(string(key)) {
			err = malformed("dss-vri", "the key is no digest")
		}
		e, ok := v.(pdf.Dict)
		if err == nil && !ok {
			err = malformed("dss-vri", "not a dictionary")
		}
		if err != nil {
			if err := r.problem("dss-vri", key, err); err != nil {
				return err
			}
			continue
		}
		if err := r.readEntry(string(key), e); err != nil {
			return err
		}
	}
	return nil
}

func (r *storeReader) readEntry(key string, d pdf.Dict) error {
	var v VRI
	var err error
	for i, names := range lists {
		if *v.list(i), err = r.array(d, names.vri, "dss-vri"); err != nil {
			return err
		}
	}
	if tu, _, err := pdf.Lookup[pdf.String](r.rev, d, "TU"); err == nil && tu != "" {
		v.At, _ = pdf.ParseDate(tu)
	}
	if pdf.Present(d["TS"]) {
		if v.Timestamp, err = r.stream(d["TS"]); err != nil {
			if err := r.problem("dss-vri", "TS", err); err != nil {
				return err
			}
		}
	}
	if r.dss.VRI == nil {
		r.dss.VRI = map[string]VRI{}
	}
	r.dss.VRI[key] = v
	return nil
}

// WriteDSS returns the revision that adds evidence to the document: what is to
// be appended, or nil when the store has all of it already. rev must be its
// document's latest. What the store holds stays as it is, and an item is added
// once, whatever its place in add; add.VRI must be empty: PAdES does without
// (EN 319 142-1 §5.4.2.3).
func WriteDSS(rev *pdf.Revision, add DSS) ([]byte, error) {
	if len(add.VRI) != 0 {
		return nil, fmt.Errorf("VRI entries are not written")
	}
	have, err := ReadDSS(rev)
	if err != nil {
		return nil, err
	}
	if have == nil {
		have = &DSS{}
	}
	w := &writer{rev: rev, u: rev.NewUpdate()}
	added, err := w.addEvidence(have, &add)
	if err != nil || added == nil {
		return nil, err
	}
	err = w.sub("DSS", true, func(d pdf.Dict) (bool, error) {
		changed := false
		if len(d) == 0 {
			d["Type"], changed = pdf.Name("DSS"), true
		}
		for i, names := range lists {
			if len(added[i]) == 0 {
				continue
			}
			c, err := w.appendTo(d, names.dss, added[i]...)
			if err != nil {
				return false, err
			}
			changed = changed || c
		}
		return changed, nil
	})
	if err != nil {
		return nil, err
	}
	if err := w.declareExtension(); err != nil {
		return nil, err
	}
	return w.u.Finish()
}

// addEvidence adds the items that have lacks as streams and returns them by
// list; nil when there are none.
func (w *writer) addEvidence(have, add *DSS) ([][]pdf.Ref, error) {
	added := make([][]pdf.Ref, len(lists))
	any := false
	for i := range lists {
		for _, b := range missing(*have.list(i), *add.list(i)) {
			if len(b) == 0 || len(b) > maxStoreItem {
				return nil, fmt.Errorf("evidence of %d bytes; 1 to %d are possible", len(b), maxStoreItem)
			}
			// DER hardly compresses; written plainly it can be compared
			// byte for byte with what was received.
			added[i] = append(added[i], w.u.Add(pdf.NewStream(pdf.Dict{}, b)))
			any = true
		}
	}
	if !any {
		return nil, nil
	}
	return added, nil
}

// missing returns the items of add that have does not hold, each once.
func missing(have, add [][]byte) [][]byte {
	known := map[[sha256.Size]byte]bool{}
	for _, b := range have {
		known[sha256.Sum256(b)] = true
	}
	var out [][]byte
	for _, b := range add {
		sum := sha256.Sum256(b)
		if !known[sum] {
			known[sum] = true
			out = append(out, b)
		}
	}
	return out
}

// declareExtension names the ETSI extension in the catalog of a document older
// than PDF 2.0, of which the security store is part (§7.12).
func (w *writer) declareExtension() error {
	if w.rev.Document().Version() >= "2.0" {
		return nil
	}
	return w.sub("Extensions", false, func(d pdf.Dict) (bool, error) {
		if pdf.Present(d["ESIC"]) {
			return false, nil
		}
		d["ESIC"] = pdf.Dict{"BaseVersion": pdf.Name("1.7"), "ExtensionLevel": pdf.Integer(1)}
		return true, nil
	})
}
