package pki

// ValidatePath is tested with paths that no search would find.
var ValidatePath = validate
