"""How long do they stay? Survival curves, hazards by period and exits of several kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, survival
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis
from workbench.retention import sentences
from workbench.stats import stationary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

HAZARD_LIMIT = Note(
    "retention.hazard_limit",
    "Those still there were slower from the start: a falling share can be selection and does not "
    "show that anybody changed.",
)
NO_ENDING = Note(
    "retention.hazard_no_ending",
    "No duration ended in a period that was followed: the shares are {none}, within their "
    "intervals, and nothing can be associated with them.",
    none=0,
)
NO_WEIGHTS = Note(
    "retention.hazard_no_weights",
    "In no period did some end and others not, so nothing can be associated with ending.",
)
HAZARD_WITHHELD = Note(
    "retention.hazard_withheld",
    "No finite estimate exists for {terms:header}: some of its values decide completely who ends. "
    "Leave the term out, or observe longer; the other terms hold.",
    terms=[],
)


def durations(table, time, event, *others):
    """Return complete rows with durations above or at 0 and an event of 0 or 1, and how many were
    left out.
    """
    fits.numbers(table, "table", time)
    fits.require(table, "table", event, *others)
    named = [c for c in (time, event, *others) if c]
    numbers = table[list(dict.fromkeys(named))].select_dtypes("number").astype(float)
    kept = table[table[named].notna().all(axis=1) & np.isfinite(numbers).all(axis=1)]
    kept = kept.reset_index(drop=True)
    if not len(kept):
        raise NotEnoughData("retention.error_no_complete_row", "survival: there is no complete row")
    if not np.isin(kept[event].astype(float), (0, 1)).all():
        raise InputError(
            "retention.error_event_codes",
            "table: '{event}' must be {open} (still going on) or {ended} (ended)",
            event=event,
            open=0,
            ended=1,
        )
    return kept, len(table) - len(kept)


@engine.frames("table")
@analysis
def survival_curves(
    table: Table,
    *,
    time: str = "days",
    event: str = "ended",
    entry: str | None = None,
    by: str | None = None,
    customer: str | None = None,
    horizon: float | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Which share is still going on after each time, and do groups differ?

    Parameters
    ----------
    table : DataFrame
        One row a duration, such as `retention.interpurchase_times` or contracts; rows with a
        missing value are left out and counted.
    time, event : str
        The duration, and whether it ended (1) or was still going on when the data end (0).
    entry : str, optional
        Column of the time at which a duration came under observation, in the unit of `time`:
        before that, its end could not have been seen, and it is not at risk.
    by : str, optional
        Column of the group.
    customer : str, optional
        Column of the sampling unit where people have several durations.
    horizon : float, optional
        Time up to which the mean time is compared between two groups (restricted mean); None: the
        shortest of the groups' longest durations.

    Returns
    -------
    Result
        group, time, n (at risk), count (ended then), estimate (share still there), std_error,
        conf_low, conf_high (log–log). Medians (retention.median), the log-rank test
        (retention.log_rank) and the difference of restricted means (retention.mean_gap) stand in
        `.facts`.

    Raises
    ------
    InputError
        For missing columns, negative durations, or an event other than 0 and 1.
    NotEnoughData
        Without a complete row.

    Source: Kaplan & Meier (1958), JASA 53; Mantel (1966); restricted means Royston & Parmar (2013),
    BMC Medical Research Methodology 13.
    """
    rows, lost = durations(table, time, event, by, customer, entry)
    rows, late = entered(rows, time, entry)
    who = None if customer is None else rows[customer]
    begun = None if entry is None else rows[entry]
    made, medians = survival.by_group(
        rows[time],
        rows[event],
        None if by is None else rows[by],
        customer=who,
        entry=begun,
        conf_level=conf_level,
    )
    limits = [*sentences.medians(medians, time), *late]
    p = None
    if len(medians) > 1:
        tested = survival.log_rank(rows[time], rows[event], rows[by], customer=who, entry=begun)
        p = float(tested[2])
        if p == p:
            limits.append(
                Note("retention.log_rank", "Log-rank test over all groups: p: {p:p}.", p=p)
            )
        limits += _without_event(made)
    if entry is None and len(medians) == 2 and _comparable(rows, time, by, horizon):
        limits.append(_mean_gap(rows, medians, time, event, by, who, horizon, conf_level))
    return Result(
        question=Note(
            "retention.stay_question", "What share of the durations continues after each time?"
        ),
        answer=_stay_answer(made, medians, p, time, len(rows), conf_level),
        table=made,
        method=sentences.KAPLAN_MEIER,
        unit="durations",
        n=len(rows),
        conf_level=conf_level,
        evidence="associational" if len(medians) > 1 else "descriptive",
        limits=(*limits, _censored(rows[event]), *sentences.left_out(lost)),
        chart=Curve(
            x="time",
            group="group",
            step=True,
            percent=True,
            xlabel=sentences.TIME,
            ylabel=Note("retention.stay_share", "Share that continues"),
        ),
    )


