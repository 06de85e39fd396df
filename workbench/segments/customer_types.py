"""New, impulse, angry, insistent, loyal: kinds of customers by dated rules, printed in full."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, periods, schemas
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.segments import people
from workbench.stats import kappas

if TYPE_CHECKING:
    import pandas as pd

    from workbench.types import Moment, Table

# In the order in which one kind is taken where somebody has several.
TYPES = ("angry", "insistent", "new", "loyal", "impulse")
BESIDE = ("age_unknown", "dissatisfied")
OTHER = "other"
LEAST = 30
STATES = Note(
    "segments.types_limit",
    "Kinds are states on a day, not traits, and one may have several; the rules are ours, and "
    "whoever fits none is shown as other.",
)
_ORDERS = """
  SELECT customer AS customer_id, CAST(min(day) AS BIGINT) AS first_day,
    CAST(count(*) AS BIGINT) AS orders,
    CAST(sum(CASE WHEN day > :year THEN 1 ELSE 0 END) AS BIGINT) AS lately,
    CAST(max(day) AS BIGINT) AS last_day
  FROM days WHERE bought = 1 AND day <= :day GROUP BY customer ORDER BY customer"""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Every parameter of the five kinds.

    Attributes
    ----------
    new_days, history_days : int
        New: first order in the last `new_days`, where the data began `history_days` before it.
    impulse_orders, impulse_share : int, float
        Impulse: as many orders in the last year, this share of them on impulse.
    angry_days, low_grade : int, float
        Angry: in the last days a complaint, or a grade at or below this one, and anger with it.
    contacts, contact_days, escalations, escalation_days : int
        Insistent: so many contacts within so many days, or so many escalations.
    loyal_orders, tenure_days, alive : int, int, float
        Loyal: so many purchase days, since so long, with at least this chance to be a customer yet.
    """

    new_days: int = 90
    history_days: int = 365
    impulse_orders: int = 2
    impulse_share: float = 0.5
    angry_days: int = 30
    low_grade: float = 2
    contacts: int = 3
    contact_days: int = 7
    escalations: int = 2
    escalation_days: int = 90
    loyal_orders: int = 3
    tenure_days: int = 365
    alive: float = 0.5


@engine.tables("orders")
@engine.frames(optional=("tickets", "people_known"))
@analysis
def types(
    orders: Table,
    *,
    tickets: Table | None = None,
    people_known: Table | None = None,
    rules: Rules | None = None,
    as_of: Moment | None = None,
    zone: str = "UTC",
) -> pd.DataFrame:
    """Which customers were new, impulse, angry, insistent or loyal on a day?

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
        With a column impulse (0 and 1) where it is known which orders were.
    tickets : table with customer_id, opened_at, optional
        contacts, escalated, angry (0 and 1) where known; every ticket is a contact.
    people_known : table with customer_id, a row a customer, optional
        alive (chance to be a customer yet, as of `clv.value`), grade and angry (the last answer).
    rules : Rules, optional
    as_of : str or Timestamp, optional
        The day; None: the last one of the orders.
    zone : str

    Returns
    -------
    DataFrame
        customer_id, new, impulse, angry, insistent, loyal, age_unknown, dissatisfied (true, false;
        missing where the data cannot say), type: the first of angry, insistent, new, loyal,
        impulse that holds, else other. The rules and the day stand in `.attrs`.

    Raises
    ------
    NotEnoughData
        Where nobody bought by then.

    Source: the rules of customer types in `docs/glossary.md`; Bougie, Pieters & Zeelenberg (2003),
    Journal of the Academy of Marketing Science 31 (anger is not dissatisfaction).

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"order_id": range(5), "customer_id": list("aaabb"), "amount": 9.0,
    ...     "ordered_at": pd.to_datetime(["2022-01-01", "2023-01-01", "2024-01-01", "2023-12-01",
    ...     "2023-12-20"], utc=True)})
    >>> types(orders)[["customer_id", "type"]].values.tolist()
    [['a', 'loyal'], ['b', 'new']]
    """
    rules = Rules() if rules is None else rules
    view, day = schemas.purchase_days(orders, zone)
    began = schemas.first_day(view)
    if as_of is not None:
        day = periods.local_day(schemas.moment("as_of", as_of, zone), zone)
    found = engine.run(
        schemas.DAYS + _ORDERS, values={"day": int(day), "year": int(day) - 365}, o=view
    )
    if not len(found):
        raise NotEnoughData("segments.error_types_nobody", "types: nobody bought by then")
    made = found[["customer_id"]].copy()
    young = found["first_day"] > day - rules.new_days
    seen = found["first_day"] - began >= rules.history_days
    made["new"] = (young & seen).to_numpy()
    made["age_unknown"] = (young & ~seen).to_numpy()
    made["loyal"] = _loyal(found, people_known, rules, day)
    made["impulse"] = _impulse(found, orders, rules, day, zone)
    made = made.join(_service(found["customer_id"], tickets, people_known, rules, day, zone))
    held = np.column_stack([made[t].fillna(False).to_numpy(bool) for t in TYPES])
    made["type"] = np.where(held.any(axis=1), np.array(TYPES)[held.argmax(axis=1)], OTHER)
    made = made[["customer_id", *TYPES, *BESIDE, "type"]]
    made.attrs = {"as_of": int(day), "zone": zone, "rules": asdict(rules)}
    return made


