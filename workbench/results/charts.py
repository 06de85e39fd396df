"""What a figure draws from the table of a Result: seven kinds of chart, as typed values.

Columns are named as they stand in the table; axes are notes, written out when the chart is drawn.
"""

from dataclasses import dataclass, field, fields, replace

from workbench import notes
from workbench.notes import Note


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What all charts share.

    Attributes
    ----------
    xlabel, ylabel : Note or str
        What the axes say, units included.
    group : str, optional
        Column whose values are told apart by colour, marker and line.
    only : dict
        Column → value or values: the rows that are drawn.
    percent, points : bool
        Whether the estimates are shares, or differences of shares in percentage points.
    """

    xlabel: Note | str = ""
    ylabel: Note | str = ""
    group: str | None = None
    only: dict = field(default_factory=dict)
    percent: bool = False
    points: bool = False

    @property
    def kind(self):
        """The name of the kind: points, funnel, curve, stations, law, heat or flow."""
        return type(self).__name__.lower()

    @property
    def keys(self):
        """The columns that name a drawn number, each once."""
        named = (*self._named(), self.group)
        return tuple(dict.fromkeys(name for name in named if name))

    def _named(self):
        return ()

    def to_dict(self):
        """Return the chart as plain data, fit for JSON; `from_dict` makes it again."""
        kept = {name: getattr(self, name) for name in (f.name for f in fields(self))}
        return {"kind": self.kind, **notes.plain(kept)}

    def drawing(self, **changes):
        """Return the same chart with some of its settings changed."""
        return replace(self, **changes)


@dataclass(frozen=True, kw_only=True)
class Points(Chart):
    """One dot with its interval a row.

    Attributes
    ----------
    label : tuple of str
        Columns that name a row.
    reference : float, optional
        Where a dotted line stands, such as 0 for no difference.
    beside : str, optional
        Column with what a law or another source says of the same row.
    log : bool
        Whether the axis is logarithmic.
    """

    label: tuple = ()
    reference: float | None = None
    beside: str | None = None
    log: bool = False

    def __post_init__(self):
        object.__setattr__(self, "label", tuple(self.label))

    def _named(self):
        return self.label


@dataclass(frozen=True, kw_only=True)
class Curve(Chart):
    """A line with its band.

    Attributes
    ----------
    x : str
        Column along the horizontal axis.
    step : bool
        Whether values hold until the next one.
    diagonal : bool
        Whether the line of equal values is drawn, and both axes are shares.
    """

    x: str
    step: bool = False
    diagonal: bool = False

    @property
    def keys(self):
        """The group before the place along the axis."""
        return (self.group, self.x) if self.group else (self.x,)


@dataclass(frozen=True, kw_only=True)
class Stations(Chart):
    """A curve over named stages, with its band, n under every stage and what `mark` says of it.

    Columns `bound_low` and `bound_high`, where the table has them, are a wider band around it.

    Attributes
    ----------
    x : str
        Column with the stages, in their order.
    """

    x: str

    @property
    def keys(self):
        """The group before the stage."""
        return (self.group, self.x) if self.group else (self.x,)


@dataclass(frozen=True, kw_only=True)
class Funnel(Points):
    """A bar a step, as long as the share that reached it; beside it what is lost since the last."""


@dataclass(frozen=True, kw_only=True)
class Law(Chart):
    """A dot with its interval a row, and the line on which a law has it.

    Attributes
    ----------
    label : str
        Column that names a row; those that leave the line are named.
    x, line : str
        Column along the horizontal axis, and what the law says of a row.
    p_value : str
        Column with the p of a row's distance from the line, corrected for how many they are.
    """

    label: str
    x: str
    line: str
    p_value: str

    def _named(self):
        return (self.label,)


@dataclass(frozen=True, kw_only=True)
class Heat(Chart):
    """A matrix of shares; what cannot be known yet stays empty.

    Attributes
    ----------
    row, column : str
        Columns that give the place of a cell.
    base_first : bool
        Whether the first column is the base itself and stays out of the colour scale.
    """

    row: str
    column: str
    base_first: bool = False

    def _named(self):
        return (self.row, self.column)


@dataclass(frozen=True, kw_only=True)
class Flow(Chart):
    """Stages as bars, what flows between them as bands.

    Attributes
    ----------
    label : tuple of str
        Columns that name a flow.
    stages : tuple of str
        The stages from left to right.
    """

    label: tuple = ()
    stages: tuple = ()

    def __post_init__(self):
        object.__setattr__(self, "label", tuple(self.label))
        object.__setattr__(self, "stages", tuple(self.stages))

    def _named(self):
        return self.label


KINDS = {kind.__name__.lower(): kind for kind in (Points, Funnel, Curve, Stations, Law, Heat, Flow)}


def from_dict(kept):
    """Make a chart again from what `Chart.to_dict` returned; None stays None.

    >>> chart = Points(label=["step"], xlabel="customers")
    >>> from_dict(chart.to_dict()) == chart
    True
    """
    if kept is None:
        return None
    settings = {name: notes.from_dict(value) for name, value in kept.items() if name != "kind"}
    return KINDS[kept["kind"]](**settings)
