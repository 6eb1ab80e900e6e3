package pdf

import "strconv"

// Object is one of the basic types of ISO 32000-2 §7.3: [Null], [Boolean],
// [Integer], [Real], [String], [Name], [Array], [Dict], [*Stream] or [Ref].
// Objects that a reader hands out are shared: treat them as immutable and
// [Clone] before changing one.
type Object interface{ object() }

// Null is the null object (§7.3.9). Looking up something absent gives Null,
// never a nil Object.
type Null struct{}

// Boolean is true or false (§7.3.2).
type Boolean bool

// Integer is a whole number (§7.3.3). Numbers outside int64 are malformed.
type Integer int64

// Real is a number with a fraction (§7.3.3).
type Real float64

// String holds the decoded (and, in an encrypted file, decrypted) bytes of a
// literal or hexadecimal string (§7.3.4). It is not necessarily text: see
// [Text].
type String string

// Name is a name without its solidus and with #xx escapes decoded (§7.3.5).
type Name string

// Array is an array (§7.3.6).
type Array []Object

// Dict is a dictionary (§7.3.7). An entry whose value is Null equals an absent
// entry. The writer puts Type first and sorts the other keys, so that output
// is reproducible.
type Dict map[Name]Object

// Ref is an indirect reference (§7.3.10). The zero Ref refers to nothing.
type Ref struct {
	Num uint32
	Gen uint16
}

// String returns the reference as "12 0", without the R.
func (r Ref) String() string {
	return strconv.FormatUint(uint64(r.Num), 10) + " " + strconv.FormatUint(uint64(r.Gen), 10)
}

// Reserved stands in an object given to [Update] for Len bytes to be written
// verbatim and changed after layout: a signature's Contents and ByteRange.
// They are never encrypted. [Update.Finish] fills them with spaces and sets
// Offset, counted from the start of the whole file.
type Reserved struct {
	Len    int
	Offset int64
}

func (Null) object()      {}
func (Boolean) object()   {}
func (Integer) object()   {}
func (Real) object()      {}
func (String) object()    {}
func (Name) object()      {}
func (Array) object()     {}
func (Dict) object()      {}
func (Ref) object()       {}
func (*Stream) object()   {}
func (*Reserved) object() {}
