.DEFAULT_GOAL := help
.PHONY: help run test test-cloud check fmt build deny bench bench-arima accuracy clean

export CARGO_TERM_COLOR ?= auto

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run one night: on Tiingo's prices with TIINGO_API_KEY set, on the recorded sample without
	cargo run --release --locked -- run

test: ## Run every test
	cargo test --workspace --locked
	tests/full_disk.sh

test-cloud: ## Test the AWS adapters on two clouds that run on this machine (needs python3)
	tests/cloud.sh

check: ## What CI checks before the tests: format, lints, documentation, licences
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
	@! cargo tree --locked --edges normal --package embedded | grep -q aws- || { echo "the embedded build pulls in the AWS SDK"; exit 1; }
	$(MAKE) --no-print-directory deny

deny: ## Check licences, bans and sources (with cargo-deny, where it is installed)
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check bans licenses sources; \
	else echo "cargo-deny is not installed (cargo install --locked cargo-deny): licences and sources are not checked"; fi

build: ## Build the closing-bell command
	cargo build --release --locked

bench: ## Time the ARIMA kernels, fits and selections
	cargo bench --locked --package arima

bench-arima: ## Time the ARIMA engine beside R, statsforecast, pmdarima, statsmodels and anofox-forecast
	python3 bench/peers/run.py

# Competition series and R's forecasts of them; not part of the project, whose licences do not allow it.
SERIES ?= ../shared/reference/forecasting

accuracy: ## Score automatic ARIMA beside R's on competition series (SERIES=folder)
	@if [ -d "$(SERIES)" ]; then cargo run --quiet --release --locked --package arima --example accuracy -- "$(SERIES)"; \
	else echo "there is no folder $(SERIES): set SERIES to one with the series (shared/arima/examples/accuracy.rs says how they look)"; fi

fmt: ## Format the code
	cargo fmt --all

clean: ## Remove what was built and the data of `make run`
	cargo clean
	rm -rf closing-bell-data
