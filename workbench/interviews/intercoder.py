"""Do coders see the same: Krippendorff's alpha, kappas, and who takes what for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names
from workbench.errors import InputError, NotEnoughData, need_columns, one_of
from workbench.interviews.codes import read
from workbench.notes import Note
from workbench.results import Heat, Points, Result, analysis, tidy
from workbench.stats import agreement as statistics
from workbench.stats import resample

if TYPE_CHECKING:
    from workbench.types import Table

GOOD, TENTATIVE = 0.80, 0.667
LEAST_PEOPLE = 20
ANSWER = Note(
    "interviews.agreement_answer",
    "Krippendorff's alpha over all is {estimate:2} ({low:2} to {high:2}; {n} units seen by several "
    "coders): {grade:word}.",
)
NO_INTERVAL = Note(
    "interviews.agreement_plain",
    "Krippendorff's alpha over all is {estimate:2} ({n} units seen by several coders): "
    "{grade:word}.",
)


@engine.frames("codes")
@analysis
def agreement(
    codes: Table,
    *,
    value: str | None = None,
    level: str = "nominal",
    draws: int = 500,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Do coders see the same in the same segments?

    Parameters
    ----------
    codes : table with text_id, segment_id, coder_id, code
        A coder who has a row in a text is taken to have read all its segments; a row without a
        code says that a segment was read and nothing found.
    value : str, optional
        Column with a number that coders gave to a segment, such as how strong a feeling is; then
        the agreement is on that number, over all segments, at `level`. None: whether each code was
        given or not.
    level : str
        nominal, ordinal, interval or ratio: how far apart two values are.
    draws, seed : int
        Participants (segments with fewer than twenty of them) drawn anew for the intervals.
    conf_level : float

    Returns
    -------
    Result
        code ("all" and each), measure, n (units seen by at least two coders), estimate, std_error,
        conf_low, conf_high and verdict. Measures: alpha, percent_agreement (of pairs of coders),
        cohen_kappa (two coders) or fleiss_kappa (several who read all).

    Raises
    ------
    InputError
        For a missing column or another level.
    NotEnoughData
        Where no segment was read by two coders.

    Source: Krippendorff (2018), Content Analysis, ch. 12; intervals from units drawn anew: Zapf et
    al. (2016), BMC Medical Research Methodology 16.
    """
    one_of("level", level, statistics.LEVELS)
    sheets = _sheets(codes, value)
    rows = []
    for name, (ratings, who) in sheets.items():
        for measure, numbers in _measured(ratings, who, level, (draws, seed, conf_level)):
            rows.append({"code": name, "measure": measure, **numbers})
    table = tidy(rows)
    first = table[(table["code"] == "all") & (table["measure"] == "alpha")].iloc[0]
    values = {"estimate": first["estimate"], "n": int(first["n"]), "grade": first["verdict"]}
    if first["conf_low"] == first["conf_low"]:
        answer = ANSWER.having(**values, low=first["conf_low"], high=first["conf_high"])
    else:
        answer = NO_INTERVAL.having(**values)
    return Result(
        question=Note("interviews.agreement_question", "Do coders see the same?"),
        table=table,
        answer=answer,
        method=Note(
            "interviews.agreement_method",
            "One less the disagreement seen over that expected by chance, {level:word} level; "
            "intervals from {draws} draws of participants, of segments where there are fewer than "
            "{least}. From {good:plain} on good, from {tentative:plain} on tentative.",
            level=level,
            draws=draws,
            least=LEAST_PEOPLE,
            good=GOOD,
            tentative=TENTATIVE,
        ),
        unit="units",
        n=int(first["n"]),
        conf_level=conf_level,
        limits=(
            Note(
                "interviews.prevalence_limit",
                "A code that is hardly ever given has a low alpha even where coders seldom differ: "
                "read the agreement in per cent and the confusion beside it.",
            ),
        ),
        chart=Points(
            label=["code"],
            only={"measure": "alpha"},
            reference=TENTATIVE,
            xlabel=Note("interviews.alpha_axis", "Krippendorff's alpha"),
        ),
    )


