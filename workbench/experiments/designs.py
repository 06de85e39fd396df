"""Where chance did not decide: comparisons over time, weighting, and how much hidden difference it
would take to undo them.
"""

import numpy as np
from scipy import special

from workbench import discrete, intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis

METHODS = ("aipw", "ipw", "ipwra")
TRIM = (
    0.02  # people whose chance of treatment lies nearer to 0 or 1 have nobody to be compared with
)
FEW = 5  # clusters that start together below which the spread of the untreated stands in


@analysis
def difference_in_differences(panel, outcome, *, unit, time, start, cluster=None, conf_level=0.95):
    """How did the outcome change after the start, compared with units that had not started?

    Every group of units that starts together is compared with units that never start, or have not
    yet; before and after are averages over periods. Groups are then averaged by their size, so that
    units that started earlier are never the yardstick of later ones.

    Parameters
    ----------
    panel : DataFrame
        One row a unit and period; a unit without all periods is left out and counted.
    outcome, unit, time : str
        Columns.
    start : str
        Column with the first period under treatment, the same in all rows of a unit; missing for
        units that never start.
    cluster : str, optional
        Column of the sampling unit (a region of several shops); None: the unit.

    Returns
    -------
    Result
        measure ("effect", or "period" with the column period: distance to the start, before it a
        check), period, n (units), estimate, std_error, conf_low, conf_high. Where fewer than five
        clusters start together, their part of the error is the spread between the clusters that
        never start; without five of those it is missing.

    Raises
    ------
    InputError
        For missing columns, doubled rows, or a start that differs within a unit.
    NotEnoughData
        Without untreated units, or without periods before the start.

    Source: Callaway & Sant'Anna (2021), Journal of Econometrics 225; few treated clusters Conley &
    Taber (2011), Review of Economics and Statistics 93.
    """
    import pandas as pd

    fits.require(panel, "panel", outcome, unit, time, start, cluster)
    if panel[start].notna().any() and pd.api.types.is_numeric_dtype(
        panel[time]
    ) != pd.api.types.is_numeric_dtype(panel[start]):
        raise InputError(
            "experiments.error_panel_must_be_a_value",
            "panel: '{start}' must be a value of '{time}', found {panel:repr} beside {panel2:repr}",
            start=start,
            time=time,
            panel=panel[start].dropna().iloc[0],
            panel2=panel[time].iloc[0],
        )
    if panel.duplicated([unit, time]).any():
        raise InputError(
            "experiments.error_panel_some_units_stand_twice",
            "panel: some units stand twice in one period",
        )
    if (panel.groupby(unit)[start].nunique(dropna=False) > 1).any():
        raise InputError(
            "experiments.error_panel_differs_between_the_rows",
            "panel: '{start}' differs between the rows of a unit",
            start=start,
        )
    wide = panel.pivot(index=unit, columns=time, values=outcome).sort_index(axis=1)
    lost = int(wide.isna().any(axis=1).sum())
    wide = wide.dropna()
    periods = wide.columns.to_numpy()
    once = panel.drop_duplicates(unit).set_index(unit).reindex(wide.index)
    first = once[start]
    groups = once[cluster].astype(str).to_numpy() if cluster else np.arange(len(wide))
    begin = np.searchsorted(periods, first.fillna(periods[-1] if len(periods) else 0).to_numpy())
    begin = np.where(first.isna().to_numpy(), len(periods), begin)
    # Units under treatment all along are in no comparison, and do not count.
    used, early = begin > 0, int((begin == 0).sum())
    y, begin, groups = (
        wide.to_numpy(float)[used],
        begin[used],
        np.unique(groups[used], return_inverse=True)[1],
    )
    starts = [s for s in np.unique(begin) if s < len(periods)]
    if not starts:
        raise NotEnoughData(
            "experiments.error_difference_in_differences_no_unit",
            "difference_in_differences: no unit has periods both before and after its start",
        )
    # period → one comparison a starting group: (its start, change of every unit, who is compared
    # with)
    parts = {}
    for s in starts:
        base = y[:, :s].mean(axis=1)
        for k in range(len(periods)):
            others = begin > max(k, s)
            if others.any():
                parts.setdefault(k - s, []).append((s, y[:, k] - base, others))
    ever = {
        s: [
            (change, others)
            for e, found in parts.items()
            if e >= 0
            for at, change, others in found
            if at == s
        ]
        for s in starts
    }
    ever = {s: found for s, found in ever.items() if found}
    if not ever:
        raise NotEnoughData(
            "experiments.error_difference_in_differences_there_are",
            "difference_in_differences: there are no untreated units to compare with",
        )
    treated = np.unique(groups[begin < len(periods)])
    never = begin == len(periods)
    small = [s for s in starts if len(np.unique(groups[begin == s])) < FEW]

    def row(measure, period, found):
        """One average over starting groups, each a list of comparisons; errors from clusters, those
        of small groups from the spread of the untreated.
        """
        size = {s: float((begin == s).sum()) for s in found}
        estimate, pull, extra = 0.0, np.zeros(len(y)), 0.0
        df = len(np.unique(groups)) - len(found) - 1
        for s, comparisons in found.items():
            mine, w = begin == s, size[s] / sum(size.values())
            change = np.mean([c for c, _ in comparisons], axis=0)
            estimate += w * (
                change[mine].mean() - np.mean([c[others].mean() for c, others in comparisons])
            )
            if s in small:
                k = np.unique(groups[never], return_inverse=True)[1]
                luck = (
                    np.bincount(k, change[never]) / np.bincount(k) if never.any() else np.zeros(0)
                )
                extra += w**2 * (
                    luck.var(ddof=1) / len(np.unique(groups[mine])) if len(luck) >= FEW else np.nan
                )
                df = min(df, len(luck) - 1)
            else:
                pull += (
                    w
                    * np.where(mine, (change - change[mine].mean()) / mine.sum(), 0.0)
                    * _spread(groups[mine])
                )
            for c, others in comparisons:
                pull -= (
                    w
                    / len(comparisons)
                    * np.where(others, (c - c[others].mean()) / others.sum(), 0.0)
                    * _spread(groups[others])
                )
        se = float(np.sqrt((np.bincount(groups, pull) ** 2).sum() + extra))
        low, high = intervals.normal(estimate, se, conf_level, df=df)
        return {
            "measure": measure,
            "period": period,
            "n": len(y),
            "estimate": float(estimate),
            "std_error": se,
            "conf_low": float(low),
            "conf_high": float(high),
        }

    rows = [
        row("effect", np.nan, ever),
        *(row("period", e, {s: [(c, o)] for s, c, o in parts[e]}) for e in sorted(parts)),
    ]
    result = pd.DataFrame(rows)
    before = result[(result["measure"] == "period") & (result["period"] < 0)]
    off = ((before["conf_low"] > 0) | (before["conf_high"] < 0)).sum()
    limits = [
        Note(
            "experiments.did_limit",
            "Rests on the assumption that without the start both would have moved "
            "alike; the periods before it are a check, no proof.",
        ),
        Note(
            "experiments.did_before",
            "Before the start, {off} of {all} periods differ clearly from 0.",
            off=int(off),
            all=len(before),
        ),
    ]
    if small:
        others = len(np.unique(groups[never]))
        limits.append(
            Note(
                "experiments.did_few",
                "{groups} groups that start together have fewer than {least} clusters "
                "({treated} treated clusters in all): their part of the error is the "
                "spread between the {others} clusters that never start.",
                groups=len(small),
                treated=len(treated),
                others=others,
                least=FEW,
            )
            if others >= FEW
            else Note(
                "experiments.did_none",
                "{groups} groups that start together have fewer than {least} clusters "
                "({treated} treated clusters in all), and only {others} clusters never "
                "start: no error can be given.",
                groups=len(small),
                treated=len(treated),
                others=others,
                least=FEW,
            )
        )
    if early:
        limits.append(
            Note(
                "experiments.did_early",
                "{n} units had started before the first period and are left out.",
                n=early,
            )
        )
    if lost:
        limits.append(
            Note("experiments.did_lost", "{n} units lack a period and are left out.", n=lost)
        )
    return Result(
        question=Note(
            "experiments.did_question",
            "How did {outcome:word} change after the start, compared with units that "
            "had not started?",
            outcome=outcome,
        ),
        table=result,
        method=Note(
            "experiments.did_method",
            "Group-by-group differences in differences against units that have not "
            "started; clustered errors.",
        ),
        unit="units",
        n=len(y),
        conf_level=conf_level,
        evidence="quasi-causal: difference in differences",
        limits=tuple(limits),
        chart=Curve(
            x="period",
            only={"measure": "period"},
            xlabel=Note("experiments.did_axis", "Periods since the start"),
            ylabel=Note(
                "experiments.did_yaxis",
                "Difference in {outcome:word} from the others, against the time before",
                outcome=outcome,
            ),
        ),
    )


