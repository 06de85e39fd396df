"""Who will come back, and what will come in? Predictions judged on a time they have not seen,
beside the simplest rule.
"""

from workbench.prediction.forecasting import Plan, forecast
from workbench.prediction.propensity import Prediction, features, repurchase_propensity
from workbench.prediction.reliability import calibration

__all__ = ["Plan", "Prediction", "calibration", "features", "forecast", "repurchase_propensity"]
