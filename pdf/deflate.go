package pdf

import (
	"bytes"
	"compress/zlib"
)

// NewFlateStream returns a stream for writing that holds data compressed with
// Flate (§7.4.4). It sets /Filter in d.
func NewFlateStream(d Dict, data []byte) *Stream {
	var b bytes.Buffer // does not fail, so neither do Write and Close
	w := zlib.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	d["Filter"] = Name("FlateDecode")
	return NewStream(d, b.Bytes())
}
