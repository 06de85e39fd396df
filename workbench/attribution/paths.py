"""From events to paths of contacts that end in a conversion or in nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, schemas
from workbench import names as own
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.results import analysis

if TYPE_CHECKING:
    from workbench.types import Table

_SALT = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class Journeys:
    """Paths of contacts, flat.

    `names` the channels; `code` the channel of every contact, `begin` the first contact of every
    path (one more at the end);
    `conversions`, `value` and `customer` (a running number) of every path, `times` how many paths a
    row stands for; `moment` and `ended` (microseconds) of every contact and path where known;
    `alone` says that every path is somebody else's, a row standing for `times` people; `left_out`
    counts what could not take part.
    """

    names: tuple
    code: np.ndarray
    begin: np.ndarray
    conversions: np.ndarray
    value: np.ndarray
    customer: np.ndarray
    times: np.ndarray
    moment: np.ndarray = None
    ended: np.ndarray = None
    alone: bool = False
    left_out: dict = field(default_factory=dict)
    attrs: dict = field(default_factory=dict)

    @property
    def length(self):
        """Contacts of every path."""
        return np.diff(self.begin)

    @property
    def valued(self):
        """Whether conversions have a worth of their own, or count as one."""
        return bool((self.value != self.conversions).any())

    @property
    def path(self):
        """The path of every contact."""
        return np.repeat(np.arange(len(self.conversions)), self.length)

    def table(self):
        """Return the paths as a table: customer, path (channels joined by " > "), conversions,
        value.
        """
        import pandas as pd

        words = np.array(self.names, object)[self.code]
        return pd.DataFrame(
            {
                "customer": self.customer,
                "path": [
                    own.path(words[a:b])
                    for a, b in zip(self.begin[:-1], self.begin[1:], strict=True)
                ],
                "conversions": self.conversions,
                "value": self.value,
            }
        )

    def check(self, least=1):
        """Raise NotEnoughData unless there are paths and conversions."""
        if not len(self.conversions) or self.conversions.sum() < least:
            raise NotEnoughData(
                "attribution.error_too_few_conversions",
                "attribution: {found} conversions have a contact before them; at least {least} "
                "are needed",
                found=int(self.conversions.sum()) if len(self.conversions) else 0,
                least=least,
            )


@engine.tables("events")
@analysis
def paths(
    events: Table,
    *,
    conversion: str = "order",
    column: str = "channel",
    timeout: str = "30min",
    gap: str = "30D",
    value: str | None = None,
    until: str | None = None,
) -> Journeys:
    """Turn events into paths: the channels of a customer's visits, up to a conversion or a long
    silence.

    A contact is the begin of a visit, or a change of channel within one. A path ends with the
    conversion, or as unsuccessful when nothing follows for `gap`; paths whose silence has not
    lasted that long when the data end are neither, left out and counted.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event and the channel
    conversion : str
        Event that is a conversion.
    column : str
        Column of the channel; rows without one are no contact.
    timeout, gap : str
        Silence that ends a visit, and a path.
    value : str, optional
        Column with the worth of a conversion.
    until : str, optional
        Last moment the data cover; None: the last event.

    Returns
    -------
    Journeys

    Raises
    ------
    InputError
        For a missing column or an unknown conversion.
    NotEnoughData
        Where no path is left.

    Source: paths with and without conversion as in Anderl, Becker, von Wangenheim & Schumann
    (2016), International Journal of Research in Marketing 33.
    """
    from workbench.results import currency_of, is_simulated

    schemas.require(events, "events", column, value)
    goal = own.occurring("conversion", [conversion], engine.distinct(events, "event"))
    names = [n for n in engine.distinct(events, column) if n != ""]
    end = schemas.observed_until(events, until)
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "c": engine.code(column, names, others=True),
        "goal": engine.code("event", goal, others=True),
    }
    if value:
        roles["value"] = engine.real(value)
    view = engine.view(events, upto=None if until is None else end, **roles)
    rows = engine.map_ordered(
        view,
        _Contacts(schemas.micros("timeout", timeout), len(names), value is not None),
        then=("t", "goal", "c"),
        descending=("goal",),
    )
    return _split(
        rows,
        tuple(names),
        schemas.micros("gap", gap),
        end,
        {"simulated": is_simulated(events), "currency": currency_of(events)},
    )


class _Contacts:
    """The kernel: contacts (channel) and conversions (−1) of whole customers in time order."""

    def __init__(self, timeout, none, valued):
        self.timeout, self.none, self.valued = timeout, none, valued

    def __call__(self, batch):
        t, c, n = batch["t"], batch["c"], len(batch)
        visit = np.zeros(n, bool)
        visit[1:] = np.diff(t) > self.timeout
        visit[batch.starts] = True
        visit = np.cumsum(visit)
        # A row without a channel goes on with the visit it stands in; a contact is the first named
        # row of a visit or of another channel in it.
        named = np.flatnonzero(c != self.none)
        new = np.ones(len(named), bool)
        new[1:] = (np.diff(c[named]) != 0) | (np.diff(visit[named]) > 0)
        touch, won = named[new], np.flatnonzero(batch["goal"] == 0)
        at = np.concatenate([touch, won])
        kind = np.concatenate([c[touch], np.full(len(won), -1)]).astype(np.int64)
        order = np.lexsort([kind == -1, at])
        at, kind = at[order], kind[order]
        worth = np.nan_to_num(batch["value"][at]) if self.valued and n else np.ones(len(at))
        return {
            "customer": batch["customer"][at] if n else batch["customer"],
            "t": t[at],
            "kind": kind,
            "value": np.where(kind == -1, worth, 0.0),
        }


def _split(rows, names, gap, end, attrs):
    """Cut every customer's contacts into paths."""
    import pandas as pd

    who = pd.factorize(rows["customer"])[0]
    t, kind, value = rows["t"].to_numpy(), rows["kind"].to_numpy(), rows["value"].to_numpy()
    n = len(rows)
    if not n:
        raise NotEnoughData(
            "attribution.error_no_contact", "paths: no row has a customer and a channel"
        )
    new = np.ones(n, bool)
    new[1:] = (who[1:] != who[:-1]) | (np.diff(t) > gap) | (kind[:-1] == -1)
    path = np.cumsum(new) - 1
    touch = kind >= 0
    total = path[-1] + 1
    won = np.bincount(path, ~touch, total) > 0
    size = np.bincount(path, touch, total).astype(int)
    last = t[np.append(np.flatnonzero(new)[1:], n) - 1]
    young = ~won & (end - last <= gap)
    keep = (size > 0) & ~young
    left = {"young": int((young & (size > 0)).sum()), "untouched": int((won & (size == 0)).sum())}
    inside = touch & keep[path]
    if not keep.any():
        raise NotEnoughData(
            "attribution.error_no_ended_path",
            "paths: no path with a contact has been followed long enough to have ended",
        )
    worth = np.bincount(path, value, total)
    owner = np.unique(who[np.flatnonzero(new)][keep], return_inverse=True)[1]
    return Journeys(
        names,
        kind[inside],
        np.concatenate([[0], np.cumsum(size[keep])]),
        won[keep].astype(float),
        worth[keep],
        owner,
        np.ones(int(keep.sum())),
        t[inside],
        last[keep],
        False,
        left,
        attrs,
    )


