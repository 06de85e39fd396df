"""Of which things do texts speak, and in which tone?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, names
from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.voice import labels as by_hand
from workbench.voice import lexicons
from workbench.voice.correction import METHOD, Correction
from workbench.voice.material import given
from workbench.voice.sentiments import told

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from workbench.types import Table

MENTIONED = "mentioned"
ANSWER = Note(
    "voice.aspects_answer",
    "Texts that speak of {aspect:word} are most often negative about it: {estimate:%} ({low:%} to "
    "{high:%}; {n} texts name it); least often those on {last_aspect:word} ({last_value:%}).",
)
ONE = Note(
    "voice.aspects_answer_one",
    "{estimate:%} of the texts that speak of {aspect:word} are negative about it ({low:%} to "
    "{high:%}; {n} texts name it, {labels} labelled by hand); the {model:word} alone says "
    "{scored:%}.",
)
UNSURE = Note(
    "voice.aspects_answer_unsure",
    "By the {model:word}, {aspect:word} has the largest share of negative texts, {scored:%}, over "
    "{n} mentions of all aspects; how often it is wrong is not known, since too few are labelled "
    "by hand ({labels} of the {least} texts that are needed).",
)
CLAUSE = Note(
    "voice.aspects_limit",
    "An aspect is found by its words, its tone by the words of feeling in the same clause: who "
    "names a thing without its word is not found.",
)


@engine.frames("texts", "labels", optional=("lexicon",))
@analysis
def aspects(
    texts: Table,
    labels: Table | None = None,
    *,
    words: Mapping | None = None,
    lexicon: Table | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Of which things do texts speak, and how negative are they about each?

    Parameters
    ----------
    texts : table with text_id, text, created_at
        customer_id where customers wrote several.
    labels : table with text_id, item, value, optional
        Labels by hand of items "aspect_NAME" (absent, negative, neutral, positive): `read_labels`.
        At least 200 an aspect, drawn at random among all texts.
    words : dict, optional
        Aspect → words that name it; one that ends in * stands for all that begin so. None: ours
        for a shop (price, quality, delivery, service, usability, range).
    lexicon : table with word, polarity, optional
        In the place of ours.
    conf_level : float

    Returns
    -------
    Result
        aspect, measure, basis (corrected, as_scored), n (texts; for the tone those that are found
        to speak of it), estimate, std_error, conf_low, conf_high, labels, scored. Measures:
        mentioned (share of all texts), negative and positive (shares of the texts that speak of
        it).

    Raises InputError for a dictionary, lexicon or labels that cannot be used, NotEnoughData without
    a text.

    Source: aspect and tone as two tasks: Pontiki et al. (2014), SemEval-2014 Task 4; shares:
    Angelopoulos et al. (2023), Science 382.
    """
    material = given(texts)
    book = _dictionary(words)
    listed = list(book["nl"])
    read = material.read(lexicons.read(lexicon), book)
    everything, rows, corrections = np.ones(len(material), bool), [], []
    for number, name in enumerate(listed):
        value, weight = by_hand.of(material, labels, by_hand.ASPECT + name)
        correction = Correction(material, value, weight, conf_level)
        corrections.append(correction)
        rows += _rows(name, read.aspects[:, number], correction, everything)
    table = tidy(rows)
    known = max(corrections, key=lambda c: c.labels)
    return Result(
        question=Note("voice.aspects_question", "Of which things do texts speak, and how?"),
        table=table,
        answer=_said(table, known),
        method=METHOD.having(model="lexicon"),
        unit="texts",
        n=len(material),
        conf_level=conf_level,
        limits=(*known.limits(table), *material.limits(), CLAUSE),
        chart=Points(
            label=["aspect", "measure"],
            percent=True,
            xlabel=Note("voice.axis_aspects", "Share of all texts, and of those that name it"),
        ),
    )


@engine.frames("texts", optional=("lexicon",), kept=True)
@analysis
def mentions(
    texts: Table, *, words: Mapping | None = None, lexicon: Table | None = None
) -> pd.DataFrame:
    """List the things each text speaks of, and how: a row a text and thing.

    Parameters
    ----------
    texts, words, lexicon : as in `aspects`

    Returns
    -------
    DataFrame
        text_id, aspect, tone (negative, neutral, positive), in the order of ids; a text that speaks
        of none of them has no row. The error of single texts is not known.

    Raises as `aspects`.

    Source: as `aspects`.

    Examples
    --------
    >>> import pandas as pd
    >>> said = pd.DataFrame({"text_id": [1], "text": ["far too expensive"]})
    >>> mentions(said.assign(created_at=pd.Timestamp("2024-01-01"))).values.tolist()
    [[1, 'price', 'negative']]
    """
    import pandas as pd

    material = given(texts)
    book = _dictionary(words)
    tone = material.read(lexicons.read(lexicon), book).aspects
    row, place = np.nonzero(~np.isnan(tone))
    return pd.DataFrame(
        {
            "text_id": material.rows["text_id"].to_numpy()[row],
            "aspect": np.array(list(book["nl"]), object)[place],
            "tone": np.array(by_hand.TONES, object)[np.sign(tone[row, place]).astype(int) + 1],
        }
    )


def _rows(name, tone, correction, mask):
    """Return the rows of one aspect: how often it is named, and how."""
    spoken = (~np.isnan(tone)) * 1.0
    named = correction.coded(lambda v: v != by_hand.ABSENT)
    made = [
        {"aspect": name, "measure": MENTIONED, **correction.share(spoken, named, mask)},
    ]
    for side, sign in (("negative", -1), ("positive", 1)):
        said = (np.sign(np.nan_to_num(tone)) == sign) * spoken
        label = correction.coded(lambda v, side=side: v == side)
        numbers = correction.share_of((said, label), (spoken, named), mask)
        made.append({"aspect": name, "measure": side, **numbers})
    return made


def _dictionary(words):
    """Return language → aspect → words, in both languages those of the user where there are any."""
    if words is None:
        return lexicons.own()[1]
    if not isinstance(words, dict) or not words:
        raise InputError(
            "voice.error_aspects",
            "words: a dictionary of aspects is needed, each with its words, such as {{'price': "
            "['price*', 'cost*']}}; found {found}",
            found=type(words).__name__,
        )
    book = {
        names.written(name): {str(w).lower().strip() for w in names.several(those)} - {"", "*"}
        for name, those in words.items()
    }
    empty = [name for name, those in book.items() if not those or not name]
    if empty:
        raise InputError(
            "voice.error_aspect_empty",
            "words: the aspect '{name}' has no words",
            name=empty[0],
        )
    return dict.fromkeys(lexicons.LANGUAGES, book)


def _said(table, correction):
    """Return the note of the aspect of which most texts are negative."""
    tone = table[(table["measure"] == "negative") & table["estimate"].notna()]
    if tone.empty:
        return ONE.having(estimate=float("nan"), n=int(table["n"].max()))
    first = tone.sort_values("estimate", ascending=False, kind="stable")["aspect"].iloc[0]
    notes = (ONE.having(aspect=first), ANSWER, UNSURE.having(aspect=first))
    several = "aspect" if len(tone) > 1 else None
    note = told(tone, several, "lexicon", notes)
    if note.id == ANSWER.id:
        values = dict(note.values)
        return ANSWER.having(aspect=values.pop("name"), last_aspect=values.pop("last"), **values)
    if note.id == UNSURE.id:
        scored = tone.loc[tone["aspect"] == first, "scored"].iloc[0]
        return note.having(labels=correction.labels, scored=float(scored))
    return note
