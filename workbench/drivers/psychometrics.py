"""Are the answers worth a number? Scales, their reliability and validity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import names as own
from workbench import regression as fits
from workbench.data_limits import LEFT_OUT
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis, weights
from workbench.stats import agreement, factors, products

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from workbench.types import Table

CUSTOMARY = 0.7  # reliability that is usually asked for
ALIKE = 0.9  # heterotrait–monotrait ratio from which two scales cannot be told apart
SCALE = Note("drivers.scale_named", "scale '{name}'", name="")
CONVENTION = Note(
    "drivers.reliability_limit",
    "{custom:plain} is a convention, not a law; a high value does not show that there is "
    "only one factor.",
    custom=CUSTOMARY,
)
LEAST_RELIABLE = Note(
    "drivers.reliability_answer",
    "The least reliable of {scales} scales is {scale:word}, with an alpha of "
    "{estimate:2} ({low:2} to {high:2}; {n} respondents), against a customary "
    "{custom:plain}.",
)
ONE_SCALE = Note(
    "drivers.reliability_answer_one",
    "The scale {scale:word} has an alpha of {estimate:2} ({low:2} to {high:2}; {n} "
    "respondents), against a customary {custom:plain}.",
)
DISTINCT = Note(
    "drivers.validity_answer",
    "All scales are distinct: the closest are {scale:word} and {other:word}, with a "
    "ratio of {estimate:2} ({low:2} to {high:2}; {n} respondents), under "
    "{limit:plain}.",
)
NOT_DISTINCT = Note(
    "drivers.validity_answer_not",
    "The scales {scale:word} and {other:word} cannot be told apart: their ratio is "
    "{estimate:2} ({low:2} to {high:2}; {n} respondents), reaching {limit:plain}.",
)


@engine.frames("surveys")
@analysis
def pivot_survey(
    surveys: Table, items: Sequence[str] | None = None, *, prefix: str = ""
) -> pd.DataFrame:
    """Return survey answers with one row a response occasion and one column an item.

    Parameters
    ----------
    surveys : table of surveys (response_id, respondent_id, answered_at, item, value)
    items : list of str, optional
        Those to keep; None: all.
    prefix : str
        What the names of items lose where they begin with it, such as `rating_`.

    Returns
    -------
    DataFrame
        respondent_id, answered_at, order_id (where there is one), a column an item, and weight
        where the answers have weights; answers of one person at one moment stand in one row, an
        item answered twice in it as the mean.

    Raises InputError for an unknown item.
    """
    fits.require(surveys, "surveys", "respondent_id", "answered_at", "item")
    fits.numbers(surveys, "surveys", "value")
    surveys = surveys.assign(item=surveys["item"].map(own.written, na_action="ignore"))
    surveys = surveys.dropna(subset=["item"])
    known = surveys["item"].unique()
    items = None if items is None else own.listed(items)
    for item in items or ():
        if item not in known:
            raise unknown("surveys", "item", item, sorted(known, key=str))
    kept = surveys[surveys["item"].isin(items)] if items else surveys
    keys = [
        "respondent_id",
        "answered_at",
        *(["order_id"] if "order_id" in kept and kept["order_id"].notna().any() else []),
    ]
    made = (
        kept.dropna(subset=keys[:2])
        .groupby([*keys, "item"], dropna=False)["value"]
        .mean()
        .unstack("item")
        .reset_index()
    )
    made.columns.name = None
    made = made.rename(columns=lambda name: name.removeprefix(prefix))
    _free(made.columns, [*keys, weights.WEIGHT])
    if weights.of(kept) is not None:
        each = kept.groupby(keys[:2], as_index=False)[weights.WEIGHT].mean()
        made = made.merge(each, how="left", on=keys[:2])
    made.attrs.update(surveys.attrs)
    return made


def _free(columns, taken):
    """Refuse items that bear the name of another column."""
    twice = [name for name in dict.fromkeys(columns) if list(columns).count(name) > 1]
    wrong = twice or [name for name in taken[-1:] if name in columns]
    if wrong:
        raise InputError(
            "drivers.error_item_name",
            "surveys: the item '{item}' has the name of another column; rename it",
            item=wrong[0],
        )


def scale_answers(table, items, what):
    """Return the complete answers to items as a matrix, how many rows are left out, and the weights
    of the others (mean 1; None: all the same).
    """
    fits.require(table, what, *items)
    data = table[list(items)].astype(float)
    whole = data.dropna().to_numpy()
    if len(items) < 2:
        raise InputError(
            "drivers.error_scale_items",
            "{what}: a scale needs at least two items, found {items:text}",
            what=what,
            items=list(items),
        )
    if len(whole) <= len(items):
        raise NotEnoughData(
            "drivers.error_few_answers",
            "{what}: {n} complete answers for {items} items",
            what=what,
            n=len(whole),
            items=len(items),
        )
    flat = [c for c, v in zip(items, whole.T, strict=True) if np.ptp(v) == 0]
    if flat:
        raise InputError(
            "drivers.error_item_never_varies",
            "{what}: {items:text} never varies; leave it out",
            what=what,
            items=list(flat),
        )
    heavy = weights.of(table, *items)
    if heavy is not None:
        heavy = heavy[data.notna().all(axis=1).to_numpy()]
        heavy = heavy / heavy.mean()
    return whole, len(data) - len(whole), heavy


def _covariances(x, draws, seed, heavy=None):
    """Return the items' covariances in the sample and in bootstrap draws of respondents."""
    near = x - np.average(x, axis=0, weights=heavy)
    return products.covariances(
        products.cross_products(
            np.column_stack([np.ones(len(x)), near]), np.arange(len(x)), draws, seed, heavy
        )
    )


