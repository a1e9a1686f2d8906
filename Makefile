# The commands of this project, for people and for CI alike; `make` alone lists them.
#
# Needs Python 3.11 or newer, make and a POSIX shell. Everything else goes into .venv, at exactly the versions and
# hashes of requirements-dev.lock. Once .venv is complete, no target but `lock` needs a network.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The interpreters to try, in order; `make demo PYTHON=/opt/python/bin/python3` names another.
PYTHON ?=
PYTHONS := $(if $(PYTHON),$(PYTHON),python3 python3.13 python3.12 python3.11)
# More arguments for the command of the target: make demo ARGS='--seconds 30', make test ARGS='-k signature'.
ARGS ?=

.PHONY: help
help: ## List the targets
	@echo "make TARGET [ARGS='more arguments of its command'] [PYTHON=python3.12]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-14s%s\n", $$1, $$2 }'

.PHONY: demo
demo: $(READY) ## Show the collector at work: a simulated Mist cloud, the daemon, and Prometheus if there is one
	@$(BIN)/mist-collector demo $(ARGS)

.PHONY: test
test: $(READY) real-parts ## Run the tests, but for the screens' long play (test-screens) and the image (test-image)
	$(BIN)/python -m pytest -n auto --dist loadgroup --ignore tests/e2e/test_noc.py --ignore tests/e2e/test_image.py $(ARGS)

.PHONY: test-screens
test-screens: $(READY) real-parts ## Play the scenarios before a real Prometheus and Alertmanager (half an hour)
	$(BIN)/python -m pytest -o faulthandler_timeout=2700 tests/e2e/test_noc.py $(ARGS)

.PHONY: test-image
test-image: $(READY) ## Build the image from nothing and run it on a read-only root (as root; some two minutes, a mirror)
	$(BIN)/python -m pytest tests/e2e/test_image.py $(ARGS)

.PHONY: check
check: $(READY) ## Check style, types and the layers of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: faults
faults: $(READY) ## Play every fault and write docs/faults.md from what was seen
	rm -rf build/faults
	$(BIN)/python -m pytest -n auto tests/faults --faults-to build/faults $(ARGS)
	$(BIN)/python -m tests.support.faults build/faults

.PHONY: ledger
ledger: $(READY) ## Send 200,000 webhook events through reloads and outages, and count them to the last
	$(BIN)/python -m tests.ledger $(ARGS)

.PHONY: fuzz
fuzz: $(READY) ## Feed every way in with inputs that a fuzzer makes up, for ten minutes (ARGS='--seconds 60')
	$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: soak
soak: $(READY) ## Let the collector live for 20 minutes with churn and faults at random (ARGS='--minutes 2 --seed 7')
	$(BIN)/python -m tests.soak $(ARGS)

.PHONY: sbom
sbom: $(READY) ## Write sbom.json: what the collector is made of, in CycloneDX
	@mkdir -p build
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --of JSON -o build/sbom.json requirements.lock
	@echo build/sbom.json

.PHONY: audit
audit: $(READY) ## Look for weak spots in the code (bandit) and for dependencies that do not fit (pip check)
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml collector
	$(BIN)/python -m pip check

.PHONY: bench
bench: $(READY) ## Run the benchmarks
	@[ -f tests/benchmarks/__main__.py ] || { echo "No benchmarks here: tests/benchmarks/__main__.py is missing" >&2; exit 1; }
	$(BIN)/python -m tests.benchmarks $(ARGS)

.PHONY: dashboards
dashboards: $(READY) ## Write the rules, alerts and dashboards anew from grafana-dashboards/, for Kubernetes too
	@PYTHONPATH=grafana-dashboards $(BIN)/python -m mist_screens $(ARGS)
	@$(BIN)/python deploy/kubernetes/make_rules.py

.PHONY: dist
dist: $(READY) ## Build the release in dist/: wheel, sdist, the lock, their checksums
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz
	cp requirements.lock dist/
	cd dist && sha256sum *.whl *.tar.gz requirements.lock > SHA256SUMS

.PHONY: reference
reference: $(READY) ## Write docs/metrics.md and docs/configuration.md anew from the catalogue and the models
	@$(BIN)/mist-collector catalog > docs/metrics.md
	@$(BIN)/mist-collector schema --format markdown > docs/configuration.md

.PHONY: docs
docs: $(READY) ## Build the documentation as a site in build/site, without a network
	@rm -rf build/site build/pages
	@$(BIN)/python docs/site/assemble.py build/pages
	@$(BIN)/mkdocs build --strict --quiet --config-file docs/site/mkdocs.yml --site-dir "$(CURDIR)/build/site"
	@echo "Written: build/site/index.html"

.PHONY: grafana-schema
grafana-schema: ## Hold the dashboards to the types of Grafana 10 to 12 (needs node and npm)
	cd tests/grafana-schema && npm ci --no-audit --no-fund && node check.mjs

.PHONY: setup
setup: $(READY) ## Make .venv; the other targets do it when they need it

.PHONY: real-parts
real-parts: $(READY) ## Install the real programs that tests run (Prometheus), through apt where that is allowed
	@$(BIN)/python -m tests.support.programs

.PHONY: lock
lock: $(READY) ## Resolve the dependencies of pyproject.toml anew (UPGRADE=1: to their newest releases); asks PyPI
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Lock with the oldest supported Python, it needs the most packages: make clean lock PYTHON=python3.11" >&2; exit 1; }
	$(PIP_COMPILE) --output-file requirements.lock pyproject.toml
	$(BIN)/python -c '$(DEV_REQUIREMENTS)' | \
		$(PIP_COMPILE) --output-file requirements-dev.lock --constraint requirements.lock pyproject.toml -

.PHONY: clean
clean: ## Remove .venv and everything else that the targets made
	rm -rf $(VENV) build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Neither the index nor a path of the machine that locked belongs into the locks.
PIP_COMPILE = CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --generate-hashes --strip-extras \
	--allow-unsafe --no-emit-options --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	$(if $(UPGRADE),--upgrade)
# What development needs beside the run-time dependencies: the build backend (editables: for `pip install -e`) and the tools.
DEV_REQUIREMENTS = import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); \
	print(*p["build-system"]["requires"], "editables", *p["dependency-groups"]["dev"], sep="\n")

# The stamp is touched last, so an interrupted set-up is taken up again; an existing .venv that works is kept.
# Debian's python3 comes without ensurepip: its package is installed where that needs no password, else named.
$(READY): requirements-dev.lock pyproject.toml
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		python=; \
		for candidate in $(PYTHONS); do \
			if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
				python=$$candidate; break; \
			fi; \
		done; \
		if [ -z "$$python" ]; then \
			echo "No Python 3.11 or newer among: $(PYTHONS). Install one, or name it: make PYTHON=/path/to/python3" >&2; \
			exit 1; \
		fi; \
		if ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then \
			package=$$("$$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
			[ "$$(id -u)" = 0 ] && sudo= || sudo="sudo -n"; \
			echo "$$python cannot make virtual environments; trying apt-get install $$package"; \
			$$sudo apt-get install -y --no-install-recommends "$$package" >/dev/null 2>&1 || \
			{ $$sudo apt-get update && $$sudo apt-get install -y --no-install-recommends "$$package"; } >/dev/null 2>&1 || \
			{ echo "That did not work. Please install $$package (the venv module of $$python), then run make again." >&2; exit 1; }; \
		fi; \
		echo "Making $(VENV) with $$python ($$("$$python" --version 2>&1))"; \
		"$$python" -m venv --clear $(VENV); \
	fi
	@echo "Installing the locked dependencies into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
