"""What a stated chance to buy, and what behaviour, says of buying within a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import names as own
from workbench.errors import NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import MINIMUM_CELL, Curve, Points, Result, analysis
from workbench.stages.hidden import MODEL_AXIS, histories
from workbench.stages.measures import THIN
from workbench.stages.readout import best_ridge, logit_chance, logit_fit, state_features
from workbench.stats import regressions
from workbench.stats.hidden_markov import forward

if TYPE_CHECKING:
    from typing import Any

    from workbench.types import Moment, Table

LEAST_BUYERS = 50  # to learn from, and to judge by


@engine.frames("answers", "orders", near={"orders": engine.Near("answers", "answered_at")})
@analysis
def intention(
    answers: Table,
    orders: Table,
    *,
    window: str = "30D",
    most: int = 10,
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """What is a stated chance to buy worth: how many of those who gave each answer bought in time?

    Parameters
    ----------
    answers : DataFrame with customer_id, answered_at, value
        Answers on a scale from 0 (no chance) to `most` (certain).
    orders : DataFrame with customer_id, ordered_at
    window : str
        Time after the answer within which a purchase counts.
    most : int
        Top of the scale.
    until : str or Timestamp, optional
        Moment up to which orders are complete; default the last order.

    Returns
    -------
    Result
        answer ("0" … ; top_box: the two highest; all), said (mean stated chance), count (bought), n
        (answers old enough), estimate, std_error, conf_low, conf_high (customers are the sampling
        unit). Calibration slope and Brier score stand in `.facts` (stages.intention_slope,
        stages.intention_brier), the logistic calibration in `.model`.

    Raises
    ------
    NotEnoughData
        Without answers old enough, or where all or none bought.

    Source: Juster (1966), JASA 61; Morwitz, Steckel & Gupta (2007), Int. J. Forecasting 23.
    """
    import pandas as pd

    width = pd.Timedelta(microseconds=schemas.micros("window", window))
    answers, orders = (
        _tidy(d, time) for d, time in ((answers, "answered_at"), (orders, "ordered_at"))
    )
    end = (
        pd.Timestamp(schemas.moment("until", until), unit="us", tz="UTC")
        if until is not None
        else orders["ordered_at"].max()
    )
    d = answers[
        answers["value"].between(0, most) & (answers["answered_at"] + width <= end)
    ].sort_values("answered_at", kind="stable")
    joined = pd.merge_asof(
        d,
        orders[["customer_id", "ordered_at"]].sort_values("ordered_at", kind="stable"),
        left_on="answered_at",
        right_on="ordered_at",
        by="customer_id",
        direction="forward",
        allow_exact_matches=False,
    )
    bought = (joined["ordered_at"] - joined["answered_at"] <= width).to_numpy()
    if not len(joined) or bought.all() or not bought.any():
        raise NotEnoughData(
            "stages.intention_few",
            "answers followed for the whole window, some with a purchase and some without, are "
            "needed; found {n}",
            n=len(joined),
        )
    said = joined["value"].to_numpy(float) / most
    rows = []
    for name, hit in (
        *((f"{v:g}", said == v / most) for v in np.unique(joined["value"])),
        ("top_box", said >= (most - 1) / most),
        ("all", said >= 0),
    ):
        if hit.any():
            rows.append(
                {
                    "answer": name,
                    "said": said[hit].mean(),
                    **intervals.share(bought[hit], joined["customer_id"][hit], conf_level),
                }
            )
    who = np.unique(joined["customer_id"].astype(str), return_inverse=True)[1]
    eta = np.log((said * most + 0.5) / (most - said * most + 0.5))
    fit, slope = _slope(bought, eta, who, conf_level)
    fitted = bought.astype(float) if fit is None else fit.fitted
    limits = [
        slope,
        Note(
            "stages.intention_brier",
            "Brier score of the answers as stated {stated:3}, after calibration {calibrated:3}, of "
            "the base rate alone {base:3}.",
            stated=((said - bought) ** 2).mean(),
            calibrated=((fitted - bought) ** 2).mean(),
            base=bought.mean() * (1 - bought.mean()),
        ),
    ]
    if len(joined) < 200 or bought.sum() < 50:
        limits.append(THIN.having(n=len(joined), least=200))
    table = pd.DataFrame(rows)
    return Result(
        question=Note(
            "stages.intention_question",
            "How well does a stated chance to buy predict a purchase within {window:span}?",
            window=window,
        ),
        table=table,
        answer=_intention_answer(table, window),
        method=Note(
            "stages.intention_method",
            "Share of answers followed by a purchase within the window; logistic calibration with "
            " customers as clusters.",
        ),
        unit="answers",
        n=len(joined),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        model=fit,
        chart=Points(
            label=["answer"],
            percent=True,
            xlabel=Note(
                "stages.intention_axis", "Share that bought within {window:span}", window=window
            ),
        ),
    )


def _intention_answer(table, window):
    """Return what became of the highest answers, or of all where too few gave those."""
    rows = table.set_index("answer")
    top = "top_box" in rows.index and rows.loc["top_box", "n"] >= MINIMUM_CELL
    row = rows.loc["top_box" if top else "all"]
    values = {
        "share": row["estimate"],
        "window": window,
        "low": row["conf_low"],
        "high": row["conf_high"],
        "count": row["count"],
        "n": row["n"],
        "said": row["said"],
    }
    if top:
        return Note(
            "stages.intention_answer",
            "Of the two highest answers {share:%} were followed by a purchase within {window:span} "
            "({low:%} to {high:%}; {count} of {n}); the stated chance was {said:%} on average.",
            **values,
        )
    return Note(
        "stages.intention_answer_all",
        "Of all answers {share:%} were followed by a purchase within {window:span} ({low:%} to "
        "{high:%}; {count} of {n}); the stated chance was {said:%} on average.",
        **values,
    )


@engine.tables("events")
@analysis
def purchase_propensity(
    events: Table,
    model: Any,
    *,
    order: str = "order",
    window: str = "30D",
    moment: Moment | None = None,
    bins: int = 8,
    conf_level: float = 0.95,
) -> Result:
    """How well does behaviour up to a moment tell who buys soon after it?

    A logistic model on recent activity and the hidden stages of the last event learns from one half
    of the customers and is judged on the other. Nothing after the moment is looked at but the
    purchase itself.

    Parameters
    ----------
    events : table with customer_id, occurred_at and the model's event column
    model : StageModel
    order : str
        The event that is a purchase.
    window : str
        How soon.
    moment : str or Timestamp, optional
        Default so that the window just ends with the data.
    bins : int
        Groups of equal size the judged customers are cut into.

    Returns
    -------
    Result
        bin ("1" = least likely), said (mean chance), count (bought), n (customers judged), estimate
        (share that bought), std_error, conf_low, conf_high. Brier score beside that of the base
        rate and the calibration slope stand in `.facts` (stages.chance_score,
        stages.intention_slope).

    Raises
    ------
    NotEnoughData
        With fewer than 50 buyers among those learnt from or judged.

    Source: Morwitz, Steckel & Gupta (2007); Brier (1950).
    """
    import pandas as pd

    width = schemas.micros("window", window)
    last, order = _last_event(events), own.written(order)
    at = last - width if moment is None else schemas.moment("moment", moment)
    if order not in model.events:
        raise unknown("order", "event", order, model.events)
    data = histories(
        events, list(model.events), model.column, pd.Timestamp(at, unit="us", tz="UTC"), 10**9, 0
    )
    view = engine.view(
        events,
        upto=at + width,
        customer=engine.key("customer_id"),
        t=engine.micros("occurred_at"),
        k=engine.code(model.column, [order]),
    )
    bought = engine.run(f"SELECT DISTINCT customer FROM v WHERE t > {at}", v=view)["customer"]
    row = data.starts + data.sizes - 1
    y = np.isin(data.customer[row].astype(str), bought.astype(str).to_numpy())
    alpha, _ = forward(data, model.start, model.moves, model.emissions)
    x = state_features(data, model, row, at - data.t[row], alpha)
    # Halves by what people did, so that nobody's name decides.
    learn = (np.add.reduceat(data.t // 1000 % 9973, data.starts) % 2) == 0
    if min(y[learn].sum(), y[~learn].sum()) < LEAST_BUYERS or y[learn].all():
        raise NotEnoughData(
            "stages.chance_few",
            "{least} buyers to learn from and {least} to judge by are needed; found {n} in all",
            least=LEAST_BUYERS,
            n=y.sum(),
        )
    even, bought = np.array([0.5, 0.5]), y[learn].astype(int)
    ridge = best_ridge(x[learn], bought, np.flatnonzero(learn), 0.0, even)
    fit = logit_fit(x[learn], bought, 0.0, even, ridge)
    p = logit_chance(fit, x[~learn])[:, 1]
    hit, who = y[~learn], data.customer[row][~learn]
    place = np.minimum(
        (np.argsort(np.argsort(p, kind="stable"), kind="stable") * bins) // len(p), bins - 1
    )
    rows = [
        {
            "bin": f"{b + 1}",
            "said": p[place == b].mean(),
            **intervals.share(hit[place == b], who[place == b], conf_level),
        }
        for b in range(bins)
        if (place == b).any()
    ]
    eta = np.log(np.clip(p, 1e-6, 1 - 1e-6) / (1 - np.clip(p, 1e-6, 1 - 1e-6)))
    slope, sentence = _slope(hit, eta, np.arange(len(hit)), conf_level)
    limits = (
        Note(
            "stages.chance_score",
            "Brier score {brier:3}, of the base rate alone {base:3}.",
            brier=((p - hit) ** 2).mean(),
            base=hit.mean() * (1 - hit.mean()),
        ),
        sentence,
    )
    table = pd.DataFrame(rows)
    return Result(
        question=Note(
            "stages.chance_question",
            "How well does behaviour predict who buys within {window:span}?",
            window=window,
        ),
        table=table,
        answer=_chance_answer(table, window),
        method=Note(
            "stages.chance_method",
            "Logistic model of recent activity and hidden stages, fitted on one half of the "
            "customers and evaluated on the other; customers in groups of equal size by their "
            "predicted chance.",
        ),
        unit="customers",
        n=len(p),
        conf_level=conf_level,
        evidence="associational",
        limits=limits,
        model=slope,
        chart=Curve(
            x="said",
            percent=True,
            diagonal=True,
            xlabel=MODEL_AXIS,
            ylabel=Note(
                "stages.intention_axis", "Share that bought within {window:span}", window=window
            ),
        ),
    )


def _chance_answer(table, window):
    """Return what the customers with the highest chance did, beside those with the lowest."""
    most, least = table.iloc[-1], table.iloc[0]
    return Note(
        "stages.chance_answer",
        "Of the customers with the highest predicted chance {share:%} bought within {window:span} "
        "({low:%} to {high:%}; {count} of {n}), of those with the lowest {least:%} ({least_low:%} "
        "to {least_high:%}).",
        window=window,
        share=most["estimate"],
        low=most["conf_low"],
        high=most["conf_high"],
        count=most["count"],
        n=most["n"],
        least=least["estimate"],
        least_low=least["conf_low"],
        least_high=least["conf_high"],
    )


def _slope(bought, eta, who, conf_level):
    """Return the logistic calibration of log odds and a sentence on its slope; None where buyers
    and others are told apart without error.
    """
    units = np.unique(np.asarray(who), return_inverse=True)[1]
    x = np.column_stack([np.ones(len(eta)), np.asarray(eta, float)])
    fit = regressions.logit(x, np.asarray(bought, float), groups=units)
    if not fit.recession.exists:
        return None, Note(
            "stages.intention_separated",
            "Answers separate buyers from others without error here: a calibration slope cannot be "
            "estimated.",
        )
    low, high = intervals.normal(fit.params[1], fit.bse[1], conf_level)
    return fit, Note(
        "stages.intention_slope",
        "Calibration slope {slope:3} ({low:3} to {high:3}); {ideal} would mean that chances may be "
        "taken at face value.",
        ideal=1,
        slope=fit.params[1],
        low=low,
        high=high,
    )


def _tidy(table, time):
    """Return the rows with a customer and a time, ids as text and times in UTC."""
    import pandas as pd

    kept = table.dropna(subset=["customer_id", time])
    return kept.assign(
        customer_id=kept["customer_id"].astype(str),
        **{time: pd.to_datetime(kept[time], utc=True).astype("datetime64[us, UTC]")},
    )


def _last_event(events):
    """Return the last moment of a table of events; refuse one without any."""
    last = schemas.observed_until(events)
    if last is None:
        raise NotEnoughData("stages.error_no_event_time", "the table holds no event with a time")
    return last
