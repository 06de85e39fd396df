"""The factors one by one: recovery of what was planted in small studies, hand counts, refusals."""

import numpy as np
import pandas as pd
import pytest

from workbench import influence, load, simulate, stages
from workbench.errors import InputError, NotEnoughData
from workbench.load import panels
from workbench.simulate import studies


def rows(made, key="term"):
    """A result's rows by name."""
    return made.table.set_index(key)


def test_elasticity_of_the_shelf():
    """With an instrument the planted elasticity is found; without, prices that follow demand hide
    some of it.
    """
    d = studies.shelf(lift=0.0, volume=400)
    plain = rows(influence.price_elasticity(d, store="store_id", kind="log")).loc["own_price"]
    made = influence.price_elasticity(d, store="store_id", kind="log", instrument="cost")
    assert rows(made).loc["own_price", "conf_low"] < -2.4 < rows(made).loc["own_price", "conf_high"]
    assert plain["conf_low"] > -2.4
    assert made.evidence == "quasi-causal: instrument"


def test_poisson_with_fixed_effects_equals_dummies():
    """Taking effects out within the iterations gives the weights of a model with a column each."""
    import statsmodels.formula.api as smf

    d = studies.shelf(6, 1, 25, lift=0.0).assign(logp=lambda t: np.log(t["price"]))
    ours = influence.price_elasticity(d, controls=["on_promotion"]).model.params
    theirs = (
        smf.poisson("quantity ~ logp + on_promotion + C(product_id) + C(week)", d)
        .fit(disp=0, maxiter=200)
        .params
    )
    assert ours[["own_price", "on_promotion"]].to_numpy() == pytest.approx(
        theirs[["logp", "on_promotion"]].to_numpy(), abs=1e-5
    )


def test_where_a_promotions_units_come_from():
    """Own = switched + bought ahead + new, each near what was planted."""
    d = studies.shelf(30, 6, 100)
    made = rows(influence.promotion_lift(d, store="store_id", margin="margin"), "measure")
    assert made.loc["own", "estimate"] == pytest.approx(
        made.loc[["switched", "bought_ahead", "new"], "estimate"].sum()
    )
    for name in ("lift", "own", "switched", "bought_ahead"):
        truth = d.attrs["truth"][name]
        assert abs(made.loc[name, "estimate"] - truth) < max(
            4 * made.loc[name, "std_error"], 0.25 * truth
        )
    assert made.loc["margin", "conf_high"] < 0, "half the margin on what would have sold anyway"
    with pytest.raises(InputError, match="lack a period"):
        influence.promotion_lift(d[(d["week"] != 5) | (d["product_id"] > 1)], store="store_id")


def test_the_panel_gives_sensible_prices():
    """Elasticity of soft drinks lies in the usual range (Bijmolt et al. 2005: most between −4 and
    0), promotion lifts sales.
    """
    d = load.panel_sales("SOFT DRINKS", products=30)
    assert d.groupby("product_id").size().eq(53).all() and (d["price"] > 0).all()
    row = rows(influence.price_elasticity(d, controls=["display", "mailer"])).loc["own_price"]
    assert -4 < row["estimate"] < -1 and row["conf_high"] < 0
    assert rows(influence.promotion_lift(d), "measure").loc["lift", "conf_low"] > 0.5


def test_prices_of_the_panel_do_not_depend_on_the_order_of_rows(tmp_path, monkeypatch):
    """Prices that end in half of the last digit fall to the same side however rows are added."""
    panel_file = panels.panel_file
    first = load.panel_sales("SOFT DRINKS", products=500)
    lines = pd.read_parquet(panel_file("transactions"))
    for seed in range(3):
        shuffled = tmp_path / f"{seed}.parquet"
        lines.sample(frac=1, random_state=seed).to_parquet(shuffled)
        monkeypatch.setattr(
            panels,
            "panel_file",
            lambda name, file=shuffled: str(file) if name == "transactions" else panel_file(name),
        )
        pd.testing.assert_frame_equal(
            load.panel_sales("SOFT DRINKS", products=500), first, check_exact=True
        )


