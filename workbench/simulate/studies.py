"""Small studies with planted truth, for questions a market of customers does not hold: reviews,
shelves, stores, deals, media, questionnaires.

Each returns a table marked as simulated; what was planted stands in `.attrs["truth"]`.
"""

import numpy as np
import pandas as pd


def _made(table, **truth):
    table.attrs.update(simulated=True, truth=truth)
    return table


def reviews(products=300, weeks=40, *, rating=0.25, count=0.15, wears_off=0.6, seed=1):
    """Make weekly sales of products whose reviews grow with what is sold.

    Planted: log sales move by `rating` a star and by `count` a doubling of the number of reviews,
    of the week before; above about 30 reviews only 1 − `wears_off` of that is left. Lasting quality
    moves both sales and ratings.

    Returns a DataFrame: product_id, week, sales, rating (mean so far), reviews (so far).
    """
    rng = np.random.default_rng(seed)
    quality = rng.normal(0, 0.5, products)
    base = 1.6 + 0.8 * quality + rng.normal(0, 0.5, products)
    stars = np.clip(3.8 + 0.4 * quality, 1, 5)
    n, total = rng.integers(1, 80, products).astype(float), np.zeros(products)
    total = n * np.clip(stars + rng.normal(0, 0.7, products) / np.sqrt(n), 1, 5)
    season, rows = rng.normal(0, 0.15, weeks), []
    for week in range(weeks):
        mean = total / n
        log2 = np.log2(1 + n)
        pull = count * (
            np.minimum(log2, np.log2(31)) + (1 - wears_off) * np.maximum(log2 - np.log2(31), 0)
        )
        sold = rng.poisson(
            np.exp(
                base
                + rating * (mean - 3.8)
                + pull
                - count * 4
                + season[week]
                + rng.normal(0, 0.15, products)
            )
        )
        rows.append(
            pd.DataFrame(
                {
                    "product_id": np.arange(products) + 1,
                    "week": week,
                    "sales": sold,
                    "rating": mean,
                    "reviews": n.astype(int),
                }
            )
        )
        wrote = rng.binomial(sold, 0.08)
        total += np.clip(
            wrote * stars + rng.normal(0, 1, products) * np.sqrt(np.maximum(wrote, 0)),
            wrote,
            5 * wrote,
        )
        n += wrote
    return _made(
        pd.concat(rows, ignore_index=True),
        rating=rating,
        reviews_few=count,
        saturation=-count * wears_off,
    )


def stars(products=3000, *, jump=0.12, seed=1):
    """Make restaurants whose displayed stars are their mean rating rounded to halves; a half star
    more on display adds `jump` to log visits.

    Returns a DataFrame: product_id, rating, log_visits, log_visits_before (the same of the year
    before stars were shown).
    """
    rng = np.random.default_rng(seed)
    rating = np.clip(rng.normal(3.7, 0.6, products), 1, 5)
    shown = np.floor(rating * 2 + 0.5) / 2
    base = 3 + 0.3 * rating + rng.normal(0, 0.35, products)
    return _made(
        pd.DataFrame(
            {
                "product_id": np.arange(products) + 1,
                "rating": rating,
                "log_visits": base + jump * shown / 0.5,
                "log_visits_before": base + rng.normal(0, 0.2, products),
            }
        ),
        jump=jump,
    )


def shelf(
    products=30,
    stores=4,
    weeks=80,
    *,
    elasticity=-2.4,
    lift=0.9,
    switching=0.35,
    ahead=0.25,
    volume=40.0,
    seed=1,
):
    """Make weekly shelf sales with prices that move, and promotions whose extra units are partly
    switched from others and partly bought ahead.

    Planted: price elasticity `elasticity` (own, within a product), a promotion adds `lift` times
    the usual sales, of which `switching` comes from other products of the store and week and
    `ahead` from the product's next three weeks. `volume` is the usual sale of a product, store and
    week.

    Returns a DataFrame: product_id, store_id, week, quantity, price, cost (moves the price, not the
    demand), on_promotion, margin.
    """
    rng = np.random.default_rng(seed)
    size = (products, stores, weeks)
    level = rng.uniform(1.5, 6, products)[:, None, None]
    usual = (
        volume
        / 40
        * rng.uniform(20, 60, products)[:, None, None]
        * rng.uniform(0.7, 1.3, (1, stores, 1))
    )
    cost = np.exp(rng.normal(0, 0.08, size).cumsum(axis=2) * 0.25)
    demand = rng.normal(0, 0.10, size)
    price = level * cost**0.8 * np.exp(rng.normal(0, 0.05, size) + 0.25 * demand)
    promo = rng.random(size) < 0.10
    clean = usual * (price / level) ** elasticity * np.exp(demand)
    extra = lift * usual * promo
    lost = np.zeros(size)
    for k, w in ((1, 0.5), (2, 0.3), (3, 0.2)):
        lost[:, :, k:] += w * ahead * extra[:, :, :-k]
    others = (
        switching
        * (extra.sum(axis=0, keepdims=True) - extra)
        * usual
        / (usual.sum(axis=0, keepdims=True) - usual)
    )
    sold = np.maximum(clean + extra - lost - others, 0.1)
    p, s, w = (
        v.ravel()
        for v in np.meshgrid(
            np.arange(products), np.arange(stores), np.arange(weeks), indexing="ij"
        )
    )
    table = pd.DataFrame(
        {
            "product_id": p + 1,
            "store_id": s + 1,
            "week": w,
            "quantity": rng.poisson(sold).ravel(),
            "price": price.ravel().round(3),
            "cost": (level * cost * 0.6).ravel().round(4),
            "on_promotion": promo.ravel().astype(int),
        }
    )
    table["margin"] = (0.4 - 0.2 * table["on_promotion"]) * table["price"]
    own = float(extra.sum() / promo.sum())
    return _made(
        table,
        own_price=elasticity,
        lift=lift,
        own=own,
        switched=own * switching,
        bought_ahead=own * ahead,
        new=own * (1 - switching - ahead),
    )


