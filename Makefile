# Every target sets itself up: a Python >= 3.11, .venv, the locked dependencies.
SHELL := /bin/bash
.DEFAULT_GOAL := help
SEED ?= 7
VARIANT ?= cause
PY := .venv/bin/python
READY := .venv/.ready
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := 1
export PYTHONHASHSEED ?= 0
export JUPYTER_PLATFORM_DIRS := 1
DATA := $(wildcard ../shared/data)
ifneq ($(DATA),)
export WORKBENCH_CONFORMANCE_DATA ?= $(abspath $(DATA))
endif

.PHONY: help demo test test-full bench bench-causes bench-drift lint docs screenshots lock clean

help:  ## show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml tools/setup.sh
	@bash tools/setup.sh

demo: $(READY)  ## create an incident, take it in, find its cause, write case, notebook and HTML [SEED=n] [VARIANT=no_cause]
	@.venv/bin/workbench demo --seed $(SEED) --variant $(VARIANT)

test: $(READY)  ## run the tests
	@$(PY) -m pytest -n 2 --dist loadfile -q

test-full: $(READY)  ## run the tests with every count of docs/promises.md
	@$(PY) -m pytest -n 2 --dist loadfile -q -m "full or not full"

bench: $(READY)  ## measure intake, store and OTLP beside their peers
	@for name in otlp store intake; do $(PY) -m benchmarks.$$name || exit 1; done

bench-causes: $(READY)  ## print the accuracy boards
	@$(PY) -m benchmarks.board

lint: $(READY)  ## check style, types and layers
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/lint-imports && .venv/bin/mypy

lock: $(READY)  ## resolve the dependencies anew, with hashes and without addresses
	@.venv/bin/uv lock -q && .venv/bin/uv export --all-extras --all-groups --no-emit-project --no-header -q > requirements.lock

clean:  ## remove what was built or made
	rm -rf .venv dist demo
