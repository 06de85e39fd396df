"""How positive or negative do people write, and how sure can we be of it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names
from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.voice import labels as by_hand
from workbench.voice import lexicons
from workbench.voice.correction import AS_SCORED, METHOD, Correction, predictions
from workbench.voice.material import LANGUAGE, SPOKEN, given

if TYPE_CHECKING:
    from typing import Any

    import pandas as pd

    from workbench.types import Table

STARS = (1, 5)
LOW = 2  # so many stars, or fewer, are a bad review
ANSWER = Note(
    "voice.sentiment_answer",
    "{estimate:%} of the texts are negative ({low:%} to {high:%}; {n} texts, {labels} labelled by "
    "hand); the {model:word} alone says {scored:%}.",
)
GROUPS = Note(
    "voice.sentiment_answer_groups",
    "The share of negative texts is highest for {name:word}: {estimate:%} ({low:%} to {high:%}; "
    "{n} texts); it is lowest for {last:word} ({last_value:%}).",
)
UNSURE = Note(
    "voice.sentiment_answer_unsure",
    "The {model:word} calls {scored:%} of {n} texts negative; how often it is wrong is not known, "
    "since too few of them are labelled by hand ({labels} of the {least} that are needed).",
)
NO_IRONY = Note(
    "voice.sentiment_limit",
    "A lexicon counts words: irony, words of the trade and complaints without a word of feeling "
    "escape it. Stars and text measure different things.",
)


@engine.frames("texts", "labels", optional=("lexicon",))
@analysis
def sentiment(
    texts: Table,
    labels: Table | None = None,
    *,
    by: str | None = None,
    lexicon: Table | None = None,
    model: Any | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How many texts are positive or negative, corrected for the errors of lexicon or model?

    Parameters
    ----------
    texts : table with text_id, text, created_at
        customer_id where customers wrote several; rating (1 to 5 stars) to stand beside; language
        where it is known ("nl", "en"), else it is found in each text.
    labels : table with text_id, item, value, optional
        Labels by hand of item "polarity": `read_labels`. At least 200, drawn at random.
    by : str, optional
        Column that gives the group, such as touchpoint; "language_found": the language found.
    lexicon : table with word, polarity (and language), optional
        In the place of ours.
    model : object with `predict_proba` and `classes_`, optional
        A classifier of texts into negative, neutral and positive, in the place of a lexicon.
    conf_level : float

    Returns
    -------
    Result
        group, measure, basis (corrected, as_scored, stars), count (of stars), n (texts), estimate,
        std_error, conf_low, conf_high, labels (of them by hand), scored (what lexicon or model
        alone says). Measures: negative, neutral, positive (shares), mean (from -1 to 1), and with
        a rating low_stars (share of 1 and 2) and mean_stars. Without enough labels estimates stand
        as scored and have no interval.

    Raises InputError for a lexicon, model or labels that cannot be used, NotEnoughData without a
    text.

    Source: Angelopoulos et al. (2023), Science 382; rules of the lexicon after Taboada et al.
    (2011), Computational Linguistics 37.
    """
    material = given(texts, by)
    tones, score, material = scores(material, by, lexicon, model)
    value, weight = by_hand.of(material, labels, "polarity")
    correction = Correction(material, value, weight, conf_level)
    rows = []
    for group, mask in material.groups():
        key = {names.label(by): group} if by else {}
        for tone in by_hand.TONES:
            label = correction.coded(lambda v, tone=tone: v == tone)
            rows.append({**key, "measure": tone, **correction.share(tones[tone], label, mask)})
        label = correction.coded(lambda v: by_hand.TONES.index(v) - 1)
        rows.append({**key, "measure": "mean", **correction.mean(score, label, mask, (-1, 1))})
        rows += [{**key, **row} for row in _stars(material, mask, conf_level)]
    table = tidy(rows)
    said = "model" if model is not None else "lexicon"
    return Result(
        question=Note(
            "voice.sentiment_question", "How many texts are negative, how many positive?"
        ),
        table=table,
        answer=told(table[table["measure"] == "negative"], by, said, (ANSWER, GROUPS, UNSURE)),
        method=METHOD.having(model=said),
        unit="texts",
        n=len(material),
        conf_level=conf_level,
        limits=(*correction.limits(table), *material.limits(), NO_IRONY),
        chart=Points(
            label=[names.label(by), "measure"] if by else ["measure"],
            only={"measure": list(by_hand.TONES)},
            percent=True,
            xlabel=Note("voice.axis_share", "Share of the texts"),
        ),
    )


