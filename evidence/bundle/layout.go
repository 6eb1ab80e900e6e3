package bundle

import (
	"fmt"
	"path"
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

// astray returns an error that names a file which no statement rests on: behind a
// gap in the numbers, or without what it is a part of. Nothing in a bundle may be
// there for show.
func (f *files) astray() error {
	here := map[string]bool{}
	for _, name := range f.names {
		here[name] = true
	}
	for _, name := range f.names {
		if before := companion(name); before != "" && !here[before] && !(name == fileRanges && here[fileDocument]) {
			return fmt.Errorf("%s is there without %s", name, before)
		}
		if stem, ext, _ := strings.Cut(name, "."); strings.HasPrefix(name, dirRevocation) && ext == "crl" && here[stem+".ocsp"] {
			return fmt.Errorf("%s is there twice, in two forms", stem)
		}
		if stem, n, ext := numbered(name); n > 1 {
			before := fmt.Sprintf("%s%d%s", stem, n-1, ext)
			other := strings.NewReplacer(".ocsp", ".crl", ".crl", ".ocsp").Replace(before)
			if !here[before] && !(strings.HasPrefix(name, dirRevocation) && here[other]) {
				return fmt.Errorf("%s is there without %s", name, before)
			}
		}
	}
	return nil
}

// companion returns the file without which one of that name says nothing; "" for
// none. verify.sh has the same list.
func companion(name string) string {
	dir, base := path.Split(name)
	switch {
	case name == fileTSA:
		return fileToken
	case name == fileEarlier:
		return fileConsistency
	case name == fileConsistency:
		return fileEarlier
	case strings.HasPrefix(dir, "entries/"):
		return dir + fileRecord
	case strings.HasSuffix(base, ".pem") && strings.HasPrefix(base, "timestamp-"):
		return dir + strings.TrimSuffix(base, ".pem") + ".tst"
	case name != fileCMS && dir == "signature/", name == fileRanges:
		return fileCMS
	}
	return ""
}

// numbered takes the number out of a name that has one; n is 0 for others, and
// for those that have it from their companion.
func numbered(name string) (stem string, n int, ext string) {
	i := strings.IndexAny(name, "123456789")
	if i < 0 || !strings.Contains(name, "/") || strings.HasPrefix(name, "entries/") && path.Base(name) != fileRecord {
		return "", 0, ""
	}
	rest := strings.TrimLeft(name[i:], "0123456789")
	if _, err := fmt.Sscanf(name[i:], "%d", &n); err != nil {
		return "", 0, ""
	}
	return name[:i], n, rest
}
