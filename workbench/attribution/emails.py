"""What becomes of the mails sent, and what mailing adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis, is_simulated

if TYPE_CHECKING:
    import pandas as pd

    from workbench.types import Table

FEW_MAILS = 500
MAIL_UNFLAGGED = Note(
    "attribution.mail_unflagged",
    "Opens by mail programs are not flagged (no column machine_open): how many people "
    "opened a mail is unknown, and the number of opens is too high.",
)
MAIL_LIMIT = Note(
    "attribution.mail_limit",
    "Opens remain weak evidence (unflagged machine opens, blocked images): judge by "
    "clicks and orders.",
)
MAIL_HELD = Note(
    "attribution.mail_held",
    "Who was held back was decided at random: the added share is the effect of mailing, "
    "opened or not.",
)
MAIL_NOT_HELD = Note(
    "attribution.mail_not_held",
    "Nobody was held back: orders after a mail are not orders brought about by it.",
)
MAIL_QUESTION = Note(
    "attribution.mail_question",
    "Of the mails sent, how many are delivered, opened by a person, clicked, and followed "
    "by an order?",
)


def usual_moment(sent_at, campaign, held):
    """Return when each mail was sent; for one without a moment, when the others of its campaign
    that were not held back were (the median).
    """
    sent = sent_at[~held & campaign.notna() & sent_at.notna()]
    if not len(sent):
        return sent_at
    usual = campaign.map(sent.groupby(campaign).median())
    return sent_at.fillna(usual.astype(sent_at.dtype))


def _sent_at_all(mails):
    """Return a table of mails, or refuse one of which nothing was sent."""
    if not mails["sent_at"].notna().any():
        raise NotEnoughData("attribution.error_no_mail", "email_funnel: no mail was sent")
    return mails


@engine.frames("emails", "orders", near={"orders": engine.Near("emails", "sent_at")})
@analysis
def email_funnel(
    emails: Table,
    orders: Table | None = None,
    *,
    window: str = "7D",
    by: str | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Of the mails sent, how many arrive, are opened by a person, are clicked, and are followed by
    an order?

    Opens made by mail programs are set apart: a flagged one is no open of a person. Where mails
    were held back at random, the last rows say what mailing adds.

    Parameters
    ----------
    emails : table with customer_id, campaign_id, sent_at, delivered, opened_at, clicked_at;
    optionally machine_open, unsubscribed, variant ("holdout" for those held back)
        One row a recipient and campaign. Who was held back and has no sent_at counts from when the
        others of the campaign got theirs (the median).
    orders : table with customer_id, ordered_at, optional
    window : str
        Within which an order counts after the mail.
    by : str, optional
        Column to break down by, such as campaign_id.

    Returns
    -------
    Result
        group, measure, count, n, estimate, std_error, conf_low, conf_high, evidence (of the row:
        only what the hold-out tells is experimental). Measures: delivered (of
        sent), opened_all and opened_person (of delivered), clicked (of delivered),
        clicked_of_opened (of opens by a person), converted (of delivered), unsubscribed (of
        delivered), and with a hold-out order_mailed, order_held_back and added (their difference,
        whatever was done with the mail). What a missing column hides is missing: opened_person
        without machine_open, unsubscribed without that column. The customer is the sampling unit.

    Raises
    ------
    InputError
        For missing columns.
    NotEnoughData
        Where nothing was sent.

    Source: rates as mail platforms define them; machine opens: documentation of adjusted opens.
    """
    import pandas as pd

    from workbench import schemas

    fits.require(
        emails,
        "emails",
        "customer_id",
        "campaign_id",
        "sent_at",
        "delivered",
        "opened_at",
        "clicked_at",
        by,
    )
    frame = _sent_at_all(pd.DataFrame(emails))
    made = pd.DataFrame(
        {
            "customer": frame["customer_id"],
            "group": frame[by].astype(str) if by else "all",
            "sent_at": frame["sent_at"],
        }
    )
    made["held"] = (frame["variant"] == "holdout") if "variant" in frame else False
    made["sent_at"] = usual_moment(made["sent_at"], frame["campaign_id"], made["held"])
    lost = int(made["sent_at"].isna().sum())
    made["told"] = frame["delivered"].notna() & ~made["held"]
    made["arrived"] = frame["delivered"].eq(True) & ~made["held"]
    machine = (
        frame["machine_open"].eq(True)
        if "machine_open" in frame
        else pd.Series(False, index=frame.index)
    )
    made["opened"] = made["arrived"] & frame["opened_at"].notna()
    # A click shows that a person was there, whatever the mail program did before.
    made["person"] = made["opened"] & (~machine | frame["clicked_at"].notna())
    made["clicked"] = made["arrived"] & frame["clicked_at"].notna()
    made["gone"] = (
        made["arrived"] & frame["unsubscribed"].eq(True) if "unsubscribed" in frame else False
    )
    hidden = [
        *(["opened_person", "clicked_of_opened"] if "machine_open" not in frame else []),
        *(["unsubscribed"] if "unsubscribed" not in frame else []),
    ]
    made = made[made["sent_at"].notna()]
    if orders is not None:
        fits.require(orders, "orders", "customer_id", "ordered_at")
        # Mails too young to be followed for the whole window tell nothing of orders.
        made["bought"], made["mature"] = schemas.followed(
            made.rename(columns={"customer": "customer_id"}), "sent_at", orders, window
        )
    sent = made[~made["held"]]
    if not len(sent):
        raise NotEnoughData("attribution.error_no_mail", "email_funnel: no mail was sent")
    rows = []
    for group, mine in made.groupby("group", sort=True):
        out, got = mine[~mine["held"]], mine[mine["arrived"]]
        pairs = [
            ("delivered", out.loc[out["told"], "arrived"], out[out["told"]]),
            ("opened_all", got["opened"], got),
            ("opened_person", got["person"], got),
            ("clicked", got["clicked"], got),
            ("clicked_of_opened", got.loc[got["person"], "clicked"], got[got["person"]]),
            ("unsubscribed", got["gone"], got),
        ]
        if orders is not None:
            old = got[got["mature"]]
            pairs.append(("converted", old["bought"], old))
        for measure, hit, of in pairs:
            if measure in hidden:
                rows.append(
                    {
                        "group": group,
                        "measure": measure,
                        "count": np.nan,
                        "n": len(of),
                        **dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), np.nan),
                    }
                )
            elif len(of):
                rows.append(
                    {
                        "group": group,
                        "measure": measure,
                        **intervals.share(
                            hit.to_numpy(bool), of["customer"].to_numpy(), conf_level
                        ),
                    }
                )
        both = mine[mine["mature"]] if orders is not None else mine[:0]
        if both["held"].any() and not both["held"].all():
            for measure, part in (
                ("order_mailed", both[~both["held"]]),
                ("order_held_back", both[both["held"]]),
            ):
                rows.append(
                    {
                        "group": group,
                        "measure": measure,
                        **intervals.share(
                            part["bought"].to_numpy(bool), part["customer"].to_numpy(), conf_level
                        ),
                    }
                )
            rows.append(
                {
                    "group": group,
                    "measure": "added",
                    **intervals.share_difference(
                        both["bought"], ~both["held"], both["customer"], conf_level
                    ),
                }
            )
    limits = [
        (
            MAIL_UNFLAGGED
            if "machine_open" not in frame
            else Note(
                "attribution.mail_machine",
                "{share:%} of the opened mails were opened by a mail program only; they "
                "are not counted as opened by a person.",
                share=float(
                    (sent["opened"] & ~sent["person"]).sum() / max(sent["opened"].sum(), 1)
                ),
            )
        ),
        MAIL_LIMIT,
    ]
    tested = bool(made["held"].any()) and orders is not None
    limits.append(MAIL_HELD if tested else MAIL_NOT_HELD)
    if (~sent["told"]).any():
        limits.append(
            Note(
                "attribution.mail_untold",
                "For {n} mail it is unknown whether it was delivered; it counts as sent only.",
                "For {n} mails it is unknown whether they were delivered; they count as sent only.",
                n=int((~sent["told"]).sum()),
            )
        )
    if lost:
        limits.append(
            Note(
                "attribution.mail_undated",
                "{n} row without a time of sending is left out.",
                "{n} rows without a time of sending are left out.",
                n=lost,
            )
        )
    if len(sent) < FEW_MAILS:
        limits.append(
            Note(
                "attribution.mail_few",
                "{n} mail is few; {least} is a common minimum.",
                "{n} mails are few; {least} is a common minimum.",
                n=len(sent),
                least=FEW_MAILS,
            )
        )
    return Result(
        question=MAIL_QUESTION,
        table=_graded(pd.DataFrame(rows)),
        method=Note(
            "attribution.mail_method",
            "Unique recipients per campaign; orders within {window:span} of the mail; the customer "
            "is the sampling unit.",
            window=window,
        ),
        answer=_mail_answer(pd.DataFrame(rows), window, by),
        unit="mails",
        n=len(sent),
        conf_level=conf_level,
        evidence="experimental" if tested else "descriptive",
        limits=tuple(limits),
        chart=Points(
            label=["group", "measure"] if by else ["measure"],
            percent=True,
            xlabel=Note("attribution.mail_axis", "Share"),
        ),
    )


