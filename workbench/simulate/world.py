"""What is planted in the simulated market: its stages, events, channels, prices and effects."""

from dataclasses import dataclass, field

import numpy as np

from workbench.errors import InputError, one_of, unknown

DAY = 86_400_000_000
START = 1_735_689_600_000_000  # 2025-01-01 UTC
STAGES = (
    "need",
    "search",
    "evaluation",
    "intent",
    "purchase",
    "post_purchase",
    "retention",
    "advocacy",
    "idle",
)
NEED, SEARCH, EVALUATION, INTENT, PURCHASE, POST, RETENTION, ADVOCACY, IDLE = range(9)
# Event and the page it is seen on; {p} is a product. Events without a page happen off line.
PAGES = {
    "article_view": "/stories/{p}",
    "home_view": "/",
    "ad_click": "/landing",
    "site_search": "/search",
    "category_view": "/c/{p}",
    "guide_view": "/guides/{p}",
    "product_view": "/p/{p}",
    "review_read": "/p/{p}/reviews",
    "compare": "/compare",
    "price_view": "/p/{p}/price",
    "wish_list": "/wishlist",
    "out_of_stock": "/p/{p}/stock",
    "add_to_cart": "/cart",
    "begin_checkout": "/checkout",
    "shipping_info": "/checkout/shipping",
    "payment_submit": "/checkout/payment",
    "payment_failed": "/checkout/payment/failed",
    "order": "/checkout/thanks",
    "order_tracking": "/account/orders",
    "support_contact": "/support",
    "return": "/account/returns",
    "review_written": "/account/reviews",
    "loyalty_action": "/account/rewards",
    "newsletter_click": "/news",
    "referral_sent": "/invite",
    "store_visit": "",
    "friend_talk": "",
    "phone_call": "",
}
EVENTS = tuple(PAGES)
CODE = {name: i for i, name in enumerate(EVENTS)}
OFFLINE = np.array([not page for page in PAGES.values()])
CHECKOUT = np.array(
    [CODE[e] for e in ("add_to_cart", "begin_checkout", "shipping_info", "payment_submit", "order")]
)
EMISSION = {
    NEED: {
        "article_view": 0.34,
        "home_view": 0.34,
        "category_view": 0.14,
        "site_search": 0.06,
        "product_view": 0.06,
        "friend_talk": 0.06,
    },
    SEARCH: {
        "site_search": 0.20,
        "category_view": 0.27,
        "guide_view": 0.19,
        "home_view": 0.05,
        "product_view": 0.18,
        "store_visit": 0.06,
        "friend_talk": 0.05,
    },
    EVALUATION: {
        "product_view": 0.35,
        "review_read": 0.20,
        "compare": 0.12,
        "price_view": 0.12,
        "wish_list": 0.05,
        "out_of_stock": 0.03,
        "category_view": 0.05,
        "store_visit": 0.05,
        "phone_call": 0.03,
    },
}
# Chances of the next move after an event: stay, next stage, the one after that, one back, leave.
MOVES = {
    NEED: (0.25, 0.54, 0.08, 0.0, 0.13),
    SEARCH: (0.56, 0.31, 0.02, 0.03, 0.08),
    EVALUATION: (0.53, 0.26, 0.0, 0.11, 0.10),
    INTENT: (0.10, 0.76, 0.0, 0.05, 0.09),
}
BREAK = np.array([0.07, 0.14, 0.155, 0.035])  # chance that a visit ends after an event, by stage
CHANNELS = (
    "direct",
    "organic_search",
    "paid_search",
    "display",
    "social",
    "email",
    "referral",
    "affiliate",
)
SOURCE = {
    "direct": ("", "", ""),
    "organic_search": ("google", "organic", "https://www.google.com/"),
    "paid_search": ("google", "cpc", "https://www.google.com/"),
    "display": ("adnet", "display", ""),
    "social": ("instagram", "paid_social", "https://instagram.com/"),
    "email": ("newsletter", "email", ""),
    "referral": ("techblog.example", "referral", "https://techblog.example/review"),
    "affiliate": ("dealsite", "affiliate", "https://dealsite.example/"),
}
COST = {"paid_search": 0.85, "display": 0.30, "social": 0.45, "affiliate": 0.60}  # euro a click
# Needs a customer and day that a touch opens.
TRIGGERS = {"display": 0.0012, "social": 0.0016, "referral": 0.0008}
MAIL_EVERY, MAIL_TRIGGER, HOLDOUT = 14, 0.110, 0.20
# Channel of a visit that was nobody's doing, by stage: paid search mostly harvests people who were
# coming anyway.
VISITS = np.array(
    [
        [0.36, 0.30, 0.08, 0.03, 0.07, 0.04, 0.08, 0.04],
        [0.24, 0.34, 0.20, 0.02, 0.04, 0.02, 0.08, 0.06],
        [0.36, 0.24, 0.20, 0.02, 0.03, 0.03, 0.06, 0.06],
        [0.50, 0.18, 0.18, 0.01, 0.01, 0.05, 0.02, 0.05],
    ]
)
# What a channel that opened a need is called beside needs from within.
WOKEN = {
    "referral": "woken_by_friend",
    "display": "woken_by_advert",
    "social": "woken_by_advert",
    "email": "woken_by_mail",
}
SUBSTITUTE = {
    "direct": 0.95,
    "organic_search": 0.75,
    "paid_search": 0.80,
    "display": 0.5,
    "social": 0.5,
    "email": 0.6,
    "referral": 0.55,
    "affiliate": 0.75,
}
BRANDS = ("Alta", "Boreal", "Cedro", "Delft", "Esker", "Fjord")
APPEAL = np.array([0.55, 0.35, 0.15, 0.0, -0.15, -0.35])
QUALITY = np.array([0.3, 0.5, 0.0, 0.1, -0.2, -0.3])
RATING = np.array([4.3, 4.6, 4.0, 4.1, 3.7, 3.5])
PRICE = np.array([62.0, 74.0, 55.0, 58.0, 49.0, 44.0])
EFFECTS = {
    "price": -0.022,
    "promotion": 0.55,
    "reviews": 0.60,
    "loyalty": 1.8,
    "involvement": 0.60,
    "satisfaction": 1.1,
    "latency": 0.16,
    "barrier": 1.2,
    "referral": 0.9,
    "email": 1.0,
    "b2b": 1.0,
    "tracking": 1.0,
    "machine_opens": 1.0,
    "newcomer": 1.15,
    "impulse": 0.0,
    # Added to the chance (log scale) to leave, for needs that mail, display or social woke.
    "idle_touch": 1.7,
}
# Tests the firm may run: the stages in which the treatment makes people move on more often, and by
# how much (log scale).
TESTS = {
    "appearance": (EVALUATION,),
    "trust_seal": (INTENT,),
    "guide": (SEARCH,),
    "call_to_action": (NEED,),
    "matched_message": (NEED, SEARCH, EVALUATION, INTENT),
}
TEST_STRENGTH = 0.35
WORLDS = ("markov", "semi_markov", "mislabelled", "unseen_channel")


