"""Where visits come from: UTM parameters, referrers and GA4's channel rules."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from workbench.types import Table

UNTAGGED = Note(
    "journeys.tagging_limit",
    "Untagged e-mail and apps are counted as direct; consent banners change that share too.",
)
UTM = ("source", "medium", "campaign")


_PAYMENT_HOSTS = ("paypal.", "adyen.", "mollie.", "stripe.", "klarna.", "ideal.", "worldpay.")


def channel(
    source: str | None = None,
    medium: str | None = None,
    campaign: str | None = None,
    referrer: str | None = None,
) -> object:
    """Give the GA4 channel group of one visit from its source, medium, campaign and referrer.

    Where source and medium are empty they are read off the referrer: a search site is organic, any
    other host a referral.
    Returns the group's name, "Unassigned" where no rule fits.

    Source: support.google.com/analytics/answer/9756891, read November 2026.

    >>> channel("google", "cpc"), channel(referrer="https://www.google.com/")
    ('Paid Search', 'Organic Search')
    >>> channel("Newsletter", "E-Mail"), channel()
    ('Email', 'Direct')
    """
    rules = _rules()
    source, medium, campaign = (
        (v or "").strip().lower() if isinstance(v, str) else "" for v in (source, medium, campaign)
    )
    if not source and not medium and isinstance(referrer, str) and referrer:
        source = urlsplit(referrer).hostname or ""
        medium = "organic" if _site("search", source) else "referral" if source else ""
    values = {"source": source, "medium": medium, "campaign": campaign}
    for rule in rules["rules"]:
        if "site" in rule and not _site(rule["site"], source):
            continue
        if rule.get("paid") and not re.search(rules["paid"], medium):
            continue
        if all(re.search(rule[k], v) for k, v in values.items() if k in rule):
            return rule["channel"]
    return "Unassigned"


@cache
def _rules():
    import yaml

    return yaml.safe_load(
        (files("workbench.journeys") / "channels.yml").read_text(encoding="utf-8")
    )


def _site(kind, source):
    """Say whether a source or host belongs to a group of sites, by any of its dotted parts."""
    parts = set(source.split("."))
    return any(name in parts or name == source for name in _rules()["sites"][kind])


def parse_utm(page: str) -> dict:
    """Return the UTM parameters of a page address as a dictionary, lower-case names, values as they
    stand.

    >>> parse_utm("https://shop.example/p?utm_source=News&utm_medium=email&x=1")
    {'source': 'News', 'medium': 'email'}
    """
    found = parse_qs(urlsplit(page).query) if isinstance(page, str) else {}
    return {k.lower()[4:]: v[0] for k, v in found.items() if k.lower().startswith("utm_")}


@engine.frames("events", kept=True)
@analysis
def assign_channels(events: Table, *, own_hosts: Sequence[str] = ()) -> pd.DataFrame:
    """Give every event the GA4 channel group of its source, medium, campaign and referrer.

    UTM parameters are read off `page` where the columns are missing or empty. Referrers from
    `own_hosts` and from payment services are no source.

    Takes a DataFrame of events; returns a copy with the column `channel` (a group's name). Raises
    InputError without the columns of events. Source: as `channel`.
    """
    import pandas as pd

    schemas.require(events, "events")
    made = events.copy()
    keys = pd.DataFrame(
        {c: made[c].astype(object) if c in made else None for c in (*UTM, "referrer")},
        index=made.index,
    )
    if "page" in made:
        pages = made["page"].astype(object)
        tagged = pages.map(lambda p: isinstance(p, str) and "utm_" in p.lower())
        for name in UTM:
            read = pages[tagged].map(lambda p, name=name: parse_utm(p).get(name))
            empty = keys.loc[tagged, name].map(lambda v: not isinstance(v, str) or not v)
            keys.loc[read.index[empty], name] = read[empty]
    keys["referrer"] = keys["referrer"].map(lambda r: None if _is_own(r, own_hosts) else r)
    code, different = pd.factorize(pd.MultiIndex.from_frame(keys.fillna("")))
    names = np.array([channel(*row) for row in different], object)
    made["channel"] = pd.array(names[code], dtype="str")
    return made


def _visits(events):
    """Return what the first event of every visit says of its source and whose it is, "" where it
    says nothing; one row for all visits of a customer that say the same, with their number `n`.
    """
    columns = (*UTM, "referrer")
    present = [c for c in columns if c in engine.columns(events)]
    if not present:
        raise NotEnoughData(
            "journeys.error_no_source",
            "tagging: the events have no source, medium, campaign or referrer, so whether a visit "
            "was direct is unknown",
        )
    said = ", ".join(present)
    found = engine.run(
        f"""
        SELECT customer, {said}, count(*) AS n FROM (
          SELECT customer, {said},
            row_number() OVER (
              PARTITION BY session ORDER BY t NULLS LAST, customer, {said}) AS place
          FROM e) x
        WHERE place = 1 GROUP BY customer, {said}""",
        e=engine.view(
            events,
            session=engine.key("session_id"),
            customer=engine.raw("customer_id"),
            t=engine.raw("occurred_at"),
            **{c: engine.raw(c) for c in present},
        ),
    )
    found["customer"] = engine.written(found["customer"]).fillna("")
    for name in columns:
        text = found[name].astype(object) if name in found else None
        found[name] = "" if text is None else text.where(text.notna(), "")
    return found


def _is_own(referrer, own_hosts):
    host = (urlsplit(referrer).hostname or "") if isinstance(referrer, str) else ""
    return any(host == h or host.endswith("." + h) for h in own_hosts) or any(
        p in host + "." for p in _PAYMENT_HOSTS
    )


@engine.tables("events")
@analysis
def tagging(events: Table, *, own_hosts: Sequence[str] = (), conf_level: float = 0.95) -> Result:
    """Can the sources of visits be trusted: how many are tagged, written in one way, and not the
    site itself?

    Parameters
    ----------
    events : DataFrame with customer_id, session_id; source, medium, campaign, referrer where there
    are
    own_hosts : sequence of str
        Host names of the site itself.

    Returns
    -------
    Result
        measure (tagged: source and medium given; direct; self_referral: the referrer is the site or
        a payment service; variant: a source or campaign that differs from a more frequent one only
        in case or blanks), count, n (sessions), estimate, std_error, conf_low, conf_high. The
        variants stand in `.model`.

    Raises
    ------
    NotEnoughData
        If there is no session, or no column that could name a source.

    Source: O-14 in `docs/glossary.md`.
    """
    import pandas as pd

    schemas.require(events, "events", "session_id")
    lost = engine.left_out(engine.view(events, session=engine.key("session_id"))).total
    text = _visits(events)
    if not len(text):
        raise NotEnoughData("journeys.error_no_session", "tagging: there is no session")
    own = text["referrer"].map(lambda r: _is_own(r, own_hosts))
    variants, odd = [], np.zeros(len(text), bool)
    for name in ("source", "campaign"):
        counts = text[text[name] != ""].groupby(name)["n"].sum()
        for _, same in counts.groupby(
            counts.index.map(lambda v: re.sub(r"[\s_-]+", "", str(v).lower()))
        ):
            if len(same) > 1:
                best = sorted(same.index, key=lambda v: (-same[v], v))[0]
                variants += [
                    {"column": name, "written": v, "usual": best, "sessions": int(same[v])}
                    for v in same.index
                    if v != best
                ]
                odd |= text[name].isin([v for v in same.index if v != best]).to_numpy()
    customers = np.repeat(np.unique(text["customer"], return_inverse=True)[1], text["n"])
    direct = (text["source"] == "") & (text["medium"] == "") & ((text["referrer"] == "") | own)
    rows = [
        {"measure": name, **intervals.share(np.repeat(hit, text["n"]), customers, conf_level)}
        for name, hit in (
            ("tagged", (text["source"] != "") & (text["medium"] != "")),
            ("direct", direct),
            ("self_referral", own),
            ("variant", odd),
        )
    ]
    table = pd.DataFrame(rows)
    return Result(
        question=Note("journeys.tagging_question", "Can the sources of visits be trusted?"),
        table=table,
        method=Note(
            "journeys.tagging_method",
            "First event of every visit; shares with the customer as sampling unit.",
        ),
        unit="sessions",
        n=len(customers),
        conf_level=conf_level,
        limits=_tagging_limits(lost, len(variants)),
        answer=_tagged_answer(table),
        model=pd.DataFrame(variants, columns=["column", "written", "usual", "sessions"]),
        chart=Points(
            label=["measure"], percent=True, xlabel=Note("journeys.tagging_axis", "Share of visits")
        ),
    )


@engine.frames("profile")
@analysis
def omnichannel(
    profile: Table, *, offline: Sequence[str] = ("store", "phone"), conf_level: float = 0.95
) -> Result:
    """How many decisions use more than one channel, and do people search on line and buy off line?

    Parameters
    ----------
    profile : DataFrame from `stages.profile`, with channels, first_channel and last_channel
    offline : sequence of str
        Channels that are not on line.

    Returns
    -------
    Result
        measure (several_channels; online_then_offline, offline_then_online: of purchases), count, n
        (occasions; purchases), estimate, std_error, conf_low, conf_high.

    Raises
    ------
    NotEnoughData
        If no occasion has a channel.

    Source: Verhoef, Neslin & Vroomen (2007), Int. J. Research in Marketing 24.
    """
    import pandas as pd

    known = profile[profile["first_channel"].notna()] if "first_channel" in profile else profile[:0]
    if not len(known):
        raise NotEnoughData("journeys.error_no_channel", "omnichannel: no occasion has a channel")
    rows = [
        {
            "measure": "several_channels",
            **intervals.share(known["channels"] > 1, known["customer_id"], conf_level),
        }
    ]
    bought = known[known["outcome"] == "bought"]
    # Where no contact is off line, nothing can be said of going between the two.
    if (
        len(bought)
        and (known["first_channel"].isin(offline) | known["last_channel"].isin(offline)).any()
    ):
        begins, ends = bought["first_channel"].isin(offline), bought["last_channel"].isin(offline)
        rows += [
            {"measure": name, **intervals.share(hit, bought["customer_id"], conf_level)}
            for name, hit in (
                ("online_then_offline", ~begins & ends),
                ("offline_then_online", begins & ~ends),
            )
        ]
    table = pd.DataFrame(rows)
    return Result(
        question=Note(
            "journeys.omni_question", "In how many buying decisions is more than one channel used?"
        ),
        table=table,
        method=Note(
            "journeys.omni_method",
            "Shares of buying decisions and of purchases; the customer is the sampling unit.",
        ),
        unit="episodes",
        n=len(known),
        conf_level=conf_level,
        limits=(
            Note(
                "journeys.omni_limit",
                "Only linked contacts are seen: what a person does without being recognised counts "
                "for no channel.",
            ),
        ),
        answer=_channels_answer(table),
        chart=Points(label=["measure"], percent=True, xlabel=Note("journeys.omni_axis", "Share")),
    )


def _tagging_limits(lost, variants):
    limits = [UNTAGGED]
    if lost:
        limits.append(
            Note(
                "journeys.no_session",
                "{n} event without a session is left out.",
                "{n} events without a session are left out.",
                n=lost,
            )
        )
    if variants:
        limits.append(
            Note(
                "journeys.variants",
                "{n} spelling differs from a more frequent one only in case or blanks.",
                "{n} spellings differ from a more frequent one only in case or blanks.",
                n=variants,
            )
        )
    return tuple(limits)


def _tagged_answer(table):
    """Say how many visits are tagged, and how many are direct."""
    row = table[table["measure"] == "tagged"].iloc[0]
    direct = table[table["measure"] == "direct"].iloc[0]
    return Note(
        "journeys.tagging_answer",
        "{share:%} of visits name a source and a medium ({low:%} to {high:%}; {count} of {n}); "
        "{direct:%} are direct ({direct_low:%} to {direct_high:%}).",
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["count"]),
        n=int(row["n"]),
        direct=direct["estimate"],
        direct_low=direct["conf_low"],
        direct_high=direct["conf_high"],
    )


def _channels_answer(table):
    """Say how many decisions use several channels."""
    row = table[table["measure"] == "several_channels"].iloc[0]
    return Note(
        "journeys.omni_answer",
        "In {share:%} of buying decisions more than one channel was used ({low:%} to {high:%}; "
        "{count} of {n}).",
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["count"]),
        n=int(row["n"]),
    )
