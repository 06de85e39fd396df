"""Which driver counts most? Shares of what is explained, penalty and reward, importance beside
performance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.data_limits import ASSOCIATIONAL
from workbench.drivers.regress import AXIS_SHARE, COLLINEAR, FEW_ROWS, left_out
from workbench.errors import InputError, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis, weights
from workbench.stats import importance, products, regressions, resample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

# Whether a driver's share and its rating lie above the mean of all drivers.
QUADRANTS = {
    (1, 0): "concentrate_here",
    (1, 1): "keep_up",
    (0, 0): "low_priority",
    (0, 1): "possible_overkill",
}
HALO = Note(
    "drivers.halo",
    "Answers to one questionnaire share a halo effect: drivers and outcome seem more alike than "
    "they are.",
)
MOST_GRADES = 10  # steps of a scale of answers
MOST = {"linear": 12, "logit": 8}  # drivers for which all subsets are gone through
LARGEST = Note(
    "drivers.answer",
    "The largest share of what is explained is that of {driver:word}: {estimate:%} "
    "({low:%} to {high:%}; {n} rows), before {second:word} ({second_share:%}).",
)
UNDECIDED = Note(
    "drivers.answer_undecided",
    "Which driver is the largest is undecided: {driver:word} has {estimate:%} of "
    "what is explained ({low:%} to {high:%}; {n} rows), {second:word} "
    "{second_share:%}.",
)
START_HERE = Note(
    "drivers.ipa_answer",
    "The place to begin is {driver:word}: strongly associated with {outcome:word} "
    "({estimate:%} of what is explained, {low:%} to {high:%}; {n} rows) and rated "
    "low, {performance:3} against {middle:3} for all drivers.",
)
START_NOWHERE = Note(
    "drivers.ipa_answer_none",
    "No driver could be shown to be both strongly associated with {outcome:word} (a "
    "share above {cut:%}) and rated low (a mean under {middle:3}; {n} rows).",
)
WHAT = {
    "linear": Note("drivers.r2_linear", "R²"),
    "logit": Note("drivers.r2_logit", "McFadden's R²"),
}


@engine.frames("table")
@analysis
def key_drivers(
    table: Table,
    outcome: str,
    drivers: Sequence[str],
    *,
    kind: str = "linear",
    cluster: str | None = None,
    low: float | None = None,
    high: float | None = None,
    draws: int = 1000,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Which drivers are associated with the outcome, by how much, and in which direction?

    One table with several answers, since none is right by itself: the share of what is explained
    (averaged over all orders in which drivers may enter), the relative weight, the weight with the
    others held equal, the plain correlation, and what a low or a high rating alone goes with.

    Parameters
    ----------
    table : DataFrame
        One row a respondent; rows with a missing value are left out and counted.
    outcome : str
        A number, or 0 and 1 with kind "logit".
    drivers : list of str
        Numbers, at least two; up to 12 (8 for logit) all subsets are gone through, above that the
        shares are missing and the relative weights stand in.
    kind : str
        "linear" or "logit" (shares of McFadden's R²; penalty and reward stay differences of the
        outcome).
    cluster : str, optional
        Column of the sampling unit.
    low, high : float, optional
        Ratings at or below `low` are low, at or above `high` are high; None: the outer thirds of
        each driver, or with few grades those below and above the median.
    draws, seed : int
        Of the bootstrap over sampling units; the shares of a logit rest on at most 200 draws.

    Returns
    -------
    Result
        driver, measure, n (rows), estimate, std_error, conf_low, conf_high, rank, rank_low,
        rank_high (of share, relative weight). Measures: share and relative_weight (of R², add up to
        1), weight (standardised), correlation, penalty and reward (change of the outcome for a low
        or high rating against the middle, the others held equal; missing where there is no middle),
        performance (mean).

    Raises
    ------
    InputError
        For missing, constant or collinear drivers, named.
    NotEnoughData
        With too few rows.

    Source: shares Lindeman, Merenda & Gold (1980), Grömping (2006), Journal of Statistical Software
    17; relative weights Johnson (2000), Multivariate Behavioral Research 35; penalty and reward
    Brandt (1987); McFadden's R² for dominance Azen & Traxel (2009).
    """
    import pandas as pd

    one_of("kind", kind, MOST)
    if len(drivers) < 2:
        raise InputError(
            "drivers.error_two_drivers",
            "drivers: at least two are needed; with one, look at the correlation",
        )
    data = fits.prepare(
        table,
        outcome,
        drivers,
        cluster=cluster,
        weights=weights.of(table, outcome, drivers, cluster),
    )
    x = data.x.drop(columns="constant").to_numpy()
    names, p, n = list(data.x.columns[1:]), x.shape[1], len(data.y)
    if p != len(drivers):
        raise InputError(
            "drivers.error_drivers_numbers",
            "drivers: numbers are needed; first give every word an indicator of its own",
        )
    if kind == "logit" and not np.isin(data.y, (0, 1)).all():
        raise InputError(
            "drivers.error_outcome_logit",
            "outcome: '{outcome}' must be 0 or 1 for kind 'logit'",
            outcome=outcome,
        )
    ends = [_ends(c, low, high) for c in x.T]
    # Where every rating is low or high there is no middle to compare with.
    ends = [
        (
            pair
            if (pair[0] + pair[1] == 0).any() and len(np.unique(c)) > 2
            else (np.zeros(n), np.zeros(n))
        )
        for c, pair in zip(x.T, ends, strict=True)
    ]
    extra = [e for pair in ends for e in pair if 0 < e.mean() < 1]
    grams = products.cross_products(_centred(data, extra), data.groups, draws, seed, data.weights)
    mean = grams[:, 0, 2 : 2 + p] / grams[:, [0], 0] + x.mean(axis=0)
    r = products.correlations(products.covariances(grams[:, : 2 + p, : 2 + p]))
    rxx, rxy = r[:, 1:, 1:], r[:, 1:, 0]
    found = {
        "relative_weight": importance.johnson(rxx, rxy),
        "weight": np.linalg.solve(rxx + 1e-12 * np.eye(p), rxy[:, :, None])[:, :, 0],
        "correlation": rxy,
        "performance": mean,
    }
    gone = _decided(data) if kind == "logit" else []
    if p <= MOST[kind] and not gone:
        if kind == "linear":
            r2 = {s: importance.r2(rxx, rxy, s) for s in importance.subsets(p)}
        else:
            drawn = _drawn(data, x, min(draws, 200), seed)
            r2 = {
                s: importance.mcfadden(x[:, list(s)], data.y, drawn) for s in importance.subsets(p)
            }
        found["share"] = importance.shapley(r2, p)
        total = r2[tuple(range(p))]
    else:
        total = (rxy * found["weight"]).sum(axis=1)
    penalty, reward = _ends_effects(grams, p, ends)
    found["penalty"], found["reward"] = penalty, reward
    rows = []
    for measure in (
        "share",
        "relative_weight",
        "weight",
        "correlation",
        "penalty",
        "reward",
        "performance",
    ):
        if measure not in found:
            continue
        values = found[measure]
        se, lower, upper = intervals.percentiles(values[1:], values[0], conf_level)
        ranks = np.argsort(np.argsort(-values, axis=1), axis=1) + 1
        ranked = measure in ("share", "relative_weight")
        tail = np.quantile(
            ranks[1:], [(1 - conf_level) / 2, (1 + conf_level) / 2], axis=0, method="nearest"
        )
        rows += [
            {
                "driver": names[i],
                "measure": measure,
                "n": n,
                "estimate": values[0, i],
                "std_error": se[i],
                "conf_low": lower[i],
                "conf_high": upper[i],
                **{
                    k: v if ranked else np.nan
                    for k, v in (
                        ("rank", ranks[0, i]),
                        ("rank_low", tail[0, i]),
                        ("rank_high", tail[1, i]),
                    )
                },
            }
            for i in range(p)
        ]
    made = pd.DataFrame(rows)
    se, lower, upper = intervals.percentiles(total[1:], total[0], conf_level)
    r2 = (float(total[0]), float(lower), float(upper))
    limits = _importance_limits(data, kind, r2, "share" in found, gone)
    top = made[made["measure"] == ("share" if "share" in found else "relative_weight")].sort_values(
        "estimate", ascending=False
    )
    made = pd.concat([top, made[made["measure"] != top["measure"].iloc[0]]], ignore_index=True)
    return Result(
        question=Note(
            "drivers.question",
            "Which drivers are associated with {outcome:word}, and how strongly?",
            outcome=outcome,
        ),
        table=made,
        answer=_largest(top),
        method=Note(
            "drivers.method",
            "Shares of R² over all orders of entry (LMG), Johnson's relative weights, "
            "standardised coefficients, penalty and reward; bootstrap over sampling "
            "units ({draws} draws, percentiles).",
            draws=draws,
        ),
        unit="rows",
        n=n,
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        chart=Points(
            label=["driver"],
            only={"measure": top["measure"].iloc[0]},
            percent=True,
            xlabel=AXIS_SHARE,
        ),
    )


