# The only entry: `make` finds or installs what a target needs, below this folder; uv keeps what it downloads in your home.
#
#   make demo                      the main job, once through          make test [TESTS=tests/unit]   every test, or some
#   make up / make down / status   the stack, left running             make lint type validate        what CI checks too
#   make invoke-create_call EVENT=by_pipe                              make bench, bench-plane, bench-scale, bench-abuse, bench-webhooks, bench-sweep   measured, not asserted
#   make audit                     known holes of what is locked (make audit-refresh [FROM=all.zip] takes them from OSV)
#   make check                     before a commit: lint, types, the fast tests (a minute)
#   make test-receivers            docs/webhooks.md's receivers, Node.js's too
#   make test-dynamodb             the stores on Amazon's DynamoDB Local (needs a JDK of 17 and Maven)
#   make build                     what `sam build` builds             make simulate CALLS=100000 SEED=7
#   make planted-worlds            where the tests look for planted bugs first (minutes)
#   make format lock clean         housekeeping                        make sandbox-table             docs/sandbox.md, README's numbers
#   make test-speech               the speech worker's own tests            make speech-livekit            it, in a real LiveKit room
#   make outcomes                  calls every sandbox number               make reasons-page cli-page keys-table   docs/end-reasons.md, docs/cli.md, keys in docs/architecture.md
#   make fixtures RELEASE=8e192f8      what a release writes, for the tests of later ones      make read-by RELEASE=8e192f8   what it cannot read of today's
#   make release VERSION=0.2.0 [DRY_RUN=1]  version, changelog, tag, fixtures, SBOM; nothing is pushed
#   make sdk-table                 calls every method of the official SDK   make real-livekit [ONLY="hangs up"]   everything on a real LiveKit
#   make openapi                   docs/openapi.json, docs/api.md      make fuzz [EXAMPLES=20]       asks a stack what the API's document allows
#   make console-pictures           the console in Chromium, and docs/console's pictures of it (needs chromium)
#   make talk [AGENT=concierge PIPE=pipe_...]                          what you type is said to your own runner

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

UV_VERSION := 0.13.8
PYTHON_VERSION := $(shell cat .python-version)

LOCAL := .local
UV_ENV := $(LOCAL)/uv
UV := $(UV_ENV)/bin/uv
PYTHON := .venv/bin/python
SAM := $(LOCAL)/sam/bin/sam

# Stamps bear the lock's content in their time: a changed lock is synced, an unchanged one costs nothing.
DEV := .venv/.synced
EMULATOR := $(LOCAL)/emulator/.synced
SAM_CLI := $(LOCAL)/sam/.synced
CHECKS_ENV := $(LOCAL)/checks
CHECKS := $(CHECKS_ENV)/.synced
SPEECH := $(LOCAL)/speech/.synced
SPEECH_PYTHON := $(LOCAL)/speech/bin/python
DYNAMODB_LOCAL := $(LOCAL)/dynamodb-local/.fetched

# The user's own settings of these would leak into builds and child processes.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME VIRTUAL_ENV UV_PYTHON
# And those of the official SDK: it takes an exported token before the key that it is given.
unexport $(filter UNPOD_%,$(.VARIABLES))
export UV_NO_PROGRESS := 1
# Files are read and written as UTF-8, whatever the locale says.
export PYTHONUTF8 := 1

# What uv has downloaded serves every checkout of one user. Who has no home that can be written has it below this folder.
ifneq ($(shell test -d "$$HOME" && test -w "$$HOME" && echo yes),yes)
export UV_CACHE_DIR ?= $(CURDIR)/$(LOCAL)/uv-cache
export UV_PYTHON_INSTALL_DIR ?= $(CURDIR)/$(LOCAL)/uv-python
endif

.PHONY: planted-worlds bench-abuse bench-sweep audit audit-refresh console-pictures test-receivers test-speech type-speech bench-speech speech speech-livekit real-livekit cli-page
.PHONY: help fixtures release read-by demo up down status talk test check test-dynamodb lint type format bench bench-plane bench-scale bench-webhooks simulate outcomes sandbox-table sdk-table reasons-page keys-table openapi fuzz lock build validate clean setup
help:
	@sed -n '3,20s/^#  //p' Makefile

# ---------------------------------------------------------------- the stack

demo: $(DEV) $(EMULATOR)
	@$(PYTHON) -m local.trips.demo

up: $(DEV) $(EMULATOR)
	@$(PYTHON) -m local.stack up

down: $(DEV)
	@$(PYTHON) -m local.stack down

status: $(DEV)
	@$(PYTHON) -m local.stack status

