"""What says nothing changes nothing, over every analysis under the laws: the unit of money and of
time, the place and unit of a covariate, the order of rows, what ids are called and how they are
typed, and weights beside the same rows written out. A new analysis stands here by itself, by the
names of its columns; what cannot hold is named with its reason.
"""

import inspect

import numpy as np
import pandas as pd
import pytest
import test_results as base
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from workbench import conjoint, drivers, retention, surveys
from workbench.errors import InputError
from workbench.results import weights

ANALYSES = base.ANALYSES
FEW = settings(
    max_examples=3, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None
)

# ----------------------------------------------------------------------- what columns stand for

MONEY = {
    "amount",
    "price",
    "cost",
    "margin",
    "revenue",
    "too_cheap",
    "cheap",
    "expensive",
    "too_expensive",
    "television",
    "radio",
    "posters",
}
TIME = {"days"}
COVARIATES = {
    "i0",
    "i1",
    "i2",
    "i3",
    "i4",
    "i5",
    "price",
    "display",
    "x",
    "orders",
    "hard",
    "queue",
    "log_seats",
    "visits_before",
}
# Columns of numbers that are neither, with the reason.
OTHERS = {
    "answers on a scale of their own": {
        "value",
        "functional",
        "dysfunctional",
        "belief",
        "evaluation",
        "expectation",
        "perception",
        "level",
        "satisfaction",
        "ease",
        "as_expected",
        "polarity",
        "rating",
        "grade",
    },
    "counts": {
        "quantity",
        "sales",
        "reviews",
        "impressions",
        "clicks",
        "conversions",
        "frequency",
        "recency",
        "age",
        "contacts",
        "basket",
    },
    "numbers of periods": {"t", "start", "week", "day", "task", "block", "alternative", "contact"},
    "names": {"village"},
    "outcomes": {"many", "y", "visits", "reply_hours"},
    "shares": {"earlier_share"},
    "taken by their logarithm, or in per cent": {
        "size",
        "distance_km",
        "years_of_record",
        "log_visits",
        "log_visits_before",
    },
    "codes": {"stage", "next_stage", "own", "category"},
    "weights": {"weight"},
}
# Analyses of which one law does not hold, by what is done to them, with the reason.
EXEMPT = {
    "money": {
        "advocacy": "its groups are made from the amount here",
        "service_recovery": "its complaints are made from the amount here",
        "day_retention": "its groups are made from the amount here",
        "satisfaction_link": "its grades are made from the amount here",
        "win_back": "its arms are made from the amount here",
        "design_check": "a price is a level, called by its value",
        "part_worths": "a price is a level, called by its value",
        "importance": "a price is a level, called by its value",
        "answer_quality": "a price is a level, called by its value",
    },
    "unit": {
        "structural": "a factor is measured in the unit of its first item",
        "reliability": "items of one scale share their unit",
        "scale_means": "items of one scale share their unit",
        "validity": "items of one scale share their unit",
        "importance_performance": "drivers are set beside one another in one unit",
        "design_check": "a price is a level, called by its value",
        "part_worths": "a price is a level, called by its value",
        "importance": "a price is a level, called by its value",
        "answer_quality": "a price is a level, called by its value",
        "van_westendorp": "four prices in one unit",
    },
    "place": {
        "elasticities": "a percentage of the price hangs on its zero",
        "sensitivities": "a percentage of the price hangs on its zero",
        "price_elasticity": "a percentage of the price hangs on its zero",
        "simulate_shares": "the price is raised by a percentage here",
        "price_premium": "a percentage of the price hangs on its zero",
        "gabor_granger": "revenue hangs on the zero of a price",
        "scale_means": "the mean of items that are no longer on one scale",
        "importance_performance": "drivers are set beside one another on one scale",
        "dick_basu": "both are cut where the people stand, and cuts are rounded",
        "design_check": "a price is a level, called by its value",
        "part_worths": "a price is a level, called by its value",
        "importance": "a price is a level, called by its value",
        "answer_quality": "a price is a level, called by its value",
        "marketing_mix": "a price of 0 and its spread are not told apart far from 0",
    },
    "rows": {},
    "weights": {
        "response": "invitations, of which none is an answer",
        "nonresponse": "invitations, of which none is an answer",
        "weight_effect": "its answers have weights already",
        "moderation": "spread with n − 1, which weights do not tell; the interaction is held below",
        "key_drivers": "outer thirds of ratings are those of the answers",
    },
}
# Where an argument is a duration too, the call in another unit of time.
IN_UNIT = {"discrete_time_hazard": lambda d, unit: in_periods(d, unit)}


def in_periods(data, unit):
    """Hazards of periods that are as long in another unit, called by their number."""
    table = retention.discrete_time_hazard(data, ["x"], width=20 * unit).table
    return table.assign(term=[t if t == "x" else str(i) for i, t in enumerate(table["term"])])


