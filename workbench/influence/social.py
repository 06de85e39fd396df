"""What others say and do: reviews, displayed stars, and the choices of peers."""

import numpy as np

from workbench import intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis


@analysis
def review_effect(
    panel,
    *,
    sales="sales",
    rating="rating",
    count="reviews",
    product="product_id",
    period="week",
    lag=1,
    controls=(),
    conf_level=0.95,
):
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
            "influence.error_lag_reviews_of_the_same",
            "lag: reviews of the same period were partly written by its buyers; at "
            "least 1 is needed",
        )
    if panel.duplicated([product, period]).any():
        raise InputError(
            "influence.error_panel_some_products_stand_twice",
            "panel: some products stand twice in one period",
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
            "influence.error_review_effect_two_products_and",
            "review_effect: two products and two periods with earlier reviews are needed",
        )
    if (frame[sales] < 0).any():
        raise InputError(
            "influence.error_panel_sales_must_not_be", "panel: sales must not be negative"
        )
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
        pd.DataFrame(fits.absorb(x.to_numpy(), products, periods), columns=x.columns).assign(
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
            "Something that moves both sales and ratings over time (a campaign, a "
            "flaw) still hides here; bought reviews count as read ones.",
        ),
        Note(
            "influence.review_middle",
            "Few and many are told apart at {middle} reviews, the median.",
            middle=2**middle - 1,
        ),
    ]
    limits.append(
        Note(
            "influence.review_feedback",
            "Sales write reviews, and reviews move sales: that feedback draws the "
            "weight of the rating a little towards 0 (in simulated shops by about an "
            "eighth), which its interval does not know.",
        )
    )
    if k < 200:
        limits.append(
            Note(
                "influence.few_clusters",
                "{k} are few to learn from; {least} is a common floor, and intervals are "
                "too narrow below it.",
                k=k,
                least=200,
            )
        )
    if (~use).sum() + (~some).sum():
        limits.append(
            Note(
                "influence.left_out",
                "{n} rows without sales to learn from, or with a missing value, are left out.",
                n=int((~use).sum() + (~some).sum()),
            )
        )
    return Result(
        question=Note(
            "influence.review_question",
            "How do sales go with the rating and the number of reviews that could be read before?",
        ),
        table=table,
        method=Note(
            "influence.review_method",
            "Poisson regression with fixed effects of product and period, reviews "
            "{lag} periods earlier; products as sampling unit.",
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


@analysis
def star_rounding(
    table, outcome, *, rating="rating", step=0.5, bandwidth=0.1, unit="product_id", conf_level=0.95
):
    """Where the displayed stars jump by rounding, does the outcome jump too?

    A product at 3.26 shows 3.5 stars, one at 3.24 shows 3, though they are as good as alike: what
    jumps there is the work of the display.

    Parameters
    ----------
    table : DataFrame
        One row a product (and period).
    outcome, rating, unit : str
        Columns; rating is the true mean, before rounding.
    step : float
        Distance of two displayed values.
    bandwidth : float
        How near to the rounding a rating must lie, at most `step` / 2.

    Returns
    -------
    Result
        measure (jump; jump_half and jump_double with other bandwidths; before, where the table has
        last period's outcome as OUTCOME_before: a check), n (rows within the bandwidth), estimate
        (change of the outcome a displayed step), std_error, conf_low, conf_high.
        Local straight lines, triangular weights, products as sampling unit.

    Raises
    ------
    InputError
        For missing columns or a bandwidth that reaches the next rounding.
    NotEnoughData
        With fewer than 20 rows, or fewer than three different ratings, on a side: a line through
        fewer says nothing of the jump. A bandwidth other than the first where that holds gives a
        missing row.

    Source: Anderson & Magruder (2012), Economic Journal 122; Luca (2016), HBS working paper 12-016;
    density check after McCrary (2008), Journal of Econometrics 142.
    """
    import pandas as pd
    from scipy import stats

    fits.require(table, "table", outcome, rating, unit)
    if not 0 < bandwidth <= step / 2:
        raise InputError(
            "influence.error_bandwidth_must_lie_above_and",
            "bandwidth: must lie above 0 and at most {step}, half of a step; found {bandwidth}",
            step=step / 2,
            bandwidth=bandwidth,
        )
    rows = table.dropna(subset=[outcome, rating, unit])
    value = rows[rating].to_numpy(float)
    # Distance to the nearest point where the display jumps: half a step above each displayed value.
    away, cut = value % step - step / 2, np.floor(value / step)
    who = np.unique(rows[unit].astype(str), return_inverse=True)[1]
    near = np.abs(away) < bandwidth
    above = away >= 0
    if min((near & above).sum(), (near & ~above).sum()) < 20:
        raise NotEnoughData(
            "influence.error_star_rounding_rows_just_above",
            "star_rounding: {near} rows just above and {near2} just below a rounding; "
            "20 on each side are needed",
            near=int((near & above).sum()),
            near2=int((near & ~above).sum()),
        )

    def jump(y, width):
        use = np.abs(away) < width
        if min(len(np.unique(away[use & side].round(9))) for side in (above, ~above)) < 3:
            return np.nan, np.nan, int(use.sum())
        w = np.sqrt(1 - np.abs(away[use]) / width)
        a = away[use]
        levels = np.unique(cut[use], return_inverse=True)[1]
        x = np.column_stack([above[use], a, a * above[use], np.eye(levels.max() + 1)[levels]])
        x = pd.DataFrame(
            x * w[:, None],
            columns=["jump", "slope", "kink", *[f"level {i}" for i in range(levels.max() + 1)]],
        )
        made = fits.least_squares(y[use] * w, x, np.unique(who[use], return_inverse=True)[1])
        return made.params["jump"], float(np.sqrt(made.cov.loc["jump", "jump"])), int(use.sum())

    y = rows[outcome].to_numpy(float)
    tries = [
        ("jump", y, bandwidth),
        ("jump_half", y, bandwidth / 2),
        ("jump_double", y, min(2 * bandwidth, step / 2)),
    ]
    if f"{outcome}_before" in rows:
        early = rows[f"{outcome}_before"].to_numpy(float)
        if np.isfinite(early).all():
            tries.append(("before", early, bandwidth))
    out = []
    for name, target, width in tries:
        estimate, se, n = jump(target, width)
        low, high = intervals.normal(estimate, se, conf_level)
        out.append(
            {
                "measure": name,
                "n": n,
                "estimate": estimate,
                "std_error": se,
                "conf_low": float(low),
                "conf_high": float(high),
            }
        )
    if np.isnan(out[0]["estimate"]):
        raise NotEnoughData(
            "influence.error_star_rounding_within_the_bandwidth",
            "star_rounding: within the bandwidth there are fewer than three different "
            "ratings on a side of the roundings; ratings with more decimals are "
            "needed, or a wider bandwidth",
        )
    right, left = (len(np.unique(who[near & side])) for side in (above, ~above))
    p = stats.binomtest(right, right + left).pvalue
    limits = [
        Note(
            "influence.star_density",
            "{right} products lie just above a rounding and {left} just below (p: "
            "{p:p}): where sellers can push their rating over it, the two sides differ.",
            right=right,
            left=left,
            p=float(p),
        ),
        Note(
            "influence.star_limit",
            "Holds near the roundings only, for a step of {step}.",
            step=step,
        ),
    ]
    if p < 0.01:
        limits.insert(
            0,
            Note(
                "influence.star_pushed",
                "More products on one side than chance allows: ratings may have been "
                "pushed over the line; do not trust the jump.",
            ),
        )
    if min(right, left) < 100:
        limits.append(
            Note(
                "influence.few_clusters",
                "{k} are few to learn from; {least} is a common floor, and intervals are "
                "too narrow below it.",
                k=min(right, left),
                least=100,
            )
        )
    if len(rows) < len(table):
        limits.append(
            Note(
                "drivers.left_out",
                "{n} rows with a missing value are left out.",
                n=len(table) - len(rows),
            )
        )
    return Result(
        question=Note(
            "influence.star_question",
            "Where the displayed stars jump by rounding, does {outcome:word} jump too?",
            outcome=outcome,
        ),
        table=pd.DataFrame(out),
        method=Note(
            "influence.star_method",
            "Regression discontinuity at every rounding, local straight lines within "
            "{width}, triangular weights.",
            width=bandwidth,
        ),
        unit="rows",
        n=int(near.sum()),
        conf_level=conf_level,
        evidence="quasi-causal: discontinuity",
        limits=tuple(limits),
        chart=Points(
            label=["measure"],
            reference=0,
            xlabel=Note(
                "influence.star_axis", "Change of {outcome:word} a displayed step", outcome=outcome
            ),
        ),
    )


@analysis
def peers(
    table,
    adopted,
    exposure,
    *,
    network,
    controls=(),
    instrument=None,
    draws=1000,
    seed=1,
    conf_level=0.95,
):
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
        conf_low, conf_high, p_permutation (adjusted only).

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
            "influence.error_adopted_must_be_or",
            "adopted: '{adopted}' must be 0 or 1",
            adopted=adopted,
        )
    if data.customers < 2:
        raise NotEnoughData(
            "influence.error_peers_one_network_only_nothing",
            "peers: one network only; nothing can be said about others",
        )
    x = data.x.drop(columns=instrument) if instrument else data.x
    rows = []

    def add(measure, made, p=np.nan):
        rows.append(
            {
                "measure": measure,
                "n": len(data.y),
                **made.row(exposure, conf_level, data.customers - 1),
                "p_permutation": p,
            }
        )

    add("raw", fits.least_squares(data.y, x[["constant", exposure]], data.groups))
    made = fits.least_squares(data.y, x, data.groups)
    others = x.drop(columns=exposure).to_numpy()
    q, _ = np.linalg.qr(others)
    y = data.y - q @ (q.T @ data.y)
    mean = np.bincount(data.groups, x[exposure]) / np.bincount(data.groups)
    rng = np.random.default_rng(seed)

    def slope(e):
        e = e - q @ (q.T @ e)
        return e @ y / (e @ e)

    own = x[exposure].to_numpy()
    own_mean = slope(mean[data.groups])
    luck = np.array([slope(mean[rng.permutation(len(mean))][data.groups]) for _ in range(draws)])
    p = float((1 + (np.abs(luck) >= abs(own_mean)).sum()) / (draws + 1))
    add("adjusted", made, p)
    limits = [
        Note(
            "influence.peer_limit",
            "People alike live and shop together: without chance in who was exposed, "
            "likeness and influence cannot be told apart.",
        ),
        Note(
            "influence.peer_permuted",
            "Exposure exchanged between {k} networks: p: {p:p}.",
            p=p,
            k=data.customers,
        ),
    ]
    evidence = "associational"
    if instrument:
        two = fits.two_stage(data.y, x, exposure, data.x[[instrument]], data.groups)
        add("instrumented", two)
        evidence = "quasi-causal: instrument"
        limits.append(
            Note(
                "influence.peer_instrument",
                "First stage F = {f:3}; the instrument must reach people through their peers only.",
                f=two.first_f,
            )
        )
        if two.first_f < 10:
            limits.insert(
                0,
                Note(
                    "influence.weak",
                    "The instrument hardly moves what it should (F = {f:3}, under 10): read "
                    "nothing from the instrumented row.",
                    f=two.first_f,
                ),
            )
    if data.left_out:
        limits.append(
            Note("drivers.left_out", "{n} rows with a missing value are left out.", n=data.left_out)
        )
    if np.ptp(own) < 0.1:
        limits.append(
            Note(
                "influence.peer_narrow",
                "Exposure hardly differs between people: little can be learnt.",
            )
        )
    return Result(
        question=Note(
            "influence.peer_question",
            "Do people adopt more often where more of those around them adopted before?",
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "influence.peer_method",
            "Linear probability of adoption; networks as sampling unit and permuted "
            "whole; instrumented by two-stage least squares.",
        ),
        unit="people",
        n=len(data.y),
        conf_level=conf_level,
        evidence=evidence,
        limits=tuple(limits),
        model=made,
        chart=Points(
            label=["measure"],
            reference=0,
            points=True,
            xlabel=Note(
                "influence.peer_axis",
                "Change of the share who adopt when all peers had, percentage points",
            ),
        ),
    )
