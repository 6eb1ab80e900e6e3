package hsm

import "os"

// softHSM are the places where Debian, Fedora, Alpine and Homebrew install
// SoftHSM.
var softHSM = []string{
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib64/softhsm/libsofthsm2.so",
	"/usr/lib64/pkcs11/libsofthsm2.so",
	"/usr/local/lib/softhsm/libsofthsm2.so",
	"/opt/homebrew/lib/softhsm/libsofthsm2.so",
}

// FindSoftHSM returns the path of SoftHSM's library, "" where it is not
// installed. It is for demonstrations and tests; a service names its module.
func FindSoftHSM() string {
	for _, path := range softHSM {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}
