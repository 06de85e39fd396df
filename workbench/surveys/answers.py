"""The answers to one item, ready to be counted: whose, of which group, how heavy."""

import re
from dataclasses import dataclass, replace

import numpy as np

from workbench import names, schemas
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import weights

UNWEIGHTED = Note(
    "surveys.unweighted",
    "The answers are not weighted: they speak for those who answered.",
)
REPEATED = Note(
    "surveys.repeated",
    "{people} respondents gave {n} answers; the respondent is the sampling unit.",
)


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers to one item: arrays of one value an answer, in the order of the table.

    `value`, `who` (the respondent), `weight` (None where all count the same), `group` (None
    without groups), `at` (the moment).
    """

    value: np.ndarray
    who: np.ndarray
    weight: np.ndarray | None
    group: np.ndarray | None
    at: np.ndarray

    def __len__(self):
        return len(self.value)

    def where(self, mask):
        """Return the answers that a mask keeps."""
        return Answers(
            *(None if a is None else a[mask] for a in (self.value, self.who, self.weight)),
            *(None if a is None else a[mask] for a in (self.group, self.at)),
        )

    def unweighted(self):
        """Return the same answers, each counted once."""
        return replace(self, weight=None)

    def scored(self, value):
        """Return the same answers with other values."""
        return replace(self, value=value)

    def groups(self):
        """Yield each group's name and its answers; None and all where there are no groups."""
        if self.group is None:
            yield None, self
            return
        for name in sorted(set(self.group)):
            yield name, self.where(self.group == name)


def given(surveys, item, *, by=None):
    """Return the answers to one item.

    Parameters
    ----------
    surveys : DataFrame with respondent_id, answered_at, item, value
    item : str
    by : str, optional
        Column whose values are the groups; who has none is a group of its own.

    Raises
    ------
    InputError
        For a missing column, or an item nobody was asked.
    NotEnoughData
        Where nobody answered it.
    """
    import pandas as pd

    schemas.require(surveys, "surveys", *((by,) if by else ()))
    written = surveys["item"].map(names.written, na_action="ignore")
    asked = names.written(item)
    if asked not in set(written.dropna()):
        raise unknown("surveys", "item", asked, sorted(written.dropna().unique()))
    # Answers in one order, whatever that of the rows: sums do not hang on it.
    keys = ["respondent_id", "answered_at", "value"]
    rows = surveys[(written == asked).to_numpy()].dropna(subset=keys)
    if rows.empty:
        raise NotEnoughData(
            "surveys.error_unanswered", "surveys: nobody answered the item '{item}'", item=asked
        )
    rows = rows.sort_values(keys, kind="stable")
    return Answers(
        rows["value"].to_numpy(float),
        rows["respondent_id"].astype(str).to_numpy(),
        weights.of(rows),
        names.filled(rows[by]).map(names.written).to_numpy(str) if by else None,
        pd.to_datetime(rows["answered_at"], utc=True).dt.tz_localize(None).to_numpy(),
    )


def scale_of(surveys, item, scale=None):
    """Return the lowest and highest answer of an item: as given, else as its column `scale` says.

    Raises InputError where neither says it, or what is said is no scale.
    """
    if scale is None and "scale" in surveys:
        written = surveys["item"].map(names.written, na_action="ignore")
        told = surveys.loc[(written == names.written(item)).to_numpy(), "scale"].dropna().unique()
        scale = told[0] if len(told) == 1 else None
    if isinstance(scale, str):
        scale = re.findall(r"-?\d+", re.sub(r"(?<=\d)\s*(-|–|to|tot)\s*", " ", scale))
    try:
        lowest, highest = (int(end) for end in scale)
    except (TypeError, ValueError):
        raise InputError(
            "surveys.error_no_scale",
            "item '{item}': its scale is not known; name the lowest and highest answer, such as "
            "scale=({lowest}, {highest})",
            item=names.written(item),
            lowest=1,
            highest=7,
        ) from None
    if lowest >= highest:
        raise InputError(
            "surveys.error_scale_order",
            "scale: the lowest answer must be below the highest, found {lowest} and {highest}",
            lowest=lowest,
            highest=highest,
        )
    return lowest, highest


def within(answers, item, scale):
    """Refuse answers that are not whole numbers of a scale."""
    lowest, highest = scale
    # np.round lets the infinite pass without a word; a rest after division by one does not.
    whole = np.round(answers.value) == answers.value
    wrong = (answers.value < lowest) | (answers.value > highest) | ~whole
    if wrong.any():
        raise InputError(
            "surveys.error_scale",
            "item '{item}': answers must be whole numbers from {lowest} to {highest}; {wrong} of "
            "{n} are not, such as {value:plain}. A score of another scale is not converted: ask "
            "for the measure of that scale",
            item=names.written(item),
            lowest=lowest,
            highest=highest,
            wrong=int(wrong.sum()),
            n=len(answers),
            value=float(answers.value[wrong][0]),
        )
    return answers
