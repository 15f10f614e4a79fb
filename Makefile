# The Inference Profile Manager's commands. `make help` lists them.
#
# What is needed beforehand: Rust by rustup, Python 3.10 or later with venv, make and a C compiler. All
# else is installed by the targets themselves, pinned, in .venv (tests/requirements.txt) and .local.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
# The parts share two processors and one target directory; their order is the fastest way to an error.
.NOTPARALLEL:

# The Lambda packages that ship.
FUNCTIONS := provider rescue sweep

# x86_64 or arm64; this machine's own unless told otherwise, because the local AWS runs what is built.
HOST_ARCH := $(subst aarch64,arm64,$(shell uname -m))
ARCH ?= $(HOST_ARCH)

# For `make invoke` and `make sam-local`: one or more files of events/provider, or of events/rescue and
# events/sweep as in sweep/dry-run, without the ending.
EVENT ?= create
# For `make demo`: leave the local AWS up.
KEEP ?=
# For `make simulate`: how many seeds.
SEEDS ?= 20000
# For `make bench`: which parts, with commas between them, and whether a short run will do.
ONLY ?=
QUICK ?=

NEXTEST_VERSION := 0.9.143
DENY_VERSION := 0.20.2

VENV := $(CURDIR)/.venv
LOCAL := $(CURDIR)/.local
TEMPLATES := template.yaml $(wildcard examples/*.yaml)

# The first Python that is new enough; it only makes .venv.
PYTHON ?= $(firstword $(foreach each,python3 python3.14 python3.13 python3.12 python3.11 python3.10,\
  $(shell $(each) -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1 && echo $(each))))

export PATH := $(VENV)/bin:$(LOCAL)/tools/bin:$(PATH)
# Where the targets below, `sam build` and the harness look for what was built.
export CARGO_TARGET_DIR := $(CURDIR)/target
export SAM_CLI_TELEMETRY := 0
export AWS_PAGER :=
unexport PYTHONHOME PYTHONPATH

# $(call part,name,command): runs a command under a headline and notes how long it took.
part = @echo; echo "==> $(1)"; begun=$$SECONDS; { $(2); } && mkdir -p "$(LOCAL)" && \
  printf '%5d s  %s\n' $$((SECONDS - begun)) "$(1)" | tee -a "$(LOCAL)/times"

.PHONY: help
help: ## This list
	@echo 'Inference Profile Manager'
	@echo
	@awk -F ' *## *' '/^[a-z-]+:.*##/ { split($$1, name, ":"); printf "  make %-35s %s\n", name[1] ($$3 ? " " $$3 : ""), $$2 }' Makefile
	@echo
	@echo 'ARCH=x86_64|arm64 chooses the processors that the functions are built for (here: $(ARCH)).'

# -- what people run ----------------------------------------------------------------------------------

.PHONY: demo
demo: begin build local-aws ## The whole life of two profiles on a local AWS, and a sweep of what others made ## [KEEP=1]
	$(call part,demo,$(VENV)/bin/python tests/demo.py $(if $(KEEP),--keep))

.PHONY: stop
stop: tools ## Stops what `make demo KEEP=1` left up
	@$(VENV)/bin/python tests/demo.py --stop

.PHONY: test
test: begin format lint unit-tests doc-tests templates scan deny build local-aws end-to-end ## Everything that is checked
	@echo; echo 'All of it passed. It took:'; cat "$(LOCAL)/times"

.PHONY: check
check: begin format lint unit-tests templates ## The fast part: format, lints, unit tests, templates
	@echo; echo 'All of it passed. It took:'; cat "$(LOCAL)/times"

.PHONY: simulate
simulate: prerequisites ## Seeds through CloudFormation's engine, with everything that can go wrong ## SEEDS=20000 [ARGS='--first 7 | --seconds 1000 | --one 7']
	@cargo run --locked --quiet --package simulator -- --seeds $(SEEDS) $(ARGS)

.PHONY: build
build: prerequisites tools ## The functions as they ship, at target/lambda/<package>/bootstrap, and packaged for `sam`
ifneq ($(ARCH),$(HOST_ARCH))
ifneq ($(ARCH),arm64)
	@echo 'make: ARCH=$(ARCH) cannot be built on $(HOST_ARCH): `sam build` has no switch for it' >&2; exit 1
endif
endif
	$(call part,release build,cargo lambda build --release --locked \
	  $(foreach function,$(FUNCTIONS),--package $(function)) $(if $(filter-out $(HOST_ARCH),$(ARCH)),--arm64))
	$(call part,packaging,AWS_DEFAULT_REGION=us-east-1 sam build --parameter-overrides Architecture=$(ARCH))
	@ls -l $(foreach function,$(FUNCTIONS),target/lambda/$(function)/bootstrap)

.PHONY: deploy
deploy: build ## Deploys to the AWS account that the shell's credentials belong to ## [ARCH=arm64] [ARGS='...']
	sam deploy --parameter-overrides Architecture=$(ARCH) $(ARGS)

.PHONY: invoke
invoke: build local-aws ## Events through the built functions, and what comes of them ## EVENT=create
	@$(VENV)/bin/python tests/invoke.py $(EVENT)

.PHONY: sam-local
sam-local: build local-aws ## The same by `sam local invoke`; needs Docker ## EVENT=create [ARGS='...']
	@$(VENV)/bin/python tests/invoke.py --sam-local $(ARGS:%=--sam-option=%) $(EVENT)

.PHONY: bench
bench: $(if $(filter-out page,$(or $(ONLY),all)),build released-local-aws,tools) ## Measures all beside others, an hour; half without build ## [ONLY=start,provider,sweep,build] [QUICK=1]
	$(VENV)/bin/python -m bench $(if $(ONLY),--only '$(ONLY)') $(if $(filter-out 0,$(QUICK)),--quick)

.PHONY: clean
clean: ## Removes what was built and installed here
	@if [ -x "$(VENV)/bin/python" ]; then $(VENV)/bin/python tests/demo.py --stop; fi
	rm -rf target .aws-sam .local .venv tests/__pycache__ tests/.pytest_cache tests/.ruff_cache bench/__pycache__ bench/.ruff_cache

# -- the parts of `make test` -------------------------------------------------------------------------

.PHONY: begin
begin: prerequisites
	@mkdir -p "$(LOCAL)"; : > "$(LOCAL)/times"

.PHONY: format
format: prerequisites
	$(call part,format,cargo fmt --all --check)

.PHONY: lint
lint: prerequisites
	$(call part,lints,cargo clippy --locked --workspace --all-targets -- -D warnings)

.PHONY: unit-tests
unit-tests: nextest
	$(call part,unit and integration tests,cargo nextest run --locked --workspace)

.PHONY: doc-tests
doc-tests: prerequisites
	$(call part,doc tests,cargo test --locked --workspace --doc --quiet)

.PHONY: templates
templates: tools
	$(call part,templates and scripts,cfn-lint $(TEMPLATES) && \
	  AWS_DEFAULT_REGION=us-east-1 sam validate --lint && ruff check tests bench && ruff format --check tests bench)

.PHONY: scan
scan: $(LOCAL)/checkov/.installed ## What a scanner says of the templates
	$(call part,template scan,$(LOCAL)/checkov/bin/checkov --config-file .checkov.yaml --file $(TEMPLATES))

# The advisories come from GitHub: where that cannot be reached within half a minute, they are left out.
.PHONY: deny
deny: cargo-deny ## Licences, sources, duplicates and advisories of what the functions are built of
	$(call part,dependencies,cargo deny --locked check -D unmatched-skip -D unnecessary-skip bans licenses sources)
	$(call part,advisories,if timeout 30 cargo deny fetch db >/dev/null 2>&1; \
	  then cargo deny --locked --offline check advisories; \
	  else echo 'skipped: the advisories of RustSec cannot be fetched from here'; fi)

.PHONY: end-to-end
end-to-end: tools
	$(call part,end-to-end tests,$(VENV)/bin/python -m pytest tests)

# -- what they need -----------------------------------------------------------------------------------

.PHONY: local-aws
local-aws: prerequisites
	$(call part,local-aws,cargo build --locked --package local-aws --quiet)

# Optimised, so that it is not what is measured.
.PHONY: released-local-aws
released-local-aws: prerequisites
	$(call part,local-aws for the measurements,cargo build --locked --release --package local-aws --quiet)

.PHONY: prerequisites
prerequisites:
	@command -v cargo >/dev/null || \
	  { echo 'make: Rust is missing: install it by rustup, https://rustup.rs' >&2; exit 1; }
	@command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null || \
	  { echo 'make: a C compiler is missing: install gcc or clang' >&2; exit 1; }
	@[ -n '$(PYTHON)' ] || [ -x '$(VENV)/bin/python' ] || \
	  { echo 'make: Python 3.10 or later is missing (or name one: make PYTHON=/path/to/python3)' >&2; exit 1; }

.PHONY: tools
tools: $(VENV)/.installed

$(VENV)/.installed: tests/requirements.txt | prerequisites
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo 'make: $(PYTHON) has no venv: install it (Debian: python3-venv)' >&2; exit 1; }
	$(call part,Python tools,$(PYTHON) -m venv --clear $(VENV) && \
	  $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<)
	@touch $@

# Taken as it is where it is installed; else built here, once.
.PHONY: nextest
nextest: prerequisites
	@cargo nextest --version >/dev/null 2>&1 || { echo '==> cargo-nextest'; env -u CARGO_TARGET_DIR \
	  cargo install --quiet --locked --root $(LOCAL)/tools cargo-nextest@$(NEXTEST_VERSION); }

# Likewise. Unoptimised, it is built in half the time.
.PHONY: cargo-deny
cargo-deny: prerequisites
	@cargo deny --version >/dev/null 2>&1 || { echo '==> cargo-deny'; env -u CARGO_TARGET_DIR CARGO_PROFILE_DEV_DEBUG=0 \
	  cargo install --quiet --locked --debug --root $(LOCAL)/tools cargo-deny@$(DENY_VERSION); }

$(LOCAL)/checkov/.installed: tests/checkov-requirements.txt | prerequisites
	$(call part,template scanner,$(PYTHON) -m venv --clear $(LOCAL)/checkov && \
	  $(LOCAL)/checkov/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<)
	@touch $@
