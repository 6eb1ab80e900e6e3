//go:build race

package pdf_test

// raceEnabled relaxes limits of time: the race detector slows tenfold.
const raceEnabled = true
