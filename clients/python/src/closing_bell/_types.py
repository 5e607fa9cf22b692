"""The shapes of answers, as `/openapi.json` describes them."""

from __future__ import annotations

from typing import Any, Literal, Optional, TypedDict


class Interval(TypedDict):
    """A prediction interval; `level` is in percent."""

    level: float
    lower: float
    upper: float


class Step(TypedDict):
    """The forecast of one period."""

    horizon: int
    date: str
    mean: float
    intervals: list[Interval]


class Skill(TypedDict):
    """1 minus the mean absolute error over the baseline's; `None` where that made no error."""

    value: Optional[float]
    n: int
    source: Literal["live", "record"]


class Coverage(TypedDict):
    """How often intervals of a level held."""

    level: float
    realised: float
    n: int
    source: Literal["live", "record"]


class Forecast(TypedDict):
    """The answer of `/forecast/{ticker}`."""

    ticker: str
    origin: str
    bar: Literal["final", "preliminary"]
    version: str
    model: str
    horizons: list[Step]
    skill: Skill
    coverage: list[Coverage]
    notice: str


class NewestForecast(TypedDict):
    """A row of `/forecasts`."""

    ticker: str
    origin: str
    version: str
    model: str
    horizons: list[Step]


class Ticker(TypedDict):
    """A row of `/tickers`."""

    ticker: str
    status: Literal["done", "failed", "skipped"]
    verdict: Optional[str]
    reason: str
    origin: Optional[str]
    last: Optional[float]
    model: Optional[str]
    version: Optional[str]
    since: Optional[str]
    skill: Optional[Skill]
    coverage: list[Coverage]


class Model(TypedDict):
    """A row of `/models/{ticker}`."""

    version: str
    model: str
    first: str
    last: str
    observations: int
    coefficients: list[tuple[str, float]]
    sigma2: Optional[float]
    aicc: Optional[float]
    in_service: bool


class Score(TypedDict, total=False):
    """A row of `/scores/{ticker}`: a past forecast beside what happened. Errors of prices are fractions of the price at the origin."""

    version: str
    specification: Any
    origin: str
    horizon: int
    date: str
    prices: dict[str, float]
    error: float
    naive_error: float
    inside: list[tuple[float, bool]]


class RunLine(TypedDict):
    """A row of `/runs`."""

    run: str
    as_of: str
    trigger: str
    status: Optional[Literal["succeeded", "partial", "failed", "no session"]]
    done: int
    failed: int
    skipped: int
    opened_at: str
    closed_at: Optional[str]


class Closure(TypedDict, total=False):
    """How a run ended, with every ticker's outcome."""

    status: Literal["succeeded", "partial", "failed", "no session"]
    done: int
    failed: int
    skipped: int
    tickers: list[dict[str, Any]]


class Run(TypedDict):
    """The answer of `/runs/{run}`; `closure` is `None` while it is open."""

    run: dict[str, Any]
    opened_at: str
    closed_at: Optional[str]
    closure: Optional[Closure]


class Started(TypedDict, total=False):
    """That a run is under way."""

    request: str
    run: str
