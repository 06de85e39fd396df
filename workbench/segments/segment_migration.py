"""How customers move between segments from one day to another, and how the whole drifts."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.notes import Note
from workbench.results import Heat, Points, Result, Segment, analysis, tidy
from workbench.segments import people
from workbench.stats import drift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

LEAST = 10
GONE, NEW = "not_there_later", "not_there_before"
ALL, SAME = "all_segments", "the_same"
ANSWER = Note(
    "segments.migration_answer",
    "{share:%} of customers are in the segment they were in before ({low:%} to {high:%}; {count} "
    "of {n}); the segments as a whole {drifted}.",
)
FOLLOWED = Note(
    "segments.follow_answer",
    "{share:%} of the members of {name:word} are in it yet on {day} ({low:%} to {high:%}; of {n} "
    "customers); of its {members} customers then, {joined:%} have joined.",
)
DRIFTED = {
    "little": Note("segments.drift_little", "hardly shifted"),
    "some": Note("segments.drift_some", "shifted somewhat"),
    "much": Note("segments.drift_much", "shifted much"),
}


@engine.frames("before", "after")
@analysis
def migration(
    before: Table, after: Table, *, segment: str = "segment", conf_level: float = 0.95
) -> Result:
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


@analysis
def follow(segments: Sequence, *, conf_level: float = 0.95) -> Result:
    """How does one segment change from date to date: who stayed, who joined, who left?

    Parameters
    ----------
    segments : list of Segment
        The same rule at two dates or more; each must carry its day (`as_of`).
    conf_level : float

    Returns
    -------
    Result
        as_of (the later day), measure (stayed: share of the segment of the day before that is in it
        yet; joined: share of the segment of the day that was not in it before; growth: members
        against the day before, as a share), count, n, estimate, std_error, conf_low, conf_high
        (Wilson; growth: from who joined and who left, each by chance). `members(as_of=…,
        move="left")` gives the customers: stayed, joined or left.

    Raises
    ------
    InputError
        For something else than segments, or a day that is missing or stands twice.
    NotEnoughData
        With fewer than two segments, or one without members.

    Source: the definitions of segments in `docs/glossary.md`; Wilson (1927).

    Examples
    --------
    >>> from workbench.results import Segment
    >>> first = Segment("loyal", range(40), as_of="2024-01-31")
    >>> later = Segment("loyal", range(10, 60), as_of="2024-02-29")
    >>> follow([first, later]).table[["measure", "count", "n"]].values.tolist()
    [['stayed', 30.0, 40], ['joined', 20.0, 50], ['growth', nan, 40]]
    """
    ordered = _dated(segments)
    rows, listed = [], []
    for before, after in pairwise(ordered):
        was, now = set(before.customers), set(after.customers)
        for measure, hit, of in (("stayed", was & now, was), ("joined", now - was, now)):
            share = intervals.share(np.arange(len(of)) < len(hit), np.arange(len(of)), conf_level)
            rows.append({"as_of": after.as_of, "measure": measure, **share})
        rows.append({"as_of": after.as_of, "measure": "growth", **_growth(was, now, conf_level)})
        for move, who in (("stayed", was & now), ("joined", now - was), ("left", was - now)):
            listed += [(one, after.as_of, move) for one in sorted(who)]
    table = tidy(rows)
    last = table[table["as_of"] == ordered[-1].as_of].set_index("measure")
    return Result(
        question=Note(
            "segments.follow_question", "Who stayed in the segment, who joined and who left?"
        ),
        table=table,
        answer=FOLLOWED.having(
            name=ordered[-1].name,
            share=last.loc["stayed", "estimate"],
            low=last.loc["stayed", "conf_low"],
            high=last.loc["stayed", "conf_high"],
            n=int(last.loc["stayed", "n"]),
            members=len(ordered[-1]),
            joined=last.loc["joined", "estimate"],
            day=ordered[-1].as_of,
        ),
        method=Note(
            "segments.follow_method",
            "The members of a segment at each date beside those of the date before; Wilson "
            "intervals; growth with a Poisson error of those who joined and left.",
        ),
        unit="customers",
        n=len(set().union(*(set(s.customers) for s in ordered))),
        conf_level=conf_level,
        limits=(people.DESCRIBES,),
        people=_frame(listed),
        chart=Points(
            label=["as_of", "measure"],
            only={"measure": ["stayed", "joined"]},
            percent=True,
            xlabel=Note("segments.follow_axis", "Share of the segment"),
        ),
    )


def _dated(segments):
    """Return segments by their day; each must have one of its own, and members."""
    segments = list(segments)
    if not all(isinstance(one, Segment) for one in segments):
        raise InputError(
            "segments.error_no_segments",
            "follow: a list of Segments is needed, as `members()` of a result gives them",
        )
    days = [one.as_of for one in segments]
    if None in days or len(set(days)) < len(days):
        raise InputError(
            "segments.error_days",
            "follow: every segment needs a day of its own (as_of), found {days:text}",
            days=[str(day) for day in days] or "–",
        )
    if len(segments) < 2 or min(map(len, segments)) == 0:
        raise NotEnoughData(
            "segments.error_follow_few",
            "follow: at least {least} dates with members are needed",
            least=2,
        )
    return sorted(segments, key=lambda one: str(one.as_of))


def _growth(was, now, conf_level):
    joined, left = len(now - was), len(was - now)
    estimate, error = (joined - left) / len(was), float(np.sqrt(joined + left)) / len(was)
    low, high = intervals.normal(estimate, error, conf_level)
    return {
        "n": len(was),
        "estimate": estimate,
        "std_error": error,
        "conf_low": float(low),
        "conf_high": float(high),
    }


def _frame(rows):
    import pandas as pd

    return pd.DataFrame(rows, columns=["customer_id", "as_of", "move"])
