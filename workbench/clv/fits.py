"""Maximum likelihood for the models of buying: from several starts, on scaled time, with what came of it always told."""

from dataclasses import dataclass

import numpy as np

from workbench import discrete
from workbench.clv.models import MODELS
from workbench.errors import InputError, NotEnoughData, unknown

BOUND = 11.0   # logarithms of parameters stay within; beyond lies a model without that kind of difference
LOOSE = 3.0    # standard error of a logarithm from which a parameter is not known to the order of magnitude
STARTS = 4
SAMPLE = 3000  # rows above which the starts are tried on that many customers
TIGHT = 1e-6   # largest score a customer at which a fit counts as settled


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model of buying.

    `params` (natural scale) and `cov` (of their logarithms; covariates as they are) by name; `loglik`, `customers`, `unit` (days in one unit of time; None for opportunities and money), `gradient` (largest score a customer),
    `agree` (starts that reached the same top, of how many), `edges` (parameters that ran to the bound), `covariates` = column → (mean, sd) by process. The model behind it is `model`.
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
        """Return the model's parameters: numbers, or a value a row of `table` where covariates shift them."""
        theta = self._theta() if theta is None else theta
        return _natural(self.model, theta, None if table is None or not self.covariates else self.z(table))

    def z(self, table):
        """Return the standardised covariates of a table, process → rows × columns."""
        return {process: np.column_stack([(_number(table, c) - mean) / sd for c, (mean, sd) in columns.items()]) for process, columns in self.covariates.items()}

    def _theta(self):
        k = len(self.model.names)
        values = self.params.to_numpy()
        return np.concatenate([np.log(values[:k]), values[k:]])

    def redraw(self, draws, seed):
        """Return parameters (logarithms, covariates as they are) of fits to customers drawn anew, draws × parameters; draws that do not settle are missing."""
        rng = np.random.default_rng(seed)
        n, out = int(self.weight.sum()), []
        for _ in range(draws):
            w = rng.multinomial(n, self.weight / n).astype(float)
            # The top of a draw lies near that of all: Newton's steps alone reach it to the last digit, the same on every machine.
            theta, _, gradient, _ = _newton(self.model, self.rows, w, self._theta())
            if gradient > TIGHT:
                theta, _, gradient, _ = _climb(self.model, self.rows, w, self._theta())
            out.append(theta if gradient < TIGHT else np.full(len(theta), np.nan))
        return np.array(out)


def fit(kind, table, columns, *, unit, covariates=None, seed=1):
    """Return the Fit of a model to a table of customers (or of kinds of customers, with the column `customers`).

    Customers alike are collapsed first; time (or money) is scaled to around one inside, so that its unit does not matter.
    """
    import pandas as pd

    model = MODELS[kind]
    x, t, age = (np.asarray(table[c], float) for c in columns)
    many = np.asarray(table["customers"], float) if "customers" in table else np.ones(len(x))
    scales, z = {}, {}
    for process, names in (covariates or {}).items():
        if names and process not in model.shifts:
            raise InputError(f"{kind}: covariates of '{process}' are not part of this model; it takes {', '.join(model.shifts) or 'none'}")
        values = [_number(table, c) for c in names]
        if values:
            scales[process] = {c: (float(np.average(v, weights=many)), float(v.std())) for c, v in zip(names, values, strict=True)}
            flat = [c for c, (_, sd) in scales[process].items() if sd == 0]
            if flat:
                raise InputError(f"{kind}: {', '.join(flat)} never varies; leave it out")
            z[process] = np.column_stack([(v - scales[process][c][0]) / scales[process][c][1] for c, v in zip(names, values, strict=True)])
    wide = pd.DataFrame(np.column_stack([x, t, age, *z.values()])).assign(w=many)
    alike = wide.groupby(list(range(wide.shape[1] - 1)), sort=True)["w"].sum().reset_index()
    parts, weight = alike.iloc[:, :-1].to_numpy(), alike["w"].to_numpy()
    at, rows_z = 3, {}
    for process, v in z.items():
        rows_z[process], at = parts[:, at:at + v.shape[1]], at + v.shape[1]
    scale = _scale(model, parts, weight)
    timed = np.isin(model.names, model.timed)
    small = (parts[:, 0], parts[:, 1] / scale, parts[:, 2] / scale, rows_z)
    rng = np.random.default_rng(seed)
    extra = np.zeros(sum(v.shape[1] for v in z.values()))
    begin = np.concatenate([np.log(model.start(np.repeat(small[0], 1), small[2] if model.name != "gamma_gamma" else small[1])), extra])
    # Starts are tried on a sample where there are many rows; the best goes on with all.
    some, part = small, weight
    if len(weight) > SAMPLE:
        drawn = rng.multinomial(SAMPLE, weight / weight.sum()).astype(float)
        keep = drawn > 0
        some, part = (*(v[keep] for v in small[:3]), {p: v[keep] for p, v in small[3].items()}), drawn[keep]
    runs = [_climb(model, some, part, begin + (rng.normal(0, 0.7, len(begin)) * (np.arange(len(begin)) < len(model.names)) if k else 0)) for k in range(STARTS)]
    theta, value, gradient, hessian = max(runs, key=lambda r: r[1])
    agree = sum(abs(r[1] - value) < 1e-5 * max(abs(value), 1) for r in runs)
    if part is not weight:
        theta, value, gradient, hessian = _climb(model, small, weight, theta)
    edges = tuple(n for n, v in zip(model.names, theta, strict=False) if abs(v) > BOUND - 0.5)
    names = [*model.names, *(f"{process}: {c}" for process, columns in scales.items() for c in columns)]
    cov = np.full((len(theta), len(theta)), np.nan)
    inside = np.array([n not in edges for n in names])
    try:
        inverse = np.linalg.inv(-hessian[np.ix_(inside, inside)])
        if (np.diag(inverse) > 0).all():
            cov[np.ix_(inside, inside)] = inverse
    except np.linalg.LinAlgError:
        pass
    # What the curvature hardly holds has run away as well, only not to the bound.
    loose = np.sqrt(np.maximum(np.nan_to_num(np.diag(cov)), 0))[: len(model.names)] > LOOSE
    edges = tuple(n for n, far in zip(model.names, loose, strict=True) if far or n in edges)
    theta = theta.copy()
    theta[: len(model.names)][timed] += np.log(scale)
    rows = (parts[:, 0], parts[:, 1], parts[:, 2], rows_z)
    value, _ = _value(model, theta, rows, weight)
    params = np.concatenate([np.exp(theta[: len(model.names)]), theta[len(model.names):]])
    return Fit(model, pd.Series(params, names), pd.DataFrame(cov, names, names), float(value), int(weight.sum()), unit, float(gradient), (agree, STARTS), edges, scales, rows, weight)


