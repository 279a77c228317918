# The two commands that matter are `make demo` and `make test`; both set up what they need first.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
# The release that everything here was measured with. On Linux the plain wheel brings CUDA along;
# TORCH_INDEX=<address of PyTorch's index of CPU wheels> avoids that.
TORCH ?= 2.13.0
TORCH_INDEX ?=
# Test processes. Each computes on one thread.
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --progress-bar off
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist worksteal
DEMO := build/demo

export OMP_NUM_THREADS ?= 1

.PHONY: help demo test test-quick check lint format types coverage footprint docs tools setup setup-dev clean

help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: setup ## build the bundled model for 64 KB, verify it, run it on an emulated Cortex-M4
	@rm -rf $(DEMO)
	$(BIN)/edgeprune build --budget 64KB -o $(DEMO)
	$(BIN)/edgeprune verify $(DEMO)
	$(BIN)/edgeprune run $(DEMO) --on cortex-m4
	@$(BIN)/python scripts/demo_summary.py $(DEMO)

test: setup-dev lint types ## everything: lint, types, all tests
	$(PYTEST)

test-quick: setup-dev ## the tests that take less than ten seconds each
	$(PYTEST) -m "not slow"

check: setup-dev lint types test-quick ## what to run before a commit

lint: $(BIN)/ruff ## ruff alone: seconds, also on a fresh machine
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev
	$(BIN)/mypy --strict edgeprune
	MYPYPATH=tests $(BIN)/mypy --explicit-package-bases benchmarks

format: setup-dev ## lay the Python code out anew
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

coverage: setup-dev ## which lines the quick tests reach, as build/coverage/index.html
	$(PYTEST) -m "not slow" --cov=edgeprune --cov-report=html:build/coverage

footprint: setup-dev ## the table of bytes and instructions that tests/test_footprint.py holds, anew
	PYTHONPATH=tests $(BIN)/python tests/test_footprint.py

docs: setup-dev ## the pages of docs/ as build/site/index.html
	$(BIN)/python -m sphinx -q -W docs build/site

setup: tools $(VENV)/installed ## the Debian packages and the virtual environment

setup-dev: setup $(VENV)/installed-dev ## the same, and what the checks need

tools: ## the cross compilers and emulators, where apt and root (or sudo) are there
	@sh scripts/install_tools.sh $(PYTHON)

$(BIN)/python: | tools
	$(PYTHON) -m venv $(VENV)

$(BIN)/ruff: | $(BIN)/python
	$(PIP) ruff

$(VENV)/installed: pyproject.toml | $(BIN)/python
	@echo "setting up $(VENV): PyTorch $(TORCH) and the rest, a minute or some"
	$(PIP) --upgrade pip
	$(PIP) torch==$(TORCH) $(addprefix --extra-index-url ,$(TORCH_INDEX))
	$(PIP) torch==$(TORCH) --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) torch==$(TORCH) --editable '.[dev,keras]'
	@touch $@

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
