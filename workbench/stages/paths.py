"""Which paths decisions follow: loops, variants, flows, and how complex they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import Flow, Result, analysis, small_cells
from workbench.stages.measures import (
    by_outcome,
    checked,
    measures,
    occasion_result,
    shown,
    thin,
    two_outcomes,
)
from workbench.stages.profile import PATH_STEPS
from workbench.stats import agreement, resample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

LOOPS = {
    "question": Note("stages.loops_question", "How straight is the path to a purchase?"),
    "method": Note(
        "stages.loops_method",
        "Means and shares over decision occasions; the customer is the sampling unit. Complexity "
        "runs from {lowest} (one stage only) to {highest} (all stages, as mixed as possible).",
        lowest=0,
        highest=1,
    ),
    "axis": Note("stages.loops_axis", "Per occasion, as named"),
}
VARIANTS = {
    "percent": True,
    "question": Note("stages.variants_question", "Which paths do decisions follow?"),
    "method": Note(
        "stages.variants_method",
        "Stages in order, repeats in a row joined; shares of decision occasions with the customer "
        "as sampling unit.",
    ),
    "axis": Note("stages.occasions_axis", "Share of decision occasions"),
}
INDEX = {
    "question": Note(
        "stages.index_question", "Can the complexity of a decision be expressed in one number?"
    ),
    "method": Note(
        "stages.index_method",
        "First principal component of standardised logarithms; bootstrap over customers, the "
        "computation repeated in every draw.",
    ),
    "axis": Note("stages.index_axis", "Loading, share explained, reliability"),
}
INDEX_GOOD = Note(
    "stages.index_good",
    "The component explains {explained:%} of the variance (at least {least:%0} is needed) and all "
    "loadings have the same sign: the index may be used beside its parts.",
)
INDEX_BAD = Note(
    "stages.index_bad",
    "No index: the component explains {explained:%} of the variance (at least {least:%0} is "
    "needed) or a loading is negative. Read the parts.",
)
LEAST_INDEX = 30  # closed occasions
LEAST_MEASURES = 3
ENOUGH_EXPLAINED = 0.4  # of the variance, for an index
MOST_PATHS = 0.8  # share of occasions that the commonest paths cover
LOOPS_ANSWER = Note(
    "stages.loops_answer",
    "{share:%} of decision occasions that ended in a purchase went back to an earlier stage "
    "({low:%} to {high:%}; {count} of {n}), of abandoned ones {other:%} ({other_low:%} to "
    "{other_high:%}).",
)
LOOPS_ANSWER_ONE = Note(
    "stages.loops_answer_one",
    "{share:%} of decision occasions went back to an earlier stage ({low:%} to {high:%}; {count} "
    "of {n}; outcome: {outcome:word}).",
)
VARIANTS_LIMIT = Note(
    "stages.variants_limit",
    "{enough} of {all} paths cover {part:%0} of the decision occasions; normalised entropy "
    "{entropy:2} ({even} = all paths equally frequent).",
)
PATH_LIMIT = Note("stages.path_limit", "Paths are cut after {steps} stages.")


@engine.frames("profile")
@analysis
def path_complexity(profile: Table, *, conf_level: float = 0.95) -> object:
    """How straight is the way to a purchase: how often do people go back, and how complex are their
    sequences?

    Takes the table of `profile`. Returns a Result: outcome (bought, abandoned), measure
    (loop_share: occasions with a move to a lower stage; backtracks, rework;
    complexity from 0, one stage only, to 1; turbulence), statistic, count, n (occasions), estimate,
    std_error, conf_low, conf_high.
    Raises NotEnoughData without closed occasions. Source: Gabadinho et al. (2011); Elzinga &
    Liefbroer (2007).
    """
    checked(profile, "backtracks", "rework", "complexity", "turbulence")
    table = by_outcome(
        profile,
        lambda d: measures(
            d,
            (),
            ("backtracks", "rework", "complexity", "turbulence"),
            [("loop_share", d["backtracks"] > 0)],
            conf_level,
        ),
    )
    answer = two_outcomes(table, "loop_share", "share", LOOPS_ANSWER, LOOPS_ANSWER_ONE)
    return occasion_result(
        LOOPS | {"answer": answer},
        table,
        profile,
        conf_level,
        thin(len(profile), 100),
        group="outcome",
    )


@engine.frames("profile")
@analysis
def variants(profile: Table, *, top: int = 15, conf_level: float = 0.95) -> object:
    """Which ways do decisions go, and how few of them cover most?

    Takes the table of `profile`; `top` is the number of paths shown. Returns a Result: path,
    outcome, count, n (occasions), estimate (share), std_error, conf_low, conf_high, cumulative;
    last rows: all other paths. How many paths make 80 % of occasions, and how evenly they spread
    (normalised entropy), stands in `.facts` (stages.variants_limit).
    Raises NotEnoughData without occasions. Source: van der Aalst (2016), Process Mining.
    """
    import pandas as pd

    checked(profile, "path")
    key = profile["path"] + " → " + profile["outcome"]
    counts = (
        key.value_counts()
        .rename_axis("key")
        .reset_index(name="count")
        .sort_values(["count", "key"], ascending=[False, True], ignore_index=True)
    )
    shares = counts["count"] / len(profile)
    enough = int(np.searchsorted(shares.cumsum().to_numpy(), MOST_PATHS - 1e-12)) + 1
    entropy = (
        float(-(shares * np.log(shares)).sum() / np.log(len(shares))) if len(shares) > 1 else 0.0
    )
    rows = []
    for name in counts["key"].head(top):
        path, _, outcome = name.rpartition(" → ")
        rows.append(
            {
                "path": path,
                "outcome": outcome,
                **intervals.share(key == name, profile["customer_id"], conf_level),
            }
        )
    if len(counts) > top:
        rows.append(
            {
                "path": "other_paths",
                "outcome": "",
                **intervals.share(
                    ~key.isin(counts["key"].head(top)), profile["customer_id"], conf_level
                ),
            }
        )
    table = pd.DataFrame(rows)
    table["cumulative"] = table["estimate"].cumsum()
    limits = (
        VARIANTS_LIMIT.having(
            enough=enough, all=len(counts), part=MOST_PATHS, entropy=entropy, even=1
        ),
        PATH_LIMIT.having(steps=PATH_STEPS),
    )
    return occasion_result(
        VARIANTS | {"answer": _variants_answer(table)},
        table,
        profile,
        conf_level,
        limits,
        label=["path", "outcome"],
        group="outcome",
    )


def _variants_answer(table):
    """Return the most frequent path."""
    first = table.iloc[0]
    return Note(
        "stages.variants_answer",
        "The most frequent path is {path:word} ({outcome:word}): {share:%} of decision occasions "
        "({low:%} to {high:%}; {count} of {n}).",
        path=first["path"],
        outcome=first["outcome"],
        **shown(first),
    )


@engine.frames("profile")
@analysis
def flows(profile: Table, stages: Sequence[str], *, conf_level: float = 0.95) -> Result:
    """How do decisions flow from stage to stage, skips and departures included?

    Every occasion runs through the stages it reached, in rank order, whatever was repeated; from
    its last one it ends as abandoned or still open. So what flows into and out of a stage is
    exactly its reach.

    Parameters
    ----------
    profile : DataFrame from `profile` or `episodes`
    stages : list of str
        Stages in rank order, the purchase last.

    Returns
    -------
    Result
        from_stage ("start" for where occasions begin), to_stage (a stage, "abandoned" or "open"),
        count, n (occasions that reached from_stage), estimate (share of those), std_error,
        conf_low, conf_high.

    Raises
    ------
    NotEnoughData
        Without occasions.

    Source: S-04, S-20 in `docs/glossary.md`; the customer is the sampling unit.
    """
    import pandas as pd

    stages = list(stages)
    d = checked(profile, "outcome", *stages)
    seen = d[stages].to_numpy(bool)
    ends = np.where(d["outcome"] == "open", len(stages) + 1, len(stages))
    rows = []
    for i in range(-1, len(stages) - 1):
        here = np.ones(len(d), bool) if i < 0 else seen[:, i]
        after = seen[:, i + 1 :]
        following = np.where(after.any(axis=1), i + 1 + after.argmax(axis=1), ends)
        for j in range(i + 1, len(stages) + 2):
            if (here & (following == j)).any():
                rows.append(
                    {
                        "from_stage": "start" if i < 0 else stages[i],
                        "to_stage": [*stages, "abandoned", "open"][j],
                        **intervals.share(following[here] == j, d["customer_id"][here], conf_level),
                    }
                )
    table = pd.DataFrame(rows)
    return Result(
        question=Note("stages.flow_question", "How do decisions flow from stage to stage?"),
        table=table,
        answer=_flow_answer(table),
        method=Note(
            "stages.flow_method",
            "Each occasion through the stages it reached, in rank order; shares of "
            "occasions that reached the stage, the customer as sampling unit.",
        ),
        unit="episodes",
        n=len(d),
        conf_level=conf_level,
        limits=(
            Note(
                "stages.flow_limit",
                "The bar of a stage shows its reach; yellow bands skip a stage. Returns to earlier "
                "stages are not drawn.",
            ),
        ),
        chart=Flow(
            label=["from_stage", "to_stage"], stages=stages, percent=True, xlabel="", ylabel=""
        ),
    )


def _flow_answer(table):
    """Return the stage from which most occasions are abandoned; without any, the commonest "
    "start."""
    lost = table[table["to_stage"] == "abandoned"]
    lost = lost[~small_cells(lost)] if (~small_cells(lost)).any() else lost
    if len(lost):
        most = lost.loc[lost["estimate"].idxmax()]
        return Note(
            "stages.flow_answer",
            "The largest share of decision occasions observed to be abandoned is after "
            "{stage:word}: {share:%} of those that reached it ({low:%} to {high:%}; {count} of "
            "{n}).",
            stage=most["from_stage"],
            **shown(most),
        )
    starts = table[table["from_stage"] == "start"]
    most = starts.loc[starts["estimate"].idxmax()]
    return Note(
        "stages.flow_answer_start",
        "No decision occasion was abandoned; they begin most often with {stage:word}: {share:%} "
        "({low:%} to {high:%}; {count} of {n}).",
        stage=most["to_stage"],
        **shown(most),
    )


