"""Regressions of scikit-learn on what the last values were: for each number of periods ahead one of its own."""

import numpy as np
from closing_bell import serve

LAGS = 5


def levels(series):
    """Changes of prices are relative."""
    values = np.asarray(series.values)
    return np.log(values) if series.kind == "price" else values


def features(series, y):
    """A row for each period that has enough before it: the last changes, newest first, and what was known of the period."""
    known = np.asarray(series.known, dtype=float).reshape(len(series.columns), len(series.values))[:, -len(y) :]
    changes = np.diff(y)
    rows = range(LAGS, len(changes) + 1)
    return np.asarray([np.concatenate([changes[t - LAGS : t][::-1], known[:, t]]) for t in rows])


def serve_regression(new):
    """Serves whatever `new()` makes."""

    def fit(series):
        y = levels(series)
        x = features(series, y)
        targets = [y[LAGS + h :] - y[LAGS:-h] for h in range(1, series.horizon + 1)]
        return [new().fit(x[: len(target)], target) for target in targets]

    def forecast(models, series, horizon, ahead):
        y = levels(series)[-LAGS - 1 :]
        x = features(series, y)
        mean = [y[-1] + model.predict(x)[0] for model in models[:horizon]]
        return np.exp(mean) if series.kind == "price" else mean

    handler = serve(fit, forecast)
