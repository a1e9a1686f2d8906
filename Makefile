# The commands for development and CI. `make` lists them.
#
# Requires Python 3.11 or newer, make and a POSIX shell. Everything else is installed into .venv, with the versions and
# hashes of requirements-dev.lock. With a complete .venv, only `lock`, `actionlint`, `real-parts`, `grafana-schema` and
# `test-image` need a network.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The interpreters to try, in order. To use another one: make demo PYTHON=/opt/python/bin/python3
PYTHON ?=
PYTHONS := $(if $(PYTHON),$(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)
# Additional arguments for the command of a target: make demo ARGS='--seconds 30', make test ARGS='-k signature'
ARGS ?=
# Whether `make test` measures the branch coverage and compares it with the floor in pyproject.toml. Empty: no.
COVERAGE ?= 1

# Options of pytest. A selection of tests (ARGS) covers less than the floor, so it is not measured.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadgroup
COVERAGE_OPTIONS := $(if $(COVERAGE),$(if $(strip $(ARGS)),,--cov --cov-report=))
NOT_IN_TEST := --ignore tests/e2e/test_noc.py --ignore tests/e2e/test_image.py

.PHONY: help
help: ## List the targets
	@echo "make TARGET [ARGS='additional arguments'] [PYTHON=python3.12]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-18s%s\n", $$1, $$2 }'

.PHONY: demo
demo: $(READY) ## Run the collector against a simulated Mist cloud, with Prometheus if it is installed
	@$(BIN)/mist-collector demo $(ARGS)

.PHONY: unit
unit: $(READY) ## Run the fast tests: no external programs, about a minute on 2 cores
	$(PYTEST) -m 'not slow' tests/unit $(ARGS)

.PHONY: test
test: $(READY) real-parts ## Run the tests and compare the coverage with its floor (12 minutes on 2 cores)
	@echo "make test takes 12 minutes on 2 cores. It needs the programs that 'make real-parts' installs: Prometheus,"
	@echo "Alertmanager, Chromium and others; a test whose program is missing is skipped, in CI it fails. Faster: make unit"
	$(PYTEST) $(NOT_IN_TEST) $(COVERAGE_OPTIONS) $(ARGS)

.PHONY: coverage
coverage: $(READY) real-parts ## Run the tests that are measured and report the branch coverage, in build/coverage too
	$(PYTEST) tests/unit tests/property tests/wire tests/contracts --cov --cov-report=term:skip-covered --cov-report=html:build/coverage $(ARGS)

.PHONY: test-screens
test-screens: $(READY) real-parts ## Run the dashboard scenarios against a real Prometheus and Alertmanager (30 minutes)
	$(BIN)/python -m pytest -o faulthandler_timeout=2700 tests/e2e/test_noc.py $(ARGS)

.PHONY: test-image
test-image: $(READY) ## Build the container image and run it with a read-only root (as root; 2 minutes, needs a network)
	$(BIN)/python -m pytest tests/e2e/test_image.py $(ARGS)

.PHONY: check
check: $(READY) ## Check style, types, import layers and GitHub workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --quiet --persona pedantic .github
	@if [ -x $(BIN)/actionlint ]; then echo $(BIN)/actionlint; $(BIN)/actionlint; \
	else echo "actionlint: skipped, not installed (make actionlint)"; fi

.PHONY: actionlint
actionlint: $(READY) ## Install actionlint, which downloads its program from GitHub, and check the workflows
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--require-hashes -r requirements-actionlint.lock
	$(BIN)/actionlint

.PHONY: faults
faults: $(READY) ## Run the fault injection tests and write their results to docs/faults.md
	rm -rf build/faults
	$(BIN)/python -m pytest -n auto tests/faults --faults-to build/faults $(ARGS)
	$(BIN)/python -m tests.support.faults build/faults

.PHONY: ledger
ledger: $(READY) ## Send 200,000 webhook events through reloads and outages, and compare the counters with the sent events
	$(BIN)/python -m tests.ledger $(ARGS)

.PHONY: fuzz
fuzz: $(READY) ## Fuzz every input for 10 minutes (ARGS='--seconds 60')
	$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: chaos
chaos: $(READY) ## Attack the daemon at random for 5 minutes; a healthy account must stay correct (ARGS='--seed 7')
	$(BIN)/python -m tests.hostile $(ARGS)

.PHONY: soak
soak: $(READY) ## Run the collector for 20 minutes with churn and random faults (ARGS='--minutes 2 --seed 7')
	$(BIN)/python -m tests.soak $(ARGS)

.PHONY: sbom
sbom: $(READY) ## Write the software bill of materials to build/sbom.json (CycloneDX)
	@mkdir -p build
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --of JSON -o build/sbom.json requirements.lock
	@echo build/sbom.json

.PHONY: audit
audit: $(READY) ## Check for insecure code (bandit) and incompatible dependencies (pip check)
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml collector
	$(BIN)/python -m pip check

