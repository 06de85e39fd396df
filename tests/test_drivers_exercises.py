"""Exercises on drivers, social proof and firms: right in several notations, mistakes recognised."""

import pytest
from test_exercises import FOLDER, verdict

from workbench import drivers, influence, stages
from workbench.reports import exercises
from workbench.simulate import studies, views

DRIVERS = exercises.module(FOLDER, "drivers").exercises
SOCIAL = exercises.module(FOLDER, "social").exercises
FIRMS = exercises.module(FOLDER, "b2b").exercises


@pytest.fixture(scope="module")
def felt():
    """Answers on feelings, satisfaction and intention."""
    return studies.feelings(seed=1)


@pytest.mark.parametrize(
    "asked", [["feeling", "satisfied"], ["makes_happy", "feels_good", "solves_problem"]]
)
def test_drivers_that_may_be_first(felt, asked):
    """As many as have one among the places of their interval; the number asked about is known."""
    key = drivers.key_drivers(felt, "intention", asked, draws=200)
    rows = key.table[key.table["measure"] == "share"]
    right = int((rows["rank_low"] == 1).sum())
    assert verdict(DRIVERS, 1, right, key) == "right"
    assert verdict(DRIVERS, 1, str(right), key) == "right"
    assert verdict(DRIVERS, 1, 99, key) == "other"
    if right != len(asked):
        assert verdict(DRIVERS, 1, len(asked), key) == "all"


def test_a_cautious_fraction(felt):
    """The lower end over the total; the best guess and the rest are known mistakes."""
    path = drivers.mediation(felt, "feeling", "satisfied", "intention", draws=200)
    rows = path.table.set_index("path")
    total, indirect = rows.loc["total", "estimate"], rows.loc["indirect"]
    right = indirect["conf_low"] / total
    assert verdict(DRIVERS, 2, f"{100 * right:.1f} %".replace(".", ","), path) == "right"
    assert verdict(DRIVERS, 2, indirect["estimate"] / total, path) == "estimate"
    assert verdict(DRIVERS, 2, rows.loc["direct", "estimate"] / total, path) == "direct"
    assert verdict(DRIVERS, 2, indirect["conf_high"] / total, path) == "high"
    assert "too few" in str(DRIVERS.check(2, 0.4, None))


def test_what_an_insurer_may_claim():
    """The lower end of the instrumented row; other rows and its estimate are known mistakes."""
    villages = studies.peers(seed=1)
    given = {"network": "village", "instrument": "offer", "draws": 20}
    result = influence.peers(villages, "adopted", "earlier_share", **given)
    rows = result.table.set_index("measure")
    assert verdict(SOCIAL, 1, rows.loc["instrumented", "conf_low"], result) == "right"
    assert verdict(SOCIAL, 1, rows.loc["instrumented", "estimate"], result) == "estimate"
    assert verdict(SOCIAL, 1, 0.99, result) == "other"
    assert "too few" in str(SOCIAL.check(1, 0.4, None))


def test_what_satisfaction_takes_away(felt):
    """The fraction that is gone; what remains, and the plain difference, are known mistakes."""
    plain = drivers.regression(felt, "intention", ["feeling"], kind="ordinal")
    net = drivers.regression(felt, "intention", ["feeling", "satisfied"], kind="ordinal")
    before, after = plain.table["estimate"].iloc[0], net.table["estimate"].iloc[0]
    for answer, name in (
        (1 - after / before, "right"),
        (round(100 * (1 - after / before)), "right"),
        (after / before, "left"),
        (0.99, "other"),
    ):
        assert (
            str(SOCIAL.check(2, answer, plain, net))
            == {
                "right": SOCIAL.numbered[2].right,
                "other": SOCIAL.numbered[2].otherwise,
                **SOCIAL.numbered[2].hints,
            }[name]
        )


def test_half_the_reply_time():
    """Minus the last row; the plain row and the sign are known mistakes."""
    deals = studies.deals(seed=1)
    replied = influence.support(deals, covariates=["hard"], instrument="queue")
    rows = replied.table.set_index("measure")["estimate"]
    assert verdict(FIRMS, 2, -rows["instrumented"], replied) == "right"
    assert verdict(FIRMS, 2, -rows["raw"], replied) == "raw"
    assert verdict(FIRMS, 2, rows["instrumented"], replied) == "sign"
    without = influence.support(deals, covariates=["hard"])
    assert verdict(FIRMS, 2, -without.table["estimate"].iloc[-1], without) == "right"


def test_the_least_difference_in_impulse():
    """The end of the interval of the difference nearest to zero, whichever side buys more."""
    from workbench import simulate

    market = simulate.market(1500, seed=1, effects={"impulse": 1.0})
    events = views.with_side(market, stages.assign(market["events"]))
    spot = influence.impulse(events, by="side")
    last = spot.table.iloc[-1]
    clear = last["conf_low"] * last["conf_high"] > 0
    right = min(abs(last["conf_low"]), abs(last["conf_high"])) if clear else 0.0
    assert verdict(FIRMS, 1, right, spot) == "right"
    assert verdict(FIRMS, 1, 0.99, spot) == "other"
    if clear:
        assert verdict(FIRMS, 1, abs(last["estimate"]), spot) == "estimate"
