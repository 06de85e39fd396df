"""Where people come from, which advert works, and what an e-mail does."""

import numpy as np

from workbench import intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import MINIMUM_CELL, Points, Result, analysis

FEW_IMPRESSIONS, FEW_CONVERSIONS = 1000, 20  # below these an advert's rates say little
FEW_MAILS = 500

NO_EFFICIENCY = Note(
    "attribution.sources_unknown",
    "No channel has {least} contacts and a conversion: too few to compare shares.",
    least=MINIMUM_CELL,
)


SOURCES_QUESTION = Note(
    "attribution.sources_question",
    "Which channels have a larger share of conversions than of visits?",
)
SOURCES_METHOD = Note(
    "attribution.sources_method",
    "Shares of contacts and people, conversions by last contact; the customer is the "
    "sampling unit.",
)
SOURCES_LIMIT = Note(
    "attribution.sources_limit",
    "Untagged mails and apps are counted as direct; a channel close to the purchase "
    "always looks efficient.",
)
ENTRY_QUESTION = Note(
    "attribution.entry_question",
    "Through which channel do customers first arrive, and how many of them convert?",
)
ENTRY_METHOD = Note(
    "attribution.entry_method",
    "First contact of every customer in the data; Wilson intervals.",
)
ENTRY_LIMIT = Note(
    "attribution.entry_limit",
    "The first contact seen need not be the first: earlier contacts, other devices "
    "and lost cookies are missing; customers who arrived late had less time to "
    "convert.",
)
CAMPAIGN_LIMIT = Note(
    "attribution.campaign_limit",
    "The best of many looks better than it is: read the rate drawn towards the mean. "
    "Adverts reach different people, so this ranks results, not effects.",
)
CAMPAIGN_QUESTION = Note(
    "attribution.campaign_question",
    "Which advert performs best, once chance is taken out of the ranking?",
)
CAMPAIGN_METHOD = Note(
    "attribution.campaign_method",
    "Wilson and Poisson intervals; rates drawn towards their mean by a beta-binomial model.",
)
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
        question=SOURCES_QUESTION,
        table=pd.DataFrame(rows),
        method=SOURCES_METHOD,
        answer=_sources_answer(pd.DataFrame(rows)),
        unit="contacts",
        n=int(alike @ everyone),
        conf_level=conf_level,
        limits=(SOURCES_LIMIT,),
        chart=Points(
            label=["channel"],
            only={"measure": "efficiency"},
            reference=1,
            log=True,
            xlabel=Note("attribution.sources_axis", "Share of conversions over share of visits"),
        ),
    )


def _sources_answer(table):
    """Return the channel with the highest share of conversions over its share of contacts."""
    rows = table[(table["measure"] == "efficiency") & (table["n"] >= MINIMUM_CELL)]
    rows = rows.dropna(subset=["conf_low"])
    if rows.empty:
        return NO_EFFICIENCY
    row = rows.sort_values(["conf_low", "channel"], ascending=[False, True]).iloc[0]
    values = {
        "channel": row["channel"],
        "ratio": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "n": row["n"],
    }
    if row["conf_low"] > 1:
        return Note(
            "attribution.sources_answer",
            "{channel:word} has {ratio:3} times the share of conversions that its share of "
            "visits would suggest ({low:3} to {high:3}; {n} contacts).",
            **values,
        )
    return Note(
        "attribution.sources_unclear",
        "No channel has a clearly larger share of conversions than of visits: {channel:word} "
        "comes closest with {ratio:3} times ({low:3} to {high:3}; {n} contacts).",
        **values,
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
        raise NotEnoughData("attribution.error_no_path", "entry_points: there are no paths")
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
        question=ENTRY_QUESTION,
        table=pd.DataFrame(rows),
        method=ENTRY_METHOD,
        answer=_entry_answer(pd.DataFrame(rows)),
        unit="customers",
        n=people,
        conf_level=conf_level,
        limits=(ENTRY_LIMIT,),
        chart=Points(
            label=["channel"],
            only={"measure": "converts"},
            percent=True,
            xlabel=Note("attribution.entry_axis", "Share who convert"),
        ),
    )


def _entry_answer(table):
    """Return the channel most customers first came through, and how many of them converted."""
    parts = {name: part.set_index("channel") for name, part in table.groupby("measure")}
    first = parts["first_contacts"].reset_index()
    row = first.sort_values(["count", "channel"], ascending=[False, True]).iloc[0]
    converts = parts["converts"].loc[row["channel"]]
    return Note(
        "attribution.entry_answer",
        "Most customers first arrived through {channel:word}: {share:%} ({low:%} to {high:%}; {n} "
        "of {people}); {rate:%} of them converted ({rate_low:%} to {rate_high:%}).",
        channel=row["channel"],
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        n=converts["n"],
        people=row["n"],
        rate=converts["estimate"],
        rate_low=converts["conf_low"],
        rate_high=converts["conf_high"],
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
            "attribution.error_advert_numbers",
            "table: numbers must not be negative, nor clicks exceed impressions, nor "
            "conversions exceed clicks",
        )
    if len(made) < 2:
        raise NotEnoughData(
            "attribution.error_too_few_adverts",
            "campaigns: at least {least} adverts are needed for a ranking",
            least=2,
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
    few = made.index[
        (made["impressions"] < FEW_IMPRESSIONS) | (made["conversions"] < FEW_CONVERSIONS)
    ].tolist()
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
    limits = [CAMPAIGN_LIMIT]
    if few:
        limits.append(
            Note(
                "attribution.campaign_few",
                "{n} advert has fewer than {impressions} impressions or {conversions} "
                "conversions: {names:text}.",
                "{n} adverts have fewer than {impressions} impressions or {conversions} "
                "conversions, among them {names:text}.",
                n=len(few),
                impressions=FEW_IMPRESSIONS,
                conversions=FEW_CONVERSIONS,
                names=[str(name) for name in few[:8]],
            )
        )
    return Result(
        question=CAMPAIGN_QUESTION,
        table=pd.DataFrame(rows),
        method=CAMPAIGN_METHOD,
        answer=_campaign_answer(pd.DataFrame(rows), conf_level),
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


def _campaign_answer(table, conf_level):
    """Return the advert most likely to have the highest conversion rate."""
    rows = table[table["measure"] == "conversion_rate"].assign(
        name=lambda d: d["campaign"].astype(str)
    )
    row = rows.sort_values(["best", "name"], ascending=[False, True]).iloc[0]
    values = {
        "campaign": row["name"],
        "chance": row["best"],
        "rate": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "count": row["count"],
        "n": row["n"],
    }
    if row["best"] >= conf_level:
        return Note(
            "attribution.campaign_answer",
            "{campaign:text} has the highest conversion rate (probability {chance:%0}): {rate:%2} "
            "of its clicks ({low:%2} to {high:%2}; {count} of {n}).",
            **values,
        )
    return Note(
        "attribution.campaign_unclear",
        "No advert clearly has the highest conversion rate; the likeliest is {campaign:text} "
        "(probability {chance:%0}) with {rate:%2} of its clicks ({low:%2} to {high:%2}; {count} of "
        "{n}).",
        **values,
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
        table=pd.DataFrame(rows),
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