@engine.frames("texts", optional=("lexicon",), kept=True)
@analysis
def score(texts: Table, *, lexicon: Table | None = None, model: Any | None = None) -> pd.DataFrame:
    """Give every text its language, polarity and tone, as the lexicon or model sees it.

    Parameters
    ----------
    texts, lexicon, model : as in `sentiment`

    Returns
    -------
    DataFrame
        text_id, language_found (nl, en or empty), polarity (-1 to 1), tone (negative, neutral,
        positive), words (in the text). A row a text that holds something, in the order of ids; the
        error of single texts is not known.

    Raises InputError as `sentiment`.

    Source: as `sentiment`.

    Examples
    --------
    >>> import pandas as pd
    >>> said = ["It is not good at all", "De levering was super snel"]
    >>> at = pd.Timestamp("2024-01-01")
    >>> made = score(pd.DataFrame({"text_id": [1, 2], "text": said, "created_at": at}))
    >>> made[["language_found", "tone"]].values.tolist()
    [['en', 'negative'], ['nl', 'positive']]
    """
    import pandas as pd

    material = given(texts)
    read = material.read(lexicons.read(lexicon))
    polarity = read.polarity
    if model is not None:
        chance = _three(model, material.text)
        polarity = chance["positive"] - chance["negative"]
        likely = np.stack([chance[tone] for tone in by_hand.TONES]).argmax(axis=0)
    else:
        likely = np.sign(polarity).astype(int) + 1
    return pd.DataFrame(
        {
            "text_id": material.rows["text_id"].to_numpy(),
            "language_found": read.language,
            "polarity": polarity,
            "tone": np.array(by_hand.TONES, object)[likely],
            "words": read.words.astype(int),
        }
    )


def scores(material, by, lexicon, model):
    """Return tone → what is predicted of each text, its polarity, and the texts in their groups."""
    read = None
    if model is None or by == LANGUAGE:
        read = material.read(lexicons.read(lexicon))
    if by == LANGUAGE:
        material = material.grouped(np.where(read.language == "", "unknown", read.language))
    if model is not None:
        tones = _three(model, material.text)
        return tones, tones["positive"] - tones["negative"], material
    side = np.sign(read.polarity)
    tones = {tone: (side == k - 1) * 1.0 for k, tone in enumerate(by_hand.TONES)}
    return tones, read.polarity, material


def _three(model, texts):
    """Return the probability of each tone; a class that the model does not know is never."""
    chance = predictions(model, texts)
    if not {"negative", "positive"} <= set(chance):
        raise InputError(
            "voice.error_classes",
            "model: its classes must be {wanted:text}, found {found:text}",
            wanted=list(by_hand.TONES),
            found=sorted(chance),
        )
    return {tone: chance.get(tone, np.zeros(len(texts))) for tone in by_hand.TONES}


def _stars(material, mask, conf_level):
    """Return the rows of the stars that stand beside texts; none without a rating."""
    import pandas as pd

    if "rating" not in material.rows:
        return []
    rating = pd.to_numeric(material.rows["rating"], errors="coerce").to_numpy(float)
    here = mask & (rating >= STARS[0]) & (rating <= STARS[1])
    if not here.any():
        return []
    stars, who = rating[here], material.who[here]
    mean = intervals.mean(stars, who, conf_level)
    bounds = np.clip([mean["conf_low"], mean["conf_high"]], *STARS)
    mean |= {"conf_low": float(bounds[0]), "conf_high": float(bounds[1])}
    return [
        {
            "measure": "low_stars",
            "basis": "stars",
            **intervals.share(stars <= LOW, who, conf_level),
        },
        {"measure": "mean_stars", "basis": "stars", **mean},
    ]


def told(table, by, model, notes):
    """Return the note of the only row, of the highest and lowest of several, or that the error is
    not known.
    """
    one, several, unsure = notes
    ranked = table.sort_values("estimate", ascending=False, kind="stable")
    sure = ranked[ranked["basis"] != AS_SCORED]
    if sure.empty:
        row = ranked.iloc[0]
        n, labels = int(table["n"].sum()), int(table["labels"].sum())
        scored = float((table["scored"] * table["n"]).sum() / max(n, 1)) if by else row["scored"]
        return unsure.having(model=model, scored=scored, n=n, labels=labels, least=by_hand.LEAST)
    top, last = sure.iloc[0], sure.iloc[-1]
    values = {
        "estimate": top["estimate"],
        "low": top["conf_low"],
        "high": top["conf_high"],
        "n": int(top["n"]),
    }
    if not by or len(sure) == 1:
        labels, scored = int(top["labels"]), top["scored"]
        return one.having(**values, labels=labels, scored=scored, model=model)
    name, lowest = top[names.label(by)], last[names.label(by)]
    if by == LANGUAGE:
        name, lowest = SPOKEN[name], SPOKEN[lowest]
    return several.having(**values, name=name, last=lowest, last_value=last["estimate"])
