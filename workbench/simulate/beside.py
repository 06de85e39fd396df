"""Estimates beside what was planted: how near a method comes where the truth is known."""

from dataclasses import replace

from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Points, Result, analysis, simulated_question
from workbench.simulate.reasons import REASONS

WITHIN = Note(
    "simulate.recovery_answer",
    "{inside} of {planted} planted values lie within their interval; the largest deviation is "
    "that of {term:word}: {estimate:3} estimated, {truth:3} planted ({n} {unit:word}).",
)
ONE = Note(
    "simulate.recovery_answer_one",
    "The estimate for {term:word} is {estimate:3} ({low:3} to {high:3}), and {truth:3} was "
    "planted ({n} {unit:word}).",
)
WITHIN_SHARES = Note(
    "simulate.recovery_answer_shares",
    "{inside} of {planted} planted shares lie within their interval; the largest deviation is "
    "that of {term:word}: {gap:points} percentage points ({estimate:%} estimated, {truth:%} "
    "planted; {n} {unit:word}). The largest planted share is that of {largest:word}.",
)


@analysis
def recovery(result, planted, *, key="term", only=None, shares=False):
    """How near do estimates come to what was planted?

    Parameters
    ----------
    result : Result
        With an estimate and its interval a row.
    planted : dict
        Name of the row → the planted number.
    key : str
        Column with the names.
    only : dict, optional
        Column → value: the rows that are compared.
    shares : bool
        Whether estimates and planted numbers are divided by their sums first.

    Returns
    -------
    Result
        term, n, estimate, std_error, conf_low, conf_high, planted, deviation (estimate less
        planted). The intervals are those of `result`.

    Raises InputError where a planted name is no row.
    """
    table = result.table
    for column, value in (only or {}).items():
        table = table[table[column] == value]
    rows = table.set_index(key)
    missing = [name for name in planted if name not in rows.index]
    if missing:
        raise InputError(
            "simulate.error_recovery",
            "planted: {names:text} stand in no row of the result",
            names=missing,
        )
    made = rows.loc[list(planted), ["n", "estimate", "std_error", "conf_low", "conf_high"]]
    made = made.rename_axis("term").reset_index().assign(planted=list(planted.values()))
    if shares:
        total = made["estimate"].sum()
        made[["estimate", "std_error", "conf_low", "conf_high"]] /= total
        made["planted"] /= made["planted"].sum()
    made["deviation"] = made["estimate"] - made["planted"]
    return Result(
        question=Note("simulate.recovery_question", "How near do the estimates come to the truth?"),
        answer=_answer(made, result, shares),
        table=made,
        method=Note(
            "simulate.recovery_method", "Estimates and their intervals beside the planted values."
        ),
        unit=result.unit,
        n=result.n,
        conf_level=result.conf_level,
        evidence=result.evidence,
        chart=Points(
            label=["term"],
            beside="planted",
            reference=0,
            percent=shares,
            xlabel=Note("simulate.recovery_axis", "Estimate, and what was planted"),
        ),
    )


def _answer(table, result, shares):
    """Return how many planted values are covered, and the one that is missed by most."""
    inside = table["planted"].between(table["conf_low"], table["conf_high"])
    # In standard errors: terms may have units of their own.
    off = (table["deviation"] / (1 if shares else table["std_error"])).abs()
    row = table.assign(off=off).sort_values(["off", "term"], ascending=[False, True]).iloc[0]
    said = {
        "inside": int(inside.sum()),
        "planted": len(table),
        "term": row["term"],
        "estimate": row["estimate"],
        "truth": row["planted"],
        "n": result.n,
        "unit": result.unit,
    }
    if len(table) == 1:
        own = {name: said[name] for name in ("term", "estimate", "truth", "n", "unit")}
        return ONE.having(**own, low=row["conf_low"], high=row["conf_high"])
    if not shares:
        return WITHIN.having(**said)
    top = table.sort_values(["planted", "term"], ascending=[False, True])["term"].iloc[0]
    return WITHIN_SHARES.having(**said, gap=abs(row["deviation"]), largest=top)


BESIDE = Note(
    "simulate.beside_answer",
    "{inside} of {planted} intervals contain the planted value; furthest off is {measure:word} "
    "({term:word}): {estimate:3} estimated, {truth:3} planted.",
)
BESIDE_SHARES = Note(
    "simulate.beside_answer_shares",
    "{inside} of {planted} intervals contain the planted share; furthest off is {measure:word} "
    "({term:word}): {estimate:%} estimated, {truth:%} planted.",
)

BESIDE_APART = Note(
    "simulate.beside_answer_apart",
    "{inside} of {planted} intervals contain the planted difference; furthest off is "
    "{measure:word} ({term:word}): {estimate:points} percentage points estimated, {truth:points} "
    "planted.",
)


