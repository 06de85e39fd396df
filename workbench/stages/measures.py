"""What the analyses of decision occasions share: notes, measures with intervals, Results."""

import numpy as np

from workbench import intervals
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Points, Result, tidy

SHARE_METHOD = Note(
    "stages.reach_method", "Share of decision occasions; the customer is the sampling unit."
)
BY_SILENCE = Note(
    "stages.by_silence",
    "Counted are occasions by a silence of {gap:span}: a decision that was given up and the next "
    "one within that time are one occasion, so that there are fewer occasions than decisions, and "
    "more of them end in a purchase.",
)
NO_EPISODES = Note("stages.no_episodes", "there is no decision occasion")
NONE_BOUGHT = Note("stages.none_bought", "no decision occasion ended in a purchase")
EARLY = Note(
    "stages.early_left_out",
    "{n} purchase whose process may have begun before the data is left out.",
    "{n} purchases whose process may have begun before the data are left out.",
    n=1,
)
NO_EPISODE = Note("stages.no_episode", "there is no closed decision occasion")
THIN = Note(
    "stages.thin",
    "Only {n} unit; {least} are needed for firm figures.",
    "Only {n} units; {least} are needed for firm figures.",
    n=1,
)


def silence_of(occasions):
    """Return the limit that says by which silence the occasions were cut, where that is known."""
    gap = getattr(occasions, "attrs", {}).get("gap")
    return (BY_SILENCE.having(gap=gap),) if gap else ()


def rate_result(said, table, n, unit, conf_level, limits, label, group=None):
    """Return a Result with the sentences of `said`: question, method, axis and answer."""
    return Result(
        question=said["question"],
        table=table,
        method=said["method"],
        answer=said["answer"],
        unit=unit,
        n=n,
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(label=list(label), percent=True, xlabel=said["axis"], group=group),
    )


def checked(table, *names):
    """Return a table with rows and the named columns; raise where they are missing."""
    for name in names:
        if name not in table:
            raise unknown("profile", "column", name, table.columns)
    if not len(table):
        raise NotEnoughData(NO_EPISODE)
    return table


def measures(table, medians=(), means=(), shares=(), conf_level=0.95):
    """Return one row a measure: medians, means and shares over occasions, the customer as sampling
    unit.
    """
    rows = []
    who = table["customer_id"].to_numpy()
    code = np.unique(who.astype(str), return_inverse=True)[1] if len(who) else who
    for name in medians:
        if name in table and table[name].notna().any():
            kept = table[name].notna().to_numpy()
            rows.append(
                {
                    "measure": name,
                    "statistic": "median",
                    **intervals.quantile(
                        table[name].to_numpy(float)[kept], who[kept], 0.5, conf_level
                    ),
                }
            )
    for name in means:
        if name in table and table[name].notna().any():
            kept = table[name].notna().to_numpy()
            values = table[name].to_numpy(float)[kept]
            size = np.bincount(code[kept])
            estimate, se, low, high = intervals.ratio(
                np.bincount(code[kept], values)[size > 0], size[size > 0], conf_level
            )
            rows.append(
                {
                    "measure": name,
                    "statistic": "mean",
                    "total": values.sum(),
                    "n": int(kept.sum()),
                    "estimate": estimate,
                    "std_error": se,
                    "conf_low": low,
                    "conf_high": high,
                }
            )
    for name, hit in shares:
        rows.append(
            {"measure": name, "statistic": "share", **intervals.share(hit, who, conf_level)}
        )
    return tidy(rows)


def by_outcome(table, build):
    """Stack a table of measures for occasions that ended in a purchase and for abandoned ones; what
    is still open tells of neither.
    """
    import pandas as pd

    parts = []
    for outcome in ("bought", "abandoned"):
        mine = table[table["outcome"] == outcome]
        if len(mine):
            part = build(mine)
            part.insert(0, "outcome", outcome)
            parts.append(part)
    if not parts:
        raise NotEnoughData(NO_EPISODE)
    return pd.concat(parts, ignore_index=True)


def thin(n, least):
    """Return the limit that says how few units there are, where there are too few."""
    return (THIN.having(n=n, least=least),) if n < least else ()


def shown(row):
    """Return an estimate of a table with its interval and its denominator."""
    numbers = {"share": row["estimate"], "low": row["conf_low"], "high": row["conf_high"]}
    counted = {"count": row["count"]} if "count" in row and row["count"] == row["count"] else {}
    return {**numbers, **counted, "n": row["n"]}


def two_outcomes(table, measure, statistic, both, single):
    """Return an answer on occasions that ended in a purchase beside abandoned ones, or on the one
    outcome there is.
    """
    rows = table[(table["measure"] == measure) & (table["statistic"] == statistic)]
    rows = rows.set_index("outcome")
    if {"bought", "abandoned"} <= set(rows.index):
        other = rows.loc["abandoned"]
        return both.having(
            **shown(rows.loc["bought"]),
            other=other["estimate"],
            other_low=other["conf_low"],
            other_high=other["conf_high"],
        )
    return single.having(**shown(rows.iloc[0]), outcome=rows.index[0])


def occasion_result(
    said,
    table,
    profile,
    conf_level,
    limits,
    *,
    label=("outcome", "measure", "statistic"),
    group=None,
    only=None,
):
    """Return a Result with the sentences of `said`: question, method, axis and answer."""
    chart = Points(
        label=list(label),
        xlabel=said["axis"],
        group=group,
        only=only or {},
        percent=said.get("percent", False),
    )
    return Result(
        question=said["question"],
        table=table,
        method=said["method"],
        answer=said["answer"],
        unit="episodes",
        n=len(profile),
        conf_level=conf_level,
        limits=(*limits, *silence_of(profile)),
        chart=chart,
    )


def alike(y, drivers, customer):
    """Refuse an outcome, numbers and customers that do not stand row by row, or lack a value."""
    if not len(y) == len(drivers) == len(customer):
        raise InputError(
            "stages.error_effect_rows",
            "logistic_gee: outcome, drivers and customer must have the same rows, found {y}, "
            "{drivers} and {customer}",
            y=len(y),
            drivers=len(drivers),
            customer=len(customer),
        )
    if not len(drivers.columns):
        raise InputError("stages.error_effect_none", "logistic_gee: name at least one driver")
    numbers = all(kind.kind in "biuf" for kind in drivers.dtypes if hasattr(kind, "kind"))
    if not numbers or not np.isfinite(drivers.to_numpy(float)).all() or np.isnan(y).any():
        raise InputError(
            "stages.error_effect_missing",
            "logistic_gee: every row needs an outcome and finite numbers; leave out the rows that "
            "lack one",
        )
