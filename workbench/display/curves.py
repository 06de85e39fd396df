"""Figures of curves and of cohorts: lines with their bands, and matrices."""

import textwrap

import numpy as np

from workbench.display import writing
from workbench.display.marks import (
    COLOURS,
    GREY,
    LINES,
    POINTS_AN_INCH,
    SIZE,
    WIDTH,
    axis,
    in_order,
    keys,
    signs,
    title,
)
from workbench.notes import Note

_CELLS = Note("result.cells", "{along} (in the cells: {what})", along="", what="")
_CELLS_ONLY = Note("result.cells_only", "In the cells: {what}", what="")
_NAME_WIDTH = 22
# Inches: a line of text, what stands around the lines of a curve and the cells of a matrix.
_LINE, _AROUND, _AROUND_CELLS = 0.17, 1.1, 1.3
_CELL, _LOW_CELL, _HIGHEST = 0.26, 0.155, 8.6
_LOWEST = 3.0


def height(chart, table):
    """Return how high a figure of curves must be, in inches: a line for every name at the ends."""
    if not chart.group:
        return _LOWEST
    names = [_name(name, chart) for name in dict.fromkeys(table[chart.group])]
    return max(_LOWEST, _AROUND + _LINE * sum(name.count("\n") + 1 for name in names))


def height_of_heat(chart, table):
    """Return how high a matrix must be, in inches; one of many rows still fits on a sheet."""
    rows = max(table[chart.row].nunique(), 1)
    longest = max(map(len, keys(_columns(chart, table), chart.column)), default=0)
    turned = 0.08 * longest if _is_named(table[chart.column]) else 0
    cell = min(_CELL, max((_HIGHEST - _AROUND_CELLS - turned) / rows, _LOW_CELL))
    return _AROUND_CELLS + turned + rows * cell


def _name(value, chart):
    return "\n".join(textwrap.wrap(writing.key(value, chart.group), _NAME_WIDTH)) or " "