def _spread(groups):
    """Return the factor that makes the spread of a few clusters unbiased; missing for one, which
    has none.
    """
    k = len(np.unique(groups))
    return np.sqrt(k / (k - 1)) if k > 1 else np.nan


@analysis
def weighting(
    table,
    treatment,
    outcome,
    covariates,
    *,
    method="aipw",
    cluster=None,
    trim=TRIM,
    conf_level=0.95,
):
    """What would the difference be if those with and without the treatment were alike in what was
    measured?

    Parameters
    ----------
    table : DataFrame
        One row a person; rows with a missing value are left out and counted.
    treatment, outcome : str
        0 or 1; a number.
    covariates : list of str
        Known before the treatment; words become indicators.
    method : str
        "aipw" (a model of who is treated and one of the outcome; right if either is), "ipw" (the
        first only) or "ipwra" (weighted outcome models).
    cluster : str, optional
        Column of the sampling unit.
    trim : float
        People whose chance of treatment is nearer to 0 or 1 than this are left out and counted, and
        the models fitted anew: nobody is like them on the other side.

    Returns
    -------
    Result
        measure (raw, effect, mean_treated, mean_untreated), n (people), estimate, std_error,
        conf_low, conf_high. Overlap, the effective sample size and the E-value stand in `.limits`;
        see `balance`.

    Raises
    ------
    InputError
        For missing, constant or collinear columns, a treatment other than 0 and 1, or covariates
        that decide the treatment.
    NotEnoughData
        With too few people.

    Source: Robins, Rotnitzky & Zhao (1994), JASA 89; Wooldridge (2010), Econometric Analysis of
    Cross Section and Panel Data, chapter 21. Estimates by statsmodels' TreatmentEffect; errors from
    its moment conditions, summed over clusters. Trimming: Crump, Hotz, Imbens & Mitnik (2009),
    Biometrika 96. VanderWeele & Ding (2017), Annals of Internal Medicine 167.
    """
    data, treated, selection, apart, result = effect_of(
        table,
        treatment,
        outcome,
        covariates,
        method=method,
        cluster=cluster,
        trim=trim,
        conf_level=conf_level,
    )
    y, untreated = data.y, float(result["estimate"].iloc[3])
    chance = selection.predict()
    weight = np.where(treated == 1, 1 / chance, 1 / (1 - chance))
    worth = int(weight.sum() ** 2 / (weight**2).sum())
    limits = [
        Note(
            "experiments.unseen",
            "Holds only if nothing that was not measured lies behind both treatment and outcome.",
        ),
        Note(
            "experiments.overlap",
            "Chances of treatment run from {low:%} to {high:%} (1st to 99th "
            "percentile); the {n} people are worth {worth} after weighting.",
            low=float(np.quantile(chance, 0.01)),
            high=float(np.quantile(chance, 0.99)),
            worth=worth,
            n=len(y),
        ),
    ]
    if apart:
        limits.append(
            Note(
                "experiments.apart",
                "{n} people whose chance of treatment is nearer than {trim:%0} to 0 or 1 "
                "are left out: nobody on the other side is like them, and the effect is "
                "not theirs.",
                n=apart,
                trim=trim,
            )
        )
    if worth < len(y) / 4:
        limits.insert(
            0,
            Note(
                "experiments.heavy",
                "A few people carry most of the weight ({n} are worth {worth}): the groups "
                "hardly overlap, read the estimate with suspicion.",
                worth=worth,
                n=len(y),
            ),
        )
    row = result.iloc[1]
    point, limit = _e_of_difference(
        row["estimate"], row["conf_low"], row["conf_high"], y, untreated
    )
    limits.append(
        Note(
            "experiments.e_sentence",
            "E-value {point:3}, of the limit {limit:3}: something unseen would have to "
            "raise the chance of both treatment and outcome that many times to explain "
            "it away.",
            point=point,
            limit=limit,
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
    if data.left_out:
        limits.append(
            Note("drivers.left_out", "{n} rows with a missing value are left out.", n=data.left_out)
        )
    return Result(
        question=Note(
            "experiments.weight_question",
            "What would the difference in {outcome:word} be if those with and without "
            "{treatment:word} were alike in what was measured?",
            treatment=treatment,
            outcome=outcome,
        ),
        table=result,
        method={
            "aipw": Note(
                "experiments.weight_aipw",
                "Augmented inverse probability weighting (doubly robust), errors from "
                "stacked moment conditions.",
            ),
            "ipw": Note(
                "experiments.weight_ipw",
                "Inverse probability weighting, errors from stacked moment conditions.",
            ),
            "ipwra": Note(
                "experiments.weight_ipwra",
                "Inverse-probability-weighted regression adjustment, errors from stacked "
                "moment conditions.",
            ),
        }[method],
        unit="people",
        n=len(y),
        conf_level=conf_level,
        evidence="quasi-causal: weighting on what was measured",
        limits=tuple(limits),
        model=selection,
        chart=Points(
            label=["measure"],
            only={"measure": ["raw", "effect"]},
            reference=0,
            xlabel=Note("experiments.axis", "Difference from the control"),
        ),
    )


def effect_of(table, treatment, outcome, covariates, *, method, cluster, trim, conf_level):
    """Return the data, who is treated, the model of who is, how many people without a counterpart
    were left out, and the rows of `weighting`.
    """
    import pandas as pd
    import statsmodels.api as sm
    from statsmodels.treatment.treatment_effects import TreatmentEffect

    one_of("method", method, METHODS)
    data, treated, selection, apart = _selection(
        table, treatment, outcome, covariates, cluster, trim
    )
    y, z = data.y, _scaled(data.x)
    effect = TreatmentEffect(sm.OLS(y, z), treated.astype(int), results_select=selection)
    gap, untreated, mean = (
        float(v)
        for v in (effect.ipw_ra if method == "ipwra" else getattr(effect, method))(
            return_results=False
        )[:3]
    )
    cov = _stacked(
        method, y, z.to_numpy(), treated, selection.params.to_numpy(), mean, untreated, data.groups
    )
    se = float(np.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]))
    raw = y[treated == 1].mean() - y[treated == 0].mean()
    pull = np.where(
        treated == 1,
        (y - y[treated == 1].mean()) / treated.sum(),
        -(y - y[treated == 0].mean()) / (1 - treated).sum(),
    )
    rows = [
        ("raw", raw, float(np.sqrt((np.bincount(data.groups, pull) ** 2).sum()))),
        ("effect", gap, se),
        ("mean_treated", mean, float(np.sqrt(cov[0, 0]))),
        ("mean_untreated", untreated, float(np.sqrt(cov[1, 1]))),
    ]
    result = pd.DataFrame(rows, columns=["measure", "estimate", "std_error"])
    result.insert(1, "n", len(y))
    result["conf_low"], result["conf_high"] = intervals.normal(
        result["estimate"], result["std_error"], conf_level, df=fits.quantile_df(data)
    )
    return data, treated, selection, apart, result


