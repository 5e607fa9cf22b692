"""What a month on AWS costs, by number of tickers: cost.py 10 100 500; and of a queue of rows: cost.py --rows 1 1000

List prices of us-east-1, looked up in November 2026; no free tier is counted in, which alone covers a small watchlist. What a ticker's night and a batch of rows ask of the
services is what `make bench-cloud` counted (infra/measured.json).
"""

import json
import pathlib
import sys

MEASURED = json.loads((pathlib.Path(__file__).parent / "measured.json").read_text())

# Weekdays of a month; and a year of nights is what is kept.
NIGHTS, MONTHS = 21, 12

# Asks for a bar until it is there: at 17:00, 17:15, 17:30 and 17:45, as Tiingo publishes at about 17:30. Beyond twenty tickers one of them asks for all.
ASKS, ASKED_TOGETHER = 4, 20
# Tickers of a batch.
BATCH = 5

# A call of Lambda's on AWS beside what was measured here: its stores are some milliseconds away, and now and then it starts cold. Doubled, to be above it.
SLOWER = 2.0
# What a map's child, which is an express execution, takes beside its function.
CHILD_SECONDS, CHILD_GB = 2.0, 0.0625
GB = {"plan": 1.0, "fetch": 0.25, "train": 1769 / 1024, "report": 1769 / 1024}
# Lambda's own three lines for each call.
LAMBDA_LOG_BYTES = 400
ALARMS, METRICS = 10, 9
HOURS = 730

PRICES = {
    # https://aws.amazon.com/lambda/pricing/ (arm64; x86_64 is 0.0000166667)
    "Lambda GB-second": 0.0000133334,
    "Lambda request": 0.20e-6,
    # https://aws.amazon.com/step-functions/pricing/
    "transition": 0.025e-3,
    "express request": 1.00e-6,
    "express GB-second": 0.00001667,
    # https://aws.amazon.com/dynamodb/pricing/on-demand/
    "write unit": 0.625e-6,
    "read unit": 0.125e-6,
    "table GB": 0.25,
    "recovery GB": 0.20,
    # https://aws.amazon.com/sqs/pricing/
    "message": 0.40e-6,
    # https://aws.amazon.com/s3/pricing/
    "put": 0.005e-3,
    "get": 0.0004e-3,
    "stored GB": 0.023,
    # https://aws.amazon.com/eventbridge/pricing/: our own, and S3's of every object that is put
    "event": 1.00e-6,
    # https://aws.amazon.com/cloudwatch/pricing/
    "log GB": 0.50,
    "alarm": 0.10,
    "metric": 0.30,
}


# The ingest function: a second of messages together, up to this many; its memory, and what CloudWatch keeps of it.
ROWS_OF_A_BATCH, ROW_SERIES, INGEST_GB = 1000, 500, 0.5
ROW_ALARMS, ROW_METRICS = 2, 4
# What a call takes on AWS, from above; of a series one call is after the other, of this many series at once.
TABLE_SECONDS, ARCHIVE_SECONDS, SERIES_AT_ONCE = 0.01, 0.05, 16


