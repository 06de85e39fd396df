"""Who will come back, and what will come in? Predictions judged on a time they have not seen,
beside the simplest rule.
"""

from workbench.prediction.planning import Plan, forecast
from workbench.prediction.reliability import calibration
from workbench.prediction.returning import Prediction, traits, will_return

__all__ = ["Plan", "Prediction", "calibration", "forecast", "traits", "will_return"]
