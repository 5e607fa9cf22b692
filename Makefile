.DEFAULT_GOAL := help
.PHONY: help run serve book dist image test fuzz mutations simulate screenshots test-cloud test-models check fmt build build-aws deny bench bench-arima bench-cloud bench-http bench-stream bench-night bench-year results accuracy competition clean \
	functions watch invoke deploy configure deploy-function remove logs local-cloud cost prove-aws test-faults

export CARGO_TERM_COLOR ?= auto
SHELL := bash

# The function that the command line names.
every = $(notdir $(wildcard functions/*))
named = $(or $(filter $(every),$($1)),$(error $@ needs $1=..., one of $(every)$(if $($1), and not '$($1)')))

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run one night: on Tiingo's prices with TIINGO_API_KEY set, on the recorded sample without
	cargo run --release --locked --package embedded -- run

serve: ## Serve the pages, the HTTP interface and the weekday schedule, at http://127.0.0.1:8017/
	cargo run --release --locked --package embedded -- serve

test: ## Run every test
	cargo test --workspace --locked
	tests/full_disk.sh
	tests/power_cut.py
	tests/clocks.sh
	tests/postgres.sh
	tests/pages.sh
	tests/client.sh

# Seeds to follow, from which one on, and over which stores.
SEEDS ?= 1000
FROM ?= 1
STORES ?= memory
simulate: ## Follow SEEDS=1000 seeds of nights that fail in every way; FROM=1 is the first, STORES=disk has the adapters of one machine
	cargo run --release --locked --package simulator -- --seeds $(SEEDS) --from $(FROM) --stores $(STORES)

# A target of fuzz/fuzz_targets, and for how long.
TARGET ?= price_file
SECONDS ?= 60
fuzz: ## Have libFuzzer look for input that breaks a promise: TARGET=price_file, SECONDS=60 (needs cargo-fuzz, and nightly or RUSTC_BOOTSTRAP=1)
	cargo fuzz run --sanitizer none $(TARGET) -- -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=1024 -max_len=65536

screenshots: ## Take the pictures of the pages in docs/pages anew
	tests/pages.sh docs/pages

test-cloud: ## Test all that runs on AWS on clouds on this machine, without an account (needs python3, npm, openssl)
	tests/cloud.sh

# A macro declares the families' modules, so cargo does not find their files.
FAMILIES = $(shell find shared/forecasting/src/families -name '*.rs')

check: ## What CI checks before the tests: format, lints, documentation, licences
	cargo fmt --all --check
	rustfmt --edition 2024 --check $(FAMILIES)
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --package embedded --locked -- -D warnings
	for features in "" serde rand; do cargo clippy --package closing-bell-arima --no-default-features --features "$$features" --locked -- -D warnings || exit; done
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
	@! cargo tree --locked --edges normal --package embedded | grep -q aws- || { echo "the embedded build pulls in the AWS SDK"; exit 1; }
	tests/mutations.sh --check
	python3 tests/operations.py
	python3 tests/links.py
	$(MAKE) --no-print-directory deny

mutations: ## Break each promise on purpose, and see the test that goes red (an hour; tests/mutations)
	tests/mutations.sh

deny: ## Check licences, bans and sources (with cargo-deny, where it is installed)
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check bans licenses sources; \
	else echo "cargo-deny is not installed (cargo install --locked cargo-deny): licences and sources are not checked"; fi

build: ## Build the closing-bell command
	cargo build --release --locked --package embedded

build-aws: ## Build the closing-bell command with --store s3://BUCKET --ledger TABLE, which operates a deployment on AWS
	cargo build --release --locked --package embedded --features aws

book: ## Build the documentation as a book in target/book (with mdbook: cargo install --locked mdbook)
	mdbook build

# A target of infra/dist.sh, and the command's features.
TARGET_OF_DIST ?= x86_64-unknown-linux-gnu.2.17
FEATURES ?=
dist: ## Build a release's archive in target/dist; TARGET_OF_DIST=x86_64-unknown-linux-musl for a static one, FEATURES=aws (needs python3)
	infra/dist.sh $(TARGET_OF_DIST) "$(FEATURES)"

image: dist ## Build the container image closing-bell:dev of that (needs buildah)
	infra/image.sh closing-bell:dev $(subst aarch64,arm64,$(subst x86_64,amd64,$(firstword $(subst -, ,$(TARGET_OF_DIST)))))=$$(ls -d target/dist/*/closing-bell | head -1)

bench: ## Time the ARIMA kernels, fits and selections
	cargo bench --locked --package closing-bell-arima

bench-arima: ## Time the ARIMA engine beside R, statsforecast, pmdarima, statsmodels and anofox-forecast
	python3 bench/peers/run.py

# A folder of price files; the recorded sample without.
MARKET ?= $(wildcard ../shared/market/daily)

bench-night: ## Time a night and show where its time goes (MARKET=folder of price files)
	cargo run --quiet --release --locked --package embedded --example bench_night -- $(MARKET)

bench-year: build ## Hold a year of nights: whether they get slower, what they add, how long verifying takes; TICKERS=2000 for so many made-up ones (an hour)
	python3 bench/year.py $(TICKERS)

bench-stream: build ## Rows a second into log and models, and milliseconds to a forecast that knows a row, beside statsforecast and pmdarima
	@python3 bench/stream.py

bench-http: ## Load the service with 500 tickers (needs oha: cargo install --locked oha)
	bench/http.sh

results: ## Measure verdicts, intervals and policies anew, and write docs/results.md and docs/verdicts.md (MARKET=folder; about an hour)
	bench/results.sh $(MARKET)

# Competition series and R's forecasts of them; not part of the project, whose licences do not allow it.
SERIES ?= ../shared/reference/forecasting

accuracy: ## Score automatic ARIMA beside R's on competition series (SERIES=folder)
	@if [ -d "$(SERIES)" ]; then cargo run --quiet --release --locked --package closing-bell-arima --example accuracy -- "$(SERIES)"; \
	else echo "there is no folder $(SERIES): set SERIES to one with the series (shared/arima/examples/accuracy.rs says how they look)"; fi

test-models: build ## Let the programs of docs/models compete, on scikit-learn (needs python3; BENCH=500 times a night of as many series, COUNT=200 counts those that it serves)
	@test -x target/models/bin/python || python3 -m venv target/models
	@target/models/bin/python -c 'import sklearn' 2>/dev/null || target/models/bin/pip install --quiet scikit-learn==1.9.1
	target/models/bin/python tests/models.py $(if $(BENCH),bench $(BENCH),$(if $(COUNT),count $(COUNT)))

competition: build ## Score whole runs of the command on competition series (SERIES=folder)
	@if [ -d "$(SERIES)" ]; then python3 bench/competition.py "$(SERIES)"; \
	else echo "there is no folder $(SERIES): set SERIES to one with the series (bench/competition.py says how they look)"; fi

# --- AWS. Tools are installed under target/cloud at their first use; docs/deploy.md begins with an empty account.

functions: ## Build every Lambda function, or one with F=train, for ARCHITECTURE (arm64)
	@. infra/tools.sh && build_functions $(if $(F),$(call named,F))

deploy: ## Deploy everything to the account of your credentials; PARAMETERS="AlarmEmail=... 'Schedule=cron(...)'"
	infra/deploy.sh $(PARAMETERS)

configure: ## Upload closing-bell.toml (and its watchlist) to what is deployed
	@. infra/tools.sh && configure

deploy-function: ## Build and deploy the code of one function: F=train
	@. infra/tools.sh && deploy_function $(call named,F)

invoke: ## Invoke a deployed function with its sample event: F=fetch; LOCAL=1 for the one under `make watch`
	@. infra/tools.sh && invoke_function $(call named,F) $(LOCAL)

watch: ## Serve every function on this machine for `make invoke F=... LOCAL=1`, on `make local-cloud` or your account
	@. infra/tools.sh && watch_functions

logs: ## Follow the deployed functions' log
	@. infra/tools.sh && follow_logs

remove: ## Remove the deployed stack; bucket and table stay, and are named
	@. infra/tools.sh && remove_stack

local-cloud: ## Deploy on a cloud on this machine, with recorded prices, and say how to try it; Ctrl-C stops it
	@. infra/tools.sh && ARCHITECTURE=$$(host_architecture) build_functions && run_local_cloud

TICKERS ?= 500

prove-aws: ## Show on your account what no test without one can: a throw-away stack, two nights, a fault, a rollback, removal (cents)
	@. infra/tools.sh && sam --version >/dev/null && "$$tools/sam/bin/python" infra/prove.py $(PARAMETERS)

test-faults: ## Hold a night of TICKERS (2000) on the local cloud while calls fail and a function is killed; needs `make functions`
	cargo build --quiet --locked --package embedded
	@. infra/tools.sh && ministack && sam --version >/dev/null && "$$tools/ministack/bin/python" tests/cloud/faults.py $(or $(TICKERS),2000)

cost: ## What a month on AWS costs: TICKERS=500
	@python3 infra/cost.py $(TICKERS)

bench-cloud: ## Measure the functions: size, start, memory, time of each stage
	@. infra/tools.sh && ARCHITECTURE=$$(host_architecture) build_functions && bench_functions

fmt: ## Format the code
	cargo fmt --all
	rustfmt --edition 2024 $(FAMILIES)

clean: ## Remove what was built and the data of `make run`
	cargo clean
	rm -rf closing-bell-data
