"""Who met a campaign or was left alone, and what they bought before and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.results import analysis

if TYPE_CHECKING:
    import pandas as pd

    from workbench.types import Table

TOLD = {"events": engine.Of("event", ("campaign_received", "coupon_redeemed"))}
WEEK = 7 * 86_400_000_000  # microseconds
BEFORE = ("before", "earlier", "long_ago")


@engine.frames("exposures", "orders", near={"orders": engine.Near("exposures", "exposed_at")})
@analysis
def exposed(
    exposures: Table, orders: Table, *, window: str = "30D", campaign: str | None = None
) -> pd.DataFrame:
    """Return everybody who was exposed or held back, with what they bought within the window.

    People count from their first exposure, in the arm of that exposure. Who came too late to be
    followed for the whole window has no numbers: an analysis leaves them out and counts them.

    Parameters
    ----------
    exposures : DataFrame with customer_id, campaign_id, exposed_at, variant
    orders : DataFrame with customer_id, ordered_at, amount
    window : str
    campaign : str, optional
        Keep this campaign only.

    Returns a DataFrame: the columns of `exposures`, orders, spent and buys (0 or 1).

    Raises InputError for a campaign nobody was exposed to.
    """
    import pandas as pd

    named = None if campaign is None else "campaign_id"
    need_columns("exposures", exposures.columns, "customer_id", "exposed_at", named)
    need_columns("orders", orders.columns, "customer_id", "ordered_at", "amount")
    table = exposures if campaign is None else exposures[exposures["campaign_id"] == campaign]
    if not len(table):
        raise InputError(
            "experiments.error_no_exposure",
            "campaign: no exposure to campaign '{campaign}'; found {known:text}",
            campaign=campaign,
            known=sorted(exposures["campaign_id"].dropna().unique(), key=str)[:10],
        )
    first = table.sort_values("exposed_at").drop_duplicates("customer_id")
    length = pd.Timedelta(window)
    after = first.merge(orders, on="customer_id", how="left")
    wait = after["ordered_at"] - after["exposed_at"]
    bought = after[(wait > pd.Timedelta(0)) & (wait <= length)].groupby("customer_id")["amount"]
    mature = first["exposed_at"] + length <= orders["ordered_at"].max()
    number = first["customer_id"].map(bought.size()).fillna(0.0).where(mature)
    spent = first["customer_id"].map(bought.sum()).fillna(0.0).where(mature)
    buys = (number > 0).astype(float).where(mature)
    return first.assign(orders=number, spent=spent, buys=buys)


@engine.frames("people")
@analysis
def planned_split(
    people: Table, *, control: str = "control", share: float | None = None
) -> pd.DataFrame:
    """Return the planned share of each arm from that of the control; None for equal shares."""
    if share is None:
        return None
    arms = people["variant"].dropna().unique()
    if len(arms) < 2:
        raise NotEnoughData(
            "experiments.error_one_arm",
            "people: {n} arms occur in 'variant'; at least {least} are needed",
            n=len(arms),
            least=2,
        )
    return {arm: share if arm == control else (1 - share) / (len(arms) - 1) for arm in arms}


@engine.tables("orders")
@engine.frames("events", near=TOLD)
@analysis
def campaign_households(
    orders: Table, events: Table, campaign: int, *, span: str = "42D"
) -> pd.DataFrame:
    """Return all households, with what they bought during a campaign and before it.

    Parameters
    ----------
    orders : DataFrame with customer_id, ordered_at, amount
    events : DataFrame with customer_id, occurred_at, event, campaign_id
        With the events campaign_received and coupon_redeemed.
    campaign : int
    span : str
        How long the campaign is followed; three stretches as long lie before it.

    Returns a DataFrame: customer_id; for during, before, earlier and long_ago the amount spent,
    trips_ (orders), log_ and log_trips_ of both; received (0 or 1); coupons (logarithm of coupons
    redeemed before); weekly (the amount spent a week during it); other_before and other_during
    (whether another campaign reached them that began in the `span` before, or while it was
    followed: 0 or 1). The campaign's first moment stands in `.attrs["began"]`, written out.
    """
    import pandas as pd

    received = received_by(events, campaign)
    began, length = received["occurred_at"].min(), pd.Timedelta(span)
    stretches = ("during", *BEFORE)
    starts = [_micros(began - back * length) for back in range(len(stretches))]
    homes = _spent(orders, starts, _micros(began + length) - starts[0], stretches)
    who = engine.written(homes["customer_id"])
    for place, name in enumerate(stretches):
        homes[f"trips_{name}"] = homes[f"trips_{name}"].astype(float)
        homes.insert(3 + 4 * place, f"log_{name}", np.log1p(homes[name].clip(lower=0)))
        homes.insert(4 + 4 * place, f"log_trips_{name}", np.log1p(homes[f"trips_{name}"]))
    redeemed = events[(events["event"] == "coupon_redeemed") & (events["occurred_at"] < began)]
    coupons = who.map(engine.written(redeemed["customer_id"]).value_counts()).fillna(0)
    homes["received"] = who.isin(engine.written(received["customer_id"])).astype(int)
    homes["coupons"] = np.log1p(coupons)
    homes["weekly"] = homes["during"] / (length / pd.Timedelta("7D"))
    sent = events[(events["event"] == "campaign_received") & (events["campaign_id"] != campaign)]
    first = sent.groupby("campaign_id")["occurred_at"].transform("min")
    for name, start in (("other_before", began - length), ("other_during", began)):
        reached = sent[(first >= start) & (first < start + length)]
        homes[name] = who.isin(engine.written(reached["customer_id"])).astype(int)
    homes.attrs.update(began=str(began), unit="households")
    return homes


@engine.tables("orders")
@engine.frames("events", near=TOLD)
@analysis
def campaign_weeks(
    orders: Table, events: Table, campaign: str | None, *, before: int = 8, after: int = 6
) -> pd.DataFrame:
    """Return what every household spent in each week around the start of a campaign.

    Returns a DataFrame: customer_id, week (0 is the first of the campaign), amount, start (0 for
    households that received it, missing for others), fit for `difference_in_differences`.
    """
    received = received_by(events, campaign)
    spent = engine.run(
        f"""
        SELECT customer AS customer_id, week, round(sum(amount), 6) AS amount FROM (
          SELECT customer, amount,
            CAST(floor((t - {_micros(received["occurred_at"].min())}) / {WEEK}e0) AS BIGINT) AS week
          FROM o) x
        GROUP BY customer, week""",
        o=_orders(orders),
    )
    everybody = np.sort(spent["customer_id"].unique())
    inside = spent[spent["week"].between(-before, after - 1)].fillna({"amount": 0.0})
    wide = inside.set_index(["customer_id", "week"])["amount"].unstack(fill_value=0)
    wide = wide.reindex(everybody, fill_value=0)
    weeks = wide.rename_axis("customer_id").stack().rename("amount").reset_index()
    chosen = engine.written(weeks["customer_id"]).isin(engine.written(received["customer_id"]))
    weeks = weeks.assign(start=np.where(chosen, 0.0, np.nan))
    weeks.attrs["unit"] = "households"
    return weeks


def _orders(orders):
    """Return the canonical view of orders: customer, moment and amount."""
    return engine.view(
        orders,
        customer=engine.key("customer_id"),
        t=engine.micros("ordered_at"),
        amount=engine.real("amount"),
    )


def _spent(orders, starts, length, names):
    """Return what every customer spent, and on how many orders, in stretches of one length."""
    sums = "".join(
        f", coalesce(round(sum(CASE WHEN {inside} THEN amount END), 6), 0.0) AS {name}, "
        f"count(CASE WHEN {inside} THEN 1 END) AS trips_{name}"
        for name, start in zip(names, starts, strict=True)
        for inside in [f"t >= {start} AND t < {start + length}"]
    )
    return engine.run(
        f"SELECT customer AS customer_id{sums} FROM o GROUP BY customer ORDER BY customer",
        o=_orders(orders),
    )


def _micros(moment):
    """Return a moment as microseconds since 1970; one without a zone is in UTC."""
    import pandas as pd

    moment = pd.Timestamp(moment)
    moment = moment.tz_localize("UTC") if moment.tz is None else moment
    return int((moment - pd.Timestamp(0, tz="UTC")) // pd.Timedelta("1us"))


def received_by(events, campaign):
    """Return the rows of who received a campaign."""
    found = events[(events["event"] == "campaign_received") & (events["campaign_id"] == campaign)]
    if not found["occurred_at"].notna().any():
        raise InputError(
            "experiments.error_no_campaign",
            "campaign: nobody received campaign '{campaign}'",
            campaign=campaign,
        )
    return found
