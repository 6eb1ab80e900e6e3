// Package web is the pages that people see: the verification of a document at
// "/", and what the QR code on a letter leads to at "/d/ID".
//
// It hides how a verdict becomes a page: Bahasa Indonesia first, English on
// request, every time in the three zones of Indonesia at once. The pages are
// made on the server and work without script; one small script adds the
// progress of an upload, results without reload, and downloads that need no
// second upload; another draws the document, with pdfjs-dist where the program was
// built with it (scripts/preview). There are no cookies and nothing comes from elsewhere, which
// the content security policy holds browsers to.
//
// It trusts the verdict, and nothing in a document: text from it is made fit
// for display by [report.Visible] and escaped by html/template; lists that a
// hostile file could make endless are cut, with the number left out. It keeps
// nothing: an upload is closed before its answer ends.
//
// It reads no clock, and decides neither limits nor rights: those are in what
// Config is given. Pages may be used by several goroutines.
package web
