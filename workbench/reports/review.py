"""The month under review: what it brought, and what changed since the month before."""

import datetime
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from workbench import attribution, funnels, intervals, notes
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Result, currency_of, is_built_in, is_simulated, is_small, merging
from workbench.results.charts import Curve, Points

MOST_MONTHS = 13
_SAME_PEOPLE = Note(
    "review.same_people",
    "Who is counted in both months is taken for two; then the interval is rather too wide.",
)
_ONE_MONTH = Note(
    "review.one_month",
    "Two months are compared, not two causes: weekdays, holidays and campaigns differ too.",
)


@dataclass(frozen=True)
class Month:
    """A calendar month in a time zone: `begin` is its first moment, `end` that of the next."""

    begin: object
    end: object

    @property
    def day(self):
        """The first day."""
        return self.begin.date()

    @property
    def last(self):
        """The last day, as text."""
        return str((self.end - datetime.timedelta(days=1)).date())

    def of(self, table, column="occurred_at"):
        """Return the rows of a table that fall into the month."""
        return table[(table[column] >= self.begin) & (table[column] < self.end)]


def months(source, table="orders", *, column="ordered_at", until=None):
    """Return the full calendar months of a source, the newest first, at most thirteen.

    A month counts when the data cover its first and its last day; `until` is the last day they
    cover, where that is not the day of the last row.
    """
    import pandas as pd

    moments = source.frame(table)[column]
    moments = moments[moments.notna()].dt.tz_convert(source.zone)
    if moments.empty:
        raise NotEnoughData("review.error_empty", "monthly review: no row has a moment")
    covered = pd.Timestamp(until).tz_localize(source.zone) if until else moments.max().normalize()
    end = (covered + pd.Timedelta("1D")).normalize().replace(day=1)
    found = []
    while len(found) < MOST_MONTHS and end > moments.min():
        begin = end - pd.DateOffset(months=1)
        if begin.date() < moments.min().date():
            break
        found.append(Month(begin, end))
        end = begin
    if len(found) < 2:
        raise NotEnoughData(
            "review.error_months",
            "monthly review: {least} full calendar months are needed, found {n}",
            least=2,
            n=len(found),
        )
    return found


def business(orders, months, *, currency=None, conf_level=0.95):
    """How many customers, orders and how much money did each month bring?

    The value of an order has an interval with the customer as sampling unit; totals are counted and
    have none.
    """
    import pandas as pd

    rows = [_business(month, month.of(orders, "ordered_at"), conf_level) for month in months]
    table = pd.DataFrame(rows).sort_values("month", ignore_index=True)
    now, before = rows[0], rows[1]
    currency = currency or currency_of(orders)
    return Result(
        question=Note("review.business_question", "What did each month bring?"),
        table=table,
        n=int(now["customers"]),
        unit="customers",
        answer=Note(
            "review.business_answer",
            "In {month:month} {customers} customers placed {orders} orders worth {amount:money}: "
            "{change} ({previous:money}). An order was worth {estimate:money} ({conf_low:money} to "
            "{conf_high:money}).",
            month=now["month"].date(),
            customers=int(now["customers"]),
            orders=int(now["orders"]),
            amount=float(now["amount"]),
            previous=float(before["amount"]),
            change=_more_or_less(float(now["amount"]), float(before["amount"])),
            currency=currency,
            **{k: float(now[k]) for k in ("estimate", "conf_low", "conf_high")},
        ),
        method=Note(
            "review.business_method",
            "Calendar months in the time zone of the data; ratio of amounts to orders over "
            "customers (delta method).",
        ),
        conf_level=conf_level,
        limits=(_ONE_MONTH,),
        currency=currency,
        built_in=is_built_in(orders),
        chart=Curve(
            x="month",
            xlabel=Note("review.month_axis", "Month"),
            ylabel=Note("review.value_axis", "Value of an order"),
        ),
    )


def _more_or_less(now, before):
    """Return how a total compares with that of the month before."""
    if before <= 0:
        return Note("review.not_compared", "the month before brought nothing to compare with")
    change = now / before - 1
    if change < 0:
        return Note("review.less", "{share:%} less than the month before", share=-change)
    return Note("review.more", "{share:%} more than the month before", share=change)


def _business(month, orders, conf_level):
    each = orders.groupby("customer_id")["amount"].agg(["sum", "size"])
    row = {
        "month": month.begin.tz_localize(None),
        "customers": len(each),
        "orders": int(each["size"].sum()),
        "amount": float(each["sum"].sum()),
    }
    estimate, _, low, high = intervals.ratio(each["sum"], each["size"], conf_level)
    return {**row, "estimate": estimate, "conf_low": low, "conf_high": high}


def customers(orders, month, previous, *, conf_level=0.95):
    """Who bought in a month: newcomers, and how many of the month before bought again?"""
    buyers = set(month.of(orders, "ordered_at")["customer_id"].dropna())
    earlier = set(previous.of(orders, "ordered_at")["customer_id"].dropna())
    known = set(orders.loc[orders["ordered_at"] < month.begin, "customer_id"].dropna())
    counts = {
        "new_among_buyers": (len(buyers - known), len(buyers)),
        "bought_again": (len(buyers & earlier), len(earlier)),
    }
    return _shares("measure", counts, "customers", conf_level, orders)


