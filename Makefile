# Two commands a newcomer needs: `make run` and `make test`. Everything else is for contributors.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := .boot/bin/uv

# Many companies have a certificate authority of their own: uv asks the machine's list if it has one.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS ?= true
endif

# A start without bytecode costs more than twice the time, and some machines forbid to write it.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check format lock bench docs clean
.DEFAULT_GOAL := help

help:  ## What can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

run: $(VENV)/.ok  ## Start everything with the demo bank: edge on 8080, web on 8000
	@$(BIN)/bankside serve --demo

test: $(VENV)/.ok  ## All tests, in parallel, each worker on its own database
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/.ok  ## Format, lint, types, rooms, sizes, licences, OpenAPI drift
	@$(BIN)/ruff format --check src tests tools bench
	@$(BIN)/ruff check src tests tools bench
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/python tools/tidy.py
	@$(BIN)/python tools/licences.py
	@$(BIN)/pytest -q -p no:cacheprovider tests/catalog/test_catalogue_drift.py

format: $(VENV)/.ok  ## Put the code into the house format
	@$(BIN)/ruff check --fix -q src tests tools bench; $(BIN)/ruff format -q src tests tools bench

lock: $(UV)  ## Recompile requirements.lock from pyproject.toml (no address in it)
	@$(UV) pip compile --universal --generate-hashes --no-annotate --no-header \
		--group dev -q pyproject.toml -o requirements.lock

bench: $(VENV)/.ok  ## Measure; results go to bench/results/
	@$(BIN)/python -m bench $(ARGS)

clean:  ## Remove what make made, not your data in var/
	@rm -rf $(VENV) .boot .mypy_cache .ruff_cache .pytest_cache .hypothesis

# uv lives in its own folder: `uv pip sync` removes from the venv whatever the lock does not name.
$(UV): tools/bootstrap.sh
	@echo "Setting up, once: fetching uv ..."
	@sh tools/bootstrap.sh $(PYTHON)
	@touch $@

# One import of everything leaves bytecode behind, which five processes at once would each compile;
# code that does not import is for the command that was asked for to say.
$(VENV)/.ok: requirements.lock pyproject.toml $(UV)
	@echo "Setting up, once: filling $(VENV)/ with what requirements.lock names ..."
	@test -x $(BIN)/python || $(UV) venv -q --clear --python $(PYTHON) $(VENV)
	@$(UV) pip sync -q --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@$(BIN)/python -c "from bankside.app import edge, serve, web, worker" 2>/dev/null || true
	@touch $@
