#!/usr/bin/env bash
# What `make interop` runs: installs the judges, signs the matrix, judges it.
# Arguments go to the program, e.g. -keep FOLDER or -only letter.
set -euo pipefail
cd "$(dirname "$0")"
./setup.sh
program=$(mktemp -d)
trap 'rm -rf "$program"' EXIT
go build -o "$program/interop" .
"$program/interop" "$@"
