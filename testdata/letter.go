// Package testdata embeds the sample letter that "absah demo" signs. The files
// beside it are made by testdata/gen ("make testdata").
package testdata

import _ "embed"

// Letter is pdf/naskah-dinas.pdf: an official letter of an invented regency,
// unsigned. It must not be changed.
//
//go:embed pdf/naskah-dinas.pdf
var Letter []byte