def _of(customers, table, column):
    """Return a column of a table a row a customer, for these customers; missing where unknown."""
    import pandas as pd

    if table is None or column not in table:
        return pd.Series(np.nan, customers.index)
    people.once(table, "people_known")
    values = dict(zip(engine.written(table["customer_id"]), table[column], strict=True))
    return engine.written(customers).map(values).astype(float)


def _loyal(found, known, rules, day):
    """Return who is loyal: by orders, tenure and the chance to be there yet; where that is not
    known, by an order within the last year.
    """
    alive = _of(found["customer_id"], known, "alive")
    there = (alive >= rules.alive) | (alive.isna() & (found["lately"] > 0))
    often = found["orders"] >= rules.loyal_orders
    return (often & (day - found["first_day"] >= rules.tenure_days) & there).to_numpy()


def _impulse(found, orders, rules, day, zone):
    """Return who buys on impulse; missing where the orders do not say."""
    import pandas as pd

    if "impulse" not in engine.columns(orders):
        return pd.array([pd.NA] * len(found), dtype="boolean")
    view = engine.view(
        orders,
        zone=zone,
        customer=engine.key("customer_id"),
        day=engine.day("ordered_at"),
        impulse=engine.real("impulse"),
    )
    made = engine.run(
        """SELECT customer, count(*) AS n, avg(impulse) AS share FROM o
          WHERE day > :year AND day <= :day AND impulse IS NOT NULL GROUP BY customer""",
        values={"day": int(day), "year": int(day) - 365},
        o=view,
    ).set_index("customer")
    rows = made.reindex(found["customer_id"])
    held = (rows["n"] >= rules.impulse_orders) & (rows["share"] >= rules.impulse_share)
    return pd.array(held.to_numpy(bool), dtype="boolean")


def _service(customers, tickets, known, rules, day, zone):
    """Return angry, insistent and dissatisfied; missing without tickets and grades."""
    import pandas as pd

    unknown = pd.array([pd.NA] * len(customers), dtype="boolean")
    made = pd.DataFrame(dict.fromkeys(("angry", "insistent", "dissatisfied"), unknown))
    grade, cross = (_of(customers, known, c) for c in ("grade", "angry"))
    low = (grade <= rules.low_grade).to_numpy()
    complained = angry = np.zeros(len(customers), bool)
    if tickets is not None:
        need_columns("tickets", tickets.columns, "customer_id", "opened_at")
        complained, angry, insistent = _desk(customers, tickets, rules, day, zone)
        made["insistent"] = pd.array(insistent, dtype="boolean")
    if tickets is not None or grade.notna().any():
        cross = angry | (cross == 1).to_numpy()
        made["angry"] = pd.array((complained | low) & cross, dtype="boolean")
        made["dissatisfied"] = pd.array((complained | low) & ~cross, dtype="boolean")
    return made


def _desk(customers, tickets, rules, day, zone):
    """Return who complained lately, who was angry then, and who insisted, from tickets."""
    opened = periods.local_days(schemas.moments(tickets, "tickets", "opened_at"), zone)
    rows = tickets.assign(day=opened, who=engine.written(tickets["customer_id"]))
    for name, value in (("contacts", 1), ("escalated", 0), ("angry", 0)):
        rows[name] = rows[name].fillna(value).astype(float) if name in rows else float(value)
    rows = rows[rows["day"] <= day]
    ids = engine.written(customers)
    lately = rows[rows["day"] > day - rules.angry_days].groupby("who")["angry"].max()
    week = rows[rows["day"] > day - rules.contact_days].groupby("who")["contacts"].sum()
    raised = rows[rows["day"] > day - rules.escalation_days].groupby("who")["escalated"].sum()
    insistent = (ids.map(week).fillna(0) >= rules.contacts) | (
        ids.map(raised).fillna(0) >= rules.escalations
    )
    angry = ids.map(lately)
    return angry.notna().to_numpy(), (angry == 1).to_numpy(), insistent.to_numpy(bool)


