"""What others say and do: reviews, and the choices of peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.data_limits import FEW_CLUSTERS, LEAST_F, LEFT_OUT, WEAK
from workbench.errors import InputError, NotEnoughData
from workbench.influence import grades
from workbench.influence.price import WITHOUT_SALES
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats import resample
from workbench.stats.products import demean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

PER_STAR = Note(
    "influence.review_answer",
    "One star more in the earlier rating goes with a difference in sales of "
    "{estimate:%} ({low:%} to {high:%}; {n} rows).",
)
NOT_PER_STAR = Note(
    "influence.review_answer_none",
    "It could not be shown that sales go with the earlier rating: one star more "
    "goes with a difference of {estimate:%} ({low:%} to {high:%}; {n} rows).",
)
PEERS = Note(
    "influence.peer_answer",
    "Where all peers had adopted instead of none, the share who adopt differs by "
    "{estimate:points} percentage points ({measure:word}; {low:points} to "
    "{high:points}; {n} people).",
)
NO_PEERS = Note(
    "influence.peer_answer_none",
    "It could not be shown that adoption goes with that of peers: {estimate:points} "
    "percentage points between none and all of them ({measure:word}; {low:points} "
    "to {high:points}; {n} people).",
)


@engine.frames("panel")
@analysis
def review_effect(
    panel: Table,
    *,
    sales: str = "sales",
    rating: str = "rating",
    count: str = "reviews",
    product: str = "product_id",
    period: str = "week",
    lag: int = 1,
    controls: Sequence[str] = (),
    conf_level: float = 0.95,
) -> Result:
    """How do sales go with the rating and the number of reviews that could be read before, and does
    that wear off?

    What is lasting about a product and what is common to a period is taken out, and reviews are
    those of `lag` periods earlier, so that this period's sales cannot have written them.

    Parameters
    ----------
    panel : DataFrame
        One row a product and period: sales (counts or amounts, 0 where nothing sold), mean rating
        and number of reviews so far.
    sales, rating, count, product, period : str
        Columns; periods sort in time.
    lag : int
        At least 1.
    controls : list of str
        Such as the price.

    Returns
    -------
    Result
        term, n (rows), estimate, std_error, conf_low, conf_high. Terms: rating (change of log sales
        a star), reviews_few and reviews_many (change of log sales a doubling of their number, below
        and above the median number), saturation (the second minus the first; below 0 the pull wears
        off), and the controls. Products are the sampling unit.

    Raises
    ------
    InputError
        For missing columns, doubled rows, a lag under 1 or negative sales.
    NotEnoughData
        With fewer than two products or periods that can be used.

    Source: Chevalier & Mayzlin (2006), Journal of Marketing Research 43; Floyd et al. (2014),
    Journal of Retailing 90.
    """
    import pandas as pd

    fits.require(panel, "panel", sales, rating, count, product, period, *controls)
    if lag < 1:
        raise InputError(
            "influence.error_lag",
            "lag: reviews of the same period were partly written by its buyers; at "
            "least 1 is needed",
        )
    if panel.duplicated([product, period]).any():
        raise InputError(
            "influence.error_panel_doubled",
            "panel: some products occur twice in one period",
        )
    frame = panel.sort_values([product, period], kind="stable", ignore_index=True)
    when = np.unique(frame[period].to_numpy(), return_inverse=True)[1]
    before = frame.groupby(product)[[rating, count]].shift(lag)
    gap = pd.Series(when).groupby(frame[product].to_numpy()).diff(lag)
    use = (
        before.notna().all(axis=1)
        & (gap == lag).to_numpy()
        & frame[[sales, *controls]].notna().all(axis=1)
    ).to_numpy()
    frame, before, when = frame[use], before[use], when[use]
    if frame[product].nunique() < 2 or len(np.unique(when)) < 2:
        raise NotEnoughData(
            "influence.error_review_panel",
            "review_effect: two products and two periods with earlier reviews are needed",
        )
    if (frame[sales] < 0).any():
        raise InputError("influence.error_negative_sales", "panel: sales must not be negative")
    log2 = np.log2(1 + before[count].to_numpy(float))
    middle = float(np.median(log2))
    x = pd.DataFrame(
        {
            "rating": before[rating].to_numpy(float),
            "reviews_few": np.minimum(log2, middle),
            "reviews_many": np.maximum(log2 - middle, 0.0),
            **{c: frame[c].to_numpy(float) for c in controls},
        }
    )
    y = frame[sales].to_numpy(float)
    products, periods = (
        np.unique(v, return_inverse=True)[1] for v in (frame[product].astype(str), when)
    )
    some = (np.bincount(products, y)[products] > 0) & (np.bincount(periods, y)[periods] > 0)
    y, x = y[some], x[some].reset_index(drop=True)
    products, periods = (np.unique(v[some], return_inverse=True)[1] for v in (products, periods))
    fits.check(
        pd.DataFrame(demean(x.to_numpy(), products, periods), columns=x.columns).assign(
            constant=1.0
        ),
        "panel",
    )
    made = fits.poisson_absorbed(y, x, products, products, periods)
    gap = made.params["reviews_many"] - made.params["reviews_few"]
    cov = made.cov
    error = float(
        np.sqrt(
            cov.loc["reviews_many", "reviews_many"]
            + cov.loc["reviews_few", "reviews_few"]
            - 2 * cov.loc["reviews_many", "reviews_few"]
        )
    )
    names = [*x.columns[:3], "saturation", *controls]
    estimate = [*made.params[:3], gap, *made.params[3:]]
    se = [*np.sqrt(np.diag(cov))[:3], error, *np.sqrt(np.diag(cov))[3:]]
    low, high = intervals.normal(estimate, se, conf_level, df=products.max())
    table = pd.DataFrame(
        {
            "term": names,
            "n": len(y),
            "estimate": estimate,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    )
    k = int(products.max()) + 1
    limits = [
        Note(
            "influence.review_limit",
            "Something that moves both sales and ratings over time (a campaign, a flaw) "
            "is not separated out; bought reviews count as genuine ones.",
        ),
        Note(
            "influence.review_middle",
            "Few and many reviews are split at {middle:2}, the median.",
            middle=2**middle - 1,
        ),
    ]
    limits.append(
        Note(
            "influence.review_feedback",
            "Sales bring reviews, and reviews bring sales: this feedback biases the "
            "coefficient of the rating a little towards zero (in simulated shops by "
            "about an eighth), which its interval does not show.",
        )
    )
    if k < 200:
        limits.append(FEW_CLUSTERS.having(n=k, least=200, unit="products"))
    if (~use).sum() + (~some).sum():
        limits.append(WITHOUT_SALES.having(n=int((~use).sum() + (~some).sum())))
    return Result(
        question=Note(
            "influence.review_question",
            "How are sales associated with the rating and the number of earlier reviews?",
        ),
        table=table,
        answer=_review_answer(table),
        method=Note(
            "influence.review_method",
            "Poisson regression with fixed effects of product and period, reviews "
            "lagged by {lag}; the product is the sampling unit.",
            lag=lag,
        ),
        unit="rows",
        n=len(y),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        model=made,
        chart=Points(
            label=["term"],
            only={"term": names[:4]},
            reference=0,
            xlabel=Note("influence.review_axis", "Change of log sales"),
        ),
    )


def _review_answer(table):
    """Return what a star goes with, as a share of sales."""
    row = table.set_index("term").loc["rating"]
    share = {k: float(np.expm1(v)) for k, v in fits.said(row).items() if k != "n"}
    return (PER_STAR if fits.clear(row) else NOT_PER_STAR).having(n=row["n"], **share)


@engine.frames("table")
@analysis
def peers(
    table: Table,
    adopted: str,
    exposure: str,
    *,
    network: str,
    controls: Sequence[str] = (),
    instrument: str | None = None,
    draws: int = 1000,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Do people adopt more often where more of those around them have adopted before?

    Parameters
    ----------
    table : DataFrame
        One row a person.
    adopted : str
        0 or 1.
    exposure : str
        Share of the person's peers who had adopted before.
    network : str
        Column of the village, school or cluster within which people know each other; the sampling
        unit.
    controls : list of str
        Numbers or words, such as the wider region.
    instrument : str, optional
        Column that chance decided and that moved the peers' adoption but not the person's own in
        any other way (such as a different offer to the peers).
    draws, seed : int
        Of the permutation: whole networks exchange their exposure.

    Returns
    -------
    Result
        measure (raw: adoption per unit of exposure; adjusted: the controls held equal;
        instrumented), n (people), estimate (change of the share for exposure 0 → 1), std_error,
        conf_low, conf_high (within what a share can change), p_permutation (adjusted only),
        evidence (of the row).

    Raises
    ------
    InputError
        For missing, constant or collinear columns, or adoption other than 0 and 1.
    NotEnoughData
        With fewer than two networks.

    Source: Manski (1993), Review of Economic Studies 60 (why this is hard); Cai, de Janvry &
    Sadoulet (2015), American Economic Journal: Applied Economics 7 (the instrument).
    """
    import pandas as pd

    data = fits.prepare(
        table,
        adopted,
        [exposure, *controls, *([instrument] if instrument else [])],
        cluster=network,
    )
    if not np.isin(data.y, (0, 1)).all():
        raise InputError(
            "influence.error_adopted",
            "adopted: '{adopted}' must be 0 or 1",
            adopted=adopted,
        )
    if data.customers < 2:
        raise NotEnoughData(
            "influence.error_one_network",
            "peers: there is only one network; nothing can be said about others",
        )
    x = data.x.drop(columns=instrument) if instrument else data.x

    plain = fits.least_squares(data.y, x[["constant", exposure]], data.groups)
    made = fits.least_squares(data.y, x, data.groups)
    others = x.drop(columns=exposure).to_numpy()
    q, _ = np.linalg.qr(others)
    y = data.y - q @ (q.T @ data.y)
    mean = np.bincount(data.groups, x[exposure]) / np.bincount(data.groups)

    own = x[exposure].to_numpy()
    own_mean = _slope(q, y, mean[data.groups])
    luck = np.array([_slope(q, y, e[data.groups]) for e in _exchanged(data, x, mean, draws, seed)])
    p = float((1 + (np.abs(luck) >= abs(own_mean)).sum()) / (draws + 1))
    fitted = [("raw", plain, np.nan), ("adjusted", made, p)]
    limits = [
        Note(
            "influence.peer_limit",
            "Similar people live and shop together: unless exposure was randomised, "
            "similarity and influence cannot be told apart.",
        ),
        Note(
            "influence.peer_permuted",
            "Exposure permuted between {networks} networks, p: {p:p}.",
            p=p,
            networks=data.customers,
        ),
    ]
    weak = False
    if instrument:
        two = fits.two_stage(data.y, x, exposure, data.x[[instrument]], data.groups)
        fitted.append(("instrumented", two, np.nan))
        limits.append(
            Note(
                "influence.peer_instrument",
                "First-stage F = {f:3}; the instrument may reach people through their peers only.",
                f=two.first_f,
            )
        )
        weak = two.first_f < LEAST_F
        if weak:
            limits.insert(
                0,
                WEAK.having(f=two.first_f),
            )
    rows = [
        {
            "measure": measure,
            "n": len(data.y),
            **_within_points(one.row(exposure, conf_level, data.customers - 1)),
            "p_permutation": luck_of,
        }
        for measure, one, luck_of in fitted
    ]
    if data.left_out:
        limits.append(LEFT_OUT.having(n=data.left_out))
    if np.ptp(own) < 0.1:
        limits.append(
            Note(
                "influence.peer_narrow",
                "Exposure hardly differs between people: there is little to estimate from.",
            )
        )
    return Result(
        question=Note(
            "influence.peer_question",
            "Do people adopt more often where more of their peers adopted before?",
        ),
        table=grades.graded(pd.DataFrame(rows), weak),
        answer=_peer_answer(rows, weak),
        method=Note(
            "influence.peer_method",
            "Linear probability of adoption; the network is the sampling unit and is "
            "permuted as a whole; instrumented by two-stage least squares.",
        ),
        unit="people",
        n=len(data.y),
        conf_level=conf_level,
        evidence=grades.INSTRUMENT if instrument and not weak else "associational",
        limits=tuple(limits),
        model=made,
        chart=Points(
            label=["measure"],
            reference=0,
            points=True,
            xlabel=Note(
                "influence.peer_axis",
                "Change of the share who adopt if all peers had adopted, percentage points",
            ),
        ),
    )


def _slope(others, y, exposure):
    """Return the slope of what is left of the outcome on what is left of exposure, `others` (an
    orthonormal basis) taken out.
    """
    left = exposure - others @ (others.T @ exposure)
    return left @ y / (left @ left)


def _within_points(row):
    """Return a row whose limits are no more than a whole share off."""
    low, high = max(row["conf_low"], -1.0), min(row["conf_high"], 1.0)
    return {**row, "conf_low": low, "conf_high": high}


def _peer_answer(rows, weak):
    """Return the last comparison, or the one before where the instrument is weak."""
    row = rows[-2] if weak else rows[-1]
    return (PEERS if fits.clear(row) else NO_PEERS).having(**fits.said(row), measure=row["measure"])


def _exchanged(data, x, mean, draws, seed):
    """Yield the exposure of networks that exchanged it, in an order that neither rows nor names
    choose.
    """
    at, rng = resample.place(np.column_stack([data.y, x]), data.groups), np.random.default_rng(seed)
    ordered = np.empty_like(mean)
    ordered[at] = mean
    for _ in range(draws):
        yield ordered[rng.permutation(len(mean))][at]
