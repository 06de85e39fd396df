"""Through what, and for whom? Mediation and moderation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import names as own
from workbench import regression as fits
from workbench.data_limits import ASSOCIATIONAL, FEW
from workbench.drivers.regress import AXES, METHODS, left_out
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis, weights
from workbench.stats import paths as paths_of
from workbench.stats import products

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

STRETCH = Note("drivers.stretch", "between {low:3} and {high:3}", low=0, high=0)
THROUGH = Note(
    "drivers.mediation_answer",
    "Of an association of {total:3} between {cause:word} and {outcome:word}, "
    "{estimate:3} runs through {through:word} ({low:3} to {high:3}; {n} rows).",
)
NOT_THROUGH = Note(
    "drivers.mediation_answer_none",
    "It could not be shown that the association between {cause:word} and "
    "{outcome:word} runs through {through:word}: the indirect part is {estimate:3} "
    "of {total:3} ({low:3} to {high:3}; {n} rows).",
)
BY_MODERATOR = Note(
    "drivers.mediation_answer_index",
    "The part that runs through {through:word} changes by {estimate:3} for each "
    "unit of {moderator:word} ({low:3} to {high:3}; {n} rows).",
)
NOT_BY_MODERATOR = Note(
    "drivers.mediation_answer_index_none",
    "It could not be shown that the part that runs through {through:word} depends "
    "on {moderator:word}: it changes by {estimate:3} for each unit ({low:3} to "
    "{high:3}; {n} rows).",
)
DEPENDS = Note(
    "drivers.moderation_answer",
    "The slope of {cause:word} changes by {estimate:3} for each unit of "
    "{moderator:word} ({low:3} to {high:3}; {n} rows).",
)
NO_DEPENDENCE = Note(
    "drivers.moderation_answer_none",
    "It could not be shown that the slope of {cause:word} depends on "
    "{moderator:word}: it changes by {estimate:3} for each unit ({low:3} to "
    "{high:3}; {n} rows).",
)


@engine.frames("table")
@analysis
def mediation(
    table: Table,
    cause: str,
    mediators: str | Sequence[str],
    outcome: str,
    *,
    covariates: Sequence[str] = (),
    moderator: str | None = None,
    cluster: str | None = None,
    randomised: bool = False,
    draws: int = 5000,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """How much of what goes from one thing to another runs through something in between?

    Parameters
    ----------
    table : DataFrame
        One row a respondent or customer; rows with a missing value are left out and counted. A
        column "weight" (of a survey) is used.
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
            "drivers.error_moderator_one_mediator",
            "mediation: a moderator can be combined with one mediator only",
        )
    made = table
    if moderator:
        fits.numbers(table, "table", cause, moderator)
        made = table.assign(**{f"{cause} × {moderator}": table[cause] * table[moderator]})
    fits.numbers(made, "table", cause, *mediators)
    if outcome in (cause, moderator, *mediators, *covariates):
        raise InputError(
            "drivers.error_outcome_twice",
            "mediation: '{outcome}' cannot be the outcome and something that leads to it",
            outcome=outcome,
        )
    product = [moderator, f"{cause} × {moderator}"] if moderator else []
    heavy = weights.of(table, cause, mediators, outcome, covariates, moderator, cluster)
    data = fits.prepare(
        made,
        outcome,
        [cause, *mediators, *covariates, *product],
        cluster=cluster,
        weights=heavy,
    )
    names = [*data.x.columns, outcome]
    matrix = _centred(data)
    grams = products.cross_products(matrix, data.groups, draws, seed, data.weights)
    held = [c for c in data.x.columns[1:] if c not in (cause, *mediators, *product)]

    model = _Models(grams, names, data.customers)
    steps = {m: model(m, [cause, *mediators[:i], *held, *product]) for i, m in enumerate(mediators)}
    last = model(outcome, [cause, *mediators, *held, *([moderator] if moderator else [])])
    total = model(outcome, [cause, *held, *([moderator] if moderator else [])])[cause]
    ways = paths_of.indirect(steps, last, cause, mediators)
    paths = {own.path(list(way)): value for way, value in ways.items()}
    rows = [("total", np.nan, total), ("direct", np.nan, last[cause])]
    if moderator:
        centre, spread = _place(data.x[moderator], data.weights)
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
    result = pd.DataFrame(_table(rows, len(data.y), conf_level))
    limits = [
        (
            Note(
                "drivers.mediation_random",
                "Only the first step was randomised: a common cause of mediator and outcome "
                "still distorts the indirect part.",
            )
            if randomised
            else Note(
                "drivers.mediation_limit",
                "Measured at one time, this splits a correlation: the order of the steps is "
                "assumed, not shown.",
            )
        ),
        *left_out(data),
    ]
    if len(mediators) == 1 and not moderator:
        limits.append(
            Note(
                "drivers.mediation_rho",
                "If unmeasured causes of mediator and outcome correlate by {rho:2}, the "
                "indirect part vanishes.",
                rho=_sensitivity(matrix, data.weights, names, cause, mediators[0], held),
            )
        )
    yes_no = [v for v in (*mediators, outcome) if set(data.x.get(v, data.y)) <= {0.0, 1.0}]
    if yes_no:
        limits.append(
            Note(
                "drivers.mediation_linear",
                "Yes-or-no variables ({names:word}) are modelled as shares: paths are "
                "differences in percentage points from linear models, which fit less well "
                "near the ends of the scale.",
                names=list(yes_no),
            )
        )
    if len(data.y) < 150:
        limits.append(FEW.having(n=len(data.y), least=150, unit="rows"))
    return Result(
        question=Note(
            "drivers.mediation_question",
            "How much of the association between {cause:word} and {outcome:word} runs "
            "through {through:word}?",
            cause=cause,
            outcome=outcome,
            through=list(mediators),
        ),
        table=result,
        answer=_mediation_answer(result, cause, mediators, outcome, moderator),
        method=Note(
            "drivers.mediation_method",
            "Products of least-squares coefficients; percentile bootstrap over sampling "
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
            xlabel=Note(
                "drivers.mediation_axis", "Change of the outcome per unit of the predictor"
            ),
        ),
    )