def trips(customers=400, stores=5, per=6, *, size=0.9, distance=1.8, seed=1):
    """Make shopping trips to stores whose pull is size to the power `size` over distance to the
    power `distance`.

    Returns a DataFrame: choice_id, customer_id, alternative (the store), chosen, size, distance_km.
    """
    rng = np.random.default_rng(seed)
    home, place = rng.uniform(0, 20, (customers, 2)), rng.uniform(2, 18, (stores, 2))
    space = rng.uniform(500, 4000, stores).round(-1)
    km = np.maximum(np.hypot(*(home[:, None] - place[None]).transpose(2, 0, 1)), 0.2)
    v = np.repeat(size * np.log(space) - distance * np.log(km), per, axis=0)
    chosen = (v + rng.gumbel(size=v.shape)).argmax(axis=1)
    n = customers * per
    return _made(
        pd.DataFrame(
            {
                "choice_id": np.repeat(np.arange(n), stores),
                "customer_id": np.repeat(np.arange(customers) + 1, per * stores),
                "alternative": np.tile([f"store {i + 1}" for i in range(stores)], n),
                "chosen": (np.arange(stores) == chosen[:, None]).ravel(),
                "size": np.tile(space, n),
                "distance_km": np.repeat(km, per, axis=0).ravel(),
            }
        ),
        size=size,
        distance=distance,
    )


def deals(accounts=600, *, reply=-0.04, referred=0.10, record=0.012, certificate=0.06, seed=1):
    """Make deals between firms: presales replies, referrals, and offers whose price knows the
    vendor's record.

    Planted: the chance to win changes by `reply` each time the first reply takes twice as long (and
    hard deals both wait longer and are lost more often), by `referred` for a referral; prices rise
    by `record` a year of proven record and by `certificate` for a certificate (log scale).

    Returns a DataFrame: deal_id, customer_id, vendor_id, hard, referred, queue (delays replies by
    chance), reply_hours, won, years_of_record, certified, seats, price.
    """
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(accounts) + 1, rng.integers(1, 4, accounts))
    n = len(account)
    hard, asked, queue = rng.normal(0, 1, n), rng.random(n), rng.normal(0, 1, n)
    came = asked < 0.2 + 0.05 * (hard < 0)
    log2 = 2 + 0.6 * hard + 0.9 * queue + rng.normal(0, 0.6, n)
    chance = np.clip(
        0.42
        + reply * (log2 - 2)
        + referred * came
        - 0.07 * hard
        + np.repeat(rng.normal(0, 0.05, accounts), np.bincount(account)[1:]),
        0.02,
        0.98,
    )
    vendors = 60
    vendor = rng.integers(0, vendors, n)
    begun, badge = rng.integers(1, 25, vendors), rng.random(vendors)
    years = begun[vendor] + rng.integers(0, 4, n)
    certified = (badge[vendor] + rng.normal(0, 0.15, n) > 0.5).astype(int)
    seats = rng.integers(5, 200, n)
    price = np.exp(
        6
        + 0.8 * np.log(seats)
        + record * years
        + certificate * certified
        + rng.normal(0, 0.08, vendors)[vendor]
        + rng.normal(0, 0.15, n)
    )
    return _made(
        pd.DataFrame(
            {
                "deal_id": np.arange(n) + 1,
                "customer_id": account,
                "vendor_id": vendor + 1,
                "hard": hard,
                "referred": came.astype(int),
                "queue": queue,
                "reply_hours": 2.0**log2,
                "won": (rng.random(n) < chance).astype(int),
                "years_of_record": years,
                "certified": certified,
                "log_seats": np.log(seats),
                "price": price.round(2),
            }
        ),
        reply=reply,
        referred=referred,
        record=record,
        certificate=certificate,
    )