@engine.frames("profile")
@analysis
def decision_complexity(
    profile: Table, *, draws: int = 300, seed: int = 1, conf_level: float = 0.95
) -> object:
    """Can breadth, depth, alternatives, duration and loops be told in one number, and what weighs
    in it?

    The first principal component of the standardised logarithms. It is given only where it explains
    at least 40 % and all its loadings have one sign.

    Takes the table of `profile`. Returns a Result: component, count and n (closed occasions),
    estimate (loading), conf_low, conf_high (bootstrap over customers, the whole
    computation repeated), and the rows explained (share of variance) and omega (reliability). The
    scores are in `.model` (an array, one value per closed occasion).
    Raises NotEnoughData for fewer than 30 closed occasions or fewer than three varying measures.
    Source: McDonald (1999), Test Theory.
    """
    import pandas as pd

    d = checked(profile, "events", "days")
    d = d[d["outcome"].isin(["bought", "abandoned"])]
    names = [
        c
        for c in (
            "brands",
            "products",
            "channels",
            "events",
            "sessions",
            "considered",
            "days",
            "backtracks",
        )
        if c in d and d[c].notna().all() and d[c].std() > 0
    ]
    if len(d) < LEAST_INDEX or len(names) < LEAST_MEASURES:
        raise NotEnoughData(
            "stages.index_few",
            "{least} closed decision occasions and {least_measures} varying measures are needed; "
            "found {n} and {measures}",
            least=LEAST_INDEX,
            least_measures=LEAST_MEASURES,
            n=len(d),
            measures=len(names),
        )
    x = np.log1p(d[names].to_numpy(float))
    who = np.unique(d["customer_id"].astype(str), return_inverse=True)[1]

    at = resample.place(x, who)
    estimate = agreement.first_component(x, np.ones(len(who)))
    _, low, high = intervals.bootstrap(
        lambda w: agreement.first_component(x, w[who]),
        at,
        seed=seed,
        draws=draws,
        conf_level=conf_level,
    )
    table = pd.DataFrame(
        {
            "component": [*names, "explained", "omega"],
            "n": len(d),
            "estimate": estimate,
            "conf_low": low,
            "conf_high": high,
        }
    )
    good = estimate[-2] >= ENOUGH_EXPLAINED and (estimate[: len(names)] > 0).all()
    limits = [
        (INDEX_GOOD if good else INDEX_BAD).having(explained=estimate[-2], least=ENOUGH_EXPLAINED),
        *thin(len(d), 300),
    ]
    scores = None
    if good:
        z = (x - x.mean(0)) / x.std(0)
        scores = z @ estimate[: len(names)] / np.sqrt((estimate[: len(names)] ** 2).sum())
    made = occasion_result(
        INDEX | {"answer": _index_answer(table, good)},
        table,
        d,
        conf_level,
        tuple(limits),
        label=["component"],
    )
    return replace(made, model=scores)


def _index_answer(table, good):
    """Return how much of the variance one component explains."""
    row = table.set_index("component").loc["explained"]
    values = {
        "share": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "n": row["n"],
    }
    if good:
        return Note(
            "stages.index_answer",
            "One component explains {share:%} of the variance of the measures ({low:%} to "
            "{high:%}; {n} occasions): one number may stand for complexity.",
            **values,
        )
    return Note(
        "stages.index_answer_none",
        "No single number can stand for complexity: one component explains {share:%} of the "
        "variance of the measures ({low:%} to {high:%}; {n} occasions).",
        **values,
    )
