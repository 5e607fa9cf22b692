"""A typed client for the HTTP API of Closing Bell."""

from ._client import Client, Problem
from ._types import (
    Closure,
    Coverage,
    Forecast,
    Interval,
    Model,
    NewestForecast,
    Run,
    RunLine,
    Score,
    Skill,
    Started,
    Step,
    Ticker,
)

__all__ = [
    "Client",
    "Closure",
    "Coverage",
    "Forecast",
    "Interval",
    "Model",
    "NewestForecast",
    "Problem",
    "Run",
    "RunLine",
    "Score",
    "Skill",
    "Started",
    "Step",
    "Ticker",
]