def groups(table, month, column, *, time="ordered_at", conf_level=0.95):
    """How are the customers of a month spread over the groups of a column?

    A customer in several groups counts in each of them.
    """
    if column not in table:
        raise InputError(
            "review.error_column", "monthly review: no column named {column:repr}", column=column
        )
    rows = month.of(table, time)
    rows = rows[rows["customer_id"].notna() & rows[column].notna()]
    n = rows["customer_id"].nunique()
    sizes = rows.groupby(column, observed=True)["customer_id"].nunique()
    counts = {name: (int(count), n) for name, count in sizes.items()}
    return _shares(column, counts, "customers", conf_level, table)


def voice(surveys, month, item, good, *, conf_level=0.95):
    """Which share of the answers to a question was `good` or better in a month?"""
    import pandas as pd

    rows = month.of(surveys, "answered_at")
    rows = rows[rows["item"].astype(str) == item]
    if rows.empty:
        raise NotEnoughData(
            "review.error_no_answers",
            "voice: nobody answered '{item}' in {month:month}",
            item=item,
            month=month.day,
        )
    values = pd.to_numeric(rows["value"], errors="coerce").dropna()
    counts = {item: (int((values >= good).sum()), len(values))}
    return _shares("item", counts, "answers", conf_level, surveys)


def _shares(key, counts, unit, conf_level, like):
    """Return shares as a Result; what nobody could be counted of is missing."""
    import pandas as pd

    rows = []
    for name, (count, n) in counts.items():
        low, high = (float(v) for v in intervals.wilson(count, n, conf_level))
        share = count / n if n else np.nan
        rows.append((name, count, n, share, low, high))
    names = [key, "count", "n", "estimate", "conf_low", "conf_high"]
    return Result(
        question=Note("review.shares_question", "Which share in the month?"),
        table=pd.DataFrame(rows, columns=names),
        n=max((n for _, n in counts.values()), default=0),
        unit=unit,
        method=Note("review.shares_method", "Wilson interval."),
        conf_level=conf_level,
        built_in=is_built_in(like),
        simulated=is_simulated(like),
    )


def change(now, before, key, about, *, month, only=None, **values):
    """What changed between two months: the same shares, and their differences with intervals.

    Parameters
    ----------
    now, before : Result
        Of the same analysis, of the month and of the one before.
    key : str
        The column that names a row.
    about : str
        What is compared: kept, stages, influence, segments or voice.
    month : Month
        The month of `now`.
    only : dict, optional
        Column → value: the rows to compare.
    **values
        What the question says besides, such as `good`.

    Returns
    -------
    Result
        Per row: count, n, estimate, its interval, `month_before`, and `difference` with its
        interval (Newcombe). The answer names the greatest change that chance hardly makes.
    """
    rows = _matched(now, before, key, only or {})
    n = int(rows["n"].max()) if len(rows) else 0
    return Result(
        question=_QUESTIONS[about].having(**values),
        table=rows,
        n=n,
        unit=now.unit,
        answer=_changed(rows, key, month, _OF[about]),
        method=Note(
            "review.change_method", "Shares with Wilson intervals, differences with Newcombe's."
        ),
        conf_level=now.conf_level,
        limits=(_ONE_MONTH, _SAME_PEOPLE),
        built_in=is_built_in(now),
        simulated=now.simulated,
        chart=Points(label=[key], percent=True, beside="month_before", xlabel=_SHARE_AXIS),
    )


_SHARE_AXIS = Note("review.share_axis", "Share in the month")