def _how_often(table, conversions, nulls):
    """Return how often each path converted and did not; refuse a table without a path."""
    if not len(table):
        raise NotEnoughData("attribution.error_empty_paths", "from_paths: the table holds no path")
    won = table[conversions].to_numpy(float)
    lost = table[nulls].to_numpy(float) if nulls else (won == 0).astype(float)
    if (won < 0).any() or (lost < 0).any() or not np.isfinite(won + lost).all():
        raise InputError(
            "attribution.error_path_numbers",
            "table: numbers of paths must be {least} or more",
            least=0,
        )
    return won, lost


@engine.frames("table")
@analysis
def from_paths(
    table: Table,
    *,
    path: str = "path",
    conversions: str = "conversions",
    nulls: str | None = None,
    value: str | None = None,
    customer: str | None = None,
    separator: str = ">",
) -> Journeys:
    """Read paths that are already written out, such as "search > email > direct".

    Parameters
    ----------
    table : DataFrame
        One row a path (or a kind of path with its numbers).
    path, separator : str
        Column of the path, and what stands between its channels.
    conversions : str
        Column with how many of them converted.
    nulls : str, optional
        Column with how many did not; None: rows without a conversion stand for one unsuccessful
        path each.
    value : str, optional
        Column with the worth of the conversions, all together.
    customer : str, optional
        Column of the customer, whose rows stand in the order of time; None: every path is somebody
        else's.

    Returns
    -------
    Journeys

    Raises InputError for missing columns, negative numbers or an empty path.
    """
    import pandas as pd
    import pyarrow as pa
    from pyarrow import compute

    need_columns("table", table.columns, path, conversions, nulls, value, customer)
    won, lost = _how_often(table, conversions, nulls)
    kind, written = pd.factorize(table[path])
    if (kind < 0).any():
        raise InputError(
            "attribution.error_row_without_path",
            "table: rows without a path: {n}",
            n=int((kind < 0).sum()),
        )
    cut = compute.split_pattern(pa.array(written.astype(str), pa.large_string()), separator)
    coded = compute.dictionary_encode(compute.utf8_trim_whitespace(cut.flatten()))
    words = coded.dictionary.to_pylist()
    names = sorted(w for w in words if w)
    channel_of = np.array([names.index(w) if w else -1 for w in words])
    flat = channel_of[coded.indices.to_numpy(zero_copy_only=False)]
    # Empty places (a separator too many) name nobody.
    size = (
        np.add.reduceat((flat >= 0).astype(np.int64), cut.offsets.to_numpy()[:-1])
        if len(written)
        else np.zeros(0, np.int64)
    )
    flat = flat[flat >= 0]
    if (size == 0).any():
        raise InputError("attribution.error_empty_path", "table: a path names no channel")
    starts = np.concatenate([[0], np.cumsum(size)])
    # A row that holds both kinds of paths becomes two.
    row = np.concatenate([np.flatnonzero(won > 0), np.flatnonzero(lost > 0)])
    good = np.arange(len(row)) < (won > 0).sum()
    asis = np.argsort(row, kind="stable")  # a customer's paths stay in the table's order
    row, good = row[asis], good[asis]
    each, times = kind[row], np.where(good, won[row], lost[row])
    # One row counts its conversions through `times`; worth is spread over them.
    worth = table[value].to_numpy(float)[row] / times * good if value else good.astype(float)
    who = pd.factorize(table[customer])[0][row] if customer else row
    if customer is None and value is None:
        # No names and no worth to keep apart: paths alike are one row that stands for all of them.
        alike = each * 2 + good
        total = np.bincount(alike, times)
        who = np.flatnonzero(total)
        each, good, times, worth = who // 2, who % 2 == 1, total[who], (who % 2).astype(float)
    begin = np.concatenate([[0], np.cumsum(size[each])])
    code = flat[np.repeat(starts[each] - begin[:-1], size[each]) + np.arange(begin[-1])]
    return Journeys(
        tuple(names),
        code.astype(np.int64),
        begin,
        good.astype(float),
        worth,
        who,
        times,
        alone=customer is None,
        attrs=dict(getattr(table, "attrs", {})),
    )


