"""A table of customers as what a model of buying is fitted to, and the fit with its names."""

from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.stats import buying_fits
from workbench.stats.buying_models import MODELS


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
        return self.gradient < buying_fits.TIGHT

    def natural(self, table=None, theta=None):
        """Return the model's parameters: numbers, or a value a row of `table` where covariates
        shift them.
        """
        theta = self.theta if theta is None else theta
        shifted = None if table is None or not self.covariates else self.z(table)
        return buying_fits.natural(self.model, theta, shifted)

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
    """
    scales, z = _covariates(MODELS[kind], table, covariates or {}, _many(table))
    data = _histories(kind, table, columns, z)
    names = [f"{process}: {c}" for process, found in scales.items() for c in found]
    search = buying_fits.fit(kind, data, seed=seed)
    return _named(kind, search, data, names, unit, scales, buying_fits.STARTS)


def quick(kind, table, columns, *, seed=1):
    """Return the Fit of a model without its errors, from one start and of many customers on a
    sample.
    """
    data = _histories(kind, table, columns, {})
    unit = getattr(table, "attrs", {}).get("unit_days")
    return _named(kind, buying_fits.quick(kind, data, seed=seed), data, [], unit, {}, 1)


def _named(kind, search, data, more, unit, scales, starts):
    """Return what a search came to, by the names of the parameters."""
    import pandas as pd

    model = MODELS[kind]
    k, names = len(model.names), [*model.names, *more]
    natural = np.concatenate([np.exp(search.theta[:k]), search.theta[k:]])
    return Fit(
        model,
        pd.Series(natural, names),
        pd.DataFrame(search.cov, names, names),
        search.loglik,
        int(data.weight.sum()),
        unit,
        search.gradient,
        (search.agree, starts),
        search.edges,
        scales,
        (data.x, data.t, data.age, data.z),
        data.weight,
    )


def _many(table):
    """Return how many customers every row stands for."""
    return np.asarray(table["customers"], float) if "customers" in table else np.ones(len(table))


def _histories(kind, table, columns, z):
    """Return a table of customers as arrays; refuse one in which nobody was watched at all."""
    data = buying_fits.histories(*(np.asarray(table[c], float) for c in columns), z, _many(table))
    if buying_fits.time_scale(kind, data) <= 0:
        raise NotEnoughData(
            "clv.error_not_observed",
            "{name}: nobody was observed for any time after the first purchase",
            name=kind,
        )
    return data


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
