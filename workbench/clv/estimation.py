"""Maximum likelihood for the models of buying: from several starts, on scaled time, with what came
of it always told.
"""

from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.stats import likelihoods
from workbench.stats.buying_models import MODELS

# logarithms of parameters stay within; beyond lies a model without that kind of difference
BOUND = 11.0
# standard error of a logarithm from which a parameter is not known to the order of magnitude
LOOSE = 3.0
AWAY = 2.0  # distance from 0 from which the logarithm of a parameter follows another to its bound
STARTS = 4
SAMPLE = 3000  # rows above which the starts are tried on that many customers
TIGHT = 1e-6  # largest score a customer at which a fit counts as settled


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model of buying.

    `params` (natural scale) and `cov` (of their logarithms; covariates as they are) by name;
    `loglik`, `customers`, `unit` (days in one unit of time; None for opportunities and money),
    `gradient` (largest score a customer), `agree` (starts that reached the same top, of how many),
    `edges` (parameters that ran to the bound), `covariates` = column → (mean, sd) by process. The
    model behind it is `model`.
    """

    model: object
    params: object
    cov: object
    loglik: float
    customers: int
    unit: float
    gradient: float
    agree: tuple
    edges: tuple
    covariates: dict
    rows: tuple
    weight: np.ndarray

    @property
    def settled(self):
        """Whether the score is zero for all purposes."""
        return self.gradient < TIGHT

    def natural(self, table=None, theta=None):
        """Return the model's parameters: numbers, or a value a row of `table` where covariates
        shift them.
        """
        theta = self.theta if theta is None else theta
        return _natural(
            self.model, theta, None if table is None or not self.covariates else self.z(table)
        )

    def z(self, table):
        """Return the standardised covariates of a table, process → rows × columns."""
        return {
            process: np.column_stack(
                [(_number(table, c) - mean) / sd for c, (mean, sd) in columns.items()]
            )
            for process, columns in self.covariates.items()
        }

    @property
    def theta(self):
        """The parameters as they are searched for: logarithms, covariates as they are."""
        k = len(self.model.names)
        values = self.params.to_numpy()
        return np.concatenate([np.log(values[:k]), values[k:]])


def fit(kind, table, columns, *, unit, covariates=None, seed=1):
    """Return the Fit of a model to a table of customers (or of kinds of customers, with the column
    `customers`).

    Customers alike are collapsed first; time (or money) is scaled to around one inside, so that its
    unit does not matter.
    """
    import pandas as pd

    model = MODELS[kind]
    many = np.asarray(table["customers"], float) if "customers" in table else np.ones(len(table))
    scales, z = _covariates(model, table, covariates or {}, many)
    rows, weight = _alike(table, columns, z, many)
    scale = _scale(model, rows, weight)
    small = (rows[0], rows[1] / scale, rows[2] / scale, rows[3])
    k, names = (
        len(model.names),
        [
            *model.names,
            *(f"{process}: {c}" for process, found in scales.items() for c in found),
        ],
    )
    theta, gradient, agree = _search(model, small, weight, len(names) - k, seed)
    cov, edges = _curvature(model, small, weight, theta, names)
    theta[:k][np.isin(model.names, model.timed)] += np.log(scale)
    return Fit(
        model,
        pd.Series(np.concatenate([np.exp(theta[:k]), theta[k:]]), names),
        pd.DataFrame(cov, names, names),
        float(_value(model, theta, rows, weight)[0]),
        int(weight.sum()),
        unit,
        gradient,
        (agree, STARTS),
        edges,
        scales,
        rows,
        weight,
    )


def quick(kind, table, columns, *, seed=1):
    """Return the Fit of a model without its errors, from one start and of many customers on a
    sample: for forecasts at past days, of which only the numbers are wanted.
    """
    import pandas as pd

    model = MODELS[kind]
    many = np.asarray(table["customers"], float) if "customers" in table else np.ones(len(table))
    rows, weight = _alike(table, columns, {}, many)
    rows, weight = _some(rows, weight, np.random.default_rng(seed), 2 * SAMPLE)
    scale = _scale(model, rows, weight)
    small = (rows[0], rows[1] / scale, rows[2] / scale, {})
    k = len(model.names)
    begin = np.log(model.start(small[0], small[2]))
    theta, value, gradient = _climb(model, small, weight, begin, enough=1e-13)
    theta[:k][np.isin(model.names, model.timed)] += np.log(scale)
    names = list(model.names)
    cov = pd.DataFrame(np.full((k, k), np.nan), names, names)
    unit = getattr(table, "attrs", {}).get("unit_days")
    params = pd.Series(np.exp(theta), names)
    n = int(weight.sum())
    return Fit(model, params, cov, value, n, unit, gradient, (1, 1), (), {}, rows, weight)


def _alike(table, columns, z, many):
    """Return customers that are alike as one row each, and how many each row stands for."""
    import pandas as pd

    wide = pd.DataFrame(
        np.column_stack([*(np.asarray(table[c], float) for c in columns), *z.values()])
    ).assign(w=many)
    alike = wide.groupby(list(range(wide.shape[1] - 1)), sort=True)["w"].sum().reset_index()
    parts, weight = alike.iloc[:, :-1].to_numpy(), alike["w"].to_numpy()
    ends = np.cumsum([3, *(v.shape[1] for v in z.values())])
    shifted = {process: parts[:, a:b] for process, a, b in zip(z, ends, ends[1:], strict=False)}
    return (*parts[:, :3].T, shifted), weight


def _some(rows, weight, rng, most):
    """Return rows and weights of so many customers drawn at random, where there are more rows."""
    if len(weight) <= most:
        return rows, weight
    drawn = rng.multinomial(most, weight / weight.sum()).astype(float)
    keep = drawn > 0
    shifted = {process: v[keep] for process, v in rows[3].items()}
    return (*(v[keep] for v in rows[:3]), shifted), drawn[keep]


def _search(model, small, weight, more, seed):
    """Return the parameters at the top, the largest score a customer, and how many starts agree."""
    rng, k = np.random.default_rng(seed), len(model.names)
    begin = np.concatenate([np.log(model.start(small[0], small[2])), np.zeros(more)])
    # Starts are tried on a sample where there are many rows; the best goes on with all.
    some, part = _some(small, weight, rng, SAMPLE)
    away = rng.normal(0, 0.7, (STARTS, k))
    away[0] = 0
    runs = [_climb(model, some, part, begin + np.append(step, np.zeros(more))) for step in away]
    theta, value, gradient = max(runs, key=lambda r: r[1])
    agree = sum(abs(r[1] - value) < 1e-5 * max(abs(value), 1) for r in runs)
    if part is not weight:
        theta, _, gradient = _climb(model, small, weight, theta)
    return theta, gradient, agree


def _covariates(model, table, covariates, many):
    """Return mean and spread of every covariate, and the standardised columns, by process."""
    scales, z = {}, {}
    for process, names in covariates.items():
        if not names:
            continue
        if process not in model.shifts:
            raise InputError(
                "clv.error_covariate_process",
                "{name}: covariates of '{process}' are not part of this model; it takes "
                "{model:text}",
                name=model.name,
                process=process,
                model=list(model.shifts) or "–",
            )
        values = {c: _number(table, c) for c in names}
        flat = [c for c, v in values.items() if np.ptp(v) == 0]
        if flat:
            raise InputError(
                "clv.error_constant_covariate",
                "{name}: the covariate {flat:text} never varies; leave it out",
                name=model.name,
                flat=list(flat),
            )
        means = {c: float(np.average(v, weights=many)) for c, v in values.items()}
        scales[process] = {
            c: (means[c], float(np.sqrt(np.average((v - means[c]) ** 2, weights=many))))
            for c, v in values.items()
        }
        z[process] = np.column_stack(
            [
                (v - mean) / sd
                for v, (mean, sd) in zip(values.values(), scales[process].values(), strict=True)
            ]
        )
    return scales, z


def _curvature(model, rows, weight, theta, names):
    """Return the covariance at the top, and the parameters that ran away: to the bound, or so far
    that the curvature hardly holds them.
    """
    cov = np.full((len(theta), len(theta)), np.nan)
    inside = np.append(
        _free(theta[: len(model.names)]), np.ones(len(theta) - len(model.names), bool)
    )
    try:
        curvature = -likelihoods.numerical_jacobian(
            lambda q: _value(model, q, rows, weight)[1], theta
        )
        inverse = np.linalg.inv(curvature[np.ix_(inside, inside)])
        if (np.diag(inverse) > 0).all():
            cov[np.ix_(inside, inside)] = inverse
    except np.linalg.LinAlgError:
        pass  # no curvature, no errors: they are missing
    loose = np.nan_to_num(np.diag(cov)) > LOOSE**2
    edges = tuple(
        n
        for n, held, far in zip(names[: len(model.names)], inside, loose, strict=False)
        if far or not held
    )
    together = [p for p in model.pairs if set(p) & set(edges) and _same_end(model, theta, p)]
    if together:
        cov = _of_ratios(model, rows, weight, theta, together, edges)
    # Where a ratio is all that is known, neither of its parts is.
    gone = set(edges).union(*together)
    return cov, tuple(n for n in model.names if n in gone)


def _same_end(model, theta, pair):
    """Say whether both parameters of a pair ran the same way, so that their ratio may be known."""
    one, two = (theta[model.names.index(name)] for name in pair)
    return np.sign(one) == np.sign(two) and min(abs(one), abs(two)) > AWAY


def _of_ratios(model, rows, weight, theta, pairs, edges):
    """Return the covariance where pairs of parameters ran away together: how much customers differ
    cannot be told, the ratio of a pair can, and so can the others; what ran away alone is held.
    """
    size, turn = len(theta), np.eye(len(theta))
    second = [model.names.index(name) for _, name in pairs]
    alone = [model.names.index(n) for n in edges if not any(n in pair for pair in pairs)]
    for one, two in pairs:
        i, j = model.names.index(one), model.names.index(two)
        turn[i, i], turn[j, i] = 0.5, -0.5
    turn = turn[:, [k for k in range(size) if k not in (*second, *alone)]]

    def gradient(moved):
        return turn.T @ _value(model, theta + turn @ moved, rows, weight)[1]

    curvature = -likelihoods.numerical_jacobian(gradient, np.zeros(turn.shape[1]))
    cov = np.full((size, size), np.nan)
    try:
        inverse = np.linalg.inv(curvature)
    except np.linalg.LinAlgError:
        return cov
    if (np.diag(inverse) > 0).all():
        cov = turn @ inverse @ turn.T
        cov[alone], cov[:, alone] = np.nan, np.nan
    return cov


def _free(theta):
    return np.abs(theta) < BOUND - 0.5


def _number(table, name):
    need_columns("customers", table.columns, name)
    v = np.asarray(table[name], float)
    if not np.isfinite(v).all():
        raise InputError(
            "clv.error_missing_values",
            "customers: '{name}' has missing values",
            name=name,
        )
    return v


def _scale(model, rows, weight):
    """Return what one unit inside stands for: the mean time watched, or the mean value of a
    purchase.
    """
    if not model.timed:
        return 1.0
    mean = float(rows[1 if model.name == "gamma_gamma" else 2] @ weight / weight.sum())
    if mean <= 0:
        raise NotEnoughData(
            "clv.error_not_observed",
            "{name}: nobody was observed for any time after the first purchase",
            name=model.name,
        )
    return mean


def _natural(model, theta, z):
    p = dict(zip(model.names, np.exp(theta[: len(model.names)]), strict=True))
    at = len(model.names)
    for process, values in (z or {}).items():
        name, sign = model.shifts[process]
        p[name] = p[name] * np.exp(sign * (values @ theta[at : at + values.shape[1]]))
        at += values.shape[1]
    return tuple(p[n] for n in model.names)


def _value(model, theta, rows, weight):
    """Return the log-likelihood and its gradient by logarithms of parameters and by covariates."""
    x, t, age, z = rows
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        p = _natural(model, theta, z)
        value, slopes = model.loglik(p, x, t, age)
    by_log = {n: weight * d * v for n, d, v in zip(model.names, slopes, p, strict=True)}
    gradient = [d.sum() for d in by_log.values()]
    for process, values in z.items():
        name, sign = model.shifts[process]
        gradient += list(sign * (by_log[name] @ values))
    return weight @ value, np.array(gradient)


def _climb(model, rows, weight, begin, enough=1e-10):
    """Return parameters at the top from one start, their log-likelihood, and the largest score a
    customer.
    """
    from scipy import optimize

    n, k = weight.sum(), len(model.names)
    far = np.append(np.full(k, BOUND), np.full(len(begin) - k, 6.0))

    def loss(theta):
        value, gradient = _value(model, theta, rows, weight)
        return (
            (-value / n, -gradient / n)
            if np.isfinite(value) and np.isfinite(gradient).all()
            else (1e10, np.zeros(len(theta)))
        )

    found = optimize.minimize(
        loss,
        np.clip(begin, -far, far),
        jac=True,
        method="L-BFGS-B",
        bounds=np.column_stack([-far, far]),
        options={"maxiter": 400, "ftol": 1e-13, "gtol": 1e-8},
    )
    return _newton(model, rows, weight, found.x, enough)


def _newton(model, rows, weight, begin, enough):
    """Return what `_climb` does, by Newton's steps alone; parameters at the bound stay there."""
    n, free, theta = weight.sum(), _free(begin), np.array(begin, float)

    def score(some):
        theta[free] = some
        return _value(model, theta, rows, weight)[1][free] / n

    best, left = likelihoods.newton_refine(score, theta[free].copy(), enough=enough)
    theta[free] = best
    return theta, _value(model, theta, rows, weight)[0], left
