"""Which devices belong to one person, and how far that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import NotEnoughData, need_columns, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    import pandas as pd

    from workbench.types import Table


@engine.frames("events", "links", kept=True)
@analysis
def identify(events: Table, links: Table, *, device: str = "device_id") -> pd.DataFrame:
    """Give events of devices to the people known to use them: devices that share a person, and
    persons that share a device, become one.

    Parameters
    ----------
    events : DataFrame with occurred_at and the device column
    links : DataFrame with the device column and customer_id, one row per sighting of a person on a
    device
    device : str

    Returns
    -------
    DataFrame
        A copy of the events with customer_id: the smallest linked customer's, or "device:ID" where
        nobody is known.

    Raises
    ------
    InputError
        For a missing column.

    Source: O-13 in `docs/glossary.md`; deterministic linking only.
    """
    person = _persons(links, device)
    if device not in events:
        raise unknown("events", "column", device, events.columns)
    known_as = engine.written(events[device])
    found = known_as.map(person)
    return events.assign(
        customer_id=found.where(found.notna(), "device:" + known_as.astype("str")).astype("str")
    )


def _persons(links, device):
    """Return device → person (text), by connected components of devices and customers."""
    import pandas as pd
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = _pairs(links, device)
    devices = pd.factorize(pairs[device], sort=True)
    names = sorted(pairs["customer_id"].unique(), key=_in_order)
    people = pairs["customer_id"].map({name: i for i, name in enumerate(names)}).to_numpy(), names
    n, m = len(devices[1]), len(people[1])
    graph = coo_array((np.ones(len(pairs)), (devices[0], n + people[0])), shape=(n + m, n + m))
    _, group = connected_components(graph, directed=False)
    # Customers are sorted, so the first one seen in a group is its smallest.
    name = {}
    for i, label in enumerate(group[n:]):
        name.setdefault(label, people[1][i])
    return pd.Series([name[g] for g in group[:n]], index=devices[1], dtype=object)


def _pairs(links, device):
    """Return the different pairs of a device and a customer, as they are written."""
    need_columns("links", links.columns, device, "customer_id")
    pairs = links[[device, "customer_id"]].apply(engine.written)
    return pairs.dropna().drop_duplicates()


def _in_order(name):
    """Sort whole numbers by size and before words."""
    return (0, int(name), name) if name.isdecimal() else (1, 0, name)


@engine.tables("events")
@engine.frames("links", optional=("truth",), kept=True)
@analysis
def identity_quality(
    events: Table,
    links: Table,
    *,
    device: str = "device_id",
    truth: Table | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How much of the data is tied to a known person, and do the ties contradict each other?

    Parameters
    ----------
    events, links, device
        As in `identify`.
    truth : DataFrame, optional
        Known pairs: the device column and customer_id; then precision and recall of pairs of
        devices are given.

    Returns
    -------
    Result
        measure (devices_linked, events_linked, devices_shared: devices with several customers,
        people_merged: customers joined to another; precision, recall of pairs), count, n, estimate,
        conf_low, conf_high (Wilson; devices or persons are the units).

    Raises
    ------
    NotEnoughData
        If there is no device.

    Source: Fellegi & Sunter (1969), JASA 64, for precision and recall of pairs.
    """
    import pandas as pd

    sizes = engine.run(
        "SELECT device, count(*) AS n FROM v WHERE device IS NOT NULL GROUP BY device",
        v=engine.view(events, device=engine.key(device)),
    ).set_index("device")["n"]
    sizes.index = engine.written(sizes.index)
    if not len(sizes):
        raise NotEnoughData("journeys.error_no_device", "identity_quality: there is no device")
    person = _persons(links, device)
    linked = sizes.index.isin(person.index)
    known = _pairs(links, device)
    per_device = known.groupby(device)["customer_id"].nunique()
    per_person = (
        known.assign(person=known[device].map(person)).groupby("person")["customer_id"].nunique()
    )
    rows = [
        ("devices_linked", int(linked.sum()), len(sizes)),
        ("events_linked", int(sizes[linked].sum()), int(sizes.sum())),
        ("devices_shared", int((per_device > 1).sum()), len(per_device)),
        ("people_merged", int(per_person[per_person > 1].sum()), int(per_person.sum())),
    ]
    if truth is not None:
        pairs = _beside_truth(person, truth, device, sizes.index)
        hit = _joined(pairs, ["said", "true"])
        rows += [
            ("precision", hit, _joined(pairs, "said")),
            ("recall", hit, _joined(pairs, "true")),
        ]
    table = pd.DataFrame(rows, columns=["measure", "count", "n"])
    table["estimate"] = table["count"] / table["n"].where(table["n"] > 0)
    table["conf_low"], table["conf_high"] = intervals.wilson(table["count"], table["n"], conf_level)
    # Events belong to devices, pairs of devices to persons: those are the units.
    blocks = {"events_linked": (sizes.to_numpy() * linked, sizes.to_numpy())}
    if truth is not None:
        for name, key in (("precision", "said"), ("recall", "true")):
            together = pairs.groupby(["said", "true"]).size().rename("n").reset_index()
            per = (
                together.assign(hit=together["n"] * (together["n"] - 1) / 2)
                .groupby(key)
                .agg(hit=("hit", "sum"), n=("n", "sum"))
            )
            blocks[name] = (per["hit"].to_numpy(), (per["n"] * (per["n"] - 1) / 2).to_numpy())
    for name, (y, x) in blocks.items():
        used = x > 0
        estimate, se, _, _ = intervals.ratio(y[used], x[used], conf_level)
        low, high = intervals.wilson_effective_n(estimate, se, x.sum(), used.sum(), conf_level)
        table.loc[table["measure"] == name, ["conf_low", "conf_high"]] = [float(low), float(high)]
    return Result(
        question=Note(
            "journeys.identity_question", "How much of the data can be tied to a known person?"
        ),
        table=table,
        method=Note(
            "journeys.identity_method",
            "Devices of one person, and persons on one device, are joined into one; "
            "Wilson intervals.",
        ),
        unit="devices",
        n=len(sizes),
        conf_level=conf_level,
        limits=(
            Note(
                "journeys.identity_limit",
                "Deterministic links only: a shared device joins its users into one person.",
            ),
        ),
        answer=_linked_answer(table),
        chart=Points(
            label=["measure"], percent=True, xlabel=Note("journeys.identity_axis", "Share")
        ),
    )


def _beside_truth(person, truth, device, seen):
    """Return the person said and the true one of every device that is seen and known."""
    import pandas as pd

    true = _pairs(truth, device).drop_duplicates(device).set_index(device)["customer_id"]
    both = true.index.intersection(seen)
    # A pair of devices is joined where both have one person; known devices without a link stand
    # alone.
    said = person.reindex(both).fillna(pd.Series("device:" + both.astype(str), both))
    return pd.DataFrame({"said": said, "true": true[both]})


def _joined(pairs, keys):
    """Return how many pairs of devices have these in common."""
    n = pairs.groupby(keys).size()
    return int((n * (n - 1) // 2).sum())


def _linked_answer(table):
    """Say how many devices belong to a known person, and how many events with them."""
    row = table[table["measure"] == "devices_linked"].iloc[0]
    events = table[table["measure"] == "events_linked"].iloc[0]
    return Note(
        "journeys.identity_answer",
        "{share:%} of devices are tied to a known person ({low:%} to {high:%}; {count} of {n}), "
        "and with them {events:%} of events.",
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["count"]),
        n=int(row["n"]),
        events=events["estimate"],
    )
