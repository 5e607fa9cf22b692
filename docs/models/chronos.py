"""A model that needs no training, Amazon's Chronos-Bolt, by `pip install chronos-forecasting` and its weights in a folder:

    families = [{ command = "python3 chronos.py weights/chronos-bolt-small", files = ["weights"], memory = 8000, timeout = "2m" }]

It may have seen the past of a series in its own training: what it says of the nights to come is what counts.
"""

import pathlib
import sys

from closing_bell import serve

WEIGHTS = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "weights/chronos-bolt-small")
if not (WEIGHTS / "config.json").is_file():
    sys.exit(f"the weights of Chronos are not at {WEIGHTS}: download amazon/chronos-bolt-small there, and name the folder in files")

import torch  # noqa: E402
from chronos import BaseChronosPipeline  # noqa: E402

PIPELINE = BaseChronosPipeline.from_pretrained(str(WEIGHTS), device_map="cpu")


def forecast(model, series, horizon, ahead):
    values = torch.tensor(series.values[-512:])
    quantiles, mean = PIPELINE.predict_quantiles(values, prediction_length=horizon, quantile_levels=[0.1, 0.9])
    return mean[0].tolist(), {0.1: quantiles[0, :, 0].tolist(), 0.9: quantiles[0, :, 1].tolist()}


handler = serve(lambda series: None, forecast)
