"""Designs checked before they are fitted, and regressions with customers as sampling unit; the fits
are statsmodels'.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import special

from workbench import intervals
from workbench.errors import InputError, NotEnoughData, countable, need_columns, one_of
from workbench.notes import Note
from workbench.stats import linear, ordered, regressions
from workbench.stats.scaling import standardise

__all__ = [
    "Data",
    "Fitted",
    "Weights",
    "absent",
    "check",
    "check_penalty",
    "check_settled",
    "clear",
    "decided",
    "fit",
    "informative_columns",
    "least_squares",
    "numbers",
    "poisson_absorbed",
    "prepare",
    "quantile_df",
    "require",
    "said",
    "two_stage",
    "vif",
]


def __dir__():
    return __all__


KINDS = ("linear", "logit", "ordinal", "poisson")
FAR = 1e5  # standard deviations from 0 beyond which least squares lose digits


@dataclass(frozen=True, eq=False)
class Data:
    """Rows ready for a fit: outcome `y`, design `x` (DataFrame, the constant first), `groups` (a
    number a row), `left_out` (how many rows had a missing value), `index` (of the rows kept) and
    `weights` of a survey, mean 1 (None: all the same).
    """

    y: np.ndarray
    x: object
    groups: np.ndarray
    left_out: int
    index: object
    weights: np.ndarray = None

    @property
    def customers(self):
        """How many customers (or other sampling units) there are."""
        return int(self.groups.max()) + 1 if len(self.groups) else 0


def require(table, what, *names) -> None:
    """Raise an InputError naming the first column of `names` that a table lacks."""
    need_columns(what, table.columns, *names)


def numbers(table, what, *names) -> None:
    """Raise an InputError naming the first column that is missing or holds words."""
    import pandas as pd

    require(table, what, *names)
    for name in names:
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise InputError(
                "regression.error_not_a_number",
                "{what}: '{name}' must be a number; first give words an indicator (0 or 1) "
                "of their own",
                what=what,
                name=name,
            )


def prepare(table, outcome, terms, *, cluster=None, what: str = "table", weights=None) -> Data:
    """Return the rows of a table ready for a fit, words turned into indicators (the first is the
    reference); `weights` is an array, one a row.

    Raises
    ------
    InputError
        For a missing column, a constant one, or columns that carry the same information; each is
        named.
    NotEnoughData
        With no more rows than columns.
    """
    import pandas as pd

    require(table, what, *terms, cluster)
    numbers(table, what, outcome)
    if "constant" in terms:
        raise InputError(
            "regression.error_constant",
            "{what}: 'constant' is the name of the intercept; rename that column",
            what=what,
        )
    kept = table[list(dict.fromkeys([outcome, *terms, *([cluster] if cluster else [])]))]
    whole = kept.notna().all(axis=1) & np.isfinite(kept.select_dtypes("number").astype(float)).all(
        axis=1
    )
    rows = kept[whole]
    for name in rows.select_dtypes("number"):
        if name != cluster:
            countable(what, name, rows[name])
    columns = {}
    for name in terms:
        values = rows[name]
        if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
            columns[name] = values.astype(float)
            continue
        levels = sorted(values.unique(), key=str)
        for level in levels[1:]:
            columns[f"{name}: {level}"] = (values == level).astype(float)
        if len(levels) == 1:
            raise _never_varies(what, [name])
    x = pd.DataFrame({"constant": np.ones(len(rows)), **columns}, index=rows.index)
    if len(rows) <= x.shape[1]:
        raise NotEnoughData(
            "regression.error_too_few_rows",
            "{what}: {n} complete rows for {coefficients} coefficients; more rows or "
            "fewer columns are needed",
            what=what,
            n=len(rows),
            coefficients=x.shape[1],
        )
    check(x, what)
    y = rows[outcome].astype(float).to_numpy()
    if np.ptp(y) == 0:
        raise NotEnoughData(
            "regression.error_outcome_constant",
            "{what}: '{outcome}' is {value} in every row; nothing varies",
            what=what,
            outcome=outcome,
            value=y[0],
        )
    groups = (
        np.unique(rows[cluster].astype(str), return_inverse=True)[1]
        if cluster
        else np.arange(len(rows))
    )
    if weights is not None:
        weights = weights[whole.to_numpy()] / weights[whole.to_numpy()].mean()
    return Data(y, x, groups, int((~whole).sum()), rows.index, weights)


def _never_varies(what, columns):
    return InputError(
        "regression.error_never_varies",
        "{what}: {columns:text} never varies; leave it out",
        what=what,
        columns=list(columns),
    )


def check(x, what) -> None:
    """Refuse a design with constant columns or columns that carry the same information, naming
    them.
    """
    body = x.drop(columns="constant", errors="ignore")
    flat = [c for c in body if np.ptp(body[c].to_numpy()) == 0]
    if flat:
        raise _never_varies(what, flat)
    if not body.shape[1]:
        return
    z = body.to_numpy() - body.to_numpy().mean(axis=0)
    z = z / np.sqrt((z**2).sum(axis=0))
    values, vectors = np.linalg.eigh(z.T @ z)
    if values[0] < 1e-9:
        involved = [c for c, v in zip(body.columns, vectors[:, 0], strict=True) if abs(v) > 0.1]
        raise InputError(
            "regression.error_collinear",
            "{what}: {columns:text} hold the same information (collinear); leave one out",
            what=what,
            columns=list(involved),
        )


def informative_columns(x):
    """Return the columns of a table of numbers that say something the ones before them do not, nor
    a constant.
    """
    kept, basis = [], np.ones((len(x), 1))
    for name in x:
        v = x[name].to_numpy(float)
        rest = v - basis @ np.linalg.lstsq(basis, v, rcond=None)[0]
        if (rest**2).sum() > 1e-6 * ((v - v.mean()) ** 2).sum() > 1e-20 * (v**2).sum():
            kept.append(name)
            basis = np.column_stack([basis, v])
    return kept


def vif(x):
    """Return the variance inflation of every column but the constant: how much collinearity widens
    its interval.
    """
    body = x.drop(columns="constant", errors="ignore")
    return (
        dict(
            zip(
                body.columns,
                np.diag(np.linalg.inv(np.corrcoef(body.to_numpy().T).reshape(body.shape[1], -1))),
                strict=True,
            )
        )
        if body.shape[1] > 1
        else {}
    )


@dataclass(frozen=True, eq=False)
class Fitted:
    """A regression by the names of its columns, with what statsmodels' results have too.

    `params`, `bse`, `pvalues` (Series), `cov` (DataFrame), `chances` (of the rows; rates of a
    Poisson regression, means of least squares, None for an ordered logit), `loglik`, `kind`,
    `estimate` (the fit it was made from: of `stats`, or statsmodels' for least squares), and
    `low`, `high` (Series; of a penalised fit only). Terms without a finite estimate are missing.
    """

    params: object
    cov: object
    pvalues: object
    chances: np.ndarray
    loglik: float
    kind: str
    estimate: object
    low: object = None
    high: object = None

    @property
    def bse(self):
        """The standard errors, by term."""
        import pandas as pd

        return pd.Series(np.sqrt(np.diag(self.cov)), self.params.index)

    @property
    def rsquared(self):
        """The share of the variance that least squares explain."""
        return self.estimate.rsquared

    def cov_params(self):
        """Return the covariance of the weights, by term."""
        return self.cov

    def predict(self, x=None):
        """Return the chances (or rates) of the rows it was fitted to, or of a design."""
        if x is None:
            return self.chances
        eta = x[list(self.params.index)].to_numpy(float) @ self.params.to_numpy()
        return special.expit(eta) if self.kind == "logit" else np.exp(eta)


def fit(
    data,
    kind: str = "linear",
    *,
    weights=None,
    partial: bool = False,
    penalty=None,
    conf_level: float = 0.95,
):
    """Return a regression with standard errors clustered on the sampling units (robust where each
    has one row): statsmodels' result, or Fitted for a logit or a Poisson regression.

    Raises InputError, naming the terms, where no finite estimate exists (with `partial` those are
    missing instead), or where the fit does not settle.
    """
    one_of("kind", kind, KINDS)
    if data.customers < 2:
        raise NotEnoughData(
            "regression.error_one_unit",
            "there is only one sampling unit; nothing can be said about others",
        )
    if kind == "logit" and not np.isin(data.y, (0, 1)).all():
        raise InputError("regression.error_logit_outcome", "logit: the outcome must be 0 or 1")
    if kind == "poisson" and (data.y < 0).any():
        raise InputError(
            "regression.error_poisson_outcome", "poisson: the outcome must not be negative"
        )
    if kind == "linear":
        return _least_squares(data, data.weights if weights is None else weights)
    if data.weights is not None and penalty:
        raise InputError(
            "regression.error_weights",
            "weights: penalty='{penalty}' takes no weights, since a penalty is worth a number of "
            "answers and a weight says how many people one stands for; leave the column of weights "
            "out to count every row once, or ask for no penalty",
            penalty=penalty,
        )
    return _likelihood(data, kind, partial, penalty, conf_level)


FITS = {
    "logit": regressions.logit,
    "poisson": regressions.poisson,
    "ordinal": ordered.ordered_logit,
}


def _likelihood(data, kind, partial, penalty, conf_level):
    """Return a Fitted logit, Poisson regression or ordered logit."""
    import pandas as pd

    design = data.x.drop(columns="constant") if kind == "ordinal" else data.x
    x, names = design.to_numpy(float), list(design)
    if penalty:
        made = regressions.firth_logit(x, data.y, conf_level=conf_level)
    else:
        how = {} if data.weights is None else {"weights": data.weights}
        made = FITS[kind](x, data.y, groups=data.groups, **how)
    check_settled(made, kind)
    if not made.recession.exists and not (partial and kind != "ordinal"):
        raise _separated(data, absent(made, names))
    if kind == "ordinal":
        names += [f"{a}/{b}" for a, b in pairwise(np.unique(data.y))]
    params = pd.Series(made.params, names)
    tests = intervals.p_value(made.params, np.sqrt(np.diag(made.cov)), df=quantile_df(data))
    limits = {}
    if penalty:
        tests = made.p_value
        limits = {"low": pd.Series(made.low, names), "high": pd.Series(made.high, names)}
    cov = pd.DataFrame(made.cov, names, names)
    tests = pd.Series(tests, names)
    return Fitted(params, cov, tests, made.fitted, made.loglik, kind, made, **limits)


def absent(made, names):
    """Return the terms without a finite estimate, the constant only where it is the only one."""
    gone = [n for n, v in zip(names, made.params, strict=False) if not np.isfinite(v)]
    return [n for n in gone if n != "constant"] or gone


def _least_squares(data, weights):
    """Return statsmodels' least squares; Fitted where a column lies so far from 0, as a moment in
    seconds does, that it must be brought near first.
    """
    import pandas as pd
    import statsmodels.api as sm

    how = {"cov_type": "HC1"}
    if data.customers < len(data.y):
        kwds = {"groups": data.groups, "df_correction": True}
        how = {"cov_type": "cluster", "cov_kwds": kwds, "use_t": True}
    scaled, names = standardise(data.x.to_numpy(float)), data.x.columns
    far = np.abs(scaled.back[0, 1:]).max(initial=0) > FAR
    x = pd.DataFrame(scaled.z, data.x.index, names) if far else data.x
    model = sm.OLS(data.y, x) if weights is None else sm.WLS(data.y, x, weights=weights)
    made = model.fit(**how)
    if not far:
        return made
    params = scaled.back @ made.params.to_numpy()
    cov = scaled.back @ made.cov_params().to_numpy() @ scaled.back.T
    tests = intervals.p_value(params, np.sqrt(np.diag(cov)), df=quantile_df(data))
    return Fitted(
        pd.Series(params, names),
        pd.DataFrame(cov, names, names),
        pd.Series(tests, names),
        made.fittedvalues.to_numpy(),
        float(made.llf),
        "linear",
        made,
    )


def check_penalty(penalty, cluster) -> None:
    """Refuse an unknown penalty, and one where rows are not units of their own."""
    if penalty is None:
        return
    one_of("penalty", penalty, ("firth",))
    if cluster:
        raise InputError(
            "regression.error_penalty_cluster",
            "penalty: '{penalty}' takes every row as a unit of its own; leave out cluster "
            "('{cluster}'), or keep one row of each",
            penalty=penalty,
            cluster=cluster,
        )


def check_settled(fit, what) -> None:
    """Refuse a fit whose search has not come to rest though an estimate exists."""
    if not fit.settled:
        raise InputError(
            "regression.error_not_settled",
            "{what}: the fit does not converge although an estimate exists; leave columns out, or "
            "gather more rows",
            what=what,
        )


def clear(row, reference: int = 0) -> bool:
    """Say whether the interval of a row of a table leaves out a value, such as no difference."""
    return bool(row["conf_low"] > reference or row["conf_high"] < reference)


def said(row) -> dict:
    """Return what an answer says of a row: its estimate, its interval and its denominator."""
    return {
        "estimate": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "n": row["n"],
    }


def quantile_df(data):
    """Return the degrees of freedom of intervals: sampling units less one where they have several
    rows, else none (the normal).
    """
    return None if data.customers == len(data.y) else data.customers - 1


def decided(data, terms) -> Note:
    """Return the sentence on terms that decide the outcome: alone, or together."""
    body = data.x.drop(columns="constant")
    top = data.y == data.y.max()
    for c in terms:
        if c not in body:
            continue
        high, low = body[c][top], body[c][~top]
        if max(high.min() - low.max(), low.min() - high.max()) >= 0:
            return Note("regression.decides", "'{column}' decides the outcome by itself", column=c)
    return Note(
        "regression.together_decide",
        "{columns:text} decides the outcome of some rows completely, alone or together with others",
        columns=list(terms),
    )


def _separated(data, terms):
    """Return an error that names the terms without a finite estimate."""
    return InputError(
        "regression.error_separated",
        "regression: {reason}, so a coefficient has no finite estimate; leave a "
        "column out or gather more rows",
        reason=decided(data, terms),
    )


@dataclass(frozen=True, eq=False)
class Weights:
    """Estimates of a linear model that statsmodels has no clustered fit for: `params`, `cov` by
    term, and `first_f`, the strength of the instruments (robust F).
    """

    params: object
    cov: object
    first_f: float = np.nan

    def row(self, term, conf_level, df):
        """Return estimate, std_error, conf_low and conf_high of a term, with Student's quantile of
        so many degrees of freedom (sampling units less one).
        """
        estimate, se = float(self.params[term]), float(np.sqrt(self.cov.loc[term, term]))
        low, high = intervals.normal(estimate, se, conf_level, df=df)
        return {
            "estimate": estimate,
            "std_error": se,
            "conf_low": float(low),
            "conf_high": float(high),
        }


def least_squares(y, x, groups, *, absorbed: int = 0):
    """Return the least-squares weights of columns with standard errors clustered on groups;
    `absorbed` means were taken out beforehand.
    """
    return _sandwich(y, x, x, groups, absorbed)


def two_stage(y, x, endogenous, instruments, groups, *, absorbed: int = 0) -> Weights:
    """Return two-stage least-squares weights, one column of x being moved by instruments only,
    clustered on groups.

    Source: Wooldridge (2010), Econometric Analysis of Cross Section and Panel Data, chapter 5.
    """
    import pandas as pd

    z = pd.concat([x.drop(columns=endogenous), instruments], axis=1)
    first = _sandwich(x[endogenous].to_numpy(), z, z, groups, absorbed)
    names = list(instruments.columns)
    b, v = first.params[names].to_numpy(), first.cov.loc[names, names].to_numpy()
    fitted = x.assign(**{endogenous: z.to_numpy() @ first.params[z.columns].to_numpy()})
    made = _sandwich(y, x, fitted, groups, absorbed)
    return Weights(made.params, made.cov, float(b @ np.linalg.solve(v, b) / len(names)))


def _sandwich(y, x, used, groups, absorbed):
    """Least squares of y on `used`, residuals from `x`."""
    import pandas as pd

    if int(groups.max()) < 1:
        raise NotEnoughData(
            "regression.error_one_group",
            "all rows belong to one sampling unit; an error needs at least {least}",
            least=2,
        )
    made = linear.least_squares(
        y,
        used.to_numpy(float),
        groups,
        residual=x.to_numpy(float),
        absorbed=absorbed,
        constant=used.columns[0] == "constant",
    )
    names = used.columns
    return Weights(pd.Series(made.params, names), pd.DataFrame(made.cov, names, names))


def poisson_absorbed(y, x, groups, *effects, rounds: int = 100) -> Weights:
    """Return Poisson weights with fixed effects taken out within the iterations, with a jackknife
    over groups; rows whose effect has no count at all tell nothing and must be left out beforehand.

    Source: as `stats.linear.poisson_absorbed`.
    """
    import pandas as pd

    made = linear.poisson_absorbed(y, x.to_numpy(float), groups, effects, rounds=rounds)
    if not made.settled:
        raise InputError(
            "regression.error_poisson_convergence",
            "poisson: the fit does not converge; look for terms that decide whether "
            "there are any sales at all",
        )
    names = x.columns
    return Weights(pd.Series(made.params, names), pd.DataFrame(made.cov, names, names))