talk: $(DEV)
	@$(PYTHON) -m local.trips.talk $(if $(AGENT),--agent $(AGENT)) $(if $(PIPE),--pipe $(PIPE))

fixtures: $(DEV)
	@$(PYTHON) -m local.releases $(RELEASE) $(NAME)

# Version, changelog, tag, fixtures and what is given away, below .local/releases. Nothing is pushed.
release: $(DEV) $(CHECKS)
	@$(PYTHON) -m local.releases.release $(VERSION) $(if $(DRY_RUN),--dry-run)

read-by: $(DEV)
	@$(PYTHON) -m local.releases --read-by $(RELEASE)

build: $(DEV)
	@$(PYTHON) -m local.aws.build

invoke-%: $(DEV)
	@$(PYTHON) -m local.trips.invoke $* $(EVENT)

bench: $(DEV) $(EMULATOR)
	@$(PYTHON) -m local.bench
	@$(PYTHON) -m local.bench.scale
	@$(PYTHON) -m local.bench.plane

bench-scale: $(DEV) $(EMULATOR)
	@$(PYTHON) -m local.bench.scale $(PARTS)

bench-plane: $(DEV) $(EMULATOR)
	@$(PYTHON) -m local.bench.plane $(PARTS)

bench-sweep: $(DEV)
	@$(PYTHON) -m local.bench.sweep

bench-abuse: $(DEV) $(EMULATOR)
	@$(PYTHON) -m local.bench.abuse $(if $(SAMPLES),--samples $(SAMPLES)) $(if $(WITHIN),--within $(WITHIN)) $(FLOODS)

# A thousand calls of one account end at once, or ENDS=100 of them.
bench-webhooks: $(DEV) $(EMULATOR)
	@$(PYTHON) -m local.bench.webhooks $(ENDS)

CALLS ?= 100000
SEED ?= 7
simulate: $(DEV)
	@$(PYTHON) -m simulation --calls $(CALLS) --seed $(SEED) --workers 2

# Notes in which world each planted bug shows itself soonest: tests/fixtures/planted_worlds.json.
planted-worlds: $(DEV)
	@PYTHONPATH=layers/core $(PYTHON) -m tests.property.planted_worlds

outcomes: $(DEV) $(EMULATOR)
	@$(PYTHON) -m local.trips.outcomes

sandbox-table: $(DEV)
	@$(PYTHON) -m local.pages.sandbox

# Calls every method of the official SDK against a stack, and says what became of each.
sdk-table: $(DEV) $(EMULATOR)
	@$(PYTHON) -m local.pages.sdk
	@$(PYTHON) -m local.trips.sdk.tour

reasons-page: $(DEV)
	@$(PYTHON) -m local.pages.reasons

# The keys of the one table, in docs/architecture.md.
keys-table: $(DEV)
	@$(PYTHON) -m local.pages.keys

cli-page: $(DEV)
	@$(PYTHON) -m local.pages.command_line

# docs/openapi.json, the copy that the API serves, and docs/api.md.
openapi: $(DEV)
	@$(PYTHON) -m local.pages.openapi

fuzz: $(DEV) $(EMULATOR)
	@EXAMPLES=$(EXAMPLES) FUZZ_SEED=$(FUZZ_SEED) $(PYTHON) -m local.fuzz

# ---------------------------------------------------------------- checks

CORES := $(shell getconf _NPROCESSORS_ONLN)
SLOWEST := --durations=15 --durations-min=1

# All of them in three parts, of which two run side by side: tests/parts.py. A stack takes up to 2 GB. A part of the tests
# begins sooner without workers.
TESTS ?= tests
STACK_WORKERS ?= 4
WORKERS ?= $(shell expr $(CORES) + 2)
test: $(DEV) $(EMULATOR) $(SAM_CLI) $(CHECKS)
ifeq ($(TESTS),tests)
	$(PYTHON) -m tests.parts --stack-workers $(STACK_WORKERS) --workers $(WORKERS) $(SLOWEST) $(PYTEST_OPTIONS)
else
	$(PYTHON) -m pytest $(TESTS) $(SLOWEST) $(PYTEST_OPTIONS)
endif

# What a pre-commit hook runs (.pre-commit-config.yaml): no stack, no emulator, and no simulated worlds.
check: lint type
	$(PYTHON) -m pytest -q tests/unit tests/property --ignore=tests/property/test_simulation.py --ignore=tests/property/test_rollback.py \
		-n $(CORES) $(SLOWEST) $(PYTEST_OPTIONS)

# The same tests, where a request that DynamoDB would refuse is refused.
test-dynamodb: $(DEV) $(EMULATOR) $(CHECKS) $(DYNAMODB_LOCAL)
	RINGLINE_TEST_DYNAMODB=dynamodb-local $(PYTHON) -m pytest tests/dynamodb tests/component \
		--ignore=tests/component/crash -n $(CORES) $(SLOWEST) $(PYTEST_OPTIONS)

