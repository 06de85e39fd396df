"""Choices laid out as arrays, checked, and fitted where every weight has to have an estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench import attributes as offered
from workbench import engine
from workbench import names as own
from workbench.errors import InputError, NotEnoughData, need_columns, one_of, unknown
from workbench.notes import Note
from workbench.stats import choices as estimators
from workbench.stats import resample

__all__ = [
    "Layout",
    "all_chosen",
    "check",
    "checked",
    "estimated",
    "fitted",
    "frame",
    "lay_out",
    "places",
    "settled",
]


def __dir__():
    return __all__


NEEDED = ("choice_id", "customer_id", "alternative", "chosen")


@dataclass(frozen=True, eq=False)
class Layout(estimators.Offers):
    """Choices as arrays.

    `x` (N × J × P) attributes and constants, 0 where not available; `available` (N × J); `chosen`
    and `customer` (N);
    `names` the alternatives, `terms` the P columns, `base` the alternative without a constant;
    `row`, `column` the places of the long table's rows; `traits` (N × traits) what a fit knows of
    the chooser.
    """

    customer: np.ndarray
    names: tuple
    terms: list
    base: object
    row: np.ndarray
    column: np.ndarray
    traits: np.ndarray = None

    def wide(self, values, fill=np.nan):
        """Return a column of the long table as N × J."""
        return _spread(values, self.row, self.column, self.available.shape, fill)

    def groups(self):
        """Return the number of each choice's customer (0, 1, …) and how many there are."""
        names, number = np.unique(self.customer, return_inverse=True)
        return number, len(names)

    def take(self, choices):
        """Return the layout of some of its choices; the places in the long table no longer hold."""
        return Layout(
            self.x[choices],
            self.available[choices],
            self.chosen[choices],
            self.customer[choices],
            self.names,
            self.terms,
            self.base,
            self.row[:0],
            self.column[:0],
            None if self.traits is None else self.traits[choices],
        )


def _sortable(ids):
    """Return ids of one kind; mixed ones as they are written."""
    import pandas as pd

    if pd.api.types.infer_dtype(ids).startswith("mixed"):
        return ids.map(own.written).to_numpy(object)
    return ids.to_numpy()


def frame(choices):
    """Return the choices as a pandas DataFrame, whatever they came as."""
    import pandas as pd

    return (
        choices if isinstance(choices, pd.DataFrame) else engine.run("SELECT * FROM c", c=choices)
    )


def checked(choices):
    """Return choices that have the columns, the rows and the ids they need; else refuse them."""
    need_columns("choices", choices.columns, *NEEDED)
    if not len(choices):
        raise NotEnoughData("discrete.error_empty", "choices: the table is empty")
    lacking = int((choices["choice_id"].isna() | choices["choice_id"].isin([""])).sum())
    if lacking:
        raise InputError(
            "discrete.error_no_choice",
            "choices: {lacking} rows have no choice_id, so nobody can tell what they were chosen "
            "from",
            lacking=lacking,
        )
    return choices


def _here(choices):
    """Return whether every alternative was available; all were where nothing is said."""
    if "available" not in choices:
        return np.ones(len(choices))
    return offered.column(choices, "available").fillna(0)


def _offers(choices, attributes, constants, at):
    """Return the attributes as an array of choices, alternatives and attributes."""
    row, column, shape = at
    if not attributes:
        return np.zeros((*shape, 0))
    each = [offered.column(choices, a) for a in attributes]
    bare = offered.without_any(choices, each, constants)
    return np.stack([_spread(v.mask(bare, 0.0), row, column, shape, np.nan) for v in each], axis=2)


def lay_out(choices, attributes, constants, names=None, base=None) -> Layout:
    """Lay choices out as arrays; `names` and `base` fix alternatives and base where a fit has set
    them.

    Raises InputError where a choice has no or several chosen alternatives, an alternative twice, or
    lacks a value.
    """
    import pandas as pd

    choices = checked(frame(choices))
    code, kinds = pd.factorize(choices["alternative"], use_na_sentinel=False)
    if names is None:
        names = tuple(sorted((k for k in kinds if not pd.isna(k)), key=str))
    place = {name: i for i, name in enumerate(names)}
    for kind in kinds:
        if kind not in place:
            raise unknown("choices", "alternative", kind, names)
    column = np.array([place[k] for k in kinds])[code]
    ids, first, row = np.unique(
        _sortable(choices["choice_id"]), return_index=True, return_inverse=True
    )
    shape = (len(ids), len(names))
    if len(np.unique(row * shape[1] + column)) < len(row):
        raise InputError(
            "discrete.error_twice",
            "choices: some alternatives stand twice in one choice",
        )
    chosen = _spread(offered.column(choices, "chosen"), row, column, shape, 0) > 0
    wrong = np.flatnonzero(chosen.sum(axis=1) != 1)
    if len(wrong):
        raise InputError(
            "discrete.error_chosen",
            "choices: {n_wrong} choices do not have exactly one chosen alternative, "
            "such as choice '{ids}' with {chosen}",
            n_wrong=len(wrong),
            ids=ids[wrong[0]],
            chosen=int(chosen[wrong[0]].sum()),
        )
    customer = _sortable(choices["customer_id"])
    if pd.isna(customer).any():
        raise InputError(
            "discrete.error_no_customer",
            "choices: {customer} rows have no customer_id",
            customer=int(pd.isna(customer).sum()),
        )
    if (customer != customer[first][row]).any():
        raise InputError(
            "discrete.error_two_customers",
            "choices: the rows of a choice name different customers, such as choice '{ids}'",
            ids=ids[row[np.flatnonzero(customer != customer[first][row])[0]]],
        )
    available = _spread(_here(choices), row, column, shape, 0) > 0
    if (chosen & ~available).any():
        raise InputError(
            "discrete.error_unavailable",
            "choices: {chosen} chosen alternatives are marked as not available",
            chosen=int((chosen & ~available).sum()),
        )
    x = _offers(choices, attributes, constants, (row, column, shape))
    lacking = ~np.isfinite(x) & available[:, :, None]
    if lacking.any():
        bad = [a for a, hit in zip(attributes, lacking.any(axis=(0, 1)), strict=True) if hit]
        raise InputError(
            "discrete.error_missing",
            "choices: {lacking} available alternatives lack a value of {bad:text}; "
            "fill it in or mark them as not available",
            lacking=int(lacking.any(axis=2).sum()),
            bad=list(bad),
        )
    x, terms = np.where(available[:, :, None], x, 0.0), list(attributes)
    if constants:
        base = names[int(chosen.sum(axis=0).argmax())] if base is None else base
        keep = [i for i, name in enumerate(names) if name != base]
        x = np.concatenate(
            [x, np.broadcast_to(np.eye(len(names))[:, keep], (*shape, len(keep)))], axis=2
        )
        terms += [f"constant: {names[i]}" for i in keep]
    return Layout(
        x, available, chosen.argmax(axis=1), customer[first], names, terms, base, row, column
    )


