package main

import (
	"os"
	"os/user"
	"strings"
)

// person is who gives the command: whom the kernel saw log in, which nobody can
// change afterwards (pam_loginuid), or else whom sudo names, or else the user of
// the process. SUDO_USER is believed from root alone: anybody may set it.
func person() string {
	const unset = "4294967295"
	if b, err := os.ReadFile("/proc/self/loginuid"); err == nil {
		if id := strings.TrimSpace(string(b)); id != unset && id != "" {
			if u, err := user.LookupId(id); err == nil {
				return u.Username
			}
			return "uid " + id
		}
	}
	if name := os.Getenv("SUDO_USER"); name != "" && os.Geteuid() == 0 {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}