def _drawn(data, x, draws, seed):
    """Return what each row counts for, in the sample and in draws of sampling units."""
    rng, g = np.random.default_rng(seed), data.customers
    own = np.ones(len(x)) if data.weights is None else data.weights
    known = [data.y, x] if data.weights is None else [data.y, x, data.weights]
    at = resample.place(np.column_stack(known), data.groups)
    drawn = rng.multinomial(g, np.full(g, 1 / g), draws)[:, at[data.groups]].astype(float)
    return np.concatenate([np.ones((1, len(x))), drawn]) * own


def _centred(data, extra):
    """Return a constant, outcome and drivers less their means, and further columns."""
    x = data.x.drop(columns="constant").to_numpy()
    ones = np.ones(len(data.y))
    return np.column_stack([ones, data.y - data.y.mean(), x - x.mean(axis=0), *extra])


def _grades(data):
    """Say whether outcome and drivers are grades on one scale, as in a questionnaire."""
    columns = [data.y, *data.x.drop(columns="constant").to_numpy(float).T]
    whole = all((np.asarray(c) == np.round(c)).all() for c in columns)
    ends = {(float(np.min(c)), float(np.max(c))) for c in columns}
    return bool(whole and max(high - low for low, high in ends) <= MOST_GRADES and len(ends) <= 3)


