"""Are the answers worth a number? Scales, their reliability and validity, the factors behind items,
attitude and involvement.
"""

import numpy as np

from workbench import intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, one_of, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis


def wide(surveys, items=None):
    """Return survey answers with one row a response occasion and one column an item.

    Parameters
    ----------
    surveys : table of surveys (response_id, respondent_id, answered_at, item, value)
    items : list of str, optional
        Those to keep; None: all.

    Returns
    -------
    DataFrame
        respondent_id, answered_at, order_id (where there is one), and a column an item; answers of
        one person at one moment stand in one row, an item answered twice in it as the mean.

    Raises InputError for an unknown item.
    """
    fits.require(surveys, "surveys", "respondent_id", "answered_at", "item", "value")
    known = surveys["item"].unique()
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
    made.attrs.update(surveys.attrs)
    return made


def _answers(table, items, what):
    fits.require(table, what, *items)
    data = table[list(items)].astype(float)
    whole = data.dropna().to_numpy()
    if len(items) < 2:
        raise InputError(
            "drivers.error_a_scale_needs_at_least",
            "{what}: a scale needs at least two items, found {items:text}",
            what=what,
            items=list(items),
        )
    if len(whole) <= len(items):
        raise NotEnoughData(
            "drivers.error_complete_answers_for_items",
            "{what}: {n_whole} complete answers for {n_items} items",
            what=what,
            n_whole=len(whole),
            n_items=len(items),
        )
    flat = [c for c, v in zip(items, whole.T, strict=True) if np.ptp(v) == 0]
    if flat:
        raise InputError(
            "drivers.error_never_varies_leave_it_out",
            "{what}: {flat:text} never varies; leave it out",
            what=what,
            flat=list(flat),
        )
    return whole, len(data) - len(whole)


def _covariances(x, draws, seed):
    """Return the items' covariances in the sample and in bootstrap draws of respondents."""
    return fits.covariances(
        fits.grams(np.column_stack([np.ones(len(x)), x]), np.arange(len(x)), draws, seed)
    )


def one_factor(cov, rounds=300):
    """Return loadings and unique variances of one factor behind items (maximum likelihood), for
    many covariance matrices at once.

    Source: Rubin & Thayer (1982), Psychometrika 47 (expectation and maximisation), run on
    correlations and scaled back.
    """
    sd = np.sqrt(np.einsum("bii->bi", cov))
    r = fits.correlations(cov)
    values, vectors = np.linalg.eigh(r)
    load = vectors[:, :, -1] * np.sqrt(np.maximum(values[:, -1:], 1e-9) * 0.8)
    load *= np.sign(load.sum(axis=1, keepdims=True))
    psi = np.clip(1 - load**2, 0.02, None)
    for _ in range(rounds):
        precision = load / psi
        spread = 1 / (1 + (load * precision).sum(axis=1))
        beta = precision * spread[:, None]
        cross = np.einsum("bij,bj->bi", r, beta)
        second = spread + np.einsum("bi,bi->b", beta, cross)
        new = cross / second[:, None]
        psi = np.clip(1 - new * cross, 0.005, None)
        if np.abs(new - load).max() < 1e-8:
            load = new
            break
        load = new
    return load * sd, psi * sd**2


