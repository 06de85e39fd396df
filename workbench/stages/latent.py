"""The stage nobody sees: how likely is each stage, for each customer, now?

A hidden Markov model over events. Stages follow each other with chances that depend on the time
between two events; each stage has its own mixture of events, tied to the taxonomy's rules by a
prior; what a customer is doing at a moment without an event hangs on the last one by a table of its
own, learnt from answers to "where are you now?" where there are any.
"""

from dataclasses import dataclass, replace

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis
from workbench.stages.taxonomy import taxonomy

# Stages an event can come from.
CHAIN = ("need", "search", "evaluation", "intent", "purchase", "post_purchase")
# Stages a person can be in.
NOW = ("idle", "need", "search", "evaluation", "intent", "post_purchase")
_TO_CHAIN = {"awareness": "need", "retention": "post_purchase", "advocacy": "post_purchase"}
MINUTE = 60_000_000
# Edges of the times between events.
GAPS = np.array([2, 30, 720, 2880, 10080, 30240, 43200], np.int64) * MINUTE
BINS, K = len(GAPS) + 1, len(CHAIN)
LONGEST = 200  # events a history keeps, the latest ones
SILENT = "30D"  # with no labels: silence after which a process counts as over


@dataclass(frozen=True, eq=False)
class StageModel:
    """A fitted model of hidden stages.

    Attributes
    ----------
    start : array (6), chances of the first event's stage
    moves : array (8, 6, 6), chances of the next event's stage, by time between the two
    emissions : array (6, events), chances of an event in a stage
    now : array (8, 6, 6), chances of the stage at a moment, by the last event's stage and the time
    since; used where there were no labels
    readout : the logit that says from the last event's stages, the time since and recent activity
    whether someone is idle, under way or past a purchase, and
        how the hidden stages of those under way are read; None without labels
    events : tuple of str
    column : str, the column the events come from
    log_likelihood : list of float, one per step of the fit; converged : bool
    labels : int, answers it learnt from; held : int, answers kept for the size of stage sets
    threshold : float, a stage belongs to the set of plausible ones from this chance on
    """

    start: np.ndarray
    moves: np.ndarray
    emissions: np.ndarray
    now: np.ndarray
    events: tuple
    column: str
    log_likelihood: list
    converged: bool
    labels: int
    held: int
    threshold: float
    readout: tuple | None = None
    simulated: bool = False


def fit_latent(
    events,
    *,
    labels=None,
    rules=None,
    column="event",
    label_error=0.1,
    anchor=0.5,
    most=20_000,
    rounds=60,
    until=None,
    coverage=0.9,
    seed=1,
):
    """Learn hidden stages from histories of events, and from answers to "where are you now?" where
    there are any.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event
    labels : DataFrame, optional
        Answers: customer_id, answered_at, stage (one of idle, need, search, evaluation, intent,
        post_purchase). A fifth of the answering customers is kept apart to size the sets of
        plausible stages.
    rules : Taxonomy or path, optional
        Says which stage an event name belongs to at first; the data then move it.
    column : str
        Column with the event.
    label_error : float
        Share of answers that name another stage by mistake.
    anchor : float
        Weight of the rules against the data, 0 to 1: the prior counts as this share of the events.
    most : int
        Customers to learn from; more are drawn from by `seed`.
    rounds : int
        Most steps of the expectation-maximisation.
    until : str or Timestamp, optional
        Learn from nothing after this moment.
    coverage : float
        How often a set of plausible stages should hold the true one.

    Returns
    -------
    StageModel

    Raises
    ------
    InputError
        For an unknown stage among the labels.
    NotEnoughData
        For fewer than 30 histories.

    Source: Baum et al. (1970), Ann. Math. Statist. 41; Netzer, Lattin & Srinivasan (2008),
    Marketing Science 27; sets: Vovk, Gammerman & Shafer (2005).
    """
    from workbench.results import is_simulated

    names = engine.distinct(events, column)
    data = _histories(events, names, column, until, most, seed)
    if len(data.starts) < 30:
        raise NotEnoughData(
            "stages.error_fit_latent_at_least_histories",
            "fit_latent: at least 30 histories are needed, found {n_data}",
            n_data=len(data.starts),
        )
    prior = _anchored(names, rules)
    answers, held = _answers(labels, data, seed)
    moves, now = np.tile(_ORDERLY, (BINS, 1, 1)), _first_now(data, names, prior, until)
    # Long silences begin anew rather than go on.
    moves[5:] = 0.5 * moves[5:] + 0.5 * np.array([0.55, 0.2, 0.1, 0.05, 0.0, 0.1])
    moves = moves / moves.sum(axis=2, keepdims=True)
    start, emissions, steady = np.array([0.5, 0.25, 0.1, 0.1, 0.01, 0.04]), prior.copy(), now.copy()
    share = np.bincount(data.k, minlength=len(names)) / len(data.k)
    pull = anchor * len(data.k) / K
    said, converged = [], False
    for _ in range(rounds):
        total, c_start, c_moves, c_emit, c_now = _expect(
            data, start, moves, emissions, now, answers, label_error
        )
        said.append(total)
        start = _normal(c_start + 1)
        moves = _normal(c_moves + 2 * _ORDERLY)
        emissions = _normal(c_emit + pull * prior * 0.2 + 1e-3 * share)
        now = _normal(c_now + 8 * steady)
        if len(said) > 1 and abs(said[-1] - said[-2]) < 1e-5 * abs(said[-2]):
            converged = True
            break
    model = StageModel(
        start,
        moves,
        emissions,
        now,
        tuple(names),
        column,
        said,
        converged,
        len(answers["row"]),
        len(held["row"]),
        0.0,
        None,
        is_simulated(events),
    )
    if len(answers["row"]) >= 50:
        model = replace(model, readout=_readout(data, model, answers, label_error))
    if len(held["row"]) >= 20:
        # A set of stages holds the stated one as often as wanted where its least likely member is
        # as likely as all but the rarest answers were.
        chances = _chances(data, model, held["row"], held["since"])
        chance = chances[np.arange(len(chances)), held["stage"]]
        place = int(np.floor((1 - coverage) * (len(chance) + 1)))
        model = replace(model, threshold=float(np.sort(chance)[place - 1]) if place >= 1 else 0.0)
    return model


