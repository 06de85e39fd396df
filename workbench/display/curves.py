"""Figures of curves and of cohorts: lines with their bands, and matrices."""

import numpy as np

from workbench.display import writing
from workbench.display.marks import COLOURS, GREY, LINES, axis, in_order, keys, title


def curve(result, chart, table, ax):
    """Draw a line with its band; the group's name stands at the end of the line."""
    ends = []
    groups = table.groupby(chart.group, sort=False) if chart.group else [(None, table)]
    for i, (name, rows) in enumerate(groups):
        _line(chart, rows, i, ax)
        drawn = rows.dropna(subset=["estimate"])
        if name is not None and len(drawn):
            end = drawn["estimate"].iloc[-1], drawn[chart.x].iloc[-1]
            ends.append((*end, writing.key(name, chart.group), COLOURS[i % len(COLOURS)]))
    if chart.diagonal:
        top = min(1.0, 1.1 * max(ax.get_xlim()[1], ax.get_ylim()[1]))
        ax.plot([0, top], [0, top], color=GREY, linewidth=1, linestyle=":")
        axis(ax.xaxis, chart)
    _names(ends, ax)
    if len(table) and hasattr(table[chart.x].iloc[0], "strftime"):
        moments = sorted(set(table[chart.x]))
        ticks = moments[:: -(-len(moments) // 5)]
        ax.set_xticks(ticks, keys(ticks, chart.x))
    elif not chart.diagonal:
        _whole_steps(table[chart.x], ax)
    if chart.percent and len(table) and table["estimate"].min() >= 0:
        ax.set_ylim(bottom=0)
    ax.set(xlabel=writing.render(chart.xlabel), ylabel=title(chart.ylabel, 42))
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


def _names(ends, ax):
    """Write the groups' names at the ends of their lines, none over another."""
    if ends:
        # The axis ends with the lines: their names stand outside it, on nothing.
        ax.set_xlim(right=max(x for _, x, _, _ in ends))
    low, high = ax.get_ylim()
    gap, last = 0.055 * (high - low), None
    for height, x, name, colour in sorted(ends, key=lambda end: end[0]):
        last = height if last is None else max(height, last + gap)
        ax.annotate(
            name,
            (x, last),
            xytext=(5, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            fontsize=9,
            fontweight="bold",
            annotation_clip=False,
        )


def heat(result, chart, table, ax):
    """Draw a matrix; what lies in the future stays empty."""
    import seaborn as sns

    wide = table.pivot(index=chart.row, columns=chart.column, values="estimate")
    wide = wide.reindex(index=in_order(table[chart.row]), columns=_columns(chart, table))
    wide.index = keys(wide.index, chart.row)
    named = not all(isinstance(v, (int, float)) or hasattr(v, "strftime") for v in wide.columns)
    wide.columns = keys(wide.columns, chart.column) if named else wide.columns
    sns.heatmap(
        wide,
        ax=ax,
        cmap=_pale_to_dark(),
        annot=wide.map(_whole_percent),
        fmt="",
        linewidths=0.5,
        annot_kws={"fontsize": _fitting(wide)},
        norm=_scale(wide),
        cbar_kws={"label": title(chart.ylabel, 34)},
    )
    axis(ax.collections[0].colorbar.ax.yaxis, chart)
    ax.grid(False)
    ax.set(xlabel=writing.render(chart.xlabel), ylabel="")
    ax.tick_params(axis="y", rotation=0)
    if named:
        ax.set_xticks(ax.get_xticks(), ax.get_xticklabels(), rotation=35, ha="right")


def _fitting(wide):
    """Return the size of type, in points, in which "100" fits into a cell of a matrix."""
    rows, columns = wide.shape
    across, down = 0.62 * 8 * 72 / max(columns, 1), 23 * min(1, 24 / max(rows, 1))
    return float(np.clip(min(across / 2.2, down / 1.6), 4, 9))


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
