package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/absah-id/absah/signer"
)

// visible draws the signature on pages of every shape.
func (m *matrix) visible() ([]job, error) {
	emblem, err := emblem()
	if err != nil {
		return nil, err
	}
	var all []job
	for i, in := range m.every("naskah-dinas", "rotate-90", "rotate-180", "rotate-270", "cropbox", "origin", "userunit",
		"boxes-reversed", "pages-200", "pdfa-2b", "v15-objstm", "aes-256", "annots-indirect") {
		a := algorithms[i%len(algorithms)]
		req := m.request(a, signer.LTA)
		req.Visible = &signer.Visible{
			X: 72, Y: 72, Width: 240, Height: 72,
			QR:     "tte.contoh.invalid/d/0123456789",
			Office: "KEPALA DINAS CONTOH", Name: "Nama Contoh, S.H.", Lines: []string{"Pembina Utama Muda"},
		}
		if in.name != "pdfa-2b" { // a picture in it would break its PDF/A
			req.Visible.Logo = emblem
		}
		all = append(all, job{group: "visible", name: in.name, from: in, levels: "B-LTA", lowest: "B-LTA", visible: true, pss: a.pss,
			steps: []step{m.sign(req)}})
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
