package cms

// Normalize and Scan are tested from outside.
var (
	Normalize = normalize
	Scan      = scan
)
