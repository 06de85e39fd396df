"""Where visits come from: UTM parameters, referrers and GA4's channel rules."""

import re
from functools import cache
from importlib.resources import files
from urllib.parse import parse_qs, urlsplit

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis

UTM = ("source", "medium", "campaign")
_PAYMENT_HOSTS = ("paypal.", "adyen.", "mollie.", "stripe.", "klarna.", "ideal.", "worldpay.")


def channel(source=None, medium=None, campaign=None, referrer=None):
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


def parse_utm(page):
    """Return the UTM parameters of a page address as a dictionary, lower-case names, values as they
    stand.

    >>> parse_utm("https://shop.example/p?utm_source=News&utm_medium=email&x=1")
    {'source': 'News', 'medium': 'email'}
    """
    found = parse_qs(urlsplit(page).query) if isinstance(page, str) else {}
    return {k.lower()[4:]: v[0] for k, v in found.items() if k.lower().startswith("utm_")}


@analysis
def assign_channels(events, *, own_hosts=()):
    """Give every event the GA4 channel group of its source, medium, campaign and referrer.

    UTM parameters are read off `page` where the columns are missing or empty. Referrers from
    `own_hosts` and from payment services are no source.

    Takes a DataFrame of events; returns a copy with the column `channel` (a group's name). Raises
    InputError without the columns of events. Source: as `channel`.
    """
    import pandas as pd

    schemas.require(events, "events")
    made = pd.DataFrame(events).copy()
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


def _is_own(referrer, own_hosts):
    host = (urlsplit(referrer).hostname or "") if isinstance(referrer, str) else ""
    return any(host == h or host.endswith("." + h) for h in own_hosts) or any(
        p in host + "." for p in _PAYMENT_HOSTS
    )


