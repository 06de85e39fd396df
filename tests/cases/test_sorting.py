"""A rate that falls with purchases, periods or age stands beside what sorting alone would make."""

import numpy as np
import pandas as pd
import pytest

from workbench import retention
from workbench.stats import stationary

DAYS = 400


def shop(seed, customers=1500, *, leave=0.0, faster=1.0):
    """Orders of customers with a daily probability of their own, who leave after a purchase with
    one probability, and whose pauses after the third purchase are so many times as short.
    """
    rng = np.random.default_rng(seed)
    p = rng.beta(0.9, 30, customers)
    rows = []
    for c in range(customers):
        day, number = int(rng.integers(0, 60)), 1
        while day < DAYS:
            rows.append((c, day))
            if rng.random() < leave:
                break
            pause = rng.geometric(max(p[c], 1e-9))
            day += max(int(pause / (faster if number >= 2 else 1.0)), 1)
            number += 1
    made = pd.DataFrame(rows, columns=["customer_id", "day"])
    # Somebody buys on the last day, so that the data end there.
    made.loc[len(made)] = [customers, DAYS]
    begin = pd.Timestamp("2026-01-01", tz="UTC")
    return pd.DataFrame(
        {
            "order_id": np.arange(len(made)).astype(str),
            "customer_id": made["customer_id"].astype(str),
            "ordered_at": begin + pd.to_timedelta(made["day"], unit="D") + pd.Timedelta(hours=12),
            "amount": 10.0,
        }
    )


def moments(orders, silence="60D"):
    """The rows of the silence asked for, everyone and the same customers."""
    made = retention.churn_moments(orders, silence=silence)
    main = made.table[made.table["silence_days"] == int(silence[:-1])]
    return made, {k: v.set_index("purchase_number") for k, v in main.groupby("followed")}


def test_where_nobody_changes_all_of_the_fall_is_sorting():
    """The share falls steeply, and the yardstick falls with it; the same customers do not."""
    made, rows = moments(shop(1))
    everyone, same = rows["everyone"], rows["same_customers"]
    assert everyone.loc["1", "estimate"] > 2 * everyone.loc["4+", "estimate"]
    inside = everyone["no_change"].between(
        everyone["estimate"] - 3 * everyone["std_error"],
        everyone["estimate"] + 3 * everyone["std_error"],
    )
    assert inside.all()
    assert (same["no_change"] - same["estimate"]).abs().max() < 0.03
    change = made.facts[made.facts["id"] == "retention.churn_same"].set_index("name")["value"]
    assert float(change["low"]) < 0 < float(change["high"])


def test_where_people_do_change_the_same_people_show_it():
    """Pauses become shorter after the second purchase: that is no sorting, and is told apart."""
    made, rows = moments(shop(2, faster=2.0), "20D")
    change = made.facts[made.facts["id"] == "retention.churn_same"].set_index("name")["value"]
    assert float(change["high"]) < 0
    assert rows["same_customers"].loc["3", "estimate"] < rows["same_customers"].loc["1", "estimate"]


def test_leaving_is_no_sorting():
    """Who leaves after any purchase alike makes a pattern that the yardstick does not follow."""
    _, rows = moments(shop(3, leave=0.15))
    everyone = rows["everyone"]
    off = (everyone["estimate"] - everyone["no_change"]).abs() > 4 * everyone["std_error"]
    assert off.sum() >= 2


def test_the_repeat_rate_has_its_yardstick():
    """Second to third is taken more often than first to second, and nobody changed."""
    table = retention.repeat_rate(shop(4), windows=["30D", "60D"]).table
    assert table["no_change"].between(table["conf_low"] - 0.02, table["conf_high"] + 0.02).all()
    wide = table.pivot(index="window", columns="purchase", values="no_change")
    assert (wide["second_to_third"] > wide["first_to_second"]).all()


def test_hazards_that_fall_by_sorting_alone():
    """Each has a probability of ending that never changes; the yardstick meets what was seen."""
    rng = np.random.default_rng(5)
    length = rng.geometric(rng.beta(1.2, 6, 4000)).clip(max=8)
    spells = pd.DataFrame({"days": length - 0.5, "ended": (length < 8).astype(int)})
    made = retention.discrete_time_hazard(spells, width=1.0)
    table = made.table
    assert table["estimate"].iloc[0] > 1.5 * table["estimate"].iloc[-1]
    assert table["no_change"].between(table["conf_low"] - 0.02, table["conf_high"] + 0.02).all()
    assert any(note.id == "retention.hazard_sorting" for note in made.limits)


def test_the_yardstick_by_brute_force():
    """Closed forms against people drawn one by one."""
    rng = np.random.default_rng(6)
    model = stationary.Unchanging(0.8, 12.0)
    p = rng.beta(model.a, model.b, 40_000)
    days = rng.random((len(p), 40)) < p[:, None]
    for number in (1, 2, 3, (4, None)):
        made = quiet = 0
        order = days.cumsum(axis=1)
        for at in range(-1, 30):
            here = np.ones(len(p), bool) if at < 0 else days[:, at]
            nth = np.ones(len(p), int) if at < 0 else order[:, at] + 1
            mine = here & (nth >= number[0] if isinstance(number, tuple) else nth == number)
            made += mine.sum()
            quiet += (mine & ~days[:, at + 1 : at + 11].any(axis=1)).sum()
        expected, silent = model.silent_after(number, np.array([30.0]), 10)
        assert made / len(p) == pytest.approx(float(expected.sum()), rel=0.03)
        assert quiet / len(p) == pytest.approx(float(silent.sum()), rel=0.05)


@pytest.mark.parametrize("bought", [[0, 0, 0], []])
def test_nobody_came_back_and_nothing_is_invented(bought):
    """No yardstick where there is nothing to fit."""
    assert stationary.fitted(np.array(bought, float), np.full(len(bought), 10.0)) is None
