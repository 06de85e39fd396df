"""Consumers on impulse, firms with many voices: impulse buying, the decision unit, reputation,
referrals, presales and support.
"""

import numpy as np
from scipy import special

from workbench import engine, intervals, schemas
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis

DECIDER = "decider"  # the role that has the last word, as Webster & Wind name it


@analysis
def impulse(
    events,
    *,
    order="order",
    evaluating=("search", "evaluation"),
    stage="stage",
    within="30min",
    by=None,
    gap="30D",
    conf_level=0.95,
):
    """Which share of first orders is made on impulse: without any search or weighing, within
    minutes of the first contact?

    A customer's later orders are left out: who knows what they want also skips stages, and that is
    habit, not impulse.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event and a column with the stage
    (`stages.assign`)
    order : str
        The event that is a purchase.
    evaluating : sequence of str
        Stages whose events rule impulse out.
    stage : str
        Column of the stage.
    within : str
        From first contact to order.
    by : str, optional
        Column to compare by, such as side (B2C, B2B); with two values the difference is given too.
    gap : str
        Silence that ends an occasion.

    Returns
    -------
    Result
        group, count (impulse orders), n (first orders), estimate, std_error, conf_low, conf_high; a
        last row "A − B" compares the first two groups.

    Raises
    ------
    InputError
        For missing columns, an unknown order, or stages to evaluate in of which the data have none.
    NotEnoughData
        Without a first order.

    Source: Stern (1962), Journal of Marketing 26; Rook & Fisher (1995), Journal of Consumer
    Research 22; rule F-20 of the glossary.
    """
    import pandas as pd

    schemas.require(events, "events", stage, by)
    stages, known = engine.distinct(events, stage), engine.distinct(events, "event")
    if order not in known:
        raise unknown("order", "event", order, known)
    heavy = [i for i, s in enumerate(stages) if s in evaluating]
    if not heavy:
        raise unknown("evaluating", "stage", ", ".join(evaluating), stages)
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "e": engine.code("event", [order], others=True),
        "s": engine.code(stage, stages, others=True),
    }
    groups = engine.distinct(events, by) if by else ["all"]
    if by:
        roles["g"] = engine.code(by, groups, others=True)
    # What happens at the very moment of the order came before it.
    found = engine.ordered(
        engine.view(events, **roles),
        _Impulse(schemas.micros("gap", gap), heavy, by is not None),
        then=("t", "e", "s"),
        descending=("e",),
    )
    groupless = int((found["g"] == len(groups)).sum())
    found = found[found["g"] < len(groups)]
    if not len(found):
        raise NotEnoughData("influence.error_impulse_nobody_ordered", "impulse: nobody ordered")
    hit = (found["minutes"] * 60_000_000 <= schemas.micros("within", within)) & (
        found["heavy"] == 0
    )
    rows = []
    for i, name in enumerate(groups):
        mine = (found["g"] == i).to_numpy()
        if mine.any():
            rows.append(
                {
                    "group": name,
                    **intervals.share(hit[mine].to_numpy(), np.flatnonzero(mine), conf_level),
                }
            )
    if len(rows) > 1:
        first, second = ((found["g"] == groups.index(r["group"])).to_numpy() for r in rows[:2])
        both = first | second
        rows.append(
            {
                "group": f"{rows[0]['group']} − {rows[1]['group']}",
                **intervals.share_difference(
                    hit[both], first[both], np.flatnonzero(both), conf_level
                ),
            }
        )
    limits = [
        Note(
            "influence.impulse_limit",
            "Customers' later orders are left out, since habit looks the same; who "
            "bought before the data began seems new.",
        ),
        Note(
            "influence.impulse_proxy",
            "Not seen is not undone: people search in shops, on other devices and in "
            "memory. A proxy until a survey has checked it.",
        ),
    ]
    if len(found) < 200:
        limits.append(
            Note("drivers.few", "{n} are few; {least} is a common floor.", n=len(found), least=200)
        )
    if groupless:
        limits.append(
            Note("drivers.left_out", "{n} rows with a missing value are left out.", n=groupless)
        )
    return Result(
        question=Note(
            "influence.impulse_question", "Which share of first orders is made on impulse?"
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "influence.impulse_method",
            "First orders without searching or weighing before them, within "
            "{within:span} of the first contact; Wilson intervals.",
            within=within,
        ),
        unit="orders",
        n=len(found),
        conf_level=conf_level,
        evidence="descriptive",
        limits=tuple(limits),
        chart=Points(
            label=["group"],
            only={"group": [r["group"] for r in rows if r["group"] in groups]},
            percent=True,
            xlabel=Note("influence.impulse_axis", "Share of first orders"),
        ),
    )


