"""What satisfied customers do: come back, bring others, and whether lapsed ones can be won back."""

import numpy as np

from workbench import intervals, schemas
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis


@analysis
def satisfaction_link(answers, orders, *, score="satisfaction", window="90D", conf_level=0.95):
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
    if len(old) < 30:
        raise NotEnoughData(
            "loyalty.error_satisfaction_link_answers_are_old",
            "satisfaction_link: {n_old} answers are old enough to be followed for "
            "{window}; 30 are needed",
            n_old=len(old),
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
    limits = [
        Note(
            "loyalty.link_limit",
            "Associational: only people who answered, and those who answer stay more "
            "often; satisfaction and coming back share causes.",
        )
    ]
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
        limits.append(
            Note(
                "loyalty.link_flat",
                "All or none came back, or all scores lie on one side of the median: no "
                "slopes can be given.",
            )
        )
    if len(old) < len(given):
        limits.append(
            Note(
                "loyalty.link_young",
                "{n} are too young to have been followed for {window:span} and are left out.",
                n=len(given) - len(old),
                window=window,
            )
        )
    if len(old) < 300:
        limits.append(
            Note("drivers.few", "{n} are few; {least} is a common floor.", n=len(old), least=300)
        )
    return Result(
        question=Note("loyalty.link_question", "Do satisfied customers order again more often?"),
        table=pd.DataFrame(rows),
        method=Note(
            "loyalty.link_method",
            "Share who order within {window:span} after the answer, by score; logit "
            "with a bend at {middle}; the customer is the sampling unit.",
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


@analysis
def referral(invites, customers, *, conf_level=0.95):
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
        invitation; k_factor: joins a customer), count, n, estimate, std_error, conf_low, conf_high.
        The inviting customer is the sampling unit.

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
        raise InputError(
            "loyalty.error_invites_joined_must_be_or", "invites: joined must be 0 or 1"
        )
    if not len(rows):
        raise NotEnoughData(
            "loyalty.error_referral_there_is_no_invitation", "referral: there is no invitation"
        )
    n = (
        int(customers)
        if isinstance(customers, (int, np.integer))
        else int(customers["customer_id"].nunique())
    )
    per = rows.groupby("customer_id")["joined"].agg(["size", "sum"])
    if n < len(per):
        raise InputError(
            "loyalty.error_customers_are_fewer_than_the_b",
            "customers: {n} are fewer than the {n_per} who invited",
            n=n,
            n_per=len(per),
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
                "count": float(y.sum()),
                "n": int(x.sum()),
                "estimate": estimate,
                "std_error": se,
                "conf_low": max(low, 0.0),
                "conf_high": high,
            }
        )
    k = out[-1]["estimate"]
    limits = [
        (
            Note(
                "loyalty.k_grows",
                "k = {k:3}: at 1 or above, a round brings at least as many as the one "
                "before, for as long as there are people left to invite.",
                k=k,
            )
            if k >= 1
            else Note(
                "loyalty.k_fades",
                "k = {k:3}: below 1, each round of invitations brings fewer than the one before.",
                k=k,
            )
        ),
        Note(
            "loyalty.k_limit",
            "Per round, not per month; friends who would have come anyway are counted too.",
        ),
    ]
    if own.any():
        limits.append(
            Note("loyalty.k_self", "{n} invitations to oneself are left out.", n=int(own.sum()))
        )
    if len(per) < 100:
        limits.append(
            Note("drivers.few", "{n} are few; {least} is a common floor.", n=len(per), least=100)
        )
    return Result(
        question=Note("loyalty.k_question", "How many new customers does a customer bring?"),
        table=pd.DataFrame(out),
        method=Note(
            "loyalty.k_method",
            "Invitations a customer times joins an invitation; the inviting customer "
            "is the sampling unit.",
        ),
        unit="customers",
        n=n,
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["measure"],
            only={"measure": ["participation", "conversion", "k_factor"]},
            xlabel=Note("loyalty.k_axis", "Share, or joins a customer"),
        ),
    )


@analysis
def win_back(contacts, orders, *, window="90D", held="holdout", randomised=True, conf_level=0.95):
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
            "loyalty.error_win_back_nobody_was_followed",
            "win_back: nobody was followed for {window}",
            window=window,
        )
    control = (old["variant"] == held).to_numpy()
    if not control.any() or control.all():
        raise InputError(
            "loyalty.error_win_back_nobody_was_held",
            "win_back: nobody was held back (variant '{held}'), or everybody; lapsed "
            "customers return by themselves too, so returns alone say nothing",
            held=held,
        )
    who = np.arange(len(old))
    rows = [
        {"measure": name, **intervals.share(back[mine], who[mine], conf_level)}
        for name, mine in (("returned_contacted", ~control), ("returned_held", control))
    ]
    rows.append({"measure": "added", **intervals.share_difference(back, ~control, who, conf_level)})
    limits = [
        (
            Note(
                "loyalty.back_limit", "Holds for customers lapsed by this rule and for this offer."
            )
            if randomised
            else Note(
                "experiments.chosen",
                "Chance did not decide who is in which arm: the arms differ in more than "
                "what they got, and the difference is no effect.",
            )
        )
    ]
    if len(old) < len(first):
        limits.append(
            Note(
                "loyalty.link_young",
                "{n} are too young to have been followed for {window:span} and are left out.",
                n=len(first) - len(old),
                window=window,
            )
        )
    if min(control.sum(), (~control).sum()) < 200:
        limits.append(
            Note(
                "drivers.few",
                "{n} are few; {least} is a common floor.",
                n=int(min(control.sum(), (~control).sum())),
                least=200,
            )
        )
    return Result(
        question=Note(
            "loyalty.back_question",
            "Do lapsed customers return more often when they are approached?",
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "loyalty.back_method",
            "Share with an order within {window:span}, approached against held back; "
            "Newcombe's interval.",
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
