package pdfmake

import "fmt"

// pageInputs returns files whose pages are out of the ordinary (ISO 32000-2
// §7.7.3, §14.11.2), and the PDF/A file.
func pageInputs() []Input {
	page := func(change func(*document)) func(string) []byte {
		return func(name string) []byte {
			d := newDocument("1.7", name)
			change(d)
			return d.flush(Table).Bytes()
		}
	}
	rotated := func(angle int, matrix string, height int) func(string) []byte {
		return func(name string) []byte {
			d := newDocument("1.7", name)
			d.page["Rotate"] = angle
			d.page["Contents"] = d.Add(sheet(name, matrix, height))
			return d.flush(Table).Bytes()
		}
	}
	return named([]builder{
		{"rotate-90", "page shown turned by 90 degrees", rotated(90, "0 1 -1 0 595 0", 595)},
		{"rotate-180", "page shown turned by 180 degrees", rotated(180, "-1 0 0 -1 595 842", 842)},
		{"rotate-270", "page shown turned by 270 degrees", rotated(270, "0 -1 1 0 0 842", 595)},
		{"cropbox", "CropBox smaller than MediaBox, with another origin", page(func(d *document) {
			d.page["CropBox"] = Array{50, 70, 545, 772}
		})},
		{"origin", "MediaBox that starts at a negative corner", page(func(d *document) {
			d.page["MediaBox"] = Array{-100, -200, 495, 642}
			d.page["Contents"] = d.Add(sheet("origin", "1 0 0 1 -100 -200", 842))
		})},
		{"boxes-reversed", "MediaBox given by its other two corners", page(func(d *document) {
			d.page["MediaBox"] = Array{595, 842, 0, 0}
		})},
		{"userunit", "user space unit of 2/72 inch", page(func(d *document) { d.page["UserUnit"] = 2.0 })},
		{"contents-array", "page whose contents come in three streams", page(func(d *document) {
			d.page["Contents"] = Array{d.Add(Stream{Dict: Dict{}, Data: []byte("q")}), d.page["Contents"],
				d.Add(Stream{Dict: Dict{}, Data: []byte("Q 0 0 m")})}
		})},
		{"pages-200", "200 pages in a tree of two levels that inherit their boxes", manyPages},
		{"pdfa-2b", "the letter as PDF/A-2b", pdfA},
	})
}

// manyPages spreads 200 pages over ten nodes; boxes, rotation and resources
// are inherited.
func manyPages(name string) []byte {
	f := New("1.7", name)
	root := f.Reserve()
	font := f.Add(helvetica())
	var nodes, leaves Array
	for n := range 10 {
		node := f.Reserve()
		leaves = nil
		for p := range 20 {
			label := fmt.Sprintf("%s, halaman %d", name, n*20+p+1)
			leaves = append(leaves, f.Add(Dict{"Type": Name("Page"), "Parent": node,
				"Contents": f.Add(sheet(label, "1 0 0 1 0 0", 842))}))
		}
		f.Set(node, Dict{"Type": Name("Pages"), "Parent": root, "Kids": leaves, "Count": 20})
		nodes = append(nodes, node)
	}
	f.Set(root, Dict{"Type": Name("Pages"), "Kids": nodes, "Count": 200, "MediaBox": Array{0, 0, 595, 842},
		"Resources": Dict{"Font": Dict{"F1": font}}})
	f.Root = f.Add(Dict{"Type": Name("Catalog"), "Pages": root})
	f.Flush(ObjectStreams)
	return f.Bytes()
}
