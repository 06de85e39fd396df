"""What people search with, how broadly and deeply, and how many alternatives they consider."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import names as own
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.stages.measures import (
    NO_EPISODE,
    by_outcome,
    checked,
    measures,
    occasion_result,
    shown,
    thin,
    two_outcomes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.types import Moment, Table

SEARCH = {
    "percent": True,
    "question": Note("stages.search_question", "How broadly and how deeply do people search?"),
    "method": Note(
        "stages.search_method",
        "Medians (Woodruff intervals) and shares over decision occasions; the customer is the "
        "sampling unit.",
    ),
    "axis": Note("stages.occasions_axis", "Share of decision occasions"),
}
SET = {
    "percent": True,
    "question": Note("stages.set_question", "How many alternatives are looked at more than once?"),
    "method": Note(
        "stages.set_method",
        "Brands (or products) with enough evaluation events in the decision occasion; shares with "
        "the customer as sampling unit.",
    ),
    "axis": Note("stages.occasions_axis", "Share of decision occasions"),
}
TOUCH = {
    "question": Note("stages.touch_question", "How many contacts does a journey have?"),
    "method": Note(
        "stages.touch_method",
        "Quartiles (Woodruff intervals) and shares over journeys; the customer is the sampling "
        "unit.",
    ),
    "axis": Note("stages.touch_axis", "Per journey, as named"),
}
TRIGGER = {
    "percent": True,
    "question": Note("stages.trigger_question", "What comes first when a need arises?"),
    "method": Note(
        "stages.trigger_method", "Shares of decision occasions; Goodman's simultaneous intervals."
    ),
    "axis": Note("stages.occasions_axis", "Share of decision occasions"),
}
SEARCH_LIMIT = Note(
    "stages.search_limit",
    "Only what this data source records: search elsewhere, in shops or with friends is missing.",
)
SEARCH_ANSWER = Note(
    "stages.search_answer",
    "Buyers made a median of {share:3} visits before their purchase ({low:3} to {high:3}; {n} "
    "occasions), those who gave up {other:3} ({other_low:3} to {other_high:3}).",
)
SEARCH_ANSWER_ONE = Note(
    "stages.search_answer_one",
    "The median decision occasion took {share:3} visits ({low:3} to {high:3}; {n} occasions; "
    "outcome: {outcome:word}).",
)
TOUCH_ANSWER = Note(
    "stages.touch_answer",
    "{share:%} of journeys to a purchase had a single contact ({low:%} to {high:%}; {count} of "
    "{n}), of abandoned ones {other:%} ({other_low:%} to {other_high:%}).",
)
TOUCH_ANSWER_ONE = Note(
    "stages.touch_answer_one",
    "{share:%} of journeys had a single contact ({low:%} to {high:%}; {count} of {n}; outcome: "
    "{outcome:word}).",
)


@engine.frames("profile")
@analysis
def search(profile: Table, *, conf_level: float = 0.95) -> object:
    """How broadly and how deeply do people search before they buy or give up?

    Takes the table of `profile`. Returns a Result: outcome, measure (breadth: brands, products,
    categories, channels, sources; depth: events, sessions, active_minutes; the share of
    occasions with exactly one of each kind as one_KIND), statistic, count, total, n (occasions),
    estimate, std_error, conf_low, conf_high.
    Raises NotEnoughData without closed occasions. Source: Beatty & Smith (1987), J. Consumer
    Research 14; Woodruff (1952) for medians.
    """
    checked(profile, "events", "sessions", "active_minutes")
    kinds = [c for c in ("brands", "products", "categories", "channels", "sources") if c in profile]
    depth = ("events", "sessions", "active_minutes")
    table = by_outcome(
        profile,
        lambda d: measures(
            d, (*kinds, *depth), kinds, [(f"one_{c}", d[c] == 1) for c in kinds], conf_level
        ),
    )
    return occasion_result(
        SEARCH
        | {"answer": two_outcomes(table, "sessions", "median", SEARCH_ANSWER, SEARCH_ANSWER_ONE)},
        table,
        profile,
        conf_level,
        (*thin(len(profile), 100), SEARCH_LIMIT),
        label=["outcome", "measure"],
        group="outcome",
        only={"statistic": ["share"]},
    )


@engine.tables("events")
@analysis
def source_mix(
    events: Table,
    kinds: Mapping,
    *,
    column: str = "event",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """What do people search with: written sources, pictures, the web, other people?

    Parameters
    ----------
    events : table with customer_id, occurred_at and the column
    kinds : dict
        Kind of source = events of that kind, such as {"written": ["guide_view"], "word_of_mouth":
        ["friend_talk"]}.
    column, until
        As in `profile`.

    Returns
    -------
    Result
        kind, count (contacts), n (contacts of all kinds), estimate (share), std_error, conf_low,
        conf_high. Customers are the sampling unit.

    Raises
    ------
    InputError
        For an event that stands under two kinds, or in none of the rows.
    NotEnoughData
        Without such events.

    Source: S-12 in `docs/glossary.md`; Deng, Knoblich & Lu (2018) for the interval.
    """
    import pandas as pd

    schemas.require(events, "events", column)
    kinds = {kind: own.listed(names) for kind, names in kinds.items()}
    words = [e for names in kinds.values() for e in names]
    if len(set(words)) < len(words):
        raise InputError("stages.error_two_kinds", "kinds: an event stands under two kinds")
    own.occurring("kinds", words, engine.distinct(events, column))
    kind_of = " ".join(
        f"WHEN k < {edge} THEN {i}"
        for i, edge in enumerate(np.cumsum([len(v) for v in kinds.values()]))
    )
    view = engine.view(
        events,
        upto=None if until is None else schemas.observed_until(events, until),
        customer=engine.key("customer_id"),
        t=engine.micros("occurred_at"),
        k=engine.code(column, words),
    )
    head = (
        f"WITH c AS (SELECT customer, CASE {kind_of} END AS kind, count(*) AS y FROM v GROUP BY 1,"
        " 2), x AS (SELECT customer, sum(y) AS x FROM c GROUP BY 1)"
    )
    found = engine.run(
        head
        + " SELECT c.kind AS kind, sum(c.y) AS y, sum(c.y * c.y) AS yy, sum(c.y * x.x) AS yx FROM c"
        " JOIN x ON c.customer = x.customer GROUP BY c.kind",
        v=view,
    )
    every = engine.run(
        head + " SELECT sum(x) AS n, sum(x * x) AS xx, count(*) AS people FROM x", v=view
    ).iloc[0]
    if not len(found):
        raise NotEnoughData(NO_EPISODE)
    found = (
        found.astype(float)
        .set_index(found["kind"].astype(int))
        .reindex(range(len(kinds)), fill_value=0.0)
    )
    n, people = float(every["n"]), float(every["people"])
    r = (found["y"] / n).to_numpy()
    se = (
        np.sqrt(
            people
            / max(people - 1, 1)
            * np.maximum(
                found["yy"] - 2 * r * found["yx"] + r**2 * float(every["xx"]), 0
            ).to_numpy()
        )
        / n
    )
    low, high = intervals.wilson_effective_n(r, se, n, people, conf_level)
    table = pd.DataFrame(
        {
            "kind": list(kinds),
            "count": found["y"].to_numpy().astype(int),
            "n": int(n),
            "estimate": r,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    )
    return Result(
        question=Note("stages.mix_question", "What do people search with?"),
        table=table,
        method=Note(
            "stages.mix_method",
            "Shares of search contacts by kind of source; the customer is the sampling unit.",
        ),
        answer=_mix_answer(table),
        unit="contacts",
        n=int(n),
        conf_level=conf_level,
        limits=(SEARCH_LIMIT,),
        chart=Points(
            label=["kind"], percent=True, xlabel=Note("stages.mix_axis", "Share of search contacts")
        ),
    )


def _mix_answer(table):
    """Return the kind of source with most contacts."""
    most = table.loc[table["estimate"].idxmax()]
    return Note(
        "stages.mix_answer",
        "The most frequent kind of search contact is {kind:word}: {share:%} ({low:%} to {high:%}; "
        "{count} of {n}).",
        kind=str(most["kind"]),
        **shown(most),
    )


@engine.frames("profile")
@analysis
def consideration(profile: Table, *, conf_level: float = 0.95) -> object:
    """How many alternatives are looked at more than once, and how often only one?

    Takes the table of `profile`. Returns a Result: outcome, size ("0" … "6+"), count, n
    (occasions), estimate (share), std_error, conf_low, conf_high; the mean
    sizes stand in `.facts` (stages.set_mean). Buyers have considered at least one by definition,
    others may have none: they are never pooled.
    Raises NotEnoughData without a brand or product column. Source: Hauser & Wernerfelt (1990), J.
    Consumer Research 16.
    """
    import pandas as pd

    known = checked(profile, "considered")
    known = known[known["considered"].notna() & known["outcome"].isin(["bought", "abandoned"])]
    if not len(known):
        raise NotEnoughData("stages.no_brands", "no column tells brands or products apart")
    rows, said = [], []
    for outcome, mine in known.groupby("outcome", sort=False):
        # A buyer has considered what was bought, seen or not.
        size = np.maximum(mine["considered"].to_numpy(int), 1 if outcome == "bought" else 0)
        for k in range(1 if outcome == "bought" else 0, 7):
            rows.append(
                {
                    "outcome": outcome,
                    "size": f"{k}+" if k == 6 else str(k),
                    **intervals.share(
                        (size >= 6) if k == 6 else (size == k), mine["customer_id"], conf_level
                    ),
                }
            )
        said.append(
            Note(
                "stages.set_mean",
                "{outcome:word}: {mean:3} on average, {n} occasion.",
                "{outcome:word}: {mean:3} on average, {n} occasions.",
                outcome=outcome,
                mean=size.mean(),
                n=len(size),
            )
        )
    table = pd.DataFrame(rows).sort_values(
        ["outcome", "size"], ascending=[False, True], ignore_index=True
    )
    return occasion_result(
        SET | {"answer": _set_answer(table)},
        table,
        known,
        conf_level,
        (
            *said,
            Note(
                "stages.set_limit",
                "What people considered in mind is more than a log shows: this counts pages, not "
                "thoughts. Buyers have considered one alternative by definition, others possibly "
                "none; do not pool them.",
            ),
            *thin(len(known), 150),
        ),
        label=["outcome", "size"],
        group="outcome",
    )


def _set_answer(table):
    """Return how many considered a single alternative: buyers where there are any."""
    rows = table[table["size"] == "1"].set_index("outcome")
    if "bought" in rows.index:
        return Note(
            "stages.set_answer",
            "Before {share:%} of purchases only one alternative was looked at more than once "
            "({low:%} to {high:%}; {count} of {n}).",
            **shown(rows.loc["bought"]),
        )
    return Note(
        "stages.set_answer_abandoned",
        "In {share:%} of abandoned decision occasions only one alternative was looked at more than "
        "once ({low:%} to {high:%}; {count} of {n}).",
        **shown(rows.iloc[0]),
    )


@engine.frames("profile")
@analysis
def touchpoints(profile: Table, *, conf_level: float = 0.95) -> object:
    """How many contacts and channels does a journey have, and how many journeys have only one?

    Takes the table of `profile`. Returns a Result: outcome, measure (events, sessions, channels;
    one_touch: journeys with a single contact), statistic (median, lower and upper quartile, share),
    count, n (journeys), estimate, conf_low, conf_high. Raises NotEnoughData without closed
    journeys.
    Source: Lemon & Verhoef (2016), J. Marketing 80; Woodruff (1952) for quantiles.
    """
    checked(profile, "events", "sessions")

    table = by_outcome(profile, lambda d: _touched(d, conf_level))
    return occasion_result(
        TOUCH
        | {"answer": two_outcomes(table, "one_touch", "share", TOUCH_ANSWER, TOUCH_ANSWER_ONE)},
        table,
        profile,
        conf_level,
        (
            *thin(len(profile), 100),
            Note(
                "stages.touch_limit",
                "Longer observation gives more contacts: compare groups over equal windows. "
                "Journeys without a purchase are shown apart and are no part of the others.",
            ),
        ),
        label=["outcome", "measure", "statistic"],
        group="outcome",
    )


def _touched(d, conf_level):
    """Return quartiles of contacts, and the share of journeys with a single one."""
    rows = []
    for name in ("events", "sessions", "channels"):
        if name in d:
            for label, p in (
                ("lower_quartile", 0.25),
                ("median", 0.5),
                ("upper_quartile", 0.75),
            ):
                rows.append(
                    {
                        "measure": name,
                        "statistic": label,
                        **intervals.quantile(d[name], d["customer_id"], p, conf_level),
                    }
                )
    rows.append(
        {
            "measure": "one_touch",
            "statistic": "share",
            **intervals.share(d["events"] == 1, d["customer_id"], conf_level),
        }
    )
    return tidy(rows)


@engine.frames("occasions")
@analysis
def triggers(occasions: Table, *, by: str = "first_channel", conf_level: float = 0.95) -> Result:
    """What wakes a need, or at least what comes first?

    Parameters
    ----------
    occasions : DataFrame with the column `by`, and customer_id where customers repeat
        The table of `profile` (first channel seen), or survey answers to "what made you start?".
    by : str
        Column with the trigger.

    Returns
    -------
    Result
        trigger, count, n (occasions with a known trigger), estimate, conf_low, conf_high: intervals
        that hold for all shares together.

    Raises
    ------
    NotEnoughData
        If no trigger is known.

    Source: Goodman (1965), Technometrics 7.
    """
    known = checked(occasions, by)[by].dropna()
    if not len(known):
        raise NotEnoughData(NO_EPISODE)
    counts = (
        known.value_counts()
        .rename_axis("trigger")
        .reset_index(name="count")
        .sort_values(["count", "trigger"], ascending=[False, True], ignore_index=True)
    )
    k, n = len(counts), len(known)
    # Goodman: the chi-square quantile at alpha / k is the square of the two-sided normal quantile
    # at that level. Customers with several occasions are worth less than their rows.
    who = occasions.loc[known.index, "customer_id"] if "customer_id" in occasions else known.index
    rows = [
        intervals.share(known == name, who, 1 - (1 - conf_level) / k) for name in counts["trigger"]
    ]
    low, high = ([r[side] for r in rows] for side in ("conf_low", "conf_high"))
    table = counts.assign(n=n, estimate=counts["count"] / n, conf_low=low, conf_high=high)
    limits = (
        Note(
            "stages.trigger_limit",
            "Behaviour shows external triggers only; internal ones need a survey.",
        ),
        *thin(n, 150),
    )
    most = table.iloc[0]
    answer = Note(
        "stages.trigger_answer",
        "The most frequent trigger is {trigger:word}: {share:%} of decision occasions ({low:%} to "
        "{high:%}; {count} of {n}).",
        trigger=str(most["trigger"]),
        **shown(most),
    )
    return occasion_result(
        TRIGGER | {"answer": answer}, table, occasions, conf_level, limits, label=["trigger"]
    )
