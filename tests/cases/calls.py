"""Every public function of every room, with every argument it documents: what the tests of hard
inputs call.
"""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
import test_results as base
from sklearn.dummy import DummyClassifier

from workbench import (
    attribution,
    choice,
    clv,
    conjoint,
    drivers,
    experience,
    experiments,
    funnels,
    influence,
    interests,
    interviews,
    journeys,
    loyalty,
    prediction,
    retention,
    segments,
    service,
    simulate,
    stages,
    surveys,
    voice,
)

ROOMS = (
    attribution,
    choice,
    clv,
    conjoint,
    drivers,
    experience,
    experiments,
    funnels,
    influence,
    interests,
    interviews,
    journeys,
    loyalty,
    prediction,
    retention,
    service,
    segments,
    stages,
    surveys,
    voice,
)
RNG = np.random.default_rng(7)


class Made:
    """A value that one of our own functions makes, once and only when it is needed."""

    def __init__(self, make):
        self.make = cache(make)

    def __repr__(self):
        return "Made"


@dataclass(frozen=True)
class Call:
    """A function, what it is given on ordinary data, and other values of its arguments."""

    function: object
    given: dict
    also: tuple = ()
    rivals: tuple = field(default=())

    def arguments(self, **changes):
        """Return the arguments with what is changed, everything made that has to be."""
        both = {**self.given, **changes}
        return {n: v.make() if isinstance(v, Made) else v for n, v in both.items()}

    def __call__(self, **changes):
        """Call the function; the first rival tables stand after the second argument."""
        given = self.arguments(**changes)
        if not self.rivals:
            return self.function(**given)
        first = [given.pop(n) for n in list(given)[:2]]
        return self.function(*first, *(r.make() for r in self.rivals), **given)


CALLS = {}


def use(room, name, *also, rivals=(), **given):
    """Register a call; every further dictionary is another set of arguments."""
    CALLS[f"{room.__name__.split('.')[-1]}.{name}"] = Call(getattr(room, name), given, also, rivals)


# ----------------------------------------------------------------------------------- the tables

EVENTS = base.EVENTS.assign(
    channel=base.EVENTS["group"], brand=base.EVENTS["group"] + "b", value=1.5
)
STEPS = ["p", "q", "r"]
SHOP, LONG, ORDERS, RETURNS, WIDE = base.SHOP, base.LONG, base.ORDERS, base.RETURNS, base.WIDE
VISITS, CHOICES, KINDS, TASKS, DESIGN = (
    base.VISITS,
    base.CHOICES,
    base.KINDS,
    base.TASKS,
    base.DESIGN,
)
LAST_DAY, MIDDLE, END = "2024-01-04", "2024-06-30", "2024-10-20"
LEVEL = {"conf_level": 0.9}
CLICKS = ORDERS.assign(occurred_at=ORDERS["ordered_at"], event="click")
GROUPS = pd.Series({c: "xy"[i % 2] for i, c in enumerate(sorted(set(ORDERS["customer_id"])))})
PANEL_ORDERS = base.BRANDS
SURVEYS = pd.DataFrame(
    {
        "response_id": range(360),
        "respondent_id": np.repeat([f"r{k}" for k in range(90)], 4),
        "answered_at": pd.Timestamp("2024-01-05", tz="UTC"),
        "item": np.tile(["q_a", "q_b", "q_c", "q_d"], 90),
        "value": RNG.integers(1, 8, 360).astype(float),
        "order_id": np.repeat([f"o{k}" for k in range(90)], 4),
    }
)
KANO = base.ANSWERS.assign(
    feature=base.ANSWERS["item"],
    functional=base.ANSWERS["value"] % 5 + 1,
    dysfunctional=base.ANSWERS["value"] % 4 + 1,
)
CAMPAIGN = pd.DataFrame(
    [
        (f"c{c}", pd.Timestamp(day, tz="UTC"), event, number)
        for c in range(0, 80, 2)
        for day, event, number in (
            ("2024-02-01", "campaign_received", 1),
            ("2024-07-01", "campaign_received", 2),
            ("2024-03-01", "coupon_redeemed", 1),
        )
    ],
    columns=["customer_id", "occurred_at", "event", "campaign_id"],
)
EXPOSURES = pd.DataFrame(
    {
        "customer_id": [f"c{k}" for k in range(80)],
        "campaign_id": np.where(np.arange(80) % 3 == 0, "spring", "summer"),
        "exposed_at": pd.Timestamp("2024-03-01", tz="UTC"),
        "variant": np.where(np.arange(80) % 4 == 0, "holdout", "mail"),
    }
)
COMPLAINTS = (
    ORDERS[ORDERS["amount"] * 100 % 5 < 1]
    .assign(
        opened_at=lambda d: d["ordered_at"] + pd.Timedelta("1h"),
        solved_at=lambda d: (d["ordered_at"] + pd.Timedelta("2D")).where(d["amount"] * 50 % 2 < 1),
    )
    .drop(columns=["ordered_at", "order_id", "amount"])
)
ACTS = pd.DataFrame(
    {
        "customer_id": ORDERS["customer_id"],
        "acted_at": ORDERS["ordered_at"],
        "act": np.where(ORDERS["amount"] > 20, "review", "referral"),
        "tone": np.where(ORDERS["amount"] > 15, "positive", "negative"),
    }
)
PATHS = pd.DataFrame(
    {
        "path": ["a > b", "a", "b > c > a", "c", "a > c"],
        "conversions": [20, 5, 10, 3, 0],
        "nulls": [30, 50, 20, 20, 9],
        "worth": [200.0, 40, 120, 30, 0],
        "who": ["u", "v", "w", "x", "y"],
    }
)
ITEMS = [f"i{k}" for k in range(6)]
MEMBERS = pd.DataFrame(
    {
        "customer_id": [f"c{k}" for k in range(0, 80, 2)],
        "joined_at": [
            pd.Timestamp("2024-05-01", tz="UTC") + pd.Timedelta(days=int(k) % 60)
            for k in range(0, 80, 2)
        ],
    }
)
MOVES = base.DEALS.assign(
    stage=base.DEALS["deal_id"] % 3, next_stage=base.DEALS["certified"] + base.DEALS["won"]
)
AT_ONCE = base.firsts(ORDERS)
FIRSTS = AT_ONCE.drop(columns=["order_id", "amount", "ordered_at"]).assign(
    recommend=AT_ONCE["grade"]
)
TESTS = pd.DataFrame({"channel": ["g", "h"], "incremental": [20.0, 15.0], "std_error": 5.0})
PUBLISHED = {"r": 0.2, "alpha": 4.0}
MARKET = Made(lambda: simulate.market(400, seed=5))
MARKET_EVENTS = Made(lambda: MARKET.make()["events"])
LABELS = Made(lambda: simulate.stated_stages(MARKET.make()))
MARKET_MODEL = Made(lambda: stages.fit_latent(MARKET_EVENTS.make(), labels=LABELS.make(), rounds=3))
MODEL = Made(lambda: stages.fit_latent(SHOP, rounds=3))
LONG_MODEL = Made(lambda: stages.fit_latent(LONG, rounds=2))
POSTERIOR = Made(lambda: stages.posterior(SHOP, MODEL.make()))
TRUE_NOW = Made(lambda: POSTERIOR.make()[["customer_id", "stage"]].copy())
PROFILE = Made(lambda: stages.profile(EVENTS, STEPS, evaluation="q", gap="9h"))
EPISODES = Made(lambda: stages.episodes(EVENTS, STEPS, gap="9h"))
TRUTH_LOG = EVENTS.rename(columns={"event": "stage"})[["customer_id", "occurred_at", "stage"]]
LINKED = Made(lambda: stages.link_true_stages(PROFILE.make(), TRUTH_LOG, STEPS))
CARTS = Made(
    lambda: stages.carts(EVENTS, cart="p", order="r", window="5h").assign(
        sent=lambda d: np.arange(len(d)) % 2 == 0, side=lambda d: d["customer_id"] % 2
    )
)
ASSIGNED = Made(lambda: stages.assign(SHOP).assign(label="search"))
STAGED = Made(lambda: stages.staged(SHOP))
JOURNEYS = Made(lambda: base.touches(EVENTS))
CREDIT = Made(lambda: attribution.markov(JOURNEYS.make(), draws=0))
CALIBRATED = Made(lambda: attribution.calibrate_to_experiments(CREDIT.make(), TESTS, draws=400))
FIT = Made(lambda: choice.conditional_logit(CHOICES, ["price", "display"]))
PARTS = Made(lambda: conjoint.part_worths(TASKS, ["brand", "price"], numeric=["price"]))
CUSTOMERS = Made(lambda: clv.customers(ORDERS))
TRAITED = Made(lambda: CUSTOMERS.make().assign(x=lambda d: np.arange(len(d)) % 5.0))
LEARNT = Made(lambda: clv.customers(ORDERS, learn_until=MIDDLE))
BUYING = Made(lambda: clv.mbg_nbd(CUSTOMERS.make()))
SPENDING = Made(lambda: clv.gamma_gamma(CUSTOMERS.make()))
WORTH = Made(
    lambda: clv.value(BUYING.make(), SPENDING.make(), CUSTOMERS.make(), horizon="364D").model
)
RFM = Made(lambda: loyalty.rfm(ORDERS, as_of="2024-07-30"))
PREDICTION = Made(lambda: prediction.repurchase_propensity(RETURNS, horizon="20D", draws=10))
COHORTS = Made(lambda: retention.cohorts(ORDERS))
JOINED = Made(
    lambda: loyalty.programme_panel(ORDERS, MEMBERS, begin="2024-05-01", until=END, period="month")
)
DIFFERENCE = Made(lambda: experiments.difference(WIDE, "many", variant="group"))