@analysis
def posterior(events, model, *, moment=None):
    """Give for every customer the chance of each stage at a moment, by what they did before it.

    Parameters
    ----------
    events : table with customer_id, occurred_at and the model's event column
    model : StageModel
    moment : str or Timestamp, optional
        The moment asked about; default the last event of the table. Later events take no part.

    Returns
    -------
    DataFrame
        customer_id, days_since_last_event, idle, need, search, evaluation, intent, post_purchase
        (chances that add up to 1), stage (the likeliest), certain (whether its chance is at
        least one half), plausible (all stages of the model's set, joined by |; empty where the
        model has none), events (how many the answer rests on), calibrated (whether answers
        were there to learn the chances from). Customers without an event before the moment are left
        out.

    Source: as `fit_latent`.
    """
    import pandas as pd

    end = schemas.observed_until(events, moment)
    first, last = engine.span(events, "occurred_at")
    if last is None:
        raise NotEnoughData(Note("stages.no_customer", "there is no customer to speak of"))
    if not first <= end <= last + schemas.micros("silent", SILENT):
        days = [str(pd.Timestamp(v, unit="us").date()) for v in (end, first, last)]
        raise InputError(
            "stages.error_moment_lies_outside_the_data",
            "moment: {days} lies outside the data, which run from {days2} to {days3}",
            days=days[0],
            days2=days[1],
            days3=days[2],
        )
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "k": engine.code(model.column, list(model.events), others=True),
    }
    view = engine.view(events, upto=end, **roles)
    parts = engine.ordered(view, _Filter(model, end), then=("t", "k")).sort_values(
        "customer", kind="stable", ignore_index=True
    )
    table = pd.DataFrame(
        {
            "customer_id": parts["customer"],
            "days_since_last_event": parts["since"] / (1440 * MINUTE),
        }
    )
    chances = parts[[f"p{i}" for i in range(len(NOW))]].to_numpy()
    for i, name in enumerate(NOW):
        table[name] = chances[:, i]
    table["stage"] = (
        np.array(NOW, object)[chances.argmax(axis=1)] if len(table) else np.array([], object)
    )
    table["certain"] = chances.max(axis=1) >= 0.5 if len(table) else np.array([], bool)
    patterns = (chances >= max(model.threshold, 1e-12)) @ (1 << np.arange(len(NOW)))
    names = np.array(
        ["|".join(n for i, n in enumerate(NOW) if p >> i & 1) for p in range(1 << len(NOW))], object
    )
    table["plausible"] = names[patterns] if model.threshold > 0 else ""
    table["events"] = parts["events"]
    table["calibrated"] = model.readout is not None
    if model.simulated:
        table.attrs["simulated"] = True
    return table


@analysis
def where_now(posterior, *, conf_level=0.95):
    """How many customers are in each stage now, as far as their behaviour can tell?

    Takes the table of `posterior`. Returns a Result: stage, expected (customers), n, estimate (mean
    chance), std_error, conf_low, conf_high (missing where the chances were never calibrated); how
    many customers' stage is uncertain stands in `.limits`. The interval is
    that of a mean over customers: it does not hold the model's own error. Raises NotEnoughData
    without customers. Source: S-27 in `docs/glossary.md`.
    """
    import pandas as pd

    n = len(posterior)
    if not n:
        raise NotEnoughData(Note("stages.no_customer", "there is no customer to speak of"))
    p = posterior[list(NOW)].to_numpy()
    estimate, se = (
        p.mean(axis=0),
        (p.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(NOW), np.nan)),
    )
    low, high = intervals.normal(estimate, se, conf_level)
    known = bool(posterior["calibrated"].all())
    if not known:
        # The spread over customers would pass for the model's own doubt, which nobody knows without
        # answers.
        se = low = high = np.full(len(NOW), np.nan)
    table = pd.DataFrame(
        {
            "stage": NOW,
            "expected": p.sum(axis=0).round(1),
            "n": n,
            "estimate": estimate,
            "std_error": se,
            "conf_low": np.maximum(low, 0),
            "conf_high": np.minimum(high, 1),
        }
    )
    unsure = int((~posterior["certain"]).sum())
    limits = (
        *(
            ()
            if known
            else (
                Note(
                    "stages.uncalibrated",
                    "Not calibrated: nobody was asked where they are, so nobody knows how far "
                    "these chances are off; therefore no interval.",
                ),
            )
        ),
        Note(
            "stages.unsure",
            "For {n} customers ({share:%}) no stage has a chance of one half: for them "
            "the answer is that it cannot be known yet.",
            n=unsure,
            share=unsure / n,
        ),
        *(
            (
                Note(
                    "stages.now_limit",
                    "The interval is that of a mean over customers; check the chances "
                    "themselves with labels (reliability).",
                ),
            )
            if known
            else ()
        ),
    )
    return Result(
        question=Note("stages.now_question", "Where is each customer now?"),
        table=table,
        method=Note(
            "stages.now_method",
            "Hidden Markov model over events and the time between them, anchored in "
            "the taxonomy's rules; mean chance over customers.",
        ),
        unit="customers",
        n=n,
        conf_level=conf_level,
        limits=limits,
        chart=Points(
            label=["stage"],
            percent=True,
            xlabel=Note("stages.now_axis", "Share of customers (mean chance)"),
        ),
    )


