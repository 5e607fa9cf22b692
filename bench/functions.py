"""Measures the functions as they are deployed: `make bench-cloud`.

Size of the zips; time from exec to the first request of the Runtime API, on a Runtime API of our own; then nights of ten
tickers with ten years of bars on the local cloud: peak memory of each function's process, its own time, and what the last night asked of the
services; then what a batch of rows asks of them. `make cost` reckons with both (infra/measured.json).
"""

import datetime
import json
import math
import os
import pathlib
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "infra"))
from local_cloud import ROOT, LocalCloud  # noqa: E402
from recorded_tiingo import LAST_SESSION, TOKEN, Tiingo  # noqa: E402

NAMES = sorted(path.name for path in (ROOT / "functions").iterdir())
STARTS = 30
ROW_SERIES, ROW_BATCHES, HOURS = 20, 5, 400
MEASURED = ROOT / "infra/measured.json"


def milliseconds_to_first_request(bootstrap):
    """From exec to the first GET, median of many starts; every client is made before it."""
    taken = []
    for _ in range(STARTS):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            environment = {
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{listener.getsockname()[1]}",
                "AWS_LAMBDA_FUNCTION_NAME": "measured",
                "AWS_LAMBDA_FUNCTION_VERSION": "1",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "CLOSING_BELL_BUCKET": "bucket",
                "CLOSING_BELL_TABLE": "table",
                "CLOSING_BELL_BUS": "default",
                "CLOSING_BELL_TOKEN_PARAMETER": "/token",
                "CLOSING_BELL_NIGHT": "arn:aws:states:us-east-1:000000000000:stateMachine:night",
            }
            start = time.perf_counter()
            process = subprocess.Popen([bootstrap], env=environment, stdout=subprocess.DEVNULL)
            connection, _ = listener.accept()
            if not connection.recv(16).startswith(b"GET"):
                raise RuntimeError(f"{bootstrap} did not ask for an event")
            taken.append((time.perf_counter() - start) * 1e3)
            process.kill()
            process.wait()
            connection.close()
    return statistics.median(taken)


def ten_years(seed):
    """A random walk on weekdays of ten years; weeks with holidays have a day less, which no stage minds."""
    rng = random.Random(20201211 + seed)
    last = datetime.date.fromisoformat(LAST_SESSION)
    day, price, rows = last - datetime.timedelta(days=3653), 50.0, []
    while day <= last:
        month_day = (day.month, day.day)
        holiday = (
            (day.weekday() == 0 and (day.month in (1, 2) and 15 <= day.day <= 21 or day.month == 5 and day.day > 24))
            or (day.weekday() == 0 and day.month == 9 and day.day <= 7)
            or (day.weekday() == 3 and day.month == 11 and 22 <= day.day <= 28)
            or (day.weekday() == 4 and (3, 20) <= month_day <= (4, 23))
            or month_day in [(1, 1), (1, 2), (7, 3), (7, 4), (7, 5), (12, 24), (12, 25), (12, 26), (12, 31), (12, 5)]
            or (day.year, day.month) == (2012, 10)
        )
        if day.weekday() < 5 and not holiday:
            price *= 1 + rng.gauss(0.0003, 0.015)
            close = round(price, 4)
            row = {"date": f"{day}T00:00:00.000Z", "close": close, "adjClose": close, "divCash": 0.0, "splitFactor": 1.0}
            rows.append(row)
        day += datetime.timedelta(days=1)
    return rows


def peaks(cloud, names):
    """Peak resident memory of each function's process in MB."""
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name = re.search(rb"AWS_LAMBDA_FUNCTION_NAME=([^\0]*)", (process / "environ").read_bytes())
            bootstrap = (process / "comm").read_text().strip() == "bootstrap"
            peak = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
        except OSError:
            continue
        if name and bootstrap and peak:
            found[name[1].decode()] = max(found.get(name[1].decode(), 0), int(peak[1]) / 1024)
    return {name: found.get(cloud.function(name.capitalize())) for name in names}