@dataclass(frozen=True)
class Settings:
    """Everything a simulated market depends on; see `workbench.simulate.market`."""

    customers: int = 5000
    days: int = 180
    seed: int = 1
    no_effect: tuple = ()
    channels_off: tuple = ()
    world: str = "markov"
    effects: dict = field(default_factory=dict)
    tests: tuple = ()
    arms: dict = field(default_factory=dict)

    def __post_init__(self):
        for name in self.no_effect:
            if name not in {**EFFECTS, **TESTS}:
                raise unknown("no_effect", "effect", name, [*EFFECTS, *TESTS])
        for name in self.effects:
            if name not in {**EFFECTS, **TESTS}:
                raise unknown("effects", "effect", name, [*EFFECTS, *TESTS])
        for name in (*self.tests, *self.arms):
            if name not in TESTS:
                raise unknown("tests", "test", name, TESTS)
        for name in self.channels_off:
            if name not in CHANNELS:
                raise unknown("channels_off", "channel", name, CHANNELS)
        one_of("world", self.world, WORLDS)
        if self.customers < 1 or self.days < 1 or self.seed < 0:
            raise InputError(
                "simulate.error_size",
                "market: customers and days must be at least 1 and the seed not negative, "
                "found {customers}, {days}, {seed}",
                customers=self.customers,
                days=self.days,
                seed=self.seed,
            )

    def effect(self, name):
        """Return the planted strength of an effect; 0 where it is switched off."""
        return (
            0.0
            if name in self.no_effect
            else self.effects.get(name, EFFECTS.get(name, TEST_STRENGTH))
        )


def prices(settings):
    """Return shelf price and promotion flag by week and brand; the same for every customer."""
    rng = np.random.default_rng(settings.seed)
    weeks = settings.days // 7 + 2
    promoted = rng.random((weeks, len(BRANDS))) < 0.12
    level = PRICE * np.exp(rng.normal(0, 0.06, (weeks, len(BRANDS))))
    return np.round(np.where(promoted, level * 0.82, level), 2), promoted


def cumulative(table, size):
    """Return the cumulative shares of an emission table."""
    shares = np.zeros(size)
    for name, share in table.items():
        shares[CODE[name]] = share
    return np.cumsum(shares / shares.sum())
