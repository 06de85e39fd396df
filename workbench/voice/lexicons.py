"""Words of feeling: our own in Dutch and English, or a lexicon of the user's."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from workbench import engine
from workbench.errors import InputError, need_columns, one_of

LANGUAGES = ("nl", "en")
EMOTIONS = (
    *("joy", "trust", "fear", "surprise"),
    *("sadness", "disgust", "anger", "anticipation"),
)
STRONGEST = 2.0  # our own weights run from -2 to 2, polarity from -1 to 1
_ROLES = ("negators", "stronger", "weaker", "breaks", "late", "common")


@dataclass(frozen=True, eq=False)
class Lexicon:
    """What words say in each language.

    `polarity` and `emotions`: language → word → from -1 to 1, and the emotions it names;
    `roles`: language → what a word does to others → words.
    """

    polarity: dict
    emotions: dict
    roles: dict


@cache
def own():
    """Return our own lexicon, with aspects: language → aspect → words."""
    import yaml

    text = (files("workbench.voice") / "lexicon.yml").read_text(encoding="utf-8")
    told = yaml.safe_load(text)
    polarity, emotions, roles, aspects = {}, {}, {}, {}
    for language, book in told.items():
        polarity[language] = {
            word: weight / STRONGEST
            for weight, words in book["polarity"].items()
            for word in spelled(words)
        }
        emotions[language] = {}
        for emotion, words in book["emotion"].items():
            for word in spelled(words):
                emotions[language].setdefault(word, set()).add(emotion)
        roles[language] = {role: set(spelled(book[role])) for role in _ROLES}
        aspects[language] = {a: spelled(words) for a, words in book["aspects"].items()}
    return Lexicon(polarity, emotions, roles), aspects


def spelled(words):
    """Return the words that a line of the lexicon stands for.

    >>> spelled("quick/ly slow")
    ['quick', 'quickly', 'slow']
    """
    found = []
    for word in words.split():
        stem, *endings = word.split("/")
        found += [stem, *(stem + ending for ending in endings)]
    return found


def read(lexicon=None):
    """Return the lexicon to score with: our own, or that of a table.

    Parameters
    ----------
    lexicon : table with word, polarity, optional
        polarity from -1 to 1; language ("nl" or "en") where a word is of one; emotion where it
        names one. It takes the place of our words of feeling; negation and words that strengthen
        stay ours.

    Raises
    ------
    InputError
        For a polarity outside -1 to 1, another language or emotion, or a word with two
        polarities.
    """
    ours, _ = own()
    if lexicon is None:
        return ours
    table = engine.frame(lexicon)
    need_columns("lexicon", table.columns, "word", "polarity")
    table = table.dropna(subset=["word", "polarity"])
    weight = np.asarray(table["polarity"], float)
    wrong = ~(np.abs(weight) <= 1)
    if wrong.any():
        raise InputError(
            "voice.error_polarity",
            "lexicon: polarity must lie between {low} and {high}; {n} words have another, such as "
            "'{word}' ({value:plain})",
            low=-1,
            high=1,
            n=int(wrong.sum()),
            word=str(table["word"].to_numpy()[wrong][0]),
            value=float(weight[wrong][0]),
        )
    polarity, emotions = ({language: {} for language in LANGUAGES} for _ in range(2))
    for row in table.to_dict("records"):
        word = str(row["word"]).lower().strip()
        for language in _languages(row):
            if polarity[language].setdefault(word, row["polarity"]) != row["polarity"]:
                raise InputError(
                    "voice.error_word_twice",
                    "lexicon: '{word}' has two polarities; keep one of them",
                    word=word,
                )
            if _told(row, "emotion"):
                emotion = one_of_emotions(row["emotion"])
                emotions[language].setdefault(word, set()).add(emotion)
    return Lexicon(polarity, emotions if "emotion" in table else ours.emotions, ours.roles)


def one_of_emotions(name):
    """Return an emotion as it is written here; refuse another."""
    name = str(name).strip().lower()
    one_of("emotion", name, EMOTIONS)
    return name


def _languages(row):
    """Return the languages a word of a table is of; all where none is named."""
    if not _told(row, "language"):
        return LANGUAGES
    language = str(row["language"]).strip().lower()
    one_of("language", language, LANGUAGES)
    return (language,)


def _told(row, column):
    value = row.get(column)
    return value is not None and value == value and str(value).strip() != ""
