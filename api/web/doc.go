// Package web is the pages that people see: the verification of a document at
// "/", what the QR code on a letter leads to at "/d/ID", and the console of OP
// staff at "/op".
//
// It hides how a verdict becomes a page: Bahasa Indonesia first, English on
// request, every time in the three zones of Indonesia at once. The pages are
// made on the server and work without script; one small script adds the
// progress of an upload, results without reload, and downloads that need no
// second upload; another draws the document, with pdfjs-dist where the program was
// built with it (scripts/preview). Nothing comes from elsewhere, which the content
// security policy holds browsers to. The public pages have no cookies; the
// console has one, with the token of a session that package gateway keeps. Each
// of its forms carries a second token, and says by what browsers add that a page of
// ours has sent it.
//
// It trusts the verdict, and nothing in a document: text from it is made fit
// for display by [report.Visible] and escaped by html/template; lists that a
// hostile file could make endless are cut, with the number left out. It keeps
// nothing: an upload is closed before its answer ends.
//
// It reads no clock, and decides neither limits nor rights: those are in what
// Config is given. Pages may be used by several goroutines.
package web
