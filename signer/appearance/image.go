package appearance

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"github.com/absah-id/absah/pdf"
)

// Caps on an image given for an appearance. It becomes part of a letter of a
// few pages: what is larger is a photograph by mistake, or an attack on the
// decoder.
const (
	maxImageBytes  = 2 << 20
	maxImagePixels = 4 << 20
)

// picture is an image ready to be written.
type picture struct {
	width, height int
	components    int    // 1 or 3
	data          []byte // samples, or a whole JPEG file
	jpeg          bool
	alpha         []byte // one byte per pixel; nil = opaque
}

// readPicture decodes a PNG or JPEG file. With flat, transparency is merged
// with white (PDF/A-1 has none, ISO 19005-1 §6.4).
func readPicture(file []byte, flat bool) (*picture, error) {
	if len(file) > maxImageBytes {
		return nil, refuse("image-size", "the image has %d bytes, at most %d are accepted", len(file), maxImageBytes)
	}
	isJPEG := bytes.HasPrefix(file, []byte{0xFF, 0xD8})
	config, decode := png.DecodeConfig, png.Decode
	if isJPEG {
		config, decode = jpeg.DecodeConfig, jpeg.Decode
	}
	c, err := config(bytes.NewReader(file))
	if err != nil {
		return nil, refuse("image-format", "the image is neither PNG nor JPEG: %v", err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxImagePixels/c.Height {
		return nil, refuse("image-size", "the image has %d × %d pixels, at most %d are accepted", c.Width, c.Height, maxImagePixels)
	}
	m, err := decode(bytes.NewReader(file)) // also of a JPEG that is passed on: a broken one must not get into a document
	if err != nil {
		return nil, refuse("image-format", "the image is broken: %v", err)
	}
	if isJPEG {
		if p := passJPEG(file, m); p != nil {
			return p, nil
		}
	}
	return samples(m, flat), nil
}

// passJPEG keeps a grey or YCbCr JPEG compressed as it is, without its
// metadata. Other colour models are read differently by different viewers: nil.
func passJPEG(file []byte, m image.Image) *picture {
	p := &picture{width: m.Bounds().Dx(), height: m.Bounds().Dy(), jpeg: true}
	switch m.(type) {
	case *image.Gray:
		p.components = 1
	case *image.YCbCr:
		p.components = 3
	default:
		return nil
	}
	if p.data = stripJPEG(file); p.data == nil {
		return nil
	}
	return p
}

// stripJPEG copies a JPEG file without comments and application segments
// (which may tell where and by whom a photograph was taken), save Adobe's
// colour transform, and without what follows its end. nil when the segments
// do not parse.
func stripJPEG(b []byte) []byte {
	const soi, eoi, sos, app0, app14, app15, com = 0xD8, 0xD9, 0xDA, 0xE0, 0xEE, 0xEF, 0xFE
	out := []byte{0xFF, soi}
	for i := 2; i+4 <= len(b) && b[i] == 0xFF; {
		marker := b[i+1]
		if marker == 0xFF { // fill byte (ITU-T T.81 §B.1.1.2)
			i++
			continue
		}
		end := i + 2 + int(binary.BigEndian.Uint16(b[i+2:]))
		if end > len(b) {
			return nil
		}
		if marker == sos {
			end = endOfScan(b, end)
		}
		if dropped := marker == com || marker >= app0 && marker <= app15 && marker != app14; !dropped {
			out = append(out, b[i:end]...)
		}
		if i = end; i+2 <= len(b) && b[i] == 0xFF && b[i+1] == eoi {
			return append(out, 0xFF, eoi)
		}
	}
	return nil
}

// endOfScan returns where the entropy-coded data that starts at i ends: at the
// next marker that is neither a stuffed zero nor a restart.
func endOfScan(b []byte, i int) int {
	for ; i+1 < len(b); i++ {
		if b[i] == 0xFF && b[i+1] != 0 && (b[i+1] < 0xD0 || b[i+1] > 0xD7) {
			return i
		}
	}
	return len(b)
}

// samples unpacks an image into 8-bit grey or RGB and, where needed, alpha.
func samples(m image.Image, flat bool) *picture {
	bounds := m.Bounds()
	n := bounds.Dx() * bounds.Dy()
	rgb, alpha := make([]byte, 0, 3*n), make([]byte, 0, n)
	grey, opaque := true, true
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			if flat && c.A != 255 {
				c = overWhite(c)
			}
			grey = grey && c.R == c.G && c.G == c.B
			opaque = opaque && c.A == 255
			rgb = append(rgb, c.R, c.G, c.B)
			alpha = append(alpha, c.A)
		}
	}
	p := &picture{width: bounds.Dx(), height: bounds.Dy(), components: 3, data: rgb}
	if grey {
		for i := range n {
			rgb[i] = rgb[3*i]
		}
		p.components, p.data = 1, rgb[:n]
	}
	if !opaque {
		p.alpha = alpha
	}
	return p
}

func overWhite(c color.NRGBA) color.NRGBA {
	mix := func(v uint8) uint8 {
		a := uint32(c.A)
		return uint8((uint32(v)*a + 255*(255-a) + 127) / 255)
	}
	return color.NRGBA{R: mix(c.R), G: mix(c.G), B: mix(c.B), A: 255}
}

// embed writes the image XObject (ISO 32000-2 §8.9.5) and its soft mask.
func (p *picture) embed(u *pdf.Update, c colours) pdf.Ref {
	d := pdf.Dict{
		"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Image"),
		"Width": pdf.Integer(p.width), "Height": pdf.Integer(p.height),
		"BitsPerComponent": pdf.Integer(8), "ColorSpace": c.rgb,
	}
	if p.components == 1 {
		d["ColorSpace"] = c.grey
	}
	if p.alpha != nil {
		d["SMask"] = u.Add(pdf.NewFlateStream(pdf.Dict{
			"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Image"),
			"Width": pdf.Integer(p.width), "Height": pdf.Integer(p.height),
			"BitsPerComponent": pdf.Integer(8), "ColorSpace": pdf.Name("DeviceGray"),
		}, p.alpha))
	}
	if p.jpeg {
		d["Filter"] = pdf.Name("DCTDecode")
		return u.Add(pdf.NewStream(d, p.data))
	}
	return u.Add(pdf.NewFlateStream(d, p.data))
}
