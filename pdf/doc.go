// Package pdf reads a PDF file as its chain of revisions and appends new ones
// (ISO 32000-2 §7.5).
//
// It hides the syntax of objects, cross-reference tables and streams, object
// streams, filters and the standard security handler. Every cap on hostile
// input stands in [Limits]. What it reads is immutable; what it writes is only
// ever appended: the bytes of the input are never changed.
//
// It knows nothing of signatures (see pdf/pades), does no I/O but through the
// io.ReaderAt it is given, and never reads the clock. A Document may be used
// by several goroutines; an Update by one.
package pdf
