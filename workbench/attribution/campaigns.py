"""Where people come from, which advert works, and what an e-mail does."""

import numpy as np

from workbench import intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis


@analysis
def sources(journeys, *, conf_level=0.95):
    """Which channels bring visits, people and conversions, and which bring more conversions than
    visits?

    Parameters
    ----------
    journeys : Journeys
        Of `paths`.

    Returns
    -------
    Result
        channel, measure, count, n, estimate, std_error, conf_low, conf_high. Measures: visits
        (share of contacts), people (share of customers it reached), conversions (share of
        conversions whose last contact it was), conversion_rate (conversions as last contact over
        contacts), efficiency (share of conversions over share of visits). The customer is the
        sampling unit.

    Raises NotEnoughData without a conversion that has a contact before it.

    Source: shares of sessions and conversions as in the documentation of common web tools; Deng,
    Knoblich & Lu (2018) for the errors.
    """
    import pandas as pd

    journeys.check()
    who, inside, alike = _people(journeys)
    path, people = journeys.path, len(alike)
    last = np.zeros(len(journeys.code))
    last[journeys.begin[1:] - 1] = journeys.conversions * inside
    weight = inside[path]
    everyone, won = np.bincount(who[path], weight, people), np.bincount(who[path], last, people)
    rows = []
    for k, name in enumerate(journeys.names):
        mine = journeys.code == k
        visits, got = (
            np.bincount(who[path][mine], weight[mine], people),
            np.bincount(who[path][mine], last[mine], people),
        )
        for measure, y, x in (
            ("visits", visits, everyone),
            ("people", (visits > 0) * 1.0, np.ones(people)),
            ("conversions", got, won),
            ("conversion_rate", got, visits),
        ):
            n = alike @ x
            estimate, se, low, high = intervals.ratio_of_sums(
                alike @ y, n, alike @ y**2, alike @ (x * y), alike @ x**2, alike.sum(), conf_level
            )
            low, high = (
                intervals.clustered(
                    float(estimate), float(se), n, max(alike @ (x > 0), 1), conf_level
                )
                if n
                else (np.nan, np.nan)
            )
            rows.append(
                {
                    "channel": name,
                    "measure": measure,
                    "count": float(alike @ y),
                    "n": int(n),
                    "estimate": float(estimate),
                    "std_error": float(se),
                    "conf_low": float(low),
                    "conf_high": float(high),
                }
            )
        # Efficiency is a ratio of two ratios: its error follows from the customers' pulls on the
        # logarithm.
        a, b = (alike @ got) / (alike @ won), (alike @ visits) / (alike @ everyone)
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = (
                got / (alike @ got)
                - won / (alike @ won)
                - visits / (alike @ visits)
                + everyone / (alike @ everyone)
            )
            se = float(np.sqrt(alike @ pull**2))
            ratio = a / b if b > 0 else np.nan
        z = intervals.z(conf_level)
        rows.append(
            {
                "channel": name,
                "measure": "efficiency",
                "count": np.nan,
                "n": int(alike @ visits),
                "estimate": ratio,
                "std_error": ratio * se if a > 0 else np.nan,
                "conf_low": ratio * np.exp(-z * se) if a > 0 else np.nan,
                "conf_high": ratio * np.exp(z * se) if a > 0 else np.nan,
            }
        )
    return Result(
        question=Note(
            "attribution.sources_question", "Which channels bring more conversions than visits?"
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "attribution.sources_method",
            "Shares of contacts, people and conversions by last contact; the customer "
            "is the sampling unit.",
        ),
        unit="contacts",
        n=int(alike @ everyone),
        conf_level=conf_level,
        limits=(
            Note(
                "attribution.sources_limit",
                "Untagged mails and apps hide in direct; a channel near the purchase "
                "always looks efficient.",
            ),
        ),
        chart=Points(
            label=["channel"],
            only={"measure": "efficiency"},
            reference=1,
            log=True,
            xlabel=Note("attribution.sources_axis", "Share of conversions over share of visits"),
        ),
    )


