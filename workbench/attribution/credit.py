"""Credit by rule, by removal from a chain, by Shapley's value; side by side, and beside the truth
where it is known.
"""

from math import factorial

import numpy as np

from workbench import intervals
from workbench.attribution.paths import kinds, profiles
from workbench.errors import InputError, need_columns, one_of, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis

RULES = ("first", "last", "last_non_direct", "linear", "time_decay", "position")
EXACT = 12  # channels up to which all coalitions are gone through
SHUFFLES = 2000
MOST = 62  # channels a set of which fits a whole number
FEW_PATHS, FEW_CONVERSIONS = 1000, 200  # below these, credits are unstable

AXIS = Note("attribution.axis", "Share of attributed conversions")
NO_EFFECT = Note(
    "attribution.rules_limit",
    "Attribution is no effect: it says which channels preceded a conversion, not how many "
    "conversions would be missing without them.",
)


RULES_QUESTION = Note(
    "attribution.rules_question",
    "To which channels do the common rules attribute conversions?",
)
MARKOV_LIMIT = Note(
    "attribution.markov_limit",
    "Removal within the model: it assumes that everyone who would have come through the "
    "channel is lost. Many would have come another way, so this is no effect.",
)
MARKOV_QUESTION = Note(
    "attribution.markov_question",
    "How many conversions would a chain of contacts lose without each channel?",
)
SHAPLEY_QUESTION = Note(
    "attribution.shapley_question",
    "How are conversions attributed if every channel gets what it adds, averaged over all "
    "orders in which channels can join?",
)
SHAPLEY_METHOD = Note(
    "attribution.shapley_method",
    "Shapley values over sets of channels; bootstrap over customers.",
)
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


@analysis
def rules(journeys, *, which=RULES, half_life="7D", direct="direct", conf_level=0.95):
    """Who gets the credit for a conversion by the common rules of thumb?

    Parameters
    ----------
    journeys : Journeys
    which : list of str
        first, last, last_non_direct (the last that is not `direct`, unless there is none), linear,
        time_decay (half as much a `half_life` earlier; without times, a contact earlier), position
        (40 % to the first, 40 % to the last, the rest between them; halves of two).
    half_life : str
    direct : str
        The channel that is no channel.

    Returns
    -------
    Result
        rule, channel, count (conversions credited), n (conversions), estimate (share of the
        credit), std_error, conf_low, conf_high, and where conversions have a worth value (worth
        credited). The customer is the sampling unit.

    Raises
    ------
    InputError
        For an unknown rule.
    NotEnoughData
        Without a conversion that has a contact before it.

    Source: rules as in the documentation of the R package ChannelAttribution and of common web
    tools.
    """
    import pandas as pd

    from workbench import schemas

    journeys.check()
    rows, path = [], journeys.path
    # People are the sampling unit: a row a customer, or a row a path that stands for so many
    # people.
    who = np.arange(len(journeys.times)) if journeys.alone else journeys.customer
    each, worth = (
        (journeys.conversions, journeys.value * journeys.times)
        if journeys.alone
        else (journeys.times * journeys.conversions, journeys.value * journeys.times)
    )
    people = int(who.max()) + 1
    times = journeys.times if journeys.alone else np.ones(people)
    x = np.bincount(who, each, people)
    total, xx, n = times @ x, times @ x**2, times.sum()
    for rule in which:
        one_of("rule", rule, RULES)
        share = _shares(journeys, rule, schemas.micros("half_life", half_life), direct)
        for k, name in enumerate(journeys.names):
            mine = journeys.code == k
            y = np.bincount(who[path[mine]], (share * each[path])[mine], people)
            estimate, se, low, high = intervals.ratio_of_sums(
                times @ y, total, times @ y**2, times @ (x * y), xx, n, conf_level
            )
            if not se > 0:  # all or nothing in the sample is not known to be so
                low, high = intervals.clustered(
                    float(estimate), float(se), total, times @ (x > 0), conf_level
                )
            rows.append(
                {
                    "rule": rule,
                    "channel": name,
                    "count": float(times @ y),
                    "n": int(total),
                    "estimate": float(estimate),
                    "std_error": float(se),
                    "conf_low": float(max(low, 0)),
                    "conf_high": float(min(high, 1)),
                    "value": float((share * worth[path])[mine].sum()),
                }
            )
    return Result(
        question=RULES_QUESTION,
        table=_worth(pd.DataFrame(rows), journeys),
        method=Note(
            "attribution.rules_method",
            "Attribution by rule over paths that converted (half-life {half_life:span}); the "
            "customer is the sampling unit.",
            half_life=half_life,
        ),
        answer=_rules_answer(pd.DataFrame(rows)),
        unit="conversions",
        n=int(total),
        conf_level=conf_level,
        limits=(
            NO_EFFECT,
            *_shared(journeys),
        ),
        chart=Points(
            label=["channel", "rule"],
            only={
                "rule": [r for r in ("first", "last", "linear") if r in which] or list(which)[:3]
            },
            percent=True,
            xlabel=AXIS,
        ),
    )


