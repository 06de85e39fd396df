"""Buying till one leaves unseen: published fits, golden values, laws of the likelihoods, units,
edges, recovery.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from workbench import clv, load
from workbench.display import speaking
from workbench.errors import InputError, NotEnoughData
from workbench.load.panels import _folder
from workbench.stats.buying_models import MODELS

TRUE = {
    "bg_nbd": (0.6, 5.0, 0.9, 2.5),
    "mbg_nbd": (0.8, 6.0, 0.9, 1.8),
    "pareto_nbd": (0.7, 8.0, 0.6, 9.0),
    "bg_bb": (1.2, 0.75, 0.66, 2.8),
    "gamma_gamma": (6.0, 3.7, 15.0),
}


def drawn(kind, n, seed, span=(20, 60), params=None):
    """Customers drawn from a model, as a table for it."""
    rng = np.random.default_rng(seed)
    age = rng.integers(6, 13, n).astype(float) if kind == "bg_bb" else rng.uniform(*span, n)
    x, t = MODELS[kind].draw(np.array(params or TRUE[kind]), age, rng)
    if kind == "gamma_gamma":
        return pd.DataFrame({"customer_id": np.arange(n), "paid": x, "value": t})
    return pd.DataFrame({"customer_id": np.arange(n), "frequency": x, "recency": t, "age": age})


def published(name):
    """A table of the package that carries the textbook data."""
    return pd.read_csv(_folder("lifetimes") / "datasets" / name)


def estimates(result):
    """Estimates by term."""
    return result.table.set_index("term")["estimate"]


@pytest.fixture(scope="module")
def cdnow():
    """The tenth of the CDNOW customers that the papers use: weeks, 39 of them."""
    return (
        published("cdnow_customers_summary_with_transactions.csv")
        .rename(
            columns={
                "ID": "customer_id",
                "x": "frequency",
                "t_x": "recency",
                "T": "age",
                "zbar": "value",
            }
        )
        .assign(paid=lambda d: d["frequency"])
    )


def test_published_fits(cdnow):
    """BG/NBD: Fader, Hardie & Lee (2005a), table 2; Pareto/NBD: Fader, Hardie & Lee (2005a), same;
    BG/BB: Fader, Hardie & Shang (2010), table 3; gamma-gamma: Fader & Hardie (2013).
    """
    bg = clv.bg_nbd(cdnow)
    assert estimates(bg)[["r", "alpha", "a", "b"]].tolist() == pytest.approx(
        [0.243, 4.414, 0.793, 2.426], abs=6e-4
    )
    assert bg.model.loglik == pytest.approx(-9582.4, abs=0.05)
    pareto = clv.pareto_nbd(cdnow)
    assert estimates(pareto)[["r", "alpha", "s", "beta"]].tolist() == pytest.approx(
        [0.553, 10.578, 0.606, 11.669], abs=2e-3
    )
    assert pareto.model.loglik == pytest.approx(-9595.0, abs=0.05)
    donors = clv.bg_bb(load.donations())
    assert estimates(donors)[["alpha", "beta", "gamma", "delta"]].tolist() == pytest.approx(
        [1.204, 0.750, 0.657, 2.783], abs=6e-4
    )
    assert donors.model.loglik == pytest.approx(-33225.6, abs=0.05)
    assert donors.n == 11104
    spent = clv.gamma_gamma(cdnow[cdnow["value"] > 0])
    assert estimates(spent)[["p", "q", "gamma"]].tolist() == pytest.approx(
        [6.25, 3.74, 15.44], abs=0.01
    )
    assert spent.n == 946


def test_golden_expectations():
    """Customer 1 of CDNOW over 39 more weeks (metrics R-08); a new customer over 39 weeks."""
    model, p, one = MODELS["bg_nbd"], (0.243, 4.414, 0.793, 2.426), np.ones(1)
    assert model.conditional(p, 2 * one, 30.43 * one, 38.86 * one, 39.0)[0] == pytest.approx(
        1.226, abs=5e-4
    )
    assert model.alive(p, 2 * one, 30.43 * one, 38.86 * one)[0] == pytest.approx(0.727, abs=5e-4)
    assert float(model.expected(p, 39.0)) == pytest.approx(1.197, abs=5e-4)
    for survivors, alpha, beta, value in (
        ([1000, 869, 743, 653, 593, 551, 517, 491], 0.668, 3.806, -1611.2),
        ([1000, 631, 468, 382, 326, 289, 262, 241], 0.704, 1.182, -1680.3),
    ):
        made = clv.sbg(survivors).model
        assert (made["params"]["alpha"], made["params"]["beta"]) == pytest.approx(
            (alpha, beta), abs=5e-4
        )
        assert made["loglik"] == pytest.approx(value, abs=0.05)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(list(MODELS)),
    st.integers(0, 99),
    st.lists(st.floats(-1.2, 1.2), min_size=4, max_size=4),
)
def test_gradients_are_those_of_the_likelihood(kind, seed, moved):
    """By differences, anywhere near sensible parameters."""
    table, model = drawn(kind, 40, seed), MODELS[kind]
    rows = [
        table[c].to_numpy()
        for c in (
            ("paid", "value", "paid") if kind == "gamma_gamma" else ("frequency", "recency", "age")
        )
    ]
    p = np.array(TRUE[kind]) * np.exp(moved[: len(model.names)])
    _, slopes = model.loglik(p, *rows)
    for i in range(len(p)):
        step = 1e-5 * p[i] * (np.arange(len(p)) == i)
        by_difference = (
            model.loglik(p + step, *rows)[0] - model.loglik(p - step, *rows)[0]
        ).sum() / (2e-5 * p[i])
        assert slopes[i].sum() == pytest.approx(by_difference, rel=1e-4, abs=1e-3)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 40),
    st.floats(0.05, 0.95),
    st.floats(0.05, 2.5),
    st.floats(0.3, 30),
    st.floats(0.05, 2.5),
    st.floats(0.3, 30),
)
def test_pareto_integral_equals_the_hypergeometric_form(x, part, r, alpha, s, beta):
    """The integral over the moment of leaving, against the closed form with Gauss's function (Fader
    & Hardie 2005).
    """
    age = 30.0
    t = part * age if x else 0.0
    ours = MODELS["pareto_nbd"].gone(
        (r, alpha, s, beta), np.array([float(x)]), np.array([t]), np.array([age])
    )[0][0]
    q, top, second = r + s + x, max(alpha, beta), (s + 1 if alpha >= beta else r + x)
    parts = [
        special.hyp2f1(q, second, q + 1, abs(alpha - beta) / (top + u)) / (top + u) ** q
        for u in (t, age)
    ]
    if np.isfinite(parts).all() and parts[0] - parts[1] > 1e-6 * parts[0]:
        assert ours == pytest.approx(np.log(s / q * (parts[0] - parts[1])), abs=1e-6)


@pytest.mark.parametrize("kind", ["bg_nbd", "mbg_nbd", "pareto_nbd", "bg_bb"])
def test_expectations_add_up(kind):
    """What is expected of single customers, given what was seen, is on average what is expected of
    new ones later on; nobody's chance leaves 0 to 1.
    """
    model, p, n = MODELS[kind], TRUE[kind], 60_000
    age, ahead = (8.0, 5) if kind == "bg_bb" else (25.0, 30.0)
    x, t = model.draw(np.array(p), np.full(n, age), np.random.default_rng(3))
    told = model.conditional(p, x, t, np.full(n, age), ahead)
    assert told.mean() == pytest.approx(
        float(model.expected(p, age + ahead)) - float(model.expected(p, age)),
        abs=4 * told.std() / n**0.5,
    )
    assert x.mean() == pytest.approx(float(model.expected(p, age)), abs=4 * x.std() / n**0.5)
    alive = model.alive(p, x, t, np.full(n, age))
    assert ((alive >= 0) & (alive <= 1)).all()
    if kind == "pareto_nbd":
        assert alive.mean() == pytest.approx((p[3] / (p[3] + age)) ** p[2], abs=0.01)


def test_where_a_formula_divides_by_nothing():
    """a = 1 and s = 1 are no holes: values pass through smoothly."""
    one = np.ones(1)
    for kind, at in (
        ("bg_nbd", (0.6, 5.0, None, 2.5)),
        ("mbg_nbd", (0.6, 5.0, None, 2.5)),
        ("pareto_nbd", (0.6, 5.0, None, 9.0)),
    ):
        values = [
            MODELS[kind].conditional(
                tuple(v if v is not None else a for v in at), 2 * one, 10 * one, 20 * one, 15.0
            )[0]
            for a in (0.999, 1.0, 1.001)
        ]
        assert values[1] == pytest.approx((values[0] + values[2]) / 2, rel=1e-5)
        new = [
            float(MODELS[kind].expected(tuple(v if v is not None else a for v in at), 15.0))
            for a in (0.999, 1.0, 1.001)
        ]
        assert new[1] == pytest.approx((new[0] + new[2]) / 2, rel=1e-5)


def bought(*rows, unit="day", **options):
    """Customers of (customer, day, amount) rows."""
    made = pd.DataFrame(
        [
            (i, c, pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(d, "D"), a)
            for i, (c, d, a) in enumerate(rows)
        ],
        columns=["order_id", "customer_id", "ordered_at", "amount"],
    )
    return clv.customers(made, unit=unit, **options)


def test_customers_by_hand():
    """One order, two on a day, a refund day, zero amounts, and what came later."""
    rows = [
        ("one", 0, 10.0),
        ("same", 0, 5.0),
        ("same", 0.3, 6.0),
        ("same", 4, 9.0),
        ("back", 1, 20.0),
        ("back", 3, -20.0),
        ("back", 6, 8.0),
        ("free", 0, 0.0),
        ("free", 2, 0.0),
        ("late", 8, 3.0),
        ("one", 9, 2.0),
        ("gift", 2, -4.0),
    ]
    made = bought(*rows, learn_until="2024-01-07").set_index("customer_id")
    assert made.loc["one", ["frequency", "recency", "age", "later", "later_value"]].tolist() == [
        0,
        0,
        6,
        1,
        2,
    ]
    assert made.loc["same", ["frequency", "recency", "value"]].tolist() == [1, 4, 9]
    assert made.loc["back", ["frequency", "recency", "age", "value"]].tolist() == [1, 5, 5, 8]
    assert made.loc["free", ["frequency", "paid"]].tolist() == [1, 0]
    assert np.isnan(made.loc["free", "value"])
    assert "late" not in made.index
    assert "gift" not in made.index
    assert made.attrs["refunds"] == 2
    assert made.attrs["hold_out"] == 3
    weeks = bought(*rows, unit="week", learn_until="2024-01-07").set_index("customer_id")
    assert weeks["age"].tolist() == pytest.approx((made["age"] / 7).tolist())


def test_degenerate_customers_are_handled_and_counted():
    """One order; two on one day; a day given back; only given back; nothing paid; a date in the
    future.
    """
    rows = [
        ("once", "2024-01-01", 5.0),
        ("same", "2024-01-01", 5.0),
        ("same", "2024-01-01", 7.0),
        ("back", "2024-01-02", 9.0),
        ("back", "2024-01-08", -9.0),
        ("back", "2024-01-09", 4.0),
        ("given", "2024-01-03", -1.0),
        ("free", "2024-01-01", 0.0),
        ("free", "2024-01-05", 0.0),
        ("typo", "2024-01-01", 3.0),
        ("typo", "2094-01-05", 3.0),
    ]
    orders = pd.DataFrame(rows, columns=["customer_id", "day", "amount"]).assign(
        order_id=range(11), ordered_at=lambda d: pd.to_datetime(d["day"], utc=True)
    )
    made = clv.customers(orders, unit="day", until="2024-01-31")
    table = made.set_index("customer_id")
    assert table["frequency"].to_dict() == {
        "back": 1,
        "free": 1,
        "once": 0,
        "same": 0,
        "typo": 0,
    }
    assert table["age"].to_dict() == {"back": 29, "free": 30, "once": 30, "same": 30, "typo": 30}
    assert table.loc["back", ["recency", "value", "paid"]].tolist() == [7, 4, 1]
    assert table.loc["free", "paid"] == 0
    assert np.isnan(table.loc["free", "value"])
    assert (made.attrs["refunds"], made.attrs["later_orders"]) == (2, 1)
    whole = clv.customers(load.cdnow(), until="1998-05-31")
    assert any("after the end of the period" in str(s) for s in clv.bg_nbd(whole).limits)


def test_customers_do_not_depend_on_the_order_of_rows():
    """Sums added in another order differ in the last digit; what customers are alike must not, or a
    bootstrap draws others. Cents that cancel are no purchase.
    """
    rng = np.random.default_rng(1)
    n = 40_000
    orders = pd.DataFrame(
        {
            "order_id": np.arange(n),
            "customer_id": rng.integers(0, 3000, n),
            "ordered_at": (
                pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 300, n), "D")
            ),
            "amount": rng.integers(1, 9999, n) / 100,
        }
    )
    one, *others = (
        clv.customers(orders.sample(frac=1, random_state=k), unit="day") for k in range(4)
    )
    for other in others:
        pd.testing.assert_frame_equal(one, other, rtol=0, atol=0)
    cents = pd.DataFrame(
        {
            "order_id": range(4),
            "customer_id": "a",
            "ordered_at": pd.to_datetime(["2024-01-01", *["2024-01-09"] * 3], utc=True),
            "amount": [1.0, 0.1, 0.2, -0.3],
        }
    )
    assert clv.customers(cents)["paid"].tolist() == [0]


def test_customers_are_the_same_on_spark(to_spark):
    """One row a customer from both engines."""
    rng = np.random.default_rng(4)
    rows = [
        (f"c{c}", float(d), round(float(a), 2))
        for c, d, a in zip(
            rng.integers(0, 40, 300), rng.uniform(0, 90, 300), rng.normal(15, 12, 300), strict=True
        )
    ]
    table = pd.DataFrame(
        [
            (i, c, pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(d, "D"), a)
            for i, (c, d, a) in enumerate(rows)
        ],
        columns=["order_id", "customer_id", "ordered_at", "amount"],
    )
    here, there = (clv.customers(t, learn_until="2024-02-20") for t in (table, to_spark(table)))
    pd.testing.assert_frame_equal(here, there, check_dtype=False)
    fit = clv.mbg_nbd(here)
    one, two = (clv.tracking_plot(fit, here, t).table for t in (table, to_spark(table)))
    pd.testing.assert_frame_equal(one, two, check_dtype=False)


@pytest.mark.parametrize("kind", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_units_do_not_matter(kind):
    """Days or weeks: the same chances, expectations, total and value; time parameters seven times
    as large.
    """
    orders = load.cdnow()
    orders = orders[orders["customer_id"].astype(int) % 40 == 0]
    weeks, days = (clv.customers(orders, unit=u, learn_until="1997-09-30") for u in ("week", "day"))
    a, b = (getattr(clv, kind)(t) for t in (weeks, days))
    assert estimates(b)["alpha"] == pytest.approx(7 * estimates(a)["alpha"], rel=1e-4)
    assert estimates(b)["r"] == pytest.approx(estimates(a)["r"], rel=1e-4)
    one, two = (clv.expected_purchases(f, t, "273D") for f, t in ((a, weeks), (b, days)))
    assert one["expected"].to_numpy() == pytest.approx(two["expected"].to_numpy(), rel=1e-4)
    assert one["alive"].to_numpy() == pytest.approx(two["alive"].to_numpy(), rel=1e-4)
    spent = clv.gamma_gamma(weeks)
    worth = [
        clv.value(f, spent, t, horizon="364D").table["estimate"].tolist()
        for f, t in ((a, weeks), (b, days))
    ]
    assert worth[0] == pytest.approx(worth[1], rel=1e-4)


def test_value_adds_up(cdnow):
    """Without discount the value is purchases times their mean; with one it is less; margin scales
    it.
    """
    table = cdnow.iloc[::4].reset_index(drop=True)
    table.attrs["unit_days"] = 7.0
    buys, spent = clv.bg_nbd(table), clv.gamma_gamma(table)
    plain = clv.value(buys, spent, table, horizon="364D", discount=0.0)
    people = plain.model
    assert people["worth"].to_numpy() == pytest.approx(
        (people["expected"] * people["mean_value"]).to_numpy(), rel=1e-6
    )
    total = plain.table.set_index("measure")["estimate"]
    assert total["total"] == pytest.approx(people["worth"].sum())
    assert total["purchases"] == pytest.approx(
        clv.expected_purchases(buys, table, "364D")["expected"].sum()
    )
    less = clv.value(buys, spent, table, horizon="364D", discount=0.2, margin=0.5).table.set_index(
        "measure"
    )["estimate"]
    assert 0.5 * total["total"] / 1.2 < less["total"] < 0.5 * total["total"]
    by_weeks = sum(
        (
            clv.expected_purchases(buys, table, f"{7 * k}D")["expected"]
            - (clv.expected_purchases(buys, table, f"{7 * k - 7}D")["expected"] if k > 1 else 0)
        )
        * 1.2 ** -((k - 0.5) * 7 / 365.25)
        for k in range(1, 53)
    )
    assert less["total"] == pytest.approx(0.5 * (by_weeks * people["mean_value"]).sum(), rel=1e-3)


def test_hold_out_by_hand():
    """The simple rule's total, and models that are fitted to the first part only."""
    orders = load.cdnow()
    orders = orders[orders["customer_id"].astype(int) % 20 == 0]
    table = clv.customers(orders, learn_until="1997-09-30")
    made = clv.holdout(table, models=["mbg_nbd"], draws=50)
    rule = (table["frequency"] / table["age"] * table.attrs["hold_out"]).sum() / table[
        "later"
    ].sum()
    assert made.table.set_index(["measure", "model"]).loc[
        ("total", "as_before"), "estimate"
    ] == pytest.approx(rule)
    track = clv.tracking_plot(clv.mbg_nbd(table), table, orders).table
    actual = track[track["series"] == "actual"]
    assert actual["count"].iloc[-1] == table["frequency"].sum() + table["later"].sum()
    assert actual.loc[actual["learnt"], "count"].iloc[-1] == table["frequency"].sum()
    assert any("MBG/NBD" in str(s) for s in made.limits)


