"""What is associated with staying longer? Regressions of durations, some of them still open."""

import numpy as np

from workbench import discrete, engine, intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.retention import sentences
from workbench.retention.stays import durations

COX_METHOD = Note(
    "retention.cox_method",
    "Cox regression with Efron's ties; errors clustered by sampling unit where customers have "
    "several durations; proportionality by scaled Schoenfeld residuals.",
)
COX_AXIS = Note("retention.cox_axis", "Change of the log hazard per unit (positive: ends sooner)")
COX_STEADY = Note(
    "retention.cox_steady",
    "No association is seen to change with time (proportionality test, corrected).",
)
STRETCH_AXIS = Note(
    "retention.stretch_axis", "Change of the log time per unit (positive: ends later)"
)
# Events a covariate, and sampling units, below which a model is commonly held to be weak.
EVENTS_EACH, CLUSTERS = 10, 30
FAMILIES = ("weibull", "exponential", "log_logistic", "log_normal")


@engine.frames("table")
@analysis
def cox(
    table, covariates, *, time="days", event="ended", cluster=None, strata=None, conf_level=0.95
):
    """What is associated with ending sooner or later, whatever the shape over time?

    Parameters
    ----------
    table : DataFrame
        One row a duration; rows with a missing value are left out and counted.
    covariates : list of str
        Numbers, or words (then compared with the first in alphabet).
    time, event : str
        As in `curves`.
    cluster : str, optional
        Column of the sampling unit where people have several durations; errors are then summed over
        it.
    strata : str, optional
        Column of groups with a shape over time of their own.

    Returns
    -------
    Result
        term, count (ended), n (durations), estimate (change of the log hazard a unit), std_error,
        conf_low, conf_high, p_value, hazard_ratio, ratio_low, ratio_high, p_proportional (that the
        effect does not change with time). `.model` is the statsmodels result.

    Raises
    ------
    InputError
        For missing, constant or collinear columns, or an event other than 0 and 1.
    NotEnoughData
        With fewer than two ended durations a covariate.

    Source: Cox (1972), JRSS B 34; ties Efron (1977), JASA 72; clustered errors Lin & Wei (1989),
    JASA 84; proportionality Grambsch & Therneau (1994), Biometrika 81. Fitted by statsmodels.
    """
    import pandas as pd
    import statsmodels.api as sm

    rows, lost = durations(table, time, event, *covariates, cluster, strata)
    data = fits.prepare(rows, time, list(covariates), cluster=cluster)
    x = data.x.drop(columns="constant")
    ended = rows[event].to_numpy(float)
    if ended.sum() < 2 * x.shape[1]:
        raise NotEnoughData(
            "retention.error_cox_few",
            "cox: {n} durations ended, for {k} covariates; at least {least} for each are needed",
            n=int(ended.sum()),
            k=x.shape[1],
            least=2,
        )
    if (rows[time] < 0).any():
        raise InputError(
            "retention.error_negative",
            "table: '{time}' must not be negative",
            time=time,
        )
    code = None if strata is None else np.unique(rows[strata].astype(str), return_inverse=True)[1]
    model = sm.PHReg(
        rows[time].to_numpy(float), x.to_numpy(), status=ended, ties="efron", strata=code
    )
    made = model.fit(groups=data.groups) if cluster else model.fit()
    params, cov = np.asarray(made.params), np.atleast_2d(made.cov_params())
    if not np.isfinite(cov).all() or (np.abs(params * np.ptp(x.to_numpy(), axis=0)) > 35).any():
        raise InputError(
            "retention.error_cox_separation",
            "cox: one covariate alone decides who leaves, so its coefficient has no "
            "finite estimate; leave it out",
        )
    se = np.sqrt(np.diag(cov))
    low, high = intervals.normal(params, se, conf_level, df=data.customers - 1 if cluster else None)
    shape = _proportional(made, rows[time].to_numpy(float), ended)
    result = pd.DataFrame(
        {
            "term": x.columns,
            "count": int(ended.sum()),
            "n": len(rows),
            "estimate": params,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
            "p_value": np.asarray(made.pvalues),
            "hazard_ratio": np.exp(params),
            "ratio_low": np.exp(low),
            "ratio_high": np.exp(high),
            "p_proportional": shape,
        }
    )
    return Result(
        question=Note("retention.cox_question", "What is associated with ending sooner or later?"),
        answer=_cox_answer(result, conf_level),
        table=result,
        method=COX_METHOD,
        unit="durations",
        n=len(rows),
        conf_level=conf_level,
        evidence="associational",
        limits=(
            _proportionality(x.columns, shape, conf_level),
            sentences.ASSOCIATIONAL,
            *_too_few(int(ended.sum()), x.shape[1], data.customers if cluster else None),
            *sentences.left_out(lost),
        ),
        model=made,
        chart=Points(
            label=["term"],
            reference=0,
            xlabel=COX_AXIS,
        ),
    )


