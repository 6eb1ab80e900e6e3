package pdfmake

import (
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/goregular"
)

// A4 in points, rounded as word processors do.
const (
	pageWidth  = 595.0
	pageHeight = 842.0
	left       = 71.0
	right      = 538.0
	bodySize   = 10.3
	leading    = 14.2
)

// letterDate is the date of the letter, as PDF and XMP write it.
const (
	letterDate    = "D:20260102090000+07'00'"
	letterDateXMP = "2026-01-02T09:00:00+07:00"
	letterTitle   = "Penerapan Tanda Tangan Elektronik pada Naskah Dinas"
	letterAuthor  = "Pemerintah Kabupaten Contoh"
)

var letterPoints = []string{
	"Terhitung mulai tanggal 2 Februari 2026, naskah dinas di lingkungan Pemerintah Kabupaten Contoh ditandatangani secara elektronik dengan sertifikat elektronik yang masih berlaku.",
	"Setiap penanda tangan bertanggung jawab atas kerahasiaan frasa sandi sertifikatnya dan dilarang menyerahkan penggunaannya kepada pihak lain.",
	"Naskah dinas yang telah ditandatangani secara elektronik disampaikan dalam bentuk aslinya, tidak dipindai ulang dan tidak diubah dengan cara apa pun.",
	"Sebelum penerapan, Dinas Komunikasi dan Informatika menyelenggarakan pendampingan dengan jadwal sebagai berikut:",
}

var letterTable = [][]string{
	{"No.", "Hari, tanggal", "Peserta", "Tempat"},
	{"1.", "Selasa, 13 Januari 2026", "Sekretariat Daerah dan Dinas", "Aula Sekretariat Daerah"},
	{"2.", "Rabu, 14 Januari 2026", "Badan dan Inspektorat", "Aula Sekretariat Daerah"},
	{"3.", "Kamis, 15 Januari 2026", "Kecamatan dan Desa", "Pendopo Kabupaten Contoh"},
}

// Letter adds the page tree, fonts and contents of the sample letter, an
// invented official letter of one page, and its document information; Root and
// the catalog are the caller's. It returns the page tree and the page.
func Letter(f *File) (pages, page Ref) {
	c := &canvas{faces: letterFaces(map[string]string{"F1": ascii, "F2": ascii, "F3": ascii})}
	drawLetter(c) // finds out which characters each face needs
	used := map[string]string{}
	for name, face := range c.faces {
		used[name] = face.used()
	}
	c = &canvas{faces: letterFaces(used)}
	drawLetter(c)

	fonts := Dict{}
	for _, name := range []string{"F1", "F2", "F3"} {
		fonts[Name(name)] = c.faces[name].Embed(f)
	}
	contents := f.Add(Stream{Dict: Dict{}, Data: c.b.Bytes(), Deflate: true})
	pages = f.Reserve()
	page = f.Add(Dict{"Type": Name("Page"), "Parent": pages, "MediaBox": Array{0, 0, int(pageWidth), int(pageHeight)},
		"Resources": Dict{"Font": fonts}, "Contents": contents})
	f.Set(pages, Dict{"Type": Name("Pages"), "Kids": Array{page}, "Count": 1})
	f.Info = f.Add(Dict{"Title": letterTitle, "Author": letterAuthor, "Creator": "pdfmake", "Producer": "pdfmake",
		"CreationDate": letterDate, "ModDate": letterDate})
	return pages, page
}

const ascii = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

func letterFaces(text map[string]string) map[string]*Face {
	return map[string]*Face{
		"F1": NewFace("GoRegular", goregular.TTF, text["F1"], false),
		"F2": NewFace("GoBold", gobold.TTF, text["F2"], false),
		"F3": NewFace("GoItalic", goitalic.TTF, text["F3"], true),
	}
}

func drawLetter(c *canvas) {
	letterHead(c)
	y := letterReference(c)
	c.op("0 g")
	y = c.paragraph("F1", bodySize, left, y, right-left, 34, leading,
		"Dalam rangka mewujudkan tertib administrasi pemerintahan yang efektif, efisien, dan akuntabel, serta untuk "+
			"menjamin keaslian dan keutuhan naskah dinas yang dikirimkan melalui sistem elektronik, dengan ini "+
			"disampaikan beberapa hal sebagai berikut.")
	for i, s := range letterPoints {
		y -= 3
		c.text("F1", bodySize, left, y, string(rune('1'+i))+".")
		y = c.paragraph("F1", bodySize, left+20, y, right-left-20, 0, leading, s)
	}
	y = letterSchedule(c, y+4) - 17
	y = c.paragraph("F1", bodySize, left, y, right-left, 34, leading,
		"Saudara diminta menugaskan dua orang pengelola naskah dinas untuk mengikuti pendampingan tersebut dan "+
			"menyampaikan nama petugas kepada Dinas Komunikasi dan Informatika paling lambat tanggal 9 Januari 2026.") - 4
	y = c.paragraph("F1", bodySize, left, y, right-left, 34, leading,
		"Demikian disampaikan untuk menjadi perhatian dan dilaksanakan sebagaimana mestinya. Atas kerja sama Saudara "+
			"diucapkan terima kasih.")
	letterClose(c, y-12)
}

