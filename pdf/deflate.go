package pdf

import (
	"bytes"
	"compress/zlib"
)

// NewFlateStream returns a stream for writing that holds data compressed with
// Flate (§7.4.4). It sets /Filter and /Length in d.
func NewFlateStream(d Dict, data []byte) *Stream {
	var b bytes.Buffer // does not fail, so neither do Write and Close
	w := zlib.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	d["Filter"], d["Length"] = Name("FlateDecode"), Integer(b.Len())
	return NewStream(d, b.Bytes())
}
