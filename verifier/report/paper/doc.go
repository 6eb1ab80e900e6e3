// Package paper prints a verdict of package verifier: a PDF of A4 pages for a
// file, a court or a counter, verdict first, in Bahasa Indonesia or English.
//
// It hides layout, pagination and the making of a PDF/A-2u file (ISO 19005-2)
// with tags, embedded fonts and colours that need no output intent. The same
// report and options give the same bytes. The result is a plain one-revision
// document without active content, fit to be sealed by package signer.
//
// It judges nothing and trusts the verdict. Text from the document is shown as
// package report makes it visible; what the fonts lack is shown by its code
// point. Lists that a hostile file could make endless are cut, and the number
// left out is printed.
//
// The package does no I/O but writing and reads no clock.
package paper
