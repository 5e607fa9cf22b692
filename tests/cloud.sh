#!/usr/bin/env bash
# Tests what runs on AWS, without an account: linters, the adapters on two local clouds, then whole nights on one of them, with
# the functions as they are deployed. Installs its tools under target/cloud at the first start.
#
#     tests/cloud.sh
set -euo pipefail
. "$(dirname "$0")/../infra/tools.sh"
cd "$root"

infra/lint.sh
tests/cloud/adapters.sh

echo "== functions"
export ARCHITECTURE=${ARCHITECTURE:-$(host_architecture)}
build_functions
# As `cargo test` has built it.
cargo test --workspace --locked --no-run --quiet

echo "== nights"
ministack
"$tools/ministack/bin/python" tests/cloud/night.py

echo "== faults"
"$tools/ministack/bin/python" tests/cloud/faults.py

echo "== make prove-aws"
"$tools/ministack/bin/python" tests/cloud/prove.py

echo "== make deploy"
"$tools/ministack/bin/python" tests/cloud/deploy.py