def _people(j):
    """Return whose every path is, how often it stands for the same person, and how many people
    alike each person stands for.
    """
    if j.alone:
        return np.arange(len(j.times)), np.ones(len(j.times)), j.times
    return j.customer, j.times, np.ones(int(j.customer.max()) + 1 if len(j.customer) else 0)


@analysis
def entry_points(journeys, *, conf_level=0.95):
    """Through which channel do people first come, and how many of those convert?

    Parameters
    ----------
    journeys : Journeys
        Of `paths`.

    Returns
    -------
    Result
        channel, measure (first_contacts: share of customers who came through it first; converts:
        share of these who ever convert in the data; value: mean worth of such a customer; both
        within the time the data cover), count, n, estimate, std_error, conf_low, conf_high.

    Raises NotEnoughData without a path.

    Source: metric F-32 of the glossary.
    """
    import pandas as pd

    who, inside, alike = _people(journeys)
    if not len(who):
        raise NotEnoughData(
            "attribution.error_entry_points_there_is_no", "entry_points: there is no path"
        )
    order = np.argsort(who, kind="stable")
    first = order[np.flatnonzero(np.diff(who[order], prepend=-1))]
    channel = journeys.code[journeys.begin[:-1][first]]
    people = int(alike.sum())
    ever = np.bincount(who, journeys.conversions) > 0
    worth = np.bincount(who, journeys.value * inside)

    def share(hit, of):
        count, n = float(alike[of] @ hit[of]), float(alike[of].sum())
        low, high = intervals.wilson(count, n, conf_level)
        return {
            "count": count,
            "n": int(n),
            "estimate": count / n,
            "std_error": float(np.sqrt(count / n * (1 - count / n) / max(n - 1, 1))),
            "conf_low": float(low),
            "conf_high": float(high),
        }

    everyone = np.ones(len(first), bool)
    rows = []
    for k, name in enumerate(journeys.names):
        mine = channel == k
        rows.append({"channel": name, "measure": "first_contacts", **share(mine, everyone)})
        if mine.any():
            rows.append({"channel": name, "measure": "converts", **share(ever, mine)})
            w, v = alike[mine], worth[mine]
            estimate, se, low, high = (
                float(x)
                for x in intervals.ratio_of_sums(
                    w @ v, w.sum(), w @ v**2, w @ v, w.sum(), w.sum(), conf_level
                )
            )
            rows.append(
                {
                    "channel": name,
                    "measure": "value",
                    "count": float(w @ v),
                    "n": int(w.sum()),
                    "estimate": estimate,
                    "std_error": se,
                    "conf_low": low,
                    "conf_high": high,
                }
            )
    return Result(
        question=Note(
            "attribution.entry_question",
            "Through which channel do people first come, and how many of those convert?",
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "attribution.entry_method",
            "First contact of every customer in the data; Wilson intervals.",
        ),
        unit="customers",
        n=people,
        conf_level=conf_level,
        limits=(
            Note(
                "attribution.entry_limit",
                "First seen is not first: earlier contacts, other devices and lost cookies "
                "are missing; who came late had less time to convert.",
            ),
        ),
        chart=Points(
            label=["channel"],
            only={"measure": "converts"},
            percent=True,
            xlabel=Note("attribution.entry_axis", "Share who convert"),
        ),
    )


