"""The machinery of the hidden Markov model: histories, forward and backward steps, expectations."""

from dataclasses import dataclass

import numpy as np

from workbench import engine, schemas
from workbench.errors import NotEnoughData, unknown
from workbench.notes import Note
from workbench.stages.taxonomy import taxonomy
from workbench.stats.hidden_markov import normal

# Stages an event can come from.
CHAIN = ("need", "search", "evaluation", "intent", "purchase", "post_purchase")
# Stages a person can be in.
NOW = ("idle", "need", "search", "evaluation", "intent", "post_purchase")
_TO_CHAIN = {"awareness": "need", "retention": "post_purchase", "advocacy": "post_purchase"}
MINUTE = 60_000_000
# Edges of the times between events.
GAPS = np.array([2, 30, 720, 2880, 10080, 30240, 43200], np.int64) * MINUTE
BINS, K = len(GAPS) + 1, len(CHAIN)
LONGEST = 200  # events a history keeps, the latest ones
SILENT = "30D"  # with no labels: silence after which a process counts as over
CERTAIN = 0.5  # from this chance on a stage counts as certain
NO_CUSTOMER = Note("stages.no_customer", "there is no customer with an event")
MODEL_AXIS = Note("stages.reliability_x", "Predicted chance")
ORDERLY = np.array(
    [
        [0.55, 0.25, 0.10, 0.06, 0.01, 0.03],
        [0.05, 0.60, 0.25, 0.06, 0.01, 0.03],
        [0.03, 0.14, 0.56, 0.22, 0.02, 0.03],
        [0.02, 0.04, 0.10, 0.60, 0.21, 0.03],
        [0.06, 0.06, 0.04, 0.04, 0.05, 0.75],
        [0.25, 0.20, 0.10, 0.10, 0.02, 0.33],
    ]
)


@dataclass
class Histories:
    """Histories laid end to end: event codes, bins of the time before each, where each history
    starts and how long it is.
    """

    customer: np.ndarray
    t: np.ndarray
    k: np.ndarray
    bin: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    end: int


class _Rows:
    """A kernel that hands the latest events of every history on."""

    def __call__(self, batch):
        kept = np.arange(len(batch)) > batch.last - LONGEST
        return {
            "customer": batch["customer"][kept],
            "t": batch["t"][kept].astype(np.int64),
            "k": batch["k"][kept].astype(np.int64),
        }


def histories(events, names, column, until, most, seed):
    """Return the latest events of at most `most` customers, laid end to end."""
    schemas.require(events, "events", column)
    end = schemas.observed_until(events, until)
    if end is None or not names:
        raise NotEnoughData("stages.error_no_event_time", "the table holds no event with a time")
    view = engine.view(
        events,
        upto=end,
        customer=engine.key("customer_id"),
        t=engine.micros("occurred_at"),
        k=engine.code(column, names),
    )
    rows = engine.map_ordered(view, _Rows(), then=("t", "k")).sort_values(
        ["customer", "t", "k"], kind="stable", ignore_index=True
    )
    customer = rows["customer"].to_numpy()
    new = np.ones(len(rows), bool)
    new[1:] = customer[1:] != customer[:-1]
    if new.sum() > most:
        chosen = np.random.default_rng(seed).permutation(int(new.sum())) < most
        kept = chosen[np.cumsum(new) - 1]
        rows, new, customer = rows[kept], new[kept], customer[kept]
    starts = np.flatnonzero(new)
    time = rows["t"].to_numpy()
    wait = np.diff(time, prepend=time[:1])
    return Histories(
        customer,
        time,
        rows["k"].to_numpy(),
        np.searchsorted(GAPS, wait, side="right"),
        starts,
        np.diff(np.append(starts, len(rows))),
        end,
    )


