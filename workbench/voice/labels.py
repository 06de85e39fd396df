"""Labels by hand: a sheet is drawn, filled in and read back; what it cannot mean is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, names
from workbench.errors import DataError, InputError, NotEnoughData, need_columns
from workbench.notes import Note, say
from workbench.personal_data import masked
from workbench.results import analysis
from workbench.voice.lexicons import EMOTIONS
from workbench.voice.material import given

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from workbench.types import Table

LEAST = 200  # labels below which the error of a model is not told
TONES = ("negative", "neutral", "positive")
ABSENT, NONE = "absent", "none"
ASPECT = "aspect_"
KEYS = ("text_id", "text", "weight", "group")


@engine.frames("texts", kept=True)
@analysis
def labelling_sheet(
    texts: Table, *, n: int = 300, by: str | None = None, aspects: Sequence[str] = (), seed: int = 1
) -> pd.DataFrame:
    """Draw texts at random to be labelled by hand, their personal data masked.

    Parameters
    ----------
    texts : table with text_id, text, created_at
    n : int
        Texts to label; at least 200 are needed for a correction.
    by : str, optional
        Column of groups of which the same number is drawn each.
    aspects : sequence of str
        Aspects to be labelled too.
    seed : int

    Returns
    -------
    DataFrame
        text_id, text, group (with `by`), weight (for how many texts each stands), and to be filled
        in: polarity (negative, neutral, positive), emotion (none, or one or more of joy, trust,
        fear, surprise, sadness, disgust, anger, anticipation, with commas between) and a column
        aspect_NAME each (absent, negative, neutral, positive). What is left empty is not labelled.

    Raises InputError for a number below 1, NotEnoughData without texts.

    Source: simple random and stratified sampling, Cochran (1977), Sampling Techniques, ch. 2, 5.
    """
    import pandas as pd

    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise InputError(
            "voice.error_sheet_size",
            "n: a whole number of texts is needed, found {n:repr}",
            n=n,
        )
    material = given(texts, by)
    rng = np.random.default_rng(seed)
    groups = [mask for _, mask in material.groups()]
    each, parts = -(-n // len(groups)), []
    for mask in groups:
        rows = np.flatnonzero(mask)
        drawn = np.sort(rng.choice(rows, min(each, len(rows)), replace=False))
        parts.append((drawn, np.full(len(drawn), len(rows) / max(len(drawn), 1))))
    drawn = np.concatenate([p[0] for p in parts])
    sheet = pd.DataFrame(
        {
            "text_id": material.rows["text_id"].to_numpy()[drawn],
            "text": masked(material.text[drawn]),
        }
    )
    if by:
        sheet["group"] = material.group[drawn]
    sheet["weight"] = np.concatenate([p[1] for p in parts])
    empty = ["polarity", "emotion", *(ASPECT + name for name in names.listed(aspects))]
    return sheet.assign(**{name: pd.Series([None] * len(sheet), dtype=object) for name in empty})


@engine.frames("sheet", kept=True)
@analysis
def read_labels(sheet: Table) -> pd.DataFrame:
    """Read a labelling sheet back that was filled in by hand.

    Parameters
    ----------
    sheet : table with text_id
        As `labelling_sheet` makes it: polarity, emotion and aspect_NAME where they were labelled.

    Returns
    -------
    DataFrame
        text_id, item, value, weight: a row a label; empty cells are no labels.

    Raises
    ------
    DataError
        For a text that stands twice, or a label that is none of those known; `.problems` lists
        them with their rows.
    NotEnoughData
        Where nothing was filled in.

    Source: the labels are those of `labelling_sheet`.

    Examples
    --------
    >>> import pandas as pd
    >>> read_labels(pd.DataFrame({"text_id": [7, 8], "polarity": ["Negative", None]}))
       text_id      item     value  weight
    0        7  polarity  negative     1.0
    """
    import pandas as pd

    need_columns("sheet", sheet.columns, "text_id")
    items = [c for c in sheet if c in ("polarity", "emotion") or str(c).startswith(ASPECT)]
    weight = sheet["weight"] if "weight" in sheet else pd.Series(1.0, index=sheet.index)
    parts = []
    for item in items:
        value = sheet[item].map(_tidied)
        here = value.notna().to_numpy()
        parts.append(
            pd.DataFrame(
                {
                    "text_id": sheet["text_id"].to_numpy()[here],
                    "item": item,
                    "value": value[here].to_numpy(),
                    "weight": pd.to_numeric(weight, errors="coerce").to_numpy(float)[here],
                }
            )
        )
    made = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if made.empty:
        raise NotEnoughData("voice.error_no_labels", "labels: nothing was filled in")
    return _checked(made)


def _tidied(value):
    """Return a label as it is written here; None where the cell is empty."""
    if value is None or value != value or not str(value).strip():
        return None
    return ", ".join(part.strip().lower() for part in str(value).replace(";", ",").split(","))


def _checked(made):
    """Return labels, or raise a DataError that lists what they cannot mean."""
    import pandas as pd

    item = made["item"].astype(str)
    missing = made["text_id"].isna() | made["value"].isna()
    twice = made.duplicated(["text_id", "item"]) & ~missing
    known = [_is_known(i, v) for i, v in zip(item, made["value"], strict=True)]
    strange = ~np.array(known, bool) & ~missing.to_numpy()
    weight = made["weight"].to_numpy(float)
    light = ~(np.isfinite(weight) & (weight > 0))
    problems = [
        (reason, int(wrong.sum()), _example(made, wrong))
        for reason, wrong in (
            (Note("voice.label_without_text", "a label without a text"), missing.to_numpy()),
            (Note("voice.label_twice", "a text labelled twice"), twice.to_numpy()),
            (Note("voice.label_unknown", "a label that is not known"), strange),
            (Note("voice.label_weight", "a weight that is not above 0"), light),
        )
        if wrong.any()
    ]
    if problems:
        raise DataError(
            Note(
                "voice.error_labels",
                "labels: {n} rows cannot be read, the first: {reason} ({example})",
                n=sum(p[1] for p in problems),
                reason=problems[0][0],
                example=problems[0][2],
            ),
            pd.DataFrame(
                [(str(r), n, e) for r, n, e in problems], columns=["reason", "rows", "example"]
            ),
        )
    return made


def _example(made, wrong):
    row = made[wrong].iloc[0]
    return f"{row['text_id']}, {row['item']}: {row['value']}"


def _is_known(item, value):
    """Whether a value is a label of an item; items of the user's own are theirs."""
    if item == "polarity":
        return value in TONES
    if item.startswith(ASPECT):
        return value in (ABSENT, *TONES)
    if item == "emotion":
        parts = str(value).split(", ")
        return parts == [NONE] or (set(parts) <= set(EMOTIONS) and len(set(parts)) == len(parts))
    return True


