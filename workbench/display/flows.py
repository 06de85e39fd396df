"""Figures of flows: stages as bars from left to right, what moves between them as bands."""

import textwrap

from workbench.display import writing
from workbench.display.marks import COLOURS, INK, POINTS_AN_INCH, SIZE, WIDTH, signs

_BAR = 0.12
_LEFT, _RIGHT = 0.8, 0.75
_MOST_UPRIGHT = 6
# A line of text, in the unit of the height of a figure's bars.
_LINE = 0.055
_TOP = 1.0
_FORWARD, _SKIPPED, _ENTERED = COLOURS[3], COLOURS[2], COLOURS[5]
_ABANDONED, _STILL_GOING = COLOURS[1], COLOURS[4]


def height(chart, table):
    """Return how high a flow must be, in inches: many stages have their names turned."""
    return 5.0 if len(chart.stages) <= _MOST_UPRIGHT else 6.2


def draw(result, chart, table, ax):
    """Draw the moves of a table as a flow on `ax`; departures leave downwards."""
    flow = _Flow(chart.stages, table, ax)
    flow.bars()
    for row in table.to_dict("records"):
        flow.move(row["from_stage"], row["to_stage"], row["count"] / flow.total)
    ax.set_xlim(-_LEFT, len(chart.stages) - 1 + _RIGHT)
    ax.set_ylim(min(-0.05, flow.lowest - _LINE), 1.02)
    ax.axis("off")


class _Flow:
    """Where on each bar the next band begins, going in and going out."""

    def __init__(self, stages, table, ax):
        self.ax = ax
        self.total = max(table.loc[table["from_stage"] == "start", "count"].sum(), 1)
        self.x = {name: i for i, name in enumerate(stages)}
        self.size = {
            name: table.loc[table["to_stage"] == name, "count"].sum() / self.total
            for name in stages
        }
        self.out, self.into = dict.fromkeys(stages, _TOP), dict.fromkeys(stages, _TOP)
        self.lost, self.entry = dict.fromkeys(stages, 0.0), _TOP
        self.said, self.lowest = dict.fromkeys(stages), 1.0
        # From one stage to the next, in points.
        self.pitch = WIDTH * POINTS_AN_INCH / (len(self.x) - 1 + _LEFT + _RIGHT)

    def bars(self):
        """Draw the stages, each with its name and share."""
        from matplotlib.patches import Rectangle

        for name, x in self.x.items():
            size = self.size[name]
            corner = x - _BAR / 2, _TOP - size
            self.ax.add_patch(Rectangle(corner, _BAR, size, color=COLOURS[0], zorder=3))
            self._named(name, x, size)

    def _named(self, name, x, size):
        """Write the name of a stage and its share over its bar; turned where they are many."""
        turned = len(self.x) > _MOST_UPRIGHT
        width = 26 if turned else signs(0.9 * self.pitch)
        label = "\n".join(_wrapped(writing.key(name, "to_stage"), width))
        self.ax.annotate(
            f"{label}{' · ' if turned else chr(10)}{writing.percent(size)}",
            (x, 1.02),
            ha="center",
            va="bottom",
            rotation=90 if turned else 0,
            fontsize=min(SIZE, 0.8 * self.pitch / (label.count("\n") + 1)) if turned else SIZE,
            fontweight="bold",
            annotation_clip=False,
        )

    def move(self, begin, end, height):
        """Draw one band: into the first stage, on to another, or out."""
        if begin == "start":
            left = self.x[end] - _BAR / 2
            self._band((-0.75, self.entry), (left, self.into[end]), height, _ENTERED, 0.35)
            self.into[end] -= height
            self.entry -= height
            return
        start = self.x[begin] + _BAR / 2, self.out[begin]
        if end in self.x:
            colour = _SKIPPED if self.x[end] - self.x[begin] > 1 else _FORWARD
            left = self.x[end] - _BAR / 2
            self._band(start, (left, self.into[end]), height, colour, 0.55)
            self.into[end] -= height
        else:
            self._leave(begin, end, start, height)
        self.out[begin] -= height

    def _leave(self, begin, end, start, height):
        low = start[1] - 0.10 - self.lost[begin]
        colour = _ABANDONED if end == "abandoned" else _STILL_GOING
        self._band(start, (self.x[begin] + 0.5, low), height, colour, 0.5)
        words = _wrapped(writing.key(end, "to_stage"), max(signs(0.8 * self.pitch) - 1, 6))
        words = [*words, writing.percent(height)]
        fitting = min(SIZE, 0.8 * self.pitch / (0.56 * max(map(len, words))))
        tall = _LINE * len(words) * fitting / SIZE
        # Below what was written for this stage before.
        middle = low - height / 2
        middle = middle if self.said[begin] is None else min(middle, self.said[begin] - tall / 2)
        self.ax.annotate(
            "\n".join(words),
            (self.x[begin] + _BAR / 2 + 0.02, middle),
            fontsize=fitting,
            va="center",
            linespacing=1.0,
            color=INK,
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.6},
            zorder=5,
        )
        self.said[begin] = middle - tall / 2 - 0.02
        self.lowest = min(self.lowest, self.said[begin], low - height)
        self.lost[begin] += 0.02

    def _band(self, start, end, height, colour, alpha):
        """Draw a band of one height that curves from one point to another."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        (x0, y0), (x1, y1) = start, end
        middle = (x0 + x1) / 2
        upper = [(x0, y0), (middle, y0), (middle, y1), (x1, y1)]
        lower = [(x, y - height) for x, y in reversed(upper)]
        curve = [Path.CURVE4] * 3
        codes = [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY]
        self.ax.add_patch(
            PathPatch(
                Path([*upper, *lower, (x0, y0)], codes),
                facecolor=colour,
                alpha=alpha,
                linewidth=0.4,
                edgecolor="white",
                zorder=2,
            )
        )


def _wrapped(text, width):
    """Return a name in lines; a word too long for one is broken with a hyphen."""
    lines = []
    for line in textwrap.wrap(text, max(width, 4), break_long_words=False):
        while len(line) > max(width, 4):
            lines.append(line[: max(width, 4) - 1] + "-")
            line = line[max(width, 4) - 1 :]
        lines.append(line)
    return lines or [""]
