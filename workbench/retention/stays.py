"""How long do they stay? Survival curves, hazards by period and exits of several kinds."""

import numpy as np

from workbench import engine, intervals, survival
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis
from workbench.retention import sentences

HAZARD_LIMIT = Note(
    "retention.hazard_limit",
    "Those still there were slower from the start: a falling share can be selection and does not "
    "show that anybody changed.",
)
EXIT_LIMIT = Note(
    "retention.exit_limit",
    "One minus a survival curve of one reason, the others censored, is larger than these shares "
    "and answers another question.",
)


def durations(table, time, event, *others):
    """Return complete rows with durations above or at 0 and an event of 0 or 1, and how many were
    left out.
    """
    fits.numbers(table, "table", time)
    fits.require(table, "table", event, *others)
    kept = table.dropna(subset=[c for c in (time, event, *others) if c]).reset_index(drop=True)
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
def curves(
    table, *, time="days", event="ended", by=None, customer=None, horizon=None, conf_level=0.95
):
    """Which share is still going on after each time, and do groups differ?

    Parameters
    ----------
    table : DataFrame
        One row a duration, such as `retention.pauses` or contracts; rows with a missing value are
        left out and counted.
    time, event : str
        The duration, and whether it ended (1) or was still going on when the data end (0).
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
    rows, lost = durations(table, time, event, by, customer)
    who = None if customer is None else rows[customer]
    made, medians = survival.by_group(
        rows[time],
        rows[event],
        None if by is None else rows[by],
        customer=who,
        conf_level=conf_level,
    )
    limits = sentences.medians(medians, time)
    p = None
    if len(medians) > 1:
        p = float(survival.log_rank(rows[time], rows[event], rows[by], customer=who)[2])
        limits.append(Note("retention.log_rank", "Log-rank test over all groups: p: {p:p}.", p=p))
    if len(medians) == 2:
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


def _censored(ended):
    return Note(
        "retention.censored",
        "{count} of {n} durations ended ({share:%}); the others were still going on when the data "
        "end.",
        count=int(ended.sum()),
        n=len(ended),
        share=float(ended.astype(float).mean()),
    )


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
    return Note(
        "retention.mean_gap",
        "Up to {horizon} {time:header}, {one:word} lasts {gap:3} {time:header} longer on average "
        "than {two:word} ({low:3} to {high:3}; negative: shorter).",
        one=one,
        two=two,
        horizon=last,
        time=time,
        gap=apart["estimate"],
        low=apart["conf_low"],
        high=apart["conf_high"],
    )


def _stay_answer(table, medians, p, time, n, conf_level):
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
def period_hazards(
    table,
    covariates=(),
    *,
    width,
    time="days",
    event="ended",
    cluster=None,
    most=12,
    conf_level=0.95,
):
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
        whole period, or left in it), estimate, std_error, conf_low, conf_high. Durations
        that break off within a period have no part in it.

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
    # The last period seen in full, or left in.
    last = np.where(ended == 1, np.floor(length / width), np.floor(length / width) - 1).astype(int)
    times = np.minimum(last, most - 1) + 1
    at = np.repeat(np.arange(len(rows)), np.maximum(times, 0))
    if not len(at):
        raise NotEnoughData(
            "retention.error_hazards_nobody",
            "period_hazards: nobody was followed for a whole period",
        )
    period = np.arange(len(at)) - np.repeat(
        np.concatenate([[0], np.cumsum(np.maximum(times, 0))[:-1]]), np.maximum(times, 0)
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
    limits = [HAZARD_LIMIT]
    if covariates:
        long = (
            rows.iloc[at][list(covariates)]
            .reset_index(drop=True)
            .assign(
                _left=left.astype(float),
                _period=np.char.add("p", np.char.zfill(period.astype(str), 4)),
                _who=who[at],
            )
        )
        # A period in which nobody or everybody leaves has no finite level.
        some = long.groupby("_period")["_left"].transform("mean").between(1e-12, 1 - 1e-12)
        data = fits.prepare(
            long[some],
            "_left",
            [*covariates, *(["_period"] if long.loc[some, "_period"].nunique() > 1 else [])],
            cluster="_who",
        )
        fit = fits.fit(data, "logit")
        names = [c for c in data.x if c != "constant" and not c.startswith("_period")]
        low, high = intervals.normal(
            fit.params[names], fit.bse[names], conf_level, df=data.customers - 1
        )
        out += [
            {
                "measure": "weight",
                "term": c,
                "count": int(left.sum()),
                "n": len(data.y),
                "estimate": float(fit.params[c]),
                "std_error": float(fit.bse[c]),
                "conf_low": float(low[i]),
                "conf_high": float(high[i]),
            }
            for i, c in enumerate(names)
        ]
        limits.append(sentences.ASSOCIATIONAL)
    made = pd.DataFrame(out)
    return Result(
        question=Note("retention.hazard_question", "In which period does it end?"),
        answer=_hazard_answer(made[made["measure"] == "hazard"], width, time),
        table=made,
        method=Note(
            "retention.hazard_method",
            "Share of those still going on that ends in each period of {width} {time:header}; "
            "covariates by a logit with a level for every period.",
            width=float(width),
            time=time,
        ),
        unit="durations",
        n=len(rows),
        conf_level=conf_level,
        evidence="associational" if covariates else "descriptive",
        limits=(*limits, *sentences.left_out(lost)),
        chart=Points(
            label=["term"],
            only={"measure": "hazard"},
            percent=True,
            xlabel=Note("retention.hazard_axis", "Share ending in the period"),
        ),
    )


def _hazard_answer(hazards, width, time):
    enough = hazards[hazards["n"] >= 10]
    row = (enough if len(enough) else hazards).sort_values(
        "estimate", ascending=False, kind="stable"
    )
    row = row.iloc[0]
    return Note(
        "retention.hazard_answer",
        "The largest share ends between {begin} and {end} {time:header}: {share:%} of those "
        "still going on ({low:%} to {high:%}; {count} of {n}).",
        begin=float(row["term"]),
        end=float(row["term"]) + float(width),
        time=time,
        **sentences.interval(row),
    )


@engine.frames("table")
@analysis
def exits(table, *, time="days", cause="cause", customer=None, horizon=None, conf_level=0.95):
    """Which share has ended for each reason by each time, where one reason rules out the others?

    Parameters
    ----------
    table : DataFrame
        One row a duration; rows without a time are left out and counted.
    time : str
    cause : str
        Column of the reason; missing where the duration was still going on when the data end.
    customer : str, optional
        Column of the sampling unit.
    horizon : float, optional
        Time at which the shares stand in `.facts` (retention.exit_share_of);
        None: the median duration.

    Returns
    -------
    Result
        cause, time, n (at risk), count, estimate (share that has left for it), std_error, conf_low,
        conf_high. The shares of all reasons and of those still there add up to 1.

    Raises
    ------
    InputError
        For missing columns or negative durations.
    NotEnoughData
        Where nobody left.

    Source: Aalen & Johansen (1978), Scandinavian Journal of Statistics 5.
    """
    import pandas as pd

    fits.numbers(table, "table", time)
    fits.require(table, "table", cause, customer)
    rows = table.dropna(subset=[time]).reset_index(drop=True)
    rows[cause] = rows[cause].astype(object)
    names = sorted(rows[cause].dropna().unique(), key=str)
    if not names:
        raise NotEnoughData("retention.error_exits_nobody", "exits: nobody left")
    code = rows[cause].map({n: i + 1 for i, n in enumerate(names)}).fillna(0).astype(int)
    who = None if customer is None else rows[customer]
    made = pd.concat(
        [
            survival.incidence(
                rows[time], code, of=i + 1, customer=who, conf_level=conf_level
            ).assign(cause=str(n))
            for i, n in enumerate(names)
        ],
        ignore_index=True,
    ).rename(columns={"at_risk": "n"})
    when = float(rows[time].median()) if horizon is None else float(horizon)
    shares = [_by(made, str(name), when) for name in names]
    limits = [
        Note(
            "retention.exit_shares",
            "By {when} {time:header}: {shares}.",
            when=when,
            time=time,
            shares=[
                Note("retention.exit_share_of", "{cause:word} {share:%}", cause=name, share=share)
                for name, share, *_ in shares
            ],
        ),
        EXIT_LIMIT,
        *sentences.left_out(len(table) - len(rows)),
    ]
    return Result(
        question=Note("retention.exit_question", "What share has ended for each reason?"),
        answer=_exit_answer(shares, when, time, len(rows)),
        table=made[
            ["cause", "time", "n", "count", "estimate", "std_error", "conf_low", "conf_high"]
        ],
        method=Note(
            "retention.exit_method", "Cumulative incidence (Aalen–Johansen), reasons competing."
        ),
        unit="durations",
        n=len(rows),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="time",
            group="cause",
            step=True,
            percent=True,
            xlabel=sentences.TIME,
            ylabel=Note("retention.exit_share", "Share ended for this reason"),
        ),
    )


def _by(curves, cause, when):
    """Return the reason and its share, with limits, at a moment."""
    upto = curves[(curves["cause"] == cause) & (curves["time"] <= when)]
    if not len(upto):
        return cause, 0.0, np.nan, np.nan
    row = upto.iloc[-1]
    return cause, *(float(row[c]) for c in ("estimate", "conf_low", "conf_high"))


def _exit_answer(shares, when, time, n):
    cause, share, low, high = min(shares, key=lambda s: (-s[1], s[0]))
    values = {"cause": cause, "share": share, "when": when, "time": time, "n": n}
    if low != low or high != high:
        return Note(
            "retention.exit_answer_plain",
            "By {when} {time:header}, {share:%} had ended for the most frequent reason, "
            "{cause:word} ({n} durations).",
            **values,
        )
    return Note(
        "retention.exit_answer",
        "By {when} {time:header}, {share:%} had ended for the most frequent reason, {cause:word} "
        "({low:%} to {high:%}; {n} durations).",
        low=low,
        high=high,
        **values,
    )
