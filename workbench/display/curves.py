"""Figures of curves and of cohorts: lines with their bands, and matrices."""

from workbench.display import writing
from workbench.display.marks import COLOURS, GREY, LINES, axis, key, title

# A matrix of more columns is coloured only: its numbers would not be legible.
_LEGIBLE = 20


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
        from matplotlib import dates

        moments = sorted(set(table[chart.x]))
        ax.set_xticks(moments[:: -(-len(moments) // 5)])
        ax.xaxis.set_major_formatter(dates.DateFormatter("%Y-%m-%d"))
    ax.set(xlabel=writing.render(chart.xlabel), ylabel=title(chart.ylabel, 42))
    axis(ax.yaxis, chart)


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
    wide.index = [key(v, chart.row) for v in wide.index]
    named = not all(isinstance(v, (int, float)) or hasattr(v, "strftime") for v in wide.columns)
    wide.columns = [key(v, chart.column) for v in wide.columns] if named else wide.columns
    body = wide.iloc[:, 1:] if chart.base_first and wide.shape[1] > 1 else wide
    sns.heatmap(
        wide,
        ax=ax,
        cmap="cividis",
        annot=wide.map(_whole_percent) if wide.shape[1] <= _LEGIBLE else False,
        fmt="",
        linewidths=0.5,
        annot_kws={"fontsize": 7.5},
        vmax=float(body.max().max()) if body.notna().any().any() else None,
        vmin=0,
        cbar_kws={"label": title(chart.ylabel, 34)},
    )
    axis(ax.collections[0].colorbar.ax.yaxis, chart)
    ax.grid(False)
    ax.set(xlabel=writing.render(chart.xlabel), ylabel="")
    ax.tick_params(axis="y", rotation=0)
    if named:
        ax.set_xticks(ax.get_xticks(), ax.get_xticklabels(), rotation=35, ha="right")


def _whole_percent(value):
    return "" if value != value else writing.percent(value, 0).replace(" %", "")
