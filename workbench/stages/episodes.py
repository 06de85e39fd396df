"""Decision occasions: where they begin and end, how far they come, how long they take.

An *episode* is one decision occasion of one customer: it opens at the first stage event after
the previous one closed, and closes as bought, as abandoned (silence longer than `gap`), or stays
open because the data end.
"""

from itertools import pairwise

import numpy as np

from workbench import engine, intervals, schemas, survival
from workbench.errors import InputError, NotEnoughData, one_of, unknown
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis
from workbench.texts import percent, word

DAY = 86_400_000_000
UNITS = {"days": DAY, "hours": DAY // 24, "minutes": DAY // 1440}
SAME_DECISION = "24h"  # several orders within a day are one decision


@analysis
def episodes(events, stages, *, gap="30D", hold=None, column="event", until=None):
    """Cut every customer's history into decision occasions; the last of `stages` is the purchase.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event
    stages : list of str
        Stage events in rank order, the purchase last. Other events are not looked at.
    gap : str
        Silence after which an episode counts as abandoned, such as "30D".
    hold : str, optional
        Column whose value keeps episodes apart, such as campaign_id.
    column : str
        Column that holds the stage, such as "stage" after `assign`.
    until : str or Timestamp, optional
        Moment up to which the data are complete; default the last event.

    Returns
    -------
    DataFrame
        One row per episode: customer_id, episode (number within the customer), opened_at, closed_at
        (UTC), outcome (bought, abandoned, open), days (opened to closed), first_stage, last_stage,
        events, left_censored (opened within `gap` of the first event of the table), and one column
        a stage, true where it was seen.

    Raises
    ------
    InputError
        For an unknown stage, column or duration.

    Source: case notion of van der Aalst (2016), Process Mining; rule S-03 in `docs/glossary.md`.
    """
    import pandas as pd

    stages = list(stages)
    view, begin, end = view_of(events, stages, hold, until, column)
    width = schemas.micros("gap", gap)
    parts = engine.ordered(
        view,
        Episodes(len(stages), width, end, begin),
        then=("t", "k"),
        by=("customer", "held") if hold else ("customer",),
    )
    parts = parts.sort_values(["customer", "opened", "first"], kind="stable", ignore_index=True)
    outcome = np.array(["open", "bought", "abandoned"], object)[parts["outcome"]]
    table = pd.DataFrame(
        {
            "customer_id": parts["customer"],
            "episode": parts.groupby("customer").cumcount() + 1,
            "opened_at": stamps(parts["opened"]),
            "closed_at": stamps(parts["closed"]),
            "outcome": outcome,
            "days": (parts["closed"] - parts["opened"]) / DAY,
            "first_stage": np.array(stages, object)[parts["first"]],
            "last_stage": np.array(stages, object)[parts["last"]],
            "events": parts["events"],
            "left_censored": parts["left_censored"],
        }
    )
    for i, stage in enumerate(stages):
        table[stage] = (parts["seen"].to_numpy() >> i) & 1 == 1
    return table


@analysis
def gap_sensitivity(
    events,
    stages,
    *,
    gaps=("7D", "14D", "30D", "60D"),
    hold=None,
    column="event",
    until=None,
    conf_level=0.95,
):
    """How much does the share that ends in a purchase depend on the silence that ends an episode?

    Returns a Result with one row per gap: gap, open, count (bought), n (episodes), estimate (share
    bought when all have closed, by cumulative incidence: open episodes are censored, not left out,
    since buyers close at once and others only after the silence), std_error, conf_low, conf_high.
    Customers are the sampling unit. Source: Aalen & Johansen (1978).
    """
    import pandas as pd

    rows = []
    for gap in gaps:
        table = episodes(events, stages, gap=gap, hold=hold, column=column, until=until)
        last = survival.incidence(
            table["days"], _cause(table), customer=table["customer_id"], conf_level=conf_level
        ).iloc[-1]
        rows.append(
            {
                "gap": gap,
                "open": int((table["outcome"] == "open").sum()),
                "count": int((table["outcome"] == "bought").sum()),
                "n": len(table),
                **last[["estimate", "std_error", "conf_low", "conf_high"]],
            }
        )
    table = pd.DataFrame(rows)
    return Result(
        question=Note(
            "stages.gap_question",
            "How much does the outcome depend on the silence that ends an occasion?",
        ),
        table=table,
        method=Note(
            "stages.gap_method",
            "Episodes re-cut for each gap; share bought once all have closed, by "
            "cumulative incidence (Aalen–Johansen); the customer is the sampling unit.",
        ),
        unit="episodes",
        n=int(table["n"].max()),
        conf_level=conf_level,
        limits=(
            Note(
                "stages.gap_limit",
                "The gap is a choice, not a fact: where this share moves with it, say "
                "which gap you used.",
            ),
        ),
        chart=Points(
            label=["gap"],
            percent=True,
            xlabel=Note("stages.gap_axis", "Share that ends in a purchase"),
        ),
    )


@analysis
def reach(episodes, stages, *, conf_level=0.95):
    """In which share of decision occasions is each stage seen at all?

    Parameters
    ----------
    episodes : DataFrame from `episodes`
    stages : list of str
        The stages it was made with.

    Returns
    -------
    Result
        One row per stage: stage, count, n (episodes), estimate, std_error, conf_low, conf_high,
        customers (with at least one such episode). Reach need not fall from stage to stage:
        people skip. Interval: delta method with the customer as sampling unit (Wilson where every
        customer has one episode).

    Raises
    ------
    NotEnoughData
        If there is no episode.
    """
    import pandas as pd

    if not len(episodes):
        raise NotEnoughData("stages.error_reach_there_is_no_episode", "reach: there is no episode")
    rows = [
        {
            "stage": stage,
            **intervals.share(episodes[stage], episodes["customer_id"], conf_level),
            "customers": int(episodes.loc[episodes[stage], "customer_id"].nunique()),
        }
        for stage in stages
    ]
    still_open = int((episodes["outcome"] == "open").sum())
    limits = [
        Note(
            "stages.reach_limit",
            "A stage not seen is not a stage not done: people also decide where no trace is kept.",
        )
    ] + (
        [
            Note(
                "stages.open",
                "{n} occasions were still open when the data end; they may reach further stages.",
                n=still_open,
            )
        ]
        if still_open
        else []
    )
    return Result(
        question=Note(
            "stages.reach_question", "In which share of decision occasions is each stage seen?"
        ),
        table=pd.DataFrame(rows),
        method=Note("stages.reach_method", "Share of episodes; the customer is the sampling unit."),
        unit="episodes",
        n=len(episodes),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["stage"],
            percent=True,
            xlabel=Note("stages.reach_axis", "Share of decision occasions"),
        ),
    )


