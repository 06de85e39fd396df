"""How good lists of recommendations are: hits, and what else a list does to a shop."""

import numpy as np

from workbench.stats import rankings

BATCH = 512  # customers whose scores are held at a time
HITS = ("ndcg", "recall", "precision", "average_precision")


def quality_of(places, history, rows, asked):
    """Return the measures of lists: of each customer, and of all together."""
    likeness, repeats = asked
    later = (history.after[rows] > 0).astype(float).tocsr()
    had = (history.before[rows] > 0).astype(float).tocsr()
    counts = later if repeats else later - later.multiply(had)
    relevant = np.asarray(counts.sum(axis=1)).ravel().round().astype(int) + history.missed[rows]
    shown = places >= 0
    safe = np.where(shown, places, 0)
    line = np.arange(len(rows))[:, None]
    hits = np.zeros(places.shape, bool)
    for begin in range(0, len(rows), BATCH):
        part = slice(begin, begin + BATCH)
        dense = counts[part].toarray()
        hits[part] = dense[line[part] - begin, safe[part]] > 0.5
    quality = rankings.list_quality(hits & shown, relevant)
    share = np.asarray((history.before > 0).sum(axis=0), float).ravel() / history.before.shape[0]
    exposure = np.bincount(places[shown], minlength=len(history.items))
    each = {
        **{m: getattr(quality, m) for m in HITS},
        "novelty": np.nanmean(np.where(shown, -np.log2(share[safe]), np.nan), axis=1),
    }
    if history.kinds is not None:
        each["miscalibration"] = _mix(places, had, history.kinds)
    together = {
        "coverage": float((exposure > 0).mean()),
        "exposure_gini": rankings.gini(exposure),
        "diversity": _diversity(places, likeness),
    }
    return each, together


def _mix(places, had, kinds):
    """Return how far the mix of categories of each list lies from that of its customer."""
    size = int(kinds.max()) + 1
    one_hot = np.eye(size)[kinds]
    own = had @ one_hot
    listed = np.where((places >= 0)[..., None], one_hot[np.maximum(places, 0)], 0.0).sum(axis=1)
    own, listed = (m / np.maximum(m.sum(axis=1, keepdims=True), 1e-12) for m in (own, listed))
    return rankings.miscalibration(own, listed)


def _diversity(places, likeness):
    """Return one less the mean likeness of two items of a list, over lists."""
    k = places.shape[1]
    if k < 2 or likeness is None:
        return np.nan
    dense = likeness.tocsr()
    total, pairs = 0.0, 0
    for i in range(k):
        for j in range(i + 1, k):
            both = (places[:, i] >= 0) & (places[:, j] >= 0)
            one, two = places[both, i], places[both, j]
            total += float(np.asarray(dense[one, two]).sum())
            pairs += int(both.sum())
    return 1 - total / pairs if pairs else np.nan
