"""How is the journey lived through: a map of stages and touchpoints, the emotion curve, whom it
speaks for, and what was expected.
"""

from workbench.experience.curves import emotion_curve
from workbench.experience.expected import disconfirmation
from workbench.experience.hidden import hidden_answers
from workbench.experience.latent import latent_curve
from workbench.experience.maps import journey_map
from workbench.experience.represented import representativeness

__all__ = [
    "disconfirmation",
    "emotion_curve",
    "hidden_answers",
    "journey_map",
    "latent_curve",
    "representativeness",
]