@analysis
def campaigns(table, *, draws=4000, seed=1, conf_level=0.95):
    """Which advert works best, once luck is taken out of the ranking?

    Parameters
    ----------
    table : DataFrame
        One row an advert: campaign, impressions, clicks, conversions, and optionally cost and
        revenue.
    draws, seed : int
        Of the chances to be best.

    Returns
    -------
    Result
        campaign, measure, count, n, estimate, std_error, conf_low, conf_high, shrunken, best.
        Measures: click_rate (clicks over impressions), conversion_rate (conversions over clicks),
        cost_per_conversion, return_on_cost (without an interval: the sizes of single orders are not
        known). `shrunken` draws the rates towards the mean of all adverts by as much as their own
        numbers are few, `best` is the chance that it has the highest rate.

    Raises
    ------
    InputError
        For missing columns, negative numbers or more clicks than impressions.
    NotEnoughData
        With fewer than two adverts.

    Source: beta-binomial model, method of moments: Kleinman (1973), JASA 68; Farris et al. (2020),
    Marketing Metrics, for the ratios.
    """
    import pandas as pd

    fits.require(table, "table", "campaign", "impressions", "clicks", "conversions")
    made = table.groupby("campaign", sort=True)[
        [c for c in ("impressions", "clicks", "conversions", "cost", "revenue") if c in table]
    ].sum()
    if (
        (made < 0).any(axis=None)
        or (made["clicks"] > made["impressions"]).any()
        or (made["conversions"] > made["clicks"]).any()
    ):
        raise InputError(
            "attribution.error_table_numbers_must_not_be",
            "table: numbers must not be negative, nor clicks exceed impressions, nor "
            "conversions exceed clicks",
        )
    if len(made) < 2:
        raise NotEnoughData(
            "attribution.error_campaigns_at_least_two_adverts",
            "campaigns: at least two adverts are needed for a ranking",
        )
    rng, rows, few = np.random.default_rng(seed), [], []
    for measure, y, x in (
        ("click_rate", "clicks", "impressions"),
        ("conversion_rate", "conversions", "clicks"),
    ):
        count, n = made[y].to_numpy(float), made[x].to_numpy(float)
        low, high = intervals.wilson(count, n, conf_level)
        if not n.any():  # nobody was there to convert: nothing to rank
            a = b = np.nan
            best = np.full(len(n), np.nan)
        else:
            a, b = _beta(count, n)
            best = (
                np.bincount(
                    rng.beta(a + count, b + n - count, (draws, len(n))).argmax(axis=1),
                    minlength=len(n),
                )
                / draws
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = count / n
        rows += [
            {
                "campaign": c,
                "measure": measure,
                "count": count[i],
                "n": int(n[i]),
                "estimate": rate[i],
                "std_error": np.sqrt(rate[i] * (1 - rate[i]) / n[i]) if n[i] else np.nan,
                "conf_low": low[i],
                "conf_high": high[i],
                "shrunken": (a + count[i]) / (a + b + n[i]),
                "best": best[i],
            }
            for i, c in enumerate(made.index)
        ]
    few = made.index[(made["impressions"] < 1000) | (made["conversions"] < 20)].tolist()
    if "cost" in made:
        low, high = intervals.garwood(made["conversions"], conf_level=conf_level)
        for i, (c, row) in enumerate(made.iterrows()):
            k = row["conversions"]
            rows.append(
                {
                    "campaign": c,
                    "measure": "cost_per_conversion",
                    "count": row["cost"],
                    "n": int(k),
                    "estimate": row["cost"] / k if k else np.nan,
                    "std_error": row["cost"] / k**1.5 if k else np.nan,
                    "conf_low": row["cost"] / high[i] if k else np.nan,
                    "conf_high": row["cost"] / low[i] if k else np.nan,
                    "shrunken": np.nan,
                    "best": np.nan,
                }
            )
            if "revenue" in made and row["cost"] > 0:
                # How much orders differ in size is not in the table, so there is no interval to
                # give.
                rows.append(
                    {
                        "campaign": c,
                        "measure": "return_on_cost",
                        "count": row["revenue"],
                        "n": int(k),
                        "estimate": row["revenue"] / row["cost"],
                        "std_error": np.nan,
                        "conf_low": np.nan,
                        "conf_high": np.nan,
                        "shrunken": np.nan,
                        "best": np.nan,
                    }
                )
    limits = [
        Note(
            "attribution.campaign_limit",
            "The best of many looks better than it is: read the shrunken rate. Adverts "
            "reach different people, so this ranks results, not effects.",
        )
    ]
    if few:
        limits.append(
            Note(
                "attribution.campaign_few",
                "Fewer than 1,000 impressions or 20 conversions: {names:text} ({k} in all).",
                names=list(few[:8]),
                k=len(few),
            )
        )
    return Result(
        question=Note(
            "attribution.campaign_question",
            "Which advert works best, once luck is taken out of the ranking?",
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "attribution.campaign_method",
            "Wilson and Poisson intervals; rates drawn together by a beta-binomial model.",
        ),
        unit="conversions",
        n=int(made["conversions"].sum()),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["campaign"],
            only={"measure": "conversion_rate"},
            percent=True,
            xlabel=Note("attribution.campaign_axis", "Conversions per click"),
        ),
    )


