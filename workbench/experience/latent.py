"""The emotion curve of everybody: what events, answers, texts and the act of answering say of those
who answered and of those who never do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.experience import moments
from workbench.experience.curves import axis
from workbench.notes import Note, say
from workbench.results import Result, Stations, analysis, tidy
from workbench.stats import latent_affect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

LEAST_PEOPLE = 300
RARE = 0.01  # a place with a smaller share of the events is taken together with others
ANSWER = Note(
    "experience.latent_answer",
    "Over all {n} customers, feeling is worst at {stage:word}: {estimate:2} ({low:2} to {high:2}); "
    "those who answered there say {said:2} ({answers} answers). Of {silent} customers who never "
    "answered it is {silent_value:2} ({silent_low:2} to {silent_high:2}).",
)
NO_SILENT = Note(
    "experience.latent_answer_all",
    "Over all {n} customers, feeling is worst at {stage:word}: {estimate:2} ({low:2} to {high:2}); "
    "those who answered there say {said:2} ({answers} answers).",
)
ASSUMED = Note(
    "experience.latent_assumed",
    "Assumed: feeling moves on from step to step, answers and texts show it with error; whether "
    "somebody answers hangs on the feeling at that moment, on what is known of them, and on a "
    "readiness of their own, and on nothing else that goes with feeling.",
)
SLOPE = Note(
    "experience.latent_slope",
    "A point of feeling goes with {slope:2} on the log-odds to answer ({low:2} to {high:2}; "
    "{invited} invitations). The wider band lets it be anything from {least:2} to {most:2}.",
)
NO_ACT = Note(
    "experience.latent_no_act",
    "Without invitations it is not known who was asked and kept silent: answers count as if they "
    "were drawn by lot.",
)
BELOW = Note(
    "experience.latent_below",
    "{n} customers have answered; with fewer than {least} such a model says little.",
    n=0,
    least=LEAST_PEOPLE,
)
LEAN = 0.5


@dataclass(frozen=True, eq=False)
class Laid:
    """Journeys laid out as arrays: `series`, of every step `rows` (who, stage, step, whether it is
    the last of its stage), `people` and `order` of stages; `item` and its `span`.
    """

    series: latent_affect.Series
    rows: object
    people: np.ndarray
    order: list
    item: str
    span: tuple


@engine.frames(
    "events",
    "surveys",
    "texts",
    "invitations",
    "customers",
    optional=("texts", "invitations", "customers"),
)
@analysis
def latent_curve(
    events: Table,
    surveys: Table,
    texts: Table | None = None,
    invitations: Table | None = None,
    customers: Table | None = None,
    *,
    item: str = "satisfaction",
    stages: Sequence[str] | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How does everybody feel along the journey, those who never answer included?

    Parameters
    ----------
    events : table with customer_id, occurred_at, event, stage
        touchpoint; every event is a step of the journey.
    surveys : table with respondent_id, answered_at, item, value, stage
        respondent_id is the customer's; an answer belongs to their last event of its stage before
        it.
    texts : table with text_id, text, created_at, customer_id, polarity, optional
        polarity from `voice.score`; a text belongs to the last event before it.
    invitations : table with respondent_id, invited_at, stage, optional
        Who was asked: who did not answer at that stage kept silent.
    customers : table with customer_id, optional
        Its columns of numbers bear on feeling and on answering, such as earlier orders.
    item : str
    stages : sequence of str, optional
    conf_level : float

    Returns
    -------
    Result
        group (everybody, never_answered, answered), stage, n, estimate, std_error, conf_low,
        conf_high, bound_low, bound_high, mark. At a stage the last event of each customer counts.
        answered: the mean of the answers as they are. The bounds let answering hang on feeling
        less, or more, than it seems to. The fit stands in `.model`.

    Raises
    ------
    InputError
        As `emotion_curve`; or a customer that stands twice.
    NotEnoughData
        With fewer than thirty answers.

    Source: rule V-19; state space: Durbin & Koopman (2012); answering that hangs on what is
    answered: Follmann & Wu (1995), Biometrics 51; Little & Rubin (2019), ch. 15.

    Examples
    --------
    >>> from workbench.simulate import affect
    >>> felt = affect.journeys(300)
    >>> made = latent_curve(felt.events, felt.surveys, felt.texts, felt.invitations).table
    >>> made["group"].drop_duplicates().tolist()
    ['everybody', 'never_answered', 'answered']
    """
    laid = lay_out(events, surveys, texts, invitations, customers, item=item, stages=stages)
    fit = latent_affect.fit(laid.series)
    rows = _curve(laid, fit, conf_level)
    slope = _slope(laid, fit, conf_level)
    if slope is not None:
        rows = _with_bounds(rows, laid, fit, slope, conf_level)
    rows = [*_marked(rows), *_answered(laid, conf_level)]
    table = tidy(rows)
    return Result(
        question=Note("experience.latent_question", "How does everybody feel along the journey?"),
        table=table,
        answer=_answer(table, laid),
        method=Note(
            "experience.latent_method",
            "A state-space model of feeling over {steps} events, {answers} answers to '{item}' and "
            "{texts} texts, fitted by maximum likelihood; what a customer has shown before and "
            "after decides where they stand. Bands hold the error of the fit and of each customer.",
            steps=int(laid.series.there.sum()),
            answers=_many(laid, latent_affect.ANSWER),
            texts=_many(laid, latent_affect.TEXT),
            item=laid.item,
        ),
        unit="customers",
        n=len(laid.people),
        conf_level=conf_level,
        evidence="associational",
        limits=_limits(laid, slope),
        model=fit,
        chart=Stations(x="stage", group="group", ylabel=axis(item, laid.span)),
    )


