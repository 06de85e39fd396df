"""Groups by what customers want, where they are, what they think, and how much of them is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names
from workbench.errors import InputError, need_columns
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.segments import people
from workbench.stats import drift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

LEAST, LEVEL = 30, 0.05
NO_DOMINANT = "no_dominant_benefit"
FELT = ("satisfied", "neutral", "dissatisfied")
LOYAL = ("all_ours", "mostly_ours", "shared", "mostly_elsewhere")
AXIS = Note("segments.axis_share", "Share of customers")
SILENT = Note(
    "segments.silent",
    "Only those who gave a grade are here: of the dissatisfied who keep silent and leave, nothing "
    "is known.",
)


@engine.frames("acts")
@analysis
def benefits(acts: Table, *, benefit: str = "benefit", conf_level: float = 0.95) -> Result:
    """Which benefit do customers seek first, where they seek one clearly more than the next?

    Parameters
    ----------
    acts : table with customer_id and the benefit, a row an act or answer
        Such as a page read, a review or a choice, with the benefit it speaks of.
    benefit : str
        Column that holds it.
    conf_level : float
        Also of the test by which the first benefit is told from the second, for each customer.

    Returns
    -------
    Result
        benefit (the primary one; no_dominant_benefit), count, n (customers), estimate, std_error,
        conf_low, conf_high. `members(benefit=…)` gives the customers.

    Raises
    ------
    InputError
        For a missing column, or a single benefit.
    NotEnoughData
        With fewer than thirty customers.

    Source: Haley (1968), Journal of Marketing 32; exact binomial test.

    Examples
    --------
    >>> import pandas as pd
    >>> acts = pd.DataFrame({"customer_id": [k for k in range(30) for _ in range(8)],
    ...     "benefit": (["price"] * 8) * 20 + (["price", "taste"] * 4) * 10})
    >>> benefits(acts).table[["benefit", "count", "n"]].values.tolist()
    [['price', 20, 30], ['no_dominant_benefit', 10, 30]]
    """
    need_columns("acts", acts.columns, "customer_id", benefit)
    known = acts.dropna(subset=["customer_id", benefit])
    counts = known.groupby(["customer_id", known[benefit].map(names.written)]).size().unstack()
    counts = counts.fillna(0).astype(int)
    if counts.shape[1] < 2:
        raise InputError(
            "segments.error_one_benefit",
            "acts: at least {least} different values of '{column}' are needed",
            least=2,
            column=benefit,
        )
    people.enough("benefits", len(counts), LEAST)
    first = drift.first_of(counts.to_numpy(), 1 - conf_level)
    primary = np.where(first >= 0, counts.columns.to_numpy(object)[first], NO_DOMINANT)
    rows = _sizes("benefit", primary, [*counts.columns, NO_DOMINANT], conf_level)
    clear = rows[0]
    return Result(
        question=Note("segments.benefits_question", "Which benefit do customers seek first?"),
        table=tidy(rows),
        answer=Note(
            "segments.benefits_answer",
            "{clear:%} of customers seek one benefit clearly more than any other; the most sought "
            "is {name:word} ({share:%}; {low:%} to {high:%}; {n} customers).",
            clear=float((first >= 0).mean()),
            name=clear["benefit"],
            share=clear["estimate"],
            low=clear["conf_low"],
            high=clear["conf_high"],
            n=len(counts),
        ),
        method=Note(
            "segments.benefits_method",
            "Acts of each customer by benefit; the first is primary where it is told from the "
            "second by an exact binomial test at {level:%0}; Wilson intervals.",
            level=1 - conf_level,
        ),
        unit="customers",
        n=len(counts),
        conf_level=conf_level,
        limits=(
            Note(
                "segments.benefits_limit",
                "Whoever did little cannot show a first benefit; what is read is not always what "
                "is wanted.",
            ),
            people.of_basis("attitude"),
            people.DESCRIBES,
        ),
        people=counts.reset_index()[["customer_id"]].assign(benefit=primary),
        chart=Points(label=["benefit"], percent=True, xlabel=AXIS),
    )


def _sizes(key, groups, order, conf_level):
    """Return a row a group that occurs, the largest first, what is no group last."""
    rows = [
        {key: name, **intervals.share(groups == name, np.arange(len(groups)), conf_level)}
        for name in order
        if (groups == name).any()
    ]
    return sorted(rows, key=lambda row: (row[key] == NO_DOMINANT, -row["count"], row[key]))


@engine.frames("now", "before")
@analysis
def journey(
    now: Table, stages: Sequence[str], *, before: Table | None = None, conf_level: float = 0.95
) -> Result:
    """Where in the journey do customers stand, and where do most get stuck?

    Parameters
    ----------
    now : table with customer_id and stage, a row a customer
        Such as from `stages.stage_distribution`.
    stages : list of str
        The stages in their order; a customer in another one (idle) stands beside them.
    before : the same table of an earlier day, optional
    conf_level : float

    Returns
    -------
    Result
        stage, measure (customers: share of all now; with `before`: moved_on, the share of those
        who stood there that stand further now), count, n, estimate, std_error, conf_low,
        conf_high. The largest obstacle is the stage where most stood still.
        `members(stage=…)` gives the customers now.

    Raises
    ------
    InputError
        For a missing column, a customer twice, or stages of which none occurs.
    NotEnoughData
        With fewer than thirty customers.

    Source: the definitions of segments in `docs/glossary.md`; Wilson (1927).

    Examples
    --------
    >>> import pandas as pd
    >>> now = pd.DataFrame({"customer_id": range(40), "stage": ["need"] * 30 + ["search"] * 10})
    >>> journey(now, ["need", "search"]).table[["stage", "count", "n"]].values.tolist()
    [['need', 30, 40], ['search', 10, 40]]
    """
    people.once(now, "now")
    need_columns("now", now.columns, "stage")
    here = now.dropna(subset=["customer_id"])
    stage = people.words(here["stage"])
    stages = [names.written(s) for s in names.listed(stages)]
    names.occurring("stages", stages, sorted(set(stage)), noun="stage")
    people.enough("journey", len(here), LEAST)
    order = [*stages, *sorted(set(stage) - set(stages))]
    each = np.arange(len(here))
    rows = [
        {
            "stage": name,
            "measure": "customers",
            **intervals.share(stage == name, each, conf_level),
        }
        for name in order
        if (stage == name).any()
    ]
    moved = [] if before is None else _moved_on(before, here, stage, stages, conf_level)
    table = tidy(rows + moved)
    return Result(
        question=Note("segments.journey_question", "Where in the journey do customers stand?"),
        table=table,
        answer=_stuck(rows, moved, len(here)),
        method=Note(
            "segments.journey_method",
            "Customers by the stage they stand in; of those who stood in a stage before, who "
            "stands in a later one now; Wilson intervals.",
        ),
        unit="customers",
        n=len(here),
        conf_level=conf_level,
        limits=(people.of_basis("use"), people.DESCRIBES),
        people=here[["customer_id"]].assign(stage=stage),
        chart=Points(label=["stage"], only={"measure": "customers"}, percent=True, xlabel=AXIS),
    )


def _moved_on(before, here, stage, stages, conf_level):
    """Return a row a stage: of those who stood in it, who stands further."""
    people.once(before, "before")
    need_columns("before", before.columns, "stage")
    place = {name: k for k, name in enumerate(stages)}
    is_now = dict(zip(here["customer_id"], stage, strict=True))
    was = before.dropna(subset=["customer_id"])
    was = was.assign(stage=people.words(was["stage"]))
    was = was[was["customer_id"].isin(is_now)]
    later = was["customer_id"].map(is_now).map(place).fillna(-1).to_numpy()
    rows = []
    for name in stages[:-1]:
        stood = (was["stage"] == name).to_numpy()
        if stood.any():
            share = intervals.share(later[stood] > place[name], np.arange(stood.sum()), conf_level)
            rows.append({"stage": name, "measure": "moved_on", **share})
    return rows


def _stuck(rows, moved, n):
    """Return the largest stage, and the one where most stood still where that is known."""
    if not moved:
        row = max(rows, key=lambda r: r["count"])
        return Note(
            "segments.journey_answer",
            "Most customers stand in {stage:word}: {share:%} ({low:%} to {high:%}; {n} customers).",
            stage=row["stage"],
            share=row["estimate"],
            low=row["conf_low"],
            high=row["conf_high"],
            n=n,
        )
    row = max(moved, key=lambda r: r["n"] - r["count"])
    return Note(
        "segments.journey_stuck",
        "The largest obstacle is {stage:word}: of {n} customers who stood there {share:%} stand "
        "further now ({low:%} to {high:%}).",
        stage=row["stage"],
        n=row["n"],
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
    )


@engine.frames("customers")
@analysis
def satisfaction(
    customers: Table,
    reactions: Sequence[str],
    *,
    grade: str = "grade",
    cuts: tuple = (4, 6),
    conf_level: float = 0.95,
) -> Result:
    """How many are satisfied, neutral or dissatisfied, and what does each group do next?

    Parameters
    ----------
    customers : table with customer_id, a grade and what they did, a row a customer
    reactions : list of str
        0 and 1: such as complained, left, recommended, bought_again.
    grade : str
    cuts : tuple of two numbers
        Below the first is dissatisfied, at or above the second satisfied.
    conf_level : float

    Returns
    -------
    Result
        satisfaction (satisfied, neutral, dissatisfied), measure (customers: share of all; else a
        reaction: the share of the group that did it), count, n, estimate, std_error, conf_low,
        conf_high, p_holm (of a reaction: whether it differs between the groups, chi-square, Holm
        over reactions). `members(satisfaction=…)` gives the customers.

    Raises
    ------
    InputError
        For a missing column, a reaction that is not 0 and 1, or cuts that do not increase.
    NotEnoughData
        With fewer than thirty customers.

    Source: Hirschman (1970), Exit, Voice, and Loyalty; Oliver (1980), Journal of Marketing
    Research 17.

    Examples
    --------
    >>> import pandas as pd
    >>> d = pd.DataFrame({"customer_id": range(40), "grade": [7] * 20 + [2] * 20,
    ...     "left": [0] * 20 + [1] * 10 + [0] * 10})
    >>> satisfaction(d, ["left"]).table.query("measure == 'left'")["estimate"].tolist()
    [0.0, 0.5]
    """
    reactions = [reactions] if isinstance(reactions, str) else list(reactions)
    if len(cuts) != 2 or not cuts[0] < cuts[1]:
        raise InputError(
            "segments.error_two_cuts",
            "cuts: {n} increasing numbers are needed, found {cuts:repr}",
            n=2,
            cuts=list(cuts),
        )
    rows, left_out = people.whole(customers, [grade, *reactions])
    people.flags(rows, reactions)
    people.enough("satisfaction", len(rows), LEAST)
    value = rows[grade].to_numpy(float)
    felt = np.select([value >= cuts[1], value >= cuts[0]], FELT[:2], FELT[2])
    did = people.numbers(rows, reactions) if reactions else np.empty((len(rows), 0))
    p = intervals.adjust_p_values(
        [drift.independent(felt, did[:, k]) for k in range(len(reactions))]
    )
    table = _reactions(felt, reactions, did, p, conf_level)
    return Result(
        question=Note(
            "segments.satisfaction_question", "How many are satisfied, and what does each group do?"
        ),
        table=table,
        answer=_felt(table, reactions, p),
        method=Note(
            "segments.satisfaction_method",
            "Dissatisfied below {low:2}, satisfied from {high:2} on; Wilson intervals; reactions "
            "between groups by chi-square tests, Holm over reactions.",
            low=cuts[0],
            high=cuts[1],
        ),
        unit="customers",
        n=len(rows),
        conf_level=conf_level,
        evidence="associational",
        limits=(*left_out, SILENT, people.of_basis("attitude")),
        people=rows[["customer_id"]].assign(satisfaction=felt),
        chart=Points(
            label=["measure"],
            group="satisfaction",
            percent=True,
            xlabel=Note("segments.axis_did", "Share of the group"),
        ),
    )


def _reactions(felt, reactions, did, p, conf_level):
    """Return size and reactions of every group."""
    rows, each = [], np.arange(len(felt))
    for name in [f for f in FELT if (felt == f).any()]:
        inside = felt == name
        size = intervals.share(inside, each, conf_level)
        rows.append({"satisfaction": name, "measure": "customers", **size, "p_holm": np.nan})
        for k, reaction in enumerate(reactions):
            hit = did[inside, k] == 1
            share = intervals.share(hit, np.arange(len(hit)), conf_level)
            rows.append({"satisfaction": name, "measure": reaction, **share, "p_holm": p[k]})
    return tidy(rows)


def _felt(table, reactions, p):
    """Return the share of the dissatisfied, and the reaction that differs most."""
    sizes = table[table["measure"] == "customers"].set_index("satisfaction")
    last = sizes.index[-1]
    row = sizes.loc[last]
    clear = [reactions[k] for k in np.argsort(p, kind="stable") if p[k] < LEVEL]
    return Note(
        "segments.satisfaction_answer",
        "{share:%} of customers are {felt:word} ({low:%} to {high:%}; {n} customers); {differ} of "
        "{tried} reactions differ between the groups.",
        share=row["estimate"],
        felt=last,
        low=row["conf_low"],
        high=row["conf_high"],
        n=int(row["n"]),
        differ=len(clear),
        tried=len(reactions),
    )


@engine.frames("customers")
@analysis
def loyalty(
    customers: Table, *, own: str = "own", category: str = "category", conf_level: float = 0.95
) -> Result:
    """How loyal are customers in what they spend, and how much of their spending could still come?

    Parameters
    ----------
    customers : table with customer_id and two amounts, a row a customer
    own : str
        What they spend here.
    category : str
        What they spend in the category altogether, here included.
    conf_level : float

    Returns
    -------
    Result
        loyalty (all_ours: all of it; mostly_ours: half or more; shared: a fifth or more;
        mostly_elsewhere), measure (customers: share of all; value_to_grow: what they spend
        elsewhere, a customer), count or amount, n, estimate, std_error, conf_low, conf_high.
        `members(loyalty=…)` gives the customers.

    Raises
    ------
    InputError
        For a missing column, amounts below 0, or more spent here than altogether.
    NotEnoughData
        With fewer than thirty customers who spend in the category.

    Source: Dick & Basu (1994), Journal of the Academy of Marketing Science 22; share of category
    requirements: Ehrenberg (1988), Repeat-Buying.

    Examples
    --------
    >>> import pandas as pd
    >>> d = pd.DataFrame({"customer_id": range(40), "own": 10.0, "category": [10.0, 40.0] * 20})
    >>> made = loyalty(d).table
    >>> made.loc[made["measure"] == "value_to_grow", "estimate"].tolist()
    [0.0, 30.0]
    """
    rows, left_out = people.whole(customers, [own, category])
    rows = rows[rows[category].to_numpy(float) > 0]
    spent, whole = rows[own].to_numpy(float), rows[category].to_numpy(float)
    wrong = int(((spent < 0) | (spent > whole * (1 + 1e-9))).sum())
    if wrong:
        raise InputError(
            "segments.error_wallet",
            "customers: '{own}' must lie between {floor} and '{category}'; {wrong} rows do not",
            own=own,
            category=category,
            floor=0,
            wrong=wrong,
        )
    people.enough("loyalty", len(rows), LEAST)
    share = spent / whole
    band = np.select([share >= 1 - 1e-9, share >= 0.5, share >= 0.2], LOYAL[:3], LOYAL[3])
    table = _wallets(band, whole - spent, conf_level)
    return Result(
        question=Note(
            "segments.loyalty_question", "How loyal are customers, and what could still come?"
        ),
        table=table,
        answer=_to_grow(table, band, whole - spent),
        method=Note(
            "segments.loyalty_method",
            "Bands of the share of what customers spend in the category; Wilson intervals; amounts "
            "elsewhere as means with normal intervals.",
        ),
        unit="customers",
        n=len(rows),
        conf_level=conf_level,
        limits=(
            *left_out,
            Note(
                "segments.loyalty_limit",
                "Who buys little is all ours or not by chance; not everything spent elsewhere can "
                "be won.",
            ),
            people.of_basis("use"),
        ),
        people=rows[["customer_id"]].assign(loyalty=band),
        chart=Points(label=["loyalty"], only={"measure": "customers"}, percent=True, xlabel=AXIS),
    )


def _wallets(band, elsewhere, conf_level):
    """Return size and value to grow of every band."""
    rows, each = [], np.arange(len(band))
    for name in [b for b in LOYAL if (band == b).any()]:
        inside = band == name
        size = intervals.share(inside, each, conf_level)
        rows.append({"loyalty": name, "measure": "customers", **size})
        mean = intervals.mean(elsewhere[inside], np.arange(inside.sum()), conf_level)
        mean["amount"] = mean.pop("total")
        rows.append({"loyalty": name, "measure": "value_to_grow", **mean})
    return tidy(rows)


def _to_grow(table, band, elsewhere):
    """Return the share that spends all here, and the band with most value to grow."""
    sums = {name: float(elsewhere[band == name].sum()) for name in set(band)}
    most = max(sorted(sums), key=sums.get)
    hit = table.iloc[0]
    return Note(
        "segments.loyalty_answer",
        "Of {n} customers {share:%} are {band:word} ({low:%} to {high:%}); most of what is spent "
        "elsewhere, {part:%}, is spent by {name:word}.",
        share=hit["estimate"],
        band=hit["loyalty"],
        low=hit["conf_low"],
        high=hit["conf_high"],
        n=len(band),
        part=sums[most] / max(sum(sums.values()), 1e-12),
        name=most,
    )
