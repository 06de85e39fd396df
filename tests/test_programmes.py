"""After the purchase: by hand, against planted truth, and on Spark where the engine counts."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench import experiments, load, loyalty, retention, schemas
from workbench.errors import InputError, NotEnoughData
from workbench.simulate import clubs, studies

AT = pd.Timestamp("2024-01-01", tz="UTC")


def on(days):
    """Moments, days after the first of 2024; missing stays missing."""
    return AT + pd.to_timedelta(pd.Series(days, dtype=float), unit="D")


def test_advocates_by_hand():
    """Of five one spoke well in the window, twice, and one ill; of two who said 9 or 10 and were
    followed, one did; acts of strangers are left out.
    """
    acts = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c"],
            "acted_at": on([50, 60, 55, 1]),
            "act": ["review", "referral", "review", "review"],
            "tone": ["positive", "positive", "negative", "positive"],
        }
    )
    said = pd.DataFrame(
        {
            "customer_id": ["a", "b", "d", "c", "e"],
            "answered_at": on([45, 57, 20, 0, 10]),
            "recommend": [10, 9, 9, 9, 3],
        }
    )
    table = loyalty.advocacy(acts, 5, window="30D", answers=said).table.set_index(
        ["measure", "group"]
    )
    assert table.loc[("advocates", "all"), ["count", "n"]].tolist() == [1, 5]
    assert table.loc[("advocates", "referral"), "count"] == 1
    assert table.loc[("told", "positive"), "estimate"] == pytest.approx(40)
    assert table.loc[("told", "negative"), ["total", "n"]].tolist() == [1, 5]
    # The answers of days 45 and 57 are too late to be followed for 30 days.
    assert table.loc[("did", "promoters"), ["count", "n"]].tolist() == [1, 2]
    assert table.loc[("did", "detractors"), ["count", "n"]].tolist() == [0, 1]
    some = loyalty.advocacy(acts, pd.DataFrame({"customer_id": ["b", "c", "e"]}), window="30D")
    assert some.table["count"].iloc[0] == 0
    assert any("2 acts of people" in str(x) for x in some.limits)
    assert loyalty.advocacy(acts.drop(columns="tone"), 5, window="30D").table["count"].iloc[0] == 2
    with pytest.raises(InputError, match="nobody in the table acted"):
        loyalty.advocacy(acts, pd.DataFrame({"customer_id": [1, 2]}))
    with pytest.raises(InputError, match="must hold moments"):
        loyalty.advocacy(acts.assign(acted_at="2024-01-01"), 5)
    with pytest.raises(InputError, match="fewer than the 2 who acted"):
        loyalty.advocacy(acts, 1, window="30D")
    with pytest.raises(InputError, match="between 0 and 10"):
        loyalty.advocacy(acts, 5, answers=said.assign(recommend=11))
    with pytest.raises(NotEnoughData, match="no act"):
        loyalty.advocacy(acts.iloc[:0], 5)


def test_complaints_by_hand():
    """From 15 days after the purchase on: a came back after a solved complaint, b and d not; e was
    back sooner and tells nothing; late and lone ones are counted.
    """
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b", "b", "c", "d", "e", "e", "z"],
            "ordered_at": on([0, 0.1, 40, 0, 90, 0, 0, 0, 9, 200]),
        }
    )
    asked = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c", "d"],
            "opened_at": on([2, 3, 5, 30, 4]),
            "solved_at": on([3, 7, 30, 31, np.nan]),
        }
    )
    made = loyalty.service_recovery(asked, orders, window="60D", link="10D", repair="5D")
    table = made.table.set_index(["measure", "group"])
    assert table.loc[("complained", "all"), ["count", "n"]].tolist() == [3, 8]
    assert table.loc[("solved", "all"), ["count", "n"]].tolist() == [3, 5]
    assert table.loc[("came_back", "solved"), ["count", "n"]].tolist() == [1, 1]
    assert table.loc[("came_back", "unsolved"), ["count", "n"]].tolist() == [0, 2]
    assert table.loc[("came_back", "no_complaint"), ["count", "n"]].tolist() == [0, 4]
    for sentence in (
        "1 complaint has no purchase",
        "1 of 8 purchases were followed",
        "1 purchase is too recent",
    ):
        assert any(sentence in str(s) for s in made.limits), sentence
    open_only = loyalty.service_recovery(
        asked.assign(solved_at=pd.NaT), orders, window="60D", link="10D", repair="5D"
    ).table.set_index("measure")
    assert open_only.loc["solved", "count"] == 0
    assert np.isnan(open_only.loc["days_to_solve", "estimate"])
    with pytest.raises(InputError, match="before they were opened"):
        loyalty.service_recovery(asked.assign(solved_at=on([1] * 5)), orders)
    with pytest.raises(NotEnoughData, match="no purchase with a complaint"):
        loyalty.service_recovery(asked.iloc[[3]], orders, window="60D", link="10D")
    with pytest.raises(InputError, match="none of the customers"):
        loyalty.service_recovery(asked.assign(customer_id="x"), orders)


def test_what_failures_and_repairs_do_is_found():
    """A failure left open takes 25 points, one put right 4."""
    made = studies.complaints(4000, seed=2)
    table = loyalty.service_recovery(made["complaints"], made["orders"]).table.set_index("group")
    for group, truth in (
        ("unsolved_less_no_complaint", -0.25),
        ("solved_less_no_complaint", -0.04),
        ("solved_less_unsolved", 0.21),
    ):
        assert abs(table.loc[group, "estimate"] - truth) < 4 * table.loc[group, "std_error"]
    assert table.loc["unsolved_less_no_complaint", "p_holm"] < 1e-6


def test_complaints_that_change_nothing_are_found_to():
    """People who buy at any moment and complain at any moment: whoever is back at once cannot
    complain any more, and yet no difference is found.
    """
    rng = np.random.default_rng(4)
    who = np.repeat(np.arange(3000), 8)
    day = rng.exponential(60, (3000, 8)).cumsum(axis=1).ravel()
    orders = pd.DataFrame({"customer_id": who, "ordered_at": on(day)})
    hit = rng.random(len(who)) < 0.2
    opened = day[hit] + rng.uniform(0, 14, hit.sum())
    asked = pd.DataFrame(
        {
            "customer_id": who[hit],
            "opened_at": on(opened),
            "solved_at": on(
                np.where(rng.random(hit.sum()) < 0.5, opened + rng.uniform(0, 6, hit.sum()), np.nan)
            ),
        }
    )
    table = loyalty.service_recovery(asked, orders).table
    gaps = table[table["measure"] == "difference"]
    assert (gaps["estimate"].abs() < 3 * gaps["std_error"]).all() and (gaps["n"] > 1000).all()


def test_joining_by_hand():
    """Only who had bought before is in; a customer without a purchase in a period has 0; who joined
    before the panel is treated all along, who joins after it never.
    """
    orders = pd.DataFrame(
        {
            "order_id": range(7),
            "customer_id": ["a", "a", "a", "b", "c", "d", "a"],
            "ordered_at": on([0, 40, 41, 5, 45, 9, 130]),
            "amount": [1.0, 2, 3, 4, 5, 6, 7],
        }
    )
    members = pd.DataFrame({"customer_id": ["a", "a", "b", "d"], "joined_at": on([70, 65, 3, 128])})
    made = loyalty.programme_panel(orders, members, begin="2024-02-01")
    assert made.groupby("customer_id")["period"].count().to_dict() == {"a": 3, "b": 3, "d": 3}
    a = made[made["customer_id"] == "a"]
    assert a["orders"].tolist() == [2, 0, 0]
    assert a["amount"].tolist() == [5, 0, 0]
    assert a["start"].tolist() == [1] * 3
    assert (made.loc[made["customer_id"] == "b", "start"] == 0).all()
    assert made.loc[made["customer_id"] == "d", "start"].isna().all()
    with pytest.raises(NotEnoughData, match="3 are needed"):
        loyalty.programme_panel(orders, members, begin="2024-04-01")
    with pytest.raises(InputError, match="members: none"):
        loyalty.programme_panel(orders, members.assign(customer_id=range(4)), begin="2024-02-01")
    given_back = pd.concat(
        [
            orders,
            pd.DataFrame(
                {"order_id": [90], "customer_id": ["d"], "ordered_at": on([50]), "amount": [-6.0]}
            ),
        ]
    )
    assert (
        loyalty.programme_panel(given_back, members, begin="2024-02-01")["orders"].sum()
        == made["orders"].sum()
    )
    with pytest.raises(NotEnoughData, match="nobody had bought"):
        loyalty.programme_panel(orders, members, begin="2024-01-01")


def test_the_programme_is_found_and_members_are_not_its_measure():
    """Members buy twice as much before they join; compared over time the planted lift of 35 % is
    found, and nothing before joining.
    """
    made = clubs.members(3000, seed=3)
    panel = loyalty.programme_panel(made["orders"], made["members"], begin="2023-02-01")
    before = panel[panel["start"].isna() | (panel["period"] < panel["start"])]
    assert (
        before.groupby(before["start"].notna())["orders"].mean().pipe(lambda m: m[True] / m[False])
        > 1.4
    )
    result = experiments.difference_in_differences(
        panel, "orders", unit="customer_id", time="period", start="start"
    ).table
    late = result[(result["measure"] == "period") & result["period"].between(1, 6)]
    usual = before[before["start"].notna()]["orders"].mean()
    assert abs(late["estimate"].mean() - 0.35 * usual) < 3 * late["std_error"].mean()
    assert result.loc[result["period"].between(-6, -1), "estimate"].abs().max() < 0.25


def test_programme_panels_are_the_same_on_spark(to_spark):
    """Counted in the engine."""
    made = clubs.members(80, seed=1)
    one, two = (
        loyalty.programme_panel(
            convert(made["orders"]), made["members"], begin="2023-03-01", period="week"
        )
        for convert in (lambda d: d, to_spark)
    )
    pd.testing.assert_frame_equal(one, two, check_dtype=False)


def nbd_shop(n, mean, spread, seed):
    """Orders of households that buy by the NBD in two years of two periods each."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(spread, mean / spread, n)
    times = rng.poisson(2 * rate)
    who = np.repeat(np.arange(n), times)
    return pd.DataFrame(
        {
            "order_id": np.arange(len(who)),
            "customer_id": who,
            "ordered_at": AT + pd.to_timedelta(rng.integers(0, 20_000, len(who)), unit="D"),
            "amount": 1.0,
        }
    )