@analysis
def reliability(posterior, truth, *, bins=10, conf_level=0.95):
    """When the model says 30 per cent, is it 30 per cent?

    Parameters
    ----------
    posterior : DataFrame from `posterior`
    truth : DataFrame with customer_id and stage
        The true (or stated) stage at the same moment.
    bins : int

    Returns
    -------
    Result
        bin (middle of the said chances), said (mean chance), count, n (customer and stage pairs),
        estimate (share that was so), std_error, conf_low, conf_high (customers are the sampling
        unit). Expected calibration error, Brier score and how often the plausible stages hold the
        true one stand in `.limits`.

    Raises
    ------
    NotEnoughData
        Without a customer in both tables.

    Source: Brier (1950), Monthly Weather Review 78; Murphy & Winkler (1977).
    """
    import pandas as pd

    both = _known(posterior, truth)
    p = both[list(NOW)].to_numpy()
    hit = (both["true"].to_numpy(object)[:, None] == np.array(NOW, object)).astype(float)
    who = np.repeat(np.arange(len(both)), len(NOW))
    group = np.minimum((p.ravel() * bins).astype(int), bins - 1)
    rows = []
    for b in range(bins):
        here = group == b
        if here.any():
            rows.append(
                {
                    "bin": f"{(b + 0.5) / bins:.2f}",
                    "said": p.ravel()[here].mean(),
                    **intervals.share(hit.ravel()[here] > 0, who[here], conf_level),
                }
            )
    table = pd.DataFrame(rows)
    error = float((table["n"] * (table["said"] - table["estimate"]).abs()).sum() / table["n"].sum())
    limits = [
        Note(
            "stages.calibration",
            "Expected calibration error {error:2}, Brier score {brier:3}, {n} customers.",
            error=error,
            brier=((p - hit) ** 2).sum(axis=1).mean(),
            n=len(both),
        )
    ]
    if (both["plausible"] != "").any():
        holds = np.mean(
            [
                true in str(names).split("|")
                for true, names in zip(both["true"], both["plausible"], strict=True)
            ]
        )
        limits.append(
            Note(
                "stages.sets_hold",
                "The plausible stages hold the true one in {share:%}; they hold {size:2} "
                "stages on average.",
                share=holds,
                size=both["plausible"].str.count(r"\|").mean() + 1,
            )
        )
    return Result(
        question=Note("stages.reliability_question", "When the model says 30 %, is it 30 %?"),
        table=table,
        method=Note(
            "stages.reliability_method",
            "Said chances of all stages in tenths against how often it was so; the "
            "customer is the sampling unit.",
        ),
        unit="customers",
        n=len(both),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="said",
            percent=True,
            diagonal=True,
            xlabel=Note("stages.reliability_x", "Chance the model gave"),
            ylabel=Note("stages.reliability_axis", "Share that was so"),
        ),
    )


@analysis
def latent_score(posterior, truth, *rivals, names=(), conf_level=0.95):
    """How good are the chances beside simpler ways to guess the stage?

    Parameters
    ----------
    posterior : DataFrame from `posterior`
    truth : DataFrame with customer_id and stage
    *rivals : DataFrame
        Tables of the same shape, such as from `rule_map` and `stage_logit`.
    names : sequence of str
        A name for each rival.

    Returns
    -------
    Result
        model, measure (brier: mean squared distance, lower is better; log_score; hit_rate), count
        and n (customers), estimate, conf_low, conf_high, difference (to the first model),
        difference_low, difference_high. Differences are paired by customer.

    Raises
    ------
    NotEnoughData
        Without a customer in all tables.

    Source: Brier (1950); Gneiting & Raftery (2007), JASA 102.
    """
    import pandas as pd

    tables = [_known(p, truth) for p in (posterior, *rivals)]
    common = set.intersection(*(set(d["customer_id"]) for d in tables))
    rows, first = [], None
    for name, d in zip(("latent", *names), tables, strict=True):
        d = d[d["customer_id"].isin(common)].sort_values("customer_id", ignore_index=True)
        p = d[list(NOW)].to_numpy()
        hit = d["true"].to_numpy(object)[:, None] == np.array(NOW, object)
        each = {
            "brier": ((p - hit) ** 2).sum(axis=1),
            "log_score": np.log(np.maximum(p[hit], 1e-6)),
            "hit_rate": (p.argmax(axis=1) == hit.argmax(axis=1)).astype(float),
        }
        first = first or each
        for measure, value in each.items():
            se = value.std(ddof=1) / np.sqrt(len(value))
            low, high = intervals.normal(value.mean(), se, conf_level)
            row = {
                "model": name,
                "measure": measure,
                "count": len(value),
                "n": len(value),
                "estimate": value.mean(),
                "conf_low": float(low),
                "conf_high": float(high),
            }
            if each is not first:
                gap = value - first[measure]
                d_low, d_high = intervals.normal(
                    gap.mean(), gap.std(ddof=1) / np.sqrt(len(gap)), conf_level
                )
                row |= {
                    "difference": gap.mean(),
                    "difference_low": float(d_low),
                    "difference_high": float(d_high),
                }
            rows.append(row)
    return Result(
        question=Note(
            "stages.score_question",
            "How good are the chances beside simpler ways to guess the stage?",
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "stages.score_method",
            "Same customers under every model; differences paired by customer.",
        ),
        unit="customers",
        n=len(common),
        conf_level=conf_level,
        limits=(
            Note(
                "stages.score_limit",
                "Scored on customers the models did not learn from; say which data made the truth.",
            ),
        ),
        chart=Points(
            label=["model"],
            only={"measure": "brier"},
            xlabel=Note("stages.score_axis", "Brier score (lower is better)"),
        ),
    )