def entered(rows, time, entry):
    """Return the durations that came under observation before they ended, and what is said of late
    entry.
    """
    if entry is None:
        return rows, []
    began = rows[entry].astype(float)
    if (began < 0).any():
        raise InputError(
            "retention.error_entry",
            "table: '{entry}' must be {least} or more, found {found}",
            entry=entry,
            least=0,
            found=float(began.min()),
        )
    seen = began < rows[time].astype(float)
    kept = rows[seen].reset_index(drop=True)
    if not len(kept):
        raise NotEnoughData("retention.error_no_complete_row", "survival: there is no complete row")
    said = Note(
        "retention.late_entry",
        "{n} of {all} durations came under observation after their beginning; each counts from "
        "then on.",
        n=int((kept[entry] > 0).sum()),
        all=len(kept),
    )
    lost = int((~seen).sum())
    gone = Note(
        "retention.entry_after_end",
        "{n} duration ended before it could come under observation and is left out.",
        "{n} durations ended before they could come under observation and are left out.",
        n=lost,
    )
    return kept, [said, *([gone] if lost else [])]


def _censored(ended):
    return Note(
        "retention.censored",
        "{count} of {n} durations ended ({share:%}); the others were still going on when the data "
        "end.",
        count=int(ended.sum()),
        n=len(ended),
        share=float(ended.astype(float).mean()),
    )


def _without_event(curves):
    """Say in which groups no duration ended."""
    ended = curves.groupby("group")["count"].sum()
    still = [str(g) for g in ended.index[ended == 0]]
    if not still or len(still) == len(ended):
        return []
    return [
        Note(
            "retention.group_without_event",
            "No duration ended in {groups:word}: the curve stays at the top as far as it was "
            "followed, and that is short of certainty.",
            groups=still,
        )
    ]


def _comparable(rows, time, by, horizon):
    """Say whether two groups were followed for any time that can be compared."""
    return horizon is not None or float(rows.groupby(rows[by].astype(str))[time].max().min()) > 0


def _mean_gap(rows, medians, time, event, by, who, horizon, conf_level):
    """Say by how much the mean times of two groups differ up to a horizon."""
    one, two = (name for name, *_ in medians)
    first = (rows[by].astype(str) == one).to_numpy()
    last = (
        min(float(rows.loc[m, time].max()) for m in (first, ~first))
        if horizon is None
        else float(horizon)
    )
    apart = survival.mean_gap(
        rows[time], rows[event], first, last, customer=who, conf_level=conf_level
    )
    said = {"one": one, "two": two, "horizon": last, "time": time, "gap": apart["estimate"]}
    if np.isnan(apart["std_error"]):
        return Note(
            "retention.mean_gap_plain",
            "Up to {horizon} {time:header}, {one:word} lasts {gap:3} {time:header} longer on "
            "average than {two:word} (negative: shorter); no interval, since a group has no "
            "ending up to then.",
            **said,
        )
    return Note(
        "retention.mean_gap",
        "Up to {horizon} {time:header}, {one:word} lasts {gap:3} {time:header} longer on average "
        "than {two:word} ({low:3} to {high:3}; negative: shorter).",
        low=apart["conf_low"],
        high=apart["conf_high"],
        **said,
    )