# The receivers of docs/webhooks.md, run as they stand there: RECEIVERS="go java" needs Go, or a JDK of 11 with Maven.
RECEIVERS ?= python javascript
test-receivers: $(DEV) $(patsubst %,$(LOCAL)/receivers/%/.fetched,$(filter-out python,$(RECEIVERS)))
	RINGLINE_TEST_RECEIVERS="$(RECEIVERS)" $(PYTHON) -m pytest tests/contract/webhooks \
		$(SLOWEST) $(PYTEST_OPTIONS)

# Every locked version against published holes, without a network; audit-refresh takes their records from OSV anew.
audit: $(DEV)
	@$(PYTHON) -m local.audit

audit-refresh: $(DEV)
	@$(PYTHON) -m local.audit --refresh $(FROM)

# The pictures of docs/operating.md, by the test that drives the pages. CHROMIUM= names a Chromium that is not on the PATH;
# Debian's package is `chromium`. `make test` leaves this test out.
console-pictures: $(DEV)
	@test -n "$(CHROMIUM)" || command -v chromium >/dev/null || { echo "error: Chromium is needed: apt-get install chromium, or CHROMIUM=path" >&2; exit 1; }
	RINGLINE_PICTURES="$(CURDIR)/docs/console" $(PYTHON) -m pytest tests/component/cli/console/test_in_a_browser.py $(PYTEST_OPTIONS)

lint: $(DEV)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

format: $(DEV)
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

type: $(DEV)
	$(PYTHON) -m mypy layers/core/ringline functions dialer cli local simulation speech/bridge examples tests

validate: $(SAM_CLI) $(CHECKS)
	SAM_CLI_TELEMETRY=0 $(SAM) validate --lint --region us-east-1
	$(CHECKS_ENV)/bin/cfn-lint --config-file local/checks/cfn-lint.yaml
	$(CHECKS_ENV)/bin/checkov --config-file local/checks/checkov.yaml
	$(CHECKS_ENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

# ---------------------------------------------------------------- the speech worker

# Its tests run in its own environment: what it stands on does not go together with the rest.
test-speech: $(SPEECH)
	$(SPEECH_PYTHON) -m pytest speech/tests --durations=5 --durations-min=1 $(PYTEST_OPTIONS)

type-speech: $(DEV) $(SPEECH)
	$(PYTHON) -m mypy --python-executable $(SPEECH_PYTHON) speech

bench-speech: $(SPEECH)
	@$(SPEECH_PYTHON) -m speech.tests.trips.bench

# The worker on this machine, registered with the LiveKit server of LIVEKIT_URL.
speech: $(SPEECH)
	@$(SPEECH_PYTHON) -m speech.worker

# The same worker against a real LiveKit server: LIVEKIT_URL's, or one that is started here if its program is on the PATH.
speech-livekit: $(SPEECH)
	@$(SPEECH_PYTHON) -m speech.tests.trips.livekit_server

# ONLY= takes words of the calls' names; `_` is all troubles.
real-livekit: $(DEV) $(EMULATOR) $(SPEECH)
	@$(PYTHON) -m local.trips.livekit $(ONLY)

# ---------------------------------------------------------------- what is needed

setup: $(DEV) $(EMULATOR) $(SAM_CLI)

# uv comes from PyPI into an environment of its own; where Python has no venv (some Debian images), into a folder.
$(UV_ENV)/.$(UV_VERSION):
	@echo "installing uv $(UV_VERSION)"
	@rm -rf $(UV_ENV) && mkdir -p $(LOCAL)
	@command -v python3 >/dev/null || { echo "error: a python3 with pip is needed to begin with" >&2; exit 1; }
	@if python3 -m venv $(UV_ENV) >/dev/null 2>&1; then \
		$(UV_ENV)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); \
	else \
		rm -rf $(UV_ENV); \
		python3 -m pip install --quiet --disable-pip-version-check --target $(UV_ENV) uv==$(UV_VERSION); \
	fi
	@touch $@

# $(call sync,environment,lock): an environment with exactly what the lock says.
define sync
	@echo "installing $(2)"
	@test -x $(1)/bin/python || $(UV) venv --quiet --clear --python $(PYTHON_VERSION) $(1)
	@$(UV) pip sync --quiet --require-hashes --python $(1)/bin/python $(2)
	@touch $(1)/.synced
endef

