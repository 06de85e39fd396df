"""Every truth that a notebook or the page of verification prints, recomputed from the states."""

import html
import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench import simulate
from workbench.display import marks, number, percent
from workbench.simulate import clubs, interviews, studies, truth

ROOT = Path(__file__).parent.parent.parent
COLUMNS = ("planted", "truth", "credited less brought about", "incremental")
SKIPPABLE = ["need", "search", "evaluation"]
MOMENTS = ("2025-04-10", "2025-05-01", "2025-05-20", "2025-06-10")


@cache
def market(customers, off=(), effects=(), tests=()):
    """A market as a notebook makes it."""
    given = {"no_effect": list(off), "effects": dict(effects), "tests": list(tests)}
    return simulate.market(customers, seed=1, **given)


def cells_of(table):
    """The rows of a table as it was written, by heading."""
    heads = [re.sub("<.*?>", "", h) for h in re.findall(r"<th.*?>(.*?)</th>", table, re.S)]
    for row in re.findall(r"<tr>(.*?)</tr>", table, re.S):
        cells = [html.unescape(c) for c in re.findall(r"<td.*?>(.*?)</td>", row, re.S)]
        if len(cells) == len(heads):
            yield dict(zip(heads, cells, strict=True))


def printed(name):
    """Every planted value that a notebook shows in a table, as it is written."""
    book = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    shown = set()
    for cell in book["cells"]:
        for output in cell.get("outputs", ()):
            text = "".join(output.get("data", {}).get("text/html", ""))
            for table in re.findall(r"<table.*?</table>", text, re.S):
                for row in cells_of(table):
                    shown |= {row[c] for c in ("planted", "truth", "incremental") if c in row}
    return shown - {"–"}


def written(values):
    """Numbers as tables write them: plain, as a share, in points."""
    out = set()
    for v in values:
        out |= {number(v), percent(v), number(round(v, 4)), marks.value(v, marks.POINTS)}
    return out


def decisions(made):
    """What the states of a market say of its decisions."""
    parts = (
        truth.reach(made),
        truth.flows(made),
        truth.given_up_in(made),
        truth.leaving(made),
        truth.bought_within(made, [1, 3, 7]),
        truth.minutes_in_stage(made),
        truth.skipped(made, SKIPPABLE),
        truth.considered(made),
        truth.looped(made),
        truth.triggers(made),
        truth.triggers(made, "bought"),
    )
    return [v for part in parts for v in part.values()]


def places():
    """Where the second half of the customers is, of those seen by each moment."""
    made = market(4000)
    events = made["events"]
    for day in MOMENTS:
        at = pd.Timestamp(day, tz="UTC")
        seen = events[(events["customer_id"] > 2000) & (events["occurred_at"] <= at)]
        yield from truth.now(made, seen["customer_id"].unique(), at).values()


def survey():
    """Worths of levels in money against the first of their attribute, and shares of factors."""
    worth = {k: v for k, v in interviews.WORTHS.items() if isinstance(v, dict)}
    for levels in worth.values():
        each = list(levels.values())
        yield from ((a - b) / 0.045 for a in each for b in each)
    weights = np.exp(list(interviews.FACTORS.values()))
    yield from weights / weights.sum()


def ratings():
    """Weights of the drivers as shares of their sum; no direct path."""
    weight = market(3000).truth["drivers"]["weight"]
    return [*(weight / weight.sum()), 0.0]


def social():
    """What the small studies say they were made with, and what adverts and mails cost."""
    made = [studies.reviews(seed=1), studies.stars(4000, seed=1), studies.feelings(seed=1)]
    values = [v for table in made for v in table.attrs["truth"].values() if np.isscalar(v)]
    return [*values, *simulate.trigger_effects(market(3000).settings)["planted"]]


def channels():
    """What channels, mails and media bring about: the market with them and without."""
    made = market(2500)
    brought = simulate.channel_effects(made.settings)["incremental_orders"]
    weeks = studies.media(seed=1)
    media = [weeks.attrs["truth"][m] / weeks[m].sum() for m in ("television", "radio", "posters")]
    return [*brought, *(brought / len(made["orders"])), *media]