def _selection(table, treatment, outcome, covariates, cluster, trim):
    """Return the data (without an outcome: of the treatment), who is treated, the model of who is,
    and how many people without a counterpart were left out.
    """
    import pandas as pd

    fits.require(table, "table", treatment, *([outcome] if outcome else []), *covariates, cluster)
    made = pd.DataFrame(table)
    flag = made[treatment].astype(float)
    if not flag.dropna().isin((0, 1)).all():
        raise InputError(
            "experiments.error_treatment_must_be_or",
            "treatment: '{treatment}' must be 0 or 1",
            treatment=treatment,
        )
    made = made.assign(**{treatment: flag})

    def fitted(rows):
        both = fits.prepare(rows, outcome or treatment, [treatment, *covariates], cluster=cluster)
        data = fits.Data(
            both.y, both.x.drop(columns=treatment), both.groups, both.left_out, both.index
        )
        treated = both.x[treatment].to_numpy()
        return (
            data,
            treated,
            fits.fit(fits.Data(treated, _scaled(data.x), data.groups, 0, data.index), "logit"),
        )

    data, treated, selection = fitted(made)
    chance = selection.predict()
    inside = (chance >= trim) & (chance <= 1 - trim)
    apart = int((~inside).sum())
    if apart:
        if min(treated[inside].sum(), (1 - treated[inside]).sum()) < 10:
            raise NotEnoughData(
                "experiments.error_weighting_only_people_have_a",
                "weighting: only {inside} people have a chance of treatment between {trim} "
                "and {trim2}; the two groups hardly overlap, so nothing can be compared",
                inside=int(inside.sum()),
                trim=trim,
                trim2=1 - trim,
            )
        lost = data.left_out
        data, treated, selection = fitted(made.loc[data.index[inside]])
        data = fits.Data(data.y, data.x, data.groups, lost, data.index)
    return data, treated, selection, apart