def test_households_that_buy_by_the_law_are_found_to():
    """M = 1.2 and K = 0.8 in periods of 10,000 days, so that hardly two purchases fall on one day:
    numbers, repeats and newcomers go with the law.
    """
    orders = pd.concat(
        [
            nbd_shop(6000, 1.2, 0.8, 5),
            pd.DataFrame(
                {
                    "order_id": [-1, -2],
                    "customer_id": [10**6] * 2,
                    "ordered_at": [AT, AT + pd.Timedelta(days=19_999)],
                    "amount": 1.0,
                }
            ),
        ]
    )
    made = loyalty.repeat_buying(
        orders, begin="2024-01-01", length="10000D", households=6001, draws=100
    )
    table = made.table.set_index(["measure", "purchases"])
    exact = stats.nbinom.pmf(range(4), 0.8, 0.8 / 2.0)
    assert table["law"].iloc[:4].to_numpy() == pytest.approx(exact, abs=0.012)
    assert "consistent with the law" in str(made.limits[1])
    tail = table.iloc[-3:]
    assert (np.abs(tail["estimate"] - tail["law"]) < 4 * tail["std_error"]).all()
    # Of buyers by the law: P(both) / P(one), with M and K as planted.
    none, both = (1 + 1.2 / 0.8) ** -0.8, (1 + 2.4 / 0.8) ** -0.8
    assert tail["law"].iloc[0] == pytest.approx((1 - 2 * none + both) / (1 - none), abs=0.02)


