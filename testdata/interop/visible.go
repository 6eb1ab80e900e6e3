package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/absah-id/absah/signer"
)

// archival is the input that is PDF/A; a picture with transparency in the
// signature would break it.
const archival = "pdfa-2b"

// visible draws the signature on pages of every shape, and at every level on
// the file that must stay PDF/A.
func (m *matrix) visible() ([]job, error) {
	emblem, err := emblem()
	if err != nil {
		return nil, err
	}
	var all []job
	for i, in := range m.every("naskah-dinas", "rotate-90", "rotate-180", "rotate-270", "cropbox", "origin", "userunit",
		"boxes-reversed", "pages-200", archival, "v15-objstm", "aes-256", "annots-indirect") {
		want := []signer.Level{signer.LTA}
		if in.name == archival {
			want = levels
		}
		for k, level := range want {
			a := algorithms[(i+k)%len(algorithms)]
			req := m.request(a, level)
			req.Visible = &signer.Visible{
				X: 72, Y: 72, Width: 240, Height: 72,
				QR:     "tte.contoh.invalid/d/0123456789",
				Office: "KEPALA DINAS CONTOH", Name: "Nama Contoh, S.H.", Lines: []string{"Pembina Utama Muda"},
			}
			if in.name != archival {
				req.Visible.Logo = emblem
			}
			l := level.String()
			all = append(all, job{group: "visible", name: in.name + "." + l, from: in, levels: l, lowest: l, visible: true, pss: a.pss,
				steps: []step{m.sign(req)}})
		}
	}
	return all, nil
}

// emblem is a half-transparent disc as PNG.
func emblem() ([]byte, error) {
	const size = 64
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			if dx, dy := x-size/2, y-size/2; dx*dx+dy*dy < size*size/4 {
				img.Set(x, y, color.NRGBA{R: 160, A: uint8(128 + x)})
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("emblem: %w", err)
	}
	return b.Bytes(), nil
}