def _scaled(x):
    body = x.drop(columns="constant")
    return ((body - body.mean()) / body.std()).assign(constant=1.0)[["constant", *body.columns]]


def _stacked(method, y, x, treated, gamma, mean, untreated, groups):
    """Return the clustered covariance of (mean treated, mean untreated) from all moment conditions
    stacked.
    """
    n, k = x.shape
    p = special.expit(x @ gamma)
    w1, w0 = (treated, 1 - treated) if method == "aipw" else (treated / p, (1 - treated) / (1 - p))
    b1, b0 = (
        np.linalg.lstsq(x * np.sqrt(w)[:, None], y * np.sqrt(w), rcond=None)[0] for w in (w1, w0)
    )

    def moments(theta):
        m1, m0, g = theta[0], theta[1], theta[2 : 2 + k]
        p = special.expit(x @ g)
        out = [x * (treated - p)[:, None]]
        if method == "ipw":
            return np.column_stack(
                [treated / p * (y - m1), (1 - treated) / (1 - p) * (y - m0), *out]
            )
        f1, f0 = x @ theta[2 + k : 2 + 2 * k], x @ theta[2 + 2 * k :]
        w1, w0 = (
            (treated, 1 - treated) if method == "aipw" else (treated / p, (1 - treated) / (1 - p))
        )
        out += [x * (w1 * (y - f1))[:, None], x * (w0 * (y - f0))[:, None]]
        fix1, fix0 = (
            (treated / p * (y - f1), (1 - treated) / (1 - p) * (y - f0))
            if method == "aipw"
            else (0, 0)
        )
        return np.column_stack([f1 + fix1 - m1, f0 + fix0 - m0, *out])

    theta = np.concatenate([[mean, untreated], gamma, *([] if method == "ipw" else [b1, b0])])
    step = 1e-5 * np.maximum(np.abs(theta), 1)
    jacobian = np.column_stack(
        [
            (moments(theta + h).mean(axis=0) - moments(theta - h).mean(axis=0)) / (2 * h[i])
            for i, h in enumerate(np.diag(step))
        ]
    )
    pulls = -np.linalg.solve(jacobian, moments(theta).T).T / n
    summed = discrete.per_group(pulls, groups, groups.max() + 1)
    return (summed.T @ summed)[:2, :2]


