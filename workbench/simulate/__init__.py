"""A market whose truth is known: what people did, what a firm would see of it, and why it happened.

Nothing here shares code with the estimators, so recovering its planted numbers proves something.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Result
from workbench.simulate.beside import beside_truth
from workbench.simulate.effects import channel_effects, mail_effects, trigger_effects
from workbench.simulate.world import CHANNELS, EFFECTS, TESTS, Settings

BLOCK = 20_000  # customers made at a time
__all__ = [
    "BLOCK",
    "CHANNELS",
    "EFFECTS",
    "TESTS",
    "Market",
    "Settings",
    "beside_truth",
    "calibration",
    "channel_effects",
    "mail_effects",
    "market",
    "planted",
    "stage_events",
    "stated_stages",
    "test_effects",
    "trigger_effects",
    "true_stage",
    "write",
]


def __dir__():
    return __all__


@dataclass(frozen=True)
class Market:
    """A simulated market: `tables` as a firm would have them, `truth` beside them, and the
    `settings` that made both.
    """

    tables: dict
    truth: dict
    settings: Settings

    def __getitem__(self, name):
        return self.tables[name]


def market(
    customers=5000,
    *,
    days=180,
    seed=1,
    no_effect=(),
    channels_off=(),
    world="markov",
    effects=None,
    tests=(),
):
    """Make a market of individual consumers and firms who need, search, weigh, buy, judge, return
    and tell others.

    Parameters
    ----------
    customers, days, seed : int
    no_effect : list of str
        Planted effects to switch off: price, promotion, reviews, loyalty, involvement,
        satisfaction, latency, barrier, referral, email, b2b, tracking (off: every contact is
        tracked), machine_opens, newcomer, idle_touch, or a test.
    channels_off : list of str
        Channels that do not exist; all other luck stays the same.
    world : str
        "markov", or a world outside the family of the latent-stage model: "semi_markov" (stages
        have lengths of their own), "mislabelled" (15 % of events carry a wrong name),
        "unseen_channel" (three in ten people search where nobody looks).
    effects : dict, optional
        Effect = strength, to overrule the planted one. "impulse" (0 unless given) makes consumers
        buy on the spot.
    tests : list of str, optional
        Randomised tests the firm runs on half of its customers: appearance, trust_seal, guide,
        call_to_action, matched_message; adds the table assignments (customer_id, test, variant).

    Returns
    -------
    Market
        `tables`: events, orders, order_lines, customers, emails, surveys, texts, referrals, deals,
        links, prices, costs.
        `truth`: events (with the true stage), episodes, states (who was in which stage since when),
        customers, effects, moves (chances between stages before any effect), drivers (what each
        factor counts for in satisfaction). Every table is marked as simulated, and so is every
        Result made from one.

    Raises
    ------
    InputError
        For an unknown effect, channel or world.

    Source: metric S-29 in `docs/glossary.md`.
    """
    import pandas as pd

    settings = Settings(
        customers,
        days,
        seed,
        tuple(no_effect),
        tuple(channels_off),
        world,
        dict(effects or {}),
        tuple(tests),
    )
    blocks = list(_blocks(settings))
    tables, truth = (
        {
            name: _marked(pd.concat([b[i][name] for b in blocks], ignore_index=True))
            for name in blocks[0][i]
        }
        for i in (0, 1)
    )
    return Market(
        {**tables, **_shared(settings, tables["events"])}, {**truth, **_planted(settings)}, settings
    )


def write(folder, customers=5000, *, progress=None, **options):
    """Write a market of any size to a folder, a block of customers at a time, so memory stays
    bounded.

    Takes the arguments of `market`. Returns a dictionary table = number of rows. Files: one Parquet
    a table, `truth_NAME.parquet` for the truth, and SIMULATED.txt that says what made them. Rows
    come in customer order, events in time order within a customer.
    Raises InputError where the folder already holds files of another kind.
    """
    import json
    from dataclasses import asdict

    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from workbench import engine

    settings = Settings(
        customers,
        **{
            "days": 180,
            "seed": 1,
            **{k: tuple(v) if isinstance(v, list) else v for k, v in options.items()},
        },
    )
    folder, note = _room(folder)
    writers, rows = {}, {}
    costs = []
    try:
        for i, (tables, truth) in enumerate(_blocks(settings)):
            costs.append(_shared(settings, tables["events"])["costs"])
            for name, table in {**tables, **{f"truth_{k}": v for k, v in truth.items()}}.items():
                arrow = pa.Table.from_pandas(_marked(table), preserve_index=False)
                if name not in writers:
                    order = engine.ORDER_MARK if name == "events" else {}
                    writers[name] = pq.ParquetWriter(
                        folder / f"{name}.parquet",
                        arrow.schema.with_metadata({**arrow.schema.metadata, **order}),
                        compression="zstd",
                    )
                writers[name].write_table(arrow)
                rows[name] = rows.get(name, 0) + len(table)
            if progress:
                progress(min((i + 1) * BLOCK, customers), customers)
    finally:
        for writer in writers.values():
            writer.close()
    last = {
        **_shared(settings, tables["events"]),
        **{f"truth_{k}": v for k, v in _planted(settings).items()},
    }
    keys = ["day", "channel"]
    last["costs"] = _marked(pd.concat(costs).groupby(keys, as_index=False).sum())
    for name, table in last.items():
        table.to_parquet(folder / f"{name}.parquet")
        rows[name] = len(table)
    note.write_text(
        "SIMULATED: no real person or firm is in these files.\n"
        + json.dumps(asdict(settings))
        + "\n",
        encoding="utf-8",
    )
    return rows


def test_effects(settings):
    """Return what each test of a market brings about: everyone treated against nobody, all other
    luck unchanged.

    Takes a Settings (as in `Market.settings`). Returns a DataFrame: test, customers,
    orders_treated, orders_control, buyers_treated, buyers_control, effect_orders and effect_buyers
    (a customer).
    """
    import numpy as np
    import pandas as pd

    rows = []
    for name in settings.tests:
        made = []
        for arm in (1, 0):
            bought = np.concatenate(
                [
                    life.bought
                    for _, life in _lives(replace(settings, arms={**settings.arms, name: arm}))
                ]
            )
            made += [int(bought.sum()), int((bought > 0).sum())]
        n = settings.customers
        rows.append(
            {
                "test": name,
                "customers": n,
                "orders_treated": made[0],
                "orders_control": made[2],
                "buyers_treated": made[1],
                "buyers_control": made[3],
                "effect_orders": (made[0] - made[2]) / n,
                "effect_buyers": (made[1] - made[3]) / n,
            }
        )
    return _marked(pd.DataFrame(rows))


def stated_stages(market):
    """Return the market's answers to "where are you now?": customer_id, answered_at, stage; one in
    ten names another stage by mistake.
    """
    from workbench.simulate.world import STAGES

    asked = market["surveys"][market["surveys"]["item"] == "stage_now"]
    return asked.assign(stage=asked["value"].astype(int).map(dict(enumerate(STAGES)))).rename(
        columns={"respondent_id": "customer_id"}
    )[["customer_id", "answered_at", "stage"]]


def stage_events(market, *, tracked=False):
    """Return the market's events under the name of their true stage: all that happened, or
    those a firm's tracking saw, with their columns and a column stage.
    """
    true = market.truth["events"]
    if tracked:
        seen = true[true["tracked"]].reset_index(drop=True)
        return market["events"].assign(stage=seen["stage"])
    return true.assign(event=true["stage"])


def planted(market, effect):
    """Return an effect built into a market as a Result: effect, estimate (log odds), odds."""
    import numpy as np
    import pandas as pd

    estimate = float(market.settings.effect(effect))
    odds = float(np.exp(estimate))
    customers = int(market.settings.customers)
    question = Note("simulate.planted_question", "How strong is the effect built into this market?")
    return Result(
        question=Note("result.simulated", "SIMULATED · {question}", question=question),
        table=pd.DataFrame({"effect": [effect], "estimate": [estimate], "odds": [odds]}),
        method=Note(
            "simulate.planted_method",
            "The coefficient the simulation was made with; odds are its exponential.",
        ),
        answer=Note(
            "simulate.planted_answer",
            "The effect of {effect:word} was built in with {estimate:3} log odds per unit: odds "
            "times {odds:3} (a market of {n} customers).",
            effect=effect,
            estimate=estimate,
            odds=odds,
            n=customers,
        ),
        unit="customers",
        n=customers,
        simulated=True,
    )


def true_stage(market, customers, moment):
    """Return the true stage of customers at a moment: customer_id, stage."""
    import pandas as pd

    states = market.truth["states"]
    last = states[states["since"] <= moment].drop_duplicates("customer_id", keep="last")
    found = pd.Series(customers.to_numpy(), name="customer_id").map(
        last.set_index("customer_id")["stage"]
    )
    return _marked(
        pd.DataFrame(
            {"customer_id": customers.to_numpy(), "stage": found.fillna("idle").to_numpy()}
        )
    )


def calibration(market, *, orders=None, campaigns=None):
    """Return the market's figures beside real ones: a DataFrame with figure, simulated, real,
    source.

    `orders` and `campaigns` are those of the Complete Journey panel (`load.complete_journey`);
    where given, its share of revenue from the top fifth of buyers, spread of baskets and response
    to campaigns stand in the table too.
    """
    import pandas as pd

    e, o, mails = market["events"], market["orders"], market["emails"]
    web = e[e["session_id"] % 1000 < 90]
    visits = web.groupby("session_id").agg(
        customer=("customer_id", "first"),
        at=("occurred_at", "min"),
        bought=("event", lambda v: (v == "order").any()),
    )
    first = visits["at"] == visits.groupby("customer")["at"].transform("min")
    per = o.groupby("customer_id")["amount"].sum().sort_values(ascending=False)
    words = market["texts"]["text"].str.split().str.len()
    asked = market["surveys"][market["surveys"]["item"] == "satisfaction"]
    mail = _lift(mails, e, o)
    rows = [
        ("visits with an order", visits["bought"].mean(), 0.155, "Online Shoppers Intention"),
        (
            "first visits with an order",
            visits.loc[first, "bought"].mean(),
            0.249,
            "Online Shoppers Intention",
        ),
        (
            "later visits with an order",
            visits.loc[~first, "bought"].mean(),
            0.139,
            "Online Shoppers Intention",
        ),
        (
            "buyers who have left",
            (~market.truth["customers"]["alive"]).sum() / max(len(per), 1),
            0.157,
            "Iranian churn",
        ),
        ("people asked who answer", len(asked) / max(len(o), 1), 0.400, "charity mailing"),
        ("words in a review, median", words.median(), 51, "small_fine_foods"),
        (
            "visit within 14 days of a mail, lift over holdout",
            mail[0],
            0.061,
            "Hillstrom, mean of both mailings",
        ),
        (
            "order within 14 days of a mail, lift over holdout",
            mail[1],
            0.005,
            "Hillstrom, mean of both mailings",
        ),
    ]
    if orders is not None:
        rows += [
            (
                "revenue from the top fifth of buyers",
                _top_fifth(o),
                _top_fifth(orders),
                "Complete Journey",
            ),
            (
                "amount of an order, standard deviation / mean",
                o["amount"].std() / o["amount"].mean(),
                orders["amount"].std() / orders["amount"].mean(),
                "Complete Journey",
            ),
        ]
    if campaigns is not None:
        got, used = (
            campaigns[campaigns["event"] == name][["customer_id", "campaign_id"]].drop_duplicates()
            for name in ("campaign_received", "coupon_redeemed")
        )
        rows.append(
            (
                "campaigns received that were answered (mail clicked; coupon redeemed)",
                mails.loc[mails["delivered"], "clicked_at"].notna().mean(),
                len(used) / len(got),
                "Complete Journey",
            )
        )
    return _marked(pd.DataFrame(rows, columns=["figure", "simulated", "real", "source"]))


def _top_fifth(orders):
    per = orders.groupby("customer_id")["amount"].sum().sort_values(ascending=False)
    return per.head(len(per) // 5).sum() / per.sum()


def _lift(mails, events, orders):
    """Return how much more mailed customers visit and order in two weeks than held-out ones."""
    import pandas as pd

    out = []
    width = pd.Timedelta("14D")
    for table, time in ((events, "occurred_at"), (orders, "ordered_at")):
        joined = mails[["customer_id", "campaign_id", "sent_at", "variant"]].sort_values("sent_at")
        right = table[["customer_id", time]].sort_values(time)
        hit = pd.merge_asof(
            joined, right, left_on="sent_at", right_on=time, by="customer_id", direction="forward"
        )
        share = (hit[time] - hit["sent_at"] <= width).groupby(hit["variant"]).mean()
        out.append(share.get("mail", float("nan")) - share.get("holdout", float("nan")))
    return out


def _lives(settings):
    import numpy as np

    from workbench.simulate.life import live

    for begin in range(0, settings.customers, BLOCK):
        yield live(settings, np.arange(begin, min(begin + BLOCK, settings.customers)))


def _blocks(settings):
    from workbench.simulate.records import tables

    for kept, life in _lives(settings):
        yield tables(kept, life)


def _shared(settings, events):
    """Return what belongs to nobody in particular: shelf prices and the cost of clicks."""
    import pandas as pd

    from workbench.simulate import world as w

    price, promoted = w.prices(settings)
    weeks, brands = price.shape
    table = pd.DataFrame(
        {
            "week": [i for i in range(weeks) for _ in range(brands)],
            "brand": list(w.BRANDS) * weeks,
            "price": price.ravel(),
            "on_promotion": promoted.ravel(),
        }
    )
    paid = events[events["channel"].isin(list(w.COST))].drop_duplicates("session_id")
    costs = (
        paid.assign(day=paid["occurred_at"].dt.floor("D"))
        .groupby(["day", "channel"])
        .size()
        .rename("clicks")
        .reset_index()
    )
    costs["cost"] = costs["clicks"] * costs["channel"].map(w.COST)
    return {"prices": _marked(table), "costs": _marked(costs)}


def _planted(settings):
    """Return the planted effects, the chances of moving between stages before any effect, and the
    weights of the factors.
    """
    import pandas as pd

    from workbench.simulate import world as w

    effects = pd.DataFrame(
        {"effect": list(EFFECTS), "strength": [settings.effect(n) for n in EFFECTS]}
    )
    names = ("stay", "next", "skip_one", "back", "leave")
    moves = pd.DataFrame(
        [
            {"stage": w.STAGES[k], "move": m, "chance": c}
            for k, row in w.MOVES.items()
            for m, c in zip(names, row, strict=True)
        ]
    )
    # What each factor counts for in satisfaction, per standard deviation of the factor (before the
    # buyer's own luck).
    from workbench.simulate.life import FACTORS, WEIGHTS

    drivers = pd.DataFrame({"factor": FACTORS, "weight": WEIGHTS * 0.8})
    return {"effects": _marked(effects), "moves": _marked(moves), "drivers": _marked(drivers)}


def _marked(table):
    table.attrs.update(simulated=True, currency="EUR")
    return table


def _room(folder):
    """Return the folder to write a market to, and the note in it; refuse what is none of ours."""
    folder = Path(folder)
    note = folder / "SIMULATED.txt"
    if folder.exists() and not folder.is_dir():
        raise InputError(
            "simulate.error_no_folder",
            "{folder}: is a file or a device, and no folder; name an empty folder",
            folder=folder,
        )
    if folder.exists() and any(folder.iterdir()) and not note.exists():
        raise InputError(
            "simulate.error_other_files",
            "{folder}: holds files that were not simulated; name an empty folder",
            folder=folder,
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        note.touch()
    except OSError as error:
        raise InputError(
            "simulate.error_cannot_write",
            "{folder}: nothing can be written there ({reason})",
            folder=folder,
            reason=error.strerror or type(error).__name__,
        ) from None
    return folder, note
