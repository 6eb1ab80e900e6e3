package appearance_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/signer/appearance"
)

func pngFile(tb testing.TB, alpha bool) []byte {
	tb.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 90, 60))
	for y := range 60 {
		for x := range 90 {
			a := uint8(255)
			if alpha && x < 30 {
				a = uint8(8 * x)
			}
			m.Set(x, y, color.NRGBA{R: 180, G: uint8(4 * y), B: 30, A: a})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// hugePNG claims 100,000 × 100,000 pixels.
func hugePNG() []byte {
	var b bytes.Buffer
	png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1)))
	out := b.Bytes()
	for _, at := range []int{16, 20} { // width and height in IHDR
		copy(out[at:], []byte{0, 1, 0x86, 0xA0})
	}
	// The checksum of IHDR comes before the size is looked at.
	copy(out[29:], crc(out[12:29]))
	return out
}

func crc(b []byte) []byte {
	c := ^uint32(0)
	for _, v := range b {
		c ^= uint32(v)
		for range 8 {
			c = c>>1 ^ 0xEDB88320*(c&1)
		}
	}
	c = ^c
	return []byte{byte(c >> 24), byte(c >> 16), byte(c >> 8), byte(c)}
}

func jpegFile(tb testing.TB) []byte {
	tb.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 90, 60))
	for y := range 60 {
		for x := range 90 {
			m.Set(x, y, color.RGBA{R: uint8(2 * x), G: uint8(4 * y), B: 90, A: 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// TestImages: transparency stays, except in PDF/A-1; a JPEG stays compressed
// and loses its metadata.
func TestImages(t *testing.T) {
	v := full()
	v.Image = pngFile(t, true)
	rev, f := form(t, place(t, page(nil), v))
	im := dig[*pdf.Stream](t, rev, f.Dict, "Resources", "XObject", "Im1")
	if mask := dig[*pdf.Stream](t, rev, im.Dict, "SMask"); mask == nil {
		t.Error("transparency was lost")
	}
	v.Image = pngFile(t, false)
	rev, f = form(t, place(t, page(nil), v))
	im = dig[*pdf.Stream](t, rev, f.Dict, "Resources", "XObject", "Im1")
	if _, ok := im.Dict["SMask"]; ok {
		t.Error("an opaque image has a mask")
	}

	plain := jpegFile(t)
	exif := append([]byte{0xFF, 0xD8, 0xFF, 0xE1, 0, 10, 'E', 'x', 'i', 'f', 0, 0, 'G', 'P', 0xFF, 0xFE, 0, 5, 'h', 'a', 'i'}, plain[2:]...)
	v.Image = append(exif, "trailing secret"...)
	rev, f = form(t, place(t, page(nil), v))
	im = dig[*pdf.Stream](t, rev, f.Dict, "Resources", "XObject", "Im1")
	if dig[pdf.Name](t, rev, im.Dict, "Filter") != "DCTDecode" {
		t.Error("the JPEG was recompressed")
	}
	out := place(t, page(nil), v)
	for _, secret := range []string{"Exif", "GP", "hai", "trailing"} {
		if bytes.Contains(out[bytes.Index(out, []byte("DCTDecode")):], []byte(secret)) {
			t.Errorf("%q got into the document", secret)
		}
	}
	m := render(t, out)
	if ink(cut(m, v.X, v.Y, v.Width, v.Height)) == 0 {
		t.Error("nothing is drawn")
	}
}

// TestLogo: a code with a logo in its middle is still read.
func TestLogo(t *testing.T) {
	v := full()
	v.Logo = pngFile(t, true)
	m := render(t, place(t, page(nil), v))
	if got := readQR(t, cut(m, v.X, v.Y, v.Height, v.Height)); got != address {
		t.Errorf("the code says %q", got)
	}
}

// FuzzImage feeds images to the only parser of foreign bytes here.
func FuzzImage(f *testing.F) {
	f.Add(pngFile(f, true))
	f.Add(jpegFile(f))
	f.Add([]byte{0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 0xFF, 0xD9})
	rev := open(f, page(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		a, err := appearance.New(rev, appearance.Visible{Width: 50, Height: 50, Image: b})
		var r *pades.RefusedError
		if err != nil && !errors.As(err, &r) {
			t.Fatalf("untyped error %v", err)
		}
		if err == nil {
			if _, err := a.Form(rev.NewUpdate()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
