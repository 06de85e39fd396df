"""Tables for people: what is withheld, how numbers are written, what folds, in both languages."""

import numpy as np
import pandas as pd
import pytest

from workbench.display import shares, speaking, tables
from workbench.display.readable import readable
from workbench.notes import Note
from workbench.results import Result
from workbench.results.charts import Points

SHARES = pd.DataFrame(
    {
        "group": ["customer_id", "a user's own", "few"],
        "count": [400, 5, 3],
        "n": [1000, 50, 8],
        "estimate": [0.4, 0.1, 0.375],
        "conf_low": [0.37, 0.04, 0.1],
        "conf_high": [0.431, 0.21, 0.7],
    }
)


def result(table=SHARES, **more):
    """A Result of shares with one small cell."""
    return Result(
        question=Note("demo.question", "How many <b>came</b> back?"),
        answer=Note("demo.answer", "{share:%} came back.", share=0.4),
        table=table,
        method=Note("demo.method", "Wilson intervals."),
        unit="customers",
        n=1058,
        limits=(Note("demo.limit", "Only {n} days.", n=30),),
        chart=Points(label=["group"], percent=True),
        **more,
    )


def test_a_small_cell_keeps_its_key_and_loses_its_numbers():
    """Under ten units there is nothing to read but that there are few."""
    text = tables.shown(SHARES)
    assert text.iloc[2].tolist() == ["few", "–", "<10", "–", "–", "–"]
    assert text.iloc[1].tolist() == ["a user's own", "5", "50", "0.1000", "0.04000", "0.2100"]


def test_a_withheld_row_cannot_be_had_by_subtraction():
    """What was counted is told lower than what is shown where a row is withheld."""
    assert "at least 1,040 customers" in str(tables.foot(result()))
    assert "Counted: 1,058 customers" in str(tables.foot(result(SHARES.head(2))))


def test_numbers_dates_and_words_as_people_read_them():
    """Shares, p-values, days, yes and no, missing values, notes and names of our own."""
    table = pd.DataFrame(
        {
            "day": pd.to_datetime(["2025-03-01", None]),
            "measure": ["conf_low", None],
            "said": [Note("demo", "{n} left", n=3), "x"],
            "signed": [True, False],
            "p_value": [1e-9, 0.25],
            "estimate": [0.5, float("nan")],
        }
    )
    text = tables.shown(table, shares=[True, True])
    assert list(text.columns) == ["day", "measure", "said", "signed", "p", "estimate"]
    assert text.iloc[0].tolist() == ["1 Mar 2025", "low", "3 left", "yes", "<0.001", "50.0 %"]
    assert text.iloc[1].tolist() == ["–", "–", "x", "no", "0.250", "–"]
    with speaking("nl"):
        dutch = tables.shown(table, shares=[True, True])
    assert dutch.iloc[0].tolist() == ["1 mrt 2025", "laag", "3 left", "ja", "<0,001", "50,0 %"]
    assert dutch.columns[-1] == "schatting"


def test_durations_are_written_in_words():
    """In a column of durations, and nowhere else: a product may be called 30D."""
    table = pd.DataFrame({"window": ["30D", "12h"], "product": ["30D", "12h"], "n": [50, 50]})
    assert tables.shown(table).iloc[0].tolist() == ["30 days", "30D", "50"]
    with speaking("nl"):
        assert tables.shown(table).iloc[1].tolist() == ["12 uur", "12h", "50"]


def test_shares_are_percentages_and_other_numbers_are_not():
    """A share is what the chart draws as one, or what is counted over n throughout a measure."""
    mixed = SHARES.head(2).assign(measure=["rate", "days"], count=[400, None], rate=[0.25, 0.5])
    both = result(mixed)
    assert shares.are_shares(both).tolist() == [True, True]
    chart = Points(label=["group"], percent=True, only={"measure": "rate"})
    some = Result(**{**vars(both), "chart": chart})
    assert shares.are_shares(some).tolist() == [True, False]
    for word in ("40.0 %", "0.1000", "50.0 %"):
        assert word in some._repr_html_() and word in repr(some)
    none = Result(**{**vars(both), "chart": None})
    assert shares.are_shares(none).tolist() == [True, False], "the chart is not needed for it"
    off = mixed.assign(estimate=[0.41, 0.1])
    assert not shares.are_shares(Result(**{**vars(none), "table": off})).any()
    apart = Points(label=["group"], points=True)
    points = Result(**{**vars(both), "table": off, "chart": apart})
    assert "41 pp" in repr(points)
    with speaking("nl"):
        assert "25,0 %" in repr(points)


