"""Brand choices of the household panel: what was on the shelf, at what price, when something was
bought.
"""

from dataclasses import dataclass

import numpy as np

from workbench import engine
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.load.panels import panel_file
from workbench.notes import Note
from workbench.results import Points, Result

LEAST = 4  # alternatives of a choice study
BURN_IN = 5  # purchases of a household that only teach its habit
MEMORY = 0.8  # share of the old habit kept at each purchase (Guadagni & Little 1983 found 0.8–0.9)
ACCOUNT_QUESTION = Note("load.account_question", "What became of every purchase occasion?")
ACCOUNT_ANSWER = Note(
    "load.account_answer",
    "{share:%} of the baskets are choices in the analysis ({count} of {n}); its {alternatives} "
    "alternatives make up {covered:%} of all packages bought in the category.",
    share=0.0,
    count=0,
    n=0,
    alternatives=0,
    covered=0.0,
)
ACCOUNT_METHOD = Note(
    "load.account_method",
    "Baskets with one of the alternatives, and each reason to leave one out in turn.",
)
ACCOUNT_AXIS = Note("load.account_axis", "Share of the baskets")
CARRIED = Note(
    "load.carried",
    "{imputed:%} of the prices are carried forward from an earlier week of the same store.",
    imputed=0.0,
)


@dataclass(frozen=True, eq=False)
class PanelChoices:
    """`.table`: the canonical choices; `.kept`: what became of every purchase occasion; `.imputed`:
    share of available prices carried forward; `.covered`: share of the category's packages the
    alternatives cover.
    """

    table: object
    kept: object
    imputed: float
    covered: float

    def account(self):
        """Return what became of every purchase occasion, as a Result: outcome, count, n (baskets
        with one of the alternatives), estimate.
        """
        baskets, used = (int(self.kept["count"].iloc[k]) for k in (0, -1))
        return Result(
            question=ACCOUNT_QUESTION,
            table=self.kept.assign(n=baskets, estimate=self.kept["count"] / max(baskets, 1)),
            answer=ACCOUNT_ANSWER.having(
                share=used / max(baskets, 1),
                count=used,
                n=baskets,
                alternatives=self.table["alternative"].nunique(),
                covered=self.covered,
            ),
            method=ACCOUNT_METHOD,
            unit="baskets",
            n=baskets,
            limits=[CARRIED.having(imputed=self.imputed)],
            built_in=True,
            chart=Points(label=["outcome"], percent=True, xlabel=ACCOUNT_AXIS),
        )


def panel_choices(category="SOFT DRINKS", *, alternatives=6, carry_weeks=4, own_basket=False):
    """Build the brand choices of one category of the Complete Journey panel.

    An alternative is a manufacturer × product type × package size; the best-selling ones are
    kept. Its price is the shelf price per package in that store and week, household coupons
    taken out, averaged over all *other* baskets; where there is none, the store's last price of at
    most `carry_weeks` earlier, and otherwise the alternative was not available.

    Parameters
    ----------
    category : str
        A product_category of the panel.
    alternatives : int
        How many to keep, at least four.
    carry_weeks : int
        How long a price may be carried forward.
    own_basket : bool
        Also use the household's own basket for the price (only to show how much that matters).

    Returns
    -------
    PanelChoices
        `.table`: choice_id, customer_id, alternative, chosen, available, price (US dollars per
        package), discount (share off the regular price), display and mailer (share of the
        alternative's packages so promoted in that store and week), loyalty (smoothed share of
        earlier purchases), last_bought, imputed.

    Raises
    ------
    InputError
        For an unknown category or fewer than four alternatives.
    NotEnoughData
        If the category has fewer alternatives than asked for.
    """
    import pandas as pd

    if alternatives < LEAST:
        raise InputError(
            "load.error_alternatives",
            "alternatives: a choice study needs at least {least}, found {found}",
            least=LEAST,
            found=alternatives,
        )
    names, sold, covered = _alternatives(category, alternatives)
    lines = _lines(sold)
    shelf = _Shelf(lines, names, carry_weeks)
    single = lines[~lines["basket_id"].duplicated(keep=False)].reset_index(drop=True)
    price, discount, imputed = shelf.prices(single, own_basket)
    display, mailer = shelf.promotions(sold)
    chosen = single["alternative"].map(names.index).to_numpy()
    loyalty, last, number = _habits(single["household_id"].to_numpy(), chosen, len(names))
    available = np.isfinite(price)
    priced = available[np.arange(len(single)), chosen]
    two = available.sum(axis=1) >= 2
    learnt = number >= BURN_IN
    occasions = lines["basket_id"].nunique()
    kept = [
        ("occasions", occasions),
        ("several_alternatives", occasions - len(single)),
        ("no_price_of_the_chosen", int((~priced).sum())),
        ("nothing_to_compare", int((priced & ~two).sum())),
        ("burn_in", int((priced & two & ~learnt).sum())),
        ("choices_kept", int((priced & two & learnt).sum())),
    ]
    use = np.flatnonzero(priced & two & learnt)
    n, j = len(use), len(names)
    store, week = (place[use] for place in shelf.places(single))
    table = pd.DataFrame(
        {
            "choice_id": np.repeat(single["basket_id"].to_numpy()[use], j),
            "customer_id": np.repeat(single["household_id"].to_numpy()[use], j),
            "alternative": np.tile(np.array(names, object), n),
            "chosen": (np.arange(j) == chosen[use, None]).ravel(),
            "available": available[use].ravel(),
            "price": price[use].ravel(),
            "discount": discount[use].ravel(),
            "display": display[store, :, week].ravel(),
            "mailer": mailer[store, :, week].ravel(),
            "loyalty": loyalty[use].ravel(),
            "last_bought": (np.arange(j) == last[use, None]).ravel(),
            "imputed": imputed[use].ravel(),
        }
    )
    kept = pd.DataFrame(kept, columns=["outcome", "count"])
    table.attrs["built_in"] = kept.attrs["built_in"] = True
    return PanelChoices(
        table,
        kept,
        float(imputed[use][available[use]].mean()) if n else np.nan,
        covered,
    )


