package verifier

import "encoding/asn1"

// VerifyUncatalogued verifies with the key of that algorithm in a
// SubjectPublicKeyInfo.
func VerifyUncatalogued(algorithm asn1.ObjectIdentifier, key, message, value []byte) bool {
	return uncatalogued(algorithm)(key, message, value)
}