def all_chosen(d) -> None:
    """Refuse layouts of which an alternative with a constant is never chosen."""
    never = np.flatnonzero(np.bincount(d.chosen, minlength=len(d.names)) == 0)
    if d.base is not None and len(never):
        raise InputError(
            "discrete.error_never_chosen",
            "choices: '{name}' is never chosen, so its constant has no finite "
            "estimate; leave the alternative out",
            name=d.names[int(never[0])],
        )


def check(d) -> None:
    """Refuse layouts whose estimates would be silent nonsense: one customer, constant within
    choices, collinear.
    """
    if len(np.unique(d.customer)) < 2:
        raise NotEnoughData(
            "discrete.error_one_customer",
            "choices: one customer only; nothing can be said about people in general",
        )
    if (d.available.sum(axis=1) < 2).all():
        raise NotEnoughData(
            "discrete.error_no_alternatives",
            "choices: no choice offers two alternatives",
        )
    # What all alternatives of a choice share cancels out: only differences within a choice inform.
    weight = d.available[:, :, None] / d.available.sum(axis=1)[:, None, None]
    within = np.where(
        d.available[:, :, None], d.x - (d.x * weight).sum(axis=1, keepdims=True), 0.0
    ).reshape(-1, d.x.shape[2])
    spread = np.sqrt((within**2).mean(axis=0))
    flat = [term for term, s in zip(d.terms, spread, strict=True) if s < 1e-10]
    if flat:
        raise InputError(
            "discrete.error_constant",
            "attributes: {flat:text} never differs between the alternatives of a "
            "choice; leave it out",
            flat=list(flat),
        )
    gram = (within / spread).T @ (within / spread) / len(within)
    values, vectors = np.linalg.eigh(gram)
    if values[0] < 1e-9 * values[-1]:
        involved = [term for term, v in zip(d.terms, vectors[:, 0], strict=True) if abs(v) > 0.1]
        raise InputError(
            "discrete.error_collinear",
            "attributes: {involved:text} carry the same information (collinear); leave one out",
            involved=list(involved),
        )


def places(d, people):
    """Return the place of every customer in an order that what they chose, and from what, alone
    decides; `people` is the number of each choice's customer.
    """
    # What is not available stands before all that is, wherever the attributes lie.
    x = np.where(d.available[:, :, None], d.x, -np.inf)
    content = [*x.reshape(len(x), -1).T, *d.available.T.astype(float), d.chosen]
    return resample.place(content, people)


def fitted(d, *, groups=None, weights=None, start=None):
    """Return a conditional logit of which every weight has a finite estimate.

    Raises InputError where a term decides choices, so that no finite estimate exists (judged on the
    data), or no optimum is found.
    """
    made = estimators.conditional_logit(d, groups=groups, weights=weights, start=start)
    if not made.recession.exists:
        gone = np.flatnonzero(~made.recession.finite())
        first = gone[np.argmax(np.abs(made.recession.direction[gone]))]
        raise InputError(
            "discrete.error_separation",
            "conditional_logit: '{term}' decides every choice it bears on, alone or with other "
            "terms, so its weight has no finite estimate; leave it out or merge alternatives",
            term=d.terms[int(first)],
        )
    return settled(made)


WITHHELD = Note(
    "discrete.withheld",
    "No finite estimate exists for {terms:header}: it decides every choice it bears on, alone or "
    "with other terms, so the likelihood rises without end. Use the penalised estimate "
    "(penalty='{penalty}'), leave it out, or merge it with another.",
    terms=[],
    penalty="firth",
)


def estimated(d, groups, *, penalty=None, conf_level: float = 0.95):
    """Return a conditional logit whose weights are missing where none is finite, or the penalised
    one, which exists for every table.
    """
    if penalty is None:
        return settled(estimators.conditional_logit(d, groups=groups))
    one_of("penalty", penalty, ("firth",))
    return settled(estimators.firth_conditional_logit(d, conf_level=conf_level))


def settled(made):
    """Return a conditional logit whose search came to rest; else refuse it."""
    if not made.settled:
        raise InputError(
            "discrete.error_no_optimum",
            "conditional_logit: no optimum after {most} steps (largest score "
            "{gradient:3}) although one exists; leave attributes out",
            most=made.steps,
            gradient=made.gradient,
        )
    return made


def _spread(values, row, column, shape, fill):
    out = np.full(shape, fill, float)
    out[row, column] = np.asarray(values, float)
    return out