def _rules_answer(table):
    """Return the channel with most conversions by last contact, and its share by other rules."""
    rule = "last" if (table["rule"] == "last").any() else table["rule"].iloc[0]
    rows = table[table["rule"] == rule].sort_values(
        ["estimate", "channel"], ascending=[False, True]
    )
    row = rows.iloc[0]
    values = {**_credit_values(row), "rule": rule}
    if table["rule"].nunique() == 1:
        return Note(
            "attribution.rule_answer",
            "By the rule “{rule:word}” most conversions are attributed to {channel:word}: "
            "{share:%} ({low:%} to {high:%}; {count:4} of {n}).",
            **values,
        )
    same = table.loc[table["channel"] == row["channel"], "estimate"]
    return Note(
        "attribution.rules_answer",
        "By the rule “{rule:word}” most conversions are attributed to {channel:word}: {share:%} "
        "({low:%} to {high:%}; {count:4} of {n}); by the other rules its share lies between "
        "{least:%} and {most:%}.",
        least=same.min(),
        most=same.max(),
        **values,
    )


def _credit_values(row):
    """Return the values of a row of credit by their names in a sentence."""
    return {
        "channel": row["channel"],
        "share": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "count": row["count"],
        "n": row["n"],
    }


def _most_credited(table):
    """Return the channel to which most conversions are attributed."""
    rows = table.sort_values(["estimate", "channel"], ascending=[False, True])
    values = _credit_values(rows.iloc[0])
    if values["low"] == values["low"]:
        return Note(
            "attribution.credit_answer",
            "Most conversions are attributed to {channel:word}: {share:%} ({low:%} to {high:%}; "
            "{count:4} of {n}).",
            **values,
        )
    del values["low"], values["high"]
    return Note(
        "attribution.credit_undrawn",
        "Most conversions are attributed to {channel:word}: {share:%} ({count:4} of {n}; no "
        "interval was asked for).",
        **values,
    )


def _few(paths, won):
    """Return the sentence on how few paths and conversions there are."""
    return Note(
        "attribution.few",
        "{paths} paths and {won} conversions are few; {least_paths} and {least_won} are common "
        "minimums.",
        paths=paths,
        won=won,
        least_paths=FEW_PATHS,
        least_won=FEW_CONVERSIONS,
    )


def _worth(table, journeys):
    """Return the table without its column of worth where every conversion counts as one."""
    return table if journeys.valued else table.drop(columns="value")


def _shares(j, rule, half, direct):
    """Return each contact's share of its path's credit; the shares of a path add up to 1."""
    n, size = len(j.code), j.length
    path = j.path
    first, last = j.begin[:-1], j.begin[1:] - 1
    out = np.zeros(n)
    if rule == "first":
        out[first] = 1.0
    elif rule == "last":
        out[last] = 1.0
    elif rule == "last_non_direct":
        named = np.where(np.array(j.names)[j.code] != direct, np.arange(n), -1)
        found = np.maximum.reduceat(named, first)
        out[np.where(found >= 0, found, last)] = 1.0
    elif rule == "linear":
        out = 1.0 / size[path]
    elif rule == "time_decay":
        age = (
            (j.ended[path] - j.moment) / half
            if j.moment is not None
            else (last[path] - np.arange(n)).astype(float)
        )
        w = 0.5 ** (age - np.minimum.reduceat(age, first)[path])
        out = w / np.add.reduceat(w, first)[path]
    else:
        out = 0.2 / np.maximum(size[path] - 2, 1)
        out[first], out[last] = 0.4, 0.4
        out[np.isin(np.arange(n), first[size == 2]) | np.isin(np.arange(n), last[size == 2])] = 0.5
        out[first[size == 1]] = 1.0
    return out


