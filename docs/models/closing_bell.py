"""A model of your own among Closing Bell's families: put this file beside yours, and call serve(fit, forecast).

    from closing_bell import serve

    def fit(series):
        return {"mean": sum(series.values) / len(series.values)}

    def forecast(model, series, horizon, ahead):
        return [model["mean"]] * horizon

    handler = serve(fit, forecast)

On one machine serve answers until its input ends; in AWS Lambda it is the function's handler (my_model.handler).

`series` has name, kind, cadence, seasons, horizon, columns (their names), and, up to the period that is forecast from: values, at (dates, times
or indices, as text) and known (a list for each column). `fit` sees the values of the window alone, and answers with whatever `forecast`
needs: it is pickled, and stored with the version. `ahead` has a list for each column, of the periods to come. `forecast` answers with a
number for each of them, or with those and a dictionary of quantiles, {0.1: [...], 0.9: [...]}. What is printed goes nowhere.
"""

import base64
import io
import json
import os
import pickle
import sys
import zlib


class Series:
    """What is known of one series."""

    def __init__(self, name, kind, cadence, seasons, horizon, columns):
        self.name, self.kind, self.cadence, self.seasons = name, kind, cadence, seasons
        self.horizon, self.columns = horizon, columns
        self.at, self.values, self.known = [], [], [[] for _ in columns]

    def since(self, first):
        """The same from a place on."""
        part = Series(self.name, self.kind, self.cadence, self.seasons, self.horizon, self.columns)
        part.at, part.values = self.at[first:], self.values[first:]
        part.known = [column[first:] for column in self.known]
        return part


class Conversation:
    """What is said about one series after the other, an answer for each message."""

    def __init__(self, fit, forecast):
        self.fit, self.forecast = fit, forecast
        self.series = self.model = self.text = None

    def answer(self, message):
        if "begin" in message:
            told = message["begin"]
            self.text = text = told["model"]
            self.series = Series(*(told[name] for name in ("series", "kind", "cadence", "seasons", "horizon", "columns")))
            self.model = pickle.loads(zlib.decompress(base64.b64decode(text))) if text else None
            return {}
        if "observe" not in message:
            self.text = self.text or written(self.model)
            return {"model": self.text}
        series, observed = self.series, message["observe"]
        series.at += observed["at"]
        series.values += observed["values"]
        for column, known in zip(series.known, observed["columns"]):
            column += known
        if "fit" in message:
            self.model, self.text = self.fit(series.since(message["fit"]["from"])), None
        if "forecast" not in message:
            return {}
        said = self.forecast(self.model, series, series.horizon, message["forecast"]["columns"])
        mean, quantiles = said if isinstance(said, tuple) else (said, {})
        return {"mean": plain(mean), "quantiles": {str(q): plain(ends) for q, ends in quantiles.items()}}


def serve(fit, forecast):
    """Answers until the input ends; in AWS Lambda, the handler that answers one event."""
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:

        def handler(event, context):
            conversation = Conversation(fit, forecast)
            return {"answers": [conversation.answer(message) for message in event["messages"]]}

        return handler
    answers, sys.stdout = sys.stdout, sys.stderr
    conversation = Conversation(fit, forecast)
    for line in sys.stdin:
        print(json.dumps(conversation.answer(json.loads(line)), allow_nan=False), file=answers, flush=True)


class Pickler(pickle._Pickler):
    """The same bytes for the same model: equal words are one, whatever the process has read before."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_str(self, word):
        word = sys.intern(word)
        known = self.memo.get(id(word))
        if known:
            self.write(self.get(known[0]))
        else:
            super().save_str(word)

    dispatch[str] = save_str


def written(model):
    """A model as text."""
    pickled = io.BytesIO()
    Pickler(pickled).dump(model)
    return base64.b64encode(zlib.compress(pickled.getvalue())).decode()


def plain(numbers):
    """Numbers that JSON knows."""
    return [float(number) for number in numbers]
