# make backtest | test | trade | lint | bench; each sets up .venv by itself on first use.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup backtest test trade lint bench

# Read from the environment by the scripts, so that no value is ever part of a shell command.
export PYTHON EXCHANGE PAIRS DAYS CONFIG STRATEGY TIMEFRAME PROFILE SEED

# The stamp's name holds this folder, as a moved environment no longer works.
READY := .venv/ready-$(shell pwd | cksum | cut -d' ' -f1)

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: $(READY) ## the environment in .venv, with the gridkit command in it

$(READY): pyproject.toml requirements.lock scripts/setup.sh
	@scripts/setup.sh
	@touch $@

backtest: $(READY) ## AdaptiveGrid on the sandbox; EXCHANGE= PAIRS= DAYS= for a real exchange's candles
	@scripts/backtest.sh

# Running bots wait for their markets, on a clock: they have the machine to themselves.
test: $(READY) ## all tests
	@.venv/bin/python -m pytest -q -n 2 --ignore=tests/live
	@.venv/bin/python -m pytest -q tests/live

trade: $(READY) ## dry-run against the sandbox, with the REST API on
	@scripts/trade.sh

lint: $(READY) ## ruff and mypy
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

bench: $(READY) ## how fast the parts are
	@.venv/bin/python -m benchmarks.run
