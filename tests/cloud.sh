#!/usr/bin/env bash
# Tests what runs on AWS, without an account: linters, the adapters on two local clouds, then whole nights on one of them. Installs its tools under
# target/cloud at the first start.
#
#     tests/cloud.sh             the functions as `cargo test` builds them
#     FUNCTIONS=lambda ...       as they are deployed, which takes a quarter of an hour more
set -euo pipefail
. "$(dirname "$0")/../infra/tools.sh"
cd "$root"

step() { echo "== $1 ($((SECONDS / 60)) min)"; }

infra/lint.sh
step adapters
tests/cloud/adapters.sh

step functions
export ARCHITECTURE=${ARCHITECTURE:-$(host_architecture)}
# The command and, for this machine, the functions; with the tests, so that nothing is built a second time with other features.
cargo build --workspace --locked --quiet --bins --tests
[ "${FUNCTIONS:-}" = lambda ] || export FUNCTIONS_AS_TESTED=1
build_functions

step nights
ministack
"$tools/ministack/bin/python" tests/cloud/night.py

step streams
broker
"$tools/broker/bin/python" tests/cloud/streams.py

step faults
"$tools/ministack/bin/python" tests/cloud/faults.py

step "make prove-aws"
"$tools/ministack/bin/python" tests/cloud/prove.py

step "make deploy"
"$tools/ministack/bin/python" tests/cloud/deploy.py
step "all of it"