def test_elasticity_of_an_unbalanced_panel():
    """Products that come and go: without stores the mean of the others says nothing, and the
    planted elasticity stays.
    """
    d = studies.shelf(30, 1, 80, lift=0.0, volume=400)
    some = d[np.random.default_rng(1).random(len(d)) < 0.7]
    made = rows(influence.price_elasticity(some, kind="log", instrument="cost"))
    assert list(made.index) == ["own_price"]
    assert made.loc["own_price", "conf_low"] < -2.4 < made.loc["own_price", "conf_high"]


def test_promotions_of_one_shelf():
    """Without stores: a common season is no lift, what others lose is missing, and one product is
    refused.
    """
    d = studies.shelf(30, 1, 100, switching=0.0)
    season = 1 + 0.8 * np.sin(d["week"] / 8)
    rng = np.random.default_rng(2)
    timed = d.assign(quantity=rng.poisson(20 * season * (1 + 0.5 * d["on_promotion"])))
    made = influence.promotion_lift(timed)
    table = rows(made, "measure")
    assert table.loc["own", "conf_low"] < 10 < table.loc["own", "conf_high"]
    assert table.loc[["switched", "new"], "estimate"].isna().all()
    assert "yardstick" in str(made.limits[0])
    with pytest.raises(NotEnoughData, match="two products"):
        influence.promotion_lift(d[d["product_id"] == 1])


def test_lift_carries_the_doubt_about_usual_sales():
    """Extra units and usual sales both vary: the interval of the ratio, by resampling products."""
    d = studies.shelf(24, 2, 40, lift=0.6)
    made = rows(influence.promotion_lift(d, store="store_id"), "measure").loc["lift"]
    parts, rng = [g for _, g in d.groupby("product_id")], np.random.default_rng(1)
    draws = [
        rows(
            influence.promotion_lift(
                pd.concat(
                    [parts[i].assign(product_id=k) for k, i in enumerate(rng.integers(0, 24, 24))]
                ),
                store="store_id",
            ),
            "measure",
        ).loc["lift", "estimate"]
        for _ in range(60)
    ]
    assert 0.6 < made["std_error"] / np.std(draws, ddof=1) < 1.7


def test_reviews_of_before():
    """Rating, number and saturation as planted; this week's reviews are refused."""
    d = studies.reviews()
    made = rows(influence.review_effect(d))
    assert made.loc["rating", "conf_low"] < 0.25 < made.loc["rating", "conf_high"]
    assert made.loc["saturation", "conf_high"] < 0
    assert made.loc["saturation", "estimate"] == pytest.approx(
        made.loc["reviews_many", "estimate"] - made.loc["reviews_few", "estimate"]
    )
    with pytest.raises(InputError, match="same period"):
        influence.review_effect(d, lag=0)


def test_displayed_stars():
    """The jump at the rounding is found, before the stars there is none, and ratings pushed over
    the line raise the alarm.
    """
    d = studies.stars(6000)
    made = influence.star_rounding(d, "log_visits")
    table = rows(made, "measure")
    assert table.loc["jump", "conf_low"] < 0.12 < table.loc["jump", "conf_high"]
    assert table.loc["before", "conf_low"] < 0 < table.loc["before", "conf_high"]
    pushed = d[(d["rating"] % 0.5 < 0.2) | (d["rating"] % 0.5 > 0.25) | (d["product_id"] % 4 == 0)]
    assert "pushed over the line" in str(influence.star_rounding(pushed, "log_visits").limits[0])


def test_distance_to_the_rounding():
    """3.24 lies just below a rounding, 3.26 just above, 3.75 exactly on one."""
    d = pd.DataFrame(
        {
            "product_id": range(120),
            "rating": [3.24, 3.26, 3.74, 3.75] * 30,
            "y": [0.0, 1.0, 0.0, 1.0] * 30,
        }
    )
    assert rows(
        influence.star_rounding(
            d.assign(rating=d["rating"] + np.tile(np.linspace(0.0001, 0.008, 30).repeat(4), 1)), "y"
        ),
        "measure",
    ).loc["jump", "estimate"] == pytest.approx(1, abs=0.01)


