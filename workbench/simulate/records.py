"""From what happened to what a firm would have on file: the observed tables, and the truth beside
them.
"""

import numpy as np
import pandas as pd

from workbench.simulate import world as w
from workbench.simulate.columns import in_order, stamps, words
from workbench.simulate.life import FACTORS, factors
from workbench.simulate.states import truth_tables

_REVIEWS = {
    "en": {
        "good": [
            "Works exactly as promised and feels solid in the hand.",
            "Delivery was quick and the box arrived in perfect order.",
            "For this price I had not expected such quality.",
            "A friend told me about it and she was right.",
        ],
        "bad": [
            "It stopped working within a week and that is a pity.",
            "Delivery took far too long and nobody could say why.",
            "For this price I had expected better quality.",
            "The service desk did not answer my question.",
        ],
        "plain": [
            "I compared several brands before I chose this one.",
            "I read the reviews of others and looked at the price for a while.",
            "Ordering went without trouble and paying took a moment.",
            "I use it at home a few times a week.",
        ],
    },
    "nl": {
        "good": [
            "Doet precies wat beloofd is en voelt stevig aan.",
            "De bezorging was snel en de doos kwam heel aan.",
            "Voor deze prijs had ik zulke kwaliteit niet verwacht.",
            "Een vriendin raadde het aan en zij had gelijk.",
        ],
        "bad": [
            "Het ging binnen een week stuk en dat is jammer.",
            "De bezorging duurde veel te lang en niemand wist waarom.",
            "Voor deze prijs had ik betere kwaliteit verwacht.",
            "De klantenservice gaf geen antwoord op mijn vraag.",
        ],
        "plain": [
            "Ik heb eerst meerdere merken met elkaar vergeleken.",
            "Ik las wat anderen schreven en keek een tijdje naar de prijs.",
            "Bestellen ging zonder moeite en betalen duurde even.",
            "Ik gebruik het thuis een paar keer per week.",
        ],
    },
}
_ROLES = ("initiator", "user", "influencer", "decider", "buyer", "gatekeeper")
ANSWERING = 0.40  # share of people asked who answer
STAGE_ERROR = 0.10  # share of stated stages that are another one
# Pages that show one brand; the others (home, search, compare, stories) show several or none.
_NAMES_BRAND = np.array(
    [
        page.startswith("/p/") or page.startswith("/checkout") or page.startswith("/cart")
        for page in w.PAGES.values()
    ]
)
_NOW = (w.IDLE, w.NEED, w.SEARCH, w.EVALUATION, w.INTENT, w.POST)


def tables(kept, life):
    """Return (observed, truth): two dictionaries of DataFrames for a block of customers."""
    make = _Records(kept, life)
    return make.observed(), truth_tables(make)


