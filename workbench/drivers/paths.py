"""Through what, and for whom? Mediation, moderation and structural models."""

from itertools import pairwise

import numpy as np

from workbench import intervals
from workbench import regression as fits
from workbench.drivers.regress import left_out
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.texts import number, word


@analysis
def mediation(
    table,
    cause,
    mediators,
    outcome,
    *,
    covariates=(),
    moderator=None,
    cluster=None,
    randomised=False,
    draws=5000,
    seed=1,
    conf_level=0.95,
):
    """How much of what goes from one thing to another runs through something in between?

    Parameters
    ----------
    table : DataFrame
        One row a respondent or customer; rows with a missing value are left out and counted.
    cause, outcome : str
        Numbers (cause may be 0 and 1).
    mediators : str or list of str
        One after another, each fed by the cause and the mediators before it (serial).
    covariates : list of str
        Held equal everywhere.
    moderator : str, optional
        Changes the path from the cause to the first mediator; the indirect effect is then given at
        its mean and one standard deviation either side, with the index of moderated mediation.
    cluster : str, optional
    randomised : bool
        Whether chance decided on the cause: then the step from cause to mediator and the total are
        experimental; the step from mediator to outcome never is.
    draws, seed : int
        Of the bootstrap over sampling units.

    Returns
    -------
    Result
        path, at (value of the moderator), n (rows), estimate, std_error, conf_low, conf_high.
        Paths: total, direct, indirect (all together), "indirect: M1 > M2" one by one, index (with a
        moderator).

    Raises
    ------
    InputError
        For missing, constant or collinear columns, or a moderator with several mediators.
    NotEnoughData
        With too few rows.

    Source: Hayes (2022), Introduction to Mediation, Moderation, and Conditional Process Analysis;
    percentile bootstrap Preacher & Hayes (2008), Behavior Research Methods 40; sensitivity Imai,
    Keele & Yamamoto (2010), Statistical Science 25.
    """
    import pandas as pd

    mediators = [mediators] if isinstance(mediators, str) else list(mediators)
    if moderator and len(mediators) > 1:
        raise InputError(
            "drivers.error_mediation_a_moderator_goes_with",
            "mediation: a moderator goes with one mediator",
        )
    made = table
    if moderator:
        fits.numbers(table, "table", cause, moderator)
        made = table.assign(**{f"{cause} × {moderator}": table[cause] * table[moderator]})
    fits.numbers(made, "table", cause, *mediators)
    if outcome in (cause, moderator, *mediators, *covariates):
        raise InputError(
            "drivers.error_mediation_cannot_be_the_outcome",
            "mediation: '{outcome}' cannot be the outcome and something that leads to it",
            outcome=outcome,
        )
    product = [moderator, f"{cause} × {moderator}"] if moderator else []
    data = fits.prepare(made, outcome, [cause, *mediators, *covariates, *product], cluster=cluster)
    names = [*data.x.columns, outcome]
    matrix = np.column_stack([data.x, data.y])
    grams = fits.grams(matrix, data.groups, draws, seed)
    held = [c for c in data.x.columns[1:] if c not in (cause, *mediators, *product)]

    def solve(target, terms):
        at, to = [names.index(c) for c in ("constant", *terms)], names.index(target)
        try:
            weights = np.linalg.solve(grams[:, at][:, :, at], grams[:, at, to][:, :, None])
            return dict(zip(("constant", *terms), weights[:, :, 0].T, strict=True))
        except np.linalg.LinAlgError:
            raise NotEnoughData(
                "drivers.error_mediation_in_some_draws_of",
                "mediation: in some draws of the {customers} sampling units a column does "
                "not vary; more are needed",
                customers=data.customers,
            ) from None

    steps = {m: solve(m, [cause, *mediators[:i], *held, *product]) for i, m in enumerate(mediators)}
    last = solve(outcome, [cause, *mediators, *held, *([moderator] if moderator else [])])
    total = solve(outcome, [cause, *held, *([moderator] if moderator else [])])[cause]
    paths = {}
    for r in range(1, 2 ** len(mediators)):
        way = [m for i, m in enumerate(mediators) if r >> i & 1]
        value = steps[way[0]][cause].copy()
        for a, b in pairwise(way):
            value = value * steps[b][a]
        paths[" > ".join(way)] = value * last[way[-1]]
    rows = [("total", np.nan, total), ("direct", np.nan, last[cause])]
    if moderator:
        centre, spread = float(data.x[moderator].mean()), float(data.x[moderator].std())
        slope = steps[mediators[0]][product[1]] * last[mediators[0]]
        for value in (centre - spread, centre, centre + spread):
            rows.append(
                (
                    f"indirect: {mediators[0]}",
                    value,
                    (steps[mediators[0]][cause] + steps[mediators[0]][product[1]] * value)
                    * last[mediators[0]],
                )
            )
        rows.append(("index", np.nan, slope))
    else:
        rows.append(("indirect", np.nan, sum(paths.values())))
        if len(paths) > 1:
            rows += [(f"indirect: {way}", np.nan, value) for way, value in paths.items()]
    out = []
    for path, at, values in rows:
        se, low, high = intervals.percentiles(values[1:], values[0], conf_level)
        out.append(
            {
                "path": path,
                "at": at,
                "n": len(data.y),
                "estimate": values[0],
                "std_error": float(se),
                "conf_low": float(low),
                "conf_high": float(high),
            }
        )
    result = pd.DataFrame(out)
    limits = [
        (
            Note(
                "drivers.mediation_random",
                "Chance decided on the first step only: what lies behind mediator and "
                "outcome alike still colours the indirect part.",
            )
            if randomised
            else Note(
                "drivers.mediation_limit",
                "Measured at one time, this is a way of splitting a correlation: the order "
                "of the steps is assumed, not shown.",
            )
        ),
        *left_out(data),
    ]
    if len(mediators) == 1 and not moderator:
        limits.append(
            Note(
                "drivers.mediation_rho",
                "If what is unseen in mediator and outcome correlates by {rho:2}, nothing "
                "of the indirect part is left.",
                rho=_sensitivity(matrix, names, cause, mediators[0], held),
            )
        )
    yes_no = [
        word(v)
        for v in (*mediators, outcome)
        if set(np.unique(matrix[:, names.index(v)])) <= {0.0, 1.0}
    ]
    if yes_no:
        limits.append(
            Note(
                "drivers.mediation_linear",
                "Yes or no ({names:text}) is taken as a share: paths are differences in "
                "points by linear models, which bend near 0 and 100 %.",
                names=list(yes_no),
            )
        )
    if len(data.y) < 150:
        limits.append(
            Note("drivers.few", "{n} are few; {least} is a common floor.", n=len(data.y), least=150)
        )
    return Result(
        question=Note(
            "drivers.mediation_question",
            "How much of what goes from {cause:word} to {outcome:word} runs through "
            "{through:word}?",
            cause=cause,
            outcome=outcome,
            through=list(mediators),
        ),
        table=result,
        method=Note(
            "drivers.mediation_method",
            "Products of least-squares weights; percentile bootstrap over sampling "
            "units ({draws} draws).",
            draws=draws,
        ),
        unit="rows",
        n=len(data.y),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        chart=Points(
            label=["path", "at"] if moderator else ["path"],
            reference=0,
            xlabel=Note("drivers.mediation_axis", "Change of the outcome per unit of the cause"),
        ),
    )