def _alternatives(category, alternatives):
    """Return the names of the best-selling alternatives, what was sold of each of their products,
    and the share of the category's packages they cover.
    """
    products = engine.run(
        "SELECT product_id, manufacturer_id, product_category, product_type, package_size FROM p",
        p=panel_file("products"),
    )
    known = products["product_category"].dropna()
    if category not in set(known):
        raise unknown("category", "category", category, sorted(known.unique()))
    mine = products[products["product_category"] == category]
    sold = _sold(mine.dropna(subset=["product_type", "package_size"]))
    total = engine.run(
        """
          SELECT CAST(sum(t.quantity) AS BIGINT) AS n
          FROM tx t JOIN m ON m.product_id = t.product_id WHERE t.quantity > 0""",
        tx=panel_file("transactions"),
        m=mine[["product_id"]],
    )["n"].iloc[0]
    packages = sold.groupby("alternative")["packages"].sum()
    ranked = packages.sort_values(ascending=False, kind="stable")
    if len(ranked) < alternatives:
        raise NotEnoughData(
            "load.error_few_alternatives",
            "category '{category}': only {found} alternatives were ever bought, {wanted} asked for",
            category=category,
            found=len(ranked),
            wanted=alternatives,
        )
    best = ranked.iloc[:alternatives]
    names = sorted(best.index)
    return names, sold[sold["alternative"].isin(names)], float(best.sum() / total)


def _sold(products):
    """Return packages and baskets by alternative and product: manufacturer, type and size."""
    size = products["package_size"].str.replace(r"\s+", " ", regex=True)
    maker = products["manufacturer_id"].astype(str)
    named = products.assign(alternative=maker + " · " + products["product_type"] + " · " + size)
    return engine.run(
        """
          SELECT m.alternative, t.product_id, CAST(sum(t.quantity) AS BIGINT) AS packages,
            count(DISTINCT t.basket_id) AS baskets
          FROM tx t JOIN m ON m.product_id = t.product_id WHERE t.quantity > 0 GROUP BY 1, 2""",
        tx=panel_file("transactions"),
        m=named[["product_id", "alternative"]],
    )


def _lines(sold):
    """Return what was paid a basket and alternative, in order of time."""
    return engine.run(
        """
          SELECT t.basket_id, t.household_id, t.store_id, t.week,
            t.transaction_timestamp AS at_time, m.alternative,
            CAST(sum(t.quantity) AS BIGINT) AS packages,
            sum(t.sales_value + t.coupon_match_disc) AS paid,
            sum(t.sales_value + t.coupon_match_disc + t.retail_disc) AS regular
          FROM tx t JOIN m ON m.product_id = t.product_id WHERE t.quantity > 0
          GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY at_time, basket_id, alternative""",
        tx=panel_file("transactions"),
        m=sold[["product_id", "alternative"]],
    )


def price_rules(category, *, alternatives=6):
    """Build the choices under four price rules, to show how much the rule matters.

    Returns a dictionary: name of the rule → PanelChoices.
    """
    return {
        "others_carry_4": panel_choices(category, alternatives=alternatives),
        "others_carry_1": panel_choices(category, alternatives=alternatives, carry_weeks=1),
        "others_no_carry": panel_choices(category, alternatives=alternatives, carry_weeks=0),
        "own_basket_too": panel_choices(category, alternatives=alternatives, own_basket=True),
    }


