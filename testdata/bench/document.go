package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
)

// makePDF writes a one-page PDF of about size bytes, most of which is an
// attachment-like stream of random bytes, so that no file system and no
// compression makes it smaller than it is.
func makePDF(path string, size int64) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	w := &counter{w: bufio.NewWriterSize(f, 1<<20)}
	var offsets []int64
	object := func(body string) {
		offsets = append(offsets, w.n)
		fmt.Fprintf(w, "%d 0 obj\n%s\nendobj\n", len(offsets), body)
	}
	const page = "BT /F1 18 Tf 72 742 Td (Pemerintah Kabupaten Contoh) Tj ET"
	io.WriteString(w, "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	object("<</Type/Catalog/Pages 2 0 R>>")
	object("<</Type/Pages/Kids[3 0 R]/Count 1>>")
	object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>/PieceInfo<</Absah<</LastModified(D:20260101000000Z)/Private 6 0 R>>>>>>")
	object(fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(page), page))
	object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	filler := max(size-1400, 1)
	offsets = append(offsets, w.n)
	fmt.Fprintf(w, "6 0 obj\n<</Length %d>>stream\n", filler)
	source := rand.NewChaCha8([32]byte{1})
	if _, err := io.CopyN(w, source, filler); err != nil {
		return err
	}
	io.WriteString(w, "\nendstream\nendobj\n")
	start := w.n
	fmt.Fprintf(w, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(w, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(w, "trailer\n<</Size %d/Root 1 0 R/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
	return w.w.Flush()
}

// counter keeps the offset; bufio keeps the first error.
type counter struct {
	w *bufio.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
