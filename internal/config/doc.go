// Package config reads the configuration of `absah serve`.
//
// It hides YAML, default values, units and relative paths. [Load] returns a
// configuration that is complete and consistent or an error that names every
// fault with its line; nothing is guessed and an unknown key is a fault.
// Passwords and PINs are never in the file itself: it names files that hold
// them. Of those this package looks only whether they are kept from others and
// whether their first line is empty.
//
// The comments and tags of [Config] are the manual: docs/CONFIGURATION.md is
// made of them, and a test compares the two.
package config
