# Everything a fresh machine needs: `make bench` (environment, then the main job) and `make test`.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python

.PHONY: help bench paper test check style pair data mutations

help:            ## these lines
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/ -/'

$(VENV)/installed: pyproject.toml constraints.txt
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(PY) -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

bench: $(VENV)/installed  ## install, then the main job: Ouroboros on HumanEval-style problems, bundled pair
	$(PY) -m bench method=ouroboros task=humaneval limit=20

# Two jobs side by side. SIZE=quick: three presets in ten minutes. SIZE=tune: the tuned settings, beforehand.
SIZE ?= full

paper: $(VENV)/installed  ## the paper's tables and figures below results/paper, in under two hours; SIZE=quick: ten minutes
	$(PY) -m bench.paper $(SIZE)

test: $(VENV)/installed  ## the whole test suite
	$(PY) -m pytest -n 2

check: $(VENV)/installed  ## for every commit: lint, format of imports, and the fast tests
	$(VENV)/bin/ruff check .
	$(PY) -m pytest -n 2 -m 'not slow'

style: $(VENV)/installed  ## mend what ruff can mend
	$(VENV)/bin/ruff check --fix .

data: $(VENV)/installed  ## write the bundled data anew (deterministic)
	$(PY) -m tasks.synthetic

pair: $(VENV)/installed  ## train the bundled pair anew (about an hour on 2 cores)
	$(PY) scripts/train_pair.py

mutations: $(VENV)/installed  ## plant faults one by one and show that the tests catch each
	$(PY) tests/mutations.py
