package hsm

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// maxPIN is generous: PKCS#11 modules announce at most 255.
const maxPIN = 256

// readPIN returns the content of the PIN file without one trailing line end.
// What cannot be a PIN is refused here: the token would count it as a wrong
// one. Errors wrap ErrPIN and never hold the content.
func readPIN(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrPIN, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPIN+3))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrPIN, err)
	}
	pin := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if pin == "" || len(pin) > maxPIN {
		return "", fmt.Errorf("%w: %s must hold 1 to %d bytes", ErrPIN, path, maxPIN)
	}
	if strings.ContainsAny(pin, "\r\n\x00") {
		return "", fmt.Errorf("%w: %s must hold the PIN on one line and nothing else", ErrPIN, path)
	}
	return pin, nil
}
