"""Firms with many voices: the decision unit, and how predictable their next step is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.data_limits import FEW, LEFT_OUT
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.stats import agreement, resample

if TYPE_CHECKING:
    from workbench.types import Table

DECIDER = "decider"  # the role that has the last word, as Webster & Wind name it
NO_DECIDERS = Note(
    "influence.unit_deciders",
    'No contact has the role "{role}": how many people decide is unknown, only how many take part.',
    role=DECIDER,
)
TAKE_PART = Note(
    "influence.unit_answer",
    "On average {estimate:3} people take part in a deal ({low:3} to {high:3}; {n} "
    "deals); in {share:%} of the deals there are several.",
)
ALL_ALIKE = Note(
    "influence.unit_answer_alike",
    "{estimate:3} people take part in a deal on average, without any difference between accounts "
    "({n} deals); in {share:%} of the deals there are several.",
)
PREDICTABILITY_DIFFERS = Note(
    "influence.predict_answer",
    "The uncertainty about the next step differs by {estimate:3} bits between "
    "{flag:word} = {second:word} ({second_bits:3}) and {first:word} "
    "({first_bits:3}; interval {low:3} to {high:3}; {n} moves).",
)
PREDICTABILITY_ALIKE = Note(
    "influence.predict_answer_none",
    "No difference in predictability could be shown between {flag:word} = "
    "{second:word} ({second_bits:3} bits) and {first:word} ({first_bits:3}): "
    "{estimate:3} ({low:3} to {high:3}; {n} moves).",
)


@engine.frames("deals")
@analysis
def decision_units(deals: Table, *, conf_level: float = 0.95) -> Result:
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
        measure, group, count, total, n, estimate, std_error, conf_low, conf_high. Measures:
        contacts (mean a deal), several_contacts and several_deciders (share of deals with two or
        more; deciders are contacts in the role "decider"), role (share of deals in which it takes
        part), win_rate (by number of contacts), dissent (mean standard deviation of ratings within
        a deal that has two or more), rating_won_minus_lost (by role). The account is the sampling
        unit.

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
            "influence.error_two_accounts",
            "decision_units: at least two accounts are needed",
        )
    who = per["account"].to_numpy()
    contacts = intervals.mean(per["contacts"].to_numpy(float), who, conf_level)
    rows = [{"measure": "contacts", "group": "all", **contacts}]
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
            apart = intervals.mean(per["spread"].to_numpy()[several], who[several], conf_level)
            rows.append({"measure": "dissent", "group": "all", **apart})
        for role, mine in _rated(deals).groupby("role", sort=True):
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
            "Only contacts that were recorded are counted: a lower bound.",
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
                "{n} deal is still open: it counts for contacts and roles, not for what was won.",
                "{n} deals are still open: they count for contacts and roles, not for what "
                "was won.",
                n=int((~ended).sum()),
            )
        )
    if not deciders.any():
        limits.append(NO_DECIDERS)
    if len(per) < 50:
        limits.append(FEW.having(n=len(per), least=50, unit="deals"))
    return Result(
        question=Note(
            "influence.unit_question", "How many people decide on a deal, and in which roles?"
        ),
        table=tidy(rows),
        answer=_unit_answer(rows),
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


def _unit_answer(rows):
    """Return how many people take part in a deal, and how often there are several."""
    contacts, several = rows[0], rows[1]
    if not contacts["std_error"] > 0:
        return ALL_ALIKE.having(
            estimate=contacts["estimate"], n=contacts["n"], share=several["estimate"]
        )
    return TAKE_PART.having(**fits.said(contacts), share=several["estimate"])


@engine.frames("moves")
@analysis
def predictability(
    moves: Table,
    flag: str,
    *,
    customer: str = "customer_id",
    origin: str = "stage",
    target: str = "next_stage",
    draws: int = 500,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Is the next step easier to predict where there was support?

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
            "influence.error_flag",
            "flag: '{flag}' must have two values, found {values}",
            flag=flag,
            values=len(values),
        )
    who = np.unique(rows[customer].astype(str), return_inverse=True)[1]
    a, b, f = (
        np.unique(rows[c].astype(str), return_inverse=True)[1] for c in (origin, target, flag)
    )
    origins = np.arange(a.max() + 1)
    both = np.isin(origins, a[f == 0]) & np.isin(origins, a[f == 1])
    if not both.any():
        raise NotEnoughData(
            "influence.error_no_shared_stage",
            "predictability: no '{origin}' occurs in both groups; nothing can be compared",
            origin=origin,
        )
    lone = int((~both[a]).sum())
    who, a, b, f = (np.unique(v[both[a]], return_inverse=True)[1] for v in (who, a, b, f))
    mix = np.bincount(a) / len(a)

    estimate = agreement.entropy_of_next(a, b, f, np.ones(len(who)), mix)
    se, low, high = intervals.bootstrap(
        lambda w: agreement.entropy_of_next(a, b, f, w[who], mix),
        resample.place([a, b, f], who),
        seed=seed,
        draws=draws,
        conf_level=conf_level,
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
            "Does the predictability of the next step differ by {flag:word}?",
            flag=flag,
        ),
        table=table,
        answer=_predict_answer(table, flag, values),
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
                        "{n} move starts from a stage that only one of the groups has and is left "
                        "out.",
                        "{n} moves start from a stage that only one of the groups has and are left "
                        "out.",
                        n=lone,
                    ),
                )
                if lone
                else ()
            ),
            *((LEFT_OUT.having(n=lost),) if lost else ()),
        ),
        chart=Points(
            label=["group"],
            only={"group": names[:2]},
            xlabel=Note("influence.predict_axis", "Bits (0 = certain)"),
        ),
    )


def _predict_answer(table, flag, values):
    """Return how uncertain the next step is in both groups, and whether they differ."""
    first, second, difference = (row for _, row in table.iterrows())
    answer = PREDICTABILITY_DIFFERS if fits.clear(difference) else PREDICTABILITY_ALIKE
    return answer.having(
        **fits.said(difference),
        flag=flag,
        first=str(values[0]),
        second=str(values[1]),
        first_bits=first["estimate"],
        second_bits=second["estimate"],
    )


def _rated(deals):
    """Return the rows of contacts who rated, of deals that ended and have an account."""
    return deals.dropna(subset=["rating", "won", "customer_id"])