def arms_run():
    """What each test brings about, the same people treated and not; what an empty shelf did."""
    made = market(4000, tests=("trust_seal", "guide", "matched_message"))
    effects = simulate.test_effects(made.settings)["effect_orders"]
    return [*effects, truth.leaving(made)["cost_adjusted"], 0.0]


def firms():
    """Impulse by side, what deals were made with, and no difference in a weight."""
    planted = studies.deals(2000, seed=1).attrs["truth"]
    spot = truth.impulse(market(5000, effects=(("impulse", 1.0),)))
    prices = np.expm1([planted["record"], planted["certificate"]])
    return [*spot.values(), planted["reply"], planted["referred"], *prices, 0.0]


def loyalty():
    """What a programme adds to the orders of a month, and what a failure and its repair change."""
    club, failed = clubs.members(seed=1), studies.complaints(3000, seed=1)
    after = failed["complaints"].attrs["truth"]
    return [club["members"].attrs["truth"]["effect"], *after.values()]


def compared(off=()):
    """Shares of purchases that skip in mind, by groups of loyalty before the purchase."""
    from workbench import stages

    for by in ("recommend", "share_of_requirements"):
        yield from stages.contrast_in_market(market(4000, off), by, seed=1)[1].values()


KNOWN = {
    "10_buying_stages": lambda: decisions(market(3000)),
    "11_time_and_barriers": lambda: [
        *decisions(market(4000)),
        *truth.leaving(market(4000, ("barrier",))).values(),
    ],
    "13_journeys_and_paths": lambda: decisions(market(4000)),
    "14_where_now": lambda: [*places()],
    "21_conjoint_and_worth": lambda: [*survey()],
    "22_key_drivers": ratings,
    "26_b2c_and_b2b": firms,
    "30_retention": lambda: truth.staying(market(2000), range(1, 7)).values(),
    "33_loyalty_and_wallet": loyalty,
}
SLOW = {
    "12_search_and_alternatives": lambda: [
        *decisions(market(4000)),
        *compared(),
        *compared(("loyalty",)),
    ],
    "23_social_proof_and_emotion": social,
    "24_attribution_and_email": channels,
    "25_campaigns_and_experiments": arms_run,
}


@pytest.mark.parametrize("name", KNOWN)
def test_every_printed_truth_is_that_of_the_states(name):
    """Walk the planted values a notebook prints and find each among those computed anew."""
    shown = printed(name)
    assert shown
    assert not sorted(shown - written(KNOWN[name]()))


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_every_printed_truth_that_takes_long(name):
    """The same where a market has to be lived several times."""
    shown = printed(name)
    assert shown
    assert not sorted(shown - written(SLOW[name]()))


def test_no_truth_is_printed_unseen():
    """A notebook of the tens to thirties that prints a planted value stands in one of the lists."""
    names = [path.stem for path in sorted((ROOT / "notebooks").glob("[1-3][0-9]_*.ipynb"))]
    books = [name for name in names if "." not in name and printed(name)]
    assert set(books) == {*KNOWN, *SLOW}


def test_truths_on_the_page_of_verification():
    """The last column of the market of 4,000: decisions, shares and means as the states have
    them.
    """
    page = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    part = page.split("## Decisions beside what was planted")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    said = {row[0]: row[-1] for row in rows if len(row) == 5}
    made = market(4000)
    reach, skipped = truth.reach(made), truth.skipped(made, SKIPPABLE)
    assert said["occasions"] == f"{len(made.truth['episodes']):,} decisions"
    assert said["bought"] == f"{reach['purchase']:.1%}".replace("%", " %")
    three = ", ".join(f"{100 * reach[s]:.1f}" for s in ("search", "evaluation", "intent"))
    assert said["reach of search, evaluation, intent"] == f"{three} %"
    harm = truth.leaving(made)["cost_adjusted"]
    assert said["leaving after an empty shelf, adjusted"].startswith(f"{100 * harm:.1f} ")
    gone = ", ".join(f"{100 * skipped[s]:.1f}".replace("0.0", "0") for s in SKIPPABLE)
    assert said["buyers who skip need, search, evaluation"] == f"{gone} %"
    size = truth.considered(made)["mean"]
    assert said["brands considered by buyers, mean"] == f"{size:.2f}"