@analysis
def drop_location(episodes, stages, *, conf_level=0.95):
    """What was the last stage seen before an occasion was abandoned?

    Returns a Result with one row per stage: stage, count, n (abandoned episodes), estimate,
    std_error, conf_low, conf_high. Raises NotEnoughData if none was abandoned.
    """
    import pandas as pd

    lost = episodes[episodes["outcome"] == "abandoned"]
    if not len(lost):
        raise NotEnoughData(
            "stages.error_drop_location_no_episode_was", "drop_location: no episode was abandoned"
        )
    rows = [
        {
            "stage": stage,
            **intervals.share(lost["last_stage"] == stage, lost["customer_id"], conf_level),
        }
        for stage in list(stages)[:-1]
    ]
    return Result(
        question=Note("stages.location_question", "What was the last stage before people gave up?"),
        table=pd.DataFrame(rows),
        method=Note("stages.reach_method", "Share of episodes; the customer is the sampling unit."),
        unit="episodes",
        n=len(lost),
        conf_level=conf_level,
        limits=(
            Note(
                "stages.location_limit", "What looks abandoned here may have been bought elsewhere."
            ),
        ),
        chart=Points(
            label=["stage"],
            percent=True,
            xlabel=Note("stages.location_axis", "Share of abandoned occasions"),
        ),
    )


