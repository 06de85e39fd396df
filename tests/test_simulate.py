"""The simulated market: the same luck for the same seed, the planted truth in the data, and a
switch for every effect.
"""

import numpy as np
import pandas as pd
import pytest

from workbench import load, results, simulate
from workbench.errors import InputError, WorkbenchError


@pytest.fixture(scope="module")
def market():
    """A market of 6,000 customers."""
    return simulate.market(6000, seed=5)


def test_a_seed_makes_one_market_whatever_the_block(tmp_path, monkeypatch):
    """Bit for bit: in one block, in blocks of 350, and streamed to files; another seed makes
    another market.
    """
    whole = simulate.market(2000, seed=5)
    monkeypatch.setattr(simulate, "BLOCK", 350)
    again = simulate.market(2000, seed=5)
    rows = simulate.write(tmp_path / "m", 2000, seed=5)
    for name in ("events", "orders", "surveys", "texts", "emails", "deals", "costs"):
        pd.testing.assert_frame_equal(again[name], whole[name])
        pd.testing.assert_frame_equal(
            pd.read_parquet(tmp_path / "m" / f"{name}.parquet"), whole[name]
        )
        assert rows[name] == len(whole[name])
    assert not simulate.market(2000, seed=6)["events"].equals(whole["events"])
    assert "SIMULATED" in (tmp_path / "m" / "SIMULATED.txt").read_text()


def test_everything_made_from_it_says_so(market, tmp_path):
    """The mark goes from table to result, to file and back, to the figure's words."""
    from workbench import funnels

    made = funnels.conversion(market["events"], ["product_view", "add_to_cart", "order"])
    assert made.simulated and str(made.question).startswith("SIMULATED")
    made.save(tmp_path / "r")
    assert results.read(tmp_path / "r").simulated
    assert made.figure()._repr_mimebundle_()[0]["text/plain"].startswith("SIMULATED")
    market["events"].to_parquet(tmp_path / "e.parquet")
    assert funnels.conversion(str(tmp_path / "e.parquet"), ["product_view", "order"]).simulated
    assert all(results.is_simulated(t) for t in (*market.tables.values(), *market.truth.values()))


