package bundle

import (
	"regexp"
	"strings"
)

// Names of the files in a bundle; docs/EVIDENCE.md says what is in each.
const (
	fileReadme      = "README.txt"
	fileScript      = "verify.sh"
	fileSums        = "SHA256SUMS"
	fileOrigin      = "log/origin.txt"
	fileKeys        = "log/keys.txt"
	fileCheckpoint  = "log/checkpoint.note"
	fileToken       = "log/timestamp.tst"
	fileTSA         = "log/tsa.pem"
	fileEarlier     = "log/earlier.note"
	fileConsistency = "log/consistency.txt"
	fileCMS         = "signature/cms.der"
	fileAttributes  = "signature/attributes.der"
	fileValue       = "signature/value.bin"
	fileAlgorithm   = "signature/algorithm.txt"
	fileSigner      = "signature/signer.pem"
	fileDocument    = "document/document.pdf"
	fileRanges      = "document/ranges.txt"

	fileRecord  = "record.json" // in entries/N
	fileSalt    = "salt.bin"
	fileReceipt = "receipt.note"
	fileProof   = "proof.tlog-proof"

	dirReport     = "report/"
	dirRevocation = "revocation/"
)

var known = map[string]bool{
	fileReadme: true, fileScript: true, fileSums: true, fileOrigin: true, fileKeys: true, fileCheckpoint: true,
	fileToken: true, fileTSA: true, fileEarlier: true, fileConsistency: true, fileCMS: true, fileAttributes: true,
	fileValue: true, fileAlgorithm: true, fileSigner: true, fileDocument: true, fileRanges: true,
}

// pattern admits the names with numbers. Numbers have no leading zeroes and
// begin with 1.
var pattern = regexp.MustCompile(`^(log/successor-[1-9][0-9]?\.note` +
	`|entries/[1-9][0-9]?/(record\.json|salt\.bin|receipt\.note|proof\.tlog-proof)` +
	`|(signature|document)/timestamp-[1-9][0-9]?\.(tst|pem)` +
	`|revocation/[1-9][0-9]{0,2}\.(ocsp|crl)` +
	`|report/report\.(json|xml|txt|pdf))$`)

// allowed reports whether a bundle may hold a file of that name. No other name
// is looked at, so none can leave the folder that the bundle is unpacked in.
func allowed(name string) bool {
	return known[name] || !strings.Contains(name, "\n") && pattern.MatchString(name)
}