@analysis
def time_to_purchase(episodes, *, by=None, conf_level=0.95):
    """How many have bought by each day, when giving up is an outcome too?

    Cumulative incidence of buying with abandonment as competing event (Aalen–Johansen): treating
    abandonment as mere loss of sight would overstate buying. Open episodes are censored.

    Parameters
    ----------
    episodes : DataFrame with customer_id, days, outcome (bought, abandoned, open)
    by : str, optional
        Column of `episodes` to compare.

    Returns
    -------
    Result
        [by,] days, n (episodes at risk), count (bought that day), estimate, std_error, conf_low,
        conf_high.
        Customers are the sampling unit.

    Raises
    ------
    NotEnoughData
        If there is no episode.

    Source: Aalen & Johansen (1978), Scand. J. Statist. 5.
    """
    import pandas as pd

    if not len(episodes):
        raise NotEnoughData(
            "stages.error_time_to_purchase_there_is", "time_to_purchase: there is no episode"
        )
    if by and by not in episodes:
        raise unknown("by", "column", by, episodes.columns)
    curves = []
    for name, mine in (
        episodes.groupby(episodes[by].fillna("missing")) if by else [(None, episodes)]
    ):
        curve = survival.incidence(
            mine["days"], _cause(mine), customer=mine["customer_id"], conf_level=conf_level
        )
        curve = curve.rename(columns={"time": "days", "at_risk": "n"})
        if by:
            curve.insert(0, by, name)
        curves.append(curve)
    bought = episodes[episodes["outcome"] == "bought"]
    limits = [
        Note(
            "stages.purchase_limit",
            "Giving up is an outcome, not a loss of sight: 1 minus Kaplan–Meier would "
            "overstate buying.",
        )
    ]
    if len(bought):
        limits.append(
            Note(
                "stages.conditional",
                "Among the {n} occasions that ended in a purchase the median is {days:3} "
                "days: biased short, since slow buyers are still on their way.",
                days=bought["days"].median(),
                n=len(bought),
            )
        )
    censored = int(episodes["left_censored"].sum()) if "left_censored" in episodes else 0
    if censored:
        limits.append(
            Note(
                "stages.left_censored",
                "{n} occasions opened so early in the data that their true beginning may "
                "lie before it.",
                n=censored,
            )
        )
    return Result(
        question=Note("stages.purchase_question", "How many have bought by each day?"),
        table=pd.concat(curves, ignore_index=True),
        method=Note(
            "stages.purchase_method",
            "Cumulative incidence of buying with giving up as competing outcome (Aalen–Johansen).",
        ),
        unit="episodes",
        n=len(episodes),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="days",
            group=by,
            step=True,
            percent=True,
            xlabel=Note("stages.days_axis", "Days"),
            ylabel=Note("stages.purchase_axis", "Share of occasions that ended in a purchase"),
        ),
    )


@analysis
def time_in_stage(
    events,
    stages,
    *,
    gap="30D",
    hold=None,
    column="event",
    unit="days",
    until=None,
    conf_level=0.95,
):
    """How long do people stay in a stage before they move on to another one?

    A spell runs from the entry of a stage to the entry of the next different stage of the same
    episode; the last spell of an episode without purchase is censored when the episode closes.
    Median and quartiles are read off Kaplan–Meier curves: the mean says little of such long tails.

    Parameters are as in `episodes`; `unit` is "days", "hours" or "minutes". Returns a Result:
    stage, quantile, count (spells that ended in another stage), n (spells), estimate (in that
    unit), conf_low, conf_high (Brookmeyer–Crowley; customers are the sampling unit). A quantile the
    curve does not reach is missing.

    Source: Kaplan & Meier (1958); Brookmeyer & Crowley (1982), Biometrics 38.
    """
    import pandas as pd

    one_of("unit", unit, UNITS)
    stages = list(stages)
    view, begin, end = view_of(events, stages, hold, until, column)
    spells = engine.ordered(
        view,
        _Spells(len(stages), schemas.micros("gap", gap), end, begin),
        then=("t", "k"),
        by=("customer", "held") if hold else ("customer",),
    )
    rows, thin = [], []
    for i, stage in enumerate(stages[:-1]):
        mine = spells[spells["stage"] == i]
        ended = int(mine["ended"].sum())
        if not len(mine):
            continue
        if ended < 30:
            thin.append(word(stage))
        curve = survival.kaplan_meier(
            mine["micros"] / UNITS[unit],
            mine["ended"],
            customer=mine["customer"],
            conf_level=conf_level,
        )
        for share in (0.25, 0.5, 0.75):
            estimate, low, high = survival.quantile(curve, share)
            rows.append(
                {
                    "stage": stage,
                    "quantile": percent(share, 0),
                    "count": ended,
                    "n": len(mine),
                    "estimate": estimate,
                    "conf_low": low,
                    "conf_high": high,
                }
            )
    if not rows:
        raise NotEnoughData(
            "stages.error_time_in_stage_no_stage",
            "time_in_stage: no stage before the purchase was seen",
        )
    limits = [
        Note(
            "stages.spell_limit",
            "Spells that ended without a next stage are censored, not dropped; a "
            "missing quantile was not reached.",
        )
    ] + (
        [
            Note(
                "stages.spell_thin",
                "Fewer than 30 completed spells: {stages:text}.",
                stages=list(thin),
            )
        ]
        if thin
        else []
    )
    return Result(
        question=Note(
            "stages.spell_question", "How long do people stay in a stage before they move on?"
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "stages.spell_method",
            "Kaplan–Meier quantiles of the time from entering a stage to the next "
            "different stage, in {unit:word}; gap {gap:span}; the customer is the "
            "sampling unit.",
            gap=gap,
            unit=unit,
        ),
        unit="spells",
        n=len(spells),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(label=["stage", "quantile"], group="stage", log=True, xlabel=word(unit)),
    )


