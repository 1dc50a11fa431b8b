# make run    set everything up and show Tropa in front of the sample course
# make test   set everything up and run every check and test
# make bench  measure beside squid, ziproxy, mitmproxy and a bare relay
# make lock   renew requirements/*.txt from pyproject.toml

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STATE ?= state
CHECKS := types layers lint policy
WORKERS = $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
# Tests with their own memory of what failed. On a busy machine a test may fail that nothing is wrong with, so what failed
# is run once more by itself: what fails again is wrong, what didn't stands in the log. $(1): which tests; $(2): their memory.
RUN = $(WORKERS) $(1) -o cache_dir=$(VENV)/$(2) $(PYTEST_ARGS) || { [ $$? = 1 ] && echo "Once more, by itself:" && \
	$(BIN)/python -m pytest $(1) -o cache_dir=$(VENV)/$(2) --last-failed --last-failed-no-failures none; }
TOGETHER = $(MAKE) --no-print-directory --jobs 6 --keep-going --output-sync=target

# What one process has compiled serves the others: without it each test worker and each Tropa of a test compiles all anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check bench lock clean packages collected lint types layers policy

run: $(VENV)/.run
	$(BIN)/tropa demo --state $(STATE)

test: $(VENV)/.dev
	$(TOGETHER) packages collected $(CHECKS)
	$(call RUN,--ignore tests/e2e,.units)
	$(call RUN,tests/e2e,.journeys)

# Every test is found. One process writes down what it compiled, so that the workers, who all begin at once, need not.
collected:
	$(BIN)/python -m pytest --collect-only -q >$(VENV)/.collected 2>&1 || { cat $(VENV)/.collected; exit 1; }

check: $(VENV)/.dev
	$(TOGETHER) $(CHECKS)

packages:
	tools/system-packages.sh test
	$(BIN)/python tools/npm_packages.py

lint:
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .

types:
	$(BIN)/mypy

layers:
	$(BIN)/lint-imports --no-cache

policy:
	$(BIN)/tropa check regions.yaml

bench: $(VENV)/.dev
	tools/system-packages.sh bench
	$(BIN)/python -m bench $(BENCH_ARGS)

$(VENV)/bin/pip:
	tools/make-venv.sh $(PYTHON) $(VENV)

$(VENV)/.run: $(VENV)/bin/pip requirements/build.txt requirements/run.txt requirements/media.txt pyproject.toml
	tools/install.sh $(VENV) run
	touch $@

$(VENV)/.dev: $(VENV)/bin/pip requirements/build.txt requirements/dev.txt requirements/media.txt pyproject.toml
	tools/install.sh $(VENV) dev
	touch $@

lock: $(VENV)/.dev
	tools/lock.sh $(VENV)

clean:
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/screens tests/js/node_modules bench/out
