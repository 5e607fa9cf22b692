"""A law with a threshold, by the standard library alone: what follows large changes, and what follows small ones."""

from math import exp, log
from statistics import fmean, median

from closing_bell import serve


def levels(series):
    return [log(value) for value in series.values] if series.kind == "price" else series.values


def fit(series):
    y = levels(series)
    changes = [b - a for a, b in zip(y, y[1:])]
    bound = median(map(abs, changes))
    after = {True: [], False: []}
    for before, change in zip(changes, changes[1:]):
        after[abs(before) > bound].append(change)
    return {"bound": bound, "usual": fmean(changes), "after": {large: fmean(seen or [0.0]) for large, seen in after.items()}}


def forecast(model, series, horizon, ahead):
    before, last = levels(series)[-2:]
    first = last + model["after"][abs(last - before) > model["bound"]]
    mean = [first + model["usual"] * h for h in range(horizon)]
    return [exp(level) for level in mean] if series.kind == "price" else mean


handler = serve(fit, forecast)
