"""What is bought most, and how sure its place is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names
from workbench.errors import InputError, NotEnoughData, need_columns, one_of
from workbench.interests import acts as reading
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.stats import rank_sets

if TYPE_CHECKING:
    from workbench.types import Moment, Table

BY = {
    "customers": "1.0",
    "orders": "CAST(count(DISTINCT unit) AS DOUBLE)",
    "units": "sum(quantity)",
    "revenue": "sum(amount)",
}
FEWEST, CANDIDATES, SHOWN = 30, 60, 15
_VALUES = """
  SELECT customer, topic, {value} AS value FROM v
  WHERE t >= :start AND t < :end GROUP BY customer, topic"""
_TOTALS = (
    "WITH x AS ("
    + _VALUES
    + """)
  SELECT topic, count(*) AS customers, sum(value) AS total FROM x GROUP BY topic"""
)
_PRODUCTS = (
    "WITH x AS ("
    + _VALUES
    + """),
  y AS (SELECT x.customer, c.code, x.value FROM x JOIN codes c ON c.topic = x.topic)
  SELECT a.code AS one, b.code AS two, sum(a.value * b.value) AS product
  FROM y a JOIN y b ON a.customer = b.customer AND a.code <= b.code GROUP BY a.code, b.code"""
)


@engine.tables("lines")
@analysis
def most_bought(
    lines: Table,
    *,
    item: str = "product_id",
    measure: str = "customers",
    top: int = 20,
    growth: str | None = None,
    until: Moment | None = None,
    zone: str = "UTC",
    conf_level: float = 0.95,
) -> Result:
    """What is bought most, and which places are sure?

    Parameters
    ----------
    lines : table with customer_id, order_id, ordered_at, and the item; quantity and amount
        Order lines.
    item : str
        Column that is ranked: a product, a category, a brand.
    measure : str
        By how many "customers" bought it, in how many "orders", how many "units" were bought, or
        by the "revenue".
    top : int
        How many are told.
    growth : str, optional
        A time such as "90D": how much more was bought in the last one than in the one before.
    until : moment, optional
    zone : str
    conf_level : float

    Returns
    -------
    Result
        The item, rank, count (customers who bought it), total (of the measure), n (customers), and
        estimate, std_error, conf_low, conf_high: of customers the share who bought it
        (penetration), of other measures the mean a customer. rank_low and rank_high: the places
        that the data allow. With growth: growth, growth_low, growth_high (last time over the one
        before). `count` and `n` are over all the time.

    Raises
    ------
    InputError
        For a missing column or another measure.
    NotEnoughData
        With fewer than thirty customers.

    Source: Mogstad, Romano, Shaikh & Wilhelm (2024), Review of Economic Studies 91 (places);
    customers are the sampling unit.

    Examples
    --------
    >>> import pandas as pd
    >>> lines = pd.DataFrame({"customer_id": range(90), "order_id": range(90), "quantity": 1,
    ...     "amount": 2.0, "ordered_at": pd.Timestamp("2024-01-01", tz="UTC"),
    ...     "product_id": ["tea"] * 60 + ["milk"] * 15 + ["jam"] * 15})
    >>> rows = most_bought(lines).table
    >>> rows[["product_id", "rank", "rank_low", "rank_high"]].values.tolist()
    [['tea', 1, 1, 1], ['jam', 2, 2, 3], ['milk', 2, 2, 3]]
    """
    seen = _read(lines, item, measure, top, {"zone": zone, "until": until})
    n = int(engine.one("SELECT count(DISTINCT customer) FROM v", v=seen.view))
    if n < FEWEST:
        raise NotEnoughData(
            "interests.error_few_buyers",
            "most_bought: {n} customers bought something; {least} are needed",
            n=n,
            least=FEWEST,
        )
    label = names.label(item, names.OURS | {"rank", "total"})
    whole = (seen.start, seen.end + 1)
    told = _told(seen.view, BY[measure], whole, max(CANDIDATES, 2 * top))
    table = _ranked(told, n, measure, conf_level)
    if growth is not None:
        table = _grown(table, told, seen, (BY[measure], growth, n, conf_level))
    table = table.rename(columns={"topic": label}).head(top)
    return Result(
        question=QUESTIONS[measure],
        table=tidy(table),
        answer=_answer(table, label, measure),
        method=Note(
            "interests.most_bought_method",
            "Totals over customers, who are the sampling unit; the places an item may have are "
            "those that differences from all other items leave open, taken together ({n} items "
            "held against one another).",
            n=len(told["topic"]),
        ),
        unit="customers",
        n=n,
        conf_level=conf_level,
        limits=(*seen.limits, OFFERED),
        chart=Points(
            label=[label],
            only={"rank": list(range(1, SHOWN + 1))},
            percent=measure == "customers",
            xlabel=AXES[measure],
        ),
    )


def _read(lines, item, measure, top, options):
    """Return the lines with what the measure needs."""
    one_of("measure", measure, BY)
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise InputError(
            "interests.error_top",
            "top: a whole number of at least {least} is needed, found {found:repr}",
            least=1,
            found=top,
        )
    more = {"orders": {"unit": "order_id"}, "units": {"quantity": "quantity"}}.get(measure, {})
    more |= {"amount": "amount"} if measure == "revenue" else {}
    need_columns("lines", engine.columns(lines), *more.values())
    roles = {n: engine.key(c) if n == "unit" else engine.real(c) for n, c in more.items()}
    return reading.read(lines, item, **options, **roles)


OFFERED = Note(
    "interests.offered",
    "What was not in stock could not be bought, and what was sold in a bundle counts as it was "
    "written down.",
)
QUESTIONS = {
    "customers": Note("interests.most_customers", "What do most customers buy?"),
    "orders": Note("interests.most_orders", "What lies in most orders?"),
    "units": Note("interests.most_units", "What is bought in the largest numbers?"),
    "revenue": Note("interests.most_revenue", "What brings most revenue?"),
}
AXES = {
    "customers": Note("interests.axis_penetration", "Share of customers who bought it"),
    "orders": Note("interests.axis_orders", "Orders with it, a customer"),
    "units": Note("interests.axis_units", "Units, a customer"),
    "revenue": Note("interests.axis_revenue", "Revenue, a customer"),
}


def _told(view, value, span, most):
    """Return the totals of the items that are bought most, and the products of each two of them
    summed over customers.
    """
    ends = {"start": int(span[0]), "end": int(span[1])}
    sums = engine.run(_TOTALS.format(value=value), values=ends, v=view)
    sums = sums.assign(
        name=engine.written(sums["topic"]), total=sums["total"].fillna(0.0).astype(float)
    )
    order = np.lexsort((sums["name"].to_numpy(str), -sums["total"].round(6)))
    sums = sums.iloc[order].head(most).reset_index(drop=True)
    codes = sums[["topic"]].assign(code=np.arange(len(sums)))
    cross = engine.run(_PRODUCTS.format(value=value), values=ends, v=view, codes=codes)
    products = np.zeros((len(sums), len(sums)))
    products[cross["one"], cross["two"]] = cross["product"].fillna(0.0)
    products[cross["two"], cross["one"]] = cross["product"].fillna(0.0)
    return {
        "topic": sums["name"].to_numpy(object),
        "codes": codes,
        "customers": sums["customers"].to_numpy(int),
        "total": sums["total"].to_numpy(float),
        "products": products,
    }


def _ranked(told, n, measure, conf_level):
    """Return the items with their places and what they sum to."""
    import pandas as pd

    mean = told["total"] / n
    covariance = (told["products"] / n - np.outer(mean, mean)) / max(n - 1, 1)
    ranks = rank_sets.rank_sets(mean.round(9), covariance, conf_level)
    error = np.sqrt(np.clip(np.diag(covariance), 0, None))
    if measure == "customers":
        low, high = intervals.wilson(told["customers"], n, conf_level)
    else:
        low, high = intervals.normal(mean, error, conf_level)
    return pd.DataFrame(
        {
            "topic": told["topic"],
            "rank": ranks.rank,
            "rank_low": ranks.rank_low,
            "rank_high": ranks.rank_high,
            "count": told["customers"],
            "total": told["total"],
            "n": n,
            "estimate": mean,
            "std_error": error,
            "conf_low": low,
            "conf_high": high,
        }
    ).drop(columns=["total"] if measure == "customers" else [])


def _grown(table, told, seen, asked):
    """Return the table with how much more was bought in the last time than in the one before."""
    from workbench import schemas

    value, growth, n, conf_level = asked
    width = schemas.micros("growth", growth)
    if seen.end - 2 * width < seen.start:
        raise NotEnoughData(
            "interests.error_growth",
            "growth: the lines do not reach back twice {growth:span}",
            growth=growth,
        )
    spans = [(seen.end - 2 * width, seen.end - width), (seen.end - width, seen.end + 1)]
    sql = (
        "WITH x AS ("
        + _VALUES.format(value=value)
        + ") SELECT x.customer, c.code, x.value FROM x JOIN codes c ON c.topic = x.topic"
    )
    parts = [
        engine.run(sql, values={"start": a, "end": b}, v=seen.view, codes=told["codes"])
        for a, b in spans
    ]
    rows = []
    for code in range(len(table)):
        before, after = (p[p["code"] == code].set_index("customer")["value"] for p in parts)
        both = before.to_frame("b").join(after.rename("a"), how="outer").fillna(0.0)
        rows.append(_ratio(both["a"].to_numpy(float), both["b"].to_numpy(float), n, conf_level))
    named = ("growth", "growth_low", "growth_high")
    return table.assign(**{name: [row[i] for row in rows] for i, name in enumerate(named)})


def _ratio(after, before, n, conf_level):
    """Return the ratio of two sums over customers and its limits; those with neither add 0."""
    if before.sum() <= 0:
        return np.nan, np.nan, np.nan
    rest = max(n - len(after), 0)
    full = [np.concatenate([v, np.zeros(rest)]) for v in (after, before)]
    estimate, _, low, high = intervals.ratio(*full, conf_level)
    return estimate, low, high


def _answer(table, label, measure):
    """Return the first item and whether its place is sure."""
    first = table.iloc[0]
    values = {
        "name": first[label],
        "estimate": first["estimate"],
        "low": first["conf_low"],
        "high": first["conf_high"],
        "n": int(first["n"]),
        "sure": int((table["rank_low"] == table["rank_high"]).sum()),
        "items": len(table),
    }
    if first["rank_high"] > 1:
        return OPEN[measure].having(worst=int(first["rank_high"]), **values)
    return SURE[measure].having(**values)


SURE = {
    "customers": Note(
        "interests.first_customers",
        "{name:text} is bought by most customers: {estimate:%} ({low:%} to {high:%}; {n} "
        "customers). Of the first {items} places {sure} are sure.",
    ),
    "orders": Note(
        "interests.first_orders",
        "{name:text} lies in most orders: {estimate:3} a customer ({low:3} to {high:3}; {n} "
        "customers). Of the first {items} places {sure} are sure.",
    ),
    "units": Note(
        "interests.first_units",
        "{name:text} is bought in the largest numbers: {estimate:3} a customer ({low:3} to "
        "{high:3}; {n} customers). Of the first {items} places {sure} are sure.",
    ),
    "revenue": Note(
        "interests.first_revenue",
        "{name:text} brings most revenue: {estimate:money} a customer ({low:money} to "
        "{high:money}; {n} customers). Of the first {items} places {sure} are sure.",
    ),
}
OPEN = {
    "customers": Note(
        "interests.open_customers",
        "It is open what most customers buy: {name:text} comes first with {estimate:%} ({low:%} to "
        "{high:%}; {n} customers), and may be as low as place {worst}. Of the first {items} places "
        "{sure} are sure.",
    ),
    "orders": Note(
        "interests.open_orders",
        "It is open what lies in most orders: {name:text} comes first with {estimate:3} a customer "
        "({low:3} to {high:3}; {n} customers), and may be as low as place {worst}. Of the first "
        "{items} places {sure} are sure.",
    ),
    "units": Note(
        "interests.open_units",
        "It is open what is bought in the largest numbers: {name:text} comes first with "
        "{estimate:3} a customer ({low:3} to {high:3}; {n} customers), and may be as low as place "
        "{worst}. Of the first {items} places {sure} are sure.",
    ),
    "revenue": Note(
        "interests.open_revenue",
        "It is open what brings most revenue: {name:text} comes first with {estimate:money} a "
        "customer ({low:money} to {high:money}; {n} customers), and may be as low as place "
        "{worst}. Of the first {items} places {sure} are sure.",
    ),
}
