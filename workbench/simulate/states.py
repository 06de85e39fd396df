"""What nobody sees of a simulated market: the states people were in and the chances they had.

Every truth that is printed anywhere is computed from these tables (`workbench.simulate.truth`).
"""

import numpy as np
import pandas as pd

from workbench.simulate import world as w
from workbench.simulate.columns import stamps, words


def truth_tables(made):
    """Return the tables of truth of a block of customers."""
    return {
        "events": _true_events(made),
        "episodes": _decisions(made),
        "states": pd.DataFrame(
            {
                "customer_id": made.id[made.st["row"]],
                "since": stamps(made.st["t"]),
                "stage": words(w.STAGES, made.st["stage"]),
            }
        ),
        "customers": _people(made),
    }


def _true_events(made):
    e = made.e
    clear, barred = _leaving(made)
    return pd.DataFrame(
        {
            "customer_id": made.id[e["row"]],
            "occurred_at": stamps(e["t"]),
            "event": words(w.EVENTS, e["event"]),
            "stage": words(w.STAGES, e["stage"]),
            "episode": e["need"],
            "tracked": e["tracked"],
            "brand": words(w.BRANDS, e["brand"]),
            "barrier": e["blocked"],
            "leave_chance": e["p_leave"],
            "leave_if_clear": clear,
            "leave_if_barrier": barred,
        }
    )


def _leaving(made):
    """Return the chance to give up after every contact, had there been no barrier at it, and
    had there been one.
    """
    e, times = made.e, np.exp(made.s.effect("barrier"))
    p = e["p_leave"]

    def moved(odds):
        return p * odds / (1 - p + p * odds)

    return np.where(e["blocked"], moved(1 / times), p), np.where(e["blocked"], p, moved(times))


def _decisions(made):
    p = made.p
    sets = ["|".join(b for i, b in enumerate(w.BRANDS) if n >> i & 1) for n in range(64)]
    return pd.DataFrame(
        {
            "customer_id": made.id[p["row"]],
            "episode": p["need"],
            "opened_at": stamps(p["opened"]),
            "closed_at": stamps(p["closed"]),
            "outcome": words(["open", "bought", "abandoned"], p["outcome"]),
            "trigger": words(["internal", *w.CHANNELS], p["trigger"] + 1),
            "skipped": p["skipped"],
            "p_skip": p["p_skip"],
            "loyalty_before": p["loyalty_before"],
            "orders_before": p["orders_before"],
            "set_size": p["set_size"],
            "brand": words(w.BRANDS, p["brand"]),
            "furthest": words(w.STAGES, p["furthest"]),
            "visits": p["visits"],
            "brands": words(sets, p["thought"]),
            **_passed(made),
        }
    )


def _passed(made):
    """Return which stages every decision went through in mind, and its events."""
    p, e, st = made.p, made.e, made.st
    key = p["row"] * 100_000 + p["need"]
    order = np.argsort(key, kind="stable")
    mind = st["stage"] <= w.INTENT
    # A state belongs to the decision of its person that was the last to open.
    span = float(made.s.days * 4 + 400)
    opened = p["row"] * span + p["opened"]
    own = np.searchsorted(opened, st["row"][mind] * span + st["t"][mind], side="right") - 1
    out = {}
    for k in (w.NEED, w.SEARCH, w.EVALUATION, w.INTENT):
        out[w.STAGES[k]] = np.bincount(own[st["stage"][mind] == k], minlength=len(key)) > 0
    out["purchase"] = p["outcome"] == 1
    during = e["visit"] < 90
    at = order[np.searchsorted(key[order], e["row"] * 100_000 + e["need"])]
    out["events"] = np.bincount(at[during], minlength=len(key))
    out["tracked_events"] = np.bincount(at[during & e["tracked"]], minlength=len(key))
    return out


def _people(made):
    life, o = made.life, made.o
    stays = np.ones(life.n)
    np.multiply.at(stays, o["row"], 1 - o["p_leave"])
    return pd.DataFrame(
        {
            "customer_id": made.id,
            "involvement": life.involvement,
            "needs_per_day": life.rate,
            "alive": life.alive,
            "p_alive": stays,
            "left_at": stamps(life.left_at),
            "deciders": life.deciders,
            "orders": life.bought,
            "unseen": life.unseen,
        }
    )
