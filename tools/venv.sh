#!/bin/sh
# Makes the virtual environment .venv with uv in it, from nothing but Python >= 3.11 and a package registry.
#
#   tools/venv.sh            PYTHON names the interpreter to take; else the first fit one is found
#
# Debian and Ubuntu split the standard library: without python3-venv, `python3 -m venv` has no pip to
# put inside. Then pip or uv of the system steps in, then apt-get where we may use it, then words.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'greenroom: %s\n' "$*" >&2; }

fit() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.14; do
        if fit "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    say "Python 3.11 or newer is needed; ${PYTHON:-python3} is $("${PYTHON:-python3}" --version 2>&1 || true)."
    say "Install one, or name it: make PYTHON=/path/to/python3.12 run"
    exit 1
}

with_venv() { "$python" -m venv --clear .venv >/dev/null 2>&1 && .venv/bin/python -m pip --version >/dev/null 2>&1; }

with_pip_of_the_system() {
    "$python" -m pip --version >/dev/null 2>&1 || return 1
    "$python" -m venv --clear --without-pip .venv >/dev/null 2>&1 || return 1
    "$python" -m pip --python .venv/bin/python install --quiet uv
}

with_uv_of_the_system() {
    command -v uv >/dev/null 2>&1 || return 1
    uv venv --quiet --clear --python "$python" .venv
    uv pip install --quiet --python .venv/bin/python uv
}

with_apt() {
    command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ] || return 1
    say "python3-venv is missing: installing it with apt-get"
    apt-get update -qq >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null && with_venv
}

python=$(find_python)
say "making .venv with $("$python" --version)"
if with_venv || { ! with_pip_of_the_system && ! with_uv_of_the_system && with_apt; }; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
fi
if [ ! -x .venv/bin/uv ]; then
    say "could not make a virtual environment."
    say "On Debian or Ubuntu: sudo apt-get install python3-venv. Elsewhere: install pip or uv for $python."
    exit 1
fi