@engine.frames("codes")
@analysis
def confusion(codes: Table, first: str, second: str, *, conf_level: float = 0.95) -> Result:
    """What does a second coder see where the first sees something?

    Parameters
    ----------
    codes : table with text_id, segment_id, coder_id, code
    first, second : str
        The two coders.
    conf_level : float

    Returns
    -------
    Result
        code (of the first coder), second_coder (the same code, another one that the second gave
        instead, or "nothing"), count (segments), n (segments with that code of the first, in texts
        that both read), estimate, std_error, conf_low, conf_high; participants are the sampling
        unit.

    Raises InputError for a coder who is not there, NotEnoughData where they read no text both.

    Source: rule V-11.
    """
    coded = read(codes)
    pair = [names.written(first), names.written(second)]
    known = sorted(set(coded.rows["coder"]))
    for name in pair:
        one_of("coder", name, known)
    both = set.intersection(
        *(set(coded.rows.loc[coded.rows["coder"] == name, "interview"]) for name in pair)
    )
    given = coded.rows.dropna(subset=["code"])
    given = given[given["interview"].isin(both)]
    seen = [
        given[given["coder"] == name].groupby("segment")["code"].agg(set).to_dict() for name in pair
    ]
    if pair[0] == pair[1] or not seen[0]:
        raise NotEnoughData(
            "interviews.error_no_pair",
            "codes: '{first}' and '{second}' are no two coders who read the same text and of whom "
            "the first found something",
            first=pair[0],
            second=pair[1],
        )
    who = given.drop_duplicates("segment").set_index("segment")["who"].to_dict()
    table = tidy(list(_confused(seen, who, conf_level)))
    return Result(
        question=Note(
            "interviews.confusion_question",
            "What does {second} see where {first} sees something?",
            first=pair[0],
            second=pair[1],
        ),
        table=table,
        answer=_most_confused(table, pair),
        method=Note(
            "interviews.confusion_method",
            "Of the segments with a code of the first coder: the same code of the second, else "
            "each code that only the second gave, else nothing.",
        ),
        unit="segments",
        n=len(seen[0]),
        conf_level=conf_level,
        chart=Heat(
            row="code",
            column="second_coder",
            percent=True,
            xlabel=Note("interviews.confusion_axis", "Code of the second coder"),
        ),
    )


def _most_confused(table, pair):
    """Return the note of the pair of codes that differs most often."""
    differ = table[table["code"] != table["second_coder"]]
    top = (
        (differ if len(differ) else table)
        .sort_values(["count", "code"], ascending=[False, True], kind="stable")
        .iloc[0]
    )
    return Note(
        "interviews.confusion_answer",
        "Where {first} saw {name:word}, {second} saw {other:word} in {estimate:%} ({low:%} to "
        "{high:%}; {count} of {n} segments): the pair that differs most often.",
        first=pair[0],
        second=pair[1],
        name=top["code"],
        other=top["second_coder"],
        estimate=top["estimate"],
        low=top["conf_low"],
        high=top["conf_high"],
        count=int(top["count"]),
        n=int(top["n"]),
    )


def _confused(seen, who, conf_level):
    """Yield for each code of the first coder what the second gave, as rows."""
    first, second = seen
    for code in sorted(set().union(*first.values())):
        segments = sorted(s for s in first if code in first[s])
        instead = []
        for segment in segments:
            theirs = second.get(segment, set())
            extra = theirs - first[segment]
            instead.append({code} if code in theirs else extra or {"nothing"})
        people = np.array([who[s] for s in segments])
        for other in sorted(set().union(*instead)):
            hit = np.array([other in found for found in instead])
            yield {"code": code, "second_coder": other, **intervals.share(hit, people, conf_level)}


def _sheets(codes, value):
    """Return by code (and of all) the ratings of coders, coders × units, and whose each unit is."""
    coded = read(codes)
    rows = coded.rows
    coders = sorted(set(rows["coder"]))
    if len(coders) < 2:
        raise NotEnoughData(
            "interviews.error_one_coder",
            "codes: agreement needs at least {least} coders, found {n}",
            least=2,
            n=len(coders),
        )
    segments = rows.drop_duplicates("segment").sort_values("segment", kind="stable")
    who = segments["who"].to_numpy()
    place = {s: k for k, s in enumerate(segments["segment"])}
    if value is not None:
        return {"all": (_numbers(rows, value, coders, place), who)}
    read_by = rows.groupby("coder")["interview"].agg(set).to_dict()
    seen = np.array([segments["interview"].isin(read_by[c]).to_numpy() for c in coders])
    if not (seen.sum(axis=0) > 1).any():
        raise _not_shared()
    found, given = coded.codes, rows.dropna(subset=["code"])
    sheets = {}
    for code in found:
        sheet = np.where(seen, 0.0, np.nan)
        part = given[given["code"] == code]
        sheet[np.searchsorted(coders, part["coder"]), part["segment"].map(place)] = 1.0
        sheets[code] = (sheet, who)
    whole = np.concatenate([sheets[code][0] for code in found], axis=1)
    return {"all": (whole, np.tile(who, len(found))), **sheets}