def test_states_agree_with_events(market):
    """The stage of a person after the last event before a moment is that in the list of states."""
    e, s = market.truth["events"], market.truth["states"]
    chain = (
        e[e["stage"].isin(["need", "search", "evaluation", "intent"])]
        .rename(columns={"stage": "at_event"})
        .sort_values("occurred_at")
    )
    joined = pd.merge_asof(
        chain, s.sort_values("since"), left_on="occurred_at", right_on="since", by="customer_id"
    )
    assert (joined["stage"] == joined["at_event"])[joined["event"] != "order"].mean() > 0.999
    assert len(market["events"]) == e["tracked"].sum()
    seen = market["events"][["customer_id", "occurred_at", "event"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        seen,
        e[e["tracked"]][["customer_id", "occurred_at", "event"]].reset_index(drop=True),
        check_like=True,
    )


def test_orders_belong_to_bought_episodes(market):
    """One order a bought episode, at the moment of its order event; money is price times units."""
    bought = market.truth["episodes"].query("outcome == 'bought'")
    assert len(bought) == len(market["orders"]) == (market["events"]["event"] == "order").sum()
    assert market["orders"]["order_id"].is_unique and (market["orders"]["amount"] > 0).all()
    assert (market.truth["customers"]["orders"].sum()) == len(market["orders"])


EFFECT_SEEN = {
    # How each effect shows, as a number that is larger with the effect than without it.
    "loyalty": lambda m: _gap(
        m.truth["episodes"].query("orders_before > 0"), "skipped", "loyalty_before"
    ),
    "involvement": lambda m: _gap(
        m.truth["episodes"].merge(m.truth["customers"], on="customer_id"), "set_size", "involvement"
    ),
    "b2b": lambda m: (m["customers"]["side"] == "B2B").mean(),
    "tracking": lambda m: (~m.truth["events"]["tracked"]).mean(),
    "machine_opens": lambda m: m["emails"]["machine_open"].mean(),
    "email": lambda m: (m.truth["episodes"]["trigger"] == "email").mean(),
    "referral": lambda m: (m.truth["episodes"]["trigger"] == "referral").mean(),
    "promotion": lambda m: m["order_lines"]["on_promotion"].mean(),
    "reviews": lambda m: m["order_lines"]["brand"].isin(["Boreal", "Alta"]).mean(),
    "price": lambda m: -m["order_lines"]["list_price"].mean(),
    "latency": lambda m: -_paid(m, slow=True) + _paid(m, slow=False),
    "barrier": lambda m: 1 - _left_after(m, "out_of_stock"),
    "newcomer": lambda m: _first_visit(m),
}


def _gap(table, outcome, driver):
    high = table[driver] > table[driver].median()
    return table.loc[high, outcome].mean() - table.loc[~high, outcome].mean()


def _paid(m, slow):
    e = m["events"]
    key = e["session_id"]
    pay = e[(e["event"] == "payment_submit") & ((e["value"] > 3) == slow)]
    return pay["session_id"].isin(key[e["event"] == "order"]).mean()


def _left_after(m, event):
    e = m["events"]
    last = e["session_id"] != e["session_id"].shift(-1)
    return (~last)[e["event"] == event].mean()


def _first_visit(m):
    e = m["events"][m["events"]["session_id"] % 1000 < 90]
    visits = (
        e.assign(bought=e["event"] == "order")
        .groupby("session_id")
        .agg(c=("customer_id", "first"), at=("occurred_at", "min"), bought=("bought", "any"))
    )
    first = visits["at"] == visits.groupby("c")["at"].transform("min")
    return visits.loc[first, "bought"].mean() - visits.loc[~first, "bought"].mean()


@pytest.mark.parametrize("effect", EFFECT_SEEN)
def test_every_effect_can_be_switched_off(market, effect):
    """The planted effect is visible, and weaker or gone under its no-effect switch."""
    without = simulate.market(6000, seed=5, no_effect=[effect])
    assert EFFECT_SEEN[effect](market) > EFFECT_SEEN[effect](without)


def test_unhappy_buyers_leave_only_where_it_is_planted():
    """Satisfaction moves the planted chance to leave; switched off, everyone has the same."""
    on, off = (
        simulate.market(3000, seed=2),
        simulate.market(3000, seed=2, no_effect=["satisfaction"]),
    )
    assert on.truth["customers"].query("orders == 1")["p_alive"].std() > 0.05
    assert off.truth["customers"].query("orders == 1")["p_alive"].std() < 1e-12


def test_a_channel_switched_off_is_gone_and_harvesting_is_no_lift(market):
    """Without a channel no visit has it; paid search touches many orders and brings few, display
    the other way round.
    """
    off = simulate.market(2000, seed=5, channels_off=["display", "email"])
    assert not off["events"]["channel"].isin(["display", "email"]).any() and off["emails"].empty
    lifts = simulate.channel_effects(market.settings).set_index("channel")
    share = lifts["incremental_orders"] / lifts["touched_orders"]
    assert share["paid_search"] < share["display"]
    assert (lifts["incremental_orders"] <= lifts["orders"]).all()


def test_it_looks_like_real_figures(market):
    """Beside the printed figures of real data: the same order of size, each within a third or three
    points.
    """
    table = simulate.calibration(
        market,
        orders=load.complete_journey("orders"),
        campaigns=load.complete_journey("campaign_events"),
    )
    assert len(table) == 11
    gap = (table["simulated"] - table["real"]).abs()
    assert ((gap <= table["real"] / 3) | (gap <= 0.03)).all(), table.to_string()


def test_worlds_differ_as_they_say():
    """Longer stays, wrong names, unseen search."""
    plain = simulate.market(2000, seed=1)
    wrong = simulate.market(2000, seed=1, world="mislabelled")
    hidden = simulate.market(2000, seed=1, world="unseen_channel")
    semi = simulate.market(2000, seed=1, world="semi_markov")

    def share(m, stage, event):
        e = m.truth["events"]
        return (e.loc[e["stage"] == stage, "event"] == event).mean()

    assert share(wrong, "search", "wish_list") > 0.003 and share(plain, "search", "wish_list") == 0

    def unseen(m):
        e = m.truth["events"].query("stage == 'search'")
        return 1 - e["tracked"].mean()

    assert unseen(hidden) > unseen(plain) + 0.1

    def runs(m):
        e = m.truth["events"].query("stage == 'search'")
        n = e.groupby(["customer_id", "episode"]).size()
        return n.std() / n.mean()

    assert runs(semi) != runs(plain)


def test_mail_can_be_measured_against_its_holdout(market):
    """Held-out customers get nothing; machine opens are marked; clicks come from delivered mail."""
    mails = market["emails"]
    held = mails[mails["variant"] == "holdout"]
    assert 0.15 < len(held) / len(mails) < 0.25
    assert not held["delivered"].any()
    assert held["clicked_at"].isna().all()
    assert mails.loc[mails["machine_open"], "opened_at"].notna().all()
    clicked = mails.dropna(subset=["clicked_at"])
    assert clicked["delivered"].all() and (clicked["clicked_at"] >= clicked["sent_at"]).all()


def test_stated_stages_are_the_true_ones_with_known_error(market):
    """About nine in ten answers name the true stage."""
    asked = (
        market["surveys"]
        .query("item == 'stage_now'")
        .rename(columns={"respondent_id": "customer_id"})
        .sort_values("answered_at")
    )
    truth = pd.merge_asof(
        asked,
        market.truth["states"].sort_values("since"),
        left_on="answered_at",
        right_on="since",
        by="customer_id",
    )
    from workbench.simulate.world import STAGES

    stated = truth["value"].astype(int).map(dict(enumerate(STAGES)))
    assert 0.88 < (stated == truth["stage"].fillna("idle")).mean() < 0.95


def test_degenerate_markets():
    """One customer, one day, and what cannot be."""
    for customers, days in ((1, 5), (3, 1)):
        m = simulate.market(customers, days=days)
        assert {"events", "orders", "emails"} <= set(m.tables)
    for options in (
        {"no_effect": ["luck"]},
        {"channels_off": ["radio"]},
        {"world": "flat"},
        {"effects": {"luck": 1}},
    ):
        with pytest.raises(WorkbenchError):
            simulate.market(10, **options)
    with pytest.raises(InputError, match="at least 1"):
        simulate.market(0)


def test_another_folder_is_not_overwritten(tmp_path):
    """A folder with other files is left alone."""
    (tmp_path / "mine.csv").write_text("a")
    with pytest.raises(InputError, match="not simulated"):
        simulate.write(tmp_path, 10)


def test_luck_is_fair():
    """The hashed numbers are uniform, and those of neighbours and purposes are unrelated."""
    from workbench.simulate.draws import Draws

    draws = Draws(3, np.arange(200_000))
    rows = np.arange(200_000)
    a, b = draws.uniform("a", rows), draws.uniform("b", rows)
    assert abs(a.mean() - 0.5) < 0.003 and abs(np.var(a) - 1 / 12) < 0.001
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.01 and abs(np.corrcoef(a[1:], a[:-1])[0, 1]) < 0.01
    assert abs(np.corrcoef(draws.uniform("a", rows, 1), draws.uniform("a", rows, 2))[0, 1]) < 0.01
    counts = np.bincount((a * 64).astype(int), minlength=64)
    assert ((counts - 3125) ** 2 / 3125).sum() < 63 + 4 * np.sqrt(126)
