"""Where leaving is seen: renewals of a contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from workbench import engine, intervals
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats import likelihoods, renewals

if TYPE_CHECKING:
    from collections.abc import Sequence

FEW, FEW_RENEWALS = 200, 4
MISFIT = 0.05  # p-value below which the model does not hold
SORTING = Note(
    "clv.contract_sorting",
    "The model is the yardstick of customers of whom nobody changes: its renewal rates rise "
    "because those likely to leave have left. Only what differs from it could be growing loyalty.",
)
EDGE = Note(
    "clv.contract_edge",
    "Customers hardly differ in their probability of leaving, or hardly anybody leaves: the "
    "parameters reached their bound and have no interval.",
)


@engine.frames(optional=("survivors",))
@analysis
def sbg(survivors: Sequence[int], *, ahead: int = 5, conf_level: float = 0.95) -> Result:
    """How many customers of one cohort renew, period by period, and how many will?

    Renewal rates rise with age because those likely to leave have left, not because anybody grows
    more loyal.

    Parameters
    ----------
    survivors : list of int
        Customers at the begin, and how many were left after each renewal.
    ahead : int
        Renewals to predict beyond those observed.

    Returns
    -------
    Result
        measure (alpha, beta of the probabilities of leaving; retained: share still there; renewal:
        share of the last period's customers), period, count (customers left; where seen), n
        (customers at the start), seen (observed share; missing ahead), estimate (by the model),
        std_error, conf_low, conf_high. `.model` is a dictionary with params, cov and loglik.

    Raises
    ------
    InputError
        For numbers that rise, or are negative.
    NotEnoughData
        With fewer than two renewals, or where nobody left.

    Source: Fader & Hardie (2007), Journal of Interactive Marketing 21 (shifted beta-geometric).
    """
    import pandas as pd

    seen = np.asarray(survivors, float)
    if len(seen) < 3:
        raise NotEnoughData(
            "clv.error_few_renewals",
            "sbg: the number of customers at the start and after at least two renewals is needed",
        )
    if (np.diff(seen) > 0).any() or (seen < 0).any() or not np.isfinite(seen).all():
        raise InputError(
            "clv.error_survivors",
            "survivors: the numbers of one cohort can only fall",
        )
    n, lost = seen[0], -np.diff(seen)
    if not lost.any() or seen[1] == 0:
        raise _nothing_varies(lost)
    sbg = renewals.fit(seen)
    theta, log, edge, cov = sbg.theta, sbg.loglik, sbg.edge, sbg.cov
    periods = np.arange(1, len(seen) + ahead)
    made, error = likelihoods.delta(
        lambda q: renewals.curves(q, periods), theta, np.nan_to_num(cov)
    )
    low, high = special.expit(np.array(intervals.normal(made, error, conf_level)))
    a, b = np.exp(theta)
    known = np.concatenate([seen[1:], np.full(ahead, np.nan)])
    before = np.concatenate([seen[:-1], np.full(ahead, np.nan)])
    rows = [
        {
            "measure": name,
            "period": np.nan,
            "count": np.nan,
            "n": int(n),
            "seen": np.nan,
            "estimate": v,
            "std_error": v * s,
            "conf_low": float(v * np.exp(-intervals.z(conf_level) * s)),
            "conf_high": float(v * np.exp(intervals.z(conf_level) * s)),
        }
        for name, v, s in (("alpha", a, np.sqrt(cov[0, 0])), ("beta", b, np.sqrt(cov[1, 1])))
    ]
    m = len(periods)
    for measure, at, share in (("retained", 0, known / n), ("renewal", m, known / before)):
        p = special.expit(made[at : at + m])
        rows += [
            {
                "measure": measure,
                "period": int(periods[i]),
                "count": known[i],
                "n": int(n),
                "seen": share[i],
                "estimate": p[i],
                "std_error": np.nan if edge else p[i] * (1 - p[i]) * error[at + i],
                "conf_low": np.nan if edge else low[at + i],
                "conf_high": np.nan if edge else high[at + i],
            }
            for i in range(m)
        ]
    table = pd.DataFrame(rows)
    return Result(
        question=Note(
            "clv.contract_question", "How many customers of a cohort renew, and how many will?"
        ),
        table=table,
        answer=_left(table),
        method=Note(
            "clv.contract_method",
            "Shifted beta-geometric model by maximum likelihood; intervals from the curvature of "
            "the likelihood.",
        ),
        unit="customers",
        n=int(n),
        conf_level=conf_level,
        limits=_limits(table, int(n), float(log), edge),
        model={"params": {"alpha": float(a), "beta": float(b)}, "cov": cov, "loglik": float(log)},
        chart=Points(
            label=["period"],
            only={"measure": "renewal"},
            beside="seen",
            percent=True,
            xlabel=Note("clv.contract_axis", "Share of the period's customers who renew"),
        ),
    )


def _nothing_varies(lost):
    if not lost.any():
        return NotEnoughData("clv.error_nobody_left", "sbg: nobody left")
    return NotEnoughData("clv.error_nobody_renewed", "sbg: nobody renewed even once")


def _left(table):
    """Return the share still there after the last renewal predicted, beside the last observed."""
    left = table[table["measure"] == "retained"]
    last, seen = left.iloc[-1], left[left["seen"].notna()].iloc[-1]
    return Note(
        "clv.contract_answer",
        "After {period} renewals {share:%} of the cohort are expected to be customers still "
        "({low:%} to {high:%}); after {observed}, the last observed, {seen:%} were ({count} of "
        "{n}).",
        period=int(last["period"]),
        share=last["estimate"],
        low=last["conf_low"],
        high=last["conf_high"],
        observed=int(seen["period"]),
        seen=seen["seen"],
        count=int(seen["count"]),
        n=int(seen["n"]),
    )


def _misfit(table):
    """Say how many renewal rates the model misses, and whether chance could do that."""
    seen = table[(table["measure"] == "renewal") & table["seen"].notna()]
    before = seen["count"] / seen["seen"]
    off = seen["count"] - before * seen["estimate"]
    spread = before * seen["estimate"] * (1 - seen["estimate"])
    outside = ~seen["seen"].between(seen["conf_low"], seen["conf_high"])
    freedom = len(seen) - 2
    if freedom < 1 or seen["conf_low"].isna().any() or not (spread > 0).all():
        return []
    p = float(special.chdtrc(freedom, float((off**2 / spread).sum())))
    note = Note(
        "clv.contract_misfit",
        "{outside} of {renewals} observed renewal rates lie outside the model's interval (goodness "
        "of fit by chi-square, p: {p:p}): the rates are not those of customers who differ and "
        "never change, so do not build on the renewals ahead.",
        outside=int(outside.sum()),
        renewals=len(seen),
        p=p,
    )
    fits = Note(
        "clv.contract_fits",
        "{outside} of {renewals} observed renewal rates lie outside the model's interval; together "
        "they differ from it by no more than chance (chi-square, p: {p:p}).",
        outside=int(outside.sum()),
        renewals=len(seen),
        p=p,
    )
    return [note if p < MISFIT else fits]


def _limits(table, n, loglik, edge):
    renewals = int(((table["measure"] == "renewal") & table["seen"].notna()).sum())
    limits = [EDGE] if edge else _misfit(table)
    limits += [
        SORTING,
        Note("clv.contract_fit", "The log-likelihood is {value:6}.", value=loglik),
    ]
    if n < FEW or renewals < FEW_RENEWALS:
        limits.append(
            Note(
                "clv.contract_few",
                "{n} customers and {renewals} renewals are few: {least} and {least_renewals} are "
                "common minimums.",
                n=n,
                renewals=renewals,
                least=FEW,
                least_renewals=FEW_RENEWALS,
            )
        )
    return tuple(limits)
