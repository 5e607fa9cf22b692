"""Measures the functions as they are deployed: `make bench-cloud`.

Size of the zips; time from exec to the first request of the Runtime API, on a Runtime API of our own; then one night of one
ticker with ten years of bars on the local cloud: peak memory of each function's process, and each stage's own time.
"""

import datetime
import json
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


def ten_years():
    """A random walk on weekdays of ten years; weeks with holidays have a day less, which no stage minds."""
    rng = random.Random(20201211)
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


def peaks(cloud):
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
    return {name: found.get(cloud.function(name.capitalize())) for name in NAMES}


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


def usage(cloud, before):
    """What the night asked of the services: requests from the cloud's log, write units from what lies in the table."""
    lines = (cloud.folder / "log").read_text().splitlines()[before:]
    requests = [match for line in lines if (match := re.search(r"(GET|PUT|POST|HEAD) (\S+) -> service=(\w+)", line))]
    s3 = [verb for verb, path, service in (m.groups() for m in requests) if service == "s3"]
    dynamodb = sum(m[3] == "dynamodb" for m in requests)
    pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=cloud.outputs["LedgerTable"])
    items = [item for page in pages for item in page["Items"]]
    # A truth value counts one byte.
    length = lambda value: 1 if isinstance(value, bool) else len(value)
    size = lambda item: sum(len(name) + length(next(iter(value.values()))) for name, value in item.items())
    # What is put with a condition on several items is a transaction, at twice the price; the end of a chain is put with each of its records.
    def written(item):
        alone = item["sk"]["S"].startswith(("START", "ATTEMPTS"))
        times = int(item["place"]["N"]) if "CHAIN" in (item["pk"]["S"], item["sk"]["S"]) else 1
        return -(-size(item) // 1024) * (1 if alone else 2) * times

    units = sum(written(item) for item in items)
    logs = cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=cloud.outputs["LogGroup"])
    logged = sum(len(event["message"]) for page in logs for event in page["events"])
    return {
        "S3 PUT": s3.count("PUT"),
        "S3 GET": s3.count("GET"),
        "DynamoDB requests": dynamodb,
        "DynamoDB write units": units,
        "log bytes": logged,
    }


def night():
    tiingo = Tiingo()
    tiingo.rows["TEN"] = ten_years()
    os.environ["LOG_LEVEL"] = "DEBUG"
    cloud = LocalCloud().start()
    try:
        configuration = 'watchlist = ["TEN"]\nstart = 2010-12-01\n'
        evening = f"{LAST_SESSION}T22:00:00Z"
        cloud.deploy(configuration, TOKEN, TrialTime=evening, TiingoBaseUrl=tiingo.url, ScheduleState="DISABLED")
        before = len((cloud.folder / "log").read_text().splitlines())
        ended = cloud.wait(cloud.start_night({"trigger": "schedule", "time": evening}))
        if ended["status"] != "SUCCEEDED":
            raise RuntimeError(f"the night {ended}")
        asker = cloud.new_user("asker", "AskPolicy")
        status, body = cloud.call("PredictUrl", "/forecast/TEN", asker)
        if status != 200:
            raise RuntimeError(body)
        return len(tiingo.rows["TEN"]), peaks(cloud), stage_seconds(cloud), usage(cloud, before)
    finally:
        cloud.stop()
        tiingo.stop()


def main():
    bars, memory, seconds, used = night()
    print(f"One night of one ticker with {bars} bars; {STARTS} starts each.\n")
    print("| function | zip, MB | exec to first request, ms | peak memory, MB | stage, s |")
    print("| --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            packed = ROOT / f"target/lambda/{name}/bootstrap.zip"
            with zipfile.ZipFile(packed) as archive:
                bootstrap = archive.extract("bootstrap", f"{folder}/{name}")
            os.chmod(bootstrap, 0o755)
            taken = milliseconds_to_first_request(bootstrap)
            peak = f"{memory[name]:.1f}" if memory.get(name) else "-"
            stage = " + ".join(f"{value:.3f}" for value in seconds.get(name, [])) or "-"
            print(f"| {name} | {packed.stat().st_size / 1e6:.2f} | {taken:.1f} | {peak} | {stage} |")
    print("\nThe night with its one forecast asked for: " + ", ".join(f"{count} {what}" for what, count in used.items()))


if __name__ == "__main__":
    main()
