#!/usr/bin/env bash
# The overview of 10,000 made-up tickers in headless Chromium: when it can be used, whether it shifts, how soon it follows what is typed.
#   bench/overview.sh [TICKERS]      needs what tests/pages.sh installs
set -euo pipefail
cd "$(dirname "$0")/.."
tickers=${1:-10000}
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
[ -d target/pages/node_modules ] || { echo "run tests/pages.sh first: it installs playwright" >&2; exit 1; }
cargo build --quiet --release --locked --package embedded
bell=$PWD/target/release/closing-bell pages=$PWD/target/pages
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"
python3 - "$tickers" <<'PYTHON'
import datetime, pathlib, random, sys

days, day = [], datetime.date(2026, 3, 2)
while len(days) < 180:
    if day.weekday() < 5:
        days.append(day)
    day += datetime.timedelta(1)
random.seed(1)
pathlib.Path("prices").mkdir()
for n in range(int(sys.argv[1])):
    price, rows = 100.0, ["date,value"]
    for day in days:
        price *= 1 + random.gauss(0, 0.01)
        rows.append(f"{day},{price:.2f}")
    pathlib.Path(f"prices/T{n:05}.csv").write_text("\n".join(rows) + "\n")
PYTHON
printf 'families = ["theta"]\ncalendar = "24x5"\ncadence = "1day"\n' >closing-bell.toml
time "$bell" run -q --market csv:prices >night.txt
"$bell" serve --market csv:prices --port 0 --no-schedule >address.txt 2>serve.txt &
server=$!
for _ in $(seq 100); do grep -q http address.txt && break; sleep 0.1; done
cat >overview.mjs <<'JAVASCRIPT'
import { createRequire } from "node:module";
const { chromium } = createRequire(process.env.PAGES + "/")("playwright-core");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
for (let i = 0; i < 5; i++) {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  await page.goto(process.env.ADDRESS, { waitUntil: "load" });
  const [interactive, load] = await page.evaluate(() => {
    const entry = performance.getEntriesByType("navigation")[0];
    return [entry.domInteractive, entry.loadEventEnd].map(Math.round);
  });
  const shift = await page.evaluate(() => new Promise((done) => {
    let sum = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => { sum += entry.value; })).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(sum), 200);
  }));
  const begun = Date.now();
  await page.keyboard.press("/");
  await page.keyboard.type("T009");
  await page.waitForFunction(() => location.search.includes("T009"));
  console.log(JSON.stringify({ interactive_ms: interactive, load_ms: load, layout_shift: shift, follows_typing_ms: Date.now() - begun, rows: await page.locator("table.overview tbody th.ticker").count() }));
  await page.context().close();
}
await browser.close();
JAVASCRIPT
ADDRESS=$(sed -n 's/.* \(http:[^ ]*\)$/\1/p' address.txt) CHROMIUM=$chromium PAGES=$pages node overview.mjs