def kinds(journeys):
    """Return the number of every path's kind (same channels in the same order, same outcome) and
    the first path of every kind.
    """
    at = np.arange(len(journeys.code)) - np.repeat(journeys.begin[:-1], journeys.length)
    with np.errstate(over="ignore"):
        h = (journeys.code.astype(np.uint64) + np.uint64(1)) * _SALT + (
            at.astype(np.uint64) + np.uint64(1)
        ) * np.uint64(0xBF58476D1CE4E5B9)
        h = (h ^ (h >> np.uint64(30))) * np.uint64(0x94D049BB133111EB)
        h ^= h >> np.uint64(27)
        total = np.add.reduceat(h, journeys.begin[:-1]) + journeys.conversions.astype(
            np.uint64
        ) * np.uint64(0xD6E8FEB86659FD93)
    _, first, number = np.unique(total, return_index=True, return_inverse=True)
    return number, first


def profiles(journeys, number):
    """Return, for the bootstrap, people alike: how many have each profile, and the paths a profile
    stands for (profile, path kind, times).
    """
    if journeys.alone:
        each = np.arange(int(number.max()) + 1)
        return np.bincount(number, journeys.times).astype(np.int64), each, each, np.ones(len(each))
    people = int(journeys.customer.max()) + 1
    order = np.lexsort([number, journeys.customer])
    who, kind, times = (
        journeys.customer[order],
        number[order].astype(np.uint64),
        journeys.times[order],
    )
    with np.errstate(over="ignore"):
        h = (kind + np.uint64(1)) * _SALT
        h = (h ^ (h >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
        h = (h ^ (h >> np.uint64(32))) + times.view(np.uint64) * np.uint64(0xD6E8FEB86659FD93)
        key = np.zeros(people, np.uint64)
        np.add.at(key, who, h * (kind + np.uint64(3)))
    _, first, same, count = np.unique(
        key, return_index=True, return_inverse=True, return_counts=True
    )
    keep = np.isin(who, first)
    return count, same[who[keep]], number[order][keep], times[keep]
