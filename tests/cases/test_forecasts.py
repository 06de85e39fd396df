"""An interval of a forecast holds what comes: parameters, single customers and the model itself."""

import numpy as np
import pandas as pd
import pytest

from workbench import clv
from workbench.errors import InputError, NotEnoughData

WEEK = 7


def shop(seed, customers=400, weeks=80, *, leave=0.12, swing=0.0):
    """Orders of customers who buy at a gamma rate and leave after a purchase with a beta chance; a
    swing is the spread of the logarithm of the rate in each half year, the same for all.
    """
    rng = np.random.default_rng(seed)
    rate, chance = rng.gamma(0.8, 1 / 5.0, customers), rng.beta(leave * 6, 6, customers)
    level = np.exp(rng.normal(0, swing, weeks // 13 + 2) - swing**2 / 2)
    mean = 25 / rng.gamma(4.0, 1 / 4.0, customers)
    rows = []
    for c in range(customers):
        day = float(rng.integers(0, 8 * WEEK))
        while day < weeks * WEEK:
            rows.append((c, int(day), rng.gamma(4.0, mean[c] / 4.0)))
            if rng.random() < chance[c]:
                break
            pace = rate[c] / WEEK * level[int(day // (13 * WEEK))]
            day += max(rng.exponential(1 / max(pace, 1e-9)), 1.0)
    made = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    begin = pd.Timestamp("2025-01-01 12:00", tz="UTC")
    return pd.DataFrame(
        {
            "order_id": np.arange(len(made)).astype(str),
            "customer_id": made["customer_id"].astype(str),
            "ordered_at": begin + pd.to_timedelta(made["day"], unit="D"),
            "amount": made["amount"].round(2),
        }
    )


def held(seed, *, swing, customers=400, levels=(0.95,)):
    """Whether the intervals of purchases and of the total held what came in 26 weeks: at each
    level with the model taken for granted, then with its past errors.
    """
    orders = shop(seed, customers, swing=swing)
    begin = orders["ordered_at"].min().normalize()
    cut, end = (str((begin + pd.Timedelta(days=d)).date()) for d in (54 * WEEK, 80 * WEEK))
    table = clv.customers(orders, learn_until=cut, until=end)
    known = orders[orders["ordered_at"] < begin + pd.Timedelta(days=54 * WEEK + 1)]
    buys, spends = clv.mbg_nbd(table), clv.gamma_gamma(table)
    days = table.attrs["hold_out"] * WEEK
    past = clv.backtest(known, horizon="182D", models=["mbg_nbd"], until=cut)
    came = {"purchases": table["later"].sum(), "total": table["later_value"].sum()}
    inside = []
    for level in levels:
        given = {"horizon": f"{days:.0f}D", "discount": 0.0, "conf_level": level}
        for errors in (None, past):
            rows = clv.value(buys, spends, table, past=errors, **given).table
            rows = rows.set_index("measure")
            inside += [
                rows.loc[m, "conf_low"] <= v <= rows.loc[m, "conf_high"] for m, v in came.items()
            ]
    return inside


def test_forecasts_hold_what_comes():
    """A few shops: where the model is right both hold; where the pace swings with the quarter,
    the interval with past errors holds more.
    """
    calm, stormy = (
        np.sum([held(seed, swing=swing, customers=250) for seed in range(first, first + 3)], axis=0)
        for first, swing in ((0, 0.0), (100, 0.4))
    )
    assert (calm >= 2).all()
    assert (stormy[2:] >= 1).all()
    assert (stormy[2:] >= stormy[:2]).all()


@pytest.mark.slow
def test_coverage_of_forecasts():
    """What `docs/verification.md` prints: 30 shops a world, at two levels."""
    for swing in (0.0, 0.3):
        made = np.mean([held(1000 + s, swing=swing, levels=(0.8, 0.95)) for s in range(30)], axis=0)
        for level, (bought, total, bought_past, total_past) in zip(
            (0.8, 0.95), made.reshape(2, 4), strict=True
        ):
            print(
                f"swing {swing}, level {level}: granted {bought:.3f} {total:.3f}, "
                f"with past errors {bought_past:.3f} {total_past:.3f}"
            )
            assert min(bought_past, total_past) >= level - 0.1
            if swing == 0:
                assert min(bought, total) >= level - 0.12


def test_the_error_of_the_model_is_wider_than_that_of_its_parameters():
    """With past forecasts an interval never becomes narrower than without them."""
    orders = shop(7)
    table = clv.customers(orders)
    past = clv.backtest(orders, horizon="120D", models=["mbg_nbd"])
    buys, spends = clv.mbg_nbd(table), clv.gamma_gamma(table)
    plain, sure = (
        clv.value(buys, spends, table, horizon="120D", past=p).table for p in (None, past)
    )
    width = [(t["conf_high"] - t["conf_low"]).iloc[:3].to_numpy() for t in (plain, sure)]
    assert (width[1] >= width[0]).all()
    assert plain["estimate"].tolist() == pytest.approx(sure["estimate"].tolist())
    assert (sure["conf_low"] >= 0).all()
    assert sure.set_index("measure").loc["top_tenth", "conf_high"] <= 1


def test_several_models_stand_side_by_side():
    """Every model in rows of its own, and the answer is that of the smallest past error."""
    orders = shop(8)
    table = clv.customers(orders)
    fits = [clv.bg_nbd(table), clv.mbg_nbd(table)]
    past = clv.backtest(orders, horizon="120D", models=["bg_nbd", "mbg_nbd"])
    made = clv.value(fits, clv.gamma_gamma(table), table, horizon="120D", past=past)
    assert set(made.table["model"]) == {"bg_nbd", "mbg_nbd"}
    errors = {n: np.mean(past.model.errors["amount", n] ** 2) for n in ("bg_nbd", "mbg_nbd")}
    rows = made.table[made.table["measure"] == "mean"].set_index("model")
    row = rows.loc[min(errors, key=errors.get)]
    assert made.answer.values["mean"] == pytest.approx(row["estimate"])


def test_a_past_forecast_knows_nothing_of_what_came():
    """What is predicted at the first day is the same whether the data go on or not."""
    orders = shop(9)
    made = clv.backtest(orders, horizon="140D", models=["mbg_nbd"], dates=2).table
    row = made[made["measure"] == "purchases"].iloc[0]
    table = clv.customers(orders, learn_until=str(row["cut"].date()))
    fit = clv.mbg_nbd(table)
    expected = clv.expected_purchases(fit, table, "140D")["expected"].sum()
    assert row["estimate"] == pytest.approx(expected, rel=1e-4)
    window = orders["ordered_at"].dt.tz_localize(None).dt.normalize()
    later = orders[(window > row["cut"]) & (window <= row["cut"] + pd.Timedelta(days=140))]
    days = later.assign(day=window)[["customer_id", "day"]].drop_duplicates()
    assert row["actual"] == days["customer_id"].isin(table["customer_id"]).sum()


def test_too_short_and_unknown():
    """One sentence each."""
    with pytest.raises(NotEnoughData, match="too short"):
        clv.backtest(shop(1, weeks=1), horizon="100D")
    with pytest.raises(InputError, match="models"):
        clv.backtest(shop(1), horizon="100D", models=["prophet"])


@pytest.mark.parametrize(
    "left", [[1000, 869, 743, 653, 593, 551, 517, 491], [1000, 500, 450, 300, 290]]
)
def test_a_contract_says_where_it_misses(left):
    """Renewals observed stand beside the model, in the picture and in a sentence."""
    made = clv.sbg(left)
    assert made.chart.beside == "seen"
    notes = {n.id: n for n in made.limits}
    assert "clv.contract_misfit" in notes
    seen = made.table[(made.table["measure"] == "renewal") & made.table["seen"].notna()]
    outside = ~seen["seen"].between(seen["conf_low"], seen["conf_high"])
    assert notes["clv.contract_misfit"].values["outside"] == outside.sum()
    assert notes["clv.contract_misfit"].values["p"] < 0.05


def test_a_contract_that_fits_is_not_blamed():
    """Exactly the shares of the model."""
    k = np.arange(1, 8)
    share = np.cumprod(np.concatenate([[1.0], (3 + k - 1) / (1 + 3 + k - 1)]))
    made = clv.sbg((100_000 * share).round().tolist())
    assert any(n.id == "clv.contract_fits" for n in made.limits)