class _Impulse:
    """The kernel: for every customer's first order, minutes since the occasion began and searching
    or weighing events before it.
    """

    def __init__(self, gap, heavy, grouped):
        self.gap, self.heavy, self.grouped = gap, heavy, grouped

    def __call__(self, batch):
        t, n = batch["t"], len(batch)
        if not n:
            return {
                "minutes": np.zeros(0),
                "heavy": np.zeros(0, np.int64),
                "g": np.zeros(0, np.int64),
            }
        new = np.zeros(n, bool)
        new[1:] = np.diff(t) > self.gap
        new[batch.starts] = True
        begin = np.maximum.accumulate(np.where(new, np.arange(n), 0))
        weighs = np.concatenate([[0], np.cumsum(np.isin(batch["s"], self.heavy))])
        order = batch["e"] == 0
        orders = np.concatenate([[0], np.cumsum(order)])
        first = np.flatnonzero(order & (orders[:-1] == orders[batch.first]))
        return {
            "minutes": (t[first] - t[begin[first]]) / 60e6,
            "heavy": weighs[first] - weighs[begin[first]],
            "g": batch["g"][first] if self.grouped else np.zeros(len(first), np.int64),
        }


@analysis
def decision_units(deals, *, conf_level=0.95):
    """How many people decide on a deal, in which roles, and do deals with more of them end
    otherwise?

    Parameters
    ----------
    deals : table with deal_id, customer_id (the account), contact, role, won; optionally rating
    (the contact's opinion)
        One row a contact of a deal; where `won` is missing the deal is open: its contacts and roles
        count, it has no part in what won.

    Returns
    -------
    Result
        measure, group, count, n, estimate, std_error, conf_low, conf_high. Measures: contacts (mean
        a deal), several_contacts and several_deciders (share of deals with two or more; deciders
        are contacts in the role "decider"), role (share of deals in which it takes part), win_rate
        (by number of contacts), dissent (mean standard deviation of ratings within a deal that has
        two or more), rating_won_minus_lost (by role). The account is the sampling unit.

    Raises
    ------
    InputError
        For missing columns.
    NotEnoughData
        With fewer than two accounts.

    Source: Webster & Wind (1972), Journal of Marketing 36; Johnston & Bonoma (1981), Journal of
    Marketing 45.
    """
    import pandas as pd

    fits.require(deals, "deals", "deal_id", "customer_id", "contact", "role", "won")
    per = deals.groupby("deal_id").agg(
        account=("customer_id", "first"),
        contacts=("contact", "nunique"),
        won=("won", "first"),
        **({"spread": ("rating", lambda v: v.std(ddof=0))} if "rating" in deals else {}),
    )
    if per["account"].nunique() < 2:
        raise NotEnoughData(
            "influence.error_decision_units_two_accounts_are",
            "decision_units: two accounts are needed",
        )
    who = per["account"].to_numpy()
    rows = []

    def mean(measure, group, value, of):
        rows.append({"measure": measure, "group": group, **intervals.mean(value, of, conf_level)})

    mean("contacts", "all", per["contacts"].to_numpy(float), who)
    rows.append(
        {
            "measure": "several_contacts",
            "group": "all",
            **intervals.share(per["contacts"] >= 2, who, conf_level),
        }
    )
    deciders = (
        deals[deals["role"].astype(str).str.lower() == DECIDER]
        .groupby("deal_id")["contact"]
        .nunique()
        .reindex(per.index, fill_value=0)
    )
    if deciders.any():
        rows.append(
            {
                "measure": "several_deciders",
                "group": "all",
                **intervals.share(deciders >= 2, who, conf_level),
            }
        )
    roles = deals.groupby("deal_id")["role"].agg(set)
    for role in sorted(deals["role"].dropna().unique(), key=str):
        rows.append(
            {
                "measure": "role",
                "group": role,
                **intervals.share(np.array([role in r for r in roles]), who, conf_level),
            }
        )
    size = np.minimum(per["contacts"].to_numpy(), 4)
    ended = per["won"].notna().to_numpy()
    for k in np.unique(size[ended]):
        mine = (size == k) & ended
        rows.append(
            {
                "measure": "win_rate",
                "group": f"{k}{'+' if k == 4 else ''}",
                **intervals.share(per["won"][mine].to_numpy(bool), who[mine], conf_level),
            }
        )
    if "rating" in deals:
        several = (deals.groupby("deal_id")["rating"].count() >= 2).to_numpy()
        if several.any():
            mean("dissent", "all", per["spread"].to_numpy()[several], who[several])
        for role, mine in deals.dropna(subset=["rating", "won"]).groupby("role", sort=True):
            won = mine["won"].to_numpy(bool)
            if min(won.sum(), (~won).sum()) >= 10:
                accounts = np.unique(mine["customer_id"].astype(str), return_inverse=True)[1]
                made = fits.least_squares(
                    mine["rating"].to_numpy(float),
                    pd.DataFrame({"constant": 1.0, "won": won.astype(float)}),
                    accounts,
                )
                rows.append(
                    {
                        "measure": "rating_won_minus_lost",
                        "group": role,
                        "count": np.nan,
                        "n": len(mine),
                        **made.row("won", conf_level, accounts.max()),
                    }
                )
    limits = [
        Note(
            "influence.unit_limit",
            "Only contacts that somebody entered are counted: a lower bound.",
        ),
        Note(
            "influence.unit_won",
            "Won deals are recorded with more care, and opinions may follow the outcome.",
        ),
    ]
    if not ended.all():
        limits.append(
            Note(
                "influence.unit_open",
                "{n} deals are still open: they count in contacts and roles, not in what was won.",
                n=int((~ended).sum()),
            )
        )
    if not deciders.any():
        limits.append(
            Note(
                "influence.unit_deciders",
                'No contact has the role "decider", so how many people decide cannot be '
                "said, only how many take part.",
            )
        )
    if len(per) < 50:
        limits.append(
            Note("drivers.few", "{n} are few; {least} is a common floor.", n=len(per), least=50)
        )
    return Result(
        question=Note(
            "influence.unit_question", "How many people decide on a deal, and in which roles?"
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "influence.unit_method",
            "Shares and means over deals; the account is the sampling unit.",
        ),
        unit="deals",
        n=len(per),
        conf_level=conf_level,
        evidence="descriptive",
        limits=tuple(limits),
        chart=Points(
            label=["group"],
            only={"measure": "role"},
            percent=True,
            xlabel=Note("influence.unit_axis", "Share of deals with the role"),
        ),
    )