def test_customers_who_hardly_differ():
    """One rate for all, nobody leaves: the search ends at an edge and says what that means; it does
    not fail.
    """
    rng = np.random.default_rng(5)
    age = rng.uniform(30, 60, 800)
    x = rng.poisson(0.15 * age).astype(float)
    t = np.where(x > 0, age * rng.random(800) ** (1 / np.maximum(x, 1)), 0.0)
    table = pd.DataFrame({"frequency": x, "recency": t, "age": age})
    for kind in ("bg_nbd", "pareto_nbd"):
        made = getattr(clv, kind)(table)
        assert made.model.edges and any("reached their bound" in str(s) for s in made.limits)
        assert estimates(made)["mean_rate"] == pytest.approx(0.15, rel=0.1)


def test_hard_scales_settle():
    """Thousands of purchases, seconds as the unit, a handful of customers: settled, and told."""
    table = drawn("bg_nbd", 400, 6, params=(0.5, 0.01, 0.5, 40.0))
    assert table["frequency"].max() > 1000
    for scale in (1.0, 1e-4, 604_800.0):
        made = clv.bg_nbd(table.assign(recency=table["recency"] * scale, age=table["age"] * scale))
        assert made.model.settled
        assert estimates(made)["r"] == pytest.approx(estimates(clv.bg_nbd(table))["r"], rel=1e-3)
    few = clv.mbg_nbd(drawn("mbg_nbd", 30, 7))
    assert any("500" in str(s) for s in few.limits)


