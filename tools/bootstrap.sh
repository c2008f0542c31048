#!/bin/sh
# Fetches uv into .boot/ with whatever this machine has: pip, venv's pip, or Debian's pip package,
# unpacked here. Nothing is installed on the machine and no root is needed.
set -eu
python="${1:-python3}"
uv="uv==0.13.8"

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "bankside needs Python 3.11 or newer, and '$python' is not that." >&2
    echo "Install it, or name another one: make run PYTHON=/path/to/python3.12" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# pip 23 says that root should not run it; it writes to .boot/ only.
fetch() {
    rm -rf .boot
    PIP_ROOT_USER_ACTION=ignore "$@" install -qq --disable-pip-version-check \
        --no-warn-script-location --target .boot "$uv"
}

# With lists of our own when the machine has none or old ones: a user may not write the machine's.
debian_pip() {
    own="-o Dir::State::lists=$work/lists -o Dir::Cache=$work/cache -o Acquire::Languages=none"
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    ( cd "$work" && {
        apt-get -qq download python3-pip-whl 2>/dev/null || {
            # shellcheck disable=SC2086
            apt-get -qq $own -o APT::Sandbox::User=root update &&
                apt-get -qq $own -o APT::Sandbox::User=root download python3-pip-whl
        }
    } && dpkg-deb -x python3-pip-whl_*.deb . ) || return 1
    set -- "$work"/usr/share/python-wheels/pip-*.whl
    pip=$1/pip
}

if "$python" -m pip --version >/dev/null 2>&1; then
    fetch "$python" -m pip
elif "$python" -m venv "$work/venv" >/dev/null 2>&1; then
    fetch "$work/venv/bin/python" -m pip
elif command -v apt-get >/dev/null && debian_pip; then
    fetch "$python" "$pip"
else
    echo "'$python' has neither pip nor venv, and neither could be fetched." >&2
    echo "Install one of them (Debian: apt-get install python3-venv) and try again." >&2
    exit 1
fi
