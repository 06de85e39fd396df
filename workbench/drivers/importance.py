"""Which driver counts most? Shares of what is explained, penalty and reward, importance beside
performance, and what people say themselves.
"""

from itertools import combinations
from math import factorial

import numpy as np
from scipy import special

from workbench import intervals
from workbench import regression as fits
from workbench.drivers.regress import left_out
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.texts import word

MOST = {"linear": 12, "logit": 8}  # drivers for which all subsets are gone through
KANO = np.array([list("QAAAO"), list("RIIIM"), list("RIIIM"), list("RIIIM"), list("RRRRQ")])
KANO_NAMES = {
    "A": "attractive",
    "O": "one_dimensional",
    "M": "must_be",
    "I": "indifferent",
    "R": "reverse",
    "Q": "questionable",
}


@analysis
def key_drivers(
    table,
    outcome,
    drivers,
    *,
    kind="linear",
    cluster=None,
    low=None,
    high=None,
    draws=1000,
    seed=1,
    conf_level=0.95,
):
    """Which drivers carry the outcome, by how much, and in which direction?

    One table with several answers, since none is right by itself: the share of what is explained
    (averaged over all orders in which drivers may enter), the relative weight, the weight with the
    others held equal, the plain correlation, and what a low or a high rating alone goes with.

    Parameters
    ----------
    table : DataFrame
        One row a respondent; rows with a missing value are left out and counted.
    outcome : str
        A number, or 0 and 1 with kind "logit".
    drivers : list of str
        Numbers, at least two; up to 12 (8 for logit) all subsets are gone through, above that the
        shares are missing and the relative weights stand in.
    kind : str
        "linear" or "logit" (shares of McFadden's R²; penalty and reward stay differences of the
        outcome).
    cluster : str, optional
        Column of the sampling unit.
    low, high : float, optional
        Ratings at or below `low` are low, at or above `high` are high; None: the outer thirds of
        each driver, or with few grades those below and above the median.
    draws, seed : int
        Of the bootstrap over sampling units; the shares of a logit rest on at most 200 draws.

    Returns
    -------
    Result
        driver, measure, n (rows), estimate, std_error, conf_low, conf_high, rank, rank_low,
        rank_high (of share, relative weight). Measures: share and relative_weight (of R², add up to
        1), weight (standardised), correlation, penalty and reward (change of the outcome for a low
        or high rating against the middle, the others held equal; missing where there is no middle),
        performance (mean).

    Raises
    ------
    InputError
        For missing, constant or collinear drivers, named.
    NotEnoughData
        With too few rows.

    Source: shares Lindeman, Merenda & Gold (1980), Grömping (2006), Journal of Statistical Software
    17; relative weights Johnson (2000), Multivariate Behavioral Research 35; penalty and reward
    Brandt (1987); McFadden's R² for dominance Azen & Traxel (2009).
    """
    import pandas as pd

    one_of("kind", kind, MOST)
    if len(drivers) < 2:
        raise InputError(
            "drivers.error_drivers_at_least_two_are",
            "drivers: at least two are needed; with one, look at the correlation",
        )
    data = fits.prepare(table, outcome, drivers, cluster=cluster)
    x = data.x.drop(columns="constant").to_numpy()
    names, p, n = list(data.x.columns[1:]), x.shape[1], len(data.y)
    if p != len(drivers):
        raise InputError(
            "drivers.error_drivers_numbers_are_needed_give",
            "drivers: numbers are needed; give every word an indicator of its own first",
        )
    if kind == "logit" and not np.isin(data.y, (0, 1)).all():
        raise InputError(
            "drivers.error_outcome_must_be_or_for",
            "outcome: '{outcome}' must be 0 or 1 for kind 'logit'",
            outcome=outcome,
        )
    ends = [_ends(c, low, high) for c in x.T]
    # Where every rating is low or high there is no middle to compare with.
    ends = [
        (
            pair
            if (pair[0] + pair[1] == 0).any() and len(np.unique(c)) > 2
            else (np.zeros(n), np.zeros(n))
        )
        for c, pair in zip(x.T, ends, strict=True)
    ]
    extra = [e for pair in ends for e in pair if 0 < e.mean() < 1]
    grams = fits.grams(np.column_stack([np.ones(n), data.y, x, *extra]), data.groups, draws, seed)
    mean = grams[:, 0, 2 : 2 + p] / grams[:, [0], 0]
    r = fits.correlations(fits.covariances(grams[:, : 2 + p, : 2 + p]))
    rxx, rxy = r[:, 1:, 1:], r[:, 1:, 0]
    found = {
        "relative_weight": _johnson(rxx, rxy),
        "weight": np.linalg.solve(rxx + 1e-12 * np.eye(p), rxy[:, :, None])[:, :, 0],
        "correlation": rxy,
        "performance": mean,
    }
    if p <= MOST[kind]:
        if kind == "linear":
            r2 = {s: _r2(rxx, rxy, s) for s in _subsets(p)}
        else:
            rng = np.random.default_rng(seed)
            some = min(draws, 200)
            g = data.customers
            weights = np.concatenate(
                [
                    np.ones((1, n)),
                    rng.multinomial(g, np.full(g, 1 / g), some)[:, data.groups].astype(float),
                ]
            )
            r2 = {s: _mcfadden(x[:, list(s)], data.y, weights) for s in _subsets(p)}
        found["share"] = _shapley(r2, p)
        total = r2[tuple(range(p))]
    else:
        total = (rxy * found["weight"]).sum(axis=1)
    penalty, reward = _ends_effects(grams, p, ends)
    found["penalty"], found["reward"] = penalty, reward
    rows = []
    for measure in (
        "share",
        "relative_weight",
        "weight",
        "correlation",
        "penalty",
        "reward",
        "performance",
    ):
        if measure not in found:
            continue
        values = found[measure]
        se, lower, upper = intervals.percentiles(values[1:], values[0], conf_level)
        ranks = np.argsort(np.argsort(-values, axis=1), axis=1) + 1
        ranked = measure in ("share", "relative_weight")
        tail = np.quantile(
            ranks[1:], [(1 - conf_level) / 2, (1 + conf_level) / 2], axis=0, method="nearest"
        )
        rows += [
            {
                "driver": names[i],
                "measure": measure,
                "n": n,
                "estimate": values[0, i],
                "std_error": se[i],
                "conf_low": lower[i],
                "conf_high": upper[i],
                **{
                    k: v if ranked else np.nan
                    for k, v in (
                        ("rank", ranks[0, i]),
                        ("rank_low", tail[0, i]),
                        ("rank_high", tail[1, i]),
                    )
                },
            }
            for i in range(p)
        ]
    made = pd.DataFrame(rows)
    se, lower, upper = intervals.percentiles(total[1:], total[0], conf_level)
    limits = [
        Note(
            "drivers.associational",
            "Associational: what goes together when the other terms are held equal; "
            "what was not measured may lie behind both.",
        ),
        Note(
            "drivers.shares",
            "Shares are of {what} = {r2:3} ({low:3} to {high:3}); they have no sign "
            "and split the credit of drivers that overlap.",
            r2=total[0],
            low=float(lower),
            high=float(upper),
            what={
                "linear": Note("drivers.r2_linear", "R²"),
                "logit": Note("drivers.r2_logit", "McFadden's R²"),
            }[kind],
        ),
        Note(
            "drivers.halo",
            "Answers from one questionnaire share a mood: drivers and outcome look "
            "more alike than they are.",
        ),
        *left_out(data),
    ]
    strong = [c for c, v in fits.inflation(data.x).items() if v > 5]
    if strong:
        limits.append(
            Note(
                "drivers.collinear",
                "These overlap so much with the others that their intervals are more than "
                "twice as wide as alone: {terms:word}.",
                terms=list(strong),
            )
        )
    if n < max(200, 20 * p):
        limits.append(
            Note(
                "drivers.few_rows",
                "{n} rows for {terms} terms: at least 200 and 20 a term are common floors.",
                n=n,
                terms=p,
            )
        )
    if "share" not in found:
        limits.append(
            Note(
                "drivers.too_many",
                "More than {most} drivers: shares over all subsets are not computed, the "
                "relative weights stand in.",
                most=MOST[kind],
            )
        )
    top = made[made["measure"] == ("share" if "share" in found else "relative_weight")].sort_values(
        "estimate", ascending=False
    )
    made = pd.concat([top, made[made["measure"] != top["measure"].iloc[0]]], ignore_index=True)
    return Result(
        question=Note(
            "drivers.question",
            "Which drivers go with {outcome:word}, and how strongly?",
            outcome=outcome,
        ),
        table=made,
        method=Note(
            "drivers.method",
            "Shares of R² over all orders of entry (LMG), Johnson's relative weights, "
            "standardised weights, penalty and reward; bootstrap over sampling units "
            "({draws} draws, percentiles).",
            draws=draws,
        ),
        unit="rows",
        n=n,
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        chart=Points(
            label=["driver"],
            only={"measure": top["measure"].iloc[0]},
            percent=True,
            xlabel=Note("drivers.axis_share", "Share of what is explained"),
        ),
    )


