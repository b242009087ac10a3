# Every target sets up what it needs: a virtual environment in .venv, made once and reused.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# One pip call for all packages, so that pip resolves them together; editable, so that tests see the sources.
EDITABLE := -e ./engine -e "./plugins/backbone[plot]" -e "./plugins/text[transformers,multilingual,int8]" -e ./plugins/collaborative -e ./plugins/language -e ./plugins/lightfm -e "./plugins/media[images]" -e ./plugins/neural -e ./plugins/policies \
	-e ./scenarios/social -e ./scenarios/ecommerce -e ./scenarios/video -e ./scenarios/music

.PHONY: help dev demo test test-slow lint type docs bench real peers deep backbone clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(STAMP): Makefile constraints.txt requirements-dev.txt pyproject.toml $(wildcard engine/pyproject.toml plugins/*/pyproject.toml scenarios/*/pyproject.toml)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --requirement requirements-dev.txt $(EDITABLE)
	@touch $@

dev: $(STAMP)  ## make .venv with all packages, editable, from the tested versions

demo: $(STAMP)  ## run the main job end to end in four scenarios, offline
	@$(BIN)/crossrec demo

test: $(STAMP)  ## run the whole test suite, ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-slow: $(STAMP)  ## run the long tests too
	$(BIN)/python -m pytest

lint: $(STAMP)  ## format and fix what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

type: $(STAMP)  ## mypy --strict on engine, plugins and scenarios
	$(BIN)/mypy

docs: $(STAMP)  ## regenerate the generated parts of the docs
	$(BIN)/python docs/generate.py

bench: $(STAMP)  ## measure speed and memory against peers; writes benchmarks/results
	$(BIN)/python benchmarks/run.py

real: $(STAMP)  ## ingest, fit and evaluate real sets; needs ../shared/datasets, skips without
	$(BIN)/python benchmarks/real.py

peers: $(STAMP)  ## measure crossrec beside other libraries; needs ../shared/datasets, skips without
	$(BIN)/python benchmarks/peers/run.py

deep: $(STAMP)  ## compare neural bodies, losses and inputs; needs ../shared/datasets, skips without
	$(BIN)/python benchmarks/deep.py

backbone: $(STAMP)  ## pretrain the backbones that plugins/backbone ships; needs ../shared/datasets, skips without
	$(BIN)/python benchmarks/backbone.py --cache build/backbone

clean:  ## remove the environment and caches
	rm -rf $(VENV) benchmarks/peers/.envs build dist .pytest_cache .mypy_cache .ruff_cache
