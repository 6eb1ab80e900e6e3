package main

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/absah-id/absah/hsm"
)

// subjectTypes are the attribute types of RFC 4514 §3 that a request may name.
var subjectTypes = map[string]asn1.ObjectIdentifier{
	"CN": {2, 5, 4, 3}, "O": {2, 5, 4, 10}, "OU": {2, 5, 4, 11},
	"L": {2, 5, 4, 7}, "ST": {2, 5, 4, 8}, "C": {2, 5, 4, 6},
}

// parseSubject reads a distinguished name in the order of RFC 4514, most
// specific first, and returns it in the order of X.501. Each RDN has one
// attribute; a plus sign is part of the value. Errors are usage errors.
func parseSubject(s string) (pkix.RDNSequence, error) {
	var name pkix.RDNSequence
	for _, part := range splitSubject(s) {
		key, raw, found := strings.Cut(part, "=")
		oid, known := subjectTypes[strings.ToUpper(strings.TrimSpace(key))]
		if !found || !known {
			return nil, usageErrorf("--subject: %q is not CN=…, O=…, OU=…, L=…, ST=… or C=…", part)
		}
		value, err := unescape(strings.TrimSpace(raw))
		if err != nil {
			return nil, usageErrorf("--subject: %q: %v", part, err)
		}
		name = append(pkix.RDNSequence{{{Type: oid, Value: value}}}, name...)
	}
	if err := hsm.CheckSubject(name); err != nil {
		return nil, usageErrorf("--subject: %v; certificates are public", err)
	}
	return name, nil
}

// splitSubject splits at each comma that is not escaped.
func splitSubject(s string) []string {
	var parts []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++ // whatever is escaped separates nothing
		case ',':
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// unescape reads a value (RFC 4514 §2.4): a backslash stands before two
// hexadecimal digits or a special character.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		rest := s[i+1:]
		if len(rest) >= 1 && strings.IndexByte(`\",+;<>=# `, rest[0]) >= 0 {
			b.WriteByte(rest[0])
			i++
		} else if raw, err := hex.DecodeString(rest[:min(2, len(rest))]); err == nil && len(raw) == 1 {
			b.WriteByte(raw[0])
			i += 2
		} else {
			return "", errors.New(`a backslash is written \\`)
		}
	}
	switch value := b.String(); {
	case value == "":
		return "", errors.New("the value is empty")
	case !utf8.ValidString(value):
		return "", errors.New("the value is not UTF-8")
	default:
		return value, nil
	}
}
