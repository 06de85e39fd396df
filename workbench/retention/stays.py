"""How long do they stay, and what goes with leaving sooner? Curves, hazards and exits of several
kinds.
"""

import numpy as np

from workbench import discrete, intervals, survival
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis
from workbench.retention.repeat import median_sentences
from workbench.texts import number, word

FAMILIES = ("weibull", "exponential", "log_logistic", "log_normal")


def _durations(table, time, event, *others):
    """Return complete rows with durations above or at 0 and an event of 0 or 1, and how many were
    left out.
    """
    fits.numbers(table, "table", time)
    fits.require(table, "table", event, *others)
    kept = table.dropna(subset=[c for c in (time, event, *others) if c]).reset_index(drop=True)
    if not len(kept):
        raise NotEnoughData(
            "retention.error_survival_there_is_no_complete", "survival: there is no complete row"
        )
    if not np.isin(kept[event].astype(float), (0, 1)).all():
        raise InputError(
            "retention.error_table_must_be_still_going",
            "table: '{event}' must be 0 (still going on) or 1 (ended)",
            event=event,
        )
    return kept, len(table) - len(kept)


@analysis
def curves(
    table, *, time="days", event="ended", by=None, customer=None, horizon=None, conf_level=0.95
):
    """Which share is still going on after each time, and do groups differ?

    Parameters
    ----------
    table : DataFrame
        One row a duration, such as `retention.pauses` or contracts; rows with a missing value are
        left out and counted.
    time, event : str
        The duration, and whether it ended (1) or was still going on when the data end (0).
    by : str, optional
        Column of the group.
    customer : str, optional
        Column of the sampling unit where people have several durations.
    horizon : float, optional
        Time up to which the mean time is compared between two groups (restricted mean); None: the
        shortest of the groups' longest durations.

    Returns
    -------
    Result
        group, time, n (at risk), count (ended then), estimate (share still there), std_error,
        conf_low, conf_high (log–log). Medians, the log-rank test and the difference of restricted
        means stand in `.limits`.

    Raises
    ------
    InputError
        For missing columns, negative durations, or an event other than 0 and 1.
    NotEnoughData
        Without a complete row.

    Source: Kaplan & Meier (1958), JASA 53; Mantel (1966); restricted means Royston & Parmar (2013),
    BMC Medical Research Methodology 13.
    """
    rows, lost = _durations(table, time, event, by, customer)
    who = None if customer is None else rows[customer]
    made, medians = survival.by_group(
        rows[time],
        rows[event],
        None if by is None else rows[by],
        customer=who,
        conf_level=conf_level,
    )
    limits = median_sentences(medians)
    if len(medians) > 1:
        _, _, p = survival.log_rank(rows[time], rows[event], rows[by], customer=who)
        limits.append(
            Note("stages.log_rank", "Log-rank test over all groups: p: {p:p}.", p=float(p))
        )
    if len(medians) == 2:
        one, two = (name for name, *_ in medians)
        first = (rows[by].astype(str) == one).to_numpy()
        last = (
            min(float(rows.loc[m, time].max()) for m in (first, ~first))
            if horizon is None
            else float(horizon)
        )
        apart = survival.mean_gap(
            rows[time], rows[event], first, last, customer=who, conf_level=conf_level
        )
        limits.append(
            Note(
                "retention.mean_gap",
                "Up to {horizon}, {one} lasts {gap:3} longer on average than {two} "
                "({low:3} to {high:3}; below 0: shorter).",
                one=one,
                two=two,
                horizon=last,
                gap=apart["estimate"],
                low=apart["conf_low"],
                high=apart["conf_high"],
            )
        )
    if lost:
        limits.append(
            Note("drivers.left_out", "{n} rows with a missing value are left out.", n=lost)
        )
    return Result(
        question=Note("retention.stay_question", "Which share is still going on after each time?"),
        table=made,
        method=Note("retention.next_method", "Kaplan–Meier with log–log intervals."),
        unit="durations",
        n=len(rows),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="time",
            group="group",
            step=True,
            percent=True,
            xlabel=Note("retention.stay_axis", "Time"),
            ylabel=Note("retention.stay_share", "Share still going on"),
        ),
    )