class Prices:
    """Choices whose prices were filled in, as `load` gives them."""

    def __init__(self, table, imputed):
        self.table, self.imputed = table, imputed


# ---------------------------------------------------------------------------------- the funnels

FUNNEL = {"events": EVENTS, "steps": STEPS}
SHORT = {"window": "9h", "until": LAST_DAY, **LEVEL}
use(
    funnels,
    "conversion",
    {"order": "strict", "strict_among": "all"},
    {"order": "any"},
    {"entry": "first", "immature": "count"},
    {"ties": "later"},
    {"ties": "2s"},
    {"by": "group", "hold": "brand"},
    {"steps": ["p", ["q", "r"]], "step_windows": "3h"},
    {"exclude": ["x"], "exclude_between": (1, 2), "exclusion": "removes"},
    {"optional": ["q"]},
    {"enter": "any"},
    {"window": None},
    *({"semantics": s} for s in ("posthog", "mixpanel", "ga4", "amplitude")),
    {"column": "group", "steps": ["g", "h"]},
    **FUNNEL,
    **SHORT,
)
use(
    funnels,
    "compare_definitions",
    {"exclude": ["x"], "hold": "group"},
    {"window": None},
    {"column": "group", "steps": ["g", "h"]},
    {"steps": ["p", ["q", "r"]]},
    **FUNNEL,
    **SHORT,
)
for name, more in (("compare_entry", {"exclude": ["x"]}), ("compare_orders", {})):
    use(
        funnels,
        name,
        {"window": None},
        {"hold": "group", **more},
        {"steps": ["p", ["q", "r"]]},
        **FUNNEL,
        **SHORT,
    )
use(
    funnels,
    "correlates",
    {"window": None, "properties": ["group", "channel"], "column": "event"},
    {"steps": ["p", ["q", "r"]], "until": LAST_DAY, **LEVEL},
    events=EVENTS,
    steps=["p", "r"],
    window="9h",
    least=5,
)
use(
    funnels,
    "compare_groups",
    {"window": None},
    {"by": "channel", "exclude": ["x"]},
    {"steps": ["p", ["q", "r"]]},
    by="group",
    **FUNNEL,
    **SHORT,
)
for name, more in (("drop_off", {}), ("time_to_convert", {"exclude": ["x"]})):
    use(
        funnels,
        name,
        {"by": "group", "hold": "brand", **more},
        {"window": None},
        {"column": "group", "steps": ["g", "h"]},
        {"steps": ["p", ["q", "r"]]},
        {"steps": [["p", "x"], "q"]},
        **FUNNEL,
        **SHORT,
    )

# ----------------------------------------------------------------------------------- the stages

LOG = {"events": EVENTS, "stages": STEPS, "gap": "9h"}
TILL = ({"until": LAST_DAY}, {"hold": "group"}, {"column": "group", "stages": ["g", "h"]})
use(stages, "true_occasions", linked=LINKED, stages=STEPS)
use(
    stages,
    "assign",
    {"rules": base.RULES},
    {"order": ["order", "compare"], "gap": "9h", "timeout": "10min", "until": LAST_DAY},
    events=SHOP,
)
use(
    stages,
    "barriers",
    {"stage": "p", "adjust": ["channel"], "until": LAST_DAY, **LEVEL},
    barrier="g",
    column="event",
    action="group",
    draws=20,
    seed=2,
    **LOG,
)
use(stages, "align", events=SHOP, assigned=ASSIGNED, column="group")
use(
    stages,
    "purchase_propensity",
    {"order": "compare", "moment": "2024-01-03", "bins": 4, **LEVEL},
    events=LONG,
    model=LONG_MODEL,
    window="20h",
)
use(stages, "cart_abandonment", {"by": "side", **LEVEL}, carts=CARTS)
use(
    stages,
    "carts",
    {"column": "group", "cart": "g", "order": "h"},
    {"window": "5h", "until": LAST_DAY},
    events=EVENTS,
    cart="p",
    order="r",
)
use(
    stages,
    "checkout",
    {"failed": None, "slow": "1s"},
    {"until": LAST_DAY, "column": "group", "steps": ["g", "h"], "failed": None, **LEVEL},
    events=EVENTS,
    steps=STEPS,
    failed="x",
    window="5h",
)
use(
    stages,
    "checkpoints",
    {"time": "closed_at", "period": "week", **LEVEL},
    profile=PROFILE,
    rules={"short": "sessions <= 2"},
    period="day",
)
use(
    stages,
    "compare_time",
    {"hold": "brand", "until": LAST_DAY, **LEVEL},
    {"column": "event"},
    by="group",
    stage="p",
    horizon="5h",
    **LOG,
)
for name in ("consideration", "path_complexity", "search", "touchpoints"):
    use(stages, name, LEVEL, profile=PROFILE)
use(stages, "events_by_stage", staged=STAGED)
use(stages, "crosswalk", {"taxonomy_": Made(stages.taxonomy)})
use(stages, "unobserved_paths", LEVEL, episodes=EPISODES, stages=STEPS, begins="q")
use(stages, "decision_complexity", LEVEL, profile=PROFILE, draws=20, seed=2)
use(stages, "drop_location", LEVEL, episodes=EPISODES, stages=STEPS)
use(
    stages,
    "logistic_gee",
    LEVEL,
    outcome=EVENTS["event"] == "p",
    drivers=EVENTS.assign(x=EVENTS["occurred_at"].dt.hour)[["x"]],
    customer=EVENTS["customer_id"],
)
use(stages, "episodes", *TILL, **LOG)
use(
    stages,
    "fit_latent",
    {"label_error": 0.2, "anchor": 0.3, "most": 300, "coverage": 0.8, "seed": 2},
    {"rules": base.RULES, "column": "event", "until": "2025-05-01"},
    events=MARKET_EVENTS,
    labels=LABELS,
    rounds=2,
)
use(stages, "flows", LEVEL, profile=PROFILE, stages=STEPS)
use(stages, "gap_sensitivity", *TILL, LEVEL, events=EVENTS, stages=STEPS, gaps=["5h", "9h"])
use(stages, "hazards", *TILL, LEVEL, days=(0, 1), **{**LOG, "gap": "30h"})
use(
    stages,
    "intention",
    {"until": "2024-01-05", **LEVEL},
    answers=SHOP.assign(answered_at=SHOP["occurred_at"].dt.tz_localize("UTC"), value=SHOP["level"])[
        ["customer_id", "answered_at", "value"]
    ],
    orders=SHOP[SHOP["event"] == "order"]
    .assign(ordered_at=lambda o: o["occurred_at"].dt.tz_localize("UTC"))[
        ["customer_id", "ordered_at"]
    ]
    .reset_index(drop=True),
    window="9h",
    most=10,
)
use(
    stages,
    "latent_score",
    {"names": ["same"], **LEVEL},
    posterior=POSTERIOR,
    truth=TRUE_NOW,
    rivals=(POSTERIOR,),
)
use(stages, "learning", {"label_error": 0.2}, model=MODEL, events=SHOP)
use(
    stages,
    "mapping_quality",
    {"label": None},
    {"seed": 2, **LEVEL},
    assigned=ASSIGNED,
    label="label",
)
use(stages, "posterior", {"moment": "2024-01-03"}, events=SHOP, model=MODEL)
use(stages, "observed_stages", staged=STAGED)
use(
    stages,
    "profile",
    *TILL[:2],
    {"column": "group", "stages": ["g", "h"], "evaluation": "g"},
    {"timeout": "10min", "seriously": 1},
    evaluation="q",
    **LOG,
)
use(stages, "reach", LEVEL, episodes=EPISODES, stages=STEPS)
use(stages, "recovery", {"contacted": "sent", "until": LAST_DAY, **LEVEL}, carts=CARTS, window="9h")
use(
    stages,
    "relabel",
    {"of": "canonical", "taxonomy_": Made(stages.taxonomy)},
    values=["search", "purchase"],
    to="five_stages",
)
use(stages, "reliability", {"bins": 4, **LEVEL}, posterior=POSTERIOR, truth=TRUE_NOW)
for name, more in (("rule_posterior", {}), ("stage_logit", {"label_error": 0.2})):
    use(
        stages,
        name,
        {"moment": "2025-05-01", **more},
        events=MARKET_EVENTS,
        model=MARKET_MODEL,
        labels=LABELS,
    )
