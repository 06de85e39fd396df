"""What a mail brings, near to it and over the whole time: brought about, or brought forward?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, schemas
from workbench import regression as fits
from workbench.attribution.emails import usual_moment
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note, say
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

HUNDRED = 100  # mails, of which the orders are told
LEAST_HELD = 30
QUESTION = Note(
    "attribution.mailing_question",
    "How many orders does a mail bring about, and how many does it bring forward?",
)
METHOD = Note(
    "attribution.mailing_method",
    "Orders per {hundred} mails, mailed less held back, of mails that could be followed for the "
    "longest window; campaign and earlier orders held equal, the customer is the sampling unit.",
    hundred=HUNDRED,
)
SAME = Note(
    "attribution.mailing_same",
    "Every window follows the same mails. An order that comes sooner counts in the short window "
    "and cancels in the long one, so only the longest speaks of orders brought about.",
)


@engine.frames(
    "emails",
    "orders",
    optional=("truth",),
    near={"orders": engine.Near("emails", "sent_at", after="windows", before="windows")},
)
@analysis
def mail_effect(
    emails: Table,
    orders: Table,
    *,
    windows: Sequence[str] = ("14D", "28D", "56D"),
    truth: Table | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How many orders does a mail bring about, and how many does it merely bring forward?

    Mails that were held back at random are compared with those that were sent, within windows of
    growing length. What was only brought forward is gained in a short window and lost again in a
    long one.

    Parameters
    ----------
    emails : table with customer_id, campaign_id, sent_at, variant ("holdout" for those held back)
    orders : table with customer_id, ordered_at
    windows : list of str
        The first is the usual one, the last the whole time a mail is followed.
    truth : table of `simulate.mail_effects`, optional
        Adds what was planted.

    Returns
    -------
    Result
        measure (added, by window; brought_forward: the first window less the last; with `truth`
        planted_mailing, planted_channel, planted_links), window, n (mails), estimate (orders per
        100 mails), std_error, conf_low, conf_high, in_all (orders over all mails sent), evidence.

    Raises
    ------
    InputError
        For missing columns, or fewer than two windows.
    NotEnoughData
        With fewer than 30 mails of a kind that can be followed that long.

    Source: hold-outs as randomised tests, metric F-28 in `docs/glossary.md`; adjustment for earlier
    orders Deng et al. (2013), WSDM.
    """
    import pandas as pd

    fits.require(emails, "emails", "customer_id", "campaign_id", "sent_at", "variant")
    fits.require(orders, "orders", "customer_id", "ordered_at")
    windows = sorted(windows, key=pd.Timedelta)
    if len(windows) < 2:
        raise InputError(
            "attribution.error_mail_windows",
            "windows: two at least are needed, a short and a long one, found {windows:text}",
            windows=list(windows),
        )
    sent = int((emails["variant"] != "holdout").sum())
    made = _followed(emails, orders, windows)
    rows = [_row("added", w, _compared(made, made[w], conf_level), sent) for w in windows]
    gap = _compared(made, made[windows[0]] - made[windows[-1]], conf_level)
    rows.append(_row("brought_forward", windows[0], gap, sent))
    table = pd.DataFrame(rows).assign(evidence="experimental")
    limits = [SAME]
    if truth is not None:
        planted, said = _planted(truth, sent)
        table = pd.concat([table, planted], ignore_index=True)
        limits.append(said)
    table.insert(2, "n", len(made))
    return Result(
        question=QUESTION,
        table=table,
        method=METHOD,
        answer=_answer(table, windows),
        unit="mails",
        n=len(made),
        conf_level=conf_level,
        evidence="experimental",
        limits=tuple(limits),
        chart=Points(
            label=["measure", "window"],
            reference=0,
            xlabel=Note("attribution.mailing_axis", "Orders per {hundred} mails", hundred=HUNDRED),
        ),
    )


def _followed(emails, orders, windows):
    """Return the mails that can be followed for the longest window, with the orders in each."""
    import pandas as pd

    kept = emails[["customer_id", "campaign_id", "sent_at", "variant"]].assign(
        sent_at=schemas.moments(emails, "emails", "sent_at")
    )
    orders = orders.assign(ordered_at=schemas.moments(orders, "orders", "ordered_at"))
    if kept["sent_at"].isna().all():
        raise NotEnoughData(
            "attribution.error_mail_none", "mail_effect: no mail has a moment at which it was sent"
        )
    lacking = int(kept["customer_id"].isna().sum())
    say(*engine.LeftOut(len(kept), {"customer_id": lacking}, 0).limits)
    kept = kept[kept["customer_id"].notna()]
    held = kept["variant"] == "holdout"
    kept["sent_at"] = usual_moment(kept["sent_at"], kept["campaign_id"], held)
    last = orders["ordered_at"].max()
    kept = kept[kept["sent_at"] + pd.Timedelta(windows[-1]) <= last].reset_index(drop=True)
    kept["mailed"] = (kept["variant"] != "holdout").astype(float)
    if min((kept["mailed"] == k).sum() for k in (0, 1)) < LEAST_HELD:
        raise NotEnoughData(
            "attribution.error_mail_held",
            "mail_effect: fewer than {least} mails that were sent, or held back, can be followed "
            "for {window:span}",
            least=LEAST_HELD,
            window=windows[-1],
        )
    for name in windows:
        kept[name] = _counted(kept, orders, kept["sent_at"], kept["sent_at"] + pd.Timedelta(name))
    start = kept["sent_at"] - pd.Timedelta(windows[-1])
    kept["before"] = _counted(kept, orders, start, kept["sent_at"])
    return kept


