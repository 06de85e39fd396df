"""How customers move between segments from one day to another, and how the whole drifts."""

import numpy as np

from workbench import engine, intervals
from workbench.errors import NotEnoughData, need_columns
from workbench.notes import Note
from workbench.results import Heat, Result, analysis, tidy
from workbench.segments import people
from workbench.stats import drift

LEAST = 10
GONE, NEW = "not_there_later", "not_there_before"
ALL, SAME = "all_segments", "the_same"
ANSWER = Note(
    "segments.migration_answer",
    "{share:%} of customers are in the segment they were in before ({low:%} to {high:%}; {count} "
    "of {n}); the segments as a whole {drifted}.",
)
DRIFTED = {
    "little": Note("segments.drift_little", "hardly shifted"),
    "some": Note("segments.drift_some", "shifted somewhat"),
    "much": Note("segments.drift_much", "shifted much"),
}


@engine.frames("before", "after")
@analysis
def migration(before, after, *, segment="segment", conf_level=0.95):
    """Who moved from which segment to which, and did the segments grow, shrink or drift?

    Parameters
    ----------
    before, after : table with customer_id and the segment, a row a customer
        The same rule at two dates.
    segment : str
        Column that holds it.
    conf_level : float

    Returns
    -------
    Result
        from_segment, to_segment (not_there_later, not_there_before: only in one of the tables;
        all_segments, the_same: who is in the segment of before, of those in both),
        count, n (customers of the first segment), estimate, std_error, conf_low, conf_high
        (Wilson). The population stability index, and which segments grew or shrank (among those in
        both tables, McNemar's test, Holm over segments), stand in `.facts`.

    Raises
    ------
    InputError
        For a missing column or a customer twice.
    NotEnoughData
        With fewer than ten customers in both tables.

    Source: Siddiqi (2006), Credit Risk Scorecards (stability index); McNemar (1947),
    Psychometrika 12; Wilson (1927).

    Examples
    --------
    >>> import pandas as pd
    >>> a = pd.DataFrame({"customer_id": range(20), "segment": ["new"] * 12 + ["loyal"] * 8})
    >>> b = pd.DataFrame({"customer_id": range(20), "segment": ["new"] * 6 + ["loyal"] * 14})
    >>> migration(a, b).table[["from_segment", "to_segment", "count", "n"]].values.tolist()[1:]
    [['loyal', 'loyal', 8, 8], ['new', 'loyal', 6, 12], ['new', 'new', 6, 12]]
    """
    moved = _beside(before, after, segment)
    stayed = moved[(moved["was"] != NEW) & (moved["is"] != GONE)]
    if len(stayed) < LEAST:
        raise NotEnoughData(
            "segments.error_migration",
            "migration: {found} customers are in both tables; {least} are needed",
            found=len(stayed),
            least=LEAST,
        )
    rows = []
    for (was, to), part in moved.groupby(["was", "is"]):
        n = int((moved["was"] == was).sum())
        inside = np.arange(n) < len(part)
        share = intervals.share(inside, np.arange(n), conf_level)
        rows.append({"from_segment": was, "to_segment": to, **share})
    same = intervals.share(stayed["was"] == stayed["is"], np.arange(len(stayed)), conf_level)
    table = tidy([{"from_segment": ALL, "to_segment": SAME, **same}, *rows])
    first, last = (moved.loc[moved[c] != gone, c] for c, gone in (("was", NEW), ("is", GONE)))
    index = drift.stability_index(first.to_numpy(str), last.to_numpy(str))
    return Result(
        question=Note("segments.migration_question", "Who moved from which segment to which?"),
        table=table,
        answer=_answer(same, index),
        method=Note(
            "segments.migration_method",
            "Customers by their segment at two dates; Wilson intervals within the first segment; "
            "growth by McNemar's test among those at both dates, Holm over segments.",
        ),
        unit="customers",
        n=len(moved),
        conf_level=conf_level,
        limits=(_psi(index), *_grown(stayed), *_withheld(moved), people.DESCRIBES),
        people=moved.rename(columns={"was": "from_segment", "is": "to_segment"}),
        chart=Heat(
            row="from_segment",
            column="to_segment",
            only={"from_segment": sorted(set(moved["was"]))},
            percent=True,
            xlabel=Note("segments.axis_after", "Segment after"),
        ),
    )


def _beside(before, after, segment):
    """Return customer_id, was and is of everybody in either table."""
    for name, table in (("before", before), ("after", after)):
        people.once(table, name)
        need_columns(name, table.columns, segment)
    sides = [
        table.dropna(subset=["customer_id"])
        .assign(**{side: lambda d: people.words(d[segment])})[["customer_id", side]]
        .set_index("customer_id")
        for side, table in (("was", before), ("is", after))
    ]
    both = sides[0].join(sides[1], how="outer")
    both = both.assign(was=both["was"].fillna(NEW), **{"is": both["is"].fillna(GONE)})
    return both.rename_axis("customer_id").reset_index()


def _answer(same, index):
    size = "little" if index.value < 0.1 else "some" if index.value < 0.25 else "much"
    return ANSWER.having(
        share=same["estimate"],
        low=same["conf_low"],
        high=same["conf_high"],
        count=same["count"],
        n=same["n"],
        drifted=DRIFTED[size],
    )


def _psi(index):
    return Note(
        "segments.psi",
        "Population stability index {psi:3}; chance alone would give {chance:3} between samples of "
        "these sizes. Rule of thumb: below {little:2} little, from {much:2} on much.",
        psi=index.value,
        chance=index.by_chance,
        little=0.1,
        much=0.25,
    )


def _grown(stayed):
    """Return what grew and what shrank among those at both dates."""
    found = sorted(set(stayed["was"]) | set(stayed["is"]))
    gains = [int(((stayed["is"] == s) & (stayed["was"] != s)).sum()) for s in found]
    losses = [int(((stayed["was"] == s) & (stayed["is"] != s)).sum()) for s in found]
    p = intervals.adjust_p_values([drift.mcnemar(g, o) for g, o in zip(gains, losses, strict=True)])
    clear = [i for i in range(len(found)) if p[i] < 0.05]
    up = [found[i] for i in clear if gains[i] > losses[i]]
    down = [found[i] for i in clear if gains[i] < losses[i]]
    grew = Note("segments.grew", "Grew among those at both dates: {names:word}.", names=up)
    shrank = Note("segments.shrank", "Shrank among those at both dates: {names:word}.", names=down)
    return [*([grew] if up else []), *([shrank] if down else [])]


def _withheld(moved):
    new, gone = int((moved["was"] == NEW).sum()), int((moved["is"] == GONE).sum())
    if not new + gone:
        return []
    return [
        Note(
            "segments.only_once",
            "{new} customers came after the first date and {gone} were no longer there at the "
            "second.",
            new=new,
            gone=gone,
        )
    ]
