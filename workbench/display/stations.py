"""Figures of curves over named stages: band, bounds, what a point rests on, best, worst, end."""

import textwrap

import numpy as np

from workbench.display import writing
from workbench.display.marks import COLOURS, GREY, LINES, MARKERS, axis, in_order, keys, title
from workbench.notes import Note

_LEAST = 30  # people who answered at both stages, for a line between them
_N = Note("result.station_n", "n = {n}", n=0)
_WIDTH, _HIGH, _LINE = 11, 3.7, 0.2


def height(chart, table):
    """Return how high a figure of stages must be, in inches."""
    groups = table[chart.group].nunique() if chart.group else 0
    return _HIGH + _LINE * groups


def draw(result, chart, table, ax):
    """Draw a line over stages with its band; the number behind each stage stands under it."""
    order = in_order(table[chart.x])
    place = {stage: k for k, stage in enumerate(order)}
    groups = table.groupby(chart.group, sort=False) if chart.group else [(None, table)]
    joined = _joined(result, chart, order)
    for i, (name, rows) in enumerate(groups):
        rows = rows.assign(place=rows[chart.x].map(place)).sort_values("place")
        _line(rows, i, name, chart, joined, ax)
    names = ["\n".join(textwrap.wrap(k, _WIDTH)) for k in keys(order, chart.x)]
    if not chart.group and "n" in table:
        n = table.set_index(chart.x)["n"]
        names = [f"{k}\n{_N.having(n=int(n[s]))}" for k, s in zip(names, order, strict=True)]
    ax.set_xticks(range(len(order)), names)
    ax.set_xlim(-0.4, len(order) - 0.6)
    ax.grid(False, axis="x")
    if chart.group:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.28), frameon=False, ncol=2)
    ax.set(xlabel="", ylabel=title(chart.ylabel, 38))
    axis(ax.yaxis, chart)


def _joined(result, chart, order):
    """Return which stages are joined with the one before them; None where nothing tells."""
    table = result.table
    if "measure" not in table or chart.group or not (table["measure"] == "change").any():
        return None
    changes = table[table["measure"] == "change"].set_index(chart.x)["n"]
    return [bool(changes.get(stage, 0) >= _LEAST) for stage in order[1:]]


def _line(rows, i, name, chart, joined, ax):
    colour = COLOURS[i % len(COLOURS)]
    x, y = rows["place"].to_numpy(float), rows["estimate"].to_numpy(float)
    if "bound_low" in rows:
        low, high = (rows[c].to_numpy(float) for c in ("bound_low", "bound_high"))
        ax.fill_between(x, low, high, color=colour, alpha=0.10, linewidth=0)
    if "conf_low" in rows:
        low, high = (rows[c].to_numpy(float) for c in ("conf_low", "conf_high"))
        ax.fill_between(x, low, high, color=colour, alpha=0.20, linewidth=0)
    for k in range(len(x) - 1):
        whole = joined is None or joined[k]
        style = LINES[i % len(LINES)] if whole else ":"
        ax.plot(x[k : k + 2], y[k : k + 2], color=colour, linestyle=style, linewidth=1.8)
    label = None if name is None else writing.key(name, chart.group)
    ax.plot(x, y, MARKERS[i % len(MARKERS)], color=colour, label=label)
    if "mark" in rows:
        _marks(rows, x, y, colour, ax)


def _marks(rows, x, y, colour, ax):
    """Write at the points what they are: the best above them, the others below."""
    top = np.nanmax(y)
    ax.margins(y=0.22)
    for mark, across, up in zip(rows["mark"].fillna(""), x, y, strict=True):
        if mark:
            above = up >= top
            ax.annotate(
                f"{writing.word(mark)}\n{writing.number(up, 2)}",
                (across, up),
                xytext=(0, 12 if above else -12),
                textcoords="offset points",
                ha="center",
                va="bottom" if above else "top",
                color=colour if above else GREY,
                fontweight="bold",
            )