@analysis
def compare_time(
    events,
    stages,
    *,
    by,
    stage,
    horizon="14D",
    gap="30D",
    hold=None,
    column="event",
    until=None,
    conf_level=0.95,
):
    """Do some people stay in a stage longer than others?

    The restricted mean is the average number of days in the stage, up to the horizon: unlike a
    median it always exists, and unlike a mean it does not hang on the tail.

    Parameters
    ----------
    by : str
        Column of `events`; a spell has the value of the event that opened it.
    stage : str
        The stage whose spells are compared.
    horizon : str
        Up to where time counts.
    events, stages, gap, hold, column, until
        As in `episodes`.

    Returns
    -------
    Result
        [by], count (moved on within the horizon), n (spells), restricted_mean (days), estimate
        (difference from all other groups together), std_error, conf_low, conf_high, p_value,
        p_holm. Customers are the sampling unit; the log-rank test over all groups stands in
        `.limits`.

    Raises
    ------
    NotEnoughData
        With fewer than two groups of 10 spells, or where nobody was watched up to the horizon.

    Source: Royston & Parmar (2013); Mantel (1966) with the variance of Lin & Wei (1989); Holm
    (1979).
    """
    import pandas as pd

    stages = list(stages)
    if stage not in stages[:-1]:
        raise unknown("stage", "stage", stage, stages[:-1])
    schemas.require(events, "events", by)
    groups = [*engine.distinct(events, by), "missing"]
    view, begin, end = view_of(
        events, stages, hold, until, column, {"g": engine.code(by, groups[:-1], others=True)}
    )
    spells = engine.ordered(
        view,
        _Spells(len(stages), schemas.micros("gap", gap), end, begin),
        then=("t", "k", "g"),
        by=("customer", "held") if hold else ("customer",),
    )
    spells = spells[spells["stage"] == stages.index(stage)].sort_values(
        ["customer", "micros"], ignore_index=True
    )
    sizes = spells["g"].value_counts()
    kept = sorted(sizes.index[sizes >= 10])
    if len(kept) < 2:
        raise NotEnoughData(
            Note(
                "stages.groups_few",
                "two groups of at least 10 spells are needed; found {n}",
                n=len(kept),
            )
        )
    spells = spells[spells["g"].isin(kept)]
    days, far = spells["micros"] / DAY, schemas.micros("horizon", horizon) / DAY
    who = np.unique(spells["customer"].astype(str), return_inverse=True)[1]
    rows = []
    for g in kept:
        mine = (spells["g"] == g).to_numpy()
        apart = survival.mean_gap(
            days, spells["ended"], mine, far, customer=who, conf_level=conf_level
        )
        rows.append(
            {
                by: groups[g],
                **apart,
                "p_value": float(intervals.p_value(apart["estimate"], apart["std_error"])),
            }
        )
    table = pd.DataFrame(rows)
    table["p_holm"] = intervals.each_against_rest(table["p_value"])
    _, _, p = survival.log_rank(days, spells["ended"], spells["g"], customer=who)
    limits = (
        Note("stages.log_rank", "Log-rank test over all groups: p: {p:p}.", p=float(p)),
        Note(
            "stages.groups_limit",
            "Groups were not formed by chance: a difference goes with the group, it "
            "need not come from it.",
        ),
    )
    return Result(
        question=Note(
            "stages.compare_question",
            "Who stays longer in {stage:word}, by {by:header}?",
            stage=stage,
            by=by,
        ),
        table=table,
        method=Note(
            "stages.compare_method",
            "Restricted mean days in the stage up to {horizon:span}, each group "
            "against all others; the customer is the sampling unit, Holm's correction.",
            horizon=horizon,
        ),
        unit="spells",
        n=len(spells),
        conf_level=conf_level,
        limits=limits,
        chart=Points(
            label=[by],
            reference=0.0,
            xlabel=Note("stages.compare_axis", "Days more or less than the other groups"),
        ),
    )


