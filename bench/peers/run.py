"""Times the ARIMA engine beside its peers, on the same series, one thread each, one after the other, and prints the
ratios. `make bench-arima` runs it. Python packages and the Rust peer are installed under target/; R's packages are Debian's,
and are installed where that is allowed (as root). What cannot be installed is left out, with a message.

Python and R are measured by processor time, after a first fit that is not counted; the Rust programs, which have one thread
and nothing to wait for, by the clock.

    python3 bench/peers/run.py [--quick | --curves]

`--quick` gives the peers two series each, `--curves` measures ours alone over n and m.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "bench" / "peers"
WORK = ROOT / "target" / "peers"
QUICK = "--quick" in sys.argv[1:]
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

PYTHON_PACKAGES = ["statsforecast==2.1.1", "pmdarima==2.1.1", "statsmodels==0.15.0"]
DEBIAN_PACKAGES = ["r-base-core", "r-cran-forecast"]

# Task, how to say it, orders of our fit, and how many series of the file each peer is given: the slow ones fewer.
TASKS = [
    ("auto", "automatic, p and q up to 5, n = 1,250", ["--auto"], "mixed", 100),
    ("fixed", "ARIMA(2,1,2) on random walks, n = 1,250", ["--order", "2,1,2"], "walks", 20),
    ("fixed", "ARIMA(2,1,2) on ARIMA(2,1,2), n = 1,250", ["--order", "2,1,2"], "arima", 20),
    ("seasonal", "automatic, m = 12, n = 120", ["--auto"], "seasonal", 12),
]


def say(text):
    print(text, file=sys.stderr, flush=True)


def quietly(command, **options):
    """Whether a command worked; its last words where it did not."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        say(f"  {' '.join(map(str, command))}: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    return done.returncode == 0


def python_peers():
    """The Python of an environment with the packages, or nothing."""
    python = WORK / "venv" / "bin" / "python"
    if not python.exists() and not quietly([sys.executable, "-m", "venv", WORK / "venv"]):
        say("No Python environment: statsforecast, pmdarima and statsmodels are left out.")
        return None
    if not quietly([python, "-m", "pip", "install", "--quiet", *PYTHON_PACKAGES]):
        say("The Python packages cannot be installed: statsforecast, pmdarima and statsmodels are left out.")
        return None
    return python


def r_peers():
    """Whether R and its forecast package are there, after installing them from Debian where that may be."""
    there = ["Rscript", "-e", "library(forecast)"]
    if shutil.which("Rscript") and quietly(there):
        return True
    if shutil.which("apt-get") and os.geteuid() == 0:
        quietly(["apt-get", "update"])
        if quietly(["apt-get", "install", "--yes", "--no-install-recommends", *DEBIAN_PACKAGES]) and quietly(there):
            return True
    say(f"R's forecast is left out: install {' and '.join(DEBIAN_PACKAGES)}.")
    return False


def anofox_peer():
    """The program that times anofox-forecast, or nothing."""
    target = WORK / "anofox"
    manifest = WORK / "anofox-source"
    shutil.copytree(HERE / "anofox", manifest, dirs_exist_ok=True)
    build = ["cargo", "build", "--release", "--quiet", "--manifest-path", manifest / "Cargo.toml", "--target-dir", target]
    if not quietly(build):
        say("anofox-forecast cannot be built: it is left out.")
        return None
    return target / "release" / "anofox-peer"


def example(name):
    subprocess.run(["cargo", "build", "--release", "--quiet", "--locked", "-p", "arima", "--example", name], cwd=ROOT, check=True)
    return ROOT / "target" / "release" / "examples" / name


def ours(fit, orders, file):
    """Seconds a series: the median of three runs."""
    runs = []
    for _ in range(3):
        done = subprocess.run([fit, *orders, "--batch", file, "--threads", "1"], capture_output=True, text=True, check=True)
        seconds = [json.loads(line)["seconds"] for line in done.stdout.splitlines()]
        runs.append(sum(seconds) / len(seconds))
    return sorted(runs)[1]


def peer(command):
    """Name, series fitted and seconds a series."""
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=ONE_THREAD, timeout=3600)
    except subprocess.TimeoutExpired:
        say(f"  {command[0]} {command[-1]}: not done after an hour, left out")
        return None
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        say(f"  {command[0]} {command[-1]}: {done.stderr.strip().splitlines()[-1:]}")
        return None
    name, _, fitted, seconds = lines[-1].split("\t")
    return name, int(fitted), float(seconds)


def commands(task, file, count, python, r, anofox):
    """Every peer that does this task, with how many series it is given."""
    few = lambda most: str(min(count, most if not QUICK else 2))
    if anofox:
        yield [anofox, file, task, few(100)]
    if r:
        tools = {"auto": [("default", 100), ("exact", 20)], "fixed": [("CSS-ML", 20), ("ML", 20)], "seasonal": [("default", 12)]}
        for tool, most in tools[task]:
            yield ["Rscript", HERE / "r_peers.R", file, task, few(most), tool]
    if python:
        tools = {
            "auto": [("statsforecast", 100), ("statsforecast-approximation", 100), ("pmdarima", 10)],
            "fixed": [("statsforecast", 20), ("statsmodels", 20)],
            "seasonal": [("statsforecast", 12), ("pmdarima", 2)],
        }
        for tool, most in tools[task]:
            yield [python, HERE / "python_peers.py", file, task, few(most), tool]


def series_file(generator, *arguments):
    file = WORK / ("-".join(arguments) + ".csv")
    with open(file, "w") as out:
        subprocess.run([generator, *arguments], stdout=out, check=True)
    return file


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    fit, generator = example("fit"), example("bench_series")
    if "--curves" not in sys.argv[1:]:
        compare(fit, generator)
    curves(fit, generator)


def compare(fit, generator):
    say("Installing what to compare with, where it is missing ...")
    python, r, anofox = python_peers(), r_peers(), anofox_peer()

    for task, title, orders, kind, count in TASKS:
        length = "120" if kind == "seasonal" else "1250"
        file = series_file(generator, kind, str(count), length, "12" if kind == "seasonal" else "1")
        own = ours(fit, orders, file)
        print(f"\n| {title} | ms a series | times ours | series |\n| --- | ---: | ---: | ---: |")
        print(f"| Closing Bell | {own * 1e3:.3f} | 1 | {count} |", flush=True)
        for command in commands(task, file, count, python, r, anofox):
            result = peer(command)
            if result:
                name, fitted, seconds = result
                print(f"| {name} | {seconds * 1e3:.1f} | {seconds / own:.0f} | {fitted} |", flush=True)


def curves(fit, generator):
    print("\n| n | automatic, ms | ARIMA(2,1,2), ms |\n| ---: | ---: | ---: |")
    for n in [125, 250, 500, 1000, 2000, 4000, 8000]:
        file = series_file(generator, "arima", "20", str(n), "1")
        print(f"| {n:,} | {ours(fit, ['--auto'], file) * 1e3:.3f} | {ours(fit, ['--order', '2,1,2'], file) * 1e3:.3f} |", flush=True)

    print("\n| m (n = 960) | automatic, ms | (0,1,1)(0,1,1)[m], ms |\n| ---: | ---: | ---: |")
    for m in [4, 7, 12, 24, 48]:
        file = series_file(generator, "seasonal", "4", "960", str(m))
        airline = ["--order", "0,1,1", "--seasonal", f"0,1,1,{m}"]
        print(f"| {m} | {ours(fit, ['--auto'], file) * 1e3:.0f} | {ours(fit, airline, file) * 1e3:.3f} |", flush=True)


if __name__ == "__main__":
    main()