def _ends(values, low, high):
    """Return which ratings are low and which are high; where thirds leave no middle, the grades
    below and above the median.
    """
    a = np.quantile(values, 1 / 3, method="lower") if low is None else low
    b = np.quantile(values, 2 / 3, method="higher") if high is None else high
    if low is None and high is None and not ((values > a) & (values < b)).any():
        return (values < np.median(values)).astype(float), (values > np.median(values)).astype(
            float
        )
    return (values <= a).astype(float), (values >= b).astype(float)


def _ends_effects(grams, p, ends):
    """Return penalty and reward of every driver from the regression of the outcome on all low and
    high indicators.
    """
    at, place = 2 + p, []
    for pair in ends:
        place.append([])
        for e in pair:
            use = 0 < e.mean() < 1
            place[-1].append(at if use else None)
            at += use
    columns = [0, *(c for pair in place for c in pair if c is not None)]
    a = grams[:, columns][:, :, columns]
    b = grams[:, columns, 1]
    beta = np.linalg.solve(
        a + 1e-9 * np.eye(len(columns)) * np.trace(a[0]) / len(columns), b[:, :, None]
    )[:, :, 0]
    where = {c: i for i, c in enumerate(columns)}
    return [
        np.column_stack(
            [
                beta[:, where[pair[k]]] if pair[k] is not None else np.full(len(grams), np.nan)
                for pair in place
            ]
        )
        for k in (0, 1)
    ]


