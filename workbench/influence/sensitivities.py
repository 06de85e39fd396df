"""Two sensitivities to price that look like one: switching among what is there, and sales."""

from __future__ import annotations

from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Points, Result, analysis

STEP = 0.01  # of the price
KEPT = ("n", "estimate", "std_error", "conf_low", "conf_high")
LIMITS = (
    Note(
        "influence.sensitivities_why",
        "Switching counts buyers of one of the alternatives who take another of them. Sales count "
        "those who buy more, less, later, elsewhere or not at all as well, so their sensitivity is "
        "larger.",
    ),
    Note(
        "influence.sensitivities_which",
        "Sales move with a temporary discount as with any other price; among the alternatives the "
        "discount has a weight of its own. Whoever plans a promotion reads the one, whoever sets a "
        "regular price neither: that takes an experiment.",
    ),
)


@analysis
def sensitivities(switching: Result, selling: Result) -> Result:
    """Do two sensitivities to price contradict each other?

    Parameters
    ----------
    switching : Result of `choice.elasticities`
        Of which the own elasticities are taken.
    selling : Result of `price_elasticity`

    Returns
    -------
    Result
        measure (switching_least and switching_most: the alternatives that react least and most;
        selling), alternative, n, estimate (per cent for one per cent of price), std_error,
        conf_low, conf_high.

    Raises InputError where one of them holds no own elasticity.
    """
    import pandas as pd

    own = switching.table
    own = own[own["kind"] == "own"].sort_values(["estimate", "alternative"])
    sold = selling.table[selling.table["term"] == "own_price"]
    if not len(own) or not len(sold):
        raise InputError(
            "influence.error_sensitivities",
            "sensitivities: an own elasticity of choice and one of sales are needed",
        )
    picked = {
        "switching_least": own.iloc[-1],
        "switching_most": own.iloc[0],
        "selling": sold.iloc[0],
    }
    rows = [
        {"measure": name, "alternative": row.get("alternative", ""), **{k: row[k] for k in KEPT}}
        for name, row in picked.items()
    ]
    return Result(
        question=Note(
            "influence.sensitivities_question",
            "Do the two sensitivities to price contradict each other?",
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "influence.sensitivities_method",
            "Own elasticities of a model of choice beside that of weekly sales.",
        ),
        answer=_answer(picked),
        unit="rows",
        n=int(picked["selling"]["n"]),
        conf_level=selling.conf_level,
        evidence="associational",
        limits=LIMITS,
        chart=Points(
            label=["measure"],
            reference=0,
            xlabel=Note(
                "influence.sensitivities_axis",
                "Change in per cent where the price is {step:%0} higher",
                step=STEP,
            ),
        ),
    )


def _answer(picked):
    """Return both in one sentence, and what each is of."""
    least, most, sold = picked.values()
    return Note(
        "influence.sensitivities_answer",
        "They answer two questions: where a price is {step:%0} higher, the share among buyers is "
        "{least:2} to {most:2} % lower, depending on the alternative, and sales of a product are "
        "{sold:2} % lower ({sold_low:2} to {sold_high:2}; {n} rows).",
        step=STEP,
        least=-least["estimate"],
        most=-most["estimate"],
        sold=-sold["estimate"],
        sold_low=-sold["conf_high"],
        sold_high=-sold["conf_low"],
        n=int(sold["n"]),
    )
