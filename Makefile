# The course in two commands: `make course` and `make test`. `make help` lists the rest.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV_VERSION := 0.13.8
# Every path is relative, and every tool is started by python: the folder may have blanks, quotes or
# umlauts in its name. uv from PATH if it is there, otherwise one of our own, put into .tools with pip
OWN_UV := .tools/bin/uv
UV := $(if $(shell command -v uv 2>/dev/null),uv,$(OWN_UV))
BIN := .venv/bin
PY := $(BIN)/python
SDC := $(PY) -m sdc_helpers.cli
RUNS := build/runs
BOOK := build/book

# Real data: a folder shared/data beside the clone, where there is one, is read as a mirror.
ifneq ($(wildcard ../shared/data/MANIFEST.tsv),)
export SDC_DATA_MIRROR ?= $(abspath ../shared/data)
endif

.PHONY: help course test env lab lint notebooks book bench time lock clean

help:  ## List what make can do
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

course: env  ## Environment, every notebook (profile workshop), the book; again: what is missing (AGAIN=1: all)
	@echo "== running every notebook (profile workshop) into $(RUNS), then building the book into $(BOOK)"
	@# a chapter that fails stops neither the others nor the book; Ctrl-C (130) and a kill (above) stop it
	@code=0; $(SDC) run all --profile workshop --out $(RUNS) $(if $(AGAIN),--again) || code=$$?; \
		[ $$code -le 128 ] || exit $$code; \
		$(SDC) book build --runs $(RUNS) --out $(BOOK) || code=$$?; exit $$code

test: env  ## Environment if needed, lint, and every test
	@$(MAKE) lint
	@echo "== testing"
	@$(PY) -m pytest

env: .venv/.installed  ## The environment in .venv, nothing else

.venv/.installed: requirements.lock pyproject.toml | $(filter $(OWN_UV),$(UV))
	@echo "== making the environment in .venv (every package pinned and hashed in requirements.lock)"
	@test -x $(PY) || $(UV) venv --quiet --no-managed-python --python '>=3.11' .venv
	@$(UV) pip sync --python $(PY) --quiet --require-hashes requirements.lock
	@$(UV) pip install --python $(PY) --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(OWN_UV):
	@echo "== getting uv $(UV_VERSION) into .tools"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --target .tools uv==$(UV_VERSION)

lab: env  ## JupyterLab; notebooks/source opens as notebooks too
	@$(SDC) lab

lint: env  ## Ruff, the direction of imports, types, notebooks against their sources
	@echo "== linting"
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) $(BIN)/lint-imports
	@$(PY) tests/type_ratchet.py
	@$(SDC) notebooks check

notebooks: env  ## Generate notebooks/*.ipynb from notebooks/source/*.py
	@$(SDC) notebooks build

book: env  ## The book, from the notebooks run by `make course`
	@echo "== building the book into $(BOOK)"
	@$(SDC) book build --runs $(RUNS) --out $(BOOK)

bench: env  ## The benchmarks: ours against a peer, ratios printed
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(PY) $$script; done

time: env  ## For authors: measure every notebook, write the minutes into their title cells
	@$(SDC) run all --again --profile smoke --out build/timing-smoke
	@$(SDC) run all --again --profile workshop --out build/timing-workshop
	@$(SDC) notebooks time --runs build/timing-smoke
	@$(SDC) notebooks time --runs build/timing-workshop
	@$(SDC) notebooks figure build/timing-workshop/09_cka_pitfalls.ipynb \
		--caption "With 24 blocks" --to book/images/cka_real_fmri.png

lock: | $(filter $(OWN_UV),$(UV))  ## For authors: pin the dependencies anew
	@$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--upgrade --extra dev pyproject.toml -o requirements.lock

clean:  ## Remove what was built; data and the environment stay
	@rm -rf build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
