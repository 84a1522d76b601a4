# The commands that README and .ci/run name. A fresh machine needs one of these Pythons, make and a package registry.
SUPPORTED := 3.11 3.12 3.13
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
READY := .venv/ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
OUTSIDE := $(PATH)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help env run test test-long check format house docs lock

help:  ## say what each command does
	@sed -n 's/^\([a-z-]*\):.*## /  make \1  /p' Makefile

env: $(READY)  ## make the environment, .venv

run: $(READY)  ## make the environment, run the suite that params.yaml names, say where the report is
	@snakemake --cores $(CORES)

test: $(READY)  ## make the environment and run the tests
	pytest -n $$(nproc) --max-worker-restart 0 --dist loadfile --no-loadscope-reorder tests

test-long: $(READY)  ## what takes too long for every day: a hundred kills, all fuzzed inputs
	pytest -n $$(nproc) --max-worker-restart 0 --dist worksteal -m long tests

check: $(READY)  ## formatting, lint, types, Snakemake's own lint
	ruff format --check .
	ruff check .
	mypy
	snakefmt --check Snakefile workflow src/assay/pipeline/rules
	pytest -q tests/workflow/test_lint.py

format: $(READY)  ## bring the files into their form
	ruff format .
	ruff check --fix .
	snakefmt Snakefile workflow src/assay/pipeline/rules

house: $(READY)  ## draw the rooms of src/assay and the imports between them: docs/house.svg
	$(BIN)/python -m tests.draw_house

# The site has an environment of its own: what builds it is never part of the one that results come from.
docs: .venv-docs/ready  ## build the site in site/ from README and docs/; any warning is an error
	.venv-docs/bin/python -m docs.stage
	.venv-docs/bin/zensical build --strict

lock:  ## pin what pyproject.toml requires, with the SHA-256 of every file; needs uv
	cat requirements-cuda.lock >> requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-annotate --no-header \
	    --output-file requirements.lock pyproject.toml
	awk "$$SPLIT" requirements.lock
	mv requirements.lock.new requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --group docs --generate-hashes --no-annotate --no-header \
	    --output-file requirements-docs.lock
	sed -i '1i # What builds the site, with the SHA-256 of each of its files. Written by: make lock' requirements-docs.lock

# What only the CUDA build of torch requires goes to a file of its own: the CPU build runs without it.
define SPLIT
BEGIN {
    main = "requirements.lock.new"; cuda = "requirements-cuda.lock"
    print "# Every package that Assay runs on, with the SHA-256 of each of its files. Written by: make lock" > main
    print "# What the CUDA build of torch requires in addition. Written by: make lock" > cuda
}
/^[a-z0-9]/ { out = /^(cuda|nvidia|triton)[-=]/ ? cuda : main }
{ print > out }
endef
export SPLIT

# The mark of a whole environment holds its Python's version. Without it, or with another Python, .venv is made again.
version = $(shell PATH='$(OUTSIDE)' $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
FOUND = $(call version,$(PYTHON))
ifneq ($(call version,$(if $(filter file,$(origin PYTHON)),$(BIN)/python,$(PYTHON))),$(shell cat $(READY) 2>/dev/null))
.PHONY: $(READY)
endif

# All that is installed, or builds what is installed, has a digest in a lock. First comes setuptools, which builds the
# rest; then torch's CPU build, which not every registry has: else it is the CUDA build, and what that requires.
$(READY): requirements.lock requirements-cpu.lock requirements-cuda.lock pyproject.toml
	$(if $(filter $(SUPPORTED),$(FOUND)),,$(error \
	    PYTHON=$(PYTHON): $(if $(FOUND),is Python $(FOUND),no such program); Assay runs on Python $(SUPPORTED): make PYTHON=python3.11 $(MAKECMDGOALS)))
	@if [ "$$(cat $@ 2>/dev/null)" != $(FOUND) ]; then rm -rf .venv && $(PYTHON) -m venv .venv; fi
	@rm -f $@
	@sed -n '/^setuptools==/,/[^\\]$$/p' requirements.lock | $(PIP) --require-hashes --requirement /dev/stdin
	@$(PIP) --require-hashes --no-deps --requirement requirements-cpu.lock 2>/dev/null || true
	$(PIP) --require-hashes --no-deps --no-build-isolation --requirement requirements.lock
	@$(BIN)/python -m pip check >/dev/null || $(PIP) --require-hashes --no-deps --requirement requirements-cuda.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip check
	@$(BIN)/python -m assay.cli schema
	@echo $(FOUND) > $@

.venv-docs/ready: requirements-docs.lock
	rm -rf .venv-docs && $(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@
