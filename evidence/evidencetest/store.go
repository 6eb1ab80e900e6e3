// Package evidencetest is for tests of what uses package evidence: a Store in
// memory, whose rows a test may tamper with, and a stand-in for a witness.
package evidencetest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/absah-id/absah/evidence"
)

// Store is an evidence.Store in memory. The zero value is an empty log.
type Store struct {
	// Fault, if not nil, is called before and after every method has done its
	// work, with "before Integrate", "after Integrate" and so on. The error it
	// returns is the method's: "after" is an answer that was lost.
	Fault func(step string) error

	mu sync.Mutex
	Rows
}

// Rows is what a database would hold. A test that changes it does what a
// database administrator could do; it must not run beside the Store's methods.
type Rows struct {
	Entries     []evidence.Entry // in order of their rows
	Hashes      []tlog.Hash
	Head        evidence.Head
	Checkpoints map[int64]evidence.Checkpoint
	Artefacts   map[[32]byte]evidence.Blob
}

var _ evidence.Store = (*Store)(nil)

// do runs f under the lock between the two faults.
func (s *Store) do(ctx context.Context, name string, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.Fault != nil {
		if err := s.Fault("before " + name); err != nil {
			return err
		}
	}
	s.mu.Lock()
	err := f()
	s.mu.Unlock()
	if err == nil && s.Fault != nil {
		err = s.Fault("after " + name)
	}
	return err
}

// Snapshot returns a copy of the rows.
func (s *Store) Snapshot() Rows {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Rows{Entries: slices.Clone(s.Rows.Entries), Hashes: slices.Clone(s.Rows.Hashes), Head: s.Rows.Head,
		Checkpoints: map[int64]evidence.Checkpoint{}, Artefacts: map[[32]byte]evidence.Blob{}}
	for size, c := range s.Checkpoints {
		r.Checkpoints[size] = c
	}
	for sum, b := range s.Artefacts {
		r.Artefacts[sum] = b
	}
	return r
}

// Append implements evidence.Appender.
func (s *Store) Append(ctx context.Context, e evidence.Entry) error {
	return s.do(ctx, "Append", func() error {
		if e.Phase != evidence.PhaseEvent && slices.ContainsFunc(s.Rows.Entries, func(o evidence.Entry) bool {
			return o.Operation == e.Operation && o.Phase == e.Phase
		}) {
			return evidence.ErrDuplicate
		}
		e.Index = -1
		s.Rows.Entries = append(s.Rows.Entries, e)
		return nil
	})
}

// PutArtefact implements evidence.Artefacts.
func (s *Store) PutArtefact(ctx context.Context, blobs ...evidence.Blob) error {
	return s.do(ctx, "PutArtefact", func() error {
		if s.Artefacts == nil {
			s.Artefacts = map[[32]byte]evidence.Blob{}
		}
		for _, b := range blobs {
			if _, ok := s.Artefacts[sha256.Sum256(b.Data)]; !ok {
				s.Artefacts[sha256.Sum256(b.Data)] = b
			}
		}
		return nil
	})
}

// Artefact implements evidence.Artefacts.
func (s *Store) Artefact(ctx context.Context, sum [32]byte) (b evidence.Blob, ok bool, err error) {
	err = s.do(ctx, "Artefact", func() error { b, ok = s.Artefacts[sum]; return nil })
	return b, ok, err
}

// Head implements evidence.Sequence.
func (s *Store) Head(ctx context.Context) (h evidence.Head, err error) {
	err = s.do(ctx, "Head", func() error { h = s.Rows.Head; return nil })
	return h, err
}

// Waiting implements evidence.Sequence.
func (s *Store) Waiting(ctx context.Context, rows []int64) (out map[int64]evidence.Entry, err error) {
	out = map[int64]evidence.Entry{}
	if len(rows) == 0 {
		return out, nil
	}
	err = s.do(ctx, "Waiting", func() error {
		for _, row := range rows {
			if row < int64(len(s.Rows.Entries)) {
				out[row] = s.Rows.Entries[row]
			}
		}
		return nil
	})
	return out, err
}

// Sealed implements evidence.Sequence.
func (s *Store) Sealed(ctx context.Context) (ok bool, err error) {
	err = s.do(ctx, "Sealed", func() error {
		ok = slices.ContainsFunc(s.Rows.Entries, func(e evidence.Entry) bool {
			return e.Phase == evidence.PhaseIntent && e.Index >= 0 && e.Receipt != nil
		})
		return nil
	})
	return ok, err
}

// Pending implements evidence.Sequence.
func (s *Store) Pending(ctx context.Context, most int) (out []evidence.Pending, err error) {
	err = s.do(ctx, "Pending", func() error {
		for row, e := range s.Rows.Entries {
			if e.Index < 0 && len(out) < most {
				out = append(out, evidence.Pending{Row: int64(row), Leaf: e.Leaf})
			}
		}
		return nil
	})
	return out, err
}

// OldestPending implements evidence.Sequence.
func (s *Store) OldestPending(ctx context.Context) (at time.Time, ok bool, err error) {
	err = s.do(ctx, "OldestPending", func() error {
		for _, e := range s.Rows.Entries {
			if e.Index < 0 && (!ok || e.Promise.Before(at)) {
				at, ok = e.Promise, true
			}
		}
		return nil
	})
	return at, ok, err
}