# Second and more: on every run only their names are looked at.
LONG = {
    "marketing_mix",
    "holdout_clv",
    "backtest",
    "latent_class",
    "select_latent_classes",
    "mixed_logit",
    "state_dependence",
    "nested_logit",
    "structural",
    "purchase_propensity",
    "repurchase_propensity",
    "calibration",
    "uplift",
    "key_drivers",
    "importance_performance",
    "value",
    "pareto_nbd",
    "stage_progress",
    "decision_complexity",
    "barriers",
    "learning",
    "compare_definitions",
    "forecast",
    "by_diary",
    "dirichlet",
    "repeat_rate",
    "churn_moments",
    "mediation",
    "moderation",
    "tracking_plot",
    "negative_controls",
    "grade_with_checks",
    "compare_designs",
    "support",
    "referred_deals",
    "predictability",
    "bg_nbd",
    "mbg_nbd",
}


def numeric(data):
    """The columns of numbers that are no ids and no yes or no."""
    return [
        c
        for c in data
        if pd.api.types.is_numeric_dtype(data[c])
        and not c.endswith("_id")
        and not set(data[c].dropna().unique()) <= {0, 1}
    ]


def under(law, columns=()):
    """The analyses under a law (with at least one of these columns), long ones marked."""
    return [
        pytest.param(name, marks=pytest.mark.slow if name in LONG else ())
        for name, (data, _) in ANALYSES.items()
        if name not in EXEMPT[law]
        and name not in base.NO_TABLE
        and (not columns or columns & set(numeric(data)))
    ]


def test_every_column_and_every_exception_is_known():
    """A new kind of column must be called money, time, a covariate, or something else with its
    reason; an exception must be that of an analysis there is.
    """
    other = set().union(*OTHERS.values())
    for name, (data, _) in ANALYSES.items():
        if name not in base.NO_TABLE:
            unknown = set(numeric(data)) - MONEY - TIME - COVARIATES - other
            assert not unknown, f"{name}: {sorted(unknown)} are no known kind of column"
    named = set(LONG).union(IN_UNIT, *EXEMPT.values())
    assert named <= set(ANALYSES)
    assert not other & (MONEY | TIME | COVARIATES)


# ------------------------------------------------------------------------------- what may change


# Per unit of a covariate, on another scale than its weight.
RATIOS = ("hazard_ratio", "ratio_low", "ratio_high", "time_ratio")


def moves(moved, table, steps, rtol=1e-6):
    """Every number is what it was, or what it was by one of these steps; a row's estimate, error
    and limits by the same one. Words are the same.
    """
    assert list(moved.columns) == list(table.columns) and len(moved) == len(table)
    if "term" in table:  # the level of the others moves with place and unit of what is held at 0
        moved, table = (t[t["term"] != "constant"].reset_index(drop=True) for t in (moved, table))
    table = table.drop(columns=[c for c in RATIOS if c in table])
    by_row = np.ones((len(steps), len(table)), bool)
    for c in table:
        a, b = moved[c], table[c]
        if not (pd.api.types.is_numeric_dtype(a) and pd.api.types.is_numeric_dtype(b)):
            assert a.astype(str).tolist() == b.astype(str).tolist(), c
            continue
        a, b = a.to_numpy(float), b.to_numpy(float)
        fits = np.array([near(a, step(c, b), rtol) for step in steps])
        assert fits.any(axis=0).all(), (c, a[~fits.any(axis=0)][:3], b[~fits.any(axis=0)][:3])
        if c in ("estimate", "std_error", "conf_low", "conf_high"):
            by_row &= fits
    assert by_row.any(axis=0).all(), table[~by_row.any(axis=0)].head(3)


# Limits by Student's quantile of two past errors magnify the ninth digit of the fits a hundredfold.
LOOSER = {"backtest": 3e-5}


def near(a, b, rtol=1e-6):
    """To six digits, beside the size of the column where a number is 0 but for rounding."""
    size = np.nanmax(np.abs(b[np.isfinite(b)]), initial=0.0)
    return np.isclose(a, b, rtol=rtol, atol=1e-9 * size, equal_nan=True)


def powers(unit):
    """A unit enters a number not at all, or as itself, its square, or one of them below a line."""
    return [lambda c, b, p=p: b * float(unit) ** p for p in (0, 1, -1, 2, -2)]


def shifts(by):
    """A place enters a number not at all, or as itself: a mean, a cut; but no error."""
    return [lambda c, b: b, lambda c, b: b if c == "std_error" else b + by]


def in_quarters(data, columns):
    """Numbers that lose no digit when they are moved far away."""
    return data.assign(**{c: (data[c].astype(float) * 4).round() / 4 for c in columns})


# ---------------------------------------------------------------------------------------- the laws


@pytest.mark.parametrize("name", under("money", MONEY))
def test_euros_and_cents(name):
    """All money times a hundred."""
    data, analysis = ANALYSES[name]
    money = MONEY & set(numeric(data))
    cents = data.assign(**{c: (data[c] * 100).round(6) for c in money})
    moves(analysis(cents).table, analysis(data).table, powers(100), LOOSER.get(name, 1e-6))