@analysis
def reliability(table, scales, *, draws=500, seed=1, conf_level=0.95):
    """Do the items of a scale measure one and the same thing?

    Parameters
    ----------
    table : DataFrame
        One row a respondent, one column an item (see `wide`); reversed items turned round
        beforehand.
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

    rows, limits, most = (
        [],
        [
            Note(
                "drivers.reliability_limit",
                "0.7 is a custom, not a law; a high value does not show that there is one "
                "factor only.",
            )
        ],
        0,
    )
    for name, items in scales.items():
        x, lost = _answers(table, items, f"scale '{name}'")
        most = max(most, len(x))
        cov = _covariances(x, draws, seed)
        k = len(items)
        total = cov.sum(axis=(1, 2))
        found = {"alpha": k / (k - 1) * (1 - np.einsum("bii->b", cov) / total)}
        if k > 2:
            load, psi = one_factor(cov)
            found["omega"] = load.sum(axis=1) ** 2 / (load.sum(axis=1) ** 2 + psi.sum(axis=1))
            sd = np.sqrt(np.einsum("bii->bi", cov))
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
            limits.append(
                Note("drivers.left_out", "{n} rows with a missing value are left out.", n=lost)
            )
        rest = x.sum(axis=1, keepdims=True) - x
        negative = [
            i
            for i, own, others in zip(items, x.T, rest.T, strict=True)
            if np.corrcoef(own, others)[0, 1] < -intervals.z(conf_level) / np.sqrt(len(x))
        ]
        if negative:
            limits.append(
                Note(
                    "drivers.reversed",
                    "These items run against the others; turn them round first? {items:word}",
                    items=list(negative),
                )
            )
    return Result(
        question=Note(
            "drivers.reliability_question",
            "Do the items of a scale measure one and the same thing?",
        ),
        table=pd.DataFrame(rows),
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
            reference=0.7,
            xlabel=Note("drivers.reliability_axis", "Reliability (0 to 1)"),
        ),
    )


@analysis
def validity(table, scales, *, draws=500, seed=1, conf_level=0.95):
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
        raise InputError(
            "drivers.error_validity_at_least_two_scales", "validity: at least two scales are needed"
        )
    items = [i for v in scales.values() for i in v]
    x, lost = _answers(table, items, "scales")
    cov = _covariances(x, draws, seed)
    r = np.abs(fits.correlations(cov))
    at = {n: [items.index(i) for i in v] for n, v in scales.items()}

    def inner(a):
        own = r[:, a][:, :, a]
        k = len(a)
        return (own.sum(axis=(1, 2)) - k) / (k * (k - 1))

    # The average variance extracted: what a factor of a scale's own explains of its items.
    own_share = {
        n: float((one_factor(fits.correlations(cov[:1, a][:, :, a]))[0] ** 2).mean())
        for n, a in at.items()
        if len(a) > 2
    }
    rows, names = [], list(scales)
    for i, one in enumerate(names):
        for two in names[i + 1 :]:
            a, b = at[one], at[two]
            if len(a) < 2 or len(b) < 2:
                raise InputError(
                    "drivers.error_validity_each_scale_needs_two",
                    "validity: each scale needs two items",
                )
            own = inner(a) * inner(b)
            if own[0] <= 0:
                raise InputError(
                    "drivers.error_validity_the_items_of_or",
                    "validity: the items of '{one}' or '{two}' do not go together at all",
                    one=one,
                    two=two,
                )
            values = r[:, a][:, :, b].mean(axis=(1, 2)) / np.sqrt(np.maximum(own, 1e-12))
            se, low, high = intervals.percentiles(values[1:], values[0], conf_level)
            told = (
                bool(
                    min(own_share[one], own_share[two])
                    > np.corrcoef(x[:, a].mean(axis=1), x[:, b].mean(axis=1))[0, 1] ** 2
                )
                if len(a) > 2 and len(b) > 2
                else None
            )
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
            "Are two scales different things, or one thing asked twice?",
        ),
        table=pd.DataFrame(rows),
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
                "Two scales whose interval reaches 0.9 cannot be told apart on these answers.",
            ),
            *(
                [Note("drivers.left_out", "{n} rows with a missing value are left out.", n=lost)]
                if lost
                else []
            ),
        ),
        chart=Points(
            label=["scale", "other"],
            reference=0.9,
            xlabel=Note("drivers.validity_axis", "Heterotrait–monotrait ratio"),
        ),
    )


@analysis
def explore_factors(
    table, items, factors=None, *, rotation="promax", draws=200, seed=1, conf_level=0.95
):
    """How many things lie behind the items, and which items belong to which?

    Parameters
    ----------
    table : DataFrame
        One row a respondent, one column an item.
    items : list of str
        At least three.
    factors : int, optional
        None: as many as parallel analysis finds.
    rotation : str
        "promax" (factors may go together), "varimax" (with Kaiser's normalisation) or "none".
    draws, seed : int
        Of the random data of the parallel analysis.

    Returns
    -------
    Result
        item, factor (1, 2, …), n (respondents), estimate (loading), communality. No interval:
        rotated loadings have no simple one; use `structural` on new answers.
        Sampling adequacy (KMO), Bartlett's test and the eigenvalues beside random ones stand in
        `.limits`. `.model` is statsmodels' Factor result.

    Raises
    ------
    InputError
        For missing or constant items, or more factors than the items allow.
    NotEnoughData
        With fewer respondents than items, or where parallel analysis finds no factor and none was
        asked for.

    Source: maximum likelihood by statsmodels; Kaiser (1958, 1974), Psychometrika 23 and 39; promax
    Hendrickson & White (1964), power 4; parallel analysis Horn (1965), Psychometrika 30; Bartlett
    (1951).
    """
    import warnings

    import pandas as pd
    from scipy import stats
    from statsmodels.multivariate.factor import Factor

    one_of("rotation", rotation, ("promax", "varimax", "none"))
    x, _ = _answers(table, items, "items")
    n, k = x.shape
    if k < 3:
        raise InputError(
            "drivers.error_explore_factors_at_least_three",
            "explore_factors: at least three items are needed, found {k}",
            k=k,
        )
    r = np.corrcoef(x.T)
    own, axes = (v[..., ::-1] for v in np.linalg.eigh(r))
    rng = np.random.default_rng(seed)
    luck = np.array(
        [
            np.sort(np.linalg.eigvalsh(np.corrcoef(rng.normal(size=(n, k)).T)))[::-1]
            for _ in range(draws)
        ]
    )
    by_luck = np.quantile(luck, conf_level, axis=0)
    above = own > by_luck
    parallel = int(np.argmin(above)) if not above.all() else k
    if not parallel and factors is None:
        raise NotEnoughData(
            Note(
                "drivers.factors_none",
                "Parallel analysis finds no factor (largest eigenvalue {own:3}, {luck:3} "
                "in random data): these items share too little. Ask for a number of "
                "factors if you must.",
                own=own[0],
                luck=by_luck[0],
            )
        )
    m = parallel if factors is None else factors
    if (k - m) ** 2 - k - m < 0:
        raise InputError(
            "drivers.error_explore_factors_factors_are_too",
            "explore_factors: {m} factors are too many for {k} items",
            m=m,
            k=k,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # From the principal components: a start drawn at random would give another answer every
        # time.
        begin = axes[:, :m] * np.sqrt(own[:m] / 2)
        model = Factor(corr=r, n_factor=m, method="ml", nobs=n).fit(
            start=(begin, 1 - (begin**2).sum(axis=1))
        )
    load = np.asarray(model.loadings)
    load = load * np.where(load.sum(axis=0) < 0, -1, 1)
    together = np.eye(m)
    if m > 1 and rotation != "none":
        load = _varimax(load)
        if rotation == "promax":
            load, together = _promax(load)
    order = np.argsort(-(load**2).sum(axis=0), kind="stable")
    load = load[:, order] * np.where(load[:, order].sum(axis=0) < 0, -1, 1)
    inverse = np.linalg.inv(r)
    partial = -inverse / np.sqrt(np.outer(np.diag(inverse), np.diag(inverse)))
    off = ~np.eye(k, dtype=bool)
    kmo = (r[off] ** 2).sum() / ((r[off] ** 2).sum() + (partial[off] ** 2).sum())
    sphere = -(n - 1 - (2 * k + 5) / 6) * np.linalg.slogdet(r)[1]
    p = stats.chi2.sf(sphere, k * (k - 1) / 2)
    communal = 1 - np.asarray(model.uniqueness)
    result = pd.DataFrame(
        {
            "item": np.repeat(list(items), m),
            "factor": np.tile(np.arange(m) + 1, k),
            "n": n,
            "estimate": load.ravel(),
            "communality": np.repeat(communal, m),
        }
    )
    limits = [
        Note(
            "drivers.factors_number",
            "Parallel analysis finds {parallel}: eigenvalues {own:3} beside {luck:3} "
            "in random data.",
            parallel=parallel,
            own=list(own[: parallel + 1]),
            luck=list(by_luck[: parallel + 1]),
        ),
        Note(
            "drivers.factors_fit",
            "Sampling adequacy (KMO) {kmo:2}; Bartlett's test p: {p:p}.",
            kmo=kmo,
            p=float(p),
        ),
        Note(
            "drivers.factors_limit",
            "Factors are summaries; confirm them on new answers before you name them.",
        ),
    ]
    if m > 1 and rotation == "promax":
        limits.append(
            Note(
                "drivers.factors_corr",
                "Largest correlation between factors: {r:2}.",
                r=float(np.abs(together[np.triu_indices(m, 1)]).max()),
            )
        )
    if kmo < 0.6 or p > 0.05:
        limits.insert(
            0,
            Note(
                "drivers.factors_unfit",
                "These items share too little for factors (KMO under 0.6, or Bartlett's "
                "test not clear).",
            ),
        )
    whole = [item for item, u in zip(items, model.uniqueness, strict=True) if u < 1e-4]
    if whole:
        limits.insert(
            0,
            Note(
                "drivers.heywood",
                "{items:word}: explained entirely, a sign of too many factors or too few "
                "items (Heywood case).",
                items=list(whole),
            ),
        )
    if n < max(200, 5 * k):
        limits.append(
            Note(
                "drivers.few", "{n} are few; {least} is a common floor.", n=n, least=max(200, 5 * k)
            )
        )
    return Result(
        question=Note(
            "drivers.factors_question",
            "How many things lie behind the items, and which items belong to which?",
        ),
        table=result,
        method=Note(
            "drivers.factors_method",
            "Maximum-likelihood factors, rotation {rotation}; parallel analysis for their number.",
            rotation=rotation,
        ),
        unit="respondents",
        n=n,
        conf_level=conf_level,
        limits=tuple(limits),
        model=model,
        chart=Points(
            label=["item"],
            group="factor",
            reference=0,
            xlabel=Note("drivers.factors_axis", "Loading"),
        ),
    )


def _varimax(load, rounds=500):
    """Return varimax-rotated loadings, rows normalised first as Kaiser did (and R and SPSS do)."""
    h = np.sqrt((load**2).sum(axis=1, keepdims=True))
    a = load / np.maximum(h, 1e-12)
    turn, before = np.eye(a.shape[1]), 0.0
    for _ in range(rounds):
        b = a @ turn
        u, s, v = np.linalg.svd(a.T @ (b**3 - b * (b**2).mean(axis=0)))
        turn = u @ v
        if s.sum() < before * (1 + 1e-10):
            break
        before = s.sum()
    return a @ turn * h


def _promax(load, power=4):
    """Return promax-rotated loadings and the correlations of the factors."""
    target = load * np.abs(load) ** (power - 1)
    u = np.linalg.lstsq(load, target, rcond=None)[0]
    u = u @ np.diag(np.sqrt(np.diag(np.linalg.inv(u.T @ u))))
    inverse = np.linalg.inv(u)
    return load @ u, inverse @ inverse.T


@analysis
def scale_means(table, scales, *, cluster=None, conf_level=0.95):
    """How high do people score on each scale, such as involvement or trust?

    Parameters
    ----------
    table : DataFrame
        One row an answer, one column an item; reversed items turned round beforehand.
    scales : dict
        Name → items; a respondent's score is the mean of the items answered, given at least half of
        them.
    cluster : str, optional
        Column of the respondent where one answers several times.

    Returns
    -------
    Result
        scale, count (sum of scores), n (answers), estimate (mean score), std_error, conf_low,
        conf_high.

    Raises InputError for missing items, NotEnoughData where nobody answered half of a scale.

    Source: Zaichkowsky (1994), Journal of Advertising 23, for the ten items of personal
    involvement.
    """
    import pandas as pd

    rows = []
    for name, items in scales.items():
        fits.require(table, f"scale '{name}'", *items, cluster)
        values = table[list(items)].astype(float)
        told = (values.notna().mean(axis=1) >= 0.5).to_numpy()
        if not told.any():
            raise NotEnoughData(
                "drivers.error_scale_nobody_answered_half_of",
                "scale '{name}': nobody answered half of the items",
                name=name,
            )
        who = table[cluster].to_numpy() if cluster else np.arange(len(told))
        rows.append(
            {
                "scale": name,
                **intervals.mean(values.mean(axis=1).to_numpy()[told], who[told], conf_level),
            }
        )
    return Result(
        question=Note("drivers.scales_question", "How high do people score on each scale?"),
        table=pd.DataFrame(rows),
        method=Note(
            "drivers.scales_method",
            "Mean of the items answered (at least half); the respondent is the sampling unit.",
        ),
        unit="answers",
        n=max(r["n"] for r in rows),
        conf_level=conf_level,
        limits=(Note("drivers.scales_limit", "Check reliability before comparing scores."),),
        chart=Points(label=["scale"], xlabel=Note("drivers.scales_axis", "Mean score")),
    )


@analysis
def attitude(answers, *, conf_level=0.95):
    """How favourable is the attitude towards each brand: what people believe of it, times how good
    they find that?

    Parameters
    ----------
    answers : table with respondent_id, brand, belief_item, belief, evaluation
        belief (how likely the brand has the property) and evaluation (how good that is), both from
        −3 to +3; one row a respondent, brand and property.

    Returns
    -------
    Result
        brand, count (sum of scores), n (respondents), estimate (mean of the sum of belief ×
        evaluation), std_error, conf_low, conf_high. The respondent is the sampling unit; incomplete
        brands are left out and counted.

    Raises InputError for missing columns or answers outside −3 to +3.

    Source: Fishbein & Ajzen (1975), Belief, Attitude, Intention, and Behavior.
    """
    import pandas as pd

    fits.require(
        answers, "answers", "respondent_id", "brand", "belief_item", "belief", "evaluation"
    )
    given = answers[["belief", "evaluation"]].to_numpy(float)
    if (np.abs(given[np.isfinite(given)]) > 3).any():
        raise InputError(
            "drivers.error_answers_belief_and_evaluation_must",
            "answers: belief and evaluation must lie between -3 and +3; turn other "
            "scales into that first",
        )
    frame = answers.assign(product=given.prod(axis=1))
    per = frame.groupby(["brand", "respondent_id"], sort=True)["product"].agg(["sum", "count"])
    whole = per["count"] == answers["belief_item"].nunique()
    rows = []
    for brand, mine in per[whole].groupby(level=0):
        rows.append(
            {"brand": brand, **intervals.mean(mine["sum"], np.arange(len(mine)), conf_level)}
        )
    if not rows:
        raise NotEnoughData(
            "drivers.error_attitude_no_respondent_judged_every",
            "attitude: no respondent judged every property of a brand",
        )
    limits = [
        Note(
            "drivers.attitude_limit",
            "Which properties are asked about decides the score: compare brands on the "
            "same list only.",
        )
    ]
    if not whole.all():
        limits.append(
            Note(
                "drivers.left_out",
                "{n} rows with a missing value are left out.",
                n=int((~whole).sum()),
            )
        )
    return Result(
        question=Note(
            "drivers.attitude_question", "How favourable is the attitude towards each brand?"
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "drivers.attitude_method",
            "Sum over properties of belief × evaluation (both −3 to +3), averaged over "
            "respondents.",
        ),
        unit="respondents",
        n=int(answers["respondent_id"].nunique()),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["brand"], reference=0, xlabel=Note("drivers.attitude_axis", "Attitude score")
        ),
    )


@analysis
def service_gap(answers, *, conf_level=0.95):
    """Where does what people get fall short of what they expect?

    Parameters
    ----------
    answers : table with respondent_id, dimension, expectation, perception
        One row a respondent and dimension (such as reliability, assurance, tangibles, empathy,
        responsiveness), both on the same scale.

    Returns
    -------
    Result
        dimension, measure (service_gap: perception minus expectation; perception alone), count
        (sum), n (answers), estimate (mean), std_error, conf_low, conf_high. The respondent is the
        sampling unit; incomplete answers are left out and counted.

    Raises
    ------
    InputError
        For missing columns.
    NotEnoughData
        Without a complete answer.

    Source: Parasuraman, Zeithaml & Berry (1988), Journal of Retailing 64; perception alone: Cronin
    & Taylor (1992), Journal of Marketing 56.
    """
    import pandas as pd

    fits.require(answers, "answers", "respondent_id", "dimension", "expectation", "perception")
    whole = answers.dropna(subset=["expectation", "perception"])
    if not len(whole):
        raise NotEnoughData(
            "drivers.error_service_gap_there_is_no", "service_gap: there is no complete answer"
        )
    rows = []
    for name, mine in whole.groupby("dimension", sort=True):
        for measure, values in (
            ("service_gap", mine["perception"] - mine["expectation"]),
            ("perception", mine["perception"]),
        ):
            rows.append(
                {
                    "dimension": name,
                    "measure": measure,
                    **intervals.mean(values, mine["respondent_id"], conf_level),
                }
            )
    limits = [
        Note(
            "drivers.gap_limit",
            "Differences of two ratings are less reliable than either: read the "
            "perception alone beside them.",
        )
    ]
    if len(whole) < len(answers):
        limits.append(
            Note(
                "drivers.left_out",
                "{n} rows with a missing value are left out.",
                n=len(answers) - len(whole),
            )
        )
    if whole["respondent_id"].nunique() < 100:
        limits.append(
            Note(
                "drivers.few",
                "{n} are few; {least} is a common floor.",
                n=whole["respondent_id"].nunique(),
                least=100,
            )
        )
    return Result(
        question=Note(
            "drivers.gap_question", "Where does what people get fall short of what they expect?"
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "drivers.gap_method",
            "Means of perception minus expectation; the respondent is the sampling unit.",
        ),
        unit="answers",
        n=len(whole),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["dimension"],
            only={"measure": "service_gap"},
            reference=0,
            xlabel=Note("drivers.gap_axis", "Perception minus expectation"),
        ),
    )
