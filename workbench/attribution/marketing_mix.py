"""A small marketing-mix model: what did spending on each medium bring, given that it lingers and
wears out?
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats import media_mix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

LEAST, PER_EFFECT = 30, 5  # periods in all, and for every effect
FEW = 104  # two years of weeks
TOGETHER = 0.7  # correlation above which two media can hardly be separated

CONFOUNDED = Note(
    "attribution.mix_limit",
    "Budgets follow expected sales, and media move together: without experiments this remains a "
    "correlation.",
)


@engine.frames("table", optional=("tests",))
@analysis
def marketing_mix(
    table: Table,
    sales: str,
    media: Sequence[str],
    *,
    controls: Sequence[str] = (),
    season: int = 52,
    harmonics: int = 2,
    tests: Table | None = None,
    holdout: int = 12,
    draws: int = 100,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """How much of the sales did each medium bring, and what would one more unit of money bring?

    Spending lingers (geometric adstock: a share of each period's effect stays for the next) and
    wears out (x / (x + half): at half spending half the most is reached). Effects cannot be
    negative. Lingering and wear are estimated together with the effects.

    Parameters
    ----------
    table : DataFrame
        One row a period, in order of time, none missing.
    sales : str
    media : list of str
        Columns of spending.
    controls : list of str
        Columns such as price or distribution.
    season : int
        Periods a year; with fewer than two years no season is fitted.
    harmonics : int
        Waves of the season.
    tests : table with channel, contribution, std_error, optional
        Contributions over the whole time that experiments found; they pull the fit as strongly as
        they are sure.
    holdout : int
        Last periods predicted from the others, as a check.
    draws, seed : int
        Of the bootstrap (residuals in blocks of four periods, everything fitted anew).

    Returns
    -------
    Result
        channel, measure, n (periods), estimate, std_error, conf_low, conf_high. Measures:
        contribution (sales brought over the whole time), share (of all sales), return_on_spend
        (contribution over spending), marginal_return (of one more unit of money a period at the
        mean of what was spent), lingering (share that stays), half (spending at which half the most
        is reached). `.model` is a
        `stats.media_mix.MediaMix`.

    Raises
    ------
    InputError
        For missing columns or values, negative spending, a medium never used, or tests of unknown
        channels or without an error.
    NotEnoughData
        With fewer than 30 periods, or fewer than five an effect.

    Source: Jin, Wang, Sun, Chan & Koehler (2017), Google technical report (adstock and saturation);
    Broadbent (1979); block bootstrap Künsch (1989), Annals of Statistics 17.
    """
    import pandas as pd

    fits.require(table, "table", sales, *media, *controls)
    used = table[[sales, *media, *controls]].astype(float)
    if used.isna().any(axis=None):
        raise InputError(
            "attribution.error_missing_periods",
            "table: {columns:text}: values are missing; fill them in first",
            columns=list(used.columns[used.isna().any()]),
        )
    x, y = used[list(media)].to_numpy(), used[sales].to_numpy()
    n = len(y)
    if (x < 0).any():
        raise InputError(
            "attribution.error_negative_spending", "table: spending must not be negative"
        )
    idle = [m for m, v in zip(media, x.T, strict=True) if np.ptp(v) == 0]
    if idle:
        raise InputError(
            "attribution.error_media_constant",
            "media: {media:text} never varies, so its effect cannot be separated from the level",
            media=list(idle),
        )
    base = _base(used, controls, n, season, harmonics)
    weights = base.shape[1] + 3 * len(media)  # an effect, a lingering and a half each
    if n < LEAST or n < PER_EFFECT * (base.shape[1] + len(media)):
        raise NotEnoughData(
            "attribution.error_mix_periods",
            "marketing_mix: {periods} periods for {weights} parameters; at least {least} periods "
            "are needed, and {each} for every effect",
            periods=n,
            weights=weights,
            least=LEAST,
            each=PER_EFFECT,
        )
    scale = np.array([v[v > 0].mean() for v in x.T])
    given = _experiments(tests, media)
    grow = np.sqrt(n / max(n - weights, 1))
    if given is not None:
        # Tests weigh as much as their error says, beside that of the sales, which a fit without
        # them tells.
        alone = media_mix.media_mix(x / scale, base, y, seed=seed)
        given = replace(given, noise=float((y - alone.fitted).std() * grow))
    fit = media_mix.media_mix(x / scale, base, y, tests=given, seed=seed)
    found = media_mix.measures(fit, x / scale, y, scale)
    how = media_mix.Draws(scale, grow, draws, np.random.default_rng(seed))
    drawn = media_mix.resampled(fit, x / scale, base, y, how, tests=given)
    residual = y - fit.fitted
    se, low, high = intervals.percentiles(drawn, found, conf_level)
    # A medium without effect is fitted to luck, and its draws stay near that fit: mirrored at it,
    # the lower limit reaches 0 as it should.
    low = np.maximum(np.fmin(low, 2 * found - high), 0)
    names = ("contribution", "share", "return_on_spend", "marginal_return", "lingering", "half")
    rows = [
        {
            "channel": m,
            "measure": name,
            "n": n,
            "estimate": found[i, k],
            "std_error": se[i, k],
            "conf_low": low[i, k],
            "conf_high": high[i, k],
        }
        for k, name in enumerate(names)
        for i, m in enumerate(media)
    ]
    limits = [
        CONFOUNDED,
        Note(
            "attribution.mix_fit",
            "R² is {r2:3}; over time a high value is easily reached and proves little.",
            r2=1 - residual.var() / y.var(),
        ),
    ]
    if holdout and n - holdout >= LEAST:
        model_error, naive = _backtest(x / scale, base, y, n - holdout, season, seed)
        limits.append(
            Note(
                "attribution.mix_holdout",
                "The last {holdout} periods are predicted with a mean error of {error:%}; the "
                "value of a year earlier (or the last one) has {naive:%}.",
                holdout=holdout,
                error=model_error,
                naive=naive,
            )
        )
    limits += _cautions(x, tests)
    return Result(
        question=Note(
            "attribution.mix_question",
            "How much {sales:word} is associated with each medium, and with spending more?",
            sales=sales,
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "attribution.mix_method",
            "Adstock and saturation, no negative effects, trend and season; block bootstrap "
            "({draws} draws).",
            draws=draws,
        ),
        answer=_mix_answer(pd.DataFrame(rows), sales),
        unit="periods",
        n=n,
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        model=fit,
        chart=Points(
            label=["channel"],
            only={"measure": "return_on_spend"},
            reference=1,
            xlabel=Note("attribution.mix_axis", "Sales per unit of money spent"),
        ),
    )


def _cautions(x, tests):
    """Return the sentences on media that move together, few periods and experiments."""
    said = []
    together = np.corrcoef(x.T) - np.eye(x.shape[1]) if x.shape[1] > 1 else np.zeros((1, 1))
    if np.abs(together).max() > TOGETHER:
        said.append(
            Note(
                "attribution.mix_together",
                "Two media move together (correlation {r:2}): their effects can hardly be "
                "separated.",
                r=float(np.abs(together).max()),
            )
        )
    if len(x) < FEW:
        said.append(
            Note(
                "attribution.mix_few",
                "{periods} periods are few; {least} is a common minimum.",
                periods=len(x),
                least=FEW,
            )
        )
    if tests is not None:
        said.append(
            Note(
                "attribution.mix_tests",
                "{n} experiment is taken into account.",
                "{n} experiments are taken into account.",
                n=len(tests),
            )
        )
    return said


def _mix_answer(table, sales):
    """Return the medium most clearly associated with sales, and its return."""
    parts = {name: part.set_index("channel") for name, part in table.groupby("measure")}
    shares = parts["share"].reset_index()
    row = shares.sort_values(
        ["conf_low", "estimate", "channel"], ascending=[False, False, True]
    ).iloc[0]
    back = parts["return_on_spend"].loc[row["channel"]]
    values = {
        "channel": row["channel"],
        "sales": sales,
        "share": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "back": back["estimate"],
        "back_low": back["conf_low"],
        "back_high": back["conf_high"],
        "n": row["n"],
    }
    if row["conf_low"] > 0:
        return Note(
            "attribution.mix_answer",
            "{channel:word} is most clearly associated with {sales:word}: {share:%} of it "
            "({low:%} to {high:%}), a return of {back:3} per unit of money spent ({back_low:3} to "
            "{back_high:3}; {n} periods).",
            **values,
        )
    return Note(
        "attribution.mix_unclear",
        "No medium is clearly associated with {sales:word}; {channel:word} has the largest share: "
        "{share:%} ({low:%} to {high:%}), a return of {back:3} per unit of money spent "
        "({back_low:3} to {back_high:3}; {n} periods).",
        **values,
    )


def _base(used, controls, n, season, harmonics):
    """Return the columns of sales without media: level, trend, season, controls."""
    at = np.arange(n)
    columns = [np.ones(n), (at - at.mean()) / n]
    if season and n >= 2 * season:
        columns += [
            f(2 * np.pi * k * at / season)
            for k in range(1, harmonics + 1)
            for f in (np.sin, np.cos)
        ]
    for name in controls:
        v = used[name].to_numpy()
        if np.ptp(v) == 0:
            raise InputError(
                "attribution.error_control_constant",
                "controls: {name} never varies; leave it out",
                name=name,
            )
        columns.append((v - v.mean()) / v.std())
    return np.column_stack(columns)


def _experiments(tests, media):
    """Return what experiments found as arrays; None where there are none."""
    if tests is None:
        return None
    fits.require(tests, "tests", "channel", "contribution", "std_error")
    for name in tests["channel"]:
        if name not in media:
            raise unknown("tests", "channel", name, media)
    if not (tests["std_error"] > 0).all():
        raise InputError(
            "attribution.error_tests_std_error",
            "tests: every std_error must be above {least}; a test without error would leave "
            "nothing to the sales",
            least=0,
        )
    return media_mix.Experiments(
        np.array([list(media).index(c) for c in tests["channel"]], int),
        tests["contribution"].to_numpy(float),
        tests["std_error"].to_numpy(float),
    )


def _backtest(x, base, y, cut, season, seed):
    """Return the mean absolute percentage error of the last periods, by the model learnt before
    them and by the same period a year earlier (or the last one).
    """
    learnt = media_mix.media_mix(x[:cut], base[:cut], y[:cut], starts=3, seed=seed)
    told = base[cut:] @ learnt.base
    told = told + media_mix.working(x, learnt.shape)[0][cut:] @ learnt.effects
    back = season if season and cut >= season else 1
    naive = y[cut - back : len(y) - back] if back > 1 else np.full(len(y) - cut, y[cut - 1])
    return float(np.abs(told / y[cut:] - 1).mean()), float(
        np.abs(naive[: len(y) - cut] / y[cut:] - 1).mean()
    )
