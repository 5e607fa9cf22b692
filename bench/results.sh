#!/usr/bin/env bash
# Measures the contest anew and writes docs/results.md: bench/results.sh [folder of price files]
set -euo pipefail
cd "$(dirname "$0")/.."
market=${1:-}
from=2019-12-13 to=2020-12-10 # 251 sessions that the folder has, or the recorded sample
cargo build --quiet --release --locked --package embedded --example bench_night --bin closing-bell
cargo build --quiet --release --locked --package forecasting --example power
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bell=$PWD/target/release/closing-bell
source=$([ -n "$market" ] && echo "csv:$(realpath "$market")" || echo recorded)

target/release/examples/power >"$work/power"
printf 'start = 2010-01-01\n' >"$work/all.toml"
printf 'start = 2010-01-01\npolicy = "degraded"\n' >"$work/degraded.toml"
for policy in all degraded; do
    "$bell" backfill --from $from --to $to --market "$source" --config "$work/$policy.toml" --data "$work/$policy" >"$work/log" 2>&1 ||
        tail -3 "$work/log" >&2
    "$bell" results --data "$work/$policy" >"$work/$policy.md"
done
for seed in 1 2 3; do
    "$bell" demo drift --seed $seed --data "$work/drift$seed" >"$work/drift$seed.md"
done
target/release/examples/bench_night ${market:+"$market"} >"$work/night.md"

python3 - "$work" docs/results.md <<'PYTHON'
import pathlib, re, sys
work, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
text = out.read_text()
for name in ("power", "all.md", "degraded.md", "drift1.md", "drift2.md", "drift3.md", "night.md"):
    block = f"<!-- {name} -->\n\n{(work / name).read_text().strip()}\n\n<!-- end -->"
    text, found = re.subn(rf"<!-- {re.escape(name)} -->.*?<!-- end -->", lambda _: block, text, flags=re.S)
    if not found:
        sys.exit(f"{out} has no place for {name}")
out.write_text(text)
PYTHON