def _beta(count, n):
    """Return the two weights of the beta distribution of rates between adverts, by moments."""
    keep = n > 0
    p, w = count[keep] / n[keep], n[keep]
    mean = count.sum() / n.sum() if n.sum() else 0.5
    mean = min(max(mean, 1e-6), 1 - 1e-6)
    k = len(p)
    between = (w * (p - mean) ** 2).sum()
    noise = mean * (1 - mean)
    free = w.sum() - (w**2).sum() / w.sum() - (k - 1) if k else 0.0
    phi = (between - noise * (k - 1)) / (noise * free) if free > 0 else 0.0
    phi = min(max(phi, 1e-5), 0.99)
    total = 1 / phi - 1
    return mean * total, (1 - mean) * total


@analysis
def email_funnel(emails, orders=None, *, window="7D", by=None, conf_level=0.95):
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
        group, measure, count, n, estimate, std_error, conf_low, conf_high. Measures: delivered (of
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
    frame = pd.DataFrame(emails)
    made = pd.DataFrame(
        {
            "customer": frame["customer_id"],
            "group": frame[by].astype(str) if by else "all",
            "sent_at": frame["sent_at"],
        }
    )
    made["held"] = (frame["variant"] == "holdout") if "variant" in frame else False
    usual = made[~made["held"]].groupby(frame["campaign_id"])["sent_at"].median()
    made["sent_at"] = made["sent_at"].fillna(frame["campaign_id"].map(usual))
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
        raise NotEnoughData(
            "attribution.error_email_funnel_no_mail_was", "email_funnel: no mail was sent"
        )
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
            Note(
                "attribution.mail_unflagged",
                "Opens by mail programs are not flagged (no column machine_open): how many "
                "people opened is not known, and opens look too many.",
            )
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
        Note(
            "attribution.mail_limit",
            "Opens are weak evidence even so (unflagged machine opens, blocked "
            "images): lead with clicks and orders.",
        ),
    ]
    tested = bool(made["held"].any()) and orders is not None
    limits.append(
        Note(
            "attribution.mail_held",
            "Chance decided who was held back: the added share is what mailing brings, "
            "opened or not.",
        )
        if tested
        else Note(
            "attribution.mail_not_held",
            "Nobody was held back: orders after a mail are no orders because of it.",
        )
    )
    if (~sent["told"]).any():
        limits.append(
            Note(
                "attribution.mail_untold",
                "Of {n} mails it is not known whether they arrived; they count as sent only.",
                n=int((~sent["told"]).sum()),
            )
        )
    if lost:
        limits.append(
            Note(
                "influence.left_out",
                "{n} rows without sales to learn from, or with a missing value, are left out.",
                n=lost,
            )
        )
    if len(sent) < 500:
        limits.append(
            Note("drivers.few", "{n} are few; {least} is a common floor.", n=len(sent), least=500)
        )
    return Result(
        question=Note(
            "attribution.mail_question",
            "Of the mails sent, how many arrive, are opened by a person, clicked, and "
            "followed by an order?",
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "attribution.mail_method",
            "Unique recipients a campaign; orders within {window:span} of the mail; "
            "the customer is the sampling unit.",
            window=window,
        ),
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
