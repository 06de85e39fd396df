"""Estimates beside what was planted: how near a method comes where the truth is known."""

from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Points, Result, analysis

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