use(
    stages,
    "skip_contrast",
    {"by": "orders_before", **LEVEL},
    {"linked": LINKED},
    profile=PROFILE,
    stages=["p"],
)
use(
    stages,
    "skipping",
    {"linked": LINKED, **LEVEL},
    profile=PROFILE,
    stages=["p", "q"],
    draws=20,
    seed=2,
)
use(
    stages,
    "source_mix",
    {"column": "group", "kinds": {"a": ["g"], "b": ["h"]}, "until": LAST_DAY, **LEVEL},
    events=EVENTS,
    kinds={"written": ["p"], "online": ["q", "r"]},
)
use(
    stages,
    "staged",
    {"rules": base.RULES, "until": LAST_DAY},
    {"order": "order", "gap": "9h"},
    events=SHOP,
)
use(stages, "taxonomy", {"path": base.RULES})
use(stages, "time_in_stage", *TILL, {"unit": "hours", **LEVEL}, **LOG)
use(
    stages,
    "time_to_purchase",
    {"by": "first_stage", **LEVEL},
    episodes=EPISODES,
)
use(stages, "triggers", {"by": "last_channel", **LEVEL}, occasions=PROFILE)
use(stages, "variants", {"top": 3, **LEVEL}, profile=PROFILE)
use(stages, "stage_distribution", LEVEL, {"model": MODEL}, posterior=POSTERIOR)
use(stages, "link_true_stages", profile=PROFILE, truth=TRUTH_LOG, stages=STEPS)
use(
    stages,
    "world_score",
    {"label_error": 0.2, **LEVEL},
    {"model": MARKET_MODEL},
    market=MARKET,
    moment="2025-05-01",
)

# --------------------------------------------------------------------------------- the journeys

use(
    journeys,
    "active_periods",
    {"since": "2024-01-02", "until": LAST_DAY, "zone": "Europe/Amsterdam", "top": 2, **LEVEL},
    {"period": "week"},
    events=EVENTS,
)
use(journeys, "assign_channels", {"own_hosts": ["shop.example"]}, events=VISITS)
use(
    journeys,
    "channel",
    source="google",
    medium="cpc",
    campaign="spring",
    referrer="https://www.google.com/",
)
use(journeys, "compare_sessions", {"zone": "Europe/Amsterdam", **LEVEL}, events=EVENTS)
STARTS = {"events": EVENTS, "timeout": "4h"}
use(
    journeys,
    "distinguishing_paths",
    {"column": "group", "goal": "g", "top": 3, "until": LAST_DAY, **LEVEL},
    goal="r",
    steps=2,
    least=5,
    **STARTS,
)
use(
    journeys,
    "identify",
    {"device": "session_id"},
    events=VISITS.drop(columns="customer_id"),
    links=VISITS,
)
use(
    journeys,
    "identity_quality",
    {"device": "session_id"},
    {"truth": VISITS[["device_id", "customer_id"]].drop_duplicates(), **LEVEL},
    events=VISITS,
    links=VISITS[VISITS["event"] == "p"],
)
use(
    journeys,
    "lifecycle",
    {"lookback": "2D", "zone": "Europe/Amsterdam", "until": LAST_DAY, **LEVEL},
    {"period": "month", "events": CLICKS},
    events=EVENTS,
    period="day",
)
use(
    journeys,
    "next_event",
    {"orders": (0, 1), "column": "group", "until": LAST_DAY, **LEVEL},
    **STARTS,
)
use(journeys, "omnichannel", {"offline": ["h"], **LEVEL}, profile=PROFILE)
use(journeys, "parse_utm", page="https://shop.example/p?utm_source=News")
use(
    journeys,
    "paths",
    {"column": "group", "steps": 2, "top": 3, "until": LAST_DAY, **LEVEL},
    **STARTS,
)
for side, anchor in (("paths_to", {"goal": "r"}), ("paths_from", {"start": ["p", "q"]})):
    use(
        journeys,
        side,
        {"column": "group", "steps": 2, "top": 3, "until": LAST_DAY, **LEVEL}
        | dict.fromkeys(anchor, "g"),
        **anchor,
        **STARTS,
    )
use(
    journeys,
    "sessions",
    *({"rule": r} for r in ("ga4", "matomo", "posthog")),
    {"timeout": "4h", "zone": "Europe/Amsterdam", **LEVEL},
    events=EVENTS,
)
use(
    journeys,
    "stickiness",
    {"period": "month", "zone": "Europe/Amsterdam", "until": MIDDLE, **LEVEL},
    events=CLICKS,
)
use(journeys, "tagging", {"own_hosts": ["shop.example"], **LEVEL}, events=VISITS)
use(journeys, "transitions", {"timeout": "2h", **LEVEL}, events=EVENTS)

# ------------------------------------------------------------------------------------ retention

BOUGHT = {"orders": ORDERS}
OVER = {"zone": "Europe/Amsterdam", "until": MIDDLE, **LEVEL}
HALF = Made(lambda: base.halves(ORDERS))
use(retention, "purchase_frequency", OVER, {"by": HALF}, **BOUGHT)
use(retention, "churn_moments", OVER, {"silence": "30D"}, {"by": HALF}, **BOUGHT)
use(
    retention,
    "cohorts_by",
    OVER,
    {"period": "week"},
    {"clock": "rolling"},
    by=HALF,
    **BOUGHT,
)
use(
    retention,
    "cohorts",
    OVER,
    {"period": "week", "clock": "rolling", "criterion": "on_or_after"},
    {"measure": "revenue"},
    {"entry": "every"},
    **BOUGHT,
)
SPELLS = {"table": base.SPELLS}
TIMES = {"time": "days", "event": "ended"}
use(
    retention,
    "cox",
    {"cluster": "customer_id", **LEVEL},
    {"strata": "group", "covariates": ["x"]},
    {"penalty": "firth", "covariates": ["x"]},
    TIMES,
    covariates=["x", "group"],
    **SPELLS,
)
use(
    retention,
    "survival_curves",
    {"customer": "customer_id", "horizon": 40.0, **TIMES, **LEVEL},
    {"entry": "begun", "table": base.SPELLS.assign(begun=0.5), "customer": "customer_id"},
    by="group",
    **SPELLS,
)
use(
    retention,
    "day_retention",
    OVER,
    {"kind": "n_day", "by": GROUPS},
    {"kind": "unbounded", "days": [1, 8]},
    **BOUGHT,
)
use(
    retention,
    "engagement",
    {"acts": ["click"], "machine": "machine", "months": 3, "zone": "Europe/Amsterdam", **LEVEL},
    events=CLICKS[["customer_id", "occurred_at", "event"]].assign(machine=False),
    **BOUGHT,
)
use(
    retention,
    "event_retention",
    {"back": "r", "ages": [1, "2+", "1-2"], "until": LAST_DAY, **LEVEL},
    {"by": "group", "clock": retention.Clock(("4h", "hour"), "every", "Europe/Amsterdam")},
    {"back": {"event": ["q", "r"], "channel": "g"}, "clock": retention.Clock("week", "every")},
    {"by": "channel", "ages": [1]},
    events=EVENTS,
    start="p",
)
use(retention, "ever_repeat", LEVEL, **BOUGHT)
use(
    retention,
    "competing_risks",
    {"time": "days", "customer": "customer_id", "horizon": 30.0, **LEVEL},
    cause="why",
    **SPELLS,
)
use(retention, "mean_curve", LEVEL, cohorts=COHORTS)
use(
    retention,
    "retention_trend",
    {**OVER, "until": "2024-09-30"},
    {"days": (1, 15), "period": "week"},
    **BOUGHT,
)
use(
    retention,
    "parametric",
    *({"family": f} for f in ("exponential", "log_logistic", "log_normal")),
    {"cluster": "customer_id", **TIMES, **LEVEL},
    covariates=["x"],
    **SPELLS,
)
use(retention, "interpurchase_times", {"zone": "Europe/Amsterdam", "until": MIDDLE}, **BOUGHT)
use(
    retention,
    "discrete_time_hazard",
    {"cluster": "customer_id", "most": 3, **TIMES, **LEVEL},
    covariates=["x"],
    width=20,
    **SPELLS,
)
use(
    retention,
    "next_amounts",
    LEVEL,
    times=Made(lambda: retention.times_to_return(**BOUGHT)),
)
use(
    retention,
    "repeat_rate",
    OVER,
    {"windows": ["30D"]},
    {"washout": "20D"},
    {"by": HALF},
    **BOUGHT,
)
use(
    retention,
    "retention_rate",
    {"active": "60D", "zone": "Europe/Amsterdam", **LEVEL},
    begin="2024-05-01",
    end="2024-08-01",
    **BOUGHT,
)
use(retention, "time_to_repurchase", OVER, {"after": 2, "by": GROUPS}, **BOUGHT)
use(
    retention,
    "times_to_return",
    {"after": 2, "zone": "Europe/Amsterdam", "until": MIDDLE},
    **BOUGHT,
)