def _many(laid, kind):
    return int((~np.isnan(laid.series.observed[..., kind])).sum())


def lay_out(events, surveys, texts, invitations, customers, *, item, stages):
    """Return journeys as arrays: events as steps, what was seen at each."""
    came = moments.events(events)
    order = moments.in_order(came["stage"], stages)
    came = moments.only(came, order, "events")
    people, who = np.unique(came["who"].to_numpy(str), return_inverse=True)
    came = came.assign(who_number=who, step=came.groupby("who").cumcount())
    came["last"] = ~came.duplicated(["who", "stage"], keep="last")
    answers = moments.answers(surveys, item, "stage")
    span = moments.span_of(answers["value"], surveys, item)
    n, steps = len(people), int(came["step"].max()) + 1
    observed = np.full((n, steps, 3), np.nan)
    used = _put(observed, latent_affect.ANSWER, came, answers, "value")
    if used < moments.LEAST:
        raise NotEnoughData(
            "experience.error_few_answers",
            "surveys: {n} answers to '{item}' belong to an event of their stage before them; at "
            "least {least} are needed",
            n=used,
            item=names.written(item),
            least=moments.LEAST,
        )
    if texts is not None:
        _put(observed, latent_affect.TEXT, came, _texts(texts), "value")
    if invitations is not None:
        _put_acts(observed, came, invitations)
    traits = _traits(customers, people)
    there = np.zeros((n, steps), bool)
    there[came["who_number"], came["step"]] = True
    inputs, first = _inputs(came, traits, n, steps)
    series = latent_affect.Series(there, inputs, first, traits, observed)
    return Laid(series, came, people, order, names.written(item), span)


