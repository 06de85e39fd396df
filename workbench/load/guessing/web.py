"""Exports of web analytics: the GA4 export to BigQuery, flat and nested, and Matomo's visits."""

from workbench.load.guessing.draft import Draft
from workbench.notes import Note

GA4 = Note("guess.ga4", "the GA4 export, one row an event")
GA4_NESTED = Note("guess.ga4_nested", "the GA4 export with its nested parameters, one row an event")
MATOMO = Note("guess.matomo", "Matomo's log of visits, one row a visit")
SIGNED_IN = Note("guess.signed_in", "who signs in is one person before and another one after it")
FIRST_SOURCE = Note("guess.first_source", "traffic_source is where the person first came from")
ONLY_VISITS = Note("guess.only_visits", "the acts within a visit are not read")
MATOMO_UTC = Note("guess.matomo_utc", "Matomo's tables keep UTC")
PARAMETERS = ("ga_session_id", "page_location", "page_referrer", "source", "medium", "campaign")


def ga4(peek):
    """GA4: moments in microseconds; a person is the user_id, else the user_pseudo_id."""
    if not peek.has("event_timestamp", "event_name", "user_pseudo_id"):
        return None
    nested = peek.lists.get("event_params", ())
    draft = Draft("events", GA4_NESTED if nested else GA4, peek)
    if "user_id" in peek.columns and peek.values("user_id"):
        person = {"coalesce": ["user_id", "user_pseudo_id"]}
        draft.column("customer_id", person, SIGNED_IN)
    else:
        draft.column("customer_id", "user_pseudo_id")
    draft.moment("occurred_at", peek, "event_timestamp")
    draft.column("event", "event_name")
    keep = [name for name in PARAMETERS if name in nested and name not in peek.columns]
    if keep:
        draft.set("explode", {"column": "event_params", "key": "key", "keep": keep})
    here = {*peek.columns, *keep}
    _visit(draft, peek, here)
    return draft


def _visit(draft, peek, here):
    """Write the visit, the page, where it came from, the device and the money."""
    if "ga_session_id" in here:
        visit = {"concat": ["user_pseudo_id", "ga_session_id"], "separator": "."}
        draft.column("session_id", visit)
    for name, source in (("page", "page_location"), ("referrer", "page_referrer")):
        if source in here:
            draft.column(name, source)
    _sources(draft, peek)
    for name, parts in (
        ("device", ("device", "category")),
        ("value", ("ecommerce", "purchase_revenue")),
    ):
        if source := _block(peek, *parts):
            draft.column(name, source)
    if "value" not in draft.columns and (
        value := peek.first("purchase_revenue", "event_value_in_usd")
    ):
        draft.column("value", value)


def _block(peek, block, name):
    """Return a field of a block, as it is called nested or flat."""
    return peek.first(f"{block}.{name}", f"{block}_{name}")


def _sources(draft, peek):
    """Write where an event came from, the latest source before the first one."""
    parts = {}
    fields = (("source", "source"), ("medium", "medium"), ("campaign", "name"))
    for name, field in fields:
        late = "campaign_name" if name == "campaign" else name
        latest = _block(peek, "collected_traffic_source", f"manual_{late}")
        first = _block(peek, "traffic_source", field)
        known = [c for c in (latest, first) if c and peek.values(c)]
        if known:
            parts[name] = known[0] if len(known) == 1 else {"coalesce": known}
            draft.column(name, parts[name], FIRST_SOURCE if name == "source" else None)
    if {"source", "medium"} <= set(parts):
        both = [parts["source"], parts["medium"]]
        draft.column("channel", {"concat": both, "separator": " / "})


def matomo(peek):
    """Matomo: visits by the API `Live.getLastVisitsDetails`, or the table log_visit."""
    if peek.has("idVisit", "visitorId") and (
        when := peek.first("serverTimestamp", "firstActionTimestamp")
    ):
        draft = Draft("events", MATOMO, peek)
        _visitor(draft, peek, "userId", "visitorId")
        draft.moment("occurred_at", peek, when)
        acts = any("actionDetails" in n for n in (*peek.columns, *peek.lists))
        draft.column("event", {"value": "visit"}, ONLY_VISITS if acts else None)
        draft.column("session_id", "idVisit")
        draft.columns_of(
            peek,
            channel="referrerTypeName",
            source="referrerName",
            referrer="referrerUrl",
            device="deviceType",
            value="totalEcommerceRevenue",
        )
        return draft
    if peek.has("idvisit", "idvisitor", "visit_first_action_time"):
        draft = Draft("events", MATOMO, peek)
        _visitor(draft, peek, "user_id", "idvisitor")
        draft.moment("occurred_at", peek, "visit_first_action_time")
        draft.set("zone", "UTC", MATOMO_UTC)
        draft.column("event", {"value": "visit"}, ONLY_VISITS)
        draft.column("session_id", "idvisit")
        draft.columns_of(peek, source="referer_name", referrer="referer_url")
        return draft
    return None


def _visitor(draft, peek, known, cookie):
    if peek.values(known):
        draft.column("customer_id", {"coalesce": [known, cookie]}, SIGNED_IN)
    else:
        draft.column("customer_id", cookie)
