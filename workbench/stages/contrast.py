"""Whether loyal customers skip stages more often than others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import names as own
from workbench.errors import NotEnoughData, need_columns
from workbench.notes import Note
from workbench.results import analysis
from workbench.stages.measures import checked, occasion_result, thin
from workbench.stages.skipping import ENOUGH_LINKED, SKIP_CORRECTED, SKIP_LIMIT
from workbench.stats import estimating_equations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.results import Result
    from workbench.types import Grouping, Table

CONTRAST = {
    "percent": True,
    "question": Note("stages.contrast_question", "Do more loyal customers skip stages more often?"),
    "method": Note(
        "stages.contrast_method",
        "Shares of repeat purchases and their difference, by {by:header} known before; the "
        "customer is the sampling unit. Odds ratio per unit from a logistic GEE on what was "
        "observed. Corrected shares, where occasions with known truth are given, weigh what was "
        "skipped in truth by what was observed, group by group.",
    ),
    "axis": Note("stages.contrast_axis", "Share of purchases, and difference"),
}
CONTRAST_LIMIT = Note(
    "stages.contrast_limit",
    "An association, not a cause: the groups differ in more than {by:header}, and replenishment "
    "looks like skipping.",
)
CONTRAST_FEW = Note(
    "stages.contrast_few",
    "{least} purchases in each group are needed, and some skipped and some not; found {more} with "
    "more and {fewer} with fewer",
)
LEAST_CONTRAST = 50  # purchases in a group
GROUPS = ("more", "fewer")


@engine.frames("profile")
@analysis
def loyalty_groups(profile: Table, *, by: Grouping | None = "orders_before") -> object:
    """Return the repeat purchases whose loyalty is known, with a column `group`: more or fewer.

    Takes the table of `profile` and a column known before the occasion opened; "more" is above its
    median. First-ever buyers take no part: they cannot be loyal yet.
    """
    checked(profile, by, "outcome", "orders_before")
    d = profile[(profile["outcome"] == "bought") & (profile["orders_before"] > 0)]
    d = d[d[by].notna()]
    return d.assign(group=np.where(d[by] > d[by].median(), *GROUPS))


@engine.frames("profile", optional=("linked",))
@analysis
def skip_contrast(
    profile: Table,
    stages: Sequence[str],
    *,
    by: str = "orders_before",
    linked: Table | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Do more loyal customers skip stages more often than less loyal ones?

    Loyalty is what was there before the occasion opened: an answer in a survey, a share of
    requirements, or the number of purchases. First-ever buyers take no part.

    Parameters
    ----------
    profile : DataFrame from `profile`
    stages : list of str
        Stages whose joint absence counts as skipping.
    by : str
        Number known before the occasion; "more" is above its median among repeat buyers.
    linked : DataFrame, optional
        A random part of the purchases with a column `true_STAGE` a stage, as for `skipping`.

    Returns
    -------
    Result
        group (more, fewer, difference, odds_ratio), kind (observed, corrected), count, n (bought
        occasions), estimate, conf_low, conf_high. The odds ratio is that of one more unit of `by`,
        from a logistic model by generalised estimating equations, customers as clusters; the model
        is in `.model`. Evidence: associational.

    Raises
    ------
    NotEnoughData
        With fewer than 50 purchases in a group, or none or all skipped.

    Source: Liang & Zeger (1986), Biometrika 73; Newman & Staelin (1972); Särndal, Swensson &
    Wretman (1992), ch. 9, for the correction.
    """
    import pandas as pd

    stages = own.listed(stages)
    checked(profile, by, "outcome", "orders_before", *stages)
    d = loyalty_groups(profile, by=by)
    skip = (~d[stages].any(axis=1)).to_numpy()
    more = (d["group"] == "more").to_numpy()
    if min(more.sum(), (~more).sum()) < LEAST_CONTRAST or skip.sum() in (0, len(d)):
        raise NotEnoughData(
            CONTRAST_FEW.having(least=LEAST_CONTRAST, more=more.sum(), fewer=(~more).sum())
        )
    who = np.unique(d["customer_id"].astype(str), return_inverse=True)[1]
    rows = _observed(skip, more, d["customer_id"], who, conf_level)
    model = estimating_equations.logit(
        skip.astype(float), np.column_stack([np.ones(len(d)), d[by].to_numpy(float)]), who
    )
    low, high = np.exp(intervals.normal(model.params[1], model.bse[1], conf_level))
    odds = {"estimate": float(np.exp(model.params[1])), "conf_low": low, "conf_high": high}
    rows.append({"group": "odds_ratio", "count": np.nan, "n": len(d), **odds})
    table = pd.DataFrame(rows)
    table.insert(1, "kind", "observed")
    limits = [CONTRAST_LIMIT.having(by=by), SKIP_LIMIT, *thin(len(d), 200)]
    if linked is not None:
        known = _linked(d, linked, stages)
        table = pd.concat([table, _corrected(d, known, stages, conf_level)], ignore_index=True)
        limits[1] = SKIP_CORRECTED.having(n=len(known))
        limits += thin(len(known), ENOUGH_LINKED)
    made = occasion_result(
        CONTRAST | {"answer": _contrast_answer(table), "method": CONTRAST["method"].having(by=by)},
        table,
        d,
        conf_level,
        limits,
        label=["group", "kind"],
        group="kind",
        only={"group": ["more", "fewer", "difference"]},
    )
    return replace(made, evidence="associational", model=model)