def _put(observed, kind, came, seen, column):
    """Put what was seen at the last event before it, of its own stage where it has one; return how
    much found a place. Of several at one event the last counts.
    """
    import pandas as pd

    if not len(seen):
        return 0
    by = ["who", "stage"] if "stage" in seen else ["who"]
    placed = pd.merge_asof(
        seen.sort_values("at", kind="stable"),
        came[[*by, "at", "who_number", "step"]].sort_values("at", kind="stable"),
        on="at",
        by=by,
    )
    lost = int(placed["step"].isna().sum())
    if lost:
        say(
            Note(
                "experience.latent_lost",
                "{n} answer or text has no event before it and is left out.",
                "{n} answers or texts have no event before them and are left out.",
                n=lost,
            )
        )
    placed = placed.dropna(subset=["step"])
    observed[placed["who_number"].astype(int), placed["step"].astype(int), kind] = placed[column]
    return len(placed)


def _texts(texts):
    """Return who, at, value of texts with a polarity and a customer."""
    import pandas as pd

    from workbench import schemas

    schemas.require(texts, "texts", "customer_id", "polarity")
    rows = texts.dropna(subset=["customer_id", "created_at", "polarity"])
    at = schemas.moments(rows, "texts", "created_at").dt.as_unit("us").astype("int64")
    made = pd.DataFrame(
        {
            "who": engine.written(rows["customer_id"]).to_numpy(object),
            "at": at.to_numpy(),
            "value": pd.to_numeric(rows["polarity"], errors="coerce").to_numpy(float),
        }
    ).dropna()
    return made.sort_values(["who", "at", "value"], kind="stable")


def _put_acts(observed, came, invitations):
    """Put at the last event of a stage whether the invitation there was answered."""
    need_columns("invitations", invitations.columns, "respondent_id", "invited_at", "stage")
    rows = invitations.dropna(subset=["respondent_id", "invited_at"])
    import pandas as pd

    asked = pd.DataFrame(
        {
            "who": engine.written(rows["respondent_id"]).to_numpy(object),
            "stage": moments.words(rows["stage"]),
        }
    ).drop_duplicates()
    last = came[came["last"]].merge(asked, on=["who", "stage"])
    who, step = last["who_number"].to_numpy(), last["step"].to_numpy()
    answered = came.assign(
        said=~np.isnan(observed[came["who_number"], came["step"], latent_affect.ANSWER])
    )
    answered = answered.groupby(["who_number", "stage"])["said"].any()
    done = answered.loc[pd.MultiIndex.from_arrays([who, last["stage"]])].to_numpy()
    observed[who, step, latent_affect.ACT] = done


def _traits(customers, people):
    """Return the columns of numbers of customers, in standard deviations; 0 where unknown."""
    import pandas as pd

    if customers is None:
        return np.zeros((len(people), 0))
    need_columns("customers", customers.columns, "customer_id")
    ids = engine.written(customers["customer_id"]).to_numpy(object)
    if pd.Series(ids).dropna().duplicated().any():
        raise InputError(
            "experience.error_customer_twice",
            "customers: a customer stands twice; give every customer one row",
        )
    numbers = [
        c
        for c in customers.columns
        if c != "customer_id"
        and pd.api.types.is_numeric_dtype(customers[c])
        and not pd.api.types.is_bool_dtype(customers[c])
    ]
    known = pd.notna(ids)
    table = customers.loc[known, numbers].astype(float).set_axis(ids[known]).reindex(people)
    spread = table.std()
    table = table.loc[:, spread > 0]
    return ((table - table.mean()) / table.std()).fillna(0.0).to_numpy()


