"""Gradient boosting. XGBoost's and LightGBM's regressors fit in the same place."""

from lagged import serve_regression
from sklearn.ensemble import HistGradientBoostingRegressor

serve_regression(lambda: HistGradientBoostingRegressor(max_iter=60, max_depth=3, learning_rate=0.1, random_state=1))
