"""After the purchase: what complaints and their solution are associated with, and what customers
buy before and after they join a loyalty programme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, periods, schemas, survival
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.loyalty.limits import few
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    import pandas as pd

    from workbench.types import Moment, Table

LEAST = 100  # purchases a group
PERIODS = 3  # periods below which nothing is compared over time
RECOVERY_AXIS = Note("loyalty.recovery_axis", "Share that came back, of those not back at once")
RECOVERY_LIMIT = Note(
    "loyalty.recovery_limit",
    "Associational: what was solved may have been easy to solve, people who complain care more "
    "than those who leave without a word, and unhappy customers who say nothing are counted as "
    "having no complaint.",
)


@engine.frames("complaints", "orders", near={"orders": engine.FirstOfDay()})
@analysis
def service_recovery(
    complaints: Table,
    orders: Table,
    *,
    window: str = "60D",
    link: str = "14D",
    repair: str = "7D",
    zone: str = "UTC",
    conf_level: float = 0.95,
) -> Result:
    """Do customers come back after a complaint, and more often once it is solved?

    A complaint belongs to its customer's last purchase day before it. Whoever comes back at once
    cannot complain about the day before any more, so days with and without complaint are compared
    from one moment on: `link` plus `repair` after the purchase, when every complaint has
    been made and every solution given, and among those not back by then.

    Parameters
    ----------
    complaints : DataFrame
        customer_id, opened_at, solved_at (missing: not solved).
    orders : DataFrame with customer_id, ordered_at
        Orders of one local day are one purchase.
    window : str
        Time after that moment within which the next purchase counts as coming back; purchases too
        late for it are left out and counted.
    link : str
        How long after the purchase a complaint may be opened; later ones belong to none, and are
        counted.
    repair : str
        Solved within this time of opening is solved; later is not.
    zone : str
        Time zone in which days are cut.

    Returns
    -------
    Result
        measure (complained: share of purchases; solved: share of complaints old enough;
        days_to_solve: median, those open censored; came_back: share of purchases not followed by
        then, by group; difference: of came_back), group (no_complaint, solved, unsolved; or the two
        compared, such as solved_less_unsolved), count, n, estimate, std_error, conf_low, conf_high,
        p_holm (of the differences). The customer is the sampling unit. Associational: what is
        solved may be what was easily solved.

    Raises
    ------
    InputError
        For missing columns, text for moments, solutions before the complaint, or complaints of
        nobody who ordered.
    NotEnoughData
        Where no purchase with a complaint was followed for the whole window.

    Source: de Matos, Henrique & Rossi (2007), Journal of Service Research 10 (the recovery paradox
    and the doubts about it); Tax, Brown & Chandrashekaran (1998), Journal of Marketing 62; a common
    moment as in Anderson, Cain & Gelber (1983), Journal of Clinical Oncology 1.
    """
    import pandas as pd

    fits.require(complaints, "complaints", "customer_id", "opened_at", "solved_at")
    fits.require(orders, "orders", "customer_id", "ordered_at")
    asked = pd.DataFrame(
        {
            "customer_id": complaints["customer_id"].astype(str),
            **{
                c: schemas.moments(complaints, "complaints", c).dt.as_unit("us")
                for c in ("opened_at", "solved_at")
            },
        }
    )
    asked = (
        asked[complaints[["customer_id", "opened_at"]].notna().all(axis=1)]
        .sort_values("opened_at", kind="stable")
        .reset_index(drop=True)
    )
    took = asked["solved_at"] - asked["opened_at"]
    if (took < pd.Timedelta(0)).any():
        raise InputError(
            "loyalty.error_solved_before",
            "complaints: {count} were solved before they were opened",
            count=int((took < pd.Timedelta(0)).sum()),
        )
    near, quick, ahead = (
        pd.Timedelta(microseconds=schemas.micros(k, v))
        for k, v in (("link", link), ("repair", repair), ("window", window))
    )
    bought = schemas.bought(orders)
    schemas.must_match("complaints", asked["customer_id"], bought["customer_id"])
    end = _last_moment(asked, bought)
    made = (
        bought.assign(_day=periods.local_days(bought["ordered_at"], zone))
        .groupby(["customer_id", "_day"])["ordered_at"]
        .min()
        .reset_index()
        .sort_values("ordered_at", kind="stable", ignore_index=True)
    )
    made["_id"] = np.arange(len(made))
    found = pd.merge_asof(
        asked.assign(_took=took),
        made[["customer_id", "ordered_at", "_id"]],
        left_on="opened_at",
        right_on="ordered_at",
        by="customer_id",
        direction="backward",
        tolerance=near,
    )
    linked = found.dropna(subset=["_id"])
    # Several complaints about one purchase: it is solved when all of them are.
    state = (linked["_took"] <= quick).groupby(linked["_id"].astype(int)).all()
    group = (
        made["_id"]
        .map(state)
        .map({True: "solved", False: "unsolved"})
        .fillna("no_complaint")
        .to_numpy()
    )
    following = made.groupby("customer_id")["ordered_at"].shift(-1)
    mark = made["ordered_at"] + near + quick
    old = (mark + ahead <= bought["ordered_at"].max()).to_numpy()
    use = old & ~(following <= mark).to_numpy()
    back, who, kind = (
        (following <= mark + ahead).to_numpy()[use],
        made["customer_id"].to_numpy()[use],
        group[use],
    )
    if not (kind != "no_complaint").any():
        raise NotEnoughData(
            "loyalty.error_no_complaint_followed",
            "service_recovery: no purchase with a complaint, its customer not back "
            "within {link} and {repair}, was followed for {window} more",
            link=link,
            repair=repair,
            window=window,
        )
    rows = [
        {
            "measure": "complained",
            "group": "all",
            **intervals.share(
                group[old] != "no_complaint", made["customer_id"].to_numpy()[old], conf_level
            ),
        }
    ]
    judged = ((asked["opened_at"] + quick <= end) | (took <= quick)).to_numpy()
    rows.append(
        {
            "measure": "solved",
            "group": "all",
            **intervals.share(
                (took <= quick).to_numpy()[judged],
                asked["customer_id"].to_numpy()[judged],
                conf_level,
            ),
        }
    )
    days = (took.fillna(end - asked["opened_at"]) / pd.Timedelta("1D")).to_numpy(float)
    curve = survival.kaplan_meier(
        days,
        asked["solved_at"].notna().to_numpy(),
        customer=asked["customer_id"].to_numpy(),
        conf_level=conf_level,
    )
    middle, low, high = survival.quantile(curve, 0.5)
    rows.append(
        {
            "measure": "days_to_solve",
            "group": "all",
            "count": float(asked["solved_at"].notna().sum()),
            "n": len(asked),
            "estimate": middle,
            "std_error": np.nan,
            "conf_low": low,
            "conf_high": high,
        }
    )
    there = [g for g in ("no_complaint", "solved", "unsolved") if (kind == g).any()]
    rows += [
        {
            "measure": "came_back",
            "group": g,
            **intervals.share(back[kind == g], who[kind == g], conf_level),
        }
        for g in there
    ]
    first = len(rows)
    for a, b in (("solved", "unsolved"), ("solved", "no_complaint"), ("unsolved", "no_complaint")):
        if a in there and b in there:
            both = np.isin(kind, (a, b))
            rows.append(
                {
                    "measure": "difference",
                    "group": f"{a}_less_{b}",
                    **intervals.share_difference(
                        back[both], kind[both] == a, who[both], conf_level
                    ),
                }
            )
    table = pd.DataFrame(rows)
    table["p_holm"] = np.nan
    table.loc[first:, "p_holm"] = intervals.adjust_p_values(
        intervals.p_value(table.loc[first:, "estimate"], table.loc[first:, "std_error"])
    )
    limits = [RECOVERY_LIMIT, _sooner(int((old & ~use).sum()), int(old.sum()))]
    limits += _not_counted(
        lone=(len(found) - len(linked), link),
        unjudged=int((~judged).sum()),
        recent=(int((~old).sum()), window),
    )
    small = min((kind == g).sum() for g in there)
    if small < LEAST:
        limits.append(few(small, LEAST, "purchases"))
    return Result(
        question=Note(
            "loyalty.recovery_question",
            "Do customers come back after a complaint, and more often once it is solved?",
        ),
        table=table,
        answer=_came_back(table, window, conf_level),
        method=Note(
            "loyalty.recovery_method",
            "Purchases whose customer had not returned {gap:span} plus {within:span} after them, "
            "followed for {window:span} more; solved: within {within:span} of the complaint; the "
            "customer is the sampling unit, Holm's correction for the differences.",
            window=window,
            within=repair,
            gap=link,
        ),
        unit="purchases",
        n=int(use.sum()),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        chart=Points(
            label=["group"],
            only={"measure": "came_back"},
            percent=True,
            xlabel=RECOVERY_AXIS,
        ),
    )


def _sooner(n, purchases):
    return Note(
        "loyalty.recovery_sooner",
        "{n} of {purchases} purchases were followed by another before that moment. They are left "
        "out: customers who return at once no longer complain about the purchase before.",
        n=n,
        purchases=purchases,
    )


def _not_counted(lone, unjudged, recent):
    """Return complaints without a purchase or too recent, and purchases too recent."""
    limits = []
    if lone[0]:
        limits.append(
            Note(
                "loyalty.recovery_lone",
                "{n} complaint has no purchase within {gap:span} before it.",
                "{n} complaints have no purchase within {gap:span} before them.",
                n=lone[0],
                gap=lone[1],
            )
        )
    if unjudged:
        limits.append(
            Note(
                "loyalty.recovery_open",
                "{n} complaint is too recent to count as solved or not.",
                "{n} complaints are too recent to count as solved or not.",
                n=unjudged,
            )
        )
    if recent[0]:
        limits.append(
            Note(
                "loyalty.recovery_recent",
                "{n} purchase is too recent to be followed for {window:span} and is left out.",
                "{n} purchases are too recent to be followed for {window:span} and are left out.",
                n=recent[0],
                window=recent[1],
            )
        )
    return limits


def _came_back(table, window, conf_level):
    """Return how often customers come back after a solved and after an unsolved complaint."""
    back = table[table["measure"] == "came_back"].set_index("group")
    gaps = table[table["measure"] == "difference"].set_index("group")
    if "solved_less_unsolved" not in gaps.index:
        row = back[back.index != "no_complaint"].iloc[0]
        return Note(
            "loyalty.recovery_share_answer",
            "After a complaint ({group:word}) {share:%} of customers came back within "
            "{window:span} ({low:%} to {high:%}; {count} of {n} purchases).",
            group=row.name,
            share=row["estimate"],
            window=window,
            low=row["conf_low"],
            high=row["conf_high"],
            count=int(row["count"]),
            n=int(row["n"]),
        )
    gap = gaps.loc["solved_less_unsolved"]
    values = {
        "solved": back.loc["solved", "estimate"],
        "unsolved": back.loc["unsolved", "estimate"],
        "gap": gap["estimate"],
        "low": gap["conf_low"],
        "high": gap["conf_high"],
        "n": int(gap["n"]),
        "window": window,
    }
    if gap["p_holm"] < 1 - conf_level:
        return Note(
            "loyalty.recovery_answer",
            "After a complaint solved in time {solved:%} came back within {window:span}, after one "
            "not solved in time {unsolved:%}: a difference of {gap:points} percentage points "
            "({low:points} to {high:points}; {n} purchases).",
            **values,
        )
    return Note(
        "loyalty.recovery_no_answer",
        "No difference between complaints solved in time and others could be shown: {solved:%} "
        "and {unsolved:%} came back within {window:span}, a difference of {gap:points} percentage "
        "points ({low:points} to {high:points}; {n} purchases).",
        **values,
    )


@engine.tables("orders")
@engine.frames("members")
@analysis
def programme_panel(
    orders: Table,
    members: Table,
    *,
    begin: Moment,
    period: str = "month",
    zone: str = "UTC",
    until: Moment | None = None,
) -> pd.DataFrame:
    """Lay out what customers bought before and after they joined a programme, as a panel for a
    comparison over time.

    Members buy more than others before they join: a comparison of members with the others is no
    effect. Feed the panel to `experiments.difference_in_differences`, which compares those who join
    with those who have not yet, and shows whether they differed before.

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    members : DataFrame
        customer_id, joined_at: one row a member; the first joining counts.
    begin : str or Timestamp
        Day in the first period of the panel, which begins at that period's first day. Only
        customers who had bought before it are in: others would begin at 0 because they were none.
    period : str
        "month" or "week" (from Monday; "week_sunday", "week_saturday").
    zone : str
    until : str or Timestamp, optional
        Last moment the data cover; a period still running is left out.

    Returns
    -------
    DataFrame
        customer_id, period (0, 1, …; its first day in `period_begin`), start (period of joining;
        missing: never), orders (purchase days) and amount in it; every customer has every period.
        The period of joining counts as treated, and holds the purchase at which many
        join: in the comparison read the periods after it.

    Raises
    ------
    InputError
        For missing columns, text for moments, an unknown period, or members none of whom bought.
    NotEnoughData
        With fewer than three whole periods, or no customer who had bought before.

    Source: Leenheer, van Heerde, Bijmolt & Smidts (2007), International Journal of Research in
    Marketing 24; Sharp & Sharp (1997).
    """
    import pandas as pd

    one_of("period", period, periods.LONG)
    fits.require(members, "members", "customer_id", "joined_at")
    view, end = schemas.purchase_days(orders, zone, until)
    first = int(
        periods.first_day(periods.local_day(schemas.moment("begin", begin, zone), zone), period)
    )
    starts = periods.whole(first, end, period)
    if len(starts) < PERIODS:
        raise NotEnoughData(
            "loyalty.error_joining_periods",
            "programme_panel: {count} whole periods from {begin} on; {least} are needed",
            count=len(starts),
            least=PERIODS,
            begin=begin,
        )
    found = engine.run(
        f"""{schemas.DAYS},
          known AS (
            SELECT customer
            FROM days WHERE bought = 1 GROUP BY customer HAVING min(day) < :first)
          SELECT k.customer AS customer, {periods.sql("d.day", period, first, end)} AS bucket,
            CAST(sum(d.bought) AS BIGINT) AS orders, sum(d.amount) AS amount
          FROM known k
          LEFT JOIN days d ON d.customer = k.customer AND d.day >= :first GROUP BY 1, 2
          ORDER BY 1, 2""",
        values={"first": first},
        o=view,
    )
    people = found["customer"].drop_duplicates()
    if not len(people):
        raise NotEnoughData(
            "loyalty.error_joining_customers",
            "programme_panel: nobody had bought before {begin}",
            begin=begin,
        )
    grid = pd.MultiIndex.from_product([people, starts], names=["customer_id", "period_begin"])
    made = (
        found.set_axis(["customer_id", "period_begin", "orders", "amount"], axis=1)
        .set_index(["customer_id", "period_begin"])
        .reindex(grid, fill_value=0)
        .reset_index()
    )
    joined = schemas.moments(members, "members", "joined_at")
    joined = joined[members["customer_id"].notna()].dropna()
    joined = joined.groupby(members["customer_id"].astype(str)).min()
    schemas.must_match("members", joined.index, people.astype(str))
    day = periods.local_days(joined, zone)
    at = np.searchsorted(starts, day, side="right") - 1
    # Whoever joined before the panel begins is treated all along; after its end, never within it.
    last = periods.last_day(int(starts[-1]), period)
    start = pd.Series(np.where(day > last, np.nan, np.maximum(at, 0).astype(float)), joined.index)
    made["period"] = np.searchsorted(starts, made["period_begin"])
    made["start"] = made["customer_id"].astype(str).map(start).astype(float)
    made["period_begin"] = pd.to_datetime(made["period_begin"], unit="D").astype("datetime64[us]")
    return made[["customer_id", "period", "period_begin", "start", "orders", "amount"]]


@engine.frames("joined")
@analysis
def programme_baseline(joined: Table) -> pd.DataFrame:
    """Return what members and others bought a period before anybody could be a member.

    Parameters
    ----------
    joined : table of `loyalty.programme_panel`

    Returns
    -------
    DataFrame
        group (members, others), customers, orders and amount (means a period, those from joining
        on left out).
    """
    start = joined["start"].astype(float)
    before = joined[start.isna() | (joined["period"] < start)]
    group = before["start"].notna().map({True: "members", False: "others"})
    means = before.groupby(group).agg(
        customers=("customer_id", "nunique"), orders=("orders", "mean"), amount=("amount", "mean")
    )
    means.attrs = dict(joined.attrs)
    return means.rename_axis("group").reset_index()


def _last_moment(asked, bought):
    """Return the last moment of complaints and orders; refuse where either has none."""
    import pandas as pd

    if not len(asked) or not len(bought):
        raise NotEnoughData(
            "loyalty.error_no_complaint",
            "service_recovery: there is no complaint, or no order, with a customer and a time",
        )
    lasts = [bought["ordered_at"].max(), asked["opened_at"].max(), asked["solved_at"].max()]
    return max(v for v in lasts if v is not pd.NaT)