def anchored(names, rules):
    """Return what the rules say of each event's stage, as chances of events within stages."""
    tax = rules if rules is not None and not isinstance(rules, str) else taxonomy(rules)
    prior = np.full((K, len(names)), 0.02)
    for rule in tax.rules:
        stage = _TO_CHAIN.get(rule["stage"], rule["stage"])
        for name in rule.get("events", ()):
            if name in names and stage in CHAIN:
                prior[CHAIN.index(stage), names.index(name)] += 1.0
    return prior / prior.sum(axis=1, keepdims=True)


def first_now(data, names, prior, until):
    """Return a first table of the stage at a moment: still under way as often as histories go on
    within the silence, else idle.

    Counted over the waits after events in each (rule's) stage; waits cut off by the end of the
    data, and those that a new need ends, are no going on.
    """
    stage = prior.argmax(axis=0)[data.k]
    last = np.zeros(len(data.k), bool)
    last[data.starts + data.sizes - 1] = True
    wait = np.where(last, data.end - data.t, np.append(np.diff(data.t), 0))
    silent, following = schemas.micros("silent", SILENT), np.append(stage[1:], 0)
    out = np.full((BINS, K, len(NOW)), 1e-3)
    lower = np.append(0, GAPS)
    for s in range(K):
        mine = stage == s
        to = NOW.index("post_purchase" if CHAIN[s] in ("purchase", "post_purchase") else CHAIN[s])
        for b in range(BINS):
            waiting = mine & (wait > lower[b]) & (~last | (wait > lower[b] + silent))
            goes_on = (
                waiting & ~last & (wait <= lower[b] + silent) & (following != CHAIN.index("need"))
            )
            # After a silence that ends a process nobody is under way by definition.
            share = 0.02 if lower[b] >= silent else (goes_on.sum() + 0.5) / (waiting.sum() + 2)
            out[b, s, to] += share
            out[b, s, 0] += 1 - share
    return normal(out)


def split_labels(labels, data, seed, apart=0.2):
    """Return labels as (row of the last event before, bin of the time since, stage), split into
    those to learn from and those kept apart.
    """
    import pandas as pd

    empty = {n: np.zeros(0, int) for n in ("row", "bin", "since", "stage")}
    if labels is None or not len(labels):
        return empty, empty
    for stage in labels["stage"].dropna().unique():
        if stage not in NOW:
            raise unknown("labels", "stage", stage, NOW)
    kept = labels.dropna(subset=["stage", "customer_id", "answered_at"])
    when = (
        pd.to_datetime(kept["answered_at"], utc=True)
        .astype("datetime64[us, UTC]")
        .astype("int64")
        .to_numpy()
    )
    # What was answered later takes no part.
    kept, when = kept[when <= data.end], when[when <= data.end]
    row, found = _before(data, kept["customer_id"].to_numpy(), when)
    stage = kept["stage"].map(NOW.index).to_numpy()[found]
    who = kept["customer_id"].to_numpy()[found]
    since = when[found] - data.t[row]
    people = np.unique(who)
    aside = np.isin(who, people[np.random.default_rng(seed).random(len(people)) < apart])
    made = [
        {
            "row": row[m],
            "bin": np.searchsorted(GAPS, since[m], side="right"),
            "since": since[m],
            "stage": stage[m],
        }
        for m in (~aside, aside)
    ]
    return made[0], made[1]


def _before(data, who, when):
    """Return for (customer, moment) pairs the row of the last event up to then, and which pairs
    have one.
    """
    import pandas as pd

    events = pd.DataFrame(
        {"who": data.customer, "t": data.t, "row": np.arange(len(data.t))}
    ).sort_values("t", kind="stable")
    if events["who"].dtype == object or str(events["who"].dtype) == "str":
        events["who"], who = events["who"].astype(str), np.asarray(who).astype(str)
    asked = pd.DataFrame(
        {"who": who, "t": when.astype(np.int64), "i": np.arange(len(when))}
    ).sort_values("t", kind="stable")
    asked["who"] = asked["who"].astype(events["who"].dtype)
    joined = pd.merge_asof(asked, events, on="t", by="who").sort_values("i")
    found = joined["row"].notna().to_numpy()
    return joined["row"].to_numpy()[found].astype(int), found
