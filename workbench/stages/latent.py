"""The stage nobody sees: how likely is each stage, for each customer, now?

A hidden Markov model over events. Stages follow each other with chances that depend on the time
between two events; each stage has its own mixture of events, tied to the taxonomy's rules by a
prior; what a customer is doing at a moment without an event hangs on the last one by a table of its
own, learnt from answers to "where are you now?" where there are any.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, schemas
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import analysis
from workbench.stages.calibrate import Answers
from workbench.stages.hidden import (
    BINS,
    CERTAIN,
    GAPS,
    LONGEST,
    MINUTE,
    NO_CUSTOMER,
    NOW,
    ORDERLY,
    SILENT,
    Histories,
    K,
    anchored,
    first_now,
    histories,
    split_labels,
)
from workbench.stages.readout import fit_readout, left_out, readout_ridge, stage_chances
from workbench.stats.hidden_markov import expect, forward, normal

if TYPE_CHECKING:
    from typing import Any

    import pandas as pd

    from workbench.types import Moment, Table

LEAST_HISTORIES = 30
LEAST_ANSWERS = 50
HISTORIES_FEW = Note(
    "stages.error_histories",
    "fit_latent: at least {least} histories are needed, found {n}",
    least=LEAST_HISTORIES,
)


@dataclass(frozen=True, eq=False)
class StageModel:
    """A fitted model of hidden stages.

    Attributes
    ----------
    start : array (6), chances of the first event's stage
    moves : array (8, 6, 6), chances of the next event's stage, by time between the two
    emissions : array (6, events), chances of an event in a stage
    now : array (8, 6, 6), chances of the stage at a moment, by the last event's stage and the time
    since; used where there were no labels
    readout : the logit that says from the last event's stages, the time since and recent activity
    whether someone is idle, under way or past a purchase, and
        how the hidden stages of those under way are read; None without labels
    answers : Answers, what customers said beside chances that had not learnt from them; None
    without labels
    events : tuple of str
    column : str, the column the events come from
    log_likelihood : list of float, one per step of the fit; converged : bool
    labels : int, answers it learnt from; held : int, answers kept for the size of stage sets
    threshold : float, a stage belongs to the set of plausible ones from this chance on
    """

    start: np.ndarray
    moves: np.ndarray
    emissions: np.ndarray
    now: np.ndarray
    events: tuple
    column: str
    log_likelihood: list
    converged: bool
    labels: int
    held: int
    threshold: float
    readout: tuple | None = None
    simulated: bool = False
    answers: Answers | None = None


@engine.tables("events")
@engine.frames(optional=("labels",))
@analysis
def fit_latent(
    events: Table,
    *,
    labels: Table | None = None,
    rules: Any | None = None,
    column: str = "event",
    label_error: float = 0.1,
    anchor: float = 0.5,
    most: int = 20_000,
    rounds: int = 300,
    until: Moment | None = None,
    coverage: float = 0.9,
    seed: int = 1,
) -> StageModel:
    """Learn hidden stages from histories of events, and from answers to "where are you now?" where
    there are any.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event
    labels : DataFrame, optional
        Answers: customer_id, answered_at, stage (one of idle, need, search, evaluation, intent,
        post_purchase). A fifth of the answering customers is kept apart to size the sets of
        plausible stages.
    rules : Taxonomy or path, optional
        Says which stage an event name belongs to at first; the data then move it.
    column : str
        Column with the event.
    label_error : float
        Share of answers that name another stage by mistake.
    anchor : float
        Weight of the rules against the data, 0 to 1: the prior counts as this share of the events.
    most : int
        Customers to learn from; more are drawn from by `seed`.
    rounds : int
        Most steps of the expectation-maximisation.
    until : str or Timestamp, optional
        Learn from nothing after this moment.
    coverage : float
        How often a set of plausible stages should hold the true one.

    Returns
    -------
    StageModel

    Raises
    ------
    InputError
        For an unknown stage among the labels.
    NotEnoughData
        For fewer than 30 histories.

    Source: Baum et al. (1970), Ann. Math. Statist. 41; Netzer, Lattin & Srinivasan (2008),
    Marketing Science 27; sets: Vovk, Gammerman & Shafer (2005).
    """
    from workbench.results import is_simulated

    names = engine.distinct(events, column)
    data = histories(events, names, column, until, most, seed)
    if len(data.starts) < LEAST_HISTORIES:
        raise NotEnoughData(HISTORIES_FEW.having(n=len(data.starts)))
    prior = anchored(names, rules)
    answers, held = split_labels(labels, data, seed)
    moves, now = np.tile(ORDERLY, (BINS, 1, 1)), first_now(data, names, prior, until)
    # Long silences begin anew rather than go on.
    moves[5:] = 0.5 * moves[5:] + 0.5 * np.array([0.55, 0.2, 0.1, 0.05, 0.0, 0.1])
    moves = moves / moves.sum(axis=2, keepdims=True)
    start, emissions, steady = np.array([0.5, 0.25, 0.1, 0.1, 0.01, 0.04]), prior.copy(), now.copy()
    share = np.bincount(data.k, minlength=len(names)) / len(data.k)
    pull = anchor * len(data.k) / K
    said, converged = [], False
    for _ in range(rounds):
        total, c_start, c_moves, c_emit, c_now = expect(
            data, start, moves, emissions, now, answers, label_error
        )
        said.append(total)
        start = normal(c_start + 1)
        moves = normal(c_moves + 2 * ORDERLY)
        emissions = normal(c_emit + pull * prior * 0.2 + 1e-3 * share)
        now = normal(c_now + 8 * steady)
        if len(said) > 1 and abs(said[-1] - said[-2]) < 1e-5 * abs(said[-2]):
            converged = True
            break
    model = StageModel(
        start,
        moves,
        emissions,
        now,
        tuple(names),
        column,
        said,
        converged,
        len(answers["row"]),
        len(held["row"]),
        0.0,
        None,
        is_simulated(events),
    )
    if len(answers["row"]) >= LEAST_ANSWERS:
        model = _read_out(data, model, answers, label_error)
    if len(held["row"]) >= 20:
        # A set of stages holds the stated one as often as wanted where its least likely member is
        # as likely as all but the rarest answers were.
        chances = stage_chances(data, model, held["row"], held["since"])
        chance = chances[np.arange(len(chances)), held["stage"]]
        place = int(np.floor((1 - coverage) * (len(chance) + 1)))
        model = replace(model, threshold=float(np.sort(chance)[place - 1]) if place >= 1 else 0.0)
    return model


def _read_out(data, model, answers, error):
    """Return the model with its readout, and what answers say of chances that had not seen them."""
    alpha = forward(data, model.start, model.moves, model.emissions)[0]
    ridge = readout_ridge(data, model, answers, error, alpha)
    readout = fit_readout(data, model, answers, error, alpha, ridge)
    chances = left_out(data, model, answers, error, alpha, ridge)
    who = np.unique(data.customer[answers["row"]].astype(str), return_inverse=True)[1]
    held = Answers(chances, answers["stage"], who, error)
    return replace(model, readout=readout, answers=held)


@engine.tables("events")
@analysis
def posterior(events: Table, model: StageModel, *, moment: Moment | None = None) -> pd.DataFrame:
    """Give for every customer the chance of each stage at a moment, by what they did before it.

    Parameters
    ----------
    events : table with customer_id, occurred_at and the model's event column
    model : StageModel
    moment : str or Timestamp, optional
        The moment asked about; default the last event of the table. Later events take no part.

    Returns
    -------
    DataFrame
        customer_id, days_since_last_event, idle, need, search, evaluation, intent, post_purchase
        (chances that add up to 1), stage (the likeliest), certain (whether its chance is at
        least one half), plausible (all stages of the model's set, a bar between them; empty
        where the model has none), events (how many the answer rests on), calibrated
        (whether answers were there to learn the chances from). Customers without an event
        before the moment are left out.

    Source: as `fit_latent`.
    """
    import pandas as pd

    end = schemas.observed_until(events, moment)
    first, last = engine.span(events, "occurred_at")
    if last is None:
        raise NotEnoughData(NO_CUSTOMER)
    if not first <= end <= last + schemas.micros("silent", SILENT):
        days = [pd.Timestamp(v, unit="us").date() for v in (end, first, last)]
        raise InputError(
            "stages.error_moment",
            "moment: {day:date} lies outside the data, which run from {first:date} to {last:date}",
            day=days[0],
            first=days[1],
            last=days[2],
        )
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "k": engine.code(model.column, list(model.events), others=True),
    }
    view = engine.view(events, upto=end, **roles)
    parts = engine.map_ordered(view, _Filter(model, end), then=("t", "k")).sort_values(
        "customer", kind="stable", ignore_index=True
    )
    table = pd.DataFrame(
        {
            "customer_id": parts["customer"],
            "days_since_last_event": parts["since"] / (1440 * MINUTE),
        }
    )
    chances = parts[[f"p{i}" for i in range(len(NOW))]].to_numpy()
    for i, name in enumerate(NOW):
        table[name] = chances[:, i]
    table["stage"] = (
        np.array(NOW, object)[chances.argmax(axis=1)] if len(table) else np.array([], object)
    )
    table["certain"] = chances.max(axis=1) >= CERTAIN if len(table) else np.array([], bool)
    patterns = (chances >= max(model.threshold, 1e-12)) @ (1 << np.arange(len(NOW)))
    names = np.array(
        ["|".join(n for i, n in enumerate(NOW) if p >> i & 1) for p in range(1 << len(NOW))], object
    )
    table["plausible"] = names[patterns] if model.threshold > 0 else ""
    table["events"] = parts["events"]
    table["calibrated"] = model.readout is not None
    if model.simulated:
        table.attrs["simulated"] = True
    return table


class _Filter:
    """The kernel of `posterior`: one row per customer."""

    def __init__(self, model, end):
        self.model, self.end = model, end

    def __call__(self, batch):
        m, n = self.model, len(batch)
        known = batch["k"] < len(m.events)
        kept = np.flatnonzero(known & (np.arange(n) > batch.last - LONGEST))
        who = batch.customer[kept] if n else kept
        new = np.ones(len(kept), bool)
        new[1:] = who[1:] != who[:-1]
        starts = np.flatnonzero(new)
        time = batch["t"][kept]
        wait = np.diff(time, prepend=time[:1])
        data = Histories(
            batch["customer"][kept],
            time,
            batch["k"][kept].astype(int),
            np.searchsorted(GAPS, wait, side="right"),
            starts,
            np.diff(np.append(starts, len(kept))),
            self.end,
        )
        ends = starts + data.sizes - 1
        if len(kept):
            since = self.end - time[ends]
            p = stage_chances(data, m, ends, since)
        else:
            since, p = time, np.zeros((0, len(NOW)))
        return {
            "customer": data.customer[ends],
            "since": since.astype(float),
            "events": data.sizes.astype(np.int64),
            **{f"p{i}": p[:, i] for i in range(len(NOW))},
        }