def test_covariates_shift_rates():
    """Twice the rate for one group, more leaving for another: found, with the rest as it was."""
    parts = [
        drawn("pareto_nbd", 1500, 8 + g, params=(0.9, 8.0 / (1 + g), 0.8, 12.0 / (1 + h))).assign(
            keen=float(g), loose=float(h)
        )
        for g in (0, 1)
        for h in (0, 1)
    ]
    table = pd.concat(parts, ignore_index=True)
    made = clv.pareto_nbd(table, orders_by=["keen"], leaving_by=["loose"]).table.set_index("term")
    sd = table["keen"].std(ddof=0)
    for term in ("orders: keen", "leaving: loose"):
        assert made.loc[term, "conf_low"] < np.log(2) * sd < made.loc[term, "conf_high"]
        assert made.loc[term, "conf_low"] > 0
    shifted = clv.pareto_nbd(table.assign(unit=1.0), orders_by=["keen"]).model.natural(table)[1]
    assert shifted[table["keen"] == 0].mean() / shifted[table["keen"] == 1].mean() == pytest.approx(
        2, rel=0.25
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: clv.bg_nbd(drawn("bg_nbd", 50, 1).drop(columns="age")),
            InputError,
            "no column named 'age'",
        ),
        (
            lambda: clv.bg_nbd(drawn("bg_nbd", 50, 1).assign(recency=99.0)),
            InputError,
            "after the end",
        ),
        (
            lambda: clv.bg_nbd(drawn("bg_nbd", 50, 1).assign(frequency=-1.0)),
            InputError,
            "0 or more",
        ),
        (
            lambda: clv.bg_nbd(drawn("bg_nbd", 50, 1).assign(frequency=0.0, recency=0.0)),
            NotEnoughData,
            "came back",
        ),
        (
            lambda: clv.bg_nbd(drawn("bg_nbd", 50, 1).assign(z=1.0), orders_by=["z"]),
            InputError,
            "never varies",
        ),
        (lambda: clv.bg_bb(drawn("bg_nbd", 50, 1)), InputError, "whole numbers"),
        (
            lambda: clv.gamma_gamma(drawn("gamma_gamma", 50, 1).assign(value=np.nan)),
            NotEnoughData,
            "10 are needed",
        ),
        (
            lambda: clv.gamma_gamma(drawn("gamma_gamma", 50, 1).assign(value=5.0)),
            NotEnoughData,
            "do not differ",
        ),
        (lambda: clv.holdout(drawn("bg_nbd", 50, 1)), InputError, "no time after|'later'"),
        (
            lambda: clv.expected_purchases(
                clv.bg_bb(drawn("bg_bb", 80, 1)), drawn("bg_bb", 80, 1), "30D"
            ),
            InputError,
            "number of opportunities",
        ),
        (
            lambda: clv.value(
                clv.bg_nbd(drawn("bg_nbd", 80, 1)),
                clv.gamma_gamma(drawn("gamma_gamma", 80, 1)),
                drawn("bg_nbd", 80, 1),
                horizon="1D",
            ),
            InputError,
            "unit of time",
        ),
        (
            lambda: clv.customers(
                pd.DataFrame(
                    {
                        "order_id": [1],
                        "customer_id": ["a"],
                        "ordered_at": pd.to_datetime(["2024-01-01"], utc=True),
                        "amount": [1.0],
                    }
                ),
                unit="fortnight",
            ),
            InputError,
            "no option named",
        ),
        (lambda: clv.sbg([100, 120, 90]), InputError, "only fall"),
        (lambda: clv.sbg([100, 100, 100]), NotEnoughData, "nobody left"),
    ],
)
def test_what_cannot_be_learnt_is_refused(call, error, message):
    """A clear error with what was found."""
    with pytest.raises(error, match=message):
        call()


