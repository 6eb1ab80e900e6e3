// Package fault ends the program at a named point of its work, as kill -9
// would, so that a test can show what is left then (testdata/fault).
//
// It can do so only in a build with the tag "fault". In every other build
// [Point] is an empty function that the compiler leaves out, and there is no
// way to name a point: a program that signs for a government must not hold a
// switch that stops it between two writes.
//
// A point is named by a literal at its one place in the source, before or after
// something becomes durable or leaves the program; testdata/fault compares its
// list with the source.
package fault