class _Shelf:
    """Money and packages by store, alternative and week, from which every basket can be taken out
    again.
    """

    def __init__(self, lines, names, carry_weeks):
        self.names, self.carry = names, carry_weeks
        self.stores = np.unique(lines["store_id"])
        self.weeks = int(lines["week"].max()) + 1
        store, week = self.places(lines)
        alt = lines["alternative"].map(names.index).to_numpy()
        shape = (len(self.stores), len(names), self.weeks)
        self.sums = []
        for column in ("paid", "regular", "packages"):
            total = np.zeros(shape)
            np.add.at(total, (store, alt, week), lines[column].to_numpy(float))
            self.sums.append(total)

    def places(self, lines):
        """Return store position and week of every row."""
        return np.searchsorted(self.stores, lines["store_id"]), lines["week"].to_numpy()

    def prices(self, single, own_basket):
        """Return price, discount share, whether it was carried forward: choices × alternatives."""
        store, week = self.places(single)
        alt = single["alternative"].map(self.names.index).to_numpy()
        here = [s[store, :, week] for s in self.sums]
        if not own_basket:
            rows = np.arange(len(single))
            for values, column in zip(here, ("paid", "regular", "packages"), strict=True):
                values[rows, alt] -= single[column].to_numpy(float)
        paid, regular, packages = here
        carried = np.zeros(packages.shape, bool)
        for back in range(1, self.carry + 1):
            earlier = [s[store, :, np.maximum(week - back, 0)] for s in self.sums]
            take = (packages < 0.5) & (earlier[2] >= 0.5) & (week - back >= 0)[:, None]
            carried |= take
            paid, regular, packages = (
                np.where(take, e, h)
                for e, h in zip(earlier, (paid, regular, packages), strict=True)
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            price = np.where((packages >= 0.5) & (paid > 0.005), paid / packages, np.nan)
            discount = np.where(np.isfinite(price), 1 - paid / regular, np.nan)
        return price.round(6), np.clip(discount, 0, 1).round(6), carried & np.isfinite(price)

    def promotions(self, sold):
        """Return the shares on display and in the mailer, stores × alternatives × weeks, weighted
        by packages.
        """
        weighted = sold.assign(
            w=sold["packages"] / sold.groupby("alternative")["packages"].transform("sum")
        )
        found = engine.run(
            """WITH
              f AS (
                SELECT product_id, store_id, week,
                  max(CASE WHEN display_location <> '0' THEN 1 ELSE 0 END) AS display,
                  max(CASE WHEN mailer_location <> '0' THEN 1 ELSE 0 END) AS mailer
                FROM promo WHERE product_id IN (SELECT product_id FROM m) GROUP BY 1, 2, 3)
              SELECT f.store_id, f.week, m.alternative, sum(m.w * f.display) AS display,
                sum(m.w * f.mailer) AS mailer
              FROM f JOIN m ON m.product_id = f.product_id GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
            promo=panel_file("promotions"),
            m=weighted[["product_id", "alternative", "w"]],
        )
        found = found[found["store_id"].isin(self.stores) & (found["week"] < self.weeks)]
        store, week = self.places(found)
        alt = found["alternative"].map(self.names.index).to_numpy()
        out = []
        for column in ("display", "mailer"):
            share = np.zeros(self.sums[0].shape)
            share[store, alt, week] = found[column].to_numpy().clip(0, 1).round(6)
            out.append(share)
        return out


def _habits(household, chosen, j):
    """Return, before each occasion in time order, the smoothed share of earlier choices, the last
    choice and their number.
    """
    n = len(chosen)
    loyalty, last, number = np.full((n, j), 1 / j), np.full(n, -1), np.zeros(n, int)
    order = np.argsort(household, kind="stable")  # the rows are in time order
    new = np.concatenate([[True], np.diff(household[order]) != 0]) if n else np.zeros(0, bool)
    position = np.arange(n) - np.maximum.accumulate(np.where(new, np.arange(n), 0))
    number[order] = position
    # One pass per purchase number: all households move one purchase ahead at a time.
    for k in range(1, int(position.max()) + 1 if n else 0):
        at = np.flatnonzero(position == k)
        now, before = order[at], order[at - 1]
        loyalty[now] = MEMORY * loyalty[before] + (1 - MEMORY) * (
            np.arange(j) == chosen[before, None]
        )
        last[now] = chosen[before]
    return loyalty.round(6), last, number
