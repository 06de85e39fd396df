"""Conversions attributed by the common rules, and what the methods share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import intervals
from workbench.errors import one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.attribution.paths import Journeys

RULES = ("first", "last", "last_non_direct", "linear", "time_decay", "position")
FEW_PATHS, FEW_CONVERSIONS = 1000, 200  # below these, credits are unstable
AXIS = Note("attribution.axis", "Share of attributed conversions")
NO_EFFECT = Note(
    "attribution.rules_limit",
    "Attribution is no effect: it says which channels preceded a conversion, not how many "
    "conversions would be missing without them.",
)
RULES_QUESTION = Note(
    "attribution.rules_question",
    "To which channels do the common rules attribute conversions?",
)


@analysis
def heuristics(
    journeys: Journeys,
    *,
    which: Sequence[str] = RULES,
    half_life: str = "7D",
    direct: str = "direct",
    conf_level: float = 0.95,
) -> Result:
    """Who gets the credit for a conversion by the common rules of thumb?

    Parameters
    ----------
    journeys : Journeys
    which : list of str
        first, last, last_non_direct (the last that is not `direct`, unless there is none), linear,
        time_decay (half as much a `half_life` earlier; without times, a contact earlier), position
        (40 % to the first, 40 % to the last, the rest between them; halves of two).
    half_life : str
    direct : str
        The channel that is no channel.

    Returns
    -------
    Result
        rule, channel, count (conversions credited), n (conversions), estimate (share of the
        credit), std_error, conf_low, conf_high, and where conversions have a worth value (worth
        credited). The customer is the sampling unit.

    Raises
    ------
    InputError
        For an unknown rule.
    NotEnoughData
        Without a conversion that has a contact before it.

    Source: rules as in the documentation of the R package ChannelAttribution and of common web
    tools.
    """
    import pandas as pd

    from workbench import schemas

    journeys.check()
    rows, path = [], journeys.path
    # People are the sampling unit: a row a customer, or a row a path that stands for so many
    # people.
    who = np.arange(len(journeys.times)) if journeys.alone else journeys.customer
    each, worth = (
        (journeys.conversions, journeys.value * journeys.times)
        if journeys.alone
        else (journeys.times * journeys.conversions, journeys.value * journeys.times)
    )
    people = int(who.max()) + 1
    times = journeys.times if journeys.alone else np.ones(people)
    x = np.bincount(who, each, people)
    total, xx, n = times @ x, times @ x**2, times.sum()
    for rule in which:
        one_of("rule", rule, RULES)
        share = _shares(journeys, rule, schemas.micros("half_life", half_life), direct)
        for k, name in enumerate(journeys.names):
            mine = journeys.code == k
            y = np.bincount(who[path[mine]], (share * each[path])[mine], people)
            estimate, se, low, high = intervals.ratio_of_sums(
                times @ y, total, times @ y**2, times @ (x * y), xx, n, conf_level
            )
            if not se > 0:  # all or nothing in the sample is not known to be so
                low, high = intervals.wilson_effective_n(
                    float(estimate), float(se), total, times @ (x > 0), conf_level
                )
            rows.append(
                {
                    "rule": rule,
                    "channel": name,
                    "count": float(times @ y),
                    "n": int(total),
                    "estimate": float(estimate),
                    "std_error": float(se),
                    "conf_low": float(max(low, 0)),
                    "conf_high": float(min(high, 1)),
                    "value": float((share * worth[path])[mine].sum()),
                }
            )
    return Result(
        question=RULES_QUESTION,
        table=worth_if_known(pd.DataFrame(rows), journeys),
        method=Note(
            "attribution.rules_method",
            "Attribution by rule over paths that converted (half-life {half_life:span}); the "
            "customer is the sampling unit.",
            half_life=half_life,
        ),
        answer=_rules_answer(pd.DataFrame(rows)),
        unit="conversions",
        n=int(total),
        conf_level=conf_level,
        limits=(
            NO_EFFECT,
            *left_out_of(journeys),
        ),
        chart=Points(
            label=["channel"],
            group="rule",
            only={"rule": _drawn(which)},
            percent=True,
            xlabel=AXIS,
        ),
    )


def _drawn(which):
    """Return the rules that are compared in a figure."""
    return [rule for rule in ("first", "last", "linear") if rule in which] or list(which)[:3]


def _rules_answer(table):
    """Return the channel with most conversions by last contact, and its share by other rules."""
    rule = "last" if (table["rule"] == "last").any() else table["rule"].iloc[0]
    rows = table[table["rule"] == rule].sort_values(
        ["estimate", "channel"], ascending=[False, True]
    )
    row = rows.iloc[0]
    values = {**_credit_values(row), "rule": rule}
    if table["rule"].nunique() == 1:
        return Note(
            "attribution.rule_answer",
            "By the rule “{rule:word}” the largest share of conversions is attributed to "
            "{channel:word}: {share:%} ({low:%} to {high:%}; {count:4} of {n}).",
            **values,
        )
    same = table.loc[table["channel"] == row["channel"], "estimate"]
    return Note(
        "attribution.rules_answer",
        "By the rule “{rule:word}” the largest share of conversions is attributed to "
        "{channel:word}: {share:%} ({low:%} to {high:%}; {count:4} of {n}); over all rules its "
        "share lies between {least:%} and {most:%}.",
        least=same.min(),
        most=same.max(),
        **values,
    )


def _credit_values(row):
    """Return the values of a row of credit by their names in a sentence."""
    return {
        "channel": row["channel"],
        "share": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "count": row["count"],
        "n": row["n"],
    }


def most_credited(table):
    """Return the channel to which most conversions are attributed."""
    rows = table.sort_values(["estimate", "channel"], ascending=[False, True])
    values = _credit_values(rows.iloc[0])
    if values["low"] == values["low"]:
        return Note(
            "attribution.credit_answer",
            "The largest share of conversions is attributed to {channel:word}: {share:%} ({low:%} "
            "to {high:%}; {count:4} of {n}).",
            **values,
        )
    del values["low"], values["high"]
    return Note(
        "attribution.credit_undrawn",
        "The largest share of conversions is attributed to {channel:word}: {share:%} ({count:4} "
        "of {n}; no interval was asked for).",
        **values,
    )


def few_paths(paths, won):
    """Return the sentence on how few paths and conversions there are."""
    return Note(
        "attribution.few",
        "{paths} paths and {won} conversions are few; {least_paths} and {least_won} are common "
        "minimums.",
        paths=paths,
        won=won,
        least_paths=FEW_PATHS,
        least_won=FEW_CONVERSIONS,
    )


def worth_if_known(table, journeys):
    """Return the table without its column of worth where every conversion counts as one."""
    return table if journeys.valued else table.drop(columns="value")


def _shares(j, rule, half, direct):
    """Return each contact's share of its path's credit; the shares of a path add up to 1."""
    n, size = len(j.code), j.length
    path = j.path
    first, last = j.begin[:-1], j.begin[1:] - 1
    out = np.zeros(n)
    if rule == "first":
        out[first] = 1.0
    elif rule == "last":
        out[last] = 1.0
    elif rule == "last_non_direct":
        named = np.where(np.array(j.names)[j.code] != direct, np.arange(n), -1)
        found = np.maximum.reduceat(named, first)
        out[np.where(found >= 0, found, last)] = 1.0
    elif rule == "linear":
        out = 1.0 / size[path]
    elif rule == "time_decay":
        age = (
            (j.ended[path] - j.moment) / half
            if j.moment is not None
            else (last[path] - np.arange(n)).astype(float)
        )
        w = 0.5 ** (age - np.minimum.reduceat(age, first)[path])
        out = w / np.add.reduceat(w, first)[path]
    else:
        out = 0.2 / np.maximum(size[path] - 2, 1)
        out[first], out[last] = 0.4, 0.4
        out[np.isin(np.arange(n), first[size == 2]) | np.isin(np.arange(n), last[size == 2])] = 0.5
        out[first[size == 1]] = 1.0
    return out


def left_out_of(j):
    """Return the sentences on what could not take part."""
    young, untouched = j.left_out.get("young", 0), j.left_out.get("untouched", 0)
    return (
        [
            Note(
                "attribution.young",
                "{n} path may still go on and is left out.",
                "{n} paths may still go on and are left out.",
                n=young,
            )
        ]
        if young
        else []
    ) + (
        [
            Note(
                "attribution.untouched",
                "{n} conversion has no contact with a channel before it and is attributed to none.",
                "{n} conversions have no contact with a channel before them and are attributed to "
                "none.",
                n=untouched,
            )
        ]
        if untouched
        else []
    )
