"""What is associated with staying longer? Regressions of durations, some of them still open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.retention import sentences
from workbench.retention.survival_analysis import durations, entered
from workbench.stats import durations as stretches
from workbench.stats import hazards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

COX_METHOD = Note(
    "retention.cox_method",
    "Cox regression with Efron's ties; errors clustered by sampling unit where customers have "
    "several durations; proportionality by scaled Schoenfeld residuals.",
)
COX_FIRTH = Note(
    "retention.cox_firth",
    "Cox regression by Firth's penalised likelihood, Efron's ties; intervals and p-values from its "
    "profile; proportionality by scaled Schoenfeld residuals.",
)
COX_NOTHING = Note(
    "retention.cox_answer_withheld",
    "What is associated with ending sooner or later cannot be estimated: these data put all "
    "endings in order, so no finite estimate exists.",
)
COX_AXIS = Note("retention.cox_axis", "Change of the log hazard per unit (positive: ends sooner)")
COX_STEADY = Note(
    "retention.cox_steady",
    "No association is seen to change with time (proportionality test, corrected).",
)
STRETCH_AXIS = Note(
    "retention.stretch_axis", "Change of the log time per unit (positive: ends later)"
)
STRETCH_NOTHING = Note(
    "retention.stretch_answer_withheld",
    "By what factor durations are longer cannot be estimated: no duration of some values ended, so "
    "no finite estimate exists.",
)
# Events a covariate, and sampling units, below which a model is commonly held to be weak.
EVENTS_EACH, CLUSTERS = 10, 30
FAMILIES = ("weibull", "exponential", "log_logistic", "log_normal")


@engine.frames("table")
@analysis
def cox(
    table: Table,
    covariates: Sequence[str],
    *,
    time: str = "days",
    event: str = "ended",
    cluster: str | None = None,
    strata: str | None = None,
    penalty: str | None = None,
    conf_level: float = 0.95,
) -> Result:
    """What is associated with ending sooner or later, whatever the shape over time?

    Parameters
    ----------
    table : DataFrame
        One row a duration; rows with a missing value are left out and counted.
    covariates : list of str
        Numbers, or words (then compared with the first in alphabet).
    time : str or (str, str)
        As in `survival_curves`; or two columns, entry and end: a row is at risk after the first and
        up to the second. Several rows of one subject, each with its covariates, are start–stop
        rows.
    event : str
        As in `survival_curves`.
    cluster : str, optional
        Column of the sampling unit where people have several durations; errors are then summed over
        it.
    strata : str, optional
        Column of groups with a shape over time of their own.
    penalty : str, optional
        "firth": Firth's penalised likelihood, which has an estimate for every sample; limits and
        p-values from its profile. None: maximum likelihood.

    Returns
    -------
    Result
        term, count (ended), n (durations), estimate (change of the log hazard a unit), std_error,
        conf_low, conf_high, p_value, hazard_ratio, ratio_low, ratio_high, p_proportional (that the
        effect does not change with time). A term that orders the endings completely has no finite
        estimate: it is missing, and `.limits` name it. `.model` is a `stats.hazards.Fit`.

    Raises
    ------
    InputError
        For missing, constant or collinear columns, an event other than 0 and 1, or a penalty with
        `cluster`.
    NotEnoughData
        With fewer than two ended durations a covariate.

    Source: Cox (1972), JRSS B 34; ties Efron (1977), JASA 72; clustered errors Lin & Wei (1989),
    JASA 84; proportionality Grambsch & Therneau (1994), Biometrika 81; start–stop rows Andersen &
    Gill (1982), Annals of Statistics 10; monotone likelihood and penalty Heinze & Schemper (2001),
    Biometrics 57.
    """
    fits.check_penalty(penalty, cluster)
    entry, time = (None, time) if isinstance(time, str) else time
    rows, lost = durations(table, time, event, *covariates, cluster, strata, entry)
    rows, late = entered(rows, time, entry)
    data = fits.prepare(rows, time, list(covariates), cluster=cluster)
    x = data.x.drop(columns="constant")
    ended = rows[event].to_numpy(float)
    _check_durations(rows, time, ended, x.shape[1])
    code = None if strata is None else np.unique(rows[strata].astype(str), return_inverse=True)[1]
    length, z = rows[time].to_numpy(float), x.to_numpy(float)
    how = {"strata": code, "entry": None if entry is None else rows[entry].to_numpy(float)}
    if penalty:
        fit = hazards.firth_cox(z, length, ended, conf_level=conf_level, **how)
    else:
        fit = hazards.cox(z, length, ended, groups=data.groups if cluster else None, **how)
    fits.check_settled(fit, "cox")
    result = _cox_table(
        fit, x.columns, ended, conf_level, df=data.customers - 1 if cluster else None
    )
    return Result(
        question=Note("retention.cox_question", "What is associated with ending sooner or later?"),
        answer=_cox_answer(result, conf_level),
        table=result,
        method=COX_FIRTH if penalty else COX_METHOD,
        unit="durations",
        n=len(rows),
        conf_level=conf_level,
        evidence="associational",
        limits=(
            *_withheld(result),
            *_proportionality(x.columns, fit.p_proportional, conf_level),
            sentences.ASSOCIATIONAL,
            *_too_few(int(ended.sum()), x.shape[1], data.customers if cluster else None),
            *late,
            *sentences.left_out(lost),
        ),
        model=fit,
        chart=Points(label=["term"], reference=0, xlabel=COX_AXIS),
    )


def _check_durations(rows, time, ended, covariates):
    """Refuse durations below 0, and fewer ended ones than the covariates need."""
    if ended.sum() < 2 * covariates:
        raise NotEnoughData(
            "retention.error_cox_few",
            "cox: {n} durations ended, for {k} covariates; at least {least} for each are needed",
            n=int(ended.sum()),
            k=covariates,
            least=2,
        )
    if (rows[time] < 0).any():
        raise InputError(
            "retention.error_negative",
            "table: '{time}' must not be negative",
            time=time,
        )


def _cox_table(fit, terms, ended, conf_level, df):
    """Return the rows of `cox`."""
    import pandas as pd

    se = np.sqrt(np.diag(fit.cov))
    low, high = intervals.normal(fit.params, se, conf_level, df=df)
    p_value = intervals.p_value(fit.params, se)
    if fit.low is not None:
        low, high, p_value = fit.low, fit.high, fit.p_value
    with np.errstate(over="ignore"):
        ratios = [np.exp(v) for v in (fit.params, low, high)]
    return pd.DataFrame(
        {
            "term": terms,
            "count": int(ended.sum()),
            "n": len(ended),
            "estimate": fit.params,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
            "p_value": p_value,
            **dict(zip(("hazard_ratio", "ratio_low", "ratio_high"), ratios, strict=True)),
            "p_proportional": fit.p_proportional,
        }
    )


def _withheld(table):
    """Say which terms have no finite estimate, and what to do."""
    gone = table.loc[table["estimate"].isna(), "term"].tolist()
    if not gone:
        return []
    return [
        Note(
            "retention.cox_withheld",
            "No finite estimate exists for {terms:header}: these data put all endings in order by "
            "it, so the likelihood rises without end. Use the penalised estimate "
            "(penalty='{penalty}'), leave the term out, or observe longer.",
            terms=gone,
            penalty="firth",
        )
    ]


def _cox_answer(table, conf_level):
    """Name the term with the clearest association, or say that none could be shown."""
    table = table[table["estimate"].notna()]
    if not len(table):
        return COX_NOTHING
    corrected = intervals.adjust_p_values(table["p_value"])
    table = table.assign(p_moving=intervals.adjust_p_values(table["p_proportional"]))
    row = table.assign(corrected=corrected).sort_values(["corrected", "p_value", "term"]).iloc[0]
    values = {
        "term": row["term"],
        "ratio": float(row["hazard_ratio"]),
        "low": float(row["ratio_low"]),
        "high": float(row["ratio_high"]),
        "count": int(row["count"]),
        "n": int(row["n"]),
    }
    if not row["corrected"] < 1 - conf_level:
        return Note(
            "retention.cox_answer_none",
            "No association with ending sooner or later could be shown; the clearest is "
            "{term:header}, hazard ratio {ratio:3} per unit ({low:3} to {high:3}; {count} of {n} "
            "durations ended).",
            **values,
        )
    if row["p_moving"] < 1 - conf_level:
        return Note(
            "retention.cox_answer_moving",
            "{term:header} is most clearly associated with when it ends, but not in the same way "
            "at all times: the hazard ratio of {ratio:3} per unit ({low:3} to {high:3}) is an "
            "average over them ({count} of {n} durations ended).",
            **values,
        )
    if row["hazard_ratio"] > 1:
        return Note(
            "retention.cox_answer_sooner",
            "{term:header} is most clearly associated with ending sooner: hazard ratio {ratio:3} "
            "per unit ({low:3} to {high:3}; {count} of {n} durations ended).",
            **values,
        )
    return Note(
        "retention.cox_answer_later",
        "{term:header} is most clearly associated with ending later: hazard ratio {ratio:3} per "
        "unit ({low:3} to {high:3}; {count} of {n} durations ended).",
        **values,
    )


def _proportionality(terms, p_values, conf_level):
    """Say which associations change with time."""
    corrected = intervals.adjust_p_values(p_values)
    if np.isnan(corrected).all():
        return []
    moving = [c for c, p in zip(terms, corrected, strict=True) if p < 1 - conf_level]
    if not moving:
        return [COX_STEADY]
    return [
        Note(
            "retention.cox_moving",
            "Not the same at all times (proportionality test, corrected): {terms:header}. Read "
            "these as averages over time, or split the time.",
            terms=moving,
        )
    ]


def _too_few(ended, covariates, clusters):
    """Say where events or sampling units are fewer than is commonly asked for."""
    limits = []
    if ended < EVENTS_EACH * covariates:
        limits.append(
            Note(
                "retention.cox_few",
                "{n} durations ended, for {k} covariates; {least} for each is a common minimum.",
                n=ended,
                k=covariates,
                least=EVENTS_EACH,
            )
        )
    if clusters is not None and clusters < CLUSTERS:
        limits.append(
            Note(
                "retention.few_clusters",
                "{k} sampling units are few: {least} is a common minimum, and intervals are too "
                "narrow below it.",
                k=clusters,
                least=CLUSTERS,
            )
        )
    return limits


@engine.frames("table")
@analysis
def parametric(
    table: Table,
    covariates: Sequence[str] = (),
    *,
    family: str = "weibull",
    time: str | Sequence[str] = "days",
    event: str = "ended",
    cluster: str | None = None,
    conf_level: float = 0.95,
) -> Result:
    """By what factor are durations longer, and does leaving become likelier or rarer with time?

    Parameters
    ----------
    table, covariates, time, event, cluster : as in `cox`; durations must lie above 0
    family : str
        "weibull", "exponential", "log_logistic" or "log_normal": the shape of the times.

    Returns
    -------
    Result
        term, count (ended), n (durations), estimate (change of the log time a unit; constant: of
        the middle of the log times; scale: their spread, below 1 with "weibull" means leaving
        becomes likelier), std_error, conf_low, conf_high, time_ratio. A term of whose values some
        never ended has no finite estimate: it is missing, and `.limits` name it. `.model` is a
        dictionary with params, cov, loglik and aic; the AIC of every family stands in `.facts`
        (retention.aic_of).

    Raises as `cox`, and InputError for durations of 0 or a fit that does not converge.

    Source: Kalbfleisch & Prentice (2002), The Statistical Analysis of Failure Time Data, chapter 3;
    errors White (1982), Econometrica 50, summed over clusters.
    """
    one_of("family", family, FAMILIES)
    rows, lost = durations(table, time, event, *covariates, cluster)
    ended = rows[event].to_numpy(float)
    _check_stretch(rows, time, ended, covariates)
    x, groups = _stretch_design(rows, time, covariates, cluster)
    length = rows[time].to_numpy(float)
    fitted = {
        name: stretches.stretch(x.to_numpy(float), length, ended, name, groups=groups)
        for name in FAMILIES
    }
    made = fitted[family]
    if made.exact:
        raise InputError(
            "retention.error_exact",
            "parametric: the durations that ended follow the covariates exactly (such as all on "
            "one day), so their spread would be {none} and no family fits; use cox or curves",
            none=0,
        )
    if not made.settled:
        raise InputError(
            "retention.error_parametric_fit",
            "parametric: the {family:word} fit does not converge; leave covariates out",
            family=family,
        )
    df = int(groups.max()) if groups is not None else None
    names = [*x.columns, *([] if family == "exponential" else ["scale"])]
    result = _stretch_table(made, names, ended, conf_level, df)
    aic = {name: 2 * len(m.params) - 2 * m.loglik for name, m in fitted.items() if m.settled}
    return Result(
        question=Note("retention.stretch_question", "By what factor are durations longer?"),
        answer=_stretch_answer(result, conf_level),
        table=result,
        method=Note(
            "retention.stretch_method",
            "Accelerated failure time model, {family:word}, by maximum likelihood.",
            family=family,
        ),
        unit="durations",
        n=len(rows),
        conf_level=conf_level,
        evidence="associational",
        limits=(
            *_stretch_withheld(result),
            _family_aic(aic),
            sentences.ASSOCIATIONAL,
            *sentences.left_out(lost),
        ),
        model={
            "params": dict(zip(names, made.params, strict=True)),
            "cov": made.cov,
            "loglik": made.loglik,
            "aic": aic[family],
        },
        chart=Points(
            label=["term"],
            only={"term": [c for c in names if c not in ("constant", "scale")] or ["constant"]},
            reference=0,
            xlabel=STRETCH_AXIS,
        ),
    )


def _check_stretch(rows, time, ended, covariates):
    """Refuse durations of 0, and fewer ended ones than the coefficients need."""
    if (rows[time] <= 0).any():
        raise InputError(
            "retention.error_not_above_zero",
            "table: {n} durations of '{time}' are not above {floor}; add half a unit, or use cox",
            floor=0,
            n=int((rows[time] <= 0).sum()),
            time=time,
        )
    if ended.sum() < 2 * (len(covariates) + 1):
        raise NotEnoughData(
            "retention.error_parametric_few",
            "parametric: {n} durations ended; at least {least} for each coefficient are needed",
            least=2,
            n=int(ended.sum()),
        )


def _stretch_design(rows, time, covariates, cluster):
    """Return the design with its constant, and the number of each row's sampling unit."""
    import pandas as pd

    if covariates:
        data = fits.prepare(rows, time, list(covariates), cluster=cluster)
        return data.x, data.groups if cluster else None
    units = np.unique(rows[cluster].astype(str), return_inverse=True)[1] if cluster else None
    return pd.DataFrame({"constant": np.ones(len(rows))}), units


