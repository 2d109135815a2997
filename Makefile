# make setup   makes .venv from pinned versions and installs naas
# make demo    the main job: search, generate, simulate, compare
# make test    lint, types and tests
# make verify  the long random runs, mutants, place and route

VENV := .venv
PYTHON_IN_VENV := $(VENV)/bin/python
NUM_TEST_PROCESSES ?= 2

# Only what the set-up depends on; a second make is then instant.
SETUP_INPUTS := pyproject.toml constraints.txt scripts/setup.sh

.PHONY: setup demo test verify lint compiled clean
.DEFAULT_GOAL := setup

setup: $(VENV)/.setup-done

$(VENV)/.setup-done: $(SETUP_INPUTS)
	bash scripts/setup.sh

$(VENV)/.setup-torch-done: $(VENV)/.setup-done
	bash scripts/setup.sh --torch

demo: $(VENV)/.setup-done
	$(PYTHON_IN_VENV) examples/demo.py

# mypy reads torch's types
lint: $(VENV)/.setup-torch-done
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# The search is compiled at its first run and kept on disk: once, while types are checked.
compiled: $(VENV)/.setup-done
	$(VENV)/bin/naas bench model squeezenet1_0 --bounds 32 --exact 1

test: $(VENV)/.setup-torch-done
	$(MAKE) -j 2 lint compiled
	$(PYTHON_IN_VENV) -m pytest -n $(NUM_TEST_PROCESSES) -m "not slow" -ra --durations 25

verify: $(VENV)/.setup-torch-done
	$(PYTHON_IN_VENV) -m pytest -n $(NUM_TEST_PROCESSES) -m slow -ra

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
