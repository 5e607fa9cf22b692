#!/usr/bin/env bash
# The pages in headless Chromium, and the HTTP interface under generated requests. Installs what it needs under target/pages.
#   tests/pages.sh [FOLDER]     keeps pictures of the pages in FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
keep=${1:+$(mkdir -p "$1" && cd "$1" && pwd)}

# Without a browser the pages are not tested, and that must not be overlooked.
refuse() {
    printf '\n%s\n' "!!!!  THE PAGES ARE NOT TESTED: $1" >&2
    [ "${CI:-}" = true ] && exit 1
    exit 0
}
for tool in node npm python3 curl; do command -v "$tool" >/dev/null || refuse "$tool is not installed"; done
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$chromium" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
    chromium=$(command -v chromium || true)
fi
[ -n "$chromium" ] || refuse "there is no Chromium (Debian's package is chromium)"

place=$PWD/target/pages
mkdir -p "$place"
cp tests/pages/package.json tests/pages/package-lock.json tests/pages/.npmrc tests/pages/pages.mjs "$place/"
(cd "$place" && npm ci --silent --no-audit --no-fund)
[ -x "$place/venv/bin/schemathesis" ] || { python3 -m venv "$place/venv" && "$place/venv/bin/pip" install -q -r tests/pages/requirements.txt; }

# As `cargo test` has built it.
cargo test --workspace --locked --no-run --quiet
bell=$PWD/target/debug/closing-bell
sample=$PWD/shared/embedded/sample
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"
export CLOSING_BELL_TOKEN=a-token-for-tests
unset TIINGO_API_KEY
cp -r "$sample" prices
"$bell" backfill --market csv:prices --from 2020-12-03 --to 2020-12-11 >backfill.txt
# A series whose file is none fails when it is asked for.
echo "no prices" >prices/NOBODY.csv

"$bell" export --forecasts --out colleague.csv
"$bell" judge colleague.csv >judged.txt
printf 'KO,2020-12-14,53.5\nsoon\n' | "$bell" ingest --stdin >ingested.txt 2>&1 || true

serve() {
    "$bell" serve --market csv:prices --port 0 --no-schedule >address.txt 2>serve.txt &
    server=$!
    for _ in $(seq 100); do grep -q http address.txt && break; sleep 0.1; done
    address=$(sed -n 's/.* \(http:[^ ]*\)\/$/\1/p' address.txt)
    [ -n "$address" ] || { cat serve.txt >&2; exit 1; }
}
stop() {
    kill -TERM "$server"
    wait "$server" || { echo "serve did not end well" >&2; cat serve.txt >&2; exit 1; }
    server=
}

serve
ADDRESS=$address TOKEN=$CLOSING_BELL_TOKEN PICTURES=$keep CHROMIUM=$chromium node --test "$place/pages.mjs"
stop

serve
curl -fsS "$address/openapi.json" >openapi.json
"$place/venv/bin/python" -m openapi_spec_validator openapi.json
"$place/venv/bin/schemathesis" run "$address/openapi.json" --header "Authorization: Bearer $CLOSING_BELL_TOKEN" \
    --max-examples "${CASES:-200}" --seed 1 --continue-on-failure --request-timeout 30 --no-color | tee schemathesis.txt | tail -300
stop