def stage_seconds(cloud):
    """The log's own timings of each stage."""
    pages = cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=cloud.outputs["LogGroup"])
    seconds = {}
    for event in (event for page in pages for event in page["events"]):
        try:
            line = json.loads(event["message"])
        except ValueError:
            continue
        # A batch logs each stage of each ticker, and then itself.
        if "seconds" in line and "stage" not in line:
            seconds.setdefault(line["span"]["stage"], []).append(line["seconds"])
    return seconds


TICKERS = 10
# The last of them is counted: with forecasts of the nights before to score, as every later night has them.
NIGHTS = 8


def sessions(rows, count):
    return [row["date"][:10] for row in rows[-count:]]


def nights():
    """Nights of ten tickers: bars, peak memory and stages' own time of each function, and what the last night asked of the services."""
    tiingo = Tiingo()
    tickers = [f"TEN-{i}" for i in range(TICKERS)]
    tiingo.rows |= {ticker: ten_years(i) for i, ticker in enumerate(tickers)}
    cloud = LocalCloud(failing=0.0).start()
    try:
        configuration = f"watchlist = {json.dumps(tickers)}\nstart = 2010-12-01\n"
        evening = f"{LAST_SESSION}T22:00:00Z"
        cloud.deploy(configuration, TOKEN, TrialTime=evening, TiingoBaseUrl=tiingo.url, ScheduleState="DISABLED")
        days = sessions(tiingo.rows[tickers[0]], NIGHTS)
        for day in days:
            logged = len(log_lines(cloud))
            cloud.gateway.reset()
            ended = cloud.wait(cloud.start_night({"trigger": "schedule", "time": f"{day}T22:00:00Z"}))
            if ended["status"] != "SUCCEEDED":
                raise RuntimeError(f"the night {ended}")
        counts = dict(cloud.gateway.counts)
        lines = log_lines(cloud)[logged:]
        counts["log bytes"] = sum(map(len, lines))
        for name in ["fetch", "train", "plan", "report"]:
            ended = [line for line in lines if f'"stage":"{name}"' in line and '"answer"' in line]
            counts[f"{name} invocations"] = len(ended)
            counts[f"{name} seconds"] = sum(json.loads(line)["seconds"] for line in ended)
        asker = cloud.new_user("asker", "AskPolicy")
        status, body = cloud.call("PredictUrl", f"/forecast/{tickers[0]}", asker)
        if status != 200:
            raise RuntimeError(body)
        used = {what: count / TICKERS for what, count in sorted(counts.items())}
        of_nights = [name for name in NAMES if name != "ingest"]
        return len(tiingo.rows[tickers[0]]), peaks(cloud, of_nights), stage_seconds(cloud), used
    finally:
        cloud.stop()
        tiingo.stop()


