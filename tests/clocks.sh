#!/usr/bin/env bash
# Clocks that are wrong, by libfaketime: what is newest is told by no clock, and a schedule that was begun under a wrong one keeps to the right one.
set -euo pipefail
cd "$(dirname "$0")/.."

refuse() {
    printf '\n%s\n' "!!!!  CLOCKS ARE NOT TESTED: $1" >&2
    [ "${CI:-}" = true ] && exit 1
    exit 0
}
find_library() { ls /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/local/lib/faketime/libfaketimeMT.so.1 2>/dev/null | head -1 || true; }
library=$(find_library)
if [ -z "$library" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends faketime >/dev/null
    library=$(find_library)
fi
[ -n "$library" ] || refuse "there is no libfaketime (Debian's package is faketime)"

# As `cargo test` has built it: any other choice of packages builds everything again.
[ -n "${CLOSING_BELL:-}" ] || cargo test --workspace --locked --no-run --quiet
program=${CLOSING_BELL:-$PWD/target/debug/closing-bell} sample=$PWD/shared/embedded/sample
work=$(mktemp -d)
trap 'kill %1 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
fail() { echo "clocks: $1"; cat "$work"/*.log 2>/dev/null || true; exit 1; }

# What an offset from now takes: a clock may be set while a program runs.
set_clock() { printf '%+d' "$(($(date -d "$1" +%s) - $(date +%s)))" >"$work/offset"; }
bell() {
    LD_PRELOAD=$library FAKETIME_TIMESTAMP_FILE=$work/offset FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 \
        CLOSING_BELL_TOKEN=a-token-for-tests "$program" "$@"
}
field() { python3 -c "import json, sys; print(eval('json.load(sys.stdin)' + sys.argv[1]))" "$1"; }

printf 'start = 2019-01-01\nfamilies = ["arima", "theta"]\npromotion = "always"\n' >closing-bell.toml
night="run --market recorded --ticker KO --as-of"
set_clock 2031-05-05T12:00:00Z
[ "$(bell runs 2>&1 | grep -c 'nothing has been run there')" = 1 ] || fail "a first look"
bell $night 2020-12-10 >/dev/null
bell $night 2020-12-11 >/dev/null
serving=$(bell predict KO --json | field "['version']")
before=$(bell receipts KO --json | field "[-1]['champion']['version']")
[ "$serving" != "$before" ] || fail "both nights serve the same version, which shows nothing"

# A decision under a clock that is years back is the newest all the same.
set_clock 2022-02-02T12:00:00Z
bell rollback KO "$before" >/dev/null
for moment in 2022-02-02T13:00:00Z 2031-05-06T12:00:00Z 2021-01-01T00:00:00Z; do
    set_clock "$moment"
    [ "$(bell predict KO --json | field "['version']")" = "$before" ] || fail "at $moment another version answers"
    [ "$(bell receipts KO --json | field "[0]['decision']")" = rollback ] || fail "at $moment the newest decision is another"
done
bell verify --all >/dev/null || fail "verify --all"

# A service that was begun in 2036 holds the night of 2026 once its clock is right.
mkdir prices
cp "$sample/KO.csv" "$sample/NLS.csv" prices/
set_clock 2036-01-02T12:00:00Z
bell serve --port 0 --market csv:prices --data served >serve.log 2>&1 &
for _ in $(seq 100); do grep -q "Nights begin" serve.log && break; sleep 0.1; done
grep -q "the next one on Wednesday, 2036-01-02 at 17:00" serve.log || fail "the schedule under the wrong clock"
# A Friday, forty seconds before the bell in New York: it is looked at each half minute.
set_clock 2026-11-20T21:59:20Z
for _ in $(seq 900); do grep -q "^Run 2020-12-11-.* is succeeded" serve.log && break; sleep 0.1; done
grep -q "The clock was set back; the next night is on Friday, 2026-11-20 at 17:00" serve.log || fail "a clock that was set back is not noticed"
grep -q "^Run 2020-12-11-.* is succeeded" serve.log || fail "the night is not held"
echo "clocks: ok, the newest is the newest under every clock, and the schedule keeps to the right one"
