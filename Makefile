# Every verb sets up what it needs in .venv; only Python >= 3.10, a Rust toolchain and make are assumed.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: docs official rules chaos kill bench-bulk bench-loss help demo test test-fuzz test-rust test-python matrix lint bench fuzz wheel names licences audit old-cpu clean check-tools

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUST_SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check-tools:
	@command -v $(PYTHON) >/dev/null || { echo "mixpress needs Python 3.10 or newer, and '$(PYTHON)' is not on PATH. Install it, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "mixpress needs Python 3.10 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name a newer one: make PYTHON=/path/to/python3"; exit 1; }
	@command -v cargo >/dev/null || { echo "mixpress builds a Rust core, and 'cargo' is not on PATH. Install Rust 1.91 or newer (https://rustup.rs)."; exit 1; }

# The virtual environment, made anew when the dependencies change.
$(VENV)/.installed: pyproject.toml | check-tools
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing what development needs into $(VENV)"
	@$(BIN)/python -m pip install -q --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install -q --group dev 'click>=8.1' 'rich>=13' 'starlette>=0.40' 'uvicorn>=0.30' 'urllib3>=2.2'
	@touch $@

# The package itself, editable: Python files are read in place, the core is rebuilt when its sources change.
$(VENV)/.built: $(VENV)/.installed $(RUST_SOURCES)
	@echo "building the Rust core (release)"
	@rm -f python/mixpress/_core*.so   # an old one of another name would shadow the new
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --quiet --extras cli,emulator \
	  > $(VENV)/build.log 2>&1 || { cat $(VENV)/build.log; exit 1; }
	@touch $@

$(VENV)/.bench: $(VENV)/.built
	@$(BIN)/python -m pip install -q --group bench
	@touch $@

$(VENV)/.loss: $(VENV)/.built
	@$(BIN)/python -m pip install -q --only-binary :all: --group loss
	@touch $@

$(VENV)/.wheels: $(VENV)/.installed
	@$(BIN)/python -m pip install -q --group wheels
	@touch $@

demo: $(VENV)/.built ## Import a month of real flights into a local emulator, and show what becomes of bad events
	@$(BIN)/mixpress demo

test: test-rust test-fuzz test-python ## Run every test

test-rust: | check-tools
	@cargo fetch --quiet --locked  # one test packs the crate and embeds it, and asks no registry
	cargo test --quiet --features arrow

test-fuzz: | check-tools ## A short run of the fuzzers' targets, on the stable toolchain
	cargo test --release --quiet --manifest-path fuzz/Cargo.toml

test-python: $(VENV)/.built
	$(BIN)/python -m pytest

PYTHONS ?= 3.10 3.11 3.12 3.13
matrix: | check-tools ## Run the Python tests on each of PYTHONS="3.10 3.11 3.12 3.13" (pyenv's or PATH's)
	@for version in $(PYTHONS); do \
	  python=$$(ls -d $${PYENV_ROOT:-$$HOME/.pyenv}/versions/$$version.*/bin/python 2>/dev/null | tail -n 1); \
	  python=$${python:-$$(command -v python$$version)}; \
	  test -n "$$python" || { echo "no Python $$version: install it, or leave it out: make matrix PYTHONS=..."; exit 1; }; \
	  echo "== $$($$python -V)"; \
	  $(MAKE) --no-print-directory test-python VENV=.venv-$$version PYTHON=$$python || exit 1; done
	@rm -f $(VENV)/.built  # the core of the usual Python is built anew

lint: $(VENV)/.built ## Formatting, lints and types of both languages, stubs against the built module
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --quiet --all-targets --manifest-path fuzz/Cargo.toml -- -D warnings
	cargo clippy --quiet --all-targets -- -D warnings
	cargo clippy --quiet --all-targets --features arrow -- -D warnings
	cargo clippy --quiet --all-targets --features python -- -D warnings
	cargo clippy --quiet --all-targets --features abi3 -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --features arrow
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet --min-severity medium .github/workflows
	$(BIN)/ruff format --check python tests benches examples docs/docstrings.py
	$(BIN)/ruff check python tests benches examples docs/docstrings.py
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest mixpress._core
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.bench ## Measure against the peers, interleaved, results compared (minutes)
	$(BIN)/python -m benches
	$(BIN)/python -m pytest benches --benchmark-only -q

bench-loss: $(VENV)/.loss ## What six clients lose when their process ends (minutes): LOSS_ROUNDS= LOSS_SECONDS= LOSS_CLIENTS=
	$(BIN)/python -m benches.loss

bench-bulk: $(VENV)/.bench ## Millions of events beside the official client (minutes): BULK_EVENTS= BULK_PEER_EVENTS= BULK_ROUNDS=
	$(BIN)/python -m benches.bulk

fuzz: $(VENV)/.built ## Fuzz each target FUZZ_SECONDS=600 (nightly Rust), then the core against the reference FUZZ_EXAMPLES=20000 times
	@cargo +nightly --version >/dev/null || { echo "libFuzzer needs a nightly toolchain: rustup toolchain install nightly"; exit 1; }
	@command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz
	@for target in walk quoted scan json_text press; do mkdir -p fuzz/corpus/$$target; \
	  cargo +nightly fuzz run --fuzz-dir fuzz $$target fuzz/corpus/$$target fuzz/seeds -- -dict=fuzz/json.dict \
	    -max_total_time=$(or $(FUZZ_SECONDS),600) -rss_limit_mb=2048 -print_final_stats=1 || exit 1; done
	HYPOTHESIS_PROFILE=fuzz FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),20000) $(BIN)/python -m pytest \
	  tests/encoder/test_against_reference.py tests/encoder/test_json_against_reference.py tests/encoder/test_options_against_reference.py \
	  tests/encoder/test_derive.py tests/encoder/test_arrow.py

