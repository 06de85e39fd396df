"""Where chance did not decide: people made alike in what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.experiments.sensitivity import e_of_difference
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats.weighting import stacked_covariance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

METHODS = ("aipw", "ipw", "ipwra")
GRADE = "quasi-causal: weighting on what was measured"
TRIM = (
    0.02  # people whose chance of treatment lies nearer to 0 or 1 have nobody to be compared with
)
FEW_CLUSTERS = 30
BALANCED = 0.1  # standard deviations, by convention
SEEN = 0.98  # central share of the probabilities of treatment that is shown
UNMEASURED = Note(
    "experiments.unseen",
    "Holds only if nothing that was not measured influences both treatment and outcome.",
)
FALLEN_BALANCE = Note(
    "experiments.fallen_balance",
    "Graded associational: after weighting the groups still differ by {worst:2} standard "
    "deviations in {covariate:word}, and {balanced:plain} is the line.",
    worst=0.0,
    covariate="",
    balanced=BALANCED,
)
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


@engine.frames("table")
@analysis
def weighting(
    table: Table,
    treatment: str,
    outcome: str,
    covariates: Sequence[str],
    *,
    method: str = "aipw",
    cluster: str | None = None,
    trim: float = TRIM,
    conf_level: float = 0.95,
) -> Result:
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
        measure (raw_all: the plain difference of everybody, where some were left out; raw: that of
        those compared; effect, mean_treated, mean_untreated), n (people, or what the table says a
        row is), estimate, std_error, conf_low, conf_high, evidence. The grade is associational
        where weighting leaves a difference of more than 0.1 standard deviations, or where fewer
        than a quarter of the rows count. Overlap, the effective sample size and the E-value stand
        in `.facts`; see `balance`, and `grade_with_checks` for checks made apart.

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
    unit = unit_of(table)
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
    fallen, said = _checked(data, treated, selection, unit)
    grade = "associational" if fallen else GRADE
    plain = result["measure"].isin(("raw_all", "raw"))
    result["evidence"] = np.where(plain, "associational", grade)
    limits = [*fallen, UNMEASURED, *said]
    if apart:
        limits.append(apart_sentence(apart, trim, unit))
    limits.append(_e_sentence(result, data.y))
    if cluster and data.customers < FEW_CLUSTERS:
        limits.append(_few_clusters(data.customers))
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
        answer=_weighted_answer(result, treatment, outcome, unit),
        unit=unit,
        n=len(data.y),
        conf_level=conf_level,
        evidence=grade,
        limits=tuple(limits),
        model=selection,
        chart=Points(
            label=["measure"],
            only={"measure": ["raw_all", "raw", "effect"]},
            reference=0,
            xlabel=Note("experiments.axis", "Difference from the control"),
        ),
    )


def unit_of(table):
    """Return what a row of a table is, where whoever made the table said so."""
    marks = getattr(table, "attrs", None)
    return marks.get("unit", "people") if isinstance(marks, dict) else "people"


def _checked(data, treated, selection, unit):
    """Return why a comparison loses its grade, and the sentence on overlap."""
    chance = selection.predict()
    weight = np.where(treated == 1, 1 / chance, 1 / (1 - chance))
    worth = int(weight.sum() ** 2 / (weight**2).sum())
    fallen = []
    gaps = {
        name: abs(standardised(data.x[name].to_numpy(), treated, weight)[0])
        for name in data.x.columns.drop("constant")
    }
    worst = max(gaps, key=lambda name: -1 if np.isnan(gaps[name]) else gaps[name])
    if gaps[worst] > BALANCED:
        fallen.append(FALLEN_BALANCE.having(worst=gaps[worst], covariate=worst, balanced=BALANCED))
    if worth < len(treated) / 4:
        fallen.append(
            Note(
                "experiments.heavy",
                "Graded associational: a few have most of the weight ({n} {unit:word} count as "
                "{worth}), so the groups hardly overlap.",
                worth=worth,
                n=len(treated),
                unit=unit,
            )
        )
    overlap = Note(
        "experiments.overlap",
        "The probability of treatment lies between {low:%} and {high:%} for the central "
        "{within:%0}; after weighting the {n} {unit:word} count as {worth} (effective sample "
        "size).",
        within=SEEN,
        low=float(np.quantile(chance, 0.01)),
        high=float(np.quantile(chance, 0.99)),
        worth=worth,
        n=len(treated),
        unit=unit,
    )
    return fallen, [overlap]


def standardised(values, treated, weight, groups=None):
    """Return the weighted difference of means in standard deviations, and its error where the
    sampling unit of every row is given.
    """
    v = values - values.mean()
    spread = np.sqrt((v[treated == 1].var(ddof=1) + v[treated == 0].var(ddof=1)) / 2)
    if not spread > 0:
        return np.nan, np.nan
    means = [np.average(v[treated == k], weights=weight[treated == k]) for k in (1, 0)]
    gap = (means[0] - means[1]) / spread
    if groups is None:
        return gap, np.nan
    pull = sum(
        np.where(treated == k, s * weight * (v - m) / weight[treated == k].sum(), 0)
        for k, m, s in ((1, means[0], 1), (0, means[1], -1))
    )
    return gap, float(np.sqrt((np.bincount(groups, pull) ** 2).sum())) / spread


def _e_sentence(result, y):
    """Return how strong something unmeasured would have to be."""
    rows = result.set_index("measure")
    row = rows.loc["effect"]
    untreated = float(rows.loc["mean_untreated", "estimate"])
    point, limit = e_of_difference(row["estimate"], row["conf_low"], row["conf_high"], y, untreated)
    return Note(
        "experiments.e_sentence",
        "E-value {point:3}, of the limit {limit:3}: something unmeasured would have to "
        "multiply the probability of both treatment and outcome that much to explain the "
        "finding away.",
        point=point,
        limit=limit,
    )


def _few_clusters(n):
    return Note(
        "experiments.few_clusters",
        "{n} cluster is few; {least} is a common minimum, below which intervals are too narrow.",
        "{n} clusters are few; {least} is a common minimum, below which intervals are too narrow.",
        n=n,
        least=FEW_CLUSTERS,
    )


def apart_sentence(n, trim, unit="people"):
    """Return the sentence on those who have no counterpart."""
    return Note(
        "experiments.apart",
        "{n} {unit:one} with a probability of treatment under {trim:%0} or above {most:%0} is left "
        "out: without a counterpart in the other group, no effect can be estimated there.",
        "{n} {unit:word} with a probability of treatment under {trim:%0} or above {most:%0} are "
        "left out: without a counterpart in the other group, no effect can be estimated there.",
        n=n,
        unit=unit,
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


def _weighted_answer(table, treatment, outcome, unit):
    """Return the difference after weighting beside that of everybody before it."""
    rows = table.set_index("measure")
    row, plain = rows.loc["effect"], rows.iloc[0]
    values = {
        "treatment": treatment,
        "outcome": outcome,
        "gap": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "n": row["n"],
        "unit": unit,
        "raw": plain["estimate"],
        "everybody": int(plain["n"]),
    }
    if row["conf_low"] > 0 or row["conf_high"] < 0:
        return Note(
            "experiments.weight_answer",
            "Made alike in what was measured, those with and without {treatment:word} differ by "
            "{gap:3} in {outcome:word} ({low:3} to {high:3}; {n} {unit:word}); unadjusted, all "
            "{everybody} differ by {raw:3}.",
            **values,
        )
    return Note(
        "experiments.weight_unclear",
        "No difference in {outcome:word} between those with and without {treatment:word} could be "
        "shown once they are made alike in what was measured: {gap:3} ({low:3} to {high:3}; {n} "
        "{unit:word}); unadjusted, all {everybody} differ by {raw:3}.",
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
    data, treated, selection, apart, everybody = selection_of(
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
    rows = [
        # Where some have no counterpart, the plain difference of all is another number.
        *([("raw_all", len(everybody[0].y), *_plain(*everybody))] if apart else []),
        ("raw", len(y), *_plain(data, treated)),
        ("effect", len(y), gap, se),
        ("mean_treated", len(y), mean, float(np.sqrt(cov[0, 0]))),
        ("mean_untreated", len(y), untreated, float(np.sqrt(cov[1, 1]))),
    ]
    result = pd.DataFrame(rows, columns=["measure", "n", "estimate", "std_error"])
    result["conf_low"], result["conf_high"] = intervals.normal(
        result["estimate"], result["std_error"], conf_level, df=fits.quantile_df(data)
    )
    return data, treated, selection, apart, result


def _plain(data, treated):
    """Return the plain difference of means and its error."""
    y, here = data.y, treated == 1
    pull = np.where(
        here,
        (y - y[here].mean()) / here.sum(),
        -(y - y[~here].mean()) / (~here).sum(),
    )
    error = float(np.sqrt((np.bincount(data.groups, pull) ** 2).sum()))
    return y[here].mean() - y[~here].mean(), error


def _selected(rows, outcome, treatment, covariates, cluster):
    """Return the data, who is treated, and the model of who is."""
    both = fits.prepare(rows, outcome, [treatment, *covariates], cluster=cluster)
    x, treated = both.x.drop(columns=treatment), both.x[treatment].to_numpy()
    data = fits.Data(both.y, x, both.groups, both.left_out, both.index)
    chosen = fits.Data(treated, _scaled(data.x), data.groups, 0, data.index)
    return data, treated, fits.fit(chosen, "logit")


def selection_of(table, treatment, outcome, covariates, cluster, trim):
    """Return the data (without an outcome: of the treatment), who is treated, the model of who is,
    how many without a counterpart were left out, and data and treatment of all.
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

    terms = outcome or treatment, treatment, covariates, cluster
    data, treated, selection = _selected(made, *terms)
    everybody, chance = (data, treated), selection.predict()
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
        data, treated, selection = _selected(made.loc[data.index[inside]], *terms)
        data = fits.Data(data.y, data.x, data.groups, lost, data.index)
    return data, treated, selection, apart, everybody


def _scaled(x):
    body = x.drop(columns="constant")
    return ((body - body.mean()) / body.std()).assign(constant=1.0)[["constant", *body.columns]]