class _Records:
    def __init__(self, kept, life):
        self.life, self.s = life, life.s
        self.id = life.ids.astype(np.int64) + 1
        self.e, self.p, self.o, self.st = (
            in_order(kept[k], by)
            for k, by in (
                ("events", ("row", "t")),
                ("episodes", ("row", "opened")),
                ("orders", ("row", "at")),
                ("states", ("row", "t")),
            )
        )
        self.language = np.where(life.draws.uniform("language", life.rows) < 0.5, "nl", "en")

    def observed(self):
        made = {
            "events": self._events(),
            "orders": self._orders(),
            "order_lines": self._lines(),
            "customers": self._customers(),
            "emails": self._emails(),
            "surveys": self._surveys(),
            "texts": self._texts(),
            "referrals": self._referrals(),
            "deals": self._deals(),
            "links": self._links(),
        }
        if self.s.tests:
            made["assignments"] = self._assignments()
        return made

    def _events(self):
        e = self.e
        seen = e["tracked"]
        e = {k: v[seen] for k, v in e.items()}
        page = np.array([w.PAGES[name] for name in w.EVENTS], object)
        pages = np.array([[p.replace("{p}", b.lower()) for b in w.BRANDS] for p in page], object)
        source = [list(x) for x in zip(*(w.SOURCE[c] for c in w.CHANNELS), strict=True)]
        event, channel = e["event"], e["channel"]
        mail = np.full(len(event), "", object)
        tagged = np.isin(
            channel,
            [
                w.CHANNELS.index(c)
                for c in ("paid_search", "display", "social", "email", "affiliate")
            ],
        )
        mail[tagged] = "always_on"
        return pd.DataFrame(
            {
                "customer_id": self.id[e["row"]],
                "occurred_at": stamps(e["t"]),
                "event": words(w.EVENTS, event),
                "page": words(pages.ravel().tolist(), event * 6 + e["brand"]),
                "session_id": self._session(e),
                "referrer": words(source[2], channel),
                "source": words(source[0], channel),
                "medium": words(source[1], channel),
                "campaign": words(["", "always_on"], tagged.astype(int)),
                "channel": words(w.CHANNELS, channel),
                "device": words(["mobile", "desktop"], e["device"]),
                "device_id": self.id[e["row"]] * 2 + e["device"],
                "brand": words(w.BRANDS, np.where(_NAMES_BRAND[event], e["brand"], -1)),
                "value": np.round(e["seconds"], 3),
            }
        )

    def _session(self, e):
        return self.id[e["row"]] * 1_000_000 + e["need"] * 1000 + e["visit"]

    def _order_id(self, o):
        return self.id[o["row"]] * 1000 + o["need"]

    def _orders(self):
        o = self.o
        amount = o["price"] * o["units"]
        channel = np.where(
            self.life.draws.uniform("order channel", o["row"], o["need"]) < 0.9, 0, 1
        )
        return pd.DataFrame(
            {
                "order_id": self._order_id(o),
                "customer_id": self.id[o["row"]],
                "ordered_at": stamps(o["at"]),
                "amount": np.round(amount, 2),
                "discount": np.round(np.maximum(o["list_price"] - o["price"], 0) * o["units"], 2),
                "channel": words(["web", "app"], channel),
                "side": words(["B2C", "B2B"], self.life.b2b[o["row"]].astype(int)),
            }
        )

    def _lines(self):
        o = self.o
        return pd.DataFrame(
            {
                "order_id": self._order_id(o),
                "customer_id": self.id[o["row"]],
                "ordered_at": stamps(o["at"]),
                "product_id": o["brand"] + 1,
                "brand": words(w.BRANDS, o["brand"]),
                "quantity": o["units"].astype(float),
                "amount": np.round(o["price"] * o["units"], 2),
                "list_price": o["list_price"] * o["units"],
                "on_promotion": o["promoted"],
            }
        )

    def _customers(self):
        return pd.DataFrame(
            {
                "customer_id": self.id,
                "side": words(["B2C", "B2B"], self.life.b2b.astype(int)),
                "language": self.language,
            }
        )

    def _emails(self):
        life, d = self.life, self.life.draws
        if "email" in self.s.channels_off or not len(life.mail_day):
            return pd.DataFrame(
                {
                    "customer_id": self.id[:0],
                    "campaign_id": self.id[:0],
                    "variant": words(["mail"], self.id[:0]),
                    "sent_at": stamps(np.zeros(0)),
                    "delivered": np.zeros(0, bool),
                    "opened_at": stamps(np.zeros(0)),
                    "machine_open": np.zeros(0, bool),
                    "clicked_at": stamps(np.zeros(0)),
                    "unsubscribed": np.zeros(0, bool),
                }
            )
        row, m = np.nonzero(np.broadcast_to(life.listed[:, None], life.sent.shape))
        sent, click = life.sent[row, m], life.mail_click[row, m]
        delivered = sent & (d.uniform("delivered", row, m + 1) < 0.985)
        day = life.mail_day[m]
        machine = delivered & life.proxy[row]
        human = delivered & (click | (d.uniform("open", row, m + 1) < 0.24))
        idle_click = human & (d.uniform("click", row, m + 1) < 0.08)
        opened = np.where(human, day + 0.02 + d.wait("open wait", row, m + 1) * 0.4, np.inf)
        opened = np.where(machine, np.minimum(opened, day + 0.003), opened)
        clicked = np.where(
            click, day + life.mail_wait[row, m], np.where(idle_click, opened + 0.005, np.inf)
        )
        return pd.DataFrame(
            {
                "customer_id": self.id[row],
                "campaign_id": m + 1,
                "variant": words(["holdout", "mail"], sent.astype(int)),
                "sent_at": stamps(day),
                "delivered": delivered,
                "opened_at": stamps(np.where(delivered, opened, np.inf)),
                "machine_open": machine,
                "clicked_at": stamps(clicked),
                "unsubscribed": sent & (d.uniform("unsubscribe", row, m + 1) < 0.004),
            }
        )

    def _surveys(self):
        d, o, life = self.life.draws, self.o, self.life
        answers = np.flatnonzero(d.uniform("answers", o["row"], o["need"]) < ANSWERING)
        r, n, sat = o["row"][answers], o["need"][answers], o["satisfaction"][answers]
        at, order = (
            o["at"][answers] + 5 + d.uniform("answer wait", r, n) * 5,
            self._order_id(o)[answers],
        )
        f = factors(d, r, n)
        items = {
            "satisfaction": np.clip(
                np.round(4.6 + 1.3 * sat + 0.5 * d.normal("likert", r, n)), 1, 7
            ),
            "recommend": np.clip(np.round(7.3 + 1.7 * sat + d.normal("nps", r, n)), 0, 10),
        }
        for j, name in enumerate(FACTORS):
            items[f"rating_{name}"] = np.clip(
                np.round(4.4 + 1.2 * f[:, j] + 0.5 * d.normal(f"likert {name}", r, n)), 1, 7
            )
        parts = [
            pd.DataFrame(
                {
                    "respondent_id": self.id[r],
                    "t": at,
                    "item": item,
                    "value": value,
                    "order_id": order,
                }
            )
            for item, value in items.items()
        ]
        trigger = self._trigger(r, n)
        parts.append(
            pd.DataFrame(
                {
                    "respondent_id": self.id[r],
                    "t": at,
                    "item": "trigger",
                    "value": trigger.astype(float),
                    "order_id": order,
                }
            )
        )
        asked = np.flatnonzero(d.uniform("asked", life.rows) < 0.25)
        for wave in range(2):
            when = self.s.days * (0.35 + 0.6 * d.uniform("asked when", asked, wave))
            true = self.state_at(asked, when)
            wrong = d.uniform("misstated", asked, wave) < STAGE_ERROR
            other = (d.uniform("misstated as", asked, wave) * 6).astype(int)
            stated = np.where(wrong, np.array(_NOW)[other], true)
            juster = {
                w.IDLE: 0.6,
                w.NEED: 2.2,
                w.SEARCH: 3.8,
                w.EVALUATION: 5.5,
                w.INTENT: 7.8,
                w.POST: 1.2,
            }
            mean = np.vectorize(juster.get, otypes=[float])(true)
            chance = np.clip(np.round(mean + 1.8 * d.normal("juster", asked, wave)), 0, 10)
            for item, value in (
                ("stage_now", stated.astype(float)),
                ("purchase_probability", chance),
            ):
                parts.append(
                    pd.DataFrame(
                        {
                            "respondent_id": self.id[asked],
                            "t": when,
                            "item": item,
                            "value": value,
                            "order_id": 0,
                        }
                    )
                )
        table = pd.concat(parts, ignore_index=True).sort_values(
            ["respondent_id", "t", "item"], kind="stable", ignore_index=True
        )
        number = table.groupby("respondent_id").cumcount()
        return pd.DataFrame(
            {
                "response_id": table["respondent_id"] * 1000 + number,
                "respondent_id": table["respondent_id"],
                "answered_at": stamps(table["t"]),
                "item": table["item"].astype("str"),
                "value": table["value"],
                "order_id": table["order_id"].where(table["order_id"] > 0),
            }
        )

    def _trigger(self, row, need):
        """Return -1 for a need from within, else the channel that woke it, of the episode behind an
        order.
        """
        key = self.p["row"] * 100_000 + self.p["need"]
        order = np.argsort(key, kind="stable")
        at = np.searchsorted(key[order], row * 100_000 + need)
        return self.p["trigger"][order][at]

    def state_at(self, rows, when):
        """Return the true stage of customers at moments."""
        st = self.st
        starts = np.searchsorted(st["row"], rows)
        out = np.full(len(rows), w.IDLE)
        # States of one customer are sorted in time: shift each customer's clock to search all at
        # once.
        span = float(self.s.days * 4 + 400)
        at = np.searchsorted(st["row"] * span + st["t"], rows * span + when, side="right") - 1
        known = at >= starts
        out[known] = st["stage"][at[known]]
        return out

    def _texts(self):
        e, d = self.e, self.life.draws
        wrote = np.flatnonzero(e["event"] == w.CODE["review_written"])
        r, n = e["row"][wrote], e["need"][wrote]
        key = self.o["row"] * 100_000 + self.o["need"]
        sat = (
            self.o["satisfaction"][np.searchsorted(key, r * 100_000 + n)]
            if len(wrote)
            else np.zeros(0)
        )
        rating = np.clip(np.round(3.5 + 1.1 * sat), 1, 5)
        length = np.clip(
            np.round(np.exp(np.log(5.4) + 0.6 * d.normal("length", r, n))), 1, 24
        ).astype(int)
        written = []
        for i, (row, many) in enumerate(zip(r, length, strict=True)):
            book = _REVIEWS[self.language[row]]
            tone = (
                book["good"] if rating[i] > 3 else book["bad"] if rating[i] < 3 else book["plain"]
            )
            u = d.uniform("sentence", np.full(many, row), n[i], np.arange(many))
            written.append(
                " ".join((tone if x < 0.6 else book["plain"])[int(x * 40) % 4] for x in u)
            )
        return pd.DataFrame(
            {
                "text_id": self.id[r] * 1000 + n,
                "customer_id": self.id[r],
                "created_at": stamps(e["t"][wrote]),
                "text": pd.array(written, dtype="str"),
                "rating": rating,
                "language": pd.array(self.language[r].tolist(), dtype="str"),
                "brand": words(w.BRANDS, e["brand"][wrote]),
            }
        )

    def _referrals(self):
        e, d = self.e, self.life.draws
        sent = np.flatnonzero(e["event"] == w.CODE["referral_sent"])
        r, n = e["row"][sent], e["need"][sent]
        invites = 1 + d.pick("invites", np.cumsum([0.4, 0.3, 0.2, 0.1]), r, n)
        return pd.DataFrame(
            {
                "referrer_id": self.id[r],
                "sent_at": stamps(e["t"][sent]),
                "invites": invites,
                "joined": (d.uniform("joined", r, n) < 1 - 0.92**invites).astype(int),
            }
        )

    def _deals(self):
        p, life, d = self.p, self.life, self.life.draws
        of = np.flatnonzero(life.b2b[p["row"]])
        each = np.repeat(of, life.deciders[p["row"][of]])
        number = np.arange(len(each)) - np.repeat(
            np.cumsum(life.deciders[p["row"][of]]) - life.deciders[p["row"][of]],
            life.deciders[p["row"][of]],
        )
        r, n = p["row"][each], p["need"][each]
        rating = np.clip(
            np.round(
                5 + 1.1 * d.normal("role rating", r, n, number) + 0.8 * (p["outcome"][each] == 1)
            ),
            1,
            7,
        )
        return pd.DataFrame(
            {
                "deal_id": self.id[r] * 1000 + n,
                "customer_id": self.id[r],
                "contact": number + 1,
                "role": words(
                    _ROLES,
                    d.pick("role", np.cumsum([0.15, 0.25, 0.2, 0.2, 0.15, 0.05]), r, n, number),
                ),
                "rating": rating,
                "opened_at": stamps(p["opened"][each]),
                "won": p["outcome"][each] == 1,
            }
        )

    def _assignments(self):
        parts = [
            pd.DataFrame(
                {
                    "customer_id": self.id,
                    "test": name,
                    "variant": words(["control", "treatment"], arm.astype(int)),
                }
            )
            for name, arm in self.life.arms.items()
        ]
        return pd.concat(parts, ignore_index=True)

    def _links(self):
        life = self.life
        row = np.concatenate([life.rows, life.rows[life.two_devices]])
        device = np.concatenate([np.zeros(life.n, int), np.ones(int(life.two_devices.sum()), int)])
        known = life.draws.uniform("link", row, device) < np.where(device == 0, 0.8, 0.6)
        table = pd.DataFrame({"device_id": self.id[row] * 2 + device, "customer_id": self.id[row]})
        return table[known].sort_values("device_id", ignore_index=True)
