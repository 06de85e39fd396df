"""Answers, events and texts of a journey as plain tables: who, when, at which stage."""

import numpy as np

from workbench import engine, names, schemas
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note, say
from workbench.results import weights

# The stages of buying in their order; a user's own are named in theirs.
STAGES = (
    *("need", "awareness", "search", "evaluation", "intent", "purchase"),
    *("post_purchase", "retention", "advocacy"),
)
LEAST = 30  # answers behind a point of a curve
FEW = Note(
    "experience.few",
    "{n} stage rests on fewer than {least} answers; read it with care.",
    "{n} stages rest on fewer than {least} answers; read them with care.",
    n=0,
    least=LEAST,
)
ANSWERED_ONLY = Note(
    "experience.answered_only",
    "These are the feelings of who answered. Who did not may feel otherwise: see "
    "representativeness and latent_curve.",
)
PLACES = ("stage", "touchpoint")


def answers(surveys, item, *needed):
    """Return the answers to an item, in an order that hangs on no row.

    Returns
    -------
    DataFrame
        who, at (microseconds), value, weight (None where all are the same), and the columns needed,
        as they are written, empty where missing.

    Raises
    ------
    InputError
        For a missing column, words in the place of numbers, or an item nobody was asked.
    NotEnoughData
        Where nobody answered it.
    """
    import pandas as pd

    schemas.require(surveys, "surveys", *needed)
    asked = names.written(item)
    known = surveys["item"].map(names.written, na_action="ignore")
    if asked not in set(known.dropna()):
        raise unknown("surveys", "item", asked, sorted(known.dropna().unique()))
    rows = surveys[(known == asked).to_numpy()]
    rows = rows.dropna(subset=["respondent_id", "answered_at", "value"])
    rows = rows[engine.written(rows["respondent_id"]).notna().to_numpy()]
    if rows.empty:
        raise NotEnoughData(
            "experience.error_unanswered",
            "surveys: nobody answered the item '{item}'",
            item=asked,
        )
    fits.numbers(rows, "surveys", "value")
    at = schemas.moments(rows, "surveys", "answered_at").dt.as_unit("us").astype("int64")
    weight = weights.of(rows)
    table = pd.DataFrame(
        {
            "who": engine.written(rows["respondent_id"]).to_numpy(object),
            "at": at.to_numpy(),
            "value": rows["value"].to_numpy(float),
            "weight": np.ones(len(rows)) if weight is None else np.asarray(weight, float),
            **{name: words(rows[name]) for name in needed},
        }
    )
    table.attrs["weighted"] = weight is not None
    return table.sort_values(["who", "at", "value"], kind="stable", ignore_index=True)


def events(table):
    """Return who, at (microseconds), stage and touchpoint of events that have a stage.

    Raises InputError for a missing column, NotEnoughData where no event has a stage.
    """
    import pandas as pd

    schemas.require(table, "events", "stage")
    rows = table.dropna(subset=["customer_id", "occurred_at"])
    rows = rows[engine.written(rows["customer_id"]).notna().to_numpy()]
    at = schemas.moments(rows, "events", "occurred_at").dt.as_unit("us").astype("int64")
    made = pd.DataFrame(
        {
            "who": engine.written(rows["customer_id"]).to_numpy(object),
            "at": at.to_numpy(),
            "event": words(rows["event"]) if "event" in rows else "",
            **{name: words(rows[name]) if name in rows else "" for name in PLACES},
        }
    )
    made = made[made["stage"] != ""]
    if made.empty:
        raise NotEnoughData("experience.error_no_stage", "events: no event has a stage")
    keys = ["who", "at", *PLACES, "event"]
    return made.sort_values(keys, kind="stable", ignore_index=True)


def words(column):
    """Return how names of a column are written, empty where there is none."""
    text = column.astype(object).map(names.written, na_action="ignore")
    return text.where(column.notna(), "").to_numpy(object)


def in_order(found, stages=None):
    """Return the stages in their order: as given, else in that of buying.

    Raises InputError where they are not the stages of buying and no order is given, or where one
    that is given does not occur.
    """
    found = [s for s in dict.fromkeys(found) if s != ""]
    if stages is not None:
        given = list(dict.fromkeys(names.listed(stages)))
        for name in given:
            if name not in found:
                raise unknown("stages", "stage", name, sorted(found))
        return given
    others = sorted(set(found) - set(STAGES))
    if others:
        raise InputError(
            "experience.error_order",
            "stages: name the stages in their order; {others:text} have no place in that of buying",
            others=others,
        )
    return [s for s in STAGES if s in found]


def only(table, stages, what):
    """Return the rows of these stages; say how many have none, or another."""
    here = table["stage"].isin(stages).to_numpy()
    if not here.all():
        say(
            Note(
                "experience.elsewhere",
                "{what:word}: {n} row has no stage, or another one, and is left out.",
                "{what:word}: {n} rows have no stage, or another one, and are left out.",
                what=what,
                n=int((~here).sum()),
            )
        )
    if not here.any():
        raise NotEnoughData(
            "experience.error_none_left",
            "{what:word}: no row belongs to one of the stages",
            what=what,
        )
    return table[here].reset_index(drop=True)


def span_of(values, surveys, item):
    """Return the lowest and highest answer of an item, as its column `scale` says, else as seen."""
    import re

    if "scale" in surveys:
        known = surveys["item"].map(names.written, na_action="ignore")
        said = surveys.loc[(known == names.written(item)).to_numpy(), "scale"].dropna().unique()
        ends = (
            re.findall(r"-?\d+", re.sub(r"(?<=\d)\s*(-|–|to|tot)\s*", " ", str(said[0])))
            if len(said) == 1
            else []
        )
        if len(ends) == 2 and float(ends[0]) < float(ends[1]):
            return float(ends[0]), float(ends[1])
    return float(np.min(values)), float(np.max(values))


def few(rows):
    """Return the note of stages that rest on few answers, in a list; none where all rest on
    enough.
    """
    n = sum(1 for row in rows if 0 < row["n"] < LEAST)
    return [FEW.having(n=n)] if n else []
