"""One night of many tickers while things fail: one of a hundred calls of S3 and DynamoDB, half of them after their effect; a `train` function killed in
the middle of a batch; a market that is away at first. Nothing may be lost or done twice, and the archive must be that of an
undisturbed night on one machine.

    faults.py [TICKERS]     60, where it is not said

Prints what the night asked of the services, in AWS's units.
"""

import datetime
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "infra"))
from local_cloud import ROOT, LocalCloud  # noqa: E402
from recorded_tiingo import LAST_SESSION, TOKEN, Tiingo, recorded  # noqa: E402

COMMAND = pathlib.Path(os.environ.get("COMMAND", ROOT / "target/debug/closing-bell"))
BARS = 300
FAILING = 0.01
EVENING = f"{LAST_SESSION}T22:00:00Z"


def made_up(ticker):
    """A walk on the sessions of the recorded sample."""
    rng, price, rows = random.Random(ticker), 50.0, []
    for row in recorded("KO")[-BARS:]:
        price *= 1 + rng.gauss(0.0003, 0.015)
        rows.append(row | {"close": round(price, 4), "adjClose": round(price, 4)})
    return rows


def killed_in_the_middle(cloud):
    """Kills the first `train` function that has been at its batch for a moment."""
    name = f"AWS_LAMBDA_FUNCTION_NAME={cloud.function('Train')}".encode()
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if (process / "comm").read_text().strip() == "bootstrap" and name in (process / "environ").read_bytes():
                    time.sleep(0.3)
                    os.kill(int(process.name), signal.SIGKILL)
                    return True
            except OSError:
                continue
        time.sleep(0.02)
    return False


def objects(cloud):
    passing = re.compile(r"runs/[^/]+/(fetch|work)-|closing-bell\.toml")
    return {key: body for key, body in cloud.objects().items() if not passing.match(key)}


def here(configuration, tiingo):
    """The same night on one machine: every file of its archive, and how long each ticker's chain of records is."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "closing-bell.toml").write_text(configuration)
        environment = os.environ | {"TIINGO_API_KEY": TOKEN, "TIINGO_BASE_URL": tiingo.url}
        run = [COMMAND, "run", "--as-of", LAST_SESSION, "--json"]
        subprocess.run(run, cwd=folder, env=environment, check=True, capture_output=True)
        data = folder / "closing-bell-data"
        files = {str(path.relative_to(data)): path for path in data.rglob("*") if path.is_file()}
        return {key: path.read_bytes() for key, path in files.items() if not key.startswith(("ledger", "lock"))}


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    tickers = [f"T{i}" for i in range(count)]
    configuration = (
        f"watchlist = {json.dumps(tickers)}\nstart = 2019-01-01\n[fetch]\nask_again_minutes = 0.05\nask_limit = 10\n"
        '[retries]\nattempts = 10\ndelay = "2s"\n'
    )
    tiingo = Tiingo()
    tiingo.rows = {ticker: made_up(ticker) for ticker in tickers}
    cloud = LocalCloud(failing=FAILING).start()
    try:
        cloud.deploy(configuration, TOKEN, TrialTime=EVENING, TiingoBaseUrl=tiingo.url, ScheduleState="DISABLED")
        cloud.gateway.reset()
        tiingo.away = True
        began = time.monotonic()
        arn = cloud.start_night({"trigger": "schedule", "time": EVENING})
        time.sleep(10)
        tiingo.away = False
        assert killed_in_the_middle(cloud), "no function was there to be killed"
        night = cloud.wait(arn, 3600)
        seconds = time.monotonic() - began
        counts = dict(cloud.gateway.counts)
        assert night["status"] == "SUCCEEDED", night
        there = objects(cloud)
        pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=cloud.outputs["LedgerTable"])
        items = [item for page in pages for item in page["Items"]]
        logged = cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=cloud.outputs["LogGroup"])
        called = log_bytes = 0
        for event in (event for page in logged for event in page["events"]):
            log_bytes += len(event["message"])
            called += '"done"' in event["message"] and '"answer"' in event["message"]
    finally:
        cloud.stop()

    # Nothing lost, nothing twice: five results and a receipt of each ticker.
    chains = {}
    for item in items:
        if item["sk"]["S"].startswith("LOG#"):
            chains.setdefault(item["pk"]["S"], []).append(int(item["last"]["N"]))
    assert chains == {f"TICKER#{ticker}": [1, 6] for ticker in tickers}, chains
    expected = here(configuration, tiingo)
    tiingo.stop()
    assert sorted(there) == sorted(expected), sorted(set(there) ^ set(expected))[:10]
    # A transcript says what started the run, which was a clock there and a person here; its second frame (RFC 8878), the records, is the same.
    frame = bytes.fromhex("28b52ffd")
    told = lambda key, held: held[held.index(frame, 1):] if key.endswith("/transcript.zst") else held
    different = [key for key, held in expected.items() if told(key, there[key]) != told(key, held)]
    assert not different, different[:10]

    print(f"{count} tickers, {BARS} bars each: all done in {seconds:.0f} s, {counts.pop('failed', 0)} calls failed, a function killed,")
    print(f"{len(expected)} objects the same as on one machine.\n")
    print("| a ticker-night | |\n| --- | ---: |")
    counts |= {"Lambda invocations": called, "log bytes": log_bytes}
    for what in sorted(counts):
        print(f"| {what} | {counts[what] / count:.2f} |")


if __name__ == "__main__":
    main()
