#!/bin/sh
# Fetches uv into .boot/, with whatever this machine has: pip, or venv's pip, or Debian's packages.
set -eu
python="${1:-python3}"

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "bankside needs Python 3.11 or newer as '$python'." >&2
    echo "Install it, or name another one: make PYTHON=/path/to/python3.12 run" >&2
    exit 1
fi

fetch() { "$@" install --quiet --disable-pip-version-check --no-warn-script-location \
    --target .boot uv==0.13.8; }

if "$python" -m pip --version >/dev/null 2>&1; then
    fetch "$python" -m pip
elif "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv .boot/pip && fetch .boot/pip/bin/python -m pip && rm -rf .boot/pip
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Debian's python3-venv (this Python has no pip) ..."
    apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    "$python" -m venv .boot/pip && fetch .boot/pip/bin/python -m pip && rm -rf .boot/pip
else
    echo "This Python has neither pip nor venv. On Debian: sudo apt-get install python3-venv" >&2
    exit 1
fi