def _observed(skip, more, customer, who, conf_level):
    """Return the shares of both groups as observed, and their difference."""
    rows = [
        {"group": name, **intervals.share(skip[hit], customer[hit], conf_level)}
        for name, hit in (("more", more), ("fewer", ~more))
    ]
    # The difference's error from customers' pulls on both shares, so that a customer in both groups
    # counts once.
    pull = np.where(
        more,
        (skip - rows[0]["estimate"]) / more.sum(),
        -(skip - rows[1]["estimate"]) / (~more).sum(),
    )
    gap = rows[0]["estimate"] - rows[1]["estimate"]
    rows.append({"group": "difference", **_gap(gap, np.bincount(who, pull), len(skip), conf_level)})
    return rows


def _gap(estimate, pulls, n, conf_level):
    se = float(np.sqrt((pulls**2).sum()))
    low, high = (float(v) for v in intervals.normal(estimate, se, conf_level))
    return {
        "count": np.nan,
        "n": n,
        "estimate": estimate,
        "std_error": se,
        "conf_low": low,
        "conf_high": high,
    }


def _linked(d, linked, stages):
    """Return the rows of linked occasions that are among the purchases compared."""
    need_columns("linked", linked.columns, "customer_id", "episode", *(f"true_{s}" for s in stages))
    names = ["customer_id", "episode"]
    kept = linked[[*names, *(f"true_{s}" for s in stages)]]
    return d.merge(kept, on=names, how="inner")


def _corrected(d, known, stages, conf_level):
    """Return the shares skipped in truth: by group and by what was observed, weighed by how often
    that was observed; with the pull of every customer in both samples.
    """
    import pandas as pd

    people = pd.unique(d["customer_id"].astype(str))
    place = pd.Index(people)
    total, rows = np.zeros(len(people)), []
    for sign, name in ((1, "more"), (-1, "fewer")):
        mine, own_ = d[d["group"] == name], known[known["group"] == name]
        seen = (~mine[stages].any(axis=1)).to_numpy(int)
        told = (~own_[stages].any(axis=1)).to_numpy(int)
        true = (~own_[[f"true_{s}" for s in stages]].any(axis=1)).to_numpy(float)
        number = np.bincount(told, minlength=2)
        if len(own_) < LEAST_CONTRAST // 2:
            raise NotEnoughData(
                "stages.error_contrast_linked",
                "linked: {least} purchases of each group are needed, found {n} in '{group:word}'",
                least=LEAST_CONTRAST // 2,
                n=len(own_),
                group=name,
            )
        rate = np.bincount(told, true, 2) / np.maximum(number, 1)
        rate = np.where(number > 0, rate, true.mean())
        share = rate[seen].mean()
        weight = np.bincount(seen, minlength=2) / len(seen) / np.maximum(number, 1)
        # One of few is certain of nothing: a residual stands for more than itself.
        spread = np.sqrt(number / np.maximum(number - 1, 1))
        pull = np.bincount(
            place.get_indexer(mine["customer_id"].astype(str)),
            (rate[seen] - share) / len(seen),
            len(people),
        )
        pull += np.bincount(
            place.get_indexer(own_["customer_id"].astype(str)),
            (weight * spread)[told] * (true - rate[told]),
            len(people),
        )
        total += sign * pull
        row = _gap(share, pull, len(mine), conf_level)
        row["conf_low"], row["conf_high"] = max(row["conf_low"], 0.0), min(row["conf_high"], 1.0)
        rows.append({"group": name, "kind": "corrected", **row})
    gap = rows[0]["estimate"] - rows[1]["estimate"]
    rows.append(
        {"group": "difference", "kind": "corrected", **_gap(gap, total, len(d), conf_level)}
    )
    return pd.DataFrame(rows)