@engine.frames("typed", "later")
@analysis
def prevalence(typed: Table, *, later: Table | None = None, conf_level: float = 0.95) -> Result:
    """How many customers are of each kind, and how many still are later?

    Parameters
    ----------
    typed : table of `types`
    later : the same, of a later day such as thirty days on, optional
    conf_level : float

    Returns
    -------
    Result
        type (with other: none of them), measure (customers: share who are; still: of those, the
        share who are later), count, n, estimate, std_error, conf_low, conf_high; a kind the data
        cannot tell has no row. `members(type=…)` gives the customers.

    Raises
    ------
    InputError
        For a table that `types` did not make.
    NotEnoughData
        With fewer than thirty customers.

    Source: Wilson (1927); the rules of customer types in `docs/glossary.md`.

    Examples
    --------
    >>> import pandas as pd
    >>> typed = pd.DataFrame({"customer_id": range(40), "type": "other", "new": [True] * 10
    ...     + [False] * 30, **dict.fromkeys(["impulse", "angry", "insistent", "loyal"])})
    >>> prevalence(typed).table[["type", "count", "n"]].values.tolist()
    [['new', 10, 40], ['other', 30, 40]]
    """
    held = _held(typed, "typed")
    people.enough("prevalence", len(held), LEAST)
    held[OTHER] = ~held[[t for t in TYPES if t in held]].any(axis=1)
    after = None if later is None else _held(later, "later")
    rows = []
    for name in [t for t in (*TYPES, OTHER) if t in held]:
        inside = held[name].to_numpy(bool)
        size = intervals.share(inside, np.arange(len(held)), conf_level)
        rows.append({"type": name, "measure": "customers", **size})
        if after is not None and name in after and inside.any():
            still = after[name].reindex(held.index[inside]).fillna(False).to_numpy(bool)
            share = intervals.share(still, np.arange(len(still)), conf_level)
            rows.append({"type": name, "measure": "still", **share})
    table = tidy(rows)
    listed = [held.index[held[t]].to_frame(name="customer_id").assign(type=t) for t in held]
    return Result(
        question=Note("segments.types_question", "How many customers are of each kind?"),
        table=table,
        answer=_most(table),
        method=_printed(typed.attrs.get("rules")),
        unit="customers",
        n=len(held),
        conf_level=conf_level,
        limits=(*_untold(held), STATES),
        people=_stacked(listed),
        chart=Points(
            label=["type"],
            only={"measure": "customers"},
            percent=True,
            xlabel=Note("segments.axis_share", "Share of customers"),
        ),
    )


def _held(typed, where):
    """Return who is of which kind: a column of truth a kind the data can tell, by customer."""
    import pandas as pd

    people.once(typed, where)
    need_columns(where, typed.columns, *TYPES)
    rows = typed.dropna(subset=["customer_id"])
    told = [t for t in TYPES if rows[t].notna().any()]
    people.flags(rows, told, where)
    made = pd.DataFrame({t: rows[t].fillna(False).to_numpy(bool) for t in told})
    made.index = pd.Index(rows["customer_id"].astype(str).to_numpy(), name="customer_id")
    return made


def _stacked(tables):
    import pandas as pd

    return pd.concat(tables, ignore_index=True)


def _most(table):
    sizes = table[(table["measure"] == "customers")].set_index("type")
    other, rest = sizes.loc[OTHER], sizes.drop(index=OTHER)
    name = rest["count"].idxmax() if len(rest) else OTHER
    row = sizes.loc[name]
    return Note(
        "segments.types_answer",
        "The most common kind is {name:word}: {share:%} of customers ({low:%} to {high:%}; {count} "
        "of {n}); {other:%} are of none.",
        name=name,
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["count"]),
        n=int(row["n"]),
        other=other["estimate"],
    )


def _printed(rules):
    """Return the rules in full; the standard ones where a table lost its own."""
    return Note(
        "segments.types_method",
        "New: first order in the last {new_days} days, with {history_days} days of data before it. "
        "Impulse: {impulse_orders} orders or more in a year, {impulse_share:%0} of them on impulse."
        " Angry: a complaint or a grade of {low_grade:2} or lower in the last {angry_days} days, "
        "with anger. Insistent: {contacts} contacts or more in {contact_days} days, or "
        "{escalations} escalations in {escalation_days}. Loyal: {loyal_orders} purchase days or "
        "more, a customer for {tenure_days} days, and still one with a chance of {alive:%0} (an "
        "order in the last year where that is not known). Wilson intervals.",
        **(asdict(Rules()) if rules is None else rules),
    )


