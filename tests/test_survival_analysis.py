"""How long relations last: published survival estimates, hand counts, laws, recovery."""

import numpy as np
import pandas as pd
import pytest

from workbench import retention
from workbench.errors import InputError, NotEnoughData

# Acute myelogenous leukaemia, maintained or not (Miller 1997; `aml` of R's package survival).
AML = pd.DataFrame(
    {
        "days": [
            9,
            13,
            13,
            18,
            23,
            28,
            31,
            34,
            45,
            48,
            161,
            5,
            5,
            8,
            8,
            12,
            16,
            23,
            27,
            30,
            33,
            43,
            45,
        ],
        "ended": [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1],
        "x": ["Maintained"] * 11 + ["Nonmaintained"] * 12,
    }
)
# Ovarian cancer (Edmunson et al. 1979; `ovarian` of R's package survival): time, status, age, rx,
# ecog.ps.
OVARIAN = pd.DataFrame(
    [
        (59, 1, 72.3315, 1, 1),
        (115, 1, 74.4932, 1, 1),
        (156, 1, 66.4658, 1, 2),
        (421, 0, 53.3644, 2, 1),
        (431, 1, 50.3397, 1, 1),
        (448, 0, 56.4301, 1, 2),
        (464, 1, 56.9370, 2, 2),
        (475, 1, 59.8548, 2, 2),
        (477, 0, 64.1753, 1, 1),
        (563, 1, 55.1781, 2, 2),
        (638, 1, 56.7562, 1, 2),
        (744, 0, 50.1096, 2, 1),
        (769, 0, 59.6301, 2, 2),
        (770, 0, 57.0521, 2, 1),
        (803, 0, 39.2712, 1, 1),
        (855, 0, 43.1233, 1, 2),
        (1040, 0, 38.8932, 1, 2),
        (1106, 0, 44.6000, 1, 1),
        (1129, 0, 53.9068, 2, 1),
        (1206, 0, 44.2055, 2, 1),
        (1227, 0, 59.5890, 2, 2),
        (268, 1, 74.5041, 1, 2),
        (329, 1, 43.1370, 1, 1),
        (353, 1, 63.2192, 2, 2),
        (365, 1, 64.4247, 2, 1),
        (377, 0, 58.3096, 2, 1),
    ],
    columns=["days", "ended", "age", "rx", "ecog"],
)