def test_repeat_buying_by_hand_and_refusals():
    """Sixty who buy once or four times, thirty of whom come back: counted; a category in which all
    buy alike has no NBD.
    """
    rows = (
        [(f"h{i}", d) for i in range(60) for d in ([1] if i % 2 else [1, 2, 3, 4])]
        + [(f"h{i}", 40) for i in range(30)]
        + [("new", 45), ("new", 46), ("end", 61)]
    )
    orders = pd.DataFrame(rows, columns=["customer_id", "day"]).assign(
        order_id=range(len(rows)),
        ordered_at=lambda d: AT + pd.to_timedelta(d["day"], unit="D"),
        amount=1.0,
    )
    table = loyalty.repeat_buying(
        orders, begin="2024-01-02", length="30D", households=200, draws=30
    ).table.set_index(["measure", "purchases"])
    assert table.loc[("bought", "4"), ["count", "n"]].tolist() == [30, 200]
    assert table.loc[("repeat_rate", "–"), ["count", "n"]].tolist() == [30, 60]
    assert table.loc[("new_frequency", "–"), "estimate"] == pytest.approx(2)
    assert table["law"].iloc[:11].sum() == pytest.approx(1)
    with pytest.raises(NotEnoughData, match="the data begin after"):
        loyalty.repeat_buying(orders, begin="2023-12-01", length="30D")
    with pytest.raises(NotEnoughData, match="are over"):
        loyalty.repeat_buying(orders, begin="2024-02-01", length="31D")
    with pytest.raises(InputError, match="fewer than the"):
        loyalty.repeat_buying(orders, begin="2024-01-02", length="30D", households=20)
    with pytest.raises(NotEnoughData, match=r"purchases per buyer above 1|less than chance"):
        loyalty.repeat_buying(
            orders[orders["day"].isin([1, 61])], begin="2024-01-02", length="30D", households=200
        )


