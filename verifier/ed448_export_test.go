package verifier

// VerifyEd448 runs verifyEd448.
func VerifyEd448(key, message, sig []byte) bool { return verifyEd448(key, message, sig) }
