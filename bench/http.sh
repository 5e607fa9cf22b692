#!/usr/bin/env bash
# Loads `closing-bell serve` with 500 tickers and prints the table in docs/performance.md. Needs oha (cargo install --locked oha).
#   bench/http.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/.."
command -v oha >/dev/null || { echo "oha is not installed: cargo install --locked oha" >&2; exit 1; }
seconds=${1:-60}
cargo build --quiet --release --locked --package embedded
bell=$PWD/target/release/closing-bell
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT

# Five hundred tickers: the recorded sample's ten, fifty times under other names.
mkdir "$work/prices"
for n in $(seq 50); do for file in shared/embedded/sample/*.csv; do
    cp "$file" "$work/prices/$(basename "$file" .csv)$n.csv"
done; done
cd "$work"
printf 'start = 2019-01-01\n' >closing-bell.toml
for day in 2020-12-10 2020-12-11; do "$bell" run --market csv:prices --as-of $day >night.txt; done
# The server has one core to itself, and the load the other.
export CLOSING_BELL_TOKEN=a-token-for-the-load
taskset -c 0 "$bell" serve --market csv:prices --port 0 --no-schedule >address.txt 2>serve.txt &
server=$!
for _ in $(seq 100); do grep -q http address.txt && break; sleep 0.1; done
address=$(sed -n 's/.* \(http:[^ ]*\)\/$/\1/p' address.txt)

memory() { awk '/VmRSS/ { printf "%.0f", $2 / 1024 }' "/proc/$server/status"; }
# Each ticker asked for once: the first answer of each is not what a minute of load measures. Its own time is printed.
ls prices | sed 's/.csv$//' >tickers.txt
sed "s|^|$address/forecast/|" tickers.txt >urls.txt
cold=$(while read -r url; do curl -s -o /dev/null -w '%{time_total}\n' "$url"; done <urls.txt | sort -n | awk '{ t[NR] = $1 } END { printf "%.1f %.1f", 1000 * t[int(NR / 2)], 1000 * t[int(NR * 0.99)] }')
load() { # name, rate, then what oha is to ask for
    local name=$1 rate=$2; shift 2
    local before; before=$(memory)
    taskset -c 1 oha --no-tui -z "${seconds}s" -q "$rate" -c 50 --latency-correction --output-format json "$@" >load.json
    python3 - "$name" "$rate" "$before" "$(memory)" <<'PYTHON'
import json, sys
name, rate, before, after = sys.argv[1:]
load = json.load(open("load.json"))
times, codes = load["latencyPercentiles"], load["statusCodeDistribution"]
assert set(codes) == {"200"}, codes
print(f"| {name} | {load['summary']['requestsPerSec']:.0f} of {rate} | {times['p50'] * 1000:.2f} | {times['p99'] * 1000:.2f} | {times['p99.9'] * 1000:.2f} | {before} | {after} |")
PYTHON
}
echo "The first answer of each ticker took, in ms: median and 99th percentile $cold."
echo
echo "| asked for | requests/s | p50, ms | p99, ms | p99.9, ms | memory before, MB | after, MB |"
echo "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
load "\`/forecast/{ticker}\`, 500 tickers" 1000 --urls-from-file urls.txt
load "the overview of 500 tickers" 100 -H "accept: text/html" "$address/"
load "a ticker's page" 100 -H "accept: text/html" "$address/tickers/GOOGL1"
# On the same core, while it trains five hundred models.
curl -fsS -X POST -H "Authorization: Bearer $CLOSING_BELL_TOKEN" -d '{"as_of":"2020-12-09"}' "$address/runs" >started.json
seconds=8 load "\`/forecast/{ticker}\` while a night runs" 100 --urls-from-file urls.txt
run=$(sed 's/.*"run":"\([^"]*\)".*/\1/' started.json)
curl -fsS "$address/runs/$run?format=json" | grep -q '"closure":null' || echo "(the night was over before the load was)"

# The same under siege: two thousand connections on which nothing comes, and sixty starts at once, of which none may begin.
closed() { # since when; waits for the run, and prints how long it took
    while curl -fsS "$address/runs/$2?format=json" | grep -q '"closure":null'; do sleep 0.2; done
    python3 -c "import sys, time; print(f'{time.time() - float(sys.argv[1]):.1f}')" "$1"
}
begin() { curl -fsS -X POST -H "Authorization: Bearer $CLOSING_BELL_TOKEN" -d "{\"as_of\":\"$1\"}" "$address/runs" | sed 's/.*"run":"\([^"]*\)".*/\1/'; }
closed "$(date +%s.%N)" "$run" >/dev/null
since=$(date +%s.%N) run=$(begin 2020-12-08)
seconds=8 load "\`/forecast/{ticker}\` while a night runs, another time" 100 --urls-from-file urls.txt >/dev/null
alone=$(closed "$since" "$run")
taskset -c 1 python3 - "$address" <<'PYTHON' &
import resource, socket, sys, time
host, port = sys.argv[1].split("//")[1].split(":")
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
held = []
while True:
    while len(held) < 2000:
        held.append(socket.create_connection((host, int(port))))
    time.sleep(20)
    for idle in held: idle.close()
    held = []
PYTHON
siege=$!
trap '[ -z "$server" ] || kill "$server" "$siege" 2>/dev/null; rm -rf "$work"' EXIT
sleep 3
since=$(date +%s.%N) run=$(begin 2020-12-07)
seq 60 | xargs -P 60 -I@@ curl -s -o /dev/null -w '%{http_code}\n' -X POST -H "Authorization: Bearer $CLOSING_BELL_TOKEN" -d '{}' "$address/runs" | sort | uniq -c | sed 's/^ */60 starts at once: /' >starts.txt
seconds=8 load "\`/forecast/{ticker}\` while a night runs, beside 2,000 idle connections" 100 --urls-from-file urls.txt
echo
cat starts.txt
echo "The night took $(closed "$since" "$run") s so, and $alone s with the load of forecasts alone."