# ------------------------------------------------------------------------------------------ clv

use(clv, "bg_bb", {"seed": 2, **LEVEL}, customers=base.GIVERS)
for name in ("bg_nbd", "mbg_nbd", "pareto_nbd"):
    use(
        clv,
        name,
        {"orders_by": ["x"], "leaving_by": ["x"], "seed": 2, **LEVEL},
        customers=TRAITED,
    )
use(clv, "by_frequency", people=WORTH)
use(clv, "compare_published", result=BUYING, published=PUBLISHED)
use(clv, "sbg", {"ahead": 2, **LEVEL}, survivors=[100, 70, 55, 48, 44])
use(
    clv,
    "customers",
    {"unit": "day", "zone": "Europe/Amsterdam", "until": "2024-09-30"},
    {"learn_until": MIDDLE},
    **BOUGHT,
)
use(clv, "gamma_gamma", {"seed": 2, **LEVEL}, customers=CUSTOMERS)
use(clv, "holdout", {"seed": 2, **LEVEL}, customers=LEARNT, models=["mbg_nbd"], draws=20)
use(clv, "expected_purchases", fit=BUYING, customers=CUSTOMERS, ahead="182D")
use(
    clv,
    "tracking_plot",
    {"zone": "Europe/Amsterdam", "step": "14D", **LEVEL},
    fit=BUYING,
    customers=CUSTOMERS,
    **BOUGHT,
)
use(
    clv,
    "value",
    {"past": Made(lambda: CALLS["clv.backtest"]())},
    {"discount": 0.0, "margin": 0.3, **LEVEL},
    fit=BUYING,
    spending=SPENDING,
    customers=CUSTOMERS,
    horizon="364D",
)
use(
    clv,
    "backtest",
    {"zone": "Europe/Amsterdam", "until": "2024-09-30", "seed": 2, **LEVEL},
    {"dates": 3},
    horizon="60D",
    models=["mbg_nbd"],
    **BOUGHT,
)

# -------------------------------------------------------------------------------------- loyalty

LINES = {"lines": PANEL_ORDERS.assign(quantity=1 + np.arange(len(PANEL_ORDERS)) % 3)}
DRAWN = {"draws": 20, "seed": 2}
OPTIONS = ({"households": 160, "most": 5, "by": "occasions", "brand": "brand"}, LEVEL)
use(
    loyalty,
    "advocacy",
    {"answers": FIRSTS, "window": "60D", **LEVEL},
    {"customers": pd.DataFrame({"customer_id": sorted(set(ORDERS["customer_id"]))})},
    acts=ACTS,
    customers=200,
)
use(loyalty, "programme_baseline", joined=JOINED)
use(
    loyalty,
    "buyer_moderation",
    {"households": 150, "zone": "Europe/Amsterdam", **LEVEL},
    until="2024-05-30",
    **LINES,
    **DRAWN,
)
use(loyalty, "dick_basu", {"cuts": (0.0, 0.0), **LEVEL}, table=WIDE, attitude="i0", behaviour="i1")
for name in ("dirichlet", "double_jeopardy", "duplication", "brand_performance"):
    use(loyalty, name, *OPTIONS, households=150, **LINES, **DRAWN)
use(
    loyalty,
    "heavy_buyers",
    {"shares": (0.1,), **LEVEL},
    {"households": 150},
    **LINES,
    **DRAWN,
)
use(
    loyalty,
    "programme_panel",
    {"period": "week", "zone": "Europe/Amsterdam", "until": END},
    members=MEMBERS,
    begin="2024-05-01",
    **BOUGHT,
)
use(loyalty, "nbd", penetration=0.4, rate=2.0)
use(loyalty, "purchase_panel", *OPTIONS[:1], {"by": "quantity"}, **LINES)
use(
    loyalty,
    "referral",
    {"customers": pd.DataFrame({"customer_id": [f"c{k}" for k in range(120)]})},
    LEVEL,
    invites=base.INVITES,
    customers=200,
)
use(
    loyalty,
    "repeat_buying",
    {"zone": "Europe/Amsterdam", **LEVEL},
    begin="2024-02-01",
    length="60D",
    households=400,
    **BOUGHT,
    **DRAWN,
)
use(
    loyalty,
    "rfm",
    {"as_of": MIDDLE, "zone": "Europe/Amsterdam", "groups": 4},
    {"cuts": {"recency": [30, 90], "orders": [2, 5], "amount": [20, 90]}},
    **BOUGHT,
)
use(
    loyalty,
    "satisfaction_link",
    {"score": "recommend", **LEVEL},
    answers=FIRSTS.rename(columns={"grade": "satisfaction"}),
    window="30D",
    **BOUGHT,
)
use(loyalty, "rfm_segments", {"window": "30D", **LEVEL}, scored=RFM, **BOUGHT)
use(
    loyalty,
    "service_recovery",
    {"link": "7D", "repair": "3D", "zone": "Europe/Amsterdam", **LEVEL},
    complaints=COMPLAINTS,
    window="30D",
    **BOUGHT,
)
use(loyalty, "switching", {"brand": "brand", "most": 3, **LEVEL}, **LINES)
use(loyalty, "two_periods", {"until": "2024-05-30"}, **LINES)
use(
    loyalty,
    "win_back",
    {"held": "mail", "randomised": False, **LEVEL},
    contacts=FIRSTS,
    window="30D",
    **BOUGHT,
)

# ----------------------------------------------------------------------------------- prediction

use(
    prediction,
    "calibration",
    {"model": "recency_only", "groups": 4, **LEVEL},
    prediction=PREDICTION,
)
use(
    prediction,
    "forecast",
    {"measure": "amount", "ahead": 2, "inflow": 3, "level": 3, "season": 4},
    {"zone": "Europe/Amsterdam", "until": "2024-06-01", **LEVEL},
    orders=RETURNS,
    period="week",
)
use(
    prediction,
    "features",
    {"zone": "Europe/Amsterdam", "until": END},
    at=MIDDLE,
    horizon="30D",
    **BOUGHT,
)
use(
    prediction,
    "repurchase_propensity",
    {"at": "2024-05-01", "value": 10.0, "cost": 1.0, "zone": "Europe/Amsterdam"},
    {"until": "2024-06-05", "seed": 2, **LEVEL},
    {"learner": DummyClassifier()},
    orders=RETURNS,
    horizon="20D",
    draws=10,
)

# -------------------------------------------------------------------------- choice and conjoint

