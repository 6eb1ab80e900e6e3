// Package font embeds the Go fonts into documents that are made here: visible
// signatures and printed reports. It hides the font library, the making of a
// subset and the objects of a Type 0 font (ISO 32000-2 §9.7), in the form that
// PDF/A asks for (ISO 19005-2 §6.2.11): no viewer ever needs a font of its own,
// and the text can be copied and read aloud.
//
// The Go fonts cover Latin, Greek and Cyrillic and are free to embed (fsType
// 0). There is no shaping: scripts that need it cannot be shown, and
// [Face.Has] says so.
//
// The package reads no files and no clock: the same text gives the same bytes.
package font