@analysis
def hazards(
    events,
    stages,
    *,
    days=(0, 1, 3, 7, 14),
    gap="30D",
    hold=None,
    column="event",
    until=None,
    conf_level=0.95,
):
    """Of those still in a stage, which share leaves the process on a day, by how long they have
    been there?

    A spell ends by moving to another stage, or by giving up; the moment of giving up is the last
    event before the silence. Only days at least `gap` before the end of the data count, whatever
    came of them: later ones cannot be judged yet.

    Parameters
    ----------
    days : sequence of int
        Where the classes of time in the stage begin, the first 0; the last class ends with `gap`.
    events, stages, gap, hold, column, until
        As in `episodes`.

    Returns
    -------
    Result
        stage, from_day, count (given up), n (days spent at risk, summed over spells), customers,
        estimate (chance to give up per day at risk), std_error, conf_low, conf_high. Customers are
        the sampling unit.

    Raises
    ------
    NotEnoughData
        If no stage before the purchase was seen.
    InputError
        Where the classes do not begin with 0 or do not rise.

    Source: Singer & Willett (2003), Applied Longitudinal Data Analysis, for hazards in discrete
    time; Deng, Knoblich & Lu (2018) for the interval.
    """
    import pandas as pd

    stages, edges = list(stages), list(days)
    if edges[0] != 0 or any(d != int(d) for d in edges) or any(b <= a for a, b in pairwise(edges)):
        raise InputError(
            "stages.error_days_classes_are_whole_days",
            "days: classes are whole days that begin with 0 and rise, found {days}",
            days=days,
        )
    width = schemas.micros("gap", gap)
    view, begin, end = view_of(events, stages, hold, until, column)
    spells = engine.ordered(
        view,
        _Spells(len(stages), width, end, begin),
        then=("t", "k"),
        by=("customer", "held") if hold else ("customer",),
    )
    if not len(spells):
        raise NotEnoughData(
            "stages.error_hazards_no_stage_before_the",
            "hazards: no stage before the purchase was seen",
        )
    rows = []
    for i, stage in enumerate(stages[:-1]):
        mine = spells[spells["stage"] == i]
        # How long a spell was lived in: to the next stage, or to its last event; the silence after
        # that is no time in the stage.
        lived = np.where(mine["ended"], mine["micros"], mine["active"]) / DAY
        # Only days whose outcome is known by the end of the data count, for those who stayed and
        # those who left alike.
        judged = (end - width - mine["begin"].to_numpy()) / DAY
        inside = judged >= 0
        spent = np.floor(np.minimum(lived, judged)) + 1
        for low_, high_ in zip(edges, [*edges[1:], np.inf], strict=True):
            risk = np.where(inside, np.clip(spent - low_, 0, high_ - low_), 0)
            gone = (
                mine["given_up"].to_numpy()
                & inside
                & (lived <= judged)
                & (lived >= low_)
                & (lived < high_)
            )
            if risk.sum() == 0:
                continue
            per = (
                pd.DataFrame({"c": mine["customer"].to_numpy(), "y": gone, "x": risk})
                .groupby("c")
                .sum()
            )
            per = per[per["x"] > 0]
            estimate, se, _, _ = intervals.ratio(per["y"], per["x"], conf_level)
            low, high = (
                float(v)
                for v in intervals.clustered(estimate, se, per["x"].sum(), len(per), conf_level)
            )
            rows.append(
                {
                    "stage": stage,
                    "from_day": low_,
                    "count": int(per["y"].sum()),
                    "n": int(per["x"].sum()),
                    "customers": len(per),
                    "estimate": estimate,
                    "std_error": se,
                    "conf_low": low,
                    "conf_high": high,
                }
            )
    if not rows:
        raise NotEnoughData(
            "stages.error_hazards_no_stage_was_entered",
            "hazards: no stage was entered early enough to be judged; bring more "
            "recent data or shorten the gap",
        )
    return Result(
        question=Note(
            "stages.hazard_question",
            "How likely are people to give up on a day, by how long they have been in a stage?",
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "stages.hazard_method",
            "Spells given up per day at risk; giving up dates from the last event "
            "before {gap:span} of silence; ratios over customers, delta method.",
            gap=gap,
        ),
        unit="spells",
        n=len(spells),
        conf_level=conf_level,
        limits=(
            Note(
                "stages.hazard_limit",
                "Days too close to the end of the data to be judged are left out. A "
                "falling hazard need not mean that people grow firmer: the least committed "
                "leave first.",
            ),
        ),
        chart=Points(
            label=["stage", "from_day"],
            group="stage",
            percent=True,
            xlabel=Note("stages.hazard_axis", "Chance to give up per day in the stage"),
        ),
    )