def _stay_answer(table, medians, p, time, n, conf_level):
    if not table["count"].any():
        return Note(
            "retention.stay_answer_none",
            "None of the {n} durations ended, within {reach} {time:header} at most: how long they "
            "last is not known.",
            n=n,
            reach=float(table["time"].max()),
            time=time,
        )
    known = [m for m in medians if all(v == v for v in m[1:])]
    if len(medians) > 1 and (p != p or p >= 1 - conf_level):
        return Note(
            "retention.stay_answer_same",
            "No difference between the {groups} groups could be shown (log-rank test, p: {p:p}; "
            "{n} durations).",
            groups=len(medians),
            p=p,
            n=n,
        )
    if not known:
        row = table[table["n"] > 0].iloc[-1]
        return Note(
            "retention.stay_answer_open",
            "The data are too short for a median with its interval ({n} durations); they reach "
            "{reach} {time:header}.",
            reach=float(row["time"]),
            time=time,
            n=n,
        )
    group, median, low, high = max(known, key=lambda m: (m[1], str(m[0])))
    values = {"median": median, "low": low, "high": high, "time": time, "n": n}
    if len(medians) == 1:
        return Note(
            "retention.stay_answer",
            "Half of the durations end within {median} {time:header} ({low} to {high}; {n} "
            "durations).",
            **values,
        )
    return Note(
        "retention.stay_answer_by",
        "Groups differ (log-rank test, p: {p:p}); {group:word} has the longest known median, "
        "{median} {time:header} ({low} to {high}; {n} durations in all groups).",
        group=group,
        p=p,
        **values,
    )


@engine.frames("table")
@analysis
def discrete_time_hazard(
    table: Table,
    covariates: Sequence[str] = (),
    *,
    width: float,
    time: str | Sequence[str] = "days",
    event: str = "ended",
    cluster: str | None = None,
    most: int = 12,
    conf_level: float = 0.95,
) -> Result:
    """In which period does it end: which share of those still in it ends there, and what goes with
    that?

    Parameters
    ----------
    table, covariates, time, event, cluster : as in `cox`
    width : float
        Length of a period, in the unit of `time`.
    most : int
        Periods told apart; later ones are left out.

    Returns
    -------
    Result
        measure ("hazard" a period; "weight" of a covariate on the log-odds of leaving in any
        period), term (begin of the period, or the covariate), count (left), n (at risk for the
        whole period, or left in it), estimate, std_error, conf_low, conf_high, no_change (of a
        hazard: the share to expect if each had a probability of ending that never changes).
        Durations that break off within a period have no part in it.

    Raises as `cox`.

    Source: Singer & Willett (1993), Journal of Educational Statistics 18 (discrete-time hazards);
    Wilson (1927).
    """
    import pandas as pd

    if width <= 0 or most < 1:
        raise InputError(
            "retention.error_width",
            "width and most must be above {floor}, found {width} and {most}",
            floor=0,
            width=width,
            most=most,
        )
    rows, lost = durations(table, time, event, *covariates, cluster)
    length, ended = rows[time].to_numpy(float), rows[event].to_numpy(float)
    who = (
        np.unique(rows[cluster].astype(str), return_inverse=True)[1]
        if cluster
        else np.arange(len(rows))
    )
    at, period, last = _periods(length, ended, width, most)
    if not len(at):
        raise NotEnoughData(
            "retention.error_hazards_nobody",
            "discrete_time_hazard: nobody was followed for a whole period",
        )
    left = (ended[at] == 1) & (period == last[at])
    out = [
        {
            "measure": "hazard",
            "term": f"{k * width:.10g}",
            **intervals.share(left[period == k], who[at][period == k], conf_level),
        }
        for k in np.unique(period)
    ]
    nobody = stationary.hazards([r["count"] for r in out], [r["n"] for r in out])
    out = [{**row, "no_change": share} for row, share in zip(out, nobody, strict=True)]
    limits = [_sorted_or_not(out)]
    if not left.any():
        limits.insert(0, NO_ENDING)
    if covariates and left.any():
        long = rows.iloc[at][list(covariates)].reset_index(drop=True)
        long = long.assign(
            _left=left.astype(float),
            _period=np.char.add("p", np.char.zfill(period.astype(str), 4)),
            _who=who[at],
        )
        weights, withheld = _period_weights(long, list(covariates), conf_level)
        out += weights
        limits += withheld
        limits.append(sentences.ASSOCIATIONAL)
    made = pd.DataFrame(out)
    if covariates:
        made["grade"] = np.where(made["measure"] == "hazard", "descriptive", "associational")
    return Result(
        question=Note("retention.hazard_question", "In which period does it end?"),
        answer=_hazard_answer(made[made["measure"] == "hazard"], width, time),
        table=made,
        method=Note(
            "retention.hazard_method",
            "Share of those still going on that ends in each period of {width} {time:header}; "
            "covariates by a logit with a level for every period. If nobody changed: each has a "
            "probability of ending that stays the same, spread as a beta fitted to these rows.",
            width=float(width),
            time=time,
        ),
        unit="durations",
        n=len(rows),
        conf_level=conf_level,
        evidence="descriptive",
        limits=(*limits, *sentences.left_out(lost)),
        chart=Points(
            label=["term"],
            only={"measure": "hazard"},
            beside="no_change",
            percent=True,
            xlabel=Note("retention.hazard_axis", "Share ending in the period"),
        ),
    )