def _counted(mails, orders, begin, end):
    """Return how many orders each mail's customer placed after a moment and up to another."""
    import pandas as pd

    rank = pd.Series(orders["customer_id"].unique())
    code = pd.Series(rank.index, index=rank)
    who = mails["customer_id"].map(code).fillna(-1).to_numpy(np.int64)
    placed = orders["customer_id"].map(code).to_numpy(np.int64)
    origin = orders["ordered_at"].min()

    def position(customer, moment):
        # A second is the unit, and a customer's time lies apart from that of the next.
        return customer * 2**32 + (moment - origin).dt.total_seconds().to_numpy() + 2**31

    line = np.sort(position(placed, orders["ordered_at"]))
    upper, lower = (np.searchsorted(line, position(who, t), side="right") for t in (end, begin))
    return np.where(who >= 0, upper - lower, 0).astype(float)


def _compared(made, outcome, conf_level):
    """Return the difference between mailed and held back, campaign and earlier orders equal."""
    import pandas as pd

    columns = pd.DataFrame({"y": outcome, "mailed": made["mailed"], "before": made["before"]})
    inside = columns - columns.groupby(made["campaign_id"].to_numpy()).transform("mean")
    groups = np.unique(made["customer_id"].astype(str), return_inverse=True)[1]
    terms = ["mailed", *(["before"] if inside["before"].any() else [])]
    fit = fits.least_squares(
        inside["y"].to_numpy(),
        inside[terms],
        groups,
        absorbed=made["campaign_id"].nunique(),
    )
    return fit.row("mailed", conf_level, groups.max())


def _row(measure, window, found, sent):
    scaled = {name: HUNDRED * value for name, value in found.items()}
    return {"measure": measure, "window": window, **scaled, "in_all": found["estimate"] * sent}


def _planted(truth, sent):
    """Return what was planted as rows, and the sentence that reconciles it."""
    import pandas as pd

    known = truth.set_index("quantity")
    rows = [
        {
            "measure": f"planted_{name}",
            "window": "whole",
            "estimate": HUNDRED * known.loc[name, "incremental_orders"] / sent,
            "in_all": float(known.loc[name, "incremental_orders"]),
        }
        for name in ("mailing", "channel", "links")
    ]
    mailing = known.loc["mailing"]
    return pd.DataFrame(rows), Note(
        "attribution.mailing_planted",
        "Planted: with these mails there were {mailing} orders more than without them over the "
        "whole time (another run of luck would move that by about {error}); without e-mail as a "
        "channel, links in it included, there would have been {channel} fewer. Of these, {links} "
        "belong to people who were coming anyway and whose visit came through a link.",
        mailing=int(mailing["incremental_orders"]),
        error=round(float(mailing["std_error"])),
        channel=int(known.loc["channel", "incremental_orders"]),
        links=int(known.loc["links", "incremental_orders"]),
    )


def _answer(table, windows):
    """Return what a mail brings near to it and over the whole time, and what that is."""
    added = table[table["measure"] == "added"].set_index("window")
    near, far = added.loc[windows[0]], added.loc[windows[-1]]
    forward = table[table["measure"] == "brought_forward"].iloc[0]
    values = {
        "hundred": HUNDRED,
        "near": near["estimate"],
        "near_low": near["conf_low"],
        "near_high": near["conf_high"],
        "first": windows[0],
        "far": far["estimate"],
        "far_low": far["conf_low"],
        "far_high": far["conf_high"],
        "last": windows[-1],
        "n": int(far["n"]),
    }
    if far["conf_low"] > 0:
        return Note(
            "attribution.mailing_about",
            "Mails bring orders about: {far:3} per {hundred} mails over {last:span} ({far_low:3} "
            "to {far_high:3}; {n} mails), {near:3} of them within {first:span} ({near_low:3} to "
            "{near_high:3}).",
            **values,
        )
    if near["conf_low"] > 0 and forward["conf_low"] > 0:
        return Note(
            "attribution.mailing_forward",
            "Mails bring orders forward: {near:3} more per {hundred} mails within {first:span} "
            "({near_low:3} to {near_high:3}), and over {last:span} {far:3} ({far_low:3} to "
            "{far_high:3}; {n} mails).",
            **values,
        )
    return Note(
        "attribution.mailing_open",
        "Whether mails bring orders about cannot be told: {near:3} more per {hundred} mails within "
        "{first:span} ({near_low:3} to {near_high:3}), and {far:3} over {last:span} ({far_low:3} "
        "to {far_high:3}; {n} mails).",
        **values,
    )
