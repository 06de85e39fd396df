"""Figures of points: one dot with its interval a row; the number stands beside it."""

import textwrap
from dataclasses import replace

import numpy as np

from workbench.display import writing
from workbench.display.marks import (
    COLOURS,
    GREY,
    INK,
    MARKERS,
    POINTS_AN_INCH,
    SIZE,
    WIDTH,
    axis,
    in_order,
    keys,
    listed,
    signs,
    title,
    value,
)
from workbench.display.shares import apart_rows

_LINE_WIDTH = signs(0.36 * WIDTH * POINTS_AN_INCH)
_MOST_TICKS = 6
_SIGN_WIDE = 0.6 * SIZE
# Inches a line of text takes, a row with one, and what stands above and below the rows.
_LINE, _BETWEEN, _AROUND = 0.165, 0.075, 1.1


def grouped(chart):
    """Say whether the groups of a chart share the line of their label."""
    return bool(chart.group) and chart.group not in listed(chart.label)


def draw(result, chart, table, ax):
    """Draw the rows of a table as points on `ax`."""
    table = _ordered(chart, table)
    labels = labels_of(chart, table)
    groups = list(dict.fromkeys(table[chart.group])) if chart.group else [None]
    # Groups of one label lie close together, so that they are compared and not searched for.
    lines = list(dict.fromkeys(labels)) if grouped(chart) else labels
    shared = len(lines) < len(labels)
    y = np.arange(len(table))[::-1].astype(float)
    if shared:
        y = _heights(labels, lines, table[chart.group], groups)
    for i, name in enumerate(groups):
        _dots(chart, table, y, i, name, ax)
    if chart.beside and not shared:
        _beside(chart, table, y, ax)
    if chart.reference is not None:
        ax.axvline(chart.reference, color=GREY, linewidth=1, linestyle=":")
    if chart.log and (table["estimate"].dropna() > 0).all() and len(table):
        _logarithmic(ax)
    _axes(chart, table, lines, ax)
    if not shared or len(groups) == 2:
        _numbers(chart, table, y, ax, apart_rows(replace(result, table=table)))


def height(chart, table):
    """Return how high a figure of points must be, in inches: every line of its labels fits."""
    labels = labels_of(chart, table)
    if grouped(chart) and len(set(labels)) < len(labels):
        groups = table[chart.group].nunique()
        rows = sum(
            max(_LINE * len(wrapped(label)), 0.15 * groups) + 2 * _BETWEEN
            for label in dict.fromkeys(labels)
        )
    else:
        tallest = max((len(wrapped(label)) for label in labels), default=1)
        rows = len(labels) * (_LINE * tallest + _BETWEEN)
    named = 0.2 * _lines_of_legend(table, chart) if chart.group or chart.beside else 0
    return _AROUND + rows + named


def labels_of(chart, table):
    """Return what stands beside each row: its keys, and what a bare number among them numbers."""
    names = listed(chart.label)
    columns = [keys(table[name], name, named=len(names) > 1) for name in names]
    return [" · ".join(row) for row in zip(*columns, strict=True)]


def wrapped(label):
    """Return a label as the lines it takes beside a figure."""
    return textwrap.wrap(label, _LINE_WIDTH) or [""]


def _ordered(chart, table):
    """Return the rows of a chart with one label in the order in which people count."""
    names = listed(chart.label)
    if len(names) != 1 or not table[names[0]].is_unique:
        return table
    place = {name: i for i, name in enumerate(table[names[0]])}
    order = [place[name] for name in in_order(table[names[0]])]
    return table.iloc[order].reset_index(drop=True)


def _heights(labels, lines, group, groups):
    """Return how high each row stands where several groups share the line of a label."""
    at = np.array([lines.index(label) for label in labels])
    place = np.array([groups.index(name) for name in group]) + 0.5
    return len(lines) - 1 - at + 0.7 * (0.5 - place / len(groups))


