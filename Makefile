.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --retries 10 --timeout 60
# The lists are complete, so nothing is resolved: a release made since could not be chosen in place of a pinned one.
PINNED := $(PIP) install --require-hashes --no-deps -r
# No host of an index in what is written: whoever installs may use their own.
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
  --no-annotate --no-emit-index-url --upgrade --quiet

.PHONY: help run test check bench docs openapi lock clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## Start CoPlan with an embedded FHIR store, demo identities and synthetic patients
	@$(BIN)/coplan run

test: $(VENV)/.dev ## Run the whole suite, HAPI FHIR and Redis included
	$(BIN)/python -m tests.provision
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered
	$(BIN)/coverage report --include='fhir_mappings/*,service/domain/*' --fail-under=100
	$(BIN)/coverage report --fail-under=95 > /dev/null

check: $(VENV)/.dev ## Lint, types, import contracts, openapi.yaml
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/coplan openapi | cmp - openapi.yaml

bench: $(VENV)/.dev ## Measure ratios against direct FHIR requests and a bare pass-through
	$(BIN)/python -m tests.provision
	$(BIN)/python -m tests.benchmarks

docs: $(VENV)/.dev ## Record docs/workflows anew
	$(BIN)/python -m tests.workflow_pages

openapi: $(VENV)/.dev ## Write openapi.yaml anew
	$(BIN)/coplan openapi > openapi.yaml

lock: $(VENV)/.dev ## Pin anew what pyproject.toml allows
	$(PIP) install 'uv>=0.13'
	$(COMPILE) --group build -o requirements/build.txt
	$(COMPILE) pyproject.toml -o requirements/service.txt
	$(COMPILE) pyproject.toml --extra embedded --group build -o requirements/run.txt
	$(COMPILE) pyproject.toml --extra embedded --group dev -o requirements/dev.txt

clean: ## Remove the environment, caches and data
	rm -rf $(VENV) .data .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing into $(VENV) (once) ..."
	@$(PINNED) requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@$(PINNED) requirements/dev.txt
	touch $@
