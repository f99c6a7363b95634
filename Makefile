# `make help` lists the targets. Each makes its own .venv when it is missing or out of date.
PYTHON    ?= python3
VENV      ?= .venv
BIN       := $(VENV)/bin
INSTALLED := $(VENV)/.installed
READY     := $(VENV)/.ready
ENGINES   := $(VENV)/.engines
BROWSER   := $(VENV)/.browser

.DEFAULT_GOAL := help
.PHONY: help check format docs test test-browser test-engines test-faults test-frameworks test-lowest bench demo clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "normstat needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(READY): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

$(ENGINES): $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[dev,dask,ray]'
	@touch $@

$(BROWSER): $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[dev,browser]'
	@touch $@

check: $(READY) ## format, lint, types, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m tests.docs --check

format: $(READY) ## let ruff rewrite the files
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY) ## renew the generated parts of README.md and normstat/docs
	$(BIN)/python -m tests.docs

test: $(READY) ## run every test
	$(BIN)/python -m pytest $(ARGS)

test-faults: $(READY) ## kill runs at random moments, for minutes
	$(BIN)/python -m pytest --no-cov -m long $(ARGS)

test-browser: $(BROWSER) ## look at reports in Chromium, which Debian's packages bring when it is missing
	@sh tests/browser/install.sh
	$(BIN)/python -m pytest --no-cov tests/browser $(ARGS)

test-engines: $(ENGINES) ## run the tests of the engines on a real Dask and a real Ray cluster
	$(BIN)/python -m pytest --no-cov -m engines tests/engines tests/test_backends.py tests/test_compute.py $(ARGS)

test-frameworks: ## run what export writes in torch, Keras, OpenVINO and others (gigabytes)
	$(PYTHON) -m venv .venv-frameworks
	.venv-frameworks/bin/python -m pip install --quiet --editable '.[frameworks]'
	.venv-frameworks/bin/python -m pytest --no-cov tests/frameworks $(ARGS)

test-lowest: ## run every test with the oldest dependencies that pyproject.toml allows
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m tests.lowest > .venv-lowest/constraints.txt
	.venv-lowest/bin/python -m pip install --quiet --upgrade pip # old ones search for minutes
	.venv-lowest/bin/python -m pip install --quiet --constraint .venv-lowest/constraints.txt --editable '.[test]'
	.venv-lowest/bin/python -m pytest $(ARGS)

bench: $(READY) ## speed as ratios to a plain decode, side by side (BENCH_DATA=folder to bring your own)
	$(BIN)/python -m tests.benchmarks $(if $(BENCH_DATA),--data $(BENCH_DATA))

demo: $(INSTALLED) ## statistics of sample_data/photos, as a new user would see them
	$(BIN)/normstat compute sample_data/photos
	$(BIN)/normstat compare

clean: ## remove everything that the targets made
	rm -rf .venv .venv-frameworks .venv-lowest .bench .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
