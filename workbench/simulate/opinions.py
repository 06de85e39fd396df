"""What customers of a simulated market say, laid out for analyses of loyalty."""


def answers(market, item):
    """Return the answers to one item of the market's survey.

    Parameters
    ----------
    market : tables of `simulate.market`
    item : str
        Such as "satisfaction" or "recommend".

    Returns
    -------
    DataFrame
        customer_id, answered_at and a column named after the item.
    """
    surveys = market["surveys"]
    rows = surveys[surveys["item"] == item]
    rows = rows.rename(columns={"respondent_id": "customer_id", "value": item})
    return _simulated(rows[["customer_id", "answered_at", item]])


def attitudes(market):
    """Return how likely each customer is to recommend the firm, beside their number of orders.

    Returns
    -------
    DataFrame
        customer_id, recommend (mean of the answers) and orders.
    """
    said = answers(market, "recommend").groupby("customer_id")["recommend"].mean().reset_index()
    often = market["orders"].groupby("customer_id").size()
    return _simulated(said.assign(orders=said["customer_id"].map(often).fillna(0)))


def recommendations(market):
    """Return the acts by which customers spoke for the firm.

    Returns
    -------
    DataFrame
        customer_id, acted_at and act (referral_sent or review_written).
    """
    events = market["events"]
    acts = events[events["event"].isin(["referral_sent", "review_written"])]
    return _simulated(acts.rename(columns={"occurred_at": "acted_at", "event": "act"}))


def _simulated(frame):
    frame.attrs["simulated"] = True
    return frame
