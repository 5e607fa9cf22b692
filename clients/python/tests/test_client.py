"""The client against `closing-bell serve`: ADDRESS and TOKEN say where (tests/client.sh starts it)."""

import os
import unittest
from collections.abc import Callable
from itertools import islice
from typing import Optional

import httpx
import pandas

from closing_bell import Client, Problem
from closing_bell import _client

ADDRESS = os.environ["ADDRESS"]
TOKEN = os.environ["TOKEN"]


class AgainstAService(unittest.TestCase):
    def setUp(self) -> None:
        self.bell = Client(ADDRESS, token=TOKEN)
        self.addCleanup(self.bell.close)

    def test_a_forecast(self) -> None:
        forecast = self.bell.forecast("GOOGL", horizon=3, levels=[80, 97.5])
        self.assertEqual(forecast["origin"], "2020-12-11")
        self.assertEqual([step["horizon"] for step in forecast["horizons"]], [1, 2, 3])
        self.assertEqual([interval["level"] for interval in forecast["horizons"][0]["intervals"]], [80, 97.5])
        for step in forecast["horizons"]:
            for interval in step["intervals"]:
                self.assertLess(interval["lower"], step["mean"])
                self.assertLess(step["mean"], interval["upper"])

    def test_a_frame_of_all_forecasts(self) -> None:
        frame = self.bell.forecasts_frame()
        self.assertEqual(len(frame), 10 * 5)
        self.assertEqual(frame["ticker"].nunique(), 10)
        self.assertTrue(pandas.api.types.is_datetime64_any_dtype(frame["date"]))
        self.assertTrue((frame["lower_95"] < frame["lower_80"]).all() and (frame["upper_80"] < frame["upper_95"]).all())
        one = self.bell.forecast("KO")
        row = frame[(frame["ticker"] == "KO") & (frame["horizon"] == 1)].iloc[0]
        self.assertEqual(row["mean"], one["horizons"][0]["mean"], "one number everywhere")

    def test_lists_are_followed_page_by_page(self) -> None:
        usual = _client.PAGE
        self.addCleanup(setattr, _client, "PAGE", usual)
        whole = list(self.bell.scores("GOOGL"))
        self.assertGreater(len(whole), 6)
        _client.PAGE = 3
        self.assertEqual(list(self.bell.scores("GOOGL")), whole)
        self.assertEqual(len({run["run"] for run in self.bell.runs()}), len(list(self.bell.runs())))
        self.assertEqual(len(list(self.bell.tickers())), 10)
        self.assertEqual(sum(model["in_service"] for model in self.bell.models("KO")), 1)
        self.assertIn("reason", next(islice(self.bell.receipts("KO"), 1)))
        self.assertEqual(self.bell.results()["tickers"], 10)

    def test_problems_name_the_field(self) -> None:
        calls: list[tuple[Callable[[], object], int, Optional[str]]] = [
            (lambda: self.bell.forecast("NOBODY"), 404, None),
            (lambda: self.bell.forecast("KO", horizon=0), 400, "horizon"),
            (lambda: self.bell.start_run(["K0"]), 404, "tickers"),
            (lambda: Client(ADDRESS, token="wrong").start_run(), 401, None),
            (lambda: self.bell.rollback("KO", "yesterday's"), 400, "version"),
        ]
        for call, status, field in calls:
            with self.assertRaises(Problem) as raised:
                call()
            self.assertEqual((raised.exception.status, raised.exception.field), (status, field), str(raised.exception))

    def test_z_a_run_and_a_check(self) -> None:
        started = self.bell.start_run(["KO"], reason="the client's test")
        entry = self.bell.wait(started["run"], timeout=60, every=0.1)
        assert entry["closure"] is not None
        self.assertEqual(entry["closure"]["status"], "succeeded")
        self.assertEqual(self.bell.verify("KO")["ticker"], "KO")


class Tries(unittest.TestCase):
    """What may pass is asked for again, and writes are not."""

    def client(self, answers: list[httpx.Response]) -> tuple[Client, list[httpx.Request]]:
        asked: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return answers[min(len(asked), len(answers)) - 1]

        return Client("http://bell", token="t", transport=httpx.MockTransport(answer)), asked

    def test_reads_twice_more(self) -> None:
        busy = httpx.Response(503, headers={"retry-after": "0"}, json={"status": 503, "detail": "timed out"})
        bell, asked = self.client([busy, busy, httpx.Response(200, json=[])])
        self.assertEqual(list(bell.runs()), [])
        self.assertEqual(len(asked), 3)
        bell, asked = self.client([busy])
        with self.assertRaises(Problem):
            bell.results()
        self.assertEqual(len(asked), 3)

    def test_writes_once(self) -> None:
        bell, asked = self.client([httpx.Response(503, text="no")])
        with self.assertRaises(Problem) as raised:
            bell.start_run()
        self.assertEqual((len(asked), raised.exception.detail), (1, "no"))
        self.assertEqual(asked[0].headers["authorization"], "Bearer t")


if __name__ == "__main__":
    unittest.main()