@analysis
def dark_paths(episodes, stages, *, begins="intent", conf_level=0.95):
    """How many purchases show up only when the decision is all but made?

    Parameters
    ----------
    episodes : DataFrame from `episodes` or `profile`
    stages : list of str
        Stages in rank order, the purchase last.
    begins : str
        The first stage that counts as late.

    Returns
    -------
    Result
        measure (dark_paths: purchases whose first stage seen is `begins` or later; seen_from_start:
        from the first stage on), count, n (purchases), estimate, std_error, conf_low, conf_high.

    Raises
    ------
    NotEnoughData
        If nothing was bought.

    Source: S-22 in `docs/glossary.md`; Lemon & Verhoef (2016), J. Marketing 80.
    """
    import pandas as pd

    stages = list(stages)
    if begins not in stages:
        raise unknown("begins", "stage", begins, stages)
    bought = episodes[episodes["outcome"] == "bought"]
    early = (
        bought["left_censored"].astype(bool)
        if "left_censored" in bought
        else bought["outcome"] != "bought"
    )
    bought = bought[~early]
    if not len(bought):
        raise NotEnoughData(Note("stages.none_bought", "no occasion ended in a purchase"))
    first = bought["first_stage"].map(stages.index)
    rows = [
        {"measure": name, **intervals.share(hit, bought["customer_id"], conf_level)}
        for name, hit in (
            ("dark_paths", first >= stages.index(begins)),
            ("seen_from_start", first == 0),
        )
    ]
    return Result(
        question=Note(
            "stages.dark_question",
            "How many purchases show up only when the decision is all but made?",
        ),
        table=pd.DataFrame(rows),
        method=Note("stages.reach_method", "Share of episodes; the customer is the sampling unit."),
        unit="episodes",
        n=len(bought),
        conf_level=conf_level,
        limits=(
            Note(
                "stages.dark_limit",
                "First-party data see one firm's own touchpoints: the part of the path "
                "before it stays dark. How large that is needs a panel or a survey.",
            ),
            *(
                (
                    Note(
                        "stages.early_left_out",
                        "{n} purchases whose beginning may lie before the data are left out.",
                        n=int(early.sum()),
                    ),
                )
                if early.any()
                else ()
            ),
        ),
        chart=Points(
            label=["measure"], percent=True, xlabel=Note("stages.dark_axis", "Share of purchases")
        ),
    )


def view_of(events, stages, hold, until, column="event", more=None):
    """Return the canonical view of the stage events, its first moment and the moment up to which it
    is complete.
    """
    schemas.require(events, "events", hold, column)
    present = engine.distinct(events, column)
    for stage in stages:
        if stage not in present:
            raise unknown("stages", "event", stage, present)
    if len(stages) < 2 or len(set(stages)) < len(stages):
        raise InputError(
            "stages.error_stages_at_least_two_different",
            "stages: at least two different names are needed, found {stages}",
            stages=stages,
        )
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "k": engine.code(column, stages),
        **(more or {}),
    }
    if hold:
        roles["held"] = engine.key(hold)
    end = schemas.observed_until(events, until)
    view = engine.view(events, upto=None if until is None else end, **roles)
    begin = engine.one("SELECT min(t) FROM v", v=view)
    if begin is None:
        raise NotEnoughData(
            "stages.error_episodes_the_table_holds_no",
            "episodes: the table holds no stage event with a customer and a time",
        )
    return view, int(begin), end


