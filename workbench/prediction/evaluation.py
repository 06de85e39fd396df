"""How well probabilities did: measures of predictions against what happened."""

import numpy as np
from scipy import special


class Judge:
    """Measures of one model's chances against what came, for any weights of the customers; sorted
    once, so that a draw of the bootstrap is a few sums.
    """

    def __init__(self, y, chance, value, cost):
        self.y, self.chance, self.value, self.cost = y, chance, value, cost
        # From the highest chance down, ties together.
        levels, self.at = np.unique(-chance.round(12), return_inverse=True)
        self.k = len(levels)
        self.logit = special.logit(np.clip(chance, 1e-9, 1 - 1e-9))
        self.slope = self._slope(np.ones(len(y)), np.array([0.0, 1.0]), 25)

    def __call__(self, weights):
        y, w = self.y, weights
        hits, all_ = np.bincount(self.at, w * y, self.k), np.bincount(self.at, w, self.k)
        n, good = all_.sum(), hits.sum()
        if not 0 < good < n:
            return np.full(6 + (self.cost is not None), np.nan)
        found, seen = np.cumsum(hits), np.cumsum(all_)
        misses = all_ - hits
        # Of a returner and a leaver drawn at random: how often has the returner the higher chance;
        # ties count half.
        auc = (hits * (misses.sum() - np.cumsum(misses) + misses / 2)).sum() / (good * misses.sum())
        precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
        average = (hits * precision).sum() / good
        brier = (w * (self.chance - y) ** 2).sum() / n
        tenth = n / 10
        last = int(np.searchsorted(seen, tenth))
        before, caught = (seen[last - 1], found[last - 1]) if last else (0.0, 0.0)
        # Of a tie at the border the part that fits in, with its share of hits.
        caught += (tenth - before) * (hits[last] / all_[last] if all_[last] else 0.0)
        out = [
            auc,
            average,
            brier,
            self._slope(w, self.slope, 3)[1],
            (w * (self.chance - y)).sum() / n,
            caught / tenth / (good / n),
        ]
        if self.cost is not None:
            out.append(
                (w * (self.chance * self.value > self.cost) * (y * self.value - self.cost)).sum()
                / n
            )
        return np.array(out)

    def _slope(self, w, begin, steps):
        """Return intercept and slope of what came on the logit of the chance, by Newton's steps."""
        x, b = np.column_stack([np.ones(len(self.y)), self.logit]), begin
        for _ in range(steps):
            p = special.expit(x @ b)
            h = (x * (w * p * (1 - p))[:, None]).T @ x
            if not np.isfinite(h).all() or np.linalg.cond(h) > 1e12:
                return np.full(2, np.nan)
            b = b + np.linalg.solve(h, x.T @ (w * (self.y - p)))
        return b