@analysis
def premium(
    offers, credentials, *, price="price", vendor="vendor_id", specification=(), conf_level=0.95
):
    """How much more do offers with a better name cost at equal specification?

    Parameters
    ----------
    offers : DataFrame
        One row an offer (or a contract); rows of a deal and vendor that say the same are one.
    credentials : list of str
        Years of record, certificates, rating and so on.
    price, vendor : str
        Columns; the vendor is the sampling unit.
    specification : list of str
        What is offered; words become indicators.

    Returns
    -------
    Result
        term, comparison (between: all offers; within: the same vendor over time, where a credential
        changes), n (offers), estimate (relative change of the price a unit), std_error, conf_low,
        conf_high.

    Raises
    ------
    InputError
        For missing, constant or collinear columns, or prices not above 0.
    NotEnoughData
        With too few offers or vendors.

    Source: Rosen (1974), Journal of Political Economy 82; Rao & Monroe (1989), Journal of Marketing
    Research 26; Tadelis (2016), Annual Review of Economics 8.
    """
    import pandas as pd

    fits.require(offers, "offers", price, vendor, *credentials, *specification)
    offers = _once(offers, "offers", ["deal_id", vendor], [price, *credentials, *specification])
    if not (offers[price].dropna() > 0).all():
        raise InputError(
            "influence.error_offers_prices_must_be_above", "offers: prices must be above 0"
        )
    data = fits.prepare(
        offers.assign(_log=np.log(offers[price].astype(float))),
        "_log",
        [*credentials, *specification],
        cluster=vendor,
    )
    made = fits.least_squares(data.y, data.x, data.groups)
    names = [c for c in data.x.columns if c in credentials or c.split(": ")[0] in credentials]
    inner = pd.DataFrame(fits.absorb(data.x.to_numpy(), data.groups), columns=data.x.columns)
    moving = [
        c for c in inner if inner[c].std() > 0.05 * max(data.x[c].std(), 1e-12) and c != "constant"
    ]
    rows = []
    parts = [("between", made, names)]
    if any(c in moving for c in names):
        fits.check(inner[moving], "offers, within a vendor")
        parts.append(
            (
                "within",
                fits.least_squares(
                    fits.absorb(data.y, data.groups),
                    inner[moving],
                    data.groups,
                    absorbed=data.customers,
                ),
                [c for c in names if c in moving],
            )
        )
    for comparison, fit, terms in parts:
        for c in terms:
            told = fit.row(c, conf_level, data.customers - 1)
            rows.append(
                {
                    "term": c,
                    "comparison": comparison,
                    "n": len(data.y),
                    **{k: float(np.expm1(v)) for k, v in told.items()},
                    "std_error": told["std_error"] * float(np.exp(told["estimate"])),
                }
            )
    limits = [
        Note(
            "influence.premium_limit",
            "Good vendors also differ in ways nobody recorded; the within rows are "
            "safer where they exist.",
        )
    ]
    if len(parts) > 1:
        limits.append(
            Note(
                "influence.premium_within",
                "Within a vendor, years of record and the calendar rise together: prices "
                "that rise everywhere look like a premium for them.",
            )
        )
    if len(data.y) < 100:
        limits.append(
            Note("drivers.few", "{n} are few; {least} is a common floor.", n=len(data.y), least=100)
        )
    if data.customers < 30:
        limits.append(
            Note(
                "influence.few_clusters",
                "{k} are few to learn from; {least} is a common floor, and intervals are "
                "too narrow below it.",
                k=data.customers,
                least=30,
            )
        )
    if data.left_out:
        limits.append(
            Note("drivers.left_out", "{n} rows with a missing value are left out.", n=data.left_out)
        )
    return Result(
        question=Note(
            "influence.premium_question",
            "How much more do offers with a better name cost at equal specification?",
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "influence.premium_method",
            "Hedonic regression of log price; vendors as sampling unit; within vendors "
            "where a credential changes.",
        ),
        unit="offers",
        n=len(data.y),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        model=made,
        chart=Points(
            label=["term", "comparison"],
            percent=True,
            reference=0,
            xlabel=Note("influence.premium_axis", "Relative change of the price a unit"),
        ),
    )


