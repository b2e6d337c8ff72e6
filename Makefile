# dialtone.phones: the front door. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The newest Python here that can make a virtual environment (a version manager's dead shim can't).
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do $$p -c 'import ensurepip, venv' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The collection is linked into the environment's own ansible_collections: names resolve from any folder and edits are seen at once.
$(VENV)/.ok: requirements.txt requirements-dev.txt
	@[ -n "$(PYTHON)" ] || { echo "no Python with venv found: apt-get install python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -r requirements.txt -r requirements-dev.txt
	site=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') && \
	mkdir -p "$$site/ansible_collections/dialtone" && ln -sfn "$(CURDIR)" "$$site/ansible_collections/dialtone/phones"
	touch $@

.PHONY: dev
dev: $(VENV)/.ok ## Set up the development environment

.PHONY: demo demo-clean
demo: $(VENV)/.ok ## Run the main job on this machine, with simulated phones and a simulated redirect service
	tests/lab/demo/demo run

demo-clean: $(VENV)/.ok ## Take the demo away
	tests/lab/demo/demo clean

.PHONY: fast lint lint-lab unit sanity integration integration-alone pbx test
fast: $(VENV)/.ok ## Check style and run the unit tests, side by side
	$(MAKE) --no-print-directory --output-sync=target -j 2 lint unit

lint: $(VENV)/.ok ## Check style: Python, YAML, roles and playbooks, changelog
	ruff check .
	ruff format --check .
	yamllint -s .
	ansible-lint -q --offline --exclude extensions
	antsibull-changelog lint
	python docs/tools/variables.py --check
	python docs/tools/vendors.py --check

# Apart, because each of the many playbooks that its scenarios share costs a second for every scenario.
lint-lab: $(VENV)/.ok ## Check the style of the molecule scenarios
	ansible-lint -q --offline extensions

unit: $(VENV)/.ok ## Run the unit tests
	python -m pytest -q -n auto --dist worksteal tests/unit

# The ansible-core that the environment has; the whole matrix is in noxfile.py.
CORE = $(shell $(BIN)/python -c 'from ansible.release import __version__ as v; print(".".join(v.split(".")[:2]))')
sanity: $(VENV)/.ok ## Run ansible-test sanity with the ansible-core of the environment
	nox -s extra-checks sanity-$(CORE)

# These change the site so much that each has the machine to itself.
ALONE = torn urls_rotate zero_touch_lan
integration: $(VENV)/.ok ## Deploy to this machine (root or sudo) and attack what was deployed
	python -m pytest -q -x tests/integration tests/browser $(ALONE:%=--ignore tests/integration/site/test_%.py) --ignore tests/integration/sip/test_asterisk.py

integration-alone: $(VENV)/.ok ## Torn reads, rotation and DHCP on this machine (root or sudo), one after the other
	for name in $(ALONE); do python -m pytest -q -x tests/integration/site/test_$$name.py; done

pbx: $(VENV)/.ok ## Notify phones through a real Asterisk, Ubuntu 24.04's in a folder of its own (root or sudo, mmdebstrap)
	$(SUDO) env PATH="$(PATH)" $(BIN)/python -m pytest -q -x tests/integration/sip/test_asterisk.py

# Sizes and rounds: BENCH_SIZES="1000 10000 50000" BENCH_ROUNDS=3. The result stays in build/bench.
.PHONY: bench
bench: $(VENV)/.ok ## Measure rendering and publishing of 1,000 and 10,000 phones against plain Jinja2, phonebooks, and the gate against plain nginx
	python tests/bench/bench.py
	python tests/bench/books.py --phones 10000
	$(MAKE) bench-gate

# All make machines in namespaces (root or sudo): real nginx, daemon, PostgreSQL and HAProxy, and nothing of it outlives the run.
# GATE_ROUNDS=50 and GATE_CLAIMANTS=200 are the races' sizes; GATE_ARGS goes to pytest, such as GATE_ARGS="-k sqlite".
SUDO = $(shell [ "$$(id -u)" = 0 ] || echo sudo -E)
MACHINES = $(SUDO) $(CURDIR)/$(BIN)/python tests/machines/install.py && \
	$(SUDO) env MACHINES_OUTSIDE="$$(readlink /proc/self/ns/net)" PATH="$(PATH)" ANSIBLE_CONFIG="$(ANSIBLE_CONFIG)" \
	unshare --net --mount --pid --fork --kill-child --mount-proc $(CURDIR)/$(BIN)/python -m
ATTACK = $(MACHINES) pytest -q -p no:cacheprovider $(GATE_ARGS)
.PHONY: gate gate-faults bench-gate
gate: $(VENV)/.ok ## Attack the deployed gate: SQLite, PostgreSQL, and most variables changed
	$(ATTACK) tests/machines/test_attacks.py tests/machines/test_settings.py

gate-faults: $(VENV)/.ok ## Races, kills, full disks, jumping clocks, restores: one server with SQLite, three with PostgreSQL
	$(ATTACK) tests/machines/test_faults.py

bench-gate: $(VENV)/.ok ## Measure the gate against plain nginx, with 50,000 phones (GATE_BENCH_PHONES)
	$(MACHINES) tests.machines.bench build/bench

test: fast lint-lab sanity integration ## Everything that must pass before a change lands

# Cells whose Python is not on this machine are skipped with a word; ansible-core 2.20 and newer want Python 3.12.
.PHONY: matrix night
matrix: $(VENV)/.ok ## Try every ansible-core with every Python that is here, and what Galaxy makes of the archive
	nox -s docs-check extra-checks build-import-check $(foreach core,2.19 2.20 2.21,units-$(core) sanity-$(core) integration-$(core))

night: matrix introspect docs-site integration-alone pbx gate gate-faults lab ## Everything that takes too long for a change, one after the other (root or sudo)

.PHONY: docs
docs: $(VENV)/.ok ## Write the pages that come from specifications
	python docs/tools/variables.py
	python docs/tools/vendors.py

# Each set of tools is installed when first needed.
$(VENV)/.ok-%: requirements-%.txt $(VENV)/.ok
	$(BIN)/pip install -q --disable-pip-version-check -r $<
	touch $@

.PHONY: build introspect docs-site lab
build: $(VENV)/.ok ## Build the collection's archive into build/: the same bytes from the same commit
	python docs/tools/build.py

introspect: $(VENV)/.ok-lab ## Show what ansible-builder finds an execution environment needs
	rm -rf build/introspect
	ansible-galaxy collection install --force --offline "$$(python docs/tools/build.py | awk '{print $$2}')" -p build/introspect >build/introspect.log 2>&1
	ansible-builder introspect build/introspect

docs-site: $(VENV)/.ok-site ## Build the site of the documentation into build/site/html; a warning ends it
	python docs/tools/site.py

# LAB="phone_configs site" runs some scenarios only; LAB_ENGINE=podman (or docker) makes containers instead of hosts in namespaces.
LAB ?= $(notdir $(patsubst %/molecule.yml,%,$(filter-out %/default/molecule.yml,$(wildcard extensions/molecule/*/molecule.yml))))
lab: $(VENV)/.ok-lab ## Try the roles on fresh Debian 12, Debian 13 and Ubuntu 24.04 hosts with molecule (root or sudo)
	tests/lab/hosts check
	tests/lab/alone
	tests/lab/scenarios $(LAB)
