"""The lives of a block of customers: needs arise, journeys run, orders are made, people stay or go.

All customers of a block take their steps together: the loops below run over needs and over steps,
never over customers.
"""

import numpy as np
from scipy import special

from workbench.simulate import world as w
from workbench.simulate.draws import Draws

MAX_STEPS = 120
LATENESS = 1.2  # median seconds a payment takes
IDLE = [w.CHANNELS.index(name) for name in ("email", "display", "social")]
MOMENT = 1.2e-8  # days, a millisecond: a stage changes just after the event that changes it
FACTORS = (
    "price",
    "quality",
    "convenience",
    "experience",
    "recommendation",
    "emotion",
    "social_proof",
)
WEIGHTS = np.array([0.35, 0.55, 0.30, 0.45, 0.15, 0.40, 0.25]) / np.sqrt(
    (np.array([0.35, 0.55, 0.30, 0.45, 0.15, 0.40, 0.25]) ** 2).sum()
)


def factors(draws, rows, need):
    """Return what a buyer made of each factor this time, standard normal, one column a factor;
    `WEIGHTS` says what it counts for.
    """
    return np.column_stack([draws.normal(f"factor {name}", rows, need) for name in FACTORS])


def live(settings, ids):
    """Return what a block of customers did: a dictionary of column blocks, rows numbered within the
    block.
    """
    return _Life(settings, np.asarray(ids)).run()