def _cox_answer(table, conf_level):
    """Name the term with the clearest association, or say that none could be shown."""
    corrected = intervals.corrected(table["p_value"])
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
    corrected = intervals.corrected(p_values)
    moving = [c for c, p in zip(terms, corrected, strict=True) if p < 1 - conf_level]
    if not moving:
        return COX_STEADY
    return Note(
        "retention.cox_moving",
        "Not the same at all times (proportionality test, corrected): {terms:header}. Read these "
        "as averages over time, or split the time.",
        terms=moving,
    )


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


def _proportional(made, time, ended):
    """Return, for every covariate, the chance of so much drift of its scaled Schoenfeld residuals
    along the order of time if there is none.
    """
    from scipy import special, stats

    residual = np.asarray(made.schoenfeld_residuals)
    seen = np.isfinite(residual).all(axis=1) & (ended == 1)
    if seen.sum() < 3:
        return np.full(residual.shape[1], np.nan)
    cov, d = np.atleast_2d(made.cov_params()), seen.sum()
    g = stats.rankdata(time[seen])
    g = g - g.mean()
    scaled = residual[seen] @ cov * d
    with np.errstate(invalid="ignore", divide="ignore"):
        return special.chdtrc(1, (g @ scaled) ** 2 / (d * np.diag(cov) * (g @ g)))


