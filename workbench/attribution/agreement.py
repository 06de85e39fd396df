"""Methods of attribution side by side, and beside the truth where it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import engine
from workbench.attribution.heuristic_models import AXIS, heuristics, left_out_of
from workbench.attribution.markov_chain import markov
from workbench.attribution.shapley_values import EXACT, shapley
from workbench.errors import need_columns, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from workbench.attribution.paths import Journeys
    from workbench.types import Table

COMPARE_LIMIT = Note(
    "attribution.compare_limit",
    "Methods answer different questions; where they disagree, only an experiment decides.",
)
COST_LIMIT = Note(
    "attribution.cost_limit",
    "Cost per attributed conversion is not cost per conversion gained: it looks too "
    "low where customers would have come anyway.",
)
COMPARE_METHOD = Note(
    "attribution.compare_method",
    "The same paths under several methods; intervals over customers.",
)


@engine.frames(optional=("truth", "costs"))
@analysis
def compare(
    journeys: Journeys,
    *,
    truth: Table | None = None,
    costs: Table | None = None,
    draws: int = 200,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Do the methods agree, and, where the truth is known, how far is each from it?

    Parameters
    ----------
    journeys : Journeys
    truth : table with channel and incremental_orders, optional
        What every channel really brought about, from `simulate.channel_effects` or from experiments
        on all channels.
    costs : table with channel and cost, optional
    draws, seed : int
        Of the bootstrap of the Markov and Shapley credits.

    Returns
    -------
    Result
        method, channel, count (conversions credited), n (conversions), estimate (share of the
        credit), std_error, conf_low, conf_high; with `truth` also incremental (conversions really
        brought about), excess (credited minus incremental) and off_in_all (its size summed over the
        channels whose truth is known); with `costs` cost, cost_per_conversion, with both
        cost_per_incremental, and where conversions have a worth, value and return_on_cost (credited
        value over cost). The method "truth" has the true shares, and "nobody" credits no channel:
        what a method has to beat.

    Raises
    ------
    InputError
        For missing columns, or a table that names none of the channels.
    NotEnoughData
        Without a conversion that has a contact before it.

    Source: as the methods; the comparison with randomised truth as in Gordon, Zettelmeyer, Bhargava
    & Chapsky (2019), Marketing Science 38.
    """
    import pandas as pd

    for table, columns, name in (
        (truth, ("channel", "incremental_orders"), "truth"),
        (costs, ("channel", "cost"), "costs"),
    ):
        if table is not None:
            need_columns(name, table.columns, *columns)
            if not table["channel"].isin(journeys.names).any():
                raise unknown(
                    name,
                    "channel",
                    str(table["channel"].iloc[0]) if len(table) else "(an empty table)",
                    journeys.names,
                )
    by_rule = heuristics(journeys, conf_level=conf_level)
    parts = [by_rule.table.rename(columns={"rule": "method"})]
    others = {"shapley": shapley(journeys, draws=draws, seed=seed, conf_level=conf_level)}
    if (journeys.conversions == 0).any():
        others["markov_chain"] = markov(journeys, draws=draws, seed=seed, conf_level=conf_level)
        if len(journeys.names) <= EXACT:
            others["shapley_rate"] = shapley(
                journeys, worth="rate", draws=draws, seed=seed, conf_level=conf_level
            )
    for name, made in others.items():
        table = (
            made.table[made.table["measure"] == "credit"] if "measure" in made.table else made.table
        )
        parts.append(table.assign(method=name))
    keep = [
        "method",
        "channel",
        "count",
        "n",
        "estimate",
        "std_error",
        "conf_low",
        "conf_high",
        *(["value"] if journeys.valued else []),
    ]
    table = pd.concat([p[keep] for p in parts], ignore_index=True)
    limits = [COMPARE_LIMIT]
    answer = _widest(table)
    if truth is not None:
        table, answer = _beside(table, truth)
    if costs is not None:
        table, said = _priced(table, costs, journeys.valued)
        limits += [COST_LIMIT, *said]
    return Result(
        question=Note("attribution.compare_question", "Do the methods of attribution agree?"),
        table=table,
        method=COMPARE_METHOD,
        answer=answer,
        unit="conversions",
        n=int(table["n"].iloc[0]),
        conf_level=conf_level,
        limits=tuple(limits) + tuple(left_out_of(journeys)),
        chart=Points(
            label=["channel"],
            group="method",
            only={"method": ["last", "linear", "markov_chain", "truth"]},
            percent=True,
            xlabel=AXIS,
        ),
    )