@analysis
def balance(table, treatment, covariates, *, cluster=None, trim=TRIM, conf_level=0.95):
    """Are those with and without the treatment alike in what was measured, before and after
    weighting?

    Parameters are those of `weighting`.

    Returns
    -------
    Result
        covariate, weights (unweighted, inverse_probability), n (people), estimate (difference of
        means in standard deviations), std_error, conf_low, conf_high. Below 0.1 is commonly called
        balanced.

    Raises as `weighting`.

    Source: Austin (2009), Statistics in Medicine 28.
    """
    import pandas as pd

    fits.require(table, "table", treatment, *covariates)
    made = pd.DataFrame(table)
    data, treated, selection, apart = _selection(made, treatment, None, covariates, cluster, trim)
    chance = selection.predict()
    body = data.x.drop(columns="constant")
    rows = []
    for how, weight in (
        ("unweighted", np.ones(len(treated))),
        ("inverse_probability", np.where(treated == 1, 1 / chance, 1 / (1 - chance))),
    ):
        for name in body:
            v = body[name].to_numpy()
            spread = np.sqrt((v[treated == 1].var(ddof=1) + v[treated == 0].var(ddof=1)) / 2)
            means = [np.average(v[treated == k], weights=weight[treated == k]) for k in (1, 0)]
            pull = sum(
                np.where(treated == k, s * weight * (v - m) / weight[treated == k].sum(), 0)
                for k, m, s in ((1, means[0], 1), (0, means[1], -1))
            )
            se = (
                float(np.sqrt((np.bincount(data.groups, pull) ** 2).sum())) / spread
                if spread > 0
                else np.nan
            )
            gap = (means[0] - means[1]) / spread if spread > 0 else np.nan
            low, high = intervals.normal(gap, se, conf_level, df=fits.quantile_df(data))
            rows.append(
                {
                    "covariate": name,
                    "weights": how,
                    "n": len(v),
                    "estimate": gap,
                    "std_error": se,
                    "conf_low": float(low),
                    "conf_high": float(high),
                }
            )
    result = pd.DataFrame(rows)
    worst = result[result["weights"] == "inverse_probability"]["estimate"].abs().max()
    return Result(
        question=Note(
            "experiments.balance_question",
            "Are those with and without {treatment:word} alike in what was measured?",
            treatment=treatment,
        ),
        table=result,
        method=Note(
            "experiments.balance_method",
            "Differences of means in standard deviations, before and after inverse "
            "probability weighting.",
        ),
        unit="people",
        n=len(treated),
        conf_level=conf_level,
        limits=(
            Note(
                "experiments.balance_limit",
                "Largest difference after weighting: {worst:2}; under 0.1 is commonly "
                "called balanced. Balance in what was measured says nothing of the rest.",
                worst=float(worst),
            ),
            *(
                [
                    Note(
                        "experiments.apart",
                        "{n} people whose chance of treatment is nearer than {trim:%0} to 0 or 1 "
                        "are left out: nobody on the other side is like them, and the effect is "
                        "not theirs.",
                        n=apart,
                        trim=trim,
                    )
                ]
                if apart
                else []
            ),
            *(
                [
                    Note(
                        "drivers.left_out",
                        "{n} rows with a missing value are left out.",
                        n=data.left_out,
                    )
                ]
                if data.left_out
                else []
            ),
        ),
        chart=Points(
            label=["covariate"],
            group="weights",
            reference=0,
            xlabel=Note("experiments.balance_axis", "Difference in standard deviations"),
        ),
    )


