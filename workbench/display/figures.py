"""Figures for people: drawn only from a Result's table, in one theme, with a text twin.

Colours are told apart in grey and by colour-blind readers; groups differ by marker and line
style as well, and carry their name beside the line.
"""

import textwrap
from contextlib import contextmanager
from io import BytesIO

from workbench.display import writing
from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import small_cells

COLOURS = ("#0b3c5d", "#d1495b", "#edae49", "#3c8d7b", "#7d5ba6", "#66717e")
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
_TEXT_ROWS = 40


@contextmanager
def theme():
    """Set the look of every figure of the workbench for the length of a `with` block."""
    import matplotlib as mpl
    import seaborn as sns

    with mpl.rc_context():
        sns.set_theme(
            style="whitegrid",
            context="notebook",
            palette=COLOURS,
            rc={
                "figure.figsize": (8, 4.5),
                "figure.dpi": 110,
                "axes.titlelocation": "left",
                "axes.titleweight": "bold",
                "axes.titlesize": 12,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.edgecolor": "#66717e",
                "grid.color": "#e4e7ea",
                "svg.hashsalt": "workbench",
                "figure.constrained_layout.use": True,
            },
        )
        yield


class Drawing:
    """A drawn Result: an image for the eye and the same numbers as text for tests and readers."""

    def __init__(self, result):
        self.result = result

    def _repr_mimebundle_(self, include=None, exclude=None):
        import matplotlib.pyplot as plt
        from PIL import Image

        ax = draw(self.result)
        buffer = BytesIO()
        # Without the version stamp the bytes depend on the drawing alone.
        ax.figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
        plt.close(ax.figure)
        # A palette holds a chart's few colours in a third of the bytes.
        small = BytesIO()
        Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
            small, "png", optimize=True
        )
        text = describe(self.result)
        return {"image/png": small.getvalue(), "text/plain": text}, {"image/png": {"alt": text}}


def draw(result, ax=None):
    """Draw a Result on `ax` (a new one if none is given) and return the Axes."""
    import matplotlib.pyplot as plt

    kinds = {"points": _points, "curve": _curve, "heat": _heat, "flow": _flow}
    kind = result.chart.kind if result.chart else None
    if kind not in kinds:
        raise InputError("errors.no_chart", "plot: this result has no chart")
    with theme():
        if ax is None:
            seen = _visible(result)
            rows = seen[result.chart.row].nunique() if kind == "heat" else len(seen)
            group = result.chart.group
            if kind == "points" and group and group not in _listed(result.chart.label):
                rows *= 0.6  # groups of one label share a line
            height = {
                "points": 1.8 + 0.34 * min(rows, 40),
                "heat": 2 + 0.32 * min(rows, 24),
                "flow": 5.2,
            }.get(kind, 4.5)
            ax = plt.figure(figsize=(8, min(max(height, 3), 12))).add_subplot()
        kinds[kind](result, result.chart, _visible(result), ax)
        ax.set_title("\n".join(textwrap.wrap(writing.render(result.question), 78)))
    return ax


