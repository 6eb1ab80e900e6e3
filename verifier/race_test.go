//go:build race

package verifier_test

// raced says that the race detector is on.
const raced = true