def test_peers_and_who_lives_together():
    """With people alike living together the plain slope overstates; the offer that chance gave the
    first round finds the planted influence.
    """
    d = studies.peers(200)
    made = rows(
        influence.peers(
            d, "adopted", "earlier_share", network="village", instrument="offer", draws=60
        ),
        "measure",
    )
    assert made.loc["raw", "conf_low"] > 0.4
    assert made.loc["instrumented", "conf_low"] < 0.4 < made.loc["instrumented", "conf_high"]
    assert made.loc["adjusted", "p_permutation"] < 0.05
    none = rows(
        influence.peers(
            studies.peers(200, influence=0.0, homophily=0.0, seed=2),
            "adopted",
            "earlier_share",
            network="village",
            draws=200,
        ),
        "measure",
    )
    assert none.loc["adjusted", "p_permutation"] > 0.05


def test_stores_and_distance():
    """Huff's powers as planted; the share who buy falls with distance; no buyer is an error."""
    d = studies.trips(800, seed=2)
    made = rows(influence.huff(d))
    for term in ("size", "distance"):
        assert made.loc[term, "conf_low"] < d.attrs["truth"][term] < made.loc[term, "conf_high"]
    assert made.filter(like="share", axis=0)["estimate"].sum() == pytest.approx(1)
    first = d[d["alternative"] == "store 1"].assign(bought=lambda t: t["chosen"].astype(int))
    bands = influence.distance_decay(first, region="customer_id")
    assert bands.table["estimate"].dropna().iloc[-1] < bands.table["estimate"].dropna().iloc[0]
    with pytest.raises(NotEnoughData, match="nobody bought"):
        influence.distance_decay(first.assign(bought=0))


def test_deals_support_referrals_and_names():
    """The queue finds what a slow reply costs, covariates what a referral brings, vendors what a
    name is worth.
    """
    d = studies.deals(4000)
    support = rows(influence.support(d, covariates=["hard"], instrument="queue"), "measure")
    assert (
        support.loc["instrumented", "conf_low"] < -0.04 < support.loc["instrumented", "conf_high"]
    )
    assert support.loc["raw", "conf_high"] < -0.04
    referred = rows(influence.referred_deals(d, covariates=["hard"]), "measure")
    assert referred.loc["adjusted", "conf_low"] < 0.10 < referred.loc["adjusted", "conf_high"]
    premium = influence.price_premium(
        d, ["years_of_record", "certified"], specification=["log_seats"]
    ).table.set_index(["comparison", "term"])
    assert (
        premium.loc[("within", "years_of_record"), "conf_low"]
        < np.expm1(0.012)
        < premium.loc[("within", "years_of_record"), "conf_high"]
    )
    weak = influence.support(
        d.assign(noise=np.random.default_rng(1).normal(size=len(d))), instrument="noise"
    )
    assert "do not use the instrumented" in str(weak.limits[0])


def test_impulse_by_hand_and_by_plan():
    """A first order within minutes of the first contact and without weighing counts, a later one
    never does; the market's planted impulse is seen in consumers only.
    """
    at = pd.Timestamp("2024-01-01", tz="UTC")
    data = [
        ("a", 0, "home_view", "need"),
        ("a", 5, "order", "purchase"),
        ("a", 9000, "home_view", "need"),
        ("a", 9001, "order", "purchase"),
        ("b", 0, "compare", "evaluation"),
        ("b", 5, "order", "purchase"),
        ("c", 0, "home_view", "need"),
        ("c", 45, "order", "purchase"),
        ("d", 3, "home_view", "need"),
    ]
    events = pd.DataFrame(data, columns=["customer_id", "m", "event", "stage"]).assign(
        occurred_at=lambda d: at + pd.to_timedelta(d.pop("m"), unit="min")
    )
    row = influence.impulse(events).table.iloc[0]
    assert (row["count"], row["n"]) == (1, 3)
    market = simulate.market(2500, seed=3, effects={"impulse": 1.0})
    staged = (
        market["events"]
        .assign(stage=stages.assign(market["events"])["stage"].to_numpy())
        .merge(market["customers"][["customer_id", "side"]], on="customer_id")
    )
    table = rows(influence.impulse(staged, by="side"), "group")
    assert table.loc["B2C", "conf_low"] > 0.05
    assert table.loc["B2B", "conf_high"] < 0.03
    assert table.loc["B2B − B2C", "conf_high"] < 0