def _numbers(rows, value, coders, place):
    """Return the numbers that coders gave to segments, coders × segments."""
    import pandas as pd

    need_columns("codes", rows.columns, value)
    if not pd.api.types.is_numeric_dtype(rows[value]):
        raise InputError(
            "interviews.error_value",
            "codes: '{column}' must hold numbers",
            column=value,
        )
    kept = rows.dropna(subset=[value]).sort_values(["segment", "coder", value], kind="stable")
    kept = kept.drop_duplicates(["segment", "coder"])
    sheet = np.full((len(coders), len(place)), np.nan)
    where = np.searchsorted(coders, kept["coder"]), kept["segment"].map(place).to_numpy()
    sheet[where] = kept[value].to_numpy(float)
    if not ((~np.isnan(sheet)).sum(axis=0) > 1).any():
        raise _not_shared()
    return sheet


def _not_shared():
    return NotEnoughData("interviews.error_not_shared", "codes: no segment was read by two coders")


def _measured(ratings, who, level, drawing):
    """Yield the measures of one sheet: name, and numbers as part of a row."""
    kept = (~np.isnan(ratings)).sum(axis=0) > 1
    ratings, who = ratings[:, kept], who[kept]
    found = statistics.coincidences(ratings)
    units = _units(ratings, who)
    n = int(kept.sum())

    def alpha(weights=None):
        return statistics.krippendorff(found, level, weights)

    def percent(weights=None):
        w = np.ones(n) if weights is None else weights
        same = np.trace(found.pairs, axis1=1, axis2=2)
        # Every unit counts by its pairs of coders, so that the whole is of all pairs.
        coders = (~np.isnan(ratings)).sum(axis=0)
        return float((w * same * (coders - 1)).sum() / (w * coders * (coders - 1)).sum())

    yield "alpha", _drawn(alpha, n, units, drawing, graded=True)
    yield "percent_agreement", _drawn(percent, n, units, drawing)
    if len(found.values) > 1 and not np.isnan(ratings).any():
        name, kappa = _kappa(ratings, found.values)
        yield name, _drawn(kappa, n, units, drawing)


def _kappa(ratings, values):
    """Return the kappa for sheets without gaps: Cohen's of two coders, Fleiss' of more."""
    counts = np.stack([(ratings == v).sum(axis=0) for v in values], axis=1)
    if len(ratings) > 2:
        return "fleiss_kappa", lambda weights=None: statistics.fleiss(counts, weights)
    cell = np.searchsorted(values, ratings[0]) * len(values) + np.searchsorted(values, ratings[1])

    def cohen(weights=None):
        w = np.ones(len(cell)) if weights is None else weights
        return float(statistics.kappa(cell, w, len(values)))

    return "cohen_kappa", cohen


def _units(ratings, who):
    """Return the sampling unit of each column: participants, or columns where those are few."""
    people, of = np.unique(who, return_inverse=True)
    if len(people) < LEAST_PEOPLE:
        people, of = np.arange(len(who)), np.arange(len(who))
    content = [np.sort(np.nan_to_num(row, nan=-1.0)) for row in ratings.T]
    return resample.place(np.array(content), of), of


def _drawn(statistic, n, units, drawing, graded=False):
    """Return a statistic with its interval from units drawn anew."""
    place, of = units
    draws, seed, conf_level = drawing
    estimate = statistic()
    row = {"n": n, "estimate": estimate}
    if len(place) < 2 or estimate != estimate:
        row |= dict.fromkeys(("std_error", "conf_low", "conf_high"), np.nan)
    else:
        rng, p = np.random.default_rng(seed), np.full(len(place), 1 / len(place))
        drawn = [statistic(rng.multinomial(len(place), p)[place][of]) for _ in range(draws)]
        error, low, high = intervals.percentiles(drawn, estimate, conf_level)
        row |= {"std_error": float(error), "conf_low": float(low), "conf_high": float(high)}
    return {**row, "verdict": _grade(estimate) if graded else ""}


def _grade(alpha):
    if alpha != alpha:
        return "undefined"
    return "good" if alpha >= GOOD else "tentative" if alpha >= TENTATIVE else "weak"
