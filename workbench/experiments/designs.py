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
FEW_CLUSTERS = 30
BALANCED = 0.1  # standard deviations
SEEN = 0.98  # central share of the probabilities of treatment that is shown

PARALLEL = Note(
    "experiments.did_limit",
    "Assumes that without the start both would have changed alike; the periods before it are a "
    "check, not proof.",
)
UNMEASURED = Note(
    "experiments.unseen",
    "Holds only if nothing that was not measured influences both treatment and outcome.",
)
IN_DEVIATIONS = Note("experiments.balance_axis", "Difference in standard deviations")
STACKED = {
    "aipw": Note(
        "experiments.weight_aipw",
        "Augmented inverse probability weighting (doubly robust), errors from stacked moment "
        "conditions.",
    ),
    "ipw": Note(
        "experiments.weight_ipw",
        "Inverse probability weighting, errors from stacked moment conditions.",
    ),
    "ipwra": Note(
        "experiments.weight_ipwra",
        "Inverse-probability-weighted regression adjustment, errors from stacked moment "
        "conditions.",
    ),
}


DID_METHOD = Note(
    "experiments.did_method",
    "Difference in differences of each group that starts together against units that have "
    "not started; clustered errors.",
)
BALANCE_METHOD = Note(
    "experiments.balance_method",
    "Differences of means in standard deviations, before and after inverse probability weighting.",
)
BALANCE_LIMIT = Note(
    "experiments.balance_limit",
    "Balance in what was measured says nothing about what was not.",
)
NEGATIVE_SD = Note(
    "experiments.negative_sd", "Differences are in standard deviations of each outcome."
)
E_QUESTION = Note(
    "experiments.e_question",
    "How strongly would something unmeasured have to be associated with both treatment and "
    "outcome to explain the finding away?",
)
E_LIMIT = Note(
    "experiments.e_limit",
    "A large value makes hidden causes less likely, not impossible; compare it with "
    "the risk ratios of known causes of the outcome.",
)


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
            "experiments.error_start_kind",
            "panel: '{start}' must be a value of '{time}', found {found:repr} beside {known:repr}",
            start=start,
            time=time,
            found=panel[start].dropna().iloc[0],
            known=panel[time].iloc[0],
        )
    if panel.duplicated([unit, time]).any():
        raise InputError(
            "experiments.error_doubled_units",
            "panel: some units occur twice in one period",
        )
    if (panel.groupby(unit)[start].nunique(dropna=False) > 1).any():
        raise InputError(
            "experiments.error_start_differs",
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
            "experiments.error_no_before_and_after",
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
            "experiments.error_no_untreated",
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
        PARALLEL,
        Note(
            "experiments.did_before",
            "Before the start, {off} of {all} periods differ clearly from {none}.",
            off=int(off),
            all=len(before),
            none=0,
        ),
    ]
    if small:
        others = len(np.unique(groups[never]))
        limits.append(
            Note(
                "experiments.did_few",
                "{count} group that starts together has fewer than {least} clusters ({treated} "
                "treated in all): its part of the error is the spread between the {others} "
                "clusters that never start.",
                "{count} groups that start together have fewer than {least} clusters ({treated} "
                "treated in all): their part of the error is the spread between the {others} "
                "clusters that never start.",
                count=len(small),
                treated=len(treated),
                others=others,
                least=FEW,
            )
            if others >= FEW
            else Note(
                "experiments.did_none",
                "{count} group that starts together has fewer than {least} clusters ({treated} "
                "treated in all), and only {others} clusters never start: no error can be given.",
                "{count} groups that start together have fewer than {least} clusters ({treated} "
                "treated in all), and only {others} clusters never start: no error can be given.",
                count=len(small),
                treated=len(treated),
                others=others,
                least=FEW,
            )
        )
    if early:
        limits.append(
            Note(
                "experiments.did_early",
                "{n} unit had started before the first period and is left out.",
                "{n} units had started before the first period and are left out.",
                n=early,
            )
        )
    if lost:
        limits.append(
            Note(
                "experiments.did_lost",
                "{n} unit lacks a period and is left out.",
                "{n} units lack a period and are left out.",
                n=lost,
            )
        )
    return Result(
        question=Note(
            "experiments.did_question",
            "How did {outcome:word} change after the start, compared with units that "
            "had not started?",
            outcome=outcome,
        ),
        table=result,
        method=DID_METHOD,
        answer=_change_answer(result.iloc[0], outcome),
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
                "Difference in {outcome:word} from the others, compared with before",
                outcome=outcome,
            ),
        ),
    )