def month_of_rows(a_second):
    """Dollars by service, for one month of so many rows a second, of 500 series in turn, through the queue."""
    batch, series = MEASURED["a batch of rows"], MEASURED["a series of a batch"]
    rows = a_second * HOURS * 3600
    batches = max(rows / ROWS_OF_A_BATCH, min(rows, HOURS * 3600))
    touched = min(max(rows / batches, 1), ROW_SERIES)
    steps = batches * touched
    calls = lambda counts: sum(count for what, count in counts.items() if what.startswith("DynamoDB ") and "bytes" not in what)
    in_turn = calls(batch) + calls(series) * -(-touched // SERIES_AT_ONCE)
    seconds = batches * (in_turn * TABLE_SECONDS + batch["S3 GET"] * ARCHIVE_SECONDS)
    used = lambda what: batches * batch[what] + steps * series[what]
    return {
        # Sent by tens; received and deleted by tens, too.
        "SQS": 3 * rows / 10 * PRICES["message"] if a_second > 10 else 3 * rows * PRICES["message"],
        "Lambda": batches * PRICES["Lambda request"] + seconds * INGEST_GB * PRICES["Lambda GB-second"],
        "DynamoDB, requests": used("write units") * PRICES["write unit"] + used("read units") * PRICES["read unit"],
        "DynamoDB, the month's items, and their recovery": used("DynamoDB bytes put") / 1e9 * (PRICES["table GB"] + PRICES["recovery GB"]),
        "S3, requests": used("S3 GET") * PRICES["get"],
        "CloudWatch": (used("log bytes") + batches * LAMBDA_LOG_BYTES) / 1e9 * PRICES["log GB"]
        + ROW_ALARMS * PRICES["alarm"]
        + ROW_METRICS * PRICES["metric"],
    }


def month(tickers):
    """Dollars by service, for one month; what is kept is counted at the end of the first year."""
    used = lambda what: MEASURED["a ticker's night"].get(what, 0.0)
    nights = tickers * NIGHTS
    batches = -(-tickers // BATCH)
    # The canary asks alone where there are many; otherwise all ask each time.
    fetches = batches + (ASKS - 1 if tickers > ASKED_TOGETHER else (ASKS - 1) * batches)
    calls = {"fetch": fetches * NIGHTS, "train": batches * NIGHTS, "plan": (ASKS + 3) * NIGHTS, "report": 2 * NIGHTS}
    # Of plan and report a part grows with the watchlist, which was measured on a short one: a ticker is a read or two there.
    seconds = {
        "fetch": used("fetch seconds") * nights * fetches / batches,
        "train": used("train seconds") * nights,
        "plan": 0.05 * calls["plan"] + 0.002 * nights * 2,
        "report": 0.2 * calls["report"] + 0.002 * nights,
    }
    functions = sum(SLOWER * seconds[name] * GB[name] for name in seconds)
    children = calls["fetch"] + calls["train"]
    # Plan, maps, waits, choices, report: some thirty a night. A child's start is counted as one more.
    transitions = children + 30 * NIGHTS
    puts, gets = used("S3 PUT"), used("S3 GET") + used("S3 HEAD")
    table_gb = MONTHS * nights * used("DynamoDB bytes put") / 1e9
    archive_gb = MONTHS * nights * used("S3 bytes put") / 1e9
    logs = nights * used("log bytes") + sum(calls.values()) * LAMBDA_LOG_BYTES
    return {
        "Lambda": functions * PRICES["Lambda GB-second"] + sum(calls.values()) * PRICES["Lambda request"],
        "Step Functions, parent": transitions * PRICES["transition"],
        "Step Functions, children": children
        * (PRICES["express request"] + CHILD_SECONDS * CHILD_GB * PRICES["express GB-second"]),
        "DynamoDB, requests": nights * (used("write units") * PRICES["write unit"] + used("read units") * PRICES["read unit"]),
        "DynamoDB, a year's items, and their recovery": table_gb * (PRICES["table GB"] + PRICES["recovery GB"]),
        "S3, requests": nights * ((puts + used("S3 LIST")) * PRICES["put"] + gets * PRICES["get"]),
        "S3, a year's objects": archive_gb * PRICES["stored GB"],
        "EventBridge": nights * (1.1 + puts) * PRICES["event"],
        "CloudWatch": logs / 1e9 * PRICES["log GB"]
        + ALARMS * PRICES["alarm"]
        # Metered in the hours in which they are told.
        + METRICS * NIGHTS / HOURS * PRICES["metric"],
    }


def main():
    arguments = sys.argv[1:]
    of_rows = arguments[:1] == ["--rows"]
    try:
        counts = [int(argument) for argument in arguments[of_rows:]]
    except ValueError:
        counts = []
    if not counts or min(counts) < 1 or max(counts) > 100_000:
        sys.exit("usage: cost.py [--rows] NUMBER..., tickers or rows a second, whole numbers from 1 to 100000: make cost TICKERS=500")
    months = [(month_of_rows if of_rows else month)(count) for count in counts]
    what = "rows a second" if of_rows else "tickers"
    print("| dollars a month | " + " | ".join(f"{count:,} {what}" for count in counts) + " |")
    print("| --- |" + " ---: |" * len(counts))
    for part in months[0]:
        print(f"| {part} | " + " | ".join(f"{parts[part]:,.2f}" for parts in months) + " |")
    print("| **together** | " + " | ".join(f"**{sum(parts.values()):,.2f}**" for parts in months) + " |")


if __name__ == "__main__":
    main()