def _importance_limits(data, kind, r2, shared, gone):
    """Return what a reader of `key_drivers` must know."""
    limits = [
        ASSOCIATIONAL,
        Note(
            "drivers.shares",
            "Shares are of {what} = {r2:3} ({low:3} to {high:3}); they have no sign and "
            "divide what overlapping drivers explain together.",
            r2=r2[0],
            low=r2[1],
            high=r2[2],
            what=WHAT["linear" if gone else kind],
        ),
        *([HALO] if _grades(data) else []),
        *left_out(data),
    ]
    strong = [c for c, v in fits.vif(data.x).items() if v > 5]
    if strong:
        limits.append(COLLINEAR.having(terms=list(strong)))
    n, p = len(data.y), data.x.shape[1] - 1
    if n < max(200, 20 * p):
        limits.append(FEW_ROWS.having(n=n, terms=p))
    if gone:
        limits.append(
            Note(
                "drivers.shares_withheld",
                "No finite fit exists: {reason}. Shares of {what} say nothing then and are left "
                "out; the relative weights of a linear fit are shown instead. Leave a driver out, "
                "or gather more rows.",
                reason=fits.decided(data, gone),
                what=WHAT[kind],
            )
        )
    elif not shared:
        limits.append(
            Note(
                "drivers.too_many",
                "More than {most} drivers: shares over all subsets are not computed; the "
                "relative weights are shown instead.",
                most=MOST[kind],
            )
        )
    return limits


def _decided(data):
    """Return the drivers without a finite weight in a logit of all."""
    made = regressions.logit(data.x.to_numpy(float), data.y, weights=data.weights)
    return [] if made.recession.exists else fits.absent(made, data.x.columns)


def _largest(top):
    """Return which driver has the largest share, and whether that is beyond doubt."""
    top = top.sort_values(["estimate", "driver"], ascending=[False, True])
    first, second = top.iloc[0], top.iloc[1]
    said = {
        **fits.said(first),
        "driver": first["driver"],
        "second": second["driver"],
        "second_share": second["estimate"],
    }
    return (LARGEST if first["rank_high"] == 1 else UNDECIDED).having(**said)


def _ends(values, low, high):
    """Return which ratings are low and which are high; where thirds leave no middle, the grades
    below and above the median.
    """
    a = np.quantile(values, 1 / 3, method="lower") if low is None else low
    b = np.quantile(values, 2 / 3, method="higher") if high is None else high
    if low is None and high is None and not ((values > a) & (values < b)).any():
        return (values < np.median(values)).astype(float), (values > np.median(values)).astype(
            float
        )
    return (values <= a).astype(float), (values >= b).astype(float)