LIKES = ["price", "display"]
CHOSEN = {"choices": CHOICES, "attributes": LIKES}
TWO = {"choices": KINDS, "attributes": LIKES}
use(
    choice,
    "compare_rules",
    {"term": "display", **LEVEL},
    variants={"one": Prices(CHOICES, 0.1), "two": Prices(KINDS, 0.2)},
    attributes=LIKES,
)
use(choice, "conditional_logit", {"constants": False, **LEVEL}, {"penalty": "firth"}, **CHOSEN)
use(choice, "elasticities", {"attribute": "price", **LEVEL}, fit=FIT, choices=CHOICES)
use(
    choice,
    "holdout",
    {"share": 0.3, "seed": 2, "models": {"plain": choice.conditional_logit}, **LEVEL},
    **CHOSEN,
)
use(choice, "iia_test", LEVEL, **CHOSEN)
use(
    choice,
    "latent_class",
    {"membership": ["trait"], "constants": False, "seed": 2, **LEVEL},
    choices=KINDS.assign(trait=KINDS["customer_id"] % 7),
    attributes=LIKES,
    classes=2,
    starts=3,
)
use(
    choice,
    "select_latent_classes",
    {"share": 0.3, "constants": False, "seed": 2, **LEVEL},
    most=2,
    starts=3,
    **TWO,
)
use(
    choice,
    "mixed_logit",
    {"constants": False, "seed": 2, **LEVEL},
    {"random": {"price": "negative_lognormal"}},
    random={"display": "normal"},
    draws=20,
    **TWO,
)
use(choice, "most_chosen", choices=CHOICES)
use(
    choice,
    "nested_logit",
    {"constants": False, "common": False, **LEVEL},
    {"shares": {f"brand {k}": 0.25 for k in range(4)}},
    nests={"x": ["brand 0", "brand 1"], "y": ["brand 2", "brand 3"]},
    common=True,
    **TWO,
)
use(choice, "some_customers", {"seed": 2}, choices=CHOICES, customers=20)
use(
    choice,
    "state_dependence",
    {"order": "choice_id", "seed": 2, **LEVEL},
    choices=CHOICES,
    attributes=["price"],
    draws=20,
)
use(
    choice,
    "simulate_shares",
    {"remove": ["brand 3"], **LEVEL},
    fit=FIT,
    choices=CHOICES,
    change={"price": {"brand 0": 1.1}},
)
use(choice, "willingness_to_pay", {"price": "price", "seed": 2, **LEVEL}, fit=FIT, draws=100)
use(conjoint, "answer_quality", {"better": {"price": "low"}, **LEVEL}, choices=TASKS)
use(conjoint, "best_worst", {"penalty": "firth"}, LEVEL, answers=base.CLOTHES)
use(
    conjoint,
    "best_worst_design",
    {"tasks": 6, "per_task": 3, "seed": 2},
    items=list("abcdef"),
    versions=2,
)
OFFERS = {"brand": ["A", "B", "C"], "price": [1, 2, 3]}
use(
    conjoint,
    "choice_design",
    {"blocks": 3, "prior": {("price", 3): -0.5}, "fixed": [{"brand": "A", "price": 1}], "seed": 2},
    attributes=OFFERS,
    tasks=9,
    alternatives=3,
    starts=1,
)
SAID = pd.DataFrame(
    {
        "respondent_id": [f"r{k}" for k in range(40)],
        **{f"task_{t}": RNG.integers(0, 4, 40) for t in range(1, 10)},
    }
)
use(conjoint, "choices", design=DESIGN, answers=SAID, none=True)
use(
    conjoint,
    "design_check",
    {"respondents": 50, "prior": {("price", 3): -0.5}, **LEVEL},
    design=DESIGN,
)
use(conjoint, "gabor_granger", LEVEL, answers=base.LADDER, draws=20, seed=2)
use(conjoint, "importance", LEVEL, fit=PARTS, draws=20, seed=2)
use(conjoint, "numeric_attributes", {"levels": 2}, choices=TASKS, attributes=["brand", "price"])
use(
    conjoint,
    "part_worths",
    {"numeric": ["price"], "penalty": "firth", **LEVEL},
    choices=TASKS,
    attributes=["brand", "price"],
)
use(conjoint, "van_westendorp", LEVEL, answers=base.PRICED, draws=20, seed=2)
use(conjoint, "willingness_to_pay", {"seed": 2, **LEVEL}, fit=PARTS, price="price", draws=100)

# ------------------------------------------------------------------------------------- drivers

TABLE = {"table": WIDE}
use(drivers, "attitude", LEVEL, answers=base.BELIEFS)
use(
    drivers,
    "explore_factors",
    {"rotation": "varimax", "seed": 2, **LEVEL},
    items=ITEMS,
    factors=1,
    draws=10,
    **TABLE,
)
RATED = {"outcome": "many", "drivers": ["i0", "i1", "i2"], "draws": 20, "seed": 2, **TABLE}
use(
    drivers,
    "importance_performance",
    {"kind": "logit", "outcome": "y", "cluster": "customer_id", **LEVEL},
    **RATED,
)
use(drivers, "kano", LEVEL, answers=KANO)
use(
    drivers,
    "key_drivers",
    {"kind": "logit", "outcome": "y", "cluster": "customer_id", "low": -1, "high": 1, **LEVEL},
    **RATED,
)
use(
    drivers,
    "mediation",
    {"covariates": ["i3"], "cluster": "customer_id", "randomised": True, **LEVEL},
    {"moderator": "i4"},
    {"mediators": ["i1", "i3"]},
    cause="i0",
    mediators="i1",
    outcome="i2",
    **DRAWN,
    **TABLE,
)
use(
    drivers,
    "moderation",
    {"covariates": ["i3"], "cluster": "customer_id", **LEVEL},
    {"kind": "logit", "outcome": "y"},
    cause="i0",
    moderator="i1",
    outcome="i2",
    **TABLE,
)
use(
    drivers,
    "regression",
    {"kind": "logit", "outcome": "y", "cluster": "customer_id", "randomised": ["i0"], **LEVEL},
    {"kind": "logit", "outcome": "y", "penalty": "firth"},
    {"kind": "ordinal", "outcome": "grade"},
    {"kind": "poisson", "outcome": "grade"},
    table=WIDE.assign(grade=np.arange(160) % 4),
    outcome="many",
    terms=["i0", "group"],
)
SCALES = {"scales": {"s": ["i0", "i1", "i2"], "z": ["i3", "i4", "i5"]}, **TABLE}
use(drivers, "reliability", LEVEL, **SCALES, **DRAWN)
use(drivers, "scale_means", {"cluster": "customer_id", **LEVEL}, **SCALES)
use(
    drivers,
    "service_gap",
    LEVEL,
    answers=base.ANSWERS.assign(
        dimension=base.ANSWERS["item"],
        expectation=base.ANSWERS["value"],
        perception=8 - base.ANSWERS["value"],
    ),
)
FACTORS = base.ANSWERS.rename(columns={"item": "factor"})
use(
    drivers,
    "stated_importance",
    {"kind": "rank", "answers": FACTORS.assign(value=np.tile([1.0, 2, 3, 4, 5], 90))},
    {"kind": "named", "answers": FACTORS.assign(value=np.arange(450) % 2)},
    {"top": 6.0, **LEVEL},
    answers=FACTORS,
)
use(drivers, "structural", LEVEL, model="f =~ i0 + i1 + i2 + i3", **TABLE)
use(drivers, "validity", LEVEL, **SCALES, **DRAWN)
use(drivers, "pivot_survey", {"items": ["q_a", "q_b"], "prefix": "q_"}, surveys=SURVEYS)

# ------------------------------------------------------------------------------------- surveys