def test_frozen_pizza_follows_the_nbd():
    """Half a year of the panel: the law is not rejected, repeats lie within four points of it."""
    lines = load.panel_lines("FROZEN PIZZA")
    made = loyalty.repeat_buying(
        lines, begin="2017-01-02", length="182D", households=lines.attrs["households"], draws=50
    )
    row = made.table.set_index("measure").loc["repeat_rate"]
    assert (
        "consistent with the law" in str(made.limits[1])
        and abs(row["estimate"] - row["law"]) < 0.04
    )


def test_repeat_buying_is_the_same_on_spark(to_spark):
    """Counted in the engine."""
    orders = nbd_shop(300, 2.0, 0.8, 2)
    one, two = (
        loyalty.repeat_buying(convert(orders), begin="2024-02-01", length="5000D", draws=20).table
        for convert in (lambda d: d, to_spark)
    )
    pd.testing.assert_frame_equal(one, two, check_dtype=False)


def test_what_was_given_back_is_no_return_anywhere():
    """Scores, answers and complaints: a refund is neither an order nor a coming back."""
    orders = pd.DataFrame(
        {
            "order_id": range(5),
            "customer_id": ["a", "a", "b", "b", "r"],
            "ordered_at": on([0, 9, 0, 9, 3]),
            "amount": [10.0, -10.0, 10.0, 5.0, -1.0],
        }
    )
    scored = loyalty.rfm(orders).set_index("customer_id")
    assert scored["orders"].to_dict() == {"a": 1, "b": 2}
    assert scored.loc["a", ["recency", "amount"]].tolist() == [9, 0]
    back, watched = schemas.followed(
        pd.DataFrame({"customer_id": ["a", "b"], "asked_at": on([1, 1])}), "asked_at", orders, "8D"
    )
    assert back.tolist() == [False, True] and watched.all()
    assert retention.ever_repeat(orders).table[["count", "n"]].to_numpy().tolist() == [[1, 2]]


@pytest.mark.slow
def test_differences_after_complaints_hold_the_truth():
    """200 shops: the intervals of what failures and repairs change hold the planted numbers, and
    nothing where nothing is planted.
    """
    inside = {}
    for seed in range(200):
        for name, planted in (("planted", {}), ("nothing", {"left": 0.0, "repaired": 0.0})):
            made = studies.complaints(1500, seed=seed, **planted)
            table = loyalty.service_recovery(made["complaints"], made["orders"]).table.set_index(
                "group"
            )
            left, fixed = (
                made["orders"].attrs["truth"]["left"],
                made["orders"].attrs["truth"]["repaired"],
            )
            for group, truth in (
                ("unsolved_less_no_complaint", left),
                ("solved_less_no_complaint", fixed),
                ("solved_less_unsolved", fixed - left),
            ):
                inside.setdefault(f"{name}: {group}", []).append(
                    table.loc[group, "conf_low"] <= truth <= table.loc[group, "conf_high"]
                )
    for name, hits in inside.items():
        print(f"{name}: {np.mean(hits):.1%}")
    assert all(0.91 <= np.mean(h) <= 0.985 for h in inside.values())


@pytest.mark.slow
def test_the_nbd_of_a_period_is_recovered():
    """200 shops that buy by the law: observed and foretold repeat rates agree within their
    intervals, and the fit is rejected about as often as it should be.
    """
    inside, rejected = [], []
    for seed in range(200):
        orders = pd.concat(
            [
                nbd_shop(1500, 1.2, 0.8, seed),
                pd.DataFrame(
                    {
                        "order_id": [-1, -2],
                        "customer_id": [10**6] * 2,
                        "ordered_at": [AT, AT + pd.Timedelta(days=19_999)],
                        "amount": 1.0,
                    }
                ),
            ]
        )
        made = loyalty.repeat_buying(
            orders, begin="2024-01-01", length="10000D", households=1501, draws=200, seed=seed
        )
        none, both = (1 + 1.2 / 0.8) ** -0.8, (1 + 2.4 / 0.8) ** -0.8
        row = made.table.set_index("measure").loc["repeat_rate"]
        inside.append(row["law_low"] <= (1 - 2 * none + both) / (1 - none) <= row["law_high"])
        rejected.append(made.limits[1].id == "loyalty.nbd_off")
    print(f"repeat rate by the law: {np.mean(inside):.1%}; fit rejected: {np.mean(rejected):.1%}")
    assert 0.91 <= np.mean(inside) <= 0.985 and np.mean(rejected) < 0.1