@analysis
def cox(
    table, covariates, *, time="days", event="ended", cluster=None, strata=None, conf_level=0.95
):
    """What goes with ending sooner or later, whatever the shape over time?

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

    rows, lost = _durations(table, time, event, *covariates, cluster, strata)
    data = fits.prepare(rows, time, list(covariates), cluster=cluster)
    x = data.x.drop(columns="constant")
    ended = rows[event].to_numpy(float)
    if ended.sum() < 2 * x.shape[1]:
        raise NotEnoughData(
            "retention.error_cox_durations_ended_for_covariates",
            "cox: {ended} durations ended for {x} covariates; at least two each are needed",
            ended=int(ended.sum()),
            x=x.shape[1],
        )
    if (rows[time] < 0).any():
        raise InputError(
            "retention.error_table_must_not_be_negative",
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
            "retention.error_cox_a_covariate_decides_who",
            "cox: a covariate decides who leaves by itself, so its weight has no "
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
    moving = [
        word(c)
        for c, p in zip(x.columns, intervals.corrected(shape), strict=True)
        if p < 1 - conf_level
    ]
    limits = [
        Note(
            "retention.cox_moving",
            "Not the same at all times (proportionality test, corrected): "
            "{terms:text}. Read these as averages over time, or split the time.",
            terms=list(moving),
        )
        if moving
        else Note(
            "retention.cox_steady",
            "No effect is seen to change with time (proportionality test, corrected).",
        ),
        Note(
            "drivers.associational",
            "Associational: what goes together when the other terms are held equal; "
            "what was not measured may lie behind both.",
        ),
    ]
    if ended.sum() < 10 * x.shape[1]:
        limits.append(
            Note(
                "retention.cox_few",
                "{n} ended durations for {k} covariates; ten each are a common floor.",
                n=int(ended.sum()),
                k=x.shape[1],
            )
        )
    if cluster and data.customers < 30:
        limits.append(
            Note(
                "influence.few_clusters",
                "{k} are few to learn from; {least} is a common floor, and intervals are "
                "too narrow below it.",
                k=data.customers,
                least=30,
            )
        )
    if lost:
        limits.append(
            Note("drivers.left_out", "{n} rows with a missing value are left out.", n=lost)
        )
    return Result(
        question=Note("retention.cox_question", "What goes with ending sooner or later?"),
        table=result,
        method=Note(
            "retention.cox_method",
            "Cox regression with Efron's ties; errors summed over the sampling units "
            "where people repeat; proportionality by scaled Schoenfeld residuals.",
        ),
        unit="durations",
        n=len(rows),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        model=made,
        chart=Points(
            label=["term"],
            reference=0,
            xlabel=Note(
                "retention.cox_axis", "Change of the log hazard per unit (above 0: sooner)"
            ),
        ),
    )


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
    """By what factor do times stretch, and does leaving grow likelier or rarer with time?

    Parameters
    ----------
    table, covariates, time, event, cluster : as in `cox`; durations must lie above 0
    family : str
        "weibull", "exponential", "log_logistic" or "log_normal": the shape of the times.

    Returns
    -------
    Result
        term, count (ended), n (durations), estimate (change of the log time a unit; constant: of
        the middle of the log times; scale: their spread, below 1 with "weibull" means leaving grows
        likelier), std_error, conf_low, conf_high, time_ratio. `.model` is a dictionary with params,
        cov, loglik and aic; the AIC of every family stands in `.limits`.

    Raises as `cox`, and InputError for durations of 0 or a fit that does not settle.

    Source: Kalbfleisch & Prentice (2002), The Statistical Analysis of Failure Time Data, chapter 3;
    errors White (1982), Econometrica 50, summed over clusters.
    """
    import pandas as pd

    one_of("family", family, FAMILIES)
    rows, lost = _durations(table, time, event, *covariates, cluster)
    if (rows[time] <= 0).any():
        raise InputError(
            "retention.error_table_durations_of_are_not",
            "table: {rows} durations of '{time}' are not above 0; add half a unit, or use cox",
            rows=int((rows[time] <= 0).sum()),
            time=time,
        )
    ended = rows[event].to_numpy(float)
    if ended.sum() < 2 * (len(covariates) + 1):
        raise NotEnoughData(
            "retention.error_parametric_durations_ended_at_least",
            "parametric: {ended} durations ended; at least two a weight are needed",
            ended=int(ended.sum()),
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
            "retention.error_parametric_the_fit_does_not",
            "parametric: the {family} fit does not settle; leave covariates out",
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
    limits = [
        Note(
            "retention.family_aic",
            "AIC by family (lower fits better): {list}.",
            list="; ".join(
                f"{word(k)} {number(v, 6)}" for k, v in sorted(aic.items(), key=lambda kv: kv[1])
            ),
        ),
        Note(
            "drivers.associational",
            "Associational: what goes together when the other terms are held equal; "
            "what was not measured may lie behind both.",
        ),
    ]
    if lost:
        limits.append(
            Note("drivers.left_out", "{n} rows with a missing value are left out.", n=lost)
        )
    return Result(
        question=Note("retention.stretch_question", "By what factor do durations stretch?"),
        table=pd.DataFrame(out),
        method=Note(
            "retention.stretch_method",
            "Accelerated failure times, {family:word}, by maximum likelihood.",
            family=family,
        ),
        unit="durations",
        n=len(rows),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
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
            xlabel=Note(
                "retention.stretch_axis", "Change of the log time per unit (above 0: later)"
            ),
        ),
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


@analysis
def period_hazards(
    table,
    covariates=(),
    *,
    width,
    time="days",
    event="ended",
    cluster=None,
    most=12,
    conf_level=0.95,
):
    """In which period does it end: which share of those still in it ends there, and what goes with
    that?

    Parameters
    ----------
    table, covariates, time, event, cluster : as in `cox`
    width : float
        Length of a period, in the unit of `time`.
    most : int
        Periods told apart; later ones are left out.

    Returns
    -------
    Result
        measure ("hazard" a period; "weight" of a covariate on the log-odds of leaving in any
        period), term (begin of the period, or the covariate), count (left), n (at risk for the
        whole period, or left in it), estimate, std_error, conf_low, conf_high. Durations
        that break off within a period have no part in it.

    Raises as `cox`.

    Source: Singer & Willett (1993), Journal of Educational Statistics 18 (discrete-time hazards);
    Wilson (1927).
    """
    import pandas as pd

    if width <= 0 or most < 1:
        raise InputError(
            "retention.error_width_and_most_must_be",
            "width and most must be above 0, found {width} and {most}",
            width=width,
            most=most,
        )
    rows, lost = _durations(table, time, event, *covariates, cluster)
    length, ended = rows[time].to_numpy(float), rows[event].to_numpy(float)
    who = (
        np.unique(rows[cluster].astype(str), return_inverse=True)[1]
        if cluster
        else np.arange(len(rows))
    )
    # The last period seen in full, or left in.
    last = np.where(ended == 1, np.floor(length / width), np.floor(length / width) - 1).astype(int)
    times = np.minimum(last, most - 1) + 1
    at = np.repeat(np.arange(len(rows)), np.maximum(times, 0))
    if not len(at):
        raise NotEnoughData(
            "retention.error_period_hazards_nobody_was_followed",
            "period_hazards: nobody was followed for a whole period",
        )
    period = np.arange(len(at)) - np.repeat(
        np.concatenate([[0], np.cumsum(np.maximum(times, 0))[:-1]]), np.maximum(times, 0)
    )
    left = (ended[at] == 1) & (period == last[at])
    out = [
        {
            "measure": "hazard",
            "term": number(float(k * width)),
            **intervals.share(left[period == k], who[at][period == k], conf_level),
        }
        for k in np.unique(period)
    ]
    limits = [
        Note(
            "retention.hazard_limit",
            "Whoever is left was slower from the start: a falling share is sorting, no "
            "sign that anybody changed.",
        )
    ]
    if covariates:
        long = (
            rows.iloc[at][list(covariates)]
            .reset_index(drop=True)
            .assign(
                _left=left.astype(float),
                _period=np.char.add("p", np.char.zfill(period.astype(str), 4)),
                _who=who[at],
            )
        )
        # A period in which nobody or everybody leaves has no finite level.
        some = long.groupby("_period")["_left"].transform("mean").between(1e-12, 1 - 1e-12)
        data = fits.prepare(
            long[some],
            "_left",
            [*covariates, *(["_period"] if long.loc[some, "_period"].nunique() > 1 else [])],
            cluster="_who",
        )
        made = fits.fit(data, "logit")
        names = [c for c in data.x if c != "constant" and not c.startswith("_period")]
        low, high = intervals.normal(
            made.params[names], made.bse[names], conf_level, df=data.customers - 1
        )
        out += [
            {
                "measure": "weight",
                "term": c,
                "count": int(left.sum()),
                "n": len(data.y),
                "estimate": float(made.params[c]),
                "std_error": float(made.bse[c]),
                "conf_low": float(low[i]),
                "conf_high": float(high[i]),
            }
            for i, c in enumerate(names)
        ]
        limits.append(
            Note(
                "drivers.associational",
                "Associational: what goes together when the other terms are held equal; "
                "what was not measured may lie behind both.",
            )
        )
    if lost:
        limits.append(
            Note("drivers.left_out", "{n} rows with a missing value are left out.", n=lost)
        )
    return Result(
        question=Note("retention.hazard_question", "In which period does it end?"),
        table=pd.DataFrame(out),
        method=Note(
            "retention.hazard_method",
            "Share of those at risk for which it ends in each period of {width}; "
            "covariates by a logit with a level for every period.",
            width=float(width),
        ),
        unit="durations",
        n=len(rows),
        conf_level=conf_level,
        evidence="associational" if covariates else "descriptive",
        limits=tuple(limits),
        chart=Points(
            label=["term"],
            only={"measure": "hazard"},
            percent=True,
            xlabel=Note("retention.hazard_axis", "Share ending in the period"),
        ),
    )


@analysis
def exits(table, *, time="days", cause="cause", customer=None, horizon=None, conf_level=0.95):
    """Which share has ended for each reason by each time, where one reason rules out the others?

    Parameters
    ----------
    table : DataFrame
        One row a duration; rows without a time are left out and counted.
    time : str
    cause : str
        Column of the reason; missing where the duration was still going on when the data end.
    customer : str, optional
        Column of the sampling unit.
    horizon : float, optional
        Time at which the shares are told in `.limits`; None: the median duration.

    Returns
    -------
    Result
        cause, time, n (at risk), count, estimate (share that has left for it), std_error, conf_low,
        conf_high. The shares of all reasons and of those still there add up to 1.

    Raises
    ------
    InputError
        For missing columns or negative durations.
    NotEnoughData
        Where nobody left.

    Source: Aalen & Johansen (1978), Scandinavian Journal of Statistics 5.
    """
    import pandas as pd

    fits.numbers(table, "table", time)
    fits.require(table, "table", cause, customer)
    rows = table.dropna(subset=[time]).reset_index(drop=True)
    names = sorted(rows[cause].dropna().unique(), key=str)
    if not names:
        raise NotEnoughData("retention.error_exits_nobody_left", "exits: nobody left")
    code = rows[cause].map({n: i + 1 for i, n in enumerate(names)}).fillna(0).astype(int)
    who = None if customer is None else rows[customer]
    made = pd.concat(
        [
            survival.incidence(
                rows[time], code, of=i + 1, customer=who, conf_level=conf_level
            ).assign(cause=str(n))
            for i, n in enumerate(names)
        ],
        ignore_index=True,
    ).rename(columns={"at_risk": "n"})
    when = float(rows[time].median()) if horizon is None else float(horizon)
    told = []
    for n in names:
        upto = made[(made["cause"] == str(n)) & (made["time"] <= when)]
        told.append(
            f"{word(n)} {number(100 * float(upto['estimate'].iloc[-1]) if len(upto) else 0.0, 3)} %"
        )
    limits = [
        Note("retention.exit_shares", "By {when}: {list:text}.", when=when, list=list(told)),
        Note(
            "retention.exit_limit",
            "One minus a survival curve of one reason, the others censored, is larger "
            "than these shares and answers another question.",
        ),
    ]
    if len(rows) < len(table):
        limits.append(
            Note(
                "drivers.left_out",
                "{n} rows with a missing value are left out.",
                n=len(table) - len(rows),
            )
        )
    return Result(
        question=Note("retention.exit_question", "Which share has ended for each reason?"),
        table=made[
            ["cause", "time", "n", "count", "estimate", "std_error", "conf_low", "conf_high"]
        ],
        method=Note(
            "retention.exit_method", "Cumulative incidence (Aalen–Johansen), reasons competing."
        ),
        unit="durations",
        n=len(rows),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="time",
            group="cause",
            step=True,
            percent=True,
            xlabel=Note("retention.stay_axis", "Time"),
            ylabel=Note("retention.exit_share", "Share ended for it"),
        ),
    )
