"""Figures of laws: rows about the line on which the law has them; who leaves it is named."""

from itertools import pairwise

import numpy as np

from workbench.display import writing
from workbench.display.marks import (
    COLOURS,
    GREY,
    INK,
    POINTS_AN_INCH,
    SIZE,
    WIDTH,
    axis,
    key,
    signs,
    title,
)
from workbench.display.points import legend_below
from workbench.notes import Note

_ON, _OFF = (
    Note("result.on_the_line", "line within its interval"),
    Note("result.off_the_line", "off the line"),
)
_LINE = Note("result.the_line", "what the law says")
_ALSO = Note("result.also_off", "Also off the line: {names:text}.", names=[])
_HEIGHT, _A_LINE = 4.6, 0.17
# Where the name of a dot may stand: how far from it in points, and on which side.
_PLACES = [
    (8, 0, "left", "center"),
    (-8, 0, "right", "center"),
    (0, 8, "center", "bottom"),
    (0, -8, "center", "top"),
    (8, 9, "left", "bottom"),
    (-8, 9, "right", "bottom"),
    (8, -9, "left", "top"),
    (-8, -9, "right", "top"),
]


def height(chart, table):
    """Return how high a figure of a law is, in inches."""
    return _HEIGHT


def draw(result, chart, table, ax):
    """Draw the rows of a table about the line of their law on `ax`."""
    table = table.dropna(subset=[chart.x, "estimate"]).sort_values(chart.x, ignore_index=True)
    off = (table[chart.p_value] < 1 - result.conf_level).to_numpy(bool)
    ax.plot(
        table[chart.x],
        table[chart.line],
        color=GREY,
        linewidth=1.6,
        linestyle="--",
        label=writing.render(_LINE),
        zorder=1,
    )
    for here, colour, marker, name in ((~off, COLOURS[0], "o", _ON), (off, COLOURS[1], "D", _OFF)):
        rows = table[here]
        if len(rows):
            low, high = rows["conf_low"], rows["conf_high"]
            ax.vlines(rows[chart.x], low, high, color=colour, linewidth=1.4, alpha=0.7, zorder=2)
            ax.scatter(
                rows[chart.x],
                rows["estimate"],
                s=46,
                color=colour,
                marker=marker,
                edgecolor="white",
                label=writing.render(name),
                zorder=3,
            )
    ax.margins(0.12)
    across = signs(0.6 * WIDTH * POINTS_AN_INCH)
    ax.set(xlabel=title(chart.xlabel, across), ylabel=title(chart.ylabel, 38))
    axis(ax.xaxis, chart.drawing(percent=True))
    axis(ax.yaxis, chart)
    ax.locator_params(nbins=6)
    legend_below(ax)
    _named(chart, table, off, ax)


def _named(chart, table, off, ax):
    """Write the names of those off the line, and of the others where there is room; who is off and
    finds no room is named below the figure.
    """
    ax.figure.canvas.draw()
    pen = ax.figure.canvas.get_renderer()
    frame = ax.get_window_extent(pen)
    dots = ax.transData.transform(table[[chart.x, "estimate"]].to_numpy(float))
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in dots]
    taken += _drawn(chart, table, ax)
    lost = []
    for i in sorted(range(len(table)), key=lambda i: not off[i]):
        name = key(table[chart.label].iloc[i], chart.label)
        if not _placed(name, table.iloc[i], bool(off[i]), chart, (ax, pen, frame), taken):
            lost += [name] if off[i] else []
    if lost:
        words = title(_ALSO.having(names=lost), signs(0.92 * WIDTH * POINTS_AN_INCH))
        ax.figure.supxlabel(words, x=0.01, ha="left", fontsize=SIZE)


def _drawn(chart, table, ax):
    """Return what the intervals and the line take of the canvas, as small boxes."""
    ends = [
        ax.transData.transform(table[[chart.x, name]].to_numpy(float))
        for name in ("conf_low", "conf_high")
    ]
    taken = [(x, low, x, high) for (x, low), (_, high) in zip(*ends, strict=True)]
    line = ax.transData.transform(table[[chart.x, chart.line]].to_numpy(float))
    for (x0, y0), (x1, y1) in pairwise(line):
        along = np.linspace(0, 1, 2 + int(abs(x1 - x0) / 4))
        taken += [
            (x, y, x, y)
            for x, y in zip(x0 + along * (x1 - x0), y0 + along * (y1 - y0), strict=True)
        ]
    return taken


def _placed(name, row, off, chart, where, taken):
    """Write a name beside its dot where nothing stands yet; say whether there was room."""
    ax, pen, frame = where
    for right, up, ha, va in _PLACES:
        text = ax.annotate(
            name,
            (row[chart.x], row["estimate"]),
            xytext=(right, up),
            textcoords="offset points",
            ha=ha,
            va=va,
            color=COLOURS[1] if off else INK,
            fontweight="bold" if off else "normal",
        )
        box = text.get_window_extent(pen)
        inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0
        free = all(
            box.x1 + 3 < x0 or x1 < box.x0 - 3 or box.y1 + 1 < y0 or y1 < box.y0 - 1
            for x0, y0, x1, y1 in taken
        )
        if inside and box.y1 <= frame.y1 and free:
            taken.append((box.x0, box.y0, box.x1, box.y1))
            return True
        text.remove()
    return False
