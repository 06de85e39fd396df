"""From blocks of numbers to columns of a table."""

import numpy as np
import pandas as pd

from workbench.simulate import world as w


def in_order(block, by):
    """Return columns with their rows ordered by some of them."""
    order = np.lexsort([block[k] for k in reversed(by)])
    return {k: v[order] for k, v in block.items()}


def words(names, codes):
    """Return text from codes, -1 as missing, without making a Python string per row."""
    codes = np.asarray(codes, np.int64)
    return pd.array(list(names), dtype="str").take(codes, allow_fill=bool((codes < 0).any()))


def stamps(days):
    """Return days since the start as UTC timestamps, to the millisecond; infinite is missing."""
    days = np.asarray(days, float)
    known = np.isfinite(days)
    micros = (np.where(known, days, 0) * 86_400_000).astype(np.int64) * 1000 + w.START
    stamps = pd.Series(micros.astype("datetime64[us]")).dt.tz_localize("UTC")
    return stamps.where(known).array
