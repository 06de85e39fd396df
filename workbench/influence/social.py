"""What others say and do: reviews, displayed stars, and the choices of peers."""

import numpy as np

from workbench import intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.results import Result, analysis
from workbench.texts import number, p_value, t, word


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
            "lag: reviews of the same period were partly written by its buyers; at least 1 is"
            " needed"
        )
    if panel.duplicated([product, period]).any():
        raise InputError("panel: some products stand twice in one period")
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
            "review_effect: two products and two periods with earlier reviews are needed"
        )
    if (frame[sales] < 0).any():
        raise InputError("panel: sales must not be negative")
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
        t("influence.review_limit"),
        t("influence.review_middle", middle=number(2**middle - 1)),
    ]
    limits.append(t("influence.review_feedback"))
    if k < 200:
        limits.append(t("influence.few_clusters", k=number(k), least=number(200)))
    if (~use).sum() + (~some).sum():
        limits.append(t("influence.left_out", n=number(int((~use).sum() + (~some).sum()))))
    return Result(
        question=t("influence.review_question"),
        table=table,
        method=t("influence.review_method", lag=number(lag)),
        unit="rows",
        n=len(y),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        model=made,
        chart={
            "kind": "points",
            "label": ["term"],
            "only": {"term": names[:4]},
            "reference": 0,
            "xlabel": t("influence.review_axis"),
        },
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
            f"bandwidth: must lie above 0 and at most {step / 2:g}, half of a step; found"
            f" {bandwidth}"
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
            f"star_rounding: {int((near & above).sum())} rows just above and"
            f" {int((near & ~above).sum())} just below a rounding; 20 on each side are needed"
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
            "star_rounding: within the bandwidth there are fewer than three different ratings on a"
            " side of the roundings; ratings with more decimals are needed, or a wider bandwidth"
        )
    right, left = (len(np.unique(who[near & side])) for side in (above, ~above))
    p = stats.binomtest(right, right + left).pvalue
    limits = [
        t("influence.star_density", right=number(right), left=number(left), p=p_value(float(p))),
        t("influence.star_limit", step=number(step)),
    ]
    if p < 0.01:
        limits.insert(0, t("influence.star_pushed"))
    if min(right, left) < 100:
        limits.append(t("influence.few_clusters", k=number(min(right, left)), least=number(100)))
    if len(rows) < len(table):
        limits.append(t("drivers.left_out", n=number(len(table) - len(rows))))
    return Result(
        question=t("influence.star_question", outcome=word(outcome)),
        table=pd.DataFrame(out),
        method=t("influence.star_method", width=number(bandwidth)),
        unit="rows",
        n=int(near.sum()),
        conf_level=conf_level,
        evidence="quasi-causal: discontinuity",
        limits=tuple(limits),
        chart={
            "kind": "points",
            "label": ["measure"],
            "reference": 0,
            "xlabel": t("influence.star_axis", outcome=word(outcome)),
        },
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
        raise InputError(f"adopted: '{adopted}' must be 0 or 1")
    if data.customers < 2:
        raise NotEnoughData("peers: one network only; nothing can be said about others")
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
        t("influence.peer_limit"),
        t("influence.peer_permuted", p=p_value(p), k=number(data.customers)),
    ]
    evidence = "associational"
    if instrument:
        two = fits.two_stage(data.y, x, exposure, data.x[[instrument]], data.groups)
        add("instrumented", two)
        evidence = "quasi-causal: instrument"
        limits.append(t("influence.peer_instrument", f=number(two.first_f, 3)))
        if two.first_f < 10:
            limits.insert(0, t("influence.weak", f=number(two.first_f, 3)))
    if data.left_out:
        limits.append(t("drivers.left_out", n=number(data.left_out)))
    if np.ptp(own) < 0.1:
        limits.append(t("influence.peer_narrow"))
    return Result(
        question=t("influence.peer_question"),
        table=pd.DataFrame(rows),
        method=t("influence.peer_method"),
        unit="people",
        n=len(data.y),
        conf_level=conf_level,
        evidence=evidence,
        limits=tuple(limits),
        model=made,
        chart={
            "kind": "points",
            "label": ["measure"],
            "reference": 0,
            "points": True,
            "xlabel": t("influence.peer_axis"),
        },
    )
