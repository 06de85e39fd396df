"""Figures for people: every kind draws the rows of its table and says them as text."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from workbench.display import figures, marks, speaking
from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Result
from workbench.results.charts import Curve, Flow, Funnel, Heat, Law, Points


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
    assert [t.get_text() for t in ax.figure.legends[0].get_texts()] == ["one", "two"]


def test_points_may_have_a_reference_a_logarithm_and_a_mark_beside():
    """A ratio stands on a logarithmic axis with its 1; what a law says is an open mark."""
    table = shares(["a", "b"], law=[0.3, 0.5])
    chart = Points(label=["group"], reference=1.0, log=True, beside="law")
    ax = figures.draw(result(table, chart))
    assert ax.get_xscale() == "log"
    assert any(line.get_xdata()[0] == 1.0 for line in ax.lines)
    assert ax.figure.legends[0].get_texts()[0].get_text() == "as the law predicts"


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
    assert any("abandoned 40.0 %" in text.replace("\n", " ") for text in texts(ax))


def test_the_text_twin_says_what_is_drawn():
    """Question, rows with intervals, the first limit; in Dutch with Dutch signs."""
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


def boxes(things, renderer):
    """The places on the canvas of what is written, empty texts left out."""
    shown = [t for t in things if t.get_text()]
    return [(t.get_text(), t.get_window_extent(renderer)) for t in shown]


def drawn(made):
    """Draw a Result and return the Axes with their renderer."""
    ax = figures.draw(made)
    ax.figure.canvas.draw()
    return ax, ax.figure.canvas.get_renderer()


def overlaps(found):
    """Pairs of texts that stand over one another (touching by a pixel does not count)."""
    return [
        (a, b)
        for i, (a, one) in enumerate(found)
        for b, other in found[i + 1 :]
        if min(one.x1, other.x1) - max(one.x0, other.x0) > 1
        and min(one.y1, other.y1) - max(one.y0, other.y0) > 1
    ]


LONG = "need recognition > information search > evaluation of alternatives > intention {i}"


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("rows", [1, 5, 40])
@pytest.mark.parametrize("name", ["group {i}", LONG])
def test_no_text_stands_over_another(language, rows, name):
    """Labels of rows, numbers beside dots and the axis itself: none covers another."""
    table = shares([name.format(i=i) for i in range(rows)])
    table["estimate"] = np.linspace(0.001, 0.9, rows)
    with speaking(language):
        ax, renderer = drawn(result(table, Points(label=["group"], percent=True)))
    labels = boxes(ax.get_yticklabels(), renderer)
    numbers = boxes(ax.texts, renderer)
    assert len(labels) == rows and not overlaps(labels) and not overlaps(numbers)
    axis = ax.spines["left"].get_window_extent(renderer).x0
    assert all(box.x0 >= axis - 1 for _, box in numbers), "no number stands over the axis"
    assert not overlaps([*boxes(ax.get_xticklabels(), renderer)])


def test_a_legend_covers_no_interval():
    """Names of marks stand under the figure."""
    table = shares(["a", "a", "b", "b"], kind=["x", "y", "x", "y"])
    ax, renderer = drawn(result(table, Points(label=["group"], group="kind", percent=True)))
    (legend,) = ax.figure.legends
    assert legend.get_window_extent(renderer).y1 <= ax.get_window_extent(renderer).y0


def test_keys_stand_in_the_order_people_count_in():
    """Numbers within names count as numbers; stages stand in the order of a decision."""
    assert marks.in_order(["mail 1", "mail 10", "mail 2"]) == ["mail 1", "mail 2", "mail 10"]
    assert marks.in_order(["evaluation", "intent", "need"]) == ["need", "evaluation", "intent"]
    assert marks.in_order(["b", "a", "b"]) == ["b", "a"], "an order that was chosen stays"


def test_bare_numbers_say_what_they_number():
    """Days of silence beside the number of a purchase."""
    assert marks.keys([13, 8], "silence", named=True) == ["silence 13", "silence 8"]
    assert marks.keys([13, 8], "silence") == ["13", "8"]


def test_months_are_named_in_the_language():
    """First days of months are months; other days are days."""
    months = pd.to_datetime(["2017-01-01", "2017-03-01"])
    assert marks.keys(months) == ["Jan 2017", "Mar 2017"]
    with speaking("nl"):
        assert marks.keys(months) == ["jan 2017", "mrt 2017"]
    assert marks.keys(pd.to_datetime(["2017-01-02"])) == ["2 Jan 2017"]


def test_matrices_of_shares_have_one_scale():
    """Small shares and large ones are coloured alike, and every cell is numbered at any size."""
    for top, size in ((0.1, 3), (0.9, 24)):
        table = pd.DataFrame(
            [(r, c, top * (r + 1) / size) for r in range(size) for c in range(size)],
            columns=["cohort", "age", "estimate"],
        )
        ax = figures.draw(result(table, Heat(row="cohort", column="age", percent=True)))
        mesh = ax.collections[0]
        assert (mesh.norm.vmin, mesh.norm.vmax) == (0, 1)
        assert len(texts(ax)) == size * size


def test_a_line_of_shares_begins_at_zero_and_has_whole_months():
    """No axis that begins at 7 %, no half months."""
    table = {"age": range(8), "estimate": np.linspace(0.7, 0.9, 8)}
    ax, _ = drawn(result(table, Curve(x="age", percent=True)))
    assert ax.get_ylim()[0] == 0
    assert all(float(t.get_text()) % 1 == 0 for t in ax.get_xticklabels())


def matrix(size, named):
    """A matrix of shares with names or numbers as columns."""
    columns = [f"stage {i} of all" if named else i for i in range(size)]
    rows = [
        (f"group {r}", c, 0.9 * (i + 1) / size) for r in range(size) for i, c in enumerate(columns)
    ]
    table = pd.DataFrame(rows, columns=["cohort", "age", "estimate"])
    return result(table, Heat(row="cohort", column="age", percent=True, xlabel="x", ylabel="y"))


def lines(size):
    """Lines of many groups that end close together."""
    rows = [(f"group number {g}", d, 0.5 + 0.001 * g) for g in range(size) for d in range(5)]
    table = pd.DataFrame(rows, columns=["group", "day", "estimate"])
    return result(table, Curve(x="day", group="group", percent=True, xlabel="Days"))


def flow(size):
    """Stages of which each loses some."""
    stages = [f"stage {i}" for i in range(size)]
    rows = [("start", stages[0], 1000)]
    for a, b in pairwise(stages):
        rows += [(a, b, 700), (a, "abandoned", 200), (a, "still_going", 100)]
    table = pd.DataFrame(rows, columns=["from_stage", "to_stage", "count"])
    table = table.assign(n=1000, estimate=table["count"] / 1000)
    return result(table, Flow(label=["from_stage", "to_stage"], stages=stages, percent=True))


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("size", [5, 40])
@pytest.mark.parametrize("made", [lambda n: matrix(n, True), lambda n: matrix(n, False), lines])
def test_matrices_and_lines_have_no_text_over_another(made, size, language):
    """Names of rows, columns and lines, and the numbers in cells: within the figure, none over
    another.
    """
    with speaking(language):
        ax, renderer = drawn(made(size))
        # Of a matrix one row of numbers stands for all: they are set alike.
        shown = boxes([*ax.texts[:size], *ax.get_yticklabels()], renderer)
        assert not overlaps(shown)
        assert not overlaps(boxes(ax.get_yticklabels(), renderer))
        edge = ax.figure.bbox
        within = [b for _, b in boxes([*ax.get_yticklabels(), *ax.texts[:size]], renderer)]
        assert all(b.x0 >= -1 and b.x1 <= edge.x1 + 1 and b.y0 >= -1 for b in within)


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("size", [3, 5, 8])
def test_stages_of_a_flow_stand_apart(size, language):
    """Their names beside one another, and what leaves below them, in both languages."""
    with speaking(language):
        ax, renderer = drawn(flow(size))
        assert not overlaps(boxes(ax.texts, renderer))


@pytest.mark.parametrize(
    "made", [lambda: result(shares(list("ab")), Points(label=["group"])), lambda: lines(3)]
)
def test_every_figure_has_one_width_and_one_size_of_text(made):
    """As broad as a sheet between its margins, and words of ten points."""
    ax, _ = drawn(made())
    assert ax.figure.get_size_inches()[0] == marks.WIDTH
    words = [
        *ax.get_xticklabels(),
        *ax.get_yticklabels(),
        ax.xaxis.label,
        *ax.figure.texts,
        *ax.texts,
    ]
    assert {t.get_fontsize() for t in words if t.get_text()} == {marks.SIZE}


def test_prices_are_no_mathematics():
    """A text between two signs of money stays as it is, wherever it stands in a figure."""
    made = result(
        shares(["$5_$10", "$\\\\frac$"]), Points(label=["group"], percent=True, xlabel="$a_$b")
    )
    ax, _ = drawn(made)
    assert all(not t.get_parse_math() for t in [*ax.get_yticklabels(), ax.xaxis.label, *ax.texts])
    assert "svg" in figures.picture(made, figures.SVG)[:300]


def funnel(size, groups=1):
    """Steps of which each loses a fifth, in one or several groups."""
    rows = [
        (f"group number {g}", f"the step of number {i}", 0.8**i)
        for g in range(groups)
        for i in range(size)
    ]
    table = pd.DataFrame(rows, columns=["group", "step", "estimate"])
    table = table.assign(conf_low=0.9 * table["estimate"], conf_high=1.05 * table["estimate"])
    return result(table, Funnel(label=["group", "step"], percent=True, xlabel="Share"))


def law(size, off=3):
    """Brands about a line, some of them off it."""
    x = np.linspace(0.01, 0.6, size)
    table = pd.DataFrame(
        {
            "brand": [f"brand number {i}" for i in range(size)],
            "penetration": x,
            "estimate": 2 + 3 * x + 0.4 * (np.arange(size) < off),
            "line": 2 + 3 * x,
            "p_holm": np.where(np.arange(size) < off, 0.001, 0.5),
        }
    )
    table = table.assign(conf_low=table["estimate"] - 0.2, conf_high=table["estimate"] + 0.2)
    names = {"label": "brand", "x": "penetration", "line": "line", "p_value": "p_holm"}
    return result(table, Law(**names, xlabel="Share of households", ylabel="Purchases per buyer"))


def test_a_funnel_has_bars_and_says_what_is_lost():
    """Bars as long as the shares, in light what the step before still had, and that in words."""
    ax = figures.draw(funnel(3))
    reached, lost = ax.containers
    assert [bar.get_width() for bar in reached] == pytest.approx([1, 0.8, 0.64])
    assert [bar.get_width() for bar in lost] == pytest.approx([0, 0.2, 0.16])
    assert texts(ax) == ["100.0 %", "80.0 %", "20.0 % lost", "64.0 %", "20.0 % lost"]
    with speaking("nl"):
        assert texts(figures.draw(funnel(2)))[-1] == "20,0 % verloren"
    assert len(figures.draw(funnel(3, groups=2)).containers[0]) == 6


def test_a_law_has_its_line_and_names_who_leaves_it():
    """Every brand that is off is named, be there many; the others where there is room."""
    for size, off in ((5, 1), (40, 3), (40, 40)):
        ax = figures.draw(law(size, off))
        said = " ".join([*texts(ax), *(t.get_text() for t in ax.figure.texts)])
        named = said.replace("\n", " ")
        assert all(f"brand number {i}" in named for i in range(off))
        (line,) = ax.lines
        assert line.get_ydata() == pytest.approx(2 + 3 * line.get_xdata())


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("size", [1, 5, 40])
@pytest.mark.parametrize(
    "made", [funnel, lambda n: funnel(n // 2 + 1, 2), law, lambda n: law(n, n)]
)
def test_funnels_and_laws_have_no_text_over_another(made, size, language):
    """Names, numbers and what is lost, all within the figure."""
    with speaking(language):
        ax, renderer = drawn(made(size))
        written = boxes([*ax.texts, *ax.get_yticklabels()], renderer)
        assert not overlaps(written)
        edge = ax.figure.bbox
        assert all(b.x0 >= -1 and b.x1 <= edge.x1 + 1 and b.y0 >= -1 for _, b in written)
