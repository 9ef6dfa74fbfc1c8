#!/bin/sh
# Make .venv (or WORKBENCH_VENV) hold exactly what requirements.lock says, with this checkout in place. Called by make;
# quiet and quick where there is nothing to do, so that everything works offline after the first run.
set -eu
cd "$(dirname "$0")/.."
venv=${WORKBENCH_VENV:-.venv}

suits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1; }

interpreter() {
    for name in ${PYTHON:-} python3.12 python3.13 python3.11 python3 python; do
        if suits "$name"; then echo "$name"; return; fi
    done
    found=$(${PYTHON:-python3} -V 2>&1) || found=none
    echo "Incident Workbench needs Python 3.11, 3.12 or 3.13 (found: $found): install python3.12, or name one by PYTHON=/path/to/python3.12." >&2
    return 1
}

if ! suits "$venv/bin/python"; then
    python=$(interpreter)
    echo "Making $venv with $("$python" -V)." >&2
    rm -rf "$venv"
    if ! "$python" -m venv "$venv"; then
        rm -rf "$venv"
        echo "$python cannot make a virtual environment: install its venv module (Debian, Ubuntu: apt-get install python3-venv)." >&2
        exit 1
    fi
fi

folder=$(cd "$venv" && pwd)
wanted=$(cat requirements.lock pyproject.toml | "$venv/bin/python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
if [ "$(cat "$venv/.ready" 2>/dev/null || true)" = "$wanted" ]; then
    touch "$venv/.ready"
    exit 0
fi

# uv comes through pip, at the version and hashes that the lock names; pip alone would need minutes for the rest.
if ! "$venv/bin/uv" --version >/dev/null 2>&1; then
    awk '/^[^ #]/ { mine = /^uv==/ } mine && !/#/' requirements.lock | sed '$ s/ *\\$//' > "$venv/uv.requirements"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$venv/uv.requirements"
fi
echo "Installing the locked dependencies (a minute or two the first time)." >&2
# Compiled once here, not anew by every process where Python may not write its own bytecode.
if ! VIRTUAL_ENV="$folder" "$venv/bin/uv" pip sync --quiet --require-hashes --compile-bytecode requirements.lock; then
    echo "The locked dependencies could not be installed (see above). This step alone needs the network: once now, and again after requirements.lock has changed; then everything works offline." >&2
    exit 1
fi
VIRTUAL_ENV="$folder" "$venv/bin/uv" pip install --quiet --offline --no-deps --no-build-isolation --editable .
echo "$wanted" > "$venv/.ready"