@engine.frames("table")
@analysis
def parametric(
    table,
    covariates=(),
    *,
    family="weibull",
    time="days",
    event="ended",
    cluster=None,
    conf_level=0.95,
):
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
        becomes likelier), std_error, conf_low, conf_high, time_ratio. `.model` is a dictionary with
        params, cov, loglik and aic; the AIC of every family stands in `.facts` (retention.aic_of).

    Raises as `cox`, and InputError for durations of 0 or a fit that does not converge.

    Source: Kalbfleisch & Prentice (2002), The Statistical Analysis of Failure Time Data, chapter 3;
    errors White (1982), Econometrica 50, summed over clusters.
    """
    import pandas as pd

    one_of("family", family, FAMILIES)
    rows, lost = durations(table, time, event, *covariates, cluster)
    if (rows[time] <= 0).any():
        raise InputError(
            "retention.error_not_above_zero",
            "table: {n} durations of '{time}' are not above {floor}; add half a unit, or use cox",
            floor=0,
            n=int((rows[time] <= 0).sum()),
            time=time,
        )
    ended = rows[event].to_numpy(float)
    if ended.sum() < 2 * (len(covariates) + 1):
        raise NotEnoughData(
            "retention.error_parametric_few",
            "parametric: {n} durations ended; at least {least} for each coefficient are needed",
            least=2,
            n=int(ended.sum()),
        )
    if covariates:
        data = fits.prepare(rows, time, list(covariates), cluster=cluster)
        x, groups = data.x, data.groups
    else:
        x, groups = (
            pd.DataFrame({"constant": np.ones(len(rows))}),
            (
                np.unique(rows[cluster].astype(str), return_inverse=True)[1]
                if cluster
                else np.arange(len(rows))
            ),
        )
    log = np.log(rows[time].to_numpy(float))
    fitted = {name: _stretch(log, ended, x.to_numpy(), name) for name in FAMILIES}
    if fitted[family] is None:
        raise InputError(
            "retention.error_parametric_fit",
            "parametric: the {family:word} fit does not converge; leave covariates out",
            family=family,
        )
    theta, value, score, hessian = fitted[family]
    bread = np.linalg.inv(-hessian)
    g = int(groups.max()) + 1
    summed = np.zeros((g, len(theta)))
    np.add.at(summed, groups, score)
    cov = bread @ (summed.T @ summed) @ bread * g / max(g - 1, 1) if cluster else bread
    se = np.sqrt(np.diag(cov))
    low, high = intervals.normal(theta, se, conf_level, df=g - 1 if cluster else None)
    names = [*x.columns, *([] if family == "exponential" else ["scale"])]
    out = [
        {
            "term": n,
            "count": int(ended.sum()),
            "n": len(rows),
            **(
                {
                    "estimate": np.exp(theta[i]),
                    "std_error": np.exp(theta[i]) * se[i],
                    "conf_low": np.exp(low[i]),
                    "conf_high": np.exp(high[i]),
                    "time_ratio": np.nan,
                }
                if n == "scale"
                else {
                    "estimate": theta[i],
                    "std_error": se[i],
                    "conf_low": low[i],
                    "conf_high": high[i],
                    "time_ratio": np.exp(theta[i]),
                }
            ),
        }
        for i, n in enumerate(names)
    ]
    aic = {
        name: 2 * len(made[0]) - 2 * made[1] for name, made in fitted.items() if made is not None
    }
    result = pd.DataFrame(out)
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
        limits=(_family_aic(aic), sentences.ASSOCIATIONAL, *sentences.left_out(lost)),
        model={
            "params": dict(zip(names, theta, strict=True)),
            "cov": cov,
            "loglik": value,
            "aic": aic[family],
        },
        chart=Points(
            label=["term"],
            only={"term": [c for c in names if c not in ("constant", "scale")] or ["constant"]},
            reference=0,
            xlabel=STRETCH_AXIS,
        ),
    )


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
    terms = table[~table["term"].isin(("constant", "scale"))]
    rows = terms if len(terms) else table[table["term"] == "constant"]
    distance = (rows["estimate"] / rows["std_error"]).abs()
    row = rows.assign(distance=distance).sort_values(["distance", "term"], ascending=[False, True])
    row = row.iloc[0]
    values = {
        "ratio": float(row["time_ratio"]),
        "low": float(np.exp(row["conf_low"])),
        "high": float(np.exp(row["conf_high"])),
        "n": int(row["n"]),
    }
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


def _stretch(log, ended, x, family):
    """Return parameters (weights, logarithm of the scale), log-likelihood, scores a row and second
    derivatives of an accelerated-failure-time model; None where it does not settle.
    """
    from scipy import optimize, special

    k, free = x.shape[1], family != "exponential"

    def parts(theta):
        sigma = np.exp(theta[k]) if free else 1.0
        z = (log - x @ theta[:k]) / sigma
        with np.errstate(over="ignore"):
            if family in ("weibull", "exponential"):
                density, tail = z - np.exp(z), -np.exp(z)
                d_density, d_tail = 1 - np.exp(z), -np.exp(z)
            elif family == "log_logistic":
                density, tail = z - 2 * np.logaddexp(0, z), -np.logaddexp(0, z)
                d_density, d_tail = 1 - 2 * special.expit(z), -special.expit(z)
            else:
                density, tail = -(z**2) / 2 - np.log(2 * np.pi) / 2, special.log_ndtr(-z)
                d_density, d_tail = (
                    -z,
                    -np.exp(-(z**2) / 2 - np.log(2 * np.pi) / 2 - special.log_ndtr(-z)),
                )
        value = ended * (density - np.log(sigma) - log) + (1 - ended) * tail
        slope = ended * d_density + (1 - ended) * d_tail
        score = [-slope[:, None] / sigma * x]
        if free:
            score.append((-slope * z - ended)[:, None])
        return value, np.column_stack(score)

    def loss(theta):
        value, score = parts(theta)
        total = value.sum()
        return (
            (-total / len(log), -score.sum(axis=0) / len(log))
            if np.isfinite(total)
            else (1e10, np.zeros(len(theta)))
        )

    def gradient(theta):
        return parts(theta)[1].sum(axis=0)

    begin = np.concatenate([np.linalg.lstsq(x, log, rcond=None)[0], [0.0] * free])
    begin[0] += 0.5  # who still goes on ends later than seen
    theta, top = discrete.polish(
        gradient,
        optimize.minimize(
            loss, begin, jac=True, method="BFGS", options={"maxiter": 500, "gtol": 1e-9}
        ).x,
    )
    hessian = discrete.slope(gradient, theta)
    value, score = parts(theta)
    settled = np.isfinite(theta).all() and top < 1e-3 and (np.linalg.eigvalsh(-hessian) > 0).all()
    return (theta, float(value.sum()), score, hessian) if settled else None
