#!/bin/sh
# Compare all named queries on a real Spark 4 Connect server with two worker processes. The server comes from the
# package pyspark (which brings the jars) in an environment of its own, so that it never meets the light client.
set -eu
cd "$(dirname "$0")/.."
home=${1:-.spark}
if ! java -version 2>&1 | grep -Eq '"(17|21)'; then
    echo "A Spark 4 server needs Java 17 or 21 on the path (found: $(java -version 2>&1 | head -1))." >&2
    exit 1
fi
if ! [ -x "$home/bin/python" ] || ! "$home/bin/python" -c 'import pyspark' 2>/dev/null; then
    echo "Fetching Spark into $home (about 450 MB, once)." >&2
    .venv/bin/uv venv -q --python .venv/bin/python "$home"
    .venv/bin/uv pip install -q --no-compile-bytecode --python "$home/bin/python" 'pyspark>=4.2,<4.3'
fi
WORKBENCH_SPARK_HOME=$("$home/bin/python" -c 'import pathlib, pyspark; print(pathlib.Path(pyspark.__file__).parent)')
export WORKBENCH_SPARK_HOME
exec .venv/bin/python -m pytest -q --timeout=900 -k "spark" tests/contract/test_engines.py tests/faults/test_spark_faults.py
