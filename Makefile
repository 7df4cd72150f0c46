# Every target installs what this machine lacks before it starts; see scripts/setup.sh.

CARGO ?= cargo
REPORT := report
FUZZ_SECONDS ?= 60
PART ?= 0/20

# Targets share one build folder and would only wait for each other. What is given to this make
# (a -j, a variable) is not meant for the makes that build GMP and MPFR deep inside cargo.
.NOTPARALLEL:
unexport MAKEFLAGS

# Only `make test-quick` may leave the proofs out, whatever the environment says.
unexport LORA_GAUGE_SKIP_PROOFS

.PHONY: help audit precision test test-quick test-without-c deny faults mutants proofs bench fuzz clean
.PHONY: setup setup-checks setup-proofs setup-everything quick-notice checks

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

audit: setup ## judge every claim; writes report/audit.html, .md and .json
	@mkdir -p $(REPORT)
	$(CARGO) run --release --locked -- audit --html $(REPORT)/audit.html \
		--markdown $(REPORT)/audit.md --json $(REPORT)/audit.json

precision: setup ## measure and bound the drift at k = 3; writes report/precision.html, .md and .json
	@mkdir -p $(REPORT)
	$(CARGO) run --release --locked -- precision --html $(REPORT)/precision.html \
		--markdown $(REPORT)/precision.md --json $(REPORT)/precision.json

test: setup-everything checks ## everything: format, lints, docs, proofs, all tests
	@echo "make test: all passed, proofs included"

test-without-c: setup-checks ## lints and unit tests of the crate without GMP and MPFR, which CI runs too
	$(CARGO) clippy --lib --no-default-features --locked -- -D warnings
	$(CARGO) clippy --all-targets --no-default-features --features cli --locked -- -D warnings
	$(CARGO) test --no-default-features --features cli --lib --locked

deny: setup ## licences, advisories and sources of the dependencies, by deny.toml
	@cargo deny --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-deny
	$(CARGO) deny --locked check

faults: ## plant faults one at a time and see the search find each
	$(CARGO) test --release --locked --features planted-faults --test planted_faults -- --nocapture

test-quick: export LORA_GAUGE_SKIP_PROOFS := 1
test-quick: quick-notice setup-checks checks ## the same without the proofs (no Rocq needed)
	@echo "make test-quick: all passed, but the PROOFS WERE NOT CHECKED; 'make test' checks them"

mutants: setup ## change rules, intervals, bounds and search in one place at a time, PART=0/20 of all
	@cargo mutants --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-mutants
	@cargo nextest --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-nextest
	sh scripts/mutants.sh $(PART)

proofs: setup-proofs ## compile the Rocq proofs, installing Rocq where it is missing
	bash proofs/build.sh

bench: setup ## measure one step, a whole experiment and deriving a rule
	$(CARGO) bench --locked

fuzz: setup ## look for input that breaks a parser or an interval; FUZZ_SECONDS=60 for each target
	sh fuzz/run.sh $(FUZZ_SECONDS)

clean: ## remove everything that was built
	$(CARGO) clean
	rm -rf proofs/_build $(REPORT) fuzz/target fuzz/artifacts fuzz/coverage

quick-notice:
	@echo "make test-quick: the PROOFS ARE LEFT OUT, and so is Rocq; 'make test' has them"

setup:
	@sh scripts/setup.sh

setup-checks:
	@sh scripts/setup.sh --checks

setup-proofs:
	@sh scripts/setup.sh --proofs

setup-everything:
	@sh scripts/setup.sh --checks --proofs

# The cheap checks come first; clippy also sees that the benches compile. The tests build the proofs
# beside everything else.
checks:
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --locked
	$(CARGO) test --locked
	$(CARGO) run --locked --example lora_gd