def _subsets(p):
    return [s for k in range(p + 1) for s in combinations(range(p), k)]


def _r2(rxx, rxy, s):
    if not s:
        return np.zeros(len(rxy))
    s = list(s)
    own = rxy[:, s]
    return np.einsum(
        "bi,bi->b",
        own,
        np.linalg.solve(rxx[:, s][:, :, s] + 1e-12 * np.eye(len(s)), own[:, :, None])[:, :, 0],
    )


def _shapley(r2, p):
    """Return every driver's share of the whole from the worth of all subsets."""
    out = np.zeros((len(r2[()]), p))
    for s in r2:
        for j in set(range(p)) - set(s):
            out[:, j] += (
                factorial(len(s))
                * factorial(p - len(s) - 1)
                / factorial(p)
                * (r2[tuple(sorted((*s, j)))] - r2[s])
            )
    whole = out.sum(axis=1, keepdims=True)
    return np.where(whole > 1e-12, out / np.where(whole > 1e-12, whole, 1), np.nan)


def _johnson(rxx, rxy):
    """Return Johnson's relative weights as shares of R²."""
    values, vectors = np.linalg.eigh(rxx)
    root = (vectors * np.sqrt(np.maximum(values, 1e-12))[:, None, :]) @ vectors.transpose(0, 2, 1)
    beta = np.linalg.solve(root, rxy[:, :, None])
    raw = (root**2 @ beta**2)[:, :, 0]
    return raw / raw.sum(axis=1, keepdims=True)


def _mcfadden(x, y, weights):
    """Return McFadden's R² of a logit for many sets of row weights at once."""
    n = len(y)
    total = weights.sum(axis=1)
    share = weights @ y / total
    null = total * _entropy(share)
    if not x.shape[1]:
        return np.zeros(len(weights))
    z = np.column_stack([np.ones(n), (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)])
    outer = np.einsum("ni,nj->nij", z, z).reshape(n, -1)
    k = z.shape[1]
    beta = np.zeros((len(weights), k))
    beta[:, 0] = special.logit(share)
    for _ in range(12):
        chance = special.expit(np.clip(beta @ z.T, -30, 30))
        gradient = (weights * (y - chance)) @ z
        curve = ((weights * chance * (1 - chance)) @ outer).reshape(-1, k, k) + 1e-8 * np.eye(k)
        move = np.linalg.solve(curve, gradient[:, :, None])[:, :, 0]
        beta += np.clip(move, -3, 3)
        if np.abs(move).max() < 1e-6:
            break
    linear = np.clip(beta @ z.T, -30, 30)
    value = (weights * (y * linear - np.log1p(np.exp(linear)))).sum(axis=1)
    return 1 - value / null