def of(material, labels, item):
    """Return the label of each text for an item, None where it has none, and its weight.

    Parameters
    ----------
    material : Material
    labels : DataFrame with text_id, item, value, and weight where texts were not drawn alike; None
    item : str

    Returns
    -------
    tuple of ndarray
        value (n, objects) and weight (n).

    Raises
    ------
    InputError
        Where no label is of one of the texts.
    DataError
        As `read_labels`.
    """
    import pandas as pd

    value, weight = np.full(len(material), None, object), np.ones(len(material))
    if labels is None:
        return value, weight
    need_columns("labels", labels.columns, "text_id", "item", "value")
    told = labels.assign(weight=labels.get("weight", 1.0))
    told["weight"] = pd.to_numeric(told["weight"], errors="coerce")
    told = told[told["item"].astype(str) == item].dropna(subset=["value"])
    told = _checked(told.assign(value=told["value"].map(_tidied)))
    at = pd.Index(material.id).get_indexer(engine.written(told["text_id"]).astype(str))
    strangers = int((at < 0).sum())
    if strangers and strangers == len(at):
        raise InputError(
            "voice.error_strangers",
            "labels: none of the {n} labels of '{item}' is of one of these texts; compare text_id "
            "in both tables",
            n=strangers,
            item=item,
        )
    if strangers:
        say(
            Note(
                "voice.strangers",
                "{n} label is of a text that is not here and is left out.",
                "{n} labels are of texts that are not here and are left out.",
                n=strangers,
            )
        )
    value[at[at >= 0]] = told["value"].to_numpy(object)[at >= 0]
    weight[at[at >= 0]] = told["weight"].to_numpy(float)[at >= 0]
    return value, weight
