"""A random forest."""

from lagged import serve_regression
from sklearn.ensemble import RandomForestRegressor

serve_regression(lambda: RandomForestRegressor(n_estimators=50, min_samples_leaf=10, random_state=1, n_jobs=1))
