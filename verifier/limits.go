package verifier

import "time"

// Every cap of the verifier's own stands here, each with its reason; those of
// reading stand in packages pdf, cms and pki. What is over a cap is not looked
// at, and a file of which something was not looked at does not pass: see
// [CodeLimit].
const (
	// maxEvidence bounds the certificates, and the OCSP responses and CRLs,
	// taken from one file: package pki refuses more for one question.
	maxEvidence = 4096
	// maxEvidenceBytes bounds the DER of OCSP responses and CRLs kept of one
	// file: three of the largest national lists, and a quarter of the memory
	// that a file may cost.
	maxEvidenceBytes = 64 << 20
	// maxCertificateBytes bounds the DER of certificates taken from one file: as
	// many as maxEvidence of 2 KiB each. Read, they take ten times that.
	maxCertificateBytes = 8 << 20
	// maxStoreReading bounds the bytes inflated from security stores, of which
	// each document timestamp covers one of its own, mostly the same.
	maxStoreReading = 256 << 20
	// maxStoreItems bounds the items looked up in these stores: each may stand
	// behind a chain of references. A hundred timestamps over a store of five
	// hundred items need fifty thousand.
	maxStoreItems = 1 << 17
	// maxProblems bounds what is said about evidence that cannot be read.
	maxProblems = 64
	// maxJudgedPaths bounds the paths of one certificate that are judged with
	// revocation and algorithms; package pki bounds the search itself.
	maxJudgedPaths = 8
	// checkBudget bounds the signature checks and the scanning of lists that
	// one file may cost, in the units of [pki.NewSession]: about three seconds.
	// A B-LTA letter needs some twenty, one signed a hundred times two
	// thousand.
	checkBudget = 100_000
	// maxMemory is how many signatures on certificates and evidence are
	// remembered from file to file: those of some thousand authorities and
	// signers, in half a megabyte.
	maxMemory = 4096
	// maxParsed is how many certificates are kept from file to file, of at most
	// maxParsedSize bytes each: two such generations take some megabytes.
	maxParsed     = 512
	maxParsedSize = 4 << 10
	// maxStamps bounds the time-stamps inside one signature. Real ones have one,
	// or a content time-stamp besides; each costs a signature check.
	maxStamps = 32
	// maxFetches bounds the certificates of one file whose status is asked for:
	// a letter with twenty signers has sixty.
	maxFetches = 128
	// maxHashings is how often a file may be hashed beside once for each hash
	// function that the catalogue knows, and maxHashing how many bytes more: what
	// stands behind the gaps of honest signatures is never more than the file.
	maxHashings = 4
	maxHashing  = 64 << 20
	// maxIssuerFetches bounds the issuers asked for: a path that is not in the
	// file lacks one authority, seldom two.
	maxIssuerFetches = 4
	// fetchTime bounds all that is asked for about one file. A source has five
	// seconds for each address; this is for the file that names many dead ones.
	fetchTime = 30 * time.Second
	// maxActive bounds the dictionaries that are looked at for content that
	// acts: some hundred pages with their annotations.
	maxActive = 1000
	// headerWindow is where readers look for the header of a PDF (ISO 32000-2
	// Annex implementation notes of old: the first 1024 bytes).
	headerWindow = 1024
	// chunk is read at a time, in bytes: large files are never held in memory.
	chunk = 1 << 20
)
