"""A small neural network."""

from lagged import serve_regression
from sklearn.compose import TransformedTargetRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def new():
    network = MLPRegressor(hidden_layer_sizes=(16,), alpha=0.01, max_iter=300, random_state=1)
    return TransformedTargetRegressor(make_pipeline(StandardScaler(), network), transformer=StandardScaler())


serve_regression(new)
