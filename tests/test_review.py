"""The monthly review, by hand: months of a calendar, what they brought, and what changed."""

from types import SimpleNamespace

import pandas as pd
import pytest

from workbench import intervals
from workbench.errors import NotEnoughData
from workbench.reports import review

MONTHS = [
    review.Month(pd.Timestamp(begin, tz="UTC"), pd.Timestamp(end, tz="UTC"))
    for begin, end in (
        ("2024-03-01", "2024-04-01"),
        ("2024-02-01", "2024-03-01"),
        ("2024-01-01", "2024-02-01"),
    )
]


def orders(rows):
    """Orders of (customer, day, amount)."""
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    return table.assign(ordered_at=pd.to_datetime(table["ordered_at"], utc=True), currency="EUR")


def source(table, zone="UTC"):
    """What a loaded source gives the review."""
    return SimpleNamespace(frame=lambda name: table, zone=zone)


def test_only_months_that_are_covered_count():
    """January begins late, April has not ended: two months are left, the newest first."""
    table = orders([("a", day, 1) for day in ("2024-01-05", "2024-02-10", "2024-04-02")])
    found = review.months(source(table))
    assert [str(m.day) for m in found] == ["2024-03-01", "2024-02-01"]
    with pytest.raises(NotEnoughData, match="2 full calendar months"):
        review.months(source(table[:2]))


def test_the_last_hour_of_a_month_is_local():
    """Half past eleven in the evening in UTC on 31 January is February in Amsterdam."""
    table = orders([("a", "2024-01-31 23:30", 1), ("a", "2024-03-31 12:00", 1)])
    found = review.months(source(table, "Europe/Amsterdam"), until="2024-03-31")
    assert [str(m.day) for m in found] == ["2024-03-01", "2024-02-01"]
    assert len(found[1].of(table, "ordered_at")) == 1


def test_what_a_month_brought_by_hand():
    """Twelve customers, 18 orders, 360 euros: an order is worth 20, as the ratio of sums says."""
    bought = [
        ("a", "2024-03-05", 10),
        ("a", "2024-03-09", 20),
        ("b", "2024-03-20", 30),
        ("a", "2024-02-05", 40),
        ("b", "2024-02-06", 40),
    ]
    table = orders([(f"{c}{k}", day, amount) for k in range(6) for c, day, amount in bought])
    result = review.business(table, MONTHS[:2])
    row = result.table.iloc[-1]
    assert row[["customers", "orders", "amount"]].tolist() == [12, 18, 360]
    assert row[["estimate", "conf_low", "conf_high"]].tolist() == pytest.approx(
        [v for i, v in enumerate(intervals.ratio([30, 30] * 6, [2, 1] * 6)) if i != 1]
    )
    assert result.currency == "EUR"
    facts = result.facts.set_index("name")["value"]
    assert facts["share"] == pytest.approx(0.25)
    assert "25.0 % less" in str(result.answer)


def test_who_stayed_by_hand():
    """Of three who bought in February one came back in March; two of the three buyers are new."""
    table = orders(
        [
            *((c, "2024-02-05", 1) for c in "abc"),
            ("a", "2024-03-05", 1),
            ("d", "2024-03-06", 1),
            ("e", "2024-03-07", 1),
        ]
    )
    rows = review.customers(table, *MONTHS[:2]).table.set_index("measure")
    assert rows.loc["bought_again", ["count", "n"]].tolist() == [1, 3]
    assert rows.loc["new_among_buyers", ["count", "n"]].tolist() == [2, 3]


def members(now, before):
    """Orders of members and others: (members, others) in March and in February."""
    rows = []
    for day, sizes in (("2024-03-05", now), ("2024-02-05", before)):
        for kind, size in zip(("member", "other"), sizes, strict=True):
            rows += [(f"{kind}{day}{k}", day, 1, kind) for k in range(size)]
    table = orders([row[:3] for row in rows])
    return table.assign(kind=[row[3] for row in rows])


def test_a_change_names_its_share_and_its_interval():
    """80 of 100 buyers after 50 of 100: Newcombe's interval leaves out 0, and it is said."""
    result = review.segments(members((80, 20), (50, 50)), MONTHS, "kind")
    row = result.table.set_index("kind").loc["member"]
    low, high = intervals.newcombe(80, 100, 50, 100)
    assert row[["count", "n", "month_before"]].tolist() == [80, 100, 0.5]
    assert row[["difference", "difference_low", "difference_high"]].tolist() == pytest.approx(
        [0.3, float(low), float(high)]
    )
    assert result.answer.id == "review.changed"
    assert "of buyers" in str(result.answer)


def test_what_chance_may_make_is_no_change():
    result = review.segments(members((52, 48), (50, 50)), MONTHS, "kind")
    assert result.answer.id == "review.unchanged"


def test_a_group_that_was_not_there_before_counts_nobody():
    """None of February's buyers was a member: a share of 0 with its denominator, not a gap."""
    result = review.segments(members((30, 70), (0, 100)), MONTHS, "kind")
    row = result.table.set_index("kind").loc["member"]
    assert row["month_before"] == 0
    assert row["difference"] == pytest.approx(0.3)


def test_a_group_that_is_gone_can_be_the_finding():
    """30 of 40 buyers were members, now none of 40: the row is there, and it is the answer."""
    result = review.segments(members((0, 40), (30, 10)), MONTHS, "kind")
    row = result.table.set_index("kind").loc["member"]
    assert row[["count", "n", "estimate", "month_before"]].tolist() == [0, 40, 0, 0.75]
    assert row["difference_high"] < 0
    assert result.answer.id == "review.changed"


def test_good_answers_by_hand():
    """Three of four answers are 4 or better in March, one of two in February."""
    answers = pd.DataFrame(
        {
            "answered_at": pd.to_datetime(["2024-03-02"] * 4 + ["2024-02-02"] * 2, utc=True),
            "item": "service",
            "value": [4, 5, 4, 1, 5, 2],
        }
    )
    result = review.voices(answers, MONTHS, "service", 4)
    row = result.table.iloc[0]
    assert row[["count", "n", "month_before"]].tolist() == [3, 4, 0.5]
    assert "4" in str(result.question)


def test_a_month_without_an_answer_is_said():
    """No empty figure, and no finding."""
    answers = pd.DataFrame(
        {
            "answered_at": pd.to_datetime(["2024-02-02"] * 20, utc=True),
            "item": "service",
            "value": [4] * 20,
        }
    )
    with pytest.raises(NotEnoughData, match="nobody answered 'service'"):
        review.voices(answers, MONTHS, "service", 4)


def test_few_of_the_month_before_are_not_told(monkeypatch, tmp_path):
    """In a report on own data 4 of 100 in February are withheld, as 4 of 100 in March would be; of
    public data they are shown.
    """
    made = review.segments(members((30, 70), (4, 96)), MONTHS, "kind").table.set_index("kind")
    assert made.loc["member", "month_before"] == 0.04
    monkeypatch.setenv("WORKBENCH_TABLES", str(tmp_path / "log"))
    made = review.kept(
        orders(
            [(f"a{i}", "2024-01-05", 1) for i in range(50)]
            + [(f"a{i}", "2024-02-05", 1) for i in range(46)]
            + [(f"b{i}", "2024-02-05", 1) for i in range(4)]
            + [(f"a{i}", "2024-03-05", 1) for i in range(30)]
            + [(f"c{i}", "2024-03-05", 1) for i in range(30)]
        ),
        MONTHS,
    )
    row = made.table.set_index("measure").loc["new_among_buyers"]
    assert row["count"] == 30 and row[["month_before", "difference"]].isna().all()
