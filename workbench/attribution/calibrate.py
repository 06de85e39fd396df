"""Attribution held against experiments: what the tests say of the tested channels, and how far that
carries to the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import InputError, NotEnoughData, need_columns, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from workbench.types import Table

# scale of what is thought of the spread of ratios between channels before any test (half-normal)
SPREAD = 0.5
LEAST_TESTS = 2
GRADE = "quasi-causal: attribution calibrated by experiments"

NONE_TO_ALL = Note(
    "attribution.none_to_all",
    "Of a channel without a test, between none and all of what is credited to it is taken to be "
    "real; that it drives buyers away is left out of account.",
)
TRANSPORT = Note(
    "attribution.transport",
    "Tests hold for their own period and people; other seasons and budgets may differ.",
)


CALIBRATED_QUESTION = Note(
    "attribution.calibrated_question",
    "How many conversions does each channel bring about, given attribution and the "
    "tests there are?",
)


@engine.frames("tests")
@analysis
def calibrate_to_experiments(
    credit: Result,
    tests: Table,
    *,
    method: str = "markov_chain",
    draws: int = 8000,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """How many conversions does each channel bring about, by its attributed credit and the tests
    there are?

    A test tells what share of a channel's credit is real. Those shares differ between channels by
    an unknown amount, estimated from the tests; a channel without a test is expected to lie among
    them, and its interval says how little that fixes.

    Parameters
    ----------
    credit : Result of `markov`, `shapley`, `heuristics` or `compare`
    tests : table with channel, incremental, std_error
        Conversions a test found the channel to bring about in the same time (0 or less is
        possible), and its standard error.
    method : str
        Which rows of a Result with several methods or rules.
    draws, seed : int

    Returns
    -------
    Result
        channel, basis (tested or not_tested), count (conversions credited), n (conversions),
        estimate (conversions brought about), std_error, conf_low, conf_high, left_out (for a tested
        channel: what the other tests predict for it), evidence (of the row). Of a channel without a
        test between none and all of its credit is real. The leave-one-test-out error and the share
        of credit without a test stand in `.facts`.

    Raises
    ------
    InputError
        For missing columns, an unknown channel or method, or a standard error that is not above 0.
    NotEnoughData
        With fewer than two tests.

    Source: hierarchical normal model, Gelman et al. (2013), Bayesian Data Analysis, chapter 5, flat
    prior on the mean ratio and half-normal (0.5) on the spread; motivation Gordon et al. (2019),
    Marketing Science 38.
    """
    import pandas as pd

    table = credit.table
    for column in ("method", "rule"):
        if column in table:
            if method not in set(table[column]):
                raise unknown("method", "method", method, sorted(table[column].unique()))
            table = table[table[column] == method]
    if "measure" in table:
        table = table[table["measure"] == "credit"]
    table = table.set_index("channel")
    tests = _by_channel(tests)
    for name in tests["channel"]:
        if name not in table.index:
            raise unknown("tests", "channel", name, table.index)
    if not (tests["std_error"] > 0).all() or tests["channel"].duplicated().any():
        raise InputError(
            "attribution.error_tests_rows",
            "tests: one row a channel is needed, with a standard error above 0; "
            "combine several tests of a channel first",
        )
    if len(tests) < LEAST_TESTS:
        raise NotEnoughData(
            "attribution.error_too_few_tests",
            "calibrate_to_experiments: at least {least} tests are needed to estimate how far "
            "results hold for other channels",
            least=LEAST_TESTS,
        )
    count = table["count"].to_numpy(float)
    at = table.index.get_indexer(tests["channel"])
    if (count[at] <= 0).any():
        raise InputError(
            "attribution.error_tested_without_credit",
            "tests: no conversions are attributed to a tested channel, so its test cannot be "
            "compared with them",
        )
    incremental = tests["incremental"].to_numpy(float)
    ratio = incremental / count[at]
    error = tests["std_error"].to_numpy(float) / count[at]
    rng = np.random.default_rng(seed)
    own, others = _posterior(ratio, error, draws, rng)
    made = _untested(others, len(count), rng) * count
    made[:, at] = own * count[at]
    left = np.full(len(count), np.nan)
    for i in range(len(tests)):
        keep = np.arange(len(tests)) != i
        share = ratio[keep][0]
        if keep.sum() > 1:
            share = _posterior(ratio[keep], error[keep], draws, rng)[1][:, 0].mean()
        left[at[i]] = share * count[at[i]]
    se, low, high = intervals.percentiles(made, made.mean(axis=0), conf_level)
    tested = np.isin(np.arange(len(count)), at)
    result = pd.DataFrame(
        {
            "channel": table.index,
            "basis": np.where(tested, "tested", "not_tested"),
            "count": count,
            "n": table["n"].to_numpy(),
            "estimate": made.mean(axis=0),
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
            "left_out": left,
            # A test that leans on the others is no experiment of its own, and what has no test
            # only resembles those that have one.
            "evidence": np.where(tested, GRADE, "associational"),
        }
    )
    middle = np.quantile(others[:, 0], [(1 - conf_level) / 2, 0.5, (1 + conf_level) / 2])
    limits = _calibrated_limits(count, at, left[at], incremental, (*middle, others[:, 1]))
    return Result(
        question=CALIBRATED_QUESTION,
        table=result,
        method=Note(
            "attribution.calibrated_method",
            "Hierarchical model of the share of attributed conversions that is real, from "
            "{tests} tests.",
            tests=len(tests),
        ),
        answer=_calibrated_answer(result),
        unit="conversions",
        n=int(result["n"].iloc[0]),
        conf_level=conf_level,
        evidence=GRADE,
        limits=limits,
        chart=Points(
            label=["channel"],
            group="basis",
            reference=0,
            xlabel=Note("attribution.calibrated_axis", "Conversions brought about"),
        ),
    )


def _calibrated_limits(count, tested_at, left, found, ratio):
    """Return how much has no test, what share of credit is real, and how far a test is missed."""
    low, middle, high, spread = ratio
    tested = np.isin(np.arange(len(count)), tested_at)
    return (
        Note(
            "attribution.untested",
            "{count} channel with {share:%} of attributed conversions has no test: its estimate "
            "rests on the tested channels.",
            "{count} channels with {share:%} of attributed conversions have no test: their "
            "estimates rest on the tested channels.",
            share=float(count[~tested].sum() / count.sum()),
            count=int((~tested).sum()),
        ),
        NONE_TO_ALL,
        Note(
            "attribution.ratio",
            "On average {middle:%} of attributed conversions are brought about by the channel "
            "({low:%} to {high:%}); between channels that share varies with a standard "
            "deviation of {spread:points} percentage points.",
            middle=middle,
            low=low,
            high=high,
            spread=float(np.median(spread)),
        ),
        Note(
            "attribution.left_out",
            "Predicted from the other tests, a test is missed by {off:3} conversions on average; "
            "uncorrected attribution misses it by {plain:3}.",
            off=float(np.abs(left - found).mean()),
            plain=float(np.abs(count[tested_at] - found).mean()),
        ),
        TRANSPORT,
    )


def _calibrated_answer(table):
    """Return the channel whose lower limit is highest, with its interval."""
    own = table[table["basis"] == "tested"]
    row = own.sort_values(["conf_low", "channel"], ascending=[False, True]).iloc[0]
    values = {
        "channel": row["channel"],
        "effect": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "n": row["n"],
        "credited": row["count"],
    }
    if row["conf_low"] > 0:
        return Note(
            "attribution.calibrated_answer",
            "Most certain is {channel:word}: it brings about an estimated {effect:3} of {n} "
            "conversions ({low:3} to {high:3}), where {credited:4} are attributed to it.",
            **values,
        )
    return Note(
        "attribution.calibrated_unclear",
        "No channel clearly brings about conversions: {channel:word} comes closest with an "
        "estimated {effect:3} of {n} ({low:3} to {high:3}), where {credited:4} are attributed to "
        "it.",
        **values,
    )


def _untested(others, channels, rng):
    """Return draws of the share of credit that is real, of channels without a test: between none
    and all of it.
    """
    luck = rng.normal(size=(len(others), channels))
    return np.clip(others[:, :1] + others[:, 1:] * luck, 0, 1)


def _posterior(ratio, error, draws, rng):
    """Return draws of each tested channel's ratio, and of the mean and spread of ratios between
    channels.
    """
    tau = np.linspace(0, 4 * SPREAD, 401)
    v = error[None, :] ** 2 + tau[:, None] ** 2
    w = 1 / v
    mean, var = (w * ratio).sum(axis=1) / w.sum(axis=1), 1 / w.sum(axis=1)
    log = (
        0.5 * np.log(var)
        - 0.5 * np.log(v).sum(axis=1)
        - 0.5 * ((ratio - mean[:, None]) ** 2 / v).sum(axis=1)
        - 0.5 * (tau / SPREAD) ** 2
    )
    chance = np.exp(log - log.max())
    pick = rng.choice(len(tau), draws, p=chance / chance.sum())
    mu, spread = mean[pick] + np.sqrt(var[pick]) * rng.normal(size=draws), tau[pick]
    tight = np.maximum(spread, 1e-9)[:, None]
    precision = 1 / error**2 + 1 / tight**2
    own = (ratio / error**2 + mu[:, None] / tight**2) / precision + rng.normal(
        size=(draws, len(ratio))
    ) / np.sqrt(precision)
    return own, np.column_stack([mu, spread])


def _by_channel(tests):
    """Return the tests in the order of their channels, so that no draw hangs on that of rows."""
    need_columns("tests", tests.columns, "channel", "incremental", "std_error")
    return tests.sort_values("channel", ignore_index=True)