def curve(result, chart, table, ax):
    """Draw a line with its band; the group's name stands at the end of the line."""
    ends = []
    groups = table.groupby(chart.group, sort=False) if chart.group else [(None, table)]
    for i, (name, rows) in enumerate(groups):
        _line(chart, rows, i, ax)
        drawn = rows.dropna(subset=["estimate"])
        if name is not None and len(drawn):
            end = drawn["estimate"].iloc[-1], drawn[chart.x].iloc[-1]
            ends.append((*end, _name(name, chart), COLOURS[i % len(COLOURS)]))
    if chart.diagonal:
        top = min(1.0, 1.1 * max(ax.get_xlim()[1], ax.get_ylim()[1]))
        ax.plot([0, top], [0, top], color=GREY, linewidth=1, linestyle=":")
        axis(ax.xaxis, chart)
    if len(table) and hasattr(table[chart.x].iloc[0], "strftime"):
        moments = sorted(set(table[chart.x]))
        ticks = moments[:: -(-len(moments) // 5)]
        ax.set_xticks(ticks, keys(ticks, chart.x))
    elif not chart.diagonal:
        _whole_steps(table[chart.x], ax)
    if chart.percent and len(table) and table["estimate"].min() >= 0:
        ax.set_ylim(bottom=0)
    _names(ends, height(chart, table), ax)
    across = signs(0.6 * WIDTH * POINTS_AN_INCH)
    ax.set(xlabel=title(chart.xlabel, across), ylabel=title(chart.ylabel, 38))
    axis(ax.yaxis, chart)


def _whole_steps(along, ax):
    """Write no half months under a line of whole ones, and numbers in the style of the language."""
    from matplotlib.ticker import MaxNLocator

    if len(along) and (along.dropna() % 1 == 0).all():
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.xaxis.set_major_formatter(lambda v, _: writing.plain(round(v, 6)))


def _line(chart, rows, i, ax):
    import seaborn as sns

    colour = COLOURS[i % len(COLOURS)]
    sns.lineplot(
        x=rows[chart.x],
        y=rows["estimate"],
        ax=ax,
        color=colour,
        errorbar=None,
        linestyle=LINES[i % len(LINES)],
        drawstyle="steps-post" if chart.step else "default",
        estimator=None,
    )
    if "conf_low" in rows:
        ax.fill_between(
            rows[chart.x],
            rows["conf_low"],
            rows["conf_high"],
            color=colour,
            alpha=0.15,
            step="post" if chart.step else None,
            linewidth=0,
        )


def _names(ends, inches, ax):
    """Write the groups' names at the ends of their lines, none over another."""
    if not ends:
        return
    # The axis ends with the lines: their names stand outside it, on nothing.
    last = max(x for _, x, _, _ in ends)
    ax.set_xlim(right=last)
    low, high = ax.get_ylim()
    ends = sorted(ends, key=lambda end: end[0])
    line = _LINE * (high - low) / (inches - _AROUND + _LINE)
    sizes = [line * (name.count("\n") + 1) for _, _, name, _ in ends]
    places = _apart([end[0] for end in ends], sizes, high)
    for place, (_, _, name, colour) in zip(places, ends, strict=True):
        ax.annotate(
            name,
            (last, place),
            xytext=(5, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            fontweight="bold",
            annotation_clip=False,
        )


def _apart(wanted, sizes, top):
    """Return the middles of labels, from the lowest on, moved so far that none meets another and
    none stands above the top.

    >>> _apart([0.0, 0.0, 5.0], [1, 1, 1], 5)
    [0.0, 1.0, 4.5]
    """
    places = []
    for i, place in enumerate(wanted):
        lowest = places[-1] + (sizes[i - 1] + sizes[i]) / 2 if places else place
        places.append(max(place, lowest))
    above = top
    for i in reversed(range(len(places))):
        places[i] = min(places[i], above - sizes[i] / 2)
        above = places[i] - sizes[i] / 2
    return places


def heat(result, chart, table, ax):
    """Draw a matrix; what lies in the future stays empty."""
    import seaborn as sns

    wide = table.pivot(index=chart.row, columns=chart.column, values="estimate")
    wide = wide.reindex(index=in_order(table[chart.row]), columns=_columns(chart, table))
    wide.index = keys(wide.index, chart.row)
    wide.index = ["\n".join(textwrap.wrap(name, _NAME_WIDTH)) for name in wide.index]
    named = _is_named(table[chart.column])
    wide.columns = keys(wide.columns, chart.column) if named else wide.columns
    size = _fitting(wide, height_of_heat(chart, table))
    # Every cell holds its number: a bar of colours would take room and say less.
    sns.heatmap(
        wide,
        ax=ax,
        cmap=_pale_to_dark(),
        annot=wide.map(_whole_percent),
        fmt="",
        linewidths=0.5,
        annot_kws={"fontsize": size},
        norm=_scale(wide),
        cbar=False,
        yticklabels=True,
        xticklabels=True if named else "auto",
    )
    ax.grid(False)
    ax.set(xlabel=_said_of_cells(chart), ylabel="")
    ax.tick_params(axis="y", rotation=0)
    if named:
        ax.tick_params(axis="x", rotation=90)
        ax.tick_params(axis="x", labelsize=min(SIZE, _across(wide) / 1.25))
    ax.tick_params(axis="y", labelsize=min(SIZE, max(1.2 * size, 5)) if size < 8 else SIZE)


def _said_of_cells(chart):
    along, what = writing.render(chart.xlabel), writing.render(chart.ylabel)
    note = _CELLS.having(along=along, what=what) if along else _CELLS_ONLY.having(what=what)
    return title(note if what else along, signs(0.75 * WIDTH * POINTS_AN_INCH))


def _is_named(values):
    """Say whether the columns of a matrix are names, not numbers or days."""
    return values.dtype.kind not in "iufM"


def _across(wide):
    """Return how broad a cell is, in points, beside the names of the rows."""
    longest = max((len(line) for name in wide.index for line in name.split("\n")), default=0)
    return (0.96 * WIDTH * POINTS_AN_INCH - 0.6 * SIZE * longest) / max(wide.shape[1], 1)


def _fitting(wide, inches):
    """Return the size of type, in points, in which "100" fits into a cell of a matrix."""
    down = (inches - _AROUND_CELLS) * POINTS_AN_INCH / max(wide.shape[0], 1)
    return float(np.clip(min(_across(wide) / 1.9, down / 1.3), 3, SIZE))


def _columns(chart, table):
    """Return the columns of a matrix: numbers and days in their order, names in the field's."""
    values = table[chart.column]
    ordered = values.dtype.kind in "iufM"
    return sorted(values.unique()) if ordered else in_order(values)


def _pale_to_dark():
    """Return the colours of a matrix: the more, the darker; told apart in grey as well."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("share", ["#f7fafc", "#9cc3d9", "#2b7399", "#0b2c45"])


def _scale(wide):
    """Return one scale for every matrix of shares, from 0 to 100 %, wider where shares are small.

    What exceeds 100 %, as spending can, stretches it.
    """
    from matplotlib.colors import PowerNorm

    highest = float(wide.max().max()) if wide.notna().any().any() else 1.0
    return PowerNorm(0.7, vmin=0, vmax=max(1.0, highest))


def _whole_percent(value):
    return "" if value != value else writing.percent(value, 0).replace(" %", "")