# The command `ringline` runs from this folder. It comes after the lock's packages, which take away whatever else there is.
$(DEV): requirements/dev.txt pyproject.toml .python-version $(UV_ENV)/.$(UV_VERSION)
	$(call sync,.venv,requirements/dev.txt)
	@$(UV) pip install --quiet --offline --no-deps --python .venv/bin/python --editable .
	@touch $@

$(EMULATOR): requirements/emulator.txt .python-version $(UV_ENV)/.$(UV_VERSION)
	$(call sync,$(LOCAL)/emulator,requirements/emulator.txt)

# About 0.8 GB: what hears and speaks, with the models of the voice that needs no key.
$(SPEECH): requirements/speech-test.txt .python-version $(UV_ENV)/.$(UV_VERSION)
	$(call sync,$(LOCAL)/speech,requirements/speech-test.txt)

$(SAM_CLI): requirements/sam.txt .python-version $(UV_ENV)/.$(UV_VERSION)
	$(call sync,$(LOCAL)/sam,requirements/sam.txt)

# About 0.3 GB: checkov alone brings most of it.
$(CHECKS): requirements/checks.txt .python-version $(UV_ENV)/.$(UV_VERSION)
	$(call sync,$(CHECKS_ENV),requirements/checks.txt)

# Java has locks of its own: the version in pom.xml, the hashes beside it.
$(DYNAMODB_LOCAL): local/aws/dynamodb_local_java/pom.xml local/aws/dynamodb_local_java/SHA256SUMS | $(DEV)
	@echo "fetching DynamoDB Local"
	@$(PYTHON) -m local.aws.dynamodb_local fetch
	@touch $@

# What a receiver in another language verifies webhooks with, by the lock of that language.
RECEIVER_LOCKS := tests/contract/webhooks/libraries
$(LOCAL)/receivers/javascript/.fetched: $(RECEIVER_LOCKS)/javascript/package-lock.json
	@command -v npm >/dev/null || { echo "error: Node.js with npm is needed for test-receivers" >&2; exit 1; }
	@rm -rf $(@D) && mkdir -p $(LOCAL)/receivers && cp -R $(RECEIVER_LOCKS)/javascript $(@D)
	@npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(LOCAL)/receivers/go/.fetched: $(RECEIVER_LOCKS)/go/go.sum
	@command -v go >/dev/null || { echo "error: Go is needed for test-receivers with RECEIVERS=go" >&2; exit 1; }
	@rm -rf $(@D) && mkdir -p $(LOCAL)/receivers && cp -R $(RECEIVER_LOCKS)/go $(@D)
	@cd $(@D) && go mod download
	@touch $@

$(LOCAL)/receivers/java/.fetched: $(RECEIVER_LOCKS)/java/SHA256SUMS
	@command -v mvn >/dev/null || { echo "error: Maven is needed for test-receivers with RECEIVERS=java" >&2; exit 1; }
	@rm -rf $(@D) && mkdir -p $(@D)
	@mvn --quiet --batch-mode --file $(RECEIVER_LOCKS)/java/pom.xml dependency:copy-dependencies -DoutputDirectory="$(CURDIR)/$(@D)"
	@cd $(@D) && sha256sum --check --quiet "$(CURDIR)/$(RECEIVER_LOCKS)/java/SHA256SUMS"
	@mv $(@D)/standardwebhooks-*.jar $(@D)/standardwebhooks.jar && touch $@

# Locks hold versions and hashes for every platform, and nothing about where they were resolved. `make lock UPGRADE=1` moves them.
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.13 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
lock: $(UV_ENV)/.$(UV_VERSION)
	$(COMPILE) requirements/runtime.in -o requirements/runtime.txt
	$(COMPILE) requirements/dev.in -c requirements/runtime.txt -o requirements/dev.txt
	$(COMPILE) requirements/emulator.in -o requirements/emulator.txt
	$(COMPILE) requirements/sam.in -o requirements/sam.txt
	$(COMPILE) requirements/checks.in -o requirements/checks.txt
	$(COMPILE) requirements/speech.in -c requirements/runtime.txt -o requirements/speech.txt
	$(COMPILE) requirements/speech-local.in -c requirements/speech.txt -o requirements/speech-local.txt
	$(COMPILE) requirements/speech-test.in -c requirements/speech-local.txt -o requirements/speech-test.txt

# Stops the stack first: it runs from what is removed.
clean:
	@if test -x $(PYTHON); then $(PYTHON) -m local.stack down; fi
	@for each in $(LOCAL)/*/children.json; do \
		if test -e "$$each" && test -x $(PYTHON); then RINGLINE_STATE_DIR="$$(dirname "$$each")" $(PYTHON) -m local.stack down; fi; \
	done
	rm -rf $(LOCAL) .venv .aws-sam
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