def _dots(chart, table, y, i, name, ax):
    import seaborn as sns

    here = np.ones(len(table), bool) if name is None else (table[chart.group] == name).to_numpy()
    rows, at, colour = table[here], y[here], COLOURS[i % len(COLOURS)]
    if "conf_low" in table:
        ax.hlines(at, rows["conf_low"], rows["conf_high"], color=colour, linewidth=2)
    sns.scatterplot(
        x=rows["estimate"],
        y=at,
        color=colour,
        marker=MARKERS[i % len(MARKERS)],
        s=60,
        ax=ax,
        clip_on=False,
        zorder=3,
        label=None if name is None else writing.key(name, chart.group),
        edgecolor="white",
    )


def _numbers(chart, table, y, ax, apart):
    """Write each estimate at the end of its line, where it covers nothing; a dash for what is not
    known.
    """
    said = [
        value(number, chart, apart=bool(gap))
        for number, gap in zip(table["estimate"], apart, strict=True)
    ]
    widest = max(map(len, said), default=0)
    for text, at in zip(said, y, strict=True):
        ax.annotate(
            text,
            (1, at),
            xycoords=ax.get_yaxis_transform(),
            xytext=(10 + widest * _SIGN_WIDE, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            color=GREY if text == writing.MISSING else INK,
            annotation_clip=False,
        )


def _beside(chart, table, y, ax):
    """Draw what a law or another source says of the same row, as an open mark below the dot."""
    ax.scatter(
        table[chart.beside],
        y - 0.16,
        marker="D",
        s=34,
        facecolor="white",
        edgecolor="#b8336a",
        linewidth=1.5,
        zorder=4,
        label=writing.header(chart.beside),
    )
    legend_below(ax)


def legend_below(ax):
    """Put the names of marks under the figure, where they cover no interval."""
    handles, names = ax.get_legend_handles_labels()
    if ax.get_legend():
        ax.get_legend().remove()
    if len(ax.figure.axes) > 1:
        # A reader's own figure of several axes: each keeps its names.
        ax.legend(handles, names, loc="best")
        return
    names = ["\n".join(wrapped(name)) for name in names]
    ax.figure.legend(
        handles, names, loc="outside lower center", ncols=_in_a_line(names), frameon=False
    )


def _in_a_line(names):
    """Return how many names of marks stand beside one another under a figure."""
    widest = max(len(line) for name in names for line in name.split("\n"))
    return max(min(len(names), signs(0.95 * WIDTH * POINTS_AN_INCH) // (widest + 8), 4), 1)


def _lines_of_legend(table, chart):
    if not chart.group:
        return 1
    names = [writing.key(name, chart.group) for name in dict.fromkeys(table[chart.group])]
    return -(-len(names) // _in_a_line(names or [""])) * max(len(wrapped(n)) for n in names or [""])


def _from_zero(table, ax):
    """Begin an axis of shares at 0 or below."""
    low, high = ax.get_xlim()
    ax.set_xlim(min(0, low) if table["estimate"].min() < 0 else 0, high)


def _logarithmic(ax):
    from matplotlib.ticker import LogLocator, NullFormatter

    ax.set_xscale("log")
    low, high = ax.get_xlim()
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7) if high / low < 30 else (1,)))
    ax.xaxis.set_minor_formatter(NullFormatter())


def _axes(chart, table, lines, ax):
    ax.set_yticks(np.arange(len(lines))[::-1], ["\n".join(wrapped(line)) for line in lines])
    ax.set_ylim(-0.6, len(lines) - 0.4)
    ax.set(xlabel=title(chart.xlabel, signs(0.55 * WIDTH * POINTS_AN_INCH)), ylabel="")
    if chart.percent and not chart.log:
        _from_zero(table, ax)
    if ax.get_xscale() == "linear":
        # Beside long labels little room is left for the numbers along the axis.
        ax.locator_params(axis="x", nbins=_MOST_TICKS)
    axis(ax.xaxis, chart)
    if grouped(chart):
        legend_below(ax)
    elif ax.get_legend() and not chart.beside:
        ax.get_legend().remove()
