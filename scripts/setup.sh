#!/usr/bin/env bash
# Makes .venv with the pinned packages and the `gridkit` command. Called by make on first use.
#   PYTHON=/path/to/python   use this interpreter instead of the best one on PATH
set -euo pipefail
cd "$(dirname "$0")/.."

readonly NEWEST=14 OLDEST=11 # minor versions of Python 3 the lock has wheels for

fail() {
  printf 'setup: %s\n' "$1" >&2
  exit 1
}

# Minor version of a Python 3 that we can use, or nothing.
usable_minor() {
  local minor
  minor=$("$1" -c 'import sys; print(sys.version_info[1] if sys.version_info[0] == 3 else 0)' 2>/dev/null) || return 1
  ((minor >= OLDEST && minor <= NEWEST)) && echo "$minor"
}

can_make_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }
has_openmp() { "$1" -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null; }

found_version() { "$1" --version 2>/dev/null || echo "$1: not found"; }

# One that can already make a venv goes first; otherwise the missing package is installed below.
find_python() {
  local candidates=(python3.13 python3.12 python3.11 python3.14 python3) candidate
  if [[ -n ${PYTHON:-} ]]; then
    usable_minor "$PYTHON" >/dev/null ||
      fail "PYTHON=$PYTHON cannot be used ($(found_version "$PYTHON")); Python 3.$OLDEST to 3.$NEWEST is needed"
    echo "$PYTHON"
    return
  fi
  for candidate in "${candidates[@]}"; do
    usable_minor "$candidate" >/dev/null && can_make_venv "$candidate" && echo "$candidate" && return
  done
  for candidate in "${candidates[@]}"; do
    usable_minor "$candidate" >/dev/null && echo "$candidate" && return
  done
  fail "Python 3.$OLDEST to 3.$NEWEST is needed; python3 here is: $(found_version python3).
       Install one (Debian 12, Ubuntu 24.04 or newer: apt-get install python3) or name it: make setup PYTHON=/path/to/python3.$OLDEST"
}

# What a fresh Debian or Ubuntu lacks: ensurepip for the venv, OpenMP for lightgbm and xgboost.
install_system_packages() {
  local packages=() python=$1
  can_make_venv "$python" || packages+=("python3.$(usable_minor "$python")-venv")
  has_openmp "$python" || packages+=(libgomp1)
  ((${#packages[@]})) || return 0
  command -v apt-get >/dev/null ||
    fail "the system lacks ${packages[*]} (Debian's names); install them with your package manager and run make again"
  if ((EUID == 0)); then
    as_root=()
  elif sudo -n true 2>/dev/null; then
    as_root=(sudo)
  else
    fail "the system lacks ${packages[*]}. Run this once, then make again:
       sudo apt-get update && sudo apt-get install -y ${packages[*]}"
  fi
  echo "setup: installing ${packages[*]}"
  "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" ||
    fail "apt-get could not install ${packages[*]}; its reason stands above"
}

# A venv holds its own absolute path, so one that was moved, or whose Python is gone, is made anew.
make_venv() {
  local here=$PWD/.venv
  if ! grep -qsF "$here" .venv/pyvenv.cfg || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    "$1" -m venv --clear .venv || fail "could not make .venv with $1; the reason stands above"
  fi
}

# setuptools goes first, as everything is built with the pinned one and nothing else is fetched.
# --use-pep517: the pip of older systems would want the wheel package for a source-only pin.
install_packages() {
  local pip=(.venv/bin/python -m pip --disable-pip-version-check install --no-deps)
  "${pip[@]}" "$(grep '^setuptools==' requirements.lock)" &&
    "${pip[@]}" --use-pep517 --no-build-isolation -r requirements.lock &&
    "${pip[@]}" --no-build-isolation --editable .
}

python=$(find_python)
install_system_packages "$python"
make_venv "$python"
install_packages || fail "the packages could not be installed; pip's reason stands above. Is the package registry reachable?"
.venv/bin/python -c 'import freqtrade, lightgbm, talib, gridkit' || fail "the packages were installed but cannot be imported"
echo "setup: .venv is ready ($(.venv/bin/python --version), $(.venv/bin/python -c 'import freqtrade; print("freqtrade", freqtrade.__version__)'))"
