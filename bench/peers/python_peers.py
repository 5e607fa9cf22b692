"""Times statsforecast, pmdarima and statsmodels: FILE TASK COUNT TOOL, prints tool TAB task TAB series TAB seconds a series."""

import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")


def fitter(tool, task, period):
    """What fits one series, and the tool's full name."""
    if tool.startswith("statsforecast"):
        import statsforecast
        from statsforecast.arima import arima_string  # noqa: F401  (compiles nothing, but fails early)
        from statsforecast.models import ARIMA, AutoARIMA

        name = f"statsforecast {statsforecast.__version__}"
        if task == "fixed":
            return lambda y: ARIMA(order=(2, 1, 2), season_length=1).fit(y), name
        if tool.endswith("approximation"):
            return lambda y: AutoARIMA(season_length=period, approximation=True).fit(y), name + ", approximation"
        return lambda y: AutoARIMA(season_length=period).fit(y), name
    if tool == "pmdarima":
        import pmdarima

        name = f"pmdarima {pmdarima.__version__}"
        return lambda y: pmdarima.auto_arima(y, seasonal=period > 1, m=period, max_p=5, max_q=5), name
    import statsmodels
    from statsmodels.tsa.arima.model import ARIMA as Arima

    return lambda y: Arima(y, order=(2, 1, 2)).fit(), f"statsmodels {statsmodels.__version__}"


def main():
    file, task, count, tool = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    rows = [line.split(",") for line in open(file).read().splitlines()[:count]]
    series = [(int(row[1]), np.array([float(v) for v in row[3:]])) for row in rows]
    fit, name = fitter(tool, task, series[0][0])
    fit(series[0][1])  # Compilation is not counted.
    seconds, done = 0.0, 0
    for _, y in series:
        start = time.process_time()
        try:
            fit(y)
            done += 1
        except Exception as error:  # A peer that fails on a series still took its time.
            print(f"{name}: {error}", file=sys.stderr)
        seconds += time.process_time() - start
    print(f"{name}\t{task}\t{done}\t{seconds / count}")


main()