def _inputs(came, traits, n, steps):
    """Return what happens at every step, and what is known at the first one."""
    place = came["stage"] + "\t" + came["touchpoint"]
    share = place.value_counts(normalize=True)
    rare = place.map(share) < RARE
    place = place.where(~rare, came["stage"] + "\t")
    columns = sorted(place.unique())
    kinds = came["event"].value_counts(normalize=True)
    usual = sorted(kinds.index)[0] if len(kinds) else ""
    usual = max(kinds.index, key=lambda k: (kinds[k], k)) if len(kinds) else usual
    # A kind of event that one stage alone has, or every event of it, says nothing of its own.
    others = [k for k in sorted(kinds.index) if k != usual and kinds[k] >= RARE and k != ""]
    who, step = came["who_number"].to_numpy(), came["step"].to_numpy()
    parts = [(place == c).to_numpy(float) for c in columns]
    parts += [(came["event"] == k).to_numpy(float) for k in others]
    parts += [traits[who, k] for k in range(traits.shape[1])]
    flat = _independent(np.column_stack(parts))
    inputs = np.zeros((n, steps, flat.shape[1]))
    inputs[who, step] = flat
    begun = inputs[:, 0]
    often = (begun != 0).mean(axis=0)
    first = _independent(np.column_stack([np.ones(n), begun[:, (often >= RARE) & (often < 1)]]))
    return inputs, first


def _independent(x):
    """Return the columns that say something the ones before them do not."""
    kept, basis = [], np.zeros((len(x), 0))
    for k in range(x.shape[1]):
        v = x[:, k]
        rest = v - basis @ (basis.T @ v)
        size = float(np.sqrt(rest @ rest))
        if size > 1e-6 * max(float(np.sqrt(v @ v)), 1e-300):
            kept.append(k)
            basis = np.column_stack([basis, rest / size])
    return x[:, kept]


def _groups(laid):
    """Return group → which customers belong to it."""
    never = np.isnan(laid.series.observed[..., latent_affect.ANSWER]).all(axis=1)
    groups = {"everybody": np.ones(len(never), bool)}
    return groups | ({"never_answered": never} if 0 < never.sum() < len(never) else {})


def _curve(laid, fit, conf_level):
    """Return the mean affect of each group and stage, with the error of fit and customers."""
    base = _means(laid, fit.mean)
    vector, moved = fit.parameters.packed(), []
    for place in range(len(vector)):
        if fit.covariance[place, place] == 0:
            moved.append(dict.fromkeys(base, 0.0))
            continue
        width = 1e-3 * max(1.0, abs(vector[place]))
        other = vector.copy()
        other[place] += width
        smoothed, _ = latent_affect.states(laid.series, fit.parameters.unpacked(other))
        mean = _means(laid, smoothed.mean[..., latent_affect.AFFECT])
        moved.append({key: (mean[key] - base[key]) / width for key in base})
    spread = _means(laid, fit.variance)
    rows = []
    for group, mask in _groups(laid).items():
        for stage in laid.order:
            n = int(_at(laid, stage, mask)[0].size)
            if not n:
                continue
            slope = np.array([m[group, stage] for m in moved])
            variance = slope @ fit.covariance @ slope + spread[group, stage] / n
            error = float(np.sqrt(max(variance, 0)))
            low, high = intervals.normal(base[group, stage], error, conf_level)
            numbers = {"n": n, "estimate": base[group, stage], "std_error": error}
            ends = {"conf_low": float(low), "conf_high": float(high)}
            rows.append({"group": group, "stage": stage, **numbers, **ends})
    return rows


def _at(laid, stage, mask):
    """Return customer and step of the last event of a stage, of some customers."""
    rows = laid.rows
    here = rows[rows["last"] & (rows["stage"] == stage)]
    here = here[mask[here["who_number"].to_numpy()]]
    return here["who_number"].to_numpy(), here["step"].to_numpy()


def _means(laid, values):
    """Return (group, stage) → mean of an array (n, T)."""
    made = {}
    for group, mask in _groups(laid).items():
        for stage in laid.order:
            where = _at(laid, stage, mask)
            made[group, stage] = float(values[where].mean()) if where[0].size else np.nan
    return made


def _slope(laid, fit, conf_level):
    """Return how answering hangs on affect, with its interval; None without invitations."""
    if not _many(laid, latent_affect.ACT):
        return None
    act = fit.parameters.act
    place = len(fit.parameters.packed()) - len(act) + 1
    error = float(np.sqrt(fit.covariance[place, place]))
    low, high = intervals.normal(act[1], error, conf_level)
    return {"slope": float(act[1]), "low": float(low), "high": float(high)}


