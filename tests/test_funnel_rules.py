"""The funnel's further rules: by hand, by exhaustive search, and each tool's documented number."""

import numpy as np
import pandas as pd
import pytest
from brute import opened, rich
from conftest import THOROUGH, log, same
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_funnels import counts, random_log

from workbench import funnels, intervals
from workbench.errors import InputError

SETTINGS = settings(
    max_examples=75 * THOROUGH, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
ROW = st.tuples(
    st.sampled_from("abc"), st.integers(0, 12), st.sampled_from(["p", "q", "r", "s", "x"])
)
ROWS = st.lists(ROW, min_size=1, max_size=13)
END = ("end", 12, "p")


def whole(rows):
    """Rows with one lone event of every name, so that each is present, and an end."""
    return [*rows, *((f"only-{e}", 0, e) for e in "pqrsx"), END]


def test_an_excluded_event_in_both_known_semantics():
    """Ann asks for help between view and buy; Bob does so in his first try only; Cas never. Equal
    counts by hand.
    """
    events = log(
        [
            ("ann", 0, "view"),
            ("ann", 1, "cart"),
            ("ann", 2, "help"),
            ("ann", 3, "buy"),
            ("bob", 0, "view"),
            ("bob", 1, "help"),
            ("bob", 10, "view"),
            ("bob", 11, "cart"),
            ("bob", 12, "buy"),
            ("cas", 0, "view"),
            ("end", 500, "other"),
        ]
    )
    options = {"window": "24h", "exclude": ["help"]}
    kept = funnels.conversion(events, ["view", "cart", "buy"], exclusion="ends", **options)
    assert counts(kept) == [3, 2, 1], "Ann keeps view and cart"
    gone = funnels.conversion(events, ["view", "cart", "buy"], exclusion="removes", **options)
    assert counts(gone) == [2, 1, 1], "Ann leaves the whole funnel; Bob's clean second try counts"
    assert any("1 customer met" in str(s) for s in gone.limits)
    late = funnels.conversion(events, ["view", "cart", "buy"], exclude_between=(1, 2), **options)
    assert counts(late) == [3, 2, 2], "help after the cart is allowed"


def test_windows_between_steps_optional_steps_and_alternatives():
    """One step in time and one too late; a step skipped; a step filled by either of two events."""
    events = log(
        [
            ("ann", 0, "view"),
            ("ann", 1, "cart"),
            ("ann", 9, "buy"),
            ("bob", 0, "view"),
            ("bob", 2, "buy"),
            ("cas", 0, "view"),
            ("cas", 1, "wish"),
            ("cas", 2, "buy"),
            ("end", 500, "other"),
        ]
    )
    steps = ["view", "cart", "buy"]
    assert counts(funnels.conversion(events, steps, window="24h", step_windows="5h")) == [3, 1, 0]
    assert counts(funnels.conversion(events, steps, window="24h", step_windows=[None, "9h"])) == [
        3,
        1,
        1,
    ]
    made = funnels.conversion(events, steps, window="24h", optional=["cart"])
    assert counts(made) == [3, 1, 3]
    row = made.table.set_index(["basis", "step"]).loc[("previous", "buy")]
    assert (row["count"], row["n"]) == (3, 3), "of those at the last step that cannot be skipped"
    made = funnels.conversion(events, ["view", ["cart", "wish"], "buy"], window="24h")
    assert counts(made) == [3, 2, 2] and made.table["step"].iloc[1] == "cart / wish"


def test_entry_at_any_step():
    """Dan comes in at the cart: he is seen there, and counts for what follows."""
    events = log(
        [
            ("ann", 0, "view"),
            ("ann", 1, "cart"),
            ("dan", 0, "cart"),
            ("dan", 1, "buy"),
            ("end", 500, "other"),
        ]
    )
    table = funnels.conversion(
        events, ["view", "cart", "buy"], window="24h", enter="any"
    ).table.set_index(["basis", "step"])
    assert table.loc["entry"]["count"].tolist() == [1, 2, 1]
    assert (table.loc["entry"]["n"] == 2).all()
    assert table.loc["previous"][["count", "n"]].to_numpy().tolist() == [[1, 1], [1, 2]]


def test_steps_two_seconds_apart_may_come_either_way():
    """The cart is logged a second before the view."""
    at = pd.to_datetime(
        ["2024-01-01 00:00:01", "2024-01-01 00:00:00", "2024-01-01 00:00:05", "2024-02-01"],
        format="ISO8601",
    )
    events = pd.DataFrame(
        {"customer_id": list("aaaz"), "occurred_at": at, "event": ["view", "cart", "buy", "other"]}
    )
    steps = ["view", "cart", "buy"]
    assert counts(funnels.conversion(events, steps)) == [1, 0, 0]
    assert counts(funnels.conversion(events, steps, ties="2s")) == [1, 1, 1]
    assert counts(funnels.conversion(events, steps, ties="500ms")) == [1, 0, 0]


@SETTINGS
@given(
    rows=ROWS,
    window=st.sampled_from([None, 2, 5]),
    optional=st.sampled_from([(), (1,), (1, 2)]),
    widths=st.sampled_from([None, [1, None, 2], [3, 1, 1]]),
    exclude=st.booleans(),
    between=st.sampled_from([None, (0, 1), (1, 3), (2, 3)]),
    slack=st.sampled_from([0, 1, 3]),
    entry=st.sampled_from(["every", "first"]),
    either=st.booleans(),
)
def test_further_rules_agree_with_exhaustive_search(
    rows, window, optional, widths, exclude, between, slack, entry, either
):
    """Optional and OR steps, windows from step to step, exclusions that end, tolerance: every count
    equals that of trying all chains.
    """
    steps = [("p",), ("q", "x") if either and not exclude else ("q",), ("r",), ("s",)]
    if entry == "first" or exclude:
        rows = [(c, i + t * 100, e) for i, (c, t, e) in enumerate(rows)]
        window, widths, slack = (
            (None if window is None else window * 100),
            ([None if w is None else w * 100 for w in widths] if widths else None),
            slack * 100,
        )
    rows = whole(rows)
    end = max(r[1] for r in rows)
    expected = rich(
        rows,
        steps,
        end=end,
        window=window,
        optional=optional,
        step_windows=widths,
        exclude=("x",) if exclude else (),
        between=between,
        slack=slack,
        entry=entry,
    )
    if not expected[0]:
        return  # nobody mature: NotEnoughData, tested elsewhere
    made = funnels.conversion(
        log(rows),
        [list(s) for s in steps],
        window=None if window is None else f"{window}h",
        entry=entry,
        optional=[" / ".join(steps[i]) for i in optional],
        step_windows=None if widths is None else [None if w is None else f"{w}h" for w in widths],
        exclude=["x"] if exclude else [],
        exclude_between=None if between is None else (between[0] + 1, between[1] + 1),
        ties=f"{slack}h" if slack else None,
        until="2030-01-01" if window is None else None,
    )
    assert counts(made) == expected


@SETTINGS
@given(
    rows=ROWS,
    window=st.sampled_from([None, 2, 5]),
    between=st.sampled_from([None, (0, 1), (1, 2)]),
    entry=st.sampled_from(["every", "first"]),
)
def test_removing_exclusions_agree_with_exhaustive_search(rows, window, between, entry):
    """An attempt that meets the excluded event counts for nothing; another of the same customer
    may.
    """
    steps = [("p",), ("q",), ("r",)]
    rows = [(c, i + t * 100, e) for i, (c, t, e) in enumerate(rows)]
    window = None if window is None else window * 100
    rows = whole(rows)
    end = max(r[1] for r in rows)
    expected = rich(
        rows,
        steps,
        end=end,
        window=window,
        exclude=("x",),
        between=between,
        exclusion="removes",
        entry=entry,
    )
    if not expected[0]:
        return  # everyone left the funnel: NotEnoughData, tested by hand
    made = funnels.conversion(
        log(rows),
        ["p", "q", "r"],
        window=None if window is None else f"{window}h",
        exclude="x",
        exclusion="removes",
        entry=entry,
        exclude_between=None if between is None else (between[0] + 1, between[1] + 1),
        immature="leave_out",
    )
    assert counts(made) == expected


@SETTINGS
@given(rows=ROWS, window=st.sampled_from([None, 2, 5]), exclude=st.booleans())
def test_open_funnels_agree_with_exhaustive_search(rows, window, exclude):
    """Entry at any step."""
    steps = [("p",), ("q",), ("r",)]
    rows = whole(rows)
    anywhere, at, on = opened(rows, steps, end=12, window=window, exclude=("x",) if exclude else ())
    table = funnels.conversion(
        log(rows),
        ["p", "q", "r"],
        window=None if window is None else f"{window}h",
        enter="any",
        exclude=["x"] if exclude else [],
    ).table
    entry = table[table["basis"] == "entry"]
    assert entry["count"].tolist() == at and (entry["n"] == anywhere).all()
    assert table.loc[table["basis"] == "previous", "count"].tolist() == on


def test_options_that_do_not_go_together_are_refused():
    """A clear word instead of a number nobody can define."""
    events = random_log(200, 3)
    for options in (
        {"order": "strict", "exclude": ["x"]},
        {"exclude": ["p"], "exclusion": "removes"},
        {"exclude": ["p"], "enter": "any"},
        {"exclude": ["p"], "ties": "1h"},
        {"exclusion": "removes", "exclude": ["x"], "optional": ["q"]},
        {"enter": "any", "entry": "first"},
        {"optional": ["p"]},
        {"optional": ["z"]},
        {"exclude_between": (2, 1), "exclude": ["x"]},
        {"step_windows": ["1h"]},
        {"semantics": "excel"},
        {"enter": "any", "optional": ["q"]},
    ):
        with pytest.raises(InputError):
            funnels.conversion(events, ["p", "q", "r"], window="9h", **options)
    with pytest.raises(InputError, match="one step or equal steps"):
        funnels.conversion(events, ["p", ["p", "q"]])


def test_each_tool_has_its_documented_number():
    """One log on which the four tools part: re-entry, a late finish, a swapped pair within two
    seconds, an excluded event.
    """

    def at(*rows):
        frame = pd.DataFrame(rows, columns=["customer_id", "occurred_at", "event"])
        return frame.assign(occurred_at=pd.to_datetime(frame["occurred_at"], format="ISO8601"))

    events = at(
        ("reentry", "2024-01-01", "view"),
        ("reentry", "2024-01-20", "view"),
        ("reentry", "2024-01-21", "buy"),
        ("late", "2024-01-01", "view"),
        ("late", "2024-01-13", "buy"),
        ("month", "2024-01-01", "view"),
        ("month", "2024-01-26", "buy"),
        ("year", "2024-01-01", "view"),
        ("year", "2024-12-01", "buy"),
        ("swap1", "2024-01-01 00:00:01", "view"),
        ("swap1", "2024-01-01 00:00:00.500", "buy"),
        ("swap2", "2024-01-01 00:00:01.900", "view"),
        ("swap2", "2024-01-01 00:00:00", "buy"),
        ("help", "2024-01-01", "view"),
        ("help", "2024-01-02", "help"),
        ("help", "2024-01-03", "buy"),
        ("young", "2024-12-30", "view"),
        ("end", "2024-12-31", "help"),
    )
    found = {
        tool: counts(funnels.conversion(events, ["view", "buy"], semantics=tool, exclude=["help"]))
        for tool in funnels.SEMANTICS
    }
    assert found["posthog"] == [
        7,
        2,
    ], "re-entry and late within 14 days; the one who asked for help is gone"
    assert found["mixpanel"] == [8, 2], "first entry, 7 days: only the two swapped pairs"
    assert found["ga4"] == [8, 4], "no window"
    assert found["amplitude"] == [
        8,
        4,
    ], "30 days, one second either way: re-entry, late, month and one swapped pair"
    young = funnels.conversion(events, ["view", "buy"], semantics="ga4", window="14D")
    assert young.table["immature"].iloc[0] == 1 and "too late" in str(young.limits[0]), (
        "counted, and said so"
    )
    own = funnels.conversion(events, ["view", "buy"], exclude=["help"])
    assert counts(own) == [7, 2] and own.table["immature"].iloc[0] == 1


def test_definitions_are_compared_on_the_same_people():
    """Each row equals the funnel made alone; the paired interval matches a bootstrap over
    customers.
    """
    events = random_log(3000, 5)
    made = funnels.compare_definitions(events, ["p", "q", "r"], window="9h", exclude=["x"])
    table = made.table.set_index("definition")
    for tool in funnels.SEMANTICS:
        alone = funnels.conversion(events, ["p", "q", "r"], semantics=tool, exclude=["x"]).table
        row = alone[(alone["basis"] == "entry") & (alone["step_number"] == 3)].iloc[0]
        assert (table.loc[tool, "count"], table.loc[tool, "n"]) == (row["count"], row["n"])
    assert (
        table.loc["workbench", "n"]
        == counts(funnels.conversion(events, ["p", "q", "r"], window="9h", exclude=["x"]))[0]
    )
    rng = np.random.default_rng(1)
    customers = events["customer_id"].unique()
    groups = dict(iter(events.groupby("customer_id")))
    gaps = []
    end = events["occurred_at"].max()
    for _ in range(30):
        drawn = rng.choice(customers, len(customers))
        again = pd.concat([groups[c].assign(customer_id=f"{i}") for i, c in enumerate(drawn)])
        rows = funnels.compare_definitions(
            again, ["p", "q", "r"], window="9h", exclude=["x"], until=end
        ).table.set_index("definition")
        gaps.append(rows.loc["mixpanel", "difference"])
    se = (table.loc["mixpanel", "difference_high"] - table.loc["mixpanel", "difference_low"]) / (
        2 * intervals.z(0.95)
    )
    assert se == pytest.approx(np.std(gaps), rel=0.35)


def test_groups_are_compared_with_correction():
    """By hand: 30 of 60 against 15 of 60; equal to two-sided score test and Newcombe; trend over
    numeric groups.
    """
    rows = []
    for g, done in ((1, 15), (2, 22), (3, 30)):
        rows += [(f"{g}-{i}", 0, "view", g, "") for i in range(60)] + [
            (f"{g}-{i}", 1, "buy", g, "") for i in range(done)
        ]
    rows.append(("end", 9999, "view", 1, ""))
    events = log(rows)
    made = funnels.compare_groups(events, ["view", "buy"], by="group", window="24h")
    table = made.table.set_index("group")
    low, high = intervals.newcombe(15, 60, 52, 120)
    assert (table.loc[1, "conf_low"], table.loc[1, "conf_high"]) == pytest.approx(
        (float(low), float(high))
    )
    from scipy.stats import chi2_contingency

    assert table.loc[1, "p_value"] == pytest.approx(
        chi2_contingency([[15, 45], [52, 68]], correction=False).pvalue
    )
    assert (table["p_holm"] >= table["p_value"]).all()
    # Cochran–Armitage by its definition: N (sum x_i r_i - r xbar)^2 / ...
    dose, y, n = np.array([1, 2, 3]), np.array([15, 22, 30]), np.array([60, 60, 60])
    p = y.sum() / n.sum()
    z = ((dose - 2) * (y - n * p)).sum() / np.sqrt(p * (1 - p) * (n * (dose - 2) ** 2).sum())
    from scipy.stats import norm

    assert f"{2 * norm.sf(abs(z)):.2g}"[:4] in str(made.limits[-1])


def test_time_to_convert_counts_those_who_never_do():
    """Two finish, one is stopped by help, one runs out of the window, one is cut off by the end of
    the data.
    """
    events = log(
        [
            ("a", 0, "view"),
            ("a", 24, "buy"),
            ("b", 0, "view"),
            ("b", 48, "buy"),
            ("c", 0, "view"),
            ("c", 36, "help"),
            ("c", 40, "buy"),
            ("d", 0, "view"),
            ("e", 200, "view"),
            ("z", 210, "other"),
        ]
    )
    made = funnels.time_to_convert(events, ["view", "buy"], window="4D", exclude=["help"])
    from workbench import survival

    expected = survival.incidence([1, 2, 1.5, 4, 10 / 24], [1, 1, 2, 0, 0])
    same(
        made.table.rename(columns={"days": "time", "n": "at_risk"})[
            ["time", "at_risk", "estimate"]
        ],
        expected[["time", "at_risk", "estimate"]],
    )


def test_both_engines_agree_on_every_rule(to_spark):
    """DuckDB and Spark give the same tables."""
    events = random_log(600, 9)
    far = to_spark(events)
    for options in (
        {"exclude": ["x"], "exclusion": "removes"},
        {"exclude": ["x"], "optional": ["q"], "step_windows": "5h"},
        {"enter": "any"},
        {"semantics": "mixpanel"},
        {"ties": "1h", "by": "group"},
    ):
        same(
            funnels.conversion(far, ["p", "q", "r"], **{"window": "9h", **options}).table,
            funnels.conversion(events, ["p", "q", "r"], **{"window": "9h", **options}).table,
        )
    same(
        funnels.compare_definitions(far, ["p", "q", "r"], window="9h").table,
        funnels.compare_definitions(events, ["p", "q", "r"], window="9h").table,
    )
    same(
        funnels.time_to_convert(far, ["p", "q", "r"], window="9h").table,
        funnels.time_to_convert(events, ["p", "q", "r"], window="9h").table,
    )


def test_a_step_that_excludes_itself_agrees_with_exhaustive_search():
    """A second event of a step between two others ends the attempt: 300 random logs, every chain
    tried; by hand, only the last of two views may go on.
    """
    rng = np.random.default_rng(12)
    steps = [("p",), ("q",), ("r",)]
    for number in range(300):
        n = int(rng.integers(1, 14))
        rows = list(
            zip(
                rng.choice(list("abc"), n),
                (int(t) for t in rng.permutation(30)[:n]),
                rng.choice(list("pqrx"), n),
                strict=True,
            )
        )
        rows = [*rows, *((f"only-{e}", 0, e) for e in "pqrx"), ("end", 30, "x")]
        exclude = [("p",), ("q",), ("p", "x"), ("p", "q", "r")][number % 4]
        entry, window = ("every", "first")[number % 2], (None, 12)[number % 3 > 0]
        expected = rich(rows, steps, end=30, window=window, exclude=exclude, entry=entry)
        made = funnels.conversion(
            log(rows),
            ["p", "q", "r"],
            window=None if window is None else f"{window}h",
            exclude=list(exclude),
            entry=entry,
        )
        assert counts(made) == expected, number
    rows = [("a", 0, "p"), ("a", 1, "p"), ("a", 2, "q"), ("z", 99, "x")]
    for entry, reached in (("every", 1), ("first", 0)):
        made = funnels.conversion(log(rows), ["p", "q"], window="9h", exclude="p", entry=entry)
        assert counts(made) == [1, reached]