def rule_map(events, model, labels, *, moment=None):
    """Guess the stage from the rule of the last event and the time since, calibrated on labels: a
    yardstick for `posterior`.

    Takes events, a StageModel (for its events and column), the answers it learnt from, and the
    moment; returns a table as `posterior` does. Source: S-02, S-27 in `docs/glossary.md`.
    """
    train, query = _asked(events, model, labels, moment), _asked(events, model, None, moment)

    def cell(asked):
        stage = _anchored(list(model.events), None).argmax(axis=0)[asked["data"].k[asked["row"]]]
        return stage * BINS + np.searchsorted(GAPS, asked["since"], side="right")

    counts = np.zeros((K * BINS, len(NOW)))
    np.add.at(counts, (cell(train), train["stage"]), 1)
    overall = counts.sum(0) + 0.5
    by_bin = _normal(counts.reshape(K, BINS, -1).sum(0) + 3 * overall / overall.sum())
    return _as_posterior(query, _normal(counts + 5 * np.tile(by_bin, (K, 1)))[cell(query)])


def stage_logit(events, model, labels, *, moment=None, label_error=0.1):
    """Guess the stage by a multinomial logit on the last event, the time since and recent activity,
    without hidden stages: a yardstick for `posterior`.

    Takes and returns what `rule_map` does; answers may be wrong as in `fit_latent`. Source:
    McFadden (1974).
    """
    train, query = _asked(events, model, labels, moment), _asked(events, model, None, moment)
    fit = _logit_fit(
        _activity(train["data"], model, train["row"], train["since"]),
        train["stage"],
        train["data"].customer[train["row"]],
        label_error,
    )
    return _as_posterior(
        query, _logit_chance(fit, _activity(query["data"], model, query["row"], query["since"]))
    )


