# The two commands of a new user are `make run` and `make test`; both set up everything they need.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# Where Python is looked for, in this order; any of them may be missing.
PYTHONS ?= python3.13 python3.12 python3.11 python3 python3.14 python
BIN := .venv/bin
RUN_READY := .venv/run-ready
TEST_READY := .venv/test-ready
# Test processes at a time.
JOBS ?= 2
# Further options of `make run`, or the benches wanted: make run ARGS="--set MARKET=futures", make bench ARGS="replay"
ARGS ?=

.PHONY: help run test check bench requirements

help: ## Say what can be made.
	@echo "make what:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

run: $(RUN_READY) ## Set up everything and start the daemon on the exchange on this machine.
	@$(BIN)/python start.py run $(ARGS) || [ $$? -eq 130 ] # Ctrl-C is how a person stops it

test: $(TEST_READY) ## Set up everything and run the tests; skipped ones are listed with their reasons.
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -rfEs

check: $(TEST_READY) ## Lint, formatting, types, layers.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py

bench: $(TEST_READY) ## Measure, and print figures with ratios to a reference of the same run.
	@$(BIN)/python -m bench $(ARGS)

requirements: $(TEST_READY) ## Pin the packages of requirements.in, requirements-ml.in and requirements-dev.in anew.
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header \
		requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header \
		requirements-dev.in -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header \
		requirements-ml.in -o requirements-ml.txt

$(RUN_READY): requirements.txt
	@$(call make_environment)
	@echo "installing the packages of requirements.txt into .venv; the first time takes a minute or two"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(TEST_READY): $(RUN_READY) requirements-dev.txt requirements-ml.txt
	@echo "installing the tools of requirements-dev.txt and requirements-ml.txt into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -r requirements-ml.txt
	@touch $@

# Make .venv with the first Python that is new enough and can, unless it is there and runs.
define make_environment
if $(BIN)/python -m pip --version >/dev/null 2>&1; then exit 0; fi; \
for python in $(PYTHONS); do \
	version=$$($$python --version 2>/dev/null) || continue; \
	found="$$found $$version"; \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	echo "making .venv with $$version"; \
	$$python -m venv --clear .venv && exit 0; \
	echo "$$version has no venv; on Debian and Ubuntu: apt install python3-venv" >&2; \
done; \
echo "Python 3.11 or newer is needed to make .venv; found:$${found:- none}." >&2; \
echo "Install one, or name it: make PYTHONS=/path/to/python3.11 ..." >&2; \
exit 1
endef
