#!/usr/bin/env bash
# Make .venv with the locked dependencies; quiet and quick where there is nothing to do, offline after the first run.
set -euo pipefail
cd "$(dirname "$0")/.."

suits() { "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

if [ -x .venv/bin/python ] && suits .venv/bin/python; then
    :
else
    found=""
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
        if command -v "$name" >/dev/null && suits "$name"; then found=$name; break; fi
    done
    if [ -z "$found" ]; then
        echo "Incident Workbench needs Python 3.11, 3.12 or 3.13 with venv; install one (on Debian: apt install python3 python3-venv) and run make again." >&2
        exit 1
    fi
    rm -rf .venv
    "$found" -m venv .venv
fi
stamp=$(cat requirements.lock pyproject.toml | sha256sum | cut -c1-16)
if [ "$(cat .venv/.ready 2>/dev/null || true)" = "$stamp" ]; then
    touch .venv/.ready
    exit 0
fi
echo "Setting up .venv from requirements.lock (once; about a minute) ..."
[ -x .venv/bin/uv ] || .venv/bin/python -m pip install -q --disable-pip-version-check uv
export UV_NO_PROGRESS=1 VIRTUAL_ENV="$PWD/.venv"
.venv/bin/uv pip sync -q --require-hashes requirements.lock
.venv/bin/uv pip install -q --no-deps --no-build-isolation -e .
echo "$stamp" > .venv/.ready
