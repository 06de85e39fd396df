"""The canonical tables: their columns, what kind each is, and which are needed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column of a canonical table."""

    kind: str  # key, time, number, word, flag, or own: whatever the user's attribute reads as
    required: bool = False


def _columns(required, optional):
    return {
        **{n: Column(k, True) for n, k in required.items()},
        **{n: Column(k) for n, k in optional.items()},
    }


_WORDS = dict.fromkeys
TABLES = {
    "events": _columns(
        {"customer_id": "key", "occurred_at": "time", "event": "word"},
        {
            **_WORDS(("session_id", "product_id"), "key"),
            **_WORDS(
                (
                    "page",
                    "referrer",
                    "source",
                    "medium",
                    "campaign",
                    "channel",
                    "device",
                    "category",
                    "brand",
                    "stage",
                    "touchpoint",
                ),
                "word",
            ),
            "value": "number",
        },
    ),
    "orders": _columns(
        {"order_id": "key", "customer_id": "key", "ordered_at": "time", "amount": "number"},
        {
            **_WORDS(("currency", "channel", "status", "side"), "word"),
            "store_id": "key",
            "discount": "number",
        },
    ),
    "order_lines": _columns(
        {"order_id": "key", "product_id": "key", "quantity": "number", "amount": "number"},
        {
            **_WORDS(("category", "brand", "currency", "channel", "status", "side"), "word"),
            "customer_id": "key",
            "store_id": "key",
            "ordered_at": "time",
            "list_price": "number",
            "discount": "number",
            "on_promotion": "flag",
        },
    ),
    "customers": _columns({"customer_id": "key"}, {"side": "word", "acquired_at": "time"}),
    "exposures": _columns(
        {"customer_id": "key", "campaign_id": "key", "exposed_at": "time"},
        {"channel": "word", "variant": "word", "cost": "number", "redeemed_at": "time"},
    ),
    "choices": _columns(
        {"choice_id": "key", "customer_id": "key", "alternative": "word", "chosen": "flag"},
        {"available": "flag"},
    ),
    "surveys": _columns(
        {
            "response_id": "key",
            "respondent_id": "key",
            "answered_at": "time",
            "item": "word",
            "value": "number",
        },
        {
            "question_text": "word",
            "scale": "word",
            "stage": "word",
            "touchpoint": "word",
            "order_id": "key",
            "weight": "number",
        },
    ),
    "texts": _columns(
        {"text_id": "key", "text": "word", "created_at": "time"},
        {
            "customer_id": "key",
            "product_id": "key",
            "source": "word",
            "question_text": "word",
            "rating": "number",
            **_WORDS(("language", "stage", "touchpoint"), "word"),
            **_WORDS(("verified", "incentivised"), "flag"),
            "replied_at": "time",
        },
    ),
    "products": _columns(
        {"product_id": "key", "category": "word"}, {"brand": "word", "description": "word"}
    ),
    "deals": _columns(
        {"deal_id": "key", "customer_id": "key"},
        {
            "contact": "key",
            "role": "word",
            "won": "flag",
            "rating": "number",
            "opened_at": "time",
            "vendor_id": "key",
            "price": "number",
            "reply_hours": "number",
            "referred": "flag",
        },
    ),
    # How much customers use what they have, a row a customer and period (or feature in it).
    "usage": _columns(
        {"customer_id": "key", "period": "time", "uses": "number"},
        {"feature": "word", "volume": "number", "correct_use": "flag"},
    ),
    # Questions and complaints that a service desk answered.
    "tickets": _columns(
        {"ticket_id": "key", "customer_id": "key", "opened_at": "time"},
        {
            **_WORDS(("first_reply_at", "closed_at"), "time"),
            **_WORDS(("channel", "reason", "phase"), "word"),
            "contacts": "number",
            **_WORDS(("escalated", "solved_first", "reopened"), "flag"),
        },
    ),
    # Who asked whom to become a customer, and what came of it.
    "referrals": _columns(
        {"inviter_id": "key", "invited_at": "time"},
        {
            "invitee_id": "key",
            "accepted_at": "time",
            "order_id": "key",
            "reward_value": "number",
            "channel": "word",
        },
    ),
    # What coders saw in texts: a row a code, segment and coder.
    "codes": _columns(
        {"text_id": "key", "segment_id": "key", "coder_id": "key", "code": "word"},
        {
            "participant_id": "key",
            **_WORDS(("stage", "touchpoint", "text"), "word"),
            "interviewed_at": "time",
            "value": "number",
        },
    ),
    # A brand tracker: a row a respondent, brand and measure in each wave.
    "tracker": _columns(
        {
            "respondent_id": "key",
            "wave": "word",
            "brand": "word",
            "measure": "word",
            "value": "number",
        },
        {"answered_at": "time", "weight": "number"},
    ),
    # Members of a loyalty programme; with occurred_at a row a movement of points.
    "programme": _columns(
        {"customer_id": "key", "programme_id": "key", "joined_at": "time"},
        {
            "tier": "word",
            **_WORDS(("points_earned", "points_redeemed"), "number"),
            **_WORDS(("occurred_at", "left_at"), "time"),
        },
    ),
    # Who was asked to answer a survey, answered or not.
    "invitations": _columns(
        {"respondent_id": "key", "invited_at": "time"},
        {
            **_WORDS(("survey_id", "response_id", "order_id"), "key"),
            "answered_at": "time",
            **_WORDS(("channel", "stage", "touchpoint"), "word"),
        },
    ),
    # What campaigns cost, a row a day (or another period) and advert.
    "costs": _columns(
        {"campaign_id": "key", "occurred_at": "time", "cost": "number"},
        {
            "ad_id": "key",
            **_WORDS(("channel", "variant", "currency"), "word"),
            **_WORDS(("impressions", "clicks", "conversions", "revenue"), "number"),
        },
    ),
    # What households bought of all brands, wherever they bought it.
    "panels": _columns(
        {
            "household_id": "key",
            "ordered_at": "time",
            "category": "word",
            "brand": "word",
            "quantity": "number",
            "amount": "number",
        },
        {
            **_WORDS(("product_id", "order_id"), "key"),
            **_WORDS(("retailer", "channel", "currency"), "word"),
            "weight": "number",
            "on_promotion": "flag",
        },
    ),
}
# Columns beyond these are the user's own attributes.
EXTRA = {"choices": "own", "customers": "word", "deals": "own"}
UNIQUE = {
    "orders": ["order_id"],
    "customers": ["customer_id"],
    "products": ["product_id"],
    "texts": ["text_id"],
    "tickets": ["ticket_id"],
}
