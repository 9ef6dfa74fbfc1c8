# Every verb does its own set-up: an interpreter check, .venv, the locked dependencies. Nothing is fetched while
# .venv/.ready is newer than the files below, so all of it works offline after the first run.
.DEFAULT_GOAL := help
.PHONY: help demo test test-full test-pythons bench bench-causes bench-drift bench-scale test-spark lint docs screenshots lock clean

SEED ?= 7
VARIANT ?= cause
OUT ?= demo
WORKERS ?= 2
CASES ?= 60
PYTEST_ARGS ?=
PEERS ?= peers
QUICK ?=
SPANS ?= 20000000
POINTS ?= 10000000
SCALE ?= scale
SPARK ?= .spark

export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := 1
export PYTHONUTF8 := 1
export JUPYTER_PLATFORM_DIRS := 1
# The recordings that conformance tests read lie beside some checkouts; without them those tests are skipped in words.
ifeq ($(WORKBENCH_CONFORMANCE_DATA),)
ifneq ($(wildcard ../shared/data/TRUTH.json),)
export WORKBENCH_CONFORMANCE_DATA := $(abspath ../shared/data)
endif
endif

BIN := .venv/bin
READY := .venv/.ready
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -q $(PYTEST_ARGS)

help: ## Show the verbs.
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | awk -F '|' '{ printf "make %-14s%s\n", $$1, $$2 }'

$(READY): requirements.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh

demo: $(READY) ## Create an incident, take it in, find its cause, write case, notebook and page. SEED=n VARIANT=no_cause
	@$(BIN)/workbench demo --seed $(SEED) --variant $(VARIANT) --out $(OUT)

test: $(READY) ## Pass the tests: about a tenth of each promised count.
	@$(PYTEST)

test-full: $(READY) ## Pass the tests with every promised count.
	@$(PYTEST) -m "full or not full"

test-pythons: $(READY) ## Pass the core tests, and replay a case to one state hash, on the other Pythons found here.
	@sh tools/other_pythons.sh

bench: $(READY) ## Print the speed benchmarks: figure, peer or floor, ratio.
	@for name in otlp store intake; do $(BIN)/python -m benchmarks.$$name || exit 1; done

bench-causes: $(READY) ## Print the accuracy boards: labelled sets, then generated incidents. CASES=60 PEERS=folder, or QUICK=1
	@mkdir -p $(OUT)
	@$(BIN)/python -m benchmarks.board --out $(OUT) --peers $(PEERS) $(if $(QUICK),--quick)
	@$(BIN)/python -m benchmarks.contrast $(if $(QUICK),--cases 10)
	@$(BIN)/python -m benchmarks.incidents --cases $(if $(QUICK),8,$(CASES)) --workers $(WORKERS) --out $(OUT)/incidents.jsonl

bench-drift: $(READY) ## Print speed, storage and accuracy of profiles and drift beside their bars. PEERS=folder of peers' environments
	@$(BIN)/python -m benchmarks.drift --peers $(PEERS)

bench-scale: $(READY) ## Print how long questions of many spans take, here and on Sail, beside their bars. SPANS=20000000 POINTS=10000000 SCALE=folder
	@mkdir -p $(SCALE)
	@$(BIN)/python -m benchmarks.scale --spans $(SPANS) --points $(POINTS) --store $(SCALE)/store --samples $(SCALE)/samples --sail
	@$(BIN)/python -m benchmarks.scale_layer
	@$(BIN)/python -m benchmarks.scale_long --store $(SCALE)/store --hour $(SCALE)/hour
	@$(BIN)/python -m benchmarks.scale_sampling

test-spark: $(READY) ## Compare all named queries on a real Spark 4 Connect server (needs Java 17; about 450 MB are fetched once). SPARK=folder
	@sh tools/real_spark.sh $(SPARK)

lint: $(READY) ## Check style, layers and types.
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/mypy

docs: $(READY) ## Write the generated pages below docs/, and environment.yml, anew from the code.
	@$(BIN)/python -m tools.docs
	@$(BIN)/python -m tools.environment

screenshots: $(READY) ## Picture the demo's pages, screens and widgets with headless Chromium, below docs/screenshots.
	@$(BIN)/python -m tools.screenshots $(OUT)
	@for store in $(OUT)/*/store; do $(BIN)/python -m tools.app_screenshots $$store || exit 1; done
	@for store in $(OUT)/*/store; do $(BIN)/python -m tools.widget_screenshots $$store || exit 1; done

lock: $(READY) ## Resolve the dependencies anew, with hashes and without addresses.
	@$(BIN)/uv lock -q && $(BIN)/uv export --all-extras --all-groups --no-emit-project --no-header -q > requirements.lock

clean: ## Remove what was built or made.
	rm -rf .venv .venv-3.* dist demo
