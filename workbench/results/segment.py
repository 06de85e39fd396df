"""A segment: a named, dated set of customers that an analysis can be asked about."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from workbench import engine, notes
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note

OTHERS = "others"


@dataclass(frozen=True, eq=False)
class Segment:
    """A named, dated set of customers.

    It goes where a grouping is asked for (`by=`), which tells its members from all others, and
    narrows a table to its members (`rows`). Ids are kept as they are written, so that 7 in one
    table is "7" in another.

    Parameters
    ----------
    name : str
    customers : iterable
        Ids; each counts once.
    as_of : str, optional
        The day whose state it tells, such as "2024-12-31".
    rule : Note or str
        Who belongs to it.
    simulated : bool
        Whether they are people of a simulated market.

    Examples
    --------
    >>> loyal = Segment("loyal", ["c1", "c2", "c1"], as_of="2024-12-31")
    >>> len(loyal), "c2" in loyal
    (2, True)
    """

    name: str
    customers: tuple
    as_of: str | None = None
    rule: Note | str = ""
    simulated: bool = False

    def __post_init__(self):
        import pandas as pd

        ids = pd.Series(list(self.customers), dtype=object)
        ids = engine.written(ids).dropna().unique() if len(ids) else []
        object.__setattr__(self, "customers", tuple(sorted(map(str, ids))))

    def __len__(self):
        return len(self.customers)

    def __contains__(self, customer):
        return str(customer) in set(self.customers)

    def __repr__(self):
        # Who they are is never shown, only how many.
        return f"Segment({self.name!r}, as_of={self.as_of!r}, {len(self)} customers)"

    def among(self, customers):
        """Return the group of each of these ids: the name of the segment, or "others".

        Raises InputError where no member is among them.
        """
        import numpy as np
        import pandas as pd

        asked = pd.Series(customers)
        written = pd.Series(engine.written(asked), dtype=object).set_axis(asked.index)
        inside = written.isin(self.customers)
        if len(self) and not inside.any():
            raise InputError(
                "result.error_segment",
                "segment '{name}': none of its {n} customers is among those of the table",
                name=self.name,
                n=len(self),
            )
        made = pd.Series(np.where(inside, self.name, OTHERS), asked.index, dtype=object)
        return made.where(written.notna(), None)

    def rows(self, table, *, customer="customer_id"):
        """Return the rows of a pandas table whose customer is a member, as they are.

        Raises InputError for a missing column.
        """
        if customer not in table.columns:
            raise unknown("table", "column", customer, table.columns)
        inside = engine.written(table[customer]).isin(self.customers)
        return table[inside.to_numpy()]

    def both(self, other):
        """Return the segment of those who are in this one and in another."""
        kept = set(self.customers) & set(other.customers)
        return replace(self, name=f"{self.name} & {other.name}", customers=tuple(kept))

    def without(self, other):
        """Return the segment of those who are in this one and not in another."""
        kept = set(self.customers) - set(other.customers)
        return replace(self, name=f"{self.name} - {other.name}", customers=tuple(kept))

    def write(self, path):
        """Write the segment to a file that `read_segment` reads back; it holds the ids."""
        kept = {
            "segment": self.name,
            "as_of": self.as_of,
            "rule": notes.plain(self.rule),
            "simulated": self.simulated,
            "customers": list(self.customers),
        }
        text = json.dumps(kept, ensure_ascii=False, indent=1)
        Path(path).write_text(text + "\n", encoding="utf-8")


def read_segment(path):
    """Return the segment that `Segment.write` wrote.

    Raises InputError where the file holds none.
    """
    try:
        kept = json.loads(Path(path).read_text(encoding="utf-8"))
        return Segment(
            kept["segment"],
            tuple(kept["customers"]),
            kept["as_of"],
            notes.from_dict(kept["rule"]),
            bool(kept.get("simulated", False)),
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            "result.error_no_segment_file",
            "{path}: no segment that Segment.write wrote stands here",
            path=str(path),
        ) from None


def behind(people, keys, question, simulated=False):
    """Return the segment of the customers behind the rows of a result with these keys.

    Parameters
    ----------
    people : DataFrame or callable or None
        customer_id and the keys of the table; or what makes it.
    keys : dict
        Key column → value, or list of values.
    question : Note
    simulated : bool

    Raises
    ------
    InputError
        Where the result knows nobody, or for a key or value that does not occur.
    """
    if people is None:
        raise InputError(
            "result.error_no_people", "members: this result does not know the people behind it"
        )
    table = people() if callable(people) else people
    names = [c for c in table.columns if c != "customer_id"]
    kept = table
    for key, value in keys.items():
        if key not in names:
            raise unknown("members", "key", key, names)
        wanted = value if isinstance(value, (list, tuple, set)) else [value]
        wanted = [_written(one) for one in wanted]
        written = table[key].map(_written)
        for one in wanted:
            if not (written == one).any():
                raise unknown("members", "value", one, sorted(written.unique()))
        kept = kept[written.loc[kept.index].isin(wanted).to_numpy()]
    if not len(kept):
        raise NotEnoughData("result.error_nobody_behind", "members: nobody stands behind this row")
    name = ", ".join(_called(key, value) for key, value in keys.items()) or "all"
    return Segment(
        name, tuple(kept["customer_id"]), _day(table.attrs.get("as_of")), question, simulated
    )


def _written(value):
    """Return a key as it is compared: a day without its hours.

    >>> import pandas as pd
    >>> _written(pd.Timestamp("2024-02-01")), _written(7), _written(True)
    ('2024-02-01', '7', 'True')
    """
    return str(value).removesuffix(" 00:00:00")


def _called(key, value):
    """Return what a key adds to the name of a segment: what holds by its own name."""
    return str(key) if value is True else f"not {key}" if value is False else _written(value)


def _day(as_of):
    """Return the day of a segment as text; a table may hold it as a number of days since 1970."""
    import datetime

    if not hasattr(as_of, "__index__"):
        return as_of
    return str(datetime.date(1970, 1, 1) + datetime.timedelta(days=int(as_of)))