def _entropy(share):
    """Return the log-likelihood a row of a constant chance."""
    return -special.entr(share) - special.entr(1 - share)


@analysis
def importance_performance(
    table, outcome, drivers, *, kind="linear", cluster=None, draws=1000, seed=1, conf_level=0.95
):
    """Which drivers count much and are rated low: where to begin?

    Parameters are those of `key_drivers`, but for `low` and `high`.

    Returns
    -------
    Result
        driver, quadrant (concentrate_here, keep_up, low_priority, possible_overkill, or undecided
        where an interval holds the mean of all drivers, at which the quadrants are cut), n (rows),
        estimate (share of what is explained), std_error, conf_low, conf_high, performance (mean),
        performance_low, performance_high.

    Raises as `key_drivers`.

    Source: Martilla & James (1977), Journal of Marketing 41.
    """
    made = key_drivers(
        table,
        outcome,
        drivers,
        kind=kind,
        cluster=cluster,
        draws=draws,
        seed=seed,
        conf_level=conf_level,
    )
    first = made.table["measure"].iloc[0]
    share = made.table[made.table["measure"] == first].set_index("driver")
    level = (
        made.table[made.table["measure"] == "performance"].set_index("driver").reindex(share.index)
    )
    cut, middle = 1 / len(share), level["estimate"].mean()
    high = np.where(share["conf_low"] > cut, 1, np.where(share["conf_high"] < cut, 0, -1))
    good = np.where(level["conf_low"] > middle, 1, np.where(level["conf_high"] < middle, 0, -1))
    words = {
        (1, 0): "concentrate_here",
        (1, 1): "keep_up",
        (0, 0): "low_priority",
        (0, 1): "possible_overkill",
    }
    result = share[["n", "estimate", "std_error", "conf_low", "conf_high"]].reset_index()
    result["performance"], result["performance_low"], result["performance_high"] = (
        level[c].to_numpy() for c in ("estimate", "conf_low", "conf_high")
    )
    result.insert(
        1, "quadrant", [words.get(pair, "undecided") for pair in zip(high, good, strict=True)]
    )
    return Result(
        question=Note(
            "drivers.ipa_question",
            "Which drivers go strongly with {outcome:word} and are rated low?",
            outcome=outcome,
        ),
        table=result,
        method=Note(
            "drivers.ipa_method",
            "Importance (share of R²) beside performance (mean); bootstrap over "
            "sampling units ({draws} draws).",
            draws=draws,
        ),
        unit="rows",
        n=made.n,
        conf_level=conf_level,
        evidence="associational",
        limits=(
            Note(
                "drivers.ipa_limit",
                "Cut at an equal share ({cut:3} %) and at the mean rating ({middle:3}): "
                "both are conventions; what cannot be placed with confidence is called "
                "undecided.",
                cut=100 * cut,
                middle=middle,
            ),
            *made.limits,
        ),
        chart=Points(
            label=["driver", "quadrant"],
            percent=True,
            reference=cut,
            xlabel=Note("drivers.axis_share", "Share of what is explained"),
        ),
    )