@pytest.mark.slow
def test_models_of_buying_recover_their_truth():
    """200 samples of each model: the intervals hold the parameters 91 to 98 % of the time, and what
    follows from them.
    """
    inside = {}
    for kind, truth in TRUE.items():
        names = MODELS[kind].names
        for seed in range(200):
            made = getattr(clv, kind)(drawn(kind, 2000, seed, span=(40, 100))).table.set_index(
                "term"
            )
            for name, value in zip(names, truth, strict=True):
                inside.setdefault(f"{kind} {name}", []).append(
                    made.loc[name, "conf_low"] <= value <= made.loc[name, "conf_high"]
                )
    for name, hits in inside.items():
        print(f"{name}: {np.mean(hits):.1%}")
    assert all(0.91 <= np.mean(h) <= 0.985 for h in inside.values())


# What an answer says of the whole table.
SUMMARIES = {"off"}
ANSWERED = [
    "bg_nbd",
    "mbg_nbd",
    "pareto_nbd",
    "bg_bb",
    "gamma_gamma",
    "holdout_clv",
    "tracking_plot",
    "value",
    "sbg",
]


@pytest.mark.parametrize("name", ANSWERED)
def test_answers_say_numbers_of_their_table(name):
    """Every estimate and bound of an answer stands in the table, but for those that summarise it;
    the answer speaks Dutch.
    """
    from test_results import ANALYSES

    data, analysis = ANALYSES[name]
    result = analysis(data)
    table = result.table.select_dtypes("number").to_numpy(float).ravel()
    shown = [
        value
        for field, value in result.answer.values.items()
        if isinstance(value, float) and field not in SUMMARIES
    ]
    for value in shown:
        assert np.isclose(table, value).any() or np.isclose(table, np.log(value)).any(), value
    english = str(result.answer)
    with speaking("nl"):
        assert str(result.answer) != english