// letterHead draws the kop surat.
func letterHead(c *canvas) {
	c.emblem(left-3, 724, 0.70)
	const mid = left + 62 + (right-left-62)/2
	c.op("0 g")
	c.spaced("F1", 13.5, mid, 790, 0.5, "PEMERINTAH KABUPATEN CONTOH")
	c.spaced("F2", 19, mid, 768, 0.7, "BUPATI CONTOH")
	c.centred("F1", 8.6, mid, 752, "Jalan Merdeka Nomor 1, Contoh 12345")
	c.centred("F1", 8.6, mid, 740, "Telepon (0123) 456789, Laman contoh.example, Surel bupati@contoh.example")
	c.op("0 G")
	c.line(2.2, left-4, 718, right+4, 718)
	c.line(0.6, left-4, 715, right+4, 715)
}

// letterReference draws number, subject, date and addressee, and returns the
// first baseline of the body.
func letterReference(c *canvas) float64 {
	const top = 692.0
	c.op("0 g")
	for i, row := range [][2]string{
		{"Nomor", "500.12.6/147/2026"},
		{"Sifat", "Biasa"},
		{"Lampiran", "-"},
		{"Hal", "Penerapan Tanda Tangan Elektronik"},
		{"", "pada Naskah Dinas"},
	} {
		y := top - float64(i)*leading
		c.text("F1", bodySize, left, y, row[0])
		if row[0] != "" {
			c.text("F1", bodySize, left+50, y, ":")
		}
		font := "F1"
		if i >= 3 {
			font = "F2"
		}
		c.text(font, bodySize, left+58, y, row[1])
	}
	date := "Contoh, 2 Januari 2026"
	c.text("F1", bodySize, right-c.faces["F1"].Width(date, bodySize), top, date)
	y := top - 6.4*leading
	for i, s := range []string{"Yth. 1. Kepala Perangkat Daerah", "2. Camat", "3. Kepala Desa"} {
		x := left
		if i > 0 {
			x += c.faces["F1"].Width("Yth. ", bodySize)
		}
		c.text("F1", bodySize, x, y, s)
		y -= leading
	}
	c.text("F1", bodySize, left, y, "di lingkungan Pemerintah Kabupaten Contoh")
	return y - 1.7*leading
}

// letterSchedule draws the table below y and returns its lower edge.
func letterSchedule(c *canvas, y float64) float64 {
	columns := []float64{left + 20, left + 50, left + 186, left + 334, right}
	const row = 16.5
	c.op("0.90 0.93 0.97 rg %v %v %v %v re f 0 g", columns[0], y-row, columns[4]-columns[0], row)
	for i, cells := range letterTable {
		for j, s := range cells {
			font := "F1"
			if i == 0 {
				font = "F2"
			}
			c.text(font, 9.2, columns[j]+5, y-float64(i)*row-11.4, s)
		}
	}
	c.op("0.35 G")
	n := float64(len(letterTable))
	for i := range len(letterTable) + 1 {
		c.line(0.5, columns[0], y-float64(i)*row, columns[4], y-float64(i)*row)
	}
	for _, x := range columns {
		c.line(0.5, x, y, x, y-n*row)
	}
	return y - n*row
}

// letterClose draws the signature block, which leaves room for a visible
// signature above the name, the copies and the foot.
func letterClose(c *canvas, y float64) {
	const mid = 436.0
	c.centred("F1", bodySize, mid, y, "BUPATI CONTOH,")
	c.centred("F2", bodySize, mid, y-84, "PEJABAT BUPATI CONTOH")
	c.text("F2", 9, left, 112, "Tembusan:")
	for i, s := range []string{"1. Wakil Bupati Contoh;", "2. Inspektur Kabupaten Contoh;", "3. Arsip."} {
		c.text("F1", 9, left, 99-float64(i)*12.2, s)
	}
	c.op("0.6 G")
	c.line(0.4, left, 52, right, 52)
	c.op("0.35 g")
	c.text("F3", 7.4, left, 41, "Contoh naskah dinas untuk pengujian. Instansi, nomor, dan nama jabatan di dalamnya rekaan.")
	c.op("0 g")
}