@analysis
def kano(answers, *, conf_level=0.95):
    """Which features must be there, which please the more the better, and which delight?

    Parameters
    ----------
    answers : table with respondent_id, feature, functional, dysfunctional
        How one would feel with and without the feature: 1 like it, 2 expect it, 3 neutral, 4 can
        live with it, 5 dislike it.

    Returns
    -------
    Result
        feature, measure, count, n (answers), estimate, std_error, conf_low, conf_high. Measures:
        the share of each category (attractive, one_dimensional, must_be, indifferent, reverse,
        questionable), better (attractive + one-dimensional over these, must-be and indifferent) and
        worse (minus one-dimensional + must-be over the same).

    Raises InputError for missing columns or answers outside 1 to 5.

    Source: Kano, Seraku, Takahashi & Tsuji (1984); Berger et al. (1993), Center for Quality
    Management Journal 2.
    """
    import pandas as pd

    fits.require(answers, "answers", "respondent_id", "feature", "functional", "dysfunctional")
    frame = answers.dropna(subset=["functional", "dysfunctional"])
    yes, no = frame["functional"].to_numpy(), frame["dysfunctional"].to_numpy()
    if not (np.isin(yes, range(1, 6)).all() and np.isin(no, range(1, 6)).all()):
        raise InputError(
            "drivers.error_answers_functional_and_dysfunctional_must",
            "answers: functional and dysfunctional must be whole numbers from 1 to 5",
        )
    frame = frame.assign(category=KANO[yes.astype(int) - 1, no.astype(int) - 1])
    rows = []
    for feature, mine in frame.groupby("feature", sort=True):
        who, got = mine["respondent_id"].to_numpy(), mine["category"].to_numpy()
        rows += [
            {
                "feature": feature,
                "measure": KANO_NAMES[k],
                **intervals.share(got == k, who, conf_level),
            }
            for k in "AOMIRQ"
        ]
        plain = np.isin(got, list("AOMI"))
        if plain.any():
            rows.append(
                {
                    "feature": feature,
                    "measure": "better",
                    **intervals.share(np.isin(got[plain], list("AO")), who[plain], conf_level),
                }
            )
            worse = intervals.share(np.isin(got[plain], list("OM")), who[plain], conf_level)
            rows.append(
                {
                    "feature": feature,
                    "measure": "worse",
                    **worse,
                    "estimate": -worse["estimate"],
                    "count": -worse["count"],
                    "conf_low": -worse["conf_high"],
                    "conf_high": -worse["conf_low"],
                }
            )
    if not rows:
        raise NotEnoughData(
            "drivers.error_kano_there_is_no_complete", "kano: there is no complete answer"
        )
    limits = [
        Note("drivers.kano_limit", "Categories change: what delights today is expected tomorrow.")
    ]
    if frame["respondent_id"].nunique() < 150:
        limits.append(
            Note(
                "drivers.few",
                "{n} are few; {least} is a common floor.",
                n=frame["respondent_id"].nunique(),
                least=150,
            )
        )
    return Result(
        question=Note(
            "drivers.kano_question",
            "Which features must be there, which please the more the better, and which delight?",
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "drivers.kano_method",
            "Kano's evaluation table; better and worse coefficients after Berger; "
            "Wilson intervals.",
        ),
        unit="answers",
        n=len(frame),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["feature", "measure"],
            only={"measure": ["better", "worse"]},
            reference=0,
            xlabel=Note("drivers.kano_axis", "Better (with the feature) and worse (without)"),
        ),
    )