@pytest.mark.parametrize("name", under("unit", TIME))
@pytest.mark.parametrize("unit", [1 / 7, 24.0, 86_400.0])
def test_days_and_weeks(name, unit):
    """A duration in weeks, hours or seconds."""
    data, analysis = ANALYSES[name]
    call = IN_UNIT.get(name, lambda d, unit: analysis(d).table)
    moved = call(data.assign(days=data["days"] * unit), unit)
    moves(moved, call(data, 1), powers(unit))


@pytest.mark.slow
@pytest.mark.parametrize("name", under("unit", COVARIATES))
@FEW
@given(unit=st.sampled_from([1e-6, 100.0, 86_400.0, 1 / 7]), seed=st.integers(0, 99))
def test_the_unit_of_any_covariate(name, unit, seed):
    """One of its covariates in another unit."""
    data, analysis = ANALYSES[name]
    column = one_of(data, seed)
    moved = data.assign(**{column: data[column] * unit})
    moves(analysis(moved).table, analysis(data).table, powers(unit))


@pytest.mark.slow
@pytest.mark.parametrize("name", under("place", COVARIATES))
@FEW
@given(shift=st.sampled_from([1.6e9, -1e6, 45_000.0, 273.25]), seed=st.integers(0, 99))
def test_the_place_of_any_covariate(name, shift, seed):
    """One of its covariates moved, as a date is when it becomes a number."""
    data, analysis = ANALYSES[name]
    column = one_of(data, seed)
    data = in_quarters(data, [column])
    moved = data.assign(**{column: data[column] + shift})
    moves(analysis(moved).table, analysis(data).table, shifts(shift))


def one_of(data, seed):
    """One of the covariates of a table."""
    columns = sorted(COVARIATES & set(numeric(data)))
    return columns[seed % len(columns)]


KINDS = {
    "words": lambda i: f"z{i:05d}",
    "numbers": lambda i: i + 1,
    "floats": lambda i: float(i + 1),
    "long": lambda i: 9_007_199_254_740_993 + i,
    "digits": lambda i: f"{i:08d}",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", under("rows"))
@FEW
@given(seed=st.integers(0, 999), kind=st.sampled_from(sorted(KINDS)))
def test_order_of_rows_and_types_of_ids(name, seed, kind):
    """Rows in another order, their labels twice, and people called otherwise, by numbers or by
    digits: every estimate and every limit is the same.
    """
    data, analysis = ANALYSES[name]
    moved = data.sample(frac=1, random_state=seed)
    moved.index = np.arange(len(moved)) // 2
    for who in {"customer_id", "respondent_id"} & set(moved):
        order = sorted(moved[who].unique(), key=str, reverse=True)
        moved[who] = moved[who].map({v: KINDS[kind](i) for i, v in enumerate(order)})
    moves(analysis(moved).table, analysis(data).table, [lambda c, b: b])


# ------------------------------------------------------------------------------------------ weights


def weighted():
    """The analyses of the rooms that read answers."""
    for name, (data, _) in ANALYSES.items():
        rooms = (drivers, conjoint, surveys)
        ours = any(inspect.isfunction(getattr(room, name, None)) for room in rooms)
        reads = {"respondent_id", "customer_id"} & set(data)
        if ours and reads and name not in base.NO_TABLE | set(EXEMPT["weights"]):
            yield name


# Functions that read answers and take no weights, with what their refusal says of it.
REFUSES = {
    "best_worst": "errors do not allow for weights",
    "part_worths": "errors do not allow for weights",
    "importance": "errors do not allow for weights",
    "willingness_to_pay": "errors do not allow for weights",
    "answer_quality": "errors do not allow for weights",
    "structural": "errors would be those of answers that count once",
}


def written_out(data, who, many):
    """Rows as often as they weigh, each time as other people."""
    each = data[who].map(many)
    parts = []
    for k in range(int(each.max())):
        part = data[each > k]
        parts.append(part.assign(**{who: part[who].map(lambda v, k=k: f"{v}/{k}")}))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("name", list(weighted()))
def test_a_weight_is_as_many_rows(name):
    """What one weighs three times counts as three people of the same answers; or one sentence says
    that this analysis takes no weights, and why.
    """
    data, analysis = ANALYSES[name]
    who = "respondent_id" if "respondent_id" in data else "customer_id"
    people = sorted(data[who].unique(), key=str)
    rng = np.random.default_rng(3)
    many = dict(zip(people, rng.integers(1, 4, len(people)), strict=True))
    heavy = data.assign(**{weights.WEIGHT: data[who].map(many).astype(float)})
    try:
        made = analysis(heavy).table
    except InputError as refused:
        assert "weight" in str(refused), refused
        assert name in REFUSES, f"{name}: {refused}"
        assert REFUSES[name] in str(refused)
        return
    assert name not in REFUSES
    out = analysis(written_out(data.assign(), who, many)).table
    one, two = (t["estimate"].to_numpy(float) for t in (made, out))
    assert one == pytest.approx(two, rel=1e-6, abs=1e-9, nan_ok=True)
