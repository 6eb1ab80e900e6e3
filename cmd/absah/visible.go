package main

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/signer"
)

// visibleFlags describe the visible appearance of a signature.
type visibleFlags struct {
	place, qr, name, office, image string
	lines                          []string
}

func (v *visibleFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&v.place, "visible", "", "`place`: page=N|first|last,x=…,y=…,w=…,h=… in points from the lower left corner of the page as shown")
	flags.StringVar(&v.qr, "qr", "", "address drawn as a QR code in the visible signature")
	flags.StringVar(&v.name, "show-name", "", "name in the visible signature (default: the certificate's common name)")
	flags.StringVar(&v.office, "show-office", "", "office in the visible signature")
	flags.StringArrayVar(&v.lines, "show-line", nil, "further line of text in the visible signature (repeatable)")
	flags.StringVar(&v.image, "show-image", "", "PNG or JPEG `file` in the visible signature")
}

// build returns nil when no visible signature is asked for.
func (v *visibleFlags) build() (*signer.Visible, error) {
	if v.place == "" {
		if v.qr != "" || v.name != "" || v.office != "" || v.image != "" || len(v.lines) > 0 {
			return nil, usageErrorf("--qr and --show-… need --visible")
		}
		return nil, nil
	}
	out := &signer.Visible{QR: v.qr, Name: v.name, Office: v.office, Lines: v.lines}
	if err := parsePlace(v.place, out); err != nil {
		return nil, err
	}
	if v.image != "" {
		b, err := readSmall(v.image)
		if err != nil {
			return nil, ofFlag("show-image", err)
		}
		out.Image = b
	}
	return out, nil
}

// parsePlace reads page and rectangle; the first page unless another is named.
func parsePlace(place string, out *signer.Visible) error {
	out.Page = signer.FirstPage
	sizes := map[string]*float64{"x": &out.X, "y": &out.Y, "w": &out.Width, "h": &out.Height}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(place, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if seen[key] {
			return usageErrorf("--visible names %q twice", key)
		}
		seen[key] = true
		var err error
		switch dst := sizes[key]; {
		case key == "page":
			out.Page, err = parsePage(value)
		case dst != nil:
			*dst, err = parsePoints(value, key == "w" || key == "h")
		default:
			err = errors.New("unknown word")
		}
		if err != nil {
			return usageErrorf("--visible: %q: %v", part, err)
		}
	}
	if !seen["w"] || !seen["h"] {
		return usageErrorf("--visible needs w and h, for example page=last,x=60,y=60,w=220,h=80")
	}
	return nil
}

// parsePoints reads a decimal number. A length is above 0; a place can lie
// outside the page that is named, and the document decides about that.
func parsePoints(s string, length bool) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || math.IsNaN(v) || math.IsInf(v, 0) || strings.ContainsAny(s, "xX_"):
		return 0, errors.New("no number of points")
	case length && v <= 0:
		return 0, errors.New("a length is above 0")
	}
	return v, nil
}

func parsePage(s string) (int, error) {
	switch s {
	case "first":
		return signer.FirstPage, nil
	case "last":
		return signer.LastPage, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, errors.New("a page is a number from 1, first or last")
	}
	return n, nil
}