def rows():
    """Of ingest peak memory and own time; what a batch asks of the services, and each series of it: counts of batches of one and of all."""
    series = [f"HOUR-{i}" for i in range(ROW_SERIES)]
    shared = 'market = "stream"\nkind = "value"\ncadence = "1hour"\nseason = 24\nfamilies = ["arima"]\npromotion = "always"\n'
    draw = random.Random(1)
    hour = lambda t: f"{datetime.datetime(2026, 1, 1) + datetime.timedelta(hours=t):%Y-%m-%dT%H:%MZ}"
    row = lambda name, t: json.dumps({"series": name, "ds": hour(t), "y": round(50 + 9 * math.sin(t * math.pi / 12) + draw.gauss(0, 2), 3)})
    cloud = LocalCloud(failing=0.0).start()

    def take(lines, place):
        sent = {"messageId": str(place), "body": "\n".join(lines), "attributes": {}, "eventSource": "aws:sqs", "eventSourceARN": "a:rows"}
        answer = cloud.client("lambda").invoke(FunctionName=cloud.function("Ingest"), Payload=json.dumps({"Records": [sent]}).encode())
        return json.loads(answer["Payload"].read())["counts"]

    try:
        cloud.deploy(f"watchlist = {json.dumps(series)}\n{shared}", "none", ScheduleState="DISABLED", StreamQueue="true")
        for first in range(0, HOURS, 100):
            take([row(name, t) for t in range(first, first + 100) for name in series], first)
        ended = cloud.wait(cloud.start_night({"trigger": "manual", "as_of": hour(HOURS - 1)}))
        if ended["status"] != "SUCCEEDED":
            raise RuntimeError(f"the night {ended}")
        # Once before it is counted: the first row after a night has its model brought up to it.
        take([row(name, HOURS) for name in series], HOURS)
        counted = []
        for t, names in enumerate([series[:1]] * ROW_BATCHES + [series] * ROW_BATCHES):
            logged = len(log_lines(cloud))
            cloud.gateway.reset()
            place = HOURS + 1 + t
            counts = take([row(name, place if t < ROW_BATCHES or name == series[0] else place - ROW_BATCHES) for name in names], place)
            if counts["advanced"] != len(names):
                raise RuntimeError(f"{counts} of {len(names)} rows")
            lines = log_lines(cloud)[logged:]
            counted.append(dict(cloud.gateway.counts) | {"log bytes": sum(map(len, lines))})
        middle = lambda batches, what: statistics.median(batch.get(what, 0) for batch in batches)
        one, all_of_them = counted[:ROW_BATCHES], counted[ROW_BATCHES:]
        whats = sorted({what for batch in counted for what in batch})
        each = {what: (middle(all_of_them, what) - middle(one, what)) / (ROW_SERIES - 1) for what in whats}
        batch = {what: middle(one, what) - each[what] for what in whats}
        return peaks(cloud, ["ingest"]), stage_seconds(cloud), batch, each
    finally:
        cloud.stop()


def log_lines(cloud):
    pages = cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=cloud.outputs["LogGroup"])
    return [event["message"] for page in pages for event in page["events"]]


def main():
    bars, memory, seconds, used = nights()
    of_ingest, its_seconds, batch, series = rows()
    memory, seconds = memory | of_ingest, seconds | {"ingest": its_seconds.get("ingest", [])}
    print(f"{NIGHTS} nights of {TICKERS} tickers with {bars} bars; {STARTS} starts each.\n")
    print("| function | zip, MB | exec to first request, ms | peak memory, MB | a call, s |")
    print("| --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            packed = ROOT / f"target/lambda/{name}/bootstrap.zip"
            with zipfile.ZipFile(packed) as archive:
                bootstrap = archive.extract("bootstrap", f"{folder}/{name}")
            os.chmod(bootstrap, 0o755)
            taken = milliseconds_to_first_request(bootstrap)
            peak = f"{memory[name]:.1f}" if memory.get(name) else "-"
            taken_by = sorted(seconds.get(name, []))
            stage = f"{statistics.median(taken_by):.3f}" if taken_by else "-"
            print(f"| {name} | {packed.stat().st_size / 1e6:.2f} | {taken:.1f} | {peak} | {stage} |")
    print("\n| a ticker-night of the last night | |\n| --- | ---: |")
    for what, count in used.items():
        print(f"| {what} | {count:.2f} |")
    print("\n| rows | a batch | each of its series |\n| --- | ---: | ---: |")
    for what in batch:
        print(f"| {what} | {batch[what]:.4f} | {series[what]:.4f} |")
    # For `make cost`.
    measured = {"a ticker's night": used, "a batch of rows": batch, "a series of a batch": series}
    rounded = {of: {what: round(count, 4) for what, count in counts.items()} for of, counts in measured.items()}
    MEASURED.write_text(json.dumps(rounded, indent=2) + "\n")


if __name__ == "__main__":
    main()