@analysis
def negative_controls(
    table,
    treatment,
    outcomes,
    covariates,
    *,
    method="aipw",
    cluster=None,
    trim=TRIM,
    conf_level=0.95,
):
    """Does the same comparison find effects where there can be none?

    Parameters
    ----------
    table, treatment, covariates, method, cluster, trim : as in `weighting`
    outcomes : list of str
        Outcomes the treatment cannot have moved, for instance from before it.

    Returns
    -------
    Result
        outcome, n (people), estimate (in standard deviations of the outcome), std_error, conf_low,
        conf_high, p_value, p_holm.

    Raises as `weighting`.

    Source: Lipsitch, Tchetgen Tchetgen & Cohen (2010), Epidemiology 21.
    """
    import pandas as pd

    rows, left, apart = [], [], []
    for name in outcomes:
        fits.require(table, "table", name)
        data, *_, lone, found = effect_of(
            table,
            treatment,
            name,
            covariates,
            method=method,
            cluster=cluster,
            trim=trim,
            conf_level=conf_level,
        )
        row = found.iloc[1]
        sd = float(pd.DataFrame(table)[name].std())
        rows.append(
            {
                "outcome": name,
                "n": len(data.y),
                **{c: row[c] / sd for c in ("estimate", "std_error", "conf_low", "conf_high")},
                "p_value": float(
                    intervals.p_value(row["estimate"], row["std_error"], fits.quantile_df(data))
                ),
            }
        )
        left.append(data.left_out)
        apart.append(lone)
    result = pd.DataFrame(rows)
    result["p_holm"] = intervals.corrected(result["p_value"])
    found = int((result["p_holm"] < 1 - conf_level).sum())
    return Result(
        question=Note(
            "experiments.negative_question",
            "Does the same comparison by {treatment:word} find effects where there can be none?",
            treatment=treatment,
        ),
        table=result,
        method={
            "aipw": Note(
                "experiments.weight_aipw",
                "Augmented inverse probability weighting (doubly robust), errors from "
                "stacked moment conditions.",
            ),
            "ipw": Note(
                "experiments.weight_ipw",
                "Inverse probability weighting, errors from stacked moment conditions.",
            ),
            "ipwra": Note(
                "experiments.weight_ipwra",
                "Inverse-probability-weighted regression adjustment, errors from stacked "
                "moment conditions.",
            ),
        }[method],
        unit="people",
        n=int(result["n"].max()),
        conf_level=conf_level,
        evidence="quasi-causal: weighting on what was measured",
        limits=(
            (
                Note(
                    "experiments.negative_found",
                    "{n} of {all} outcomes that cannot have moved differ clearly: those with "
                    "and without are not alike, and the main comparison is in doubt.",
                    n=found,
                    all=len(result),
                )
                if found
                else Note(
                    "experiments.negative_none",
                    "None of {all} outcomes that cannot have moved differs clearly.",
                    all=len(result),
                )
            ),
            Note(
                "experiments.negative_sd", "Differences are in standard deviations of each outcome."
            ),
            *(
                [
                    Note(
                        "experiments.apart",
                        "{n} people whose chance of treatment is nearer than {trim:%0} to 0 or 1 "
                        "are left out: nobody on the other side is like them, and the effect is "
                        "not theirs.",
                        n=max(apart),
                        trim=trim,
                    )
                ]
                if max(apart)
                else []
            ),
            *(
                [
                    Note(
                        "drivers.left_out",
                        "{n} rows with a missing value are left out.",
                        n=max(left),
                    )
                ]
                if max(left)
                else []
            ),
        ),
        chart=Points(
            label=["outcome"],
            reference=0,
            xlabel=Note("experiments.balance_axis", "Difference in standard deviations"),
        ),
    )