@analysis
def intention(answers, orders, *, window="30D", most=10, until=None, conf_level=0.95):
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
        unit). Calibration slope and Brier score stand in `.limits`, the logistic calibration in
        `.model`.

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
            Note(
                "stages.intention_few",
                "answers old enough, some followed by a purchase and some not, are needed; "
                "found {n}",
                n=len(joined),
            )
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
    fitted = bought.astype(float) if fit is None else fit.fittedvalues
    limits = [
        slope,
        Note(
            "stages.intention_brier",
            "Brier score of the answers as stated {stated:3}, calibrated "
            "{calibrated:3}, of the base rate alone {base:3}.",
            stated=((said - bought) ** 2).mean(),
            calibrated=((fitted - bought) ** 2).mean(),
            base=bought.mean() * (1 - bought.mean()),
        ),
    ]
    if len(joined) < 200 or bought.sum() < 50:
        limits.append(
            Note(
                "stages.thin",
                "Only {n} units; {least} are needed for firm figures.",
                n=len(joined),
                least=200,
            )
        )
    return Result(
        question=Note(
            "stages.intention_question",
            "What is a stated chance to buy worth, within {window:span}?",
            window=window,
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "stages.intention_method",
            "Share of answers followed by a purchase in time; logistic calibration "
            "with customers as clusters.",
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


@analysis
def buying_chance(
    events, model, *, order="order", window="30D", moment=None, bins=8, conf_level=0.95
):
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
        rate and the calibration slope stand in `.limits`.

    Raises
    ------
    NotEnoughData
        With fewer than 50 buyers among those learnt from or judged.

    Source: Morwitz, Steckel & Gupta (2007); Brier (1950).
    """
    import pandas as pd

    width = schemas.micros("window", window)
    last = schemas.observed_until(events)
    at = last - width if moment is None else schemas.moment("moment", moment)
    if order not in model.events:
        raise unknown("order", "event", order, model.events)
    data = _histories(
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
    alpha, _ = _forward(data, model.start, model.moves, model.emissions)
    x = _state_features(data, model, row, at - data.t[row], alpha)
    # Halves by what people did, so that nobody's name decides.
    learn = (np.add.reduceat(data.t // 1000 % 9973, data.starts) % 2) == 0
    if min(y[learn].sum(), y[~learn].sum()) < 50 or y[learn].all():
        raise NotEnoughData(
            Note(
                "stages.chance_few",
                "50 buyers among those learnt from and 50 among those judged are needed; "
                "found {n} in all",
                n=y.sum(),
            )
        )
    fit = _logit_fit(
        x[learn], y[learn].astype(int), np.flatnonzero(learn), 0.0, np.array([0.5, 0.5])
    )
    p = _logit_chance(fit, x[~learn])[:, 1]
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
    return Result(
        question=Note(
            "stages.chance_question",
            "How well does behaviour tell who buys within {window:span}?",
            window=window,
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "stages.chance_method",
            "Logistic model on recent activity and hidden stages, learnt on one half "
            "of the customers, judged on the other; customers in groups of equal size "
            "by their chance.",
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
            xlabel=Note("stages.reliability_x", "Chance the model gave"),
            ylabel=Note(
                "stages.intention_axis", "Share that bought within {window:span}", window=window
            ),
        ),
    )


def _slope(bought, eta, who, conf_level):
    """Return the logistic calibration of log odds and a sentence on its slope; None where buyers
    and others are told apart without error.
    """
    import warnings

    import statsmodels.api as sm
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PerfectSeparationWarning)
            fit = sm.GLM(
                bought.astype(float), sm.add_constant(eta), family=sm.families.Binomial()
            ).fit(cov_type="cluster", cov_kwds={"groups": who})
    except PerfectSeparationWarning:
        return None, Note(
            "stages.intention_separated",
            "Answers tell buyers and others apart without error here: a calibration "
            "slope cannot be estimated.",
        )
    low, high = intervals.normal(fit.params[1], fit.bse[1], conf_level)
    return fit, Note(
        "stages.intention_slope",
        "Calibration slope {slope:3} ({low:3} to {high:3}): 1 would mean that "
        "answers may be read as they stand.",
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


# --- the machinery


_ORDERLY = np.array(
    [
        [0.55, 0.25, 0.10, 0.06, 0.01, 0.03],
        [0.05, 0.60, 0.25, 0.06, 0.01, 0.03],
        [0.03, 0.14, 0.56, 0.22, 0.02, 0.03],
        [0.02, 0.04, 0.10, 0.60, 0.21, 0.03],
        [0.06, 0.06, 0.04, 0.04, 0.05, 0.75],
        [0.25, 0.20, 0.10, 0.10, 0.02, 0.33],
    ]
)


@dataclass
class _Histories:
    """Histories laid end to end: event codes, bins of the time before each, where each history
    starts and how long it is.
    """

    customer: np.ndarray
    t: np.ndarray
    k: np.ndarray
    bin: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    end: int


class _Rows:
    """A kernel that hands the latest events of every history on."""

    def __call__(self, batch):
        kept = np.arange(len(batch)) > batch.last - LONGEST
        return {
            "customer": batch["customer"][kept],
            "t": batch["t"][kept].astype(np.int64),
            "k": batch["k"][kept].astype(np.int64),
        }


def _histories(events, names, column, until, most, seed):
    schemas.require(events, "events", column)
    end = schemas.observed_until(events, until)
    if end is None or not names:
        raise NotEnoughData(
            "stages.error_the_table_holds_no_event", "the table holds no event with a time"
        )
    view = engine.view(
        events,
        upto=end,
        customer=engine.key("customer_id"),
        t=engine.micros("occurred_at"),
        k=engine.code(column, names),
    )
    rows = engine.ordered(view, _Rows(), then=("t", "k")).sort_values(
        ["customer", "t", "k"], kind="stable", ignore_index=True
    )
    customer = rows["customer"].to_numpy()
    new = np.ones(len(rows), bool)
    new[1:] = customer[1:] != customer[:-1]
    if new.sum() > most:
        chosen = np.random.default_rng(seed).permutation(int(new.sum())) < most
        kept = chosen[np.cumsum(new) - 1]
        rows, new, customer = rows[kept], new[kept], customer[kept]
    starts = np.flatnonzero(new)
    time = rows["t"].to_numpy()
    wait = np.diff(time, prepend=time[:1])
    return _Histories(
        customer,
        time,
        rows["k"].to_numpy(),
        np.searchsorted(GAPS, wait, side="right"),
        starts,
        np.diff(np.append(starts, len(rows))),
        end,
    )


def _anchored(names, rules):
    """Return what the rules say of each event's stage, as chances of events within stages."""
    tax = rules if rules is not None and not isinstance(rules, str) else taxonomy(rules)
    prior = np.full((K, len(names)), 0.02)
    for rule in tax.rules:
        stage = _TO_CHAIN.get(rule["stage"], rule["stage"])
        for name in rule.get("events", ()):
            if name in names and stage in CHAIN:
                prior[CHAIN.index(stage), names.index(name)] += 1.0
    return prior / prior.sum(axis=1, keepdims=True)


def _first_now(data, names, prior, until):
    """Return a first table of the stage at a moment: still under way as often as histories go on
    within the silence, else idle.

    Counted over the waits after events in each (rule's) stage; waits cut off by the end of the
    data, and those that a new need ends, are no going on.
    """
    stage = prior.argmax(axis=0)[data.k]
    last = np.zeros(len(data.k), bool)
    last[data.starts + data.sizes - 1] = True
    wait = np.where(last, data.end - data.t, np.append(np.diff(data.t), 0))
    silent, following = schemas.micros("silent", SILENT), np.append(stage[1:], 0)
    out = np.full((BINS, K, len(NOW)), 1e-3)
    lower = np.append(0, GAPS)
    for s in range(K):
        mine = stage == s
        to = NOW.index("post_purchase" if CHAIN[s] in ("purchase", "post_purchase") else CHAIN[s])
        for b in range(BINS):
            waiting = mine & (wait > lower[b]) & (~last | (wait > lower[b] + silent))
            goes_on = (
                waiting & ~last & (wait <= lower[b] + silent) & (following != CHAIN.index("need"))
            )
            # After a silence that ends a process nobody is under way by definition.
            share = 0.02 if lower[b] >= silent else (goes_on.sum() + 0.5) / (waiting.sum() + 2)
            out[b, s, to] += share
            out[b, s, 0] += 1 - share
    return _normal(out)


def _answers(labels, data, seed, apart=0.2):
    """Return labels as (row of the last event before, bin of the time since, stage), split into
    those to learn from and those kept apart.
    """
    import pandas as pd

    empty = {n: np.zeros(0, int) for n in ("row", "bin", "since", "stage")}
    if labels is None or not len(labels):
        return empty, empty
    for stage in labels["stage"].dropna().unique():
        if stage not in NOW:
            raise unknown("labels", "stage", stage, NOW)
    kept = labels.dropna(subset=["stage", "customer_id", "answered_at"])
    when = (
        pd.to_datetime(kept["answered_at"], utc=True)
        .astype("datetime64[us, UTC]")
        .astype("int64")
        .to_numpy()
    )
    # What was answered later takes no part.
    kept, when = kept[when <= data.end], when[when <= data.end]
    row, found = _before(data, kept["customer_id"].to_numpy(), when)
    stage = kept["stage"].map(NOW.index).to_numpy()[found]
    who = kept["customer_id"].to_numpy()[found]
    since = when[found] - data.t[row]
    people = np.unique(who)
    aside = np.isin(who, people[np.random.default_rng(seed).random(len(people)) < apart])
    made = [
        {
            "row": row[m],
            "bin": np.searchsorted(GAPS, since[m], side="right"),
            "since": since[m],
            "stage": stage[m],
        }
        for m in (~aside, aside)
    ]
    return made[0], made[1]


def _before(data, who, when):
    """Return for (customer, moment) pairs the row of the last event up to then, and which pairs
    have one.
    """
    import pandas as pd

    events = pd.DataFrame(
        {"who": data.customer, "t": data.t, "row": np.arange(len(data.t))}
    ).sort_values("t", kind="stable")
    if events["who"].dtype == object or str(events["who"].dtype) == "str":
        events["who"], who = events["who"].astype(str), np.asarray(who).astype(str)
    asked = pd.DataFrame(
        {"who": who, "t": when.astype(np.int64), "i": np.arange(len(when))}
    ).sort_values("t", kind="stable")
    asked["who"] = asked["who"].astype(events["who"].dtype)
    joined = pd.merge_asof(asked, events, on="t", by="who").sort_values("i")
    found = joined["row"].notna().to_numpy()
    return joined["row"].to_numpy()[found].astype(int), found


def _normal(counts):
    return counts / counts.sum(axis=-1, keepdims=True)


def _forward(data, start, moves, emissions):
    """Return the chance of each stage at every event given what came up to it, and the scale of
    each step.
    """
    alpha, scale = np.empty((len(data.k), K)), np.empty(len(data.k))
    like = emissions.T[data.k]
    longest = int(data.sizes.max(initial=0))
    order = np.argsort(-data.sizes, kind="stable")
    starts, sizes = data.starts[order], data.sizes[order]
    here = starts
    a = start * like[here]
    for i in range(longest):
        if i:
            active = int(np.searchsorted(-sizes, -i, side="left"))
            here = starts[:active] + i
            a = np.einsum("nk,nkl->nl", alpha[here - 1], moves[data.bin[here]]) * like[here]
        s = a.sum(axis=1)
        scale[here] = s
        alpha[here] = a / s[:, None]
    return alpha, scale


def _expect(data, start, moves, emissions, now, answers, label_error):
    """Return the log-likelihood and the expected counts of starts, moves, events and stages at
    answers.
    """
    # An answer hangs on the last event before it: it weighs that event's stages by how well they
    # explain it.
    said = np.full((len(NOW), len(NOW)), label_error / len(NOW)) + (1 - label_error) * np.eye(
        len(NOW)
    )
    leaf = np.ones((len(data.k), K))
    explained = (
        np.einsum("nkj,nj->nk", now[answers["bin"]], said[:, answers["stage"]].T)
        if len(answers["row"])
        else np.zeros((0, K))
    )
    np.multiply.at(leaf, answers["row"], explained)
    like = emissions.T[data.k] * leaf
    alpha, scale, beta = (
        np.empty((len(data.k), K)),
        np.empty(len(data.k)),
        np.ones((len(data.k), K)),
    )
    order = np.argsort(-data.sizes, kind="stable")
    starts, sizes = data.starts[order], data.sizes[order]
    active = [int(np.searchsorted(-sizes, -i, side="left")) for i in range(int(sizes[0]))]
    for i, m in enumerate(active):
        here = starts[:m] + i if i else starts
        a = (
            start if i == 0 else np.einsum("nk,nkl->nl", alpha[here - 1], moves[data.bin[here]])
        ) * like[here]
        s = a.sum(axis=1)
        scale[here], alpha[here] = s, a / s[:, None]
    c_moves = np.zeros((BINS, K, K))
    for i in range(len(active) - 1, 0, -1):
        here = starts[: active[i]] + i
        ahead = like[here] * beta[here] / scale[here][:, None]
        step = moves[data.bin[here]]
        beta[here - 1] = np.einsum("nkl,nl->nk", step, ahead)
        for b in range(BINS):
            m = data.bin[here] == b
            if m.any():
                c_moves[b] += moves[b] * (alpha[here[m] - 1].T @ ahead[m])
    gamma = _normal(alpha * beta)
    c_emit = np.column_stack(
        [np.bincount(data.k, gamma[:, s], emissions.shape[1]) for s in range(K)]
    ).T
    c_now = np.zeros((BINS, K, len(NOW)))
    if len(answers["row"]):
        joint = (
            gamma[answers["row"]][:, :, None]
            * now[answers["bin"]]
            * said[:, answers["stage"]].T[:, None, :]
        )
        joint /= joint.sum(axis=2, keepdims=True) / gamma[answers["row"]][:, :, None]
        np.add.at(c_now, answers["bin"], joint)
    return float(np.log(scale).sum()), gamma[data.starts].sum(axis=0), c_moves, c_emit, c_now


def _chances(data, model, row, since, alpha=None):
    """Return the chance of every stage at moments `since` microseconds after the events `row`."""
    if model.readout is None:
        alpha = (
            _forward(data, model.start, model.moves, model.emissions)[0] if alpha is None else alpha
        )
        return np.einsum(
            "nk,nkj->nj", alpha[row], model.now[np.searchsorted(GAPS, since, side="right")]
        )
    alpha = _forward(data, model.start, model.moves, model.emissions)[0] if alpha is None else alpha
    state, (slope, bias) = model.readout
    three = _logit_chance(state, _state_features(data, model, row, since, alpha))
    return np.column_stack(
        [three[:, 0], three[:, 1:2] * _within(alpha[row], slope, bias), three[:, 2]]
    )


def _within(alpha, slope, bias):
    """Return the chances of need, search, evaluation and intent for someone under way, from the
    hidden stages of the last event.
    """
    from scipy import special

    return special.softmax(slope * np.log(np.maximum(alpha[:, :4], 1e-4)) + bias, axis=1)


def _state_features(data, model, row, since, alpha):
    a, wait = alpha[row], np.log1p(since / MINUTE)[:, None]
    return np.column_stack([_activity(data, model, row, since), a, a * wait])


def _readout(data, model, answers, error):
    """Learn from answers whether people are idle, under way or past a purchase, and how the hidden
    stages of those under way are to be read.

    The few answers of people under way only shift and stretch what the model says of their stage:
    they are too few to say more.
    """
    from scipy import optimize

    alpha = _forward(data, model.start, model.moves, model.emissions)[0]
    row, y = answers["row"], answers["stage"]
    three = np.array([0, 1, 1, 1, 1, 2])[y]
    noise = np.array([1, 4, 1]) / 6
    state = _logit_fit(
        _state_features(data, model, row, answers["since"], alpha),
        three,
        data.customer[row],
        error,
        noise,
    )
    going = np.flatnonzero(three == 1)
    p = _logit_chance(
        state, _state_features(data, model, row[going], answers["since"][going], alpha)
    )[:, 1]
    # An answer of someone who was not under way is a mistake and says nothing of the stage.
    weight = (1 - error) * p / ((1 - error) * p + error * noise[1])
    hot = np.eye(4)[y[going] - 1]

    def loss(v):
        q = _within(alpha[row[going]], v[0], v[1:])
        return (
            -(weight * np.log((q * hot).sum(1) + 1e-9)).sum()
            + 2 * (v[0] - 1) ** 2
            + (v[1:] ** 2).sum() / 2
        )

    best = (
        optimize.minimize(loss, np.array([1.0, 0, 0, 0, 0]), method="L-BFGS-B").x
        if len(going)
        else np.array([1.0, 0, 0, 0, 0])
    )
    return state, (best[0], best[1:])


def _activity(data, model, row, since):
    """Return what anyone can see without a model: the last event's rule, the time since, what was
    done lately, and the time since the last purchase.
    """
    stage_of = _anchored(list(model.events), None).argmax(axis=0)
    first = np.repeat(data.starts, data.sizes)
    stage, wait = stage_of[data.k], np.log1p(since / MINUTE)
    columns = [wait, wait**2, np.log1p(row - first[row])]
    for s in range(K):
        running = np.cumsum(stage == s)
        columns += [stage[row] == s, (stage[row] == s) * wait]
        for back in (3, 10):
            low = np.maximum(row - back, first[row])
            columns.append(running[row] - running[low] + (stage[low] == s))
    bought = (
        np.maximum.accumulate(
            np.where(stage == CHAIN.index("purchase"), np.arange(len(stage)), -1)
        )[row]
        if len(stage)
        else row
    )
    has = bought >= first[row]
    days = np.where(has, (data.t[row] + since - data.t[np.maximum(bought, 0)]) / (1440 * MINUTE), 0)
    columns += [has, has * np.log1p(days), has * (days < 7), has * (days < 14), has * (days < 21)]
    return np.column_stack(columns).astype(float)


def _logit_fit(x, y, who, error, noise=None, folds=4):
    """Fit a multinomial logit whose answers may be wrong; the weight of its penalty is the best of
    four on customers left out.
    """
    from scipy import optimize, special

    mean, scale = x.mean(0), x.std(0) + 1e-6
    z = np.column_stack([np.ones(len(x)), (x - mean) / scale])
    noise = np.full(len(NOW), 1 / len(NOW)) if noise is None else noise
    hot, wrong = np.eye(len(noise))[y], error * noise[y]

    def fit(rows, ridge, start=None):
        def loss(flat):
            b = flat.reshape(z.shape[1], -1)
            p = special.softmax(z[rows] @ b, axis=1)
            seen = (1 - error) * (p * hot[rows]).sum(1) + wrong[rows]
            pull = (1 - error) * p * hot[rows] / seen[:, None]
            slope = z[rows].T @ (p * pull.sum(1, keepdims=True) - pull)
            slope[1:] += ridge * b[1:]
            return -np.log(seen).sum() + ridge * (b[1:] ** 2).sum() / 2, slope.ravel()

        return optimize.minimize(
            loss,
            np.zeros(z.shape[1] * len(noise)) if start is None else start,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 200},
        ).x

    people = np.unique(np.asarray(who).astype(str), return_inverse=True)[1]
    fold = (people * 2654435761 % 2**32 // 7) % folds
    scores = []
    for ridge in (3.0, 10.0, 30.0, 100.0):
        total = 0.0
        for f in range(folds):
            b = fit(fold != f, ridge).reshape(z.shape[1], -1)
            p = special.softmax(z[fold == f] @ b, axis=1)
            total += np.log((1 - error) * (p * hot[fold == f]).sum(1) + wrong[fold == f]).sum()
        scores.append((total, ridge))
    return mean, scale, fit(np.ones(len(z), bool), max(scores)[1]).reshape(z.shape[1], -1)


def _logit_chance(readout, x):
    from scipy import special

    mean, scale, b = readout
    return special.softmax(np.column_stack([np.ones(len(x)), (x - mean) / scale]) @ b, axis=1)


class _Filter:
    """The kernel of `posterior`: one row per customer."""

    def __init__(self, model, end):
        self.model, self.end = model, end

    def __call__(self, batch):
        m, n = self.model, len(batch)
        known = batch["k"] < len(m.events)
        kept = np.flatnonzero(known & (np.arange(n) > batch.last - LONGEST))
        who = batch.customer[kept] if n else kept
        new = np.ones(len(kept), bool)
        new[1:] = who[1:] != who[:-1]
        starts = np.flatnonzero(new)
        time = batch["t"][kept]
        wait = np.diff(time, prepend=time[:1])
        data = _Histories(
            batch["customer"][kept],
            time,
            batch["k"][kept].astype(int),
            np.searchsorted(GAPS, wait, side="right"),
            starts,
            np.diff(np.append(starts, len(kept))),
            self.end,
        )
        ends = starts + data.sizes - 1
        if len(kept):
            since = self.end - time[ends]
            p = _chances(data, m, ends, since)
        else:
            since, p = time, np.zeros((0, len(NOW)))
        return {
            "customer": data.customer[ends],
            "since": since.astype(float),
            "events": data.sizes.astype(np.int64),
            **{f"p{i}": p[:, i] for i in range(len(NOW))},
        }


def _asked(events, model, labels, moment):
    """Return the histories, and where in them each answer (or, without labels, each customer at the
    moment) stands.
    """
    data = _histories(events, list(model.events), model.column, moment, 10**9, 0)
    if labels is None:
        row = data.starts + data.sizes - 1
        return {"data": data, "row": row, "since": data.end - data.t[row]}
    return {"data": data, **_answers(labels, data, 0, apart=0.0)[0]}


def _as_posterior(query, chance):
    import pandas as pd

    table = pd.DataFrame(
        {
            "customer_id": query["data"].customer[query["row"]],
            "days_since_last_event": query["since"] / (1440 * MINUTE),
        }
    )
    for i, name in enumerate(NOW):
        table[name] = chance[:, i]
    return table.assign(
        stage=np.array(NOW, object)[chance.argmax(axis=1)],
        certain=chance.max(axis=1) >= 0.5,
        plausible="",
        events=0,
        calibrated=True,
    )


def _known(posterior, truth):
    """Return the posterior with the true stage beside it."""
    if truth["customer_id"].duplicated().any():
        raise InputError(
            "stages.error_truth_a_customer_stands_in",
            "truth: a customer stands in it more than once",
        )
    both = posterior.merge(
        truth[["customer_id", "stage"]].rename(columns={"stage": "true"}),
        on="customer_id",
        how="inner",
    )
    if not len(both):
        raise NotEnoughData(Note("stages.no_customer", "there is no customer to speak of"))
    bad = set(both["true"].dropna()) - set(NOW)
    if bad:
        raise InputError(
            "stages.error_truth_unknown_stages_use",
            "truth: unknown stages {bad}; use {now:text}",
            bad=sorted(bad),
            now=list(NOW),
        )
    return both[both["true"].notna()].reset_index(drop=True)
