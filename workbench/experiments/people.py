"""Who met a campaign or was left alone, and what they bought before and after it."""

import numpy as np

from workbench import engine
from workbench.errors import InputError, NotEnoughData
from workbench.results import analysis

BEFORE = ("before", "earlier", "long_ago")


@engine.frames("exposures", "orders")
@analysis
def exposed(exposures, orders, *, window="30D", campaign=None):
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
def planned_split(people, *, control="control", share=None):
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


@engine.frames("orders", "events")
@analysis
def campaign_households(orders, events, campaign, *, span="42D"):
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
    homes = pd.DataFrame({"customer_id": np.sort(orders["customer_id"].dropna().unique())})
    for back, name in enumerate(("during", *BEFORE)):
        start = began - back * length
        inside = (orders["ordered_at"] >= start) & (orders["ordered_at"] < start + length)
        bought = orders[inside].groupby("customer_id")["amount"]
        homes[name] = homes["customer_id"].map(bought.sum()).fillna(0)
        homes[f"trips_{name}"] = homes["customer_id"].map(bought.size()).fillna(0)
        homes[f"log_{name}"] = np.log1p(homes[name].clip(lower=0))
        homes[f"log_trips_{name}"] = np.log1p(homes[f"trips_{name}"])
    redeemed = events[(events["event"] == "coupon_redeemed") & (events["occurred_at"] < began)]
    coupons = homes["customer_id"].map(redeemed.groupby("customer_id").size()).fillna(0)
    homes["received"] = homes["customer_id"].isin(received["customer_id"]).astype(int)
    homes["coupons"] = np.log1p(coupons)
    homes["weekly"] = homes["during"] / (length / pd.Timedelta("7D"))
    sent = events[(events["event"] == "campaign_received") & (events["campaign_id"] != campaign)]
    first = sent.groupby("campaign_id")["occurred_at"].transform("min")
    for name, start in (("other_before", began - length), ("other_during", began)):
        reached = sent[(first >= start) & (first < start + length)]
        homes[name] = homes["customer_id"].isin(reached["customer_id"]).astype(int)
    homes.attrs.update(began=str(began), unit="households")
    return homes


@engine.frames("orders", "events")
@analysis
def campaign_weeks(orders, events, campaign, *, before=8, after=6):
    """Return what every household spent in each week around the start of a campaign.

    Returns a DataFrame: customer_id, week (0 is the first of the campaign), amount, start (0 for
    households that received it, missing for others), fit for `difference_in_differences`.
    """
    received = received_by(events, campaign)
    began = received["occurred_at"].min()
    week = ((orders["ordered_at"] - began).dt.days // 7).rename("week")
    inside = week.between(-before, after - 1)
    spent = orders[inside].groupby(["customer_id", week[inside]])["amount"].sum()
    everybody = np.sort(orders["customer_id"].dropna().unique())
    wide = spent.unstack(fill_value=0).reindex(everybody, fill_value=0)
    weeks = wide.rename_axis("customer_id").stack().rename("amount").reset_index()
    chosen = weeks["customer_id"].isin(received["customer_id"])
    weeks = weeks.assign(start=np.where(chosen, 0.0, np.nan))
    weeks.attrs["unit"] = "households"
    return weeks


def received_by(events, campaign):
    """Return the rows of who received a campaign."""
    found = events[(events["event"] == "campaign_received") & (events["campaign_id"] == campaign)]
    if not len(found):
        raise InputError(
            "experiments.error_no_campaign",
            "campaign: nobody received campaign '{campaign}'",
            campaign=campaign,
        )
    return found