@engine.frames("table")
@analysis
def reliability(
    table: Table, scales: Mapping, *, draws: int = 500, seed: int = 1, conf_level: float = 0.95
) -> Result:
    """Do the items of a scale measure one and the same thing?

    Parameters
    ----------
    table : DataFrame
        One row a respondent, one column an item (see `pivot_survey`); reversed items turned round
        beforehand. A column "weight" (of a survey) is used.
    scales : dict
        Name of the scale → its items.
    draws, seed : int
        Of the bootstrap over respondents.

    Returns
    -------
    Result
        scale, measure (alpha, omega, composite, ave), n (respondents with all items), estimate,
        std_error, conf_low, conf_high. Omega and the average variance extracted need three items.

    Raises
    ------
    InputError
        For missing or constant items, or a scale of one.
    NotEnoughData
        With fewer respondents than items.

    Source: Cronbach (1951), Psychometrika 16; omega McDonald (1999), Test Theory, from a one-factor
    maximum-likelihood model; composite reliability and average variance extracted Fornell & Larcker
    (1981), Journal of Marketing Research 18, from the same model's standardised loadings.
    """
    import pandas as pd

    rows, limits, most = [], [CONVENTION], 0
    for name, items in scales.items():
        x, lost, heavy = scale_answers(table, items, SCALE.having(name=name))
        most = max(most, len(x))
        cov = _covariances(x, draws, seed, heavy)
        k = len(items)
        total = cov.sum(axis=(1, 2))
        found = {"alpha": k / (k - 1) * (1 - np.einsum("bii->b", cov) / total)}
        if k > 2:
            load, psi = factors.one_factor(cov)
            found["omega"] = load.sum(axis=1) ** 2 / (load.sum(axis=1) ** 2 + psi.sum(axis=1))
            sd = np.sqrt(np.maximum(np.einsum("bii->bi", cov), 0))
            std = load / sd
            found["composite"] = std.sum(axis=1) ** 2 / (
                std.sum(axis=1) ** 2 + (psi / sd**2).sum(axis=1)
            )
            found["ave"] = (std**2).mean(axis=1)
        for measure, values in found.items():
            se, low, high = intervals.percentiles(values[1:], values[0], conf_level)
            rows.append(
                {
                    "scale": name,
                    "measure": measure,
                    "n": len(x),
                    "estimate": values[0],
                    "std_error": float(se),
                    "conf_low": float(low),
                    "conf_high": float(high),
                }
            )
        if lost:
            limits.append(LEFT_OUT.having(n=lost))
        limits += [note for note in weights.said(heavy) if note not in limits]
        negative = _against(items, cov[0], len(x), conf_level)
        if negative:
            limits.append(
                Note(
                    "drivers.reversed",
                    "These items correlate negatively with the others; reverse them first? "
                    "{items:word}",
                    items=list(negative),
                )
            )
    return Result(
        question=Note(
            "drivers.reliability_question",
            "Do the items of a scale measure the same thing?",
        ),
        table=pd.DataFrame(rows),
        answer=_least_reliable(pd.DataFrame(rows)),
        method=Note(
            "drivers.reliability_method",
            "Cronbach's alpha; omega, composite reliability and average variance "
            "extracted from a one-factor model; bootstrap over respondents ({draws} "
            "draws).",
            draws=draws,
        ),
        unit="respondents",
        n=most,
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["scale", "measure"],
            reference=CUSTOMARY,
            xlabel=Note("drivers.reliability_axis", "Reliability (0 to 1)"),
        ),
    )