def _once(table, where, keys, columns):
    """Return one row a deal where the table has one a contact; refuse one whose rows disagree."""
    if keys[0] not in table:
        return table
    kept = table.drop_duplicates([*keys, *columns])
    twice = kept.duplicated(keys)
    if twice.any():
        raise InputError(
            "influence.error_the_rows_of_deals_disagree",
            "{where}: the rows of {twice} deals disagree on {columns:text}, such as "
            "deal '{kept}'; give every deal one value",
            where=where,
            twice=int(twice.sum()),
            columns=list(columns),
            kept=kept.loc[twice, keys[0]].iloc[0],
        )
    return kept


@analysis
def referred_deals(
    deals, *, referred="referred", won="won", covariates=(), account="customer_id", conf_level=0.95
):
    """Are referred deals won more often, also against others that are alike in what was measured?

    Parameters
    ----------
    deals : DataFrame
        One row a deal (or a first purchase, or a person); with deal_id, rows of a deal that say the
        same are one.
    referred, won : str
        0 or 1.
    covariates : list of str
        Known when the deal opened.
    account : str
        Column of the sampling unit.

    Returns
    -------
    Result
        measure (referred, others, difference; adjusted with covariates), count, n (deals),
        estimate, std_error, conf_low, conf_high.

    Raises
    ------
    InputError
        For missing columns, or values other than 0 and 1.
    NotEnoughData
        Without deals of both kinds.

    Source: Schmitt, Skiera & Van den Bulte (2011), Journal of Marketing 75; adjustment by a linear
    model with robust errors, Lin (2013), Annals of Applied Statistics 7.
    """
    import pandas as pd

    fits.require(deals, "deals", referred, won, *covariates, account)
    deals = _once(deals, "deals", ["deal_id"], [referred, won, *covariates, account])
    data = fits.prepare(deals, won, [referred, *covariates], cluster=account)
    x, y = data.x, data.y
    flag = x[referred].to_numpy()
    if not (np.isin(flag, (0, 1)).all() and np.isin(y, (0, 1)).all()):
        raise InputError(
            "influence.error_deals_and_must_be_or",
            "deals: '{referred}' and '{won}' must be 0 or 1",
            referred=referred,
            won=won,
        )
    rows = [
        {"measure": name, **intervals.share(y[mine] > 0, data.groups[mine], conf_level)}
        for name, mine in (("referred", flag == 1), ("others", flag == 0))
    ]
    rows.append(
        {
            "measure": "difference",
            **intervals.share_difference(y > 0, flag == 1, data.groups, conf_level),
        }
    )
    if covariates:
        # Own slopes in each group, covariates centred on the referred: what these deals would have
        # been otherwise.
        others = x.drop(columns=["constant", referred])
        centred = others - others[flag == 1].mean()
        # What never differs in a group has no slope there.
        varies = [c for c in others if all(np.ptp(others[c][flag == k]) > 0 for k in (0, 1))]
        slopes = centred[varies].mul(flag, axis=0).add_prefix("× ")
        both = pd.concat(
            [pd.DataFrame({"constant": 1.0, referred: flag}, index=x.index), centred, slopes],
            axis=1,
        )
        fits.check(both, "deals")
        rows.append(
            {
                "measure": "adjusted",
                "count": np.nan,
                "n": len(y),
                **fits.least_squares(y, both, data.groups).row(
                    referred, conf_level, data.customers - 1
                ),
            }
        )
    limits = [
        Note(
            "influence.referred_limit",
            "Who is referred is alike to who refers, and better sellers get more referrals.",
        )
    ]
    if flag.sum() < 100:
        limits.append(
            Note(
                "drivers.few",
                "{n} are few; {least} is a common floor.",
                n=int(flag.sum()),
                least=100,
            )
        )
    if data.left_out:
        limits.append(
            Note("drivers.left_out", "{n} rows with a missing value are left out.", n=data.left_out)
        )
    return Result(
        question=Note("influence.referred_question", "Are referred deals won more often?"),
        table=pd.DataFrame(rows),
        method=(
            Note(
                "influence.referred_method_adjusted",
                "Shares with Wilson intervals and their difference; adjusted: covariates "
                "held equal, own slopes, accounts as sampling unit.",
            )
            if covariates
            else Note(
                "influence.referred_method", "Shares with Wilson intervals and their difference."
            )
        ),
        unit="deals",
        n=len(y),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        chart=Points(
            label=["measure"],
            only={"measure": [r["measure"] for r in rows[2:]]},
            reference=0,
            points=True,
            xlabel=Note("influence.referred_axis", "Share won, and difference"),
        ),
    )


