"""The client."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, cast
from urllib.parse import quote

import httpx

from ._types import Forecast, Model, NewestForecast, Run, RunLine, Score, Started, Ticker

if TYPE_CHECKING:
    import pandas

#: Tries of a read, the first one among them.
TRIES = 3
#: The longest pause between them, in seconds.
LONGEST_PAUSE = 30.0
#: Rows of a page.
PAGE = 1_000


class Problem(Exception):
    """A problem document (RFC 9457)."""

    def __init__(self, status: int, detail: str, field: Optional[str] = None) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail
        self.field = field


class Client:
    """A connection to `closing-bell serve`, or to the function URL of a deployment that is open to everyone.

    `token` is the one that `serve` prints, for whatever starts runs or decides. `auth` and `transport` are httpx's, for signed calls and for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        token: Optional[str] = None,
        timeout: float = 10.0,
        auth: Optional[httpx.Auth] = None,
        transport: Optional[httpx.BaseTransport] = None,
    ) -> None:
        headers = {"accept": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout, auth=auth, transport=transport)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    # What reads.

    def forecast(self, ticker: str, *, horizon: Optional[int] = None, levels: Sequence[float] = ()) -> Forecast:
        """The forecast of the model in service, with its measured skill and coverage; levels are percent."""
        query: list[tuple[str, str]] = [("level", f"{level:g}") for level in levels]
        if horizon is not None:
            query.append(("horizon", str(horizon)))
        return cast(Forecast, self._read(f"/forecast/{quote(ticker)}", query).json())

    def forecasts(self) -> Iterator[NewestForecast]:
        """The newest forecast of every ticker, by name."""
        return cast(Iterator[NewestForecast], self._list("/forecasts"))

    def forecasts_frame(self) -> pandas.DataFrame:
        """The same as a frame: one row for each ticker and period ahead, with a column for each end of each interval."""
        import pandas

        rows = []
        for forecast in self.forecasts():
            for step in forecast["horizons"]:
                row: dict[str, Any] = {
                    "ticker": forecast["ticker"],
                    "origin": forecast["origin"],
                    "date": step["date"],
                    "horizon": step["horizon"],
                    "mean": step["mean"],
                }
                for interval in step["intervals"]:
                    row[f"lower_{interval['level']:g}"] = interval["lower"]
                    row[f"upper_{interval['level']:g}"] = interval["upper"]
                row["model"] = forecast["model"]
                row["version"] = forecast["version"]
                rows.append(row)
        frame = pandas.DataFrame(rows)
        for column in ("origin", "date"):
            # Of a series without dates they are numbers, and stay text.
            if column in frame:
                dates = pandas.to_datetime(frame[column], format="ISO8601", errors="coerce", utc=False)
                if dates.notna().all():
                    frame[column] = dates
        return frame

    def tickers(self) -> Iterator[Ticker]:
        """Every ticker as its newest night left it."""
        return cast(Iterator[Ticker], self._list("/tickers"))

    def models(self, ticker: str) -> Iterator[Model]:
        """The stored versions of a ticker, newest first."""
        return cast(Iterator[Model], self._list(f"/models/{quote(ticker)}"))

    def receipts(self, ticker: str) -> Iterator[dict[str, Any]]:
        """Every verdict on a ticker, with its inputs and its reason, newest first."""
        return self._list(f"/receipts/{quote(ticker)}")

    def scores(self, ticker: str) -> Iterator[Score]:
        """Every past forecast of a ticker beside what happened, newest first."""
        return cast(Iterator[Score], self._list(f"/scores/{quote(ticker)}"))

    def runs(self) -> Iterator[RunLine]:
        """The runs, newest first."""
        return cast(Iterator[RunLine], self._list("/runs"))

    def run(self, run: str) -> Run:
        """One run with every ticker's outcome."""
        return cast(Run, self._read(f"/runs/{quote(run)}").json())

    def results(self) -> dict[str, Any]:
        """All nights added up."""
        return cast(dict[str, Any], self._read("/results").json())

    # What writes, with the token.

    def start_run(
        self,
        tickers: Sequence[str] = (),
        *,
        as_of: Optional[str] = None,
        reason: str = "",
        train: bool = False,
    ) -> Started:
        """Starts a run now, and does not wait for its end: no tickers for the watchlist, no day for the last session."""
        body: dict[str, Any] = {"tickers": list(tickers), "reason": reason, "train": train}
        if as_of is not None:
            body["as_of"] = as_of
        return cast(Started, self._write("/runs", body))

    def complete_run(self, run: str, *, reason: str = "") -> Started:
        """Tries again what failed in a run, or goes on with one that was cut off."""
        return cast(Started, self._write(f"/runs/{quote(run)}", {"reason": reason}))

    def wait(self, run: str, *, timeout: float = 3_600.0, every: float = 1.0) -> Run:
        """Waits until a run is closed; `TimeoutError` where it is not in time."""
        end = time.monotonic() + timeout
        while True:
            entry = self.run(run)
            if entry["closure"] is not None:
                return entry
            if time.monotonic() >= end:
                raise TimeoutError(f"run {run} is not closed after {timeout:g} s")
            time.sleep(every)

    def rollback(self, ticker: str, version: str, *, reason: str = "") -> dict[str, Any]:
        """Puts an earlier version into service again, and pins it there."""
        return self._write(f"/tickers/{quote(ticker)}/rollback", {"version": version, "reason": reason})

    def release(self, ticker: str, *, reason: str = "") -> dict[str, Any]:
        """Releases what a rollback pinned."""
        return self._write(f"/tickers/{quote(ticker)}/release", {"reason": reason})

    def verify(self, ticker: str) -> dict[str, Any]:
        """Has the newest verdict reached again from what is stored."""
        return self._write(f"/tickers/{quote(ticker)}/verify", {})

    # How.

    def _list(self, path: str) -> Iterator[dict[str, Any]]:
        """The rows of a list, page by page."""
        url: Optional[str] = path
        query: Sequence[tuple[str, str]] = [("limit", str(PAGE))]
        while url is not None:
            answer = self._read(url, query)
            yield from answer.json()
            following = answer.links.get("next", {}).get("url")
            url, query = following, ()

    def _read(self, path: str, query: Sequence[tuple[str, str]] = ()) -> httpx.Response:
        for tried in range(1, TRIES + 1):
            try:
                answer = self._http.get(path, params=list(query) or None)
            except httpx.TransportError:
                if tried == TRIES:
                    raise
                self._pause(tried, None)
                continue
            if answer.status_code == 503 and tried < TRIES:
                self._pause(tried, answer.headers.get("retry-after"))
                continue
            return self._checked(answer)
        raise AssertionError("every try returns or raises")

    def _write(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Once: what was not answered may have been done."""
        return cast(dict[str, Any], self._checked(self._http.post(path, json=body)).json())

    @staticmethod
    def _pause(tried: int, asked: Optional[str]) -> None:
        usual = 0.2 * 2.0**tried * random.uniform(0.5, 1.5)
        pause = float(asked) if asked is not None and asked.isdigit() else usual
        time.sleep(min(pause, LONGEST_PAUSE))

    @staticmethod
    def _checked(answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        try:
            problem = answer.json()
            detail, field = str(problem["detail"]), problem.get("field")
        except (ValueError, KeyError, TypeError):
            detail, field = answer.text[:200] or answer.reason_phrase, None
        raise Problem(answer.status_code, detail, field)
