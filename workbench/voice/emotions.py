"""Which feelings do texts name, and how often?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, names
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.voice import labels as by_hand
from workbench.voice import lexicons
from workbench.voice.correction import METHOD, Correction, predictions
from workbench.voice.material import LANGUAGE, given
from workbench.voice.sentiments import told

if TYPE_CHECKING:
    from typing import Any

    from workbench.types import Table

ANSWER = Note(
    "voice.emotion_answer",
    "The feeling named most is {emotion:word}: by {estimate:%} of the texts ({low:%} to {high:%}; "
    "{n} texts, {labels} labelled by hand); the {model:word} alone says {scored:%}.",
)
GROUPS = Note(
    "voice.emotion_answer_groups",
    "The feeling named most is {emotion:word}, most often for {name:word}: by {estimate:%} of the "
    "texts ({low:%} to {high:%}; {n} texts); least often for {last:word} ({last_value:%}).",
)
UNSURE = Note(
    "voice.emotion_answer_unsure",
    "The feeling that the {model:word} finds most is {emotion:word}, in {scored:%} of {n} texts; "
    "how often it is wrong is not known, since too few of them are labelled by hand ({labels} of "
    "the {least} that are needed).",
)
NAMED = Note(
    "voice.emotion_limit",
    "A feeling that is named is a proxy of one that is felt: most of what people feel they do not "
    "write, and one text can name several.",
)


@engine.frames("texts", "labels", optional=("lexicon",))
@analysis
def emotion(
    texts: Table,
    labels: Table | None = None,
    *,
    by: str | None = None,
    lexicon: Table | None = None,
    model: Any | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Which feelings do texts name, corrected for the errors of lexicon or model?

    Parameters
    ----------
    texts : table with text_id, text, created_at
        customer_id where customers wrote several.
    labels : table with text_id, item, value, optional
        Labels by hand of item "emotion": `read_labels`. At least 200, drawn at random.
    by : str, optional
        Column that gives the group; "language_found": the language found.
    lexicon : table with word, polarity, emotion, optional
        In the place of ours.
    model : object with `predict_proba` and `classes_`, optional
        A classifier of texts into feelings, in the place of a lexicon.
    conf_level : float

    Returns
    -------
    Result
        group, emotion, basis (corrected, as_scored), n (texts), estimate (share that names it),
        std_error, conf_low, conf_high, labels (of the texts by hand), scored (what lexicon or
        model alone says). Joy, trust, fear, surprise, sadness, disgust, anger, anticipation.

    Raises InputError for a lexicon, model or labels that cannot be used, NotEnoughData without a
    text.

    Source: eight emotions: Plutchik (1980); shares: Angelopoulos et al. (2023), Science 382.
    """
    material = given(texts, by)
    found, material = _named(material, by, lexicon, model)
    value, weight = by_hand.of(material, labels, "emotion")
    correction = Correction(material, value, weight, conf_level)
    rows = []
    for group, mask in material.groups():
        key = {names.label(by): group} if by else {}
        for name in lexicons.EMOTIONS:
            label = correction.coded(lambda v, name=name: name in v.split(", "))
            rows.append({**key, "emotion": name, **correction.share(found[name], label, mask)})
    table = tidy(rows)
    said = "model" if model is not None else "lexicon"
    most = table.groupby("emotion", sort=False)["estimate"].mean().idxmax()
    notes = [note.having(emotion=most) for note in (ANSWER, GROUPS, UNSURE)]
    return Result(
        question=Note("voice.emotion_question", "Which feelings do texts name?"),
        table=table,
        answer=told(table[table["emotion"] == most], by, said, notes),
        method=METHOD.having(model=said),
        unit="texts",
        n=len(material),
        conf_level=conf_level,
        limits=(*correction.limits(table), *material.limits(), NAMED),
        chart=Points(
            label=[names.label(by), "emotion"] if by else ["emotion"],
            percent=True,
            xlabel=Note("voice.axis_share", "Share of the texts"),
        ),
    )


def _named(material, by, lexicon, model):
    """Return emotion → what is predicted of each text, and the texts in their groups."""
    read = None
    if model is None or by == LANGUAGE:
        read = material.read(lexicons.read(lexicon))
    if by == LANGUAGE:
        material = material.grouped(np.where(read.language == "", "unknown", read.language))
    if model is None:
        return dict(zip(lexicons.EMOTIONS, read.emotions.T * 1.0, strict=True)), material
    chance = predictions(model, material.text)
    none = np.zeros(len(material))
    return {name: chance.get(name, none) for name in lexicons.EMOTIONS}, material
