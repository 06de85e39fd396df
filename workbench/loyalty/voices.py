"""What satisfied customers do: come back, bring others, and whether lapsed ones can be won back."""

import numpy as np

from workbench import intervals, schemas
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.results import Result, analysis
from workbench.texts import number, t


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
            f"satisfaction_link: {len(old)} answers are old enough to be followed for {window}; 30"
            " are needed"
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
    limits = [t("loyalty.link_limit")]
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
        limits.append(t("loyalty.link_flat"))
    if len(old) < len(given):
        limits.append(t("loyalty.link_young", n=number(len(given) - len(old)), window=window))
    if len(old) < 300:
        limits.append(t("drivers.few", n=number(len(old)), least=number(300)))
    return Result(
        question=t("loyalty.link_question"),
        table=pd.DataFrame(rows),
        method=t("loyalty.link_method", window=window, middle=number(middle)),
        unit="answers",
        n=len(old),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        chart={
            "kind": "points",
            "label": ["grade"],
            "only": {"measure": "came_back"},
            "percent": True,
            "xlabel": t("loyalty.link_axis", window=window),
        },
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
        raise InputError("invites: joined must be 0 or 1")
    if not len(rows):
        raise NotEnoughData("referral: there is no invitation")
    n = (
        int(customers)
        if isinstance(customers, (int, np.integer))
        else int(customers["customer_id"].nunique())
    )
    per = rows.groupby("customer_id")["joined"].agg(["size", "sum"])
    if n < len(per):
        raise InputError(f"customers: {n} are fewer than the {len(per)} who invited")
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
        t("loyalty.k_grows" if k >= 1 else "loyalty.k_fades", k=number(k, 3)),
        t("loyalty.k_limit"),
    ]
    if own.any():
        limits.append(t("loyalty.k_self", n=number(int(own.sum()))))
    if len(per) < 100:
        limits.append(t("drivers.few", n=number(len(per)), least=number(100)))
    return Result(
        question=t("loyalty.k_question"),
        table=pd.DataFrame(out),
        method=t("loyalty.k_method"),
        unit="customers",
        n=n,
        conf_level=conf_level,
        limits=tuple(limits),
        chart={
            "kind": "points",
            "label": ["measure"],
            "only": {"measure": ["participation", "conversion", "k_factor"]},
            "xlabel": t("loyalty.k_axis"),
        },
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
        raise NotEnoughData(f"win_back: nobody was followed for {window}")
    control = (old["variant"] == held).to_numpy()
    if not control.any() or control.all():
        raise InputError(
            f"win_back: nobody was held back (variant '{held}'), or everybody; lapsed customers"
            " return by themselves too, so returns alone say nothing"
        )
    who = np.arange(len(old))
    rows = [
        {"measure": name, **intervals.share(back[mine], who[mine], conf_level)}
        for name, mine in (("returned_contacted", ~control), ("returned_held", control))
    ]
    rows.append({"measure": "added", **intervals.share_difference(back, ~control, who, conf_level)})
    limits = [t("loyalty.back_limit" if randomised else "experiments.chosen")]
    if len(old) < len(first):
        limits.append(t("loyalty.link_young", n=number(len(first) - len(old)), window=window))
    if min(control.sum(), (~control).sum()) < 200:
        limits.append(
            t("drivers.few", n=number(int(min(control.sum(), (~control).sum()))), least=number(200))
        )
    return Result(
        question=t("loyalty.back_question"),
        table=pd.DataFrame(rows),
        method=t("loyalty.back_method", window=window),
        unit="customers",
        n=len(old),
        conf_level=conf_level,
        evidence="experimental" if randomised else "associational",
        limits=tuple(limits),
        chart={
            "kind": "points",
            "label": ["measure"],
            "percent": True,
            "xlabel": t("loyalty.back_axis", window=window),
        },
    )
