//go:build !linux

package main

// checkUser knows the owners of files on Linux alone.
func checkUser(string) error { return nil }