def media(weeks=156, *, effects=None, seed=1):
    """Make weekly sales with spending that lingers and wears out, a trend, a season and a price.

    `effects` gives channel → (most it can bring a week, share that lingers, spending at half the
    most); a most of 0 is a medium without effect. Returns a DataFrame: week, one column of spending
    a channel, price, sales; the true contributions stand in the truth.
    """
    from scipy.signal import lfilter

    effects = effects or {
        "television": (420.0, 0.6, 120.0),
        "radio": (250.0, 0.3, 80.0),
        "posters": (0.0, 0.2, 100.0),
    }
    rng = np.random.default_rng(seed)
    at = np.arange(weeks)
    season = np.sin(2 * np.pi * at / 52)
    table, brought = {"week": at}, {}
    for name, (most, stay, half) in effects.items():
        spent = rng.gamma(2, half * 0.45, weeks) * (rng.random(weeks) < 0.75) * (1 + 0.3 * season)
        held = lfilter([1 - stay], [1, -stay], spent)
        table[name], brought[name] = spent.round(2), most * held / (held + half)
    price = rng.normal(0, 1, weeks)
    sales = (
        2000 + 200 * season + 2 * at - 60 * price + sum(brought.values()) + rng.normal(0, 60, weeks)
    )
    return _made(
        pd.DataFrame({**table, "price": price, "sales": sales}),
        **{k: float(v.sum()) for k, v in brought.items()},
    )


def answers(design, part_worths, respondents=300, *, spread=0.0, none=None, seed=1):
    """Let people answer the tasks of a choice design.

    Parameters: a table of `conjoint.choice_design`; `part_worths` attribute → {level: worth} or a
    number a unit; `spread` of people's own worths; `none` the worth of choosing nothing (None: not
    offered). Returns a DataFrame with respondent_id, block, task_1, task_2, ….
    """
    rng = np.random.default_rng(seed)
    names = list(part_worths)
    value = {
        n: (
            design[n].map(part_worths[n])
            if isinstance(part_worths[n], dict)
            else design[n] * part_worths[n]
        )
        for n in names
    }
    blocks, rows = sorted(design["block"].unique()), []
    cells = {
        n: (
            pd.factorize(design[n])[0]
            if isinstance(part_worths[n], dict)
            else np.zeros(len(design), int)
        )
        for n in names
    }
    total = np.column_stack([value[n].to_numpy(float) for n in names]).sum(axis=1)
    for r in range(respondents):
        own = (
            total + sum(rng.normal(0, spread, cells[n].max() + 1)[cells[n]] for n in names)
            if spread
            else total
        )
        mine = (design["block"] == blocks[r % len(blocks)]).to_numpy()
        row = {"respondent_id": r + 1, "block": blocks[r % len(blocks)]}
        for task, at in design[mine].groupby("task").indices.items():
            v = own[mine][at] + rng.gumbel(size=len(at))
            row[f"task_{task}"] = (
                0
                if none is not None and none + rng.gumbel() > v.max()
                else int(design.loc[mine, "alternative"].to_numpy()[at][v.argmax()])
            )
        rows.append(row)
    return _made(pd.DataFrame(rows), part_worths=part_worths)


def peers(villages=60, people=20, *, influence=0.4, homophily=0.5, seed=1):
    """Make villages in which people adopt after those around them, and people alike live together.

    Planted: the chance to adopt rises by `influence` when the share of earlier adopters goes from 0
    to 1; `homophily` moves earlier and later adoption of a village alike. Chance gave some villages
    a better offer in the first round, which moves nobody later but through their peers. Returns a
    DataFrame: person_id, village, adopted, earlier_share, offer.
    """
    rng = np.random.default_rng(seed)
    alike, offer = rng.normal(0, 0.25 * homophily, villages), rng.integers(0, 2, villages)
    early = np.clip(0.35 + 0.25 * offer + alike + rng.normal(0, 0.06, villages), 0, 1)
    v = np.repeat(np.arange(villages), people)
    chance = np.clip(0.15 + influence * early[v] + 0.5 * alike[v], 0.02, 0.98)
    return _made(
        pd.DataFrame(
            {
                "person_id": np.arange(len(v)) + 1,
                "village": v + 1,
                "adopted": (rng.random(len(v)) < chance).astype(int),
                "earlier_share": early[v],
                "offer": offer[v],
            }
        ),
        influence=influence,
    )


