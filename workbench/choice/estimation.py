"""What a fitted choice model can do, whatever its kind: chances, and how they move with an
attribute.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import special

from workbench import discrete_choice, intervals
from workbench.errors import InputError, need_columns
from workbench.notes import Note
from workbench.stats.choices import probabilities
from workbench.stats.latent_class import unfold
from workbench.stats.mixed_logit import transform
from workbench.stats.nested_logit import nested_chances


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted conditional logit, and the ground of the other models.

    `params` (P) and `cov` (P × P, clustered on customers) by term; `loglik` and `loglik_null`
    (equal shares over what was available); `names` the alternatives; `attributes` the columns used;
    `gradient` the largest absolute score at the optimum, `iterations` the steps taken, `base` the
    alternative without a constant (None if none has one), `profile` the limits of a penalised fit.
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
    profile: tuple = None

    kind = "conditional"

    def interval(self, conf_level):
        """Return the limits of the estimates: of the profile where the fit is a penalised one."""
        if self.profile is not None:
            return self.profile
        return intervals.normal(self.params.to_numpy(), self.errors, conf_level)

    @property
    def errors(self):
        """The standard errors."""
        return np.sqrt(np.maximum(np.diag(self.cov), 0))

    def complete(self):
        """Return the fit; else refuse one of which not all weights have an estimate and an error,
        since nothing follows from it.
        """
        known = np.isfinite(self.params.to_numpy()) & np.isfinite(np.diag(self.cov))
        if not known.all():
            raise InputError(
                "choice.error_withheld",
                "fit: no finite estimate exists for {terms:header}, so nothing can be predicted; "
                "fit the model without it, or a conditional logit with penalty='{penalty}'",
                terms=self.params.index[~known].tolist(),
                penalty="firth",
            )
        return self

    def probabilities(self, choices):
        """Return choice probabilities, choices × alternatives; 0 where an alternative was not
        available.
        """
        self.complete()
        return self.chances(self.params.to_numpy(), self.design(choices))

    def design(self, choices):
        """Return choices laid out as this fit sees them."""
        return discrete_choice.lay_out(
            choices, self.attributes, self.base is not None, self.names, self.base
        )

    def chances(self, params, d):
        """Return the chances of the alternatives of a layout under some parameters."""
        return probabilities(d.x @ params, d.available)

    def before_and_after(self, params, before, after):
        """Return the shares of the alternatives in two layouts, and their differences."""
        a, b = (self.chances(params, d).mean(axis=0) for d in (before, after))
        return np.concatenate([a, b, b - a])

    def pulls(self, params, d, where):
        """Return by how much each share moves with the logarithm of each alternative's attribute, J
        × J, summed over choices.
        """
        p, level = self.chances(params, d), _level(d, where) * params[where]
        return np.diag((p * level).sum(axis=0)) - p.T @ (p * level)

    def worth(self, params, price):
        """Return what one unit of every attribute but the price is worth in money: an array, one
        value a row of `worth_rows`.
        """
        at = self.attributes.index(price)
        return np.array(
            [-params[i] / params[at] for i, a in enumerate(self.attributes) if a != price]
        )

    def worth_rows(self, price):
        """Return the keys of the rows of `worth`."""
        return [{"term": a} for a in self.attributes if a != price]

    def price_weights(self, price):
        """Return the estimates whose intervals must lie below 0 before anything may be expressed in
        money: [(value, error)]; None where the weight of money may be 0 for somebody.
        """
        return [(self.params[price], float(np.sqrt(self.cov.loc[price, price])))]


def _level(d, where):
    return np.where(d.available, d.x[:, :, where], 0.0)


@dataclass(frozen=True, eq=False)
class NestedFit(Fit):
    """A nested logit: `nests` gives the nest number of each alternative, `dissimilarity` the place
    of each nest's lambda in `params` (−1: fixed at 1).
    """

    nests: np.ndarray = None
    dissimilarity: np.ndarray = None

    kind = "nested"

    def interval(self, conf_level):
        """Return the limits of weights, and of lambdas, which are above 0: on the logarithm."""
        low, high = (v.copy() for v in super().interval(conf_level))
        at = np.unique(self.dissimilarity[self.dissimilarity >= 0])
        low[at], high[at] = intervals.positive(
            self.params.to_numpy()[at], self.errors[at], conf_level
        )
        return low, high

    def scales(self, params):
        """Return the lambda of every nest."""
        return np.where(self.dissimilarity < 0, 1.0, np.append(params, 1.0)[self.dissimilarity])

    def chances(self, params, d):
        return nested_chances(
            d.x @ params[: d.x.shape[2]], d.available, self.nests, self.scales(params)
        )[0]

    def pulls(self, params, d, where):
        lam = self.scales(params)
        p, within, _, _ = nested_chances(d.x @ params[: d.x.shape[2]], d.available, self.nests, lam)
        level = _level(d, where) * params[where]
        own = self.nests[:, None] == self.nests[None, :]
        lam = lam[self.nests]
        # d ln P_j / d V_k = [j=k]/λ − [same nest](1−λ)/λ · P(k|nest) − P_k
        cross = np.where(own, ((p / lam).T @ ((1 - lam) * within * level)), 0.0)
        return np.diag((p / lam * level).sum(axis=0)) - cross - p.T @ (p * level)


@dataclass(frozen=True, eq=False)
class MixedFit(Fit):
    """A mixed logit: `kinds` = term → distribution, `draws` (customers of an average: R × random
    terms) the fixed draws chances are averaged over.
    """

    kinds: dict = field(default_factory=dict)
    draws: np.ndarray = None

    kind = "mixed"

    def interval(self, conf_level):
        """Return the limits; a spread has no sign: what lies below 0 is the same spread above."""
        low, high = (v.copy() for v in super().interval(conf_level))
        k = len(low) - len(self.kinds)
        low[k:] = np.maximum(low[k:], 0.0)
        return low, high

    def taste(self, params, z):
        """Return the weights of every draw, R × P, from draws R × random terms."""
        p = len(self.params) - len(self.kinds)
        beta = np.repeat(params[None, :p], len(z), axis=0)
        for i, (term, kind) in enumerate(self.kinds.items()):
            at = list(self.params.index).index(term)
            beta[:, at] = transform(kind, params[at], params[p + i], z[:, i])[0]
        return beta

    def chances(self, params, d):
        beta = self.taste(params, self.draws)
        return sum(probabilities(d.x @ b, d.available) for b in beta) / len(beta)

    def pulls(self, params, d, where):
        total, level = 0.0, _level(d, where)
        for b in self.taste(params, self.draws):
            p = probabilities(d.x @ b, d.available)
            total = (
                total + np.diag((p * level).sum(axis=0) * b[where]) - p.T @ (p * level) * b[where]
            )
        return total / len(self.draws)

    def worth(self, params, price):
        beta = self.taste(params, self.draws)
        at = self.attributes.index(price)
        ratio = -beta / beta[:, [at]]
        return np.array([ratio[:, i].mean() for i, a in enumerate(self.attributes) if a != price])

    def price_weights(self, price):
        kind = self.kinds.get(price)
        if kind == "negative_lognormal":
            return []  # below 0 by its form
        if kind is not None:
            return None
        return super().price_weights(price)


def trait_values(choices, membership):
    """Return every customer's traits, checked: a column of the choices, one value a customer, none
    missing.
    """
    table = discrete_choice.frame(choices)
    need_columns("membership", table.columns, *membership)
    for name in membership:
        if (table.groupby("customer_id")[name].nunique(dropna=False) > 1).any():
            raise InputError(
                "choice.error_trait_differs",
                "membership: '{name}' differs between the rows of a customer",
                name=name,
            )
        if not np.isfinite(table[name].to_numpy(float)).all():
            raise InputError(
                "choice.error_trait_missing",
                "membership: '{name}' has missing values",
                name=name,
            )
    return table.drop_duplicates("customer_id").set_index("customer_id")[list(membership)]


@dataclass(frozen=True, eq=False)
class ClassFit(Fit):
    """A latent-class logit: `classes` kinds of people, `posterior` (customers × classes) and
    `people` (their ids).

    `traits` gives mean and spread of every membership trait among those the model was fitted to.
    """

    classes: int = 1
    posterior: np.ndarray = None
    people: np.ndarray = None
    membership: tuple = ()
    traits: tuple = ()

    kind = "latent_class"

    @property
    def shares(self):
        """The sizes of the classes at average membership (K)."""
        return self.split(self.params.to_numpy())[1]

    def split(self, params):
        """Return the weights a class (K × P) and the sizes of the classes at average membership
        (K).
        """
        beta, gamma = unfold(params, self.classes, 1 + len(self.membership))
        return beta, special.softmax(gamma[:, 0])

    def design(self, choices):
        """Return choices laid out as this fit sees them, with the traits of who made them."""
        d = super().design(choices)
        own = trait_values(choices, self.membership)
        z = [
            (own[name].reindex(d.customer).to_numpy(float) - mean) / sd
            for name, (mean, sd) in zip(self.membership, self.traits, strict=True)
        ]
        return replace(d, traits=np.column_stack([np.ones(len(d.chosen)), *z]))

    def sizes(self, params, d):
        """Return every chooser's chances of belonging to each class, N × K."""
        return special.softmax(
            d.traits @ unfold(params, self.classes, 1 + len(self.membership))[1].T, axis=1
        )

    def chances(self, params, d):
        shares = self.sizes(params, d)
        return sum(
            s[:, None] * probabilities(d.x @ b, d.available)
            for b, s in zip(self.split(params)[0], shares.T, strict=True)
        )

    def pulls(self, params, d, where):
        shares = self.sizes(params, d)
        level, total = _level(d, where), 0.0
        for b, s in zip(self.split(params)[0], shares.T, strict=True):
            p = probabilities(d.x @ b, d.available)
            w = p * s[:, None]
            total = total + b[where] * (np.diag((w * level).sum(axis=0)) - w.T @ (p * level))
        return total

    def worth(self, params, price):
        beta, _ = self.split(params)
        at = self.attributes.index(price)
        return np.concatenate(
            [[-b[i] / b[at] for i, a in enumerate(self.attributes) if a != price] for b in beta]
        )

    def worth_rows(self, price):
        return [
            {"term": a, "class": k + 1}
            for k in range(self.classes)
            for a in self.attributes
            if a != price
        ]

    def price_weights(self, price):
        return [
            (
                self.params[f"class {k + 1}: {price}"],
                float(np.sqrt(self.cov.loc[f"class {k + 1}: {price}", f"class {k + 1}: {price}"])),
            )
            for k in range(self.classes)
        ]


def withheld(table):
    """Say which terms have no finite estimate, and what to do."""
    gone = table.loc[table["estimate"].isna(), "term"].tolist()
    if not gone:
        return []
    return [
        Note(
            "choice.withheld",
            "No finite estimate exists for {terms:header}: it decides every choice it bears on, "
            "alone or with other terms, so the likelihood rises without end. Use the penalised "
            "estimate (penalty='{penalty}'), leave it out, or merge alternatives.",
            terms=gone,
            penalty="firth",
        )
    ]
