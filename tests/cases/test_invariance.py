"""What says nothing changes nothing: the place and unit of a covariate, the unit of time or of
money, the order of rows, what ids are called, and whether equal rows stand once with their number.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench import choice, clv, conjoint, drivers, experiments, influence, prediction, retention
from workbench.simulate import studies

FEW = settings(max_examples=3, suppress_health_check=list(HealthCheck))
SCALED = ("estimate", "std_error", "conf_low", "conf_high", "marginal")
# A moment in seconds since 1970, a day number of a sheet, a temperature in kelvin.
SHIFTS = st.sampled_from([1.6e9, -1e6, 45_000.0, 273.25])
# Millionths, cents, seconds of a day.
UNITS = st.sampled_from([1e-6, 100.0, 86_400.0, 1 / 7])


def people(n=160, seed=1):
    """Rows with covariates in quarters, so that moving them loses no digit, and outcomes of every
    kind.
    """
    rng = np.random.default_rng(seed)
    x, z = (np.round(rng.normal(size=n) * 4) / 4 for _ in range(2))
    eta = 0.5 * x - 0.3 * z
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "y": np.round(eta + rng.normal(size=n), 3),
            "yes": (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int),
            "count": rng.poisson(np.exp(0.4 * eta)),
            "grade": np.digitize(eta + rng.logistic(size=n), [-1, 0, 1]),
            "days": np.ceil(rng.exponential(30, n) * np.exp(-0.4 * x)),
            "ended": (rng.random(n) < 0.7).astype(int),
            "customer_id": [f"p{k}" for k in range(n)],
            "variant": np.where(rng.random(n) < 0.5, "mail", "control"),
        }
    )


DATA = people()
WITH_X = {
    "linear": lambda d: drivers.regression(d, "y", ["x", "z"]),
    "logit": lambda d: drivers.regression(d, "yes", ["x", "z"], kind="logit"),
    "firth": lambda d: drivers.regression(d, "yes", ["x", "z"], kind="logit", penalty="firth"),
    "poisson": lambda d: drivers.regression(d, "count", ["x", "z"], kind="poisson"),
    "ordinal": lambda d: drivers.regression(d, "grade", ["x", "z"], kind="ordinal"),
    "cox": lambda d: retention.cox(d, ["x", "z"]),
    "cox_firth": lambda d: retention.cox(d, ["x", "z"], penalty="firth"),
    "weibull": lambda d: retention.parametric(d, ["x", "z"]),
    "log_normal": lambda d: retention.parametric(d, ["x", "z"], family="log_normal"),
    "discrete_time_hazard": lambda d: retention.discrete_time_hazard(d, ["x", "z"], width=20),
    "weighting": lambda d: experiments.weighting(d, "yes", "y", ["x", "z"]),
    "balance": lambda d: experiments.balance(d, "yes", ["x", "z"]),
    "key_drivers": lambda d: drivers.key_drivers(d, "y", ["x", "z"], draws=20),
    "key_drivers_logit": lambda d: drivers.key_drivers(
        d, "yes", ["x", "z"], kind="logit", draws=20
    ),
    "difference": lambda d: experiments.difference(d, "y", before="x"),
}
# Rows that are told in the unit of the covariate itself.
OF_X = {"performance"}


def in_units(table, unit):
    """A table with what is told a unit of x put back into the old unit."""
    table = table.copy()
    label = next((c for c in ("term", "driver", "covariate") if c in table), None)
    if label is None:
        return table
    rows = table[label] == "x"
    if "measure" in table and label == "driver":
        rows &= False
        own = (table["driver"] == "x") & table["measure"].isin(OF_X)
        table.loc[own, list(SCALED[:4])] /= unit
    if label == "term":
        names = [c for c in SCALED if c in table]
        table.loc[rows, names] *= unit
    for c in ("hazard_ratio", "ratio_low", "ratio_high", "time_ratio"):
        if c in table:
            table.loc[rows, c] = np.nan
    return table


def same(one, two, rtol=1e-6):
    """Two tables hold the same, to six digits beside the size of each column."""
    assert list(one.columns) == list(two.columns) and len(one) == len(two)
    for c in one:
        a, b = one[c], two[c]
        if pd.api.types.is_numeric_dtype(a) and pd.api.types.is_numeric_dtype(b):
            a, b = a.to_numpy(float), b.to_numpy(float)
            near = np.isclose(a, b, rtol=rtol, atol=1e-7, equal_nan=True)
            assert near.all(), (c, a[~near][:3], b[~near][:3])
        else:
            assert a.astype(str).tolist() == b.astype(str).tolist(), c


@pytest.mark.parametrize("name", WITH_X)
@FEW
@given(unit=UNITS)
def test_the_unit_of_a_covariate(name, unit):
    """Its own coefficient changes by the unit, and nothing else does."""
    moved = WITH_X[name](DATA.assign(x=DATA["x"] * unit)).table
    same(in_units(moved, unit), in_units(WITH_X[name](DATA).table, 1.0))


@pytest.mark.parametrize("name", WITH_X)
@FEW
@given(shift=SHIFTS)
def test_the_place_of_a_covariate(name, shift):
    """Moved, as a date is when it becomes a number, it says the same; only the level moves."""
    one, two = (WITH_X[name](d).table for d in (DATA.assign(x=DATA["x"] + shift), DATA))
    for label, gone in (("term", "constant"), ("measure", "performance")):
        if label in one:
            one, two = (t[t[label] != gone].reset_index(drop=True) for t in (one, two))
    same(one, two, rtol=1e-5)


DURATIONS = {
    "cox": lambda d: retention.cox(d, ["x", "z"]).table,
    "survival_curves": lambda d: retention.survival_curves(d, by="variant").table.drop(
        columns="time"
    ),
    "competing_risks": lambda d: retention.competing_risks(
        d.assign(cause=d["variant"].where(d["ended"] == 1))
    ).table.drop(columns="time"),
    "weibull": lambda d: (
        retention.parametric(d, ["x"]).table.query("term != 'constant'").reset_index(drop=True)
    ),
    "log_logistic": lambda d: (
        retention.parametric(d, ["x"], family="log_logistic")
        .table.query("term != 'constant'")
        .reset_index(drop=True)
    ),
}


@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize("unit", [1 / 7, 24.0, 86_400.0])
def test_days_and_weeks(name, unit):
    """The unit in which durations are told moves no association and no share."""
    moved = DATA.assign(days=DATA["days"] * unit)
    same(DURATIONS[name](moved), DURATIONS[name](DATA))


def orders(seed=2, n=400):
    """Orders of customers who return at their own rate, in cents so that no digit is lost."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"c{c}", float(d), float(rng.integers(500, 9000)) / 100)
        for c in range(n)
        for d in np.unique(
            np.append(rng.integers(0, 60), np.flatnonzero(rng.random(300) < rng.gamma(0.7, 0.02)))
        )
    ]
    made = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    return made.assign(
        order_id=np.arange(len(made)),
        ordered_at=pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(made["day"], "D"),
    ).drop(columns="day")