def _sensitivity(matrix, names, cause, mediator, held):
    """Return the correlation of what is unseen in mediator and outcome at which the indirect effect
    would vanish.
    """
    terms = [names.index(c) for c in ("constant", cause, *held)]
    x, m, y = matrix[:, terms], matrix[:, names.index(mediator)], matrix[:, -1]
    e1 = m - x @ np.linalg.lstsq(x, m, rcond=None)[0]
    e2 = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(np.corrcoef(e1, e2)[0, 1])


@analysis
def moderation(
    table, cause, moderator, outcome, *, covariates=(), kind="linear", cluster=None, conf_level=0.95
):
    """For whom does one thing go more strongly with another?

    Parameters
    ----------
    table : DataFrame
    cause, moderator : str
        Numbers.
    outcome : str
        A number, or 0 and 1 with kind "logit".
    covariates : list of str
    kind : str
        "linear" or "logit".
    cluster : str, optional

    Returns
    -------
    Result
        row ("interaction", or "slope" of the cause), at (value of the moderator: mean and one
        standard deviation either side; 0 and 1 where it is one of the two), n (rows), estimate,
        std_error, conf_low, conf_high. Where the slope's interval leaves 0 (Johnson–Neyman) stands
        in `.limits`. `.model` is the statsmodels result.

    Raises as `regression`.

    Source: Aiken & West (1991), Multiple Regression; Johnson & Neyman (1936); Bauer & Curran
    (2005), Multivariate Behavioral Research 40.
    """
    import pandas as pd

    fits.numbers(table, "table", cause, moderator)
    product = f"{cause} × {moderator}"
    data = fits.prepare(
        table.assign(**{product: table[cause] * table[moderator]}),
        outcome,
        [cause, moderator, product, *covariates],
        cluster=cluster,
    )
    made = fits.fit(data, kind)
    b, cov = made.params, made.cov_params()
    z = data.x[moderator]
    at = (
        [0.0, 1.0]
        if set(z.unique()) == {0.0, 1.0}
        else [z.mean() - z.std(), z.mean(), z.mean() + z.std()]
    )
    rows = [("interaction", np.nan, b[product], np.sqrt(cov.loc[product, product]))]

    def slope(value):
        return b[cause] + b[product] * value, np.sqrt(
            cov.loc[cause, cause]
            + 2 * value * cov.loc[cause, product]
            + value**2 * cov.loc[product, product]
        )

    rows += [("slope", value, *slope(value)) for value in at]
    result = pd.DataFrame(rows, columns=["row", "at", "estimate", "std_error"])
    result.insert(2, "n", len(data.y))
    df = fits.quantile_df(data)
    result["conf_low"], result["conf_high"] = intervals.normal(
        result["estimate"], result["std_error"], conf_level, df=df
    )
    grid = np.linspace(z.min(), z.max(), 400)
    value, error = slope(grid)
    low, high = intervals.normal(value, error, conf_level, df=df)
    clear = (low > 0) | (high < 0)
    return Result(
        question=Note(
            "drivers.moderation_question",
            "Does it depend on {moderator:word} how strongly {cause:word} goes with "
            "{outcome:word}?",
            cause=cause,
            moderator=moderator,
            outcome=outcome,
        ),
        table=result,
        method={
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
                "Ordered logit (proportional odds) with robust standard errors, the "
                "sampling unit as cluster.",
            ),
            "poisson": Note(
                "drivers.regression_poisson",
                "Poisson regression with robust standard errors, the sampling unit as cluster.",
            ),
        }[kind],
        unit="rows",
        n=len(data.y),
        conf_level=conf_level,
        evidence="associational",
        limits=(
            _region(grid, clear, word(moderator)),
            Note(
                "drivers.associational",
                "Associational: what goes together when the other terms are held equal; "
                "what was not measured may lie behind both.",
            ),
            *left_out(data),
        ),
        model=made,
        chart=Points(
            label=["row", "at"],
            reference=0,
            xlabel={
                "linear": Note("drivers.axis_linear", "Change of the outcome per unit"),
                "logit": Note("drivers.axis_logit", "Change in log-odds per unit"),
                "ordinal": Note(
                    "drivers.axis_ordinal", "Change in log-odds of a higher grade per unit"
                ),
                "poisson": Note(
                    "drivers.axis_poisson", "Change in the logarithm of the outcome per unit"
                ),
                "share": Note("drivers.axis_share", "Share of what is explained"),
            }[kind],
        ),
    )