@analysis
def stated(answers, *, kind="rating", top=None, conf_level=0.95):
    """What do people themselves say matters most?

    Parameters
    ----------
    answers : table with respondent_id, factor, value
        One row a respondent and factor: value is a rating, a rank (1 = most important; factors not
        ranked share the mean of the ranks left), or for "named" 1 or 0 (no row: not named).
    kind : str
        "rating", "rank" or "named".
    top : float, optional
        Ratings at or above it are the top box; None: the two highest grades given.

    Returns
    -------
    Result
        factor, measure (named, mean_rating, top_box, mean_rank), count, n (respondents), estimate,
        std_error, conf_low, conf_high, ties_with (factors it cannot be told apart from; paired
        signed-rank tests, for "named" the same as McNemar's, Holm's correction; empty: apart from
        all; missing beside top_box, and where fewer than ten answered on all factors).

    Raises
    ------
    InputError
        For missing columns, an unknown kind, or a respondent who rated a factor twice.
    NotEnoughData
        Where nobody answered on two factors.

    Source: Friedman (1937), JASA 32; Wilcoxon (1945); Holm (1979).
    """
    import pandas as pd
    from scipy import stats

    fits.require(answers, "answers", "respondent_id", "factor", "value")
    one_of("kind", kind, ("rating", "rank", "named"))
    frame = answers.dropna(subset=["value"])
    if frame.duplicated(["respondent_id", "factor"]).any():
        raise InputError(
            "drivers.error_answers_some_respondents_answered_on",
            "answers: some respondents answered on a factor twice",
        )
    rows, limits = [], []
    wide = frame.pivot(index="respondent_id", columns="factor", values="value").sort_index(axis=1)
    if wide.shape[1] < 2 or not len(wide):
        raise NotEnoughData(
            "drivers.error_stated_answers_on_at_least",
            "stated: answers on at least two factors are needed",
        )
    part = int(wide.isna().any(axis=1).sum())
    if kind == "named":
        wide = wide.fillna(0.0)  # who answered and did not name it
    elif kind == "rank" and part:
        # Who ranked a few left the others behind them, none before another: they share the mean of
        # the ranks that are left.
        rest = (wide.count(axis=1) + 1 + wide.shape[1]) / 2
        wide = wide.apply(lambda c: c.fillna(rest))
        limits.append(
            Note(
                "drivers.rank_part",
                "{n} respondents ranked some factors only; the others share the mean of "
                "the ranks that were left.",
                n=part,
            )
        )
    whole = wide.dropna()
    apart, ties = {}, {}
    if len(whole) >= 10:
        pairs = list(combinations(wide.columns, 2))
        p = [
            1.0 if (whole[a] == whole[b]).all() else stats.wilcoxon(whole[a], whole[b]).pvalue
            for a, b in pairs
        ]
        apart = dict(zip(pairs, intervals.corrected(p) < 1 - conf_level, strict=True))
        ties = {
            f: ", ".join(
                str(word(g))
                for g in wide.columns
                if g != f and not apart.get((f, g), apart.get((g, f), True))
            )
            for f in wide
        }
        if wide.shape[1] > 2:
            limits.append(
                Note(
                    "drivers.friedman",
                    "All factors together differ: Friedman's test, p: {p:p} ({n} complete "
                    "respondents).",
                    p=float(stats.friedmanchisquare(*whole.to_numpy().T).pvalue),
                    n=len(whole),
                )
            )
    cut = np.unique(frame["value"])[-2:][0] if top is None else top
    for factor in wide:
        values = wide[factor].dropna()
        who = values.index.to_numpy()
        tied = {"ties_with": ties.get(factor)}
        if kind == "named":
            rows.append(
                {
                    "factor": factor,
                    "measure": "named",
                    **intervals.share(values.to_numpy() > 0, who, conf_level),
                    **tied,
                }
            )
            continue
        rows.append(
            {
                "factor": factor,
                "measure": f"mean_{kind}",
                **intervals.mean(values, who, conf_level),
                **tied,
            }
        )
        if kind == "rating":
            rows.append(
                {
                    "factor": factor,
                    "measure": "top_box",
                    **intervals.share(values.to_numpy() >= cut, who, conf_level),
                    "ties_with": None,
                }
            )
    first = {"named": "named", "rating": "mean_rating", "rank": "mean_rank"}[kind]
    table = pd.DataFrame(rows)
    table = table.iloc[
        np.lexsort(
            [
                table["factor"].astype(str),
                table["estimate"] * (1 if kind == "rank" else -1),
                table["measure"] != first,
            ]
        )
    ].reset_index(drop=True)
    limits.insert(
        0,
        Note(
            "drivers.stated_limit",
            "People rate almost everything as important, and know their own reasons "
            "only in part: set it beside what choices show.",
        ),
    )
    if len(wide) < 150:
        limits.append(
            Note("drivers.few", "{n} are few; {least} is a common floor.", n=len(wide), least=150)
        )
    return Result(
        question=Note("drivers.stated_question", "What do people themselves say matters most?"),
        table=table,
        method=Note(
            "drivers.stated_method",
            "Shares with Wilson intervals, means with normal ones; paired signed-rank "
            "tests with Holm's correction.",
        ),
        unit="respondents",
        n=len(wide),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["factor"],
            only={"measure": first},
            percent=kind == "named",
            xlabel={
                "rating": Note("drivers.stated_axis_rating", "Mean rating"),
                "rank": Note("drivers.stated_axis_rank", "Mean rank (1 = most important)"),
                "named": Note("drivers.stated_axis_named", "Share who name it"),
            }[kind],
        ),
    )