@analysis
def support(
    deals,
    *,
    hours="reply_hours",
    won="won",
    covariates=(),
    instrument=None,
    account="customer_id",
    conf_level=0.95,
):
    """Are deals won more often where the first reply came sooner?

    Parameters
    ----------
    deals : DataFrame
        One row a deal; with deal_id, rows of a deal that say the same are one.
    hours, won : str
        Hours to the first reply, above 0; 0 or 1.
    covariates : list of str
        What made the deal hard or easy, known before the reply.
    instrument : str, optional
        Column that delays replies and has nothing to do with the deal, such as the length of the
        queue.
    account : str
        Column of the sampling unit.

    Returns
    -------
    Result
        measure (raw; adjusted with covariates; instrumented with an instrument), n (deals),
        estimate (change of the share won when the reply takes twice as long), std_error, conf_low,
        conf_high.

    Raises
    ------
    InputError
        For missing or constant columns, hours not above 0, or `won` other than 0 and 1.
    NotEnoughData
        With too few deals.

    Source: metric F-23 of the glossary; two-stage least squares, Wooldridge (2010), chapter 5;
    Hernán & Robins (2020), Causal Inference: What If, chapter 16.
    """
    import pandas as pd

    fits.require(deals, "deals", hours, won, *covariates, instrument, account)
    if not (deals[hours].dropna() > 0).all():
        raise InputError(
            "influence.error_deals_hours_to_the_first",
            "deals: hours to the first reply must be above 0",
        )
    deals = _once(
        deals,
        "deals",
        ["deal_id"],
        [hours, won, *covariates, *([instrument] if instrument else []), account],
    )
    made = deals.assign(log2_hours=np.log2(deals[hours].astype(float)))
    data = fits.prepare(
        made,
        won,
        ["log2_hours", *covariates, *([instrument] if instrument else [])],
        cluster=account,
    )
    if not np.isin(data.y, (0, 1)).all():
        raise InputError(
            "influence.error_deals_must_be_or", "deals: '{won}' must be 0 or 1", won=won
        )
    x = data.x.drop(columns=instrument) if instrument else data.x
    rows, limits, evidence = (
        [],
        [
            Note(
                "influence.support_limit",
                "Hard deals wait longer and are lost more often: without an adjustment "
                "support looks better than it is.",
            )
        ],
        "associational",
    )
    models = [
        ("raw", fits.least_squares(data.y, x[["constant", "log2_hours"]], data.groups)),
        *([("adjusted", fits.least_squares(data.y, x, data.groups))] if covariates else []),
    ]
    if instrument:
        two = fits.two_stage(data.y, x, "log2_hours", data.x[[instrument]], data.groups)
        models.append(("instrumented", two))
        evidence = "quasi-causal: instrument"
        limits.append(
            Note(
                "influence.support_instrument",
                "First stage F = {f:3}; the queue must touch the deal through the reply only.",
                f=two.first_f,
            )
        )
        if two.first_f < 10:
            limits.insert(
                0,
                Note(
                    "influence.weak",
                    "The instrument hardly moves what it should (F = {f:3}, under 10): read "
                    "nothing from the instrumented row.",
                    f=two.first_f,
                ),
            )
    for measure, fit in models:
        rows.append(
            {
                "measure": measure,
                "n": len(data.y),
                **fit.row("log2_hours", conf_level, data.customers - 1),
            }
        )
    if len(data.y) < 100:
        limits.append(
            Note("drivers.few", "{n} are few; {least} is a common floor.", n=len(data.y), least=100)
        )
    if data.left_out:
        limits.append(
            Note("drivers.left_out", "{n} rows with a missing value are left out.", n=data.left_out)
        )
    return Result(
        question=Note(
            "influence.support_question",
            "Are deals won more often where the first reply came sooner?",
        ),
        table=pd.DataFrame(rows),
        method=(
            Note(
                "influence.support_method_iv",
                "Linear probability of winning by the base-2 logarithm of hours: "
                "unadjusted, adjusted for what was measured, and moved by the instrument "
                "alone (two-stage least squares); accounts as sampling unit.",
            )
            if instrument
            else Note(
                "influence.support_method",
                "Linear probability of winning by the base-2 logarithm of hours; accounts "
                "as sampling unit.",
            )
        ),
        unit="deals",
        n=len(data.y),
        conf_level=conf_level,
        evidence=evidence,
        limits=tuple(limits),
        chart=Points(
            label=["measure"],
            reference=0,
            points=True,
            xlabel=Note(
                "influence.support_axis",
                "Change of the share won when the reply takes twice as long, percentage points",
            ),
        ),
    )


