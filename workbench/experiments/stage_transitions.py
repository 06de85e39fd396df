"""What moves people from stage to stage? Contacts of one kind against others, each a small trial of
its own.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.experiments.designs import TRIM, UNMEASURED, effect_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

OUTCOMES = ("forward", "back", "left")
VISIT = 1_800_000_000  # microseconds of silence that begin a new visit
LEAST = 50  # contacts of each kind a stage needs
FEW = 500  # contacts with the exposure below which intervals are wide
ALARM = 0.05

BY_SPELL = Note(
    "experiments.progress_spell",
    "The column by stays compares whole stays with and without the contact: long stays include "
    "more of everything, so it is biased and shown as a warning only.",
)


def _effect(measured):
    """Return the effect among the rows of a weighting, with its error."""
    return measured.set_index("measure").loc["effect", ["estimate", "std_error"]]


PROGRESS_ALL = Note(
    "experiments.progress_all",
    "Compared with every other contact: where those indicate how far people are, name "
    "contacts of people equally far in `against`.",
)
PROGRESS_NO_ALARM = Note(
    "experiments.progress_no_alarm",
    "No outcome from before the stage was available to check the comparison.",
)
PROGRESS_AXIS = Note("experiments.progress_axis", "Change in the probability, percentage points")


@engine.tables("events")
@analysis
def stage_progress(
    events: Table,
    stages: Sequence[str],
    exposure: str | Sequence[str],
    *,
    against: str | Sequence[str] | None = None,
    horizon: str = "7D",
    gap: str = "30D",
    column: str = "stage",
    action: str = "event",
    adjust: Sequence[str] = (),
    until: str | None = None,
    trim: float = TRIM,
    conf_level: float = 0.95,
) -> Result:
    """Do people move on more often after a contact of one kind, such as a review, than after
    another contact in the same stage?

    Every contact is a trial that begins at it: of those who had not yet met the exposure in this
    stage, some meet it now and some meet something else. They are made alike in what came before
    (contacts and visits so far, time since the purchase process began, orders before, and the
    columns of `adjust`), and followed for the horizon. Exposure is never defined by what happens
    later, so nobody has to stay in order to be exposed.

    Parameters
    ----------
    events : table with customer_id, occurred_at, a stage column and an event column
    stages : list of str
        In rank order, the purchase last.
    exposure : str or list of str
        Events that are the exposure.
    against : str or list of str, optional
        Events it is compared with; None: all others. Name contacts of people just as far: what else
        is met in a stage may tell how far people are, and then the difference is not the contact's
        doing.
    horizon : str
        How long people are followed.
    gap : str
        Inactivity that ends a purchase process.
    column, action : str
        Columns with the stage and with the event.
    adjust : list of str
        Word columns of `events`, such as device or channel, made alike too.
    until : str, optional
        Last moment the data cover; None: the last event.
    trim : float
        As in `weighting`.

    Returns
    -------
    Result
        stage, outcome (forward: to a later stage first; back: to an earlier one first; left: no
        further event), n (contacts), exposed (contacts with it), estimate (change of the chance of
        the outcome within the horizon), std_error, conf_low, conf_high, p_holm, by_spell (the same
        difference between whole stays with and without the exposure: biased, shown as a warning).
        The customer is the sampling unit.

    Raises
    ------
    InputError
        For an unknown stage, event or column.
    NotEnoughData
        Where no stage has 50 contacts of each kind that can be followed.

    Source: Hernán & Robins (2016), American Journal of Epidemiology 183 (target trials); Hernán,
    Sauer, Hernández-Díaz, Platt & Shrier (2016), Journal of Clinical Epidemiology 79 (immortal
    time); weighting as in `weighting`.
    """
    import pandas as pd

    stages = list(stages)
    names = [exposure] if isinstance(exposure, str) else list(exposure)
    schemas.require(events, "events", column, action, *adjust)
    words, known = engine.distinct(events, action), engine.distinct(events, column)
    others = (
        [w for w in words if w not in names]
        if against is None
        else [against]
        if isinstance(against, str)
        else list(against)
    )
    for where, name in [("exposure", n) for n in names] + [("against", n) for n in others]:
        if name not in words:
            raise unknown(where, "event", name, words)
    if set(names) & set(others):
        raise InputError(
            "experiments.error_exposure_and_against",
            "stage_progress: {names:text} is named in both exposure and against",
            names=sorted(set(names) & set(others)),
        )
    for name in stages:
        if name not in known:
            raise unknown("stages", "stage", name, known)
    if len(stages) < 2:
        raise InputError(
            "experiments.error_too_few_stages",
            "stage_progress: at least {least} stages are needed, the purchase last",
            least=2,
        )
    end = schemas.observed_until(events, until)
    more = {f"x{i}": engine.distinct(events, c) for i, c in enumerate(adjust)}
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "k": engine.code(column, stages),
        "a": engine.code(action, words, others=True),
        **{
            f"x{i}": engine.code(c, more[f"x{i}"] or ["-"], others=True)
            for i, c in enumerate(adjust)
        },
    }
    view = engine.view(events, upto=None if until is None else end, **roles)
    kernel = _Trials(
        len(stages) - 1,
        [words.index(n) for n in names],
        [words.index(n) for n in others],
        schemas.micros("horizon", horizon),
        schemas.micros("gap", gap),
        end,
        len(adjust),
    )
    d = engine.map_ordered(view, kernel, then=("t", "k", "a", *more))
    young = int(d["young"].sum())
    d = d[~d["young"]]
    for i, c in enumerate(adjust):
        labels = [*more[f"x{i}"], "-"]
        d = d.assign(**{c: [labels[v] for v in d[f"x{i}"]]})
    rows, alarms, skipped = [], [], []
    history = ["contacts", "days", "orders_before"]
    for k, stage in enumerate(stages[:-1]):
        mine = d[(d["k"] == k) & d["compared"] & ~d["met_before"]]
        if min(mine["exposed"].sum(), (~mine["exposed"]).sum()) < LEAST:
            continue
        made = mine.assign(
            exposed=mine["exposed"].astype(int),
            **{o: (mine["outcome"] == i).astype(int) for i, o in enumerate(OUTCOMES)},
        )
        varying = [
            *fits.informative_columns(made[[*history, "visits"]]),
            *(c for c in adjust if made[c].nunique() > 1),
        ]
        spells = (
            d[d["k"] == k]
            .groupby("spell")
            .agg(any=("exposed", "any"), ends=("last_outcome", "first"))
        )
        for outcome in OUTCOMES:
            if made[outcome].nunique() < 2:
                continue
            try:
                data, treated, *_, measured = effect_of(
                    made,
                    "exposed",
                    outcome,
                    varying,
                    method="aipw",
                    cluster="customer",
                    trim=trim,
                    conf_level=conf_level,
                )
            except (InputError, NotEnoughData) as wrong:
                skipped.append(
                    Note(
                        "experiments.progress_skipped",
                        "{stage:word}, {outcome:word}: not estimated. {reason}",
                        stage=stage,
                        outcome=outcome,
                        reason=wrong.note,
                    )
                )
                continue
            found = measured.set_index("measure").loc["effect"]
            crude = (spells["ends"] == OUTCOMES.index(outcome)).groupby(spells["any"]).mean()
            rows.append(
                {
                    "stage": stage,
                    "outcome": outcome,
                    "n": len(data.y),
                    "exposed": int(treated.sum()),
                    **found[["estimate", "std_error", "conf_low", "conf_high"]],
                    "p_value": float(
                        intervals.p_value(
                            found["estimate"], found["std_error"], fits.quantile_df(data)
                        )
                    ),
                    "by_spell": crude.get(True, np.nan) - crude.get(False, np.nan),
                }
            )
        # What lay behind before the stage began cannot have been moved by a contact in it.
        if made["earlier_visits"].nunique() > 1 and rows and rows[-1]["stage"] == stage:
            with contextlib.suppress(InputError, NotEnoughData):
                data, *_, measured = effect_of(
                    made,
                    "exposed",
                    "earlier_visits",
                    [c for c in varying if c != "visits"],
                    method="aipw",
                    cluster="customer",
                    trim=trim,
                    conf_level=conf_level,
                )
                alarms.append(float(intervals.p_value(*_effect(measured), fits.quantile_df(data))))
    if not rows:
        raise NotEnoughData(
            "experiments.error_no_stage_to_compare",
            "stage_progress: no stage has {least} contacts with {names:text} and {least} others "
            "that can be followed for {horizon:span} and compared {skipped}",
            least=LEAST,
            names=names,
            horizon=horizon,
            skipped=skipped,
        )
    table = pd.DataFrame(rows)
    table["p_holm"] = intervals.adjust_p_values(table["p_value"])
    limits = [
        UNMEASURED,
        (
            PROGRESS_ALL
            if against is None
            else Note(
                "experiments.progress_against",
                "Compared with: {against:word}.",
                against=list(others),
            )
        ),
        BY_SPELL,
        (
            Note(
                "experiments.progress_alarm",
                "Check: visits before the stage began cannot have been changed by a contact in "
                "it; smallest corrected p (stages checked: {stages}): {p:p}. Under {level:plain} "
                "the two groups differ in something unmeasured.",
                p=min(1.0, min(alarms) * len(alarms)),
                stages=len(alarms),
                level=ALARM,
            )
            if alarms
            else PROGRESS_NO_ALARM
        ),
    ]
    limits += skipped
    if young:
        limits.append(
            Note(
                "experiments.progress_young",
                "{n} contact could not be followed for {horizon:span} and is left out.",
                "{n} contacts could not be followed for {horizon:span} and are left out.",
                n=young,
                horizon=horizon,
            )
        )
    if (table["exposed"] < FEW).any():
        limits.append(
            Note(
                "experiments.progress_few",
                "{n} contact with the exposure is few; {least} is a common minimum.",
                "{n} contacts with the exposure are few; {least} is a common minimum.",
                n=int(table["exposed"].min()),
                least=FEW,
            )
        )
    table = table[
        [
            "stage",
            "outcome",
            "n",
            "exposed",
            "estimate",
            "std_error",
            "conf_low",
            "conf_high",
            "p_holm",
            "by_spell",
        ]
    ]
    return Result(
        question=Note(
            "experiments.progress_question",
            "Do people move on more often after {exposure:word} than after another "
            "contact in the same stage?",
            exposure=list(names),
        ),
        table=table,
        method=Note(
            "experiments.progress_method",
            "A trial at every contact: doubly robust difference within {horizon:span} between "
            "people alike in what came before; the customer is the sampling unit, Holm's "
            "correction.",
            horizon=horizon,
        ),
        answer=_progress_answer(table, list(names), horizon, conf_level),
        unit="contacts",
        n=int(table.groupby("stage")["n"].first().sum()),
        conf_level=conf_level,
        evidence="quasi-causal: weighting on what was measured",
        limits=tuple(limits),
        chart=Points(
            label=["stage", "outcome"],
            reference=0,
            points=True,
            xlabel=PROGRESS_AXIS,
        ),
    )


def _progress_answer(table, exposure, horizon, conf_level):
    """Return the largest difference in moving on to a later stage."""
    rows = table[table["outcome"] == "forward"] if (table["outcome"] == "forward").any() else table
    clear = rows[rows["p_holm"] < 1 - conf_level]
    found = rows if clear.empty else clear
    row = found.loc[found["estimate"].abs().idxmax()]
    values = {
        "exposure": exposure,
        "stage": row["stage"],
        "outcome": row["outcome"],
        "horizon": horizon,
        "gap": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "n": row["n"],
    }
    if clear.empty:
        return Note(
            "experiments.progress_unclear",
            "No difference after {exposure:word} could be shown in any stage; the largest is "
            "{gap:points} percentage points within {horizon:span} ({stage:word}, {outcome:word}; "
            "{low:points} to {high:points}, {n} contacts).",
            **values,
        )
    return Note(
        "experiments.progress_answer",
        "After {exposure:word} the probability of “{outcome:word}” within {horizon:span} changes "
        "most in stage {stage:word}: by {gap:points} percentage points ({low:points} to "
        "{high:points}; {n} contacts).",
        **values,
    )


class _Trials:
    """The kernel: a row a contact before the purchase, with what came before it and what happened
    within the horizon.
    """

    def __init__(self, purchase, exposure, against, horizon, gap, end, extra):
        self.purchase, self.exposure, self.against, self.horizon, self.gap, self.end, self.extra = (
            purchase,
            exposure,
            against,
            horizon,
            gap,
            end,
            extra,
        )

    def __call__(self, batch):
        n = len(batch)
        t, k = batch["t"], batch["k"]
        if not n:
            return {
                "customer": batch["customer"],
                **{
                    c: np.zeros(0, np.int64)
                    for c in (
                        "k",
                        "outcome",
                        "last_outcome",
                        "orders_before",
                        *(f"x{i}" for i in range(self.extra)),
                    )
                },
                "spell": np.zeros(0, "<U1"),
                **{c: np.zeros(0, bool) for c in ("exposed", "compared", "met_before", "young")},
                **{c: np.zeros(0) for c in ("contacts", "days", "visits", "earlier_visits")},
            }
        at = np.arange(n)
        new = np.zeros(n, bool)
        new[1:] = (np.diff(t) > self.gap) | (k[:-1] == self.purchase)
        new[batch.starts] = True
        opened = np.maximum.accumulate(np.where(new, at, 0))
        turn = new.copy()
        turn[1:] |= k[1:] != k[:-1]
        begin = np.maximum.accumulate(np.where(turn, at, 0))
        # First row of the next spell.
        after = np.append(np.flatnonzero(turn)[1:], n)[np.cumsum(turn) - 1]
        # It is of the same purchase process.
        inside = (after < n) & ~np.append(new, True)[np.minimum(after, n)]
        then = np.minimum(after, n - 1)
        soon = inside & (t[then] - t <= self.horizon)
        last = at == np.append(batch.starts[1:], n)[batch.customer] - 1
        following = np.append(t[1:], t[-1])
        gone = last | (following - t > self.horizon)
        outcome = np.select([soon & (k[then] > k), soon, gone], [0, 1, 2], 3)
        stay = np.where(inside, np.where(k[then] > k, 0, 1), 2)
        visit = new.copy()
        visit[1:] |= np.diff(t) > VISIT
        seen = np.cumsum(visit)
        hit = np.isin(batch["a"], self.exposure)
        before = np.concatenate([[0], np.cumsum(hit)])
        orders = np.concatenate([[0], np.cumsum(k == self.purchase)])
        use = np.flatnonzero(k != self.purchase)
        # A spell is told apart over all batches by its customer and its first moment.
        names = np.char.add(
            np.char.add(batch["customer"][begin[use]].astype(str), "@"), t[begin[use]].astype(str)
        )
        made = {
            "customer": batch["customer"][use],
            "k": k[use],
            "spell": names,
            "exposed": hit[use],
            "compared": hit[use] | np.isin(batch["a"], self.against)[use],
            "met_before": (before[at] - before[begin])[use] > 0,
            "young": (t + self.horizon > self.end)[use],
            "outcome": outcome[use].astype(np.int64),
            "last_outcome": stay[use].astype(np.int64),
            "contacts": np.log1p(at - begin)[use],
            "days": np.log1p((t - t[opened]) / 86_400e6)[use],
            "visits": np.log1p(seen - seen[begin])[use],
            "earlier_visits": np.log1p(seen[begin] - seen[opened])[use],
            "orders_before": np.minimum(orders[at] - orders[batch.first], 3)[use].astype(np.int64),
        }
        return {**made, **{f"x{i}": batch[f"x{i}"][use] for i in range(self.extra)}}
