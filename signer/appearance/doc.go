// Package appearance draws what a visible signature shows: a form XObject with
// a QR code, names, lines of text and images (ISO 32000-2 §12.5.5, §12.7.5.5).
//
// It hides the design, the fitting of text into a rectangle of any size, the
// embedded font subsets, the treatment of images, and the geometry of pages
// that are cropped, turned or enlarged. The code is drawn as vectors, fonts are
// always embedded, and in a file that claims PDF/A colours are calibrated; in
// PDF/A-1 nothing is transparent.
//
// Images are foreign input: their size is capped before they are decoded, and
// JPEG metadata does not get into the document. The package does no I/O, never
// reads the clock and gives the same bytes for the same request. Its functions
// may be called by several goroutines. It does not say who signed: that is in
// the certificate, and a reader must not trust a picture.
package appearance
