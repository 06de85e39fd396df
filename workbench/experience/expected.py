"""What was expected beside what was found, and what the difference does to the next search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names, schemas
from workbench import regression as fits
from workbench.errors import NotEnoughData
from workbench.experience import moments
from workbench.notes import Note, say
from workbench.results import Points, Result, analysis, tidy

if TYPE_CHECKING:
    from workbench.types import Table

GROUPS = ("worse_than_expected", "as_expected", "better_than_expected")
SEARCHES = ("search", "evaluation")
LEAST = 30
ANSWER = Note(
    "experience.expected_answer",
    "{worse:%} found it worse than they expected ({low:%} to {high:%}; {count} of {n} answers); "
    "better was said by {better:%}.",
)
SEARCHED = Note(
    "experience.expected_answer_search",
    "{worse:%} found it worse than they expected ({low:%} to {high:%}; {count} of {n} answers). A "
    "point better goes with {ratio:2} times as many searches before the next purchase "
    "({ratio_low:2} to {ratio_high:2}; {rows} people).",
)
DIRECT = Note(
    "experience.expected_direct",
    "'{item}' asks directly whether it was worse or better than expected; the middle of its scale "
    "is as expected.",
)
DIFFERENCE = Note(
    "experience.expected_difference",
    "The difference of two answers carries the noise of both, and cannot be set against one of "
    "them: a direct item, worse to better than expected, says more.",
)
NO_CAUSE = Note(
    "experience.expected_limit",
    "Who was disappointed may have searched more anyway: this is what goes together, among those "
    "who answered.",
)


@engine.frames("surveys", "events", optional=("events",))
@analysis
def disconfirmation(
    surveys: Table,
    events: Table | None = None,
    *,
    expectation: str = "expectation",
    experience: str = "satisfaction",
    direct: str | None = None,
    window: str = "90D",
    conf_level: float = 0.95,
) -> Result:
    """Was it worse or better than expected, and what goes with it in the next search?

    Parameters
    ----------
    surveys : table with respondent_id, answered_at, item, value
        scale of the direct item, such as "1 to 7".
    events : table with customer_id, occurred_at, event, stage, optional
        Searches are events of the stages search and evaluation, after the answer and before the
        next event of the stage purchase, within the window.
    expectation : str
        Item asked before; of several answers the last before the experience counts.
    experience : str
        Item asked afterwards; the first answer after the expectation counts.
    direct : str, optional
        Item that asks "worse … better than expected" itself: then it decides, and `expectation`
        need not have been asked.
    window : str
        How long people are followed after the answer.
    conf_level : float

    Returns
    -------
    Result
        measure, group (worse_than_expected, as_expected, better_than_expected, all), count, n,
        estimate, std_error, conf_low, conf_high. Measures: share; mean_difference (experience less
        expectation, or direct less its middle); worse_slope and better_slope (what a point below,
        and above, expectation goes with in the experience; of a direct item only); mean_searches,
        skipped (share of those who bought again without a search), searches_ratio (searches a point
        better, as a ratio).

    Raises
    ------
    InputError
        For a missing column or an item nobody was asked.
    NotEnoughData
        Where nobody answered both.

    Source: Oliver (1980), Journal of Marketing Research 17; Anderson & Sullivan (1993), Marketing
    Science 12, for the two slopes; a direct item: Yi (1990), in Zeithaml, Review of Marketing.

    Examples
    --------
    >>> from workbench.simulate import affect
    >>> felt = affect.journeys(400)
    >>> made = disconfirmation(felt.surveys, felt.later, direct="as_expected").table
    >>> made["measure"].drop_duplicates().tolist()[:2]
    ['share', 'mean_difference']
    """
    pairs = _pairs(surveys, expectation, experience, direct)
    rows = _shares(pairs, conf_level)
    if direct is not None:
        rows += _slopes(pairs, conf_level)
    followed = None
    if events is not None:
        followed = _followed(pairs, events, window)
        rows += _searches(followed, conf_level)
    table = tidy(rows)
    return Result(
        question=Note(
            "experience.expected_question", "Was it worse or better than people expected?"
        ),
        table=table,
        answer=_answer(table),
        method=Note(
            "experience.expected_method",
            "An expectation and the experience after it of the same person; searches are counted "
            "for {window:span} after the answer, up to the next purchase. The ratio is that of a "
            "Poisson regression with the respondent as cluster.",
            window=window,
        ),
        unit="answers",
        n=len(pairs),
        conf_level=conf_level,
        evidence="associational",
        limits=(
            DIFFERENCE if direct is None else DIRECT.having(item=names.written(direct)),
            *([NO_CAUSE] if events is not None else []),
            moments.ANSWERED_ONLY,
        ),
        chart=Points(
            label=["group"],
            only={"measure": ["share"]},
            percent=True,
            xlabel=Note("experience.axis_expected", "Share of the answers"),
        ),
    )


def _pairs(surveys, expectation, experience, direct):
    """Return who, at, found, gap: a row a person and experience."""
    import pandas as pd

    found = moments.answers(surveys, experience).rename(columns={"value": "found"})
    if direct is not None:
        said = moments.answers(surveys, direct)
        lowest, highest = moments.span_of(said["value"], surveys, direct)
        said = said.assign(gap=said["value"] - (lowest + highest) / 2)
        pairs = said[["who", "at", "gap"]].merge(found[["who", "at", "found"]], on=["who", "at"])
        pairs = pairs.drop_duplicates(["who", "at"])
    else:
        before = moments.answers(surveys, expectation).rename(columns={"at": "asked"})
        before = before.drop_duplicates(["who", "asked"], keep="last")
        pairs = pd.merge_asof(
            found.sort_values("at", kind="stable"),
            before[["who", "asked", "value"]].sort_values("asked", kind="stable"),
            left_on="at",
            right_on="asked",
            by="who",
            allow_exact_matches=False,
        ).dropna(subset=["asked"])
        # Of the answers after one expectation only the first is set against it.
        pairs = pairs.sort_values(["who", "at"], kind="stable").drop_duplicates(["who", "asked"])
        pairs = pairs.assign(gap=pairs["found"] - pairs["value"])
    if len(pairs) < 2:
        raise NotEnoughData(
            "experience.error_no_pair",
            "surveys: nobody, or only one person, answered both '{before}' and '{after}'",
            before=names.written(expectation if direct is None else direct),
            after=names.written(experience),
        )
    pairs = pairs.sort_values(["who", "at"], kind="stable", ignore_index=True)
    return pairs.assign(group=np.array(GROUPS, object)[np.sign(pairs["gap"]).astype(int) + 1])


def _shares(pairs, conf_level):
    rows = []
    for name in GROUPS:
        share = intervals.share((pairs["group"] == name).to_numpy(), pairs["who"], conf_level)
        rows.append({"measure": "share", "group": name, **share})
    mean = intervals.mean(pairs["gap"], pairs["who"], conf_level)
    mean.pop("total")
    return [*rows, {"measure": "mean_difference", "group": "all", **mean}]


def _slopes(pairs, conf_level):
    """Return what a point worse and a point better go with in the experience."""
    table = pairs[["who", "found"]].assign(
        worse=np.minimum(pairs["gap"], 0.0), better=np.maximum(pairs["gap"], 0.0)
    )
    terms = [t for t in ("worse", "better") if table[t].nunique() > 1]
    if len(terms) < 2 or len(table) < LEAST or table["found"].nunique() < 2:
        return []
    fit = fits.fit(fits.prepare(table, "found", terms, cluster="who", what="surveys"))
    rows = []
    for term in terms:
        estimate, error = float(fit.params[term]), float(fit.bse[term])
        low, high = intervals.normal(estimate, error, conf_level)
        rows.append(
            {
                "measure": f"{term}_slope",
                "group": "all",
                "n": len(table),
                "estimate": estimate,
                "std_error": error,
                "conf_low": float(low),
                "conf_high": float(high),
            }
        )
    return rows


def _followed(pairs, events, window):
    """Return the pairs that can be followed, with searches, and whether they bought again."""
    import pandas as pd

    came = moments.events(events)
    length = schemas.micros("window", window)
    end = int(came["at"].max())
    old = pairs[pairs["at"] + length <= end]
    if len(old) < len(pairs):
        say(
            Note(
                "experience.expected_young",
                "{n} answer cannot be followed for {window:span} and says nothing on searches.",
                "{n} answers cannot be followed for {window:span} and say nothing on searches.",
                n=len(pairs) - len(old),
                window=window,
            )
        )
    rows = old.reset_index(names="pair").merge(came, on="who", suffixes=("", "_event"))
    rows = rows[(rows["at_event"] > rows["at"]) & (rows["at_event"] <= rows["at"] + length)]
    bought = rows[rows["stage"] == "purchase"].groupby("pair")["at_event"].min()
    until = rows["pair"].map(bought).fillna(np.inf)
    looked = rows[rows["stage"].isin(SEARCHES) & (rows["at_event"] < until)]
    number = looked.groupby("pair").size().reindex(old.index).fillna(0.0)
    again = pd.Series(old.index.isin(bought.index), old.index)
    return old.assign(searches=number, bought=again)


def _searches(followed, conf_level):
    rows = []
    for name in GROUPS:
        here = followed[followed["group"] == name]
        if len(here) < 2:
            continue
        mean = intervals.mean(here["searches"], here["who"], conf_level)
        mean.pop("total")
        mean["conf_low"] = max(mean["conf_low"], 0.0)
        rows.append({"measure": "mean_searches", "group": name, **mean})
        again = here[here["bought"]]
        if len(again):
            hit = (again["searches"] == 0).to_numpy()
            share = intervals.share(hit, again["who"], conf_level)
            rows.append({"measure": "skipped", "group": name, **share})
    if len(followed) < LEAST or followed["gap"].nunique() < 2 or not followed["searches"].any():
        return rows
    data = fits.prepare(followed, "searches", ["gap"], cluster="who", what="surveys")
    fit = fits.fit(data, "poisson")
    beta, error = float(fit.params["gap"]), float(fit.bse["gap"])
    low, high = intervals.normal(beta, error, conf_level)
    ratio = {
        "measure": "searches_ratio",
        "group": "all",
        "n": len(followed),
        "estimate": float(np.exp(beta)),
        "std_error": float(np.exp(beta)) * error,
        "conf_low": float(np.exp(low)),
        "conf_high": float(np.exp(high)),
    }
    return [*rows, ratio]


def _answer(table):
    share = table[table["measure"] == "share"].set_index("group")
    values = {
        "worse": share.loc[GROUPS[0], "estimate"],
        "low": share.loc[GROUPS[0], "conf_low"],
        "high": share.loc[GROUPS[0], "conf_high"],
        "count": int(share.loc[GROUPS[0], "count"]),
        "n": int(share.loc[GROUPS[0], "n"]),
    }
    ratio = table[table["measure"] == "searches_ratio"]
    if not len(ratio):
        return ANSWER.having(**values, better=share.loc[GROUPS[2], "estimate"])
    row = ratio.iloc[0]
    return SEARCHED.having(
        **values,
        ratio=row["estimate"],
        ratio_low=row["conf_low"],
        ratio_high=row["conf_high"],
        rows=int(row["n"]),
    )
