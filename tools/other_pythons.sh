#!/bin/sh
# Pass the core tests, and replay one case to the same state hash, on every other Python from 3.11 to 3.13 of this
# machine: one environment each, .venv-3.N, from the same lock. Called by `make test-pythons`.
set -eu
cd "$(dirname "$0")/.."
own=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
core="tests/unit/test_case.py tests/unit/test_replay.py tests/property/test_case_lines.py tests/unit/test_store.py
      tests/property/test_store_order.py tests/contract/test_sources.py tests/unit/test_config.py tests/unit/test_cli.py"

find_python() { # prints a working interpreter of version $1, on the PATH or among pyenv's
    for found in "python$1" "$(pyenv root 2>/dev/null || echo "$HOME/.pyenv")/versions/$1".*/bin/python; do
        if "$found" -c 'import venv' >/dev/null 2>&1; then echo "$found"; return; fi
    done
}

tried=0
for version in 3.11 3.12 3.13; do
    [ "$version" = "$own" ] && continue
    python=$(find_python "$version")
    if [ -z "$python" ]; then echo "No Python $version here: not tested on it."; continue; fi
    echo "Python $version:"
    PYTHON=$python WORKBENCH_VENV=.venv-$version sh tools/setup.sh
    # shellcheck disable=SC2086
    ".venv-$version/bin/python" -m pytest -q -p no:cacheprovider $core
    tried=$((tried + 1))
done
[ "$tried" = 0 ] || .venv/bin/python -m pytest -q -m "full or not full" tests/conformance/test_replay_pythons.py
