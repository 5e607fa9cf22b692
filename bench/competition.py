"""Runs the whole command on competition series, and scores what it wrote down.

    python3 bench/competition.py ../shared/reference/forecasting [GROUP...]

The folder holds `{m3,m4}_given*.csv.gz`: `id,freq,m,h,note,train,test`, values parted by spaces. Each group is a long table without dates, one
run with `families = ["all"]`, and a line: sMAPE and MASE as in the M4 competition (Makridakis, Spiliotis & Assimakopoulos 2020, Int. J.
Forecasting 36, 54-74), OWA over Naive2's, coverage and MSIS of the 95 % intervals, seconds. Where the folder has peers.md, a column has the mean of
sMAPE and MASE over its median column; where it has R's forecasts (`r_auto_arima_*.txt.gz`: `id|freq|order|seconds|drift|mean|...`), the last two have the differences
of sMAPE and MASE from R's on the series that R forecast, each with the standard error of the paired difference.
"""

import csv
import gzip
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = ROOT / "target/release/closing-bell"
LEVEL = 0.95


def read(folder):
    """The series by group."""
    groups = {}
    for path in sorted(folder.glob("*_given*.csv.gz")):
        csv.field_size_limit(1 << 24)
        for row in csv.DictReader(gzip.open(path, "rt")):
            numbers = lambda name: [float(value) for value in row[name].split()]
            group = f"{path.name[:2].upper()} {row['freq'].lower()}"
            groups.setdefault(group, []).append((row["id"], int(row["m"]), numbers("train"), numbers("test")))
    return groups


def run(series, more):
    """What the command forecasts: id to rows of mean, lower and upper; and the seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        table = pathlib.Path(folder) / "series.csv"
        with open(table, "w") as file:
            file.write("unique_id,ds,y\n")
            for name, _, train, _ in series:
                for place, value in enumerate(train):
                    file.write(f"{name},{place + 1},{value!r}\n")
        season, horizon = series[0][1], len(series[0][3])
        settings = ["cadence=index", "kind=value", f"season={[24, 168] if season == 24 else season}", f"horizon={horizon}", 'families=["all"]']
        begun = time.monotonic()
        arguments = [COMMAND, "run", "--market", f"csv:{table}", "--data", f"{folder}/data", "--json"]
        done = subprocess.run(
            arguments + [part for setting in settings + more for part in ("--set", setting)], capture_output=True, text=True, cwd=folder
        )
        seconds = time.monotonic() - begun
        if done.returncode not in (0, 1):
            sys.exit(done.stderr)
        forecasts = {}
        for table in pathlib.Path(folder).glob("data/reports/*/forecasts.csv"):
            for row in csv.DictReader(open(table)):
                forecasts.setdefault(row["ticker"], []).append([float(row[name]) for name in ("mean", "lower_95", "upper_95")])
        return forecasts, seconds


def naive2(train, season, horizon):
    """The last value, after a classical season that the autocorrelation shows."""
    states = [1.0] * season
    if season > 1 and is_seasonal(train, season):
        half, ratios = season // 2, [[] for _ in range(season)]
        for t in range(half, len(train) - half):
            window = train[t - half : t + half + 1]
            average = (sum(window) - (0.5 * (window[0] + window[-1]) if season % 2 == 0 else 0)) / season
            ratios[t % season].append(train[t] / average)
        means = [sum(ratio) / len(ratio) for ratio in ratios]
        states = [mean * season / sum(means) for mean in means]
    last = train[-1] / states[(len(train) - 1) % season]
    return [last * states[(len(train) + h) % season] for h in range(horizon)]


def is_seasonal(values, season):
    if len(values) < 3 * season:
        return False
    mean = sum(values) / len(values)
    centred = [value - mean for value in values]
    variance = sum(value * value for value in centred)
    autocorrelation = lambda lag: sum(a * b for a, b in zip(centred[lag:], centred)) / variance
    before = sum(autocorrelation(lag) ** 2 for lag in range(1, season))
    return abs(autocorrelation(season)) > 1.645 * ((1 + 2 * before) / len(values)) ** 0.5


def smape(forecast, actual):
    return sum(200 * abs(f - y) / (abs(f) + abs(y)) if f or y else 0 for f, y in zip(forecast, actual)) / len(actual)


def differences(series, forecasts, theirs):
    """Ours less R's on the same series, sMAPE and MASE: mean and standard error of the paired differences."""
    pairs = []
    for name, season, train, test in series:
        told, other = forecasts.get(name.upper(), []), theirs.get(name, [])
        if len(told) < len(test) or len(other) < len(test):
            continue
        scale = sum(abs(a - b) for a, b in zip(train, train[season:])) / (len(train) - season)
        error = lambda mean: sum(abs(f - y) for f, y in zip(mean, test)) / len(test) / scale
        mean = [row[0] for row in told]
        pairs.append((smape(mean, test) - smape(other, test), error(mean) - error(other)))
    if len(pairs) < 2:
        return ["", ""]
    texts = []
    for values in zip(*pairs):
        mean = sum(values) / len(values)
        error = (sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values)) ** 0.5
        texts.append(f"{mean:+.3f} ({error:.3f})")
    return [f"{texts[0]}, n = {len(pairs)}", texts[1]]


