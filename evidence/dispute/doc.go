// Package dispute decides how a complaint (pengaduan) about an electronic
// signature goes on and what can be said about it: who signed, whether a letter
// is genuine, what happened to a key.
//
// It hides the states of a case and the moves between them, deadlines in working
// days, the closing by two persons, the findings as statements that name their
// evidence, and the contents of the papers that come of it: the request for
// technical assistance to the certification authority (PSrE), the incident
// report, the case file. What differs from region to region (Perbup Bekasi
// 23/2023 art. 22, Perwali Tasikmalaya 48/2017 arts. 16, 23 and 25, Perbup
// Pasuruan 14/2023 arts. 17, 24 and 26, Perbup Muara Enim 2/2025 art. 6) is
// data in [Rules].
//
// It trusts the verdict of package verifier and the records that it is given,
// and tells them apart: a statement is Proven when it rests on signatures and
// digests that anybody can check again, Recorded when it rests on what the
// gateway wrote down in a log that cannot be changed unseen, Open when nothing
// decides it. It never says who typed a passphrase, which nobody can know.
//
// The package is pure: no clock, no network, no storage; moments and identifiers
// are parameters. Its values may be shared when they are not changed.
package dispute