def _contrast_answer(table):
    """Return the difference in skipping between the two groups, or that none could be shown."""
    kind = table["kind"].iloc[-1]
    rows = table[table["kind"] == kind].set_index("group")
    gap = rows.loc["difference"]
    values = {
        "more": rows.loc["more", "estimate"],
        "fewer": rows.loc["fewer", "estimate"],
        "difference": gap["estimate"],
        "low": gap["conf_low"],
        "high": gap["conf_high"],
        "n": gap["n"],
        "kind": kind,
    }
    if gap["conf_low"] <= 0 <= gap["conf_high"]:
        return Note(
            "stages.contrast_answer_none",
            "No difference could be shown ({kind:word}): the more loyal skip the stages in "
            "{more:%} of repeat purchases, the less loyal in {fewer:%}, {difference:points} "
            "percentage points apart ({low:points} to {high:points}; {n} purchases).",
            **values,
        )
    return Note(
        "stages.contrast_answer",
        "The more loyal skip the stages in {more:%} of repeat purchases, the less loyal in "
        "{fewer:%} ({kind:word}): a difference of {difference:points} percentage points "
        "({low:points} to {high:points}; {n} purchases).",
        **values,
    )


@engine.frames("profile", "surveys")
@analysis
def answered_before(profile: Table, surveys: Table, item: str) -> object:
    """Return occasions with a column named after a survey item: what their customer had last
    answered before they opened; missing where nothing was answered.
    """
    need_columns("surveys", surveys.columns, "respondent_id", "answered_at", "item", "value")
    asked = surveys[surveys["item"] == item]
    asked = asked.rename(columns={"respondent_id": "customer_id", "value": item})
    return _latest(profile, asked, "surveys", "answered_at", item)


@engine.frames("profile", "lines")
@analysis
def requirements_before(profile: Table, lines: Table, *, brand: str = "brand") -> object:
    """Return occasions with a column `share_of_requirements`: of the customer's earlier purchases,
    the share of the brand bought most; missing with fewer than two.

    Takes the table of `profile` and order lines with customer_id, ordered_at and the brand.
    """
    need_columns("lines", lines.columns, "customer_id", "ordered_at", brand)
    lines = lines.sort_values("ordered_at", kind="stable")
    so_far = lines.groupby(["customer_id", brand]).cumcount() + 1
    number = lines.groupby("customer_id").cumcount() + 1
    most = so_far.groupby(lines["customer_id"]).cummax()
    share = (most / number).where(number > 1)
    made = lines[["customer_id", "ordered_at"]].assign(share_of_requirements=share)
    return _latest(profile, made, "lines", "ordered_at", "share_of_requirements")


def _latest(profile, told, table, time, column):
    """Return occasions with the last value their customer had before they opened."""
    import pandas as pd

    at = schemas.moments(told, table, time).dt.as_unit("us")
    told = told[["customer_id", column]].assign(known_at=at).dropna(subset=["known_at"])
    told["customer_id"] = told["customer_id"].astype("str")
    left = profile[["customer_id", "opened_at"]].reset_index()
    left["customer_id"] = left["customer_id"].astype("str")
    found = pd.merge_asof(
        left.sort_values("opened_at", kind="stable"),
        told.sort_values("known_at", kind="stable"),
        left_on="opened_at",
        right_on="known_at",
        by="customer_id",
        allow_exact_matches=False,
    )
    return profile.assign(**{column: found.set_index("index")[column].reindex(profile.index)})