def _number(table, name):
    if name not in table:
        raise unknown("customers", "column", name, table.columns)
    v = np.asarray(table[name], float)
    if not np.isfinite(v).all():
        raise InputError(f"customers: '{name}' has missing values")
    return v


def _scale(model, parts, weight):
    """Return what one unit inside stands for: the mean time watched, or the mean value of a purchase."""
    if not model.timed:
        return 1.0
    v = parts[:, 1] if model.name == "gamma_gamma" else parts[:, 2]
    mean = float((v * weight).sum() / weight.sum())
    if mean <= 0:
        raise NotEnoughData(f"{model.name}: nobody was watched for any time after the first purchase")
    return mean


def _natural(model, theta, z):
    p = dict(zip(model.names, np.exp(theta[: len(model.names)]), strict=True))
    at = len(model.names)
    for process, values in (z or {}).items():
        name, sign = model.shifts[process]
        p[name] = p[name] * np.exp(sign * (values @ theta[at:at + values.shape[1]]))
        at += values.shape[1]
    return tuple(p[n] for n in model.names)


def _value(model, theta, rows, weight):
    """Return the log-likelihood and its gradient by logarithms of parameters and by covariates."""
    x, t, age, z = rows
    p = _natural(model, theta, z)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        value, slopes = model.loglik(p, x, t, age)
    by_log = {n: weight * d * v for n, d, v in zip(model.names, slopes, p, strict=True)}
    gradient = [d.sum() for d in by_log.values()]
    for process, values in z.items():
        name, sign = model.shifts[process]
        gradient += list(sign * (by_log[name] @ values))
    return weight @ value, np.array(gradient)


def _climb(model, rows, weight, begin):
    """Return parameters at the top from one start, their log-likelihood, the largest score a customer, and the second derivatives."""
    from scipy import optimize

    n = weight.sum()
    bounds = [(-BOUND, BOUND)] * len(model.names) + [(-6.0, 6.0)] * (len(begin) - len(model.names))

    def loss(theta):
        value, gradient = _value(model, theta, rows, weight)
        return (-value / n, -gradient / n) if np.isfinite(value) and np.isfinite(gradient).all() else (1e10, np.zeros(len(theta)))

    low, high = np.array(bounds).T
    found = optimize.minimize(loss, np.clip(begin, low, high), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 400, "ftol": 1e-13, "gtol": 1e-8})
    return _newton(model, rows, weight, found.x)


def _newton(model, rows, weight, begin):
    """Return what `_climb` does, by Newton's steps: they take the score to zero, where a search stops at what it can see of the value."""
    n, theta = weight.sum(), np.array(begin, float)
    free = np.abs(theta) < BOUND - 0.5
    hessian = np.zeros((len(theta), len(theta)))
    for _ in range(8):
        value, gradient = _value(model, theta, rows, weight)
        hessian = discrete.slope(lambda q: _value(model, q, rows, weight)[1], theta)
        hessian = (hessian + hessian.T) / 2
        if np.abs(gradient[free]).max(initial=0) / n < 1e-10:
            break
        try:
            move = np.zeros(len(theta))
            move[free] = np.linalg.solve(hessian[np.ix_(free, free)], -gradient[free])
        except np.linalg.LinAlgError:
            break
        # Close to the top the value is flat to the last digit: a step may lose what rounding loses.
        step = next((theta + move * s for s in (1.0, 0.5, 0.1) if np.abs(move * s).max() < 1 and _value(model, theta + move * s, rows, weight)[0] >= value - 1e-12 * abs(value)), None)
        if step is None:
            break
        theta = step
    value, gradient = _value(model, theta, rows, weight)
    free = np.abs(theta) < BOUND - 0.5
    return theta, value, np.abs(gradient[free]).max(initial=0) / n, hessian
