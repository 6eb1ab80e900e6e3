// Package archtest holds the rules of this repository as tests: which package
// may import which, who may use the clock, the log and the heavy libraries, the
// size of functions and files, doc comments, that the README is true, and that
// what tests run is installed for them.
//
// It has no code of its own but its tests. Import rules count for what is
// compiled into the program: a package's own tests may import anything, since
// they compare packages that must not know each other.
package archtest