ORDERS = orders()
PRICES = pd.DataFrame(
    np.sort(np.random.default_rng(5).integers(800, 3200, (90, 4)), axis=1) / 100,
    columns=["too_cheap", "cheap", "expensive", "too_expensive"],
).assign(respondent_id=[f"r{k}" for k in range(90)])
LADDER = pd.DataFrame(
    [
        (f"r{i}", float(p), w >= p)
        for i, w in enumerate(np.random.default_rng(6).normal(20, 5, 80))
        for p in (12, 18, 24)
    ],
    columns=["respondent_id", "price", "would_buy"],
)


def offers(seed=3, n=240):
    """Choices among three offers with a price."""
    rng = np.random.default_rng(seed)
    price = rng.integers(2, 18, 3 * n) / 2.0
    table = pd.DataFrame(
        {
            "choice_id": np.repeat(np.arange(n), 3),
            "customer_id": np.repeat([f"k{i}" for i in range(n // 4) for _ in range(4)], 3),
            "alternative": np.tile(list("abc"), n),
            "price": price,
            "display": rng.integers(0, 2, 3 * n).astype(float),
        }
    )
    score = pd.Series(-0.4 * price + 0.6 * table["display"] + rng.gumbel(size=3 * n))
    return table.assign(chosen=score == score.groupby(table["choice_id"]).transform("max"))


OFFERS = offers()
MONEY = {
    "value": (
        ORDERS,
        "amount",
        lambda d: clv.value(
            clv.mbg_nbd(clv.customers(d)),
            clv.gamma_gamma(clv.customers(d)),
            clv.customers(d),
            horizon="364D",
        ).table.assign(unit=lambda t: t["measure"].isin(("total", "mean"))),
    ),
    "gamma_gamma": (
        ORDERS,
        "amount",
        lambda d: clv.gamma_gamma(clv.customers(d)).table.assign(
            unit=lambda t: t["term"].isin(("gamma", "mean_value"))
        ),
    ),
    "repurchase_propensity": (
        ORDERS,
        "amount",
        lambda d: prediction.repurchase_propensity(d, horizon="40D", draws=20).table.assign(
            unit=False
        ),
    ),
    "purchase_frequency": (
        ORDERS,
        "amount",
        lambda d: retention.purchase_frequency(d).table.assign(
            unit=lambda t: t["measure"].str.contains("amount|value|revenue")
        ),
    ),
    "difference": (
        DATA.assign(amount=np.round(np.exp(DATA["y"] + 3), 2)),
        "amount",
        lambda d: experiments.difference(d, "amount").table.assign(
            unit=lambda t: t["measure"].isin(("mean", "difference"))
        ),
    ),
    "van_westendorp": (
        PRICES,
        ["too_cheap", "cheap", "expensive", "too_expensive"],
        lambda d: conjoint.van_westendorp(d, draws=20).table.assign(unit=True),
    ),
    "gabor_granger": (
        LADDER,
        "price",
        lambda d: (
            conjoint.gabor_granger(d, draws=20)
            .table.drop(columns="price")
            .assign(unit=lambda t: t["measure"] == "revenue")
        ),
    ),
    "willingness_to_pay": (
        OFFERS,
        "price",
        lambda d: choice.willingness_to_pay(
            choice.conditional_logit(d, ["price", "display"])
        ).table.assign(unit=True),
    ),
    "price_elasticity": (
        studies.shelf(8, 2, 30),
        "price",
        lambda d: influence.price_elasticity(
            d, store="store_id", controls=["on_promotion"]
        ).table.assign(unit=False),
    ),
}


@pytest.mark.parametrize("name", MONEY)
def test_euros_and_cents(name):
    """Amounts change by a hundred, and nothing else does; the intervals neither."""
    data, columns, call = MONEY[name]
    two = call(data)
    cents = data.copy()
    cents[columns] = (cents[columns] * 100).round(6)
    one = call(cents)
    names = [c for c in ("total", "amount", "amount_total", *SCALED[:4]) if c in one]
    rows = one["unit"].astype(bool)
    one[names] = one[names].astype(float)
    one.loc[rows, names] /= 100
    same(one, two)


@pytest.mark.parametrize("name", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_days_and_weeks_of_a_model_of_buying(name):
    """Counted in days or in weeks: the same customers, but for the unit of alpha and of rates."""
    one, two = (
        getattr(clv, name)(clv.customers(ORDERS, unit=unit)).table.set_index("term")
        for unit in ("day", "week")
    )
    for term, factor in (("r", 1), ("alpha", 7), ("mean_rate", 1 / 7)):
        assert one.loc[term, "estimate"] == pytest.approx(
            two.loc[term, "estimate"] * factor, rel=1e-6
        )


def collapsed(table, by):
    """Rows that are alike once, with their number."""
    made = table.groupby(by, dropna=False, as_index=False).size()
    made = made.rename(columns={"size": "customers"})
    made.attrs = dict(table.attrs)
    return made


COUNTED = clv.customers(ORDERS, learn_until="2024-07-31")
COUNTED = COUNTED.assign(value=COUNTED["value"].round(-1), late=(COUNTED["age"] < 25) * 1.0)
COUNTED.attrs = clv.customers(ORDERS, learn_until="2024-07-31").attrs
ALIKE = ["frequency", "recency", "age", "value", "paid", "later", "later_value", "late"]
WEIGHTED = {
    "bg_nbd": lambda d: clv.bg_nbd(d).table,
    "covariates": lambda d: clv.mbg_nbd(d, orders_by=["late"]).table,
    "gamma_gamma": lambda d: clv.gamma_gamma(d).table,
    "holdout_clv": lambda d: clv.holdout(d, models=["mbg_nbd"], draws=20).table,
    "value": lambda d: clv.value(clv.mbg_nbd(d), clv.gamma_gamma(d), d, horizon="364D").table,
    "by_frequency": lambda d: clv.by_frequency(
        clv.value(clv.mbg_nbd(d), clv.gamma_gamma(d), d, horizon="364D").model
    ),
}


@pytest.mark.parametrize("name", WEIGHTED)
def test_one_row_may_stand_for_many(name):
    """A table with the column customers gives what the same customers written out give, the
    sentences too.
    """
    short = collapsed(COUNTED, ALIKE)
    assert len(short) < len(COUNTED)
    same(
        WEIGHTED[name](short.assign(customer_id=range(len(short)))),
        WEIGHTED[name](COUNTED),
    )
    one, two = (clv.gamma_gamma(d) for d in (short, COUNTED))
    assert [str(n) for n in one.limits] == [str(n) for n in two.limits]


ROWS = {
    **{name: (DATA, call) for name, call in WITH_X.items()},
    "mediation": (DATA, lambda d: drivers.mediation(d, "x", "z", "y", draws=20)),
    "reliability": (DATA, lambda d: drivers.reliability(d, {"s": ["x", "y"]}, draws=20)),
    "van_westendorp": (PRICES, lambda d: conjoint.van_westendorp(d, draws=20)),
    "repurchase_propensity": (
        ORDERS,
        lambda d: prediction.repurchase_propensity(d, horizon="40D", draws=20),
    ),
    "holdout_clv": (
        ORDERS,
        lambda d: clv.holdout(
            clv.customers(d, learn_until="2024-07-31"), models=["mbg_nbd"], draws=20
        ),
    ),
    "uplift": (
        pd.concat([DATA] * 5, ignore_index=True),
        lambda d: experiments.uplift(
            d.assign(sent=(d["variant"] == "mail") * 1), "sent", "yes", ["x", "z"], draws=20
        ),
    ),
    "conditional_logit": (OFFERS, lambda d: choice.conditional_logit(d, ["price", "display"])),
}
NAMES = {
    "reversed": lambda ids: ids.map({v: f"z{i:04d}" for i, v in enumerate(sorted(set(ids))[::-1])}),
    "numbers": lambda ids: ids.map({v: i for i, v in enumerate(sorted(set(ids)))}),
    "floats": lambda ids: ids.map({v: float(i) for i, v in enumerate(sorted(set(ids)))}),
}


@pytest.mark.parametrize("name", ROWS)
@FEW
@given(seed=st.integers(0, 9), names=st.sampled_from(sorted(NAMES)))
def test_order_of_rows_and_names_of_people(name, seed, names):
    """Shuffled, and people called otherwise or by numbers: every limit is the same too."""
    data, call = ROWS[name]
    moved = data.sample(frac=1, random_state=seed).reset_index(drop=True)
    for who in {"customer_id", "respondent_id"} & set(moved):
        moved[who] = NAMES[names](moved[who])
    same(call(moved).table, call(data).table)
