# The commands that README and .ci/run name. A fresh machine needs python 3.11 or later, make and a package registry.
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
READY := .venv/ready
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help run test test-long check format

help:  ## say what each command does
	@sed -n 's/^\([a-z-]*\):.*## /  make \1  /p' Makefile

run: $(READY)  ## make the environment, run the suite that params.yaml names, say where the report is
	@snakemake --cores $(CORES); code=$$?; \
	if [ -f reports/index.html ]; then echo "report: $(CURDIR)/reports/index.html"; fi; exit $$code

test: $(READY)  ## make the environment and run the tests
	pytest -n $$(nproc) --dist worksteal tests

test-long: $(READY)  ## what takes too long for every day: a hundred kills, all fuzzed inputs
	pytest -n $$(nproc) --dist worksteal -m long tests

check: $(READY)  ## formatting, lint, types, Snakemake's own lint
	ruff format --check .
	ruff check .
	mypy
	snakefmt --check Snakefile workflow
	pytest -q tests/workflow/test_lint.py

format: $(READY)  ## bring the files into their form
	ruff format .
	ruff check --fix .
	snakefmt Snakefile workflow

# torch first and by itself: the CPU build is what its exact version names.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
