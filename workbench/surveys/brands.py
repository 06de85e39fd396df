"""Who knows a brand, who considers it, and does that change from wave to wave?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names, schemas
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy, weights
from workbench.stats import sampling
from workbench.surveys.answers import UNWEIGHTED

if TYPE_CHECKING:
    from workbench.types import Table

STEPS = ("top_of_mind", "unaided", "aided", "consideration", "purchase", "preference")
# What each step is a share of, beside that of everybody.
BEFORE = {"consideration": "aided", "purchase": "consideration", "preference": "purchase"}
WAVE_OF_ITS_OWN = Note(
    "surveys.waves_apart",
    "Each wave asks other people: a change may be one of who was asked. The prompt and the list of "
    "brands must have stayed the same.",
)
NO_TRAFFIC = Note(
    "surveys.not_traffic",
    "Known is what people say they know. Visits, branded searches and direct traffic go with it at "
    "best, and are no awareness.",
)


@dataclass(frozen=True, eq=False)
class Asked:
    """A tracker as arrays: the respondents of one wave, their weights (None where all are alike),
    and by brand and measure who said yes; missing where the measure was not asked of them.
    """

    wave: str
    who: np.ndarray
    weight: np.ndarray | None
    said: dict


@engine.frames("tracker")
@analysis
def awareness(tracker: Table, *, wave: str | None = None, conf_level: float = 0.95) -> Result:
    """How many know each brand, consider it, buy it and prefer it?

    Parameters
    ----------
    tracker : table with respondent_id, wave, brand, measure, value
        value 1 for yes, 0 for no. Who has a row of a measure in a wave was asked it about all
        brands; a brand that they have no row for was not named. weight where respondents do not
        count the same. Measures that are known: top_of_mind, unaided, aided, consideration,
        purchase, preference.
    wave : str, optional
        The last in order of name where it is not given.
    conf_level : float

    Returns
    -------
    Result
        brand, measure, basis ("all", or the step before: of those who know it aided, how many
        consider it), count, n (respondents), estimate, std_error, conf_low, conf_high (weighted
        Wilson).

    Raises
    ------
    InputError
        For a value other than 0 and 1, or a wave that is not there.
    NotEnoughData
        Without an answer.

    Source: Keller (1993), Journal of Marketing 57; Romaniuk & Sharp (2004), Marketing Theory 4.
    """
    waves = _waves(tracker)
    chosen = max(waves) if wave is None else names.written(wave)
    if chosen not in waves:
        raise unknown("tracker", "wave", chosen, sorted(waves))
    asked = waves[chosen]
    rows = []
    for (brand, measure), said in asked.said.items():
        for basis in ("all", BEFORE.get(measure)):
            among = ~np.isnan(said)
            if basis is None or (basis != "all" and (brand, basis) not in asked.said):
                continue
            if basis != "all":
                among &= asked.said[brand, basis] == 1
            if among.any():
                share = _share(asked, said, among, conf_level)
                rows.append({"brand": brand, "measure": measure, "basis": basis, **share})
    table = tidy(rows)
    return Result(
        question=Note("surveys.awareness_question", "Who knows a brand, and who considers it?"),
        table=table,
        answer=_most_known(table, chosen),
        method=Note(
            "surveys.awareness_method",
            "Shares of the respondents of wave {wave} who were asked; below them, of those who are "
            "a step before. Wilson's interval at the number of answers that the weights leave.",
            wave=chosen,
        ),
        unit="respondents",
        n=len(asked.who),
        conf_level=conf_level,
        limits=(*(weights.said(asked.weight) or [UNWEIGHTED]), NO_TRAFFIC),
        chart=Points(
            label=["brand", "measure"],
            only={"basis": "all"},
            percent=True,
            xlabel=Note("surveys.aware_axis", "Share of the respondents"),
        ),
    )


@engine.frames("tracker")
@analysis
def tracker(
    tracker: Table, *, brand: str, measure: str = "aided", conf_level: float = 0.95
) -> Result:
    """Does a brand become better known from wave to wave?

    Parameters
    ----------
    tracker : as in `awareness`
        Waves sort in time by their names.
    brand, measure : str
        Which brand, and which measure of it.
    conf_level : float

    Returns
    -------
    Result
        wave, count, n (respondents), estimate, std_error, conf_low, conf_high, change (from the
        wave before), change_low, change_high, p_value and p_holm (of the change).

    Raises
    ------
    InputError
        For a brand or measure that is not there.
    NotEnoughData
        With fewer than two waves that asked it.

    Source: as `awareness`; the change as the difference of two weighted shares, Lumley (2010),
    Complex Surveys, ch. 2.
    """
    asked = names.written(brand), names.written(measure)
    waves = _waves(tracker)
    for place, what in enumerate(("brand", "measure")):
        known = sorted({key[place] for one in waves.values() for key in one.said})
        if asked[place] not in known:
            raise unknown("tracker", what, asked[place], known)
    there = [waves[name] for name in sorted(waves) if asked in waves[name].said]
    if len(there) < 2:
        raise NotEnoughData(
            "surveys.error_one_wave",
            "tracker: a change needs at least {least} waves that asked it, found {n}",
            least=2,
            n=len(there),
        )
    rows = []
    for before, one in zip([None, *there], there, strict=False):
        said = one.said[asked]
        share = _share(one, said, ~np.isnan(said), conf_level)
        rows.append({"wave": one.wave, **share, **_change(before, one, asked, conf_level)})
    table = tidy(rows)
    table["p_holm"] = intervals.adjust_p_values(table["p_value"])
    everyone = [one.weight for one in there if one.weight is not None]
    return Result(
        question=Note(
            "surveys.tracker_question",
            "Does {brand} change from wave to wave ({measure:word})?",
            brand=asked[0],
            measure=asked[1],
        ),
        table=table,
        answer=_last_change(table, asked[0]),
        method=Note(
            "surveys.tracker_method",
            "Weighted shares of each wave; changes from the wave before, p-values corrected for "
            "their number (Holm).",
        ),
        unit="respondents",
        n=int(table["n"].sum()),
        conf_level=conf_level,
        limits=(
            *(weights.said(np.concatenate(everyone)) if everyone else [UNWEIGHTED]),
            WAVE_OF_ITS_OWN,
        ),
        chart=Points(
            label=["wave"],
            percent=True,
            xlabel=Note("surveys.aware_axis", "Share of the respondents"),
        ),
    )


def _waves(tracker):
    """Return the waves of a tracker by name."""
    import pandas as pd

    schemas.require(tracker, "tracker")
    keys = ["respondent_id", "wave", "brand", "measure", "value"]
    rows = tracker.dropna(subset=keys)
    if rows.empty:
        raise NotEnoughData("surveys.error_no_tracker", "tracker: there is no answer")
    value = pd.to_numeric(rows["value"], errors="coerce")
    if not value.isin((0, 1)).all():
        raise InputError(
            "surveys.error_tracker_value",
            "tracker: value must be {yes} (yes) or {no} (no)",
            yes=1,
            no=0,
        )
    rows = rows.assign(
        value=value.astype(float),
        who=rows["respondent_id"].astype(str),
        **{c: rows[c].map(names.written) for c in ("wave", "brand", "measure")},
    )
    heavy = weights.of(rows)
    rows = rows.assign(heavy=1.0 if heavy is None else heavy)
    return {name: _wave(name, part, heavy is not None) for name, part in rows.groupby("wave")}


def _wave(name, rows, weighted):
    """Return one wave."""
    people = rows.groupby("who")["heavy"].first()
    place = {who: k for k, who in enumerate(people.index)}
    said = {}
    brands = sorted(set(rows["brand"]))
    for measure, part in rows.groupby("measure"):
        asked = np.full(len(people), np.nan)
        asked[[place[who] for who in part["who"].unique()]] = 0.0
        for brand in brands:
            yes = asked.copy()
            named = part[(part["brand"] == brand) & (part["value"] == 1)]["who"]
            yes[[place[who] for who in named]] = 1.0
            said[brand, measure] = yes
    order = {step: k for k, step in enumerate(STEPS)}
    keys = sorted(said, key=lambda key: (key[0], order.get(key[1], len(order)), key[1]))
    return Asked(
        name,
        people.index.to_numpy(),
        people.to_numpy() if weighted else None,
        {key: said[key] for key in keys},
    )


def _share(asked, said, among, conf_level):
    """Return a share of those who were asked as part of a row."""
    heavy = None if asked.weight is None else asked.weight[among]
    return intervals.share(said[among] == 1, asked.who[among], conf_level, heavy)


def _change(before, one, asked, conf_level):
    """Return the change from the wave before as part of a row; missing for the first wave."""
    if before is None:
        return dict.fromkeys(("change", "change_low", "change_high", "p_value"), np.nan)
    parts = [(wave, wave.said[asked]) for wave in (one, before)]
    known = [~np.isnan(said) for _, said in parts]
    values = np.concatenate([said[k] for (_, said), k in zip(parts, known, strict=True)])
    heavy = np.concatenate(
        [
            np.ones(k.sum()) if wave.weight is None else wave.weight[k]
            for (wave, _), k in zip(parts, known, strict=True)
        ]
    )
    who = np.concatenate([wave.who[k] for (wave, _), k in zip(parts, known, strict=True)])
    first = np.arange(len(values)) < known[0].sum()
    gap = sampling.difference(values, first, heavy, who)
    low, high = np.clip(intervals.normal(gap.estimate, gap.std_error, conf_level), -1, 1)
    return {
        "change": gap.estimate,
        "change_low": float(low),
        "change_high": float(high),
        "p_value": float(intervals.p_value(gap.estimate, gap.std_error)),
    }


def _last_change(table, brand):
    """Return the note of the last wave and its change."""
    last = table.iloc[-1]
    return Note(
        "surveys.tracker_answer",
        "In wave {wave} {estimate:%} said so of {brand} ({low:%} to {high:%}; {n} "
        "respondents), a change of {change:points} percentage points since {before} "
        "({change_low:points} to {change_high:points}).",
        wave=last["wave"],
        brand=brand,
        estimate=last["estimate"],
        low=last["conf_low"],
        high=last["conf_high"],
        n=int(last["n"]),
        change=last["change"],
        change_low=last["change_low"],
        change_high=last["change_high"],
        before=table.iloc[-2]["wave"],
    )


def _most_known(table, wave):
    """Return the note of the brand that most know, by the best measure that was asked."""
    whole = table[table["basis"] == "all"]
    measure = next(m for m in (*STEPS[::-1][3:], *whole["measure"]) if m in set(whole["measure"]))
    rows = whole[whole["measure"] == measure].sort_values(
        ["estimate", "brand"], ascending=[False, True], kind="stable"
    )
    top = rows.iloc[0]
    return Note(
        "surveys.awareness_answer",
        "In wave {wave} most said so of {brand} ({measure:word}): {estimate:%} ({low:%} to "
        "{high:%}; {n} respondents).",
        wave=wave,
        brand=top["brand"],
        measure=measure,
        estimate=top["estimate"],
        low=top["conf_low"],
        high=top["conf_high"],
        n=int(top["n"]),
    )
