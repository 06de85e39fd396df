"""Planted truths: computed from the states a market was made with, and from nothing else."""

import ast
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench import simulate
from workbench.simulate import truth

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def market():
    """A market of 600 customers."""
    return simulate.market(600, seed=7)


def decisions(market):
    """Every decision as a dictionary, its true contacts and its states in order."""
    events = {}
    for e in market.truth["events"].to_dict("records"):
        events.setdefault((e["customer_id"], e["episode"]), []).append(e)
    states = {}
    for s in market.truth["states"].to_dict("records"):
        states.setdefault(s["customer_id"], []).append(s)
    for d in market.truth["episodes"].to_dict("records"):
        closed = (
            d["closed_at"] if not pd.isna(d["closed_at"]) else pd.Timestamp("2100-01-01", tz="UTC")
        )
        after = pd.Timedelta("2ms")
        mine = [
            s["stage"]
            for s in states[d["customer_id"]]
            if d["opened_at"] <= s["since"] <= closed + after and s["stage"] in truth.MIND
        ]
        yield d, events[d["customer_id"], d["episode"]], mine


def test_decisions_hold_the_stages_of_their_states(market):
    """One by one: stages gone through, contacts, brands and outcome of every decision."""
    for d, contacts, mine in decisions(market):
        assert {s for s in truth.MIND if d[s]} == set(mine)
        assert d["purchase"] == (d["outcome"] == "bought")
        during = [c for c in contacts if c["stage"] in truth.STAGES]
        assert d["events"] == len(during)
        assert d["tracked_events"] == sum(c["tracked"] for c in during)
        assert d["set_size"] == len(d["brands"].split("|")) and d["brand"] in d["brands"]


def test_leaving_has_its_potential_outcomes(market):
    """A barrier multiplies the odds of leaving by its planted strength, and by nothing else; as
    often as the chance says, people do leave; without the effect both chances are one.
    """
    e = market.truth["events"].dropna(subset=["leave_chance"])
    odds = [e[c] / (1 - e[c]) for c in ("leave_if_barrier", "leave_if_clear")]
    known = (e["leave_chance"] > 0) & (e["leave_chance"] < 1)
    times = np.exp(market.settings.effect("barrier"))
    assert np.allclose((odds[0] / odds[1])[known], times)
    here = np.where(e["barrier"], e["leave_if_barrier"], e["leave_if_clear"])
    assert np.allclose(here, e["leave_chance"])
    gave_up = (market.truth["episodes"]["outcome"] == "abandoned").sum()
    spread = np.sqrt((e["leave_chance"] * (1 - e["leave_chance"])).sum())
    assert abs(gave_up - e["leave_chance"].sum()) < 4 * spread
    none = simulate.market(300, seed=7, no_effect=["barrier"])
    assert truth.leaving(none)["cost_adjusted"] == 0


def test_truths_are_those_of_a_slow_count(market):
    """Shares, sizes, moves and minutes, recomputed decision by decision."""
    every = list(decisions(market))
    bought = [x for x in every if x[0]["outcome"] == "bought"]
    reach = truth.reach(market)
    assert reach["search"] == pytest.approx(np.mean(["search" in x[2] for x in every]))
    assert reach["purchase"] == pytest.approx(len(bought) / len(every))
    skipped = truth.skipped(market)
    assert skipped["search"] == pytest.approx(np.mean(["search" not in x[2] for x in bought]))
    neither = np.mean([not {"search", "evaluation"} & set(x[2]) for x in bought])
    assert skipped["search + evaluation"] == pytest.approx(neither)
    assert truth.skipped(market, ["need"])["need"] == 0
    sizes = [x[0]["set_size"] for x in bought]
    assert truth.considered(market)["mean"] == pytest.approx(np.mean(sizes))
    assert truth.considered(market)["1"] == pytest.approx(np.mean([s == 1 for s in sizes]))
    into = [b for _, _, s in every for a, b in pairwise(s) if a == "evaluation"]
    left = sum(s[-1] == "evaluation" and d["outcome"] != "open" for d, _, s in every)
    share = into.count("search") / (len(into) + left)
    assert truth.moves(market)["evaluation", "search"] == pytest.approx(share, abs=0.005)
    rank = truth.STAGES.index
    back = [any(rank(b) < rank(a) for a, b in pairwise(s)) for _, _, s in bought]
    assert truth.looped(market)["bought"] == pytest.approx(np.mean(back))
    last = [
        [c["stage"] for c in e if c["stage"] in truth.MIND][-1]
        for d, e, _ in every
        if d["outcome"] == "abandoned"
    ]
    assert truth.given_up_in(market)["intent"] == pytest.approx(
        np.mean([s == "intent" for s in last])
    )
    assert truth.effort(market)["events"] == np.median([x[0]["events"] for x in bought])


def test_where_customers_are_is_read_off_their_states(market):
    """At a moment, one by one; customers without a state yet are idle."""
    at = pd.Timestamp("2025-04-20", tz="UTC")
    customers = list(range(300, 600))
    states = market.truth["states"]
    found = []
    for c in customers:
        mine = states[(states["customer_id"] == c) & (states["since"] <= at)]
        found.append(mine["stage"].iloc[-1] if len(mine) else "idle")
    now = truth.now(market, customers, at)
    assert sum(now.values()) == pytest.approx(1)
    for stage, share in now.items():
        assert share == pytest.approx(np.mean([s == stage for s in found]))


def test_truth_shares_no_code_with_the_estimators():
    """The module of truths, and what it reads, import no room of analyses."""
    allowed = {"workbench.simulate", "workbench.errors", "workbench.notes", "workbench.results"}
    for name in ("truth", "beside", "reasons", "states", "columns"):
        tree = ast.parse((ROOT / "workbench/simulate" / f"{name}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("workbench"):
                assert ".".join(node.module.split(".")[:2]) in allowed, (name, node.module)
            if isinstance(node, ast.ImportFrom) and node.module == "workbench":
                raise AssertionError(name)