HEAVY = base.OPINIONS.assign(weight=1.0 + (base.OPINIONS["touchpoint"] == "shop"))
SAID = {"surveys": base.OPINIONS}
BOXES = {"measure": "mean", "scale": (1, 7), "top": 3}
use(
    surveys,
    "answers_needed",
    {"measure": "share", "variance": 0.2, "response": 0.3, "design_effect": 1.4, **LEVEL},
    half_width=5,
)
use(
    surveys,
    "ces",
    {"by": "touchpoint", "item": "satisfaction", **LEVEL},
    version="agreement",
    **SAID,
)
use(surveys, "crosstab", LEVEL, item="satisfaction", by="touchpoint", **SAID)
use(
    surveys, "csat", {"item": "effort", "by": "touchpoint", "top": 3, **LEVEL}, scale=(1, 7), **SAID
)
use(
    surveys,
    "differences",
    {**BOXES, **LEVEL},
    {"measure": "nps", "item": "recommend"},
    item="satisfaction",
    by="touchpoint",
    scale=(1, 7),
    **SAID,
)
use(
    surveys,
    "nonresponse",
    {"window": "20D", "until": "2024-03-20", **LEVEL},
    invitations=base.ASKED,
    terms=["orders", "channel"],
)
use(surveys, "nps", {"item": "effort", "by": "touchpoint", **LEVEL}, **SAID)
use(surveys, "rake", surveys=base.OPINIONS, margins={"touchpoint": {"web": 0.5, "shop": 0.5}})
use(
    surveys,
    "response",
    {"window": "20D", "until": "2024-03-20", "by": "channel", **LEVEL},
    invitations=base.ASKED,
)
use(
    surveys,
    "sus",
    {"by": "respondent_id", **LEVEL},
    surveys=base.USABLE,
    items=[f"q{k}" for k in range(10)],
)
use(
    surveys,
    "trend",
    {"wave": "week", "zone": "Europe/Amsterdam", **BOXES, **LEVEL},
    {"wave": "touchpoint"},
    {"measure": "nps", "item": "recommend"},
    item="satisfaction",
    scale=(1, 7),
    **SAID,
)
use(
    surveys,
    "joined",
    {
        "within": "90D",
        "events": pd.DataFrame(
            {
                "customer_id": [f"p{k % 50}" for k in range(200)],
                "occurred_at": pd.Timestamp("2024-01-05", tz="UTC")
                + pd.to_timedelta(np.arange(200) // 3, "D"),
                "event": "view",
                "stage": "search",
            }
        ),
    },
    surveys=base.OPINIONS,
    orders=ORDERS.assign(customer_id="p" + ORDERS["customer_id"].str[1:]),
)
use(
    surveys,
    "response_weights",
    {"window": "20D", "until": "2024-03-20", "most": 3.0},
    surveys=base.OPINIONS,
    invitations=base.ASKED,
    terms=["orders", "channel"],
)
use(
    surveys,
    "mode_effect",
    {"covariates": ["group"], "randomised": True, **LEVEL},
    surveys=base.OPINIONS.assign(
        invited_at=base.OPINIONS["answered_at"]
        - pd.to_timedelta(np.arange(len(base.OPINIONS)) * 7 % 40, "h"),
        group=np.arange(len(base.OPINIONS)) * 5 % 11,
    ),
    item="satisfaction",
    mode="touchpoint",
)
use(surveys, "awareness", {"wave": "1", **LEVEL}, tracker=base.TRACKED)
use(surveys, "tracker", {"measure": "unaided", **LEVEL}, tracker=base.TRACKED, brand="Alta")
use(
    surveys,
    "weight_effect",
    {"measure": "nps", "item": "recommend", "top": 3, **LEVEL},
    surveys=HEAVY,
    item="satisfaction",
    scale=(1, 7),
)

# ---------------------------------------------------------------------------------- interviews

SAID_SO = {"codes": base.CODED}
COUNTED = {"agreed": "most", **LEVEL}
use(interviews, "frequency", COUNTED, {"agreed": "all"}, **SAID_SO)
use(interviews, "co_occurrence", COUNTED, **SAID_SO)
use(interviews, "by_stage", {"by": "stage", **COUNTED}, **SAID_SO)
use(
    interviews,
    "saturation",
    {"base": 5, "run": 3, "threshold": 0.1, "held": "participant_id", "agreed": "all"},
    {"draws": 20, "seed": 2},
    **SAID_SO,
)
use(
    interviews,
    "agreement",
    {"value": "value", "level": "ordinal", "draws": 20, "seed": 2, **LEVEL},
    **SAID_SO,
)
use(interviews, "confusion", LEVEL, first="coder 1", second="coder 2", **SAID_SO)
use(
    interviews,
    "quotes",
    {"text": "text", "each": 1, "agreed": "most", "known_names": ["Ann"], "longest": 40},
    **SAID_SO,
)

# ------------------------------------------------------------------------------------- service

DESK = {"until": "2024-04-10", "by": "channel", **LEVEL}
LOOP = {"item": "recommend", "most": 5, "reason": "chat"}
CALLED = {"surveys": base.UNHAPPY, "tickets": base.TICKETS.assign(reason=base.TICKETS["channel"])}
use(service, "first_reply", {"within": "5h", **DESK}, tickets=base.TICKETS)
use(service, "resolution", {"within": "5h", **DESK}, tickets=base.TICKETS)
use(service, "first_contact", {"window": "5D", **DESK}, tickets=base.TICKETS)
use(service, "reopened", {"window": "5D", **DESK}, tickets=base.TICKETS)
use(
    service,
    "contacts_per_order",
    DESK,
    tickets=base.TICKETS,
    orders=ORDERS.assign(channel=np.array(["chat", "email"])[np.arange(len(ORDERS)) % 2]),
)
use(
    service,
    "defects",
    {"reply": "2h", "solution": "2D", "shift": 0.0, **DESK},
    tickets=base.TICKETS,
)
use(service, "closed_loop", {"window": "5D", "randomised": True, **LOOP, **LEVEL}, **CALLED)
use(service, "unhappy_now", LOOP, **CALLED)

# ---------------------------------------------------------------------------------- experience

LIVED = {"events": base.LIVED, "surveys": base.said_at(base.LIVED)}
WROTE_AT, ASKED_AT = base.written_at(base.LIVED), base.asked_at(base.LIVED)
ORDER = ["need", "search", "evaluation", "intent", "purchase", "post_purchase"]
WHO = base.LIVED[["customer_id"]].drop_duplicates()
WHO = WHO.assign(orders=np.arange(len(WHO)) % 3)
use(
    experience,
    "journey_map",
    {
        "items": {"satisfaction": "satisfaction", "effort": "ease"},
        "version": "effort",
        "stages": ORDER,
        "importance": dict.fromkeys(ORDER, 2.0),
        **LEVEL,
    },
    **LIVED,
    texts=WROTE_AT,
)
use(
    experience,
    "emotion_curve",
    {"item": "ease", "stages": ORDER, "draws": 30, "seed": 2, **LEVEL},
    surveys=LIVED["surveys"],
)
use(
    experience,
    "representativeness",
    {"item": "ease", "stages": ORDER, **LEVEL},
    **LIVED,
    invitations=ASKED_AT,
)
use(
    experience,
    "disconfirmation",
    {"direct": "as_expected", "experience": "ease", "expectation": "as_expected", **LEVEL},
    {"window": "30D"},
    surveys=LIVED["surveys"],
    events=base.later_than(base.LIVED),
)
use(
    experience,
    "latent_curve",
    {"item": "ease", "stages": ORDER, **LEVEL},
    **LIVED,
    texts=WROTE_AT,
    invitations=ASKED_AT,
    customers=WHO,
)
use(
    experience,
    "hidden_answers",
    {"item": "ease", "share": 0.4, "seed": 2},
    **LIVED,
    texts=WROTE_AT,
    invitations=ASKED_AT,
    customers=WHO,
)

# ------------------------------------------------------------------------------------ segments

SHOPPERS = {"customers": base.KINDS_OF_SHOPPERS}
LATER = base.KINDS_OF_SHOPPERS.assign(kind=base.KINDS_OF_SHOPPERS["kind_later"])
use(
    segments,
    "behaviour",
    {"events": CLICKS, "as_of": MIDDLE, "zone": "Europe/Amsterdam"},
    orders=ORDERS,
)
use(
    segments,
    "bases",
    {"folds": 3, "seed": 2, **LEVEL},
    demographics=["stage"],
    behaviour=["visits", "basket"],
    outcome="later",
    draws=60,
    table=base.KINDS_OF_SHOPPERS,
)
use(segments, "benefits", LEVEL, acts=base.SOUGHT, benefit="benefit")
use(
    segments,
    "clusters",
    {"outcome": "later", "basis": "response", "seed": 2},
    most=3,
    draws=10,
    tables=19,
    columns=["visits", "basket"],
    **SHOPPERS,
)
BEFORE = base.KINDS_OF_SHOPPERS.assign(stage=base.KINDS_OF_SHOPPERS["stage_before"])
use(
    segments,
    "journey",
    {"before": BEFORE, **LEVEL},
    now=base.KINDS_OF_SHOPPERS,
    stages=["need", "search", "intent"],
)
use(
    segments,
    "follow",
    LEVEL,
    segments=base.held_at_two_dates(base.KINDS_OF_SHOPPERS),
)
use(segments, "holidays", country="NL", first_year=2024, last_year=2025)
use(
    segments,
    "occasions",
    {"before": "14D", "until": MIDDLE, "zone": "Europe/Amsterdam", **LEVEL},
    orders=ORDERS,
    country="NL",
)
use(
    segments,
    "subsequent_behaviour",
    {"window": "60D"},
    customers=Made(lambda: segments.behaviour(ORDERS, as_of=MIDDLE)),
    orders=ORDERS,
)
use(segments, "permuted_columns", {"seed": 2}, columns=["visits"], **SHOPPERS)
use(segments, "loyalty", {"own": "own", "category": "category", **LEVEL}, **SHOPPERS)
use(
    segments,
    "satisfaction",
    {"cuts": (3, 5), **LEVEL},
    reactions=["left", "later"],
    grade="grade",
    **SHOPPERS,
)
use(segments, "prevalence", {"later": base.TYPED, **LEVEL}, typed=base.TYPED)
use(
    segments,
    "type_agreement",
    LEVEL,
    typed=base.TYPED,
    labels=base.TYPED.assign(new=base.TYPED["label"]),
)
use(
    segments,
    "types",
    {
        "tickets": COMPLAINTS,
        "people_known": FIRSTS.drop_duplicates("customer_id").assign(angry=0.0),
        "as_of": MIDDLE,
        "rules": segments.Rules(new_days=30, history_days=30),
        "zone": "Europe/Amsterdam",
    },
    orders=ORDERS,
)
use(
    segments,
    "migration",
    LEVEL,
    before=base.KINDS_OF_SHOPPERS,
    after=LATER,
    segment="kind",
)
use(
    segments,
    "usage",
    {"bands": "20_30", "beside": ["later"], "seed": 2, **LEVEL},
    volume="visits",
    draws=40,
    **SHOPPERS,
)

# ----------------------------------------------------------------------------------- interests

LIKED = {"acts": base.LIKED}
BOUGHT_LINES = base.LIKED.rename(columns={"occurred_at": "ordered_at"})
UP_TO = {"until": "2023-12-01", "zone": "Europe/Amsterdam"}
LEANING = {"space": "space", "half_life": "90D", "least": 3, **UP_TO, **LEVEL}
use(interests, "affinity", LEANING, topic="category", **LIKED)
use(interests, "profiles", LEANING, topic="category", **LIKED)
use(
    interests,
    "related",
    {"unit": "order_id", "least": 3, "last": "200D", **UP_TO, **LEVEL},
    topic="category",
    **LIKED,
)
use(interests, "multiplier", {"precisions": [0.2], **UP_TO, **LEVEL}, topic="category", **LIKED)
use(
    interests,
    "drift",
    {"at": "2023-06-01", "least": 4, "seed": 2, **UP_TO, **LEVEL},
    topic="family",
    **LIKED,
)
use(
    interests,
    "against_stated",
    LEVEL,
    leanings=Made(lambda: interests.profiles(base.LIKED)),
    stated=base.LIKED[["customer_id", "category"]].drop_duplicates()[::2],
    topic="category",
)
use(
    interests,
    "cross_reach",
    {"window": "20D", "least": 10, **UP_TO, **LEVEL},
    topic="family",
    **LIKED,
)
use(
    interests,
    "most_bought",
    {"measure": "orders", "top": 5, "growth": "90D", **UP_TO, **LEVEL},
    {"measure": "revenue"},
    {"measure": "units"},
    lines=BOUGHT_LINES,
    item="product_id",
)
OWN = interests.Lists(methods=("memory",), k=5, items=60, after="90D", repeats=True)
LISTS = {"item": "product_id", "lists": OWN, "seed": 2, **UP_TO}
use(
    interests,
    "recommend",
    {"category": "category", **LISTS, **LEVEL},
    {"lists": interests.Lists(methods=("neighbours",))},
    **LIKED,
)
use(interests, "recommendations", {"method": "memory", **LISTS}, **LIKED)
use(
    interests,
    "categorised",
    lines=BOUGHT_LINES,
    products=base.LIKED[["product_id", "category"]].drop_duplicates(),
    category="category",
)

# --------------------------------------------------------------------------------------- voice

WRITTEN = {"texts": base.TEXTS}
BOOK = pd.DataFrame(
    {"word": ["goed", "good", "kapot", "broke"], "polarity": [0.5, 0.5, -1.0, -1.0]}
).assign(language=["nl", "en"] * 2, emotion=["joy", "joy", "anger", "anger"])


class Coin:
    """A classifier that says something of every text."""

    classes_ = ("negative", "neutral", "positive", "joy")

    def predict_proba(self, texts):
        """Return probabilities that follow from the length of a text."""
        long = np.array([len(t) % 7 / 7 for t in texts])
        return np.stack([long, 0 * long, 1 - long, 0 * long], axis=1)


LABELLED = {"labels": base.LABELS, **LEVEL}
use(
    voice,
    "aspects",
    {"words": {"price": ["prijs*", "price*"]}, "lexicon": BOOK, **LABELLED},
    **WRITTEN,
)
use(
    voice,
    "emotion",
    {"by": "touchpoint", "lexicon": BOOK, **LABELLED},
    {"model": Coin(), "by": "language_found"},
    **WRITTEN,
)
use(
    voice,
    "labelling_sheet",
    {"n": 210, "by": "touchpoint", "aspects": ["price"], "seed": 2},
    **WRITTEN,
)
use(voice, "mask", **WRITTEN)
use(voice, "mentions", {"words": {"price": ["prijs*", "price*"]}, "lexicon": BOOK}, **WRITTEN)
use(
    voice,
    "quotes",
    {"rule": "strongest", "each": 1, "by": "language_found", "lexicon": BOOK},
    {"labels": base.LABELS},
    **WRITTEN,
)
use(
    voice,
    "read_labels",
    sheet=base.WROTE.truth[["text_id", "polarity", "emotion"]].assign(weight=1.0),
)
use(voice, "reviews", {"by": "touchpoint", "incentivised": True, **LEVEL}, **WRITTEN)
use(voice, "score", {"lexicon": BOOK}, {"model": Coin()}, **WRITTEN)
use(
    voice,
    "sentiment",
    {"by": "touchpoint", "lexicon": BOOK, **LABELLED},
    {"model": Coin(), "by": "language_found"},
    **WRITTEN,
)
use(
    voice,
    "topics",
    {"language": "nl", "seed": 2, **LEVEL},
    topics=2,
    draws=2,
    **WRITTEN,
)

# ----------------------------------------------------------------------------------- influence

use(influence, "decision_units", LEVEL, deals=base.LEADS)
use(
    influence,
    "distance_decay",
    {"region": "customer_id", "edges": (0, 2, 5), "share": 0.5, **LEVEL},
    {"distance": "distance_km"},
    table=base.TRIPS,
    bought="chosen",
)
use(
    influence,
    "huff",
    {"distance": "distance_km", "size": "size", "penalty": "firth", **LEVEL},
    trips=base.TRIPS,
)
use(
    influence,
    "impulse",
    {"order": "order", "evaluating": ["search"], "within": "2h", "gap": "9h", **LEVEL},
    events=Made(lambda: stages.assign(SHOP).assign(side=lambda d: d["customer_id"].str[-1])),
    by="side",
    stage="stage",
)
use(
    influence,
    "peers",
    {"controls": ["offer"], "instrument": None, **LEVEL},
    {"instrument": "offer"},
    table=base.VILLAGES,
    adopted="adopted",
    exposure="earlier_share",
    network="village",
    **DRAWN,
)
use(
    influence,
    "predictability",
    {"customer": "customer_id", "origin": "stage", "target": "next_stage", **LEVEL},
    moves=MOVES,
    flag="referred",
    **DRAWN,
)
use(
    influence,
    "price_premium",
    {"price": "price", "vendor": "vendor_id", "specification": ["log_seats"], **LEVEL},
    offers=base.DEALS,
    credentials=["years_of_record", "certified"],
)
SHELF = {"sales": base.PROMO, "store": "store_id"}
ONE_STORE = base.PROMO[base.PROMO["store_id"] == base.PROMO["store_id"].iloc[0]]
COLUMNS = {"quantity": "quantity", "product": "product_id", "period": "week"}
use(
    influence,
    "price_elasticity",
    {"price": "price", "controls": ["on_promotion"], **COLUMNS, **LEVEL},
    {"kind": "log", "instrument": "cost"},
    **{
        **SHELF,
        "sales": base.PROMO.assign(
            cost=base.PROMO["price"] * 0.5 + RNG.normal(0, 0.1, len(base.PROMO))
        ),
    },
)
use(
    influence,
    "promotion_lift",
    {"margin": "margin", "after": 2, "promotion": "on_promotion", **COLUMNS, **LEVEL},
    {"store": None, "sales": ONE_STORE},
    **SHELF,
)
use(
    influence,
    "referred_deals",
    {"referred": "referred", "won": "won", "covariates": ["hard"], "account": "customer_id"},
    LEVEL,
    deals=base.DEALS,
)
use(
    influence,
    "review_effect",
    {"sales": "sales", "rating": "rating", "count": "reviews", "product": "product_id"},
    {"period": "week", "lag": 2, **LEVEL},
    {"controls": ["price"]},
    panel=base.REVIEWS.assign(price=RNG.normal(5, 1, len(base.REVIEWS))),
)
use(
    influence,
    "star_rounding",
    {"rating": "rating", "step": 0.5, "unit": "product_id", **LEVEL},
    table=base.STARS,
    outcome="log_visits",
    bandwidth=0.2,
)
use(
    influence,
    "support",
    {"hours": "reply_hours", "won": "won", "covariates": ["hard"], "account": "customer_id"},
    {"instrument": "queue", **LEVEL},
    deals=base.DEALS,
)

# --------------------------------------------------------------------------------- attribution

TOUCHED = {"journeys": JOURNEYS}
use(
    attribution,
    "compare_with_truth",
    {"measure": None},
    result=CALIBRATED,
    truth={"g": 22.0, "h": 12.0},
)
use(
    attribution,
    "calibrate_to_experiments",
    {"method": "markov_chain", "seed": 2, **LEVEL},
    credit=CREDIT,
    tests=TESTS,
    draws=200,
)
use(attribution, "campaigns", LEVEL, table=base.ADVERTS, draws=50, seed=2)
use(
    attribution,
    "compare",
    {"truth": pd.DataFrame({"channel": ["g"], "incremental_orders": [9]}), **LEVEL},
    {"costs": pd.DataFrame({"channel": ["g", "h"], "cost": [9.0, 8.0]})},
    **TOUCHED,
    **DRAWN,
)
use(
    attribution,
    "email_funnel",
    {"window": "14D", "by": "campaign_id", **LEVEL},
    {"orders": None},
    emails=base.MAILS,
    orders=ORDERS.assign(customer_id="m" + ORDERS["customer_id"].str[1:]),
)
use(attribution, "entry_points", LEVEL, **TOUCHED)
use(
    attribution,
    "from_paths",
    {"path": "path", "conversions": "conversions", "nulls": "nulls", "value": "worth"},
    {"customer": "who", "separator": " > "},
    table=PATHS,
)
use(attribution, "mails_as_adverts", {"window": "7D"}, emails=base.MAILS, **BOUGHT)
use(attribution, "markov", {"order": 2, **LEVEL}, **TOUCHED, **DRAWN)
use(
    attribution,
    "marketing_mix",
    {"controls": ["price"], "season": 26, "harmonics": 1, "holdout": 6, "seed": 2, **LEVEL},
    {"tests": pd.DataFrame({"channel": ["radio"], "contribution": [900.0], "std_error": [300.0]})},
    table=base.MEDIA,
    sales="sales",
    media=["television", "radio"],
    draws=2,
)
use(
    attribution,
    "paths",
    {"column": "channel", "value": "value", "until": LAST_DAY},
    events=EVENTS,
    conversion="r",
    timeout="2h",
    gap="9h",
)
use(
    attribution,
    "heuristics",
    {"which": ["last", "time_decay"], "half_life": "1h", "direct": "g", **LEVEL},
    **TOUCHED,
)
use(attribution, "shapley", {"worth": "rate", **LEVEL}, **TOUCHED, **DRAWN)
use(attribution, "sources", LEVEL, **TOUCHED)

# --------------------------------------------------------------------------------- experiments

TREATED = {"table": WIDE, "treatment": "flag", "covariates": ["i0", "group"]}
ADJUSTED = ({"cluster": "customer_id", "trim": 0.05, **LEVEL},)
use(experiments, "balance", *ADJUSTED, **TREATED)
use(experiments, "compare_with_planted", planted={"one": 0.1}, one=DIFFERENCE)
use(experiments, "campaign_households", {"span": "28D"}, events=CAMPAIGN, campaign=2, **BOUGHT)
use(experiments, "campaign_weeks", {"before": 4, "after": 3}, events=CAMPAIGN, campaign=2, **BOUGHT)
use(
    experiments,
    "difference",
    {"unit": "customer_id", "before": "i4", "planned": 200, "randomised": False, **LEVEL},
    {"split": {"control": 0.5, "mail": 0.5}, "cost": {"mail": 1.0}},
    table=WIDE,
    metric="many",
    variant="group",
    control="control",
)
use(
    experiments,
    "difference_in_differences",
    {"cluster": "customer_id", **LEVEL},
    panel=base.PANEL,
    outcome="y",
    unit="customer_id",
    time="t",
    start="start",
)
use(
    experiments,
    "e_value",
    {"kind": "difference", "baseline": 0.2, "estimate": 0.1, "conf_low": 0.05, "conf_high": 0.2},
    LEVEL,
    estimate=2.0,
    conf_low=1.5,
    conf_high=2.7,
    n=100,
)
use(experiments, "exposed", {"window": "14D", "campaign": "spring"}, exposures=EXPOSURES, **BOUGHT)
use(
    experiments,
    "heterogeneity",
    {"split": {"control": 0.5, "mail": 0.5}, **LEVEL},
    table=WIDE,
    metric="y",
    by="flag",
    variant="group",
    control="control",
)
use(
    experiments,
    "negative_controls",
    {"method": "ipw"},
    *ADJUSTED,
    outcomes=["i4"],
    **TREATED,
)
use(
    experiments,
    "planned_split",
    {"control": "holdout", "share": 0.2},
    people=EXPOSURES,
    control="holdout",
)
use(
    experiments,
    "sample_size",
    {"sd": 2.0, "power": 0.9, "arms": 3, "split": 0.3, "rho": 0.4, **LEVEL},
    baseline=0.1,
    effects=[0.02, 0.03],
)
use(
    experiments,
    "stage_progress",
    {"against": "h", "adjust": ["brand"], "until": LAST_DAY, "trim": 0.05, **LEVEL},
    events=LONG.assign(brand=np.where(np.arange(len(LONG)) % 3 == 0, "a", "b")),
    stages=["home_view", "compare", "order"],
    exposure="g",
    column="event",
    action="group",
    horizon="5h",
    gap="9h",
)
use(
    experiments,
    "uplift",
    {"learner": "t", "folds": 3, "value": 10.0, "cost": 1.0, **LEVEL},
    table=pd.concat([WIDE] * 5, ignore_index=True),
    treatment="flag",
    outcome="y",
    features=["i2", "i3"],
    **DRAWN,
)
use(
    experiments,
    "weighting",
    {"method": "ipw"},
    {"method": "ipwra"},
    *ADJUSTED,
    outcome="many",
    **TREATED,
)

# ---------------------------------------------------------------------- what stands beside others

DIARY = pd.DataFrame(
    {
        "customer_id": np.repeat(np.arange(60) + min(EVENTS["customer_id"]), 2),
        "outcome": np.tile(["bought", "abandoned", "bought", "open"], 30),
        "p": True,
        "q": np.arange(120) % 3 > 0,
        "r": np.arange(120) % 2 == 0,
        "considered": np.arange(120) % 3 + 1,
    }
)
NEEDS = pd.DataFrame(
    {
        "customer_id": [f"c{k % 60}" for k in range(120)],
        "variant": np.where(np.arange(120) % 3 == 0, "coupon", "from_within"),
        "bought": (np.arange(120) * 7 % 5 < 2) * 1,
    }
)
WEIGHTED = Made(lambda: experiments.weighting(WIDE, "flag", "many", ["i0", "group"]))
HOMES = Made(lambda: experiments.campaign_households(ORDERS, CAMPAIGN, 2, span="28D"))
ANSWERED = SURVEYS.assign(customer_id=np.resize(EVENTS["customer_id"].unique(), 360)).drop(
    columns=["respondent_id"]
)
use(stages, "null_posterior", posterior=POSTERIOR)
use(stages, "loyalty_groups", {"by": "orders_before"}, profile=PROFILE)
use(
    stages,
    "by_diary",
    {"customers": 90, **LEVEL},
    occasions=EPISODES,
    diary=DIARY,
    asked=list(np.arange(65) + min(EVENTS["customer_id"])),
    stages=STEPS,
)
use(
    stages,
    "silence",
    {"timeout": "10min", "until": "2024-12-31", **LEVEL},
    events=pd.DataFrame(
        {
            "customer_id": np.repeat(np.arange(60), 12),
            "occurred_at": pd.Timestamp("2024-01-01", tz="UTC")
            + pd.to_timedelta(
                np.random.default_rng(3)
                .lognormal(np.tile([-3.0, 2.5], 360), 0.5)
                .reshape(60, 12)
                .cumsum(axis=1)
                .ravel(),
                unit="D",
            ),
            "event": np.tile(["p", "q"], 360),
        }
    ),
    stages=STEPS,
    column="event",
)
use(
    stages,
    "contrast_in_market",
    {"by": "share_of_requirements", "rules": None, "people": 500, "seed": 2, **LEVEL},
    market=Made(lambda: simulate.market(1600, seed=5)),
)
use(
    stages,
    "answered_before",
    profile=PROFILE,
    surveys=ANSWERED.rename(columns={"customer_id": "respondent_id"}),
    item="q_a",
)
use(
    stages,
    "requirements_before",
    {"brand": "brand"},
    profile=PROFILE,
    lines=PANEL_ORDERS,
)
use(experiments, "power", {"measure": "difference"}, test=DIFFERENCE, effects=[0.5])
use(experiments, "grade_with_checks", result=WEIGHTED)
use(experiments, "compare_designs", one=WEIGHTED, two=WEIGHTED)
use(
    experiments,
    "concurrent_campaigns",
    {"before": "400D", "after": "400D", **LEVEL},
    homes=HOMES,
    events=CAMPAIGN,
    campaign=2,
    before="400D",
)
use(
    influence,
    "conversion_by_trigger",
    {"control": "coupon", "planted": pd.DataFrame({"variant": ["from_within"], "planted": [0.1]})},
    LEVEL,
    needs=NEEDS,
)
use(
    influence,
    "sensitivities",
    switching=Made(lambda: choice.elasticities(FIT.make(), CHOICES)),
    selling=Made(lambda: influence.price_elasticity(base.PROMO, store="store_id")),
)
use(
    attribution,
    "mail_effect",
    {"truth": Made(lambda: simulate.mail_effects(MARKET.make().settings)), **LEVEL},
    emails=base.MAILS,
    orders=ORDERS.assign(customer_id="m" + ORDERS["customer_id"].str[1:]),
    windows=["7D", "14D"],
)
