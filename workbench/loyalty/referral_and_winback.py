"""What satisfied customers do: come back, bring others, and whether lapsed ones can be won back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.loyalty.limits import few, recent_answers
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy

if TYPE_CHECKING:
    from workbench.types import Table

ANSWERS = 30  # answers below which nothing is compared
LINK_LEAST, INVITERS, ARM = 300, 100, 200  # common minimums
LINK_LIMIT = Note(
    "loyalty.link_limit",
    "Associational: only people who answered are seen, and they stay more often than others; "
    "satisfaction and coming back have causes in common.",
)
LINK_FLAT = Note(
    "loyalty.link_flat",
    "All or none came back, or all scores lie on one side of the median: slopes cannot be "
    "estimated.",
)
K_LIMIT = Note(
    "loyalty.k_limit",
    "Per round of invitations, not per month; friends who would have come anyway are counted too.",
)
BACK_LIMIT = Note(
    "loyalty.back_limit", "Holds for customers lapsed by this rule, and for this offer."
)
NOT_RANDOMISED = Note(
    "loyalty.not_randomised",
    "Customers were not assigned at random: the groups differ in more than the contact, and the "
    "difference is no effect.",
)


@engine.frames("answers", "orders", near={"orders": engine.Near("answers", "answered_at")})
@analysis
def satisfaction_link(
    answers: Table,
    orders: Table,
    *,
    score: str = "satisfaction",
    window: str = "90D",
    conf_level: float = 0.95,
) -> Result:
    """Do satisfied customers order again more often, and does dissatisfaction weigh more than
    satisfaction?

    Parameters
    ----------
    answers : DataFrame
        One row an answer: customer_id, answered_at and the score. Answers too late for the window
        are left out and counted.
    orders : DataFrame with customer_id, ordered_at
        What counts is an order after the answer, within `window`.
    score : str
        Column of the score.
    window : str

    Returns
    -------
    Result
        measure (came_back: share a grade; below and above: change of the log-odds a point on either
        side of the median; difference: below less above), grade, count, n (answers), estimate,
        std_error, conf_low, conf_high. The customer is the sampling unit.

    Raises
    ------
    InputError
        For missing columns.
    NotEnoughData
        With fewer than 30 answers old enough, or an outcome that does not vary.

    Source: Mittal & Kamakura (2001), Journal of Marketing Research 38; Anderson & Mittal (2000),
    Journal of Service Research 3.
    """
    import pandas as pd

    fits.require(answers, "answers", "customer_id", "answered_at", score)
    fits.require(orders, "orders", "customer_id", "ordered_at")
    given = answers.dropna(subset=["customer_id", "answered_at", score])
    back, watched = schemas.followed(given, "answered_at", orders, window)
    old, back = given[watched], back[watched]
    if len(old) < ANSWERS:
        raise NotEnoughData(
            "loyalty.error_few_answers",
            "satisfaction_link: {count} answers are old enough to be followed for {window}; "
            "{least} are needed",
            count=len(old),
            least=ANSWERS,
            window=window,
        )
    values, who = (
        old[score].to_numpy(float),
        np.unique(old["customer_id"].astype(str), return_inverse=True)[1],
    )
    middle = float(np.median(values))
    rows = [
        {
            "measure": "came_back",
            "grade": v,
            **intervals.share(back[values == v], who[values == v], conf_level),
        }
        for v in np.unique(values)
    ]
    limits = [LINK_LIMIT]
    if 0 < back.mean() < 1 and (values < middle).any() and (values > middle).any():
        x = pd.DataFrame(
            {
                "constant": 1.0,
                "below": np.minimum(values - middle, 0.0),
                "above": np.maximum(values - middle, 0.0),
            }
        )
        data = fits.Data(back.astype(float), x, who, 0, x.index)
        made = fits.fit(data, "logit")
        cov = made.cov_params()
        gap = made.params["below"] - made.params["above"]
        errors = {
            "below": cov.loc["below", "below"],
            "above": cov.loc["above", "above"],
            "difference": (
                cov.loc["below", "below"]
                + cov.loc["above", "above"]
                - 2 * cov.loc["below", "above"]
            ),
        }
        for name, value in (
            ("below", made.params["below"]),
            ("above", made.params["above"]),
            ("difference", gap),
        ):
            se = float(np.sqrt(errors[name]))
            low, high = intervals.normal(value, se, conf_level, df=fits.quantile_df(data))
            rows.append(
                {
                    "measure": name,
                    "grade": np.nan,
                    "count": np.nan,
                    "n": len(back),
                    "estimate": float(value),
                    "std_error": se,
                    "conf_low": float(low),
                    "conf_high": float(high),
                }
            )
    else:
        limits.append(LINK_FLAT)
    if len(old) < len(given):
        limits.append(recent_answers(len(given) - len(old), window))
    if len(old) < LINK_LEAST:
        limits.append(few(len(old), LINK_LEAST, "answers"))
    return Result(
        question=Note("loyalty.link_question", "Do satisfied customers order again more often?"),
        table=pd.DataFrame(rows),
        answer=_slopes(rows, window, len(old)),
        method=Note(
            "loyalty.link_method",
            "Share who order within {window:span} after the answer, by score; logit with separate "
            "slopes below and above {middle}; the customer is the sampling unit.",
            window=window,
            middle=middle,
        ),
        unit="answers",
        n=len(old),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        chart=Points(
            label=["grade"],
            only={"measure": "came_back"},
            percent=True,
            xlabel=Note("loyalty.link_axis", "Share who order within {window:span}", window=window),
        ),
    )


@engine.frames("invites", optional=("customers",))
@analysis
def referral(invites: Table, customers: int | Table, *, conf_level: float = 0.95) -> Result:
    """How many new customers does a customer bring?

    Parameters
    ----------
    invites : DataFrame
        One row an invitation: customer_id (who invited), joined (0 or 1); invitations to oneself
        (column invited equal to customer_id) are left out and counted.
    customers : int or DataFrame
        All customers who could invite, or how many they are.

    Returns
    -------
    Result
        measure (participation: share who invited; invites: a customer; conversion: joins an
        invitation; k_factor: joins a customer), count, total, n, estimate, std_error, conf_low,
        conf_high. The inviting customer is the sampling unit.

    Raises
    ------
    InputError
        For missing columns, joined other than 0 and 1, or fewer customers than inviters.
    NotEnoughData
        Without an invitation.

    Source: Schmitt, Skiera & Van den Bulte (2011), Journal of Marketing 75; Biyalogorsky, Gerstner
    & Libai (2001), Marketing Science 20.
    """
    import pandas as pd

    fits.require(invites, "invites", "customer_id", "joined")
    own = (
        invites["invited"] == invites["customer_id"]
        if "invited" in invites
        else pd.Series(False, index=invites.index)
    )
    rows = invites[~own]
    if not rows["joined"].isin((0, 1)).all():
        raise InputError("loyalty.error_joined", "invites: joined must be 0 or 1")
    if not len(rows):
        raise NotEnoughData("loyalty.error_no_invitation", "referral: there is no invitation")
    n = (
        int(customers)
        if isinstance(customers, (int, np.integer))
        else int(customers["customer_id"].nunique())
    )
    per = rows.groupby("customer_id")["joined"].agg(["size", "sum"])
    if n < len(per):
        raise InputError(
            "loyalty.error_fewer_than_invited",
            "customers: {customers} are fewer than the {count} who invited",
            customers=n,
            count=len(per),
        )
    sent, joined = (
        np.concatenate([per[c].to_numpy(float), np.zeros(n - len(per))]) for c in ("size", "sum")
    )
    out = [{"measure": "participation", **intervals.share(sent > 0, np.arange(n), conf_level)}]
    for measure, y, x in (
        ("invites", sent, np.ones(n)),
        ("conversion", joined, sent),
        ("k_factor", joined, np.ones(n)),
    ):
        estimate, se, low, high = intervals.ratio(y, x, conf_level)
        out.append(
            {
                "measure": measure,
                "count" if measure == "conversion" else "total": float(y.sum()),
                "n": int(x.sum()),
                "estimate": estimate,
                "std_error": se,
                "conf_low": max(low, 0.0),
                "conf_high": high,
            }
        )
    limits = [_rounds(out[-1]["estimate"]), K_LIMIT]
    if own.any():
        limits.append(
            Note(
                "loyalty.k_self",
                "{n} invitation of customers to themselves is left out.",
                "{n} invitations of customers to themselves are left out.",
                n=int(own.sum()),
            )
        )
    if len(per) < INVITERS:
        limits.append(few(len(per), INVITERS, "inviting_customers"))
    return Result(
        question=Note("loyalty.k_question", "How many new customers does a customer bring?"),
        table=tidy(out),
        answer=_brought(out[-1]),
        method=Note(
            "loyalty.k_method",
            "Invitations per customer times joins per invitation; the inviting customer is the "
            "sampling unit.",
        ),
        unit="customers",
        n=n,
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["measure"],
            only={"measure": ["participation", "conversion", "k_factor"]},
            xlabel=Note("loyalty.k_axis", "Share, or joins per customer"),
        ),
    )


@engine.frames("contacts", "orders", near={"orders": engine.Near("contacts", "contacted_at")})
@analysis
def win_back(
    contacts: Table,
    orders: Table,
    *,
    window: str = "90D",
    held: str = "holdout",
    randomised: bool = True,
    conf_level: float = 0.95,
) -> Result:
    """Do lapsed customers return more often when they are approached?

    Parameters
    ----------
    contacts : DataFrame
        One row a lapsed customer: customer_id, contacted_at (for those held back the moment they
        would have been), variant.
    orders : DataFrame with customer_id, ordered_at
    window : str
    held : str
        Value of variant of those held back.
    randomised : bool
        Whether chance decided who was held back; False: graded associational.

    Returns
    -------
    Result
        measure (returned_contacted, returned_held, added: their difference), count, n (customers),
        estimate, std_error, conf_low, conf_high.

    Raises
    ------
    InputError
        For missing columns, or nobody held back: lapsed customers return by themselves too.
    NotEnoughData
        Where nobody was followed for the whole window.

    Source: Kumar, Bhagwat & Zhang (2015), Journal of Marketing 79; Newcombe (1998).
    """
    import pandas as pd

    fits.require(contacts, "contacts", "customer_id", "contacted_at", "variant")
    fits.require(orders, "orders", "customer_id", "ordered_at")
    first = contacts.sort_values(["contacted_at", "customer_id"], kind="stable").drop_duplicates(
        "customer_id"
    )
    back, watched = schemas.followed(first, "contacted_at", orders, window)
    old, back = first[watched], back[watched]
    if not len(old):
        raise NotEnoughData(
            "loyalty.error_win_back_window",
            "win_back: nobody was followed for {window}",
            window=window,
        )
    control = (old["variant"] == held).to_numpy()
    if not control.any() or control.all():
        raise InputError(
            "loyalty.error_win_back_held",
            "win_back: nobody was held back (variant '{held}'), or everybody; some lapsed "
            "customers return by themselves, so returns alone show nothing",
            held=held,
        )
    who = np.arange(len(old))
    rows = [
        {"measure": name, **intervals.share(back[mine], who[mine], conf_level)}
        for name, mine in (("returned_contacted", ~control), ("returned_held", control))
    ]
    rows.append({"measure": "added", **intervals.share_difference(back, ~control, who, conf_level)})
    limits = [BACK_LIMIT if randomised else NOT_RANDOMISED]
    if len(old) < len(first):
        limits.append(_recent_contacts(len(first) - len(old), window))
    smaller = min(control.sum(), (~control).sum())
    if smaller < ARM:
        limits.append(few(smaller, ARM, "customers"))
    return Result(
        question=Note(
            "loyalty.back_question",
            "Do lapsed customers return more often when they are contacted?",
        ),
        table=pd.DataFrame(rows),
        answer=_won_back(rows, window, randomised),
        method=Note(
            "loyalty.back_method",
            "Share with an order within {window:span}, contacted against held back; Newcombe's "
            "interval.",
            window=window,
        ),
        unit="customers",
        n=len(old),
        conf_level=conf_level,
        evidence="experimental" if randomised else "associational",
        limits=tuple(limits),
        chart=Points(
            label=["measure"],
            percent=True,
            xlabel=Note(
                "loyalty.back_axis", "Share with an order within {window:span}", window=window
            ),
        ),
    )


def _slopes(rows, window, n):
    """Return the odds ratios of a point on either side of the median, where they can be given."""
    slopes = {row["measure"]: row for row in rows if row["measure"] != "came_back"}
    if not slopes:
        return Note(
            "loyalty.link_flat_answer",
            "How coming back within {window:span} varies with the score cannot be estimated from "
            "these {n} answers.",
            window=window,
            n=n,
        )
    odds = {
        f"{side}_{name}": float(np.exp(slopes[side][column]))
        for side in ("below", "above")
        for name, column in (("odds", "estimate"), ("low", "conf_low"), ("high", "conf_high"))
    }
    shown = any(odds[f"{s}_low"] > 1 or odds[f"{s}_high"] < 1 for s in ("below", "above"))
    if shown:
        return Note(
            "loyalty.link_answer",
            "Per point of the score, the odds of an order within {window:span} are multiplied by "
            "{below_odds:3} below the median ({below_low:3} to {below_high:3}) and by "
            "{above_odds:3} above it ({above_low:3} to {above_high:3}; {n} answers).",
            window=window,
            n=n,
            **odds,
        )
    return Note(
        "loyalty.link_no_answer",
        "No association of the score with an order within {window:span} could be shown: per point "
        "the odds are multiplied by {below_odds:3} below the median ({below_low:3} to "
        "{below_high:3}) and by {above_odds:3} above it ({above_low:3} to {above_high:3}; {n} "
        "answers).",
        window=window,
        n=n,
        **odds,
    )


def _rounds(k):
    if k >= 1:
        return Note(
            "loyalty.k_grows",
            "At a k-factor of {k:3} (at least {one}), each round of invitations brings at least as "
            "many customers as the one before, as long as there are people left to invite.",
            k=k,
            one=1,
        )
    return Note(
        "loyalty.k_fades",
        "At a k-factor of {k:3} (below {one}), each round of invitations brings fewer customers "
        "than the one before.",
        k=k,
        one=1,
    )


def _brought(row):
    return Note(
        "loyalty.k_answer",
        "A customer brings {k:3} new customers on average ({low:3} to {high:3}; {count} joined, "
        "invited by {n} customers in all).",
        k=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["total"]),
        n=row["n"],
    )


def _recent_contacts(n, window):
    return Note(
        "loyalty.recent_contacts",
        "{n} customer was contacted or held back too recently to be followed for {window:span} and "
        "is left out.",
        "{n} customers were contacted or held back too recently to be followed for {window:span} "
        "and are left out.",
        n=n,
        window=window,
    )


def _won_back(rows, window, randomised):
    """Return the difference contacting made, or that none could be shown."""
    contacted, held, added = rows
    values = {
        "contacted": contacted["estimate"],
        "held": held["estimate"],
        "added": added["estimate"],
        "low": added["conf_low"],
        "high": added["conf_high"],
        "window": window,
        "n": added["n"],
    }
    if added["conf_low"] <= 0 <= added["conf_high"]:
        return Note(
            "loyalty.back_no_answer",
            "No difference by contacting lapsed customers could be shown: {contacted:%} of those "
            "contacted and {held:%} of those held back ordered within {window:span}, a difference "
            "of {added:points} percentage points ({low:points} to {high:points}; {n} customers).",
            **values,
        )
    if randomised:
        return Note(
            "loyalty.back_answer",
            "Contacting lapsed customers changed the share who order within {window:span} by "
            "{added:points} percentage points ({low:points} to {high:points}): {contacted:%} of "
            "those contacted, {held:%} of those held back ({n} customers).",
            **values,
        )
    return Note(
        "loyalty.back_difference_answer",
        "{contacted:%} of the lapsed customers contacted and {held:%} of the others ordered within "
        "{window:span}, a difference of {added:points} percentage points ({low:points} to "
        "{high:points}; {n} customers).",
        **values,
    )
