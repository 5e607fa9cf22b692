#!/usr/bin/env bash
# Measures verdicts, intervals and policies anew and writes docs/results.md and docs/verdicts.md: bench/results.sh [folder of price files]
set -euo pipefail
cd "$(dirname "$0")/.."
market=${1:-}
from=2019-12-13 to=2020-12-10 # 251 sessions that the folder has, or the recorded sample
cargo build --quiet --release --locked --package embedded --example bench_night --bin closing-bell
cargo build --quiet --release --locked --package forecasting --example verdicts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bell=$PWD/target/release/closing-bell
source=$([ -n "$market" ] && echo "csv:$(realpath "$market")" || echo recorded)

target/release/examples/verdicts >"$work/verdicts.md"
printf 'policy = "always"\n' >"$work/all.toml"
printf 'policy = "degraded"\n' >"$work/degraded.toml"
for policy in all degraded; do
    "$bell" backfill --from $from --to $to --market "$source" --config "$work/$policy.toml" --data "$work/$policy" >"$work/log" 2>&1 ||
        tail -3 "$work/log" >&2
    "$bell" results --format markdown --data "$work/$policy" >"$work/$policy.md"
done
for seed in 1 2 3; do
    "$bell" demo drift --seed $seed --data "$work/drift$seed" >"$work/drift$seed.md"
done
target/release/examples/bench_night ${market:+"$market"} >"$work/night.md"

python3 bench/into.py docs/verdicts.md "$work/verdicts.md"
python3 bench/into.py docs/results.md "$work"/{all,degraded,drift1,drift2,drift3,night}.md