def _ends_effects(grams, p, ends):
    """Return penalty and reward of every driver from the regression of the outcome on all low and
    high indicators.
    """
    at, place = 2 + p, []
    for pair in ends:
        place.append([])
        for e in pair:
            use = 0 < e.mean() < 1
            place[-1].append(at if use else None)
            at += use
    columns = [0, *(c for pair in place for c in pair if c is not None)]
    a = grams[:, columns][:, :, columns]
    b = grams[:, columns, 1]
    beta = np.linalg.solve(
        a + 1e-9 * np.eye(len(columns)) * np.trace(a[0]) / len(columns), b[:, :, None]
    )[:, :, 0]
    where = {c: i for i, c in enumerate(columns)}
    return [
        np.column_stack(
            [
                beta[:, where[pair[k]]] if pair[k] is not None else np.full(len(grams), np.nan)
                for pair in place
            ]
        )
        for k in (0, 1)
    ]


@engine.frames("table")
@analysis
def importance_performance(
    table: Table,
    outcome: str,
    drivers: Sequence[str],
    *,
    kind: str = "linear",
    cluster: str | None = None,
    draws: int = 1000,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Which drivers count much and are rated low: where to begin?

    Parameters are those of `key_drivers`, but for `low` and `high`.

    Returns
    -------
    Result
        driver, quadrant (concentrate_here, keep_up, low_priority, possible_overkill, or undecided
        where an interval holds the mean of all drivers, at which the quadrants are cut), n (rows),
        estimate (share of what is explained), std_error, conf_low, conf_high, performance (mean),
        performance_low, performance_high.

    Raises as `key_drivers`.

    Source: Martilla & James (1977), Journal of Marketing 41.
    """
    made = key_drivers(
        table,
        outcome,
        drivers,
        kind=kind,
        cluster=cluster,
        draws=draws,
        seed=seed,
        conf_level=conf_level,
    )
    first = made.table["measure"].iloc[0]
    share = made.table[made.table["measure"] == first].set_index("driver")
    level = (
        made.table[made.table["measure"] == "performance"].set_index("driver").reindex(share.index)
    )
    cut, middle = 1 / len(share), level["estimate"].mean()
    high = np.where(share["conf_low"] > cut, 1, np.where(share["conf_high"] < cut, 0, -1))
    good = np.where(level["conf_low"] > middle, 1, np.where(level["conf_high"] < middle, 0, -1))
    result = share[["n", "estimate", "std_error", "conf_low", "conf_high"]].reset_index()
    result["performance"], result["performance_low"], result["performance_high"] = (
        level[c].to_numpy() for c in ("estimate", "conf_low", "conf_high")
    )
    result.insert(
        1, "quadrant", [QUADRANTS.get(pair, "undecided") for pair in zip(high, good, strict=True)]
    )
    return Result(
        question=Note(
            "drivers.ipa_question",
            "Which drivers are strongly associated with {outcome:word} and rated low?",
            outcome=outcome,
        ),
        table=result,
        answer=_start_here(result, outcome, cut, middle),
        method=Note(
            "drivers.ipa_method",
            "Importance (share of R²) beside performance (mean); bootstrap over "
            "sampling units ({draws} draws).",
            draws=draws,
        ),
        unit="rows",
        n=made.n,
        conf_level=conf_level,
        evidence="associational",
        limits=(
            Note(
                "drivers.ipa_limit",
                "Cut at an equal share ({cut:%}) and at the mean rating ({middle:3}): both "
                "are conventions; drivers that cannot be placed with confidence are "
                "undecided.",
                cut=cut,
                middle=middle,
            ),
            *made.limits,
        ),
        chart=Points(
            label=["driver", "quadrant"],
            percent=True,
            reference=cut,
            xlabel=AXIS_SHARE,
        ),
    )


def _start_here(table, outcome, cut, middle):
    """Return the driver with the largest share among those rated low, or that there is none."""
    rows = table[table["quadrant"] == "concentrate_here"]
    if not len(rows):
        n = int(table["n"].max())
        return START_NOWHERE.having(outcome=outcome, cut=cut, middle=middle, n=n)
    row = rows.sort_values(["estimate", "driver"], ascending=[False, True]).iloc[0]
    return START_HERE.having(
        **fits.said(row),
        driver=row["driver"],
        outcome=outcome,
        performance=row["performance"],
        middle=middle,
    )
