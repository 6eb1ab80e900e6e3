package pdf_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/absah-id/absah/pdf"
)

func ExampleOpen() {
	file := tableFile()
	doc, err := pdf.Open(bytes.NewReader(file), int64(len(file)), pdf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	n, err := doc.Latest().PageCount()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("revisions:", len(doc.Revisions()), "pages:", n, "version:", doc.Version())
	// Output: revisions: 1 pages: 1 version: 1.4
}

func ExampleRevision_NewUpdate() {
	file := tableFile()
	doc, err := pdf.Open(bytes.NewReader(file), int64(len(file)), pdf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	u := doc.Latest().NewUpdate()
	u.SetTrailer("Info", u.Add(pdf.Dict{"Title": pdf.EncodeText("Surat Undangan")}))
	tail, err := u.Finish()
	if err != nil {
		log.Fatal(err)
	}
	doc, err = doc.Append(tail) // the file is now what it was, and tail
	if err != nil {
		log.Fatal(err)
	}
	info, _, err := pdf.Lookup[pdf.Dict](doc.Latest(), doc.Latest().Trailer(), "Info")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(pdf.Text(info["Title"].(pdf.String)))
	// Output: Surat Undangan
}

func ExampleRevision_Audit() {
	b := newBuilder("%PDF-1.4\n")
	b.body()
	b.table("")
	b.WriteString("PK: another file\n")
	b.obj(5, "null")
	b.table("")
	doc, err := pdf.Open(bytes.NewReader(b.Bytes()), int64(b.Len()), pdf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	found, err := doc.Latest().Audit()
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range found {
		fmt.Println("revision", a.Revision, a.Rule)
	}
	// Output: revision 2 junk
}