// Overdue implements evidence.Sequence.
func (s *Store) Overdue(ctx context.Context, before time.Time, most int) (out []evidence.Entry, err error) {
	err = s.do(ctx, "Overdue", func() error {
		for _, e := range s.Rows.Entries {
			if e.Index < 0 && e.Promise.Before(before) && len(out) < most {
				out = append(out, e)
			}
		}
		return nil
	})
	return out, err
}

// Integrate implements evidence.Sequence.
func (s *Store) Integrate(ctx context.Context, old evidence.Head, rows []int64, hashes []tlog.Hash, head evidence.Head) error {
	return s.do(ctx, "Integrate", func() error {
		if s.Rows.Head != old {
			return evidence.ErrConflict
		}
		for _, row := range rows {
			if s.Rows.Entries[row].Index >= 0 {
				return evidence.ErrConflict
			}
		}
		if int64(len(rows)) != head.Size-old.Size || tlog.StoredHashCount(head.Size) != int64(len(s.Rows.Hashes)+len(hashes)) {
			return fmt.Errorf("evidencetest: %d rows and %d hashes from %d to %d", len(rows), len(hashes), old.Size, head.Size)
		}
		for i, row := range rows {
			s.Rows.Entries[row].Index = old.Size + int64(i)
		}
		s.Rows.Hashes = append(s.Rows.Hashes, hashes...)
		s.Rows.Head = head
		return nil
	})
}

// Hashes implements evidence.Tree.
func (s *Store) Hashes(ctx context.Context, indexes []int64) (out []tlog.Hash, err error) {
	err = s.do(ctx, "Hashes", func() error {
		for _, i := range indexes {
			if i >= int64(len(s.Rows.Hashes)) {
				return fmt.Errorf("%w: %d", evidence.ErrNoHash, i)
			}
			out = append(out, s.Rows.Hashes[i])
		}
		return nil
	})
	return out, err
}

// Entries implements evidence.Tree.
func (s *Store) Entries(ctx context.Context, from, n int64) (out []evidence.Entry, err error) {
	err = s.do(ctx, "Entries", func() error {
		for _, e := range s.Rows.Entries {
			if e.Index >= from && e.Index < from+n {
				out = append(out, e)
			}
		}
		slices.SortStableFunc(out, func(a, b evidence.Entry) int { return int(a.Index - b.Index) })
		return nil
	})
	return out, err
}

// EntriesOf implements evidence.Tree.
func (s *Store) EntriesOf(ctx context.Context, operation string) (out []evidence.Entry, err error) {
	err = s.do(ctx, "EntriesOf", func() error {
		for _, e := range s.Rows.Entries {
			if e.Operation == operation {
				out = append(out, e)
			}
		}
		place := func(e evidence.Entry) uint64 { return uint64(e.Index) } // -1 comes last
		slices.SortStableFunc(out, func(a, b evidence.Entry) int { return cmp.Compare(place(a), place(b)) })
		return nil
	})
	return out, err
}

// SaveCheckpoint implements evidence.Checkpoints.
func (s *Store) SaveCheckpoint(ctx context.Context, c evidence.Checkpoint) error {
	return s.do(ctx, "SaveCheckpoint", func() error {
		if old, ok := s.Checkpoints[c.Size]; ok {
			if old.Root != c.Root {
				return evidence.ErrConflict
			}
			return nil
		}
		if s.Checkpoints == nil {
			s.Checkpoints = map[int64]evidence.Checkpoint{}
		}
		c.Annotation = evidence.Annotation{}
		s.Checkpoints[c.Size] = c
		return nil
	})
}

// LatestCheckpoint implements evidence.Checkpoints.
func (s *Store) LatestCheckpoint(ctx context.Context) (c evidence.Checkpoint, ok bool, err error) {
	err = s.do(ctx, "LatestCheckpoint", func() error {
		for size, other := range s.Checkpoints {
			if !ok || size > c.Size {
				c, ok = other, true
			}
		}
		return nil
	})
	return c, ok, err
}

// CheckpointFor implements evidence.Checkpoints.
func (s *Store) CheckpointFor(ctx context.Context, size int64, stamped bool) (c evidence.Checkpoint, ok bool, err error) {
	err = s.do(ctx, "CheckpointFor", func() error {
		for n, other := range s.Checkpoints {
			if n >= size && (!stamped || other.Token != nil) && (!ok || n < c.Size) {
				c, ok = other, true
			}
		}
		return nil
	})
	return c, ok, err
}

// Annotate implements evidence.Checkpoints.
func (s *Store) Annotate(ctx context.Context, size int64, a evidence.Annotation) error {
	return s.do(ctx, "Annotate", func() error {
		c, ok := s.Checkpoints[size]
		if !ok {
			return fmt.Errorf("evidencetest: no checkpoint of %d entries", size)
		}
		if c.Token == nil && a.Token != nil {
			c.Token, c.Material = a.Token, a.Material
		}
		for _, line := range a.Cosignatures {
			if !slices.Contains(c.Cosignatures, line) {
				c.Cosignatures = append(slices.Clone(c.Cosignatures), line)
			}
		}
		s.Checkpoints[size] = c
		return nil
	})
}