def feelings(people=600, *, emotion=0.5, satisfaction=0.7, hedonic=0.45, seed=1):
    """Make answers on why people bought, how they felt before, how satisfied they were, and whether
    they mean to buy again (1 to 7).

    Planted: the intention rises by `emotion` a point of feeling and `satisfaction` a point of
    satisfaction (log odds); `hedonic` is the share whose main motive is to feel good. Returns a
    DataFrame: respondent_id, motive, feeling (−3 to 3), satisfied (1 to 7), intention, and
    feels_good, solves_problem, makes_happy (reasons named, 0 or 1).
    """
    rng = np.random.default_rng(seed)
    pleasure = rng.random(people) < hedonic
    feeling = np.clip(np.round(rng.normal(0.4 + 0.5 * pleasure, 1.3, people)), -3, 3)
    satisfied = np.clip(np.round(4.6 + 0.35 * feeling + rng.normal(0, 1.2, people)), 1, 7)
    score = emotion * feeling + satisfaction * (satisfied - 4.5) + rng.logistic(size=people)
    intention = 1 + (score[:, None] > np.array([-3.2, -1.9, -0.8, 0.4, 1.6, 2.9])).sum(axis=1)
    return _made(
        pd.DataFrame(
            {
                "respondent_id": np.arange(people) + 1,
                "motive": np.where(pleasure, "hedonic", "utilitarian"),
                "feeling": feeling,
                "satisfied": satisfied,
                "intention": intention,
                "feels_good": (rng.random(people) < np.where(pleasure, 0.7, 0.2)).astype(int),
                "solves_problem": (rng.random(people) < np.where(pleasure, 0.15, 0.75)).astype(int),
                "makes_happy": (rng.random(people) < np.where(pleasure, 0.5, 0.1)).astype(int),
            }
        ),
        emotion=emotion,
        satisfaction=satisfaction,
        hedonic=hedonic,
    )


def _on(days):
    """Return moments so many days after the first of 2023, to the microsecond; missing stays
    missing.
    """
    return pd.to_datetime((np.asarray(days) * 86_400_000_000).round(), unit="us", utc=True) + (
        pd.Timestamp("2023-01-01") - pd.Timestamp(0)
    )


def complaints(customers=3000, *, failure=0.12, left=-0.25, repaired=-0.04, seed=1):
    """Make orders, some of which go wrong, and the complaints about them.

    Planted: nobody orders again within 24 days; the chance to do so by day 80 is 0.6, changes by
    `left` after a failure that is not put right and by `repaired` after one that is. Returns a
    dictionary: orders (order_id, customer_id, ordered_at) and complaints (customer_id, opened_at,
    solved_at).
    """
    rng = np.random.default_rng(seed)
    rows, asked, at, going = [], [], rng.random(customers) * 60, np.arange(customers)
    while len(going):
        wrong = rng.random(len(going)) < failure
        fixed = wrong & (rng.random(len(going)) < 0.6)
        rows.append(pd.DataFrame({"customer_id": going + 1, "day": at[going]}))
        opened = at[going] + rng.uniform(1, 8, len(going))
        asked.append(
            pd.DataFrame(
                {
                    "customer_id": going + 1,
                    "opened": opened,
                    "solved": np.where(
                        fixed,
                        opened + rng.uniform(0.2, 6, len(going)),
                        np.where(
                            rng.random(len(going)) < 0.5,
                            np.nan,
                            opened + rng.uniform(20, 60, len(going)),
                        ),
                    ),
                }
            )[wrong]
        )
        chance = 0.6 + np.where(fixed, repaired, np.where(wrong, left, 0.0))
        stay = rng.random(len(going)) < chance
        at[going] += np.where(
            stay, rng.uniform(24, 80, len(going)), rng.uniform(100, 200, len(going))
        )
        going = going[at[going] < 500]
    orders, said = pd.concat(rows, ignore_index=True), pd.concat(asked, ignore_index=True)
    orders = pd.DataFrame(
        {
            "order_id": np.arange(len(orders)) + 1,
            "customer_id": orders["customer_id"],
            "ordered_at": _on(orders["day"]),
        }
    )
    said = pd.DataFrame(
        {
            "customer_id": said["customer_id"],
            "opened_at": _on(said["opened"]),
            "solved_at": _on(said["solved"]),
        }
    )
    return {
        "orders": _made(orders, left=left, repaired=repaired),
        "complaints": _made(
            said,
            left=left,
            repaired=repaired,
            solved_less_unsolved=repaired - left,
            solved_less_no_complaint=repaired,
            unsolved_less_no_complaint=left,
        ),
    }