def read_theirs(folder):
    """R's mean forecasts by series."""
    theirs = {}
    for path in folder.glob("r_auto_arima_*.txt.gz"):
        lines = gzip.open(path, "rt").read().splitlines()
        names = lines[0].split("|")
        for line in lines[1:]:
            row = dict(zip(names, line.split("|")))
            theirs[row["id"]] = [float(value) for value in row["mean"].split()]
    return theirs


def scores(series, forecasts):
    """Means over the series, and what is missing."""
    rows, missing = [], []
    for name, season, train, test in series:
        told = forecasts.get(name.upper(), [])
        if len(told) < len(test):
            missing.append(name)
            continue
        scale = sum(abs(a - b) for a, b in zip(train, train[season:])) / (len(train) - season)
        mase = lambda mean: sum(abs(f - y) for f, y in zip(mean, test)) / len(test) / scale
        mean, naive = [row[0] for row in told], naive2(train, season, len(test))
        held = [lower <= y <= upper for (_, lower, upper), y in zip(told, test)]
        width = lambda lower, upper, y: upper - lower + 2 / (1 - LEVEL) * max(lower - y, y - upper, 0)
        msis = sum(width(lower, upper, y) for (_, lower, upper), y in zip(told, test)) / len(test) / scale
        rows.append((smape(mean, test), mase(mean), smape(naive, test), mase(naive), sum(held) / len(held), msis))
    average = [sum(column) / len(rows) for column in zip(*rows)] if rows else [float("nan")] * 6
    return average, missing


def peers(folder):
    """The median column of peers.md, by group."""
    path = folder / "peers.md"
    bars = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        cells = [cell.strip(" *") for cell in line.strip("|").split("|")]
        found = re.match(r"(M[34] \w+)", cells[0])
        if found and len(cells) > 7:
            bars[found[1].lower()] = [float(part) for part in cells[6].split("/")]
    return bars


def main():
    folder, wanted = pathlib.Path(sys.argv[1]), [word.lower() for word in sys.argv[2:] if "=" not in word]
    more = [word for word in sys.argv[2:] if "=" in word]
    bars, theirs = peers(folder), read_theirs(folder)
    print("| group | n | sMAPE | MASE | OWA | coverage 95 | MSIS | s | over the peers' median | sMAPE less R's | MASE less R's |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for group, series in read(folder).items():
        if wanted and not any(word in group.lower() for word in wanted):
            continue
        forecasts, seconds = run(series, more)
        (own, scaled, naive, naive_scaled, held, msis), missing = scores(series, forecasts)
        owa = 0.5 * (own / naive + scaled / naive_scaled)
        bar = bars.get(group.lower())
        ratio = f"{0.5 * (own / bar[0] + scaled / bar[1]):.3f}" if bar else ""
        numbers = [f"{own:.3f}", f"{scaled:.3f}", f"{owa:.3f}", f"{held:.3f}", f"{msis:.2f}", f"{seconds:.1f}", ratio]
        cells = [group, str(len(series) - len(missing)), *numbers, *differences(series, forecasts, theirs)]
        print("| " + " | ".join(cells) + " |", flush=True)
        if missing:
            print(f"without a forecast: {', '.join(missing[:10])}", file=sys.stderr)


if __name__ == "__main__":
    main()
