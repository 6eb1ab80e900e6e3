package evidence

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// NewEntry makes an entry without a receipt out of a record: its salt is read
// from rand, which must be unpredictable, and its promise is mergeDelay after
// the record's time. It returns a *RecordError, or rand's error. What the
// gateway writes comes from [Log.NewEntry], which adds the receipt.
func NewEntry(r Record, rand io.Reader, mergeDelay time.Duration) (Entry, error) {
	r.Time = r.Time.UTC().Truncate(time.Millisecond)
	b, err := r.MarshalCanonical()
	if err != nil {
		return Entry{}, err
	}
	e := Entry{
		Record: b, Organisation: r.Organisation, Operation: r.Operation, Phase: r.Phase, Kind: r.Kind,
		Time: r.Time, Promise: r.Time.Add(mergeDelay).Truncate(time.Millisecond), Index: -1,
	}
	if _, err := io.ReadFull(rand, e.Salt[:]); err != nil {
		return Entry{}, fmt.Errorf("evidence: salt: %w", err)
	}
	e.Leaf = LeafData(e.Salt, e.Record)
	return e, nil
}

// LeafData returns SHA-256(salt || record): all that the log publishes of an
// entry.
func LeafData(salt [32]byte, record []byte) [32]byte {
	h := sha256.New()
	h.Write(salt[:])
	h.Write(record)
	return [32]byte(h.Sum(nil))
}

// LeafHash returns the hash of a leaf in the tree (RFC 6962 §2.1).
func LeafHash(leaf [32]byte) tlog.Hash { return tlog.RecordHash(leaf[:]) }

// Check tells whether the entry is of a piece: the leaf is that of salt and
// record, and the columns say what the record says. It does not check the
// receipt. The record of an unknown version is held against its leaf only.
func (e *Entry) Check() error {
	_, err := e.parse()
	return err
}

// parse is Check, and returns the record; the zero value for an unknown version.
func (e *Entry) parse() (Record, error) {
	if LeafData(e.Salt, e.Record) != e.Leaf {
		return Record{}, errors.New("the leaf is not SHA-256 of salt and record")
	}
	r, err := ParseRecord(e.Record)
	switch {
	case errors.Is(err, ErrSchema):
		return Record{}, nil
	case err != nil:
		return Record{}, err
	case r.Organisation != e.Organisation || r.Operation != e.Operation || r.Phase != e.Phase || r.Kind != e.Kind || !r.Time.Equal(e.Time):
		return Record{}, errors.New("the columns of the row are not those of its record")
	}
	return r, nil
}
