"""Campaigns of the household panel: decisions they open, and redemptions that find a purchase."""

from workbench import engine
from workbench.load.panels import PANEL_ZONE, panel_file
from workbench.notes import Note
from workbench.results import Points, Result, analysis, built_in

COUPON, WITHOUT = "product_bought", "bought_without_coupon"


@built_in
def until_purchase(events):
    """Return campaign events up to the first purchase of a campaign product, one decision each.

    A purchase with or without a coupon ends the decision of a household about a campaign; what it
    does with that campaign later is no new one. Takes the panel's campaign events (customer_id,
    campaign_id, occurred_at, event) and returns them sorted, both purchases under one name.
    """
    decisions = events.assign(event=events["event"].replace(WITHOUT, COUPON))
    decisions = decisions.sort_values(["customer_id", "campaign_id", "occurred_at"])
    bought = decisions["occurred_at"].where(decisions["event"] == COUPON)
    first = bought.groupby([decisions["customer_id"], decisions["campaign_id"]]).transform("min")
    return decisions[first.isna() | (decisions["occurred_at"] <= first)]


@analysis
@built_in
def redemptions_matched():
    """How many redemptions of the panel find their product in the household's baskets that day?

    Returns a Result: measure (matched_local_day: days in the panel's time zone; matched_utc_day),
    count, n (redemptions), estimate. All redemptions are counted, so there is no interval.
    """
    import pandas as pd

    row = _matches().iloc[0]
    n = int(row["redemptions"])
    table = pd.DataFrame({"measure": ["matched_local_day", "matched_utc_day"]})
    table["count"] = [int(row[measure]) for measure in table["measure"]]
    table["n"] = n
    table["estimate"] = table["count"] / n
    return Result(
        question=Note(
            "load.redemptions_question", "How many coupon redemptions can be tied to a purchase?"
        ),
        table=table,
        answer=Note(
            "load.redemptions_answer",
            "{share:%} of redemptions find their product in a basket of the same local day "
            "({count} of {n}); on days of UTC, {utc:%}.",
            share=table["estimate"][0],
            count=table["count"][0],
            n=n,
            utc=table["estimate"][1],
        ),
        method=Note(
            "load.redemptions_method",
            "A redemption carries a day and no time; it is matched when the household bought a "
            "product of that coupon on that day.",
        ),
        unit="redemptions",
        n=n,
        chart=Points(
            label=["measure"],
            percent=True,
            xlabel=Note("load.redemptions_axis", "Share of redemptions"),
        ),
    )


def _matches():
    """Return, in one row, all redemptions and those matched on local days and on UTC days."""
    views = {
        "redeemed": engine.view(
            panel_file("coupon_redemptions"),
            household=engine.key("household_id"),
            coupon="coupon_upc",
            campaign="campaign_id",
            day=engine.day("redemption_date"),
        )
    }
    for name, zone in (("here", PANEL_ZONE), ("utc", "UTC")):
        views[name] = engine.view(
            panel_file("transactions"),
            zone=zone,
            household=engine.key("household_id"),
            product=engine.key("product_id"),
            day=engine.day("transaction_timestamp"),
        )
    joined = " ".join(
        f"""
          LEFT JOIN (
            SELECT DISTINCT r.household, r.coupon, r.campaign, r.day
            FROM redeemed r
            JOIN coupons p ON p.coupon_upc = r.coupon AND p.campaign_id = r.campaign
            JOIN {name} b ON b.household = r.household AND b.product = p.product_id
              AND b.day = r.day) {name}_hit
          ON {name}_hit.household = r.household AND {name}_hit.coupon = r.coupon
            AND {name}_hit.campaign = r.campaign AND {name}_hit.day = r.day"""
        for name in ("here", "utc")
    )
    return engine.run(
        f"""
          SELECT count(*) AS redemptions, count(here_hit.household) AS matched_local_day,
            count(utc_hit.household) AS matched_utc_day
          FROM redeemed r {joined}""",
        coupons=panel_file("coupons"),
        **views,
    )