def _stretch_table(made, names, ended, conf_level, df):
    """Return the rows of `parametric`: changes of the log time, and the scale as it is."""
    import pandas as pd

    se = np.sqrt(np.diag(made.cov))
    table = pd.DataFrame(
        {
            "term": names,
            "count": int(ended.sum()),
            "n": len(ended),
            "estimate": made.params,
            "std_error": se,
        }
    )
    table["conf_low"], table["conf_high"] = intervals.normal(made.params, se, conf_level, df=df)
    with np.errstate(over="ignore"):
        table["time_ratio"] = np.exp(table["estimate"])
    scale = table["term"] == "scale"
    if scale.any():
        ends = ["estimate", "conf_low", "conf_high"]
        table.loc[scale, ends] = np.exp(table.loc[scale, ends])
        table.loc[scale, "std_error"] *= table.loc[scale, "estimate"]
        table.loc[scale, "time_ratio"] = np.nan
    return table


def _stretch_withheld(table):
    """Say which terms have no finite estimate, and what to do."""
    gone = table.loc[table["estimate"].isna(), "term"].tolist()
    if not gone:
        return []
    gone = [term for term in gone if term != "constant"] or gone
    return [
        Note(
            "retention.stretch_withheld",
            "No finite estimate exists for {terms:header}: no duration of some of its values "
            "ended, so their time is only known to be longer. Leave the term out, or observe "
            "longer; the other terms hold.",
            terms=gone,
        )
    ]


