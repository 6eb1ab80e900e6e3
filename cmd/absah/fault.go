//go:build fault

package main

import (
	"os"

	"github.com/absah-id/absah/internal/fault"
)

// A build with the tag dies where ABSAH_FAULT says; see testdata/fault.
func init() {
	if err := fault.Arm(os.Getenv("ABSAH_FAULT")); err != nil {
		panic(err)
	}
}