def _with_bounds(rows, laid, fit, slope, conf_level):
    """Return the rows with what they would be, answering hanging less or more on affect."""
    ends = []
    for value in assumed(slope):
        start = replace(fit.parameters, act=_with_slope(fit.parameters.act, value, laid))
        other = latent_affect.fit(laid.series, start, slope=value, rounds=12, errors=False)
        ends.append(_means(laid, other.mean))
    made = []
    for row in rows:
        here = [end[row["group"], row["stage"]] for end in ends] + [row["estimate"]]
        down, up = (row["estimate"] - row["conf_low"], row["conf_high"] - row["estimate"])
        bounds = {"bound_low": min(here) - down, "bound_high": max(here) + up}
        made.append({**row, **bounds})
    return made


def assumed(slope):
    """Return the least and the most that answering may hang on affect."""
    return min(slope["low"], slope["slope"] - LEAN), max(slope["high"], slope["slope"] + LEAN)


def _with_slope(act, value, laid):
    """Return log-odds to answer of another slope, at the same mean."""
    middle = float(np.nanmean(laid.series.observed[..., latent_affect.ANSWER]))
    made = act.copy()
    made[0], made[1] = act[0] + (act[1] - value) * middle, value
    return made


def _marked(rows):
    """Return the rows of everybody with best, worst and end marked."""
    everybody = [row for row in rows if row["group"] == "everybody"]
    best = max(everybody, key=lambda r: r["estimate"])
    worst = min(everybody, key=lambda r: r["estimate"])
    marks = {id(everybody[-1]): "end", id(worst): "lowest_point", id(best): "peak"}
    return [{**row, "mark": marks.get(id(row), "")} for row in rows]


def _answered(laid, conf_level):
    """Return the mean of the answers of each stage, as they are."""
    rows = []
    answer = laid.series.observed[..., latent_affect.ANSWER]
    came = laid.rows
    said = answer[came["who_number"], came["step"]]
    for stage in laid.order:
        here = (came["stage"] == stage).to_numpy() & ~np.isnan(said)
        if here.sum() >= 2:
            row = intervals.mean(said[here], came["who_number"].to_numpy()[here], conf_level)
            row.pop("total")
            ends = np.clip([row["conf_low"], row["conf_high"]], *laid.span)
            row["conf_low"], row["conf_high"] = (float(e) for e in ends)
            rows.append({"group": "answered", "stage": stage, **row, "mark": ""})
    return rows


def _answer(table, laid):
    everybody = table[table["group"] == "everybody"]
    worst = everybody.loc[everybody["estimate"].idxmin()]
    here = table[table["stage"] == worst["stage"]].set_index("group")
    said = here.loc["answered"] if "answered" in here.index else None
    values = {
        "n": len(laid.people),
        "stage": worst["stage"],
        "estimate": worst["estimate"],
        "low": worst["conf_low"],
        "high": worst["conf_high"],
        "said": np.nan if said is None else said["estimate"],
        "answers": 0 if said is None else int(said["n"]),
    }
    if "never_answered" not in here.index:
        return NO_SILENT.having(**values)
    row = here.loc["never_answered"]
    return ANSWER.having(
        **values,
        silent=int(row["n"]),
        silent_value=row["estimate"],
        silent_low=row["conf_low"],
        silent_high=row["conf_high"],
    )


def _limits(laid, slope):
    people = int((~np.isnan(laid.series.observed[..., latent_affect.ANSWER])).any(axis=1).sum())
    least, most = assumed(slope) if slope else (0, 0)
    act = NO_ACT
    if slope:
        act = SLOPE.having(**slope, invited=_many(laid, latent_affect.ACT), least=least, most=most)
    return (ASSUMED, act, *([BELOW.having(n=people)] if people < LEAST_PEOPLE else []))
