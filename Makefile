# Every target sets up what it needs. PYTHON=python3.12 chooses another interpreter.
PYTHON ?=
VENV := .venv
RUN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo screenshots test fuzz lint bench format lock clean

help:
	@echo "make demo    simulate an organization, detect, print the findings (sets up everything)"
	@echo "make test    run all tests (sets up everything)"
	@echo "make setup   only create the environment with the gridtrail command in $(VENV)/bin"
	@echo "make fuzz    the property tests with new random examples, a thousand each (FUZZ=tests/lake: some)"
	@echo "make lint    formatter, linter, type checker, import contract"
	@echo "make screenshots  pictures of the console over the demonstration, for docs/console.md"
	@echo "make bench   import and look-ups beside DuckDB and chDB, as ratios in one run"

setup: $(VENV)/.base
demo: setup
	@$(RUN)/gridtrail demo --once

test: $(VENV)/.test
	$(RUN)/python -m pytest -n 2 --dist loadfile --max-worker-restart 2

fuzz: $(VENV)/.test
	HYPOTHESIS=search $(RUN)/python -m pytest -n 2 --dist loadfile --max-worker-restart 2 -m hypothesis $(FUZZ)

lint: $(VENV)/.test
	$(RUN)/ruff format --check
	$(RUN)/ruff check
	$(RUN)/mypy
	$(RUN)/lint-imports

format: $(VENV)/.test
	$(RUN)/ruff format
	$(RUN)/ruff check --fix

screenshots: $(VENV)/.test
	$(RUN)/python scripts/screenshots.py

bench: $(VENV)/.bench
	$(RUN)/python -m bench $(BENCH)

$(VENV)/.%: requirements/%.txt pyproject.toml scripts/setup.sh
	@PYTHON="$(PYTHON)" scripts/setup.sh $(VENV) $*

lock: $(VENV)/.test
	scripts/lock.sh $(VENV)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