def describe(result):
    """Return the drawn numbers of a Result as plain text: its alternative text."""
    chart, table = result.chart, _visible(result)
    lines = [writing.render(result.question)]
    step = max(1, -(-len(table) // _TEXT_ROWS))  # a long curve is read at even distances
    for row in table.iloc[::step].to_dict("records"):
        line = ", ".join(_key(row[k]) for k in chart.keys) + ": " + _value(row["estimate"], chart)
        if "conf_low" in row and row["conf_low"] == row["conf_low"]:
            line += f" ({_value(row['conf_low'], chart)} – {_value(row['conf_high'], chart)})"
        lines.append(line)
    if result.limits:
        lines.append(writing.render(result.limits[0]))
    return "\n".join(lines)


def _visible(result):
    table = result.table
    for name, value in result.chart.only.items():
        table = table[table[name].isin(_listed(value))]
    return table[~small_cells(table)]


def _listed(names):
    return list(names or ()) if isinstance(names, (list, tuple, type(None))) else [names]


def _key(value):
    if hasattr(value, "strftime"):
        return value.strftime("%Y-%m-%d")
    return writing.number(value) if isinstance(value, (int, float)) else writing.word(value)


def _value(value, chart):
    if value != value:
        return "–"
    if chart.points:
        points = 100 * value
        shown = round(points, 1) if abs(points) >= 1 else float(f"{points:.2g}")
        return str(Note("result.points", "{value:plain} pp", value=shown))
    return writing.percent(value) if chart.percent else writing.number(value, 3)


def _axis(axis, chart):
    if chart.points:
        axis.set_major_formatter(lambda v, _: writing.plain(round(100 * v, 6)))
    elif chart.percent:
        axis.set_major_formatter(lambda v, _: writing.plain(round(100 * v, 6)) + " %")
    else:
        axis.set_major_formatter(lambda v, _: writing.plain(v))


def _points(result, chart, table, ax):
    """One dot with its interval a row; the number stands beside it."""
    import numpy as np
    import seaborn as sns

    labels = [
        " · ".join(_key(v) for v in row)
        for row in table[_listed(chart.label)].itertuples(index=False, name=None)
    ]
    group = chart.group
    groups = list(dict.fromkeys(table[group])) if group else [None]
    # Groups of one label lie close together, so that they are compared and not searched for.
    lines = list(dict.fromkeys(labels)) if group and group not in _listed(chart.label) else labels
    beside = len(lines) < len(labels)
    y = np.arange(len(table))[::-1].astype(float)
    if beside:
        y = (
            len(lines)
            - 1
            - np.array([lines.index(label) for label in labels])
            + 0.7 * (0.5 - (np.array([groups.index(g) for g in table[group]]) + 0.5) / len(groups))
        )
    for i, name in enumerate(groups):
        mine = np.ones(len(table), bool) if name is None else (table[group] == name).to_numpy()
        rows, at, colour = table[mine], y[mine], COLOURS[i % len(COLOURS)]
        if "conf_low" in table:
            ax.hlines(at, rows["conf_low"], rows["conf_high"], color=colour, linewidth=2)
        sns.scatterplot(
            x=rows["estimate"],
            y=at,
            color=colour,
            marker=MARKERS[i % len(MARKERS)],
            s=60,
            ax=ax,
            zorder=3,
            label=None if name is None else writing.word(name),
            edgecolor="white",
        )
    for value, at in (
        zip(table["estimate"], y, strict=True) if not beside or len(groups) == 2 else ()
    ):
        if value == value:
            ax.annotate(
                _value(value, chart),
                (value, at),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                fontsize=8.5,
                color="#333",
            )
    if chart.beside and not beside:
        # What a law or another source says of the same row, as an open mark below the dot.
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
        ax.legend(title=None, loc="best", frameon=True)
    if chart.reference is not None:
        ax.axvline(chart.reference, color="#66717e", linewidth=1, linestyle=":")
    if chart.log and (table["estimate"].dropna() > 0).all() and len(table):
        from matplotlib.ticker import LogLocator, NullFormatter

        ax.set_xscale("log")
        low, high = ax.get_xlim()
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7) if high / low < 30 else (1,)))
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_yticks(
        np.arange(len(lines))[::-1],
        ["\n".join(textwrap.wrap(line, 46, break_long_words=False)) for line in lines],
    )
    ax.set_ylim(-0.7, len(lines) - 0.2)
    ax.set(xlabel=writing.render(chart.xlabel), ylabel="")
    if chart.percent and not chart.log:
        ax.set_xlim(left=min(0, ax.get_xlim()[0]) if table["estimate"].min() < 0 else 0)
    _axis(ax.xaxis, chart)
    if group and group not in _listed(chart.label):
        ax.legend(title=None, loc="best", frameon=True)
    elif ax.get_legend() and not chart.beside:
        ax.get_legend().remove()