@analysis
def tagging(events, *, own_hosts=(), conf_level=0.95):
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
        If there is no session.

    Source: O-14 in `docs/glossary.md`.
    """
    import pandas as pd

    schemas.require(events, "events", "session_id")
    events = pd.DataFrame(events)
    lost = int(events["session_id"].isna().sum())
    first = (
        events[events["session_id"].notna()]
        .sort_values(["session_id", "occurred_at"], kind="stable")
        .drop_duplicates("session_id")
    )
    if not len(first):
        raise NotEnoughData(
            "journeys.error_tagging_there_is_no_session", "tagging: there is no session"
        )
    text = {
        c: (
            first[c].astype(object).where(first[c].notna(), "")
            if c in first
            else pd.Series("", first.index)
        )
        for c in (*UTM, "referrer")
    }
    own = text["referrer"].map(lambda r: _is_own(r, own_hosts))
    variants, odd = [], np.zeros(len(first), bool)
    for name in ("source", "campaign"):
        counts = text[name][text[name] != ""].value_counts()
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
    direct = (text["source"] == "") & (text["medium"] == "") & ((text["referrer"] == "") | own)
    rows = [
        {"measure": name, **intervals.share(hit, first["customer_id"], conf_level)}
        for name, hit in (
            ("tagged", (text["source"] != "") & (text["medium"] != "")),
            ("direct", direct),
            ("self_referral", own),
            ("variant", odd),
        )
    ]
    limits = (
        [
            Note(
                "journeys.tagging_limit",
                "Untagged mail and apps end up as direct; consent banners move that share too.",
            )
        ]
        + (
            [Note("journeys.no_session", "{n} events without a session are left out.", n=lost)]
            if lost
            else []
        )
        + (
            [
                Note(
                    "journeys.variants",
                    "{n} spellings differ from a more frequent one only in case or blanks.",
                    n=len(variants),
                )
            ]
            if variants
            else []
        )
    )
    return Result(
        question=Note("journeys.tagging_question", "Can the sources of visits be trusted?"),
        table=pd.DataFrame(rows),
        method=Note(
            "journeys.tagging_method",
            "First event of every visit; shares with the customer as sampling unit.",
        ),
        unit="sessions",
        n=len(first),
        conf_level=conf_level,
        limits=tuple(limits),
        model=pd.DataFrame(variants, columns=["column", "written", "usual", "sessions"]),
        chart=Points(
            label=["measure"], percent=True, xlabel=Note("journeys.tagging_axis", "Share of visits")
        ),
    )


@analysis
def omnichannel(profile, *, offline=("store", "phone"), conf_level=0.95):
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
        raise NotEnoughData(
            "journeys.error_omnichannel_no_occasion_has_a", "omnichannel: no occasion has a channel"
        )
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
    return Result(
        question=Note("journeys.omni_question", "How many decisions use more than one channel?"),
        table=pd.DataFrame(rows),
        method=Note(
            "journeys.omni_method",
            "Shares of occasions and of purchases; the customer is the sampling unit.",
        ),
        unit="episodes",
        n=len(known),
        conf_level=conf_level,
        limits=(
            Note(
                "journeys.omni_limit",
                "Only linked contacts are seen: what a person does unrecognised counts for "
                "no channel.",
            ),
        ),
        chart=Points(label=["measure"], percent=True, xlabel=Note("journeys.omni_axis", "Share")),
    )


@analysis
def identify(events, links, *, device="device_id"):
    """Give events of devices to the people known to use them: devices that share a person, and
    persons that share a device, become one.

    Parameters
    ----------
    events : DataFrame with occurred_at and the device column
    links : DataFrame with the device column and customer_id, one row per sighting of a person on a
    device
    device : str

    Returns
    -------
    DataFrame
        A copy of the events with customer_id: the smallest linked customer's, or "device:ID" where
        nobody is known.

    Raises
    ------
    InputError
        For a missing column.

    Source: O-13 in `docs/glossary.md`; deterministic linking only.
    """
    import pandas as pd

    person = _persons(links, device)
    made = pd.DataFrame(events).copy()
    if device not in made:
        raise unknown("events", "column", device, made.columns)
    found = made[device].map(person)
    made["customer_id"] = found.where(found.notna(), "device:" + made[device].astype(str)).astype(
        str
    )
    return made


def _persons(links, device):
    """Return device → person (text), by connected components of devices and customers."""
    import pandas as pd
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = links[[device, "customer_id"]].dropna().drop_duplicates()
    devices, people = (
        pd.factorize(pairs[device], sort=True),
        pd.factorize(pairs["customer_id"], sort=True),
    )
    n, m = len(devices[1]), len(people[1])
    graph = coo_array((np.ones(len(pairs)), (devices[0], n + people[0])), shape=(n + m, n + m))
    _, group = connected_components(graph, directed=False)
    # Customers are sorted, so the first one seen in a group is its smallest.
    name = {}
    for i, label in enumerate(group[n:]):
        name.setdefault(label, str(people[1][i]))
    return pd.Series([name[g] for g in group[:n]], index=devices[1])


@analysis
def identity_quality(events, links, *, device="device_id", truth=None, conf_level=0.95):
    """How much of the data is tied to a known person, and do the ties contradict each other?

    Parameters
    ----------
    events, links, device
        As in `identify`.
    truth : DataFrame, optional
        Known pairs: the device column and customer_id; then precision and recall of pairs of
        devices are given.

    Returns
    -------
    Result
        measure (devices_linked, events_linked, devices_shared: devices with several customers,
        people_merged: customers joined to another; precision, recall of pairs), count, n, estimate,
        conf_low, conf_high (Wilson; devices or persons are the units).

    Raises
    ------
    NotEnoughData
        If there is no device.

    Source: Fellegi & Sunter (1969), JASA 64, for precision and recall of pairs.
    """
    import pandas as pd

    sizes = engine.run(
        "SELECT device, count(*) AS n FROM v WHERE device IS NOT NULL GROUP BY device",
        v=engine.view(events, device=device),
    ).set_index("device")["n"]
    if not len(sizes):
        raise NotEnoughData(
            "journeys.error_identity_quality_there_is_no", "identity_quality: there is no device"
        )
    person = _persons(links, device)
    linked = sizes.index.isin(person.index)
    known = links[[device, "customer_id"]].dropna().drop_duplicates()
    per_device = known.groupby(device)["customer_id"].nunique()
    per_person = (
        known.assign(person=known[device].map(person)).groupby("person")["customer_id"].nunique()
    )
    rows = [
        ("devices_linked", int(linked.sum()), len(sizes)),
        ("events_linked", int(sizes[linked].sum()), int(sizes.sum())),
        ("devices_shared", int((per_device > 1).sum()), len(per_device)),
        ("people_merged", int(per_person[per_person > 1].sum()), int(per_person.sum())),
    ]
    if truth is not None:
        true = truth.drop_duplicates(device).set_index(device)["customer_id"].astype(str)
        both = true.index.intersection(sizes.index)
        # A pair of devices is joined where both have one person; known devices without a link stand
        # alone.
        said = person.reindex(both).where(
            person.reindex(both).notna(), "device:" + pd.Series(both, index=both).astype(str)
        )
        pairs = pd.DataFrame({"said": said, "true": true[both]})

        def count(keys):
            n = pairs.groupby(keys).size()
            return int((n * (n - 1) // 2).sum())

        hit = count(["said", "true"])
        rows += [("precision", hit, count(["said"])), ("recall", hit, count(["true"]))]
    table = pd.DataFrame(rows, columns=["measure", "count", "n"])
    table["estimate"] = table["count"] / table["n"].where(table["n"] > 0)
    table["conf_low"], table["conf_high"] = intervals.wilson(table["count"], table["n"], conf_level)
    # Events belong to devices, pairs of devices to persons: those are the units.
    blocks = {"events_linked": (sizes.to_numpy() * linked, sizes.to_numpy())}
    if truth is not None:
        for name, key in (("precision", "said"), ("recall", "true")):
            together = pairs.groupby(["said", "true"]).size().rename("n").reset_index()
            per = (
                together.assign(hit=together["n"] * (together["n"] - 1) / 2)
                .groupby(key)
                .agg(hit=("hit", "sum"), n=("n", "sum"))
            )
            blocks[name] = (per["hit"].to_numpy(), (per["n"] * (per["n"] - 1) / 2).to_numpy())
    for name, (y, x) in blocks.items():
        used = x > 0
        estimate, se, _, _ = intervals.ratio(y[used], x[used], conf_level)
        low, high = intervals.clustered(estimate, se, x.sum(), used.sum(), conf_level)
        table.loc[table["measure"] == name, ["conf_low", "conf_high"]] = [float(low), float(high)]
    return Result(
        question=Note(
            "journeys.identity_question", "How much of the data is tied to a known person?"
        ),
        table=table,
        method=Note(
            "journeys.identity_method",
            "Devices and persons that share one another are one person; Wilson intervals.",
        ),
        unit="devices",
        n=len(sizes),
        conf_level=conf_level,
        limits=(
            Note(
                "journeys.identity_limit",
                "Deterministic links only: a shared device joins its users into one person.",
            ),
        ),
        chart=Points(
            label=["measure"], percent=True, xlabel=Note("journeys.identity_axis", "Share")
        ),
    )