@dataclass(frozen=True, eq=False)
class _Models:
    """Linear models among named columns, in the sample and in draws."""

    grams: np.ndarray
    names: list
    units: int

    def __call__(self, target, terms):
        """Return the weights of each term, and of the constant."""
        terms = ("constant", *terms)
        at, to = [self.names.index(c) for c in terms], self.names.index(target)
        weights = paths_of.weights(self.grams, at, to)
        if np.isnan(weights).all():
            raise NotEnoughData(
                "drivers.error_mediation_units",
                "mediation: in some draws of the {n} sampling units a column does not vary; "
                "more units are needed",
                n=self.units,
            )
        return dict(zip(terms, weights, strict=True))


def _mediation_answer(table, cause, mediators, outcome, moderator):
    """Return the indirect part beside the total; with a moderator, how that part changes."""
    rows = table.set_index("path")
    said = {"cause": cause, "outcome": outcome, "through": list(mediators)}
    if moderator:
        row = rows.loc["index"]
        answer = BY_MODERATOR if fits.clear(row) else NOT_BY_MODERATOR
        return answer.having(**fits.said(row), through=list(mediators), moderator=moderator)
    row = rows.loc["indirect"]
    answer = THROUGH if fits.clear(row) else NOT_THROUGH
    return answer.having(**fits.said(row), **said, total=rows.loc["total", "estimate"])


def _table(rows, n, conf_level):
    """Return paths with their estimate, error and limits from draws."""
    out = []
    for path, at, values in rows:
        se, low, high = intervals.percentiles(values[1:], values[0], conf_level)
        row = {"path": path, "at": at, "n": n, "estimate": values[0], "std_error": float(se)}
        out.append({**row, "conf_low": float(low), "conf_high": float(high)})
    return out


def _place(values, weight):
    """Return the mean of a column and its standard deviation (n − 1), by the weights if any."""
    values = values.to_numpy(float)
    if weight is None:
        return float(values.mean()), float(values.std(ddof=1))
    mean = float(np.average(values, weights=weight))
    n = len(values)
    return mean, float(np.sqrt(np.average((values - mean) ** 2, weights=weight) * n / (n - 1)))


def _sensitivity(matrix, weight, names, cause, mediator, held):
    """Return the correlation of what is unseen in mediator and outcome at which the indirect effect
    would vanish.
    """
    if weight is not None:
        matrix = matrix * np.sqrt(weight)[:, None]
    terms = [names.index(c) for c in ("constant", cause, *held)]
    x, m, y = matrix[:, terms], matrix[:, names.index(mediator)], matrix[:, -1]
    e1 = m - x @ np.linalg.lstsq(x, m, rcond=None)[0]
    e2 = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    # Residuals of a regression with a constant: their (weighted) means are 0.
    return float(e1 @ e2 / np.sqrt((e1 @ e1) * (e2 @ e2)))