chaos: $(VENV)/.built ## Deliver through faults: CHAOS_SCHEDULES=1000 or CHAOS_SECONDS=, from CHAOS_SEED= on
	PYTHONPATH=tests $(BIN)/python -m chaos

kill: $(VENV)/.built ## Kill processes that track with a spool, KILL_ROUNDS=300 times, and deliver what is left
	KILL_ROUNDS=$(or $(KILL_ROUNDS),300) $(BIN)/python -m pytest -q -s tests/process/test_kill.py tests/spool/test_crash.py

docs: $(VENV)/.installed ## Build the pages for readers into site/, which can be opened without a server
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

OFFICIAL ?= $(VENV)/official
official: $(VENV)/.built ## Run the official client's own tests with our consumers in the place of its own: OFFICIAL=its checkout, else cloned
	@test -e $(OFFICIAL)/test_mixpanel.py || git clone -q --depth 1 --branch v5.3.0 https://github.com/mixpanel/mixpanel-python $(OFFICIAL)
	PYTHONPATH=$(CURDIR)/tests $(BIN)/python -m pytest -q -c /dev/null -p compat.official.in_place $(OFFICIAL)/test_mixpanel.py

rules: $(VENV)/.built ## Render docs/rules.md from the core
	$(BIN)/python tests/encoder/test_rules_page.py

WHEELS ?= 3.10 3.11 3.12 3.13 abi3 sdist
old-cpu: $(VENV)/.built ## The encoder's tests with every instruction newer than SSE2 made illegal, and under qemu where it is there
	PYTHONPATH=tests $(BIN)/python -m old_cpu

names: $(VENV)/.built ## Store the public names anew, in tests/project/public_names.txt
	$(BIN)/python tests/project/public_names.py

wheel: $(VENV)/.wheels ## Build WHEELS="3.10 3.11 3.12 3.13 abi3 sdist" into dist/, look into each and try it in a clean environment
	PYTHONPATH=tests $(BIN)/python -m wheels $(WHEELS)

licences: | check-tools ## Write THIRD_PARTY.txt anew: the licences of what a wheel links
	@command -v cargo-about >/dev/null || cargo install --quiet --locked cargo-about --features cli
	cargo about generate --locked --features python about.hbs --output-file THIRD_PARTY.txt

audit: $(VENV)/.built ## Licences, sources and known faults of what is depended on (needs the network for the faults)
	@command -v cargo-deny >/dev/null || cargo install --quiet --locked cargo-deny
	@$(BIN)/python -m pip install -q --group audit
	cargo deny check licenses bans sources
	cargo deny check advisories
	@$(BIN)/python -m pip freeze --exclude-editable | grep -v '^mixpress' > $(VENV)/frozen.txt
	$(BIN)/python -m pip_audit --strict --no-deps --disable-pip --progress-spinner off --requirement $(VENV)/frozen.txt

clean: ## Remove what was built
	rm -rf $(VENV) .venv-* target dist python/mixpress/_core*.so