def test_what_happens_at_the_moment_of_the_order_came_before_it():
    """A comparison at the very second of the order makes the order considered, wherever its row
    stands; unknown orders and stages are refused.
    """
    at = pd.Timestamp("2024-03-01 12:00", tz="UTC")
    rows = [
        ("a", 0, "home_view", "need"),
        ("a", 5, "order", "purchase"),
        ("a", 5, "compare", "evaluation"),
    ]
    events = pd.DataFrame(rows, columns=["customer_id", "m", "event", "stage"]).assign(
        occurred_at=lambda d: at + pd.to_timedelta(d.pop("m"), unit="min")
    )
    for d in (events, events.iloc[::-1]):
        assert influence.impulse(d).table["count"].tolist() == [0]
    with pytest.raises(InputError, match="no event named 'buy'"):
        influence.impulse(events, order="buy")
    with pytest.raises(InputError, match="no stage named 'thinking'"):
        influence.impulse(events, evaluating=["thinking"])


def test_one_product_sold_and_promotions_everywhere_tell_nothing():
    """Without a second product, or without a product off promotion, there is nothing to compare
    with: said, not shown.
    """
    d = studies.shelf(6, 1, 40)
    with pytest.raises(NotEnoughData, match="two products"):
        influence.price_elasticity(
            d.assign(quantity=d["quantity"].where(d["product_id"] == 1, 0)), kind="log"
        )
    with pytest.raises(NotEnoughData):
        influence.promotion_lift(d.assign(on_promotion=(d["week"] % 5 == 0).astype(int)))


def test_dissent_needs_two_ratings():
    """A deal of two contacts with one rating has no dissent, and does not count as one."""
    d = pd.DataFrame(
        {
            "deal_id": [1, 1, 2, 2],
            "customer_id": [1, 1, 2, 2],
            "contact": [1, 2, 1, 2],
            "role": ["user", "decider"] * 2,
            "won": [True] * 2 + [False] * 2,
            "rating": [4, 6, 5, np.nan],
        }
    )
    row = influence.decision_units(d).table.set_index("measure").loc["dissent"]
    assert (row["n"], row["estimate"]) == (1, 1.0)


def test_impulse_is_the_same_on_spark(to_spark):
    """The kernel runs on the workers."""
    events = simulate.market(150, days=60, seed=4, effects={"impulse": 1.0})["events"]
    events["stage"] = stages.assign(events)["stage"].to_numpy()
    pd.testing.assert_frame_equal(
        influence.impulse(events).table, influence.impulse(to_spark(events)).table
    )


def test_decision_units_by_hand():
    """Two deals: one with a user and a decider, one with a user alone."""
    d = pd.DataFrame(
        {
            "deal_id": [1, 1, 2],
            "customer_id": [1, 1, 2],
            "contact": [1, 2, 1],
            "role": ["user", "decider", "user"],
            "won": [True, True, False],
            "rating": [4, 6, 5],
        }
    )
    table = influence.decision_units(d).table.set_index(["measure", "group"])
    assert table.loc[("contacts", "all"), "estimate"] == 1.5
    assert table.loc[("several_contacts", "all"), "count"] == 1
    assert table.loc[("role", "user"), "count"] == 2
    assert table.loc[("dissent", "all"), "estimate"] == 1.0


def test_open_deals_and_those_who_decide():
    """An open deal counts in contacts, not in what was won; two who decide are more than two who
    take part.
    """
    d = pd.DataFrame(
        {
            "deal_id": [1, 1, 2, 2, 3],
            "customer_id": [1, 1, 2, 2, 3],
            "contact": list("abcde"),
            "role": ["decider", "decider", "decider", "user", "user"],
            "won": [1, 1, None, None, 0],
        }
    )
    made = influence.decision_units(d)
    table = made.table.set_index(["measure", "group"])
    assert table.loc[("several_contacts", "all"), "count"] == 2
    assert table.loc[("several_deciders", "all"), ["count", "n"]].tolist() == [1, 3]
    assert table.loc[("win_rate", "2"), ["count", "n"]].tolist() == [1, 1]
    assert any("1 deal is still open" in str(s) for s in made.limits)


