package pdf

import (
	"cmp"
	"iter"
	"slices"
)

// EntryKind is the type of a cross-reference entry (§7.5.4, §7.5.8.3).
type EntryKind uint8

const (
	EntryFree       EntryKind = iota // the object does not exist
	EntryInUse                       // the object stands at Offset
	EntryCompressed                  // the object is number Index of the object stream Container
	EntryUnknown                     // a type that ISO 32000-2 reserves: the object is null
)

// XRefEntry is one entry of a cross-reference section.
type XRefEntry struct {
	Kind      EntryKind
	Gen       uint16 // of EntryInUse, and the next one to be used of EntryFree
	Offset    int64  // of EntryInUse in the file; of EntryFree the next free object
	Container uint32 // of EntryCompressed: number of the object stream
	Index     int    // of EntryCompressed: position in it
}

// packed is an entry in 8 bytes: the kind in the low 2 bits, then 16 bits of
// generation and 46 of offset, or 30 bits of index and 32 of container.
type packed uint64

func (v packed) entry() XRefEntry {
	e := XRefEntry{Kind: EntryKind(v & 3)}
	if e.Kind == EntryCompressed {
		e.Container, e.Index = uint32(v>>32), int(v>>2&(1<<30-1))
		return e
	}
	e.Gen, e.Offset = uint16(v>>2), int64(v>>18)
	return e
}

// run is a subsection: n entries for the numbers from first on, which stand in
// entryTable.list from at on.
type run struct{ first, n, at uint32 }

// entryTable is a cross-reference section in memory: 8 bytes an entry and 12 a
// subsection. After normalise the runs are sorted and do not overlap.
type entryTable struct {
	runs []run
	list []packed
}

// begin opens a subsection; entries are then appended to list with add.
func (t *entryTable) begin(first uint32) {
	t.runs = append(t.runs, run{first: first, at: uint32(len(t.list))})
}

func (t *entryTable) add(v packed) {
	t.list = append(t.list, v)
	t.runs[len(t.runs)-1].n++
}

// find returns the entry for num.
func (t *entryTable) find(num uint32) (packed, bool) {
	i, ok := slices.BinarySearchFunc(t.runs, num, func(r run, n uint32) int {
		if n < r.first {
			return 1
		}
		if n-r.first >= r.n {
			return -1
		}
		return 0
	})
	if !ok {
		return 0, false
	}
	r := t.runs[i]
	return t.list[r.at+num-r.first], true
}

// defines says whether any entry is more than a free one.
func (t *entryTable) defines() bool {
	return slices.ContainsFunc(t.list, func(v packed) bool { return EntryKind(v&3) != EntryFree })
}

// max returns one more than the highest number, 0 when there are no entries.
func (t *entryTable) max() uint32 {
	if len(t.runs) == 0 {
		return 0
	}
	r := t.runs[len(t.runs)-1]
	return r.first + r.n
}

// all yields number and entry in the order of numbers.
func (t *entryTable) all() iter.Seq2[uint32, packed] {
	return func(yield func(uint32, packed) bool) {
		for _, r := range t.runs {
			for i := range r.n {
				if !yield(r.first+i, t.list[r.at+i]) {
					return
				}
			}
		}
	}
}

// normalise sorts the runs. Of two entries with the same number the earlier one
// stays unless wins(earlier, later); twice is told of each such number.
func (t *entryTable) normalise(wins func(earlier, later packed) bool, twice func(num uint32)) {
	t.runs = slices.DeleteFunc(t.runs, func(r run) bool { return r.n == 0 })
	byFirst := func(a, b run) int { return cmp.Compare(a.first, b.first) }
	slices.SortStableFunc(t.runs, byFirst)
	overlap := false
	for i := 1; i < len(t.runs); i++ {
		if a := t.runs[i-1]; t.runs[i].first < a.first+a.n {
			overlap = true
			break
		}
	}
	if overlap {
		t.rebuild(wins, twice)
	}
}

// rebuild sorts single entries, for sections whose subsections overlap.
func (t *entryTable) rebuild(wins func(earlier, later packed) bool, twice func(num uint32)) {
	type place struct{ num, at uint32 }
	places := make([]place, 0, len(t.list))
	for _, r := range t.runs {
		for i := range r.n {
			places = append(places, place{r.first + i, r.at + i})
		}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.num, b.num), cmp.Compare(a.at, b.at))
	})
	old := t.list
	t.runs, t.list = nil, make([]packed, 0, len(old))
	for i, p := range places {
		if i > 0 && places[i-1].num == p.num {
			twice(p.num)
			if last := &t.list[len(t.list)-1]; wins(*last, old[p.at]) {
				*last = old[p.at]
			}
			continue
		}
		if i == 0 || places[i-1].num+1 != p.num {
			t.begin(p.num)
		}
		t.add(old[p.at])
	}
}

// join appends the entries of o, which count as later ones.
func (t *entryTable) join(o *entryTable) {
	shift := uint32(len(t.list))
	t.list = append(t.list, o.list...)
	for _, r := range o.runs {
		r.at += shift
		t.runs = append(t.runs, r)
	}
}

func never(_, _ packed) bool { return false }
