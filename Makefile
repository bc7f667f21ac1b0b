# Greenroom: `make run` starts the portal, `make test` proves it. The rest is for those who change it.

SHELL := /bin/sh
BIN := .venv/bin
JOBS ?= 2
ARGS ?=

# Where it is set, each of the many processes of a run would compile all of its sources anew: twice the time to start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test check format bench vendor lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/runtime ## start database, queue, web, worker and scheduler; Ctrl-C ends them
	@exec $(BIN)/python -m portal.run

test: .venv/development ## run the whole suite (ARGS="-k name" for a part of it)
	@$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

check: .venv/development ## lint, format, types, and that the migrations match the models
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m tools.check_migrations

format: .venv/development ## put the code into its one format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: .venv/development ## measure the pages of the large demo beside raw SQL
	@$(BIN)/python -m tests.bench $(ARGS)

vendor: .venv/runtime ## fetch the front-end libraries anew from npm into static/vendor
	@$(BIN)/python static/vendor/vendor.py

lock: .venv/bin/uv ## pin the requirements with their hashes
	@for set in requirements requirements-dev; do \
		$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 \
			--custom-compile-command "make lock" --output-file $$set.txt $$set.in || exit 1; \
	done

clean: ## remove the environment and caches (never the data in var/)
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. A stamp file stands for an installed set; uv leaves exactly that set behind.

$(BIN)/uv: tools/venv.sh
	@tools/venv.sh
	@touch $@

# `make test` installs a superset: going back to the runtime set alone would only undo it.
.venv/runtime: requirements.txt $(BIN)/uv
	@rm -f .venv/development
	@$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements.txt
	@touch $@

.venv/development: requirements-dev.txt requirements.txt $(BIN)/uv
	@$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements-dev.txt
	@touch .venv/runtime $@