def _family_aic(aic):
    return Note(
        "retention.family_aic",
        "AIC by family (lower fits better): {list}.",
        list=[
            Note("retention.aic_of", "{family:word} {aic:6}", family=name, aic=value)
            for name, value in sorted(aic.items(), key=lambda item: item[1])
        ],
    )


def _stretch_answer(table, conf_level):
    """Name the covariate with the clearest association; without covariates, the typical time."""
    known = table[table["estimate"].notna()]
    terms = known[~known["term"].isin(("constant", "scale"))]
    if table["estimate"].isna().any() and not len(terms):
        return STRETCH_NOTHING
    rows = terms if len(terms) else table[table["term"] == "constant"]
    distance = (rows["estimate"] / rows["std_error"]).abs()
    row = rows.assign(distance=distance).sort_values(["distance", "term"], ascending=[False, True])
    row = row.iloc[0]
    with np.errstate(over="ignore"):
        low, high = (float(np.exp(row[c])) for c in ("conf_low", "conf_high"))
    values = {"ratio": float(row["time_ratio"]), "low": low, "high": high, "n": int(row["n"])}
    if not len(terms):
        return Note(
            "retention.stretch_answer_typical",
            "The characteristic duration of the fitted curve is {ratio:3} ({low:3} to {high:3}; "
            "{n} durations).",
            **values,
        )
    if row["conf_low"] > 0 or row["conf_high"] < 0:
        return Note(
            "retention.stretch_answer",
            "{term:header} is most clearly associated with the duration: {ratio:3} times as long "
            "per unit ({low:3} to {high:3}; {n} durations).",
            term=row["term"],
            **values,
        )
    return Note(
        "retention.stretch_answer_none",
        "No association with the duration could be shown; the clearest is {term:header}, "
        "{ratio:3} times as long per unit ({low:3} to {high:3}; {n} durations).",
        term=row["term"],
        **values,
    )