def leavers(n, seed, shape=1.4, weight=-0.5, family="weibull"):
    """Durations with a known shape and weight on the log time, watched for a year at most."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    noise = {
        "weibull": np.log(rng.exponential(size=n)),
        "log_normal": rng.normal(size=n),
        "log_logistic": rng.logistic(size=n),
    }[family]
    t, end = np.exp(5 + weight * x + noise / shape), rng.uniform(50, 365, n)
    return pd.DataFrame(
        {"days": np.minimum(t, end), "ended": (t <= end).astype(int), "x": x, "who": np.arange(n)}
    )


def test_published_curves_and_tests():
    """Medians 31 and 23 and log-rank p 0.0653 of R's survfit and survdiff on `aml`; the curve at 13
    and 48 weeks.
    """
    made = retention.survival_curves(AML, by="x")
    table = made.table.set_index(["group", "time"])
    assert table.loc[("Maintained", 13.0), "estimate"] == pytest.approx(0.8182, abs=1e-4)
    assert table.loc[("Maintained", 13.0), "std_error"] == pytest.approx(0.1163, abs=1e-4)
    assert table.loc[("Maintained", 48.0), "estimate"] == pytest.approx(0.1841, abs=1e-4)
    assert table.loc[("Nonmaintained", 23.0), "estimate"] == pytest.approx(0.4861, abs=1e-4)
    assert "31" in str(made.limits[0])
    assert "23" in str(made.limits[1])
    assert any("0.0653" in str(s) for s in made.limits)
    assert any("longer on average" in str(s) for s in made.limits)


def test_published_hazards():
    """coxph(Surv(time, status) ~ x, aml): 0.9155 (0.5119), p 0.0737; coxph(Surv(futime, fustat) ~
    age + rx, ovarian): 0.1473 (0.0461) and −0.8040 (0.6320), printed by R's package survival.
    """
    row = retention.cox(AML, ["x"]).table.iloc[0]
    assert (row["estimate"], row["std_error"], row["p_value"]) == pytest.approx(
        (0.9155, 0.5119, 0.0737), abs=1e-4
    )
    assert row["hazard_ratio"] == pytest.approx(2.498, abs=1e-3)
    table = retention.cox(OVARIAN, ["age", "rx"]).table.set_index("term")
    assert table["estimate"].tolist() == pytest.approx([0.1473, -0.8040], abs=2e-4)
    assert table["std_error"].tolist() == pytest.approx([0.0461, 0.6320], abs=2e-4)


def test_published_stretches():
    """survreg(Surv(futime, fustat) ~ ecog.ps + rx, ovarian): Weibull 6.897, −0.385, 0.529, scale
    0.884, log-likelihood −97.1; exponential 6.962, −0.433, 0.582, −97.2 (help pages of R's package
    survival).
    """
    made = retention.parametric(OVARIAN, ["ecog", "rx"])
    assert made.table["estimate"].tolist() == pytest.approx([6.897, -0.385, 0.529, 0.884], abs=1e-3)
    assert made.model["loglik"] == pytest.approx(-97.1, abs=0.05)
    plain = retention.parametric(OVARIAN, ["ecog", "rx"], family="exponential")
    assert plain.table["estimate"].tolist() == pytest.approx([6.962, -0.433, 0.582], abs=1e-3)
    assert plain.model["loglik"] == pytest.approx(-97.2, abs=0.05)


def test_doubled_rows_of_a_person_tell_nothing_new():
    """Every duration twice: with people as clusters the errors stay, without them they shrink."""
    d = leavers(300, 1)
    twice = pd.concat([d, d], ignore_index=True)
    one = retention.cox(d, ["x"], cluster="who").table.iloc[0]
    two, plain = (retention.cox(twice, ["x"], cluster=c).table.iloc[0] for c in ("who", None))
    assert two["std_error"] == pytest.approx(one["std_error"], rel=0.03)
    assert plain["std_error"] < 0.8 * two["std_error"]
    a, b = (retention.parametric(t, ["x"], cluster="who").table.iloc[1] for t in (d, twice))
    assert b["std_error"] == pytest.approx(a["std_error"], rel=1e-3)


def test_an_effect_that_fades_is_seen():
    """Twice the hazard in the first month only: not proportional; a steady effect is not blamed."""
    rng = np.random.default_rng(3)
    x = rng.integers(0, 2, 3000)
    early = rng.exponential(60 / (1 + 2 * x))
    t = np.where(early < 30, early, 30 + rng.exponential(60, 3000))
    fading = pd.DataFrame({"days": np.minimum(t, 200), "ended": (t < 200).astype(int), "x": x})
    assert retention.cox(fading, ["x"]).table["p_proportional"].iloc[0] < 0.001
    assert "Not the same" in str(retention.cox(fading, ["x"]).limits[0])
    assert (
        np.mean(
            [
                retention.cox(leavers(400, s), ["x"]).table["p_proportional"].iloc[0] < 0.05
                for s in range(60)
            ]
        )
        < 0.15
    )


def test_hazards_by_hand():
    """Ten at risk, two leave in the first period; one breaks off in the second and has no part in
    it.
    """
    d = pd.DataFrame(
        {"days": [3, 9, 15, 25, 25, 25, 25, 25, 25, 12], "ended": [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]}
    )
    table = retention.discrete_time_hazard(d, width=10).table
    assert table[["count", "n"]].to_numpy().tolist() == [[2, 10], [1, 7]]
    made = (
        retention.discrete_time_hazard(leavers(3000, 4), ["x"], width=30, cluster="who")
        .table.set_index("measure")
        .loc["weight"]
    )
    assert made["conf_low"] > 0


def test_exits_add_up():
    """Shares of all reasons and of those still there are 1 at every time, by hand and in the curve
    of all reasons together.
    """
    d = leavers(300, 5)
    rng = np.random.default_rng(5)
    d["cause"] = np.where(d["ended"] == 1, rng.choice(["price", "moved"], 300), None)
    table = retention.competing_risks(d).table
    there = retention.survival_curves(d).table.set_index("time")["estimate"]
    both = (
        table.pivot(index="time", columns="cause", values="estimate").ffill().fillna(0).sum(axis=1)
    )
    assert (both + there.reindex(both.index)).to_numpy() == pytest.approx(
        np.ones(len(both)), abs=1e-9
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: retention.survival_curves(AML.assign(ended=2)), InputError, "0 .still going on"),
        (
            lambda: retention.survival_curves(AML.assign(days="long")),
            InputError,
            "must hold numbers",
        ),
        (lambda: retention.survival_curves(AML.head(0)), NotEnoughData, "no complete row"),
        (lambda: retention.cox(AML, ["y"]), InputError, "no column named 'y'"),
        (lambda: retention.cox(AML.assign(ended=0), ["x"]), NotEnoughData, "at least 2 for each"),
        (lambda: retention.cox(AML.assign(k=1.0), ["k"]), InputError, "never varies"),
        (lambda: retention.parametric(AML.assign(days=0.0)), InputError, "not above 0"),
        (lambda: retention.parametric(AML, family="gamma"), InputError, "no option named"),
        (lambda: retention.discrete_time_hazard(AML, width=0), InputError, "above 0"),
        (
            lambda: retention.discrete_time_hazard(AML.assign(ended=0), width=1000),
            NotEnoughData,
            "whole period",
        ),
    ],
)
def test_what_durations_cannot_tell(call, error, message):
    """A clear error with what was found."""
    with pytest.raises(error, match=message):
        call()


@pytest.mark.slow
def test_weights_on_time_are_recovered():
    """200 samples: intervals of Cox's and the parametric weights hold the truth 91 to 98 %."""
    inside = {}
    for seed in range(200):
        for family in ("weibull", "log_normal", "log_logistic"):
            d = leavers(500, seed, family=family)
            rows = retention.parametric(d, ["x"], family=family).table.set_index("term")
            for term, truth in (("x", -0.5), ("scale", 1 / 1.4)):
                inside.setdefault(f"{family} {term}", []).append(
                    rows.loc[term, "conf_low"] <= truth <= rows.loc[term, "conf_high"]
                )
        row = retention.cox(leavers(500, seed), ["x"]).table.iloc[0]
        inside.setdefault("cox", []).append(row["conf_low"] <= 0.5 * 1.4 <= row["conf_high"])
    for name, hits in inside.items():
        print(f"{name}: {np.mean(hits):.1%}")
    assert all(0.91 <= np.mean(h) <= 0.985 for h in inside.values())
