"""Figures for people: every kind draws the rows of its table and says them as text."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from workbench.display import figures, marks, speaking
from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Result
from workbench.results.charts import Curve, Flow, Heat, Points


def result(table, chart):
    """A Result with this table and chart."""
    return Result(
        question=Note("demo.question", "How many came back?"),
        table=pd.DataFrame(table),
        method="by hand",
        unit="customers",
        n=1000,
        limits=("They were followed for a short time.",),
        chart=chart,
    )


def shares(names, **more):
    """Rows of shares with intervals around them."""
    estimate = np.linspace(0.2, 0.6, len(names))
    return {
        "group": names,
        "n": [100] * len(names),
        "estimate": estimate,
        "conf_low": estimate - 0.1,
        "conf_high": estimate + 0.1,
        **more,
    }


@pytest.fixture(autouse=True)
def closed():
    """Close what a test has drawn."""
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


def texts(ax):
    """Everything written inside the axes."""
    return [t.get_text() for t in ax.texts]


def test_points_show_each_row_with_its_number_and_interval():
    """Three rows: three dots, three intervals, three numbers; a small cell is not drawn."""
    table = shares(["a", "conf_low", "c", "few"])
    table["n"][3] = 4
    ax = figures.draw(result(table, Points(label=["group"], percent=True)))
    assert texts(ax) == ["20.0 %", "33.3 %", "46.7 %"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "conf_low", "c"]
    dots = [c for c in ax.collections if isinstance(c, PathCollection)]
    assert sum(len(c.get_offsets()) for c in dots) == 3


def test_groups_of_one_label_share_its_line():
    """Two shops by two measures: two lines and a legend of two names."""
    table = shares(["x", "x", "y", "y"], shop=["one", "two", "one", "two"])
    ax = figures.draw(result(table, Points(label=["group"], group="shop", percent=True)))
    assert len(ax.get_yticks()) == 2
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["one", "two"]


def test_points_may_have_a_reference_a_logarithm_and_a_mark_beside():
    """A ratio stands on a logarithmic axis with its 1; what a law says is an open mark."""
    table = shares(["a", "b"], law=[0.3, 0.5])
    chart = Points(label=["group"], reference=1.0, log=True, beside="law")
    ax = figures.draw(result(table, chart))
    assert ax.get_xscale() == "log"
    assert any(line.get_xdata()[0] == 1.0 for line in ax.lines)
    assert ax.get_legend().get_texts()[0].get_text() == "as the law predicts"


def test_a_curve_names_its_groups_at_the_end():
    """A line and a band a group, the name beside the last point, none over another."""
    table = shares(list("aabb"), day=[1, 2, 1, 2])
    ax = figures.draw(result(table, Curve(x="day", group="group", percent=True, step=True)))
    assert len(ax.lines) == 2 and len(ax.collections) == 2
    ends = {t.get_text(): t.xy for t in ax.texts}
    assert set(ends) == {"a", "b"} and ends["b"][1] > ends["a"][1]


def test_a_matrix_leaves_the_future_empty():
    """Four cells, one of them to come: three numbers."""
    table = {
        "cohort": ["jan", "jan", "feb", "feb"],
        "month": [0, 1, 0, 1],
        "n": [50] * 4,
        "estimate": [1.0, 0.4, 1.0, float("nan")],
    }
    ax = figures.draw(result(table, Heat(row="cohort", column="month", percent=True)))
    assert sorted(filter(None, texts(ax))) == ["100", "100", "40"]


def test_a_flow_keeps_its_sizes():
    """Of 100 who start 60 go on and 40 leave: the bars are as high as their shares."""
    table = {
        "from_stage": ["start", "need", "need"],
        "to_stage": ["need", "search", "abandoned"],
        "count": [100, 60, 40],
        "n": [100, 100, 100],
        "estimate": [1.0, 0.6, 0.4],
    }
    chart = Flow(label=["from_stage", "to_stage"], stages=["need", "search"], percent=True)
    ax = figures.draw(result(table, chart))
    bars = [p.get_height() for p in ax.patches if hasattr(p, "get_height")]
    assert bars == pytest.approx([1.0, 0.6])
    assert any("abandoned 40.0 %" in text for text in texts(ax))


def test_the_text_twin_says_what_is_drawn():
    """Question, rows with intervals, the first limit; in Dutch with Dutch words and signs."""
    drawn = result(shares(["conf_low", "b"]), Points(label=["group"], percent=True))
    lines = figures.describe(drawn).splitlines()
    assert lines[0] == "How many came back?"
    assert lines[1] == "conf_low: 20.0 % (10.0 % – 30.0 %)"
    assert lines[-1] == "They were followed for a short time."
    with speaking("nl"):
        assert figures.describe(drawn).splitlines()[1] == "conf_low: 20,0 % (10,0 % – 30,0 %)"
    bundle, details = figures.Drawing(drawn)._repr_mimebundle_()
    assert details["image/png"]["alt"] == bundle["text/plain"] == "\n".join(lines)


def test_values_are_written_as_the_chart_says():
    """A share, a difference in percentage points, a plain number, nothing."""
    assert marks.value(0.0312, Points(percent=True)) == "3.1 %"
    assert marks.value(0.0312, Points(points=True)) == "3.1 pp"
    assert marks.value(0.00123, Points(points=True)) == "0.12 pp"
    assert marks.value(12.3456, Points()) == "12.3"
    assert marks.value(float("nan"), Points()) == "–"


def test_without_a_chart_there_is_nothing_to_draw():
    """It is said, not guessed."""
    with pytest.raises(InputError, match="no chart"):
        figures.draw(result(shares(["a"]), None))