def _curve(result, chart, table, ax):
    """A line with its band; the group's name stands at the end of the line."""
    import seaborn as sns

    group = chart.group
    style = "steps-post" if chart.step else "default"
    ends = []
    for i, (name, rows) in enumerate(
        table.groupby(group, sort=False) if group else [(None, table)]
    ):
        colour = COLOURS[i % len(COLOURS)]
        sns.lineplot(
            x=rows[chart.x],
            y=rows["estimate"],
            ax=ax,
            color=colour,
            errorbar=None,
            linestyle=LINES[i % len(LINES)],
            drawstyle=style,
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
        drawn = rows.dropna(subset=["estimate"])
        if name is not None and len(drawn):
            ends.append(
                [drawn["estimate"].iloc[-1], drawn[chart.x].iloc[-1], writing.word(name), colour]
            )
    if chart.diagonal:
        top = min(1.0, 1.1 * max(ax.get_xlim()[1], ax.get_ylim()[1]))
        ax.plot([0, top], [0, top], color="#66717e", linewidth=1, linestyle=":")
        _axis(ax.xaxis, chart)
    low, high = ax.get_ylim()
    gap, last = 0.055 * (high - low), None
    for end in sorted(ends, key=lambda e: e[0]):
        at = end[0] if last is None else max(end[0], last + gap)
        last = at
        ax.annotate(
            end[2],
            (end[1], at),
            xytext=(5, 0),
            textcoords="offset points",
            color=end[3],
            va="center",
            fontsize=9,
            fontweight="bold",
            annotation_clip=False,
        )
    if len(table) and hasattr(table[chart.x].iloc[0], "strftime"):
        from matplotlib import dates

        moments = sorted(set(table[chart.x]))
        ax.set_xticks(moments[:: -(-len(moments) // 5)])
        ax.xaxis.set_major_formatter(dates.DateFormatter("%Y-%m-%d"))
    ax.set(
        xlabel=writing.render(chart.xlabel),
        ylabel="\n".join(textwrap.wrap(writing.render(chart.ylabel), 42)),
    )
    _axis(ax.yaxis, chart)


def _heat(result, chart, table, ax):
    """A matrix; what lies in the future stays empty."""
    import seaborn as sns

    wide = table.pivot(index=chart.row, columns=chart.column, values="estimate")
    wide.index = [_key(v) for v in wide.index]
    named = not all(isinstance(v, (int, float)) or hasattr(v, "strftime") for v in wide.columns)
    wide.columns = [_key(v) for v in wide.columns] if named else wide.columns
    # Every cell is written out only while it stays legible.
    notes = (
        wide.map(lambda v: "" if v != v else writing.percent(v, 0).replace(" %", ""))
        if wide.shape[1] <= 20
        else False
    )
    body = wide.iloc[:, 1:] if chart.base_first and wide.shape[1] > 1 else wide
    sns.heatmap(
        wide,
        ax=ax,
        cmap="cividis",
        annot=notes,
        fmt="",
        linewidths=0.5,
        annot_kws={"fontsize": 7.5},
        vmax=float(body.max().max()) if body.notna().any().any() else None,
        vmin=0,
        cbar_kws={"label": "\n".join(textwrap.wrap(writing.render(chart.ylabel), 34))},
    )
    _axis(ax.collections[0].colorbar.ax.yaxis, chart)
    ax.grid(False)
    ax.set(xlabel=writing.render(chart.xlabel), ylabel="")
    ax.tick_params(axis="y", rotation=0)
    if named:
        ax.set_xticks(ax.get_xticks(), ax.get_xticklabels(), rotation=35, ha="right")


def _flow(result, chart, table, ax):
    """Stages as bars from left to right, what flows between them as bands; departures leave
    downwards.
    """
    from matplotlib.patches import PathPatch, Rectangle
    from matplotlib.path import Path

    stages = chart.stages
    total = max(table.loc[table["from_stage"] == "start", "count"].sum(), 1)
    x = {name: i for i, name in enumerate(stages)}
    size = {name: table.loc[table["to_stage"] == name, "count"].sum() / total for name in stages}
    bar, top = 0.12, dict.fromkeys(stages, 1.0)
    out, into = dict(top), dict(top)
    lost_at = {}
    for i, name in enumerate(stages):
        ax.add_patch(
            Rectangle((i - bar / 2, 1 - size[name]), bar, size[name], color=COLOURS[0], zorder=3)
        )
        label = "\n".join(textwrap.wrap(writing.word(name), 15))
        ax.annotate(
            f"{label}\n{writing.percent(size[name])}",
            (i, 1.02),
            ha="center",
            va="bottom",
            fontsize=9,
            fontweight="bold",
            annotation_clip=False,
        )
        lost_at[name] = 0.0

    def band(x0, y0, x1, y1, height, colour, alpha):
        middle = (x0 + x1) / 2
        path = Path(
            [
                (x0, y0),
                (middle, y0),
                (middle, y1),
                (x1, y1),
                (x1, y1 - height),
                (middle, y1 - height),
                (middle, y0 - height),
                (x0, y0 - height),
                (x0, y0),
            ],
            [
                Path.MOVETO,
                Path.CURVE4,
                Path.CURVE4,
                Path.CURVE4,
                Path.LINETO,
                Path.CURVE4,
                Path.CURVE4,
                Path.CURVE4,
                Path.CLOSEPOLY,
            ],
        )
        ax.add_patch(
            PathPatch(
                path, facecolor=colour, alpha=alpha, linewidth=0.4, edgecolor="white", zorder=2
            )
        )

    entry = 1.0
    for row in table.to_dict("records"):
        height = row["count"] / total
        begin, end = row["from_stage"], row["to_stage"]
        if begin == "start":
            band(-0.75, entry, x[end] - bar / 2, into[end], height, COLOURS[5], 0.35)
            into[end] -= height
            entry -= height
            continue
        if end in x:
            skipped = x[end] - x[begin] > 1
            band(
                x[begin] + bar / 2,
                out[begin],
                x[end] - bar / 2,
                into[end],
                height,
                COLOURS[2] if skipped else COLOURS[3],
                0.55,
            )
            into[end] -= height
            out[begin] -= height
        else:
            colour = COLOURS[1] if end == "abandoned" else COLOURS[4]
            y = out[begin]
            band(
                x[begin] + bar / 2,
                y,
                x[begin] + 0.5,
                y - 0.10 - lost_at[begin],
                height,
                colour,
                0.5,
            )
            ax.annotate(
                f"{writing.word(end)} {writing.percent(height)}",
                (x[begin] + 0.52, y - 0.10 - lost_at[begin] - height / 2),
                fontsize=7.5,
                va="center",
                color="#333",
                bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8},
                zorder=5,
            )
            out[begin] -= height
            lost_at[begin] += 0.02
    ax.set_xlim(-0.8, len(stages) - 1 + 0.6)
    ax.set_ylim(min(-0.05, 1 - max(size.values()) - 0.25), 1.2)
    ax.axis("off")