def _matched(now, before, key, only):
    """Return the shares of two months side by side; a group that is gone counts nobody."""
    a, b = now.table, before.table
    for column, value in only.items():
        a, b = a[a[column] == value], b[b[column] == value]
    a = _with_gone(a, b, key, now.conf_level)
    # The first step of a funnel is reached by definition: nothing can change there.
    a = a[a["conf_low"].notna() | (a["count"] != a["n"])]
    b = b.set_index(key)
    rows = a[[key, "count", "n", "estimate", "conf_low", "conf_high"]].reset_index(drop=True)
    there = rows[key].isin(b.index)
    none = b["n"].max() if len(b) else 0
    n = rows[key].map(b["n"]).where(there, none).to_numpy(float)
    count = rows[key].map(b["count"]).where(there, 0).to_numpy(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        rows["month_before"] = count / n
    known = (n > 0) & (rows["n"] > 0).to_numpy() & rows["estimate"].notna().to_numpy()
    limits = intervals.newcombe(
        rows["count"].fillna(0), rows["n"].fillna(0), np.nan_to_num(count), n, now.conf_level
    )
    if merging.in_report() and not is_built_in(now):
        # The month before tells of few people too, by its share of how many there were.
        known &= ~(is_small(count) | is_small(n - count))
        rows["month_before"] = rows["month_before"].where(known)
    rows["difference"] = rows["estimate"] - rows["month_before"]
    for name, values in zip(("difference_low", "difference_high"), limits, strict=True):
        rows[name] = np.where(known, values, np.nan)
    return rows


def _with_gone(now, before, key, conf_level):
    """Return the shares of a month, with a row of 0 for each group only the other month had."""
    import pandas as pd

    gone = before.loc[~before[key].isin(now[key]), key]
    if gone.empty or now.empty:
        return now
    n = int(now["n"].max())
    low, high = (float(v) for v in intervals.wilson(0, n, conf_level))
    share = {"count": 0, "n": n, "estimate": 0 / n if n else np.nan}
    none = pd.DataFrame({key: gone, **share, "conf_low": low, "conf_high": high})
    return pd.concat([now, none], ignore_index=True)


def _changed(rows, key, month, of):
    """Return the note of the greatest change that is surely one, else that there is none."""
    rows = rows[rows["difference"].notna() & (rows["n"] >= 10)]
    sure = rows[(rows["difference_low"] > 0) | (rows["difference_high"] < 0)]
    if rows.empty:
        return Note("review.nothing", "Nothing can be compared in {month:month}.", month=month.day)
    row = rows.loc[(sure if len(sure) else rows)["difference"].abs().idxmax()]
    facts = {
        "name": row[key],
        "of": of,
        "month": month.day,
        "count": int(row["count"]),
        "n": int(row["n"]),
        **{
            name: float(row[name])
            for name in ("estimate", "difference", "difference_low", "difference_high")
        },
        "previous": float(row["month_before"]),
    }
    if sure.empty:
        return Note(
            "review.unchanged",
            "No share changed beyond chance in {month:month}. The largest difference: {name:word}, "
            "{estimate:%} of {of} ({count} of {n}) after {previous:%} ({difference:points} points, "
            "{difference_low:points} to {difference_high:points}).",
            **facts,
        )
    return Note(
        "review.changed",
        "{name:word}: {estimate:%} of {of} in {month:month} ({count} of {n}) after {previous:%} "
        "the month before ({difference:points} points, {difference_low:points} to "
        "{difference_high:points}).",
        **facts,
    )


def kept(orders, months, *, conf_level=0.95):
    """Did customers stay? The shares of the new and of those who bought again, and their change."""
    if len(months) < 3:
        raise NotEnoughData(
            "review.error_kept",
            "who stayed: {least} full months are needed to tell a change, found {n}",
            least=3,
            n=len(months),
        )
    now, before = (
        customers(orders, month, previous, conf_level=conf_level)
        for month, previous in pairwise(months[:3])
    )
    return change(now, before, "measure", "kept", month=months[0])


def stages(events, months, steps, *, conf_level=0.95, **options):
    """How far did those get who began in the month? The steps they reached, and what changed.

    Options are those of `funnels.conversion`, such as `window` and `hold`.
    """
    now, before = (
        funnels.conversion(m.of(events), steps, until=m.last, conf_level=conf_level, **options)
        for m in months[:2]
    )
    reached = {"basis": "entry"}
    return change(now, before, "step", "stages", month=months[0], only=reached)


def influence(events, months, conversion, channel, *, conf_level=0.95):
    """What came last before a conversion? The share of each channel in the month, and its change.

    Rule "last contact", within the month; a share of credit is no effect.
    """
    now, before = (
        attribution.heuristics(
            attribution.paths(m.of(events), conversion=conversion, column=channel),
            which=("last",),
            conf_level=conf_level,
        )
        for m in months[:2]
    )
    return change(now, before, "channel", "influence", month=months[0])


def segments(table, months, column, *, conf_level=0.95):
    """Which groups bought? The share of each group of a column among buyers, and its change."""
    with notes.collected() as said:
        if column in table and merging.in_report() and not is_built_in(table):
            table = merging.merged(table, column, [m.of(table, "ordered_at") for m in months[:2]])
    now, before = (groups(table, m, column, conf_level=conf_level) for m in months[:2])
    made = change(now, before, column, "segments", month=months[0])
    return replace(made, limits=(*made.limits, *said))


def voices(surveys, months, item, good, *, conf_level=0.95):
    """What did customers say? The share of good answers to a question, and its change."""
    now, before = (voice(surveys, m, item, good, conf_level=conf_level) for m in months[:2])
    return change(now, before, "item", "voice", month=months[0], good=good)


_QUESTIONS = {
    "kept": Note("review.kept", "Who is new, and who bought again after the month before?"),
    "stages": Note("review.stages", "How far do those get who begin?"),
    "influence": Note("review.influence", "What came last before a conversion?"),
    "segments": Note("review.segments", "Which groups do the buyers belong to?"),
    "voice": Note("review.voice", "How many answers were {good} or better?", good=0),
}
# Of whom or what each share is.
_OF = {
    "kept": Note("review.of_customers", "customers"),
    "stages": Note("review.of_beginners", "those who began"),
    "influence": Note("review.of_conversions", "conversions"),
    "segments": Note("review.of_buyers", "buyers"),
    "voice": Note("review.of_answers", "answers"),
}
