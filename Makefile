# `make study` and `make test` work on a machine with Python ≥ 3.11 and make, and nothing else.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: study test check bench docs pictures clean

study: .venv/installed
	$(BIN)/interlocus study equality

test: .venv/installed-test
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: .venv/installed-check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/pyright

bench: .venv/installed-bench
	$(BIN)/python -m benchmarks

docs: .venv/installed-docs
	$(BIN)/zensical build --strict --clean

pictures: .venv/installed
	$(BIN)/python docs/pictures/draw.py

clean:
	rm -rf .venv runs site

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) --editable .
	touch $@

.venv/installed-test: .venv/installed
	$(INSTALL) --editable '.[test]'
	touch $@

.venv/installed-check: .venv/installed
	$(INSTALL) --editable '.[check]'
	touch $@

.venv/installed-bench: .venv/installed
	$(INSTALL) --editable '.[bench]'
	touch $@

.venv/installed-docs: .venv/installed
	$(INSTALL) --editable '.[docs]'
	touch $@