def test_a_level_no_referral_has():
    """A region without a single referred deal: an answer, no crash."""
    d = studies.deals(200).assign(
        region=lambda t: np.where(
            (t["referred"] == 0) & (t["deal_id"] % 3 == 0),
            "north",
            np.where(t["deal_id"] % 2, "east", "west"),
        )
    )
    row = rows(influence.referred_deals(d, covariates=["region"]), "measure").loc["adjusted"]
    assert np.isfinite([row["estimate"], row["std_error"]]).all() and abs(row["estimate"]) < 1


def test_entropy_compares_the_same_stages():
    """A stage only one group knows has no part in the comparison."""
    d = pd.DataFrame(
        {
            "customer_id": np.arange(400),
            "stage": "s",
            "next_stage": ["x"] * 200 + ["x", "y"] * 100,
            "support": [1] * 200 + [0] * 200,
        }
    )
    more = pd.concat(
        [
            d,
            pd.DataFrame(
                {
                    "customer_id": np.arange(400, 500),
                    "stage": "lone",
                    "next_stage": ["x", "y"] * 50,
                    "support": 1,
                }
            ),
        ]
    )
    a, b = (
        influence.predictability(d, "support", draws=20),
        influence.predictability(more, "support", draws=20),
    )
    assert a.table["estimate"].tolist() == pytest.approx(b.table["estimate"].tolist())
    assert any("100 moves" in str(s) for s in b.limits)
    with pytest.raises(NotEnoughData, match="in both groups"):
        influence.predictability(d.assign(stage=d["support"].astype(str)), "support")


def test_entropy_by_hand():
    """A certain next step has 0 bits, a coin 1."""
    d = pd.DataFrame(
        {
            "customer_id": np.arange(400),
            "stage": "s",
            "next_stage": ["x"] * 200 + ["x", "y"] * 100,
            "support": [1] * 200 + [0] * 200,
        }
    )
    table = rows(influence.predictability(d, "support", draws=50), "group")
    assert table.loc["0", "estimate"] == pytest.approx(1, abs=0.01)
    assert table.loc["1", "estimate"] == pytest.approx(0, abs=0.01)
    assert table.loc["1 − 0", "conf_high"] < 0