@engine.frames("table")
@analysis
def moderation(
    table: Table,
    cause: str,
    moderator: str,
    outcome: str,
    *,
    covariates: Sequence[str] = (),
    kind: str = "linear",
    cluster: str | None = None,
    conf_level: float = 0.95,
) -> Result:
    """For whom does one thing go more strongly with another?

    Parameters
    ----------
    table : DataFrame
        A column "weight" (of a survey) is used.
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
        in `.facts` (drivers.stretch). `.model` is the statsmodels result.

    Raises as `regression`.

    Source: Aiken & West (1991), Multiple Regression; Johnson & Neyman (1936); Bauer & Curran
    (2005), Multivariate Behavioral Research 40.
    """
    import pandas as pd

    fits.numbers(table, "table", cause, moderator)
    product = f"{cause} × {moderator}"
    around, middle = _around(table, cause, moderator, product), float(table[moderator].mean())
    terms = [cause, moderator, product, *covariates]
    heavy = weights.of(table, cause, moderator, outcome, covariates, cluster)
    data = fits.prepare(around, outcome, terms, cluster=cluster, weights=heavy)
    made = fits.fit(data, kind)
    b, cov = made.params, made.cov_params()
    z = table.loc[data.index, moderator].astype(float)
    centre, spread = _place(z, data.weights)
    at = [centre - spread, centre, centre + spread]
    if set(z.unique()) == {0.0, 1.0}:
        at = [0.0, 1.0]
    rows = [("interaction", np.nan, b[product], np.sqrt(cov.loc[product, product]))]

    both = [cause, product]
    slopes, around_them = b[both].to_numpy(), cov.loc[both, both].to_numpy()
    rows += [
        ("slope", value, *paths_of.slope_at(slopes, around_them, value - middle)) for value in at
    ]
    result = pd.DataFrame(rows, columns=["row", "at", "estimate", "std_error"])
    result.insert(2, "n", len(data.y))
    df = fits.quantile_df(data)
    result["conf_low"], result["conf_high"] = intervals.normal(
        result["estimate"], result["std_error"], conf_level, df=df
    )
    grid = np.linspace(z.min(), z.max(), 400)
    value, error = paths_of.slope_at(slopes, around_them, grid - middle)
    low, high = intervals.normal(value, error, conf_level, df=df)
    clear = (low > 0) | (high < 0)
    return Result(
        question=Note(
            "drivers.moderation_question",
            "Does the association between {cause:word} and {outcome:word} depend on "
            "{moderator:word}?",
            cause=cause,
            moderator=moderator,
            outcome=outcome,
        ),
        table=result,
        answer=_slope_answer(result.iloc[0], cause, moderator),
        method=METHODS[kind],
        unit="rows",
        n=len(data.y),
        conf_level=conf_level,
        evidence="associational",
        limits=(
            _region(grid, clear, moderator),
            ASSOCIATIONAL,
            *left_out(data),
        ),
        model=made,
        chart=Points(
            label=["row", "at"],
            reference=0,
            xlabel=AXES[kind],
        ),
    )


def _centred(data):
    """Return the design and the outcome, all but the constant less their means: the same slopes."""
    matrix = np.column_stack([data.x, data.y])
    matrix[:, 1:] -= np.average(matrix[:, 1:], axis=0, weights=data.weights)
    return matrix


def _around(table, cause, moderator, product):
    """Return a table with cause and moderator around their means, so that their product does not
    repeat its parts; the slopes are the same.
    """
    parts = {name: table[name] - table[name].mean() for name in (cause, moderator)}
    return table.assign(**parts, **{product: parts[cause] * parts[moderator]})


def _region(grid, clear, name):
    if clear.all() or not clear.any():
        return (
            Note(
                "drivers.region_all",
                "The interval of the slope excludes zero at every value of {moderator:word} "
                "in the data.",
                moderator=name,
            )
            if clear.all()
            else Note(
                "drivers.region_none",
                "The interval of the slope includes zero at every value of {moderator:word} "
                "in the data.",
                moderator=name,
            )
        )
    edges = np.flatnonzero(np.diff(clear.astype(int)))
    starts = [grid[0]] * bool(clear[0]) + [grid[e + 1] for e in edges if not clear[e]]
    ends = [grid[e] for e in edges if clear[e]] + [grid[-1]] * bool(clear[-1])
    return Note(
        "drivers.region",
        "The interval of the slope excludes zero where {moderator:word} is {stretches} "
        "(Johnson–Neyman).",
        moderator=name,
        stretches=[STRETCH.having(low=a, high=b) for a, b in zip(starts, ends, strict=True)],
    )


def _slope_answer(interaction, cause, moderator):
    """Return how the slope changes with the moderator, or that no change could be shown."""
    answer = DEPENDS if fits.clear(interaction) else NO_DEPENDENCE
    return answer.having(**fits.said(interaction), cause=cause, moderator=moderator)