def _widest(table):
    """Return the channel on whose share the methods differ most."""
    shares = table.pivot(index="channel", columns="method", values="estimate")
    gap = (shares.max(axis=1) - shares.min(axis=1)).sort_index()
    channel = gap.idxmax()
    own = shares.loc[channel].sort_index()
    return Note(
        "attribution.compare_answer",
        "The methods disagree most on {channel:word}: between {least:%} ({lowest:word}) and "
        "{most:%} ({highest:word}) of {n} conversions are attributed to it.",
        channel=channel,
        least=own.min(),
        lowest=own.idxmin(),
        most=own.max(),
        highest=own.idxmax(),
        n=table["n"].iloc[0],
    )


def _beside(table, truth):
    """Return the methods beside the truth and beside crediting nobody, and which comes nearest."""
    import pandas as pd

    true = truth.set_index("channel")["incremental_orders"].astype(float)
    n = int(table["n"].iloc[0])
    extra = [
        {"method": method, "channel": c, "count": count, "n": n, "estimate": count / max(n, 1)}
        for method, share in (("nobody", 0.0), ("truth", 1.0))
        for c, v in true.items()
        for count in (share * v,)
    ]
    table = pd.concat([table, pd.DataFrame(extra)], ignore_index=True)
    table["incremental"] = table["channel"].map(true)
    table["excess"] = table["count"] - table["incremental"]
    sizes = table["excess"].abs().groupby(table["method"]).sum()
    table["off_in_all"] = table["method"].map(sizes)
    nobody, sizes = sizes["nobody"], sizes.drop(["truth", "nobody"]).sort_index()
    values = {
        "best": sizes.idxmin(),
        "off": sizes.min(),
        "worst": sizes.idxmax(),
        "most": sizes.max(),
        "nobody": nobody,
        "really": true.sum(),
        "n": n,
    }
    if sizes.min() >= nobody:
        return table, Note(
            "attribution.truth_nobody",
            "No method comes as near to the truth as giving no credit to anybody: that misses it "
            "by {nobody} conversions, summed over channels, the nearest method ({best:word}) by "
            "{off:4} and the furthest ({worst:word}) by {most:4}; the channels brought about "
            "{really} of {n}, and every method hands out all of them.",
            **values,
        )
    beaten = int((sizes >= nobody).sum())
    return table, Note(
        "attribution.truth_nearest",
        "Nearest to the truth is {best:word}, off by {off:4} conversions summed over channels; "
        "giving no credit to anybody is off by {nobody}, and does no worse than {beaten} of "
        "{methods} methods. The channels brought about {really} of {n}.",
        beaten=beaten,
        methods=len(sizes),
        **{k: v for k, v in values.items() if k not in ("worst", "most")},
    )


def _priced(table, costs, valued):
    """Return the table with what a conversion costs, and what one that was brought about costs."""
    cost = costs.groupby("channel")["cost"].sum()
    table["cost"] = table["channel"].map(cost)
    table["cost_per_conversion"] = table["cost"] / table["count"].where(table["count"] > 0)
    if valued:
        table["return_on_cost"] = table["value"] / table["cost"]
    if "incremental" not in table:
        return table, []
    gained = table["incremental"].where(table["incremental"] > 0)
    table["cost_per_incremental"] = table["cost"] / gained
    known = table[~table["method"].isin(("truth", "nobody"))].dropna(
        subset=["cost_per_incremental"]
    )
    if not len(known):
        return table, []
    dearest = known.sort_values(["cost_per_incremental", "channel"]).iloc[-1]["channel"]
    own = known[known["channel"] == dearest]
    return table, [
        Note(
            "attribution.cost_gained",
            "Dearest is {channel:word}: a conversion it brought about costs {gained:money}, where "
            "the methods say between {least:money} and {most:money} for one credited to it.",
            channel=dearest,
            gained=own["cost_per_incremental"].iloc[0],
            least=own["cost_per_conversion"].min(),
            most=own["cost_per_conversion"].max(),
        )
    ]
