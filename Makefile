SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

bin := .venv/bin
uv := $(bin)/uv
compile := UV_CUSTOM_COMPILE_COMMAND="make lock" $(uv) pip compile --quiet --no-emit-index-url --no-annotate --generate-hashes
install_locked := $(uv) pip install --quiet --python $(bin)/python --require-hashes

SEED ?=
FAULTS ?= 100

.PHONY: help install up down status test test-unit test-all test-mssql tsql prometheus browser screenshots jars ready lint lock audit bench load campaign compose-config compose-lint compose-linter powerbi-validator

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## Make .venv with everything Vigie runs on (skipped when up to date)

up: install ## Start the local stack and print where everything is
	$(bin)/vigie up

down: ## Stop the local stack; its data stays
	@if [ -x $(bin)/vigie ]; then $(bin)/vigie down; else echo "nothing is installed, so nothing runs"; fi

status: install ## Show streams, services and disk
	$(bin)/vigie status

test: ready ## Run the linters, the type checker and all tests but the long campaigns
	$(bin)/pytest -m "not campaign" --durations=40 --numprocesses=2 --dist=loadgroup --no-loadscope-reorder

test-unit: .venv/installed-dev ## Run the tests that need no service
	$(bin)/pytest tests/unit -m "not campaign" --numprocesses=2 --dist=loadgroup

test-all: ready ## Run everything, the long campaigns too
	$(bin)/pytest

# What the tests run on comes over the network while the linters keep the machine busy.
ready: .venv/installed-dev
	@$(MAKE) --no-print-directory --jobs --output-sync=target lint tsql prometheus browser jars powerbi-validator compose-linter

jars: .venv/installed-dev
	@$(bin)/python -c 'from vigie.local.jars import JARS, fetch_jars; fetch_jars(tuple(JARS))'

prometheus: .venv/installed-dev ## Fetch Prometheus, for the local stack and the tests of rules (where there is none)
	@$(bin)/python -m tests.metrics.fetch

tsql: .venv/installed-dev ## Fetch what the T-SQL tests run on: Mono, Microsoft's parser
	@$(bin)/python -m tests.tsql.fetch

browser: .venv/installed-dev ## Install what the tests of pages run in: Chromium
	@$(bin)/python -m tests.browser.fetch

test-mssql: .venv/installed-dev ## Run the warehouse's tests against the SQL Server of VIGIE_TEST_MSSQL_URL
	@if [ -z "$${VIGIE_TEST_MSSQL_URL:-}" ]; then \
	  echo "VIGIE_TEST_MSSQL_URL is not set, so nothing was run. It names an EMPTY database made for these tests," >&2; \
	  echo "  mssql+pymssql://user:password@host:1433/database" >&2; \
	  echo "on SQL Server 2019 or newer, with ALLOW_SNAPSHOT_ISOLATION ON; the user owns it and has" >&2; \
	  echo "ALTER ANY CONNECTION and VIEW SERVER STATE. Its rows are deleted before each test." >&2; \
	  exit 2; \
	fi
	$(bin)/pytest tests/warehouse tests/tds tests/spark/test_over_tds.py -k mssql

screenshots: browser ## Make the README's pictures of the pages anew
	$(bin)/python -m tests.browser.screenshots
	$(bin)/python -m tests.browser.screenshot_streams

lint: .venv/installed-dev ## Check style, types and layers, and that no secret is committed
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports
	git ls-files -z | xargs -0 $(bin)/detect-secrets-hook --baseline .secrets.baseline --cores 2

audit: .venv/installed-dev ## Ask PyPI whether a fault is known in what Vigie runs on
	@$(bin)/pip-audit --strict --disable-pip --require-hashes -r requirements.txt || { \
	  echo "Above stands a known fault, or what could not be asked: then nothing is known of it." >&2; exit 1; }

bench: .venv/installed-dev ## Run the benchmarks and print their table
	$(bin)/python -m benchmarks.ingest

load: .venv/installed-dev ## Let 5,000 devices report over HTTP to the running stack for two minutes
	$(bin)/python -m benchmarks.load

campaign: .venv/installed-dev ## Strike a stack of its own with FAULTS=100 faults drawn from SEED, and compare with what was sent
	$(bin)/python -m tests.campaign $(if $(SEED),--seed $(SEED)) --faults $(FAULTS)

compose-config: .cache/docker-compose ## Have docker-compose itself judge the compose file (needs Go, no engine)
	.cache/docker-compose -f docker-compose.yaml config --quiet
	.cache/docker-compose -f docker-compose.yaml --env-file docker/everything.env config --quiet

# Its package cannot be installed by name; a module of its own can build it.
.cache/docker-compose:
	mkdir -p .cache/compose-module
	cd .cache/compose-module \
	  && { [ -f go.mod ] || go mod init compose >/dev/null 2>&1; } \
	  && go get github.com/docker/compose/v2/cmd@v2.40.3 \
	  && go build -o ../docker-compose github.com/docker/compose/v2/cmd

lock: .venv/bin/uv ## Write the requirements files from their .in files, changing as little as possible
	$(compile) requirements-uv.in -o requirements-uv.txt
	$(compile) requirements.in -o requirements.txt
	$(compile) requirements-dev.in -o requirements-dev.txt

compose-lint: .venv/installed-dev compose-linter ## Run the linters of the compose file and the Dockerfile
	$(bin)/pytest -q tests/unit/compose/test_linters.py

# Microsoft's validator of Power BI reports, and a linter of compose files. Where there is no npm, their tests are
# skipped, which says so.
powerbi-validator compose-linter:
	@if command -v npm >/dev/null; then \
	  $(MAKE) --no-print-directory .cache/$(firstword $(subst -, ,$@))/installed; \
	else \
	  echo "npm is missing: the tests with the $@ are skipped (install Node.js 20)"; \
	fi

.cache/powerbi/installed: tests/powerbi/validator/package-lock.json
.cache/compose/installed: tests/unit/compose/linter/package-lock.json
.cache/powerbi/installed .cache/compose/installed:
	@echo "installing what $(<D) names into $(@D)"
	@mkdir -p $(@D) && cp $(<D)/package*.json $(@D)
	@npm ci --prefix $(@D) --ignore-scripts --no-fund --no-audit --silent
	@touch $@

.venv/bin/uv: requirements-uv.txt
	@for python in python3.11 python3 none; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then break; fi; \
	done; \
	if [ "$$python" = none ]; then \
	  echo "Python 3.11 is needed; python3 is: $$(python3 --version 2>&1 || true)" >&2; \
	  echo "Debian, Ubuntu: apt-get install python3.11 python3.11-venv; Fedora: dnf install python3.11;" >&2; \
	  echo "macOS: brew install python@3.11. Then run make again." >&2; \
	  exit 1; \
	fi; \
	echo "making .venv with $$python"; \
	"$$python" -m venv .venv
	@echo "installing uv into .venv"
	@$(bin)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@touch $@

.venv/installed: requirements.txt pyproject.toml | .venv/bin/uv
	@echo "installing requirements.txt and Vigie itself into .venv (about a minute)"
	@$(install_locked) -r requirements.txt
	@$(uv) pip install --quiet --python $(bin)/python --no-deps -e .
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@echo "installing requirements-dev.txt into .venv"
	@$(install_locked) -r requirements-dev.txt
	@touch $@