@analysis
def e_value(estimate, conf_low, conf_high, *, n, kind="risk_ratio", baseline=None, conf_level=0.95):
    """How strongly would something unseen have to go with both treatment and outcome to explain the
    finding away?

    Parameters
    ----------
    estimate, conf_low, conf_high : float
        The finding with its interval.
    n : int
        People behind it.
    kind : str
        "risk_ratio", "odds_ratio" (its square root stands in for the risk ratio where the outcome
        is common), "difference" of shares (with `baseline`), or "standardised" (difference in
        standard deviations).
    baseline : float, optional
        Share among the untreated, for "difference".

    Returns
    -------
    Result
        measure (estimate, limit), n, estimate (E-value: a risk ratio). No interval: the limit's row
        is the E-value of the end nearest to no effect; 1 means nothing is needed.

    Raises InputError for ratios not above 0, or a difference without a baseline.

    Source: VanderWeele & Ding (2017), Annals of Internal Medicine 167.

    >>> e_value(3.9, 1.8, 8.7, n=1000).table["estimate"].round(2).tolist()
    [7.26, 3.0]
    """
    import pandas as pd

    one_of("kind", kind, ("risk_ratio", "odds_ratio", "difference", "standardised"))
    values = np.array([estimate, conf_low, conf_high], float)
    if kind == "difference":
        if baseline is None or not 0 < baseline < 1:
            raise InputError(
                "experiments.error_e_value_a_difference_of",
                "e_value: a difference of shares needs the baseline share among the "
                "untreated, between 0 and 1",
            )
        values = np.clip((baseline + values) / baseline, 1e-6, None)
    elif kind == "standardised":
        values = np.exp(0.91 * values)
    elif kind == "odds_ratio":
        values = np.sqrt(np.clip(values, 0, None))
    if not (values > 0).all():
        raise InputError(
            "experiments.error_e_value_ratios_must_be",
            "e_value: ratios must be above 0, found {estimate}, {conf_low}, {conf_high}",
            estimate=estimate,
            conf_low=conf_low,
            conf_high=conf_high,
        )
    point, limit = _e(*values)
    return Result(
        question=Note(
            "experiments.e_question",
            "How strongly would something unseen have to go with both to explain the finding away?",
        ),
        table=pd.DataFrame({"measure": ["estimate", "limit"], "n": n, "estimate": [point, limit]}),
        method=Note("experiments.e_method", "E-value: r + √(r(r − 1)) of the risk ratio r."),
        unit="people",
        n=n,
        conf_level=conf_level,
        limits=(
            Note(
                "experiments.e_limit",
                "A large value makes hidden causes less likely, not impossible; compare it "
                "with what known causes of the outcome reach.",
            ),
        ),
        chart=Points(
            label=["measure"],
            reference=1,
            xlabel=Note("experiments.e_axis", "E-value (risk ratio)"),
        ),
    )


def _e(ratio, low, high):
    """Return the E-values of a risk ratio and of the end of its interval nearest to 1."""

    def one(r):
        r = max(r, 1 / r)
        return r + np.sqrt(r * (r - 1))

    nearest = low if ratio > 1 else high
    crosses = low <= 1 <= high
    return float(one(ratio)), 1.0 if crosses else float(one(nearest))


def _e_of_difference(estimate, low, high, y, untreated):
    """Return E-values of a difference: by risk ratio for a share, by standardised difference
    otherwise.
    """
    if np.isin(y, (0, 1)).all() and 0 < untreated < 1:
        return _e(*np.clip((untreated + np.array([estimate, low, high])) / untreated, 1e-6, None))
    return _e(*np.exp(0.91 * np.array([estimate, low, high]) / y.std()))
