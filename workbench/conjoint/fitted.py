"""Part-worths as they were fitted: what can be asked of them."""

from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError
from workbench.stats.choice_designs import effects_coding


@dataclass(frozen=True, eq=False)
class PartWorths:
    """Fitted part-worths: `levels` = attribute → its levels (None for a numeric one), `params` and
    `cov` by weight, and the `layout` they were fitted on.
    """

    levels: dict
    params: object
    cov: object
    layout: object
    loglik: float

    def spans(self):
        """Return attribute → slice of its weights."""
        out, at = {}, 0
        for name, levels in self.levels.items():
            size = 1 if levels is None else len(levels) - 1
            out[name], at = slice(at, at + size), at + size
        return out

    def coding(self, name):
        """Return the effects coding of an attribute, one weight for a numeric one."""
        levels = self.levels[name]
        return np.eye(1) if levels is None else effects_coding(len(levels))

    def full(self, params, name):
        """Return the part-worths of all levels of an attribute."""
        return (
            effects_coding(len(self.levels[name])) @ np.asarray(params)[..., self.spans()[name]].T
        )

    def complete(self):
        """Return itself; refuse part-worths of which some are missing, by their names."""
        gone = self.params.index[self.params.isna()].tolist()
        if gone:
            raise InputError(
                "conjoint.error_incomplete",
                "part_worths: {terms:text} has no finite estimate, so nothing follows from it; fit "
                "again with penalty='{penalty}', or leave the attribute out",
                terms=gone,
                penalty="firth",
            )
        return self

    def importance(self, params, spread):
        """Return the share of each attribute in the sum of all ranges; `spread` gives the lowest
        and the highest of each number shown.
        """
        ranges = np.array(
            [
                (
                    np.ptp(self.full(params, n))
                    if v is not None
                    else abs(float(params[self.spans()[n]][0])) * (spread[n][1] - spread[n][0])
                )
                for n, v in self.levels.items()
            ]
        )
        return ranges / ranges.sum()

    def in_money(self, params, price):
        """Return what each level is worth beside the first of its attribute, in units of price."""
        money = -params[..., self.spans()[price].start]
        full = [self.full(params, n) for n, levels in self.levels.items() if levels is not None]
        return np.concatenate([(f[1:] - f[:1]) / money for f in full])
