# Needs python3 (3.11 to 3.13) and make; everything else comes into .venv through pip.
PYTHON  ?= python3
WORKERS ?= auto
SCALE   ?= reduced

VENV  := .venv
RUN   := $(VENV)/bin/python
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo docs paper test test-ray test-slurm lint bench wheel wheel-check wheel-check-extras clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-18s %s\n", $$1, $$2}' Makefile
	@echo "Settings: PYTHON=python3.12 picks the interpreter, WORKERS=1 runs the tests in one process;"
	@echo "make paper SCALE=cpu outputs=DIR ARGS='--report' reports what such a run has done so far."

# One set-up for all targets, again when what it installs has changed.
$(READY): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "No '$(PYTHON)' here: install Python 3.11, 3.12 or 3.13, or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "landscape needs Python 3.11, 3.12 or 3.13, but $(PYTHON) is %d.%d; name another: make PYTHON=python3.11" % v)'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY)  ## train on the embedded digits, walk the line, draw it: under a minute after the set-up
	$(RUN) -m landscape

paper: $(READY)  ## all thirteen figures, one report of every verdict; SCALE=smoke, reduced (hours), cpu (a day), none (a GPU)
	$(RUN) -m landscape.paper limits=$(SCALE) $(if $(outputs),'outputs=$(outputs)') $(ARGS)

test: lint  ## lint, types, then every test that needs no GPU, no network and little time
	$(RUN) -m pytest -n $(WORKERS) --dist worksteal

# The engines that are extras come into the same venv, each when it is asked for.
$(VENV)/.ready-%: $(READY)
	$(RUN) -m pip install -c constraints.txt -e '.[dev,$*]'
	@touch $@

test-ray: $(VENV)/.ready-ray  ## a sweep through a real Ray on this machine
	$(RUN) -m pytest -n 0 -m ray tests/command/launch

test-slurm: $(VENV)/.ready-slurm  ## a sweep through a real SLURM of this one machine (Debian: apt-get install slurm-wlm; root)
	$(RUN) -m pytest -n 0 -m slurm tests/command/launch

lint: $(READY)  ## ruff and mypy
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

# One thread: steadier, and the processes that one benchmark compares with have the other cores to themselves.
bench: $(VENV)/.ready-bench  ## ratios against named alternatives, in under 15 minutes; writes docs/performance.md
	OMP_NUM_THREADS=1 $(RUN) -m benchmarks

# Material's own notice is about a version of MkDocs that its range in pyproject.toml leaves out.
docs: $(VENV)/.ready-docs  ## the documentation site, into site/: open site/index.html; warnings are errors
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build

wheel: $(READY)  ## build the sdist, and from it the wheel, into dist/
	rm -rf dist
	$(RUN) -m build

wheel-check: wheel  ## install the wheel in an empty venv elsewhere and run it there
	bash .ci/wheel "$(abspath $(RUN))" constraints.txt dist/*.whl

wheel-check-extras: wheel  ## the same, and what each extra brings
	bash .ci/wheel "$(abspath $(RUN))" constraints.txt dist/*.whl extras

clean:  ## remove the venv, builds and caches; outputs/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
