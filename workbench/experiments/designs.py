"""Where chance did not decide: people made alike in what was measured."""

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.experiments.sensitivity import e_of_difference
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats.weighting import stacked_covariance

METHODS = ("aipw", "ipw", "ipwra")
TRIM = (
    0.02  # people whose chance of treatment lies nearer to 0 or 1 have nobody to be compared with
)
FEW_CLUSTERS = 30
BALANCED = 0.1  # standard deviations
SEEN = 0.98  # central share of the probabilities of treatment that is shown
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


@engine.frames("table")
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
    point, limit = e_of_difference(row["estimate"], row["conf_low"], row["conf_high"], y, untreated)
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
    estimator = effect.ipw_ra if method == "ipwra" else getattr(effect, method)
    gap, untreated, mean = map(float, estimator(return_results=False)[:3])
    cov = stacked_covariance(
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


@engine.frames("table")
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
            v = body[name].to_numpy() - body[name].mean()
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


@engine.frames("table")
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
