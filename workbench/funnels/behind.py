"""Who stands behind a step of a funnel: whom it counts, and which of them stopped there."""

import datetime

import numpy as np

from workbench import engine
from workbench.funnels.kernels import Progress, walk


class Reached:
    """The kernel behind `conversion`: every customer's steps, and which of them is the last."""

    def __init__(self, rules):
        self.rules = rules

    def __call__(self, batch):
        _, _, reached, _ = walk(batch, self.rules)
        return _each(batch, self.rules.groups, reached)


class Seen(Progress):
    """The kernel behind `drop_off`: every customer seen at a step, and who went on from it."""

    def __call__(self, batch):
        rows = list(self.steps(batch))
        seen = _each(batch, self.groups, [mature for mature, _, _ in rows])
        on = _each(batch, self.groups, [went_on for _, went_on, _ in rows])
        pairs = [(t["at"] * self.groups + t["group"]) * len(rows) + t["step"] for t in (seen, on)]
        return seen | {"stopped": ~np.isin(*pairs)}


def _each(batch, groups, rows_by_step):
    """Return a row a customer, group and step behind rows, and whether it is their last step."""
    people = int(batch.customer[-1]) + 1 if len(batch) else 0
    inside = np.zeros((len(rows_by_step), people * groups), bool)
    for step, rows in enumerate(rows_by_step):
        group = batch["g"][rows] if groups > 1 else 0
        inside[step, batch.customer[rows] * groups + group] = True
    last = len(rows_by_step) - 1 - inside[::-1].argmax(axis=0)
    step, cell = np.nonzero(inside)
    at = cell // groups
    return {
        "customer": batch["customer"][np.searchsorted(batch.customer, at)],
        "at": at,
        "group": cell % groups,
        "step": step,
        "stopped": last[cell] == step,
    }


def walked(view, kernel):
    """Walk histories: of a customer and, where something is held, of each of its values."""
    by = ("customer", "held") if "held" in view.roles else ("customer",)
    return engine.map_ordered(view, kernel, by=by, then=("t", "k"))


def reached(prepared, by):
    """Return who reached which step of a prepared funnel: customer_id, [by,] step_number, step,
    stopped (no later one).
    """
    parts = prepared.run(Reached(prepared.rules))
    return _people(parts, prepared.names, prepared.groups, by, prepared.end)


def seen(view, progress, steps, groups, by):
    """Return who was seen at which step, and whether they did no later one in time."""
    kernel = Seen(progress.lookup, progress.width, progress.end, progress.groups)
    return _people(walked(view, kernel), steps, groups, by, progress.end)


def _people(parts, steps, groups, by, end):
    import pandas as pd

    step = parts["step"].to_numpy(int)
    table = pd.DataFrame({"customer_id": engine.written(parts["customer"])})
    if by:
        table[by] = np.array(groups, object)[parts["group"]]
    table = table.assign(
        step_number=step + 1,
        step=np.array(steps, object)[step],
        stopped=parts["stopped"].to_numpy(bool),
    )
    table.attrs["as_of"] = str(datetime.datetime.fromtimestamp(end / 1e6, datetime.UTC).date())
    return table