@analysis
def predictability(
    moves,
    flag,
    *,
    customer="customer_id",
    origin="stage",
    target="next_stage",
    draws=500,
    seed=1,
    conf_level=0.95,
):
    """Is the next step easier to foretell where there was support?

    Parameters
    ----------
    moves : DataFrame
        One row a move from one stage to the next.
    flag : str
        Column with two values, such as whether support had been in contact before.
    customer, origin, target : str
        Columns; the customer is the sampling unit.
    draws, seed : int
        Of the bootstrap over customers.

    Returns
    -------
    Result
        group (both values, and "B − A"), n (moves), estimate (mean entropy of the next stage in
        bits, over the stages that occur in both groups, weighted by where people are; 0 = certain),
        std_error, conf_low, conf_high.

    Raises
    ------
    InputError
        For missing columns, or a flag with other than two values.
    NotEnoughData
        If no stage occurs in both groups.

    Source: Shannon (1948); Miller–Madow correction for few moves, Miller (1955).
    """
    import pandas as pd

    fits.require(moves, "moves", flag, customer, origin, target)
    rows = moves.dropna(subset=[flag, customer, origin, target])
    lost = len(moves) - len(rows)
    values = sorted(rows[flag].unique(), key=str)
    if len(values) != 2:
        raise InputError(
            "influence.error_flag_must_have_two_values",
            "flag: '{flag}' must have two values, found {n_values}",
            flag=flag,
            n_values=len(values),
        )
    who = np.unique(rows[customer].astype(str), return_inverse=True)[1]
    a, b, f = (
        np.unique(rows[c].astype(str), return_inverse=True)[1] for c in (origin, target, flag)
    )
    size = a.max() + 1, b.max() + 1
    both = np.isin(np.arange(size[0]), a[f == 0]) & np.isin(np.arange(size[0]), a[f == 1])
    if not both.any():
        raise NotEnoughData(
            "influence.error_predictability_no_is_left_in",
            "predictability: no '{origin}' is left in both groups; nothing can be compared",
            origin=origin,
        )
    lone = int((~both[a]).sum())
    who, a, b, f = (np.unique(v[both[a]], return_inverse=True)[1] for v in (who, a, b, f))
    size = a.max() + 1, b.max() + 1
    mix = np.bincount(a) / len(a)

    def entropy(weights):
        w = weights[who]
        out = []
        for k in (0, 1):
            mine = f == k
            counts = np.bincount(a[mine] * size[1] + b[mine], w[mine], size[0] * size[1]).reshape(
                size
            )
            n = counts.sum(axis=1, keepdims=True)
            p = np.divide(counts, n, out=np.zeros_like(counts), where=n > 0)
            bits = special.entr(p).sum(axis=1) / np.log(2)
            bits += np.where(
                n[:, 0] > 0,
                ((counts > 0).sum(axis=1) - 1) / (2 * np.maximum(n[:, 0], 1) * np.log(2)),
                0,
            )
            seen = n[:, 0] > 0
            out.append((bits[seen] * mix[seen]).sum() / mix[seen].sum())
        return np.array([*out, out[1] - out[0]])

    people = int(who.max()) + 1
    estimate = entropy(np.ones(people))
    se, low, high = intervals.bootstrap(
        entropy, people, seed=seed, draws=draws, conf_level=conf_level
    )
    names = [str(v) for v in values] + [f"{values[1]} − {values[0]}"]
    table = pd.DataFrame(
        {
            "group": names,
            "n": [int((f == 0).sum()), int((f == 1).sum()), len(a)],
            "estimate": estimate,
            "std_error": se,
            "conf_low": np.fmin(low, estimate),
            "conf_high": np.fmax(high, estimate),
        }
    )
    return Result(
        question=Note(
            "influence.predict_question",
            "Is the next step easier to foretell by {flag:word}?",
            flag=flag,
        ),
        table=table,
        method=Note(
            "influence.predict_method",
            "Entropy of the next stage in bits, the same mix of stages in both groups; "
            "bootstrap over customers.",
        ),
        unit="moves",
        n=len(a),
        conf_level=conf_level,
        evidence="associational",
        limits=(
            Note(
                "influence.predict_limit",
                "A path may be predictable because people give up; look at where it ends, too.",
            ),
            *(
                (
                    Note(
                        "influence.predict_lone",
                        "{n} moves start from a stage that only one of the groups has; they are "
                        "left out.",
                        n=lone,
                    ),
                )
                if lone
                else ()
            ),
            *(
                (Note("drivers.left_out", "{n} rows with a missing value are left out.", n=lost),)
                if lost
                else ()
            ),
        ),
        chart=Points(
            label=["group"],
            only={"group": names[:2]},
            xlabel=Note("influence.predict_axis", "Bits (0 = certain)"),
        ),
    )
