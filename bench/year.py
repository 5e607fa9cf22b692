"""A year of nights on the recorded sample: whether a night gets slower, what it adds, and how long it takes to verify all of it.

    python3 bench/year.py [closing-bell] [nights]
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

BELL = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/release/closing-bell").resolve()
NIGHTS = int(sys.argv[2]) if len(sys.argv) > 2 else 250
CHUNK = 10


def run(folder, *arguments):
    start = time.monotonic()
    done = subprocess.run([BELL, *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{arguments}: {done.stdout}{done.stderr}")
    return time.monotonic() - start, done.stdout


def size(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files), sum(path.stat().st_blocks * 512 for path in files), len(files)


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    (folder / "closing-bell.toml").write_text("start = 2015-01-01\n")
    names = ["AAPL", "AMZN", "GOOGL", "JPM", "KO", "MSFT", "NLS", "TSLA", "XOM"]
    first = ["--market", "recorded", "--from", "2019-06-03", "--to", "2020-12-11"]
    first += [argument for name in names for argument in ("--ticker", name)]
    data = folder / "closing-bell-data"
    took, sizes, tickers = [], [], len(names)
    for night in range(0, NIGHTS + 1, CHUNK):
        seconds, _ = run(folder, "backfill", *first, "--limit", "1" if night == 0 else str(CHUNK))
        took.append(seconds)
        sizes.append(size(data))
    added = [(after - before) / NIGHTS / tickers for before, after in zip(sizes[0], sizes[-1])]
    early, late = min(took[1:4]) / CHUNK, min(took[-3:]) / CHUNK
    one, _ = run(folder, "verify", "KO", "--receipt", json.loads(run(folder, "receipts", "KO", "--json")[1])[0]["run"])
    every, _ = run(folder, "verify", "KO")
    everything, _ = run(folder, "verify", "--all")
    print(f"| {NIGHTS} nights of {tickers} tickers | |")
    print("| --- | ---: |")
    print(f"| a night in the first month, ms a ticker | {early / tickers * 1e3:.1f} |")
    print(f"| a night at the end | {late / tickers * 1e3:.1f} ({(late / early - 1) * 100:+.0f} %) |")
    print(f"| a ticker-night adds, bytes | {added[0]:,.0f} |")
    print(f"| the same as allocated on the disk | {added[1]:,.0f} |")
    print(f"| files | {added[2]:.2f} |")
    print(f"| `verify` of one ticker's newest verdict, s | {one:.2f} |")
    print(f"| `verify` of all its {NIGHTS + 1} verdicts | {every:.2f} |")
    print(f"| `verify --all`: every object, record, report and pointer | {everything:.2f} |")