def test_only_differences_of_shares_are_points():
    """A group less another is in points where its measure is a share, and a plain number else."""
    rows = [
        ("bought", "a", 40, 100, 0.4),
        ("bought", "a_less_b", None, 200, 0.1),
        ("score", "a_less_b", None, 200, 1.25),
        ("difference", "a_less_b", None, 200, 0.1),
    ]
    table = pd.DataFrame(rows, columns=["measure", "group", "count", "n", "estimate"])
    made = Result(**{**vars(result(SHARES)), "table": table, "chart": None})
    assert shares.apart_rows(made).tolist() == [False, True, False, True]
    alone = Result(**{**vars(made), "table": table.iloc[:2].drop(columns="measure")})
    assert shares.apart_rows(alone).tolist() == [False, True]


@pytest.mark.parametrize(
    ("rows", "folded", "left_out"), [(16, 0, 0), (17, 5, 0), (200, 188, 0), (230, 188, 30)]
)
def test_long_tables_fold(rows, folded, left_out):
    """Twelve rows stand open, a few more are not worth a fold, over 200 are not shown."""
    page = tables.table_html(pd.DataFrame({"x": range(rows)}), "Caption")
    assert page.count("<caption>Caption</caption>") == 1
    assert ("<details>" in page) == bool(folded)
    assert (f"{folded} more rows" in page) == bool(folded)
    assert (f"and {left_out} more rows" in page) == bool(left_out)
    assert page.count("<td") == rows - left_out


def test_what_was_found_stands_above_the_table():
    """Question, answer, numbers, method, limits; nothing of it is taken for markup."""
    page, text = tables.result_html(result()), tables.result_text(result())
    for said in (page, text):
        places = [said.index(part) for part in ("40.0 % came back", "Wilson", "Only 30 days")]
        assert places == sorted(places)
    assert "<b>came" not in page and "&lt;b&gt;came" in page
    assert 'scope="col" class="number">n<' in page
    with speaking("nl"):
        assert "Aantal: minstens 1.040 klanten" in tables.result_text(result())


def test_an_interval_is_one_column_and_nothing_stands_empty():
    """The page shows what a reader needs; the table keeps every column."""
    table = pd.DataFrame(
        {
            "group": ["a", "b"],
            "count": [40, np.nan],
            "n": [100, 50],
            "estimate": [0.4, 0.5],
            "std_error": [0.05, 0.07],
            "conf_low": [0.3, np.nan],
            "conf_high": [0.5, np.nan],
            "note": [None, None],
        }
    )
    text = readable(tables.shown(table, np.array([True, True])))
    assert list(text.columns) == ["group", "count", "n", "estimate", "interval"]
    assert text["interval"].tolist() == ["30.0 – 50.0 %", "–"]
    page = tables.table_html(table)
    assert "std. error" not in page and page.count("<th scope") == 5
    assert page.count('<th scope="col" class="number">') == 4


def test_a_column_called_interval_stays():
    """The limits then stand under the names of both."""
    table = pd.DataFrame({"interval": ["a"], "n": [20], "conf_low": [1.0], "conf_high": [2.0]})
    text = readable(tables.shown(table))
    assert list(text.columns) == ["interval", "n", "low – high"]


def test_cohorts_are_months():
    """Days that begin months are months; missing days stay missing."""
    days = pd.DataFrame({"cohort": pd.to_datetime(["2025-01-01", "2025-02-01", None])})
    assert tables.shown(days)["cohort"].tolist() == ["Jan 2025", "Feb 2025", "–"]
