#!/usr/bin/env bash
# The Python client against `closing-bell serve`: its types, its tests, and its notebook. Installs what it needs under target/client.
#   tests/client.sh [NOTEBOOK]     keeps the notebook as it was run
set -euo pipefail
cd "$(dirname "$0")/.."
command -v python3 >/dev/null || { echo "!!!!  THE PYTHON CLIENT IS NOT TESTED: python3 is not installed" >&2; [ "${CI:-}" = true ] && exit 1; exit 0; }
place=$PWD/target/client
mkdir -p "$place"
[ -x "$place/venv/bin/mypy" ] || { python3 -m venv "$place/venv" && "$place/venv/bin/pip" install -q -r clients/python/requirements.txt; }
"$place/venv/bin/pip" install -q --no-deps --no-build-isolation clients/python
python=$place/venv/bin/python
"$place/venv/bin/mypy" --config-file clients/python/pyproject.toml --cache-dir "$place/mypy" clients/python/src clients/python/tests

cargo build --locked --quiet --package embedded
bell=$PWD/target/debug/closing-bell
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
unset TIINGO_API_KEY
export TOKEN=a-token-for-the-client CLOSING_BELL_TOKEN=a-token-for-the-client
(cd "$work" && "$bell" backfill -q --market recorded --from 2020-12-01 --to 2020-12-11 >backfill.txt)
(cd "$work" && exec "$bell" serve --market recorded --port 0 >address.txt 2>serve.txt) &
server=$!
for _ in $(seq 100); do grep -q http "$work/address.txt" && break; sleep 0.1; done
export ADDRESS; ADDRESS=$(sed -n 's/.* \(http:[^ ]*\)\/$/\1/p' "$work/address.txt")
"$python" clients/python/tests/test_client.py
"$python" clients/python/examples/notebook.py "${1:-$work/forecasts.ipynb}"