def _untold(held):
    gone = [t for t in TYPES if t not in held]
    if not gone:
        return []
    return [
        Note(
            "segments.untold",
            "These data do not tell who is: {names:word}.",
            names=gone,
        )
    ]


@engine.frames("typed", "labels")
@analysis
def type_agreement(typed: Table, labels: Table, *, conf_level: float = 0.95) -> Result:
    """How far do the rules agree with what people say of the same customers?

    Parameters
    ----------
    typed : table of `types`
    labels : table with customer_id and, for each kind, 0 and 1
        As somebody who knows them labelled them; 150 or more.
    conf_level : float

    Returns
    -------
    Result
        type, measure (kappa: agreement beyond chance; found: of those labelled so, the share the
        rule finds; right: of those the rule finds, the share labelled so), count, n, estimate,
        std_error, conf_low, conf_high.

    Raises
    ------
    InputError
        Where no label has the name of a kind.
    NotEnoughData
        With fewer than thirty customers in both.

    Source: Cohen (1960), Educational and Psychological Measurement 20; errors: Fleiss, Cohen &
    Everitt (1969), Psychological Bulletin 72.

    Examples
    --------
    >>> import pandas as pd
    >>> typed = pd.DataFrame({"customer_id": range(40), "new": [True, False] * 20,
    ...     **dict.fromkeys(["impulse", "angry", "insistent", "loyal"])})
    >>> labels = pd.DataFrame({"customer_id": range(40), "new": [1, 0] * 20})
    >>> type_agreement(typed, labels).table.set_index("measure")["estimate"].to_dict()
    {'kappa': 1.0, 'found': 1.0, 'right': 1.0}
    """
    held = _held(typed, "typed")
    people.once(labels, "labels")
    both = [t for t in held if t in labels]
    if not both:
        raise InputError(
            "segments.error_no_label",
            "labels: no column has the name of a kind: {types:text}",
            types=list(held),
        )
    people.flags(labels, both, "labels")
    said = labels.dropna(subset=["customer_id", *both])
    said = said.set_index(said["customer_id"].astype(str))[both].astype(bool)
    shared = held.index.intersection(said.index)
    people.enough("type_agreement", len(shared), LEAST)
    rows = []
    for name in both:
        rule, label = held.loc[shared, name].to_numpy(), said.loc[shared, name].to_numpy()
        rows += _beside(name, rule, label, conf_level)
    table = tidy(rows)
    kappa = table[table["measure"] == "kappa"].dropna(subset=["estimate"])
    worst = kappa.loc[kappa["estimate"].idxmin()] if len(kappa) else table.iloc[0]
    return Result(
        question=Note("segments.agreement_question", "How far do the rules agree with labels?"),
        table=table,
        answer=Note(
            "segments.agreement_answer",
            "The rule for {name:word} agrees least with the labels: kappa {kappa:2} ({low:2} to "
            "{high:2}; {n} customers).",
            name=worst["type"],
            kappa=worst["estimate"],
            low=worst["conf_low"],
            high=worst["conf_high"],
            n=len(shared),
        ),
        method=Note(
            "segments.agreement_method",
            "Cohen's kappa with its large-sample interval; Wilson intervals for shares.",
        ),
        unit="customers",
        n=len(shared),
        conf_level=conf_level,
        limits=(STATES,),
        chart=Points(
            label=["type"],
            only={"measure": "kappa"},
            xlabel=Note("segments.axis_kappa", "Agreement beyond chance (kappa)"),
        ),
    )


def _beside(name, rule, label, conf_level):
    """Return how a rule stands beside labels of the same customers."""
    made = kappas.cohen(rule, label)
    low, high = intervals.normal(made.estimate, made.std_error, conf_level)
    rows = [
        {
            "type": name,
            "measure": "kappa",
            "n": len(rule),
            "estimate": made.estimate,
            "std_error": made.std_error,
            "conf_low": float(np.maximum(low, -1)),
            "conf_high": float(np.minimum(high, 1)),
        }
    ]
    for measure, hit, of in (("found", rule, label), ("right", label, rule)):
        share = intervals.share(hit[of], np.arange(of.sum()), conf_level) if of.any() else {"n": 0}
        rows.append({"type": name, "measure": measure, **share})
    return rows
