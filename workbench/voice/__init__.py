"""What do people write: how positive, what they feel, of which things they speak; and how sure can
we be of it?
"""

from workbench.voice.aspects import aspects, mentions
from workbench.voice.emotions import emotion
from workbench.voice.labels import labelling_sheet, read_labels
from workbench.voice.masks import mask
from workbench.voice.quotes import quotes
from workbench.voice.sentiments import score, sentiment
from workbench.voice.star_ratings import reviews
from workbench.voice.topics import topics

__all__ = [
    "aspects",
    "emotion",
    "labelling_sheet",
    "mask",
    "mentions",
    "quotes",
    "read_labels",
    "reviews",
    "score",
    "sentiment",
    "topics",
]
