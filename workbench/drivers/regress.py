"""One outcome, several terms: regressions with the customer as sampling unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.data_limits import ASSOCIATIONAL, FEW_CLUSTERS, LEFT_OUT
from workbench.errors import InputError, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis, weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

METHODS = {
    "linear": Note(
        "drivers.regression_linear",
        "Least squares with robust standard errors, the sampling unit as cluster.",
    ),
    "logit": Note(
        "drivers.regression_logit",
        "Logit with robust standard errors, the sampling unit as cluster.",
    ),
    "ordinal": Note(
        "drivers.regression_ordinal",
        "Ordered logit (proportional odds) with robust standard errors, the sampling unit as "
        "cluster.",
    ),
    "poisson": Note(
        "drivers.regression_poisson",
        "Poisson regression with robust standard errors, the sampling unit as cluster.",
    ),
}
AXES = {
    "linear": Note("drivers.axis_linear", "Change of the outcome per unit"),
    "logit": Note("drivers.axis_logit", "Change in log-odds per unit"),
    "ordinal": Note("drivers.axis_ordinal", "Change in log-odds of a higher grade per unit"),
    "poisson": Note("drivers.axis_poisson", "Change in the logarithm of the outcome per unit"),
}
AXIS_SHARE = Note("drivers.axis_share", "Share of what is explained")
COLLINEAR = Note(
    "drivers.collinear",
    "These overlap so strongly with the others that their intervals are more than twice as wide "
    "as alone: {terms:word}.",
    terms=[],
)
FEW_ROWS = Note(
    "drivers.few_rows",
    "Only {n} rows for {terms} terms: {least} rows, and {each} a term, are common minimums.",
    n=0,
    terms=0,
    least=200,
    each=20,
)
STRONGEST = {
    "linear": Note(
        "drivers.regression_answer",
        "The clearest association with {outcome:word} is that of {term:word}: one unit "
        "more goes with a change of {estimate:3}, the others held equal ({low:3} to "
        "{high:3}; {n} rows).",
    ),
    "logit": Note(
        "drivers.regression_answer_odds",
        "The clearest association with {outcome:word} is that of {term:word}: one unit "
        "more goes with {times:3} times the odds, the others held equal ({low:3} to "
        "{high:3}; {n} rows).",
    ),
    "ordinal": Note(
        "drivers.regression_answer_grade",
        "The clearest association with {outcome:word} is that of {term:word}: one unit "
        "more goes with {times:3} times the odds of a higher grade, the others held "
        "equal ({low:3} to {high:3}; {n} rows).",
    ),
    "poisson": Note(
        "drivers.regression_answer_rate",
        "The clearest association with {outcome:word} is that of {term:word}: one unit "
        "more goes with {times:3} times as much, the others held equal ({low:3} to "
        "{high:3}; {n} rows).",
    ),
}
NOTHING = Note(
    "drivers.regression_answer_none",
    "No association with {outcome:word} could be shown, the other terms held equal: "
    "the clearest is {term:word}, with a coefficient of {estimate:3} ({low:3} to "
    "{high:3}; {n} rows).",
)

FIRTH = Note(
    "drivers.regression_firth",
    "Logit by Firth's penalised likelihood; intervals and p-values from its profile.",
)
WITHHELD = Note(
    "drivers.withheld",
    "No finite estimate exists for {terms:word}: {reason}. Use the penalised estimate "
    "(penalty='{penalty}'), leave the term out, or gather more rows; the other terms hold.",
    terms=[],
    reason="",
    penalty="firth",
)
WITHHELD_COUNT = Note(
    "drivers.withheld_count",
    "No finite estimate exists for {terms:word}: {reason}. Leave the term out, or gather more "
    "rows; the other terms hold.",
    terms=[],
    reason="",
)
UNKNOWN = Note(
    "drivers.regression_answer_unknown",
    "What is associated with {outcome:word} cannot be estimated: the terms decide it, so no finite "
    "estimate exists.",
    outcome="",
)

EXPLAINED = Note(
    "drivers.r2", "Together the terms explain {share:%} of the variance (R²).", share=0.0
)


@engine.frames("table")
@analysis
def regression(
    table: Table,
    outcome: str,
    terms: Sequence[str],
    *,
    kind: str = "linear",
    cluster: str | None = None,
    randomised: Sequence[str] = (),
    penalty: str | None = None,
    conf_level: float = 0.95,
) -> Result:
    """What goes with an outcome when the other terms are held equal?

    Parameters
    ----------
    table : DataFrame
        One row a respondent, order or customer. Rows with a missing value are left out and counted.
        A column "weight" (of a survey) is used, but not with a penalty.
    outcome : str
        A number; 0 or 1 for "logit"; ordered grades such as 1 to 7 for "ordinal".
    terms : list of str
        Numbers, or words (then compared with the first in alphabet).
    kind : str
        "linear" (robust errors), "logit", "ordinal" (proportional odds) or "poisson" (counts, or
        amounts that may be 0).
    cluster : str, optional
        Column of the sampling unit, such as customer_id; None: every row its own.
    randomised : list of str
        Terms that chance set, such as prices drawn for every respondent: of these the evidence is
        experimental.
    penalty : str, optional
        "firth" (logit only): Firth's penalised likelihood, which has an estimate for every sample;
        limits and p-values from its profile. None: maximum likelihood.

    Returns
    -------
    Result
        term, n (rows), estimate (per unit of the term: of the outcome; log-odds for logit and
        ordinal; log for poisson), std_error, conf_low, conf_high, p_value,
        marginal (logit only: average change of the chance a unit of the term, without an interval),
        inflation (how many times collinearity widens the variance). A term that decides a yes/no
        outcome or a count has no finite estimate: it is missing, and `.limits` name it. `.model` is
        the statsmodels result ("linear"), or a `regression.Fitted`.

    Raises
    ------
    InputError
        For a missing, constant or collinear column, or one that decides an ordinal outcome; each is
        named. For a penalty with another kind, or with `cluster`.
    NotEnoughData
        With too few rows, or an outcome that does not vary.

    Source: White (1980), Econometrica 48; Liang & Zeger (1986), Biometrika 73; McCullagh (1980),
    JRSS B 42; separation Albert & Anderson (1984), Biometrika 71; penalty Heinze & Schemper (2002),
    Statistics in Medicine 21. Least squares are computed by statsmodels.
    """

    for name in randomised:
        if name not in terms:
            raise unknown("randomised", "term", name, terms)
    _check_penalty(penalty, kind, cluster)
    data = fits.prepare(
        table, outcome, terms, cluster=cluster, weights=weights.of(table, outcome, terms, cluster)
    )
    made = fits.fit(data, kind, partial=True, penalty=penalty, conf_level=conf_level)
    names = [c for c in data.x if c != "constant"]
    result = _graded(_rows(made, data, kind, conf_level), randomised)
    vif = result.set_index("term")["inflation"]
    others = [c for c in names if c.split(": ")[0] not in randomised]
    told = _randomised(randomised, others) if randomised else ASSOCIATIONAL
    limits = [*_withheld(result, data, kind), told, *left_out(data)]
    strong = [c for c in names if vif[c] > 5]
    if strong:
        limits.append(COLLINEAR.having(terms=list(strong)))
    if len(data.y) < 20 * len(names):
        limits.append(FEW_ROWS.having(n=len(data.y), terms=len(names)))
    if cluster and data.customers < 30:
        few = FEW_CLUSTERS
        limits.append(few.having(n=data.customers, least=30, unit="sampling_units"))
    if kind == "linear":
        limits.append(EXPLAINED.having(share=made.rsquared))
    return Result(
        question=Note(
            "drivers.regression_question",
            "What is associated with {outcome:word} when the other terms are held equal?",
            outcome=outcome,
        ),
        table=result,
        answer=_regression_answer(
            result[result["term"].isin(others) ^ bool(randomised)], outcome, kind
        ),
        method=FIRTH if penalty else METHODS[kind],
        unit="rows",
        n=len(data.y),
        conf_level=conf_level,
        evidence="experimental" if randomised else "associational",
        limits=tuple(limits),
        model=made,
        chart=Points(
            label=["term"],
            reference=0,
            xlabel=AXES[kind],
            **{"only": {"term": [c for c in names if c not in others]}} if randomised else {},
        ),
    )


def _check_penalty(penalty, kind, cluster):
    fits.check_penalty(penalty, cluster)
    if penalty and kind != "logit":
        raise InputError(
            "drivers.error_penalty_kind",
            "penalty: '{penalty}' is for the kind '{allowed}', found '{kind}'",
            penalty=penalty,
            allowed="logit",
            kind=kind,
        )


def _rows(made, data, kind, conf_level):
    """Return the rows of `regression`."""
    import pandas as pd

    names = [c for c in data.x if c != "constant"]
    params, errors, p = (
        pd.Series(np.asarray(v), index=list(made.params.index))[names]
        for v in (made.params, made.bse, made.pvalues)
    )
    low, high = intervals.normal(params, errors, conf_level, df=fits.quantile_df(data))
    if getattr(made, "low", None) is not None:
        low, high = made.low[names].to_numpy(), made.high[names].to_numpy()
    vif = fits.vif(data.x)
    marginal = {}
    if kind == "logit":
        chance = made.predict()
        mean = float(np.average(chance * (1 - chance), weights=data.weights))
        marginal = {"marginal": params.to_numpy() * mean}
    return pd.DataFrame(
        {
            "term": names,
            "n": len(data.y),
            "estimate": params.to_numpy(),
            "std_error": errors.to_numpy(),
            "conf_low": low,
            "conf_high": high,
            "p_value": p.to_numpy(),
            **marginal,
            "inflation": [vif.get(c, 1.0) for c in names],
        }
    )


def _withheld(table, data, kind):
    """Say which terms have no finite estimate, why, and what to do."""
    gone = table.loc[table["estimate"].isna(), "term"].tolist()
    if not gone:
        return []
    said = (WITHHELD if kind == "logit" else WITHHELD_COUNT).having(
        terms=gone, reason=fits.decided(data, gone)
    )
    return [said.having(penalty="firth") if kind == "logit" else said]


def _graded(table, randomised):
    """Return the rows with the grade of each, where chance set some of the terms."""
    if not randomised:
        return table
    by_lot = table["term"].str.split(": ").str[0].isin(list(randomised))
    return table.assign(evidence=np.where(by_lot, "experimental", "associational"))


def _randomised(randomised, others):
    """Return what randomisation makes of the evidence, and of which terms."""
    if others:
        return Note(
            "drivers.randomised",
            "{terms:word}: randomised, so the evidence is experimental. The others "
            "({others:word}) are included for precision and stay associational.",
            terms=list(randomised),
            others=others,
        )
    return Note(
        "drivers.randomised_all",
        "{terms:word}: randomised, so the evidence is experimental.",
        terms=list(randomised),
    )


def _regression_answer(table, outcome, kind):
    """Return the clearest term: the one furthest from none in standard errors."""
    if table["estimate"].isna().all():
        return UNKNOWN.having(outcome=outcome)
    table = table[table["estimate"].notna()]
    order = (table["estimate"] / table["std_error"]).abs()
    row = table.assign(order=order).sort_values(["order", "term"], ascending=[False, True]).iloc[0]
    said = {**fits.said(row), "term": row["term"], "outcome": outcome}
    if not fits.clear(row):
        return NOTHING.having(**said)
    if kind == "linear":
        return STRONGEST[kind].having(**said)
    with np.errstate(over="ignore"):
        times = {name: float(np.exp(said.pop(name))) for name in ("estimate", "low", "high")}
    return STRONGEST[kind].having(**said, times=times.pop("estimate"), **times)


def left_out(data):
    """Return the sentences on rows with missing values and on weights, if there are any."""
    lost = [LEFT_OUT.having(n=data.left_out)] if data.left_out else []
    return [*lost, *weights.said(data.weights)]