def _against(items, cov, n, conf_level):
    """Return the items that go against the sum of the others."""
    own, with_all = np.diag(cov), cov.sum(axis=1)
    rest = cov.sum() - 2 * with_all + own
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (with_all - own) / np.sqrt(own * rest)
    return [i for i, v in zip(items, r, strict=True) if v < -intervals.z(conf_level) / np.sqrt(n)]


def _least_reliable(table):
    """Return the scale with the lowest alpha."""
    rows = table[table["measure"] == "alpha"].sort_values(["estimate", "scale"])
    answer = ONE_SCALE if len(rows) == 1 else LEAST_RELIABLE.having(scales=len(rows))
    row = rows.iloc[0]
    return answer.having(**fits.said(row), scale=row["scale"], custom=CUSTOMARY)


@engine.frames("table")
@analysis
def validity(
    table: Table, scales: Mapping, *, draws: int = 500, seed: int = 1, conf_level: float = 0.95
) -> Result:
    """Are two scales different things, or one thing asked twice?

    Parameters are those of `reliability`, with at least two scales of at least two items.

    Returns
    -------
    Result
        scale, other, n (respondents with all items), estimate (heterotrait–monotrait ratio of
        correlations), std_error, conf_low, conf_high, larcker (whether the smaller average variance
        extracted exceeds the squared correlation of the scale means; missing under three items).

    Raises as `reliability`, and where a scale's own items do not go together.

    Source: Henseler, Ringle & Sarstedt (2015), Journal of the Academy of Marketing Science 43;
    Fornell & Larcker (1981).
    """
    import pandas as pd

    if len(scales) < 2:
        raise InputError("drivers.error_two_scales", "validity: at least two scales are needed")
    items = [i for v in scales.values() for i in v]
    x, lost, heavy = scale_answers(table, items, "scales")
    cov = _covariances(x, draws, seed, heavy)
    r = np.abs(products.correlations(cov))
    at = {n: [items.index(i) for i in v] for n, v in scales.items()}

    # The average variance extracted: what a factor of a scale's own explains of its items.
    own_share = {
        n: float((factors.one_factor(products.correlations(cov[:1, a][:, :, a]))[0] ** 2).mean())
        for n, a in at.items()
        if len(a) > 2
    }
    rows, names = [], list(scales)
    for i, one in enumerate(names):
        for two in names[i + 1 :]:
            a, b = at[one], at[two]
            if len(a) < 2 or len(b) < 2:
                raise InputError(
                    "drivers.error_validity_items",
                    "validity: each scale needs at least two items",
                )
            own = agreement.within(r, a) * agreement.within(r, b)
            if own[0] <= 0:
                raise InputError(
                    "drivers.error_items_unrelated",
                    "validity: the items of '{one}' or '{two}' are not correlated at all",
                    one=one,
                    two=two,
                )
            values = agreement.between(r, a, b) / np.sqrt(np.maximum(own, 1e-12))
            se, low, high = intervals.percentiles(values[1:], values[0], conf_level)
            told = None
            if len(a) > 2 and len(b) > 2:
                together = agreement.sums(cov[0], a, b) ** 2
                told = bool(min(own_share[one], own_share[two]) > together)
            rows.append(
                {
                    "scale": one,
                    "other": two,
                    "n": len(x),
                    "estimate": values[0],
                    "std_error": float(se),
                    "conf_low": float(low),
                    "conf_high": float(high),
                    "larcker": told,
                }
            )
    return Result(
        question=Note(
            "drivers.validity_question",
            "Do two scales measure different things, or the same thing twice?",
        ),
        table=pd.DataFrame(rows),
        answer=_closest(pd.DataFrame(rows)),
        method=Note(
            "drivers.validity_method",
            "Heterotrait–monotrait ratio of correlations; bootstrap over respondents "
            "({draws} draws).",
            draws=draws,
        ),
        unit="respondents",
        n=len(x),
        conf_level=conf_level,
        limits=(
            Note(
                "drivers.validity_limit",
                "Two scales whose interval reaches {limit:plain} cannot be told apart on "
                "these answers.",
                limit=ALIKE,
            ),
            *([LEFT_OUT.having(n=lost)] if lost else []),
            *weights.said(heavy),
        ),
        chart=Points(
            label=["scale", "other"],
            reference=ALIKE,
            xlabel=Note("drivers.validity_axis", "Heterotrait–monotrait ratio"),
        ),
    )


def _closest(table):
    """Return the two scales that are closest, and whether they can be told apart."""
    row = table.sort_values(["estimate", "scale", "other"], ascending=[False, True, True]).iloc[0]
    answer = DISTINCT if row["conf_high"] < ALIKE else NOT_DISTINCT
    said = fits.said(row)
    return answer.having(**said, scale=row["scale"], other=row["other"], limit=ALIKE)