@analysis
def markov(journeys, *, order=1, draws=200, seed=1, conf_level=0.95):
    """How many conversions would a chain of contacts lose without each channel?

    Contacts follow one another as in the data; without a channel, who would have come to it is
    lost. The chances are solved for exactly, not simulated. The losses are then scaled so that the
    credits add up to the conversions.

    Parameters
    ----------
    journeys : Journeys
        With unsuccessful paths too: without them every chain ends in a conversion.
    order : int
        Contacts remembered, at least 1.
    draws, seed : int
        Of the bootstrap over customers; 0 draws: no interval.

    Returns
    -------
    Result
        channel, measure (credit, removal), count (conversions credited; missing for removal), n
        (conversions; paths for removal), estimate (share of the credit; share of conversions lost),
        std_error, conf_low, conf_high, and where conversions have a worth value (the worth
        credited, by how much of it would be lost).

    Raises
    ------
    InputError
        For an order below 1, or paths of which none was unsuccessful.
    NotEnoughData
        Without a conversion that has a contact before it.

    Source: Anderl, Becker, von Wangenheim & Schumann (2016), International Journal of Research in
    Marketing 33; removal from the fundamental matrix: Kemeny & Snell (1960), Finite Markov Chains.
    """
    import pandas as pd

    journeys.check()
    if order < 1:
        raise InputError(
            "attribution.error_order",
            "order: must be at least {least}, found {order}",
            least=1,
            order=order,
        )
    lost = float((journeys.times * (1 - journeys.conversions)).sum())
    if not lost:
        raise InputError(
            "attribution.error_markov_unsuccessful",
            "markov: there is no path without a conversion, so every chain ends in one; add the "
            "paths of those who did not convert",
        )
    won = float((journeys.times * journeys.conversions).sum())
    chain = _Chain(journeys, order)
    estimate = chain.removal(chain.counts(journeys.times)[None])[0]
    k = len(journeys.names)
    drawn = chain.bootstrap(journeys, draws, seed) if draws else np.zeros((0, k))
    share = estimate / estimate.sum()
    spread = [
        intervals.percentiles(values, middle, conf_level)
        for values, middle in ((drawn / drawn.sum(axis=1, keepdims=True), share), (drawn, estimate))
    ]
    # What is lost of the worth: the same chain, every conversion counted by what such conversions
    # are worth on average.
    pay = (
        chain.removal(chain.counts(journeys.times)[None], chain.worth(journeys))[0]
        if journeys.valued
        else estimate
    )
    pay = pay / pay.sum() * float((journeys.value * journeys.times).sum())
    rows = [
        {
            "channel": name,
            "measure": "credit",
            "count": share[i] * won,
            "n": int(won),
            "estimate": share[i],
            "std_error": spread[0][0][i],
            "conf_low": spread[0][1][i],
            "conf_high": spread[0][2][i],
            "value": pay[i],
        }
        for i, name in enumerate(journeys.names)
    ]
    rows += [
        {
            "channel": name,
            "measure": "removal",
            "count": np.nan,
            "n": int(won + lost),
            "estimate": estimate[i],
            "std_error": spread[1][0][i],
            "conf_low": spread[1][1][i],
            "conf_high": spread[1][2][i],
            "value": np.nan,
        }
        for i, name in enumerate(journeys.names)
    ]
    limits = [
        MARKOV_LIMIT,
        Note(
            "attribution.markov_base",
            "{share:%} of paths convert; the losses add up to {sum:%0} and are scaled to the "
            "number of conversions.",
            share=won / (won + lost),
            sum=float(estimate.sum()),
        ),
        *_shared(journeys),
    ]
    if won < FEW_CONVERSIONS or won + lost < FEW_PATHS:
        limits.append(_few(won + lost, won))
    return Result(
        question=MARKOV_QUESTION,
        table=_worth(pd.DataFrame(rows), journeys),
        method=Note(
            "attribution.markov_method",
            "Absorbing Markov chain of order {order}, removal effects solved exactly; bootstrap "
            "over customers.",
            order=order,
        ),
        answer=_most_credited(pd.DataFrame(rows[:k])),
        unit="paths",
        n=int(won + lost),
        conf_level=conf_level,
        evidence="descriptive",
        limits=tuple(limits),
        chart=Points(
            label=["channel"],
            only={"measure": "credit"},
            percent=True,
            xlabel=AXIS,
        ),
    )


