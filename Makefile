# The two commands that matter: `make demo` and `make test`. Both do all their own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
UV := .tools/bin/uv
export DO_NOT_TRACK = 1
export DAGSTER_DISABLE_TELEMETRY = 1

.PHONY: help
help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: setup
setup: .venv/.complete  ## make .venv from requirements.lock

.venv/.complete: requirements.lock pyproject.toml deploy/bootstrap.sh
	@bash deploy/bootstrap.sh

.PHONY: demo
demo: setup  ## run the whole loop on a real retailer's year, and go on serving
	@.venv/bin/rtp demo $(ARGS)

.PHONY: test
test: setup  ## run all tests
	@$(PY) -m pytest $(ARGS)

.PHONY: soak
soak: setup  ## the long tests: hours of chance, a new seed each time
	@HYPOTHESIS_PROFILE=soak $(PY) -m pytest --timeout 0 tests/soak tests/profile tests/features tests/inventory tests/signals tests/stores/test_identity_machine.py $(ARGS)

.PHONY: check
check: setup  ## format, lint, types, imports, dbt parse
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/dbt parse --quiet --project-dir dbt_project --profiles-dir dbt_project

.PHONY: format
format: setup  ## rewrite the code as `make check` wants it
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format --quiet .

.PHONY: lock
lock: $(UV)  ## resolve requirements.lock anew
	@$(UV) pip compile --quiet pyproject.toml --extra demo --group dev --universal --generate-hashes \
		--python-version 3.11 --no-annotate --no-emit-index-url --custom-compile-command "make lock" \
		--output-file requirements.lock

$(UV):
	@bash deploy/bootstrap.sh uv

.PHONY: clean
clean:  ## remove .venv and caches (state in .rtp/ stays)
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache dbt_project/target dbt_project/logs
