package store

import (
	"fmt"
	"time"
)

// micros is how a moment stands in the database, zero as NULL.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// digest is how a SHA-256 stands in the database, zero as NULL.
func digest(d [32]byte) any {
	if d == [32]byte{} {
		return nil
	}
	return d[:]
}

// blob is how bytes stand in the database where none is not NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// moment scans what micros wrote.
type moment struct{ to *time.Time }

// Scan is sql.Scanner's.
func (m moment) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*m.to = time.Time{}
	case int64:
		*m.to = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("store: a moment is %T", src)
	}
	return nil
}

// sum scans what digest wrote.
type sum struct{ to *[32]byte }

// Scan is sql.Scanner's.
func (s sum) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s.to = [32]byte{}
	case []byte:
		if len(v) != 32 {
			return fmt.Errorf("store: a digest has %d bytes", len(v))
		}
		copy(s.to[:], v)
	default:
		return fmt.Errorf("store: a digest is %T", src)
	}
	return nil
}

// chain is a list of DER certificates as one value: each with its length in
// four bytes before it.
func joinChain(certs [][]byte) []byte {
	out := []byte{}
	for _, c := range certs {
		n := len(c)
		out = append(out, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		out = append(out, c...)
	}
	return out
}

func splitChain(b []byte) ([][]byte, error) {
	var out [][]byte
	for len(b) > 0 {
		if len(b) < 4 {
			return nil, fmt.Errorf("store: a chain of certificates ends early")
		}
		n := int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if b = b[4:]; n > len(b) {
			return nil, fmt.Errorf("store: a chain of certificates ends early")
		}
		out, b = append(out, b[:n:n]), b[n:]
	}
	return out, nil
}
