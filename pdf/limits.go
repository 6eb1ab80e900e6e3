package pdf

// Limits are the caps on hostile input. A zero field means its default. Over
// a cap reading stops with a [LimitError]; nothing is ever truncated.
type Limits struct {
	// Revisions caps the chain of cross-reference sections (default 200). A
	// letter signed and stamped by fifty people has about 150; ten thousand
	// empty updates fit in 1 MB and make every look-up linear.
	Revisions int

	// Objects caps the entries of all cross-reference sections together
	// (default 1,100,000, 9 MiB of memory): a few bytes of compressed
	// cross-reference stream can announce millions.
	Objects int

	// Depth caps the nesting of arrays and dictionaries (default 100). Parsing
	// recurses, and a Go stack overflow cannot be recovered.
	Depth int

	// ObjectBytes caps the bytes of one object without its stream data
	// (default 16 MiB): a signature with embedded CRLs has a few MiB.
	ObjectBytes int

	// ObjectItems caps the elements of one object, nested ones included
	// (default 262,144, about 20 MiB of memory): "[0 0 0 …" costs the sender
	// 2 bytes an item and us 16 or more.
	ObjectItems int

	// StreamBytes caps the decoded size of one cross-reference or object
	// stream (default 16 MiB), and the stored size too.
	StreamBytes int64

	// StructureBytes caps the decoded bytes of all cross-reference and object
	// streams that one Document reads in its life (default 256 MiB): a budget
	// of time more than of memory, against many bombs each below StreamBytes.
	StructureBytes int64

	// StreamRatio caps how many times longer than its stored bytes a
	// structural stream may become (default 200) once its output passes 1 MiB.
	// Deflate reaches 1032; honest object streams stay below 50.
	StreamRatio int64

	// Filters caps the filters chained on one stream (default 4); structural
	// streams may have 2.
	Filters int

	// PageDepth caps the levels of the page tree (default 50).
	PageDepth int

	// CacheBytes bounds the parsed objects and decoded object streams that a
	// Document keeps (default 8 MiB of file bytes). It is no error to pass it.
	CacheBytes int64
}

const (
	// maxObjectNumber is the largest object number that readers agree on
	// (ISO 32000-1 Annex C); /Size 2147483648 must not make anyone allocate.
	maxObjectNumber = 8_388_607

	// smallFile is the size up to which a file is read at once: one read is
	// faster than several windows, and 1 MiB is nothing.
	smallFile = 1 << 20

	// maxResolve bounds a chain of references to references, which ISO
	// 32000-2 §7.3.10 does not forbid clearly.
	maxResolve = 16

	// maxOffset is what a packed cross-reference entry can hold (64 TiB).
	maxOffset = 1<<46 - 1

	// headerSearch and tailSearch are how far from its two ends a file may
	// hide its header and its last startxref (Adobe's reader: 1024 bytes).
	headerSearch = 1024
	tailSearch   = 2048

	// maxAnomalies bounds the list that a hostile file can make grow.
	maxAnomalies = 1000

	// maxSpace bounds the white space skipped before a cross-reference
	// section whose offset is slightly wrong.
	maxSpace = 64
)

func (l Limits) withDefaults() Limits {
	set := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	set64 := func(p *int64, v int64) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&l.Revisions, 200)
	set(&l.Objects, 1_100_000)
	set(&l.Depth, 100)
	set(&l.ObjectBytes, 16<<20)
	set(&l.ObjectItems, 1<<18)
	set64(&l.StreamBytes, 16<<20)
	set64(&l.StructureBytes, 256<<20)
	set64(&l.StreamRatio, 200)
	set(&l.Filters, 4)
	set(&l.PageDepth, 50)
	set64(&l.CacheBytes, 8<<20)
	return l
}
