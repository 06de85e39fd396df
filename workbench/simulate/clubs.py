"""A shop with a loyalty programme, with what joining it does planted."""

import numpy as np
import pandas as pd

from workbench.simulate.studies import _made


def members(customers=1500, months=18, *, lift=0.35, seed=1):
    """Make orders of a shop with a loyalty programme that heavy buyers join.

    Planted: from the month after joining on, a member orders `lift` times more often than before.
    Customers order at rates of their own, and the chance to join in a month grows with it, from
    month 6 on. Returns a dictionary: orders (order_id, customer_id, ordered_at, amount) and
    members (customer_id, joined_at), in whose truth stands the effect in orders a month: the mean
    over members of that over their own whole months from the one of joining on.
    """
    rng = np.random.default_rng(seed)
    rate, begin = rng.gamma(1.2, 0.9, customers), pd.Timestamp("2023-01-01", tz="UTC")
    joins = np.where(np.arange(months)[None] >= 6, np.clip(0.03 * rate[:, None], 0, 0.3), 0.0)
    hit = rng.random((customers, months)) < joins
    joined = np.where(hit.any(axis=1), hit.argmax(axis=1), months + 1)
    mean = rate[:, None] * (1 + lift * (np.arange(months)[None] > joined[:, None]))
    mean[:, 0] += 1.0  # all have bought before the programme begins
    who, month = (
        v.ravel() for v in np.meshgrid(np.arange(customers), np.arange(months), indexing="ij")
    )
    n = rng.poisson(mean).ravel()
    who, month = np.repeat(who, n), np.repeat(month, n)
    first = np.array([(begin + pd.DateOffset(months=int(k))).value for k in range(months)]) // 1000
    at = first[month] + (rng.random(len(who)) * 28 * 86_400_000_000).astype(np.int64)
    orders = _made(
        pd.DataFrame(
            {
                "order_id": np.arange(len(who)) + 1,
                "customer_id": who + 1,
                "ordered_at": pd.to_datetime(at, unit="us", utc=True),
                "amount": rng.gamma(3, 10, len(who)).round(2),
            }
        ),
        lift=lift,
    )
    # Who joins does so in the first days of the month, before its purchases tell.
    came = np.flatnonzero(joined < months)
    # Of every member the months from the one of joining on, but for the last, which is not over.
    own = months - 1 - joined[came]
    added = (lift * rate[came] * (own - 1) / np.maximum(own, 1))[own > 0]
    return {
        "orders": orders,
        "members": _made(
            pd.DataFrame(
                {
                    "customer_id": came + 1,
                    "joined_at": pd.to_datetime(first[joined[came]], unit="us", utc=True),
                }
            ),
            lift=lift,
            effect=float(added.mean()),
        ),
    }