class _Life:
    def __init__(self, settings, ids):
        self.s, self.ids, self.n = settings, ids, len(ids)
        self.draws = Draws(settings.seed, ids)
        self.rows = np.arange(self.n)
        self.price, self.promoted = w.prices(settings)
        self.emission = np.array(
            [w.cumulative(w.EMISSION[k], len(w.EVENTS)) for k in (w.NEED, w.SEARCH, w.EVALUATION)]
        )
        self.moves = np.log(np.maximum(np.array([w.MOVES[k] for k in range(4)]), 1e-9))
        self.kept = {"events": [], "episodes": [], "states": [], "orders": []}
        self._people()

    def _people(self):
        """Give every customer traits, and the mails that reach them."""
        u, z, rows, s = self.draws.uniform, self.draws.normal, self.rows, self.s
        self.b2b = (u("side", rows) < 0.15) & (s.effect("b2b") > 0)
        self.involvement = z("involvement", rows)
        self.rate = np.exp(np.log(1 / 45) + 0.55 * z("rate", rows))  # needs a day
        self.taste = (
            z(
                "taste", np.repeat(rows, len(w.BRANDS)), np.tile(np.arange(len(w.BRANDS)), self.n)
            ).reshape(self.n, -1)
            * 0.8
        )
        self.deciders = np.where(
            self.b2b, 2 + self.draws.pick("deciders", np.cumsum([0.45, 0.35, 0.2]), rows), 1
        )
        self.nightly = u("clock", rows) * 24
        self.two_devices = u("devices", rows) < 0.35
        # Mail program that opens everything.
        self.proxy = (u("proxy", rows) < 0.45) & (s.effect("machine_opens") > 0)
        self.listed = u("listed", rows) < 0.7
        self.arms = {
            name: (
                np.full(self.n, bool(s.arms[name]))
                if name in s.arms
                else u(f"arm {name}", rows) < 0.5
            )
            for name in s.tests
        }
        self.unseen = (u("unseen", rows) < 0.3) & (s.world == "unseen_channel")
        self.loyalty, self.last_brand, self.bought = (
            np.zeros(self.n),
            np.full(self.n, -1),
            np.zeros(self.n, int),
        )
        self.alive, self.left_at = np.ones(self.n, bool), np.full(self.n, np.inf)
        self.t = np.zeros(self.n)
        self.first_visit, self.device_now = np.ones(self.n, bool), np.zeros(self.n, int)
        m = np.arange(1, s.days // w.MAIL_EVERY + 1)
        self.mail_day = m * w.MAIL_EVERY - 0.6
        grid = np.repeat(rows, len(m)), np.tile(m, self.n)
        shape = (self.n, len(m))
        if not len(m) or "email" in s.channels_off:
            self.sent = self.mail_click = np.zeros((self.n, len(m)), bool)
            self.mail_wait = np.zeros((self.n, len(m)))
            return
        held = u("holdout", *grid).reshape(shape) < w.HOLDOUT
        gone = np.cumsum(u("unsubscribe", *grid).reshape(shape) < 0.004, axis=1) > 0
        self.sent = self.listed[:, None] & ~held & ~np.roll(gone, 1, axis=1)
        delivered = self.sent & (u("delivered", *grid).reshape(shape) < 0.985)
        self.mail_click = delivered & (
            u("mail need", *grid).reshape(shape) < w.MAIL_TRIGGER * s.effect("email")
        )
        self.mail_wait = self.draws.wait("mail wait", *grid).reshape(shape) * 0.5

    def run(self):
        need, nobody = 0, np.zeros(0, int)
        # So that a market in which nothing happens has its tables too.
        self._episode(nobody, nobody * 1.0, nobody, 0)
        self._after_purchase(nobody, nobody * 1.0, nobody, nobody, nobody > 0, 0)
        while True:
            rows = np.flatnonzero(self.alive & (self.t < self.s.days))
            if not len(rows):
                break
            opened, trigger = self._next_need(rows, need)
            inside = opened < self.s.days
            self.t[rows[~inside]] = np.inf
            rows, opened, trigger = rows[inside], opened[inside], trigger[inside]
            if len(rows):
                self._episode(rows, opened, trigger, need)
            need += 1
        self.left_at[self.alive] = np.inf
        return {
            name: {k: np.concatenate([b[k] for b in blocks]) for k in blocks[0]}
            for name, blocks in self.kept.items()
        }, self

    def _next_need(self, rows, need):
        """Return when the next need opens and what opened it: -1 = from within, else a channel."""
        now = self.t[rows]
        best, trigger = (
            now + self.draws.wait("need", rows, need) / self.rate[rows],
            np.full(len(rows), -1),
        )
        for name, rate in w.TRIGGERS.items():
            if name not in self.s.channels_off and not (
                name == "referral" and self.s.effect("referral") == 0
            ):
                when = now + self.draws.wait(f"need {name}", rows, need) / rate
                trigger, best = (
                    np.where(when < best, w.CHANNELS.index(name), trigger),
                    np.minimum(best, when),
                )
        if self.mail_click.any():
            moments = self.mail_day + self.mail_wait[rows]
            when = np.where(self.mail_click[rows] & (moments > now[:, None]), moments, np.inf).min(
                axis=1
            )
            trigger, best = (
                np.where(when < best, w.CHANNELS.index("email"), trigger),
                np.minimum(best, when),
            )
        return best, trigger

    def _episode(self, rows, opened, trigger, need):
        s, u, d = self.s, self.draws.uniform, self.draws
        m, week = len(rows), (opened // 7).astype(int)
        loyal, effect = self.loyalty[rows], s.effect
        # The brands thought of, and the best of them at this week's prices.
        luck = -np.log(
            -np.log(u("brand", np.repeat(rows, 6), need, np.tile(np.arange(6), m)).reshape(m, 6))
        )
        known = (self.last_brand[rows][:, None] == np.arange(6)) * loyal[:, None]
        size = np.minimum(
            1
            + d.pick("set", np.cumsum([0.18, 0.27, 0.27, 0.17, 0.11]), rows, need)
            + (
                (
                    effect("involvement") * self.involvement[rows]
                    + d.normal("set more", rows, need) * 0.3
                )
                > 0.8
            ),
            6,
        )
        thought = (
            np.argsort(
                np.argsort(-(w.APPEAL + self.taste[rows] + 1.5 * known + luck), axis=1), axis=1
            )
            < size[:, None]
        )
        deal = (
            effect("price") * (self.price[week] - w.PRICE)
            + effect("promotion") * self.promoted[week]
        )
        value = (
            w.APPEAL
            + self.taste[rows]
            + known
            + effect("price") * (self.price[week] - w.PRICE.mean()) * 0.8
            + deal
            + effect("reviews") * (w.RATING - 4)
            + 0.7 * luck
        )
        brand = np.where(thought, value, -np.inf).argmax(axis=1)
        pull = deal[np.arange(m), brand]
        p_skip = special.expit(-2.6 + effect("loyalty") * loyal)
        skip = (u("skip", rows, need) < p_skip) & (self.bought[rows] > 0)
        if effect("impulse"):
            # A consumer may buy on the spot, twice as often where the brand is on promotion.
            spot = effect("impulse") * 0.12 * (1 + self.promoted[week, brand]) * ~self.b2b[rows]
            skip |= u("impulse", rows, need) < spot
        slack = np.where(self.b2b[rows], 3.0, 1.0)
        stage, micro = np.zeros(m, int), np.zeros(m, int)
        t, visit, channel = opened.copy(), np.zeros(m, int), np.full(m, -1)
        fresh, going, order_at, last_seen = (
            np.ones(m, bool),
            np.ones(m, bool),
            np.full(m, np.inf),
            opened.copy(),
        )
        end, reached, failed = opened.copy(), np.zeros(m, int), np.zeros(m, bool)
        stay_left = (
            d.pick("dwell", np.cumsum([0.2, 0.25, 0.25, 0.2, 0.1]), rows, need)
            if s.world == "semi_markov"
            else None
        )
        self._state(rows, opened, np.full(m, w.NEED))
        reads = np.zeros(m)
        for step in range(MAX_STEPS):
            a = np.flatnonzero(going & (t < s.days))
            if not len(a):
                break
            r, k = rows[a], stage[a]
            key = (r, need, step)
            # A new visit has a channel; where that is switched off, another one serves or the visit
            # is lost.
            lost = np.zeros(len(a), bool)
            new = np.flatnonzero(fresh[a])
            if len(new):
                drawn = d.pick("channel", np.cumsum(w.VISITS[k[new]], axis=1), r[new], need, step)
                drawn = np.where((step == 0) & (trigger[a][new] >= 0), trigger[a][new], drawn)
                for name in s.channels_off:
                    hit = drawn == w.CHANNELS.index(name)
                    lost[new] |= hit & (u("lost", r[new], need, step) > w.SUBSTITUTE[name])
                    drawn = np.where(hit, 0, drawn)
                channel[a[new]] = drawn
                visit[a[new]] += 1
                self.device_now[r[new]] = (
                    self.two_devices[r[new]] & (u("device", r[new], need, step) < 0.45)
                ).astype(int)
            event = np.where(k == w.INTENT, w.CHECKOUT[micro[a]], 0)
            free = np.flatnonzero(k < w.INTENT)
            event[free] = d.pick("event", self.emission[k[free]], r[free], need, step)
            event = np.where((step == 0) & (trigger[a] >= 0), w.CODE["ad_click"], event)
            pay = event == w.CODE["payment_submit"]
            seconds = np.where(pay, LATENESS * np.exp(0.8 * d.normal("seconds", *key)), np.nan)
            fail = pay & (u("fail", *key) < 0.06)
            event = np.where(fail, w.CODE["payment_failed"], event)
            failed[a] |= fail
            event = np.where(
                (s.world == "mislabelled") & (u("wrong", *key) < 0.15) & (event != w.CODE["order"]),
                (u("wrong name", *key) * w.CODE["add_to_cart"]).astype(int),
                event,
            )
            among = thought[a] * 1.0
            among /= among.sum(axis=1, keepdims=True)
            looked = np.where(
                k >= w.INTENT, brand[a], d.pick("looked", np.cumsum(among, axis=1), *key)
            )
            hidden = (
                w.OFFLINE[event]
                | ((k == w.SEARCH) & self.unseen[r] & (u("unseen event", *key) < 0.8))
            ) & (s.effect("tracking") > 0)
            last_seen[a] = t[a]
            ordered = event == w.CODE["order"]
            reads[a] += (event == w.CODE["review_read"]) * (w.RATING[looked] - 4)
            blocked = (event == w.CODE["out_of_stock"]) | fail
            slow = np.where(pay, np.nan_to_num(seconds) - LATENESS, 0)
            logits = self._leanings(k, r, pull[a], reads[a], (blocked, slow, trigger[a]))
            if stay_left is not None:
                logits[:, 0] = np.where(stay_left[a] > 0, logits[:, 0] + 2.2, logits[:, 0] - 1.0)
                stay_left[a] -= 1
            share = np.exp(logits - logits.max(axis=1, keepdims=True))
            share /= share.sum(axis=1, keepdims=True)
            self._events(
                row=r,
                t=t[a],
                stage=np.where(ordered, w.PURCHASE, k),
                event=event,
                need=np.full(len(a), need),
                channel=channel[a],
                visit=visit[a],
                brand=looked,
                tracked=~hidden,
                seconds=seconds,
                p_leave=np.where(ordered, np.nan, np.where(lost, 1.0, share[:, 4])),
                blocked=blocked,
            )
            move = d.pick("move", np.cumsum(share, axis=1), *key)
            move = np.where(lost & ~ordered, 4, move)
            move = np.where(skip[a] & (k == w.NEED) & (move != 4), 5, move)
            before = k
            after = np.select(
                [move == 1, move == 2, move == 3, move == 5], [k + 1, k + 2, k - 1, w.INTENT], k
            )
            at_till = before == w.INTENT
            after = np.where(
                at_till, np.where(move == 3, w.EVALUATION, w.INTENT), np.minimum(after, w.INTENT)
            )
            micro[a] = np.where(
                at_till, np.where(move == 3, 0, np.minimum(micro[a] + ((move == 1) & ~fail), 4)), 0
            )
            leave = (move == 4) & ~ordered
            reached[a] = np.maximum(reached[a], after)
            # Time to the next event: seconds within a visit, hours to days between two.
            breaks = u("break", *key) < w.BREAK[before]
            dwell = np.exp(np.log(35) + 1.0 * d.normal("dwell time", *key)) / 86400
            pause = np.exp(np.log(0.8) + 0.9 * d.normal("pause", *key)) * slack[a] + 31 / 1440
            nxt = t[a] + np.where(breaks, pause, dwell)
            self.first_visit[r[breaks]] = False
            fresh[a] = breaks
            moved = ~leave & ~ordered & (after != before)
            self._state(r[moved], t[a][moved] + MOMENT, after[moved])
            if stay_left is not None:
                stay_left[a[moved]] = d.pick(
                    "dwell", np.cumsum([0.2, 0.25, 0.25, 0.2, 0.1]), r[moved], need, step + 1
                )
            done = a[ordered]
            order_at[done], end[done] = t[done], t[done]
            gone = a[leave]
            end[gone] = t[gone]
            self._state(rows[gone], t[gone] + MOMENT, np.full(len(gone), w.IDLE))
            going[done] = going[gone] = False
            stage[a], t[a] = after, nxt
        unfinished = going
        end[unfinished] = np.inf
        bought = np.isfinite(order_at)
        outcome = np.where(bought, 1, np.where(unfinished, 0, 2))
        self.kept["episodes"].append(
            {
                "row": rows,
                "need": np.full(m, need),
                "opened": opened,
                "closed": end,
                "last_event": last_seen,
                "outcome": outcome,
                "trigger": trigger,
                "skipped": skip,
                "p_skip": np.where(self.bought[rows] > 0, p_skip, 0.0),
                "loyalty_before": loyal,
                "orders_before": self.bought[rows],
                "set_size": size,
                "thought": thought @ (1 << np.arange(len(w.BRANDS))),
                "brand": brand,
                "furthest": np.where(bought, w.PURCHASE, reached),
                "visits": visit,
                "failed": failed,
            }
        )
        self.first_visit[rows] = False
        self.t[rows] = np.where(unfinished, np.inf, end + 0.02)
        if bought.any():
            self._after_purchase(
                rows[bought], order_at[bought], brand[bought], week[bought], failed[bought], need
            )

    def _leanings(self, k, r, pull, reads, met):
        """Return how strongly each next move draws a person in stage `k`, on the log scale: to
        stay, go on, skip one, go back, leave; `met` holds barriers, delays and triggers.
        """
        effect, (blocked, slow, trigger) = self.s.effect, met
        logits = self.moves[k].copy()
        on = (k == w.EVALUATION) | (k == w.SEARCH)
        logits[:, 1] += (
            on * (pull + effect("reviews") * np.clip(reads, -1, 1))
            + effect("newcomer") * self.first_visit[r]
        )
        for name, arm in self.arms.items():
            logits[:, 1] += effect(name) * arm[r] * np.isin(k, w.TESTS[name])
        logits[:, 0] += 0.35 * self.b2b[r] + 0.25 * self.involvement[r] * (k == w.SEARCH) * effect(
            "involvement"
        )
        logits[:, 4] += effect("barrier") * blocked + effect("latency") * slow
        logits[:, 4] += effect("idle_touch") * np.isin(trigger, IDLE)
        return logits

    def _after_purchase(self, rows, at, brand, week, failed, need):
        """Make the order, the opinion of it, what people do with that opinion, and whether they
        stay.
        """
        s, u, d = self.s, self.draws.uniform, self.draws
        m = len(rows)
        satisfaction = (
            w.QUALITY[brand]
            + 0.35 * self.taste[rows, brand]
            + factors(d, rows, need) @ WEIGHTS * 0.8
            - 0.6 * failed * (s.effect("barrier") > 0)
        )
        units = (
            1
            + d.pick("units", np.cumsum([0.66, 0.18, 0.08, 0.05, 0.03]), rows, need)
            + np.where(self.b2b[rows], 6, 0)
        )
        p_leave = special.expit(-2.35 - s.effect("satisfaction") * satisfaction)
        leaves = u("leave", rows, need) < p_leave
        self.kept["orders"].append(
            {
                "row": rows,
                "need": np.full(m, need),
                "at": at,
                "brand": brand,
                "units": units,
                "list_price": w.PRICE[brand],
                "price": self.price[week, brand],
                "promoted": self.promoted[week, brand],
                "satisfaction": satisfaction,
                "p_leave": p_leave,
                "leaves": leaves,
            }
        )
        self.loyalty[rows] = np.where(
            self.last_brand[rows] == brand, 0.55 * self.loyalty[rows], 0
        ) + 0.45 * special.expit(2 * satisfaction)
        self.last_brand[rows] = brand
        self.bought[rows] += 1
        self.left_at[rows[leaves]] = at[leaves]
        self._state(rows, at + MOMENT, np.full(m, w.POST))
        plan = [
            ("order_tracking", 0.75, 0.8, w.POST),
            ("support_contact", special.expit(-2.2 - 1.2 * satisfaction), 4, w.POST),
            ("return", special.expit(-2.8 - 1.3 * satisfaction), 7, w.POST),
            ("review_written", special.expit(-2.0 + 0.5 * np.abs(satisfaction)), 8, w.POST),
            ("loyalty_action", 0.22 * ~leaves, 9, w.RETENTION),
            ("newsletter_click", 0.15 * ~leaves * self.listed[rows], 11, w.RETENTION),
            (
                "referral_sent",
                special.expit(-3.4 + s.effect("referral") * satisfaction),
                12,
                w.ADVOCACY,
            ),
        ]
        for i, (name, chance, days, stage) in enumerate(plan):
            does = np.flatnonzero(u(name, rows, need) < chance)
            when = at[does] + 0.1 + days * d.wait(f"{name} wait", rows[does], need) * 0.6
            does, when = does[when < s.days], when[when < s.days]
            praised = (name == "review_written") & (satisfaction[does] > 0.6)
            kind = np.where(praised, w.ADVOCACY, stage)
            one = np.ones(len(does), int)
            self._events(
                row=rows[does],
                t=when,
                stage=kind,
                event=one * w.CODE[name],
                need=one * need,
                channel=one * 0,
                visit=one * (90 + i),
                brand=brand[does],
                tracked=one > 0,
                seconds=one * np.nan,
                p_leave=one * np.nan,
                blocked=one < 0,
            )
        rest = at + 7 + 14 * u("rest", rows, need)
        self._state(rows, rest, np.full(m, w.IDLE))
        self.t[rows] = rest + 0.02
        self.alive[rows[leaves]] = False

    def _events(self, **columns):
        self.kept["events"].append({**columns, "device": self.device_now[columns["row"]]})

    def _state(self, row, t, stage):
        self.kept["states"].append({"row": row, "t": t, "stage": stage})
