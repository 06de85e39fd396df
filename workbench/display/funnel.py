"""Figures of funnels: a bar a step, behind it in light what the step before still had."""

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
    listed,
    signs,
    title,
    value,
)
from workbench.display.points import labels_of, legend_below, wrapped
from workbench.notes import Note

_LOST = Note("result.lost", "lost since the step before")
_LOST_SHARE = Note("result.lost_share", "{share:%} lost", share=0)
_BAR = 0.62
_LIGHT = "#d3d8dc"
# Inches a bar takes with what stands between, the gap between two groups, and all around.
_STEP, _LINE, _GAP, _AROUND = 0.34, 0.165, 0.2, 1.3


def height(chart, table):
    """Return how high a funnel must be, in inches."""
    lines = [len(wrapped(label)) for label in labels_of(chart, table)]
    rows = sum(max(_STEP, _LINE * (n + 0.6)) for n in lines)
    return _AROUND + rows + _GAP * max(_groups(chart, table).nunique() - 1, 0)


def draw(result, chart, table, ax):
    """Draw the steps of a table as bars on `ax`, those of a group below one another."""
    table = table.reset_index(drop=True)
    group = _groups(chart, table)
    between = (group != group.shift()).cumsum().to_numpy() - 1 if len(table) else np.zeros(0)
    y = -np.arange(len(table)) - 0.5 * between
    before = table["estimate"].groupby(group, sort=False).shift()
    lost = (before - table["estimate"]).clip(lower=0)
    names = list(dict.fromkeys(group))
    colours = [COLOURS[names.index(name) % len(COLOURS)] for name in group]
    ax.barh(y, table["estimate"], height=_BAR, color=colours, zorder=2)
    ax.barh(
        y,
        lost.fillna(0),
        left=table["estimate"],
        height=_BAR,
        color=_LIGHT,
        zorder=1,
        label=writing.render(_LOST),
    )
    if "conf_low" in table:
        ax.hlines(y, table["conf_low"], table["conf_high"], color=INK, linewidth=1.4, zorder=3)
    _numbers(chart, table, lost / before, y, ax)
    labels = ["\n".join(wrapped(label)) for label in labels_of(chart, table)]
    ax.set_yticks(y, labels)
    ax.set_ylim(min(y, default=0) - 0.7, 0.7)
    ax.set(xlabel=title(chart.xlabel, signs(0.55 * WIDTH * POINTS_AN_INCH)), ylabel="")
    ax.set_xlim(left=0)
    ax.locator_params(axis="x", nbins=5)
    ax.grid(axis="y", visible=False)
    axis(ax.xaxis, chart)
    if (lost > 0).any():
        legend_below(ax)


def _groups(chart, table):
    """Return what tells the funnels of a table apart: all keys but the step."""
    names = [name for name in listed(chart.label) if name != "step"]
    if not names:
        return table["estimate"].map(lambda _: "").astype(object)
    return table[names].astype(str).agg(" · ".join, axis=1)


def _numbers(chart, table, lost, y, ax):
    """Write each share at the end of its line, and after it how many of a step were lost."""
    for number, gone, at in zip(table["estimate"], lost, y, strict=True):
        said = [(value(number, chart), 60, INK)]
        if gone == gone and gone > 0:
            said.append((writing.render(_LOST_SHARE.having(share=float(gone))), 68, GREY))
        for text, off, colour in said:
            ax.annotate(
                text,
                (1, at),
                xycoords=ax.get_yaxis_transform(),
                xytext=(off, 0),
                textcoords="offset points",
                ha="right" if off == 60 else "left",
                va="center",
                color=colour,
                fontsize=SIZE,
                annotation_clip=False,
            )