def _region(grid, clear, name):
    if clear.all() or not clear.any():
        return (
            Note(
                "drivers.region_all",
                "The slope is clear at every value of {moderator} in the data.",
                moderator=name,
            )
            if clear.all()
            else Note(
                "drivers.region_none",
                "The slope is clear at no value of {moderator} in the data.",
                moderator=name,
            )
        )
    edges = np.flatnonzero(np.diff(clear.astype(int)))
    starts = [grid[0]] * bool(clear[0]) + [grid[e + 1] for e in edges if not clear[e]]
    ends = [grid[e] for e in edges if clear[e]] + [grid[-1]] * bool(clear[-1])
    return Note(
        "drivers.region",
        "The slope is clear where {moderator} lies in {where} (Johnson–Neyman).",
        moderator=name,
        where="; ".join(
            f"{number(a, 3)} … {number(b, 3)}" for a, b in zip(starts, ends, strict=True)
        ),
    )


@analysis
def structural(table, model, *, conf_level=0.95):
    """Do answers fit a theory of what lies behind them? Confirmatory factors and structural paths.

    Needs the extra `sem` (`pip install .[sem]`), which brings the package semopy.

    Parameters
    ----------
    table : DataFrame
        One row a respondent, numbers; rows with a missing value are left out and counted.
    model : str
        In lavaan's language: "factor =~ item1 + item2", "y ~ x", "a ~~ b".

    Returns
    -------
    Result
        term, kind (loading, path, covariance), n (respondents), estimate, std_error, conf_low,
        conf_high, standardised. Fit (chi-square, CFI, RMSEA, SRMR) stands in `.limits`; `.model` is
        semopy's.

    Raises
    ------
    InputError
        Where semopy is not installed, a variable is missing, or the model does not settle.
    NotEnoughData
        With fewer respondents than weights.

    Source: Jöreskog (1969), Psychometrika 34; Hu & Bentler (1999), Structural Equation Modeling 6;
    fitted by semopy, Meshcheryakov, Igolkina & Samsonova (2021).
    """
    import re
    import warnings

    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import semopy
    except ImportError:
        raise InputError(
            "drivers.error_structural_the_package_semopy_is",
            "structural: the package semopy is not installed; run pip install .[sem]",
        ) from None
    latent = set(re.findall(r"(?m)^\s*(\w+)\s*=~", model))
    used = [v for v in dict.fromkeys(re.findall(r"[A-Za-z_]\w*", model)) if v not in latent]
    fits.require(table, "table", *used)
    data = table[used].astype(float).dropna()
    if len(data) < len(used) + 1:
        raise NotEnoughData(
            "drivers.error_structural_complete_respondents_for_variables",
            "structural: {n_data} complete respondents for {n_used} variables",
            n_data=len(data),
            n_used=len(used),
        )
    flat = [c for c in data if data[c].nunique() < 2]
    if flat:
        raise InputError(
            "drivers.error_structural_never_varies_leave_it",
            "structural: {flat:text} never varies; leave it out",
            flat=list(flat),
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = semopy.Model(model)
        solution = fitted.fit(data)
        found = fitted.inspect(std_est=True)
        fit = semopy.calc_stats(fitted).iloc[0]
    if not solution.success or not np.isfinite(fit["chi2"]):
        raise InputError(
            "drivers.error_structural_the_model_does_not",
            "structural: the model does not settle; give factors more items or free fewer paths",
        )
    implied, seen = (
        fitted.calc_sigma()[0],
        (
            np.cov(data[fitted.vars["observed"]].to_numpy().T, bias=True)
            if "observed" in fitted.vars
            else fitted.mx_cov
        ),
    )
    sd = np.sqrt(np.diag(seen))
    gap = ((seen - implied) / np.outer(sd, sd))[np.tril_indices(len(sd))]
    kinds = {
        "~": lambda a, b: "loading" if b in latent and a not in latent else "path",
        "~~": lambda a, b: "covariance",
    }
    rows = []
    for row in found.to_dict("records"):
        se = pd.to_numeric(row["Std. Err"], errors="coerce")
        low, high = intervals.normal(row["Estimate"], se, conf_level)
        rows.append(
            {
                "term": f"{row['lval']} {row['op']} {row['rval']}",
                "kind": kinds[row["op"]](row["lval"], row["rval"]),
                "n": len(data),
                "estimate": row["Estimate"],
                "std_error": se,
                "conf_low": float(low),
                "conf_high": float(high),
                "standardised": row["Est. Std"],
            }
        )
    limits = [
        Note(
            "drivers.sem_fit",
            "Chi-square {chi2} with {df} degrees of freedom (p: {p:p}); CFI {cfi:3}, "
            "RMSEA {rmsea:3}, SRMR {srmr:3}.",
            chi2=fit["chi2"],
            df=fit["DoF"],
            p=float(fit["chi2 p-value"]),
            cfi=fit["CFI"],
            rmsea=fit["RMSEA"],
            srmr=float(np.sqrt((gap**2).mean())),
        ),
        Note(
            "drivers.sem_limit",
            "A model that fits is one of many that would; arrows are assumptions. "
            "Grades are taken as numbers.",
        ),
    ]
    if len(data) < 200:
        limits.append(
            Note("drivers.few", "{n} are few; {least} is a common floor.", n=len(data), least=200)
        )
    return Result(
        question=Note(
            "drivers.sem_question", "Do answers fit the theory of what lies behind them?"
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "drivers.sem_method", "Structural equation model by maximum likelihood (semopy)."
        ),
        unit="respondents",
        n=len(data),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        model=fitted,
        chart=Points(
            label=["term"],
            only={"kind": ["loading", "path"]},
            reference=0,
            xlabel=Note("drivers.sem_axis", "Loading or path, in units of the items"),
        ),
    )
