// Package pdfmake writes the PDF files that the tests read: every kind of
// cross-reference, encryption, form and page geometry that the signer must
// meet (ISO 32000-2 §7.5, §7.6, Annex F), and files that break its rules.
//
// It shares no code with package pdf, on purpose: a misreading of the standard
// made once would otherwise be written and read back without a murmur. What it
// writes is held to qpdf instead.
//
// All output is reproducible: no clock, no randomness, fixed identifiers. It
// holds everything in memory and panics on misuse; it is test support and no
// part of the program.
package pdfmake
