"""A year of nights: whether a night gets slower, what it adds, whether memory grows, and how long it takes to verify all of it.

    python3 bench/year.py [TICKERS]

Without a number, of the recorded sample, whose histories begin in 2019. With one, of so many made-up tickers with histories since 2015, as a
deployment has them; 2,000 take more than an hour and 15 GB.
"""

import datetime
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

BELL = pathlib.Path(__file__).parents[1] / "target/release/closing-bell"
NIGHTS = 250
CHUNK = 10
RECORDED = ["AAPL", "AMZN", "GOOGL", "JPM", "KO", "MSFT", "NLS", "TSLA", "XOM"]


def run(folder, *arguments):
    """Wall time and processor time in seconds, the most memory in MB, and what was printed."""
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen([BELL, *arguments], cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(child.pid, 0)
        output.seek(0)
        printed = output.read()
    if status != 0:
        sys.exit(f"{arguments}: {printed}")
    return time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, printed


def size(folder):
    bytes_, allocated, files = 0, 0, 0
    for parent, _, names in os.walk(folder):
        for name in names:
            found = os.stat(os.path.join(parent, name))
            bytes_, allocated, files = bytes_ + found.st_size, allocated + found.st_blocks * 512, files + 1
    return bytes_, allocated, files


def made_up(folder, tickers):
    """Random walks over the weekdays of 2015 to 2025."""
    days = [datetime.date(2015, 1, 2) + datetime.timedelta(n) for n in range(11 * 365)]
    days = [day.isoformat() for day in days if day.weekday() < 5]
    (folder / "prices").mkdir()
    chance = random.Random(1)
    for n in range(tickers):
        price, rows = math.log(20 + 10 * n % 290), ["date,close"]
        for day in days:
            price += chance.gauss(0.0003, 0.012)
            rows.append(f"{day},{math.exp(price):.2f}")
        (folder / "prices" / f"T{n:04}.csv").write_text("\n".join(rows) + "\n")


def market(folder):
    """The market, its tickers, and the year's first and last day."""
    if len(sys.argv) > 1:
        tickers = int(sys.argv[1])
        made_up(folder, tickers)
        return ["--market", "csv:prices", "--from", "2025-01-02", "--to", "2025-12-19"], [f"T{n:04}" for n in range(tickers)]
    chosen = [argument for name in RECORDED for argument in ("--ticker", name)]
    return ["--market", "recorded", "--from", "2019-06-03", "--to", "2020-12-11", *chosen], RECORDED


with tempfile.TemporaryDirectory(dir=os.environ.get("YEAR_FOLDER")) as folder:
    folder = pathlib.Path(folder)
    year, names = market(folder)
    settings = 'start = 2015-01-01\n'
    if len(sys.argv) > 1:
        settings += 'calendar = "24x5"\ncadence = "1day"\nwindow = 500\n'
    (folder / "closing-bell.toml").write_text(settings)
    data = folder / "closing-bell-data"
    took, tickers = [], len(names)
    for night in range(0, NIGHTS + 1, CHUNK):
        took.append(run(folder, "backfill", "-q", *year, "--limit", "1" if night == 0 else str(CHUNK))[:3])
        if night == 0:
            first = size(data)
        print(f"{night:4} nights: {took[-1][0]:.1f} s, {took[-1][1]:.1f} s of processors, {took[-1][2]:.0f} MB", file=sys.stderr, flush=True)
    last = size(data)
    added = [(after - before) / NIGHTS / tickers for before, after in zip(first, last)]
    ms = lambda times, which: min(each[which] for each in times) / CHUNK / tickers * 1e3
    early, late, early_cpu, late_cpu = ms(took[1:4], 0), ms(took[-3:], 0), ms(took[1:4], 1), ms(took[-3:], 1)
    one, _, _, _ = run(folder, "verify", names[0], "--receipt", json.loads(run(folder, "receipts", names[0], "--json")[3])[0]["run"])
    every, _, _, _ = run(folder, "verify", names[0])
    everything, _, memory, _ = run(folder, "verify", "--all")
    print(f"| {NIGHTS} nights of {tickers:,} tickers | |")
    print("| --- | ---: |")
    print(f"| all of it, minutes | {sum(each[0] for each in took) / 60:.1f} |")
    print(f"| a night in the first month, ms a ticker | {early:.1f} |")
    print(f"| a night at the end | {late:.1f} ({(late / early - 1) * 100:+.0f} %) |")
    print(f"| the same in processor time | {early_cpu:.1f}, {late_cpu:.1f} ({(late_cpu / early_cpu - 1) * 100:+.0f} %) |")
    print(f"| most memory in the first month, and at the end, MB | {max(each[2] for each in took[1:4]):.0f}, {max(each[2] for each in took[-3:]):.0f} |")
    print(f"| a ticker-night adds, bytes | {added[0]:,.0f} |")
    print(f"| the same as allocated on the disk | {added[1]:,.0f} |")
    print(f"| files | {added[2]:.2f} |")
    print(f"| `verify` of one ticker's newest verdict, s | {one:.2f} |")
    print(f"| `verify` of all its {NIGHTS + 1} verdicts | {every:.2f} |")
    print(f"| `verify --all`: every object, record, report and pointer, s | {everything:.1f} ({memory:.0f} MB) |")
