"""Methods of attribution side by side, and beside the truth where it is known."""

from workbench import engine
from workbench.attribution.chain import markov
from workbench.attribution.coalitions import EXACT, shapley
from workbench.attribution.credit import AXIS, left_out_of, rules
from workbench.errors import need_columns, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis

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
def compare(journeys, *, truth=None, costs=None, draws=200, seed=1, conf_level=0.95):
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
        brought about) and off (credited minus incremental); with `costs` cost, cost_per_conversion
        and, where conversions have a worth, value and return_on_cost (credited value over cost).
        The method "truth" has the true shares.

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
    by_rule = rules(journeys, conf_level=conf_level)
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
        true = truth.set_index("channel")["incremental_orders"].astype(float)
        table["incremental"] = table["channel"].map(true)
        table["off"] = table["count"] - table["incremental"]
        known = table.dropna(subset=["incremental"])
        summed = known.groupby("method").agg(
            off=("off", lambda g: g.abs().sum()),
            over=("count", "sum"),
            really=("incremental", "sum"),
        )
        best = summed["off"].idxmin()
        answer = Note(
            "attribution.truth",
            "Closest to the truth is {best:word}: summed over channels its difference is {off} "
            "conversions (of the method furthest away, {worst}); it attributes {credited} "
            "conversions where channels brought about {really} ({n} in all).",
            best=best,
            off=summed.loc[best, "off"],
            worst=summed["off"].max(),
            credited=summed.loc[best, "over"],
            really=summed.loc[best, "really"],
            n=table["n"].iloc[0],
        )
        positive = true.clip(lower=0)
        rows = [
            {
                "method": "truth",
                "channel": c,
                "count": v,
                "n": int(table["n"].iloc[0]),
                "estimate": v / max(int(table["n"].iloc[0]), 1),
                "incremental": v,
                "off": 0.0,
            }
            for c, v in positive.items()
        ]
        table = pd.concat([table, pd.DataFrame(rows)], ignore_index=True)
    if costs is not None:
        cost = costs.groupby("channel")["cost"].sum()
        table["cost"] = table["channel"].map(cost)
        table["cost_per_conversion"] = table["cost"] / table["count"].where(table["count"] > 0)
        if journeys.valued:
            table["return_on_cost"] = table["value"] / table["cost"]
        limits.append(COST_LIMIT)
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
            only={"method": ["last", "linear", "markov_chain", "shapley", "truth"]},
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
