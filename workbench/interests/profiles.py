"""How much each customer leans to each topic, and how many lean clearly to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names, schemas
from workbench.errors import NotEnoughData
from workbench.interests import acts as reading
from workbench.notes import Note, say
from workbench.results import Points, Result, analysis, tidy
from workbench.stats import affinity as estimators

if TYPE_CHECKING:
    from workbench.types import Moment

LEAST, SHOWN = 5, 12
ANY = "any_topic"
QUESTION = Note("interests.affinity_question", "Who leans to what, more than others do?")
AXIS = Note("interests.affinity_axis", "Share of customers who lean clearly to it")
FEW = Note(
    "interests.few",
    "{n} customer with fewer than {least} acts is left out.",
    "{n} customers with fewer than {least} acts are left out.",
)
INFERRED = Note(
    "interests.inferred",
    "These interests are inferred from what people did; they were not asked.",
)
DECAYED = Note(
    "interests.decayed",
    "An act weighs half after {half_life:span}: the leanings are those of lately.",
)
_CELLS = """
  SELECT customer, space, topic, CAST(count(*) AS BIGINT) AS acts,
    sum(CASE WHEN :half <= 0 THEN 1.0
      ELSE power(0.5, (:end - t) / CASE WHEN :half <= 0 THEN 1.0 ELSE :half END) END) AS weight,
    sum(CASE WHEN :half <= 0 THEN 1.0
      ELSE power(0.25, (:end - t) / CASE WHEN :half <= 0 THEN 1.0 ELSE :half END) END) AS squares
  FROM e GROUP BY customer, space, topic ORDER BY customer, space, topic"""


@engine.tables("acts")
@analysis
def profiles(
    acts: object,
    *,
    topic: str = "category",
    space: str | None = None,
    half_life: str | None = None,
    least: int = LEAST,
    until: Moment | None = None,
    zone: str = "UTC",
    conf_level: float = 0.95,
) -> object:
    """How much does each customer lean to each topic, compared with everybody?

    Parameters
    ----------
    acts : table with customer_id, occurred_at or ordered_at, and the topic
        A row an act: a page, a search, an order line.
    topic : str
        Column that holds the topic.
    space : str, optional
        Column that keeps interests apart, such as personal and professional: shares are of the
        acts of one space, and are held against everybody's in it.
    half_life : str, optional
        Time after which an act weighs half; None: all weigh the same.
    least : int
        Acts a customer must have in a space.
    until : moment, optional
        What came later takes no part; None: all does.
    zone : str
    conf_level : float

    Returns
    -------
    DataFrame
        customer_id, the space, the topic, acts, n (acts of the customer in the space), estimate
        (share, drawn towards that of everybody by as much as the acts are few), conf_low,
        conf_high, share (of everybody), affinity_index (100 times estimate over share), log_odds
        (above everybody's), std_error, and clear: whether the whole interval lies above
        everybody's share.
        `.attrs` has the concentration of each space: the acts that everybody's shares count for.

    Raises
    ------
    InputError
        For a missing column.
    NotEnoughData
        Where nobody has so many acts.

    Source: Monroe, Colaresi & Quinn (2008), Political Analysis 16; Minka (2000) for the prior.

    Examples
    --------
    >>> import pandas as pd
    >>> acts = pd.DataFrame({"customer_id": [k // 8 for k in range(240)],
    ...     "occurred_at": pd.Timestamp("2024-01-01", tz="UTC"),
    ...     "category": ["tea" if (k // 8) % 2 else "coffee" for k in range(240)]})
    >>> profiles(acts)[["category", "acts", "clear"]].head(2).values.tolist()
    [['coffee', 8, True], ['tea', 8, True]]
    """
    seen = reading.read(
        acts,
        topic,
        zone=zone,
        until=until,
        **({"space": engine.key(space)} if space else {}),
    )
    say(*seen.limits)
    half = schemas.micros("half_life", half_life, none=True)
    cells = engine.run(
        f"WITH e AS (SELECT customer, t, topic, {'space' if space else '0 AS space'} FROM v)"
        + _CELLS,
        values={"half": float(half or 0), "end": seen.end},
        v=seen.view,
    )
    cells["topic"] = engine.written(cells["topic"])
    cells["space"] = engine.written(cells["space"])
    parts = [_of_space(part, least, conf_level) for _, part in cells.groupby("space", sort=True)]
    parts = [part for part in parts if part is not None]
    if not parts:
        raise NotEnoughData(
            "interests.error_few_acts",
            "profiles: nobody has {least} acts or more in a space with two topics",
            least=least,
        )
    return _joined(parts, cells, (topic, space), (seen, half_life, least))


def _of_space(cells, least, conf_level):
    """Return the leanings of customers with enough acts in one space, and its concentration."""
    cells = cells[cells.groupby("customer")["acts"].transform("sum") >= least]
    cells = cells.reset_index(drop=True)
    person = cells["customer"].factorize()[0]
    topic, topics = cells["topic"].factorize(sort=True)
    if len(topics) < 2:
        return None
    weight, squares = (np.bincount(person, cells[c]) for c in ("weight", "squares"))
    # Acts that weigh unequally are worth fewer.
    n_eff = weight**2 / squares
    count = cells["weight"].to_numpy() * (n_eff / weight)[person]
    share = np.bincount(topic, cells["weight"])
    share = share / share.sum()
    alike = estimators.concentration(person, topic, count, share)
    # Everybody's shares are no surer than the acts they were counted from.
    alike = float(1 / (1 / alike + 1 / count.sum()))
    result = estimators.shrunken(count, n_eff[person], share[topic], alike, conf_level)
    table = cells[["customer", "space", "topic", "acts"]].assign(
        n=np.bincount(person, cells["acts"]).astype(int)[person],
        estimate=result.estimate,
        conf_low=result.conf_low,
        conf_high=result.conf_high,
        share=share[topic],
        affinity_index=100 * result.estimate / share[topic],
        log_odds=result.log_odds,
        std_error=result.std_error,
        clear=result.conf_low > share[topic],
    )
    return table, alike


def _joined(parts, cells, columns, asked):
    """Return the leanings in all spaces as one table, and say who did too little."""
    import pandas as pd

    (topic, space), (seen, half_life, least) = columns, asked
    table = pd.concat([part for part, _ in parts], ignore_index=True)
    few = int(cells["customer"].nunique() - table["customer"].nunique())
    if few:
        say(FEW.having(n=few, least=least))
    concentration = {part["space"].iloc[0]: alike for part, alike in parts}
    label = names.label(topic)
    table = table.rename(columns={"customer": "customer_id", "topic": label})
    if space:
        table = table.rename(columns={"space": names.label(space)})
    else:
        table = table.drop(columns="space")
    keys = ["customer_id", *([names.label(space)] if space else []), label]
    table = table.sort_values(keys, ignore_index=True)
    table.attrs = {
        "topic": label,
        "space": names.label(space) if space else None,
        "concentration": concentration,
        "half_life": half_life,
        "end": seen.end,
    }
    return table


@engine.tables("acts")
@analysis
def affinity(
    acts: object,
    *,
    topic: str = "category",
    space: str | None = None,
    half_life: str | None = None,
    least: int = LEAST,
    until: Moment | None = None,
    zone: str = "UTC",
    conf_level: float = 0.95,
) -> Result:
    """How many customers lean clearly to a topic, and to which?

    Parameters
    ----------
    acts, topic, space, half_life, least, until, zone : as in `profiles`
    conf_level : float
        Also of the interval that must lie above everybody's share for a leaning to be clear.

    Returns
    -------
    Result
        The space, the topic ("any_topic" first), count (customers who lean clearly to it), n
        (customers with enough acts), estimate, conf_low, conf_high, and share (of all acts).
        `members(topic=…)` gives the customers.

    Raises as `profiles`.

    Source: as `profiles`; Wilson (1927) for the interval.

    Examples
    --------
    >>> import pandas as pd
    >>> acts = pd.DataFrame({"customer_id": [k // 8 for k in range(240)],
    ...     "occurred_at": pd.Timestamp("2024-01-01", tz="UTC"),
    ...     "category": ["tea" if (k // 8) % 2 else "coffee" for k in range(240)]})
    >>> affinity(acts).table[["category", "count", "n"]].values.tolist()
    [['any_topic', 30, 30], ['coffee', 15, 30], ['tea', 15, 30]]
    """
    table = profiles(
        acts,
        topic=topic,
        space=space,
        half_life=half_life,
        least=least,
        until=until,
        zone=zone,
        conf_level=conf_level,
    )
    label, apart = table.attrs["topic"], table.attrs["space"]
    groups = [(None, table)] if apart is None else list(table.groupby(apart, sort=True))
    rows = [
        {**({apart: name} if apart else {}), **row}
        for name, part in groups
        for row in _counted(part, label, conf_level)
    ]
    keys = [apart, label] if apart else [label]
    clear = table[table["clear"]]
    result = tidy(rows)
    return Result(
        question=QUESTION,
        table=result,
        answer=_affinity_answer(result, label, apart),
        method=Note(
            "interests.affinity_method",
            "Shares of a customer's acts drawn towards those of everybody, which count for "
            "{concentration:3} acts; a leaning is clear where its {level:%0} posterior interval "
            "lies above everybody's share; Wilson intervals over customers.",
            concentration=[float(v) for v in table.attrs["concentration"].values()],
            level=conf_level,
        ),
        unit="customers",
        n=int(table["customer_id"].nunique()),
        conf_level=conf_level,
        limits=(INFERRED, reading.SEEN, *_decay(half_life)),
        model=table.attrs["concentration"],
        people=clear[["customer_id", *keys]].reset_index(drop=True),
        chart=Points(
            label=[label],
            group=apart,
            only={label: _most(result, label, apart)},
            percent=True,
            xlabel=AXIS,
        ),
    )


def _most(table, label, apart):
    """Return the topics that most customers lean to, in each space, any topic first."""
    parts = [table] if apart is None else [part for _, part in table.groupby(apart)]
    return list(dict.fromkeys(str(name) for part in parts for name in part[label].head(SHOWN)))


def _decay(half_life):
    """Return the sentence on what a half-life does, where there is one."""
    return [DECAYED.having(half_life=half_life)] if half_life else []


def _counted(part, label, conf_level):
    """Return the rows of one space: any topic, then each, the most leant to first."""
    n = int(part["customer_id"].nunique())
    by_topic = part.groupby(label, sort=True).agg(count=("clear", "sum"), share=("share", "first"))
    by_topic = by_topic.sort_values("count", ascending=False, kind="stable")
    anyone = int(part.loc[part["clear"], "customer_id"].nunique())
    told = [(ANY, anyone, np.nan), *by_topic.itertuples(name=None)]
    for name, count, share in told:
        low, high = (float(v) for v in intervals.wilson(count, n, conf_level))
        yield {
            label: name,
            "count": int(count),
            "n": n,
            "estimate": count / n,
            "conf_low": low,
            "conf_high": high,
            "share": share,
        }


def _affinity_answer(table, label, apart):
    """Return how many lean clearly to any topic, and to which most do."""
    anyone = table[table[label] == ANY].sort_values("estimate", kind="stable").iloc[-1]
    part = table if apart is None else table[table[apart] == anyone[apart]]
    first = part[part[label] != ANY].iloc[0]
    values = {
        "estimate": anyone["estimate"],
        "low": anyone["conf_low"],
        "high": anyone["conf_high"],
        "count": int(anyone["count"]),
        "n": int(anyone["n"]),
        "topic": first[label],
        "share": first["estimate"],
    }
    if apart:
        return Note(
            "interests.affinity_spaces",
            "In the space {space:word} {estimate:%} of customers lean clearly to at least one "
            "topic ({low:%} to {high:%}; {count} of {n}), most often to {topic:text} "
            "({share:%}).",
            space=anyone[apart],
            **values,
        )
    return Note(
        "interests.affinity_answer",
        "{estimate:%} of customers lean clearly to at least one topic ({low:%} to {high:%}; "
        "{count} of {n}), most often to {topic:text} ({share:%}).",
        **values,
    )