def test_ratings_of_one_decimal_show_no_jump():
    """3.2 and 3.3 are all there is beside a rounding: no line goes through one point."""
    d = studies.stars(3000)
    with pytest.raises(NotEnoughData, match="three different ratings"):
        influence.star_rounding(d.assign(rating=d["rating"].round(1)), "log_visits")
    two = influence.star_rounding(
        d.assign(rating=d["rating"].round(2)), "log_visits", bandwidth=0.06
    )
    assert rows(two, "measure").loc["jump", "n"]
    assert (
        rows(two, "measure").loc["jump_half", "estimate"]
        != rows(two, "measure").loc["jump", "estimate"]
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: influence.price_elasticity(studies.shelf(4, 1, 20).assign(price=0.0)), "above 0"),
        (
            lambda: influence.price_elasticity(pd.concat([studies.shelf(4, 1, 20)] * 2)),
            "occur twice",
        ),
        (
            lambda: influence.price_elasticity(studies.shelf(4, 1, 20), instrument="cost"),
            'kind="log"',
        ),
        (
            lambda: influence.peers(
                studies.peers(5).assign(adopted=3), "adopted", "earlier_share", network="village"
            ),
            "every row|0 or 1",
        ),
        (lambda: influence.huff(studies.trips(30).assign(distance_km=0.0)), "above 0"),
        (
            lambda: influence.price_premium(studies.deals(30).assign(price=-1.0), ["certified"]),
            "above 0",
        ),
        (lambda: influence.support(studies.deals(30).assign(reply_hours=0.0)), "above 0"),
        (
            lambda: influence.predictability(
                studies.deals(30).assign(stage=1, next_stage=2), "deal_id"
            ),
            "two values",
        ),
        (
            lambda: influence.star_rounding(studies.stars(200), "log_visits", bandwidth=0.4),
            "half a step",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused(call, message):
    """Prices of 0, doubled rows, flags with many values: an error that says so."""
    with pytest.raises((InputError, NotEnoughData), match=message):
        call()


def test_prices_that_never_move():
    """Nothing can be learnt from a price that stays."""
    with pytest.raises(NotEnoughData, match="prices move by"):
        influence.price_elasticity(studies.shelf(4, 1, 20).assign(price=2.0))


@pytest.mark.slow
def test_planted_factors_are_recovered():
    """200 studies each: coverage of planted effects, false alarms where nothing is planted."""
    inside = {}

    def note(name, row, truth):
        inside.setdefault(name, []).append(row["conf_low"] <= truth <= row["conf_high"])

    for seed in range(200):
        d = studies.shelf(40, 3, 60, lift=0.0, volume=600, seed=seed)
        note(
            "elasticity, instrumented",
            rows(
                influence.price_elasticity(d, store="store_id", kind="log", instrument="cost")
            ).loc["own_price"],
            -2.4,
        )
        d = studies.shelf(40, 3, 60, switching=0.35, seed=seed)
        made = rows(influence.promotion_lift(d, store="store_id"), "measure")
        for name in ("own", "switched", "bought_ahead"):
            note(f"promotion, {name}", made.loc[name], d.attrs["truth"][name])
        note(
            "promotion, none planted",
            rows(
                influence.promotion_lift(
                    studies.shelf(40, 3, 60, lift=0.0, seed=seed), store="store_id"
                ),
                "measure",
            ).loc["own"],
            0.0,
        )
        note(
            "rating",
            rows(influence.review_effect(studies.reviews(200, 30, seed=seed))).loc["rating"],
            0.25,
        )
        note(
            "rating, none planted",
            rows(influence.review_effect(studies.reviews(200, 30, rating=0.0, seed=seed))).loc[
                "rating"
            ],
            0.0,
        )
        note(
            "stars",
            rows(
                influence.star_rounding(studies.stars(3000, seed=seed), "log_visits"), "measure"
            ).loc["jump"],
            0.12,
        )
        note(
            "stars, none planted",
            rows(
                influence.star_rounding(studies.stars(3000, jump=0.0, seed=seed), "log_visits"),
                "measure",
            ).loc["jump"],
            0.0,
        )
        d = studies.peers(100, seed=seed)
        note(
            "peers, instrumented",
            rows(
                influence.peers(
                    d, "adopted", "earlier_share", network="village", instrument="offer", draws=5
                ),
                "measure",
            ).loc["instrumented"],
            0.4,
        )
        made = rows(influence.huff(studies.trips(300, seed=seed)))
        note("Huff, size", made.loc["size"], 0.9)
        note("Huff, distance", made.loc["distance"], 1.8)
        d = studies.deals(600, seed=seed)
        note(
            "reply, instrumented",
            rows(influence.support(d, covariates=["hard"], instrument="queue"), "measure").loc[
                "instrumented"
            ],
            -0.04,
        )
        note(
            "referral, adjusted",
            rows(influence.referred_deals(d, covariates=["hard"]), "measure").loc["adjusted"],
            0.10,
        )
        premium = influence.price_premium(
            d, ["years_of_record", "certified"], specification=["log_seats"]
        ).table.set_index(["comparison", "term"])
        note("record, within vendors", premium.loc[("within", "years_of_record")], np.expm1(0.012))
        note("certificate, between vendors", premium.loc[("between", "certified")], np.expm1(0.06))
    for name, hits in inside.items():
        print(f"{name}: {np.mean(hits):.1%}")
    # What a promotion sells differs between products: its interval speaks of products in general,
    # the truth of these, so it holds more often.
    # Sales write the reviews that move sales: the weight of the rating comes out about an eighth
    # too small, which its interval does not know (said in the limits).
    assert all(
        (0.86 if name == "rating" else 0.91)
        <= np.mean(h)
        <= (1.0 if name == "promotion, own" else 0.985)
        for name, h in inside.items()
    )
