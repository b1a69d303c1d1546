# The course in two commands: `make course` and `make test`. `make help` lists the rest.
# What they do stands in course.py, which does the same where there is no make.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
# `make -n` prints the steps: course.py is asked for them, and runs none
DRY := $(if $(findstring n,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),-n)
COMMANDS := course test check env lab lint notebooks book bench time lock clean sweep-env sweep

.PHONY: help $(COMMANDS)

ifneq ($(wildcard course.py),)
help $(COMMANDS):
	+@"$(PYTHON)" course.py $(DRY) $@ $(ARGS)
else
# Only this file, requirements.lock and pyproject.toml are here, as in the first layer of a container.
UV ?= uv
env: export VIRTUAL_ENV := $(CURDIR)/.venv
env:
	@test -x .venv/bin/python || "$(UV)" venv --quiet --no-managed-python --python '>=3.11' .venv
	@"$(UV)" pip sync --quiet --compile-bytecode --require-hashes requirements.lock
	@"$(UV)" pip install --quiet --no-deps --no-build-isolation -e .
endif
