#!/usr/bin/env bash
# Installs the tools that judge what Absah signs: Debian's packages, pyHanko in
# a virtual environment, EU DSS and veraPDF through Maven. What is in place already is left
# alone, so the second run takes no time. A tool that cannot be installed is
# named on standard error and leaves no stamp; the run then reports it skipped.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$here/../.." && pwd)/.tools
log=$tools/setup.log
mkdir -p "$tools"
: >"$log"

missing() { echo "interop: cannot install $1; see $log" >&2; }

# apt_install PACKAGE COMMAND [PACKAGE COMMAND]… installs what is not there.
apt_install() {
  local want=()
  while [ $# -gt 1 ]; do
    command -v "$2" >/dev/null 2>&1 || want+=("$1")
    shift 2
  done
  [ ${#want[@]} -eq 0 ] && return
  local sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo -n)
  echo "interop: installing ${want[*]}" >&2
  "${sudo[@]}" apt-get update -qq >>"$log" 2>&1
  local package
  for package in "${want[@]}"; do
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "$package" >>"$log" 2>&1 ||
      missing "$package"
  done
}

# stamped NAME FILE… tells whether NAME was installed from just these files.
stamped() { [ "$(cat "$tools/$1.stamp" 2>/dev/null)" = "$(fingerprint "${@:2}")" ]; }
stamp() { fingerprint "${@:2}" >"$tools/$1.stamp"; }
fingerprint() { cat "$@" | sha256sum | cut -d' ' -f1; }

install_pyhanko() {
  local requirements=$here/pyhanko/requirements.txt
  stamped venv "$requirements" && [ -x "$tools/venv/bin/python" ] && return
  echo "interop: installing pyHanko" >&2
  rm -rf "$tools/venv" "$tools/venv.stamp"
  if python3 -m venv "$tools/venv" >>"$log" 2>&1 &&
    "$tools/venv/bin/pip" install -q --disable-pip-version-check \
      -r "$requirements" >>"$log" 2>&1; then
    stamp venv "$requirements"
  else
    missing pyHanko
  fi
}

# install_maven FOLDER NAME compiles the Java judge in FOLDER and resolves what
# it needs.
install_maven() {
  local sources
  mapfile -t sources < <(find "$here/$1" -name '*.java' -o -name pom.xml | sort)
  stamped "$1" "${sources[@]}" && [ -s "$tools/$1/classpath" ] && return
  echo "interop: resolving $2" >&2
  rm -rf "${tools:?}/$1" "$tools/$1.stamp"
  mkdir -p "$tools/$1"
  if (cd "$here/$1" && mvn -q -B -Dout="$tools/$1" compile \
    dependency:build-classpath -Dmdep.outputFile="$tools/$1/classpath") \
    >>"$log" 2>&1; then
    stamp "$1" "${sources[@]}"
  else
    missing "$2"
  fi
}

apt_install softhsm2 softhsm2-util openssl openssl qpdf qpdf \
  poppler-utils pdfsig mupdf-tools mutool \
  python3-venv python3 default-jdk-headless javac maven mvn
install_pyhanko
install_maven dss "EU DSS"
install_maven verapdf veraPDF
exit 0
