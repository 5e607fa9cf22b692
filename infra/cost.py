"""What a month on AWS costs, by number of tickers: cost.py 10 100 500

List prices of us-east-1, looked up in November 2026; no free tier is counted in, which alone covers a small watchlist.
"""

import sys

NIGHTS = 21

# Asks for a bar until it is there: at 17:00, 17:15, 17:30 and 17:45, as Tiingo publishes at about 17:30.
ASKS = 4

# What one ticker's night asks of the services: what `make bench-cloud` counts in a night of one ticker (the run's own share
# included), rounded up by half or more for later asks, for longer histories and for Lambda's own log lines.
S3_PUTS, S3_GETS = 18, 15
TABLE_WRITES, TABLE_READS = 75, 300  # a year of scores is read each evening
LOG_KB = 10
EVENTS = 2
KEPT_KB = 10  # new bars, models, a part of a record, a table, its share of the report

# Seconds billed for an invocation, cold start and waiting for S3 and DynamoDB included: far above what was measured.
FETCH_SECONDS, FETCH_GB = 0.5, 0.25
TRAIN_SECONDS, TRAIN_GB = 1.2, 1769 / 1024
CHILD_SECONDS, CHILD_GB = 2.0, 0.0625
# Tickers that one call of `train` works on.
BATCH = 5

PRICES = {
    # https://aws.amazon.com/lambda/pricing/ (arm64)
    "Lambda GB-second": 0.0000133334,
    "Lambda request": 0.20e-6,
    # https://aws.amazon.com/step-functions/pricing/
    "transition": 0.025e-3,
    "express request": 1.00e-6,
    "express GB-second": 0.00001667,
    # https://aws.amazon.com/dynamodb/pricing/on-demand/
    "write unit": 0.625e-6,
    "read unit": 0.125e-6,
    # https://aws.amazon.com/s3/pricing/
    "put": 0.005e-3,
    "get": 0.0004e-3,
    "stored GB": 0.023,
    # https://aws.amazon.com/eventbridge/pricing/
    "event": 1.00e-6,
    # https://aws.amazon.com/cloudwatch/pricing/
    "log GB": 0.50,
    "alarm": 0.10,
}


def month(tickers):
    """Dollars by service, for one month; what is kept is counted at the end of the first year."""
    nights = tickers * NIGHTS
    batches = NIGHTS * -(-tickers // BATCH)
    seconds = nights * (ASKS * FETCH_SECONDS * FETCH_GB + TRAIN_SECONDS * TRAIN_GB)
    children = nights * ASKS + batches
    # Plan, maps, waits, choices, report: some thirty a night. A child's start is counted as one more.
    transitions = children + 30 * NIGHTS
    return {
        "Lambda": seconds * PRICES["Lambda GB-second"] + children * PRICES["Lambda request"],
        "Step Functions, parent": transitions * PRICES["transition"],
        "Step Functions, children": children
        * (PRICES["express request"] + CHILD_SECONDS * CHILD_GB * PRICES["express GB-second"]),
        "DynamoDB": nights * (TABLE_WRITES * PRICES["write unit"] + TABLE_READS * PRICES["read unit"]),
        "S3, requests": nights * (S3_PUTS * PRICES["put"] + S3_GETS * PRICES["get"]),
        "S3, a year's files": 12 * nights * KEPT_KB / 1e6 * PRICES["stored GB"],
        "EventBridge": nights * EVENTS * PRICES["event"],
        "CloudWatch": nights * LOG_KB / 1e6 * PRICES["log GB"] + 4 * PRICES["alarm"],
    }


def main():
    try:
        counts = [int(argument) for argument in sys.argv[1:]]
    except ValueError:
        counts = []
    if not counts or min(counts) < 1 or max(counts) > 1000:
        sys.exit("usage: cost.py TICKERS..., whole numbers from 1 to 1000: make cost TICKERS=500")
    months = [month(count) for count in counts]
    print("| dollars a month | " + " | ".join(f"{count:,} tickers" for count in counts) + " |")
    print("| --- |" + " ---: |" * len(counts))
    for part in months[0]:
        print(f"| {part} | " + " | ".join(f"{parts[part]:.2f}" for parts in months) + " |")
    print("| **together** | " + " | ".join(f"**{sum(parts.values()):.2f}**" for parts in months) + " |")


if __name__ == "__main__":
    main()
