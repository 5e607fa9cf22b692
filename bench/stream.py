"""Rows a second into the log and the models in service, and milliseconds from a row to a forecast that knows it, beside what others
do for a new row: statsforecast fits again, pmdarima updates. `make bench-stream` runs it.

    python3 bench/stream.py [SERIES] [ROWS A SERIES]
"""

import http.client
import json
import math
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
COMMAND = ROOT / "target/release/closing-bell"
SERIES, EACH = (int(text) for text in (sys.argv[1:3] + ["500", "400"][len(sys.argv) - 1 :])[:2])
FIRST = 100
SETTINGS = """
kind = "value"
cadence = "index"
families = [{ family = "arima", order = [2, 0, 1], constant = true }]
promotion = "always"
horizon = 5
"""
ONE_CORE = ["taskset", "-c", "0"] if shutil.which("taskset") else []


def values(series, until):
    draw, last = random.Random(series), 0.0
    for t in range(1, until + 1):
        last = 0.7 * last + draw.gauss(0, 1)
        yield t, 50 + last + 5 * math.sin(t / 20 + series)


def rows(first, last):
    """In the order in which they arrive: a period of all series after the other."""
    all_values = [list(values(series, last)) for series in range(SERIES)]
    for place in range(first, last):
        for series in range(SERIES):
            t, value = all_values[series][place]
            yield f"S{series},{t},{value:.6f}\n"


def run(folder, *arguments, one_core=False, stdin=None):
    command = (ONE_CORE if one_core else []) + [str(COMMAND), *arguments]
    done = subprocess.run(command, cwd=folder, stdin=stdin, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{arguments}: {done.stdout}{done.stderr}")
    return done.stdout


def size(folder):
    run(folder, "sql", "SELECT 1")
    return sum(path.stat().st_size for path in (folder / "closing-bell-data").glob("ledger.sqlite*"))


def throughput(folder):
    (folder / "closing-bell.toml").write_text(SETTINGS)
    (folder / "first.csv").write_text("".join(rows(0, FIRST)))
    with (folder / "first.csv").open() as first:
        run(folder, "ingest", "--stdin", stdin=first)
    run(folder, "run", "--market", "stream")
    (folder / "rows.csv").write_text("".join(rows(FIRST, FIRST + EACH)))
    before = size(folder)
    with (folder / "rows.csv").open() as more:
        begun = time.perf_counter()
        counts = json.loads(run(folder, "ingest", "--stdin", "--json", one_core=True, stdin=more))
        seconds = time.perf_counter() - begun
    assert counts["advanced"] == SERIES * EACH, counts
    return SERIES * EACH / seconds, (size(folder) - before) / (SERIES * EACH)


def latency(folder, n=500):
    """From a row that is sent to the answer that knows it, over HTTP on one connection."""
    environment = os.environ | {"CLOSING_BELL_TOKEN": "a-token-for-benchmarks"}
    command = [str(COMMAND), "serve", "--market", "stream", "--no-schedule", "--port", "0"]
    server = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = int(re.search(r":(\d+)/", server.stdout.readline()).group(1))
        connection = http.client.HTTPConnection("127.0.0.1", port)
        spent = []
        for k in range(n):
            series, t = k % SERIES, FIRST + EACH + 1 + k // SERIES
            begun = time.perf_counter()
            connection.request("POST", "/ingest", f"S{series},{t},50", {"Authorization": "Bearer a-token-for-benchmarks"})
            told = json.loads(connection.getresponse().read())
            connection.request("GET", f"/forecast/S{series}")
            answer = json.loads(connection.getresponse().read())
            spent.append((time.perf_counter() - begun) * 1e3)
            assert (told["counts"]["advanced"], answer["origin"]) == (1, str(t)), (told, answer)
        return statistics.median(spent), sorted(spent)[int(0.99 * n)]
    finally:
        server.terminate()
        server.wait()


PEERS = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np
y = np.array(json.load(open(sys.argv[1])))
first, rows = y[:%d], y[%d:%d]
out = {}
from statsforecast.models import ARIMA
ARIMA(order=(2, 0, 1)).fit(first).predict(1)
begun = time.process_time()
for n in range(len(rows)):
    ARIMA(order=(2, 0, 1)).fit(np.append(first, rows[: n + 1])).predict(1)
out["statsforecast, fitted again"] = (time.process_time() - begun) / len(rows)
import pmdarima
model = pmdarima.ARIMA(order=(2, 0, 1), suppress_warnings=True).fit(first)
model.update(first[-1:])
begun = time.process_time()
for row in rows:
    model.update([row])
    model.predict(1)
out["pmdarima, update"] = (time.process_time() - begun) / len(rows)
print(json.dumps(out))
"""


def peers(folder):
    sys.path.insert(0, str(ROOT / "bench/peers"))
    sys.argv = sys.argv[:1]
    import run as bench

    python = bench.python_peers()
    if python is None:
        return {}
    (folder / "series.json").write_text(json.dumps([value for _, value in values(1, FIRST + 60)]))
    script = PEERS % (FIRST, FIRST, FIRST + 60)
    done = subprocess.run([python, "-c", script, folder / "series.json"], capture_output=True, text=True, env=bench.ONE_THREAD)
    if done.returncode:
        print(done.stderr[-800:], file=sys.stderr)
        return {}
    return json.loads(done.stdout)


def main():
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as folder:
        folder = pathlib.Path(folder)
        rate, size_of_a_row = throughput(folder)
        median, most = latency(folder)
        print(f"{SERIES} series, {SERIES * EACH} rows on one core: {rate:,.0f} rows a second into log and models, {size_of_a_row:.0f} bytes a row.")
        print(f"From a row that is sent to a forecast that knows it, over HTTP: {median:.1f} ms (median), {most:.1f} ms (99 %).")
        print("\n| a new row, and a forecast that knows it | microseconds | times ours |\n| --- | ---: | ---: |")
        print(f"| closing-bell ingest | {1e6 / rate:,.1f} | 1 |")
        for name, seconds in peers(folder).items():
            print(f"| {name} | {seconds * 1e6:,.0f} | {seconds * rate:,.0f} |")


if __name__ == "__main__":
    main()
