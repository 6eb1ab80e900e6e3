package main

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// checkUser refuses to work as root on a SQLite database that belongs to a
// service user, or in its folder: what root makes there the service cannot open.
func checkUser(database string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(database)
	if err != nil {
		info, err = os.Stat(filepath.Dir(database))
	}
	if err != nil {
		return nil // opening it will say so
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	name := strconv.Itoa(int(owner.Uid))
	if known, err := user.LookupId(name); err == nil {
		name = known.Username
	}
	return usageErrorf("%s belongs to %s, who could not open what root makes there: give the command as that user, such as runuser -u %s -- absah …", info.Name(), name, name)
}