@analysis
def beside(estimates, *, shares=True, apart=False):
    """How near do the estimates of several analyses come to what was planted, misses too?

    Parameters
    ----------
    estimates : dict
        Measure (a name of `reasons.REASONS`, or one of your own) → (Result, planted): the planted
        values by the name of their row, as the functions of `simulate.truth` return them; a name
        may be a tuple of two. A third member, column → value, says which rows are meant. A table
        may stand in place of one of several Results.
    shares : bool
        Whether the estimates are shares.
    apart : bool
        Whether they are differences of shares, shown in points.

    Returns
    -------
    Result
        measure, term, n, estimate, conf_low, conf_high, planted, deviation (estimate less planted),
        inside (yes or no: whether the interval holds the planted value; missing without an
        interval). For every measure that misses, the limits say why, and what would mend it.

    Raises InputError where a planted name is no row.
    """
    import pandas as pd

    parts = [_rows(measure, *given) for measure, given in estimates.items()]
    table = pd.concat(parts, ignore_index=True)
    table["deviation"] = table["estimate"] - table["planted"]
    known = table[["conf_low", "conf_high"]].notna().all(axis=1)
    held = table["planted"].between(table["conf_low"], table["conf_high"])
    table["inside"] = held.map({True: "yes", False: "no"}).where(known, None)
    missed = table.loc[known & ~held, "measure"].unique()
    results = [given[0] for given in estimates.values() if isinstance(given[0], Result)]
    return Result(
        question=simulated_question(
            Note("simulate.beside_question", "How near do the estimates come to what was planted?")
        ),
        answer=_beside_answer(table, held & known, known, shares, apart),
        table=table,
        method=Note(
            "simulate.beside_method",
            "Estimates and their intervals beside values computed from the states the market was "
            "made with.",
        ),
        simulated=True,
        unit=results[0].unit,
        n=max(result.n for result in results),
        conf_level=results[0].conf_level,
        limits=tuple(REASONS[measure] for measure in missed if measure in REASONS),
        chart=Points(
            label=["measure", "term"],
            group="measure",
            beside="planted",
            percent=shares,
            points=apart,
            xlabel=Note("simulate.beside_axis", "Estimate, and what was planted"),
        ),
    )


def _rows(measure, result, planted, only=None):
    """Return the rows of a result that have a planted value, with it."""
    table = getattr(result, "table", result)
    for column, value in (only or {}).items():
        table = table[table[column] == value]
    names = [key if isinstance(key, tuple) else (key,) for key in planted]
    columns = _columns(table, names)
    wanted = names if len(names[0]) > 1 else [name for (name,) in names]
    rows = table.set_index(columns) if columns else table.iloc[:0]
    missing = [name for name in wanted if name not in rows.index]
    if missing:
        raise InputError(
            "simulate.error_recovery",
            "planted: {names:text} stand in no row of the result",
            names=missing,
        )
    kept = ["n", "estimate", "conf_low", "conf_high"]
    out = rows.loc[wanted].reindex(columns=kept).reset_index(drop=True)
    out.insert(0, "term", [" > ".join(map(str, name)) for name in names])
    out.insert(0, "measure", measure)
    return out.assign(planted=list(planted.values()))


def _columns(table, names):
    """Return the columns of a table that hold the names, one a part of a name."""
    out = []
    for part in zip(*names, strict=True):
        fits = [c for c in table if c not in out and set(part) <= set(table[c].dropna())]
        out += fits[:1]
    return out if len(out) == len(names[0]) else []


def _beside_answer(table, held, known, shares, apart):
    """Return how many planted values are covered, and the one that is missed by most."""
    far = (table["deviation"] / (1 if shares else table["planted"].abs())).abs()
    row = table.loc[far.idxmax()]
    said = BESIDE_APART if apart else BESIDE_SHARES if shares else BESIDE
    return said.having(
        inside=int(held.sum()),
        planted=int(known.sum()),
        measure=row["measure"],
        term=row["term"],
        estimate=row["estimate"],
        truth=row["planted"],
    )


@analysis
def beside_truth(seen, true):
    """Set the shares read from tracked events beside those by the true stages.

    Takes two Results with one row a stage, such as those of `stages.reach`; returns the first with
    a column truth, the estimate of the second.
    """
    planted = true.table.set_index("stage")["estimate"]
    table = seen.table.assign(truth=seen.table["stage"].map(planted))
    gaps = (table["estimate"] - table["truth"]).abs()
    return replace(
        seen,
        question=Note(
            "simulate.truth_question", "How far is what tracking shows from what took place?"
        ),
        table=table,
        simulated=False,  # the mark is set anew, with the question
        answer=_largest_gap(table.loc[gaps.idxmax()]) if gaps.notna().any() else seen.answer,
        chart=replace(seen.chart, beside="truth"),
    )


def _largest_gap(row):
    return Note(
        "simulate.truth_answer",
        "The gap is largest at {stage:word}: {share:%} of occasions reached it by the tracked "
        "events ({low:%} to {high:%}; {count} of {n}), {truth:%} in truth.",
        stage=row["stage"],
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["count"]),
        n=int(row["n"]),
        truth=row["truth"],
    )
