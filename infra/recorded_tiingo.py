"""A server that answers as Tiingo does, with the recorded sample's prices. `make local-cloud` and the tests use it."""

import csv
import json
import pathlib
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SAMPLE = pathlib.Path(__file__).resolve().parent.parent / "shared/embedded/sample"
TOKEN = "recorded"
LAST_SESSION = "2020-12-11"
# What is counted as asked where the newest rows of all tickers are.
EVERY = "*"


def recorded(ticker):
    """The sample's rows of a ticker as Tiingo gives them; None where it has none."""
    path = SAMPLE / f"{ticker}.csv"
    if not path.is_file():
        return None
    with path.open() as file:
        return [
            {
                "date": f"{row['date']}T00:00:00.000Z",
                "close": float(row["close"]),
                "adjClose": float(row["adjClose"]),
                "divCash": 0.0,
                "splitFactor": 1.0,
            }
            for row in csv.DictReader(file)
        ]


class Tiingo:
    """Starts on a free port, or on the one given. `asked` counts requests by ticker, or by `EVERY`."""

    def __init__(self, port=0):
        self.rows = {path.stem: recorded(path.stem) for path in SAMPLE.glob("*.csv")}
        # A ticker's last bar is there from this ask on.
        self.late = {}
        # A ticker's answer, whatever is asked.
        self.bodies = {}
        self.asked = {}
        # It answers nothing but that it cannot.
        self.away = False
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, body = outer.answer(self.path, self.headers.get("Authorization"))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        # Who asks may hang up.
        self.server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, authorization):
        if authorization != f"Token {TOKEN}":
            return 401, b'{"detail":"Invalid token."}'
        if self.away:
            return 503, b'{"detail":"away"}'
        parts = urllib.parse.urlsplit(path)
        if parts.path == "/tiingo/daily/prices":
            with self.lock:
                self.asked[EVERY] = self.asked.get(EVERY, 0) + 1
            return 200, self.newest()
        query = urllib.parse.parse_qs(parts.query)
        first, last = query["startDate"][0], query["endDate"][0]
        ticker = parts.path.split("/")[3]
        with self.lock:
            self.asked[ticker] = asked = self.asked.get(ticker, 0) + 1
        if ticker in self.bodies:
            return 200, self.bodies[ticker]
        rows = self.rows.get(ticker)
        if rows is None:
            return 404, json.dumps({"detail": f"Error: Ticker '{ticker}' not found"}).encode()
        if asked < self.late.get(ticker, 0):
            rows = rows[:-1]
        return 200, json.dumps([row for row in rows if first <= row["date"][:10] <= last]).encode()

    def newest(self):
        """The last row of every ticker, as CSV."""
        columns = ["date", "close", "adjClose", "divCash", "splitFactor"]
        lines = [",".join(["ticker", *columns])]
        for ticker, rows in self.rows.items():
            lines.append(",".join([ticker.lower(), *(str(rows[-1][column]) for column in columns)]))
        return ("\n".join(lines) + "\n").encode()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    import sys

    print(Tiingo(int(sys.argv[1]) if len(sys.argv) > 1 else 0).url, flush=True)
    threading.Event().wait()