class Episodes:
    """The kernel of `episodes`: one row per decision occasion."""

    def __init__(self, stages, gap, end, begin):
        self.goal, self.gap, self.end, self.begin = stages - 1, gap, end, begin
        self.same = schemas.micros("same decision", SAME_DECISION)

    def edges(self, batch):
        """Return the first row of every episode."""
        time, k = batch["t"], batch["k"]
        new = np.zeros(len(batch), bool)
        new[batch.starts] = True
        after_goal = k[:-1] == self.goal
        wait = np.diff(time)
        new[1:] |= wait > self.gap
        new[1:] |= after_goal & ~((k[1:] == self.goal) & (wait <= self.same))
        return np.flatnonzero(new)

    def closing(self, batch, edges):
        """Return outcome (0 open, 1 bought, 2 abandoned) and closing time of every episode."""
        time, k = batch["t"], batch["k"]
        if not len(edges):
            return np.zeros(0, int), np.zeros(0, np.int64)
        last = time[np.append(edges[1:], len(batch)) - 1]
        far = np.iinfo(np.int64).max
        bought_at = np.minimum.reduceat(np.where(k == self.goal, time, far), edges)
        silent = last + self.gap
        outcome = np.where(bought_at < far, 1, np.where(silent <= self.end, 2, 0))
        return outcome, np.where(
            outcome == 1, bought_at, np.where(outcome == 2, silent, np.maximum(self.end, last))
        )

    def __call__(self, batch):
        edges = self.edges(batch)
        outcome, closed = self.closing(batch, edges)
        time, k = batch["t"], batch["k"]
        ends = np.append(edges[1:], len(batch))[: len(edges)] - 1
        seen = (
            np.bitwise_or.reduceat(np.int64(1) << k.astype(np.int64), edges)
            if len(edges)
            else edges
        )
        opened = time[edges]
        return {
            "customer": batch["customer"][edges],
            "opened": opened,
            "closed": closed,
            "outcome": outcome,
            "first": k[edges].astype(np.int64),
            "last": k[ends].astype(np.int64),
            "events": ends - edges + 1,
            "seen": seen,
            "left_censored": opened < self.begin + self.gap,
        }


class _Spells(Episodes):
    """The kernel of `time_in_stage`: one row per stay in a stage before the purchase."""

    def __call__(self, batch):
        edges = self.edges(batch)
        _, closed = self.closing(batch, edges)
        time, k = batch["t"], batch["k"]
        episode = (
            np.repeat(np.arange(len(edges)), np.diff(np.append(edges, len(batch))))
            if len(edges)
            else edges
        )
        new = np.zeros(len(batch), bool)
        new[edges] = True
        new[1:] |= k[1:] != k[:-1]
        begin = np.flatnonzero(new)
        following = np.append(begin[1:], len(batch))[: len(begin)]
        safe = np.minimum(following, len(batch) - 1)
        ended = (following < len(batch)) & (episode[safe] == episode[begin])
        until = np.where(ended, time[safe], closed[episode[begin]])
        kept = k[begin] != self.goal
        outcome, _ = self.closing(batch, edges)
        last = np.append(edges[1:], len(batch))[: len(edges)] - 1
        given_up = (~ended & (outcome[episode[begin]] == 2)) if len(begin) else ended
        active = (time[last[episode[begin]]] - time[begin]) if len(begin) else until
        more = {"g": batch["g"][begin][kept].astype(np.int64)} if "g" in batch.columns else {}
        return {
            **more,
            "begin": time[begin][kept].astype(np.int64),
            "given_up": given_up[kept],
            "active": np.maximum(active, 0)[kept],
            "customer": batch["customer"][begin][kept],
            "stage": k[begin][kept].astype(np.int64),
            "micros": np.maximum(until - time[begin], 0)[kept],
            "ended": ended[kept],
        }


def _cause(episodes):
    """Return 1 for bought, 2 for abandoned, 0 for still open."""
    return episodes["outcome"].map({"bought": 1, "abandoned": 2, "open": 0}).to_numpy()


def stamps(micros):
    """Return microseconds since 1970 as UTC timestamps."""
    import pandas as pd

    return pd.to_datetime(micros.to_numpy().astype("int64"), unit="us", utc=True).astype(
        "datetime64[us, UTC]"
    )