.PHONY: bench
bench: $(READY) ## Run the benchmarks
	$(BIN)/python -m tests.benchmarks $(ARGS)

.PHONY: dashboards
dashboards: $(READY) ## Generate the rules, alerts and dashboards from grafana-dashboards/, for Kubernetes too
	@PYTHONPATH=grafana-dashboards $(BIN)/python -m mist_screens $(ARGS)
	@$(BIN)/python deploy/kubernetes/make_rules.py

.PHONY: dist
dist: $(READY) ## Build the release in dist/: wheel, sdist, lock and checksums
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz
	cp requirements.lock dist/
	cd dist && sha256sum *.whl *.tar.gz requirements.lock > SHA256SUMS

.PHONY: reference
reference: $(READY) ## Generate docs/metrics.md and docs/configuration.md from the catalogue and the models
	@$(BIN)/mist-collector catalog > docs/metrics.md
	@$(BIN)/mist-collector schema --format markdown > docs/configuration.md

.PHONY: docs
docs: $(READY) ## Build the documentation site in build/site
	@rm -rf build/site build/pages
	@$(BIN)/python docs/site/assemble.py build/pages
	@$(BIN)/mkdocs build --strict --quiet --config-file docs/site/mkdocs.yml --site-dir "$(CURDIR)/build/site"
	@echo "Written: build/site/index.html"

.PHONY: grafana-schema
grafana-schema: ## Check the dashboards against the types of Grafana 10 to 12 (needs node and npm)
	cd tests/grafana-schema && npm ci --no-audit --no-fund && node check.mjs

.PHONY: setup
setup: $(READY) ## Create .venv; the other targets do so when they need it

.PHONY: real-parts
real-parts: $(READY) ## Install the programs that tests run (Prometheus and others) with apt, if possible without a prompt
	@$(BIN)/python -m tests.support.programs

.PHONY: lock
lock: $(READY) ## Resolve the dependencies of pyproject.toml again (UPGRADE=1: to their newest releases); queries PyPI
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Lock with the oldest supported Python: it needs the most packages. make clean lock PYTHON=python3.11" >&2; exit 1; }
	$(PIP_COMPILE) --output-file requirements.lock pyproject.toml
	$(BIN)/python -c '$(DEV_REQUIREMENTS)' | \
		$(PIP_COMPILE) --output-file requirements-dev.lock --constraint requirements.lock pyproject.toml -
	$(BIN)/python -c '$(ACTIONLINT_REQUIREMENTS)' | $(PIP_COMPILE) --output-file requirements-actionlint.lock -

.PHONY: clean
clean: ## Remove .venv and everything that the targets create
	rm -rf $(VENV) build dist demo .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The locks contain neither the URL of an index nor a path of the machine.
PIP_COMPILE = CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --generate-hashes --strip-extras \
	--allow-unsafe --no-emit-options --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	$(if $(UPGRADE),--upgrade)
# Dependencies of development: the build backend (editables: for `pip install -e`) and the tools.
DEV_REQUIREMENTS = import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); \
	print(*p["build-system"]["requires"], "editables", *p["dependency-groups"]["dev"], sep="\n")
ACTIONLINT_REQUIREMENTS = import tomllib; \
	print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["actionlint"], sep="\n")

# The stamp is touched last, so an interrupted set-up is repeated. An existing .venv that works is kept. Debian's python3
# has no ensurepip: its package is installed if that needs no password; otherwise the error names it.
$(READY): requirements-dev.lock pyproject.toml
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		python=; \
		for candidate in $(PYTHONS); do \
			if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
				python=$$candidate; break; \
			fi; \
		done; \
		if [ -z "$$python" ]; then \
			echo "No Python 3.11 or newer among: $(PYTHONS). Install one, or pass its path: make PYTHON=/path/to/python3" >&2; \
			exit 1; \
		fi; \
		if ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then \
			package=$$("$$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
			[ "$$(id -u)" = 0 ] && sudo= || sudo="sudo -n"; \
			echo "$$python cannot create virtual environments; trying apt-get install $$package"; \
			$$sudo apt-get install -y --no-install-recommends "$$package" >/dev/null 2>&1 || \
			{ $$sudo apt-get update && $$sudo apt-get install -y --no-install-recommends "$$package"; } >/dev/null 2>&1 || \
			{ echo "The installation failed. Install $$package (the venv module of $$python) and run make again." >&2; exit 1; }; \
		fi; \
		echo "Creating $(VENV) with $$python ($$("$$python" --version 2>&1))"; \
		"$$python" -m venv --clear $(VENV); \
	fi
	@# The lock is complete. Without --no-deps, old releases of pip refuse a pinned package whose extra another one
	@# requires, as soon as a newer release of it exists.
	@echo "Installing the locked dependencies into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
