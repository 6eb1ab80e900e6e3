#!/usr/bin/env bash
# What `make bench` runs: measures, and writes the table into
# docs/PERFORMANCE.md. Arguments go to the program; see bench -h.
set -euo pipefail
cd "$(dirname "$0")"
program=$(mktemp -d)
trap 'rm -rf "$program"' EXIT
go build -o "$program/bench" .
"$program/bench" -update ../../docs/PERFORMANCE.md "$@"
