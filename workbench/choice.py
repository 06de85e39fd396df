"""Why this one and not another? Choice among alternatives, what a change would be worth, and how sure we are."""

from dataclasses import dataclass

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.results import Result, analysis
from workbench.texts import number, percent, t, word


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted conditional logit.

    `params` (P) and `cov` (P × P, clustered on customers) by term; `loglik` and `loglik_null` (equal shares over what
    was available); `names` the alternatives; `attributes` the columns used; `gradient` the largest absolute score at the
    optimum, `iterations` the Newton steps taken, `base` the alternative without a constant (None if none has one).
    """

    params: object
    cov: object
    loglik: float
    loglik_null: float
    choices: int
    customers: int
    names: tuple
    attributes: tuple
    base: object
    gradient: float
    iterations: int

    def probabilities(self, choices):
        """Return choice probabilities, choices × alternatives; 0 where an alternative was not available."""
        d = self.design(choices)
        return _probabilities(d.x @ self.params.to_numpy(), d.available)

    def design(self, choices):
        """Return choices laid out as this fit sees them."""
        return _design(choices, self.attributes, self.base is not None, self.names, self.base)


@analysis
def conditional_logit(choices, attributes, *, constants=True, conf_level=0.95):
    """How do price and the other attributes go with what people choose?

    The chance of an alternative is exp(V) over the sum of exp(V) of everything available, V a
    weighted sum of its attributes plus a constant of its own.

    Parameters
    ----------
    choices : table with choice_id, customer_id, alternative, chosen, and optionally available
        One row per choice and alternative; exactly one chosen in each choice.
    attributes : list of str
        Numeric columns that differ between the alternatives of a choice.
    constants : bool
        Whether every alternative but the most chosen has a constant.

    Returns
    -------
    Result
        term, n (choices), estimate (change in log-odds per unit), std_error, conf_low, conf_high. Customers, not
        rows, are the sampling unit. `.model` is a `Fit`.

    Raises
    ------
    InputError
        If an attribute is missing, constant, collinear or separates the choices perfectly, an
        alternative is never chosen, or a choice has no or several chosen alternatives.
    NotEnoughData
        With fewer than two customers.

    Source: McFadden (1974), in Zarembka (ed.), Frontiers in Econometrics; Train (2009), chapter 3.
    """
    import pandas as pd

    schemas.require(choices, "choices", *attributes)
    d = _design(choices, tuple(attributes), constants)
    _check(d, constants)
    beta, p, iterations, top = _newton(d)
    rows, terms = np.arange(len(d.chosen)), d.terms
    loglik = float(np.log(p[rows, d.chosen]).sum())
    scores = d.x[rows, d.chosen] - np.einsum("nj,njp->np", p, d.x)
    groups = np.unique(d.customer, return_inverse=True)[1]
    g = int(groups.max()) + 1
    if g < 2:
        raise NotEnoughData("conditional_logit: one customer only; nothing can be said about people in general")
    summed = np.zeros((g, len(terms)))
    np.add.at(summed, groups, scores)
    bread = np.linalg.inv(_hessian(d.x, p))
    cov = bread @ (summed.T @ summed) @ bread * g / (g - 1)
    se = np.sqrt(np.diag(cov))
    low, high = intervals.normal(beta, se, conf_level)
    null = float(-np.log(d.available.sum(axis=1)).sum())
    fit = Fit(pd.Series(beta, terms), pd.DataFrame(cov, terms, terms), loglik, null, len(rows), g, d.names,
              tuple(attributes), d.base, top, iterations)
    table = pd.DataFrame({"term": terms, "n": len(rows), "estimate": beta, "std_error": se, "conf_low": low, "conf_high": high})
    rarest = int(np.bincount(d.chosen, minlength=len(d.names)).min())
    limits = [t("choice.associational"), t("choice.iia"), t("choice.fit", rho=number(1 - loglik / null, 3), k=number(g))]
    if "loyalty" in attributes or "last_bought" in attributes:
        limits.append(t("choice.habit"))
    if d.base is not None:
        limits.append(t("choice.base", base=d.base))
    if "imputed" in _frame(choices) and "price" in attributes:
        limits.append(t("choice.carried"))
    if rarest < 10 * len(terms):
        limits.append(t("choice.rare", n=number(rarest)))
    shown = table[~table["term"].str.startswith("constant: ")]
    return Result(question=t("choice.question"), table=table, method=t("choice.method"), unit="choices", n=len(rows),
                  conf_level=conf_level, evidence="associational", limits=tuple(limits), model=fit,
                  chart={"kind": "points", "label": ["term"], "xlabel": t("choice.axis"), "reference": 0,
                         "only": {"term": list(shown["term"])}})


@analysis
def elasticities(fit, choices, attribute="price", *, conf_level=0.95):
    """If one alternative's price rises by one percent, by how many percent do the shares change?

    Parameters
    ----------
    fit : Fit or Result of `conditional_logit`
    choices : the choices to average over
    attribute : str
        A positive attribute of the fit.

    Returns
    -------
    Result
        alternative (whose share moves), changed (whose attribute rises), kind (own or cross), n (choices), estimate,
        std_error, conf_low, conf_high. Share-weighted averages; delta method with customers as sampling unit.

    Source: Train (2009), Discrete Choice Methods with Simulation, section 3.6.
    """
    import pandas as pd

    fit = getattr(fit, "model", fit)
    if attribute not in fit.attributes:
        raise unknown("attribute", "attribute", attribute, fit.attributes)
    d = fit.design(choices)
    x, available = d.x, d.available
    where = list(fit.params.index).index(attribute)
    level = np.where(available, x[:, :, where], 0.0)

    def compute(beta):
        p = _probabilities(x @ beta, available)
        weight = p / p.sum(axis=0)
        pull = beta[where] * level
        cross = -np.einsum("nj,nk->jk", weight, pull * p)
        return (cross + np.diag((weight * pull).sum(axis=0))).ravel()

    estimate, se = _delta(compute, fit)
    low, high = intervals.normal(estimate, se, conf_level)
    pairs = [(a, b) for a in fit.names for b in fit.names]
    table = pd.DataFrame({"alternative": [a for a, _ in pairs], "changed": [b for _, b in pairs],
                          "kind": ["own" if a == b else "cross" for a, b in pairs], "n": len(x), "estimate": estimate,
                          "std_error": se, "conf_low": low, "conf_high": high})
    return Result(question=t("choice.elasticity_question", attribute=word(attribute)), table=table, unit="choices",
                  method=t("choice.elasticity_method"), n=len(x), conf_level=conf_level, evidence="associational",
                  limits=(t("choice.elasticity_limit"), t("choice.associational")),
                  chart={"kind": "points", "label": ["alternative"], "only": {"kind": "own"}, "reference": 0,
                         "xlabel": t("choice.elasticity_axis", attribute=word(attribute))})


@analysis
def willingness_to_pay(fit, price="price", *, conf_level=0.95):
    """How much more would people pay for one unit of each other attribute?

    Returns a Result with term, n, estimate (units of price), std_error, conf_low, conf_high: minus the
    attribute's weight over the price's. Interval: delta method with customers as sampling unit. Where the
    price's own weight is not clearly below 0 the ratios are missing, and `.limits` says so.

    Source: Train (2009), section 3.6; Daly, Hess & de Jong (2012), Transportation Research B 46.
    """
    import pandas as pd

    fit = getattr(fit, "model", fit)
    if price not in fit.attributes:
        raise unknown("price", "attribute", price, fit.attributes)
    low, high = intervals.normal(fit.params[price], np.sqrt(fit.cov.loc[price, price]), conf_level)
    limits = [t("choice.wtp_limit"), t("choice.associational")]
    terms = [a for a in fit.attributes if a != price]
    where = [list(fit.params.index).index(a) for a in terms]
    money = list(fit.params.index).index(price)
    estimate, se = _delta(lambda beta: -beta[where] / beta[money], fit)
    if not high < 0:
        # Without a clearly negative weight of money, money is no yardstick and the ratio means nothing.
        estimate, se = np.full(len(terms), np.nan), np.full(len(terms), np.nan)
        limits.insert(0, t("choice.wtp_none", low=number(low, 3), high=number(high, 3)))
    low, high = intervals.normal(estimate, se, conf_level)
    table = pd.DataFrame({"term": terms, "n": fit.choices, "estimate": estimate, "std_error": se, "conf_low": low, "conf_high": high})
    return Result(question=t("choice.wtp_question"), table=table, method=t("choice.wtp_method"), unit="choices",
                  n=fit.choices, conf_level=conf_level, evidence="associational",
                  limits=tuple(limits),
                  chart={"kind": "points", "label": ["term"], "reference": 0, "xlabel": t("choice.wtp_axis")})


@analysis
def holdout(choices, attributes, *, share=0.2, seed=1, conf_level=0.95):
    """Does the model foretell choices of households it has never seen, better than simple rules?

    A share of the customers is set aside; the model, plain market shares and "the same as last time" are
    fitted on the others. Shares are spread over what is available; the last rule gives the last choice the
    repeat rate of the others, and the rest by share.

    Returns
    -------
    Result
        rule, measure (hit_rate, log_score), count (hits, or sum of log chances), n (choices set aside), estimate,
        std_error, conf_low, conf_high. The customer is the sampling unit.

    Raises NotEnoughData when too few customers are left on either side.

    Source: Hastie, Tibshirani & Friedman (2009), chapter 7.
    """
    import pandas as pd

    choices = _frame(choices)
    schemas.require(choices, "choices", "last_bought", *attributes)
    people = np.sort(choices["customer_id"].unique())
    aside = np.random.default_rng(seed).permutation(people)[: max(int(len(people) * share), 1)]
    if len(people) - len(aside) < 2:
        raise NotEnoughData("holdout: too few customers to set some aside")
    held = choices["customer_id"].isin(aside)
    train, test = choices[~held], choices[held]
    fit = conditional_logit(train, attributes).model
    d = fit.design(test)
    available, chosen, customer = d.available, d.chosen, d.customer
    bought = train[train["chosen"].astype(bool)]
    shares = bought["alternative"].value_counts().reindex(fit.names, fill_value=0).to_numpy(float)
    by_share = np.where(available, shares / shares.sum(), 0)
    by_share /= by_share.sum(axis=1, keepdims=True)
    last = (d.wide(test["last_bought"], 0) > 0) & available
    known = bought[train.groupby("choice_id")["last_bought"].transform("any").reindex(bought.index)]
    repeat = known["last_bought"].mean() if len(known) else 0.0
    others = np.where(last, 0, by_share)
    room = others.sum(axis=1, keepdims=True)
    by_last = np.where(last.any(axis=1, keepdims=True) & (room > 0), repeat * last + (1 - repeat) * others / np.where(room > 0, room, 1),
                       by_share)
    rows, out = np.arange(len(chosen)), []
    for rule, p in (("model", fit.probabilities(test)), ("market_shares", by_share), ("last_choice", by_last)):
        hit = p.argmax(axis=1) == chosen
        score = np.log(np.maximum(p[rows, chosen], 1e-12))
        for measure, values in (("hit_rate", hit.astype(float)), ("log_score", score)):
            per = pd.DataFrame({"c": customer, "v": values}).groupby("c")["v"].agg(["sum", "size"])
            estimate, se, low, high = intervals.ratio(per["sum"], per["size"], conf_level)
            out.append({"rule": rule, "measure": measure, "count": float(values.sum()), "n": len(values), "estimate": estimate,
                        "std_error": se, "conf_low": low, "conf_high": high})
    return Result(question=t("choice.holdout_question"), table=pd.DataFrame(out), unit="choices", n=len(chosen),
                  method=t("choice.holdout_method", people=number(len(aside)), share=percent(share, 0)), conf_level=conf_level,
                  evidence="associational", limits=(t("choice.holdout_limit"),),
                  chart={"kind": "points", "label": ["rule"], "only": {"measure": "hit_rate"}, "percent": True,
                         "xlabel": t("choice.holdout_axis")})


@analysis
def compare_rules(variants, attributes, *, term="price", conf_level=0.95):
    """How much does the answer depend on the rule by which prices were filled in?

    Parameters
    ----------
    variants : dict
        Name of the rule → object with `.table` (choices) and `.imputed` (share of prices filled in).

    Returns
    -------
    Result
        rule, imputed (share of available prices carried forward), n (choices), estimate (weight of `term`), std_error,
        conf_low, conf_high.
    """
    import pandas as pd

    rows, limits = [], [t("choice.rules_limit")]
    for name, made in variants.items():
        try:
            fit = conditional_logit(made.table, attributes, conf_level=conf_level)
        except (InputError, NotEnoughData) as reason:
            limits.append(t("choice.rules_failed", rule=word(name), reason=str(reason)))
            rows.append({"rule": name, "imputed": made.imputed, "n": made.table["choice_id"].nunique(),
                         **dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), np.nan)})
            continue
        row = fit.table.set_index("term").loc[term]
        rows.append({"rule": name, "imputed": made.imputed, "n": fit.n, **row[["estimate", "std_error", "conf_low", "conf_high"]]})
    return Result(question=t("choice.rules_question"), table=pd.DataFrame(rows), method=t("choice.method"), unit="choices",
                  n=int(max(r["n"] for r in rows)), conf_level=conf_level, evidence="associational",
                  limits=tuple(limits), chart={
                      "kind": "points", "label": ["rule"], "reference": 0, "xlabel": t("choice.rules_axis", term=word(term))})


def _frame(choices):
    """Return the choices as a pandas DataFrame, whatever they came as."""
    import pandas as pd

    return choices if isinstance(choices, pd.DataFrame) else engine.run("SELECT * FROM c", c=choices)


@dataclass(frozen=True, eq=False)
class _Design:
    """Choices as arrays: x (N × J × P), available (N × J), chosen and customer (N), and the layout of the long table."""

    x: np.ndarray
    available: np.ndarray
    chosen: np.ndarray
    customer: np.ndarray
    names: tuple
    terms: list
    base: object
    row: np.ndarray
    column: np.ndarray

    def wide(self, values, fill=np.nan):
        """Return a column of the long table as N × J."""
        return _spread(values, self.row, self.column, self.available.shape, fill)


def _spread(values, row, column, shape, fill):
    out = np.full(shape, fill, float)
    out[row, column] = np.asarray(values, float)
    return out


def _design(choices, attributes, constants, names=None, base=None):
    """Lay choices out as arrays; `names` and `base` fix alternatives and base where a fit has set them."""
    choices = _frame(choices)
    if not len(choices):
        raise NotEnoughData("choices: the table is empty")
    if names is None:
        names = tuple(sorted(choices["alternative"].unique(), key=str))
    place = {name: i for i, name in enumerate(names)}
    column = choices["alternative"].map(place)
    if column.isna().any():
        raise unknown("choices", "alternative", choices.loc[column.isna(), "alternative"].iloc[0], names)
    ids, first, row = np.unique(choices["choice_id"].to_numpy(), return_index=True, return_inverse=True)
    column, shape = column.to_numpy(int), (len(ids), len(names))
    if len(np.unique(row * shape[1] + column)) < len(row):
        raise InputError("choices: some alternatives stand twice in one choice")
    chosen = _spread(choices["chosen"], row, column, shape, 0) > 0
    wrong = np.flatnonzero(chosen.sum(axis=1) != 1)
    if len(wrong):
        raise InputError(f"choices: {len(wrong):,} choices do not have exactly one chosen alternative, such as choice "
                         f"'{ids[wrong[0]]}' with {int(chosen[wrong[0]].sum())}")
    here = choices["available"] if "available" in choices else np.ones(len(choices))
    available = _spread(here, row, column, shape, 0) > 0
    if (chosen & ~available).any():
        raise InputError(f"choices: {int((chosen & ~available).sum()):,} chosen alternatives are marked as not available")
    x = np.stack([_spread(choices[a], row, column, shape, np.nan) for a in attributes], axis=2) \
        if attributes else np.zeros((*shape, 0))
    lacking = ~np.isfinite(x) & available[:, :, None]
    if lacking.any():
        bad = [a for a, hit in zip(attributes, lacking.any(axis=(0, 1)), strict=True) if hit]
        raise InputError(f"choices: {int(lacking.any(axis=2).sum()):,} available alternatives lack a value of "
                         f"{', '.join(bad)}; fill it in or mark them as not available")
    x, terms = np.where(available[:, :, None], x, 0.0), list(attributes)
    if constants:
        base = names[int(chosen.sum(axis=0).argmax())] if base is None else base
        keep = [i for i, name in enumerate(names) if name != base]
        x = np.concatenate([x, np.broadcast_to(np.eye(len(names))[:, keep], (*shape, len(keep)))], axis=2)
        terms += [f"constant: {names[i]}" for i in keep]
    return _Design(x, available, chosen.argmax(axis=1), choices["customer_id"].to_numpy()[first], names, terms, base, row, column)


def _check(d, constants):
    """Refuse designs whose estimates would be silent nonsense."""
    counts = np.bincount(d.chosen, minlength=len(d.names))
    if constants and (counts == 0).any():
        name = d.names[int(np.flatnonzero(counts == 0)[0])]
        raise InputError(f"choices: '{name}' is never chosen, so its constant has no finite estimate; leave the alternative out")
    if (d.available.sum(axis=1) < 2).all():
        raise NotEnoughData("choices: no choice offers two alternatives")
    # What all alternatives of a choice share cancels out: only differences within a choice inform.
    weight = d.available[:, :, None] / d.available.sum(axis=1)[:, None, None]
    within = np.where(d.available[:, :, None], d.x - (d.x * weight).sum(axis=1, keepdims=True), 0.0).reshape(-1, d.x.shape[2])
    spread = np.sqrt((within**2).mean(axis=0))
    flat = [term for term, s in zip(d.terms, spread, strict=True) if s < 1e-10]
    if flat:
        raise InputError(f"attributes: {', '.join(flat)} never differs between the alternatives of a choice; leave it out")
    gram = (within / spread).T @ (within / spread) / len(within)
    values, vectors = np.linalg.eigh(gram)
    if values[0] < 1e-9 * values[-1]:
        involved = [term for term, v in zip(d.terms, vectors[:, 0], strict=True) if abs(v) > 0.1]
        raise InputError(f"attributes: {', '.join(involved)} carry the same information (collinear); leave one out")


def _probabilities(v, available):
    v = np.where(available, v, -np.inf)
    e = np.exp(v - v.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _hessian(x, p):
    """Return minus the second derivative of the log-likelihood: the spread of attributes around their expectation."""
    n, j, k = x.shape
    mean = np.einsum("nj,njp->np", p, x)
    weighted = (x * np.sqrt(p)[:, :, None]).reshape(n * j, k)
    return weighted.T @ weighted - mean.T @ mean


def _newton(d, most=50):
    """Maximise the likelihood by Newton steps with halving; returns weights, chances, steps and the largest score."""
    x, rows = d.x, np.arange(len(d.chosen))
    scale = np.maximum(np.sqrt((x**2).mean(axis=(0, 1))), 1e-12)
    x = x / scale
    beta = np.zeros(x.shape[2])
    p = _probabilities(x @ beta, d.available)
    value = np.log(p[rows, d.chosen]).sum()
    picked = x[rows, d.chosen].sum(axis=0)
    for step in range(1, most + 1):
        gradient = picked - np.einsum("nj,njp->p", p, x)
        if np.abs(gradient).max() < 1e-7 * max(len(rows), 1):
            break
        try:
            move = np.linalg.solve(_hessian(x, p), gradient)
        except np.linalg.LinAlgError:
            raise _separated(d, beta) from None
        for _ in range(30):
            p_new = _probabilities(x @ (beta + move), d.available)
            with np.errstate(divide="ignore"):
                new = np.log(p_new[rows, d.chosen]).sum()
            if new >= value - 1e-12:
                break
            move = move / 2
        beta, p, value = beta + move, p_new, new
        if np.abs(beta).max() > 500 or value > -1e-6 * len(rows):
            raise _separated(d, beta)
    else:
        raise InputError(f"conditional_logit: no optimum after {most} steps (largest score {np.abs(gradient).max():.3g}); "
                         "check for attributes that nearly decide the choice")
    # Where an attribute always decides, steps of about one go on for ever while the score fades below any
    # tolerance: two more steps tell such a weight from a settled one.
    further = np.linalg.lstsq(_hessian(x, p), picked - np.einsum("nj,njp->p", p, x), rcond=None)[0]
    pull = np.abs(further) * np.abs(x).max(axis=(0, 1))
    if pull.max() > 0.1:
        raise _separated(d, pull)
    return beta / scale, p, step, float(np.abs(gradient * scale).max())


def _separated(d, beta):
    term = d.terms[int(np.abs(beta).argmax())]
    return InputError(f"conditional_logit: '{term}' (nearly) decides every choice by itself, so its weight has no finite "
                      "estimate; leave it out or merge alternatives")


def _delta(compute, fit):
    """Return a function of the weights and its standard errors by the delta method (central differences)."""
    beta = fit.params.to_numpy()
    se = np.sqrt(np.diag(fit.cov))
    jacobian = []
    for k in range(len(beta)):
        step = np.zeros(len(beta))
        step[k] = max(1e-4 * se[k], 1e-9)
        jacobian.append((compute(beta + step) - compute(beta - step)) / (2 * step[k]))
    jacobian = np.array(jacobian)
    return compute(beta), np.sqrt(np.maximum(np.einsum("pa,pq,qa->a", jacobian, fit.cov.to_numpy(), jacobian), 0))
