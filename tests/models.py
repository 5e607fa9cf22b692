"""Programs among the families, on scikit-learn: the examples of docs/models compete on prices with a law that no ARIMA sees, and on
walks. `bench 500` times nights of as many series beside the same model in a plain script; `count 200` says how often it serves walks that have
no law, and others that have one. Started by `make test-models`, which installs what is needed.
"""

import csv
import json
import math
import pathlib
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = ROOT / "target/release/closing-bell"
EXAMPLES = ROOT / "docs/models"
DATES = [row["date"] for row in csv.DictReader((ROOT / "shared/embedded/sample/KO.csv").open())]


def prices(seed, law, sessions):
    """After large changes they rise, after small ones they fall; or they walk."""
    draw, price, last = random.Random(seed), 100.0, 0.0
    for date in DATES[-sessions:]:
        last = draw.gauss(0, 0.01) + (0.01 if abs(last) > 0.009 else -0.01) * law
        price *= math.exp(last)
        yield date, price


def write(folder, series, sessions=700):
    for name, seed, law in series:
        lines = [f"{date},{price:.6f}\n" for date, price in prices(seed, law, sessions)]
        (folder / f"{name}.csv").write_text("date,adjClose\n" + "".join(lines))


def command(folder, *arguments):
    done = subprocess.run([COMMAND, *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{arguments}: {done.stdout}{done.stderr}")
    return done.stdout


def set_up(folder, example, series, sessions=700):
    (folder / "files").mkdir()
    write(folder / "files", series, sessions)
    for file in EXAMPLES.glob("*.py"):
        shutil.copy(file, folder)
    program = json.dumps({"c": f"{sys.executable} {example}.py"})[6:-1]
    (folder / "closing-bell.toml").write_text(f'families = ["arima", {{ command = {program}, timeout = "5m" }}]\n')


def compete():
    series = [(f"LAW-{n}", n, 1) for n in range(3)] + [(f"WALK-{n}", 100 + n, 0) for n in range(3)]
    failed = False
    for example in ["forest", "boosting", "network"]:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            set_up(folder, example, series)
            start = time.monotonic()
            command(folder, "run", "--market", "csv:files", "--as-of", DATES[-2])
            command(folder, "run", "--market", "csv:files")
            served = {name: json.loads(command(folder, "predict", name, "--json"))["model"] for name, _, _ in series}
            for name in served:
                command(folder, "verify", name)
            own = [name for name, model in served.items() if model == f"program {example}"]
            version = json.loads(command(folder, "predict", own[0], "--json"))["version"] if own else None
            if version:
                command(folder, "verify", own[0], version)
            print(f"{example}: serves {', '.join(own) or 'none'} ({time.monotonic() - start:.0f} s)")
            laws = sum(name.startswith("LAW") for name in own)
            failed |= laws < 2 or laws != len(own)
    sys.exit("a program serves a walk, or does not serve its law" if failed else 0)


def count(walks):
    """How often a forest serves after the first night."""
    laws = max(walks * 3 // 10, 1)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        series = [(f"WALK-{n}", 9000 + n, 0) for n in range(walks)] + [(f"LAW-{n}", 5000 + n, 1) for n in range(laws)]
        set_up(folder, "forest", series, 400)
        command(folder, "run", "--market", "csv:files")
        own = [name for name, _, _ in series if json.loads(command(folder, "predict", name, "--json"))["model"] == "program forest"]
        walk = sum(name.startswith("WALK") for name in own)
        print(f"of {walks} random walks of 400 sessions it serves {walk}, of {laws} series with a law {len(own) - walk}")


def plain(name):
    """What such a script does by itself: fit, and forecast, from the newest price."""
    sys.path.insert(0, str(EXAMPLES))
    sys.modules["closing_bell"] = type(sys)("closing_bell")
    kept = []
    sys.modules["closing_bell"].serve = lambda fit, forecast: kept.append((fit, forecast))
    import forest  # noqa: F401

    fit, forecast = kept[0] if kept else PLAIN[0]
    PLAIN[:] = [(fit, forecast)]
    rows = list(csv.DictReader(open(name)))
    series = type("Series", (), {"kind": "price", "columns": [], "known": [], "horizon": 5})
    series.values = [float(row["adjClose"]) for row in rows]
    return forecast(fit(series), series, 5, [])


PLAIN = []


def bench(count):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        set_up(folder, "forest", [(f"S-{n}", n, n % 2) for n in range(count)], 160)
        command(folder, "run", "--market", "csv:files", "--as-of", DATES[-2])
        start = time.monotonic()
        command(folder, "run", "--market", "csv:files")
        night = time.monotonic() - start
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        start = time.monotonic()
        with ProcessPoolExecutor(2) as pool:
            list(pool.map(plain, [str(file) for file in sorted((folder / "files").glob("*.csv"))], chunksize=10))
        script = time.monotonic() - start
        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{count} series: a night {night:.1f} s, the plain script {script:.1f} s: {night / script:.2f} times")
        print(f"the command itself takes {memory:.0f} MB, and each of its two programs what one of the script does: {largest:.0f}")


if __name__ == "__main__":
    {"bench": bench, "count": count}[sys.argv[1]](int(sys.argv[2])) if sys.argv[1:] else compete()
