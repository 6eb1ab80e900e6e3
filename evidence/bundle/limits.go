package bundle

// Limits of a bundle, refused and never cut off.
const (
	// maxFiles is more than the files of the largest operation: 64 entries of
	// four files and 256 revocation data.
	maxFiles = 1024
	// maxSmall bounds each file but the document, in bytes: the largest CRLs
	// of national authorities have a few megabytes.
	maxSmall = 16 << 20
	// maxMemory bounds what is held in memory of one bundle, in bytes.
	maxMemory = 64 << 20
	// maxDocument bounds the document, which is streamed; it is the largest
	// upload that the gateway can be configured for.
	maxDocument = 1 << 30
	// maxEntries bounds the log entries of one operation.
	maxEntries = 64
	// maxCertificates bounds a chain.
	maxCertificates = 16
	// maxRanges bounds what is taken for a ByteRange in a document: one for
	// each of its signatures, of which the verifier of PDFs takes fewer.
	maxRanges = 1024
	// maxGap bounds the string that holds a timestamp in a document, in bytes.
	maxGap = 4 << 20
	// maxLines bounds lists of keys and key statements.
	maxLines = 64
)