def _change_answer(row, outcome):
    """Return the average change after the start, with its interval where one can be given."""
    values = {"outcome": outcome, "gap": row["estimate"], "n": row["n"]}
    low, high = row["conf_low"], row["conf_high"]
    if np.isnan(low):
        return Note(
            "experiments.did_no_error",
            "{outcome:word} changed by {gap:3} after the start compared with units that had not "
            "started; no interval can be given ({n} units).",
            **values,
        )
    if low > 0 or high < 0:
        return Note(
            "experiments.did_answer",
            "{outcome:word} changed by {gap:3} after the start compared with units that had not "
            "started ({low:3} to {high:3}; {n} units).",
            low=low,
            high=high,
            **values,
        )
    return Note(
        "experiments.did_unclear",
        "No effect of the start on {outcome:word} could be shown: compared with units that had "
        "not started it changed by {gap:3} ({low:3} to {high:3}; {n} units).",
        low=low,
        high=high,
        **values,
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
        conf_low, conf_high. Overlap, the effective sample size and the E-value stand in `.facts`;
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
        UNMEASURED,
        Note(
            "experiments.overlap",
            "The probability of treatment lies between {low:%} and {high:%} for the central "
            "{within:%0}; after weighting the {n} people count as {worth} (effective sample size).",
            within=SEEN,
            low=float(np.quantile(chance, 0.01)),
            high=float(np.quantile(chance, 0.99)),
            worth=worth,
            n=len(y),
        ),
    ]
    if apart:
        limits.append(_apart(apart, trim))
    if worth < len(y) / 4:
        limits.insert(
            0,
            Note(
                "experiments.heavy",
                "A few people have most of the weight ({n} count as {worth}): the groups hardly "
                "overlap, so the estimate is unreliable.",
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
            "E-value {point:3}, of the limit {limit:3}: something unmeasured would have to "
            "multiply the probability of both treatment and outcome that much to explain the "
            "finding away.",
            point=point,
            limit=limit,
        )
    )
    if cluster and data.customers < FEW_CLUSTERS:
        limits.append(
            Note(
                "experiments.few_clusters",
                "{n} cluster is few; {least} is a common minimum, below which intervals are too "
                "narrow.",
                "{n} clusters are few; {least} is a common minimum, below which intervals are too "
                "narrow.",
                n=data.customers,
                least=FEW_CLUSTERS,
            )
        )
    if data.left_out:
        limits.append(incomplete(data.left_out))
    return Result(
        question=Note(
            "experiments.weight_question",
            "What would the difference in {outcome:word} be if those with and without "
            "{treatment:word} were alike in what was measured?",
            treatment=treatment,
            outcome=outcome,
        ),
        table=result,
        method=STACKED[method],
        answer=_weighted_answer(result, treatment, outcome),
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


def _apart(n, trim):
    """Return the sentence on people who have no counterpart."""
    return Note(
        "experiments.apart",
        "{n} person with a probability of treatment under {trim:%0} or above {most:%0} is left "
        "out: without a counterpart in the other group, no effect can be estimated for them.",
        "{n} people with a probability of treatment under {trim:%0} or above {most:%0} are left "
        "out: without a counterpart in the other group, no effect can be estimated for them.",
        n=n,
        trim=trim,
        most=1 - trim,
    )


def incomplete(n):
    """Return the sentence on rows with a missing value."""
    return Note(
        "experiments.incomplete",
        "{n} row with a missing value is left out.",
        "{n} rows with a missing value are left out.",
        n=n,
    )


def _weighted_answer(table, treatment, outcome):
    """Return the difference after weighting beside the one before it."""
    rows = table.set_index("measure")
    row = rows.loc["effect"]
    values = {
        "treatment": treatment,
        "outcome": outcome,
        "gap": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "raw": rows.loc["raw", "estimate"],
        "n": row["n"],
    }
    if row["conf_low"] > 0 or row["conf_high"] < 0:
        return Note(
            "experiments.weight_answer",
            "Made alike in what was measured, those with and without {treatment:word} differ by "
            "{gap:3} in {outcome:word} ({low:3} to {high:3}; {n} people); unadjusted by {raw:3}.",
            **values,
        )
    return Note(
        "experiments.weight_unclear",
        "No difference in {outcome:word} between those with and without {treatment:word} could be "
        "shown once they are made alike in what was measured: {gap:3} ({low:3} to {high:3}; {n} "
        "people); unadjusted {raw:3}.",
        **values,
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
            "experiments.error_treatment_binary",
            "treatment: '{treatment}' must be {no} or {yes}",
            treatment=treatment,
            no=0,
            yes=1,
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
                "experiments.error_no_overlap",
                "weighting: only {inside} people have a probability of treatment between "
                "{lowest:%0} and {highest:%0}; the two groups hardly overlap, so nothing can be "
                "compared",
                inside=int(inside.sum()),
                lowest=trim,
                highest=1 - trim,
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
    return Result(
        question=Note(
            "experiments.balance_question",
            "Are those with and without {treatment:word} alike in what was measured?",
            treatment=treatment,
        ),
        table=result,
        method=BALANCE_METHOD,
        answer=_balance_answer(result),
        unit="people",
        n=len(treated),
        conf_level=conf_level,
        limits=(
            BALANCE_LIMIT,
            *([_apart(apart, trim)] if apart else []),
            *([incomplete(data.left_out)] if data.left_out else []),
        ),
        chart=Points(
            label=["covariate"],
            group="weights",
            reference=0,
            xlabel=IN_DEVIATIONS,
        ),
    )


def _balance_answer(table):
    """Return the largest difference after weighting, and what it was before."""
    gaps = table.assign(size=table["estimate"].abs()).pivot(
        index="covariate", columns="weights", values="size"
    )
    after = gaps["inverse_probability"].sort_index()
    if after.isna().all():
        return None
    name = after.idxmax()
    return Note(
        "experiments.balance_answer",
        "After weighting, the largest difference is {worst:2} standard deviations "
        "({covariate:word}; {before:2} before weighting, {n} people); under {balanced:plain} is "
        "commonly called balanced.",
        worst=after[name],
        covariate=name,
        before=gaps.loc[name, "unweighted"],
        n=table["n"].iloc[0],
        balanced=BALANCED,
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
            "Does the same comparison by {treatment:word} find effects where there cannot be any?",
            treatment=treatment,
        ),
        table=result,
        method=STACKED[method],
        answer=_negative_answer(result, found),
        unit="people",
        n=int(result["n"].max()),
        conf_level=conf_level,
        evidence="quasi-causal: weighting on what was measured",
        limits=(
            NEGATIVE_SD,
            *([_apart(max(apart), trim)] if max(apart) else []),
            *([incomplete(max(left))] if max(left) else []),
        ),
        chart=Points(
            label=["outcome"],
            reference=0,
            xlabel=IN_DEVIATIONS,
        ),
    )


def _negative_answer(table, found):
    """Return how many outcomes differ that the treatment cannot have changed."""
    largest = table["estimate"].abs().max()
    values = {"all": len(table), "largest": largest, "n": int(table["n"].max())}
    if found:
        return Note(
            "experiments.negative_found",
            "A clear difference was found in {found} of {all} outcomes that cannot have been "
            "changed ({n} people; at most {largest:2} standard deviations): the groups are not "
            "alike, and the main comparison is in doubt.",
            found=found,
            **values,
        )
    return Note(
        "experiments.negative_none",
        "None of {all} outcomes that cannot have been changed differs clearly ({n} people; at "
        "most {largest:2} standard deviations).",
        **values,
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
                "experiments.error_e_baseline",
                "e_value: a difference of shares needs the baseline share among the untreated, "
                "between {least} and {most}",
                least=0,
                most=1,
            )
        values = np.clip((baseline + values) / baseline, 1e-6, None)
    elif kind == "standardised":
        values = np.exp(0.91 * values)
    elif kind == "odds_ratio":
        values = np.sqrt(np.clip(values, 0, None))
    if not (values > 0).all():
        raise InputError(
            "experiments.error_e_ratio",
            "e_value: ratios must be above {least}, found {estimate}, {conf_low}, {conf_high}",
            least=0,
            estimate=estimate,
            conf_low=conf_low,
            conf_high=conf_high,
        )
    point, limit = _e(*values)
    return Result(
        question=E_QUESTION,
        table=pd.DataFrame({"measure": ["estimate", "limit"], "n": n, "estimate": [point, limit]}),
        method=Note(
            "experiments.e_method",
            "E-value: r + √(r(r − {one})) of the risk ratio r.",
            one=1,
        ),
        answer=_e_answer(point, limit, n),
        unit="people",
        n=n,
        conf_level=conf_level,
        limits=(E_LIMIT,),
        chart=Points(
            label=["measure"],
            reference=1,
            xlabel=Note("experiments.e_axis", "E-value (risk ratio)"),
        ),
    )


def _e_answer(point, limit, n):
    """Return how strong something unmeasured would have to be."""
    if limit > 1:
        return Note(
            "experiments.e_answer",
            "Something unmeasured would have to be associated with both treatment and outcome by "
            "risk ratios of {point:3} to explain the estimate away, and of {limit:3} for its "
            "interval to include no effect ({n} people).",
            point=point,
            limit=limit,
            n=n,
        )
    return Note(
        "experiments.e_unclear",
        "The interval includes no effect, so nothing unmeasured is needed to explain the finding "
        "away; for the estimate it would take risk ratios of {point:3} ({n} people).",
        point=point,
        n=n,
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