def _graded(table):
    """Return the rows with the grade of each: only those of the hold-out come from a test."""
    tested = table["measure"].isin(("order_mailed", "order_held_back", "added"))
    return table.assign(evidence=np.where(tested, "experimental", "descriptive"))


def _mail_answer(table, window, by):
    """Return what mailing added where some were held back, else how many mails were clicked."""
    tested = (table["measure"] == "added").any()
    rows = table[table["measure"] == ("added" if tested else "clicked")]
    if rows.empty:
        return None
    row = rows.sort_values(["estimate", "group"], ascending=[False, True]).iloc[0]
    same = table[table["group"] == row["group"]].set_index("measure")
    said = _added(row, same, window) if tested else _clicked(row, same, window)
    if by is None:
        return said
    return Note(
        "attribution.mail_highest",
        "Highest for {group:word}: {answer}",
        group=row["group"],
        answer=said,
    )


def _added(row, same, window):
    """Return the sentence on orders added by mailing."""
    values = {
        "gap": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "mailed": same.loc["order_mailed", "estimate"],
        "held": same.loc["order_held_back", "estimate"],
        "window": window,
        "n": row["n"],
    }
    if row["conf_low"] > 0 or row["conf_high"] < 0:
        return Note(
            "attribution.mail_added",
            "Mailing changed the share with an order within {window:span} by {gap:points} "
            "percentage points ({low:points} to {high:points}): {mailed:%} when mailed, {held:%} "
            "when held back ({n} mails).",
            **values,
        )
    return Note(
        "attribution.mail_not_added",
        "No effect of mailing on orders within {window:span} could be shown: a difference of "
        "{gap:points} percentage points ({low:points} to {high:points}), {mailed:%} when mailed "
        "and {held:%} when held back ({n} mails).",
        **values,
    )