class _Chain:
    """Moves between states (start, the last contacts, conversion, nothing), counted over paths."""

    def __init__(self, j, order):
        self.k, self.order = len(j.names), order
        base = self.k + 1
        n = len(j.code)
        at = np.arange(n) - np.repeat(j.begin[:-1], j.length)
        state = j.code + 1
        for back in range(1, order):
            earlier = np.zeros(n, np.int64)
            earlier[back:] = j.code[:-back] + 1 if back < n else 0
            earlier[at < back] = 0
            state = state + earlier * base**back
        if base**order <= 4 * n:  # few possible states: no need to sort
            met = np.bincount(state, minlength=base**order) > 0
            self.states, code = np.flatnonzero(met), (np.cumsum(met) - 1)[state]
        else:
            self.states, code = np.unique(state, return_inverse=True)
        self.s = len(self.states) + 1  # 0 is the start
        code = code + 1
        self.channel = np.concatenate([[-1], self.states % base - 1])
        before = np.zeros(n, np.int64)
        before[1:] = code[:-1]
        before[j.begin[:-1]] = 0
        width = self.s + 2  # the last two columns: conversion, nothing
        ends = code[j.begin[1:] - 1] * width + np.where(j.conversions > 0, self.s, self.s + 1)
        self.width, self.move, self.ends, self.path = width, before * width + code, ends, j.path

    def counts(self, times):
        """Return how often each move happened, states × (states, conversion, nothing)."""
        size = self.s * self.width
        return (
            np.bincount(self.move, times[self.path], size) + np.bincount(self.ends, times, size)
        ).reshape(self.s, self.width)

    def worth(self, j):
        """Return the mean worth of the conversions that come right after each state."""
        size = self.s * self.width
        paid, won = (
            np.bincount(self.ends, v, size).reshape(self.s, self.width)[:, self.s]
            for v in (j.value * j.times, j.conversions * j.times)
        )
        return np.divide(paid, won, out=np.zeros_like(paid), where=won > 0)

    def removal(self, counts, worth=1.0):
        """Return the share of conversions (or of their `worth` by state) lost without each channel,
        a row a matrix of counts.
        """
        out = np.zeros((len(counts), self.k))
        step = max(1, 40_000_000 // self.s**2)
        for a in range(0, len(counts), step):
            c = counts[a : a + step]
            total = c.sum(axis=2, keepdims=True)
            p = np.divide(c, total, out=np.zeros_like(c, float), where=total > 0)
            q, win = p[:, :, : self.s], p[:, :, self.s] * worth
            eye = np.eye(self.s)
            if self.order == 1:
                visits = np.linalg.inv(eye - q)
                chance = np.einsum("bij,bj->bi", visits, win)
                for s in range(1, self.s):
                    # The chance ever to be at a channel, times the chance to convert from there.
                    out[a : a + step, self.channel[s]] = (
                        visits[:, 0, s] / visits[:, s, s] * chance[:, s] / chance[:, 0]
                    )
                continue
            base = np.linalg.solve(eye - q, win[:, :, None])[:, 0, 0]
            for k in range(self.k):
                cut = q * (self.channel != k)[None, None, :]
                out[a : a + step, k] = (
                    1 - np.linalg.solve(eye - cut, win[:, :, None])[:, 0, 0] / base
                )
        return out

    def bootstrap(self, j, draws, seed):
        """Return removal effects of draws of whole customers; people with the same paths are drawn
        together.
        """
        from scipy import sparse

        kind, first = kinds(j)
        people, profile, of, times = profiles(j, kind)
        # Moves of each kind of path, then of each profile.
        place = np.full(len(j.conversions), -1)
        place[first] = np.arange(len(first))
        mine = place[self.path] >= 0
        rows = np.concatenate([place[self.path[mine]], np.arange(len(first))])
        cells = np.concatenate([self.move[mine], self.ends[first]])
        used, column = np.unique(cells, return_inverse=True)
        moves = sparse.csr_matrix((np.ones(len(rows)), (rows, column)), (len(first), len(used)))
        per = sparse.csr_matrix((times, (profile, of)), (len(people), len(first))) @ moves
        rng = np.random.default_rng(seed)
        n = people.sum()
        out = []
        for a in range(0, draws, 25):
            drawn = np.array(
                [rng.multinomial(n, people / n) for _ in range(min(25, draws - a))], float
            )
            counts = np.zeros((len(drawn), self.s * self.width))
            counts[:, used] = (per.T @ drawn.T).T
            counts = counts.reshape(len(drawn), self.s, self.width)
            good = counts[:, :, self.s].sum(axis=1) > 0
            out.append(self.removal(counts[good]))
        return np.concatenate(out)


WORTH = {
    "count": Note(
        "attribution.shapley_count",
        "A set of channels is worth the conversions of paths that use no others: each conversion "
        "is divided evenly over the channels of its path.",
    ),
    "rate": Note(
        "attribution.shapley_rate",
        "A set of channels is worth the share of paths using no others that convert: a channel "
        "may lower it, and its share is then negative.",
    ),
}


@analysis
def shapley(journeys, *, worth="count", draws=200, seed=1, conf_level=0.95):
    """How is credit shared if every channel gets what it adds, averaged over all orders in which
    channels may join?

    Parameters
    ----------
    journeys : Journeys
    worth : str
        What a set of channels is worth: "count", the conversions of paths that use no other
        channels (then every path's credit is split evenly over its channels), or "rate", the share
        of such paths that convert (needs unsuccessful paths; exact to 12 channels, beyond from
        random orders, whose own error is given).
    draws, seed : int
        Of the bootstrap over customers, and of the random orders.

    Returns
    -------
    Result
        channel, count (conversions credited), n (conversions), estimate (share of the credit; with
        "rate" it may fall below 0), std_error, conf_low, conf_high, order_error (standard error
        that comes from the random orders;
        0 where exact), and where conversions have a worth value (the worth credited, with worth in
        the place of conversions).

    Raises
    ------
    InputError
        For an unknown worth, or "rate" without unsuccessful paths.
    NotEnoughData
        Without a conversion that has a contact before it.

    Source: Shapley (1953); Zhao, Mahboobi & Bagheri (2018), arXiv 1804.05327.
    """
    import pandas as pd

    one_of("worth", worth, ("count", "rate"))
    journeys.check()
    k = len(journeys.names)
    if k > MOST:
        raise InputError(
            "attribution.error_shapley_channels",
            "shapley: at most {most} channels, found {found}; combine small ones first",
            most=MOST,
            found=k,
        )
    won = journeys.times * journeys.conversions
    lost = journeys.times * (1 - journeys.conversions)
    if worth == "rate" and not lost.sum():
        raise InputError(
            "attribution.error_shapley_unsuccessful",
            "shapley: there is no path without a conversion, so every rate is {rate:%0}; use "
            'worth="count" or add the other paths',
            rate=1.0,
        )
    mask = np.bitwise_or.reduceat(np.int64(1) << journeys.code, journeys.begin[:-1])
    sets, which = np.unique(mask, return_inverse=True)
    people, profile, of, times = profiles(journeys, which * 2 + journeys.conversions.astype(int))
    rng = np.random.default_rng(seed)
    orders = (
        None
        if worth == "count" or k <= EXACT
        else np.array([rng.permutation(k) for _ in range(SHUFFLES)])
    )

    def value(good, paths):
        """Credits of every channel (rows: draws) from conversions (or their worth) and paths by
        set, and the error of random orders.
        """
        if worth == "count":
            member = (sets[:, None] >> np.arange(k)) & 1
            return (good / member.sum(axis=1)) @ member, np.zeros(k)
        return _coalitions(sets, good, paths, k, orders)

    good = np.bincount(which, won, len(sets))[None]
    all_paths = np.bincount(which, won + lost, len(sets))[None]
    credit, luck = value(good, all_paths)
    share = credit[0] / credit[0].sum()
    made = np.zeros((0, k))
    if draws:
        from scipy import sparse

        per = sparse.csr_matrix((times, (profile, of)), (len(people), 2 * len(sets)))
        n = people.sum()
        drawn = np.array([rng.multinomial(n, people / n) for _ in range(draws)], float)
        counts = np.asarray((per.T @ drawn.T).T)
        made, _ = value(counts[:, 1::2], counts[:, 0::2] + counts[:, 1::2])
        made = made[made.sum(axis=1) > 0]
        made = made / made.sum(axis=1, keepdims=True)
    se, low, high = intervals.percentiles(made, share, conf_level)
    total, paid = float(won.sum()), journeys.value * journeys.times
    pay = (
        value(np.bincount(which, paid, len(sets))[None], all_paths)[0][0]
        if journeys.valued
        else credit[0]
    )
    table = _worth(
        pd.DataFrame(
            {
                "channel": journeys.names,
                "count": share * total,
                "n": int(total),
                "estimate": share,
                "std_error": se,
                "conf_low": low,
                "conf_high": high,
                "value": pay / pay.sum() * paid.sum(),
                "order_error": luck / abs(credit[0].sum()),
            }
        ),
        journeys,
    )
    limits = [
        WORTH[worth],
        NO_EFFECT,
        *_shared(journeys),
    ]
    if orders is not None:
        limits.append(
            Note(
                "attribution.shapley_sampled",
                "From {shuffles} random orders; the error this adds is at most {error:%2}.",
                shuffles=SHUFFLES,
                error=float(table["order_error"].max()),
            )
        )
    if won.sum() + lost.sum() < FEW_PATHS:
        limits.append(_few(won.sum() + lost.sum(), total))
    return Result(
        question=SHAPLEY_QUESTION,
        table=table,
        method=SHAPLEY_METHOD,
        answer=_most_credited(table),
        unit="conversions",
        n=int(total),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(label=["channel"], percent=True, xlabel=AXIS),
    )


def _coalitions(sets, good, paths, k, orders):
    """Return Shapley values of the conversions (or worth) per path within coalitions, exactly or
    from random orders, with the orders' own error.
    """
    if orders is None:
        size = 1 << k
        totals = []
        for part in (good, paths):
            full = np.zeros((len(part), size))
            full[:, sets] = part
            # Sums over all subsets, one channel at a time.
            for i in range(k):
                view = full.reshape(len(part), -1, 2, 1 << i)
                view[:, :, 1] += view[:, :, 0]
            totals.append(full)
        rate = np.divide(totals[0], totals[1], out=np.zeros_like(totals[0]), where=totals[1] > 0)
        members = np.arange(size)
        many = np.array([int(m).bit_count() for m in members])
        weight = np.array(
            [factorial(s) * factorial(k - s - 1) / factorial(k) if s < k else 0.0 for s in many]
        )
        out = np.zeros((len(good), k))
        for i in range(k):
            without = members[(members >> i) & 1 == 0]
            out[:, i] = ((rate[:, without | (1 << i)] - rate[:, without]) * weight[without]).sum(
                axis=1
            )
        return out, np.zeros(k)
    gains = np.zeros((len(orders), len(good), k))
    for o, order in enumerate(orders if len(good) == 1 else orders[:200]):
        inside = np.int64(0)
        before = np.zeros(len(good))
        for i in order:
            inside |= np.int64(1) << np.int64(i)
            own = (sets & ~inside) == 0
            a, n = good[:, own].sum(axis=1), paths[:, own].sum(axis=1)
            now = np.divide(a, n, out=np.zeros(len(a)), where=n > 0)
            gains[o, :, i] = now - before
            before = now
    used = gains[: len(orders) if len(good) == 1 else 200]
    return used.mean(axis=0), used[:, 0].std(axis=0, ddof=1) / np.sqrt(len(used))


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
        limits=tuple(limits) + tuple(_shared(journeys)),
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


def _shared(j):
    """Return the sentences on what could not take part."""
    young, untouched = j.left_out.get("young", 0), j.left_out.get("untouched", 0)
    return (
        [
            Note(
                "attribution.young",
                "{n} path may still go on and is left out.",
                "{n} paths may still go on and are left out.",
                n=young,
            )
        ]
        if young
        else []
    ) + (
        [
            Note(
                "attribution.untouched",
                "{n} conversion has no contact with a channel before it and is attributed to none.",
                "{n} conversions have no contact with a channel before them and are attributed to "
                "none.",
                n=untouched,
            )
        ]
        if untouched
        else []
    )
