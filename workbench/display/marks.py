"""What every kind of figure shares: colours, markers, and how keys and values are written."""

import json
import os
import re
import textwrap

from workbench.display import writing
from workbench.notes import Note
from workbench.results import Points

# Names the colours of reports/theme/theme.yml where a report is made in them, as JSON.
LOOK = "WORKBENCH_LOOK"
_look = json.loads(os.environ.get(LOOK, "{}"))
GREY = _look.get("soft", "#66717e")
INK = _look.get("ink", "#1d2731")
COLOURS = (_look.get("brand", "#0b3c5d"), "#d1495b", "#edae49", "#3c8d7b", "#7d5ba6", GREY)
RULES = _look.get("line", "#e4e7ea")
# One width, in inches, and one size of text, in points: a figure stands on paper as it was drawn.
WIDTH, SIZE = 7.0, 10
POINTS_AN_INCH = 72
_SIGN = 0.56  # how wide a sign is on average, in sizes of the text
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
_POINTS = Note("result.points", "{value:plain} pp", value=0)
POINTS = Points(points=True)  # a chart of differences of shares


def listed(names):
    """Return one name or several as a list."""
    return list(names or ()) if isinstance(names, (list, tuple, type(None))) else [names]


def key(value, column=""):
    """Return a key of a table's column as it stands in a figure."""
    if hasattr(value, "strftime"):
        return writing.short_date(value)
    if isinstance(value, (int, float)):
        return writing.number(value)
    return writing.key(value, column)


def keys(values, column="", *, named=False):
    """Return the keys of a column as they stand in a figure.

    With `named` a bare number says what it numbers.
    """
    values = list(values)
    if all(hasattr(v, "strftime") for v in values):
        return writing.days(values)
    shown = [key(v, column) for v in values]
    numbers = all(re.fullmatch(r"[\d.,]+\+?", text) for text in shown)
    return [f"{writing.header(column)} {text}" for text in shown] if named and numbers else shown


def in_order(values):
    """Return the distinct keys of a column in the order in which the field names them.

    Stages stand in the order of the decision; what stands in the order of the alphabet is put in
    that of its numbers ("mail 2" before "mail 10"); anything else stays as it is.
    """
    from workbench import stages

    distinct = list(dict.fromkeys(values))
    known = stages.taxonomy().stages
    if len(distinct) > 1 and all(v in known for v in distinct):
        return sorted(distinct, key=list(known).index)
    if all(isinstance(v, str) for v in distinct) and distinct == sorted(distinct):
        return sorted(distinct, key=_by_number)
    return distinct


def _by_number(text):
    """Return what sorts a text as people count: its runs of digits are numbers."""
    parts = re.split(r"(\d+)", text)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts if part]


def value(number, chart, *, apart=False):
    """Return a number as the chart shows it: a percentage, points (of a row that is a difference of
    shares, too), or a plain number.
    """
    if writing.is_missing(number):
        return writing.MISSING
    if chart.points or apart:
        points = 100 * number
        shown = round(points, 1) if abs(points) >= 1 else float(f"{points:.2g}")
        return str(_POINTS.having(value=shown))
    return writing.percent(number) if chart.percent else writing.number(number, 3)


def axis(axis, chart):
    """Write the numbers along an axis as the chart shows them."""
    if chart.points:
        axis.set_major_formatter(lambda v, _: writing.plain(round(100 * v, 6)))
    elif chart.percent:
        axis.set_major_formatter(lambda v, _: writing.plain(round(100 * v, 6)) + " %")
    else:
        axis.set_major_formatter(lambda v, _: writing.plain(v))


def signs(width):
    """Return how many signs of a figure's text stand in a width in points.

    >>> signs(60)
    10
    """
    return int(width / (_SIGN * SIZE))


def title(note, width):
    """Return a note as text over several lines of at most `width` signs."""
    return "\n".join(textwrap.wrap(writing.render(note), width))