def _periods(length, ended, width, most):
    """Return a row for every period a duration was in: whose it is, which period, and the last one
    of each duration that was seen in full, or left in.
    """
    last = np.where(ended == 1, np.floor(length / width), np.floor(length / width) - 1).astype(int)
    times = np.maximum(np.minimum(last, most - 1) + 1, 0)
    at = np.repeat(np.arange(len(length)), times)
    begins = np.concatenate([[0], np.cumsum(times)[:-1]])
    return at, np.arange(len(at)) - np.repeat(begins, times), last


def _sorted_or_not(hazards):
    """Say how much of a falling share remains when nobody changes."""
    known = [h for h in hazards if h["no_change"] == h["no_change"] and h["n"] >= 10]
    if len(known) < 2:
        return HAZARD_LIMIT
    first, last = known[0], known[-1]
    values = {
        "first": float(first["estimate"]),
        "last": float(last["estimate"]),
        "nobody_first": float(first["no_change"]),
        "nobody_last": float(last["no_change"]),
    }
    outside = sum(not h["conf_low"] <= h["no_change"] <= h["conf_high"] for h in known)
    return Note(
        "retention.hazard_sorting",
        "From the first period to the last the share goes from {first:%} to {last:%}; if each had "
        "a probability that never changes, sorting alone would take it from {nobody_first:%} to "
        "{nobody_last:%}. In {outside} of {periods} periods that lies outside the interval of "
        "what was seen.",
        outside=outside,
        periods=len(known),
        **values,
    )


def _period_weights(long, covariates, conf_level):
    """Return a row of every covariate, and what is said of those without a finite estimate."""
    # A period in which nobody or everybody leaves has no finite level.
    some = long[long.groupby("_period")["_left"].transform("mean").between(1e-12, 1 - 1e-12)]
    if not len(some):
        return [], [NO_WEIGHTS]
    periods = ["_period"] if some["_period"].nunique() > 1 else []
    data = fits.prepare(some, "_left", [*covariates, *periods], cluster="_who")
    fit = fits.fit(data, "logit", partial=True)
    names = [c for c in data.x if c != "constant" and not c.startswith("_period")]
    low, high = intervals.normal(
        fit.params[names], fit.bse[names], conf_level, df=data.customers - 1
    )
    rows = [
        {
            "measure": "weight",
            "term": c,
            "count": int(long["_left"].sum()),
            "n": len(data.y),
            "estimate": float(fit.params[c]),
            "std_error": float(fit.bse[c]),
            "conf_low": float(low[i]),
            "conf_high": float(high[i]),
        }
        for i, c in enumerate(names)
    ]
    gone = [c for c in names if np.isnan(fit.params[c])]
    return rows, [HAZARD_WITHHELD.having(terms=gone)] if gone else []


def _hazard_answer(hazards, width, time):
    enough = hazards[hazards["n"] >= 10]
    row = (enough if len(enough) else hazards).sort_values(
        "estimate", ascending=False, kind="stable"
    )
    row = row.iloc[0]
    return Note(
        "retention.hazard_answer",
        "The largest share observed to end is between {begin} and {end} {time:header}: {share:%} "
        "of those still going on ({low:%} to {high:%}; {count} of {n}).",
        begin=float(row["term"]),
        end=float(row["term"]) + float(width),
        time=time,
        **sentences.interval(row),
    )