def _clicked(row, same, window):
    """Return the sentence on clicks, and on orders that followed where they are known."""
    values = {
        "share": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "count": row["count"],
        "n": row["n"],
    }
    if "converted" not in same.index:
        return Note(
            "attribution.mail_clicked",
            "{share:%} of delivered mails were clicked ({low:%} to {high:%}; {count} of {n}).",
            **values,
        )
    return Note(
        "attribution.mail_converted",
        "{share:%} of delivered mails were clicked ({low:%} to {high:%}; {count} of {n}), and "
        "{orders:%} were followed by an order within {window:span}.",
        orders=same.loc["converted", "estimate"],
        window=window,
        **values,
    )


@engine.frames("emails", "orders", near={"orders": engine.Near("emails", "clicked_at")})
@analysis
def mails_as_adverts(emails: Table, orders: Table, *, window: str = "14D") -> pd.DataFrame:
    """Return mails as adverts, fit for `campaigns`: a row a campaign.

    Impressions are mails delivered, conversions customers who ordered within the window after
    their click. Returns a DataFrame: campaign, impressions, clicks, conversions.
    """
    import pandas as pd

    sent = emails[emails["variant"] == "mail"] if "variant" in emails else emails
    table = sent.groupby("campaign_id").agg(
        impressions=("delivered", "sum"), clicks=("clicked_at", "count")
    )
    bought = orders[["customer_id", "ordered_at"]]
    clicked = emails.dropna(subset=["clicked_at"]).merge(bought, on="customer_id")
    end = clicked["clicked_at"] + pd.Timedelta(window)
    inside = (clicked["ordered_at"] > clicked["clicked_at"]) & (clicked["ordered_at"] < end)
    soon = clicked[inside].drop_duplicates(["customer_id", "campaign_id"])
    conversions = table.index.map(soon["campaign_id"].value_counts())
    table["conversions"] = pd.Series(conversions, index=table.index).fillna(0)
    table.insert(0, "campaign", [f"mail {name}" for name in table.index])
    table = table.reset_index(drop=True)
    table.attrs["simulated"] = is_simulated(emails)
    return table
