"""Where people come from: visits, first contacts and conversions by channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import intervals
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import MINIMUM_CELL, Points, Result, analysis, tidy

if TYPE_CHECKING:
    from workbench.attribution.paths import Journeys

NO_EFFICIENCY = Note(
    "attribution.sources_unknown",
    "No channel has {least} contacts and a conversion: too few to compare shares.",
    least=MINIMUM_CELL,
)
SOURCES_QUESTION = Note(
    "attribution.sources_question",
    "Which channels have a larger share of conversions than of visits?",
)
SOURCES_METHOD = Note(
    "attribution.sources_method",
    "Shares of contacts and people, conversions by last contact; the customer is the "
    "sampling unit.",
)
SOURCES_LIMIT = Note(
    "attribution.sources_limit",
    "Untagged mails and apps are counted as direct; a channel close to the purchase "
    "always looks efficient.",
)
ENTRY_QUESTION = Note(
    "attribution.entry_question",
    "Through which channel do customers first arrive, and how many of them convert?",
)
ENTRY_METHOD = Note(
    "attribution.entry_method",
    "First contact of every customer in the data; Wilson intervals.",
)
ENTRY_LIMIT = Note(
    "attribution.entry_limit",
    "The first contact seen need not be the first: earlier contacts, other devices "
    "and lost cookies are missing; customers who arrived late had less time to "
    "convert.",
)


@analysis
def sources(journeys: Journeys, *, conf_level: float = 0.95) -> Result:
    """Which channels bring visits, people and conversions, and which bring more conversions than
    visits?

    Parameters
    ----------
    journeys : Journeys
        Of `paths`.

    Returns
    -------
    Result
        channel, measure, count, n, estimate, std_error, conf_low, conf_high. Measures: visits
        (share of contacts), people (share of customers it reached), conversions (share of
        conversions whose last contact it was), conversion_rate (conversions as last contact over
        contacts), efficiency (share of conversions over share of visits). The customer is the
        sampling unit.

    Raises NotEnoughData without a conversion that has a contact before it.

    Source: shares of sessions and conversions as in the documentation of common web tools; Deng,
    Knoblich & Lu (2018) for the errors.
    """
    import pandas as pd

    journeys.check()
    who, inside, alike = _people(journeys)
    path, people = journeys.path, len(alike)
    last = np.zeros(len(journeys.code))
    last[journeys.begin[1:] - 1] = journeys.conversions * inside
    weight = inside[path]
    everyone, won = np.bincount(who[path], weight, people), np.bincount(who[path], last, people)
    rows = []
    for k, name in enumerate(journeys.names):
        mine = journeys.code == k
        visits, got = (
            np.bincount(who[path][mine], weight[mine], people),
            np.bincount(who[path][mine], last[mine], people),
        )
        for measure, y, x in (
            ("visits", visits, everyone),
            ("people", (visits > 0) * 1.0, np.ones(people)),
            ("conversions", got, won),
            ("conversion_rate", got, visits),
        ):
            n = alike @ x
            estimate, se, low, high = intervals.ratio_of_sums(
                alike @ y, n, alike @ y**2, alike @ (x * y), alike @ x**2, alike.sum(), conf_level
            )
            low, high = (
                intervals.wilson_effective_n(
                    float(estimate), float(se), n, max(alike @ (x > 0), 1), conf_level
                )
                if n
                else (np.nan, np.nan)
            )
            rows.append(
                {
                    "channel": name,
                    "measure": measure,
                    "count": float(alike @ y),
                    "n": int(n),
                    "estimate": float(estimate),
                    "std_error": float(se),
                    "conf_low": float(low),
                    "conf_high": float(high),
                }
            )
        # Efficiency is a ratio of two ratios: its error follows from the customers' pulls on the
        # logarithm.
        a, b = (alike @ got) / (alike @ won), (alike @ visits) / (alike @ everyone)
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = (
                got / (alike @ got)
                - won / (alike @ won)
                - visits / (alike @ visits)
                + everyone / (alike @ everyone)
            )
            se = float(np.sqrt(alike @ pull**2))
            ratio = a / b if b > 0 else np.nan
        z = intervals.z(conf_level)
        rows.append(
            {
                "channel": name,
                "measure": "efficiency",
                "count": np.nan,
                "n": int(alike @ visits),
                "estimate": ratio,
                "std_error": ratio * se if a > 0 else np.nan,
                "conf_low": ratio * np.exp(-z * se) if a > 0 else np.nan,
                "conf_high": ratio * np.exp(z * se) if a > 0 else np.nan,
            }
        )
    return Result(
        question=SOURCES_QUESTION,
        table=pd.DataFrame(rows),
        method=SOURCES_METHOD,
        answer=_sources_answer(pd.DataFrame(rows)),
        unit="contacts",
        n=int(alike @ everyone),
        conf_level=conf_level,
        limits=(SOURCES_LIMIT, _base(journeys)),
        chart=Points(
            label=["channel"],
            only={"measure": "efficiency"},
            reference=1,
            log=True,
            xlabel=Note("attribution.sources_axis", "Share of conversions over share of visits"),
        ),
    )


def _base(journeys):
    """Return the sentence on how many paths there are, how long, and how many convert."""
    return Note(
        "attribution.paths_base",
        "{paths} paths of contacts, on average {length:3} contacts long; {share:%} end in a "
        "conversion.",
        paths=len(journeys.conversions),
        length=float(journeys.length.mean()),
        share=float(journeys.conversions.mean()),
    )


def _sources_answer(table):
    """Return the channel with the highest share of conversions over its share of contacts."""
    rows = table[(table["measure"] == "efficiency") & (table["n"] >= MINIMUM_CELL)]
    rows = rows.dropna(subset=["conf_low"])
    if rows.empty:
        return NO_EFFICIENCY
    row = rows.sort_values(["conf_low", "channel"], ascending=[False, True]).iloc[0]
    values = {
        "channel": row["channel"],
        "ratio": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "n": row["n"],
    }
    if row["conf_low"] > 1:
        return Note(
            "attribution.sources_answer",
            "{channel:word} has {ratio:3} times the share of conversions that its share of "
            "visits would suggest ({low:3} to {high:3}; {n} contacts).",
            **values,
        )
    return Note(
        "attribution.sources_unclear",
        "No channel has a clearly larger share of conversions than of visits: {channel:word} "
        "comes closest with {ratio:3} times ({low:3} to {high:3}; {n} contacts).",
        **values,
    )


def _people(j):
    """Return whose every path is, how often it stands for the same person, and how many people
    alike each person stands for.
    """
    if j.alone:
        return np.arange(len(j.times)), np.ones(len(j.times)), j.times
    return j.customer, j.times, np.ones(int(j.customer.max()) + 1 if len(j.customer) else 0)


@analysis
def entry_points(journeys: Journeys, *, conf_level: float = 0.95) -> Result:
    """Through which channel do people first come, and how many of those convert?

    Parameters
    ----------
    journeys : Journeys
        Of `paths`.

    Returns
    -------
    Result
        channel, measure (first_contacts: share of customers who came through it first; converts:
        share of these who ever convert in the data; value: mean worth of such a customer; both
        within the time the data cover), count, n, estimate, std_error, conf_low, conf_high.

    Raises NotEnoughData without a path.

    Source: metric F-32 of the glossary.
    """
    import pandas as pd

    who, inside, alike = _people(journeys)
    if not len(who):
        raise NotEnoughData("attribution.error_no_path", "entry_points: there are no paths")
    order = np.argsort(who, kind="stable")
    first = order[np.flatnonzero(np.diff(who[order], prepend=-1))]
    channel = journeys.code[journeys.begin[:-1][first]]
    people = int(alike.sum())
    ever = np.bincount(who, journeys.conversions) > 0
    worth = np.bincount(who, journeys.value * inside)

    everyone = np.ones(len(first), bool)
    rows = []
    for k, name in enumerate(journeys.names):
        mine = channel == k
        rows.append(
            {
                "channel": name,
                "measure": "first_contacts",
                **_share(alike, mine, everyone, conf_level),
            }
        )
        if mine.any():
            rows.append(
                {"channel": name, "measure": "converts", **_share(alike, ever, mine, conf_level)}
            )
            w, v = alike[mine], worth[mine]
            estimate, se, low, high = (
                float(x)
                for x in intervals.ratio_of_sums(
                    w @ v, w.sum(), w @ v**2, w @ v, w.sum(), w.sum(), conf_level
                )
            )
            rows.append(
                {
                    "channel": name,
                    "measure": "value",
                    "amount" if journeys.valued else "total": float(w @ v),
                    "n": int(w.sum()),
                    "estimate": estimate,
                    "std_error": se,
                    "conf_low": max(low, 0.0) if (v >= 0).all() else low,
                    "conf_high": high,
                }
            )
    return Result(
        question=ENTRY_QUESTION,
        table=tidy(rows),
        method=ENTRY_METHOD,
        answer=_entry_answer(pd.DataFrame(rows)),
        unit="customers",
        n=people,
        conf_level=conf_level,
        limits=(ENTRY_LIMIT,),
        chart=Points(
            label=["channel"],
            only={"measure": "converts"},
            percent=True,
            xlabel=Note("attribution.entry_axis", "Share who convert"),
        ),
    )


def _share(alike, hit, of, conf_level):
    """Return the share of customers of a kind with a property, each row standing for several."""
    count, n = float(alike[of] @ hit[of]), float(alike[of].sum())
    low, high = intervals.wilson(count, n, conf_level)
    return {
        "count": count,
        "n": int(n),
        "estimate": count / n,
        "std_error": float(np.sqrt(count / n * (1 - count / n) / max(n - 1, 1))),
        "conf_low": float(low),
        "conf_high": float(high),
    }


def _entry_answer(table):
    """Return the channel most customers first came through, and how many of them converted."""
    parts = {name: part.set_index("channel") for name, part in table.groupby("measure")}
    first = parts["first_contacts"].reset_index()
    row = first.sort_values(["count", "channel"], ascending=[False, True]).iloc[0]
    converts = parts["converts"].loc[row["channel"]]
    return Note(
        "attribution.entry_answer",
        "The largest group of customers first arrived through {channel:word}: {share:%} ({low:%} "
        "to {high:%}; {n} of {people}); {rate:%} of them converted ({rate_low:%} to "
        "{rate_high:%}).",
        channel=row["channel"],
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        n=converts["n"],
        people=row["n"],
        rate=converts["estimate"],
        rate_low=converts["conf_low"],
        rate_high=converts["conf_high"],
    )
